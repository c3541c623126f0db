//! The actor of one user: loads, decides, settles.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use cluster::Tenure;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use schema::{Timestamp, UserId};
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::{
    cache::Resting,
    directory::Shared,
    message::{Delivery, Message, Observation},
    reservation::Reservations,
};
use crate::{
    acknowledge::{Due, Reply},
    call::{CallError, Deadline},
    domain::{
        command::Revoked,
        context::Context,
        user::{Areas, User},
    },
    settle::{Settle, Settled, event_key},
};

/// Decisions that lost their commit to another owner are made anew this often.
pub const MAX_CONFLICTS: u32 = 3;

/// What bounds a decision in time.
#[derive(Clone, Copy)]
struct Until {
    /// It must be true at this moment or later.
    asked_at: Instant,
    deadline: Deadline,
}

/// The actor: configuration only.
pub(crate) struct Account {
    pub(super) shared: Arc<Shared>,
}

/// What it holds of its user.
pub(crate) struct State {
    pub(super) user: User,
    /// Since when this node has owned the user without a break, as of the newest load, validation or commit of what is in
    /// memory. `None`: it does not own it, and nothing may be kept.
    pub(super) tenure: Option<Tenure>,
    /// When that load, validation or commit began.
    pub(super) current_at: Option<Instant>,
    /// The last commit's time, by whoever made it: `now` never lies before it.
    pub(super) committed_at: Timestamp,
    /// Events that were appended to their stream and are still items here.
    pub(super) shipped: BTreeSet<Box<str>>,
    /// Events that were handed to the shipper and not acknowledged yet.
    pub(super) in_flight: BTreeSet<Box<str>>,
    noted_minute: Option<i64>,
    /// Messages served of those that somebody looked this actor up for.
    served: u64,
    pub(super) reservations: Reservations,
}

impl State {
    fn fresh(id: UserId) -> Self {
        Self {
            user: User::unloaded(id),
            tenure: None,
            current_at: None,
            committed_at: Timestamp::default(),
            shipped: BTreeSet::new(),
            in_flight: BTreeSet::new(),
            noted_minute: None,
            served: 0,
            reservations: Reservations::default(),
        }
    }

    /// Forgets what is in memory; the next message loads it.
    pub(super) fn unload(&mut self) {
        self.forget();
        self.shipped.clear();
        self.in_flight.clear();
    }

    /// Forgets the user, and remembers which events are shipped: that stays true.
    fn forget(&mut self) {
        self.user = User::unloaded(self.user.id);
        self.tenure = None;
        self.current_at = None;
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
            let (committed_at, tenure, current_at) = (resting.committed_at, resting.tenure, resting.current_at);
            if let Some((user, shipped)) = resting.unpack(id) {
                state.user = user;
                (state.tenure, state.current_at) = (Some(tenure), current_at);
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
        state.served += u64::from(message.is_of_a_look_up());
        match message {
            Message::Decide { delivery, first_sent_at, asked_at, deadline, reply } => {
                let user = state.user.id;
                let revoked = delivery.body.revoked();
                let reply = Reply::new(reply, self.due(&myself, revoked, user, deadline));
                let repeated = match first_sent_at {
                    None => Ok(None),
                    Some(_) if delivery.body.looks() => Ok(None),
                    Some(_) => self.recorded(state, &delivery.trace(user), first_sent_at).await,
                };
                match repeated {
                    Ok(None) => self.decide(state, &delivery, Until { asked_at, deadline }, reply).await,
                    Ok(Some((outcome, revision))) => reply.outcome(outcome, Some(revision)),
                    Err(error) => reply.failed(error),
                }
            }
            Message::Recall { trace, first_sent_at, deadline, reply } => {
                let reply = Reply::new(reply, self.due(&myself, trace.revoked, state.user.id, deadline));
                match self.recorded(state, &trace, Some(first_sent_at)).await {
                    Ok(None) => reply.outcome(RawValue::NULL.to_owned(), None),
                    Ok(Some((outcome, revision))) => reply.outcome(outcome, Some(revision)),
                    Err(error) => reply.failed(error),
                }
            }
            Message::Reserve(waiter) => self.reserve(&myself, state, waiter).await,
            Message::Release(reservation) => {
                let waiting = state.reservations.give_back(&reservation);
                self.wake(&myself, state, waiting).await;
            }
            Message::Invalidate { revision, reply } => {
                if state.user.revision.is_none_or(|known| known < revision) {
                    state.unload();
                }
                // Who asked may have gone.
                let _ = reply.send(());
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
        if state.tenure.is_none() {
            state.forget();
            if state.reservations.out() + state.reservations.waiting() == 0 {
                self.shared.dismiss(state.user.id, myself.get_id(), state.served);
            }
        }
        Ok(())
    }

    async fn post_stop(&self, myself: ActorRef<Message>, state: &mut State) -> Result<(), ActorProcessingErr> {
        // With events in flight their keys are not known to be shipped: the next owner finds them in the store.
        if state.in_flight.is_empty()
            && let Some(tenure) = state.tenure
            && let Some(resting) =
                Resting::pack(&state.user, state.committed_at, (tenure, state.current_at), &state.shipped)
        {
            self.shared.rest(state.user.id, myself.get_id(), resting);
        }
        Ok(())
    }
}

impl Account {
    /// What is to be done before an answer, if it is a revocation.
    fn due(&self, myself: &ActorRef<Message>, revoked: Revoked, user: UserId, deadline: Deadline) -> Due {
        Due { shared: Arc::clone(&self.shared), by: myself.get_id(), revoked, user, deadline, slot: None }
    }

    async fn decide(&self, state: &mut State, delivery: &Delivery, until: Until, mut reply: Reply) {
        for conflicts in 0..=MAX_CONFLICTS {
            let now = match self.prepare(state, delivery.body.needs(), until.deadline).await {
                Ok(now) => now,
                Err(error) => return reply.failed(error),
            };
            match self.decide_once(state, delivery, now, reply).await {
                Settled::Done => return,
                Settled::Unwritten(back, outcome) => {
                    match self.may_say(state, delivery, &outcome, until.asked_at).await {
                        Ok(true) => return back.outcome(outcome, state.user.revision),
                        Ok(false) => reply = back,
                        Err(error) => return back.failed(error),
                    }
                }
                Settled::Recorded(back) => return self.answer_recorded(state, delivery, back).await,
                Settled::Conflict(back) => {
                    reply = back;
                    metrics::counter!("doorward_commit_conflicts_total").increment(1);
                    self.pause(conflicts).await;
                    // The other owner may have had this very command (HAZARDS H5).
                    match self.recorded(state, &delivery.trace(state.user.id), None).await {
                        Ok(None) => {}
                        Ok(Some((outcome, revision))) => return reply.outcome(outcome, Some(revision)),
                        Err(error) => return reply.failed(error),
                    }
                }
                Settled::Refused(back) => return back.failed(CallError::Overloaded),
                Settled::Failed(back, error) => {
                    state.unload();
                    return back.failed(error.into());
                }
            }
        }
        reply.failed(CallError::Unavailable("too many conflicting commits".to_owned()));
    }

    /// Answers with what the ring has of a commit that was not answered directly.
    async fn answer_recorded(&self, state: &mut State, delivery: &Delivery, reply: Reply) {
        match self.recorded(state, &delivery.trace(state.user.id), None).await {
            Ok(Some((outcome, revision))) => {
                // For its events: they are found by a load, this one or a later one.
                if let Err(error) = self.load(state, Areas::CORE).await {
                    tracing::warn!(%error, "loading after a commit that the ring told of");
                }
                reply.outcome(outcome, Some(revision));
            }
            Ok(None) => reply.failed(CallError::Unavailable("the ring no longer tells of a commit".to_owned())),
            Err(error) => reply.failed(error),
        }
    }

    /// What comes before every decision: is there still somebody who waits, may this node decide, is everything there? Says
    /// by what time is decided.
    pub(super) async fn prepare(
        &self,
        state: &mut State,
        needs: Areas,
        deadline: Deadline,
    ) -> Result<Timestamp, CallError> {
        if deadline.is_over() {
            return Err(CallError::TimedOut);
        }
        self.load(state, needs).await?;
        // After the load, so that nothing is committed for somebody who has given up (HAZARDS H5).
        if deadline.is_over() {
            return Err(CallError::TimedOut);
        }
        // As the last step: what is decided by is the very time that was vouched for (HAZARDS H3).
        let now = self.shared.clock.certain().ok_or(CallError::Unreachable)?;
        Ok(now.max(state.committed_at))
    }

    async fn decide_once(&self, state: &mut State, delivery: &Delivery, now: Timestamp, reply: Reply) -> Settled {
        let shared = &self.shared;
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
        // A commit says of what is in memory that it is the newest, as a load does.
        let (tenure, began) = self.tenure_now(state.user.id);
        let settle = Settle {
            store: &shared.store,
            shipper: &shared.shipper,
            sms_fraud: &shared.sms_fraud,
            entropy: shared.entropy.as_ref(),
            attempt: &delivery.attempt,
            digest: if writes { delivery.digest(state.user.id) } else { [0; 32] },
            now,
            shipped: &mut state.shipped,
            noted_minute: &mut state.noted_minute,
        };
        let settled = settle.settle(&mut state.user, decision, reply).await;
        if matches!(settled, Settled::Done) {
            (state.tenure, state.current_at) = (tenure, Some(began));
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
}

fn observe(state: &State) -> Observation {
    Observation {
        loaded: state.user.areas.contain(Areas::CORE),
        reservations: state.reservations.out(),
        waiting: state.reservations.waiting(),
        undelivered: state.in_flight.len(),
    }
}
