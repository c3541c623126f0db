//! Operations that applications ask for by `authorization_details` (RFC 9396): registered by a policy, proved anew, confirmed as they
//! read, and in the tokens of their code alone.

use std::time::Duration;

use actors::domain::assurance::Acr;
use http::StatusCode;
use schema::{
    ClientId,
    record::{Policy, PolicyMethod, PolicyScope},
};
use serde_json::{Value, json};

use super::rp::{Rp, amelia, error, json as body, ok, opened, refused, text};
use crate::{
    policies::required,
    support::{Answer, Browser, HTTPS, PASSWORD, START, TestApp},
};

const TRANSFER: &str = r#"[{"type":"wire.transfer","to":{"iban":"DE02100100109307118603"},"amount":"123.50"}]"#;

fn transferred() -> Value {
    json!([{ "type": "wire.transfer", "amount": "123.50", "to": { "iban": "DE02100100109307118603" } }])
}

fn transfer_of(client: &ClientId) -> Policy {
    required(PolicyScope::Operation { client: Some(client.clone()), operation: "wire.transfer".to_owned() })
}

/// An application of the operator's own, with `wire.transfer`.
async fn bank(app: &TestApp) -> Rp<'_> {
    let rp = Rp::new(app).await;
    app.services.policies.set(transfer_of(&rp.id)).await.expect("a policy that can be met");
    rp
}

fn asks(rp: &Rp<'_>) -> String {
    rp.path(&[("authorization_details", TRANSFER)])
}

const TYPED: [(&str, &str); 2] = [("username", "amelia"), ("password", PASSWORD)];

/// Gives both proofs on the login page that a request led to, and follows.
async fn prove(app: &TestApp, browser: &mut Browser<'_>, page: &Answer, seed: &[u8], trust: bool) -> Answer {
    let led = browser.submit(page, "/login", &TYPED).await.location().to_owned();
    let page = browser.open(&led).await;
    let code = app.code(seed);
    let both = [("code", code.as_str()), ("trust", "on")];
    let typed = if trust { &both[..] } else { &both[..1] };
    let led = browser.submit(&page, "/login/totp", typed).await.location().to_owned();
    browser.open(&led).await
}

/// Somebody with an authenticator app, signed in with it a minute ago.
async fn enrolled(app: &TestApp) -> (Browser<'_>, Vec<u8>) {
    let mut browser = amelia(app).await;
    let (seed, _) = browser.enrol().await;
    app.pass(Duration::from_mins(1));
    (browser, seed)
}

fn code_of(answer: &Answer) -> String {
    super::rp::returned(answer).remove("code").unwrap_or_else(|| panic!("a code: {answer:?}"))
}

async fn confirm(browser: &mut Browser<'_>, page: &Answer) -> Answer {
    assert!(page.body.contains("Confirm this for Photos?"), "{}", page.body);
    browser.submit(page, "/consent", &[("decision", "allow")]).await
}

#[tokio::test]
async fn an_operation_is_proved_anew_confirmed_as_it_reads_and_told_by_the_tokens_of_its_code() {
    let app = TestApp::new().await;
    let rp = bank(&app).await;
    let (mut browser, seed) = enrolled(&app).await;
    assert!(code_of(&browser.open(&rp.path(&[])).await).len() > 20, "the session is good for a sign-in");
    let page = browser.open(&asks(&rp)).await;
    assert!(page.body.contains("Sign in"), "a live session is not enough: {}", page.body);
    let page = prove(&app, &mut browser, &page, &seed, false).await;
    for words in ["wire.transfer", "amount", "123.50", "to › iban", "DE02100100109307118603", "amelia", "Photos"] {
        assert!(page.body.contains(words), "{words}: {}", page.body);
    }
    assert!(!page.body.contains("access to your account"), "it is the operator's own");
    let code = code_of(&confirm(&mut browser, &page).await);
    let tokens = ok(&rp.redeem(&code, &[]).await);
    assert_eq!(tokens["authorization_details"], transferred());
    let (_, access) = opened(text(&tokens, "access_token"));
    assert_eq!(access["authorization_details"], transferred());
    assert_eq!(access["acr"], Acr::Mfa.as_str());
    assert_eq!(access["amr"], json!(["mfa", "otp", "pwd"]));
    assert_eq!(access["auth_time"], START.as_secs() + 60);
    let (_, id) = opened(text(&tokens, "id_token"));
    assert!(id.get("authorization_details").is_none());

    let refreshed = ok(&rp.refresh(text(&tokens, "refresh_token"), &[]).await);
    assert!(refreshed.get("authorization_details").is_none(), "it was confirmed once");
    let (_, access) = opened(text(&refreshed, "access_token"));
    assert!(access.get("authorization_details").is_none() && access["acr"] == Acr::Mfa.as_str());
}

#[tokio::test]
async fn each_request_asks_again_unless_the_policy_takes_proofs_of_some_minutes_ago() {
    let app = TestApp::new().await;
    let rp = bank(&app).await;
    let (mut browser, seed) = enrolled(&app).await;
    let page = browser.open(&asks(&rp)).await;
    let page = prove(&app, &mut browser, &page, &seed, false).await;
    code_of(&confirm(&mut browser, &page).await);
    app.pass(Duration::from_mins(1));
    assert!(browser.open(&asks(&rp)).await.body.contains("Sign in"));
    let lately = Policy { fresh_minutes: Some(5), ..transfer_of(&rp.id) };
    app.services.policies.set(lately).await.expect("a policy that can be met");
    let page = browser.open(&asks(&rp)).await;
    code_of(&confirm(&mut browser, &page).await);
    app.pass(Duration::from_mins(4));
    assert!(browser.open(&asks(&rp)).await.body.contains("Sign in"));
}

#[tokio::test]
async fn a_trusted_browser_stands_in_for_no_proof_of_an_operation() {
    let app = TestApp::new().await;
    let rp = bank(&app).await;
    let (mut browser, seed) = enrolled(&app).await;
    browser.jar.clear();
    let page = browser.open(&rp.path(&[])).await;
    code_of(&prove(&app, &mut browser, &page, &seed, true).await);
    browser.jar.retain(|name, _| !name.contains("dw_session"));
    app.pass(Duration::from_mins(1));
    let page = browser.open(&rp.path(&[])).await;
    let led = browser.submit(&page, "/login", &TYPED).await.location().to_owned();
    code_of(&browser.open(&led).await);
    browser.jar.retain(|name, _| !name.contains("dw_session"));
    let page = browser.open(&asks(&rp)).await;
    let page = prove(&app, &mut browser, &page, &seed, false).await;
    let tokens = ok(&rp.redeem(&code_of(&confirm(&mut browser, &page).await), &[]).await);
    assert_eq!(opened(text(&tokens, "access_token")).1["amr"], json!(["mfa", "otp", "pwd"]));
}

#[tokio::test]
async fn who_has_no_device_for_an_operation_sets_one_up_on_the_way() {
    let app = TestApp::new().await;
    let rp = bank(&app).await;
    amelia(&app).await;
    let mut browser = app.browser();
    let page = browser.open(&asks(&rp)).await;
    let led = browser.submit(&page, "/login", &TYPED).await.location().to_owned();
    let page = browser.open(&led).await;
    assert!(page.body.contains("Before you go on to <strong>Photos</strong>"), "{}", page.body);
    browser.enrol().await;
    let page = browser.open("/account/mfa").await;
    let (_, rest) = page.body.split_once("href=\"/oauth/authorize/continue?l=").expect("a way on");
    let label = rest.split('"').next().expect("a label");
    let page = browser.open(&format!("/oauth/authorize/continue?l={label}")).await;
    let tokens = ok(&rp.redeem(&code_of(&confirm(&mut browser, &page).await), &[]).await);
    assert_eq!(opened(text(&tokens, "access_token")).1["acr"], Acr::Mfa.as_str());
}

#[tokio::test]
async fn what_was_proved_and_is_not_enough_is_followed_by_what_is() {
    let app = TestApp::new().await;
    let rp = bank(&app).await;
    let (mut browser, seed) = enrolled(&app).await;
    let page = browser.open("/account/mfa").await;
    let mail = [("email", "amelia@mail.example")];
    let path = browser.submit(&page, "/account/mfa/email", &mail).await.location().to_owned();
    let page = browser.open(&path).await;
    let code = app.mailed_code(1).await;
    browser.submit(&page, &format!("{path}/confirm"), &[("code", &code)]).await;
    let by_app = Policy { any_of: [PolicyMethod::Totp].into(), ..transfer_of(&rp.id) };
    app.services.policies.set(by_app).await.expect("a policy that can be met");
    let mut elsewhere = app.browser();
    let page = elsewhere.open(&asks(&rp)).await;
    let by_app = elsewhere.submit(&page, "/login", &TYPED).await.location().to_owned();
    assert!(!elsewhere.open(&by_app).await.body.contains("/login/email"), "what does not reach it is not offered");
    let by_mail = by_app.replace("/login/totp", "/login/email");
    let page = elsewhere.open(&by_mail).await;
    elsewhere.submit(&page, "/login/email/send", &[]).await.location();
    let page = elsewhere.open(&by_mail).await;
    let code = app.mailed_code(2).await;
    let led = elsewhere.submit(&page, "/login/email", &[("code", &code)]).await.location().to_owned();
    assert_eq!(led, by_app, "the app is asked for all the same");
    let page = elsewhere.open(&by_app).await;
    let led = elsewhere.submit(&page, "/login/totp", &[("code", &app.code(&seed))]).await.location().to_owned();
    let page = elsewhere.open(&led).await;
    code_of(&confirm(&mut elsewhere, &page).await);
}

#[tokio::test]
async fn what_is_not_registered_or_not_of_the_form_is_refused_at_the_client() {
    let app = TestApp::new().await;
    let rp = bank(&app).await;
    let other = Rp::new(&app).await;
    let mut browser = amelia(&app).await;
    for wrong in [
        r#"[{"type":"account.close"}]"#,
        r#"[{"type":"password.change"}]"#,
        r#"[{"amount":"1"}]"#,
        r#"[{"type":"wire.transfer","amount":1.5}]"#,
        "wire.transfer",
    ] {
        let answer = browser.get(&rp.path(&[("authorization_details", wrong)])).await;
        assert_eq!(error(&answer), "invalid_authorization_details", "{wrong}");
    }
    assert_eq!(error(&browser.get(&asks(&other)).await), "invalid_authorization_details", "another one's");
    let silent = browser.get(&rp.path(&[("authorization_details", TRANSFER), ("prompt", "none")])).await;
    assert_eq!(error(&silent), "interaction_required", "a device is missing");
    let silent = app.browser().get(&rp.path(&[("authorization_details", TRANSFER), ("prompt", "none")])).await;
    assert_eq!(error(&silent), "login_required");
}

#[tokio::test]
async fn no_page_means_no_operation_and_a_no_goes_to_the_client() {
    let app = TestApp::new().await;
    let rp = bank(&app).await;
    let (mut browser, seed) = enrolled(&app).await;
    let page = browser.open(&asks(&rp)).await;
    let page = prove(&app, &mut browser, &page, &seed, false).await;
    let denied = browser.submit(&page, "/consent", &[("decision", "deny")]).await;
    assert_eq!(error(&denied), "access_denied");
    let lately = Policy { fresh_minutes: Some(5), ..transfer_of(&rp.id) };
    app.services.policies.set(lately).await.expect("a policy that can be met");
    let silent = browser.get(&rp.path(&[("authorization_details", TRANSFER), ("prompt", "none")])).await;
    assert_eq!(error(&silent), "consent_required", "it is confirmed on a page each time");
}

#[tokio::test]
async fn an_operation_that_is_withdrawn_while_somebody_proves_it_is_refused() {
    let app = TestApp::new().await;
    let rp = bank(&app).await;
    let (mut browser, seed) = enrolled(&app).await;
    let page = browser.open(&asks(&rp)).await;
    let page = prove(&app, &mut browser, &page, &seed, false).await;
    let scope = transfer_of(&rp.id).scope;
    assert!(app.services.policies.remove(&scope).await.expect("removes"));
    let answer = browser.submit(&page, "/consent", &[("decision", "allow")]).await;
    assert_eq!(error(&answer), "invalid_authorization_details");
}

#[tokio::test]
async fn an_application_of_somebody_else_asks_for_its_scopes_on_the_same_page() {
    let app = TestApp::new().await;
    let rp = Rp::with(&app, |new| new.trusted = false).await;
    app.services.policies.set(transfer_of(&rp.id)).await.expect("a policy that can be met");
    let (mut browser, seed) = enrolled(&app).await;
    let page = browser.open(&asks(&rp)).await;
    let page = prove(&app, &mut browser, &page, &seed, false).await;
    assert!(page.body.contains("Know that it is you"), "{}", page.body);
    code_of(&confirm(&mut browser, &page).await);
    let answer = browser.open(&rp.path(&[])).await;
    code_of(&answer);
    app.pass(Duration::from_mins(1));
    let page = browser.open(&asks(&rp)).await;
    let page = prove(&app, &mut browser, &page, &seed, false).await;
    assert!(!page.body.contains("Know that it is you"), "it was allowed before: {}", page.body);
}

#[tokio::test]
async fn the_token_endpoint_takes_no_details_and_uses_up_no_code_for_them() {
    let app = TestApp::new().await;
    let rp = bank(&app).await;
    let mut browser = amelia(&app).await;
    let code = rp.code(&mut browser, &[]).await;
    let answer = rp.redeem(&code, &[("authorization_details", TRANSFER)]).await;
    assert_eq!(refused(&answer), (400, "invalid_authorization_details".to_owned()));
    assert_eq!(rp.redeem(&code, &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn metadata_list_the_operations_that_are_registered_and_change_with_them() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    let metadata = "/.well-known/openid-configuration";
    assert!(body(&browser.get(metadata).await).get("authorization_details_types_supported").is_none());
    let rp = bank(&app).await;
    bank(&app).await;
    let listed = body(&browser.get(metadata).await);
    assert_eq!(listed["authorization_details_types_supported"], json!(["wire.transfer"]));
    assert_eq!(listed["issuer"], HTTPS);
    app.services.policies.remove(&transfer_of(&rp.id).scope).await.expect("removes");
    let listed = body(&browser.get(metadata).await);
    assert_eq!(listed["authorization_details_types_supported"], json!(["wire.transfer"]), "the other one's");
}

#[tokio::test]
async fn what_is_asked_for_in_a_form_is_the_same() {
    let app = TestApp::new().await;
    let rp = bank(&app).await;
    let (mut browser, seed) = enrolled(&app).await;
    let fields = [("authorization_details", TRANSFER)];
    let request = browser.form_request("/oauth/authorize").header("origin", "https://app.example");
    let request = request.body(axum::body::Body::from(rp.asks(&fields))).expect("a well-formed request");
    let led = browser.send(request).await.location().to_owned();
    let page = browser.open(&led).await;
    let page = prove(&app, &mut browser, &page, &seed, false).await;
    let tokens = ok(&rp.redeem(&code_of(&confirm(&mut browser, &page).await), &[]).await);
    assert_eq!(tokens["authorization_details"], transferred());
}
