//! Any request to any node: somebody's next step may be taken at another one.

use serde_json::Value;

use crate::{
    application::{Application, Tokens},
    http::Request,
    nodes::Nodes,
    person::{Person, asks_for_a_code, signed_in},
};

#[test]
#[ignore = "needs a CQL cluster"]
fn somebody_registered_at_one_node_signs_in_at_another_and_refreshes_at_the_third() {
    let nodes = Nodes::start();
    let application = Application::register(&mut nodes.command());
    for turn in 0..6 {
        let [a, b, c] = [0, 1, 2].map(|step| nodes.site((turn + step) % nodes.count()));
        let mut person = Person::register(a, &format!("traveller-{turn}")).expect("served");
        let (browser, page) = person.at(b).password().expect("served");
        assert!(page.status == 200 && page.body.contains("Sign out"), "{page}");
        person.browser = browser;
        let code = application.code(&mut person.browser).expect("served");
        let first = Tokens::of(&application.redemption(&code).send(c).expect("served")).expect("tokens");
        let second = Tokens::of(&application.refresh(&first.refresh).send(a).expect("served")).expect("tokens");
        for site in [a, b, c] {
            assert!(second.live(site));
        }
        // What was consumed at one is consumed at each.
        for site in [b, c] {
            assert_eq!(Tokens::of(&application.redemption(&code).send(site).expect("served")), None);
            assert_eq!(Tokens::of(&application.refresh(&first.refresh).send(site).expect("served")), None);
            assert!(!second.live(site), "the theft ended the family");
        }
    }
}

#[test]
#[ignore = "needs a CQL cluster"]
fn a_second_factor_enrolled_at_one_node_is_asked_for_at_another_and_its_code_is_good_once() {
    let nodes = Nodes::start();
    for turn in 0..3 {
        let [a, b, c] = [0, 1, 2].map(|step| nodes.site((turn + step) % nodes.count()));
        let mut person = Person::register(a, &format!("careful-{turn}")).expect("served");
        person.browser.site = b;
        let authenticator = person.enrol().expect("served");
        let code = authenticator.code();
        let (mut browser, page) = person.at(c).challenged().expect("served");
        browser.site = a;
        let answer = browser.fill(&page, "/login/totp", &[("code", &code)]).send(a).expect("served");
        assert!(signed_in(&answer), "{answer}");
        for site in [a, b, c] {
            let (browser, page) = person.at(site).password().expect("served");
            assert!(asks_for_a_code(&page), "{page}");
            let answer = browser.fill(&page, "/login/totp", &[("code", &code)]).send(site).expect("served");
            assert!(!signed_in(&answer), "a TOTP code is good twice");
        }
    }
}

#[test]
#[ignore = "needs a CQL cluster"]
fn the_trace_of_a_request_is_in_the_logs_of_every_node_that_had_a_part_in_it() {
    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    let nodes = Nodes::start();
    let application = Application::register(&mut nodes.command());
    let mut person = Person::register(nodes.site(0), "traced").expect("served");
    let code = application.code(&mut person.browser).expect("served");
    let tokens = Tokens::of(&application.redemption(&code).send(nodes.site(0)).expect("served")).expect("tokens");
    let owner = nodes.owner("traced");
    let owner = (0..nodes.count()).find(|node| nodes.name(*node) == owner).expect("one of them");
    let edge = (owner + 1) % nodes.count();
    let (bearer, parent) = (format!("Bearer {}", tokens.access), format!("00-{TRACE}-00f067aa0ba902b7-01"));
    let request = Request::new("/oauth/userinfo", &[("Authorization", &bearer), ("traceparent", &parent)], None);
    let answer = request.send(nodes.site(edge)).expect("served");
    assert_eq!(answer.status, 200, "{answer}");
    let traced = |line: &Value, span: &str| line["span"]["name"] == span && line["span"]["trace_id"] == TRACE;
    let at_the_edge = nodes.log_line(edge, |line| line["message"] == "answered" && traced(line, "request"));
    assert_eq!(answer.header("x-request-id"), at_the_edge["span"]["id"].as_str());
    let at_the_owner = nodes.log_line(owner, |line| traced(line, "call"));
    assert_eq!(at_the_owner["span"]["from"], nodes.name(edge));
}
