//! The language that an application asked for (`ui_locales`; OpenID Connect Core, 3.1.2.1; RP-Initiated Logout, 2), for one request:
//! whoever learns it first says it here, for the page and for the failure that is shown in its place.

use std::sync::{Arc, OnceLock};

use http::{Extensions, Uri};
use url::form_urlencoded;

use super::login;
use crate::locale::{Locale, Locales};

/// The parameter of applications.
pub(crate) const UI_LOCALES: &str = "ui_locales";
/// The parameter of a login's steps: its label.
const LOGIN: &str = "l";
/// Begins the paths where applications are read.
const PROTOCOL: &str = "/oauth/";

/// A handle on the language of a request. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Asked(Arc<OnceLock<Locale>>);

impl Asked {
    /// What the address alone tells, before anything is opened: so even a request that is shed is answered in the right language.
    pub(crate) fn at(uri: &Uri, locales: &Locales) -> Self {
        let asked = Self::default();
        for (name, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
            match name.as_ref() {
                UI_LOCALES if uri.path().starts_with(PROTOCOL) => asked.prefer(locales.asked(&value)),
                LOGIN => asked.prefer(login::language_of(&value).and_then(|tag| locales.asked(tag))),
                _ => {}
            }
        }
        asked
    }

    /// That of the request with these extensions.
    pub(crate) fn of(extensions: &Extensions) -> Self {
        extensions.get().cloned().unwrap_or_default()
    }

    /// From here on in this language, if it is one. The first application counts.
    pub(crate) fn prefer(&self, locale: Option<Locale>) {
        if let Some(locale) = locale {
            // Set already: another application was first.
            let _first = self.0.set(locale);
        }
    }

    /// The language, once somebody knows it.
    pub(crate) fn get(&self) -> Option<Locale> {
        self.0.get().copied()
    }
}
