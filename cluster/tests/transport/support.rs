//! Nodes with certificates of one authority in a folder of the test's own, on free ports.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use bytes::Bytes;
use cluster::{
    CallFailure, Caller, Envelope, Generation, Member, NodeId, Role, Service,
    certs::{self, CertsOptions},
    transport::{Transport, TransportOptions},
};
use tempfile::TempDir;
use tokio::{
    net::TcpListener,
    sync::{Notify, broadcast, mpsc},
    time::Instant,
};

/// A node's name.
pub(crate) fn name(text: &str) -> NodeId {
    text.parse().expect("a node's name")
}

/// The wall clock, for certificates.
#[expect(clippy::disallowed_methods, reason = "certificates are made for the time of the test")]
pub(crate) fn wall() -> SystemTime {
    SystemTime::now()
}

/// Makes certificates of these nodes.
pub(crate) fn certify(dir: &Path, nodes: &[&str]) {
    let nodes: Vec<_> = nodes.iter().map(|node| name(node)).collect();
    certs::make(dir, &nodes, &CertsOptions::new(wall())).expect("certificates");
}

/// A folder with certificates of these nodes.
pub(crate) fn certified(nodes: &[&str]) -> TempDir {
    let dir = TempDir::new().expect("a folder");
    certify(dir.path(), nodes);
    dir
}

/// The member `node` at an address.
pub(crate) fn member(node: &str, address: &impl ToString) -> Member {
    Member {
        node: name(node),
        generation: Generation(1),
        roles: vec![Role::Actors],
        address: address.to_string().into(),
        level: 0,
        draining: false,
        term: 1,
    }
}

/// A node that calls, with the certificates of a folder.
pub(crate) fn caller(dir: &Path, node: &str) -> Transport {
    start(dir, node, false)
}

/// Who calls with the certificates of a node, and is none.
pub(crate) fn visitor(dir: &Path, node: &str) -> Transport {
    start(dir, node, true)
}

fn start(dir: &Path, node: &str, visits: bool) -> Transport {
    let me = name(node);
    let tls = certs::files(dir, &me);
    Transport::start(TransportOptions { me, tls, visits }).expect("its certificates")
}

/// A node that answers on a free port as well.
pub(crate) async fn server(dir: &Path, node: &str, service: impl Service) -> (Transport, Member) {
    let transport = caller(dir, node);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    transport.serve(listener, Arc::new(service));
    (transport, member(node, &address))
}

/// A call with this payload.
pub(crate) fn envelope(payload: impl Into<Bytes>) -> Envelope {
    Envelope {
        key: Bytes::from_static(b"user"),
        remaining_ms: 0,
        in_place: false,
        traceparent: Bytes::new(),
        payload: payload.into(),
    }
}

/// A deadline so many milliseconds from now.
pub(crate) fn in_ms(ms: u64) -> Instant {
    cluster::now() + Duration::from_millis(ms)
}

/// Calls with a payload and ten seconds of time: a test that waits for them has failed.
pub(crate) async fn ask(from: &Transport, to: &Member, payload: &'static [u8]) -> Result<Bytes, CallFailure> {
    from.call(to, envelope(payload), in_ms(10_000)).await
}

/// Answers with what it was sent.
pub(crate) struct Echo;

#[async_trait]
impl Service for Echo {
    async fn serve(&self, _: &NodeId, envelope: Envelope, _: Instant) -> Bytes {
        envelope.payload
    }
}

/// Begins to serve and does not end until it is told to; says what begins and what is dropped.
pub(crate) struct Stuck {
    begun: mpsc::UnboundedSender<()>,
    dropped: broadcast::Sender<()>,
    go: Arc<Notify>,
}

impl Stuck {
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<()>) {
        let (begun, beginnings) = mpsc::unbounded_channel();
        (Self { begun, dropped: broadcast::Sender::new(16), go: Arc::default() }, beginnings)
    }

    /// Hears of each call that was dropped unanswered.
    pub(crate) fn dropped(&self) -> broadcast::Receiver<()> {
        self.dropped.subscribe()
    }

    /// Lets what is stuck go on.
    pub(crate) fn go(&self) -> Arc<Notify> {
        Arc::clone(&self.go)
    }
}

struct Dropped<'a>(Option<&'a broadcast::Sender<()>>);

impl Drop for Dropped<'_> {
    fn drop(&mut self) {
        if let Some(dropped) = self.0 {
            let _ = dropped.send(());
        }
    }
}

#[async_trait]
impl Service for Stuck {
    async fn serve(&self, _: &NodeId, envelope: Envelope, _: Instant) -> Bytes {
        let mut guard = Dropped(Some(&self.dropped));
        let go = self.go.notified();
        let _ = self.begun.send(());
        go.await;
        guard.0 = None;
        envelope.payload
    }
}
