//! A node that stands still, as after a long garbage collection of its host: others serve its users, and when it goes on it
//! accepts nothing that was revoked meanwhile.

use std::time::Duration;

use crate::{
    application::{Application, Tokens},
    load::{Habit, Load, Visitor},
    nodes::{Nodes, now, until},
};

const SERVED_WITHIN: Duration = Duration::from_secs(2);
const PEOPLE: usize = 9;
const VICTIM: usize = 1;

#[test]
#[ignore = "needs a CQL cluster"]
fn users_of_a_paused_node_are_served_by_others_within_two_seconds() {
    let nodes = Nodes::start();
    let application = Application::register(&mut nodes.command());
    let mut visitors = Visitor::some(&nodes, &application, "guest", PEOPLE);
    visitors.push(Visitor::of(&nodes, &application, VICTIM));
    // A load balancer has taken the paused node out: it would let everybody wait.
    let others: Vec<_> = (0..nodes.count()).filter(|node| *node != VICTIM).map(|node| nodes.site(node)).collect();
    let load = Load::start(Habit::KeepOn, &visitors, &others);
    nodes.pause(VICTIM);
    let paused = now();
    until(|| now() - paused, |since| *since > 2 * SERVED_WITHIN);
    let stories = load.end();
    nodes.resume(VICTIM);
    for story in &stories {
        let late = story.samples.iter().filter(|sample| sample.began > paused + SERVED_WITHIN);
        let late: Vec<_> = late.filter(|s| !s.good || s.ended - s.began > SERVED_WITHIN).collect();
        assert!(late.is_empty(), "{}: {late:?} after {paused:?}", story.name);
    }
    nodes.until_ready();
}

#[test]
#[ignore = "needs a CQL cluster"]
fn a_node_that_goes_on_after_a_pause_accepts_nothing_that_was_revoked_meanwhile() {
    let nodes = Nodes::start();
    let application = Application::register(&mut nodes.command());
    let mut visitors = Visitor::some(&nodes, &application, "guest", PEOPLE);
    visitors.push(Visitor::of(&nodes, &application, VICTIM));
    for visitor in &visitors {
        assert!(visitor.tokens.live(nodes.site(VICTIM)), "it has all of them in memory");
    }
    nodes.pause(VICTIM);
    // Requests that it has accepted, and will answer as the first thing when it goes on.
    let waiting = visitors.iter().map(|v| v.tokens.userinfo().begin(nodes.site(VICTIM)).expect("accepted"));
    let waiting: Vec<_> = waiting.collect();
    for visitor in &visitors {
        let mut browser = visitor.person.browser.clone();
        browser.site = nodes.site(0);
        let page = browser.open("/logout").expect("served");
        let page = browser.submit(&page, "/logout", &[]).expect("served");
        assert_eq!(page.status, 200, "{page}");
    }
    nodes.resume(VICTIM);
    for (visitor, waiting) in visitors.iter().zip(waiting) {
        // It may say that it cannot tell, but it must not say yes.
        let answer = waiting.end().expect("answered");
        assert!([401, 503].contains(&answer.status), "{}: {answer}", visitor.name);
    }
    nodes.until_ready();
    for visitor in &visitors {
        assert!(!visitor.tokens.live(nodes.site(VICTIM)), "{}", visitor.name);
        let refreshed = application.refresh(&visitor.tokens.refresh).send(nodes.site(VICTIM)).expect("served");
        assert_eq!(Tokens::of(&refreshed), None, "{}", visitor.name);
    }
}
