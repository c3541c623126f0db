//! What operators change through one node or the command line reaches every node within the bound, and who the nodes are.

use crate::{
    application::{Application, Tokens},
    http::Request,
    nodes::{Nodes, until},
    person::Person,
};
use serde_json::Value;
use std::{collections::BTreeSet, net::SocketAddr};

#[test]
#[ignore = "needs a CQL cluster"]
fn the_secret_that_was_rotated_and_the_client_that_was_deleted_are_refused_by_every_node() {
    let nodes = Nodes::start();
    let mut application = Application::register(&mut nodes.command());
    let mut person = Person::register(nodes.site(0), "buyer").expect("served");
    let code = application.code(&mut person.browser).expect("served");
    let mut tokens = Tokens::of(&application.redemption(&code).send(nodes.site(1)).expect("served")).expect("tokens");
    // Every node has the client in memory.
    for site in nodes.sites() {
        let answer = application.refresh(&tokens.refresh).send(site).expect("served");
        tokens = Tokens::of(&answer).expect("tokens");
    }
    let before = application.clone();
    // The secret of before works a day longer, but not the one before that.
    for _ in 0..2 {
        let rotated = nodes.json(&["client", "rotate-secret", application.id(), "--output", "json"]);
        application.set_secret(rotated["client_secret"].as_str().expect("a secret"));
    }
    for site in nodes.sites() {
        let refused = before.refresh(&tokens.refresh).send(site).expect("served");
        assert_eq!(refused.status, 401, "the secret of long before: {refused}");
        let answer = application.refresh(&tokens.refresh).send(site).expect("served");
        tokens = Tokens::of(&answer).expect("tokens");
    }
    nodes.run(&["client", "delete", application.id(), "--yes"]);
    for site in nodes.sites() {
        let refused = application.refresh(&tokens.refresh).send(site).expect("served");
        assert_eq!(refused.status, 401, "the client is deleted: {refused}");
    }
}

#[test]
#[ignore = "needs a CQL cluster"]
fn signing_keys_that_were_rotated_are_published_by_every_node() {
    let nodes = Nodes::start();
    let before = published(nodes.site(0));
    let rotated = nodes.json(&["keys", "signing", "rotate", "--output", "json"]);
    let all: BTreeSet<_> = rotated.as_array().expect("a list").iter().map(|key| text(key, "kid")).collect();
    assert!(all.is_superset(&before) && all.len() > before.len(), "{all:?} after {before:?}");
    for site in nodes.sites() {
        assert_eq!(published(site), all);
    }
}

fn published(site: SocketAddr) -> BTreeSet<String> {
    let answer = Request::new("/.well-known/jwks.json", &[], None).send(site).expect("served");
    let set: Value = serde_json::from_str(&answer.body).expect("JSON");
    set["keys"].as_array().expect("a list").iter().map(|key| text(key, "kid")).collect()
}

fn text(of: &Value, name: &str) -> String {
    of[name].as_str().unwrap_or_else(|| panic!("{name} in {of}")).to_owned()
}

#[test]
#[ignore = "needs a CQL cluster"]
fn members_are_listed_and_those_that_left_or_died_are_not() {
    let mut nodes = Nodes::start();
    assert_eq!(nodes.members(), ["node1", "node2", "node3"]);
    nodes.stop(1);
    assert_eq!(nodes.members(), ["node1", "node3"], "who stops leaves before it ends");
    nodes.start_again(1);
    nodes.kill(2);
    until(|| nodes.members(), |members| *members == ["node1", "node2"]);
    nodes.start_again(2);
    assert_eq!(nodes.members(), ["node1", "node2", "node3"]);
}
