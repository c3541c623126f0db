//! Devices whose codes are looked at no more.

use super::*;
use crate::domain::{
    command::{CODES_THROTTLE, Ways},
    throttle::HARD_CAP,
    user::fresh_throttle,
};

fn suspend(user: &mut User, throttle: &str) {
    let suspended = schema::record::Throttle { total: HARD_CAP, suspended_at: Some(NOW), ..fresh_throttle() };
    user.throttles.insert(throttle.to_owned(), suspended);
}

/// The app of everybody here.
fn app() -> String {
    format!("totp/{}", FactorId::from_bytes([3; 16]))
}

#[test]
fn a_suspended_device_is_not_offered_and_meets_no_policy_and_is_asked_for_all_the_same() {
    use PolicyMethod::{Email, Passkey, Sms, Totp};
    let mut ann = user(&[Totp, Email]);
    let everybody = [policy(PolicyScope::Everybody, REQUIRED)];
    let by_app = [Policy { any_of: [Totp].into(), ..policy(PolicyScope::Everybody, REQUIRED) }];
    assert_eq!(judged(&everybody, &ann, &[Email]), Verdict::StepUp);
    suspend(&mut ann, &app());
    let enrol = |methods: &[PolicyMethod]| Verdict::Enrol {
        methods: methods.iter().copied().collect(),
        hardware: false,
        all: false,
    };
    assert_eq!(judged(&everybody, &ann, &[Email]), enrol(&[Totp, Sms, Passkey]));
    assert_eq!(judged(&by_app, &ann, &[Email]), enrol(&[Totp]), "another app");
    let ways = Ways::of(&ann);
    assert_eq!((ways.totp, ways.email, ways.backup_code, ways.suspended), (false, true, true, true));
    assert!(ann.has_second_factor() && ann.second_factors().count() == 2);
    assert_eq!(ann.acr_to_change(), Acr::Mfa, "who reads mail does not remove it");
    suspend(&mut ann, CODES_THROTTLE);
    let ways = Ways::of(&ann);
    assert_eq!((ways.totp, ways.email, ways.backup_code, ways.suspended), (false, false, true, true));
    assert!(ann.has_second_factor());
    assert_eq!(Ways::of(&user(&[Totp])), Ways { totp: true, backup_code: true, ..Ways::default() });
}

#[test]
fn a_hundred_wrong_codes_do_not_open_what_guards_the_account() {
    use PolicyMethod::{Sms, Totp};
    let mut ann = user(&[Totp, Sms]);
    suspend(&mut ann, &app());
    let guards = Policy { any_of: [Totp].into(), ..policy(operation(None, "security.change"), REQUIRED) };
    let operations = BTreeSet::from(["security.change".to_owned()]);
    let proofs: Vec<Proof> = with(&[Sms].into()).into_iter().map(|proof| Proof { at: NOW, ..proof }).collect();
    let settings = Settings::default();
    let case = Case {
        user: &ann,
        client: None,
        operations: &operations,
        begun_at: None,
        proofs: &proofs,
        now: NOW,
        settings: &settings,
    };
    assert_eq!(judge(std::slice::from_ref(&guards), case), Verdict::StepUp, "no other app is added with less");
    let outlook = outlook(&[guards], None, case);
    assert!(outlook.goes_on && outlook.methods == BTreeSet::from([Totp]) && outlook.backup_code, "{outlook:?}");
}

#[test]
fn a_sign_in_goes_on_by_what_is_usable() {
    use PolicyMethod::{Sms, Totp};
    let mut ann = user(&[Totp, Sms]);
    suspend(&mut ann, &app());
    let everybody = [policy(PolicyScope::Everybody, REQUIRED)];
    let (operations, settings, proofs) = (BTreeSet::new(), Settings::default(), with(&BTreeSet::new()));
    let case = Case {
        user: &ann,
        client: None,
        operations: &operations,
        begun_at: None,
        proofs: &proofs,
        now: NOW,
        settings: &settings,
    };
    let outlook = outlook(&everybody, None, case);
    assert!(outlook.goes_on && outlook.methods == BTreeSet::from([Sms]), "{outlook:?}");
}

#[test]
fn it_takes_nobodys_place_if_the_failures_were_its_own() {
    let mut ann = user(&[PolicyMethod::Totp, PolicyMethod::Sms]);
    let all = |user: &User| (user.placed_totps(), user.placed_addresses(schema::record::Channel::Sms));
    suspend(&mut ann, CODES_THROTTLE);
    assert_eq!(all(&ann), (1, 1), "a new device gives them back");
    suspend(&mut ann, &app());
    assert_eq!(all(&ann), (0, 1));
}
