//! Starts every arrival at its instant. One that is started late is counted, none is skipped, and its latency counts from
//! the instant that was meant.

use std::{
    thread,
    time::{Duration, Instant},
};

use serde::Serialize;
use tokio::{runtime::Handle, task::JoinSet};

use crate::schedule::float;

/// What counts as late.
const LATE: Duration = Duration::from_millis(10);
/// A run with a greater share of late starts did not offer the load that it says.
const TOLERATED: f64 = 0.01;

/// How well the generator kept to its plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Slip {
    /// Arrivals started.
    pub(crate) started: usize,
    /// Arrivals started more than 10 ms after their instant.
    pub(crate) late: usize,
    /// The latest start, in seconds after its instant.
    pub(crate) worst_secs: f64,
}

impl Slip {
    fn note(&mut self, lateness: Duration) {
        self.started += 1;
        self.late += usize::from(lateness > LATE);
        self.worst_secs = self.worst_secs.max(lateness.as_secs_f64());
    }

    /// Was the generator itself the bottleneck?
    pub(crate) fn saturated(&self) -> bool {
        float(self.late) > TOLERATED * float(self.started)
    }
}

/// Starts `visit` for each moment of the plan; blocks its thread until the last is started. The clock of a thread that
/// does nothing else is more exact than the runtime's timer.
pub(crate) fn pace<T, F>(plan: &[Duration], handle: &Handle, visit: impl Fn(usize, Instant) -> F) -> (JoinSet<T>, Slip)
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let (mut visits, mut slip) = (JoinSet::new(), Slip::default());
    let start = Instant::now();
    for (index, at) in plan.iter().enumerate() {
        let intended = start + *at;
        thread::sleep(intended.saturating_duration_since(Instant::now()));
        slip.note(intended.elapsed());
        visits.spawn_on(visit(index, intended), handle);
    }
    (visits, slip)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn every_arrival_is_started_and_none_before_its_instant() {
        let plan: Vec<_> = (0..20).map(Duration::from_millis).collect();
        let handle = Handle::current();
        let paced = tokio::task::spawn_blocking(move || {
            pace(&plan, &handle, |index, intended| async move { (index, Instant::now() >= intended) })
        });
        let (visits, slip) = paced.await.unwrap();
        let mut seen = visits.join_all().await;
        seen.sort_unstable();
        assert_eq!(slip.started, 20);
        assert_eq!(seen, (0..20).map(|index| (index, true)).collect::<Vec<_>>());
    }

    #[test]
    fn a_generator_that_is_often_late_is_called_saturated() {
        let mut slip = Slip::default();
        (0..99).for_each(|_| slip.note(Duration::from_millis(1)));
        slip.note(Duration::from_millis(11));
        assert!(!slip.saturated());
        slip.note(Duration::from_millis(500));
        assert!(slip.saturated());
        assert_eq!((slip.started, slip.late, slip.worst_secs), (101, 2, 0.5));
    }
}
