//! A node: the real authority and keeper, and for each key a model of its actor, which does one thing after another.

use std::collections::{BTreeMap, VecDeque};

use cluster::{Authority, Generation, Keeper, Member, NodeId, Role, Route, Tenure, View, placement};
use rand::RngExt;

use crate::{
    ack::Ack,
    store::{Answer, Ask},
    world::{Broken, Event, Key, Net, NodeIx, Note, Op},
};

/// How long a node waits for the view, for the store, and for another node, in milliseconds.
const VIEW_TIMEOUT: u64 = 300;
pub(crate) const STORE_TIMEOUT: u64 = 1_000;
pub(crate) const CALL_TIMEOUT: u64 = 400;

/// What an actor has to do.
#[derive(Clone, Debug)]
enum Job {
    Serve { op: Op, back: Option<(NodeIx, u64)> },
    Invalidate { from: NodeIx, call: u64 },
}

/// The owner of one key: what it has in memory, and its mailbox.
#[derive(Debug, Default)]
struct Actor {
    cached: Option<(u64, Tenure)>,
    /// What it works at, with the tenure taken before the store was asked, and how often it has tried.
    busy: Option<(Job, Option<Tenure>, u32)>,
    mailbox: VecDeque<Job>,
}

/// Whom an answer is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pending {
    View {
        began: u64,
        ack: Option<Ack>,
    },
    Replace(Option<Ack>),
    Actor(Key),
    Call(Op),
    Invalidate(Ack),
    /// Only time is waited for.
    Quiet(Ack),
}

pub(crate) struct Node {
    pub(crate) ix: NodeIx,
    pub(crate) generation: u64,
    /// It does not see the terms of members, and writes back what it does not see.
    pub(crate) is_old: bool,
    pub(crate) authority: Authority,
    pub(crate) keeper: Keeper,
    pub(crate) is_down: bool,
    pub(crate) paused_until: Option<u64>,
    pub(crate) live_count: usize,
    pub(crate) pending: BTreeMap<u64, Pending>,
    /// When the newest successful read of the view began.
    read_began: u64,
    is_reading: bool,
    next_read: u64,
    actors: [Actor; 4],
}

pub(crate) fn name(ix: NodeIx) -> NodeId {
    format!("n{ix}").parse().expect("a name")
}

pub(crate) fn index(member: &Member) -> NodeIx {
    member.node.as_str()[1..].parse().expect("a number")
}

pub(crate) fn bytes(key: Key) -> [u8; 1] {
    [u8::try_from(key).expect("few keys")]
}

impl Node {
    pub(crate) fn new(ix: NodeIx, generation: u64, is_old: bool) -> Self {
        let roles = vec![Role::Http, Role::Actors];
        let (node, start) = (name(ix), Generation(generation));
        let me = Member {
            node,
            generation: start,
            roles,
            address: "".into(),
            level: 0,
            draining: false,
            term: u64::from(!is_old),
        };
        let mut keeper = Keeper::new(me);
        keeper.ready();
        Self {
            ix,
            generation,
            is_old,
            authority: Authority::member(name(ix), start),
            keeper,
            is_down: false,
            paused_until: None,
            live_count: 0,
            pending: BTreeMap::new(),
            read_began: 0,
            is_reading: false,
            next_read: 0,
            actors: Default::default(),
        }
    }

    pub(crate) const fn me(&self) -> (NodeIx, u64) {
        (self.ix, self.generation)
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
            Event::Begin(op) => self.begin(net, op),
            Event::ClockJump => self.authority.unsettle(net.instant()),
        }
    }

    /// Remembers what is waited for, and how long.
    pub(crate) fn wait(&mut self, net: &mut Net, number: u64, pending: Pending, timeout: u64) {
        self.pending.insert(number, pending);
        net.later(self.me(), net.now + timeout, Event::Timer(number));
    }

    fn read_view(&mut self, net: &mut Net) {
        if !self.is_reading {
            self.is_reading = true;
            let request = net.ask(self.me(), Ask::ReadView);
            self.wait(net, request, Pending::View { began: net.now, ack: None }, VIEW_TIMEOUT);
        }
    }

    fn read_again(&mut self, net: &mut Net, at: u64) {
        self.is_reading = false;
        self.next_read = at;
        net.later(self.me(), at, Event::Read);
    }

    fn answered(&mut self, net: &mut Net, pending: Pending, answer: Answer) {
        match (pending, answer) {
            (Pending::View { began, ack }, Answer::View(view)) => {
                let taken = self.observe(net, &view, began);
                match ack {
                    Some(ack) if taken => self.judge(net, ack),
                    Some(ack) => self.acknowledge_again(net, ack),
                    None if taken => self.keep(net, &view),
                    None => self.read_again(net, net.now + 100),
                }
            }
            (Pending::Replace(None), Answer::Replaced(_)) => self.read_again(net, net.now),
            (Pending::Replace(Some(ack)), Answer::Replaced(applied)) => self.renewed(net, ack, applied),
            (Pending::Actor(key), Answer::Loaded(revision)) => self.loaded(net, key, revision),
            (Pending::Actor(key), Answer::Committed(revision)) => self.committed(net, key, revision),
            (pending, answer) => panic!("{answer:?} for {pending:?}"),
        }
    }

    fn timed_out(&mut self, net: &mut Net, pending: Pending) {
        match pending {
            Pending::View { ack: Some(ack), .. } | Pending::Replace(Some(ack)) => self.acknowledge_again(net, ack),
            Pending::View { ack: None, .. } | Pending::Replace(None) => {
                let at = net.now + net.rng.random_range(100..150);
                self.read_again(net, at);
            }
            // What became of it is not known: nothing is kept.
            Pending::Actor(key) => {
                let actor = &mut self.actors[key];
                (actor.cached, actor.busy) = (None, None);
                self.work(net, key);
            }
            Pending::Call(op) => self.serve_elsewhere(net, op),
            Pending::Invalidate(ack) => self.renew(net, ack),
            Pending::Quiet(ack) => net.acknowledge(ack.key, ack.revision),
        }
    }

    /// Says whether the view was taken, which it is unless it is older than what is known.
    fn observe(&mut self, net: &Net, view: &View, began: u64) -> bool {
        let mut view = view.clone();
        if self.is_old || net.is(Broken::NoTerms) {
            view.members.iter_mut().for_each(|member| member.term = 0);
        }
        let taken = self.authority.observe(view, net.at(began), net.instant());
        if taken {
            self.read_began = self.read_began.max(began);
        }
        taken
    }

    fn keep(&mut self, net: &mut Net, view: &View) {
        let live = net.live(self.ix, self.keeper.me());
        let verdict = self.keeper.consider(view, &live, net.instant());
        if let Some(proposal) = verdict.proposal {
            net.log(|| format!("node {} proposes {:?} for epoch {}", self.ix, proposal.reason, proposal.next.epoch));
            let ask = Ask::ReplaceView { expected: view.epoch, next: proposal.next };
            let request = net.ask(self.me(), ask);
            self.wait(net, request, Pending::Replace(None), STORE_TIMEOUT);
        } else {
            let regular = net.now + net.rng.random_range(900..1_000);
            let again_at = verdict.again_at.map_or(regular, |at| net.ms(at).max(net.now).min(regular));
            self.read_again(net, again_at);
        }
    }

    fn begin(&mut self, net: &mut Net, op: Op) {
        match self.authority.route(&bytes(op.key)) {
            Route::Remote(owner) => self.call(net, op, index(&owner), false),
            Route::Local | Route::Nowhere => self.serve(net, op, None),
        }
    }

    fn call(&mut self, net: &mut Net, op: Op, to: NodeIx, in_place: bool) {
        let call = net.number();
        net.send(self.ix, to, Note::Serve { op, in_place, call });
        if in_place {
            return;
        }
        self.wait(net, call, Pending::Call(op), CALL_TIMEOUT);
    }

    /// The owner does not answer, or is none: any other serves in its place.
    fn serve_elsewhere(&mut self, net: &mut Net, op: Op) {
        let view = self.authority.view();
        let order = placement::order(&view, &bytes(op.key));
        let at = net.rng.random_range(0..=order.len());
        match order.get(at).copied().map(index).filter(|ix| *ix != self.ix) {
            Some(other) => self.call(net, op, other, true),
            None => self.serve(net, op, None),
        }
    }

    fn noted(&mut self, net: &mut Net, from: NodeIx, note: Note) {
        match note {
            Note::Serve { op, in_place, call } => {
                if in_place || self.authority.route(&bytes(op.key)) == Route::Local {
                    self.serve(net, op, Some((from, call)));
                } else {
                    net.send(self.ix, from, Note::Served { call, moved: true });
                }
            }
            Note::Served { call, moved } => {
                if let Some(Pending::Call(op)) = self.pending.remove(&call)
                    && moved
                {
                    self.serve_elsewhere(net, op);
                }
            }
            Note::Invalidate { key, call } => {
                self.actors[key].mailbox.push_back(Job::Invalidate { from, call });
                self.work(net, key);
            }
            Note::Invalidated { call } => {
                if let Some(Pending::Invalidate(ack)) = self.pending.remove(&call) {
                    self.wait_until_quiet(net, ack);
                }
            }
        }
    }

    fn serve(&mut self, net: &mut Net, op: Op, back: Option<(NodeIx, u64)>) {
        self.actors[op.key].mailbox.push_back(Job::Serve { op, back });
        self.work(net, op.key);
    }

    /// The actor does what is next, as long as that needs no store.
    fn work(&mut self, net: &mut Net, key: Key) {
        while self.actors[key].busy.is_none() {
            let Some(job) = self.actors[key].mailbox.pop_front() else { return };
            match job {
                Job::Invalidate { from, call } => {
                    self.actors[key].cached = None;
                    net.send(self.ix, from, Note::Invalidated { call });
                }
                Job::Serve { op, back } if op.revokes => self.write(net, op, back, 0),
                Job::Serve { op, back } => self.read(net, op, back),
            }
        }
    }

    fn read(&mut self, net: &mut Net, op: Op, back: Option<(NodeIx, u64)>) {
        if let Some((revision, tenure)) = self.actors[op.key].cached
            && self.trusts(net, op.key, tenure)
        {
            let began = if net.is(Broken::NoFreshness) { net.now } else { self.read_began };
            net.answer(self.ix, op, revision, Some(began));
            self.answer_back(net, back);
        } else {
            self.ask_store(net, Job::Serve { op, back }, op.key, (Ask::Load(op.key), 0));
        }
    }

    fn trusts(&self, net: &Net, key: Key, tenure: Tenure) -> bool {
        let (key, now) = (bytes(key), net.instant());
        match net.broken {
            Some(Broken::NoTenure) => self.authority.owns(&key).is_some_and(|t| self.authority.trusts(&key, t, now)),
            Some(Broken::NoFreshness) => self.authority.owns(&key) == Some(tenure),
            _ => self.authority.trusts(&key, tenure, now),
        }
    }

    fn write(&mut self, net: &mut Net, op: Op, back: Option<(NodeIx, u64)>, tries: u32) {
        let ask = match self.actors[op.key].cached {
            Some((expected, _)) => Ask::Commit { key: op.key, expected },
            None => Ask::Load(op.key),
        };
        self.ask_store(net, Job::Serve { op, back }, op.key, (ask, tries));
    }

    fn ask_store(&mut self, net: &mut Net, job: Job, key: Key, (ask, tries): (Ask, u32)) {
        let tenure = self.authority.owns(&bytes(key));
        self.actors[key].busy = Some((job, tenure, tries));
        let request = net.ask(self.me(), ask);
        self.wait(net, request, Pending::Actor(key), STORE_TIMEOUT);
    }

    fn loaded(&mut self, net: &mut Net, key: Key, revision: u64) {
        let Some((Job::Serve { op, back }, tenure, tries)) = self.actors[key].busy.take() else { return };
        self.actors[key].cached = tenure.map(|tenure| (revision, tenure));
        if op.revokes {
            let ask = Ask::Commit { key, expected: revision };
            return self.ask_store(net, Job::Serve { op, back }, key, (ask, tries));
        }
        net.answer(self.ix, op, revision, None);
        self.answer_back(net, back);
        self.work(net, key);
    }

    fn committed(&mut self, net: &mut Net, key: Key, revision: Option<u64>) {
        let Some((Job::Serve { op, back }, tenure, tries)) = self.actors[key].busy.take() else { return };
        let Some(revision) = revision else {
            self.actors[key].cached = None;
            if tries < 3 {
                return self.write(net, op, back, tries + 1);
            }
            return self.work(net, key);
        };
        net.log(|| format!("node {} commits key {key} revision {revision}, tenure {tenure:?}", self.ix));
        net.outcome.revocations += 1;
        self.actors[key].cached = tenure.map(|tenure| (revision, tenure));
        self.begin_acknowledging(net, Ack { key, revision, tries: 0 });
        self.answer_back(net, back);
        self.work(net, key);
    }

    fn answer_back(&self, net: &mut Net, back: Option<(NodeIx, u64)>) {
        if let Some((to, call)) = back {
            net.send(self.ix, to, Note::Served { call, moved: false });
        }
    }
}
