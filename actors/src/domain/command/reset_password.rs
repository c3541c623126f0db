//! A reset link sets a new password, once, and ends every other. It signs nobody in: the second factor is asked for as ever.

use schema::{ResetId, record::Reset};
use serde::{Deserialize, Serialize};

use super::{
    Decide, Decision, change_password::replace_password, end_session::end_all_but, mail_reset, tokens,
    trusted_device::end_trust,
};
use crate::{
    domain::{
        change::{Change, Item, ItemKey},
        context::Context,
        event,
        letter::{self, Notice},
        recovery,
        user::{Areas, User, rest_on},
    },
    secret::ct_eq_str,
};

/// The link was followed. Without a hash it is only asked whether it is good; a GET consumes nothing.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ResetPassword {
    /// From the link.
    pub reset: ResetId,
    /// SHA-256 of the link's secret part.
    pub secret_hash: String,
    /// The new password's hash.
    pub new_hash: Option<String>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ResetPasswordOutcome {
    /// The link is good.
    Good {
        /// Whose it is.
        user_name: String,
        /// Does the account ask for a second factor?
        second_factor: bool,
    },
    /// The password is set, everything that the old one opened has ended.
    Done,
    /// Used, expired, or never made.
    Ended,
}

impl Decide for ResetPassword {
    type Outcome = ResetPasswordOutcome;
    const NAME: &'static str = "reset_password";
    const NEEDS: Areas = Areas::SESSIONS.and(Areas::LOGINS).and(Areas::FAMILIES).and(Areas::RESETS);
    /// Sessions, devices and families end with the old password.
    const REVOKES: bool = true;

    fn revoked(outcome: &Self::Outcome) -> bool {
        matches!(outcome, ResetPasswordOutcome::Done)
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<ResetPasswordOutcome> {
        let good = |reset: &&Reset| {
            reset.used_at.is_none() && cx.now < reset.expires_at && ct_eq_str(&reset.secret_hash, &self.secret_hash)
        };
        let found = user.resets.get(&self.reset).filter(good);
        let (Some(reset), Some(account)) = (found, user.active_account()) else {
            return Decision::answer(ResetPasswordOutcome::Ended);
        };
        let Some(hash) = &self.new_hash else {
            let user_name = account.user_name.clone();
            let second_factor = user.has_second_factor();
            return Decision::answer(ResetPasswordOutcome::Good { user_name, second_factor });
        };
        let mut change = Change::default();
        replace_password(user, cx, &mut change, hash, reset.issued_by == mail_reset::ISSUER);
        let cancelled = recovery::forget(user, cx, &mut change);
        end_trust(user, cx, &mut change, |_| true, None);
        change.put(Item::Reset(Reset { used_at: Some(cx.now), ..reset.clone() }));
        end_all_but(user, &mut change, None);
        for device in user.devices.keys() {
            change.delete(ItemKey::Device(*device));
        }
        if let Some(old) = &user.password {
            tokens::end_resting(user, cx, &mut change, |proofs| rest_on(proofs, None, Some(old.credential)));
        }
        letter::notice(user, cx, &mut change, Notice::PasswordReset);
        let event = recovery::noted(event::of(cx, "password.reset", user.id), cancelled);
        Decision { change, events: vec![event], outcome: ResetPasswordOutcome::Done }
    }
}
