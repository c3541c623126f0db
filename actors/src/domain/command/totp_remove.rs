//! Removing a TOTP device: Activated → Revoked, for good. What rested on it goes with it (HAZARDS H16).

use schema::{
    FactorId, SessionId,
    record::{Proof, Totp},
};
use serde::{Deserialize, Serialize};

use super::{
    Decide, Decision, RemoveOutcome,
    device::{self, Removed},
    tokens,
    verify_totp::throttle_of,
};
use crate::domain::{
    change::{Change, Item, ItemKey},
    context::Context,
    device::{Step, is_revoked, next},
    letter::Notice,
    user::{Areas, SessionRef, User, rest_on},
};

/// A user removes a device.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RemoveTotp {
    /// The session.
    pub session: SessionRef,
    /// The device.
    pub factor: FactorId,
}

impl Decide for RemoveTotp {
    type Outcome = RemoveOutcome;
    const NAME: &'static str = "remove_totp";
    const NEEDS: Areas = Areas::SESSIONS.and(Areas::LOGINS).and(Areas::CODES).and(Areas::FAMILIES).and(Areas::BACKUP);
    /// Proofs and families that rest on the device end.
    const REVOKES: bool = true;
    const SENSITIVE: bool = true;

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<RemoveOutcome> {
        let found = user.totps.get(&self.factor).filter(|t| !is_revoked(t.state));
        let revoke = |change: &mut Change| found.iter().for_each(|totp| revoke(user, cx, change, totp));
        let removed =
            Removed { factor: self.factor, method: "totp", notice: Notice::AuthenticatorRemoved, revoke: &revoke };
        device::remove(user, cx, &self.session, found.map(|_| &removed))
    }
}

/// Revokes a device: its seed is forgotten, sessions lose the proofs that it gave, logins and families that rest on it end.
pub(super) fn revoke(user: &User, cx: &Context<'_>, change: &mut Change, totp: &Totp) {
    let Some(state) = next(totp.state, Step::Removed, cx.now) else { return };
    change.put(Item::Totp(Totp { state, seed: String::new(), ..totp.clone() }));
    change.delete(ItemKey::Throttle(throttle_of(totp)));
    forget_proofs(user, cx, change, None, |proofs| rest_on(proofs, Some(totp.factor), None));
}

/// The backup codes go, and with them what rests on them.
pub(super) fn void_backup(user: &User, cx: &Context<'_>, change: &mut Change) {
    let Some(set) = &user.backup else { return };
    change.delete(ItemKey::Backup);
    change.delete(ItemKey::Throttle(super::judge_backup_code::THROTTLE.to_owned()));
    forget_proofs(user, cx, change, None, |proofs| rest_on(proofs, None, Some(set.credential)));
}

/// Sessions lose the proofs that rest on something, but for one, if it is excepted; logins on their way to a session end, and families.
pub(super) fn forget_proofs(
    user: &User,
    cx: &Context<'_>,
    change: &mut Change,
    except: Option<SessionId>,
    rests: impl Fn(&[Proof]) -> bool,
) {
    for login in user.logins.values().filter(|login| rests(&login.proofs)) {
        change.delete(ItemKey::Login(login.login));
    }
    for stored in user.sessions.values().filter(|stored| Some(stored.session) != except) {
        // One that this very decision ended stays ended.
        if change.deletes().contains(&ItemKey::Session(stored.session)) {
            continue;
        }
        // What this very decision took from the session already stays taken.
        let taken = change.puts().iter().find_map(|item| match item {
            Item::Session(session) if session.session == stored.session => Some(session),
            _ => None,
        });
        let mut session = taken.unwrap_or(stored).clone();
        if rests(&session.proofs) {
            session.proofs.retain(|proof| !rests(std::slice::from_ref(proof)));
            change.put(Item::Session(session));
        }
    }
    tokens::end_resting(user, cx, change, rests);
}
