//! How nodes hear that a client, a policy or a key was changed by another one (HAZARDS H4).
//!
//! 1. The change is committed on its own partition, together with an event item (`Transaction::config`).
//! 2. The event is *delivered*: the generation of its kind is moved, in the partition `cluster/generations`. Then the item
//!    is removed. Where the store does not take that, the partition is *owed*: the process tries again for as long as it
//!    runs, and leaves its cursor in the dirty stream where it is. A process that dies in between leaves the item; whoever
//!    loads the partition next, or finds its dirty note, delivers it. Delivered twice it moves twice, which costs each node
//!    one more look at what it keeps, and nothing else.
//! 3. Every node reads the generations once a second. What it keeps in memory carries the generation that was known *before*
//!    its load began, and is answered from while that is the newest one, by a read that began less than [`BOUND`] ago. Since
//!    it began neither clock has jumped nor has the machine slept, and the clock is not too far off
//!    ([`Authority::is_settled_since`]).
//! 4. The change is acknowledged [`WITHIN`] after the move: a node that still answers from before it has read the generations
//!    too long ago to be allowed to.
//!
//! Creating something moves nothing, since what is absent is never kept. A node that is alone does none of this.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use cluster::{Authority, BOUND};
use parking_lot::{Mutex, RwLock};
use schema::{
    EVENT_PREFIX, Kind, Partition, PartitionKey, Put, Store, StoreError,
    record::{ConfigGeneration, Unknown},
};
use thiserror::Error;
use tokio::{sync::watch, time::Instant};

use crate::{
    clock::{Clock, stamp},
    entropy::Entropy,
    transact::{Transaction, transact},
};

/// A change of a client, a policy or a key reaches every node within this time after its event was delivered. Until then it
/// is not acknowledged.
pub const WITHIN: Duration = BOUND;

/// How often the generations are read, at the latest.
const INTERVAL: Duration = Duration::from_secs(1);
/// Up to this much earlier, so that nodes do not read in step.
const EARLY: Duration = Duration::from_millis(100);
/// One read takes this long at most.
const READ_WITHIN: Duration = Duration::from_millis(300);
/// How long who waits for a change to be announced has it tried, and the pause between tries: at least, and at most twice.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(200);
/// How often it is tried afterwards, when nobody waits.
const OWED_INTERVAL: Duration = Duration::from_secs(1);
/// The kinds that have a generation.
const KINDS: [Kind; 3] = [Kind::Client, Kind::Policy, Kind::Keyring];

/// The generations, in the order of [`KINDS`].
type Counters = [u64; KINDS.len()];

/// What was read last.
#[derive(Clone, Copy)]
struct Seen {
    counters: Counters,
    /// When the read began.
    began: Instant,
}

/// The generations of what nodes keep in memory. Cheap to clone.
#[derive(Clone)]
pub struct Generations(Arc<Inner>);

struct Inner {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    authority: Arc<Authority>,
    seen: RwLock<Option<Seen>>,
    moves: watch::Sender<Counters>,
    /// Partitions whose last change may not be known everywhere, and how many changes of each are under way here.
    owed: Mutex<BTreeMap<PartitionKey, usize>>,
}

/// A change is stored, and not every node is known to have heard of it. They will, once the store takes that.
#[derive(Debug, Error)]
#[error("the change is stored, but not yet known everywhere: {0}")]
pub struct Unannounced(StoreError);

/// A change of a partition, from before its commit on. Unless it was delivered when this is dropped - the store did not
/// say what became of it, or nobody waits for it any more - the partition is owed.
pub(crate) struct Change {
    generations: Generations,
    key: PartitionKey,
}

impl std::fmt::Debug for Generations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Generations").field("moves", &*self.0.moves.borrow()).finish_non_exhaustive()
    }
}

impl Generations {
    /// Nothing is known yet.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        authority: Arc<Authority>,
    ) -> Self {
        let (seen, moves) = (RwLock::new(None), watch::Sender::new([0; KINDS.len()]));
        Self(Arc::new(Inner { store, clock, entropy, authority, seen, moves, owed: Mutex::default() }))
    }

    /// Is there nobody else to be told?
    pub(crate) fn is_alone(&self) -> bool {
        self.0.authority.is_alone()
    }

    /// The generation that whatever is loaded from now on carries; `None`: it must not be kept.
    pub(crate) fn before_load(&self, kind: Kind) -> Option<u64> {
        if self.is_alone() {
            return Some(0);
        }
        self.0.seen.read().map(|seen| of(&seen.counters, kind))
    }

    /// May what carries `generation` be answered from now?
    pub(crate) fn holds(&self, kind: Kind, generation: u64) -> bool {
        self.is_alone() || self.fresh().is_some_and(|seen| of(&seen.counters, kind) == generation)
    }

    /// Were the generations read recently enough for anything to be answered from memory?
    pub(crate) fn is_fresh(&self) -> bool {
        self.is_alone() || self.fresh().is_some()
    }

    fn fresh(&self) -> Option<Seen> {
        let (seen, now) = (*self.0.seen.read(), cluster::now());
        seen.filter(|seen| {
            now.saturating_duration_since(seen.began) < BOUND && self.0.authority.is_settled_since(seen.began, now)
        })
    }

    /// The generation of a kind, as it moves.
    pub(crate) fn moves(&self, kind: Kind) -> Moves {
        let counters = self.0.moves.subscribe();
        let last = of(&counters.borrow(), kind);
        Moves { counters, kind, last }
    }

    /// Reads the generations.
    pub async fn read(&self) -> Result<(), StoreError> {
        let inner = &self.0;
        let (key, items, began) = (partition(), KINDS.map(Kind::as_str), cluster::now());
        metrics::counter!("doorward_generation_reads_total").increment(1);
        let read = tokio::time::timeout(READ_WITHIN, inner.store.peek(&key, &items));
        let late = |_| StoreError::Unavailable("the generations were not read in time".to_owned());
        let found = read.await.map_err(late)??;
        let mut counters = [0; KINDS.len()];
        for (counter, kind) in counters.iter_mut().zip(KINDS) {
            *counter = stored(&found, kind)?;
        }
        self.observe(counters, began);
        Ok(())
    }

    /// A read that began earlier than the last one and ended later says nothing new.
    fn observe(&self, counters: Counters, began: Instant) {
        let mut seen = self.0.seen.write();
        if seen.is_none_or(|seen| seen.began < began) {
            *seen = Some(Seen { counters, began });
            self.0.moves.send_if_modified(|known| std::mem::replace(known, counters) != counters);
        }
    }

    /// Reads the generations for as long as it is polled.
    pub(crate) async fn follow(&self) {
        loop {
            if let Err(error) = self.read().await {
                metrics::counter!("doorward_generation_read_failures_total").increment(1);
                tracing::warn!(%error, "the generations of clients and keys cannot be read; what is kept is validated");
            }
            tokio::time::sleep(INTERVAL.saturating_sub(self.jitter(EARLY))).await;
        }
    }

    /// Up to so long, at random.
    pub(crate) fn jitter(&self, below: Duration) -> Duration {
        below.mul_f64(f64::from(u16::from_be_bytes(self.0.entropy.array())) / f64::from(u16::MAX))
    }

    /// Delivers the events that `partition`, as it was loaded, holds: what was left by a process that died.
    pub(crate) async fn deliver_left(&self, key: &PartitionKey, partition: &Partition) -> Result<(), StoreError> {
        if partition.items.keys().any(|item| item.starts_with(EVENT_PREFIX)) { self.deliver(key).await } else { Ok(()) }
    }

    /// Delivers the events of a partition: moves the generation of its kind, then removes them. What cannot be delivered
    /// is owed.
    pub async fn deliver(&self, key: &PartitionKey) -> Result<(), StoreError> {
        self.deliver_beside(key, 0).await
    }

    /// The same for somebody who has so many changes of the partition under way, all of them committed.
    async fn deliver_beside(&self, key: &PartitionKey, own: usize) -> Result<(), StoreError> {
        let found = self.0.store.load(key, &[EVENT_PREFIX]).await?;
        if !found.items.is_empty() && KINDS.contains(&key.kind) {
            self.0.owed.lock().entry(key.clone()).or_default();
            self.move_on(key, &found).await?;
        }
        let mut owed = self.0.owed.lock();
        // Another change may have been committed since the load.
        if owed.get(key).is_some_and(|under_way| *under_way <= own) {
            owed.remove(key);
        }
        Ok(())
    }

    /// Moves the generation for the events that were found, then removes them.
    async fn move_on(&self, key: &PartitionKey, found: &Partition) -> Result<(), StoreError> {
        let inner = &self.0;
        let (generations, now) = (partition(), stamp(inner.clock.as_ref()));
        transact(inner.store.as_ref(), inner.entropy.as_ref(), &generations, now, |partition| {
            let next = ConfigGeneration { generation: stored(partition, key.kind)? + 1, unknown: Unknown::default() };
            Ok(Transaction::put(Put::record(key.kind.as_str(), &next, None), ()))
        })
        .await?;
        transact(inner.store.as_ref(), inner.entropy.as_ref(), key, now, |partition| {
            let there = found.items.keys().filter(|item| partition.items.contains_key(*item));
            Ok(Transaction { deletes: there.cloned().collect(), ..Transaction::answer(()) })
        })
        .await
    }

    /// A change of this partition begins. To be called before it is committed.
    pub(crate) fn change(&self, key: &PartitionKey) -> Change {
        if !self.is_alone() {
            *self.0.owed.lock().entry(key.clone()).or_default() += 1;
        }
        Change { generations: self.clone(), key: key.clone() }
    }

    /// May there be a change that others do not know of?
    pub(crate) fn owes(&self) -> bool {
        !self.0.owed.lock().is_empty()
    }

    /// Tries once to deliver what is owed and is not under way.
    pub(crate) async fn deliver_owed(&self) {
        let left = |(key, under_way): (&PartitionKey, &usize)| (*under_way == 0).then(|| key.clone());
        let owed: Vec<PartitionKey> = self.0.owed.lock().iter().filter_map(left).collect();
        for key in owed {
            if let Err(error) = self.deliver(&key).await {
                tracing::warn!(%error, partition = %key, "a change is stored, but not yet known everywhere");
            }
        }
    }

    /// Delivers what is owed as soon as the store takes it, for as long as it is polled.
    pub(crate) async fn pay(&self) {
        loop {
            tokio::time::sleep(OWED_INTERVAL).await;
            self.deliver_owed().await;
        }
    }
}

impl Change {
    /// It was committed: returns when every node knows it.
    pub(crate) async fn announce(self) -> Result<(), Unannounced> {
        if !self.generations.is_alone() {
            self.deliver().await.map_err(Unannounced)?;
            tokio::time::sleep(WITHIN).await;
        }
        Ok(())
    }

    /// Delivers it, and what others left of earlier ones; tries for some seconds.
    pub(crate) async fn deliver(&self) -> Result<(), StoreError> {
        let Self { generations, key } = self;
        if generations.is_alone() {
            return Ok(());
        }
        let until = cluster::now() + PATIENCE;
        loop {
            match generations.deliver_beside(key, 1).await {
                Err(StoreError::Unavailable(_) | StoreError::Unknown(_)) if cluster::now() < until => {}
                delivered => return delivered,
            }
            tokio::time::sleep(PAUSE + generations.jitter(PAUSE)).await;
        }
    }
}

impl Drop for Change {
    fn drop(&mut self) {
        if let Some(under_way) = self.generations.0.owed.lock().get_mut(&self.key) {
            *under_way = under_way.saturating_sub(1);
        }
    }
}

/// Waits for the generation of one kind to move.
pub(crate) struct Moves {
    counters: watch::Receiver<Counters>,
    kind: Kind,
    last: u64,
}

impl Moves {
    /// Returns when it is another one than before; `false` when nobody reads it any more.
    pub(crate) async fn next(&mut self) -> bool {
        let (kind, last) = (self.kind, self.last);
        let Ok(counters) = self.counters.wait_for(|counters| of(counters, kind) != last).await else { return false };
        self.last = of(&counters, kind);
        true
    }
}

fn partition() -> PartitionKey {
    PartitionKey::new(Kind::Cluster, "generations")
}

fn stored(found: &Partition, kind: Kind) -> Result<u64, StoreError> {
    let stored: Option<ConfigGeneration> = found.get(&partition(), kind.as_str())?;
    Ok(stored.map_or(0, |stored| stored.generation))
}

fn of(counters: &Counters, kind: Kind) -> u64 {
    KINDS.iter().position(|known| *known == kind).map_or(0, |index| counters[index])
}
