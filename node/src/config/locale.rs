//! Section `locale`: languages of pages, mails and text messages.

use api::locale::Offer;
use schemars::JsonSchema;
use serde::Deserialize;

use super::report::Report;

/// Languages of pages, mails and text messages. A page is in the language that the application asks for (`ui_locales`), else in the
/// one that the browser does (`Accept-Language`), else in the default one.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Locale {
    /// The language for those who ask for none that is offered, and of messages that an operator causes.
    pub default: String,
    /// The languages that are offered, as tags (BCP 47). `en`, `de` and `zh-Hans` are built in; any other one needs a file
    /// `locales/TAG.ftl` with all messages in the folder of `templates.folder`.
    pub offered: Vec<String>,
}

impl Default for Locale {
    fn default() -> Self {
        let Offer { tags, default } = Offer::default();
        Self { default, offered: tags }
    }
}

impl Locale {
    /// What is offered.
    pub fn offer(&self) -> Offer {
        Offer { tags: self.offered.clone(), default: self.default.clone() }
    }

    pub(super) fn check(&self, report: &mut Report<'_>) {
        for (key, reason) in self.offer().faults() {
            report.refuse(key, reason);
        }
    }
}
