//! The verdict of a password hash, decided on the state of this moment (HAZARDS H7).
//!
//! The order: is the verdict about the current password? → is its throttle open? → right or wrong? Only then does
//! anything change, and it is committed before the answer.

use schema::{
    CredentialId,
    record::{AuditEvent, Method, Proof},
};
use serde::{Deserialize, Serialize};

use super::{
    Decide, Decision, guess,
    sign_in::{self, Accepted, LoginRef, SignInOutcome},
    trusted_device::end_trust,
};
use crate::domain::{
    change::{Change, Item},
    context::Context,
    event::WithFact,
    throttle::{self, Gate},
    trusted_device::{self, Given, Met},
    user::{Areas, User},
};

/// The name of the password's throttle.
pub const THROTTLE: &str = "password";

/// A hash was computed; what follows from it?
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JudgePassword {
    /// The login.
    pub login: LoginRef,
    /// The password that the hash was computed against.
    pub credential: CredentialId,
    /// Its version.
    pub version: u32,
    /// Did it match?
    pub right: bool,
    /// The same password under the parameters in force, when those of the stored hash are out of date.
    pub rehash: Option<String>,
}

impl Decide for JudgePassword {
    type Outcome = SignInOutcome;
    const NAME: &'static str = "judge_password";
    const NEEDS: Areas = Areas::LOGINS.and(Areas::SESSIONS).and(Areas::FAMILIES);
    /// A sign-in only adds, and a new hash is of the same password. But a copied cookie ends the trust in its browser, with the sessions
    /// that rest on it.
    const REVOKES: bool = true;

    fn revoked(outcome: &Self::Outcome) -> bool {
        matches!(outcome, SignInOutcome::SecondFactor { trust_ended: true, .. })
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<SignInOutcome> {
        let current = user.password.as_ref();
        let Some(password) = current.filter(|p| p.credential == self.credential && p.version == self.version) else {
            return Decision::answer(SignInOutcome::Stale);
        };
        let bucket = user.bucket(self.login.device.as_ref(), cx.now);
        let mut counts = user.throttle(THROTTLE);
        match throttle::password_gate(&counts, bucket, cx.now) {
            Gate::Open { .. } => {}
            Gate::Closed { until } => return Decision::answer(SignInOutcome::Throttled { until }),
            Gate::Suspended => return Decision::answer(SignInOutcome::Suspended),
        }
        let mut change = Change::default();
        // A disabled user's right password is answered, counted and written as a wrong one (HAZARDS H13).
        let disabled = user.active_account().is_none();
        if !self.right || disabled {
            let closed = guess::wrong_password(user, cx, &mut change, bucket);
            let event = sign_in::told(user, cx, Method::Password, &SignInOutcome::Wrong);
            let event = if disabled { event.with("reason", "disabled") } else { event };
            let events = [event].into_iter().chain(closed).collect();
            return Decision { change, events, outcome: SignInOutcome::Wrong };
        }
        if user.throttles.contains_key(THROTTLE) {
            throttle::succeed(&mut counts, bucket);
            change.put(Item::Throttle(THROTTLE.to_owned(), counts));
        }
        if let Some(hash) = &self.rehash {
            let version = password.version + 1;
            change.put(Item::Password(schema::record::Password { hash: hash.clone(), version, ..password.clone() }));
        }
        let proof = Proof { method: Method::Password, at: cx.now, factor: None, credential: Some(password.credential) };
        let mut events = Vec::new();
        let stand_in = self.stand_in(user, cx, &mut change, (&proof, &mut events));
        let trusted = stand_in.as_ref().and_then(|(proof, _)| proof.factor);
        let copied = !events.is_empty();
        let mut outcome = sign_in::accept_with(user, cx, &mut change, &self.login, Accepted { proof, stand_in });
        if let SignInOutcome::SecondFactor { trust_ended, .. } = &mut outcome {
            *trust_ended = copied;
        }
        let mut event = sign_in::told(user, cx, Method::Password, &outcome);
        if let Some(device) = trusted {
            event = event.with("trusted_device", device.to_string());
        }
        events.push(event);
        Decision { change, events, outcome }
    }
}

impl JudgePassword {
    /// What the cookie of a trusted device is good for, where a second proof would be asked for. A copied one ends what rests
    /// on it.
    fn stand_in(
        &self,
        user: &User,
        cx: &Context<'_>,
        change: &mut Change,
        (first, events): (&Proof, &mut Vec<AuditEvent>),
    ) -> Option<(Proof, Option<Given>)> {
        let shown = sign_in::shown_trust(user, &self.login, cx, first).filter(|_| user.has_second_factor())?;
        match trusted_device::meet(user, cx, change, shown) {
            Met::Trusted { proof, given } => Some((proof, given)),
            Met::Copied { device, event } => {
                end_trust(user, cx, change, |other| other == device, None);
                events.push(*event);
                None
            }
            Met::Nothing => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Ways, *};

    /// Else each sign-in waited for every node.
    #[test]
    fn a_password_revokes_only_where_its_cookie_of_a_trusted_device_was_copied() {
        let expires_at = schema::Timestamp::from_millis(0);
        let typed =
            |trust_ended| SignInOutcome::SecondFactor { expires_at, ways: Ways::by_app(), stage: None, trust_ended };
        assert!(JudgePassword::revoked(&typed(true)));
        assert!(!JudgePassword::revoked(&typed(false)) && !JudgePassword::revoked(&SignInOutcome::Wrong));
    }
}
