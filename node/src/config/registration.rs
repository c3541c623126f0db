//! Section `registration`: under what people register.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::report::Report;

/// New accounts.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Registration {
    /// Under what people register, and so sign in: `user_name`; `email`, an e-mail address, to which a link is sent that leads on to
    /// choosing a password; or `either`. With a user name an e-mail address may be told beside it, and is no name to sign in with.
    /// Who has an account keeps its name, whatever is set here.
    pub by: RegistrationBy,
}

/// Under what people register.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RegistrationBy {
    /// A user name.
    #[default]
    UserName,
    /// An e-mail address.
    Email,
    /// Either of them.
    Either,
}

impl Registration {
    /// `sends`: can mail be sent?
    pub(super) fn check(&self, sends: bool, report: &mut Report<'_>) {
        let refused = self.by != RegistrationBy::UserName && !sends;
        report.refuse_if(refused, "registration.by", "needs messages by e-mail; set mail.smtp.url as well");
    }
}
