//! One group commit: the writes of many callers, judged one after the other against the database and against those
//! before them in the group, then written as one batch with one sync.

use std::collections::HashMap;

use fjall::PersistMode;

use super::{
    engine::{Engine, Table},
    layout::{self, Header},
};
use crate::{Commit, Cursor, Event, GRACE, Revision, StoreError, Stream, Timestamp, WriteSet, dirty_event};

/// How many rows one call of [`collect`] or [`trim`] removes at most, give or take the last partition.
const ROWS_PER_CALL: usize = 4096;

/// A write set in the form that the database keeps, made by the caller so that the writer thread has less to do.
pub(super) struct Prepared {
    address: Vec<u8>,
    expected: Option<Revision>,
    revision: Revision,
    slot: Vec<u8>,
    puts: Vec<(Vec<u8>, Vec<u8>)>,
    deletes: Vec<Vec<u8>>,
    expires_at: Option<Timestamp>,
    dirty: Option<(Vec<u8>, Vec<u8>)>,
}

impl Prepared {
    /// Checks and encodes a write set.
    pub(super) fn new(write: &WriteSet) -> Result<Self, StoreError> {
        write.check()?;
        let address = layout::address(&write.partition);
        let rows = layout::rows_of(address.clone());
        let revision = write.revision();
        let puts = write.puts.iter().map(|put| (layout::item_key(&rows, &put.key), layout::encode_body(&put.body)));
        let dirty = write.note_dirty.then(|| encode(Stream::Dirty, &dirty_event(&write.partition, write.at)));
        Ok(Self {
            address,
            expected: write.expected,
            revision,
            slot: layout::encode_slot(&write.operation, revision, write.at),
            puts: puts.collect(),
            deletes: write.deletes.iter().map(|item| layout::item_key(&rows, item)).collect(),
            expires_at: write.partition_expires_at,
            dirty,
        })
    }
}

/// An event as key and value.
pub(super) fn encode(stream: Stream, event: &Event) -> (Vec<u8>, Vec<u8>) {
    (layout::event_key(stream, event.at, &event.id), layout::encode_event(event))
}

/// Writes staged for one batch; later ones read earlier ones.
pub(super) struct Group<'a> {
    engine: &'a Engine,
    data: Staged,
    streams: Staged,
    expiry: Staged,
}

/// The last write of each key; `None` removes it. One batch must not name a key twice.
type Staged = HashMap<Vec<u8>, Option<Vec<u8>>>;

impl<'a> Group<'a> {
    pub(super) fn new(engine: &'a Engine) -> Self {
        Self { engine, data: Staged::new(), streams: Staged::new(), expiry: Staged::new() }
    }

    /// Stages a commit, if its expected revision is the last one.
    pub(super) fn commit(&mut self, write: Prepared) -> Result<Commit, StoreError> {
        let rows = layout::rows_of(write.address.clone());
        let header_key = layout::header_key(&rows);
        let before = self.header(&header_key)?;
        if before.map(|header| header.revision) != write.expected {
            return Ok(Commit::Conflict);
        }
        let known = match &write.dirty {
            Some((key, _)) => self.contains(key)?,
            None => true,
        };
        // From here on nothing can fail, so that a write is staged whole or not at all.
        let expires_at = match before {
            // The end only ever moves later: what proves a consumption must not go before what it guards.
            Some(header) => header.expires_at.zip(write.expires_at).map(|(old, new)| old.max(new)),
            None => write.expires_at,
        };
        let ended = before.and_then(|header| header.expires_at);
        if ended != expires_at {
            if let Some(end) = ended {
                self.remove(Table::Expiry, layout::expiry_key(end, &write.address));
            }
            if let Some(end) = expires_at {
                self.put(Table::Expiry, layout::expiry_key(end, &write.address), Vec::new());
            }
        }
        self.put(Table::Data, header_key, layout::encode_header(Header { revision: write.revision, expires_at }));
        self.put(Table::Data, layout::slot_key(&rows, write.revision), write.slot);
        for item in write.deletes {
            self.remove(Table::Data, item);
        }
        for (item, body) in write.puts {
            self.put(Table::Data, item, body);
        }
        if let Some((key, value)) = write.dirty.filter(|_| !known) {
            self.put(Table::Streams, key, value);
        }
        Ok(Commit::Committed(write.revision))
    }

    /// Stages those events that are not there yet.
    pub(super) fn append(&mut self, events: Vec<(Vec<u8>, Vec<u8>)>) -> Result<(), StoreError> {
        let mut fresh = Vec::new();
        for (key, value) in events {
            if !self.contains(&key)? {
                fresh.push((key, value));
            }
        }
        for (key, value) in fresh {
            // The same event twice in one call: the first stays.
            self.streams.entry(key).or_insert(Some(value));
        }
        Ok(())
    }

    /// Writes everything staged and syncs it. `Ok` means durable.
    pub(super) fn write(self) -> fjall::Result<()> {
        let mut batch = self.engine.db.batch().durability(Some(PersistMode::SyncData));
        let staged = [(self.data, Table::Data), (self.streams, Table::Streams), (self.expiry, Table::Expiry)];
        for (rows, table) in staged {
            let keyspace = self.engine.keyspace(table);
            for (key, value) in rows {
                match value {
                    Some(value) => batch.insert(keyspace, key, value),
                    None => batch.remove(keyspace, key),
                }
            }
        }
        batch.commit()
    }

    fn header(&self, key: &[u8]) -> Result<Option<Header>, StoreError> {
        let decode = |value: &[u8]| {
            let place = || layout::partition_of(key).map_or_else(String::new, |key| key.to_string());
            layout::decode_header(value).ok_or_else(|| layout::corrupt(&place(), "header"))
        };
        match self.data.get(key) {
            Some(staged) => staged.as_deref().map(decode).transpose(),
            None => self.engine.get(Table::Data, key)?.map(|value| decode(&value)).transpose(),
        }
    }

    /// Is this event there?
    fn contains(&self, key: &[u8]) -> Result<bool, StoreError> {
        match self.streams.get(key) {
            Some(staged) => Ok(staged.is_some()),
            None => Ok(self.engine.get(Table::Streams, key)?.is_some()),
        }
    }

    fn staged(&mut self, table: Table) -> &mut Staged {
        match table {
            Table::Data => &mut self.data,
            Table::Streams => &mut self.streams,
            Table::Expiry => &mut self.expiry,
        }
    }

    fn put(&mut self, table: Table, key: Vec<u8>, value: Vec<u8>) {
        self.staged(table).insert(key, Some(value));
    }

    fn remove(&mut self, table: Table, key: Vec<u8>) {
        self.staged(table).insert(key, None);
    }

    /// Stages the removal of partitions whose end lies [`GRACE`] before `now`, and says how many there were. Runs in a
    /// group of its own: it reads rows, and those of other writes of its group would be missing.
    pub(super) fn collect(&mut self, now: Timestamp) -> Result<usize, StoreError> {
        let engine = self.engine;
        let due = layout::expiry_key(now.before(GRACE).after(std::time::Duration::from_millis(1)), &[]);
        let mut collected = 0;
        for guard in engine.expiry.range(..due) {
            if self.data.len() >= ROWS_PER_CALL {
                break;
            }
            let key = guard.key().map_err(|e| super::engine::unreadable(&e))?;
            let (end, address) = layout::decode_expiry(&key).ok_or_else(|| layout::corrupt("expiry", "entry"))?;
            self.remove(Table::Expiry, key.to_vec());
            let rows = layout::rows_of(address.to_vec());
            let header = self.header(&layout::header_key(&rows))?;
            if header.and_then(|header| header.expires_at) != Some(end) {
                // An entry that the partition does not know: only the entry goes.
                continue;
            }
            for row in engine.data.prefix(&rows) {
                let row = row.key().map_err(|e| super::engine::unreadable(&e))?;
                self.remove(Table::Data, row.to_vec());
            }
            collected += 1;
        }
        Ok(collected)
    }

    /// Stages the removal of events up to and including `up_to`, and says how many there were.
    pub(super) fn trim(&mut self, stream: Stream, up_to: &Cursor) -> Result<usize, StoreError> {
        let start = vec![layout::stream_tag(stream)];
        let end = layout::event_key(stream, up_to.at, &up_to.id);
        for guard in self.engine.streams.range(start..=end).take(ROWS_PER_CALL) {
            let key = guard.key().map_err(|e| super::engine::unreadable(&e))?;
            self.remove(Table::Streams, key.to_vec());
        }
        Ok(self.streams.len())
    }
}
