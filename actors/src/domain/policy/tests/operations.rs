//! Policies of operations, and what grows strict by and by.

use super::*;

#[test]
fn grace_ends_with_its_days_or_with_the_times_that_people_may_decline() {
    let base = || policy(PolicyScope::Everybody, PolicyMode::Required { from: AT_ONCE });
    let strength_of = |policy: &Policy, age_minutes: u64, declines: &[u64]| {
        let mut ann = user(&[]);
        let account = ann.account.as_mut().expect("one");
        account.created_at = before(age_minutes);
        account.mfa_declines = declines.iter().map(|ago| before(*ago)).collect();
        strength(policy, &ann, NOW)
    };
    let day = 24 * 60;
    let (graced, skipped) =
        (Policy { grace_days: Some(7), ..base() }, Policy { skips: Some(2), changed_at: before(60), ..base() });
    assert_eq!(strength_of(&base(), 0, &[]), Strength::Required);
    assert_eq!(strength_of(&graced, 7 * day - 1, &[]), Strength::Recommended, "a new account has a week");
    assert_eq!(strength_of(&graced, 7 * day, &[]), Strength::Required);
    assert_eq!(strength_of(&skipped, 0, &[59]), Strength::Recommended);
    assert_eq!(strength_of(&skipped, 0, &[61, 60, 59]), Strength::Required, "two since it was set");
    assert_eq!(strength_of(&skipped, 0, &[61, 61, 59]), Strength::Recommended);
    let later = PolicyMode::Required { from: NOW.after(Duration::from_secs(1)) };
    let campaign = Policy { mode: later, ..skipped.clone() };
    assert_eq!(strength_of(&campaign, 0, &[1, 2]), Strength::Required, "before the day, when none is left");
    assert_eq!(strength_of(&campaign, 0, &[1]), Strength::Recommended);
    assert_eq!(strength_of(&Policy { mode: REQUIRED, ..skipped }, 0, &[]), Strength::Required, "on the day");
    let both = Policy { grace_days: Some(7), mode: later, ..base() };
    assert_eq!(strength_of(&both, 30 * day, &[]), Strength::Recommended, "the later of the two");
}

#[test]
fn an_operation_asks_for_fresh_proofs() {
    use PolicyMethod::Totp;
    let transfer = || policy(operation(Some(shop()), "wire.transfer"), REQUIRED);
    let own = || policy(operation(None, crate::domain::operation::PASSWORD_CHANGE), REQUIRED);
    let ann = user(&OWN);
    let judged =
        |policy: &Policy, client: Option<&ClientId>, name: &str, proofs: &[Proof], begun: Option<Timestamp>| {
            let operations = BTreeSet::from([name.to_owned()]);
            judge(
                std::slice::from_ref(policy),
                Case {
                    user: &ann,
                    client,
                    operations: &operations,
                    begun_at: begun,
                    proofs,
                    now: NOW,
                    settings: &Settings::default(),
                },
            )
        };
    let (at, shop, wiki) = (Some(before(2)), shop(), "c_wiki".parse().expect("a client id"));
    let transferred = |policy: &Policy, minutes| judged(policy, Some(&shop), "wire.transfer", &old(Totp, minutes), at);
    assert_eq!(transferred(&transfer(), 2), Verdict::Met, "given for this request");
    assert_eq!(transferred(&transfer(), 3), Verdict::StepUp);
    let minutes = |minutes| Policy { fresh_minutes: Some(minutes), ..transfer() };
    assert_eq!((transferred(&minutes(5), 4), transferred(&minutes(5), 5)), (Verdict::Met, Verdict::StepUp));
    assert_eq!(judged(&transfer(), Some(&wiki), "wire.transfer", &old(Totp, 9), at), Verdict::Met, "another's");
    assert_eq!(judged(&transfer(), None, "wire.transfer", &old(Totp, 9), at), Verdict::Met);
    assert_eq!(judged(&transfer(), Some(&shop), "other", &old(Totp, 9), at), Verdict::Met);
    let changed = |policy: &Policy, minutes| judged(policy, None, "password.change", &old(Totp, minutes), None);
    assert_eq!((changed(&own(), 9), changed(&own(), 10)), (Verdict::Met, Verdict::StepUp), "ten minutes unless said");
    let mut renewed = old(Totp, 9);
    renewed.retain(|proof| proof.method == Method::Totp);
    renewed.push(Proof { method: Method::Password, at: NOW, factor: None, credential: None });
    let strict = Policy { fresh_minutes: Some(5), ..own() };
    assert_eq!(
        judged(&strict, None, "password.change", &renewed, None),
        Verdict::StepUp,
        "the code is old, if not the password"
    );
}

#[test]
fn an_operation_takes_no_trust() {
    use PolicyMethod::Totp;
    let transfer = policy(operation(Some(shop()), "wire.transfer"), REQUIRED);
    let (at, shop, settings) = (Some(before(2)), shop(), Settings::default());
    let device = FactorId::from_bytes([9; 16]);
    let mut trusting = user(&OWN);
    let trusted = TrustedDevice {
        device,
        generation: 0,
        secret_hash: "hash".to_owned(),
        before: None,
        bound_to: trusted_device::bound_to(&trusting).expect("a password"),
        proofs: with(&[Totp].into()),
        user_agent: None,
        created_at: NOW,
        last_used_at: NOW,
        expires_at: NOW.after(Duration::from_secs(1)),
        unknown: Unknown::default(),
    };
    trusting.trusted.insert(device, trusted);
    let mut proofs = with(&BTreeSet::new()).into_iter().map(|proof| Proof { at: NOW, ..proof }).collect::<Vec<_>>();
    proofs.push(Proof { method: Method::TrustedDevice, at: NOW, factor: Some(device), credential: None });
    let operations = BTreeSet::from(["wire.transfer".to_owned()]);
    let case = Case {
        user: &trusting,
        client: Some(&shop),
        operations: &operations,
        begun_at: at,
        proofs: &proofs,
        now: NOW,
        settings: &settings,
    };
    assert_eq!(judge(&[policy(PolicyScope::Everybody, REQUIRED)], case), Verdict::Met, "as a sign-in it is enough");
    assert_eq!(judge(&[transfer], case), Verdict::StepUp);
}

#[test]
fn policies_of_an_operation_exclude_those_that_can_apply_beside_it_and_no_others() {
    use PolicyMethod::{Email, Passkey, Totp};
    let loose = |scope: &PolicyScope, any_of: &[PolicyMethod]| Policy {
        any_of: any_of.iter().copied().collect(),
        at_least: Acr::TwoStep.as_str().to_owned(),
        ..policy(scope.clone(), REQUIRED)
    };
    let (all, at_shop) = (PolicyScope::Everybody, PolicyScope::Client { client: shop() });
    let wiki: ClientId = "c_wiki".parse().expect("a client id");
    let (transfer, close) = (operation(Some(shop()), "wire.transfer"), operation(Some(shop()), "account.close"));
    let (elsewhere, own) = (operation(Some(wiki), "wire.transfer"), operation(None, "security.change"));
    assert_eq!(excludes(&loose(&transfer, &[Totp]), &[loose(&at_shop, &[Email])]), Some(&at_shop));
    assert_eq!(excludes(&loose(&at_shop, &[Email]), &[loose(&transfer, &[Totp])]), Some(&transfer));
    for other in [&close, &elsewhere, &own] {
        assert_eq!(excludes(&loose(&transfer, &[Totp]), &[loose(other, &[Email])]), None, "{other}");
    }
    assert_eq!(excludes(&loose(&own, &[Totp]), &[loose(&at_shop, &[Email])]), None);
    assert_eq!(excludes(&loose(&all, &[Email]), &[loose(&own, &[Totp])]), Some(&own));
    let three = [loose(&at_shop, &[Email, Passkey]), loose(&transfer, &[Totp, Passkey])];
    assert_eq!(excludes(&loose(&all, &[Totp, Email]), &three), Some(&transfer), "no two miss each other");
}

#[test]
fn policies_that_no_single_second_step_meets_exclude_each_other_where_there_is_no_other() {
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
