//! What is told of guessing: to the audit log when a bucket closes, and to the owner as well when an authenticator is suspended; and
//! that a guess which is refused unseen writes nothing.

use std::{sync::Arc, time::Duration};

use actors::{
    domain::{
        command::{ChangePasswordOutcome, DisableUser, SignInOutcome},
        context::Origin,
        letter::Notice,
    },
    sign_in::PasswordTry,
};
use schema::record::{AuditEvent, Channel};

use crate::{
    addresses::{a_hundred_failures, enrol, world},
    postbox::Postbox,
    strangers::{WRONG, fail_a_hundred_times},
    support::{Person, World, code_at, soon},
};

const FIRST: &str = "ada@example.org";
const SECOND: &str = "ada@work.example";

/// Somebody with two confirmed addresses.
async fn registered() -> (World, Arc<Postbox>, Person) {
    let (world, postbox) = world().await;
    let mut person = world.register("ada").await;
    enrol(&world, &postbox, &mut person, (FIRST, 1)).await;
    enrol(&world, &postbox, &mut person, (SECOND, 2)).await;
    (world, postbox, person)
}

/// The authenticator and the kind of bucket of each event of this kind.
async fn told(world: &World, kind: &str) -> Vec<(String, String)> {
    let text = |event: &AuditEvent, fact: &str| event.facts[fact].as_str().expect("a word").to_owned();
    let events = world.audit().await.into_iter().filter(|event| event.kind == kind);
    events.map(|event| (text(&event, "authenticator"), text(&event, "bucket"))).collect()
}

fn of(authenticator: &str, bucket: &str) -> (String, String) {
    (authenticator.to_owned(), bucket.to_owned())
}

#[tokio::test]
async fn each_cool_down_of_a_password_and_its_suspension_are_told_once() {
    let (world, postbox, person) = registered().await;
    fail_a_hundred_times(&world, "ada").await;
    assert_eq!(told(&world, "login.throttled").await, vec![of("password", "unknown"); 19]);
    assert_eq!(told(&world, "login.suspended").await, [of("password", "unknown")]);
    postbox.until(|postbox| postbox.told(Notice::PasswordSuspended).len() >= 2).await;
    assert_eq!(postbox.told(Notice::PasswordSuspended), [FIRST, SECOND]);
    let events = world.audit().await;
    let suspended = events.iter().find(|event| event.kind == "login.suspended").expect("told");
    assert_eq!(suspended.user, Some(person.user));
    assert!(!format!("{events:?}").contains(WRONG), "what was typed is told to nobody");

    // A known device goes on, and what it closes now is told of its own bucket alone.
    for _ in 0..5 {
        let login = world.login_of(&person);
        world.type_password("ada", WRONG, &login, Some(person.user)).await.expect("answers");
    }
    assert_eq!(told(&world, "login.throttled").await.last(), Some(&of("password", "known")));
    assert_eq!(told(&world, "login.suspended").await.len(), 1);
    assert_eq!(postbox.told(Notice::PasswordSuspended).len(), 2);
}

#[tokio::test]
async fn a_guess_that_is_refused_unseen_writes_and_tells_nothing() {
    let world = World::new().await;
    let (person, _) = world.register_with_totp("ada").await;
    let wrong = code_at(b"another seed of 20 by", world.now());
    let login = world.first_proof(&person).await;
    while world.type_totp(&person, &login, wrong.clone()).await == SignInOutcome::Wrong {}
    let events = world.audit().await.len();
    let (_, written) = world.store.operations();
    for _ in 0..50 {
        let outcome = world.type_totp(&person, &login, wrong.clone()).await;
        assert!(matches!(outcome, SignInOutcome::Throttled { .. }), "{outcome:?}");
    }
    assert_eq!((world.audit().await.len(), world.store.operations().1), (events, written));
}

#[tokio::test]
async fn codes_that_are_suspended_together_are_told_to_the_owner_once() {
    let (world, postbox, mut person) = registered().await;
    world.enrol(&mut person).await;
    a_hundred_failures(&world, &postbox, &person, Channel::Email).await;
    let suspended = told(&world, "login.suspended").await;
    assert_eq!(suspended, [of("codes", "unknown")], "neither device has seen a hundred");
    let throttled = told(&world, "login.throttled").await;
    for method in ["totp/", "email/"] {
        assert!(throttled.iter().any(|(authenticator, _)| authenticator.starts_with(method)), "{throttled:?}");
    }
    postbox.until(|postbox| postbox.told(Notice::CodesSuspended).len() >= 2).await;
    assert_eq!(postbox.told(Notice::CodesSuspended), [FIRST, SECOND]);
}

#[tokio::test]
async fn backup_codes_have_a_row_of_their_own() {
    let (world, postbox, mut person) = registered().await;
    world.enrol(&mut person).await;
    let mut failures = 0;
    while failures < 100 {
        world.pass(Duration::from_mins(70));
        let login = world.first_proof(&person).await;
        while world.type_backup_code(&person, &login, "AAAA-BBBB-CCCC-DDDD-EEEE").await == SignInOutcome::Wrong {
            failures += 1;
        }
    }
    assert_eq!(told(&world, "login.suspended").await, [of("backup", "unknown")]);
    postbox.until(|postbox| postbox.told(Notice::BackupCodesSuspended).len() >= 2).await;
    assert_eq!(postbox.told(Notice::BackupCodesSuspended), [FIRST, SECOND]);
}

/// A wrong password, typed at a page in another language.
async fn guess_in(world: &World, lang: &str) -> SignInOutcome {
    let attempt = world.services.attempt(Origin { lang: Some(lang.to_owned()), ..Origin::default() });
    let (name, password) = ("ada".to_owned(), WRONG.to_owned().into());
    let tried = PasswordTry { name, password, login: world.login(), known: None, trusted: Vec::new() };
    world.services.sign_in.password(&attempt, tried, soon()).await.expect("answers").1
}

/// Fails a hundred times at pages in this language.
async fn fail_in(world: &World, lang: &str) {
    let mut failures = 0;
    while failures < 100 {
        match guess_in(world, lang).await {
            SignInOutcome::Wrong => failures += 1,
            SignInOutcome::Throttled { until } => world.pass(until.since(world.now())),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn strangers_do_not_choose_the_language_in_which_the_owner_is_told() {
    let (world, postbox, _) = registered().await;
    fail_in(&world, "zh-Hans").await;
    postbox.until(|postbox| postbox.told(Notice::PasswordSuspended).len() >= 2).await;
    assert_eq!(postbox.languages(Notice::PasswordSuspended), [None, None]);
}

#[tokio::test]
async fn whose_account_is_disabled_is_told_nothing_and_the_audit_log_is() {
    let (world, postbox, person) = registered().await;
    let disabled = world.services.accounts.ask(person.user, &world.attempt(), DisableUser, soon()).await;
    assert!(disabled.expect("works"));
    fail_a_hundred_times(&world, "ada").await;
    assert_eq!(told(&world, "login.suspended").await, [of("password", "unknown")]);
    assert_eq!(world.services.notifier.owed(), 0);
    assert!(postbox.told(Notice::PasswordSuspended).is_empty());
}

#[tokio::test]
async fn who_tries_passwords_in_a_session_is_told_of_as_well() {
    let (world, _, person) = registered().await;
    for _ in 0..5 {
        let (outcome, _) = world.change_password(&person, WRONG, "seven quiet lighthouses by noon").await;
        assert!(matches!(outcome, ChangePasswordOutcome::Wrong), "{outcome:?}");
    }
    assert_eq!(told(&world, "login.throttled").await, [of("password", "known")]);
}
