//! What bounds a call: a deadline for the whole request, and a permit in flight. No permit: `Overloaded`, at once.

use std::{sync::Arc, time::Duration};

use schema::StoreError;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

use crate::hasher::HashError;

/// When an answer stops being worth anything. One per request, handed on and never renewed.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    /// This long from now.
    pub fn after(span: Duration) -> Self {
        #[expect(clippy::disallowed_methods, reason = "a deadline is made once, at the edge, of the monotonic clock")]
        Self(Instant::now() + span)
    }

    /// At this moment, which another node's caller set.
    pub const fn at(instant: Instant) -> Self {
        Self(instant)
    }

    /// Half of what is left, for one of several who may be asked.
    #[must_use]
    pub fn half(self) -> Self {
        Self(self.0 - self.remaining() / 2)
    }

    /// Is it over?
    pub fn is_over(self) -> bool {
        self.remaining().is_zero()
    }

    /// What is left.
    pub fn remaining(self) -> Duration {
        #[expect(clippy::disallowed_methods, reason = "what is left is a question to the monotonic clock")]
        self.0.saturating_duration_since(Instant::now())
    }

    /// The point in time.
    pub const fn instant(self) -> Instant {
        self.0
    }
}

/// Why a call has no answer. None of them says that nothing happened, but for `Overloaded`. Travels between nodes as part
/// of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
pub enum CallError {
    /// Too much is in flight already; nothing was done.
    #[error("too many requests are in flight")]
    Overloaded,
    /// The deadline passed.
    #[error("the deadline passed")]
    TimedOut,
    /// The store cannot be reached, or an outcome stayed unknown.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// The owner is elsewhere and could not be asked.
    #[error("the owner is not reachable")]
    Unreachable,
    /// Stored data is not what it must be.
    #[error("stored data cannot be used: {0}")]
    Corrupt(String),
    /// An attempt id came again with another command (HAZARDS H5).
    #[error("an attempt id was used for two commands")]
    AttemptMismatch,
}

impl From<StoreError> for CallError {
    /// The one place where an operation of the store ends a call; counted here.
    fn from(error: StoreError) -> Self {
        let kind = match &error {
            StoreError::Unavailable(_) => "unavailable",
            StoreError::Unknown(_) => "unknown",
            StoreError::Corrupt { .. } => "corrupt",
        };
        metrics::counter!("doorward_store_errors_total", "kind" => kind).increment(1);
        match error {
            StoreError::Unavailable(reason) | StoreError::Unknown(reason) => Self::Unavailable(reason),
            StoreError::Corrupt { .. } => Self::Corrupt(error.to_string()),
        }
    }
}

impl From<HashError> for CallError {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Overloaded => Self::Overloaded,
            HashError::Unreadable(_) => Self::Corrupt(error.to_string()),
        }
    }
}

/// Bounds what is in flight.
#[derive(Clone, Debug)]
pub struct Permits(Arc<Semaphore>);

impl Permits {
    /// At most `limit` at a time.
    pub fn new(limit: usize) -> Self {
        Self(Arc::new(Semaphore::new(limit)))
    }

    /// One of them, now or not at all.
    pub fn take(&self) -> Result<OwnedSemaphorePermit, CallError> {
        Arc::clone(&self.0).try_acquire_owned().map_err(|_| CallError::Overloaded)
    }
}
