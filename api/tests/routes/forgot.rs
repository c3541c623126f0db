//! `/forgot`: a link by mail to whoever has a confirmed address, and the same answer to everybody.

use std::time::Duration;

use http::StatusCode;

use crate::support::{PASSWORD, TestApp};

const NEW: &str = "nine orange lighthouses singing";

#[tokio::test]
async fn a_link_by_mail_sets_a_password_ends_sessions_and_leads_past_no_second_step() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let page = browser.open("/account/mfa").await;
    let path = browser.submit(&page, "/account/mfa/email", &[("email", "amelia@mail.example")]).await;
    let path = path.location().to_owned();
    let (page, code) = (browser.open(&path).await, app.mailed_code(1).await);
    browser.submit(&page, &format!("{path}/confirm"), &[("code", &code)]).await;

    let mut elsewhere = app.browser();
    let page = elsewhere.open("/login").await;
    assert!(page.links_to("/forgot"), "{}", page.body);
    let page = elsewhere.open("/forgot").await;
    let done = elsewhere.submit(&page, "/forgot", &[("username", "Amelia")]).await;
    assert_eq!(done.location(), "/forgot?sent=1");
    let letter = app.letter(2).await;
    assert_eq!(letter.to, "amelia@mail.example");
    let link = letter.text.lines().find_map(|line| line.strip_prefix("https://id.example/reset")).expect("a link");
    let link = format!("/reset{link}");
    let page = elsewhere.open(&link).await;
    assert_eq!(elsewhere.submit(&page, "/reset", &[("new_password", NEW)]).await.location(), "/login");
    assert!(!browser.is_signed_in().await, "sessions end with the old password");
    assert_eq!(elsewhere.get(&link).await.status, StatusCode::GONE, "once");
    let letter = app.letter(3).await;
    assert_eq!(letter.subject.as_deref(), Some("Your password was set anew by a link"));
    app.pass(Duration::from_secs(1));
    let next = elsewhere.log_in("amelia", NEW).await.location().to_owned();
    assert!(next.starts_with("/login/email?l="), "the second step is asked for as before: {next}");
}

#[tokio::test]
async fn who_asks_learns_nothing_of_who_is_there() {
    let app = TestApp::new().await;
    app.browser().register("amelia").await;
    let mut browser = app.browser();
    for name in ["amelia", "nobody", "no name at all \u{7}", ""] {
        let page = browser.open("/forgot").await;
        let done = browser.submit(&page, "/forgot", &[("username", name)]).await;
        assert_eq!(done.location(), "/forgot?sent=1", "{name:?}");
    }
    let page = browser.open("/forgot?sent=1").await;
    assert!(page.body.contains("If there is an account of that name"), "{}", page.body);
    assert!(app.inbox.newest_first().is_empty(), "nobody has a confirmed address");
    assert_eq!(app.browser().log_in("amelia", PASSWORD).await.location(), "/account");
}

#[tokio::test]
async fn one_address_causes_no_more_than_fifty_messages_in_ten_minutes() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    let page = browser.open("/forgot").await;
    for _ in 0..50 {
        browser.submit(&page, "/forgot", &[("username", "nobody")]).await.location();
    }
    let refused = browser.submit(&page, "/forgot", &[("username", "nobody")]).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
}
