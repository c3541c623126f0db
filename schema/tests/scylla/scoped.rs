//! A store that gives every test names of its own, so that the tests of the contract share the tables of one keyspace,
//! whose making takes seconds.

use async_trait::async_trait;
use schema::{
    Commit, Cursor, Event, Kind, MAX_PARTITION_ID, Partition, PartitionKey, ScanPage, Store, StoreError, Stream,
    WriteSet, scylla::ScyllaStore,
};

/// The store with `scope` before every id.
pub(crate) struct Scoped {
    pub(crate) inner: ScyllaStore,
    pub(crate) scope: String,
}

impl Scoped {
    /// An id that cannot carry the scope stays as it is, so that the store itself judges it.
    fn key(&self, key: &PartitionKey) -> PartitionKey {
        let scoped = format!("{}.{}", self.scope, key.id);
        if key.id.is_empty() || scoped.len() > MAX_PARTITION_ID {
            return key.clone();
        }
        PartitionKey::new(key.kind, scoped)
    }

    /// Notes name a partition; other events have ids of the test's own.
    fn event_id(&self, stream: Stream, id: &str) -> String {
        match (stream, id.split_once('/')) {
            (Stream::Dirty, Some((kind, id))) => format!("{kind}/{}.{id}", self.scope),
            _ => format!("{}.{id}", self.scope),
        }
    }

    /// The id as the test knows it; `None` for what belongs to another test.
    fn unscoped(&self, stream: Stream, id: &str) -> Option<Box<str>> {
        let strip = |id: &str| id.strip_prefix(&self.scope)?.strip_prefix('.').map(str::to_owned);
        match (stream, id.split_once('/')) {
            (Stream::Dirty, Some((kind, id))) => strip(id).map(|id| format!("{kind}/{id}").into()),
            _ => strip(id).map(Into::into),
        }
    }
}

#[async_trait]
impl Store for Scoped {
    async fn load(&self, partition: &PartitionKey, prefixes: &[&str]) -> Result<Partition, StoreError> {
        self.inner.load(&self.key(partition), prefixes).await
    }

    async fn peek(&self, partition: &PartitionKey, prefixes: &[&str]) -> Result<Partition, StoreError> {
        self.inner.peek(&self.key(partition), prefixes).await
    }

    async fn commit(&self, mut write: WriteSet) -> Result<Commit, StoreError> {
        write.partition = self.key(&write.partition);
        self.inner.commit(write).await
    }

    async fn append(&self, stream: Stream, mut events: Vec<Event>) -> Result<(), StoreError> {
        for event in &mut events {
            event.id = self.event_id(stream, &event.id).into();
        }
        self.inner.append(stream, events).await
    }

    async fn read(&self, stream: Stream, after: &Cursor, limit: usize) -> Result<Vec<Event>, StoreError> {
        let (mut found, mut after) = (Vec::new(), after.clone());
        if !after.id.is_empty() {
            after.id = self.event_id(stream, &after.id).into();
        }
        while found.len() < limit {
            let page = self.inner.read(stream, &after, limit).await?;
            let Some(last) = page.last() else { break };
            after = Cursor { at: last.at, id: last.id.clone() };
            let ours = page.into_iter().filter_map(|event| {
                Some(Event { id: self.unscoped(stream, &event.id)?, at: event.at, json: event.json })
            });
            found.extend(ours);
        }
        found.truncate(limit);
        Ok(found)
    }

    async fn scan(
        &self,
        kind: Kind,
        after: Option<&str>,
        limit: usize,
        prefixes: &[&str],
    ) -> Result<ScanPage, StoreError> {
        let mut page = ScanPage::default();
        let mut after = after.map(|id| self.key(&PartitionKey::new(kind, id)).id);
        loop {
            let found = self.inner.scan(kind, after.as_deref(), limit, prefixes).await?;
            for (id, partition) in found.partitions {
                let Some(id) = id.strip_prefix(&self.scope).and_then(|id| id.strip_prefix('.')) else { continue };
                if page.partitions.len() == limit {
                    page.next = page.partitions.last().map(|(id, _): &(Box<str>, _)| id.clone());
                    return Ok(page);
                }
                page.partitions.push((id.into(), partition));
            }
            match found.next {
                Some(next) => after = Some(next),
                None => return Ok(page),
            }
        }
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.inner.ping().await
    }
}
