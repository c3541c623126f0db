//! Load, decide, commit for partitions without an actor of their own: clients, keys, identifiers, handles. A conflict
//! means: reload and decide anew, at most three times.

use schema::{
    AttemptId, Commit, Operation, Partition, PartitionKey, Put, Revision, Store, StoreError, Timestamp, WriteSet,
    resolve::commit_resolved,
};
use serde_json::value::RawValue;

use crate::entropy::Entropy;

/// A decision made anew this often after the first.
const MAX_CONFLICTS: usize = 3;

/// What is written, and what is answered once it is.
#[derive(Debug)]
pub(crate) struct Transaction<T> {
    pub(crate) puts: Vec<Put>,
    pub(crate) deletes: Vec<Box<str>>,
    pub(crate) partition_expires_at: Option<Timestamp>,
    pub(crate) answer: T,
}

impl<T> Transaction<T> {
    /// Nothing is written.
    pub(crate) fn answer(answer: T) -> Self {
        Self { puts: Vec::new(), deletes: Vec::new(), partition_expires_at: None, answer }
    }

    /// One item is written.
    pub(crate) fn put(put: Put, answer: T) -> Self {
        Self { puts: vec![put], ..Self::answer(answer) }
    }
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
    for _ in 0..=MAX_CONFLICTS {
        let partition = store.load(key, &[""]).await?;
        let transaction = decide(&partition)?;
        if transaction.puts.is_empty() && transaction.deletes.is_empty() {
            return Ok(transaction.answer);
        }
        let id = AttemptId::from_bytes(entropy.array());
        let outcome = RawValue::NULL.to_owned();
        let write = WriteSet {
            partition: key.clone(),
            expected: partition.revision,
            first: Revision::first(u64::from_be_bytes(entropy.array())),
            operation: Operation { id, digest: [0; 32], outcome },
            at: now,
            puts: transaction.puts,
            deletes: transaction.deletes,
            partition_expires_at: transaction.partition_expires_at,
            note_dirty: false,
        };
        if let Commit::Committed(_) = commit_resolved(store, write).await? {
            return Ok(transaction.answer);
        }
    }
    Err(StoreError::Unavailable(format!("too many conflicting commits on {key}")))
}
