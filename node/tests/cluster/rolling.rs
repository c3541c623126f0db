//! All nodes are replaced while people go on: nobody's request fails but for one retry.

use crate::{
    application::Application,
    load::{Habit, Load, Visitor, nothing_failed},
    nodes::Nodes,
};

const PEOPLE: usize = 9;

#[test]
#[ignore = "needs a CQL cluster"]
fn a_node_that_is_stopped_finishes_and_leaves_and_nobodys_request_fails() {
    let mut nodes = Nodes::start();
    let application = Application::register(&mut nodes.command());
    let visitors = Visitor::some(&nodes, &application, "guest", PEOPLE);
    let load = Load::start(Habit::Live, &visitors, &nodes.sites());
    nodes.stop(1);
    nodes.until_ready();
    nothing_failed(&load.end());
}

#[test]
#[ignore = "needs a CQL cluster"]
fn all_nodes_are_restarted_one_after_the_other_and_nobodys_request_fails() {
    let mut nodes = Nodes::start();
    let application = Application::register(&mut nodes.command());
    let visitors = Visitor::some(&nodes, &application, "guest", PEOPLE);
    let load = Load::start(Habit::Live, &visitors, &nodes.sites());
    for node in 0..nodes.count() {
        nodes.stop(node);
        nodes.start_again(node);
    }
    nothing_failed(&load.end());
}
