//! The account itself, its consents, and its reset links.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{SentCode, Unknown, record};
use crate::{ClaimId, ClientId, PartitionKey, ResetId, SessionId, Timestamp, UserId};

/// May the user sign in?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum AccountStatus {
    /// Yes.
    Active,
    /// No, by an operator's decision; every session has ended.
    Disabled {
        /// Since when.
        at: Timestamp,
    },
}

/// A claim that this user holds (HAZARDS H9): it counts only while it is listed here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldClaim {
    /// The id of the claim's partition, e.g. `user-name/ann`.
    pub look_up: String,
    /// The holding.
    pub claim: ClaimId,
}

record! {
    /// Item `account`.
    pub struct Account: 1 {
        /// The `sub` of this user.
        pub user: UserId,
        /// The name as it was typed at registration, in Unicode NFC.
        pub user_name: String,
        /// An address that the user told us.
        pub email: Option<String>,
        /// Was the address proved? An unproved one is not claimed and cannot sign in.
        pub email_verified: bool,
        /// Roles, such as `admin`.
        pub roles: BTreeSet<String>,
        /// When the user last declined a second step that was recommended.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub mfa_declined_at: Option<Timestamp>,
        /// When it was declined, the newest last; as many as a policy can count. Written from data level 4 on.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub mfa_declines: Vec<Timestamp>,
        /// Since when an operator asks for a second step of this very account; unset: as the policies say. Written from data level 4
        /// on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub mfa_required_at: Option<Timestamp>,
        /// May the user sign in?
        pub status: AccountStatus,
        /// Claims held.
        pub claims: Vec<HeldClaim>,
        /// Registration.
        pub created_at: Timestamp,
        /// Last change of what userinfo shows.
        pub updated_at: Timestamp,
    }
}

impl Account {
    /// A new account under this name: active, without an address, roles and claims.
    pub fn new(user: UserId, user_name: impl Into<String>, created_at: Timestamp) -> Self {
        Self {
            user,
            user_name: user_name.into(),
            email: None,
            email_verified: false,
            roles: BTreeSet::new(),
            mfa_declined_at: None,
            mfa_declines: Vec::new(),
            mfa_required_at: None,
            status: AccountStatus::Active,
            claims: Vec::new(),
            created_at,
            updated_at: created_at,
            unknown: Unknown::default(),
        }
    }
}

record! {
    /// Item `registration`: somebody wants an account under an address, and whether its mail is theirs is not shown yet. Beside it
    /// there is no account, and the partition ends with it. From data level 4 on.
    pub struct PendingRegistration: 1 {
        /// The address.
        pub address: String,
        /// A keyed hash of the secret of the link that was sent there.
        pub link: String,
        /// Its end.
        pub expires_at: Timestamp,
    }
}

record! {
    /// Item `own-address`: an address that is to be the account's, or is and was not proved, and awaits the code that was sent there.
    /// From data level 4 on.
    pub struct PendingAddress: 1 {
        /// The address.
        pub address: String,
        /// The session that the code is to be typed in.
        pub session: SessionId,
        /// The code.
        pub sent: SentCode,
        /// Its end.
        pub expires_at: Timestamp,
    }
}

record! {
    /// Item `consent/<client>`: the user allowed a third-party client these scopes.
    pub struct Consent: 1 {
        /// To whom.
        pub client: ClientId,
        /// What.
        pub scopes: BTreeSet<String>,
        /// When it was last given.
        pub given_at: Timestamp,
    }
}

record! {
    /// Item `reset/<id>`: a link that sets a new password, once. It stays until its end as the proof that it was used.
    pub struct Reset: 1 {
        /// The link.
        pub reset: ResetId,
        /// SHA-256 of its secret part, 128 bits.
        pub secret_hash: String,
        /// Who made it, e.g. `uid 0`.
        pub issued_by: String,
        /// Its end.
        pub expires_at: Timestamp,
        /// When it was used.
        pub used_at: Option<Timestamp>,
    }
}

record! {
    /// Item `owner` of a `claim` partition: who holds the look-up. It counts only while the owner's account lists it.
    pub struct ClaimOwner: 1 {
        /// The partition of the holder.
        pub owner: PartitionKey,
        /// The holding.
        pub claim: ClaimId,
        /// Since when.
        pub at: Timestamp,
    }
}

record! {
    /// Item `claim-void/<claim>`: the sweeper declared this holding void before releasing it (HAZARDS H9). While it is
    /// there, expired or not, no decision may list that holding.
    pub struct ClaimVoid: 1 {
        /// When.
        pub at: Timestamp,
    }
}
