//! The view in the store, and the contract on the store that these tests play in.

use std::sync::Arc;

use actors::{clock::MockClock, entropy::SeededEntropy, stored_view::StoredView};
use async_trait::async_trait;
use cluster::{View, ViewStore as _};
use schema::{
    AttemptId, Operation, Put, Revision, Store, WriteSet,
    contract::Backend,
    contract_suite,
    record::{ClusterView, Record as _},
};
use serde_json::value::RawValue;

use crate::{
    house::member,
    support::{MemoryStore, START},
};

fn stored() -> (StoredView, Arc<MemoryStore>) {
    let store = Arc::new(MemoryStore::default());
    let (clock, entropy) = (Arc::new(MockClock::new(START)), Arc::new(SeededEntropy::new(5)));
    (StoredView::new(Arc::clone(&store) as _, clock, entropy), store)
}

#[tokio::test]
async fn a_view_is_read_back_and_replaced_by_who_knows_the_last() {
    let (view, _) = stored();
    assert_eq!(view.read().await.expect("reads"), View::default());
    let first = View::default().followed_by(vec![member("a"), member("b")]);
    assert!(view.replace(0, &first).await.expect("writes"));
    assert_eq!(view.read().await.expect("reads"), first);
    assert!(!view.replace(0, &first).await.expect("refuses"), "somebody was first");
    assert!(view.replace(1, &first).await.is_err(), "an epoch counts");
}

/// A newer version has written the row: what it says beside is there after this version wrote too.
#[tokio::test]
async fn what_only_a_newer_version_knows_is_kept() {
    let (view, store) = stored();
    let body = r#"{"v":2,"min_reader":1,"epoch":4,"fence":[1],"members":[
        {"node":"a","generation":1,"roles":["http","actors","clairvoyance"],"address":"a:1","zone":"north"},
        {"node":"b","generation":1,"roles":["actors"]}]}"#;
    let json = RawValue::from_string(body.to_owned()).expect("JSON");
    let put = Put { key: "view".into(), body: schema::Body { json, expires_at: None } };
    let operation =
        Operation { id: AttemptId::from_bytes([3; 16]), digest: [0; 32], outcome: RawValue::NULL.to_owned() };
    let write = WriteSet {
        partition: StoredView::partition(),
        expected: None,
        first: Revision::first(7),
        operation,
        at: START,
        puts: vec![put],
        deletes: Vec::new(),
        partition_expires_at: None,
        note_dirty: false,
    };
    store.commit(write).await.expect("commits");
    let read = view.read().await.expect("reads");
    assert_eq!((read.epoch, read.members.len(), read.members[0].roles.len()), (4, 2, 2));
    let one = read.followed_by(vec![read.members[0].clone()]);
    assert!(view.replace(4, &one).await.expect("writes"));
    let partition = store.load(&StoredView::partition(), &["view"]).await.expect("loads");
    let record = ClusterView::decode(&partition.items["view"].json).expect("a view");
    assert_eq!((record.epoch, record.members.len()), (5, 1));
    assert!(record.members[0].roles.contains(&"clairvoyance".to_owned()));
    assert_eq!(record.members[0].unknown["zone"], "north");
    assert!(record.encode().expect("encodes").get().contains(r#""fence":[1]"#));
}

/// It never closes: what is in memory is there for whoever opens it again.
struct Memory(Arc<MemoryStore>);

impl Memory {
    #[expect(clippy::unused_async, reason = "the suite awaits the opening of every backend")]
    async fn open() -> Self {
        Self(Arc::default())
    }
}

#[async_trait]
impl Backend for Memory {
    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.0) as _
    }

    async fn reopen(&mut self) -> Arc<dyn Store> {
        self.store()
    }
}

contract_suite!(super::Memory::open);
