//! Enrolment of an address that gets codes, an e-mail address or a phone number: Registered → Awaiting activation (a code was
//! sent) → Activated (that code was typed, or the link beside it was used, in the session that asked for it:
//! [`address_confirm`](super::address_confirm)).
//!
//! Commands travel under the names that they had when there was e-mail only, and name no way if that is it: nodes of that
//! version run beside this one, and the same command must be the same in both (HAZARDS H5).

use schema::{
    DeviceId, FactorId, Timestamp,
    record::{Address, Channel, CountedText, FactorState, Sends, Session, SmsCount, Throttle, Unknown},
};
use serde::{Deserialize, Serialize};

use super::{
    Decide, Decision,
    sensitive::{self, Operation},
    totp_enrol::cut_name,
};
use crate::domain::{
    address,
    change::Change,
    context::Context,
    device::{Step, awaits, next},
    event::{self, WithFact},
    factor::sent_code::{self, Binding, Recipient},
    letter::{self, Content, Letter},
    limits, texts,
    throttle::{self, Gate},
    user::{Areas, SessionRef, User, fresh_throttle},
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
    /// Does the message hold a link as well? From data level 4 on, and in none but e-mail.
    #[serde(default, skip_serializing_if = "address::is_false")]
    pub link: bool,
    /// Where the message counts, if it does. From data level 4 on, and for text messages alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<SmsCount>,
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
    const SENSITIVE: bool = true;

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
        let drawn = sent_code::draw(&cx.attempt.seed, address::takes_link(self.channel, self.link));
        let recipient = Recipient { user: user.id, factor, binding: Binding::Enrolment(session.session) };
        let sent = drawn.keep(cx, &recipient);
        let (channel, to, user_name) = (self.channel, self.address.clone(), account.user_name.clone());
        let content = Content::ActivationCode { link: drawn.token(cx, &recipient), code: drawn.code };
        let letter = Letter { channel, to, user_name, lang: cx.lang(), content };
        let message = letter::post(user.id, cx, &mut change, (&letter, sends), sent.expires_at);
        let awaiting = Address {
            factor,
            name: cut_name(&self.name),
            address: self.address.clone(),
            state,
            sent: Some(sent),
            texts: texts::with(&self.texts_before(user), message, self.count.as_ref()),
            created_at: cx.now,
            last_used_at: None,
            unknown: Unknown::default(),
        };
        change.put(address::item(self.channel, awaiting));
        let event = event::of(cx, "factor.registered", user.id).with("method", address::name(self.channel));
        let event = event.with("factor", factor.to_string());
        Decision { change, events: vec![event], outcome: BeginAddressOutcome::Begun { factor } }
    }
}

impl BeginAddress {
    /// Messages that were sent to the same number before and count: whoever types this code has got them, too.
    fn texts_before(&self, user: &User) -> Vec<CountedText> {
        let same = pending(user, self.channel).filter(|old| old.address == self.address);
        same.flat_map(|old| old.texts.iter().cloned()).collect()
    }

    /// What it takes: the count of messages with this one, and where the address stands then.
    fn may_begin(
        &self,
        user: &User,
        cx: &Context<'_>,
        session: &Session,
    ) -> Result<(Sends, FactorState), BeginAddressOutcome> {
        if !sensitive::allows(user, session, cx, Operation::Add(address::policy_method(self.channel))) {
            return Err(BeginAddressOutcome::NotFresh);
        }
        let active = user.active_addresses(self.channel);
        if active.iter().any(|known| known.address == self.address) {
            return Err(BeginAddressOutcome::Known);
        }
        let collected = user.collectable(cx.now, usize::MAX);
        let all = user.addresses(self.channel).keys();
        let kept = all.filter(|factor| !collected.contains(&address::key(self.channel, **factor))).count();
        let places = user.placed_addresses(self.channel);
        if places >= limits::MAX_FACTORS_PER_METHOD || kept >= limits::MAX_FACTORS_KEPT {
            return Err(BeginAddressOutcome::TooMany);
        }
        let same = pending(user, self.channel).filter(|old| old.address == self.address);
        let too_early = same.filter_map(again_at).filter(|again_at| cx.now < *again_at).max();
        let sends = may_send(user, cx, (self.channel, session.device), too_early)
            .map_err(|until| BeginAddressOutcome::Wait { until })?;
        let until = cx.now.after(limits::ACTIVATION_LIFETIME);
        let state = next(FactorState::Registered, Step::Shown { until }, cx.now).ok_or(BeginAddressOutcome::TooMany)?;
        Ok((sends, state))
    }
}

/// The count of messages with one more, unless it is too early for that, there were too many, or their codes would not be looked at.
pub(super) fn may_send(
    user: &User,
    cx: &Context<'_>,
    (channel, device): (Channel, DeviceId),
    too_early: Option<Timestamp>,
) -> Result<Sends, Timestamp> {
    gate(user, cx, (channel, device))?;
    match too_early {
        Some(until) => Err(until),
        None => letter::room(user, user.bucket(Some(&device), cx.now), cx.now),
    }
}

/// May a code that activates an address be looked at? Or from when on.
pub(super) fn gate(user: &User, cx: &Context<'_>, (channel, device): (Channel, DeviceId)) -> Result<(), Timestamp> {
    let counts = failures(user, cx, channel);
    match throttle::status(&counts, user.bucket(Some(&device), cx.now), cx.now) {
        Gate::Open { .. } => Ok(()),
        Gate::Closed { until } => Err(until),
        Gate::Suspended => Err(counts.suspended_at.unwrap_or(cx.now).after(limits::ENROLMENT_SUSPENDED_FOR)),
    }
}

/// Wrong codes that were to activate an address. A suspension ends with what was counted.
pub(super) fn failures(user: &User, cx: &Context<'_>, channel: Channel) -> Throttle {
    let counts = user.throttle(address::enrolment_throttle(channel));
    let over = |at: Timestamp| at.after(limits::ENROLMENT_SUSPENDED_FOR) <= cx.now;
    if counts.suspended_at.is_some_and(over) { fresh_throttle() } else { counts }
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
    /// Does the message hold a link as well?
    #[serde(default, skip_serializing_if = "address::is_false")]
    pub link: bool,
}

impl Decide for ShowAddress {
    type Outcome = Option<AwaitedAddress>;
    const NAME: &'static str = "show_email";
    const NEEDS: Areas = Areas::SESSIONS;
    /// It only looks.
    const REVOKES: bool = false;
    const LOOKS: bool = true;

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
            link: found.sent.as_ref().is_some_and(|sent| sent.link.is_some()),
        });
        Decision::answer(shown)
    }
}

/// An address that awaits its code, and until when.
pub(super) fn awaiting<'a>(
    user: &'a User,
    (channel, factor): (Channel, FactorId),
    cx: &Context<'_>,
) -> Option<(&'a Address, Timestamp)> {
    let found = user.addresses(channel).get(&factor)?;
    Some((found, awaits(found.state, cx.now)?))
}

/// Another code for an address that awaits one. The one before is worth nothing then; failures stay counted. For a session that may not
/// change the factors nothing awaits one: it must not take the place of the code that another session was sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ResendCode {
    /// The session.
    pub session: SessionRef,
    /// By which way.
    #[serde(default, skip_serializing_if = "address::is_email")]
    pub channel: Channel,
    /// The device.
    pub factor: FactorId,
    /// As that of [`BeginAddress`].
    #[serde(default, skip_serializing_if = "address::is_false")]
    pub link: bool,
    /// As that of [`BeginAddress`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<SmsCount>,
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
    const SENSITIVE: bool = true;

    fn misses(outcome: &Self::Outcome) -> bool {
        matches!(outcome, SendOutcome::Ended)
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<SendOutcome> {
        let session = user.live_session(&self.session, cx.now, cx.settings);
        let what = Operation::Add(address::policy_method(self.channel));
        let session = session.filter(|session| sensitive::allows(user, session, cx, what));
        let found = awaiting(user, (self.channel, self.factor), cx);
        let Some(((session, account), (awaiting, until))) = session.zip(user.active_account()).zip(found) else {
            return Decision::answer(SendOutcome::Ended);
        };
        let too_early = again_at(awaiting).filter(|again_at| cx.now < *again_at);
        let sends = match may_send(user, cx, (self.channel, session.device), too_early) {
            Ok(sends) => sends,
            Err(until) => return Decision::answer(SendOutcome::Wait { until }),
        };
        let mut change = Change::default();
        let drawn = sent_code::draw(&cx.attempt.seed, address::takes_link(self.channel, self.link));
        let binding = Binding::Enrolment(session.session);
        let recipient = Recipient { user: user.id, factor: awaiting.factor, binding };
        let sent = drawn.keep(cx, &recipient);
        let (channel, to, user_name) = (self.channel, awaiting.address.clone(), account.user_name.clone());
        let content = Content::ActivationCode { link: drawn.token(cx, &recipient), code: drawn.code };
        let letter = Letter { channel, to, user_name, lang: cx.lang(), content };
        let message = letter::post(user.id, cx, &mut change, (&letter, sends), sent.expires_at.min(until));
        let texts = texts::with(&awaiting.texts, message, self.count.as_ref());
        change.put(address::item(channel, Address { sent: Some(sent), texts, ..awaiting.clone() }));
        let event = event::of(cx, "factor.code_sent", user.id).with("method", address::name(channel));
        let event = event.with("factor", awaiting.factor.to_string());
        Decision { change, events: vec![event], outcome: SendOutcome::Sent }
    }
}
