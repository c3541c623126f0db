//! A second step that an operator asks for of one account, where no policy asks for any.

use std::time::Duration;

use actors::domain::command::{ChangeRole, RequireMfa};
use http::StatusCode;
use schema::record::PolicyScope;

use crate::{
    oauth::rp::{Rp, ok, refused, returned, text},
    policies::{required, set},
    support::{PASSWORD, TestApp},
};

const REQUIRE: RequireMfa = RequireMfa { required: true };

#[tokio::test]
async fn who_must_have_a_second_step_sets_it_up_before_anything_else() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let (mut here, mut bob) = (app.browser(), app.browser());
    here.register("amelia").await;
    bob.register("bob").await;
    assert_eq!(app.operate("amelia", REQUIRE).await.0, Some(true));
    assert_eq!(here.get("/account").await.location(), "/account/mfa", "a session that was there");
    assert_eq!(bob.get("/account").await.status, StatusCode::OK, "others are asked for nothing");

    let mut browser = app.browser();
    assert_eq!(browser.log_in("amelia", PASSWORD).await.location(), "/account");
    for closed in ["/account", "/account/password", "/account/sessions"] {
        assert_eq!(browser.get(closed).await.location(), "/account/mfa", "{closed}");
    }
    let silent = returned(&browser.get(&rp.path(&[("prompt", "none")])).await);
    assert_eq!(silent["error"], "interaction_required");
    let page = browser.open("/account/mfa").await;
    assert!(page.body.contains("Before you go on, set up an authenticator app"), "{}", page.body);
    let typed = [("email", "amelia@mail.example")];
    let path = browser.submit(&page, "/account/mfa/email", &typed).await.location().to_owned();
    let (page, code) = (browser.open(&path).await, app.mailed_code(1).await);
    browser.submit(&page, &format!("{path}/confirm"), &[("code", &code)]).await;
    assert_eq!(browser.get("/account").await.status, StatusCode::OK, "any second step will do");
    let asked = browser.open(&format!("{path}/remove")).await;
    assert!(asked.body.contains("before you can do anything else"), "{}", asked.body);

    assert_eq!(app.operate("amelia", RequireMfa { required: false }).await.0, Some(true));
    let asked = browser.open(&format!("{path}/remove")).await;
    assert!(asked.body.contains("your password alone will open this account"), "{}", asked.body);
}

#[tokio::test]
async fn who_has_one_notices_nothing_and_a_trusted_browser_stands_in() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let (seed, _) = browser.enrol().await;
    app.operate("amelia", REQUIRE).await;
    app.pass(Duration::from_secs(31));
    let mut browser = app.browser();
    let led = browser.log_in("amelia", PASSWORD).await.location().to_owned();
    let page = browser.open(&led).await;
    let typed = [("code", &*app.code(&seed)), ("trust", "on")];
    assert_eq!(browser.submit(&page, "/login/totp", &typed).await.location(), "/account");
    assert_eq!(browser.get("/account").await.status, StatusCode::OK);
    browser.jar.retain(|name, _| !name.contains("dw_session"));
    assert_eq!(browser.log_in("amelia", PASSWORD).await.location(), "/account");
    assert_eq!(browser.get("/account").await.status, StatusCode::OK);
}

#[tokio::test]
async fn tokens_of_a_password_alone_are_refreshed_no_more() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let (mut here, mut bob) = (app.browser(), app.browser());
    here.register("amelia").await;
    bob.register("bob").await;
    let (weak, bobs) = (rp.tokens(&mut here, &[]).await, rp.tokens(&mut bob, &[]).await);
    here.enrol().await;
    let strong = rp.tokens(&mut here, &[]).await;
    app.operate("amelia", REQUIRE).await;
    let refresh = async |tokens| rp.refresh(text(tokens, "refresh_token"), &[]).await;
    let grant_is_bad = (400, "invalid_grant".to_owned());
    assert_eq!(refused(&refresh(&weak).await), grant_is_bad);
    ok(&refresh(&strong).await);
    set(&app, required(PolicyScope::Role { role: "staff".to_owned() })).await;
    let bobs = ok(&refresh(&bobs).await);
    app.operate("bob", ChangeRole { role: "staff".to_owned(), given: true }).await;
    assert_eq!(refused(&refresh(&bobs).await), grant_is_bad, "a policy is judged as well");
}
