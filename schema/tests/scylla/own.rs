//! What only this backend promises: its migrations, what it refuses, its clock, and when cells go.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use proptest::{
    collection::vec,
    prelude::{Strategy, any, prop_oneof},
    strategy::ValueTree as _,
    test_runner::TestRunner,
};
use schema::{
    Event, GRACE, Kind, PartitionKey, Revision, Store as _, StoreError, Stream, Timestamp,
    contract::{
        Backend as _, NOW, committed, json,
        model::{Step, a_history_of_commits_equals_its_model},
        put, whole, write,
    },
    scylla::{
        ConnectError, Replication, ScyllaOptions, ScyllaStore,
        migrate::{LEVEL, MIGRATIONS, Migrator, State},
    },
};
use scylla::client::{session::Session, session_builder::SessionBuilder};

use super::{Scylla, cluster};

/// A session of the test's own, to look at what is stored and to spoil it.
pub(crate) async fn session(options: &ScyllaOptions) -> Session {
    SessionBuilder::new().known_nodes(&options.nodes).build().await.expect("connects")
}

pub(crate) async fn run(session: &Session, cql: String) {
    session.query_unpaged(cql, ()).await.expect("carried out");
}

/// Several tests want to know how long cells live; the tables are shared, the partition is not.
async fn lives(session: &Session, options: &ScyllaOptions, key: &PartitionKey) -> (Option<i32>, Vec<Option<i32>>) {
    let table = format!("{}.\"{}\"", options.keyspace, key.kind.as_str());
    let select = format!("SELECT ttl(revision), ttl(body) FROM {table} WHERE id = ?");
    let rows = session.query_unpaged(select, (&*key.id,)).await.expect("read").into_rows_result().expect("rows");
    let rows: Vec<(Option<i32>, Option<i32>)> =
        rows.rows().expect("two numbers").map(|row| row.expect("two numbers")).collect();
    (rows.first().and_then(|row| row.0), rows.into_iter().map(|row| row.1).collect())
}

fn ident() -> PartitionKey {
    PartitionKey::new(Kind::Ident, cluster::unique())
}

/// A commit of one item in a partition that ends at `end`.
async fn ending(store: &ScyllaStore, key: &PartitionKey, number: u64, end: Option<Timestamp>) -> Revision {
    let expected = whole(store, key).await.revision;
    let mut write = write(key, expected, number, vec![put(&format!("item/{number}"), number)]);
    write.partition_expires_at = end;
    committed(store, write).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a cluster: .ci/cql-cluster"]
async fn all_cells_of_a_partition_that_ends_live_until_a_grace_after_its_latest_end() {
    let options = cluster::migrated().await;
    let (store, session) = (ScyllaStore::connect(&options).await.expect("connects"), session(&options).await);
    let key = ident();
    let day = i32::try_from(GRACE.as_secs()).expect("a day");
    let about =
        |found: Option<i32>, wanted: i32| found.is_some_and(|found| (wanted - 60..=wanted + 1).contains(&found));
    ending(&store, &key, 1, Some(NOW)).await;
    ending(&store, &key, 2, Some(NOW.before(GRACE))).await; // cannot be brought forward
    let (statics, items) = lives(&session, &options, &key).await;
    assert!(items.len() == 2 && items.iter().all(|life| about(*life, day)), "{items:?}");
    assert!(about(statics, day + 600), "{statics:?}");
    ending(&store, &key, 3, Some(NOW.after(GRACE))).await;
    let (statics, items) = lives(&session, &options, &key).await;
    assert!(items.len() == 3 && items.iter().all(|life| about(*life, 2 * day)), "{items:?}");
    assert!(about(statics, 2 * day + 600), "{statics:?}");
    assert_eq!(whole(&store, &key).await.operations.len(), 3, "the ring was written again as well");
    ending(&store, &key, 4, None).await;
    ending(&store, &key, 5, Some(NOW)).await; // permanent once, permanent for ever
    assert_eq!(lives(&session, &options, &key).await, (None, vec![None; 5]));
    assert_eq!(whole(&store, &key).await.operations.len(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a cluster: .ci/cql-cluster"]
async fn a_tombstone_that_becomes_an_account_becomes_permanent_with_all_that_is_in_it() {
    let options = cluster::migrated().await;
    let (store, session) = (ScyllaStore::connect(&options).await.expect("connects"), session(&options).await);
    let key = PartitionKey::new(Kind::User, cluster::unique());
    ending(&store, &key, 1, Some(NOW)).await;
    let stale = write(&key, Some(Revision::from_u64(1)), 9, vec![]);
    assert_eq!(store.commit(stale).await.expect("works"), schema::Commit::Conflict);
    ending(&store, &key, 2, None).await;
    assert_eq!(lives(&session, &options, &key).await, (None, vec![None; 2]));
    // An item that ends goes by itself, the partition stays.
    let expected = whole(&store, &key).await.revision;
    let mut ends = put("code/a", 1);
    ends.body.expires_at = Some(NOW);
    committed(&store, write(&key, expected, 3, vec![ends])).await;
    let (statics, items) = lives(&session, &options, &key).await;
    assert_eq!((statics, items.iter().filter(|life| life.is_some()).count()), (None, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a cluster: .ci/cql-cluster"]
async fn what_is_not_readable_is_reported_with_its_place() {
    let options = cluster::migrated().await;
    let (store, session) = (ScyllaStore::connect(&options).await.expect("connects"), session(&options).await);
    // Of a kind that no scan of another test meets.
    let key = PartitionKey::new(Kind::Policy, cluster::unique());
    ending(&store, &key, 1, None).await;
    let (keyspace, id) = (&options.keyspace, &key.id);
    run(&session, format!("UPDATE {keyspace}.policy SET body = '{{' WHERE id = '{id}' AND item = 'item/1'")).await;
    let error = store.load(&key, &[""]).await.expect_err("no JSON");
    assert!(matches!(&error, StoreError::Corrupt { place, .. } if place.ends_with("item/1")), "{error}");
    assert!(store.load(&key, &["other"]).await.is_ok(), "the rest is readable");
    run(&session, format!("UPDATE {keyspace}.policy SET operations[0] = 'x' WHERE id = '{id}'")).await;
    assert!(matches!(store.load(&key, &[]).await, Err(StoreError::Corrupt { .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a cluster: .ci/cql-cluster"]
async fn a_large_partition_comes_whole_over_several_pages() {
    let options = cluster::migrated().await;
    let store = ScyllaStore::connect(&options).await.expect("connects");
    let key = PartitionKey::new(Kind::User, cluster::unique());
    let mut last = None;
    for part in 0..9_u64 {
        let puts = (0..500).map(|n| put(&format!("item/{:05}", part * 500 + n), n)).collect();
        last = Some(committed(&store, write(&key, last, part + 1, puts)).await);
    }
    let found = whole(&store, &key).await;
    assert_eq!((found.items.len(), found.revision), (4500, last));
    assert_eq!(store.peek(&key, &["item/0449"]).await.expect("works").items.len(), 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a cluster: .ci/cql-cluster"]
async fn a_peek_shows_what_was_acknowledged() {
    let options = cluster::migrated().await;
    let (store, other) = tokio::join!(ScyllaStore::connect(&options), ScyllaStore::connect(&options));
    let (store, other) = (store.expect("connects"), other.expect("connects"));
    let key = PartitionKey::new(Kind::Cluster, cluster::unique());
    let mut last = None;
    for number in 1..20 {
        last = Some(committed(&store, write(&key, last, number, vec![put("view", number)])).await);
        let seen = other.peek(&key, &["view"]).await.expect("works");
        assert_eq!((seen.revision, seen.items["view"].json.get()), (last, &*format!("{{\"value\":{number}}}")));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a cluster: .ci/cql-cluster"]
async fn the_cluster_passes_its_test_and_tells_the_time() {
    let store = ScyllaStore::connect(&cluster::migrated().await).await.expect("connects");
    store.self_test().await.expect("it is fit");
    store.self_test().await.expect("and once more");
    let offset = store.clock_offset().await.expect("it tells");
    assert!(offset.abs() < 1000, "one machine has one clock, and it is {offset} ms off");
    store.ping().await.expect("it answers");
    // What it was tested with goes by itself, wherever it is carried.
    let handles = store.scan(Kind::Handle, None, 1000, &[""]).await.expect("readable").partitions;
    let tested: Vec<_> = handles.iter().filter(|(id, _)| id.starts_with("self-test/")).collect();
    assert!(!tested.is_empty());
    for (id, partition) in tested {
        assert!(partition.items.values().all(|body| body.expires_at.is_some()), "{id}: {partition:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a cluster: .ci/cql-cluster"]
async fn a_store_opens_nothing_that_was_not_migrated() {
    let options = cluster::fresh();
    let error = ScyllaStore::connect(&options).await.expect_err("no keyspace");
    assert!(matches!(error, ConnectError::Older { found: 0, needed: LEVEL, .. }), "{error}");
    assert!(error.to_string().contains("doorward migrate up"), "{error}");
    let nowhere = ScyllaOptions { nodes: vec!["127.0.0.1:1".to_owned()], ..options };
    let error = ScyllaStore::connect(&nowhere).await.expect_err("nothing listens");
    assert!(matches!(&error, ConnectError::Unreachable { nodes, .. } if nodes == "127.0.0.1:1"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a cluster: .ci/cql-cluster"]
async fn migrations_are_carried_out_once_by_one_and_checked_by_all() {
    let options = cluster::fresh();
    let session = session(&options).await;
    let keyspace = &options.keyspace;
    let first = Migrator::connect(&options).await.expect("connects");
    for error in [first.status().await.err(), first.check().await.err()] {
        let error = error.expect("nothing is there").to_string();
        assert!(error.contains(&format!("no keyspace {keyspace}")), "{error}");
        assert!(error.contains("doorward migrate up"), "{error}");
    }
    let there = format!("SELECT keyspace_name FROM system_schema.keyspaces WHERE keyspace_name = '{keyspace}'");
    let there = session.query_unpaged(there, ()).await.expect("read").into_rows_result().expect("rows");
    assert_eq!(there.rows_num(), 0, "looking makes nothing");
    assert_eq!(first.up("me").await.expect("makes all").len(), MIGRATIONS.len());

    // Somebody else is at it, and then has died.
    let lock = |since: &str| {
        format!(
            "INSERT INTO {keyspace}.migration (scope, number, holder, at) VALUES ('lock', 0, 'somebody', {since}) \
             IF NOT EXISTS"
        )
    };
    run(&session, lock("toTimestamp(now())")).await;
    let error = first.up("me").await.expect_err("locked");
    assert!(error.to_string().contains("somebody is migrating"), "{error}");
    run(&session, format!("DELETE FROM {keyspace}.migration WHERE scope = 'lock' AND number = 0 IF EXISTS")).await;
    run(&session, lock("'2020-01-01'")).await;

    assert!(first.up("me").await.expect("a stale lock is broken, nothing is left").is_empty());
    first.check().await.expect("everything is there");
    ScyllaStore::connect(&options).await.expect("it can be opened now");

    // A version one level newer is worked with, one of two levels is not.
    let newer = |number: i32, level: i32| {
        format!(
            "INSERT INTO {keyspace}.migration (scope, number, name, level, checksum) \
             VALUES ('step', {number}, 'later', {level}, 'x') IF NOT EXISTS"
        )
    };
    run(&session, newer(900, LEVEL + 1)).await;
    ScyllaStore::connect(&options).await.expect("works on the next level");
    first.check().await.expect("newer is no fault");
    assert!(first.status().await.expect("told").iter().any(|s| s.number == 900 && s.state == State::Unknown));
    run(&session, newer(901, LEVEL + 2)).await;
    for error in [ScyllaStore::connect(&options).await.err(), first.check().await.err(), first.up("me").await.err()] {
        assert!(matches!(&error, Some(ConnectError::Newer { found, .. }) if *found == LEVEL + 2), "{error:?}");
    }
    assert!(first.status().await.expect("told").iter().any(|s| s.number == 901 && s.state == State::Unknown));

    // A migration whose text was changed stops everything.
    run(
        &session,
        format!("UPDATE {keyspace}.migration SET checksum = 'x' WHERE scope = 'step' AND number = 1 IF EXISTS"),
    )
    .await;
    assert!(first.check().await.is_err() && first.up("me").await.is_err());
    assert!(matches!(ScyllaStore::connect(&options).await, Err(ConnectError::Migration(_))));
    run(&session, format!("DROP KEYSPACE {keyspace}")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a cluster: .ci/cql-cluster"]
async fn a_keyspace_that_is_replicated_otherwise_is_refused_by_stores_and_migrators() {
    let options = cluster::migrated().await;
    let local = session(&options).await.query_unpaged("SELECT data_center FROM system.local", ()).await;
    let (centre,) = local.expect("read").into_rows_result().expect("rows").single_row::<(String,)>().expect("a name");
    let per_dc = |name: &str| Replication::PerDc(vec![(name.to_owned(), cluster::copies())]);
    let elsewhere = Replication::PerDc(vec![(centre.clone(), cluster::copies()), ("elsewhere".to_owned(), 3)]);
    for wrong in [Replication::EachDc(cluster::copies() + 1), per_dc("elsewhere"), elsewhere] {
        let wrong = ScyllaOptions { replication: wrong, local_dc: Some("elsewhere".to_owned()), ..options.clone() };
        let error = ScyllaStore::connect(&wrong).await.expect_err("another replication");
        assert!(matches!(&error, ConnectError::Replication { found, .. } if found.contains(&centre)), "{error}");
        let migrator = Migrator::connect(&wrong).await.expect("connects");
        assert!(matches!(migrator.check().await, Err(ConnectError::Replication { .. })));
        assert!(matches!(migrator.up("me").await, Err(ConnectError::Replication { .. })));
    }
    // Stores that ask the majority nearby and of all see each other's commits: it is the same.
    let near = ScyllaOptions { replication: per_dc(&centre), local_dc: Some(centre), ..options.clone() };
    let (near, wide) = tokio::join!(ScyllaStore::connect(&near), ScyllaStore::connect(&options));
    let (near, wide) = (near.expect("connects"), wide.expect("connects"));
    near.self_test().await.expect("it is fit");
    let key = ident();
    for (number, store) in [&near, &wide, &near].into_iter().enumerate() {
        ending(store, &key, number as u64 + 1, None).await;
    }
    let (seen, wanted) = (whole(&wide, &key).await, whole(&near, &key).await);
    assert_eq!((seen.revision, seen.items.len()), (wanted.revision, 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a cluster: .ci/cql-cluster"]
async fn a_store_counts_its_partitions_and_events_over_several_pages() {
    let options = cluster::fresh();
    cluster::migrate(&options).await;
    let (store, session) = (ScyllaStore::connect(&options).await.expect("connects"), session(&options).await);
    assert_eq!(store.count().await.expect("counted"), 0);
    let rows = (0..501).flat_map(|id| ["a", "b"].map(|item| (id, item)));
    let inserts = rows.map(|(id, item)| {
        let place = format!("{}.policy (id, item, body)", options.keyspace);
        run(&session, format!("INSERT INTO {place} VALUES ('p{id}', '{item}', '{{}}')"))
    });
    stream::iter(inserts).buffer_unordered(16).collect::<()>().await;
    let hours = (0..70).map(|hour| NOW.after(Duration::from_hours(hour)));
    let events = hours.map(|at| Event { at, id: "e".into(), json: json("{}") });
    store.append(Stream::Audit, events.collect()).await.expect("appended");
    assert_eq!(store.count().await.expect("counted"), 501 + 70);
    run(&session, format!("DROP KEYSPACE {}", options.keyspace)).await;
}

/// As for the embedded store, with fewer histories: each step is a round of the cluster.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a cluster: .ci/cql-cluster"]
async fn any_history_of_commits_equals_its_model() {
    let commit = (0..3_u8, prop_oneof![4 => 0..1_u8, 1 => 1..5_u8], vec(0..6_u8, 0..4), vec(0..6_u8, 0..3));
    let commit =
        commit.prop_map(|(partition, off_by, puts, deletes)| Step::Commit { partition, off_by, puts, deletes });
    let step = prop_oneof![20 => commit, 1 => any::<()>().prop_map(|()| Step::Reopen)];
    let mut runner = TestRunner::deterministic();
    for _ in 0..3 {
        let steps = vec(step.clone(), 40..60).new_tree(&mut runner).expect("a history").current();
        let mut backend = Scylla::open().await;
        backend.store().ping().await.expect("it answers");
        a_history_of_commits_equals_its_model(&mut backend, steps).await;
    }
}
