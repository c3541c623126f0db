//! Bodies of protocol requests: forms, and at the token endpoint JSON too, where that is switched on.

use axum::extract::rejection::BytesRejection;
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};

use crate::{
    error::oauth::OAuthError,
    wire::params::{Params, ParamsError},
};

const FORM: &str = "application/x-www-form-urlencoded";

/// What a body may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Accept {
    /// A form.
    Form,
    /// A form, or a JSON object.
    FormOrJson,
    /// A form; JSON would be taken if the operator had not switched it off.
    JsonSwitchedOff,
}

/// Reads the parameters of a body. None may come twice.
pub(super) fn params(
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
    accept: Accept,
) -> Result<Params, OAuthError> {
    let params = any_params(headers, body, accept)?;
    match params.repeated() {
        Some(name) => Err(OAuthError::invalid_request(format!("{name} came more than once; send it once"))),
        None => Ok(params),
    }
}

/// Reads the parameters of a body, repeated or not.
pub(super) fn any_params(
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
    accept: Accept,
) -> Result<Params, OAuthError> {
    let body = body.map_err(|rejection| {
        OAuthError::invalid_request("the body cannot be read, or is longer than any request of this kind")
            .with_status(rejection.status())
    })?;
    let params = match (media_type(headers).as_str(), accept) {
        (FORM, _) => Params::from_urlencoded(&body),
        ("application/json", Accept::FormOrJson) => Params::from_json(&body),
        (_, accept) => return Err(unsupported(accept)),
    };
    params.map_err(|error: ParamsError| OAuthError::invalid_request(error.to_string()))
}

fn unsupported(accept: Accept) -> OAuthError {
    let text = match accept {
        Accept::Form => "Content-Type must be application/x-www-form-urlencoded",
        Accept::FormOrJson => "Content-Type must be application/x-www-form-urlencoded or application/json",
        Accept::JsonSwitchedOff => {
            "Content-Type must be application/x-www-form-urlencoded; JSON is switched off by the setting \
             oauth.json_token_requests"
        }
    };
    OAuthError::invalid_request(text).with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE)
}

/// The media type without its parameters, in lower case.
fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}
