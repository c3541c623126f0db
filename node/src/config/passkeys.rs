//! Section `passkeys`: passkeys (WebAuthn).

use schemars::JsonSchema;
use serde::Deserialize;

/// Passkeys (WebAuthn). They belong to the host of the issuer, so there are none where that is an address.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Passkeys {
    /// Whether passkeys may be added that can leave their device, as those of phones and password managers do. What was added
    /// before stays.
    pub allow_synced: bool,
}

impl Default for Passkeys {
    fn default() -> Self {
        Self { allow_synced: true }
    }
}
