//! The end of a recovery that is due: a code goes to the address of the account, and completes it in the login that it was sent for. That
//! one commit consumes the request, the login and the code; ends every second factor and what rests on them; and signs in.

use schema::record::{AuditEvent, Channel, Login, Method, Policy, Proof, Recovery};
use serde::{Deserialize, Serialize};

use super::{
    Decide, Decision, VerifySentCodeOutcome,
    address_enrol::SendOutcome,
    codes,
    end_session::end_all_but,
    operator::remove_factors,
    recovery_begin::{Link, proved},
    sign_in::{self, LoginRef, SignInOutcome, SignedIn},
    tokens,
};
use crate::domain::{
    assurance,
    change::{Change, Item, ItemKey},
    context::Context,
    event::{self, WithFact},
    factor::{
        sent_code::{self, Binding, Recipient},
        totp::Code,
    },
    letter::{self, Content, Letter, Notice},
    recovery::{self, Standing},
    texts,
    throttle::Gate,
    user::{Areas, User},
};

/// Send the code that completes a recovery.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SendRecoveryCode {
    /// The login that awaits a second proof.
    pub login: LoginRef,
    /// The policies in force.
    pub policies: Vec<Policy>,
}

impl Decide for SendRecoveryCode {
    type Outcome = SendOutcome;
    const NAME: &'static str = "send_recovery_code";
    const NEEDS: Areas = Areas::LOGINS;
    /// The code before was good for nothing but this login.
    const REVOKES: bool = false;

    fn misses(outcome: &Self::Outcome) -> bool {
        matches!(outcome, SendOutcome::Ended)
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<SendOutcome> {
        let found = due(user, cx, &self.login, &self.policies).zip(user.active_account());
        let addresses = letter::confirmed(user);
        let (Some(((login, due), account)), Some((to, others))) = (found, addresses.split_first()) else {
            return Decision::answer(SendOutcome::Ended);
        };
        let before = login.sent.as_ref().filter(|sent| recovery::is_for(due, sent));
        let too_early = before.map(sent_code::again_at).filter(|again_at| cx.now < *again_at);
        let bucket = user.bucket(self.login.device.as_ref(), cx.now);
        let sends = match (too_early, letter::room(user, bucket, cx.now)) {
            (None, Ok(sends)) => sends,
            (Some(until), _) | (None, Err(until)) => return Decision::answer(SendOutcome::Wait { until }),
        };
        let mut change = Change::default();
        let link = Link::draw(user, cx, due.recovery);
        let recipient =
            Recipient { user: user.id, factor: recovery::as_factor(due), binding: Binding::Recovery(login.login) };
        let drawn = sent_code::draw(&cx.attempt.seed, false);
        let sent = drawn.keep(cx, &recipient);
        let expires_at = sign_in::end_with(login, &sent);
        let letter = Letter {
            channel: Channel::Email,
            to: (*to).to_owned(),
            user_name: account.user_name.clone(),
            lang: cx.lang(),
            content: Content::RecoveryCode { code: drawn.code, token: link.token.clone() },
        };
        letter::post(user.id, cx, &mut change, (&letter, sends), sent.expires_at.min(expires_at));
        if due.asked_at.is_none() {
            // Once: who can ask for codes all day must not fill other mailboxes with it.
            let content = Content::RecoveryDue { token: link.token };
            letter::of_recovery(user, cx, &mut change, &content, (others.to_vec(), due.expires_at, cx.lang()));
        }
        let asked_at = due.asked_at.or(Some(cx.now));
        change.put(Item::Recovery(Recovery { asked_at, ..recovery::with_link(due, link.hash) }));
        change.put(Item::Login(Login { sent: Some(sent), expires_at, ..login.clone() }));
        let event = event::of(cx, "recovery.code_sent", user.id).with("recovery", due.recovery.to_string());
        Decision { change, events: vec![event], outcome: SendOutcome::Sent }
    }
}

/// The login and the request, if that can be completed in it.
fn due<'a>(user: &'a User, cx: &Context<'_>, of: &LoginRef, policies: &[Policy]) -> Option<(&'a Login, &'a Recovery)> {
    let login = proved(user, of, cx)?;
    match recovery::standing(user, cx.now) {
        Standing::Due(due) if recovery::is_offered(user, cx.settings, policies, cx.now) => Some((login, due)),
        Standing::None | Standing::Waiting(_) | Standing::Due(_) | Standing::Closed(_) => None,
    }
}

/// The code was typed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CompleteRecovery {
    /// The login that it was sent for.
    pub login: LoginRef,
    /// Six digits.
    pub code: Code,
    /// The policies in force.
    pub policies: Vec<Policy>,
}

impl Decide for CompleteRecovery {
    /// `NoCode` also says that nothing can be completed (any more).
    type Outcome = VerifySentCodeOutcome;
    const NAME: &'static str = "complete_recovery";
    const NEEDS: Areas = Areas::LOGINS.and(Areas::SESSIONS).and(Areas::FAMILIES).and(Areas::CODES).and(Areas::BACKUP);
    /// Factors, sessions and tokens end.
    const REVOKES: bool = true;

    fn revoked(outcome: &Self::Outcome) -> bool {
        matches!(outcome, VerifySentCodeOutcome::Judged(SignInOutcome::SignedIn(_)))
    }

    fn misses(outcome: &Self::Outcome) -> bool {
        matches!(outcome, VerifySentCodeOutcome::NoCode | VerifySentCodeOutcome::Judged(SignInOutcome::LoginEnded))
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<VerifySentCodeOutcome> {
        let judged = VerifySentCodeOutcome::Judged;
        if proved(user, &self.login, cx).is_none() {
            return Decision::answer(judged(SignInOutcome::LoginEnded));
        }
        let found = due(user, cx, &self.login, &self.policies);
        let live = found.and_then(|(login, due)| Some((login, due, login.sent.as_ref()?)));
        let live = live.filter(|(_, due, sent)| recovery::is_for(due, sent) && cx.now < sent.expires_at);
        let Some((login, due, sent)) = live else {
            return Decision::answer(VerifySentCodeOutcome::NoCode);
        };
        let bucket = user.bucket(self.login.device.as_ref(), cx.now);
        match codes::gate(user, recovery::THROTTLE, bucket, cx.now) {
            Gate::Open { .. } => {}
            Gate::Closed { until } => return Decision::answer(judged(SignInOutcome::Throttled { until })),
            Gate::Suspended => return Decision::answer(judged(SignInOutcome::Suspended)),
        }
        let mut change = Change::default();
        if !sent_code::is_right(cx, user.id, Binding::Recovery(login.login), sent, &self.code) {
            let closed = codes::failed(user, cx, &mut change, &self.login, [recovery::THROTTLE.to_owned()]);
            let event = event::of(cx, "recovery.failed", user.id).with("recovery", due.recovery.to_string());
            let events = [event].into_iter().chain(closed).collect();
            return Decision { change, events, outcome: judged(SignInOutcome::Wrong) };
        }
        let (signed_in, events) = self.complete(user, cx, &mut change, (login, due));
        Decision { change, events, outcome: judged(SignInOutcome::SignedIn(signed_in)) }
    }
}

impl CompleteRecovery {
    fn complete(
        &self,
        user: &User,
        cx: &Context<'_>,
        change: &mut Change,
        (login, due): (&Login, &Recovery),
    ) -> (SignedIn, Vec<AuditEvent>) {
        let devices = remove_factors(user, cx, change);
        tokens::end_resting(user, cx, change, |_| true);
        end_all_but(user, change, None);
        change.delete(ItemKey::Recovery);
        texts::taken_back(change, &login.texts);
        let mut proofs = login.proofs.clone();
        let mailed = Proof { method: Method::EmailCode, at: cx.now, factor: None, credential: None };
        assurance::add(&mut proofs, mailed);
        let device = sign_in::remember_device(user, cx, change, self.login.device);
        let session = sign_in::new_session(cx, login.browser, proofs, device);
        let signed_in = SignedIn { session: session.session, device, expires_at: session.expires_at, trusted: None };
        change.put(Item::Session(session));
        letter::notice(user, cx, change, Notice::RecoveryCompleted);
        let event = event::of(cx, "recovery.completed", user.id).with("recovery", due.recovery.to_string());
        let completed = event.with("devices", devices).with("begun_at", due.begun_at.as_secs());
        let told = event::of(cx, "login.succeeded", user.id)
            .with("method", "recovery")
            .with("session", signed_in.session.to_string());
        (signed_in, vec![completed, told])
    }
}
