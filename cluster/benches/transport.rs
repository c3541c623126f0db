//! A call over the transport: 200 bytes each way, alone and with 256 in flight.
//!
//! As a criterion benchmark both ends are in this process, and what is measured is time. With `--two-processes` the answering
//! side is a process of its own, each is pinned to a core where `taskset` is at hand, and what is measured is the CPU time of
//! each side for a call: `cargo bench -p cluster --bench transport -- --two-processes`.

use std::{
    hint::black_box,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use bytes::Bytes;
use cluster::{
    Caller, Envelope, Generation, Member, NodeId, Service,
    certs::{self, CertsOptions},
    transport::{Transport, TransportOptions},
};
use criterion::{Criterion, Throughput, criterion_group};
use futures_util::future::join_all;
use rustix::time::{ClockId, clock_gettime};
use tokio::{
    net::TcpListener,
    runtime::{Builder, Runtime},
    time::Instant,
};

/// How often each load is measured, and for how long.
const RUNS: usize = 3;
const RUN: Duration = Duration::from_secs(3);

struct Echo;

#[async_trait]
impl Service for Echo {
    async fn serve(&self, _: &NodeId, envelope: Envelope, _: Instant) -> Bytes {
        envelope.payload
    }
}

fn name(name: &str) -> NodeId {
    name.parse().expect("a name")
}

fn make_certificates(folder: &Path) {
    #[expect(clippy::disallowed_methods, reason = "certificates are made for now")]
    let now = SystemTime::now();
    certs::make(folder, &[name("a"), name("b")], &CertsOptions::new(now)).expect("certificates");
}

fn start(me: &str, folder: &Path) -> Transport {
    let me = name(me);
    let tls = certs::files(folder, &me);
    Transport::start(TransportOptions { me, tls, visits: false }).expect("its certificates")
}

/// Begins to answer; says where.
async fn serve(transport: &Transport) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    transport.serve(listener, Arc::new(Echo));
    address
}

fn answering(address: &str) -> Member {
    Member {
        node: name("b"),
        generation: Generation(1),
        roles: Vec::new(),
        address: address.into(),
        level: 0,
        draining: false,
        term: 1,
    }
}

async fn call(from: &Transport, to: &Member, payload: &Bytes) {
    let envelope = Envelope {
        key: Bytes::from_static(b"0123456789abcdef"),
        remaining_ms: 0,
        in_place: false,
        traceparent: Bytes::new(),
        payload: payload.clone(),
    };
    let answer = from.call(to, envelope, cluster::now() + Duration::from_secs(10)).await;
    black_box(answer.expect("an answer"));
}

fn calls(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let folder = tempfile::TempDir::new().expect("a folder");
    make_certificates(folder.path());
    let (a, _b, to) = runtime.block_on(async {
        let (a, b) = (start("a", folder.path()), start("b", folder.path()));
        let to = answering(&serve(&b).await);
        (a, b, to)
    });
    let payload = Bytes::from(vec![7; 200]);
    let mut group = criterion.benchmark_group("transport");
    for in_flight in [1_u16, 256] {
        group.throughput(Throughput::Elements(in_flight.into()));
        group.bench_function(format!("call/{in_flight}_in_flight"), |bencher| {
            bencher.iter(|| runtime.block_on(join_all((0..in_flight).map(|_| call(&a, &to, &payload)))));
        });
    }
    group.finish();
}

/// The CPU time that this process has used.
fn cpu() -> Duration {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(used.tv_sec.unsigned_abs(), u32::try_from(used.tv_nsec).unwrap_or_default())
}

/// What a process of a node runs on: one thread for its one core.
fn one_thread() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
}

/// The answering side: says where it is, and then, for each line that it reads, what CPU time it has used.
fn answer(folder: &Path) {
    let runtime = one_thread();
    let transport = runtime.block_on(async { start("b", folder) });
    println!("{}", runtime.block_on(serve(&transport)));
    for _ in std::io::stdin().lines() {
        println!("{}", cpu().as_nanos());
    }
}

/// The answering side, as its caller has it.
struct Answering {
    child: Child,
    ask: ChildStdin,
    told: BufReader<ChildStdout>,
}

impl Answering {
    fn start(folder: &Path, pinned: bool) -> Self {
        let this = std::env::current_exe().expect("has a path");
        let mut command = if pinned { Command::new("taskset") } else { Command::new(&this) };
        if pinned {
            command.args(["-c", "1"]).arg(&this);
        }
        command.arg("--answer").arg(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("starts");
        let (ask, told) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
        Self { child, ask, told: BufReader::new(told) }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.told.read_line(&mut line).expect("it lives");
        line.trim().to_owned()
    }

    fn cpu(&mut self) -> Duration {
        self.ask.write_all(b"\n").expect("it lives");
        Duration::from_nanos(self.line().parse().expect("a number"))
    }
}

/// Calls for the length of a run, so many at a time; says how often.
async fn load(from: &Transport, to: &Member, in_flight: u16) -> u32 {
    let (payload, end) = (Bytes::from(vec![7; 200]), cluster::now() + RUN);
    let one = || async {
        let mut count = 0;
        while cluster::now() < end {
            call(from, to, &payload).await;
            count += 1;
        }
        count
    };
    join_all((0..in_flight).map(|_| one())).await.into_iter().sum()
}

/// Prints the CPU time of a call at each side.
fn two_processes() {
    let me = std::process::id().to_string();
    let pinned = Command::new("taskset").args(["-pc", "0", &me]).stdout(Stdio::null()).status();
    let pinned = pinned.is_ok_and(|status| status.success());
    let folder = tempfile::TempDir::new().expect("a folder");
    make_certificates(folder.path());
    let mut other = Answering::start(folder.path(), pinned);
    let to = answering(&other.line());
    let runtime = one_thread();
    let from = runtime.block_on(async { start("a", folder.path()) });
    println!("two processes, {}", if pinned { "each pinned to a core" } else { "not pinned: no taskset" });
    for in_flight in [256, 1] {
        for _ in 0..RUNS {
            let before = (cpu(), other.cpu());
            let count = runtime.block_on(load(&from, &to, in_flight));
            let (mine, theirs) = (cpu().saturating_sub(before.0), other.cpu().saturating_sub(before.1));
            let each = |used: Duration| used.as_secs_f64() * 1e6 / f64::from(count.max(1));
            println!(
                "{in_flight} in flight: {count} calls; CPU per call: caller {:.1} µs, answering side {:.1} µs",
                each(mine),
                each(theirs)
            );
        }
    }
    drop(other.ask);
    other.child.wait().expect("ends when nobody asks any more");
}

criterion_group!(benches, calls);

fn main() {
    let mut line = std::env::args().skip(1);
    match line.next().as_deref() {
        Some("--two-processes") => two_processes(),
        Some("--answer") => answer(Path::new(&line.next().expect("a folder"))),
        _ => {
            benches();
            Criterion::default().configure_from_args().final_summary();
        }
    }
}
