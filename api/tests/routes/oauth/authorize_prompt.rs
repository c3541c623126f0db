//! What a request demands of the session: `prompt`, `max_age`, `id_token_hint`, an essential `acr`.

use std::time::Duration;

use actors::domain::assurance::Acr;
use http::StatusCode;

use super::rp::{Rp, amelia, error, id_claims, ok, returned, text};
use crate::support::{Browser, PASSWORD, TestApp};

/// A session with password and authenticator app; gives the seed.
async fn with_totp(browser: &mut Browser<'_>, name: &str) -> Vec<u8> {
    browser.register(name).await;
    browser.enrol().await.0
}

/// Types the code on the page that the password led to.
async fn second_factor(app: &TestApp, browser: &mut Browser<'_>, path: &str, seed: &[u8]) -> String {
    let page = browser.open(path).await;
    browser.submit(&page, "/login/totp", &[("code", &app.code(seed))]).await.location().to_owned()
}

#[tokio::test]
async fn without_a_page_there_is_a_code_or_the_reason_why_not() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let other = Rp::with(&app, |new| new.trusted = false).await;
    let (mut browser, mut somebody) = (app.browser(), app.browser());
    let silent = ("prompt", "none");
    assert_eq!(error(&browser.get(&rp.path(&[silent])).await), "login_required");
    browser.register("amelia").await;
    somebody.register("bertram").await;
    assert!(returned(&browser.get(&rp.path(&[silent])).await).contains_key("code"));
    assert_eq!(error(&browser.get(&other.path(&[silent])).await), "consent_required");
    app.pass(Duration::from_secs(1));
    assert_eq!(error(&browser.get(&rp.path(&[silent, ("max_age", "0")])).await), "login_required");
    assert_eq!(error(&browser.get(&rp.path(&[("prompt", "none login")])).await), "invalid_request");

    let own = rp.tokens(&mut browser, &[]).await;
    let theirs = rp.tokens(&mut somebody, &[]).await;
    let hint = |tokens| rp.path(&[silent, ("id_token_hint", text(tokens, "id_token"))]);
    assert!(returned(&browser.get(&hint(&own)).await).contains_key("code"));
    assert_eq!(error(&browser.get(&hint(&theirs)).await), "login_required");
    let foreign = other.path(&[silent, ("id_token_hint", text(&own, "id_token"))]);
    assert_eq!(error(&browser.get(&foreign).await), "invalid_request", "a token of another client is no hint");
}

#[tokio::test]
async fn a_hint_is_still_one_when_it_has_expired() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let mut browser = amelia(&app).await;
    let tokens = rp.tokens(&mut browser, &[]).await;
    app.pass(Duration::from_mins(20));
    let asked = rp.path(&[("prompt", "none"), ("id_token_hint", text(&tokens, "id_token"))]);
    assert!(returned(&browser.get(&asked).await).contains_key("code"));
}

#[tokio::test]
async fn a_new_sign_in_is_not_satisfied_by_the_old_session() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let mut browser = amelia(&app).await;
    let before = id_claims(&rp.tokens(&mut browser, &[]).await);
    for prompt in [("prompt", "login"), ("prompt", "select_account"), ("max_age", "0")] {
        app.pass(Duration::from_secs(5));
        let page = browser.open(&rp.path(&[prompt])).await;
        assert_eq!(page.field("/login", "username"), "amelia", "the name is offered");
        // Going on without a proof leads to the form again.
        let login = page.field("/login", "l");
        let page = browser.open(&format!("/oauth/authorize/continue?l={login}")).await;
        let code = returned(&rp.sign_in(&mut browser, &page, "amelia").await).remove("code").expect("a code");
        let after = id_claims(&ok(&rp.redeem(&code, &[]).await));
        assert!(after["auth_time"].as_i64() >= before["auth_time"].as_i64().map(|time| time + 5), "{prompt:?}");
        assert_eq!(after["sub"], before["sub"]);
    }
}

#[tokio::test]
async fn proofs_older_than_max_age_are_asked_for_again() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let mut browser = amelia(&app).await;
    app.pass(Duration::from_millis(900));
    assert!(returned(&browser.get(&rp.path(&[("max_age", "1")])).await).contains_key("code"));
    app.pass(Duration::from_millis(300));
    let page = browser.open(&rp.path(&[("max_age", "1")])).await;
    assert!(returned(&browser.get(&rp.path(&[("max_age", "10000")])).await).contains_key("code"));
    app.pass(Duration::from_secs(30));
    // However long the page was open, a proof that came after the request is fresh enough for it.
    assert!(returned(&rp.sign_in(&mut browser, &page, "amelia").await).contains_key("code"));
}

#[tokio::test]
async fn a_new_sign_in_asks_for_the_whole_set_of_proofs() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let mut browser = app.browser();
    let seed = with_totp(&mut browser, "amelia").await;
    app.pass(Duration::from_mins(1));
    let begun = app.services.clock.now();
    let page = browser.open(&rp.path(&[("prompt", "login")])).await;
    let led = browser.submit(&page, "/login", &[("username", "amelia"), ("password", PASSWORD)]).await;
    let next = led.location().to_owned();
    assert!(next.starts_with("/login/totp"), "{next}");
    // The password alone is not enough.
    let login = page.field("/login", "l");
    let again = browser.get(&format!("/oauth/authorize/continue?l={login}")).await;
    assert!(again.location().starts_with("/login?l="), "{again:?}");
    // That went on in a login of its own; this is a third one.
    let page = browser.open(again.location()).await;
    let led = browser.submit(&page, "/login", &[("username", "amelia"), ("password", PASSWORD)]).await;
    let next = second_factor(&app, &mut browser, led.location(), &seed).await;
    let code = returned(&browser.open(&next).await).remove("code").expect("a code");
    let claims = id_claims(&ok(&rp.redeem(&code, &[]).await));
    assert_eq!(claims["acr"], Acr::Mfa.as_str());
    assert_eq!(claims["amr"], serde_json::json!(["mfa", "otp", "pwd"]));
    assert!(claims["auth_time"].as_i64() >= Some(begun.as_secs()));
}

#[tokio::test]
async fn an_essential_acr_is_met_or_an_error() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let claims = r#"{"id_token":{"acr":{"essential":true,"value":"urn:doorward:acr:mfa"}}}"#;
    let asked = rp.path(&[("claims", claims)]);
    let mut weak = app.browser();
    weak.register("amelia").await;
    assert_eq!(error(&weak.get(&asked).await), "unmet_authentication_requirements");
    let unknown = r#"{"id_token":{"acr":{"essential":true,"values":["urn:other"]}}}"#;
    assert_eq!(error(&weak.get(&rp.path(&[("claims", unknown)])).await), "unmet_authentication_requirements");
    let voluntary = r#"{"id_token":{"acr":{"value":"urn:doorward:acr:mfa"}}}"#;
    let tokens = rp.tokens(&mut weak, &[("claims", voluntary)]).await;
    assert_eq!(id_claims(&tokens)["acr"], Acr::OneFactor.as_str(), "and it says so");

    let mut strong = app.browser();
    let seed = with_totp(&mut strong, "bertram").await;
    let mut fresh = app.browser();
    app.pass(Duration::from_mins(1));
    let page = fresh.open(&asked).await;
    let led = fresh.submit(&page, "/login", &[("username", "bertram"), ("password", PASSWORD)]).await;
    let next = second_factor(&app, &mut fresh, led.location(), &seed).await;
    let code = returned(&fresh.open(&next).await).remove("code").expect("a code");
    assert_eq!(id_claims(&ok(&rp.redeem(&code, &[]).await))["acr"], Acr::Mfa.as_str());
}

#[tokio::test]
async fn a_session_that_another_user_should_have_is_asked_to_sign_in() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let (mut browser, mut somebody) = (app.browser(), app.browser());
    browser.register("amelia").await;
    somebody.register("bertram").await;
    let theirs = rp.tokens(&mut somebody, &[]).await;
    let page = browser.open(&rp.path(&[("id_token_hint", text(&theirs, "id_token"))])).await;
    assert_eq!(page.status, StatusCode::OK);
    let code = returned(&rp.sign_in(&mut browser, &page, "bertram").await).remove("code").expect("a code");
    let claims = id_claims(&ok(&rp.redeem(&code, &[]).await));
    assert_eq!(claims["sub"], id_claims(&theirs)["sub"]);
}

/// What a resource server asks for by RFC 9470 comes as `acr_values` and `max_age`.
#[tokio::test]
async fn acr_values_raise_a_session_that_can_be_raised_and_stop_nobody_else() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    // Nobody here has a passkey, so the second is the first that can be had.
    let values = [("acr_values", "phr urn:doorward:acr:mfa urn:doorward:acr:1fa")];
    let mut weak = app.browser();
    weak.register("amelia").await;
    let tokens = rp.tokens(&mut weak, &values).await;
    assert_eq!(id_claims(&tokens)["acr"], Acr::OneFactor.as_str(), "there is no more to be had, and it says so");

    let mut strong = app.browser();
    let seed = with_totp(&mut strong, "bertram").await;
    let typed = [("username", "bertram"), ("password", PASSWORD)];
    app.pass(Duration::from_mins(1));
    let mut browser = app.browser();
    let page = browser.open("/login").await;
    let led = browser.submit(&page, "/login", &typed).await.location().to_owned();
    let page = browser.open(&led).await;
    let proofs = [("code", &*app.code(&seed)), ("trust", "on")];
    browser.submit(&page, "/login/totp", &proofs).await.location();
    app.pass(Duration::from_mins(1));
    browser.jar.retain(|name, _| !name.contains("dw_session"));
    let page = browser.open("/login").await;
    assert_eq!(browser.submit(&page, "/login", &typed).await.location(), "/account", "a trusted browser");
    let claims = id_claims(&rp.tokens(&mut browser, &[]).await);
    assert_eq!((&claims["acr"], &claims["amr"]), (&Acr::OneFactor.as_str().into(), &serde_json::json!(["pwd", "tdv"])));
    let silent = [values[0], ("prompt", "none")];
    let claims = id_claims(&rp.tokens(&mut browser, &silent).await);
    assert_eq!(claims["acr"], Acr::OneFactor.as_str(), "who must not be asked is not asked");
    app.pass(Duration::from_mins(1));

    let page = browser.open(&rp.path(&values)).await;
    let led = browser.submit(&page, "/login", &typed).await.location().to_owned();
    let next = second_factor(&app, &mut browser, &led, &seed).await;
    let code = returned(&browser.open(&next).await).remove("code").expect("a code");
    let claims = id_claims(&ok(&rp.redeem(&code, &[]).await));
    assert_eq!(
        (&claims["acr"], &claims["amr"]),
        (&Acr::Mfa.as_str().into(), &serde_json::json!(["mfa", "otp", "pwd"]))
    );
    let tokens = rp.tokens(&mut browser, &values).await;
    assert_eq!(id_claims(&tokens)["acr"], Acr::Mfa.as_str(), "a session that is there already is enough");
}
