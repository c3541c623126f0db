//! Tasks of this crate: each ends with what started it, and one that panics is reported and begun again.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt;
use tokio::task::JoinSet;

/// Before a task that panicked is begun again.
const PAUSE: Duration = Duration::from_secs(1);

/// Tasks that end when this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Tasks(JoinSet<()>);

impl Tasks {
    /// Runs what `begin` makes until it returns; begins it again if it panics.
    pub(crate) fn run<F, Fut>(&mut self, name: &'static str, mut begin: F)
    where
        F: FnMut() -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.0.spawn(async move {
            while AssertUnwindSafe(begin()).catch_unwind().await.is_err() {
                tracing::error!(task = name, "a task panicked and is begun again");
                metrics::counter!("doorward_cluster_task_panics_total", "task" => name).increment(1);
                tokio::time::sleep(PAUSE).await;
            }
        });
    }
}
