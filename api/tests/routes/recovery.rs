//! `/login/recovery`, `/recovery/cancel`: an account whose second factors are all lost, from the first page to a new second step.

use std::time::Duration;

use http::StatusCode;

use crate::{
    oauth::rp::{Rp, returned},
    support::{Answer, Browser, PASSWORD, TestApp},
};

const WAIT: Duration = Duration::from_hours(3 * 24);
const ADDRESS: &str = "amelia@mail.example";
const LINK: &str = "I have lost all my second steps";

/// A server on which accounts are recovered.
async fn app() -> TestApp {
    TestApp::with_settings(|settings| settings.recovery_wait = WAIT).await
}

/// Somebody with an authenticator app and a confirmed address; two messages were sent.
async fn amelia(app: &TestApp) -> (Browser<'_>, Vec<u8>) {
    let mut browser = app.browser();
    browser.register("amelia").await;
    let page = browser.open("/account/mfa").await;
    let path = browser.submit(&page, "/account/mfa/email", &[("email", ADDRESS)]).await.location().to_owned();
    let (page, code) = (browser.open(&path).await, app.mailed_code(1).await);
    browser.submit(&page, &format!("{path}/confirm"), &[("code", &code)]).await;
    let (seed, _) = browser.enrol().await;
    app.letter(2).await;
    app.pass(Duration::from_secs(30));
    (browser, seed)
}

/// Types the password in a browser of its own, and opens the page of the recovery.
async fn lost<'a>(app: &'a TestApp, name: &str) -> (Browser<'a>, Answer) {
    let mut browser = app.browser();
    let next = browser.log_in(name, PASSWORD).await.location().to_owned();
    let page = browser.open(&next).await;
    let (_, label) = next.split_once("?l=").expect("a login");
    let path = format!("/login/recovery?l={label}");
    assert!(page.links_to(&path) || next == path, "{}", page.body);
    let page = browser.open(&path).await;
    (browser, page)
}

async fn begin<'a>(app: &'a TestApp, name: &str) -> (Browser<'a>, Answer) {
    let (mut browser, page) = lost(app, name).await;
    let path = browser.submit(&page, "/login/recovery", &[]).await.location().to_owned();
    // Before time passes: it is worth something until the recovery is due.
    app.letter(3).await;
    let page = browser.open(&path).await;
    (browser, page)
}

#[tokio::test]
async fn after_the_wait_a_code_removes_the_second_steps_and_leads_to_a_new_one() {
    let app = app().await;
    let (mut elsewhere, _) = amelia(&app).await;
    let (mut browser, page) = lost(&app, "amelia").await;
    assert!(page.body.contains("It takes 3 days") && !page.body.contains(ADDRESS), "{}", page.body);
    let done = browser.submit(&page, "/login/recovery", &[]).await;
    let page = browser.open(done.location()).await;
    assert!(page.body.contains("Your recovery waits"), "{}", page.body);
    let letter = app.letter(3).await;
    assert_eq!(letter.to, ADDRESS);
    assert_eq!(letter.subject.as_deref(), Some("Somebody wants to remove your second steps at Doorward"));
    assert!(
        letter.text.lines().filter(|line| !line.contains("token=")).all(|line| line.len() <= 78),
        "{}",
        *letter.text
    );
    assert!(elsewhere.is_signed_in().await, "nothing changes while it waits");

    app.pass(WAIT);
    let mut browser = app.browser();
    let next = browser.log_in("amelia", PASSWORD).await.location().to_owned();
    assert!(next.starts_with("/login/recovery?l="), "it is offered: {next}");
    let page = browser.open(&next).await;
    assert!(page.links_to(&next.replace("/login/recovery", "/login/totp")), "who has the app uses it: {}", page.body);
    assert!(page.body.contains("a•••@m•••.example") && !page.body.contains(ADDRESS), "{}", page.body);
    let sent = browser.submit(&page, "/login/recovery/send", &[]).await;
    assert_eq!(sent.location(), next);
    let page = browser.open(&next).await;
    let early = browser.submit(&page, "/login/recovery/send", &[]).await;
    assert_eq!(early.status, StatusCode::TOO_MANY_REQUESTS);
    let nonsense = browser.submit(&page, "/login/recovery/complete", &[("code", "12")]).await;
    assert_eq!(nonsense.status, StatusCode::UNPROCESSABLE_ENTITY);
    let code = app.code_after(3).await;
    let done = browser.submit(&page, "/login/recovery/complete", &[("code", &code)]).await;
    assert_eq!(done.location(), "/account/mfa/recommended?to=%2Faccount");
    let page = browser.open(done.location()).await;
    assert!(page.links_to("/account/mfa") && page.body.contains("Not now"), "{}", page.body);
    let page = browser.open("/account/mfa").await;
    assert!(page.body.contains("Enable multi-factor authentication"), "{}", page.body);
    assert!(!elsewhere.is_signed_in().await, "sessions end");
    browser.enrol().await;
    let mut again = app.browser();
    assert!(again.log_in("amelia", PASSWORD).await.location().starts_with("/login/totp?l="));
}

/// Sixty-four windows of the browser in which it was asked for, all at once.
#[tokio::test]
async fn of_64_presentations_of_one_code_one_recovers_the_account() {
    let app = app().await;
    amelia(&app).await;
    begin(&app, "amelia").await;
    app.pass(WAIT);
    let (mut browser, page) = lost(&app, "amelia").await;
    let path = browser.submit(&page, "/login/recovery/send", &[]).await.location().to_owned();
    let page = browser.open(&path).await;
    let code = app.code_after(3).await;
    let windows = (0..64).map(|_| {
        let (mut window, page, code) = (browser.clone(), &page, &code);
        async move { window.submit(page, "/login/recovery/complete", &[("code", code)]).await }
    });
    let answers = futures_util::future::join_all(windows).await;
    let sessions = |answer: &&Answer| answer.cookies().iter().any(|line| line.starts_with("__Host-dw_session="));
    assert_eq!(answers.iter().filter(sessions).count(), 1);
    let late = browser.submit(&page, "/login/recovery/complete", &[("code", &code)]).await;
    assert!(!sessions(&&late), "{}", late.body);
}

#[tokio::test]
async fn the_link_cancels_from_any_browser_once_and_opening_it_does_nothing() {
    let app = app().await;
    amelia(&app).await;
    begin(&app, "amelia").await;
    let link = app.mailed_link(3).await;
    let mut browser = app.browser();
    for _ in 0..3 {
        let page = browser.open(&link).await;
        assert!(page.body.contains("This was not me") && page.body.contains("amelia"), "{}", page.body);
    }
    let page = browser.open(&link).await;
    let done = browser.submit(&page, "/recovery/cancel", &[]).await;
    assert_eq!(done.location(), "/recovery/cancel?done=1");
    let told = browser.open(done.location()).await;
    assert!(told.links_to("/account/password") && told.links_to("/forgot"), "{}", told.body);
    assert_eq!(browser.submit(&page, "/recovery/cancel", &[]).await.status, StatusCode::GONE, "once");
    assert_eq!(browser.get(&link).await.status, StatusCode::GONE);
    let (_, page) = lost(&app, "amelia").await;
    assert!(page.body.contains("As long as the account has the same password"), "{}", page.body);
    for broken in ["/recovery/cancel", "/recovery/cancel?token=", "/recovery/cancel?token=v1.k1.x.y"] {
        assert_eq!(browser.get(broken).await.status, StatusCode::GONE, "{broken}");
    }
}

#[tokio::test]
async fn the_account_shows_what_waits_and_a_session_cancels_it() {
    let app = app().await;
    let (mut owner, _) = amelia(&app).await;
    begin(&app, "amelia").await;
    let page = owner.open("/account").await;
    assert!(page.body.contains("Somebody wants to remove your second steps"), "{}", page.body);
    let done = owner.submit(&page, "/account/recovery/cancel", &[]).await;
    assert_eq!(done.location(), "/account?done=recovery-cancelled");
    let again = owner.submit(&page, "/account/recovery/cancel", &[]).await;
    assert_eq!(again.location(), "/account", "twice does no harm");
    let page = owner.open("/account").await;
    assert!(!page.body.contains("Somebody wants"), "{}", page.body);
}

#[tokio::test]
async fn a_sign_in_with_the_app_cancels_it_and_its_owner_is_told() {
    let app = app().await;
    let (_, seed) = amelia(&app).await;
    begin(&app, "amelia").await;
    let mut browser = app.browser();
    let next = browser.log_in("amelia", PASSWORD).await.location().to_owned();
    let page = browser.open(&next).await;
    browser.submit(&page, "/login/totp", &[("code", &app.code(&seed))]).await.location();
    let letter = app.letter(4).await;
    assert_eq!(letter.subject.as_deref(), Some("A request to remove all your second steps was cancelled"));
    let (_, page) = lost(&app, "amelia").await;
    assert!(page.body.contains("A sign-in with a second step cancelled it"), "{}", page.body);
}

/// Nothing of an account is told before its password was right, and what is not offered does not exist.
#[tokio::test]
async fn the_pages_are_for_those_who_gave_the_password_on_a_server_that_offers_them() {
    let app = app().await;
    amelia(&app).await;
    let mut browser = app.browser();
    let page = browser.open("/login").await;
    let label = page.field("/login", "l");
    let path = format!("/login/recovery?l={label}");
    assert_eq!(browser.get(&path).await.status, StatusCode::BAD_REQUEST);
    let csrf = page.field("/login", "csrf");
    let fields = [("csrf".to_owned(), csrf), ("l".to_owned(), label)];
    for form in ["/login/recovery", "/login/recovery/send"] {
        assert_eq!(browser.post(form, &fields).await.status, StatusCode::BAD_REQUEST, "{form}");
    }
    assert_eq!(app.sent(), 2);

    let off = TestApp::new().await;
    amelia(&off).await;
    let mut browser = off.browser();
    let next = browser.log_in("amelia", PASSWORD).await.location().to_owned();
    let page = browser.open(&next).await;
    assert!(!page.body.contains(LINK), "{}", page.body);
    let path = next.replace("/login/totp", "/login/recovery");
    assert_eq!(browser.get(&path).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_account_without_a_confirmed_address_is_sent_to_the_operators() {
    let app = app().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    browser.enrol().await;
    let (_, page) = lost(&app, "amelia").await;
    assert!(page.body.contains("This account cannot be recovered here"), "{}", page.body);
    assert!(!page.body.contains("action=\"/login/recovery\""), "{}", page.body);
}

#[tokio::test]
async fn an_application_that_waits_is_answered_after_the_recovery_with_what_was_proved() {
    let app = app().await;
    let rp = Rp::new(&app).await;
    amelia(&app).await;
    begin(&app, "amelia").await;
    app.pass(WAIT);
    let mut browser = app.browser();
    let page = browser.open(&rp.path(&[])).await;
    let typed = [("username", "amelia"), ("password", PASSWORD)];
    let next = browser.submit(&page, "/login", &typed).await.location().to_owned();
    let page = browser.open(&next).await;
    browser.submit(&page, "/login/recovery/send", &[]).await.location();
    let page = browser.open(&next).await;
    let code = app.code_after(3).await;
    let done = browser.submit(&page, "/login/recovery/complete", &[("code", &code)]).await;
    let recommended = done.location().to_owned();
    assert!(recommended.starts_with("/account/mfa/recommended?to=%2Foauth%2Fauthorize%2Fcontinue"), "{recommended}");
    let page = browser.open(&recommended).await;
    let declined = browser.submit(&page, "/account/mfa/decline", &[]).await.location().to_owned();
    let answer = browser.open(&declined).await;
    let code = returned(&answer).remove("code").expect("a code");
    let tokens = rp.redeem(&code, &[]).await;
    let tokens: serde_json::Value = serde_json::from_str(&tokens.body).expect("JSON");
    let claims = crate::oauth::rp::id_claims(&tokens);
    assert_eq!(claims["amr"], serde_json::json!(["email", "otp", "pwd"]));
    assert_eq!(claims["acr"], "urn:doorward:acr:2step");
}

/// Whoever knows the password could else have the owner reminded when it is too late.
#[tokio::test]
async fn beginning_again_puts_off_no_reminder() {
    let app = app().await;
    amelia(&app).await;
    let ((mut first, first_page), (mut second, second_page)) = (lost(&app, "amelia").await, lost(&app, "amelia").await);
    first.submit(&first_page, "/login/recovery", &[]).await;
    app.letter(3).await;
    app.pass(Duration::from_mins(14));
    second.submit(&second_page, "/login/recovery", &[]).await;
    app.pass(WAIT.saturating_sub(Duration::from_hours(24) + Duration::from_mins(14)));
    assert_eq!(app.services.reminders.run().await.expect("the store works"), 1, "a day before the end");
}
