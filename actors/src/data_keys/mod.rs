//! From master keys to a vault: which key is active and what this store's incarnation is are records of the store, and a
//! canary per key shows that a ring and a store belong together (HAZARDS H19).
//!
//! A master key is replaced in steps ([`DataKeys`]): the new one is added to the ring of every node, then made the active
//! one, what is stored under the old one is sealed anew, and the old one is retired. A key has a canary from the moment it
//! was first active until it is retired: in that time no ring may lack it.

mod desk;
mod reseal;
mod rings;

use schema::{
    KeyId, Kind, PartitionKey, Put, Store, StoreError, Timestamp,
    record::{ActiveKey, Canary, Unknown},
};
use thiserror::Error;

pub use desk::{DataKeyView, DataKeys, RotationError};
pub use reseal::Resealed;
pub(crate) use rings::publish;

use crate::{
    entropy::Entropy,
    transact::{Transaction, transact},
    vault::{KeyRingError, MasterKeys, OpenError, Vault},
};

const ACTIVE: &str = "active";
const CANARY: &str = "canary/";

/// Why the store and the master keys do not go together.
#[derive(Debug, Error)]
pub enum DataKeysError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The ring.
    #[error(transparent)]
    Ring(#[from] KeyRingError),
    /// The canary of a key does not open.
    #[error("master key {0} is not the one that this store was sealed with; start with the ring that belongs to it")]
    Canary(String),
    /// A key that this store knows is not in the ring.
    #[error("this store is sealed with master key {0}, which is not in the configured ring")]
    Missing(String),
}

fn partition() -> PartitionKey {
    PartitionKey::new(Kind::Keyring, "data")
}

fn canary_item(id: &KeyId) -> String {
    format!("{CANARY}{id}")
}

/// Opens the vault of a store; a new store gets its incarnation and its active key here.
pub async fn open_vault(
    store: &dyn Store,
    keys: &MasterKeys,
    entropy: &dyn Entropy,
    now: Timestamp,
) -> Result<Vault, DataKeysError> {
    let key = partition();
    let drawn = data_encoding::BASE64URL_NOPAD.encode(&entropy.array::<16>());
    let active = transact(store, entropy, &key, now, |partition| {
        if let Some(known) = partition.get::<ActiveKey>(&key, ACTIVE)? {
            return Ok(Transaction::answer(known));
        }
        let active = ActiveKey {
            key: keys.first().clone(),
            incarnation: drawn.clone(),
            since: now,
            unknown: Unknown::default(),
        };
        Ok(Transaction::put(Put::record(ACTIVE, &active, None), active))
    })
    .await?;
    if !keys.ids().any(|id| *id == active.key) {
        return Err(DataKeysError::Missing(active.key.to_string()));
    }
    let vault = Vault::new(keys, active.key.clone(), &active.incarnation)?;
    transact(store, entropy, &key, now, |partition| {
        // Another node may have made another key the active one meanwhile: then that has its canary.
        for (_, canary) in partition.list::<Canary>(&key, CANARY)? {
            if let Err(error) = check(&vault, &canary) {
                return Ok(Transaction::answer(Err(error)));
            }
        }
        let item = canary_item(&active.key);
        if partition.items.contains_key(item.as_str()) {
            return Ok(Transaction::answer(Ok(())));
        }
        Ok(match new_canary(&vault, &active.key, entropy, now) {
            Ok(canary) => Transaction::put(Put::record(item, &canary, None), Ok(())),
            Err(error) => Transaction::answer(Err(error)),
        })
    })
    .await??;
    Ok(vault)
}

/// Takes over what the store says is the active key.
pub(crate) async fn follow(store: &dyn Store, vault: &Vault) -> Result<(), DataKeysError> {
    let key = partition();
    let found = store.load(&key, &[ACTIVE, CANARY]).await?;
    let Some(active) = found.get::<ActiveKey>(&key, ACTIVE)? else { return Ok(()) };
    if active.key == *vault.active() {
        return Ok(());
    }
    if let Some(canary) = found.get::<Canary>(&key, &canary_item(&active.key))? {
        check(vault, &canary)?;
    }
    vault.activate(&active.key)?;
    tracing::info!(key = %active.key, "another master key seals from now on");
    Ok(())
}

/// A key that the store knows and the ring has lost: what it sealed would look forged, and count as failures.
fn check(vault: &Vault, canary: &Canary) -> Result<(), DataKeysError> {
    match vault.check_canary(&canary.key, &canary.sealed) {
        Ok(()) => Ok(()),
        Err(OpenError::UnknownKey(id)) => Err(DataKeysError::Missing(id.to_string())),
        Err(_) => Err(DataKeysError::Canary(canary.key.to_string())),
    }
}

fn new_canary(vault: &Vault, id: &KeyId, entropy: &dyn Entropy, now: Timestamp) -> Result<Canary, DataKeysError> {
    let sealed = vault.make_canary(id, entropy).map_err(|_| DataKeysError::Missing(id.to_string()))?;
    Ok(Canary { key: id.clone(), sealed, created_at: now, unknown: Unknown::default() })
}
