//! `acr` in the words of who asked for it.

use std::time::Duration;

use actors::{
    domain::assurance::{Acr, REFEDS_MFA},
    testing::Traits,
};
use serde_json::Value;

use super::rp::{Rp, id_claims, ok, opened, returned, text};
use crate::{
    passkey,
    support::{PASSWORD, TestApp},
};

/// What both tokens say.
fn told(tokens: &Value) -> Value {
    let (_, access) = opened(text(tokens, "access_token"));
    assert_eq!(access["acr"], id_claims(tokens)["acr"]);
    access["acr"].clone()
}

#[tokio::test]
async fn tokens_tell_the_value_that_was_asked_for_and_refreshed_ones_the_same() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let (mut key, ..) = passkey::enrol(&mut browser, "", Traits::WITH_PIN).await;
    let mut browser = app.browser();
    passkey::sign_in(&mut browser, &mut key).await.location();
    let mfa = Acr::Mfa.as_str();
    let essential = r#"{"id_token":{"acr":{"essential":true,"value":"https://refeds.org/profile/mfa"}}}"#;
    let values = r#"{"id_token":{"acr":{"essential":true,"values":["phrh","urn:doorward:acr:mfa","phr"]}}}"#;
    let voluntary = r#"{"id_token":{"acr":{"value":"urn:doorward:acr:2step"}}}"#;
    for (asked, acr) in [
        (("state", "x"), "phr"),
        (("acr_values", mfa), mfa),
        (("acr_values", REFEDS_MFA), REFEDS_MFA),
        (("acr_values", "urn:other phr urn:doorward:acr:mfa"), "phr"),
        (("claims", essential), REFEDS_MFA),
        (("claims", values), mfa),
        (("claims", voluntary), Acr::TwoStep.as_str()),
    ] {
        let tokens = rp.tokens(&mut browser, &[asked]).await;
        assert_eq!(told(&tokens), acr, "{asked:?}");
        let renewed = ok(&rp.refresh(text(&tokens, "refresh_token"), &[]).await);
        assert_eq!(told(&renewed), acr, "{asked:?}");
        let silent = rp.tokens(&mut browser, &[asked, ("prompt", "none")]).await;
        assert_eq!(told(&silent), acr, "{asked:?}");
    }
}

#[tokio::test]
async fn an_acr_that_claims_prefers_raises_a_session_and_stops_nobody() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let voluntary = ("claims", r#"{"id_token":{"acr":{"value":"https://refeds.org/profile/mfa"}}}"#);
    let mut browser = app.browser();
    browser.register("amelia").await;
    assert_eq!(told(&rp.tokens(&mut browser, &[voluntary]).await), Acr::OneFactor.as_str(), "no more can be had");
    let seed = browser.enrol().await.0;
    let typed = [("username", "amelia"), ("password", PASSWORD)];
    app.pass(Duration::from_mins(1));
    let mut browser = app.browser();
    let led = browser.log_in("amelia", PASSWORD).await.location().to_owned();
    let page = browser.open(&led).await;
    browser.submit(&page, "/login/totp", &[("code", &*app.code(&seed)), ("trust", "on")]).await.location();
    app.pass(Duration::from_mins(1));
    browser.jar.retain(|name, _| !name.contains("dw_session"));
    assert_eq!(browser.log_in("amelia", PASSWORD).await.location(), "/account", "a trusted browser");
    let silent = rp.tokens(&mut browser, &[voluntary, ("prompt", "none")]).await;
    assert_eq!(told(&silent), Acr::OneFactor.as_str());
    app.pass(Duration::from_mins(1));
    let page = browser.open(&rp.path(&[voluntary])).await;
    let led = browser.submit(&page, "/login", &typed).await.location().to_owned();
    let page = browser.open(&led).await;
    let back = browser.submit(&page, "/login/totp", &[("code", &*app.code(&seed))]).await.location().to_owned();
    let code = returned(&browser.open(&back).await).remove("code").expect("a code");
    assert_eq!(told(&ok(&rp.redeem(&code, &[]).await)), REFEDS_MFA);
}
