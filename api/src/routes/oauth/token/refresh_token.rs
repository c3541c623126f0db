//! `grant_type=refresh_token` (RFC 6749, 6). Each use gives a new one and ends the old one (RFC 9700, 4.14.2).

use std::collections::BTreeSet;

use actors::domain::{
    command::{Grant, Refresh},
    policy, scope,
};

use super::{Request, granted, missing};
use crate::error::oauth::{ErrorCode, OAuthError};

/// Moves the family to its next generation.
pub(super) async fn refresh(request: &Request<'_>) -> Result<Grant, OAuthError> {
    let token = request.params.get("refresh_token").ok_or_else(|| missing("refresh_token"))?;
    let scopes = scopes(request.params.get("scope"))?;
    let located = request.state.locators().open_refresh(token);
    let located = located.map_err(|_| OAuthError::invalid_grant("refresh_token is not one that this server issued"))?;
    let policies = request.state.services.policies.all().await?;
    let command = Refresh {
        family: located.family,
        generation: located.generation,
        secret_hash: located.secret_hash,
        client: request.client.client.clone(),
        scopes,
        policies: policy::of_tokens(&policies, &request.client.client),
    };
    let accounts = &request.state.services.accounts;
    let outcome = accounts.ask(located.user, request.attempt, command, request.deadline).await?;
    granted(outcome, "refresh_token")
}

fn scopes(text: Option<&str>) -> Result<Option<BTreeSet<String>>, OAuthError> {
    let Some(text) = text else {
        return Ok(None);
    };
    let illegal =
        || OAuthError::new(ErrorCode::InvalidScope, "scope has a character that RFC 6749, 3.3 does not allow");
    Ok(Some(scope::parse(text).ok_or_else(illegal)?).filter(|scopes| !scopes.is_empty()))
}
