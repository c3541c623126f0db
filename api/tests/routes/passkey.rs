//! `/account/mfa/passkey`, `/login/passkey`: passkeys, from the first to the removal, with an authenticator in software.

use std::time::Duration;

use actors::testing::{Making, SoftKey, Statement, Traits, unattested};
use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    html::tags,
    support::{Answer, Browser, HTTP, HTTPS, PASSWORD, TestApp},
};

/// The options on a page for its passkey form.
pub(crate) fn options(page: &Answer) -> Value {
    attribute(page, "data-options").expect("a passkey form")
}

/// The JSON of an attribute on the page.
fn attribute(page: &Answer, name: &str) -> Option<Value> {
    let tags = tags(&page.body);
    let text = tags.iter().find_map(|tag| tag.get(name))?;
    let text = text.replace("&quot;", "\"").replace("&#x2f;", "/").replace("&amp;", "&");
    Some(serde_json::from_str(&text).expect("JSON"))
}

/// Makes a passkey; gives it, the page that answers, and its path.
pub(crate) async fn enrol(browser: &mut Browser<'_>, name: &str, traits: Traits) -> (SoftKey, Answer, String) {
    enrol_attested(browser, name, traits, unattested).await
}

/// The same, with a statement of who made the authenticator.
pub(crate) async fn enrol_attested(
    browser: &mut Browser<'_>,
    name: &str,
    traits: Traits,
    statement: impl FnOnce(&Making<'_>) -> Statement,
) -> (SoftKey, Answer, String) {
    let page = browser.open("/account/mfa").await;
    let path = browser.submit(&page, "/account/mfa/passkey", &[("passkey_name", name)]).await.location().to_owned();
    let page = browser.open(&path).await;
    let origin = browser.app.issuer.origin().ascii_serialization();
    let (key, answer) = SoftKey::make_attested(&options(&page), &origin, traits, statement);
    let done = browser.submit(&page, &format!("{path}/confirm"), &[("answer", &answer.to_string())]).await;
    (key, done, path)
}

/// Answers the passkey form of a page.
pub(crate) async fn answer(browser: &mut Browser<'_>, page: &Answer, key: &mut SoftKey) -> Answer {
    let signed = key.sign(&options(page)).to_string();
    browser.submit(page, "/login/passkey", &[("answer", &signed)]).await
}

/// Signs in without a name, on a login page of its own.
pub(crate) async fn sign_in(browser: &mut Browser<'_>, key: &mut SoftKey) -> Answer {
    let page = browser.open("/login").await;
    answer(browser, &page, key).await
}

#[tokio::test]
async fn a_passkey_is_added_and_signs_in_without_a_name() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let (mut key, done, _) = enrol(&mut browser, "", Traits::SYNCED).await;
    assert_eq!(done.backup_codes().len(), 10, "{}", done.body);
    browser.submit(&done, "/account/mfa/backup-codes/saved", &[("saved", "yes")]).await.location();
    let page = browser.open("/account").await;
    assert!(page.body.contains("1 passkey, 10 backup codes left."), "{}", page.body);
    let page = browser.open("/account/mfa").await;
    assert!(page.body.contains("Google Password Manager"), "named after its kind: {}", page.body);
    let known = attribute(&page, "data-accepted").expect("what is in force");
    assert_eq!(known["allAcceptedCredentialIds"], json!([key.id()]));
    assert_eq!(known["rpId"], "id.example");

    let mut elsewhere = app.browser();
    let page = elsewhere.open("/login").await;
    assert!(page.body.contains("autocomplete=\"username webauthn\""), "{}", page.body);
    let asked = options(&page);
    assert_eq!((&asked["userVerification"], &asked["allowCredentials"]), (&json!("required"), &json!([])));
    assert_eq!(sign_in(&mut elsewhere, &mut key).await.location(), "/account");
    assert!(elsewhere.is_signed_in().await);
    let page = elsewhere.open("/account/mfa").await;
    assert!(page.body.contains("last used"), "{}", page.body);
}

#[tokio::test]
async fn a_passkey_is_the_second_step_after_a_password() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let (mut key, ..) = enrol(&mut browser, "Blue key", Traits::PLAIN).await;
    let mut elsewhere = app.browser();
    let alone = sign_in(&mut elsewhere, &mut key).await;
    assert_eq!(alone.status, StatusCode::UNPROCESSABLE_ENTITY, "it verifies nobody");
    let next = elsewhere.log_in("amelia", PASSWORD).await.location().to_owned();
    assert!(next.starts_with("/login/passkey?l="), "{next}");
    let page = elsewhere.open(&next).await;
    assert_eq!(options(&page)["allowCredentials"][0]["id"], key.id());
    assert!(page.body.contains("Passkeys need JavaScript"), "{}", page.body);
    assert!(page.links_to(&next.replace("/login/passkey", "/login/backup-code")), "{}", page.body);
    let empty = elsewhere.submit(&page, "/login/passkey", &[]).await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(empty.body.contains("No passkey was used. Try again."), "{}", empty.body);
    assert_eq!(answer(&mut elsewhere, &page, &mut key).await.location(), "/account");
}

#[tokio::test]
async fn an_answer_belongs_to_one_login_of_one_browser_and_counts_once() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let (mut key, ..) = enrol(&mut browser, "", Traits::SYNCED).await;
    let mut elsewhere = app.browser();
    let page = elsewhere.open("/login").await;
    let signed = key.sign(&options(&page)).to_string();
    let ceremony = page.field("/login/passkey", "ceremony");

    let mut thief = app.browser();
    let other = thief.open("/login").await;
    let typed = [("answer", signed.as_str()), ("ceremony", ceremony.as_str())];
    let stolen = thief.submit(&other, "/login/passkey", &typed).await;
    assert_eq!(stolen.status, StatusCode::UNPROCESSABLE_ENTITY);
    let stolen = thief.submit(&other, "/login/passkey", &[("answer", &signed)]).await;
    assert_eq!(stolen.status, StatusCode::UNPROCESSABLE_ENTITY);

    let mut copy = elsewhere.clone();
    assert_eq!(elsewhere.submit(&page, "/login/passkey", &[("answer", &signed)]).await.location(), "/account");
    let again = copy.submit(&page, "/login/passkey", &[("answer", &signed)]).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!copy.is_signed_in().await && !thief.is_signed_in().await);
}

#[tokio::test]
async fn whoever_a_passkey_is_of_a_refusal_looks_the_same_and_only_an_unknown_one_is_told_of() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let (mut key, ..) = enrol(&mut browser, "", Traits::SYNCED).await;
    app.browser().register("bob").await;
    let refused = async |key: &mut SoftKey| {
        let answer = sign_in(&mut app.browser(), key).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.body.contains("This passkey was not accepted."), "{}", answer.body);
        attribute(&answer, "data-unknown")
    };
    let unknown = Some(json!({ "rpId": "id.example", "credentialId": key.id() }));
    let own = key.user.clone();
    key.user = Some(vec![7; 16]);
    assert_eq!(refused(&mut key).await, unknown, "there is no such user");
    key.user = Some(app.user("bob").await.as_bytes().to_vec());
    assert_eq!(refused(&mut key).await, unknown, "it is not that user's");
    key.user = None;
    assert_eq!(refused(&mut key).await, None, "it names nobody");
    key.user = own;
    key.origin = "https://id.example.evil".to_owned();
    assert_eq!(refused(&mut key).await, None);
    key.origin = HTTPS.to_owned();
    app.disable("amelia").await;
    assert_eq!(refused(&mut key).await, None, "who is enabled again has the passkey still");
}

#[tokio::test]
async fn a_removed_passkey_is_refused_and_the_browser_is_told() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let (mut key, _, path) = enrol(&mut browser, "Phone", Traits::SYNCED).await;
    let asked = browser.get(&format!("{path}/remove")).await.location().to_owned();
    assert!(asked.starts_with("/account/reauthenticate?to="), "{asked}");
    let next = browser.get(&asked).await.location().to_owned();
    assert!(next.starts_with("/login?change=yes&return="), "who has no app signs in once more: {next}");
    let page = browser.open(&next).await;
    let back = answer(&mut browser, &page, &mut key).await.location().to_owned();
    assert_eq!(back, format!("{path}/remove"));
    let page = browser.open(&back).await;
    assert!(page.body.contains("your password alone will open this account"), "{}", page.body);
    let done = browser.submit(&page, &back, &[]).await;
    assert_eq!(done.location(), "/account/mfa?done=passkey-removed", "{}", done.body);
    let page = browser.open(done.location()).await;
    // Nothing is proved in the session any more.
    let next = browser.submit(&page, "/login", &[("username", "amelia"), ("password", PASSWORD)]).await;
    let page = browser.open(next.location()).await;
    let known = attribute(&page, "data-accepted").expect("what is in force");
    assert_eq!(known["allAcceptedCredentialIds"], json!([]), "{}", page.body);
    let refused = sign_in(&mut app.browser(), &mut key).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(attribute(&refused, "data-unknown").is_some());
}

#[tokio::test]
async fn a_passkey_is_renamed() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let (.., path) = enrol(&mut browser, "Phone", Traits::SYNCED).await;
    let rename = format!("{path}/rename");
    let page = browser.open(&rename).await;
    let refused = browser.submit(&page, &rename, &[("name", " ")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let done = browser.submit(&page, &rename, &[("name", "Telephone")]).await;
    assert_eq!(done.location(), "/account/mfa?done=passkey-renamed");
    assert!(browser.open("/account/mfa").await.body.contains("Telephone"));
}

#[tokio::test]
async fn an_answer_that_cannot_be_one_costs_nothing_and_keeps_the_enrolment() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let page = browser.open("/account/mfa").await;
    let long = "x".repeat(65);
    let refused = browser.submit(&page, "/account/mfa/passkey", &[("passkey_name", &long)]).await;
    assert!(refused.body.contains("Give it a name of at most 64 characters."), "{}", refused.body);
    assert!(refused.body.contains(&long), "what was typed is kept");
    let path = browser.submit(&page, "/account/mfa/passkey", &[("passkey_name", "")]).await.location().to_owned();
    let page = browser.open(&path).await;
    let confirm = format!("{path}/confirm");
    for nothing in ["", "{}", "[1]"] {
        let again = browser.submit(&page, &confirm, &[("answer", nothing)]).await;
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(again.body.contains("No passkey was created. Try again."), "{}", again.body);
    }
    let (_, answer) = SoftKey::make(&options(&page), "https://elsewhere.example", Traits::SYNCED);
    let wrong = browser.submit(&page, &confirm, &[("answer", &answer.to_string())]).await;
    assert!(wrong.body.contains("This passkey was not accepted."), "{}", wrong.body);
    let (_, answer) = SoftKey::make(&options(&page), HTTPS, Traits::SYNCED);
    let done = browser.submit(&page, &confirm, &[("answer", &answer.to_string())]).await;
    assert_eq!(done.backup_codes().len(), 10);
    assert_eq!(browser.get(&path).await.location(), "/account/mfa", "nothing awaits a passkey any more");
}

#[tokio::test]
async fn who_has_an_app_as_well_may_choose() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let (seed, _) = browser.enrol().await;
    enrol(&mut browser, "", Traits::SYNCED).await;
    app.pass(Duration::from_secs(30));
    let mut elsewhere = app.browser();
    let next = elsewhere.log_in("amelia", PASSWORD).await.location().to_owned();
    let page = elsewhere.open(&next).await;
    let by_app = next.replace("/login/passkey", "/login/totp");
    assert!(page.links_to(&by_app), "{}", page.body);
    let page = elsewhere.open(&by_app).await;
    assert!(page.links_to(&next), "{}", page.body);
    let done = elsewhere.submit(&page, "/login/totp", &[("code", &app.code(&seed))]).await;
    assert_eq!(done.location(), "/account");
}

#[tokio::test]
async fn password_managers_are_told_where_passkeys_are_managed() {
    let app = TestApp::new().await;
    let answer = app.browser().get("/.well-known/passkey-endpoints").await;
    assert_eq!(answer.status, StatusCode::OK);
    let found: Value = serde_json::from_str(&answer.body).expect("JSON");
    let page = format!("{HTTPS}/account/mfa");
    assert_eq!(found, json!({ "enroll": page, "manage": page }));
}

#[tokio::test]
async fn where_the_issuer_is_an_address_there_are_no_passkeys() {
    let app = TestApp::with("http://127.0.0.1:11080", |_| {}).await;
    let mut browser = app.browser();
    assert!(attribute(&browser.open("/login").await, "data-options").is_none());
    browser.register("amelia").await;
    let page = browser.open("/account/mfa").await;
    assert!(!page.body.contains("/account/mfa/passkey") && attribute(&page, "data-accepted").is_none());
    assert_eq!(browser.get("/.well-known/passkey-endpoints").await.status, StatusCode::NOT_FOUND);
    assert!(attribute(&TestApp::with(HTTP, |_| {}).await.browser().open("/login").await, "data-options").is_some());
}
