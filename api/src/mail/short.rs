//! What a text message must be: bound to this site by its last line, and short.

/// The host and the code that a browser reads out of a text message ("Parsing" of the WICG's Origin-bound one-time codes): the last
/// line, `@HOST #CODE`. A line break after it would make another one the last.
pub fn bound(message: &str) -> Option<(&str, &str)> {
    // CR, LF and both together each end a line once newlines are normalised.
    let line = message.rsplit(['\n', '\r']).next()?;
    let (host, rest) = token(line, '@')?;
    let (code, _) = token(rest.strip_prefix(' ')?, '#')?;
    Some((host, code))
}

/// What follows a marker, up to ASCII white space (Infra Standard) or the end, and the rest.
fn token(text: &str, marker: char) -> Option<(&str, &str)> {
    let marked = text.strip_prefix(marker)?;
    let end = marked.find(|c: char| c.is_ascii_whitespace()).unwrap_or(marked.len());
    (end > 0).then(|| marked.split_at(end))
}

/// How many messages a text is charged as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// In the default alphabet: so many septets.
    Septets(usize),
    /// In UCS-2, since the default alphabet lacks a character: so many units of 16 bits.
    Units(usize),
}

impl Length {
    /// Of a text (3GPP TS 23.038, 6.2.1).
    pub fn of(text: &str) -> Self {
        const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿\
             abcdefghijklmnopqrstuvwxyzäöñüà";
        const EXTENDED: &str = "\u{c}^{}\\[~]|€";
        let septets: Option<usize> = text
            .chars()
            .map(|c| match c {
                c if BASIC.contains(c) => Some(1),
                c if EXTENDED.contains(c) => Some(2),
                _ => None,
            })
            .sum();
        septets.map_or_else(|| Self::Units(text.encode_utf16().count()), Self::Septets)
    }

    /// Is the default alphabet enough for it?
    pub const fn is_basic(self) -> bool {
        matches!(self, Self::Septets(_))
    }

    /// Does it fit into one message (3GPP TS 23.040, 9.2.3.24)?
    pub const fn is_one_message(self) -> bool {
        match self {
            Self::Septets(septets) => septets <= 160,
            Self::Units(units) => units <= 70,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_bound_to_a_host_as_the_specification_reads_it() {
        for (message, host, code) in [
            ("x\n\n@id.example #123456", "id.example", "123456"),
            ("@id.example #123456", "id.example", "123456"),
            // However lines end.
            ("x\r\n\r\n@id.example #123456", "id.example", "123456"),
            ("x\r@id.example #123456", "id.example", "123456"),
            // What follows the code is for later specifications, or names an embedded host.
            ("@id.example #123456 %shop.example", "id.example", "123456"),
            ("@id.example #123456 %shop.example $more", "id.example", "123456"),
            ("@id.example #123456\tx", "id.example", "123456"),
            ("@id.example #123456\u{c}x", "id.example", "123456"),
            // White space beyond ASCII ends nothing.
            ("@id.example #123\u{a0}456", "id.example", "123\u{a0}456"),
            ("@id.example #123\u{3000}456", "id.example", "123\u{3000}456"),
            ("@id.example #123\u{b}456", "id.example", "123\u{b}456"),
            ("@id\u{a0}example #123456", "id\u{a0}example", "123456"),
        ] {
            assert_eq!(bound(message), Some((host, code)), "{message:?}");
        }
    }

    #[test]
    fn what_would_break_the_binding_is_noticed() {
        for broken in [
            "",
            "@",
            "@id.example",
            "@id.example ",
            "@id.example #",
            "@id.example # 123456",
            "@ #123456",
            "id.example #123456",
            "@id.example 123456",
            "x @id.example #123456",
            " @id.example #123456",
            "#123456 @id.example",
            "@id.example code #123456",
            // A line after it.
            "@id.example #123456\n",
            "@id.example #123456\r\n",
            "@id.example #123456\r",
            "@id.example #123456\nx",
            // Between host and code there is one space, and nothing else.
            "@id.example  #123456",
            "@id.example\t#123456",
            "@id.example\u{c}#123456",
            "@id.example\r#123456",
            "@id.example\n#123456",
            "@id.example\u{a0}#123456",
        ] {
            assert_eq!(bound(broken), None, "{broken:?}");
        }
    }

    #[test]
    fn a_text_is_as_long_as_its_alphabet_makes_it() {
        assert_eq!(Length::of("[€]"), Length::Septets(6));
        assert_eq!(Length::of("äöüß"), Length::Septets(4));
        assert_eq!(Length::of("„x“"), Length::Units(3));
        assert_eq!(Length::of("验证码"), Length::Units(3));
        assert!(Length::of(&"x".repeat(160)).is_one_message() && !Length::of(&"x".repeat(161)).is_one_message());
        assert!(Length::of(&"码".repeat(70)).is_one_message() && !Length::of(&"码".repeat(71)).is_one_message());
    }
}
