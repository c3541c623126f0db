//! The history checker: people present passwords, codes and tokens, far too often on purpose, while nodes are killed,
//! paused, cut off and their clocks moved; then every answer is held against what must never happen.
//!
//! 1. A [`house`] of real processes is started, with one embedded node or several over a CQL cluster.
//! 2. [`person`]s live, and get messages by a [`gateway`] beside each node; each [`present`]ation is written into the [`history`] with the interval in which it was judged.
//! 3. The [`faults`] of the seed begin and end; who is slow on a busy machine gets a while more.
//! 4. When all is well again, what was acknowledged must be there and what was used must be refused.
//! 5. The [`rules`] are checked; a violation fails the run, and so does a [`report`] that shows too little.

mod addresses;
mod faults;
mod gateway;
mod history;
mod house;
mod inbox;
mod person;
mod present;
mod report;
mod rules;
mod soft_key;

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context as _;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use rand::{SeedableRng as _, rngs::StdRng};
use tokio::task::JoinSet;

pub(crate) use self::gateway::{Gateway, run as take_messages};
use self::{
    faults::Fault,
    history::History,
    house::House,
    person::{Person, Role, Way, World},
};

/// How long one request of a person may take: longer than a fault is noticed, shorter than a pause.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long people live on with everything up, if something of some kind was not accepted yet.
const CATCH_UP: Duration = Duration::from_mins(2);

/// What a run is made of.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// Decides faults and what people do.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// How long faults go on, in seconds, at most a day.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub(crate) seconds: u32,
    /// End earlier, once this many presentations were answered; fail if they never are.
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
    let mut story = world.history.story().clone();
    let untold = story.learn(&house.passwords_looked_at()?);
    report::conclude(&options, &house, &story, (unaccounted, untold))
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
        world.history.fault(fault, begins);
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
    while report::never_accepted(&world.history.story()).is_some() && Instant::now() < until {
        house.supervise(&[])?;
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    Ok(())
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
