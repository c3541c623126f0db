//! What an operator does to an account. Each is audited under the operator's name.

use schema::{
    ResetId, Timestamp,
    record::{Account, AccountStatus, Channel, FamilyEnd, Reset, Unknown},
};
use serde::{Deserialize, Serialize};

use super::{
    Decide, Decision, address_remove, codes,
    end_session::end_all_but,
    passkey_remove, tokens,
    totp_remove::{revoke, void_backup},
    trusted_device::end_trust,
};
use crate::{
    domain::{
        address,
        change::{Change, Item, ItemKey},
        context::Context,
        device::is_revoked,
        event::{self, WithFact},
        letter::{self, Notice},
        limits, recovery,
        user::{Areas, User},
    },
    secret::sha256_b64,
};

/// No sign-in any more; every session and family ends, and the trust in every browser.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DisableUser;

impl Decide for DisableUser {
    /// Did it change anything?
    type Outcome = bool;
    const NAME: &'static str = "disable_user";
    const NEEDS: Areas = Areas::SESSIONS.and(Areas::LOGINS).and(Areas::FAMILIES).and(Areas::RESETS);
    /// Everything of the account ends.
    const REVOKES: bool = true;

    fn misses(outcome: &Self::Outcome) -> bool {
        !*outcome
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<bool> {
        let Some(account) = user.active_account() else {
            return Decision::answer(false);
        };
        let mut change = Change::default();
        let status = AccountStatus::Disabled { at: cx.now };
        change.put(Item::Account(Account { status, ..account.clone() }));
        end_all_but(user, &mut change, None);
        end_trust(user, cx, &mut change, |_| true, None);
        for reset in user.resets.keys() {
            change.delete(ItemKey::Reset(*reset));
        }
        tokens::end_families(user, cx, &mut change, FamilyEnd::Operator, |_| true);
        let ended = recovery::end(user, cx, &mut change);
        let event = recovery::noted(event::of(cx, "account.disabled", user.id), ended);
        Decision { change, events: vec![event], outcome: true }
    }
}

/// Sign-in is possible again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EnableUser;

impl Decide for EnableUser {
    /// Did it change anything?
    type Outcome = bool;
    const NAME: &'static str = "enable_user";
    const NEEDS: Areas = Areas::NONE;
    /// It gives back; but no node is to refuse somebody from memory, once the operator was told that they may sign in.
    const REVOKES: bool = true;

    fn revoked(outcome: &Self::Outcome) -> bool {
        *outcome
    }

    fn misses(outcome: &Self::Outcome) -> bool {
        !*outcome
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<bool> {
        let disabled = |account: &&Account| account.status != AccountStatus::Active;
        let Some(account) = user.account.as_ref().filter(disabled) else {
            return Decision::answer(false);
        };
        let mut change = Change::default();
        change.put(Item::Account(Account { status: AccountStatus::Active, ..account.clone() }));
        let event = event::of(cx, "account.enabled", user.id);
        Decision { change, events: vec![event], outcome: true }
    }
}

/// All second factors and backup codes are gone, and all sessions with them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ResetMfa;

impl Decide for ResetMfa {
    /// How many devices were revoked.
    type Outcome = usize;
    const NAME: &'static str = "reset_mfa";
    const NEEDS: Areas = Areas::SESSIONS.and(Areas::LOGINS).and(Areas::FAMILIES).and(Areas::BACKUP);
    /// Proofs, sessions and families end with the devices.
    const REVOKES: bool = true;

    fn misses(outcome: &Self::Outcome) -> bool {
        *outcome == 0
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<usize> {
        let mut change = Change::default();
        let revoked = remove_factors(user, cx, &mut change);
        let ended = recovery::end(user, cx, &mut change);
        if change.is_empty() {
            return Decision::answer(0);
        }
        end_all_but(user, &mut change, None);
        letter::notice(user, cx, &mut change, Notice::SecondFactorsReset);
        let event = recovery::noted(event::of(cx, "mfa.reset", user.id).with("devices", revoked), ended);
        Decision { change, events: vec![event], outcome: revoked }
    }
}

/// Revokes every second factor, with the backup codes, the trust in browsers, and the counts of wrong codes; says how many devices.
pub(super) fn remove_factors(user: &User, cx: &Context<'_>, change: &mut Change) -> usize {
    let mut revoked = 0;
    for totp in user.totps.values().filter(|t| !is_revoked(t.state)) {
        revoke(user, cx, change, totp);
        revoked += 1;
    }
    for channel in [Channel::Email, Channel::Sms] {
        for address in user.addresses(channel).values().filter(|a| !is_revoked(a.state)) {
            address_remove::revoke(user, cx, change, (channel, address));
            revoked += 1;
        }
    }
    for passkey in user.passkeys.values().filter(|p| !is_revoked(p.state)) {
        passkey_remove::revoke(user, cx, change, passkey);
        revoked += 1;
    }
    void_backup(user, cx, change);
    let enrolments = [Channel::Email, Channel::Sms].map(address::enrolment_throttle);
    end_trust(user, cx, change, |_| true, None);
    for throttle in enrolments.into_iter().chain([codes::THROTTLE, recovery::THROTTLE]) {
        if user.throttles.contains_key(throttle) {
            change.delete(ItemKey::Throttle(throttle.to_owned()));
        }
    }
    revoked
}

/// Make a link that sets a new password. Its secret is [`IssueReset::secret`] of the attempt.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IssueReset;

/// The link, or none.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum IssueResetOutcome {
    /// Made.
    Issued {
        /// Which.
        reset: ResetId,
        /// Its end.
        expires_at: Timestamp,
    },
    /// There is no such account, or it is disabled.
    NoAccount,
}

impl IssueReset {
    /// The secret part of the link, 128 bits.
    pub fn secret(seed: &crate::secret::Seed) -> [u8; 16] {
        seed.derive("reset secret")
    }
}

impl Decide for IssueReset {
    type Outcome = IssueResetOutcome;
    const NAME: &'static str = "issue_reset";
    const NEEDS: Areas = Areas::RESETS;
    /// A link is judged by the commit that uses it, wherever that runs.
    const REVOKES: bool = false;

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<IssueResetOutcome> {
        if user.active_account().is_none() {
            return Decision::answer(IssueResetOutcome::NoAccount);
        }
        let mut change = Change::default();
        // One link at a time.
        for old in user.resets.values().filter(|reset| reset.used_at.is_none()) {
            change.delete(ItemKey::Reset(old.reset));
        }
        let seed = &cx.attempt.seed;
        let reset = ResetId::from_bytes(seed.derive("reset"));
        let expires_at = cx.now.after(limits::RESET_LIFETIME);
        change.put(Item::Reset(Reset {
            reset,
            secret_hash: sha256_b64(&Self::secret(seed)),
            issued_by: cx.attempt.origin.actor.clone().unwrap_or_default(),
            expires_at,
            used_at: None,
            unknown: Unknown::default(),
        }));
        let event = event::of(cx, "password.reset_issued", user.id).with("reset", reset.to_string());
        Decision { change, events: vec![event], outcome: IssueResetOutcome::Issued { reset, expires_at } }
    }
}
