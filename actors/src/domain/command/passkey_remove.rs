//! Removing a passkey: Activated → Revoked, for good. What rested on it goes with it (HAZARDS H16).

use schema::{FactorId, record::Passkey};
use serde::{Deserialize, Serialize};

use super::{
    Decide, Decision, RemoveOutcome,
    device::{self, Removed},
    totp_remove::forget_proofs,
};
use crate::domain::{
    change::{Change, Item},
    context::Context,
    device::{Step, is_revoked, next},
    letter::Notice,
    user::{Areas, SessionRef, User, rest_on},
};

/// A user removes a passkey.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RemovePasskey {
    /// The session.
    pub session: SessionRef,
    /// The device.
    pub factor: FactorId,
}

impl Decide for RemovePasskey {
    type Outcome = RemoveOutcome;
    const NAME: &'static str = "remove_passkey";
    const NEEDS: Areas = Areas::SESSIONS.and(Areas::LOGINS).and(Areas::CODES).and(Areas::FAMILIES).and(Areas::BACKUP);
    /// Proofs and families that rest on the device end.
    const REVOKES: bool = true;
    const SENSITIVE: bool = true;

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<RemoveOutcome> {
        let found = user.passkeys.get(&self.factor).filter(|p| !is_revoked(p.state));
        let revoke = |change: &mut Change| found.iter().for_each(|passkey| revoke(user, cx, change, passkey));
        let removed =
            Removed { factor: self.factor, method: "passkey", notice: Notice::PasskeyRemoved, revoke: &revoke };
        device::remove(user, cx, &self.session, found.map(|_| &removed))
    }
}

/// Revokes a passkey: its key is forgotten, sessions lose the proofs that it gave, families that rest on it end.
pub(super) fn revoke(user: &User, cx: &Context<'_>, change: &mut Change, passkey: &Passkey) {
    let Some(state) = next(passkey.state, Step::Removed, cx.now) else { return };
    change.put(Item::Passkey(Passkey { state, challenge: None, public_key: None, ..passkey.clone() }));
    forget_proofs(user, cx, change, None, |proofs| rest_on(proofs, Some(passkey.factor), None));
}
