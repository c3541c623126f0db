//! "Trust this browser": the box at the second step, its cookie, and the list of those that are trusted.

use std::time::Duration;

use actors::testing::Traits;
use http::StatusCode;

use crate::{
    html::tags,
    oauth::rp::{Rp, returned},
    passkey,
    support::{Answer, Browser, PASSWORD, TestApp},
};

const THIRTY_DAYS: &str = "Max-Age=2592000";

/// The names of the cookies of trusted devices.
fn trusted_cookies(browser: &Browser<'_>) -> Vec<String> {
    browser.jar.keys().filter(|name| name.contains("dw_trusted_")).cloned().collect()
}

/// Is the box on the page, and is it ticked?
fn the_box(page: &Answer) -> Option<bool> {
    let tags = tags(&page.body);
    tags.iter().find(|tag| tag.name == "input" && tag.text("name") == "trust").map(|tag| tag.get("checked").is_some())
}

/// Types name and password in a browser that is not signed in; gives where that leads.
async fn first_proof(browser: &mut Browser<'_>, name: &str) -> String {
    browser.log_in(name, PASSWORD).await.location().to_owned()
}

/// Closes the browser: the session's cookie goes, those with a time of their own stay.
fn close(browser: &mut Browser<'_>) {
    browser.jar.retain(|name, _| !name.contains("dw_session"));
}

/// Somebody with an authenticator app, in a browser that is not signed in.
async fn enrolled<'a>(app: &'a TestApp, name: &str) -> (Browser<'a>, Vec<u8>) {
    let mut browser = app.browser();
    browser.register(name).await;
    let (seed, _) = browser.enrol().await;
    app.pass(Duration::from_secs(30));
    (app.browser(), seed)
}

/// Signs in with the box ticked.
async fn trust(browser: &mut Browser<'_>, name: &str, seed: &[u8]) -> Answer {
    let next = first_proof(browser, name).await;
    let page = browser.open(&next).await;
    assert_eq!(the_box(&page), Some(false), "nobody trusts by default: {}", page.body);
    let typed = [("code", &*browser.app.code(seed)), ("trust", "on")];
    let done = browser.submit(&page, "/login/totp", &typed).await;
    assert_eq!(done.location(), "/account");
    browser.app.pass(Duration::from_secs(30));
    done
}

#[tokio::test]
async fn a_browser_is_trusted_once_its_user_ticks_the_box_and_then_asks_for_the_password_alone() {
    let app = TestApp::new().await;
    let (mut browser, seed) = enrolled(&app, "amelia").await;
    let next = first_proof(&mut browser, "amelia").await;
    let page = browser.open(&next).await;
    let code = app.code(&seed);
    browser.submit(&page, "/login/totp", &[("code", &code)]).await.location();
    assert_eq!(trusted_cookies(&browser), [""; 0]);
    app.pass(Duration::from_secs(30));

    close(&mut browser);
    let done = trust(&mut browser, "amelia", &seed).await;
    let line = done.cookies().into_iter().find(|line| line.contains("dw_trusted_")).expect("a cookie").to_owned();
    assert!(
        line.starts_with("__Host-dw_trusted_") && line.contains("; Path=/; HttpOnly; SameSite=Lax; Secure"),
        "{line}"
    );
    assert!(line.contains(THIRTY_DAYS), "{line}");
    close(&mut browser);
    let before = browser.jar.clone();
    assert_eq!(first_proof(&mut browser, "amelia").await, "/account");
    let name = &trusted_cookies(&browser)[0];
    assert_ne!(browser.jar[name], before[name], "a new secret each time");

    let mut elsewhere = app.browser();
    assert!(first_proof(&mut elsewhere, "amelia").await.starts_with("/login/totp"));
}

#[tokio::test]
async fn what_was_ticked_stays_ticked_when_the_code_was_wrong() {
    let app = TestApp::new().await;
    let (mut browser, seed) = enrolled(&app, "amelia").await;
    let next = first_proof(&mut browser, "amelia").await;
    let page = browser.open(&next).await;
    for wrong in ["12345", "000000"] {
        let again = browser.submit(&page, "/login/totp", &[("code", wrong), ("trust", "on")]).await;
        assert_eq!((again.status, the_box(&again)), (StatusCode::UNPROCESSABLE_ENTITY, Some(true)));
    }
    let code = app.code(&seed);
    let again = browser.submit(&page, "/login/totp", &[("code", "000000")]).await;
    assert_eq!(the_box(&again), Some(false));
    assert_eq!(browser.submit(&again, "/login/totp", &[("code", &code)]).await.location(), "/account");
    assert_eq!(trusted_cookies(&browser), [""; 0]);
}

#[tokio::test]
async fn an_application_that_wants_two_factors_gets_them_in_a_trusted_browser_too() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let (mut browser, seed) = enrolled(&app, "amelia").await;
    trust(&mut browser, "amelia", &seed).await;
    close(&mut browser);
    let claims = r#"{"id_token":{"acr":{"essential":true,"value":"urn:doorward:acr:mfa"}}}"#;
    let asked = rp.path(&[("claims", claims)]);
    let typed = [("username", "amelia"), ("password", PASSWORD)];
    let page = browser.open(&asked).await;
    let led = browser.submit(&page, "/login", &typed).await.location().to_owned();
    assert!(led.starts_with("/login/totp"), "{led}");

    // Another application is content with the password, and the session says so: then the first one asks for more.
    let page = browser.open(&rp.path(&[])).await;
    let led = browser.submit(&page, "/login", &typed).await.location().to_owned();
    assert!(returned(&browser.open(&led).await).contains_key("code"));
    app.pass(Duration::from_secs(30));
    let page = browser.open(&asked).await;
    let led = browser.submit(&page, "/login", &typed).await.location().to_owned();
    let page = browser.open(&led).await;
    let code = app.code(&seed);
    let led = browser.submit(&page, "/login/totp", &[("code", &code)]).await.location().to_owned();
    assert!(returned(&browser.open(&led).await).contains_key("code"));
}

#[tokio::test]
async fn nothing_is_changed_in_a_trusted_browser_without_a_second_proof() {
    let app = TestApp::new().await;
    let (mut browser, seed) = enrolled(&app, "amelia").await;
    trust(&mut browser, "amelia", &seed).await;
    close(&mut browser);
    assert_eq!(first_proof(&mut browser, "amelia").await, "/account");
    let asked = browser.get("/account/mfa/backup-codes").await.location().to_owned();
    assert!(asked.starts_with("/account/reauthenticate?to="), "{asked}");
    let page = browser.open(&asked).await;
    let refused = browser.submit(&page, "/account/reauthenticate", &[("password", PASSWORD), ("code", "")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.body);
    let proofs = [("password", PASSWORD), ("code", &*app.code(&seed))];
    let led = browser.submit(&page, "/account/reauthenticate", &proofs).await.location().to_owned();
    assert_eq!(led, "/account/mfa/backup-codes");
}

#[tokio::test]
async fn people_who_share_a_browser_keep_their_own_trust() {
    let app = TestApp::new().await;
    let (mut browser, seed) = enrolled(&app, "amelia").await;
    let (_, other) = enrolled(&app, "bertram").await;
    trust(&mut browser, "amelia", &seed).await;
    close(&mut browser);
    assert!(first_proof(&mut browser, "bertram").await.starts_with("/login/totp"), "hers is not his");
    trust(&mut browser, "bertram", &other).await;
    assert_eq!(trusted_cookies(&browser).len(), 2);
    for name in ["amelia", "bertram"] {
        close(&mut browser);
        assert_eq!(first_proof(&mut browser, name).await, "/account", "{name}");
    }
}

#[tokio::test]
async fn of_the_cookies_of_many_people_five_are_kept() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    for n in 0..7 {
        let name = format!("person{n}");
        let (_, seed) = enrolled(&app, &name).await;
        trust(&mut browser, &name, &seed).await;
        close(&mut browser);
    }
    assert_eq!(trusted_cookies(&browser).len(), 5);
    assert_eq!(first_proof(&mut browser, "person6").await, "/account", "the newest is among them");
}

#[tokio::test]
async fn the_list_shows_trusted_browsers_and_forgets_them() {
    let app = TestApp::new().await;
    let (mut browser, seed) = enrolled(&app, "amelia").await;
    trust(&mut browser, "amelia", &seed).await;
    let page = browser.open("/account/sessions").await;
    assert!(page.body.contains("Trusted browsers") && page.body.contains("Firefox on Linux"), "{}", page.body);
    let device = page.field("/account/trusted/forget", "device");
    let forged = browser.submit(&page, "/account/trusted/forget", &[("device", "somebody's")]).await;
    assert_eq!(forged.status, StatusCode::BAD_REQUEST);
    for _ in 0..2 {
        let forgot = browser.submit(&page, "/account/trusted/forget", &[("device", &device)]).await;
        assert_eq!(forgot.location(), "/account/sessions?done=trust-forgotten");
    }
    let after = browser.open("/account/sessions?done=trust-forgotten").await;
    assert!(after.body.contains("not trusted any more") && !after.body.contains("Trusted browsers"), "{}", after.body);
    close(&mut browser);
    assert!(first_proof(&mut browser, "amelia").await.starts_with("/login/totp"));
}

#[tokio::test]
async fn a_browser_is_trusted_by_who_uses_a_passkey_after_the_password_and_ticks_the_box() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let (mut key, ..) = passkey::enrol(&mut browser, "", Traits::PLAIN).await;
    let mut browser = app.browser();
    assert_eq!(the_box(&browser.open("/login").await), None, "who needs no password is not spared one");
    let next = first_proof(&mut browser, "amelia").await;
    let page = browser.open(&next).await;
    assert_eq!(the_box(&page), Some(false), "nobody trusts by default: {}", page.body);
    let empty = browser.submit(&page, "/login/passkey", &[("trust", "on")]).await;
    assert_eq!((empty.status, the_box(&empty)), (StatusCode::UNPROCESSABLE_ENTITY, Some(true)));
    let signed = key.sign(&passkey::options(&page)).to_string();
    let done = browser.submit(&page, "/login/passkey", &[("answer", &signed)]).await;
    assert_eq!(done.location(), "/account");
    assert_eq!(trusted_cookies(&browser), [""; 0], "the box was not ticked this time");

    close(&mut browser);
    let next = first_proof(&mut browser, "amelia").await;
    let page = browser.open(&next).await;
    let signed = key.sign(&passkey::options(&page)).to_string();
    let done = browser.submit(&page, "/login/passkey", &[("answer", &signed), ("trust", "on")]).await;
    assert_eq!(done.location(), "/account");
    assert!(done.cookies().iter().any(|line| line.contains(THIRTY_DAYS)), "{:?}", done.cookies());
    close(&mut browser);
    assert_eq!(first_proof(&mut browser, "amelia").await, "/account");
    assert!(first_proof(&mut app.browser(), "amelia").await.starts_with("/login/passkey"));
}

#[tokio::test]
async fn a_passkey_alone_gives_no_trust_and_needs_none() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let (mut key, ..) = passkey::enrol(&mut browser, "", Traits::SYNCED).await;
    let mut browser = app.browser();
    let page = browser.open("/login").await;
    let signed = key.sign(&passkey::options(&page)).to_string();
    let done = browser.submit(&page, "/login/passkey", &[("answer", &signed), ("trust", "on")]).await;
    assert_eq!(done.location(), "/account");
    assert_eq!(trusted_cookies(&browser), [""; 0]);
}

#[tokio::test]
async fn where_nobody_is_trusted_there_is_no_box() {
    let app = TestApp::with(crate::support::HTTPS, |settings| settings.trusted_days = 0).await;
    let (mut browser, seed) = enrolled(&app, "amelia").await;
    let next = first_proof(&mut browser, "amelia").await;
    let page = browser.open(&next).await;
    assert_eq!(the_box(&page), None);
    let typed = [("code", &*app.code(&seed)), ("trust", "on")];
    assert_eq!(browser.submit(&page, "/login/totp", &typed).await.location(), "/account");
    assert_eq!(trusted_cookies(&browser), [""; 0]);

    let (mut key, ..) = passkey::enrol(&mut browser, "", Traits::PLAIN).await;
    close(&mut browser);
    let next = first_proof(&mut browser, "amelia").await;
    let page = browser.open(&next).await;
    assert_eq!(the_box(&page), None);
    let signed = key.sign(&passkey::options(&page)).to_string();
    let done = browser.submit(&page, "/login/passkey", &[("answer", &signed), ("trust", "on")]).await;
    assert_eq!(done.location(), "/account");
    assert_eq!(trusted_cookies(&browser), [""; 0]);
}
