//! The command line of `scale`.

use std::{fmt, path::PathBuf, str::FromStr, time::Duration};

use anyhow::ensure;
use clap::{Args, ValueEnum as _};
use serde::Serialize;

use crate::{cli::ScenarioName, schedule::float};

/// Seconds for which an authenticator shows one code.
const STEP: f64 = 30.0;

/// What is measured.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// The server's binary; the figures of another than a release build tell little.
    #[arg(long, default_value = "target/release/doorward", value_name = "FILE")]
    pub(crate) bin: PathBuf,
    /// Contact points of a CQL cluster, HOST:PORT with commas between.
    #[arg(long, value_delimiter = ',', required = true, value_name = "NODES")]
    pub(crate) cql: Vec<String>,
    /// How many nodes of the store keep a copy. One does for this measurement, which leaves the store out: three on one machine
    /// take the cores at rates at which the nodes are at work.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=9))]
    pub(crate) copies: u8,
    /// How many nodes the clusters have; the others are compared with the first. All of them are at work at the same time.
    #[arg(long, value_delimiter = ',', default_value = "1,3,5", value_parser = clap::value_parser!(u8).range(1..=9))]
    pub(crate) nodes: Vec<u8>,
    /// The mix that is judged: scenarios with their arrivals per second for each node, all at once.
    #[arg(long, value_delimiter = ',', default_value = "login_totp=2,authorization_code=4,refresh=16,userinfo=6")]
    #[arg(value_name = "SCENARIO=RATE")]
    pub(crate) mix: Vec<Offer>,
    /// What is offered by itself as well, to show which part costs what: one scenario after the other.
    #[arg(long, value_delimiter = ',', default_value = "refresh=40,authorization_code=20,userinfo=100,login_totp=1")]
    #[arg(value_name = "SCENARIO=RATE")]
    pub(crate) load: Vec<Offer>,
    /// Rounds; medians count.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..=50))]
    pub(crate) rounds: u8,
    /// How long each interval is, in seconds.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u8).range(1..=200))]
    pub(crate) seconds: u8,
    /// Users to register in each cluster. A number that no number of nodes divides: then users and nodes take turns with
    /// each other.
    #[arg(long, default_value_t = 311, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub(crate) users: u16,
    /// Threads of each node: all of them share the cores of this machine.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub(crate) threads: u8,
    /// The core that all nodes are pinned to, with `taskset`. Pin stores and this program to others.
    #[arg(long, value_name = "N")]
    pub(crate) core: Option<u16>,
    /// Hash passwords as the server does by default; otherwise the hash is cheap, since it costs the same on any number of nodes
    /// and would hide the rest.
    #[arg(long)]
    pub(crate) full_hash: bool,
    /// Decides the names of users.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Where the report goes.
    #[arg(long, default_value = "scale.json", value_name = "FILE")]
    pub(crate) out: PathBuf,
}

impl Options {
    /// The length of an interval.
    pub(crate) const fn length(&self) -> Duration {
        Duration::from_secs(self.seconds as u64)
    }

    /// Everything that is offered, one after the other: the mix, then each scenario by itself.
    pub(super) fn loads(&self) -> Vec<Load> {
        let alone = self.load.iter().map(|offer| Load(vec![*offer]));
        std::iter::once(Load(self.mix.clone())).chain(alone).collect()
    }

    /// Refuses what would measure something else than is meant.
    pub(super) fn check(&self, warm: Duration) -> anyhow::Result<()> {
        for (at, offer) in self.mix.iter().enumerate() {
            let twice = self.mix[..at].iter().any(|other| other.scenario == offer.scenario);
            ensure!(!twice, "--mix: {} is in it twice", crate::report::name(&offer.scenario));
        }
        for count in self.nodes.iter().filter(|count| **count > 1) {
            ensure!(
                !self.users.is_multiple_of(u16::from(*count)),
                "--users: a multiple of {count}, so that each user would always meet the same node"
            );
        }
        let most = f64::from(self.nodes.iter().copied().max().unwrap_or(1));
        let codes = |load: &&Offer| load.scenario == ScenarioName::LoginTotp;
        for load in self.mix.iter().chain(&self.load).filter(codes) {
            // Each user has a code for this half minute and one for the next.
            let length = (self.length() + warm).as_secs_f64();
            let spare = float(usize::from(self.users)) * (1.0 + (length / STEP).floor());
            let enough = most * load.rate * length <= spare;
            ensure!(enough, "--users: too few for {load} and node, since each has a new code every {STEP} s only");
        }
        Ok(())
    }
}

/// What is offered at once.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub(crate) struct Load(pub(crate) Vec<Offer>);

impl Load {
    /// Arrivals per second and node.
    pub(crate) fn rate(&self) -> f64 {
        self.0.iter().map(|offer| offer.rate).sum()
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [offer] => offer.fmt(f),
            _ => write!(f, "the mix, {}/s", self.rate()),
        }
    }
}

/// A scenario and its arrivals per second for each node.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Offer {
    pub(crate) scenario: ScenarioName,
    #[serde(rename = "rate_per_sec")]
    pub(crate) rate: f64,
}

impl FromStr for Offer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (scenario, rate) = text.split_once('=').ok_or("SCENARIO=RATE, such as refresh=40")?;
        let scenario = ScenarioName::from_str(scenario, false)?;
        let rate: f64 = rate.parse().map_err(|_| format!("{rate:?} is no rate"))?;
        if rate.is_finite() && rate > 0.0 { Ok(Self { scenario, rate }) } else { Err("a rate is above 0".to_owned()) }
    }
}

impl fmt::Display for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}/s", crate::report::name(&self.scenario), self.rate)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Verb};

    fn options(line: &str) -> Options {
        let line = ["doorward-loadtest", "scale", "--cql", "127.0.0.1:9042"].into_iter().chain(line.split_whitespace());
        match Cli::try_parse_from(line).expect("a command line").verb {
            Verb::Scale(options) => options,
            _ => panic!("another verb"),
        }
    }

    #[test]
    fn the_defaults_are_a_measurement() {
        options("").check(Duration::from_secs(3)).expect("they are");
    }

    #[test]
    fn users_that_always_meet_the_same_node_are_refused() {
        let check = |line| options(line).check(Duration::from_secs(3));
        check("--nodes 1,3 --users 145").expect("no multiple of 3");
        check("--nodes 1,5 --users 145").expect_err("a multiple of 5");
    }

    #[test]
    fn sign_ins_for_which_there_are_no_codes_are_refused() {
        let check = |line| options(line).check(Duration::from_secs(3));
        check("--load login_totp=2.7 --seconds 20").expect("310 of 311 on five nodes");
        check("--load login_totp=2.8 --seconds 20").expect_err("322 of 311 on five nodes");
        check("--mix login_totp=3,refresh=1 --seconds 20").expect_err("345 of 311 on five nodes");
        check("--load refresh=600 --seconds 20").expect("no codes needed");
    }

    #[test]
    fn a_mix_has_each_scenario_once() {
        options("--mix refresh=1,userinfo=2,refresh=3").check(Duration::from_secs(3)).expect_err("refresh twice");
        let loads = options("--mix refresh=1,userinfo=2 --load jwks=3").loads();
        let shown: Vec<_> = loads.iter().map(Load::to_string).collect();
        assert_eq!(shown, ["the mix, 3/s", "jwks at 3/s"]);
    }

    #[test]
    fn a_load_names_a_scenario_and_a_rate() {
        assert_eq!("userinfo=2.5".parse(), Ok(Offer { scenario: ScenarioName::Userinfo, rate: 2.5 }));
        for wrong in ["userinfo", "userinfo=", "userinfo=0", "userinfo=inf", "logins=1"] {
            assert!(wrong.parse::<Offer>().is_err(), "{wrong}");
        }
    }
}
