//! Every statement of the store, prepared once. What is conditional is here and nowhere else, and no statement names a
//! time of its own: the cluster's ballots order conditional writes, and a plain write never meets one in a table.

use std::collections::HashMap;

use futures_util::future::try_join_all;
use scylla::{
    client::session::Session,
    statement::{Consistency, Statement, prepared::PreparedStatement},
};

use super::{
    ConnectError, failure,
    options::{Levels, ScyllaOptions},
};
use crate::{Kind, Stream};

/// A statement that reads, at both levels.
pub(super) struct Read {
    /// Ordered among the conditional writes: takes part in their rounds.
    pub(super) serial: PreparedStatement,
    /// A majority's answer, or that of every copy.
    pub(super) plain: PreparedStatement,
}

/// The statements of one kind's table.
pub(super) struct Table {
    /// Revision, ring and end of a partition.
    pub(super) statics: Read,
    /// Items of a partition, each with the partition's revision.
    pub(super) items: Read,
    /// Makes a partition.
    pub(super) create: PreparedStatement,
    /// Moves a partition on from a revision and an end.
    pub(super) advance: PreparedStatement,
    /// Writes an item.
    pub(super) put: PreparedStatement,
    /// Removes an item.
    pub(super) delete: PreparedStatement,
    /// Partition ids from a token on.
    pub(super) ids: PreparedStatement,
}

/// The statements of one stream's table.
pub(super) struct Log {
    /// Writes an event.
    pub(super) append: PreparedStatement,
    /// Is this event there?
    pub(super) find: PreparedStatement,
    /// Events of one partition of a bucket after a place.
    pub(super) events: PreparedStatement,
    /// How many events there are in one partition of a bucket.
    pub(super) count: PreparedStatement,
}

/// All of them.
pub(super) struct Statements {
    tables: HashMap<Kind, Table>,
    logs: HashMap<Stream, Log>,
    /// Lists a bucket.
    pub(super) add_bucket: PreparedStatement,
    /// Buckets of a stream from one on.
    pub(super) buckets: PreparedStatement,
}

impl Statements {
    /// Prepares everything; fails if a table is not there.
    pub(super) async fn prepare(
        session: &Session,
        options: &ScyllaOptions,
        levels: Levels,
    ) -> Result<Self, ConnectError> {
        let prepare = Preparing { session, options, levels };
        let tables = Kind::ALL.map(|kind| async move { prepare.table(kind).await.map(|table| (kind, table)) });
        let streams = [Stream::Audit, Stream::Outbox, Stream::Dirty];
        let logs = streams.map(|stream| async move { prepare.log(stream).await.map(|log| (stream, log)) });
        Ok(Self {
            tables: try_join_all(tables).await?.into_iter().collect(),
            logs: try_join_all(logs).await?.into_iter().collect(),
            add_bucket: prepare.write("INSERT INTO $.stream_bucket (stream, bucket) VALUES (?, ?) USING TTL ?").await?,
            buckets: prepare
                .read("SELECT bucket FROM $.stream_bucket WHERE stream = ? AND bucket >= ? LIMIT ?")
                .await?,
        })
    }

    /// The statements of this kind.
    pub(super) fn table(&self, kind: Kind) -> &Table {
        &self.tables[&kind]
    }

    /// The statements of this stream.
    pub(super) fn log(&self, stream: Stream) -> &Log {
        &self.logs[&stream]
    }
}

#[derive(Clone, Copy)]
struct Preparing<'a> {
    session: &'a Session,
    options: &'a ScyllaOptions,
    levels: Levels,
}

impl Preparing<'_> {
    async fn table(self, kind: Kind) -> Result<Table, ConnectError> {
        let table = kind.as_str();
        let text = |cql: &str| cql.replace("$t", &format!("$.\"{table}\""));
        Ok(Table {
            statics: self.both(&text("SELECT DISTINCT id, revision, operations, ends FROM $t WHERE id = ?")).await?,
            items: self.both(&text("SELECT item, body, expires_at, revision FROM $t WHERE id = ?")).await?,
            create: self
                .write(&text(
                    "UPDATE $t USING TTL ? SET revision = ?, operations = operations + ?, ends = ? \
                     WHERE id = ? IF revision = null",
                ))
                .await?,
            // The end is part of the condition: it is what the lifetimes in this write were chosen for.
            advance: self
                .write(&text(
                    "UPDATE $t USING TTL ? SET revision = ?, operations = operations + ?, ends = ? \
                     WHERE id = ? IF revision = ? AND ends = ?",
                ))
                .await?,
            put: self
                .write(&text("INSERT INTO $t (id, item, body, expires_at) VALUES (?, ?, ?, ?) USING TTL ?"))
                .await?,
            delete: self.write(&text("DELETE FROM $t WHERE id = ? AND item = ?")).await?,
            ids: self.read(&text("SELECT DISTINCT id FROM $t WHERE token(id) >= ? LIMIT ?")).await?,
        })
    }

    async fn log(self, stream: Stream) -> Result<Log, ConnectError> {
        let table = stream.as_str();
        let text = |cql: &str| cql.replace("$t", &format!("$.\"{table}\""));
        let one = "WHERE bucket = ? AND shard = ?";
        Ok(Log {
            append: self
                .write(&text("INSERT INTO $t (bucket, shard, at, id, body) VALUES (?, ?, ?, ?, ?) USING TTL ?"))
                .await?,
            find: self.read(&text(&format!("SELECT at FROM $t {one} AND at = ? AND id = ?"))).await?,
            events: self
                .read(&text(&format!("SELECT at, id, body FROM $t {one} AND (at, id) > (?, ?) LIMIT ?")))
                .await?,
            count: self.read(&text(&format!("SELECT count(*) FROM $t {one}"))).await?,
        })
    }

    async fn both(self, cql: &str) -> Result<Read, ConnectError> {
        let plain = self.read(cql).await?;
        let mut serial = plain.clone();
        serial.set_consistency(self.levels.read);
        Ok(Read { serial, plain })
    }

    /// Reads may be repeated; writes not, whatever the driver is set to.
    async fn read(self, cql: &str) -> Result<PreparedStatement, ConnectError> {
        let mut statement = self.prepare(cql, self.levels.plain).await?;
        statement.set_is_idempotent(true);
        Ok(statement)
    }

    async fn write(self, cql: &str) -> Result<PreparedStatement, ConnectError> {
        self.prepare(cql, self.levels.write).await
    }

    async fn prepare(self, cql: &str, level: Consistency) -> Result<PreparedStatement, ConnectError> {
        let text = cql.replace("$.", &format!("{}.", self.options.keyspace));
        let statement = Statement::new(text).with_page_size(self.options.page);
        let prepared = self.session.prepare(statement).await;
        let mut prepared = prepared.map_err(|error| failure::unprepared(cql, &error))?;
        prepared.set_consistency(level);
        Ok(prepared)
    }
}
