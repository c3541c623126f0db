//! A node: the real authority and keeper, the accounts that it serves, the requests that came to it, and whom each answer
//! that it waits for is for. A function of what comes to it: it does no I/O, and is told the time.

use std::{collections::BTreeMap, rc::Rc};

use actors::{
    account::may_be_said,
    call::CallError,
    domain::context::{Attempt, Context},
    vault::Vault,
};
use cluster::{Authority, Generation, Keeper, Member, NodeId, Role, View};
use rand::RngExt;
use schema::{Revision, Timestamp};
use serde_json::value::RawValue;

use crate::{
    account::{Account, Work},
    acknowledge::Ack,
    broken::Broken,
    edge::{Asked, Route},
    store::{Answer, Ask},
    world::{Event, Net, NodeIx, Person},
};

/// How long a node waits for the view and for the store, in milliseconds.
const VIEW_TIMEOUT: u64 = 300;
pub(crate) const STORE_TIMEOUT: u64 = 1_000;
/// How far a node's clock may be off.
pub(crate) const OFF_BY: i64 = 4_000;

/// What one node sends to another.
#[derive(Debug)]
pub(crate) enum Note {
    Serve { asked: Rc<Asked>, first_sent_at: Option<Timestamp>, in_place: bool, deadline: u64, call: u64 },
    Served { call: u64, told: Told },
    Invalidate { person: Person, revision: Revision, generation: Generation, call: u64 },
    Invalidated { call: u64, dropped: bool },
}

/// What became of a request that another node served.
#[derive(Debug)]
pub(crate) enum Told {
    Answered(Result<Box<RawValue>, CallError>),
    /// It is not the owner by its own view.
    Moved,
    Suspended,
}

/// What an answer, or only time, is waited for.
#[derive(Debug)]
pub(crate) enum Pending {
    /// The regular read of the view, which began then.
    View(u64),
    Replace,
    /// The store, or time, for this account.
    Account(Person),
    /// A hash, as long as it is computed.
    Hash(Box<Work>),
    /// Another node, which serves this request.
    Call(Route),
    /// The view, before this request is sent on.
    Reroute(Route, u64),
    /// The end of a client's patience.
    Patience(u64),
    /// A step on the way to an acknowledgement.
    Ack(Box<Ack>),
}

pub(crate) struct Node {
    pub(crate) ix: NodeIx,
    pub(crate) generation: u64,
    pub(crate) authority: Authority,
    pub(crate) keeper: Keeper,
    pub(crate) is_down: bool,
    pub(crate) paused_until: Option<u64>,
    pub(crate) live_count: usize,
    /// By how much its clock is off.
    pub(crate) clock_off: i64,
    pub(crate) accounts: Vec<Account>,
    /// Requests of clients that were not answered yet.
    pub(crate) open: BTreeMap<u64, Rc<Asked>>,
    pending: BTreeMap<u64, Pending>,
    is_reading: bool,
    next_read: u64,
}

pub(crate) fn name(ix: NodeIx) -> NodeId {
    format!("n{ix}").parse().expect("a name")
}

pub(crate) fn index(member: &Member) -> NodeIx {
    member.node.as_str()[1..].parse().expect("a number")
}

/// What a decision is handed on this node.
pub(crate) fn context<'a>(net: &'a Net, vault: &'a Vault, now: Timestamp, attempt: &'a Attempt) -> Context<'a> {
    Context { now, attempt, vault, entropy: &net.entropy, settings: &net.settings }
}

impl Node {
    pub(crate) fn new(net: &mut Net, (ix, generation): (NodeIx, u64), people: usize) -> Self {
        let roles = vec![Role::Http, Role::Actors];
        let (node, start) = (name(ix), Generation(generation));
        let me = Member { node, generation: start, roles, address: "".into(), level: 0, draining: false, term: 1 };
        let mut keeper = Keeper::new(me);
        keeper.ready();
        Self {
            ix,
            generation,
            authority: Authority::member(name(ix), start),
            keeper,
            is_down: false,
            paused_until: None,
            live_count: 0,
            clock_off: net.rng.random_range(-OFF_BY..=OFF_BY),
            accounts: (0..people).map(|person| Account::new(net.users[person])).collect(),
            open: BTreeMap::new(),
            pending: BTreeMap::new(),
            is_reading: false,
            next_read: 0,
        }
    }

    pub(crate) const fn me(&self) -> (NodeIx, u64) {
        (self.ix, self.generation)
    }

    /// What its clock shows.
    pub(crate) fn wall(&self, net: &Net) -> Timestamp {
        Timestamp::from_millis(net.wall().as_millis() + self.clock_off)
    }

    /// Which member it is, and which start of it.
    pub(crate) fn is(&self, member: &Member) -> bool {
        member.node == *self.authority.me() && member.generation == self.authority.generation()
    }

    pub(crate) fn handle(&mut self, net: &mut Net, event: Event) {
        match event {
            Event::Read if net.now < self.next_read => {}
            Event::Read | Event::LiveChanged => self.read_view(net),
            Event::Timer(number) => {
                if let Some(pending) = self.pending.remove(&number) {
                    self.timed_out(net, pending);
                }
            }
            Event::Answer { request, answer } => {
                if let Some(pending) = self.pending.remove(&request) {
                    self.answered(net, pending, answer);
                }
            }
            Event::Note { from, note } => self.noted(net, from, note),
            Event::Begin(asked) => self.begin(net, asked),
            Event::ClockJump => self.authority.unsettle(net.instant()),
        }
    }

    /// Remembers what is waited for, and how long.
    pub(crate) fn wait(&mut self, net: &mut Net, number: u64, pending: Pending, timeout: u64) {
        self.pending.insert(number, pending);
        net.later(self.me(), net.now + timeout, Event::Timer(number));
    }

    /// Waits for nothing but time.
    pub(crate) fn wait_for(&mut self, net: &mut Net, pending: Pending, span: u64) {
        let number = net.number();
        self.wait(net, number, pending, span);
    }

    pub(crate) fn ask_view(&mut self, net: &mut Net, pending: Pending) {
        let request = net.ask(self.me(), Ask::ReadView);
        self.wait(net, request, pending, VIEW_TIMEOUT);
    }

    fn answered(&mut self, net: &mut Net, pending: Pending, answer: Answer) {
        match (pending, answer) {
            (Pending::View(began), Answer::View(view)) => {
                if self.observe(net, &view, began) {
                    self.keep(net, &view);
                } else {
                    self.read_again(net, net.now + 100);
                }
            }
            (Pending::Replace, Answer::Replaced) => self.read_again(net, net.now),
            (Pending::Account(person), answer) => self.store_told(net, person, answer),
            (Pending::Ack(ack), answer) => self.acknowledge(net, *ack, Some(answer)),
            (Pending::Reroute(route, began), Answer::View(view)) => {
                self.observe(net, &view, began);
                self.route_on(net, route);
            }
            (pending, _) => self.timed_out(net, pending),
        }
    }

    fn timed_out(&mut self, net: &mut Net, pending: Pending) {
        match pending {
            Pending::View(_) | Pending::Replace => {
                let at = net.now + net.rng.random_range(100..150);
                self.read_again(net, at);
            }
            Pending::Account(person) => self.store_silent(net, person),
            Pending::Hash(work) => self.hashed(net, *work),
            Pending::Call(route) => self.call_lost(net, route),
            Pending::Reroute(route, _) => self.route_on(net, route),
            Pending::Patience(request) => {
                if self.open.remove(&request).is_some() {
                    net.answers.push((request, None));
                }
            }
            Pending::Ack(ack) => self.acknowledge(net, *ack, None),
        }
    }

    fn noted(&mut self, net: &mut Net, from: NodeIx, note: Note) {
        match note {
            Note::Serve { asked, first_sent_at, in_place, deadline, call } => {
                self.serve_peer(net, (asked, first_sent_at, deadline), in_place, (from, call));
            }
            Note::Served { call, told } => {
                if let Some(Pending::Call(route)) = self.pending.remove(&call) {
                    self.call_told(net, route, told);
                }
            }
            Note::Invalidate { person, revision, generation, call } => {
                if generation == self.authority.generation() {
                    self.invalidate(net, person, revision, (from, call));
                } else {
                    net.send(self.ix, from, Note::Invalidated { call, dropped: false });
                }
            }
            Note::Invalidated { call, dropped } => {
                if let Some(Pending::Ack(ack)) = self.pending.remove(&call) {
                    self.told_owner(net, *ack, dropped);
                }
            }
        }
    }

    fn read_view(&mut self, net: &mut Net) {
        if !self.is_reading {
            self.is_reading = true;
            self.ask_view(net, Pending::View(net.now));
        }
    }

    fn read_again(&mut self, net: &mut Net, at: u64) {
        self.is_reading = false;
        self.next_read = at;
        net.later(self.me(), at, Event::Read);
    }

    /// Says whether the view was taken, which it is unless it is older than what is known.
    pub(crate) fn observe(&self, net: &Net, view: &View, began: u64) -> bool {
        self.authority.observe(view.clone(), net.at(began), net.instant())
    }

    fn keep(&mut self, net: &mut Net, view: &View) {
        let live = net.live(self.ix, self.keeper.me());
        let verdict = self.keeper.consider(view, &live, net.instant());
        if let Some(proposal) = verdict.proposal {
            net.log(|| format!("node {} proposes {:?} for epoch {}", self.ix, proposal.reason, proposal.next.epoch));
            let ask = Ask::ReplaceView { expected: view.epoch, next: proposal.next };
            let request = net.ask(self.me(), ask);
            self.wait(net, request, Pending::Replace, STORE_TIMEOUT);
        } else {
            let regular = net.now + net.rng.random_range(900..1_000);
            let again_at = verdict.again_at.map_or(regular, |at| net.ms(at).max(net.now).min(regular));
            self.read_again(net, again_at);
        }
    }

    /// Answers a client of this node, if it has not given up.
    pub(crate) fn answer(&mut self, net: &mut Net, request: u64, outcome: Result<Box<RawValue>, CallError>) {
        if self.open.remove(&request).is_some() {
            net.log(|| format!("node {} answers request {request}: {outcome:?}", self.ix));
            net.counts.answers += u64::from(outcome.is_ok());
            net.answers.push((request, outcome.ok()));
        }
    }

    /// May it say this from what it holds of this person?
    pub(crate) fn may_say(&self, net: &Net, person: Person, misses: bool, asked_at: u64) -> bool {
        let memory = &self.accounts[person].memory;
        let held = (memory.tenure, memory.current_at.map(|at| net.at(at)));
        let times = (net.at(asked_at), net.instant());
        let misses = || misses && !net.is(Broken::SaysWhatIsMissing);
        net.is(Broken::TrustsWhateverItHas) || may_be_said(&self.authority, net.users[person], held, misses, times)
    }
}
