//! What the devices of all methods share: their confirmation, and their removal.

use schema::{
    Timestamp,
    record::{Proof, Session},
};
use serde::{Deserialize, Serialize};

use super::sign_in::{SignIn, SignedIn};
use crate::domain::{
    assurance,
    change::{Change, Item},
    context::Context,
};

/// What came of a code that is to activate a device.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum ConfirmOutcome {
    /// It counts from now on.
    Activated {
        /// The session, under a new secret.
        signed_in: SignedIn,
        /// Were the backup codes taken? Then they are shown, once.
        backup_taken: bool,
    },
    /// It was activated before, perhaps by the same form sent twice.
    AlreadyActivated,
    /// The code is not right, or not good any more.
    Wrong,
    /// Not looked at.
    Throttled {
        /// When to try again.
        until: Timestamp,
    },
    /// Too many failures: begin anew.
    Suspended,
    /// Nothing awaits a code under this id any more.
    Ended,
    /// The session has ended.
    SessionEnded,
    /// Fresh proofs are needed first.
    NotFresh,
}

/// What came of the removal of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RemoveOutcome {
    /// It never counts again.
    Removed,
    /// There is no such device any more.
    Gone,
    /// The session has ended.
    SessionEnded,
    /// Fresh proofs are needed first.
    NotFresh,
}

/// A proof given in a session, whose secret is new afterwards, so that no cookie from before the proof is worth anything.
pub(super) fn proved(session: &Session, cx: &Context<'_>, change: &mut Change, proof: Proof) -> SignedIn {
    let mut session = session.clone();
    assurance::add(&mut session.proofs, proof);
    session.secret_hash = SignIn::session_secret_hash(&cx.attempt.seed);
    session.last_seen_at = cx.now;
    let signed_in =
        SignedIn { session: session.session, device: session.device, expires_at: session.expires_at, trusted: None };
    change.put(Item::Session(session));
    signed_in
}
