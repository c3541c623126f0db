//! Every door to an account, against an account that is disabled, and against authenticators that wait or are suspended. The table
//! begins with the same doors of an account that is open, or it would say nothing.

mod house;
mod typed;

use std::time::Duration;

use api::{ApiSettings, RegistrationBy, limits::Rate};
use http::{StatusCode, header::RETRY_AFTER};

use crate::{
    oauth::rp::{Rp, text, userinfo},
    support::{Browser, HTTPS, PASSWORD, TestApp},
};
use house::{ALL, Door, House, STEP, WAIT};
use typed::{AT_KNOWN_DEVICES, TYPED, wrong};

/// Doors that are opened by a link beside a code that could be guessed.
const LINKED: [Door; 2] = [Door::LoginLink, Door::AddressLink];

async fn server() -> TestApp {
    let many = Rate { burst: 100_000, window: Duration::from_secs(1) };
    let unbounded = |settings: &mut ApiSettings| {
        settings.limits.failures = many;
        settings.limits.messages = many;
    };
    TestApp::with_everything(|settings| settings.recovery_wait = WAIT, unbounded).await
}

/// Doors of applications: what the owner gave them, before and after.
async fn of_applications(app: &TestApp, owner: &mut Browser<'_>, close: bool) -> [bool; 3] {
    let rp = Rp::new(app).await;
    let tokens = rp.tokens(owner, &[]).await;
    let code = rp.code(owner, &[]).await;
    if close {
        app.disable("amelia").await;
    }
    let access = text(&tokens, "access_token");
    let userinfo = userinfo(app, access).await.status == StatusCode::OK;
    let refreshed = rp.refresh(text(&tokens, "refresh_token"), &[]).await.status == StatusCode::OK;
    [rp.redeem(&code, &[]).await.status == StatusCode::OK, refreshed, userinfo]
}

#[tokio::test]
async fn every_door_of_an_open_account_opens_and_of_a_disabled_one_none() {
    for door in ALL.into_iter().filter(|door| !matches!(door, Door::Refresh | Door::Userinfo)) {
        for close in [false, true] {
            let app = server().await;
            let mut house = House::new(&app).await;
            if door == Door::CodeRedemption {
                let opened = of_applications(&app, &mut house.owner, close).await;
                assert_eq!(opened, [!close; 3], "code, refresh, userinfo; disabled: {close}");
                continue;
            }
            let mut visitor = house.come(door).await;
            if close {
                app.disable("amelia").await;
            }
            let right = visitor.right.clone();
            assert_eq!(house.opens(door, &mut visitor, &right).await, !close, "{door:?}, disabled: {close}");
        }
    }
}

/// Five wrong ones, and not even what is right opens it: not there and then, nor to who comes anew.
#[tokio::test]
async fn a_door_that_waits_opens_to_nobody() {
    for door in TYPED {
        let app = server().await;
        let mut house = House::new(&app).await;
        let mut visitor = house.come(door).await;
        let right = visitor.right.clone();
        for n in 0..5 {
            assert!(!house.opens(door, &mut visitor, &wrong(door, &right)).await, "{door:?} {n}");
        }
        assert!(!house.opens(door, &mut visitor, &right).await, "{door:?} waits");
        app.pass(STEP + Duration::from_secs(5));
        let mut visitor = house.come(door).await;
        let right = visitor.right.clone();
        assert!(house.opens(door, &mut visitor, &right).await, "{door:?}, half a minute later");
    }
}

/// A hundred wrong ones, each where somebody has come to this door anew.
async fn suspend(app: &TestApp, house: &mut House<'_>, door: Door) {
    for _ in 0..20 {
        let mut visitor = house.come(door).await;
        let right = visitor.right.clone();
        for _ in 0..5 {
            assert!(!house.opens(door, &mut visitor, &wrong(door, &right)).await, "{door:?}");
        }
        app.pass(Duration::from_mins(70));
    }
    app.pass(Duration::from_hours(2));
}

/// A hundred wrong ones, and it stays closed for good. The seed of an app that is being set up is on its page, and each one begins
/// anew: there is nothing to guess.
#[tokio::test]
async fn a_door_that_is_suspended_opens_to_nobody() {
    let shut = |door: &Door| !AT_KNOWN_DEVICES.contains(door) && *door != Door::AppCode;
    for door in TYPED.into_iter().filter(shut) {
        let app = server().await;
        let mut house = House::new(&app).await;
        suspend(&app, &mut house, door).await;
        // What would not be looked at is not sent.
        if [Door::EmailStep, Door::SmsStep, Door::AddressCode, Door::NumberCode].contains(&door) {
            assert!(!house.sends(door).await, "{door:?}");
            continue;
        }
        let mut visitor = house.come(door).await;
        // Nor is it asked for: fresh proofs are given by another way, at a sign-in.
        if door == Door::ReauthenticationCode {
            let page = visitor.page.expect("a page");
            assert!(!page.body.contains("action=\"/account/reauthenticate\""), "{}", page.body);
            assert!(page.body.contains("action=\"/login\""), "{}", page.body);
            continue;
        }
        let right = visitor.right.clone();
        assert!(!house.opens(door, &mut visitor, &right).await, "{door:?}");
    }
}

/// A hundred wrong passwords shut out who is not known; a known device goes by its own guesses (HAZARDS H11).
#[tokio::test]
async fn a_suspended_password_opens_the_doors_of_known_devices_alone() {
    for door in AT_KNOWN_DEVICES {
        let app = server().await;
        let mut house = House::new(&app).await;
        suspend(&app, &mut house, door).await;
        for (door, opens) in [(Door::Password, false), (door, true)] {
            let mut visitor = house.come(door).await;
            let right = visitor.right.clone();
            assert_eq!(house.opens(door, &mut visitor, &right).await, opens, "{door:?}");
        }
    }
}

/// Whose session lives on in a browser that has lost the cookie of its device is as unknown as everybody: the right password is as good
/// as a wrong one.
#[tokio::test]
async fn a_suspended_password_opens_no_door_to_a_session_without_its_device() {
    for door in [Door::ReauthenticationPassword, Door::ChangeOfPassword] {
        let app = server().await;
        let mut house = House::new(&app).await;
        suspend(&app, &mut house, door).await;
        let mut visitor = house.come(door).await;
        let known = visitor.browser.jar.len();
        visitor.browser.jar.retain(|name, _| !name.contains("dw_device"));
        assert_eq!(visitor.browser.jar.len(), known - 1, "{:?}", visitor.browser.jar.keys());
        let right = visitor.right.clone();
        let answer = house.types(door, &mut visitor, &right).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{door:?}");
        assert!(house.owner.is_signed_in().await, "{door:?}: not for want of a session");
    }
}

/// Who waits at a page of the account is told so, and for how long.
#[tokio::test]
async fn pages_of_the_account_say_how_long_a_proof_waits() {
    for door in [Door::ReauthenticationPassword, Door::ReauthenticationCode, Door::ChangeOfPassword] {
        let app = server().await;
        let mut house = House::new(&app).await;
        let mut visitor = house.come(door).await;
        let right = visitor.right.clone();
        for n in 0..5 {
            let answer = house.types(door, &mut visitor, &wrong(door, &right)).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{door:?} {n}");
        }
        for typed in [&right, &wrong(door, &right)] {
            let answer = house.types(door, &mut visitor, typed).await;
            assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{door:?}: {}", answer.body);
            let wait = answer.headers.get(RETRY_AFTER).and_then(|wait| wait.to_str().ok()?.parse::<u64>().ok());
            assert!(wait.is_some_and(|secs| (1..=33).contains(&secs)), "{door:?}: {wait:?}");
        }
    }
}

/// Types so many wrong codes where the one beside a link is typed.
async fn guess(visitor: &mut house::Visitor<'_>, times: usize) {
    let (path, page, code) = visitor.beside.as_ref().expect("a code");
    let wrong = wrong(Door::EmailStep, code);
    for _ in 0..times {
        let answer = visitor.browser.submit(page, path, &[("code", &wrong)]).await;
        assert!(answer.status.is_client_error(), "{path}: {}", answer.status);
    }
}

/// Who may not type a code may not press a button instead: both prove the same address.
#[tokio::test]
async fn a_link_waits_as_long_as_the_code_beside_it() {
    for door in LINKED {
        let app = server().await;
        let mut house = House::new(&app).await;
        let mut visitor = house.come(door).await;
        guess(&mut visitor, 5).await;
        assert!(!house.opens(door, &mut visitor, "").await, "{door:?} waits");
        app.pass(STEP + Duration::from_secs(5));
        assert!(house.opens(door, &mut visitor, "").await, "{door:?}, half a minute later");
    }
}

#[tokio::test]
async fn a_link_is_suspended_with_the_code_beside_it() {
    for door in LINKED {
        let app = server().await;
        let mut house = House::new(&app).await;
        for _ in 0..19 {
            guess(&mut house.come(door).await, 5).await;
            app.pass(Duration::from_mins(70));
        }
        let mut visitor = house.come(door).await;
        guess(&mut visitor, 5).await;
        assert!(!house.opens(door, &mut visitor, "").await, "{door:?}");
    }
}

/// All six digits share one cap, and what cannot be guessed stays: backup codes, keys, links to a new password, a recovery.
#[tokio::test]
async fn a_hundred_wrong_codes_shut_the_doors_of_codes_and_no_others() {
    let app = server().await;
    let mut house = House::new(&app).await;
    for _ in 0..19 {
        guess(&mut house.come(Door::LoginLink).await, 5).await;
        app.pass(Duration::from_mins(70));
    }
    let mut guessing = house.come(Door::LoginLink).await;
    let mut sent = Vec::new();
    for door in [Door::EmailStep, Door::SmsStep] {
        sent.push((door, house.come(door).await));
    }
    guess(&mut guessing, 5).await;
    sent.push((Door::LoginLink, guessing));
    // What is on its way is not looked at, and no more is sent.
    for (door, mut visitor) in sent {
        let right = visitor.right.clone();
        assert!(!house.opens(door, &mut visitor, &right).await, "{door:?}");
    }
    app.pass(Duration::from_hours(2));
    for door in [Door::EmailStep, Door::SmsStep] {
        assert!(!house.sends(door).await, "{door:?}");
    }
    let shut = [Door::TotpStep];
    let open = [Door::BackupStep, Door::PasskeyStep, Door::RecoveryLink, Door::Passkey, Door::MailedResetLink];
    for (doors, opens) in [(&shut[..], false), (&open[..], true)] {
        for door in doors {
            app.pass(Duration::from_hours(2));
            let mut visitor = house.come(*door).await;
            let right = visitor.right.clone();
            assert_eq!(house.opens(*door, &mut visitor, &right).await, opens, "{door:?}");
        }
    }
}

/// A disabled account under an address keeps its address: nobody gets another one under it, nor a message that says so.
#[tokio::test]
async fn nobody_registers_under_the_address_of_a_disabled_account() {
    const ADDRESS: &str = "bertram@mail.example";
    for close in [false, true] {
        let app = TestApp::with(HTTPS, |settings| settings.registration = RegistrationBy::Either).await;
        let mut browser = app.browser();
        let page = browser.open("/register/email").await;
        let mut links = Vec::new();
        for _ in 0..2 {
            let before = app.sent();
            browser.submit(&page, "/register/email", &[("email", ADDRESS)]).await.location();
            links.push(app.link_after(before, "/register/confirm").await);
        }
        let mut other = app.browser();
        let (first, second) = (browser.get(&links[0]).await, other.get(&links[1]).await);
        let password = [("password", PASSWORD)];
        browser.submit(&first, "/register/confirm", &password).await.location();
        let user = app.user(ADDRESS).await;
        if close {
            app.disable(ADDRESS).await;
        }
        let answer = other.submit(&second, "/register/confirm", &password).await;
        assert_eq!(answer.status, StatusCode::GONE, "{}", answer.body);
        assert_eq!(app.services.sign_in.holder(ADDRESS).await.expect("the store works"), Some(user));
        let before = app.sent();
        for address in [ADDRESS, "last@mail.example"] {
            let page = other.open("/register/email").await;
            other.submit(&page, "/register/email", &[("email", address)]).await.location();
        }
        // The owner of an open account is told of it; of a disabled one nobody is.
        app.link_after(before, "/register/confirm").await;
        if !close {
            let told = [app.letter(before + 1).await, app.letter(before + 2).await];
            let told = told.iter().find(|letter| letter.to == ADDRESS).expect("a message to the owner");
            assert!(!told.text.contains("token="), "{}", *told.text);
        }
        assert_eq!(app.sent() - before, if close { 1 } else { 2 });
        assert_eq!(other.log_in(ADDRESS, PASSWORD).await.status == StatusCode::SEE_OTHER, !close);
    }
}
