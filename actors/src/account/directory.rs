//! Which users have an actor on this node, and the supervisor of those actors.
//!
//! | child | when it stops | when it fails |
//! |---|---|---|
//! | account actor | it was passivated: its state rests in the cache | it is forgotten; the next message spawns a fresh one, which loads |
//!
//! Each node has a directory of its own: no named actors and no process groups, so that many nodes fit in one process.

use std::{collections::HashMap, sync::Arc, time::Duration};

use cluster::Authority;
use parking_lot::Mutex;
use ractor::{
    Actor, ActorCell, ActorId, ActorProcessingErr, ActorRef, ActorRuntime, ActorStatus, SpawnErr, SupervisionEvent,
};
use schema::{Revision, Store, UserId};
use tokio::sync::{Semaphore, oneshot};

use super::{
    actor::Account,
    cache::{Cache, Resting},
    message::Message,
};
use crate::{
    acknowledge::Acknowledger, clock::Clock, domain::context::Settings, entropy::Entropy, hashes::Hashes,
    shipper::Shipper, sms_fraud::SmsFraud, vault::Vault,
};

/// A power of two; users spread evenly, since their ids are random.
const SHARDS: usize = 32;

/// What all account actors share.
pub(crate) struct Shared {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) hashes: Hashes,
    pub(crate) shipper: Shipper,
    pub(crate) sms_fraud: SmsFraud,
    pub(crate) authority: Arc<Authority>,
    pub(crate) acknowledger: Arc<Acknowledger>,
    /// Bounds the validations under way.
    pub(crate) validations: Semaphore,
    pub(super) shards: Vec<Mutex<Shard>>,
}

pub(super) struct Shard {
    actors: HashMap<UserId, Entry>,
    users: HashMap<ActorId, UserId>,
    /// Who is going to rest: out of `actors`, and not at rest yet.
    leaving: HashMap<UserId, ActorId>,
    cache: Cache,
}

struct Entry {
    actor: ActorRef<Message>,
    /// Milliseconds of the monotonic clock.
    last_used: u64,
    /// How often it was looked up, each time to be sent one message.
    taken: u64,
}

impl Shared {
    /// Empty shards whose caches together hold `cache_bytes`.
    pub(super) fn shards(cache_bytes: usize) -> Vec<Mutex<Shard>> {
        let shard = || Shard {
            actors: HashMap::new(),
            users: HashMap::new(),
            leaving: HashMap::new(),
            cache: Cache::new(cache_bytes / SHARDS),
        };
        (0..SHARDS).map(|_| Mutex::new(shard())).collect()
    }

    fn shard(&self, user: UserId) -> &Mutex<Shard> {
        &self.shards[usize::from(user.as_bytes()[0]) % SHARDS]
    }

    /// Keeps a passivated user, unless another actor was there since this one was sent to rest: that one, or the cache it
    /// left for, may know something newer.
    pub(super) fn rest(&self, user: UserId, actor: ActorId, resting: Resting) {
        let mut shard = self.shard(user).lock();
        if shard.leaving.get(&user) == Some(&actor) {
            shard.leaving.remove(&user);
            shard.cache.keep(user, resting);
        }
    }

    /// An actor that holds nothing is not worth keeping: the next sweep takes it, unless somebody has looked it up whose
    /// message is not among those that it has `served`.
    pub(super) fn dismiss(&self, user: UserId, actor: ActorId, served: u64) {
        if let Some(entry) = self.shard(user).lock().actors.get_mut(&user)
            && entry.actor.get_id() == actor
            && entry.taken == served
        {
            entry.last_used = 0;
        }
    }

    /// The actor `by` has committed this revision: nobody else on this node keeps an older one. An actor that was sent to
    /// rest, or forgotten, still serves its mailbox, and its user may have another one by then. What is asked of that one
    /// after this was called comes after what it is told here (HAZARDS H2).
    pub(crate) fn supersede(&self, user: UserId, revision: Revision, by: ActorId) {
        let mut shard = self.shard(user).lock();
        if shard.leaving.get(&user).is_some_and(|leaving| *leaving != by) {
            shard.leaving.remove(&user);
        }
        shard.cache.invalidate(user, revision);
        if let Some(entry) = shard.actors.get(&user)
            && entry.actor.get_id() != by
        {
            // Nobody waits for it. One that does not take it has stopped, or takes nothing any more.
            let (reply, _) = oneshot::channel();
            let _ = entry.actor.send_message(Message::Invalidate { revision, reply });
        }
    }
}

/// Finds and spawns account actors.
#[derive(Clone)]
pub(crate) struct Directory {
    pub(super) shared: Arc<Shared>,
    supervisor: ActorCell,
}

impl Directory {
    /// A directory with its supervisor, which passivates actors that were not used for `idle`.
    pub(super) async fn start(shared: Arc<Shared>, idle: Duration) -> Result<Self, SpawnErr> {
        let supervisor = Supervisor { shared: Arc::clone(&shared), idle };
        let (supervisor, _) = Actor::spawn(None, supervisor, ()).await?;
        let tick = (idle / 4).max(Duration::from_millis(10));
        supervisor.send_interval(tick, || SupervisorMessage::Sweep);
        Ok(Self { shared, supervisor: supervisor.get_cell() })
    }

    /// The actor of a user, to be sent one message; spawned if there is none.
    pub(super) fn actor(&self, user: UserId) -> Result<ActorRef<Message>, SpawnErr> {
        let now = millis(self.shared.clock.monotonic());
        let mut shard = self.shared.shard(user).lock();
        if let Some(entry) = shard.actors.get_mut(&user) {
            entry.last_used = now;
            entry.taken += 1;
            return Ok(entry.actor.clone());
        }
        let resting = shard.cache.take(user);
        shard.leaving.remove(&user);
        let account = Account { shared: Arc::clone(&self.shared) };
        let (actor, _) = ActorRuntime::spawn_linked_instant(None, account, (user, resting), self.supervisor.clone())?;
        shard.users.insert(actor.get_id(), user);
        shard.actors.insert(user, Entry { actor: actor.clone(), last_used: now, taken: 1 });
        Ok(actor)
    }

    /// Drops what is kept of a user from before this revision, on its way to rest or at rest. Returns the actor, which has
    /// to be told as well, if there is one.
    pub(super) fn invalidate(&self, user: UserId, revision: Revision) -> Option<ActorRef<Message>> {
        let mut shard = self.shared.shard(user).lock();
        shard.leaving.remove(&user);
        shard.cache.invalidate(user, revision);
        shard.actors.get(&user).map(|entry| entry.actor.clone())
    }

    /// The actor of a user, if there is one.
    pub(crate) fn live(&self, user: UserId) -> Option<ActorRef<Message>> {
        self.shared.shard(user).lock().actors.get(&user).map(|entry| entry.actor.clone())
    }

    /// Forgets an actor that did not take a message, so that the next look-up spawns a fresh one.
    pub(super) fn forget(&self, user: UserId, actor: ActorId) {
        forget(&self.shared, user, actor);
    }

    /// Users with an actor, users at rest, and the bytes of those.
    pub(super) fn size(&self) -> (usize, usize, usize) {
        self.shared.shards.iter().fold((0, 0, 0), |(actors, resting, bytes), shard| {
            let shard = shard.lock();
            let (entries, used) = shard.cache.size();
            (actors + shard.actors.len(), resting + entries, bytes + used)
        })
    }

    /// Stops every actor after what is in its mailbox; returns when none is left or `within` has passed. The log
    /// says which.
    pub(super) async fn stop(&self, within: Duration) {
        let actors = self.supervisor.get_children();
        for shard in &self.shared.shards {
            let actors: Vec<_> = shard.lock().actors.drain().map(|(_, entry)| entry.actor).collect();
            for actor in actors {
                // One that has stopped already has nothing to drain.
                let _ = actor.drain();
            }
        }
        self.supervisor.drain_children_and_wait(Some(within)).await;
        let left = actors.iter().filter(|actor| actor.get_status() != ActorStatus::Stopped).count();
        if left == 0 {
            tracing::info!(actors = actors.len(), "the account actors are passivated");
        } else {
            tracing::warn!(actors = actors.len(), left, "some account actors were not passivated in time");
        }
        self.supervisor.stop(None);
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn forget(shared: &Shared, user: UserId, actor: ActorId) {
    let mut shard = shared.shard(user).lock();
    shard.users.remove(&actor);
    if shard.leaving.get(&user) == Some(&actor) {
        shard.leaving.remove(&user);
    }
    if shard.actors.get(&user).is_some_and(|entry| entry.actor.get_id() == actor) {
        shard.actors.remove(&user);
    }
}

struct Supervisor {
    shared: Arc<Shared>,
    idle: Duration,
}

enum SupervisorMessage {
    Sweep,
}

impl Actor for Supervisor {
    type Msg = SupervisorMessage;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Self::Msg>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        SupervisorMessage::Sweep: SupervisorMessage,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        self.passivate_idle();
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<Self::Msg>,
        event: SupervisionEvent,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        if let SupervisionEvent::ActorFailed(actor, error) = &event {
            tracing::error!(actor = %actor.get_id(), %error, "an account actor failed; its user is loaded anew");
            metrics::counter!("doorward_actor_restarts_total", "kind" => "account").increment(1);
        }
        if let SupervisionEvent::ActorFailed(actor, _) | SupervisionEvent::ActorTerminated(actor, ..) = event {
            let user = self.shared.shards.iter().find_map(|s| s.lock().users.get(&actor.get_id()).copied());
            if let Some(user) = user {
                forget(&self.shared, user, actor.get_id());
            }
        }
        Ok(())
    }
}

impl Supervisor {
    /// Who is idle leaves the directory first, so that nobody finds it any more, and then empties its mailbox and stops.
    fn passivate_idle(&self) {
        let horizon = millis(self.shared.clock.monotonic()).saturating_sub(millis(self.idle));
        for shard in &self.shared.shards {
            let mut shard = shard.lock();
            let idle = |entry: &Entry| entry.last_used < horizon;
            let users: Vec<UserId> = shard.actors.iter().filter(|(_, e)| idle(e)).map(|(user, _)| *user).collect();
            for user in users {
                if let Some(entry) = shard.actors.remove(&user) {
                    shard.leaving.insert(user, entry.actor.get_id());
                    let _ = entry.actor.drain();
                }
            }
        }
    }
}
