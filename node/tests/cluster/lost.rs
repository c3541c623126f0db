//! A node that is dead, or stands still, is out of the view within two seconds: not out of the row in the store alone, but
//! out of what every other node believes, and so of where it sends people. Seen from outside, node by node.

use std::{
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use ::cluster::keeper::SETTLED;

use crate::nodes::{Nodes, counted, now, until};

const OUT_WITHIN: Duration = Duration::from_secs(2);
/// How many members there are in the view that a node goes by.
const MEMBERS: &str = "doorward_cluster_members";

/// Where all are asked that run, but for this one.
fn others(nodes: &Nodes, lost: usize) -> Vec<SocketAddr> {
    (0..nodes.count()).filter(|node| *node != lost).map(|node| nodes.server(node).management).collect()
}

/// Waits until each of these believes in so many members, and gives how long after `since` that was.
fn believing(managements: &[SocketAddr], members: u64, since: Instant) -> Vec<Duration> {
    let watch = |management| {
        until(|| counted(management, MEMBERS), |counted| *counted == members);
        now() - since
    };
    thread::scope(|scope| {
        let watching: Vec<_> = managements.iter().map(|at| scope.spawn(move || watch(*at))).collect();
        watching.into_iter().map(|watched| watched.join().expect("it comes to believe so")).collect()
    })
}

/// Loses each node in turn and gets it back; none of the others believes in it for longer than is promised.
fn lose_each(nodes: &mut Nodes, lose: fn(&mut Nodes, usize) -> Instant, find: fn(&mut Nodes, usize)) {
    // Who has just come in takes out nobody.
    let started = now();
    until(|| now() - started, |settling| *settling > SETTLED);
    let mut waits = Vec::new();
    for lost in 0..nodes.count() {
        let others = others(nodes, lost);
        let all = u64::try_from(nodes.count()).expect("few");
        believing(&others, all, now());
        let since = lose(nodes, lost);
        let waited = believing(&others, all - 1, since);
        println!("{} was out after {waited:?}", nodes.name(lost));
        waits.extend(waited);
        let left: Vec<_> = (0..nodes.count()).filter(|node| *node != lost).map(|node| nodes.name(node)).collect();
        assert_eq!(nodes.members(), left, "and it was the lost one that went");
        find(nodes, lost);
    }
    let most = waits.iter().max().expect("some");
    assert!(*most < OUT_WITHIN, "somebody believed for {most:?} in a node that was lost");
}

#[test]
#[ignore = "needs a CQL cluster"]
fn a_killed_node_is_out_of_every_others_view_within_two_seconds() {
    lose_each(&mut Nodes::start(), Nodes::kill, Nodes::start_again);
}

#[test]
#[ignore = "needs a CQL cluster"]
fn a_paused_node_is_out_of_every_others_view_within_two_seconds() {
    let pause = |nodes: &mut Nodes, lost| {
        let since = now();
        nodes.pause(lost);
        since
    };
    let resume = |nodes: &mut Nodes, lost| {
        nodes.resume(lost);
        nodes.until_ready();
    };
    lose_each(&mut Nodes::start(), pause, resume);
}
