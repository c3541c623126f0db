//! A call over the transport: 200 bytes each way, alone and with 256 in flight.
//!
//! As a criterion benchmark both ends are in this process, and what is measured is time. With `--two-processes` the answering
//! side is a process of its own, each is pinned to a core where `taskset` is at hand, and what is measured is the CPU time of
//! each side for a call: `cargo bench -p cluster --bench transport -- --two-processes`. With `--one-core` both are on the same
//! core. Beside calls one by one stands a bare echo over TCP, than which none can be cheaper.

use std::{
    future::ready,
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
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    runtime::{Builder, Runtime},
    sync::Mutex,
    time::{Instant, sleep},
};

/// How often each load is measured, and for how long.
const RUNS: usize = 3;
const RUN: Duration = Duration::from_secs(3);
/// Bytes each way.
const LENGTH: usize = 200;
/// Between calls that are made one by one: long enough for both sides to go to sleep.
const PAUSE: Duration = Duration::from_millis(2);

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
    let payload = Bytes::from(vec![7; LENGTH]);
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

/// Gives back what it reads, without anything in between.
async fn echo(listener: TcpListener) {
    let (mut stream, _) = listener.accept().await.expect("a connection");
    stream.set_nodelay(true).expect("an open socket");
    let mut bytes = [0; LENGTH];
    while stream.read_exact(&mut bytes).await.is_ok() && stream.write_all(&bytes).await.is_ok() {}
}

/// The answering side: says where it is, and then, for each line that it reads, what CPU time it has used.
fn answer(folder: &Path) {
    let runtime = one_thread();
    let transport = runtime.block_on(async { start("b", folder) });
    println!("{}", runtime.block_on(serve(&transport)));
    let bare = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
    println!("{}", bare.local_addr().expect("bound"));
    runtime.spawn(echo(bare));
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
    fn start(folder: &Path, core: Option<&str>) -> Self {
        let this = std::env::current_exe().expect("has a path");
        let mut command = if core.is_some() { Command::new("taskset") } else { Command::new(&this) };
        if let Some(core) = core {
            command.args(["-c", core]).arg(&this);
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

/// How often something is done within the length of a run, each time after a pause. In a task, as a node does it.
fn often<F>(runtime: &Runtime, pause: Duration, mut step: impl FnMut() -> F + Send + 'static) -> u32
where
    F: Future<Output = ()> + Send,
{
    let end = cluster::now() + RUN;
    let steps = async move {
        let mut count = 0;
        while cluster::now() < end {
            if !pause.is_zero() {
                sleep(pause).await;
            }
            step().await;
            count += 1;
        }
        count
    };
    runtime.block_on(runtime.spawn(steps)).expect("no panic")
}

/// Both sides, and what CPU time each takes.
struct Sides {
    runtime: Runtime,
    other: Answering,
}

impl Sides {
    /// Prints the CPU time of one of so many at each side, less what a pause takes by itself.
    fn measure(&mut self, what: &str, pause: Duration, mut run: impl FnMut(&Runtime) -> u32) {
        for _ in 0..RUNS {
            let micros = |used: Duration, count: u32| used.as_secs_f64() * 1e6 / f64::from(count.max(1));
            let before = cpu();
            let pauses = if pause.is_zero() { 0 } else { often(&self.runtime, pause, || ready(())) };
            let pausing = micros(cpu().saturating_sub(before), pauses);
            let before = (cpu(), self.other.cpu());
            let count = run(&self.runtime);
            let (mine, theirs) = (cpu().saturating_sub(before.0), self.other.cpu().saturating_sub(before.1));
            let mine = micros(mine, count) - if pauses == 0 { 0.0 } else { pausing };
            println!(
                "{what}: {count} times; CPU each: caller {mine:.1} µs, answering side {:.1} µs",
                micros(theirs, count)
            );
        }
    }
}

/// Prints the CPU time of a call at each side.
fn two_processes(one_core: bool) {
    let me = std::process::id().to_string();
    let pinned = Command::new("taskset").args(["-apc", "0", &me]).stdout(Stdio::null()).status();
    let pinned = pinned.is_ok_and(|status| status.success());
    let other_core = if one_core { "0" } else { "1" };
    let folder = tempfile::TempDir::new().expect("a folder");
    make_certificates(folder.path());
    let mut other = Answering::start(folder.path(), pinned.then_some(other_core));
    let (to, bare) = (answering(&other.line()), other.line());
    let runtime = one_thread();
    let from = Arc::new(runtime.block_on(async { start("a", folder.path()) }));
    let socket = runtime.block_on(TcpStream::connect(bare)).expect("it listens");
    socket.set_nodelay(true).expect("an open socket");
    let socket = Arc::new(Mutex::new(socket));
    println!(
        "two processes, {}",
        if pinned { format!("on cores 0 and {other_core}") } else { "not pinned".to_owned() }
    );
    let mut sides = Sides { runtime, other };
    let payload = Bytes::from(vec![7; LENGTH]);
    let one = || {
        let (from, to, payload) = (Arc::clone(&from), to.clone(), payload.clone());
        move || {
            let (from, to, payload) = (Arc::clone(&from), to.clone(), payload.clone());
            async move { call(&from, &to, &payload).await }
        }
    };
    sides.measure("256 calls at a time", Duration::ZERO, |runtime| {
        let all = join_all((0..256).map(|_| {
            let (one, end) = (one(), cluster::now() + RUN);
            async move {
                let mut count = 0;
                while cluster::now() < end {
                    one().await;
                    count += 1;
                }
                count
            }
        }));
        runtime.block_on(runtime.spawn(all)).expect("no panic").into_iter().sum()
    });
    for (pause, how) in [(Duration::ZERO, "one after the other"), (PAUSE, "one after a pause of 2 ms")] {
        sides.measure(&format!("calls, {how}"), pause, |runtime| often(runtime, pause, one()));
        sides.measure(&format!("bare echoes, {how}"), pause, |runtime| {
            let socket = Arc::clone(&socket);
            often(runtime, pause, move || {
                let socket = Arc::clone(&socket);
                async move {
                    let (mut socket, mut bytes) = (socket.lock().await, [7; LENGTH]);
                    socket.write_all(&bytes).await.expect("it lives");
                    socket.read_exact(&mut bytes).await.expect("it lives");
                }
            })
        });
    }
    drop(sides.other.ask);
    sides.other.child.wait().expect("ends when nobody asks any more");
}

criterion_group!(benches, calls);

fn main() {
    let mut line = std::env::args().skip(1);
    match line.next().as_deref() {
        Some("--two-processes") => two_processes(false),
        Some("--one-core") => two_processes(true),
        Some("--answer") => answer(Path::new(&line.next().expect("a folder"))),
        _ => {
            benches();
            Criterion::default().configure_from_args().final_summary();
        }
    }
}
