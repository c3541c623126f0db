//! What happens before a route is reached, and after.

use std::time::Duration;

use axum::body::{Body, Bytes};
use http::{Method, Request, StatusCode, header};

use crate::support::{Browser, HTTP, HTTPS, TestApp};

fn get(browser: &Browser<'_>, headers: &[(&str, &str)]) -> Request<Body> {
    let mut request = browser.request(Method::GET, "/").body(Body::empty()).expect("a well-formed request");
    for (name, value) in headers {
        let name: http::HeaderName = name.parse().expect("a name");
        request.headers_mut().insert(name, value.parse().expect("a value"));
    }
    request
}

#[tokio::test]
async fn development_mode_answers_under_the_issuers_name_alone_and_behind_no_proxy() {
    let app = TestApp::with(HTTP, |_| {}).await;
    let mut browser = app.browser();
    let page = browser.get("/").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("Development server."));
    for refused in ["/nothing/here", "/login?l=x", "/reset?token=x", "/oauth/authorize"] {
        let refused = browser.get(refused).await;
        assert!(refused.status.is_client_error() && refused.body.contains("Development server."), "{refused:?}");
    }
    for headers in [
        [("host", "evil.example")],
        [("host", "localhost:11081")],
        [("x-forwarded-for", "192.0.2.9")],
        [("x-forwarded-proto", "https")],
        [("forwarded", "for=192.0.2.9")],
    ] {
        let request = get(&browser, &headers);
        let refused = browser.send(request).await;
        assert_eq!(refused.status, StatusCode::MISDIRECTED_REQUEST, "{headers:?}");
        assert!(refused.body.contains("This is a development server."));
        assert!(refused.cookies().is_empty());
    }
}

/// Their addresses hold a secret, so nobody is told where somebody comes from (RFC 9700, 4.2.4).
#[tokio::test]
async fn the_pages_of_links_tell_nobody_their_address() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    for path in ["/reset", "/setup", "/recovery/cancel", "/login/link", "/account/mfa/email/link", "/register/confirm"]
    {
        for of in [path.to_owned(), format!("{path}?token=x")] {
            let page = browser.get(&of).await;
            assert_eq!(page.headers[header::REFERRER_POLICY], "no-referrer", "{of}");
        }
        let refused = browser.post(path, &[("token".to_owned(), "x".to_owned())]).await;
        assert_eq!(refused.headers[header::REFERRER_POLICY], "no-referrer", "a form to {path}");
    }
    for path in ["/login", "/recovery/cancelled", "/account", "/"] {
        assert_eq!(browser.get(path).await.headers[header::REFERRER_POLICY], "same-origin", "{path}");
    }
}

#[tokio::test]
async fn a_proxy_that_is_trusted_is_believed_and_what_it_cannot_read_is_refused() {
    let trusted = api::Network { address: [192, 0, 2, 1].into(), bits: 32 };
    let app = TestApp::with(HTTPS, |settings| settings.trusted_proxies = vec![trusted]).await;
    let mut browser = app.browser();
    let request = get(&browser, &[("x-forwarded-for", "198.51.100.7, unknown")]);
    let refused = browser.send(request).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.body.contains("This request cannot be read"));
    let request = get(&browser, &[("x-forwarded-for", "198.51.100.7")]);
    assert_eq!(browser.send(request).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_page_that_does_not_exist_is_told_with_an_id_and_the_headers_of_a_page() {
    let app = TestApp::new().await;
    let missing = app.browser().get("/nothing/here").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    let id = missing.headers["x-request-id"].to_str().expect("an id").to_owned();
    assert!(missing.body.contains("Page not found") && missing.body.contains(&id));
    assert!(!missing.body.contains("Development server."));
    for name in ["content-security-policy", "strict-transport-security", "x-frame-options", "cache-control"] {
        assert!(missing.headers.contains_key(name), "{name}");
    }
    let mut browser = app.browser();
    let request = browser.request(Method::DELETE, "/login").body(Body::empty()).expect("a well-formed request");
    let refused = browser.send(request).await;
    assert_eq!(refused.status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(refused.body.contains("This does not work here"));
    assert!(refused.headers.contains_key(header::ALLOW));
}

#[tokio::test]
async fn what_is_beyond_the_permits_is_shed_at_once() {
    let app = TestApp::with(HTTPS, |settings| settings.max_in_flight = 0).await;
    let shed = app.browser().get("/").await;
    assert_eq!(shed.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(shed.headers[header::RETRY_AFTER], "1");
    assert!(shed.body.contains("Not available just now"));
}

/// Who sends a form a byte at a time, or never, holds one of the places that everybody shares.
#[tokio::test]
async fn a_body_that_never_ends_gives_its_place_back_after_the_deadline() {
    let app = TestApp::with(HTTPS, |settings| {
        settings.max_in_flight = 1;
        settings.request_deadline = Duration::from_millis(200);
    })
    .await;
    for path in ["/login", "/oauth/token", "/oauth/authorize"] {
        let mut slow = app.browser();
        let request = slow
            .request(Method::POST, path)
            .header(header::ORIGIN, HTTPS)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>()))
            .expect("a well-formed request");
        let given_up = tokio::time::timeout(Duration::from_secs(20), slow.send(request)).await.expect("answers");
        assert_eq!(given_up.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert_eq!(app.browser().get("/").await.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn a_cookie_under_a_key_of_another_node_is_neither_cleared_nor_replaced() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let foreign = |value: &String| value.replacen("v1.k1.", "v1.k2.", 1);
    let ours = browser.jar.clone();
    browser.jar = ours.iter().map(|(name, value)| (name.clone(), foreign(value))).collect();
    let before = browser.jar.clone();
    let page = browser.open("/login").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(before.iter().all(|(name, value)| browser.jar.get(name) == Some(value)));
    let typed = [("username", "amelia"), ("password", crate::support::PASSWORD)];
    assert_eq!(browser.submit(&page, "/login", &typed).await.location(), "/account");
}

#[tokio::test]
async fn a_redirect_between_pages_is_not_stored_either() {
    let app = TestApp::new().await;
    let answer = app.browser().get("/account").await;
    assert_eq!(answer.location(), "/login?return=%2Faccount");
    assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
}
