//! One user, driven by commands, and what must hold after each of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use actors::{
    domain::{
        assurance::{self, Acr},
        change::Item,
        command::{
            BeginTotp, BeginTotpOutcome, ConfirmOutcome, ConfirmTotp, Decide, DisableUser, EnableUser, EndAllSessions,
            EndSession, JudgeBackupCode, JudgePassword, LoginRef, Register, RegisterOutcome, RemoveOutcome, RemoveTotp,
            RenameOutcome, RenameTotp, ReplaceBackupCodes, ResetMfa, SignIn, SignInOutcome, SignedIn, VerifyTotp,
        },
        context::{Attempt, Context, Origin, Settings},
        factor::totp::Code,
        trusted_device::{self, Trust, TrustRef},
        user::{SessionRef, User},
    },
    entropy::{Entropy, SeededEntropy},
    secret::{Seed, sha256_b64},
    vault::{MasterKeys, Purpose, Vault},
};
use schema::{
    AttemptId, BrowserId, ClientId, CodeId, DeviceId, FactorId, FamilyId, LoginId, Revision, SessionId, Timestamp,
    UserId,
    record::{FactorState, Policy, Totp},
};

use crate::code::code_at;

#[path = "factors.rs"]
mod factors;
#[path = "invariants.rs"]
mod invariants;
#[path = "op.rs"]
mod op;
#[path = "passwords.rs"]
mod passwords;
#[path = "recovery.rs"]
mod recovery;
#[path = "steps.rs"]
mod steps;
#[path = "tokens.rs"]
mod tokens;
#[path = "trust.rs"]
mod trust;

pub(crate) use op::Op;

/// Where a device stands, in the only order that there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Awaiting,
    Activated,
    Revoked,
    Gone,
}

struct Token {
    family: FamilyId,
    generation: u32,
    secret_hash: String,
    client: ClientId,
}

/// The user, and everything that anybody ever got hold of.
pub(crate) struct Model {
    user: User,
    vault: Vault,
    entropy: SeededEntropy,
    settings: Settings,
    now: Timestamp,
    attempts: u64,
    browser: BrowserId,
    device: Option<DeviceId>,
    login: Option<LoginRef>,
    sessions: Vec<SessionRef>,
    codes: Vec<(CodeId, String, ClientId)>,
    tokens: Vec<Token>,
    /// Cookies of trusted devices, the newest first.
    trusted: Vec<TrustRef>,
    dead_trust: BTreeSet<FactorId>,
    dead_sessions: BTreeSet<SessionId>,
    dead_families: BTreeSet<FamilyId>,
    used_codes: BTreeSet<CodeId>,
    generations: BTreeSet<(FamilyId, u32)>,
    stages: BTreeMap<FactorId, Stage>,
    steps: BTreeMap<FactorId, u64>,
    /// Failures in a row, by authenticator and bucket.
    failures: BTreeMap<(String, String), Vec<Timestamp>>,
    /// When the recovery was begun that nothing has ended.
    recovery: Option<Timestamp>,
    /// The newest code that was sent for one, and the login that it was sent for.
    sent: Option<(LoginRef, Code)>,
    /// Did this step show a right code for the device that awaits one?
    proved: bool,
    factors: factors::Factors,
    /// What is asked of sign-ins.
    policies: Vec<Policy>,
}

impl Model {
    /// Somebody who has just registered.
    pub(crate) fn new() -> Self {
        let keys = MasterKeys::parse("k1:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=").expect("a ring");
        let mut model = Self {
            user: User::unloaded(UserId::from_random([7; 16])),
            vault: Vault::new(&keys, keys.first().clone(), "incarnation").expect("the key is there"),
            entropy: SeededEntropy::new(1),
            settings: Settings { sends_mail: true, recovery_wait: recovery::WAIT, ..Settings::default() },
            now: Timestamp::from_millis(1_790_000_015_000),
            attempts: 0,
            browser: BrowserId::from_bytes([1; 16]),
            device: None,
            login: None,
            sessions: Vec::new(),
            codes: Vec::new(),
            tokens: Vec::new(),
            trusted: Vec::new(),
            dead_trust: BTreeSet::new(),
            dead_sessions: BTreeSet::new(),
            dead_families: BTreeSet::new(),
            used_codes: BTreeSet::new(),
            generations: BTreeSet::new(),
            stages: BTreeMap::new(),
            steps: BTreeMap::new(),
            failures: BTreeMap::new(),
            recovery: None,
            sent: None,
            proved: false,
            factors: factors::Factors::default(),
            policies: Vec::new(),
        };
        let register = Register {
            user_name: "ada".to_owned(),
            email: None,
            password_hash: "hash".to_owned(),
            claims: Vec::new(),
            roles: BTreeSet::new(),
            browser: model.browser,
        };
        let (RegisterOutcome::Registered(signed_in), attempt) = model.decide(&register) else { panic!("registers") };
        model.signed_in(&signed_in, &attempt);
        recovery::reached(&mut model.user);
        model
    }

    /// Sessions ever, active devices, codes used, families ended.
    pub(crate) fn reached(&self) -> (usize, usize, usize, usize) {
        let active = self.user.active_totps().count();
        (self.sessions.len(), active, self.used_codes.len(), self.dead_families.len())
    }

    fn attempt(&mut self) -> Attempt {
        self.attempts += 1;
        let entropy: &dyn Entropy = &self.entropy;
        let (id, seed) = (AttemptId::from_bytes(entropy.array()), Seed::new(entropy.array()));
        Attempt { id, seed, origin: Origin::default(), policies: Vec::new() }
    }

    /// Decides, and applies as a commit would.
    fn decide<C: Decide>(&mut self, command: &C) -> (C::Outcome, Attempt) {
        let attempt = self.attempt();
        let (now, vault, entropy, settings) = (self.now, &self.vault, &self.entropy, &self.settings);
        let cx = Context { now, attempt: &attempt, vault, entropy, settings };
        let decision = command.decide(&self.user, &cx);
        for item in decision.change.puts() {
            if let Item::Totp(totp) = item {
                self.steps.entry(totp.factor).or_default();
            }
        }
        self.settled(decision.change.settled());
        self.user.apply(decision.change, Revision::first(self.attempts));
        (decision.outcome, attempt)
    }

    /// Apps whose codes are looked at, and apps in force.
    pub(crate) fn usable_and_active(&self) -> (usize, usize) {
        (self.user.usable_totps().count(), self.user.active_totps().count())
    }

    /// Runs one command, then looks whether everything still holds.
    pub(crate) fn step(&mut self, op: &Op) {
        let before = self.user.clone();
        self.proved = false;
        self.run(op);
        self.ended_stays_ended(op);
        self.ended_trust_stays_ended(op);
        self.devices_go_forward(op);
        self.other_devices_go_forward(op);
        self.steps_increase();
        self.suspended_stays_suspended(&before, op);
        self.guesses_stay_in_budget(&before, op);
    }

    fn run(&mut self, op: &Op) {
        match *op {
            Op::Pass(seconds) => self.now = self.now.after(Duration::from_secs(seconds.into())),
            Op::Password { right, known } => self.password(right, known),
            Op::Trusted { cookie, right } => self.come_back(cookie, right),
            Op::Totp { offset, right, known } => self.totp(offset, right, known),
            Op::Backup { index, right } => self.backup(index, right),
            Op::Begin(session) => self.begin(session),
            Op::Confirm { session, offset, right } => self.confirm(session, offset, right),
            Op::Remove { session, factor } => self.remove(session, factor),
            Op::Rename { session, factor } => self.rename(session, factor),
            Op::ResetMfa => {
                self.decide(&ResetMfa);
                self.recovery = None;
            }
            Op::BeginRecovery => self.begin_recovery(),
            Op::SendRecovery => self.send_recovery(),
            Op::CompleteRecovery { right } => self.complete_recovery(right),
            Op::CancelRecovery => self.cancel_recovery(),
            Op::EndSession(session) => {
                let session = self.session(session).session;
                self.decide(&EndSession { session });
            }
            Op::EndAll => drop(self.decide(&EndAllSessions { except: None })),
            Op::Disable => {
                self.decide(&DisableUser);
                self.recovery = None;
            }
            Op::Enable => drop(self.decide(&EnableUser)),
            Op::Authorize { session, other, offline } => self.authorize(session, other, offline),
            Op::Redeem(code) => self.redeem(code),
            Op::Refresh(token) => self.refresh(token),
            Op::Revoke(token) => self.revoke(token),
            Op::ChangePassword { session, right } => self.change_password(session, right),
            Op::ReplaceBackup(session) => {
                let command = ReplaceBackupCodes { session: self.session(session), backup: backup() };
                self.decide(&command);
            }
            Op::ResetPassword => self.reset_password(),
            Op::AddPasskey { session, verified } => self.add_passkey(session, verified),
            Op::Passkey { n, alone, again } => self.passkey(n, alone, again),
            Op::AddAddress { session, sms, right } => self.add_address(session, sms, right),
            Op::SendCode { sms } => self.send_code(sms),
            Op::SentCode { n, right, known } => self.sent_code(n, right, known),
            Op::Require(methods) => self.require(methods),
            Op::Raise(session) => self.raise(session),
        }
    }

    fn session(&self, n: u8) -> SessionRef {
        // The newest by the highest number, so that both old and fresh ones are met.
        self.sessions[usize::from(255 - n) % self.sessions.len()].clone()
    }

    fn signed_in(&mut self, signed_in: &SignedIn, attempt: &Attempt) {
        let secret_hash = SignIn::session_secret_hash(&attempt.seed);
        self.sessions.insert(0, SessionRef { session: signed_in.session, secret_hash });
        self.device = Some(signed_in.device);
        if let Some(given) = &signed_in.trusted {
            let secret_hash = sha256_b64(&trusted_device::secret(&attempt.seed));
            self.trusted.insert(0, TrustRef { device: given.device, generation: given.generation, secret_hash });
        }
    }

    fn finish(&mut self, outcome: &SignInOutcome, attempt: &Attempt, second_factor: bool) {
        if let SignInOutcome::SignedIn(signed_in) = outcome {
            let session = &self.user.sessions[&signed_in.session];
            let acr = assurance::of(&session.proofs).expect("a session has proofs").acr;
            assert!(!second_factor || acr >= Acr::TwoStep, "signed in without the second factor: {:?}", session.proofs);
            self.nothing_is_missing(signed_in.session);
            self.signed_in(signed_in, attempt);
        }
    }

    fn login(&mut self, known: bool) -> LoginRef {
        let entropy: &dyn Entropy = &self.entropy;
        let login = self.login.clone().unwrap_or_else(|| LoginRef {
            login: LoginId::from_bytes(entropy.array()),
            browser: self.browser,
            device: None,
            renews: None,
            trust: Trust::Wanted,
            asks: actors::domain::policy::Asks::default(),
        });
        self.login = Some(login.clone());
        LoginRef { device: self.device.filter(|_| known), asks: self.asks(), ..login }
    }

    fn password(&mut self, right: bool, known: bool) {
        let second_factor = self.user.has_second_factor();
        let current = self.user.password.clone().expect("never without");
        let login = self.login(known);
        let (credential, version) = (current.credential, current.version);
        let (outcome, attempt) = self.decide(&JudgePassword { login, credential, version, right, rehash: None });
        if !right {
            let refused = SignInOutcome::Wrong == outcome || matches!(outcome, SignInOutcome::Throttled { .. });
            assert!(refused || outcome == SignInOutcome::Suspended, "{outcome:?}");
        }
        self.finish(&outcome, &attempt, second_factor);
        if matches!(outcome, SignInOutcome::SignedIn(_)) {
            self.login = None;
        }
    }

    /// A code of any device, right or not.
    fn code(&self, offset: i8, right: bool, of: Option<FactorId>) -> actors::domain::factor::totp::Code {
        let any = || self.user.active_totps().last().map(|totp| totp.factor);
        let seed = of.or_else(any).filter(|_| right).and_then(|factor| {
            let sealed = &self.user.totps.get(&factor)?.seed;
            let aad = [self.user.id.to_string(), factor.to_string()];
            Some(self.vault.open(Purpose::TotpSeed, &[&aad[0], &aad[1]], sealed).ok()?.to_vec())
        });
        let at = Timestamp::from_millis(self.now.as_millis() + i64::from(offset) * 30_000);
        code_at(&seed.unwrap_or_else(|| b"another seed of 20 by".to_vec()), at)
    }

    fn totp(&mut self, offset: i8, right: bool, known: bool) {
        let second_factor = self.user.has_second_factor();
        let (code, login) = (self.code(offset, right, None), self.login(known));
        let (outcome, attempt) = self.decide(&VerifyTotp { login, code });
        let taken = matches!(outcome, SignInOutcome::SignedIn(_) | SignInOutcome::SecondFactor { .. });
        assert!(!taken || (right && offset.abs() <= 1), "{offset} {right}: {outcome:?}");
        let moved = self.user.totps.values().any(|totp| totp.last_step > self.steps[&totp.factor]);
        assert_eq!(taken, moved, "a step is used up by an accepted code, and by nothing else");
        self.second(&outcome, &attempt, second_factor);
    }

    fn backup(&mut self, index: u8, right: bool) {
        let second_factor = self.user.has_second_factor();
        let Some(set) = self.user.backup.clone() else { return };
        let code = &set.codes[usize::from(index) % set.codes.len()];
        let (locator, used) = (code.locator.clone(), code.used_at.is_some());
        let login = self.login(false);
        let (outcome, attempt) = self.decide(&JudgeBackupCode { login, credential: set.credential, locator, right });
        let taken = matches!(outcome, SignInOutcome::SignedIn(_) | SignInOutcome::SecondFactor { .. });
        assert!(!taken || (right && !used), "a used backup code was taken again");
        self.second(&outcome, &attempt, second_factor);
    }

    /// A second proof, or a further one.
    fn second(&mut self, outcome: &SignInOutcome, attempt: &Attempt, second_factor: bool) {
        self.finish(outcome, attempt, second_factor);
        if matches!(outcome, SignInOutcome::SignedIn(_)) {
            self.login = None;
            // Whoever gave a second proof has not lost all of them.
            self.recovery = None;
        }
    }

    fn begin(&mut self, session: u8) {
        let begin = BeginTotp { session: self.session(session), name: "Phone".to_owned() };
        if let BeginTotpOutcome::Begun { factor } = self.decide(&begin).0 {
            self.stages.insert(factor, Stage::Awaiting);
        }
    }

    fn confirm(&mut self, session: u8, offset: i8, right: bool) {
        let awaits = |totp: &&schema::record::Totp| matches!(totp.state, FactorState::AwaitingActivation { .. });
        let awaiting = self.user.totps.values().find(awaits).map(|totp| totp.factor);
        let Some(factor) = awaiting.or_else(|| self.stages.keys().next().copied()) else { return };
        let code = self.code(offset, right, Some(factor));
        self.proved = right && offset.abs() <= 1;
        let (outcome, attempt) =
            self.decide(&ConfirmTotp { session: self.session(session), factor, code, backup: backup() });
        if let ConfirmOutcome::Activated { signed_in, .. } = outcome {
            self.signed_in(&signed_in, &attempt);
            self.recovery = None;
        }
    }

    fn remove(&mut self, session: u8, factor: u8) {
        let Some(factor) = self.stages.keys().nth(usize::from(factor) % self.stages.len().max(1)).copied() else {
            return;
        };
        if self.decide(&RemoveTotp { session: self.session(session), factor }).0 == RemoveOutcome::Removed {
            self.recovery = None;
        }
    }

    fn rename(&mut self, session: u8, factor: u8) {
        let Some(factor) = self.stages.keys().nth(usize::from(factor) % self.stages.len().max(1)).copied() else {
            return;
        };
        let before = self.user.totps.get(&factor).cloned();
        let rename = RenameTotp { session: self.session(session), factor, name: format!("at {}", self.now.as_secs()) };
        let outcome = self.decide(&rename).0;
        let after = self.user.totps.get(&factor).cloned();
        let name = |totp: Option<Totp>| totp.map(|totp| totp.name);
        let renamed = outcome == RenameOutcome::Renamed;
        assert_eq!(name(after.clone()), if renamed { Some(rename.name) } else { name(before.clone()) });
        let proves = |totp: Option<Totp>| totp.map(|totp| (totp.state, totp.seed, totp.last_step, totp.last_used_at));
        assert_eq!(proves(after), proves(before), "a name changes nothing else");
    }
}

fn backup() -> Vec<(String, String)> {
    (0..10).map(|n| (format!("000{n}"), "hash".to_owned())).collect()
}
