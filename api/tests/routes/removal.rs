//! The removal of a device while a policy asks for a second step: allowed after a fresh proof, told truly beforehand, and followed by
//! the next enrolment before anything else.

use std::collections::BTreeSet;

use actors::{
    domain::{
        assurance::Acr,
        command::{ChangeRole, ChangeRoleOutcome},
    },
    testing::Traits,
};
use http::StatusCode;
use schema::record::{Policy, PolicyMethod, PolicyMode, PolicyScope};

use crate::{
    passkey,
    policies::{required, set},
    support::{Answer, Browser, PASSWORD, TestApp},
};

const ALONE: &str = "your password alone will open this account";

/// The path below which a device is removed, from that under which it was set up.
async fn by_app(browser: &mut Browser<'_>) -> String {
    browser.enrol().await;
    let page = browser.open("/account/mfa").await;
    let (_, rest) = page.body.split_once("href=\"/account/mfa/totp/").expect("an authenticator app");
    format!("/account/mfa/totp/{}/remove", rest.split('/').next().expect("an id"))
}

async fn by_message(browser: &mut Browser<'_>, way: &str, typed: (&str, &str)) -> String {
    let before = browser.app.sent();
    let page = browser.open("/account/mfa").await;
    let path = browser.submit(&page, &format!("/account/mfa/{way}"), &[typed]).await.location().to_owned();
    let page = browser.open(&path).await;
    let code = match way {
        "sms" => browser.app.texted_code(before + 1).await,
        _ => browser.app.mailed_code(before + 1).await,
    };
    browser.submit(&page, &format!("{path}/confirm"), &[("code", &code)]).await;
    format!("{path}/remove")
}

/// Making a key proves nothing, so it is proved before it can be removed.
async fn by_passkey(browser: &mut Browser<'_>) -> String {
    let (mut key, _, path) = passkey::enrol(browser, "Key", Traits::WITH_PIN).await;
    browser.jar.retain(|name, _| !name.contains("dw_session"));
    let led = browser.log_in("amelia", PASSWORD).await.location().to_owned();
    let page = browser.open(&led).await;
    assert_eq!(passkey::answer(browser, &page, &mut key).await.location(), "/account");
    format!("{path}/remove")
}

/// What the page says before a device is removed, and the page that asks.
async fn asked(browser: &mut Browser<'_>, path: &str) -> Answer {
    let page = browser.open(path).await;
    assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.body);
    page
}

/// A second step of any kind.
fn any_step(scope: PolicyScope) -> Policy {
    Policy { at_least: Acr::TwoStep.as_str().to_owned(), ..required(scope) }
}

#[tokio::test]
async fn the_last_device_may_be_removed_where_one_is_required_and_the_next_is_set_up_before_anything_else() {
    for way in ["totp", "email", "sms", "passkey"] {
        let app = TestApp::new().await;
        let mut browser = app.browser();
        browser.register("amelia").await;
        let remove = match way {
            "totp" => by_app(&mut browser).await,
            "email" => by_message(&mut browser, way, ("email", "amelia@mail.example")).await,
            "sms" => by_message(&mut browser, way, ("phone", "+4915112345678")).await,
            _ => by_passkey(&mut browser).await,
        };
        let page = asked(&mut browser, &remove).await;
        assert!(page.body.contains(ALONE), "{way}: {}", page.body);

        set(&app, any_step(PolicyScope::Everybody)).await;
        let page = asked(&mut browser, &remove).await;
        assert!(!page.body.contains(ALONE), "{way}: {}", page.body);
        assert!(page.body.contains("before you can do anything else"), "{way}: {}", page.body);
        assert!(page.body.contains("so your backup codes stop working"), "{way}: {}", page.body);
        let led = browser.submit(&page, &remove, &[]).await.location().to_owned();
        assert!(led.starts_with("/account/mfa?done="), "{way}: {led}");
        let page = browser.open(&led).await;
        assert!(page.body.contains("Before you go on, set up an authenticator app"), "{way}: {}", page.body);
        for closed in ["/account", "/account/password", "/account/sessions"] {
            assert_eq!(browser.get(closed).await.location(), "/account/mfa", "{way}: {closed}");
        }
        let mut elsewhere = app.browser();
        assert_eq!(elsewhere.log_in("amelia", PASSWORD).await.location(), "/account");
        assert_eq!(elsewhere.get("/account").await.location(), "/account/mfa", "{way}");
        let (_, codes) = browser.enrol().await;
        assert_eq!(codes.backup_codes().len(), 10, "{way}: {}", codes.body);
        assert_eq!(browser.get("/account").await.status, StatusCode::OK, "{way}");
    }
}

#[tokio::test]
async fn a_role_asks_too_and_so_does_a_method_of_which_others_are_left() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let remove = by_app(&mut browser).await;
    by_message(&mut browser, "sms", ("phone", "+4915112345678")).await;
    let page = asked(&mut browser, &remove).await;
    assert!(!page.body.contains(ALONE) && !page.body.contains("before you can"), "a phone is left: {}", page.body);

    let staff = PolicyScope::Role { role: "staff".to_owned() };
    set(&app, Policy { any_of: BTreeSet::from([PolicyMethod::Totp]), ..required(staff) }).await;
    let page = asked(&mut browser, &remove).await;
    assert!(!page.body.contains("before you can"), "nobody of the staff: {}", page.body);
    let give = ChangeRole { role: "staff".to_owned(), given: true };
    assert_eq!(app.operate("amelia", give).await.0, ChangeRoleOutcome::Changed);
    let page = asked(&mut browser, &remove).await;
    assert!(
        page.body.contains("set up an authenticator app before you can do anything else")
            && !page.body.contains("so your backup codes stop working"),
        "{}",
        page.body
    );
    browser.submit(&page, &remove, &[]).await.location();
    assert_eq!(browser.get("/account").await.location(), "/account/mfa");
}

#[tokio::test]
async fn a_backup_code_stands_for_no_device_that_goes_with_it() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let (_, codes) = browser.enrol().await;
    let code = codes.backup_codes().remove(0);
    set(&app, required(PolicyScope::Everybody)).await;
    let mut browser = app.browser();
    let led = browser.log_in("amelia", PASSWORD).await.location().replace("/login/totp", "/login/backup-code");
    let page = browser.open(&led).await;
    assert_eq!(browser.submit(&page, "/login/backup-code", &[("code", &code)]).await.location(), "/account");
    let page = browser.open("/account/mfa").await;
    let (_, rest) = page.body.split_once("href=\"/account/mfa/totp/").expect("an authenticator app");
    let remove = format!("/account/mfa/totp/{}/remove", rest.split('/').next().expect("an id"));
    let page = asked(&mut browser, &remove).await;
    assert!(page.body.contains("before you can do anything else"), "{}", page.body);
    browser.submit(&page, &remove, &[]).await.location();
    assert_eq!(browser.get("/account").await.location(), "/account/mfa");
}

#[tokio::test]
async fn what_is_only_recommended_or_announced_leaves_the_password_alone() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let remove = by_app(&mut browser).await;
    set(&app, Policy { mode: PolicyMode::Recommended, ..required(PolicyScope::Everybody) }).await;
    let page = asked(&mut browser, &remove).await;
    assert!(page.body.contains(ALONE), "{}", page.body);
    browser.submit(&page, &remove, &[]).await.location();
    assert_eq!(browser.get("/account").await.status, StatusCode::OK);
}
