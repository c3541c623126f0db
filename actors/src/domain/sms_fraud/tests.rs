use std::time::Duration;

use proptest::prelude::*;
use schema::record::Unknown;

use super::*;

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
/// Midnight (UTC).
const MIDNIGHT: Timestamp = Timestamp::from_millis(1_789_948_800_000);

fn none() -> SmsCounts {
    SmsCounts {
        hours: Vec::new(),
        days: Vec::new(),
        reached: Vec::new(),
        blocked_on: None,
        told: std::collections::BTreeMap::new(),
        unknown: Unknown::default(),
    }
}

fn country(name: &str) -> Country {
    name.parse().expect("a country")
}

fn enforce() -> FraudPolicy {
    FraudPolicy { mode: FraudMode::Enforce, ..FraudPolicy::default() }
}

/// Sends until something speaks against it; gives how many were sent and what did.
fn send_all(policy: &FraudPolicy, counts: &mut SmsCounts, of: (Scope, Country), now: Timestamp) -> (u32, Suspicion) {
    for sent in 0.. {
        if let Some(suspicion) = policy.judge(counts, of, now).suspicion {
            return (sent, suspicion);
        }
    }
    unreachable!("there is a bound")
}

/// Sends messages and types their codes.
fn typed(policy: &FraudPolicy, counts: &mut SmsCounts, (scope, to): (Scope, Country), (n, now): (u32, Timestamp)) {
    for _ in 0..n {
        let counted_in = policy.judge(counts, (scope, to), now).counted_in.expect("sent");
        settle(counts, (scope, to.as_str()), (counted_in, Fate::Verified), now);
    }
}

#[test]
fn three_messages_an_hour_and_twenty_in_24_hours_go_unverified_to_a_country() {
    let (policy, mut counts, of) = (enforce(), none(), (Scope::Country, country("JM")));
    for hour in 0..6 {
        let now = MIDNIGHT.after(HOUR * hour);
        assert_eq!(send_all(&policy, &mut counts, of, now), (3, Suspicion::CountryPerHour), "{hour}");
    }
    assert_eq!(send_all(&policy, &mut counts, of, MIDNIGHT.after(HOUR * 6)), (2, Suspicion::CountryPerDay));
    assert_eq!(send_all(&policy, &mut counts, of, MIDNIGHT.after(HOUR * 23)), (0, Suspicion::CountryPerDay));
    // The first hour of those is 24 hours ago, so there is room for what was sent in it.
    assert_eq!(send_all(&policy, &mut counts, of, MIDNIGHT.after(DAY)), (3, Suspicion::CountryPerDay));
    let last = MIDNIGHT.after(DAY * 3).before(Duration::from_millis(1));
    assert_eq!(send_all(&policy, &mut counts, of, last), (3, Suspicion::CountryPerHour));
    assert_eq!(send_all(&policy, &mut counts, of, MIDNIGHT.after(DAY * 3)), (3, Suspicion::CountryPerHour));
}

#[test]
fn what_was_typed_makes_room_and_that_of_the_best_day_for_a_fortnight() {
    let (policy, mut counts, of) = (enforce(), none(), (Scope::Country, country("DE")));
    typed(&policy, &mut counts, of, (300, MIDNIGHT));
    let allowed = |counts: &SmsCounts, now| policy.allowed(counts, Scope::Country, now);
    assert_eq!(allowed(&counts, MIDNIGHT), Allowed { in_day: 90, in_hour: 60 });
    assert_eq!(allowed(&counts, MIDNIGHT.after(HOUR)), Allowed { in_day: 90, in_hour: 60 });
    assert_eq!(allowed(&counts, MIDNIGHT.after(HOUR * 2)), Allowed { in_day: 90, in_hour: 10 });
    typed(&policy, &mut counts, of, (30, MIDNIGHT.after(DAY * 2)));
    assert_eq!(allowed(&counts, MIDNIGHT.after(DAY * 2)), Allowed { in_day: 90, in_hour: 10 });
    assert_eq!(send_all(&policy, &mut counts, of, MIDNIGHT.after(DAY * 13)), (10, Suspicion::CountryPerHour));
    // By now the best of 14 days is that of 30.
    assert_eq!(send_all(&policy, &mut counts, of, MIDNIGHT.after(DAY * 14)), (3, Suspicion::CountryPerHour));
    assert_eq!(allowed(&counts, MIDNIGHT.after(DAY * 14)), Allowed { in_day: 20, in_hour: 3 });
}

#[test]
fn an_address_has_bounds_of_its_own_and_what_is_typed_there_raises_them() {
    let (policy, mut counts, of) = (enforce(), none(), (Scope::Address, country("DE")));
    assert_eq!(send_all(&policy, &mut counts, of, MIDNIGHT), (5, Suspicion::AddressPerHour));
    assert_eq!(send_all(&policy, &mut counts, of, MIDNIGHT.after(HOUR)), (5, Suspicion::AddressPerDay));
    let mut counts = none();
    typed(&policy, &mut counts, of, (100, MIDNIGHT));
    assert_eq!(policy.allowed(&counts, Scope::Address, MIDNIGHT), Allowed { in_day: 30, in_hour: 20 });
    assert_eq!(send_all(&policy, &mut counts, of, MIDNIGHT.after(HOUR * 5)), (5, Suspicion::AddressPerHour));
    assert_eq!(policy.allowed(&counts, Scope::Address, MIDNIGHT.after(HOUR * 23)), Allowed { in_day: 30, in_hour: 5 });
    assert_eq!(policy.allowed(&counts, Scope::Address, MIDNIGHT.after(DAY)), Allowed { in_day: 10, in_hour: 5 });
}

#[test]
fn an_address_that_reaches_a_fourth_country_is_closed_until_midnight() {
    let (policy, mut counts) = (enforce(), none());
    let judge = |counts: &mut SmsCounts, to: &str, now| policy.judge(counts, (Scope::Address, country(to)), now);
    for to in ["DE", "AT", "CH", "AT"] {
        assert_eq!(judge(&mut counts, to, MIDNIGHT).suspicion, None, "{to}");
    }
    let fourth = judge(&mut counts, "JM", MIDNIGHT);
    assert_eq!((fourth.suspicion, fourth.tell, fourth.counted_in), (Some(Suspicion::AddressCountries), true, None));
    let again = judge(&mut counts, "DE", MIDNIGHT.after(HOUR * 23));
    assert_eq!(again.suspicion, Some(Suspicion::AddressCountries), "also to the first country");
    assert_eq!(judge(&mut counts, "JM", MIDNIGHT.after(DAY)).suspicion, None);
}

#[test]
fn a_country_where_somebody_at_that_address_typed_a_code_is_not_among_the_three() {
    let (policy, mut counts) = (enforce(), none());
    typed(&policy, &mut counts, (Scope::Address, country("DE")), (1, MIDNIGHT));
    for to in ["AT", "CH", "FR"] {
        assert_eq!(policy.judge(&mut counts, (Scope::Address, country(to)), MIDNIGHT).suspicion, None, "{to}");
    }
    let judged = policy.judge(&mut counts, (Scope::Address, country("JM")), MIDNIGHT);
    assert_eq!(judged.suspicion, Some(Suspicion::AddressCountries));
}

#[test]
fn a_message_that_was_not_sent_makes_no_country_reached() {
    let (policy, mut counts) = (enforce(), none());
    for to in ["DE", "AT", "CH", "FR", "ES"] {
        let judged = policy.judge(&mut counts, (Scope::Address, country(to)), MIDNIGHT);
        let counted_in = judged.counted_in.expect(to);
        settle(&mut counts, (Scope::Address, to), (counted_in, Fate::TakenBack), MIDNIGHT);
    }
    assert!(counts.hours.is_empty() && counts.reached.is_empty(), "{counts:?}");
}

#[test]
fn in_record_mode_what_is_suspected_counts_and_is_told_once_an_hour() {
    let (policy, mut counts, of) = (FraudPolicy::default(), none(), (Scope::Country, country("JM")));
    let mut judge = |now| policy.judge(&mut counts, of, now);
    let first: Vec<_> = (0..5).map(|_| judge(MIDNIGHT)).collect();
    let told: Vec<bool> = first.iter().map(|judged| judged.tell).collect();
    assert_eq!(told, [false, false, false, true, false]);
    assert!(first.iter().all(|judged| judged.counted_in == Some(hour_of(MIDNIGHT))), "{first:?}");
    let later: Vec<bool> = (0..5).map(|_| judge(MIDNIGHT.after(HOUR)).tell).collect();
    assert_eq!(later, [false, false, false, true, false]);
    assert_eq!(policy.judge(&mut counts, of, MIDNIGHT.after(HOUR)).suspicion, Some(Suspicion::CountryPerHour));
}

#[test]
fn what_is_typed_later_leaves_the_hour_in_which_it_was_sent_and_counts_in_its_own() {
    let (policy, mut counts, of) = (enforce(), none(), (Scope::Country, country("DE")));
    let last = MIDNIGHT.before(Duration::from_mins(1));
    let sent: Vec<_> = (0..3).map(|_| policy.judge(&mut counts, of, last).counted_in.expect("sent")).collect();
    settle(&mut counts, (Scope::Country, "DE"), (sent[0], Fate::Verified), MIDNIGHT);
    settle(&mut counts, (Scope::Country, "DE"), (sent[1], Fate::TakenBack), MIDNIGHT);
    let hour = hour_of(MIDNIGHT);
    let expected =
        [SmsHour { hour: hour - 1, unverified: 1, verified: 0 }, SmsHour { hour, unverified: 0, verified: 1 }];
    assert_eq!(counts.hours, expected);
    assert_eq!(counts.days, [SmsDay { day: hour / 24, verified: 1 }]);
    settle(&mut counts, (Scope::Country, "DE"), (sent[2], Fate::TakenBack), MIDNIGHT.after(DAY * 2));
    assert!(counts.hours.is_empty() && counts.days.len() == 1, "{counts:?}");
}

/// What may happen to a partition.
#[derive(Clone, Debug)]
enum Op {
    Send(usize),
    Settle(usize, Fate),
    Pass(u64),
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        6 => (0..5_usize).prop_map(Op::Send),
        4 => (any::<usize>(), prop_oneof![Just(Fate::Verified), Just(Fate::TakenBack)]).prop_map(|(n, f)| Op::Settle(n, f)),
        1 => (0..200_u64).prop_map(Op::Pass),
    ];
    prop::collection::vec(op, 1..300)
}

const COUNTRIES: [&str; 5] = ["DE", "AT", "JM", "FR", "ES"];

/// Runs them in a partition, and hands over each message that was judged: what was thought of it, how many others were
/// unverified in 24 hours and in its hour, and how many might be.
fn run(policy: &FraudPolicy, scope: Scope, ops: &[Op], mut check: impl FnMut(&SmsCounts, Judged, [u64; 2], Allowed)) {
    let (mut counts, mut now, mut open) = (none(), MIDNIGHT, Vec::new());
    for op in ops {
        match *op {
            Op::Pass(minutes) => now = now.after(Duration::from_mins(minutes)),
            Op::Send(to) => {
                let to = COUNTRIES[if scope == Scope::Country { 0 } else { to }];
                forget(&mut counts, now);
                let hour = hour_of(now);
                let in_hour =
                    counts.hours.iter().filter(|slot| slot.hour == hour).map(|slot| u64::from(slot.unverified)).sum();
                let in_day = counts.hours.iter().map(|slot| u64::from(slot.unverified)).sum();
                let allowed = policy.allowed(&counts, scope, now);
                let judged = policy.judge(&mut counts, (scope, country(to)), now);
                open.extend(judged.counted_in.map(|counted_in| (to, counted_in)));
                check(&counts, judged, [in_day, in_hour], allowed);
            }
            Op::Settle(n, fate) if !open.is_empty() => {
                let (to, counted_in) = open.swap_remove(n % open.len());
                settle(&mut counts, (scope, to), (counted_in, fate), now);
            }
            Op::Settle(..) => {}
        }
        // What is kept is bounded, and what is open and not too old is what is counted.
        assert!(counts.hours.len() <= 24 && counts.days.len() <= 14 && counts.reached.len() <= COUNTRIES.len());
        forget(&mut counts, now);
        let open = open.iter().filter(|(_, hour)| is_lately(*hour, hour_of(now))).count();
        assert_eq!(counts.hours.iter().map(|slot| slot.unverified as usize).sum::<usize>(), open);
    }
}

proptest! {
    /// No more go unverified than the rule allows, and up to there nothing is refused for their number.
    #[test]
    fn never_more_than_is_allowed(ops in ops(), address in any::<bool>()) {
        let scope = if address { Scope::Address } else { Scope::Country };
        run(&enforce(), scope, &ops, |counts, judged, [in_day, in_hour], allowed| {
            let fits = in_day < allowed.in_day && in_hour < allowed.in_hour;
            let by_number = judged.suspicion.filter(|suspicion| *suspicion != Suspicion::AddressCountries);
            if judged.counted_in.is_some() {
                assert!(fits, "{counts:?}");
            }
            assert!(!fits || by_number.is_none(), "{by_number:?} {counts:?}");
            let unproved = counts.reached.iter().filter(|reached| reached.verified == 0).count();
            assert!(judged.counted_in.is_none() || unproved <= 3, "{counts:?}");
        });
    }

    /// Both modes think the same of the same counts, and recording sends everything.
    #[test]
    fn recording_refuses_nothing(ops in ops(), address in any::<bool>()) {
        let scope = if address { Scope::Address } else { Scope::Country };
        run(&FraudPolicy::default(), scope, &ops, |_, judged, [in_day, in_hour], allowed| {
            assert!(judged.counted_in.is_some());
            let over = in_day >= allowed.in_day || in_hour >= allowed.in_hour;
            assert!(!over || judged.suspicion.is_some());
        });
    }

    /// More typed codes never allow less; more unverified messages never make a suspected one unsuspected.
    #[test]
    fn it_is_monotone(
        hours in prop::collection::vec((0..24_i64, 0..40_u32, 0..400_u32), 0..12),
        days in prop::collection::vec((0..14_i64, 0..2000_u32), 0..8),
        (more_at, more) in (0..24_i64, 1..50_u32),
        address in any::<bool>(),
    ) {
        let scope = if address { Scope::Address } else { Scope::Country };
        let (policy, hour) = (enforce(), hour_of(MIDNIGHT));
        let mut counts = none();
        for (ago, unverified, verified) in hours {
            let slot = slot(&mut counts, hour - ago);
            (slot.unverified, slot.verified) = (unverified, verified);
        }
        for (ago, verified) in days {
            of_day(&mut counts, hour / 24 - ago).verified = verified;
        }
        let suspicion = |counts: &SmsCounts| policy.suspicion(counts, (scope, country("DE")), MIDNIGHT);
        let (mut typed, mut pumped) = (counts.clone(), counts.clone());
        slot(&mut typed, hour - more_at).verified += more;
        of_day(&mut typed, hour / 24).verified += more;
        slot(&mut pumped, hour - more_at).unverified += more;
        let (before, after) = (policy.allowed(&counts, scope, MIDNIGHT), policy.allowed(&typed, scope, MIDNIGHT));
        prop_assert!(before.in_day <= after.in_day && before.in_hour <= after.in_hour);
        if suspicion(&counts).is_none() {
            prop_assert_eq!(suspicion(&typed), None);
        } else {
            prop_assert!(suspicion(&pumped).is_some());
        }
    }
}
