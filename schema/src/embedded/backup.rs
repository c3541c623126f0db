//! The store as it was at one instant, while it goes on: what a backup is made of.

use std::sync::{Arc, PoisonError};

use async_trait::async_trait;
use fjall::Snapshot;

use super::{EmbeddedStore, closed, engine::Engine, folder::Lock};
use crate::{Cursor, Event, Kind, ScanPage, StoreError, Stream, export::Source};

/// One instant of a store. It keeps the folder locked, and old versions of rows from being dropped, while it lives.
pub struct Frozen {
    snapshot: Snapshot,
    engine: Arc<Engine>,
    _lock: Arc<Lock>,
}

impl std::fmt::Debug for Frozen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Frozen")
    }
}

impl EmbeddedStore {
    /// The store as it is now. Nothing in it is undone by a crash: only what is durable can be read.
    pub fn frozen(&self) -> Result<Frozen, StoreError> {
        self.shared.check()?;
        let running = self.running.read().unwrap_or_else(PoisonError::into_inner);
        let running = running.as_ref().ok_or_else(closed)?;
        let snapshot = running.engine.db.snapshot();
        self.shared.check()?;
        Ok(Frozen { snapshot, engine: Arc::clone(&running.engine), _lock: Arc::clone(&running.lock) })
    }
}

impl Frozen {
    /// How many partitions and entries of streams there are, roughly: those that are not carried are among them.
    pub fn count(&self) -> Result<u64, StoreError> {
        self.engine.count_at(&self.snapshot)
    }
}

#[async_trait]
impl Source for Frozen {
    async fn partitions(&self, kind: Kind, after: Option<&str>, limit: usize) -> Result<ScanPage, StoreError> {
        self.engine.scan_at(&self.snapshot, kind, after, limit, &[""])
    }

    async fn events(&self, stream: Stream, after: &Cursor, limit: usize) -> Result<Vec<Event>, StoreError> {
        self.engine.read_at(&self.snapshot, stream, after, limit)
    }
}
