//! Which languages somebody wants: `ui_locales` of an authorization request, and `Accept-Language` (RFC 9110, 12.5.4).

use unic_langid::{LanguageIdentifier, subtags::Script};

/// Tags that are looked at; whoever sends more is not helped by them.
const MAX: usize = 16;
/// Bytes of a header that are looked at.
const MAX_HEADER: usize = 1024;

/// A tag, with the script by which Chinese is told apart: regions write one or the other.
pub(super) fn parse(tag: &str) -> Option<LanguageIdentifier> {
    // `*` and what is no tag are not understood, and count as not said.
    let mut tag: LanguageIdentifier = tag.parse().ok().filter(|tag: &LanguageIdentifier| !tag.language.is_empty())?;
    if tag.language.as_str() == "zh" && tag.script.is_none() {
        let traditional = tag.region.is_some_and(|region| matches!(region.as_str(), "TW" | "HK" | "MO"));
        tag.script = Script::from_bytes(if traditional { b"Hant" } else { b"Hans" }).ok();
    }
    Some(tag)
}

/// Tags separated by blanks, the most wanted first.
pub(super) fn ui_locales(value: &str) -> Vec<LanguageIdentifier> {
    value.split_ascii_whitespace().take(MAX).filter_map(parse).collect()
}

/// The tags of a header by their weight, those of the same weight as they came. A weight of zero means "not this one".
pub(super) fn accept_language(header: &[u8]) -> Vec<LanguageIdentifier> {
    let header = header.get(..MAX_HEADER).unwrap_or(header);
    let Ok(header) = std::str::from_utf8(header) else { return Vec::new() };
    let mut wanted: Vec<(u16, LanguageIdentifier)> = header
        .split(',')
        .take(MAX)
        .filter_map(|range| {
            let mut parts = range.split(';').map(str::trim);
            let tag = parse(parts.next()?)?;
            let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
            Some((weight.map_or(1000, thousandths), tag))
        })
        .filter(|(weight, _)| *weight > 0)
        .collect();
    wanted.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    wanted.into_iter().map(|(_, tag)| tag).collect()
}

/// A weight, 0 to 1 with at most three decimals; one that does not read is none.
fn thousandths(weight: &str) -> u16 {
    let (whole, decimals) = weight.split_once('.').unwrap_or((weight, ""));
    let decimals_read = format!("{decimals:0<3}").parse::<u16>().ok().filter(|_| decimals.len() <= 3);
    match (whole, decimals_read) {
        ("1", Some(0)) => 1000,
        ("0", Some(decimals)) => decimals,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(header: &str) -> Vec<String> {
        accept_language(header.as_bytes()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_heaviest_comes_first_and_what_has_no_weight_never() {
        for (header, expected) in [
            ("de-AT, de;q=0.9, en;q=0.8", "de-AT de en"),
            ("en;q=0.8,de", "de en"),
            ("en; q=0.5, fr;q=0.50, de;Q=0.501", "de en fr"),
            ("en;q=0, de;q=0.001", "de"),
            ("*, de;q=2, en;q=x, fr;q=0.1234, it;q=1.000", "it"),
            ("zh-TW, zh, zh-HK, zh-Hant-SG", "zh-Hant-TW zh-Hans zh-Hant-HK zh-Hant-SG"),
            ("", ""),
            (",,;q=1,", ""),
            ("se garbage!, 12345678901234567890", ""),
        ] {
            assert_eq!(read(header).join(" "), expected, "{header}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_is_sent_is_too_much(header in proptest::collection::vec(any::<u8>(), 0..3000), text in ".*") {
            prop_assert!(accept_language(&header).len() <= MAX);
            prop_assert!(ui_locales(&text).len() <= MAX);
        }
    }
}
