//! Load, decide, commit for partitions without an actor of their own: clients, keys, identifiers, handles. A conflict
//! means: reload and decide anew, after a pause drawn at random, a bounded number of times; where nobody waits at a page, for
//! a bounded time ([`transact_within`]).

use std::time::Duration;

use schema::{
    AttemptId, Commit, Operation, Partition, PartitionKey, Put, Revision, Store, StoreError, Timestamp, WriteSet,
    record::{ConfigChanged, Unknown},
    resolve::commit_resolved,
};
use serde_json::value::RawValue;

use crate::{entropy::Entropy, settle::event_key};

/// A decision made anew this often after the first.
const MAX_CONFLICTS: u32 = 8;
/// The pause after the first conflict is drawn below this; each further one below the double.
const FIRST_PAUSE: Duration = Duration::from_millis(4);
/// No pause is drawn above this. Eight conflicts so take a second at most, and half of it on average.
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// What is written, and what is answered once it is.
#[derive(Debug)]
pub(crate) struct Transaction<T> {
    pub(crate) puts: Vec<Put>,
    pub(crate) deletes: Vec<Box<str>>,
    pub(crate) partition_expires_at: Option<Timestamp>,
    /// Other nodes keep this in memory: they must be told (HAZARDS H4). The commit holds an event then, which
    /// `Generations::deliver` finds.
    pub(crate) config: bool,
    pub(crate) answer: T,
}

impl<T> Transaction<T> {
    /// Nothing is written.
    pub(crate) fn answer(answer: T) -> Self {
        Self { puts: Vec::new(), deletes: Vec::new(), partition_expires_at: None, config: false, answer }
    }

    /// Is nothing written?
    pub(crate) fn is_empty(&self) -> bool {
        self.puts.is_empty() && self.deletes.is_empty()
    }

    /// One item is written.
    pub(crate) fn put(put: Put, answer: T) -> Self {
        Self { puts: vec![put], ..Self::answer(answer) }
    }
}

/// What a transaction is made on, and when.
#[derive(Clone, Copy)]
pub(crate) struct On<'a> {
    pub(crate) store: &'a dyn Store,
    pub(crate) entropy: &'a dyn Entropy,
    pub(crate) key: &'a PartitionKey,
    pub(crate) now: Timestamp,
}

/// Runs `decide` on the partition as it is and commits what it says.
pub(crate) async fn transact<T, D>(
    store: &dyn Store,
    entropy: &dyn Entropy,
    key: &PartitionKey,
    now: Timestamp,
    mut decide: D,
) -> Result<T, StoreError>
where
    D: FnMut(&Partition) -> Result<Transaction<T>, StoreError> + Send,
    T: Send,
{
    transact_at(store, entropy, key, now, |partition, _| decide(partition)).await
}

/// The same, for what is decided by the time: which is never before the partition's last commit (HAZARDS H3), whoever made
/// that.
pub(crate) async fn transact_at<T, D>(
    store: &dyn Store,
    entropy: &dyn Entropy,
    key: &PartitionKey,
    now: Timestamp,
    mut decide: D,
) -> Result<T, StoreError>
where
    D: FnMut(&Partition, Timestamp) -> Result<Transaction<T>, StoreError> + Send,
    T: Send,
{
    for conflicts in 0..=MAX_CONFLICTS {
        if conflicts > 0 {
            tokio::time::sleep(pause(conflicts, entropy)).await;
        }
        if let Some(answer) = attempt(store, entropy, key, now, &mut decide).await? {
            return Ok(answer);
        }
    }
    Err(conflicts_on(key))
}

/// The same, again and again for as long as this, also after a failure of the store: for what may be carried out twice, in a
/// partition that many write to at once. Then the last failure.
pub(crate) async fn transact_within<T, D>(within: Duration, on: On<'_>, mut decide: D) -> Result<T, StoreError>
where
    D: FnMut(&Partition) -> Result<Transaction<T>, StoreError> + Send,
    T: Send,
{
    let On { store, entropy, key, now } = on;
    let (until, mut failures) = (cluster::now() + within, 0);
    loop {
        let failure = match attempt(store, entropy, key, now, &mut |partition, _| decide(partition)).await {
            Ok(Some(answer)) => return Ok(answer),
            Ok(None) => conflicts_on(key),
            Err(error @ (StoreError::Unavailable(_) | StoreError::Unknown(_))) => error,
            Err(error) => return Err(error),
        };
        failures += 1;
        let pause = pause(failures, entropy);
        if cluster::now() + pause > until {
            return Err(failure);
        }
        tokio::time::sleep(pause).await;
    }
}

fn conflicts_on(key: &PartitionKey) -> StoreError {
    StoreError::Unavailable(format!("too many conflicting commits on {key}"))
}

/// Loads, decides and commits once; `None` after a conflict.
async fn attempt<T, D>(
    store: &dyn Store,
    entropy: &dyn Entropy,
    key: &PartitionKey,
    now: Timestamp,
    decide: &mut D,
) -> Result<Option<T>, StoreError>
where
    D: FnMut(&Partition, Timestamp) -> Result<Transaction<T>, StoreError> + Send,
    T: Send,
{
    let partition = store.load(key, &[""]).await?;
    let now = not_before(&partition, now);
    let transaction = decide(&partition, now)?;
    if transaction.is_empty() {
        return Ok(Some(transaction.answer));
    }
    let first = Revision::first(u64::from_be_bytes(entropy.array()));
    let mut puts = transaction.puts;
    if transaction.config {
        let revision = partition.revision.map_or(first, Revision::next);
        let event = ConfigChanged { at: now, unknown: Unknown::default() };
        puts.push(Put::record(event_key(revision, 0), &event, None));
    }
    let id = AttemptId::from_bytes(entropy.array());
    let outcome = RawValue::NULL.to_owned();
    let write = WriteSet {
        partition: key.clone(),
        expected: partition.revision,
        first,
        operation: Operation { id, digest: [0; 32], outcome },
        at: now,
        puts,
        deletes: transaction.deletes,
        partition_expires_at: transaction.partition_expires_at,
        note_dirty: transaction.config,
    };
    let committed = matches!(commit_resolved(store, write).await?, Commit::Committed(_));
    Ok(committed.then_some(transaction.answer))
}

/// `now`, or the partition's last commit, if that was later.
pub(crate) fn not_before(partition: &Partition, now: Timestamp) -> Timestamp {
    partition.operations.iter().map(|operation| operation.at).fold(now, Timestamp::max)
}

/// How long to wait after so many conflicts, so that those who met do not meet again.
fn pause(conflicts: u32, entropy: &dyn Entropy) -> Duration {
    let longest = FIRST_PAUSE.saturating_mul(1 << conflicts.min(16)).min(LONGEST_PAUSE);
    longest.mul_f64(f64::from(u32::from_be_bytes(entropy.array())) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use schema::{
        Kind,
        contract::faulty::{Fault, Faulty},
        embedded::{EmbeddedStore, Options},
    };

    use super::*;
    use crate::entropy::SeededEntropy;

    /// Sixteen commands begin at once, and each notes that it has begun in the same partition.
    #[tokio::test(start_paused = true)]
    async fn what_may_be_carried_out_twice_is_tried_for_a_time_and_not_for_a_number_of_times() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = EmbeddedStore::open(folder.path(), &Options::default()).expect("opens");
        let store = Faulty::new(Arc::new(store));
        let (entropy, key) = (SeededEntropy::new(1), PartitionKey::new(Kind::Cluster, "shipper"));
        let put = |_: &Partition| {
            let event = ConfigChanged { at: Timestamp::default(), unknown: Unknown::default() };
            Ok(Transaction::put(Put::record("at", &event, None), ()))
        };
        store.script([Fault::Unavailable; 20]);
        let within = Duration::from_secs(20);
        let on = On { store: &store, entropy: &entropy, key: &key, now: Timestamp::default() };
        transact_within(within, on, put).await.expect("in time");
        store.script([Fault::Unavailable; 400]);
        let late = transact_within(within, on, put).await;
        assert!(matches!(late, Err(StoreError::Unavailable(_))), "{late:?}");
    }

    /// H3: `now` of a decision is never before the partition's last commit.
    #[tokio::test]
    async fn a_decision_is_never_before_the_last_commit_of_its_partition() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = EmbeddedStore::open(folder.path(), &Options::default()).expect("opens");
        let (entropy, key) = (SeededEntropy::new(1), PartitionKey::new(Kind::Ident, "somebody"));
        let mut seen = Vec::new();
        for now in [2_000, 1_000, 3_000] {
            let now = Timestamp::from_millis(now);
            let put = |at: Timestamp| Put::record("at", &ConfigChanged { at, unknown: Unknown::default() }, None);
            let decided = transact_at(&store, &entropy, &key, now, |_, now| Ok(Transaction::put(put(now), now)));
            seen.push(decided.await.expect("commits").as_millis());
        }
        assert_eq!(seen, [2_000, 2_000, 3_000]);
        let found = store.load(&key, &[]).await.expect("loads");
        let times: Vec<i64> = found.operations.iter().map(|operation| operation.at.as_millis()).collect();
        assert!(times.contains(&3_000) && !times.contains(&1_000), "{times:?}");
    }
}
