//! A request to recover an account whose second factors are lost.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::record;
use crate::{CredentialId, FactorId, RecoveryId, Timestamp};

/// Who cancelled a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelledBy {
    /// The owner, by the link in a message or on a page: "This was not me".
    Owner,
    /// A sign-in with a second factor that is said to be lost, or a change of one.
    SignIn,
    /// An operator.
    Operator,
}

/// Where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum RecoveryState {
    /// It waits until it is due, and can be completed then, until its end.
    Waiting,
    /// It counts no more, and keeps others from being begun for a while.
    Cancelled {
        /// When.
        at: Timestamp,
        /// By whom.
        by: CancelledBy,
    },
}

record! {
    /// Item `recovery`: somebody who knows the password says to have lost every second factor.
    pub struct Recovery: 1 {
        /// Which.
        pub recovery: RecoveryId,
        /// Where it stands.
        pub state: RecoveryState,
        /// The password that was proved. With another one the request is void.
        pub credential: CredentialId,
        /// The devices that are said to be lost. Is one added or removed, the request is void.
        pub factors: BTreeSet<FactorId>,
        /// SHA-256 of the secrets of the links that cancel it; the first is that of the message that told of it.
        pub link_hashes: Vec<String>,
        /// When it was begun.
        pub begun_at: Timestamp,
        /// From when on it can be completed.
        pub due_at: Timestamp,
        /// Until when.
        pub expires_at: Timestamp,
        /// When its owner was told once more.
        pub reminded_at: Option<Timestamp>,
        /// When the code that completes it was first asked for.
        pub asked_at: Option<Timestamp>,
        /// The language of the page on which it was begun, for the reminder, which no page causes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub lang: Option<String>,
    }
}

record! {
    /// Item `user/<user>` of a `handle` partition `recovery-reminders-<day>`: whom to remind of a recovery that waits.
    pub struct RecoveryReminder: 1 {
        /// When.
        pub at: Timestamp,
    }
}
