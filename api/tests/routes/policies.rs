//! Policies: recommended, required, by role and by application, at the pages of the account and before an application.

use std::{collections::BTreeSet, time::Duration};

use actors::domain::{
    assurance::Acr,
    command::{ChangeRole, ChangeRoleOutcome},
};
use http::StatusCode;
use schema::{
    Timestamp,
    record::{Policy, PolicyMethod, PolicyMode, PolicyScope},
};

use crate::{
    oauth::rp::{Rp, returned},
    support::{Answer, Browser, PASSWORD, START, TestApp},
};

pub(crate) fn required(scope: PolicyScope) -> Policy {
    Policy::new(scope, PolicyMode::Required { from: START }, Acr::Mfa.as_str(), START)
}

pub(crate) async fn set(app: &TestApp, policy: Policy) {
    app.services.policies.set(policy).await.expect("a policy that can be met");
}

const TYPED: [(&str, &str); 2] = [("username", "amelia"), ("password", PASSWORD)];

async fn log_in(browser: &mut Browser<'_>) -> String {
    browser.log_in("amelia", PASSWORD).await.location().to_owned()
}

/// Somebody with an authenticator app, in a browser that is not signed in.
async fn enrolled(app: &TestApp) -> (Browser<'_>, Vec<u8>) {
    let mut browser = app.browser();
    browser.register("amelia").await;
    let (seed, _) = browser.enrol().await;
    app.pass(Duration::from_secs(30));
    (app.browser(), seed)
}

async fn second_step(browser: &mut Browser<'_>, path: &str, typed: &[(&str, &str)]) -> Answer {
    let page = browser.open(path).await;
    browser.submit(&page, "/login/totp", typed).await
}

#[tokio::test]
async fn who_has_no_device_sets_one_up_before_anything_else() {
    let app = TestApp::new().await;
    app.browser().register("amelia").await;
    set(&app, required(PolicyScope::Everybody)).await;
    let mut browser = app.browser();
    assert_eq!(log_in(&mut browser).await, "/account");
    for closed in
        ["/account", "/account/password", "/account/sessions", "/account/reauthenticate?to=%2Faccount%2Fpassword"]
    {
        assert_eq!(browser.get(closed).await.location(), "/account/mfa", "{closed}");
    }
    let page = browser.open("/account/mfa").await;
    assert!(
        page.body.contains("set up an authenticator app") && !page.body.contains("codes by e-mail."),
        "{}",
        page.body
    );
    let csrf = ("csrf".to_owned(), page.field("/account/mfa/totp", "csrf"));
    let forced = browser.post("/account/sessions/end-all", &[csrf]).await;
    assert_eq!(forced.location(), "/account/mfa", "a form is no way round it");
    let (_, codes) = browser.enrol().await;
    assert_eq!(codes.backup_codes().len(), 10);
    assert_eq!(browser.get("/account").await.status, StatusCode::OK);
}

#[tokio::test]
async fn who_must_set_up_a_device_gets_there_after_the_proofs_are_not_fresh_any_more() {
    let app = TestApp::new().await;
    app.browser().register("amelia").await;
    set(&app, required(PolicyScope::Everybody)).await;
    let mut browser = app.browser();
    log_in(&mut browser).await;
    app.pass(Duration::from_mins(11));
    let page = browser.open("/account/mfa").await;
    let asked = browser.submit(&page, "/account/mfa/totp", &[("name", "Phone")]).await.location().to_owned();
    assert_eq!(asked, "/account/reauthenticate?to=%2Faccount%2Fmfa");
    let page = browser.open(&asked).await;
    let answer = browser.submit(&page, "/account/reauthenticate", &[("password", PASSWORD)]).await;
    assert_eq!(answer.location(), "/account/mfa");
    browser.enrol().await;
    assert_eq!(browser.get("/account").await.status, StatusCode::OK);
}

#[tokio::test]
async fn who_has_a_device_proves_it_before_the_devices_are_shown() {
    let app = TestApp::new().await;
    let (mut browser, seed) = enrolled(&app).await;
    let led = log_in(&mut browser).await;
    let typed = [("code", &*app.code(&seed)), ("trust", "on")];
    assert_eq!(second_step(&mut browser, &led, &typed).await.location(), "/account");
    browser.jar.retain(|name, _| !name.contains("dw_session"));
    assert_eq!(log_in(&mut browser).await, "/account", "the browser is trusted");
    set(&app, Policy { trusted_days: Some(0), ..required(PolicyScope::Everybody) }).await;
    assert_eq!(browser.get("/account/mfa").await.location(), "/login?more=yes&return=%2Faccount%2Fmfa");
    let led = browser.get("/login?more=yes&return=%2Faccount%2Fmfa").await.location().to_owned();
    app.pass(Duration::from_secs(30));
    let proved = second_step(&mut browser, &led, &[("code", &app.code(&seed))]).await;
    assert_eq!(proved.location(), "/account/mfa", "the code alone was missing");
    browser.jar.retain(|name, _| !name.contains("dw_session"));
    assert!(log_in(&mut browser).await.starts_with("/login/totp?l="), "trust stands in for nothing any more");
}

#[tokio::test]
async fn an_application_waits_while_a_device_is_set_up() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    app.browser().register("amelia").await;
    set(&app, required(PolicyScope::Client { client: rp.id.clone() })).await;
    let mut browser = app.browser();
    let page = browser.open(&rp.path(&[])).await;
    let led = browser.submit(&page, "/login", &TYPED).await.location().to_owned();
    let page = browser.open(&led).await;
    assert!(page.body.contains("Before you go on to <strong>Photos</strong>"), "{}", page.body);
    let silent = returned(&browser.get(&rp.path(&[("prompt", "none")])).await);
    assert_eq!(silent["error"], "interaction_required");
    assert_eq!(browser.get("/account/sessions").await.status, StatusCode::OK, "the policy is that application's alone");
    browser.enrol().await;
    let page = browser.open("/account/mfa").await;
    let (_, rest) = page.body.split_once("href=\"/oauth/authorize/continue?l=").expect("a way on");
    let label = rest.split('"').next().expect("a label");
    let answer = browser.get(&format!("/oauth/authorize/continue?l={label}")).await;
    assert!(returned(&answer).contains_key("code"), "{answer:?}");
    assert!(!browser.open("/account/mfa").await.body.contains("waits for you"), "nobody waits any more");
}

#[tokio::test]
async fn a_recommendation_is_made_after_a_sign_in_and_declined_for_a_month() {
    let app = TestApp::new().await;
    set(&app, Policy { mode: PolicyMode::Recommended, ..required(PolicyScope::Everybody) }).await;
    let mut browser = app.browser();
    let page = browser.open("/register").await;
    let typed = [("user_name", "amelia"), ("email", ""), ("password", PASSWORD)];
    let led = browser.submit(&page, "/register", &typed).await.location().to_owned();
    assert_eq!(led, "/account/mfa/recommended?to=%2Faccount%3Fdone%3Dregistered");
    let page = browser.open(&led).await;
    assert!(page.links_to("/account/mfa"), "{}", page.body);
    let away = browser.submit(&page, "/account/mfa/decline", &[("to", "https://evil.example/")]).await;
    assert_eq!(away.location(), "/account");
    assert_eq!(browser.submit(&page, "/account/mfa/decline", &[]).await.location(), "/account?done=registered");
    assert_eq!(log_in(&mut app.browser()).await, "/account", "it was declined");
    app.pass(Duration::from_hours(30 * 24));
    let mut browser = app.browser();
    assert!(log_in(&mut browser).await.starts_with("/account/mfa/recommended?to="));
    browser.enrol().await;
    app.pass(Duration::from_mins(1));
    let mut browser = app.browser();
    assert!(log_in(&mut browser).await.starts_with("/login/totp"));
}

#[tokio::test]
async fn a_recommendation_for_an_application_is_made_on_the_way_there_and_leads_on() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    app.browser().register("amelia").await;
    let scope = PolicyScope::Client { client: rp.id.clone() };
    set(&app, Policy { mode: PolicyMode::Recommended, ..required(scope) }).await;
    assert_eq!(log_in(&mut app.browser()).await, "/account", "the policy is that application's alone");
    let mut browser = app.browser();
    let page = browser.open(&rp.path(&[])).await;
    let led = browser.submit(&page, "/login", &TYPED).await.location().to_owned();
    assert!(led.starts_with("/account/mfa/recommended?to=%2Foauth%2Fauthorize%2Fcontinue"), "{led}");
    browser.open(&led).await;
    let page = browser.open("/account/mfa").await;
    let (_, rest) = page.body.split_once("href=\"/oauth/authorize/continue?l=").expect("a way on");
    let label = rest.split('"').next().expect("a label");
    let answer = browser.get(&format!("/oauth/authorize/continue?l={label}")).await;
    assert!(returned(&answer).contains_key("code"), "{answer:?}");
}

#[tokio::test]
async fn a_campaign_recommends_until_its_day_and_requires_from_then_on() {
    let app = TestApp::new().await;
    app.browser().register("amelia").await;
    let from = START.after(Duration::from_hours(48));
    set(&app, Policy { mode: PolicyMode::Required { from }, ..required(PolicyScope::Everybody) }).await;
    let mut browser = app.browser();
    assert!(log_in(&mut browser).await.starts_with("/account/mfa/recommended?to="));
    assert_eq!(browser.get("/account").await.status, StatusCode::OK);
    app.pass(Duration::from_hours(48));
    let mut browser = app.browser();
    log_in(&mut browser).await;
    assert_eq!(browser.get("/account").await.location(), "/account/mfa");
}

#[tokio::test]
async fn a_role_is_asked_for_more_than_others_and_no_looser_policy_helps() {
    let app = TestApp::new().await;
    app.browser().register("amelia").await;
    app.browser().register("bertram").await;
    set(&app, Policy { mode: PolicyMode::Off, ..required(PolicyScope::Everybody) }).await;
    set(&app, required(PolicyScope::Role { role: "staff".to_owned() })).await;
    let give = ChangeRole { role: "staff".to_owned(), given: true };
    assert_eq!(app.operate("amelia", give).await.0, ChangeRoleOutcome::Changed);
    let mut browser = app.browser();
    log_in(&mut browser).await;
    assert_eq!(browser.get("/account").await.location(), "/account/mfa");
    let mut other = app.browser();
    other.log_in("bertram", PASSWORD).await.location();
    assert_eq!(other.get("/account").await.status, StatusCode::OK);
    let take = ChangeRole { role: "staff".to_owned(), given: false };
    assert_eq!(app.operate("amelia", take).await.0, ChangeRoleOutcome::Changed);
    assert_eq!(browser.get("/account").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_trusted_browser_stands_in_for_what_was_proved_in_it_and_for_as_long_as_the_policy_allows() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let (mut browser, seed) = enrolled(&app).await;
    set(&app, Policy { trusted_days: Some(7), ..required(PolicyScope::Client { client: rp.id.clone() }) }).await;
    let led = log_in(&mut browser).await;
    let typed = [("code", &*app.code(&seed)), ("trust", "on")];
    assert_eq!(second_step(&mut browser, &led, &typed).await.location(), "/account");
    for (days, enough) in [(6, true), (1, false)] {
        app.pass(Duration::from_hours(24 * days));
        browser.jar.retain(|name, _| !name.contains("dw_session"));
        let page = browser.open(&rp.path(&[])).await;
        let led = browser.submit(&page, "/login", &TYPED).await.location().to_owned();
        if enough {
            assert!(returned(&browser.open(&led).await).contains_key("code"));
            continue;
        }
        assert!(led.starts_with("/login/totp?l="), "it goes on: {led}");
        let led = second_step(&mut browser, &led, &[("code", &app.code(&seed))]).await.location().to_owned();
        assert!(returned(&browser.open(&led).await).contains_key("code"));
    }
}

#[tokio::test]
async fn a_weaker_second_step_is_followed_by_one_that_is_enough() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let (seed, _) = browser.enrol().await;
    app.pass(Duration::from_secs(30));
    let page = browser.open("/account/mfa").await;
    let path =
        browser.submit(&page, "/account/mfa/email", &[("email", "amelia@mail.example")]).await.location().to_owned();
    let page = browser.open(&path).await;
    let code = app.mailed_code(1).await;
    browser.submit(&page, &format!("{path}/confirm"), &[("code", &code)]).await;
    set(&app, required(PolicyScope::Client { client: rp.id.clone() })).await;
    let mut elsewhere = app.browser();
    let page = elsewhere.open(&rp.path(&[])).await;
    let by_app = elsewhere.submit(&page, "/login", &TYPED).await.location().to_owned();
    let by_mail = by_app.replace("/login/totp", "/login/email");
    assert!(!elsewhere.open(&by_app).await.links_to(&by_mail), "it brings the sign-in nowhere");
    let page = elsewhere.open(&by_mail).await;
    elsewhere.submit(&page, "/login/email/send", &[]).await.location();
    let page = elsewhere.open(&by_mail).await;
    let code = app.mailed_code(2).await;
    let led = elsewhere.submit(&page, "/login/email", &[("code", &code)]).await.location().to_owned();
    assert_eq!(led, by_app);
    let page = elsewhere.open(&led).await;
    assert!(page.body.contains("Step 3 of 3") && page.body.contains("more than was given so far"), "{}", page.body);
    let led = second_step(&mut elsewhere, &led, &[("code", &app.code(&seed))]).await.location().to_owned();
    assert!(returned(&elsewhere.open(&led).await).contains_key("code"));
}

#[tokio::test]
async fn policies_that_nobody_can_meet_or_read_are_refused() {
    let app = TestApp::new().await;
    let role = |name: &str| PolicyScope::Role { role: name.to_owned() };
    let by_mail = BTreeSet::from([PolicyMethod::Email]);
    for (wrong, why) in [
        (Policy { at_least: "urn:other".to_owned(), ..required(PolicyScope::Everybody) }, "is no acr"),
        (Policy { any_of: by_mail.clone(), ..required(PolicyScope::Everybody) }, "nobody can meet"),
        (Policy { all_of: by_mail.clone(), ..required(PolicyScope::Everybody) }, "nobody can meet"),
        (required(role("Staff Members")), "a role has 1 to 64"),
    ] {
        let refused = app.services.policies.set(wrong).await.expect_err(why).to_string();
        assert!(refused.contains(why), "{refused}");
    }
    let loose = Policy { any_of: by_mail, at_least: Acr::TwoStep.as_str().to_owned(), ..required(role("staff")) };
    let set = app.services.policies.set(loose).await.expect("codes by e-mail are two steps");
    assert_eq!(
        (set.scope.to_string().as_str(), set.changed_at),
        ("role/staff", Timestamp::from_millis(START.as_millis()))
    );
    let by_app = || Policy { all_of: [PolicyMethod::Totp].into(), ..required(PolicyScope::Everybody) };
    let refused = app.services.policies.set_at(3, by_app()).await;
    let refused = refused.expect_err("a node of an earlier version asks for one second step").to_string();
    assert!(refused.contains("together with that of role/staff"), "{refused}");
    app.services.policies.set(by_app()).await.expect("the staff gives both");
    assert!(app.services.policies.remove(&set.scope).await.expect("removes"));
    assert!(!app.services.policies.remove(&set.scope).await.expect("nothing is left"));
}
