//! What clients know, and what they make of answers; of tokens in [`crate::tokens`], of what is sent or carried in
//! [`crate::carried`]. What they ask is in [`crate::ask`].

use std::{collections::BTreeMap, rc::Rc};

use actors::{
    account::Delivery,
    domain::{
        command::{
            Body, ChangePassword, ChangePasswordOutcome, CheckSession, CheckToken, LoginRef, Refresh, SignInOutcome,
            SignedIn, VerifyPasskey, VerifySentCode, VerifyTotp,
        },
        context::Attempt,
        factor::totp::Code,
        user::SessionRef,
    },
};
use rand::seq::SliceRandom as _;
use schema::{ClientId, CodeId, FamilyId, Kind, Operation, PartitionKey, Put, UserId, WriteSet, record::Channel};
use serde_json::value::RawValue;

use crate::{
    carried::Carried,
    edge::{Asked, What},
    node,
    people::{self, BACKUP_CODES},
    proofs,
    rules::{Interval, Secret, Shown, Story, Subject, Verdict},
    store::Store,
    world::{Net, NodeIx, Person},
};

/// A session, or a family, by its number in the story.
#[derive(Clone, Debug)]
pub(crate) struct Known<T> {
    pub(crate) n: usize,
    pub(crate) what: T,
    /// Something was done that may have ended it.
    pub(crate) doubtful: bool,
    /// How often such a thing was done.
    pub(crate) touched: u32,
}

#[derive(Clone, Debug)]
pub(crate) struct Browser {
    pub(crate) session: SessionRef,
    /// The password that it rests on.
    pub(crate) password: usize,
}

/// A code as its holder has it.
#[derive(Clone, Debug)]
pub(crate) struct Issued {
    pub(crate) n: usize,
    pub(crate) code: CodeId,
    pub(crate) secret_hash: String,
    pub(crate) session: usize,
    pub(crate) password: usize,
    pub(crate) offline: bool,
    pub(crate) presented: u32,
}

#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    pub(crate) family: FamilyId,
    /// The newest refresh token, unless the answer that had it was lost.
    pub(crate) newest: Refresh,
    pub(crate) token: usize,
    pub(crate) session: usize,
    pub(crate) password: usize,
    pub(crate) offline: bool,
}

/// Somebody, and what is known of them.
#[derive(Debug)]
pub(crate) struct Human {
    pub(crate) user: UserId,
    pub(crate) totp_seed: [u8; 20],
    pub(crate) passwords: Vec<usize>,
    pub(crate) backup: Vec<(usize, String)>,
    pub(crate) sessions: Vec<Known<Browser>>,
    pub(crate) codes: Vec<Issued>,
    pub(crate) families: Vec<Known<Tokens>>,
    pub(crate) carried: Carried,
    /// Something is under way, or may be for ever, that ends everything.
    pub(crate) ending: u32,
    /// When such a thing was answered last: what was asked before that may have been made, and ended, before it was.
    pub(crate) ended_at: u64,
}

/// What comes after the right password.
#[derive(Clone, Debug)]
pub(crate) enum Second {
    Totp { step: i64, code: Code },
    Backup { n: usize, locator: String },
    Sent(Channel),
    Guesses,
}

/// What a request is about.
#[derive(Debug)]
pub(crate) enum Purpose {
    First { password: usize, login: Box<LoginRef>, second: Second },
    Second { secret: Secret, password: usize },
    Send { login: Box<LoginRef>, link: bool, password: usize },
    Trusted { trust: usize, cookie: usize, password: usize },
    Session(usize),
    Authorize { session: usize, offline: bool },
    Redeem(usize),
    Refresh { family: usize, token: usize, certain: bool, touched: u32 },
    Token(usize),
    LogOut(usize),
    RevokeToken(usize),
    Change { old: usize, new: usize, sessions: Vec<usize> },
    Disable,
    Guess(usize),
}

/// A request under way.
pub(crate) struct Sent {
    pub(crate) person: Person,
    node: NodeIx,
    pub(crate) from: u64,
    pub(crate) attempt: Attempt,
    pub(crate) purpose: Purpose,
}

pub(crate) struct Clients {
    pub(crate) story: Story,
    pub(crate) people: Vec<Human>,
    pub(crate) client: ClientId,
    /// Where second factors are guessed at.
    pub(crate) guessing: Option<LoginRef>,
    pub(crate) sent: BTreeMap<u64, Sent>,
    numbers: usize,
}

pub(crate) const fn verdict(accepted: Option<bool>) -> Verdict {
    match accepted {
        Some(true) => Verdict::Accepted,
        Some(false) => Verdict::Refused,
        None => Verdict::Lost,
    }
}

pub(crate) fn of_sign_in(outcome: Option<&SignInOutcome>) -> Verdict {
    match outcome {
        Some(SignInOutcome::SignedIn(_) | SignInOutcome::SecondFactor { .. }) => Verdict::Accepted,
        Some(SignInOutcome::Wrong) => Verdict::Refused,
        Some(_) => Verdict::Throttled,
        None => Verdict::Lost,
    }
}

impl Clients {
    /// Some of the people, stored.
    pub(crate) fn new(net: &mut Net, store: &Store) -> Self {
        let mut chosen: Vec<_> = people::enrolled().iter().collect();
        chosen.shuffle(&mut net.rng);
        chosen.truncate(rand::RngExt::random_range(&mut net.rng, 3..=5));
        let mut humans = Vec::new();
        for one in chosen {
            let puts = one.partition.items.iter().map(|(key, body)| Put { key: key.clone(), body: body.clone() });
            let outcome = RawValue::from_string("null".to_owned()).expect("JSON");
            let id = schema::AttemptId::from_bytes(net.random());
            store.commit(WriteSet {
                partition: PartitionKey::new(Kind::User, one.user),
                expected: None,
                first: one.partition.revision.expect("it is stored"),
                operation: Operation { id, digest: [0; 32], outcome },
                at: one.partition.operations.last().expect("it was committed").at,
                puts: puts.collect(),
                deletes: Vec::new(),
                partition_expires_at: None,
                note_dirty: false,
            });
            net.users.push(one.user);
            humans.push(Human {
                user: one.user,
                totp_seed: one.totp_seed,
                passwords: vec![one.password],
                backup: (0..BACKUP_CODES).map(|index| people::backup_code(one.password, index)).collect(),
                sessions: Vec::new(),
                codes: Vec::new(),
                families: Vec::new(),
                carried: Carried::default(),
                ending: 0,
                ended_at: 0,
            });
        }
        let client = "c_simulated".parse().expect("an id");
        let clocks_differ = 2 * node::OFF_BY.unsigned_abs();
        let story = Story { clocks_differ, ..Story::default() };
        Self { story, people: humans, client, guessing: None, sent: BTreeMap::new(), numbers: 1_000 }
    }

    pub(crate) const fn number(&mut self) -> usize {
        self.numbers += 1;
        self.numbers
    }

    /// Sends a request that is begun at this time, and what it is for.
    pub(crate) fn send(
        &mut self,
        net: &mut Net,
        (node, from): (NodeIx, u64),
        (person, attempt): (Person, Attempt),
        (what, purpose): (What, Purpose),
    ) {
        let request = net.number();
        net.log(|| format!("request {request} of person {person} to node {node} from {from}: {purpose:?}"));
        let asked = Asked { request, person, attempt: attempt.clone(), edge: node::name(node), what };
        net.ask_node(node, from, Rc::new(asked));
        self.sent.insert(request, Sent { person, node, from, attempt, purpose });
    }

    /// Sends a command that no hash comes before.
    pub(crate) fn command(
        &mut self,
        net: &mut Net,
        (node, from): (NodeIx, u64),
        person: Person,
        (body, purpose): (impl Into<Body>, Purpose),
    ) {
        let attempt = people::attempt(&mut net.rng);
        let delivery = Delivery { attempt: attempt.clone(), edge: node::name(node), body: body.into() };
        self.send(net, (node, from), (person, attempt), (What::Command(Rc::new(delivery)), purpose));
    }

    /// Something is done that may end these.
    pub(crate) fn doubt(&mut self, person: Person, session: impl Fn(usize) -> bool, family: impl Fn(usize) -> bool) {
        let human = &mut self.people[person];
        for known in human.sessions.iter_mut().filter(|known| session(known.n)) {
            (known.doubtful, known.touched) = (true, known.touched + 1);
        }
        for known in human.families.iter_mut().filter(|known| family(known.n)) {
            (known.doubtful, known.touched) = (true, known.touched + 1);
        }
    }

    pub(crate) fn session_subjects(person: Person, known: &Known<Browser>) -> Vec<Subject> {
        vec![Subject::Person(person), Subject::Session(known.n), Subject::Password(known.what.password)]
    }

    fn family_subjects(person: Person, known: &Known<Tokens>) -> Vec<Subject> {
        let what = &known.what;
        let mut subjects = vec![Subject::Person(person), Subject::Family(known.n), Subject::Password(what.password)];
        subjects.extend((!what.offline).then_some(Subject::Session(what.session)));
        subjects
    }

    /// A request was answered, or its client gave up.
    pub(crate) fn answered(&mut self, net: &mut Net, nodes: usize, request: u64, outcome: Option<&RawValue>) {
        let Some(sent) = self.sent.remove(&request) else { return };
        match &sent.purpose {
            Purpose::First { .. } | Purpose::Second { .. } | Purpose::Guess(_) => {
                self.proved(net, nodes, &sent, outcome);
            }
            Purpose::Send { .. } => self.was_sent(net, nodes, &sent, outcome),
            Purpose::Trusted { .. } => self.came_back(net, &sent, outcome),
            Purpose::Session(n) => {
                let alive = outcome.map(|outcome| people::read::<CheckSession>(outcome).is_some());
                self.session_shown(net, &sent, *n, verdict(alive));
            }
            Purpose::Authorize { .. } => self.authorized(net, &sent, outcome),
            Purpose::Redeem(_) | Purpose::Refresh { .. } => self.granted(net, &sent, outcome),
            Purpose::Token(n) => {
                let alive = outcome.map(|outcome| people::read::<CheckToken>(outcome).is_some());
                self.family_shown(net, &sent, (Secret::Token(*n), *n), verdict(alive));
            }
            Purpose::LogOut(_) | Purpose::RevokeToken(_) | Purpose::Disable | Purpose::Change { .. } => {
                self.ended(net, nodes, sent, outcome);
            }
        }
    }

    pub(crate) fn shown(
        &mut self,
        net: &Net,
        sent: &Sent,
        (secret, subjects): (Secret, Vec<Subject>),
        verdict: Verdict,
    ) {
        let at = Interval { from: sent.from, to: net.now };
        self.story.shown.push(Shown { secret, subjects, at, node: sent.node, verdict });
    }

    pub(crate) fn session_shown(&mut self, net: &Net, sent: &Sent, n: usize, verdict: Verdict) {
        let known = self.people[sent.person].sessions.iter().find(|known| known.n == n);
        let subjects = known.map(|known| Self::session_subjects(sent.person, known)).unwrap_or_default();
        self.shown(net, sent, (Secret::Session(n), subjects), verdict);
    }

    pub(crate) fn family_shown(&mut self, net: &Net, sent: &Sent, (secret, n): (Secret, usize), verdict: Verdict) {
        let known = self.people[sent.person].families.iter().find(|known| known.n == n);
        let subjects = known.map(|known| Self::family_subjects(sent.person, known)).unwrap_or_default();
        self.shown(net, sent, (secret, subjects), verdict);
    }

    fn proved(&mut self, net: &mut Net, nodes: usize, sent: &Sent, outcome: Option<&RawValue>) {
        let read: fn(&RawValue) -> SignInOutcome = match sent.purpose {
            Purpose::Second { secret: Secret::Sent(_), .. } => {
                |told| proofs::of_sent(people::read::<VerifySentCode>(told))
            }
            Purpose::Second { secret: Secret::Passkey(_), .. } => {
                |told| proofs::of_passkey(people::read::<VerifyPasskey>(told))
            }
            _ => people::read::<VerifyTotp>,
        };
        let outcome = outcome.map(read);
        let (secret, password) = match &sent.purpose {
            Purpose::First { password, .. } => (Secret::Password(*password), Some(*password)),
            Purpose::Second { secret, password } => (*secret, Some(*password)),
            Purpose::Guess(guess) => (Secret::Guess(*guess), None),
            _ => return,
        };
        let subjects = password.map(|n| vec![Subject::Person(sent.person), Subject::Password(n)]).unwrap_or_default();
        self.shown(net, sent, (secret, subjects), of_sign_in(outcome.as_ref()));
        match (outcome, &sent.purpose) {
            (Some(SignInOutcome::SecondFactor { .. }), Purpose::First { password, login, second }) => {
                self.goes_on(net, nodes, (sent.person, *password, (**login).clone()), second.clone());
            }
            (Some(SignInOutcome::SignedIn(signed_in)), Purpose::Second { password, .. }) => {
                self.has_session((sent.person, sent.from), &sent.attempt, &signed_in, *password);
                if let Some(given) = &signed_in.trusted {
                    self.is_trusted(sent, given, *password);
                }
            }
            _ => {}
        }
    }

    fn has_session(&mut self, (person, from): (Person, u64), attempt: &Attempt, signed_in: &SignedIn, password: usize) {
        let what = Browser { session: people::session_ref(attempt, signed_in), password };
        let n = self.number();
        let human = &mut self.people[person];
        human.sessions.push(Known { n, what, doubtful: human.ending > 0 || from <= human.ended_at, touched: 0 });
    }

    fn ended(&mut self, net: &mut Net, nodes: usize, sent: Sent, outcome: Option<&RawValue>) {
        let person = sent.person;
        let mut revoked = |subject| self.story.revoked.push((subject, net.now));
        match sent.purpose {
            Purpose::LogOut(n) if outcome.is_some() => {
                revoked(Subject::Session(n));
                self.looks_everywhere(net, nodes, (person, n));
            }
            Purpose::RevokeToken(n) if outcome.is_some() => {
                revoked(Subject::Family(n));
                self.tries_token_everywhere(net, nodes, (person, n));
            }
            Purpose::Disable if outcome.is_some() => revoked(Subject::Person(person)),
            Purpose::Change { old, new, sessions } => {
                let outcome = outcome.map(people::read::<ChangePassword>);
                if let Some(ChangePasswordOutcome::Changed(_)) = &outcome {
                    revoked(Subject::Password(old));
                    // The one that goes on does so under a new secret.
                    for n in &sessions {
                        revoked(Subject::Session(*n));
                    }
                }
                self.doubt(person, |_| true, |_| true);
                if outcome.is_some() {
                    self.people[person].ending -= 1;
                    self.people[person].ended_at = net.now;
                }
                if let Some(ChangePasswordOutcome::Changed(signed_in)) = outcome {
                    self.has_session((person, sent.from), &sent.attempt, &signed_in, new);
                    // It goes on under its old id, which a request from before may end.
                    self.doubt(person, |_| true, |_| false);
                    if let Some(n) = sessions.first() {
                        self.looks_everywhere(net, nodes, (person, *n));
                    }
                    self.tries_password_everywhere(net, nodes, (person, old));
                    self.people[person].passwords.push(new);
                } else if outcome.is_none() {
                    self.people[person].passwords.push(new);
                }
            }
            _ => {}
        }
    }
}
