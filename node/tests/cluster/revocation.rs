//! After the answer to a revocation no node accepts what was revoked (HAZARDS H2), whichever took it and whichever owned
//! the user and had everything in memory.

use std::net::SocketAddr;

use crate::{
    application::{Application, Tokens},
    nodes::Nodes,
    person::Person,
};

/// Users of each test, so that every node owns some.
const USERS: usize = 9;

/// Somebody who is signed in, and whom every node has just served.
struct Guest {
    person: Person,
    tokens: Tokens,
    /// Where the revocation will be asked for.
    site: SocketAddr,
}

impl Guest {
    fn all(nodes: &Nodes, application: &Application) -> Vec<Self> {
        (0..USERS).map(|number| Self::welcome(nodes, application, number)).collect()
    }

    fn welcome(nodes: &Nodes, application: &Application, number: usize) -> Self {
        let site = nodes.site(number % nodes.count());
        let mut person = Person::register(site, &format!("guest-{number}")).expect("served");
        let code = application.code(&mut person.browser).expect("served");
        let tokens = Tokens::of(&application.redemption(&code).send(site).expect("served")).expect("tokens");
        for other in nodes.sites() {
            assert!(tokens.live(other) && is_signed_in(&person, other));
        }
        Self { person, tokens, site }
    }

    /// Holds every node to the revocation, at once.
    #[track_caller]
    fn is_gone_everywhere(&self, nodes: &Nodes, application: &Application) {
        for site in nodes.sites() {
            assert!(!is_signed_in(&self.person, site), "{}: the session lives on", self.person.name);
            assert!(!self.tokens.live(site), "{}: the access token lives on", self.person.name);
        }
        let refreshed = application.refresh(&self.tokens.refresh).send(self.site).expect("served");
        assert_eq!(Tokens::of(&refreshed), None, "{}: the family lives on", self.person.name);
    }
}

/// Does a node show this browser the account?
pub(crate) fn is_signed_in(person: &Person, site: SocketAddr) -> bool {
    let mut browser = person.browser.clone();
    browser.site = site;
    let page = browser.open("/account").expect("served");
    assert_eq!(page.status, 200, "{page}");
    page.body.contains("Sign out")
}

#[test]
#[ignore = "needs a CQL cluster"]
fn after_the_answer_to_a_logout_no_node_accepts_the_session() {
    let nodes = Nodes::start();
    let application = Application::register(&mut nodes.command());
    for guest in Guest::all(&nodes, &application) {
        // The cookies of before are kept, as a thief would keep them.
        let mut browser = guest.person.browser.clone();
        let page = browser.open("/logout").expect("served");
        let page = browser.submit(&page, "/logout", &[]).expect("served");
        assert_eq!(page.status, 200, "{page}");
        guest.is_gone_everywhere(&nodes, &application);
    }
}

#[test]
#[ignore = "needs a CQL cluster"]
fn after_the_answer_to_a_revocation_no_node_accepts_the_tokens() {
    let nodes = Nodes::start();
    let application = Application::register(&mut nodes.command());
    for guest in Guest::all(&nodes, &application) {
        let answer = application.revocation(&guest.tokens.refresh).send(guest.site).expect("served");
        assert_eq!(answer.status, 200, "{answer}");
        for site in nodes.sites() {
            assert!(!guest.tokens.live(site), "{}: the access token lives on", guest.person.name);
            assert!(is_signed_in(&guest.person, site), "the session was not revoked");
        }
    }
}

#[test]
#[ignore = "needs a CQL cluster"]
fn when_the_command_line_has_ended_sessions_or_disabled_somebody_no_node_accepts_them() {
    let nodes = Nodes::start();
    let application = Application::register(&mut nodes.command());
    for (number, guest) in Guest::all(&nodes, &application).into_iter().enumerate() {
        let verb = if number % 2 == 0 { "end-sessions" } else { "disable" };
        nodes.run(&["user", verb, &guest.person.name]);
        guest.is_gone_everywhere(&nodes, &application);
    }
}
