//! Enrolment of a TOTP device: Registered → Awaiting activation (its seed is shown) → Activated (one code proved it).

use schema::{
    FactorId, SessionId, Timestamp,
    record::{AuditEvent, FactorState, Method, PolicyMethod, Proof, Session, Totp, Unknown},
};
use serde::{Deserialize, Serialize};

use super::{
    ConfirmOutcome, Decide, Decision, codes, device,
    judge_backup_code::{self, backup_record},
    sensitive::{self, Operation},
    totp_remove::forget_proofs,
    verify_totp::{throttle_of, verdict_of},
};
use crate::{
    domain::{
        change::{Change, Item, ItemKey},
        context::Context,
        device::{Step, awaits, next},
        event::{self, WithFact},
        factor::totp::{Code, Verdict},
        letter::{self, Notice},
        limits, recovery,
        throttle::{self, Gate},
        user::{Areas, SessionRef, User, rest_on},
    },
    vault::Purpose,
};

/// A user wants to add an authenticator app.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BeginTotp {
    /// The session.
    pub session: SessionRef,
    /// A name for the device.
    pub name: String,
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum BeginTotpOutcome {
    /// It awaits a code.
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

impl Decide for BeginTotp {
    type Outcome = BeginTotpOutcome;
    const NAME: &'static str = "begin_totp";
    const NEEDS: Areas = Areas::SESSIONS;
    /// What awaited a code counted for nothing.
    const REVOKES: bool = false;
    const SENSITIVE: bool = true;

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<BeginTotpOutcome> {
        let Some(session) = user.live_session(&self.session, cx.now, cx.settings) else {
            return Decision::answer(BeginTotpOutcome::SessionEnded);
        };
        if !sensitive::allows(user, session, cx, Operation::Add(PolicyMethod::Totp)) {
            return Decision::answer(BeginTotpOutcome::NotFresh);
        }
        let collected = user.collectable(cx.now, usize::MAX);
        let kept = user.totps.keys().filter(|factor| !collected.contains(&ItemKey::Totp(**factor))).count();
        if user.placed_totps() >= limits::MAX_FACTORS_PER_METHOD || kept >= limits::MAX_FACTORS_KEPT {
            return Decision::answer(BeginTotpOutcome::TooMany);
        }
        let mut change = Change::default();
        let until = cx.now.after(limits::ACTIVATION_LIFETIME);
        let Some(state) = next(FactorState::Registered, Step::Shown { until }, cx.now) else {
            return Decision::answer(BeginTotpOutcome::TooMany);
        };
        // One enrolment at a time: a new one replaces what awaits activation.
        for totp in user.totps.values().filter(|t| matches!(t.state, FactorState::AwaitingActivation { .. })) {
            change.delete(ItemKey::Totp(totp.factor));
            change.delete(ItemKey::Throttle(throttle_of(totp)));
        }
        let factor = FactorId::from_bytes(cx.attempt.seed.derive("totp factor"));
        let seed: [u8; 20] = cx.attempt.seed.derive("totp seed");
        let sealed = cx.vault.seal(Purpose::TotpSeed, &[&user.id.to_string(), &factor.to_string()], &seed, cx.entropy);
        change.put(Item::Totp(Totp {
            factor,
            name: cut_name(&self.name),
            state,
            seed: sealed,
            last_step: 0,
            created_at: cx.now,
            last_used_at: None,
            unknown: Unknown::default(),
        }));
        let event = event::of(cx, "factor.registered", user.id).with("method", "totp");
        let event = event.with("factor", factor.to_string());
        Decision { change, events: vec![event], outcome: BeginTotpOutcome::Begun { factor } }
    }
}

/// Takes a set of backup codes, if the user has none left; what other sessions proved by the old ones is gone. Was it taken?
pub(super) fn take_backup(
    user: &User,
    cx: &Context<'_>,
    change: &mut Change,
    events: &mut Vec<AuditEvent>,
    (session, drawn): (SessionId, &[(String, String)]),
) -> bool {
    if user.backup_codes_left() > 0 || drawn.is_empty() {
        return false;
    }
    if let Some(old) = &user.backup {
        forget_proofs(user, cx, change, Some(session), |proofs| rest_on(proofs, None, Some(old.credential)));
    }
    change.put(Item::Backup(backup_record(cx, drawn)));
    change.delete(ItemKey::Throttle(judge_backup_code::THROTTLE.to_owned()));
    events.push(event::of(cx, "backup_codes.drawn", user.id));
    true
}

/// A device's name, no longer than it may be.
pub(super) fn cut_name(name: &str) -> String {
    name.chars().take(limits::MAX_FACTOR_NAME).collect()
}

/// Show the seed of a device that awaits its code; the same one until it expires. A session that may not add a device is shown none.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ShowTotp {
    /// The session.
    pub session: SessionRef,
    /// The device.
    pub factor: FactorId,
}

/// The seed is sealed still: the edge opens it for the page.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ShowTotpOutcome {
    /// The user's name for the device.
    pub name: String,
    /// The user.
    pub user_name: String,
    /// The seed, sealed under [`Purpose::TotpSeed`] to user and device.
    pub sealed_seed: String,
    /// When it expires.
    pub until: Timestamp,
}

impl Decide for ShowTotp {
    type Outcome = Option<ShowTotpOutcome>;
    const NAME: &'static str = "show_totp";
    const NEEDS: Areas = Areas::SESSIONS;
    /// It only looks.
    const REVOKES: bool = false;
    const LOOKS: bool = true;
    const SENSITIVE: bool = true;

    fn misses(outcome: &Self::Outcome) -> bool {
        outcome.is_none()
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<Option<ShowTotpOutcome>> {
        let session = user.live_session(&self.session, cx.now, cx.settings);
        let what = Operation::Add(PolicyMethod::Totp);
        let session = session.filter(|session| sensitive::allows(user, session, cx, what));
        let account = session.and_then(|_| user.active_account());
        let shown = account.zip(awaiting(user, self.factor, cx)).map(|(account, (totp, until))| ShowTotpOutcome {
            name: totp.name.clone(),
            user_name: account.user_name.clone(),
            sealed_seed: totp.seed.clone(),
            until,
        });
        Decision::answer(shown)
    }
}

fn awaiting<'a>(user: &'a User, factor: FactorId, cx: &Context<'_>) -> Option<(&'a Totp, Timestamp)> {
    let totp = user.totps.get(&factor)?;
    Some((totp, awaits(totp.state, cx.now)?))
}

/// The code that activates a device. It is a proof: it counts for this session, and its step is used up.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ConfirmTotp {
    /// The session.
    pub session: SessionRef,
    /// The device.
    pub factor: FactorId,
    /// Six digits.
    pub code: Code,
    /// `(locator, hash)` of ten backup codes, drawn from the attempt's seed; taken if the user has none.
    pub backup: Vec<(String, String)>,
}

impl Decide for ConfirmTotp {
    type Outcome = ConfirmOutcome;
    const NAME: &'static str = "confirm_totp";
    const NEEDS: Areas = Areas::SESSIONS.and(Areas::LOGINS).and(Areas::BACKUP).and(Areas::CODES).and(Areas::FAMILIES);
    /// The account has one more factor, and a used-up set of backup codes may end with what rests on it.
    const REVOKES: bool = true;
    const SENSITIVE: bool = true;

    fn misses(outcome: &Self::Outcome) -> bool {
        matches!(outcome, ConfirmOutcome::SessionEnded | ConfirmOutcome::Ended)
    }

    fn revoked(outcome: &Self::Outcome) -> bool {
        matches!(outcome, ConfirmOutcome::Activated { .. })
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<ConfirmOutcome> {
        let Some(session) = user.live_session(&self.session, cx.now, cx.settings) else {
            return Decision::answer(ConfirmOutcome::SessionEnded);
        };
        if user.active_totps().any(|totp| totp.factor == self.factor) {
            return Decision::answer(ConfirmOutcome::AlreadyActivated);
        }
        if !sensitive::allows(user, session, cx, Operation::Add(PolicyMethod::Totp)) {
            return Decision::answer(ConfirmOutcome::NotFresh);
        }
        let Some((totp, _)) = awaiting(user, self.factor, cx) else {
            return Decision::answer(ConfirmOutcome::Ended);
        };
        let bucket = user.bucket(Some(&session.device), cx.now);
        let mut counts = user.throttle(&throttle_of(totp));
        match throttle::status(&counts, bucket, cx.now) {
            Gate::Open { .. } => {}
            Gate::Closed { until } => return Decision::answer(ConfirmOutcome::Throttled { until }),
            Gate::Suspended => return Decision::answer(ConfirmOutcome::Suspended),
        }
        match verdict_of(user, cx, totp, &self.code) {
            Verdict::Accepted { step } => self.activate(user, cx, session, Totp { last_step: step, ..totp.clone() }),
            Verdict::Replayed | Verdict::Wrong => {
                throttle::fail(&mut counts, bucket, cx.now, cx.jitter());
                let mut change = Change::default();
                change.put(Item::Throttle(throttle_of(totp), counts));
                let event = event::of(cx, "factor.activation_failed", user.id);
                let event = event.with("method", "totp").with("factor", self.factor.to_string());
                Decision { change, events: vec![event], outcome: ConfirmOutcome::Wrong }
            }
        }
    }
}

impl ConfirmTotp {
    fn activate(&self, user: &User, cx: &Context<'_>, session: &Session, totp: Totp) -> Decision<ConfirmOutcome> {
        let Some(state) = next(totp.state, Step::Proved, cx.now) else {
            return Decision::answer(ConfirmOutcome::Ended);
        };
        let mut change = Change::default();
        if user.throttles.contains_key(&throttle_of(&totp)) {
            change.delete(ItemKey::Throttle(throttle_of(&totp)));
        }
        change.put(Item::Totp(Totp { state, last_used_at: Some(cx.now), ..totp }));
        let proof = Proof { method: Method::Totp, at: cx.now, factor: Some(self.factor), credential: None };
        let signed_in = device::proved(session, cx, &mut change, proof);
        codes::forgiven(user, &mut change);
        let cancelled = device::changed(user, cx, &mut change, session.session);
        letter::notice(user, cx, &mut change, Notice::AuthenticatorAdded);
        let event = event::of(cx, "factor.activated", user.id).with("method", "totp");
        let mut events = vec![recovery::noted(event.with("factor", self.factor.to_string()), cancelled)];
        let backup_taken = take_backup(user, cx, &mut change, &mut events, (session.session, &self.backup));
        Decision { change, events, outcome: ConfirmOutcome::Activated { signed_in, backup_taken } }
    }
}
