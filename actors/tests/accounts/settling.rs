//! Commit, swap, answer, publish: what happens when the store is contended, slow, gone, or does not say what it did.

use std::{pin::pin, time::Duration};

use actors::{
    call::{CallError, Deadline},
    domain::command::{CheckSession, EndSession, RedeemOutcome, Refusal, SignInOutcome},
};
use schema::Kind;

use crate::support::{Fault, PASSWORD, World, code_at, refresh_of, soon};

#[tokio::test]
async fn a_conflict_is_decided_anew_on_what_the_other_owner_left() {
    let world = World::new().await;
    let person = world.register("ada").await;
    let (other, _) = world.second_node().await;
    // Both have the user in memory; then the other one ends the session.
    let check = || CheckSession { session: person.session.clone() };
    assert!(
        world.services.accounts.ask(person.user, &world.attempt(), check(), soon()).await.expect("works").is_some()
    );
    let end = EndSession { session: person.session.session };
    assert!(other.accounts.ask(person.user, &world.attempt(), end, soon()).await.expect("works"));
    // A write here meets the conflict: the session is dead here too.
    world.pass(Duration::from_secs(61));
    let view = world.services.accounts.ask(person.user, &world.attempt(), check(), soon()).await;
    assert!(view.expect("works").is_none());
}

#[tokio::test]
async fn three_conflicts_are_lived_through_and_a_fourth_is_unavailable() {
    let world = World::new().await;
    let person = world.register("ada").await;
    let app = world.app("shop").await;
    world.store.script([Fault::OtherFirst; 3]);
    let issued = world.code(&person, &app).await;
    assert_eq!(world.store.unmet(), 0);
    world.store.script([Fault::OtherFirst; 4]);
    let attempt = world.attempt();
    let ask = world.services.accounts.ask(person.user, &attempt, crate::support::redeem(&issued), soon());
    assert!(matches!(ask.await, Err(CallError::Unavailable(_))));
    assert!(matches!(world.redeem(&person, &issued).await.0, RedeemOutcome::Granted(_)));
}

#[tokio::test]
async fn a_commit_whose_answer_was_lost_counts_as_done_and_once() {
    let world = World::new().await;
    let person = world.register("ada").await;
    let app = world.app("shop").await;
    let issued = world.code(&person, &app).await;
    world.store.script([Fault::AppliedThenUnknown]);
    let (grant, attempt) = world.grant(&person, &issued).await;
    world.store.script([Fault::AppliedThenUnknown]);
    let (outcome, _) = world.refresh(&person, refresh_of(&grant, &attempt)).await;
    assert!(matches!(outcome, RedeemOutcome::Granted(next) if next.generation == 2));
    assert!(world.counts(&person, grant.family).await);
    assert_eq!(world.told("code.redeemed").await, 1);
}

#[tokio::test]
async fn a_commit_that_was_lost_is_ruled_out_and_decided_anew() {
    let world = World::new().await;
    let person = world.register("ada").await;
    let app = world.app("shop").await;
    let issued = world.code(&person, &app).await;
    world.store.script([Fault::LostThenUnknown]);
    let (grant, _) = world.grant(&person, &issued).await;
    assert!(world.counts(&person, grant.family).await);
    assert_eq!(world.told("code.redeemed").await, 1);
    assert!(matches!(world.redeem(&person, &issued).await.0, RedeemOutcome::Refused(Refusal::Reused)));
}

#[tokio::test]
async fn what_was_not_committed_is_not_answered_and_leaves_nothing_in_memory() {
    let world = World::new().await;
    let (person, app) = world.register_with_totp("ada").await;
    world.pass(Duration::from_secs(30));
    let login = world.first_proof(&person).await;
    let before = world.told("login.succeeded").await;
    world.store.script([Fault::Unavailable]);
    let command = actors::domain::command::VerifyTotp { login: login.clone(), code: app.code(world.now()) };
    let refused = world.services.accounts.ask(person.user, &world.attempt(), command, soon()).await;
    assert!(matches!(refused, Err(CallError::Unavailable(_))));
    assert_eq!(world.told("login.succeeded").await, before);
    // Neither the session nor the used step was kept: the same code signs in now.
    assert!(matches!(world.type_totp(&person, &login, app.code(world.now())).await, SignInOutcome::SignedIn(_)));
}

#[tokio::test]
async fn no_answer_leaves_before_its_commit() {
    let world = World::new().await;
    let (person, _) = world.register_with_totp("ada").await;
    let login = world.first_proof(&person).await;
    world.store.script([Fault::Hold]);
    let wrong = code_at(b"another seed of 20 by", world.now());
    let mut answer = pin!(world.type_totp(&person, &login, wrong));
    tokio::select! {
        biased;
        early = &mut answer => panic!("answered {early:?} before the commit"),
        () = world.store.something_waits() => {}
    }
    for _ in 0..100 {
        tokio::select! {
            biased;
            early = &mut answer => panic!("answered {early:?} before the commit"),
            () = tokio::task::yield_now() => {}
        }
    }
    world.store.let_go();
    assert_eq!(answer.await, SignInOutcome::Wrong);
}

#[tokio::test]
async fn a_failure_that_was_answered_is_counted_after_a_kill() {
    let world = World::new().await;
    let person = world.register("ada").await;
    for _ in 0..4 {
        assert_eq!(world.guess("ada", "not the password at all").await, SignInOutcome::Wrong);
    }
    let world = world.killed_and_restarted().await;
    assert_eq!(world.guess("ada", "not the password at all").await, SignInOutcome::Wrong);
    assert!(matches!(world.guess("ada", PASSWORD).await, SignInOutcome::Throttled { .. }));
    let login = world.login_of(&person);
    let (outcome, _) = world.type_password("ada", PASSWORD, &login, Some(person.user)).await.expect("answers");
    assert!(matches!(outcome, SignInOutcome::SignedIn(_)), "{outcome:?}");
}

/// The deadline passes while the owner loads: nothing is committed for somebody who has given up (HAZARDS H5).
#[tokio::test]
async fn nothing_is_committed_after_the_deadline() {
    let world = World::new().await;
    let person = world.register("ada").await;
    let world = world.killed_and_restarted().await;
    let before = world.store.committed(Kind::User);
    world.store.hold_load(Kind::User);
    let end = EndSession { session: person.session.session };
    let attempt = world.attempt();
    let ask = world.services.accounts.ask(person.user, &attempt, end, Deadline::after(Duration::from_millis(20)));
    assert!(matches!(ask.await, Err(CallError::TimedOut)));
    world.store.let_go();
    // A message behind it: when that is answered, the command is through.
    world.services.accounts.observe(person.user, soon()).await.expect("answers");
    assert_eq!(world.store.committed(Kind::User), before);
    let check = CheckSession { session: person.session };
    assert!(world.services.accounts.ask(person.user, &world.attempt(), check, soon()).await.expect("works").is_some());
}

#[tokio::test]
async fn events_are_shipped_once_and_their_items_go_with_the_next_commit() {
    let world = World::new().await;
    let person = world.register("ada").await;
    world.services.shipper.settled().await;
    let events = |items: Vec<String>| items.iter().filter(|key| key.starts_with("event/")).count();
    assert_eq!(events(world.items(person.user).await), 1);
    let end = EndSession { session: person.session.session };
    assert!(world.services.accounts.ask(person.user, &world.attempt(), end, soon()).await.expect("works"));
    assert_eq!(events(world.items(person.user).await), 1);
    assert_eq!((world.told("account.registered").await, world.told("session.ended").await), (1, 1));
}

/// Events that are under way when their owner reloads are handed over twice; that must not hurt the next commit.
#[tokio::test]
async fn a_conflict_while_events_are_under_way_neither_doubles_nor_loses_them() {
    let world = World::new().await;
    let person = world.register("ada").await;
    world.services.shipper.settled().await;
    let app = world.app("shop").await;
    world.store.script_appends([Fault::Hold]);
    let issued = world.code(&person, &app).await;
    world.store.something_waits().await;
    world.store.script([Fault::OtherFirst]);
    let (grant, attempt) = world.grant(&person, &issued).await;
    world.store.let_go();
    world.services.shipper.settled().await;
    let (outcome, _) = world.refresh(&person, refresh_of(&grant, &attempt)).await;
    assert!(matches!(outcome, RedeemOutcome::Granted(_)), "{outcome:?}");
    assert_eq!((world.told("code.issued").await, world.told("code.redeemed").await), (1, 1));
    assert!(world.items(person.user).await.iter().all(|key| !key.starts_with("event/")));
}

#[tokio::test]
async fn events_of_a_killed_process_are_found_at_the_next_start() {
    let world = World::new().await;
    world.register("ada").await;
    world.store.script_appends([Fault::Unavailable; 8]);
    world.register("bob").await;
    world.services.shipper.settled().await;
    let world = world.killed_and_restarted().await;
    let events = world.store_audit().await;
    let registered = events.iter().filter(|event| event.kind == "account.registered").count();
    assert_eq!(registered, 2);
    let world = world.killed_and_restarted().await;
    assert_eq!(world.store_audit().await.len(), events.len());
}

/// Same attempt, same digest, same millisecond: only the ring knows whose commit it was, and what it wrote.
#[tokio::test]
async fn what_the_ring_tells_of_is_taken_as_it_is_stored() {
    let world = World::new().await;
    let person = world.register("ada").await;
    world.store.script([Fault::TwinThenUnknown]);
    let end = EndSession { session: person.session.session };
    let ended = world.services.accounts.ask(person.user, &world.attempt(), end, soon()).await;
    assert_eq!(ended, Ok(false), "the recorded outcome");
    let check = CheckSession { session: person.session.clone() };
    let view = world.services.accounts.ask(person.user, &world.attempt(), check, soon()).await;
    assert!(view.expect("works").is_some(), "the other one has ended nothing");
}
