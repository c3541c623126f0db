//! What a user proves identity with, and the throttles in front of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{CountedText, SentCode, record};
use crate::{CredentialId, FactorId, Timestamp};

/// The one state machine of all devices: Registered → Awaiting activation → Activated → Revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum FactorState {
    /// Known, and nothing was shown or sent yet.
    Registered,
    /// Its secret was shown or a code was sent; one proof activates it.
    AwaitingActivation {
        /// After this it is gone.
        until: Timestamp,
    },
    /// It counts at sign-in.
    Activated {
        /// Since when.
        at: Timestamp,
    },
    /// It never counts again.
    Revoked {
        /// Since when.
        at: Timestamp,
    },
}

record! {
    /// Item `password`.
    pub struct Password: 1 {
        /// Which secret this is; a verdict names it (HAZARDS H7).
        pub credential: CredentialId,
        /// Counts every change of the hash, rehashes included.
        pub version: u32,
        /// Argon2id in PHC form, of the peppered password.
        pub hash: String,
        /// When the user last chose it.
        pub changed_at: Timestamp,
        /// Was it set by a link that was mailed? Then it proves no more than that somebody reads that mail.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pub by_mail: bool,
        /// Since when somebody else may know it. It is of this password alone: another one has none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub compromised_at: Option<Timestamp>,
    }
}

record! {
    /// Item `totp/<factor>`: RFC 6238 with SHA-1, 6 digits and 30 seconds.
    pub struct Totp: 1 {
        /// Which device.
        pub factor: FactorId,
        /// The user's name for it, at most 64 characters.
        pub name: String,
        /// Where it stands.
        pub state: FactorState,
        /// The seed, sealed to user and factor.
        pub seed: String,
        /// The last step accepted; a step at or below it is a replay (RFC 6238, 5.2). 0: none yet.
        pub last_step: u64,
        /// When it was registered.
        pub created_at: Timestamp,
        /// When it last proved something, to the minute.
        pub last_used_at: Option<Timestamp>,
    }
}

record! {
    /// Item `email/<factor>` or `phone/<factor>`: an address whose holder gets codes.
    pub struct Address: 1 {
        /// Which device.
        pub factor: FactorId,
        /// The user's name for it, at most 64 characters; empty for most.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        pub name: String,
        /// The e-mail address as `domain::email` reads it, or the number as `domain::phone` does.
        pub address: String,
        /// Where it stands.
        pub state: FactorState,
        /// The code that activates it, while it awaits one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub sent: Option<SentCode>,
        /// Text messages that were sent to activate it and counted. From data level 4 on.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub texts: Vec<CountedText>,
        /// When it was registered.
        pub created_at: Timestamp,
        /// When it last proved something, to the minute.
        pub last_used_at: Option<Timestamp>,
    }
}

/// One of ten: `LLLL-SSSS-SSSS-SSSS-SSSS` in Crockford's base 32. The locator is no secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BackupCode {
    /// The first four characters; they find the code, so that one hash is enough.
    pub locator: String,
    /// Argon2id of the other sixteen (80 bits, peppered) in PHC form with small parameters.
    pub hash: String,
    /// When it was used.
    pub used_at: Option<Timestamp>,
}

record! {
    /// Item `backup`: the current set of backup codes.
    pub struct BackupCodes: 1 {
        /// Which set; drawing a new one voids the old.
        pub credential: CredentialId,
        /// When it was drawn.
        pub created_at: Timestamp,
        /// When the user said to have saved it.
        pub saved_at: Option<Timestamp>,
        /// The codes.
        pub codes: Vec<BackupCode>,
    }
}

/// Failures from one place: unknown devices together, each known device apart (HAZARDS H11).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// Failures in the current burst.
    pub in_burst: u8,
    /// Cool-downs so far.
    pub level: u8,
    /// Nothing is evaluated before this.
    pub locked_until: Option<Timestamp>,
    /// The last failure, for decay of the level.
    pub last_failure_at: Option<Timestamp>,
}

record! {
    /// Item `throttle/<authenticator>`, and item `throttle` of an `ident` partition.
    pub struct Throttle: 1 {
        /// Consecutive failures over all buckets (NIST SP 800-63B-4, 3.2.2).
        pub total: u32,
        /// Since when the authenticator is suspended.
        pub suspended_at: Option<Timestamp>,
        /// By bucket: `unknown`, or a device id.
        pub buckets: BTreeMap<String, Bucket>,
    }
}
