//! How long a password must be, as the pages say it: less where a second factor is demanded of its user wherever they sign in.

use actors::{
    domain::{
        command::{ChangeRole, IssueReset, IssueResetOutcome},
        policy::AT_ONCE,
    },
    locator::Locators,
};
use api::RegistrationBy;
use http::StatusCode;
use schema::record::{Policy, PolicyMode, PolicyScope};

use crate::{
    policies::{required, set},
    support::{Answer, HTTPS, PASSWORD, TestApp},
};

/// Eight characters that nobody guesses soon.
const SHORT: &str = "vQ8#mzt2";

fn everybody() -> Policy {
    Policy { mode: PolicyMode::Required { from: AT_ONCE }, ..required(PolicyScope::Everybody) }
}

/// Does the page say that so many characters are enough, to people and to their password managers?
#[track_caller]
fn assert_says(page: &Answer, least: usize) {
    let (hint, field) = (format!("{least} to 128 characters"), format!("minlength=\"{least}\""));
    let manager = format!("passwordrules=\"minlength: {least}; maxlength: 128;\"");
    for said in [hint, field, manager] {
        assert!(page.body.contains(&said), "{}\ndoes not say {said}", page.body);
    }
}

#[track_caller]
fn assert_too_short(page: &Answer) {
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.body.contains("Use at least 15 characters; this has 8."), "{}", page.body);
    assert_says(page, 15);
}

#[tokio::test]
async fn who_registers_is_told_the_length_that_applies() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    let page = browser.open("/register").await;
    assert_says(&page, 15);
    let typed = [("user_name", "amelia"), ("email", ""), ("password", SHORT)];
    assert_too_short(&browser.submit(&page, "/register", &typed).await);
    set(&app, Policy { mode: PolicyMode::Recommended, ..everybody() }).await;
    assert_says(&browser.open("/register").await, 15);
    set(&app, everybody()).await;
    let page = browser.open("/register").await;
    assert_says(&page, 8);
    let shorter = [("user_name", "amelia"), ("email", ""), ("password", "vQ8#mzt")];
    let refused = browser.submit(&page, "/register", &shorter).await;
    assert!(refused.body.contains("Use at least 8 characters; this has 7."), "{}", refused.body);
    assert_says(&refused, 8);
    let led = browser.submit(&page, "/register", &typed).await;
    assert_eq!(led.location(), "/account?done=registered");
    assert_eq!(browser.get("/account").await.location(), "/account/mfa", "the second factor is set up first");
}

#[tokio::test]
async fn who_registers_under_an_address_is_told_the_length_that_applies() {
    let app = TestApp::with(HTTPS, |settings| settings.registration = RegistrationBy::Email).await;
    let mut browser = app.browser();
    let page = browser.open("/register/email").await;
    browser.submit(&page, "/register/email", &[("email", "amelia@mail.example")]).await;
    let link = app.mailed_link(1).await;
    let page = browser.open(&link).await;
    assert_says(&page, 15);
    assert_too_short(&browser.submit(&page, "/register/confirm", &[("password", SHORT)]).await);
    set(&app, everybody()).await;
    let page = browser.open(&link).await;
    assert_says(&page, 8);
    let led = browser.submit(&page, "/register/confirm", &[("password", SHORT)]).await;
    assert_eq!(led.location(), "/account?done=registered");
}

#[tokio::test]
async fn who_changes_a_password_is_told_the_length_that_their_roles_ask_for() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    browser.enrol().await;
    let role = "staff".to_owned();
    set(&app, Policy { scope: PolicyScope::Role { role: role.clone() }, ..everybody() }).await;
    let path = "/account/password";
    let typed = [("current_password", PASSWORD), ("new_password", SHORT)];
    let page = browser.open(path).await;
    assert_says(&page, 15);
    assert_too_short(&browser.submit(&page, path, &typed).await);
    app.operate("amelia", ChangeRole { role, given: true }).await;
    let page = browser.open(path).await;
    assert_says(&page, 8);
    let wrong = [("current_password", "wrong"), ("new_password", SHORT)];
    assert_says(&browser.submit(&page, path, &wrong).await, 8);
    assert_eq!(browser.submit(&page, path, &typed).await.location(), "/account?done=password");
}

#[tokio::test]
async fn a_link_for_a_new_password_leads_to_the_length_that_applies() {
    let app = TestApp::new().await;
    app.browser().register("amelia").await;
    let (outcome, attempt) = app.operate("amelia", IssueReset).await;
    let IssueResetOutcome::Issued { reset, .. } = outcome else { panic!("{outcome:?}") };
    let locators = Locators { vault: &app.services.vault, entropy: app.services.entropy.as_ref() };
    let token = locators.reset(app.user("amelia").await, reset, &IssueReset::secret(&attempt.seed));
    let link = format!("/reset?token={token}");
    let mut browser = app.browser();
    let page = browser.open(&link).await;
    assert_says(&page, 15);
    assert_too_short(&browser.submit(&page, "/reset", &[("new_password", SHORT)]).await);
    set(&app, everybody()).await;
    let page = browser.open(&link).await;
    assert_says(&page, 8);
    assert_eq!(browser.submit(&page, "/reset", &[("new_password", SHORT)]).await.location(), "/login");
}

#[tokio::test]
async fn the_first_administrator_is_told_the_length_that_administrators_need() {
    let app = TestApp::new().await;
    let (token, _) = app.services.registration.setup_link().await.expect("the store works").expect("a link");
    let path = format!("/setup?token={}", token.expose());
    let mut browser = app.browser();
    assert_says(&browser.open(&path).await, 15);
    set(&app, Policy { scope: PolicyScope::Role { role: "admin".to_owned() }, ..everybody() }).await;
    assert_says(&browser.open(&path).await, 8);
    assert_says(&browser.open("/register").await, 15);
}
