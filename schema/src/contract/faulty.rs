//! A store that does to commits what a network does: loses them, loses their answer, or delivers them late. For tests
//! of whatever must live with that.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;

use crate::{Commit, Cursor, Event, Kind, Partition, PartitionKey, ScanPage, Store, StoreError, Stream, WriteSet};

/// What happens to one commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing unusual.
    Pass,
    /// It is carried out; its answer is lost.
    ApplyThenUnknown,
    /// It is lost; its caller cannot know.
    DropThenUnknown,
    /// Its caller is told that the outcome is unknown; it is carried out right after the next load was answered.
    LateAfterLoad,
    /// Its caller is told that the outcome is unknown; it is carried out when [`Faulty::deliver`] is called.
    Held,
    /// It is refused.
    Unavailable,
}

/// A store in front of another one, with faults for the commits to come.
pub struct Faulty {
    inner: Arc<dyn Store>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    script: VecDeque<Fault>,
    after_load: Vec<WriteSet>,
    held: Vec<WriteSet>,
    loads_fail: bool,
}

impl std::fmt::Debug for Faulty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Faulty").finish_non_exhaustive()
    }
}

impl Faulty {
    /// A store that passes everything on until told otherwise.
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self { inner, state: Mutex::default() }
    }

    /// The next commits meet these faults, one each, in this order.
    pub fn script(&self, faults: impl IntoIterator<Item = Fault>) {
        self.state().script.extend(faults);
    }

    /// From now on loads fail, or work again.
    pub fn fail_loads(&self, fail: bool) {
        self.state().loads_fail = fail;
    }

    /// Carries out the commits that were held, and returns what became of them.
    pub async fn deliver(&self) -> Vec<Commit> {
        let held = std::mem::take(&mut self.state().held);
        self.carry_out(held).await
    }

    async fn carry_out(&self, writes: Vec<WriteSet>) -> Vec<Commit> {
        let mut outcomes = Vec::new();
        for write in writes {
            outcomes.push(self.inner.commit(write).await.expect("the store behind works"));
        }
        outcomes
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for Faulty {
    async fn load(&self, partition: &PartitionKey, prefixes: &[&str]) -> Result<Partition, StoreError> {
        if self.state().loads_fail {
            return Err(StoreError::Unavailable("a fault of the test".to_owned()));
        }
        let found = self.inner.load(partition, prefixes).await;
        let late = std::mem::take(&mut self.state().after_load);
        self.carry_out(late).await;
        found
    }

    async fn commit(&self, write: WriteSet) -> Result<Commit, StoreError> {
        let fault = self.state().script.pop_front().unwrap_or(Fault::Pass);
        match fault {
            Fault::Pass => return self.inner.commit(write).await,
            Fault::Unavailable => return Err(StoreError::Unavailable("a fault of the test".to_owned())),
            Fault::ApplyThenUnknown => drop(self.carry_out(vec![write]).await),
            Fault::DropThenUnknown => {}
            Fault::LateAfterLoad => self.state().after_load.push(write),
            Fault::Held => self.state().held.push(write),
        }
        Err(StoreError::Unknown("a fault of the test".to_owned()))
    }

    async fn append(&self, stream: Stream, events: Vec<Event>) -> Result<(), StoreError> {
        self.inner.append(stream, events).await
    }

    async fn read(&self, stream: Stream, after: &Cursor, limit: usize) -> Result<Vec<Event>, StoreError> {
        self.inner.read(stream, after, limit).await
    }

    async fn scan(
        &self,
        kind: Kind,
        after: Option<&str>,
        limit: usize,
        prefixes: &[&str],
    ) -> Result<ScanPage, StoreError> {
        self.inner.scan(kind, after, limit, prefixes).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.inner.ping().await
    }
}
