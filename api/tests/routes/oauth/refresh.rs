//! `/oauth/token` with a refresh token: rotation, and what theft costs the thief.

use std::time::Duration;

use actors::domain::command::EndAllSessions;
use http::StatusCode;

use super::rp::{Rp, amelia, id_claims, ok, opened, refused, text, userinfo};
use crate::support::TestApp;

fn grant_is_bad() -> (u16, String) {
    (400, "invalid_grant".to_owned())
}

#[tokio::test]
async fn each_use_gives_a_new_one_and_an_old_one_ends_the_family() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let mut browser = amelia(&app).await;
    let first = rp.tokens(&mut browser, &[("scope", "openid profile")]).await;
    app.pass(Duration::from_mins(6));
    let second = ok(&rp.refresh(text(&first, "refresh_token"), &[]).await);
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    assert_eq!(second["scope"], "openid profile");
    let (before, after) = (id_claims(&first), id_claims(&second));
    for claim in ["iss", "sub", "aud", "auth_time", "acr", "amr", "sid"] {
        assert_eq!(before[claim], after[claim], "{claim}");
    }
    assert!(after.get("nonce").is_none() && after["iat"].as_i64() > before["iat"].as_i64());
    let third = ok(&rp.refresh(text(&second, "refresh_token"), &[]).await);
    // The thief, or the client after the thief: nobody can tell, so both lose.
    assert_eq!(refused(&rp.refresh(text(&first, "refresh_token"), &[]).await), grant_is_bad());
    assert_eq!(refused(&rp.refresh(text(&third, "refresh_token"), &[]).await), grant_is_bad());
    assert_eq!(userinfo(&app, text(&third, "access_token")).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn twenty_rotations_within_a_second_leave_one_good_token() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let mut browser = amelia(&app).await;
    let mut tokens = rp.tokens(&mut browser, &[]).await;
    let mut old = Vec::new();
    for _ in 0..20 {
        old.push(text(&tokens, "refresh_token").to_owned());
        tokens = ok(&rp.refresh(text(&tokens, "refresh_token"), &[]).await);
    }
    assert_eq!(refused(&rp.refresh(&old[7], &[]).await), grant_is_bad());
    assert_eq!(refused(&rp.refresh(text(&tokens, "refresh_token"), &[]).await), grant_is_bad());
}

#[tokio::test]
async fn of_many_uses_at_once_one_gets_a_successor() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let mut browser = amelia(&app).await;
    let tokens = rp.tokens(&mut browser, &[]).await;
    let token = text(&tokens, "refresh_token");
    let all = futures_util::future::join_all((0..16).map(|_| rp.refresh(token, &[]))).await;
    let good: Vec<_> = all.iter().filter(|answer| answer.status == StatusCode::OK).collect();
    assert_eq!(good.len(), 1);
    let successor = ok(good[0]);
    assert_eq!(refused(&rp.refresh(text(&successor, "refresh_token"), &[]).await), grant_is_bad());
}

#[tokio::test]
async fn a_token_of_another_client_fails_and_stays_good_for_its_own() {
    let app = TestApp::new().await;
    let (rp, thief) = (Rp::new(&app).await, Rp::new(&app).await);
    let mut browser = amelia(&app).await;
    let tokens = rp.tokens(&mut browser, &[]).await;
    let token = text(&tokens, "refresh_token");
    assert_eq!(refused(&thief.refresh(token, &[]).await), grant_is_bad());
    let wrong = rp.refresh(token, &[("client_secret", "wrong")]).await;
    assert_eq!(refused(&wrong), (401, "invalid_client".to_owned()));
    for bad in ["x", text(&tokens, "access_token"), &token[..token.len() - 1]] {
        assert_eq!(refused(&rp.refresh(bad, &[]).await), grant_is_bad());
    }
    assert_eq!(refused(&rp.refresh("", &[]).await), (400, "invalid_request".to_owned()));
    ok(&rp.refresh(token, &[]).await);
}

#[tokio::test]
async fn a_scope_can_be_narrowed_for_one_access_token_and_never_widened() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let mut browser = amelia(&app).await;
    let tokens = rp.tokens(&mut browser, &[("scope", "openid profile")]).await;
    let token = text(&tokens, "refresh_token");
    for (scope, error) in [("openid email", "invalid_scope"), ("openid \"", "invalid_scope")] {
        assert_eq!(refused(&rp.refresh(token, &[("scope", scope)]).await), (400, error.to_owned()));
    }
    let narrow = ok(&rp.refresh(token, &[("scope", "openid")]).await);
    assert_eq!(narrow["scope"], "openid");
    assert_eq!(opened(text(&narrow, "access_token")).1["scope"], "openid");
    let whole = ok(&rp.refresh(text(&narrow, "refresh_token"), &[]).await);
    assert_eq!(whole["scope"], "openid profile", "the family keeps what was granted");
}

#[tokio::test]
async fn a_family_ends_with_its_session_unless_it_may_outlive_it() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let mut browser = amelia(&app).await;
    let bound = rp.tokens(&mut browser, &[]).await;
    let free = rp.tokens(&mut browser, &[("scope", "openid offline_access"), ("prompt", "consent")]).await;
    app.operate("amelia", EndAllSessions { except: None }).await;
    assert_eq!(refused(&rp.refresh(text(&bound, "refresh_token"), &[]).await), grant_is_bad());
    let free = ok(&rp.refresh(text(&free, "refresh_token"), &[]).await);
    app.pass(Duration::from_hours(14 * 24));
    assert_eq!(refused(&rp.refresh(text(&free, "refresh_token"), &[]).await), grant_is_bad(), "idle for too long");
}
