//! Nodes in several data centres. Which majority a commit asks is decided by where the keyspace has its copies, never by
//! where a node is: nodes whose majorities need not meet would both accept the same one-time code. Needs a cluster of
//! data centres dc1, dc1 and dc2: `CQL_DCS=dc1,dc1,dc2 .ci/cql-cluster up 3`.

use std::sync::Arc;

use schema::{
    Commit, Kind, PartitionKey, Store as _,
    contract::{put, write},
    resolve::commit_resolved,
    scylla::{ConnectError, Replication, ScyllaOptions, ScyllaStore, migrate::Migrator},
};
use tokio::task::JoinSet;

use super::{
    cluster,
    own::{run, session},
};

/// Commits on the same revision by every store, and revisions in all.
const EACH: u64 = 8;
const ROUNDS: u64 = 8;

/// A keyspace with so many copies in each data centre.
async fn keyspace(copies: &[(&str, u32)]) -> ScyllaOptions {
    let copies = copies.iter().map(|(centre, copies)| ((*centre).to_owned(), *copies));
    let options = ScyllaOptions { replication: Replication::PerDc(copies.collect()), ..cluster::fresh() };
    cluster::migrate(&options).await;
    options
}

/// Its store, for a node that prefers a data centre, or none.
async fn store(options: &ScyllaOptions, centre: Option<&str>) -> Arc<ScyllaStore> {
    let options = ScyllaOptions { local_dc: centre.map(str::to_owned), ..options.clone() };
    Arc::new(ScyllaStore::connect(&options).await.expect("connects"))
}

/// Stores of nodes in both data centres and in none commit on the same revision: one of them does, and all say which.
async fn one_wins(options: &ScyllaOptions) {
    let stores = [store(options, Some("dc1")).await, store(options, Some("dc2")).await, store(options, None).await];
    for told in &stores {
        told.self_test().await.expect("conditional writes work");
    }
    let key = PartitionKey::new(Kind::User, "ann");
    let mut last = None;
    for round in 0..ROUNDS {
        let mut tasks = JoinSet::new();
        for (store, number) in stores.iter().cycle().zip(1..=EACH * 3) {
            let number = round * 100 + number;
            let (store, mut write) = (Arc::clone(store), write(&key, last, number, vec![put("n", number)]));
            write.operation.digest = [1; 32];
            tasks.spawn(async move { (write.operation.id, commit_resolved(&*store, write).await.expect("resolved")) });
        }
        let outcomes = tasks.join_all().await;
        let won: Vec<_> =
            outcomes.iter().filter(|(_, outcome)| *outcome != Commit::Conflict).map(|(id, _)| *id).collect();
        let mut found = Vec::new();
        for told in &stores {
            found.push(told.load(&key, &[""]).await.expect("works"));
        }
        assert!(found.iter().all(|told| told.revision == found[0].revision), "all see the same: {found:?}");
        let listed = |id| found[0].operations.iter().any(|operation| operation.id == id);
        let listed: Vec<_> = outcomes.iter().map(|(id, _)| *id).filter(|id| listed(*id)).collect();
        assert_eq!(won, listed, "who was told to have won is who won");
        // None, where the one that might have been was lost and ruled out.
        assert!(won.len() <= 1, "{won:?}");
        last = found[0].revision;
    }
    run(&session(options).await, format!("DROP KEYSPACE {}", options.keyspace)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs two data centres: .ci/test store"]
async fn one_commit_wins_in_a_keyspace_with_copies_in_both() {
    one_wins(&keyspace(&[("dc1", 2), ("dc2", 1)]).await).await;
}

/// A node in the data centre of all copies asks a majority there; the others ask a majority of all, which is the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs two data centres: .ci/test store"]
async fn one_commit_wins_in_a_keyspace_with_copies_in_one() {
    one_wins(&keyspace(&[("dc1", 2)]).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs two data centres: .ci/test store"]
async fn copies_in_each_are_made_in_both_and_those_in_one_are_not_taken_for_it() {
    let each = ScyllaOptions { replication: Replication::EachDc(1), ..cluster::fresh() };
    cluster::migrate(&each).await;
    let both = [("dc1".to_owned(), 1), ("dc2".to_owned(), 1)];
    let both = ScyllaOptions { replication: Replication::PerDc(both.into()), ..each.clone() };
    Migrator::connect(&both).await.expect("connects").check().await.expect("it is the same");
    let one = ScyllaOptions { replication: Replication::PerDc(vec![("dc1".to_owned(), 1)]), ..each.clone() };
    let error = ScyllaStore::connect(&one).await.expect_err("it has copies in another too");
    assert!(matches!(&error, ConnectError::Replication { found, .. } if found.contains("dc2:1")), "{error}");
    run(&session(&each).await, format!("DROP KEYSPACE {}", each.keyspace)).await;
}
