//! What is told of a run: one JSON file for comparison, one table for people.

use std::{collections::BTreeMap, fmt, path::Path};

use anyhow::Context as _;
use serde::Serialize;

use crate::{
    ceiling::Ceilings,
    chart,
    cli::{Arrivals, ScenarioName},
    machine::Machine,
    pacer::Slip,
    tally::{Latency, Tally},
};

/// Everything that is needed to judge a figure, and the figures.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) commit: Option<String>,
    pub(crate) machine: Machine,
    pub(crate) load: Load,
    pub(crate) generator: Generator,
    pub(crate) server: Option<Server>,
    pub(crate) ceilings: Ceilings,
    /// How near the run came to them.
    pub(crate) reached: Reached,
    /// Visits done per second, from the first intended start to the last end.
    pub(crate) goodput_per_sec: f64,
    /// Of visits that were done, in milliseconds from the intended start.
    pub(crate) latency_ms: Latency,
    /// Of visits that were turned away with 429 or 503.
    pub(crate) refused_ms: Latency,
    pub(crate) failures: BTreeMap<String, u64>,
}

/// What was offered.
#[derive(Debug, Serialize)]
pub(crate) struct Load {
    pub(crate) scenario: ScenarioName,
    pub(crate) target: String,
    pub(crate) arrivals: Arrivals,
    pub(crate) rate_per_sec: f64,
    pub(crate) seconds: u32,
    pub(crate) seed: u64,
    pub(crate) users: usize,
}

/// How the generator did.
#[derive(Debug, Serialize)]
pub(crate) struct Generator {
    #[serde(flatten)]
    pub(crate) slip: Slip,
    /// More than 1 % of the arrivals were started late: the figures tell of the generator, not of the server.
    pub(crate) saturated: bool,
    /// Share of one core that it used.
    pub(crate) cpu_share: f64,
}

/// What it cost the server.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Server {
    /// CPU time per visit done.
    pub(crate) cpu_ms_per_visit: f64,
    /// Share of one core that it used.
    pub(crate) cpu_share: f64,
    /// Resident memory at the end.
    pub(crate) resident_kib: u64,
}

/// Fractions of the ceilings.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Reached {
    /// Goodput over what all cores could do if nothing but the unavoidable cost anything. Near 1 only at full load.
    pub(crate) of_rate: Option<f64>,
    /// Unavoidable CPU time over what the server used per visit. Says how much of its work is needed, at any load.
    pub(crate) of_cpu: Option<f64>,
}

impl Report {
    /// A name for the run.
    pub(crate) fn title(&self) -> String {
        format!("{} at {}/s", name(&self.load.scenario), self.load.rate_per_sec)
    }

    /// How long arrivals went on.
    pub(crate) fn seconds(&self) -> u32 {
        self.load.seconds
    }

    /// Writes the JSON file and, beside it, the page.
    pub(crate) fn write(&self, file: &Path, tally: &Tally) -> anyhow::Result<()> {
        let page = file.with_extension("html");
        std::fs::write(file, serde_json::to_vec_pretty(self)?).with_context(|| file.display().to_string())?;
        std::fs::write(&page, chart::page(self, tally)).with_context(|| page.display().to_string())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Machine { cores, processor, memory_mib, kernel } = &self.machine;
        let commit = self.commit.as_deref().unwrap_or("unknown");
        writeln!(f, "commit {commit}; {cores} cores of {processor}, {memory_mib} MiB, Linux {kernel}")?;
        let Load { arrivals, seconds, seed, users, .. } = &self.load;
        writeln!(f, "{}, {} arrivals for {seconds} s, seed {seed}, {users} users", self.title(), name(arrivals))?;
        if self.generator.saturated {
            writeln!(f, "SATURATED: the generator could not keep to its plan; offer less, or pin it to a core")?;
        }
        let slip = &self.generator.slip;
        writeln!(f, "\n{:<22}{:>10}", "arrivals", slip.started)?;
        writeln!(f, "{:<22}{:>10}   worst {:.1} ms", "started late", slip.late, slip.worst_secs * 1000.0)?;
        writeln!(f, "{:<22}{:>10.1} /s", "done", self.goodput_per_sec)?;
        row(f, "latency, done", &self.latency_ms)?;
        if self.refused_ms.count > 0 {
            row(f, "latency, turned away", &self.refused_ms)?;
        }
        for (kind, count) in &self.failures {
            writeln!(f, "{:<22}{count:>10}   {kind}", "failed")?;
        }
        writeln!(f, "{:<22}{:>10.2} cores", "generator", self.generator.cpu_share)?;
        if let Some(server) = self.server {
            let mib = server.resident_kib / 1024;
            writeln!(f, "{:<22}{:>10.2} cores, {mib} MiB resident", "server", server.cpu_share)?;
            writeln!(f, "{:<22}{:>10.3} ms", "server CPU per visit", server.cpu_ms_per_visit)?;
        }
        writeln!(f, "\n{}", self.ceilings)?;
        let percent = |f: &mut fmt::Formatter<'_>, what, share: Option<f64>| match share {
            Some(share) => writeln!(f, "{what:<22}{:>10.1} %", share * 100.0),
            None => Ok(()),
        };
        percent(f, "of the ceiling's rate", self.reached.of_rate)?;
        percent(f, "of the server's CPU", self.reached.of_cpu)
    }
}

fn row(f: &mut fmt::Formatter<'_>, what: &str, latency: &Latency) -> fmt::Result {
    let Latency { count, p50, p90, p99, p999, max, .. } = latency;
    writeln!(f, "{what:<22}{count:>10}   p50 {p50:.1}  p90 {p90:.1}  p99 {p99:.1}  p99.9 {p999:.1}  max {max:.1} ms")
}

/// The name of a choice as the command line has it.
pub(crate) fn name(choice: &impl Serialize) -> String {
    serde_json::to_value(choice).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}
