//! User names: what one may be, and the key under which all its spellings are the same name (security M5).

use thiserror::Error;
use unicode_normalization::UnicodeNormalization;

/// The most characters of a name.
pub const MAX: usize = 64;
/// The most bytes of a key in UTF-8: it names a partition of the store together with the prefix of user names.
pub const MAX_KEY: usize = 240;

/// A user name in its two forms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserName {
    /// As it is shown: trimmed, NFC.
    pub display: String,
    /// As it is looked up and throttled: NFKC and folded to lower case.
    pub key: String,
}

/// Why a text is not a user name, in words for the user.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum UserNameError {
    /// Nothing is left of it.
    #[error("Enter a user name.")]
    Empty,
    /// Too many characters.
    #[error("Use at most {MAX} characters in the user name.")]
    TooLong,
    /// As few characters as that, but each of them large.
    #[error("Use a shorter user name: these characters take more room than letters do.")]
    TooLarge,
    /// White space inside.
    #[error("Leave no spaces in the user name.")]
    Space,
    /// An invisible character.
    #[error("The user name contains a character that cannot be seen. Type it instead of pasting it.")]
    Invisible,
    /// An `@`.
    #[error("Leave the @ out of the user name; an e-mail address has a field of its own.")]
    At,
}

/// Reads a user name.
pub fn parse(text: &str) -> Result<UserName, UserNameError> {
    let display: String = text.trim().nfc().collect();
    let key = fold(&display);
    // Both forms are held to the rules: NFKC can lengthen a name, and turn a look-alike into a space or an `@`.
    for form in [&display, &key] {
        if form.is_empty() {
            return Err(UserNameError::Empty);
        }
        if form.chars().count() > MAX {
            return Err(UserNameError::TooLong);
        }
        if form.len() > MAX_KEY {
            return Err(UserNameError::TooLarge);
        }
        for c in form.chars() {
            match c {
                '@' => return Err(UserNameError::At),
                c if c.is_control() || invisible(c) => return Err(UserNameError::Invisible),
                c if c.is_whitespace() => return Err(UserNameError::Space),
                _ => {}
            }
        }
    }
    Ok(UserName { display, key })
}

/// The key of any typed text, name or not, so that whatever is typed has a throttle of its own: trimmed, NFKC, lower
/// case, NFKC again (folding can undo the form).
pub fn fold(text: &str) -> String {
    let folded = text.trim().nfkc().collect::<String>().to_lowercase();
    folded.nfkc().collect::<String>().trim().to_owned()
}

/// Format characters, joiners, direction marks and fillers: they make two names that look the same.
pub(super) const fn invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_keeps_its_looks_and_has_one_key_for_all_spellings() {
        let name = parse("  Ämélie ").expect("a name");
        assert_eq!(name.display, "Ämélie");
        for spelling in ["ämélie", "ÄMÉLIE", "A\u{308}me\u{301}lie", "Ämélie"] {
            assert_eq!(parse(spelling).expect("a name").key, name.key, "{spelling}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused_with_its_reason() {
        let cases = [
            ("  ", UserNameError::Empty),
            (&"x".repeat(65), UserNameError::TooLong),
            ("a b", UserNameError::Space),
            ("a\u{a0}b", UserNameError::Space),
            ("a\u{7}b", UserNameError::Invisible),
            ("a\u{200b}b", UserNameError::Invisible),
            ("ada@example.org", UserNameError::At),
            ("ada\u{ff20}example.org", UserNameError::At),
            // One character that NFKC spells with eighteen.
            (&"\u{fdfa}".repeat(5), UserNameError::TooLong),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text), Err(expected), "{text:?}");
        }
        assert!(parse(&"x".repeat(64)).is_ok());
        assert!(parse(&"\u{10330}".repeat(60)).is_ok());
        assert_eq!(parse(&"\u{10330}".repeat(61)), Err(UserNameError::TooLarge));
    }

    proptest! {
        #[test]
        fn a_key_is_its_own_key(text in any::<String>()) {
            if let Ok(name) = parse(&text) {
                prop_assert_eq!(&fold(&name.key), &name.key);
                prop_assert_eq!(&fold(&name.display), &name.key);
                prop_assert!(name.key.len() <= MAX_KEY);
            }
        }
    }
}
