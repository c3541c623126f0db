//! The throttle of a typed name (HAZARDS H13): what an unknown device sees of a cool-down follows the name that it typed,
//! whether anybody has that name or not. So the cool-down tells nothing about accounts.
//!
//! The partition is named by an HMAC of the normalised name, so that names that nobody has are not kept in the clear.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use schema::{Kind, PartitionKey, Put, Store, StoreError, Timestamp, record::Throttle};
use tokio::sync::SemaphorePermit;

use crate::{
    account::MAX_WAITING,
    call::{CallError, Deadline},
    clock::Clock,
    domain::{
        throttle::{self, BURST, Bucketing, Gate},
        user::fresh_throttle,
    },
    entropy::Entropy,
    transact::{Transaction, transact},
    vault::{Purpose, Vault},
};

/// A name's counter is forgotten this long after its last failure: by then its level has decayed to nothing.
const LIFETIME: Duration = Duration::from_hours(8 * 24);

/// Names share this many slots, so that guesses at one name queue here instead of losing their commits to each other.
const SLOTS: usize = 256;

/// A name's cool-down is never shorter than that of the account behind it: else a right password would be answered as a
/// wrong one in between.
const LONGEST: f64 = 0.1;

/// What an attempt at a suspended name looks like.
pub(crate) const SUSPENDED_LOOKS_LIKE: Duration = Duration::from_hours(1);

/// The throttles of typed names. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Idents {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    vault: Arc<Vault>,
    slots: Arc<[Slot]>,
}

/// One who waits, until dropped: served, refused, or given up by whoever asked.
struct Waits<'a>(&'a AtomicUsize);

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What names of one slot take turns at.
struct Slot {
    changes: tokio::sync::Mutex<()>,
    /// Hashes for nobody, at most as many at once as an account's bucket has guesses.
    decoys: tokio::sync::Semaphore,
    waiting: AtomicUsize,
}

impl Idents {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        vault: Arc<Vault>,
    ) -> Self {
        let slot = |_| Slot {
            changes: tokio::sync::Mutex::default(),
            decoys: tokio::sync::Semaphore::new(BURST.into()),
            waiting: AtomicUsize::new(0),
        };
        Self { store, clock, entropy, vault, slots: (0..SLOTS).map(slot).collect() }
    }

    /// The partition of a normalised name.
    pub(crate) fn partition(&self, name: &str) -> PartitionKey {
        PartitionKey::new(Kind::Ident, self.vault.mac_tagged(Purpose::Ident, &[name.as_bytes()]))
    }

    /// May this name be tried? Until when not, otherwise.
    pub(crate) async fn closed_until(&self, key: &PartitionKey) -> Result<Option<Timestamp>, StoreError> {
        let now = self.clock.now();
        let throttle: Option<Throttle> = self.store.load(key, &[ITEM]).await?.get(key, ITEM)?;
        Ok(match throttle.map(|throttle| throttle::status(&throttle, Bucketing::Unknown, now)) {
            None | Some(Gate::Open { .. }) => None,
            Some(Gate::Closed { until }) => Some(until),
            Some(Gate::Suspended) => Some(now.after(SUSPENDED_LOOKS_LIKE)),
        })
    }

    /// Waits for a turn to hash for a name that nobody has: as bounded as the reservations of an account, so that many
    /// guesses at once neither cost more nor are answered otherwise.
    pub(crate) async fn turn(&self, key: &PartitionKey, deadline: Deadline) -> Result<SemaphorePermit<'_>, CallError> {
        let slot = self.slot(key);
        if let Ok(permit) = slot.decoys.try_acquire() {
            return Ok(permit);
        }
        let waiting = Waits(&slot.waiting);
        if waiting.0.fetch_add(1, Ordering::Relaxed) >= MAX_WAITING {
            return Err(CallError::Overloaded);
        }
        let permit = tokio::time::timeout_at(deadline.instant(), slot.decoys.acquire()).await;
        permit.map_err(|_| CallError::TimedOut)?.map_err(|_| CallError::Overloaded)
    }

    fn slot(&self, key: &PartitionKey) -> &Slot {
        let sum = key.id.bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        &self.slots[sum % SLOTS]
    }

    /// Counts a failure, durably before it returns. In a cool-down nothing is evaluated, so nothing is counted.
    pub(crate) async fn fail(&self, key: &PartitionKey) -> Result<(), StoreError> {
        self.change(key, |counts, now, jitter| {
            if matches!(throttle::status(counts, Bucketing::Unknown, now), Gate::Open { .. }) {
                throttle::fail(counts, Bucketing::Unknown, now, jitter);
            }
        })
        .await
    }

    /// Forgets failures, after a success from an unknown device. Writes nothing where there were none.
    pub(crate) async fn succeed(&self, key: &PartitionKey) -> Result<(), StoreError> {
        self.change(key, |throttle, _, _| throttle::succeed(throttle, Bucketing::Unknown)).await
    }

    /// Forgets everything, a suspension included. Writes nothing where there is nothing.
    pub(crate) async fn forget(&self, key: &PartitionKey) -> Result<(), StoreError> {
        self.change(key, |throttle, _, _| *throttle = fresh_throttle()).await
    }

    async fn change(
        &self,
        key: &PartitionKey,
        change: impl Fn(&mut Throttle, Timestamp, f64) + Send + Sync,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let _turn = self.slot(key).changes.lock().await;
        transact(self.store.as_ref(), self.entropy.as_ref(), key, now, |partition| {
            let stored: Option<Throttle> = partition.get(key, ITEM)?;
            let before = stored.unwrap_or_else(fresh_throttle);
            let mut after = before.clone();
            change(&mut after, now, LONGEST);
            if (after.total, &after.buckets) == (before.total, &before.buckets) {
                return Ok(Transaction::answer(()));
            }
            let end = now.after(LIFETIME);
            let mut transaction = Transaction::put(Put::record(ITEM, &after, Some(end)), ());
            transaction.partition_expires_at = Some(end);
            Ok(transaction)
        })
        .await
    }
}

const ITEM: &str = "throttle";
