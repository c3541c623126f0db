//! The binary as operators and scripts meet it.

mod cli;
mod operator;
mod people;
mod serve;
mod support;
mod tls;
