//! What a request costs in clusters of one, three and five nodes, and what nodes cost that serve nobody.
//!
//! 1. For each number of nodes a cluster of real processes ([`nodes`]) in a keyspace of its own, all over one CQL cluster.
//!    One node is a cluster of one member: like is compared with like.
//! 2. A round: everybody idle for a while, which tells what membership costs; then each load, on all clusters at the same
//!    time: what a visit costs changes by a tenth from one minute to the next, with what else the machine and its host do, and
//!    that must strike all of them. The rate is the same for each node, since more nodes are there for more requests. The
//!    requests go to the nodes in turn. Of N nodes N - 1 are not the owner, so (N - 1)/N of the requests that ask an account
//!    take a hop; the nodes' own counters say whether they did.
//! 3. CPU time of all processes of a cluster over the interval, less what they take when idle, by the visits done
//!    ([`figures`]). It is compared with that of the first cluster in the same round; the median of these ratios counts.
//!
//! The first load is a mix of all that people and applications ask for, and is what the bound is for; then comes each part by
//! itself.

mod counters;
mod figures;
mod nodes;
mod options;
mod report;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use futures_util::future::try_join_all;
use indicatif::{ProgressBar, ProgressStyle};

pub(crate) use self::options::Options;
use self::{
    counters::Counters,
    figures::{Failures, Idle, Loaded},
    nodes::Nodes,
    options::Load,
    report::Report,
};
use crate::{
    cli::Arrivals,
    http::Http,
    population::{self, User},
    run::offer,
    scenario::{Client, World},
    schedule::{self, float},
    tally::Visit,
};

/// Load before each interval, so that actors, connections and what follows a commit later are as they are during it.
const WARM: Duration = Duration::from_secs(3);
/// What commits leave to be done is done within this.
const SETTLED: Duration = Duration::from_secs(10);
/// Visits of an interval that may fail; beyond it the interval tells of something else.
const FAILED: f64 = 0.01;
/// An interval that tells of something else is measured again, up to this often in all.
const ATTEMPTS: u32 = 3;

/// Measures, reports, and fails if a request costs more on more nodes.
pub(crate) async fn run(options: &Options) -> anyhow::Result<()> {
    let bin = options.bin.canonicalize().with_context(|| format!("--bin: {}", options.bin.display()))?;
    let options = Options { bin, ..options.clone() };
    options.check(WARM)?;
    let mut clusters = Vec::new();
    for count in &options.nodes {
        println!("cluster of {count}: {} users", options.users);
        clusters.push(Cluster::start(&options, *count).await.with_context(|| format!("cluster of {count}"))?);
    }
    let loads = options.loads();
    let bar = ProgressBar::new(u64::from(options.rounds) * (1 + loads.len() as u64));
    bar.set_style(ProgressStyle::with_template("{msg:32} {bar:30} {pos}/{len} {eta}")?);
    for round in 1..=options.rounds {
        bar.set_message(format!("round {round}: idle"));
        idle(&options, &mut clusters).await?;
        bar.inc(1);
        for (at, load) in loads.iter().enumerate() {
            bar.set_message(format!("round {round}: {load}"));
            let mut loaded = all_loaded(&options, load, &mut clusters).await;
            for _ in 1..ATTEMPTS {
                if loaded.is_err() {
                    loaded = all_loaded(&options, load, &mut clusters).await;
                }
            }
            for (cluster, loaded) in clusters.iter_mut().zip(loaded.with_context(|| load.to_string())?) {
                cluster.loaded[at].push(loaded);
            }
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    let report = Report::of(&options, &clusters);
    print!("{report}");
    std::fs::write(&options.out, serde_json::to_vec_pretty(&report)?)
        .with_context(|| options.out.display().to_string())?;
    if !report.within {
        bail!("a request costs more than {:.0} % more CPU on more nodes", 100.0 * figures::TOLERATED);
    }
    Ok(())
}

/// What is offered at once: worlds with their arrivals per second.
type Parts = Vec<(Arc<World>, f64)>;

/// The nodes of one keyspace, who is registered there, and what was measured of them.
struct Cluster {
    nodes: Nodes,
    http: Http,
    client: Client,
    users: Vec<Arc<User>>,
    /// Visits offered so far: each has a number of its own.
    offered: usize,
    idle: Vec<Idle>,
    /// Rounds of each scenario.
    loaded: Vec<Vec<Loaded>>,
}

impl Cluster {
    async fn start(options: &Options, count: u8) -> anyhow::Result<Self> {
        let nodes = Nodes::start(options, usize::from(count)).await?;
        let (http, client) = (nodes.http()?, nodes.client()?);
        let users = population::register(&http, options.seed, usize::from(options.users)).await?;
        let loaded = options.loads().iter().map(|_| Vec::new()).collect();
        Ok(Self { nodes, http, client, users, offered: 0, idle: Vec::new(), loaded })
    }

    /// What is offered of this load: worlds with their arrivals per second, and everybody as signed in as they must be.
    async fn prepared(&self, options: &Options, load: &Load) -> anyhow::Result<Parts> {
        let mut parts = Vec::new();
        for part in &load.0 {
            let world = World {
                http: self.http.clone(),
                scenario: part.scenario,
                client: self.client.clone(),
                users: self.users.clone(),
                seed: options.seed,
            };
            world.prepare((options.length() + WARM).as_secs()).await?;
            parts.push((Arc::new(world), part.rate * float(self.nodes.count())));
        }
        Ok(parts)
    }

    /// One interval of load.
    async fn loaded(&mut self, parts: &Parts, length: Duration) -> anyhow::Result<Loaded> {
        let (before, cpu, start) = (Counters::read(&self.nodes).await?, self.nodes.cpu()?, Instant::now());
        let visits = self.visits(parts, length).await?;
        let (took, cpu) = (start.elapsed(), self.nodes.cpu()?.saturating_sub(cpu));
        let counted = Counters::read(&self.nodes).await?.since(&before);
        let done = visits.iter().filter(|visit| visit.result.is_ok()).count();
        let mut failures = Failures::new();
        for failure in visits.iter().filter_map(|visit| visit.result.as_ref().err()) {
            *failures.entry(failure.kind.to_string()).or_default() += 1;
        }
        if float(visits.len() - done) > FAILED * float(visits.len()) {
            bail!(
                "{} of {} visits failed on {} nodes: {failures:?}",
                visits.len() - done,
                visits.len(),
                self.nodes.count()
            );
        }
        let hops = counted.hops / float(done.max(1));
        ensure!(
            (self.nodes.count() > 1) == (hops > 0.0),
            "{hops:.2} hops a visit on {} nodes: this is not the cluster that was meant",
            self.nodes.count()
        );
        Ok(Loaded { done, failures, cpu, took, hops })
    }

    /// All parts at once.
    async fn visits(&mut self, parts: &Parts, length: Duration) -> anyhow::Result<Vec<Visit>> {
        let mut offers = Vec::new();
        for (world, rate) in parts {
            // As many on all clusters, and at moments that have nothing to do with those of another: at equal distances each visit of
            // the smallest cluster would meet one of every other, and of these only some would meet one of it.
            let first = self.offered;
            let seed = world.seed.wrapping_add((self.nodes.count() << 32 | first) as u64);
            let plan = schedule::plan(Arrivals::Spread, *rate, length, seed)?;
            self.offered += plan.len();
            offers.push(offer(Arc::clone(world), plan, first));
        }
        let offered = try_join_all(offers).await?;
        Ok(offered.into_iter().flat_map(|offered| offered.visits).collect())
    }
}

/// One interval of load, the same for all clusters.
async fn all_loaded(options: &Options, load: &Load, clusters: &mut [Cluster]) -> anyhow::Result<Vec<Loaded>> {
    let parts = try_join_all(clusters.iter().map(|cluster| cluster.prepared(options, load))).await?;
    let all = || parts.iter();
    try_join_all(clusters.iter_mut().zip(all()).map(|(cluster, parts)| cluster.visits(parts, WARM))).await?;
    try_join_all(clusters.iter_mut().zip(all()).map(|(cluster, parts)| cluster.loaded(parts, options.length()))).await
}

/// One interval in which nobody asks anything of any cluster.
async fn idle(options: &Options, clusters: &mut [Cluster]) -> anyhow::Result<()> {
    tokio::time::sleep(SETTLED).await;
    let mut begun = Vec::new();
    for cluster in clusters.iter() {
        begun.push((Counters::read(&cluster.nodes).await?, Instant::now(), cluster.nodes.cpu()?));
    }
    tokio::time::sleep(options.length()).await;
    // All are looked at before any is asked to count, which takes CPU.
    let used: Vec<_> = clusters.iter().map(|cluster| cluster.nodes.cpu()).collect::<Result<_, _>>()?;
    for (cluster, ((counted, start, before), after)) in clusters.iter_mut().zip(begun.into_iter().zip(used)) {
        let took = start.elapsed();
        let counted = Counters::read(&cluster.nodes).await?.since(&counted);
        cluster.idle.push(Idle { took, cpu: after.saturating_sub(before), counted });
    }
    Ok(())
}
