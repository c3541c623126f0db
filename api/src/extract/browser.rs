//! The browser cookie: a random id that logins, sessions and hidden fields are bound to, whoever uses the browser.

use std::time::Duration;

use actors::vault::{OpenError, Purpose, Vault};
use axum::{extract::FromRequestParts, http::request::Parts};
use schema::BrowserId;

use super::cookies::{BROWSER, BROWSER_STAND_IN, Cookies};
use crate::{error::PageError, state::ApiState};

/// The longest that browsers keep a cookie.
const LIFETIME: Duration = Duration::from_hours(400 * 24);

/// The id of this browser; drawn when it has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Browser(pub BrowserId);

impl FromRequestParts<ApiState> for Browser {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, PageError> {
        let cookies = Cookies::from_request_parts(parts, state).await?;
        Ok(Self(recognise(state, &cookies)))
    }
}

/// Opens the cookie, or sets one. A cookie under a key that this node does not have may be good elsewhere, so it stays as
/// it is and a second one stands in for it (HAZARDS H19).
fn recognise(state: &ApiState, cookies: &Cookies) -> BrowserId {
    let vault = &state.services.vault;
    let mut name = BROWSER;
    match open(vault, cookies, name) {
        Ok(Some(id)) => return id,
        Err(OpenError::UnknownKey(_)) => {
            name = BROWSER_STAND_IN;
            if let Ok(Some(id)) = open(vault, cookies, name) {
                return id;
            }
        }
        Ok(None) | Err(OpenError::Malformed | OpenError::Forged) => {}
    }
    let id = BrowserId::from_bytes(state.services.entropy.array());
    let entropy = state.services.entropy.as_ref();
    let value = vault.seal(Purpose::BrowserCookie, &[], id.as_bytes(), entropy);
    cookies.set(name, value, Some(LIFETIME));
    id
}

fn open(vault: &Vault, cookies: &Cookies, name: &str) -> Result<Option<BrowserId>, OpenError> {
    let Some(value) = cookies.get(name) else { return Ok(None) };
    let bytes = vault.open(Purpose::BrowserCookie, &[], &value)?;
    let id: [u8; 16] = bytes.as_slice().try_into().map_err(|_| OpenError::Malformed)?;
    Ok(Some(BrowserId::from_bytes(id)))
}
