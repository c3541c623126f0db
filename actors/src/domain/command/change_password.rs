//! A signed-in user chooses a new password. Everything that the old one opened elsewhere closes: other sessions, known
//! devices, families that rest on it.

use schema::{
    CredentialId, Timestamp,
    record::{Method, Password, Proof, Unknown},
};
use serde::{Deserialize, Serialize};

use super::{
    Decide, Decision,
    end_session::end_all_but,
    guess,
    judge_password::THROTTLE,
    sensitive::{self, Operation},
    sign_in::{SignIn, SignedIn},
    tokens,
    trusted_device::end_trust,
};
use crate::domain::{
    assurance,
    change::{Change, Item, ItemKey},
    context::Context,
    event::{self, WithFact},
    letter::{self, Notice},
    recovery,
    throttle::{self, Gate},
    user::{Areas, SessionRef, User, rest_on},
};

/// The verdict on the current password, and the hash of the new one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ChangePassword {
    /// The session.
    pub session: SessionRef,
    /// The password that the verdict was computed against.
    pub credential: CredentialId,
    /// Its version.
    pub version: u32,
    /// Was the current password right?
    pub right: bool,
    /// The new password's hash.
    pub new_hash: String,
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum ChangePasswordOutcome {
    /// Changed; the session goes on under a new secret.
    Changed(SignedIn),
    /// The current password is not right.
    Wrong,
    /// Not looked at.
    Throttled {
        /// When to try again.
        until: Timestamp,
    },
    /// Not looked at: suspended.
    Suspended,
    /// Computed against a password that is not the current one any more.
    Stale,
    /// The session has ended.
    SessionEnded,
    /// Fresh proofs are needed first.
    NotFresh,
}

impl Decide for ChangePassword {
    type Outcome = ChangePasswordOutcome;
    const NAME: &'static str = "change_password";
    const NEEDS: Areas = Areas::SESSIONS.and(Areas::LOGINS).and(Areas::CODES).and(Areas::FAMILIES).and(Areas::RESETS);
    /// Other sessions, devices and families end with the old password.
    const REVOKES: bool = true;
    const SENSITIVE: bool = true;

    fn revoked(outcome: &Self::Outcome) -> bool {
        matches!(outcome, ChangePasswordOutcome::Changed(_))
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<ChangePasswordOutcome> {
        let Some(session) = user.live_session(&self.session, cx.now, cx.settings) else {
            return Decision::answer(ChangePasswordOutcome::SessionEnded);
        };
        if !sensitive::allows(user, session, cx, Operation::ChangePassword) {
            return Decision::answer(ChangePasswordOutcome::NotFresh);
        }
        let current = user.password.as_ref();
        let Some(password) = current.filter(|p| p.credential == self.credential && p.version == self.version) else {
            return Decision::answer(ChangePasswordOutcome::Stale);
        };
        let bucket = user.bucket(Some(&session.device), cx.now);
        match throttle::password_gate(&user.throttle(THROTTLE), bucket, cx.now) {
            Gate::Open { .. } => {}
            Gate::Closed { until } => return Decision::answer(ChangePasswordOutcome::Throttled { until }),
            Gate::Suspended => return Decision::answer(ChangePasswordOutcome::Suspended),
        }
        let mut change = Change::default();
        if !self.right {
            let closed = guess::wrong_password(user, cx, &mut change, bucket);
            let event = event::of(cx, "password.change_failed", user.id);
            let events = [event].into_iter().chain(closed).collect();
            return Decision { change, events, outcome: ChangePasswordOutcome::Wrong };
        }
        let old = password.credential;
        let cancelled = recovery::forget(user, cx, &mut change);
        let credential = replace_password(user, cx, &mut change, &self.new_hash, false);
        end_trust(user, cx, &mut change, |_| true, Some(session.session));
        end_all_but(user, &mut change, Some(session.session));
        for device in user.devices.keys().filter(|id| **id != session.device) {
            change.delete(ItemKey::Device(*device));
        }
        let mut session = session.clone();
        let proof = Proof { method: Method::Password, at: cx.now, factor: None, credential: Some(credential) };
        assurance::add(&mut session.proofs, proof);
        session.secret_hash = SignIn::session_secret_hash(&cx.attempt.seed);
        session.last_seen_at = cx.now;
        let signed_in = SignedIn {
            session: session.session,
            device: session.device,
            expires_at: session.expires_at,
            trusted: None,
        };
        change.put(Item::Session(session));
        let families = tokens::end_resting(user, cx, &mut change, |proofs| rest_on(proofs, None, Some(old)));
        letter::notice(user, cx, &mut change, Notice::PasswordChanged);
        let event = event::of(cx, "password.changed", user.id).with("families_ended", families);
        let event = recovery::noted(event, cancelled);
        Decision { change, events: vec![event], outcome: ChangePasswordOutcome::Changed(signed_in) }
    }
}

/// A new password: a new credential, a clean throttle, and no reset link left. Whoever calls ends what rests on the old one, and says
/// whether it came by a mailed link.
pub(super) fn replace_password(
    user: &User,
    cx: &Context<'_>,
    change: &mut Change,
    hash: &str,
    by_mail: bool,
) -> CredentialId {
    let credential = CredentialId::from_bytes(cx.attempt.seed.derive("password credential"));
    change.put(Item::Password(Password {
        credential,
        version: 1,
        hash: hash.to_owned(),
        changed_at: cx.now,
        by_mail,
        compromised_at: None,
        unknown: Unknown::default(),
    }));
    change.delete(ItemKey::Throttle(THROTTLE.to_owned()));
    for reset in user.resets.values().filter(|reset| reset.used_at.is_none()) {
        change.delete(ItemKey::Reset(reset.reset));
    }
    credential
}
