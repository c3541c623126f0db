//! The command line of the load generator.

use std::{path::PathBuf, str::FromStr};

use clap::{Args, Parser, Subcommand, ValueEnum};
use serde::Serialize;

use crate::http::Target;

/// Open-loop load against a Doorward server on this machine.
#[derive(Debug, Parser)]
#[command(name = "doorward-loadtest", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Offer a load and report what became of it.
    Run(Run),
    /// Measure what this machine can do at most, and nothing else.
    Ceilings(Argon2),
    /// Measure start to ready and resident memory of a binary, against their budgets.
    Footprint(Footprint),
    /// Start servers, let everything go wrong, and check what clients saw.
    Chaos(crate::chaos::Options),
    /// Take the messages that the servers of `chaos` send; it starts this itself.
    #[command(hide = true)]
    Gateway(crate::chaos::Gateway),
    /// Measure what a request costs in clusters of one, three and five nodes, and what idle nodes cost.
    Scale(crate::scale::Options),
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// What each arrival does.
    #[arg(value_enum)]
    pub(crate) scenario: ScenarioName,
    /// The server's issuer; only a loopback address is accepted.
    #[arg(long, default_value = "http://localhost:11080")]
    pub(crate) target: Target,
    /// Arrivals per second.
    #[arg(long, default_value_t = 10.0)]
    pub(crate) rate: f64,
    /// How long arrivals go on, in seconds, at most 600.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=600))]
    pub(crate) seconds: u32,
    /// How arrivals are spread.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) arrivals: Arrivals,
    /// Decides arrivals and names of users. A data folder takes each seed once.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Users to register before the run.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) users: u32,
    /// What `doorward client create --trusted --output json` printed.
    #[arg(long, value_name = "FILE")]
    pub(crate) client: Option<PathBuf>,
    /// A redirect URI of that client; nothing is sent there.
    #[arg(long, default_value = "http://127.0.0.1:9/callback")]
    pub(crate) redirect_uri: String,
    /// The server's process, for its CPU time and memory.
    #[arg(long)]
    pub(crate) pid: Option<u32>,
    /// Where the report goes; a page with a chart is written beside it.
    #[arg(long, default_value = "loadtest.json", value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// The server's password hash, whose rate is the ceiling of sign-ins.
    #[command(flatten)]
    pub(crate) argon2: Argon2,
}

#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Argon2 {
    /// Argon2id parameters of the server: memory in KiB, passes, lanes.
    #[arg(long, default_value = "19456,2,1", value_name = "M,T,P")]
    pub(crate) argon2: Argon2Cost,
}

#[derive(Debug, Args)]
pub(crate) struct Footprint {
    /// The server's binary; the budgets are those of a release build.
    #[arg(long, default_value = "target/release/doorward", value_name = "FILE")]
    pub(crate) bin: PathBuf,
    /// Starts of each kind; the median counts.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) starts: u32,
    /// Sign-ins of the burst after which memory is looked at again.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) burst: u32,
    /// Seconds between the burst and that look.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(0..=600))]
    pub(crate) settle: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub(crate) enum ScenarioName {
    /// authorize, password, TOTP, code, tokens: a whole sign-in in a new browser.
    LoginTotp,
    /// authorize in a browser that is signed in, then code to tokens.
    AuthorizationCode,
    /// A refresh token, with rotation.
    Refresh,
    /// The userinfo endpoint with a live token.
    Userinfo,
    /// The discovery document.
    Discovery,
    /// The key set.
    Jwks,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Arrivals {
    /// Independent of each other, as people are.
    #[default]
    Poisson,
    /// At equal distances.
    Constant,
    /// One in each of as many equal intervals, at a drawn moment of it.
    Spread,
}

/// The cost of a password hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Argon2Cost {
    /// Memory, in KiB.
    pub(crate) m_kib: u32,
    /// Passes.
    pub(crate) t: u32,
    /// Lanes.
    pub(crate) p: u32,
}

impl FromStr for Argon2Cost {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let numbers: Result<Vec<u32>, _> = text.split(',').map(|number| number.trim().parse()).collect();
        match numbers.as_deref() {
            Ok(&[m_kib, t, p]) => Ok(Self { m_kib, t, p }),
            _ => Err("three numbers with commas between, such as 19456,2,1"),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn other_machines_are_not_loaded() {
        let line = |target| Cli::try_parse_from(["doorward-loadtest", "run", "jwks", "--target", target]);
        assert!(line("http://127.0.0.1:11080").is_ok());
        for target in ["http://192.0.2.1:11080", "http://id.example", "https://localhost:11080", "ftp://localhost"] {
            assert!(line(target).is_err(), "{target}");
        }
    }
}
