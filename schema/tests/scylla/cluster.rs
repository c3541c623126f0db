//! The cluster that the tests run on, and the keyspace of this run.

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use schema::scylla::{Replication, ScyllaOptions, migrate::Migrator};
use tokio::sync::OnceCell;

/// Three nodes share the machine with the tests, and dozens of callers wait for their turn at one partition.
const TIMEOUT: Duration = Duration::from_secs(20);

/// How to reach the cluster, with a keyspace of this run that has the tables of this version.
pub(crate) async fn migrated() -> ScyllaOptions {
    static KEYSPACE: OnceCell<String> = OnceCell::const_new();
    let keyspace = KEYSPACE.get_or_init(async || {
        let options = fresh();
        migrate(&options).await;
        options.keyspace
    });
    options(keyspace.await)
}

/// Makes the tables.
pub(crate) async fn migrate(options: &ScyllaOptions) {
    let migrator = Migrator::connect(options).await.expect("connects");
    migrator.up("the tests").await.expect("the tables are made");
}

/// How to reach the cluster, with a keyspace that nothing is in. It is noted as this process's, so that
/// `node/tests/nodes/doorward.mjs forget` drops it once the process is gone.
pub(crate) fn fresh() -> ScyllaOptions {
    let keyspace = format!("test_{}", uuid::Uuid::new_v4().simple());
    let notes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/test-keyspaces");
    fs::create_dir_all(&notes).expect("made");
    fs::write(notes.join(&keyspace), format!("/proc/{}", std::process::id())).expect("noted");
    options(&keyspace)
}

fn options(keyspace: &str) -> ScyllaOptions {
    let replication = Replication::EachDc(copies());
    ScyllaOptions { timeout: TIMEOUT, replication, ..ScyllaOptions::new(nodes(), keyspace) }
}

/// Copies of each partition: three, unless `DOORWARD_TEST_COPIES` says how many a smaller cluster has room for.
pub(crate) fn copies() -> u32 {
    std::env::var("DOORWARD_TEST_COPIES").map_or(3, |copies| copies.parse().expect("DOORWARD_TEST_COPIES is a number"))
}

/// A name that no other test of this run has.
pub(crate) fn unique() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    format!("t{:03}", NEXT.fetch_add(1, Ordering::Relaxed))
}

fn nodes() -> Vec<String> {
    let nodes = std::env::var("DOORWARD_TEST_CQL").expect("DOORWARD_TEST_CQL names nodes of a cluster, as HOST:PORT,…");
    nodes.split(',').map(str::to_owned).collect()
}
