//! The owner of one person on one node, as `actors/src/account/actor.rs` has it: one thing after another, each a chain of
//! steps between which the store is asked. The decisions, the write set, the look into the ring, the judgement of an unknown
//! outcome and the trust in memory are the product's own functions.

use std::{
    collections::{BTreeSet, VecDeque},
    rc::Rc,
};

use actors::{
    account::{Delivery, Terms, event_key, write_set},
    call::CallError,
    domain::{
        command::{Decide as _, Decision, JudgeBackupCode, JudgePassword},
        user::{Areas, User},
    },
};
use cluster::Tenure;
use schema::{Commit, EVENT_PREFIX, Partition, Revision, Timestamp, UserId, WriteSet};
use serde_json::value::RawValue;

use crate::{
    broken::{self, Broken},
    edge::{Asked, What},
    node::{Node, Note, Pending, STORE_TIMEOUT, context},
    people,
    store::{Answer, Ask},
    world::{Net, NodeIx, Person},
};

/// Whom an answer is for: a client of this node, or another node.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Back {
    Here(u64),
    There { node: NodeIx, call: u64 },
}

/// Where a hash comes before the command there are three.
#[derive(Clone, Debug)]
pub(crate) enum Phase {
    /// Did an earlier delivery come to something?
    Recall,
    /// What is to be hashed against?
    Reserve,
    Decide(Rc<Delivery>),
}

/// A request that is served here.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    pub(crate) asked: Rc<Asked>,
    pub(crate) back: Back,
    /// Set when it was sent before with an unknown fate.
    pub(crate) first_sent_at: Option<Timestamp>,
    /// The answer must be true then or later.
    pub(crate) asked_at: u64,
    pub(crate) deadline: u64,
    pub(crate) phase: Phase,
}

#[derive(Debug)]
enum Job {
    Work(Work),
    Invalidate { from: NodeIx, call: u64, revision: Revision },
}

/// Why the ring is looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// The delivery is a repeated one.
    Repeated,
    /// A commit lost against another one.
    Conflict,
    /// A commit was made, as the ring told.
    Recorded,
}

/// A decision that is being committed.
#[derive(Debug)]
pub(crate) struct Committing {
    pub(crate) write: WriteSet,
    pub(crate) decision: Decision<Box<RawValue>>,
    now: Timestamp,
    /// While its outcome is looked for: the round, and when to give up.
    pub(crate) round: u32,
    pub(crate) until: u64,
}

/// What the account waits for.
#[derive(Debug)]
pub(crate) enum Step {
    Ring(Why),
    /// Before the ring is looked into after a conflict.
    Pause,
    Load(Areas),
    Validate(Box<RawValue>),
    Commit(Box<Committing>),
    /// The outcome of the commit is unknown: the partition is read.
    Resolve(Box<Committing>),
    /// It may still land: the revision is moved.
    Barrier(Box<Committing>),
    /// Between two rounds.
    Rest(Box<Committing>),
}

#[derive(Debug)]
pub(crate) struct Busy {
    pub(crate) work: Work,
    pub(crate) step: Step,
    pub(crate) conflicts: u32,
    /// As of when the store was asked.
    pub(crate) tenure: Option<Tenure>,
    pub(crate) began: u64,
}

/// What is held of the person.
pub(crate) struct Memory {
    pub(crate) user: User,
    pub(crate) tenure: Option<Tenure>,
    pub(crate) current_at: Option<u64>,
    committed_at: Timestamp,
    /// Event items to be removed; the simulated shipper ships at once.
    shipped: BTreeSet<Box<str>>,
}

pub(crate) struct Account {
    pub(crate) memory: Memory,
    pub(crate) busy: Option<Busy>,
    mailbox: VecDeque<Job>,
}

impl Account {
    pub(crate) fn new(user: UserId) -> Self {
        let user = User::unloaded(user);
        let committed_at = Timestamp::default();
        let memory = Memory { user, tenure: None, current_at: None, committed_at, shipped: BTreeSet::new() };
        Self { memory, busy: None, mailbox: VecDeque::new() }
    }
}

impl Memory {
    pub(crate) fn unload(&mut self) {
        self.user = User::unloaded(self.user.id);
        (self.tenure, self.current_at) = (None, None);
        self.shipped.clear();
    }

    fn absorb(&mut self, net: &mut Net, partition: &Partition, areas: Areas) {
        if self.user.areas.is_empty() {
            self.user = net.decode(self.user.id, partition, areas);
        } else {
            self.user.absorb(partition, areas).expect("what the rules wrote is readable");
        }
        if let Some(last) = partition.operations.iter().map(|operation| operation.at).max() {
            self.committed_at = self.committed_at.max(last);
        }
        let events = partition.items.keys().filter(|key| key.starts_with(EVENT_PREFIX));
        self.shipped.extend(events.cloned());
    }
}

impl Busy {
    fn delivery(&self) -> Rc<Delivery> {
        match &self.work.phase {
            Phase::Decide(delivery) => Rc::clone(delivery),
            Phase::Recall | Phase::Reserve => self.work.asked.delivery(people::no_credential(), 0, false),
        }
    }

    fn needs(&self) -> Areas {
        Areas::CORE
            | match (&self.work.phase, &self.work.asked.what) {
                (Phase::Decide(delivery), _) => delivery.body.needs(),
                (_, What::Backup(_)) => JudgeBackupCode::NEEDS,
                (_, _) => JudgePassword::NEEDS,
            }
    }
}

impl Node {
    pub(crate) fn take_on(&mut self, net: &mut Net, work: Work) {
        let person = work.asked.person;
        self.accounts[person].mailbox.push_back(Job::Work(work));
        self.work(net, person);
    }

    pub(crate) fn invalidate(
        &mut self,
        net: &mut Net,
        person: Person,
        revision: Revision,
        (from, call): (NodeIx, u64),
    ) {
        self.accounts[person].mailbox.push_back(Job::Invalidate { from, call, revision });
        self.work(net, person);
    }

    /// The account does what is next, as long as it waits for nothing.
    fn work(&mut self, net: &mut Net, person: Person) {
        while self.accounts[person].busy.is_none() {
            let account = &mut self.accounts[person];
            // Who does not own it keeps nothing.
            if account.memory.tenure.is_none() && !net.is(Broken::TrustsWhateverItHas) {
                account.memory.unload();
            }
            let Some(job) = account.mailbox.pop_front() else { return };
            match job {
                Job::Invalidate { from, call, revision } => {
                    if account.memory.user.revision.is_none_or(|known| known < revision) {
                        account.memory.unload();
                    }
                    net.send(self.ix, from, Note::Invalidated { call, dropped: true });
                }
                Job::Work(work) => {
                    let decides = matches!(work.phase, Phase::Decide(_) | Phase::Recall);
                    let repeated = work.first_sent_at.is_some() && decides && !net.is(Broken::IgnoresTheRing);
                    let busy = Busy { work, step: Step::Pause, conflicts: 0, tenure: None, began: net.now };
                    if repeated {
                        self.look_into_the_ring(net, busy, Why::Repeated);
                    } else {
                        self.prepare(net, busy);
                    }
                }
            }
        }
    }

    /// Asks the store, and goes on when it has answered.
    pub(crate) fn ask_store(&mut self, net: &mut Net, mut busy: Busy, step: Step, ask: Ask) {
        let person = busy.work.asked.person;
        busy.tenure = self.authority.owns(net.users[person].as_bytes());
        (busy.step, busy.began) = (step, net.now);
        self.accounts[person].busy = Some(busy);
        let request = net.ask(self.me(), ask);
        self.wait(net, request, Pending::Account(person), STORE_TIMEOUT);
    }

    pub(crate) fn load(&mut self, net: &mut Net, busy: Busy, step: Step, areas: Areas) {
        let ask = Ask::Load { user: net.users[busy.work.asked.person], prefixes: areas.prefixes() };
        self.ask_store(net, busy, step, ask);
    }

    pub(crate) fn rest(&mut self, net: &mut Net, mut busy: Busy, step: Step, span: u64) {
        let person = busy.work.asked.person;
        busy.step = step;
        self.accounts[person].busy = Some(busy);
        self.wait_for(net, Pending::Account(person), span);
    }

    /// What is in memory may be from before an earlier delivery.
    pub(crate) fn look_into_the_ring(&mut self, net: &mut Net, busy: Busy, why: Why) {
        self.accounts[busy.work.asked.person].memory.unload();
        self.load(net, busy, Step::Ring(why), Areas::NONE);
    }

    pub(crate) fn store_silent(&mut self, net: &mut Net, person: Person) {
        let answer = match self.accounts[person].busy.as_ref().map(|busy| &busy.step) {
            Some(Step::Commit(_) | Step::Barrier(_)) => Answer::Unknown,
            _ => Answer::Unavailable,
        };
        self.store_told(net, person, answer);
    }

    pub(crate) fn store_told(&mut self, net: &mut Net, person: Person, answer: Answer) {
        let Some(mut busy) = self.accounts[person].busy.take() else { return };
        match (std::mem::replace(&mut busy.step, Step::Pause), answer) {
            (Step::Pause, _) => self.look_into_the_ring(net, busy, Why::Conflict),
            (Step::Rest(committing), _) => self.load(net, busy, Step::Resolve(committing), Areas::NONE),
            (Step::Ring(why), Answer::Loaded(partition)) => self.ring_told(net, busy, &partition, why),
            (Step::Load(areas), Answer::Loaded(partition)) => self.loaded(net, busy, &partition, areas),
            (Step::Validate(outcome), Answer::Loaded(partition)) => {
                let memory = &mut self.accounts[person].memory;
                if partition.revision == memory.user.revision {
                    (memory.tenure, memory.current_at) = (busy.tenure, Some(busy.began));
                    let revision = memory.user.revision;
                    self.outcome(net, busy.work, (outcome, revision), false);
                } else {
                    memory.unload();
                    busy.conflicts += 1;
                    self.try_again(net, busy);
                }
            }
            (Step::Commit(committing), Answer::Committed(Commit::Committed(revision))) => {
                self.committed(net, busy, *committing, revision);
            }
            (Step::Commit(_), Answer::Committed(Commit::Conflict)) => self.conflicted(net, busy),
            (Step::Commit(committing), Answer::Unknown) => self.unknown(net, busy, committing),
            (Step::Resolve(committing) | Step::Barrier(committing), answer) => {
                self.resolving(net, busy, committing, answer);
            }
            (Step::Commit(_), _) => self.unresolved(net, &busy.work),
            (_, _) => self.failed(net, &busy.work, CallError::Unavailable("the store".to_owned())),
        }
        self.work(net, person);
    }

    fn ring_told(&mut self, net: &mut Net, mut busy: Busy, partition: &Partition, why: Why) {
        let first_sent_at = busy.work.first_sent_at.filter(|_| why == Why::Repeated);
        let trace = busy.delivery().trace(net.users[busy.work.asked.person]);
        match trace.found_in(partition, first_sent_at) {
            Ok(Some((outcome, revision))) => {
                net.counts.recorded += 1;
                self.outcome(net, busy.work, (outcome, Some(revision)), false);
            }
            Ok(None) if why == Why::Recorded => {
                self.failed(net, &busy.work, CallError::Unavailable("the ring no longer tells".to_owned()));
            }
            Ok(None) => {
                if matches!(busy.work.phase, Phase::Recall) {
                    busy.work.phase = Phase::Reserve;
                }
                self.try_again(net, busy);
            }
            Err(error) => self.failed(net, &busy.work, error),
        }
    }

    /// Is there still somebody who waits, and is everything there?
    pub(crate) fn prepare(&mut self, net: &mut Net, busy: Busy) {
        if net.now >= busy.work.deadline {
            return self.failed(net, &busy.work, CallError::TimedOut);
        }
        let missing = busy.needs().without(self.accounts[busy.work.asked.person].memory.user.areas);
        if missing.is_empty() { self.prepared(net, busy) } else { self.load(net, busy, Step::Load(missing), missing) }
    }

    fn loaded(&mut self, net: &mut Net, busy: Busy, partition: &Partition, areas: Areas) {
        let memory = &mut self.accounts[busy.work.asked.person].memory;
        if areas.is_empty() {
            // A rule is left out: what was decided on is taken for what is there now.
            memory.user.revision = partition.revision;
            return self.try_again(net, busy);
        }
        if !memory.user.areas.is_empty() && partition.revision != memory.user.revision {
            memory.unload();
            let needs = busy.needs();
            return self.load(net, busy, Step::Load(needs), needs);
        }
        memory.absorb(net, partition, areas);
        (memory.tenure, memory.current_at) = (busy.tenure, Some(busy.began));
        if net.now >= busy.work.deadline {
            return self.failed(net, &busy.work, CallError::TimedOut);
        }
        self.prepared(net, busy);
    }

    fn prepared(&mut self, net: &mut Net, busy: Busy) {
        if self.authority.is_suspended() {
            return self.failed(net, &busy.work, CallError::Unreachable);
        }
        match &busy.work.phase {
            Phase::Decide(delivery) => {
                let delivery = Rc::clone(delivery);
                self.decide(net, busy, &delivery);
            }
            Phase::Recall | Phase::Reserve => self.reserve(net, busy.work),
        }
    }

    fn decide(&mut self, net: &mut Net, busy: Busy, delivery: &Delivery) {
        let person = busy.work.asked.person;
        let now = self.wall(net).max(self.accounts[person].memory.committed_at);
        let memory = &self.accounts[person].memory;
        let mut decision = {
            let cx = context(net, people::vault(), now, &delivery.attempt);
            let present = broken::of_the_present(net.broken, &delivery.body, &memory.user);
            present.as_ref().unwrap_or(&delivery.body).decide(&memory.user, &cx)
        };
        broken::leave_out(net.broken, &memory.user, &delivery.body, &mut decision);
        if decision.change.is_empty() && decision.events.is_empty() {
            return self.unwritten(net, busy, decision.outcome);
        }
        let first = Revision::first(u64::from_be_bytes(net.random()));
        let digest = delivery.digest(net.users[person]);
        let terms = Terms { attempt: &delivery.attempt, digest, now, first, shipped: &memory.shipped };
        let write = write_set(&memory.user, &mut decision, terms);
        if net.is(Broken::AnswersBeforeTheCommit) {
            self.respond(net, busy.work.back, Ok(decision.outcome.clone()));
        }
        let ask = Ask::Commit(Box::new(write.clone()));
        let committing = Committing { write, decision, now, round: 0, until: 0 };
        self.ask_store(net, busy, Step::Commit(Box::new(committing)), ask);
    }

    /// True only if what it was decided on is still so.
    fn unwritten(&mut self, net: &mut Net, busy: Busy, outcome: Box<RawValue>) {
        let person = busy.work.asked.person;
        let misses = busy.delivery().body.misses(&outcome);
        if self.may_say(net, person, misses, busy.work.asked_at) {
            let memory = &self.accounts[person].memory;
            let revision = memory.user.revision;
            net.counts.from_memory += u64::from(memory.current_at.is_some_and(|at| at < busy.work.asked_at));
            self.outcome(net, busy.work, (outcome, revision), false);
        } else {
            self.load(net, busy, Step::Validate(outcome), Areas::NONE);
        }
    }

    fn committed(&mut self, net: &mut Net, busy: Busy, committing: Committing, revision: Revision) {
        let person = busy.work.asked.person;
        net.counts.commits += 1;
        net.log(|| format!("node {} commits {revision:?} of {person}, tenure {:?}", self.ix, busy.tenure));
        let Committing { decision, now, .. } = committing;
        let memory = &mut self.accounts[person].memory;
        memory.user.apply(decision.change, revision);
        memory.shipped = (0..decision.events.len()).map(|n| event_key(revision, n)).collect();
        (memory.tenure, memory.current_at) = (busy.tenure, Some(busy.began));
        memory.committed_at = now;
        self.outcome(net, busy.work, (decision.outcome, Some(revision)), true);
    }
}
