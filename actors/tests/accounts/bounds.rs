//! Bounds per user: who goes when one more comes (HAZARDS H10).

use std::time::Duration;

use actors::domain::command::{
    BeginAddressOutcome, BeginTotp, BeginTotpOutcome, CheckSession, ConfirmOutcome, ConfirmTotp, Overview,
    RedeemOutcome, Refusal, RemoveTotp, RevokeToken, SignInOutcome,
};

use schema::{Kind, PartitionKey, Store as _, record::Throttle};

use crate::{
    addresses,
    support::{App, PASSWORD, Person, World, code_at, session_ref, soon},
};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn the_fifty_first_session_ends_the_one_not_used_for_longest() {
    let world = World::new().await;
    let first = world.register("ada").await;
    world.pass(SECOND);
    let second = world.sign_in(&first, None).await;
    for _ in 0..49 {
        world.pass(SECOND);
        world.sign_in(&first, None).await;
    }
    let overview = world.services.accounts.ask(first.user, &world.attempt(), Overview, soon()).await;
    assert_eq!(overview.expect("answers").expect("there").sessions.len(), 50);
    for (person, lives) in [(first, false), (second, true)] {
        let check = CheckSession { session: person.session };
        let view = world.services.accounts.ask(person.user, &world.attempt(), check, soon()).await.expect("answers");
        assert_eq!(view.is_some(), lives);
    }
}

#[tokio::test]
async fn the_twenty_first_login_ends_the_oldest() {
    let world = World::new().await;
    let (person, app) = world.register_with_totp("ada").await;
    let mut logins = Vec::new();
    for _ in 0..21 {
        world.pass(SECOND);
        logins.push(world.first_proof(&person).await);
    }
    world.pass(Duration::from_secs(30));
    let code = || app.code(world.now());
    assert_eq!(world.type_totp(&person, &logins[0], code()).await, SignInOutcome::LoginEnded);
    assert!(matches!(world.type_totp(&person, &logins[1], code()).await, SignInOutcome::SignedIn(_)));
}

#[tokio::test]
async fn the_fifty_first_code_drops_the_oldest_of_its_client_alone() {
    let world = World::new().await;
    let person = world.register("ada").await;
    let (app, other) = (world.app("shop").await, world.app("other").await);
    let foreign = world.code(&person, &other).await;
    let mut issued = Vec::new();
    for _ in 0..50 {
        world.pass(SECOND);
        issued.push(world.code(&person, &app).await);
    }
    let (outcome, _) = world.redeem(&person, &issued[0]).await;
    assert!(matches!(outcome, RedeemOutcome::Refused(Refusal::Unknown)), "{outcome:?}");
    for good in [&issued[1], &foreign] {
        let (outcome, _) = world.redeem(&person, good).await;
        assert!(matches!(outcome, RedeemOutcome::Granted(_)), "{outcome:?}");
    }
}

async fn family(world: &World, person: &Person, app: &App) -> Result<schema::FamilyId, Refusal> {
    world.pass(SECOND);
    let issued = world.code(person, app).await;
    match world.redeem(person, &issued).await.0 {
        RedeemOutcome::Granted(grant) => Ok(grant.family),
        RedeemOutcome::Refused(refusal) => Err(refusal),
    }
}

#[tokio::test]
async fn the_two_hundred_and_first_family_ends_the_oldest_of_its_client_alone() {
    let world = World::new().await;
    let person = world.register("ada").await;
    let (app, other, third) = (world.app("shop").await, world.app("other").await, world.app("third").await);
    let foreign = family(&world, &person, &other).await.expect("room");
    let mut families = Vec::new();
    for _ in 0..200 {
        families.push(family(&world, &person, &app).await.expect("room"));
    }
    assert!(!world.counts(&person, families[0]).await);
    for good in [families[1], families[199], foreign] {
        assert!(world.counts(&person, good).await);
    }
    world.pass(Duration::from_mins(1));
    // Who has none of its own finds no room among the living, but takes the place of what has ended.
    assert_eq!(family(&world, &person, &third).await, Err(Refusal::Full));
    let revoke = RevokeToken { family: families[7], client: app.client.clone() };
    assert!(world.services.accounts.ask(person.user, &world.attempt(), revoke, soon()).await.expect("answers"));
    let late = family(&world, &person, &third).await.expect("room");
    for good in [late, families[1], foreign] {
        assert!(world.counts(&person, good).await);
    }
}

/// Else an account of one's own grows by a bucket a sign-in, for ever.
#[tokio::test]
async fn the_twenty_first_device_makes_the_oldest_and_its_failures_forgotten() {
    let world = World::new().await;
    let person = world.register("ada").await;
    for _ in 0..25 {
        world.pass(SECOND);
        let device = world.sign_in(&person, None).await;
        let login = world.login_of(&device);
        let (outcome, _) = world.type_password("ada", "wrong", &login, Some(person.user)).await.expect("answers");
        assert_eq!(outcome, SignInOutcome::Wrong);
    }
    let key = PartitionKey::new(Kind::User, person.user);
    let stored = world.store.load(&key, &["throttle/", "device/"]).await.expect("works");
    let throttle: Throttle = stored.get(&key, "throttle/password").expect("reads").expect("is there");
    assert_eq!((stored.items.len(), throttle.buckets.len()), (21, 20));
}

/// Who enrols and removes in a loop neither grows a partition nor has backup codes hashed without end.
#[tokio::test]
async fn no_more_than_twenty_devices_a_day_are_enrolled_and_removed() {
    let world = World::new().await;
    let mut person = world.register("ada").await;
    let accounts = &world.services.accounts;
    let begin = |person: &Person| BeginTotp { session: person.session.clone(), name: "Phone".to_owned() };
    for _ in 0..20 {
        let (factor, seed) = world.begin_totp(&person).await;
        let (attempt, session) = (world.attempt(), person.session.clone());
        let confirm = ConfirmTotp { session, factor, code: code_at(&seed, world.now()), backup: Vec::new() };
        let outcome = accounts.ask(person.user, &attempt, confirm, soon()).await.expect("answers");
        let ConfirmOutcome::Activated { signed_in, .. } = outcome else { panic!("{outcome:?}") };
        person.session = session_ref(&attempt, &signed_in);
        let remove = RemoveTotp { session: person.session.clone(), factor };
        accounts.ask(person.user, &world.attempt(), remove, soon()).await.expect("answers");
    }
    let outcome = accounts.ask(person.user, &world.attempt(), begin(&person), soon()).await.expect("answers");
    assert!(matches!(outcome, BeginTotpOutcome::TooMany), "{outcome:?}");
    world.pass(Duration::from_hours(25));
    let person = world.sign_in(&person, None).await;
    let outcome = accounts.ask(person.user, &world.attempt(), begin(&person), soon()).await.expect("answers");
    assert!(matches!(outcome, BeginTotpOutcome::Begun { .. }), "{outcome:?}");
}

/// Else whoever knows the password keeps its owner from every second step (HAZARDS H11).
#[tokio::test]
async fn logins_of_unknown_devices_give_way_before_one_of_a_known_device() {
    let world = World::new().await;
    let (person, app) = world.register_with_totp("ada").await;
    let login = world.login_of(&person);
    world.type_password("ada", PASSWORD, &login, Some(person.user)).await.expect("answers");
    for _ in 0..25 {
        world.pass(SECOND);
        world.first_proof(&person).await;
    }
    world.pass(Duration::from_secs(30));
    let outcome = world.type_totp(&person, &login, app.code(world.now())).await;
    assert!(matches!(outcome, SignInOutcome::SignedIn(_)), "{outcome:?}");
}

#[tokio::test]
async fn among_logins_of_known_devices_the_oldest_ends() {
    let world = World::new().await;
    let (person, app) = world.register_with_totp("ada").await;
    let mut logins = Vec::new();
    for _ in 0..21 {
        world.pass(SECOND);
        let login = world.login_of(&person);
        world.type_password("ada", PASSWORD, &login, Some(person.user)).await.expect("answers");
        logins.push(login);
    }
    world.pass(Duration::from_secs(30));
    let code = || app.code(world.now());
    assert_eq!(world.type_totp(&person, &logins[0], code()).await, SignInOutcome::LoginEnded);
    assert!(matches!(world.type_totp(&person, &logins[1], code()).await, SignInOutcome::SignedIn(_)));
}

/// One guess counts against each that it is compared with, so more devices give no more guesses (HAZARDS H12).
#[tokio::test]
async fn there_are_five_devices_of_a_method() {
    let (world, postbox) = addresses::world().await;
    let mut person = world.register("ada").await;
    let (mut letters, world) = (0, &world);
    for method in ["@example.org", "+4915123456"] {
        let nth =
            |n: usize| if method.starts_with('+') { format!("{method}{n:03}") } else { format!("ada{n}{method}") };
        for n in 0..5 {
            letters += 1;
            addresses::enrol(world, &postbox, &mut person, (nth(n).as_str(), letters)).await;
        }
        let sixth = addresses::begin(&world.services, world, &person, &nth(5)).await;
        assert!(matches!(sixth, BeginAddressOutcome::TooMany), "{sixth:?}");
    }
    let accounts = &world.services.accounts;
    for _ in 0..5 {
        world.enrol(&mut person).await;
    }
    let begin = BeginTotp { session: person.session.clone(), name: "Phone".to_owned() };
    let sixth = accounts.ask(person.user, &world.attempt(), begin, soon()).await.expect("answers");
    assert!(matches!(sixth, BeginTotpOutcome::TooMany), "{sixth:?}");
}
