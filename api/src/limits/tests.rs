//! Rates, prefixes, and what is told of many names.

use super::*;

const RATE: Rate = Rate { burst: 3, window: Duration::from_secs(30) };

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn spend(buckets: &Buckets, from: &str, at: u64) -> Result<(), Duration> {
    buckets.take(address(from), Duration::from_secs(at)).map(|_| ())
}

#[test]
fn a_burst_passes_and_then_one_each_time_that_one_leaked_out() {
    let buckets = Buckets::new(RATE, 100, 10);
    assert!((0..3).all(|_| spend(&buckets, "192.0.2.1", 0).is_ok()));
    assert_eq!(spend(&buckets, "192.0.2.1", 0), Err(Duration::from_secs(10)));
    assert_eq!(spend(&buckets, "192.0.2.1", 10), Ok(()));
    assert_eq!(spend(&buckets, "192.0.2.1", 10), Err(Duration::from_secs(10)));
}

#[test]
fn neighbours_in_a_64_share_a_bucket_and_other_addresses_do_not() {
    let buckets = Buckets::new(RATE, 100, 10);
    for end in 1..=3 {
        assert!(spend(&buckets, &format!("2001:db8:0:1::{end}"), 0).is_ok());
    }
    assert!(spend(&buckets, "2001:db8:0:1:ffff::9", 0).is_err());
    assert!(spend(&buckets, "2001:db8:0:2::1", 0).is_ok());
    assert!(spend(&buckets, "192.0.2.1", 0).is_ok());
}

#[test]
fn what_is_given_back_was_never_taken() {
    let buckets = Buckets::new(RATE, 100, 10);
    for _ in 0..20 {
        buckets.take(address("192.0.2.1"), Duration::ZERO).expect("room").give_back();
    }
    assert!(spend(&buckets, "192.0.2.1", 0).is_ok());
}

#[test]
fn all_together_are_bounded_as_well() {
    let buckets = Buckets::new(RATE, 2, 10);
    for end in 1..=6 {
        assert!(spend(&buckets, &format!("192.0.2.{end}"), 0).is_ok(), "{end}");
    }
    assert!(spend(&buckets, "192.0.2.7", 0).is_err());
}

#[test]
fn the_map_is_bounded_and_newcomers_share_a_bucket_until_there_is_room() {
    let buckets = Buckets::new(RATE, 100, 2);
    for from in ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5"] {
        assert!(spend(&buckets, from, 0).is_ok(), "{from}");
    }
    assert!(spend(&buckets, "192.0.2.6", 0).is_err(), "the crowd's bucket is empty");
    assert!(spend(&buckets, "192.0.2.1", 0).is_ok(), "who is known has a bucket of its own");
    assert!(buckets.levels().prefixes.len() <= 3);
    assert!(spend(&buckets, "192.0.2.6", 60).is_ok());
    assert_eq!(buckets.levels().prefixes.len(), 1, "buckets that are full again are forgotten");
}

/// Failures at so many names, each from the same address; what was told of them.
fn names(buckets: &Buckets, from: &str, count: u32, at: u64) -> Vec<Spray> {
    let failed = (0..count).filter_map(|n| {
        let taken = buckets.take(address(from), Duration::from_secs(at)).expect("room");
        let told = taken.failed_at(&format!("name-{n}"));
        taken.give_back();
        told
    });
    failed.collect()
}

#[test]
fn many_names_from_one_prefix_are_told_once_an_hour() {
    let buckets = Buckets::new(RATE, 100, 10);
    let told = names(&buckets, "2001:db8:0:1::7", 400, 0);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].prefix, "2001:db8:0:1::/64");
    assert!((50..60).contains(&told[0].names), "{told:?}");
    assert!(names(&buckets, "2001:db8:0:1::8", 400, 3_599).is_empty());
    assert_eq!(names(&buckets, "2001:db8:0:1::8", 400, 3_600).len(), 1);
    assert_eq!(names(&buckets, "192.0.2.1", 400, 3_600)[0].prefix, "192.0.2.1");
}

#[test]
fn few_names_are_no_spray_however_often_they_fail() {
    let buckets = Buckets::new(RATE, 100, 10);
    for _ in 0..100 {
        assert!(names(&buckets, "192.0.2.1", 30, 0).is_empty());
    }
}

#[test]
fn no_more_than_so_many_sprays_are_told() {
    let buckets = Buckets::new(RATE, 100, 1_000);
    let all = |at| (0..200).map(|n| names(&buckets, &format!("198.51.100.{n}"), 400, at).len()).sum::<usize>();
    assert_eq!(all(0), 60);
    assert_eq!(all(3_600), 60);
}
