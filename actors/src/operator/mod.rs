//! What operators do by the command line: one request, one response, each change audited under the operator's name. The
//! same code serves the running server's command socket and a command that opened the store itself.

mod mfa;
mod recovery;
mod wire;

use std::{collections::BTreeMap, sync::Arc};

use schema::{
    ClientId, Kind, PartitionKey, StoreError, UserId,
    record::{Account, AccountStatus, AuditEvent, Client, Policy, PolicyScope, Unknown},
};
use serde_json::Value;

pub use self::wire::{ClientView, RecoveryRow, Request, Response, UserView};

use crate::{
    Services,
    call::{CallError, Deadline},
    clients::{ClientError, NewClient},
    data_keys::RotationError,
    domain::{
        assurance::Acr,
        command::{
            ChangeRole, ChangeRoleOutcome, Decide, DisableUser, EnableUser, EndAllSessions, ExplainPolicies,
            IssueReset, IssueResetOutcome, Overview, ResetMfa,
        },
        context::{Attempt, Origin},
        operation, policy, role,
        user::User,
    },
    key_ring::KeyRingError,
    policies::{self, PolicyError},
};

/// Users in one page of a list.
const PAGE: usize = 200;

/// Why a request was not served.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// There is nobody of that name or id.
    #[error("there is no user {0:?}")]
    NoUser(String),
    /// Clients.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// Keys.
    #[error(transparent)]
    Keys(#[from] KeyRingError),
    /// Master keys.
    #[error(transparent)]
    DataKeys(#[from] RotationError),
    /// The account.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Policies.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// Not every node understands policies yet.
    #[error("not every node of the cluster understands policies yet; try again when all are of this version")]
    TooEarly,
    /// There is no such operation there.
    #[error(
        "there is no operation {0:?} there: those of the account are {own}, those of an application are registered by a policy \
         (doorward policy set --client … --operation …)",
        own = operation::OWN.join(" and ")
    )]
    NoOperation(String),
    /// No such role, or too many.
    #[error(
        "a role has 1 to {} of the characters a-z, 0-9, - and _, and a user {} roles at most",
        role::MAX,
        role::MAX_OF_A_USER
    )]
    Role,
    /// No device of the user is called so.
    #[error("{user:?} has no second factor {device:?}; doorward user mfa list shows their ids")]
    NoDevice {
        /// Whose.
        user: String,
        /// As it was named.
        device: String,
    },
    /// Several are called so.
    #[error("{user:?} has several second factors {device:?}; name it by its id, which doorward user mfa list shows")]
    SeveralDevices {
        /// Whose.
        user: String,
        /// As it was named.
        device: String,
    },
    /// Not every node asks for a second step of one account.
    #[error("not every node of the cluster can ask it of one account yet; try again when all are of this version")]
    TooEarlyForOne,
    /// A disabled account gets no link.
    #[error("the account is disabled; enable it first (doorward user enable)")]
    Disabled,
}

impl OperatorError {
    /// Is what was asked for stored all the same?
    const fn is_after_the_change(&self) -> bool {
        matches!(
            self,
            Self::Client(ClientError::Unannounced(_))
                | Self::Policy(PolicyError::Unannounced(_))
                | Self::Keys(KeyRingError::Unannounced(_))
                | Self::DataKeys(RotationError::Unannounced(_))
        )
    }
}

fn fact(name: &str, value: &str) -> BTreeMap<String, Value> {
    [(name.to_owned(), value.into())].into()
}

/// Serves operators.
#[derive(Clone, Debug)]
pub struct Operator {
    services: Services,
}

impl Operator {
    /// An operator's desk over these services.
    pub const fn new(services: Services) -> Self {
        Self { services }
    }

    /// Serves a request of `actor`, such as `operator uid 0`. A refusal is a response too.
    pub async fn run(&self, actor: String, request: Request, deadline: Deadline) -> Response {
        let who = Origin { actor: Some(actor), ..Origin::default() };
        let attempt = self.services.attempt(who);
        match self.serve(&attempt, request, deadline).await {
            Ok(response) => response,
            Err(error) => Response::Refused { message: error.to_string() },
        }
    }

    async fn serve(&self, by: &Attempt, request: Request, deadline: Deadline) -> Result<Response, OperatorError> {
        match request {
            Request::ClientCreate(new) => self.create_client(by, new).await,
            Request::ClientList => {
                let clients = self.services.clients.list().await?;
                Ok(Response::Clients(clients.into_iter().map(ClientView::from).collect()))
            }
            Request::ClientRotateSecret(id) => self.rotate_secret(by, &id).await,
            Request::ClientDelete(id) => {
                let deleted = self.services.clients.delete(&id).await.map_err(OperatorError::from);
                self.stored(by, deleted, "client.deleted", fact("client", id.as_str())).await?;
                Ok(Response::Changed { changed: true, count: 1 })
            }
            Request::UserList { after } => self.list_users(after).await,
            Request::UserShow(who) => self.show_user(by, &who, deadline).await,
            Request::UserDisable(who) => self.switch(by, &who, DisableUser, deadline).await,
            Request::UserEnable(who) => self.switch(by, &who, EnableUser, deadline).await,
            Request::UserEndSessions(who) => self.count(by, &who, EndAllSessions { except: None }, deadline).await,
            Request::UserMfaReset(who) => self.count(by, &who, ResetMfa, deadline).await,
            Request::UserMfaRemove { user, device } => self.remove_device(by, &user, &device, deadline).await,
            Request::UserMfaRequire { user, required } => self.require_mfa(by, &user, required, deadline).await,
            Request::UserRecoveryList { after } => self.list_recoveries(after).await,
            Request::UserRecoveryCancel(who) => self.cancel_recovery(by, &who, deadline).await,
            Request::UserPasswordReset(who) => self.reset_link(by, &who, deadline).await,
            Request::UserRole { user, role, given } => {
                self.change_role(by, &user, ChangeRole { role, given }, deadline).await
            }
            Request::PolicyList => Ok(Response::Policies(self.services.policies.all().await?.to_vec())),
            Request::PolicySet(policy) => self.set_policy(by, *policy).await,
            Request::PolicyRemove(scope) => {
                let removed = self.services.policies.remove(&scope).await.map_err(OperatorError::from);
                if matches!(removed, Ok(false)) {
                    return Ok(Response::Changed { changed: false, count: 0 });
                }
                self.stored(by, removed, "policy.removed", fact("scope", &scope.to_string())).await?;
                Ok(Response::Changed { changed: true, count: 1 })
            }
            Request::PolicyExplain { user, client, operation } => {
                self.explain(by, &user, (client, operation), deadline).await
            }
            Request::KeysList => Ok(Response::Keys(self.services.keys.current().await?.list.clone())),
            Request::KeysRotate(alg) => {
                let keys = self.services.keys.rotate(alg).await.map_err(OperatorError::from);
                let facts = fact("alg", &format!("{alg:?}"));
                self.stored(by, keys, "signing_key.rotated", facts).await.map(Response::Keys)
            }
            Request::DataKeysList => Ok(Response::DataKeys(self.services.data_keys.list().await?)),
            Request::DataKeysActivate(id) => {
                let activated = self.services.data_keys.activate(&id).await.map_err(OperatorError::from);
                self.stored(by, activated, "master_key.activated", fact("key", id.as_str())).await?;
                Ok(Response::DataKeys(self.services.data_keys.list().await?))
            }
            Request::DataKeysReseal { after } => self.reseal(by, after.as_deref()).await,
            Request::DataKeysRetire(id) => {
                self.services.data_keys.retire(&id).await?;
                self.tell(by, "master_key.retired", "key", id.as_str()).await?;
                Ok(Response::Changed { changed: true, count: 1 })
            }
        }
    }

    async fn set_policy(&self, by: &Attempt, policy: Policy) -> Result<Response, OperatorError> {
        let level = self.services.level.current();
        if level < policies::level(&policy) {
            return Err(OperatorError::TooEarly);
        }
        if let PolicyScope::Client { client } | PolicyScope::Operation { client: Some(client), .. } = &policy.scope {
            self.client(client).await?;
        }
        if Acr::parse(&policy.at_least).is_some_and(|acr| acr > self.services.highest_acr()) {
            return Err(PolicyError::NotVouched(policy.at_least).into());
        }
        let facts = policies::facts(&policy);
        let set = self.services.policies.set_at(level, policy).await.map_err(OperatorError::from);
        Ok(Response::Policies(vec![self.stored(by, set, "policy.set", facts).await?]))
    }

    async fn explain(
        &self,
        by: &Attempt,
        who: &str,
        (client, operation): (Option<ClientId>, Option<String>),
        deadline: Deadline,
    ) -> Result<Response, OperatorError> {
        if let Some(id) = &client {
            self.client(id).await?;
        }
        let policies = self.services.policies.all().await?.to_vec();
        let known = |operation: &String| match &client {
            Some(client) => policy::registered(&policies, client).contains(operation),
            None => operation::OWN.contains(&operation.as_str()),
        };
        if let Some(unknown) = operation.as_ref().filter(|operation| !known(operation)) {
            return Err(OperatorError::NoOperation(unknown.clone()));
        }
        let user = self.find(who).await?;
        let command = ExplainPolicies { policies, client, operation };
        let explained = self.services.accounts.ask(user, by, command, deadline).await?;
        explained.map(Response::Explained).ok_or_else(|| OperatorError::NoUser(who.to_owned()))
    }

    async fn client(&self, id: &ClientId) -> Result<Arc<Client>, OperatorError> {
        let found = self.services.clients.get(id).await?;
        found.ok_or_else(|| ClientError::Unknown(id.clone()).into())
    }

    async fn change_role(
        &self,
        by: &Attempt,
        who: &str,
        command: ChangeRole,
        deadline: Deadline,
    ) -> Result<Response, OperatorError> {
        let user = self.find(who).await?;
        match self.services.accounts.ask(user, by, command, deadline).await? {
            ChangeRoleOutcome::Changed => Ok(Response::Changed { changed: true, count: 1 }),
            ChangeRoleOutcome::Unchanged => Ok(Response::Changed { changed: false, count: 0 }),
            ChangeRoleOutcome::NoAccount => Err(OperatorError::NoUser(who.to_owned())),
            ChangeRoleOutcome::Refused => Err(OperatorError::Role),
        }
    }

    async fn reseal(&self, by: &Attempt, after: Option<&str>) -> Result<Response, OperatorError> {
        let done = self.services.data_keys.reseal(after).await?;
        if done.resealed > 0 {
            let active = self.services.vault.active().to_string();
            self.tell(by, "secrets.resealed", "key", &active).await?;
        }
        Ok(Response::Resealed(done))
    }

    async fn create_client(&self, by: &Attempt, new: NewClient) -> Result<Response, OperatorError> {
        let (client, secret) = self.services.clients.create(new).await?;
        self.tell(by, "client.created", "client", client.client.as_str()).await?;
        Ok(Response::Client { client: client.into(), client_secret: secret.map(|secret| secret.expose().clone()) })
    }

    async fn rotate_secret(&self, by: &Attempt, id: &ClientId) -> Result<Response, OperatorError> {
        let rotated = self.services.clients.rotate_secret(id).await.map_err(OperatorError::from);
        let secret = self.stored(by, rotated, "client.secret_rotated", fact("client", id.as_str())).await?;
        let client = self.client(id).await?;
        Ok(Response::Client { client: Client::clone(&client).into(), client_secret: Some(secret.expose().clone()) })
    }

    async fn list_users(&self, after: Option<UserId>) -> Result<Response, OperatorError> {
        let after = after.map(|id| id.to_string());
        let page = self.services.store.scan(Kind::User, after.as_deref(), PAGE, &["account"]).await?;
        let mut users = Vec::new();
        for (id, partition) in &page.partitions {
            let key = PartitionKey::new(Kind::User, id);
            if let Some(account) = partition.get::<Account>(&key, "account")? {
                users.push(UserView {
                    user: account.user,
                    user_name: account.user_name,
                    email: account.email,
                    roles: account.roles.into_iter().collect(),
                    active: account.status == AccountStatus::Active,
                    created_at: account.created_at,
                });
            }
        }
        let next = page.next.and_then(|id| id.parse().ok());
        Ok(Response::Users { users, next })
    }

    async fn show_user(&self, by: &Attempt, who: &str, deadline: Deadline) -> Result<Response, OperatorError> {
        let user = self.find(who).await?;
        let overview = self.services.accounts.ask(user, by, Overview, deadline).await?;
        let overview = overview.ok_or_else(|| OperatorError::NoUser(who.to_owned()))?;
        Ok(Response::User { user, overview: Box::new(overview) })
    }

    async fn switch<C>(&self, by: &Attempt, who: &str, command: C, by_when: Deadline) -> Result<Response, OperatorError>
    where
        C: Decide<Outcome = bool> + Into<crate::domain::command::Body>,
    {
        let user = self.find(who).await?;
        let changed = self.services.accounts.ask(user, by, command, by_when).await?;
        Ok(Response::Changed { changed, count: usize::from(changed) })
    }

    async fn count<C>(&self, by: &Attempt, who: &str, command: C, by_when: Deadline) -> Result<Response, OperatorError>
    where
        C: Decide<Outcome = usize> + Into<crate::domain::command::Body>,
    {
        let user = self.find(who).await?;
        let count = self.services.accounts.ask(user, by, command, by_when).await?;
        Ok(Response::Changed { changed: count > 0, count })
    }

    async fn reset_link(&self, by: &Attempt, who: &str, deadline: Deadline) -> Result<Response, OperatorError> {
        let user = self.find(who).await?;
        if let Some(account) = self.services.accounts.ask(user, by, Overview, deadline).await? {
            // Who is given a link is not kept waiting for what others typed.
            self.services.sign_in.rebound(&account.user_name).await?;
        }
        match self.services.accounts.ask(user, by, IssueReset, deadline).await? {
            IssueResetOutcome::NoAccount => Err(OperatorError::Disabled),
            IssueResetOutcome::Issued { reset, expires_at } => {
                let secret = IssueReset::secret(&by.seed);
                let token = self.services.tokens.locators().reset(user, reset, &secret);
                let url = format!("{}/reset?token={token}", self.services.settings.issuer);
                Ok(Response::ResetLink { url, expires_at })
            }
        }
    }

    /// By id, or by name. The id comes first: everybody can read their own in a token, and give it as a name to a second
    /// account, which would be hit in their place.
    async fn find(&self, who: &str) -> Result<UserId, OperatorError> {
        if let Ok(user) = who.parse::<UserId>()
            && self.services.store.load(&User::partition(user), &["account"]).await?.revision.is_some()
        {
            return Ok(user);
        }
        let by_name = self.services.sign_in.holder(who).await?;
        by_name.ok_or_else(|| OperatorError::NoUser(who.to_owned()))
    }

    /// An event about a change, if it is stored: also where other nodes could not be told of it.
    async fn stored<T: Send>(
        &self,
        by: &Attempt,
        done: Result<T, OperatorError>,
        kind: &str,
        facts: BTreeMap<String, Value>,
    ) -> Result<T, OperatorError> {
        if done.as_ref().is_err_and(|error| !error.is_after_the_change()) {
            return done;
        }
        let told = self.tell_all(by, kind, facts).await;
        let done = done?;
        told?;
        Ok(done)
    }

    /// An event that belongs to no user.
    async fn tell(&self, by: &Attempt, kind: &str, name: &str, value: &str) -> Result<(), StoreError> {
        self.tell_all(by, kind, fact(name, value)).await
    }

    async fn tell_all(&self, by: &Attempt, kind: &str, facts: BTreeMap<String, Value>) -> Result<(), StoreError> {
        let event = AuditEvent {
            kind: kind.to_owned(),
            at: self.services.clock.now(),
            user: None,
            actor: by.origin.actor.clone().unwrap_or_default(),
            address: None,
            facts,
            unknown: Unknown::default(),
        };
        self.services.shipper.record(&format!("operator/{}", by.id), &event).await
    }
}
