//! Idle users: their actors go, their state rests in the cache and wakes as it was.

use std::time::Duration;

use actors::domain::command::{CheckSession, Overview, SignInOutcome};

use crate::support::{PASSWORD, World, soon};

#[tokio::test]
async fn an_idle_user_rests_and_wakes_without_a_read_and_with_the_same_state() {
    let world = World::new().await;
    let person = world.register("ada").await;
    let check = || CheckSession { session: person.session.clone() };
    world.services.accounts.ask(person.user, &world.attempt(), check(), soon()).await.expect("works").expect("alive");
    world.everybody_rests().await;
    assert_eq!((world.services.accounts.size().0, world.services.accounts.size().1), (0, 1));
    let (loads, _) = world.store.operations();
    let view = world.services.accounts.ask(person.user, &world.attempt(), check(), soon()).await.expect("works");
    assert!(view.is_some());
    assert_eq!(world.store.operations().0, loads);
    assert_eq!(world.services.accounts.size(), (1, 0, 0));
}

#[tokio::test]
async fn failures_outlast_a_rest() {
    let world = World::new().await;
    world.register("ada").await;
    for _ in 0..4 {
        assert_eq!(world.guess("ada", "not the password at all").await, SignInOutcome::Wrong);
    }
    world.everybody_rests().await;
    assert_eq!(world.guess("ada", "not the password at all").await, SignInOutcome::Wrong);
    assert!(matches!(world.guess("ada", PASSWORD).await, SignInOutcome::Throttled { .. }));
}

/// What a warm user costs is the sum of its items: this is a plain one, with TOTP, a session and the device of a browser.
/// Backup codes and authorization codes stay in the store until they are used.
#[tokio::test]
async fn a_plain_user_with_totp_and_backup_codes_rests_in_two_kilobytes() {
    let world = World::new().await;
    let (person, app) = world.register_with_totp("ada").await;
    world.everybody_rests().await;
    let (_, users, bytes) = world.services.accounts.size();
    println!("a resting user with TOTP and backup codes: {bytes} bytes");
    assert_eq!(users, 1);
    assert!(bytes <= 2048, "{bytes}");
    // They are there when they are needed, and once only.
    let login = world.first_proof(&person).await;
    let outcome = world.type_backup_code(&person, &login, &app.backup[0]).await;
    assert!(matches!(outcome, SignInOutcome::SignedIn(_)), "{outcome:?}");
    world.everybody_rests().await;
    let login = world.first_proof(&person).await;
    assert_eq!(world.type_backup_code(&person, &login, &app.backup[0]).await, SignInOutcome::Wrong);
    let overview = world.services.accounts.ask(person.user, &world.attempt(), Overview, soon()).await;
    assert_eq!(overview.expect("answers").expect("there").backup_codes_left, 9);
}

#[tokio::test]
async fn a_user_who_is_used_does_not_rest() {
    let world = World::with(|options| options.idle = Duration::from_secs(45)).await;
    let person = world.register("ada").await;
    world.pass(Duration::from_secs(44));
    let observed = world.services.accounts.observe(person.user, soon()).await.expect("answers").expect("lives");
    assert!(observed.loaded);
    assert_eq!((observed.reservations, observed.waiting), (0, 0));
}
