//! The backend for many nodes: ScyllaDB, or Apache Cassandra 5, which speaks the same protocol.
//!
//! A commit is one conditional batch on one partition. Only its `[applied]` is read. What the cluster did not answer for
//! is [`StoreError::Unknown`], and [`crate::resolve`] asks the ring.
//!
//! | what | how it is read and written |
//! |---|---|
//! | tables of [`Kind`] | conditional batches alone; serial reads, or, where asked for, those of a majority or of all copies |
//! | tables of [`Stream`], `stream_bucket` | plain writes and reads of a majority |
//! | `migration` | conditional writes of single rows |

mod failure;
mod gate;
mod layout;
mod lifetime;
pub mod migrate;
mod options;
mod order;
mod partition;
mod probe;
mod replication;
mod scan;
mod statements;
mod stream;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use scylla::{client::session::Session, policies::load_balancing::LoadBalancingPolicy};

use self::{
    gate::Gate, options::Levels, order::InOrder, partition::Level, replication::Actual, statements::Statements,
    stream::Streams,
};
pub use self::{
    options::{ConnectError, ScyllaOptions},
    replication::Replication,
};
use crate::{
    Commit, Cursor, Event, Kind, Partition, PartitionKey, ScanPage, Store, StoreError, Stream, WriteSet, dirty_event,
    export::STREAMS,
};

/// A store in a ScyllaDB or Cassandra cluster.
pub struct ScyllaStore {
    core: Core,
    gate: Gate,
    streams: Streams,
    /// How long a commit waits for those before it on the same partition.
    patience: Duration,
    /// Where the copies are, if all of them are read ([`ScyllaOptions::every_copy`]).
    every_copy: Option<Actual>,
}

/// The connections and the statements.
struct Core {
    session: Session,
    statements: Statements,
    /// Where conditional batches go.
    in_order: Arc<dyn LoadBalancingPolicy>,
}

impl fmt::Debug for ScyllaStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScyllaStore").field("keyspace", &self.core.session.get_keyspace()).finish_non_exhaustive()
    }
}

impl ScyllaStore {
    /// Connects to the cluster and prepares the statements. Never migrates: a keyspace whose schema is older, or newer
    /// than this version can work with, is refused, and so is one that is replicated otherwise than configured.
    pub async fn connect(options: &ScyllaOptions) -> Result<Self, ConnectError> {
        let session = options.session().await?;
        migrate::check_level(&session, options).await?;
        let keyspace = &options.keyspace;
        let actual = Actual::read(&session, keyspace).await?;
        let actual = actual.ok_or_else(|| ConnectError::Unfit(format!("the keyspace {keyspace} has just gone")))?;
        actual.check(keyspace, &options.replication)?;
        let near = actual.is_only_in(options.local_dc.as_deref());
        let levels = if near { Levels::LOCAL } else { Levels::WIDE };
        let levels = if options.every_copy { levels.of_every_copy() } else { levels };
        session.get_default_execution_profile_handle().clone().map_to_another_profile(options.profile(levels));
        let statements = Statements::prepare(&session, options, levels).await?;
        let core = Core { session, statements, in_order: InOrder::of(options.balancing(levels)) };
        let (gate, streams) = (Gate::default(), Streams::default());
        let every_copy = options.every_copy.then_some(actual);
        Ok(Self { core, gate, streams, patience: options.timeout, every_copy })
    }

    /// How many partitions and entries of streams there are, roughly: those that are not carried are among them.
    pub async fn count(&self) -> Result<u64, StoreError> {
        let mut count = 0;
        for kind in Kind::ALL {
            count += self.core.count(kind).await?;
        }
        for stream in STREAMS {
            count += self.core.count_events(stream).await?;
        }
        Ok(count)
    }
}

#[async_trait]
impl Store for ScyllaStore {
    async fn load(&self, partition: &PartitionKey, prefixes: &[&str]) -> Result<Partition, StoreError> {
        partition.check()?;
        let _pass = self.gate.pass(partition, self.patience).await?;
        if self.every_copy.is_some() {
            // A serial read asks a majority. After this one, that knows what any copy held.
            self.core.partition(partition, &[""], Level::Plain).await?;
        }
        self.core.partition(partition, prefixes, Level::Serial).await
    }

    async fn peek(&self, partition: &PartitionKey, prefixes: &[&str]) -> Result<Partition, StoreError> {
        partition.check()?;
        self.core.partition(partition, prefixes, Level::Plain).await
    }

    async fn commit(&self, write: WriteSet) -> Result<Commit, StoreError> {
        write.check()?;
        if write.note_dirty {
            // Before the commit: a note too many costs a look, one too few an event.
            self.streams.note(&self.core, dirty_event(&write.partition, write.at)).await?;
        }
        let _pass = self.gate.pass(&write.partition, self.patience).await?;
        self.core.write(&write).await
    }

    async fn append(&self, stream: Stream, events: Vec<Event>) -> Result<(), StoreError> {
        events.iter().try_for_each(Event::check)?;
        self.streams.append(&self.core, stream, events).await
    }

    async fn read(&self, stream: Stream, after: &Cursor, limit: usize) -> Result<Vec<Event>, StoreError> {
        self.core.read_stream(stream, after, limit).await
    }

    async fn scan(
        &self,
        kind: Kind,
        after: Option<&str>,
        limit: usize,
        prefixes: &[&str],
    ) -> Result<ScanPage, StoreError> {
        self.core.scan(kind, after, limit, prefixes).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        // A partition that never is: the cheapest read that needs what a commit needs.
        self.core.statics(&PartitionKey::new(Kind::Cluster, "ping"), Level::Serial).await.map(drop)
    }
}
