//! What to do when the outcome of a commit is unknown: ask the ring of operations, never write the same again blindly.
//!
//! 1. A serial read of the partition. The operation is in the ring → it was committed.
//! 2. It is not, and the revision has moved since by fewer than [`RING`] → it was not committed, and it cannot be any
//!    more, since it expects a revision that is gone.
//! 3. It is not, and the revision has not moved: the write may still be on its way. A commit that writes nothing moves
//!    the revision, so that a late write finds a conflict; if that commit finds one itself, something landed: step 1.
//! 4. Anything else, an error included: still unknown. The caller answers "unavailable", drops its state and reloads.

use serde_json::value::RawValue;

use crate::{AttemptId, Commit, Operation, Partition, RING, Revision, Store, StoreError, WriteSet};

/// How often steps 1 to 3 are gone through before the outcome counts as unknown.
const ROUNDS: usize = 3;

/// Commits, and finds out what became of it if the store cannot say.
///
/// [`Commit::Conflict`] means that nothing was written and nothing will be: reload and decide anew. An operation of the
/// same id that another node committed is a conflict too: after reloading, its outcome is found in the ring.
/// [`StoreError::Unknown`] means that even the ring did not tell.
pub async fn commit_resolved(store: &dyn Store, write: WriteSet) -> Result<Commit, StoreError> {
    match store.commit(write.clone()).await {
        Err(StoreError::Unknown(reason)) => {
            tracing::warn!(partition = %write.partition, reason, "the outcome of a commit is unknown; asking the ring");
            resolve(store, &write).await.map_err(|unresolved| StoreError::Unknown(format!("{reason}; {unresolved}")))
        }
        known => known,
    }
}

/// Goes through the steps until one of them knows.
async fn resolve(store: &dyn Store, write: &WriteSet) -> Result<Commit, String> {
    for _ in 0..ROUNDS {
        let partition = store.load(&write.partition, &[]).await.map_err(|error| error.to_string())?;
        match judge(&partition, write) {
            Verdict::Committed(revision) => return Ok(Commit::Committed(revision)),
            Verdict::NotCommitted => return Ok(Commit::Conflict),
            Verdict::TooLate => return Err("the ring no longer tells".to_owned()),
            Verdict::MayStillLand => match store.commit(barrier(write)).await {
                // The revision that the late write expects is gone.
                Ok(Commit::Committed(_)) => return Ok(Commit::Conflict),
                Ok(Commit::Conflict) | Err(StoreError::Unknown(_)) => {}
                Err(error) => return Err(error.to_string()),
            },
        }
    }
    Err("it stayed unknown".to_owned())
}

/// What a serial read says about a write.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Committed(Revision),
    NotCommitted,
    MayStillLand,
    TooLate,
}

fn judge(partition: &Partition, write: &WriteSet) -> Verdict {
    let made = write.revision();
    let ours = partition.operations.iter().any(|recorded| {
        recorded.id == write.operation.id
            && recorded.digest == write.operation.digest
            && recorded.revision == made
            && recorded.at == write.at
    });
    if ours {
        return Verdict::Committed(made);
    }
    if partition.revision == write.expected {
        return Verdict::MayStillLand;
    }
    let Some(current) = partition.revision else {
        // It was there and is gone: collected with whatever it held.
        return Verdict::TooLate;
    };
    let covered = match current.as_u64().checked_sub(made.as_u64()) {
        Some(passed) => passed < RING,
        None => false,
    };
    // A ring that is not full tells everything since the partition's first commit.
    let whole = write.expected.is_none() && (partition.operations.len() as u64) < RING;
    if covered || whole { Verdict::NotCommitted } else { Verdict::TooLate }
}

/// A commit that writes nothing but moves the revision that `write` expects. Its id is the complement of the write's:
/// as random, never the same, and again the same if it must be repeated.
fn barrier(write: &WriteSet) -> WriteSet {
    let outcome = RawValue::from_string("null".to_owned()).expect("null is JSON");
    let id = AttemptId::from_bytes(write.operation.id.as_bytes().map(|byte| !byte));
    WriteSet {
        // A partition made by the barrier must not begin at the revision that the late write would make.
        first: Revision::first(write.first.as_u64().rotate_left(32) ^ u64::MAX),
        operation: Operation { id, digest: [0; 32], outcome },
        puts: Vec::new(),
        deletes: Vec::new(),
        note_dirty: false,
        ..write.clone()
    }
}
