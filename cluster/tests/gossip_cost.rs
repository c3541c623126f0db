//! What the gossip costs: CPU and bytes for each node. Run by hand, for a busy machine tells nothing:
//! `cargo test --release -p cluster --test gossip_cost -- --ignored --nocapture`.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use cluster::{
    Generation, Member, Role,
    gossip::{Gossip, GossipKey, GossipOptions, Seed},
};
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};

const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// Adds up the bytes sent.
struct Sent(Arc<AtomicU64>);

impl Recorder for Sent {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let sent = key.labels().any(|label| label.value() == "sent");
        if sent { Counter::from_arc(Arc::clone(&self.0)) } else { Counter::noop() }
    }
    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }
    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

/// CPU of this process, in milliseconds.
fn cpu_ms() -> i64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec * 1_000 + time.tv_nsec / 1_000_000
}

async fn nodes(count: usize) -> Vec<Gossip> {
    let mut nodes: Vec<Gossip> = Vec::new();
    for node in 0..count {
        let me = Member {
            node: format!("node-{node:02}").parse().expect("a name"),
            generation: Generation(1),
            roles: vec![Role::Http, Role::Actors],
            address: "node.example.com:9000".into(),
            level: 1,
            draining: false,
            term: 1,
        };
        let seeds = nodes.first().map(|first| Seed::Address(first.advertised().to_string().into()));
        let keys = vec![GossipKey::new(1, [7; 32])];
        let seeds = seeds.into_iter().collect();
        let options = GossipOptions { me, cluster: "cost".to_owned(), listen: ANY, advertise: ANY, seeds, keys };
        nodes.push(Gossip::start(options).await.expect("starts"));
    }
    for node in &nodes {
        node.live().wait_for(|live| live.len() == count).await.expect("runs");
    }
    nodes
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement, for a machine that does nothing else"]
async fn cpu_and_bytes_of_three_and_of_thirty_nodes() {
    const SECONDS: u32 = 10;
    let sent = Arc::new(AtomicU64::new(0));
    metrics::set_global_recorder(Sent(Arc::clone(&sent))).expect("the only one");
    for count in [3, 30] {
        let nodes = nodes(count).await;
        let (cpu, bytes) = (cpu_ms(), sent.load(Ordering::Relaxed));
        tokio::time::sleep(Duration::from_secs(SECONDS.into())).await;
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let cpu = (cpu_ms() - cpu) as f64 / f64::from(SECONDS) / nodes.len() as f64;
        let bytes = (sent.load(Ordering::Relaxed) - bytes) / u64::from(SECONDS) / nodes.len() as u64;
        println!("{count} nodes: {cpu:.2} ms CPU and {bytes} bytes sent per node and second");
    }
}
