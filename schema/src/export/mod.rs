//! Everything that a store holds, taken out of one and put into another, whatever their backends.
//!
//! * [`Walk`] gives it page by page, with the [`Place`] at which to go on.
//! * [`Importer`] makes a partition of the target say what the source's says. Doing it again changes nothing.
//! * [`Tally`] counts and sums up what was seen, independently of the order, so that two stores can be compared by
//!   walking through each.
//! * [`copy`](mod@copy) moves a store to another place with these.
//! * [`file`](mod@file) is the same as one file, the backup.
//!
//! Bodies are carried byte for byte. Revisions and rings of operations begin anew: what they guard is under way within a
//! running store, and a store is taken out while it stands still or as of one instant. A partition without items says
//! nothing, so it is not carried; neither is what ended so long ago that a store may have collected it, nor what a store
//! says about itself ([`is_carried`]).

pub mod copy;
pub mod file;
mod import;
pub mod pack;
mod tally;
mod walk;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub use self::{
    import::Importer,
    tally::{Count, Tally},
    walk::{Page, Place, Source, Walk},
};
use crate::{Body, Event, GRACE, Kind, Partition, PartitionKey, Stream, Timestamp};

/// How the ids of handles begin that a store is tested with.
pub(crate) const SELF_TEST: &str = "self-test/";

/// All streams, in the order in which they are carried.
pub const STREAMS: [Stream; 3] = [Stream::Audit, Stream::Outbox, Stream::Dirty];

/// One thing that is carried.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Entry {
    /// A partition with all its items.
    Partition(Contents),
    /// An entry of a stream.
    Event(Noted),
}

/// A partition and what it holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Contents {
    /// Its table.
    pub kind: Kind,
    /// Its id.
    pub id: Box<str>,
    /// Its items.
    pub items: BTreeMap<Box<str>, Text>,
}

/// The body of an item: JSON text and its end.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Text {
    /// When it stops being valid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Timestamp>,
    /// A JSON object, byte for byte.
    pub json: Box<RawValue>,
}

/// An entry of a stream.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Noted {
    /// Which stream.
    pub stream: Stream,
    /// When it happened.
    pub at: Timestamp,
    /// Its id.
    pub id: Box<str>,
    /// A JSON object, byte for byte.
    pub json: Box<RawValue>,
}

impl Contents {
    /// What of a partition is carried at `now`, if anything.
    pub fn of(kind: Kind, id: Box<str>, partition: Partition, now: Timestamp) -> Option<Self> {
        let kept = |end: Option<Timestamp>| end.is_none_or(|end| end.after(GRACE) > now);
        let items = partition.items.into_iter().filter(|(_, body)| kept(body.expires_at));
        let items: BTreeMap<_, _> =
            items.map(|(key, body)| (key, Text { end: body.expires_at, json: body.json })).collect();
        (is_carried(kind, &id) && !items.is_empty()).then_some(Self { kind, id, items })
    }

    /// Its address.
    pub fn key(&self) -> PartitionKey {
        PartitionKey { kind: self.kind, id: self.id.clone() }
    }

    /// The end of the whole partition: where everything in it ends, the last of those ends.
    pub fn end(&self) -> Option<Timestamp> {
        let ends: Option<Vec<Timestamp>> = self.items.values().map(|text| text.end).collect();
        ends?.into_iter().max()
    }
}

impl From<Text> for Body {
    fn from(text: Text) -> Self {
        Self { json: text.json, expires_at: text.end }
    }
}

impl Noted {
    /// An entry of `stream`.
    pub fn of(stream: Stream, event: Event) -> Self {
        Self { stream, at: event.at, id: event.id, json: event.json }
    }

    /// As a store takes it.
    pub fn event(self) -> Event {
        Event { at: self.at, id: self.id, json: self.json }
    }
}

/// Is this partition about what the store is there for, and not about the store itself: who serves from it
/// (`cluster/view`), whether it may be served from (`cluster/standing`), and whether it is fit to be
/// (`handle/self-test/…`)?
pub fn is_carried(kind: Kind, id: &str) -> bool {
    match kind {
        Kind::Cluster => !matches!(id, crate::fence::PARTITION | crate::standing::PARTITION),
        Kind::Handle => !id.starts_with(SELF_TEST),
        _ => true,
    }
}
