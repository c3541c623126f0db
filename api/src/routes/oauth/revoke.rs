//! `/oauth/revoke` (RFC 7009): a client gives its tokens back. A refresh token and the access tokens beside it are one
//! family, and end together. What is not known, or not this client's, is answered as if it had been ended.

use actors::domain::command::RevokeToken;
use axum::{
    extract::{State, rejection::BytesRejection},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use schema::{FamilyId, UserId};

use super::body::{self, Accept};
use crate::{
    error::oauth::{OAuthError, no_store},
    extract::{Caller, client_auth::authenticate},
    state::ApiState,
};

/// Ends the family of a token.
pub(super) async fn post(
    State(state): State<ApiState>,
    caller: Caller,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, OAuthError> {
    let deadline = state.deadline();
    let params = body::params(&headers, body, Accept::Form)?;
    let client = authenticate(&state.services.clients, &headers, &params).await?;
    let token = params.get("token").ok_or_else(|| OAuthError::invalid_request("token is missing"))?;
    // `token_type_hint` only says where to look first, and looking costs nothing here.
    if let Some((user, family)) = locate(&state, token).await? {
        let command = RevokeToken { family, client: client.client.clone() };
        // A failure here must not be answered with success: the client would forget a token that still works.
        let ended = state.services.accounts.ask(user, &state.attempt(&caller.origin), command, deadline).await?;
        tracing::debug!(ended, "a token was revoked");
    }
    let mut response = StatusCode::OK.into_response();
    no_store(response.headers_mut());
    Ok(response)
}

/// The family of a token of ours; an access token that has expired is not worth ending.
async fn locate(state: &ApiState, token: &str) -> Result<Option<(UserId, FamilyId)>, OAuthError> {
    if let Ok(refresh) = state.locators().open_refresh(token) {
        return Ok(Some((refresh.user, refresh.family)));
    }
    let services = &state.services;
    let access = services.tokens.verify_access(&*services.keys.current().await?, token, services.certain_now()?);
    Ok(access.ok().map(|access| (access.locator.user, access.locator.family)))
}
