//! Copies of different moments, as after snapshots of the store's nodes were put back. Only who reads every copy knows
//! what there is, and needs every node for that.

use schema::{
    Commit, Kind, PartitionKey, Store as _, StoreError,
    contract::{put, write},
    resolve::commit_resolved,
    scylla::{ScyllaOptions, ScyllaStore},
};
use scylla::{
    client::{execution_profile::ExecutionProfile, session::Session, session_builder::SessionBuilder},
    policies::load_balancing::{NodeIdentifier, SingleTargetLoadBalancingPolicy},
    statement::{Consistency, Statement},
};

use super::{Down, connect, works_again};
use crate::{ALONE, cluster};

/// A majority without the one node is asked for two thirds of these, or for another part of them, but hardly for none.
const PARTITIONS: u64 = 12;
/// What is said where a node is away.
const EVERY_NODE: &str = "every node of the store must be up for this";

fn key(number: u64) -> PartitionKey {
    PartitionKey::new(Kind::User, format!("known-{number}"))
}

fn lone(number: u64) -> PartitionKey {
    PartitionKey::new(Kind::User, format!("lone-{number}"))
}

/// Statements to the first node, which asks nobody else.
struct One<'a> {
    session: &'a Session,
    profile: ExecutionProfile,
}

impl<'a> One<'a> {
    fn new(session: &'a Session, options: &ScyllaOptions) -> Self {
        let state = session.get_cluster_state();
        let mut nodes = state.get_nodes_info().iter();
        let first = nodes.find(|node| node.address.to_string() == options.nodes[0]).expect("the first one is known");
        let target = SingleTargetLoadBalancingPolicy::new(NodeIdentifier::Node(first.clone()), None);
        Self { session, profile: ExecutionProfile::builder().load_balancing_policy(target).build() }
    }

    async fn run(&self, cql: String) {
        let mut statement = Statement::new(cql);
        statement.set_consistency(Consistency::One);
        statement.set_execution_profile_handle(Some(self.profile.clone().into_handle()));
        self.session.query_unpaged(statement, ()).await.expect("carried out");
    }
}

/// An item in each partition, and as many partitions, that the first node has alone.
async fn write_to_one_alone(session: &Session, options: &ScyllaOptions) {
    let table = format!("{}.user", options.keyspace);
    // A hint for a node that is away lives no longer than that, so it gets none when it is back.
    session.query_unpaged(format!("ALTER TABLE {table} WITH gc_grace_seconds = 0"), ()).await.expect("altered");
    session.await_schema_agreement().await.expect("agreed");
    let one = One::new(session, options);
    let (_second, _third) = (Down::kill(2), Down::kill(3));
    for number in 0..PARTITIONS {
        let (known, lone) = (key(number).id, lone(number).id);
        one.run(format!("INSERT INTO {table} (id, item, body) VALUES ('{known}', 'alone', '{{}}')")).await;
        one.run(format!(
            "INSERT INTO {table} (id, item, body, revision, operations, ends) \
             VALUES ('{lone}', 'alone', '{{}}', 7, {{}}, 0)"
        ))
        .await;
    }
}

/// A store that reads every copy, once all nodes know of each other.
async fn of_every_copy(options: &ScyllaOptions) -> ScyllaStore {
    let store = connect(&ScyllaOptions { every_copy: true, ..options.clone() }).await;
    for _ in 0..60 {
        // Partitions of another kind, in all parts of the ring.
        if store.scan(Kind::Policy, None, 1, &[""]).await.is_ok() && store.self_test().await.is_ok() {
            return store;
        }
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }
    panic!("not every node is up within 30 s");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a cluster of its own: .ci/cql-cluster"]
async fn what_one_copy_alone_holds_is_found_by_who_reads_every_copy_and_known_to_all_from_then_on() {
    let _alone = ALONE.lock().await;
    let options = cluster::fresh();
    cluster::migrate(&options).await;
    let store = connect(&options).await;
    for number in 0..PARTITIONS {
        let first = write(&key(number), None, number + 1, vec![put("n", number)]);
        assert!(matches!(store.commit(first).await, Ok(Commit::Committed(_))));
    }
    let session = SessionBuilder::new().known_nodes(&options.nodes).build().await.expect("connects");
    write_to_one_alone(&session, &options).await;
    works_again(&store).await;
    // Before its statements are prepared: a node forgets those of a table that changes, and may do so twice.
    let alter = format!("ALTER TABLE {}.user WITH gc_grace_seconds = 864000", options.keyspace);
    session.query_unpaged(alter, ()).await.expect("altered");
    session.await_schema_agreement().await.expect("agreed");
    let every = of_every_copy(&options).await;

    let found = every.scan(Kind::User, None, 100, &[""]).await.expect("every node is up").partitions;
    let alone = found.iter().filter(|(_, partition)| partition.items.contains_key("alone")).count();
    assert_eq!((found.len() as u64, alone as u64), (2 * PARTITIONS, 2 * PARTITIONS), "{found:?}");
    for key in (0..PARTITIONS).flat_map(|number| [key(number), lone(number)]) {
        let found = store.peek(&key, &[""]).await.expect("works");
        assert!(found.items.contains_key("alone"), "{key}: a majority does not know it yet");
    }

    let down = Down::kill(3);
    let refused = every.self_test().await.expect_err("a node is away").to_string();
    assert!(refused.contains("no answer from") && refused.contains(EVERY_NODE), "{refused}");
    let missed = every.scan(Kind::User, None, 100, &[""]).await;
    assert!(matches!(&missed, Err(StoreError::Unavailable(reason)) if reason.contains(EVERY_NODE)), "{missed:?}");
    let missed = every.load(&key(0), &[]).await;
    assert!(matches!(&missed, Err(StoreError::Unavailable(reason)) if reason.contains(EVERY_NODE)), "{missed:?}");
    // A majority decides what is written, as ever.
    let before = store.load(&key(0), &[]).await.expect("two of three are a majority");
    let next = write(&key(0), before.revision, 100, vec![put("n", 100)]);
    let next = commit_resolved(&every, next).await;
    assert!(matches!(next, Ok(Commit::Committed(_))), "{next:?}");
    tokio::task::spawn_blocking(move || drop(down)).await.expect("it starts again");
    works_again(&store).await;
}
