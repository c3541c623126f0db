//! Stores in a cluster that are moved, restored and fenced, as operators do it. The keyspaces are noted, so that
//! `tests/nodes/doorward.mjs forget` drops them once the folders are gone.

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
    sync::Arc,
    time::Duration,
};

use schema::{
    Store, StoreError, Timestamp, fence,
    record::Standing,
    scylla::{Replication, ScyllaOptions, ScyllaStore},
    standing,
};
use scylla::client::session_builder::SessionBuilder;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::{
    backup::{CREATE, done, refused, register, run_on},
    support::{Server, alone, json_of, run_alone},
};

/// A keyspace of a test's own, and a folder with the key ring of its store.
pub(crate) struct Shared {
    folder: TempDir,
    pub(crate) keyspace: String,
    pub(crate) url: String,
    pub(crate) runtime: Runtime,
}

impl Shared {
    /// With the tables of this version and nothing in them; the folder has an embedded store with these people.
    pub(crate) fn new(people: &[String]) -> Self {
        let shared = Self::unmade(people);
        done(&shared.run(&["migrate", "up"]));
        shared
    }

    /// Before its keyspace is made.
    pub(crate) fn unmade(people: &[String]) -> Self {
        let nodes = nodes().join(",");
        let random: [u8; 8] = std::array::from_fn(|_| rand::random());
        let keyspace = format!("move_{}", data_encoding::HEXLOWER.encode(&random));
        let folder = tempfile::tempdir().expect("a folder");
        let notes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/test-keyspaces");
        fs::create_dir_all(&notes).expect("made");
        fs::write(notes.join(&keyspace), folder.path().to_str().expect("a path")).expect("noted");
        register(folder.path(), people);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let url = format!("scylla://{nodes}/{keyspace}?replication={}", copies());
        Self { folder, keyspace, url, runtime }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The program on this store, with the key ring of the folder.
    pub(crate) fn command(&self) -> Command {
        let mut command = alone(self.path());
        command.env("DOORWARD__STORE__URL", &self.url);
        command.env("DOORWARD_MASTER_KEYS_FILE", self.path().join("doorward-data/master-keys"));
        command
    }

    pub(crate) fn run(&self, line: &[&str]) -> Output {
        self.command().args(line).output().expect("the program runs")
    }

    /// A statement, as whoever has the store's own tools may carry it out, known to all of its nodes.
    pub(crate) fn cql(&self, statement: &str) {
        self.runtime.block_on(async {
            let session = SessionBuilder::new().known_nodes(nodes()).build().await.expect("connects");
            session.query_unpaged(statement, ()).await.expect("carried out");
            session.await_schema_agreement().await.expect("agreed");
        });
    }

    /// Is the store ScyllaDB, whose keyspaces may be on tablets?
    pub(crate) fn knows_tablets(&self) -> bool {
        self.runtime.block_on(async {
            let session = SessionBuilder::new().known_nodes(nodes()).build().await.expect("connects");
            let select = "SELECT table_name FROM system_schema.tables \
                          WHERE keyspace_name = 'system_schema' AND table_name = 'scylla_tables'";
            let answer = session.query_unpaged(select, ()).await.expect("answers");
            answer.into_rows_result().expect("rows").rows_num() > 0
        })
    }

    /// The store itself.
    pub(crate) fn store(&self) -> Arc<dyn Store> {
        Arc::new(self.connect())
    }

    fn connect(&self) -> ScyllaStore {
        let replication = Replication::EachDc(copies());
        // As in the tests of the store: its nodes share the machine with the tests, and may have just begun.
        let timeout = Duration::from_secs(20);
        let options = ScyllaOptions { replication, timeout, ..ScyllaOptions::new(nodes(), &*self.keyspace) };
        self.runtime.block_on(ScyllaStore::connect(&options)).expect("connects")
    }

    /// How many partitions and events there are in it, marks of its own and tests of its fitness among them.
    pub(crate) fn count(&self) -> u64 {
        let store = self.connect();
        self.runtime.block_on(store.count()).expect("counted")
    }

    /// Begins a copying and kills it as soon as this store says what is wanted.
    fn cut_short(&self, line: &[&str], wanted: fn(&Standing) -> bool) {
        let store = self.store();
        let said = || self.runtime.block_on(standing::read(store.as_ref())).expect("readable").1;
        let mut child = alone(self.path());
        let child = child.args(line).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = child.spawn().expect("starts");
        while !wanted(&said()) {
            if child.try_wait().expect("asked").is_some() {
                let output = child.wait_with_output().expect("ended");
                panic!("it ended before it could be killed: {}", String::from_utf8_lossy(&output.stderr));
            }
        }
        child.kill().expect("killed");
        child.wait().expect("ends");
        assert!(wanted(&said()), "it was done before it could be killed");
    }
}

pub(crate) fn nodes() -> Vec<String> {
    let nodes = std::env::var("DOORWARD_TEST_CQL").expect("DOORWARD_TEST_CQL names nodes");
    nodes.split(',').map(str::to_owned).collect()
}

/// Copies of each partition: three, unless `DOORWARD_TEST_COPIES` says how many a smaller cluster has room for.
pub(crate) fn copies() -> u32 {
    std::env::var("DOORWARD_TEST_COPIES").map_or(3, |copies| copies.parse().expect("DOORWARD_TEST_COPIES is a number"))
}

#[test]
#[ignore = "needs a cluster: .ci/cql-cluster"]
fn a_store_moves_to_a_cluster_and_back_and_a_snapshot_is_made_fit() {
    let shared = Shared::new(&(0..100).map(|number| format!("person{number}")).collect::<Vec<_>>());
    let (folder, url) = (shared.path(), &*shared.url);
    json_of(&mut alone(folder), &CREATE);
    let line = ["store", "copy", "--from", "embedded:doorward-data", "--to", url];
    shared.cut_short(&line, |said| matches!(said, Standing::Copying { .. }));
    refused(&shared.run(&["user", "list"]), "is not filled yet");
    refused(&run_alone(folder, &["user", "list"]), "is being copied");
    let told = done(&run_alone(folder, &line));
    assert!(told.contains("compared, and retired"), "{told}");
    refused(&run_alone(folder, &["user", "list"]), "is retired");
    let shown = done(&shared.run(&["user", "show", "person7", "--output", "json"]));
    let shown: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!(shown["sessions"].as_array().map(Vec::len), Some(1), "{shown}");
    assert!(done(&shared.run(&["client", "list"])).contains("Shop"));

    refused(&shared.run(&["backup", "create", "--out", "b"]), "snapshots of its keyspace");
    let told = done(&shared.run(&["store", "restored", "--yes"]));
    assert!(told.contains("Ended: 100 sessions"), "{told}");

    let back = |data: &'static str| ["store", "copy", "--from", url, "--to", data];
    shared.cut_short(&back("embedded:given-up"), |said| matches!(said, Standing::Moving { .. }));
    refused(&shared.run(&["user", "list"]), "is being copied to embedded:given-up");
    done(&run_alone(folder, &["store", "copy", "--give-up", "--from", url]));
    assert!(done(&shared.run(&["user", "list"])).contains("person7"));
    // What cannot begin leaves no fence behind.
    fs::create_dir(folder.join("full")).expect("made");
    fs::copy(folder.join("doorward-data/master-keys"), folder.join("full/master-keys")).expect("copied");
    json_of(alone(folder).env("DOORWARD__STORE__URL", "embedded:full"), &CREATE);
    refused(&run_alone(folder, &back("embedded:full")), "is not empty");
    assert!(done(&shared.run(&["user", "list"])).contains("person7"));

    assert!(done(&run_alone(folder, &back("embedded:back"))).contains("compared, and retired"));
    refused(&shared.run(&["user", "list"]), "this store was moved to embedded:back and is retired");
    fs::copy(folder.join("doorward-data/master-keys"), folder.join("back/master-keys")).expect("copied");
    assert!(done(&run_on(folder, "back", &["user", "list"])).contains("person29"));
}

/// Nobody can reach it, and each run takes it out of the view for twice as long.
#[test]
#[ignore = "needs a cluster: .ci/cql-cluster"]
fn a_node_that_lives_is_found_by_every_run_and_a_fence_stops_it() {
    let shared = Shared::new(&["Ann".to_owned()]);
    let serving = || {
        let mut command = shared.command();
        command.env("DOORWARD__CLUSTER__NODE", "lone");
        command
    };
    let mut lone = Server::spawn(serving(), shared.path().to_owned());
    let copy = ["store", "copy", "--from", &shared.url, "--to", "embedded:new"];
    for line in [&["store", "restored", "--yes"][..], &copy, &["store", "restored", "--yes"], &copy] {
        refused(&shared.run(line), "alive: lone; stop every node first");
    }
    let (store, at) = (shared.store(), Timestamp::from_millis(1));
    let now = shared.runtime.block_on(async {
        assert_eq!(standing::read(store.as_ref()).await?.1, Standing::Serving, "nothing has begun");
        assert!(fence::clear(store.as_ref(), at).await?, "it is in the view");
        fence::raise(store.as_ref(), at).await
    });
    assert!(now.expect("the store works").is_empty(), "it comes back later than this");
    assert_eq!(lone.ended().code(), Some(1), "a fence ends a node that runs");
    refused(&serving().arg("serve").output().expect("runs"), "this store is being copied or restored");
    refused(&shared.run(&["user", "list"]), "this store is being copied or restored");
    done(&shared.run(&["store", "copy", "--give-up", "--from", &shared.url]));
    done(&shared.run(&["user", "list"]));
    let given_up = shared.run(&["store", "copy", "--give-up", "--from", &shared.url]);
    refused(&given_up, "was cut short");
    let read: Result<_, StoreError> = shared.runtime.block_on(standing::read(store.as_ref()));
    assert_eq!(read.expect("readable").1, Standing::Serving);
}
