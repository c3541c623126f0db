//! Batches that are lost, lose their answer, or come late, by a proxy before every node.

use std::{net::SocketAddr, sync::Arc};

use schema::{
    Commit, Kind, Partition, PartitionKey, Store, StoreError,
    contract::user,
    resolve::commit_resolved,
    scylla::{ConnectError, ScyllaOptions, ScyllaStore, migrate},
};
use scylla::client::session_builder::SessionBuilder;

use super::{
    ALONE, cluster, marked,
    proxy::{Fault, Proxies},
    ring,
};

/// Proxies before all nodes, and how to reach a keyspace through them.
pub(crate) async fn behind(options: ScyllaOptions) -> (Proxies, ScyllaOptions) {
    let session = SessionBuilder::new().known_nodes(&options.nodes).build().await.expect("connects");
    let state = session.get_cluster_state();
    let nodes: Vec<_> =
        state.get_nodes_info().iter().map(|node| SocketAddr::from((node.address.ip(), node.address.port()))).collect();
    let proxies = Proxies::before(&nodes).await;
    let behind = ScyllaOptions {
        nodes: proxies.addresses().0.values().map(ToString::to_string).collect(),
        translator: Some(Arc::new(proxies.addresses())),
        ..options
    };
    (proxies, behind)
}

/// A store behind proxies, and one that is not.
async fn stores() -> (Proxies, ScyllaStore, ScyllaStore) {
    let options = Box::pin(cluster::migrated()).await;
    let direct = ScyllaStore::connect(&options).await.expect("connects");
    let (proxies, behind) = Box::pin(behind(options)).await;
    let behind = ScyllaStore::connect(&behind).await.expect("connects through the proxies");
    (proxies, behind, direct)
}

/// One commit that meets `faults`: the caller's answer and the ring agree, also after what is late has arrived.
async fn tell(name: &str, faults: &[Fault], first: bool, wanted: bool) {
    let (proxies, behind, direct) = stores().await;
    let key = user(&format!("{}.{name}", cluster::unique()));
    if !first {
        let before = marked(&key, &Partition::default(), 1);
        assert!(matches!(direct.commit(before).await, Ok(Commit::Committed(_))));
    }
    let before = direct.load(&key, &["n"]).await.expect("works");
    let write = marked(&key, &before, 2);
    let (id, item) = (write.operation.id, write.puts[0].key.clone());
    proxies.script(faults.iter().copied());
    let outcome = commit_resolved(&behind, write.clone()).await.expect("resolved");
    assert!(proxies.is_done(), "every fault was met");
    let wanted = if wanted { Commit::Committed(write.revision()) } else { Commit::Conflict };
    assert_eq!(outcome, wanted, "{name}");
    let late = proxies.deliver().await;
    assert_eq!(late, faults.iter().filter(|fault| **fault == Fault::LateThenTimeout).count());
    let found = direct.load(&key, &[""]).await.expect("works");
    let applied = outcome != Commit::Conflict;
    assert_eq!(ring(&found).contains(&id), applied, "{name}");
    assert_eq!(found.items.contains_key(&item), applied, "{name}");
    assert!(found.revision.is_some_and(|now| before.revision.is_none_or(|then| now > then)), "{name}: it moved on");
}

/// Each test with a partition that is there and with one that is made.
macro_rules! told {
    ($($name:ident: $($fault:ident),+ => $wanted:literal;)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        #[ignore = "needs a cluster: .ci/cql-cluster"]
        async fn $name() {
            let _alone = ALONE.lock().await;
            for first in [false, true] {
                tell(stringify!($name), &[$(Fault::$fault),+], first, $wanted).await;
            }
        }
    )*};
}

told! {
    a_commit_whose_time_out_hides_that_it_was_applied_is_committed: AppliedThenTimeout => true;
    a_commit_whose_time_out_hides_that_it_was_lost_is_a_conflict: DroppedThenTimeout => false;
    a_commit_that_arrives_after_it_was_ruled_out_changes_nothing: LateThenTimeout => false;
    a_commit_whose_connection_broke_before_it_is_a_conflict: CutBefore => false;
    a_commit_whose_connection_broke_after_it_is_committed: CutAfter => true;
    a_commit_that_found_too_few_nodes_at_its_end_and_was_applied_is_committed: AppliedThenUnavailable => true;
    a_commit_that_found_too_few_nodes_at_its_end_and_was_lost_is_a_conflict: DroppedThenUnavailable => false;
    a_commit_that_nobody_knows_of_and_was_applied_is_committed: AppliedThenUnknown => true;
    a_commit_that_nobody_knows_of_and_was_lost_is_a_conflict: DroppedThenUnknown => false;
    a_barrier_that_nobody_knows_of_is_repeated: DroppedThenUnknown, DroppedThenUnavailable => false;
    a_barrier_that_is_lost_is_repeated: DroppedThenTimeout, DroppedThenTimeout => false;
    a_barrier_whose_answer_is_lost_is_as_good: DroppedThenTimeout, AppliedThenTimeout => false;
    a_late_commit_and_a_late_barrier_change_nothing: LateThenTimeout, LateThenTimeout => false;
    a_barrier_whose_connection_breaks_is_repeated: DroppedThenTimeout, CutBefore => false;
}

/// The end of a partition is moved by reading and rewriting it, and that commit is resolved as any other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a cluster: .ci/cql-cluster"]
async fn a_commit_that_moves_an_end_is_resolved_too() {
    let _alone = ALONE.lock().await;
    let (proxies, behind, direct) = stores().await;
    let key = PartitionKey::new(Kind::Ident, cluster::unique());
    let mut first = marked(&key, &Partition::default(), 1);
    first.partition_expires_at = Some(first.at);
    assert!(matches!(direct.commit(first.clone()).await, Ok(Commit::Committed(_))));
    let found = direct.load(&key, &["n"]).await.expect("works");
    let mut later = marked(&key, &found, 2);
    later.partition_expires_at = Some(later.at.after(schema::GRACE));
    proxies.script([Fault::AppliedThenTimeout]);
    let outcome = commit_resolved(&behind, later.clone()).await.expect("resolved");
    assert_eq!(outcome, Commit::Committed(later.revision()));
    assert_eq!(direct.load(&key, &["mark/"]).await.expect("works").items.len(), 2);
}

/// Too few nodes to begin with means that nothing was done: it is said at once, and nobody asks the ring.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a cluster: .ci/cql-cluster"]
async fn a_commit_that_found_too_few_nodes_to_begin_with_did_nothing() {
    let _alone = ALONE.lock().await;
    let (proxies, behind, direct) = stores().await;
    let key = user(&cluster::unique());
    let write = marked(&key, &Partition::default(), 1);
    proxies.script([Fault::RefusedAtSerial]);
    let outcome = commit_resolved(&behind, write.clone()).await;
    assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{outcome:?}");
    assert_eq!(direct.load(&key, &[""]).await.expect("works").revision, None, "no barrier either");
    assert_eq!(behind.commit(write.clone()).await.expect("works"), Commit::Committed(write.revision()));
}

/// A store that is slow is none without conditional writes, and nobody should make it anew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a cluster: .ci/cql-cluster"]
async fn a_self_test_without_an_answer_is_no_verdict() {
    let _alone = ALONE.lock().await;
    let (proxies, behind, _) = stores().await;
    for (fault, unknown) in [(Fault::DroppedThenTimeout, true), (Fault::RefusedAtSerial, false)] {
        proxies.script([fault]);
        let error = behind.self_test().await.expect_err("no answer");
        match &error {
            ConnectError::Store(StoreError::Unknown(_)) => assert!(unknown, "{error}"),
            ConnectError::Store(StoreError::Unavailable(_)) => assert!(!unknown, "{error}"),
            _ => panic!("{error}"),
        }
        assert!(!error.to_string().contains("tablets"), "{error}");
    }
}

/// As a cluster does that does not know conditional writes, or not in this keyspace.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a cluster: .ci/cql-cluster"]
async fn a_self_test_refuses_a_cluster_that_answers_wrongly_to_conditional_writes() {
    let _alone = ALONE.lock().await;
    for (faults, wrong) in [
        (&[Fault::DroppedThenConflict][..], "it was refused, though nobody else wrote"),
        (&[Fault::DroppedThenApplied], "it was accepted, but a serial read does not show it"),
        (&[Fault::Passed, Fault::DroppedThenApplied], "it was accepted twice on the same revision"),
    ] {
        let (proxies, behind, _) = stores().await;
        proxies.script(faults.iter().copied());
        let error = behind.self_test().await.expect_err("unfit");
        assert!(proxies.is_done(), "every fault was met");
        assert!(matches!(&error, ConnectError::Unfit(reason) if reason.contains(wrong)), "{error}");
        assert!(error.to_string().contains("make it anew without them"), "{error}");
        behind.self_test().await.expect("nothing is wrong any more");
    }
}

/// Nodes that have just begun, and other migrators, let conditional writes time out: nobody has to begin a migration anew
/// for that, and no lock is left behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a cluster: .ci/cql-cluster"]
async fn a_migration_goes_on_after_time_outs_of_its_writes() {
    let _alone = ALONE.lock().await;
    let (proxies, options) = Box::pin(behind(cluster::fresh())).await;
    let migrator = migrate::Migrator::connect(&options).await.expect("connects");
    let faults =
        [Some(Fault::DroppedThenTimeout), None, Some(Fault::AppliedThenTimeout), Some(Fault::DroppedThenUnknown)];
    // All writes of the lock and of records hold the migrator's name.
    proxies.script_marked("a migrator of this test", faults.into_iter().cycle().take(64));
    let done = migrator.up("a migrator of this test").await.expect("migrates");
    assert!(proxies.is_done(), "every fault was met");
    assert_eq!(done.len(), migrate::MIGRATIONS.len());
    migrator.check().await.expect("everything is there, and recorded");
    // Nobody has the lock.
    assert_eq!(migrator.up("the next one").await.expect("nothing to wait for"), []);
}
