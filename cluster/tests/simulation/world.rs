//! Time, the network and the checker.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    time::Duration,
};

use cluster::{BOUND, Member};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use tokio::time::Instant;

use crate::{
    faults::Fault,
    node::Node,
    store::{Answer, Ask, Store},
};

pub(crate) type Key = usize;
pub(crate) type NodeIx = usize;
/// How long one history is, in milliseconds.
const LENGTH: u64 = 30_000;
const GOSSIP_EVERY: u64 = 200;
/// Silence after which gossip finds a node dead.
const SILENCE: u64 = 1_000;

/// A rule that is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// Acknowledges without waiting until former owners have stopped trusting.
    NoQuiet,
    /// Acknowledges without telling the owner.
    NoInvalidate,
    /// Acknowledges by the view as it was known before the commit.
    NoViewRead,
    /// Trusts a record as if it had been loaded in the newest view.
    NoTenure,
    /// Trusts however long ago the view was read.
    NoFreshness,
    /// Does not wait after it has begun another term of an owner.
    NoWaitAfterRenewal,
    /// Trusts in a new term what it trusted in the one before.
    NoTerms,
    /// The store returns a former view after it has returned the new one.
    StaleReads,
}

impl Broken {
    pub(crate) const ALL: [Self; 8] = [
        Self::NoQuiet,
        Self::NoInvalidate,
        Self::NoViewRead,
        Self::NoTenure,
        Self::NoFreshness,
        Self::NoWaitAfterRenewal,
        Self::NoTerms,
        Self::StaleReads,
    ];
}

/// A request of a client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Op {
    pub(crate) key: Key,
    pub(crate) revokes: bool,
    /// When the client sent it.
    pub(crate) began: u64,
}

/// What one node sends to another.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Note {
    Serve {
        op: Op,
        in_place: bool,
        call: u64,
    },
    /// `moved`: it is not the owner by its own view.
    Served {
        call: u64,
        moved: bool,
    },
    Invalidate {
        key: Key,
        call: u64,
    },
    Invalidated {
        call: u64,
    },
}

#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// The steward's next read of the view.
    Read,
    /// Gossip says that another node lives or does not.
    LiveChanged,
    /// A timer that a node set, by the number of what it waits for.
    Timer(u64),
    Answer {
        request: u64,
        answer: Answer,
    },
    Note {
        from: NodeIx,
        note: Note,
    },
    Begin(Op),
    /// The clocks were compared, and one had jumped.
    ClockJump,
}

enum Happening {
    ToNode { node: NodeIx, generation: Option<u64>, event: Event },
    AtStore { node: NodeIx, generation: u64, request: u64, ask: Ask },
    Gossip,
    Client,
    Fault,
    Heal(Fault),
}

/// What was seen in one history, or in many.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) violation: Option<String>,
    pub(crate) answers: u64,
    pub(crate) from_memory: u64,
    pub(crate) revocations: u64,
    pub(crate) acknowledged: u64,
    pub(crate) epochs: u64,
}

impl Outcome {
    pub(crate) fn add(&mut self, other: &Self) {
        self.answers += other.answers;
        self.from_memory += other.from_memory;
        self.revocations += other.revocations;
        self.acknowledged += other.acknowledged;
        self.epochs += other.epochs;
    }
}

/// Whom a node hears, cannot reach, and suspects.
#[derive(Default)]
pub(crate) struct Links {
    pub(crate) heard: BTreeMap<(NodeIx, NodeIx), (u64, Member)>,
    pub(crate) cut: BTreeMap<(NodeIx, NodeIx), u64>,
    pub(crate) cut_from_store: BTreeMap<NodeIx, u64>,
    pub(crate) slow_store: BTreeMap<NodeIx, u64>,
    pub(crate) suspects: BTreeMap<(NodeIx, NodeIx), u64>,
}

/// Everything but the nodes' own state: what a node acts on.
pub(crate) struct Net {
    base: Instant,
    pub(crate) now: u64,
    pub(crate) rng: StdRng,
    pub(crate) broken: Option<Broken>,
    pub(crate) outcome: Outcome,
    pub(crate) links: Links,
    queue: BinaryHeap<Reverse<(u64, u64)>>,
    happenings: BTreeMap<u64, Happening>,
    numbers: u64,
    /// The newest acknowledged revision of each key, as of the times at which they were acknowledged.
    acknowledged: [Vec<(u64, u64)>; 4],
    verbose: bool,
    /// The longest pause between two requests: what is asked for often is validated often.
    pace: u64,
    keys: Key,
}

pub(crate) struct World {
    pub(crate) net: Net,
    pub(crate) nodes: Vec<Node>,
    store: Store,
}

impl Net {
    pub(crate) fn at(&self, ms: u64) -> Instant {
        self.base + Duration::from_millis(ms)
    }

    pub(crate) fn instant(&self) -> Instant {
        self.at(self.now)
    }

    pub(crate) fn ms(&self, instant: Instant) -> u64 {
        u64::try_from(instant.saturating_duration_since(self.base).as_millis()).unwrap_or(u64::MAX)
    }

    pub(crate) const fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    pub(crate) fn is(&self, broken: Broken) -> bool {
        self.broken == Some(broken)
    }

    fn schedule(&mut self, at: u64, happening: Happening) {
        let number = self.number();
        self.queue.push(Reverse((at, number)));
        self.happenings.insert(number, happening);
    }

    /// Something happens to a node later, if it is still the same start of it.
    pub(crate) fn later(&mut self, (node, generation): (NodeIx, u64), at: u64, event: Event) {
        self.schedule(at, Happening::ToNode { node, generation: Some(generation), event });
    }

    pub(crate) fn heal_later(&mut self, at: u64, fault: Fault) {
        self.schedule(at, Happening::Heal(fault));
    }

    fn delay(&mut self) -> u64 {
        if self.rng.random_ratio(1, 50) { self.rng.random_range(50..400) } else { self.rng.random_range(1..8) }
    }

    /// Asks the store; the number of the request.
    pub(crate) fn ask(&mut self, (node, generation): (NodeIx, u64), ask: Ask) -> u64 {
        let request = self.number();
        let slow = self.links.slow_store.get(&node).is_some_and(|until| self.now < *until);
        let extra = if slow { self.rng.random_range(100..900) } else { 0 };
        let at = self.now + self.delay() + extra;
        if !self.is_cut_from_store(node) {
            self.schedule(at, Happening::AtStore { node, generation, request, ask });
        }
        request
    }

    /// Sends to whichever start of the other node is running when it arrives.
    pub(crate) fn send(&mut self, from: NodeIx, to: NodeIx, note: Note) {
        let lost = self.links.cut.get(&(from, to)).is_some_and(|until| self.now < *until);
        if !lost && !self.rng.random_ratio(1, 40) {
            let at = self.now + self.delay();
            self.schedule(at, Happening::ToNode { node: to, generation: None, event: Event::Note { from, note } });
        }
    }

    fn is_cut_from_store(&self, node: NodeIx) -> bool {
        self.links.cut_from_store.get(&node).is_some_and(|until| self.now < *until)
    }

    pub(crate) fn log(&self, text: impl FnOnce() -> String) {
        if self.verbose {
            println!("{:>6} {}", self.now, text());
        }
    }

    /// A revocation is acknowledged now.
    pub(crate) fn acknowledge(&mut self, key: Key, revision: u64) {
        self.log(|| format!("key {key} revision {revision} acknowledged"));
        self.outcome.acknowledged += 1;
        self.acknowledged[key].push((self.now, revision));
    }

    /// A node answers from a revision. `read_began` is given for an answer from memory.
    pub(crate) fn answer(&mut self, node: NodeIx, op: Op, revision: u64, read_began: Option<u64>) {
        self.log(|| format!("node {node} answers key {} revision {revision}, memory: {read_began:?}", op.key));
        self.outcome.answers += 1;
        self.outcome.from_memory += u64::from(read_began.is_some());
        let known = self.acknowledged[op.key].iter().filter(|(at, _)| *at < op.began).map(|(_, revision)| *revision);
        if known.max().is_some_and(|acknowledged| revision < acknowledged) {
            let text = format!("revoked_stays_revoked: node {node} at {} answers {op:?} from {revision}", self.now);
            self.outcome.violation.get_or_insert(text);
        }
        let bound = u64::try_from(BOUND.as_millis()).unwrap_or(u64::MAX);
        if read_began.is_some_and(|began| self.now >= began + bound) {
            let text = format!("memory_is_fresh: node {node} at {} with a read of {read_began:?}", self.now);
            self.outcome.violation.get_or_insert(text);
        }
    }

    /// The members that a node finds alive.
    pub(crate) fn live(&self, node: NodeIx, me: &Member) -> Vec<Member> {
        let heard = self.links.heard.iter().filter(|((by, of), (at, _))| {
            let suspected = self.links.suspects.get(&(*by, *of)).is_some_and(|until| self.now < *until);
            *by == node && *of != node && self.now < at + SILENCE && !suspected
        });
        heard.map(|(_, (_, member))| member.clone()).chain([me.clone()]).collect()
    }
}

/// In every third history the first node is of a version that knows of no terms.
const fn is_old(seed: u64, node: NodeIx) -> bool {
    node == 0 && seed.is_multiple_of(3)
}

impl World {
    pub(crate) fn new(seed: u64, broken: Option<Broken>) -> Self {
        let mut net = Net {
            base: cluster::now(),
            now: 0,
            rng: StdRng::seed_from_u64(seed),
            broken,
            outcome: Outcome::default(),
            links: Links::default(),
            queue: BinaryHeap::new(),
            happenings: BTreeMap::new(),
            numbers: 0,
            acknowledged: Default::default(),
            verbose: std::env::var_os("SIM_SEED").is_some() && broken.is_none(),
            pace: 0,
            keys: 0,
        };
        net.pace = *[30, 300, 1_500].choose(&mut net.rng).unwrap_or(&30);
        net.keys = net.rng.random_range(1..=4);
        let count = net.rng.random_range(2..=5);
        let nodes: Vec<_> = (0..count).map(|node| Node::new(node, 1, is_old(seed, node))).collect();
        for node in &nodes {
            let at = net.rng.random_range(0..500);
            net.later((node.ix, node.generation), at, Event::Read);
        }
        for (at, happening) in [(0, Happening::Gossip), (3_000, Happening::Client), (4_000, Happening::Fault)] {
            net.schedule(at, happening);
        }
        Self { net, nodes, store: Store::default() }
    }

    pub(crate) fn run(mut self) -> Outcome {
        while let Some(Reverse((at, number))) = self.net.queue.pop() {
            if at > LENGTH || self.net.outcome.violation.is_some() {
                break;
            }
            self.net.now = at;
            if let Some(happening) = self.net.happenings.remove(&number) {
                self.happen(happening);
            }
        }
        self.net.outcome.epochs = self.store.view().epoch;
        self.net.outcome
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::ToNode { node, generation, event } => self.deliver(node, generation, event),
            Happening::AtStore { node, generation, request, ask } => {
                let stale =
                    if self.net.is(Broken::StaleReads) { (1_500, self.net.rng.random_bool(0.5)) } else { (0, false) };
                let answer = self.store.execute(&ask, self.net.now, stale);
                if !self.net.is_cut_from_store(node) {
                    let at = self.net.now + self.net.delay();
                    self.net.later((node, generation), at, Event::Answer { request, answer });
                }
            }
            Happening::Gossip => self.gossip(),
            Happening::Client => self.client(),
            Happening::Fault => {
                self.fault();
                let at = self.net.now + self.net.rng.random_range(300..2_500);
                self.net.schedule(at, Happening::Fault);
            }
            Happening::Heal(fault) => self.heal(fault),
        }
    }

    fn deliver(&mut self, node: NodeIx, generation: Option<u64>, event: Event) {
        let node = &mut self.nodes[node];
        if generation.is_some_and(|generation| generation != node.generation) || node.is_down {
            return;
        }
        if let Some(until) = node.paused_until.filter(|until| self.net.now < *until) {
            self.net.later((node.ix, node.generation), until, event);
            return;
        }
        node.handle(&mut self.net, event);
    }

    fn gossip(&mut self) {
        let now = self.net.now;
        let speaks = |node: &Node| !node.is_down && node.paused_until.is_none_or(|until| until <= now);
        for by in self.nodes.iter().filter(|node| speaks(node)) {
            for of in self.nodes.iter().filter(|node| speaks(node)) {
                let cut = self.net.links.cut.get(&(of.ix, by.ix)).is_some_and(|until| now < *until);
                if !cut && self.net.rng.random_bool(0.8) {
                    self.net.links.heard.insert((by.ix, of.ix), (now, of.keeper.me().clone()));
                }
            }
        }
        for node in self.nodes.iter_mut().filter(|node| speaks(node)) {
            let live = self.net.live(node.ix, node.keeper.me()).len();
            if std::mem::replace(&mut node.live_count, live) != live {
                self.net.later((node.ix, node.generation), now, Event::LiveChanged);
            }
        }
        self.net.schedule(now + GOSSIP_EVERY, Happening::Gossip);
    }

    fn client(&mut self) {
        let rng = &mut self.net.rng;
        let node = rng.random_range(0..self.nodes.len());
        let op = Op { key: rng.random_range(0..self.net.keys), revokes: rng.random_bool(0.12), began: self.net.now };
        let at = self.net.now + rng.random_range(0..self.net.pace);
        let to = (node, self.nodes[node].generation);
        self.net.later(to, self.net.now, Event::Begin(op));
        self.net.schedule(at, Happening::Client);
    }
}
