//! Authorization requests that came by POST, from there to the GET that goes on with them: sealed in a cookie of a few
//! minutes, or in the store where that would be too large. Not bound to a browser, whose cookies the POST did not bring;
//! the parameters of a GET are not either.

use std::time::Duration;

use actors::vault::Purpose;
use schema::{LoginId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    error::PageError,
    extract::{Caller, Cookies, Visit, stored_request},
    state::ApiState,
    wire::authorization::AuthorizationRequest,
};

/// From the POST to the GET that its answer asks for.
const LIFETIME: Duration = Duration::from_mins(5);
/// Begins the name of the cookie; the reference follows.
const PREFIX: &str = "dw_posted_";
/// Browsers keep 4 KB.
const MAX_SEALED: usize = 3 * 1024;

#[derive(Serialize, Deserialize)]
struct Content {
    until: Timestamp,
    /// `None`: it is in the store.
    request: Option<AuthorizationRequest>,
}

/// Keeps a request. The reference is good in this browser, once.
pub(super) async fn keep(
    state: &ApiState,
    caller: &Caller,
    cookies: &Cookies,
    request: &AuthorizationRequest,
) -> Result<LoginId, PageError> {
    let services = &state.services;
    let reference = LoginId::from_bytes(services.entropy.array());
    let until = services.certain_now()?.after(LIFETIME);
    let mut sealed = seal(state, reference, &Content { until, request: Some(request.clone()) });
    if sealed.len() > MAX_SEALED {
        let taken = state.limits.stored_requests.take(caller.address, services.clock.monotonic());
        // The token is spent: every stored request counts.
        let _spent = taken.map_err(|wait| PageError::TooMany { wait })?;
        stored_request::store(services, reference, request, until).await?;
        sealed = seal(state, reference, &Content { until, request: None });
    }
    cookies.set(&format!("{PREFIX}{reference}"), sealed, Some(LIFETIME));
    Ok(reference)
}

fn seal(state: &ApiState, reference: LoginId, content: &Content) -> String {
    let text = serde_json::to_vec(content).expect("a request is a plain struct with string keys");
    let services = &state.services;
    services.vault.seal(Purpose::HiddenField, &[&reference.to_string()], &text, services.entropy.as_ref())
}

/// The request of a reference, which is worth nothing afterwards.
pub(super) async fn take(visit: &Visit, reference: &str) -> Result<AuthorizationRequest, PageError> {
    let name = format!("{PREFIX}{reference}");
    let cookie = visit.cookies.get(&name).ok_or(PageError::LoginEnded)?;
    let services = &visit.state.services;
    let opened = services.vault.open(Purpose::HiddenField, &[reference], &cookie);
    let content: Option<Content> = opened.ok().and_then(|text| serde_json::from_slice(&text).ok());
    let now = visit.certain_now()?;
    let content = content.filter(|content| now < content.until).ok_or(PageError::LoginEnded)?;
    visit.cookies.clear(&name);
    if let Some(request) = content.request {
        return Ok(request);
    }
    let id = reference.parse().map_err(|_| PageError::LoginEnded)?;
    stored_request::load(services, id).await?.ok_or(PageError::LoginEnded)
}
