//! A store in memory that keeps the kernel's contract and answers at once, so that a paused clock moves everything that
//! waits. `tests/cluster/store.rs` runs the contract suite on it.

use std::collections::BTreeMap;

use async_trait::async_trait;
use parking_lot::Mutex;
use schema::{
    Body, Commit, Cursor, Event, Kind, Partition, PartitionKey, RING, Recorded, Revision, ScanPage, Store, StoreError,
    Stream, WriteSet,
};

type Log = BTreeMap<(Stream, Cursor), Event>;

/// The store.
#[derive(Default)]
pub(crate) struct MemoryStore(Mutex<(BTreeMap<PartitionKey, Partition>, Log)>);

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

fn chosen(partition: &Partition, prefixes: &[&str]) -> Partition {
    let asked = |key: &str| prefixes.iter().any(|prefix| key.starts_with(prefix));
    let items = partition.items.iter().filter(|(key, _)| asked(key)).map(|(key, body)| (key.clone(), body.clone()));
    Partition { revision: partition.revision, operations: partition.operations.clone(), items: items.collect() }
}

fn log(all: &mut Log, stream: Stream, event: Event) {
    let cursor = Cursor { at: event.at, id: event.id.clone() };
    all.entry((stream, cursor)).or_insert(event);
}

#[async_trait]
impl Store for MemoryStore {
    async fn load(&self, partition: &PartitionKey, prefixes: &[&str]) -> Result<Partition, StoreError> {
        partition.check()?;
        Ok(self.0.lock().0.get(partition).map(|found| chosen(found, prefixes)).unwrap_or_default())
    }

    async fn commit(&self, write: WriteSet) -> Result<Commit, StoreError> {
        write.check()?;
        let mut all = self.0.lock();
        let before = all.0.get(&write.partition).and_then(|found| found.revision);
        if before != write.expected {
            return Ok(Commit::Conflict);
        }
        let revision: Revision = write.revision();
        if write.note_dirty {
            let json = serde_json::value::RawValue::from_string("{}".to_owned()).expect("JSON");
            let minute = schema::Timestamp::from_millis(write.at.as_millis() / 60_000 * 60_000);
            log(&mut all.1, Stream::Dirty, Event { at: minute, id: write.partition.to_string().into(), json });
        }
        let partition = all.0.entry(write.partition).or_default();
        partition.revision = Some(revision);
        for key in write.deletes {
            partition.items.remove(&key);
        }
        let puts = write.puts.into_iter().map(|put| (put.key, put.body));
        partition.items.extend(puts.collect::<Vec<(Box<str>, Body)>>());
        let operation = write.operation;
        partition.operations.push(Recorded {
            id: operation.id,
            digest: operation.digest,
            revision,
            at: write.at,
            outcome: operation.outcome,
        });
        let forgotten = partition.operations.len().saturating_sub(usize::try_from(RING).expect("small"));
        partition.operations.drain(..forgotten);
        Ok(Commit::Committed(revision))
    }

    async fn append(&self, stream: Stream, events: Vec<Event>) -> Result<(), StoreError> {
        let mut all = self.0.lock();
        events.iter().try_for_each(Event::check)?;
        for event in events {
            log(&mut all.1, stream, event);
        }
        Ok(())
    }

    async fn read(&self, stream: Stream, after: &Cursor, limit: usize) -> Result<Vec<Event>, StoreError> {
        let all = self.0.lock();
        let newer = all.1.iter().filter(|((of, cursor), _)| *of == stream && cursor > after);
        Ok(newer.take(limit).map(|(_, event)| event.clone()).collect())
    }

    async fn scan(
        &self,
        kind: Kind,
        after: Option<&str>,
        limit: usize,
        prefixes: &[&str],
    ) -> Result<ScanPage, StoreError> {
        let all = self.0.lock();
        let of_kind = all.0.iter().filter(|(key, _)| key.kind == kind && after.is_none_or(|after| &*key.id > after));
        let mut partitions: Vec<_> =
            of_kind.take(limit + 1).map(|(key, found)| (key.id.clone(), chosen(found, prefixes))).collect();
        let more = partitions.len() > limit;
        partitions.truncate(limit);
        let next = partitions.last().filter(|_| more).map(|(id, _)| id.clone());
        Ok(ScanPage { partitions, next })
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
