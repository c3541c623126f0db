//! Policies of the account's own operations, and grace: what is asked for before a change.

use std::time::Duration;

use actors::{
    domain::{
        assurance::Acr,
        operation::{PASSWORD_CHANGE, SECURITY_CHANGE},
        policy::AT_ONCE,
    },
    testing::Traits,
};
use http::StatusCode;
use schema::record::{Policy, PolicyMethod, PolicyMode, PolicyScope};

use crate::{
    oauth::rp::{Rp, returned},
    passkey::enrol,
    policies::{required, set},
    support::{Browser, PASSWORD, TestApp},
};

fn own(operation: &str) -> Policy {
    required(PolicyScope::Operation { client: None, operation: operation.to_owned() })
}

const OTHER: &str = "seven quiet lanterns drifting";

async fn sign_in_again(app: &TestApp, browser: &mut Browser<'_>, led: &str, seed: &[u8]) -> String {
    let page = browser.open(led).await;
    let typed = [("username", "amelia"), ("password", PASSWORD)];
    let led = browser.submit(&page, "/login", &typed).await.location().to_owned();
    let page = browser.open(&led).await;
    browser.submit(&page, "/login/totp", &[("code", &app.code(seed))]).await.location().to_owned()
}

async fn enrolled(app: &TestApp) -> (Browser<'_>, Vec<u8>, String) {
    let mut browser = app.browser();
    browser.register("amelia").await;
    let (seed, _) = browser.enrol().await;
    let page = browser.open("/account/mfa").await;
    let (_, rest) = page.body.split_once("href=\"/account/mfa/totp/").expect("a device");
    let factor = rest.split('/').next().expect("an id").to_owned();
    (browser, seed, format!("/account/mfa/totp/{factor}/remove"))
}

#[tokio::test]
async fn a_change_asks_for_proofs_as_fresh_as_its_policy_says_on_the_page_and_in_the_commit() {
    let app = TestApp::new().await;
    let (mut browser, seed, remove) = enrolled(&app).await;
    app.pass(Duration::from_mins(3));
    let asked = browser.open(&remove).await;
    assert_eq!(asked.status, StatusCode::OK, "three minutes are fresh enough without a policy");
    set(&app, Policy { fresh_minutes: Some(2), ..own(SECURITY_CHANGE) }).await;
    let forced = browser.submit(&asked, &remove, &[]).await;
    let again = format!("/account/reauthenticate?to={}", remove.replace('/', "%2F"));
    assert_eq!(forced.location(), again, "a form that was open is no way round it");
    assert_eq!(browser.get(&remove).await.location(), again);
    let led = browser.get(&again).await.location().to_owned();
    assert_eq!(led, format!("/login?more=yes&change=yes&return={}", remove.replace('/', "%2F")));
    assert_eq!(sign_in_again(&app, &mut browser, &led, &seed).await, remove);
    let asked = browser.open(&remove).await;
    assert_eq!(browser.submit(&asked, &remove, &[]).await.location(), "/account/mfa?done=authenticator-removed");
}

#[tokio::test]
async fn a_password_is_changed_with_what_its_policy_asks_for_and_devices_without() {
    let app = TestApp::new().await;
    let (mut browser, seed, remove) = enrolled(&app).await;
    let form = browser.open("/account/password").await;
    app.pass(Duration::from_mins(3));
    set(&app, Policy { fresh_minutes: Some(2), any_of: [PolicyMethod::Totp].into(), ..own(PASSWORD_CHANGE) }).await;
    let typed = [("current_password", PASSWORD), ("new_password", OTHER)];
    let forced = browser.submit(&form, "/account/password", &typed).await;
    assert_eq!(forced.location(), "/account/reauthenticate?to=%2Faccount%2Fpassword");
    assert_eq!(browser.get("/account/password").await.location(), forced.location());
    assert_eq!(browser.get(&remove).await.status, StatusCode::OK, "the policy is that of the password alone");
    let led = browser.get("/account/reauthenticate?to=%2Faccount%2Fpassword").await.location().to_owned();
    assert_eq!(sign_in_again(&app, &mut browser, &led, &seed).await, "/account/password");
    let form = browser.open("/account/password").await;
    let changed = browser.submit(&form, "/account/password", &typed).await;
    assert_eq!(changed.location(), "/account?done=password");
}

#[tokio::test]
async fn who_has_no_device_for_a_change_sets_one_up_first_and_no_other() {
    let app = TestApp::new().await;
    let (mut browser, _, remove) = enrolled(&app).await;
    let strongest = |operation| Policy { at_least: Acr::PhishingResistant.as_str().to_owned(), ..own(operation) };
    set(&app, strongest(PASSWORD_CHANGE)).await;
    set(&app, strongest(SECURITY_CHANGE)).await;
    for page in ["/account/password", remove.as_str()] {
        let asked = browser.get(page).await.location().to_owned();
        assert_eq!(browser.get(&asked).await.location(), "/account/mfa", "{page}");
    }
    let page = browser.open("/account/mfa").await;
    assert!(page.body.contains("Before you go on, set up a passkey."), "{}", page.body);
    let app_again = browser.submit(&page, "/account/mfa/totp", &[("name", "Tablet")]).await;
    assert_eq!(app_again.location(), "/account/reauthenticate?to=%2Faccount%2Fmfa");
    assert_eq!(browser.get(app_again.location()).await.location(), "/account/mfa");
    let begun = browser.submit(&page, "/account/mfa/passkey", &[("passkey_name", "Laptop")]).await;
    assert!(begun.location().starts_with("/account/mfa/passkey/"), "{begun:?}");
    app.pass(Duration::from_mins(11));
    let late = browser.submit(&page, "/account/mfa/passkey", &[("passkey_name", "Laptop")]).await.location().to_owned();
    let form = browser.open(&late).await;
    assert!(form.body.contains("Confirm it is you"), "it is set up with what can be proved: {}", form.body);
}

#[tokio::test]
async fn a_change_offers_no_way_that_does_not_reach_what_its_policy_asks_for() {
    let app = TestApp::new().await;
    let (mut browser, seed, remove) = enrolled(&app).await;
    enrol(&mut browser, "Laptop", Traits::PLAIN).await;
    set(&app, Policy { at_least: Acr::PhishingResistant.as_str().to_owned(), ..own(SECURITY_CHANGE) }).await;
    app.pass(Duration::from_secs(30));
    let second_step = async |browser: &mut Browser<'_>, path: &str| {
        let again = browser.get(path).await.location().to_owned();
        let login = browser.get(&again).await.location().to_owned();
        let page = browser.get(&login).await;
        // A password of a moment ago is not asked for again.
        let led = match page.status {
            StatusCode::SEE_OTHER => page,
            _ => browser.submit(&page, "/login", &[("username", "amelia"), ("password", PASSWORD)]).await,
        };
        let led = led.location().to_owned();
        assert!(led.starts_with("/login/passkey?l="), "{login}: {led}");
        let by_app = led.replace("/login/passkey", "/login/totp");
        (browser.open(&led).await.links_to(&by_app), by_app)
    };
    assert!(!second_step(&mut browser, &remove).await.0, "an app does not reach it");
    // Where mfa is enough any way leads there, and so does a sign-in that changes nothing.
    set(&app, Policy { fresh_minutes: Some(1), ..own(PASSWORD_CHANGE) }).await;
    app.pass(Duration::from_mins(2));
    let (offered, by_app) = second_step(&mut browser, "/account/password").await;
    assert!(offered);
    let page = browser.open(&by_app).await;
    let done = browser.submit(&page, "/login/totp", &[("code", &app.code(&seed))]).await;
    assert_eq!(done.location(), "/account/password");
    let mut browser = app.browser();
    let led = browser.log_in("amelia", PASSWORD).await.location().to_owned();
    assert!(browser.open(&led).await.links_to(&led.replace("/login/passkey", "/login/totp")));
}

#[tokio::test]
async fn a_new_account_has_days_of_grace_and_a_recommendation_is_declined_so_often() {
    let app = TestApp::new().await;
    set(&app, Policy { grace_days: Some(7), skips: Some(2), ..required(PolicyScope::Everybody) }).await;
    let mut browser = app.browser();
    let page = browser.open("/register").await;
    let typed = [("user_name", "amelia"), ("email", ""), ("password", PASSWORD)];
    let mut led = browser.submit(&page, "/register", &typed).await.location().to_owned();
    for left in ["put it off 2 times more", "put it off once more"] {
        assert!(led.starts_with("/account/mfa/recommended?to="), "{led}");
        let page = browser.open(&led).await;
        assert!(page.body.contains("on it is required") && page.body.contains(left), "{}", page.body);
        assert!(browser.submit(&page, "/account/mfa/decline", &[]).await.location().starts_with("/account"));
        app.pass(Duration::from_hours(24));
        browser = app.browser();
        led = browser.log_in("amelia", PASSWORD).await.location().to_owned();
    }
    assert_eq!(led, "/account");
    assert_eq!(browser.get("/account").await.location(), "/account/mfa", "nothing is left to decline");

    set(&app, Policy { grace_days: Some(7), ..required(PolicyScope::Everybody) }).await;
    assert_eq!(browser.get("/account").await.status, StatusCode::OK, "five days are left");
    app.pass(Duration::from_hours(5 * 24));
    let mut browser = app.browser();
    browser.log_in("amelia", PASSWORD).await.location();
    assert_eq!(browser.get("/account").await.location(), "/account/mfa");
}

#[tokio::test]
async fn a_recommendation_that_counts_waits_for_an_answer_however_the_application_is_opened() {
    const TYPED: [(&str, &str); 2] = [("username", "amelia"), ("password", PASSWORD)];
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let mode = PolicyMode::Required { from: AT_ONCE };
    set(&app, Policy { skips: Some(2), mode, ..required(PolicyScope::Client { client: rp.id.clone() }) }).await;
    let waits = "/account/mfa/recommended?to=%2Foauth%2Fauthorize%2Fcontinue";
    let led = browser.get(&rp.path(&[])).await.location().to_owned();
    assert!(led.starts_with(waits), "{led}");
    let (_, label) = led.split_once("%3Fl%3D").expect("the label of the login");
    let onward = format!("/oauth/authorize/continue?l={label}");
    assert_eq!(browser.get(&onward).await.location(), led, "the way on is no way round");
    assert!(browser.get(&rp.path(&[])).await.location().starts_with(waits), "nor is the application");
    let silent = returned(&browser.get(&rp.path(&[("prompt", "none")])).await);
    assert_eq!(silent["error"], "interaction_required");
    assert_eq!(browser.get("/account").await.status, StatusCode::OK, "the policy is that application's alone");
    let page = browser.open(&led).await;
    assert!(page.body.contains("put it off 2 times more"), "{}", page.body);
    assert_eq!(browser.submit(&page, "/account/mfa/decline", &[]).await.location(), onward);
    assert!(returned(&browser.get(&onward).await).contains_key("code"));
    assert!(returned(&browser.get(&rp.path(&[])).await).contains_key("code"), "it was declined");

    app.pass(Duration::from_hours(24));
    let mut browser = app.browser();
    let page = browser.open(&rp.path(&[])).await;
    let led = browser.submit(&page, "/login", &TYPED).await.location().to_owned();
    assert!(led.starts_with(waits), "{led}");
    let led = browser.get(&rp.path(&[])).await.location().to_owned();
    assert!(led.starts_with(waits), "signed in, and not answered yet: {led}");
    let page = browser.open(&led).await;
    assert!(page.body.contains("put it off once more"), "{}", page.body);
    let back = browser.submit(&page, "/account/mfa/decline", &[]).await.location().to_owned();
    assert_eq!(browser.get(&back).await.location(), "/account/mfa", "nothing is left to decline");
}

#[tokio::test]
async fn policies_of_operations_that_nobody_could_ask_for_or_meet_are_refused() {
    let app = TestApp::new().await;
    let client = "c_shop".parse().expect("a client id");
    let at_shop = |operation: &str| {
        required(PolicyScope::Operation {
            client: Some(std::clone::Clone::clone(&client)),
            operation: operation.to_owned(),
        })
    };
    for (wrong, why) in [
        (own("wire.transfer"), "an operation of an application has"),
        (at_shop(PASSWORD_CHANGE), "an operation of an application has"),
        (at_shop("wire transfer"), "an operation of an application has"),
        (Policy { fresh_minutes: Some(5), ..required(PolicyScope::Everybody) }, "only the policy of an operation"),
        (Policy { fresh_minutes: Some(0), ..own(PASSWORD_CHANGE) }, "1 to 10 minutes old"),
        (Policy { fresh_minutes: Some(11), ..own(SECURITY_CHANGE) }, "1 to 10 minutes old"),
        (Policy { fresh_minutes: Some(1441), ..at_shop("wire.transfer") }, "0 to 1440"),
        (Policy { trusted_days: Some(1), ..at_shop("wire.transfer") }, "stands in for no proof"),
        (
            Policy { skips: Some(2), mode: PolicyMode::Recommended, ..required(PolicyScope::Everybody) },
            "the mode required",
        ),
        (Policy { grace_days: Some(366), ..required(PolicyScope::Everybody) }, "at most 365 days"),
    ] {
        let refused = app.services.policies.set(wrong).await.expect_err(why).to_string();
        assert!(refused.contains(why), "{refused}");
    }
    let by_mail = Policy {
        any_of: [PolicyMethod::Email].into(),
        at_least: Acr::TwoStep.as_str().to_owned(),
        ..own(SECURITY_CHANGE)
    };
    set(&app, by_mail).await;
    let by_app = || Policy { any_of: [PolicyMethod::Totp].into(), ..required(PolicyScope::Everybody) };
    let refused = app.services.policies.set_at(3, by_app()).await;
    let refused = refused.expect_err("changes are by mail alone, and a sign-in has one second step").to_string();
    assert!(refused.contains("together with that of operation/security.change"), "{refused}");
}
