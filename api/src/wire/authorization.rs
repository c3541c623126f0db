//! The authorization request (RFC 6749, 4.1.1; OpenID Connect Core, 3.1.2.1), validated, and the way back to its client.
//!
//! The order of checks decides who learns of a failure: client and redirect URI come first, and a failure there is shown
//! to the person, never redirected (RFC 9700, 4.11). Everything after goes back to the client, with `state` and `iss`.

use std::collections::BTreeSet;

use actors::domain::{assurance::Acr, client, command::Requirement, pkce, scope};
use schema::{
    ClientId, Timestamp, UserId,
    record::{AuthorizationDetail, Client, Policy},
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{authorization_details, params::Params, wanted_acr::WantedAcr};
use crate::error::oauth::{ErrorCode, OAuthError};

/// Bytes of `state`.
const MAX_STATE: usize = 2048;
/// Bytes of `nonce`.
const MAX_NONCE: usize = 512;
/// Bytes of `login_hint`; a longer one is no name of ours and is dropped.
const MAX_LOGIN_HINT: usize = 254;
/// Bytes of `ui_locales`; a longer one is dropped.
const MAX_UI_LOCALES: usize = 100;
/// `max_age` in seconds: a century.
const MAX_MAX_AGE: u64 = 100 * 366 * 24 * 3600;

/// How the answer reaches the client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ResponseMode {
    /// In the query of a redirect.
    #[default]
    #[serde(rename = "q")]
    Query,
    /// As a form that the person sends (OAuth 2.0 Form Post Response Mode).
    #[serde(rename = "f")]
    FormPost,
}

/// The way back: a registered redirect URI and what the client wants repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnTo {
    /// Registered for the client.
    pub redirect_uri: String,
    /// As sent.
    pub state: Option<String>,
    /// How.
    pub mode: ResponseMode,
}

/// A request that keeps every rule. It travels sealed in the browser's login cookie, hence the short names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationRequest {
    /// Who asks.
    #[serde(rename = "c")]
    pub client: ClientId,
    /// Where the answer goes: registered for the client.
    #[serde(rename = "u")]
    pub redirect_uri: String,
    /// As sent.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// How the answer goes there.
    #[serde(rename = "m", default)]
    pub mode: ResponseMode,
    /// What is asked for: scopes that exist and that the client may ask for.
    #[serde(rename = "p")]
    pub scopes: BTreeSet<String>,
    /// For the ID token.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// PKCE, S256.
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<String>,
    /// `prompt=none`: no page may be shown.
    #[serde(rename = "q", default)]
    pub silent: bool,
    /// What is demanded of the session.
    #[serde(rename = "d")]
    pub requirement: Requirement,
    /// What it wants confirmed (RFC 9396): of types that are registered for the client.
    #[serde(rename = "a", default, skip_serializing_if = "Vec::is_empty")]
    pub authorization_details: Vec<AuthorizationDetail>,
    /// The rung that those should reach.
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub aim: Option<Acr>,
    /// A name for the login page.
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    pub login_hint: Option<String>,
    /// The languages of the pages, as sent. What is none of ours is no error (OpenID Connect Core, 3.1.2.1).
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    pub ui_locales: Option<String>,
}

/// What is shown to the person, since nothing says where else it could safely go.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum PageProblem {
    /// No `client_id`.
    #[error("client_id is missing")]
    NoClient,
    /// Nobody of that name.
    #[error("client_id names no registered client")]
    UnknownClient,
    /// No `redirect_uri`.
    #[error("redirect_uri is missing")]
    NoRedirectUri,
    /// It is not the client's.
    #[error("redirect_uri is not one of those registered for this client")]
    UnregisteredRedirectUri,
    /// It came twice.
    #[error("{0} came more than once")]
    Repeated(&'static str),
    /// No list of parameters.
    #[error("the request cannot be read")]
    Unreadable,
}

/// Why a request is refused.
#[derive(Debug)]
pub enum Refusal {
    /// For the person.
    Page(PageProblem),
    /// For the client.
    Client(ReturnTo, OAuthError),
}

/// Who asks.
pub fn client_id(params: &Params) -> Result<ClientId, PageProblem> {
    if params.came_twice("client_id") {
        return Err(PageProblem::Repeated("client_id"));
    }
    let id = params.get("client_id").ok_or(PageProblem::NoClient)?;
    id.parse().map_err(|_| PageProblem::UnknownClient)
}

/// What a request is judged by besides its parameters.
pub struct Judge<'a> {
    /// The client that [`client_id`] names.
    pub client: &'a Client,
    /// The policies, which register operations.
    pub policies: &'a [Policy],
    /// The time.
    pub now: Timestamp,
    /// The highest rung that a sign-in can reach here; what is above is unknown.
    pub highest: Acr,
    /// Reads an `id_token_hint`: whom it names, if it is a token of ours for this client.
    pub hint: &'a dyn Fn(&str) -> Option<UserId>,
}

impl std::fmt::Debug for Judge<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Judge").field("client", &self.client.client).finish_non_exhaustive()
    }
}

impl Judge<'_> {
    /// Validates a request.
    pub fn parse(&self, params: &Params) -> Result<AuthorizationRequest, Refusal> {
        let return_to = self.return_to(params).map_err(Refusal::Page)?;
        self.checked(params, return_to.clone()).map_err(|error| Refusal::Client(return_to, error))
    }

    fn return_to(&self, params: &Params) -> Result<ReturnTo, PageProblem> {
        if params.came_twice("redirect_uri") {
            return Err(PageProblem::Repeated("redirect_uri"));
        }
        let redirect_uri = params.get("redirect_uri").ok_or(PageProblem::NoRedirectUri)?;
        if !client::redirect_uri_registered(self.client, redirect_uri) {
            return Err(PageProblem::UnregisteredRedirectUri);
        }
        // A state that is refused is not repeated.
        let state = params.get("state").filter(|state| state.len() <= MAX_STATE && !params.came_twice("state"));
        let mode = if params.get("response_mode") == Some("form_post") && !params.came_twice("response_mode") {
            ResponseMode::FormPost
        } else {
            ResponseMode::Query
        };
        Ok(ReturnTo { redirect_uri: redirect_uri.to_owned(), state: state.map(str::to_owned), mode })
    }

    fn checked(&self, params: &Params, return_to: ReturnTo) -> Result<AuthorizationRequest, OAuthError> {
        if let Some(name) = params.repeated() {
            return Err(OAuthError::invalid_request(format!("{name} came more than once; send it once")));
        }
        refuse_unsupported(params)?;
        check_response(params)?;
        check_length(params, "state", MAX_STATE)?;
        check_length(params, "nonce", MAX_NONCE)?;
        let prompt = Prompt::parse(params.get("prompt"))?;
        let max_age = max_age(params.get("max_age"))?;
        let wanted = WantedAcr::read(params.get("acr_values"), params.get("claims"), self.highest)?;
        let requirement = Requirement {
            begun_at: self.now,
            // `max_age=0` asks for a new sign-in (OpenID Connect Core, errata set 2).
            login: prompt.login || max_age == Some(0),
            max_age,
            acr: wanted.least,
            // Who is not to be asked anything gets what there is.
            prefers: if prompt.none { Vec::new() } else { wanted.prefers() },
            acr_values: wanted.values(),
            subject: self.subject(params.get("id_token_hint"))?,
            consent: prompt.consent,
        };
        let id = &self.client.client;
        let details = authorization_details::read(params.get(authorization_details::NAME), id, self.policies)?;
        let hint = params.get("login_hint").filter(|hint| hint.len() <= MAX_LOGIN_HINT);
        let ui_locales = params.get("ui_locales").filter(|tags| tags.len() <= MAX_UI_LOCALES);
        Ok(AuthorizationRequest {
            client: self.client.client.clone(),
            redirect_uri: return_to.redirect_uri,
            state: return_to.state,
            mode: return_to.mode,
            scopes: self.scopes(params.get("scope"))?,
            nonce: params.get("nonce").map(str::to_owned),
            challenge: self.challenge(params)?,
            silent: prompt.none,
            requirement,
            aim: authorization_details::aims_at(&details, id, self.policies),
            authorization_details: details,
            login_hint: hint.map(str::to_owned),
            ui_locales: ui_locales.map(str::to_owned),
        })
    }

    /// Scopes that nobody knows, or that the client is not registered for, are left out (OpenID Connect Core, 3.1.2.1);
    /// the token response says what was granted. Nothing left is an error.
    fn scopes(&self, scope: Option<&str>) -> Result<BTreeSet<String>, OAuthError> {
        let invalid = |text: &str| OAuthError::new(ErrorCode::InvalidScope, text);
        let asked = scope.ok_or_else(|| invalid("scope is missing; send at least scope=openid"))?;
        let mut scopes =
            scope::parse(asked).ok_or_else(|| invalid("scope has a character that RFC 6749, 3.3 does not allow"))?;
        scopes.retain(|scope| self.client.scopes.contains(scope));
        if scopes.is_empty() {
            return Err(invalid("scope names nothing that this client is registered for; send at least scope=openid"));
        }
        Ok(scopes)
    }

    fn challenge(&self, params: &Params) -> Result<Option<String>, OAuthError> {
        match (params.get("code_challenge"), params.get("code_challenge_method")) {
            (None, None) if client::pkce_required(self.client) => Err(OAuthError::invalid_request(
                "code_challenge is missing; this client must use PKCE with code_challenge_method=S256",
            )),
            (None, None) => Ok(None),
            (None, Some(_)) => Err(OAuthError::invalid_request("code_challenge_method came without a code_challenge")),
            (Some(_), method) if method != Some("S256") => Err(OAuthError::invalid_request(
                "code_challenge_method must be S256; plain, which is also the default, is refused",
            )),
            (Some(challenge), _) if pkce::is_challenge(challenge) => Ok(Some(challenge.to_owned())),
            (Some(_), _) => Err(OAuthError::invalid_request(
                "code_challenge must be the SHA-256 of the verifier in base64url without padding, 43 characters",
            )),
        }
    }

    fn subject(&self, hint: Option<&str>) -> Result<Option<UserId>, OAuthError> {
        let Some(hint) = hint else {
            return Ok(None);
        };
        let subject = (self.hint)(hint);
        subject.map(Some).ok_or_else(|| {
            OAuthError::invalid_request("id_token_hint is not an ID token that this server issued to this client")
        })
    }
}

/// Request objects are not read, so a request that brings one must not be served without it (OpenID Connect Core, 6).
fn refuse_unsupported(params: &Params) -> Result<(), OAuthError> {
    for (name, code) in [
        ("request", ErrorCode::RequestNotSupported),
        ("request_uri", ErrorCode::RequestUriNotSupported),
        ("registration", ErrorCode::RegistrationNotSupported),
    ] {
        if params.get(name).is_some() {
            return Err(OAuthError::new(code, format!("{name} is not supported; send plain parameters")));
        }
    }
    Ok(())
}

fn check_response(params: &Params) -> Result<(), OAuthError> {
    match params.get("response_type") {
        Some("code") => {}
        Some(_) => {
            let text = "response_type must be code, the only one that is supported";
            return Err(OAuthError::new(ErrorCode::UnsupportedResponseType, text));
        }
        None => return Err(OAuthError::invalid_request("response_type is missing; send response_type=code")),
    }
    match params.get("response_mode") {
        None | Some("query" | "form_post") => Ok(()),
        Some(_) => Err(OAuthError::invalid_request("response_mode must be query or form_post")),
    }
}

fn check_length(params: &Params, name: &str, max: usize) -> Result<(), OAuthError> {
    if params.get(name).is_some_and(|value| value.len() > max) {
        return Err(OAuthError::invalid_request(format!("{name} must not be longer than {max} bytes")));
    }
    Ok(())
}

#[derive(Clone, Copy, Debug, Default)]
struct Prompt {
    none: bool,
    login: bool,
    consent: bool,
}

impl Prompt {
    fn parse(text: Option<&str>) -> Result<Self, OAuthError> {
        let mut prompt = Self::default();
        for value in text.unwrap_or_default().split(' ').filter(|value| !value.is_empty()) {
            match value {
                "none" => prompt.none = true,
                // Signing in anew is where another account can be chosen.
                "login" | "select_account" => prompt.login = true,
                "consent" => prompt.consent = true,
                _ => {
                    let text = "prompt must be none, or some of login, consent and select_account";
                    return Err(OAuthError::invalid_request(text));
                }
            }
        }
        if prompt.none && (prompt.login || prompt.consent) {
            return Err(OAuthError::invalid_request("prompt=none stands alone; send no other value with it"));
        }
        Ok(prompt)
    }
}

fn max_age(text: Option<&str>) -> Result<Option<u64>, OAuthError> {
    let Some(text) = text else {
        return Ok(None);
    };
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = text.parse::<u64>().ok().filter(|seconds| digits && *seconds <= MAX_MAX_AGE);
    seconds.map(Some).ok_or_else(|| OAuthError::invalid_request("max_age must be a whole number of seconds"))
}

impl AuthorizationRequest {
    /// The rung that a sign-in for it should reach, demanded or preferred.
    pub fn aims_at(&self) -> Option<Acr> {
        self.requirement.aims_at().max(self.aim)
    }

    /// The way back.
    pub fn return_to(&self) -> ReturnTo {
        ReturnTo { redirect_uri: self.redirect_uri.clone(), state: self.state.clone(), mode: self.mode }
    }
}

impl ReturnTo {
    /// The parameters of a success.
    pub fn success(&self, code: String, issuer: &str) -> Vec<(&'static str, String)> {
        self.with_state(vec![("code", code)], issuer)
    }

    /// The parameters of a failure.
    pub fn failure(&self, error: &OAuthError, issuer: &str) -> Vec<(&'static str, String)> {
        let error = vec![("error", error.code.as_str().to_owned()), ("error_description", error.description.clone())];
        self.with_state(error, issuer)
    }

    /// `state` as it came, and `iss` against mix-up (RFC 9207).
    fn with_state(&self, mut params: Vec<(&'static str, String)>, issuer: &str) -> Vec<(&'static str, String)> {
        params.extend(self.state.clone().map(|state| ("state", state)));
        params.push(("iss", issuer.to_owned()));
        params
    }
}

#[cfg(test)]
mod tests;
