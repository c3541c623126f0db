//! `grant_type=authorization_code` (RFC 6749, 4.1.3; RFC 7636, 4.5).

use actors::domain::{
    command::{Grant, RedeemCode},
    pkce,
};

use super::{Request, granted, missing};
use crate::error::oauth::OAuthError;

/// Redeems the code.
pub(super) async fn redeem(request: &Request<'_>) -> Result<Grant, OAuthError> {
    let params = request.params;
    let code = params.get("code").ok_or_else(|| missing("code"))?;
    let redirect_uri = params.get("redirect_uri").ok_or_else(|| {
        OAuthError::invalid_request("redirect_uri is missing; send the one of the authorization request")
    })?;
    let challenge = challenge(params.get("code_verifier"))?;
    let located = request.state.locators().open_code(code);
    let located = located.map_err(|_| OAuthError::invalid_grant("code is not one that this server issued"))?;
    let command = RedeemCode {
        code: located.code,
        secret_hash: located.secret_hash,
        client: request.client.client.clone(),
        redirect_uri: redirect_uri.to_owned(),
        challenge,
    };
    let accounts = &request.state.services.accounts;
    let outcome = accounts.ask(located.user, request.attempt, command, request.deadline).await?;
    granted(outcome, "code")
}

/// A malformed verifier stands for no challenge, and must not pass for one that was not sent.
fn challenge(verifier: Option<&str>) -> Result<Option<String>, OAuthError> {
    let Some(verifier) = verifier else {
        return Ok(None);
    };
    let challenge = pkce::challenge_of(verifier);
    challenge.map(Some).ok_or_else(|| {
        OAuthError::invalid_grant("code_verifier must be 43 to 128 characters out of A-Z a-z 0-9 - . _ ~")
    })
}
