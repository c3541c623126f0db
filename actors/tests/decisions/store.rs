//! The simulated store: the row of the view, and the partitions of users as [`MemoryStore`] keeps them, which passes the
//! contract suite of all stores. Each operation happens at one moment; what goes wrong on the way is the world's.

use cluster::View;
use futures_util::FutureExt as _;
use schema::{Commit, Partition, Store as _, UserId, WriteSet};

use actors::domain::user::User;

use crate::memory::MemoryStore;

/// What a node asks of the store.
#[derive(Debug)]
pub(crate) enum Ask {
    ReadView,
    ReplaceView { expected: u64, next: View },
    Load { user: UserId, prefixes: Vec<&'static str> },
    Commit(Box<WriteSet>),
}

/// What it answers.
#[derive(Debug)]
pub(crate) enum Answer {
    View(View),
    /// The view, or it was another one by then.
    Replaced,
    Loaded(Partition),
    Committed(Commit),
    /// Nothing was done.
    Unavailable,
    /// It may have been done, or be done yet.
    Unknown,
}

/// The truth.
pub(crate) struct Store {
    view: View,
    partitions: MemoryStore,
    /// A rule that is left out: a commit replaces whatever is there.
    compares_nothing: bool,
}

impl Store {
    pub(crate) fn new(compares_nothing: bool) -> Self {
        Self { view: View::default(), partitions: MemoryStore::default(), compares_nothing }
    }

    pub(crate) const fn view(&self) -> &View {
        &self.view
    }

    pub(crate) fn execute(&mut self, ask: Ask) -> Answer {
        match ask {
            Ask::ReadView => Answer::View(self.view.clone()),
            Ask::ReplaceView { expected, next } => {
                if self.view.epoch == expected {
                    self.view = next;
                }
                Answer::Replaced
            }
            Ask::Load { user, prefixes } => Answer::Loaded(self.load(user, &prefixes)),
            Ask::Commit(write) => Answer::Committed(self.commit(*write)),
        }
    }

    pub(crate) fn load(&self, user: UserId, prefixes: &[&str]) -> Partition {
        let loaded = self.partitions.load(&User::partition(user), prefixes).now_or_never();
        loaded.expect("it answers at once").expect("a store in memory is there")
    }

    pub(crate) fn commit(&self, mut write: WriteSet) -> Commit {
        if self.compares_nothing {
            let there = self.partitions.load(&write.partition, &[]).now_or_never();
            write.expected = there.expect("at once").expect("there").revision;
        }
        self.partitions.commit(write).now_or_never().expect("it answers at once").expect("a write set that is legal")
    }
}
