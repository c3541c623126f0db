//! The event shipper: brings events from the partitions where they were committed to their stream.
//!
//! 1. A decision's events are items of its own commit: `event/<revision>/<n>`.
//! 2. `settle` hands them over ([`Shipper::ship`]); the shipper appends them to the audit stream, many at a time, under
//!    the id `<partition>/<revision>/<n>`, so that appending twice changes nothing.
//! 3. It tells the account, which removes the items with its next commit.
//!
//! None is lost: an account that loads event items hands them over again, and what a process did not live to ship is found
//! by its dirty notes, at its next start or by another node ([`recovery`]).

mod recovery;

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use cluster::Authority;
use ractor::{Actor, ActorProcessingErr, ActorRef, SpawnErr};
use schema::{
    Body, EVENT_PREFIX, Event, Kind, PartitionKey, Store, StoreError, Stream, UserId,
    record::{AuditEvent, Record},
};

use self::recovery::Recovery;
use crate::{account::Directory, clock::Clock, entropy::Entropy, generations::Generations, notifier::Notifier, watch};

/// Events appended together, at most.
const BATCH: usize = 256;
/// Shipments kept in memory while the store does not take them; beyond that they are found again at a load or a start.
const MAX_WAITING: usize = 10_000;
/// How often the cursor is moved on.
pub(crate) const TICK: Duration = Duration::from_mins(5);

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
    recovery: Arc<Recovery>,
}

/// What a shipper is built from.
pub(crate) struct ShipperOptions {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) authority: Arc<Authority>,
    pub(crate) generations: Generations,
    pub(crate) notifier: Notifier,
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
    Leave(tokio::sync::oneshot::Sender<()>),
    Settled(tokio::sync::oneshot::Sender<()>),
}

impl Shipper {
    /// Starts the shipper.
    pub(crate) async fn start(options: ShipperOptions) -> Result<Self, SpawnErr> {
        let (store, accounts) = (Arc::clone(&options.store), Arc::new(OnceLock::new()));
        let recovery = Arc::new(Recovery::new(options));
        let worker =
            Worker { store: Arc::clone(&store), accounts: Arc::clone(&accounts), recovery: Arc::clone(&recovery) };
        let (actor, _) = Actor::spawn(None, worker, ()).await?;
        actor.send_interval(TICK, || Message::MoveCursor);
        Ok(Self { actor, store, accounts, recovery })
    }

    /// Whom to tell what was shipped.
    pub(crate) fn acknowledge_to(&self, accounts: Directory) {
        // Set once, at start; a second directory in one process has a shipper of its own.
        let _ = self.accounts.set(accounts);
    }

    /// Where messages go.
    pub(crate) fn notifier(&self) -> &Notifier {
        self.recovery.notifier()
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
            watch::count(event);
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

    /// To be called before anything is committed here: ships what an earlier process of this node left, and notes that this
    /// one may leave something. Returns how many events it appended.
    pub async fn begin(&self) -> Result<usize, StoreError> {
        self.recovery.run(true).await
    }

    /// Ships what nodes left that are not in the view any more. To be called when the view changes; where nobody left
    /// anything it reads one partition. Returns how many events it appended.
    pub async fn recover(&self) -> Result<usize, StoreError> {
        self.recovery.run(false).await
    }

    /// The epoch of the view by which it is judged who has gone.
    pub(crate) fn epoch(&self) -> u64 {
        self.recovery.epoch()
    }

    /// Stops after what was handed over.
    pub async fn stop(&self, within: Duration) {
        let (reply, answer) = tokio::sync::oneshot::channel();
        if self.actor.send_message(Message::Leave(reply)).is_ok() {
            // As in `settled`.
            let _ = tokio::time::timeout(within, answer).await;
        }
        let _ = self.actor.stop_and_wait(None, Some(within)).await;
    }
}

struct Worker {
    store: Arc<dyn Store>,
    accounts: Arc<OnceLock<Directory>>,
    recovery: Arc<Recovery>,
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
            Message::Leave(reply) => {
                if self.flush(state).await && !state.let_go && self.recovery.owes_nothing().await {
                    self.recovery.leave().await;
                }
                let _ = reply.send(());
            }
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

    /// Everything that this node committed before the cursor is shipped: nothing waits, nothing was let go, and others know of
    /// every change.
    async fn move_cursor(&self, state: &mut State) {
        let left = !state.waiting.is_empty() || state.let_go || self.recovery.owes_a_change();
        if left || !(state.moved || self.recovery.is_shared()) {
            return;
        }
        match self.recovery.move_on().await {
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
