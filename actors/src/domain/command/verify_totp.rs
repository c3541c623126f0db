//! A TOTP code as the second proof of a login (RFC 6238).
//!
//! The order: does the login live? → is a device's throttle open? → all steps of the window, compared in constant time →
//! a step at or below the last accepted one is a replay. One guess counts against every device that it is compared with
//! (HAZARDS H12), and a replay counts and is answered as a wrong code.

use schema::record::{AuditEvent, Method, Proof, Totp};
use serde::{Deserialize, Serialize};

use super::{
    Decide, Decision, codes,
    sign_in::{self, LoginRef, SignInOutcome},
};
use crate::{
    domain::{
        change::{Change, Item},
        context::Context,
        event::WithFact,
        factor::totp::{self, Code, Verdict},
        throttle::Gate,
        user::{Areas, User},
    },
    vault::Purpose,
};

/// The name of a TOTP device's throttle.
pub(crate) fn throttle_of(totp: &Totp) -> String {
    format!("totp/{}", totp.factor)
}

/// A code was typed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct VerifyTotp {
    /// The login that awaits it.
    pub login: LoginRef,
    /// Six digits.
    pub code: Code,
}

impl Decide for VerifyTotp {
    type Outcome = SignInOutcome;
    const NAME: &'static str = "verify_totp";
    const NEEDS: Areas = Areas::LOGINS.and(Areas::SESSIONS).and(Areas::FAMILIES);
    /// A used step is found out by the commit that uses it.
    const REVOKES: bool = false;

    fn misses(outcome: &Self::Outcome) -> bool {
        matches!(outcome, SignInOutcome::LoginEnded)
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<SignInOutcome> {
        if sign_in::live_login(user, &self.login, cx).is_none() {
            return Decision::answer(SignInOutcome::LoginEnded);
        }
        let mut change = Change::default();
        match check_against_all(user, cx, &mut change, &self.login, &self.code) {
            Checked::Accepted(totp) => {
                let proof = Proof { method: Method::Totp, at: cx.now, factor: Some(totp.factor), credential: None };
                let outcome = sign_in::accept(user, cx, &mut change, &self.login, proof);
                let event = sign_in::told(user, cx, Method::Totp, &outcome).with("factor", totp.factor.to_string());
                Decision { change, events: vec![event], outcome }
            }
            Checked::Refused { replayed, closed } => {
                let event = sign_in::told(user, cx, Method::Totp, &SignInOutcome::Wrong);
                let event = event.with("reason", if replayed { "replayed" } else { "wrong" });
                let events = [event].into_iter().chain(closed).collect();
                Decision { change, events, outcome: SignInOutcome::Wrong }
            }
            Checked::Closed(outcome) => Decision::answer(outcome),
        }
    }
}

/// What a code came to, with its consequences already in the change.
enum Checked {
    Accepted(Totp),
    Refused {
        replayed: bool,
        /// What the guess closed.
        closed: Vec<AuditEvent>,
    },
    Closed(SignInOutcome),
}

fn check_against_all(user: &User, cx: &Context<'_>, change: &mut Change, of: &LoginRef, code: &Code) -> Checked {
    let bucket = user.bucket(of.device.as_ref(), cx.now);
    let mut closed = None;
    let mut compared = Vec::new();
    let mut accepted = None;
    let mut replayed = false;
    for totp in user.active_totps() {
        match codes::gate(user, &throttle_of(totp), bucket, cx.now) {
            Gate::Open { .. } => {}
            Gate::Closed { until } => {
                closed = Some(soonest(closed, SignInOutcome::Throttled { until }));
                continue;
            }
            Gate::Suspended => {
                closed = Some(soonest(closed, SignInOutcome::Suspended));
                continue;
            }
        }
        match verdict_of(user, cx, totp, code) {
            Verdict::Accepted { step } => accepted = Some((totp, step)),
            Verdict::Replayed => replayed = true,
            Verdict::Wrong => {}
        }
        compared.push(totp);
    }
    if let Some((totp, step)) = accepted {
        codes::succeeded(user, change, bucket, throttle_of(totp));
        let used = Totp { last_step: step, last_used_at: Some(cx.now), ..totp.clone() };
        change.put(Item::Totp(used.clone()));
        return Checked::Accepted(used);
    }
    if compared.is_empty() {
        return Checked::Closed(closed.unwrap_or(SignInOutcome::LoginEnded));
    }
    let closed = codes::failed(user, cx, change, of, compared.into_iter().map(throttle_of));
    Checked::Refused { replayed, closed }
}

/// Opens the seed for this one comparison; it is zeroised when it goes out of scope. A seed that does not open proves
/// nothing.
pub(super) fn verdict_of(user: &User, cx: &Context<'_>, totp: &Totp, code: &Code) -> Verdict {
    let aad = [user.id.to_string(), totp.factor.to_string()];
    match cx.vault.open(Purpose::TotpSeed, &[&aad[0], &aad[1]], &totp.seed) {
        Ok(seed) => totp::check(&seed, code, cx.now, cx.settings.totp_window, totp.last_step),
        Err(_) => Verdict::Wrong,
    }
}

/// Of two reasons not to look, the one that ends first.
fn soonest(known: Option<SignInOutcome>, new: SignInOutcome) -> SignInOutcome {
    match (known, new) {
        (Some(SignInOutcome::Throttled { until: a }), SignInOutcome::Throttled { until: b }) => {
            SignInOutcome::Throttled { until: a.min(b) }
        }
        (Some(throttled @ SignInOutcome::Throttled { .. }), _) => throttled,
        (_, new) => new,
    }
}
