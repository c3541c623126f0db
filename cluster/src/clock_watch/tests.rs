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
