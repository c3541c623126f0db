//! `/oauth/token` (RFC 6749, 3.2). The order is fixed (HAZARDS H6):
//!
//! 1. read the body; no parameter twice;
//! 2. the client proves itself;
//! 3. the code or refresh token is bound to it, and to redirect URI and verifier;
//! 4. consumption, in one commit with what it gives;
//! 5. tokens are signed.
//!
//! Steps 3 and 4 are one decision of the user's owner. What fails before step 4 changes nothing.

mod authorization_code;
mod refresh_token;

use actors::{
    call::Deadline,
    domain::{
        command::{Grant, RedeemOutcome, Refusal},
        context::Attempt,
    },
    tokens::TokenError,
};
use axum::{
    Json,
    extract::{State, rejection::BytesRejection},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::HeaderMap;
use schema::record::Client;

use super::body::{self, Accept};
use crate::{
    error::oauth::{ErrorCode, OAuthError, no_store},
    extract::{Caller, client_auth::authenticate},
    state::ApiState,
    wire::{authorization_details, params::Params, token::TokenResponse},
};

/// A token request of a client that has proved itself.
struct Request<'a> {
    state: &'a ApiState,
    client: &'a Client,
    params: &'a Params,
    attempt: &'a Attempt,
    deadline: Deadline,
}

impl From<TokenError> for OAuthError {
    fn from(error: TokenError) -> Self {
        tracing::error!(%error, "tokens could not be made");
        Self::server()
    }
}

/// Exchanges a code or a refresh token for tokens.
pub(super) async fn post(
    State(state): State<ApiState>,
    caller: Caller,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, OAuthError> {
    let deadline = state.deadline();
    let accept = if state.settings.json_token_requests { Accept::FormOrJson } else { Accept::JsonSwitchedOff };
    let params = body::params(&headers, body, accept)?;
    let client = authenticate(&state.services.clients, &headers, &params).await?;
    if params.get(authorization_details::NAME).is_some() {
        let text =
            "authorization_details goes with the authorization request; the tokens of its code have what was confirmed";
        return Err(OAuthError::new(ErrorCode::InvalidAuthorizationDetails, text));
    }
    // Before anything is used up.
    let keys = state.services.keys.current().await?;
    let attempt = state.attempt(&caller.origin);
    let request = Request { state: &state, client: &client, params: &params, attempt: &attempt, deadline };
    let grant = match params.get("grant_type") {
        Some("authorization_code") => authorization_code::redeem(&request).await?,
        Some("refresh_token") => refresh_token::refresh(&request).await?,
        Some(_) => {
            let text = "grant_type must be authorization_code or refresh_token";
            return Err(OAuthError::new(ErrorCode::UnsupportedGrantType, text));
        }
        None => return Err(missing("grant_type")),
    };
    let tokens = state.services.tokens.issue(&keys, &grant, &attempt.seed, client.id_token_alg)?;
    let mut response = Json(TokenResponse::from(&tokens)).into_response();
    no_store(response.headers_mut());
    Ok(response)
}

fn missing(name: &str) -> OAuthError {
    OAuthError::invalid_request(format!("{name} is missing"))
}

/// What the owner answered, as a client reads it.
fn granted(outcome: RedeemOutcome, what: &str) -> Result<Grant, OAuthError> {
    let refusal = match outcome {
        RedeemOutcome::Granted(grant) => return Ok(*grant),
        RedeemOutcome::Refused(refusal) => refusal,
    };
    tracing::info!(?refusal, "no tokens were given");
    let text = match refusal {
        Refusal::Unknown => "was never issued, or is long gone",
        Refusal::Expired => "has expired",
        Refusal::OtherClient => "was issued to another client",
        Refusal::OtherRedirectUri => "was sent to another redirect_uri; send the one of the authorization request",
        Refusal::Pkce => {
            "does not go with this code_verifier; send the verifier of the code_challenge, and none if there was no \
             challenge"
        }
        Refusal::Reused => "was used before; everything that it gave has ended",
        Refusal::Ended => {
            "belongs to a sign-in that has ended, or that is not enough any more; ask for a new authorization"
        }
        Refusal::Scope => {
            let text = "scope names more than was granted; send some of what was granted, or leave it out";
            return Err(OAuthError::new(ErrorCode::InvalidScope, text));
        }
        Refusal::Full => return Err(OAuthError::unavailable()),
    };
    Err(OAuthError::invalid_grant(format!("{what} {text}")))
}
