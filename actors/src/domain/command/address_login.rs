//! A code that was sent, by e-mail or text message, as the second proof of a login.
//!
//! A login has one live code: sending another replaces it, by whichever way, and never resets what was counted. The code is consumed with the
//! login item that it belongs to, in the commit that accepts it. So is the link beside a code by e-mail ([`sent_link`](super::sent_link)).
//!
//! Two messages to one mailbox are no two steps: beside a password that a mailed link has set, a code by e-mail counts only where the
//! account has no other device ([`User::takes_mail`]). None is sent then, and one that is on its way leads to the other ways.

use schema::{
    FactorId, Timestamp,
    record::{Address, Channel, Login, Proof, Sends, SentCode, SmsCount},
};
use serde::{Deserialize, Serialize};

use super::{
    Decide, Decision,
    address_enrol::SendOutcome,
    codes,
    sign_in::{self, LoginRef, SignInOutcome},
};
use crate::domain::{
    address,
    change::{Change, Item},
    context::Context,
    event::{self, WithFact},
    factor::{
        sent_code::{self, Binding, Recipient},
        totp::Code,
    },
    letter::{self, Content, Letter},
    phone::{Country, PhoneNumber},
    texts,
    throttle::{self, Gate},
    user::{Areas, User},
};

/// Send a code for a login.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SendLoginCode {
    /// The login that awaits a second proof.
    pub login: LoginRef,
    /// By which way.
    #[serde(default, skip_serializing_if = "address::is_email")]
    pub channel: Channel,
    /// To which of the user's addresses; unset: the one that has been in force for longest.
    pub factor: Option<FactorId>,
    /// Does the message hold a link as well? From data level 4 on, and in none but e-mail.
    #[serde(default, skip_serializing_if = "address::is_false")]
    pub link: bool,
    /// Where the message counts, if it does. From data level 4 on, and for text messages alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<SmsCount>,
}

impl Decide for SendLoginCode {
    type Outcome = SendOutcome;
    const NAME: &'static str = "send_login_code";
    const NEEDS: Areas = Areas::LOGINS.and(Areas::SESSIONS);
    /// The code before was good for nothing but this login.
    const REVOKES: bool = false;

    fn misses(outcome: &Self::Outcome) -> bool {
        matches!(outcome, SendOutcome::Ended)
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<SendOutcome> {
        let login = sign_in::live_login(user, &self.login, cx);
        let login = login.filter(|login| counts(user, login, self.channel, cx));
        let to = self.address(user, cx);
        let Some(((login, account), to)) = login.zip(user.active_account()).zip(to) else {
            return Decision::answer(SendOutcome::Ended);
        };
        let sends = match self.may_send(user, cx, (login, to)) {
            Ok(sends) => sends,
            Err(until) => return Decision::answer(SendOutcome::Wait { until }),
        };
        let mut change = Change::default();
        let drawn = sent_code::draw(&cx.attempt.seed, address::takes_link(self.channel, self.link));
        let recipient = Recipient { user: user.id, factor: to.factor, binding: Binding::Login(login.login) };
        let sent = drawn.keep(cx, &recipient);
        let expires_at = sign_in::end_with(login, &sent);
        let letter = Letter {
            channel: self.channel,
            to: to.address.clone(),
            user_name: account.user_name.clone(),
            lang: cx.lang(),
            content: Content::SignInCode { link: drawn.token(cx, &recipient), code: drawn.code },
        };
        let message = letter::post(user.id, cx, &mut change, (&letter, sends), sent.expires_at.min(expires_at));
        let texts = texts::with(&login.texts, message, self.count.as_ref());
        change.put(Item::Login(Login { sent: Some(sent), texts, expires_at, ..login.clone() }));
        let method = sign_in::method_name(address::method(self.channel));
        let event = event::of(cx, "login.code_sent", user.id).with("method", method);
        let event = event.with("factor", to.factor.to_string());
        Decision { change, events: vec![event], outcome: SendOutcome::Sent }
    }
}

impl SendLoginCode {
    /// Where the message goes: the one that was chosen, or the first whose codes are looked at.
    fn address<'a>(&self, user: &'a User, cx: &Context<'_>) -> Option<&'a Address> {
        let active = user.active_addresses(self.channel);
        if let Some(wanted) = self.factor {
            return active.into_iter().find(|active| active.factor == wanted);
        }
        let open = active.iter().find(|active| closed(user, cx, &self.login, (self.channel, **active)).is_none());
        open.or(active.first()).copied()
    }

    /// The count of messages with this one; or when it can be sent.
    fn may_send(&self, user: &User, cx: &Context<'_>, (login, to): (&Login, &Address)) -> Result<Sends, Timestamp> {
        // What is not looked at when it is typed is not sent, and not paid for. The page tells of a suspension before it asks for a
        // message; a node of an earlier version has no word for it, and shows a wait as long as the longest cool-down.
        if let Some(closed) = closed(user, cx, &self.login, (self.channel, to)) {
            return Err(closed.until.unwrap_or_else(|| cx.now.after(throttle::CAP)));
        }
        // Who waits for one that does not come may choose the other way at once.
        let before = login.sent.as_ref().filter(|sent| user.addresses(self.channel).contains_key(&sent.factor));
        match before.map(sent_code::again_at).filter(|again_at| cx.now < *again_at) {
            Some(until) => Err(until),
            None => letter::room(user, user.bucket(self.login.device.as_ref(), cx.now), cx.now),
        }
    }
}

/// An address whose codes are not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// Which.
    pub factor: FactorId,
    /// When they are looked at again; unset: it is suspended.
    pub until: Option<Timestamp>,
}

/// Is a code of this address not looked at in this login?
fn closed(user: &User, cx: &Context<'_>, of: &LoginRef, (channel, to): (Channel, &Address)) -> Option<Closed> {
    let bucket = user.bucket(of.device.as_ref(), cx.now);
    let until = match codes::gate(user, &address::throttle(channel, to.factor), bucket, cx.now) {
        Gate::Open { .. } => return None,
        Gate::Closed { until } => Some(until),
        Gate::Suspended => None,
    };
    Some(Closed { factor: to.factor, until })
}

/// What is known of the code of a login.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ShowLoginCode {
    /// The login that awaits a second proof.
    pub login: LoginRef,
    /// By which way.
    #[serde(default, skip_serializing_if = "address::is_email")]
    pub channel: Channel,
}

/// As its page shows it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LoginCodeView {
    /// Addresses that a code can go to, so far hidden that only their owners recognise them.
    pub addresses: Vec<(FactorId, String)>,
    /// Whose numbers they are, for those that have a country: what may be sent there hangs on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub countries: Vec<(FactorId, Country)>,
    /// How the counts of these numbers are called ([`Recipients`](crate::recipients::Recipients)). A node of an earlier version names none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub numbers: Vec<(FactorId, String)>,
    /// Those whose codes are not looked at. A node of an earlier version does not say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub closed: Vec<Closed>,
    /// Where the live code went, if it went this way, and from when on another may be sent.
    pub sent: Option<(String, Timestamp)>,
    /// Does that message hold a link as well?
    #[serde(default, skip_serializing_if = "address::is_false")]
    pub link: bool,
}

impl Decide for ShowLoginCode {
    type Outcome = Option<LoginCodeView>;
    const NAME: &'static str = "show_login_code";
    const NEEDS: Areas = Areas::LOGINS;
    /// It only looks.
    const REVOKES: bool = false;
    const LOOKS: bool = true;

    fn misses(outcome: &Self::Outcome) -> bool {
        outcome.is_none()
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<Option<LoginCodeView>> {
        let Some(login) = sign_in::live_login(user, &self.login, cx) else {
            return Decision::answer(None);
        };
        let usable = user.usable_addresses(self.channel);
        let active = if usable.is_empty() { user.active_addresses(self.channel) } else { usable };
        let addresses: Vec<_> =
            active.iter().map(|active| (active.factor, address::label(self.channel, active))).collect();
        let phones = active.iter().filter(|_| self.channel == Channel::Sms);
        let bucket = user.bucket(self.login.device.as_ref(), cx.now);
        let country = |phone: &&Address| Some((phone.factor, PhoneNumber::country_of(&phone.address)?));
        let countries = phones.clone().filter_map(country).collect();
        let numbers =
            phones.map(|phone| (phone.factor, address::number_id(cx.vault, &phone.address, bucket))).collect();
        let closed =
            active.iter().filter_map(|active| closed(user, cx, &self.login, (self.channel, *active))).collect();
        let sent = login.sent.as_ref().filter(|sent| cx.now < sent.expires_at).and_then(|sent| {
            let (_, to) = addresses.iter().find(|(factor, _)| *factor == sent.factor)?;
            Some((to.clone(), sent_code::again_at(sent)))
        });
        let link = sent.is_some() && login.sent.as_ref().is_some_and(|sent| sent.link.is_some());
        Decision::answer(Some(LoginCodeView { addresses, countries, numbers, closed, sent, link }))
    }
}

/// A code was typed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct VerifySentCode {
    /// The login that awaits it.
    pub login: LoginRef,
    /// Six digits.
    pub code: Code,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum VerifySentCodeOutcome {
    /// It was looked at, or a throttle was closed.
    Judged(SignInOutcome),
    /// There is no code that it could be: none was sent, or its ten minutes are over. Nothing was counted.
    NoCode,
}

impl Decide for VerifySentCode {
    type Outcome = VerifySentCodeOutcome;
    const NAME: &'static str = "verify_email_code";
    const NEEDS: Areas = Areas::LOGINS.and(Areas::SESSIONS).and(Areas::FAMILIES);
    /// A used code is found out by the commit that uses it.
    const REVOKES: bool = false;

    fn misses(outcome: &Self::Outcome) -> bool {
        matches!(outcome, VerifySentCodeOutcome::NoCode | VerifySentCodeOutcome::Judged(SignInOutcome::LoginEnded))
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<VerifySentCodeOutcome> {
        let awaited = match AwaitedCode::find(user, &self.login, cx) {
            Ok(awaited) => awaited,
            Err(outcome) => return Decision::answer(outcome),
        };
        if let Err(closed) = awaited.gate(user, &self.login, cx) {
            return Decision::answer(VerifySentCodeOutcome::Judged(closed));
        }
        if sent_code::is_right(cx, user.id, Binding::Login(self.login.login), awaited.sent, &self.code) {
            return awaited.accept(user, &self.login, cx, "code");
        }
        awaited.failed(user, &self.login, cx)
    }
}

/// A code that a login awaits, and the address that it went to.
pub(super) struct AwaitedCode<'a> {
    pub(super) sent: &'a SentCode,
    channel: Channel,
    device: &'a Address,
}

impl<'a> AwaitedCode<'a> {
    pub(super) fn find(user: &'a User, of: &LoginRef, cx: &Context<'_>) -> Result<Self, VerifySentCodeOutcome> {
        let login = sign_in::live_login(user, of, cx);
        let login = login.ok_or(VerifySentCodeOutcome::Judged(SignInOutcome::LoginEnded))?;
        let live = login.sent.as_ref().filter(|sent| cx.now < sent.expires_at);
        let found = live.and_then(|sent| Some((sent, went_to(user, sent)?)));
        let (sent, (channel, device)) = found.ok_or(VerifySentCodeOutcome::NoCode)?;
        if !counts(user, login, channel, cx) {
            return Err(VerifySentCodeOutcome::Judged(sign_in::goes_on(user, cx, of, login)));
        }
        Ok(Self { sent, channel, device })
    }

    fn throttle(&self) -> String {
        address::throttle(self.channel, self.device.factor)
    }

    /// May the address be proved now?
    pub(super) fn gate(&self, user: &User, of: &LoginRef, cx: &Context<'_>) -> Result<(), SignInOutcome> {
        match codes::gate(user, &self.throttle(), user.bucket(of.device.as_ref(), cx.now), cx.now) {
            Gate::Open { .. } => Ok(()),
            Gate::Closed { until } => Err(SignInOutcome::Throttled { until }),
            Gate::Suspended => Err(SignInOutcome::Suspended),
        }
    }

    /// A wrong code is counted.
    fn failed(&self, user: &User, of: &LoginRef, cx: &Context<'_>) -> Decision<VerifySentCodeOutcome> {
        let mut change = Change::default();
        let closed = codes::failed(user, cx, &mut change, of, [self.throttle()]);
        let event = sign_in::told(user, cx, address::method(self.channel), &SignInOutcome::Wrong);
        let events = [event].into_iter().chain(closed).collect();
        let outcome = VerifySentCodeOutcome::Judged(SignInOutcome::Wrong);
        Decision { change, events, outcome }
    }

    /// It was proved, by the code or by the link beside it; the audit log is told which.
    pub(super) fn accept(
        &self,
        user: &User,
        of: &LoginRef,
        cx: &Context<'_>,
        by: &'static str,
    ) -> Decision<VerifySentCodeOutcome> {
        let (method, factor) = (address::method(self.channel), self.device.factor);
        let mut change = Change::default();
        codes::succeeded(user, &mut change, user.bucket(of.device.as_ref(), cx.now), self.throttle());
        change.put(address::item(self.channel, Address { last_used_at: Some(cx.now), ..self.device.clone() }));
        let proof = Proof { method, at: cx.now, factor: Some(factor), credential: None };
        // Either the login item goes with its code, or a new one without a code takes its place.
        let outcome = sign_in::accept(user, cx, &mut change, of, proof);
        let event = sign_in::told(user, cx, method, &outcome).with("factor", factor.to_string()).with("by", by);
        Decision { change, events: vec![event], outcome: VerifySentCodeOutcome::Judged(outcome) }
    }
}

/// Do codes that are sent this way bring the login on?
fn counts(user: &User, login: &Login, channel: Channel, cx: &Context<'_>) -> bool {
    channel != Channel::Email || user.takes_mail(&sign_in::proved(user, login, cx))
}

/// The address that a code went to, if it is still in force.
pub(super) fn went_to<'a>(user: &'a User, sent: &SentCode) -> Option<(Channel, &'a Address)> {
    [Channel::Email, Channel::Sms].into_iter().find_map(|channel| {
        let active = user.active_addresses(channel).into_iter().find(|active| active.factor == sent.factor)?;
        Some((channel, active))
    })
}
