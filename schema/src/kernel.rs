//! The store contract that every backend keeps: one compare-and-set on one partition.
//!
//! How a change travels:
//!
//! 1. [`Store::load`] reads a partition serially: its [`Revision`], the ring of its last [`RING`] operations, and the
//!    items whose keys begin with one of the prefixes asked for.
//! 2. The owner decides on that state, without I/O.
//! 3. [`Store::commit`] writes everything that the decision changes, if the revision is still the expected one. The
//!    operation goes into the ring in the same step, so that an unknown outcome can be resolved later
//!    ([`crate::resolve`]).
//!
//! Bodies are JSON objects that a person can read in `cqlsh`; what is secret inside is sealed before it comes here.
//! Expiry is judged by the reader's clock; the store only collects garbage, [`GRACE`] after an item's end.

use std::{collections::BTreeMap, fmt, str::FromStr, time::Duration};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use thiserror::Error;

use crate::{AttemptId, Timestamp};

/// How many operations a partition remembers.
pub const RING: u64 = 32;

/// What is expired stays readable for this long, so that clocks may differ and consumption stays provable.
pub const GRACE: Duration = Duration::from_hours(24);

/// Keys of items that hold undelivered events: `event/<revision>/<n>`.
pub const EVENT_PREFIX: &str = "event/";

/// Keys of items that hold messages which wait to be sent: `message/<id>`.
pub const MESSAGE_PREFIX: &str = "message/";

/// A table. Each has partitions of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Everything that belongs to one user.
    User,
    /// One registered client.
    Client,
    /// Policies.
    Policy,
    /// Signing keys, and the canaries of the master keys.
    Keyring,
    /// One-time things without a user; each partition expires.
    Handle,
    /// Throttle of a typed name; each partition expires.
    Ident,
    /// Unique look-up to owner.
    Claim,
    /// Facts about the store itself.
    Cluster,
}

impl Kind {
    /// All kinds, in the order of their tags.
    pub const ALL: [Self; 8] =
        [Self::User, Self::Client, Self::Policy, Self::Keyring, Self::Handle, Self::Ident, Self::Claim, Self::Cluster];

    /// The name of the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Client => "client",
            Self::Policy => "policy",
            Self::Keyring => "keyring",
            Self::Handle => "handle",
            Self::Ident => "ident",
            Self::Claim => "claim",
            Self::Cluster => "cluster",
        }
    }
}

/// The address of a partition: its table and its id (1 to 255 bytes, no NUL).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PartitionKey {
    /// The table.
    pub kind: Kind,
    /// The id inside the table.
    pub id: Box<str>,
}

impl PartitionKey {
    /// The partition `id` of table `kind`.
    pub fn new(kind: Kind, id: impl fmt::Display) -> Self {
        Self { kind, id: id.to_string().into_boxed_str() }
    }
}

impl fmt::Display for PartitionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.as_str(), self.id)
    }
}

/// The version of a partition. The first is a random 63-bit number, so that a partition created anew never repeats one;
/// each commit adds one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(u64);

impl Revision {
    /// A first revision from random bits; the top bit is cleared, so that CQL's signed `bigint` holds it and 2^62
    /// commits can follow.
    pub const fn first(random: u64) -> Self {
        Self((random >> 2) | 1)
    }

    /// The revision with this number, as stored.
    pub const fn from_u64(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// The revision after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// What a commit writes about itself into the ring.
#[derive(Clone, Debug)]
pub struct Operation {
    /// The attempt that is committed.
    pub id: AttemptId,
    /// SHA-256 of what was asked (HAZARDS H5); the same id with another digest is refused by the owner.
    pub digest: [u8; 32],
    /// The outcome, without secrets: a JSON value that is repeated to a repeated delivery.
    pub outcome: Box<RawValue>,
}

/// An entry of the ring.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The attempt.
    pub id: AttemptId,
    /// SHA-256 of what was asked.
    pub digest: [u8; 32],
    /// The revision that this operation made.
    pub revision: Revision,
    /// When it was committed, by the committing node's clock.
    pub at: Timestamp,
    /// The outcome, without secrets.
    pub outcome: Box<RawValue>,
}

/// The body of an item, with its end.
#[derive(Clone, Debug)]
pub struct Body {
    /// A JSON object.
    pub json: Box<RawValue>,
    /// When it stops being valid, by the reader's clock. Never a reason for the store to hide it.
    pub expires_at: Option<Timestamp>,
}

/// One item to be written.
#[derive(Clone, Debug)]
pub struct Put {
    /// The key inside the partition: 1 to 512 bytes, no NUL; `/` separates its parts.
    pub key: Box<str>,
    /// What is written.
    pub body: Body,
}

/// What a load found. `revision` is `None` for a partition that was never written.
#[derive(Clone, Debug, Default)]
pub struct Partition {
    /// The version, to be expected by the next commit.
    pub revision: Option<Revision>,
    /// The last [`RING`] operations, oldest first.
    pub operations: Vec<Recorded>,
    /// The items asked for, by key. Expired ones are among them until collected.
    pub items: BTreeMap<Box<str>, Body>,
}

/// Everything that one decision changes, in one partition.
#[derive(Clone, Debug)]
pub struct WriteSet {
    /// Where.
    pub partition: PartitionKey,
    /// The revision that must still be the last one; `None`: the partition must not exist.
    pub expected: Option<Revision>,
    /// The revision to start with where the partition does not exist; see [`Revision::first`].
    pub first: Revision,
    /// Who asks; goes into the ring.
    pub operation: Operation,
    /// The committing node's clock.
    pub at: Timestamp,
    /// Items written, whole.
    pub puts: Vec<Put>,
    /// Keys of items removed. Removing what is not there is no error.
    pub deletes: Vec<Box<str>>,
    /// For kinds whose partitions expire: the end of the whole partition, statics included. It may be collected
    /// [`GRACE`] later. A later commit can only put the end off; `None` once makes the partition permanent.
    pub partition_expires_at: Option<Timestamp>,
    /// Note the partition in the [`Stream::Dirty`] of `at`, before the commit or together with it, so that its
    /// undelivered events are found after a crash.
    pub note_dirty: bool,
}

impl WriteSet {
    /// The revision that this write set makes if it is committed.
    pub fn revision(&self) -> Revision {
        self.expected.map_or(self.first, Revision::next)
    }
}

/// How a commit ended when its outcome is known and nothing failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commit {
    /// Written, durably.
    Committed(Revision),
    /// Another revision was there; nothing was written.
    Conflict,
}

/// Why the store did not do what was asked.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Nothing was written or read; it may be asked again.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// A commit may have been written or not. See [`crate::resolve`].
    #[error("the outcome of the commit is unknown: {0}")]
    Unknown(String),
    /// What is stored cannot be right. Names where.
    #[error("stored data is corrupt in {place}: {reason}")]
    Corrupt {
        /// Table, partition and item.
        place: String,
        /// What is wrong with it; no stored content.
        reason: String,
    },
}

/// A log of events in time buckets, read by cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// Who did what when.
    Audit,
    /// Messages and other deliveries to the outside.
    Outbox,
    /// Partitions that may hold undelivered events: the id is the [`PartitionKey`], the body empty.
    Dirty,
}

impl Stream {
    /// The name of the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Audit => "audit",
            Self::Outbox => "outbox",
            Self::Dirty => "dirty",
        }
    }
}

/// An entry of a stream. Appending the same `at` and `id` again changes nothing.
#[derive(Clone, Debug)]
pub struct Event {
    /// When it happened; also its place in the stream.
    pub at: Timestamp,
    /// Unique within the stream, e.g. `<partition>/<revision>/<n>`.
    pub id: Box<str>,
    /// A JSON object.
    pub json: Box<RawValue>,
}

/// A place in a stream: after this entry. Written `<at>:<id>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Cursor {
    /// Time of the last entry read.
    pub at: Timestamp,
    /// Id of the last entry read.
    pub id: Box<str>,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.at, self.id)
    }
}

impl FromStr for Cursor {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (at, id) = text.split_once(':').ok_or("a cursor is written <millis>:<id>")?;
        let at = at.parse().map_err(|_| "a cursor begins with milliseconds")?;
        Ok(Self { at: Timestamp::from_millis(at), id: id.into() })
    }
}

/// A page of partitions of one kind.
#[derive(Clone, Debug, Default)]
pub struct ScanPage {
    /// Partition id and what was asked of it, in the order of the backend.
    pub partitions: Vec<(Box<str>, Partition)>,
    /// The id after which the next page begins; `None` at the end.
    pub next: Option<Box<str>>,
}

/// The kernel. One contract suite (`contract`, feature `testing`) runs against every implementation.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Reads a partition serially: what was committed before this call began is seen. Items are those whose key begins
    /// with one of `prefixes` (`""` for all, none for statics only).
    async fn load(&self, partition: &PartitionKey, prefixes: &[&str]) -> Result<Partition, StoreError>;

    /// Reads a partition without ordering itself among the commits under way: what was acknowledged before this call began
    /// is seen, and nothing that is seen by one call is unseen by the next; of a commit whose outcome is unknown it may
    /// show nothing yet. Cheaper than [`Store::load`] where a backend can tell the two apart.
    async fn peek(&self, partition: &PartitionKey, prefixes: &[&str]) -> Result<Partition, StoreError> {
        self.load(partition, prefixes).await
    }

    /// Writes all of `write` or nothing, if its expected revision is still the last; durable before it returns.
    async fn commit(&self, write: WriteSet) -> Result<Commit, StoreError>;

    /// Appends events; durable before it returns. An event that is there already stays as it is.
    async fn append(&self, stream: Stream, events: Vec<Event>) -> Result<(), StoreError>;

    /// Reads up to `limit` events after `after`, oldest first.
    async fn read(&self, stream: Stream, after: &Cursor, limit: usize) -> Result<Vec<Event>, StoreError>;

    /// Reads a page of up to `limit` partitions after id `after`, with the items that begin with one of `prefixes`.
    async fn scan(
        &self,
        kind: Kind,
        after: Option<&str>,
        limit: usize,
        prefixes: &[&str],
    ) -> Result<ScanPage, StoreError>;

    /// Is the store able to read and write? For readiness.
    async fn ping(&self) -> Result<(), StoreError>;
}
