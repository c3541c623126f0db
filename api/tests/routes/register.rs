//! `/register`, `/setup`.

use std::time::Duration;

use api::limits::Rate;
use http::{StatusCode, header};

use crate::support::{HTTP, HTTPS, PASSWORD, TestApp};

#[tokio::test]
async fn whoever_registers_is_signed_in_and_told_so() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let page = browser.open("/account?done=registered").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("Your account is ready") && page.body.contains("amelia"));
    assert_eq!(page.headers[header::CACHE_CONTROL], "no-store");
    let front = browser.get("/").await;
    assert!(front.body.contains("You are signed in as <strong>amelia</strong>"));
}

#[tokio::test]
async fn a_refused_form_keeps_what_was_typed_but_the_password() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    let page = browser.open("/register").await;
    let weak = "password12345678";
    let typed = [("user_name", "amelia"), ("email", "amelia@example.org"), ("password", weak)];
    let again = browser.submit(&page, "/register", &typed).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(again.body.contains("This password is easy to guess"), "{}", again.body);
    assert!(!again.body.contains(weak));
    assert_eq!(again.field("/register", "user_name"), "amelia");
    assert_eq!(again.field("/register", "email"), "amelia@example.org");
    assert!(!browser.is_signed_in().await);
    let typed = [("password", PASSWORD)];
    assert_eq!(browser.submit(&again, "/register", &typed).await.location(), "/account?done=registered");
}

#[tokio::test]
async fn a_name_can_be_had_once_in_whatever_spelling() {
    let app = TestApp::new().await;
    app.browser().register("amelia").await;
    let mut other = app.browser();
    let page = other.open("/register").await;
    let again = other.submit(&page, "/register", &[("user_name", "AMELIA"), ("password", PASSWORD)]).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(again.body.contains("This user name is taken"));
}

#[tokio::test]
async fn an_address_registers_so_often_and_is_then_told_when_to_come_back() {
    let one = Rate { burst: 1, window: Duration::from_mins(1) };
    let app = TestApp::with(HTTPS, |settings| settings.limits.registrations = one).await;
    app.browser().register("amelia").await;
    let mut other = app.browser();
    let page = other.open("/register").await;
    let typed = [("user_name", "bertram"), ("password", PASSWORD)];
    let refused = other.submit(&page, "/register", &typed).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers[header::RETRY_AFTER], "60");
    assert!(refused.body.contains("Too many attempts"));
    other.peer.set_ip([198, 51, 100, 7].into());
    assert_eq!(other.submit(&page, "/register", &typed).await.location(), "/account?done=registered");
}

#[tokio::test]
async fn cookies_have_the_flags_that_the_issuer_allows() {
    for (issuer, prefix, secure) in [(HTTPS, "__Host-", true), (HTTP, "", false)] {
        let app = TestApp::with(issuer, |_| {}).await;
        let mut browser = app.browser();
        let first = browser.get("/login").await;
        let second = browser.register("amelia").await;
        let lines: Vec<&str> = first.cookies().into_iter().chain(second.cookies()).collect();
        for name in ["dw_browser", "dw_login_", "dw_session", "dw_device"] {
            assert!(lines.iter().any(|line| line.starts_with(&format!("{prefix}{name}"))), "{issuer}: {name}");
        }
        for line in lines {
            assert!(line.contains("; Path=/; HttpOnly; SameSite=Lax"), "{line}");
            assert_eq!(line.contains("; Secure"), secure, "{line}");
            assert!(!line.contains("Domain"), "{line}");
        }
    }
}

#[tokio::test]
async fn the_first_administrators_link_works_for_the_browser_that_used_it_and_once() {
    let app = TestApp::new().await;
    let (token, _) = app.services.registration.setup_link().await.expect("the store works").expect("a link");
    let path = format!("/setup?token={}", token.expose());
    let mut browser = app.browser();
    let page = browser.open(&path).await;
    assert_eq!(browser.open(&path).await.status, StatusCode::OK, "looking consumes nothing");
    let weak = browser.submit(&page, "/setup", &[("user_name", "root"), ("password", "short")]).await;
    assert_eq!(weak.status, StatusCode::UNPROCESSABLE_ENTITY);
    let made = browser.submit(&page, "/setup", &[("user_name", "root"), ("password", PASSWORD)]).await;
    assert_eq!(made.location(), "/account?done=registered");
    assert!(browser.is_signed_in().await);
    assert_eq!(app.browser().open(&path).await.status, StatusCode::GONE);
    assert_eq!(app.browser().open("/setup").await.status, StatusCode::GONE);
}
