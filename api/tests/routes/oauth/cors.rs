//! Which endpoints scripts of other origins may read.

use axum::body::Body;
use http::{Method, StatusCode};

use crate::support::{Answer, TestApp};

const OPEN: [&str; 6] = [
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
    "/.well-known/jwks.json",
    "/oauth/token",
    "/oauth/userinfo",
    "/oauth/revoke",
];
const CLOSED: [&str; 9] = [
    "/",
    "/oauth/authorize",
    "/oauth/authorize/continue",
    "/consent",
    "/oauth/logout",
    "/login",
    "/register",
    "/account",
    "/nothing/here",
];

async fn ask(app: &TestApp, method: Method, path: &str) -> Answer {
    let mut browser = app.browser();
    let request = browser.request(method, path).header("origin", "https://spa.example");
    let request = request.header("access-control-request-method", "POST");
    browser.send(request.body(Body::empty()).expect("a request")).await
}

#[tokio::test]
async fn programs_endpoints_are_open_without_credentials() {
    let app = TestApp::new().await;
    for path in OPEN {
        let method = if matches!(path, "/oauth/token" | "/oauth/revoke") { Method::POST } else { Method::GET };
        let answer = ask(&app, method, path).await;
        assert_eq!(answer.headers["access-control-allow-origin"], "*", "{path}");
        assert!(!answer.headers.contains_key("access-control-allow-credentials"), "{path}");
        let preflight = ask(&app, Method::OPTIONS, path).await;
        assert_eq!(preflight.status, StatusCode::NO_CONTENT, "{path}");
        assert_eq!(preflight.headers["access-control-allow-origin"], "*", "{path}");
        assert_eq!(preflight.headers["access-control-allow-headers"], "authorization, content-type", "{path}");
        assert!(!preflight.headers.contains_key("access-control-allow-credentials"), "{path}");
    }
}

#[tokio::test]
async fn pages_and_the_authorization_endpoint_are_closed() {
    let app = TestApp::new().await;
    for path in CLOSED {
        for method in [Method::GET, Method::POST, Method::OPTIONS] {
            let answer = ask(&app, method.clone(), path).await;
            let opened = answer.headers.keys().find(|name| name.as_str().starts_with("access-control-"));
            assert_eq!(opened, None, "{method} {path}");
        }
    }
}
