//! The binary as operators and scripts meet it.

mod backup;
mod cli;
mod copies;
mod migrate;
mod operator;
mod people;
mod secure;
mod serve;
mod shared;
mod support;
mod tls;
