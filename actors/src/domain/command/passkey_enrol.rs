//! Enrolment of a passkey: Registered → Awaiting activation (a challenge was sent) → Activated (an authenticator made a key for
//! that challenge, in the session that asked for it).
//!
//! The record keeps the challenge until then, so any node can take the answer, and the commit that activates the device is the
//! one that forgets it. The answer is no proof for the session: without attestation an authenticator signs nothing when it makes
//! a key (WebAuthn level 3, 8.7). The key proves something from its first use on.
//!
//! Who vouches for the authenticator is kept with the key, where operators trust somebody to ([`AttestationDemand`]). From data
//! level 4 on, so that no node rewrites a key without it: until then nobody is asked, whatever the settings say.

use schema::{
    FactorId, Timestamp,
    record::{FactorState, Passkey, PolicyMethod, PublicKey, Session, Unknown},
};
use serde::{Deserialize, Serialize};
use webauthn_rs_core::proto::RegisterPublicKeyCredential;

use super::{
    ConfirmOutcome, Decide, Decision, codes, device,
    sensitive::{self, Operation},
    totp_enrol::{cut_name, take_backup},
};
use crate::domain::{
    change::{Change, Item, ItemKey},
    context::Context,
    device::{Step, active_since, awaits, next},
    event::{self, WithFact},
    factor::passkey::{Challenge, Making, NotTaken, RelyingParty, aaguid, attestation::AttestationDemand},
    letter::{self, Notice},
    limits, recovery,
    user::{Areas, SessionRef, User},
};

/// What a passkey is called that has no name and is of no known kind.
const UNNAMED: &str = "Passkey";

/// A user wants to add a passkey.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BeginPasskey {
    /// The session.
    pub session: SessionRef,
    /// A name for it; empty: named after its kind.
    pub name: String,
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum BeginPasskeyOutcome {
    /// It awaits its key.
    Begun {
        /// Which.
        factor: FactorId,
    },
    /// The session has ended.
    SessionEnded,
    /// Fresh proofs are needed first.
    NotFresh,
    /// There are five already.
    TooMany,
}

impl Decide for BeginPasskey {
    type Outcome = BeginPasskeyOutcome;
    const NAME: &'static str = "begin_passkey";
    const NEEDS: Areas = Areas::SESSIONS;
    /// What awaited a key counted for nothing.
    const REVOKES: bool = false;
    const SENSITIVE: bool = true;

    fn misses(outcome: &Self::Outcome) -> bool {
        matches!(outcome, BeginPasskeyOutcome::SessionEnded)
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<BeginPasskeyOutcome> {
        let Some(session) = user.live_session(&self.session, cx.now, cx.settings) else {
            return Decision::answer(BeginPasskeyOutcome::SessionEnded);
        };
        if !sensitive::allows(user, session, cx, Operation::Add(PolicyMethod::Passkey)) {
            return Decision::answer(BeginPasskeyOutcome::NotFresh);
        }
        let until = cx.now.after(limits::ACTIVATION_LIFETIME);
        let state = next(FactorState::Registered, Step::Shown { until }, cx.now);
        let Some(state) = state.filter(|_| has_room(user, cx)) else {
            return Decision::answer(BeginPasskeyOutcome::TooMany);
        };
        let mut change = Change::default();
        // One enrolment at a time: a new one replaces what awaits its key.
        for other in user.passkeys.values().filter(|p| matches!(p.state, FactorState::AwaitingActivation { .. })) {
            change.delete(ItemKey::Passkey(other.factor));
        }
        let factor = FactorId::from_bytes(cx.attempt.seed.derive("passkey factor"));
        change.put(Item::Passkey(Passkey {
            factor,
            name: cut_name(&self.name),
            state,
            challenge: Some(Challenge::new(cx.attempt.seed.derive("passkey challenge")).text()),
            public_key: None,
            created_at: cx.now,
            last_used_at: None,
            unknown: Unknown::default(),
        }));
        let event = event::of(cx, "factor.registered", user.id).with("method", "passkey");
        let event = event.with("factor", factor.to_string());
        Decision { change, events: vec![event], outcome: BeginPasskeyOutcome::Begun { factor } }
    }
}

fn has_room(user: &User, cx: &Context<'_>) -> bool {
    let collected = user.collectable(cx.now, usize::MAX);
    let kept = user.passkeys.keys().filter(|factor| !collected.contains(&ItemKey::Passkey(**factor))).count();
    user.active_passkeys().count() < limits::MAX_FACTORS_PER_METHOD && kept < limits::MAX_FACTORS_KEPT
}

/// A passkey that awaits its key. Nothing does for a session that may not add one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ShowPasskey {
    /// The session.
    pub session: SessionRef,
    /// The device.
    pub factor: FactorId,
}

/// What its page needs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AwaitedPasskey {
    /// The user's name for it.
    pub name: String,
    /// The user.
    pub user_name: String,
    /// What its making must answer.
    pub challenge: Challenge,
    /// Keys that the user has.
    pub known: Vec<PublicKey>,
}

impl Decide for ShowPasskey {
    type Outcome = Option<AwaitedPasskey>;
    const NAME: &'static str = "show_passkey";
    const NEEDS: Areas = Areas::SESSIONS;
    /// It only looks.
    const REVOKES: bool = false;
    const LOOKS: bool = true;
    const SENSITIVE: bool = true;

    fn misses(outcome: &Self::Outcome) -> bool {
        outcome.is_none()
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<Option<AwaitedPasskey>> {
        let session = user.live_session(&self.session, cx.now, cx.settings);
        let what = Operation::Add(PolicyMethod::Passkey);
        let session = session.filter(|session| sensitive::allows(user, session, cx, what));
        let account = session.and_then(|_| user.active_account());
        let shown =
            account.zip(awaiting(user, self.factor, cx)).map(|(account, (passkey, challenge))| AwaitedPasskey {
                name: passkey.name.clone(),
                user_name: account.user_name.clone(),
                challenge,
                known: user.active_passkeys().map(|(_, key)| key.clone()).collect(),
            });
        Decision::answer(shown)
    }
}

fn awaiting<'a>(user: &'a User, factor: FactorId, cx: &Context<'_>) -> Option<(&'a Passkey, Challenge)> {
    let passkey = user.passkeys.get(&factor)?;
    let _until: Timestamp = awaits(passkey.state, cx.now)?;
    Some((passkey, Challenge::read(passkey.challenge.as_deref()?)?))
}

/// The key that an authenticator made.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ConfirmPasskey {
    /// The session.
    pub session: SessionRef,
    /// The device.
    pub factor: FactorId,
    /// What the authenticator answered.
    pub answer: Box<RegisterPublicKeyCredential>,
    /// `(locator, hash)` of ten backup codes, drawn from the attempt's seed; taken if the user has none.
    pub backup: Vec<(String, String)>,
    /// Was the browser asked who made the authenticator? A node of an earlier version never does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub attested: bool,
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum ConfirmPasskeyOutcome {
    /// As of any device. An answer that is not good is `Wrong`.
    Judged(ConfirmOutcome),
    /// The key may leave its device, and such are not allowed here.
    Synced,
    /// Nobody who is trusted here vouches for the authenticator, and such are not allowed. Only to who asks for attestation.
    Unattested,
}

impl Decide for ConfirmPasskey {
    type Outcome = ConfirmPasskeyOutcome;
    const NAME: &'static str = "confirm_passkey";
    const NEEDS: Areas = Areas::SESSIONS.and(Areas::LOGINS).and(Areas::BACKUP).and(Areas::CODES).and(Areas::FAMILIES);
    /// The account has one more factor, and a used-up set of backup codes may end with what rests on it.
    const REVOKES: bool = true;
    const SENSITIVE: bool = true;

    fn misses(outcome: &Self::Outcome) -> bool {
        matches!(outcome, ConfirmPasskeyOutcome::Judged(ConfirmOutcome::SessionEnded | ConfirmOutcome::Ended))
    }

    fn revoked(outcome: &Self::Outcome) -> bool {
        matches!(outcome, ConfirmPasskeyOutcome::Judged(ConfirmOutcome::Activated { .. }))
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<ConfirmPasskeyOutcome> {
        let judged = |outcome| Decision::answer(ConfirmPasskeyOutcome::Judged(outcome));
        let live = user.live_session(&self.session, cx.now, cx.settings).zip(user.active_account());
        let Some((session, account)) = live else {
            return judged(ConfirmOutcome::SessionEnded);
        };
        if user.passkeys.get(&self.factor).is_some_and(|passkey| active_since(passkey.state).is_some()) {
            return judged(ConfirmOutcome::AlreadyActivated);
        }
        if !sensitive::allows(user, session, cx, Operation::Add(PolicyMethod::Passkey)) {
            return judged(ConfirmOutcome::NotFresh);
        }
        let Some((passkey, challenge)) = awaiting(user, self.factor, cx) else {
            return judged(ConfirmOutcome::Ended);
        };
        let known: Vec<&PublicKey> = user.active_passkeys().map(|(_, key)| key).collect();
        let making = Making {
            user: user.id,
            user_name: &account.user_name,
            known: &known,
            allow_synced: cx.settings.allow_synced_passkeys,
            attestation: if self.attested { &cx.settings.attestation } else { &AttestationDemand::None },
        };
        let taken = RelyingParty::of(&cx.settings.issuer)
            .ok_or(NotTaken::Wrong("another_relying_party"))
            .and_then(|rp| rp.register(&making, &challenge, &self.answer, cx.now));
        let (reason, outcome) = match taken {
            Ok(key) if sensitive::wants_hardware(user, session, cx) && !cx.settings.attestation.is_hardware(&key) => {
                ("unattested", ConfirmPasskeyOutcome::Unattested)
            }
            Ok(key) => return self.activate(user, cx, session, (passkey, key)),
            Err(NotTaken::Synced) => ("synced", ConfirmPasskeyOutcome::Synced),
            Err(NotTaken::Unattested) => ("unattested", ConfirmPasskeyOutcome::Unattested),
            Err(NotTaken::Wrong(reason)) => (reason, ConfirmPasskeyOutcome::Judged(ConfirmOutcome::Wrong)),
        };
        let event = event::of(cx, "factor.activation_failed", user.id).with("method", "passkey");
        let event = event.with("factor", self.factor.to_string()).with("reason", reason);
        Decision { change: Change::default(), events: vec![event], outcome }
    }
}

impl ConfirmPasskey {
    fn activate(
        &self,
        user: &User,
        cx: &Context<'_>,
        session: &Session,
        (passkey, key): (&Passkey, PublicKey),
    ) -> Decision<ConfirmPasskeyOutcome> {
        let Some(state) = next(passkey.state, Step::Proved, cx.now) else {
            return Decision::answer(ConfirmPasskeyOutcome::Judged(ConfirmOutcome::Ended));
        };
        let mut change = Change::default();
        let kind = key.aaguid.as_deref().and_then(aaguid::name).unwrap_or(UNNAMED);
        let name = if passkey.name.is_empty() { kind.to_owned() } else { passkey.name.clone() };
        let (synced, root) = (key.backup_eligible, key.attestation.as_ref().map(|by| by.root.clone()));
        change.put(Item::Passkey(Passkey { name, state, challenge: None, public_key: Some(key), ..passkey.clone() }));
        let signed_in = device::proved(session, cx, &mut change, None);
        let cancelled = device::changed(user, cx, &mut change, session.session);
        codes::forgiven(user, &mut change);
        letter::notice(user, cx, &mut change, Notice::PasskeyAdded);
        let event = event::of(cx, "factor.activated", user.id).with("method", "passkey");
        let event = event.with("factor", self.factor.to_string()).with("synced", synced);
        let event = match root {
            Some(root) => event.with("attested_by", root),
            None => event,
        };
        let mut events = vec![recovery::noted(event, cancelled)];
        let backup_taken = take_backup(user, cx, &mut change, &mut events, (session.session, &self.backup));
        let outcome = ConfirmPasskeyOutcome::Judged(ConfirmOutcome::Activated { signed_in, backup_taken });
        Decision { change, events, outcome }
    }
}
