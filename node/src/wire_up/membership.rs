//! This node among others: how it comes into the view, stays in it and goes.
//!
//! 1. [`Seat::take`]: the port is bound, so that an address in use is told early, but nobody is answered yet: who calls is
//!    turned away at once and asks the next node. The view is read, and with it which start of this node is the newest.
//! 2. The services start, on the seat's authority and peers.
//! 3. [`Seat::join`]: others are answered, gossip begins, and the node comes into the view.
//! 4. [`Membership::drain`], then [`Membership::leave`], the way back. A process that is killed leaves its row to others.

mod socket;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use actors::{
    Services,
    clock::{self, Clock, VouchedClock},
    entropy::Entropy,
    peer_service::PeerService,
    stored_view::StoredView,
    vault::GossipKey,
    visitor,
};
use anyhow::{Context as _, anyhow, bail};
use cluster::{
    Authority, Caller, ClockWatch, Generation, MAX_OFFSET_MS, Member, NoCaller, Role, Steward, StewardError,
    StewardOptions, View, ViewStore as _,
    gossip::{self, Gossip, GossipOptions},
    transport::{Transport, TransportOptions},
};
use schema::{Store, fence, standing};
use tokio::{
    net::{TcpListener, TcpSocket},
    sync::watch,
    task::JoinSet,
};

use self::socket::{BACKLOG, bind};
use super::backend::Backend;
use crate::{
    config::{Config, address::Seed, store::StoreUrl},
    management::Check,
};

/// How often is looked whether a fence stands, while the view cannot be read.
const FENCE_INTERVAL: Duration = Duration::from_millis(500);
/// How long leaving may take; a row that stays is taken out by others.
const LEAVE_WITHIN: Duration = Duration::from_secs(3);
/// How long calls of other nodes may take to be finished.
const CALLS_WITHIN: Duration = Duration::from_secs(2);

/// What a seat is taken with.
pub(super) struct SeatOptions<'a> {
    pub(super) config: &'a Config,
    pub(super) backend: &'a Backend,
    pub(super) clock: &'a Arc<dyn Clock>,
    pub(super) entropy: &'a Arc<dyn Entropy>,
}

/// A node that is not in the view yet.
pub(super) struct Seat {
    me: Member,
    view: StoredView,
    clock: Arc<dyn Clock>,
    pub(super) authority: Arc<Authority>,
    transport: Option<(Arc<Transport>, TcpSocket)>,
}

impl Seat {
    /// Binds the port of a server and reads the view.
    pub(super) async fn take(options: &SeatOptions<'_>) -> anyhow::Result<Self> {
        let cluster = &options.config.cluster;
        let node = cluster.name().context("this node has no name; set cluster.node")?;
        let transport = match (&cluster.listen, cluster.tls_files()) {
            (Some(listen), Some(tls)) => {
                let socket = bind(listen.0)?;
                let transport = Transport::start(TransportOptions { me: node.clone(), tls, visits: false });
                Some((Arc::new(transport.context("cluster.tls")?), socket))
            }
            _ => None,
        };
        let read = read_view(options).await?;
        let started = u64::try_from(options.clock.now().as_millis()).unwrap_or_default();
        let before = read.0.member(&node).map_or(0, |member| member.generation.0);
        let generation = Generation(started.max(before + 1));
        let authority = Arc::new(Authority::member(node.clone(), generation));
        authority.observe(read.0, read.1, cluster::now());
        let vouched = VouchedClock::new(Arc::clone(options.clock), Arc::clone(&authority));
        let view = StoredView::new(options.backend.store(), Arc::new(vouched), Arc::clone(options.entropy));
        let me = Member {
            node,
            generation,
            roles: cluster.roles(),
            address: cluster.address().unwrap_or_default().into(),
            level: actors::feature_level::LEVEL,
            draining: false,
            term: 1,
        };
        Ok(Self { me, view, clock: Arc::clone(options.clock), authority, transport })
    }

    /// The way to other nodes.
    pub(super) fn peers(&self) -> Arc<dyn Caller> {
        match &self.transport {
            Some((transport, _)) => Arc::clone(transport) as _,
            None => Arc::new(NoCaller),
        }
    }

    /// Does this node own users?
    pub(super) fn serves(&self) -> bool {
        self.me.roles.contains(&Role::Actors)
    }

    /// Answers other nodes, begins to gossip, and comes into the view.
    pub(super) async fn join(
        self,
        config: &Config,
        services: &Services,
        mut keys: Vec<GossipKey>,
    ) -> anyhow::Result<Membership> {
        let Self { me, view, clock, authority, transport } = self;
        let (mut answering, mut speaking) = (None, None);
        // Without gossip this node knows of itself alone.
        let (_, mut live) = watch::channel(vec![me.clone()]);
        if let Some((transport, socket)) = transport {
            let listener: TcpListener = socket.listen(BACKLOG).context("cluster.listen")?;
            let bound = listener.local_addr()?;
            transport.serve(listener, Arc::new(PeerService::new(services.accounts.clone())));
            // The one that all nodes have, whatever comes first in this node's ring.
            keys.sort_by_key(|key| key.master != *services.vault.active());
            let running = Gossip::start(
                gossip_options(config, &me, bound, Shared { keys, incarnation: services.vault.incarnation() }).await?,
            )
            .await?;
            live = running.live();
            tracing::info!(node = %me.node, address = %bound, "other nodes are answered");
            (answering, speaking) = (Some(transport), Some(running));
        }
        let options = StewardOptions { authority: Arc::clone(&authority), store: Arc::new(view), live, me };
        let (steward, store) = (Steward::start(options), Arc::clone(&services.store));
        if let Some(gossip) = &speaking {
            gossip.follow(steward.view());
        }
        let clock = ClockWatch::start(Arc::clone(&authority), Arc::new(move || clock::hands(clock.as_ref())));
        tokio::select! {
            joined = steward.join() => joined?,
            error = meet_a_fence(Arc::clone(&store), Arc::clone(&authority)) => return Err(error),
        }
        // Somebody may have begun to move the store since this node looked first. Who is in the view is seen by who begins
        // after this.
        if let Err(refused) = standing::check(store.as_ref()).await {
            tolerate(&tokio::time::timeout(LEAVE_WITHIN, steward.leave()).await, "leaving the view");
            return Err(refused.into());
        }
        tracing::info!(epoch = authority.view().epoch, "this node is in the view");
        let parts = Running { authority, steward, gossip: speaking, transport: answering, clock };
        Ok(Membership(Arc::new(parts)))
    }
}

/// What all nodes of one store share, and nobody else.
struct Shared<'a> {
    /// The one in use first.
    keys: Vec<GossipKey>,
    incarnation: &'a str,
}

async fn gossip_options(
    config: &Config,
    me: &Member,
    bound: SocketAddr,
    shared: Shared<'_>,
) -> anyhow::Result<GossipOptions> {
    let StoreUrl::Scylla(url) = &config.store.url else { bail!("gossip needs a shared store") };
    let advertise =
        tokio::net::lookup_host(&*me.address).await.with_context(|| format!("cluster.advertise {}", me.address))?;
    let advertise = advertise
        .into_iter()
        .find(|address| address.is_ipv4() == bound.is_ipv4())
        .with_context(|| format!("cluster.advertise {} has no address of the kind of cluster.listen", me.address))?;
    let seed = |seed: &Seed| match seed {
        Seed::Store => gossip::Seed::Store,
        Seed::Dns(address) | Seed::Address(address) => gossip::Seed::Address(address.as_str().into()),
    };
    Ok(GossipOptions {
        me: me.clone(),
        // Neither a copy of the store nor another keyspace under the same ring is heard.
        cluster: format!("{}/{}", url.keyspace, shared.incarnation),
        listen: bound,
        advertise,
        seeds: config.cluster.seeds.iter().map(seed).collect(),
        keys: shared.keys.iter().map(|key| gossip::GossipKey::new(key.number, *key.key.expose())).collect(),
    })
}

/// The view, and when the read of it began.
async fn read_view(options: &SeatOptions<'_>) -> anyhow::Result<(View, tokio::time::Instant)> {
    let (clock, entropy) = (Arc::clone(options.clock), Arc::clone(options.entropy));
    let row = StoredView::new(options.backend.store(), clock, entropy);
    let began = cluster::now();
    let view = match row.read().await {
        Ok(view) => view,
        Err(_) if fence::stands(options.backend.store().as_ref()).await? => return Err(fenced()),
        Err(error) => return Err(error).context("reading who is in the cluster"),
    };
    Ok((view, began))
}

fn fenced() -> anyhow::Error {
    anyhow!(
        "this store is being copied or restored, or that was cut short: nobody may serve from it. Finish it with the same \
         command, or give a copy up with `doorward store copy --give-up` and the same --from"
    )
}

/// Ends when a fence stands around the store (HAZARDS H14). One that stands makes the view unreadable, so it is looked for
/// only while that was not read for a while.
async fn meet_a_fence(store: Arc<dyn Store>, authority: Arc<Authority>) -> anyhow::Error {
    loop {
        tokio::time::sleep(FENCE_INTERVAL).await;
        if !authority.is_fresh(cluster::now()) && matches!(fence::stands(store.as_ref()).await, Ok(true)) {
            return fenced();
        }
    }
}

/// What a command stands on that opened a shared store itself: it is no member, has read the view once, and asks the
/// owners where it has a certificate.
pub(super) async fn visit(options: &SeatOptions<'_>) -> anyhow::Result<(Arc<Authority>, Arc<dyn Caller>)> {
    let cluster = &options.config.cluster;
    right_clock(options.backend).await?;
    let (view, began) = read_view(options).await?;
    let now = options.clock.now();
    let started = u64::try_from(now.as_millis()).unwrap_or_default();
    let me = visitor::name(now, options.entropy.as_ref())?;
    let authority = Arc::new(Authority::member(me, Generation(started)));
    authority.observe(view, began, cluster::now());
    let peers: Arc<dyn Caller> = match cluster.name().zip(cluster.tls_files()) {
        Some((me, tls)) => {
            let options = TransportOptions { me, tls, visits: true };
            Arc::new(Transport::start(options).context("cluster.tls")?)
        }
        None => Arc::new(NoCaller),
    };
    Ok((authority, peers))
}

/// Refuses to decide anything by a clock that is too far off (HAZARDS H3).
async fn right_clock(backend: &Backend) -> anyhow::Result<()> {
    let Backend::Scylla(store) = backend else { return Ok(()) };
    let offset_ms = store.clock_offset().await.context("asking the store for its time")?;
    if offset_ms.unsigned_abs() > MAX_OFFSET_MS {
        bail!("this machine's clock is {offset_ms} ms ahead of the store's: synchronise both (NTP)");
    }
    Ok(())
}

/// A node in the view. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Membership(Arc<Running>);

#[derive(Debug)]
struct Running {
    authority: Arc<Authority>,
    steward: Steward,
    gossip: Option<Gossip>,
    transport: Option<Arc<Transport>>,
    clock: ClockWatch,
}

impl Membership {
    /// What goes on for as long as the node is a member. Ends only when it cannot be one any more, and says why.
    pub async fn run(self, backend: Backend) -> anyhow::Result<()> {
        let mut tasks = JoinSet::new();
        tasks.spawn(meet_a_fence(backend.store(), Arc::clone(&self.0.authority)));
        tasks.spawn(self.clone().watch_clock(backend));
        tasks.spawn(self.clone().watch_view());
        tasks.spawn(self.watch_gossip());
        match tasks.join_next().await {
            Some(Ok(error)) => Err(error),
            Some(Err(error)) => Err(error).context("a part of the membership"),
            None => Ok(()),
        }
    }

    async fn watch_clock(self, backend: Backend) -> anyhow::Error {
        let Backend::Scylla(store) = backend else { return std::future::pending().await };
        let ask = || {
            let store = Arc::clone(&store);
            async move { store.clock_offset().await }
        };
        match self.0.clock.follow(ask).await {}
    }

    /// Ends connections to who has left, and notices a later start of this very node.
    async fn watch_view(self) -> anyhow::Error {
        let (node, generation) = (self.0.authority.me().clone(), self.0.authority.generation());
        let mut views = self.0.steward.view();
        loop {
            let view = Arc::clone(&views.borrow_and_update());
            if let Some(transport) = &self.0.transport {
                transport.retain(&view);
            }
            if view.member(&node).is_some_and(|member| member.generation > generation) {
                return anyhow!("another process has started as node {node}; give each its own cluster.node");
            }
            if views.changed().await.is_err() {
                return anyhow!("the view is not read any more");
            }
        }
    }

    async fn watch_gossip(self) -> anyhow::Error {
        match &self.0.gossip {
            Some(gossip) => gossip.ended().await.into(),
            None => std::future::pending().await,
        }
    }

    /// What readiness hangs on.
    pub fn checks(&self) -> Vec<Check> {
        vec![
            self.check("view", |running| {
                let authority = &running.authority;
                if !authority.is_fresh(cluster::now()) {
                    return Err("the view was not read within the last two seconds");
                }
                let mine = running.mine().ok_or("this node is not in the view")?;
                if mine.draining { Err("this node is drained") } else { Ok(()) }
            }),
            self.check("clock", |running| {
                if running.authority.is_suspended() {
                    Err("this node's clock is too far off, or was set and not measured since")
                } else {
                    Ok(())
                }
            }),
        ]
    }

    fn check(&self, name: &'static str, look: fn(&Running) -> Result<(), &'static str>) -> Check {
        let running = Arc::clone(&self.0);
        let look = move || {
            let verdict = look(&running).map_err(str::to_owned);
            Box::pin(std::future::ready(verdict)) as crate::management::Verdict
        };
        Check { name, look: Box::new(look) }
    }

    /// Reads the certificates again.
    pub fn reload(&self) {
        let Some(transport) = &self.0.transport else { return };
        match transport.reload() {
            Ok(()) => tracing::info!("the certificates of cluster.tls were read again"),
            Err(error) => {
                tracing::error!(error = format!("{:#}", anyhow::Error::from(error)), "cluster.tls stays as it was");
            }
        }
    }

    /// Lets this node own nothing any more; others take its users.
    pub async fn drain(&self, within: Duration) {
        tolerate(&tokio::time::timeout(within, self.0.steward.drain()).await, "draining");
    }

    /// Goes out of the view, and then stops answering other nodes.
    pub async fn leave(self) {
        tolerate(&tokio::time::timeout(LEAVE_WITHIN, self.0.steward.leave()).await, "leaving the view");
        if let Some(transport) = &self.0.transport {
            transport.stop(cluster::now() + CALLS_WITHIN).await;
        }
    }
}

impl Running {
    fn mine(&self) -> Option<Member> {
        let view = self.authority.view();
        view.member(self.authority.me()).filter(|member| member.generation == self.authority.generation()).cloned()
    }
}

/// The node stops all the same; others find it dead.
fn tolerate(ended: &Result<Result<(), StewardError>, tokio::time::error::Elapsed>, what: &str) {
    match ended {
        Ok(Ok(())) => tracing::info!("{what}: done"),
        Ok(Err(error)) => tracing::warn!(%error, "{what}"),
        Err(_) => tracing::warn!("{what}: not done in time"),
    }
}
