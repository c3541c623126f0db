//! What may be written at all: the bounds on keys and bodies that hold in every backend. A write outside of them is
//! refused whole, before it reaches a backend's writer.

use std::collections::BTreeSet;

use crate::{Event, PartitionKey, StoreError, WriteSet};

/// Longest id of a partition, in bytes.
pub const MAX_PARTITION_ID: usize = 255;

/// Longest key of an item, in bytes.
pub const MAX_ITEM_KEY: usize = 512;

/// Longest id of an event, in bytes: a partition's address, a revision and a number.
pub const MAX_EVENT_ID: usize = 512;

impl PartitionKey {
    /// Is this an address that a backend can keep? 1 to 255 bytes, no NUL.
    pub fn check(&self) -> Result<(), StoreError> {
        let id = self.id.as_bytes();
        if id.is_empty() || id.len() > MAX_PARTITION_ID || id.contains(&0) {
            return Err(refused(self.kind.as_str(), "a partition id has 1 to 255 bytes and no NUL"));
        }
        Ok(())
    }
}

impl WriteSet {
    /// Is this a write that every backend carries out alike? Keys in bounds, bodies JSON objects, and no item named
    /// twice: the backends differ in which of two writes to one item would win.
    pub fn check(&self) -> Result<(), StoreError> {
        self.partition.check()?;
        let mut seen = BTreeSet::new();
        let keys = self.puts.iter().map(|put| &put.key).chain(&self.deletes);
        for key in keys {
            if key.is_empty() || key.len() > MAX_ITEM_KEY || key.as_bytes().contains(&0) {
                return Err(refused(&self.partition, "an item key has 1 to 512 bytes and no NUL"));
            }
            if !seen.insert(key) {
                return Err(refused(&format!("{}/{key}", self.partition), "one write names this item twice"));
            }
        }
        match self.puts.iter().find(|put| !put.body.json.get().starts_with('{')) {
            Some(put) => Err(refused(&format!("{}/{}", self.partition, put.key), "a body is a JSON object")),
            None => Ok(()),
        }
    }
}

impl Event {
    /// Is this an event that every backend keeps alike?
    pub fn check(&self) -> Result<(), StoreError> {
        let id = self.id.as_bytes();
        if id.is_empty() || id.len() > MAX_EVENT_ID || id.contains(&0) {
            return Err(refused("event", "an event id has 1 to 512 bytes and no NUL"));
        }
        if !self.json.get().starts_with('{') {
            return Err(refused(&format!("event {}", self.id), "a body is a JSON object"));
        }
        Ok(())
    }
}

/// The refusal of a write that would not be readable again.
fn refused(place: &(impl std::fmt::Display + ?Sized), reason: &str) -> StoreError {
    StoreError::Corrupt { place: place.to_string(), reason: format!("refused before writing: {reason}") }
}
