//! Enrolment of an address that gets codes: Registered → Awaiting activation (a code was sent) → Activated (that code was
//! typed, in the session that asked for it).
//!
//! It also proves the address: an account without one gets it, and one that names the same is marked as verified.

use schema::{
    FactorId, Timestamp,
    record::{Account, Email, FactorState, Method, Proof, Session, Unknown},
};
use serde::{Deserialize, Serialize};

use super::{ConfirmOutcome, Decide, Decision, codes, device, overview, totp_enrol::take_backup};
use crate::domain::{
    change::{Change, Item, ItemKey},
    context::Context,
    device::{Step, awaits, next},
    event::{self, WithFact},
    factor::{
        sent_code::{self, Binding},
        totp::Code,
    },
    letter::{self, Content, Letter, Notice},
    limits,
    throttle::{self, Gate},
    trusted_device,
    user::{Areas, SessionRef, User},
};

/// The throttle of all codes that are to activate an address. It is the user's, not the pending address's: a new enrolment
/// is no fresh set of guesses at an address that its owner did not ask for.
pub(super) const ENROLMENT: &str = "email-enrolment";

/// The name of an address's throttle.
pub(super) fn throttle_of(email: &Email) -> String {
    format!("email/{}", email.factor)
}

/// A user wants codes at an address.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BeginEmail {
    /// The session.
    pub session: SessionRef,
    /// The address, as `domain::email` reads it.
    pub address: String,
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum BeginEmailOutcome {
    /// A code is on its way.
    Begun {
        /// Which device awaits it.
        factor: FactorId,
    },
    /// Codes go to this address already.
    Known,
    /// Too many messages.
    Wait {
        /// When to try again.
        until: Timestamp,
    },
    /// There are five already.
    TooMany,
    /// The session has ended.
    SessionEnded,
    /// Fresh proofs are needed first.
    NotFresh,
}

impl Decide for BeginEmail {
    type Outcome = BeginEmailOutcome;
    const NAME: &'static str = "begin_email";
    const NEEDS: Areas = Areas::SESSIONS;
    /// What awaited a code counted for nothing.
    const REVOKES: bool = false;

    fn misses(outcome: &Self::Outcome) -> bool {
        matches!(outcome, BeginEmailOutcome::SessionEnded)
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<BeginEmailOutcome> {
        let session = user.live_session(&self.session, cx.now, cx.settings);
        let Some((session, account)) = session.zip(user.active_account()) else {
            return Decision::answer(BeginEmailOutcome::SessionEnded);
        };
        if !overview::is_fresh(user, session, cx) {
            return Decision::answer(BeginEmailOutcome::NotFresh);
        }
        let active = user.active_emails();
        if active.iter().any(|email| email.address == self.address) {
            return Decision::answer(BeginEmailOutcome::Known);
        }
        let collected = user.collectable(cx.now, usize::MAX);
        let kept = user.emails.keys().filter(|factor| !collected.contains(&ItemKey::Email(**factor))).count();
        if active.len() >= limits::MAX_FACTORS_PER_METHOD || kept >= limits::MAX_FACTORS_KEPT {
            return Decision::answer(BeginEmailOutcome::TooMany);
        }
        let bucket = user.bucket(Some(&session.device), cx.now);
        let again_at = pending(user).filter(|email| email.address == self.address).filter_map(again_at).max();
        let sends = match (again_at.filter(|again_at| cx.now < *again_at), letter::room(user, bucket, cx.now)) {
            (None, Ok(sends)) => sends,
            (Some(until), _) | (None, Err(until)) => return Decision::answer(BeginEmailOutcome::Wait { until }),
        };
        let ends_at = cx.now.after(limits::ACTIVATION_LIFETIME);
        let Some(state) = next(FactorState::Registered, Step::Shown { until: ends_at }, cx.now) else {
            return Decision::answer(BeginEmailOutcome::TooMany);
        };
        let mut change = Change::default();
        // One enrolment at a time: a new one replaces what awaits activation.
        pending(user).for_each(|email| change.delete(ItemKey::Email(email.factor)));
        let factor = FactorId::from_bytes(cx.attempt.seed.derive("email factor"));
        let code = sent_code::draw(&cx.attempt.seed);
        let sent = sent_code::keep(cx, user.id, factor, Binding::Enrolment(session.session), &code);
        let until = sent.expires_at;
        change.put(Item::Email(Email {
            factor,
            address: self.address.clone(),
            state,
            sent: Some(sent),
            created_at: cx.now,
            last_used_at: None,
            unknown: Unknown::default(),
        }));
        let content = Content::ActivationCode { code };
        let letter = Letter { to: self.address.clone(), user_name: account.user_name.clone(), content };
        letter::post(user.id, cx, &mut change, (&letter, sends), until);
        let event = event::of(cx, "factor.registered", user.id).with("method", "email");
        let event = event.with("factor", factor.to_string());
        Decision { change, events: vec![event], outcome: BeginEmailOutcome::Begun { factor } }
    }
}

/// Addresses that await activation.
fn pending(user: &User) -> impl Iterator<Item = &Email> {
    user.emails.values().filter(|email| matches!(email.state, FactorState::AwaitingActivation { .. }))
}

/// From when on another code may be sent to it.
fn again_at(email: &Email) -> Option<Timestamp> {
    email.sent.as_ref().map(sent_code::again_at)
}

/// An address that awaits its code.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ShowEmail {
    /// The session.
    pub session: SessionRef,
    /// The device.
    pub factor: FactorId,
}

/// As its page shows it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AwaitedEmail {
    /// The address.
    pub address: String,
    /// When the enrolment ends.
    pub until: Timestamp,
    /// From when on another code may be sent.
    pub again_at: Timestamp,
}

impl Decide for ShowEmail {
    type Outcome = Option<AwaitedEmail>;
    const NAME: &'static str = "show_email";
    const NEEDS: Areas = Areas::SESSIONS;
    /// It only looks.
    const REVOKES: bool = false;

    fn misses(outcome: &Self::Outcome) -> bool {
        outcome.is_none()
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<Option<AwaitedEmail>> {
        let session = user.live_session(&self.session, cx.now, cx.settings);
        let shown = session.and_then(|_| awaiting(user, self.factor, cx)).map(|(email, until)| AwaitedEmail {
            address: email.address.clone(),
            until,
            again_at: again_at(email).unwrap_or(cx.now),
        });
        Decision::answer(shown)
    }
}

fn awaiting<'a>(user: &'a User, factor: FactorId, cx: &Context<'_>) -> Option<(&'a Email, Timestamp)> {
    let email = user.emails.get(&factor)?;
    Some((email, awaits(email.state, cx.now)?))
}

/// Another code for an address that awaits one. The one before is worth nothing then; failures stay counted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ResendEmail {
    /// The session.
    pub session: SessionRef,
    /// The device.
    pub factor: FactorId,
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum SendOutcome {
    /// A code is on its way.
    Sent,
    /// Too early, or too many messages.
    Wait {
        /// When to try again.
        until: Timestamp,
    },
    /// Nothing awaits a code under this id any more.
    Ended,
}

impl Decide for ResendEmail {
    type Outcome = SendOutcome;
    const NAME: &'static str = "resend_email";
    const NEEDS: Areas = Areas::SESSIONS;
    /// The code before was good for nothing but this enrolment.
    const REVOKES: bool = false;

    fn misses(outcome: &Self::Outcome) -> bool {
        matches!(outcome, SendOutcome::Ended)
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<SendOutcome> {
        let session = user.live_session(&self.session, cx.now, cx.settings);
        let found = session.zip(user.active_account()).zip(awaiting(user, self.factor, cx));
        let Some(((session, account), (email, until))) = found else {
            return Decision::answer(SendOutcome::Ended);
        };
        let too_early = again_at(email).filter(|again_at| cx.now < *again_at);
        let bucket = user.bucket(Some(&session.device), cx.now);
        let sends = match (too_early, letter::room(user, bucket, cx.now)) {
            (None, Ok(sends)) => sends,
            (Some(until), _) | (None, Err(until)) => return Decision::answer(SendOutcome::Wait { until }),
        };
        let mut change = Change::default();
        let code = sent_code::draw(&cx.attempt.seed);
        let sent = sent_code::keep(cx, user.id, email.factor, Binding::Enrolment(session.session), &code);
        let content = Content::ActivationCode { code };
        let letter = Letter { to: email.address.clone(), user_name: account.user_name.clone(), content };
        letter::post(user.id, cx, &mut change, (&letter, sends), sent.expires_at.min(until));
        change.put(Item::Email(Email { sent: Some(sent), ..email.clone() }));
        let event = event::of(cx, "factor.code_sent", user.id).with("method", "email");
        let event = event.with("factor", email.factor.to_string());
        Decision { change, events: vec![event], outcome: SendOutcome::Sent }
    }
}

/// The code that activates an address. It is a proof: it counts for this session.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ConfirmEmail {
    /// The session.
    pub session: SessionRef,
    /// The device.
    pub factor: FactorId,
    /// Six digits.
    pub code: Code,
    /// `(locator, hash)` of ten backup codes, drawn from the attempt's seed; taken if the user has none.
    pub backup: Vec<(String, String)>,
}

impl Decide for ConfirmEmail {
    type Outcome = ConfirmOutcome;
    const NAME: &'static str = "confirm_email";
    const NEEDS: Areas = Areas::SESSIONS.and(Areas::BACKUP).and(Areas::CODES).and(Areas::FAMILIES);
    /// The account has one more factor, and a used-up set of backup codes may end with what rests on it.
    const REVOKES: bool = true;

    fn revoked(outcome: &Self::Outcome) -> bool {
        matches!(outcome, ConfirmOutcome::Activated { .. })
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<ConfirmOutcome> {
        let Some(session) = user.live_session(&self.session, cx.now, cx.settings) else {
            return Decision::answer(ConfirmOutcome::SessionEnded);
        };
        if user.active_emails().iter().any(|email| email.factor == self.factor) {
            return Decision::answer(ConfirmOutcome::AlreadyActivated);
        }
        if !overview::is_fresh(user, session, cx) {
            return Decision::answer(ConfirmOutcome::NotFresh);
        }
        let Some((email, sent)) =
            awaiting(user, self.factor, cx).and_then(|(email, _)| email.sent.as_ref().map(|sent| (email, sent)))
        else {
            return Decision::answer(ConfirmOutcome::Ended);
        };
        let bucket = user.bucket(Some(&session.device), cx.now);
        let mut counts = user.throttle(ENROLMENT);
        match throttle::status(&counts, bucket, cx.now) {
            Gate::Open { .. } => {}
            Gate::Closed { until } => return Decision::answer(ConfirmOutcome::Throttled { until }),
            Gate::Suspended => return Decision::answer(ConfirmOutcome::Suspended),
        }
        let binding = Binding::Enrolment(session.session);
        if sent_code::is_right(cx, user.id, binding, sent, &self.code) {
            return self.activate(user, cx, session, email);
        }
        throttle::fail(&mut counts, bucket, cx.now, cx.jitter());
        let mut change = Change::default();
        change.put(Item::Throttle(ENROLMENT.to_owned(), counts));
        let event = event::of(cx, "factor.activation_failed", user.id);
        let event = event.with("method", "email").with("factor", self.factor.to_string());
        Decision { change, events: vec![event], outcome: ConfirmOutcome::Wrong }
    }
}

impl ConfirmEmail {
    fn activate(&self, user: &User, cx: &Context<'_>, session: &Session, email: &Email) -> Decision<ConfirmOutcome> {
        let Some(state) = next(email.state, Step::Proved, cx.now) else {
            return Decision::answer(ConfirmOutcome::Ended);
        };
        let mut change = Change::default();
        if let Some(counts) = user.throttles.get(ENROLMENT) {
            let mut counts = counts.clone();
            throttle::succeed(&mut counts, user.bucket(Some(&session.device), cx.now));
            change.put(Item::Throttle(ENROLMENT.to_owned(), counts));
        }
        change.put(Item::Email(Email { state, sent: None, last_used_at: Some(cx.now), ..email.clone() }));
        if let Some(account) = user.account.as_ref().filter(|account| proves(account, &email.address)) {
            let address = Some(email.address.clone());
            change.put(Item::Account(Account {
                email: address,
                email_verified: true,
                updated_at: cx.now,
                ..account.clone()
            }));
        }
        let proof = Proof { method: Method::EmailCode, at: cx.now, factor: Some(self.factor), credential: None };
        let signed_in = device::proved(session, cx, &mut change, proof);
        codes::forgiven(user, &mut change);
        trusted_device::end_all(user, &mut change);
        letter::notice(user, cx, &mut change, Notice::EmailCodesOn);
        let event = event::of(cx, "factor.activated", user.id).with("method", "email");
        let mut events = vec![event.with("factor", self.factor.to_string())];
        let backup_taken = take_backup(user, cx, &mut change, &mut events, &self.backup);
        Decision { change, events, outcome: ConfirmOutcome::Activated { signed_in, backup_taken } }
    }
}

/// Does a proof of this address say something new of the account?
fn proves(account: &Account, address: &str) -> bool {
    match &account.email {
        None => true,
        Some(known) => !account.email_verified && known == address,
    }
}
