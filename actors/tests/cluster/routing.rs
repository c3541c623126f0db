//! A command finds its owner from every node, or somebody in the owner's place.

use std::{sync::Arc, time::Duration};

use actors::{
    call::{CallError, Deadline},
    domain::command::{RedeemOutcome, Refusal, SignInOutcome},
};
use cluster::{Authority, Generation, Member, Role, ViewStore as _};
use futures_util::future::join_all;

use crate::{
    house::{House, member},
    network::Way,
    support::{Cut, Fault, PASSWORD, redeem, refresh_of, soon},
};

#[tokio::test]
async fn a_command_taken_by_any_node_is_served_by_the_owner_alone() {
    let house = House::of(&["a", "b", "c"]).await;
    let person = house.person_of("b").await;
    house.stand_still().await;
    let before = house.network.calls().len();
    for name in ["a", "b", "c"] {
        assert_eq!(house.lives(name, &person).await, Ok(true));
    }
    for name in ["a", "c"] {
        let seen = house.world(name).services.accounts.observe(person.user, soon()).await.expect("answers");
        assert!(!seen.expect("an actor").loaded, "{name} holds somebody else's user");
    }
    assert!(house.network.calls()[before..].iter().all(|(_, to, in_place)| to.as_str() == "b" && !in_place));
}

#[tokio::test]
async fn an_owner_that_is_gone_is_stood_in_for() {
    let house = House::of(&["a", "b", "c"]).await;
    let person = house.person_of("a").await;
    house.stand_still().await;
    let order = house.order(person.user).await;
    house.network.script(&house.node("a").name, [Way::NotSent]);
    assert_eq!(house.lives(&order[2], &person).await, Ok(true));
    let last = house.network.calls().pop().expect("calls");
    assert_eq!((last.1.as_str(), last.2), (order[1].as_str(), true));
}

/// The reply that was lost is the reply that comes: its secret is the stored one.
async fn the_outcome_is_the_committed_one(way: Way) {
    let house = House::of(&["a", "b"]).await;
    let person = house.person_of("a").await;
    house.stand_still().await;
    let world = house.world("b");
    let app = world.app("shop").await;
    let issued = world.code(&person, &app).await;
    house.network.script(&house.node("a").name, [way]);
    let (grant, attempt) = world.grant(&person, &issued).await;
    assert_eq!(grant.generation, 1);
    let (outcome, attempt) = world.refresh(&person, refresh_of(&grant, &attempt)).await;
    let RedeemOutcome::Granted(next) = outcome else { panic!("{outcome:?}") };
    house.network.script(&house.node("a").name, [way]);
    let (outcome, _) = world.refresh(&person, refresh_of(&next, &attempt)).await;
    assert!(matches!(outcome, RedeemOutcome::Granted(last) if last.generation == 3));
    assert_eq!(world.told("code.redeemed").await, 1);
}

#[tokio::test]
async fn what_the_owner_committed_before_it_was_lost_is_the_outcome() {
    the_outcome_is_the_committed_one(Way::LostAfter).await;
}

#[tokio::test]
async fn what_the_owner_committed_and_never_answered_is_the_outcome() {
    the_outcome_is_the_committed_one(Way::NeverAnswered).await;
}

#[tokio::test]
async fn what_the_owner_committed_and_then_failed_to_tell_is_the_outcome() {
    the_outcome_is_the_committed_one(Way::Failed).await;
}

/// A command of the command line calls with the certificate of the node beside it. What it then serves itself is the same
/// delivery.
#[tokio::test]
async fn what_a_command_serves_itself_after_its_call_was_lost_is_what_the_owner_committed() {
    let mut house = House::of(&["a"]).await;
    let name = "-command-1-x".parse().expect("a name");
    let visitor = Arc::new(Authority::member(name, Generation(1)));
    house.add("b", |options| options.authority = Arc::clone(&visitor)).await;
    let person = house.person_of("a").await;
    house.stand_still().await;
    visitor.observe(house.view.read().await.expect("reads"), cluster::now(), cluster::now());
    let command = house.world("b");
    let app = command.app("shop").await;
    let issued = command.code(&person, &app).await;
    house.network.script(&house.node("a").name, [Way::LostAfter]);
    let (grant, _) = command.grant(&person, &issued).await;
    assert_eq!(grant.generation, 1);
    assert_eq!(command.told("code.redeemed").await, 1);
}

/// A full ring may have forgotten the first delivery: what commits is not decided again then, what only looks is answered.
#[tokio::test]
async fn what_only_looks_is_answered_whatever_the_ring_has_forgotten() {
    let house = House::of(&["a", "b"]).await;
    let (person, owner) = (house.person_of("a").await, house.node("a").name.clone());
    house.stand_still().await;
    let world = house.world("b");
    let app = world.app("shop").await;
    let issued = world.code(&person, &app).await;
    for _ in 0..schema::RING {
        world.code(&person, &app).await;
    }
    house.network.script(&owner, [Way::LostBefore]);
    assert_eq!(house.lives("b", &person).await, Ok(true));
    house.network.script(&owner, [Way::LostBefore]);
    let redeemed = world.services.accounts.ask(person.user, &world.attempt(), redeem(&issued), soon()).await;
    assert!(matches!(redeemed, Err(CallError::Unavailable(_))), "{redeemed:?}");
}

#[tokio::test]
async fn an_owner_that_is_slow_and_commits_late_finds_that_it_was_done() {
    let house = House::of(&["a", "b"]).await;
    let person = house.person_of("a").await;
    house.stand_still().await;
    let world = house.world("b");
    let app = world.app("shop").await;
    let issued = world.code(&person, &app).await;
    let owner = &house.world("a").store;
    owner.script([Fault::Hold]);
    let attempt = world.attempt();
    let redeemed = world.services.accounts.ask(person.user, &attempt, redeem(&issued), soon());
    let outcome = redeemed.await.expect("answers");
    let RedeemOutcome::Granted(grant) = outcome else { panic!("{outcome:?}") };
    owner.let_go();
    // The late commit expects a revision that is gone.
    assert!(world.counts(&person, grant.family).await);
    assert_eq!(house.world("a").told("code.redeemed").await, 1);
}

#[tokio::test]
async fn one_attempt_at_every_node_is_decided_once() {
    let house = House::of(&["a", "b", "c"]).await;
    let person = house.person_of("a").await;
    house.stand_still().await;
    let app = house.world("b").app("shop").await;
    let issued = house.world("b").code(&person, &app).await;
    house.network.script(&house.node("a").name, [Way::LostAfter]);
    let order = house.order(person.user).await;
    let second = house.node(&order[1]).name.clone();
    house.network.script(&second, [Way::LostAfter]);
    let last = house.world(&order[2]);
    let (grant, _) = last.grant(&person, &issued).await;
    assert_eq!(house.network.calls().iter().rev().take(2).count(), 2);
    assert!(last.counts(&person, grant.family).await);
    assert_eq!(last.told("code.redeemed").await, 1);
}

/// Two nodes whose views differ both serve: one acceptance.
#[tokio::test]
async fn two_owners_by_views_that_differ_accept_a_code_once() {
    let house = House::of(&["a", "b"]).await;
    let person = house.person_of("a").await;
    house.stand_still().await;
    let app = house.world("a").app("shop").await;
    let issued = house.world("a").code(&person, &app).await;
    house.put_view(&["b"]).await;
    house.reads("b").await;
    let tries = ["a", "b", "a", "b", "a", "b"].map(|name| house.world(name).redeem(&person, &issued));
    let outcomes = join_all(tries).await;
    let granted = outcomes.iter().filter(|(outcome, _)| matches!(outcome, RedeemOutcome::Granted(_))).count();
    assert_eq!(granted, 1, "{outcomes:?}");
    let reused = |outcome: &RedeemOutcome| matches!(outcome, RedeemOutcome::Refused(Refusal::Reused));
    assert_eq!(outcomes.iter().filter(|(outcome, _)| reused(outcome)).count(), 5);
}

#[tokio::test]
async fn who_is_asked_and_is_not_the_owner_says_so_and_the_caller_reads_its_view() {
    let house = House::of(&["a", "b", "c"]).await;
    let person = house.person_of("b").await;
    house.stand_still().await;
    house.put_view(&["a", "c"]).await;
    for name in ["b", "c"] {
        house.reads(name).await;
    }
    assert_eq!(house.lives("a", &person).await, Ok(true));
    assert_eq!(house.node("a").authority.view().epoch, 2);
    let new = house.order(person.user).await[0].clone();
    let calls = house.network.calls();
    let from_a: Vec<_> = calls.iter().filter(|call| call.0.as_str() == "a").collect();
    assert_eq!(from_a[from_a.len() - 1 - usize::from(new != "a")].1.as_str(), "b");
    assert!(from_a.iter().all(|call| !call.2), "{from_a:?}");
}

#[tokio::test]
async fn a_node_whose_clock_is_off_decides_nothing() {
    let house = House::of(&["a", "b"]).await;
    let person = house.person_of("a").await;
    house.stand_still().await;
    house.node("a").authority.suspend(true);
    let (before, _) = house.world("a").store.operations();
    for name in ["a", "b"] {
        assert_eq!(house.lives(name, &person).await, Ok(true), "{name}");
    }
    assert_eq!(house.world("a").store.operations().0, before);
    house.node("b").authority.suspend(true);
    for name in ["a", "b"] {
        assert_eq!(house.lives(name, &person).await, Err(CallError::Unreachable), "{name}");
    }
}

#[tokio::test]
async fn a_node_without_the_role_serves_nobody() {
    let mut house = House::of(&["a", "b"]).await;
    house.add("h", |options| options.serves = false).await;
    let edge = Member { roles: vec![Role::Http], ..member("h") };
    house.put_members(vec![member("a"), member("b"), edge]).await;
    house.all_read().await;
    let person = house.person_of("a").await;
    house.stand_still().await;
    assert_eq!(house.lives("h", &person).await, Ok(true));
    for name in ["a", "b"] {
        house.network.cut(&house.node("h").name, &house.node(name).name, true);
    }
    assert_eq!(house.lives("h", &person).await, Err(CallError::Unreachable));
    assert_eq!(house.world("h").services.accounts.size(), (0, 0, 0));
}

/// The last owner has left, and the one that is left has not read so yet. Nobody else can serve.
#[tokio::test]
async fn an_owner_that_does_not_know_it_yet_is_asked_once_more_to_serve_in_place() {
    let mut house = House::of(&["a", "b"]).await;
    house.add("h", |options| options.serves = false).await;
    let edge = Member { roles: vec![Role::Http], ..member("h") };
    house.put_members(vec![member("a"), member("b"), edge.clone()]).await;
    house.all_read().await;
    let person = house.person_of("a").await;
    house.stand_still().await;
    house.put_members(vec![member("b"), edge]).await;
    house.reads("h").await;
    assert_eq!(house.node("b").authority.view().epoch + 1, house.node("h").authority.view().epoch);
    assert_eq!(house.lives("h", &person).await, Ok(true));
    let calls = house.network.calls();
    let from_h: Vec<_> = calls.iter().filter(|call| call.0.as_str() == "h").map(|call| call.2).collect();
    assert_eq!(from_h[from_h.len() - 2..], [false, true], "as the owner, then in place");
}

/// As the command line does, which opens the store itself and is no member.
#[tokio::test]
async fn who_is_no_member_and_reaches_nobody_serves_in_place() {
    let mut house = House::of(&["a"]).await;
    let person = house.person_of("a").await;
    house.add("cli", |options| options.peers = std::sync::Arc::new(cluster::NoCaller)).await;
    house.stand_still().await;
    assert_eq!(house.lives("cli", &person).await, Ok(true));
    assert_eq!(house.node("cli").authority.view().members.len(), 1);
}

#[tokio::test]
async fn a_call_that_is_refused_for_load_is_not_passed_on() {
    let house = House::of(&["a", "b"]).await;
    let person = house.person_of("a").await;
    house.stand_still().await;
    house.network.script(&house.node("a").name, [Way::Full]);
    assert_eq!(house.lives("b", &person).await, Err(CallError::Overloaded));
}

#[tokio::test]
async fn a_node_that_does_not_understand_is_passed_over() {
    let house = House::of(&["a", "b"]).await;
    let person = house.person_of("a").await;
    house.stand_still().await;
    house.network.script(&house.node("a").name, [Way::Garbled]);
    assert_eq!(house.lives("b", &person).await, Ok(true));
}

#[tokio::test]
async fn an_owner_that_is_cut_off_from_the_store_is_stood_in_for() {
    let house = House::of(&["a", "b"]).await;
    let person = house.person_of("a").await;
    house.stand_still().await;
    let world = house.world("b");
    let app = world.app("shop").await;
    let issued = world.code(&person, &app).await;
    house.world("a").store.cut(Cut::All);
    assert!(matches!(world.redeem(&person, &issued).await.0, RedeemOutcome::Granted(_)));
}

#[tokio::test]
async fn a_call_is_over_at_its_deadline() {
    let house = House::of(&["a", "b"]).await;
    let person = house.person_of("a").await;
    house.stand_still().await;
    house.network.pause(&house.node("a").name, true);
    house.world("b").store.cut(Cut::All);
    let begun = cluster::now();
    let refused = house.look("b", &person, Deadline::after(Duration::from_secs(4))).await;
    assert!(matches!(refused, Err(CallError::Unavailable(_))), "{refused:?}");
    assert!(cluster::now() - begun <= Duration::from_secs(4));
}

/// What comes before the commit is a hash, at each node anew; the verdict that was committed is the outcome.
#[tokio::test]
async fn a_password_whose_verdict_was_lost_is_judged_once() {
    let house = House::of(&["a", "b"]).await;
    let person = house.person_of("a").await;
    let (world, owner) = (house.world("b"), house.node("a").name.clone());
    house.network.script(&owner, [Way::LostAfter]);
    let (outcome, attempt) = world.type_password(&person.name, PASSWORD, &world.login(), None).await.expect("answers");
    let SignInOutcome::SignedIn(signed_in) = outcome else { panic!("{outcome:?}") };
    let session = crate::support::session_ref(&attempt, &signed_in);
    assert_eq!(house.lives("b", &crate::support::Person { session, ..person.clone() }).await, Ok(true));
    house.network.script(&owner, [Way::LostAfter]);
    assert_eq!(world.guess(&person.name, "wrong, and told so once").await, SignInOutcome::Wrong);
    assert_eq!(house.world("a").told("login.failed").await + world.told("login.failed").await, 2, "seen by both");
    house.network.script(&owner, [Way::LostAfter]);
    let changed = world.change_password(&person, PASSWORD, "another password, as long as that").await;
    assert!(matches!(changed.0, actors::domain::command::ChangePasswordOutcome::Changed(_)), "{changed:?}");
}
