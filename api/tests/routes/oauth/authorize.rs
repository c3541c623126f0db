//! `/oauth/authorize`: the request, the way through the pages, the way back.

use axum::body::Body;
use http::StatusCode;

use super::rp::{CALLBACK, CHALLENGE, Rp, amelia, error, id_claims, ok, returned};
use crate::support::{PASSWORD, TestApp};

#[tokio::test]
async fn a_sign_in_ends_at_the_client_with_code_state_and_issuer() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    app.browser().register("amelia").await;
    let mut browser = app.browser();
    let page = browser.open(&rp.path(&[("login_hint", "amelia")])).await;
    assert!(page.body.contains("Photos") && page.body.contains("https:&#x2f;&#x2f;app.example"));
    assert_eq!(page.field("/login", "username"), "amelia");
    let csp = page.headers["content-security-policy"].to_str().expect("ASCII");
    assert!(csp.contains("form-action 'self' https://app.example;"), "{csp}");
    let answer = rp.sign_in(&mut browser, &page, "amelia").await;
    let params = returned(&answer);
    assert_eq!((params["state"].as_str(), params["iss"].as_str()), ("s&1", "https://id.example"));
    assert!(!browser.jar.keys().any(|name| name.contains("login")), "the login's cookie is gone");
    let claims = id_claims(&ok(&rp.redeem(&params["code"], &[]).await));
    assert_eq!(claims["nonce"], "n-1");
}

#[tokio::test]
async fn a_registration_on_the_way_ends_at_the_client_too() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let mut browser = app.browser();
    let page = browser.open(&rp.path(&[])).await;
    let login = page.field("/login", "l");
    let page = browser.open(&format!("/register?l={login}")).await;
    let typed = [("user_name", "amelia"), ("email", ""), ("password", crate::support::PASSWORD)];
    let next = browser.submit(&page, "/register", &typed).await.location().to_owned();
    assert!(returned(&browser.open(&next).await).contains_key("code"));
}

#[tokio::test]
async fn a_session_that_is_good_enough_gives_a_code_without_a_page() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let mut browser = amelia(&app).await;
    let (one, two) = (browser.get(&rp.path(&[])).await, browser.get(&rp.path(&[("state", "")])).await);
    assert_ne!(returned(&one)["code"], returned(&two)["code"]);
    assert!(!returned(&two).contains_key("state"));
    assert_eq!(one.headers["cache-control"], "no-store");
}

#[tokio::test]
async fn a_wrong_client_or_redirect_uri_is_told_to_the_person_and_never_redirected() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let mut browser = amelia(&app).await;
    for (changes, words) in [
        (("client_id", ""), "client_id is missing"),
        (("client_id", "c_nobody"), "No application is registered"),
        (("redirect_uri", ""), "redirect_uri is missing"),
        (("redirect_uri", "https://app.example/cb/"), "not one of those registered"),
        (("redirect_uri", "https://app.example/cb?x=1"), "not one of those registered"),
        (("redirect_uri", "https://app.example/CB"), "not one of those registered"),
        (("redirect_uri", "https://app.example/%63b"), "not one of those registered"),
        (("redirect_uri", "https://user@app.example/cb"), "not one of those registered"),
        (("redirect_uri", "https://app.example.evil.example/cb"), "not one of those registered"),
        (("redirect_uri", "https://app.example/cb#x"), "not one of those registered"),
        (("redirect_uri", "javascript:alert(1)"), "not one of those registered"),
    ] {
        let asked = rp.asks(&[changes]);
        let page = browser.get(&format!("/oauth/authorize?{asked}")).await;
        let posted = browser.form_request("/oauth/authorize").body(Body::from(asked)).expect("a request");
        for answer in [page, browser.send(posted).await] {
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{changes:?}");
            assert!(!answer.headers.contains_key("location"));
            assert!(answer.body.contains(words), "{changes:?}: {}", answer.body);
        }
    }
    let twice = format!("{}&redirect_uri=https://evil.example/", rp.path(&[]));
    assert_eq!(browser.get(&twice).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn other_errors_go_to_the_client() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let public = Rp::with(&app, |new| new.public = true).await;
    let mut browser = amelia(&app).await;
    for (change, code) in [
        (("response_type", ""), "invalid_request"),
        (("response_type", "token"), "unsupported_response_type"),
        (("scope", "phone"), "invalid_scope"),
        (("request", "e.y.J"), "request_not_supported"),
        (("request_uri", "https://app.example/r"), "request_uri_not_supported"),
        (("code_challenge", CHALLENGE), "invalid_request"),
        (("max_age", "soon"), "invalid_request"),
        (("id_token_hint", "e30.e30.e30"), "invalid_request"),
    ] {
        assert_eq!(error(&browser.get(&rp.path(&[change])).await), code, "{change:?}");
    }
    assert_eq!(error(&browser.get(&public.path(&[])).await), "invalid_request", "PKCE is missing");
    let plain = [("code_challenge", CHALLENGE), ("code_challenge_method", "plain")];
    assert_eq!(error(&browser.get(&public.path(&plain)).await), "invalid_request");
}

#[tokio::test]
async fn scopes_and_parameters_that_are_not_known_do_no_harm() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let mut browser = amelia(&app).await;
    let unknown = [
        ("scope", "phone profile address openid"),
        ("extra", "foobar"),
        ("display", "popup"),
        ("ui_locales", "se"),
        ("claims_locales", "se"),
        ("acr_values", "1 2"),
        ("claims", r#"{"userinfo":{"name":{"essential":true}}}"#),
    ];
    assert_eq!(rp.tokens(&mut browser, &unknown).await["scope"], "openid profile");
}

#[tokio::test]
async fn a_post_from_the_clients_site_is_sealed_and_asked_again_without_its_parameters() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let mut browser = amelia(&app).await;
    let large = "\"".repeat(2_000);
    for changes in [vec![], vec![("state", large.as_str()), ("nonce", "n")]] {
        // `SameSite=Lax`: such a request brings no cookie.
        let mut stranger = app.browser();
        let request = stranger.form_request("/oauth/authorize").header("origin", "https://app.example");
        let request = request.body(Body::from(rp.asks(&changes))).expect("a request");
        let answer = stranger.send(request).await;
        let next = answer.location().to_owned();
        assert!(next.starts_with("/oauth/authorize/continue?r=") && next.len() < 64, "{next}");
        assert!(answer.cookies().iter().all(|line| line.starts_with("__Host-dw_posted_")), "{:?}", answer.cookies());
        browser.jar.append(&mut stranger.jar);
        assert!(returned(&browser.get(&next).await).contains_key("code"));
        assert_eq!(browser.get(&next).await.status, StatusCode::BAD_REQUEST, "a reference is good once");
    }
}

#[tokio::test]
async fn a_posted_form_answer_has_a_button_and_nothing_breaks_out_of_it() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let mut browser = amelia(&app).await;
    let hostile = "\"><script>alert(1)</script>";
    let page = browser.open(&rp.path(&[("response_mode", "form_post"), ("state", hostile)])).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("<button type=\"submit\"") && !page.body.contains("<script>"));
    let csp = page.headers["content-security-policy"].to_str().expect("ASCII");
    assert!(csp.contains("form-action 'self' https://app.example;"), "{csp}");
    let action = CALLBACK.replace('/', "&#x2f;");
    let fields = page.form(&action);
    let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["code", "state", "iss"]);
    assert!(ok(&rp.redeem(&fields[0].1, &[]).await)["access_token"].is_string());
    let refused = browser.open(&rp.path(&[("response_mode", "form_post"), ("scope", "x")])).await;
    assert!(refused.form(&action).contains(&("error".to_owned(), "invalid_scope".to_owned())));
}

#[tokio::test]
async fn two_tabs_do_not_disturb_each_other() {
    let app = TestApp::new().await;
    let (one, two) = (Rp::new(&app).await, Rp::new(&app).await);
    app.browser().register("amelia").await;
    let mut browser = app.browser();
    let first = browser.open(&one.path(&[("nonce", "first")])).await;
    let second = browser.open(&two.path(&[("nonce", "second")])).await;
    let to_second = returned(&two.sign_in(&mut browser, &second, "amelia").await);
    let to_first = returned(&one.sign_in(&mut browser, &first, "amelia").await);
    assert_eq!(id_claims(&ok(&one.redeem(&to_first["code"], &[]).await))["nonce"], "first");
    assert_eq!(id_claims(&ok(&two.redeem(&to_second["code"], &[]).await))["nonce"], "second");
}

#[tokio::test]
async fn a_login_of_another_browser_or_of_nobody_goes_nowhere() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    app.browser().register("amelia").await;
    let (mut browser, mut thief) = (app.browser(), app.browser());
    let page = browser.open(&rp.path(&[])).await;
    let login = page.field("/login", "l");
    thief.register("thief").await;
    for path in [
        format!("/oauth/authorize/continue?l={login}"),
        "/oauth/authorize/continue?l=x".to_owned(),
        "/oauth/authorize/continue?r=x".to_owned(),
        "/oauth/authorize/continue".to_owned(),
        format!("/consent?l={login}"),
    ] {
        assert_eq!(thief.get(&path).await.status, StatusCode::BAD_REQUEST, "{path}");
    }
}

#[tokio::test]
async fn an_ended_login_of_an_application_says_to_go_back_to_it() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    app.browser().register("amelia").await;
    let mut browser = app.browser();
    let page = browser.open(&rp.path(&[])).await;
    let done = rp.sign_in(&mut browser, &page, "amelia").await;
    let ended = browser.submit(&page, "/login", &[("username", "amelia"), ("password", PASSWORD)]).await;
    assert!(returned(&done).contains_key("code"), "{done:?}");
    assert_eq!(ended.status, StatusCode::BAD_REQUEST);
    assert!(ended.body.contains("If an application sent you here, go back to it"));
    assert!(browser.is_signed_in().await);
}

#[tokio::test]
async fn a_client_that_is_deleted_meanwhile_gets_nothing() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    app.browser().register("amelia").await;
    let mut browser = app.browser();
    let page = browser.open(&rp.path(&[])).await;
    app.services.clients.delete(&rp.id).await.expect("deletes");
    let answer = rp.sign_in(&mut browser, &page, "amelia").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
}
