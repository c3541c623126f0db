//! Through a whole store, page by page: kind after kind, then stream after stream.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{Contents, Entry, Noted, STREAMS};
use crate::{Cursor, Event, GRACE, Kind, ScanPage, Store, StoreError, Stream, Timestamp};

/// Partitions in a page. One can weigh some hundred KB.
const PARTITIONS: usize = 64;
/// Entries of streams in a page.
const EVENTS: usize = 500;

/// What can be walked through: a store, or what it was at one instant.
#[async_trait]
pub trait Source: Send + Sync {
    /// As [`Store::scan`], with all items.
    async fn partitions(&self, kind: Kind, after: Option<&str>, limit: usize) -> Result<ScanPage, StoreError>;

    /// As [`Store::read`].
    async fn events(&self, stream: Stream, after: &Cursor, limit: usize) -> Result<Vec<Event>, StoreError>;
}

#[async_trait]
impl<S: Store + ?Sized> Source for S {
    async fn partitions(&self, kind: Kind, after: Option<&str>, limit: usize) -> Result<ScanPage, StoreError> {
        self.scan(kind, after, limit, &[""]).await
    }

    async fn events(&self, stream: Stream, after: &Cursor, limit: usize) -> Result<Vec<Event>, StoreError> {
        self.read(stream, after, limit).await
    }
}

/// How far a walk has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "in")]
pub enum Place {
    /// Among the partitions of a kind, behind this one.
    Partitions {
        /// The kind.
        kind: Kind,
        /// The last one seen.
        after: Option<Box<str>>,
    },
    /// In a stream, behind this entry.
    Events {
        /// The stream.
        stream: Stream,
        /// When the last one seen was.
        at: Timestamp,
        /// Which it was.
        id: Box<str>,
    },
    /// Behind everything.
    End,
}

impl Default for Place {
    fn default() -> Self {
        Self::Partitions { kind: Kind::ALL[0], after: None }
    }
}

impl Place {
    fn kind(kind: Kind) -> Self {
        Self::Partitions { kind, after: None }
    }

    fn stream(stream: Stream) -> Self {
        Self::Events { stream, at: Cursor::default().at, id: Cursor::default().id }
    }

    fn behind_kind(kind: Kind) -> Self {
        let mut later = Kind::ALL.into_iter().skip_while(|known| *known != kind).skip(1);
        later.next().map_or_else(|| Self::stream(STREAMS[0]), Self::kind)
    }

    fn behind_stream(stream: Stream) -> Self {
        let mut later = STREAMS.into_iter().skip_while(|known| *known != stream).skip(1);
        later.next().map_or(Self::End, Self::stream)
    }
}

/// Some entries, and where they end.
#[derive(Clone, Debug)]
pub struct Page {
    /// What was found; perhaps nothing.
    pub entries: Vec<Entry>,
    /// Where to go on.
    pub next: Place,
}

/// A walk through a source.
#[derive(Clone, Copy, Debug)]
pub struct Walk<'a, S: ?Sized> {
    source: &'a S,
    now: Timestamp,
}

impl<'a, S: Source + ?Sized> Walk<'a, S> {
    /// A walk that leaves out what may have been collected at `now`: items [`GRACE`] after their end, notes of dirty
    /// partitions after twice that.
    pub const fn new(source: &'a S, now: Timestamp) -> Self {
        Self { source, now }
    }

    /// What comes at `place`; `None` at the end.
    pub async fn page(&self, place: &Place) -> Result<Option<Page>, StoreError> {
        match place {
            Place::Partitions { kind, after } => self.partitions(*kind, after.as_deref()).await.map(Some),
            Place::Events { stream, at, id } => {
                let after = Cursor { at: *at, id: id.clone() };
                self.events(*stream, &after).await.map(Some)
            }
            Place::End => Ok(None),
        }
    }

    async fn partitions(&self, kind: Kind, after: Option<&str>) -> Result<Page, StoreError> {
        let page = self.source.partitions(kind, after, PARTITIONS).await?;
        let contents = page.partitions.into_iter();
        let contents = contents.filter_map(|(id, partition)| Contents::of(kind, id, partition, self.now));
        let next = match page.next {
            Some(after) => Place::Partitions { kind, after: Some(after) },
            None => Place::behind_kind(kind),
        };
        Ok(Page { entries: contents.map(Entry::Partition).collect(), next })
    }

    async fn events(&self, stream: Stream, after: &Cursor) -> Result<Page, StoreError> {
        let found = self.source.events(stream, after, EVENTS).await?;
        let next = match found.last() {
            Some(last) if found.len() == EVENTS => Place::Events { stream, at: last.at, id: last.id.clone() },
            _ => Place::behind_stream(stream),
        };
        let dead = |event: &Event| stream == Stream::Dirty && event.at.after(2 * GRACE) <= self.now;
        let entries = found.into_iter().filter(|event| !dead(event));
        Ok(Page { entries: entries.map(|event| Entry::Event(Noted::of(stream, event))).collect(), next })
    }
}
