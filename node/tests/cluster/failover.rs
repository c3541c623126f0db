//! `kill -9` of a node: others serve its users within two seconds, and users of other nodes notice nothing.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use crate::{
    application::Application,
    load::{Habit, Load, Story, Visitor},
    nodes::{Nodes, now, until},
};

/// Within this, counted from the kill, users of the killed node are served again.
const SERVED_WITHIN: Duration = Duration::from_secs(2);
/// Unless `DOORWARD_TEST_KILLS` says otherwise.
const KILLS: usize = 3;
const PEOPLE: usize = 15;

/// From the kill to the end of the last request that failed or was on its way for longer than it took to be answered.
fn wait_of(story: &Story, killed: Instant) -> Duration {
    let met: Vec<_> = story.samples.iter().filter(|sample| sample.ended >= killed).collect();
    let last_failure = met.iter().rposition(|sample| !sample.good);
    let first_after = last_failure.map_or(0, |at| at + 1);
    let served = met.get(first_after).unwrap_or_else(|| panic!("{} was never served again", story.name));
    served.ended - killed
}

/// Kills one node under load, and gives how long its users waited.
fn round(nodes: &mut Nodes, visitors: &[Visitor], owners: &BTreeMap<String, String>, victim: usize) -> Vec<Duration> {
    let load = Load::start(Habit::KeepOn, visitors, &nodes.sites());
    let killed = nodes.kill(victim);
    until(|| now() - killed, |since| *since > 2 * SERVED_WITHIN);
    let stories = load.end();
    nodes.start_again(victim);
    let name = nodes.name(victim);
    let (own, others): (Vec<_>, Vec<_>) = stories.iter().partition(|story| owners[&story.name] == name);
    for story in others {
        let failed = story.samples.iter().filter(|sample| !sample.good).count();
        assert_eq!(failed, 0, "{}, of another node than {name}, met an error", story.name);
    }
    own.into_iter().map(|story| wait_of(story, killed)).collect()
}

#[test]
#[ignore = "needs a CQL cluster"]
fn failover_after_kill_9_takes_less_than_two_seconds_and_others_notice_nothing() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| u64::from(std::process::id()));
    println!("SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let kills = std::env::var("DOORWARD_TEST_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(KILLS);
    let mut nodes = Nodes::start();
    let application = Application::register(&mut nodes.command());
    let visitors = Visitor::some(&nodes, &application, "guest", PEOPLE);
    let owners: BTreeMap<_, _> =
        visitors.iter().map(|visitor| (visitor.name.clone(), nodes.owner(&visitor.name))).collect();
    let mut waits = Vec::new();
    for kill in 0..kills {
        // Chance may leave a node without any of so few.
        let owning: Vec<_> =
            (0..nodes.count()).filter(|n| owners.values().any(|name| name == nodes.name(*n))).collect();
        let victim = owning[random.random_range(0..owning.len())];
        let mut waited = round(&mut nodes, &visitors, &owners, victim);
        println!("kill {kill}, {}: users waited {waited:?}", nodes.name(victim));
        waits.append(&mut waited);
    }
    waits.sort();
    let at = |percent: usize| waits[(waits.len() * percent).div_ceil(100) - 1];
    println!("{kills} kills, {} users: p50 {:?}, p99 {:?}, most {:?}", waits.len(), at(50), at(99), at(100));
    assert!(at(99) < SERVED_WITHIN, "p99 of the waits is {:?}", at(99));
}
