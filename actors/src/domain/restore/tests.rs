use std::{collections::BTreeSet, time::Duration};

use proptest::{
    collection::btree_map,
    prelude::{Strategy, any, prop_assert, prop_assert_eq, proptest},
};
use schema::{
    CredentialId, DeviceId, FactorId, RecoveryId, Revision, SessionId, Timestamp, UserId,
    record::{
        Account, BackupCode, BackupCodes, Bucket, CancelledBy, FactorState, KnownDevice, Password, Recovery, Throttle,
        Totp, Unknown,
    },
};

use super::*;
use crate::domain::throttle::{Bucketing, Gate, status};

const NOW: Timestamp = Timestamp::from_millis(1_800_000_010_000);

fn account() -> Account {
    Account::new(UserId::from_random([1; 16]), "Ann", NOW)
}

fn totp(seed: u8, last_step: u64, waits: bool) -> Totp {
    Totp {
        factor: FactorId::from_bytes([seed; 16]),
        name: "Phone".to_owned(),
        state: if waits { FactorState::AwaitingActivation { until: NOW } } else { FactorState::Activated { at: NOW } },
        seed: "sealed".to_owned(),
        last_step,
        created_at: NOW,
        last_used_at: None,
        unknown: Unknown::default(),
    }
}

fn throttle() -> impl Strategy<Value = Throttle> {
    let at = |offset: i32| Timestamp::from_millis(NOW.as_millis() + i64::from(offset));
    let bucket =
        (0_u8..5, 0_u8..9, any::<Option<i32>>(), any::<Option<i32>>()).prop_map(move |(in_burst, level, a, b)| {
            Bucket { in_burst, level, locked_until: a.map(at), last_failure_at: b.map(at) }
        });
    let name = any::<bool>()
        .prop_map(|known| if known { DeviceId::from_bytes([3; 16]).to_string() } else { Bucketing::Unknown.name() });
    (0_u32..120, btree_map(name, bucket, 0..3)).prop_map(|(total, buckets)| Throttle {
        total,
        suspended_at: (total >= 100).then_some(NOW),
        buckets,
        unknown: Unknown::default(),
    })
}

fn users() -> impl Strategy<Value = User> {
    let totps = proptest::collection::vec((any::<u8>(), 0..100_000_000_u64, any::<bool>()), 0..4);
    let throttles = btree_map(proptest::sample::select(vec!["password", "backup", "totp/gone"]), throttle(), 0..3);
    (totps, throttles, any::<bool>()).prop_map(|(totps, throttles, backup)| {
        let mut user = User::unloaded(UserId::from_random([1; 16]));
        user.areas = NEEDS;
        user.account = Some(account());
        user.password = Some(Password {
            credential: CredentialId::from_bytes([2; 16]),
            version: 1,
            hash: "hash".to_owned(),
            changed_at: NOW,
            by_mail: false,
            compromised_at: None,
            unknown: Unknown::default(),
        });
        let device = DeviceId::from_bytes([3; 16]);
        let known = KnownDevice { device, created_at: NOW, last_used_at: NOW, unknown: Unknown::default() };
        user.devices.insert(device, known);
        user.totps = totps
            .into_iter()
            .map(|(id, step, waits)| (FactorId::from_bytes([id; 16]), totp(id, step, waits)))
            .collect();
        user.throttles = throttles.into_iter().map(|(name, throttle)| (name.to_owned(), throttle)).collect();
        let code = BackupCode { locator: "AAAA".to_owned(), hash: "hash".to_owned(), used_at: None };
        user.backup = backup.then(|| BackupCodes {
            credential: CredentialId::from_bytes([4; 16]),
            created_at: NOW,
            saved_at: None,
            codes: vec![code],
            unknown: Unknown::default(),
        });
        user
    })
}

fn after(user: &User, passwords: bool) -> User {
    let mut next = user.clone();
    next.apply(end(user, &Terms { at: NOW, passwords }).0, Revision::first(1));
    next
}

proptest! {
    #[test]
    fn no_code_of_the_past_is_good_and_no_counter_goes_back(user in users()) {
        let next = after(&user, false);
        for (id, device) in &next.totps {
            let step = u64::try_from(NOW.as_secs()).expect("after 1970") / 30;
            prop_assert!(device.last_step > step);
            prop_assert!(device.last_step >= user.totps[id].last_step);
            let counts = matches!(device.state, FactorState::Activated { .. });
            prop_assert!(counts);
        }
        prop_assert!(next.backup.is_none() && next.devices.is_empty());
    }

    #[test]
    fn every_throttle_has_a_burst_spent_and_none_opens_earlier_than_before(user in users()) {
        let next = after(&user, false);
        let mut names: Vec<String> = vec!["password".to_owned(), "backup".to_owned()];
        names.extend(user.throttles.keys().cloned());
        names.extend(next.totps.keys().map(|id| format!("totp/{id}")));
        for name in names {
            let (before, throttle) = (user.throttle(&name), next.throttle(&name));
            prop_assert!(throttle.total >= before.total.max(5));
            match (status(&before, Bucketing::Unknown, NOW), status(&throttle, Bucketing::Unknown, NOW)) {
                (_, Gate::Suspended) => {}
                (Gate::Closed { until: known }, Gate::Closed { until }) => prop_assert!(until >= known),
                (_, Gate::Closed { until }) => prop_assert!(until >= NOW.after(Duration::from_secs(30))),
                (_, Gate::Open { .. }) => prop_assert!(false, "{name} is open"),
            }
            prop_assert!(throttle.buckets.keys().all(|bucket| *bucket == Bucketing::Unknown.name()));
        }
    }

    #[test]
    fn ending_twice_changes_nothing_more(user in users(), passwords in any::<bool>()) {
        let once = after(&user, passwords);
        let (change, ended) = end(&once, &Terms { at: NOW, passwords });
        prop_assert!(change.is_empty(), "{change:?}");
        prop_assert_eq!(ended, Ended { users: 1, ..Ended::default() });
    }

    #[test]
    fn what_a_person_knows_stays_unless_passwords_end(user in users()) {
        prop_assert!(after(&user, false).password.is_some());
        prop_assert!(after(&user, true).password.is_none());
        prop_assert!(after(&user, true).account.is_some());
    }
}

#[test]
fn a_passkey_stays_as_it_was_and_one_that_awaits_its_key_goes() {
    let passkey = |id: u8, state| Passkey {
        factor: FactorId::from_bytes([id; 16]),
        name: "Phone".to_owned(),
        state,
        challenge: None,
        public_key: None,
        created_at: NOW,
        last_used_at: None,
        unknown: Unknown::default(),
    };
    let mut user = User::unloaded(UserId::from_random([1; 16]));
    user.account = Some(account());
    let states = [FactorState::Activated { at: NOW }, FactorState::AwaitingActivation { until: NOW }];
    for (id, state) in (1..).zip(states) {
        user.passkeys.insert(FactorId::from_bytes([id; 16]), passkey(id, state));
    }
    let (_, ended) = end(&user, &Terms { at: NOW, passwords: false });
    assert_eq!(ended.enrolments, 1);
    let left: Vec<FactorId> = after(&user, false).passkeys.into_keys().collect();
    assert_eq!(left, [FactorId::from_bytes([1; 16])]);
}

/// It may have been cancelled since the backup; what keeps others away stays.
#[test]
fn a_recovery_that_waits_goes_and_one_that_was_cancelled_stays() {
    let recovery = |state| Recovery {
        recovery: RecoveryId::from_bytes([4; 16]),
        state,
        credential: CredentialId::from_bytes([2; 16]),
        factors: BTreeSet::new(),
        link_hashes: Vec::new(),
        begun_at: NOW,
        due_at: NOW,
        expires_at: NOW,
        reminded_at: None,
        asked_at: None,
        lang: None,
        unknown: Unknown::default(),
    };
    let mut user = User::unloaded(UserId::from_random([1; 16]));
    user.account = Some(account());
    user.recovery = Some(recovery(RecoveryState::Waiting));
    let (_, ended) = end(&user, &Terms { at: NOW, passwords: false });
    assert_eq!(ended.links, 1);
    assert!(after(&user, false).recovery.is_none());
    user.recovery = Some(recovery(RecoveryState::Cancelled { at: NOW, by: CancelledBy::Owner }));
    assert!(after(&user, false).recovery.is_some());
}

#[test]
fn a_tombstone_gets_no_throttles() {
    let mut user = User::unloaded(UserId::from_random([1; 16]));
    user.areas = NEEDS;
    let (change, ended) = end(&user, &Terms { at: NOW, passwords: true });
    assert!(change.is_empty());
    assert_eq!(ended, Ended::default());
    assert!(!user.sessions.contains_key(&SessionId::from_bytes([0; 16])));
}
