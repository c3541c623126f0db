//! The database behind the embedded store and everything that reads it. Each read sees one snapshot, and a snapshot
//! never holds what is not durable yet: the journal is synced before a batch is applied to memory.

use std::{ops::Bound, path::Path};

use fjall::{Database, Keyspace, KeyspaceCreateOptions, Readable as _, Snapshot};

use super::{
    Options,
    layout::{self, Row},
};
use crate::{Body, Cursor, Event, Kind, Partition, PartitionKey, RING, Recorded, ScanPage, StoreError, Stream};

/// What lies in a store's folder; one keyspace is one log-structured tree.
pub(super) struct Engine {
    pub(super) db: Database,
    /// Partitions: header, ring and items.
    pub(super) data: Keyspace,
    /// Streams.
    pub(super) streams: Keyspace,
    /// Partitions by their end.
    pub(super) expiry: Keyspace,
}

/// Which keyspace a row belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Table {
    Data,
    Streams,
    Expiry,
}

impl Table {
    /// All of them, the one that grows fastest first.
    pub(super) const ALL: [Self; 3] = [Self::Data, Self::Streams, Self::Expiry];
}

impl Engine {
    /// Opens the database in `folder`, or makes one there.
    pub(super) fn open(folder: &Path, options: &Options) -> fjall::Result<Self> {
        let db = Database::builder(folder)
            .cache_size(options.cache_bytes)
            .max_cached_files(Some(options.open_files))
            .max_journaling_size(options.journal_bytes)
            // One is enough for our rates, and two would wait for each other in a busy loop.
            .worker_threads(1)
            .open()?;
        let memtable = options.memtable_bytes;
        let data = db.keyspace("data", || KeyspaceCreateOptions::default().max_memtable_size(memtable))?;
        let small = || KeyspaceCreateOptions::default().max_memtable_size(memtable / 4);
        let streams = db.keyspace("streams", small)?;
        let expiry = db.keyspace("expiry", small)?;
        Ok(Self { db, data, streams, expiry })
    }

    pub(super) fn keyspace(&self, table: Table) -> &Keyspace {
        match table {
            Table::Data => &self.data,
            Table::Streams => &self.streams,
            Table::Expiry => &self.expiry,
        }
    }

    /// Has what a table holds in memory written to a sorted file, by the database's own thread. Nothing becomes more
    /// durable by it: the journal has it all.
    pub(super) fn rest(&self, table: Table) -> fjall::Result<()> {
        self.keyspace(table).rotate_memtable().map(drop)
    }

    /// One value as it is now. For the writer, which nothing can overtake.
    pub(super) fn get(&self, table: Table, key: &[u8]) -> Result<Option<fjall::UserValue>, StoreError> {
        self.keyspace(table).get(key).map_err(|e| unreadable(&e))
    }

    pub(super) fn load(&self, key: &PartitionKey, prefixes: &[&str]) -> Result<Partition, StoreError> {
        self.load_at(&self.db.snapshot(), key, prefixes)
    }

    fn load_at(&self, snapshot: &Snapshot, key: &PartitionKey, prefixes: &[&str]) -> Result<Partition, StoreError> {
        let rows = layout::rows_of(layout::address(key));
        let mut partition = Partition::default();
        if prefixes.contains(&"") {
            collect_rows(snapshot.prefix(&self.data, &rows), key, &rows, &mut partition)?;
        } else {
            let statics = snapshot.range(&self.data, rows.clone()..layout::statics_end(&rows));
            collect_rows(statics, key, &rows, &mut partition)?;
            for prefix in prefixes {
                let items = snapshot.prefix(&self.data, layout::item_key(&rows, prefix));
                collect_rows(items, key, &rows, &mut partition)?;
            }
        }
        finish(key, partition)
    }

    pub(super) fn read(&self, stream: Stream, after: &Cursor, limit: usize) -> Result<Vec<Event>, StoreError> {
        self.read_at(&self.db.snapshot(), stream, after, limit)
    }

    pub(super) fn read_at(
        &self,
        snapshot: &Snapshot,
        stream: Stream,
        after: &Cursor,
        limit: usize,
    ) -> Result<Vec<Event>, StoreError> {
        let start = Bound::Excluded(layout::event_key(stream, after.at, &after.id));
        let end = Bound::Excluded(vec![layout::stream_tag(stream) + 1]);
        let found = snapshot.range::<Vec<u8>, _>(&self.streams, (start, end));
        found
            .take(limit)
            .map(|guard| {
                let (key, value) = guard.into_inner().map_err(|e| unreadable(&e))?;
                layout::decode_event(&key, &value).ok_or_else(|| layout::corrupt(stream.as_str(), "event"))
            })
            .collect()
    }

    pub(super) fn scan(
        &self,
        kind: Kind,
        after: Option<&str>,
        limit: usize,
        prefixes: &[&str],
    ) -> Result<ScanPage, StoreError> {
        self.scan_at(&self.db.snapshot(), kind, after, limit, prefixes)
    }

    #[expect(clippy::too_many_arguments, reason = "a scan, and the instant that it sees")]
    pub(super) fn scan_at(
        &self,
        snapshot: &Snapshot,
        kind: Kind,
        after: Option<&str>,
        limit: usize,
        prefixes: &[&str],
    ) -> Result<ScanPage, StoreError> {
        let first = || layout::kind_prefix(kind);
        let mut from = after.map_or_else(first, |id| layout::behind(layout::address(&PartitionKey::new(kind, id))));
        let mut page = ScanPage::default();
        while let Some(key) = self.next_partition(snapshot, kind, from)? {
            if page.partitions.len() == limit.max(1) {
                page.next = page.partitions.last().map(|(id, _)| id.clone());
                break;
            }
            let partition = self.load_at(snapshot, &key, prefixes)?;
            from = layout::behind(layout::address(&key));
            page.partitions.push((key.id, partition));
        }
        Ok(page)
    }

    /// Partitions and entries of streams.
    pub(super) fn count_at(&self, snapshot: &Snapshot) -> Result<u64, StoreError> {
        let mut count = 0;
        for kind in Kind::ALL {
            let mut from = layout::kind_prefix(kind);
            while let Some(key) = self.next_partition(snapshot, kind, from)? {
                count += 1;
                from = layout::behind(layout::address(&key));
            }
        }
        for guard in snapshot.iter(&self.streams) {
            guard.key().map_err(|e| unreadable(&e))?;
            count += 1;
        }
        Ok(count)
    }

    /// The first partition of `kind` whose rows begin at or after `from`.
    fn next_partition(
        &self,
        snapshot: &Snapshot,
        kind: Kind,
        from: Vec<u8>,
    ) -> Result<Option<PartitionKey>, StoreError> {
        let end: Vec<u8> = layout::kind_prefix(kind).iter().map(|tag| tag + 1).collect();
        let Some(guard) = snapshot.range(&self.data, from..end).next() else { return Ok(None) };
        let key = guard.key().map_err(|e| unreadable(&e))?;
        layout::partition_of(&key).map(Some).ok_or_else(|| layout::corrupt(kind.as_str(), "row key"))
    }
}

/// Sorts rows of one partition into what a load returns.
fn collect_rows(found: fjall::Iter, key: &PartitionKey, rows: &[u8], into: &mut Partition) -> Result<(), StoreError> {
    for guard in found {
        let (at, value) = guard.into_inner().map_err(|e| unreadable(&e))?;
        match layout::row(rows, &at) {
            Some(Row::Header) => {
                let header = layout::decode_header(&value).ok_or_else(|| layout::corrupt(key, "header"))?;
                into.revision = Some(header.revision);
            }
            Some(Row::Slot) => {
                into.operations.push(layout::decode_slot(&value).ok_or_else(|| layout::corrupt(key, "slot"))?);
            }
            Some(Row::Item(item)) => {
                let body: Option<Body> = layout::decode_body(&value);
                let body = body.ok_or_else(|| layout::corrupt(&format!("{key}/{item}"), "body"))?;
                into.items.insert(item.into(), body);
            }
            None => return Err(layout::corrupt(key, "row key")),
        }
    }
    Ok(())
}

/// Brings the ring into order and checks that it fits the revision.
fn finish(key: &PartitionKey, mut partition: Partition) -> Result<Partition, StoreError> {
    partition.operations.sort_by_key(|recorded: &Recorded| recorded.revision);
    let newest = partition.operations.last().map(|recorded| recorded.revision);
    if newest != partition.revision {
        return Err(layout::corrupt(key, "ring: its newest operation is not the one that made the revision"));
    }
    let oldest_allowed = newest.map_or(0, |revision| revision.as_u64().saturating_sub(RING - 1));
    if partition.operations.first().is_some_and(|recorded| recorded.revision.as_u64() < oldest_allowed) {
        return Err(layout::corrupt(key, "ring: it holds an operation older than its length"));
    }
    if partition.revision.is_none() && !partition.items.is_empty() {
        return Err(layout::corrupt(key, "partition: it has items but no header"));
    }
    Ok(partition)
}

/// A read that the database did not carry out. Its text names files and offsets, no content.
pub(super) fn unreadable(error: &fjall::Error) -> StoreError {
    match error {
        fjall::Error::Storage(fjall::LsmError::Io(_)) | fjall::Error::Io(_) | fjall::Error::Poisoned => {
            StoreError::Unavailable(error.to_string())
        }
        _ => StoreError::Corrupt { place: "the embedded store".to_owned(), reason: error.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_at_rest_keeps_its_rows_in_files() {
        let folder = tempfile::tempdir().expect("a folder");
        let engine = Engine::open(folder.path(), &Options::default()).expect("opens");
        engine.data.insert("key", "value").expect("written");
        for table in Table::ALL {
            engine.rest(table).expect("begun");
        }
        while engine.data.sealed_memtable_count() > 0 {
            std::thread::yield_now();
        }
        assert_eq!((engine.data.table_count(), engine.streams.table_count()), (1, 0));
        assert_eq!(engine.get(Table::Data, b"key").expect("readable").as_deref(), Some(b"value".as_slice()));
    }
}
