//! The access token of a request (RFC 6750): in the header, or in the form of a POST. Never both, never in the query,
//! where logs and histories would keep it.

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::wire::params::Params;

/// Why a request for a protected resource is refused (RFC 6750, 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BearerError {
    /// No token at all: nothing is said but how to send one.
    Missing,
    /// A request that cannot be read. Says what is wrong with it.
    InvalidRequest(&'static str),
    /// The token is not good, or not any more.
    InvalidToken,
    /// The token is good for other things.
    InsufficientScope(&'static str),
}

impl BearerError {
    const fn status(self) -> StatusCode {
        match self {
            Self::InvalidRequest(_) => StatusCode::BAD_REQUEST,
            Self::Missing | Self::InvalidToken => StatusCode::UNAUTHORIZED,
            Self::InsufficientScope(_) => StatusCode::FORBIDDEN,
        }
    }

    fn challenge(self) -> String {
        let realm = "Bearer realm=\"userinfo\"";
        match self {
            Self::Missing => realm.to_owned(),
            Self::InvalidRequest(text) => {
                format!("{realm}, error=\"invalid_request\", error_description=\"{text}\"")
            }
            Self::InvalidToken => format!(
                "{realm}, error=\"invalid_token\", error_description=\"the access token is malformed, expired or \
                 revoked; get a new one\""
            ),
            Self::InsufficientScope(scope) => format!(
                "{realm}, error=\"insufficient_scope\", error_description=\"the access token needs scope {scope}\", \
                 scope=\"{scope}\""
            ),
        }
    }
}

impl IntoResponse for BearerError {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        let headers = response.headers_mut();
        // All texts above are ASCII without quotes.
        if let Ok(challenge) = HeaderValue::try_from(self.challenge()) {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

/// The token of a request with this form, if it is one with a form.
pub fn access_token<'a>(
    headers: &'a HeaderMap,
    query: Option<&str>,
    form: Option<&'a Params>,
) -> Result<&'a str, BearerError> {
    let in_query = query.unwrap_or_default().split('&').any(|pair| pair.split('=').next() == Some("access_token"));
    if in_query {
        return Err(BearerError::InvalidRequest("access_token must not be in the query; send it in the header"));
    }
    if form.is_some_and(|form| form.came_twice("access_token")) {
        return Err(BearerError::InvalidRequest("access_token came more than once; send it once"));
    }
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let in_header = match (values.next(), values.next()) {
        (None, _) => None,
        (Some(value), None) => Some(bearer(value)?),
        (Some(_), Some(_)) => {
            return Err(BearerError::InvalidRequest("the Authorization header came more than once; send it once"));
        }
    };
    match (in_header, form.and_then(|form| form.get("access_token"))) {
        (Some(_), Some(_)) => {
            Err(BearerError::InvalidRequest("the access token came in the header and in the body; send it once"))
        }
        (Some(token), None) | (None, Some(token)) => Ok(token),
        (None, None) => Err(BearerError::Missing),
    }
}

/// `Bearer TOKEN`; the scheme's case does not matter (RFC 9110, 11.1).
fn bearer(value: &HeaderValue) -> Result<&str, BearerError> {
    let text = value.to_str().map_err(|_| BearerError::InvalidToken)?;
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim()),
        Some(_) | None => Err(BearerError::Missing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: Option<&str>, query: Option<&str>, form: Option<&str>) -> Result<String, BearerError> {
        let mut headers = HeaderMap::new();
        if let Some(header) = header {
            headers.insert(header::AUTHORIZATION, header.parse().expect("a header value"));
        }
        let form = form.map(|form| Params::from_urlencoded(form.as_bytes()).expect("reads"));
        access_token(&headers, query, form.as_ref()).map(str::to_owned)
    }

    #[test]
    fn a_token_comes_in_the_header_or_in_the_form() {
        assert_eq!(read(Some("bearer abc"), None, None), Ok("abc".to_owned()));
        assert_eq!(read(None, None, Some("access_token=abc")), Ok("abc".to_owned()));
        assert_eq!(read(Some("Bearer abc"), Some("x=1"), Some("x=1")), Ok("abc".to_owned()));
    }

    #[test]
    fn a_token_comes_once_and_never_in_the_query() {
        let bad = |result: Result<String, BearerError>| matches!(result, Err(BearerError::InvalidRequest(_)));
        assert!(bad(read(Some("Bearer abc"), None, Some("access_token=abc"))));
        assert!(bad(read(None, None, Some("access_token=abc&access_token=abc"))));
        assert!(bad(read(Some("Bearer abc"), Some("access_token=abc"), None)));
        assert_eq!(read(None, None, None), Err(BearerError::Missing));
        assert_eq!(read(Some("Basic abc"), None, None), Err(BearerError::Missing));
    }

    #[test]
    fn a_challenge_says_what_is_missing() {
        let response = BearerError::InsufficientScope("openid").into_response();
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
        let challenge = response.headers()["www-authenticate"].to_str().expect("ASCII");
        assert!(challenge.contains("error=\"insufficient_scope\"") && challenge.ends_with("scope=\"openid\""));
        let missing = BearerError::Missing.into_response();
        assert_eq!(missing.headers()["www-authenticate"], "Bearer realm=\"userinfo\"");
    }
}
