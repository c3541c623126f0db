//! TOTP codes at sign-in: each step once, the window to the millisecond, replays counted as wrong.

use std::time::Duration;

use actors::domain::command::{ShowTotp, SignInOutcome};
use schema::{Kind, PartitionKey, Store as _, Timestamp, record::Throttle};

use crate::support::{World, code_at, person::Authenticator, soon};

const STEP: Duration = Duration::from_secs(30);

#[tokio::test]
async fn the_code_of_the_enrolment_is_used_up_and_answered_as_wrong() {
    let world = World::new().await;
    let (person, app) = world.register_with_totp("ada").await;
    let login = world.first_proof(&person).await;
    assert_eq!(world.type_totp(&person, &login, app.code(world.now())).await, SignInOutcome::Wrong);
    let events = world.audit().await;
    let failed = events.iter().find(|event| event.kind == "login.failed").expect("told");
    assert_eq!(failed.facts["reason"], "replayed");
    assert!(failed.facts.values().all(|fact| fact.as_str() != Some(&String::from(app.code(world.now())))));
}

#[tokio::test]
async fn a_step_counts_once_and_earlier_steps_never_again() {
    let world = World::new().await;
    let (person, app) = world.register_with_totp("ada").await;
    world.pass(STEP);
    let (earlier, now) = (world.now(), world.now().after(STEP));
    world.pass(STEP);
    let login = world.first_proof(&person).await;
    assert!(matches!(world.type_totp(&person, &login, app.code(now)).await, SignInOutcome::SignedIn(_)));
    for used in [now, earlier] {
        let login = world.first_proof(&person).await;
        assert_eq!(world.type_totp(&person, &login, app.code(used)).await, SignInOutcome::Wrong);
    }
    let login = world.first_proof(&person).await;
    assert!(matches!(world.type_totp(&person, &login, app.code(now.after(STEP))).await, SignInOutcome::SignedIn(_)));
}

#[tokio::test]
async fn the_window_is_one_step_to_each_side_from_its_first_millisecond_to_its_last() {
    let world = World::new().await;
    let (person, app) = world.register_with_totp("ada").await;
    let mut begin = Timestamp::from_millis(1_790_000_100_000 / 30_000 * 30_000);
    for into in [0, 29_999] {
        for (offset, accepted) in [(-2, false), (2, false), (-1, true), (0, true), (1, true)] {
            begin = begin.after(10 * STEP);
            world.clock.set(begin.after(Duration::from_millis(into)));
            let login = world.first_proof(&person).await;
            let shown = Timestamp::from_millis(begin.as_millis() + offset * 30_000);
            let outcome = world.type_totp(&person, &login, app.code(shown)).await;
            assert_eq!(matches!(outcome, SignInOutcome::SignedIn(_)), accepted, "{offset} at {into}: {outcome:?}");
        }
    }
}

#[tokio::test]
async fn five_replays_close_the_device_to_unknown_browsers() {
    let world = World::new().await;
    let (person, app) = world.register_with_totp("ada").await;
    let login = world.first_proof(&person).await;
    for _ in 0..5 {
        assert_eq!(world.type_totp(&person, &login, app.code(world.now())).await, SignInOutcome::Wrong);
    }
    let outcome = world.type_totp(&person, &login, app.code(world.now().after(STEP))).await;
    assert!(matches!(outcome, SignInOutcome::Throttled { until } if until >= world.now().after(STEP)), "{outcome:?}");
    world.pass(Duration::from_secs(34));
    assert!(matches!(world.type_totp(&person, &login, app.code(world.now())).await, SignInOutcome::SignedIn(_)));
}

#[tokio::test]
async fn a_new_login_is_no_fresh_set_of_guesses() {
    let world = World::new().await;
    let (person, app) = world.register_with_totp("ada").await;
    world.pass(STEP);
    let wrong = code_at(b"another seed of 20 by", world.now());
    for _ in 0..5 {
        let login = world.first_proof(&person).await;
        assert_eq!(world.type_totp(&person, &login, wrong.clone()).await, SignInOutcome::Wrong);
    }
    let login = world.first_proof(&person).await;
    let outcome = world.type_totp(&person, &login, app.code(world.now())).await;
    assert!(matches!(outcome, SignInOutcome::Throttled { .. }), "{outcome:?}");
}

#[tokio::test]
async fn codes_drawn_with_a_further_device_wait_for_no_guess_at_those_before() {
    let world = World::new().await;
    let (mut person, app) = world.register_with_totp("ada").await;
    for code in &app.backup {
        let login = world.first_proof(&person).await;
        let outcome = world.type_backup_code(&person, &login, code).await;
        assert!(matches!(outcome, SignInOutcome::SignedIn(_)), "{outcome:?}");
    }
    let login = world.first_proof(&person).await;
    for _ in 0..5 {
        assert_eq!(world.type_backup_code(&person, &login, &app.backup[0]).await, SignInOutcome::Wrong);
    }
    let tablet = world.enrol(&mut person).await;
    let outcome = world.type_backup_code(&person, &login, &tablet.backup[0]).await;
    assert!(matches!(outcome, SignInOutcome::SignedIn(_)), "{outcome:?}");
}

/// More devices give no more guesses (HAZARDS H12).
#[tokio::test]
async fn a_wrong_code_counts_against_each_app_that_it_is_compared_with() {
    let world = World::new().await;
    let (mut person, first) = world.register_with_totp("ada").await;
    let second = world.enrol(&mut person).await;
    world.pass(STEP);
    let login = world.first_proof(&person).await;
    let counts = async |app: &Authenticator| {
        let key = PartitionKey::new(Kind::User, person.user);
        let item = format!("throttle/totp/{}", app.factor);
        let stored = world.store.load(&key, &[item.as_str()]).await.expect("works");
        let counts: Throttle = stored.get(&key, &item).expect("reads").expect("is there");
        (counts.total, counts.buckets["unknown"].locked_until.is_some())
    };
    let wrong = code_at(b"another seed of 20 by", world.now());
    for guess in 1..=5 {
        assert_eq!(world.type_totp(&person, &login, wrong.clone()).await, SignInOutcome::Wrong);
        for app in [&first, &second] {
            assert_eq!(counts(app).await, (guess, guess == 5));
        }
    }
    for app in [&first, &second] {
        let outcome = world.type_totp(&person, &login, app.code(world.now())).await;
        assert!(matches!(outcome, SignInOutcome::Throttled { .. }), "{outcome:?}");
    }
}

/// A session that may begin no enrolment is not shown the seed of one either.
#[tokio::test]
async fn a_seed_is_shown_to_fresh_proofs_alone() {
    let world = World::new().await;
    let (person, _) = world.register_with_totp("ada").await;
    let (factor, _) = world.begin_totp(&person).await;
    world.pass(Duration::from_mins(10));
    let show = ShowTotp { session: person.session.clone(), factor };
    let shown = world.services.accounts.ask(person.user, &world.attempt(), show, soon()).await.expect("answers");
    assert!(shown.is_none(), "its fifteen minutes are not over, but the proofs are old");
}
