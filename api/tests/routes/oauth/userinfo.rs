//! `/oauth/userinfo`: what is shown, and to whom not.

use std::time::Duration;

use actors::domain::command::EndAllSessions;
use axum::body::Body;
use http::{Method, StatusCode};
use schema::{AttemptId, Commit, Kind, Operation, PartitionKey, Revision, WriteSet};
use serde_json::value::RawValue;

use super::rp::{Pairs, Rp, json, ok, send, text, userinfo};
use crate::support::{Answer, Browser, PASSWORD, TestApp};

async fn with_email(app: &TestApp) -> Browser<'_> {
    let mut browser = app.browser();
    let page = browser.open("/register").await;
    let typed = [("user_name", "amelia"), ("email", "amelia@example.org"), ("password", PASSWORD)];
    browser.submit(&page, "/register", &typed).await;
    browser
}

/// Status and challenge of a refusal.
fn refused(answer: &Answer) -> (u16, String) {
    assert!(answer.headers["cache-control"] == "no-store" && answer.body.is_empty(), "{answer:?}");
    (answer.status.as_u16(), answer.headers["www-authenticate"].to_str().expect("ASCII").to_owned())
}

async fn ask(app: &TestApp, path: &str, headers: Pairs<'_>) -> Answer {
    let mut browser = app.browser();
    let request = headers.iter().fold(browser.request(Method::GET, path), |r, (name, value)| r.header(*name, *value));
    browser.send(request.body(Body::empty()).expect("a request")).await
}

#[tokio::test]
async fn scopes_decide_what_is_shown_and_an_address_is_not_claimed_to_be_verified() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let mut browser = with_email(&app).await;
    let sub = app.user("amelia").await.to_string();
    let updated = app.services.clock.now().as_secs();
    for (scope, claims) in [
        ("openid", serde_json::json!({ "sub": sub })),
        ("openid profile", serde_json::json!({ "sub": sub, "preferred_username": "amelia", "updated_at": updated })),
        ("openid email", serde_json::json!({ "sub": sub, "email": "amelia@example.org", "email_verified": false })),
    ] {
        let tokens = rp.tokens(&mut browser, &[("scope", scope)]).await;
        let answer = userinfo(&app, text(&tokens, "access_token")).await;
        assert_eq!(ok(&answer), claims);
        assert_eq!(answer.headers["cache-control"], "no-store");
    }
    let mut other = app.browser();
    other.register("bertram").await;
    let tokens = rp.tokens(&mut other, &[("scope", "openid email")]).await;
    let shown = ok(&userinfo(&app, text(&tokens, "access_token")).await);
    assert!(shown.get("email").is_none() && shown.get("email_verified").is_none());
}

#[tokio::test]
async fn the_token_comes_in_the_header_or_in_a_form() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let mut browser = with_email(&app).await;
    let tokens = rp.tokens(&mut browser, &[]).await;
    let token = text(&tokens, "access_token");
    let (bearer, form) = (format!("bearer {token}"), format!("access_token={token}"));
    let path = "/oauth/userinfo";
    ok(&ask(&app, path, &[("authorization", &bearer)]).await);
    ok(&send(&app, path, &[("authorization", &bearer)], "").await);
    ok(&send(&app, path, &[], &form).await);

    let both = send(&app, path, &[("authorization", &bearer)], &form).await;
    assert!(matches!(refused(&both), (400, text) if text.contains("invalid_request")));
    let in_query = ask(&app, &format!("{path}?{form}"), &[]).await;
    assert!(matches!(refused(&in_query), (400, text) if text.contains("invalid_request")));
    let kind = [("content-type", "application/json")];
    let wrong_kind = send(&app, path, &kind, &format!("{{\"access_token\":\"{token}\"}}")).await;
    assert_eq!((wrong_kind.status.as_u16(), text(&json(&wrong_kind), "error")), (415, "invalid_request"));
    assert_eq!(refused(&ask(&app, path, &[]).await), (401, "Bearer realm=\"userinfo\"".to_owned()));
}

#[tokio::test]
async fn what_is_no_access_token_of_ours_shows_nothing() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let mut browser = with_email(&app).await;
    let tokens = rp.tokens(&mut browser, &[]).await;
    let token = text(&tokens, "access_token");
    let unsigned = format!("{}.", token.rsplit_once('.').expect("three parts").0);
    let (last, rest) = token.split_at(token.len() - 10);
    let turned: String = [last, &rest.chars().rev().collect::<String>()].concat();
    for bad in ["x", text(&tokens, "id_token"), text(&tokens, "refresh_token"), &unsigned, &turned] {
        let (status, challenge) = refused(&userinfo(&app, bad).await);
        assert_eq!(status, 401, "{bad}");
        assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
    }
    let plain = rp.tokens(&mut browser, &[("scope", "profile")]).await;
    let (status, challenge) = refused(&userinfo(&app, text(&plain, "access_token")).await);
    assert_eq!(status, 403);
    assert!(challenge.contains("error=\"insufficient_scope\"") && challenge.contains("scope=\"openid\""));
}

#[tokio::test]
async fn a_token_ends_with_its_time_its_session_and_its_client() {
    let app = TestApp::new().await;
    let (rp, gone) = (Rp::new(&app).await, Rp::new(&app).await);
    let mut browser = with_email(&app).await;
    let status = async |token: &str| userinfo(&app, token).await.status;

    let late = rp.tokens(&mut browser, &[]).await;
    let late = text(&late, "access_token");
    assert_eq!(status(late).await, StatusCode::OK);
    app.pass(Duration::from_secs(306));
    assert_eq!(status(late).await, StatusCode::UNAUTHORIZED, "though it was known a moment ago");

    let orphan = gone.tokens(&mut browser, &[]).await;
    let ended = rp.tokens(&mut browser, &[]).await;
    let (orphan, ended) = (text(&orphan, "access_token"), text(&ended, "access_token"));
    assert_eq!((status(orphan).await, status(ended).await), (StatusCode::OK, StatusCode::OK));
    app.services.clients.delete(&gone.id).await.expect("deletes");
    assert_eq!(status(orphan).await, StatusCode::UNAUTHORIZED);
    app.operate("amelia", EndAllSessions { except: None }).await;
    assert_eq!(status(ended).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_token_outlives_the_rotation_of_its_key() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let mut browser = with_email(&app).await;
    let tokens = rp.tokens(&mut browser, &[]).await;
    ok(&userinfo(&app, text(&tokens, "access_token")).await);
    app.services.keys.rotate(None).await.expect("rotates");
    ok(&userinfo(&app, text(&tokens, "access_token")).await);
}

/// A token that was checked a moment ago is kept as checked; when another node takes its key away that is over (HAZARDS H4).
#[tokio::test]
async fn a_token_whose_key_was_taken_away_shows_nothing_though_it_was_checked_before() {
    let app = TestApp::member().await;
    let rp = Rp::new(&app).await;
    let mut browser = with_email(&app).await;
    let tokens = rp.tokens(&mut browser, &[]).await;
    let token = text(&tokens, "access_token");
    for _ in 0..2 {
        ok(&userinfo(&app, token).await);
    }
    take_signing_keys_away(&app).await;
    app.services.keys.rotate(None).await.expect("makes others, and tells of the change");
    assert!(matches!(refused(&userinfo(&app, token).await), (401, text) if text.contains("invalid_token")));
}

/// As another node does it: in the store.
async fn take_signing_keys_away(app: &TestApp) {
    let partition = PartitionKey::new(Kind::Keyring, "signing");
    let found = app.services.store.load(&partition, &[""]).await.expect("works");
    assert!(!found.items.is_empty());
    let write = WriteSet {
        partition,
        expected: found.revision,
        first: Revision::first(7),
        operation: Operation {
            id: AttemptId::from_bytes([7; 16]),
            digest: [0; 32],
            outcome: RawValue::NULL.to_owned(),
        },
        at: app.services.clock.now(),
        puts: Vec::new(),
        deletes: found.items.into_keys().collect(),
        partition_expires_at: None,
        note_dirty: false,
    };
    assert!(matches!(app.services.store.commit(write).await, Ok(Commit::Committed(_))));
}
