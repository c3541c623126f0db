//! What a form must bring to be taken (HAZARDS H18).

use axum::body::Body;
use http::{StatusCode, header};

use crate::support::{Answer, Browser, PASSWORD, TestApp, encode};

fn typed(page: &Answer) -> Vec<(String, String)> {
    let mut fields = page.form("/account/mfa/totp");
    fields.retain(|(name, _)| name != "name");
    fields.push(("name".to_owned(), "Phone".to_owned()));
    fields
}

/// Sends the form with these headers instead of `Origin`.
async fn send(browser: &mut Browser<'_>, fields: &[(String, String)], headers: &[(&str, &str)]) -> Answer {
    let mut request = browser.form_request("/account/mfa/totp");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(encode(fields))).expect("a well-formed request");
    browser.send(request).await
}

fn assert_out_of_date(answer: &Answer) {
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.body.contains("This page is out of date") && answer.body.contains("Start again"));
    assert!(answer.links_to("/account") || answer.links_to("/account/mfa"), "{}", answer.body);
}

#[tokio::test]
async fn a_form_from_another_site_is_refused_and_changes_nothing() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let page = browser.open("/account/mfa").await;
    let fields = typed(&page);
    for headers in [
        &[][..],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("referer", "https://id.example/account/mfa")],
    ] {
        assert_out_of_date(&send(&mut browser, &fields, headers).await);
    }
    assert!(browser.open("/account").await.body.contains("Enable multi-factor authentication"));
    for headers in [&[("origin", "https://id.example")], &[("sec-fetch-site", "same-origin")]] {
        assert!(send(&mut browser, &fields, headers).await.location().starts_with("/account/mfa/totp/"));
    }
}

#[tokio::test]
async fn a_form_of_another_session_browser_or_kind_is_refused() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let page = browser.open("/account/mfa").await;
    let path = "/account/mfa/totp";
    let mut elsewhere = app.browser();
    elsewhere.log_in("amelia", PASSWORD).await.location();
    let theirs = elsewhere.open("/account/mfa").await.field(path, "csrf");
    let of_login = browser.clone().open("/login").await.field("/login", "csrf");
    for value in ["", "x", "k1.AAAA", &theirs, &of_login] {
        assert_out_of_date(&browser.submit(&page, path, &[("name", "Phone"), ("csrf", value)]).await);
    }
    browser.register("bertram").await;
    assert_out_of_date(&browser.submit(&page, path, &[("name", "Phone")]).await);
}

#[tokio::test]
async fn other_tabs_live_on_when_the_session_is_renewed() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let tab = browser.open("/account/mfa").await;
    let before = browser.cookie("dw_session");
    browser.log_in("amelia", PASSWORD).await.location();
    assert_ne!(browser.cookie("dw_session"), before);
    let begun = browser.submit(&tab, "/account/mfa/totp", &[("name", "Phone")]).await;
    assert!(begun.location().starts_with("/account/mfa/totp/"));
}

#[tokio::test]
async fn two_logins_in_two_tabs_do_not_disturb_each_other() {
    let app = TestApp::new().await;
    app.browser().register("amelia").await;
    let mut browser = app.browser();
    let first = browser.open("/login?return=/account/mfa").await;
    let second = browser.open("/login?return=/account/sessions").await;
    let typed = [("username", "amelia"), ("password", PASSWORD)];
    assert_eq!(browser.submit(&second, "/login", &typed).await.location(), "/account/sessions");
    assert_eq!(browser.submit(&first, "/login", &typed).await.location(), "/account/mfa");
}

#[tokio::test]
async fn a_body_that_is_no_form_of_ours_is_refused() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let origin = "https://id.example";
    let long = "x".repeat(65 * 1024);
    for (kind, body, status) in [
        ("text/plain", "name=Phone", StatusCode::BAD_REQUEST),
        ("application/json", "{}", StatusCode::BAD_REQUEST),
        ("application/x-www-form-urlencoded", "name=a&name=b", StatusCode::BAD_REQUEST),
        ("application/x-www-form-urlencoded", "other=a", StatusCode::BAD_REQUEST),
        ("application/x-www-form-urlencoded", &long, StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let request = browser.request(http::Method::POST, "/account/mfa/totp");
        let request = request.header(header::CONTENT_TYPE, kind).header(header::ORIGIN, origin);
        let request = request.body(Body::from(body.to_owned())).expect("a well-formed request");
        assert_eq!(browser.send(request).await.status, status, "{kind}");
    }
}
