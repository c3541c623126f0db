//! Failures of protocol endpoints, as clients read them: JSON (RFC 6749, 5.2), or parameters of a redirect (4.1.2.1).

use std::time::Duration;

use actors::call::CallError;
use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

/// When to come back after an outage or an overload.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The `error` values that this server answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each variant is the registered value that it is named after")]
pub enum ErrorCode {
    AccessDenied,
    ConsentRequired,
    InteractionRequired,
    InvalidAuthorizationDetails,
    InvalidClient,
    InvalidGrant,
    InvalidRequest,
    InvalidScope,
    LoginRequired,
    RegistrationNotSupported,
    RequestNotSupported,
    RequestUriNotSupported,
    ServerError,
    TemporarilyUnavailable,
    UnmetAuthenticationRequirements,
    UnsupportedGrantType,
    UnsupportedResponseType,
}

impl ErrorCode {
    /// The value as it is sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccessDenied => "access_denied",
            Self::ConsentRequired => "consent_required",
            Self::InteractionRequired => "interaction_required",
            Self::InvalidAuthorizationDetails => "invalid_authorization_details",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::InvalidRequest => "invalid_request",
            Self::InvalidScope => "invalid_scope",
            Self::LoginRequired => "login_required",
            Self::RegistrationNotSupported => "registration_not_supported",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::UnmetAuthenticationRequirements => "unmet_authentication_requirements",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
        }
    }

    const fn status(self) -> StatusCode {
        match self {
            Self::InvalidClient => StatusCode::UNAUTHORIZED,
            Self::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
            Self::TemporarilyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::AccessDenied
            | Self::ConsentRequired
            | Self::InteractionRequired
            | Self::InvalidAuthorizationDetails
            | Self::InvalidGrant
            | Self::InvalidRequest
            | Self::InvalidScope
            | Self::LoginRequired
            | Self::RegistrationNotSupported
            | Self::RequestNotSupported
            | Self::RequestUriNotSupported
            | Self::UnmetAuthenticationRequirements
            | Self::UnsupportedGrantType
            | Self::UnsupportedResponseType => StatusCode::BAD_REQUEST,
        }
    }
}

/// A refusal: its code, and a sentence that names the parameter and the fix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OAuthError {
    /// `error`.
    pub code: ErrorCode,
    /// `error_description`, in the characters that RFC 6749 allows there.
    pub description: String,
    status: StatusCode,
}

impl OAuthError {
    /// A refusal with the usual status of its code.
    pub fn new(code: ErrorCode, description: impl AsRef<str>) -> Self {
        Self { code, description: legal(description.as_ref()), status: code.status() }
    }

    /// The same with another status.
    #[must_use]
    pub fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// A parameter is missing, malformed or repeated.
    pub fn invalid_request(description: impl AsRef<str>) -> Self {
        Self::new(ErrorCode::InvalidRequest, description)
    }

    /// The client did not prove itself.
    pub fn invalid_client(description: impl AsRef<str>) -> Self {
        Self::new(ErrorCode::InvalidClient, description)
    }

    /// A code or refresh token is not good.
    pub fn invalid_grant(description: impl AsRef<str>) -> Self {
        Self::new(ErrorCode::InvalidGrant, description)
    }

    /// The request could not be served now; nothing is said about what it asked for.
    pub fn unavailable() -> Self {
        let text = "the server cannot answer now; send the request again in a moment";
        Self::new(ErrorCode::TemporarilyUnavailable, text)
    }

    /// A fault of the server. The log has the reason.
    pub fn server() -> Self {
        Self::new(ErrorCode::ServerError, "the server failed; its log has the reason")
    }
}

impl From<CallError> for OAuthError {
    /// Logged here: what a client reads of it says nothing about the inside.
    fn from(error: CallError) -> Self {
        match error {
            CallError::Overloaded | CallError::TimedOut | CallError::Unavailable(_) | CallError::Unreachable => {
                tracing::warn!(%error, "a request could not be served");
                Self::unavailable()
            }
            CallError::Corrupt(_) | CallError::AttemptMismatch => {
                tracing::error!(%error, "a request failed");
                Self::server()
            }
        }
    }
}

impl From<schema::StoreError> for OAuthError {
    fn from(error: schema::StoreError) -> Self {
        CallError::from(error).into()
    }
}

#[derive(Serialize)]
struct Body<'a> {
    error: ErrorCode,
    error_description: &'a str,
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        let body = Body { error: self.code, error_description: &self.description };
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        no_store(headers);
        if self.code == ErrorCode::InvalidClient {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"oauth\""));
        }
        if self.code == ErrorCode::TemporarilyUnavailable {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER.as_secs()));
        }
        response
    }
}

/// Nobody keeps the answers of token endpoints (RFC 6749, 5.1).
pub fn no_store(headers: &mut http::HeaderMap) {
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
}

/// The text with what RFC 6749, 5.2 leaves out of `error_description` replaced, at most 300 characters long.
fn legal(text: &str) -> String {
    let legal = |c: char| matches!(c, ' '..='!' | '#'..='[' | ']'..='~');
    text.chars()
        .take(300)
        .map(|c| {
            if legal(c) {
                c
            } else if c == '"' {
                '\''
            } else {
                '?'
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_holds_only_what_the_rfc_allows() {
        let error = OAuthError::invalid_request("\"x\\y\"\n\u{e4}");
        assert_eq!(error.description, "'x?y'??");
    }

    #[test]
    fn an_outage_is_never_the_clients_fault() {
        let response = OAuthError::from(CallError::Overloaded).into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()["retry-after"], "1");
        assert_eq!(response.headers()["cache-control"], "no-store");
    }

    #[test]
    fn the_code_reads_the_same_in_json_and_in_a_redirect() {
        let json = serde_json::to_value(ErrorCode::RequestUriNotSupported).expect("serialises");
        assert_eq!(json, ErrorCode::RequestUriNotSupported.as_str());
    }
}
