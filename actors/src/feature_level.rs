//! The level that data may be written in (HAZARDS H15): what a stored record can mean grows with versions, and an older node
//! must never meet what it cannot judge. So new meaning is written only when every member of the view understands it.
//!
//! The level is a record of the store. It is raised when no member of the view is below, and never lowered: a node below it
//! cannot work on this store any more.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use cluster::Authority;
use schema::{
    Kind, PartitionKey, Put, Store, StoreError,
    record::{self, Unknown},
};
use thiserror::Error;
use tokio::sync::watch;

use crate::{
    clock::{Clock, stamp},
    entropy::Entropy,
    transact::{Transaction, transact},
};

/// The newest meaning of stored data that this version understands; a member states it in the view.
///
/// | level | what may be written from it on |
/// |---|---|
/// | 2 | addresses that get codes, messages, proofs by a code that was sent |
/// | 3 | phones that get codes, passkeys, trusted devices, policies |
/// | 4 | links by e-mail, registrations by address, recovery that waits, policies of operations and of several steps, attested passkeys, languages, counts of text messages, a second step asked of one account, an account's own address that awaits its proof, a password that somebody else may know |
pub const LEVEL: u32 = if cfg!(feature = "next-version") { 5 } else { 4 };

const ITEM: &str = "level";
/// One read takes this long at most.
const READ_WITHIN: Duration = Duration::from_millis(300);

/// Why this node cannot work on the store.
#[derive(Debug, Error)]
pub enum LevelError {
    /// The data says more than this version understands.
    #[error(
        "the data of this store is of level {stored}, and this version of the program understands {LEVEL}; start a newer one"
    )]
    TooOld {
        /// The level of the store.
        stored: u32,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The level of a store. Cheap to clone.
#[derive(Clone)]
pub struct FeatureLevel {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    authority: Arc<Authority>,
    current: Arc<AtomicU32>,
    /// The level of the store, when it was found above this version's.
    outgrown: watch::Sender<Option<u32>>,
}

impl std::fmt::Debug for FeatureLevel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FeatureLevel").field("current", &self.current()).finish_non_exhaustive()
    }
}

impl FeatureLevel {
    /// Reads the level of a store; refuses one that is above this version's.
    pub async fn open(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        authority: Arc<Authority>,
    ) -> Result<Self, LevelError> {
        let level =
            Self { store, clock, entropy, authority, current: Arc::default(), outgrown: watch::Sender::new(None) };
        let found = level.store.load(&partition(), &[ITEM]).await?;
        level.take(stored(&found)?)?;
        level.raise().await?;
        Ok(level)
    }

    /// The level that data may be written in now: no member of the cluster is below it, nor will one be.
    pub fn current(&self) -> u32 {
        self.current.load(Ordering::Acquire)
    }

    /// Is it known what may be written? Not before a node of a new cluster has found itself in the view.
    pub fn is_known(&self) -> bool {
        self.current() > 0
    }

    /// Reads the level again and raises it, if everybody in the view is above. To be called when the view has changed. The
    /// error says that this node must stop.
    pub async fn follow(&self) -> Result<(), LevelError> {
        let key = partition();
        let read = tokio::time::timeout(READ_WITHIN, self.store.peek(&key, &[ITEM])).await;
        let late = |_| StoreError::Unavailable("the level of the data was not read in time".to_owned());
        self.take(stored(&read.map_err(late)??)?)?;
        self.raise().await
    }

    /// Returns once the data has been found to say more than this version understands; then the process must end.
    pub async fn outgrown(&self) -> LevelError {
        let mut outgrown = self.outgrown.subscribe();
        let found = outgrown.wait_for(Option::is_some).await.ok().and_then(|stored| *stored);
        match found {
            Some(stored) => LevelError::TooOld { stored },
            // This holds the sender.
            None => std::future::pending().await,
        }
    }

    fn take(&self, stored: u32) -> Result<(), LevelError> {
        if stored > LEVEL {
            self.outgrown.send_replace(Some(stored));
            return Err(LevelError::TooOld { stored });
        }
        self.current.fetch_max(stored, Ordering::AcqRel);
        metrics::gauge!("doorward_data_level").set(self.current());
        Ok(())
    }

    async fn raise(&self) -> Result<(), LevelError> {
        let common = self.common();
        if common <= self.current() {
            return Ok(());
        }
        let (key, now) = (partition(), stamp(self.clock.as_ref()));
        let level = transact(self.store.as_ref(), self.entropy.as_ref(), &key, now, |partition| {
            let before: Option<record::FeatureLevel> = partition.get(&key, ITEM)?;
            let (level, unknown) = before.map_or((0, Unknown::default()), |level| (level.level, level.unknown));
            if level >= common {
                return Ok(Transaction::answer(level));
            }
            Ok(Transaction::put(Put::record(ITEM, &record::FeatureLevel { level: common, unknown }, None), common))
        })
        .await?;
        self.take(level)
    }

    /// What everybody understands; 0 while nobody is known.
    fn common(&self) -> u32 {
        if self.authority.is_alone() {
            return LEVEL;
        }
        let view = self.authority.view();
        view.members.iter().map(|member| member.level).min().unwrap_or(0).min(LEVEL)
    }
}

fn partition() -> PartitionKey {
    PartitionKey::new(Kind::Cluster, "level")
}

fn stored(found: &schema::Partition) -> Result<u32, StoreError> {
    let level: Option<record::FeatureLevel> = found.get(&partition(), ITEM)?;
    Ok(level.map_or(0, |level| level.level))
}
