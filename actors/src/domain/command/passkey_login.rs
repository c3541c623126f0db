//! A passkey at sign-in: as the second proof of a login, or alone, without a name typed.
//!
//! 1. The edge draws a challenge and seals it to the login and the browser. Nothing is stored (HAZARDS H10).
//! 2. The authenticator signs it. Without a name the answer says whose key it is; the edge asks that user's owner.
//! 3. Here: is the key one of the user's, is the answer right, was the challenge not used? The commit that accepts the answer keeps
//!    the challenge's hash until nobody can answer it any more, so one answer signs in once, whatever login it is shown to. When
//!    there is no room for another hash nobody signs in so; none is dropped for it.
//!
//! A passkey that stands alone must verify its user. A right signature with a counter that was seen before is refused and told
//! to the owner, since the key may have been copied; keys that do not count send 0 for ever, and are not meant.
//!
//! Nothing here is guessed, so there is no throttle, and without a first proof nothing is written for an answer that is not good.

use schema::{
    GRACE, Timestamp,
    record::{AuditEvent, Method, Passkey, Proof, PublicKey, Unknown, UsedChallenge},
};
use serde::{Deserialize, Serialize};
use webauthn_rs_core::proto::PublicKeyCredential;

use super::{
    Decide, Decision,
    sign_in::{self, LoginRef, SignInOutcome},
};
use crate::domain::{
    change::{Change, Item, collectable},
    context::Context,
    event::WithFact,
    factor::passkey::{Challenge, RelyingParty, Verdict, Verification},
    letter::{self, Notice},
    limits,
    user::{Areas, User},
};

/// A challenge that a browser was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ceremony {
    /// What is to be signed.
    pub challenge: Challenge,
    /// Its end.
    pub expires_at: Timestamp,
}

/// Which passkeys can a login be completed with?
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ShowLoginPasskeys {
    /// The login that awaits a second proof.
    pub login: LoginRef,
}

impl Decide for ShowLoginPasskeys {
    /// Their keys; `None` if the login is not there.
    type Outcome = Option<Vec<PublicKey>>;
    const NAME: &'static str = "show_login_passkeys";
    const NEEDS: Areas = Areas::LOGINS;
    /// It only looks.
    const REVOKES: bool = false;
    const LOOKS: bool = true;

    fn misses(outcome: &Self::Outcome) -> bool {
        outcome.is_none()
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<Option<Vec<PublicKey>>> {
        let login = sign_in::live_login(user, &self.login, cx);
        Decision::answer(login.map(|_| user.active_passkeys().map(|(_, key)| key.clone()).collect()))
    }
}

/// A challenge was answered.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct VerifyPasskey {
    /// The login, begun or not.
    pub login: LoginRef,
    /// What was asked.
    pub ceremony: Ceremony,
    /// The answer.
    pub answer: Box<PublicKeyCredential>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum VerifyPasskeyOutcome {
    /// It was looked at.
    Judged(SignInOutcome),
    /// The user has no such key, or there is no such user.
    Unknown,
}

impl Decide for VerifyPasskey {
    type Outcome = VerifyPasskeyOutcome;
    const NAME: &'static str = "verify_passkey";
    const NEEDS: Areas = Areas::LOGINS.and(Areas::SESSIONS).and(Areas::CHALLENGES).and(Areas::FAMILIES);
    /// A used challenge is found out by the commit that uses it.
    const REVOKES: bool = false;

    fn misses(outcome: &Self::Outcome) -> bool {
        matches!(outcome, VerifyPasskeyOutcome::Unknown | VerifyPasskeyOutcome::Judged(SignInOutcome::LoginEnded))
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<VerifyPasskeyOutcome> {
        let judged = |outcome| Decision::answer(VerifyPasskeyOutcome::Judged(outcome));
        if cx.now >= self.ceremony.expires_at {
            return judged(SignInOutcome::LoginEnded);
        }
        let id = data_encoding::BASE64URL_NOPAD.encode(&self.answer.raw_id);
        let Some((passkey, key)) = user.active_passkeys().find(|(_, key)| key.id == id) else {
            return Decision::answer(VerifyPasskeyOutcome::Unknown);
        };
        let begun = sign_in::live_login(user, &self.login, cx).is_some();
        let reason = match self.verdict(user, cx, key, begun) {
            Verdict::Right { .. } | Verdict::Counted if user.challenges.contains_key(&self.hash()) => "used_challenge",
            Verdict::Right { .. } | Verdict::Counted if user.active_account().is_none() => "disabled",
            Verdict::Right { .. } | Verdict::Counted if let Some(until) = full_until(user, cx.now) => {
                return judged(SignInOutcome::Throttled { until });
            }
            Verdict::Right { user_verified, counter, backed_up } => {
                let key = PublicKey { counter, backed_up, ..key.clone() };
                return self.accept(user, cx, passkey, (key, user_verified));
            }
            Verdict::Counted => return self.copied(user, cx, passkey),
            Verdict::Wrong(reason) => reason,
        };
        if !begun {
            return judged(SignInOutcome::Wrong);
        }
        let event = told(user, cx, passkey, &SignInOutcome::Wrong).with("reason", reason);
        let outcome = VerifyPasskeyOutcome::Judged(SignInOutcome::Wrong);
        Decision { change: Change::default(), events: vec![event], outcome }
    }
}

/// Until when there is no room for another used challenge, if there is none. What is past its grace leaves with the next commit.
fn full_until(user: &User, now: Timestamp) -> Option<Timestamp> {
    let kept = user.challenges.values().map(|used| used.expires_at).filter(|end| !collectable(*end, now));
    let first = kept.clone().min()?;
    (kept.count() >= limits::MAX_CHALLENGES).then(|| first.after(GRACE))
}

impl VerifyPasskey {
    fn hash(&self) -> String {
        self.ceremony.challenge.hash()
    }

    fn verdict(&self, user: &User, cx: &Context<'_>, key: &PublicKey, begun: bool) -> Verdict {
        let handle = self.answer.response.user_handle.as_deref();
        if handle.is_some_and(|handle| handle != user.id.as_bytes()) {
            return Verdict::Wrong("another_user");
        }
        let Some(rp) = RelyingParty::of(&cx.settings.issuer) else {
            return Verdict::Wrong("another_relying_party");
        };
        let verification = if begun { Verification::Preferred } else { Verification::Required };
        rp.check(key, &self.ceremony.challenge, verification, &self.answer)
    }

    fn accept(
        &self,
        user: &User,
        cx: &Context<'_>,
        passkey: &Passkey,
        (key, user_verified): (PublicKey, bool),
    ) -> Decision<VerifyPasskeyOutcome> {
        let mut change = Change::default();
        change.put(self.used());
        let attested = cx.settings.attestation.vouches(&key);
        let method = Method::Passkey { user_verified, backup_eligible: key.backup_eligible, attested };
        change.put(Item::Passkey(Passkey { public_key: Some(key), last_used_at: Some(cx.now), ..passkey.clone() }));
        let proof = Proof { method, at: cx.now, factor: Some(passkey.factor), credential: None };
        let outcome = sign_in::accept(user, cx, &mut change, &self.login, proof);
        let event = told(user, cx, passkey, &outcome).with("user_verified", user_verified);
        let event = if attested { event.with("attested", true) } else { event };
        Decision { change, events: vec![event], outcome: VerifyPasskeyOutcome::Judged(outcome) }
    }

    /// Who has a copy can answer each challenge once, so the owner is not told twice of one.
    fn copied(&self, user: &User, cx: &Context<'_>, passkey: &Passkey) -> Decision<VerifyPasskeyOutcome> {
        let mut change = Change::default();
        change.put(self.used());
        letter::notice(user, cx, &mut change, Notice::PasskeyCopied);
        let event = told(user, cx, passkey, &SignInOutcome::Wrong).with("reason", "counter");
        let outcome = VerifyPasskeyOutcome::Judged(SignInOutcome::Wrong);
        Decision { change, events: vec![event], outcome }
    }

    fn used(&self) -> Item {
        Item::Challenge(UsedChallenge {
            hash: self.hash(),
            expires_at: self.ceremony.expires_at,
            unknown: Unknown::default(),
        })
    }
}

fn told(user: &User, cx: &Context<'_>, passkey: &Passkey, outcome: &SignInOutcome) -> AuditEvent {
    // Which kind of passkey does not show in the method's name.
    let method = Method::Passkey { user_verified: false, backup_eligible: false, attested: false };
    sign_in::told(user, cx, method, outcome).with("factor", passkey.factor.to_string())
}
