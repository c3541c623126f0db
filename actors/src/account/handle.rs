//! The way to an account from anywhere in this node: permits, deadline, and one repetition when an actor went away under a
//! message. Where the owner is, is [`super::route`]'s.

use std::{sync::Arc, time::Duration};

use cluster::{Authority, Caller, NodeId, ViewStore};
use ractor::SpawnErr;
use schema::{Store, Timestamp, UserId};
use serde_json::value::RawValue;
use tokio::sync::{Semaphore, oneshot};

use super::{
    directory::{Directory, Shared},
    memory::MAX_VALIDATIONS,
    message::{Answer, Delivery, Message, Observation, Request, Trace},
    work,
};
use crate::{
    acknowledge::Acknowledger,
    call::{CallError, Deadline, Permits},
    clock::Clock,
    domain::{
        command::{Body, Decide},
        context::{Attempt, Settings},
    },
    entropy::Entropy,
    hashes::Hashes,
    policies::{self, Policies},
    shipper::Shipper,
    sms_fraud::SmsFraud,
    vault::Vault,
    views::Views,
};

/// What accounts are built from.
pub struct AccountsOptions {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The clock of decisions.
    pub clock: Arc<dyn Clock>,
    /// Random bits for nonces and jitter.
    pub entropy: Arc<dyn Entropy>,
    /// Keys.
    pub vault: Arc<Vault>,
    /// Numbers of the rules.
    pub settings: Arc<Settings>,
    /// The hash pool.
    pub hashes: Hashes,
    /// Ships events.
    pub shipper: Shipper,
    /// Told what became of text messages that count.
    pub sms_fraud: SmsFraud,
    /// What is asked for before an account is changed.
    pub policies: Policies,
    /// What this node owns and may answer from memory.
    pub authority: Arc<Authority>,
    /// The way to other nodes.
    pub peers: Arc<dyn Caller>,
    /// The view's row.
    pub views: Arc<dyn ViewStore>,
    /// Does this node run account actors: as a member that owns keys, or as one that has opened the store itself?
    pub serves: bool,
    /// Calls in flight on this node, at most.
    pub max_in_flight: usize,
    /// Memory for users without an actor.
    pub cache_bytes: usize,
    /// An actor that was not used for this long is passivated.
    pub idle: Duration,
}

impl std::fmt::Debug for AccountsOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccountsOptions").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// A handle on all accounts. Cheap to clone.
#[derive(Clone)]
pub struct Accounts {
    pub(super) directory: Directory,
    pub(super) views: Arc<Views>,
    pub(super) serves: bool,
    pub(super) permits: Permits,
    policies: Policies,
}

/// A request on its way, without what is requested.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// Of whom.
    pub(crate) user: UserId,
    /// The attempt.
    pub(crate) attempt: Attempt,
    /// The node that took it.
    pub(crate) edge: NodeId,
    /// When it was first sent, if it was sent before with an unknown fate.
    pub(crate) first_sent_at: Option<Timestamp>,
    /// One for everything.
    pub(crate) deadline: Deadline,
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Accounts").field("node", self.authority().me()).finish_non_exhaustive()
    }
}

impl Accounts {
    /// Starts the directory of this node.
    pub async fn start(options: AccountsOptions) -> Result<Self, SpawnErr> {
        let policies = options.policies;
        let views = Arc::new(Views::new(options.views, Arc::clone(&options.authority)));
        let acknowledger = Acknowledger::new(Arc::clone(&options.authority), options.peers, Arc::clone(&views));
        let shared = Arc::new(Shared {
            store: options.store,
            clock: options.clock,
            entropy: options.entropy,
            vault: options.vault,
            settings: options.settings,
            hashes: options.hashes,
            shipper: options.shipper,
            sms_fraud: options.sms_fraud,
            authority: options.authority,
            acknowledger: Arc::new(acknowledger),
            validations: Semaphore::new(MAX_VALIDATIONS),
            shards: Shared::shards(options.cache_bytes),
        });
        let directory = Directory::start(shared, options.idle).await?;
        directory.shared.shipper.acknowledge_to(directory.clone());
        Ok(Self { directory, views, serves: options.serves, permits: Permits::new(options.max_in_flight), policies })
    }

    /// Asks the owner of `user` to decide.
    pub async fn ask<C>(
        &self,
        user: UserId,
        attempt: &Attempt,
        command: C,
        deadline: Deadline,
    ) -> Result<C::Outcome, CallError>
    where
        C: Decide + Into<Body>,
    {
        self.request(user, attempt, Request::Decide(command.into()), deadline).await
    }

    /// Sends a request to the owner of `user` and reads its outcome.
    pub async fn request<O>(
        &self,
        user: UserId,
        attempt: &Attempt,
        request: Request,
        deadline: Deadline,
    ) -> Result<O, CallError>
    where
        O: serde::de::DeserializeOwned,
    {
        let _permit = self.permits.take()?;
        // A command has no name of its own in what it proves to others: all deliveries of one attempt are of one edge.
        let edge =
            self.directory.shared.acknowledger.peers.proved_name().unwrap_or_else(|| self.authority().me()).clone();
        let mut attempt = attempt.clone();
        if request.is_sensitive() {
            attempt.policies = policies::of_the_account(&self.policies.all().await?);
        }
        let asked = Asked { user, attempt, edge, first_sent_at: None, deadline };
        let outcome = self.deliver(asked, request).await?;
        serde_json::from_str(outcome.get())
            .map_err(|_| CallError::Corrupt("an outcome is not of its command's kind".to_owned()))
    }

    /// Serves a request on this node.
    pub(super) async fn serve(&self, asked: &Asked, request: Request) -> Answer {
        match request {
            Request::Decide(body) => self.decide(asked, body).await,
            Request::CheckPassword(check) => work::check_password(self, asked, check).await,
            Request::CheckBackupCode(check) => work::check_backup_code(self, asked, check).await,
            Request::ChangePassword(change) => work::change_password(self, asked, change).await,
        }
    }

    /// One message to the actor of the user. If the actor goes away under it, it is sent once more, marked as repeated.
    pub(super) async fn decide(&self, asked: &Asked, body: Body) -> Answer {
        let deadline = asked.deadline;
        let now = self.directory.shared.clock.now();
        let delivery = Arc::new(Delivery { attempt: asked.attempt.clone(), edge: asked.edge.clone(), body });
        for first_sent_at in [asked.first_sent_at, asked.first_sent_at.or(Some(now))] {
            let (reply, answer) = oneshot::channel();
            let delivery = Arc::clone(&delivery);
            let message = Message::Decide { delivery, first_sent_at, asked_at: cluster::now(), deadline, reply };
            if let Some(answer) = self.exchange(asked.user, message, answer, deadline).await? {
                return answer;
            }
        }
        Err(failed_twice())
    }

    /// The outcome of an earlier delivery, where a hash comes before the command; `None` if this is the first, or the
    /// earlier one came to nothing.
    pub(super) async fn recall(
        &self,
        asked: &Asked,
        trace: impl Fn() -> Trace,
    ) -> Result<Option<Box<RawValue>>, CallError> {
        let Some(first_sent_at) = asked.first_sent_at else { return Ok(None) };
        for _ in 0..2 {
            let (reply, answer) = oneshot::channel();
            let message = Message::Recall { trace: trace(), first_sent_at, deadline: asked.deadline, reply };
            if let Some(answer) = self.exchange(asked.user, message, answer, asked.deadline).await? {
                return answer.map(|outcome| (outcome.get() != RawValue::NULL.get()).then_some(outcome));
            }
        }
        Err(failed_twice())
    }

    /// Sends a message and waits for its answer; `None` if the actor went away.
    pub(super) async fn exchange<T>(
        &self,
        user: UserId,
        message: Message,
        answer: oneshot::Receiver<T>,
        deadline: Deadline,
    ) -> Result<Option<T>, CallError> {
        let actor = self.directory.actor(user).map_err(|_| CallError::Unreachable)?;
        if actor.send_message(message).is_err() {
            self.directory.forget(user, actor.get_id());
            return Ok(None);
        }
        match tokio::time::timeout_at(deadline.instant(), answer).await {
            Ok(Ok(answer)) => Ok(Some(answer)),
            Ok(Err(_)) => {
                self.directory.forget(user, actor.get_id());
                Ok(None)
            }
            Err(_) => Err(CallError::TimedOut),
        }
    }

    /// What this node owns.
    pub(super) fn authority(&self) -> &Authority {
        &self.directory.shared.authority
    }

    /// What is asked for before an account is changed, and everything else that policies ask for.
    pub(crate) const fn policies(&self) -> &Policies {
        &self.policies
    }

    /// The hash pool of this node.
    pub(super) fn hashes(&self) -> &Hashes {
        &self.directory.shared.hashes
    }

    /// How the actor of `user` is; spawns it if there is none.
    pub async fn observe(&self, user: UserId, deadline: Deadline) -> Result<Option<Observation>, CallError> {
        let (reply, answer) = oneshot::channel();
        self.exchange(user, Message::Observe(reply), answer, deadline).await
    }

    /// Users with an actor, users at rest in the cache, and the cache's bytes.
    pub fn size(&self) -> (usize, usize, usize) {
        self.directory.size()
    }

    /// Stops every actor after what is in its mailbox, then waits for revocations that others are still told of.
    pub async fn stop(&self, within: Duration) {
        self.directory.stop(within).await;
        self.directory.shared.acknowledger.stop(within).await;
    }
}

/// An actor that fails under a command, and its successor under the same one: the command is at fault.
pub(super) fn failed_twice() -> CallError {
    CallError::Unavailable("the account's actor failed twice".to_owned())
}
