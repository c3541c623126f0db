//! Nodes that serve people and own nobody, and nodes that own users and have no public port.

use std::{io::ErrorKind, net::TcpStream, time::Duration};

use cluster::Role;

use crate::{
    application::Application,
    journey::travel,
    load::{Habit, Load, STRANGERS, Visitor},
    nodes::{Nodes, now, until},
};

const HTTP: [usize; 2] = [0, 1];
const ACTORS: [usize; 2] = [2, 3];
const PEOPLE: usize = 8;
/// Within this the users of a killed node are served again.
const SERVED_WITHIN: Duration = Duration::from_secs(2);

fn apart() -> Nodes {
    Nodes::with_roles(&[Role::Http, Role::Http, Role::Actors, Role::Actors])
}

#[test]
#[ignore = "needs a CQL cluster"]
fn nodes_of_split_roles_serve_everything_and_each_does_its_part() {
    let mut nodes = apart();
    let application = Application::register(&mut nodes.command());
    for node in ACTORS {
        let refused = TcpStream::connect(nodes.site(node)).expect_err("no public port");
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    }
    let sites = HTTP.map(|node| nodes.site(node));
    let served = |nodes: &Nodes, node| nodes.metric(node, r#"doorward_peer_served_total{outcome="answered"}"#);
    for turn in 0.. {
        let way = [turn, turn + 1].map(|turn| sites[turn % sites.len()]);
        travel(&nodes, &application, &format!("traveller-{turn}"), way);
        if ACTORS.iter().all(|node| served(&nodes, *node) > 0) && turn > 1 {
            break;
        }
        assert!(turn < STRANGERS, "one of the two owns nobody");
    }
    for node in HTTP {
        assert_eq!(served(&nodes, node), 0, "who owns nobody is asked by nobody");
        assert!(nodes.metric(node, r#"doorward_remote_calls_total{result="answered"}"#) > 0, "and asks the owners");
    }

    // Without them it answers nothing that they decide, and does again when one is back.
    let visitor = Visitor::of(&nodes, &application, ACTORS[0]);
    for node in ACTORS {
        nodes.kill(node);
    }
    let answer = visitor.tokens.userinfo().send(sites[0]).expect("answered");
    assert_eq!(answer.status, 503, "{answer}");
    nodes.start_again(ACTORS[1]);
    nodes.start_again(ACTORS[0]);
    assert!(visitor.tokens.live(sites[0]));
}

#[test]
#[ignore = "needs a CQL cluster"]
fn users_of_a_killed_actors_node_are_served_by_the_other_within_two_seconds() {
    let mut nodes = apart();
    let application = Application::register(&mut nodes.command());
    let mut visitors = Visitor::some(&nodes, &application, "guest", PEOPLE);
    visitors.push(Visitor::of(&nodes, &application, ACTORS[0]));
    let load = Load::start(Habit::KeepOn, &visitors, &nodes.sites());
    let killed = nodes.kill(ACTORS[0]);
    until(|| now() - killed, |since| *since > 2 * SERVED_WITHIN);
    for story in load.end() {
        let late = story.samples.iter().filter(|sample| sample.began > killed + SERVED_WITHIN);
        let late: Vec<_> = late.filter(|sample| !sample.good || sample.ended - sample.began > SERVED_WITHIN).collect();
        assert!(late.is_empty(), "{}: {late:?} after {killed:?}", story.name);
        assert!(story.samples.last().is_some_and(|last| last.began > killed + SERVED_WITHIN), "{} went on", story.name);
    }
    nodes.start_again(ACTORS[0]);
}
