//! Time, the network, and what happens next.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, HashMap},
    rc::Rc,
    time::Duration,
};

use actors::{
    domain::{
        context::Settings,
        user::{Areas, User},
    },
    entropy::{Entropy, SeededEntropy},
};
use cluster::Member;
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use schema::{Partition, Revision, Timestamp, UserId};
use serde_json::value::RawValue;
use tokio::time::Instant;

use crate::{
    broken::Broken,
    clients::Clients,
    counts::Counts,
    edge::Asked,
    faults::Fault,
    node::{Node, Note},
    people::START,
    rules::Story,
    store::{Answer, Ask, Store},
};

pub(crate) type NodeIx = usize;
/// Which of the people of this history.
pub(crate) type Person = usize;

/// How long clients ask, in milliseconds.
pub(crate) const LENGTH: u64 = 40_000;
/// How long answers may come after that.
const AFTERWARDS: u64 = 10_000;
const GOSSIP_EVERY: u64 = 300;
/// Silence after which gossip finds a node dead.
const SILENCE: u64 = 1_200;

/// What comes to a node.
#[derive(Debug)]
pub(crate) enum Event {
    /// The next regular read of the view.
    Read,
    /// Gossip says that another node lives or does not.
    LiveChanged,
    /// A timer that the node set, by the number of what it waits for.
    Timer(u64),
    Answer {
        request: u64,
        answer: Answer,
    },
    Note {
        from: NodeIx,
        note: Note,
    },
    /// A client asks.
    Begin(Rc<Asked>),
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

/// Whom a node hears, cannot reach, and suspects.
#[derive(Default)]
pub(crate) struct Links {
    pub(crate) heard: BTreeMap<(NodeIx, NodeIx), (u64, Member)>,
    pub(crate) cut: BTreeMap<(NodeIx, NodeIx), u64>,
    pub(crate) cut_from_store: BTreeMap<NodeIx, u64>,
    pub(crate) slow_store: BTreeMap<NodeIx, u64>,
    pub(crate) suspects: BTreeMap<(NodeIx, NodeIx), u64>,
}

/// Everything but the state of nodes, store and clients: what they act on.
pub(crate) struct Net {
    base: Instant,
    pub(crate) now: u64,
    pub(crate) rng: StdRng,
    pub(crate) entropy: SeededEntropy,
    pub(crate) settings: Settings,
    pub(crate) broken: Option<Broken>,
    pub(crate) counts: Counts,
    pub(crate) links: Links,
    /// The people, by number.
    pub(crate) users: Vec<UserId>,
    /// Answers to clients: the number of the request, and the outcome, if there is one.
    pub(crate) answers: Vec<(u64, Option<Box<RawValue>>)>,
    /// When, in which order, and where in `happenings`.
    queue: BinaryHeap<Reverse<(u64, u64, usize)>>,
    happenings: Vec<Option<Happening>>,
    free: Vec<usize>,
    /// Loaded people as of a revision, so that each is decoded once.
    decoded: HashMap<(UserId, Option<Revision>, u16), User>,
    numbers: u64,
    verbose: bool,
    /// The longest pause between two requests.
    pace: u64,
    /// How much of what is sent is lost, and how many commits have no known outcome.
    loss: f64,
    unknown: f64,
}

pub(crate) struct World {
    pub(crate) net: Net,
    pub(crate) nodes: Vec<Node>,
    store: Store,
    clients: Clients,
}

impl Net {
    fn new(seed: u64, broken: Option<Broken>) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut one_of = |all: [f64; 3]| *all.choose(&mut rng).unwrap_or(&all[0]);
        let (loss, unknown) = (one_of([0.005, 0.03, 0.12]), one_of([0.005, 0.05, 0.2]));
        let pace = *[200, 600, 1_500].choose(&mut rng).unwrap_or(&200);
        Self {
            base: cluster::now(),
            now: 0,
            entropy: SeededEntropy::new(seed),
            settings: Settings::default(),
            broken,
            counts: Counts::default(),
            links: Links::default(),
            users: Vec::new(),
            answers: Vec::new(),
            queue: BinaryHeap::new(),
            happenings: Vec::new(),
            free: Vec::new(),
            decoded: HashMap::new(),
            numbers: 0,
            verbose: std::env::var_os("SIM_SEED").is_some(),
            pace,
            loss,
            unknown,
            rng,
        }
    }

    pub(crate) fn at(&self, ms: u64) -> Instant {
        self.base + Duration::from_millis(ms)
    }

    pub(crate) fn instant(&self) -> Instant {
        self.at(self.now)
    }

    pub(crate) fn ms(&self, instant: Instant) -> u64 {
        u64::try_from(instant.saturating_duration_since(self.base).as_millis()).unwrap_or(u64::MAX)
    }

    /// What a right clock shows.
    pub(crate) fn wall(&self) -> Timestamp {
        START.after(Duration::from_millis(self.now))
    }

    pub(crate) const fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    pub(crate) fn is(&self, broken: Broken) -> bool {
        self.broken == Some(broken)
    }

    pub(crate) fn random<const N: usize>(&self) -> [u8; N] {
        let entropy: &dyn Entropy = &self.entropy;
        entropy.array()
    }

    fn schedule(&mut self, at: u64, happening: Happening) {
        let number = self.number();
        let slot = self.free.pop().unwrap_or(self.happenings.len());
        if slot == self.happenings.len() {
            self.happenings.push(None);
        }
        self.happenings[slot] = Some(happening);
        self.queue.push(Reverse((at, number, slot)));
    }

    /// Something happens to a node later, if it is still the same start of it.
    pub(crate) fn later(&mut self, (node, generation): (NodeIx, u64), at: u64, event: Event) {
        self.schedule(at, Happening::ToNode { node, generation: Some(generation), event });
    }

    /// A client asks a node, whichever start of it runs by then.
    pub(crate) fn ask_node(&mut self, node: NodeIx, at: u64, asked: Rc<Asked>) {
        self.schedule(at, Happening::ToNode { node, generation: None, event: Event::Begin(asked) });
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
        if self.is_cut_from_store(node) {
            return request;
        }
        if let Ask::Commit(_) = ask
            && self.rng.random_bool(self.unknown)
        {
            // Never applied, applied, or applied much later: it is not told.
            match self.rng.random_range(0..3) {
                0 => {}
                1 => self.schedule(at, Happening::AtStore { node, generation, request: 0, ask }),
                _ => {
                    let at = self.now + self.rng.random_range(50..6_000);
                    self.schedule(at, Happening::AtStore { node, generation, request: 0, ask });
                }
            }
            let told_at = self.now + self.rng.random_range(2..300);
            self.later((node, generation), told_at, Event::Answer { request, answer: Answer::Unknown });
        } else if self.rng.random_bool(self.loss / 4.0) {
            self.later((node, generation), at, Event::Answer { request, answer: Answer::Unavailable });
        } else {
            self.schedule(at, Happening::AtStore { node, generation, request, ask });
        }
        request
    }

    /// Sends to whichever start of the other node is running when it arrives.
    pub(crate) fn send(&mut self, from: NodeIx, to: NodeIx, note: Note) {
        let cut = self.links.cut.get(&(from, to)).is_some_and(|until| self.now < *until);
        if !cut && !self.rng.random_bool(self.loss) {
            let at = self.now + self.delay();
            self.schedule(at, Happening::ToNode { node: to, generation: None, event: Event::Note { from, note } });
        }
    }

    fn is_cut_from_store(&self, node: NodeIx) -> bool {
        self.links.cut_from_store.get(&node).is_some_and(|until| self.now < *until)
    }

    /// The person as loaded; decoded the first time.
    pub(crate) fn decode(&mut self, user: UserId, partition: &Partition, areas: Areas) -> User {
        let known = self.decoded.entry((user, partition.revision, areas.bits())).or_insert_with(|| {
            let mut loaded = User::unloaded(user);
            loaded.absorb(partition, areas).expect("what the rules wrote is readable");
            loaded
        });
        known.clone()
    }

    pub(crate) fn log(&self, text: impl FnOnce() -> String) {
        if self.verbose {
            println!("{:>6} {}", self.now, text());
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

impl World {
    pub(crate) fn new(seed: u64, broken: Option<Broken>) -> Self {
        let mut net = Net::new(seed, broken);
        let store = Store::new(broken == Some(Broken::ComparesNothing));
        let clients = Clients::new(&mut net, &store);
        let count = net.rng.random_range(2..=4);
        let people = net.users.len();
        let nodes: Vec<_> = (0..count).map(|node| Node::new(&mut net, (node, 1), people)).collect();
        for node in &nodes {
            let at = net.rng.random_range(0..500);
            net.later(node.me(), at, Event::Read);
        }
        for (at, happening) in [(0, Happening::Gossip), (3_000, Happening::Client), (4_000, Happening::Fault)] {
            net.schedule(at, happening);
        }
        Self { net, nodes, store, clients }
    }

    /// Everything that clients saw, what was stored at the end, and how much of it there was.
    pub(crate) fn run(mut self) -> (Story, Counts) {
        while let Some(Reverse((at, _, slot))) = self.net.queue.pop() {
            if at > LENGTH + AFTERWARDS {
                break;
            }
            self.net.now = at;
            self.net.free.push(slot);
            if let Some(happening) = self.net.happenings[slot].take() {
                self.happen(happening);
            }
            for (request, outcome) in std::mem::take(&mut self.net.answers) {
                self.clients.answered(&mut self.net, self.nodes.len(), request, outcome.as_deref());
            }
        }
        self.net.counts.epochs = self.store.view().epoch;
        let story = self.clients.end(&self.net, &self.store);
        (story, self.net.counts)
    }

    fn happen(&mut self, happening: Happening) {
        let net = &mut self.net;
        match happening {
            Happening::ToNode { node, generation, event } => self.deliver(node, generation, event),
            Happening::AtStore { node, generation, request, ask } => {
                let answer = self.store.execute(ask);
                if request > 0 && !net.is_cut_from_store(node) {
                    let at = net.now + net.delay();
                    net.later((node, generation), at, Event::Answer { request, answer });
                }
            }
            Happening::Gossip => self.gossip(),
            Happening::Client if net.now < LENGTH => {
                self.clients.ask(net, self.nodes.len());
                let at = net.now + net.rng.random_range(1..net.pace);
                net.schedule(at, Happening::Client);
            }
            Happening::Fault if net.now < LENGTH => {
                self.fault();
                let at = self.net.now + self.net.rng.random_range(500..4_000);
                self.net.schedule(at, Happening::Fault);
            }
            Happening::Client | Happening::Fault => {}
            Happening::Heal(fault) => self.heal(fault),
        }
    }

    fn deliver(&mut self, node: NodeIx, generation: Option<u64>, event: Event) {
        let node = &mut self.nodes[node];
        if generation.is_some_and(|generation| generation != node.generation) || node.is_down {
            return;
        }
        if let Some(until) = node.paused_until.filter(|until| self.net.now < *until) {
            self.net.later(node.me(), until, event);
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
                self.net.later(node.me(), now, Event::LiveChanged);
            }
        }
        self.net.schedule(now + GOSSIP_EVERY, Happening::Gossip);
    }
}
