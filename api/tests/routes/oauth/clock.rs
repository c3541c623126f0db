//! A node whose clock was set judges nothing by it that has an end (HAZARDS H3): it asks to be asked again, or another node to
//! be.

use std::time::Duration;

use http::{StatusCode, header};

use super::rp::{Rp, amelia, text, userinfo};
use crate::support::{Answer, PASSWORD, TestApp};

/// Nobody has measured it since.
fn set_clock(app: &TestApp) {
    app.clock.set(app.services.clock.now().after(Duration::from_hours(24)));
}

fn not_now(answer: &Answer) {
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{answer:?}");
    assert!(answer.headers.contains_key(header::RETRY_AFTER), "{answer:?}");
}

#[tokio::test]
async fn neither_a_token_nor_a_client_is_refused_by_a_clock_that_was_set() {
    let app = TestApp::member().await;
    let rp = Rp::new(&app).await;
    let mut browser = amelia(&app).await;
    let tokens = rp.tokens(&mut browser, &[]).await;
    let access = text(&tokens, "access_token");
    assert_eq!(userinfo(&app, access).await.status, StatusCode::OK);
    set_clock(&app);
    not_now(&userinfo(&app, access).await);
    not_now(&rp.post("/oauth/revoke", &[("token", access)]).await);
    not_now(&rp.post("/oauth/revoke", &[("token", access), ("client_secret", "one that has ended")]).await);
}

#[tokio::test]
async fn no_login_begins_or_ends_by_a_clock_that_was_set() {
    let app = TestApp::member().await;
    app.browser().register("amelia").await;
    let rp = Rp::new(&app).await;
    let mut browser = app.browser();
    let page = browser.open("/login").await;
    set_clock(&app);
    let before = browser.jar.clone();
    not_now(&browser.submit(&page, "/login", &[("username", "amelia"), ("password", PASSWORD)]).await);
    assert_eq!(browser.jar, before, "it goes on when the clock is right");
    not_now(&app.browser().open("/login").await);
    not_now(&app.browser().open(&rp.path(&[])).await);
}
