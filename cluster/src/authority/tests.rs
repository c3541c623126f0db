use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::Role;

const KEY: &[u8] = b"any key";

fn member(name: &str, generation: u64) -> Member {
    Member {
        node: name.parse().expect("a name"),
        generation: Generation(generation),
        roles: vec![Role::Actors],
        address: "".into(),
        level: 0,
        draining: false,
        term: 1,
    }
}

fn view(epoch: u64, members: &[Member]) -> View {
    View { epoch, members: members.to_vec() }
}

/// A node `a`, and the moment it was made.
fn node() -> (Authority, Instant) {
    let start = crate::now();
    (Authority::member("a".parse().expect("a name"), Generation(1)), start)
}

fn secs(n: f64) -> Duration {
    Duration::from_secs_f64(n)
}

#[test]
fn a_node_that_is_alone_trusts_everything_for_ever() {
    let (_, start) = node();
    let alone = Authority::alone("a".parse().expect("a name"), Generation(1), start);
    let tenure = alone.owns(KEY).expect("owns");
    assert!(alone.trusts(KEY, tenure, start + Duration::from_hours(1)));
    assert_eq!(alone.route(KEY), Route::Local);
}

#[test]
fn nothing_is_owned_before_the_view_is_read() {
    let (a, start) = node();
    assert_eq!(a.owns(KEY), None);
    assert_eq!(a.route(KEY), Route::Nowhere);
    assert!(!a.is_fresh(start));
}

#[test]
fn what_was_gained_is_trusted_only_after_the_bound() {
    let (a, start) = node();
    a.observe(view(1, &[member("a", 1)]), start, start);
    let tenure = a.owns(KEY).expect("owns");
    a.observe(view(1, &[member("a", 1)]), start + secs(1.9), start + secs(1.9));
    assert!(!a.trusts(KEY, tenure, start + secs(1.9)));
    assert!(a.trusts(KEY, tenure, start + secs(2.0)));
    assert_eq!(a.quiet_from(KEY), Some(start + BOUND));
}

#[test]
fn trust_ends_with_the_freshness_of_the_read() {
    let (a, start) = node();
    a.observe(view(1, &[member("a", 1)]), start, start);
    let tenure = a.owns(KEY).expect("owns");
    let began = start + secs(10.0);
    a.observe(view(1, &[member("a", 1)]), began, began + secs(0.5));
    assert!(a.trusts(KEY, tenure, began + secs(1.99)));
    assert!(!a.trusts(KEY, tenure, began + secs(2.0)), "counted from the beginning of the read");
}

#[test]
fn an_epoch_that_was_not_read_breaks_the_tenure() {
    let (a, start) = node();
    a.observe(view(1, &[member("a", 1)]), start, start);
    let tenure = a.owns(KEY).expect("owns");
    let later = start + secs(10.0);
    a.observe(view(3, &[member("a", 1)]), later, later);
    let end = later + secs(5.0);
    a.observe(view(3, &[member("a", 1)]), end, end);
    assert!(!a.trusts(KEY, tenure, end));
    assert!(a.trusts(KEY, a.owns(KEY).expect("owns"), end));
}

#[test]
fn a_tenure_lives_through_changes_that_do_not_touch_the_key() {
    let (a, start) = node();
    a.observe(view(1, &[member("a", 1)]), start, start);
    let tenure = a.owns(KEY).expect("owns");
    let other = Member { roles: vec![Role::Http], ..member("b", 1) };
    let later = start + secs(10.0);
    a.observe(view(2, &[member("a", 1), other]), later, later);
    assert!(a.trusts(KEY, tenure, later));
    assert_eq!(a.quiet_from(KEY), Some(start + BOUND));
}

#[test]
fn a_key_that_went_and_came_back_must_be_validated() {
    let (a, start) = node();
    a.observe(view(1, &[member("a", 1)]), start, start);
    let tenure = a.owns(KEY).expect("owns");
    a.observe(view(2, &[member("b", 1)]), start, start + secs(1.0));
    assert_eq!(a.owns(KEY), None);
    let back = start + secs(2.0);
    a.observe(view(3, &[member("a", 1)]), back, back);
    let end = back + secs(3.0);
    a.observe(view(3, &[member("a", 1)]), end, end);
    assert!(!a.trusts(KEY, tenure, end));
}

#[test]
fn an_earlier_start_of_the_same_node_is_another() {
    let (a, start) = node();
    a.observe(view(1, &[member("a", 0)]), start, start);
    assert_eq!(a.owns(KEY), None);
    assert!(matches!(a.route(KEY), Route::Remote(_)));
}

#[test]
fn a_jump_of_the_clocks_is_over_with_a_read_that_began_after_it() {
    let (a, start) = node();
    a.observe(view(1, &[member("a", 1)]), start, start);
    let (tenure, jump) = (a.owns(KEY).expect("owns"), start + secs(5.0));
    a.unsettle(jump);
    a.observe(view(1, &[member("a", 1)]), jump - secs(0.1), jump + secs(0.1));
    assert!(!a.trusts(KEY, tenure, jump + secs(0.1)));
    a.observe(view(1, &[member("a", 1)]), jump + secs(0.2), jump + secs(0.3));
    assert!(a.trusts(KEY, tenure, jump + secs(0.3)));
}

#[test]
fn a_node_whose_clock_is_off_owns_nothing() {
    let (a, start) = node();
    a.observe(view(1, &[member("a", 1)]), start, start);
    a.suspend(true);
    assert_eq!(a.owns(KEY), None);
    assert!(matches!(a.route(KEY), Route::Remote(_)));
    a.suspend(false);
    assert!(a.owns(KEY).is_some());
}

#[test]
fn a_read_that_overlapped_the_first_of_a_newer_view_is_late_and_does_not_refresh() {
    let (a, start) = node();
    let read = start + secs(0.1);
    assert!(a.observe(view(3, &[member("a", 1)]), start, read));
    let tenure = a.owns(KEY).expect("owns");
    assert!(!a.observe(view(2, &[member("b", 1)]), start + secs(0.05), start + secs(0.3)));
    assert_eq!(a.view().epoch, 3);
    assert!(!a.is_fresh(start + BOUND), "counted from the read that was taken");
    let later = start + secs(2.5);
    assert!(a.observe(view(3, &[member("a", 1)]), later, later));
    assert!(a.trusts(KEY, tenure, later), "nothing was broken");
}

#[test]
fn an_epoch_that_falls_is_taken_over_and_breaks_every_tenure() {
    let (a, start) = node();
    a.observe(view(9, &[member("a", 1)]), start, start);
    let before = a.owns(KEY).expect("owns");
    let fell = start + secs(10.0);
    assert!(a.observe(view(1, &[member("a", 1)]), fell, fell), "the row was lost");
    assert_eq!(a.view().epoch, 1);
    assert_eq!(a.quiet_from(KEY), Some(fell + BOUND));
    let after = a.owns(KEY).expect("owns");
    let end = fell + BOUND;
    a.observe(view(1, &[member("a", 1)]), end, end);
    assert!(!a.trusts(KEY, before, end), "of a higher epoch, and from before the break");
    assert!(a.trusts(KEY, after, end));
}

#[test]
fn an_equal_epoch_with_other_members_breaks_every_tenure() {
    let (a, start) = node();
    let [mine, other] = [member("a", 1), Member { roles: vec![Role::Http], ..member("b", 1) }];
    a.observe(view(9, std::slice::from_ref(&mine)), start, start);
    let before = a.owns(KEY).expect("owns");
    let climbed = start + secs(5.0);
    assert!(a.observe(view(9, &[mine.clone(), other.clone()]), climbed, climbed));
    assert_eq!(a.view().members.len(), 2);
    let end = climbed + BOUND;
    a.observe(view(9, &[mine, other]), end, end);
    assert!(!a.trusts(KEY, before, end));
    assert!(a.trusts(KEY, a.owns(KEY).expect("owns"), end));
}

#[test]
fn a_read_that_began_before_the_epoch_fell_brings_nothing_back() {
    let (a, start) = node();
    a.observe(view(9, &[member("b", 1)]), start, start);
    let fell = start + secs(1.0);
    assert!(a.observe(view(1, &[member("a", 1)]), fell, fell));
    assert!(!a.observe(view(9, &[member("b", 1)]), fell - secs(0.1), fell + secs(0.1)));
    assert!(!a.observe(view(10, &[member("b", 1)]), fell - secs(0.1), fell + secs(0.1)));
    assert_eq!(a.view().epoch, 1);
}

/// A node `a` of a machine whose sleep is told by the number.
fn sleeper() -> (Authority, Instant, Arc<AtomicU64>) {
    let slept = Arc::new(AtomicU64::new(500));
    let told = Arc::clone(&slept);
    let (a, start) = node();
    (Authority { sleep: Sleep::by(move || told.load(Ordering::Relaxed)), ..a }, start, slept)
}

#[test]
fn what_was_fresh_before_the_machine_slept_is_not_after_it() {
    let (a, start, slept) = sleeper();
    a.observe(view(1, &[member("a", 1)]), start, start);
    let tenure = a.owns(KEY).expect("owns");
    let read = start + BOUND;
    a.observe(view(1, &[member("a", 1)]), read, read);
    assert!(a.trusts(KEY, tenure, read));
    slept.fetch_add(60_000, Ordering::Relaxed);
    assert!(!a.trusts(KEY, tenure, read), "the monotonic clock has stood still");
    assert!(!a.is_fresh(read) && !a.is_settled_since(read, read));
    let awake = read + secs(1.0);
    a.observe(view(1, &[member("a", 1)]), awake, awake);
    assert!(a.trusts(KEY, tenure, awake) && a.is_settled_since(awake, awake));
}

#[test]
fn a_read_during_which_the_machine_slept_refreshes_nothing() {
    let (a, start, slept) = sleeper();
    a.observe(view(1, &[member("a", 1)]), start, start);
    let began = start + secs(1.0);
    slept.fetch_add(60_000, Ordering::Relaxed);
    a.observe(view(1, &[member("a", 1)]), began, began + secs(0.1));
    assert!(!a.is_fresh(began + secs(0.1)));
}

#[test]
fn short_sleeps_add_up() {
    let (a, start, slept) = sleeper();
    a.observe(view(1, &[member("a", 1)]), start, start);
    for _ in 0..3 {
        slept.fetch_add(4, Ordering::Relaxed);
        a.is_fresh(start);
    }
    assert!(!a.is_fresh(start));
}

#[test]
fn nothing_is_settled_while_the_clock_is_off_or_that_began_before_a_jump() {
    let (a, start) = node();
    let jump = start + secs(1.0);
    a.unsettle(jump);
    assert!(!a.is_settled_since(start, jump) && !a.is_settled_since(jump, jump));
    assert!(a.is_settled_since(jump + secs(0.1), jump + secs(0.2)));
    a.suspend(true);
    assert!(!a.is_settled_since(jump + secs(0.1), jump + secs(0.2)));
}

#[test]
fn a_new_term_of_the_owner_breaks_its_tenure_and_nobody_elses() {
    let (a, start) = node();
    let (mine, other) = (member("a", 1), member("b", 1));
    let one = view(1, &[mine, other]);
    a.observe(one.clone(), start, start);
    let keys: Vec<[u8; 1]> = (0..=255).map(|n| [n]).collect();
    let of = |name: &str| {
        let owned = |key: &&[u8; 1]| placement::owner(&one, *key).is_some_and(|owner| owner.node.as_str() == name);
        *keys.iter().find(owned).expect("each owns some")
    };
    let (key, tenure) = (of("a"), a.owns(&of("a")).expect("owns"));
    let later = start + secs(10.0);
    let renewed = crate::keeper::renewed(&one, &"b".parse().expect("a name")).expect("knows of terms");
    a.observe(renewed.clone(), later, later);
    assert!(a.trusts(&key, tenure, later), "another's term");
    assert_eq!(a.quiet_from(&key), Some(start + BOUND));
    assert_eq!(a.quiet_from(&of("b")), Some(later + BOUND));
    let read = later + secs(1.0);
    let again = crate::keeper::renewed(&renewed, &"a".parse().expect("a name")).expect("knows of terms");
    a.observe(again.clone(), read, read);
    assert!(!a.trusts(&key, tenure, read));
    assert_eq!((a.route(&key), a.quiet_from(&key)), (Route::Local, Some(read + BOUND)));
    let anew = a.owns(&key).expect("still owns it");
    let end = read + BOUND;
    a.observe(again, end, end);
    assert!(!a.trusts(&key, tenure, end) && a.trusts(&key, anew, end));
}
