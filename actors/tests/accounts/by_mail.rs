//! A password that a mailed link has set, and codes by e-mail: one mailbox does not pass two steps.

use actors::domain::{
    assurance::Acr,
    command::{
        LoginRef, MailReset, ResetPassword, ResetPasswordOutcome, SendOutcome, SignInOutcome, VerifySentCode,
        VerifySentCodeOutcome, Ways,
    },
    letter::Content,
    policy::{AT_ONCE, Asks},
    trusted_device::Trust,
};
use schema::record::{Channel, Policy, PolicyMethod, PolicyMode, PolicyScope};

use crate::{
    addresses::{enrol, send, signed_in, verify, world},
    email::{self, ADDRESS},
    postbox::Postbox,
    support::{Person, World, person::hash_of, session_ref, soon},
};

const ANOTHER: &str = "seventeen green teapots dancing";
const BY_APP: Ways =
    Ways { totp: true, email: false, sms: false, passkey: false, backup_code: true, recovery: false, suspended: false };

/// Sets another password by a link that is mailed, as letter number `n`.
async fn reset_by_mail(world: &World, postbox: &Postbox, (person, n): (&Person, usize)) {
    let accounts = &world.services.accounts;
    assert!(accounts.ask(person.user, &world.attempt(), MailReset { device: None }, soon()).await.expect("answers"));
    let letter = postbox.letter(n).await;
    let Content::PasswordReset { token } = &letter.content else { panic!("{letter:?}") };
    let link = world.services.tokens.locators().open_reset(token.expose()).expect("opens");
    let new_hash = Some(hash_of(&world.services, ANOTHER).await);
    let set = ResetPassword { reset: link.reset, secret_hash: link.secret_hash, new_hash };
    let outcome = accounts.ask(person.user, &world.attempt(), set, soon()).await.expect("answers");
    assert_eq!(outcome, ResetPasswordOutcome::Done);
}

/// The new password is typed; how the login goes on.
async fn typed(world: &World, login: &LoginRef) -> Ways {
    match world.type_password("ada", ANOTHER, login, None).await.expect("answers") {
        (SignInOutcome::SecondFactor { ways, .. }, _) => ways,
        (other, _) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn who_reads_the_mail_does_not_get_past_an_app() {
    let (world, postbox) = world().await;
    let (mut person, app) = world.register_with_totp("ada").await;
    enrol(&world, &postbox, &mut person, (ADDRESS, 1)).await;
    reset_by_mail(&world, &postbox, (&person, 2)).await;
    let login = world.login();
    assert_eq!(typed(&world, &login).await, BY_APP);
    assert!(matches!(send(&world, &person, (Channel::Email, &login)).await, SendOutcome::Ended));
    world.pass(std::time::Duration::from_secs(30));
    let outcome = world.type_totp(&person, &login, app.code(world.now())).await;
    assert!(matches!(outcome, SignInOutcome::SignedIn(_)), "{outcome:?}");
    // After two factors the password is its owner's, whatever link has set it.
    let login = world.login();
    assert_eq!(typed(&world, &login).await, Ways { email: true, ..BY_APP });
    assert!(matches!(send(&world, &person, (Channel::Email, &login)).await, SendOutcome::Sent));
}

#[tokio::test]
async fn a_code_that_is_on_its_way_when_an_app_is_added_leads_to_the_app() {
    let (world, postbox) = world().await;
    let (person, _) = email::registered(&world, &postbox).await;
    reset_by_mail(&world, &postbox, (&person, 2)).await;
    let (early, login) = (world.login(), world.login());
    for login in [&early, &login] {
        assert_eq!(typed(&world, login).await, Ways { email: true, totp: false, ..BY_APP });
        assert!(matches!(send(&world, &person, (Channel::Email, login)).await, SendOutcome::Sent));
    }
    let attempt = world.attempt();
    let command = VerifySentCode { login: early.clone(), code: postbox.code(3).await };
    let outcome = world.services.accounts.ask(person.user, &attempt, command, soon()).await.expect("answers");
    let VerifySentCodeOutcome::Judged(SignInOutcome::SignedIn(done)) = outcome else { panic!("{outcome:?}") };
    let session = session_ref(&attempt, &done);
    let mut person = Person { session, device: done.device, browser: early.browser, ..person };
    let app = world.enrol(&mut person).await;
    let outcome = verify(&world, &person, &login, postbox.code(4).await).await;
    let led = matches!(
        outcome,
        VerifySentCodeOutcome::Judged(SignInOutcome::SecondFactor { ways, .. }) if ways == BY_APP
    );
    assert!(led, "{outcome:?}");
    world.pass(std::time::Duration::from_secs(30));
    let outcome = world.type_totp(&person, &login, app.code(world.now())).await;
    assert!(matches!(outcome, SignInOutcome::SignedIn(_)), "{outcome:?}");
}

#[tokio::test]
async fn where_mail_is_all_that_there_is_it_counts_but_gives_no_trust() {
    let (world, postbox) = world().await;
    let (person, _) = email::registered(&world, &postbox).await;
    reset_by_mail(&world, &postbox, (&person, 2)).await;
    let login = LoginRef { trust: Trust::Wanted, ..world.login() };
    assert_eq!(typed(&world, &login).await, Ways { email: true, totp: false, ..BY_APP });
    assert!(matches!(send(&world, &person, (Channel::Email, &login)).await, SendOutcome::Sent));
    let outcome = verify(&world, &person, &login, postbox.code(3).await).await;
    let VerifySentCodeOutcome::Judged(SignInOutcome::SignedIn(done)) = outcome else { panic!("{outcome:?}") };
    assert_eq!(done.trusted, None);
}

/// It is asked for after another device, and not in its place.
#[tokio::test]
async fn a_policy_that_asks_for_mail_gets_it_after_two_factors() {
    let (world, postbox) = world().await;
    let (mut person, app) = world.register_with_totp("ada").await;
    enrol(&world, &postbox, &mut person, (ADDRESS, 1)).await;
    reset_by_mail(&world, &postbox, (&person, 2)).await;
    let required = PolicyMode::Required { from: AT_ONCE };
    let policy = Policy::new(PolicyScope::Everybody, required, Acr::TwoStep.as_str(), AT_ONCE);
    let policies = vec![Policy { any_of: [PolicyMethod::Email].into(), ..policy }];
    let login = LoginRef { asks: Asks { policies, ..Asks::default() }, ..world.login() };
    assert_eq!(typed(&world, &login).await, BY_APP);
    world.pass(std::time::Duration::from_secs(30));
    let outcome = world.type_totp(&person, &login, app.code(world.now())).await;
    let by_mail = matches!(outcome, SignInOutcome::SecondFactor { ways, .. } if ways.email && !ways.totp);
    assert!(by_mail, "{outcome:?}");
    assert!(matches!(send(&world, &person, (Channel::Email, &login)).await, SendOutcome::Sent));
    let outcome = verify(&world, &person, &login, postbox.code(3).await).await;
    assert!(signed_in(&outcome), "{outcome:?}");
}
