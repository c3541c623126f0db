//! `/consent`: clients of somebody else ask first.

use axum::body::Body;
use http::StatusCode;

use super::rp::{Rp, amelia, error, returned};
use crate::support::{Answer, Browser, TestApp, encode};

async fn third_party(app: &TestApp) -> Rp<'_> {
    Rp::with(app, |new| new.trusted = false).await
}

async fn decide(browser: &mut Browser<'_>, page: &Answer, decision: &str) -> Answer {
    browser.submit(page, "/consent", &[("decision", decision)]).await
}

#[tokio::test]
async fn what_is_allowed_is_not_asked_again_unless_it_grows_or_the_client_wants_it() {
    let app = TestApp::new().await;
    let rp = third_party(&app).await;
    let mut browser = amelia(&app).await;
    let page = browser.open(&rp.path(&[("scope", "openid profile")])).await;
    for words in ["Allow Photos to use your account?", "https:&#x2f;&#x2f;app.example", "amelia", "See your user name"]
    {
        assert!(page.body.contains(words), "{words}");
    }
    let csp = page.headers["content-security-policy"].to_str().expect("ASCII");
    assert!(csp.contains("form-action 'self' https://app.example;"), "{csp}");
    assert!(returned(&decide(&mut browser, &page, "allow").await).contains_key("code"));
    assert!(!browser.jar.keys().any(|name| name.contains("login")));
    assert!(returned(&browser.get(&rp.path(&[])).await).contains_key("code"));
    for more in [("scope", "openid profile email"), ("prompt", "consent")] {
        let page = browser.open(&rp.path(&[more])).await;
        assert!(page.body.contains("Allow Photos to use your account?"), "{more:?}");
        assert!(returned(&decide(&mut browser, &page, "allow").await).contains_key("code"));
    }
    assert!(returned(&browser.get(&rp.path(&[("scope", "openid profile email")])).await).contains_key("code"));
    let page = browser.open(&rp.path(&[("scope", "email profile openid"), ("prompt", "consent")])).await;
    let place = |words: &str| page.body.find(words).expect("the scope in words");
    let places = ["Know that it is you", "See your user name", "See your e-mail address"].map(place);
    assert!(places.is_sorted(), "in the order of their weight, not of the alphabet");
}

#[tokio::test]
async fn a_no_goes_to_the_client_and_is_not_remembered() {
    let app = TestApp::new().await;
    let rp = third_party(&app).await;
    let mut browser = amelia(&app).await;
    let page = browser.open(&rp.path(&[])).await;
    assert_eq!(error(&decide(&mut browser, &page, "deny").await), "access_denied");
    let page = browser.open(&rp.path(&[])).await;
    assert!(page.body.contains("Allow Photos to use your account?"));
    assert_eq!(decide(&mut browser, &page, "maybe").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn nobody_can_say_yes_for_somebody_else() {
    let app = TestApp::new().await;
    let rp = third_party(&app).await;
    let (mut browser, mut thief) = (app.browser(), app.browser());
    browser.register("amelia").await;
    thief.register("thief").await;
    let page = browser.open(&rp.path(&[])).await;
    let mut fields = page.form("/consent");
    fields.push(("decision".to_owned(), "allow".to_owned()));

    assert_eq!(
        thief.post("/consent", &fields).await.status,
        StatusCode::BAD_REQUEST,
        "the login is not this browser's"
    );
    let request = browser.form_request("/consent").header("origin", "https://app.example");
    let foreign = browser.send(request.body(Body::from(encode(&fields))).expect("a request")).await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    let without: Vec<_> = fields.iter().filter(|(name, _)| name != "csrf").cloned().collect();
    assert_eq!(browser.post("/consent", &without).await.status, StatusCode::FORBIDDEN);
    assert!(returned(&browser.post("/consent", &fields).await).contains_key("code"));
    assert_eq!(browser.post("/consent", &fields).await.status, StatusCode::BAD_REQUEST, "a question is answered once");
}

#[tokio::test]
async fn who_signs_in_meanwhile_is_asked_too() {
    let app = TestApp::new().await;
    let rp = third_party(&app).await;
    app.browser().register("bertram").await;
    let mut browser = amelia(&app).await;
    let page = browser.open(&rp.path(&[])).await;
    browser.log_in("bertram", crate::support::PASSWORD).await;
    let asked = decide(&mut browser, &page, "allow").await;
    assert_eq!(asked.status, StatusCode::OK);
    assert!(asked.body.contains("bertram") && !asked.body.contains("amelia"));
    assert!(returned(&decide(&mut browser, &asked, "allow").await).contains_key("code"));
}
