//! Browsers that completed a sign-in.

use super::{Proof, record};
use crate::{DeviceId, FactorId, Timestamp};

record! {
    /// Item `device/<id>`: a known device (HAZARDS H11). It has a throttle bucket of its own and is no authenticator.
    pub struct KnownDevice: 1 {
        /// Which browser.
        pub device: DeviceId,
        /// First complete sign-in.
        pub created_at: Timestamp,
        /// Last complete sign-in.
        pub last_used_at: Timestamp,
    }
}

record! {
    /// Item `trusted/<id>`: a browser in which a right password is enough for a while. It is no authenticator.
    pub struct TrustedDevice: 1 {
        /// Which; of the ids of all devices, so that a proof can name it.
        pub device: FactorId,
        /// How often its secret was drawn anew.
        pub generation: u32,
        /// SHA-256 of the secret in its cookie.
        pub secret_hash: String,
        /// That of the secret before, which is taken for a short time still.
        pub before: Option<String>,
        /// Digest of the password and the second factors beside which it counts.
        pub bound_to: String,
        /// What was proved when trust was given.
        pub proofs: Vec<Proof>,
        /// `User-Agent` when trust was given.
        pub user_agent: Option<String>,
        /// When trust was given.
        pub created_at: Timestamp,
        /// When it last stood in for a second step, and its secret was drawn anew.
        pub last_used_at: Timestamp,
        /// When it ends, used or not.
        pub expires_at: Timestamp,
    }
}
