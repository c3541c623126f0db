//! The binary as operators and scripts meet it.

mod cli;
mod serve;
mod support;
mod tls;
