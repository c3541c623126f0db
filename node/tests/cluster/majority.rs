//! Nodes that lose nodes of their store: without a minority they serve everything, without a majority they accept nothing and
//! say so, and when it is back they go on by themselves, from what was there.
//!
//! The store's nodes are those of `.ci/cql-cluster`, by `CQL_HOME` and `CQL_NET`; they are killed.

use std::{net::SocketAddr, path::Path, process::Command, thread, time::Duration};

use crate::{
    application::{Application, Tokens},
    http::{Answer, Request},
    load::{Habit, Load, Visitor, nothing_failed},
    nodes::{Nodes, finished, now, until},
    person::Person,
    plan::Plan,
    revocation::is_signed_in,
};

const PEOPLE: usize = 3;
/// How long people go on where that is looked at.
const A_WHILE: Duration = Duration::from_secs(5);
/// From the death of the second store until every node says that it is not ready, and why.
const NOT_READY_WITHIN: Duration = Duration::from_secs(5);
/// From the moment at which the stores listen again until every node is ready and serves.
const RECOVERED_WITHIN: Duration = Duration::from_secs(30);

/// Nodes of the store that are down until this is dropped.
struct Down(Vec<u8>);

impl Down {
    fn kill(store: u8) -> Self {
        script("kill", store);
        Self(vec![store])
    }

    fn and(mut self, store: u8) -> Self {
        script("kill", store);
        self.0.push(store);
        self
    }
}

impl Drop for Down {
    fn drop(&mut self) {
        thread::scope(|scope| self.0.iter().for_each(|store| drop(scope.spawn(|| script("start", *store)))));
    }
}

/// Lets the store's script do something to a node of it; a start is over when that node listens.
fn script(verb: &str, store: u8) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.ci/cql-cluster");
    finished(Command::new(script).args([verb, &store.to_string()]));
}

/// Somebody whose things are used first while the store is away: a code that nobody has redeemed, and a refresh token.
struct Customer {
    visitor: Visitor,
    code: String,
}

impl Customer {
    fn of(mut visitor: Visitor) -> Self {
        let code = visitor.application.code(&mut visitor.person.browser).expect("served");
        Self { visitor, code }
    }

    /// What this one asks for that needs the store.
    fn requests(&self) -> [(&'static str, Request); 4] {
        let Visitor { person, tokens, application, .. } = &self.visitor;
        [
            ("a code", application.redemption(&self.code)),
            ("a refresh token", application.refresh(&tokens.refresh)),
            ("an access token", tokens.userinfo()),
            ("a session", application.authorized(&person.browser)),
        ]
    }

    /// Nothing that was asked for while the store was away was done, and nothing of before was lost: code and refresh token
    /// are good, once, and so is the session.
    fn goes_on(&self, site: SocketAddr) {
        let Visitor { name, person, tokens, application, .. } = &self.visitor;
        assert!(tokens.live(site), "{name}: the access token is lost");
        assert!(is_signed_in(person, site), "{name}: the session is lost");
        let refreshed = application.refresh(&tokens.refresh).served(site).expect("served");
        assert!(Tokens::of(&refreshed).is_some(), "{name}: the refresh token is lost");
        for (turn, good) in [("first", true), ("second", false)] {
            let redeemed = application.redemption(&self.code).served(site).expect("served");
            assert_eq!(Tokens::of(&redeemed).is_some(), good, "{name}: the code, for the {turn} time");
        }
        let (_, page) = person.at(site).password().expect("served");
        assert!(page.body.contains("Sign out"), "{name}: {page}");
    }
}

/// Refused for now, with word of when to come again.
#[track_caller]
fn is_put_off(what: &str, answer: &Answer) {
    assert_eq!(answer.status, 503, "{what}: {answer}");
    let again = answer.header("retry-after").and_then(|seconds| seconds.parse::<u64>().ok());
    assert!(again.is_some_and(|seconds| seconds > 0), "{what}: {again:?}");
}

/// What a form says that somebody filled in while there was a store, and sends now.
fn sign_in(visitor: &Visitor, site: SocketAddr) -> Request {
    let mut browser = visitor.person.at(site).browser;
    let page = browser.open("/login").expect("served");
    let fields = [("username", visitor.name.as_str()), ("password", &visitor.person.password)];
    browser.fill(&page, "/login", &fields)
}

#[test]
#[ignore = "needs a CQL cluster whose nodes it may kill"]
fn nodes_serve_without_one_store_accept_nothing_without_two_and_recover_by_themselves() {
    // Codes that live for as long as the store is away.
    let nodes = Nodes::begin(&Plan { settings: vec![("DOORWARD__TOKEN__CODE", "10m")], ..Plan::default() });
    let application = Application::register(&mut nodes.command());
    let visitors = Visitor::some(&nodes, &application, "guest", PEOPLE);
    let load = Load::start(Habit::Live, &visitors, &nodes.sites());
    let down = Down::kill(3);
    let killed = now();
    until(|| now() - killed, |since| *since > A_WHILE);
    nothing_failed(&load.end());
    let customers: Vec<_> = visitors.into_iter().map(Customer::of).collect();
    let sign_ins: Vec<_> =
        customers.iter().zip(nodes.sites()).map(|(customer, site)| sign_in(&customer.visitor, site)).collect();

    let down = down.and(2);
    let killed = now();
    for node in 0..nodes.count() {
        // What was read of the view is good for two seconds more, and so is what is in memory.
        let fails = |why: &str, check| why.lines().any(|line| line.starts_with(check));
        let all_fails = |why: &str| fails(why, "store: ") && fails(why, "view: ");
        until(|| nodes.managed(node, "/readyz"), |(status, why)| *status == 503 && all_fails(why));
        let took = killed.elapsed();
        println!("{} said what fails {took:?} after the second store died", nodes.name(node));
        assert!(took < NOT_READY_WITHIN, "{} took {took:?} to say it", nodes.name(node));
        assert_eq!(nodes.managed(node, "/livez").0, 200, "nobody is to start it anew");
    }
    nothing_is_accepted(&nodes, &customers, &sign_ins);

    drop(down);
    let back = now();
    nodes.until_ready();
    for site in nodes.sites() {
        let asks = || customers[0].visitor.tokens.userinfo().send(site).expect("answered").status;
        until(asks, |status| *status == 200);
    }
    let took = back.elapsed();
    println!("all nodes served {took:?} after the stores listened again");
    assert!(took < RECOVERED_WITHIN, "it took {took:?}");
    for (customer, site) in customers.iter().zip(nodes.sites()) {
        customer.goes_on(site);
    }
    Person::register(nodes.site(0), "newcomer").expect("served");
    let visitors: Vec<_> = customers.into_iter().map(|customer| customer.visitor).collect();
    let load = Load::start(Habit::Live, &visitors, &nodes.sites());
    let began = now();
    until(|| now() - began, |since| *since > A_WHILE);
    nothing_failed(&load.end());
}

/// Every node answers everything that the store decides with "not now", all at the same time.
fn nothing_is_accepted(nodes: &Nodes, customers: &[Customer], sign_ins: &[Request]) {
    thread::scope(|scope| {
        for site in nodes.sites() {
            for (customer, sign_in) in customers.iter().zip(sign_ins) {
                for (what, request) in customer.requests().into_iter().chain([("a password", sign_in.clone())]) {
                    scope.spawn(move || is_put_off(what, &request.send(site).expect("answered")));
                }
            }
        }
    });
}
