//! An authorization request meets a session: a code, or what is missing for one (RFC 6749, 4.1.2; OpenID Connect Core,
//! 3.1.2).

use std::{collections::BTreeSet, time::Duration};

use schema::{
    ClientId, CodeId, Timestamp, UserId,
    record::{AuditEvent, AuthorizationDetail, Code, CodeState, Consent, Method, Policy, Session, Unknown},
};
use serde::{Deserialize, Serialize};

use super::{Decide, Decision, overview, raise_session::can_be_raised};
use crate::{
    domain::{
        assurance::{self, Acr},
        authorization_details,
        change::{Change, Item, ItemKey},
        compromised,
        context::Context,
        event::{self, WithFact},
        limits,
        policy::{self, Case, Verdict},
        scope,
        user::{Areas, SessionRef, User},
    },
    secret::sha256_b64,
};

/// What the request demands of the session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requirement {
    /// When the request came; a proof given since then is fresh enough for everything.
    pub begun_at: Timestamp,
    /// `prompt=login`: the whole set of proofs must be given since then (HAZARDS H16).
    pub login: bool,
    /// `max_age`, in seconds.
    pub max_age: Option<u64>,
    /// An essential `acr`; unmet, it is an error and never a silent downgrade.
    pub acr: Option<Acr>,
    /// What is asked for in the order of preference (`acr_values`, RFC 9470): the first that the account can reach counts. Is there
    /// none, the tokens say what there is instead.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prefers: Vec<Acr>,
    /// All values of `acr` that were asked for, demanded or preferred, as they were written and in the order of preference: the tokens
    /// say which of them is satisfied. A node of an earlier version passes over them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acr_values: Vec<String>,
    /// The user whom `id_token_hint` names.
    pub subject: Option<UserId>,
    /// `prompt=consent`: ask even if it was given before.
    pub consent: bool,
}

/// A validated request.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each says another thing of who asks, and any of them may be so")]
pub struct Authorize {
    /// The browser's session.
    pub session: SessionRef,
    /// The client.
    pub client: ClientId,
    /// Is it the operator's own? Then no consent is asked.
    pub trusted: bool,
    /// Where the code goes.
    pub redirect_uri: String,
    /// What is asked for.
    pub scopes: BTreeSet<String>,
    /// For the ID token.
    pub nonce: Option<String>,
    /// PKCE.
    pub challenge: Option<String>,
    /// What is demanded.
    pub requirement: Requirement,
    /// The policies in force.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<Policy>,
    /// What the application wants confirmed (RFC 9396). Who is asked for that is asked each time, by the operator's own
    /// applications too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authorization_details: Vec<AuthorizationDetail>,
    /// Did the user press "Allow" for this very request?
    pub allowed: bool,
    /// Does who asks know how a session is raised, and may it be?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub raises: bool,
    /// Does who asks know where a recommendation is answered?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub recommends: bool,
    /// Does who asks know where another password is chosen?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub renews_password: bool,
}

/// A code, or what is missing. The code's secret is [`Authorize::code_secret`] of the attempt.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum AuthorizeOutcome {
    /// A code.
    Issued {
        /// Which.
        code: CodeId,
    },
    /// No live session.
    NoSession,
    /// Its proofs are too old, or it is somebody else's.
    LoginNeeded {
        /// Whose session it is; the login page offers this name, unless another user is asked for.
        user_name: Option<String>,
    },
    /// A policy asks for more than the session has proved, by devices that the account has
    /// ([`RaiseSession`](super::RaiseSession)).
    MoreNeeded,
    /// The user has not allowed these yet.
    ConsentNeeded {
        /// The scopes that it asks for, if those are asked about.
        scopes: BTreeSet<String>,
        /// The signed-in user's name.
        user_name: String,
    },
    /// The account cannot reach the `acr` asked for.
    UnmetAcr,
    /// A policy asks for a device that the account does not have: one must be set up first.
    EnrolmentNeeded,
    /// A policy counts how often its recommendation is declined, and waits for the answer ([`DeclineMfa`](super::DeclineMfa)).
    AnswerNeeded,
    /// Another password must be chosen first ([`compromised`]).
    NewPasswordNeeded,
    /// Too many codes of other clients are open.
    Full,
}

impl Authorize {
    /// The secret part of the code, 128 bits.
    pub fn code_secret(seed: &crate::secret::Seed) -> [u8; 16] {
        seed.derive("code secret")
    }
}

impl Requirement {
    /// The rung that a sign-in should reach, demanded or preferred.
    pub fn aims_at(&self) -> Option<Acr> {
        self.acr.max(self.prefers.first().copied())
    }
}

impl Decide for Authorize {
    type Outcome = AuthorizeOutcome;
    const NAME: &'static str = "authorize";
    const NEEDS: Areas = Areas::SESSIONS.and(Areas::CODES).and(Areas::CONSENTS);
    /// It only adds.
    const REVOKES: bool = false;

    fn misses(outcome: &Self::Outcome) -> bool {
        matches!(outcome, AuthorizeOutcome::NoSession)
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<AuthorizeOutcome> {
        let live = user.live_session(&self.session, cx.now, cx.settings);
        let (Some(session), Some(account)) = (live, user.active_account()) else {
            return Decision::answer(AuthorizeOutcome::NoSession);
        };
        if let Some(missing) = self.unmet(user, session, &account.user_name, cx) {
            return Decision::answer(missing);
        }
        let mut change = Change::default();
        let mut events = Vec::new();
        let consents = !self.trusted && (self.requirement.consent || !self.consented(user));
        if (consents || !self.authorization_details.is_empty()) && !self.allowed {
            let scopes = if consents { self.scopes.clone() } else { BTreeSet::new() };
            let user_name = account.user_name.clone();
            return Decision::answer(AuthorizeOutcome::ConsentNeeded { scopes, user_name });
        }
        if consents {
            change.put(Item::Consent(self.consent(user, cx)));
            let told = event::of(cx, "consent.given", user.id).with("client", self.client.as_str());
            events.push(told.with("scopes", scope::join(&self.scopes)));
        }
        if !self.authorization_details.is_empty() {
            events.push(self.confirmed(user, cx));
        }
        if !make_room(user, cx, &mut change, &self.client) {
            return Decision::answer(AuthorizeOutcome::Full);
        }
        let code = self.code(session, cx);
        let outcome = AuthorizeOutcome::Issued { code: code.code };
        change.put(Item::Code(code));
        if session.clients.contains(&self.client) {
            overview::touch(session, cx, &mut change);
        } else {
            let mut session = session.clone();
            session.clients.push(self.client.clone());
            session.last_seen_at = cx.now;
            change.put(Item::Session(session));
        }
        events.push(event::of(cx, "code.issued", user.id).with("client", self.client.as_str()));
        Decision { change, events, outcome }
    }
}

impl Authorize {
    fn unmet(&self, user: &User, session: &Session, name: &str, cx: &Context<'_>) -> Option<AuthorizeOutcome> {
        let wanted = &self.requirement;
        if wanted.subject.is_some_and(|subject| subject != user.id) {
            return Some(AuthorizeOutcome::LoginNeeded { user_name: None });
        }
        let login_needed = || Some(AuthorizeOutcome::LoginNeeded { user_name: Some(name.to_owned()) });
        let Some(proved) = assurance::of(&session.proofs) else {
            return login_needed();
        };
        let since_request = proved.auth_time >= wanted.begun_at;
        if wanted.login && !since_request {
            return login_needed();
        }
        let age = cx.now.since(proved.auth_time);
        if wanted.max_age.is_some_and(|max| age > Duration::from_secs(max)) && !since_request {
            return login_needed();
        }
        if compromised::must_change(user, &session.proofs) {
            // A node of an earlier version leads to where devices are set up, and the way to the password is beside that.
            let known = self.renews_password;
            return Some(if known { AuthorizeOutcome::NewPasswordNeeded } else { AuthorizeOutcome::EnrolmentNeeded });
        }
        if wanted.acr.is_some_and(|acr| proved.acr < acr) {
            // A session can be raised only by somebody who has what it takes.
            return if wanted.acr.is_some_and(|acr| acr <= user.highest_acr(cx.settings)) && !since_request {
                login_needed()
            } else {
                Some(AuthorizeOutcome::UnmetAcr)
            };
        }
        // A session is raised by somebody who has what it takes; nobody else is asked for what cannot be had.
        let preferred = wanted.prefers.iter().find(|acr| **acr <= user.highest_acr(cx.settings));
        if preferred.is_some_and(|acr| proved.acr < *acr) && !since_request {
            return login_needed();
        }
        let by_trust = session.proofs.iter().any(|proof| proof.method == Method::TrustedDevice);
        let case = Case {
            user,
            client: Some(&self.client),
            operations: &authorization_details::operations(&self.authorization_details),
            begun_at: Some(wanted.begun_at),
            proofs: &session.proofs,
            now: cx.now,
            settings: cx.settings,
        };
        match policy::judge(&self.policies, case) {
            Verdict::Recommended if self.recommends && policy::awaits_answer(&self.policies, case) => {
                Some(AuthorizeOutcome::AnswerNeeded)
            }
            Verdict::Met | Verdict::Recommended => None,
            Verdict::StepUp if self.raises && can_be_raised(&policy::outlook(&self.policies, None, case)) => {
                Some(AuthorizeOutcome::MoreNeeded)
            }
            // Who was asked just now, and gave another proof than the one that is wanted, is not asked in a circle. In a trusted
            // browser nobody was asked: a login that renews its session asks.
            Verdict::StepUp if since_request && !by_trust => Some(AuthorizeOutcome::UnmetAcr),
            Verdict::StepUp => login_needed(),
            Verdict::Enrol { .. } => Some(AuthorizeOutcome::EnrolmentNeeded),
        }
    }

    /// The audit log has what kind of thing was confirmed, and a digest that fits nothing else: what it says is the user's affair.
    fn confirmed(&self, user: &User, cx: &Context<'_>) -> AuditEvent {
        let operations = scope::join(&authorization_details::operations(&self.authorization_details));
        let event = event::of(cx, "operation.confirmed", user.id).with("client", self.client.as_str());
        event.with("operations", operations).with("sha256", authorization_details::digest(&self.authorization_details))
    }

    fn consented(&self, user: &User) -> bool {
        user.consents.get(&self.client).is_some_and(|consent| consent.scopes.is_superset(&self.scopes))
    }

    fn consent(&self, user: &User, cx: &Context<'_>) -> Consent {
        let mut scopes = user.consents.get(&self.client).map(|c| c.scopes.clone()).unwrap_or_default();
        scopes.extend(self.scopes.iter().cloned());
        Consent { client: self.client.clone(), scopes, given_at: cx.now, unknown: Unknown::default() }
    }

    fn code(&self, session: &Session, cx: &Context<'_>) -> Code {
        let seed = &cx.attempt.seed;
        Code {
            code: CodeId::from_bytes(seed.derive("code")),
            secret_hash: sha256_b64(&Self::code_secret(seed)),
            session: session.session,
            sid: session.sid,
            client: self.client.clone(),
            redirect_uri: self.redirect_uri.clone(),
            scopes: self.scopes.clone(),
            nonce: self.nonce.clone(),
            challenge: self.challenge.clone(),
            proofs: session.proofs.clone(),
            acr_values: self.requirement.acr_values.clone(),
            authorization_details: self.authorization_details.clone(),
            issued_at: cx.now,
            expires_at: cx.now.after(cx.settings.code_lifetime),
            state: CodeState::Issued,
            unknown: Unknown::default(),
        }
    }
}

/// Drops the code that is longest past its end, or else the oldest of the same client (HAZARDS H10). Without either there
/// is no room.
fn make_room(user: &User, cx: &Context<'_>, change: &mut Change, client: &ClientId) -> bool {
    if user.codes.len() < limits::MAX_CODES {
        return true;
    }
    let ended = user.codes.values().filter(|code| code.expires_at <= cx.now).min_by_key(|code| code.expires_at);
    let own = || user.codes.values().filter(|code| code.client == *client).min_by_key(|code| code.issued_at);
    let Some(dropped) = ended.or_else(own) else {
        return false;
    };
    change.delete(ItemKey::Code(dropped.code));
    true
}
