//! `/oauth/token`: who asks.

use super::rp::{Rp, VERIFIER, amelia, basic, json, ok, refused, send};
use crate::support::TestApp;

fn redemption(code: &str) -> String {
    format!("grant_type=authorization_code&code={code}&redirect_uri=https%3A%2F%2Fapp.example%2Fcb")
}

#[tokio::test]
async fn a_secret_comes_by_basic_or_in_the_body() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let mut browser = amelia(&app).await;
    let body = redemption(&rp.code(&mut browser, &[]).await);
    ok(&send(&app, "/oauth/token", &[("authorization", &rp.basic())], &body).await);
    let body = format!("{}&client_id={}", redemption(&rp.code(&mut browser, &[]).await), rp.id);
    ok(&send(&app, "/oauth/token", &[("authorization", &rp.basic())], &body).await);
    ok(&rp.redeem(&rp.code(&mut browser, &[]).await, &[]).await);
}

#[tokio::test]
async fn a_public_client_names_itself_and_nothing_more() {
    let app = TestApp::new().await;
    let rp = Rp::with(&app, |new| new.public = true).await;
    let mut browser = amelia(&app).await;
    let code = rp.code(&mut browser, &super::rp::PKCE).await;
    let verifier = ("code_verifier", VERIFIER);
    let with_secret = rp.redeem(&code, &[verifier, ("client_secret", "guess")]).await;
    assert_eq!(refused(&with_secret), (401, "invalid_client".to_owned()));
    ok(&rp.redeem(&code, &[verifier]).await);
}

#[tokio::test]
async fn whoever_does_not_prove_itself_gets_the_same_answer_and_changes_nothing() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let mut browser = amelia(&app).await;
    let code = rp.code(&mut browser, &[]).await;
    let mut bodies = Vec::new();
    for change in [
        vec![("client_secret", "wrong")],
        vec![("client_id", "c_nobody"), ("client_secret", "wrong")],
        vec![("client_id", "n o b o d y"), ("client_secret", "wrong")],
    ] {
        let answer = rp.redeem(&code, &change).await;
        assert_eq!(refused(&answer), (401, "invalid_client".to_owned()), "{change:?}");
        assert!(answer.headers["www-authenticate"].to_str().expect("ASCII").starts_with("Basic "));
        bodies.push(json(&answer));
    }
    let without = format!("{}&client_id={}", redemption(&code), rp.id);
    bodies.push(json(&send(&app, "/oauth/token", &[], &without).await));
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    for header in [basic(rp.id.as_str(), "wrong"), basic("c_nobody", "wrong"), "Bearer x".to_owned()] {
        let answer = send(&app, "/oauth/token", &[("authorization", &header)], &redemption(&code)).await;
        assert_eq!(refused(&answer), (401, "invalid_client".to_owned()), "{header}");
    }
    ok(&rp.redeem(&code, &[]).await);
}

#[tokio::test]
async fn two_ways_at_once_are_one_too_many() {
    let app = TestApp::new().await;
    let (rp, other) = (Rp::new(&app).await, Rp::new(&app).await);
    let secret = rp.secret.as_deref().expect("a secret");
    for more in [format!("&client_secret={secret}"), format!("&client_id={}", other.id)] {
        let body = format!("grant_type=refresh_token&refresh_token=x{more}");
        let answer = send(&app, "/oauth/token", &[("authorization", &rp.basic())], &body).await;
        assert_eq!(refused(&answer), (400, "invalid_request".to_owned()), "{more}");
    }
}

#[tokio::test]
async fn an_old_secret_works_for_a_day_beside_the_new_one() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let mut browser = amelia(&app).await;
    let new = app.services.clients.rotate_secret(&rp.id).await.expect("rotates");
    ok(&rp.redeem(&rp.code(&mut browser, &[]).await, &[]).await);
    ok(&rp.redeem(&rp.code(&mut browser, &[]).await, &[("client_secret", new.expose())]).await);
    app.pass(std::time::Duration::from_hours(24));
    let answer = rp.redeem("x", &[]).await;
    assert_eq!(refused(&answer), (401, "invalid_client".to_owned()));
}
