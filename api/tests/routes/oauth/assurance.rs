//! What tokens say of how somebody signed in: exactly `amr`, `acr` and `auth_time`, for every way and every pair of ways, at the
//! redemption of a code and at each refresh, for who owns every kind of device. A family of tokens keeps its own truth when its session
//! is raised or lowered later (HAZARDS H16).

use std::time::Duration;

use actors::{
    clock::Clock,
    domain::factor::passkey::attestation::{AttestationDemand, TrustAnchors},
    testing::{SoftKey, SoftMaker, Traits, unattested},
};
use http::StatusCode;
use schema::record::{Policy, PolicyMethod, PolicyScope};
use serde_json::{Value, json};

use super::rp::{Rp, id_claims, ok, opened, returned, text};
use crate::{
    passkey::{self, enrol, enrol_attested},
    policies::{required, set},
    support::{Answer, Browser, PASSWORD, TestApp},
};

const NAME: &str = "amelia";
const FA1: &str = "urn:doorward:acr:1fa";
const STEP2: &str = "urn:doorward:acr:2step";
const MFA: &str = "urn:doorward:acr:mfa";

/// A way to sign in with two proofs, or one that is as good: after the password, or alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Totp,
    Backup,
    Email,
    Sms,
    Plain,
    PlainVouched,
    Pin,
    PinVouched,
    Synced,
    PinAlone,
    PinVouchedAlone,
    SyncedAlone,
}

use Way::{
    Backup, Email, Pin, PinAlone, PinVouched, PinVouchedAlone, Plain, PlainVouched, Sms, Synced, SyncedAlone, Totp,
};

/// Which proof `auth_time` is that of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Password,
    Second,
}

/// The whole truth.
const TABLE: [(Way, &[&str], &str, At); 12] = [
    (Totp, &["mfa", "otp", "pwd"], MFA, At::Password),
    (Backup, &["mfa", "pwd", "rcv"], MFA, At::Password),
    (Email, &["email", "otp", "pwd"], STEP2, At::Password),
    (Sms, &["mfa", "otp", "pwd", "sms"], MFA, At::Password),
    (Plain, &["hwk", "mfa", "pop", "pwd", "user"], "phr", At::Password),
    (PlainVouched, &["hwk", "mfa", "pop", "pwd", "user"], "phrh", At::Password),
    // The user was verified: the claim rests on the passkey alone.
    (Pin, &["hwk", "mfa", "pop", "pwd", "user"], "phr", At::Second),
    (PinVouched, &["hwk", "mfa", "pop", "pwd", "user"], "phrh", At::Second),
    (Synced, &["mfa", "pop", "pwd", "swk", "user"], "phr", At::Second),
    (PinAlone, &["hwk", "mfa", "pop", "user"], "phr", At::Second),
    (PinVouchedAlone, &["hwk", "mfa", "pop", "user"], "phrh", At::Second),
    (SyncedAlone, &["mfa", "pop", "swk", "user"], "phr", At::Second),
];

/// What tokens say.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Truth {
    amr: Value,
    acr: Value,
    auth_time: Value,
}

impl Truth {
    fn new(amr: &[&str], acr: &str, auth_time: i64) -> Self {
        Self { amr: json!(amr), acr: json!(acr), auth_time: json!(auth_time) }
    }

    /// By both tokens of a response, which must agree.
    fn of(tokens: &Value) -> Self {
        let of = |claims: &Value| Self {
            amr: claims["amr"].clone(),
            acr: claims["acr"].clone(),
            auth_time: claims["auth_time"].clone(),
        };
        let truth = of(&id_claims(tokens));
        assert_eq!(of(&opened(text(tokens, "access_token")).1), truth, "the access token says the same");
        truth
    }
}

/// Somebody with a device of every kind.
struct Person<'a> {
    app: &'a TestApp,
    seed: Vec<u8>,
    backup: Vec<String>,
    plain: SoftKey,
    plain_vouched: SoftKey,
    pin: SoftKey,
    pin_vouched: SoftKey,
    synced: SoftKey,
}

/// Adds an address; gives the page that answers.
async fn add_address(browser: &mut Browser<'_>, way: &str, field: &str, address: &str) -> Answer {
    let before = browser.app.sent();
    let page = browser.open("/account/mfa").await;
    let path = browser.submit(&page, &format!("/account/mfa/{way}"), &[(field, address)]).await.location().to_owned();
    let page = browser.open(&path).await;
    let code = browser.app.code_after(before).await;
    browser.submit(&page, &format!("{path}/confirm"), &[("code", &code)]).await
}

impl<'a> Person<'a> {
    async fn new(app: &'a TestApp, maker: &SoftMaker) -> Self {
        let mut browser = app.browser();
        browser.register(NAME).await;
        let backup = add_address(&mut browser, "email", "email", "amelia@mail.example").await.backup_codes();
        add_address(&mut browser, "sms", "phone", "+4915112345678").await.location();
        let (seed, _) = browser.enrol().await;
        let batch = maker.batch(None, 2030);
        let (plain, ..) = enrol(&mut browser, "", Traits::PLAIN).await;
        let (plain_vouched, ..) = enrol_attested(&mut browser, "", Traits::PLAIN, |making| batch.packed(making)).await;
        let (pin, ..) = enrol(&mut browser, "", Traits::WITH_PIN).await;
        let (pin_vouched, ..) = enrol_attested(&mut browser, "", Traits::WITH_PIN, |making| batch.packed(making)).await;
        let (synced, done, _) = enrol_attested(&mut browser, "", Traits::SYNCED, unattested).await;
        assert_eq!(done.location(), "/account/mfa?done=passkey-added");
        app.pass(Duration::from_secs(31));
        Self { app, seed, backup, plain, plain_vouched, pin, pin_vouched, synced }
    }

    fn now(&self) -> i64 {
        self.app.clock.now().as_secs()
    }

    fn key(&mut self, way: Way) -> &mut SoftKey {
        match way {
            Plain => &mut self.plain,
            PlainVouched => &mut self.plain_vouched,
            Pin | PinAlone => &mut self.pin,
            PinVouched | PinVouchedAlone => &mut self.pin_vouched,
            Synced | SyncedAlone => &mut self.synced,
            Totp | Backup | Email | Sms => panic!("{way:?} is by no passkey"),
        }
    }

    /// Signs in on a login page; gives where that leads, and what is true from then on.
    async fn prove(&mut self, browser: &mut Browser<'_>, page: &Answer, way: Way) -> (String, Truth) {
        let at_password = self.now();
        let led = match way {
            PinAlone | PinVouchedAlone | SyncedAlone => {
                self.app.pass(Duration::from_secs(31));
                passkey::answer(browser, page, self.key(way)).await
            }
            _ => {
                let typed = [("username", NAME), ("password", PASSWORD)];
                let second = browser.submit(page, "/login", &typed).await.location().to_owned();
                // Each proof has a time of its own.
                self.app.pass(Duration::from_secs(31));
                self.second(browser, &second, way).await
            }
        };
        let (_, amr, acr, at) = TABLE[way as usize];
        let at = if at == At::Password { at_password } else { self.now() };
        (led.location().to_owned(), Truth::new(amr, acr, at))
    }

    async fn second(&mut self, browser: &mut Browser<'_>, led: &str, way: Way) -> Answer {
        let at = |step: &str| led.replace("/login/passkey", step);
        match way {
            Totp => {
                let page = browser.open(&at("/login/totp")).await;
                let code = self.app.code(&self.seed);
                browser.submit(&page, "/login/totp", &[("code", &code)]).await
            }
            Backup => {
                let page = browser.open(&at("/login/backup-code")).await;
                let code = self.backup.pop().expect("a backup code is left");
                browser.submit(&page, "/login/backup-code", &[("code", &code)]).await
            }
            Email | Sms => {
                let step = if way == Email { "/login/email" } else { "/login/sms" };
                let page = browser.open(&at(step)).await;
                let before = self.app.sent();
                let sent = browser.submit(&page, &format!("{step}/send"), &[]).await.location().to_owned();
                let page = browser.open(&sent).await;
                let code = self.app.code_after(before).await;
                browser.submit(&page, step, &[("code", &code)]).await
            }
            _ => {
                let page = browser.open(&at("/login/passkey")).await;
                passkey::answer(browser, &page, self.key(way)).await
            }
        }
    }

    /// Tokens of a client that asks for a new sign-in, by this way; and the truth of them.
    async fn tokens(&mut self, rp: &Rp<'_>, browser: &mut Browser<'_>, way: Way) -> (Value, Truth) {
        self.app.pass(Duration::from_secs(31));
        let page = browser.open(&rp.path(&[("prompt", "login")])).await;
        let (led, truth) = self.prove(browser, &page, way).await;
        let answer = browser.open(&led).await;
        let code = returned(&answer).remove("code").unwrap_or_else(|| panic!("{way:?}: {answer:?}"));
        self.app.pass(Duration::from_secs(20));
        (ok(&rp.redeem(&code, &[]).await), truth)
    }
}

async fn refreshed(rp: &Rp<'_>, tokens: &Value) -> Value {
    ok(&rp.refresh(text(tokens, "refresh_token"), &[]).await)
}

async fn server() -> (SoftMaker, TestApp) {
    let maker = SoftMaker::new("Maker");
    let anchors = TrustAnchors::read(maker.root().as_bytes(), []).expect("an authority");
    let app = TestApp::with_settings(|settings| settings.attestation = AttestationDemand::Direct(anchors)).await;
    (maker, app)
}

/// From each of these ways to every other, and to itself.
async fn pairs_from(sources: &[Way]) {
    for source in sources {
        // A set of backup codes has ten, and messages are counted, so nobody goes all the ways.
        for targets in TABLE.chunks(4) {
            let (maker, app) = server().await;
            let rp = Rp::new(&app).await;
            let mut person = Person::new(&app, &maker).await;
            for (target, ..) in targets {
                let mut browser = app.browser();
                let (older, then) = person.tokens(&rp, &mut browser, *source).await;
                assert_eq!(Truth::of(&older), then, "{source:?}");
                let older = refreshed(&rp, &older).await;
                assert_eq!(Truth::of(&older), then, "{source:?}, refreshed");

                let (newer, now) = person.tokens(&rp, &mut browser, *target).await;
                assert_eq!(Truth::of(&newer), now, "{source:?}, then {target:?}");
                let older = refreshed(&rp, &older).await;
                assert_eq!(Truth::of(&older), then, "{source:?}, refreshed after {target:?}");
                let newer = refreshed(&rp, &newer).await;
                assert_eq!(Truth::of(&newer), now, "{source:?}, then {target:?}, refreshed");
                assert_eq!(id_claims(&older)["sid"], id_claims(&newer)["sid"], "it is one session");
            }
        }
    }
}

#[test]
fn the_table_has_every_way_in_its_place() {
    for (place, (way, ..)) in TABLE.iter().enumerate() {
        assert_eq!(*way as usize, place, "{way:?}");
    }
}

#[tokio::test]
async fn from_codes_to_every_way() {
    pairs_from(&[Totp, Email, Sms]).await;
}

#[tokio::test]
async fn from_backup_codes_and_keys_without_a_pin_to_every_way() {
    pairs_from(&[Backup, Plain, PlainVouched]).await;
}

#[tokio::test]
async fn from_passkeys_after_the_password_to_every_way() {
    pairs_from(&[Pin, PinVouched, Synced]).await;
}

#[tokio::test]
async fn from_passkeys_alone_to_every_way() {
    pairs_from(&[PinAlone, PinVouchedAlone, SyncedAlone]).await;
}

/// A trusted browser proves nothing, whatever trust in it was given for; a sign-in that renews the session proves it all again.
#[tokio::test]
async fn a_trusted_browser_is_one_factor_and_a_step_up_raises_what_comes_after_alone() {
    for way in [Totp, Email, Sms, Plain, PlainVouched, Pin, PinVouched, Synced] {
        let (maker, app) = server().await;
        let rp = Rp::new(&app).await;
        let mut person = Person::new(&app, &maker).await;
        let mut browser = app.browser();
        trust(&mut person, &mut browser, way).await;
        browser.jar.retain(|name, _| !name.contains("dw_session"));
        app.pass(Duration::from_mins(2));
        let page = browser.open(&rp.path(&[])).await;
        let at = person.now();
        let typed = [("username", NAME), ("password", PASSWORD)];
        let led = browser.submit(&page, "/login", &typed).await.location().to_owned();
        let code = returned(&browser.open(&led).await).remove("code").expect("a code");
        let older = ok(&rp.redeem(&code, &[]).await);
        let then = Truth::new(&["pwd", "tdv"], FA1, at);
        assert_eq!(Truth::of(&older), then, "{way:?}");
        let (newer, now) = person.tokens(&rp, &mut browser, way).await;
        assert_eq!(Truth::of(&newer), now, "{way:?}");
        assert_eq!(Truth::of(&refreshed(&rp, &older).await), then, "{way:?}, after the step-up");
        assert_eq!(Truth::of(&refreshed(&rp, &newer).await), now, "{way:?}, refreshed");
    }
}

/// Signs in with the box ticked.
async fn trust(person: &mut Person<'_>, browser: &mut Browser<'_>, way: Way) {
    let page = browser.open("/login").await;
    let typed = [("username", NAME), ("password", PASSWORD)];
    let led = browser.submit(&page, "/login", &typed).await.location().to_owned();
    let step = match way {
        Totp => "/login/totp",
        Email => "/login/email",
        Sms => "/login/sms",
        _ => "/login/passkey",
    };
    let mut page = browser.open(&led.replace("/login/passkey", step)).await;
    let (field, typed) = match way {
        Totp => ("code", person.app.code(&person.seed)),
        Email | Sms => {
            let before = person.app.sent();
            let sent = browser.submit(&page, &format!("{step}/send"), &[]).await.location().to_owned();
            page = browser.open(&sent).await;
            ("code", person.app.code_after(before).await)
        }
        _ => ("answer", person.key(way).sign(&passkey::options(&page)).to_string()),
    };
    let done = browser.submit(&page, step, &[(field, &typed), ("trust", "on")]).await;
    assert_eq!(done.location(), "/account", "{way:?}");
    assert!(browser.jar.keys().any(|name| name.contains("dw_trusted_")), "{way:?}");
}

/// Three methods in a row, in both orders: each proof is told, and `auth_time` is that of what the claim rests on.
#[tokio::test]
async fn three_methods_in_a_row_tell_the_same_truth_in_either_order() {
    for (key, amr, at) in [
        (Pin, &["hwk", "mfa", "otp", "pop", "pwd", "user"], At::Second),
        (Plain, &["hwk", "mfa", "otp", "pop", "pwd", "user"], At::Password),
    ] {
        let (maker, app) = server().await;
        let rp = Rp::new(&app).await;
        let mut person = Person::new(&app, &maker).await;
        let scope = PolicyScope::Client { client: rp.id.clone() };
        let all_of = [PolicyMethod::Totp, PolicyMethod::Passkey].into();
        set(&app, Policy { all_of, ..required(scope) }).await;
        let mut browser = app.browser();
        let mut older = None;
        for order in [[Totp, key], [key, Totp]] {
            app.pass(Duration::from_secs(31));
            let page = browser.open(&rp.path(&[("prompt", "login")])).await;
            let at_password = person.now();
            let typed = [("username", NAME), ("password", PASSWORD)];
            let mut led = browser.submit(&page, "/login", &typed).await.location().to_owned();
            let mut at_key = 0;
            for way in order {
                app.pass(Duration::from_secs(31));
                at_key = if way == key { person.now() } else { at_key };
                led = person.second(&mut browser, &led, way).await.location().to_owned();
            }
            let code = returned(&browser.open(&led).await).remove("code").unwrap_or_else(|| panic!("{order:?}: {led}"));
            let truth = Truth::new(amr, "phr", if at == At::Second { at_key } else { at_password });
            let tokens = ok(&rp.redeem(&code, &[]).await);
            assert_eq!(Truth::of(&tokens), truth, "{order:?}");
            if let Some((tokens, truth)) = older.replace((refreshed(&rp, &tokens).await, truth)) {
                assert_eq!(Truth::of(&refreshed(&rp, &tokens).await), truth, "an older family keeps its own truth");
            }
        }
    }
}

/// What somebody owns proves nothing before it is used.
#[tokio::test]
async fn a_device_that_is_owned_and_was_not_used_says_nothing() {
    let (maker, app) = server().await;
    let rp = Rp::new(&app).await;
    let mut browser = app.browser();
    browser.register(NAME).await;
    let at = app.clock.now().as_secs();
    let truth = Truth::new(&["pwd"], FA1, at);
    let before = rp.tokens(&mut browser, &[]).await;
    assert_eq!(Truth::of(&before), truth);
    let batch = maker.batch(None, 2030);
    let (mut key, ..) = enrol_attested(&mut browser, "", Traits::WITH_PIN, |making| batch.packed(making)).await;
    app.pass(Duration::from_mins(2));
    let owning = rp.tokens(&mut browser, &[]).await;
    assert_eq!(Truth::of(&owning), truth, "making a key proves nothing");

    let page = browser.open(&rp.path(&[("prompt", "login")])).await;
    let led = passkey::answer(&mut browser, &page, &mut key).await.location().to_owned();
    let code = returned(&browser.open(&led).await).remove("code").expect("a code");
    let using = ok(&rp.redeem(&code, &[]).await);
    let used = Truth::new(&["hwk", "mfa", "pop", "user"], "phrh", app.clock.now().as_secs());
    assert_eq!(Truth::of(&using), used);
    app.pass(Duration::from_mins(2));
    for older in [before, owning] {
        assert_eq!(Truth::of(&refreshed(&rp, &older).await), truth, "an older family keeps its own truth");
    }
    assert_eq!(Truth::of(&refreshed(&rp, &using).await), used);
    assert_eq!(browser.get("/account").await.status, StatusCode::OK);
}
