//! What rested on a device or a set of backup codes that is gone (HAZARDS H16): sessions lose its proofs, logins under way end.

use std::time::Duration;

use actors::{
    account::{CheckBackupCode, Request},
    domain::{
        assurance::Acr,
        command::{
            CheckSession, LoginRef, RemoveTotp, ReplaceBackupCodes, ReplaceBackupCodesOutcome, RevokeDevice,
            SignInOutcome, VerifySentCodeOutcome,
        },
        factor::backup_code,
        policy::{AT_ONCE, Asks},
    },
};
use schema::record::{Channel, Policy, PolicyMethod, PolicyMode, PolicyScope};

use crate::{
    addresses::{enrol, send, verify, world},
    email::ADDRESS,
    support::{PASSWORD, Person, World, session_ref, soon},
};

async fn acr(world: &World, person: &Person) -> Acr {
    let check = CheckSession { session: person.session.clone() };
    let view = world.services.accounts.ask(person.user, &world.attempt(), check, soon()).await;
    view.expect("answers").expect("a session").assurance.acr
}

/// Signs in with a backup code, in a new browser.
async fn by_backup_code(world: &World, person: &Person, text: &str) -> Person {
    let (login, attempt) = (world.first_proof(person).await, world.attempt());
    let code = backup_code::parse(text).expect("a backup code");
    let check = CheckBackupCode { login: login.clone(), locator: code.locator, secret: code.secret };
    let request = Request::CheckBackupCode(check);
    let outcome = world.services.accounts.request(person.user, &attempt, request, soon()).await.expect("answers");
    let SignInOutcome::SignedIn(done) = outcome else { panic!("{outcome:?}") };
    Person { session: session_ref(&attempt, &done), device: done.device, browser: login.browser, ..person.clone() }
}

/// Whoever drew the old ones must not stay in by one of them.
#[tokio::test]
async fn new_backup_codes_take_the_proofs_of_the_old_ones_from_every_other_session() {
    let world = World::new().await;
    let (person, app) = world.register_with_totp("ada").await;
    let other = by_backup_code(&world, &person, &app.backup[0]).await;
    let asking = by_backup_code(&world, &person, &app.backup[1]).await;
    assert_eq!((acr(&world, &other).await, acr(&world, &asking).await), (Acr::Mfa, Acr::Mfa));
    let attempt = world.attempt();
    let backup = world.services.hashes.backup_codes(&attempt.seed, soon()).await.expect("hashes");
    let command = ReplaceBackupCodes { session: asking.session.clone(), backup };
    let outcome = world.services.accounts.ask(person.user, &attempt, command, soon()).await.expect("answers");
    assert_eq!(outcome, ReplaceBackupCodesOutcome::Replaced);
    assert_eq!(acr(&world, &other).await, Acr::OneFactor);
    assert_eq!(acr(&world, &asking).await, Acr::Mfa, "it goes on with what it is doing");
    assert_eq!(acr(&world, &person).await, Acr::Mfa, "it rests on none");
}

/// A policy asks for the app and for mail; the app is gone between the two.
#[tokio::test]
async fn a_login_that_rests_on_an_app_ends_with_it_whoever_removes_it() {
    for by_operator in [false, true] {
        let (world, postbox) = world().await;
        let (mut person, app) = world.register_with_totp("ada").await;
        enrol(&world, &postbox, &mut person, (ADDRESS, 1)).await;
        let required = PolicyMode::Required { from: AT_ONCE };
        let policy = Policy::new(PolicyScope::Everybody, required, Acr::TwoStep.as_str(), AT_ONCE);
        let policies = vec![Policy { all_of: [PolicyMethod::Totp, PolicyMethod::Email].into(), ..policy }];
        let login = LoginRef { asks: Asks { policies, ..Asks::default() }, ..world.login() };
        world.type_password("ada", PASSWORD, &login, None).await.expect("answers");
        world.pass(Duration::from_secs(30));
        let outcome = world.type_totp(&person, &login, app.code(world.now())).await;
        assert!(matches!(outcome, SignInOutcome::SecondFactor { ways, .. } if ways.email), "{outcome:?}");
        send(&world, &person, (Channel::Email, &login)).await;
        let code = postbox.code(2).await;
        let (accounts, attempt) = (&world.services.accounts, world.attempt());
        if by_operator {
            let revoke = RevokeDevice { factor: app.factor };
            assert!(accounts.ask(person.user, &attempt, revoke, soon()).await.expect("answers"));
        } else {
            let remove = RemoveTotp { session: person.session.clone(), factor: app.factor };
            accounts.ask(person.user, &attempt, remove, soon()).await.expect("answers");
        }
        let outcome = verify(&world, &person, &login, code).await;
        assert_eq!(outcome, VerifySentCodeOutcome::Judged(SignInOutcome::LoginEnded));
    }
}
