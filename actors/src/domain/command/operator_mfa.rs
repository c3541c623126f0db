//! What an operator does about the second steps of one account: one device is removed, or a second step is asked for whatever the policies
//! say. Each is audited under the operator's name.

use schema::{
    FactorId,
    record::{Account, Channel},
};
use serde::{Deserialize, Serialize};

use super::{
    Decide, Decision, address_remove, passkey_remove,
    totp_remove::{revoke, void_backup},
    trusted_device::end_trust,
};
use crate::domain::{
    address,
    change::{Change, Item, ItemKey},
    context::Context,
    device::is_revoked,
    event::{self, WithFact},
    letter::{self, Notice},
    recovery,
    user::{Areas, User, rest_on},
};

/// One device is gone, with the sessions and families that rest on it; with the last one the backup codes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RevokeDevice {
    /// Which.
    pub factor: FactorId,
}

impl Decide for RevokeDevice {
    /// Was it there?
    type Outcome = bool;
    const NAME: &'static str = "revoke_device";
    const NEEDS: Areas = Areas::SESSIONS.and(Areas::LOGINS).and(Areas::CODES).and(Areas::FAMILIES).and(Areas::BACKUP);
    /// Sessions and families that rest on the device end.
    const REVOKES: bool = true;

    fn misses(outcome: &Self::Outcome) -> bool {
        !*outcome
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<bool> {
        let mut change = Change::default();
        let Some((method, notice)) = self.revoke(user, cx, &mut change) else {
            return Decision::answer(false);
        };
        if user.second_factors().all(|factor| factor == self.factor) {
            void_backup(user, cx, &mut change);
        }
        end_trust(user, cx, &mut change, |_| true, None);
        // What else was proved in them may have been proved by who had the device.
        let resting = user.sessions.values().filter(|session| rest_on(&session.proofs, Some(self.factor), None));
        let mut sessions = 0_usize;
        for session in resting {
            change.delete(ItemKey::Session(session.session));
            sessions += 1;
        }
        let ended = recovery::end(user, cx, &mut change);
        letter::notice(user, cx, &mut change, notice);
        let event = event::of(cx, "factor.revoked", user.id).with("method", method);
        let event = event.with("factor", self.factor.to_string()).with("sessions", sessions);
        Decision { change, events: vec![recovery::noted(event, ended)], outcome: true }
    }
}

impl RevokeDevice {
    /// Revokes the device; says its method, and what its owner is told. `None`: there is none, or no more.
    fn revoke(&self, user: &User, cx: &Context<'_>, change: &mut Change) -> Option<(&'static str, Notice)> {
        if let Some(totp) = user.totps.get(&self.factor).filter(|totp| !is_revoked(totp.state)) {
            revoke(user, cx, change, totp);
            return Some(("totp", Notice::AuthenticatorRemoved));
        }
        for channel in [Channel::Email, Channel::Sms] {
            if let Some(found) = user.addresses(channel).get(&self.factor).filter(|found| !is_revoked(found.state)) {
                address_remove::revoke(user, cx, change, (channel, found));
                return Some((address::name(channel), address::notice(channel, false)));
            }
        }
        let passkey = user.passkeys.get(&self.factor).filter(|passkey| !is_revoked(passkey.state))?;
        passkey_remove::revoke(user, cx, change, passkey);
        Some(("passkey", Notice::PasskeyRemoved))
    }
}

/// A second step is asked for of this account, whatever the policies say; or no more than they say.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RequireMfa {
    /// Is it?
    pub required: bool,
}

impl Decide for RequireMfa {
    /// Did it change anything? `None`: there is no such account.
    type Outcome = Option<bool>;
    const NAME: &'static str = "require_mfa";
    const NEEDS: Areas = Areas::NONE;
    /// Who has proved no second step gets neither a page, nor a code, nor further tokens. Access tokens that are out go on to their end.
    const REVOKES: bool = true;

    fn revoked(outcome: &Self::Outcome) -> bool {
        *outcome == Some(true)
    }

    fn misses(outcome: &Self::Outcome) -> bool {
        outcome.is_none()
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<Option<bool>> {
        let Some(account) = &user.account else {
            return Decision::answer(None);
        };
        if account.mfa_required_at.is_some() == self.required {
            return Decision::answer(Some(false));
        }
        let mut change = Change::default();
        let mfa_required_at = self.required.then_some(cx.now);
        change.put(Item::Account(Account { mfa_required_at, ..account.clone() }));
        let kind = if self.required { "mfa.required" } else { "mfa.not_required" };
        Decision { change, events: vec![event::of(cx, kind, user.id)], outcome: Some(true) }
    }
}
