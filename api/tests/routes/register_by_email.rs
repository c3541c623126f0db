//! `/register/email`, `/register/confirm`: a new account under an e-mail address, and what nobody learns by asking for one.

use std::time::Duration;

use api::RegistrationBy;
use axum::body::Body;
use http::{Method, StatusCode, header};

use crate::{
    oauth::rp::{Rp, id_claims, ok, returned, text, userinfo},
    support::{Answer, Browser, HTTPS, PASSWORD, TestApp},
};

const ADDRESS: &str = "amelia@mail.example";
const ASK: &str = "/register/email";
const CONFIRM: &str = "/register/confirm";

async fn app(by: RegistrationBy) -> TestApp {
    TestApp::with(HTTPS, |settings| settings.registration = by).await
}

/// Types an address, and is told to look into the mail.
async fn ask(browser: &mut Browser<'_>, address: &str) -> Answer {
    let page = browser.open(ASK).await;
    let done = browser.submit(&page, ASK, &[("email", address)]).await;
    assert_eq!(done.location(), "/register/email?sent=1");
    browser.open("/register/email?sent=1").await
}

/// Registers under an address; the message is number `n`.
async fn register(browser: &mut Browser<'_>, address: &str, n: usize) {
    ask(browser, address).await;
    let page = browser.get(&browser.app.mailed_link(n).await).await;
    let done = browser.submit(&page, CONFIRM, &[("password", PASSWORD)]).await;
    assert_eq!(done.location(), "/account?done=registered");
}

#[tokio::test]
async fn an_address_gets_a_link_that_leads_to_a_password_and_then_signs_in_with_it() {
    let app = app(RegistrationBy::Email).await;
    let mut browser = app.browser();
    let said = ask(&mut browser, "Amelia@Mail.Example").await;
    assert!(said.body.contains("Look into your mail") && !said.body.to_lowercase().contains(ADDRESS), "{}", said.body);
    let letter = app.letter(1).await;
    assert_eq!(
        (letter.to.as_str(), letter.subject.as_deref()),
        ("Amelia@mail.example", Some("Create your account at Doorward"))
    );
    let link = app.mailed_link(1).await;
    assert!(link.starts_with("/register/confirm?token=v1."), "{link}");
    for _ in 0..2 {
        let mut scanner = app.browser();
        let head = scanner.request(Method::HEAD, &link).body(Body::empty()).expect("a well-formed request");
        assert_eq!(scanner.send(head).await.status, StatusCode::OK);
        assert_eq!(scanner.get(&link).await.status, StatusCode::OK, "opening consumes nothing");
    }
    // The message may be read on another device: the account is made there.
    let mut phone = app.browser();
    let page = phone.get(&link).await;
    for (name, value) in [(header::REFERRER_POLICY, "no-referrer"), (header::CACHE_CONTROL, "no-store")] {
        assert_eq!(page.headers[&name], value);
    }
    assert!(page.body.contains("Amelia@mail.example"), "{}", page.body);
    let weak = phone.submit(&page, CONFIRM, &[("password", "amelia@mail.example 1")]).await;
    assert_eq!(weak.status, StatusCode::UNPROCESSABLE_ENTITY);
    let done = phone.submit(&weak, CONFIRM, &[("password", PASSWORD)]).await;
    assert_eq!(done.location(), "/account?done=registered");
    let page = phone.open("/account?done=registered").await;
    assert!(page.body.contains("Amelia@mail.example") && !page.body.contains("not verified"), "{}", page.body);
    for path in [&link, "/register/confirm", "/register/confirm?token=x"] {
        assert_eq!(browser.get(path).await.status, StatusCode::GONE, "{path}");
    }
    let page = browser.open("/login").await;
    assert!(page.body.contains("E-mail address</label>"), "{}", page.body);
    assert_eq!(browser.log_in("AMELIA@mail.example", PASSWORD).await.location(), "/account");
}

#[tokio::test]
async fn a_wrong_sign_in_names_what_accounts_have() {
    for (by, named) in [
        (RegistrationBy::UserName, "The user name or the password is not right."),
        (RegistrationBy::Email, "The e-mail address or the password is not right."),
        (RegistrationBy::Either, "The user name, the e-mail address or the password is not right."),
    ] {
        let app = app(by).await;
        let wrong = app.browser().log_in(ADDRESS, PASSWORD).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(wrong.body.contains(named), "{by:?}: {}", wrong.body);
    }
}

#[tokio::test]
async fn who_asks_is_told_the_same_whatever_there_is() {
    let app = app(RegistrationBy::Either).await;
    register(&mut app.browser(), ADDRESS, 1).await;
    let mut browser = app.browser();
    let known = ask(&mut browser, "AMELIA@mail.example").await;
    let letter = app.letter(2).await;
    let unknown = ask(&mut browser, "nobody@mail.example").await;
    assert_eq!((known.status, &known.body), (unknown.status, &unknown.body));
    assert_eq!((letter.to.as_str(), letter.subject.as_deref()), (ADDRESS, Some("You have an account at Doorward")));
    assert!(letter.text.contains("https://id.example/forgot") && !letter.text.contains("token="), "{}", *letter.text);
    assert_eq!(app.letter(3).await.subject.as_deref(), Some("Create your account at Doorward"));

    // Too many messages to one address are a matter between it and us.
    for _ in 0..8 {
        let said = ask(&mut browser, "nobody@mail.example").await;
        assert_eq!(said.body, unknown.body);
    }
    ask(&mut browser, "last@mail.example").await;
    let last = app.letter(8).await;
    assert_eq!(last.to, "last@mail.example", "five an hour to one address: one of them before");
}

#[tokio::test]
async fn somebody_with_an_address_for_a_name_sets_a_new_password_by_mail() {
    let app = app(RegistrationBy::Email).await;
    let mut browser = app.browser();
    register(&mut browser, ADDRESS, 1).await;
    let mut elsewhere = app.browser();
    let page = elsewhere.open("/forgot").await;
    assert!(page.body.contains("Tell us your e-mail address."), "{}", page.body);
    elsewhere.submit(&page, "/forgot", &[("username", "Amelia@MAIL.example")]).await.location();
    let page = elsewhere.get(&app.mailed_link(2).await).await;
    let new = "nine orange lighthouses singing";
    assert_eq!(elsewhere.submit(&page, "/reset", &[("new_password", new)]).await.location(), "/login");
    assert!(!browser.is_signed_in().await);
    assert_eq!(elsewhere.log_in(ADDRESS, new).await.location(), "/account");
}

#[tokio::test]
async fn an_application_gets_who_registered_for_it_with_an_address_that_is_verified() {
    let app = app(RegistrationBy::Email).await;
    let rp = Rp::new(&app).await;
    let mut browser = app.browser();
    let page = browser.open(&rp.path(&[("scope", "openid email profile")])).await;
    let login = page.field("/login", "l");
    let page = browser.open(&format!("/register?l={login}")).await;
    assert!(page.body.contains("to continue to"), "{}", page.body);
    let done = browser.submit(&page, ASK, &[("email", ADDRESS)]).await;
    assert_eq!(done.location(), format!("/register/email?l={login}&sent=1"));
    let page = browser.get(&app.mailed_link(1).await).await;
    let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().expect("ASCII");
    assert!(policy.contains("form-action 'self' https://app.example"), "{policy}");
    let onward = browser.submit(&page, CONFIRM, &[("password", PASSWORD)]).await.location().to_owned();
    assert!(onward.starts_with("/oauth/authorize/continue?l="), "{onward}");
    let code = returned(&browser.open(&onward).await)["code"].clone();
    let tokens = ok(&rp.redeem(&code, &[]).await);
    assert_eq!(id_claims(&tokens)["amr"], serde_json::json!(["pwd"]));
    let profile = ok(&userinfo(&app, text(&tokens, "access_token")).await);
    assert_eq!((&profile["email"], &profile["email_verified"]), (&ADDRESS.into(), &true.into()));
}

#[tokio::test]
async fn each_way_to_register_is_there_where_it_was_chosen_alone() {
    let by_name = TestApp::new().await;
    let mut browser = by_name.browser();
    let page = browser.open("/register").await;
    assert!(!page.links_to(ASK), "{}", page.body);
    assert_eq!(browser.get(ASK).await.status, StatusCode::NOT_FOUND);

    let by_email = app(RegistrationBy::Email).await;
    let mut browser = by_email.browser();
    assert_eq!(browser.get("/register").await.location(), ASK);
    let page = browser.open("/register").await;
    assert!(!page.links_to("/register"), "{}", page.body);
    let typed = [("csrf", page.field(ASK, "csrf")), ("user_name", "amelia".into()), ("password", PASSWORD.into())];
    let fields = typed.map(|(name, value): (&str, String)| (name.to_owned(), value));
    assert_eq!(browser.post("/register", &fields).await.status, StatusCode::NOT_FOUND);

    let either = app(RegistrationBy::Either).await;
    let mut browser = either.browser();
    let page = browser.open("/register").await;
    assert!(page.links_to(ASK), "{}", page.body);
    let page = browser.open(ASK).await;
    assert!(page.links_to("/register"), "{}", page.body);
    browser.register("bertram").await;
    let page = either.browser().open("/login").await;
    assert!(page.body.contains("User name or e-mail address</label>"), "{}", page.body);
}

#[tokio::test]
async fn what_is_no_address_is_refused_and_clients_that_ask_too_often_are_too() {
    let app = app(RegistrationBy::Email).await;
    let mut browser = app.browser();
    let page = browser.open(ASK).await;
    for (typed, words) in [
        ("amelia", "Enter an e-mail address such as name@example.org."),
        ("\u{ff41}melia@mail.example", "Use an e-mail address without characters that look like others."),
    ] {
        let refused = browser.submit(&page, ASK, &[("email", typed)]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.body.contains(words) && refused.field(ASK, "email") == typed, "{}", refused.body);
    }
    for n in 0..50 {
        browser.submit(&page, ASK, &[("email", &format!("n{n}@mail.example"))]).await.location();
    }
    let refused = browser.submit(&page, ASK, &[("email", ADDRESS)]).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    app.pass(Duration::from_mins(20));
    browser.submit(&page, ASK, &[("email", ADDRESS)]).await.location();
}
