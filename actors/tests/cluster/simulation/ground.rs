//! Three whole nodes with real stewards over one store, what goes wrong between them, and gossip that the world makes.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use actors::{Services, entropy::SeededEntropy, peer_service::PeerService, stored_view::StoredView};
use cluster::{
    Authority, Generation, Member, NodeId, Role, Steward, StewardOptions,
    sim::{SimNetwork, Weather},
};
use parking_lot::Mutex;
use rand::{RngExt as _, rngs::StdRng};
use tokio::{sync::watch, time::Instant};

use super::plight::{Desk, EndOfNetwork, EndOfStore, Plight, SimClock};
use crate::support::{MemoryStore, START, World};

pub(crate) const NODES: usize = 3;
/// Silence after which gossip finds a node dead.
const SILENCE: Duration = Duration::from_secs(1);

/// A rule that is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// The store replaces whatever is there.
    ComparesNothing,
    /// A node takes the view that it knows for one that it just read.
    AlwaysTrusts,
}

/// A start of a node.
#[derive(Clone)]
pub(crate) struct Running {
    pub(crate) services: Services,
    pub(crate) plight: Arc<Plight>,
    authority: Arc<Authority>,
    steward: Arc<Steward>,
    live: watch::Sender<Vec<Member>>,
}

/// The nodes and what is between them.
pub(crate) struct Ground {
    pub(crate) seed: u64,
    pub(crate) broken: Option<Broken>,
    pub(crate) store: Arc<MemoryStore>,
    began: Instant,
    network: SimNetwork,
    nodes: Vec<Mutex<Option<Running>>>,
    starts: Mutex<[u64; NODES]>,
    heard: Mutex<BTreeMap<(usize, usize), Instant>>,
    cut: Mutex<BTreeSet<(usize, usize)>>,
    idle: Duration,
}

pub(crate) fn name(node: usize) -> NodeId {
    format!("n{node}").parse().expect("a name")
}

impl Ground {
    /// Nothing runs yet.
    pub(crate) fn new(seed: u64, broken: Option<Broken>, store: Arc<MemoryStore>, dice: &mut StdRng) -> Self {
        Self {
            seed,
            broken,
            store,
            began: cluster::now(),
            network: SimNetwork::new(seed),
            nodes: (0..NODES).map(|_| Mutex::new(None)).collect(),
            starts: Mutex::default(),
            heard: Mutex::default(),
            cut: Mutex::default(),
            idle: Duration::from_millis(dice.random_range(200..5_000)),
        }
    }

    /// Milliseconds since the beginning.
    pub(crate) fn ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).expect("short")
    }

    pub(crate) fn node(&self, node: usize) -> Option<Running> {
        self.nodes[node].lock().clone()
    }

    fn running(&self) -> impl Iterator<Item = (usize, Running)> + '_ {
        (0..NODES).filter_map(|node| Some((node, self.node(node)?)))
    }

    /// Starts a node under its next generation.
    pub(crate) async fn start(&self, node: usize) {
        let generation = {
            let mut starts = self.starts.lock();
            starts[node] += 1;
            starts[node]
        };
        let own = self.seed.wrapping_mul(1_000) + generation * 10 + node as u64;
        let plight = Arc::new(Plight::new(own, self.began, self.broken == Some(Broken::ComparesNothing)));
        let store = Arc::new(EndOfStore { inner: Arc::clone(&self.store), plight: Arc::clone(&plight) });
        let clock = Arc::new(SimClock(self.began));
        let authority = Arc::new(Authority::member(name(node), Generation(generation)));
        let peers = EndOfNetwork { inner: self.network.caller(name(node)), plight: Arc::clone(&plight) };
        let standing = Arc::new(actors::clock::MockClock::new(START));
        let behind = Arc::clone(&self.store) as _;
        let world = World::node(behind, standing, SeededEntropy::new(own), |options| {
            options.store = Arc::clone(&store) as _;
            options.clock = Arc::clone(&clock) as _;
            options.authority = Arc::clone(&authority);
            options.peers = Arc::new(peers);
            options.idle = self.idle;
        })
        .await;
        let me = Member {
            node: name(node),
            generation: Generation(generation),
            roles: vec![Role::Http, Role::Actors],
            address: format!("{}:1", name(node)).into(),
            level: 0,
            draining: false,
            term: 1,
        };
        let live = watch::Sender::new(vec![me.clone()]);
        let view = StoredView::new(store, clock, Arc::new(SeededEntropy::new(own + 5)));
        let steward = Arc::new(Steward::start(StewardOptions {
            authority: Arc::clone(&authority),
            store: Arc::new(view),
            live: live.subscribe(),
            me,
        }));
        let services = world.services;
        let service = PeerService::new(services.accounts.clone());
        let desk = Desk { inner: Arc::new(service), plight: Arc::clone(&plight) };
        self.network.serve(name(node), Arc::new(desk));
        *self.nodes[node].lock() = Some(Running { services, plight, authority, steward, live });
        let joining = self.node(node).map(|node| node.steward);
        tokio::spawn(async move {
            if let Some(steward) = joining {
                // It ends with the node.
                let _ = steward.join().await;
            }
        });
    }

    /// The process dies without a word.
    pub(crate) fn kill(&self, node: usize) {
        let Some(dead) = self.nodes[node].lock().take() else { return };
        self.network.crash(&name(node));
        dead.plight.change(|ills| ills.dead = true);
        tokio::spawn(async move { dead.services.stop(Duration::ZERO).await });
    }

    /// From one to the other nothing passes any more, or again.
    pub(crate) fn cut(&self, from: usize, to: usize, cut: bool) {
        let mut all = self.cut.lock();
        if cut {
            all.insert((from, to))
        } else {
            all.remove(&(from, to))
        };
    }

    /// The weather between all nodes, but where nothing passes.
    pub(crate) fn weather(&self, fair: Weather) {
        let cut = self.cut.lock();
        for from in 0..NODES {
            for to in 0..NODES {
                let weather = Weather { cut: cut.contains(&(from, to)), ..fair };
                self.network.set(&name(from), &name(to), weather);
            }
        }
    }

    /// Who hears whom, five times a second.
    pub(crate) async fn gossip(self: Arc<Self>) {
        loop {
            let now = cluster::now();
            let speaks = |node: &Running| !node.plight.is().paused;
            for (by, mine) in self.running().filter(|(_, node)| speaks(node)) {
                let mut members = vec![mine.steward.me()];
                for (of, other) in self.running().filter(|(of, _)| *of != by) {
                    if speaks(&other) && !self.cut.lock().contains(&(of, by)) {
                        self.heard.lock().insert((by, of), now);
                    }
                    if self.heard.lock().get(&(by, of)).is_some_and(|at| now < *at + SILENCE) {
                        members.push(other.steward.me());
                    }
                }
                mine.live.send_if_modified(|live| {
                    let changed = *live != members;
                    *live = members;
                    changed
                });
                if self.broken == Some(Broken::AlwaysTrusts) {
                    mine.authority.observe((*mine.authority.view()).clone(), now, now);
                }
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// A node owns nothing any more for a while.
    pub(crate) fn drain(&self, node: usize) {
        let Some(steward) = self.node(node).map(|node| node.steward) else { return };
        tokio::spawn(async move {
            let _ = tokio::time::timeout(Duration::from_secs(3), steward.drain()).await;
            let _ = tokio::time::timeout(Duration::from_secs(30), steward.join()).await;
        });
    }

    /// Everything works from now on; returns when all are in the view.
    pub(crate) async fn heal(&self) {
        self.cut.lock().clear();
        self.weather(Weather::default());
        for node in 0..NODES {
            if self.node(node).is_none() {
                self.start(node).await;
            }
        }
        let calm = || {
            self.running().for_each(|(_, node)| {
                node.plight.change(|ills| *ills = super::plight::Ills { calm: true, ..Default::default() });
            });
        };
        calm();
        let deadline = cluster::now() + Duration::from_mins(3);
        while !self.running().all(|(_, node)| node.steward.is_settled() && node.authority.view().members.len() == NODES)
        {
            assert!(cluster::now() < deadline, "seed {}: the nodes do not come together", self.seed);
            tokio::time::sleep(Duration::from_millis(100)).await;
            calm();
        }
    }
}
