//! The actor of one user: loads, decides, settles.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use ractor::{Actor, ActorProcessingErr, ActorRef};
use schema::{EVENT_PREFIX, Partition, StoreError, Timestamp, UserId, record::Throttle};
use serde_json::value::RawValue;
use tokio::sync::oneshot;

use super::{
    cache::Resting,
    directory::Shared,
    message::{Answer, Delivery, Message, Observation, Reservable},
    reservation::{Granted, Reservation, ReservationGuard, Reservations, Reserved, Waiter},
};
use crate::{
    call::{CallError, Deadline},
    domain::{
        command::{BACKUP_THROTTLE, Decide, JudgeBackupCode, JudgePassword, PASSWORD_THROTTLE},
        context::Context,
        throttle::{self, Bucketing, Gate},
        user::{Areas, User},
    },
    hasher::Priority,
    settle::{Settle, Settled, event_key},
    shipper::Shipment,
};

/// Decisions that lost their commit to another owner are made anew this often.
const MAX_CONFLICTS: u32 = 3;

/// How an authenticator's gate is read.
type GateOf = fn(&Throttle, Bucketing<'_>, Timestamp) -> Gate;

/// The actor: configuration only.
pub(crate) struct Account {
    pub(super) shared: Arc<Shared>,
}

/// What it holds of its user.
pub(crate) struct State {
    user: User,
    /// The last commit's time, by whoever made it: `now` never lies before it.
    committed_at: Timestamp,
    /// Events that were appended to their stream and are still items here.
    shipped: BTreeSet<Box<str>>,
    /// Events that were handed to the shipper and not acknowledged yet.
    in_flight: BTreeSet<Box<str>>,
    noted_minute: Option<i64>,
    reservations: Reservations,
}

impl State {
    fn fresh(id: UserId) -> Self {
        Self {
            user: User::unloaded(id),
            committed_at: Timestamp::default(),
            shipped: BTreeSet::new(),
            in_flight: BTreeSet::new(),
            noted_minute: None,
            reservations: Reservations::default(),
        }
    }

    /// Forgets what is in memory; the next message loads it.
    fn unload(&mut self) {
        self.user = User::unloaded(self.user.id);
        self.shipped.clear();
        self.in_flight.clear();
    }
}

impl Actor for Account {
    type Msg = Message;
    type State = State;
    type Arguments = (UserId, Option<Resting>);

    async fn pre_start(
        &self,
        _myself: ActorRef<Message>,
        (id, resting): Self::Arguments,
    ) -> Result<State, ActorProcessingErr> {
        let mut state = State::fresh(id);
        if let Some(resting) = resting {
            let committed_at = resting.committed_at;
            if let Some((user, shipped)) = resting.unpack(id) {
                state.user = user;
                state.committed_at = committed_at;
                state.shipped = shipped;
            }
        }
        Ok(state)
    }

    async fn handle(
        &self,
        myself: ActorRef<Message>,
        message: Message,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Message::Decide { delivery, first_sent_at, deadline, reply } => {
                let repeated = match first_sent_at {
                    None => Ok(None),
                    Some(_) => self.recorded(state, &delivery, first_sent_at).await,
                };
                match repeated {
                    Ok(None) => self.decide(state, &delivery, deadline, reply).await,
                    Ok(Some(outcome)) => drop(reply.send(Ok(outcome))),
                    Err(error) => drop(reply.send(Err(error))),
                }
            }
            Message::Reserve { of, deadline, reply } => {
                self.reserve(&myself, state, Waiter { of, deadline, reply }).await;
            }
            Message::Release(reservation) => {
                let waiting = state.reservations.give_back(&reservation);
                self.wake(&myself, state, waiting).await;
            }
            Message::Shipped(keys) => {
                // After a reload the same keys can come twice: they are items once.
                for key in keys {
                    state.in_flight.remove(&key);
                    state.shipped.insert(key);
                }
            }
            Message::Observe(reply) => drop(reply.send(observe(state))),
        }
        Ok(())
    }

    async fn post_stop(&self, _myself: ActorRef<Message>, state: &mut State) -> Result<(), ActorProcessingErr> {
        // With events in flight their keys are not known to be shipped: the next owner finds them in the store.
        if state.in_flight.is_empty()
            && let Some(resting) = Resting::pack(&state.user, state.committed_at, &state.shipped)
        {
            self.shared.rest(state.user.id, resting);
        }
        Ok(())
    }
}

impl Account {
    async fn decide(
        &self,
        state: &mut State,
        delivery: &Delivery,
        deadline: Deadline,
        mut reply: oneshot::Sender<Answer>,
    ) {
        for conflicts in 0..=MAX_CONFLICTS {
            if deadline.is_over() {
                return drop(reply.send(Err(CallError::TimedOut)));
            }
            if let Err(error) = self.load(state, delivery.body.needs()).await {
                return drop(reply.send(Err(error.into())));
            }
            // After the load, so that nothing is committed for somebody who has given up (HAZARDS H5).
            if deadline.is_over() {
                return drop(reply.send(Err(CallError::TimedOut)));
            }
            match self.decide_once(state, delivery, reply).await {
                Settled::Done => return,
                Settled::Conflict(back) => {
                    reply = back;
                    metrics::counter!("doorward_commit_conflicts_total").increment(1);
                    self.pause(conflicts).await;
                    // The other owner may have had this very command (HAZARDS H5).
                    match self.recorded(state, delivery, None).await {
                        Ok(None) => {}
                        Ok(Some(outcome)) => return drop(reply.send(Ok(outcome))),
                        Err(error) => return drop(reply.send(Err(error))),
                    }
                }
                Settled::Failed(back, error) => {
                    state.unload();
                    return drop(back.send(Err(error.into())));
                }
            }
        }
        let contended = CallError::Unavailable("too many conflicting commits".to_owned());
        drop(reply.send(Err(contended)));
    }

    async fn decide_once(&self, state: &mut State, delivery: &Delivery, reply: oneshot::Sender<Answer>) -> Settled {
        let shared = &self.shared;
        let now = shared.clock.now().max(state.committed_at);
        let cx = Context {
            now,
            attempt: &delivery.attempt,
            vault: &shared.vault,
            entropy: shared.entropy.as_ref(),
            settings: &shared.settings,
        };
        let decision = delivery.body.decide(&state.user, &cx);
        let events = decision.events.len();
        let writes = events > 0 || !decision.change.is_empty();
        let settle = Settle {
            store: &shared.store,
            shipper: &shared.shipper,
            entropy: shared.entropy.as_ref(),
            attempt: &delivery.attempt,
            digest: if writes { delivery.digest(state.user.id) } else { [0; 32] },
            now,
            shipped: &mut state.shipped,
            noted_minute: &mut state.noted_minute,
        };
        let settled = settle.settle(&mut state.user, decision, reply).await;
        if matches!(settled, Settled::Done) && writes {
            state.committed_at = now;
            let revision = state.user.revision.into_iter();
            state.in_flight.extend(revision.flat_map(|revision| (0..events).map(move |n| event_key(revision, n))));
        }
        settled
    }

    /// Two owners that collide do not collide again in step.
    async fn pause(&self, conflicts: u32) {
        let [random] = self.shared.entropy.array::<1>();
        let millis = u64::from(random % 8) + (1 << conflicts);
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }

    /// Loads what is needed and not there. If the partition has moved on since the last load, everything is loaded anew.
    async fn load(&self, state: &mut State, needs: Areas) -> Result<(), StoreError> {
        let missing = (needs | Areas::CORE).without(state.user.areas);
        if missing.is_empty() {
            return Ok(());
        }
        let key = User::partition(state.user.id);
        let mut areas = missing;
        let mut partition = self.shared.store.load(&key, &areas.prefixes()).await?;
        if !state.user.areas.is_empty() && partition.revision != state.user.revision {
            areas = needs | Areas::CORE;
            state.unload();
            partition = self.shared.store.load(&key, &areas.prefixes()).await?;
        }
        state.user.absorb(&partition, areas)?;
        if let Some(last) = partition.operations.iter().map(|operation| operation.at).max() {
            state.committed_at = state.committed_at.max(last);
        }
        if areas.contain(Areas::CORE) {
            self.redeliver(state, &partition);
        }
        Ok(())
    }

    /// Events found at a load were committed by an owner that did not live to ship them.
    fn redeliver(&self, state: &mut State, partition: &Partition) {
        let mut shipment = Shipment { user: state.user.id, keys: Vec::new(), events: Vec::new() };
        for (key, body) in partition.items.iter().filter(|(key, _)| key.starts_with(EVENT_PREFIX)) {
            if let Some(event) = crate::shipper::stored_event(state.user.id, key, body) {
                shipment.keys.push(key.clone());
                shipment.events.push(event);
            }
        }
        if !shipment.keys.is_empty() {
            state.in_flight.extend(shipment.keys.iter().cloned());
            self.shared.shipper.ship(shipment);
        }
    }

    /// The outcome of a command that may have been committed, if the ring has it (HAZARDS H5). What is in memory is
    /// dropped. `first_sent_at` is set for a repeated delivery.
    async fn recorded(
        &self,
        state: &mut State,
        delivery: &Delivery,
        first_sent_at: Option<Timestamp>,
    ) -> Result<Option<Box<RawValue>>, CallError> {
        // What is in memory may be from before the earlier delivery.
        state.unload();
        let partition = self.shared.store.load(&User::partition(state.user.id), &[]).await?;
        if let Some(known) = partition.operations.iter().find(|operation| operation.id == delivery.attempt.id) {
            return if known.digest == delivery.digest(state.user.id) {
                Ok(Some(known.outcome.clone()))
            } else {
                Err(CallError::AttemptMismatch)
            };
        }
        // A full ring may have forgotten it, unless its oldest entry is older than the first sending.
        let full = partition.operations.len() as u64 >= schema::RING;
        let oldest = partition.operations.iter().map(|operation| operation.at).min();
        if full && oldest.zip(first_sent_at).is_some_and(|(at, sent)| at >= sent) {
            return Err(CallError::Unavailable("the fate of an earlier delivery is not known any more".to_owned()));
        }
        Ok(None)
    }

    async fn reserve(&self, myself: &ActorRef<Message>, state: &mut State, waiter: Waiter) {
        if waiter.deadline.is_over() {
            return drop(waiter.reply.send(Err(CallError::TimedOut)));
        }
        // What the verdict will need as well, so that a cold user is read once.
        let needs = match &waiter.of {
            Reservable::Password { .. } => JudgePassword::NEEDS,
            Reservable::BackupCode { .. } => JudgeBackupCode::NEEDS,
        };
        if let Err(error) = self.load(state, needs).await {
            return drop(waiter.reply.send(Err(error.into())));
        }
        let now = self.shared.clock.now().max(state.committed_at);
        let (authenticator, gate, device): (_, GateOf, _) = match &waiter.of {
            Reservable::Password { device } => (PASSWORD_THROTTLE, throttle::password_gate, device),
            Reservable::BackupCode { device, .. } => (BACKUP_THROTTLE, throttle::status, device),
        };
        let bucket = state.user.bucket(device.as_ref(), now);
        let left = match gate(&state.user.throttle(authenticator), bucket, now) {
            Gate::Open { left } => left,
            closed @ (Gate::Closed { .. } | Gate::Suspended) => {
                return drop(waiter.reply.send(Ok(Reserved::Refused(closed))));
            }
        };
        let Some((credential, version, hash)) = secret_of(&state.user, &waiter.of) else {
            return drop(waiter.reply.send(Ok(Reserved::Nothing)));
        };
        let of = Reservation { authenticator, bucket: bucket.name() };
        if !state.reservations.take(&of, left) {
            return state.reservations.wait(of, waiter);
        }
        let priority = if matches!(bucket, Bucketing::Device(_)) { Priority::KnownDevice } else { Priority::Unknown };
        let guard = ReservationGuard { of: Some(of), actor: myself.clone() };
        let granted = Granted { credential, version, hash, priority, _guard: guard };
        // If the asker has gone, the guard in the message gives the reservation back.
        drop(waiter.reply.send(Ok(Reserved::Granted(Box::new(granted)))));
    }

    async fn wake(&self, myself: &ActorRef<Message>, state: &mut State, waiting: VecDeque<Waiter>) {
        for waiter in waiting {
            self.reserve(myself, state, waiter).await;
        }
    }
}

/// What a reservation lets one hash against. A backup code that does not exist is hashed against the dummy, so that it
/// costs and counts like one that does.
fn secret_of(user: &User, of: &Reservable) -> Option<(schema::CredentialId, u32, Option<String>)> {
    match of {
        Reservable::Password { .. } => user.password.as_ref().map(|p| (p.credential, p.version, Some(p.hash.clone()))),
        Reservable::BackupCode { locator, .. } => user.backup.as_ref().map(|set| {
            let unused = set.codes.iter().find(|code| code.locator == *locator && code.used_at.is_none());
            (set.credential, 0, unused.map(|code| code.hash.clone()))
        }),
    }
}

fn observe(state: &State) -> Observation {
    Observation {
        loaded: state.user.areas.contain(Areas::CORE),
        reservations: state.reservations.out(),
        waiting: state.reservations.waiting(),
        undelivered: state.in_flight.len(),
    }
}
