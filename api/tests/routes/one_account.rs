//! A second step that an operator asks for of one account, where no policy asks for any.

use std::time::Duration;

use actors::domain::command::RequireMfa;
use http::StatusCode;

use crate::{
    oauth::rp::{Rp, returned},
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
