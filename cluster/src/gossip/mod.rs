//! Who is alive, as far as this node can tell. It only ever proposes: the view in the store decides.
//!
//! Scuttlebutt and a phi accrual detector (`chitchat`) over sealed UDP. A node is known by name, start and address, so
//! that a restarted one is not mistaken for itself; what it is ([`Member`]) travels as one value.

#[cfg(test)]
mod house;
mod sealed;
mod seeds;
mod socket;
#[cfg(test)]
mod tests;
mod window;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use chitchat::{
    ChitchatConfig, ChitchatHandle, ChitchatId, FailureDetectorConfig, NodeState, spawn_chitchat, transport::Transport,
};
use parking_lot::Mutex;
use thiserror::Error;
use tokio::{net::UdpSocket, sync::watch};

pub use self::{
    sealed::GossipKey,
    seeds::{Seed, SeedError},
};
use self::{sealed::Seal, socket::SealedUdp};
use crate::{Member, View, clock_watch::wall_ms, task::Tasks};

/// How often a node speaks.
const INTERVAL: Duration = Duration::from_millis(100);
/// How many mean intervals of silence make a node dead.
const PHI: f64 = 4.2;
/// The mean is of this many intervals and five of [`PRIOR`]: nearly fixed, so that it neither falls so low that a busy
/// machine looks dead nor rises so high that a dead one lives on. A node is dead after about 0.8 to 1 s of silence.
const WINDOW: usize = 3;
const PRIOR: Duration = Duration::from_millis(280);
/// A longer silence than this is no interval.
const MAX_GAP: Duration = Duration::from_secs(2);
/// How long the dead are remembered.
const GRACE: Duration = Duration::from_mins(2);
/// How often seeds are looked at, and how often they are resolved again while this node knows others.
const SEED_INTERVAL: Duration = Duration::from_millis(500);
const RESOLVE_EVERY: u32 = 20;
/// The value that holds a [`Member`].
const MEMBER: &str = "member";

/// What the gossip needs.
#[derive(Clone, Debug)]
pub struct GossipOptions {
    /// This node.
    pub me: Member,
    /// The cluster's name: nodes of another are not heard.
    pub cluster: String,
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where others reach this node; with port 0 the port that it listens on.
    pub advertise: SocketAddr,
    /// Where to ask for others.
    pub seeds: Vec<Seed>,
    /// Keys that all nodes share: the first seals, each opens.
    pub keys: Vec<GossipKey>,
}

/// The gossip did not start.
#[derive(Debug, Error)]
pub enum GossipError {
    /// There is no key, or no randomness.
    #[error("the gossip has no key to seal with")]
    NoKey,
    /// The socket could not be opened.
    #[error("the gossip's socket at {0}: {1}")]
    Socket(SocketAddr, std::io::Error),
    /// The library refused.
    #[error("the gossip: {0}")]
    Start(String),
}

/// The running gossip; it ends when this is dropped.
#[derive(Debug)]
pub struct Gossip {
    shared: Arc<Shared>,
    advertise: SocketAddr,
    tasks: Mutex<Tasks>,
}

struct Shared {
    chitchat: ChitchatHandle,
    me: watch::Sender<Member>,
    live: watch::Sender<Vec<Member>>,
    /// Addresses of the view's members, which stand for the seed `store`.
    stored: Mutex<Vec<Box<str>>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("me", &*self.me.borrow()).finish_non_exhaustive()
    }
}

impl Drop for Gossip {
    fn drop(&mut self) {
        self.shared.chitchat.abort();
    }
}

impl Gossip {
    /// Opens the socket and begins to speak.
    pub async fn start(mut options: GossipOptions) -> Result<Self, GossipError> {
        let at = options.listen;
        let socket = UdpSocket::bind(at).await.map_err(|error| GossipError::Socket(at, error))?;
        let bound = socket.local_addr().map_err(|error| GossipError::Socket(at, error))?;
        if options.advertise.port() == 0 {
            options.advertise.set_port(bound.port());
        }
        let seal = Seal::new(&options.cluster, std::mem::take(&mut options.keys), wall_ms());
        let transport = SealedUdp::new(socket, seal.ok_or(GossipError::NoKey)?);
        Self::start_over(options, &transport).await
    }

    /// Speaks over that transport.
    async fn start_over(options: GossipOptions, transport: &dyn Transport) -> Result<Self, GossipError> {
        let GossipOptions { me, cluster, listen, advertise, seeds, .. } = options;
        let config = ChitchatConfig {
            chitchat_id: ChitchatId::new(me.node.as_str(), me.generation.0, advertise),
            cluster_id: cluster,
            gossip_interval: INTERVAL,
            listen_addr: listen,
            // Ours are resolved more often, and may come from the store.
            seed_nodes: Vec::new(),
            failure_detector_config: FailureDetectorConfig::new(PHI, WINDOW, MAX_GAP, PRIOR, GRACE),
            marked_for_deletion_grace_period: GRACE,
            catchup_callback: None,
            extra_liveness_predicate: None,
        };
        let values = vec![(MEMBER.to_owned(), write(&me))];
        let chitchat = spawn_chitchat(config, values, transport).await;
        let chitchat = chitchat.map_err(|error| GossipError::Start(error.to_string()))?;
        let live = watch::Sender::new(vec![me.clone()]);
        let shared = Shared { chitchat, me: watch::Sender::new(me), live, stored: Mutex::default() };
        let gossip = Self { shared: Arc::new(shared), advertise, tasks: Mutex::default() };
        gossip.begin(seeds).await;
        Ok(gossip)
    }

    async fn begin(&self, seeds: Vec<Seed>) {
        let nodes = self.shared.chitchat.chitchat().lock().await.live_nodes_watcher();
        let mut tasks = self.tasks.lock();
        let shared = Arc::clone(&self.shared);
        tasks.run("gossip_members", move || watch_members(Arc::clone(&shared), nodes.clone()));
        let (shared, advertise) = (Arc::clone(&self.shared), self.advertise);
        let seeds: Arc<[Seed]> = seeds.into();
        tasks.run("gossip_seeds", move || ask_seeds(Arc::clone(&shared), Arc::clone(&seeds), advertise));
    }

    /// The members that are alive, this one included, by name; of two starts of one node the later.
    pub fn live(&self) -> watch::Receiver<Vec<Member>> {
        self.shared.live.subscribe()
    }

    /// Where others reach this node.
    pub const fn advertised(&self) -> SocketAddr {
        self.advertise
    }

    /// Tells the others what this node is now. Name and start stay what they were.
    pub async fn set_member(&self, member: Member) {
        self.shared.set_member(member).await;
    }

    /// Takes the seed `store` from these views, and this node's draining flag.
    pub fn follow(&self, view: watch::Receiver<Arc<View>>) {
        let shared = Arc::clone(&self.shared);
        self.tasks.lock().run("gossip_follow", move || follow(Arc::clone(&shared), view.clone()));
    }

    /// Returns with the reason when the gossip has ended by itself: nobody hears of this node any more.
    pub async fn ended(&self) -> GossipError {
        let ended = self.shared.chitchat.termination_watcher();
        GossipError::Start(ended.await.err().map_or_else(|| "stopped".to_owned(), |error| error.to_string()))
    }

    /// Ends it. The others find this node dead after a while.
    pub async fn stop(self) {
        let ended = self.shared.chitchat.termination_watcher();
        if self.shared.chitchat.initiate_shutdown().is_ok() {
            // How it ended is of no interest any more.
            let _ = ended.await;
        }
    }
}

impl Shared {
    async fn set_member(&self, member: Member) {
        let value = write(&member);
        self.me.send_replace(member);
        self.chitchat.with_chitchat(|chitchat| chitchat.self_node_state().set(MEMBER, &value)).await;
    }

    /// What to resolve.
    fn seeds(&self, seeds: &[Seed]) -> Vec<Box<str>> {
        let mut addresses = if seeds.contains(&Seed::Store) { self.stored.lock().clone() } else { Vec::new() };
        for seed in seeds {
            if let Seed::Address(address) = seed {
                addresses.push(address.clone());
            }
        }
        addresses
    }

    fn publish(&self, nodes: &BTreeMap<ChitchatId, NodeState>) {
        let me = self.me.borrow().clone();
        let others = nodes.iter().filter_map(|(id, state)| read(id, state)).filter(|member| member.node != me.node);
        let mut newest: BTreeMap<_, Member> = BTreeMap::from([(me.node.clone(), me.clone())]);
        for member in others {
            let known = newest.entry(member.node.clone()).or_insert_with(|| member.clone());
            if known.generation < member.generation {
                *known = member;
            }
        }
        let members: Vec<_> = newest.into_values().collect();
        metrics::gauge!("doorward_gossip_live_nodes").set(u32::try_from(members.len()).unwrap_or(u32::MAX));
        self.live.send_if_modified(|live| {
            let changed = *live != members;
            *live = members;
            changed
        });
    }
}

fn write(member: &Member) -> String {
    // A struct of strings and numbers always encodes.
    serde_json::to_string(member).unwrap_or_default()
}

/// The member that a node says it is; `None` if it says nothing readable, or names another.
fn read(id: &ChitchatId, state: &NodeState) -> Option<Member> {
    let member: Member = serde_json::from_str(state.get(MEMBER)?).ok()?;
    (member.node.as_str() == &*id.node_id && member.generation.0 == id.generation_id).then_some(member)
}

async fn watch_members(shared: Arc<Shared>, mut nodes: watch::Receiver<BTreeMap<ChitchatId, NodeState>>) {
    let mut me = shared.me.subscribe();
    loop {
        let current = nodes.borrow_and_update().clone();
        shared.publish(&current);
        let changed = tokio::select! {
            changed = nodes.changed() => changed,
            changed = me.changed() => changed,
        };
        if changed.is_err() {
            return;
        }
    }
}

/// Asks, each half second ([`SEED_INTERVAL`]), one of the addresses that no living node speaks from. So a partition heals whoever has forgotten
/// whom, and a node that came first finds those that come later.
async fn ask_seeds(shared: Arc<Shared>, seeds: Arc<[Seed]>, advertise: SocketAddr) {
    let mut ticks = tokio::time::interval(SEED_INTERVAL);
    let mut resolved = BTreeSet::new();
    for round in 0_usize.. {
        ticks.tick().await;
        let alone = shared.live.borrow().len() < 2;
        if alone || round.is_multiple_of(RESOLVE_EVERY as usize) {
            resolved = seeds::resolve(&shared.seeds(&seeds)).await;
            resolved.remove(&advertise);
        }
        let known = shared.chitchat.with_chitchat(|chitchat| {
            chitchat.live_nodes().map(|node| node.gossip_advertise_addr).collect::<BTreeSet<_>>()
        });
        let known = known.await;
        let silent: Vec<_> = resolved.difference(&known).collect();
        if let Some(seed) = round.checked_rem(silent.len()).and_then(|at| silent.get(at)) {
            // It only fails when the gossip has ended, which is reported elsewhere.
            let _ = shared.chitchat.gossip(**seed);
        }
    }
}

async fn follow(shared: Arc<Shared>, mut view: watch::Receiver<Arc<View>>) {
    loop {
        let current = Arc::clone(&view.borrow_and_update());
        let addresses = current.members.iter().map(|member| member.address.clone());
        *shared.stored.lock() = addresses.filter(|address| !address.is_empty()).collect();
        let me = shared.me.borrow().clone();
        let draining = current.member(&me.node).filter(|member| member.generation == me.generation && member.draining);
        if draining.is_some() && !me.draining {
            shared.set_member(Member { draining: true, ..me }).await;
        }
        if view.changed().await.is_err() {
            return;
        }
    }
}
