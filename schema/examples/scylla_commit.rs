//! Durable compare-and-set on a cluster by 1, 16 and 64 callers at once, each on a partition of its own, with records of
//! about 400 bytes. `DOORWARD_TEST_CQL=127.0.0.1:9042 cargo run --release -p schema --example scylla_commit`.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use schema::{
    Body, Commit, Put, Store as _,
    contract::{json, user, write},
    scylla::{ScyllaOptions, ScyllaStore, migrate::Migrator},
};

/// Commits that each caller makes in turn.
const EACH: u64 = 50;

#[tokio::main]
#[expect(clippy::cast_precision_loss, reason = "a rate is shown, not reckoned with")]
async fn main() {
    let nodes = std::env::var("DOORWARD_TEST_CQL").expect("DOORWARD_TEST_CQL names nodes as HOST:PORT,…");
    let options = ScyllaOptions::new(nodes.split(',').map(str::to_owned).collect(), "bench_commit");
    Migrator::connect(&options).await.expect("connects").up("the benchmark").await.expect("migrates");
    let store = Arc::new(ScyllaStore::connect(&options).await.expect("connects"));
    round(&store, 16).await;
    for callers in [1, 16, 64] {
        let (mut each, took) = round(&store, callers).await;
        each.sort_unstable();
        let at = |part: usize| each[each.len() * part / 100];
        let rate = each.len() as f64 / took.as_secs_f64();
        println!("{callers:3} callers: {rate:7.0} commits/s, p50 {:?}, p99 {:?}", at(50), at(99));
    }
}

/// All callers make their commits: how long each took, and all of them.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures")]
async fn round(store: &Arc<ScyllaStore>, callers: u64) -> (Vec<Duration>, Duration) {
    let start = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for caller in 0..callers {
        let store = Arc::clone(store);
        tasks.spawn(async move {
            let key = user(&format!("user-{callers}-{caller}"));
            let mut last = store.load(&key, &[]).await.expect("works").revision;
            let mut took = Vec::new();
            for turn in 0..EACH {
                let body = format!(r#"{{"v":1,"min_reader":1,"turn":{turn},"pad":"{}"}}"#, "x".repeat(370));
                let put = Put { key: "account".into(), body: Body { json: json(&body), expires_at: None } };
                let begin = Instant::now();
                match store.commit(write(&key, last, caller << 32 | turn, vec![put])).await {
                    Ok(Commit::Committed(revision)) => last = Some(revision),
                    other => panic!("{other:?}"),
                }
                took.push(begin.elapsed());
            }
            took
        });
    }
    let each = tasks.join_all().await.into_iter().flatten().collect();
    (each, start.elapsed())
}
