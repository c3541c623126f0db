//! `/account/email`: the account's own address, from what was typed at registration to another one.

use std::time::Duration;

use http::StatusCode;

use crate::support::{Browser, PASSWORD, TestApp};

const TYPED: &str = "amelia@mail.example";
const NEW: &str = "amelia@work.example";

/// Somebody who typed an address at registration.
async fn registered(app: &TestApp) -> Browser<'_> {
    let mut browser = app.browser();
    let page = browser.open("/register").await;
    let typed = [("user_name", "amelia"), ("email", TYPED), ("password", PASSWORD)];
    browser.submit(&page, "/register", &typed).await.location();
    browser
}

#[tokio::test]
async fn the_address_that_was_typed_is_proved_from_the_page_that_says_that_it_is_not() {
    let app = TestApp::new().await;
    let mut browser = registered(&app).await;
    let page = browser.open("/account").await;
    assert!(page.body.contains("not verified"), "{}", page.body);
    assert_eq!(page.field("/account/email", "email"), TYPED);
    let sent = browser.submit(&page, "/account/email", &[]).await;
    assert_eq!(sent.location(), "/account/email/confirm");
    let letter = app.letter(1).await;
    assert_eq!(letter.to, TYPED);
    assert!(letter.text.contains("says that this is their address"), "{}", *letter.text);
    let page = browser.open("/account/email/confirm").await;
    assert!(page.body.contains(TYPED) && page.body.contains("autocomplete=\"one-time-code\""), "{}", page.body);
    let again = browser.submit(&page, "/account/email", &[]).await;
    assert_eq!(again.status, StatusCode::TOO_MANY_REQUESTS, "{}", again.body);
    let wrong = browser.submit(&page, "/account/email/confirm", &[("code", "12345")]).await;
    assert!(wrong.body.contains("id=\"code\""), "{}", wrong.body);
    let code = app.mailed_code(1).await;
    let done = browser.submit(&page, "/account/email/confirm", &[("code", &code)]).await;
    assert_eq!(done.location(), "/account?done=address-confirmed");
    let page = browser.open("/account").await;
    assert!(!page.body.contains("not verified") && page.links_to("/account/email"), "{}", page.body);
    assert_eq!(browser.open("/account/mfa").await.status, StatusCode::OK);
    // Nothing awaits a code any more.
    assert_eq!(browser.get("/account/email/confirm").await.location(), "/account");

    let mut elsewhere = app.browser();
    let next = elsewhere.log_in("amelia", PASSWORD).await.location().to_owned();
    assert_eq!(next, "/account", "it is no second step");
    let mut stranger = app.browser();
    let page = stranger.open("/forgot").await;
    stranger.submit(&page, "/forgot", &[("username", "amelia")]).await.location();
    assert_eq!(app.letter(2).await.to, TYPED);
}

#[tokio::test]
async fn another_address_takes_fresh_proofs_and_its_own_code() {
    let app = TestApp::new().await;
    let mut browser = registered(&app).await;
    let page = browser.open("/account/email").await;
    assert!(page.body.contains(TYPED), "{}", page.body);
    let nothing = browser.submit(&page, "/account/email", &[("email", "no address")]).await;
    assert!(nothing.body.contains("id=\"email\"") && app.sent() == 0, "{}", nothing.body);
    let sent = browser.submit(&page, "/account/email", &[("email", NEW)]).await;
    assert_eq!(sent.location(), "/account/email/confirm");
    let code = app.mailed_code(1).await;
    assert!(browser.open("/account").await.body.contains(TYPED), "not yet");
    app.pass(Duration::from_mins(10));
    let stale = browser.get("/account/email").await;
    assert!(stale.location().starts_with("/account/reauthenticate?to="), "{}", stale.location());
    let page = browser.open("/account/email/confirm").await;
    let stale = browser.submit(&page, "/account/email/confirm", &[("code", &code)]).await;
    assert!(stale.location().starts_with("/account/reauthenticate?to="), "{}", stale.location());

    let mut browser = app.browser();
    browser.log_in("amelia", PASSWORD).await.location();
    let page = browser.open("/account/email").await;
    browser.submit(&page, "/account/email", &[("email", NEW)]).await.location();
    let (page, code) = (browser.open("/account/email/confirm").await, app.mailed_code(2).await);
    let done = browser.submit(&page, "/account/email/confirm", &[("code", &code)]).await;
    assert_eq!(done.location(), "/account?done=address-confirmed");
    let page = browser.open("/account").await;
    assert!(page.body.contains(NEW) && !page.body.contains(TYPED), "{}", page.body);
}
