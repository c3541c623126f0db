//! `doorward store restored` where the copies of the store are of different moments, as snapshots of its nodes are. It
//! needs every node, and what one of them alone holds ends with the rest (HAZARDS H14).
//!
//! Some of the store's nodes are killed, by `CQL_HOME` and `CQL_NET` of `.ci/cql-cluster`, so nothing else may use it.

use std::{path::Path, process::Command, thread};

use schema::{
    CredentialId, Kind, Put, Timestamp,
    fence::{self, Seen},
    record::{BackupCode, BackupCodes, Standing, Unknown},
    standing,
};
use scylla::{
    client::{execution_profile::ExecutionProfile, session::Session, session_builder::SessionBuilder},
    policies::load_balancing::{NodeIdentifier, SingleTargetLoadBalancingPolicy},
    response::query_result::QueryRowsResult,
    statement::{Consistency, Statement},
};

use crate::{
    backup::{done, refused},
    shared::{Shared, nodes},
    support::{PATIENCE, run_alone},
};

/// A majority without the one node is asked for some of them at least.
const PEOPLE: usize = 12;

/// Nodes of the store that are down until this is dropped.
struct Down(Vec<u8>);

impl Down {
    fn kill(stores: &[u8]) -> Self {
        for store in stores {
            script("kill", *store);
        }
        Self(stores.to_vec())
    }
}

impl Drop for Down {
    fn drop(&mut self) {
        thread::scope(|scope| self.0.iter().for_each(|store| drop(scope.spawn(|| script("start", *store)))));
    }
}

fn script(verb: &str, store: u8) {
    assert!(std::env::var_os("CQL_HOME").is_some(), "CQL_HOME is where the nodes are that may be killed");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.ci/cql-cluster");
    let done = Command::new(script).args([verb, &store.to_string()]).status().expect("the script runs");
    assert!(done.success(), "{verb} {store}");
}

impl Shared {
    /// A session that knows all nodes, also those that go.
    fn session(&self) -> Session {
        self.runtime.block_on(SessionBuilder::new().known_nodes(nodes()).build()).expect("connects")
    }

    /// A statement to one node, which answers or not.
    fn at(&self, session: &Session, node: &str, level: Consistency, cql: &str) -> Option<QueryRowsResult> {
        let state = session.get_cluster_state();
        let node = state.get_nodes_info().iter().find(|known| known.address.to_string() == node).expect("known");
        let target = SingleTargetLoadBalancingPolicy::new(NodeIdentifier::Node(node.clone()), None);
        let profile = ExecutionProfile::builder().load_balancing_policy(target).consistency(level).build();
        let mut statement = Statement::new(cql);
        statement.set_execution_profile_handle(Some(profile.into_handle()));
        let answer = self.runtime.block_on(session.query_unpaged(statement, ())).ok()?;
        answer.into_rows_result().ok()
    }

    /// Waits until each node of the store knows that all others are up, by a read of a table of which nothing is tested.
    fn all_up(&self, session: &Session) {
        const LOOKS: u32 = 150;
        let select = format!("SELECT id FROM {}.policy", self.keyspace);
        for _ in 0..LOOKS {
            if nodes().iter().all(|node| self.at(session, node, Consistency::All, &select).is_some()) {
                return;
            }
            thread::sleep(PATIENCE / LOOKS);
        }
        panic!("not every node of the store came up");
    }

    /// The ids of all people.
    fn people(&self) -> Vec<Box<str>> {
        let page = self.runtime.block_on(self.store().scan(Kind::User, None, 100, &[])).expect("readable");
        page.partitions.into_iter().map(|(id, _)| id).collect()
    }

    /// Of how many people backup codes are held: at `ONE` by the first copy of each, at `ALL` by any.
    fn backup_codes(&self, session: &Session, level: Consistency) -> usize {
        let select = format!("SELECT id FROM {}.user WHERE item = 'backup' ALLOW FILTERING", self.keyspace);
        self.at(session, &nodes()[0], level, &select).expect("every node is up").rows_num()
    }
}

/// Backup codes as a node kept them that knew of them alone.
fn backup_codes() -> Put {
    let code = BackupCode { locator: "0000".to_owned(), hash: "$argon2id$".to_owned(), used_at: None };
    let at = Timestamp::from_millis(1);
    let credential = CredentialId::from_bytes([7; 16]);
    let codes =
        BackupCodes { credential, created_at: at, saved_at: Some(at), codes: vec![code], unknown: Unknown::default() };
    Put::record("backup", &codes, None)
}

#[test]
#[ignore = "needs a CQL cluster whose nodes it may kill"]
fn a_restore_needs_every_node_of_the_store_and_voids_what_one_of_them_alone_holds() {
    let shared = Shared::new(&(0..PEOPLE).map(|number| format!("person{number}")).collect::<Vec<_>>());
    let (folder, url, session) = (shared.path(), &*shared.url, shared.session());
    done(&run_alone(folder, &["store", "copy", "--from", "embedded:doorward-data", "--to", url]));
    // A hint for a node that is away lives no longer than that, so it gets none when it is back.
    shared.cql(&format!("ALTER TABLE {}.user WITH gc_grace_seconds = 0", shared.keyspace));
    let people = shared.people();
    assert_eq!(people.len(), PEOPLE);
    let down = Down::kill(&[2, 3]);
    let json = backup_codes().body.json;
    for id in &people {
        let insert = format!(
            "INSERT INTO {}.user (id, item, body) VALUES ('{id}', 'backup', '{}')",
            shared.keyspace,
            json.get()
        );
        shared.at(&session, &nodes()[0], Consistency::One, &insert);
    }
    drop(down);
    shared.all_up(&session);
    shared.cql(&format!("ALTER TABLE {}.user WITH gc_grace_seconds = 864000", shared.keyspace));
    // A third of all people has its first copy there.
    let known = shared.backup_codes(&session, Consistency::One);
    assert!(known < PEOPLE, "one node alone has them");
    let before = shared.count();

    let down = Down::kill(&[3]);
    let away = shared.run(&["store", "restored", "--yes"]);
    refused(&away, "no answer from");
    refused(&away, "every node of the store must be up for this");
    let store = shared.store();
    shared.runtime.block_on(async {
        assert_eq!(standing::read(store.as_ref()).await.expect("readable").1, Standing::Serving);
        assert!(!matches!(fence::look(store.as_ref()).await, Ok(Seen::Fence)));
    });
    drop(down);
    shared.all_up(&session);
    assert_eq!(shared.count(), before, "not so much as a mark");

    let told = done(&shared.run(&["store", "restored", "--yes"]));
    assert!(told.contains(&format!("{PEOPLE} backup codes")), "{told}");
    assert_eq!(shared.backup_codes(&session, Consistency::All), 0, "no copy has them any more");
}
