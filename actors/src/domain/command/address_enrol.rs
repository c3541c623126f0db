//! Enrolment of an address that gets codes, an e-mail address or a phone number: Registered → Awaiting activation (a code was
//! sent) → Activated (that code was typed, in the session that asked for it).
//!
//! It also proves an e-mail address: an account without one gets it, and one that names the same is marked as verified.
//!
//! Commands travel under the names that they had when there was e-mail only, and name no way if that is it: nodes of that
//! version run beside this one, and the same command must be the same in both (HAZARDS H5).

use schema::{
    DeviceId, FactorId, Timestamp,
    record::{Account, Address, Channel, FactorState, Proof, Sends, Session, Unknown},
};
use serde::{Deserialize, Serialize};

use super::{
    ConfirmOutcome, Decide, Decision, codes, device, overview,
    totp_enrol::{cut_name, take_backup},
};
use crate::domain::{
    address,
    change::{Change, Item},
    context::Context,
    device::{Step, awaits, next},
    event::{self, WithFact},
    factor::{
        sent_code::{self, Binding},
        totp::Code,
    },
    letter::{self, Content, Letter},
    limits,
    throttle::{self, Gate},
    user::{Areas, SessionRef, User},
};

/// A user wants codes at an address.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BeginAddress {
    /// The session.
    pub session: SessionRef,
    /// By which way.
    #[serde(default, skip_serializing_if = "address::is_email")]
    pub channel: Channel,
    /// A name for the device, which may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The address, as `domain::email` reads it, or the number, as `domain::phone` does.
    pub address: String,
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum BeginAddressOutcome {
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

impl Decide for BeginAddress {
    type Outcome = BeginAddressOutcome;
    const NAME: &'static str = "begin_email";
    const NEEDS: Areas = Areas::SESSIONS;
    /// What awaited a code counted for nothing.
    const REVOKES: bool = false;

    fn misses(outcome: &Self::Outcome) -> bool {
        matches!(outcome, BeginAddressOutcome::SessionEnded)
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<BeginAddressOutcome> {
        let session = user.live_session(&self.session, cx.now, cx.settings);
        let Some((session, account)) = session.zip(user.active_account()) else {
            return Decision::answer(BeginAddressOutcome::SessionEnded);
        };
        let (sends, state) = match self.may_begin(user, cx, session) {
            Ok(granted) => granted,
            Err(refused) => return Decision::answer(refused),
        };
        let mut change = Change::default();
        // One enrolment at a time: a new one replaces what awaits activation.
        pending(user, self.channel).for_each(|old| change.delete(address::key(self.channel, old.factor)));
        let factor = FactorId::from_bytes(cx.attempt.seed.derive(address::purpose(self.channel)));
        let code = sent_code::draw(&cx.attempt.seed);
        let sent = sent_code::keep(cx, user.id, factor, Binding::Enrolment(session.session), &code);
        let until = sent.expires_at;
        let awaiting = Address {
            factor,
            name: cut_name(&self.name),
            address: self.address.clone(),
            state,
            sent: Some(sent),
            created_at: cx.now,
            last_used_at: None,
            unknown: Unknown::default(),
        };
        let (channel, to, user_name) = (self.channel, self.address.clone(), account.user_name.clone());
        let letter = Letter { channel, to, user_name, content: Content::ActivationCode { code } };
        letter::post(user.id, cx, &mut change, (&letter, sends), until);
        change.put(address::item(self.channel, awaiting));
        let event = event::of(cx, "factor.registered", user.id).with("method", address::name(self.channel));
        let event = event.with("factor", factor.to_string());
        Decision { change, events: vec![event], outcome: BeginAddressOutcome::Begun { factor } }
    }
}

impl BeginAddress {
    /// What it takes: the count of messages with this one, and where the address stands then.
    fn may_begin(
        &self,
        user: &User,
        cx: &Context<'_>,
        session: &Session,
    ) -> Result<(Sends, FactorState), BeginAddressOutcome> {
        if !overview::is_fresh(user, session, cx) {
            return Err(BeginAddressOutcome::NotFresh);
        }
        let active = user.active_addresses(self.channel);
        if active.iter().any(|known| known.address == self.address) {
            return Err(BeginAddressOutcome::Known);
        }
        let collected = user.collectable(cx.now, usize::MAX);
        let all = user.addresses(self.channel).keys();
        let kept = all.filter(|factor| !collected.contains(&address::key(self.channel, **factor))).count();
        if active.len() >= limits::MAX_FACTORS_PER_METHOD || kept >= limits::MAX_FACTORS_KEPT {
            return Err(BeginAddressOutcome::TooMany);
        }
        let same = pending(user, self.channel).filter(|old| old.address == self.address);
        let too_early = same.filter_map(again_at).filter(|again_at| cx.now < *again_at).max();
        let sends =
            may_send(user, cx, session.device, too_early).map_err(|until| BeginAddressOutcome::Wait { until })?;
        let until = cx.now.after(limits::ACTIVATION_LIFETIME);
        let state = next(FactorState::Registered, Step::Shown { until }, cx.now).ok_or(BeginAddressOutcome::TooMany)?;
        Ok((sends, state))
    }
}

/// The count of messages with one more, unless it is too early for that, or there were too many.
fn may_send(user: &User, cx: &Context<'_>, device: DeviceId, too_early: Option<Timestamp>) -> Result<Sends, Timestamp> {
    match too_early {
        Some(until) => Err(until),
        None => letter::room(user, user.bucket(Some(&device), cx.now), cx.now),
    }
}

/// Addresses that await activation.
fn pending(user: &User, channel: Channel) -> impl Iterator<Item = &Address> {
    user.addresses(channel).values().filter(|old| matches!(old.state, FactorState::AwaitingActivation { .. }))
}

/// From when on another code may be sent to it.
fn again_at(awaiting: &Address) -> Option<Timestamp> {
    awaiting.sent.as_ref().map(sent_code::again_at)
}

/// An address that awaits its code.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ShowAddress {
    /// The session.
    pub session: SessionRef,
    /// By which way.
    #[serde(default, skip_serializing_if = "address::is_email")]
    pub channel: Channel,
    /// The device.
    pub factor: FactorId,
}

/// As its page shows it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AwaitedAddress {
    /// The address.
    pub address: String,
    /// When the enrolment ends.
    pub until: Timestamp,
    /// From when on another code may be sent.
    pub again_at: Timestamp,
}

impl Decide for ShowAddress {
    type Outcome = Option<AwaitedAddress>;
    const NAME: &'static str = "show_email";
    const NEEDS: Areas = Areas::SESSIONS;
    /// It only looks.
    const REVOKES: bool = false;

    fn misses(outcome: &Self::Outcome) -> bool {
        outcome.is_none()
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<Option<AwaitedAddress>> {
        let session = user.live_session(&self.session, cx.now, cx.settings);
        let found = session.and_then(|_| awaiting(user, (self.channel, self.factor), cx));
        let shown = found.map(|(found, until)| AwaitedAddress {
            address: found.address.clone(),
            until,
            again_at: again_at(found).unwrap_or(cx.now),
        });
        Decision::answer(shown)
    }
}

fn awaiting<'a>(
    user: &'a User,
    (channel, factor): (Channel, FactorId),
    cx: &Context<'_>,
) -> Option<(&'a Address, Timestamp)> {
    let found = user.addresses(channel).get(&factor)?;
    Some((found, awaits(found.state, cx.now)?))
}

/// Another code for an address that awaits one. The one before is worth nothing then; failures stay counted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ResendCode {
    /// The session.
    pub session: SessionRef,
    /// By which way.
    #[serde(default, skip_serializing_if = "address::is_email")]
    pub channel: Channel,
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

impl Decide for ResendCode {
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
        let found = awaiting(user, (self.channel, self.factor), cx);
        let Some(((session, account), (awaiting, until))) = session.zip(user.active_account()).zip(found) else {
            return Decision::answer(SendOutcome::Ended);
        };
        let too_early = again_at(awaiting).filter(|again_at| cx.now < *again_at);
        let sends = match may_send(user, cx, session.device, too_early) {
            Ok(sends) => sends,
            Err(until) => return Decision::answer(SendOutcome::Wait { until }),
        };
        let mut change = Change::default();
        let code = sent_code::draw(&cx.attempt.seed);
        let sent = sent_code::keep(cx, user.id, awaiting.factor, Binding::Enrolment(session.session), &code);
        let (channel, to, user_name) = (self.channel, awaiting.address.clone(), account.user_name.clone());
        let letter = Letter { channel, to, user_name, content: Content::ActivationCode { code } };
        letter::post(user.id, cx, &mut change, (&letter, sends), sent.expires_at.min(until));
        change.put(address::item(channel, Address { sent: Some(sent), ..awaiting.clone() }));
        let event = event::of(cx, "factor.code_sent", user.id).with("method", address::name(channel));
        let event = event.with("factor", awaiting.factor.to_string());
        Decision { change, events: vec![event], outcome: SendOutcome::Sent }
    }
}

/// The code that activates an address. It is a proof: it counts for this session.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ConfirmAddress {
    /// The session.
    pub session: SessionRef,
    /// By which way.
    #[serde(default, skip_serializing_if = "address::is_email")]
    pub channel: Channel,
    /// The device.
    pub factor: FactorId,
    /// Six digits.
    pub code: Code,
    /// `(locator, hash)` of ten backup codes, drawn from the attempt's seed; taken if the user has none.
    pub backup: Vec<(String, String)>,
}

impl Decide for ConfirmAddress {
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
        if user.active_addresses(self.channel).iter().any(|active| active.factor == self.factor) {
            return Decision::answer(ConfirmOutcome::AlreadyActivated);
        }
        if !overview::is_fresh(user, session, cx) {
            return Decision::answer(ConfirmOutcome::NotFresh);
        }
        let found = awaiting(user, (self.channel, self.factor), cx);
        let Some((awaiting, sent)) = found.and_then(|(found, _)| Some((found, found.sent.as_ref()?))) else {
            return Decision::answer(ConfirmOutcome::Ended);
        };
        let bucket = user.bucket(Some(&session.device), cx.now);
        let throttle = address::enrolment_throttle(self.channel);
        let mut counts = user.throttle(throttle);
        match throttle::status(&counts, bucket, cx.now) {
            Gate::Open { .. } => {}
            Gate::Closed { until } => return Decision::answer(ConfirmOutcome::Throttled { until }),
            Gate::Suspended => return Decision::answer(ConfirmOutcome::Suspended),
        }
        let binding = Binding::Enrolment(session.session);
        if sent_code::is_right(cx, user.id, binding, sent, &self.code) {
            return self.activate(user, cx, session, awaiting);
        }
        throttle::fail(&mut counts, bucket, cx.now, cx.jitter());
        let mut change = Change::default();
        change.put(Item::Throttle(throttle.to_owned(), counts));
        let event = event::of(cx, "factor.activation_failed", user.id);
        let event = event.with("method", address::name(self.channel)).with("factor", self.factor.to_string());
        Decision { change, events: vec![event], outcome: ConfirmOutcome::Wrong }
    }
}

impl ConfirmAddress {
    fn activate(
        &self,
        user: &User,
        cx: &Context<'_>,
        session: &Session,
        awaiting: &Address,
    ) -> Decision<ConfirmOutcome> {
        let Some(state) = next(awaiting.state, Step::Proved, cx.now) else {
            return Decision::answer(ConfirmOutcome::Ended);
        };
        let mut change = Change::default();
        let throttle = address::enrolment_throttle(self.channel);
        if let Some(counts) = user.throttles.get(throttle) {
            let mut counts = counts.clone();
            throttle::succeed(&mut counts, user.bucket(Some(&session.device), cx.now));
            change.put(Item::Throttle(throttle.to_owned(), counts));
        }
        let active = Address { state, sent: None, last_used_at: Some(cx.now), ..awaiting.clone() };
        change.put(address::item(self.channel, active));
        let proved =
            user.account.as_ref().filter(|account| self.channel == Channel::Email && proves(account, awaiting));
        if let Some(account) = proved {
            change.put(Item::Account(Account {
                email: Some(awaiting.address.clone()),
                email_verified: true,
                updated_at: cx.now,
                ..account.clone()
            }));
        }
        let method = address::method(self.channel);
        let proof = Proof { method, at: cx.now, factor: Some(self.factor), credential: None };
        let signed_in = device::proved(session, cx, &mut change, proof);
        codes::forgiven(user, &mut change);
        super::trusted_device::end_trust(user, cx, &mut change, |_| true, Some(session.session));
        letter::notice(user, cx, &mut change, address::notice(self.channel, true));
        let event = event::of(cx, "factor.activated", user.id).with("method", address::name(self.channel));
        let mut events = vec![event.with("factor", self.factor.to_string())];
        let backup_taken = take_backup(user, cx, &mut change, &mut events, &self.backup);
        Decision { change, events, outcome: ConfirmOutcome::Activated { signed_in, backup_taken } }
    }
}

/// Does a proof of this address say something new of the account?
fn proves(account: &Account, proved: &Address) -> bool {
    match &account.email {
        None => true,
        Some(known) => !account.email_verified && *known == proved.address,
    }
}
