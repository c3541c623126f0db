//! What is told of it: a table for people, and the same as JSON.

use std::fmt;

use serde::Serialize;

use super::{
    Cluster,
    figures::{Cost, Membership, TOLERATED},
    nodes,
    options::{Load, Options},
};
use crate::machine::{self, Machine};

/// Everything that is needed to judge the figures, and the figures.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    commit: Option<String>,
    machine: Machine,
    configuration: Configuration,
    /// By node and second, idle.
    membership: Vec<Membership>,
    /// The mix first, which the bound is for.
    loads: Vec<Measured>,
    /// No visit of the mix costs much more on any cluster than on the first.
    pub(super) within: bool,
}

#[derive(Debug, Serialize)]
struct Configuration {
    /// How passwords are hashed.
    argon2: &'static str,
    stores: usize,
    threads_per_node: u8,
    /// The core that all nodes share with nobody who is not measured, if they are pinned.
    core: Option<u16>,
    users: u16,
    rounds: u8,
    seconds: u8,
    seed: u64,
}

#[derive(Debug, Serialize)]
struct Measured {
    /// Rates are those for each node.
    load: Load,
    clusters: Vec<Cost>,
}

impl Report {
    pub(super) fn of(options: &Options, clusters: &[Cluster]) -> Self {
        let membership: Vec<_> =
            clusters.iter().map(|cluster| Membership::of(cluster.nodes.count(), &cluster.idle)).collect();
        let measured = |(at, load): (usize, Load)| {
            let costs = clusters.iter().zip(&membership).map(|(cluster, idle)| Cost::of(idle, &cluster.loaded[at]));
            let costs: Vec<_> = costs.collect();
            let first = costs.first().cloned();
            let clusters = costs.into_iter().filter_map(|cost| Some(cost.against(first.as_ref()?))).collect();
            Measured { load, clusters }
        };
        let loads: Vec<_> = options.loads().into_iter().enumerate().map(measured).collect();
        let within = loads.first().is_some_and(|mix| mix.clusters.iter().all(Cost::is_within));
        Self {
            commit: machine::commit(),
            machine: Machine::here(),
            configuration: Configuration {
                argon2: if options.full_hash { "by default" } else { nodes::ARGON2 },
                stores: options.cql.len(),
                threads_per_node: options.threads,
                core: options.core,
                users: options.users,
                rounds: options.rounds,
                seconds: options.seconds,
                seed: options.seed,
            },
            membership,
            loads,
            within,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Machine { cores, processor, memory_mib, kernel } = &self.machine;
        let commit = self.commit.as_deref().unwrap_or("unknown");
        writeln!(f, "commit {commit}; {cores} cores of {processor}, {memory_mib} MiB, Linux {kernel}")?;
        let Configuration { argon2, stores, users, rounds, seconds, threads_per_node: threads, core, .. } =
            &self.configuration;
        writeln!(f, "{rounds} rounds of {seconds} s, {users} users, {stores} stores, {threads} threads a node")?;
        match core {
            Some(core) => writeln!(f, "all nodes pinned to core {core}")?,
            None => writeln!(f, "not pinned")?,
        }
        writeln!(f, "Argon2id {argon2}; rates are those for each node")?;
        writeln!(f, "\nidle, by node and second")?;
        writeln!(f, "{:>7}{:>12}{:>16}{:>18}{:>14}", "nodes", "CPU", "gossip sent", "heartbeats sent", "store reads")?;
        for Membership { nodes, cpu_ms, gossip_bytes, peer_bytes, reads } in &self.membership {
            writeln!(f, "{nodes:>7}{cpu_ms:>9.1} ms{gossip_bytes:>14.0} B{peer_bytes:>16.0} B{reads:>14.1}")?;
        }
        writeln!(f, "\nCPU per visit, of all nodes, less that")?;
        writeln!(f, "{:<32}{:>6}{:>12}{:>18}{:>7}{:>9}", "", "nodes", "median", "rounds", "hops", "ratio")?;
        for (at, Measured { load, clusters }) in self.loads.iter().enumerate() {
            for cost in clusters {
                let least = cost.rounds.iter().copied().fold(f64::INFINITY, f64::min);
                let most = cost.rounds.iter().copied().fold(0.0, f64::max);
                let title = load.to_string();
                let Cost { nodes, cpu_ms_per_visit, hops_per_visit, ratio, failures, .. } = cost;
                let mark = match (at, cost.is_within()) {
                    (0, true) => "PASS",
                    (0, false) => "FAIL",
                    _ => "",
                };
                write!(f, "{title:<32}{nodes:>6}{cpu_ms_per_visit:>9.3} ms{least:>9.3} – {most:<6.3}")?;
                write!(f, "{hops_per_visit:>7.2}{ratio:>9.3}   {mark}")?;
                let failed: Vec<_> = failures.iter().map(|(kind, count)| format!("{count} × {kind}")).collect();
                writeln!(f, "{}", failed.join(", "))?;
            }
        }
        let verdict = if self.within { "holds" } else { "is missed" };
        writeln!(f, "\nthe mix, at most {:.0} % more than on the first: {verdict}", 100.0 * TOLERATED)
    }
}
