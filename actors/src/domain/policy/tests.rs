use proptest::{
    collection::vec,
    prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest},
};
use schema::{
    CredentialId, FactorId, UserId,
    record::{Account, Address, Attestation, FactorState, Passkey, Password, PublicKey, Totp, TrustedDevice, Unknown},
};

use super::{devices::with, *};
use crate::{
    domain::factor::passkey::attestation::{AttestationDemand, TrustAnchors},
    testing::SoftMaker,
};

mod operations;
mod second_factor;
mod steps;
mod suspended;

/// Those of which the users here have devices.
const OWN: [PolicyMethod; 3] = [PolicyMethod::Totp, PolicyMethod::Email, PolicyMethod::Sms];
const NOW: Timestamp = Timestamp::from_millis(1_800_000_010_000);

fn shop() -> ClientId {
    "c_shop".parse().expect("a client id")
}

/// Somebody of the staff with devices of these methods.
fn user(methods: &[PolicyMethod]) -> User {
    let mut user = User::unloaded(UserId::from_random([1; 16]));
    let roles = BTreeSet::from(["staff".to_owned()]);
    user.account = Some(Account { roles, ..Account::new(user.id, "Ann", NOW) });
    user.password = Some(Password {
        credential: CredentialId::from_bytes([2; 16]),
        version: 1,
        hash: "hash".to_owned(),
        changed_at: NOW,
        by_mail: false,
        compromised_at: None,
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
        texts: Vec::new(),
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
    Policy::new(scope, mode, Acr::Mfa.as_str(), NOW)
}

const REQUIRED: PolicyMode = PolicyMode::Required { from: NOW };

fn judged(policies: &[Policy], user: &User, proved: &[PolicyMethod]) -> Verdict {
    judged_by(policies, user, &with(&proved.iter().copied().collect()))
}

fn judged_by(policies: &[Policy], user: &User, proofs: &[Proof]) -> Verdict {
    let (operations, settings) = (BTreeSet::new(), Settings::default());
    judge(
        policies,
        Case { user, client: None, operations: &operations, begun_at: None, proofs, now: NOW, settings: &settings },
    )
}

#[test]
fn what_was_proved_counts_and_not_what_is_owned() {
    use PolicyMethod::{Email, Passkey, Sms, Totp};
    let everybody = [policy(PolicyScope::Everybody, REQUIRED)];
    let enrol = Verdict::Enrol { methods: BTreeSet::from([Totp, Sms, Passkey]), hardware: false, all: false };
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
    let alone = Method::Passkey { user_verified: true, backup_eligible: false, attested: false };
    let proofs = vec![Proof { method: alone, at: NOW, factor: None, credential: None }];
    assert_eq!(judged_by(&everybody, &user(&[]), &proofs), Verdict::Met, "two factors in one");
}

#[test]
fn methods_and_rungs_are_asked_for_as_they_are_written() {
    use PolicyMethod::{Email, Passkey, Totp};
    let base = || policy(PolicyScope::Everybody, REQUIRED);
    let both = [Policy { all_of: [Totp, Email].into(), ..base() }];
    let enrol = |methods: &[PolicyMethod], all| Verdict::Enrol {
        methods: methods.iter().copied().collect(),
        hardware: false,
        all,
    };
    assert_eq!(judged(&both, &user(&[]), &[]), enrol(&[Totp, Email], true));
    assert_eq!(judged(&both, &user(&[Totp]), &[Totp]), enrol(&[Email], false));
    assert_eq!(judged(&both, &user(&OWN), &[Totp]), Verdict::StepUp);
    assert_eq!(judged(&both, &user(&OWN), &[Totp, Email]), Verdict::Met);
    let by_mail = || Policy { any_of: [Email].into(), at_least: Acr::TwoStep.as_str().to_owned(), ..base() };
    assert_eq!(judged(&[by_mail()], &user(&[Email]), &[Email]), Verdict::Met);
    assert_eq!(judged(&[by_mail()], &user(&OWN), &[Totp]), Verdict::StepUp, "another one than the one asked for");
    let strongest = || Policy { at_least: Acr::PhishingResistant.as_str().to_owned(), ..base() };
    assert_eq!(judged(&[strongest()], &user(&OWN), &OWN), enrol(&[Passkey], false));
    assert_eq!((met_by(&by_mail()), met_by(&strongest())), ([Email].into(), [Passkey].into()));
    assert!(met_by(&both[0]).is_empty(), "neither is enough");
    assert_eq!(ways_to_meet(&both[0]), [BTreeSet::from([Totp, Email])]);
    let named = Policy { any_of: [Totp, Email].into(), all_of: [Passkey].into(), ..base() };
    assert_eq!(ways_to_meet(&named), [BTreeSet::from([Totp, Passkey]), [Email, Passkey].into()]);
    assert_eq!(judged(std::slice::from_ref(&named), &user(&OWN), &OWN), enrol(&[Passkey], false));
    assert_eq!(ways_to_meet(&base()).len(), 3, "an app, a phone, a passkey");
    for none in [
        Policy { any_of: [Email].into(), ..base() },
        Policy { all_of: [Email].into(), ..base() },
        Policy { all_of: [Totp, Email].into(), ..strongest() },
    ] {
        assert!(ways_to_meet(&none).is_empty(), "what it names is not enough");
    }
    assert_eq!(met_by(&Policy { all_of: [Totp].into(), ..base() }), [Totp].into());
    assert!(met_by(&Policy { any_of: [Email].into(), ..base() }).is_empty(), "no code by mail is a factor");
    assert!(met_by(&Policy { any_of: [Totp].into(), ..strongest() }).is_empty());
    assert!(
        met_by(&Policy { at_least: "urn:other".to_owned(), ..base() }).is_empty(),
        "what nobody knows is never met"
    );
}

/// A passkey whose user is verified, and whose maker this is.
fn passkey(maker: Option<&SoftMaker>) -> Passkey {
    let vouched = |maker: &SoftMaker| Attestation { root: maker.fingerprint(), format: "packed".to_owned() };
    let key = PublicKey {
        id: "id".to_owned(),
        key: serde_json::Value::Null,
        counter: 0,
        user_verified: true,
        backup_eligible: false,
        backed_up: false,
        aaguid: None,
        attestation: maker.map(vouched),
        transports: Vec::new(),
    };
    Passkey {
        factor: FactorId::from_bytes([4; 16]),
        name: "Key".to_owned(),
        state: FactorState::Activated { at: NOW },
        challenge: None,
        public_key: Some(key),
        created_at: NOW,
        last_used_at: None,
        unknown: Unknown::default(),
    }
}

#[test]
fn hardware_is_asked_of_who_has_none_that_a_trusted_maker_vouches_for() {
    let (maker, stranger) = (SoftMaker::new("Maker"), SoftMaker::new("Stranger"));
    let anchors = TrustAnchors::read(maker.root().as_bytes(), []).expect("an authority");
    let trusting = Settings { attestation: AttestationDemand::Direct(anchors), ..Settings::default() };
    let at_least =
        |acr: Acr| [Policy { at_least: acr.as_str().to_owned(), ..policy(PolicyScope::Everybody, REQUIRED) }];
    let (phr, phrh) = (at_least(Acr::PhishingResistant), at_least(Acr::PhishingResistantHardware));
    let proved = |attested: bool, backup_eligible: bool| {
        let method = Method::Passkey { user_verified: true, backup_eligible, attested };
        vec![Proof { method, at: NOW, factor: None, credential: None }]
    };
    let enrol = |hardware: bool| Verdict::Enrol { methods: [PolicyMethod::Passkey].into(), hardware, all: false };
    let owner = |passkey: Option<Passkey>| {
        let mut user = user(&OWN);
        user.passkeys.extend(passkey.map(|passkey| (passkey.factor, passkey)));
        user
    };
    let (nobody, anybody) = (owner(None), owner(Some(passkey(None))));
    let (vouched, strange) = (owner(Some(passkey(Some(&maker)))), owner(Some(passkey(Some(&stranger)))));
    let verdict = |policies: &[Policy], user: &User, proofs: &[Proof], settings: &Settings| {
        let operations = BTreeSet::new();
        judge(
            policies,
            Case { user, client: None, operations: &operations, begun_at: None, proofs, now: NOW, settings },
        )
    };
    for (user, missing) in [(&nobody, true), (&anybody, true), (&strange, true), (&vouched, false)] {
        let expected = if missing { enrol(true) } else { Verdict::StepUp };
        for weaker in [proved(false, false), proved(true, true), with(&OWN.into())] {
            assert_eq!(verdict(&phrh, user, &weaker, &trusting), expected);
        }
        assert_eq!(verdict(&phrh, user, &proved(true, false), &trusting), Verdict::Met);
        // Who trusts nobody any more takes what was proved before, and nothing new.
        assert_eq!(verdict(&phrh, user, &[], &Settings::default()), enrol(true));
    }
    assert_eq!(verdict(&phr, &nobody, &[], &trusting), enrol(false));
    for user in [&anybody, &strange, &vouched] {
        assert_eq!(verdict(&phr, user, &[], &trusting), Verdict::StepUp);
        assert_eq!(verdict(&phr, user, &proved(false, true), &trusting), Verdict::Met);
    }
    assert_eq!(vouched.highest_acr(&trusting), Acr::PhishingResistantHardware);
    assert_eq!(vouched.highest_acr(&Settings::default()), Acr::PhishingResistant);
    assert_eq!((vouched.acr_to_change(), strange.highest_acr(&trusting)), (Acr::Mfa, Acr::PhishingResistant));
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
fn a_recommendation_asks_whoever_has_nothing_and_did_not_decline() {
    let recommended = [policy(PolicyScope::Everybody, PolicyMode::Recommended)];
    let campaign = [policy(PolicyScope::Everybody, PolicyMode::Required { from: NOW.after(Duration::from_secs(1)) })];
    for policies in [&recommended, &campaign] {
        assert_eq!(judged(policies, &user(&[]), &[]), Verdict::Recommended);
        assert_eq!(judged(policies, &user(&[PolicyMethod::Totp]), &[]), Verdict::Met);
        let mut declined = user(&[]);
        declined.account.as_mut().expect("one").mfa_declined_at = Some(NOW);
        assert_eq!(judged(policies, &declined, &[]), Verdict::Met);
        declined.account.as_mut().expect("one").mfa_declined_at = Some(before(24 * 60));
        let campaigns = matches!(policies[0].mode, PolicyMode::Required { .. });
        let again = if campaigns { Verdict::Recommended } else { Verdict::Met };
        assert_eq!(judged(policies, &declined, &[]), again, "a day before what will be required");
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
        judged_by(&[of_a_week], &ann, &proofs)
    };
    assert_eq!(trust(PolicyMethod::Totp, 6), Verdict::Met);
    assert_eq!(trust(PolicyMethod::Totp, 7), Verdict::StepUp, "it is too old");
    assert_eq!(trust(PolicyMethod::Email, 6), Verdict::StepUp, "it was given for less");
}

fn before(minutes: u64) -> Timestamp {
    Timestamp::from_millis(NOW.as_millis() - 60_000 * i64::try_from(minutes).expect("few"))
}

fn operation(client: Option<ClientId>, name: &str) -> PolicyScope {
    PolicyScope::Operation { client, operation: name.to_owned() }
}

/// Proofs of the password and this method, of so many minutes ago.
fn old(method: PolicyMethod, minutes: u64) -> Vec<Proof> {
    let proofs = with(&[method].into()).into_iter();
    proofs.map(|proof| Proof { at: before(minutes), ..proof }).collect()
}

fn policies() -> impl Strategy<Value = Vec<Policy>> {
    let scope = prop_oneof![
        Just(operation(None, "security.change")),
        Just(operation(Some(shop()), "wire.transfer")),
        Just(PolicyScope::Everybody),
        prop_oneof![Just("staff"), Just("others")].prop_map(|role| PolicyScope::Role { role: role.to_owned() }),
        Just(PolicyScope::Client { client: shop() }),
    ];
    let mode = prop_oneof![Just(PolicyMode::Off), Just(PolicyMode::Recommended), Just(REQUIRED)];
    let methods = || vec(proptest::sample::select(METHODS.to_vec()), 0..=2);
    let least = proptest::sample::select(Acr::ALL.to_vec());
    let ages = (proptest::option::of(0..30_u16), proptest::option::of(0..3_u16), proptest::option::of(0..3_u16));
    vec((scope, mode, methods(), methods(), least, ages), 0..5).prop_map(|all| {
        type Drawn = (
            PolicyScope,
            PolicyMode,
            Vec<PolicyMethod>,
            Vec<PolicyMethod>,
            Acr,
            (Option<u16>, Option<u16>, Option<u16>),
        );
        let one = |(scope, mode, any_of, all_of, least, (fresh_minutes, grace_days, skips)): Drawn| Policy {
            fresh_minutes,
            grace_days,
            skips,
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
        age in 0..40_u64,
        asked in proptest::option::of(0..40_u64),
        operations in proptest::collection::btree_set(proptest::sample::select(vec!["wire.transfer", "security.change"]), 0..=2),
    ) {
        let (user, client) = (user(&owned), shop());
        let proofs = with(&proved.into_iter().collect()).into_iter().map(|proof| Proof { at: before(age), ..proof });
        let proofs: Vec<Proof> = proofs.collect();
        let operations = operations.into_iter().map(str::to_owned).collect();
        let (client, settings) = (at_shop.then_some(&client), Settings::default());
        let begun_at = asked.map(before);
        let case =
            Case { user: &user, client, operations: &operations, begun_at, proofs: &proofs, now: NOW, settings: &settings };
        let before = judge(&policies, case);
        prop_assert_eq!(is_all_met(&policies, case), rank(&before) <= rank(&Verdict::Recommended));
        prop_assert!(before != Verdict::Met || !awaits_answer(&policies, case), "an answer to nothing");
        let at = if front { 0 } else { policies.len() };
        policies.splice(at..at, more);
        let after = judge(&policies, case);
        prop_assert!(rank(&after) >= rank(&before), "{before:?} {after:?}");
    }

    /// An operation is never met by a proof that is older than its policy says, nor by less because it is asked for with another one.
    #[test]
    fn what_an_operation_asks_for_is_fresh(minutes in 0..60_u16, age in 0..120_u64, asked in 0..120_u64, more in policies()) {
        let transfer = Policy { fresh_minutes: Some(minutes), ..policy(operation(Some(shop()), "wire.transfer"), REQUIRED) };
        let (user, client, proofs) = (user(&OWN), shop(), old(PolicyMethod::Totp, age));
        let operations = BTreeSet::from(["wire.transfer".to_owned()]);
        let case = Case { user: &user, client: Some(&client), operations: &operations, begun_at: Some(before(asked)), proofs: &proofs, now: NOW, settings: &Settings::default() };
        let fresh = age <= asked || age < u64::from(minutes);
        prop_assert_eq!(judge(std::slice::from_ref(&transfer), case) == Verdict::Met, fresh);
        let all = [more, vec![transfer]].concat();
        prop_assert!(fresh || rank(&judge(&all, case)) >= rank(&Verdict::StepUp));
    }
}
