//! How often there is room, and letters of other versions.

use std::time::Duration;

use super::*;
use crate::domain::throttle::Bucketing;

fn at(secs: u64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000).after(Duration::from_secs(secs))
}

/// Sends as often as there is room, once a second, and gives how many went and when there is room again.
fn spend(user: &mut User, from: u64) -> (u32, Timestamp) {
    for count in 0.. {
        match room(user, Bucketing::Unknown, at(from + u64::from(count))) {
            Ok(sends) => user.sends = Some(sends),
            Err(until) => return (count, until),
        }
    }
    unreachable!("there is a bound")
}

#[test]
fn a_letter_is_read_by_the_versions_beside_this_one_and_theirs_by_this_one() {
    let letter = Letter {
        channel: Channel::Email,
        to: "ada@mail.example".to_owned(),
        user_name: "ada".to_owned(),
        lang: Some("de".to_owned()),
        content: Content::Notice { notice: Notice::PasswordChanged },
    };
    let mut written = serde_json::to_value(&letter).expect("a letter is JSON");
    assert_eq!(written["lang"], "de");
    written["later"] = true.into();
    let read: Letter = serde_json::from_value(written.clone()).expect("a field more is passed over");
    assert_eq!(read.lang.as_deref(), Some("de"));
    written.as_object_mut().expect("an object").remove("lang");
    let read: Letter = serde_json::from_value(written).expect("an earlier version says no language");
    assert_eq!(read.lang, None);
    let without = serde_json::to_value(Letter { lang: None, ..letter }).expect("a letter is JSON");
    assert_eq!(without.get("lang"), None);
}

#[test]
fn a_user_causes_ten_messages_an_hour_and_thirty_a_day() {
    let mut user = User::unloaded(UserId::from_random([1; 16]));
    assert_eq!(spend(&mut user, 0), (10, at(3600)));
    assert_eq!(spend(&mut user, 3600), (10, at(7200)));
    assert_eq!(spend(&mut user, 7200), (10, at(86_400)));
    assert_eq!(spend(&mut user, 20_000), (0, at(86_400)));
    assert_eq!(spend(&mut user, 86_400), (10, at(90_000)));
}

#[test]
fn what_strangers_cause_takes_no_room_from_a_known_device_and_a_restore_takes_an_hours_from_both() {
    let mut user = User::unloaded(UserId::from_random([1; 16]));
    spend(&mut user, 0);
    let device = schema::DeviceId::from_bytes([7; 16]);
    let known = Bucketing::Device(&device);
    user.sends = Some(room(&user, known, at(11)).expect("room"));
    let restored = spent(user.sends.as_ref().expect("counted"), at(20));
    user.sends = Some(restored);
    for bucket in [known, Bucketing::Unknown] {
        assert_eq!(room(&user, bucket, at(30)).expect_err("spent"), at(3620));
    }
}

#[test]
fn a_clock_that_was_ahead_takes_no_room_for_good() {
    let mut user = User::unloaded(UserId::from_random([1; 16]));
    spend(&mut user, 1_000_000);
    assert_eq!(spend(&mut user, 0).0, 10);
}
