//! How nodes find each other when they are told no addresses.

use crate::{
    application::Application,
    journey::travel,
    load::Visitor,
    nodes::{Nodes, until},
    plan::{Plan, Seeds},
};

/// All of them hear each other, and each serves the users of the others.
fn are_one_cluster(nodes: &Nodes) {
    let all = u64::try_from(nodes.count()).expect("few");
    for node in 0..nodes.count() {
        // Nodes come into the view by the store; whether they found each other only gossip tells.
        until(|| nodes.metric(node, "doorward_gossip_live_nodes"), |live| *live == all);
    }
    let application = Application::register(&mut nodes.command());
    for owner in 0..nodes.count() {
        let visitor = Visitor::of(nodes, &application, owner);
        for site in nodes.sites() {
            assert!(visitor.tokens.live(site), "{} is served at {site}", visitor.name);
        }
        let away = [owner + 1, owner + 2].map(|node| nodes.site(node % nodes.count()));
        travel(nodes, &application, &format!("traveller-{owner}"), away);
    }
    let asked = |node| nodes.metric(node, r#"doorward_remote_calls_total{result="answered"}"#);
    assert!((0..nodes.count()).all(|node| asked(node) > 0), "each asked another that owned the user");
}

#[test]
#[ignore = "needs a CQL cluster"]
fn nodes_that_know_nothing_but_the_store_are_one_cluster() {
    are_one_cluster(&Nodes::begin(&Plan { seeds: Seeds::Store, ..Plan::default() }));
}

#[test]
#[ignore = "needs a CQL cluster"]
fn nodes_that_know_nothing_but_a_name_of_several_addresses_are_one_cluster() {
    are_one_cluster(&Nodes::begin(&Plan { seeds: Seeds::Dns, ..Plan::default() }));
}
