//! Cross-origin reading (Fetch) for the endpoints that scripts of other origins may call: metadata, keys, token, userinfo,
//! revocation. Any origin, never with cookies. The authorization endpoint and all pages stay without (RFC 9700, 2.6).

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

/// How long browsers keep the answer to a preflight.
const MAX_AGE: &str = "7200";

/// Answers preflights, and opens what the routes below answer.
pub async fn open_to_scripts(request: Request, next: Next) -> Response {
    let preflight = request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ORIGIN)
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if preflight { permission() } else { next.run(request).await };
    let headers = response.headers_mut();
    set(headers, header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    if !preflight {
        set(headers, header::ACCESS_CONTROL_EXPOSE_HEADERS, "www-authenticate, retry-after");
    }
    response
}

fn permission() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    set(headers, header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST");
    set(headers, header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type");
    set(headers, header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    response
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.insert(name, HeaderValue::from_static(value));
}
