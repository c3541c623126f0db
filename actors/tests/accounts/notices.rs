//! Whatever changes a factor, the password or an address is told to every address that the account had confirmed before it.

use std::{sync::Arc, time::Duration};

use actors::{
    domain::{
        command::{
            ChangePasswordOutcome, ConfirmOutcome, IssueReset, IssueResetOutcome, RemoveAddress, RemoveOutcome,
            RemovePasskey, RemoveTotp, ReplaceBackupCodes, ReplaceBackupCodesOutcome, ResetMfa, ResetPassword,
            ResetPasswordOutcome,
        },
        letter::Notice,
    },
    secret::sha256_b64,
    testing::Traits,
};
use schema::{FactorId, record::Channel};

use crate::{
    addresses::{begun, confirm, enrol, world},
    passkeys,
    postbox::Postbox,
    support::{PASSWORD, Person, World, person::hash_of, soon},
};

const FIRST: &str = "ada@example.org";
const SECOND: &str = "ada@work.example";
const THIRD: &str = "ada@home.example";
const NUMBER: &str = "+4915112345678";
const OTHER_NUMBER: &str = "+4915187654321";
const ANOTHER: &str = "seventeen green teapots dancing";

/// Is this told to both addresses, and to no other?
async fn told(postbox: &Postbox, notice: Notice) {
    postbox.until(|postbox| postbox.told(notice).len() >= 2).await;
    assert_eq!(postbox.told(notice), [FIRST, SECOND], "{notice:?}");
}

/// Somebody with two confirmed addresses, the second of which only gets codes.
async fn registered(world: &World, postbox: &Postbox) -> Person {
    let mut person = world.register("ada").await;
    enrol(world, postbox, &mut person, (FIRST, 1)).await;
    enrol(world, postbox, &mut person, (SECOND, 2)).await;
    person
}

#[tokio::test]
async fn authenticator_apps_and_backup_codes() {
    let (world, postbox) = world().await;
    let mut person = registered(&world, &postbox).await;
    let app = world.enrol(&mut person).await;
    told(&postbox, Notice::AuthenticatorAdded).await;
    let attempt = world.attempt();
    let backup = world.services.hashes.backup_codes(&attempt.seed, soon()).await.expect("hashes");
    let replace = ReplaceBackupCodes { session: person.session.clone(), backup };
    let outcome = world.services.accounts.ask(person.user, &attempt, replace, soon()).await.expect("answers");
    assert_eq!(outcome, ReplaceBackupCodesOutcome::Replaced);
    told(&postbox, Notice::BackupCodesReplaced).await;
    let code = actors::domain::factor::backup_code::draw(&attempt.seed)[0].expose().to_owned();
    world.type_backup_code(&person, &world.first_proof(&person).await, &code).await;
    told(&postbox, Notice::BackupCodeUsed).await;
    let remove = RemoveTotp { session: person.session.clone(), factor: app.factor };
    let outcome = world.services.accounts.ask(person.user, &world.attempt(), remove, soon()).await.expect("answers");
    assert_eq!(outcome, RemoveOutcome::Removed);
    told(&postbox, Notice::AuthenticatorRemoved).await;
}

#[tokio::test]
async fn phones_and_passkeys() {
    let (world, postbox) = world().await;
    let mut person = registered(&world, &postbox).await;
    let phone = begun(&world, &person, NUMBER).await;
    let code = postbox.code(3).await;
    let outcome = confirm(&world, &mut person, (Channel::Sms, phone), code).await;
    assert!(matches!(outcome, ConfirmOutcome::Activated { .. }), "{outcome:?}");
    told(&postbox, Notice::SmsCodesOn).await;
    let (passkey, _) = passkeys::enrol(&world, &mut person, Traits::SYNCED).await;
    told(&postbox, Notice::PasskeyAdded).await;
    let remove = RemovePasskey { session: person.session.clone(), factor: passkey };
    let outcome = world.services.accounts.ask(person.user, &world.attempt(), remove, soon()).await.expect("answers");
    assert_eq!(outcome, RemoveOutcome::Removed);
    told(&postbox, Notice::PasskeyRemoved).await;
    let remove = RemoveAddress { session: person.session.clone(), channel: Channel::Sms, factor: phone };
    let outcome = world.services.accounts.ask(person.user, &world.attempt(), remove, soon()).await.expect("answers");
    assert_eq!(outcome, RemoveOutcome::Removed);
    told(&postbox, Notice::SmsCodesOff).await;
}

/// Who takes an address away does not keep it from whoever reads there, and a new one is not told of itself.
#[tokio::test]
async fn addresses_old_ones_included() {
    let (world, postbox) = world().await;
    let mut person = registered(&world, &postbox).await;
    postbox.until(|postbox| !postbox.told(Notice::EmailCodesOn).is_empty()).await;
    assert_eq!(postbox.told(Notice::EmailCodesOn), [FIRST], "of the second");
    let third = enrol(&world, &postbox, &mut person, (THIRD, 3)).await;
    postbox.until(|postbox| postbox.told(Notice::EmailCodesOn).len() == 3).await;
    assert_eq!(postbox.told(Notice::EmailCodesOn), [FIRST, FIRST, SECOND]);
    let remove = RemoveAddress { session: person.session.clone(), channel: Channel::Email, factor: third };
    let outcome = world.services.accounts.ask(person.user, &world.attempt(), remove, soon()).await.expect("answers");
    assert_eq!(outcome, RemoveOutcome::Removed);
    postbox.until(|postbox| postbox.told(Notice::EmailCodesOff).len() == 3).await;
    assert_eq!(postbox.told(Notice::EmailCodesOff), [FIRST, THIRD, SECOND], "in the order of the alphabet");
}

#[tokio::test]
async fn the_password_however_it_is_set() {
    let (world, postbox) = world().await;
    let person = registered(&world, &postbox).await;
    let (changed, _) = world.change_password(&person, PASSWORD, ANOTHER).await;
    assert!(matches!(changed, ChangePasswordOutcome::Changed(_)), "{changed:?}");
    told(&postbox, Notice::PasswordChanged).await;
    let attempt = world.attempt();
    let issued = world.services.accounts.ask(person.user, &attempt, IssueReset, soon()).await.expect("answers");
    let IssueResetOutcome::Issued { reset, .. } = issued else { panic!("{issued:?}") };
    let hash = hash_of(&world.services, PASSWORD).await;
    let secret_hash = sha256_b64(&IssueReset::secret(&attempt.seed));
    let set = ResetPassword { reset, secret_hash, new_hash: Some(hash) };
    let outcome = world.services.accounts.ask(person.user, &world.attempt(), set, soon()).await.expect("answers");
    assert_eq!(outcome, ResetPasswordOutcome::Done);
    told(&postbox, Notice::PasswordReset).await;
}

#[tokio::test]
async fn factors_that_an_operator_resets() {
    let (world, postbox) = world().await;
    let person = registered(&world, &postbox).await;
    world.pass(Duration::from_secs(1));
    let reset = world.services.accounts.ask(person.user, &world.attempt(), ResetMfa, soon()).await.expect("answers");
    assert_eq!(reset, 2);
    told(&postbox, Notice::SecondFactorsReset).await;
}

/// Somebody with two phones and no confirmed address.
async fn with_phones(world: &World, postbox: &Postbox) -> (Person, FactorId) {
    let mut person = world.register("ada").await;
    enrol(world, postbox, &mut person, (NUMBER, 1)).await;
    let second = enrol(world, postbox, &mut person, (OTHER_NUMBER, 2)).await;
    (person, second)
}

#[tokio::test]
async fn who_has_phones_and_no_confirmed_address_is_told_by_text_message() {
    let (world, postbox) = world().await;
    let (mut person, second) = with_phones(&world, &postbox).await;
    postbox.until(|postbox| !postbox.told(Notice::SmsCodesOn).is_empty()).await;
    assert_eq!(postbox.told(Notice::SmsCodesOn), [NUMBER], "of the second, and not to itself");
    world.enrol(&mut person).await;
    postbox.until(|postbox| postbox.told(Notice::AuthenticatorAdded).len() == 2).await;
    assert_eq!(postbox.told(Notice::AuthenticatorAdded), [NUMBER, OTHER_NUMBER]);
    let remove = RemoveAddress { session: person.session.clone(), channel: Channel::Sms, factor: second };
    let outcome = world.services.accounts.ask(person.user, &world.attempt(), remove, soon()).await.expect("answers");
    assert_eq!(outcome, RemoveOutcome::Removed);
    postbox.until(|postbox| postbox.told(Notice::SmsCodesOff).len() == 2).await;
    assert_eq!(postbox.told(Notice::SmsCodesOff), [NUMBER, OTHER_NUMBER], "also to the one that is removed");
    // With an address it is told there.
    enrol(&world, &postbox, &mut person, (FIRST, 3)).await;
    let (changed, _) = world.change_password(&person, PASSWORD, ANOTHER).await;
    assert!(matches!(changed, ChangePasswordOutcome::Changed(_)), "{changed:?}");
    postbox.until(|postbox| !postbox.told(Notice::PasswordChanged).is_empty()).await;
    assert_eq!(postbox.told(Notice::PasswordChanged), [FIRST]);
}

/// Who has a session must not have messages sent without end.
#[tokio::test]
async fn notices_by_text_message_are_counted() {
    let (world, postbox) = world().await;
    let mut person = world.register("ada").await;
    enrol(&world, &postbox, &mut person, (NUMBER, 1)).await;
    let mut replaced = 0;
    while replaced < 7 {
        let attempt = world.attempt();
        let backup = world.services.hashes.backup_codes(&attempt.seed, soon()).await.expect("hashes");
        let replace = ReplaceBackupCodes { session: person.session.clone(), backup };
        let outcome = world.services.accounts.ask(person.user, &attempt, replace, soon()).await.expect("answers");
        assert_eq!(outcome, ReplaceBackupCodesOutcome::Replaced);
        replaced += 1;
    }
    while world.services.notifier.owed() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(postbox.told(Notice::BackupCodesReplaced).len(), 5);
    assert_eq!(world.told("message.sent").await, 6, "the code, and five notices");
}

#[tokio::test]
async fn notices_by_text_message_are_paid_out_of_the_budget() {
    let postbox = Postbox::new();
    let carrier = Arc::clone(&postbox);
    let world = World::with(move |options| {
        options.carriers.push(carrier);
        options.sms.price = 1000;
        options.sms.budget_per_day = 1500;
        options.sms.country_share = 100;
    })
    .await;
    let mut person = world.register("ada").await;
    // What asks for a code pays for it at the edge, which is not here.
    enrol(&world, &postbox, &mut person, (NUMBER, 1)).await;
    world.enrol(&mut person).await;
    postbox.until(|postbox| postbox.told(Notice::AuthenticatorAdded).len() == 1).await;
    let (changed, _) = world.change_password(&person, PASSWORD, ANOTHER).await;
    assert!(matches!(changed, ChangePasswordOutcome::Changed(_)), "{changed:?}");
    while world.services.notifier.owed() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(postbox.notices(), [Notice::AuthenticatorAdded]);
    assert_eq!((world.told("message.refused").await, world.told("message.failed").await), (1, 1));
}

/// The address that was typed at registration was never proved, and another one was.
#[tokio::test]
async fn who_confirmed_another_address_than_that_of_the_account_is_told_there() {
    let (world, postbox) = world().await;
    let attempt = world.attempt();
    let browser = schema::BrowserId::from_bytes([5; 16]);
    let new = actors::registration::NewAccount {
        email: "typed@example.net".to_owned(),
        ..crate::support::new_account("ada", browser)
    };
    let (user, signed_in) = world.services.registration.register(&attempt, new, soon()).await.expect("registers");
    let session = crate::support::session_ref(&attempt, &signed_in);
    let mut person = Person { user, name: "ada".to_owned(), browser, session, device: signed_in.device };
    enrol(&world, &postbox, &mut person, (FIRST, 1)).await;
    world.enrol(&mut person).await;
    postbox.until(|postbox| !postbox.told(Notice::AuthenticatorAdded).is_empty()).await;
    assert_eq!(postbox.told(Notice::AuthenticatorAdded), [FIRST]);
}
