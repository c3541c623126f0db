//! Into a store: each partition is made to say what the source's says, by as many commits as its size asks for.

use std::collections::BTreeMap;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use super::{Contents, Entry, Text};
use crate::{
    AttemptId, Body, Commit, Event, Operation, PartitionKey, Put, Revision, Store, StoreError, Stream, Timestamp,
    WriteSet, resolve::commit_resolved,
};

/// Partitions written at the same time: enough to fill a group commit, or to hide the way to a cluster.
const AT_ONCE: usize = 32;
/// What one commit may weigh, in bytes of items: Cassandra refuses a batch of 50 KiB unless told otherwise.
const WEIGHT: usize = 24 * 1024;
/// Items in one commit.
const ITEMS: usize = 50;

/// Puts entries into a store that nobody serves from.
pub struct Importer<'a> {
    store: &'a dyn Store,
    /// Random; the ids of operations and first revisions come of it.
    seed: [u8; 16],
    at: Timestamp,
}

impl std::fmt::Debug for Importer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Importer")
    }
}

impl<'a> Importer<'a> {
    /// Into `store`, with 16 random bytes of this importing, at the moment `at`.
    pub const fn new(store: &'a dyn Store, seed: [u8; 16], at: Timestamp) -> Self {
        Self { store, seed, at }
    }

    /// Puts these in. Done when everything is durable; after an error, or a crash, do it again.
    pub async fn put(&self, entries: Vec<Entry>) -> Result<(), StoreError> {
        let mut partitions = Vec::new();
        let mut events: BTreeMap<Stream, Vec<Event>> = BTreeMap::new();
        for entry in entries {
            match entry {
                Entry::Partition(contents) => partitions.push(contents),
                Entry::Event(noted) => events.entry(noted.stream).or_default().push(noted.event()),
            }
        }
        let puts = partitions.into_iter().map(|contents| self.partition(contents));
        stream::iter(puts).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
        for (stream, events) in events {
            self.store.append(stream, events).await?;
        }
        Ok(())
    }

    async fn partition(&self, contents: Contents) -> Result<(), StoreError> {
        let (key, end) = (contents.key(), contents.end());
        let found = self.store.load(&key, &[""]).await?;
        let mut revision = found.revision;
        let extra: Vec<_> = found.items.keys().filter(|item| !contents.items.contains_key(*item)).cloned().collect();
        let missing = contents.items.into_iter().filter(|(item, text)| !is_there(found.items.get(item), text));
        for (puts, deletes) in parts(missing.collect(), &extra) {
            let write = WriteSet { puts, deletes, partition_expires_at: end, ..self.write(&key, revision) };
            match commit_resolved(self.store, write).await? {
                Commit::Committed(made) => revision = Some(made),
                Commit::Conflict => return Err(changed(&key)),
            }
        }
        Ok(())
    }

    /// Takes all of these items out of the target.
    pub async fn remove(&self, there: &Contents) -> Result<(), StoreError> {
        let key = there.key();
        let mut revision = self.store.load(&key, &[]).await?.revision;
        let items: Vec<_> = there.items.keys().cloned().collect();
        for (_, deletes) in parts(Vec::new(), &items) {
            // What ends goes on to end; what is permanent stays so, as a partition that says nothing.
            let write = WriteSet { deletes, partition_expires_at: Some(self.at), ..self.write(&key, revision) };
            match commit_resolved(self.store, write).await? {
                Commit::Committed(made) => revision = Some(made),
                Commit::Conflict => return Err(changed(&key)),
            }
        }
        Ok(())
    }

    /// A write without items. The id tells the revision that it makes, so it is never the id of another one.
    fn write(&self, key: &PartitionKey, expected: Option<Revision>) -> WriteSet {
        let number = expected.map_or(0, Revision::as_u64);
        let digest = Sha256::new()
            .chain_update(self.seed)
            .chain_update(number.to_be_bytes())
            .chain_update(self.at.as_millis().to_be_bytes())
            .chain_update(key.to_string());
        let digest: [u8; 32] = digest.finalize().into();
        let (id, rest) = digest.split_first_chunk::<16>().unwrap_or((&[0; 16], &[]));
        let first = rest.iter().take(8).fold(0, |bits: u64, byte| bits << 8 | u64::from(*byte));
        WriteSet {
            partition: key.clone(),
            expected,
            first: Revision::first(first),
            operation: Operation { id: AttemptId::from_bytes(*id), digest, outcome: RawValue::NULL.to_owned() },
            at: self.at,
            puts: Vec::new(),
            deletes: Vec::new(),
            partition_expires_at: None,
            note_dirty: false,
        }
    }
}

fn changed(key: &PartitionKey) -> StoreError {
    StoreError::Unavailable(format!("{key} changed meanwhile; is the target served from, or filled twice?"))
}

fn is_there(found: Option<&Body>, text: &Text) -> bool {
    found.is_some_and(|body| body.json.get() == text.json.get() && body.expires_at == text.end)
}

/// What is written and removed, cut into commits.
fn parts(missing: Vec<(Box<str>, Text)>, extra: &[Box<str>]) -> Vec<(Vec<Put>, Vec<Box<str>>)> {
    let mut parts: Vec<(Vec<Put>, Vec<Box<str>>)> = Vec::new();
    let mut weight = WEIGHT;
    for (key, text) in missing {
        let weighs = key.len() + text.json.get().len();
        let full = parts.last().is_none_or(|(puts, _)| puts.len() == ITEMS || weight + weighs > WEIGHT);
        if full {
            parts.push((Vec::new(), Vec::new()));
            weight = 0;
        }
        weight += weighs;
        if let Some((puts, _)) = parts.last_mut() {
            puts.push(Put { key, body: text.into() });
        }
    }
    parts.extend(extra.chunks(ITEMS).map(|keys| (Vec::new(), keys.to_vec())));
    parts
}
