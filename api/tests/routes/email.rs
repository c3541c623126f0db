//! `/account/mfa/email`, `/login/email`, `/dev/inbox`: codes by e-mail, from the first to the removal.

use std::{net::SocketAddr, time::Duration};

use http::StatusCode;

use crate::support::{Answer, Browser, HTTP, HTTPS, PASSWORD, TestApp};

const ADDRESS: &str = "amelia@mail.example";

/// Has the first code sent; gives the page that asks for it, and its path.
async fn begin(browser: &mut Browser<'_>, address: &str) -> (Answer, String) {
    let page = browser.open("/account/mfa").await;
    let path = browser.submit(&page, "/account/mfa/email", &[("email", address)]).await.location().to_owned();
    (browser.open(&path).await, path)
}

/// Enrols an address; the code is in message number `n`.
async fn enrol(browser: &mut Browser<'_>, address: &str, n: usize) -> (Answer, String) {
    let (page, path) = begin(browser, address).await;
    let code = browser.app.mailed_code(n).await;
    (browser.submit(&page, &format!("{path}/confirm"), &[("code", &code)]).await, path)
}

#[tokio::test]
async fn an_address_is_confirmed_and_its_codes_are_asked_for_from_then_on() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let (page, path) = begin(&mut browser, ADDRESS).await;
    assert!(page.body.contains(ADDRESS) && page.body.contains("autocomplete=\"one-time-code\""), "{}", page.body);
    let code = app.mailed_code(1).await;
    let done = browser.submit(&page, &format!("{path}/confirm"), &[("code", &code)]).await;
    assert_eq!(done.backup_codes().len(), 10, "{}", done.body);
    browser.submit(&done, "/account/mfa/backup-codes/saved", &[("saved", "yes")]).await.location();
    let page = browser.open("/account").await;
    assert!(page.body.contains("codes to 1 e-mail address, 10 backup codes left."), "{}", page.body);

    let mut elsewhere = app.browser();
    let next = elsewhere.log_in("amelia", PASSWORD).await.location().to_owned();
    assert!(next.starts_with("/login/email?l="), "{next}");
    let page = elsewhere.open(&next).await;
    assert!(page.body.contains("a•••@m•••.example") && !page.body.contains(ADDRESS), "{}", page.body);
    let code = app.mailed_code(2).await;
    let done = elsewhere.submit(&page, "/login/email", &[("code", &code)]).await;
    assert_eq!(done.location(), "/account");
    assert!(elsewhere.is_signed_in().await);
}

#[tokio::test]
async fn a_message_says_what_it_is_for_and_opens_no_door_by_itself() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    enrol(&mut browser, ADDRESS, 1).await;
    app.browser().log_in("amelia", PASSWORD).await.location();
    let letter = app.letter(2).await;
    let subject = letter.subject.as_deref().expect("a subject");
    assert_eq!((letter.to.as_str(), subject), (ADDRESS, "Your code to sign in to Doorward"));
    let code = app.mailed_code(2).await;
    assert!(letter.text.contains("Hello amelia") && letter.text.contains(HTTPS), "{}", *letter.text);
    assert!(!subject.contains(&code), "subjects are shown on locked screens and kept in logs");
    let is_link = |line: &str| line.starts_with(HTTPS) && line.contains("?token=");
    assert!(letter.text.lines().all(|line| line.len() <= 78 || is_link(line)), "{}", *letter.text);
    assert!(letter.text.lines().all(|line| line.len() <= 300), "{}", *letter.text);
}

#[tokio::test]
async fn opening_the_page_sends_nothing_and_a_second_code_has_to_wait() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    enrol(&mut browser, ADDRESS, 1).await;
    let mut elsewhere = app.browser();
    let next = elsewhere.log_in("amelia", PASSWORD).await.location().to_owned();
    let first = app.mailed_code(2).await;
    for _ in 0..3 {
        elsewhere.open(&next).await;
    }
    let page = elsewhere.open(&next).await;
    let early = elsewhere.submit(&page, "/login/email/send", &[]).await;
    assert_eq!(early.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(early.body.contains("Another message cannot be sent yet."), "{}", early.body);
    app.pass(Duration::from_mins(1));
    assert!(elsewhere.submit(&page, "/login/email/send", &[]).await.location().starts_with("/login/email?l="));
    let second = app.mailed_code(3).await;
    assert_eq!(app.sent(), 3);
    let page = elsewhere.open(&next).await;
    if first != second {
        let wrong = elsewhere.submit(&page, "/login/email", &[("code", &first)]).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(elsewhere.submit(&page, "/login/email", &[("code", &second)]).await.location(), "/account");
}

#[tokio::test]
async fn who_has_an_app_is_offered_a_code_by_mail_and_gets_one_only_when_asking() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let (seed, _) = browser.enrol().await;
    let (done, _) = enrol(&mut browser, ADDRESS, 1).await;
    assert_eq!(done.location(), "/account/mfa?done=email-codes-on");
    let mut elsewhere = app.browser();
    let next = elsewhere.log_in("amelia", PASSWORD).await.location().to_owned();
    assert!(next.starts_with("/login/totp?l="), "{next}");
    let page = elsewhere.open(&next).await;
    let by_mail = next.replace("/login/totp", "/login/email");
    assert!(page.links_to(&by_mail), "{}", page.body);
    let page = elsewhere.open(&by_mail).await;
    assert!(page.links_to(&next) && app.sent() == 1, "{}", page.body);
    elsewhere.submit(&page, "/login/email/send", &[]).await.location();
    let code = app.mailed_code(2).await;
    let page = elsewhere.open(&by_mail).await;
    assert_eq!(elsewhere.submit(&page, "/login/email", &[("code", &code)]).await.location(), "/account");

    // A proof by mail is not enough to change what is stronger than it.
    let page = elsewhere.open("/account/mfa").await;
    let remove = page.body.split("href=\"/account/mfa/totp/").nth(1).and_then(|rest| rest.split('"').next());
    let remove = format!("/account/mfa/totp/{}", remove.expect("a link").replace("/rename", "/remove"));
    let asked = elsewhere.get(&remove).await.location().to_owned();
    assert!(asked.starts_with("/account/reauthenticate?to="), "{asked}");
    app.pass(Duration::from_secs(30));
    let page = elsewhere.open(&asked).await;
    let proofs = [("password", PASSWORD), ("code", &app.code(&seed))];
    assert_eq!(elsewhere.submit(&page, "/account/reauthenticate", &proofs).await.location(), remove);
}

#[tokio::test]
async fn whose_only_second_step_is_mail_proves_it_by_signing_in_once_more() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let (_, path) = enrol(&mut browser, ADDRESS, 1).await;
    app.pass(Duration::from_mins(11));
    let asked = browser.get(&format!("{path}/remove")).await.location().to_owned();
    let login = browser.get(&asked).await.location().to_owned();
    assert!(login.starts_with("/login?change=yes&return=%2Faccount%2Fmfa%2Femail%2F"), "{login}");
    let page = browser.open(&login).await;
    let fields = [("username", "amelia"), ("password", PASSWORD)];
    let next = browser.submit(&page, "/login", &fields).await.location().to_owned();
    let code = app.mailed_code(2).await;
    let page = browser.open(&next).await;
    let back = browser.submit(&page, "/login/email", &[("code", &code)]).await.location().to_owned();
    assert_eq!(back, format!("{path}/remove"));
    let page = browser.open(&back).await;
    assert!(page.body.contains("your password alone will open this account"), "{}", page.body);
    let done = browser.submit(&page, &back, &[]).await;
    assert_eq!(done.location(), "/account/mfa?done=email-codes-off");
    assert_eq!(app.browser().log_in("amelia", PASSWORD).await.location(), "/account");
}

#[tokio::test]
async fn what_is_no_address_and_what_is_no_code_is_refused_with_what_to_do() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let page = browser.open("/account/mfa").await;
    let refused = browser.submit(&page, "/account/mfa/email", &[("email", "amelia")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.body.contains("Enter an e-mail address such as name@example.org."), "{}", refused.body);
    assert_eq!(refused.field("/account/mfa/email", "email"), "amelia");
    assert_eq!(app.sent(), 0);
    let (page, path) = begin(&mut browser, ADDRESS).await;
    let confirm = format!("{path}/confirm");
    for _ in 0..10 {
        let refused = browser.submit(&page, &confirm, &[("code", "12345")]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let code = app.mailed_code(1).await;
    assert_eq!(browser.submit(&page, &confirm, &[("code", &code)]).await.backup_codes().len(), 10);
    assert_eq!(browser.get("/account/mfa/email/nonsense").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_code_that_is_over_is_told_apart_from_a_wrong_one() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    enrol(&mut browser, ADDRESS, 1).await;
    let mut elsewhere = app.browser();
    let next = elsewhere.log_in("amelia", PASSWORD).await.location().to_owned();
    let (page, code) = (elsewhere.open(&next).await, app.mailed_code(2).await);
    app.pass(Duration::from_mins(10));
    let late = elsewhere.submit(&page, "/login/email", &[("code", &code)]).await;
    assert!(late.body.contains("The code is not good any more. Ask for another one."), "{}", late.body);
    elsewhere.submit(&late, "/login/email/send", &[]).await.location();
    let (page, code) = (elsewhere.open(&next).await, app.mailed_code(3).await);
    assert_eq!(elsewhere.submit(&page, "/login/email", &[("code", &code)]).await.location(), "/account");
}

#[tokio::test]
async fn the_inbox_is_there_in_development_mode_alone_and_for_this_machine_alone() {
    let app = TestApp::with(HTTP, |_| {}).await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    begin(&mut browser, ADDRESS).await;
    let code = app.mailed_code(1).await;
    assert_eq!(browser.get("/dev/inbox").await.status, StatusCode::NOT_FOUND, "from another machine");
    browser.peer = SocketAddr::from(([127, 0, 0, 1], 4711));
    let page = browser.get("/dev/inbox").await;
    assert!(page.status == StatusCode::OK && page.body.contains(&code), "{}", page.body);
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.peer = SocketAddr::from(([127, 0, 0, 1], 4711));
    assert_eq!(browser.get("/dev/inbox").await.status, StatusCode::NOT_FOUND, "not behind an https issuer");
}

#[tokio::test]
async fn many_accounts_together_fill_no_strangers_mailbox() {
    let app = TestApp::new().await;
    for n in 0..6 {
        let mut browser = app.browser();
        browser.register(&format!("mallory-{n}")).await;
        let page = browser.open("/account/mfa").await;
        let spelling = format!("Amelia+{n}@mail.example");
        let answer = browser.submit(&page, "/account/mfa/email", &[("email", &spelling)]).await;
        let expected = if n < 5 { StatusCode::SEE_OTHER } else { StatusCode::TOO_MANY_REQUESTS };
        assert_eq!(answer.status, expected, "{n}: {}", answer.body);
    }
    app.letter(5).await;
    app.pass(Duration::from_hours(1));
    let mut browser = app.browser();
    browser.register("amelia").await;
    let (done, _) = enrol(&mut browser, ADDRESS, 6).await;
    assert_eq!(done.backup_codes().len(), 10, "{}", done.body);
}

/// The cookie of the sign-in lasts as long as the code, too.
#[tokio::test]
async fn a_code_that_is_sent_late_in_a_sign_in_is_good_for_its_ten_minutes() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    enrol(&mut browser, ADDRESS, 1).await;
    let mut elsewhere = app.browser();
    let next = elsewhere.log_in("amelia", PASSWORD).await.location().to_owned();
    app.letter(2).await;
    app.pass(Duration::from_mins(14));
    let page = elsewhere.open(&next).await;
    elsewhere.submit(&page, "/login/email/send", &[]).await.location();
    let code = app.mailed_code(3).await;
    app.pass(Duration::from_mins(9));
    let page = elsewhere.open(&next).await;
    assert_eq!(elsewhere.submit(&page, "/login/email", &[("code", &code)]).await.location(), "/account");
}
