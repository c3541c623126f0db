//! Durable compare-and-set on the embedded store by 1, 16 and 256 callers at once, each on partitions of its own, with
//! records of about 400 bytes, as the ceiling in the reference figures was measured. A single sync of the same disk is
//! measured beside it, so that the ratio can be read from one run.

use std::{
    fs::File,
    io::{Seek as _, SeekFrom, Write as _},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use schema::{
    Body, Commit, Put, Revision, Store as _, WriteSet,
    contract::{json, user, write},
    embedded::{EmbeddedStore, Options},
};

/// Commits that each caller makes in turn before it is done.
const EACH: u64 = 64;

fn record(caller: u64, turn: u64, expected: Option<Revision>) -> WriteSet {
    let body = format!(r#"{{"v":1,"min_reader":1,"turn":{turn},"pad":"{}"}}"#, "x".repeat(370));
    let put = Put { key: "account".into(), body: Body { json: json(&body), expires_at: None } };
    write(&user(&format!("user-{caller}")), expected, caller << 32 | turn, vec![put])
}

/// All callers make their commits; the time from the first to the last.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures")]
async fn round(store: &Arc<EmbeddedStore>, callers: u64, first: u64) -> Duration {
    let start = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for caller in first..first + callers {
        let store = Arc::clone(store);
        tasks.spawn(async move {
            let mut last = None;
            for turn in 0..EACH {
                match store.commit(record(caller, turn, last)).await {
                    Ok(Commit::Committed(revision)) => last = Some(revision),
                    other => panic!("{other:?}"),
                }
            }
        });
    }
    tasks.join_all().await;
    start.elapsed()
}

fn commits(criterion: &mut Criterion) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder on the disk that is measured");
    let store = Arc::new(EmbeddedStore::open(folder.path(), &Options::default()).expect("opens"));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
    let mut group = criterion.benchmark_group("commit");
    group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3));
    let mut first = 0;
    for callers in [1, 16, 256] {
        group.throughput(Throughput::Elements(callers * EACH));
        group.bench_function(format!("{callers} callers"), |bencher| {
            bencher.iter_custom(|rounds| {
                let mut total = Duration::ZERO;
                for _ in 0..rounds {
                    total += runtime.block_on(round(&store, callers, first));
                    first += callers;
                }
                total
            });
        });
    }
    group.throughput(Throughput::Elements(1));
    group.bench_function("one sync of 500 bytes", |bencher| {
        let mut file = preallocated(&folder.path().join("sync"));
        bencher.iter(|| {
            file.write_all(&[7; 500]).expect("written");
            file.sync_data().expect("synced");
        });
    });
    group.finish();
}

/// A file with room, so that a sync writes data alone.
fn preallocated(path: &Path) -> File {
    let mut file = File::create(path).expect("made");
    file.set_len(64 * 1024 * 1024).expect("extended");
    file.seek(SeekFrom::Start(0)).expect("at its start");
    file
}

criterion_group!(benches, commits);
criterion_main!(benches);
