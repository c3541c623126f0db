//! The link beside a code that was sent by e-mail, so that who reads the message in the browser of the login has nothing to type.
//!
//! 1. The message is opened in some browser. It is only asked whether the link is good ([`ShowSentLink`]); whoever fetches it, be
//!    it a scanner of mail, changes nothing.
//! 2. In the browser that began, which has the cookie of the login, or the session that wants the address, a button is pressed:
//!    [`VerifySentLink`] or [`ConfirmAddressByLink`](super::ConfirmAddressByLink) judges the link and consumes it, with its code.
//! 3. In any other browser nothing is completed: who makes somebody else press a button there would be signed in by it.

use schema::{FactorId, LoginId, SessionId, record::Channel};
use serde::{Deserialize, Serialize};

use super::{
    Decide, Decision, VerifySentCodeOutcome,
    address_enrol::awaiting,
    address_login::{AwaitedCode, went_to},
    sign_in::LoginRef,
};
use crate::domain::{
    context::Context,
    factor::sent_code::{self, Binding},
    user::{Areas, User},
};

/// What a link would complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Linked {
    /// This login.
    Login(LoginId),
    /// The enrolment of an address.
    Address {
        /// In this session.
        session: SessionId,
        /// Which.
        factor: FactorId,
    },
}

/// Is a link good, whoever asks?
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ShowSentLink {
    /// What for.
    pub of: Linked,
    /// SHA-256 of the link's secret part.
    pub secret_hash: String,
}

impl Decide for ShowSentLink {
    type Outcome = bool;
    const NAME: &'static str = "show_sent_link";
    const NEEDS: Areas = Areas::LOGINS;
    /// It only looks.
    const REVOKES: bool = false;
    const LOOKS: bool = true;

    fn misses(good: &bool) -> bool {
        !*good
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<bool> {
        if user.active_account().is_none() {
            return Decision::answer(false);
        }
        let (binding, sent) = match self.of {
            Linked::Login(id) => {
                let login = user.logins.get(&id).filter(|login| cx.now < login.expires_at);
                let sent = login.and_then(|login| login.sent.as_ref());
                (Binding::Login(id), sent.filter(|sent| went_to(user, sent).is_some()))
            }
            Linked::Address { session, factor } => {
                let found = awaiting(user, (Channel::Email, factor), cx);
                (Binding::Enrolment(session), found.and_then(|(address, _)| address.sent.as_ref()))
            }
        };
        Decision::answer(sent.is_some_and(|sent| sent_code::is_link(cx, user.id, binding, sent, &self.secret_hash)))
    }
}

/// The button of a link was pressed, in the browser that began the login.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct VerifySentLink {
    /// The login that awaits its code.
    pub login: LoginRef,
    /// SHA-256 of the link's secret part.
    pub secret_hash: String,
}

impl Decide for VerifySentLink {
    /// As that of a code. `NoCode`: the link is not the one of the newest message, or its ten minutes are over.
    type Outcome = VerifySentCodeOutcome;
    const NAME: &'static str = "verify_sent_link";
    const NEEDS: Areas = Areas::LOGINS.and(Areas::SESSIONS).and(Areas::FAMILIES);
    /// A used link is found out by the commit that uses it.
    const REVOKES: bool = false;

    fn misses(outcome: &Self::Outcome) -> bool {
        super::VerifySentCode::misses(outcome)
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<VerifySentCodeOutcome> {
        let awaited = match AwaitedCode::find(user, &self.login, cx) {
            Ok(awaited) => awaited,
            Err(outcome) => return Decision::answer(outcome),
        };
        let binding = Binding::Login(self.login.login);
        if !sent_code::is_link(cx, user.id, binding, awaited.sent, &self.secret_hash) {
            return Decision::answer(VerifySentCodeOutcome::NoCode);
        }
        match awaited.gate(user, &self.login, cx) {
            Ok(()) => awaited.accept(user, &self.login, cx, "link"),
            Err(closed) => Decision::answer(VerifySentCodeOutcome::Judged(closed)),
        }
    }
}
