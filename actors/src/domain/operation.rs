//! Names of sensitive operations: those of the account's own pages, and those that applications ask for, which are the `type`
//! of their `authorization_details` (RFC 9396, 2).

/// The user changes the password.
pub const PASSWORD_CHANGE: &str = "password.change";
/// The user adds or removes a second factor, or draws new backup codes.
pub const SECURITY_CHANGE: &str = "security.change";
/// The operations of the account's own pages.
pub const OWN: [&str; 2] = [PASSWORD_CHANGE, SECURITY_CHANGE];

/// Characters of a name, at most.
pub const MAX: usize = 128;

/// Can an operation of an application have this name? A plain name such as `wire.transfer`, or a URI.
pub fn is_name(text: &str) -> bool {
    let allowed =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':' | b'/' | b'#' | b'~');
    (1..=MAX).contains(&text.len()) && text.bytes().all(allowed) && !OWN.contains(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_plain_or_a_uri_and_none_of_our_own() {
        assert!(is_name("wire.transfer") && is_name("https://bank.example/types#payment") && is_name(&"a".repeat(MAX)));
        let long = "a".repeat(MAX + 1);
        for wrong in ["", "wire transfer", "ö", "a\"b", PASSWORD_CHANGE, SECURITY_CHANGE, long.as_str()] {
            assert!(!is_name(wrong), "{wrong:?}");
        }
    }
}
