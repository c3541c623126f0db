//! `doorward-loadtest`: open-loop load against a server on this machine, and what the server costs.
//!
//! The arrivals are decided before the run ([`schedule`]) and wait for nobody ([`pacer`]); each walks one [`scenario`]
//! over HTTP, as browsers and applications do; latency counts from the intended start ([`tally`]); the [`report`] sets
//! what was reached against the [`ceiling`]s of this machine, measured in the same run.
#![expect(clippy::disallowed_methods, reason = "a load generator measures with the clocks themselves")]

mod ceiling;
mod chaos;
mod chart;
mod cli;
mod footprint;
mod http;
mod machine;
mod pacer;
mod page;
mod population;
mod ports;
mod report;
mod run;
mod scale;
mod scenario;
mod schedule;
mod tally;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::{Cli, Verb};

/// Exit codes: 0 done, 1 refused, failed or a budget missed (the reason is on stderr), 2 wrong usage.
fn main() -> ExitCode {
    match done(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("doorward-loadtest: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn done(cli: Cli) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match cli.verb {
        Verb::Run(run) => runtime.block_on(run::run(&run)),
        Verb::Ceilings(argon2) => {
            println!("{}", ceiling::Ceilings::measure(argon2.argon2)?);
            Ok(())
        }
        Verb::Footprint(footprint) => runtime.block_on(footprint::run(&footprint)),
        Verb::Chaos(options) => runtime.block_on(chaos::run(&options)),
        Verb::Gateway(gateway) => runtime.block_on(chaos::take_messages(&gateway)),
        Verb::Scale(options) => runtime.block_on(scale::run(&options)),
    }
}
