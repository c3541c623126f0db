//! `/.well-known/passkey-endpoints`: where passkeys are added and managed, for password managers (W3C, A Well-Known URL for
//! Relying Party Passkey Endpoints).

use actors::domain::factor::passkey::RelyingParty;
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::{error::PageError, state::ApiState};

/// The two addresses. Nothing where the issuer has no passkeys.
pub async fn get(State(state): State<ApiState>) -> Result<Response, PageError> {
    RelyingParty::of(&state.services.settings.issuer).ok_or(PageError::NotFound)?;
    let page = format!("{}/account/mfa", state.services.settings.issuer);
    Ok(Json(json!({ "enroll": page, "manage": page })).into_response())
}
