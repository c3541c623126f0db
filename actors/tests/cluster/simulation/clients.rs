//! Clients that do at random what people and applications do, and write down what they saw.

use std::{sync::Arc, time::Duration};

use actors::{
    call::Deadline,
    domain::{
        command::{
            Authorize, AuthorizeOutcome, BeginTotp, BeginTotpOutcome, Body, ChangePassword, ChangePasswordOutcome,
            CheckSession, CheckToken, ConfirmOutcome, ConfirmTotp, Decide, DisableUser, EndSession, JudgeBackupCode,
            JudgePassword, LoginRef, RedeemCode, RedeemOutcome, Refresh, Refusal, Register, RegisterOutcome,
            Requirement, RevokeToken, SignInOutcome, SignedIn, VerifyTotp,
        },
        context::{Attempt, Origin},
        user::SessionRef,
    },
    secret::{Seed, sha256_b64},
};
use futures_util::future::join_all;
use parking_lot::Mutex;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};
use schema::{AttemptId, BrowserId, CredentialId, DeviceId, FamilyId, LoginId, UserId};

use super::{
    ground::{Ground, NODES},
    rules::{Interval, Secret, Shown, Story, Subject, Verdict},
};
use crate::support::{App, Issued, code_at, redeem, refresh_of, session_ref};

/// No hash is computed in a simulation, since the threads that compute them keep no virtual time: clients say themselves
/// what came of one, as the owner does after it.
const NO_HASH: &str = "$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A session, or a family, or a password: its number in the story, and whether something was done that may have ended it.
#[derive(Clone, Debug)]
struct Known<T> {
    n: usize,
    what: T,
    doubtful: bool,
}

#[derive(Clone, Debug)]
struct Browser {
    session: SessionRef,
    device: DeviceId,
}

#[derive(Clone, Debug)]
struct Tokens {
    family: FamilyId,
    /// The newest refresh token, unless the answer that had it was lost.
    newest: Refresh,
    token: usize,
}

/// Somebody, and what is known of them.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    user: UserId,
    seed: Vec<u8>,
    passwords: Vec<Known<CredentialId>>,
    backup: (CredentialId, Vec<(usize, String)>),
    sessions: Vec<Known<Browser>>,
    codes: Vec<(usize, Issued)>,
    families: Vec<Known<Tokens>>,
    disabled: bool,
}

/// What all clients share.
pub(crate) struct Clients {
    pub(crate) ground: Arc<Ground>,
    pub(crate) story: Mutex<Story>,
    pub(crate) lines: Mutex<Vec<String>>,
    people: Mutex<Vec<Person>>,
    numbers: Mutex<usize>,
    app: App,
}

/// One client: its dice are its own, so that what others do does not shift them.
pub(crate) struct Client {
    all: Arc<Clients>,
    dice: StdRng,
}

impl Clients {
    pub(crate) fn new(ground: Arc<Ground>) -> Self {
        let client = "c_simulated".parse().expect("an id");
        let app = App { client, redirect_uri: "https://app.example.org/cb".to_owned() };
        Self {
            ground,
            story: Mutex::default(),
            lines: Mutex::default(),
            people: Mutex::default(),
            numbers: Mutex::default(),
            app,
        }
    }

    fn number(&self) -> usize {
        let mut numbers = self.numbers.lock();
        *numbers += 1;
        *numbers
    }

    fn person<T>(&self, person: usize, of: impl FnOnce(&mut Person) -> T) -> T {
        of(&mut self.people.lock()[person])
    }

    pub(crate) fn people(&self) -> usize {
        self.people.lock().len()
    }

    fn revoked(&self, subject: Subject) {
        let at = self.ground.ms();
        self.lines.lock().push(format!("{at} revoked {subject:?}"));
        self.story.lock().revoked.push((subject, at));
    }

    /// Asks a node; says when, and what it answered, if anything.
    async fn ask<C>(&self, node: usize, user: UserId, attempt: &Attempt, command: C) -> (Interval, Option<C::Outcome>)
    where
        C: Decide + Into<Body>,
    {
        let from = self.ground.ms();
        let answer = match self.ground.node(node) {
            Some(running) => {
                let deadline = Deadline::after(Duration::from_secs(6));
                let asking = running.services.accounts.ask(user, attempt, command, deadline);
                tokio::select! {
                    biased;
                    () = running.plight.death() => None,
                    answer = asking => answer.ok(),
                }
            }
            None => None,
        };
        let at = Interval { from, to: self.ground.ms() };
        let said = if answer.is_some() { "answers" } else { "is silent" };
        self.lines.lock().push(format!("{from}..{} n{node} {said} {} {user}", at.to, C::NAME));
        (at, answer)
    }

    fn shown(&self, secret: Secret, subjects: &[Subject], (node, at): (usize, Interval), verdict: Verdict) {
        self.lines.lock().push(format!("{}..{} n{node} {secret:?} {verdict:?}", at.from, at.to));
        let subjects = subjects.to_vec();
        self.story.lock().shown.push(Shown { secret, subjects, at, node, verdict });
    }
}

const fn verdict(accepted: Option<bool>) -> Verdict {
    match accepted {
        Some(true) => Verdict::Accepted,
        Some(false) => Verdict::Refused,
        None => Verdict::Lost,
    }
}

fn of_sign_in(outcome: Option<&SignInOutcome>) -> Verdict {
    match outcome {
        Some(SignInOutcome::SignedIn(_) | SignInOutcome::SecondFactor { .. }) => Verdict::Accepted,
        Some(SignInOutcome::Wrong) => Verdict::Refused,
        Some(_) => Verdict::Throttled,
        None => Verdict::Lost,
    }
}

impl Client {
    pub(crate) fn new(all: &Arc<Clients>, seed: u64) -> Self {
        Self { all: Arc::clone(all), dice: StdRng::seed_from_u64(seed) }
    }

    fn attempt(&mut self) -> Attempt {
        let (id, seed) = (self.dice.random(), self.dice.random());
        Attempt { id: AttemptId::from_bytes(id), seed: Seed::new(seed), origin: Origin::default() }
    }

    fn login(&mut self) -> LoginRef {
        let (login, browser) = (LoginId::from_bytes(self.dice.random()), BrowserId::from_bytes(self.dice.random()));
        LoginRef { login, browser, device: None, renews: None, trust: actors::domain::trusted_device::Trust::None }
    }

    fn node(&mut self) -> usize {
        self.dice.random_range(0..NODES)
    }

    /// Somebody registers with an authenticator app and backup codes, while nothing goes wrong.
    pub(crate) async fn registers(&mut self) {
        let all = Arc::clone(&self.all);
        let mut id: [u8; 16] = self.dice.random();
        // Each has a shard of the directory alone: within one, idle actors go to rest in the order of a hash map.
        id[0] = u8::try_from(all.people()).expect("few");
        let (user, attempt) = (UserId::from_bytes(id), self.attempt());
        let register = Register {
            user_name: format!("person-{}", id[0]),
            email: None,
            password_hash: NO_HASH.to_owned(),
            claims: Vec::new(),
            roles: std::collections::BTreeSet::new(),
            browser: BrowserId::from_bytes(self.dice.random()),
        };
        let (_, outcome) = all.ask(0, user, &attempt, register).await;
        let Some(RegisterOutcome::Registered(signed_in)) = outcome else { panic!("{outcome:?}") };
        let credential = CredentialId::from_bytes(attempt.seed.derive("password credential"));
        let session = session_ref(&attempt, &signed_in);
        let begun = self.attempt();
        let begin = BeginTotp { session: session.clone(), name: "app".to_owned() };
        let (_, outcome) = all.ask(0, user, &begun, begin).await;
        let Some(BeginTotpOutcome::Begun { factor }) = outcome else { panic!("{outcome:?}") };
        let seed: [u8; 20] = begun.seed.derive("totp seed");
        let attempt = self.attempt();
        let locators = (0..10).map(|n| (all.number(), format!("abc{n}"))).collect::<Vec<_>>();
        let backup = locators.iter().map(|(_, locator)| (locator.clone(), NO_HASH.to_owned())).collect();
        let code = code_at(&seed, self.now());
        let (_, outcome) = all.ask(0, user, &attempt, ConfirmTotp { session, factor, code, backup }).await;
        let Some(ConfirmOutcome::Activated { signed_in, .. }) = outcome else { panic!("{outcome:?}") };
        let set = CredentialId::from_bytes(attempt.seed.derive("backup set"));
        let person = Person {
            user,
            seed: seed.to_vec(),
            passwords: vec![Known { n: all.number(), what: credential, doubtful: false }],
            backup: (set, locators),
            sessions: Vec::new(),
            codes: Vec::new(),
            families: Vec::new(),
            disabled: false,
        };
        all.people.lock().push(person);
        self.has_session(all.people() - 1, &attempt, &signed_in);
    }

    fn now(&self) -> schema::Timestamp {
        crate::support::START.after(Duration::from_millis(self.all.ground.ms()))
    }

    fn has_session(&self, person: usize, attempt: &Attempt, signed_in: &SignedIn) {
        let what = Browser { session: session_ref(attempt, signed_in), device: signed_in.device };
        let n = self.all.number();
        self.all.person(person, |p| p.sessions.push(Known { n, what, doubtful: p.disabled }));
    }

    /// One thing after another until `end`.
    pub(crate) async fn lives(mut self, pace: u64, end: u64) {
        loop {
            tokio::time::sleep(Duration::from_millis(self.dice.random_range(0..pace))).await;
            if self.all.ground.ms() >= end {
                return;
            }
            // The last is only guessed at.
            let people = self.all.people() - 1;
            let person = self.dice.random_range(0..people);
            match self.dice.random_range(0..1_000) {
                0..120 => self.signs_in(person).await,
                120..420 => self.is_signed_in(person).await,
                420..500 => self.authorizes(person).await,
                500..600 => self.redeems(person).await,
                600..700 => self.refreshes(person).await,
                700..800 => self.uses_a_token(person).await,
                800..860 => self.logs_out(person).await,
                860..890 => self.revokes_a_token(person).await,
                890..930 => self.changes_the_password(person).await,
                930..934 => self.disables(person).await,
                _ => self.guesses(people).await,
            }
        }
    }

    /// First proofs for some logins, then one second proof for all of them at once.
    async fn signs_in(&mut self, person: usize) {
        let all = Arc::clone(&self.all);
        let (user, passwords) = all.person(person, |p| (p.user, p.passwords.clone()));
        if all.person(person, |p| p.sessions.len() > 40) {
            return;
        }
        let old = self.dice.random_bool(0.2);
        let password = if old { passwords.choose(&mut self.dice) } else { passwords.last() }.cloned().expect("one");
        let (mut tries, nodes) = (Vec::new(), self.node());
        for n in 0..self.dice.random_range(1..=NODES) {
            tries.push((self.node(), (nodes + n) % NODES, self.login(), self.attempt(), self.attempt()));
        }
        let subjects = [Subject::Person(person), Subject::Password(password.n)];
        let first = tries.iter().map(|(node, _, login, attempt, _)| {
            let (login, credential) = (login.clone(), password.what);
            let judge = JudgePassword { login, credential, version: 1, right: true, rehash: None };
            let all = &all;
            async move {
                let (at, outcome) = all.ask(*node, user, attempt, judge).await;
                all.shown(Secret::Password(password.n), &subjects, (*node, at), of_sign_in(outcome.as_ref()));
                matches!(outcome, Some(SignInOutcome::SecondFactor { .. }))
            }
        });
        let begun = join_all(first).await;
        tries = tries.into_iter().zip(begun).filter(|(_, begun)| *begun).map(|(try_, _)| try_).collect();
        let backup = self
            .dice
            .random_bool(0.25)
            .then(|| all.person(person, |p| (p.backup.0, p.backup.1.choose(&mut self.dice).cloned())));
        let (seed, now) = (all.person(person, |p| p.seed.clone()), self.now());
        let subjects = [Subject::Person(person)];
        let second = tries.iter().map(|(_, node, login, _, attempt)| {
            let (login, code, all, backup) = (login.clone(), code_at(&seed, now), &all, backup.clone());
            async move {
                let (secret, (at, outcome)) = if let Some((credential, Some((n, locator)))) = backup {
                    let judge = JudgeBackupCode { login, credential, locator, right: true };
                    (Secret::Backup(n), all.ask(*node, user, attempt, judge).await)
                } else {
                    let step = now.as_secs() / 30;
                    (Secret::Totp(person, step), all.ask(*node, user, attempt, VerifyTotp { login, code }).await)
                };
                all.shown(secret, &subjects, (*node, at), of_sign_in(outcome.as_ref()));
                outcome
            }
        });
        let ended = join_all(second).await;
        for ((.., attempt), outcome) in tries.iter().zip(ended) {
            if let Some(SignInOutcome::SignedIn(signed_in)) = outcome {
                self.has_session(person, attempt, &signed_in);
            }
        }
    }

    fn session(&mut self, person: usize) -> Option<(UserId, Known<Browser>)> {
        let all = Arc::clone(&self.all);
        all.person(person, |p| Some((p.user, p.sessions.choose(&mut self.dice)?.clone())))
    }

    fn family(&mut self, person: usize) -> Option<(UserId, Known<Tokens>)> {
        let all = Arc::clone(&self.all);
        all.person(person, |p| Some((p.user, p.families.choose(&mut self.dice)?.clone())))
    }

    /// Marks what this person has as perhaps ended.
    fn doubt(&self, person: usize, session: impl Fn(usize) -> bool, family: impl Fn(usize) -> bool) {
        self.all.person(person, |p| {
            p.sessions.iter_mut().filter(|known| session(known.n)).for_each(|known| known.doubtful = true);
            p.families.iter_mut().filter(|known| family(known.n)).for_each(|known| known.doubtful = true);
        });
    }

    async fn is_signed_in(&mut self, person: usize) {
        let Some((user, known)) = self.session(person) else { return };
        let (node, attempt) = (self.node(), self.attempt());
        self.looks(person, user, (&known, node, &attempt)).await;
    }

    async fn looks(
        &self,
        person: usize,
        user: UserId,
        (known, node, attempt): (&Known<Browser>, usize, &Attempt),
    ) -> Option<bool> {
        let check = CheckSession { session: known.what.session.clone() };
        let (at, view) = self.all.ask(node, user, attempt, check).await;
        let alive = view.map(|view| view.is_some());
        let subjects = [Subject::Person(person), Subject::Session(known.n)];
        self.all.shown(Secret::Session(known.n), &subjects, (node, at), verdict(alive));
        alive
    }

    async fn authorizes(&mut self, person: usize) {
        let Some((user, known)) = self.session(person) else { return };
        let (node, attempt, app) = (self.node(), self.attempt(), self.all.app.clone());
        let authorize = Authorize {
            session: known.what.session,
            client: app.client.clone(),
            trusted: true,
            redirect_uri: app.redirect_uri.clone(),
            scopes: ["openid", "offline_access"].map(str::to_owned).into(),
            nonce: None,
            challenge: None,
            requirement: Requirement { begun_at: self.now(), ..Requirement::default() },
            policies: Vec::new(),
            allowed: true,
        };
        let (at, outcome) = self.all.ask(node, user, &attempt, authorize).await;
        let accepted = outcome.as_ref().map(|outcome| matches!(outcome, AuthorizeOutcome::Issued { .. }));
        let subjects = [Subject::Person(person), Subject::Session(known.n)];
        self.all.shown(Secret::Session(known.n), &subjects, (node, at), verdict(accepted));
        if let Some(AuthorizeOutcome::Issued { code }) = outcome {
            let secret_hash = sha256_b64(&Authorize::code_secret(&attempt.seed));
            let n = self.all.number();
            self.all.person(person, |p| p.codes.push((n, Issued { code, secret_hash, app })));
        }
    }

    /// One code at some nodes at once. A second redemption ends what the first gave.
    async fn redeems(&mut self, person: usize) {
        let all = Arc::clone(&self.all);
        let Some((user, (n, issued))) = all.person(person, |p| Some((p.user, p.codes.choose(&mut self.dice)?.clone())))
        else {
            return;
        };
        // Of a code that was used before the family may be known: a second use ends it.
        self.doubt(person, |_| false, |family| family == n);
        let mut tries = Vec::new();
        for n in 0..if self.dice.random_bool(0.3) { NODES } else { 1 } {
            tries.push(((self.node() + n) % NODES, self.attempt()));
        }
        let doubtful = tries.len() > 1;
        let outcomes =
            join_all(tries.iter().map(|(node, attempt)| all.ask(*node, user, attempt, redeem(&issued)))).await;
        for ((node, attempt), (at, outcome)) in tries.iter().zip(outcomes) {
            let accepted = outcome.as_ref().map(|outcome| matches!(outcome, RedeemOutcome::Granted(_)));
            all.shown(Secret::Code(n), &[Subject::Person(person)], (*node, at), verdict(accepted));
            if let Some(RedeemOutcome::Granted(grant)) = outcome {
                let what = Tokens { family: grant.family, newest: refresh_of(&grant, attempt), token: all.number() };
                all.person(person, |p| {
                    let doubtful = doubtful || p.disabled;
                    p.families.push(Known { n, what, doubtful });
                });
            } else if let Some(RedeemOutcome::Refused(Refusal::Reused)) = outcome {
                all.revoked(Subject::Family(n));
                all.story.lock().reused.push((Secret::Code(n), at.to));
            }
        }
    }

    async fn refreshes(&mut self, person: usize) {
        let Some((user, known)) = self.family(person) else { return };
        let all = Arc::clone(&self.all);
        let mut tries = Vec::new();
        for _ in 0..if self.dice.random_bool(0.15) { 3 } else { 1 } {
            tries.push((self.node(), self.attempt()));
        }
        let subjects = [Subject::Person(person), Subject::Family(known.n)];
        let asking = tries.iter().map(|(node, attempt)| all.ask(*node, user, attempt, known.what.newest.clone()));
        self.doubt(person, |_| false, |family| family == known.n);
        let outcomes = join_all(asking).await;
        let alone = outcomes.len() == 1;
        for ((node, attempt), (at, outcome)) in tries.iter().zip(outcomes) {
            let accepted = outcome.as_ref().map(|outcome| matches!(outcome, RedeemOutcome::Granted(_)));
            all.shown(Secret::Refresh(known.what.token), &subjects, (*node, at), verdict(accepted));
            if let Some(RedeemOutcome::Granted(grant)) = outcome {
                let token = all.number();
                all.person(person, |p| {
                    if let Some(now) = p.families.iter_mut().find(|now| now.n == known.n) {
                        // Certain again, unless somebody else used it meanwhile.
                        now.doubtful = !alone || known.doubtful || now.what.token != known.what.token || p.disabled;
                        now.what = Tokens { newest: refresh_of(&grant, attempt), token, ..now.what.clone() };
                    }
                });
            } else if let Some(RedeemOutcome::Refused(Refusal::Reused)) = outcome {
                all.revoked(Subject::Family(known.n));
                all.story.lock().reused.push((Secret::Refresh(known.what.token), at.to));
            }
        }
    }

    async fn uses_a_token(&mut self, person: usize) {
        let Some((user, known)) = self.family(person) else { return };
        let (node, attempt) = (self.node(), self.attempt());
        self.tries_token(person, user, (&known, node, &attempt)).await;
    }

    async fn tries_token(
        &self,
        person: usize,
        user: UserId,
        (known, node, attempt): (&Known<Tokens>, usize, &Attempt),
    ) -> Option<bool> {
        let (at, profile) = self.all.ask(node, user, attempt, CheckToken { family: known.what.family }).await;
        let alive = profile.map(|profile| profile.is_some());
        let subjects = [Subject::Person(person), Subject::Family(known.n)];
        self.all.shown(Secret::Token(known.n), &subjects, (node, at), verdict(alive));
        alive
    }

    async fn logs_out(&mut self, person: usize) {
        let Some((user, known)) = self.session(person) else { return };
        let (node, attempt) = (self.node(), self.attempt());
        // Families of codes of this session may end with it.
        self.doubt(person, |session| session == known.n, |_| false);
        let end = EndSession { session: known.what.session.session };
        if self.all.ask(node, user, &attempt, end).await.1.is_some() {
            self.all.revoked(Subject::Session(known.n));
            tokio::time::sleep(Duration::from_millis(1)).await;
            for node in 0..NODES {
                let attempt = self.attempt();
                self.looks(person, user, (&known, node, &attempt)).await;
            }
        }
    }

    async fn revokes_a_token(&mut self, person: usize) {
        let Some((user, known)) = self.family(person) else { return };
        let (node, attempt, client) = (self.node(), self.attempt(), self.all.app.client.clone());
        self.doubt(person, |_| false, |family| family == known.n);
        let revoke = RevokeToken { family: known.what.family, client };
        if self.all.ask(node, user, &attempt, revoke).await.1.is_some() {
            self.all.revoked(Subject::Family(known.n));
        }
    }

    async fn changes_the_password(&mut self, person: usize) {
        let Some((user, known)) = self.session(person) else { return };
        let (node, attempt, all) = (self.node(), self.attempt(), Arc::clone(&self.all));
        self.doubt(person, |_| true, |_| true);
        let Some((password, sessions)) = all.person(person, |p| {
            Some((p.passwords.last()?.clone(), p.sessions.iter().map(|known| known.n).collect::<Vec<_>>()))
        }) else {
            return;
        };
        let (session, new_hash) = (known.what.session, NO_HASH.to_owned());
        let change = ChangePassword { session, credential: password.what, version: 1, right: true, new_hash };
        let (_, outcome) = all.ask(node, user, &attempt, change).await;
        // Sessions that were begun meanwhile may have ended too.
        self.doubt(person, |_| true, |_| true);
        let Some(ChangePasswordOutcome::Changed(signed_in)) = outcome else { return };
        all.revoked(Subject::Password(password.n));
        // This session too: it goes on under a new secret.
        for session in sessions {
            all.revoked(Subject::Session(session));
        }
        let credential = CredentialId::from_bytes(attempt.seed.derive("password credential"));
        let n = all.number();
        all.person(person, |p| p.passwords.push(Known { n, what: credential, doubtful: false }));
        self.has_session(person, &attempt, &signed_in);
        // Another change that overlapped this one may have ended it.
        self.doubt(person, |_| true, |_| false);
    }

    async fn disables(&mut self, person: usize) {
        let user = self.all.person(person, |p| {
            p.disabled = true;
            p.user
        });
        self.doubt(person, |_| true, |_| true);
        let (node, attempt) = (self.node(), self.attempt());
        if self.all.ask(node, user, &attempt, DisableUser).await.1.is_some() {
            self.all.revoked(Subject::Person(person));
        }
    }

    /// Some wrong codes at once, after the right password.
    async fn guesses(&mut self, person: usize) {
        let all = Arc::clone(&self.all);
        let (user, password, seed) = all.person(person, |p| (p.user, p.passwords[0].what, p.seed.clone()));
        let (node, login, attempt) = (self.node(), self.login(), self.attempt());
        let judge = JudgePassword { login: login.clone(), credential: password, version: 1, right: true, rehash: None };
        if !matches!(all.ask(node, user, &attempt, judge).await.1, Some(SignInOutcome::SecondFactor { .. })) {
            return;
        }
        let mut tries = Vec::new();
        for _ in 0..self.dice.random_range(1..=4) {
            tries.push((self.node(), self.attempt()));
        }
        // Of ten years ago.
        let code = code_at(&seed, schema::Timestamp::from_millis(self.now().as_millis() - 315_000_000_000));
        join_all(tries.iter().map(|(node, attempt)| {
            let (all, command) = (&all, VerifyTotp { login: login.clone(), code: code.clone() });
            async move {
                let (at, outcome) = all.ask(*node, user, attempt, command).await;
                all.shown(Secret::Guess(person), &[], (*node, at), of_sign_in(outcome.as_ref()));
            }
        }))
        .await;
    }

    /// At the end: what should be there is looked for, and everything is presented once more.
    pub(crate) async fn looks_back(mut self) {
        let all = Arc::clone(&self.all);
        for person in 0..all.people() {
            let Person { user, sessions, codes, families, backup, passwords, .. } = all.person(person, |p| p.clone());
            for known in &sessions {
                let (node, attempt) = (self.node(), self.attempt());
                let alive = self.looks(person, user, (known, node, &attempt)).await;
                if !known.doubtful {
                    all.story.lock().kept.push((Secret::Session(known.n), alive == Some(true)));
                }
            }
            for known in &families {
                let (node, attempt) = (self.node(), self.attempt());
                let alive = self.tries_token(person, user, (known, node, &attempt)).await;
                let (at, outcome) = all.ask(node, user, &self.attempt(), known.what.newest.clone()).await;
                let accepted = outcome.map(|outcome| matches!(outcome, RedeemOutcome::Granted(_)));
                let subjects = [Subject::Person(person), Subject::Family(known.n)];
                all.shown(Secret::Refresh(known.what.token), &subjects, (node, at), verdict(accepted));
                if !known.doubtful {
                    let there = alive == Some(true) && accepted == Some(true);
                    all.story.lock().kept.push((Secret::Refresh(known.what.token), there));
                }
            }
            for (n, issued) in &codes {
                let (node, attempt) = (self.node(), self.attempt());
                let command: RedeemCode = redeem(issued);
                let (at, outcome) = all.ask(node, user, &attempt, command).await;
                let accepted = outcome.map(|outcome| matches!(outcome, RedeemOutcome::Granted(_)));
                all.shown(Secret::Code(*n), &[Subject::Person(person)], (node, at), verdict(accepted));
            }
            let password = passwords.last().expect("one");
            for (n, locator) in backup.1 {
                let (node, login, attempt) = (self.node(), self.login(), self.attempt());
                let (credential, again) = (password.what, login.clone());
                let judge = JudgePassword { login, credential, version: 1, right: true, rehash: None };
                let subjects = [Subject::Person(person), Subject::Password(password.n)];
                let (at, outcome) = all.ask(node, user, &attempt, judge).await;
                all.shown(Secret::Password(password.n), &subjects, (node, at), of_sign_in(outcome.as_ref()));
                let judge = JudgeBackupCode { login: again, credential: backup.0, locator, right: true };
                let (at, outcome) = all.ask(node, user, &self.attempt(), judge).await;
                all.shown(Secret::Backup(n), &subjects[..1], (node, at), of_sign_in(outcome.as_ref()));
            }
        }
    }
}
