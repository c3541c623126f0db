//! The throttle of a typed name (HAZARDS H13): what an unknown device sees of a cool-down follows the name that it typed,
//! whether anybody has that name or not. So the cool-down tells nothing about accounts.
//!
//! The partition is named by an HMAC of the normalised name, so that names that nobody has are not kept in the clear.

use std::{sync::Arc, time::Duration};

use schema::{Kind, PartitionKey, Put, Store, StoreError, Timestamp, record::Throttle};

use crate::{
    clock::Clock,
    domain::{
        throttle::{self, Bucketing, Gate},
        user::fresh_throttle,
    },
    entropy::Entropy,
    transact::{Transaction, transact},
    vault::{Purpose, Vault},
};

/// A name's counter is forgotten this long after its last failure: by then its level has decayed to nothing.
const LIFETIME: Duration = Duration::from_hours(8 * 24);

/// Names share this many locks, so that guesses at one name queue here instead of losing their commits to each other.
const LOCKS: usize = 256;

/// What an attempt at a suspended name looks like.
pub(crate) const SUSPENDED_LOOKS_LIKE: Duration = Duration::from_hours(1);

/// The throttles of typed names. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Idents {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    vault: Arc<Vault>,
    locks: Arc<[tokio::sync::Mutex<()>]>,
}

impl Idents {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        vault: Arc<Vault>,
    ) -> Self {
        let locks = (0..LOCKS).map(|_| tokio::sync::Mutex::new(())).collect();
        Self { store, clock, entropy, vault, locks }
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
        let [random] = self.entropy.array::<1>();
        let jitter = f64::from(random) / 2550.0;
        let slot = key.id.bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        let _turn = self.locks[slot % LOCKS].lock().await;
        transact(self.store.as_ref(), self.entropy.as_ref(), key, now, |partition| {
            let stored: Option<Throttle> = partition.get(key, ITEM)?;
            let before = stored.unwrap_or_else(fresh_throttle);
            let mut after = before.clone();
            change(&mut after, now, jitter);
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
