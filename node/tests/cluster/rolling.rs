//! All nodes are replaced while people go on: nobody's request fails but for one retry.

use std::{
    cell::Cell,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    time::Duration,
};

use crate::{
    application::Application,
    http::Request,
    load::{Habit, Load, Visitor, nothing_failed, nothing_was_lost, nothing_was_tried_again},
    nodes::{Nodes, now, until},
    plan::Plan,
};

const PEOPLE: usize = 9;
/// Longer than every node takes to read that somebody came back.
const SETTLED: Duration = Duration::from_secs(2);
/// Shorter than what it waits for when it is told once (`shutdown.drain`, 10 s).
const AT_ONCE: Duration = Duration::from_secs(1);
/// A request of a client that nobody knows, in two parts.
const BEGUN: &[u8] = b"POST /oauth/token HTTP/1.1\r\nHost: localhost:11080\r\nConnection: close\r\n\
    Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 45\r\n\r\ngrant_type=refresh_token&";
const REST: &[u8] = b"client_id=c_nobody&x";

#[test]
#[ignore = "needs a CQL cluster"]
fn a_node_that_is_stopped_finishes_and_leaves_and_nobodys_request_fails() {
    let mut nodes = Nodes::start();
    let application = Application::register(&mut nodes.command());
    let visitors = Visitor::some(&nodes, &application, "guest", PEOPLE);
    let load = Load::start(Habit::Live, &visitors, &nodes.sites());
    // What it took before it was told to stop, and cannot answer before it has stopped taking anything.
    let mut begun = TcpStream::connect(nodes.site(1)).expect("connects");
    begun.write_all(BEGUN).expect("sent");
    nodes.stop_while(1, |_, _| {
        begun.write_all(REST).expect("it reads on");
        let mut answer = String::new();
        begun.read_to_string(&mut answer).expect("it answers");
        assert!(answer.starts_with("HTTP/1.1 401 ") && answer.contains("invalid_client"), "{answer:?}");
    });
    nodes.until_ready();
    nothing_was_lost(&load.end());
}

#[test]
#[ignore = "needs a CQL cluster"]
fn a_node_that_takes_long_to_stop_says_that_it_lives_and_is_not_ready_until_it_has_left() {
    // A relay that takes no mail, and does not say so: the node waits for it when it stops.
    let relay = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url: &'static str = format!("smtp://{}", relay.local_addr().expect("bound")).leak();
    let settings = vec![("DOORWARD__MAIL__FROM", "doorward@mail.example"), ("DOORWARD__MAIL__SMTP__URL", url)];
    let mut nodes = Nodes::begin(&Plan { settings, ..Plan::default() });
    let application = Application::register(&mut nodes.command());
    let mut visitor = Visitor::of(&nodes, &application, 1);
    visitor.person.add_address("email", ("email", "guest@mail.example")).expect("served");
    relay.set_nonblocking(true).expect("set");
    let _taken = until(|| relay.accept().ok(), Option::is_some);

    let name = nodes.name(1).to_owned();
    let looks = Cell::new(0);
    nodes.stop_while(1, |nodes, management| {
        let ask = |path| Request::new(path, &[], None).send(management).map(|answer| answer.status);
        let probe = || {
            let as_it_stops = matches!((ask("/livez"), ask("/readyz")), (Ok(200), Ok(503)));
            looks.set(looks.get() + usize::from(as_it_stops));
            as_it_stops
        };
        until(probe, |as_it_stops| !as_it_stops);
        assert!(!nodes.members().contains(&name), "a node that has not left looks dead");
    });
    assert!(looks.get() > 0, "it did not wait for anything");
    nodes.until_ready();
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
    nothing_was_lost(&load.end());
}

#[test]
#[ignore = "needs a CQL cluster"]
fn a_node_that_comes_back_takes_over_its_users_and_nobody_sends_anything_twice() {
    let mut nodes = Nodes::start();
    let application = Application::register(&mut nodes.command());
    let visitors = Visitor::some(&nodes, &application, "guest", PEOPLE);
    for victim in 0..nodes.count() {
        nodes.kill(victim);
        nodes.until_ready();
        let load = Load::start(Habit::KeepOn, &visitors, &nodes.sites());
        nodes.start_again(victim);
        let back = now();
        until(|| now() - back, |since| *since > SETTLED);
        nothing_was_tried_again(&load.end());
    }
}

#[test]
#[ignore = "needs a CQL cluster"]
fn a_node_that_is_told_twice_ends_at_once_and_nobodys_request_fails() {
    let mut nodes = Nodes::start();
    let application = Application::register(&mut nodes.command());
    let mut visitors = Visitor::some(&nodes, &application, "guest", PEOPLE);
    visitors.push(Visitor::of(&nodes, &application, 1));
    let load = Load::start(Habit::Live, &visitors, &nodes.sites());
    // Somebody who does not finish, for whom it would wait.
    let mut endless = TcpStream::connect(nodes.site(1)).expect("connects");
    endless.write_all(b"GET /login HTTP/1.1\r\n").expect("sent");
    let (code, took) = nodes.stop_by_force(1);
    assert_eq!(code, Some(1), "it says that it did not end in order");
    assert!(took < AT_ONCE, "it went on for {took:?}");
    // It had no time to leave: the others find out that it is dead.
    until(|| nodes.members(), |members| *members == [nodes.name(0), nodes.name(2)]);
    nodes.start_again(1);
    nothing_failed(&load.end());
}
