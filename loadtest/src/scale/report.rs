//! What is told of it: a table for people, and the same as JSON.

use std::fmt;

use serde::Serialize;

use super::{
    Cluster,
    figures::{Cost, Membership, TOLERATED},
    nodes,
    options::{Offer, Options},
};
use crate::{
    machine::{self, Machine},
    report::name,
};

/// Everything that is needed to judge the figures, and the figures.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    commit: Option<String>,
    machine: Machine,
    configuration: Configuration,
    /// By node and second, idle.
    membership: Vec<Membership>,
    scenarios: Vec<Scenario>,
    /// No visit costs much more on any cluster than on the first.
    pub(super) within: bool,
}

#[derive(Debug, Serialize)]
struct Configuration {
    /// Of passwords: they are not what is compared.
    argon2: &'static str,
    stores: usize,
    users: u16,
    rounds: u8,
    seconds: u8,
    seed: u64,
}

#[derive(Debug, Serialize)]
struct Scenario {
    #[serde(flatten)]
    load: Offer,
    clusters: Vec<Cost>,
}

impl Report {
    pub(super) fn of(options: &Options, clusters: &[Cluster]) -> Self {
        let membership: Vec<_> =
            clusters.iter().map(|cluster| Membership::of(cluster.nodes.count(), &cluster.idle)).collect();
        let scenario = |(at, load): (usize, &Offer)| {
            let costs = clusters.iter().zip(&membership).map(|(cluster, idle)| Cost::of(idle, &cluster.loaded[at]));
            let costs: Vec<_> = costs.collect();
            let first = costs.first().cloned();
            let clusters = costs.into_iter().filter_map(|cost| Some(cost.against(first.as_ref()?))).collect();
            Scenario { load: *load, clusters }
        };
        let scenarios: Vec<_> = options.load.iter().enumerate().map(scenario).collect();
        let within = scenarios.iter().flat_map(|scenario| &scenario.clusters).all(Cost::is_within);
        Self {
            commit: machine::commit(),
            machine: Machine::here(),
            configuration: Configuration {
                argon2: if options.full_hash { "as in production" } else { nodes::ARGON2 },
                stores: options.cql.len(),
                users: options.users,
                rounds: options.rounds,
                seconds: options.seconds,
                seed: options.seed,
            },
            membership,
            scenarios,
            within,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Machine { cores, processor, memory_mib, kernel } = &self.machine;
        let commit = self.commit.as_deref().unwrap_or("unknown");
        writeln!(f, "commit {commit}; {cores} cores of {processor}, {memory_mib} MiB, Linux {kernel}")?;
        let Configuration { argon2, stores, users, rounds, seconds, .. } = &self.configuration;
        writeln!(f, "{rounds} rounds of {seconds} s, {users} users, {stores} stores, Argon2id {argon2}")?;
        writeln!(f, "\nidle, by node and second")?;
        writeln!(f, "{:>7}{:>12}{:>16}{:>18}{:>14}", "nodes", "CPU", "gossip sent", "heartbeats sent", "store reads")?;
        for Membership { nodes, cpu_ms, gossip_bytes, peer_bytes, reads } in &self.membership {
            writeln!(f, "{nodes:>7}{cpu_ms:>9.1} ms{gossip_bytes:>14.0} B{peer_bytes:>16.0} B{reads:>14.1}")?;
        }
        writeln!(f, "\nCPU per visit, of all nodes, less that")?;
        writeln!(f, "{:<32}{:>6}{:>12}{:>18}{:>7}{:>9}", "", "nodes", "median", "rounds", "hops", "ratio")?;
        for Scenario { load, clusters } in &self.scenarios {
            for cost in clusters {
                let least = cost.rounds.iter().copied().fold(f64::INFINITY, f64::min);
                let most = cost.rounds.iter().copied().fold(0.0, f64::max);
                let title = format!("{} at {}/s", name(&load.scenario), load.rate);
                let Cost { nodes, cpu_ms_per_visit, hops_per_visit, ratio, failed, .. } = cost;
                let mark = if cost.is_within() { "PASS" } else { "FAIL" };
                write!(f, "{title:<32}{nodes:>6}{cpu_ms_per_visit:>9.3} ms{least:>9.3} – {most:<6.3}")?;
                write!(f, "{hops_per_visit:>7.2}{ratio:>9.3}   {mark}")?;
                writeln!(f, "{}", if *failed > 0 { format!("   {failed} visits failed") } else { String::new() })?;
            }
        }
        let verdict = if self.within { "holds" } else { "is missed" };
        writeln!(f, "\nat most {:.0} % more than on the first: {verdict}", 100.0 * TOLERATED)
    }
}
