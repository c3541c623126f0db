//! Registration and the first administrator: names are claimed once, links are used once (HAZARDS H8, H9).

use std::{pin::pin, time::Duration};

use actors::registration::{ADMIN, NewAccount, RegisterError};
use futures_util::future::join_all;
use schema::BrowserId;

use crate::support::{Fault, PASSWORD, World, new_account, random, soon};

fn browser(world: &World) -> BrowserId {
    BrowserId::from_bytes(random(world))
}

#[tokio::test]
async fn a_name_is_taken_in_all_its_spellings() {
    let world = World::new().await;
    world.register("Ada").await;
    for spelling in ["ada", "ADA", " \u{ff41}da "] {
        let new = new_account(spelling, browser(&world));
        let refused = world.services.registration.register(&world.attempt(), new, soon()).await;
        assert!(matches!(refused, Err(RegisterError::NameTaken)), "{spelling}: {refused:?}");
    }
}

#[tokio::test]
async fn the_longest_names_find_room_in_the_store() {
    let world = World::new().await;
    world.register(&"x".repeat(64)).await;
    world.register(&"\u{10330}".repeat(60)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_sixteen_registrations_of_one_name_one_has_it() {
    let world = World::new().await;
    let attempts: Vec<_> = (0..16).map(|_| world.attempt()).collect();
    let tries = attempts.iter().map(|attempt| {
        let new = new_account("ada", browser(&world));
        world.services.registration.register(attempt, new, soon())
    });
    let outcomes = join_all(tries).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    assert!(world.services.sign_in.holder("ada").await.expect("works").is_some());
}

#[tokio::test]
async fn a_registration_paused_while_the_sweeper_voids_it_begins_anew() {
    let world = World::new().await;
    let attempt = world.attempt();
    world.store.script([Fault::Hold]);
    let slow = new_account("ada", browser(&world));
    let mut slow = pin!(world.services.registration.register(&attempt, slow, soon()));
    tokio::select! {
        biased;
        early = &mut slow => panic!("answered {early:?} before the commit"),
        () = world.store.something_waits() => {}
    }
    let early = new_account("ada", browser(&world));
    let early = world.services.registration.register(&world.attempt(), early, soon()).await;
    assert!(matches!(early, Err(RegisterError::NameTaken)), "{early:?}");
    world.pass(Duration::from_secs(61));
    let person = world.register("ada").await;
    world.store.let_go();
    let voided = slow.await;
    assert!(matches!(&voided, Err(RegisterError::Call(_))), "{voided:?}");
    assert_eq!(world.services.sign_in.holder("ada").await.expect("works"), Some(person.user));
    world.sign_in(&person, None).await;
}

#[tokio::test]
async fn a_registration_that_died_gives_its_name_back() {
    let world = World::new().await;
    world.store.script([Fault::Unavailable]);
    let new = new_account("ada", browser(&world));
    assert!(world.services.registration.register(&world.attempt(), new, soon()).await.is_err());
    world.pass(Duration::from_secs(61));
    world.register("ada").await;
}

#[tokio::test]
async fn a_registration_whose_owner_died_is_answered_with_what_was_committed() {
    let world = World::new().await;
    world.store.script([Fault::AppliedThenPanic]);
    let person = world.register("ada").await;
    world.sign_in(&person, None).await;
    assert_eq!(world.told("account.registered").await, 1);
}

#[tokio::test]
async fn the_setup_link_makes_one_administrator_and_no_second_one_ever() {
    let world = World::new().await;
    let registration = &world.services.registration;
    let (link, until) = registration.setup_link().await.expect("works").expect("nobody is there yet");
    assert_eq!(until.since(world.now()), Duration::from_hours(1));
    let (mine, other) = (browser(&world), browser(&world));
    for who in [mine, other, mine] {
        assert!(registration.setup_link_is_good(link.expose(), who).await.expect("works"), "looking consumes nothing");
    }
    let new = new_account("root", mine);
    let (user, _) = registration.set_up(&world.attempt(), link.expose(), new, soon()).await.expect("registers");
    let overview = actors::domain::command::Overview;
    let account = world.services.accounts.ask(user, &world.attempt(), overview, soon()).await.expect("answers");
    assert!(account.expect("there").roles.contains(ADMIN));
    for who in [mine, other] {
        assert!(!registration.setup_link_is_good(link.expose(), who).await.expect("works"));
        let again = new_account("root2", who);
        let refused = registration.set_up(&world.attempt(), link.expose(), again, soon()).await;
        assert!(matches!(refused, Err(RegisterError::Link)), "{refused:?}");
    }
    world.pass(Duration::from_hours(2));
    assert!(registration.setup_link().await.expect("works").is_none());
}

#[tokio::test]
async fn two_browsers_with_one_setup_link_make_one_administrator() {
    let world = World::new().await;
    let registration = &world.services.registration;
    let (link, _) = registration.setup_link().await.expect("works").expect("nobody is there yet");
    let attempts: Vec<_> = (0..8).map(|_| world.attempt()).collect();
    let tries = attempts.iter().enumerate().map(|(n, attempt)| {
        let new = new_account(&format!("root{n}"), browser(&world));
        registration.set_up(attempt, link.expose(), new, soon())
    });
    let outcomes = join_all(tries).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
}

/// Nodes that start together print one link; a link that is used or nearly over is not handed out again.
#[tokio::test]
async fn whoever_asks_for_the_setup_link_gets_the_same_one_while_it_is_good() {
    let world = World::new().await;
    let registration = &world.services.registration;
    let ask = async || registration.setup_link().await.expect("works").expect("nobody is there yet");
    let (one, other) = tokio::join!(ask(), ask());
    let (third, until) = ask().await;
    assert_eq!(one.0.expose(), other.0.expose());
    assert_eq!((one.0.expose(), one.1), (third.expose(), until));
    world.pass(Duration::from_mins(31));
    let (later, _) = ask().await;
    assert_ne!(later.expose(), third.expose());
    assert!(registration.setup_link_is_good(third.expose(), browser(&world)).await.expect("works"), "until its end");
}

#[tokio::test]
async fn a_setup_link_ends_after_an_hour_and_a_made_up_one_is_none() {
    let world = World::new().await;
    let registration = &world.services.registration;
    let (link, _) = registration.setup_link().await.expect("works").expect("nobody is there yet");
    assert!(!registration.setup_link_is_good("v1.k1.AAAA.AAAA", browser(&world)).await.expect("works"));
    world.pass(Duration::from_hours(1));
    let new = new_account("root", browser(&world));
    let refused = registration.set_up(&world.attempt(), link.expose(), new, soon()).await;
    assert!(matches!(refused, Err(RegisterError::Link)), "{refused:?}");
}

/// A slip of the finger must not cost the only link.
#[tokio::test]
async fn who_began_with_a_setup_link_may_correct_what_was_typed() {
    let world = World::new().await;
    world.register("ada").await;
    let registration = &world.services.registration;
    let (link, _) = registration.setup_link().await.expect("works").expect("no administrator yet");
    let mine = browser(&world);
    let typed = |name: &str, email: &str, password: &str| NewAccount {
        user_name: name.to_owned(),
        email: email.to_owned(),
        password: password.to_owned().into(),
        browser: mine,
    };
    let slips = [typed("", "", PASSWORD), typed("root", "no address", PASSWORD), typed("root", "", "short")];
    for slip in slips.into_iter().chain([typed("ada", "", PASSWORD)]) {
        let refused = registration.set_up(&world.attempt(), link.expose(), slip, soon()).await;
        assert!(!matches!(refused, Ok(_) | Err(RegisterError::Link)), "{refused:?}");
    }
    world.store.script([Fault::Unavailable]);
    let failed = registration.set_up(&world.attempt(), link.expose(), typed("root", "", PASSWORD), soon()).await;
    assert!(matches!(failed, Err(RegisterError::Call(_))), "{failed:?}");
    let stranger = new_account("mallory", browser(&world));
    let refused = registration.set_up(&world.attempt(), link.expose(), stranger, soon()).await;
    assert!(matches!(refused, Err(RegisterError::Link)), "{refused:?}");
    let made = registration.set_up(&world.attempt(), link.expose(), typed("root2", "", PASSWORD), soon()).await;
    assert!(made.is_ok(), "{made:?}");
}
