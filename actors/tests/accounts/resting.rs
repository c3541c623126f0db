//! Idle users: their actors go, their state rests in the cache and wakes as it was.

use std::{pin::pin, time::Duration};

use actors::{
    call::CallError,
    domain::command::{CheckSession, EndSession, Overview, RedeemOutcome, SignInOutcome},
};

use crate::support::{Cut, Fault, PASSWORD, World, refresh_of, soon};

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_that_meet_an_actor_on_its_way_to_rest_are_served() {
    let world = World::new().await;
    let person = world.register("ada").await;
    let app = world.app("shop").await;
    let (mut grant, mut attempt) = world.grant(&person, &world.code(&person, &app).await).await;
    for generation in 2..200 {
        world.pass(Duration::from_millis(100));
        let (outcome, next) = world.refresh(&person, refresh_of(&grant, &attempt)).await;
        let RedeemOutcome::Granted(granted) = outcome else { panic!("{outcome:?}") };
        assert_eq!(granted.generation, generation);
        (grant, attempt) = (*granted, next);
    }
}

/// Beyond the permits nothing is queued: who comes too many is told so at once.
#[tokio::test]
async fn a_call_without_a_permit_is_refused_at_once() {
    let world = World::with(|options| options.max_in_flight = 1).await;
    let person = world.register("ada").await;
    world.store.script([Fault::Hold]);
    let app = world.app("shop").await;
    let mut first = pin!(world.code(&person, &app));
    tokio::select! {
        biased;
        _ = &mut first => panic!("the commit is held"),
        () = world.store.something_waits() => {}
    }
    let check = CheckSession { session: person.session.clone() };
    let refused = world.services.accounts.ask(person.user, &world.attempt(), check, soon()).await;
    assert!(matches!(refused, Err(CallError::Overloaded)), "{refused:?}");
    world.store.let_go();
    first.await;
}

/// A logout that waits in the mailbox of an actor on its way to rest, while another one of the same user is there already.
#[tokio::test]
async fn what_a_leaving_actor_revokes_its_successor_does_not_accept() {
    let world = World::new().await;
    let person = world.register("ada").await;
    let app = world.app("shop").await;
    let accounts = &world.services.accounts;
    let attempt = || world.attempt();
    let check = || CheckSession { session: person.session.clone() };
    world.store.script([Fault::Hold]);
    let mut first = pin!(world.code(&person, &app));
    tokio::select! {
        biased;
        _ = &mut first => panic!("the commit is held"),
        () = world.store.something_waits() => {}
    }
    let (logout, end) = (attempt(), EndSession { session: person.session.session });
    let mut logout = pin!(accounts.ask(person.user, &logout, end, soon()));
    tokio::select! {
        biased;
        early = &mut logout => panic!("{early:?}"),
        () = std::future::ready(()) => {}
    }
    world.everybody_rests().await;
    assert!(accounts.ask(person.user, &attempt(), check(), soon()).await.expect("works").is_some());
    world.store.let_go();
    first.await;
    assert_eq!(logout.await, Ok(true));
    assert!(accounts.ask(person.user, &attempt(), check(), soon()).await.expect("works").is_none());
}

#[tokio::test]
async fn a_node_that_is_alone_never_asks_again_for_what_it_has() {
    let world = World::new().await;
    let person = world.register("ada").await;
    let check = || CheckSession { session: person.session.clone() };
    let lives = async || world.services.accounts.ask(person.user, &world.attempt(), check(), soon()).await;
    assert!(lives().await.expect("works").is_some());
    tokio::time::pause();
    tokio::time::advance(Duration::from_hours(1)).await;
    world.store.cut(Cut::All);
    assert!(lives().await.expect("works").is_some());
}
