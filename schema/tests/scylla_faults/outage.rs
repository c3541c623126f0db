//! Nodes that die under commits, and come back.

mod copies;

use std::{path::Path, process::Command, time::Duration};

use schema::{
    Commit, Store, StoreError,
    contract::user,
    scylla::{ScyllaOptions, ScyllaStore},
};
use tokio::{sync::watch, task::JoinSet};

use super::{ALONE, Told, assert_truth, attempt, cluster};

/// Lets the cluster's script do something to a node.
fn cluster_script(verb: &str, node: u8) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.ci/cql-cluster");
    let done = Command::new(script).args([verb, &node.to_string()]).status().expect("the script runs");
    assert!(done.success(), "{verb} {node}");
}

/// A node that is down until this is dropped.
struct Down(u8);

impl Down {
    fn kill(node: u8) -> Self {
        cluster_script("kill", node);
        Self(node)
    }
}

impl Drop for Down {
    fn drop(&mut self) {
        cluster_script("start", self.0);
    }
}

/// As a node of ours is configured: nobody waits twenty seconds for an answer.
async fn connect(options: &ScyllaOptions) -> ScyllaStore {
    let options = ScyllaOptions { timeout: Duration::from_millis(2500), ..options.clone() };
    ScyllaStore::connect(&options).await.expect("connects")
}

/// Commits until `stop`, each on what the one before left, and tells all outcomes.
async fn commit_until(stop: watch::Receiver<bool>, store: ScyllaStore, name: String) -> (String, Vec<Told>) {
    let key = user(&name);
    let mut told = Vec::new();
    while !*stop.borrow() {
        let number = told.len() as u64;
        if let Ok(outcome) = attempt(&store, &key, number).await {
            told.push(outcome);
        }
    }
    (name, told)
}

/// Waits until the store answers again; a node that has just come up is not at once known to all others.
async fn works_again(store: &ScyllaStore) {
    for _ in 0..60 {
        if store.ping().await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    panic!("the store does not work again within 30 s");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a cluster of its own: .ci/cql-cluster"]
async fn commits_under_which_a_node_is_killed_are_told_the_truth() {
    let _alone = ALONE.lock().await;
    let options = cluster::migrated().await;
    let (stop, stopped) = watch::channel(false);
    let mut writers = JoinSet::new();
    for writer in 0..4 {
        let name = format!("{}.{writer}", cluster::unique());
        writers.spawn(commit_until(stopped.clone(), connect(&options).await, name));
    }
    // Long enough for commits to be under way, before and after.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let down = Down::kill(3);
    tokio::time::sleep(Duration::from_secs(4)).await;
    tokio::task::spawn_blocking(move || drop(down)).await.expect("it starts again");
    tokio::time::sleep(Duration::from_secs(1)).await;
    stop.send(true).expect("the writers listen");
    let store = connect(&options).await;
    works_again(&store).await;
    for (name, told) in writers.join_all().await {
        assert_truth(&store, &user(&name), &told).await;
        let committed = told.iter().filter(|told| matches!(told.outcome, Ok(Commit::Committed(_)))).count();
        println!("{name}: {committed} of {} attempts committed", told.len());
        assert!(committed > 0, "two of three nodes are a majority");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a cluster of its own: .ci/cql-cluster"]
async fn without_a_majority_nothing_is_answered_and_afterwards_everything_is_there() {
    let _alone = ALONE.lock().await;
    let options = cluster::migrated().await;
    let store = connect(&options).await;
    let key = user(&cluster::unique());
    let mut told = vec![attempt(&store, &key, 0).await.expect("works")];
    let found = store.load(&key, &["n"]).await.expect("works");
    {
        let (_second, _third) = (Down::kill(2), Down::kill(3));
        for number in 1..5 {
            let write = super::marked(&key, &found, number);
            let item = write.puts[0].key.clone();
            let outcome = store.commit(write).await;
            assert!(
                matches!(outcome, Err(StoreError::Unavailable(_) | StoreError::Unknown(_))),
                "one of three nodes decides nothing: {outcome:?}"
            );
            told.push(Told { item, asked: false, outcome });
        }
        assert!(matches!(store.load(&key, &[""]).await, Err(StoreError::Unavailable(_))));
        assert!(matches!(store.peek(&key, &[""]).await, Err(StoreError::Unavailable(_))));
        assert!(store.ping().await.is_err());
    }
    works_again(&store).await;
    told.push(attempt(&store, &key, 5).await.expect("works again"));
    assert_truth(&store, &key, &told).await;
    assert!(matches!(told.last(), Some(Told { outcome: Ok(_), .. })));
}
