//! From master keys to a vault: which key is active and what this store's incarnation is are records of the store, and a
//! canary per key shows that a ring and a store belong together (HAZARDS H19).

use schema::{
    Kind, PartitionKey, Put, Store, StoreError, Timestamp,
    record::{ActiveKey, Canary, Unknown},
};
use thiserror::Error;

use crate::{
    entropy::Entropy,
    transact::{Transaction, transact},
    vault::{KeyRingError, MasterKeys, OpenError, Vault},
};

const ACTIVE: &str = "active";

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

/// Opens the vault of a store; a new store gets its incarnation and its active key here.
pub async fn open_vault(
    store: &dyn Store,
    keys: &MasterKeys,
    entropy: &dyn Entropy,
    now: Timestamp,
) -> Result<Vault, DataKeysError> {
    let key = PartitionKey::new(Kind::Keyring, "data");
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
    let vault = Vault::new(keys, active.key, &active.incarnation)?;
    transact(store, entropy, &key, now, |partition| {
        let mut transaction = Transaction::answer(Ok(()));
        // A key that the store knows and the ring has lost: what it sealed would look forged, and count as failures.
        for (_, canary) in partition.list::<Canary>(&key, "canary/")? {
            if !keys.ids().any(|id| *id == canary.key) {
                return Ok(Transaction::answer(Err(DataKeysError::Missing(canary.key.to_string()))));
            }
        }
        for id in keys.ids() {
            let item = format!("canary/{id}");
            match partition.get::<Canary>(&key, &item)? {
                Some(canary) => {
                    if vault.check_canary(id, &canary.sealed).is_err() {
                        return Ok(Transaction::answer(Err(DataKeysError::Canary(id.to_string()))));
                    }
                }
                None => match vault.make_canary(id, entropy) {
                    Ok(sealed) => {
                        let canary = Canary { key: id.clone(), sealed, created_at: now, unknown: Unknown::default() };
                        transaction.puts.push(Put::record(item, &canary, None));
                    }
                    Err(error) => return Ok(Transaction::answer(Err(unusable(id.as_str(), error)))),
                },
            }
        }
        Ok(transaction)
    })
    .await??;
    Ok(vault)
}

fn unusable(id: &str, _: OpenError) -> DataKeysError {
    DataKeysError::Missing(id.to_owned())
}
