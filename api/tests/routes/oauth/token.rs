//! `/oauth/token` with a code: what it gives, once, to whom it is bound.

use std::time::Duration;

use actors::domain::command::EndAllSessions;
use axum::body::Body;
use data_encoding::BASE64URL_NOPAD;
use http::{Method, StatusCode};
use schema::record::SigningAlg;
use sha2::{Digest, Sha256, Sha512};

use super::rp::{CALLBACK, PKCE, Rp, VERIFIER, amelia, id_claims, json, ok, opened, refused, send, text, userinfo};
use crate::support::TestApp;

#[tokio::test]
async fn the_tokens_say_who_signed_in_when_how_and_for_whom() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let mut browser = amelia(&app).await;
    let now = app.services.clock.now().as_secs();
    app.pass(Duration::from_secs(7));
    let code = rp.code(&mut browser, &[("scope", "openid profile")]).await;
    let answer = rp.redeem(&code, &[]).await;
    let tokens = ok(&answer);
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(answer.headers["pragma"], "no-cache");
    assert_eq!((text(&tokens, "token_type"), text(&tokens, "scope")), ("Bearer", "openid profile"));
    assert_eq!(tokens["expires_in"], 300);

    let (header, id) = opened(text(&tokens, "id_token"));
    assert_eq!(header["alg"], "RS256");
    let user = app.user("amelia").await.to_string();
    assert_eq!((text(&id, "iss"), text(&id, "sub")), ("https://id.example", user.as_str()));
    assert_eq!((text(&id, "aud"), text(&id, "nonce")), (rp.id.as_str(), "n-1"));
    assert_eq!((&id["auth_time"], &id["iat"], &id["exp"]), (&now.into(), &(now + 7).into(), &(now + 307).into()));
    assert_eq!((text(&id, "acr"), &id["amr"]), ("urn:doorward:acr:1fa", &serde_json::json!(["pwd"])));
    let half = &Sha256::digest(text(&tokens, "access_token"))[..16];
    assert_eq!(text(&id, "at_hash"), BASE64URL_NOPAD.encode(half));
    app.services
        .tokens
        .read_id_token_hint(&app.services.keys.shown(), text(&tokens, "id_token"))
        .expect("its signature is good");

    let (header, access) = opened(text(&tokens, "access_token"));
    assert_eq!((&header["alg"], &header["typ"]), (&"ES256".into(), &"at+jwt".into()));
    for claim in ["iss", "sub", "auth_time", "acr", "amr", "sid"] {
        assert_eq!(access[claim], id[claim], "{claim}");
    }
    assert_eq!((text(&access, "aud"), text(&access, "client_id")), ("https://id.example", rp.id.as_str()));
    assert_eq!(text(&access, "scope"), "openid profile");
}

#[tokio::test]
async fn an_id_token_is_signed_as_its_client_wants_it() {
    let app = TestApp::new().await;
    let mut browser = amelia(&app).await;
    for (alg, name) in [(SigningAlg::RS256, "RS256"), (SigningAlg::ES256, "ES256"), (SigningAlg::EdDSA, "EdDSA")] {
        let rp = Rp::with(&app, |new| new.id_token_alg = alg).await;
        let tokens = rp.tokens(&mut browser, &[("nonce", "")]).await;
        let (header, claims) = opened(text(&tokens, "id_token"));
        assert_eq!(text(&header, "alg"), name);
        assert!(claims.get("nonce").is_none());
        let access = text(&tokens, "access_token");
        let hash = match alg {
            SigningAlg::RS256 | SigningAlg::ES256 => BASE64URL_NOPAD.encode(&Sha256::digest(access)[..16]),
            SigningAlg::EdDSA => BASE64URL_NOPAD.encode(&Sha512::digest(access)[..32]),
        };
        assert_eq!(text(&claims, "at_hash"), hash);
        app.services
            .tokens
            .read_id_token_hint(&app.services.keys.shown(), text(&tokens, "id_token"))
            .expect("its signature is good");
    }
}

#[tokio::test]
async fn without_openid_there_is_no_id_token() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let mut browser = amelia(&app).await;
    let tokens = rp.tokens(&mut browser, &[("scope", "profile")]).await;
    assert!(tokens.get("id_token").is_none() && tokens["access_token"].is_string());
}

/// Step 2 of the integration guide: the body that `JSON.stringify` makes of it, in its order, without a verifier.
#[tokio::test]
async fn the_ten_lines_of_the_guide_work_with_a_json_body() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let mut browser = amelia(&app).await;
    let code = rp.code(&mut browser, &[]).await;
    let (id, secret) = (&rp.id, rp.secret.as_deref().expect("a secret"));
    let body = format!(
        r#"{{"grant_type":"authorization_code","code":"{code}","client_id":"{id}","client_secret":"{secret}","redirect_uri":"{CALLBACK}"}}"#
    );
    let kind = [("content-type", "application/json")];
    assert!(ok(&send(&app, "/oauth/token", &kind, &body).await)["id_token"].is_string());
}

#[tokio::test]
async fn json_can_be_switched_off_and_the_answer_names_the_switch() {
    let app = TestApp::with(crate::support::HTTPS, |settings| settings.json_token_requests = false).await;
    let answer = send(&app, "/oauth/token", &[("content-type", "application/json")], "{}").await;
    assert_eq!(refused(&answer), (415, "invalid_request".to_owned()));
    assert!(text(&json(&answer), "error_description").contains("oauth.json_token_requests"));
}

#[tokio::test]
async fn a_request_that_cannot_be_served_names_the_parameter() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let mut browser = amelia(&app).await;
    let code = rp.code(&mut browser, &[]).await;
    for (change, error, word) in [
        (("grant_type", ""), "invalid_request", "grant_type"),
        (("grant_type", "password"), "unsupported_grant_type", "grant_type"),
        (("grant_type", "client_credentials"), "unsupported_grant_type", "grant_type"),
        (("code", ""), "invalid_request", "code"),
        (("code", "v1.k1.x.y"), "invalid_grant", "code"),
        (("redirect_uri", ""), "invalid_request", "redirect_uri"),
    ] {
        let answer = rp.redeem(&code, &[change]).await;
        assert_eq!(refused(&answer), (400, error.to_owned()), "{change:?}");
        assert!(text(&json(&answer), "error_description").contains(word), "{}", answer.body);
    }
    let twice = send(&app, "/oauth/token", &[("authorization", &rp.basic())], "grant_type=x&grant_type=y").await;
    assert_eq!(refused(&twice), (400, "invalid_request".to_owned()));
    let plain = send(&app, "/oauth/token", &[("content-type", "text/plain")], "grant_type=x").await;
    assert_eq!(refused(&plain), (415, "invalid_request".to_owned()));
    let get = browser.request(Method::GET, "/oauth/token?grant_type=authorization_code");
    let get = browser.send(get.body(Body::empty()).expect("a request")).await;
    assert_eq!(get.status, StatusCode::METHOD_NOT_ALLOWED);
    ok(&rp.redeem(&code, &[]).await);
}

#[tokio::test]
async fn every_pkce_downgrade_is_refused_and_leaves_the_code_as_it_was() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let public = Rp::with(&app, |new| new.public = true).await;
    let mut browser = amelia(&app).await;
    let other = "a".repeat(43);
    for client in [&rp, &public] {
        let code = client.code(&mut browser, &PKCE).await;
        for verifier in ["", &other, "too short", PKCE[0].1] {
            let answer = client.redeem(&code, &[("code_verifier", verifier)]).await;
            assert_eq!(refused(&answer), (400, "invalid_grant".to_owned()), "{verifier}");
        }
        ok(&client.redeem(&code, &[("code_verifier", VERIFIER)]).await);
    }
    let code = rp.code(&mut browser, &[]).await;
    for verifier in [VERIFIER, "too short"] {
        let answer = rp.redeem(&code, &[("code_verifier", verifier)]).await;
        assert_eq!(refused(&answer), (400, "invalid_grant".to_owned()), "a verifier that was not announced");
    }
    ok(&rp.redeem(&code, &[]).await);
}

#[tokio::test]
async fn a_code_is_bound_to_its_client_and_address_and_a_failed_binding_changes_nothing() {
    let app = TestApp::new().await;
    let (rp, thief) = (Rp::new(&app).await, Rp::new(&app).await);
    let mut browser = amelia(&app).await;
    let code = rp.code(&mut browser, &[]).await;
    assert_eq!(refused(&thief.redeem(&code, &[]).await), (400, "invalid_grant".to_owned()));
    for other in ["https://app.example/cb/", "https://app.example/other", "https://evil.example/"] {
        let answer = rp.redeem(&code, &[("redirect_uri", other)]).await;
        assert_eq!(refused(&answer), (400, "invalid_grant".to_owned()), "{other}");
    }
    let tokens = ok(&rp.redeem(&code, &[]).await);
    // Not theft either: what the code gave lives on.
    assert_eq!(refused(&thief.redeem(&code, &[]).await), (400, "invalid_grant".to_owned()));
    assert_eq!(userinfo(&app, text(&tokens, "access_token")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_second_use_ends_what_the_first_gave() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let mut browser = amelia(&app).await;
    let code = rp.code(&mut browser, &[]).await;
    let tokens = ok(&rp.redeem(&code, &[]).await);
    app.pass(Duration::from_secs(30));
    assert_eq!(refused(&rp.redeem(&code, &[]).await), (400, "invalid_grant".to_owned()));
    assert_eq!(userinfo(&app, text(&tokens, "access_token")).await.status, StatusCode::UNAUTHORIZED);
    let refreshed = rp.refresh(text(&tokens, "refresh_token"), &[]).await;
    assert_eq!(refused(&refreshed), (400, "invalid_grant".to_owned()));
}

#[tokio::test]
async fn of_many_redemptions_at_once_one_succeeds() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let mut browser = amelia(&app).await;
    let code = rp.code(&mut browser, &[]).await;
    let all = futures_util::future::join_all((0..16).map(|_| rp.redeem(&code, &[]))).await;
    assert_eq!(all.iter().filter(|answer| answer.status == StatusCode::OK).count(), 1);
    for answer in all.iter().filter(|answer| answer.status != StatusCode::OK) {
        assert_eq!(refused(answer), (400, "invalid_grant".to_owned()));
    }
}

#[tokio::test]
async fn a_code_ends_with_its_minute_and_with_its_session() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let mut browser = amelia(&app).await;
    let late = rp.code(&mut browser, &[]).await;
    app.pass(Duration::from_mins(1));
    assert_eq!(refused(&rp.redeem(&late, &[]).await), (400, "invalid_grant".to_owned()));
    let orphan = rp.code(&mut browser, &[]).await;
    app.operate("amelia", EndAllSessions { except: None }).await;
    assert_eq!(refused(&rp.redeem(&orphan, &[]).await), (400, "invalid_grant".to_owned()));
}

#[tokio::test]
async fn a_disabled_user_gets_no_tokens_by_any_door() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let mut browser = amelia(&app).await;
    let tokens = rp.tokens(&mut browser, &[]).await;
    let code = rp.code(&mut browser, &[]).await;
    app.disable("amelia").await;
    assert_eq!(refused(&rp.redeem(&code, &[]).await), (400, "invalid_grant".to_owned()));
    let refreshed = rp.refresh(text(&tokens, "refresh_token"), &[]).await;
    assert_eq!(refused(&refreshed), (400, "invalid_grant".to_owned()));
    assert_eq!(userinfo(&app, text(&tokens, "access_token")).await.status, StatusCode::UNAUTHORIZED);
    let page = browser.open(&rp.path(&[])).await;
    assert!(page.body.contains("name=\"password\""), "the session is dead");
}

/// A server that has no time to ask anybody.
#[tokio::test]
async fn an_outage_is_never_the_clients_fault() {
    let mut app = TestApp::new().await;
    let (code, refresh, id, secret) = {
        let rp = Rp::new(&app).await;
        let mut browser = amelia(&app).await;
        let tokens = rp.tokens(&mut browser, &[]).await;
        let refresh = text(&tokens, "refresh_token").to_owned();
        (rp.code(&mut browser, &[]).await, refresh, rp.id.clone(), rp.secret.clone())
    };
    let working = app.router.clone();
    let mut settings = api::ApiSettings::new(app.issuer.clone());
    settings.request_deadline = Duration::ZERO;
    let pages = api::page::Pages::new(api::page::Branding { product_name: "Doorward".to_owned() });
    app.router = api::router(api::ApiState::new(app.services.clone(), pages, settings));
    let rp = Rp { app: &app, id: id.clone(), secret: secret.clone() };
    let revoked = rp.post("/oauth/revoke", &[("token", &refresh)]).await;
    for answer in [rp.redeem(&code, &[]).await, rp.refresh(&refresh, &[]).await, revoked] {
        assert_eq!(refused(&answer), (503, "temporarily_unavailable".to_owned()));
        assert_eq!(answer.headers["retry-after"], "1");
    }
    app.router = working;
    let rp = Rp { app: &app, id, secret };
    ok(&rp.redeem(&code, &[]).await);
    ok(&rp.refresh(&refresh, &[]).await);
}

#[tokio::test]
async fn the_claims_of_the_id_token_stay_those_of_the_code() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let mut browser = amelia(&app).await;
    let before = rp.code(&mut browser, &[]).await;
    browser.enrol().await;
    let claims = id_claims(&ok(&rp.redeem(&before, &[]).await));
    assert_eq!(claims["amr"], serde_json::json!(["pwd"]), "a proof given after the code does not raise it");
}
