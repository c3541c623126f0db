//! Sleep of the machine, which the monotonic clock does not count.

use std::sync::atomic::{AtomicU64, Ordering};

/// Sleep beyond this is noticed, in milliseconds. No machine falls asleep and wakes up within it.
const TOLERANCE_MS: u64 = 10;

/// How long the machine has slept, as far as it was noticed.
pub(super) struct Sleep {
    /// How long it has slept since it started, in milliseconds.
    source: Box<dyn Fn() -> u64 + Send + Sync>,
    noted_ms: AtomicU64,
}

impl std::fmt::Debug for Sleep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sleep").field("noted_ms", &self.noted_ms).finish_non_exhaustive()
    }
}

impl Sleep {
    /// By this machine's clocks.
    pub(super) fn of_machine() -> Self {
        Self::by(crate::clock_watch::slept_ms)
    }

    /// By `source`, which says how many milliseconds the machine has slept since it started.
    pub(super) fn by(source: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        let noted_ms = AtomicU64::new(source());
        Self { source: Box::new(source), noted_ms }
    }

    /// What to note, if the machine has slept since the last note. It is noted only after it was acted upon, so that whoever
    /// finds it noted finds that done.
    pub(super) fn look(&self) -> Option<u64> {
        let (noted, slept) = (self.noted_ms.load(Ordering::Acquire), (self.source)());
        (slept > noted + TOLERANCE_MS).then_some(slept)
    }

    pub(super) fn noted(&self, slept_ms: u64) {
        self.noted_ms.fetch_max(slept_ms, Ordering::Release);
    }
}
