//! Mailed links: the one that is good here, and those that are not.

use std::{collections::BTreeMap, time::Duration};

use actors::domain::command::{IssueReset, IssueResetOutcome};

use crate::{
    doors::Link,
    person::{Person, token_after},
    support::{Browser, PASSWORD, TestApp},
};

/// How long a recovery waits here: longer than a login lives, shorter than a session.
pub(crate) const WAIT: Duration = Duration::from_mins(20);

/// What looks like a token, and is none.
pub(crate) const MADE_UP: &str = "v1.k1.AAAA.AAAA";

/// Longer than anything lives that is mailed, and than what has ended is kept.
const LONG: Duration = Duration::from_hours(12 * 24);

/// Tokens of links, with what is wrong with those that are good for nothing in this browser.
#[derive(Debug, Default)]
pub(crate) struct Links {
    right: BTreeMap<Link, String>,
    wrong: Vec<(Link, &'static str, String)>,
}

impl Links {
    pub(crate) fn right(&mut self, link: Link, token: String) {
        self.right.insert(link, token);
    }

    pub(crate) fn wrong(&mut self, link: Link, what: &'static str, token: String) {
        self.wrong.push((link, what, token));
    }

    /// The good one; where there is none, one that once was good or is good elsewhere.
    pub(crate) fn best(&self, link: Link) -> String {
        let wrong = || self.wrong.iter().find(|(of, ..)| *of == link).map(|(.., token)| token);
        self.right.get(&link).or_else(wrong).expect("a link of each kind was mailed").clone()
    }

    /// Every token that is good for nothing at the door of such a link, and why.
    pub(crate) fn bad(&self, link: Link) -> Vec<(String, String)> {
        let wrong = self.wrong.iter().filter(|(of, ..)| *of == link);
        let mut all: Vec<_> = wrong.map(|(_, what, token)| ((*what).to_owned(), token.clone())).collect();
        let others = self.right.iter().filter(|(of, _)| **of != link);
        all.extend(others.map(|(of, token)| (format!("of a link for {of:?}"), token.clone())));
        let best = self.best(link);
        all.push(("cut short".to_owned(), best[..best.len() - 1].to_owned()));
        all.push(("made longer".to_owned(), format!("{best}A")));
        all.extend([("empty".to_owned(), String::new()), ("made up".to_owned(), MADE_UP.to_owned())]);
        all
    }

    /// Those that somebody could have kept.
    pub(crate) fn kept(&self) -> impl Iterator<Item = String> {
        self.wrong.iter().map(|(.., token)| token.clone())
    }
}

/// Opens the page of a link in this browser and presses its button; gives where that led.
pub(crate) async fn press(browser: &mut Browser<'_>, link: Link, token: &str) -> String {
    let page = browser.get(&format!("{}?token={token}", link.path())).await;
    let typed: &[(&str, &str)] = match link {
        Link::Reset => &[("new_password", PASSWORD)],
        Link::Registration => &[("password", PASSWORD)],
        Link::Login | Link::Address | Link::Cancel => &[],
    };
    browser.submit(&page, link.path(), typed).await.location().to_owned()
}

/// The token of a link to set a new password, as operators print it.
pub(crate) async fn printed(app: &TestApp, name: &str) -> String {
    let (outcome, attempt) = app.operate(name, IssueReset).await;
    let IssueResetOutcome::Issued { reset, .. } = outcome else { panic!("{outcome:?}") };
    let locators = app.services.tokens.locators();
    locators.reset(app.user(name).await, reset, &IssueReset::secret(&attempt.seed))
}

/// Asks for an account under an address; gives the token of the link.
pub(crate) async fn ask(browser: &mut Browser<'_>, address: &str) -> String {
    let (app, page) = (browser.app, browser.open("/register/email").await);
    let before = app.sent();
    browser.submit(&page, "/register/email", &[("email", address)]).await.location();
    token_after(app, before, Link::Registration).await
}

/// Links that were good once. Afterwards the account is as it was.
pub(crate) async fn past(app: &TestApp, amelia: &Person, links: &mut Links) {
    over(app, amelia, links).await;
    app.pass(LONG);
    used(app, amelia, links).await;
}

/// Those that nobody used.
async fn over(app: &TestApp, amelia: &Person, links: &mut Links) {
    links.wrong(Link::Registration, "that is over", ask(&mut app.browser(), "late@mail.example").await);
    links.wrong(Link::Reset, "that is over", amelia.forget(app).await);
    let mut browser = app.browser();
    let label = amelia.halfway(&mut browser).await;
    links.wrong(Link::Login, "that is over", Person::have_sent(&mut browser, &label, "email").await.1);
    links.wrong(Link::Cancel, "that is over", Person::begin_recovery(&mut browser, &label).await);
}

/// Those that were used a moment ago, or made worthless, and would be good still.
async fn used(app: &TestApp, amelia: &Person, links: &mut Links) {
    let (mut browser, mut other) = (app.browser(), app.browser());
    let label = amelia.halfway(&mut browser).await;
    let token = Person::begin_recovery(&mut browser, &label).await;
    assert_eq!(press(&mut other, Link::Cancel, &token).await, "/recovery/cancel?done=1");
    links.wrong(Link::Cancel, "that was used", token);

    // Another password lets a recovery be begun again.
    links.wrong(Link::Reset, "that another took the place of", amelia.forget(app).await);
    app.pass(Duration::from_secs(61));
    let token = amelia.forget(app).await;
    assert_eq!(press(&mut other, Link::Reset, &token).await, "/login");
    links.wrong(Link::Reset, "that was used", token);
    // And two factors say that it is its owner's.
    let mut browser = app.browser();
    amelia.sign_in(&mut browser, false).await;
    links.wrong(Link::Address, "that was used", amelia.add_by_link(&mut browser, 3).await);

    let mut browser = app.browser();
    let label = amelia.halfway(&mut browser).await;
    let (_, token) = Person::have_sent(&mut browser, &label, "email").await;
    assert_eq!(press(&mut browser, Link::Login, &token).await, "/account");
    links.wrong(Link::Login, "that was used", token);

    let (first, second) = (ask(&mut other, "member@mail.example").await, ask(&mut other, "member@mail.example").await);
    assert_eq!(press(&mut other, Link::Registration, &first).await, "/account?done=registered");
    links.wrong(Link::Registration, "that was used", first);
    links.wrong(Link::Registration, "to an address that has an account", second);
}
