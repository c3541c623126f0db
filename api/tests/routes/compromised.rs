//! A password that somebody else may know: who signs in with it chooses another one before anything else.

use std::time::Duration;

use actors::domain::assurance::Acr;
use http::StatusCode;
use schema::record::{Policy, PolicyMode, PolicyScope};

use crate::{
    oauth::rp::{CALLBACK, Rp, returned},
    policies::set,
    support::{Answer, Browser, PASSWORD, START, TestApp},
};

const NEW: &str = "seven orange kettles humming";
const HERE: &str = "/account/password";
const WHY: &str = "Somebody who knows your password tried to sign in";

/// A server on which sessions last.
async fn server() -> TestApp {
    TestApp::with_settings(|settings| {
        settings.session_absolute = Duration::from_hours(72);
        settings.session_idle = Duration::from_hours(72);
    })
    .await
}

/// Somebody with an app, at which somebody else fails a hundred times behind the right password; and the codes on paper.
async fn suspended(app: &TestApp) -> (Browser<'_>, Vec<String>) {
    let mut owner = app.browser();
    owner.register("amelia").await;
    let codes = owner.enrol().await.1.backup_codes();
    for _ in 0..20 {
        app.pass(Duration::from_mins(70));
        let mut guesser = app.browser();
        let led = guesser.log_in("amelia", PASSWORD).await.location().to_owned();
        let page = guesser.open(&led).await;
        for _ in 0..5 {
            let answer = guesser.submit(&page, "/login/totp", &[("code", "000000")]).await;
            assert!(answer.status.is_client_error(), "{answer:?}");
        }
    }
    app.pass(Duration::from_hours(2));
    (owner, codes)
}

/// The password on a login page, and a code on paper.
async fn sign_in(browser: &mut Browser<'_>, page: &Answer, code: &str) -> String {
    let typed = [("username", "amelia"), ("password", PASSWORD)];
    let led = browser.submit(page, "/login", &typed).await.location().to_owned();
    let page = browser.open(&led).await;
    browser.submit(&page, "/login/backup-code", &[("code", code)]).await.location().to_owned()
}

fn is_answered(answer: &Answer) -> bool {
    answer.status == StatusCode::SEE_OTHER
        && answer.location().starts_with(CALLBACK)
        && returned(answer).contains_key("code")
}

#[tokio::test]
async fn who_signs_in_to_an_application_chooses_another_one_and_goes_on_there() {
    let app = server().await;
    let rp = Rp::new(&app).await;
    let (mut owner, codes) = suspended(&app).await;
    assert_eq!(owner.get("/account").await.status, StatusCode::OK, "a session from before");
    assert!(is_answered(&owner.get(&rp.path(&[("prompt", "none")])).await));

    let mut browser = app.browser();
    let page = browser.open(&rp.path(&[])).await;
    let led = sign_in(&mut browser, &page, &codes[0]).await;
    assert_eq!(browser.get(&led).await.location(), HERE);
    let silent = returned(&browser.get(&rp.path(&[("prompt", "none")])).await);
    assert_eq!(silent["error"], "interaction_required");
    for closed in ["/account", "/account/mfa", "/account/sessions", "/account/mfa/recommended"] {
        assert_eq!(browser.get(closed).await.location(), HERE, "{closed}");
    }
    let page = browser.open(HERE).await;
    assert!(page.body.contains(WHY), "{}", page.body);

    let same = [("current_password", PASSWORD), ("new_password", PASSWORD)];
    let refused = browser.submit(&page, HERE, &same).await;
    assert!(refused.status.is_client_error() && refused.body.contains("Choose another one."), "{}", refused.body);
    assert!(refused.body.contains(WHY), "{}", refused.body);
    let typed = [("current_password", PASSWORD), ("new_password", NEW)];
    let onward = browser.submit(&page, HERE, &typed).await.location().to_owned();
    assert!(onward.starts_with("/oauth/authorize/continue?l="), "{onward}");
    assert!(is_answered(&browser.get(&onward).await));
    assert_eq!(browser.get("/account").await.status, StatusCode::OK);
    assert!(!browser.open(HERE).await.body.contains(WHY));
}

#[tokio::test]
async fn who_signs_in_to_the_account_does_and_again_proofs_that_are_old_come_first() {
    let app = server().await;
    let (_, codes) = suspended(&app).await;
    let mut browser = app.browser();
    let page = browser.open("/login").await;
    assert_eq!(sign_in(&mut browser, &page, &codes[0]).await, "/account");
    assert_eq!(browser.get("/account").await.location(), HERE);

    app.pass(Duration::from_hours(1));
    assert_eq!(browser.get(HERE).await.location(), "/account/reauthenticate?to=%2Faccount%2Fpassword");
    let page = browser.open(HERE).await;
    assert_eq!(sign_in(&mut browser, &page, &codes[1]).await, HERE);
    let page = browser.get(HERE).await;
    let typed = [("current_password", PASSWORD), ("new_password", NEW)];
    assert_eq!(browser.submit(&page, HERE, &typed).await.location(), "/account?done=password");
    assert_eq!(browser.get("/account").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_device_that_a_policy_asks_for_comes_after_it() {
    let app = server().await;
    let rp = Rp::new(&app).await;
    let (_, codes) = suspended(&app).await;
    let required = PolicyMode::Required { from: START };
    set(&app, Policy::new(PolicyScope::Everybody, required, Acr::PhishingResistant.as_str(), START)).await;
    let mut browser = app.browser();
    let page = browser.open(&rp.path(&[])).await;
    let led = sign_in(&mut browser, &page, &codes[0]).await;
    assert_eq!(browser.get(&led).await.location(), HERE);
    assert!(browser.get(HERE).await.body.contains(WHY));
    assert_eq!(browser.get("/account/mfa").await.location(), HERE);
    app.pass(Duration::from_hours(1));
    let page = browser.open(HERE).await;
    assert_eq!(sign_in(&mut browser, &page, &codes[1]).await, HERE);
    let page = browser.get(HERE).await;
    let typed = [("current_password", PASSWORD), ("new_password", NEW)];
    let onward = browser.submit(&page, HERE, &typed).await.location().to_owned();
    assert_eq!(browser.get(&onward).await.location(), "/account/mfa");
}
