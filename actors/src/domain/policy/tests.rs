use proptest::{
    collection::vec,
    prelude::{Just, Strategy, any, prop_assert, prop_oneof, proptest},
};
use schema::{
    CredentialId, FactorId, UserId,
    record::{Account, AccountStatus, Address, FactorState, Password, Totp, TrustedDevice, Unknown},
};

use super::*;

/// Those of which the users here have devices.
const OWN: [PolicyMethod; 3] = [PolicyMethod::Totp, PolicyMethod::Email, PolicyMethod::Sms];
const NOW: Timestamp = Timestamp::from_millis(1_800_000_010_000);

fn shop() -> ClientId {
    "c_shop".parse().expect("a client id")
}

/// Somebody of the staff with devices of these methods.
fn user(methods: &[PolicyMethod]) -> User {
    let mut user = User::unloaded(UserId::from_random([1; 16]));
    user.account = Some(Account {
        user: user.id,
        user_name: "Ann".to_owned(),
        email: None,
        email_verified: false,
        roles: BTreeSet::from(["staff".to_owned()]),
        mfa_declined_at: None,
        status: AccountStatus::Active,
        claims: Vec::new(),
        created_at: NOW,
        updated_at: NOW,
        unknown: Unknown::default(),
    });
    user.password = Some(Password {
        credential: CredentialId::from_bytes([2; 16]),
        version: 1,
        hash: "hash".to_owned(),
        changed_at: NOW,
        unknown: Unknown::default(),
    });
    let (factor, state) = (FactorId::from_bytes([3; 16]), FactorState::Activated { at: NOW });
    if methods.contains(&PolicyMethod::Totp) {
        let (name, seed) = ("Phone".to_owned(), "sealed".to_owned());
        let unknown = Unknown::default();
        let totp = Totp { factor, name, state, seed, last_step: 0, created_at: NOW, last_used_at: None, unknown };
        user.totps.insert(factor, totp);
    }
    let address = |address: &str| Address {
        factor,
        name: String::new(),
        address: address.to_owned(),
        state,
        sent: None,
        created_at: NOW,
        last_used_at: None,
        unknown: Unknown::default(),
    };
    if methods.contains(&PolicyMethod::Email) {
        user.emails.insert(factor, address("ann@mail.example"));
    }
    if methods.contains(&PolicyMethod::Sms) {
        user.phones.insert(factor, address("+4915112345678"));
    }
    user
}

fn policy(scope: PolicyScope, mode: PolicyMode) -> Policy {
    Policy {
        scope,
        mode,
        any_of: BTreeSet::new(),
        all_of: BTreeSet::new(),
        at_least: Acr::Mfa.as_str().to_owned(),
        trusted_days: None,
        changed_at: NOW,
        unknown: Unknown::default(),
    }
}

const REQUIRED: PolicyMode = PolicyMode::Required { from: NOW };

fn judged(policies: &[Policy], user: &User, proved: &[PolicyMethod]) -> Verdict {
    judged_by(policies, user, &with(&proved.iter().copied().collect()))
}

fn judged_by(policies: &[Policy], user: &User, proofs: &[Proof]) -> Verdict {
    judge(policies, Case { user, client: None, proofs, now: NOW })
}

#[test]
fn what_was_proved_counts_and_not_what_is_owned() {
    use PolicyMethod::{Email, Passkey, Sms, Totp};
    let everybody = [policy(PolicyScope::Everybody, REQUIRED)];
    let enrol = Verdict::Enrol { methods: BTreeSet::from([Totp, Sms, Passkey]) };
    let cases: [(&[PolicyMethod], &[PolicyMethod], Verdict); 7] = [
        (&[], &[], enrol.clone()),
        (&[Email], &[Email], enrol),
        (&[Totp], &[], Verdict::StepUp),
        (&[Totp, Email], &[Email], Verdict::StepUp),
        (&[Totp], &[Totp], Verdict::Met),
        (&[Sms], &[], Verdict::StepUp),
        (&[Sms], &[Sms], Verdict::Met),
    ];
    for (owned, proved, verdict) in cases {
        assert_eq!(judged(&everybody, &user(owned), proved), verdict, "{owned:?} {proved:?}");
    }
    let mut proofs = with(&BTreeSet::new());
    proofs.push(Proof { method: Method::BackupCode, at: NOW, factor: None, credential: None });
    for owned in [&[][..], &[Totp]] {
        assert_eq!(judged_by(&everybody, &user(owned), &proofs), Verdict::Met, "a backup code stands for any");
    }
    let alone = Method::Passkey { user_verified: true, backup_eligible: false };
    let proofs = vec![Proof { method: alone, at: NOW, factor: None, credential: None }];
    assert_eq!(judged_by(&everybody, &user(&[]), &proofs), Verdict::Met, "two factors in one");
}

#[test]
fn methods_and_rungs_are_asked_for_as_they_are_written() {
    use PolicyMethod::{Email, Passkey, Totp};
    let base = || policy(PolicyScope::Everybody, REQUIRED);
    let both = [Policy { all_of: [Totp, Email].into(), ..base() }];
    assert_eq!(judged(&both, &user(&[Totp]), &[Totp]), Verdict::Enrol { methods: [Email].into() });
    assert_eq!(judged(&both, &user(&OWN), &[Totp]), Verdict::StepUp);
    assert_eq!(judged(&both, &user(&OWN), &[Totp, Email]), Verdict::Met);
    let by_mail = || Policy { any_of: [Email].into(), at_least: Acr::TwoStep.as_str().to_owned(), ..base() };
    assert_eq!(judged(&[by_mail()], &user(&[Email]), &[Email]), Verdict::Met);
    assert_eq!(judged(&[by_mail()], &user(&OWN), &[Totp]), Verdict::StepUp, "another one than the one asked for");
    let strongest = || Policy { at_least: Acr::PhishingResistant.as_str().to_owned(), ..base() };
    assert_eq!(judged(&[strongest()], &user(&OWN), &OWN), Verdict::Enrol { methods: [Passkey].into() });
    assert_eq!((met_by(&by_mail()), met_by(&strongest())), ([Email].into(), [Passkey].into()));
    assert!(met_by(&both[0]).is_empty(), "a sign-in has one second step");
    assert_eq!(met_by(&Policy { all_of: [Totp].into(), ..base() }), [Totp].into());
    assert!(met_by(&Policy { any_of: [Email].into(), ..base() }).is_empty(), "no code by mail is a factor");
    assert!(met_by(&Policy { any_of: [Totp].into(), ..strongest() }).is_empty());
    assert!(
        met_by(&Policy { at_least: "urn:other".to_owned(), ..base() }).is_empty(),
        "what nobody knows is never met"
    );
}

#[test]
fn a_backup_code_stands_for_any_one_device_and_reaches_no_higher_than_itself() {
    let mut proofs = with(&BTreeSet::new());
    proofs.push(Proof { method: Method::BackupCode, at: NOW, factor: None, credential: None });
    let base = || policy(PolicyScope::Everybody, REQUIRED);
    let verdict = |policy: Policy| judged_by(&[policy], &user(&OWN), &proofs);
    let one = || BTreeSet::from([PolicyMethod::Totp]);
    assert_eq!(verdict(Policy { any_of: one(), all_of: one(), ..base() }), Verdict::Met);
    assert_eq!(verdict(Policy { all_of: OWN.into(), ..base() }), Verdict::StepUp, "it stands for one");
    let strongest = Policy { at_least: Acr::PhishingResistant.as_str().to_owned(), ..base() };
    assert!(matches!(verdict(strongest), Verdict::Enrol { .. }));
}

#[test]
fn policies_that_nobody_can_meet_together_exclude_each_other() {
    use PolicyMethod::{Email, Passkey, Sms, Totp};
    let loose = |scope: &PolicyScope, any_of: &[PolicyMethod]| Policy {
        any_of: any_of.iter().copied().collect(),
        at_least: Acr::TwoStep.as_str().to_owned(),
        ..policy(scope.clone(), REQUIRED)
    };
    let (all, staff) = (PolicyScope::Everybody, PolicyScope::Role { role: "staff".to_owned() });
    let (shop, wiki) = (
        PolicyScope::Client { client: shop() },
        PolicyScope::Client { client: "c_wiki".parse().expect("a client id") },
    );
    let by_mail = loose(&all, &[Email]);
    assert_eq!(excludes(&policy(staff.clone(), REQUIRED), std::slice::from_ref(&by_mail)), Some(&all));
    assert_eq!(excludes(&policy(staff.clone(), PolicyMode::Recommended), std::slice::from_ref(&by_mail)), None);
    assert_eq!(excludes(&loose(&shop, &[Totp]), &[loose(&wiki, &[Email])]), None, "a sign-in is for one application");
    let (one, other) = (loose(&all, &[Totp, Email]), loose(&staff, &[Email, Passkey]));
    assert_eq!(excludes(&other, std::slice::from_ref(&one)), None);
    assert_eq!(
        excludes(&loose(&shop, &[Totp, Passkey]), &[one.clone(), other]),
        Some(&staff),
        "no two miss each other"
    );
    assert_eq!(excludes(&loose(&shop, &[Totp, Passkey]), &[one, loose(&wiki, &[Email])]), None);
    let night = PolicyScope::Role { role: "night".to_owned() };
    let three = [loose(&staff, &[Totp, Email, Passkey]), loose(&night, &[Totp, Sms, Passkey])];
    let (fourth, last) = (loose(&all, &[Email, Sms, Passkey]), loose(&shop, &[Totp, Email, Sms]));
    assert_eq!(excludes(&fourth, &three), None);
    let [staff, night] = three;
    assert_eq!(excludes(&fourth, &[staff, night, last]), Some(&shop), "no three do");
}

#[test]
fn a_recommendation_asks_whoever_has_nothing_and_did_not_decline() {
    let recommended = [policy(PolicyScope::Everybody, PolicyMode::Recommended)];
    let campaign = [policy(PolicyScope::Everybody, PolicyMode::Required { from: NOW.after(Duration::from_secs(1)) })];
    for policies in [&recommended, &campaign] {
        assert_eq!(judged(policies, &user(&[]), &[]), Verdict::Recommended);
        assert_eq!(judged(policies, &user(&[PolicyMethod::Totp]), &[]), Verdict::Met);
        let mut declined = user(&[]);
        declined.account.as_mut().expect("one").mfa_declined_at = Some(NOW);
        assert_eq!(judged(policies, &declined, &[]), Verdict::Met);
    }
}

#[test]
fn trust_stands_in_for_what_was_proved_when_it_was_given() {
    let mut ann = user(&OWN);
    let device = FactorId::from_bytes([9; 16]);
    let mut trust = |proved: PolicyMethod, days: u64| {
        let trusted = TrustedDevice {
            device,
            generation: 0,
            secret_hash: "hash".to_owned(),
            before: None,
            bound_to: trusted_device::bound_to(&ann).expect("a password"),
            proofs: with(&[proved].into()),
            user_agent: None,
            created_at: Timestamp::from_millis(NOW.as_millis() - 86_400_000 * i64::try_from(days).expect("few")),
            last_used_at: NOW,
            expires_at: NOW.after(Duration::from_secs(1)),
            unknown: Unknown::default(),
        };
        ann.trusted.insert(device, trusted);
        let mut proofs = with(&BTreeSet::new());
        proofs.push(Proof { method: Method::TrustedDevice, at: NOW, factor: Some(device), credential: None });
        let of_a_week = Policy { trusted_days: Some(7), ..policy(PolicyScope::Everybody, REQUIRED) };
        judge(&[of_a_week], Case { user: &ann, client: None, proofs: &proofs, now: NOW })
    };
    assert_eq!(trust(PolicyMethod::Totp, 6), Verdict::Met);
    assert_eq!(trust(PolicyMethod::Totp, 7), Verdict::StepUp, "it is too old");
    assert_eq!(trust(PolicyMethod::Email, 6), Verdict::StepUp, "it was given for less");
}

fn policies() -> impl Strategy<Value = Vec<Policy>> {
    let scope = prop_oneof![
        Just(PolicyScope::Everybody),
        prop_oneof![Just("staff"), Just("others")].prop_map(|role| PolicyScope::Role { role: role.to_owned() }),
        Just(PolicyScope::Client { client: shop() }),
    ];
    let mode = prop_oneof![Just(PolicyMode::Off), Just(PolicyMode::Recommended), Just(REQUIRED)];
    let methods = || vec(proptest::sample::select(METHODS.to_vec()), 0..=2);
    let least = proptest::sample::select(Acr::ALL.to_vec());
    vec((scope, mode, methods(), methods(), least), 0..5).prop_map(|all| {
        let one = |(scope, mode, any_of, all_of, least): (_, _, Vec<PolicyMethod>, Vec<PolicyMethod>, Acr)| Policy {
            any_of: any_of.into_iter().collect(),
            all_of: all_of.into_iter().collect(),
            at_least: least.as_str().to_owned(),
            ..policy(scope, mode)
        };
        all.into_iter().map(one).collect()
    })
}

fn rank(verdict: &Verdict) -> u8 {
    match verdict {
        Verdict::Met => 0,
        Verdict::Recommended => 1,
        Verdict::StepUp => 2,
        Verdict::Enrol { .. } => 3,
    }
}

proptest! {
    /// The strictest wins: one policy more never asks for less, whatever it says and wherever it stands.
    #[test]
    fn no_policy_loosens_another(
        mut policies in policies(),
        more in policies(),
        owned in vec(proptest::sample::select(OWN.to_vec()), 0..=2),
        proved in vec(proptest::sample::select(METHODS.to_vec()), 0..=2),
        front: bool,
        at_shop in any::<bool>(),
    ) {
        let (user, client) = (user(&owned), shop());
        let proofs = with(&proved.into_iter().collect());
        let case = Case { user: &user, client: at_shop.then_some(&client), proofs: &proofs, now: NOW };
        let before = judge(&policies, case);
        let at = if front { 0 } else { policies.len() };
        policies.splice(at..at, more);
        let after = judge(&policies, case);
        prop_assert!(rank(&after) >= rank(&before), "{before:?} {after:?}");
    }
}
