//! After a revocation was answered no node accepts what was revoked (HAZARDS H2).

use std::{pin::pin, sync::Arc, time::Duration};

use actors::{
    call::{CallError, Deadline},
    domain::command::{DisableUser, EnableUser, IssueReset, IssueResetOutcome, RevokeToken},
};
use cluster::{BOUND, Member, NoCaller, ViewStore as _};
use futures_util::future::join_all;

use crate::{
    house::{House, member},
    network::Way,
    support::{Cut, Fault, soon},
};

fn within(secs: f64) -> Deadline {
    Deadline::after(Duration::from_secs_f64(secs))
}

#[tokio::test]
async fn the_owner_answers_a_logout_at_once() {
    let house = House::of(&["a", "b"]).await;
    let person = house.person_of("a").await;
    house.stand_still().await;
    let begun = cluster::now();
    assert_eq!(house.logs_out("b", &person, soon()).await, Ok(true));
    assert_eq!(cluster::now(), begun);
    assert_eq!(house.lives("a", &person).await, Ok(false));
}

/// H1, word for word: the owner stalls 1.5 s, another node serves a logout, the owner is still in the view and its read is
/// fresh. It must not accept the dead session.
#[tokio::test]
async fn an_owner_that_stalled_does_not_accept_a_session_that_ended_meanwhile() {
    let house = House::of(&["a", "b"]).await;
    let (person, owner) = (house.person_of("a").await, house.node("a").name.clone());
    house.stand_still().await;
    assert_eq!(house.lives("a", &person).await, Ok(true));
    house.network.pause(&owner, true);
    let stall = async {
        tokio::time::sleep(Duration::from_millis(1500)).await;
        house.network.pause(&owner, false);
    };
    // Half of it for the owner, then in its place.
    let (ended, ()) = tokio::join!(house.logs_out("b", &person, within(2.5)), stall);
    assert_eq!(ended, Ok(true));
    assert!(house.node("a").authority.is_fresh(cluster::now()), "its read is fresh");
    assert_eq!(house.view.read().await.expect("reads").epoch, 1, "it is still in the view");
    assert_eq!(house.lives("a", &person).await, Ok(false));
}

#[tokio::test]
async fn an_owner_that_cannot_be_told_trusts_nothing_of_before_and_stays() {
    let house = House::of(&["a", "b"]).await;
    let (person, owner) = (house.person_of("a").await, house.node("a").name.clone());
    house.stand_still().await;
    assert_eq!(house.lives("a", &person).await, Ok(true));
    house.network.cut(&owner, &house.node("b").name, true);
    let begun = cluster::now();
    assert_eq!(house.logs_out("b", &person, within(10.0)).await, Ok(true));
    assert!(cluster::now() - begun >= BOUND, "nobody may trust the view before");
    let view = house.view.read().await.expect("reads");
    assert_eq!((view.epoch, view.members.len()), (2, 2));
    // It has not read since, so it asks the store.
    assert_eq!(house.lives("a", &person).await, Ok(false));
    house.reads("a").await;
    assert!(house.node("a").authority.owns(person.user.as_bytes()).is_some(), "and owns what it owned");
}

/// The same, for an owner that has read the new view by then: it must not go on from what it had before.
#[tokio::test]
async fn an_owner_in_a_new_term_trusts_only_what_it_loaded_in_it() {
    let house = House::of(&["a", "b"]).await;
    let (person, owner) = (house.person_of("a").await, house.node("a").name.clone());
    house.stand_still().await;
    assert_eq!(house.lives("a", &person).await, Ok(true));
    house.network.cut(&owner, &house.node("b").name, true);
    assert_eq!(house.logs_out("b", &person, within(10.0)).await, Ok(true));
    house.settle().await;
    assert_eq!(house.lives("a", &person).await, Ok(false));
    let (loads, _) = house.world("a").store.operations();
    assert_eq!(house.lives("a", &person).await, Ok(false));
    assert_eq!(house.world("a").store.operations().0, loads, "what it loaded since it trusts");
}

/// A command without a certificate: it can tell no owner of anything. A script disables one user after the other.
#[tokio::test]
async fn who_has_no_way_to_the_owners_revokes_and_puts_nobody_out_of_service() {
    let mut house = House::of(&["a", "b", "c"]).await;
    house.add("v", |options| options.peers = Arc::new(NoCaller)).await;
    house.reads("v").await;
    let names = ["a", "b", "c"];
    let mut people = Vec::new();
    for n in 0..20 {
        people.push(house.person_of(names[n % 3]).await);
    }
    house.stand_still().await;
    let living = async {
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            house.all_read().await;
            for name in names {
                let authority = &house.node(name).authority;
                assert_eq!(authority.view().members.len(), 3);
                assert!(authority.view().member(authority.me()).is_some() && authority.is_fresh(cluster::now()));
            }
        }
    };
    let revoking = async {
        for (n, person) in people.iter().enumerate() {
            assert_eq!(house.lives(names[n % 3], person).await, Ok(true));
            let world = house.world("v");
            let disabled = world.services.accounts.ask(person.user, &world.attempt(), DisableUser, within(10.0)).await;
            assert_eq!(disabled, Ok(true));
            for name in names {
                assert_eq!(house.lives(name, person).await, Ok(false), "{n} at {name}");
            }
        }
    };
    tokio::select! {
        () = living => {}
        () = revoking => {}
    }
    assert_eq!(house.view.read().await.expect("reads").epoch, 21);
}

/// The command line has no way to the owner, which would go on saying from memory that the account is disabled.
#[tokio::test]
async fn who_was_enabled_by_a_command_is_refused_by_no_node() {
    let mut house = House::of(&["a", "b"]).await;
    house.add("v", |options| options.peers = Arc::new(NoCaller)).await;
    house.reads("v").await;
    let user = house.person_of("a").await.user;
    house.stand_still().await;
    let (owner, command) = (house.world("a"), house.world("v"));
    let accounts = &owner.services.accounts;
    assert_eq!(accounts.ask(user, &owner.attempt(), DisableUser, soon()).await, Ok(true));
    let refused = accounts.ask(user, &owner.attempt(), IssueReset, soon()).await;
    assert!(matches!(refused, Ok(IssueResetOutcome::NoAccount)), "{refused:?}");
    let attempt = command.attempt();
    assert_eq!(command.services.accounts.ask(user, &attempt, EnableUser, within(10.0)).await, Ok(true));
    let issued = accounts.ask(user, &owner.attempt(), IssueReset, soon()).await;
    assert!(matches!(issued, Ok(IssueResetOutcome::Issued { .. })), "{issued:?}");
}

#[tokio::test]
async fn revocations_at_once_share_a_term() {
    let house = House::of(&["a", "b"]).await;
    let mut people = Vec::new();
    for _ in 0..10 {
        people.push(house.person_of("a").await);
    }
    house.stand_still().await;
    house.network.cut(&house.node("a").name, &house.node("b").name, true);
    let ended = join_all(people.iter().map(|person| house.logs_out("b", person, within(10.0)))).await;
    assert!(ended.iter().all(|ended| *ended == Ok(true)), "{ended:?}");
    assert_eq!(house.view.read().await.expect("reads").epoch, 2);
}

/// A node of the version before knows of no terms: it is out for an epoch, and in again at once.
#[tokio::test]
async fn an_owner_that_knows_of_no_terms_is_out_for_an_epoch() {
    let house = House::of(&["a", "b"]).await;
    let (person, owner) = (house.person_of("a").await, house.node("a").name.clone());
    house.put_members(vec![Member { term: 0, ..member("a") }, member("b")]).await;
    house.stand_still().await;
    assert_eq!(house.lives("a", &person).await, Ok(true));
    house.network.cut(&owner, &house.node("b").name, true);
    assert_eq!(house.logs_out("b", &person, within(10.0)).await, Ok(true));
    let view = house.view.read().await.expect("reads");
    assert_eq!((view.epoch, view.members.len()), (4, 2));
    // It missed the epoch in which it was out.
    house.settle().await;
    assert_eq!(house.lives("a", &person).await, Ok(false));
}

#[tokio::test]
async fn a_logout_that_not_everybody_can_be_told_of_is_not_answered() {
    let house = House::of(&["a", "b"]).await;
    let (person, owner) = (house.person_of("a").await, house.node("a").name.clone());
    house.stand_still().await;
    assert_eq!(house.lives("a", &person).await, Ok(true));
    house.network.cut(&owner, &house.node("b").name, true);
    house.world("b").store.cut(Cut::View);
    let refused = house.logs_out("b", &person, within(5.0)).await;
    let Err(CallError::Unavailable(why)) = &refused else { panic!("{refused:?}") };
    assert!(why.contains("not yet known everywhere"), "{why}");
    // It is stored, and said again it is answered only when it is known.
    house.world("b").store.cut(Cut::Nothing);
    assert_eq!(house.logs_out("b", &person, within(5.0)).await, Ok(false));
    assert_eq!(house.view.read().await.expect("reads").epoch, 2);
}

#[tokio::test]
async fn what_was_begun_goes_on_when_nobody_waits_any_more() {
    let house = House::of(&["a", "b"]).await;
    let (person, owner) = (house.person_of("a").await, house.node("a").name.clone());
    house.stand_still().await;
    house.network.cut(&owner, &house.node("b").name, true);
    let refused = house.logs_out("b", &person, within(1.0)).await;
    assert!(matches!(refused, Err(CallError::Unavailable(_))), "{refused:?}");
    tokio::time::sleep(BOUND).await;
    assert_eq!(house.view.read().await.expect("reads").epoch, 2, "it was moved all the same");
}

#[tokio::test]
async fn other_commands_are_answered_while_a_revocation_waits() {
    let house = House::of(&["a", "b"]).await;
    let (person, owner) = (house.person_of("a").await, house.node("a").name.clone());
    house.stand_still().await;
    house.network.cut(&owner, &house.node("b").name, true);
    let begun = cluster::now();
    let meanwhile = async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        let lives = house.lives("b", &person).await;
        (lives, cluster::now() - begun)
    };
    let (ended, (lives, took)) = tokio::join!(house.logs_out("b", &person, within(10.0)), meanwhile);
    assert_eq!((ended, lives), (Ok(true), Ok(false)));
    assert!(took < Duration::from_millis(20), "{took:?}");
}

#[tokio::test]
async fn a_recorded_revocation_is_answered_when_it_is_known_too() {
    let house = House::of(&["a", "b"]).await;
    let (person, owner) = (house.person_of("a").await, house.node("a").name.clone());
    house.stand_still().await;
    house.network.script(&owner, [Way::LostAfter]);
    let before = house.network.calls().len();
    assert_eq!(house.logs_out("b", &person, soon()).await, Ok(true));
    let calls = house.network.calls();
    assert_eq!(calls[before..].iter().filter(|call| call.1 == owner).count(), 2, "asked, then told: {calls:?}");
}

/// Whoever owned before may trust its older view for a bound: the new owner's answer waits for it.
#[tokio::test]
async fn a_new_owner_answers_a_logout_when_the_old_one_is_quiet() {
    let house = House::of(&["a", "b"]).await;
    let person = house.person_of("a").await;
    house.stand_still().await;
    assert_eq!(house.lives("a", &person).await, Ok(true));
    house.put_view(&["b"]).await;
    house.reads("b").await;
    let begun = cluster::now();
    assert_eq!(house.logs_out("b", &person, within(10.0)).await, Ok(true));
    assert!(cluster::now() - begun >= BOUND);
    assert_eq!(house.lives("a", &person).await, Ok(false));
}

#[tokio::test]
async fn a_user_at_rest_is_dropped_as_well() {
    let house = House::of(&["a", "b"]).await;
    let (person, owner) = (house.person_of("a").await, house.node("a").name.clone());
    house.stand_still().await;
    assert_eq!(house.lives("a", &person).await, Ok(true));
    house.rests("a").await;
    house.settle().await;
    assert_eq!(house.world("a").services.accounts.size().1, 1);
    house.network.script(&owner, [Way::NotSent]);
    assert_eq!(house.logs_out("b", &person, soon()).await, Ok(true));
    assert_eq!(house.world("a").services.accounts.size().1, 0);
    assert_eq!(house.lives("a", &person).await, Ok(false));
}

#[tokio::test]
async fn a_disabled_user_and_a_revoked_token_are_dead_everywhere() {
    let house = House::of(&["a", "b", "c"]).await;
    let (person, owner) = (house.person_of("a").await, house.node("a").name.clone());
    house.stand_still().await;
    let world = house.world("b");
    let app = world.app("shop").await;
    let (grant, _) = world.grant(&person, &world.code(&person, &app).await).await;
    assert!(house.world("a").counts(&person, grant.family).await);
    house.network.script(&owner, [Way::NotSent]);
    let revoke = RevokeToken { family: grant.family, client: app.client.clone() };
    let accounts = &world.services.accounts;
    assert_eq!(accounts.ask(person.user, &world.attempt(), revoke, soon()).await, Ok(true));
    for name in ["a", "b", "c"] {
        assert!(!house.world(name).counts(&person, grant.family).await, "{name}");
    }
    assert_eq!(house.lives("a", &person).await, Ok(true));
    house.network.script(&owner, [Way::NotSent]);
    assert_eq!(accounts.ask(person.user, &world.attempt(), DisableUser, soon()).await, Ok(true));
    for name in ["a", "b", "c"] {
        assert_eq!(house.lives(name, &person).await, Ok(false), "{name}");
    }
}

/// A logout that waits in the mailbox of an actor on its way to rest, while another one of the same user is there already.
#[tokio::test]
async fn an_owner_has_no_second_actor_that_accepts_what_the_first_revoked() {
    let house = House::of(&["a", "b"]).await;
    let (person, world) = (house.person_of("a").await, house.world("a"));
    house.stand_still().await;
    world.pass(Duration::from_secs(61));
    world.store.script([Fault::Hold]);
    let mut first = pin!(house.lives("a", &person));
    tokio::select! {
        biased;
        early = &mut first => panic!("the commit is held: {early:?}"),
        () = world.store.something_waits() => {}
    }
    let mut logout = pin!(house.logs_out("a", &person, soon()));
    tokio::select! {
        biased;
        early = &mut logout => panic!("{early:?}"),
        () = std::future::ready(()) => {}
    }
    house.rests("a").await;
    assert_eq!(house.lives("a", &person).await, Ok(true));
    world.store.let_go();
    assert_eq!((first.await, logout.await), (Ok(true), Ok(true)));
    assert_eq!(house.lives("a", &person).await, Ok(false));
}

#[tokio::test]
async fn a_revocation_beyond_what_can_be_told_is_refused_before_it_is_stored() {
    let mut house = House::of(&["a"]).await;
    house.add("b", |options| options.max_in_flight = 20_000).await;
    house.put_view(&["a", "b"]).await;
    house.all_read().await;
    let (person, other) = (house.person_of("a").await, house.person_of("a").await);
    house.stand_still().await;
    house.network.cut(&house.node("a").name, &house.node("b").name, true);
    house.world("b").store.cut(Cut::View);
    let mut many = pin!(join_all((0..10_000).map(|_| house.logs_out("b", &person, soon()))));
    tokio::select! {
        biased;
        _ = &mut many => panic!("nobody can be told"),
        () = tokio::time::sleep(Duration::from_millis(1)) => {}
    }
    assert_eq!(house.logs_out("b", &other, soon()).await, Err(CallError::Overloaded));
    assert_eq!(house.lives("b", &other).await, Ok(true), "asked of the store");
}
