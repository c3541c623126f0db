//! E-mail addresses, as far as syntax tells: whether one works is shown by a message that arrives, not by a grammar.

use thiserror::Error;
use unicode_normalization::UnicodeNormalization;

use super::user_name::{self, MAX_KEY};

/// The most bytes of an address (RFC 5321, 4.5.3.1.3, less the angle brackets).
pub const MAX: usize = 254;

/// What the look-up of an address begins with that an account has as its name.
pub(crate) const LOOK_UP: &str = "email/";

/// Why a text is not an address, in words for the user.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum EmailError {
    /// Too long.
    #[error("Use an e-mail address of at most {MAX} characters.")]
    TooLong,
    /// Not `local@domain`.
    #[error("Enter an e-mail address such as name@example.org.")]
    Syntax,
    /// Another address looks the same.
    #[error("Use an e-mail address without characters that look like others.")]
    LookAlike,
    /// Too large to be signed in with.
    #[error("Use a shorter e-mail address.")]
    TooLarge,
}

/// An address that somebody signs in with, in its two forms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identifier {
    /// As mail is sent there.
    pub address: String,
    /// As it is looked up and throttled, folded like a user name. It has an `@`, so it is no user name's.
    pub key: String,
}

/// Reads an address that somebody signs in with. Its capitals are one address, though a mail server might tell them apart. One
/// that is not its own compatibility form is refused: whoever reads its mail would have the key of the address that it looks like.
pub fn identifier(text: &str) -> Result<Identifier, EmailError> {
    let address: String = parse(text)?.nfc().collect();
    if !address.nfkc().eq(address.chars()) || address.chars().any(user_name::invisible) {
        return Err(EmailError::LookAlike);
    }
    let key = user_name::fold(&address);
    if key.len() > MAX_KEY {
        return Err(EmailError::TooLarge);
    }
    Ok(Identifier { address, key })
}

/// Reads an address: trimmed, one `@` with something on both sides, no white space or control characters, a domain of
/// dot-separated labels. The domain is folded to lower case, the rest stays as typed.
pub fn parse(text: &str) -> Result<String, EmailError> {
    let text = text.trim();
    if text.len() > MAX {
        return Err(EmailError::TooLong);
    }
    let (local, domain) = text.split_once('@').ok_or(EmailError::Syntax)?;
    let forbidden =
        |c: char| c.is_whitespace() || c.is_control() || matches!(c, '@' | '<' | '>' | '(' | ')' | ',' | ';' | '"');
    let label =
        |label: &str| !label.is_empty() && label.len() <= 63 && !label.starts_with('-') && !label.ends_with('-');
    let sound = !local.is_empty() && local.len() <= 64 && domain.split('.').all(label);
    if !sound || text.chars().filter(|c| *c != '@').any(forbidden) || domain.contains('@') {
        return Err(EmailError::Syntax);
    }
    Ok(format!("{local}@{}", domain.to_lowercase()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_address_keeps_its_local_part_and_loses_the_case_of_its_domain() {
        assert_eq!(parse(" Ada.L+x@Example.ORG ").as_deref(), Ok("Ada.L+x@example.org"));
        assert_eq!(parse("ada@localhost").as_deref(), Ok("ada@localhost"));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for bad in ["", "ada", "@x", "ada@", "a@b@c", "a b@c", "a@b c", "a@b..c", "a@-b", "<a@b>", "a@b\u{7}"] {
            assert_eq!(parse(bad), Err(EmailError::Syntax), "{bad}");
        }
        assert_eq!(parse(&format!("ada@{}", "x.".repeat(130))), Err(EmailError::TooLong));
    }

    #[test]
    fn an_address_has_one_key_for_all_its_capitals_and_keeps_the_form_that_mail_is_sent_to() {
        let address = identifier(" Ada.L+x@Example.ORG ").expect("an address");
        assert_eq!((address.address.as_str(), address.key.as_str()), ("Ada.L+x@example.org", "ada.l+x@example.org"));
        assert_eq!(identifier("ADA.L+X@example.org").expect("an address").key, address.key);
        assert_ne!(identifier("ada.l@example.org").expect("an address").key, address.key, "another mailbox, perhaps");
        let composed = identifier("ämélie@beispiel.example").expect("an address");
        assert_eq!(identifier("a\u{308}me\u{301}lie@beispiel.example"), Ok(composed));
    }

    /// NFKC would make them the key of somebody else's address.
    #[test]
    fn an_address_that_looks_like_another_is_no_name_to_sign_in_with() {
        for bad in
            ["\u{ff41}da@example.org", "ada@e\u{ff58}ample.org", "a\u{200b}da@example.org", "\u{fb01}n@example.org"]
        {
            assert_eq!(identifier(bad), Err(EmailError::LookAlike), "{bad:?}");
        }
        // A sign that is the letter by definition becomes it before mail is sent.
        assert_eq!(identifier("\u{212a}im@example.org"), identifier("Kim@example.org"));
        let [x, y, z] = [("x", 60), ("y", 63), ("z", 52)].map(|(label, length)| label.repeat(length));
        let long = format!("{}@{x}.{y}.{z}.example", "ä".repeat(30));
        assert_eq!(identifier(&long), Err(EmailError::TooLarge), "{}", long.len());
    }

    proptest! {
        #[test]
        fn a_key_is_its_own_key_and_no_user_name(text in "[\\PC]{1,20}@[a-zA-Zäß.]{1,20}") {
            if let Ok(identifier) = identifier(&text) {
                prop_assert_eq!(&user_name::fold(&identifier.address), &identifier.key);
                prop_assert_eq!(&user_name::fold(&identifier.key), &identifier.key);
                prop_assert!(user_name::parse(&identifier.key).is_err());
            }
        }
    }
}
