//! In which language pages, mails and text messages are.

use std::time::Duration;

use axum::body::Body;
use http::{Method, StatusCode, header};
use schema::record::PolicyScope;

use crate::{
    oauth::rp::Rp,
    policies::{required, set},
    support::{Answer, Browser, HTTPS, PASSWORD, TestApp, encode},
};

/// Opens a page as a browser that reads these languages.
async fn get_in(browser: &mut Browser<'_>, path: &str, accept: &str) -> Answer {
    let request = browser.request(Method::GET, path).header(header::ACCEPT_LANGUAGE, accept);
    browser.send(request.body(Body::empty()).expect("a well-formed request")).await
}

fn is_in(answer: &Answer, tag: &str) -> bool {
    answer.body.contains(&format!("<html lang=\"{tag}\" dir=\"ltr\">"))
}

#[tokio::test]
async fn a_page_is_in_the_language_that_the_browser_reads_and_says_so_to_caches() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    for (accept, tag, words) in [
        ("de-CH, en;q=0.5", "de", "Ein Konto für alle Ihre Anwendungen"),
        ("zh-CN", "zh-Hans", "一个账户通用于您的所有应用"),
        ("se, *;q=0.1", "en", "One account for all your applications"),
        ("\u{fffd};;;,,q=1", "en", "One account for all your applications"),
    ] {
        let page = get_in(&mut browser, "/", accept).await;
        assert!(is_in(&page, tag) && page.body.contains(words), "{accept}: {}", page.body);
        assert_eq!(page.headers[header::VARY], "accept-language");
        assert_eq!(page.headers[header::CACHE_CONTROL], "no-store");
    }
}

#[tokio::test]
async fn a_failure_is_told_in_the_language_that_the_browser_reads() {
    let app = TestApp::new().await;
    let page = get_in(&mut app.browser(), "/nowhere", "de").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(is_in(&page, "de") && page.body.contains("Seite nicht gefunden"), "{}", page.body);
}

#[tokio::test]
async fn what_an_application_asks_for_counts_more_than_the_browser_and_lasts_for_the_login() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    for (asked, tag) in [("fr de en", "de"), ("zh-Hans-CN", "zh-Hans"), ("se", "en"), ("%00 %F0%9F", "en")] {
        let mut browser = app.browser();
        let page = browser.open(&rp.path(&[("ui_locales", asked)])).await;
        assert_eq!(page.status, StatusCode::OK, "{asked}: {}", page.body);
        assert!(is_in(&page, tag), "{asked}: {}", page.body);
        // The page that refuses a password is one of the same login.
        let refused = browser.submit(&page, "/login", &[("username", "nobody"), ("password", "wrong password")]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(is_in(&refused, tag), "{asked}: {}", refused.body);
    }
}

#[tokio::test]
async fn a_question_is_in_the_language_that_the_application_asked_for() {
    let app = TestApp::new().await;
    let rp = Rp::with(&app, |new| new.trusted = false).await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let page = browser.open(&rp.path(&[("ui_locales", "de")])).await;
    assert!(is_in(&page, "de") && page.body.contains("Erlauben"), "{}", page.body);
    // A page without a login is in the browser's.
    assert!(is_in(&browser.open("/account").await, "en"));
}

#[tokio::test]
async fn a_name_that_is_proposed_is_in_the_language_of_the_page() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let page = get_in(&mut browser, "/account/mfa", "zh").await;
    assert_eq!(page.field("/account/mfa/totp", "name"), "身份验证器应用");
}

#[tokio::test]
async fn a_message_is_in_the_language_of_the_page_that_caused_it() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let page = get_in(&mut browser, "/account/mfa", "de").await;
    let mut fields = page.form("/account/mfa/sms");
    for (name, value) in &mut fields {
        if name == "phone" {
            "+49 151 12345678".clone_into(value);
        }
    }
    let request = browser
        .form_request("/account/mfa/sms")
        .header(header::ORIGIN, "https://id.example")
        .header(header::ACCEPT_LANGUAGE, "de");
    let body = Body::from(encode(&fields));
    let answer = browser.send(request.body(body).expect("a well-formed request")).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    let letter = app.letter(1).await;
    assert!(letter.text.contains("bestätigt diese Nummer für Doorward"), "{}", *letter.text);
}

#[tokio::test]
async fn the_metadata_list_the_languages_that_are_offered() {
    let app = TestApp::new().await;
    let answer = app.browser().get("/.well-known/openid-configuration").await;
    let metadata: serde_json::Value = serde_json::from_str(&answer.body).expect("JSON");
    assert_eq!(metadata["ui_locales_supported"], serde_json::json!(["en", "de", "zh-Hans"]));
}

/// Somebody begins to sign in for an application that asks for German, in a browser that reads English.
async fn begun<'a>(app: &'a TestApp, rp: &Rp<'_>) -> (Browser<'a>, Answer, String) {
    let mut browser = app.browser();
    let page = browser.open(&rp.path(&[("ui_locales", "de")])).await;
    let login = page.field("/login", "l");
    (browser, page, login)
}

fn assert_german(page: &Answer, status: StatusCode, heading: &str, at: &str) {
    assert_eq!(page.status, status, "{at}: {}", page.body);
    assert!(is_in(page, "de") && page.body.contains(heading), "{at}: {}", page.body);
}

#[tokio::test]
async fn a_failure_during_a_login_is_told_in_the_language_of_its_application() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let (mut browser, _, login) = begun(&app, &rp).await;
    for (path, status, heading) in [
        (format!("/login/nowhere?l={login}"), StatusCode::NOT_FOUND, "Seite nicht gefunden"),
        (format!("/login/totp?l={login}"), StatusCode::BAD_REQUEST, "Diese Anmeldung ist beendet"),
    ] {
        assert_german(&browser.open(&path).await, status, heading, &path);
    }
    // Another browser, and this one when it has forgotten what is over.
    app.pass(Duration::from_mins(16));
    browser.jar.retain(|name, _| !name.contains("dw_login_"));
    for mut browser in [app.browser(), browser] {
        for at in ["/login", "/login/totp", "/login/recovery", "/consent", "/oauth/authorize/continue"] {
            let page = browser.open(&format!("{at}?l={login}")).await;
            assert_german(&page, StatusCode::BAD_REQUEST, "Diese Anmeldung ist beendet", at);
        }
    }
}

#[tokio::test]
async fn a_form_of_a_login_is_refused_in_the_language_of_its_application() {
    let app = TestApp::with(HTTPS, |settings| settings.limits.failures.burst = 1).await;
    let rp = Rp::new(&app).await;
    let (mut browser, page, login) = begun(&app, &rp).await;
    let typed = [("username", "nobody"), ("password", "wrong password")];
    let wrong = browser.submit(&page, "/login", &typed).await;
    assert_german(&wrong, StatusCode::UNPROCESSABLE_ENTITY, "Anmelden", "wrong");
    let limited = browser.submit(&page, "/login", &typed).await;
    assert_german(&limited, StatusCode::TOO_MANY_REQUESTS, "Zu viele Versuche", "limited");
    let forged = browser.submit(&page, "/login", &[("csrf", "forged"), typed[0], typed[1]]).await;
    assert_german(&forged, StatusCode::FORBIDDEN, "Diese Seite ist veraltet", "forged");
    let half = browser.post("/login", &[("l".to_owned(), login)]).await;
    assert_german(&half, StatusCode::BAD_REQUEST, "Diese Anfrage kann nicht gelesen werden", "half a form");
    // Of what is not read nobody knows to which login it belongs.
    let foreign = browser.form_request("/login").body(Body::from(encode(&page.form("/login")))).expect("a request");
    let foreign = browser.send(foreign).await;
    assert_german(&foreign, StatusCode::FORBIDDEN, "Diese Seite ist veraltet", "foreign");
}

#[tokio::test]
async fn a_request_that_cannot_be_answered_is_refused_in_the_language_that_it_asks_for() {
    let app = TestApp::with(HTTPS, |settings| settings.limits.stored_requests.burst = 1).await;
    let rp = Rp::new(&app).await;
    let mut browser = app.browser();
    let wrong = [("ui_locales", "de"), ("client_id", "nobody")];
    let page = browser.open(&rp.path(&wrong)).await;
    assert_german(&page, StatusCode::BAD_REQUEST, "Die Anwendung hat eine falsche Anfrage gesendet", "get");
    let posted = browser.form_request("/oauth/authorize").body(Body::from(rp.asks(&wrong))).expect("a request");
    assert_german(
        &browser.send(posted).await,
        StatusCode::BAD_REQUEST,
        "Die Anwendung hat eine falsche Anfrage gesendet",
        "post",
    );
    // Too large for a cookie, and more of them than an address may have.
    let (state, nonce) = ("s".repeat(2048), "n".repeat(512));
    let large = rp.path(&[("ui_locales", "de"), ("state", &state), ("nonce", &nonce)]);
    assert!(is_in(&browser.open(&large).await, "de"));
    assert_german(&browser.open(&large).await, StatusCode::TOO_MANY_REQUESTS, "Zu viele Versuche", "large");
}

#[tokio::test]
async fn a_question_before_a_logout_and_the_page_after_it_are_in_the_language_that_was_asked_for() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let page = browser.open("/oauth/logout?ui_locales=fr%20de").await;
    assert!(is_in(&page, "de") && page.body.contains("Abmelden?"), "{}", page.body);
    let left = browser.submit(&page, "/oauth/logout", &[]).await;
    assert!(is_in(&left, "de") && left.body.contains("Sie sind abgemeldet"), "{}", left.body);
}

#[tokio::test]
async fn a_posted_request_that_is_over_is_told_of_in_its_language() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let mut browser = app.browser();
    let posted = browser.form_request("/oauth/authorize").body(Body::from(rp.asks(&[("ui_locales", "de")])));
    let next = browser.send(posted.expect("a request")).await.location().to_owned();
    app.pass(Duration::from_mins(6));
    let page = browser.open(&next).await;
    assert_german(&page, StatusCode::BAD_REQUEST, "Diese Anmeldung ist beendet", "over");
}

#[tokio::test]
async fn a_device_is_set_up_in_the_language_of_the_application_that_waits_for_it() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    app.browser().register("amelia").await;
    set(&app, required(PolicyScope::Everybody)).await;
    let (mut browser, page, _) = begun(&app, &rp).await;
    let led = browser.submit(&page, "/login", &[("username", "amelia"), ("password", PASSWORD)]).await;
    let next = led.location().to_owned();
    let page = browser.open(&next).await;
    assert_german(&page, StatusCode::OK, "Authenticator", "/account/mfa");
    let led = browser.submit(&page, "/account/mfa/totp", &[("name", "Phone")]).await;
    let totp = led.location().to_owned();
    let page = browser.open(&totp).await;
    assert_german(&page, StatusCode::OK, "QR", &totp);
    let confirm = format!("{totp}/confirm");
    let wrong = browser.submit(&page, &confirm, &[("code", "000000")]).await;
    assert_german(&wrong, StatusCode::UNPROCESSABLE_ENTITY, "QR", "a wrong code");
    let nothing = browser.open("/account/mfa/totp/nothing").await;
    assert!(is_in(&nothing, "de"), "{}", nothing.body);
    let link = browser.open("/account/mfa/email/link?token=x").await;
    assert_german(&link, StatusCode::GONE, "Dieser Link funktioniert nicht", "a link");
    // Pages that are on the way to no application are in the browser's.
    assert!(is_in(&browser.open("/register").await, "en"));
}
