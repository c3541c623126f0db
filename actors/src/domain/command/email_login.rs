//! A code sent by e-mail as the second proof of a login.
//!
//! A login has one live code: sending another replaces it, and never resets what was counted. The code is consumed with the
//! login item that it belongs to, in the commit that accepts it.

use schema::{
    FactorId, Timestamp,
    record::{Email, Login, Method, Proof},
};
use serde::{Deserialize, Serialize};

use super::{
    Decide, Decision, codes,
    email_enrol::{SendOutcome, throttle_of},
    sign_in::{self, LoginRef, SignInOutcome},
};
use crate::domain::{
    change::{Change, Item},
    context::Context,
    event::{self, WithFact},
    factor::{
        sent_code::{self, Binding},
        totp::Code,
    },
    letter::{self, Content, Letter},
    throttle::Gate,
    user::{Areas, User},
};

/// Send a code for a login.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SendLoginCode {
    /// The login that awaits a second proof.
    pub login: LoginRef,
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
        let email =
            user.active_emails().into_iter().find(|email| self.factor.is_none_or(|wanted| wanted == email.factor));
        let Some(((login, account), email)) = login.zip(user.active_account()).zip(email) else {
            return Decision::answer(SendOutcome::Ended);
        };
        let too_early = login.sent.as_ref().map(sent_code::again_at).filter(|again_at| cx.now < *again_at);
        let bucket = user.bucket(self.login.device.as_ref(), cx.now);
        let sends = match (too_early, letter::room(user, bucket, cx.now)) {
            (None, Ok(sends)) => sends,
            (Some(until), _) | (None, Err(until)) => return Decision::answer(SendOutcome::Wait { until }),
        };
        let mut change = Change::default();
        let code = sent_code::draw(&cx.attempt.seed);
        let sent = sent_code::keep(cx, user.id, email.factor, Binding::Login(login.login), &code);
        let letter = Letter {
            to: email.address.clone(),
            user_name: account.user_name.clone(),
            content: Content::SignInCode { code },
        };
        letter::post(user.id, cx, &mut change, (&letter, sends), sent.expires_at.min(login.expires_at));
        change.put(Item::Login(Login { sent: Some(sent), ..login.clone() }));
        let event = event::of(cx, "login.code_sent", user.id).with("method", "email_code");
        let event = event.with("factor", email.factor.to_string());
        Decision { change, events: vec![event], outcome: SendOutcome::Sent }
    }
}

/// What is known of the code of a login.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ShowLoginCode {
    /// The login that awaits a second proof.
    pub login: LoginRef,
}

/// As its page shows it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LoginCodeView {
    /// Addresses that a code can go to, so far hidden that only their owners recognise them.
    pub addresses: Vec<(FactorId, String)>,
    /// Where the live code went, and from when on another may be sent.
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
        let addresses: Vec<_> =
            user.active_emails().into_iter().map(|email| (email.factor, hidden(&email.address))).collect();
        let sent = login.sent.as_ref().filter(|sent| cx.now < sent.expires_at).and_then(|sent| {
            let (_, to) = addresses.iter().find(|(factor, _)| *factor == sent.factor)?;
            Some((to.clone(), sent_code::again_at(sent)))
        });
        Decision::answer(Some(LoginCodeView { addresses, sent }))
    }
}

/// An address of which its owner recognises the rest: the first character of each side and the last label.
fn hidden(address: &str) -> String {
    let (local, domain) = address.split_once('@').unwrap_or((address, ""));
    let first = |text: &str| text.chars().next().map(String::from).unwrap_or_default();
    let (host, top) = domain.rsplit_once('.').map_or((domain, String::new()), |(host, top)| (host, format!(".{top}")));
    format!("{}•••@{}•••{top}", first(local), first(host))
}

/// A code was typed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct VerifyEmailCode {
    /// The login that awaits it.
    pub login: LoginRef,
    /// Six digits.
    pub code: Code,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum VerifyEmailCodeOutcome {
    /// It was looked at, or a throttle was closed.
    Judged(SignInOutcome),
    /// There is no code that it could be: none was sent, or its ten minutes are over. Nothing was counted.
    NoCode,
}

impl Decide for VerifyEmailCode {
    type Outcome = VerifyEmailCodeOutcome;
    const NAME: &'static str = "verify_email_code";
    const NEEDS: Areas = Areas::LOGINS.and(Areas::SESSIONS);
    /// A used code is found out by the commit that uses it.
    const REVOKES: bool = false;

    fn misses(outcome: &Self::Outcome) -> bool {
        matches!(outcome, VerifyEmailCodeOutcome::NoCode | VerifyEmailCodeOutcome::Judged(SignInOutcome::LoginEnded))
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<VerifyEmailCodeOutcome> {
        let judged = VerifyEmailCodeOutcome::Judged;
        let Some(login) = sign_in::live_login(user, &self.login, cx) else {
            return Decision::answer(judged(SignInOutcome::LoginEnded));
        };
        let live = login.sent.as_ref().filter(|sent| cx.now < sent.expires_at);
        let found = live.and_then(|sent| {
            let email = user.active_emails().into_iter().find(|email| email.factor == sent.factor)?;
            Some((sent, email))
        });
        let Some((sent, email)) = found else {
            return Decision::answer(VerifyEmailCodeOutcome::NoCode);
        };
        let bucket = user.bucket(self.login.device.as_ref(), cx.now);
        match codes::gate(user, &throttle_of(email), bucket, cx.now) {
            Gate::Open { .. } => {}
            Gate::Closed { until } => return Decision::answer(judged(SignInOutcome::Throttled { until })),
            Gate::Suspended => return Decision::answer(judged(SignInOutcome::Suspended)),
        }
        let mut change = Change::default();
        if !sent_code::is_right(cx, user.id, Binding::Login(login.login), sent, &self.code) {
            codes::failed(user, cx, &mut change, bucket, [throttle_of(email)]);
            let event = sign_in::told(user, cx, Method::EmailCode, &SignInOutcome::Wrong);
            return Decision { change, events: vec![event], outcome: judged(SignInOutcome::Wrong) };
        }
        codes::succeeded(user, &mut change, bucket, throttle_of(email));
        change.put(Item::Email(Email { last_used_at: Some(cx.now), ..email.clone() }));
        let proof = Proof { method: Method::EmailCode, at: cx.now, factor: Some(email.factor), credential: None };
        // Either the login item goes with its code, or a new one without a code takes its place.
        let outcome = sign_in::accept(user, cx, &mut change, &self.login, proof);
        let event = sign_in::told(user, cx, Method::EmailCode, &outcome).with("factor", email.factor.to_string());
        Decision { change, events: vec![event], outcome: judged(outcome) }
    }
}

#[cfg(test)]
mod tests {
    use super::hidden;

    #[test]
    fn of_an_address_only_its_owner_recognises_the_rest() {
        assert_eq!(hidden("ada@example.org"), "a•••@e•••.org");
        assert_eq!(hidden("ö@mail.example.co.uk"), "ö•••@m•••.uk");
        assert_eq!(hidden("root@localhost"), "r•••@l•••");
    }
}
