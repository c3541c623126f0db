//! Section `recovery`: accounts whose second factors are all lost.

use schemars::JsonSchema;
use serde::Deserialize;

use super::report::Report;

/// The most days that a recovery may wait.
const MOST: u16 = 30;

/// Accounts whose second factors are all lost, backup codes too. Without it operators alone help, with `doorward user mfa reset`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Recovery {
    /// After how many days somebody who knows the password can remove all second factors of the account, by a code that is sent to its
    /// confirmed e-mail address. Every confirmed address is told at once, with a link that cancels it. 0 offers no such thing, and
    /// completes nothing that was begun before. It needs `mail`.
    #[schemars(range(max = 30))]
    pub waiting_days: u16,
}

impl Recovery {
    /// `sends`: can mail be sent?
    pub(super) fn check(&self, sends: bool, report: &mut Report<'_>) {
        let mute = self.waiting_days > 0 && !sends;
        report.refuse_if(mute, "recovery.waiting_days", "needs messages by e-mail; set mail.smtp.url as well");
        report.refuse_if(self.waiting_days > MOST, "recovery.waiting_days", "must be at most 30");
    }
}
