//! `kill -9` of a node: others serve its users within two seconds, and users of other nodes notice nothing. Of its own users
//! only those requests fail that were on their way when it died: who begins later is served by the next node in the order.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use crate::{
    application::Application,
    load::{Habit, Load, Sample, Story, Visitor},
    nodes::{Nodes, now, until},
};

/// Within this, counted from the kill, users of the killed node are served again.
const SERVED_WITHIN: Duration = Duration::from_secs(2);
/// Unless `DOORWARD_TEST_KILLS` says otherwise.
const KILLS: usize = 3;
/// So long they are served before a kill.
const BEFORE: Duration = Duration::from_secs(1);
const PEOPLE: usize = 15;

/// From the kill to the end of the last request that failed or was on its way for longer than it took to be answered.
fn wait_of(story: &Story, killed: Instant) -> Duration {
    let met: Vec<_> = story.samples.iter().filter(|sample| sample.ended >= killed).collect();
    let last_failure = met.iter().rposition(|sample| !sample.good);
    let first_after = last_failure.map_or(0, |at| at + 1);
    let served = met.get(first_after).unwrap_or_else(|| panic!("{} was never served again", story.name));
    served.ended - killed
}

/// When a node died: it did everything before the first of them, and nothing after the second.
struct Death {
    killed: Instant,
    dead: Instant,
}

impl Death {
    fn of(nodes: &mut Nodes, victim: usize) -> Self {
        let killed = nodes.kill(victim);
        Self { killed, dead: now() }
    }

    /// Nothing of a user of the dead node failed before its death, and nothing that began after it. Gives how many requests
    /// failed that were on their way when it died.
    fn failures(&self, story: &Story) -> usize {
        let (on_their_way, untimely): (Vec<&Sample>, Vec<_>) = story
            .samples
            .iter()
            .filter(|sample| !sample.good)
            .partition(|sample| sample.ended >= self.killed && sample.began < self.dead);
        assert!(untimely.is_empty(), "{} met {untimely:?}, with a death at {:?}", story.name, self.killed);
        on_their_way.len()
    }
}

/// Kills one node under load, and gives how long its users waited.
fn round(nodes: &mut Nodes, visitors: &[Visitor], owners: &BTreeMap<String, String>, victim: usize) -> Vec<Duration> {
    let load = Load::start(Habit::KeepOn, visitors, &nodes.sites());
    let began = now();
    until(|| now() - began, |since| *since > BEFORE);
    let death = Death::of(nodes, victim);
    let killed = death.killed;
    until(|| now() - killed, |since| *since > 2 * SERVED_WITHIN);
    let stories = load.end();
    nodes.start_again(victim);
    let name = nodes.name(victim);
    let (own, others): (Vec<_>, Vec<_>) = stories.iter().partition(|story| owners[&story.name] == name);
    for story in others {
        let failed: Vec<_> = story.samples.iter().filter(|sample| !sample.good).collect();
        assert!(failed.is_empty(), "{}, of another node than {name}, killed at {killed:?}, met {failed:?}", story.name);
    }
    let on_their_way: usize = own.iter().map(|story| death.failures(story)).sum();
    println!("of its users' requests {on_their_way} failed that were on their way, and none that began later");
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
