//! Removing an address that gets codes: Activated → Revoked, for good. What rested on it goes with it (HAZARDS H16).

use schema::{FactorId, record::Email};
use serde::{Deserialize, Serialize};

use super::{
    Decide, Decision, RemoveOutcome,
    email_enrol::throttle_of,
    overview,
    totp_remove::{forget_proofs, void_backup},
};
use crate::domain::{
    change::{Change, Item, ItemKey},
    context::Context,
    device::{Step, is_revoked, next},
    event::{self, WithFact},
    letter::{self, Notice},
    user::{Areas, SessionRef, User, rest_on},
};

/// A user wants no more codes at an address.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RemoveEmail {
    /// The session.
    pub session: SessionRef,
    /// The device.
    pub factor: FactorId,
}

impl Decide for RemoveEmail {
    type Outcome = RemoveOutcome;
    const NAME: &'static str = "remove_email";
    const NEEDS: Areas = Areas::SESSIONS.and(Areas::CODES).and(Areas::FAMILIES).and(Areas::BACKUP);
    /// Proofs and families that rest on the device end.
    const REVOKES: bool = true;

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<RemoveOutcome> {
        let Some(session) = user.live_session(&self.session, cx.now, cx.settings) else {
            return Decision::answer(RemoveOutcome::SessionEnded);
        };
        let Some(email) = user.emails.get(&self.factor).filter(|e| !is_revoked(e.state)) else {
            return Decision::answer(RemoveOutcome::Gone);
        };
        if !overview::is_fresh(user, session, cx) {
            return Decision::answer(RemoveOutcome::NotFresh);
        }
        let mut change = Change::default();
        revoke(user, cx, &mut change, email);
        if user.second_factors().all(|factor| factor == email.factor) {
            void_backup(user, cx, &mut change);
        }
        letter::notice(user, cx, &mut change, Notice::EmailCodesOff);
        let event = event::of(cx, "factor.revoked", user.id).with("method", "email");
        let event = event.with("factor", email.factor.to_string());
        Decision { change, events: vec![event], outcome: RemoveOutcome::Removed }
    }
}

/// Revokes an address: sessions lose the proofs that it gave, families that rest on it end.
pub(super) fn revoke(user: &User, cx: &Context<'_>, change: &mut Change, email: &Email) {
    let Some(state) = next(email.state, Step::Removed, cx.now) else { return };
    change.put(Item::Email(Email { state, sent: None, ..email.clone() }));
    change.delete(ItemKey::Throttle(throttle_of(email)));
    forget_proofs(user, cx, change, |proofs| rest_on(proofs, Some(email.factor), None));
}
