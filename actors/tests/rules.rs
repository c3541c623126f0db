//! The rules under random sequences of commands: what ended stays ended, what was used stays used, guesses stay within
//! their budget, and no second factor is gone round. Pure: no store, no actor, no clock.

#[path = "support/code.rs"]
mod code;
#[path = "rules/model.rs"]
mod model;

use model::{Model, Op};
use proptest::{collection::vec, prelude::*, test_runner::RngSeed};

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        3 => prop_oneof![Just(1_u32), Just(31), Just(600), Just(3_700), Just(90_000), Just(260_000)].prop_map(Op::Pass),
        6 => (any::<bool>(), any::<bool>()).prop_map(|(right, known)| Op::Password { right, known }),
        3 => (any::<u8>(), any::<bool>()).prop_map(|(cookie, right)| Op::Trusted { cookie, right }),
        6 => (-2..=2_i8, any::<bool>(), any::<bool>()).prop_map(|(offset, right, known)| Op::Totp { offset, right, known }),
        2 => (0..10_u8, any::<bool>()).prop_map(|(index, right)| Op::Backup { index, right }),
        3 => any::<u8>().prop_map(Op::Begin),
        4 => (any::<u8>(), -2..=2_i8, any::<bool>()).prop_map(|(session, offset, right)| Op::Confirm { session, offset, right }),
        1 => (any::<u8>(), any::<u8>()).prop_map(|(session, factor)| Op::Remove { session, factor }),
        1 => (any::<u8>(), any::<u8>()).prop_map(|(session, factor)| Op::Rename { session, factor }),
        1 => Just(Op::ResetMfa),
        1 => any::<u8>().prop_map(Op::EndSession),
        1 => Just(Op::EndAll),
        1 => Just(Op::Disable),
        2 => Just(Op::Enable),
        4 => (any::<u8>(), any::<bool>(), any::<bool>())
            .prop_map(|(session, other, offline)| Op::Authorize { session, other, offline }),
        4 => any::<u8>().prop_map(Op::Redeem),
        4 => any::<u8>().prop_map(Op::Refresh),
        1 => any::<u8>().prop_map(Op::Revoke),
        1 => (any::<u8>(), any::<bool>()).prop_map(|(session, right)| Op::ChangePassword { session, right }),
        1 => any::<u8>().prop_map(Op::ReplaceBackup),
        1 => Just(Op::ResetPassword),
        2 => Just(Op::BeginRecovery),
        2 => Just(Op::SendRecovery),
        2 => any::<bool>().prop_map(|right| Op::CompleteRecovery { right }),
        1 => Just(Op::CancelRecovery),
        1 => (any::<u8>(), any::<bool>()).prop_map(|(session, verified)| Op::AddPasskey { session, verified }),
        2 => (any::<u8>(), any::<bool>(), any::<bool>())
            .prop_map(|(n, alone, again)| Op::Passkey { n, alone, again }),
        2 => (any::<u8>(), any::<bool>(), any::<bool>())
            .prop_map(|(session, sms, right)| Op::AddAddress { session, sms, right }),
        4 => any::<bool>().prop_map(|sms| Op::SendCode { sms }),
        4 => (any::<u8>(), any::<bool>(), any::<bool>())
            .prop_map(|(n, right, known)| Op::SentCode { n, right, known }),
        2 => prop_oneof![Just(0_u8), 1..16_u8].prop_map(Op::Require),
        2 => any::<u8>().prop_map(Op::Raise),
    ]
}

proptest! {
    // Always the same sequences; another seed is another set.
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(6238), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_commands_breaks_an_invariant(ops in vec(op(), 1..120)) {
        let mut model = Model::new();
        for op in ops {
            model.step(&op);
        }
    }

    /// The state machine of a device alone, more densely.
    #[test]
    fn a_device_is_activated_by_a_right_code_alone_and_a_revoked_one_stays_so(
        ops in vec(
            prop_oneof![
                Just(Op::Begin(0)),
                (-2..=2_i8, any::<bool>()).prop_map(|(offset, right)| Op::Confirm { session: 0, offset, right }),
                any::<u8>().prop_map(|factor| Op::Remove { session: 0, factor }),
                Just(Op::ResetMfa),
                Just(Op::Pass(31)),
                Just(Op::Pass(901)),
                Just(Op::Password { right: true, known: true }),
                Just(Op::Totp { offset: 0, right: true, known: true }),
            ],
            1..60,
        )
    ) {
        let mut model = Model::new();
        for op in ops {
            model.step(&op);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(80_063), failure_persistence: None, ..ProptestConfig::default() })]

    /// Recoveries alone, more densely.
    #[test]
    fn a_recovery_is_completed_once_when_it_is_due_and_by_nothing_that_was_ended(
        ops in vec(
            prop_oneof![
                3 => Just(Op::BeginRecovery),
                3 => Just(Op::SendRecovery),
                3 => prop_oneof![3 => Just(true), 1 => Just(false)].prop_map(|right| Op::CompleteRecovery { right }),
                1 => Just(Op::CancelRecovery),
                1 => Just(Op::ResetPassword),
                2 => prop_oneof![Just(61_u32), Just(90_000), Just(260_000)].prop_map(Op::Pass),
                4 => Just(Op::Password { right: true, known: false }),
                1 => Just(Op::Totp { offset: 0, right: true, known: false }),
                1 => Just(Op::Begin(255)),
                1 => Just(Op::Confirm { session: 255, offset: 0, right: true }),
            ],
            1..80,
        )
    ) {
        let mut model = Model::new();
        for op in [Op::Begin(0), Op::Confirm { session: 0, offset: 0, right: true }].iter().chain(&ops) {
            model.step(op);
        }
    }
}

/// Somebody whose app has had a hundred wrong codes in a row.
fn with_suspended_app() -> Model {
    let mut model = Model::new();
    model.step(&Op::Begin(0));
    model.step(&Op::Confirm { session: 0, offset: 0, right: true });
    for _ in 0..20 {
        model.step(&Op::Password { right: true, known: false });
        for _ in 0..5 {
            model.step(&Op::Totp { offset: 0, right: false, known: false });
        }
        model.step(&Op::Pass(4_000));
    }
    assert_eq!(model.usable_and_active(), (0, 1), "a hundred failures");
    model
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(4417), cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// DESIGN, section 8: a suspended second factor needs rebinding. Nothing else lets its codes count again, and nothing goes round it.
    #[test]
    fn a_suspended_app_counts_never_again_and_is_asked_for_until_it_is_removed(
        ops in vec(
            prop_oneof![
                2 => prop_oneof![Just(31_u32), Just(4_000), Just(90_000)].prop_map(Op::Pass),
                4 => any::<bool>().prop_map(|known| Op::Password { right: true, known }),
                4 => (any::<bool>(), any::<bool>()).prop_map(|(right, known)| Op::Totp { offset: 0, right, known }),
                3 => any::<u8>().prop_map(|index| Op::Backup { index, right: true }),
                2 => any::<u8>().prop_map(Op::Begin),
                3 => any::<u8>().prop_map(|session| Op::Confirm { session, offset: 0, right: true }),
                1 => (any::<u8>(), any::<u8>()).prop_map(|(session, factor)| Op::Remove { session, factor }),
                1 => any::<u8>().prop_map(|session| Op::AddAddress { session, sms: false, right: true }),
                1 => any::<bool>().prop_map(|sms| Op::SendCode { sms }),
                1 => Just(Op::SentCode { n: 0, right: true, known: true }),
                1 => any::<u8>().prop_map(|session| Op::ChangePassword { session, right: true }),
                1 => Just(Op::ResetPassword),
                1 => (0..16_u8).prop_map(Op::Require),
            ],
            1..60,
        )
    ) {
        let mut model = with_suspended_app();
        for op in ops {
            model.step(&op);
        }
    }
}

#[test]
fn a_suspended_app_is_bound_anew_by_a_backup_code_and_a_new_app() {
    let mut model = with_suspended_app();
    let now = [Op::Password { right: true, known: false }, Op::Totp { offset: 0, right: true, known: false }];
    for op in &now {
        model.step(op);
    }
    assert_eq!(model.usable_and_active(), (0, 1), "the right code is not looked at");
    for op in
        [Op::Backup { index: 0, right: true }, Op::Begin(255), Op::Confirm { session: 255, offset: 0, right: true }]
    {
        model.step(&op);
    }
    assert_eq!(model.usable_and_active(), (1, 2));
}

/// The sequences reach what they are about: else they prove nothing.
#[test]
fn the_sequences_get_far_enough() {
    let mut model = Model::new();
    for op in [
        Op::Begin(0),
        Op::Confirm { session: 0, offset: 0, right: true },
        Op::Pass(31),
        Op::Password { right: true, known: false },
        Op::Totp { offset: 0, right: true, known: false },
        Op::Authorize { session: 255, other: false, offline: true },
        Op::Redeem(0),
        Op::Refresh(0),
        Op::Refresh(0),
    ] {
        model.step(&op);
    }
    assert_eq!(model.reached(), (3, 1, 1, 1), "sessions, active devices, codes used, families ended");
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(8176), failure_persistence: None, ..ProptestConfig::default() })]

    /// Sign-ins of several steps alone, more densely, of somebody with a device of every kind.
    #[test]
    fn nobody_is_signed_in_while_something_is_missing(
        ops in vec(
            prop_oneof![
                2 => (0..16_u8).prop_map(Op::Require),
                3 => any::<u8>().prop_map(Op::Raise),
                1 => any::<u8>().prop_map(Op::EndSession),
                2 => Just(Op::Pass(61)),
                4 => Just(Op::Password { right: true, known: true }),
                4 => Just(Op::Totp { offset: 0, right: true, known: true }),
                2 => any::<u8>().prop_map(|index| Op::Backup { index, right: true }),
                4 => any::<bool>().prop_map(|alone| Op::Passkey { n: 0, alone, again: false }),
                3 => any::<bool>().prop_map(|sms| Op::SendCode { sms }),
                4 => Just(Op::SentCode { n: 0, right: true, known: true }),
                1 => any::<u8>().prop_map(|cookie| Op::Trusted { cookie, right: true }),
            ],
            1..80,
        )
    ) {
        let mut model = with_every_device();
        for op in ops {
            model.step(&op);
        }
    }
}

/// Somebody with a device of every kind.
fn with_every_device() -> Model {
    let (mut model, newest) = (Model::new(), 255);
    for op in [
        Op::AddAddress { session: newest, sms: false, right: true },
        Op::AddAddress { session: newest, sms: true, right: true },
        Op::Begin(newest),
        Op::Confirm { session: newest, offset: 0, right: true },
        Op::AddPasskey { session: newest, verified: true },
        Op::Pass(61),
    ] {
        model.step(&op);
    }
    model
}

#[test]
fn three_methods_in_a_row_and_a_session_that_is_raised_get_far_enough() {
    let (totp, email, passkey) = (1, 2, 8);
    let (password, by_app) =
        (Op::Password { right: true, known: true }, Op::Totp { offset: 0, right: true, known: true });
    let (by_key, newest) = (Op::Passkey { n: 0, alone: false, again: false }, 255);
    let mut model = with_every_device();
    let before = model.reached().0;
    for op in [&Op::Require(totp | email | passkey), &password, &by_app, &by_key] {
        model.step(op);
        assert_eq!(model.reached().0, before, "signed in too early, by {op:?}");
    }
    model.step(&Op::SendCode { sms: false });
    model.step(&Op::SentCode { n: 0, right: true, known: true });
    assert_eq!(model.reached().0, before + 1);
    for op in [Op::Require(0), Op::Pass(61), password, by_app, Op::Require(totp | passkey), Op::Raise(newest)] {
        model.step(&op);
    }
    assert_eq!(model.reached().0, before + 2);
    model.step(&by_key);
    assert_eq!(model.reached().0, before + 3, "the passkey alone was asked for");
}

#[test]
fn a_recovery_gets_far_enough() {
    let mut model = Model::new();
    for op in [
        Op::Begin(0),
        Op::Confirm { session: 0, offset: 0, right: true },
        Op::Pass(31),
        Op::Password { right: true, known: false },
        Op::BeginRecovery,
        Op::Pass(260_000),
        Op::Password { right: true, known: false },
        Op::SendRecovery,
        Op::CompleteRecovery { right: true },
    ] {
        model.step(&op);
    }
    assert_eq!(model.reached().1, 0, "the device is gone");
    assert!(model.is_recovered());
}

#[test]
fn the_sequences_get_to_every_factor() {
    let mut model = Model::new();
    let newest = 255;
    for op in [
        Op::AddAddress { session: newest, sms: false, right: true },
        Op::AddAddress { session: newest, sms: true, right: true },
        Op::AddPasskey { session: newest, verified: true },
        Op::Pass(61),
        Op::Password { right: true, known: true },
        Op::SendCode { sms: true },
        Op::SentCode { n: 0, right: true, known: true },
        Op::Password { right: true, known: true },
        Op::Passkey { n: 0, alone: false, again: false },
        Op::Passkey { n: 0, alone: true, again: false },
        Op::Passkey { n: 0, alone: true, again: true },
    ] {
        model.step(&op);
    }
    assert_eq!(model.reached_by_factors(), (1, 2, 1), "passkeys, answers taken, codes taken");
    let (counted, unsettled, verified) = model.reached_by_counts();
    assert_eq!((counted, unsettled, verified), (2, 0, 2), "text messages counted, nothing told of, verified");
}
