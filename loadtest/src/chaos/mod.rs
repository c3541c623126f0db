//! The history checker: people present passwords, codes and tokens, far too often on purpose, while nodes are killed,
//! paused, cut off and their clocks moved; then every answer is held against what must never happen.
//!
//! 1. A [`house`] of real processes is started, with one embedded node or several over a CQL cluster.
//! 2. [`person`]s live, and get messages by a [`gateway`] beside each node; each [`present`]ation is written into the [`history`] with the interval in which it was judged.
//! 3. The [`faults`] of the seed begin and end; who is slow on a busy machine gets a while more.
//! 4. When all is well again, what was acknowledged must be there and what was used must be refused.
//! 5. The [`rules`] are checked; a violation fails the run.

mod addresses;
mod faults;
mod gateway;
mod history;
mod house;
mod inbox;
mod person;
mod present;
mod rules;
mod soft_key;

use std::{
    collections::{BTreeMap, HashSet},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use rand::{SeedableRng as _, rngs::StdRng};
use serde::Serialize;
use tokio::task::JoinSet;

pub(crate) use self::gateway::{Gateway, run as take_messages};
use self::{
    faults::Fault,
    history::{History, Kind, Story, Verdict},
    house::House,
    person::{Person, Role, Way, World},
    rules::Violation,
};
use crate::machine::{self, Machine};

/// How long one request of a person may take: longer than a fault is noticed, shorter than a pause.
const PATIENCE: Duration = Duration::from_secs(15);
/// Clocks that may decide are off by half of this at most, so a cool-down may look this much shorter.
const CLOCKS: u64 = 8_000_000;
/// A run that takes this long has time for everything, in microseconds.
const LONG: u64 = 90_000_000;
/// How long people live on with everything up, if something of some kind was not accepted yet.
const CATCH_UP: Duration = Duration::from_mins(2);
/// Servers that share no clock fault agree within this.
const SETTLED_CLOCKS: u64 = 100_000;

/// What a run is made of.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// Decides faults and what people do.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// How long faults go on, in seconds, at most a day.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub(crate) seconds: u32,
    /// End earlier, once this many presentations were answered.
    #[arg(long, value_name = "N")]
    pub(crate) attempts: Option<usize>,
    /// People at the same time.
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(8..=2000))]
    pub(crate) people: u32,
    /// How often one secret is presented at once.
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u32).range(6..=200))]
    pub(crate) crowd: u32,
    /// The server's binary.
    #[arg(long, default_value = "target/debug/doorward", value_name = "FILE")]
    pub(crate) bin: PathBuf,
    /// Contact points of a CQL cluster, HOST:PORT with commas between; without them one node with its embedded store.
    #[arg(long, value_delimiter = ',', value_name = "NODES")]
    pub(crate) cql: Vec<String>,
    /// Nodes to start on that cluster.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=9))]
    pub(crate) cluster_nodes: u8,
    /// The script that runs that cluster; with it the store suffers as well.
    #[arg(long, value_name = "FILE")]
    pub(crate) script: Option<PathBuf>,
    /// The script keeps networks: links are cut and slowed.
    #[arg(long, requires = "script")]
    pub(crate) netns: bool,
    /// `libfaketime.so.1`: clocks are moved.
    #[arg(long, value_name = "FILE")]
    pub(crate) faketime: Option<PathBuf>,
    /// Where the report goes.
    #[arg(long, default_value = "chaos.json", value_name = "FILE")]
    pub(crate) out: PathBuf,
    #[arg(skip)]
    pub(crate) nodes: usize,
}

/// Runs, reports, and fails if a rule did not hold.
pub(crate) async fn run(options: &Options) -> anyhow::Result<()> {
    let nodes = if options.cql.is_empty() { 1 } else { usize::from(options.cluster_nodes) };
    let bin = options.bin.canonicalize().with_context(|| format!("--bin: {}", options.bin.display()))?;
    let script = options.script.as_ref().map(|script| script.canonicalize()).transpose().context("--script")?;
    let options = Options { bin, script, nodes, ..options.clone() };
    println!("seed {}: {nodes} nodes, {} people, {} s", options.seed, options.people, options.seconds);
    let mut house = House::start(&options).await?;
    let http = house.http()?.with_patience(PATIENCE);
    let (client, inbox, crowd) = (house.client()?, house.inbox(), options.crowd as usize);
    let world = Arc::new(World { http, client, inbox, history: History::new(), crowd });
    let over = Arc::new(AtomicBool::new(false));
    let mut lives = people(&options, &world, &over);
    let mut suffered = suffer(&options, &world, &mut house).await;
    if suffered.is_ok() {
        suffered = catch_up(&world, &mut house).await;
    }
    over.store(true, Ordering::Relaxed);
    let mut people = Vec::new();
    while let Some(person) = lives.join_next().await {
        people.extend(person?);
    }
    suffered?;
    house.ready().await?;
    let unaccounted = settle(people).await;
    let story = world.history.story().clone();
    report(&options, &house, &story, unaccounted)
}

/// Everybody, alive until it is over.
fn people(options: &Options, world: &Arc<World>, over: &Arc<AtomicBool>) -> JoinSet<Option<Person>> {
    let mut lives = JoinSet::new();
    for number in 0..options.people as usize {
        let role = match number % 11 {
            0 => Role::Victim,
            1 => Role::Target,
            2..=4 => Role::Guarded,
            5 => Role::Reached(Way::Sms),
            6 => Role::Reached(Way::Email),
            7 => Role::Keyed,
            _ => Role::Plain,
        };
        let (world, over) = (Arc::clone(world), Arc::clone(over));
        let rng = StdRng::seed_from_u64(options.seed.wrapping_mul(1_000_003).wrapping_add(number as u64));
        lives.spawn(async move { live(&world, role, rng, &over).await });
    }
    lives
}

/// One life after the other, each with an account of its own; the one that was not at its end when it is over.
async fn live(world: &Arc<World>, role: Role, mut rng: StdRng, over: &AtomicBool) -> Option<Person> {
    while !over.load(Ordering::Relaxed) {
        let mut person = Person::new(world, role, StdRng::from_rng(&mut rng));
        if person.begin().await.is_err() {
            world.history.stalled();
            tokio::time::sleep(Duration::from_millis(200)).await;
            continue;
        }
        while !person.is_done() {
            if over.load(Ordering::Relaxed) {
                return Some(person);
            }
            if !person.step().await {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        // Of those that are still there at the end it is asked as often as it takes.
        if person.account_for().await.is_err() {
            world.history.stalled();
        }
    }
    None
}

/// Lets the planned faults happen; ends all that have begun.
async fn suffer(options: &Options, world: &World, house: &mut House) -> anyhow::Result<()> {
    let span = Duration::from_secs(options.seconds.into());
    let plan = faults::plan(house.possible(), span, &mut StdRng::seed_from_u64(options.seed));
    let mut due: Vec<(Duration, bool, Fault)> =
        plan.iter().flat_map(|p| [(p.at, true, p.fault), (p.at + p.lasts, false, p.fault)]).collect();
    // Of two at one time the end comes first.
    due.sort_by_key(|(at, begins, _)| (*at, *begins));
    let style = ProgressStyle::with_template("{bar:40} {elapsed}/{len} s {msg}")?;
    let bar = ProgressBar::new(span.as_secs()).with_style(style);
    let began = Instant::now();
    let mut open: Vec<Fault> = Vec::new();
    let mut failed = Ok(());
    for (at, begins, fault) in due {
        while began.elapsed() < at {
            tokio::time::sleep(at.saturating_sub(began.elapsed()).min(Duration::from_millis(250))).await;
            let answered = world.history.story().answered();
            bar.set_position(began.elapsed().as_secs());
            bar.set_message(format!("{answered} answers"));
            let stopping = open.iter().filter_map(|fault| fault.stops()).collect::<Vec<_>>();
            house.supervise(&stopping)?;
            if options.attempts.is_some_and(|enough| answered >= enough) {
                break;
            }
        }
        if options.attempts.is_some_and(|enough| world.history.story().answered() >= enough) {
            break;
        }
        world.history.fault(format!("{fault:?}"), begins);
        let done = if begins { house.begin(fault) } else { house.end(fault) };
        if begins {
            open.push(fault);
        } else {
            open.retain(|other| *other != fault);
        }
        if done.is_err() {
            failed = done;
            break;
        }
    }
    for fault in open {
        house.end(fault)?;
    }
    bar.finish_and_clear();
    failed
}

/// Lets people live on until something of each kind was accepted: where other work takes the processor they do less, and a run
/// that shows nothing of a kind fails.
async fn catch_up(world: &World, house: &mut House) -> anyhow::Result<()> {
    let until = Instant::now() + CATCH_UP;
    while never_accepted(&world.history.story()).is_some() && Instant::now() < until {
        house.supervise(&[])?;
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    Ok(())
}

/// A kind of which something must be accepted and nothing was.
fn never_accepted(story: &Story) -> Option<Kind> {
    let accepted = story.presented.iter().filter(|presented| presented.verdict == Verdict::Accepted);
    let kinds: HashSet<Kind> = accepted.map(|presented| story.secrets[presented.secret.0].kind).collect();
    Kind::ALL.into_iter().find(|kind| kind.limit() > 0 && !kinds.contains(kind))
}

/// Lets everybody look for what is theirs; how many could not, even after three tries.
async fn settle(people: Vec<Person>) -> Vec<String> {
    let mut looking = JoinSet::new();
    for mut person in people {
        looking.spawn(async move {
            let mut last = None;
            for _ in 0..3 {
                match person.account_for().await {
                    Ok(()) => return None,
                    Err(failure) => last = Some(format!("{}: {}", person.called(), failure.kind)),
                }
                tokio::time::sleep(Duration::from_secs(2)).await;
            }
            last
        });
    }
    looking.join_all().await.into_iter().flatten().collect()
}

/// What came of a run.
#[derive(Debug, Serialize)]
struct Report<'a> {
    seed: u64,
    nodes: usize,
    people: u32,
    seconds: u32,
    store: &'static str,
    networks: bool,
    clocks: bool,
    commit: Option<String>,
    machine: Machine,
    answered: usize,
    by_kind: BTreeMap<String, BTreeMap<String, usize>>,
    revocations: usize,
    /// Cookies of trusted devices that were stale, looked at and refused.
    stale_refused: usize,
    kept: usize,
    faults: usize,
    restarts: usize,
    stalled: usize,
    /// Who was not served at the end, and what they met.
    unaccounted: Vec<String>,
    violations: &'a [Violation],
}

fn report(options: &Options, house: &House, story: &Story, unaccounted: Vec<String>) -> anyhow::Result<()> {
    let clocks = if options.faketime.is_some() { CLOCKS } else { SETTLED_CLOCKS };
    let violations = rules::check(story, clocks);
    let mut by_kind: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
    for kind in Kind::ALL {
        by_kind.entry(format!("{kind:?}")).or_default();
    }
    for presented in &story.presented {
        let kind = format!("{:?}", story.secrets[presented.secret.0].kind);
        *by_kind.entry(kind).or_default().entry(format!("{:?}", presented.verdict)).or_default() += 1;
    }
    let report = Report {
        seed: options.seed,
        nodes: options.nodes,
        people: options.people,
        seconds: options.seconds,
        store: if options.cql.is_empty() { "embedded" } else { "CQL" },
        networks: options.netns,
        clocks: options.faketime.is_some(),
        commit: machine::commit(),
        machine: Machine::here(),
        answered: story.answered(),
        by_kind,
        revocations: story.revoked.len(),
        stale_refused: story.refused(Kind::StaleTrust),
        kept: story.kept.len(),
        faults: story.faults_begun(),
        restarts: house.restarts(),
        stalled: story.stalled,
        unaccounted,
        violations: &violations,
    };
    std::fs::write(&options.out, serde_json::to_vec_pretty(&report)?)?;
    println!("{}", serde_json::to_string_pretty(&report)?);
    if !violations.is_empty() {
        let folder = options.out.with_extension("logs");
        house.keep_logs(&folder)?;
        std::fs::write(folder.join("story.json"), serde_json::to_vec(story)?)?;
        bail!("{} violations with seed {}; see {}", violations.len(), options.seed, folder.display());
    }
    shown(story, &report.unaccounted)
}

/// A run in which nothing was tried shows nothing.
fn shown(story: &Story, unaccounted: &[String]) -> anyhow::Result<()> {
    if let Some(kind) = never_accepted(story) {
        bail!("no {kind:?} was ever accepted: this run shows nothing; make it longer");
    }
    ensure!(went_stale(story), "no cookie of a trusted device went stale and was looked at: this run shows too little");
    ensure!(story.faults_begun() > 0, "nothing went wrong: this run shows nothing; make it longer");
    ensure!(!story.revoked.is_empty() && !story.kept.is_empty(), "nothing was revoked or looked for at the end");
    ensure!(unaccounted.is_empty(), "not served at the end, with everything up: {unaccounted:?}");
    Ok(())
}

/// Was a stale cookie of a trusted device looked at, if there was time for it?
fn went_stale(story: &Story) -> bool {
    let is_long = story.presented.iter().any(|presented| presented.at.to >= LONG);
    !is_long || story.refused(Kind::StaleTrust) > 0
}

#[cfg(test)]
mod tests {
    use super::{
        history::{Interval, Presented, Secret, SecretId},
        *,
    };

    fn story_of(kind: Kind, to: u64, verdict: Verdict) -> Story {
        let secret = Secret { kind, person: 1, subject: None, family: None, order: 0 };
        let presented =
            Presented { secret: SecretId(0), at: Interval { from: 0, to }, node: None, verdict, trusted_anew: false };
        let mut story = Story::default();
        story.secrets.push(secret);
        story.presented.push(presented);
        story
    }

    #[test]
    fn a_kind_of_which_nothing_was_accepted_is_found() {
        let mut story = Story::default();
        for kind in Kind::ALL.into_iter().filter(|kind| kind.limit() > 0) {
            assert_eq!(never_accepted(&story), Some(kind));
            let Story { secrets, presented, .. } = story_of(kind, 1, Verdict::Accepted);
            let secret = SecretId(story.secrets.len());
            story.presented.push(Presented { secret, ..presented[0] });
            story.secrets.extend(secrets);
        }
        assert_eq!(never_accepted(&story), None);
        story.presented[0].verdict = Verdict::Refused;
        assert_eq!(never_accepted(&story), Some(Kind::AuthorizationCode));
    }

    #[test]
    fn a_long_run_without_a_stale_cookie_that_was_looked_at_is_found() {
        assert!(went_stale(&story_of(Kind::Password, LONG - 1, Verdict::Accepted)), "it was too short for one");
        assert!(!went_stale(&story_of(Kind::Password, LONG, Verdict::Accepted)));
        for verdict in [Verdict::Accepted, Verdict::Throttled, Verdict::Unavailable, Verdict::Lost] {
            assert!(!went_stale(&story_of(Kind::StaleTrust, LONG, verdict)), "{verdict:?}");
        }
        assert!(went_stale(&story_of(Kind::StaleTrust, LONG, Verdict::Refused)));
    }
}
