//! One conditional write or serial read at a time for each partition and process. Several at once would only cost each
//! other their ballots, and a lost ballot is a time-out; that of a write has an outcome that nobody knows. Other processes
//! are not held off; they are what the condition is for.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::OwnedMutexGuard;

use crate::{PartitionKey, StoreError};

/// Who is at what. Holds an entry only for partitions that somebody is at.
#[derive(Default)]
pub(super) struct Gate {
    partitions: Mutex<HashMap<PartitionKey, Arc<tokio::sync::Mutex<()>>>>,
}

/// The turn at a partition, until it is dropped.
pub(super) struct Pass<'a> {
    gate: &'a Gate,
    key: &'a PartitionKey,
    held: Option<OwnedMutexGuard<()>>,
}

impl Gate {
    /// Waits for those before, but not longer than `patience`; nothing was read or written then.
    pub(super) async fn pass<'a>(&'a self, key: &'a PartitionKey, patience: Duration) -> Result<Pass<'a>, StoreError> {
        let turn = Arc::clone(self.partitions().entry(key.clone()).or_default());
        // Made before the wait, so that a caller who gives up leaves no entry behind.
        let mut pass = Pass { gate: self, key, held: None };
        let held = tokio::time::timeout(patience, turn.lock_owned()).await;
        pass.held = Some(held.map_err(|_| StoreError::Unavailable(format!("too many callers of {key} at once")))?);
        Ok(pass)
    }

    fn partitions(&self) -> MutexGuard<'_, HashMap<PartitionKey, Arc<tokio::sync::Mutex<()>>>> {
        self.partitions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.held = None;
        let mut partitions = self.gate.partitions();
        // Waiting callers hold it too; new ones need the map, which is locked here.
        if partitions.get(self.key).is_some_and(|turn| Arc::strong_count(turn) == 1) {
            partitions.remove(self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;

    #[tokio::test]
    async fn one_caller_passes_at_a_time_and_none_leaves_a_trace() {
        let gate = Gate::default();
        let (ann, bob) = (PartitionKey::new(Kind::User, "ann"), PartitionKey::new(Kind::User, "bob"));
        let first = gate.pass(&ann, Duration::ZERO).await.expect("free");
        assert!(gate.pass(&ann, Duration::ZERO).await.is_err(), "held");
        drop(gate.pass(&bob, Duration::ZERO).await.expect("another one"));
        drop(first);
        drop(gate.pass(&ann, Duration::ZERO).await.expect("free again"));
        assert!(gate.partitions().is_empty());
    }
}
