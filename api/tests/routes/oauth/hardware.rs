//! Keys in hardware that their makers vouch for: attestation at the making of a passkey, and `phrh` from there on.

use std::time::Duration;

use actors::{
    domain::{
        assurance::Acr,
        factor::passkey::attestation::{AttestationDemand, TrustAnchors},
        operation::SECURITY_CHANGE,
    },
    testing::{Making, SoftKey, SoftMaker, Statement, Traits, unattested},
};
use http::StatusCode;
use schema::record::{Policy, PolicyScope};
use serde_json::{Value, json};

use super::rp::{Rp, error, id_claims, ok, returned, text};
use crate::{
    passkey::{self, enrol, enrol_attested, options},
    policies::required,
    support::{Answer, Browser, PASSWORD, TestApp},
};

const METADATA: &str = "/.well-known/openid-configuration";
const KIND: [u8; 16] = *b"\x2f\xc0\x57\x9f\x81\x13\x47\xea\xb1\x16\xbb\x5a\x8d\xb9\x20\x2a";
const KEY: Traits = Traits { aaguid: KIND, ..Traits::WITH_PIN };
const ESSENTIAL: (&str, &str) = ("claims", r#"{"id_token":{"acr":{"essential":true,"value":"phrh"}}}"#);

/// What is said of who made a key.
type Word = Box<dyn FnOnce(&Making<'_>) -> Statement>;

fn anchors(maker: &SoftMaker) -> TrustAnchors {
    TrustAnchors::read(maker.root().as_bytes(), []).expect("an authority")
}

/// A maker, and a server that trusts it.
async fn trusting(demand: fn(TrustAnchors) -> AttestationDemand) -> (SoftMaker, TestApp) {
    let maker = SoftMaker::new("Maker");
    let attestation = demand(anchors(&maker));
    let app = TestApp::with_settings(|settings| settings.attestation = attestation).await;
    (maker, app)
}

/// What the maker says of a key that it made.
fn by(maker: &SoftMaker) -> impl FnOnce(&Making<'_>) -> Statement + use<> {
    let batch = maker.batch(Some(KIND), 2030);
    move |making| batch.packed(making)
}

/// Somebody with a passkey, in a browser that is not signed in.
async fn member<'a>(
    app: &'a TestApp,
    name: &str,
    traits: Traits,
    statement: impl FnOnce(&Making<'_>) -> Statement,
) -> (Browser<'a>, SoftKey) {
    let mut browser = app.browser();
    browser.register(name).await;
    let (key, done, _) = enrol_attested(&mut browser, "Key", traits, statement).await;
    assert_eq!(done.backup_codes().len(), 10, "{}", done.body);
    (app.browser(), key)
}

/// Answers the passkey form of a page, and goes on to the client.
async fn by_key(browser: &mut Browser<'_>, page: &Answer, key: &mut SoftKey) -> Answer {
    let led = passkey::answer(browser, page, key).await.location().to_owned();
    browser.open(&led).await
}

/// Types the password, and goes to the page of the second step.
async fn by_password(browser: &mut Browser<'_>, page: &Answer, name: &str) -> Answer {
    let led = browser.submit(page, "/login", &[("username", name), ("password", PASSWORD)]).await.location().to_owned();
    browser.open(&led).await
}

async fn claims_of(rp: &Rp<'_>, answer: &Answer) -> (Value, Value) {
    let code = returned(answer).remove("code").unwrap_or_else(|| panic!("a code: {answer:?}"));
    let tokens = ok(&rp.redeem(&code, &[]).await);
    (id_claims(&tokens), tokens)
}

async fn rungs(app: &TestApp) -> Vec<Value> {
    ok(&app.browser().get(METADATA).await)["acr_values_supported"].as_array().expect("a list").clone()
}

#[tokio::test]
async fn a_key_that_a_trusted_maker_vouches_for_is_phrh_from_its_first_token_to_its_last() {
    let (maker, app) = trusting(AttestationDemand::Direct).await;
    assert_eq!(rungs(&app).await.last(), Some(&json!("phrh")));
    let rp = Rp::new(&app).await;
    let (mut browser, mut key) = member(&app, "amelia", KEY, by(&maker)).await;
    let page = browser.open(&rp.path(&[ESSENTIAL])).await;
    let (claims, tokens) = claims_of(&rp, &by_key(&mut browser, &page, &mut key).await).await;
    assert_eq!((&claims["acr"], &claims["amr"]), (&json!("phrh"), &json!(["hwk", "mfa", "pop", "user"])));
    let page = browser.open("/account/mfa").await;
    assert!(page.body.contains("Its maker vouches for its hardware."), "{}", page.body);
    app.pass(Duration::from_mins(5));
    let renewed = ok(&rp.refresh(text(&tokens, "refresh_token"), &[]).await);
    assert_eq!(
        (&id_claims(&renewed)["acr"], &id_claims(&renewed)["auth_time"]),
        (&json!("phrh"), &claims["auth_time"])
    );

    let plain = Traits { user_verified: false, ..KEY };
    let (mut browser, mut key) = member(&app, "bertram", plain, by(&maker)).await;
    let page = browser.open(&rp.path(&[ESSENTIAL])).await;
    let page = by_password(&mut browser, &page, "bertram").await;
    let (claims, _) = claims_of(&rp, &by_key(&mut browser, &page, &mut key).await).await;
    assert_eq!((&claims["acr"], &claims["amr"]), (&json!("phrh"), &json!(["hwk", "mfa", "pop", "pwd", "user"])));
}

#[tokio::test]
async fn whatever_a_key_says_of_itself_without_a_trusted_maker_it_is_phr() {
    let (maker, app) = trusting(AttestationDemand::Direct).await;
    let rp = Rp::new(&app).await;
    let stranger = SoftMaker::new("Maker");
    let synced = Traits { aaguid: KIND, ..Traits::SYNCED };
    let ended = maker.batch(Some(KIND), 2025);
    let says: [(&str, Traits, Word); 5] = [
        ("nothing", KEY, Box::new(unattested)),
        ("itself", KEY, Box::new(SoftKey::itself)),
        ("stranger", KEY, Box::new(by(&stranger))),
        ("ended", KEY, Box::new(move |making| ended.packed(making))),
        ("synced", synced, Box::new(by(&maker))),
    ];
    for (name, traits, statement) in says {
        let (mut browser, mut key) = member(&app, name, traits, statement).await;
        let page = browser.open(&rp.path(&[("acr_values", "phrh phr")])).await;
        let (claims, _) = claims_of(&rp, &by_key(&mut browser, &page, &mut key).await).await;
        assert_eq!(claims["acr"], "phr", "{name}");
        assert_eq!(error(&browser.open(&rp.path(&[ESSENTIAL])).await), "unmet_authentication_requirements", "{name}");
        let page = browser.open("/account/mfa").await;
        assert!(!page.body.contains("Its maker vouches"), "{name}");
    }
}

#[tokio::test]
async fn a_false_statement_makes_no_passkey() {
    let (maker, app) = trusting(AttestationDemand::Direct).await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let posing = Traits { aaguid: [3; 16], ..KEY };
    let (_, refused, _) = enrol_attested(&mut browser, "Key", posing, by(&maker)).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.body.contains("This passkey was not accepted. Try again"), "{}", refused.body);
    assert!(!browser.open("/account/mfa").await.body.contains("on one device"));
}

#[tokio::test]
async fn a_session_is_raised_to_phrh_by_who_has_such_a_key_and_is_asked_for_that_one() {
    let (maker, app) = trusting(AttestationDemand::Direct).await;
    let rp = Rp::new(&app).await;
    let (mut browser, mut phone) = member(&app, "amelia", Traits::SYNCED, unattested).await;
    let page = browser.open("/login").await;
    by_key(&mut browser, &page, &mut phone).await;
    let (mut key, ..) = enrol_attested(&mut browser, "Key", KEY, by(&maker)).await;
    let claims = id_claims(&rp.tokens(&mut browser, &[]).await);
    assert_eq!(claims["acr"], "phr", "it owns one, and did not use it");

    app.pass(Duration::from_mins(1));
    let page = browser.open(&rp.path(&[("acr_values", "phrh")])).await;
    let page = by_password(&mut browser, &page, "amelia").await;
    let asked = options(&page)["allowCredentials"].as_array().expect("a list").clone();
    assert_eq!(asked.iter().map(|one| &one["id"]).collect::<Vec<_>>(), [&json!(key.id())], "no other reaches that");
    let (claims, _) = claims_of(&rp, &by_key(&mut browser, &page, &mut key).await).await;
    assert_eq!(claims["acr"], "phrh");
    assert_eq!(id_claims(&rp.tokens(&mut browser, &[ESSENTIAL]).await)["acr"], "phrh");

    // Whoever is asked for nothing may use any.
    let mut browser = app.browser();
    let page = browser.open("/login").await;
    let page = by_password(&mut browser, &page, "amelia").await;
    assert_eq!(options(&page)["allowCredentials"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn a_policy_that_wants_hardware_leads_to_a_key_that_a_maker_vouches_for() {
    let (maker, app) = trusting(AttestationDemand::Direct).await;
    let (mut browser, mut phone) = member(&app, "amelia", Traits::SYNCED, unattested).await;
    let at_least = Acr::PhishingResistantHardware.as_str().to_owned();
    let policy = Policy { at_least, ..required(PolicyScope::Everybody) };
    app.services.policies.set(policy).await.expect("a policy that can be met");
    let page = browser.open("/login").await;
    let page = by_key(&mut browser, &page, &mut phone).await;
    assert!(page.body.contains("set up a passkey whose maker vouches for its hardware"), "{}", page.body);
    let (mut key, ..) = enrol_attested(&mut browser, "Key", KEY, by(&maker)).await;
    let again = browser.get("/account").await.location().to_owned();
    assert!(again.starts_with("/login?more=yes"), "it was not used yet: {again}");
    let page = browser.open(&again).await;
    let led = passkey::answer(&mut browser, &page, &mut key).await.location().to_owned();
    assert_eq!(browser.get(&led).await.status, StatusCode::OK);
}

#[tokio::test]
async fn where_a_maker_must_vouch_no_other_passkey_is_added_and_it_is_said_why() {
    let (maker, app) = trusting(AttestationDemand::Require).await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let statements: [Word; 3] =
        [Box::new(unattested), Box::new(SoftKey::itself), Box::new(by(&SoftMaker::new("Stranger")))];
    for statement in statements {
        let (_, refused, _) = enrol_attested(&mut browser, "Key", KEY, statement).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.body.contains("it does not come from a maker"), "{}", refused.body);
    }
    assert!(!browser.open("/account/mfa").await.body.contains("on one device"));
    let (_, done, _) = enrol_attested(&mut browser, "Key", KEY, by(&maker)).await;
    assert_eq!(done.backup_codes().len(), 10);
    assert!(browser.open("/account/mfa").await.body.contains("on one device"));
}

#[tokio::test]
async fn where_nobody_is_trusted_nobody_is_asked_and_there_is_no_phrh() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    assert!(!rungs(&app).await.contains(&json!("phrh")));
    let mut browser = app.browser();
    browser.register("amelia").await;
    let page = browser.open("/account/mfa").await;
    let path = browser.submit(&page, "/account/mfa/passkey", &[("passkey_name", "")]).await.location().to_owned();
    assert_eq!(options(&browser.open(&path).await)["attestation"], "none");
    let maker = SoftMaker::new("Maker");
    let (mut key, ..) = enrol_attested(&mut browser, "Key", KEY, by(&maker)).await;
    let mut browser = app.browser();
    assert_eq!(error(&browser.get(&rp.path(&[ESSENTIAL])).await), "unmet_authentication_requirements");
    let page = browser.open(&rp.path(&[("acr_values", "phrh")])).await;
    let (claims, _) = claims_of(&rp, &by_key(&mut browser, &page, &mut key).await).await;
    assert_eq!(claims["acr"], "phr");
    let (_, done, _) = enrol(&mut browser, "Another", Traits::PLAIN).await;
    assert_eq!(done.location(), "/account/mfa?done=passkey-added");
}

#[tokio::test]
async fn an_operation_that_wants_hardware_asks_for_a_key_that_has_it() {
    let (maker, app) = trusting(AttestationDemand::Direct).await;
    let rp = Rp::new(&app).await;
    let (mut browser, mut phone) = member(&app, "amelia", Traits::SYNCED, unattested).await;
    let page = browser.open("/login").await;
    by_key(&mut browser, &page, &mut phone).await;
    let (key, ..) = enrol_attested(&mut browser, "Key", KEY, by(&maker)).await;
    let scope = PolicyScope::Operation { client: Some(rp.id.clone()), operation: "wire.transfer".to_owned() };
    let at_least = Acr::PhishingResistantHardware.as_str().to_owned();
    app.services.policies.set(Policy { at_least, ..required(scope) }).await.expect("a policy that can be met");
    app.pass(Duration::from_mins(1));
    let details = [("authorization_details", r#"[{"type":"wire.transfer"}]"#)];
    let page = browser.open(&rp.path(&details)).await;
    let page = by_password(&mut browser, &page, "amelia").await;
    let asked = options(&page)["allowCredentials"].as_array().expect("a list").clone();
    assert_eq!(asked.iter().map(|one| &one["id"]).collect::<Vec<_>>(), [&json!(key.id())], "no other reaches that");
}

#[tokio::test]
async fn a_change_that_wants_hardware_asks_for_a_key_that_has_it() {
    let (maker, app) = trusting(AttestationDemand::Direct).await;
    let (mut browser, mut phone) = member(&app, "amelia", Traits::SYNCED, unattested).await;
    let page = browser.open("/login").await;
    by_key(&mut browser, &page, &mut phone).await;
    let (key, ..) = enrol_attested(&mut browser, "Key", KEY, by(&maker)).await;
    let scope = PolicyScope::Operation { client: None, operation: SECURITY_CHANGE.to_owned() };
    let at_least = Acr::PhishingResistantHardware.as_str().to_owned();
    app.services.policies.set(Policy { at_least, ..required(scope) }).await.expect("a policy that can be met");
    // The session is raised: what was proved a moment ago is not asked for again.
    let page = browser.open("/account/reauthenticate?to=%2Faccount%2Fmfa").await;
    let asked = options(&page)["allowCredentials"].as_array().expect("a list").clone();
    assert_eq!(asked.iter().map(|one| &one["id"]).collect::<Vec<_>>(), [&json!(key.id())], "no other reaches that");
}
