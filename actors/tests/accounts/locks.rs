//! What lifts a suspension, and what stays usable meanwhile: a suspended second factor is bound anew, or an operator takes it away; a
//! suspended password is set anew by a link.

use std::{sync::Arc, time::Duration};

use actors::{
    domain::{
        command::{
            MailReset, RemoveOutcome, RemoveTotp, ResetMfa, ResetPassword, ResetPasswordOutcome, SignInOutcome, Ways,
        },
        factor::totp,
        letter::Content,
    },
    testing::Traits,
};
use schema::record::Channel;

use crate::support::person::Authenticator;
use crate::{
    addresses::{a_hundred_failures, enrol, send, signed_in, verify, world},
    email::{self, ADDRESS},
    passkeys,
    postbox::Postbox,
    strangers::fail_a_hundred_times,
    support::{PASSWORD, Person, World, person::hash_of, session_ref, soon},
};

const ANOTHER: &str = "seventeen green teapots dancing";

/// Somebody with an app and an address, whose codes are suspended together.
async fn suspended() -> (World, Arc<Postbox>, Person, Authenticator) {
    let (world, postbox) = world().await;
    let (mut person, app) = world.register_with_totp("ada").await;
    enrol(&world, &postbox, &mut person, (ADDRESS, 1)).await;
    a_hundred_failures(&world, &postbox, &person, Channel::Email).await;
    world.pass(Duration::from_hours(2));
    (world, postbox, person, app)
}

/// The app's code at a login of its own.
async fn by_app(world: &World, person: &Person, app: &Authenticator) -> SignInOutcome {
    let login = world.first_proof(person).await;
    world.type_totp(person, &login, app.code(world.now())).await
}

/// Signs in with a backup code, in a new browser.
async fn by_backup_code(world: &World, person: &Person, code: &str) -> Person {
    let (login, attempt) = (world.first_proof(person).await, world.attempt());
    let code = actors::domain::factor::backup_code::parse(code).expect("a backup code");
    let sign_in = &world.services.sign_in;
    let outcome = sign_in.backup_code(person.user, &attempt, login.clone(), code, soon()).await.expect("answers");
    let SignInOutcome::SignedIn(done) = outcome else { panic!("{outcome:?}") };
    Person { session: session_ref(&attempt, &done), device: done.device, browser: login.browser, ..person.clone() }
}

/// Fails a hundred times at the app alone, with nothing in between.
async fn suspend_the_app(world: &World, person: &Person) {
    let nothing = totp::parse_code("000000").expect("six digits");
    let mut failures = 0;
    while failures < 100 {
        world.pass(Duration::from_mins(70));
        let login = world.first_proof(person).await;
        while world.type_totp(person, &login, nothing.clone()).await == SignInOutcome::Wrong {
            failures += 1;
        }
    }
    world.pass(Duration::from_hours(2));
}

#[tokio::test]
async fn a_new_device_lifts_the_suspension_that_all_codes_share() {
    let (world, postbox, person, app) = suspended().await;
    assert_eq!(by_app(&world, &person, &app).await, SignInOutcome::Suspended);
    let mut session = by_backup_code(&world, &person, &app.backup[0]).await;
    let new = world.enrol(&mut session).await;
    world.pass(Duration::from_secs(30));
    let outcome = by_app(&world, &person, &new).await;
    assert!(matches!(outcome, SignInOutcome::SignedIn(_)), "{outcome:?}");
    // Neither of the others had a hundred of its own, so they count again as well.
    let outcome = by_app(&world, &person, &app).await;
    assert!(matches!(outcome, SignInOutcome::SignedIn(_)), "{outcome:?}");
    let (login, sent) = (world.first_proof(&person).await, postbox.taken());
    send(&world, &person, (Channel::Email, &login)).await;
    let outcome = verify(&world, &person, &login, postbox.code(sent + 1).await).await;
    assert!(signed_in(&outcome), "{outcome:?}");
}

#[tokio::test]
async fn an_app_with_a_hundred_failures_of_its_own_is_removed_and_added_again() {
    let world = World::new().await;
    let (person, app) = world.register_with_totp("ada").await;
    suspend_the_app(&world, &person).await;
    let (outcome, _) = world.type_password("ada", PASSWORD, &world.login(), None).await.expect("answers");
    let by_backup = Ways { backup_code: true, suspended: true, ..Ways::default() };
    assert!(matches!(outcome, SignInOutcome::SecondFactor { ways, .. } if ways == by_backup), "{outcome:?}");
    assert_eq!(by_app(&world, &person, &app).await, SignInOutcome::Suspended);
    let mut session = by_backup_code(&world, &person, &app.backup[0]).await;
    let new = world.enrol(&mut session).await;
    world.pass(Duration::from_secs(30));
    assert_eq!(by_app(&world, &person, &app).await, SignInOutcome::Wrong, "only the new one is looked at");
    let outcome = by_app(&world, &person, &new).await;
    assert!(matches!(outcome, SignInOutcome::SignedIn(_)), "{outcome:?}");
    let remove = RemoveTotp { session: session.session.clone(), factor: app.factor };
    let outcome = world.services.accounts.ask(person.user, &world.attempt(), remove, soon()).await.expect("answers");
    assert_eq!(outcome, RemoveOutcome::Removed);
    let left: Vec<_> = world.items(person.user).await;
    assert!(!left.contains(&format!("throttle/totp/{}", app.factor)), "its failures go with it: {left:?}");
}

#[tokio::test]
async fn an_operator_who_takes_all_second_steps_away_lifts_every_suspension_of_codes() {
    let (world, _, person, app) = suspended().await;
    suspend_backup_codes(&world, &person).await;
    let login = world.first_proof(&person).await;
    assert_eq!(world.type_backup_code(&person, &login, &app.backup[0]).await, SignInOutcome::Suspended);
    let reset = world.services.accounts.ask(person.user, &world.attempt(), ResetMfa, soon()).await.expect("answers");
    assert_eq!(reset, 2);
    let mut session = world.sign_in(&person, None).await;
    let new = world.enrol(&mut session).await;
    world.pass(Duration::from_secs(30));
    let outcome = by_app(&world, &person, &new).await;
    assert!(matches!(outcome, SignInOutcome::SignedIn(_)), "{outcome:?}");
    by_backup_code(&world, &person, &new.backup[0]).await;
    let throttles = world.items(person.user).await;
    assert!(!throttles.iter().any(|key| key.starts_with("throttle/")), "{throttles:?}");
}

async fn suspend_backup_codes(world: &World, person: &Person) {
    let mut failures = 0;
    while failures < 100 {
        world.pass(Duration::from_mins(70));
        let login = world.first_proof(person).await;
        while world.type_backup_code(person, &login, "AAAA-BBBB-CCCC-DDDD-EEEE").await == SignInOutcome::Wrong {
            failures += 1;
        }
    }
    world.pass(Duration::from_hours(2));
}

#[tokio::test]
async fn a_passkey_signs_in_anywhere_while_the_password_is_suspended() {
    let world = World::new().await;
    let mut person = world.register("ada").await;
    let (_, mut key) = passkeys::enrol(&world, &mut person, Traits::SYNCED).await;
    fail_a_hundred_times(&world, "ada").await;
    world.pass(Duration::from_hours(2));
    assert!(matches!(world.guess("ada", PASSWORD).await, SignInOutcome::Throttled { .. }));
    let view = passkeys::session(&world, &mut person, &world.login(), &mut key).await;
    assert!(view.fresh);
    assert!(matches!(world.guess("ada", PASSWORD).await, SignInOutcome::Throttled { .. }), "a suspension stays");
}

#[tokio::test]
async fn a_link_by_mail_lifts_the_suspension_of_the_password_for_every_browser() {
    let (world, postbox) = world().await;
    let (person, _) = email::registered(&world, &postbox).await;
    fail_a_hundred_times(&world, "ada").await;
    world.pass(Duration::from_hours(2));
    let asked = world.services.accounts.ask(person.user, &world.attempt(), MailReset { device: None }, soon()).await;
    assert!(asked.expect("answers"), "who is locked out gets a link");
    assert!(matches!(world.guess("ada", PASSWORD).await, SignInOutcome::Throttled { .. }), "asking lifts nothing");
    let letter = postbox.letter(postbox.taken().max(2)).await;
    let Content::PasswordReset { token } = &letter.content else { panic!("{letter:?}") };
    let link = world.services.tokens.locators().open_reset(token.expose()).expect("opens");
    let new_hash = Some(hash_of(&world.services, ANOTHER).await);
    let set = ResetPassword { reset: link.reset, secret_hash: link.secret_hash, new_hash };
    let outcome = world.services.accounts.ask(person.user, &world.attempt(), set, soon()).await.expect("answers");
    assert_eq!(outcome, ResetPasswordOutcome::Done);
    world.services.sign_in.rebound("ada").await.expect("works");
    assert_eq!(world.guess("ada", PASSWORD).await, SignInOutcome::Wrong, "the old one");
    let login = world.login();
    let (outcome, _) = world.type_password("ada", ANOTHER, &login, None).await.expect("answers");
    assert!(matches!(outcome, SignInOutcome::SecondFactor { .. }), "{outcome:?}");
}
