//! A password that somebody else may know: who spent the hundred guesses at a second factor had typed it. Whoever signs in with it after
//! that chooses another one first.

use std::{sync::Arc, time::Duration};

use actors::{
    domain::{
        assurance::Acr,
        command::{
            AuthorizeOutcome, ChangePasswordOutcome, CheckSession, IssueReset, IssueResetOutcome, LoginRef, MailReset,
            Overview, OverviewOutcome, ResetPassword, ResetPasswordOutcome, SessionView, SignInOutcome,
            VerifyPasskeyOutcome,
        },
        factor::{backup_code, totp},
        letter::Content,
        policy::{AT_ONCE, Asks},
    },
    secret::sha256_b64,
    testing::Traits,
};
use schema::{
    ResetId, Timestamp,
    record::{Channel, Policy, PolicyMethod, PolicyMode, PolicyScope},
};

use crate::{
    addresses::{a_hundred_failures, enrol, fail, world},
    email::ADDRESS,
    passkeys,
    postbox::Postbox,
    strangers::fail_a_hundred_times,
    support::{
        App, PASSWORD, Person, World,
        person::{Authenticator, hash_of},
        session_ref, soon,
    },
};

const NUMBER: &str = "+4915112345678";
const ANOTHER: &str = "seventeen green teapots dancing";
const NO_BACKUP_CODE: &str = "AAAA-BBBB-CCCC-DDDD-EEEE";

/// Somebody with an app and an address of this way.
async fn registered(address: &str) -> (World, Arc<Postbox>, Person, Authenticator) {
    let (world, postbox) = world().await;
    let (mut person, app) = world.register_with_totp("ada").await;
    enrol(&world, &postbox, &mut person, (address, 1)).await;
    (world, postbox, person, app)
}

/// The same, whose codes are suspended together.
async fn suspended() -> (World, Arc<Postbox>, Person, Authenticator) {
    let (world, postbox, person, app) = registered(ADDRESS).await;
    a_hundred_failures(&world, &postbox, &person, Channel::Email).await;
    world.pass(Duration::from_hours(2));
    (world, postbox, person, app)
}

async fn overview(world: &World, person: &Person) -> OverviewOutcome {
    let overview = world.services.accounts.ask(person.user, &world.attempt(), Overview, soon()).await;
    overview.expect("answers").expect("an account")
}

async fn marked_at(world: &World, person: &Person) -> Option<Timestamp> {
    overview(world, person).await.password_compromised_at
}

async fn view(world: &World, person: &Person) -> SessionView {
    let check = CheckSession { session: person.session.clone() };
    let view = world.services.accounts.ask(person.user, &world.attempt(), check, soon()).await;
    view.expect("answers").expect("a session")
}

/// The authenticator of each event that tells of it.
async fn told(world: &World) -> Vec<String> {
    let events = world.audit().await.into_iter().filter(|event| event.kind == "password.compromised");
    events.map(|event| event.facts["authenticator"].as_str().expect("a word").to_owned()).collect()
}

/// A backup code at a login of its own; this browser is signed in.
async fn by_backup_code(world: &World, person: &Person, code: &str) -> Person {
    let login = world.first_proof(person).await;
    complete(world, person, (&login, code)).await
}

/// A backup code at a login that awaits it.
async fn complete(world: &World, person: &Person, (login, code): (&LoginRef, &str)) -> Person {
    let attempt = world.attempt();
    let code = backup_code::parse(code).expect("a backup code");
    let sign_in = &world.services.sign_in;
    let outcome = sign_in.backup_code(person.user, &attempt, login.clone(), code, soon()).await.expect("answers");
    let SignInOutcome::SignedIn(done) = outcome else { panic!("{outcome:?}") };
    Person { session: session_ref(&attempt, &done), device: done.device, browser: login.browser, ..person.clone() }
}

/// What an application gets that asks for a code; does the node that asks know where another password is chosen?
async fn asked(world: &World, (person, app): (&Person, &App), knows: bool) -> AuthorizeOutcome {
    let mut command = world.authorization(person, app, "openid");
    command.renews_password = knows;
    world.services.accounts.ask(person.user, &world.attempt(), command, soon()).await.expect("answers")
}

async fn gets_a_code(world: &World, of: (&Person, &App)) -> bool {
    match asked(world, of, true).await {
        AuthorizeOutcome::Issued { .. } => true,
        AuthorizeOutcome::NewPasswordNeeded => false,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_hundredth_wrong_code_behind_the_password_marks_it_and_no_earlier_one() {
    for (address, channel) in [(ADDRESS, Channel::Email), (NUMBER, Channel::Sms)] {
        let (world, postbox, person, _) = registered(address).await;
        fail(&world, &postbox, &person, (channel, 99)).await;
        assert_eq!(marked_at(&world, &person).await, None, "{channel:?}");
        assert!(told(&world).await.is_empty());
        fail(&world, &postbox, &person, (channel, 1)).await;
        assert_eq!(marked_at(&world, &person).await, Some(world.now()), "{channel:?}");
        assert_eq!(told(&world).await, ["codes"]);

        let world = world.killed_and_restarted().await;
        assert!(marked_at(&world, &person).await.is_some(), "it survives a restart");
    }
}

#[tokio::test]
async fn so_do_a_hundred_wrong_backup_codes_and_the_first_evidence_stays() {
    let (world, _, person, _) = registered(ADDRESS).await;
    let nothing = totp::parse_code("000000").expect("six digits");
    let mut marks = Vec::new();
    for of_backup in [true, false] {
        let mut failures = 0;
        while failures < 100 {
            world.pass(Duration::from_mins(70));
            let login = world.first_proof(&person).await;
            let type_one = async || {
                if of_backup {
                    world.type_backup_code(&person, &login, NO_BACKUP_CODE).await
                } else {
                    world.type_totp(&person, &login, nothing.clone()).await
                }
            };
            while type_one().await == SignInOutcome::Wrong {
                failures += 1;
            }
        }
        marks.push(marked_at(&world, &person).await.expect("a mark"));
    }
    assert_eq!(marks[0], marks[1]);
    assert_eq!(told(&world).await, ["backup"]);
}

#[tokio::test]
async fn guesses_that_came_after_a_passkey_or_at_the_password_itself_do_not() {
    let world = World::new().await;
    let (mut person, _) = world.register_with_totp("ada").await;
    let (_, mut key) = passkeys::enrol(&world, &mut person, Traits::WITH_PIN).await;
    let required = PolicyMode::Required { from: AT_ONCE };
    let policy = Policy::new(PolicyScope::Everybody, required, Acr::Mfa.as_str(), AT_ONCE);
    let policies = vec![Policy { all_of: [PolicyMethod::Totp, PolicyMethod::Passkey].into(), ..policy }];
    let asks = Asks { policies, ..Asks::default() };
    let nothing = totp::parse_code("000000").expect("six digits");
    let mut failures = 0;
    while failures < 100 {
        world.pass(Duration::from_mins(70));
        let login = LoginRef { asks: asks.clone(), ..world.login() };
        let begun = passkeys::present(&world, &person, &login, &mut key).await;
        assert!(matches!(begun, VerifyPasskeyOutcome::Judged(SignInOutcome::SecondFactor { .. })), "{begun:?}");
        while world.type_totp(&person, &login, nothing.clone()).await == SignInOutcome::Wrong {
            failures += 1;
        }
    }
    assert_eq!(world.told("login.suspended").await, 2, "the app, and all codes together");
    assert_eq!(marked_at(&world, &person).await, None);
    fail_a_hundred_times(&world, "ada").await;
    assert_eq!(world.told("login.suspended").await, 3);
    assert_eq!(marked_at(&world, &person).await, None);
}

#[tokio::test]
async fn a_sign_in_with_it_gets_no_code_until_another_is_chosen() {
    let (world, _, person, app) = suspended().await;
    let client = world.app("photos").await;
    let new = by_backup_code(&world, &person, &app.backup[0]).await;
    assert!(view(&world, &new).await.password_compromised);
    assert!(!gets_a_code(&world, (&new, &client)).await);
    let older = asked(&world, (&new, &client), false).await;
    assert!(matches!(older, AuthorizeOutcome::EnrolmentNeeded), "{older:?}");

    let (outcome, attempt) = world.change_password(&new, PASSWORD, ANOTHER).await;
    let ChangePasswordOutcome::Changed(done) = outcome else { panic!("{outcome:?}") };
    let new = Person { session: session_ref(&attempt, &done), ..new };
    assert_eq!(marked_at(&world, &person).await, None);
    assert!(!view(&world, &new).await.password_compromised);
    assert!(gets_a_code(&world, (&new, &client)).await);
}

#[tokio::test]
async fn what_was_signed_in_before_goes_on_until_something_is_proved_there_anew() {
    let (world, postbox, person, app) = registered(ADDRESS).await;
    let client = world.app("photos").await;
    fail(&world, &postbox, &person, (Channel::Email, 99)).await;
    world.pass(Duration::from_mins(70));
    let old = by_backup_code(&world, &person, &app.backup[0]).await;
    let early = world.first_proof(&person).await;
    world.pass(Duration::from_secs(1));
    let guessed = world.first_proof(&person).await;
    let nothing = totp::parse_code("000000").expect("six digits");
    assert_eq!(world.type_totp(&person, &guessed, nothing).await, SignInOutcome::Wrong);
    assert_eq!(marked_at(&world, &person).await, Some(world.now()));
    world.pass(Duration::from_secs(1));
    assert!(!view(&world, &old).await.password_compromised && gets_a_code(&world, (&old, &client)).await);

    // A login may have begun before.
    let late = complete(&world, &person, (&early, &app.backup[1])).await;
    assert!(view(&world, &late).await.password_compromised && !gets_a_code(&world, (&late, &client)).await);

    let renews = LoginRef { renews: Some(old.session.clone()), browser: old.browser, ..world.login() };
    world.type_password("ada", PASSWORD, &renews, None).await.expect("answers");
    let renewed = complete(&world, &person, (&renews, &app.backup[2])).await;
    assert_eq!(renewed.session.session, old.session.session);
    assert!(view(&world, &renewed).await.password_compromised && !gets_a_code(&world, (&renewed, &client)).await);
}

#[tokio::test]
async fn a_passkey_gets_past_it_and_leaves_it() {
    let (world, postbox) = world().await;
    let (mut person, _) = world.register_with_totp("ada").await;
    let (_, mut key) = passkeys::enrol(&world, &mut person, Traits::WITH_PIN).await;
    enrol(&world, &postbox, &mut person, (ADDRESS, 1)).await;
    let client = world.app("photos").await;
    a_hundred_failures(&world, &postbox, &person, Channel::Email).await;
    let view = passkeys::session(&world, &mut person, &world.login(), &mut key).await;
    assert!(!view.password_compromised && gets_a_code(&world, (&person, &client)).await);
    assert!(marked_at(&world, &person).await.is_some());
}

#[tokio::test]
async fn another_password_by_a_link_is_as_good() {
    for by_mail in [true, false] {
        let (world, postbox, person, _) = suspended().await;
        assert!(marked_at(&world, &person).await.is_some());
        let (reset, secret_hash) =
            if by_mail { mailed(&world, &postbox, &person).await } else { printed(&world, &person).await };
        let new_hash = Some(hash_of(&world.services, ANOTHER).await);
        let set = ResetPassword { reset, secret_hash, new_hash };
        let outcome = world.services.accounts.ask(person.user, &world.attempt(), set, soon()).await.expect("answers");
        assert_eq!(outcome, ResetPasswordOutcome::Done);
        assert_eq!(marked_at(&world, &person).await, None, "by mail: {by_mail}");
    }
}

/// A link by mail.
async fn mailed(world: &World, postbox: &Postbox, person: &Person) -> (ResetId, String) {
    let (accounts, taken) = (&world.services.accounts, postbox.taken());
    assert!(accounts.ask(person.user, &world.attempt(), MailReset { device: None }, soon()).await.expect("answers"));
    let letter = postbox.letter(taken + 1).await;
    let Content::PasswordReset { token } = &letter.content else { panic!("{letter:?}") };
    let link = world.services.tokens.locators().open_reset(token.expose()).expect("opens");
    (link.reset, link.secret_hash)
}

/// A link that an operator hands over.
async fn printed(world: &World, person: &Person) -> (ResetId, String) {
    let attempt = world.attempt();
    let issued = world.services.accounts.ask(person.user, &attempt, IssueReset, soon()).await;
    let Ok(IssueResetOutcome::Issued { reset, .. }) = issued else { panic!("{issued:?}") };
    (reset, sha256_b64(&IssueReset::secret(&attempt.seed)))
}
