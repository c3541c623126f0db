//! `/forgot`: a link by mail to whoever has a confirmed address, and the same answer to everybody.

use std::time::Duration;

use actors::call::Deadline;
use http::StatusCode;

use crate::support::{HTTPS, PASSWORD, TestApp};

/// Under failures, and whatever must look like one.
const FLOOR: Duration = Duration::from_millis(100);
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

/// Or whoever reads the mail would pass both steps.
#[tokio::test]
async fn after_a_link_by_mail_an_app_is_asked_for_and_no_code_by_mail() {
    let app = TestApp::new().await;
    confirmed(&app, "amelia", 1).await;
    let mut browser = app.browser();
    let next = browser.log_in("amelia", PASSWORD).await.location().to_owned();
    let (page, code) = (browser.open(&next).await, app.mailed_code(2).await);
    assert_eq!(browser.submit(&page, "/login/email", &[("code", &code)]).await.location(), "/account");
    browser.enrol().await;
    app.letter(3).await;

    let mut elsewhere = app.browser();
    let page = elsewhere.open("/forgot").await;
    elsewhere.submit(&page, "/forgot", &[("username", "amelia")]).await.location();
    let link = app.mailed_link(4).await;
    let page = elsewhere.open(&link).await;
    assert_eq!(elsewhere.submit(&page, "/reset", &[("new_password", NEW)]).await.location(), "/login");
    app.pass(Duration::from_secs(1));
    let next = elsewhere.log_in("amelia", NEW).await.location().to_owned();
    assert!(next.starts_with("/login/totp?l="), "{next}");
    let page = elsewhere.open(&next).await;
    let offers = |way: &str| page.body.contains(&format!("/login/{way}?l="));
    assert!(!offers("email") && offers("backup-code"), "{}", page.body);
}

/// Somebody with a confirmed address, which the account names.
async fn confirmed(app: &TestApp, name: &str, nth: usize) {
    let mut browser = app.browser();
    browser.register(name).await;
    let page = browser.open("/account/mfa").await;
    let address = format!("{name}@mail.example");
    let path = browser.submit(&page, "/account/mfa/email", &[("email", &address)]).await;
    let path = path.location().to_owned();
    let (page, code) = (browser.open(&path).await, app.mailed_code(nth).await);
    browser.submit(&page, &format!("{path}/confirm"), &[("code", &code)]).await;
}

/// What a request for a link and the page after it show, without what is drawn anew for each.
async fn seen(app: &TestApp, name: &str) -> (StatusCode, Vec<String>, String, String) {
    let mut browser = app.browser();
    let page = browser.open("/forgot").await;
    let earliest = Deadline::after(FLOOR);
    let done = browser.submit(&page, "/forgot", &[("username", name)]).await;
    assert!(earliest.is_over(), "{name:?} was answered before the floor");
    let headers = done.headers.iter().filter(|(header, _)| *header != "x-request-id");
    let mut headers: Vec<_> = headers.map(|(header, value)| format!("{header}: {value:?}")).collect();
    headers.sort_unstable();
    let page = browser.open(done.location()).await;
    assert!(page.body.contains("If there is an account of that name"), "{}", page.body);
    (done.status, headers, done.body, page.body)
}

/// An account that gets a link, one that just got one, one without a confirmed address, one that is disabled, and nobody.
#[tokio::test]
async fn who_asks_learns_nothing_of_who_is_there() {
    let app = TestApp::with(HTTPS, |settings| settings.failure_floor = FLOOR).await;
    confirmed(&app, "bob", 1).await;
    confirmed(&app, "carol", 2).await;
    app.disable("carol").await;
    app.browser().register("amelia").await;
    let first = seen(&app, "bob").await;
    app.letter(3).await;
    for name in ["bob", "BOB", "carol", "amelia", "nobody", "bob@mail.example", "no name at all \u{7}", ""] {
        assert_eq!(seen(&app, name).await, first, "{name:?}");
    }
    let link = app.mailed_link(3).await;
    assert!(link.starts_with("/reset?token="), "{link}");
    assert_eq!(app.sent(), 3, "one of them was sent a link, once");
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
