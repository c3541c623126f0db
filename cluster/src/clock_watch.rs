//! Watches this node's clocks (HAZARDS H3): nothing is decided by a clock that jumped or is off, and nothing in memory is
//! trusted.
//!
//! 1. The clock is measured against the store's each [`INTERVAL`] ([`ClockWatch::follow`]). Within bounds it is right from
//!    then on, as it was read about the measurement; further off the node is suspended.
//! 2. Each decision shows the clock that it decides by ([`Authority::vouches`]), and so does this watch, since a node that
//!    decides nothing must notice as well. A clock that was set since it was found right suspends the node.
//! 3. Then it is measured at once, again and again until the store tells its time.

use std::{convert::Infallible, fmt::Display, sync::Arc, time::Duration};

use rustix::time::{ClockId, Timespec, clock_gettime};
use tokio::time::MissedTickBehavior;

use crate::{
    Authority,
    authority::wall::{Hands, JUMP_MS},
    task::Tasks,
};

/// How often the clocks are compared.
const TICK: Duration = Duration::from_millis(250);
/// How often the clock is measured while it is right.
const INTERVAL: Duration = Duration::from_secs(10);
/// How often it is while it is not, or not known to be.
const AGAIN: Duration = Duration::from_millis(500);
/// What takes longer than this is no measurement.
const MEASURE_WITHIN: Duration = Duration::from_secs(3);
/// A clock further off than this decides nothing, in milliseconds.
pub const MAX_OFFSET_MS: u64 = 5_000;
/// It decides again once it has been measured within this, so that it does not come and go at the limit.
const GOOD_OFFSET_MS: u64 = 4_000;

/// Clocks read within this are read together, in milliseconds.
const CLOSE_MS: i64 = 1;
/// How often that is tried before sleep may be taken to be longer than it was.
const CLOSE_TRIES: u32 = 8;

/// Milliseconds since 1970 by this node's wall clock.
pub(crate) fn wall_ms() -> u64 {
    millis(clock_gettime(ClockId::Realtime)).unsigned_abs()
}

fn millis(time: Timespec) -> i64 {
    time.tv_sec.saturating_mul(1_000).saturating_add(time.tv_nsec / 1_000_000)
}

/// How long this machine has slept since it started, in milliseconds: what its monotonic clock is behind the boot-time clock.
/// Asked at each answer from memory; the clocks are read without a system call.
pub(crate) fn slept_ms() -> u64 {
    let read = || {
        let before = millis(clock_gettime(ClockId::Monotonic));
        let boot = millis(clock_gettime(ClockId::Boottime));
        (boot - before, millis(clock_gettime(ClockId::Monotonic)) - before)
    };
    // Not two clocks between whose reading this thread stood still; that would count as sleep.
    let mut reads = (0..CLOSE_TRIES).map(|_| read());
    let close = reads.find(|(_, apart)| *apart <= CLOSE_MS).unwrap_or_else(read);
    close.0.unsigned_abs()
}

/// The three clocks at one moment, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Since 1970; can be set.
    pub wall_ms: i64,
    /// Since the machine started, sleep included.
    pub boot_ms: i64,
    /// Since the machine started, without sleep.
    pub monotonic_ms: i64,
}

impl Reading {
    /// The clocks now.
    pub fn now() -> Self {
        Self {
            wall_ms: millis(clock_gettime(ClockId::Realtime)),
            boot_ms: millis(clock_gettime(ClockId::Boottime)),
            monotonic_ms: millis(clock_gettime(ClockId::Monotonic)),
        }
    }
}

/// Judges readings and offsets: pure.
#[derive(Clone, Debug, Default)]
pub struct ClockJudge {
    /// What later readings are compared with. It stays until a jump, so that many small steps add up to one.
    reference: Option<Reading>,
    off: bool,
}

impl ClockJudge {
    /// Have the clocks moved apart since they were last found together?
    pub fn jumped(&mut self, reading: Reading) -> bool {
        let reference = *self.reference.get_or_insert(reading);
        let passed = [
            reading.wall_ms.saturating_sub(reference.wall_ms),
            reading.boot_ms.saturating_sub(reference.boot_ms),
            reading.monotonic_ms.saturating_sub(reference.monotonic_ms),
        ];
        let (least, most) = passed.iter().fold((i64::MAX, i64::MIN), |(l, m), p| (l.min(*p), m.max(*p)));
        let jumped = most.abs_diff(least) > JUMP_MS;
        if jumped {
            self.reference = Some(reading);
        }
        jumped
    }

    /// Is the clock too far off, now that it was measured to be off by that many milliseconds?
    pub fn is_off(&mut self, offset_ms: i64) -> bool {
        let limit = if self.off { GOOD_OFFSET_MS } else { MAX_OFFSET_MS };
        self.off = offset_ms.unsigned_abs() > limit;
        self.off
    }
}

/// What a decision's clocks show.
pub type ReadHands = Arc<dyn Fn() -> Hands + Send + Sync>;

/// Compares the clocks until it is dropped.
pub struct ClockWatch {
    authority: Arc<Authority>,
    hands: ReadHands,
    judge: parking_lot::Mutex<ClockJudge>,
    _tasks: Tasks,
}

impl std::fmt::Debug for ClockWatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClockWatch").field("judge", &*self.judge.lock()).finish_non_exhaustive()
    }
}

impl ClockWatch {
    /// Begins to watch. `hands` reads the clocks by which is decided.
    pub fn start(authority: Arc<Authority>, hands: ReadHands) -> Self {
        let mut tasks = Tasks::default();
        let (watched, read) = (Arc::clone(&authority), Arc::clone(&hands));
        tasks.run("clock_watch", move || watch(Arc::clone(&watched), Arc::clone(&read)));
        Self { authority, hands, judge: parking_lot::Mutex::default(), _tasks: tasks }
    }

    /// Measures this node's clock for as long as it is polled. `ask` says how many milliseconds it is ahead of the store's.
    pub async fn follow<F, Fut, E>(&self, ask: F) -> Infallible
    where
        F: Fn() -> Fut + Send + Sync,
        Fut: Future<Output = Result<i64, E>> + Send,
        E: Display + Send,
    {
        loop {
            self.measure(&ask).await;
            let pause = if self.authority.is_suspended() { AGAIN } else { INTERVAL };
            // Either is a reason to measure.
            let _ = tokio::time::timeout(pause, self.authority.doubted()).await;
        }
    }

    async fn measure<F, Fut, E>(&self, ask: &F)
    where
        F: Fn() -> Fut + Send + Sync,
        Fut: Future<Output = Result<i64, E>> + Send,
        E: Display + Send,
    {
        let before = (self.hands)();
        let offset_ms = match tokio::time::timeout(MEASURE_WITHIN, ask()).await {
            Ok(Ok(offset_ms)) => offset_ms,
            // What was found right goes on being right while the clock goes on.
            Ok(Err(error)) => return tracing::warn!(%error, "the store does not tell its time"),
            Err(_) => return tracing::warn!("the store does not tell its time soon enough"),
        };
        let after = (self.hands)();
        if before.go_with(after) {
            self.measured(offset_ms, after);
        } else {
            // It was set meanwhile: nobody knows which of the two was measured.
            self.authority.doubt();
        }
    }

    /// The clock, when it was read so, was that far ahead of the store's, in milliseconds.
    fn measured(&self, offset_ms: i64, hands: Hands) {
        let (off, was_off) = {
            let mut judge = self.judge.lock();
            let was_off = judge.off;
            (judge.is_off(offset_ms), was_off)
        };
        #[expect(clippy::cast_precision_loss, reason = "a gauge of milliseconds, far below 2^52")]
        metrics::gauge!("doorward_cluster_clock_offset_seconds").set(offset_ms as f64 / 1_000.0);
        if off {
            if !was_off {
                tracing::error!(offset_ms, "this node's clock is too far off: it owns nothing until that is put right");
            }
            return self.authority.suspend(true);
        }
        if self.authority.is_suspended() {
            tracing::warn!(offset_ms, "this node's clock is right");
        }
        self.authority.clock_is_right(hands);
    }
}

async fn watch(authority: Arc<Authority>, hands: ReadHands) {
    let mut judge = ClockJudge::default();
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let suspended = authority.is_suspended();
        let jumped = judge.jumped(Reading::now());
        if jumped {
            tracing::error!("the clocks of this node moved apart by more than a second: nothing in memory is trusted");
            authority.doubt();
        }
        let steady = authority.vouches(hands());
        if jumped || !steady && !suspended {
            metrics::counter!("doorward_cluster_clock_jumps_total").increment(1);
        }
        // Also by a jump that nobody has measured yet, or that a decision saw first.
        metrics::gauge!("doorward_cluster_clock_suspended").set(u32::from(authority.is_suspended()));
    }
}

#[cfg(test)]
mod tests;
