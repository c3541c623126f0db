//! Words in the languages that are offered, from the file of messages to the page in front of somebody.
//!
//! 1. [`Words`] are the messages of one language: what is built in (`api/locales/TAG.ftl`), with what an operator's files put in
//!    its place. They are parsed once, at the start, and compared with the English ones: a message that is missing, that names
//!    an argument which nobody gives it, or that refers to what is not there or to itself, is a [`Fault`], never a gap on a page.
//! 2. [`Locales`] chooses one of them for a request ([`Locales::choose`]): what the application asks for (`ui_locales`), then what
//!    the browser does (`Accept-Language`), then the default. What is not understood counts as not said.
//! 3. Templates say words by `t("key", name=value)`. What is made in Rust is a [`Text`], a key with its arguments, which is put
//!    into words where it is shown.
//!
//! A message is text and never markup. In HTML its own characters are escaped, and so is every argument that is not markup of the
//! template itself (a `{% set %}` block, or one of the filters that make an element). No message and no name can bring an element
//! onto a page.
//!
//! Arguments are not wrapped in the characters that isolate directions (Unicode UAX 9, 2.4.2): they would take a text message out
//! of its 7-bit alphabet, and mail readers show them. On pages the style sheet isolates the elements that names stand in.

mod accept;
mod fault;
mod references;
mod text;
mod words;

use std::collections::BTreeMap;

use fluent_langneg::{NegotiationStrategy, negotiate_languages};
use unic_langid::LanguageIdentifier;

pub use fault::Fault;
pub(crate) use text::UNSAID;
pub use text::{Text, text};
pub(crate) use words::{Argument, Form, Words, escape};

/// The language whose messages every other one must have.
pub const REFERENCE: &str = "en";

/// The languages that are built in, with their messages.
pub const BUILT_IN: [(&str, &str); 3] = [
    (REFERENCE, include_str!("../../locales/en.ftl")),
    ("de", include_str!("../../locales/de.ftl")),
    ("zh-Hans", include_str!("../../locales/zh-Hans.ftl")),
];

/// The key of the list of languages.
const OFFERED: &str = "locale.offered";

/// Languages that are written from right to left, if their tag names no script.
const RIGHT_TO_LEFT: [&str; 9] = ["ar", "ckb", "dv", "fa", "he", "ps", "sd", "ur", "yi"];

/// One of the languages that are offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Locale(usize);

/// The languages that are offered.
#[derive(Debug)]
pub struct Locales {
    tags: Vec<LanguageIdentifier>,
    words: Vec<Words>,
    default: Locale,
}

/// Which languages are offered, as it was configured.
#[derive(Clone, Debug)]
pub struct Offer {
    /// Their tags (BCP 47).
    pub tags: Vec<String>,
    /// The one for those who ask for none of them.
    pub default: String,
}

impl Default for Offer {
    fn default() -> Self {
        Self { tags: BUILT_IN.map(|(tag, _)| tag.to_owned()).to_vec(), default: REFERENCE.to_owned() }
    }
}

impl Offer {
    /// What is wrong with it: the key of the configuration, and why.
    pub fn faults(&self) -> Vec<(&'static str, String)> {
        let mut faults = Vec::new();
        for (at, tag) in self.tags.iter().enumerate() {
            match accept::parse(tag).map(|known| known.to_string()) {
                None => faults.push((OFFERED, format!("{tag:?} is no language tag, such as en or zh-Hans"))),
                Some(known) if known != *tag => faults.push((OFFERED, format!("write {tag:?} as {known:?}"))),
                Some(_) if self.tags[..at].contains(tag) => faults.push((OFFERED, format!("has {tag:?} twice"))),
                Some(_) => {}
            }
        }
        if !self.tags.contains(&self.default) {
            faults.push(("locale.default", format!("is none of {OFFERED}")));
        }
        faults
    }
}

impl Locales {
    /// The languages of an offer. `files` are an operator's messages by tag: they replace and add to what is built in, and make
    /// a language that is not.
    pub fn new(offer: &Offer, files: &BTreeMap<String, String>) -> Result<Self, Vec<Fault>> {
        let mut faults: Vec<Fault> =
            offer.faults().into_iter().map(|(key, reason)| Fault::whole(key, reason)).collect();
        let reference = words::reference();
        let default = offer.tags.iter().position(|tag| *tag == offer.default).unwrap_or_default();
        let mut locales = Self { tags: Vec::new(), words: Vec::new(), default: Locale(default) };
        for tag in &offer.tags {
            let Some(known) = accept::parse(tag).filter(|known| known.to_string() == *tag) else { continue };
            let built_in = BUILT_IN.iter().find(|(of, _)| of == tag).map(|(_, source)| *source);
            match Words::new(&known, built_in, files.get(tag).map(String::as_str), &reference) {
                Ok(words) => {
                    locales.tags.push(known);
                    locales.words.push(words);
                }
                Err(more) => faults.extend(more),
            }
        }
        for tag in files.keys().filter(|tag| !offer.tags.contains(tag)) {
            let reason = format!("{OFFERED} does not have {tag}; add it there, or remove the file");
            faults.push(Fault::whole(&words::file_name(tag), reason));
        }
        if faults.is_empty() { Ok(locales) } else { Err(faults) }
    }

    /// The language for those who ask for none of them.
    pub const fn default(&self) -> Locale {
        self.default
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = Locale> + use<> {
        (0..self.tags.len()).map(Locale)
    }

    /// Their tags, in the order in which they were configured.
    pub fn tags(&self) -> Vec<String> {
        self.tags.iter().map(ToString::to_string).collect()
    }

    /// The tag of one.
    pub fn tag(&self, locale: Locale) -> String {
        self.tags[self.position(locale)].to_string()
    }

    /// `ltr` or `rtl`.
    pub fn direction(&self, locale: Locale) -> &'static str {
        let tag = &self.tags[self.position(locale)];
        let right_to_left = match tag.script {
            Some(script) => matches!(script.as_str(), "Arab" | "Hebr" | "Thaa"),
            None => RIGHT_TO_LEFT.contains(&tag.language.as_str()),
        };
        if right_to_left { "rtl" } else { "ltr" }
    }

    /// The best for what an application asks for (`ui_locales`: tags in the order of preference, OpenID Connect Core, 3.1.2.1) and
    /// then for what a browser does.
    pub fn choose(&self, ui_locales: Option<&str>, accept_language: Option<&[u8]>) -> Locale {
        let asked = ui_locales.and_then(|tags| self.asked(tags));
        let found = asked.or_else(|| self.first_of(&accept::accept_language(accept_language?)));
        found.unwrap_or(self.default)
    }

    /// The first of these tags, separated by blanks, for which there is a language.
    pub fn asked(&self, tags: &str) -> Option<Locale> {
        self.first_of(&accept::ui_locales(tags))
    }

    /// The language of a letter: the one that its tag names, or the default.
    pub fn tagged(&self, tag: Option<&str>) -> Locale {
        self.choose(tag, None)
    }

    fn first_of(&self, wanted: &[LanguageIdentifier]) -> Option<Locale> {
        let best = negotiate_languages(wanted, &self.tags, None, NegotiationStrategy::Lookup).into_iter().next()?;
        self.tags.iter().position(|tag| tag == best).map(Locale)
    }

    /// Its place among those that are offered. A locale comes from these locales alone; one of others, which were more, is taken
    /// for the default.
    pub(crate) fn position(&self, locale: Locale) -> usize {
        if locale.0 < self.tags.len() { locale.0 } else { self.default.0 }
    }

    /// The messages of one.
    pub(crate) fn words(&self, locale: Locale) -> &Words {
        &self.words[self.position(locale)]
    }
}

#[cfg(test)]
mod tests;
