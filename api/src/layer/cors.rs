//! Cross-origin reading (Fetch) for the endpoints that scripts of other origins may call: metadata, keys, token, userinfo,
//! revocation. Any origin, never with cookies. The authorization endpoint and all pages stay without (RFC 9700, 2.6).

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

/// Opens what the routes below answer.
pub async fn open_to_scripts(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    set(headers, header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    set(headers, header::ACCESS_CONTROL_EXPOSE_HEADERS, "www-authenticate, retry-after");
    response
}

/// `OPTIONS`: what a browser asks before it lets a script send anything but a plain form. Kept for two hours.
pub async fn preflight() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    set(headers, header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST");
    set(headers, header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type");
    set(headers, header::ACCESS_CONTROL_MAX_AGE, "7200");
    response
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.insert(name, HeaderValue::from_static(value));
}
