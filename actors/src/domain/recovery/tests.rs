use std::collections::BTreeSet;

use proptest::{
    prelude::{Strategy, any, prop_assert, prop_oneof, proptest},
    strategy::Just,
};
use schema::{
    AttemptId, CredentialId, RecoveryId, UserId,
    record::{Account, AccountStatus, Address, FactorState, Password, PolicyMode, Totp, Unknown},
};

use super::*;
use crate::{
    domain::context::{Attempt, Origin},
    entropy::SeededEntropy,
    secret::Seed,
    vault::{MasterKeys, Vault},
};

const NOW: Timestamp = Timestamp::from_millis(1_800_000_010_000);
const DAY: Duration = Duration::from_hours(24);
const WAIT: Duration = Duration::from_hours(3 * 24);

fn settings() -> Settings {
    Settings { sends_mail: true, recovery_wait: WAIT, ..Settings::default() }
}

/// Somebody with a confirmed address, a password and an authenticator app.
fn ann() -> User {
    let mut user = User::unloaded(UserId::from_random([1; 16]));
    let email = Some("ann@example.org".to_owned());
    user.account = Some(Account { email, email_verified: true, ..Account::new(user.id, "Ann", NOW) });
    user.password = Some(Password {
        credential: CredentialId::from_bytes([2; 16]),
        version: 1,
        hash: "hash".to_owned(),
        changed_at: NOW,
        by_mail: false,
        compromised_at: None,
        unknown: Unknown::default(),
    });
    add_app(&mut user, 3);
    user
}

fn add_app(user: &mut User, id: u8) {
    let factor = FactorId::from_bytes([id; 16]);
    let app = Totp {
        factor,
        name: "Phone".to_owned(),
        state: FactorState::Activated { at: NOW },
        seed: "sealed".to_owned(),
        last_step: 0,
        created_at: NOW,
        last_used_at: None,
        unknown: Unknown::default(),
    };
    user.totps.insert(factor, app);
}

/// With a request that is in this state.
fn asked(mut user: User, state: RecoveryState) -> User {
    user.recovery = Some(Recovery {
        recovery: RecoveryId::from_bytes([4; 16]),
        state,
        credential: CredentialId::from_bytes([2; 16]),
        factors: factors(&user),
        link_hashes: Vec::new(),
        begun_at: NOW,
        due_at: NOW.after(WAIT),
        expires_at: NOW.after(WAIT).after(OPEN_FOR),
        reminded_at: None,
        asked_at: None,
        lang: None,
        unknown: Unknown::default(),
    });
    user
}

#[test]
fn a_request_waits_is_due_and_is_over() {
    let user = asked(ann(), RecoveryState::Waiting);
    let at = |span: Duration| standing(&user, NOW.after(span));
    let second = Duration::from_secs(1);
    assert!(matches!(at(Duration::ZERO), Standing::Waiting(_)));
    assert!(matches!(at(WAIT.saturating_sub(second)), Standing::Waiting(_)));
    assert!(matches!(at(WAIT), Standing::Due(_)));
    assert!(matches!(at(WAIT + OPEN_FOR.saturating_sub(second)), Standing::Due(_)));
    assert!(matches!(at(WAIT + OPEN_FOR), Standing::None));
}

#[test]
fn another_password_and_a_device_more_or_less_make_it_void() {
    let waiting = asked(ann(), RecoveryState::Waiting);
    let mut changed = waiting.clone();
    changed.password.as_mut().expect("a password").credential = CredentialId::from_bytes([9; 16]);
    assert!(alive(&changed, NOW).is_none());
    let mut more = waiting.clone();
    add_app(&mut more, 5);
    assert!(alive(&more, NOW).is_none());
    let mut less = waiting.clone();
    less.totps.clear();
    assert!(alive(&less, NOW).is_none());
    assert!(alive(&waiting, NOW).is_some());
}

/// Which keeps others away, and until when.
#[test]
fn one_that_was_cancelled_keeps_others_from_being_begun() {
    let cancelled = |by| asked(ann(), RecoveryState::Cancelled { at: NOW, by });
    for by in [CancelledBy::Owner, CancelledBy::Operator] {
        let user = cancelled(by);
        assert!(matches!(standing(&user, NOW.after(1000 * DAY)), Standing::Closed(None)), "{by:?}");
        let mut changed = user;
        changed.password.as_mut().expect("a password").credential = CredentialId::from_bytes([9; 16]);
        assert!(matches!(standing(&changed, NOW), Standing::None), "{by:?}");
    }
    let user = cancelled(CancelledBy::SignIn);
    let end = NOW.after(PAUSE);
    assert!(matches!(standing(&user, NOW), Standing::Closed(Some(until)) if until == end));
    assert!(matches!(standing(&user, end), Standing::None));
}

#[test]
fn it_takes_a_password_that_no_mail_has_set_a_confirmed_address_and_a_device() {
    let offered = |user: &User| is_offered(user, &settings(), &[], NOW);
    assert!(offered(&ann()));
    let changed = |change: fn(&mut User)| {
        let mut user = ann();
        change(&mut user);
        offered(&user)
    };
    assert!(!changed(|user| user.totps.clear()), "there is nothing to do without");
    assert!(!changed(|user| user.password.as_mut().expect("a password").by_mail = true));
    assert!(!changed(|user| user.password = None));
    assert!(!changed(|user| user.account.as_mut().expect("an account").email_verified = false));
    assert!(!changed(|user| assert!(user.account.as_mut().expect("an account").roles.insert("admin".to_owned()))));
    let disabled = AccountStatus::Disabled { at: NOW };
    let mut user = ann();
    user.account.as_mut().expect("an account").status = disabled;
    assert!(!offered(&user));
    let user = ann();
    assert!(!is_offered(&user, &Settings { recovery_wait: Duration::ZERO, ..settings() }, &[], NOW), "it is off");
    assert!(!is_offered(&user, &Settings { sends_mail: false, ..settings() }, &[], NOW));
}

fn policy(at_least: &str, any_of: &[PolicyMethod], scope: PolicyScope) -> Policy {
    let any_of = any_of.iter().copied().collect();
    Policy { any_of, ..Policy::new(scope, PolicyMode::Required { from: NOW }, at_least, NOW) }
}

#[test]
fn of_whom_a_policy_asks_for_a_passkey_nobody_is_recovered_by_mail() {
    let offered = |policy: Policy| is_offered(&ann(), &settings(), &[policy], NOW);
    let everybody = || PolicyScope::Everybody;
    let role = |role: &str| PolicyScope::Role { role: role.to_owned() };
    assert!(offered(policy("urn:doorward:acr:mfa", &[], everybody())));
    assert!(!offered(policy("phr", &[], everybody())));
    assert!(!offered(policy("urn:doorward:acr:2step", &[PolicyMethod::Passkey], everybody())));
    assert!(!offered(policy("of a newer version", &[], everybody())));
    assert!(offered(policy("phr", &[], role("staff"))), "it is not of the staff");
    let client = PolicyScope::Client { client: "c_shop".parse().expect("a client id") };
    let operation = PolicyScope::Operation { client: None, operation: "security.change".to_owned() };
    assert!(!offered(policy("phr", &[], operation)), "factors are not changed by less");
    assert!(!offered(policy("phr", &[], client)), "the account may be used there");
    let later = PolicyMode::Required { from: NOW.after(DAY) };
    assert!(offered(Policy { mode: later, ..policy("phr", &[], everybody()) }));
    assert!(offered(Policy { mode: PolicyMode::Recommended, ..policy("phr", &[], everybody()) }));
    let all_of = BTreeSet::from([PolicyMethod::Passkey]);
    assert!(!offered(Policy { all_of, ..policy("urn:doorward:acr:mfa", &[], everybody()) }));
}

#[test]
fn every_confirmed_address_is_told_once_that_of_the_account_first() {
    let mut user = ann();
    let address = |id: u8, address: &str, at: Duration| Address {
        factor: FactorId::from_bytes([id; 16]),
        name: String::new(),
        address: address.to_owned(),
        state: FactorState::Activated { at: NOW.after(at) },
        sent: None,
        texts: Vec::new(),
        created_at: NOW,
        last_used_at: None,
        unknown: Unknown::default(),
    };
    let second = Duration::from_secs(1);
    let all = [
        address(5, "ann@work.example", 2 * second),
        address(6, "ann@home.example", second),
        address(7, "ann@example.org", Duration::ZERO),
    ];
    user.emails.extend(all.into_iter().map(|address| (address.factor, address)));
    let awaiting = FactorState::AwaitingActivation { until: NOW.after(DAY) };
    let unproved = Address { state: awaiting, ..address(8, "ann@unproved.example", second) };
    user.emails.insert(unproved.factor, unproved);
    assert_eq!(letter::confirmed(&user), ["ann@example.org", "ann@home.example", "ann@work.example"]);
    user.account.as_mut().expect("an account").email_verified = false;
    assert_eq!(letter::confirmed(&user), ["ann@example.org", "ann@home.example", "ann@work.example"]);
    user.emails.clear();
    assert!(letter::confirmed(&user).is_empty());
}

#[test]
fn the_reminder_comes_a_day_before_the_end_or_half_way() {
    for (days, hours) in [(1, 12), (2, 24), (3, 48), (30, 29 * 24)] {
        let at = remind_at(NOW, NOW.after(days * DAY));
        assert_eq!(at, NOW.after(Duration::from_hours(hours)), "{days} days");
    }
}

#[test]
fn of_many_links_the_first_and_the_newest_count() {
    let mut recovery = asked(ann(), RecoveryState::Waiting).recovery.expect("a request");
    for n in 0..50 {
        recovery = with_link(&recovery, n.to_string());
    }
    assert_eq!(recovery.link_hashes.len(), MAX_LINKS);
    assert_eq!((recovery.link_hashes[0].as_str(), recovery.link_hashes[MAX_LINKS - 1].as_str()), ("0", "49"));
}

/// The password of a decision that has put a new hash already is that one.
#[test]
fn a_password_that_is_hashed_anew_keeps_its_hash_when_it_becomes_its_owners() {
    let mut user = ann();
    let password = user.password.as_mut().expect("a password");
    password.by_mail = true;
    let hashed = Password { hash: "new".to_owned(), version: 2, ..password.clone() };
    let credential = Some(hashed.credential);
    let proof = |method, credential| Proof { method, at: NOW, factor: None, credential };
    let proofs = [proof(Method::Totp, None), proof(Method::Password, credential)];
    let entropy = SeededEntropy::new(3);
    let keys = MasterKeys::generate(&entropy, &"k1".parse().expect("a key id")).expect("a ring");
    let vault = Vault::new(&keys, keys.first().clone(), "test").expect("a vault");
    let (id, seed) = (AttemptId::from_bytes([3; 16]), Seed::new([4; 32]));
    let attempt = Attempt { id, seed, origin: Origin::default(), policies: Vec::new() };
    let settings = settings();
    let cx = Context { now: NOW, attempt: &attempt, vault: &vault, entropy: &entropy, settings: &settings };
    for (pending, expected) in [(Some(hashed), ("new", 2)), (None, ("hash", 1))] {
        let mut change = Change::default();
        if let Some(pending) = pending {
            change.put(Item::Password(pending));
        }
        signed_in(&user, &cx, &mut change, &proofs, Method::Password);
        let put: Vec<_> = change.puts().iter().collect();
        let [Item::Password(put)] = put[..] else { panic!("{put:?}") };
        assert_eq!((put.hash.as_str(), put.version), expected);
        assert!(!put.by_mail);
    }
}

fn states() -> impl Strategy<Value = RecoveryState> {
    let by = prop_oneof![Just(CancelledBy::Owner), Just(CancelledBy::SignIn), Just(CancelledBy::Operator)];
    let cancelled = (by, 0_u64..40)
        .prop_map(|(by, day)| RecoveryState::Cancelled { at: NOW.after(Duration::from_hours(24 * day)), by });
    prop_oneof![Just(RecoveryState::Waiting), cancelled]
}

proptest! {
    /// Whatever happened, a request can be completed in one week alone, and only if nobody cancelled it.
    #[test]
    fn only_what_waited_and_was_not_cancelled_is_due(state in states(), hours in 0_u64..2000, other in any::<bool>()) {
        let mut user = asked(ann(), state);
        if other {
            add_app(&mut user, 5);
        }
        let now = NOW.after(Duration::from_hours(hours));
        if matches!(standing(&user, now), Standing::Due(_)) {
            prop_assert!(state == RecoveryState::Waiting && !other);
            prop_assert!(now >= NOW.after(WAIT) && now < NOW.after(WAIT).after(OPEN_FOR));
        }
    }

    /// What can be forgotten says nothing any more.
    #[test]
    fn the_end_of_a_request_is_not_before_it_counts_no_more(state in states(), hours in 0_u64..2000) {
        let user = asked(ann(), state);
        let now = NOW.after(Duration::from_hours(hours));
        let ended = user.recovery.as_ref().and_then(end_of).is_some_and(|end| end <= now);
        prop_assert!(!ended || matches!(standing(&user, now), Standing::None));
    }
}
