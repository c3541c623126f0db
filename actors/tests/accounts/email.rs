//! Codes by e-mail: enrolment, sign-in, resending, throttles, removal.

use std::time::Duration;

use actors::domain::{
    assurance::Acr,
    command::{
        BeginAddressOutcome, CheckSession, Closed, ConfirmAddress, ConfirmOutcome, LoginRef, Overview, RemoveAddress,
        RemoveOutcome, RemoveTotp, ResendCode, SendOutcome, ShowAddress, ShowLoginCode, SignInOutcome, VerifySentCode,
        VerifySentCodeOutcome, Ways,
    },
    factor::totp,
    letter::Notice,
};
use schema::{
    FactorId,
    record::{Channel, FactorState},
};

use crate::{
    addresses::{
        WRONG, a_hundred_failures, begin, begun, confirm, enrol, other, send, shown, signed_in, verify, world,
    },
    postbox::Postbox,
    support::{PASSWORD, Person, World, session_ref, soon},
};

pub(crate) const ADDRESS: &str = "ada@example.org";

pub(crate) async fn registered(world: &World, postbox: &Postbox) -> (Person, FactorId) {
    let mut person = world.register("ada").await;
    let factor = enrol(world, postbox, &mut person, (ADDRESS, 1)).await;
    (person, factor)
}

#[tokio::test]
async fn an_address_is_activated_by_the_code_that_was_sent_to_it_and_is_then_proved() {
    let (world, postbox) = world().await;
    let mut person = world.register("ada").await;
    let factor = begun(&world, &person, ADDRESS).await;
    let letter = postbox.letter(1).await;
    assert_eq!((letter.to.as_str(), letter.user_name.as_str()), (ADDRESS, "ada"));
    let code = postbox.code(1).await;
    let wrong = confirm(&world, &mut person, (Channel::Email, factor), other(&code)).await;
    assert!(matches!(wrong, ConfirmOutcome::Wrong), "{wrong:?}");
    let outcome = confirm(&world, &mut person, (Channel::Email, factor), code.clone()).await;
    assert!(matches!(outcome, ConfirmOutcome::Activated { backup_taken: true, .. }), "{outcome:?}");
    let again = confirm(&world, &mut person, (Channel::Email, factor), code).await;
    assert!(matches!(again, ConfirmOutcome::AlreadyActivated), "{again:?}");

    let overview = world.services.accounts.ask(person.user, &world.attempt(), Overview, soon()).await;
    let overview = overview.expect("answers").expect("an account");
    assert_eq!((overview.email.as_deref(), overview.email_verified), (Some(ADDRESS), true));
    assert!(matches!(overview.emails[0].state, FactorState::Activated { .. }), "{:?}", overview.emails);
    assert_eq!(overview.backup_codes_left, 10);
}

#[tokio::test]
async fn a_code_by_mail_is_a_second_step_and_never_two_factors() {
    let (world, postbox) = world().await;
    let (person, _) = registered(&world, &postbox).await;
    let login = world.login();
    let (outcome, _) = world.type_password("ada", PASSWORD, &login, None).await.expect("answers");
    let by_mail = Ways { email: true, backup_code: true, ..Ways::default() };
    assert!(matches!(outcome, SignInOutcome::SecondFactor { ways, .. } if ways == by_mail), "{outcome:?}");
    assert!(matches!(send(&world, &person, (Channel::Email, &login)).await, SendOutcome::Sent));
    let (attempt, code) = (world.attempt(), postbox.code(2).await);
    let command = VerifySentCode { login: login.clone(), code };
    let outcome = world.services.accounts.ask(person.user, &attempt, command, soon()).await.expect("answers");
    let VerifySentCodeOutcome::Judged(SignInOutcome::SignedIn(signed_in)) = outcome else { panic!("{outcome:?}") };
    let check = CheckSession { session: session_ref(&attempt, &signed_in) };
    let view = world.services.accounts.ask(person.user, &world.attempt(), check, soon()).await;
    let view = view.expect("answers").expect("a session");
    assert_eq!((view.assurance.acr, view.fresh, view.without_app), (Acr::TwoStep, true, true));
    assert_eq!(view.assurance.amr, ["email", "otp", "pwd"]);
}

#[tokio::test]
async fn a_code_is_good_once_and_for_the_login_that_it_was_sent_for() {
    let (world, postbox) = world().await;
    let (person, _) = registered(&world, &postbox).await;
    let (one, two) = (world.first_proof(&person).await, world.first_proof(&person).await);
    assert!(matches!(send(&world, &person, (Channel::Email, &one)).await, SendOutcome::Sent));
    assert!(matches!(send(&world, &person, (Channel::Email, &two)).await, SendOutcome::Sent));
    let (for_one, for_two) = (postbox.code(2).await, postbox.code(3).await);
    assert_eq!(verify(&world, &person, &two, for_one.clone()).await, WRONG);
    assert!(signed_in(&verify(&world, &person, &one, for_one.clone()).await));
    let again = verify(&world, &person, &one, for_one).await;
    assert_eq!(again, VerifySentCodeOutcome::Judged(SignInOutcome::LoginEnded));
    assert!(signed_in(&verify(&world, &person, &two, for_two).await));
}

#[tokio::test]
async fn a_new_code_replaces_the_one_before_and_comes_a_minute_later_at_the_earliest() {
    let (world, postbox) = world().await;
    let (person, _) = registered(&world, &postbox).await;
    let login = world.first_proof(&person).await;
    assert!(matches!(send(&world, &person, (Channel::Email, &login)).await, SendOutcome::Sent));
    let first = postbox.code(2).await;
    let early = send(&world, &person, (Channel::Email, &login)).await;
    assert!(matches!(early, SendOutcome::Wait { until } if until == world.now().after(Duration::from_mins(1))));
    world.pass(Duration::from_mins(1));
    assert!(matches!(send(&world, &person, (Channel::Email, &login)).await, SendOutcome::Sent));
    let second = postbox.code(3).await;
    assert_ne!(String::from(first.clone()), String::from(second.clone()));
    assert_eq!(verify(&world, &person, &login, first).await, WRONG);
    assert!(signed_in(&verify(&world, &person, &login, second).await));
}

#[tokio::test]
async fn a_code_is_good_for_ten_minutes_and_a_guess_at_none_is_not_counted() {
    let (world, postbox) = world().await;
    let (person, factor) = registered(&world, &postbox).await;
    let login = world.first_proof(&person).await;
    let guess = totp::parse_code("123456").expect("six digits");
    assert_eq!(verify(&world, &person, &login, guess).await, VerifySentCodeOutcome::NoCode);
    assert!(matches!(send(&world, &person, (Channel::Email, &login)).await, SendOutcome::Sent));
    let code = postbox.code(2).await;
    world.pass(Duration::from_mins(10));
    assert_eq!(verify(&world, &person, &login, code).await, VerifySentCodeOutcome::NoCode);
    assert!(!world.items(person.user).await.contains(&format!("throttle/email/{factor}")));
}

#[tokio::test]
async fn five_wrong_codes_close_the_address_and_a_new_code_is_no_fresh_set_of_guesses() {
    let (world, postbox) = world().await;
    let (person, _) = registered(&world, &postbox).await;
    let login = world.first_proof(&person).await;
    assert!(matches!(send(&world, &person, (Channel::Email, &login)).await, SendOutcome::Sent));
    let code = postbox.code(2).await;
    for _ in 0..5 {
        assert_eq!(verify(&world, &person, &login, other(&code)).await, WRONG);
    }
    let outcome = verify(&world, &person, &login, code.clone()).await;
    assert!(
        matches!(outcome, VerifySentCodeOutcome::Judged(SignInOutcome::Throttled { .. })),
        "the right code must wait as well: {outcome:?}"
    );
    let another = world.first_proof(&person).await;
    let sent = send(&world, &person, (Channel::Email, &another)).await;
    assert!(matches!(sent, SendOutcome::Wait { .. }), "none is sent that would not be looked at: {sent:?}");
    world.pass(Duration::from_secs(34));
    assert!(signed_in(&verify(&world, &person, &login, code).await));
}

/// HAZARDS H12: all one-time codes of a user share a cap of a hundred failures.
#[tokio::test]
async fn a_hundred_wrong_codes_in_a_row_close_all_methods_of_a_user_together() {
    let (world, postbox) = world().await;
    let (mut person, app) = world.register_with_totp("ada").await;
    enrol(&world, &postbox, &mut person, (ADDRESS, 1)).await;
    a_hundred_failures(&world, &postbox, &person, Channel::Email).await;
    world.pass(Duration::from_hours(2));
    let login = world.first_proof(&person).await;
    assert!(matches!(send(&world, &person, (Channel::Email, &login)).await, SendOutcome::Wait { .. }));
    let shown = shown(&world, &person, (Channel::Email, &login)).await;
    let [Closed { until: None, .. }] = shown.closed[..] else { panic!("the page must say so: {:?}", shown.closed) };
    let overview = world.services.accounts.ask(person.user, &world.attempt(), Overview, soon()).await;
    let overview = overview.expect("answers").expect("an account");
    assert!(overview.totps[0].suspended && overview.emails[0].suspended, "the page must say so");
    assert_eq!(world.type_totp(&person, &login, app.code(world.now())).await, SignInOutcome::Suspended);
    let backup = world.type_backup_code(&person, &login, &app.backup[0]).await;
    assert!(matches!(backup, SignInOutcome::SignedIn(_)), "{backup:?}");
}

#[tokio::test]
async fn who_has_an_app_may_choose_the_address_but_changes_nothing_with_it() {
    let (world, postbox) = world().await;
    let (mut person, app) = world.register_with_totp("ada").await;
    enrol(&world, &postbox, &mut person, (ADDRESS, 1)).await;
    let login = world.first_proof(&person).await;
    let show = ShowLoginCode { login: login.clone(), channel: Channel::Email };
    let shown = world.services.accounts.ask(person.user, &world.attempt(), show, soon()).await;
    let shown = shown.expect("answers").expect("a login");
    assert_eq!((shown.addresses[0].1.as_str(), shown.sent.is_none()), ("a•••@e•••.org", true));
    assert!(matches!(send(&world, &person, (Channel::Email, &login)).await, SendOutcome::Sent));
    let attempt = world.attempt();
    let command = VerifySentCode { login, code: postbox.code(2).await };
    let outcome = world.services.accounts.ask(person.user, &attempt, command, soon()).await.expect("answers");
    let VerifySentCodeOutcome::Judged(SignInOutcome::SignedIn(signed_in)) = outcome else { panic!("{outcome:?}") };
    let session = session_ref(&attempt, &signed_in);
    let remove = RemoveTotp { session, factor: app.factor };
    let outcome = world.services.accounts.ask(person.user, &world.attempt(), remove, soon()).await.expect("answers");
    assert_eq!(outcome, RemoveOutcome::NotFresh, "who reads another's mail must not remove the app");
}

#[tokio::test]
async fn the_last_address_takes_the_backup_codes_with_it() {
    let (world, postbox) = world().await;
    let (person, factor) = registered(&world, &postbox).await;
    let remove = RemoveAddress { session: person.session.clone(), channel: Channel::Email, factor };
    let outcome = world.services.accounts.ask(person.user, &world.attempt(), remove, soon()).await.expect("answers");
    assert_eq!(outcome, RemoveOutcome::Removed);
    assert!(!world.items(person.user).await.contains(&"backup".to_owned()));
    let outcome = world.guess("ada", PASSWORD).await;
    assert!(matches!(outcome, SignInOutcome::SignedIn(_)), "{outcome:?}");
}

#[tokio::test]
async fn an_enrolment_can_have_its_code_sent_again_and_a_second_one_replaces_it() {
    let (world, postbox) = world().await;
    let mut person = world.register("ada").await;
    let factor = begun(&world, &person, ADDRESS).await;
    let first = postbox.code(1).await;
    world.pass(Duration::from_mins(1));
    let resend =
        ResendCode { session: person.session.clone(), channel: Channel::Email, factor, link: false, count: None };
    let sent = world.services.accounts.ask(person.user, &world.attempt(), resend, soon()).await.expect("answers");
    assert!(matches!(sent, SendOutcome::Sent), "{sent:?}");
    let second = postbox.code(2).await;
    assert!(matches!(confirm(&world, &mut person, (Channel::Email, factor), first).await, ConfirmOutcome::Wrong));
    let other = begun(&world, &person, "ada@example.net").await;
    assert!(matches!(confirm(&world, &mut person, (Channel::Email, factor), second).await, ConfirmOutcome::Ended));
    let show = ShowAddress { session: person.session.clone(), channel: Channel::Email, factor: other };
    let shown = world.services.accounts.ask(person.user, &world.attempt(), show, soon()).await;
    assert_eq!(shown.expect("answers").expect("it awaits its code").address, "ada@example.net");
    let outcome = confirm(&world, &mut person, (Channel::Email, other), postbox.code(3).await).await;
    assert!(matches!(outcome, ConfirmOutcome::Activated { .. }), "{outcome:?}");
    assert!(matches!(begin(&world.services, &world, &person, "ada@example.net").await, BeginAddressOutcome::Known));
}

#[tokio::test]
async fn nobody_causes_more_than_ten_messages_an_hour() {
    let (world, postbox) = world().await;
    let person = world.register("ada").await;
    for n in 0..10 {
        begun(&world, &person, &format!("ada-{n}@example.org")).await;
    }
    let outcome = begin(&world.services, &world, &person, ADDRESS).await;
    assert!(matches!(outcome, BeginAddressOutcome::Wait { until } if until > world.now()), "{outcome:?}");
    assert_eq!(postbox.letter(10).await.to, "ada-9@example.org");
}

#[tokio::test]
async fn a_password_that_is_typed_twice_voids_no_code_that_is_on_its_way() {
    let (world, postbox) = world().await;
    let (person, _) = registered(&world, &postbox).await;
    let login = world.first_proof(&person).await;
    assert!(matches!(send(&world, &person, (Channel::Email, &login)).await, SendOutcome::Sent));
    let (outcome, _) = world.type_password("ada", PASSWORD, &login, None).await.expect("answers");
    assert!(matches!(outcome, SignInOutcome::SecondFactor { .. }), "{outcome:?}");
    assert!(matches!(send(&world, &person, (Channel::Email, &login)).await, SendOutcome::Wait { .. }));
    assert!(signed_in(&verify(&world, &person, &login, postbox.code(2).await).await));
}

#[tokio::test]
async fn a_new_enrolment_is_no_fresh_set_of_guesses_at_an_address() {
    let (world, postbox) = world().await;
    let mut person = world.register("ada").await;
    for n in 1..=5 {
        let factor = begun(&world, &person, &format!("victim-{n}@example.org")).await;
        let wrong = other(&postbox.code(n).await);
        let outcome = confirm(&world, &mut person, (Channel::Email, factor), wrong).await;
        assert!(matches!(outcome, ConfirmOutcome::Wrong), "{outcome:?}");
    }
    let begun_meanwhile = begin(&world.services, &world, &person, ADDRESS).await;
    assert!(matches!(begun_meanwhile, BeginAddressOutcome::Wait { .. }), "its code would not be looked at");
    world.pass(Duration::from_secs(34));
    begun(&world, &person, ADDRESS).await;
    let again = begin(&world.services, &world, &person, ADDRESS).await;
    assert!(matches!(again, BeginAddressOutcome::Wait { .. }), "one message a minute to one address: {again:?}");
}

#[tokio::test]
async fn a_hundred_wrong_codes_close_enrolments_for_a_day_and_nothing_is_sent_meanwhile() {
    let (world, postbox) = world().await;
    let mut person = world.register("ada").await;
    let nothing = totp::parse_code("000000").expect("six digits");
    let mut failures = 0;
    while failures < 100 {
        world.pass(Duration::from_mins(70));
        person = world.sign_in(&person, None).await;
        let factor = begun(&world, &person, ADDRESS).await;
        for _ in 0..5 {
            let outcome = confirm(&world, &mut person, (Channel::Email, factor), nothing.clone()).await;
            failures += usize::from(matches!(outcome, ConfirmOutcome::Wrong));
        }
    }
    let (sent, closed_at) = (postbox.taken(), world.now());
    for later in [Duration::from_mins(2), Duration::from_hours(20)] {
        world.pass(later);
        person = world.sign_in(&person, None).await;
        let none = begin(&world.services, &world, &person, ADDRESS).await;
        let day = closed_at.after(Duration::from_hours(24));
        assert!(matches!(none, BeginAddressOutcome::Wait { until } if until == day), "{none:?}");
        assert_eq!(postbox.taken(), sent);
    }
    world.pass(Duration::from_hours(4));
    person = world.sign_in(&person, None).await;
    enrol(&world, &postbox, &mut person, (ADDRESS, sent + 1)).await;
}

#[tokio::test]
async fn strangers_who_know_the_password_use_up_nothing_of_a_known_devices_messages() {
    let (world, postbox) = world().await;
    let (person, _) = registered(&world, &postbox).await;
    for _ in 0..10 {
        let login = world.first_proof(&person).await;
        assert!(matches!(send(&world, &person, (Channel::Email, &login)).await, SendOutcome::Sent));
    }
    let login = world.first_proof(&person).await;
    assert!(matches!(send(&world, &person, (Channel::Email, &login)).await, SendOutcome::Wait { .. }));
    let known = world.login_of(&person);
    world.type_password("ada", PASSWORD, &known, Some(person.user)).await.expect("answers");
    assert!(matches!(send(&world, &person, (Channel::Email, &known)).await, SendOutcome::Sent));
}

/// Proofs of a login that renews a session replace those before it, so that an old one does not make them look old.
#[tokio::test]
async fn who_signs_in_once_more_by_mail_is_fresh_whatever_was_proved_before() {
    let (world, postbox) = world().await;
    let mut person = world.register("ada").await;
    let factor = begun(&world, &person, ADDRESS).await;
    let attempt = world.attempt();
    let backup = world.services.hashes.backup_codes(&attempt.seed, soon()).await.expect("hashes");
    let codes = actors::domain::factor::backup_code::draw(&attempt.seed);
    let (session, channel, code) = (person.session.clone(), Channel::Email, postbox.code(1).await);
    let command = ConfirmAddress { session, channel, factor, code, backup };
    world.services.accounts.ask(person.user, &attempt, command, soon()).await.expect("answers");
    let login = world.first_proof(&person).await;
    let code = actors::domain::factor::backup_code::parse(codes[0].expose()).expect("a backup code");
    let attempt = world.attempt();
    let signed = world.services.sign_in.backup_code(person.user, &attempt, login.clone(), code, soon()).await;
    let Ok(SignInOutcome::SignedIn(signed)) = signed else { panic!("{signed:?}") };
    (person.session, person.browser) = (session_ref(&attempt, &signed), login.browser);
    world.pass(Duration::from_mins(11));
    let renewing = LoginRef { renews: Some(person.session.clone()), browser: person.browser, ..world.login() };
    world.type_password("ada", PASSWORD, &renewing, None).await.expect("answers");
    assert!(matches!(send(&world, &person, (Channel::Email, &renewing)).await, SendOutcome::Sent));
    let attempt = world.attempt();
    let command = VerifySentCode { login: renewing, code: postbox.code(2).await };
    let outcome = world.services.accounts.ask(person.user, &attempt, command, soon()).await.expect("answers");
    let VerifySentCodeOutcome::Judged(SignInOutcome::SignedIn(signed)) = outcome else { panic!("{outcome:?}") };
    assert_eq!(signed.session, person.session.session, "the same session");
    let check = CheckSession { session: session_ref(&attempt, &signed) };
    let view = world.services.accounts.ask(person.user, &world.attempt(), check, soon()).await;
    let view = view.expect("answers").expect("a session");
    assert_eq!((view.fresh, view.assurance.acr), (true, Acr::TwoStep));
}

#[tokio::test]
async fn what_changes_is_told_to_the_confirmed_address_and_to_no_other() {
    let (world, postbox) = world().await;
    let (mut person, factor) = registered(&world, &postbox).await;
    assert_eq!(postbox.notices(), [], "an address that was not confirmed is told nothing");
    let app = world.enrol(&mut person).await;
    let remove = RemoveTotp { session: person.session.clone(), factor: app.factor };
    world.services.accounts.ask(person.user, &world.attempt(), remove, soon()).await.expect("answers");
    let remove = RemoveAddress { session: person.session.clone(), channel: Channel::Email, factor };
    let outcome = world.services.accounts.ask(person.user, &world.attempt(), remove, soon()).await.expect("answers");
    assert_eq!(outcome, RemoveOutcome::Removed);
    let told = [Notice::AuthenticatorAdded, Notice::AuthenticatorRemoved, Notice::EmailCodesOff];
    postbox.until(|postbox| postbox.notices().len() == told.len()).await;
    assert!(told.iter().all(|notice| postbox.notices().contains(notice)), "{:?}", postbox.notices());
}

/// A login may be nearly over when a code is sent for it. Who has one sent again and again does not keep it for ever.
#[tokio::test]
async fn a_code_is_good_for_ten_minutes_however_late_in_a_login_it_was_sent() {
    let (world, postbox) = world().await;
    let (person, _) = registered(&world, &postbox).await;
    let (one, two) = (world.first_proof(&person).await, world.first_proof(&person).await);
    let almost = Duration::from_mins(10).saturating_sub(Duration::from_secs(1));
    world.pass(Duration::from_mins(14));
    assert!(matches!(send(&world, &person, (Channel::Email, &one)).await, SendOutcome::Sent));
    assert!(matches!(send(&world, &person, (Channel::Email, &two)).await, SendOutcome::Sent));
    let code = postbox.code(2).await;
    world.pass(almost);
    assert!(signed_in(&verify(&world, &person, &one, code).await));
    assert!(matches!(send(&world, &person, (Channel::Email, &two)).await, SendOutcome::Sent));
    let code = postbox.code(4).await;
    world.pass(Duration::from_mins(6) + Duration::from_secs(1));
    let outcome = verify(&world, &person, &two, code).await;
    assert_eq!(outcome, VerifySentCodeOutcome::Judged(SignInOutcome::LoginEnded), "half an hour is over");
}
