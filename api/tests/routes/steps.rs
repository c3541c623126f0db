//! Policies that ask for several methods: sign-ins of three steps, sessions that are raised by what is missing, and devices that are
//! set up first.

use std::time::Duration;

use actors::{
    clock::Clock as _,
    domain::command::{ChangeRole, EndAllSessions},
    testing::{SoftKey, Traits},
};
use http::StatusCode;
use schema::record::{Policy, PolicyMethod, PolicyScope};

use crate::{
    oauth::rp::{Rp, id_claims, ok, returned},
    passkey,
    policies::{required, set},
    support::{Answer, Browser, PASSWORD, TestApp},
};

const TYPED: [(&str, &str); 2] = [("username", "amelia"), ("password", PASSWORD)];

fn both(scope: PolicyScope) -> Policy {
    Policy { all_of: [PolicyMethod::Totp, PolicyMethod::Passkey].into(), ..required(scope) }
}

fn of_admins() -> PolicyScope {
    PolicyScope::Role { role: "admin".to_owned() }
}

/// Somebody with these devices, in a browser that is signed in.
struct Person<'a> {
    browser: Browser<'a>,
    seed: Vec<u8>,
    key: SoftKey,
    backup: Vec<String>,
}

impl<'a> Person<'a> {
    async fn new(app: &'a TestApp) -> Self {
        let mut browser = app.browser();
        browser.register("amelia").await;
        let (seed, codes) = browser.enrol().await;
        let (key, ..) = passkey::enrol(&mut browser, "", Traits::WITH_PIN).await;
        app.pass(Duration::from_secs(31));
        Self { browser, seed, key, backup: codes.backup_codes() }
    }

    /// The same person in a browser that nobody knows.
    fn elsewhere(&mut self) {
        self.browser = self.browser.app.browser();
    }

    /// A code on the page that this leads to.
    async fn by_app(&mut self, led: &str) -> Answer {
        let page = self.browser.open(led).await;
        let code = self.browser.app.code(&self.seed);
        self.browser.submit(&page, "/login/totp", &[("code", &code)]).await
    }

    async fn by_key(&mut self, led: &str) -> Answer {
        let page = self.browser.open(led).await;
        passkey::answer(&mut self.browser, &page, &mut self.key).await
    }
}

async fn admin(app: &TestApp) {
    app.operate("amelia", ChangeRole { role: "admin".to_owned(), given: true }).await;
}

#[tokio::test]
async fn an_admin_gives_an_app_and_a_passkey_in_either_order() {
    let app = TestApp::new().await;
    let mut amelia = Person::new(&app).await;
    set(&app, both(of_admins())).await;
    amelia.elsewhere();
    let led = amelia.browser.log_in("amelia", PASSWORD).await.location().to_owned();
    assert!(led.starts_with("/login/passkey?l="), "{led}");
    assert_eq!(amelia.by_key(&led).await.location(), "/account", "of others one second step is asked for");

    admin(&app).await;
    app.pass(Duration::from_secs(31));
    for key_first in [true, false] {
        amelia.elsewhere();
        let led = amelia.browser.log_in("amelia", PASSWORD).await.location().to_owned();
        let page = amelia.browser.open(&led).await;
        assert!(page.body.contains("Step 2 of 3: one more."), "{}", page.body);
        assert!(page.body.contains("ask for a code of your authenticator app and your passkey."), "{}", page.body);
        let by_app = led.replace("/login/passkey", "/login/totp");
        assert!(page.links_to(&by_app) && !amelia.browser.is_signed_in().await);
        let next = if key_first { amelia.by_key(&led).await } else { amelia.by_app(&by_app).await };
        let next = next.location().to_owned();
        assert_eq!(next.starts_with("/login/totp?l="), key_first, "{next}");
        let page = amelia.browser.open(&next).await;
        assert!(page.body.contains("Step 3 of 3"), "{}", page.body);
        let used = next.replace("/login/totp", "/login/passkey");
        let used = if key_first { used } else { next.replace("/login/passkey", "/login/totp") };
        assert!(!page.links_to(&used), "it was used: {}", page.body);
        assert!(!amelia.browser.is_signed_in().await, "one is missing");
        let last = if key_first { amelia.by_app(&next).await } else { amelia.by_key(&next).await };
        assert_eq!(last.location(), "/account");
        assert!(amelia.browser.is_signed_in().await);
        app.pass(Duration::from_secs(31));
    }
}

#[tokio::test]
async fn a_backup_code_stands_for_one_of_them() {
    let app = TestApp::new().await;
    let mut amelia = Person::new(&app).await;
    set(&app, both(PolicyScope::Everybody)).await;
    amelia.elsewhere();
    let led = amelia.browser.log_in("amelia", PASSWORD).await.location().to_owned();
    let page = amelia.browser.open(&led.replace("/login/passkey", "/login/backup-code")).await;
    let code = amelia.backup.pop().expect("a code");
    let next = amelia.browser.submit(&page, "/login/backup-code", &[("code", &code)]).await.location().to_owned();
    let page = amelia.browser.open(&next).await;
    assert!(page.body.contains("Step 3 of 3"), "{}", page.body);
    assert!(!page.links_to(&next.replace("/login/passkey", "/login/backup-code")), "one, once: {}", page.body);
    assert_eq!(amelia.by_key(&next).await.location(), "/account");
    assert!(amelia.browser.is_signed_in().await);
}

#[tokio::test]
async fn who_lacks_a_passkey_sets_it_up_first_and_then_proves_it_alone() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    admin(&app).await;
    set(&app, both(of_admins())).await;
    let page = browser.open("/account").await;
    let words = "set up an authenticator app and a passkey.";
    assert!(page.body.contains(words), "{}", page.body);
    browser.enrol().await;
    let page = browser.open("/account/sessions").await;
    assert!(page.body.contains("set up a passkey."), "{}", page.body);
    let (mut key, ..) = passkey::enrol(&mut browser, "", Traits::WITH_PIN).await;
    let asked = browser.get("/account").await.location().to_owned();
    assert_eq!(asked, "/login?more=yes&return=%2Faccount");
    let led = browser.get(&asked).await.location().to_owned();
    assert!(led.starts_with("/login/passkey?l="), "no password is asked for again: {led}");
    let page = browser.open(&led).await;
    assert!(page.body.contains("Step 3 of 3") && !page.links_to("/login/recovery"), "{}", page.body);
    assert_eq!(passkey::answer(&mut browser, &page, &mut key).await.location(), "/account");
    assert!(browser.is_signed_in().await);
}

#[tokio::test]
async fn a_session_from_before_is_raised_by_what_is_missing_and_by_nothing_after_its_end() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let mut amelia = Person::new(&app).await;
    amelia.elsewhere();
    let led = amelia.browser.log_in("amelia", PASSWORD).await.location().replace("/login/passkey", "/login/totp");
    assert_eq!(amelia.by_app(&led).await.location(), "/account");
    let at = app.clock.now().as_secs();
    let before = id_claims(&rp.tokens(&mut amelia.browser, &[]).await);
    set(&app, both(PolicyScope::Client { client: rp.id.clone() })).await;
    assert!(amelia.browser.is_signed_in().await, "the policy is that application's alone");
    app.pass(Duration::from_mins(20));
    let silent = returned(&amelia.browser.get(&rp.path(&[("prompt", "none")])).await);
    assert_eq!(silent["error"], "login_required");

    let mut ended = amelia.browser.clone();
    let lost = ended.get(&rp.path(&[])).await.location().to_owned();
    let led = amelia.browser.get(&rp.path(&[])).await.location().to_owned();
    assert!(led.starts_with("/login/passkey?l="), "the passkey alone is asked for: {led}");
    let back = amelia.by_key(&led).await.location().to_owned();
    let code = returned(&amelia.browser.open(&back).await).remove("code").expect("a code");
    let claims = id_claims(&ok(&rp.redeem(&code, &[]).await));
    assert_eq!(claims["amr"], serde_json::json!(["hwk", "mfa", "otp", "pop", "pwd", "user"]));
    assert_eq!((&claims["acr"], &claims["sid"]), (&"phr".into(), &before["sid"]));
    assert_eq!(claims["auth_time"], at + 20 * 60, "what the passkey alone is good for is as old as that");

    app.operate("amelia", EndAllSessions { except: None }).await;
    let page = ended.open(&lost).await;
    assert!(page.status != StatusCode::OK || !page.body.contains("data-options"), "{}", page.body);
    assert!(!ended.is_signed_in().await);
}

#[tokio::test]
async fn an_operation_that_asks_for_both_asks_for_both_each_time() {
    const TRANSFER: &str = r#"[{"type":"wire.transfer","amount":"1"}]"#;
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let operation = PolicyScope::Operation { client: Some(rp.id.clone()), operation: "wire.transfer".to_owned() };
    set(&app, both(operation)).await;
    let mut amelia = Person::new(&app).await;
    for _ in 0..2 {
        app.pass(Duration::from_secs(31));
        let page = amelia.browser.open(&rp.path(&[("authorization_details", TRANSFER)])).await;
        assert!(page.body.contains("name=\"password\""), "the password too: {}", page.body);
        let led = amelia.browser.submit(&page, "/login", &TYPED).await.location().to_owned();
        let next = amelia.by_key(&led).await.location().to_owned();
        assert!(next.starts_with("/login/totp?l="), "{next}");
        let back = amelia.by_app(&next).await.location().to_owned();
        let page = amelia.browser.open(&back).await;
        assert!(page.body.contains("Confirm this for Photos?"), "{}", page.body);
        let answer = amelia.browser.submit(&page, "/consent", &[("decision", "allow")]).await;
        assert!(returned(&answer).contains_key("code"), "{answer:?}");
    }
}

#[tokio::test]
async fn a_change_of_the_account_goes_on_from_its_form_to_the_passkey() {
    let app = TestApp::new().await;
    let mut amelia = Person::new(&app).await;
    let own = PolicyScope::Operation { client: None, operation: "password.change".to_owned() };
    set(&app, both(own)).await;
    let asked = amelia.browser.get("/account/password").await.location().to_owned();
    let more = amelia.browser.get(&asked).await.location().to_owned();
    assert_eq!(more, "/login?more=yes&change=yes&return=%2Faccount%2Fpassword");
    let led = amelia.browser.get(&more).await.location().to_owned();
    assert_eq!(amelia.by_key(&led).await.location(), "/account/password", "the rest is fresh");
    assert_eq!(amelia.browser.get("/account/password").await.status, StatusCode::OK);

    app.pass(Duration::from_mins(11));
    assert_eq!(amelia.browser.get("/account/password").await.location(), asked);
    let page = amelia.browser.open(&asked).await;
    let led = amelia.browser.submit(&page, "/login", &TYPED).await.location().to_owned();
    let next = amelia.by_key(&led).await.location().to_owned();
    assert_eq!(amelia.by_app(&next).await.location(), "/account/password", "the whole set is given again");
    assert_eq!(amelia.browser.get("/account/password").await.status, StatusCode::OK);
}

#[tokio::test]
async fn fresh_proofs_of_the_whole_set_are_given_from_the_form_of_two_on() {
    let app = TestApp::new().await;
    let mut amelia = Person::new(&app).await;
    set(&app, both(PolicyScope::Everybody)).await;
    amelia.elsewhere();
    let led = amelia.browser.log_in("amelia", PASSWORD).await.location().to_owned();
    let next = amelia.by_key(&led).await.location().to_owned();
    assert_eq!(amelia.by_app(&next).await.location(), "/account");
    app.pass(Duration::from_mins(11));
    let asked = amelia.browser.get("/account/password").await.location().to_owned();
    let page = amelia.browser.open(&asked).await;
    let typed = [("password", PASSWORD), ("code", &*app.code(&amelia.seed))];
    let led = amelia.browser.submit(&page, "/account/reauthenticate", &typed).await.location().to_owned();
    assert!(led.starts_with("/login/passkey?l="), "{led}");
    assert_eq!(amelia.by_key(&led).await.location(), "/account/password");
    assert_eq!(amelia.browser.get("/account/password").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_trusted_browser_stands_in_for_both_where_both_were_given_and_for_neither_where_one_was() {
    let app = TestApp::new().await;
    let mut amelia = Person::new(&app).await;
    let log_in_anew = |browser: &mut Browser<'_>| browser.jar.retain(|name, _| !name.contains("dw_session"));
    amelia.elsewhere();
    let led = amelia.browser.log_in("amelia", PASSWORD).await.location().replace("/login/passkey", "/login/totp");
    let page = amelia.browser.open(&led).await;
    let typed = [("code", &*app.code(&amelia.seed)), ("trust", "on")];
    assert_eq!(amelia.browser.submit(&page, "/login/totp", &typed).await.location(), "/account");
    set(&app, both(PolicyScope::Everybody)).await;
    app.pass(Duration::from_secs(31));
    log_in_anew(&mut amelia.browser);
    let led = amelia.browser.log_in("amelia", PASSWORD).await.location().to_owned();
    assert!(led.starts_with("/login/passkey?l="), "trust was given for one of them: {led}");
    let next = amelia.by_key(&led).await.location().to_owned();
    let page = amelia.browser.open(&next).await;
    let typed = [("code", &*app.code(&amelia.seed)), ("trust", "on")];
    assert_eq!(amelia.browser.submit(&page, "/login/totp", &typed).await.location(), "/account");
    log_in_anew(&mut amelia.browser);
    assert_eq!(amelia.browser.log_in("amelia", PASSWORD).await.location(), "/account");
    assert!(amelia.browser.is_signed_in().await, "trust was given for both");
}
