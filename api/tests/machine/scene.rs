//! A browser in a state, with everything that it could send: its own, older, and that of somebody else.

use std::{collections::BTreeMap, time::Duration};

use actors::domain::{assurance::Acr, command::ChangeRole};
use api::RegistrationBy;
use schema::{
    UserId,
    record::{Policy, PolicyMethod, PolicyMode, PolicyScope},
};

use crate::{
    doors::{Link, NEW_ADDRESS},
    forced::application,
    links::{self, Links, WAIT},
    person::{Pending, Person, options, token_after},
    snapshot::{Look, Snapshot},
    state::{Hidden, State},
    support::{Answer, Browser, PASSWORD, START, TestApp},
};

/// A state, and who is around.
pub(crate) struct Scene<'a> {
    pub(crate) app: &'a TestApp,
    pub(crate) amelia: Person,
    pub(crate) mallory: Person,
    pub(crate) pending: Pending,
    pub(crate) theirs: Pending,
    pub(crate) browser: Browser<'a>,
    pub(crate) own: Hidden,
    pub(crate) older: Hidden,
    pub(crate) foreign: Hidden,
    pub(crate) sent: String,
    /// A code that another took the place of.
    pub(crate) older_sent: String,
    /// The code of somebody else's login.
    pub(crate) foreign_sent: String,
    pub(crate) links: Links,
    /// Links of somebody else that whoever has them may use.
    pub(crate) theirs_to_use: Vec<(Link, String)>,
    pub(crate) other_session: String,
    pub(crate) ended_session: String,
    pub(crate) foreign_session: String,
    pub(crate) trusted: String,
    /// A browser that somebody else has trusted.
    pub(crate) foreign_trusted: String,
    /// The cookies of somebody else's browser, which is signed in and trusted.
    pub(crate) foreign_jar: BTreeMap<String, String>,
    /// Those of a browser that was the owner's, signed in and trusted, before the password was another one.
    pub(crate) older_jar: BTreeMap<String, String>,
    users: [UserId; 2],
}

/// A server that counts nobody's address, where people register by name or address and recover their accounts.
pub(crate) async fn server() -> TestApp {
    let rules = |settings: &mut actors::domain::context::Settings| settings.recovery_wait = WAIT;
    TestApp::with_everything(rules, |settings| {
        settings.registration = RegistrationBy::Either;
        for rate in [
            &mut settings.limits.failures,
            &mut settings.limits.registrations,
            &mut settings.limits.stored_requests,
            &mut settings.limits.messages,
        ] {
            rate.burst = 1_000_000;
        }
    })
    .await
}

/// The hidden values of a browser whose login is at this page.
pub(crate) async fn hidden(browser: &mut Browser<'_>, page: &Answer, person: &mut Person) -> Hidden {
    let form = "/login/passkey";
    let account = browser.get("/account").await;
    let session = if account.status == http::StatusCode::OK { account.field("/logout", "csrf") } else { String::new() };
    let (l, options) = (page.field(form, "l"), options(page));
    Hidden {
        browser: browser.get("/register").await.field("/register", "csrf"),
        login: page.field(form, "csrf"),
        session,
        cookie: login_cookie(browser, &l),
        l,
        ceremony: page.field(form, "ceremony"),
        assertion: person.key.sign(&options).to_string(),
        options,
    }
}

fn login_cookie(browser: &Browser<'_>, label: &str) -> String {
    browser.cookie(&format!("dw_login_{label}")).expect("the cookie of the login")
}

/// Signs out; gives the id of the session that ends.
async fn ended_session(browser: &mut Browser<'_>) -> String {
    let amelia = browser.app.user("amelia").await;
    let before = Snapshot::of(browser.app, amelia).await;
    sign_out(browser).await;
    let after = Snapshot::of(browser.app, amelia).await;
    let ended = before.ids("session").into_iter().find(|id| !after.ids("session").contains(id));
    ended.expect("it ended").to_owned()
}

async fn sign_out(browser: &mut Browser<'_>) {
    let page = browser.open("/account").await;
    browser.submit(&page, "/logout", &[]).await.location();
}

/// Somebody else, with everything that is theirs.
struct Others {
    mallory: Person,
    pending: Pending,
    hidden: Hidden,
    sent: String,
    to_use: Vec<(Link, String)>,
    jar: BTreeMap<String, String>,
}

impl Others {
    async fn new(app: &TestApp, links: &mut Links) -> Self {
        let mut mallory = Person::new(app, "mallory", 2).await;
        let mut browser = app.browser();
        mallory.sign_in(&mut browser, true).await;
        let pending = mallory.pend(&mut browser).await;
        links.wrong(Link::Address, "of somebody else", pending.email_token.clone());
        let page = browser.open("/login").await;
        let hidden = hidden(&mut browser, &page, &mut mallory).await;
        let mut elsewhere = app.browser();
        let label = mallory.halfway(&mut elsewhere).await;
        let (sent, token) = Person::have_sent(&mut elsewhere, &label, "email").await;
        links.wrong(Link::Login, "of somebody else", token);
        let cancel = Person::begin_recovery(&mut elsewhere, &label).await;
        let to_use = vec![(Link::Cancel, cancel), (Link::Reset, mallory.forget(app).await)];
        Self { mallory, pending, hidden, sent, to_use, jar: browser.jar }
    }
}

/// Signs in and out; gives the hidden values of that login, and the id of the session that ended.
async fn earlier(browser: &mut Browser<'_>, amelia: &mut Person, state: State) -> (Hidden, String) {
    let trusted = state == State::Trusted;
    let page = if trusted { browser.open("/login").await } else { amelia.type_password(browser).await };
    let mut older = hidden(browser, &page, amelia).await;
    if trusted {
        let typed = [("username", "amelia"), ("password", PASSWORD)];
        assert_eq!(browser.submit(&page, "/login", &typed).await.location(), "/account");
    } else {
        let page = browser.open(&format!("/login/totp?l={}", older.l)).await;
        let code = browser.app.code(&amelia.seed);
        assert_eq!(browser.submit(&page, "/login/totp", &[("code", &code)]).await.location(), "/account");
        browser.app.pass(Duration::from_secs(31));
    }
    older.session = browser.open("/account").await.field("/logout", "csrf");
    (older, ended_session(browser).await)
}

/// Begins a recovery as somebody who knows the password, in a browser that is not seen again.
async fn somebody_begins(amelia: &Person, app: &TestApp) -> String {
    let mut stranger = app.browser();
    let label = amelia.halfway(&mut stranger).await;
    Person::begin_recovery(&mut stranger, &label).await
}

impl<'a> Scene<'a> {
    pub(crate) async fn new(app: &'a TestApp, state: State) -> Self {
        let (mut amelia, mut links) = (Person::new(app, "amelia", 1).await, Links::default());
        let mut former = app.browser();
        amelia.sign_in(&mut former, true).await;
        links::past(app, &amelia, &mut links).await;
        let mut trusting = app.browser();
        amelia.sign_in(&mut trusting, true).await;
        trusting.jar.retain(|name, _| !name.contains("dw_session"));

        let mut browser = if state == State::Trusted { trusting.clone() } else { app.browser() };
        let (older, ended_session) = earlier(&mut browser, &mut amelia, state).await;
        let mut elsewhere = app.browser();
        amelia.sign_in(&mut elsewhere, false).await;
        for way in ["email", "sms"] {
            amelia.sign_in_by(&mut app.browser(), way).await;
        }
        let kept = Snapshot::of(app, app.user("amelia").await).await;
        // What confirms an address is good in the session that asked for it.
        let pending = if state.pends() { Pending::default() } else { amelia.pend(&mut elsewhere).await };
        if !state.pends() {
            links.wrong(Link::Address, "of another session", pending.email_token.clone());
        }
        if state.is_due() {
            let token = somebody_begins(&amelia, app).await;
            links.right(Link::Cancel, token);
            app.pass(WAIT);
        }
        links.right(Link::Reset, amelia.forget(app).await);
        let others = Others::new(app, &mut links).await;
        let theirs = Snapshot::of(app, app.user("mallory").await).await;
        let mut scene = Self {
            app,
            other_session: kept.ids("session").last().expect("a session").to_string(),
            ended_session,
            foreign_session: theirs.ids("session").first().expect("a session").to_string(),
            foreign_trusted: theirs.ids("trusted").first().expect("a trusted browser").to_string(),
            foreign_jar: others.jar,
            older_jar: former.jar,
            trusted: kept.ids("trusted").first().expect("a trusted browser").to_string(),
            users: [app.user("amelia").await, app.user("mallory").await],
            own: Hidden::default(),
            sent: "123456".to_owned(),
            older_sent: "123457".to_owned(),
            foreign_sent: others.sent,
            links,
            theirs_to_use: others.to_use,
            amelia,
            mallory: others.mallory,
            pending,
            theirs: others.pending,
            browser,
            older,
            foreign: others.hidden,
        };
        scene.bring(state).await;
        scene.have_mailed().await;
        if state.is_asked_for_more() {
            Box::pin(scene.ask_for_more(state)).await;
        }
        scene
    }

    async fn bring(&mut self, state: State) {
        let (app, amelia, browser) = (self.app, &mut self.amelia, &mut self.browser);
        let mut question = None;
        let page = match state {
            State::Begun => browser.open("/login").await,
            State::Awaiting | State::Due | State::Further => amelia.type_password(browser).await,
            State::AwaitingMail | State::AwaitingText | State::Recovering => {
                let page = amelia.type_password(browser).await;
                self.have_sent(state, &page.field("/login/passkey", "l")).await;
                page
            }
            State::Waiting => {
                let page = amelia.type_password(browser).await;
                let token = Person::begin_recovery(browser, &page.field("/login/passkey", "l")).await;
                self.links.right(Link::Cancel, token);
                page
            }
            State::Cancelled => {
                let token = somebody_begins(amelia, app).await;
                links::press(&mut app.browser(), Link::Cancel, &token).await;
                self.links.wrong(Link::Cancel, "of a recovery that was cancelled", token);
                amelia.type_password(browser).await
            }
            State::Fresh | State::Owner | State::Stale | State::Raising => self.sign_in(state).await,
            State::Trusted => {
                let page = browser.open("/login").await;
                let typed = [("username", "amelia"), ("password", PASSWORD)];
                assert_eq!(browser.submit(&page, "/login", &typed).await.location(), "/account");
                browser.open("/login").await
            }
            State::ByMail => {
                let token = amelia.sign_in_by(browser, "email").await;
                self.links.wrong(Link::Login, "beside a code that was used", token);
                browser.open("/login").await
            }
            State::Asked => {
                amelia.sign_in(browser, false).await;
                app.pass(Duration::from_mins(11));
                question = Some(browser.open(&application(app).await).await);
                browser.open("/login").await
            }
            State::Ended => {
                amelia.sign_in(browser, false).await;
                let kept = browser.clone();
                sign_out(browser).await;
                browser.jar.clone_from(&kept.jar);
                browser.open("/login").await
            }
        };
        self.own = hidden(&mut self.browser, &page, &mut self.amelia).await;
        if let Some(page) = question {
            let (login, l) = (page.field("/consent", "csrf"), page.field("/consent", "l"));
            self.own = Hidden { login, cookie: login_cookie(&self.browser, &l), l, ..self.own.clone() };
        }
        if self.own.session.is_empty() {
            // Who is signed out sends what was good once.
            self.own.session.clone_from(&self.older.session);
        }
    }

    /// Signs in with two factors; gives the login page.
    async fn sign_in(&mut self, state: State) -> Answer {
        self.amelia.sign_in(&mut self.browser, false).await;
        if state == State::Stale {
            self.app.pass(Duration::from_mins(7));
        }
        if state.pends() {
            self.pend_twice().await;
        }
        if state == State::Owner {
            let token = somebody_begins(&self.amelia, self.app).await;
            self.links.right(Link::Cancel, token);
        }
        self.browser.open("/login").await
    }

    /// Has a code sent for the login of this name, and another one after a minute.
    async fn have_sent(&mut self, state: State, label: &str) {
        let mut sent = Vec::new();
        for _ in 0..2 {
            if !sent.is_empty() {
                self.app.pass(Duration::from_secs(61));
            }
            let browser = &mut self.browser;
            sent.push(match state {
                State::AwaitingMail => Person::have_sent(browser, label, "email").await,
                State::AwaitingText => Person::have_sent(browser, label, "sms").await,
                _ => {
                    let before = self.app.sent();
                    let page = browser.open(&format!("/login/recovery?l={label}")).await;
                    browser.submit(&page, "/login/recovery/send", &[]).await.location();
                    (self.app.code_after(before).await, token_after(self.app, before, Link::Cancel).await)
                }
            });
        }
        let [(older_sent, older_token), (sent, token)] = sent.try_into().expect("two");
        (self.older_sent, self.sent) = (older_sent, sent);
        match state {
            State::AwaitingMail => {
                self.links.wrong(Link::Login, "that another took the place of", older_token);
                self.links.right(Link::Login, token);
            }
            // All links to one recovery cancel it.
            State::Recovering => self.links.right(Link::Cancel, token),
            _ => {}
        }
    }

    /// Has devices await their proof in this session, and the mail to one of them sent again.
    async fn pend_twice(&mut self) {
        let used = self.amelia.add_by_link(&mut self.browser, 4).await;
        self.links.wrong(Link::Address, "that was used here", used);
        // A device more has ended all trust.
        self.amelia.sign_in(&mut self.app.browser(), true).await;
        let trusted = Snapshot::of(self.app, self.users[0]).await;
        self.trusted = trusted.ids("trusted").first().expect("a trusted browser").to_string();
        self.pending = self.amelia.pend(&mut self.browser).await;
        self.app.pass(Duration::from_secs(61));
        let before = self.app.sent();
        let path = format!("/account/mfa/email/{}", self.pending.email);
        let page = self.browser.open(&path).await;
        self.browser.submit(&page, &format!("{path}/resend"), &[]).await.location();
        let token = token_after(self.app, before, Link::Address).await;
        let older = std::mem::replace(&mut self.pending.email_token, token.clone());
        self.pending.email_code = self.app.code_after(before).await;
        self.links.wrong(Link::Address, "that another took the place of", older);
        self.links.right(Link::Address, token);
        self.app.pass(Duration::from_secs(61));
    }

    /// Links that are good, here or elsewhere, whatever the state.
    async fn have_mailed(&mut self) {
        let app = self.app;
        self.links.right(Link::Registration, links::ask(&mut app.browser(), NEW_ADDRESS).await);
        let mut beside = app.browser();
        let label = self.amelia.halfway(&mut beside).await;
        let (_, token) = Person::have_sent(&mut beside, &label, "email").await;
        self.links.wrong(Link::Login, "of another login", token);
    }

    /// Has a policy ask for an app and a passkey, of which the app is proved.
    async fn ask_for_more(&mut self, state: State) {
        let guarded = "guarded".to_owned();
        self.app.operate("amelia", ChangeRole { role: guarded.clone(), given: true }).await;
        let required = PolicyMode::Required { from: START };
        let policy = Policy::new(PolicyScope::Role { role: guarded }, required, Acr::Mfa.as_str(), START);
        let policy = Policy { all_of: [PolicyMethod::Totp, PolicyMethod::Passkey].into(), ..policy };
        self.app.services.policies.set(policy).await.expect("it can be met");
        let (app, browser) = (self.app, &mut self.browser);
        let led = if state == State::Raising {
            browser.get("/account").await.location().to_owned()
        } else {
            let page = browser.open(&format!("/login/totp?l={}", self.own.l)).await;
            let code = app.code(&self.amelia.seed);
            browser.submit(&page, "/login/totp", &[("code", &code)]).await.location().to_owned()
        };
        app.pass(Duration::from_secs(31));
        let page = browser.open(&led).await;
        let session = self.own.session.clone();
        self.own = Hidden { session, ..hidden(browser, &page, &mut self.amelia).await };
    }

    pub(crate) async fn look(&self) -> Look {
        Look {
            amelia: Snapshot::of(self.app, self.users[0]).await,
            mallory: Snapshot::of(self.app, self.users[1]).await,
            others: Snapshot::of_others(self.app, &self.users).await,
        }
    }

    /// Who is signed in, by the page of the account.
    pub(crate) async fn who(&self) -> Option<&'static str> {
        // Looked at in a copy, which keeps no cookie.
        let page = self.browser.clone().get("/account").await;
        let known = ["amelia", "mallory", "newcomer", NEW_ADDRESS];
        let name = known.into_iter().find(|name| page.body.contains(name));
        name.filter(|_| page.status == http::StatusCode::OK)
    }
}
