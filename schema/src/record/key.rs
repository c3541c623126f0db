//! Signing keys and the canaries of the master keys.

use serde::{Deserialize, Serialize};

use super::{SigningAlg, record};
use crate::{KeyId, Timestamp};

/// Pending → Active → Retiring, then deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum SigningKeyState {
    /// Published, not used yet, so that clients' copies of the JWKS have it before its first signature.
    Pending {
        /// From when it may sign.
        from: Timestamp,
    },
    /// It signs.
    Active {
        /// Since when.
        since: Timestamp,
    },
    /// Published, so that what it signed can be verified.
    Retiring {
        /// Until when.
        until: Timestamp,
    },
}

record! {
    /// Item `key/<kid>` of partition `keyring/signing`.
    pub struct SigningKey: 1 {
        /// Its `kid`.
        pub kid: KeyId,
        /// What it signs.
        pub alg: SigningAlg,
        /// Where it stands.
        pub state: SigningKeyState,
        /// PKCS #8, sealed.
        pub private: String,
        /// The public key as a JWK (RFC 7517), as JSON text.
        pub public_jwk: String,
        /// When it was made.
        pub created_at: Timestamp,
    }
}

record! {
    /// Item `canary/<key id>` of partition `keyring/data`: a known text sealed under that master key, opened at each
    /// start (HAZARDS H19).
    pub struct Canary: 1 {
        /// The master key.
        pub key: KeyId,
        /// The sealed text.
        pub sealed: String,
        /// When it was made.
        pub created_at: Timestamp,
    }
}

record! {
    /// Item `active` of partition `keyring/data`: the store's own facts about its master keys.
    pub struct ActiveKey: 1 {
        /// The master key that seals.
        pub key: KeyId,
        /// Drawn once per store and at each restore; part of the associated data of everything sealed for outside
        /// (HAZARDS H14).
        pub incarnation: String,
        /// Since when this key is the active one.
        pub since: Timestamp,
    }
}
