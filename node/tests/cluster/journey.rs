//! Everything that somebody does with an account, by turns at two nodes; what one has acknowledged all hold to.

use std::net::SocketAddr;

use crate::{
    application::{Application, Tokens},
    nodes::Nodes,
    person::{Authenticator, Person, signed_in, to_backup_code},
    revocation::is_signed_in,
};

/// Registers at the first, and does each thing after that at the other than the one before.
pub(crate) fn travel(nodes: &Nodes, application: &Application, name: &str, [home, away]: [SocketAddr; 2]) {
    let mut person = Person::register(home, name).expect("served");
    let authenticator = person.enrol().expect("served");
    let person = second_factor(&person, &authenticator, [home, away]);
    let tokens = tokens(nodes, application, &person, [home, away]);

    let answer = application.revocation(&tokens.refresh).send(away).expect("served");
    assert_eq!(answer.status, 200, "{name}: {answer}");
    for site in nodes.sites() {
        assert!(!tokens.live(site), "{name}: the access token outlives its revocation");
        assert!(is_signed_in(&person, site), "{name}: the session was not revoked");
    }
    let refreshed = application.refresh(&tokens.refresh).send(home).expect("served");
    assert_eq!(Tokens::of(&refreshed), None, "{name}: the family outlives its revocation");

    // The cookies of before are kept, as a thief would keep them.
    let mut browser = person.browser.clone();
    browser.site = home;
    let page = browser.open("/logout").expect("served");
    let page = browser.submit(&page, "/logout", &[]).expect("served");
    assert_eq!(page.status, 200, "{name}: {page}");
    for site in nodes.sites() {
        assert!(!is_signed_in(&person, site), "{name}: the session outlives the logout");
    }
}

/// Signs in with password and code away; the code is good nowhere a second time, and neither is a backup code. Gives the
/// person with the browser of that sign-in.
fn second_factor(person: &Person, authenticator: &Authenticator, [home, away]: [SocketAddr; 2]) -> Person {
    let name = &person.name;
    let code = authenticator.code();
    let (mut browser, page) = person.at(away).challenged().expect("served");
    let page = browser.submit(&page, "/login/totp", &[("code", &code)]).expect("served");
    assert!(page.body.contains("Sign out"), "{name}: {page}");
    let (other, page) = person.at(home).challenged().expect("served");
    let answer = other.fill(&page, "/login/totp", &[("code", &code)]).send(home).expect("served");
    assert!(!signed_in(&answer), "{name}: a TOTP code is good twice");

    for (site, accepted) in [(away, true), (home, false)] {
        let (other, page) = to_backup_code(person.at(site).challenged().expect("served")).expect("served");
        let code = &authenticator.backup_codes[3];
        let answer = other.fill(&page, "/login/backup-code", &[("code", code)]).send(site).expect("served");
        assert_eq!(signed_in(&answer), accepted, "{name}: a backup code is good once: {answer}");
    }
    Person { browser, ..person.clone() }
}

/// A code of one node, redeemed at the other, and refreshed at both; what was consumed is good nowhere a second time.
fn tokens(nodes: &Nodes, application: &Application, person: &Person, [home, away]: [SocketAddr; 2]) -> Tokens {
    let name = &person.name;
    let mut browser = person.browser.clone();
    let stolen = application.code(&mut browser).expect("served");
    let code = application.code(&mut browser).expect("served");
    let gone = Tokens::of(&application.redemption(&stolen).send(away).expect("served")).expect("tokens");
    assert_eq!(Tokens::of(&application.redemption(&stolen).send(home).expect("served")), None, "{name}: a code twice");
    let mut tokens = Tokens::of(&application.redemption(&code).send(home).expect("served")).expect("tokens");
    for site in [away, home] {
        tokens = Tokens::of(&application.refresh(&tokens.refresh).send(site).expect("served")).expect("tokens");
    }
    for site in nodes.sites() {
        assert!(tokens.live(site), "{name}: a fresh token is refused");
        assert!(!gone.live(site), "{name}: the theft ended the family");
    }
    tokens
}
