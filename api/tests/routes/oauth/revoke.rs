//! `/oauth/revoke` (RFC 7009).

use http::StatusCode;

use super::rp::{Rp, amelia, ok, refused, send, text, userinfo};
use crate::support::TestApp;

#[tokio::test]
async fn either_token_ends_both() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let mut browser = amelia(&app).await;
    for (kind, hint) in [
        ("refresh_token", "refresh_token"),
        ("access_token", "access_token"),
        ("refresh_token", "access_token"),
        ("access_token", "something_else"),
    ] {
        let tokens = rp.tokens(&mut browser, &[]).await;
        let revocation = [("token", text(&tokens, kind)), ("token_type_hint", hint)];
        for _ in 0..2 {
            let answer = rp.post("/oauth/revoke", &revocation).await;
            assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, ""), "{kind} {hint}");
        }
        assert_eq!(userinfo(&app, text(&tokens, "access_token")).await.status, StatusCode::UNAUTHORIZED);
        let refreshed = rp.refresh(text(&tokens, "refresh_token"), &[]).await;
        assert_eq!(refused(&refreshed), (400, "invalid_grant".to_owned()));
    }
}

#[tokio::test]
async fn what_is_unknown_or_anothers_is_answered_alike_and_lives_on() {
    let app = TestApp::new().await;
    let (rp, thief) = (Rp::new(&app).await, Rp::new(&app).await);
    let mut browser = amelia(&app).await;
    let tokens = rp.tokens(&mut browser, &[]).await;
    for token in ["x", text(&tokens, "refresh_token"), text(&tokens, "access_token"), text(&tokens, "id_token")] {
        assert_eq!(thief.post("/oauth/revoke", &[("token", token)]).await.status, StatusCode::OK);
    }
    ok(&userinfo(&app, text(&tokens, "access_token")).await);
    ok(&rp.refresh(text(&tokens, "refresh_token"), &[]).await);
}

#[tokio::test]
async fn only_a_client_that_proved_itself_revokes() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let mut browser = amelia(&app).await;
    let tokens = rp.tokens(&mut browser, &[]).await;
    let token = text(&tokens, "refresh_token");
    let wrong = rp.post("/oauth/revoke", &[("token", token), ("client_secret", "wrong")]).await;
    assert_eq!(refused(&wrong), (401, "invalid_client".to_owned()));
    assert_eq!(refused(&rp.post("/oauth/revoke", &[]).await), (400, "invalid_request".to_owned()));
    ok(&userinfo(&app, text(&tokens, "access_token")).await);
    let body = format!("token={token}");
    let by_basic = send(&app, "/oauth/revoke", &[("authorization", &rp.basic())], &body).await;
    assert_eq!(by_basic.status, StatusCode::OK);
    assert_eq!(userinfo(&app, text(&tokens, "access_token")).await.status, StatusCode::UNAUTHORIZED);
}
