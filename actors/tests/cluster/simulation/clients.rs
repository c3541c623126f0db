//! Clients that do at random what people and applications do, and write down what they saw.

use std::{sync::Arc, time::Duration};

use actors::{
    call::Deadline,
    domain::{
        command::{
            BeginTotp, BeginTotpOutcome, Body, ChangePassword, ChangePasswordOutcome, CheckSession, ConfirmOutcome,
            ConfirmTotp, Decide, DisableUser, EndSession, LoginRef, Refresh, Register, RegisterOutcome, SignInOutcome,
            SignedIn,
        },
        context::{Attempt, Origin},
        user::SessionRef,
    },
    secret::Seed,
};
use parking_lot::Mutex;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};
use schema::{AttemptId, BrowserId, CredentialId, DeviceId, FamilyId, LoginId, UserId};

use super::{
    carried::Carried,
    ground::{Ground, NODES},
    rules::{Interval, Secret, Shown, Story, Subject, Verdict},
};
use crate::support::{App, Issued, code_at, session_ref};

/// No hash is computed in a simulation, since the threads that compute them keep no virtual time: clients say themselves
/// what came of one, as the owner does after it.
const NO_HASH: &str = "$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A session, or a family, or a password: its number in the story, and whether something was done that may have ended it.
#[derive(Clone, Debug)]
pub(super) struct Known<T> {
    pub(super) n: usize,
    pub(super) what: T,
    pub(super) doubtful: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Browser {
    pub(super) session: SessionRef,
    device: DeviceId,
}

#[derive(Clone, Debug)]
pub(super) struct Tokens {
    pub(super) family: FamilyId,
    /// The newest refresh token, unless the answer that had it was lost.
    pub(super) newest: Refresh,
    pub(super) token: usize,
}

/// Somebody, and what is known of them.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(super) user: UserId,
    pub(super) seed: Vec<u8>,
    pub(super) passwords: Vec<Known<CredentialId>>,
    pub(super) backup: (CredentialId, Vec<(usize, String)>),
    pub(super) sessions: Vec<Known<Browser>>,
    pub(super) codes: Vec<(usize, Issued)>,
    pub(super) families: Vec<Known<Tokens>>,
    pub(super) disabled: bool,
    pub(super) carried: Carried,
}

/// What all clients share.
pub(crate) struct Clients {
    pub(crate) ground: Arc<Ground>,
    pub(crate) story: Mutex<Story>,
    pub(crate) lines: Mutex<Vec<String>>,
    people: Mutex<Vec<Person>>,
    numbers: Mutex<usize>,
    pub(super) app: App,
}

/// One client: its dice are its own, so that what others do does not shift them.
pub(crate) struct Client {
    pub(super) all: Arc<Clients>,
    pub(super) dice: StdRng,
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

    pub(super) fn number(&self) -> usize {
        let mut numbers = self.numbers.lock();
        *numbers += 1;
        *numbers
    }

    pub(super) fn person<T>(&self, person: usize, of: impl FnOnce(&mut Person) -> T) -> T {
        of(&mut self.people.lock()[person])
    }

    pub(crate) fn people(&self) -> usize {
        self.people.lock().len()
    }

    pub(super) fn revoked(&self, subject: Subject) {
        let at = self.ground.ms();
        self.lines.lock().push(format!("{at} revoked {subject:?}"));
        self.story.lock().revoked.push((subject, at));
    }

    /// Asks a node; says when, and what it answered, if anything.
    pub(super) async fn ask<C>(
        &self,
        node: usize,
        user: UserId,
        attempt: &Attempt,
        command: C,
    ) -> (Interval, Option<C::Outcome>)
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

    pub(super) fn shown(&self, secret: Secret, subjects: &[Subject], (node, at): (usize, Interval), verdict: Verdict) {
        self.lines.lock().push(format!("{}..{} n{node} {secret:?} {verdict:?}", at.from, at.to));
        let subjects = subjects.to_vec();
        self.story.lock().shown.push(Shown { secret, subjects, at, node, verdict });
    }
}

pub(super) const fn verdict(accepted: Option<bool>) -> Verdict {
    match accepted {
        Some(true) => Verdict::Accepted,
        Some(false) => Verdict::Refused,
        None => Verdict::Lost,
    }
}

pub(super) fn of_sign_in(outcome: Option<&SignInOutcome>) -> Verdict {
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

    pub(super) fn attempt(&mut self) -> Attempt {
        let (id, seed) = (self.dice.random(), self.dice.random());
        Attempt {
            id: AttemptId::from_bytes(id),
            seed: Seed::new(seed),
            origin: Origin::default(),
            policies: Vec::new(),
        }
    }

    pub(super) fn login(&mut self) -> LoginRef {
        let (login, browser) = (LoginId::from_bytes(self.dice.random()), BrowserId::from_bytes(self.dice.random()));
        LoginRef {
            login,
            browser,
            device: None,
            renews: None,
            trust: actors::domain::trusted_device::Trust::None,
            asks: actors::domain::policy::Asks::default(),
        }
    }

    pub(super) fn node(&mut self) -> usize {
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
        let (carried, attempt, signed_in) = self.adds_more(user, (attempt, signed_in)).await;
        let person = Person {
            user,
            seed: seed.to_vec(),
            passwords: vec![Known { n: all.number(), what: credential, doubtful: false }],
            backup: (set, locators),
            sessions: Vec::new(),
            codes: Vec::new(),
            families: Vec::new(),
            disabled: false,
            carried,
        };
        all.people.lock().push(person);
        self.has_session(all.people() - 1, &attempt, &signed_in);
    }

    pub(super) fn now(&self) -> schema::Timestamp {
        crate::support::START.after(Duration::from_millis(self.all.ground.ms()))
    }

    pub(super) fn has_session(&self, person: usize, attempt: &Attempt, signed_in: &SignedIn) {
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
                120..300 => self.is_signed_in(person).await,
                300..330 => self.is_sent_a_code(person).await,
                330..360 => self.answers(person).await,
                360..380 => self.shows_again(person).await,
                380..420 => self.comes_back(person).await,
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

    pub(super) fn session(&mut self, person: usize) -> Option<(UserId, Known<Browser>)> {
        let all = Arc::clone(&self.all);
        all.person(person, |p| Some((p.user, p.sessions.choose(&mut self.dice)?.clone())))
    }

    pub(super) fn family(&mut self, person: usize) -> Option<(UserId, Known<Tokens>)> {
        let all = Arc::clone(&self.all);
        all.person(person, |p| Some((p.user, p.families.choose(&mut self.dice)?.clone())))
    }

    /// Marks what this person has as perhaps ended.
    pub(super) fn doubt(&self, person: usize, session: impl Fn(usize) -> bool, family: impl Fn(usize) -> bool) {
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

    pub(super) async fn looks(
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
}
