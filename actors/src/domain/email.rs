//! E-mail addresses, as far as syntax tells: whether one works is shown by a message that arrives, not by a grammar.

use thiserror::Error;

/// The most bytes of an address (RFC 5321, 4.5.3.1.3, less the angle brackets).
pub const MAX: usize = 254;

/// Why a text is not an address, in words for the user.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum EmailError {
    /// Too long.
    #[error("Use an e-mail address of at most {MAX} characters.")]
    TooLong,
    /// Not `local@domain`.
    #[error("Enter an e-mail address such as name@example.org.")]
    Syntax,
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
}
