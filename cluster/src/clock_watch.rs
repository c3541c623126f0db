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
mod tests {
    use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

    use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};

    use super::*;

    const START: Reading = Reading { wall_ms: 1_700_000_000_000, boot_ms: 9_000_000, monotonic_ms: 8_000_000 };

    fn after(wall: i64, boot: i64, monotonic: i64) -> Reading {
        Reading {
            wall_ms: START.wall_ms + wall,
            boot_ms: START.boot_ms + boot,
            monotonic_ms: START.monotonic_ms + monotonic,
        }
    }

    fn judge() -> ClockJudge {
        let mut judge = ClockJudge::default();
        assert!(!judge.jumped(START), "the first reading is compared with nothing");
        judge
    }

    #[test]
    fn clocks_that_go_together_did_not_jump_however_late_the_tick() {
        let mut judge = judge();
        assert!(!judge.jumped(after(250, 250, 250)));
        assert!(!judge.jumped(after(60_000, 60_000, 60_000)));
        assert!(!judge.jumped(after(61_000, 60_000, 60_500)));
    }

    #[test]
    fn a_wall_clock_that_was_set_jumped_and_the_new_time_holds_from_then_on() {
        for step in [-3_600_000, -1_001, 1_001, 3_600_000] {
            let mut judge = judge();
            assert!(judge.jumped(after(250 + step, 250, 250)), "{step}");
            assert!(!judge.jumped(after(500 + step, 500, 500)), "{step}");
        }
    }

    #[test]
    fn sleep_of_the_machine_is_a_jump() {
        assert!(judge().jumped(after(30_000, 30_000, 250)));
    }

    #[test]
    fn small_steps_add_up() {
        let mut judge = judge();
        assert!(!judge.jumped(after(950, 250, 250)));
        assert!(judge.jumped(after(1_650, 500, 500)));
    }

    #[test]
    fn a_clock_at_the_limit_does_not_come_and_go() {
        let mut judge = judge();
        assert!(!judge.is_off(5_000));
        assert!(judge.is_off(-5_001));
        assert!(judge.is_off(4_500), "not yet back within bounds");
        assert!(!judge.is_off(4_000));
        assert!(!judge.is_off(4_500));
    }

    /// A watch over a clock that the test sets, of a member that was measured once.
    fn watched() -> (ClockWatch, Arc<Authority>, Arc<AtomicI64>) {
        let authority = Arc::new(Authority::member("a".parse().expect("a name"), crate::Generation(1)));
        let ahead = Arc::new(AtomicI64::new(1_700_000_000_000));
        let (told, start) = (Arc::clone(&ahead), crate::now());
        let hands = move || {
            let monotonic_ms = i64::try_from(crate::now().duration_since(start).as_millis()).expect("short");
            Hands { wall_ms: told.load(Ordering::Relaxed) + monotonic_ms, monotonic_ms }
        };
        (ClockWatch::start(Arc::clone(&authority), Arc::new(hands)), authority, ahead)
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_was_set_decides_nothing_until_it_is_measured_which_is_at_once() {
        let (watch, authority, ahead) = watched();
        let (right, hands) = (ahead.load(Ordering::Relaxed), Arc::clone(&watch.hands));
        let ask = || async { Ok::<_, String>(ahead.load(Ordering::Relaxed) - right) };
        let test = async {
            assert!(authority.vouches(hands()));
            tokio::time::sleep(Duration::from_secs(1)).await;
            for step in [86_400_000, -86_400_000] {
                ahead.fetch_add(step, Ordering::Relaxed);
                assert!(!authority.vouches(hands()), "{step}: not even before anybody has looked");
                tokio::time::sleep(Duration::from_millis(1)).await;
                assert!(!authority.vouches(hands()), "{step}: measured, and a day off");
                ahead.store(right, Ordering::Relaxed);
                assert!(!authority.vouches(hands()), "{step}: put right, and not measured since");
                tokio::time::sleep(AGAIN).await;
                assert!(authority.vouches(hands()), "{step}: measured");
            }
            ahead.fetch_add(2_000, Ordering::Relaxed);
            assert!(!authority.vouches(hands()));
            tokio::time::sleep(Duration::from_millis(1)).await;
            assert!(authority.vouches(hands()), "within bounds it was believed at once");
        };
        tokio::select! {
            never = watch.follow(ask) => match never {},
            () = test => {}
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_watch_notices_though_nobody_decides_and_the_store_is_asked_until_it_tells() {
        let (watch, authority, ahead) = watched();
        let (asked, hands) = (AtomicI64::new(0), Arc::clone(&watch.hands));
        let ask = || async {
            let n = asked.fetch_add(1, Ordering::Relaxed);
            if n == 1 || n == 2 { Err("away") } else { Ok(0) }
        };
        let test = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            ahead.fetch_add(3_600_000, Ordering::Relaxed);
            tokio::time::sleep(TICK).await;
            assert!(authority.is_suspended());
            assert!(asked.load(Ordering::Relaxed) >= 2, "asked at once");
            tokio::time::sleep(3 * AGAIN).await;
            assert!(!authority.is_suspended() && authority.vouches(hands()));
        };
        tokio::select! {
            never = watch.follow(ask) => match never {},
            () = test => {}
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_set_while_it_is_measured_is_measured_again() {
        let (watch, authority, ahead) = watched();
        let asked = AtomicI64::new(0);
        let ask = || async {
            if asked.fetch_add(1, Ordering::Relaxed) == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
                ahead.fetch_add(86_400_000, Ordering::Relaxed);
                return Ok::<_, String>(0);
            }
            Ok(86_400_000)
        };
        let test = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            assert!(authority.is_suspended(), "what was measured was another clock");
        };
        tokio::select! {
            never = watch.follow(ask) => match never {},
            () = test => {}
        }
    }

    /// Shows the gauge of suspended nodes.
    struct Shown(Arc<AtomicU64>);

    impl Recorder for Shown {
        fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
            Counter::noop()
        }
        fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
            let wanted = key.name() == "doorward_cluster_clock_suspended";
            if wanted { Gauge::from_arc(Arc::clone(&self.0)) } else { Gauge::noop() }
        }
        fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
            Histogram::noop()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_node_that_a_jump_suspends_is_shown_as_suspended_before_anybody_measures_its_clock() {
        let recorder = Shown(Arc::default());
        let _recording = metrics::set_default_local_recorder(&recorder);
        let (_watch, authority, ahead) = watched();
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(recorder.0.load(Ordering::Relaxed), 0.0_f64.to_bits());
        ahead.fetch_add(3_600_000, Ordering::Relaxed);
        tokio::time::sleep(2 * TICK).await;
        assert!(authority.is_suspended());
        assert_eq!(recorder.0.load(Ordering::Relaxed), 1.0_f64.to_bits());
    }

    #[test]
    fn a_node_that_is_alone_believes_whoever_sets_its_clock() {
        let alone = Authority::alone("a".parse().expect("a name"), crate::Generation(1), crate::now());
        let hands = |wall_ms| Hands { wall_ms, monotonic_ms: 5_000 };
        assert!(alone.vouches(hands(1_000_000)) && alone.vouches(hands(90_000_000)) && alone.vouches(hands(1_000_000)));
        alone.doubt();
        assert!(!alone.is_suspended());
    }

    #[test]
    fn small_steps_since_the_clock_was_found_right_add_up_and_a_jump_is_more_than_a_second() {
        let member = Authority::member("a".parse().expect("a name"), crate::Generation(1));
        let hands = |wall_ms| Hands { wall_ms, monotonic_ms: 7 };
        assert!(member.vouches(hands(10_000)) && member.vouches(hands(10_600)) && member.vouches(hands(9_000)));
        assert!(!member.vouches(hands(11_001)));
        assert!(!member.vouches(hands(10_000)), "nobody knows which of them was right");
        member.clock_is_right(hands(11_001));
        assert!(member.vouches(hands(11_001)) && !member.vouches(hands(10_000)));
    }

    #[test]
    fn the_clocks_of_this_machine_can_be_read() {
        let reading = Reading::now();
        assert!(slept_ms() <= reading.boot_ms.unsigned_abs());
        assert!(reading.wall_ms > 0 && reading.boot_ms >= reading.monotonic_ms - 1 && wall_ms() > 0);
    }
}
