//! `/login/link`, `/account/mfa/email/link`: the link beside a code by e-mail.

use std::time::Duration;

use actors::domain::assurance::Acr;
use axum::body::Body;
use http::{Method, StatusCode, header};

use crate::{
    oauth::rp::{Rp, id_claims, ok, returned},
    support::{Answer, Browser, HTTPS, PASSWORD, TestApp, encode},
};

const ADDRESS: &str = "amelia@mail.example";
const LOGIN: &str = "/login/link";
const ACTIVATION: &str = "/account/mfa/email/link";

/// Has the first code sent to an address; gives the path of the page that asks for it.
async fn begin(browser: &mut Browser<'_>) -> String {
    let page = browser.open("/account/mfa").await;
    browser.submit(&page, "/account/mfa/email", &[("email", ADDRESS)]).await.location().to_owned()
}

/// Somebody whose second step is mail, with one message sent; their browser is left behind.
async fn app() -> TestApp {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let path = begin(&mut browser).await;
    let (page, code) = (browser.open(&path).await, app.mailed_code(1).await);
    browser.submit(&page, &format!("{path}/confirm"), &[("code", &code)]).await.backup_codes();
    app
}

/// Types the password in a browser that was never here; the link to complete the login is in message number `n`.
async fn begun(app: &TestApp, n: usize) -> (Browser<'_>, String, String) {
    let mut browser = app.browser();
    let next = browser.log_in("amelia", PASSWORD).await.location().to_owned();
    assert!(next.starts_with("/login/email?l="), "{next}");
    let link = app.mailed_link(n).await;
    assert!(link.starts_with("/login/link?token=v1."), "{link}");
    (browser, next, link)
}

/// Keeps the address to itself.
fn assert_told_to_nobody(answer: &Answer) {
    for (name, value) in [(header::REFERRER_POLICY, "no-referrer"), (header::CACHE_CONTROL, "no-store")] {
        assert_eq!(answer.headers[&name], value, "{}", answer.body);
    }
}

#[tokio::test]
async fn a_link_shows_a_button_where_the_login_was_begun_and_the_button_completes_it() {
    let app = app().await;
    let (mut browser, next, link) = begun(&app, 2).await;
    assert!(browser.open(&next).await.body.contains("Or open the link in the message, in this browser."));
    for _ in 0..2 {
        let head = browser.request(Method::HEAD, &link).body(Body::empty()).expect("a well-formed request");
        let head = browser.send(head).await;
        assert_eq!((head.status, head.body.as_str()), (StatusCode::OK, ""));
        assert_told_to_nobody(&head);
    }
    let page = browser.get(&link).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    assert_told_to_nobody(&page);
    assert!(!browser.is_signed_in().await, "opening the link signs nobody in");
    assert!(!page.body.contains(&app.mailed_code(2).await), "there is nothing to type here");
    let done = browser.submit(&page, LOGIN, &[]).await;
    assert_eq!(done.location(), "/account");
    assert_told_to_nobody(&done);
    assert!(browser.is_signed_in().await);
    assert_eq!(browser.get(&link).await.location(), "/account", "who opens it again is where it led");
    assert_eq!(browser.submit(&page, LOGIN, &[]).await.location(), "/account", "the button was pressed twice");
}

#[tokio::test]
async fn in_another_browser_a_link_shows_the_code_and_completes_nothing() {
    let app = app().await;
    let (mut browser, next, link) = begun(&app, 2).await;
    let code = app.mailed_code(2).await;
    let (mut phone, mut scanner) = (app.browser(), app.browser());
    for _ in 0..3 {
        let page = scanner.get(&link).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        assert_told_to_nobody(&page);
    }
    let page = phone.get(&link).await;
    assert!(page.body.contains("Go back to where you began") && page.body.contains(&code), "{}", page.body);
    assert!(!page.body.contains("<form"), "{}", page.body);

    // What the button would send, from the wrong browser: with its own value, and with the one of the page that has a button.
    let there = browser.get(&link).await;
    let mut fields = there.form(LOGIN);
    assert_eq!(phone.post(LOGIN, &fields).await.status, StatusCode::BAD_REQUEST);
    let own = phone.open("/login").await;
    let (own_login, own_csrf) = (own.field("/login", "l"), own.field("/login", "csrf"));
    for (name, value) in &mut fields {
        match name.as_str() {
            "l" => own_login.clone_into(value),
            "csrf" => own_csrf.clone_into(value),
            _ => {}
        }
    }
    let refused = phone.post(LOGIN, &fields).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.body);
    assert!(!phone.is_signed_in().await && !browser.is_signed_in().await);
    let page = browser.open(&next).await;
    assert_eq!(browser.submit(&page, "/login/email", &[("code", &code)]).await.location(), "/account");
    let page = phone.get(&link).await;
    assert_eq!(page.status, StatusCode::GONE, "the code voids the link");
    assert!(page.body.contains("This link does not work") && !page.body.contains(&code), "{}", page.body);
    assert_told_to_nobody(&page);
}

#[tokio::test]
async fn a_link_that_is_good_no_more_says_what_to_do() {
    let app = app().await;
    let (mut browser, next, first) = begun(&app, 2).await;
    let button = browser.get(&first).await;
    app.pass(Duration::from_mins(1));
    let page = browser.open(&next).await;
    browser.submit(&page, "/login/email/send", &[]).await.location();
    let second = app.mailed_link(3).await;
    let replaced = browser.get(&first).await;
    assert_eq!(replaced.status, StatusCode::UNPROCESSABLE_ENTITY);
    let words = "This link is not good any more. Use the newest message, or ask for another one.";
    assert!(replaced.body.contains(words) && !replaced.form("/login/email").is_empty(), "{}", replaced.body);
    for _ in 0..20 {
        let refused = browser.submit(&button, LOGIN, &[]).await;
        assert!(refused.status == StatusCode::UNPROCESSABLE_ENTITY && refused.body.contains(words), "{}", refused.body);
    }
    for link in ["/login/link", "/login/link?token=", "/login/link?token=nonsense", &format!("{second}x")] {
        let page = browser.get(link).await;
        assert!(page.status == StatusCode::GONE && page.body.contains("Ask for a new link."), "{link}: {}", page.body);
        assert_told_to_nobody(&page);
    }
    let other_kind = second.replace(LOGIN, ACTIVATION);
    assert_eq!(browser.get(&other_kind).await.status, StatusCode::GONE, "a link is good for its purpose alone");
    let page = browser.get(&second).await;
    assert_eq!(browser.submit(&page, LOGIN, &[]).await.location(), "/account", "nothing of that was a guess");
}

#[tokio::test]
async fn a_button_counts_only_where_it_was_shown_and_says_when_it_must_wait() {
    let app = app().await;
    let (mut browser, next, link) = begun(&app, 2).await;
    let page = browser.get(&link).await;
    let fields = page.form(LOGIN);
    for (origin, fetch) in [("https://evil.example", "cross-site"), ("null", "cross-site")] {
        let request = browser.form_request(LOGIN).header(header::ORIGIN, origin).header("sec-fetch-site", fetch);
        let request = request.body(Body::from(encode(&fields))).expect("a well-formed request");
        assert_eq!(browser.send(request).await.status, StatusCode::FORBIDDEN);
    }
    let wrong = if app.mailed_code(2).await == "000000" { "000001" } else { "000000" };
    let typing = browser.open(&next).await;
    for _ in 0..5 {
        browser.submit(&typing, "/login/email", &[("code", wrong)]).await;
    }
    let waits = browser.submit(&page, LOGIN, &[("trust", "on")]).await;
    assert_eq!(waits.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(waits.body.contains("Too many attempts.") && waits.body.contains("checked"), "{}", waits.body);
    app.pass(Duration::from_secs(40));
    // As browsers send it from a page that tells nobody its address.
    let fields = waits.form(LOGIN);
    let request = browser.form_request(LOGIN).header(header::ORIGIN, "null").header("sec-fetch-site", "same-origin");
    let request = request.body(Body::from(encode(&fields))).expect("a well-formed request");
    assert_eq!(browser.send(request).await.location(), "/account");
    assert!(browser.jar.keys().any(|name| name.contains("dw_trusted_")), "the box was ticked");
}

#[tokio::test]
async fn a_link_leads_on_to_the_application_that_waits_and_proves_no_more_than_a_code() {
    let app = app().await;
    let rp = Rp::new(&app).await;
    let mut browser = app.browser();
    let page = browser.open(&rp.path(&[])).await;
    let typed = [("username", "amelia"), ("password", PASSWORD)];
    let next = browser.submit(&page, "/login", &typed).await.location().to_owned();
    assert!(next.starts_with("/login/email?l="), "{next}");
    let page = browser.get(&app.mailed_link(2).await).await;
    assert!(page.body.contains("to continue to"), "{}", page.body);
    let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().expect("ASCII");
    assert!(policy.contains("form-action 'self' https://app.example"), "{policy}");
    let onward = browser.submit(&page, LOGIN, &[]).await.location().to_owned();
    assert!(onward.starts_with("/oauth/authorize/continue?l="), "{onward}");
    let code = returned(&browser.open(&onward).await)["code"].clone();
    let claims = id_claims(&ok(&rp.redeem(&code, &[]).await));
    assert_eq!(claims["amr"], serde_json::json!(["email", "otp", "pwd"]));
    assert_eq!(claims["acr"], Acr::TwoStep.as_str());
}

#[tokio::test]
async fn a_link_activates_an_address_where_it_was_entered_and_shows_the_code_elsewhere() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let path = begin(&mut browser).await;
    assert!(browser.open(&path).await.body.contains("Or open the link in the message, in this browser."));
    let (link, code) = (app.mailed_link(1).await, app.mailed_code(1).await);
    assert!(link.starts_with("/account/mfa/email/link?token=v1."), "{link}");
    let mut elsewhere = app.browser();
    let page = elsewhere.get(&link).await;
    assert!(page.body.contains("Go back to where you began") && page.body.contains(&code), "{}", page.body);
    elsewhere.log_in("amelia", PASSWORD).await.location();
    let page = elsewhere.get(&link).await;
    assert!(page.body.contains(&code), "another session of the same person: {}", page.body);
    assert!(browser.open("/account").await.body.contains("Enable multi-factor authentication"), "nothing was done");

    let page = browser.get(&link).await;
    assert_told_to_nobody(&page);
    assert!(page.body.contains(ADDRESS) && !page.body.contains(&code), "{}", page.body);
    let fields = page.form(ACTIVATION);
    let stolen = elsewhere.post(ACTIVATION, &fields).await;
    assert_eq!(stolen.status, StatusCode::FORBIDDEN, "{}", stolen.body);
    let done = browser.submit(&page, ACTIVATION, &[]).await;
    assert_eq!(done.backup_codes().len(), 10, "{}", done.body);
    assert_eq!(elsewhere.get(&link).await.status, StatusCode::GONE);
    assert_eq!(browser.get(&link).await.location(), "/account/mfa", "there is nothing left to do");
    let page = browser.open("/account").await;
    assert!(page.body.contains("codes to 1 e-mail address"), "{}", page.body);
}

#[tokio::test]
async fn a_link_to_an_address_asks_for_fresh_proofs_as_its_code_does() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    app.pass(Duration::from_mins(9));
    let path = begin(&mut browser).await;
    let link = app.mailed_link(1).await;
    app.pass(Duration::from_mins(2));
    let page = browser.get(&link).await;
    let asked = browser.submit(&page, ACTIVATION, &[]).await.location().to_owned();
    assert!(asked.starts_with("/account/reauthenticate?to=%2Faccount%2Fmfa%2Femail%2F"), "{asked}");
    let page = browser.open(&asked).await;
    let back = browser.submit(&page, "/account/reauthenticate", &[("password", PASSWORD)]).await;
    assert_eq!(back.location(), path);
    let page = browser.get(&link).await;
    assert_eq!(browser.submit(&page, ACTIVATION, &[]).await.backup_codes().len(), 10);
    assert!(app.letter(1).await.text.contains(HTTPS));
}
