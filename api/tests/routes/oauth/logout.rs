//! `/oauth/logout` (RP-Initiated Logout 1.0): who is signed out at once, who is asked, and who goes where afterwards.

use std::time::Duration;

use axum::body::Body;
use data_encoding::BASE64URL_NOPAD;
use http::StatusCode;

use super::rp::{GOODBYE, Pairs, Rp, refused, text};
use crate::support::{Browser, TestApp, encode};

fn path(pairs: Pairs<'_>) -> String {
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    format!("/oauth/logout?{}", encode(&pairs))
}

/// Somebody who signed in to the application, with the ID and refresh tokens.
async fn signed_in<'a>(rp: &Rp<'a>, name: &str) -> (Browser<'a>, String, String) {
    let mut browser = rp.app.browser();
    browser.register(name).await;
    let tokens = rp.tokens(&mut browser, &[]).await;
    (browser, text(&tokens, "id_token").to_owned(), text(&tokens, "refresh_token").to_owned())
}

#[tokio::test]
async fn an_id_token_of_the_session_ends_it_at_once_even_when_expired() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    for (number, age) in [0, 30].into_iter().enumerate() {
        let (mut browser, id_token, refresh) = signed_in(&rp, &format!("amelia{number}")).await;
        app.pass(Duration::from_mins(age));
        let asked = [("id_token_hint", &*id_token), ("post_logout_redirect_uri", GOODBYE), ("state", "a&b")];
        let answer = browser.get(&path(&asked)).await;
        assert_eq!(answer.location(), format!("{GOODBYE}?state=a%26b"));
        assert!(!browser.is_signed_in().await);
        assert_eq!(refused(&rp.refresh(&refresh, &[]).await), (400, "invalid_grant".to_owned()));
        // Nobody is signed in any more: the same leads to the same.
        assert_eq!(browser.get(&path(&asked)).await.location(), format!("{GOODBYE}?state=a%26b"));
    }
}

#[tokio::test]
async fn without_an_address_the_last_page_is_ours() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let (mut browser, id_token, _) = signed_in(&rp, "amelia").await;
    let answer = browser.get(&path(&[("id_token_hint", &id_token), ("state", "x")])).await;
    assert!(answer.status == StatusCode::OK && answer.body.contains("You are signed out"));
    assert!(!browser.is_signed_in().await);
}

#[tokio::test]
async fn without_a_token_of_the_session_the_user_is_asked() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let id = rp.id.to_string();
    for (number, (asked, end)) in [
        (vec![], None),
        (vec![("state", "x")], None),
        (vec![("post_logout_redirect_uri", GOODBYE)], None),
        (
            vec![("client_id", id.as_str()), ("post_logout_redirect_uri", GOODBYE), ("state", "x")],
            Some(format!("{GOODBYE}?state=x")),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let (mut browser, ..) = signed_in(&rp, &format!("amelia{number}")).await;
        let page = browser.get(&path(&asked)).await;
        assert!(page.status == StatusCode::OK && page.body.contains("Sign out?"), "{asked:?}");
        assert!(browser.is_signed_in().await, "asking ends nothing");
        let csp = page.headers["content-security-policy"].to_str().expect("ASCII");
        assert_eq!(csp.contains("https://app.example"), end.is_some(), "{csp}");
        let answer = browser.submit(&page, "/oauth/logout", &[]).await;
        match end {
            Some(end) => assert_eq!(answer.location(), end),
            None => assert!(answer.body.contains("You are signed out"), "{asked:?}"),
        }
        assert!(!browser.is_signed_in().await);
    }
}

#[tokio::test]
async fn what_cannot_be_believed_is_asked_about_and_leads_nowhere_else() {
    let app = TestApp::new().await;
    let (rp, other) = (Rp::new(&app).await, Rp::new(&app).await);
    let (mut browser, id_token, _) = signed_in(&rp, "amelia").await;
    let (_, foreign, _) = signed_in(&rp, "bertram").await;
    let body = id_token.split('.').nth(1).expect("three parts");
    let unsigned = format!("{}.{body}.", BASE64URL_NOPAD.encode(br#"{"alg":"none","typ":"JWT"}"#));
    let cut = &id_token[..id_token.len() - 4];
    let added = format!("{GOODBYE}?foo=bar");
    let mismatch = [("id_token_hint", id_token.as_str()), ("client_id", other.id.as_str())];
    for asked in [
        vec![("id_token_hint", unsigned.as_str()), ("post_logout_redirect_uri", GOODBYE)],
        vec![("id_token_hint", cut), ("post_logout_redirect_uri", GOODBYE)],
        vec![("id_token_hint", foreign.as_str())],
        vec![("id_token_hint", id_token.as_str()), ("post_logout_redirect_uri", &added)],
        vec![("id_token_hint", id_token.as_str()), ("post_logout_redirect_uri", "https://evil.example/")],
        [&mismatch[..], &[("post_logout_redirect_uri", GOODBYE)]].concat(),
    ] {
        let page = browser.get(&path(&asked)).await;
        assert!(page.status == StatusCode::OK && page.body.contains("Sign out?"), "{asked:?}");
        let carried = page.form("/oauth/logout");
        assert!(carried.iter().all(|(name, _)| name == "csrf"), "{carried:?}");
        assert!(browser.is_signed_in().await);
    }
    let mut nobody = app.browser();
    let page = nobody.get(&path(&[("id_token_hint", cut), ("post_logout_redirect_uri", GOODBYE)])).await;
    assert!(page.status == StatusCode::OK && !page.body.contains(GOODBYE));
    let twice = "/oauth/logout?state=1&state=2";
    assert_eq!(nobody.get(twice).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn somebody_who_is_signed_out_already_is_offered_the_way_back() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let mut nobody = app.browser();
    let asked = [("client_id", rp.id.as_str()), ("post_logout_redirect_uri", GOODBYE)];
    let page = nobody.get(&path(&asked)).await;
    assert!(page.status == StatusCode::OK && page.body.contains("Back to Photos"));
}

#[tokio::test]
async fn a_form_of_the_clients_site_is_asked_again_by_get() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let (mut browser, id_token, _) = signed_in(&rp, "amelia").await;
    let fields = [("id_token_hint", id_token.as_str()), ("post_logout_redirect_uri", GOODBYE)];
    let fields: Vec<_> = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    // `SameSite=Lax`: such a request brings no cookie.
    let mut stranger = app.browser();
    let request = stranger.form_request("/oauth/logout").header("origin", "https://app.example");
    let answer = stranger.send(request.body(Body::from(encode(&fields))).expect("a request")).await;
    assert!(answer.cookies().is_empty(), "{:?}", answer.cookies());
    assert_eq!(browser.get(answer.location()).await.location(), GOODBYE);
    assert!(!browser.is_signed_in().await);
}

#[tokio::test]
async fn nobody_is_signed_out_by_a_form_that_is_not_ours() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let (mut browser, ..) = signed_in(&rp, "amelia").await;
    let answer = browser.post("/oauth/logout", &[]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let request = browser.form_request("/oauth/logout").header("origin", "https://evil.example");
    let answer = browser.send(request.body(Body::empty()).expect("a request")).await;
    let page = browser.open(answer.location()).await;
    assert!(page.body.contains("Sign out?"));
    assert!(browser.is_signed_in().await);
}
