//! Reading and writing one partition.
//!
//! A load asks two questions at once: the items, with the revision beside each, and the statics. Asked as one, the ring
//! would come again with every item. The answers belong together if their revisions are equal, because each of the two
//! shows the partition between two commits; otherwise a commit came in between, and both are asked again. After several
//! pages the statics are asked once more.

use std::{
    collections::{BTreeMap, HashMap},
    hash::{BuildHasher as _, RandomState},
    sync::Arc,
    time::Duration,
};

use scylla::{
    errors::ExecutionError,
    response::{PagingState, query_result::QueryRowsResult},
    serialize::row::SerializeRow,
    statement::{
        Consistency,
        batch::{Batch, BatchType},
        prepared::PreparedStatement,
    },
    value::{CqlValue, Row},
};

use super::{
    Core, failure,
    layout::{self, End, ItemRow, Statics, column, text},
    lifetime,
    statements::Read,
};
use crate::{Body, Commit, Kind, Partition, PartitionKey, Revision, StoreError, WriteSet};

/// How often a load is begun again because a commit came in between.
const LOADS: usize = 16;

/// How long a load waits before it is begun again, the first time and the longest, in milliseconds.
const LOAD_PAUSES: (u32, u32) = (2, 50);

/// How long a read waits before it is asked again, each time that it lost against writes, in milliseconds.
const READ_PAUSES: [u32; 4] = [50, 100, 200, 400];

/// No read is asked again for longer than this.
const READ_AGAIN_WITHIN: Duration = Duration::from_secs(3);

/// Must a read be ordered among the conditional writes? If not, it shows what a majority knows, or every copy where that
/// is wanted of all reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Serial,
    Plain,
}

impl Read {
    fn at(&self, level: Level) -> &PreparedStatement {
        match level {
            Level::Serial => &self.serial,
            Level::Plain => &self.plain,
        }
    }
}

impl Core {
    /// Statics, and the items that begin with one of `prefixes`.
    pub(super) async fn partition(
        &self,
        key: &PartitionKey,
        prefixes: &[&str],
        level: Level,
    ) -> Result<Partition, StoreError> {
        let (statics, items) = self.parts(key, prefixes, level).await?;
        layout::partition(key, statics, items)
    }

    /// The same as stored.
    async fn parts(
        &self,
        key: &PartitionKey,
        prefixes: &[&str],
        level: Level,
    ) -> Result<(Option<Statics>, BTreeMap<Box<str>, Body>), StoreError> {
        if prefixes.is_empty() {
            return Ok((self.statics(key, level).await?, BTreeMap::new()));
        }
        let mut longest = LOAD_PAUSES.0;
        for load in 0..LOADS {
            if load > 0 {
                tokio::time::sleep(jittered(longest)).await;
                longest = (longest * 2).min(LOAD_PAUSES.1);
            }
            // What the serial read finds is committed, so a majority knows it: one of the two need not be serial.
            let (items, statics) = tokio::try_join!(self.items(key, prefixes, level), self.statics(key, Level::Plain))?;
            let Some((revision, items, pages)) = items else { continue };
            let known = statics.as_ref().map(|statics| statics.revision);
            // A commit that took away all of a later page shows nowhere in it. Serially, since what a majority knows may be
            // older than what a page has shown.
            let moved = pages > 1 && self.statics(key, Level::Serial).await?.map(|now| now.revision) != known;
            if revision == known && !moved {
                return Ok((statics, if revision.is_some() { items } else { BTreeMap::new() }));
            }
        }
        Err(StoreError::Unavailable(format!("{key} changed at every attempt to read it")))
    }

    /// The static columns; `None` where there is no partition.
    pub(super) async fn statics(&self, key: &PartitionKey, level: Level) -> Result<Option<Statics>, StoreError> {
        type StaticRow = (String, Option<i64>, Option<HashMap<i32, String>>, Option<i64>);
        let statement = self.statements.table(key.kind).statics.at(level);
        let (rows, _) = self.page(statement, (&*key.id,), PagingState::start()).await?;
        let row: Option<StaticRow> = rows.maybe_first_row().map_err(|_| layout::corrupt(key, "row"))?;
        let Some((_, Some(revision), ring, end)) = row else { return Ok(None) };
        Ok(Some(Statics {
            revision: layout::revision(revision),
            ring: ring.unwrap_or_default(),
            end: End::from_column(end.unwrap_or_default()),
        }))
    }

    /// The items, the revision that all their rows show, and on how many pages they came; `None` if the rows show that a
    /// commit came in between two pages. The database cuts pages by their size, too.
    async fn items(
        &self,
        key: &PartitionKey,
        prefixes: &[&str],
        level: Level,
    ) -> Result<Option<(Option<Revision>, BTreeMap<Box<str>, Body>, usize)>, StoreError> {
        let statement = self.statements.table(key.kind).items.at(level);
        let (mut seen, mut items, mut place) = (None, BTreeMap::new(), PagingState::start());
        for pages in 1.. {
            let (rows, next) = self.page(statement, (&*key.id,), place).await?;
            for row in rows.rows::<ItemRow>().map_err(|_| layout::corrupt(key, "row"))? {
                let row = row.map_err(|_| layout::corrupt(key, "row"))?;
                if *seen.get_or_insert(row.3) != row.3 {
                    return Ok(None);
                }
                items.extend(layout::item(key, row, prefixes)?);
            }
            match next {
                Some(next) => place = next,
                None => return Ok(Some((seen.flatten().map(layout::revision), items, pages))),
            }
        }
        Ok(None)
    }

    /// One page of a read, and where the next begins. A read whose connection broke is asked once more at once: it changes
    /// nothing, and another node is there to answer. One that lost against writes of other processes is asked again after a
    /// pause: when many nodes start on an empty keyspace, all of them want the same few partitions.
    pub(super) async fn page(
        &self,
        statement: &PreparedStatement,
        values: impl SerializeRow + Copy,
        place: PagingState,
    ) -> Result<(QueryRowsResult, Option<PagingState>), StoreError> {
        let mut answer = self.session.execute_single_page(statement, values, place.clone()).await;
        if answer.as_ref().is_err_and(failure::lost) {
            answer = self.session.execute_single_page(statement, values, place.clone()).await;
        }
        if answer.as_ref().is_err_and(failure::contended) {
            let again = async {
                for pause in READ_PAUSES {
                    tokio::time::sleep(jittered(pause)).await;
                    answer = self.session.execute_single_page(statement, values, place.clone()).await;
                    if !answer.as_ref().is_err_and(failure::contended) {
                        break;
                    }
                }
            };
            // Out of time, the last answer stands.
            let _ = tokio::time::timeout(READ_AGAIN_WITHIN, again).await;
        }
        let every_copy = statement.get_consistency() == Some(Consistency::All);
        let failed = if every_copy { failure::of_every_copy } else { failure::plain };
        let (result, next) = answer.map_err(|error| failed(&error))?;
        let rows = result.into_rows_result().map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok((rows, next.into_paging_control_flow().continue_value()))
    }

    /// Writes all of `write` if its expected revision is the last.
    pub(super) async fn write(&self, write: &WriteSet) -> Result<Commit, StoreError> {
        self.write_or(write, failure::conditional).await
    }

    /// The same where the failure of the conditional write means something else.
    pub(super) async fn write_or<E: From<StoreError>>(
        &self,
        write: &WriteSet,
        failed: fn(&ExecutionError) -> E,
    ) -> Result<Commit, E> {
        let Some(expected) = write.expected else {
            return self.propose(write, None, Rewrite::new(lifetime::first(write)), failed).await;
        };
        let expires =
            write.partition_expires_at.is_some() || matches!(write.partition.kind, Kind::Handle | Kind::Ident);
        if !expires {
            let outcome = self.propose(write, Some(End::Never), Rewrite::new(End::Never), failed).await?;
            // A conflict of the revision, in all but the rare case that a tombstone becomes permanent.
            if outcome != Commit::Conflict || !self.ends(&write.partition, expected).await? {
                return Ok(outcome);
            }
        }
        let (statics, items) = self.parts(&write.partition, &[""], Level::Serial).await?;
        let Some(statics) = statics.filter(|statics| statics.revision == expected) else {
            return Ok(Commit::Conflict);
        };
        let known = statics.end;
        self.propose(write, Some(known), lifetime::rewrite(write, statics, items), failed).await
    }

    /// Is the partition still at `expected`, and does it end? Without a serial read: the revision was read before, so a
    /// majority shows it or a later one.
    async fn ends(&self, key: &PartitionKey, expected: Revision) -> Result<bool, StoreError> {
        let statics = self.statics(key, Level::Plain).await?;
        Ok(statics.is_some_and(|statics| statics.revision == expected && statics.end != End::Never))
    }

    /// One conditional batch on one partition: the statics with the condition first, then the items.
    async fn propose<E: From<StoreError>>(
        &self,
        write: &WriteSet,
        known: Option<End>,
        rewrite: Rewrite,
        failed: fn(&ExecutionError) -> E,
    ) -> Result<Commit, E> {
        let table = self.statements.table(write.partition.kind);
        let id = &*write.partition.id;
        let mut batch = Batch::new(BatchType::Unlogged);
        batch.set_load_balancing_policy(Some(Arc::clone(&self.in_order)));
        let mut values: Vec<Vec<Option<CqlValue>>> = Vec::new();

        let statics_ttl = CqlValue::Int(lifetime::of_statics(rewrite.end, write.at));
        let mut ring: Vec<_> =
            rewrite.ring.into_iter().filter(|(slot, _)| *slot != layout::slot(write.revision())).collect();
        ring.push((layout::slot(write.revision()), layout::encode_entry(write)?));
        let ring = ring.into_iter().map(|(slot, entry)| (CqlValue::Int(slot), CqlValue::Text(entry))).collect();
        let mut first = vec![
            Some(statics_ttl),
            Some(column(write.revision())),
            Some(CqlValue::Map(ring)),
            Some(rewrite.end.to_column()),
            Some(text(id)),
        ];
        match (write.expected, known) {
            (Some(expected), Some(known)) => {
                first.extend([Some(column(expected)), Some(known.to_column())]);
                batch.append_statement(table.advance.clone());
            }
            _ => batch.append_statement(table.create.clone()),
        }
        values.push(first);

        let puts = write.puts.iter().map(|put| (&put.key, &put.body)).chain(&rewrite.items);
        for (item, body) in puts {
            let ttl = CqlValue::Int(lifetime::of_item(rewrite.end, body.expires_at, write.at));
            let ends = body.expires_at.map(|end| CqlValue::BigInt(end.as_millis()));
            batch.append_statement(table.put.clone());
            values.push(vec![Some(text(id)), Some(text(item)), Some(text(body.json.get())), ends, Some(ttl)]);
        }
        for item in &write.deletes {
            batch.append_statement(table.delete.clone());
            values.push(vec![Some(text(id)), Some(text(item))]);
        }
        let answer = self.session.batch(&batch, values).await;
        let applied = applied(answer.map_err(|error| failed(&error))?)?;
        Ok(if applied { Commit::Committed(write.revision()) } else { Commit::Conflict })
    }
}

/// Between half and the whole of so many milliseconds, so that those who met once do not meet again.
fn jittered(longest: u32) -> Duration {
    let half = u64::from(longest / 2).max(1);
    Duration::from_millis(half + RandomState::new().hash_one(0_u8) % half)
}

/// What a write changes beside what was asked, so that everything in the partition lives equally long.
pub(super) struct Rewrite {
    /// The partition's end after this write.
    pub(super) end: End,
    /// Ring entries written again.
    pub(super) ring: HashMap<i32, String>,
    /// Items written again.
    pub(super) items: BTreeMap<Box<str>, Body>,
}

impl Rewrite {
    /// Nothing but the end.
    pub(super) fn new(end: End) -> Self {
        Self { end, ring: HashMap::new(), items: BTreeMap::new() }
    }
}

/// The column `[applied]` of a conditional write's answer. What else is in it differs between the databases.
pub(super) fn applied(answer: scylla::response::query_result::QueryResult) -> Result<bool, StoreError> {
    let unreadable = || StoreError::Unknown("the answer to a conditional write has no [applied]".to_owned());
    let rows = answer.into_rows_result().map_err(|_| unreadable())?;
    let (place, _) = rows.column_specs().get_by_name("[applied]").ok_or_else(unreadable)?;
    let row: Row = rows.first_row().map_err(|_| unreadable())?;
    match row.columns.get(place) {
        Some(Some(CqlValue::Boolean(applied))) => Ok(*applied),
        _ => Err(unreadable()),
    }
}
