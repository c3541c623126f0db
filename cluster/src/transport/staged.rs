//! What tests of this folder begin with: nodes with certificates in a folder of the test's own.

use std::{path::Path, sync::Arc, time::SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use tempfile::TempDir;
use tokio::{net::TcpListener, time::Instant};

use super::{Transport, TransportOptions};
use crate::{
    Envelope, Generation, Member, NodeId, Role, Service,
    certs::{self, CertsOptions},
};

/// Answers with what it was sent.
pub(super) struct Echo;

#[async_trait]
impl Service for Echo {
    async fn serve(&self, _: &NodeId, envelope: Envelope, _: Instant) -> Bytes {
        envelope.payload
    }
}

pub(super) fn name(text: &str) -> NodeId {
    text.parse().expect("a node's name")
}

/// A folder with certificates of the nodes `a` and `b`.
pub(super) fn certified() -> TempDir {
    #[expect(clippy::disallowed_methods, reason = "certificates are made for the time of the test")]
    let now = SystemTime::now();
    let dir = TempDir::new().expect("a folder");
    certs::make(dir.path(), &[name("a"), name("b")], &CertsOptions::new(now)).expect("certificates");
    dir
}

pub(super) fn transport(dir: &Path, node: &str) -> Transport {
    let me = name(node);
    let tls = certs::files(dir, &me);
    Transport::start(TransportOptions { me, tls, visits: false }).expect("its certificates")
}

/// The node `b`, which echoes, as a member.
pub(super) async fn echoing(dir: &Path) -> (Transport, Member) {
    let transport = transport(dir, "b");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound").to_string().into();
    transport.serve(listener, Arc::new(Echo));
    let (node, roles) = (name("b"), vec![Role::Actors]);
    (transport, Member { node, generation: Generation(1), roles, address, level: 0, draining: false, term: 1 })
}

/// A call with this payload.
pub(super) fn envelope(payload: impl Into<Bytes>) -> Envelope {
    Envelope {
        key: Bytes::from_static(b"user"),
        remaining_ms: 60_000,
        in_place: false,
        traceparent: Bytes::new(),
        payload: payload.into(),
    }
}
