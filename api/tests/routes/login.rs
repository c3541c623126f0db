//! `/login`, `/logout`, `/reset`: doors, and what strangers learn at them.

use std::time::Duration;

use actors::{
    call::Deadline,
    domain::command::{IssueReset, IssueResetOutcome},
    locator::Locators,
};
use api::limits::Rate;
use axum::body::Body;
use http::{StatusCode, header};
use schema::{
    Cursor, Stream,
    record::{AuditEvent, Record as _},
};

use crate::support::{Answer, Browser, HTTPS, PASSWORD, TestApp, encode};

/// A page without what differs from request to request.
fn plain(answer: &Answer, browser: &Browser<'_>, name: &str) -> String {
    let mut body = answer.body.replace(name, "NAME");
    for field in ["csrf", "l"] {
        body = body.replace(&answer.field("/login", field), "VALUE");
    }
    body = body.replace(&answer.field("/login/passkey", "ceremony"), "VALUE");
    let challenge = body.split("challenge&quot;:&quot;").nth(1).and_then(|rest| rest.split('&').next());
    if let Some(challenge) = challenge.map(str::to_owned) {
        body = body.replace(&challenge, "VALUE");
    }
    assert!(browser.cookie("dw_session").is_none() && browser.cookie("dw_device").is_none());
    body
}

#[tokio::test]
async fn a_sign_in_leads_where_it_was_asked_for_and_nowhere_else() {
    let app = TestApp::new().await;
    app.browser().register("amelia").await;
    let typed = [("username", "amelia"), ("password", PASSWORD)];
    for (asked, led) in [
        ("", "/account"),
        ("?return=%2Faccount%2Fmfa", "/account/mfa"),
        ("?return=%2F%2Fevil.example", "/account"),
        ("?return=%2F%5Cevil.example", "/account"),
        ("?return=https%3A%2F%2Fevil.example", "/account"),
        ("?return=javascript%3Aalert(1)", "/account"),
    ] {
        let mut browser = app.browser();
        let page = browser.open(&format!("/login{asked}")).await;
        assert_eq!(browser.submit(&page, "/login", &typed).await.location(), led, "{asked}");
        assert!(browser.is_signed_in().await);
        assert!(!browser.jar.keys().any(|name| name.contains("dw_login_")), "the login's cookie is gone");
    }
}

#[tokio::test]
async fn a_page_for_the_signed_in_asks_to_sign_in_and_comes_back() {
    let app = TestApp::new().await;
    app.browser().register("amelia").await;
    let mut browser = app.browser();
    assert_eq!(browser.get("/account/sessions").await.location(), "/login?return=%2Faccount%2Fsessions");
    let page = browser.open("/account/sessions").await;
    let typed = [("username", "amelia"), ("password", PASSWORD)];
    assert_eq!(browser.submit(&page, "/login", &typed).await.location(), "/account/sessions");
}

#[tokio::test]
async fn nobody_a_wrong_password_and_a_disabled_user_look_the_same() {
    let app = TestApp::new().await;
    app.browser().register("amelia").await;
    let mut disabled = app.browser();
    disabled.register("bertram").await;
    app.disable("bertram").await;

    let mut seen = Vec::new();
    for (name, password) in [("nobody", PASSWORD), ("amelia", "wrong"), ("bertram", PASSWORD), ("n o b o d y", "x")] {
        let mut browser = app.browser();
        let answer = browser.log_in(name, password).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        assert!(answer.body.contains("The user name or the password is not right."));
        seen.push(plain(&answer, &browser, name));
    }
    seen.dedup();
    assert_eq!(seen.len(), 1, "{seen:#?}");
    assert!(!disabled.is_signed_in().await, "the session of a disabled user is dead");
}

#[tokio::test]
async fn a_failure_is_not_answered_before_the_floor() {
    let floor = Duration::from_millis(300);
    let app = TestApp::with(HTTPS, |settings| settings.failure_floor = floor).await;
    app.browser().register("amelia").await;
    for name in ["amelia", "nobody"] {
        let mut browser = app.browser();
        let page = browser.open("/login").await;
        let earliest = Deadline::after(floor);
        let answer = browser.submit(&page, "/login", &[("username", name), ("password", "wrong")]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(earliest.is_over(), "{name}");
    }
}

#[tokio::test]
async fn after_a_few_wrong_passwords_the_page_says_when_to_try_again() {
    let app = TestApp::new().await;
    app.browser().register("amelia").await;
    for name in ["amelia", "nobody"] {
        let mut browser = app.browser();
        let mut answer = browser.log_in(name, "wrong").await;
        for _ in 0..20 {
            if answer.status == StatusCode::TOO_MANY_REQUESTS {
                break;
            }
            answer = browser.log_in(name, "wrong").await;
        }
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{name}");
        let seconds = answer.headers[header::RETRY_AFTER].to_str().expect("a number").to_owned();
        assert!(answer.body.contains("Too many attempts.") && answer.body.contains(&format!("(in {seconds} second")));
        assert_eq!(answer.field("/login", "username"), name);
    }
}

/// One password at many names: each has its five guesses, so what tells is how many names fail from one place.
#[tokio::test]
async fn many_names_that_fail_from_one_address_are_told_to_the_audit_log_once() {
    let many = Rate { burst: 1000, window: Duration::from_mins(1) };
    let app = TestApp::with(HTTPS, |settings| settings.limits.failures = many).await;
    let told = async || {
        app.services.shipper.settled().await;
        let events = app.services.store.read(Stream::Audit, &Cursor::default(), 10_000).await.expect("works");
        let events = events.iter().map(|event| AuditEvent::decode(&event.json).expect("an event"));
        events.filter(|event| event.kind == "login.spray").collect::<Vec<_>>()
    };
    let mut browser = app.browser();
    let page = browser.open("/login").await;
    for round in ["", " "] {
        for n in 0..30 {
            let name = format!("Name-{n}{round}");
            browser.submit(&page, "/login", &[("username", &name), ("password", "spring 2026")]).await;
        }
    }
    assert!(told().await.is_empty(), "thirty names in two spellings are thirty names");
    for n in 30..200 {
        let name = format!("name-{n}");
        browser.submit(&page, "/login", &[("username", &name), ("password", "spring 2026")]).await;
    }
    let events = told().await;
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events[0].facts["prefix"], "192.0.2.1");
    assert!(!format!("{events:?}").contains("name-"), "no names: people type passwords into that field");
}

#[tokio::test]
async fn an_address_fails_so_often_and_success_does_not_count() {
    let two = Rate { burst: 2, window: Duration::from_mins(1) };
    let app = TestApp::with(HTTPS, |settings| settings.limits.failures = two).await;
    app.browser().register("amelia").await;
    for _ in 0..5 {
        app.browser().log_in("amelia", PASSWORD).await.location();
    }
    app.browser().log_in("nobody", "wrong").await;
    app.browser().log_in("somebody", "wrong").await;
    let refused = app.browser().log_in("amelia", PASSWORD).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers[header::RETRY_AFTER], "30");
    app.pass(Duration::from_secs(30));
    assert_eq!(app.browser().log_in("amelia", PASSWORD).await.location(), "/account");
}

#[tokio::test]
async fn the_ninth_login_of_a_browser_drops_the_oldest() {
    let app = TestApp::new().await;
    app.browser().register("amelia").await;
    let mut browser = app.browser();
    let mut pages = Vec::new();
    for n in 0..9 {
        pages.push(browser.open(&format!("/login?return=/account?n={n}")).await);
        app.pass(Duration::from_secs(1));
    }
    let logins = browser.jar.keys().filter(|name| name.contains("dw_login_")).count();
    assert_eq!(logins, 8);
    let typed = [("username", "amelia"), ("password", PASSWORD)];
    let ended = browser.submit(&pages[0], "/login", &typed).await;
    assert_eq!(ended.status, StatusCode::BAD_REQUEST);
    assert!(ended.body.contains("This sign-in has ended") && ended.links_to("/login"));
    assert_eq!(browser.submit(&pages[1], "/login", &typed).await.location(), "/account?n=1");
    assert_eq!(browser.submit(&pages[8], "/login", &typed).await.location(), "/account?n=8");
}

#[tokio::test]
async fn reloading_the_page_begins_no_further_login() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    let first = browser.get("/login").await.field("/login", "l");
    assert_eq!(browser.get("/login").await.field("/login", "l"), first);
    app.pass(Duration::from_mins(16));
    assert_ne!(browser.get("/login").await.field("/login", "l"), first, "it has expired");
}

#[tokio::test]
async fn two_tabs_of_one_login_both_end_at_the_account() {
    let app = TestApp::new().await;
    app.browser().register("amelia").await;
    let mut browser = app.browser();
    let page = browser.open("/login").await;
    let typed = [("username", "amelia"), ("password", PASSWORD)];
    let session = browser.submit(&page, "/login", &typed).await;
    assert_eq!(session.location(), "/account");
    let signed_in = browser.cookie("dw_session");
    assert_eq!(browser.submit(&page, "/login", &typed).await.location(), "/account");
    let login = page.field("/login", "l");
    for path in ["/login", "/login/totp", "/login/backup-code", "/register"] {
        assert_eq!(browser.get(&format!("{path}?l={login}")).await.location(), "/account", "{path}");
    }
    assert_eq!(browser.cookie("dw_session"), signed_in, "the session is left alone");
    assert_eq!(browser.get("/login?l=x").await.status, StatusCode::BAD_REQUEST, "it was never a login");

    let account = browser.open("/account").await;
    browser.submit(&account, "/logout", &[]).await.location();
    let ended = browser.submit(&page, "/login", &typed).await;
    assert!(ended.status == StatusCode::BAD_REQUEST && ended.body.contains("This sign-in has ended"));
}

#[tokio::test]
async fn a_login_of_another_browser_is_nothing() {
    let app = TestApp::new().await;
    app.browser().register("amelia").await;
    let (mut ours, mut theirs) = (app.browser(), app.browser());
    let page = ours.open("/login").await;
    theirs.open("/").await;
    for (name, value) in ours.jar.iter().filter(|(name, _)| name.contains("dw_login_")) {
        theirs.jar.insert(name.clone(), value.clone());
    }
    let answer = theirs.submit(&page, "/login", &[("username", "amelia"), ("password", PASSWORD)]).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(!theirs.is_signed_in().await);
}

#[tokio::test]
async fn signing_in_again_renews_the_session_and_the_old_cookie_is_dead() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let mut old = browser.clone();
    browser.log_in("amelia", PASSWORD).await.location();
    assert_ne!(browser.cookie("dw_session"), old.cookie("dw_session"));
    assert_eq!(browser.cookie("dw_browser"), old.cookie("dw_browser"));
    assert!(browser.is_signed_in().await);
    assert!(!old.is_signed_in().await);
    assert!(old.cookie("dw_session").is_some(), "another tab may hold a newer cookie: none is cleared");
}

#[tokio::test]
async fn somebody_else_in_the_same_browser_ends_the_session_before() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let mut elsewhere = app.browser();
    elsewhere.log_in("amelia", PASSWORD).await.location();
    let before = browser.clone();
    browser.register("bertram").await;
    assert!(browser.get("/account").await.body.contains("bertram"));
    let mut before = before;
    assert!(!before.is_signed_in().await);
    assert!(elsewhere.is_signed_in().await, "another browser is no concern of it");
}

#[tokio::test]
async fn signing_out_ends_the_session_and_says_so() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let page = browser.get("/account").await;
    let mut copy = browser.clone();
    assert_eq!(browser.submit(&page, "/logout", &[]).await.location(), "/logout");
    assert!(browser.open("/logout").await.body.contains("You are signed out"));
    assert!(browser.cookie("dw_session").is_none() && browser.cookie("dw_device").is_some());
    assert!(!copy.is_signed_in().await);
    assert_eq!(browser.submit(&page, "/logout", &[]).await.location(), "/logout", "twice does no harm");
}

#[tokio::test]
async fn a_reset_link_sets_a_password_once_and_signs_nobody_in() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let (outcome, attempt) = app.operate("amelia", IssueReset).await;
    let IssueResetOutcome::Issued { reset, .. } = outcome else { panic!("{outcome:?}") };
    let locators = Locators { vault: &app.services.vault, entropy: app.services.entropy.as_ref() };
    let user = app.user("amelia").await;
    let path = format!("/reset?token={}", locators.reset(user, reset, &IssueReset::secret(&attempt.seed)));

    let mut stranger = app.browser();
    let page = stranger.open(&path).await;
    assert!(page.body.contains("amelia"));
    let weak = stranger.submit(&page, "/reset", &[("new_password", "short")]).await;
    assert!(weak.body.contains("Use at least 15 characters"));
    // As browsers send a form of a page without referrer.
    let mut fields = page.form("/reset");
    fields.push(("new_password".to_owned(), "short".to_owned()));
    let request = stranger.form_request("/reset").header("origin", "null").header("sec-fetch-site", "same-origin");
    let weak = stranger.send(request.body(Body::from(encode(&fields))).expect("a well-formed request")).await;
    assert!(weak.body.contains("Use at least 15 characters"), "{}", weak.body);
    let new = "seven orange kettles humming";
    assert_eq!(stranger.submit(&page, "/reset", &[("new_password", new)]).await.location(), "/login");
    assert!(!stranger.is_signed_in().await && !browser.is_signed_in().await);
    assert_eq!(stranger.submit(&page, "/reset", &[("new_password", new)]).await.status, StatusCode::GONE);
    assert_eq!(stranger.open(&path).await.status, StatusCode::GONE);
    assert_eq!(app.browser().log_in("amelia", PASSWORD).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(app.browser().log_in("amelia", new).await.location(), "/account");
}

#[tokio::test]
async fn a_suspended_app_is_not_offered_and_the_page_of_what_is_left_says_so() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    browser.enrol().await;
    for _ in 0..20 {
        app.pass(Duration::from_mins(70));
        let mut browser = app.browser();
        let led = browser.log_in("amelia", PASSWORD).await.location().to_owned();
        let page = browser.open(&led).await;
        assert!(!page.body.contains("is suspended"), "{}", page.body);
        for _ in 0..5 {
            let answer = browser.submit(&page, "/login/totp", &[("code", "000000")]).await;
            assert!(answer.status.is_client_error(), "{answer:?}");
        }
    }
    app.pass(Duration::from_hours(2));
    let mut browser = app.browser();
    let led = browser.log_in("amelia", PASSWORD).await.location().to_owned();
    assert!(led.starts_with("/login/backup-code?l="), "{led}");
    let page = browser.open(&led).await;
    assert!(page.body.contains("is suspended") && !page.body.contains("/login/totp?l="), "{}", page.body);
}
