//! Section `templates`: templates and messages of one's own.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::report::Report;

/// Templates and messages of one's own.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Templates {
    /// A folder whose files replace built-in ones of the same name: pages `NAME.html`, mails `mail/NAME.txt`, text messages
    /// `sms/NAME.txt`; and `locales/TAG.ftl`, whose messages replace and add single ones. `doorward templates export` writes what is
    /// built in, `doorward templates check` tells everything that is wrong. It is read at the start, and a fault in it stops that.
    #[schemars(with = "Option<String>")]
    pub folder: Option<PathBuf>,
}

impl Templates {
    pub(super) fn check(&self, report: &mut Report<'_>) {
        let missing = self.folder.as_ref().is_some_and(|folder| !folder.is_dir());
        report.refuse_if(missing, "templates.folder", "is not a folder that can be read");
    }
}
