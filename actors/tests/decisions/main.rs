//! Deterministic simulation of decisions: the real rules of [`actors::domain`] with the real records, the real
//! [`cluster::Authority`] and [`cluster::Keeper`], and the account's own pure parts (write sets, the look into the ring, the
//! judgement of unknown outcomes, trust in memory, routing), driven by a node core without I/O, tasks or actors.
//!
//! Simulated are the store (slow, away, silent about commits that were made, were not made, or are made seconds later), the
//! network (delay, loss before and after service, one-way and whole partitions, so that commands are delivered repeatedly
//! and served in an owner's place) and the clocks (each node up to four seconds off, stepped, found too far off; pauses up
//! to half a minute). Nodes crash and lose their memory. No hash is computed: the owner compares texts, as long after as a
//! hash would take.
//!
//! What clients saw is checked by the rules of `tests/cluster/simulation/rules.rs`: everything is accepted at most once, TOTP
//! steps only go forward, guesses cost, a repeated delivery is answered as the first, revoked stays revoked, nothing
//! acknowledged is lost and nothing consumed comes back.
//!
//! `SIM_SEEDS=n` runs n seeds instead of the few of the normal run; `SIM_SEED=s` runs that one and prints its events.

mod account;
mod acknowledge;
mod answer;
mod ask;
mod broken;
mod carried;
mod clients;
#[path = "../support/code.rs"]
mod code;
mod counts;
mod edge;
mod end;
mod faults;
#[path = "../support/memory.rs"]
mod memory;
mod node;
mod people;
#[path = "../support/proofs.rs"]
mod proofs;
#[path = "../cluster/simulation/rules.rs"]
mod rules;
mod store;
mod tokens;
mod world;

use std::{
    collections::BTreeMap,
    num::NonZero,
    ops::RangeInclusive,
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use broken::Broken;
use counts::Counts;
use rules::{Story, Verdict};
use world::World;

fn run(seed: u64, broken: Option<Broken>) -> (Story, Counts) {
    World::new(seed, broken).run()
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// What was accepted, and what was answered as a wrong guess, by its kind.
fn kinds(story: &Story, verdict: Verdict) -> impl Iterator<Item = String> {
    let shown = story.shown.iter().filter(move |shown| shown.verdict == verdict);
    shown.map(|shown| format!("{:?}", shown.secret).split('(').next().unwrap_or_default().to_owned())
}

/// What came of some seeds, all of which kept every rule.
#[derive(Debug, Default)]
struct Seen {
    seeds: u32,
    accepted: BTreeMap<String, u32>,
    refused: BTreeMap<String, u32>,
    revoked: usize,
    counts: Counts,
}

impl Seen {
    fn run(&mut self, seed: u64) {
        let (story, counts) = run(seed, None);
        let violations = rules::check(&story);
        assert!(violations.is_empty(), "SIM_SEED={seed}: {violations:#?}");
        self.seeds += 1;
        self.counts.add(&counts);
        self.revoked += story.revoked.len();
        kinds(&story, Verdict::Accepted).for_each(|kind| *self.accepted.entry(kind).or_insert(0) += 1);
        kinds(&story, Verdict::Refused).for_each(|kind| *self.refused.entry(kind).or_insert(0) += 1);
    }

    fn add(mut self, other: Self) -> Self {
        self.seeds += other.seeds;
        self.counts.add(&other.counts);
        self.revoked += other.revoked;
        for (kind, seen) in other.accepted {
            *self.accepted.entry(kind).or_insert(0) += seen;
        }
        for (kind, seen) in other.refused {
            *self.refused.entry(kind).or_insert(0) += seen;
        }
        self
    }
}

/// Runs seeds on all cores; each is a world of its own.
fn run_all(seeds: RangeInclusive<u64>) -> Seen {
    let next = AtomicU64::new(*seeds.start());
    let work = || {
        let mut seen = Seen::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed > *seeds.end() {
                return seen;
            }
            seen.run(seed);
        }
    };
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|worker| worker.join().expect("every rule was kept")).fold(Seen::default(), Seen::add)
    })
}

#[test]
fn what_clients_see_keeps_every_rule() {
    let seeds = match number("SIM_SEED") {
        Some(seed) => seed..=seed,
        None => 1..=number("SIM_SEEDS").unwrap_or(50),
    };
    let pace = cluster::sim::Pace::begin();
    let seen = run_all(seeds);
    println!("{}", pace.of(seen.seeds));
    println!("{seen:#?}");
    let Seen { seeds, accepted, refused, counts, .. } = seen;
    if seeds == 1 {
        return;
    }
    // Otherwise nothing was tested.
    let kinds = ["Backup", "Code", "Password", "Refresh", "Session", "Token", "Totp"];
    for kind in kinds.into_iter().chain(["Sent", "Passkey", "Trust", "Cookie"]) {
        assert!(accepted.get(kind).is_some_and(|seen| *seen > seeds / 10), "{kind}: {accepted:?}");
        assert!(refused.get(kind).is_some_and(|seen| *seen > seeds / 20), "{kind}: {refused:?}");
    }
    assert!(refused.get("Guess").is_some_and(|seen| *seen > seeds), "{refused:?}");
    let Counts { conflicts, resolved, recorded, from_memory, in_place, acknowledged, .. } = counts;
    for (what, seen) in [
        ("conflicts", conflicts),
        ("outcomes told by the ring", resolved),
        ("recorded outcomes", recorded),
        ("answers from memory", from_memory),
        ("requests served in place", in_place),
        ("revocations acknowledged", acknowledged),
    ] {
        assert!(seen > u64::from(seeds) / 4, "{what}: {counts:?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_history() {
    let [first, second] = [run(7, None), run(7, None)];
    assert_eq!(format!("{first:?}"), format!("{second:?}"));
}

/// Each rule is needed: without it the checker finds a violation.
#[test]
fn without_any_one_of_the_rules_a_violation_is_found() {
    for (broken, first) in Broken::ALL {
        let found = (first..=2_000).chain(1..first).find_map(|seed| {
            let found = rules::check(&run(seed, Some(broken)).0);
            found.into_iter().next().map(|violation| (seed, violation))
        });
        let Some((seed, violation)) = found else { panic!("{broken:?} is not found out") };
        println!("{broken:?}: seed {seed}: {}", violation.chars().take(110).collect::<String>());
    }
}
