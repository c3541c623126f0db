//! `/account`, sessions, password, reauthentication.

use std::time::Duration;

use actors::{
    domain::command::{IssueReset, IssueResetOutcome},
    locator::Locators,
};
use api::limits::Rate;
use http::StatusCode;

use crate::support::{HTTPS, PASSWORD, TestApp};

const NEW: &str = "seven orange kettles humming";

#[tokio::test]
async fn sessions_are_listed_and_ended_one_by_one() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let mut elsewhere = app.browser();
    elsewhere.peer.set_ip([198, 51, 100, 7].into());
    elsewhere.log_in("amelia", PASSWORD).await.location();
    let page = browser.open("/account/sessions").await;
    assert!(page.body.contains("this browser") && page.body.contains("198.51.100.7"));
    let ended = browser.submit(&page, "/account/sessions/end", &[]).await;
    assert_eq!(ended.location(), "/account/sessions?done=session");
    assert!(!elsewhere.is_signed_in().await);
    assert!(browser.is_signed_in().await);
    assert_eq!(browser.submit(&page, "/account/sessions/end", &[]).await.location(), ended.location());
    let broken = browser.submit(&page, "/account/sessions/end", &[("session", "../x")]).await;
    assert_eq!(broken.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn signing_out_everywhere_ends_this_session_too() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let mut elsewhere = app.browser();
    elsewhere.log_in("amelia", PASSWORD).await.location();
    let page = browser.open("/account/sessions").await;
    assert_eq!(browser.submit(&page, "/account/sessions/end-all", &[]).await.location(), "/logout");
    assert!(!browser.is_signed_in().await && !elsewhere.is_signed_in().await);
}

#[tokio::test]
async fn a_new_password_ends_other_sessions_and_renews_this_one() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let mut elsewhere = app.browser();
    elsewhere.log_in("amelia", PASSWORD).await.location();
    let mut old = browser.clone();
    let page = browser.open("/account/password").await;
    let path = "/account/password";
    let wrong = browser.submit(&page, path, &[("current_password", "wrong"), ("new_password", NEW)]).await;
    assert!(wrong.body.contains("This is not your current password."), "{}", wrong.body);
    let weak =
        browser.submit(&page, path, &[("current_password", PASSWORD), ("new_password", "amelia amelia 1")]).await;
    assert!(weak.body.contains("Do not use your user name"), "{}", weak.body);
    assert_eq!(weak.status, StatusCode::UNPROCESSABLE_ENTITY);
    let changed = browser.submit(&page, path, &[("current_password", PASSWORD), ("new_password", NEW)]).await;
    assert_eq!(changed.location(), "/account?done=password");
    assert!(browser.is_signed_in().await);
    assert!(!old.is_signed_in().await && !elsewhere.is_signed_in().await);
    assert_eq!(app.browser().log_in("amelia", PASSWORD).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(app.browser().log_in("amelia", NEW).await.location(), "/account");
}

#[tokio::test]
async fn an_address_with_too_many_failures_is_refused_before_a_new_password_is_hashed() {
    let one = Rate { burst: 1, window: Duration::from_mins(1) };
    let app = TestApp::with(HTTPS, |settings| settings.limits.failures = one).await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let path = "/account/password";
    let page = browser.open(path).await;
    let weak = [("current_password", "wrong"), ("new_password", "amelia amelia 1")];
    for _ in 0..2 {
        let refused = browser.submit(&page, path, &weak).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "a weak one is no failed sign-in");
    }
    let wrong = [("current_password", "wrong"), ("new_password", NEW)];
    assert_eq!(browser.submit(&page, path, &wrong).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    // Weak as it is, it is not even looked at.
    assert_eq!(browser.submit(&page, path, &weak).await.status, StatusCode::TOO_MANY_REQUESTS);
}

/// The cool-down of a name is lifted by rebinding (H11), or who was just helped is kept out by whoever made it necessary.
#[tokio::test]
async fn a_new_password_opens_its_name_to_browsers_that_nobody_knows() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let guess_until_closed = async || {
        for _ in 0..5 {
            assert_eq!(app.browser().log_in("amelia", "a guess").await.status, StatusCode::UNPROCESSABLE_ENTITY);
        }
        assert_eq!(app.browser().log_in("amelia", "a guess").await.status, StatusCode::TOO_MANY_REQUESTS);
    };
    guess_until_closed().await;
    let page = browser.open("/account/password").await;
    let typed = [("current_password", PASSWORD), ("new_password", NEW)];
    assert_eq!(browser.submit(&page, "/account/password", &typed).await.location(), "/account?done=password");
    assert_eq!(app.browser().log_in("amelia", NEW).await.location(), "/account");

    let (outcome, attempt) = app.operate("amelia", IssueReset).await;
    let IssueResetOutcome::Issued { reset, .. } = outcome else { panic!("{outcome:?}") };
    let locators = Locators { vault: &app.services.vault, entropy: app.services.entropy.as_ref() };
    let token = locators.reset(app.user("amelia").await, reset, &IssueReset::secret(&attempt.seed));
    guess_until_closed().await;
    let mut helped = app.browser();
    let page = helped.open(&format!("/reset?token={token}")).await;
    assert_eq!(helped.submit(&page, "/reset", &[("new_password", PASSWORD)]).await.location(), "/login");
    assert_eq!(helped.log_in("amelia", PASSWORD).await.location(), "/account");
}

#[tokio::test]
async fn backup_codes_are_drawn_anew_so_often_and_never_without_a_device_that_they_stand_in_for() {
    let two = Rate { burst: 2, window: Duration::from_mins(1) };
    let app = TestApp::with(HTTPS, |settings| settings.limits.failures = two).await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let path = "/account/mfa/backup-codes";
    let fields = [("csrf".to_owned(), browser.open("/account").await.field("/logout", "csrf"))];
    for _ in 0..3 {
        let nothing = browser.post(path, &fields).await;
        assert_eq!(nothing.location(), "/account/mfa", "nothing was hashed, so nothing counts");
    }
    browser.enrol().await;
    for status in [StatusCode::OK, StatusCode::OK, StatusCode::TOO_MANY_REQUESTS] {
        assert_eq!(browser.post(path, &fields).await.status, status);
    }
}

#[tokio::test]
async fn old_proofs_are_given_again_before_the_password_is_changed() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let form = browser.open("/account/password").await;
    app.pass(Duration::from_mins(11));
    let typed = [("current_password", PASSWORD), ("new_password", NEW)];
    let asked = "/account/reauthenticate?to=%2Faccount%2Fpassword";
    assert_eq!(browser.submit(&form, "/account/password", &typed).await.location(), asked);
    assert_eq!(browser.get("/account/password").await.location(), asked);
    let mut old = browser.clone();
    let page = browser.open(asked).await;
    let wrong = browser.submit(&page, "/account/reauthenticate", &[("password", "wrong")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let proved = browser.submit(&page, "/account/reauthenticate", &[("password", PASSWORD)]).await;
    assert_eq!(proved.location(), "/account/password");
    assert!(!old.is_signed_in().await, "its cookie is from before the proof");
    let changed = browser.submit(&form, "/account/password", &typed).await;
    assert_eq!(changed.location(), "/account?done=password", "the tab from before lives on");
}

#[tokio::test]
async fn reauthentication_takes_every_proof_of_the_account() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let (seed, codes) = browser.enrol().await;
    let code = codes.backup_codes().remove(0);
    app.pass(Duration::from_mins(11));
    let page = browser.open("/account/password").await;
    let path = "/account/reauthenticate";
    for typed in [
        [("password", PASSWORD), ("code", "")],
        [("password", PASSWORD), ("code", "nonsense")],
        [("password", "wrong"), ("code", &app.code(&seed))],
    ] {
        assert_eq!(browser.submit(&page, path, &typed).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(browser.get("/account/password").await.status, StatusCode::SEE_OTHER, "nothing is fresh yet");
    }
    let typed = [("password", PASSWORD), ("code", &code)];
    assert_eq!(browser.submit(&page, path, &typed).await.location(), "/account/password");
    assert_eq!(browser.get("/account/password").await.status, StatusCode::OK);
}

#[tokio::test]
async fn reauthentication_leads_to_paths_of_this_site_alone() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    for to in ["//evil.example", "/\\evil.example", "https://evil.example", "/account/reauthenticate?to=/x", ""] {
        let query: String = url::form_urlencoded::byte_serialize(to.as_bytes()).collect();
        let page = browser.open(&format!("/account/reauthenticate?to={query}")).await;
        assert_eq!(page.field("/account/reauthenticate", "to"), "/account", "{to}");
        let typed = [("to", to), ("password", PASSWORD)];
        assert_eq!(browser.submit(&page, "/account/reauthenticate", &typed).await.location(), "/account", "{to}");
    }
}

#[tokio::test]
async fn a_session_ends_an_hour_after_its_last_use() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    for _ in 0..3 {
        app.pass(Duration::from_mins(59));
        assert!(browser.is_signed_in().await);
    }
    app.pass(Duration::from_mins(61));
    assert!(!browser.is_signed_in().await);
}

#[tokio::test]
async fn password_managers_find_the_page() {
    let app = TestApp::new().await;
    assert_eq!(app.browser().get("/.well-known/change-password").await.location(), "/account/password");
    let probe = "/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200";
    assert_eq!(app.browser().get(probe).await.status, StatusCode::NOT_FOUND);
}
