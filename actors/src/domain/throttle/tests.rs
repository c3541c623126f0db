//! The numbers of the throttle, one by one and over random schedules.

use proptest::prelude::*;
use schema::record::Unknown;

use super::*;

const UNKNOWN: Bucketing<'_> = Bucketing::Unknown;

fn fresh() -> Throttle {
    Throttle {
        total: 0,
        suspended_at: None,
        buckets: std::collections::BTreeMap::default(),
        unknown: Unknown::default(),
    }
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(1_790_000_000_000).after(Duration::from_secs(seconds))
}

fn device(byte: u8) -> DeviceId {
    DeviceId::from_bytes([byte; 16])
}

/// Fails until the gate closes, and says for how long from `now`.
fn burst(throttle: &mut Throttle, bucket: Bucketing<'_>, now: Timestamp) -> Option<Duration> {
    loop {
        match status(throttle, bucket, now) {
            Gate::Open { .. } => _ = fail(throttle, bucket, now, 0.0),
            Gate::Closed { until } => return Some(until.since(now)),
            Gate::Suspended => return None,
        }
    }
}

#[test]
fn the_fifth_failure_closes_and_the_cool_down_ends_with_a_fresh_burst() {
    let mut throttle = fresh();
    for left in (1..=5).rev() {
        assert_eq!(status(&throttle, UNKNOWN, at(0)), Gate::Open { left });
        fail(&mut throttle, UNKNOWN, at(0), 0.0);
    }
    assert_eq!(status(&throttle, UNKNOWN, at(0)), Gate::Closed { until: at(30) });
    assert_eq!(status(&throttle, UNKNOWN, at(30)), Gate::Open { left: 5 });
}

#[test]
fn a_guess_says_what_it_closed_and_a_suspension_is_said_once() {
    let (known, mut throttle, mut now, mut said) = (device(1), fresh(), at(0), Vec::new());
    for n in 1..=100 {
        said.extend(fail(&mut throttle, UNKNOWN, now, 0.0).map(|shut| (n, shut)));
        now = now.after(CAP);
    }
    let bursts: Vec<_> = said.iter().map(|(n, _)| *n).collect();
    assert_eq!(bursts, (1..=20).map(|burst| burst * 5).collect::<Vec<_>>());
    assert_eq!(said[0].1, Shut::Bucket { until: at(30).after(CAP * 4) });
    let (last, others) = said.split_last().expect("it closed");
    assert_eq!(last.1, Shut::Authenticator);
    assert!(others.iter().all(|(_, shut)| matches!(shut, Shut::Bucket { .. })));
    // A known device of a suspended password goes on, and what it closes is its own bucket, also after another hundred.
    succeed(&mut throttle, Bucketing::Device(&known));
    for n in 1..=120 {
        let shut = fail(&mut throttle, Bucketing::Device(&known), now, 0.0);
        assert_eq!(matches!(shut, Some(Shut::Bucket { .. })), n % 5 == 0, "{n}: {shut:?}");
        assert_ne!(shut, Some(Shut::Authenticator));
        now = now.after(CAP * 2);
    }
}

#[test]
fn a_guess_at_a_closed_bucket_says_nothing() {
    let mut throttle = fresh();
    burst(&mut throttle, UNKNOWN, at(0));
    assert_eq!(fail(&mut throttle, UNKNOWN, at(29), 0.0), None);
}

#[test]
fn cool_downs_double_from_half_a_minute_to_an_hour() {
    let (mut throttle, mut now, mut spans) = (fresh(), at(0), Vec::new());
    while let Some(span) = burst(&mut throttle, UNKNOWN, now) {
        spans.push(span.as_secs());
        now = now.after(span);
    }
    assert_eq!(spans[..9], [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]);
    assert_eq!((throttle.total, spans.len()), (100, 19));
}

#[test]
fn jitter_lengthens_a_cool_down_by_a_tenth_at_most() {
    for (jitter, seconds) in [(0.0, 30), (0.1, 33), (7.0, 33), (-1.0, 30)] {
        let mut throttle = fresh();
        (0..5).for_each(|_| _ = fail(&mut throttle, UNKNOWN, at(0), jitter));
        assert_eq!(status(&throttle, UNKNOWN, at(0)), Gate::Closed { until: at(seconds) });
    }
}

#[test]
fn nothing_is_counted_while_closed() {
    let mut throttle = fresh();
    burst(&mut throttle, UNKNOWN, at(0));
    let closed = throttle.clone();
    fail(&mut throttle, UNKNOWN, at(29), 0.0);
    assert_eq!((throttle.total, &throttle.buckets), (closed.total, &closed.buckets));
}

#[test]
fn the_hundredth_failure_suspends_whatever_device_it_comes_from() {
    let mut throttle = fresh();
    let mut now = at(0);
    for n in 0..100u8 {
        let device = device(n / 4);
        now = now.after(CAP * 2);
        assert!(matches!(status(&throttle, Bucketing::Device(&device), now), Gate::Open { .. }), "{n}");
        fail(&mut throttle, Bucketing::Device(&device), now, 0.0);
    }
    assert_eq!(throttle.suspended_at, Some(now));
    assert_eq!(status(&throttle, UNKNOWN, now), Gate::Suspended);
    succeed(&mut throttle, Bucketing::Device(&device(3)));
    assert_eq!(status(&throttle, UNKNOWN, now.after(DECAY * 1000)), Gate::Suspended);
}

#[test]
fn what_is_left_of_a_burst_is_bounded_by_what_is_left_of_the_hundred() {
    let throttle = Throttle { total: 98, ..fresh() };
    assert_eq!(status(&throttle, UNKNOWN, at(0)), Gate::Open { left: 2 });
    assert_eq!(bucket_gate(&throttle, UNKNOWN, at(0)), Gate::Open { left: 5 });
}

#[test]
fn a_known_device_stays_usable_beside_a_suspension_for_who_asks_for_its_bucket_alone() {
    let (known, mut throttle) = (device(1), fresh());
    let mut now = at(0);
    while let Some(span) = burst(&mut throttle, UNKNOWN, now) {
        now = now.after(span);
    }
    assert_eq!(bucket_gate(&throttle, Bucketing::Device(&known), now), Gate::Open { left: 5 });
    (0..5).for_each(|_| _ = fail(&mut throttle, Bucketing::Device(&known), now, 0.0));
    assert!(matches!(bucket_gate(&throttle, Bucketing::Device(&known), now), Gate::Closed { .. }));
}

#[test]
fn success_clears_its_own_bucket_and_the_total() {
    let (known, mut throttle) = (device(1), fresh());
    burst(&mut throttle, UNKNOWN, at(0));
    fail(&mut throttle, Bucketing::Device(&known), at(0), 0.0);
    succeed(&mut throttle, Bucketing::Device(&known));
    assert_eq!(throttle.total, 0);
    assert_eq!(status(&throttle, Bucketing::Device(&known), at(0)), Gate::Open { left: 5 });
    assert_eq!(status(&throttle, UNKNOWN, at(0)), Gate::Closed { until: at(30) });
    assert_eq!(throttle.buckets.len(), 1);
}

#[test]
fn half_a_day_of_quiet_lowers_the_level_by_one_and_leaves_the_burst() {
    let mut throttle = fresh();
    let mut now = at(0);
    for _ in 0..3 {
        now = now.after(burst(&mut throttle, UNKNOWN, now).expect("not suspended yet"));
    }
    let last = throttle.buckets["unknown"].last_failure_at.expect("it failed");
    let later = last.after(DECAY * 2);
    assert_eq!(burst(&mut throttle, UNKNOWN, later), Some(Duration::from_mins(1)));

    fail(&mut throttle, UNKNOWN, later.after(DECAY), 0.0);
    assert_eq!(status(&throttle, UNKNOWN, later.after(DECAY * 50)), Gate::Open { left: 4 });
}

#[test]
fn a_forgotten_device_leaves_no_bucket() {
    let (known, mut throttle) = (device(1), fresh());
    fail(&mut throttle, Bucketing::Device(&known), at(0), 0.0);
    forget(&mut throttle, &known);
    assert!(throttle.buckets.is_empty());
}

/// One thing that happens: seconds that pass, who guesses, and whether rightly.
fn schedule() -> impl Strategy<Value = Vec<(u64, Option<u8>, bool)>> {
    let seconds = prop_oneof![3 => 0..40u64, 1 => 0..8_000u64, 1 => Just(DECAY.as_secs())];
    prop::collection::vec((seconds, prop::option::of(0..3u8), prop::bool::weighted(0.03)), 1..400)
}

proptest! {
    #[test]
    fn no_schedule_gets_more_guesses_evaluated_than_the_budget(schedule in schedule()) {
        let (mut throttle, mut seconds, mut wrong_in_a_row) = (fresh(), 0, 0);
        // Wrong guesses per bucket since its gate last opened or a success.
        let mut in_burst = std::collections::BTreeMap::<String, u32>::new();
        for (pause, who, right) in schedule {
            seconds += pause;
            let known = who.map(device);
            let bucket = known.as_ref().map_or(UNKNOWN, Bucketing::Device);
            let Gate::Open { left } = status(&throttle, bucket, at(seconds)) else { continue };
            prop_assert!((1..=5).contains(&left));
            let spent = in_burst.entry(bucket.name()).or_default();
            prop_assert!(left <= 5 - *spent, "{left} left after {spent}");
            if right {
                succeed(&mut throttle, bucket);
                (*spent, wrong_in_a_row) = (0, 0);
            } else {
                fail(&mut throttle, bucket, at(seconds), 0.05);
                *spent = (*spent + 1) % 5;
                wrong_in_a_row += 1;
            }
            prop_assert!(wrong_in_a_row <= 100);
            prop_assert_eq!(throttle.suspended_at.is_some(), wrong_in_a_row >= 100);
        }
    }

    #[test]
    fn five_wrong_guesses_always_close_the_gate(schedule in schedule()) {
        let (mut throttle, mut seconds) = (fresh(), 0);
        for (pause, who, right) in schedule {
            seconds += pause;
            let known = who.map(device);
            let bucket = known.as_ref().map_or(UNKNOWN, Bucketing::Device);
            if matches!(status(&throttle, bucket, at(seconds)), Gate::Open { .. }) {
                if right { succeed(&mut throttle, bucket) } else { _ = fail(&mut throttle, bucket, at(seconds), 0.0) }
            }
        }
        let before = throttle.total;
        burst(&mut throttle, UNKNOWN, at(seconds));
        prop_assert!(throttle.total - before <= 5);
        let gate = status(&throttle, UNKNOWN, at(seconds));
        prop_assert!(!matches!(gate, Gate::Open { .. }), "{gate:?}");
    }

    #[test]
    fn each_cool_down_ends_with_a_fresh_burst(bursts in 1..19usize, late in 0..3_600u64) {
        let (mut throttle, mut now) = (fresh(), at(0));
        for _ in 0..bursts {
            now = now.after(burst(&mut throttle, UNKNOWN, now).expect("19 bursts do not suspend"));
            let left = 5.min(HARD_CAP - throttle.total);
            prop_assert_eq!(status(&throttle, UNKNOWN, now.after(Duration::from_secs(late))), Gate::Open { left });
        }
    }

    #[test]
    fn strangers_below_the_hundred_do_not_touch_a_known_device(pauses in prop::collection::vec(0..5_000u64, 1..94)) {
        let (known, mut throttle, mut seconds) = (device(1), fresh(), 0);
        for pause in pauses {
            seconds += pause;
            if matches!(status(&throttle, UNKNOWN, at(seconds)), Gate::Open { .. }) {
                fail(&mut throttle, UNKNOWN, at(seconds), 0.0);
            }
            prop_assert_eq!(status(&throttle, Bucketing::Device(&known), at(seconds)), Gate::Open { left: 5 });
        }
    }
}
