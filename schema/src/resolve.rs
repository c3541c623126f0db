//! What to do when the outcome of a commit is unknown: ask the ring of operations, never write the same again blindly.
//!
//! 1. A serial read of the partition. The operation is in the ring → it was committed.
//! 2. It is not, and the revision has moved since by fewer than [`RING`] → it was not committed, and it cannot be any
//!    more, since it expects a revision that is gone.
//! 3. It is not, and the revision has not moved: the write may still be on its way. A commit that writes nothing moves
//!    the revision, so that a late write finds a conflict; if that commit finds one itself, something landed: step 1.
//! 4. Anything else, a read or a barrier that failed included: the same again after a pause, since under contention they
//!    fail as the commit did. After some rounds, or some seconds, it is still unknown: the caller answers "unavailable",
//!    drops its state and reloads.
//!
//! [`commit_told`] goes through them with a store. [`judge`], [`barrier`] and [`pause`] are its pure parts, for who drives
//! them with a store and a clock of its own.

use std::time::Duration;

use serde_json::value::RawValue;

use crate::{AttemptId, Commit, Operation, Partition, RING, Revision, Store, StoreError, WriteSet};

/// How often steps 1 to 3 are gone through before the outcome counts as unknown.
pub const ROUNDS: u32 = 8;

/// How long that may take in all.
pub const BOUND: Duration = Duration::from_secs(5);

/// The pause after the first round; each is about twice as long as the one before, 1.3 s in all.
const PAUSE: Duration = Duration::from_millis(10);

/// Who told what became of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToldBy {
    /// The store answered.
    Store,
    /// The ring of operations. A commit of the same attempt that another node made of the same revision in the same
    /// millisecond looks the same there, and may have written something else: nonces, drawn ids, the outcome. What was to
    /// be written is not to be kept; what is stored counts.
    Ring,
}

/// Commits, and finds out what became of it if the store cannot say.
///
/// [`Commit::Conflict`] means that nothing was written and nothing will be: reload and decide anew. An operation of the
/// same id that another node committed is a conflict too: after reloading, its outcome is found in the ring.
/// [`StoreError::Unknown`] means that even the ring did not tell.
pub async fn commit_resolved(store: &dyn Store, write: WriteSet) -> Result<Commit, StoreError> {
    commit_told(store, write).await.map(|(commit, _)| commit)
}

/// As [`commit_resolved`], and says who told.
pub async fn commit_told(store: &dyn Store, write: WriteSet) -> Result<(Commit, ToldBy), StoreError> {
    match store.commit(write.clone()).await {
        Err(StoreError::Unknown(reason)) => {
            tracing::warn!(partition = %write.partition, reason, "the outcome of a commit is unknown; asking the ring");
            let resolved = tokio::time::timeout(BOUND, resolve(store, &write)).await;
            let resolved = resolved.unwrap_or_else(|_| Err("nothing told in time".to_owned()));
            let resolved = resolved.map(|commit| (commit, ToldBy::Ring));
            resolved.map_err(|unresolved| StoreError::Unknown(format!("{reason}; {unresolved}")))
        }
        known => known.map(|commit| (commit, ToldBy::Store)),
    }
}

/// Goes through the steps until one of them knows.
async fn resolve(store: &dyn Store, write: &WriteSet) -> Result<Commit, String> {
    let mut last = "it stayed unknown".to_owned();
    for round in 0..ROUNDS {
        if round > 0 {
            tokio::time::sleep(pause(write.operation.id, round)).await;
        }
        match round_of(store, write).await {
            Ok(Some(outcome)) => return outcome,
            Ok(None) => {}
            Err(error) => last = error.to_string(),
        }
    }
    Err(last)
}

/// Steps 1 to 3 once; `None` where they do not tell yet.
async fn round_of(store: &dyn Store, write: &WriteSet) -> Result<Option<Result<Commit, String>>, StoreError> {
    let partition = store.load(&write.partition, &[]).await?;
    match judge(&partition, write) {
        Verdict::Committed(revision) => Ok(Some(Ok(Commit::Committed(revision)))),
        Verdict::NotCommitted => Ok(Some(Ok(Commit::Conflict))),
        Verdict::TooLate => Ok(Some(Err("the ring no longer tells".to_owned()))),
        Verdict::MayStillLand => match store.commit(barrier(write)).await? {
            // The revision that the late write expects is gone.
            Commit::Committed(_) => Ok(Some(Ok(Commit::Conflict))),
            Commit::Conflict => Ok(None),
        },
    }
}

/// The pause before a round: doubled each time, and between half and the whole of that by the bits of the attempt, so
/// that those who met once do not meet again. Nothing in this crate draws random numbers.
pub fn pause(attempt: AttemptId, round: u32) -> Duration {
    let bytes = attempt.as_bytes();
    let bits = u32::from(bytes[round as usize % bytes.len()]);
    let longest = PAUSE * (1 << round.saturating_sub(1).min(6));
    longest / 2 + longest * bits / 512
}

/// What a serial read says about a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was committed, and made this revision.
    Committed(Revision),
    /// It was not, and cannot be any more.
    NotCommitted,
    /// It was not, and may be on its way: a [`barrier`] rules that out.
    MayStillLand,
    /// The ring does not tell any more.
    TooLate,
}

/// Steps 1 and 2: what a serial read of the partition, begun after the write was sent, says about it.
pub fn judge(partition: &Partition, write: &WriteSet) -> Verdict {
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
pub fn barrier(write: &WriteSet) -> WriteSet {
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
