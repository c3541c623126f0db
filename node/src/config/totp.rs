//! Section `totp`: one-time codes of authenticator apps.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One-time codes of authenticator apps (RFC 6238).
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Totp {
    /// Which codes are accepted besides that of the current 30 seconds; each is accepted once.
    pub window: TotpWindow,
}

/// How far a phone's clock may be off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TotpWindow {
    /// The one before and the one after.
    #[default]
    Both,
    /// The one before.
    Back,
    /// None.
    Strict,
}
