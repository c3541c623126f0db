//! Streams in buckets of ten minutes. A bucket has four partitions, so that not all writers meet in one, and is listed in
//! `stream_bucket` before its first event, so that a reader visits what there is and nothing else.
//!
//! An event that is there stays as it is. Plain writes cannot promise that by themselves (the last one would win), so an
//! append looks first. Two appends of one id at the same moment may still both write: an id stands for one event of one
//! commit, and whoever delivers it delivers the same.

use std::{
    collections::{BTreeSet, HashSet},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures_util::{StreamExt as _, TryStreamExt as _, future::try_join_all, stream};
use serde_json::value::RawValue;
use xxhash_rust::xxh3::xxh3_64;

use super::{Core, failure, layout::corrupt};
use crate::{Cursor, Event, StoreError, Stream, Timestamp};

/// The length of a bucket in milliseconds.
const BUCKET: i64 = 10 * 60 * 1000;

/// Partitions of a bucket.
const SHARDS: i32 = 4;

/// How long a note of a dirty partition is kept. Whoever reads the notes is restarted sooner than that.
const DIRTY_LIFE: Duration = Duration::from_hours(3 * 24);

/// Buckets read at once from the list.
const LISTED: i32 = 64;

/// Longest page of a read.
const PAGE: usize = 2000;

/// Writes under way at once in one append.
const AT_ONCE: usize = 16;

/// What is remembered of notes and buckets before it is forgotten and written once more.
const REMEMBERED: usize = 65_536;

/// What this process has written already.
#[derive(Default)]
pub(super) struct Streams {
    buckets: Mutex<HashSet<(Stream, i64)>>,
    notes: Mutex<Notes>,
}

/// The partitions noted in one minute.
#[derive(Default)]
struct Notes {
    at: Timestamp,
    ids: HashSet<Box<str>>,
}

impl Notes {
    fn has(&self, note: &Event) -> bool {
        self.at == note.at && self.ids.contains(&note.id)
    }

    fn keep(&mut self, note: Event) {
        if note.at > self.at || self.ids.len() >= REMEMBERED {
            *self = Self { at: note.at, ids: HashSet::new() };
        }
        if note.at == self.at {
            self.ids.insert(note.id);
        }
    }
}

impl Streams {
    /// Notes a dirty partition, unless this process has done so in this minute.
    pub(super) async fn note(&self, core: &Core, note: Event) -> Result<(), StoreError> {
        if self.notes.lock().unwrap_or_else(PoisonError::into_inner).has(&note) {
            return Ok(());
        }
        self.list(core, Stream::Dirty, bucket(note.at)).await?;
        core.append(Stream::Dirty, &note).await?;
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).keep(note);
        Ok(())
    }

    /// Writes the events that are not there yet.
    pub(super) async fn append(&self, core: &Core, stream: Stream, mut events: Vec<Event>) -> Result<(), StoreError> {
        let mut named = HashSet::new();
        events.retain(|event| named.insert((event.at, event.id.clone())));
        let buckets: BTreeSet<i64> = events.iter().map(|event| bucket(event.at)).collect();
        try_join_all(buckets.into_iter().map(|bucket| self.list(core, stream, bucket))).await?;
        let appends = events.into_iter().map(|event| core.append_once(stream, event));
        stream::iter(appends).buffer_unordered(AT_ONCE).try_collect().await
    }

    /// Lists a bucket, unless this process has done so before.
    async fn list(&self, core: &Core, stream: Stream, bucket: i64) -> Result<(), StoreError> {
        if self.buckets.lock().unwrap_or_else(PoisonError::into_inner).contains(&(stream, bucket)) {
            return Ok(());
        }
        // A list entry outlives the last event that can come into its bucket.
        let life = lifetime(stream).saturating_mul(2);
        let listed = core.session.execute_unpaged(&core.statements.add_bucket, (stream.as_str(), bucket, life)).await;
        listed.map_err(|error| failure::plain(&error))?;
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= REMEMBERED {
            buckets.clear();
        }
        buckets.insert((stream, bucket));
        Ok(())
    }
}

impl Core {
    /// Writes an event, unless it is there.
    async fn append_once(&self, stream: Stream, event: Event) -> Result<(), StoreError> {
        if self.has(stream, &event).await? { Ok(()) } else { self.append(stream, &event).await }
    }

    /// Is an event of this time and id there?
    async fn has(&self, stream: Stream, event: &Event) -> Result<bool, StoreError> {
        let place = (bucket(event.at), shard(&event.id), event.at.as_millis(), &*event.id);
        let found: Vec<(i64,)> = self.rows(&self.statements.log(stream).find, place, stream.as_str()).await?;
        Ok(!found.is_empty())
    }

    async fn append(&self, stream: Stream, event: &Event) -> Result<(), StoreError> {
        let place = (bucket(event.at), shard(&event.id), event.at.as_millis(), &*event.id);
        let values = (place.0, place.1, place.2, place.3, event.json.get(), lifetime(stream));
        let written = self.session.execute_unpaged(&self.statements.log(stream).append, values).await;
        written.map(drop).map_err(|error| failure::plain(&error))
    }

    /// Up to `limit` events after `after`, oldest first: bucket by bucket, the partitions of each merged.
    pub(super) async fn read_stream(
        &self,
        stream: Stream,
        after: &Cursor,
        limit: usize,
    ) -> Result<Vec<Event>, StoreError> {
        let limit = limit.min(PAGE);
        let mut events = Vec::new();
        let mut from = bucket(after.at);
        loop {
            let (listed, next) = self.listed(stream, from).await?;
            for bucket in listed {
                if events.len() >= limit {
                    return Ok(events);
                }
                events.extend(self.bucket(stream, bucket, after, limit - events.len()).await?);
            }
            let Some(next) = next else { return Ok(events) };
            from = next;
        }
    }

    /// Buckets of a stream from one on, and where to go on, if there may be more.
    async fn listed(&self, stream: Stream, from: i64) -> Result<(Vec<i64>, Option<i64>), StoreError> {
        let listed = self.rows(&self.statements.buckets, (stream.as_str(), from, LISTED), stream.as_str()).await?;
        let listed: Vec<i64> = listed.into_iter().map(|(bucket,): (i64,)| bucket).collect();
        let full = usize::try_from(LISTED).is_ok_and(|most| listed.len() == most);
        let next = listed.last().filter(|_| full).map(|last| last + 1);
        Ok((listed, next))
    }

    /// How many events a stream has.
    pub(super) async fn count_events(&self, stream: Stream) -> Result<u64, StoreError> {
        let (mut count, mut from) = (0, i64::MIN);
        loop {
            let (listed, next) = self.listed(stream, from).await?;
            let places = listed.into_iter().flat_map(|bucket| (0..SHARDS).map(move |shard| (bucket, shard)));
            let counts = places.map(|place| async move {
                let rows = self.rows(&self.statements.log(stream).count, place, stream.as_str()).await?;
                Ok::<_, StoreError>(rows.into_iter().map(|(count,): (i64,)| count.unsigned_abs()).sum::<u64>())
            });
            let counts: Vec<u64> = stream::iter(counts).buffer_unordered(AT_ONCE).try_collect().await?;
            count += counts.iter().sum::<u64>();
            let Some(next) = next else { return Ok(count) };
            from = next;
        }
    }

    /// Up to `limit` events of one bucket.
    async fn bucket(
        &self,
        stream: Stream,
        bucket: i64,
        after: &Cursor,
        limit: usize,
    ) -> Result<Vec<Event>, StoreError> {
        let shards = (0..SHARDS).map(|shard| self.shard(stream, (bucket, shard), after, limit));
        let mut events: Vec<_> = try_join_all(shards).await?.into_iter().flatten().collect();
        events.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
        events.truncate(limit);
        Ok(events)
    }

    async fn shard(
        &self,
        stream: Stream,
        (bucket, shard): (i64, i32),
        after: &Cursor,
        limit: usize,
    ) -> Result<Vec<Event>, StoreError> {
        let values = (bucket, shard, after.at.as_millis(), &*after.id, i32::try_from(limit).unwrap_or(i32::MAX));
        let rows: Vec<(i64, String, String)> =
            self.rows(&self.statements.log(stream).events, values, stream.as_str()).await?;
        rows.into_iter()
            .map(|(at, id, body)| {
                let json = RawValue::from_string(body).map_err(|_| corrupt(stream.as_str(), "event"))?;
                Ok(Event { at: Timestamp::from_millis(at), id: id.into(), json })
            })
            .collect()
    }
}

/// The bucket of a time, named by its first millisecond.
fn bucket(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(BUCKET).saturating_mul(BUCKET)
}

fn shard(id: &str) -> i32 {
    i32::try_from(xxh3_64(id.as_bytes()) % u64::from(SHARDS.unsigned_abs())).unwrap_or_default()
}

/// How long an event is kept, in seconds; 0 is for ever.
fn lifetime(stream: Stream) -> i32 {
    match stream {
        Stream::Audit | Stream::Outbox => 0,
        Stream::Dirty => i32::try_from(DIRTY_LIFE.as_secs()).unwrap_or(i32::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, PartitionKey, dirty_event};

    #[test]
    fn notes_are_remembered_for_their_minute_and_no_longer() {
        let note = |id: &str, millis| dirty_event(&PartitionKey::new(Kind::User, id), Timestamp::from_millis(millis));
        let mut notes = Notes::default();
        notes.keep(note("ann", 60_000));
        assert!(notes.has(&note("ann", 119_999)) && !notes.has(&note("bob", 60_000)));
        assert!(!notes.has(&note("ann", 120_000)));
        notes.keep(note("ann", 120_000));
        notes.keep(note("bob", 60_000)); // late, and not remembered
        assert!(!notes.has(&note("bob", 60_000)) && notes.has(&note("ann", 120_000)));
    }

    #[test]
    fn a_bucket_begins_at_its_ten_minutes() {
        assert_eq!(bucket(Timestamp::from_millis(600_000)), 600_000);
        assert_eq!(bucket(Timestamp::from_millis(1_199_999)), 600_000);
        assert_eq!(bucket(Timestamp::default()), 0);
        assert!((0..1000).map(|n| shard(&n.to_string())).all(|shard| (0..SHARDS).contains(&shard)));
    }
}
