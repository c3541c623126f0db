//! What a start of a node suffers, and its ends of the store and of the network, which suffer with it.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
    time::Duration,
};

use actors::clock::Clock;
use async_trait::async_trait;
use bytes::Bytes;
use cluster::{CallFailure, Caller, Envelope, Member, NodeId, Service, sim::SimCaller};
use parking_lot::Mutex;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use schema::{
    Commit, Cursor, Event, Kind, Partition, PartitionKey, ScanPage, Store, StoreError, Stream, Timestamp, WriteSet,
};
use tokio::{sync::Notify, time::Instant};

use crate::support::{MemoryStore, START};

/// The clock of all nodes: tokio's, from [`START`].
#[derive(Debug)]
pub(crate) struct SimClock(pub(crate) Instant);

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        START.after(self.monotonic())
    }

    fn monotonic(&self) -> Duration {
        cluster::now().saturating_duration_since(self.0)
    }
}

/// What is wrong.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is there or not, whatever the others are")]
pub(crate) struct Ills {
    /// What it sends and what is answered to it waits; its timers go on.
    pub(crate) paused: bool,
    /// The process is gone: what it waits for never comes.
    pub(crate) dead: bool,
    /// It cannot reach the store.
    pub(crate) cut: bool,
    /// The store is slow for it.
    pub(crate) slow: bool,
    /// Nothing goes wrong by chance.
    pub(crate) calm: bool,
}

/// A start of a node, as the world treats it.
pub(crate) struct Plight {
    ills: Mutex<Ills>,
    /// Wakes in the order in which they came, unlike a `watch`.
    changed: Notify,
    seed: u64,
    began: Instant,
    /// A rule that is left out: a commit replaces whatever is there.
    pub(crate) compares_nothing: bool,
}

impl Plight {
    /// A node that nothing goes wrong for yet.
    pub(crate) fn new(seed: u64, began: Instant, compares_nothing: bool) -> Self {
        let calm = Ills { calm: true, ..Ills::default() };
        Self { ills: Mutex::new(calm), changed: Notify::new(), seed, began, compares_nothing }
    }

    pub(crate) fn is(&self) -> Ills {
        *self.ills.lock()
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Ills)) {
        change(&mut self.ills.lock());
        self.changed.notify_waiters();
    }

    async fn until(&self, is_so: impl Fn(Ills) -> bool) {
        loop {
            let changed = self.changed.notified();
            if is_so(self.is()) {
                return;
            }
            changed.await;
        }
    }

    /// Returns when it neither stands still nor is dead.
    async fn awake(&self) {
        self.until(|ills| !ills.paused && !ills.dead).await;
    }

    /// Returns when it dies.
    pub(crate) async fn death(&self) {
        self.until(|ills| ills.dead).await;
    }

    /// Dice for one thing at one moment, so that the order in which a moment's tasks run does not change what they throw.
    fn dice(&self, what: &str) -> StdRng {
        let mut hash = DefaultHasher::new();
        (self.seed, what, self.began.elapsed().as_millis()).hash(&mut hash);
        StdRng::seed_from_u64(hash.finish())
    }

    fn chance(&self, what: &str, of: f64) -> bool {
        self.dice(what).random_bool(of) && !self.is().calm
    }

    async fn takes(&self, what: &str) {
        let longest = if self.is().slow { 900 } else { 5 };
        let ms = self.dice(what).random_range(1..=longest);
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }

    /// The way to the store.
    async fn there(&self, what: &str) -> Result<(), StoreError> {
        self.awake().await;
        self.takes(&format!("{what} there")).await;
        if self.is().cut {
            tokio::time::sleep(Duration::from_millis(300)).await;
            return Err(StoreError::Unavailable("cut off".to_owned()));
        }
        if self.chance(what, 0.01) { Err(StoreError::Unavailable("by chance".to_owned())) } else { Ok(()) }
    }

    /// The way back; says whether the answer gets through.
    async fn back(&self, what: &str) -> bool {
        self.takes(&format!("{what} back")).await;
        self.awake().await;
        !self.is().cut
    }

    async fn read<T>(&self, what: &str, read: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        self.there(what).await?;
        let read = read.await;
        if self.back(what).await { read } else { Err(StoreError::Unavailable("cut off".to_owned())) }
    }
}

/// A node's end of the store.
pub(crate) struct EndOfStore {
    pub(crate) inner: Arc<MemoryStore>,
    pub(crate) plight: Arc<Plight>,
}

#[async_trait]
impl Store for EndOfStore {
    async fn load(&self, partition: &PartitionKey, prefixes: &[&str]) -> Result<Partition, StoreError> {
        self.plight.read(&format!("load {partition}"), self.inner.load(partition, prefixes)).await
    }

    async fn commit(&self, mut write: WriteSet) -> Result<Commit, StoreError> {
        let what = format!("commit {}", write.partition);
        self.plight.there(&what).await?;
        let unknown = || StoreError::Unknown("by chance".to_owned());
        if self.plight.chance(&format!("{what} lost"), 0.03) {
            return Err(unknown());
        }
        if self.plight.compares_nothing && write.partition.kind == Kind::User {
            write.expected = self.inner.load(&write.partition, &[]).await?.revision;
        }
        let commit = self.inner.commit(write).await?;
        let lost = self.plight.chance(&format!("{what} applied"), 0.03);
        if self.plight.back(&what).await && !lost { Ok(commit) } else { Err(unknown()) }
    }

    async fn append(&self, stream: Stream, events: Vec<Event>) -> Result<(), StoreError> {
        self.plight.read("append", self.inner.append(stream, events)).await
    }

    async fn read(&self, stream: Stream, after: &Cursor, limit: usize) -> Result<Vec<Event>, StoreError> {
        self.plight.read("read", self.inner.read(stream, after, limit)).await
    }

    async fn scan(
        &self,
        kind: Kind,
        after: Option<&str>,
        limit: usize,
        prefixes: &[&str],
    ) -> Result<ScanPage, StoreError> {
        self.plight.read("scan", self.inner.scan(kind, after, limit, prefixes)).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.plight.read("ping", self.inner.ping()).await
    }
}

/// A node's end of the network.
pub(crate) struct EndOfNetwork {
    pub(crate) inner: SimCaller,
    pub(crate) plight: Arc<Plight>,
}

#[async_trait]
impl Caller for EndOfNetwork {
    async fn call(&self, to: &Member, envelope: Envelope, deadline: Instant) -> Result<Bytes, CallFailure> {
        let call = async {
            self.plight.awake().await;
            let answer = self.inner.call(to, envelope, deadline).await;
            self.plight.awake().await;
            answer
        };
        tokio::time::timeout_at(deadline, call).await.unwrap_or(Err(CallFailure::TimedOut))
    }
}

/// What serves others. It goes on when its caller has given up.
pub(crate) struct Desk<S> {
    pub(crate) inner: Arc<S>,
    pub(crate) plight: Arc<Plight>,
}

#[async_trait]
impl<S: Service> Service for Desk<S> {
    async fn serve(&self, from: &NodeId, envelope: Envelope, deadline: Instant) -> Bytes {
        let (inner, plight, from) = (Arc::clone(&self.inner), Arc::clone(&self.plight), from.clone());
        let served = tokio::spawn(async move {
            plight.awake().await;
            let answer = inner.serve(&from, envelope, deadline).await;
            plight.awake().await;
            answer
        });
        // An empty answer counts as a lost one.
        served.await.unwrap_or_default()
    }
}
