//! Where the view is kept. The implementation is the store's; this crate only knows compare-and-set.

use async_trait::async_trait;
use thiserror::Error;

use crate::View;

/// The row that holds the view.
#[async_trait]
pub trait ViewStore: Send + Sync + 'static {
    /// Reads the view: what was acknowledged before the read began is seen. The empty view, if there is none yet.
    async fn read(&self) -> Result<View, ViewStoreError>;

    /// Writes `next` if the view's epoch is still `expected`; says whether it was so. `next.epoch` is `expected + 1`.
    async fn replace(&self, expected: u64, next: &View) -> Result<bool, ViewStoreError>;
}

/// The view could not be read, or it is not known whether it was written.
#[derive(Clone, Debug, Error)]
#[error("the view: {0}")]
pub struct ViewStoreError(pub String);

impl ViewStoreError {
    /// What was read is older than what is known: another read, which began later, was faster.
    pub fn late() -> Self {
        Self("an older one was read than is known".to_owned())
    }
}
