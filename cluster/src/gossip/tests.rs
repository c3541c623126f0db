//! Thirty nodes in one process, over a network that loses messages, in virtual time.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use chitchat::{
    ChitchatMessage,
    transport::{ChannelTransport, Socket, Transport},
};
use xxhash_rust::xxh3::xxh3_64;

use super::{Gossip, GossipOptions, Seed};
use crate::{Generation, Member, Role};

pub(super) const NODES: u16 = 30;

/// Loses so many of a hundred messages, chosen by a hash of their number.
struct Lossy {
    inner: ChannelTransport,
    percent: u64,
    sent: Arc<AtomicU64>,
}

struct LossySocket {
    inner: Box<dyn Socket>,
    percent: u64,
    sent: Arc<AtomicU64>,
}

#[async_trait]
impl Transport for Lossy {
    async fn open(&self, at: SocketAddr) -> anyhow::Result<Box<dyn Socket>> {
        let inner = self.inner.open(at).await?;
        Ok(Box::new(LossySocket { inner, percent: self.percent, sent: Arc::clone(&self.sent) }))
    }
}

#[async_trait]
impl Socket for LossySocket {
    async fn send(&mut self, to: SocketAddr, message: ChitchatMessage) -> anyhow::Result<()> {
        let number = self.sent.fetch_add(1, Ordering::Relaxed);
        if xxh3_64(&number.to_le_bytes()) % 100 < self.percent {
            return Ok(());
        }
        self.inner.send(to, message).await
    }

    async fn recv(&mut self) -> anyhow::Result<(SocketAddr, ChitchatMessage)> {
        self.inner.recv().await
    }
}

fn address(node: u16) -> SocketAddr {
    ([127, 0, 0, 1], 1_000 + node).into()
}

fn options(node: u16) -> GossipOptions {
    let me = Member {
        node: format!("node-{node:02}").parse().expect("a name"),
        generation: Generation(1),
        roles: vec![Role::Actors],
        address: address(node).to_string().into(),
        level: 0,
        draining: false,
        term: 1,
    };
    let seeds = [0, 1].map(|seed| Seed::Address(address(seed).to_string().into())).into();
    let (listen, cluster) = (address(node), "test".to_owned());
    GossipOptions { me, cluster, listen, advertise: listen, seeds, keys: Vec::new() }
}

/// Thirty nodes that have just begun to speak.
pub(super) async fn beginning(percent: u64) -> Vec<Gossip> {
    let transport = Lossy { inner: ChannelTransport::default(), percent, sent: Arc::default() };
    let mut nodes = Vec::new();
    for node in 0..NODES {
        nodes.push(Gossip::start_over(options(node), &transport).await.expect("starts"));
    }
    nodes
}

/// Thirty nodes that all know each other, and how long that took.
async fn thirty(percent: u64) -> (Vec<Gossip>, Duration) {
    let began = crate::now();
    let nodes = beginning(percent).await;
    for node in &nodes {
        node.live().wait_for(|live| live.len() == usize::from(NODES)).await.expect("runs");
    }
    (nodes, crate::now() - began)
}

#[tokio::test(start_paused = true)]
async fn thirty_nodes_converge_within_seconds_and_stay_together_under_loss() {
    for percent in [10, 20] {
        let (nodes, took) = thirty(percent).await;
        println!("{percent} % lost: together after {took:?}");
        assert!(took < Duration::from_secs(5), "{percent} % lost: {took:?}");
        // What was learnt of the last to come may still be young.
        tokio::time::sleep(Duration::from_secs(3)).await;
        let mut seen: Vec<_> = nodes.iter().map(Gossip::live).collect();
        for live in &mut seen {
            live.mark_unchanged();
        }
        tokio::time::sleep(Duration::from_secs(12)).await;
        let changed = seen.iter().filter(|live| live.has_changed().expect("runs")).count();
        assert_eq!(changed, 0, "{percent} % lost: nobody came or went");
    }
}

#[tokio::test(start_paused = true)]
async fn of_thirty_nodes_under_loss_the_first_soon_knows_that_one_died() {
    let (mut nodes, _) = thirty(15).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    drop(nodes.pop());
    let died = crate::now();
    let mut took = Vec::new();
    for node in &nodes {
        node.live().wait_for(|live| live.len() == usize::from(NODES) - 1).await.expect("runs");
        took.push(crate::now() - died);
    }
    // In the order of their names; each has waited for those before it. The first takes the dead out of the view.
    println!("known to the first after {:?}, to all after {:?}", took[0], took[took.len() - 1]);
    assert!(took[0] < Duration::from_secs(2), "{took:?}");
    assert!(took[took.len() - 1] < Duration::from_millis(2_500), "{took:?}");
}
