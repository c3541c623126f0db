//! Calls between nodes over mutual TLS.
//!
//! 1. A node that calls another connects to it when it first needs to; many calls share the one connection, told apart by
//!    their ids (`peer.rs`, `link.rs`).
//! 2. Both show a certificate of the cluster's CA. Its DNS name is `NODE.node.doorward.internal`: the caller expects the
//!    name of the node that it wants, the answering side the one that the caller gives in its greeting (`tls.rs`).
//! 3. The greeting also settles the wire version: the highest that both speak, or none, which ends it (`frame.rs`).
//! 4. Frames with explicit lengths follow. Whoever has nothing to write sends a heartbeat every 250 ms, and whoever reads
//!    nothing for a second takes the peer for dead: its kernel may acknowledge what a stopped process never reads
//!    (`wire.rs`).
//! 5. The answering side serves a call until the caller's deadline, and drops it when the caller has gone (`server.rs`).
//!
//! Nothing is unbounded: connections, calls in flight, frames and bytes that wait. What is beyond a bound is refused at
//! once (`limits.rs`).

mod frame;
mod limits;
mod link;
mod meter;
mod peer;
mod server;
#[cfg(test)]
mod staged;
mod tls;
mod wire;

use std::{collections::HashMap, fmt, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::{Mutex, RwLock};
use rand::{
    SeedableRng,
    rngs::{StdRng, SysRng},
};
use rustls::pki_types::UnixTime;
use tokio::{
    net::TcpListener,
    time::{Instant, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use tls::{NODE_DOMAIN, TlsError, TlsFiles};

use self::{meter::Meter, peer::Peer, server::Server, tls::Tls};
use crate::{CallFailure, Caller, Envelope, Member, NodeId, Service, View};

#[cfg(feature = "testing")]
pub(crate) use limits::{CONNECT_TIMEOUT, SILENCE};
pub(crate) use tls::{check_files, server_name};

/// What a transport needs.
#[derive(Clone, Debug)]
pub struct TransportOptions {
    /// The node's own name. Its certificate is for `NAME.node.doorward.internal`.
    pub me: NodeId,
    /// Certificates and key.
    pub tls: TlsFiles,
    /// Does it only call, beside a node that has the name as well? Its connections are then not counted as that node's.
    pub visits: bool,
}

/// Calls other nodes, and answers them.
pub struct Transport {
    shared: Arc<Shared>,
}

/// What callers and connections share.
struct Shared {
    me: NodeId,
    visits: bool,
    files: TlsFiles,
    tls: RwLock<Tls>,
    peers: Mutex<HashMap<NodeId, Arc<Peer>>>,
    meter: Meter,
    /// For the jitter of attempts to connect.
    dice: Mutex<StdRng>,
    /// Calls that are served.
    serving: TaskTracker,
    /// Everything else that runs.
    tasks: TaskTracker,
    /// No new connection or call is taken.
    draining: CancellationToken,
    /// Everything ends.
    over: CancellationToken,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("me", &self.me).finish_non_exhaustive()
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").field("me", &self.shared.me).finish_non_exhaustive()
    }
}

impl Transport {
    /// A transport that can call. Fails when the certificates are not this node's.
    pub fn start(options: TransportOptions) -> Result<Self, TlsError> {
        let TransportOptions { me, tls: files, visits } = options;
        let tls = Tls::read(&files, &me, visits, UnixTime::now())?;
        let shared = Shared {
            me,
            visits,
            files,
            tls: RwLock::new(tls),
            peers: Mutex::default(),
            meter: Meter::new(),
            dice: Mutex::new(StdRng::try_from_rng(&mut SysRng).expect("the operating system hands out random bytes")),
            serving: TaskTracker::new(),
            tasks: TaskTracker::new(),
            draining: CancellationToken::new(),
            over: CancellationToken::new(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Answers other nodes from now on. The listener is bound by the caller, who knows its port thereby; calling before
    /// serving lets the service be built from what calls.
    pub fn serve(&self, listener: TcpListener, service: Arc<dyn Service>) {
        let server = Server::new(Arc::clone(&self.shared), service);
        self.shared.tasks.spawn(server.accept(listener));
    }

    /// Reads the certificates and the key again, for new connections. If they cannot be used, the old ones stay.
    pub fn reload(&self) -> Result<(), TlsError> {
        let tls = Tls::read(&self.shared.files, &self.shared.me, self.shared.visits, UnixTime::now())?;
        *self.shared.tls.write() = tls;
        Ok(())
    }

    /// Ends the connections to all nodes that are not in the view.
    pub fn retain(&self, view: &View) {
        let left: Vec<_> = self.shared.peers.lock().extract_if(|node, _| view.member(node).is_none()).collect();
        for (_, peer) in left {
            peer.leave();
        }
    }

    /// Stops: takes nothing new, waits for the calls that are served, at the deadline at the latest, then ends everything.
    pub async fn stop(&self, deadline: Instant) {
        self.shared.draining.cancel();
        self.shared.serving.close();
        let _ = timeout_at(deadline, self.shared.serving.wait()).await;
        self.shared.over.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }

    fn peer(&self, member: &Member) -> Arc<Peer> {
        let mut peers = self.shared.peers.lock();
        if let Some(peer) = peers.get(&member.node) {
            return Arc::clone(peer);
        }
        let peer = Arc::new(Peer::new(member));
        peers.insert(member.node.clone(), Arc::clone(&peer));
        peer
    }
}

impl Drop for Transport {
    fn drop(&mut self) {
        self.shared.over.cancel();
        self.shared.draining.cancel();
    }
}

#[async_trait]
impl Caller for Transport {
    fn proved_name(&self) -> Option<&NodeId> {
        Some(&self.shared.me)
    }

    /// `remaining_ms` of the envelope is what is left of the deadline when it is written.
    async fn call(&self, to: &Member, envelope: Envelope, deadline: Instant) -> Result<Bytes, CallFailure> {
        let result = if self.shared.over.is_cancelled() {
            Err(CallFailure::NotSent("this node is stopping".to_owned()))
        } else if to.address.is_empty() {
            Err(CallFailure::NotSent("the node has no address".to_owned()))
        } else {
            self.peer(to).call(&self.shared, to, envelope, deadline).await
        };
        self.shared.meter.ended(&result);
        result
    }
}
