//! What the devices of all methods share: their confirmation, their renaming, and their removal.

use schema::{
    FactorId, SessionId, Timestamp,
    record::{CancelledBy, Proof, Session},
};
use serde::{Deserialize, Serialize};

use super::{
    Decision, overview,
    sign_in::{SignIn, SignedIn},
    totp_remove::void_backup,
    trusted_device::end_trust,
};
use crate::domain::{
    assurance,
    change::{Change, Item},
    context::Context,
    event::{self, WithFact},
    letter::{self, Notice},
    recovery,
    user::{SessionRef, User},
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

/// What came of another name for a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RenameOutcome {
    /// It has that name.
    Renamed,
    /// No such device is in force.
    Gone,
    /// The session has ended.
    SessionEnded,
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

/// A device that its owner removes.
pub(super) struct Removed<'a> {
    pub(super) factor: FactorId,
    pub(super) method: &'static str,
    pub(super) notice: Notice,
    /// Revokes it, with all that rests on it.
    pub(super) revoke: &'a dyn Fn(&mut Change),
}

/// Removes a device behind fresh proofs, and the backup codes with the last one.
pub(super) fn remove(
    user: &User,
    cx: &Context<'_>,
    session: &SessionRef,
    device: Option<&Removed<'_>>,
) -> Decision<RemoveOutcome> {
    let Some(session) = user.live_session(session, cx.now, cx.settings) else {
        return Decision::answer(RemoveOutcome::SessionEnded);
    };
    let Some(device) = device else {
        return Decision::answer(RemoveOutcome::Gone);
    };
    if !overview::is_fresh(user, session, cx) {
        return Decision::answer(RemoveOutcome::NotFresh);
    }
    let mut change = Change::default();
    (device.revoke)(&mut change);
    let cancelled = changed(user, cx, &mut change, session.session);
    if user.second_factors().all(|factor| factor == device.factor) {
        void_backup(user, cx, &mut change);
    }
    letter::notice(user, cx, &mut change, device.notice);
    let event = event::of(cx, "factor.revoked", user.id).with("method", device.method);
    let event = recovery::noted(event.with("factor", device.factor.to_string()), cancelled);
    Decision { change, events: vec![event], outcome: RemoveOutcome::Removed }
}

/// Ends what every change of the devices ends: the trust in browsers, but for this session, and a recovery, which says that all devices
/// are lost. Says whether there was one.
pub(super) fn changed(user: &User, cx: &Context<'_>, change: &mut Change, except: SessionId) -> bool {
    end_trust(user, cx, change, |_| true, Some(except));
    recovery::cancel(user, cx, change, CancelledBy::SignIn)
}

/// Gives a device another name. The name is for its owner's eyes: nothing rests on it, so no fresh proof is asked for. `device` is its
/// id and its method, `named` the device with another name than it has.
pub(super) fn rename(
    user: &User,
    cx: &Context<'_>,
    session: &SessionRef,
    device: Option<(FactorId, &'static str)>,
    named: Option<Item>,
) -> Decision<RenameOutcome> {
    if user.live_session(session, cx.now, cx.settings).is_none() {
        return Decision::answer(RenameOutcome::SessionEnded);
    }
    let Some((factor, method)) = device else { return Decision::answer(RenameOutcome::Gone) };
    let mut change = Change::default();
    let mut events = Vec::new();
    if let Some(item) = named {
        change.put(item);
        let event = event::of(cx, "factor.renamed", user.id).with("method", method);
        events.push(event.with("factor", factor.to_string()));
    }
    Decision { change, events, outcome: RenameOutcome::Renamed }
}

/// A session with what was proved in it, if anything was. Its secret is new afterwards, so that no cookie from before the proof is
/// worth anything.
pub(super) fn proved(
    session: &Session,
    cx: &Context<'_>,
    change: &mut Change,
    proof: impl Into<Option<Proof>>,
) -> SignedIn {
    let mut session = session.clone();
    if let Some(proof) = proof.into() {
        assurance::add(&mut session.proofs, proof);
    }
    session.secret_hash = SignIn::session_secret_hash(&cx.attempt.seed);
    session.last_seen_at = cx.now;
    let signed_in =
        SignedIn { session: session.session, device: session.device, expires_at: session.expires_at, trusted: None };
    change.put(Item::Session(session));
    signed_in
}
