//! A code that was sent, by e-mail or text message, as the second proof of a login.
//!
//! A login has one live code: sending another replaces it, by whichever way, and never resets what was counted. The code is consumed with the
//! login item that it belongs to, in the commit that accepts it.

use schema::{
    FactorId, Timestamp,
    record::{Address, Channel, Login, Proof, SentCode},
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
        sent_code::{self, Binding},
        totp::Code,
    },
    letter::{self, Content, Letter},
    phone::{Country, PhoneNumber},
    throttle::Gate,
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
}

impl Decide for SendLoginCode {
    type Outcome = SendOutcome;
    const NAME: &'static str = "send_login_code";
    const NEEDS: Areas = Areas::LOGINS;
    /// The code before was good for nothing but this login.
    const REVOKES: bool = false;

    fn misses(outcome: &Self::Outcome) -> bool {
        matches!(outcome, SendOutcome::Ended)
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<SendOutcome> {
        let login = sign_in::live_login(user, &self.login, cx);
        let active = user.active_addresses(self.channel);
        let to = active.into_iter().find(|active| self.factor.is_none_or(|wanted| wanted == active.factor));
        let Some(((login, account), to)) = login.zip(user.active_account()).zip(to) else {
            return Decision::answer(SendOutcome::Ended);
        };
        // Who waits for one that does not come may choose the other way at once.
        let before = login.sent.as_ref().filter(|sent| user.addresses(self.channel).contains_key(&sent.factor));
        let too_early = before.map(sent_code::again_at).filter(|again_at| cx.now < *again_at);
        let bucket = user.bucket(self.login.device.as_ref(), cx.now);
        let sends = match (too_early, letter::room(user, bucket, cx.now)) {
            (None, Ok(sends)) => sends,
            (Some(until), _) | (None, Err(until)) => return Decision::answer(SendOutcome::Wait { until }),
        };
        let mut change = Change::default();
        let code = sent_code::draw(&cx.attempt.seed);
        let sent = sent_code::keep(cx, user.id, to.factor, Binding::Login(login.login), &code);
        let letter = Letter {
            channel: self.channel,
            to: to.address.clone(),
            user_name: account.user_name.clone(),
            content: Content::SignInCode { code },
        };
        letter::post(user.id, cx, &mut change, (&letter, sends), sent.expires_at.min(login.expires_at));
        change.put(Item::Login(Login { sent: Some(sent), ..login.clone() }));
        let method = sign_in::method_name(address::method(self.channel));
        let event = event::of(cx, "login.code_sent", user.id).with("method", method);
        let event = event.with("factor", to.factor.to_string());
        Decision { change, events: vec![event], outcome: SendOutcome::Sent }
    }
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
    /// Where the live code went, if it went this way, and from when on another may be sent.
    pub sent: Option<(String, Timestamp)>,
}

impl Decide for ShowLoginCode {
    type Outcome = Option<LoginCodeView>;
    const NAME: &'static str = "show_login_code";
    const NEEDS: Areas = Areas::LOGINS;
    /// It only looks.
    const REVOKES: bool = false;

    fn misses(outcome: &Self::Outcome) -> bool {
        outcome.is_none()
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<Option<LoginCodeView>> {
        let Some(login) = sign_in::live_login(user, &self.login, cx) else {
            return Decision::answer(None);
        };
        let active = user.active_addresses(self.channel);
        let addresses: Vec<_> =
            active.iter().map(|active| (active.factor, address::label(self.channel, active))).collect();
        let country = |number: &str| PhoneNumber::parse(number, None).ok().map(|number| number.country());
        let numbers = active.iter().filter(|_| self.channel == Channel::Sms);
        let countries = numbers.filter_map(|active| Some((active.factor, country(&active.address)?))).collect();
        let sent = login.sent.as_ref().filter(|sent| cx.now < sent.expires_at).and_then(|sent| {
            let (_, to) = addresses.iter().find(|(factor, _)| *factor == sent.factor)?;
            Some((to.clone(), sent_code::again_at(sent)))
        });
        Decision::answer(Some(LoginCodeView { addresses, countries, sent }))
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
        let judged = VerifySentCodeOutcome::Judged;
        let Some(login) = sign_in::live_login(user, &self.login, cx) else {
            return Decision::answer(judged(SignInOutcome::LoginEnded));
        };
        let live = login.sent.as_ref().filter(|sent| cx.now < sent.expires_at);
        let Some((sent, (channel, device))) = live.and_then(|sent| Some((sent, went_to(user, sent)?))) else {
            return Decision::answer(VerifySentCodeOutcome::NoCode);
        };
        let (method, throttle) = (address::method(channel), address::throttle(channel, device.factor));
        let bucket = user.bucket(self.login.device.as_ref(), cx.now);
        match codes::gate(user, &throttle, bucket, cx.now) {
            Gate::Open { .. } => {}
            Gate::Closed { until } => return Decision::answer(judged(SignInOutcome::Throttled { until })),
            Gate::Suspended => return Decision::answer(judged(SignInOutcome::Suspended)),
        }
        let mut change = Change::default();
        if !sent_code::is_right(cx, user.id, Binding::Login(login.login), sent, &self.code) {
            codes::failed(user, cx, &mut change, bucket, [throttle]);
            let event = sign_in::told(user, cx, method, &SignInOutcome::Wrong);
            return Decision { change, events: vec![event], outcome: judged(SignInOutcome::Wrong) };
        }
        codes::succeeded(user, &mut change, bucket, throttle);
        change.put(address::item(channel, Address { last_used_at: Some(cx.now), ..device.clone() }));
        let proof = Proof { method, at: cx.now, factor: Some(device.factor), credential: None };
        // Either the login item goes with its code, or a new one without a code takes its place.
        let outcome = sign_in::accept(user, cx, &mut change, &self.login, proof);
        let event = sign_in::told(user, cx, method, &outcome).with("factor", device.factor.to_string());
        Decision { change, events: vec![event], outcome: judged(outcome) }
    }
}

/// The address that a code went to, if its codes still count.
fn went_to<'a>(user: &'a User, sent: &SentCode) -> Option<(Channel, &'a Address)> {
    [Channel::Email, Channel::Sms].into_iter().find_map(|channel| {
        let active = user.active_addresses(channel).into_iter().find(|active| active.factor == sent.factor)?;
        Some((channel, active))
    })
}
