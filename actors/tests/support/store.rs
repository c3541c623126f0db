//! A store in front of the embedded one that does what the test says: fails, loses answers, lets another owner be first,
//! waits at a gate, panics; and that counts what it is asked.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use parking_lot::Mutex;
use schema::{
    AttemptId, Commit, Cursor, Event, Kind, Operation, Partition, PartitionKey, Revision, ScanPage, Store, StoreError,
    Stream, WriteSet,
};
use serde_json::value::RawValue;
use tokio::sync::{Notify, Semaphore};

/// What happens to one commit of a user's partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing unusual.
    Pass,
    /// It is refused.
    Unavailable,
    /// It is carried out; its answer is lost.
    AppliedThenUnknown,
    /// It is lost; its caller cannot know.
    LostThenUnknown,
    /// Another owner commits first.
    OtherFirst,
    /// It waits until [`TestStore::let_go`], then is carried out.
    Hold,
    /// The caller dies before it is carried out.
    Panic,
    /// The caller dies after it was carried out.
    AppliedThenPanic,
    /// Another owner carries the same attempt out, at the same time, and records `false`; its caller cannot know.
    TwinThenUnknown,
    /// Other owners fill the ring first, and the caller dies.
    RingFilledThenPanic,
}

/// What of the store a node cannot reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Cut {
    /// It reaches everything.
    #[default]
    Nothing,
    /// The row of the view alone.
    View,
    /// The signing keys alone.
    Keys,
    /// The generations of clients, policies and keys alone.
    Generations,
    /// Everything.
    All,
}

/// The store of a test.
pub(crate) struct TestStore {
    inner: Mutex<Arc<dyn Store>>,
    commits: Mutex<VecDeque<Fault>>,
    appends: Mutex<VecDeque<Fault>>,
    hold_loads: Mutex<Option<Kind>>,
    arrived: Notify,
    gate: Semaphore,
    loads: AtomicUsize,
    committed: Mutex<HashMap<Kind, usize>>,
    others: AtomicUsize,
    cut: Mutex<Cut>,
}

impl TestStore {
    /// A store that passes everything on until told otherwise.
    pub(crate) fn new(inner: Arc<dyn Store>) -> Self {
        Self {
            inner: Mutex::new(inner),
            commits: Mutex::default(),
            appends: Mutex::default(),
            hold_loads: Mutex::default(),
            arrived: Notify::new(),
            gate: Semaphore::new(0),
            loads: AtomicUsize::new(0),
            committed: Mutex::default(),
            others: AtomicUsize::new(0),
            cut: Mutex::default(),
        }
    }

    /// The next commits of user partitions meet these faults, one each, in this order.
    pub(crate) fn script(&self, faults: impl IntoIterator<Item = Fault>) {
        self.commits.lock().extend(faults);
    }

    /// Cuts this node off from the store, or connects it again.
    pub(crate) fn cut(&self, cut: Cut) {
        *self.cut.lock() = cut;
    }

    /// Is this what it cannot reach now?
    pub(crate) fn cut_is(&self, cut: Cut) -> bool {
        *self.cut.lock() == cut
    }

    fn reach(&self, partition: Option<&PartitionKey>) -> Result<(), StoreError> {
        let is = |kind, id| partition.is_some_and(|key| key.kind == kind && &*key.id == id);
        match *self.cut.lock() {
            Cut::All => Err(StoreError::Unavailable("this node is cut off".to_owned())),
            Cut::View if is(Kind::Cluster, "view") => {
                Err(StoreError::Unavailable("the view is out of reach".to_owned()))
            }
            Cut::Keys if is(Kind::Keyring, "signing") => {
                Err(StoreError::Unavailable("the keys are out of reach".to_owned()))
            }
            Cut::Generations if is(Kind::Cluster, "generations") => {
                Err(StoreError::Unavailable("the generations are out of reach".to_owned()))
            }
            Cut::View | Cut::Keys | Cut::Generations | Cut::Nothing => Ok(()),
        }
    }

    /// The next appends meet these faults, one each.
    pub(crate) fn script_appends(&self, faults: impl IntoIterator<Item = Fault>) {
        self.appends.lock().extend(faults);
    }

    /// Faults that no commit has met yet.
    pub(crate) fn unmet(&self) -> usize {
        self.commits.lock().len()
    }

    /// The next load of this kind reads, and then waits until [`Self::let_go`] with what it found.
    pub(crate) fn hold_load(&self, kind: Kind) {
        *self.hold_loads.lock() = Some(kind);
    }

    /// Returns when something waits at the gate.
    pub(crate) async fn something_waits(&self) {
        self.arrived.notified().await;
    }

    /// Lets one that waits at the gate go on.
    pub(crate) fn let_go(&self) {
        self.gate.add_permits(1);
    }

    /// Loads so far, and commits that were carried out so far.
    pub(crate) fn operations(&self) -> (usize, usize) {
        (self.loads.load(Ordering::SeqCst), self.committed.lock().values().sum())
    }

    /// Commits of one kind that were carried out so far.
    pub(crate) fn committed(&self, kind: Kind) -> usize {
        self.committed.lock().get(&kind).copied().unwrap_or_default()
    }

    async fn wait(&self) {
        self.arrived.notify_one();
        self.gate.acquire().await.expect("the gate is never closed").forget();
    }

    fn inner(&self) -> Arc<dyn Store> {
        Arc::clone(&self.inner.lock())
    }

    /// A commit of another owner that changes nothing but the revision.
    pub(crate) async fn commit_of_another(&self, key: &PartitionKey) {
        let partition = self.inner().load(key, &[]).await.expect("the store behind works");
        let n = self.others.fetch_add(1, Ordering::SeqCst) as u64;
        let mut id = [0xee; 16];
        id[..8].copy_from_slice(&n.to_be_bytes());
        let outcome = RawValue::NULL.to_owned();
        let at = partition.operations.iter().map(|operation| operation.at).max().unwrap_or_default();
        let write = WriteSet {
            partition: key.clone(),
            expected: partition.revision,
            first: Revision::first(n.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
            operation: Operation { id: AttemptId::from_bytes(id), digest: [0; 32], outcome },
            at,
            puts: Vec::new(),
            deletes: Vec::new(),
            partition_expires_at: None,
            note_dirty: false,
        };
        self.inner().commit(write).await.expect("the store behind works");
    }

    async fn carry_out(&self, write: WriteSet) -> Result<Commit, StoreError> {
        let kind = write.partition.kind;
        let outcome = self.inner().commit(write).await?;
        if matches!(outcome, Commit::Committed(_)) {
            *self.committed.lock().entry(kind).or_default() += 1;
        }
        Ok(outcome)
    }
}

impl std::fmt::Debug for TestStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TestStore").finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for TestStore {
    async fn load(&self, partition: &PartitionKey, prefixes: &[&str]) -> Result<Partition, StoreError> {
        self.reach(Some(partition))?;
        self.loads.fetch_add(1, Ordering::SeqCst);
        let found = self.inner().load(partition, prefixes).await;
        let held = self.hold_loads.lock().take_if(|kind| *kind == partition.kind).is_some();
        if held {
            self.wait().await;
        }
        found
    }

    async fn peek(&self, partition: &PartitionKey, prefixes: &[&str]) -> Result<Partition, StoreError> {
        self.reach(Some(partition))?;
        self.inner().peek(partition, prefixes).await
    }

    async fn commit(&self, write: WriteSet) -> Result<Commit, StoreError> {
        self.reach(Some(&write.partition))?;
        let scripted = write.partition.kind == Kind::User;
        let fault = if scripted { self.commits.lock().pop_front() } else { None };
        match fault.unwrap_or(Fault::Pass) {
            Fault::Pass => return self.carry_out(write).await,
            Fault::Unavailable => return Err(StoreError::Unavailable("a fault of the test".to_owned())),
            Fault::AppliedThenUnknown => drop(self.carry_out(write).await?),
            Fault::LostThenUnknown => {}
            Fault::TwinThenUnknown => {
                let outcome = RawValue::from_string("false".to_owned()).expect("JSON");
                let operation = Operation { outcome, ..write.operation };
                self.inner().commit(WriteSet { operation, puts: Vec::new(), deletes: Vec::new(), ..write }).await?;
            }
            Fault::OtherFirst => {
                self.commit_of_another(&write.partition).await;
                return self.carry_out(write).await;
            }
            Fault::Hold => {
                self.wait().await;
                return self.carry_out(write).await;
            }
            Fault::Panic => panic!("a fault of the test"),
            Fault::AppliedThenPanic => {
                self.carry_out(write).await?;
                panic!("a fault of the test");
            }
            Fault::RingFilledThenPanic => {
                for _ in 0..schema::RING {
                    self.commit_of_another(&write.partition).await;
                }
                panic!("a fault of the test");
            }
        }
        Err(StoreError::Unknown("a fault of the test".to_owned()))
    }

    async fn append(&self, stream: Stream, events: Vec<Event>) -> Result<(), StoreError> {
        self.reach(None)?;
        let fault = if stream == Stream::Audit { self.appends.lock().pop_front() } else { None };
        match fault {
            Some(Fault::Unavailable) => Err(StoreError::Unavailable("a fault of the test".to_owned())),
            Some(Fault::Hold) => {
                self.wait().await;
                self.inner().append(stream, events).await
            }
            _ => self.inner().append(stream, events).await,
        }
    }

    async fn read(&self, stream: Stream, after: &Cursor, limit: usize) -> Result<Vec<Event>, StoreError> {
        self.inner().read(stream, after, limit).await
    }

    async fn scan(
        &self,
        kind: Kind,
        after: Option<&str>,
        limit: usize,
        prefixes: &[&str],
    ) -> Result<ScanPage, StoreError> {
        self.inner().scan(kind, after, limit, prefixes).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.inner().ping().await
    }
}
