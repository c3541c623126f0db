//! The embedded backend, the default: a durable log-structured store in a folder, for one process. One writer thread
//! with group commit; `fdatasync` before every answer; reads never see what is not durable.
//!
//! Reads run on the caller's thread: they come from memory or the page cache, within tens of microseconds. A failed
//! write stops the store ([`StoreError::Unknown`] for its group, [`StoreError::Unavailable`] ever after) until it is
//! opened anew.

mod backup;
mod engine;
mod folder;
mod group;
mod journal;
mod layout;
mod queue;
mod writer;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    thread::JoinHandle,
};

use async_trait::async_trait;
use thiserror::Error;
use tokio::sync::oneshot;

use self::{
    engine::Engine,
    folder::Lock,
    group::Prepared,
    writer::{Request, Shared},
};
use crate::{
    Commit, Cursor, Event, Kind, Partition, PartitionKey, ScanPage, Store, StoreError, Stream, Timestamp, WriteSet,
};

pub use self::{
    backup::Frozen,
    folder::{Holder, locked_by},
};

/// How much memory and how many files the store may use. The defaults suit a server of 30 MB.
#[derive(Clone, Debug)]
pub struct Options {
    /// Cache of blocks read from disk, in bytes. Fills with use.
    pub cache_bytes: u64,
    /// How much is kept in memory before it is written to a sorted file, in bytes. Counts when a store is made.
    pub memtable_bytes: u64,
    /// How long the journal may grow before the oldest part is written out, in bytes; at least 64 MiB.
    pub journal_bytes: u64,
    /// How many files are kept open.
    pub open_files: usize,
}

impl Default for Options {
    fn default() -> Self {
        const MIB: u64 = 1024 * 1024;
        Self { cache_bytes: 16 * MIB, memtable_bytes: 16 * MIB, journal_bytes: 128 * MIB, open_files: 256 }
    }
}

/// Why a store could not be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The folder or a file in it cannot be used.
    #[error("cannot use {}: {source}", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Another process has it open.
    #[error("{} is in use by {}; stop it, or give this one another folder", path.display(), describe(*holder))]
    Locked {
        /// Which folder.
        path: PathBuf,
        /// By whom.
        holder: Holder,
    },
    /// It was written in a layout that this build does not know.
    #[error("{} names a store format that this version cannot read; it reads format {}", path.display(), folder::FORMAT)]
    Format {
        /// The file that names it.
        path: PathBuf,
        /// The format; `None` if the file holds no number.
        found: Option<u32>,
    },
    /// The database in it cannot be opened.
    #[error("cannot open the database: {0}")]
    Database(String),
}

fn describe(holder: Holder) -> String {
    holder.pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
}

/// An open store. Dropping or closing it ends the writer thread and releases the folder.
pub struct EmbeddedStore {
    path: PathBuf,
    created: bool,
    shared: Arc<Shared>,
    running: RwLock<Option<Running>>,
}

/// What is there while the store is open. Dropped in this order: the lock goes last.
struct Running {
    writer: JoinHandle<()>,
    engine: Arc<Engine>,
    lock: Arc<Lock>,
}

impl fmt::Debug for EmbeddedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedStore").field("path", &self.path).finish_non_exhaustive()
    }
}

impl EmbeddedStore {
    /// Opens the store in folder `path`, making the folder (mode 0700) and the store where there is none. Blocks for as
    /// long as the journal is read, usually some milliseconds.
    pub fn open(path: &Path, options: &Options) -> Result<Self, OpenError> {
        let lock = folder::lock(path)?;
        let (engine, created) = folder::open_database(path, options)?;
        let engine = Arc::new(engine);
        let shared = Arc::new(Shared::new());
        let writer = {
            let (shared, engine) = (Arc::clone(&shared), Arc::clone(&engine));
            std::thread::Builder::new()
                .name("store-writer".to_owned())
                .spawn(move || writer::run(&shared, &engine))
                .map_err(|source| OpenError::Folder { path: path.to_owned(), source })?
        };
        let running = RwLock::new(Some(Running { writer, engine, lock: Arc::new(lock) }));
        Ok(Self { path: path.to_owned(), created, shared, running })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Did this opening make the store? Keys are generated only then (HAZARDS H19).
    pub fn created(&self) -> bool {
        self.created
    }

    /// Answers what has been asked, ends the writer thread and releases the folder. Everything afterwards is
    /// [`StoreError::Unavailable`]. Blocks until it is done; a second call does nothing.
    pub fn close(&self) {
        self.shared.queue.close();
        let running = self.running.write().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Running { writer, engine, lock: _lock }) = running {
            if writer.join().is_err() {
                tracing::error!("the embedded store's writer thread had panicked");
            }
            drop(engine);
        }
    }

    /// Removes partitions whose end lies [`crate::GRACE`] before `now`, a bounded number of them, and says how many:
    /// call again soon while it is not zero.
    pub async fn collect(&self, now: Timestamp) -> Result<usize, StoreError> {
        self.ask(|reply| Request::Collect(now, reply)).await
    }

    /// Removes events of `stream` up to and including `up_to`, a bounded number of them, and says how many: call again
    /// while it is not zero. What was read and dealt with under a durable cursor may go.
    pub async fn trim(&self, stream: Stream, up_to: &Cursor) -> Result<usize, StoreError> {
        self.ask(|reply| Request::Trim(stream, up_to.clone(), reply)).await
    }

    /// Asks the writer and waits for its answer.
    async fn ask<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Request,
    ) -> Result<T, StoreError> {
        self.shared.check()?;
        let (reply, answer) = oneshot::channel();
        self.shared.queue.push(request(reply)).await.map_err(|_| closed())?;
        answer.await.unwrap_or_else(|_| Err(StoreError::Unknown("the writer thread ended".to_owned())))
    }

    /// Reads from the database, unless the store has stopped before the read is done: a write that failed meanwhile may
    /// be there after all, so what was read is not known to be the last.
    fn reading<T>(&self, read: impl FnOnce(&Engine) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.shared.check()?;
        let running = self.running.read().unwrap_or_else(PoisonError::into_inner);
        let found = read(&running.as_ref().ok_or_else(closed)?.engine)?;
        self.shared.check()?;
        Ok(found)
    }
}

impl Drop for EmbeddedStore {
    fn drop(&mut self) {
        self.close();
    }
}

fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".to_owned())
}

#[async_trait]
impl Store for EmbeddedStore {
    async fn load(&self, partition: &PartitionKey, prefixes: &[&str]) -> Result<Partition, StoreError> {
        partition.check()?;
        self.reading(|engine| engine.load(partition, prefixes))
    }

    async fn commit(&self, write: WriteSet) -> Result<Commit, StoreError> {
        let write = Box::new(Prepared::new(&write)?);
        self.ask(|reply| Request::Commit(write, reply)).await
    }

    async fn append(&self, stream: Stream, events: Vec<Event>) -> Result<(), StoreError> {
        events.iter().try_for_each(Event::check)?;
        let events = events.iter().map(|event| group::encode(stream, event)).collect();
        self.ask(|reply| Request::Append(events, reply)).await
    }

    async fn read(&self, stream: Stream, after: &Cursor, limit: usize) -> Result<Vec<Event>, StoreError> {
        self.reading(|engine| engine.read(stream, after, limit))
    }

    async fn scan(
        &self,
        kind: Kind,
        after: Option<&str>,
        limit: usize,
        prefixes: &[&str],
    ) -> Result<ScanPage, StoreError> {
        self.reading(|engine| engine.scan(kind, after, limit, prefixes))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.ask(Request::Ping).await
    }
}
