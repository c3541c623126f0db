//! Unsafe requests come from our own pages, made for this browser and this login or session (HAZARDS H18):
//!
//! 1. the browser says so: `Origin` is the issuer's, or `Sec-Fetch-Site` is `same-origin`;
//! 2. the hidden field `csrf` is a MAC over the browser's id and the id of the login or session. Those ids stay the same
//!    while their secrets are renewed, so that other tabs live on.

use actors::vault::{Purpose, Vault};
use http::{HeaderMap, header};
use schema::{BrowserId, LoginId, SessionId};

/// What a form belongs to, beside its browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding {
    /// Nothing: registration that began on its own, links from messages.
    Browser,
    /// A step of this login.
    Login(LoginId),
    /// Whatever this session may do.
    Session(SessionId),
}

impl Binding {
    fn parts(&self) -> [&[u8]; 2] {
        match self {
            Self::Browser => [b"browser", b""],
            Self::Login(login) => [b"login", login.as_bytes()],
            Self::Session(session) => [b"session", session.as_bytes()],
        }
    }
}

/// The value of the hidden field.
pub fn token(vault: &Vault, browser: BrowserId, binding: Binding) -> String {
    let [kind, id] = binding.parts();
    vault.mac_tagged(Purpose::Csrf, &[browser.as_bytes(), kind, id])
}

/// Is this the value of the hidden field?
pub fn is_token(vault: &Vault, browser: BrowserId, binding: Binding, field: &str) -> bool {
    let [kind, id] = binding.parts();
    vault.verify_mac_tagged(Purpose::Csrf, &[browser.as_bytes(), kind, id], field).is_ok()
}

/// Does the browser say that the request comes from our own origin?
pub fn is_same_origin(headers: &HeaderMap, own_origin: &str) -> bool {
    let says = |name: &str, value: &str| headers.get(name).is_some_and(|sent| sent.as_bytes() == value.as_bytes());
    says(header::ORIGIN.as_str(), own_origin) || says("sec-fetch-site", "same-origin")
}

#[cfg(test)]
mod tests {
    use actors::{entropy::SeededEntropy, vault::MasterKeys};
    use http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn a_value_is_good_for_its_browser_and_its_login_or_session_alone() {
        let entropy = SeededEntropy::new(1);
        let keys = MasterKeys::generate(&entropy, &"k1".parse().expect("a key id")).expect("generates");
        let vault = Vault::new(&keys, keys.first().clone(), "incarnation").expect("the key is there");
        let (ours, other) = (BrowserId::from_bytes([1; 16]), BrowserId::from_bytes([2; 16]));
        let login = Binding::Login(LoginId::from_bytes([3; 16]));
        let value = token(&vault, ours, login);
        assert!(is_token(&vault, ours, login, &value));
        assert!(!is_token(&vault, other, login, &value));
        for binding in [
            Binding::Browser,
            Binding::Login(LoginId::from_bytes([4; 16])),
            Binding::Session(SessionId::from_bytes([3; 16])),
        ] {
            assert!(!is_token(&vault, ours, binding, &value), "{binding:?}");
        }
        assert!(!is_token(&vault, ours, login, ""));
    }

    #[test]
    fn a_request_without_either_header_is_not_ours() {
        let cases: [(&[(&'static str, &'static str)], bool); 6] = [
            (&[], false),
            (&[("origin", "https://id.example")], true),
            (&[("origin", "https://evil.example")], false),
            (&[("origin", "null")], false),
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "same-site")], false),
        ];
        for (sent, expected) in cases {
            let headers: HeaderMap = sent
                .iter()
                .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
                .collect();
            assert_eq!(is_same_origin(&headers, "https://id.example"), expected, "{sent:?}");
        }
    }
}
