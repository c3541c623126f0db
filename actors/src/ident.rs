//! The throttle of a typed name (HAZARDS H13): what an unknown device sees of a cool-down follows the name that it typed,
//! whether anybody has that name or not. So the cool-down tells nothing about accounts.
//!
//! The partition is named by an HMAC of the normalised name, so that names that nobody has are not kept in the clear.

use std::{
    collections::HashMap,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use schema::{Kind, PartitionKey, Put, Store, StoreError, Timestamp, record::Throttle};
use tokio::sync::Notify;

use crate::{
    account::MAX_WAITING,
    call::{CallError, Deadline},
    clock::{Clock, certain},
    domain::{
        throttle::{self, Bucketing, Gate},
        user::fresh_throttle,
    },
    entropy::Entropy,
    transact::{Transaction, not_before, transact_at},
    vault::{Purpose, Vault},
};

/// A name's counter is forgotten this long after its last failure: by then its level has decayed to nothing.
pub(crate) const LIFETIME: Duration = Duration::from_hours(8 * 24);

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

/// What names of one slot share.
#[derive(Default)]
struct Slot {
    changes: tokio::sync::Mutex<()>,
    /// Hashes under way for names that nobody has.
    out: Mutex<HashMap<Box<str>, u32>>,
    freed: Notify,
    waiting: AtomicUsize,
}

/// Where a name stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    /// Until when unknown devices may not try it, if so.
    pub(crate) closed_until: Option<Timestamp>,
    /// Failures in a row.
    pub(crate) failures: u32,
}

/// A guess at a name that nobody has, until its failure is counted or it is given up.
pub(crate) struct Turn<'a> {
    slot: &'a Slot,
    name: &'a str,
    /// Was it given? Only then there is something to wait for.
    given: bool,
}

/// An answer to a wish for a turn.
pub(crate) enum Asked<'a> {
    /// Guess, then count the failure, then drop it.
    Given(Turn<'a>),
    /// The name is closed until then.
    Closed(Timestamp),
    /// Others closed it while this one waited.
    ClosedMeanwhile,
}

impl<'a> Turn<'a> {
    /// Takes a place, and says which of those under way this one is.
    fn ask(slot: &'a Slot, name: &'a str) -> (Self, u32) {
        let mut out = slot.out.lock();
        let place = out.entry(name.into()).or_default();
        *place += 1;
        (Self { slot, name, given: false }, *place)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut out = self.slot.out.lock();
        if let Some(place) = out.get_mut(self.name) {
            *place -= 1;
            if *place == 0 {
                out.remove(self.name);
            }
        }
        drop(out);
        if self.given {
            self.slot.freed.notify_waiters();
        }
    }
}

/// One who waits, until dropped: served, refused, or given up by whoever asked.
struct Waits<'a>(&'a AtomicUsize);

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Idents {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        vault: Arc<Vault>,
    ) -> Self {
        Self { store, clock, entropy, vault, slots: (0..SLOTS).map(|_| Slot::default()).collect() }
    }

    /// The partition of a normalised name.
    pub(crate) fn partition(&self, name: &str) -> PartitionKey {
        PartitionKey::new(Kind::Ident, self.vault.mac_tagged(Purpose::Ident, &[name.as_bytes()]))
    }

    /// Where this name stands.
    pub(crate) async fn standing(&self, key: &PartitionKey) -> Result<Standing, StoreError> {
        let (gate, failures) = self.gate(key).await?;
        Ok(Standing { closed_until: self.end_of(gate), failures })
    }

    fn end_of(&self, gate: Gate) -> Option<Timestamp> {
        match gate {
            Gate::Open { .. } => None,
            Gate::Closed { until } => Some(until),
            Gate::Suspended => Some(self.clock.now().after(SUSPENDED_LOOKS_LIKE)),
        }
    }

    async fn gate(&self, key: &PartitionKey) -> Result<(Gate, u32), StoreError> {
        let partition = self.store.load(key, &[ITEM]).await?;
        let throttle = partition.get::<Throttle>(key, ITEM)?.unwrap_or_else(fresh_throttle);
        let now = not_before(&partition, certain(self.clock.as_ref())?);
        Ok((throttle::status(&throttle, Bucketing::Unknown, now), throttle.total))
    }

    /// Waits for a turn to hash for a name that nobody has: at most as many at once as the name has guesses left, and as
    /// many in the queue as an account lets wait. So many guesses at once neither cost more than at somebody's name, nor
    /// are answered otherwise.
    pub(crate) async fn turn<'a>(&'a self, key: &'a PartitionKey, deadline: Deadline) -> Result<Asked<'a>, CallError> {
        let slot = self.slot(key);
        let mut waits = None;
        loop {
            let mut freed = pin!(slot.freed.notified());
            freed.as_mut().enable();
            // First the place, then the count: whoever had a place before has counted its failure, or is in the way.
            let (mut turn, place) = Turn::ask(slot, &key.id);
            let (gate, _) = self.gate(key).await?;
            if let Some(until) = self.end_of(gate) {
                return Ok(if waits.is_none() { Asked::Closed(until) } else { Asked::ClosedMeanwhile });
            }
            if matches!(gate, Gate::Open { left } if place <= left) {
                turn.given = true;
                return Ok(Asked::Given(turn));
            }
            drop(turn);
            if waits.is_none() {
                let waiting = Waits(&slot.waiting);
                if waiting.0.fetch_add(1, Ordering::Relaxed) >= MAX_WAITING {
                    return Err(CallError::Overloaded);
                }
                waits = Some(waiting);
            }
            tokio::time::timeout_at(deadline.instant(), freed).await.map_err(|_| CallError::TimedOut)?;
        }
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

    /// Ends the row of failures, after a success from a known device, as that ends the row of the account: else strangers suspend the
    /// name alone, a little at a time. The cool-down stays.
    pub(crate) async fn spare(&self, key: &PartitionKey) -> Result<(), StoreError> {
        self.change(key, |throttle, _, _| throttle.total = 0).await
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
        let _turn = self.slot(key).changes.lock().await;
        let now = certain(self.clock.as_ref())?;
        transact_at(self.store.as_ref(), self.entropy.as_ref(), key, now, |partition, now| {
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
