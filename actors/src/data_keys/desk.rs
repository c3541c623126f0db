//! The steps in which a master key is replaced, as operators ask for them.

use std::{sync::Arc, time::Duration};

use cluster::Authority;
use schema::{
    KeyId, Put, Store, StoreError, Timestamp,
    record::{ActiveKey, Canary},
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{
    ACTIVE, CANARY, DataKeysError, canary_item, check, new_canary, partition,
    reseal::{self, Resealed, Uses},
    rings::{Lack, who_lacks},
};
use crate::{
    clock::{Clock, certain},
    entropy::Entropy,
    generations::{Generations, Unannounced},
    transact::{Transaction, transact},
    vault::Vault,
};

/// What was being sealed when another key became the active one is stored by then.
const SETTLED: Duration = Duration::from_mins(2);

/// A master key, as operators see it. Never the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataKeyView {
    /// Its id.
    pub id: KeyId,
    /// Does it seal?
    pub active: bool,
    /// Since when the store knows it, which is since it was first active; `None`: it was not yet.
    pub known_since: Option<Timestamp>,
}

/// Why a step was not taken.
#[derive(Debug, Error)]
pub enum RotationError {
    /// This node's ring has no such key.
    #[error("master key {0} is not in the key ring of this node; add it to the ring of every node first")]
    NotHere(KeyId),
    /// Another node's ring has no such key.
    #[error("node {node} has no master key {key} in its ring; add it to the ring of every node and restart it first")]
    NotThere {
        /// Which node.
        node: String,
        /// Which key.
        key: KeyId,
    },
    /// Another node has another key of that id.
    #[error("node {node} has another key under the id {key}; give all nodes the same ring")]
    Differs {
        /// Which node.
        node: String,
        /// Which key.
        key: KeyId,
    },
    /// The active key cannot be retired.
    #[error("master key {0} is the active one; activate another one first")]
    Active(KeyId),
    /// The store knows no such key.
    #[error("the store knows no master key {0}; it may be taken out of the ring")]
    Unknown(KeyId),
    /// Something is sealed with it.
    #[error("{what} of the store still rests on master key {key}; {advice}")]
    InUse {
        /// Which key.
        key: KeyId,
        /// What rests on it.
        what: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// It is too early.
    #[error("another master key became the active one less than two minutes ago; try again in a moment")]
    TooEarly,
    /// It is the active one now, and not every node knows it yet.
    #[error(transparent)]
    Unannounced(#[from] Unannounced),
    /// Keys and store.
    #[error(transparent)]
    Keys(#[from] DataKeysError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Replaces master keys. Cheap to clone.
#[derive(Clone)]
pub struct DataKeys {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) authority: Arc<Authority>,
    pub(crate) generations: Generations,
}

impl std::fmt::Debug for DataKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DataKeys").field("vault", &self.vault).finish_non_exhaustive()
    }
}

impl DataKeys {
    /// The keys of this node's ring.
    pub async fn list(&self) -> Result<Vec<DataKeyView>, RotationError> {
        let key = partition();
        let found = self.store.load(&key, &[CANARY]).await?;
        let view = |id: &KeyId| {
            let canary: Option<Canary> = found.get(&key, &canary_item(id))?;
            let known_since = canary.map(|canary| canary.created_at);
            Ok(DataKeyView { id: id.clone(), active: id == self.vault.active(), known_since })
        };
        self.vault.key_ids().map(view).collect()
    }

    /// Makes a key the one that seals. Every node must have it. Returns when every node seals with it.
    pub async fn activate(&self, id: &KeyId) -> Result<(), RotationError> {
        self.everybody_has(id).await?;
        let (key, now) = (partition(), certain(self.clock.as_ref())?);
        let item = canary_item(id);
        let change = self.generations.change(&key);
        transact(self.store.as_ref(), self.entropy.as_ref(), &key, now, |partition| {
            let Some(known) = partition.get::<ActiveKey>(&key, ACTIVE)? else {
                return Ok(Transaction::answer(Err(DataKeysError::Missing(id.to_string()))));
            };
            let canary = match partition.get::<Canary>(&key, &item)? {
                Some(canary) => check(&self.vault, &canary).map(|()| None),
                None => new_canary(&self.vault, id, self.entropy.as_ref(), now).map(Some),
            };
            let canary = match canary {
                Ok(canary) => canary,
                Err(error) => return Ok(Transaction::answer(Err(error))),
            };
            if known.key == *id {
                return Ok(Transaction::answer(Ok(())));
            }
            let active = ActiveKey { key: id.clone(), since: now, ..known };
            let mut transaction = Transaction::put(Put::record(ACTIVE, &active, None), Ok(()));
            transaction.puts.extend(canary.map(|canary| Put::record(item.clone(), &canary, None)));
            Ok(Transaction { config: !self.generations.is_alone(), ..transaction })
        })
        .await??;
        self.vault.activate(id).map_err(DataKeysError::from)?;
        Ok(change.announce().await?)
    }

    async fn everybody_has(&self, id: &KeyId) -> Result<(), RotationError> {
        let fingerprint = self.vault.fingerprint(id).map_err(|_| RotationError::NotHere(id.clone()))?;
        if self.authority.is_alone() {
            return Ok(());
        }
        match who_lacks(self.store.as_ref(), &self.authority, id.as_str(), &fingerprint).await? {
            None => Ok(()),
            Some((node, Lack::Absent)) => Err(RotationError::NotThere { node, key: id.clone() }),
            Some((node, Lack::Different)) => Err(RotationError::Differs { node, key: id.clone() }),
        }
    }

    /// Seals anew, under the active key, what some users have stored under others; `after` is where the last call ended.
    /// May be begun again at any time: what is done is not done twice.
    pub async fn reseal(&self, after: Option<&str>) -> Result<Resealed, RotationError> {
        reseal::page(self, after).await
    }

    /// Lets the store forget a key that nothing rests on: it may then be taken out of the ring.
    pub async fn retire(&self, id: &KeyId) -> Result<(), RotationError> {
        let (key, now, item) = (partition(), certain(self.clock.as_ref())?, canary_item(id));
        let found = self.store.load(&key, &[ACTIVE, CANARY]).await?;
        let Some(active) = found.get::<ActiveKey>(&key, ACTIVE)? else {
            return Err(RotationError::Unknown(id.clone()));
        };
        if active.key == *id {
            return Err(RotationError::Active(id.clone()));
        }
        if !found.items.contains_key(item.as_str()) {
            return Err(RotationError::Unknown(id.clone()));
        }
        if active.since.after(SETTLED) > now {
            return Err(RotationError::TooEarly);
        }
        if let Some(uses) = reseal::uses(self, id).await? {
            let (what, advice) = match uses {
                Uses::Sealed => ("a secret", "seal it anew first (doorward keys data reseal)"),
                Uses::Password => (
                    "a password",
                    "it is hashed anew when its user signs in next, or when the user is given a link for another one \
                     (doorward user password reset)",
                ),
                Uses::BackupCodes => ("a set of backup codes", "it lasts until its user makes a new one"),
            };
            return Err(RotationError::InUse { key: id.clone(), what, advice });
        }
        transact(self.store.as_ref(), self.entropy.as_ref(), &key, now, |partition| {
            // Made the active one again meanwhile: then it stays.
            let active = partition.get::<ActiveKey>(&key, ACTIVE)?.is_some_and(|active| active.key == *id);
            let there = partition.items.contains_key(item.as_str()) && !active;
            let deletes = there.then(|| item.clone().into()).into_iter().collect();
            let answer = if active { Err(RotationError::Active(id.clone())) } else { Ok(()) };
            Ok(Transaction { deletes, ..Transaction::answer(answer) })
        })
        .await?
    }
}
