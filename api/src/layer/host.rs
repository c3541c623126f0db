//! Development mode answers under the issuer's own name alone, and never behind a proxy (HAZARDS H18): without https,
//! cookies have no protection but the name, and a forwarding header means that somebody put this server on a network.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, header};
use url::Url;

use crate::{error::PageError, state::ApiState};

/// Refuses what development mode does not answer.
pub async fn refuse_strangers(State(state): State<ApiState>, request: Request, next: Next) -> Response {
    if !state.settings.https() && !is_for(&state.settings.issuer, request.headers()) {
        return PageError::WrongHost.into_response();
    }
    next.run(request).await
}

fn is_for(issuer: &Url, headers: &HeaderMap) -> bool {
    let forwarded = headers.keys().any(|name| name == header::FORWARDED || name.as_str().starts_with("x-forwarded-"));
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next().and_then(|host| host.to_str().ok());
    !forwarded && hosts.next().is_none() && host.is_some_and(|host| names(issuer, host))
}

/// Does `host[:port]` name the issuer? The default port may be left out.
fn names(issuer: &Url, host: &str) -> bool {
    let Ok(asked) = Url::parse(&format!("{}://{host}/", issuer.scheme())) else { return false };
    asked.origin() == issuer.origin() && asked.username().is_empty() && asked.path() == "/"
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};
    use url::Url;

    use super::is_for;

    fn answered(headers: &[(&'static str, &'static str)]) -> bool {
        let issuer = Url::parse("http://localhost:11080").expect("a URL");
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        is_for(&issuer, &headers)
    }

    #[test]
    fn only_the_issuers_own_host_without_a_proxy_is_answered() {
        assert!(answered(&[("host", "localhost:11080")]));
        assert!(answered(&[("host", "LOCALHOST:11080")]));
        for host in ["localhost", "127.0.0.1:11080", "evil.example:11080", "localhost:11081", "x@localhost:11080", ""] {
            assert!(!answered(&[("host", host)]), "{host}");
        }
        assert!(!answered(&[]));
        for name in ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"] {
            assert!(!answered(&[("host", "localhost:11080"), (name, "192.0.2.1")]), "{name}");
        }
    }
}
