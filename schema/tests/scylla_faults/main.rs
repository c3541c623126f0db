//! What a commit's caller is told when the network or a node fails under it, compared with what is stored. Needs the
//! cluster of `.ci/cql-cluster up 3`, whose nodes are killed here, so nothing else may use it at the same time:
//! `DOORWARD_TEST_CQL=127.0.0.1:9042 cargo test -p schema --test scylla_faults -- --ignored`.

mod contention;
mod forged;
mod meeting;
mod outage;
mod proxy;

#[path = "../scylla/cluster.rs"]
mod cluster;

use schema::{
    AttemptId, Commit, Partition, PartitionKey, Put, Store, StoreError, WriteSet,
    contract::{put, write},
    resolve::{ToldBy, commit_told},
};

/// One test has the cluster at a time: some of them kill its nodes.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// An attempt, and what its caller was told.
#[derive(Debug)]
struct Told {
    item: Box<str>,
    /// Did the store not know?
    asked: bool,
    outcome: Result<Commit, StoreError>,
}

/// Adds one to `n` and leaves a mark of its own, on what is loaded, so that each attempt shows whether it was carried out.
async fn attempt(store: &dyn Store, key: &PartitionKey, number: u64) -> Result<Told, StoreError> {
    let found = store.load(key, &["n"]).await?;
    let write = marked(key, &found, number);
    let item = write.puts[0].key.clone();
    let told = commit_told(store, write).await;
    let asked = matches!(told, Ok((_, ToldBy::Ring)) | Err(StoreError::Unknown(_)));
    Ok(Told { item, asked, outcome: told.map(|(commit, _)| commit) })
}

fn marked(key: &PartitionKey, found: &Partition, number: u64) -> WriteSet {
    let puts: Vec<Put> = vec![put(&format!("mark/{number:04}"), number), put("n", n(found) + 1)];
    let mut write = write(key, found.revision, number, puts);
    write.operation.digest = [1; 32];
    write
}

/// The item `n` of a partition.
fn n(partition: &Partition) -> u64 {
    let body = partition.items.get("n").map_or(r#"{"value":0}"#, |body| body.json.get());
    body.trim_matches(|c: char| !c.is_ascii_digit()).parse().expect("the tests write numbers")
}

/// The ids in a partition's ring.
fn ring(partition: &Partition) -> Vec<AttemptId> {
    partition.operations.iter().map(|operation| operation.id).collect()
}

/// Every attempt that was told "committed" left its mark, every one that was told anything else that is sure left none,
/// and `n` counts the marks.
async fn assert_truth(store: &dyn Store, key: &PartitionKey, told: &[Told]) {
    let found = store.load(key, &[""]).await.expect("the store works again");
    let marks = found.items.keys().filter(|item| item.starts_with("mark/")).count();
    assert_eq!(n(&found), marks as u64, "each commit was made on what the one before had written");
    for told in told {
        let there = found.items.contains_key(&told.item);
        match &told.outcome {
            Ok(Commit::Committed(_)) => assert!(there, "{told:?}"),
            Ok(Commit::Conflict) | Err(StoreError::Unavailable(_)) => assert!(!there, "{told:?}"),
            Err(StoreError::Unknown(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
}
