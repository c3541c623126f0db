//! How far a sign-in has come, and which ways bring it on.

use PolicyMethod::{Email, Passkey, Sms, Totp};

use super::*;

const ALL: [PolicyMethod; 4] = METHODS;

/// Somebody with devices of these methods, the passkey's user verified.
fn owner(methods: &[PolicyMethod]) -> User {
    let mut user = user(methods);
    let key = passkey(None);
    user.passkeys.extend(methods.contains(&Passkey).then_some((key.factor, key)));
    user
}

fn asks(policies: Vec<Policy>) -> Asks {
    Asks { policies, ..Asks::default() }
}

fn all_of(methods: &[PolicyMethod]) -> Policy {
    Policy { all_of: methods.iter().copied().collect(), ..policy(PolicyScope::Everybody, REQUIRED) }
}

/// What somebody gives, at this time: the password, and each of these.
fn gave(methods: &[PolicyMethod]) -> Vec<Proof> {
    let proof = |method: &PolicyMethod| match method {
        Passkey => Method::Passkey { user_verified: true, backup_eligible: true, attested: false },
        Totp => Method::Totp,
        Email => Method::EmailCode,
        Sms => Method::SmsCode,
    };
    let methods = std::iter::once(Method::Password).chain(methods.iter().map(proof));
    methods.map(|method| Proof { method, at: NOW, factor: None, credential: None }).collect()
}

fn ahead(asks: &Asks, user: &User, proofs: &[Proof]) -> Outlook {
    asks.outlook(user, proofs, NOW, &Settings::default())
}

/// One mailbox does not pass two steps: a link by mail has set the password.
#[test]
fn a_code_by_mail_counts_beside_a_password_by_mail_only_where_there_is_no_other_device() {
    let cases: [(&[PolicyMethod], &[PolicyMethod], bool); 9] = [
        (&[Email], &[], true),
        (&[Email, Totp], &[], false),
        (&[Email, Sms], &[], false),
        (&[Email, Passkey], &[], false),
        (&ALL, &[], false),
        (&ALL, &[Email], false),
        (&ALL, &[Totp], true),
        (&ALL, &[Sms], true),
        (&ALL, &[Passkey], true),
    ];
    for (owned, given, counts) in cases {
        let mut ann = owner(owned);
        assert!(ann.takes_mail(&gave(given)), "{owned:?}: its owner has chosen the password");
        ann.password.as_mut().expect("a password").by_mail = true;
        assert_eq!(ann.takes_mail(&gave(given)), counts, "{owned:?} {given:?}");
    }
}

#[test]
fn each_method_of_all_of_is_asked_for_and_none_twice() {
    let (asks, ann) = (asks(vec![all_of(&[Totp, Passkey])]), owner(&ALL));
    let first = ahead(&asks, &ann, &gave(&[]));
    let both = BTreeSet::from([Totp, Passkey]);
    assert!(first.goes_on && first.backup_code && first.by_devices, "{first:?}");
    assert_eq!((first.methods, first.left, &first.named), (both.clone(), 2, &both));
    for (given, next) in [(Totp, Passkey), (Passkey, Totp)] {
        let second = ahead(&asks, &ann, &gave(&[given]));
        assert!(second.goes_on);
        assert_eq!((second.methods, second.left, second.named), ([next].into(), 1, both.clone()));
    }
    assert_eq!(ahead(&asks, &ann, &gave(&[Passkey, Totp])), Outlook::default());
    let mut by_backup = gave(&[Passkey]);
    by_backup.push(Proof { method: Method::BackupCode, ..by_backup[0].clone() });
    assert_eq!(ahead(&asks, &ann, &by_backup), Outlook::default(), "it stands for the app");
    by_backup.remove(1);
    let after = ahead(&asks, &ann, &by_backup);
    assert!(after.goes_on && !after.backup_code, "it stands for one, once: {after:?}");
}

#[test]
fn what_there_is_no_device_for_is_not_waited_for() {
    let asks = asks(vec![all_of(&[Totp, Passkey])]);
    let first = ahead(&asks, &owner(&[Totp, Email]), &gave(&[]));
    assert!(!first.goes_on, "it is set up after the sign-in");
    assert_eq!(first.methods, [Totp].into(), "which a code by e-mail brings no nearer");
    assert!(!ahead(&asks, &owner(&[Totp]), &gave(&[Totp])).goes_on);
    let two = self::asks(vec![all_of(&[Totp]), all_of(&[Sms, Passkey])]);
    let open = ahead(&two, &owner(&[Totp, Email]), &gave(&[Email]));
    assert!(open.goes_on && open.methods == [Totp].into(), "what can be given for another policy is: {open:?}");
}

#[test]
fn what_is_asked_of_the_account_itself_is_any_second_step() {
    let mut ann = owner(&[Totp, Email]);
    let nothing = asks(Vec::new());
    assert_eq!(ahead(&nothing, &ann, &gave(&[])), Outlook::default());
    ann.account.as_mut().expect("one").mfa_required_at = Some(NOW);
    let first = ahead(&nothing, &ann, &gave(&[]));
    assert!(first.goes_on && first.by_devices && first.backup_code, "a session from before is raised: {first:?}");
    assert_eq!((first.methods, first.left, first.named), ([Totp, Email].into(), 1, BTreeSet::new()));
    assert_eq!(ahead(&nothing, &ann, &gave(&[Email])), Outlook::default());
    let by_phone = asks(vec![all_of(&[Totp, Sms])]);
    let open = ahead(&by_phone, &ann, &gave(&[]));
    assert_eq!(open.methods, [Totp].into(), "what brings on a policy comes first");
}

#[test]
fn a_weaker_second_step_is_followed_by_another_one() {
    let asks = asks(vec![policy(PolicyScope::Everybody, REQUIRED)]);
    let ann = owner(&[Totp, Email, Sms]);
    let first = ahead(&asks, &ann, &gave(&[]));
    assert_eq!((first.methods, first.left), ([Totp, Sms].into(), 1), "no code by e-mail is a factor");
    let second = ahead(&asks, &ann, &gave(&[Email]));
    assert!(second.goes_on && second.named.is_empty() && second.left == 1, "{second:?}");
    for open in [PolicyMode::Off, PolicyMode::Recommended] {
        let loose = self::asks(vec![policy(PolicyScope::Everybody, open)]);
        assert_eq!(ahead(&loose, &ann, &gave(&[])), Outlook::default());
    }
}

#[test]
fn what_an_application_asks_for_is_proved_beside_what_the_policies_do() {
    let asks = |acr, prefers: &[Acr]| Asks { acr, prefers: prefers.to_vec(), ..asks(vec![all_of(&[Totp])]) };
    let ann = owner(&[Totp, Sms, Passkey]);
    for asks in
        [asks(Some(Acr::PhishingResistant), &[]), asks(None, &[Acr::PhishingResistantHardware, Acr::PhishingResistant])]
    {
        let first = ahead(&asks, &ann, &gave(&[]));
        assert_eq!((first.methods, first.left, first.named), ([Totp, Passkey].into(), 2, [Totp].into()));
        assert_eq!(ahead(&asks, &ann, &gave(&[Totp])).methods, [Passkey].into());
        assert!(!ahead(&asks, &owner(&[Totp]), &gave(&[Totp])).goes_on, "nobody is asked for what cannot be had");
    }
    let first = ahead(&asks(None, &[Acr::Mfa, Acr::PhishingResistant]), &ann, &gave(&[]));
    assert_eq!((first.methods, first.left), ([Totp].into(), 1), "the first that can be reached counts");
}

#[test]
fn an_operation_goes_on_with_what_is_fresh_alone() {
    let transfer = Policy { all_of: [Totp, Sms].into(), ..policy(operation(Some(shop()), "wire.transfer"), REQUIRED) };
    let asks = Asks {
        policies: vec![Policy { fresh_minutes: Some(5), ..transfer }],
        client: Some(shop()),
        operations: BTreeSet::from(["wire.transfer".to_owned()]),
        begun_at: Some(NOW),
        ..Asks::default()
    };
    let ann = owner(&[Totp, Sms]);
    let aged = |minutes: [u64; 2]| -> Vec<Proof> {
        let ages = gave(&[Totp]).into_iter().zip(minutes);
        ages.map(|(proof, minutes)| Proof { at: before(minutes), ..proof }).collect()
    };
    let fresh = ahead(&asks, &ann, &aged([4, 4]));
    assert!(fresh.goes_on && fresh.by_devices && fresh.methods == [Sms].into(), "{fresh:?}");
    let half = ahead(&asks, &ann, &aged([4, 5]));
    assert!(half.by_devices && half.methods == [Totp, Sms].into(), "{half:?}");
    let old = ahead(&asks, &ann, &aged([5, 5]));
    assert!(old.goes_on && !old.by_devices, "the password is asked for, too: {old:?}");
}

fn some(least: usize) -> impl Strategy<Value = Vec<PolicyMethod>> {
    proptest::sample::subsequence(ALL.to_vec(), least..=4)
}

proptest! {
    /// A sign-in that follows the ways that are offered, whichever, ends; with nothing missing that there is a device for; after no
    /// way was taken twice; and in an order that does not matter.
    #[test]
    fn whichever_way_is_taken_it_ends_with_nothing_missing(
        policies in policies(),
        owned in some(0),
        order in Just(ALL.to_vec()).prop_shuffle(),
    ) {
        let (ann, client, settings) = (owner(&owned), shop(), Settings::default());
        let operations = BTreeSet::from(["wire.transfer".to_owned(), "security.change".to_owned()]);
        let asks = Asks { policies, client: Some(client), operations, begun_at: Some(NOW), ..Asks::default() };
        let mut given: Vec<PolicyMethod> = Vec::new();
        loop {
            let outlook = ahead(&asks, &ann, &gave(&given));
            if !outlook.goes_on {
                break;
            }
            let next = order.iter().find(|method| outlook.methods.contains(method));
            let next = *next.expect("it goes on by some way");
            prop_assert!(!given.contains(&next) && owned.contains(&next), "{next:?} after {given:?}");
            prop_assert!(outlook.left <= 4 - given.len());
            given.push(next);
        }
        let verdict = |proofs: &[Proof]| {
            let (client, operations, begun_at) = (asks.client.as_ref(), &asks.operations, asks.begun_at);
            judge(&asks.policies, Case { user: &ann, client, operations, begun_at, proofs, now: NOW, settings: &settings })
        };
        let end = verdict(&gave(&given));
        prop_assert!(end != Verdict::StepUp, "{given:?}");
        given.reverse();
        prop_assert_eq!(verdict(&gave(&given)), end, "the order does not matter");
    }

    /// One policy more never ends a sign-in earlier, and asks for no fewer proofs where there is a device of every kind.
    #[test]
    fn another_policy_never_asks_for_less(policies in policies(), more in policies(), given in some(0)) {
        // Where hardware is asked for nobody here can go on.
        let soft = |policies: Vec<Policy>| -> Vec<Policy> {
            let hard = Acr::PhishingResistantHardware.as_str();
            policies.into_iter().filter(|policy| policy.at_least != hard).collect()
        };
        let (ann, proofs) = (owner(&ALL), gave(&given));
        let few = asks(soft(policies.clone()));
        let many = asks([soft(policies), soft(more)].concat());
        let (few, many) = (ahead(&few, &ann, &proofs), ahead(&many, &ann, &proofs));
        prop_assert!(many.goes_on || !few.goes_on, "{few:?} {many:?}");
        prop_assert!(many.left >= few.left && many.named.is_superset(&few.named) || !few.goes_on, "{few:?} {many:?}");
    }

    /// So none needs to be refused for the sake of others: who can meet each of them can meet all.
    #[test]
    fn policies_that_can_be_met_can_be_met_together(policies in policies()) {
        let met: Vec<&Policy> = policies.iter().filter(|policy| !ways_to_meet(policy).is_empty()).collect();
        prop_assert!(met.iter().all(|policy| suffices(policy, &devices::with(&ALL.into()))));
    }
}
