//! The event shipper: brings events from the partitions where they were committed to their stream.
//!
//! 1. A decision's events are items of its own commit: `event/<revision>/<n>`.
//! 2. `settle` hands them over ([`Shipper::ship`]); the shipper appends them to the audit stream, many at a time, under
//!    the id `<partition>/<revision>/<n>`, so that appending twice changes nothing.
//! 3. It tells the account, which removes the items with its next commit.
//!
//! None is lost: an account that loads event items hands them over again, and [`Shipper::recover`] reads at start which
//! partitions were noted as dirty by a process that did not live to ship. Where that reading begins is a cursor in the
//! store, moved on while everything handed over is shipped; so a start reads minutes of notes, not days.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use ractor::{Actor, ActorProcessingErr, ActorRef, SpawnErr};
use schema::{
    Body, Cursor, EVENT_PREFIX, Event, Kind, PartitionKey, Put, Store, StoreError, Stream, Timestamp, UserId,
    record::{AuditEvent, DirtyCursor, Record, Unknown},
};

use crate::{
    account::Directory,
    clock::Clock,
    entropy::Entropy,
    transact::{Transaction, transact},
};

/// Events appended together, at most.
const BATCH: usize = 256;
/// Shipments kept in memory while the store does not take them; beyond that they are found again at a load or a start.
const MAX_WAITING: usize = 10_000;
/// Dirty notes read at a time.
const PAGE: usize = 500;
/// How often the cursor is moved on.
const TICK: Duration = Duration::from_mins(5);
/// The cursor stays this far behind: longer than any commit is under way, and than a bucket of the dirty stream.
const BEHIND: Duration = Duration::from_mins(3);
/// The item of the cursor.
const CURSOR: &str = "dirty-cursor";

/// Events of one commit.
#[derive(Debug)]
pub(crate) struct Shipment {
    pub(crate) user: UserId,
    /// Item keys, to be removed.
    pub(crate) keys: Vec<Box<str>>,
    /// Entries of the stream.
    pub(crate) events: Vec<Event>,
}

/// An event item as the stream wants it; `None` if this build cannot read it.
pub(crate) fn stored_event(user: UserId, key: &str, body: &Body) -> Option<Event> {
    let event = AuditEvent::decode(&body.json).ok()?;
    let place = key.strip_prefix(EVENT_PREFIX)?;
    let id = format!("{}/{place}", PartitionKey::new(Kind::User, user)).into_boxed_str();
    Some(Event { at: event.at, id, json: body.json.clone() })
}

/// A handle on the shipper. Cheap to clone.
#[derive(Clone)]
pub struct Shipper {
    actor: ActorRef<Message>,
    store: Arc<dyn Store>,
    accounts: Arc<OnceLock<Directory>>,
}

impl std::fmt::Debug for Shipper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shipper").finish_non_exhaustive()
    }
}

enum Message {
    Ship(Shipment),
    Flush,
    MoveCursor,
    Settled(tokio::sync::oneshot::Sender<()>),
}

impl Shipper {
    /// Starts the shipper.
    pub async fn start(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, SpawnErr> {
        let accounts = Arc::new(OnceLock::new());
        let worker = Worker { store: Arc::clone(&store), accounts: Arc::clone(&accounts), clock, entropy };
        let (actor, _) = Actor::spawn(None, worker, ()).await?;
        actor.send_interval(TICK, || Message::MoveCursor);
        Ok(Self { actor, store, accounts })
    }

    /// Whom to tell what was shipped.
    pub(crate) fn acknowledge_to(&self, accounts: Directory) {
        // Set once, at start; a second directory in one process has a shipper of its own.
        let _ = self.accounts.set(accounts);
    }

    /// Takes a shipment. If the shipper has stopped, the next load of that user finds the events.
    pub(crate) fn ship(&self, shipment: Shipment) {
        let _ = self.actor.send_message(Message::Ship(shipment));
    }

    /// Ships an event that belongs to no user's partition, before it returns. `id` makes it idempotent.
    pub async fn record(&self, id: &str, event: &AuditEvent) -> Result<(), StoreError> {
        let json =
            event.encode().map_err(|e| StoreError::Corrupt { place: "audit".to_owned(), reason: e.to_string() })?;
        self.store.append(Stream::Audit, vec![Event { at: event.at, id: id.into(), json }]).await
    }

    /// Hands over an event that belongs to no user's partition, without waiting: for what must not take longer than its
    /// counterpart that does belong to somebody. Lost if the process dies within the next batch.
    pub(crate) fn tell(&self, id: &str, event: &AuditEvent) {
        // An event is a flat record with string keys; encoding it cannot fail.
        if let Ok(json) = event.encode() {
            let nobody = UserId::from_bytes([0; 16]);
            let events = vec![Event { at: event.at, id: id.into(), json }];
            self.ship(Shipment { user: nobody, keys: Vec::new(), events });
        }
    }

    /// Returns when everything that was handed over before is appended, or has failed once.
    pub async fn settled(&self) {
        let (reply, answer) = tokio::sync::oneshot::channel();
        if self.actor.send_message(Message::Settled(reply)).is_ok() {
            // Dropped without an answer if the shipper stops: then nothing more will be shipped.
            let _ = answer.await;
        }
    }

    /// Ships what an earlier process left: reads the dirty notes after the stored cursor and appends the events of each
    /// partition that it finds. The items stay until the user's next commit; shipping them again changes nothing.
    /// Returns how many events it appended.
    pub async fn recover(&self) -> Result<usize, StoreError> {
        let key = cursor_partition();
        let stored: Option<DirtyCursor> = self.store.load(&key, &[CURSOR]).await?.get(&key, CURSOR)?;
        let since = stored.map_or(Timestamp::default(), |cursor| cursor.at);
        let mut cursor = Cursor { at: since, id: "".into() };
        let mut shipped = 0;
        loop {
            let notes = self.store.read(Stream::Dirty, &cursor, PAGE).await?;
            let Some(last) = notes.last() else { return Ok(shipped) };
            cursor = Cursor { at: last.at, id: last.id.clone() };
            let mut partitions: Vec<&str> = notes.iter().map(|note| note.id.as_ref()).collect();
            partitions.sort_unstable();
            partitions.dedup();
            for partition in partitions {
                shipped += self.recover_one(partition).await?;
            }
        }
    }

    async fn recover_one(&self, partition: &str) -> Result<usize, StoreError> {
        let Some(user) = partition.strip_prefix("user/").and_then(|id| id.parse::<UserId>().ok()) else {
            return Ok(0);
        };
        let found = self.store.load(&PartitionKey::new(Kind::User, user), &[EVENT_PREFIX]).await?;
        let events: Vec<Event> = found.items.iter().filter_map(|(key, body)| stored_event(user, key, body)).collect();
        let count = events.len();
        if count > 0 {
            self.store.append(Stream::Audit, events).await?;
        }
        Ok(count)
    }

    /// Stops after what was handed over.
    pub async fn stop(&self, within: Duration) {
        self.settled().await;
        let _ = self.actor.stop_and_wait(None, Some(within)).await;
    }
}

struct Worker {
    store: Arc<dyn Store>,
    accounts: Arc<OnceLock<Directory>>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

/// What waits, and whether the cursor may move.
#[derive(Default)]
struct State {
    waiting: Vec<Shipment>,
    /// A shipment was let go: only a start can find it, so the cursor stays where it is.
    let_go: bool,
    /// Something was shipped since the cursor was last moved.
    moved: bool,
}

fn cursor_partition() -> PartitionKey {
    PartitionKey::new(Kind::Cluster, "shipper")
}

impl Actor for Worker {
    type Msg = Message;
    type State = State;
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Message>, (): ()) -> Result<Self::State, ActorProcessingErr> {
        Ok(State::default())
    }

    async fn handle(
        &self,
        myself: ActorRef<Message>,
        message: Message,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Message::Ship(shipment) => {
                if state.waiting.is_empty() {
                    // Behind what is in the mailbox already: so a burst becomes one batch.
                    myself.send_message(Message::Flush)?;
                }
                if state.waiting.len() < MAX_WAITING {
                    state.waiting.push(shipment);
                } else {
                    state.let_go = true;
                    metrics::counter!("doorward_audit_deferred_total").increment(1);
                }
            }
            Message::Flush => {
                if !self.flush(state).await {
                    myself.send_after(Duration::from_secs(1), || Message::Flush);
                }
            }
            Message::MoveCursor => self.move_cursor(state).await,
            Message::Settled(reply) => {
                self.flush(state).await;
                // Who asked may have gone.
                let _ = reply.send(());
            }
        }
        Ok(())
    }
}

impl Worker {
    /// Appends everything; `false` if the store did not take it.
    async fn flush(&self, state: &mut State) -> bool {
        let waiting = &mut state.waiting;
        while !waiting.is_empty() {
            let batch = waiting.len().min(BATCH);
            let events = waiting[..batch].iter().flat_map(|shipment| shipment.events.iter().cloned()).collect();
            if let Err(error) = self.store.append(Stream::Audit, events).await {
                tracing::warn!(%error, "audit events wait in their partitions until the store takes them");
                return false;
            }
            state.moved = true;
            for shipment in waiting.drain(..batch) {
                self.acknowledge(shipment);
            }
        }
        true
    }

    /// Everything committed before the cursor is shipped: nothing waits, and nothing was let go.
    async fn move_cursor(&self, state: &mut State) {
        if !state.moved || !state.waiting.is_empty() || state.let_go {
            return;
        }
        let (key, now) = (cursor_partition(), self.clock.now());
        let cursor = DirtyCursor { at: now.before(BEHIND), unknown: Unknown::default() };
        let moved = transact(self.store.as_ref(), self.entropy.as_ref(), &key, now, |_| {
            Ok(Transaction::put(Put::record(CURSOR, &cursor, None), ()))
        });
        match moved.await {
            Ok(()) => state.moved = false,
            Err(error) => tracing::warn!(%error, "the cursor of the dirty stream stays where it is"),
        }
    }

    /// An account that has been passivated finds the items at its next load.
    fn acknowledge(&self, shipment: Shipment) {
        metrics::counter!("doorward_audit_events_total").increment(shipment.events.len() as u64);
        if let Some(actor) = self.accounts.get().and_then(|accounts| accounts.live(shipment.user)) {
            let _ = actor.send_message(crate::account::shipped(shipment.keys));
        }
    }
}
