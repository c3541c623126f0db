//! Somebody whose password was right says to have lost every second factor; see [`recovery`].

use std::time::Duration;

use schema::{
    RecoveryId, Timestamp,
    record::{Login, Method, Policy, Recovery, RecoveryState, Unknown},
};
use serde::{Deserialize, Serialize};

use super::{
    Decide, Decision,
    sign_in::{self, LoginRef},
};
use crate::{
    domain::{
        address,
        change::{Change, Item},
        context::Context,
        event::{self, WithFact},
        factor::sent_code,
        letter::{self, Content},
        recovery::{self, Standing},
        user::{Areas, User},
    },
    locator::Locators,
    secret::{Secret, sha256_b64},
};

/// What is known of the recovery of an account in a login whose password was right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RecoveryView {
    /// The login ended, or its password is not the current one any more.
    LoginEnded,
    /// This account is not recovered so.
    NotOffered,
    /// A request can be begun.
    Open {
        /// How long it would wait.
        wait: Duration,
    },
    /// One waits.
    Waiting {
        /// Since when.
        begun_at: Timestamp,
        /// Until when.
        due_at: Timestamp,
    },
    /// One can be completed, by a code.
    Due {
        /// Until when.
        until: Timestamp,
        /// Where the code goes, so far hidden that only its owner recognises the rest.
        to: String,
        /// A code was sent for this login, and is still good; and from when on another may be.
        sent: Option<Timestamp>,
    },
    /// One was cancelled.
    Closed {
        /// Until when no other can be begun; unset: as long as the password is the same.
        until: Option<Timestamp>,
    },
}

/// Ask what is known of the recovery of this account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ShowRecovery {
    /// The login that awaits a second proof.
    pub login: LoginRef,
    /// The policies in force.
    pub policies: Vec<Policy>,
}

impl Decide for ShowRecovery {
    type Outcome = RecoveryView;
    const NAME: &'static str = "show_recovery";
    const NEEDS: Areas = Areas::LOGINS;
    /// It only looks.
    const REVOKES: bool = false;
    const LOOKS: bool = true;

    fn misses(outcome: &Self::Outcome) -> bool {
        matches!(outcome, RecoveryView::LoginEnded | RecoveryView::Open { .. })
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<RecoveryView> {
        Decision::answer(view(user, cx, &self.login, &self.policies))
    }
}

fn view(user: &User, cx: &Context<'_>, of: &LoginRef, policies: &[Policy]) -> RecoveryView {
    let Some(login) = proved(user, of, cx) else { return RecoveryView::LoginEnded };
    let to = letter::confirmed(user);
    let Some(to) = to.first().filter(|_| recovery::is_offered(user, cx.settings, policies, cx.now)) else {
        return RecoveryView::NotOffered;
    };
    match recovery::standing(user, cx.now) {
        Standing::None => RecoveryView::Open { wait: cx.settings.recovery_wait },
        Standing::Waiting(waiting) => RecoveryView::Waiting { begun_at: waiting.begun_at, due_at: waiting.due_at },
        Standing::Due(due) => {
            let sent = login.sent.as_ref().filter(|sent| recovery::is_for(due, sent) && cx.now < sent.expires_at);
            let (until, to) = (due.expires_at, address::hidden_email(to));
            RecoveryView::Due { until, to, sent: sent.map(sent_code::again_at) }
        }
        Standing::Closed(until) => RecoveryView::Closed { until },
    }
}

/// The login, if it lives and rests on the password that is in force.
pub(super) fn proved<'a>(user: &'a User, of: &LoginRef, cx: &Context<'_>) -> Option<&'a Login> {
    let current = user.password.as_ref()?.credential;
    let login = sign_in::live_login(user, of, cx)?;
    let mut proofs = login.proofs.iter();
    proofs.any(|proof| proof.method == Method::Password && proof.credential == Some(current)).then_some(login)
}

/// Begin a request. Where one waits already nothing is changed and nobody is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BeginRecovery {
    /// The login that awaits a second proof.
    pub login: LoginRef,
    /// The policies in force.
    pub policies: Vec<Policy>,
}

impl Decide for BeginRecovery {
    /// As it is known afterwards.
    type Outcome = RecoveryView;
    const NAME: &'static str = "begin_recovery";
    const NEEDS: Areas = Areas::LOGINS;
    /// It takes nothing away yet.
    const REVOKES: bool = false;

    fn misses(outcome: &Self::Outcome) -> bool {
        matches!(outcome, RecoveryView::LoginEnded)
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<RecoveryView> {
        let known = view(user, cx, &self.login, &self.policies);
        let (RecoveryView::Open { wait }, Some(password)) = (&known, &user.password) else {
            return Decision::answer(known);
        };
        let mut change = Change::default();
        let id = RecoveryId::from_bytes(cx.attempt.seed.derive("recovery"));
        let (due_at, link) = (cx.now.after(*wait), Link::draw(user, cx, id));
        change.put(Item::Recovery(Recovery {
            recovery: id,
            state: RecoveryState::Waiting,
            credential: password.credential,
            factors: recovery::factors(user),
            link_hashes: vec![link.hash],
            begun_at: cx.now,
            due_at,
            expires_at: due_at.after(recovery::OPEN_FOR),
            reminded_at: None,
            asked_at: None,
            lang: cx.lang(),
            unknown: Unknown::default(),
        }));
        let content = Content::RecoveryBegun { due_at, token: link.token };
        // Worth sending as long as its reader can still do something in time.
        letter::of_recovery(user, cx, &mut change, &content, (letter::confirmed(user), due_at, cx.lang()));
        let event = event::of(cx, "recovery.begun", user.id).with("recovery", id.to_string());
        let event = event.with("due_at", due_at.as_secs());
        let outcome = RecoveryView::Waiting { begun_at: cx.now, due_at };
        Decision { change, events: vec![event], outcome }
    }
}

/// A link that cancels a request; its secret is drawn from the attempt.
pub(super) struct Link {
    pub(super) token: Secret<String>,
    /// As it is kept.
    pub(super) hash: String,
}

impl Link {
    pub(super) fn draw(user: &User, cx: &Context<'_>, recovery: RecoveryId) -> Self {
        let secret: [u8; 16] = cx.attempt.seed.derive("recovery link");
        let locators = Locators { vault: cx.vault, entropy: cx.entropy };
        Self { token: Secret::new(locators.recovery(user.id, recovery, &secret)), hash: sha256_b64(&secret) }
    }
}
