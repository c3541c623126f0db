//! Section `trusted_device`: browsers in which no second step is asked for.

use schemars::JsonSchema;
use serde::Deserialize;

use super::report::Report;

/// The most days that a browser may be trusted.
const MOST: u16 = 365;

/// Browsers in which, for a while, a password is enough to sign in. Such a sign-in is never `mfa`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TrustedDevice {
    /// How many days a browser is trusted in which its user ticks the box at the second step. 0 offers no such box, and takes no
    /// cookie that was given before.
    #[schemars(range(max = 365))]
    pub days: u16,
}

impl Default for TrustedDevice {
    fn default() -> Self {
        Self { days: 30 }
    }
}

impl TrustedDevice {
    pub(super) fn check(&self, report: &mut Report<'_>) {
        report.refuse_if(self.days > MOST, "trusted_device.days", "must be at most 365");
    }
}
