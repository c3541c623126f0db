//! What the verbs of the command line do, one file each, and how their endings become exit codes.

pub(crate) mod backup;
mod cluster;
mod config;
mod course;
mod data_keys;
mod healthcheck;
mod migrate;
mod operator;
mod policy;
mod pretty;
mod progress;
mod reach;
mod store;
mod templates;

use std::process::ExitCode;

use clap::Parser as _;

use crate::{
    cli::{Cli, KeysVerb, Verb},
    config::Loaded,
};

/// Wrong usage that only shows while a verb runs; exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

/// Reads the command line, does what it says and returns the exit code.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    match dispatch(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("doorward: {error:#}");
            if error.is::<Usage>() { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}

fn dispatch(cli: Cli) -> anyhow::Result<()> {
    // The schema is the same whatever is configured, even if that is refused.
    if let Verb::Config(crate::cli::ConfigVerb::Schema { output }) = cli.verb {
        return config::schema(output);
    }
    let loaded = Loaded::load(cli.config.as_deref(), std::env::vars_os())?;
    match cli.verb {
        Verb::Config(verb) => config::run(&verb, &loaded),
        Verb::Templates(verb) => templates::run(&verb, &loaded.config),
        Verb::Healthcheck => healthcheck::run(&loaded.config),
        Verb::Serve => crate::serve::run(&loaded.config),
        Verb::Cluster(verb) => cluster::run(verb, &loaded.config),
        Verb::Migrate(verb) => migrate::run(verb, &loaded.config),
        Verb::Backup(verb) => backup::run(verb, &loaded.config),
        Verb::Store(verb) => store::run(verb, &loaded.config),
        Verb::Client(verb) => operator::run_client(verb, &loaded.config),
        Verb::User(verb) => operator::run_user(verb, &loaded.config),
        Verb::Policy(verb) => policy::run(verb, &loaded.config),
        Verb::Keys(KeysVerb::Signing(verb)) => operator::run_signing(&verb, &loaded.config),
        Verb::Keys(KeysVerb::Data(verb)) => data_keys::run(verb, &loaded.config),
    }
}
