//! Somebody of whom a policy asks for a second step, and who has none: every door, from a session that was just begun, with an
//! application that waits and without one. Each leads to where a device is set up, or is refused; none does its work but those of the
//! enrolment itself, and those that no session opens.

use std::time::Duration;

use actors::{clients::NewClient, domain::assurance::Acr};
use http::StatusCode;
use schema::{
    FactorId, UserId,
    record::{Policy, PolicyMode, PolicyScope, SigningAlg},
};

use crate::{
    doors::{Belongs, DOORS, Device, Door, Link, NEW_ADDRESS, Typed},
    links::{self, MADE_UP},
    person::Pending,
    scene::server,
    snapshot::Snapshot,
    support::{Answer, Browser, PASSWORD, START, TestApp},
};

const CALLBACK: &str = "https://app.example/cb";
/// Where a device is set up.
const ENROLMENT: &str = "/account/mfa";

/// What a door may do there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    /// Nothing.
    None,
    /// This, and somebody who must set up a device still must.
    Some(&'static [&'static str]),
    /// This, and what was asked for is there.
    Enough(&'static [&'static str]),
}

/// What each door may do.
fn work(path: &str) -> Work {
    use Work::{Enough, Some};
    match path {
        // What no session opens: another account, a sign-in, a link for a new password.
        "/register" | "/register/confirm" | "/logout" | "/oauth/logout" => Some(&["-session"]),
        "/login" => Some(&["~session"]),
        "/reset" => Some(&["-device", "-session", "~password", "~reset"]),
        // The enrolment: one of each kind at a time, so another one gives way.
        "/account/mfa/totp" => Some(&["+totp", "-totp"]),
        "/account/mfa/email" => Some(&["+email", "-email"]),
        "/account/mfa/sms" => Some(&["+phone", "-phone"]),
        "/account/mfa/passkey" => Some(&["+passkey", "-passkey"]),
        "/account/mfa/email/{factor}/resend" => Some(&["~email"]),
        "/account/mfa/sms/{factor}/resend" => Some(&["~phone"]),
        "/account/mfa/totp/{factor}/confirm" => Enough(&["+backup", "totp=activated", "~session"]),
        "/account/mfa/sms/{factor}/confirm" => Enough(&["+backup", "phone=activated", "~session"]),
        // The making of a key proves nothing, so the key is asked for next.
        "/account/mfa/passkey/{factor}/confirm" => Some(&["+backup", "passkey=activated", "~session"]),
        // It is a device, and weaker than what is asked for; the account had no address before.
        "/account/mfa/email/{factor}/confirm" | "/account/mfa/email/link" => {
            Some(&["+backup", "email=activated", "~account", "~session"])
        }
        _ => Work::None,
    }
}

/// The browser, and what it can send.
struct Forced<'a> {
    app: &'a TestApp,
    browser: Browser<'a>,
    user: UserId,
    /// The request of an application.
    request: String,
    /// The hidden values, of the browser, the login and the session.
    csrf: [String; 3],
    l: String,
    ceremony: String,
    pending: Pending,
    other_session: String,
    /// The token of a link to set a new password, and of one to make an account.
    reset: String,
    registration: String,
}

/// The request of an application that asks first.
pub(crate) async fn application(app: &TestApp) -> String {
    let new = NewClient {
        name: "Photos".to_owned(),
        redirect_uris: vec![CALLBACK.to_owned()],
        post_logout_redirect_uris: Vec::new(),
        scope: "openid profile".to_owned(),
        public: false,
        trusted: false,
        require_pkce: false,
        id_token_alg: SigningAlg::RS256,
    };
    let (client, _) = app.services.clients.create(new).await.expect("registers");
    let callback = CALLBACK.replace(':', "%3A").replace('/', "%2F");
    format!(
        "/oauth/authorize?response_type=code&scope=openid&state=s&nonce=n&client_id={}&redirect_uri={callback}",
        client.client
    )
}

impl<'a> Forced<'a> {
    async fn new(app: &'a TestApp, waiting: bool) -> Self {
        app.browser().register("amelia").await;
        let user = app.user("amelia").await;
        let other_session = Snapshot::of(app, user).await.ids("session")[0].to_owned();
        let mode = PolicyMode::Required { from: START };
        let policy = Policy::new(PolicyScope::Everybody, mode, Acr::Mfa.as_str(), START);
        app.services.policies.set(policy).await.expect("a policy that can be met");
        let request = application(app).await;

        let mut browser = app.browser();
        let first = browser.open(if waiting { &request } else { "/login" }).await;
        let typed = [("username", "amelia"), ("password", PASSWORD)];
        let led = browser.submit(&first, "/login", &typed).await.location().to_owned();
        let page = browser.open(&led).await;
        assert!(page.body.contains("set up an authenticator app"), "{led}: {}", page.body);
        assert_eq!(page.body.contains("Before you go on to <strong>Photos</strong>"), waiting, "{}", page.body);
        let session = page.field("/logout", "csrf");
        let pending = Pending::of(&mut browser, "amelia", 1).await;
        // A minute lies between two codes to one address.
        app.pass(Duration::from_secs(61));
        let again = browser.open("/login").await;
        // The login of the application is the one that waits.
        let login = if waiting { &first } else { &again };
        Self {
            app,
            user,
            request,
            csrf: [browser.get("/register").await.field("/register", "csrf"), login.field("/login", "csrf"), session],
            l: login.field("/login", "l"),
            ceremony: login.field("/login/passkey", "ceremony"),
            pending,
            other_session,
            reset: links::printed(app, "amelia").await,
            registration: links::ask(&mut app.browser(), NEW_ADDRESS).await,
            browser,
        }
    }

    fn typed(&self, typed: Typed) -> (&'static str, String) {
        let text = |text: &str| text.to_owned();
        match typed {
            Typed::Text(name, value) => (name, text(value)),
            Typed::UserName => ("username", text("amelia")),
            Typed::Password(name) => (name, text(PASSWORD)),
            Typed::NewName => ("user_name", text("newcomer")),
            Typed::Totp | Typed::Sent | Typed::OwnAddress => ("code", text("123456")),
            Typed::Backup => ("code", text("AAAA-AAAA-AAAA-AAAA-AAAA")),
            Typed::Ceremony => ("ceremony", self.ceremony.clone()),
            Typed::Assertion => ("answer", text("{}")),
            Typed::PendingTotp => ("code", self.app.code(&self.pending.seed)),
            Typed::PendingEmail => ("code", self.pending.email_code.clone()),
            Typed::PendingPhone => ("code", self.pending.phone_code.clone()),
            Typed::PendingKey => ("answer", self.pending.making.clone()),
            Typed::OtherSession => ("session", self.other_session.clone()),
            Typed::TrustedDevice => ("device", nothing()),
            Typed::Token(link) => ("token", self.link(link)),
        }
    }

    /// The token of a good link.
    fn link(&self, link: Link) -> String {
        match link {
            Link::Reset => self.reset.clone(),
            Link::Address => self.pending.email_token.clone(),
            Link::Registration => self.registration.clone(),
            // Without a device there is no second step to complete by mail, and none to recover.
            Link::Login | Link::Cancel => MADE_UP.to_owned(),
        }
    }

    /// Sends the form of a door with everything right.
    async fn knock(&mut self, door: &Door) -> Answer {
        let pending = &self.pending;
        let factor = match door.device {
            Device::PendingTotp => pending.totp.clone(),
            Device::PendingEmail => pending.email.clone(),
            Device::PendingPhone => pending.phone.clone(),
            Device::PendingPasskey => pending.passkey.clone(),
            // There is none in force.
            Device::None | Device::Totp | Device::Email | Device::Phone | Device::Passkey => nothing(),
        };
        let [of_browser, of_login, of_session] = &self.csrf;
        let mut fields: Vec<(String, String)> = Vec::new();
        let csrf = match door.belongs {
            Belongs::Browser => of_browser,
            Belongs::Login => of_login,
            Belongs::Session => of_session,
        };
        fields.push(("csrf".to_owned(), csrf.clone()));
        if door.belongs == Belongs::Login {
            fields.push(("l".to_owned(), self.l.clone()));
        }
        fields.extend(door.typed.iter().map(|typed| self.typed(*typed)).map(|(name, value)| (name.to_owned(), value)));
        self.browser.post(&door.path.replace("{factor}", &factor), &fields).await
    }

    /// Is somebody signed in who may look at the account?
    async fn is_inside(&self) -> bool {
        self.browser.clone().is_signed_in().await
    }

    /// Does the application get a code, with nobody asked or by going on where it waits?
    async fn is_answered(&self) -> bool {
        let answered = |answer: &Answer| {
            let led = answer.headers.get(http::header::LOCATION).and_then(|to| to.to_str().ok()).unwrap_or_default();
            led.starts_with(CALLBACK) && led.contains("code=")
        };
        let silent = self.browser.clone().get(&format!("{}&prompt=none", self.request)).await;
        let on = self.browser.clone().get(&format!("/oauth/authorize/continue?l={}", self.l)).await;
        answered(&silent) || answered(&on)
    }
}

fn nothing() -> String {
    FactorId::from_bytes([9; 16]).to_string()
}

/// Is the visitor told no, or led to the enrolment, to the proofs for it, or to a sign-in?
fn is_kept_out(answer: &Answer) -> bool {
    if answer.status != StatusCode::SEE_OTHER {
        return answer.status.is_client_error();
    }
    let led = answer.location();
    // A device that is not there was removed already, as its page says.
    led.split('?').next() == Some(ENROLMENT)
        || led.starts_with("/account/reauthenticate?to=%2Faccount%2Fmfa")
        || ["/login", "/recovery", "/register"].iter().any(|begins| led.starts_with(begins))
}

async fn every_door(waiting: bool) {
    let mut wrong = Vec::new();
    for door in &DOORS {
        let app = server().await;
        let mut forced = Forced::new(&app, waiting).await;
        let before = Snapshot::of(&app, forced.user).await;
        let mut answer = forced.knock(door).await;
        if door.path == "/consent" && answer.status == StatusCode::SEE_OTHER {
            // What is said there is judged where the application waits.
            let led = answer.location().to_owned();
            answer = forced.browser.get(&led).await;
        }
        let mut changes = before.changes(&Snapshot::of(&app, forced.user).await);
        changes.dedup();
        changes.retain(|change| change != "~device");
        let (inside, answered) = (forced.is_inside().await, forced.is_answered().await);
        let allowed = match work(door.path) {
            Work::None => changes.is_empty() && !inside && !answered && (is_kept_out(&answer) || tells_nothing(door)),
            Work::Some(expected) => changes == expected && !inside && !answered,
            Work::Enough(expected) => changes == expected && inside,
        };
        if !allowed || answer.status.is_server_error() {
            let led = answer.headers.get(http::header::LOCATION);
            wrong.push(format!(
                "{} ({waiting}): {} {led:?} {changes:?}, inside {inside}, answered {answered}",
                door.path, answer.status
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Doors that say the same to everybody, whatever they do.
fn tells_nothing(door: &Door) -> bool {
    matches!(door.path, "/forgot" | "/register/email")
}

#[tokio::test]
async fn who_must_set_up_a_device_does_nothing_else() {
    every_door(false).await;
}

#[tokio::test]
async fn who_must_set_up_a_device_for_an_application_that_waits_does_nothing_else() {
    every_door(true).await;
}

/// Whoever opens a page, begins anew or goes on in another tab is led to the same place.
#[tokio::test]
async fn no_page_is_a_way_round_the_enrolment() {
    for waiting in [false, true] {
        let app = server().await;
        let forced = Forced::new(&app, waiting).await;
        for page in ["/account", "/account/password", "/account/sessions", "/account/reauthenticate?to=%2Faccount"] {
            let answer = forced.browser.clone().get(page).await;
            assert_eq!(answer.location(), ENROLMENT, "{page}, waiting: {waiting}");
        }
        let fresh = forced.browser.clone().get(&forced.request).await;
        assert_eq!(fresh.location(), ENROLMENT, "waiting: {waiting}");
        let mut again = forced.browser.clone();
        let page = again.open(&format!("{}&prompt=login", forced.request)).await;
        let typed = [("username", "amelia"), ("password", PASSWORD)];
        let led = again.submit(&page, "/login", &typed).await.location().to_owned();
        assert_eq!(again.get(&led).await.location(), ENROLMENT, "waiting: {waiting}");
    }
}
