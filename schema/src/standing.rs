//! Whether a store may be served from, as the store itself says. Everybody who opens one for serving asks [`check`]
//! first: a store that was moved elsewhere, or that is only half filled or half restored, must not answer anybody.

use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::{
    AttemptId, Commit, Kind, Operation, PartitionKey, Put, Revision, Store, StoreError, Timestamp, WriteSet,
    record::{Standing, StoreStanding, Unknown},
    resolve::commit_resolved,
};

/// The id of the partition.
pub const PARTITION: &str = "standing";
pub(crate) const ITEM: &str = "standing";

/// Why a store does not open for serving.
#[derive(Debug, Error)]
pub enum NotServing {
    /// Copying began and did not end.
    #[error(
        "this store is being copied to {to}; finish that with `doorward store copy`, the same --from and --to as \
         before, or give it up with `doorward store copy --give-up` and the same --from"
    )]
    Moving {
        /// Where to.
        to: String,
    },
    /// It was copied.
    #[error("this store was moved to {to} and is retired; set store.url to that")]
    Retired {
        /// Where to.
        to: String,
    },
    /// It is not filled yet.
    #[error("this store is not filled yet: finish `doorward store copy` from {from} to it")]
    Copying {
        /// Where from.
        from: String,
    },
    /// What ends by a restore has not ended yet.
    #[error("this store came out of a backup and is not ready; finish that with `doorward store restored`")]
    Restoring,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Where it is said.
pub fn partition() -> PartitionKey {
    PartitionKey::new(Kind::Cluster, PARTITION)
}

/// What the store says of itself, and the revision that it says it at.
pub async fn read(store: &dyn Store) -> Result<(Option<Revision>, Standing), StoreError> {
    let key = partition();
    let found = store.load(&key, &[ITEM]).await?;
    let said: Option<StoreStanding> = found.get(&key, ITEM)?;
    Ok((found.revision, said.map_or(Standing::Serving, |said| said.standing)))
}

/// May it be served from?
pub async fn check(store: &dyn Store) -> Result<(), NotServing> {
    judge(read(store).await?.1)
}

/// May a store that says this be served from?
pub(crate) fn judge(standing: Standing) -> Result<(), NotServing> {
    match standing {
        Standing::Serving => Ok(()),
        Standing::Moving { to, .. } => Err(NotServing::Moving { to }),
        Standing::Retired { to, .. } => Err(NotServing::Retired { to }),
        Standing::Copying { from, .. } => Err(NotServing::Copying { from }),
        Standing::Restoring { .. } => Err(NotServing::Restoring),
    }
}

/// Says something else, if what was `read` is still what it says. Gives the new revision.
pub async fn write(
    store: &dyn Store,
    expected: Option<Revision>,
    standing: Standing,
    at: Timestamp,
) -> Result<Revision, StoreError> {
    let key = partition();
    let body = StoreStanding { standing, unknown: Unknown::default() };
    let write = saying(&key, expected, Put::record(ITEM, &body, None), at);
    match commit_resolved(store, write).await? {
        Commit::Committed(revision) => Ok(revision),
        Commit::Conflict => {
            Err(StoreError::Unavailable(format!("{key} changed meanwhile; does the same command run twice?")))
        }
    }
}

/// A commit of one item, in which a store says something about itself.
pub(crate) fn saying(key: &PartitionKey, expected: Option<Revision>, put: Put, at: Timestamp) -> WriteSet {
    // Whoever says the same at the same moment may count as the same: it is an operator's command.
    let digest: [u8; 32] =
        Sha256::new().chain_update(put.body.json.get()).chain_update(at.as_millis().to_be_bytes()).finalize().into();
    let (id, rest) = digest.split_first_chunk::<16>().unwrap_or((&[0; 16], &[]));
    let first = rest.iter().take(8).fold(0, |bits: u64, byte| bits << 8 | u64::from(*byte));
    let outcome = serde_json::value::RawValue::NULL.to_owned();
    WriteSet {
        partition: key.clone(),
        expected,
        first: Revision::first(first),
        operation: Operation { id: AttemptId::from_bytes(*id), digest, outcome },
        at,
        puts: vec![put],
        deletes: Vec::new(),
        partition_expires_at: None,
        note_dirty: false,
    }
}
