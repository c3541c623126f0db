//! Commands that arrive twice (HAZARDS H5): the owner dies under a command, and the same attempt is delivered again.

use actors::{
    call::CallError,
    domain::command::{AuthorizeOutcome, RedeemCode, RedeemOutcome, Refusal},
};
use schema::CodeId;

use crate::support::{Fault, World, redeem, refresh_of, soon};

#[tokio::test]
async fn a_command_whose_owner_died_after_the_commit_gets_the_recorded_outcome_and_its_secrets() {
    let world = World::new().await;
    let person = world.register("ada").await;
    let app = world.app("shop").await;
    let issued = world.code(&person, &app).await;
    world.store.script([Fault::AppliedThenPanic]);
    let (grant, attempt) = world.grant(&person, &issued).await;
    assert_eq!(world.store.unmet(), 0);
    assert_eq!(grant.generation, 1);
    // The secret of the reply is the stored one: it refreshes.
    world.store.script([Fault::AppliedThenPanic]);
    let (outcome, attempt) = world.refresh(&person, refresh_of(&grant, &attempt)).await;
    let RedeemOutcome::Granted(next) = outcome else { panic!("{outcome:?}") };
    assert_eq!(next.generation, 2);
    let (outcome, _) = world.refresh(&person, refresh_of(&next, &attempt)).await;
    assert!(matches!(outcome, RedeemOutcome::Granted(next) if next.generation == 3));
    assert_eq!(world.told("code.redeemed").await, 1);
}

#[tokio::test]
async fn a_command_whose_owner_died_before_the_commit_is_decided_by_the_next_owner() {
    let world = World::new().await;
    let person = world.register("ada").await;
    let app = world.app("shop").await;
    let issued = world.code(&person, &app).await;
    world.store.script([Fault::Panic]);
    let (grant, _) = world.grant(&person, &issued).await;
    assert!(world.counts(&person, grant.family).await);
    assert!(matches!(world.redeem(&person, &issued).await.0, RedeemOutcome::Refused(Refusal::Reused)));
}

#[tokio::test]
async fn an_owner_that_dies_twice_under_one_command_is_given_up() {
    let world = World::new().await;
    let person = world.register("ada").await;
    let app = world.app("shop").await;
    let issued = world.code(&person, &app).await;
    world.store.script([Fault::Panic, Fault::Panic]);
    let ask = world.services.accounts.ask(person.user, &world.attempt(), redeem(&issued), soon()).await;
    assert!(matches!(ask, Err(CallError::Unavailable(_))), "{ask:?}");
    assert!(matches!(world.redeem(&person, &issued).await.0, RedeemOutcome::Granted(_)));
}

#[tokio::test]
async fn an_attempt_id_that_comes_again_with_another_command_is_refused() {
    let world = World::new().await;
    let person = world.register("ada").await;
    let (one, other) = (world.app("one").await, world.app("other").await);
    let attempt = world.attempt();
    let first = world.authorization(&person, &one, "openid");
    let outcome = world.services.accounts.ask(person.user, &attempt, first, soon()).await.expect("works");
    assert!(matches!(outcome, AuthorizeOutcome::Issued { .. }));
    world.store.script([Fault::Panic]);
    let second = world.authorization(&person, &other, "openid");
    let refused = world.services.accounts.ask(person.user, &attempt, second, soon()).await;
    assert!(matches!(refused, Err(CallError::AttemptMismatch)), "{refused:?}");
}

#[tokio::test]
async fn a_repeated_delivery_that_a_full_ring_may_have_forgotten_is_unavailable() {
    let world = World::new().await;
    let person = world.register("ada").await;
    let app = world.app("shop").await;
    let issued = world.code(&person, &app).await;
    world.store.script([Fault::RingFilledThenPanic]);
    let refused = world.services.accounts.ask(person.user, &world.attempt(), redeem(&issued), soon()).await;
    assert!(matches!(refused, Err(CallError::Unavailable(_))), "{refused:?}");
}

/// The same attempt reaches two owners: the one that comes second finds it in the ring.
#[tokio::test]
async fn one_attempt_at_two_owners_is_decided_once() {
    let world = World::new().await;
    let person = world.register("ada").await;
    let app = world.app("shop").await;
    let issued = world.code(&person, &app).await;
    let (other, _) = world.second_node().await;
    // The second owner loads everything before the first one commits.
    let unknown = RedeemCode { code: CodeId::from_bytes([1; 16]), ..redeem(&issued) };
    other.accounts.ask(person.user, &world.attempt(), unknown, soon()).await.expect("works");
    let attempt = world.attempt();
    let ask = |services: actors::Services| {
        let (attempt, command) = (attempt.clone(), redeem(&issued));
        async move { services.accounts.ask(person.user, &attempt, command, soon()).await.expect("works") }
    };
    let (first, second) = (ask(world.services.clone()).await, ask(other.clone()).await);
    let (RedeemOutcome::Granted(first), RedeemOutcome::Granted(second)) = (&first, &second) else {
        panic!("{first:?} {second:?}")
    };
    assert_eq!((first.family, first.generation), (second.family, second.generation));
    assert!(world.counts(&person, first.family).await);
}
