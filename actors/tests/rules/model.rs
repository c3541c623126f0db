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
            Authorize, AuthorizeOutcome, BeginTotp, BeginTotpOutcome, ChangePassword, ChangePasswordOutcome,
            ConfirmOutcome, ConfirmTotp, Decide, DisableUser, EnableUser, EndAllSessions, EndSession, Grant,
            IssueReset, IssueResetOutcome, JudgeBackupCode, JudgePassword, LoginRef, RedeemCode, RedeemOutcome,
            Refresh, Register, RegisterOutcome, RemoveTotp, RenameOutcome, RenameTotp, ReplaceBackupCodes, Requirement,
            ResetMfa, ResetPassword, RevokeToken, SignIn, SignInOutcome, SignedIn, VerifyTotp,
        },
        context::{Attempt, Context, Origin, Settings},
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
    record::{FactorState, Totp},
};

use crate::code::code_at;

#[path = "invariants.rs"]
mod invariants;
#[path = "op.rs"]
mod op;
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
    /// Did this step show a right code for the device that awaits one?
    proved: bool,
}

impl Model {
    /// Somebody who has just registered.
    pub(crate) fn new() -> Self {
        let keys = MasterKeys::parse("k1:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=").expect("a ring");
        let mut model = Self {
            user: User::unloaded(UserId::from_random([7; 16])),
            vault: Vault::new(&keys, keys.first().clone(), "incarnation").expect("the key is there"),
            entropy: SeededEntropy::new(1),
            settings: Settings::default(),
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
            proved: false,
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
        Attempt { id, seed, origin: Origin::default() }
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
        self.user.apply(decision.change, Revision::first(self.attempts));
        (decision.outcome, attempt)
    }

    /// Runs one command, then looks whether everything still holds.
    pub(crate) fn step(&mut self, op: &Op) {
        let before = self.user.clone();
        self.proved = false;
        self.run(op);
        self.ended_stays_ended(op);
        self.ended_trust_stays_ended(op);
        self.devices_go_forward(op);
        self.steps_increase();
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
            Op::ResetMfa => drop(self.decide(&ResetMfa)),
            Op::EndSession(session) => {
                let session = self.session(session).session;
                self.decide(&EndSession { session });
            }
            Op::EndAll => drop(self.decide(&EndAllSessions { except: None })),
            Op::Disable => drop(self.decide(&DisableUser)),
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
            assert!(!second_factor || acr == Acr::Mfa, "signed in without the second factor: {:?}", session.proofs);
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
        });
        self.login = Some(login.clone());
        LoginRef { device: self.device.filter(|_| known), ..login }
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
        let signed_in = matches!(outcome, SignInOutcome::SignedIn(_));
        assert!(!signed_in || (right && offset.abs() <= 1), "{offset} {right}: {outcome:?}");
        let moved = self.user.totps.values().any(|totp| totp.last_step > self.steps[&totp.factor]);
        assert_eq!(signed_in, moved, "a step is used up by an accepted code, and by nothing else");
        self.finish(&outcome, &attempt, second_factor);
        if signed_in {
            self.login = None;
        }
    }

    fn backup(&mut self, index: u8, right: bool) {
        let second_factor = self.user.has_second_factor();
        let Some(set) = self.user.backup.clone() else { return };
        let code = &set.codes[usize::from(index) % set.codes.len()];
        let (locator, used) = (code.locator.clone(), code.used_at.is_some());
        let login = self.login(false);
        let (outcome, attempt) = self.decide(&JudgeBackupCode { login, credential: set.credential, locator, right });
        let signed_in = matches!(outcome, SignInOutcome::SignedIn(_));
        assert!(!signed_in || (right && !used), "a used backup code was taken again");
        self.finish(&outcome, &attempt, second_factor);
        if signed_in {
            self.login = None;
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
        }
    }

    fn remove(&mut self, session: u8, factor: u8) {
        let Some(factor) = self.stages.keys().nth(usize::from(factor) % self.stages.len().max(1)).copied() else {
            return;
        };
        self.decide(&RemoveTotp { session: self.session(session), factor });
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

    fn authorize(&mut self, session: u8, other: bool, offline: bool) {
        let client: ClientId = if other { "c_other" } else { "c_shop" }.parse().expect("a client id");
        let scopes = if offline { "openid offline_access" } else { "openid" };
        let command = Authorize {
            session: self.session(session),
            client: client.clone(),
            trusted: true,
            redirect_uri: "https://shop.example.org/cb".to_owned(),
            scopes: scopes.split(' ').map(str::to_owned).collect(),
            nonce: None,
            challenge: None,
            requirement: Requirement { begun_at: self.now, ..Requirement::default() },
            policies: Vec::new(),
            allowed: false,
        };
        let (outcome, attempt) = self.decide(&command);
        if let AuthorizeOutcome::Issued { code } = outcome {
            self.codes.push((code, sha256_b64(&Authorize::code_secret(&attempt.seed)), client));
        }
    }

    fn granted(&mut self, outcome: RedeemOutcome, attempt: &Attempt) {
        if let RedeemOutcome::Granted(grant) = outcome {
            assert!(self.generations.insert((grant.family, grant.generation)), "a generation was given twice");
            let secret_hash = sha256_b64(&Grant::refresh_secret(&attempt.seed));
            let Grant { family, generation, client, .. } = *grant;
            self.tokens.push(Token { family, generation, secret_hash, client });
        }
    }

    fn redeem(&mut self, n: u8) {
        let Some((code, secret_hash, client)) = self.codes.get(usize::from(n) % self.codes.len().max(1)).cloned()
        else {
            return;
        };
        let redirect_uri = "https://shop.example.org/cb".to_owned();
        let (outcome, attempt) = self.decide(&RedeemCode { code, secret_hash, client, redirect_uri, challenge: None });
        let granted = matches!(outcome, RedeemOutcome::Granted(_));
        assert!(!granted || self.used_codes.insert(code), "a code was redeemed twice");
        self.granted(outcome, &attempt);
    }

    fn refresh(&mut self, n: u8) {
        let Some(token) = self.tokens.get(usize::from(n) % self.tokens.len().max(1)) else { return };
        let newest = !self.generations.contains(&(token.family, token.generation + 1));
        let command = Refresh {
            family: token.family,
            generation: token.generation,
            secret_hash: token.secret_hash.clone(),
            client: token.client.clone(),
            scopes: None,
        };
        let (outcome, attempt) = self.decide(&command);
        assert!(newest || matches!(outcome, RedeemOutcome::Refused(_)), "an older generation was taken");
        self.granted(outcome, &attempt);
    }

    fn revoke(&mut self, n: u8) {
        let Some(token) = self.tokens.get(usize::from(n) % self.tokens.len().max(1)) else { return };
        let command = RevokeToken { family: token.family, client: token.client.clone() };
        let family = command.family;
        self.decide(&command);
        let live = self.user.live_family(family, self.now, &self.settings);
        assert!(live.is_none(), "a revoked family lives");
    }

    fn change_password(&mut self, session: u8, right: bool) {
        let current = self.user.password.clone().expect("never without");
        let command = ChangePassword {
            session: self.session(session),
            credential: current.credential,
            version: current.version,
            right,
            new_hash: "another".to_owned(),
        };
        let (outcome, attempt) = self.decide(&command);
        if let ChangePasswordOutcome::Changed(signed_in) = outcome {
            assert!(right);
            self.signed_in(&signed_in, &attempt);
        }
    }

    fn reset_password(&mut self) {
        let (IssueResetOutcome::Issued { reset, .. }, attempt) = self.decide(&IssueReset) else { return };
        let secret_hash = sha256_b64(&IssueReset::secret(&attempt.seed));
        self.decide(&ResetPassword { reset, secret_hash, new_hash: Some("reset".to_owned()) });
    }
}

fn backup() -> Vec<(String, String)> {
    (0..10).map(|n| (format!("000{n}"), "hash".to_owned())).collect()
}
