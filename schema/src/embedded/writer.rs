//! The one writer thread. It takes what has gathered in the queue, judges it as one [`Group`], syncs once, and only
//! then answers. A failed write stops the store for good: what of it reached the disk shows only when it is opened anew,
//! so the group's outcome is unknown and everything after it is refused.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use fjall::PersistMode;
use tokio::sync::oneshot::Sender;

use super::{
    engine::{Engine, Table},
    group::{Group, Prepared},
    queue::Queue,
};
use crate::{Commit, Cursor, StoreError, Stream, Timestamp};

/// Without requests for this long, what is in memory is written to files.
const QUIET: Duration = Duration::from_secs(5);
/// Fewer requests since the last time are not worth one.
const WORTH_A_FILE: usize = 128;

/// The answer to a request.
type Reply<T> = Sender<Result<T, StoreError>>;

/// What callers ask of the writer.
pub(super) enum Request {
    Commit(Box<Prepared>, Reply<Commit>),
    /// Events as keys and values.
    Append(Vec<(Vec<u8>, Vec<u8>)>, Reply<()>),
    Ping(Reply<()>),
    Collect(Timestamp, Reply<usize>),
    Trim(Stream, Cursor, Reply<usize>),
}

/// What callers and the writer share.
pub(super) struct Shared {
    pub(super) queue: Queue<Request>,
    /// Why the store stopped; set once, never taken back.
    failure: OnceLock<String>,
}

impl Shared {
    pub(super) fn new() -> Self {
        Self { queue: Queue::new(), failure: OnceLock::new() }
    }

    /// Refuses everything once the store has stopped.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        match self.failure.get() {
            None => Ok(()),
            Some(reason) => {
                Err(StoreError::Unavailable(format!("the store stopped and must be opened anew: {reason}")))
            }
        }
    }

    fn stop(&self, reason: &str) {
        if self.failure.set(reason.to_owned()).is_ok() {
            tracing::error!(reason, "the embedded store stopped after a failed write; restart to open it anew");
        }
    }
}

/// Answers requests until the queue is closed and empty.
pub(super) fn run(shared: &Shared, engine: &Arc<Engine>) {
    let guard = StopOnPanic(shared);
    let (mut gathered, mut resting) = (0, Table::ALL.iter());
    while let Some(requests) = shared.queue.take((gathered >= WORTH_A_FILE).then_some(QUIET)) {
        let count = requests.len();
        if count == 0 {
            // One table a time: the database lets go of what it wrote out only when the next one is begun.
            if let Some(table) = resting.next() {
                rest(shared, engine, *table);
            } else {
                (gathered, resting) = (0, Table::ALL.iter());
            }
            continue;
        }
        gathered += count;
        serve(shared, engine, requests);
        shared.queue.done(count);
    }
    if shared.check().is_ok()
        && let Err(error) = engine.db.persist(PersistMode::SyncAll)
    {
        tracing::error!(%error, "the embedded store could not be synced at its end");
    }
    drop(guard);
}

/// Gives memory back after a burst. A failure stops the store as a failed write does.
fn rest(shared: &Shared, engine: &Engine, table: Table) {
    if shared.check().is_ok()
        && let Err(error) = engine.rest(table)
    {
        shared.stop(&error.to_string());
    }
}

/// A panic in the writer must not leave callers waiting for a thread that is gone.
struct StopOnPanic<'a>(&'a Shared);

impl Drop for StopOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop("the writer thread panicked");
            self.0.queue.close();
            // Requests that were waiting are dropped, which their callers see as an unknown outcome.
            drop(self.0.queue.take(None));
        }
    }
}

/// An answer that waits for the group's sync.
enum Staged {
    Commit(Commit, Reply<Commit>),
    Append(Reply<()>),
}

impl Staged {
    fn answer(self) {
        // A caller that is gone needs no answer.
        match self {
            Self::Commit(commit, reply) => drop(reply.send(Ok(commit))),
            Self::Append(reply) => drop(reply.send(Ok(()))),
        }
    }

    fn fail(self, error: StoreError) {
        match self {
            Self::Commit(_, reply) => drop(reply.send(Err(error))),
            Self::Append(reply) => drop(reply.send(Err(error))),
        }
    }
}

/// Serves one group: writes first, in their order, then what needs a batch of its own.
fn serve(shared: &Shared, engine: &Engine, requests: Vec<Request>) {
    let mut group = Group::new(engine);
    let mut staged = Vec::with_capacity(requests.len());
    let mut later = Vec::new();
    for request in requests {
        match (shared.check(), request) {
            (Ok(()), Request::Commit(write, reply)) => match group.commit(*write) {
                Ok(commit) => staged.push(Staged::Commit(commit, reply)),
                Err(error) => drop(reply.send(Err(error))),
            },
            (Ok(()), Request::Append(events, reply)) => match group.append(events) {
                Ok(()) => staged.push(Staged::Append(reply)),
                Err(error) => drop(reply.send(Err(error))),
            },
            (Err(error), Request::Commit(_, reply)) => drop(reply.send(Err(error))),
            (Err(error), Request::Append(_, reply)) => drop(reply.send(Err(error))),
            (_, request) => later.push(request),
        }
    }
    metrics::histogram!("doorward_store_group_size").record(u32::try_from(staged.len()).unwrap_or(u32::MAX));
    match write(shared, group) {
        Ok(()) => staged.into_iter().for_each(Staged::answer),
        Err(error) => staged.into_iter().for_each(|answer| answer.fail(error())),
    }
    for request in later {
        keep_house(shared, engine, request);
    }
}

/// Serves one request that is not part of a group.
fn keep_house(shared: &Shared, engine: &Engine, request: Request) {
    match request {
        // Answered by their group.
        Request::Commit(..) | Request::Append(..) => {}
        Request::Ping(reply) => {
            let alive = shared.check().and_then(|()| {
                engine.db.persist(PersistMode::Buffer).map_err(|error| {
                    shared.stop(&error.to_string());
                    StoreError::Unavailable(error.to_string())
                })
            });
            drop(reply.send(alive));
        }
        Request::Collect(now, reply) => drop(reply.send(remove(shared, engine, |group| group.collect(now)))),
        Request::Trim(stream, up_to, reply) => {
            drop(reply.send(remove(shared, engine, |group| group.trim(stream, &up_to))));
        }
    }
}

/// Stages removals in a group of their own and writes them.
fn remove(
    shared: &Shared,
    engine: &Engine,
    stage: impl FnOnce(&mut Group<'_>) -> Result<usize, StoreError>,
) -> Result<usize, StoreError> {
    shared.check()?;
    let mut group = Group::new(engine);
    let count = stage(&mut group)?;
    write(shared, group).map_err(|error| error())?;
    Ok(count)
}

/// Writes a group. A failure stops the store; the error says whether the group may have been written.
fn write(shared: &Shared, group: Group<'_>) -> Result<(), impl Fn() -> StoreError + use<>> {
    group.write().map_err(|error| {
        let reason = error.to_string();
        shared.stop(&reason);
        // Refused at the door because something in the background had failed before: then nothing was written.
        let refused = matches!(error, fjall::Error::Poisoned);
        let as_error = if refused { StoreError::Unavailable } else { StoreError::Unknown };
        move || as_error(reason.clone())
    })
}
