//! Where a password stands alone nowhere.

use super::*;

fn demanded(policies: &[Policy]) -> bool {
    is_demanded_of_new(policies, &BTreeSet::from(["staff".to_owned()]), NOW)
}

fn everybody(mode: PolicyMode) -> Policy {
    policy(PolicyScope::Everybody, mode)
}

#[test]
fn it_is_where_a_second_factor_is_required_of_everybody_and_nowhere_less() {
    assert!(!demanded(&[]));
    for (mode, is) in [
        (PolicyMode::Off, false),
        (PolicyMode::Recommended, false),
        (PolicyMode::Required { from: AT_ONCE }, true),
        (REQUIRED, true),
        (PolicyMode::Required { from: NOW.after(Duration::from_millis(1)) }, false),
    ] {
        assert_eq!(demanded(&[everybody(mode)]), is, "{mode:?}");
    }
    assert!(demanded(&[everybody(PolicyMode::Off), policy(staff(), REQUIRED)]), "none loosens another");
}

#[test]
fn it_is_not_while_it_can_be_put_off() {
    let graced = Policy { grace_days: Some(1), ..everybody(REQUIRED) };
    let skipped = Policy { skips: Some(1), ..everybody(REQUIRED) };
    let both = Policy { skips: Some(1), ..graced.clone() };
    for put_off in [&graced, &Policy { skips: Some(1), ..everybody(PolicyMode::Required { from: AT_ONCE }) }, &both] {
        assert!(!demanded(std::slice::from_ref(put_off)), "{put_off:?}");
        assert!(demanded(&[put_off.clone(), policy(staff(), REQUIRED)]), "that of the role is there");
    }
    assert!(demanded(&[skipped]), "its day has come, whatever is left to decline");
}

#[test]
fn the_roles_count_and_neither_applications_nor_operations_do() {
    let other = PolicyScope::Role { role: "admin".to_owned() };
    let own = PolicyScope::Operation { client: None, operation: operation().to_owned() };
    let theirs = PolicyScope::Operation { client: Some(shop()), operation: "wire.transfer".to_owned() };
    assert!(demanded(&[policy(staff(), REQUIRED)]));
    for scope in [other, PolicyScope::Client { client: shop() }, own, theirs, PolicyScope::Account] {
        assert!(!demanded(&[policy(scope.clone(), REQUIRED)]), "{scope}");
    }
}

#[test]
fn what_a_code_by_mail_or_the_password_meets_is_no_second_factor() {
    let policy = |acr: Acr, any_of: &[PolicyMethod]| Policy {
        at_least: acr.as_str().to_owned(),
        any_of: any_of.iter().copied().collect(),
        ..everybody(REQUIRED)
    };
    for (acr, any_of, is) in [
        (Acr::OneFactor, &[][..], false),
        (Acr::TwoStep, &[], false),
        (Acr::TwoStep, &[PolicyMethod::Email, PolicyMethod::Totp], false),
        (Acr::TwoStep, &[PolicyMethod::Totp, PolicyMethod::Sms], true),
        (Acr::OneFactor, &[PolicyMethod::Totp], true),
        (Acr::Mfa, &[], true),
        (Acr::PhishingResistant, &[], true),
    ] {
        assert_eq!(demanded(&[policy(acr, any_of)]), is, "{acr:?} {any_of:?}");
    }
    let both = [PolicyMethod::Email, PolicyMethod::Totp].into();
    assert!(demanded(&[Policy { all_of: both, ..policy(Acr::TwoStep, &[]) }]));
}

fn staff() -> PolicyScope {
    PolicyScope::Role { role: "staff".to_owned() }
}

const fn operation() -> &'static str {
    crate::domain::operation::PASSWORD_CHANGE
}
