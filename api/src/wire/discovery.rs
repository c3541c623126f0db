//! What the server says of itself (OpenID Connect Discovery 1.0, 3; RFC 8414, 2; RFC 9396, 10). It lists only what works.

use std::collections::BTreeSet;

use actors::domain::{assurance::Acr, scope};
use serde::Serialize;

/// How clients may prove themselves.
const AUTH_METHODS: &[&str] = &["client_secret_basic", "client_secret_post", "none"];

/// The metadata document; each field is the registered member of its name.
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "each field is the registered member that it is named after")]
#[expect(clippy::struct_excessive_bools, reason = "the RFCs have these flags")]
pub struct Metadata {
    pub issuer: String,
    pub authorization_endpoint: String,
    pub token_endpoint: String,
    pub userinfo_endpoint: String,
    pub revocation_endpoint: String,
    pub end_session_endpoint: String,
    pub jwks_uri: String,
    pub scopes_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub authorization_details_types_supported: BTreeSet<String>,
    pub response_types_supported: &'static [&'static str],
    pub response_modes_supported: &'static [&'static str],
    pub grant_types_supported: &'static [&'static str],
    pub subject_types_supported: &'static [&'static str],
    pub id_token_signing_alg_values_supported: &'static [&'static str],
    pub token_endpoint_auth_methods_supported: &'static [&'static str],
    pub revocation_endpoint_auth_methods_supported: &'static [&'static str],
    pub code_challenge_methods_supported: &'static [&'static str],
    pub claim_types_supported: &'static [&'static str],
    pub claims_supported: &'static [&'static str],
    pub acr_values_supported: Vec<&'static str>,
    pub prompt_values_supported: &'static [&'static str],
    pub ui_locales_supported: Vec<String>,
    pub claims_parameter_supported: bool,
    pub request_parameter_supported: bool,
    /// Said aloud, because its default is `true`.
    pub request_uri_parameter_supported: bool,
    pub authorization_response_iss_parameter_supported: bool,
}

impl Metadata {
    /// Of the server with this issuer, written exactly as in tokens: without a trailing slash. `operations` are those that are
    /// registered for its clients, `highest` is the highest rung that a sign-in can reach there, and pages are in the languages
    /// `ui_locales_supported`.
    pub fn of(issuer: &str, operations: BTreeSet<String>, highest: Acr, ui_locales_supported: Vec<String>) -> Self {
        let at = |path: &str| format!("{issuer}{path}");
        Self {
            authorization_endpoint: at("/oauth/authorize"),
            token_endpoint: at("/oauth/token"),
            userinfo_endpoint: at("/oauth/userinfo"),
            revocation_endpoint: at("/oauth/revoke"),
            end_session_endpoint: at("/oauth/logout"),
            jwks_uri: at("/.well-known/jwks.json"),
            issuer: issuer.to_owned(),
            authorization_details_types_supported: operations,
            scopes_supported: scope::KNOWN.to_vec(),
            response_types_supported: &["code"],
            response_modes_supported: &["query", "form_post"],
            grant_types_supported: &["authorization_code", "refresh_token"],
            subject_types_supported: &["public"],
            id_token_signing_alg_values_supported: &["RS256", "ES256", "EdDSA"],
            token_endpoint_auth_methods_supported: AUTH_METHODS,
            revocation_endpoint_auth_methods_supported: AUTH_METHODS,
            code_challenge_methods_supported: &["S256"],
            claim_types_supported: &["normal"],
            claims_supported: &[
                "sub",
                "iss",
                "aud",
                "exp",
                "iat",
                "auth_time",
                "nonce",
                "acr",
                "amr",
                "sid",
                "at_hash",
                "preferred_username",
                "updated_at",
                "email",
                "email_verified",
            ],
            acr_values_supported: Acr::ALL.into_iter().filter(|acr| *acr <= highest).map(Acr::as_str).collect(),
            prompt_values_supported: &["none", "login", "consent", "select_account"],
            ui_locales_supported,
            claims_parameter_supported: true,
            request_parameter_supported: false,
            request_uri_parameter_supported: false,
            authorization_response_iss_parameter_supported: true,
        }
    }
}
