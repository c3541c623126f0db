//! What others do in the middle of a read or of a migration.

use std::{collections::BTreeSet, time::Duration};

use futures_util::future::join_all;
use schema::{
    Kind, PartitionKey, Store as _,
    contract::{put, write},
    resolve::commit_resolved,
    scylla::{
        ConnectError, ScyllaOptions, ScyllaStore,
        migrate::{MIGRATIONS, Migrator},
    },
};
use scylla::{
    client::{execution_profile::ExecutionProfile, session::Session},
    policies::load_balancing::{NodeIdentifier, SingleTargetLoadBalancingPolicy},
    statement::Statement,
};
use tokio::sync::watch;

use super::{
    cluster,
    own::{run, session},
};

/// So many reads must be seen beside the commits.
const READS: usize = 10;

/// Every other commit takes away what lies behind the first page, so that nothing there shows that it came.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a cluster: .ci/cql-cluster"]
async fn a_read_over_several_pages_shows_one_moment() {
    let options = cluster::migrated().await;
    let reader = ScyllaOptions { page: 2, ..options.clone() };
    let (writer, reader) = tokio::join!(ScyllaStore::connect(&options), ScyllaStore::connect(&reader));
    let (writer, reader) = (writer.expect("connects"), reader.expect("connects"));
    let key = PartitionKey::new(Kind::User, cluster::unique());
    let (stop, stopped) = watch::channel(false);
    let (read, so_far) = watch::channel(0_usize);
    let reads = async {
        let mut seen = Vec::new();
        while !*stopped.borrow() {
            let serially = seen.len() % 8 == 0;
            let found = if serially { reader.load(&key, &[""]).await } else { reader.peek(&key, &[""]).await };
            // A writer that is faster than all attempts of a read is no fault, nor is one that has not begun.
            let Some(partition) = found.ok().filter(|found| found.items.contains_key("a")) else { continue };
            let number = partition.items["a"].json.get().trim_matches(|c: char| !c.is_ascii_digit());
            seen.push((number.parse::<u64>().expect("a number"), partition.items.len()));
            read.send_replace(seen.len());
        }
        seen
    };
    let writes = async {
        // Longer, where other tests on the cluster let few reads through; a reader that gets nowhere fails the test.
        for number in (1..3000).take_while(|number| *number < 150 || *so_far.borrow() <= READS) {
            let found = writer.load(&key, &[]).await.expect("works");
            let mut next = write(&key, found.revision, number, vec![put("a", number), put("b", number)]);
            let tail = ["c", "d", "e"];
            if number % 2 == 0 {
                next.deletes = tail.iter().map(|item| (*item).into()).collect();
            } else {
                next.puts.extend(tail.iter().map(|item| put(item, number)));
            }
            // Serial reads stand in its way; a commit that lost against them is made up for by the next.
            commit_resolved(&writer, next).await.expect("resolved");
        }
        stop.send(true).expect("the reader listens");
    };
    let (seen, ()) = tokio::join!(reads, writes);
    assert!(seen.len() > READS, "{seen:?}");
    let torn: Vec<_> = seen.iter().filter(|(number, items)| *items != if number % 2 == 0 { 2 } else { 5 }).collect();
    assert!(torn.is_empty(), "{} of {}: {torn:?}", torn.len(), seen.len());
}

/// How many rows there are, none if there is no such table yet.
async fn count(session: &Session, select: String) -> usize {
    let Ok(answer) = session.query_unpaged(select, ()).await else { return 0 };
    answer.into_rows_result().expect("rows").rows_num()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a cluster: .ci/cql-cluster"]
async fn a_migrator_whose_lock_is_broken_records_nothing_more() {
    let options = cluster::fresh();
    let (keyspace, session) = (&options.keyspace, session(&options).await);
    let migrator = Migrator::connect(&options).await.expect("connects");
    let steps = || count(&session, format!("SELECT number FROM {keyspace}.migration WHERE scope = 'step'"));
    let thief = async {
        let first = format!(
            "SELECT table_name FROM system_schema.tables WHERE keyspace_name = '{keyspace}' AND table_name = 'user'"
        );
        while count(&session, first.clone()).await == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // The nodes have still to agree on the table, and a conditional write to be made in it.
        let take = "SET holder = 'thief' WHERE scope = 'lock' AND number = 0 IF EXISTS";
        run(&session, format!("UPDATE {keyspace}.migration {take}")).await;
        steps().await
    };
    let (outcome, recorded) = tokio::join!(migrator.up("me"), thief);
    let error = outcome.expect_err("it was broken");
    assert!(error.to_string().contains("lost to another migrator"), "{error}");
    assert_eq!(steps().await, recorded, "the step under way is the other one's");
    run(&session, format!("DROP KEYSPACE {keyspace}")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a cluster: .ci/cql-cluster"]
async fn migrators_that_begin_at_once_make_one_schema() {
    let options = cluster::fresh();
    let (keyspace, session) = (&options.keyspace, session(&options).await);
    let migrators = join_all((0..4).map(|_| Migrator::connect(&options))).await;
    let migrators: Vec<_> = migrators.into_iter().map(|migrator| migrator.expect("connects")).collect();
    // So that the first thing that they do is the table without which there is no lock.
    let (centre,) = session
        .query_unpaged("SELECT data_center FROM system.local", ())
        .await
        .expect("read")
        .into_rows_result()
        .expect("rows")
        .single_row::<(String,)>()
        .expect("a name");
    let replication = format!("{{'class': 'NetworkTopologyStrategy', '{centre}': {}}}", cluster::copies());
    run(&session, format!("CREATE KEYSPACE {keyspace} WITH replication = {replication}")).await;
    session.await_schema_agreement().await.expect("agreed");
    let outcomes = join_all(migrators.iter().map(|migrator| migrator.up("one of them"))).await;
    let mut done = 0;
    for outcome in outcomes {
        match outcome {
            Ok(steps) => done += steps.len(),
            Err(ConnectError::Migration(reason)) => {
                let known = ["is migrating", "another migrator"];
                assert!(known.iter().any(|known| reason.contains(known)), "{reason}");
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert!(done <= MIGRATIONS.len(), "nothing is done twice");
    cluster::migrate(&options).await;
    for migrator in &migrators {
        migrator.check().await.expect("everything is there, and recorded");
    }
    let first = ids(&session, keyspace).await;
    assert_eq!(first.len(), 1, "{first:?}");
    run(&session, format!("DROP KEYSPACE {keyspace}")).await;
    // No node draws its id: made by any of them at any time, it is the same table.
    cluster::migrate(&options).await;
    assert_eq!(ids(&session, keyspace).await, first);
    run(&session, format!("DROP KEYSPACE {keyspace}")).await;
}

/// The id of the table of migrations, as each node says.
async fn ids(session: &Session, keyspace: &str) -> BTreeSet<uuid::Uuid> {
    let select =
        format!("SELECT id FROM system_schema.tables WHERE keyspace_name = '{keyspace}' AND table_name = 'migration'");
    let mut ids = BTreeSet::new();
    for node in session.get_cluster_state().get_nodes_info() {
        let mut select = Statement::new(select.clone());
        let only = SingleTargetLoadBalancingPolicy::new(NodeIdentifier::Node(node.clone()), None);
        let profile = ExecutionProfile::builder().load_balancing_policy(only).build();
        select.set_execution_profile_handle(Some(profile.into_handle()));
        let rows = session.query_unpaged(select, ()).await.expect("read").into_rows_result().expect("rows");
        ids.insert(rows.single_row::<(uuid::Uuid,)>().expect("an id").0);
    }
    ids
}
