//! Rules about registered clients: which redirect URIs may be registered and which of them a request names, and how a
//! secret is checked.

use schema::{
    Timestamp,
    record::{Client, ClientAuth, ClientSecret},
};
use thiserror::Error;
use url::{Host, Url};

use super::scope;
use crate::secret::{ct_eq_str, sha256_b64};

/// How long the old secret still works after a new one was made.
pub const SECRET_OVERLAP: std::time::Duration = std::time::Duration::from_hours(24);

/// Why a registration is refused. Names the parameter and the fix.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RegistrationError {
    /// Not a URI to redirect to.
    #[error("redirect URI {uri:?} {reason}")]
    RedirectUri {
        /// As given.
        uri: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// None given.
    #[error("at least one redirect URI is needed (--redirect-uri)")]
    NoRedirectUri,
    /// A scope that nobody knows.
    #[error("scope {scope:?} is not one of openid, profile, email, offline_access")]
    Scope {
        /// As given.
        scope: String,
    },
    /// Without `openid` there is no ID token.
    #[error("the scope must contain openid")]
    NoOpenid,
    /// A name that pages cannot show.
    #[error("the name must have 1 to 100 characters and no control characters")]
    Name,
}

/// May this client be registered?
pub fn check_registration(client: &Client) -> Result<(), RegistrationError> {
    let length = client.name.chars().count();
    if !(1..=100).contains(&length) || client.name.chars().any(char::is_control) {
        return Err(RegistrationError::Name);
    }
    if client.redirect_uris.is_empty() {
        return Err(RegistrationError::NoRedirectUri);
    }
    for uri in client.redirect_uris.iter().chain(&client.post_logout_redirect_uris) {
        check_redirect_uri(uri).map_err(|reason| RegistrationError::RedirectUri { uri: uri.clone(), reason })?;
    }
    for scope in &client.scopes {
        if !scope::KNOWN.contains(&scope.as_str()) {
            return Err(RegistrationError::Scope { scope: scope.clone() });
        }
    }
    if !client.scopes.contains(scope::OPENID) {
        return Err(RegistrationError::NoOpenid);
    }
    Ok(())
}

/// An absolute URI, https, or http to this machine, or the private scheme of a native app (RFC 8252, 7).
fn check_redirect_uri(text: &str) -> Result<(), &'static str> {
    let uri = Url::parse(text).map_err(|_| "is not an absolute URI")?;
    if uri.fragment().is_some() {
        return Err("must not have a fragment");
    }
    if !uri.username().is_empty() || uri.password().is_some() {
        return Err("must not name a user");
    }
    if text.contains('*') {
        return Err("must not have a wildcard: URIs are compared as exact strings");
    }
    match uri.scheme() {
        "https" => Ok(()),
        "http" if is_loopback(&uri) => Ok(()),
        "http" => Err("must use https, unless it is on localhost, 127.0.0.1 or [::1]"),
        scheme if scheme.contains('.') => Ok(()),
        _ => Err("must use https, or a private scheme in reverse domain order such as com.example.app"),
    }
}

fn is_loopback(uri: &Url) -> bool {
    match uri.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Is this one of the registered redirect URIs? Compared as exact strings (RFC 9700, 2.1), but for the port of a
/// loopback address, which a native app learns only when it listens (RFC 8252, 7.3).
pub fn redirect_uri_registered(client: &Client, requested: &str) -> bool {
    let matches = |registered: &String| registered == requested || differs_in_loopback_port(registered, requested);
    client.redirect_uris.iter().any(matches)
}

fn differs_in_loopback_port(registered: &str, requested: &str) -> bool {
    let (Some(registered), Some(requested)) = (split_loopback(registered), split_loopback(requested)) else {
        return false;
    };
    registered == requested
}

/// `http://127.0.0.1:PORT/rest` or `http://[::1]:PORT/rest` as (host, rest); `None` for anything else. `localhost` is
/// left out, as RFC 8252, 8.3 advises against it.
fn split_loopback(uri: &str) -> Option<(&str, &str)> {
    let rest = uri.strip_prefix("http://")?;
    let host = ["127.0.0.1", "[::1]"].into_iter().find(|host| rest.starts_with(host))?;
    let rest = &rest[host.len()..];
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (port, path) = rest.split_at(end);
    let legal_port = |port: &str| !port.is_empty() && port.len() <= 5 && port.bytes().all(|b| b.is_ascii_digit());
    (port.is_empty() || port.strip_prefix(':').is_some_and(legal_port)).then_some((host, path))
}

/// Is PKCE required of this client?
pub fn pkce_required(client: &Client) -> bool {
    client.require_pkce || client.auth == ClientAuth::None
}

/// Is this one of the client's secrets? All are compared, in constant time. A public client has none.
pub fn secret_matches(client: &Client, secret: &str, now: Timestamp) -> bool {
    let ClientAuth::Secret { secrets } = &client.auth else {
        return false;
    };
    let hash = sha256_b64(secret.as_bytes());
    let mut found = false;
    for stored in secrets {
        let lives = stored.expires_at.is_none_or(|end| now < end);
        found |= ct_eq_str(&stored.hash, &hash) & lives;
    }
    found
}

/// The client with a new secret beside its newest old one, which works for [`SECRET_OVERLAP`] longer.
#[must_use]
pub fn with_new_secret(client: &Client, secret: &str, now: Timestamp) -> Client {
    let ClientAuth::Secret { secrets } = &client.auth else {
        return client.clone();
    };
    let end = now.after(SECRET_OVERLAP);
    let newest = secrets
        .first()
        .cloned()
        .map(|old| ClientSecret { expires_at: Some(old.expires_at.map_or(end, |known| known.min(end))), ..old });
    let new = ClientSecret { hash: sha256_b64(secret.as_bytes()), created_at: now, expires_at: None };
    Client { auth: ClientAuth::Secret { secrets: std::iter::once(new).chain(newest).collect() }, ..client.clone() }
}

#[cfg(test)]
mod tests {
    use schema::record::{SigningAlg, Unknown};

    use super::*;

    fn client(redirect_uri: &str) -> Client {
        Client {
            client: "c_test".parse().expect("a client id"),
            name: "Test".to_owned(),
            redirect_uris: vec![redirect_uri.to_owned()],
            post_logout_redirect_uris: Vec::new(),
            scopes: ["openid".to_owned()].into(),
            auth: ClientAuth::Secret { secrets: Vec::new() },
            trusted: false,
            require_pkce: false,
            id_token_alg: SigningAlg::RS256,
            created_at: Timestamp::default(),
            unknown: Unknown::default(),
        }
    }

    #[test]
    fn a_redirect_uri_is_compared_as_an_exact_string() {
        let registered = client("https://app.example/cb");
        assert!(redirect_uri_registered(&registered, "https://app.example/cb"));
        for other in [
            "https://app.example/cb/",
            "https://app.example/CB",
            "https://APP.example/cb",
            "https://app.example/cb?x=1",
            "https://app.example/cb#f",
            "https://app.example/%63b",
            "https://app.example/a/../cb",
            "https://app.example:443/cb",
            "https://user@app.example/cb",
            "https://app.example.evil.example/cb",
            "http://app.example/cb",
            "https://app-example/cb",
            "",
        ] {
            assert!(!redirect_uri_registered(&registered, other), "{other}");
        }
    }

    #[test]
    fn only_the_port_of_a_loopback_address_may_vary() {
        let registered = client("http://127.0.0.1/cb");
        assert!(redirect_uri_registered(&registered, "http://127.0.0.1:50123/cb"));
        for other in [
            "http://127.0.0.1:50123/other",
            "http://127.0.0.1:x/cb",
            "http://127.0.0.1:/cb",
            "http://127.0.0.1.evil.example/cb",
            "http://127.0.0.1@evil.example/cb",
            "http://localhost:50123/cb",
            "https://127.0.0.1:50123/cb",
        ] {
            assert!(!redirect_uri_registered(&registered, other), "{other}");
        }
        assert!(!redirect_uri_registered(&client("http://localhost:3000/cb"), "http://localhost:3001/cb"));
    }

    #[test]
    fn a_registration_names_what_is_wrong() {
        for bad in ["http://app.example/cb", "/cb", "https://a/cb#x", "https://u@a/cb", "https://*.a/cb", "app:/cb"] {
            let error = check_registration(&client(bad)).expect_err(bad);
            assert!(error.to_string().contains(bad), "{error}");
        }
        for good in ["https://a/cb", "http://localhost:3000/cb", "http://[::1]/cb", "com.example.app:/cb"] {
            assert_eq!(check_registration(&client(good)), Ok(()), "{good}");
        }
        let mut unknown_scope = client("https://a/cb");
        unknown_scope.scopes.insert("admin".to_owned());
        assert_eq!(check_registration(&unknown_scope), Err(RegistrationError::Scope { scope: "admin".to_owned() }));
    }

    #[test]
    fn an_old_secret_works_for_a_day_after_a_new_one_is_made() {
        let start = Timestamp::from_millis(1_000);
        let first = with_new_secret(&client("https://a/cb"), "one", start);
        let second = with_new_secret(&first, "two", start);
        let third = with_new_secret(&second, "three", start);
        let later = start.after(SECRET_OVERLAP);
        assert!(secret_matches(&second, "one", start) && secret_matches(&second, "two", later));
        assert!(!secret_matches(&second, "one", later));
        assert!(!secret_matches(&third, "one", start), "only the newest old one stays");
        assert!(!secret_matches(&third, "four", start));
    }
}
