//! Passkeys: WebAuthn credentials, and the challenges that were used up.

use serde::{Deserialize, Serialize};

use super::{FactorState, record};
use crate::{FactorId, Timestamp};

/// Who vouched for an authenticator when it made a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attestation {
    /// SHA-256 of the root certificate that its maker's word ended in, hexadecimal.
    pub root: String,
    /// The format of that word, as WebAuthn names it.
    pub format: String,
}

/// What an authenticator said of the key pair that it made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicKey {
    /// The credential id, base64url.
    pub id: String,
    /// The public key: a COSE key as `webauthn-rs-core` writes it in JSON.
    pub key: serde_json::Value,
    /// The highest signature counter that was seen; 0 for authenticators that do not count.
    pub counter: u32,
    /// Was the user verified (by PIN, finger or face) when it was made? Then the user must be at each use.
    pub user_verified: bool,
    /// May it leave its device, into a backup or to other devices? Never changes.
    pub backup_eligible: bool,
    /// Has it, as of its last use?
    pub backed_up: bool,
    /// The kind of authenticator, by its own word; unset where it says none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aaguid: Option<String>,
    /// Who vouched for that, if anybody did who was trusted here then. From data level 4 on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attestation: Option<Attestation>,
    /// How it can be reached: hints for browsers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transports: Vec<String>,
}

record! {
    /// Item `passkey/<factor>`.
    pub struct Passkey: 1 {
        /// Which device.
        pub factor: FactorId,
        /// The user's name for it, at most 64 characters; empty until the authenticator gives it one.
        pub name: String,
        /// Where it stands.
        pub state: FactorState,
        /// The challenge that its making must answer, base64url, while it awaits that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub challenge: Option<String>,
        /// The key, once there is one; forgotten when the device is removed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub public_key: Option<PublicKey>,
        /// When it was registered.
        pub created_at: Timestamp,
        /// When it last proved something.
        pub last_used_at: Option<Timestamp>,
    }
}

record! {
    /// Item `challenge/<SHA-256 of the challenge>`: it was answered, and no answer to it counts again. Never evicted.
    pub struct UsedChallenge: 1 {
        /// The hash.
        pub hash: String,
        /// When the challenge ends by itself.
        pub expires_at: Timestamp,
    }
}
