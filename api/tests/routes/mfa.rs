//! `/account/mfa`, `/login/totp`, `/login/backup-code`: from enrolment to recovery.

use std::time::Duration;

use http::StatusCode;

use crate::support::{Browser, PASSWORD, TestApp};

const STEP: Duration = Duration::from_secs(30);

#[tokio::test]
async fn an_authenticator_app_is_set_up_and_asked_for_from_then_on() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let mut old = browser.clone();
    let (seed, page) = browser.enrol().await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.backup_codes().len(), 10, "{}", page.body);
    assert_ne!(browser.cookie("dw_session"), old.cookie("dw_session"));
    assert!(!old.is_signed_in().await, "the code was a proof, so the session's id is new");

    let saved = "/account/mfa/backup-codes/saved";
    let unticked = browser.submit(&page, saved, &[]).await;
    assert_eq!(unticked.status, StatusCode::UNPROCESSABLE_ENTITY);
    let done = browser.submit(&page, saved, &[("saved", "yes")]).await;
    assert_eq!(done.location(), "/account/mfa?done=mfa");
    assert!(browser.open("/account/mfa?done=mfa").await.body.contains("You have 10 unused backup codes left"));

    app.pass(STEP);
    let mut elsewhere = app.browser();
    let next = elsewhere.log_in("amelia", PASSWORD).await.location().to_owned();
    assert!(next.starts_with("/login/totp?l="), "{next}");
    assert!(!elsewhere.is_signed_in().await, "one proof of two is no session");
    let page = elsewhere.open(&next).await;
    let done = elsewhere.submit(&page, "/login/totp", &[("code", &app.code(&seed))]).await;
    assert_eq!(done.location(), "/account");
    assert!(elsewhere.is_signed_in().await);
}

#[tokio::test]
async fn the_form_that_confirms_may_be_sent_twice() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let page = browser.open("/account/mfa").await;
    let path = browser.submit(&page, "/account/mfa/totp", &[("name", "Phone")]).await.location().to_owned();
    let page = browser.open(&path).await;
    let (confirm, code) = (format!("{path}/confirm"), app.code(&page.seed()));
    assert_eq!(browser.submit(&page, &confirm, &[("code", &code)]).await.backup_codes().len(), 10);
    let again = browser.submit(&page, &confirm, &[("code", &code)]).await;
    assert_eq!(again.location(), "/account/mfa?done=mfa");
    assert!(browser.open("/account/mfa?done=mfa").await.body.contains("You have 10 unused backup codes left"));
}

#[tokio::test]
async fn backup_codes_that_nobody_saw_are_told_of_until_they_are_saved_or_made_anew() {
    const WARNING: &str = "you have not confirmed that you saved them";
    let (saved, renew) = ("/account/mfa/backup-codes/saved", "/account/mfa/backup-codes");
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    browser.enrol().await;
    let page = browser.open("/account/mfa").await;
    assert!(page.body.contains(WARNING) && page.links_to(renew), "the page with the codes may have been lost");
    assert_eq!(browser.submit(&page, saved, &[]).await.location(), "/account/mfa?done=mfa");
    assert!(!browser.open("/account/mfa").await.body.contains(WARNING));

    let page = browser.open(renew).await;
    let codes = browser.submit(&page, renew, &[]).await;
    assert!(browser.open("/account/mfa").await.body.contains(WARNING), "the new codes are not saved yet");
    browser.submit(&codes, saved, &[("saved", "yes")]).await.location();
    assert!(!browser.open("/account/mfa").await.body.contains(WARNING));
}

#[tokio::test]
async fn a_further_authenticator_app_is_offered_a_name_of_its_own() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    for offered in ["Authenticator app", "Authenticator app 2", "Authenticator app 3"] {
        let page = browser.open("/account/mfa").await;
        assert_eq!(page.field("/account/mfa/totp", "name"), offered);
        let path = browser.submit(&page, "/account/mfa/totp", &[]).await.location().to_owned();
        let page = browser.open(&path).await;
        let code = app.code(&page.seed());
        assert!(browser.submit(&page, &format!("{path}/confirm"), &[("code", &code)]).await.status.as_u16() < 400);
    }
}

#[tokio::test]
async fn a_wrong_code_shows_the_same_seed_again_and_what_is_no_code_is_not_counted() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let page = browser.open("/account/mfa").await;
    let nameless = browser.submit(&page, "/account/mfa/totp", &[("name", "  ")]).await;
    assert_eq!(nameless.status, StatusCode::UNPROCESSABLE_ENTITY);
    let path = browser.submit(&page, "/account/mfa/totp", &[("name", "Phone")]).await.location().to_owned();
    let page = browser.open(&path).await;
    let confirm = format!("{path}/confirm");
    for _ in 0..30 {
        let again = browser.submit(&page, &confirm, &[("code", "12345")]).await;
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let code = app.code(&page.seed());
    let wrong = if code == "000000" { "000001" } else { "000000" };
    let again = browser.submit(&page, &confirm, &[("code", wrong)]).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(again.seed(), page.seed());
    assert_eq!(browser.submit(&again, &confirm, &[("code", &code)]).await.backup_codes().len(), 10);
}

#[tokio::test]
async fn a_code_is_accepted_once_and_a_replay_looks_like_a_wrong_one() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let (seed, _) = browser.enrol().await;
    let mut elsewhere = app.browser();
    let next = elsewhere.log_in("amelia", PASSWORD).await.location().to_owned();
    let page = elsewhere.open(&next).await;
    let replay = elsewhere.submit(&page, "/login/totp", &[("code", &app.code(&seed))]).await;
    assert_eq!(replay.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(replay.body.contains("This code is not right, or was used already."));
    app.pass(STEP);
    let code = app.code(&seed);
    assert_eq!(elsewhere.submit(&page, "/login/totp", &[("code", &code)]).await.location(), "/account");
    let ended = elsewhere.submit(&page, "/login/totp", &[("code", &code)]).await;
    assert_eq!(ended.location(), "/account", "the login is complete");
    assert_eq!(elsewhere.get(&next).await.location(), "/account");
}

#[tokio::test]
async fn many_wrong_codes_are_answered_with_a_time_to_try_again() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let (seed, _) = browser.enrol().await;
    app.pass(STEP);
    let mut elsewhere = app.browser();
    let next = elsewhere.log_in("amelia", PASSWORD).await.location().to_owned();
    let page = elsewhere.open(&next).await;
    let code = app.code(&seed);
    let wrong = if code.starts_with('9') { "000000" } else { "999999" };
    let mut refused = elsewhere.submit(&page, "/login/totp", &[("code", wrong)]).await;
    for _ in 0..20 {
        if refused.status == StatusCode::TOO_MANY_REQUESTS {
            break;
        }
        refused = elsewhere.submit(&page, "/login/totp", &[("code", wrong)]).await;
    }
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.headers.contains_key("retry-after"));
    let right = elsewhere.submit(&page, "/login/totp", &[("code", &code)]).await;
    assert_eq!(right.status, StatusCode::TOO_MANY_REQUESTS, "even the right code waits");
}

#[tokio::test]
async fn a_backup_code_stands_in_once() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let codes = browser.enrol().await.1.backup_codes();
    for (code, works) in [(&codes[0], true), (&codes[0], false), (&codes[1], true)] {
        let mut elsewhere = app.browser();
        let next = elsewhere.log_in("amelia", PASSWORD).await.location().replace("/login/totp", "/login/backup-code");
        let page = elsewhere.open(&next).await;
        let malformed = elsewhere.submit(&page, "/login/backup-code", &[("code", "1234")]).await;
        assert!(malformed.body.contains("A backup code has 20 letters and digits."));
        let typed = code.replace('-', " ").to_lowercase();
        let answer = elsewhere.submit(&page, "/login/backup-code", &[("code", &typed)]).await;
        if works {
            assert_eq!(answer.location(), "/account");
        } else {
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        }
        assert_eq!(elsewhere.is_signed_in().await, works);
    }
    assert!(browser.open("/account/mfa").await.body.contains("You have 8 unused backup codes left"));
}

/// From three left on, on both pages, until there is a new set.
#[tokio::test]
async fn who_has_few_backup_codes_left_is_told_to_make_new_ones() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let codes = browser.enrol().await.1.backup_codes();
    for (code, left) in codes.iter().zip((0..10).rev()) {
        let mut elsewhere = app.browser();
        let next = elsewhere.log_in("amelia", PASSWORD).await.location().replace("/login/totp", "/login/backup-code");
        let page = elsewhere.open(&next).await;
        elsewhere.submit(&page, "/login/backup-code", &[("code", code)]).await.location();
        let (account, mfa) = (browser.open("/account").await, browser.open("/account/mfa").await);
        let warned = [("Make new backup codes soon", account), ("Make new ones before you need them", mfa)];
        for (warning, page) in warned {
            assert_eq!(page.body.contains(warning), left <= 3, "{left} left: {}", page.body);
        }
    }
    let page = browser.open("/account/mfa").await;
    assert!(page.body.contains("You have no backup codes left"), "{}", page.body);
}

#[tokio::test]
async fn new_backup_codes_void_the_old_ones() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let old = browser.enrol().await.1.backup_codes();
    let page = browser.open("/account/mfa/backup-codes").await;
    let new = browser.submit(&page, "/account/mfa/backup-codes", &[]).await.backup_codes();
    assert_eq!(new.len(), 10);
    assert!(new.iter().all(|code| !old.contains(code)));
    let mut elsewhere = app.browser();
    let next = elsewhere.log_in("amelia", PASSWORD).await.location().replace("/login/totp", "/login/backup-code");
    let page = elsewhere.open(&next).await;
    let void = elsewhere.submit(&page, "/login/backup-code", &[("code", &old[0])]).await;
    assert_eq!(void.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(elsewhere.submit(&page, "/login/backup-code", &[("code", &new[0])]).await.location(), "/account");
}

/// The id of the authenticator app that the list shows.
async fn only_factor(browser: &mut Browser<'_>) -> String {
    let list = browser.open("/account/mfa").await;
    let (_, after) = list.body.split_once("href=\"/account/mfa/totp/").expect("a link");
    after.split('/').next().expect("an id").to_owned()
}

#[tokio::test]
async fn an_authenticator_app_is_renamed_and_works_on() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let (seed, _) = browser.enrol().await;
    let path = format!("/account/mfa/totp/{}/rename", only_factor(&mut browser).await);
    let form = browser.open(&path).await;
    for (name, why) in
        [("  ", "a name."), ("a\u{7}b", "a name."), (&*"ü".repeat(65), "a name of at most 64 characters.")]
    {
        let refused = browser.submit(&form, &path, &[("name", name)]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.body.contains(why), "{}", refused.body);
    }
    let renamed = browser.submit(&form, &path, &[("name", " Work <phone> ")]).await;
    assert_eq!(renamed.location(), "/account/mfa?done=authenticator-renamed");
    assert_eq!(browser.submit(&form, &path, &[("name", "Work <phone>")]).await.location(), renamed.location());
    let list = browser.open("/account/mfa").await;
    assert!(list.body.contains("Work &lt;phone&gt;"));
    let gone = format!("/account/mfa/totp/{}/rename", schema::FactorId::from_bytes([7; 16]));
    assert_eq!(browser.get(&gone).await.location(), "/account/mfa");
    app.pass(STEP);
    let mut elsewhere = app.browser();
    let next = elsewhere.log_in("amelia", PASSWORD).await.location().to_owned();
    let page = elsewhere.open(&next).await;
    assert_eq!(elsewhere.submit(&page, "/login/totp", &[("code", &app.code(&seed))]).await.location(), "/account");
    let remove = path.replace("/rename", "/remove");
    let asked = browser.open(&remove).await;
    browser.submit(&asked, &remove, &[]).await;
    let late = browser.submit(&form, &path, &[("name", "Mine")]).await;
    assert_eq!(late.location(), "/account/mfa", "there is nothing to rename");
}

#[tokio::test]
async fn removing_the_last_authenticator_app_takes_fresh_proofs_and_ends_multi_factor() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let (seed, _) = browser.enrol().await;
    let factor = only_factor(&mut browser).await;
    let path = format!("/account/mfa/totp/{factor}/remove");
    let asked = browser.open(&path).await;
    app.pass(Duration::from_mins(11));
    let back = format!("/account/reauthenticate?to=%2Faccount%2Fmfa%2Ftotp%2F{factor}%2Fremove");
    assert_eq!(browser.submit(&asked, &path, &[]).await.location(), back);
    let page = browser.open(&path).await;
    assert!(page.body.contains("Confirm it is you"));
    let typed = [("password", PASSWORD), ("code", &app.code(&seed))];
    assert_eq!(browser.submit(&page, "/account/reauthenticate", &typed).await.location(), path);
    let asked = browser.open(&path).await;
    let removed = browser.submit(&asked, &path, &[]).await;
    assert_eq!(removed.location(), "/account/mfa?done=authenticator-removed");
    assert_eq!(browser.submit(&asked, &path, &[]).await.location(), removed.location(), "twice does no harm");
    assert_eq!(app.browser().log_in("amelia", PASSWORD).await.location(), "/account");
}

#[tokio::test]
async fn a_disabled_user_is_refused_at_the_second_step_too() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let (seed, page) = browser.enrol().await;
    app.pass(STEP);
    let mut elsewhere = app.browser();
    let next = elsewhere.log_in("amelia", PASSWORD).await.location().to_owned();
    let step = elsewhere.open(&next).await;
    app.disable("amelia").await;
    let refused = elsewhere.submit(&step, "/login/totp", &[("code", &app.code(&seed))]).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    let step = elsewhere.open(&next.replace("/login/totp", "/login/backup-code")).await;
    let code = page.backup_codes().remove(0);
    let refused = elsewhere.submit(&step, "/login/backup-code", &[("code", &code)]).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(!elsewhere.is_signed_in().await && !browser.is_signed_in().await);
}

#[tokio::test]
async fn a_seed_is_shown_again_after_fresh_proofs_alone() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let page = browser.open("/account/mfa").await;
    let path = browser.submit(&page, "/account/mfa/totp", &[("name", "Phone")]).await.location().to_owned();
    let seed = browser.open(&path).await.seed();
    app.pass(Duration::from_mins(11));
    let asked = browser.get(&path).await.location().to_owned();
    assert!(asked.starts_with("/account/reauthenticate?to="), "{asked}");
    let page = browser.open(&asked).await;
    let done = browser.submit(&page, "/account/reauthenticate", &[("password", PASSWORD)]).await;
    assert_eq!(done.location(), path);
    assert_eq!(browser.open(&path).await.seed(), seed);
}
