//! `doorward cluster drain` and `leave`: what operators do with a node that is to go, and with one that will not come back.

use std::{process::Output, time::Duration};

use cluster::Role;

use crate::{
    application::Application,
    journey::travel,
    load::{Habit, Load, Visitor, nothing_failed, nothing_was_lost},
    nodes::{Nodes, now, until},
};

const PEOPLE: usize = 6;
/// Longer than it takes to read the view, and to put right what it says of a node.
const A_WHILE: Duration = Duration::from_secs(4);

#[test]
#[ignore = "needs a CQL cluster"]
fn a_drained_node_owns_nobody_is_not_ready_and_stays_until_it_is_stopped() {
    let mut nodes = Nodes::start();
    let application = Application::register(&mut nodes.command());
    let mut visitors = Visitor::some(&nodes, &application, "guest", PEOPLE);
    visitors.push(Visitor::of(&nodes, &application, 1));
    let load = Load::start(Habit::Live, &visitors, &nodes.sites());
    let drained = nodes.json(&["cluster", "drain", nodes.name(1), "--output", "json"]);
    let draining = |listed: &serde_json::Value| {
        let members = listed["members"].as_array().expect("a list").iter();
        members.filter(|member| member["draining"] == true).map(|member| member["node"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(draining(&drained), [nodes.name(1)]);
    let (_, why) = until(|| nodes.managed(1, "/readyz"), |(status, _)| *status == 503);
    assert!(why.contains("this node is drained"), "{why}");

    // It is asked by nobody any more; what was on its way has been answered by then.
    let began = now();
    until(|| now() - began, |since| *since > A_WHILE);
    let asked = |nodes: &Nodes| nodes.metric(1, r#"doorward_peer_served_total{outcome="answered"}"#);
    let before = asked(&nodes);
    assert!(before > 0, "it served as an owner until then");
    for turn in 0..3 {
        let way = [turn, turn + 1].map(|node| nodes.site(node % 3));
        travel(&nodes, &application, &format!("traveller-{turn}"), way);
    }
    assert_eq!(asked(&nodes), before, "it owns nobody, and still takes requests");
    let listed = nodes.json(&["cluster", "members", "--output", "json"]);
    assert_eq!(draining(&listed), [nodes.name(1)], "it stays, and stays drained");
    for node in [0, 2] {
        assert_eq!(nodes.managed(node, "/readyz").0, 200);
    }
    nodes.stop(1);
    nodes.start_again(1);
    assert!(
        draining(&nodes.json(&["cluster", "members", "--output", "json"])).is_empty(),
        "a new start is not drained"
    );
    nothing_was_lost(&load.end());
}

#[test]
#[ignore = "needs a CQL cluster"]
fn the_last_node_that_owns_users_is_drained_by_force_alone() {
    let mut nodes = Nodes::with_roles(&[Role::Http, Role::Actors]);
    let application = Application::register(&mut nodes.command());
    let visitor = Visitor::of(&nodes, &application, 1);
    let asked = |nodes: &Nodes| visitor.tokens.userinfo().send(nodes.site(0)).expect("answered").status;
    let last = nodes.name(1).to_owned();
    refused(&nodes, &["drain", &last], 1, "node2 is the last node that owns users");
    refused(&nodes, &["drain", &last], 1, "add --force");
    assert_eq!(nodes.managed(1, "/readyz").0, 200, "nothing was done");
    assert_eq!(asked(&nodes), 200);

    nodes.json(&["cluster", "drain", &last, "--force", "--output", "json"]);
    until(|| asked(&nodes), |status| *status == 503);
    nodes.stop(1);
    nodes.start_again(1);
    until(|| asked(&nodes), |status| *status == 200);
}

#[test]
#[ignore = "needs a CQL cluster"]
fn with_two_of_three_dead_the_one_left_serves_and_an_operator_takes_the_dead_out() {
    let mut nodes = Nodes::start();
    let application = Application::register(&mut nodes.command());
    let [one, two, three] = [0, 1, 2].map(|node| nodes.name(node).to_owned());
    for node in [1, 2] {
        nodes.kill(node);
    }
    let site = nodes.site(0);
    // Alone it cannot know that it is not the one that is cut off: nobody is taken out, and everything is served.
    let began = now();
    until(|| now() - began, |since| *since > A_WHILE);
    assert_eq!(nodes.members(), [&*one, &two, &three], "less than half of the members takes nobody out");
    assert_eq!(nodes.managed(0, "/readyz").0, 200);
    travel_alone(&nodes, &application, "before");

    refused(&nodes, &["leave", "node9", "--yes"], 1, "there is no node node9 in the cluster");
    refused(&nodes, &["leave", &two], 2, "add --yes");
    refused(&nodes, &["leave", "Node 2", "--yes"], 2, "Node 2");
    assert_eq!(nodes.members(), [&*one, &two, &three], "nothing was done");

    nodes.run(&["cluster", "leave", &two, "--yes"]);
    // One of two is enough to take the other out.
    until(|| nodes.members(), |members| *members == [one.as_str()]);
    refused(&nodes, &["leave", &two, "--yes"], 1, "there is no node node2 in the cluster");
    travel_alone(&nodes, &application, "after");
    nodes.start_again(1);
    nodes.start_again(2);
    travel(&nodes, &application, "together", [site, nodes.site(2)]);
}

#[test]
#[ignore = "needs a CQL cluster"]
fn a_node_that_lives_comes_back_after_leave_and_nobodys_request_fails() {
    let nodes = Nodes::start();
    let application = Application::register(&mut nodes.command());
    let visitors = Visitor::some(&nodes, &application, "guest", PEOPLE);
    let load = Load::start(Habit::Live, &visitors, &nodes.sites());
    let left = nodes.json(&["cluster", "leave", nodes.name(1), "--yes", "--output", "json"]);
    assert_eq!(left["members"].as_array().map(Vec::len), Some(2), "{left}");
    nodes.until_ready();
    nothing_failed(&load.end());
}

/// One node is left: everything at it.
fn travel_alone(nodes: &Nodes, application: &Application, name: &str) {
    let site = nodes.site(0);
    travel(nodes, application, name, [site, site]);
}

fn refused(nodes: &Nodes, line: &[&str], code: i32, why: &str) {
    let output = nodes.command().arg("cluster").args(line).output().expect("the program runs");
    let Output { status, stderr, .. } = output;
    let said = String::from_utf8_lossy(&stderr);
    assert_eq!(status.code(), Some(code), "{line:?}: {said}");
    assert!(said.contains(why), "{line:?}: {said}");
}
