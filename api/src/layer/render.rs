//! Failures become pages, or JSON where a program asked; every response gets the headers of its kind.

use axum::{
    Json,
    extract::{Request, State},
    middleware::Next,
    response::{Html, IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};

use super::{
    observe::RequestId,
    security_headers::{Csp, SecurityHeaders},
};
use crate::{
    error::page::{Failed, PageError},
    extract::Asked,
    locale::Locale,
    routes::{account::address_link, login, register_by_email},
    state::ApiState,
};

/// Pages of links, whose addresses hold a secret.
const HOLD_TOKENS: [&str; 6] =
    [login::link::PATH, address_link::PATH, register_by_email::CONFIRM, "/recovery/cancel", "/reset", "/setup"];

/// Renders what failed and completes the headers.
pub async fn render(State(state): State<ApiState>, mut request: Request, next: Next) -> Response {
    let for_program = is_for_programs(request.uri().path());
    let accepts = request.headers().get(header::ACCEPT_LANGUAGE).cloned();
    let holds_token = HOLD_TOKENS.contains(&request.uri().path());
    let asked = Asked::at(request.uri(), state.pages.locales());
    request.extensions_mut().insert(asked.clone());
    let id = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
    let mut response = next.run(request).await;
    if let Some(Failed(failure)) = response.extensions_mut().remove::<Failed>() {
        write_down(&failure, &id);
        let accepted = || state.pages.locales().choose(None, accepts.as_ref().map(HeaderValue::as_bytes));
        let locale = asked.get().unwrap_or_else(accepted);
        let told = if for_program { machine(&failure) } else { page(&state, &failure, id, locale) };
        // Cookies and the like that were set before the failure stay.
        let (mut parts, body) = told.into_parts();
        for (name, value) in response.headers().iter().filter(|(name, _)| *name == header::SET_COOKIE) {
            parts.headers.append(name.clone(), value.clone());
        }
        response = Response::from_parts(parts, body);
    }
    let headers = SecurityHeaders::for_issuer(&state.settings.issuer);
    let csp = response.extensions().get::<Csp>().cloned();
    match csp {
        Some(csp) => headers.on_page(response.headers_mut(), &csp),
        None if response.status().is_redirection() && response.status() != StatusCode::NOT_MODIFIED => {
            headers.on_page(response.headers_mut(), &Csp::default());
        }
        None => headers.on_any(response.headers_mut()),
    }
    if holds_token {
        SecurityHeaders::on_token(response.headers_mut());
    }
    response
}

/// Endpoints that programs call, and that answer in JSON whatever happens.
fn is_for_programs(path: &str) -> bool {
    const PROGRAMS: [&str; 3] = ["/oauth/token", "/oauth/userinfo", "/oauth/revoke"];
    PROGRAMS.contains(&path) || (path.starts_with("/.well-known/") && path != "/.well-known/change-password")
}

/// Each failure is logged here and nowhere else.
fn write_down(failure: &PageError, id: &str) {
    let status = failure.told().status;
    if status.is_server_error() {
        tracing::error!(id, status = status.as_u16(), error = %failure, "a request failed");
    } else {
        tracing::info!(id, status = status.as_u16(), error = %failure, "a request was refused");
    }
}

fn page(state: &ApiState, failure: &PageError, id: String, locale: Locale) -> Response {
    let told = failure.told();
    let (status, retry) = (told.status, told.retry_secs());
    let page = told.into_page(id, state.services.clock.now().as_secs());
    let chrome = state.chrome(locale, "");
    let mut response = match state.pages.render(&chrome, &page) {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "the error page cannot be rendered");
            (status, "The server made a mistake.").into_response()
        }
    };
    response.extensions_mut().insert(Csp::default());
    retry_after(&mut response, retry);
    response
}

/// For programs, in the form of RFC 6749, 5.2.
fn machine(failure: &PageError) -> Response {
    let told = failure.told();
    let error = match told.status {
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => "temporarily_unavailable",
        status if status.is_server_error() => "server_error",
        _ => "invalid_request",
    };
    let description = if told.status.is_server_error() { "try again later".to_owned() } else { failure.to_string() };
    let body = Json(serde_json::json!({ "error": error, "error_description": description }));
    let mut response = (told.status, [(header::CACHE_CONTROL, "no-store")], body).into_response();
    retry_after(&mut response, told.retry_secs());
    response
}

/// Sets `Retry-After`.
pub(crate) fn retry_after(response: &mut Response, seconds: Option<u64>) {
    if let Some(seconds) = seconds {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
}
