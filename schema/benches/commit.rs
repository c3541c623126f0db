//! Durable compare-and-set on the embedded store by 1, 16 and 256 callers at once, each on partitions of its own, with
//! records of about 400 bytes, as the reference figures were measured; and beside it the ceiling of the database below,
//! so that their ratio can be read from one run.

use std::{
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
    group.finish();
}

/// What the database below can do at most: one row a commit, nothing compared, nobody to answer, groups always full.
fn ceiling(criterion: &mut Criterion) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder on the disk that is measured");
    let db = fjall::Database::builder(folder.path()).worker_threads(1).open().expect("opens");
    let rows = db.keyspace("rows", fjall::KeyspaceCreateOptions::default).expect("opens");
    let mut group = criterion.benchmark_group("ceiling");
    group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3));
    let mut number = 0_u64;
    for size in [1, 16, 256] {
        group.throughput(Throughput::Elements(size));
        group.bench_function(format!("groups of {size}"), |bencher| {
            bencher.iter(|| {
                let mut batch = db.batch().durability(Some(fjall::PersistMode::SyncData));
                for _ in 0..size {
                    number += 1;
                    let key = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
                    batch.insert(&rows, key, vec![b'x'; 416]);
                }
                batch.commit().expect("written");
            });
        });
    }
    group.finish();
}

criterion_group!(benches, commits, ceiling);
criterion_main!(benches);
