//! `/oauth/userinfo` (OpenID Connect Core, 5.3): claims about the user whom an access token names.

use std::sync::Arc;

use actors::{call::CallError, domain::command::CheckToken};
use axum::{
    Extension, Json,
    extract::{FromRequest, Request, State},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use schema::StoreError;

use super::{
    body::{self, Accept},
    verified::VerifiedTokens,
};
use crate::{
    error::oauth::{OAuthError, no_store},
    extract::{
        Caller,
        bearer::{BearerError, access_token},
    },
    state::ApiState,
    wire::{params::Params, token::UserInfo},
};

/// Why there are no claims.
#[derive(Debug)]
pub(super) enum Failure {
    Bearer(BearerError),
    OAuth(OAuthError),
}

impl From<BearerError> for Failure {
    fn from(error: BearerError) -> Self {
        Self::Bearer(error)
    }
}

impl From<OAuthError> for Failure {
    fn from(error: OAuthError) -> Self {
        Self::OAuth(error)
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        Self::OAuth(error.into())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::OAuth(error.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Self::Bearer(error) => error.into_response(),
            Self::OAuth(error) => error.into_response(),
        }
    }
}

/// With the token in the header.
pub(super) async fn get(
    State(state): State<ApiState>,
    Extension(verified): Extension<Arc<VerifiedTokens>>,
    caller: Caller,
    request: Request,
) -> Result<Response, Failure> {
    let token = access_token(request.headers(), request.uri().query(), None)?;
    claims(&state, &verified, &caller, token).await
}

/// With the token in the header or in a form.
pub(super) async fn post(
    State(state): State<ApiState>,
    Extension(verified): Extension<Arc<VerifiedTokens>>,
    caller: Caller,
    request: Request,
) -> Result<Response, Failure> {
    let (headers, uri) = (request.headers().clone(), request.uri().clone());
    let body = Bytes::from_request(request, &state).await;
    // A POST with the token in the header needs no form.
    let empty = matches!(&body, Ok(bytes) if bytes.is_empty());
    let form: Option<Params> = if empty { None } else { Some(body::params(&headers, body, Accept::Form)?) };
    let token = access_token(&headers, uri.query(), form.as_ref())?;
    claims(&state, &verified, &caller, token).await
}

async fn claims(
    state: &ApiState,
    verified: &VerifiedTokens,
    caller: &Caller,
    token: &str,
) -> Result<Response, Failure> {
    let services = &state.services;
    let keys = services.keys.current().await?;
    let access = verified.verify(&services.tokens, &keys, token, services.certain_now()?).map_err(|error| {
        tracing::info!(%error, "an access token was refused");
        BearerError::InvalidToken
    })?;
    if !access.claims.scope.split(' ').any(|scope| scope == "openid") {
        return Err(BearerError::InsufficientScope("openid").into());
    }
    if services.clients.get(&access.claims.client_id).await?.is_none() {
        return Err(BearerError::InvalidToken.into());
    }
    let user = access.locator.user;
    let question = CheckToken { family: access.locator.family };
    let profile = services.accounts.ask(user, &state.attempt(&caller.origin), question, state.deadline()).await?;
    let Some(profile) = profile else {
        return Err(BearerError::InvalidToken.into());
    };
    let mut response = Json(UserInfo::of(user, profile, &access.claims.scope)).into_response();
    no_store(response.headers_mut());
    Ok(response)
}
