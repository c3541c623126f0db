//! The way to an account from anywhere in this node: permits, routing, deadline, and one repetition when an actor went
//! away under a message.

use std::{sync::Arc, time::Duration};

use cluster::{Route, Router};
use ractor::SpawnErr;
use schema::{Store, UserId};
use tokio::sync::oneshot;

use super::{
    directory::{Directory, Shared},
    message::{Answer, Delivery, Message, Observation, Request},
    work,
};
use crate::{
    call::{CallError, Deadline, Permits},
    clock::Clock,
    domain::{
        command::{Body, Decide},
        context::{Attempt, Settings},
    },
    entropy::Entropy,
    hashes::Hashes,
    shipper::Shipper,
    vault::Vault,
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
    /// Where owners are.
    pub router: Arc<Router>,
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
    directory: Directory,
    router: Arc<Router>,
    permits: Permits,
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Accounts").field("node", self.router.me()).finish_non_exhaustive()
    }
}

impl Accounts {
    /// Starts the directory of this node.
    pub async fn start(options: AccountsOptions) -> Result<Self, SpawnErr> {
        let shared = Arc::new(Shared {
            store: options.store,
            clock: options.clock,
            entropy: options.entropy,
            vault: options.vault,
            settings: options.settings,
            hashes: options.hashes,
            shipper: options.shipper,
            shards: Shared::shards(options.cache_bytes),
        });
        let directory = Directory::start(shared, options.idle).await?;
        directory.shared.shipper.acknowledge_to(directory.clone());
        Ok(Self { directory, router: options.router, permits: Permits::new(options.max_in_flight) })
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
        match self.router.route(user.as_bytes()) {
            Route::Local => {}
            Route::Remote(_) | Route::Nowhere => return Err(CallError::Unreachable),
        }
        let outcome = self.serve(user, attempt, request, deadline).await?;
        serde_json::from_str(outcome.get())
            .map_err(|_| CallError::Corrupt("an outcome is not of its command's kind".to_owned()))
    }

    /// Serves a request as the owner of `user`.
    async fn serve(&self, user: UserId, attempt: &Attempt, request: Request, deadline: Deadline) -> Answer {
        match request {
            Request::Decide(body) => self.decide(user, attempt, body, deadline).await,
            Request::CheckPassword(check) => work::check_password(self, user, attempt, check, deadline).await,
            Request::CheckBackupCode(check) => work::check_backup_code(self, user, attempt, check, deadline).await,
            Request::ChangePassword(change) => work::change_password(self, user, attempt, change, deadline).await,
        }
    }

    /// One message to the actor of `user`. If the actor goes away under it, it is sent once more, marked as repeated.
    pub(super) async fn decide(&self, user: UserId, attempt: &Attempt, body: Body, deadline: Deadline) -> Answer {
        let first_sent_at = self.directory.shared.clock.now();
        let delivery = Arc::new(Delivery { attempt: attempt.clone(), edge: self.router.me().clone(), body });
        for first_sent_at in [None, Some(first_sent_at)] {
            let (reply, answer) = oneshot::channel();
            let delivery = Arc::clone(&delivery);
            let message = Message::Decide { delivery, first_sent_at, deadline, reply };
            if let Some(answer) = self.exchange(user, message, answer, deadline).await? {
                return answer;
            }
        }
        Err(CallError::Unavailable("the account's actor failed twice".to_owned()))
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

    /// Stops every actor after what is in its mailbox.
    pub async fn stop(&self, within: Duration) {
        self.directory.stop(within).await;
    }
}
