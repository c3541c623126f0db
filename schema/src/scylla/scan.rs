//! Scans in the order of the cluster's tokens: ids first, then each partition by a read of its own. It shows what was
//! acknowledged, and takes no part in the rounds of the conditional writes: a listing would meet every commit under way.
//! Here are also complete results, over all of their pages, for whoever needs them.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use scylla::{
    deserialize::row::DeserializeRow, response::PagingState, routing::Token, serialize::row::SerializeRow,
    statement::prepared::PreparedStatement,
};

use super::{Core, layout::corrupt, partition::Level};
use crate::{Kind, PartitionKey, ScanPage, StoreError};

/// Partitions loaded at once.
const AT_ONCE: usize = 16;
/// Ids read at once where they are counted.
const COUNTED: usize = 500;

impl Core {
    /// A page of up to `limit` partitions behind id `after`.
    pub(super) async fn scan(
        &self,
        kind: Kind,
        after: Option<&str>,
        limit: usize,
        prefixes: &[&str],
    ) -> Result<ScanPage, StoreError> {
        let limit = limit.max(1);
        let mut ids = self.ids(kind, after, limit).await?;
        let more = ids.len() > limit;
        ids.truncate(limit);
        let next = if more { ids.last().cloned() } else { None };
        let partitions: Vec<_> = stream::iter(ids)
            .map(|id| async move {
                let key = PartitionKey { kind, id };
                let partition = self.partition(&key, prefixes, Level::Plain).await?;
                Ok::<_, StoreError>((key.id, partition))
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        // What was collected meanwhile is no partition any more.
        let partitions = partitions.into_iter().filter(|(_, partition)| partition.revision.is_some()).collect();
        Ok(ScanPage { partitions, next })
    }

    /// How many partitions of a kind there are: by their ids, without reading what is in them.
    pub(super) async fn count(&self, kind: Kind) -> Result<u64, StoreError> {
        let (mut count, mut after) = (0, None);
        loop {
            let mut ids = self.ids(kind, after.as_deref(), COUNTED).await?;
            let more = ids.len() > COUNTED;
            ids.truncate(COUNTED);
            count += ids.len() as u64;
            if !more {
                return Ok(count);
            }
            after = ids.pop();
        }
    }

    /// Ids behind `after`, one more than `limit` if there are so many.
    async fn ids(&self, kind: Kind, after: Option<&str>, limit: usize) -> Result<Vec<Box<str>>, StoreError> {
        let table = self.statements.table(kind);
        let token = |id: &str| -> Result<Token, StoreError> {
            let token = table.statics.plain.calculate_token(&(id,));
            token.ok().flatten().ok_or_else(|| corrupt(kind.as_str(), "partition id"))
        };
        let from = after.map(token).transpose()?;
        // Two more than asked for: one says that there is more, the other may be `after` itself.
        let count = i32::try_from(limit.saturating_add(2)).unwrap_or(i32::MAX);
        let first = from.map_or(i64::MIN, |token| token.value());
        let rows: Vec<(String,)> = self.rows(&table.ids, (first, count), kind.as_str()).await?;
        let mut ids = Vec::with_capacity(rows.len());
        for (id,) in rows {
            let place = (token(&id)?.value(), &*id);
            if after.is_none_or(|after| place > (first, after)) {
                ids.push(id.into_boxed_str());
            }
        }
        Ok(ids)
    }

    /// All rows of a read, page by page.
    pub(super) async fn rows<R>(
        &self,
        statement: &PreparedStatement,
        values: impl SerializeRow + Copy,
        place: &str,
    ) -> Result<Vec<R>, StoreError>
    where
        R: for<'frame> DeserializeRow<'frame, 'frame>,
    {
        let (mut found, mut at) = (Vec::new(), PagingState::start());
        loop {
            let (rows, next) = self.page(statement, values, at).await?;
            for row in rows.rows::<R>().map_err(|_| corrupt(place, "row"))? {
                found.push(row.map_err(|_| corrupt(place, "row"))?);
            }
            match next {
                Some(next) => at = next,
                None => return Ok(found),
            }
        }
    }
}
