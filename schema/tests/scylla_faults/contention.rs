//! Writers that know nothing of each other on one partition, of whose commits many time out: each finds out by itself what
//! became of them.

use std::sync::Arc;

use schema::{Commit, Store, StoreError, contract::user, scylla::ScyllaStore};
use tokio::task::JoinSet;

use super::{
    ALONE, Told, assert_truth, attempt, cluster,
    forged::behind,
    proxy::Fault::{self, AppliedThenTimeout, DroppedThenTimeout, Passed},
};

/// What a writer's batches meet, barriers included, again and again.
const FAULTS: [Fault; 5] = [AppliedThenTimeout, Passed, DroppedThenTimeout, Passed, Passed];

/// Eight processes' worth of stores, without the gate that callers of one store share.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a cluster: .ci/cql-cluster"]
async fn of_eight_contending_writers_each_knows_which_of_its_commits_count() {
    const WRITERS: u64 = 8;
    const EACH: u64 = 10;
    let _alone = ALONE.lock().await;
    let options = Box::pin(cluster::migrated()).await;
    let key = user(&cluster::unique());
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let (proxies, options) = Box::pin(behind(options.clone())).await;
        let store: Arc<dyn Store> = Arc::new(ScyllaStore::connect(&options).await.expect("connects"));
        proxies.script(FAULTS.into_iter().cycle().take(1000));
        let key = key.clone();
        writers.spawn(async move {
            let _proxies = proxies;
            let mut told: Vec<Told> = Vec::new();
            for number in writer * EACH..(writer + 1) * EACH {
                // A caller that is told "unavailable" while loading has not tried yet.
                if let Ok(outcome) = attempt(&*store, &key, number).await {
                    told.push(outcome);
                }
            }
            told
        });
    }
    let told: Vec<Told> = writers.join_all().await.into_iter().flatten().collect();
    let store = ScyllaStore::connect(&options).await.expect("connects");
    assert_truth(&store, &key, &told).await;
    let count = |wanted: fn(&Told) -> bool| told.iter().filter(|told| wanted(told)).count();
    let committed = count(|told| matches!(told.outcome, Ok(Commit::Committed(_))));
    let unknown = count(|told| matches!(told.outcome, Err(StoreError::Unknown(_))));
    let asked = count(|told| told.asked);
    println!("of {} attempts {committed} committed, {asked} asked the ring, {unknown} stayed unknown", told.len());
    assert!(committed > 0, "somebody gets through");
    assert!(asked as u64 >= WRITERS, "the first commit of each timed out");
    assert!(unknown * 4 <= asked, "with all nodes up the ring tells nearly always");
}
