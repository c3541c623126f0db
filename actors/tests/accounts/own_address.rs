//! The account's own address: what proves it, what changes it, and who is told.

use std::time::Duration;

use actors::{
    domain::{
        command::{
            BeginOwnAddress, BeginOwnAddressOutcome, ConfirmOwnAddressOutcome, MailReset, Overview, OverviewOutcome,
            ResetPassword, ResetPasswordOutcome, SignInOutcome,
        },
        email,
        factor::totp::Code,
        letter::{Content, Letter, Notice},
        limits::FRESH_PROOF,
    },
    locator::Locators,
    secret::Secret,
};
use schema::{BrowserId, UserId};

use crate::{
    addresses::{enrol, other, world},
    postbox::Postbox,
    support::{PASSWORD, Person, World, new_account, random, session_ref, soon},
};

const TYPED: &str = "ada@example.org";
const NEW: &str = "ada@work.example";

/// Somebody who typed an address at registration.
async fn registered(world: &World, name: &str, typed: &str) -> Person {
    let (attempt, browser) = (world.attempt(), BrowserId::from_bytes(random(world)));
    let new = actors::registration::NewAccount { email: typed.to_owned(), ..new_account(name, browser) };
    let (user, signed_in) = world.services.registration.register(&attempt, new, soon()).await.expect("registers");
    let session = session_ref(&attempt, &signed_in);
    Person { user, name: name.to_owned(), browser, session, device: signed_in.device }
}

/// Somebody who registered under an address; the link is letter number `n`.
async fn under_address(world: &World, postbox: &Postbox, (address, n): (&str, usize)) -> Person {
    let identifier = email::identifier(address).expect("an address");
    let registration = &world.services.registration;
    registration.begin_by_email(&world.attempt(), identifier, None, soon()).await.expect("answers");
    let Content::Registration { token } = postbox.letter(n).await.content else { panic!("no link") };
    let locators = Locators { vault: &world.services.vault, entropy: world.services.entropy.as_ref() };
    let link = locators.open_registration(token.0.expose()).expect("opens");
    let good = registration.look_at(&world.attempt(), link, soon()).await.expect("answers").expect("a good link");
    let (attempt, browser) = (world.attempt(), BrowserId::from_bytes(random(world)));
    let password = Secret::new(PASSWORD.to_owned());
    let signed_in = registration.complete_by_email(&attempt, &good, (&password, browser), soon()).await;
    let signed_in = signed_in.expect("registers");
    let session = session_ref(&attempt, &signed_in);
    Person { user: good.user(), name: address.to_owned(), browser, session, device: signed_in.device }
}

async fn begin(world: &World, person: &Person, address: &str) -> BeginOwnAddressOutcome {
    let command = BeginOwnAddress { session: person.session.clone(), address: address.to_owned() };
    world.services.accounts.ask(person.user, &world.attempt(), command, soon()).await.expect("answers")
}

async fn confirm(world: &World, person: &Person, code: Code) -> ConfirmOwnAddressOutcome {
    let (attempt, given) = (world.attempt(), (person.session.clone(), code));
    let confirmed = world.services.registration.confirm_own_address(&attempt, person.user, given, soon());
    confirmed.await.expect("answers")
}

async fn overview(world: &World, person: &Person) -> OverviewOutcome {
    let asked = world.services.accounts.ask(person.user, &world.attempt(), Overview, soon()).await;
    asked.expect("answers").expect("an account")
}

async fn forgets(world: &World, user: UserId) -> bool {
    let command = MailReset { device: None };
    world.services.accounts.ask(user, &world.attempt(), command, soon()).await.expect("answers")
}

async fn holder(world: &World, name: &str) -> Option<UserId> {
    world.services.sign_in.holder(name).await.expect("the store works")
}

#[tokio::test]
async fn the_address_that_was_typed_at_registration_is_proved_by_a_code_and_is_no_factor() {
    let (world, postbox) = world().await;
    let person = registered(&world, "ada", TYPED).await;
    assert!(!forgets(&world, person.user).await, "it is not proved");
    // It takes no fresh proofs: it stays what it is.
    world.pass(FRESH_PROOF);
    assert_eq!(begin(&world, &person, TYPED).await, BeginOwnAddressOutcome::Begun);
    let Letter { to, content, .. } = postbox.letter(1).await;
    let Content::AddressCode { code } = content else { panic!("{content:?}") };
    assert_eq!(to, TYPED);
    assert!(matches!(begin(&world, &person, TYPED).await, BeginOwnAddressOutcome::Wait { .. }), "a minute between two");
    assert_eq!(confirm(&world, &person, other(&code)).await, ConfirmOwnAddressOutcome::Wrong);
    assert!(!overview(&world, &person).await.email_verified);
    assert_eq!(confirm(&world, &person, code.clone()).await, ConfirmOwnAddressOutcome::Confirmed);
    assert_eq!(confirm(&world, &person, code).await, ConfirmOwnAddressOutcome::Ended, "once");
    let seen = overview(&world, &person).await;
    assert_eq!((seen.email.as_deref(), seen.email_verified, seen.emails.len()), (Some(TYPED), true, 0));
    assert_eq!(begin(&world, &person, TYPED).await, BeginOwnAddressOutcome::Known);
    assert_eq!((world.told("address.confirmed").await, world.told("address.confirmation_failed").await), (1, 1));
    assert!(forgets(&world, person.user).await);
    assert_eq!(postbox.letter(2).await.to, TYPED);
}

#[tokio::test]
async fn another_address_counts_once_it_is_proved_and_the_one_before_is_told_and_leads_nowhere() {
    let (world, postbox) = world().await;
    let person = registered(&world, "ada", TYPED).await;
    begin(&world, &person, TYPED).await;
    confirm(&world, &person, postbox.code(1).await).await;
    assert!(forgets(&world, person.user).await);
    let Content::PasswordReset { token } = postbox.letter(2).await.content else { panic!("no link") };
    assert_eq!(begin(&world, &person, NEW).await, BeginOwnAddressOutcome::Begun);
    let code = postbox.code(3).await;
    assert_eq!(postbox.letter(3).await.to, NEW);
    assert_eq!(overview(&world, &person).await.email.as_deref(), Some(TYPED), "not yet");
    assert_eq!(confirm(&world, &person, code).await, ConfirmOwnAddressOutcome::Confirmed);
    let seen = overview(&world, &person).await;
    assert_eq!((seen.user_name.as_str(), seen.email.as_deref(), seen.email_verified), ("ada", Some(NEW), true));
    postbox.until(|postbox| !postbox.told(Notice::AddressChanged).is_empty()).await;
    assert_eq!(postbox.told(Notice::AddressChanged), [TYPED]);
    let link = world.services.tokens.locators().open_reset(token.expose()).expect("opens");
    let follow = ResetPassword { reset: link.reset, secret_hash: link.secret_hash, new_hash: None };
    let followed = world.services.accounts.ask(person.user, &world.attempt(), follow, soon()).await.expect("answers");
    assert_eq!(followed, ResetPasswordOutcome::Ended, "the link went to the old address");
}

/// Where links for a forgotten password go is worth as much as the password.
#[tokio::test]
async fn another_address_takes_fresh_proofs_twice_and_the_session_that_asked() {
    let (world, postbox) = world().await;
    let person = registered(&world, "ada", TYPED).await;
    let elsewhere = world.sign_in(&person, None).await;
    assert_eq!(begin(&world, &person, NEW).await, BeginOwnAddressOutcome::Begun);
    let code = postbox.code(1).await;
    assert_eq!(confirm(&world, &elsewhere, code.clone()).await, ConfirmOwnAddressOutcome::Ended);
    world.pass(FRESH_PROOF);
    // What another session awaits gives way to nobody without fresh proofs.
    assert_eq!(begin(&world, &elsewhere, TYPED).await, BeginOwnAddressOutcome::NotFresh);
    assert_eq!(begin(&world, &person, "eve@example.net").await, BeginOwnAddressOutcome::NotFresh);
    assert_eq!(confirm(&world, &person, code).await, ConfirmOwnAddressOutcome::NotFresh);
    assert_eq!(overview(&world, &person).await.email.as_deref(), Some(TYPED));
}

#[tokio::test]
async fn wrong_codes_close_it_with_the_codes_that_activate_addresses() {
    let (world, postbox) = world().await;
    let person = registered(&world, "ada", TYPED).await;
    begin(&world, &person, TYPED).await;
    let code = postbox.code(1).await;
    for _ in 0..5 {
        assert_eq!(confirm(&world, &person, other(&code)).await, ConfirmOwnAddressOutcome::Wrong);
    }
    let closed = confirm(&world, &person, code.clone()).await;
    assert!(matches!(closed, ConfirmOwnAddressOutcome::Throttled { .. }), "{closed:?}");
    world.pass(Duration::from_mins(1));
    assert_eq!(confirm(&world, &person, code).await, ConfirmOwnAddressOutcome::Confirmed);
}

#[tokio::test]
async fn who_registered_under_an_address_signs_in_with_the_new_one_and_the_old_one_is_free() {
    let (world, postbox) = world().await;
    let person = under_address(&world, &postbox, (TYPED, 1)).await;
    assert_eq!(begin(&world, &person, NEW).await, BeginOwnAddressOutcome::Begun);
    let code = postbox.code(2).await;
    assert_eq!(confirm(&world, &person, other(&code)).await, ConfirmOwnAddressOutcome::Wrong);
    assert_eq!((holder(&world, TYPED).await, holder(&world, NEW).await), (Some(person.user), None), "nothing is held");
    assert_eq!(confirm(&world, &person, code).await, ConfirmOwnAddressOutcome::Confirmed);
    assert_eq!((holder(&world, TYPED).await, holder(&world, NEW).await), (None, Some(person.user)));
    assert!(matches!(world.guess(NEW, PASSWORD).await, SignInOutcome::SignedIn(_)));
    assert!(matches!(world.guess(TYPED, PASSWORD).await, SignInOutcome::Wrong));
    assert_eq!(overview(&world, &person).await.user_name, NEW);
    // Another spelling of it is the same name.
    begin(&world, &person, "Ada@work.example").await;
    assert_eq!(confirm(&world, &person, postbox.code(3).await).await, ConfirmOwnAddressOutcome::Confirmed);
    assert_eq!(holder(&world, NEW).await, Some(person.user));
    assert_eq!(overview(&world, &person).await.user_name, "Ada@work.example");
    let another = under_address(&world, &postbox, (TYPED, 4)).await;
    assert_ne!(another.user, person.user);
}

/// Who has typed the code reads its mail, and nobody else learns of it.
#[tokio::test]
async fn an_address_that_has_an_account_is_no_other_accounts_name() {
    let (world, postbox) = world().await;
    let other_person = under_address(&world, &postbox, (NEW, 1)).await;
    let person = under_address(&world, &postbox, (TYPED, 2)).await;
    assert_eq!(begin(&world, &person, NEW).await, BeginOwnAddressOutcome::Begun, "nothing tells");
    let code = postbox.code(3).await;
    assert_eq!(confirm(&world, &person, other(&code)).await, ConfirmOwnAddressOutcome::Wrong);
    assert_eq!(confirm(&world, &person, code).await, ConfirmOwnAddressOutcome::Taken);
    assert_eq!((holder(&world, TYPED).await, holder(&world, NEW).await), (Some(person.user), Some(other_person.user)));
    assert_eq!(overview(&world, &person).await.email.as_deref(), Some(TYPED));
    // Beside a user name it is told to applications, and no name.
    let named = registered(&world, "grace", "grace@example.net").await;
    world.pass(Duration::from_mins(1));
    begin(&world, &named, NEW).await;
    assert_eq!(confirm(&world, &named, postbox.code(4).await).await, ConfirmOwnAddressOutcome::Confirmed);
    assert_eq!(holder(&world, NEW).await, Some(other_person.user));
}

/// Whatever is confirmed already is told, whoever has come to the session.
#[tokio::test]
async fn a_proof_is_told_to_the_addresses_that_were_confirmed_before() {
    let (world, postbox) = world().await;
    let mut person = registered(&world, "ada", TYPED).await;
    enrol(&world, &postbox, &mut person, (NEW, 1)).await;
    begin(&world, &person, TYPED).await;
    confirm(&world, &person, postbox.code(2).await).await;
    postbox.until(|postbox| !postbox.told(Notice::AddressConfirmed).is_empty()).await;
    assert_eq!(postbox.told(Notice::AddressConfirmed), [NEW]);
    let codes = overview(&world, &person).await.emails.into_iter().map(|address| address.address);
    assert_eq!(codes.collect::<Vec<_>>(), [NEW]);
}
