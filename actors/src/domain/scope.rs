//! Scopes (RFC 6749, 3.3).

use std::collections::BTreeSet;

/// Makes a request one of OpenID Connect.
pub const OPENID: &str = "openid";
/// Lets the refresh family outlive its session, with consent (OpenID Connect Core, 11).
pub const OFFLINE_ACCESS: &str = "offline_access";

/// What may be asked for, from who the user is to the longest access.
pub const KNOWN: [&str; 4] = [OPENID, "profile", "email", OFFLINE_ACCESS];

/// A `scope` parameter as a set; `None` if a token has a character that RFC 6749 does not allow.
pub fn parse(text: &str) -> Option<BTreeSet<String>> {
    let legal = |b: u8| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    let mut scopes = BTreeSet::new();
    for token in text.split(' ').filter(|token| !token.is_empty()) {
        if !token.bytes().all(legal) {
            return None;
        }
        scopes.insert(token.to_owned());
    }
    Some(scopes)
}

/// The set as a `scope` parameter.
pub fn join(scopes: &BTreeSet<String>) -> String {
    let mut text = String::new();
    for scope in scopes {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(scope);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_repetition_do_not_matter() {
        let scopes = parse("profile openid  profile").expect("legal");
        assert_eq!(join(&scopes), "openid profile");
    }

    #[test]
    fn a_quote_is_refused() {
        assert_eq!(parse("openid \"x\""), None);
    }
}
