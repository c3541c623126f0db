//! `authorization_details` of an authorization request (RFC 9396): read, judged against what is registered for the client, and the
//! rung of `acr` that it aims at.

use actors::domain::{assurance::Acr, authorization_details, policy};
use schema::{
    ClientId,
    record::{AuthorizationDetail, Policy},
};

use crate::error::oauth::{ErrorCode, OAuthError};

/// The parameter.
pub const NAME: &str = "authorization_details";

/// Reads the parameter, which asks for operations that policies register for this client.
pub fn read(
    text: Option<&str>,
    client: &ClientId,
    policies: &[Policy],
) -> Result<Vec<AuthorizationDetail>, OAuthError> {
    let Some(text) = text else { return Ok(Vec::new()) };
    let details = authorization_details::parse(text, &policy::registered(policies, client));
    details.map_err(|error| OAuthError::new(ErrorCode::InvalidAuthorizationDetails, error.to_string()))
}

/// Is one of its operations not registered any more?
pub fn outdated(details: &[AuthorizationDetail], client: &ClientId, policies: &[Policy]) -> Option<OAuthError> {
    let known = policy::registered(policies, client);
    if authorization_details::operations(details).is_subset(&known) {
        return None;
    }
    let text = authorization_details::DetailsError::UnknownType.to_string();
    Some(OAuthError::new(ErrorCode::InvalidAuthorizationDetails, text))
}

/// The rung that a sign-in for these should reach, so that ways which do not are not offered.
pub fn aims_at(details: &[AuthorizationDetail], client: &ClientId, policies: &[Policy]) -> Option<Acr> {
    policy::aims_at(Some(client), &authorization_details::operations(details), policies)
}
