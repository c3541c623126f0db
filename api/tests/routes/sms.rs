//! `/account/mfa/sms`, `/login/sms`: codes by text message, from the first to the removal, and what they may cost.

use std::time::Duration;

use actors::domain::sms::{Countries, SmsPolicy};
use http::StatusCode;

use crate::support::{Answer, Browser, HTTPS, PASSWORD, TestApp};

const TYPED: &str = "+49 (0)151 / 123-456 78";
const NUMBER: &str = "+4915112345678";
const ADDRESS: &str = "amelia@mail.example";

/// Has the first code sent; gives the page that asks for it, and its path.
async fn begin(browser: &mut Browser<'_>, number: &str) -> (Answer, String) {
    let page = browser.open("/account/mfa").await;
    let path = browser.submit(&page, "/account/mfa/sms", &[("phone", number)]).await.location().to_owned();
    (browser.open(&path).await, path)
}

/// Enrols a number; the code is in message number `n`.
async fn enrol(browser: &mut Browser<'_>, number: &str, n: usize) -> (Answer, String) {
    let (page, path) = begin(browser, number).await;
    let code = browser.app.texted_code(n).await;
    (browser.submit(&page, &format!("{path}/confirm"), &[("code", &code)]).await, path)
}

#[tokio::test]
async fn a_number_is_confirmed_and_its_codes_are_asked_for_from_then_on() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let (page, path) = begin(&mut browser, TYPED).await;
    assert!(page.body.contains(NUMBER) && page.body.contains("autocomplete=\"one-time-code\""), "{}", page.body);
    assert!(page.body.contains("otp.js?v="), "{}", page.body);
    let letter = app.letter(1).await;
    assert_eq!((letter.to.as_str(), letter.subject.as_deref()), (NUMBER, None));
    let code = app.texted_code(1).await;
    assert_eq!(letter.text.lines().last(), Some(format!("@id.example #{code}").as_str()));
    let done = browser.submit(&page, &format!("{path}/confirm"), &[("code", &code)]).await;
    assert_eq!(done.backup_codes().len(), 10, "{}", done.body);
    browser.submit(&done, "/account/mfa/backup-codes/saved", &[("saved", "yes")]).await.location();
    let page = browser.open("/account").await;
    assert!(page.body.contains("codes to 1 phone number, 10 backup codes left."), "{}", page.body);

    let mut elsewhere = app.browser();
    let next = elsewhere.log_in("amelia", PASSWORD).await.location().to_owned();
    assert!(next.starts_with("/login/sms?l="), "{next}");
    let page = elsewhere.open(&next).await;
    assert!(page.body.contains("•••• 78") && !page.body.contains(NUMBER), "{}", page.body);
    let code = app.texted_code(2).await;
    let done = elsewhere.submit(&page, "/login/sms", &[("code", &code)]).await;
    assert_eq!(done.location(), "/account");
    assert!(elsewhere.is_signed_in().await);
}

#[tokio::test]
async fn the_ways_lead_to_each_other_and_a_message_goes_only_where_it_is_asked_for() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    browser.enrol().await;
    let (done, _) = enrol(&mut browser, TYPED, 1).await;
    assert_eq!(done.location(), "/account/mfa?done=sms-codes-on");
    let mut elsewhere = app.browser();
    let next = elsewhere.log_in("amelia", PASSWORD).await.location().to_owned();
    assert!(next.starts_with("/login/totp?l="), "{next}");
    let by_sms = next.replace("/login/totp", "/login/sms");
    assert!(elsewhere.open(&next).await.links_to(&by_sms));
    let page = elsewhere.open(&by_sms).await;
    assert!(page.links_to(&next) && app.sent() == 1, "{}", page.body);
    elsewhere.submit(&page, "/login/sms/send", &[]).await.location();
    let early = elsewhere.submit(&page, "/login/sms/send", &[]).await;
    assert_eq!(early.status, StatusCode::TOO_MANY_REQUESTS);
    let code = app.texted_code(2).await;
    let page = elsewhere.open(&by_sms).await;
    assert_eq!(elsewhere.submit(&page, "/login/sms", &[("code", &code)]).await.location(), "/account");
}

#[tokio::test]
async fn whose_only_second_step_is_a_phone_proves_it_by_signing_in_once_more_and_may_remove_it_then() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let (_, path) = enrol(&mut browser, TYPED, 1).await;
    app.pass(Duration::from_mins(11));
    let asked = browser.get(&format!("{path}/remove")).await.location().to_owned();
    let login = browser.get(&asked).await.location().to_owned();
    assert!(login.starts_with("/login?change=yes&return=%2Faccount%2Fmfa%2Fsms%2F"), "{login}");
    let page = browser.open(&login).await;
    let fields = [("username", "amelia"), ("password", PASSWORD)];
    let next = browser.submit(&page, "/login", &fields).await.location().to_owned();
    let (page, code) = (browser.open(&next).await, app.texted_code(2).await);
    let back = browser.submit(&page, "/login/sms", &[("code", &code)]).await.location().to_owned();
    assert_eq!(back, format!("{path}/remove"));
    let page = browser.open(&back).await;
    assert!(page.body.contains("your password alone will open this account"), "{}", page.body);
    assert_eq!(browser.submit(&page, &back, &[]).await.location(), "/account/mfa?done=sms-codes-off");
    assert_eq!(app.browser().log_in("amelia", PASSWORD).await.location(), "/account");
}

#[tokio::test]
async fn what_is_no_number_is_refused_with_what_to_do_and_kept_in_its_field() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let page = browser.open("/account/mfa").await;
    for (typed, told) in [
        ("0151 12345678", "Begin with + and the calling code of the country, such as +49."),
        ("+49 151 call me", "Enter a phone number such as +49 151 12345678."),
        ("+999 12345678", "No country has this calling code. Check the digits after the +."),
    ] {
        let refused = browser.submit(&page, "/account/mfa/sms", &[("phone", typed)]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{typed}");
        assert!(refused.body.contains(told), "{}", refused.body);
        assert_eq!(refused.field("/account/mfa/sms", "phone"), typed);
    }
    assert_eq!(app.sent(), 0);
    let policy = SmsPolicy {
        default_country: "DE".parse().ok(),
        countries: Countries { named: Vec::new(), others: Some(None) },
        ..SmsPolicy::default()
    };
    let app = TestApp::with_sms(HTTPS, policy, |_| {}).await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let (page, _) = begin(&mut browser, "0151 12345678").await;
    assert!(page.body.contains(NUMBER), "{}", page.body);
}

#[tokio::test]
async fn a_phone_may_have_a_name_which_is_kept_and_shown() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let page = browser.open("/account/mfa").await;
    let long = "x".repeat(65);
    let refused = browser.submit(&page, "/account/mfa/sms", &[("phone", TYPED), ("phone_name", &long)]).await;
    assert!(refused.body.contains("Give it a name of at most 64 characters."), "{}", refused.body);
    assert_eq!(refused.field("/account/mfa/sms", "phone_name"), long);
    assert_eq!(refused.field("/account/mfa/sms", "phone"), TYPED);
    let fields = [("phone", TYPED), ("phone_name", " Work phone ")];
    let path = browser.submit(&page, "/account/mfa/sms", &fields).await.location().to_owned();
    let (page, code) = (browser.open(&path).await, app.texted_code(1).await);
    browser.submit(&page, &format!("{path}/confirm"), &[("code", &code)]).await.backup_codes();
    let page = browser.open("/account/mfa").await;
    assert!(page.body.contains("<h3>Work phone</h3>") && page.body.contains(NUMBER), "{}", page.body);
    let mut elsewhere = app.browser();
    let next = elsewhere.log_in("amelia", PASSWORD).await.location().to_owned();
    assert!(elsewhere.open(&next).await.body.contains("Work phone (•••• 78)"));
}

#[tokio::test]
async fn many_accounts_together_fill_no_strangers_phone() {
    let app = TestApp::new().await;
    for n in 0..6 {
        let mut browser = app.browser();
        browser.register(&format!("mallory-{n}")).await;
        let page = browser.open("/account/mfa").await;
        let spelling = if n % 2 == 0 { TYPED } else { NUMBER };
        let answer = browser.submit(&page, "/account/mfa/sms", &[("phone", spelling)]).await;
        let expected = if n < 5 { StatusCode::SEE_OTHER } else { StatusCode::TOO_MANY_REQUESTS };
        assert_eq!(answer.status, expected, "{n}: {}", answer.body);
    }
}

/// Whoever has a session that may change nothing uses up nothing of the messages of somebody who confirmed nothing.
#[tokio::test]
async fn what_is_not_sent_takes_nothing_from_the_owner_of_a_number() {
    let app = TestApp::new().await;
    let mut stale = app.browser();
    stale.register("mallory").await;
    let page = stale.open("/account/mfa").await;
    app.pass(Duration::from_mins(11));
    for (path, field, typed) in [("/account/mfa/sms", "phone", TYPED), ("/account/mfa/email", "email", ADDRESS)] {
        for _ in 0..6 {
            let asked = stale.submit(&page, path, &[(field, typed)]).await.location().to_owned();
            assert!(asked.starts_with("/account/reauthenticate?to="), "{asked}");
        }
    }
    let mut eager = app.browser();
    eager.register("mallory-2").await;
    let (page, path) = begin(&mut eager, NUMBER).await;
    for _ in 0..6 {
        let early = eager.submit(&page, &format!("{path}/resend"), &[]).await;
        assert_eq!(early.status, StatusCode::TOO_MANY_REQUESTS);
    }
    app.letter(1).await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    enrol(&mut browser, TYPED, 2).await.0.backup_codes();
    let page = browser.open("/account/mfa").await;
    for _ in 0..6 {
        let known = browser.submit(&page, "/account/mfa/sms", &[("phone", TYPED)]).await;
        assert_eq!(known.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", known.body);
    }
    let mut third = app.browser();
    third.register("grace").await;
    enrol(&mut third, TYPED, 3).await.0.backup_codes();
}

#[tokio::test]
async fn a_number_that_many_accounts_confirmed_gets_no_more_texts_than_one() {
    let app = TestApp::new().await;
    for n in 0..3 {
        let mut browser = app.browser();
        browser.register(&format!("mallory-{n}")).await;
        enrol(&mut browser, NUMBER, n + 1).await.0.backup_codes();
    }
    for n in 0..10 {
        let answer = app.browser().log_in(&format!("mallory-{}", n % 3), PASSWORD).await;
        assert!(answer.location().starts_with("/login/sms?l="));
        app.letter(n + 4).await;
        app.pass(Duration::from_mins(1));
    }
    let mut browser = app.browser();
    let answer = browser.log_in("mallory-2", PASSWORD).await;
    let told =
        "This number got too many text messages. No more are sent to it at the moment. Choose another way below.";
    assert!(answer.body.contains(told) && answer.body.contains("Use a backup code"), "{}", answer.body);
    assert_eq!(app.sent(), 13);
    app.pass(Duration::from_hours(1));
    assert!(app.browser().log_in("mallory-2", PASSWORD).await.location().starts_with("/login/sms?l="));
}

#[tokio::test]
async fn a_phone_that_is_closed_gets_no_code_that_is_paid_for_and_the_mail_gets_it() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    enrol(&mut browser, TYPED, 1).await.0.backup_codes();
    let mut elsewhere = app.browser();
    let next = elsewhere.log_in("amelia", PASSWORD).await.location().to_owned();
    let (page, code) = (elsewhere.open(&next).await, app.texted_code(2).await);
    let wrong = if code == "000000" { "000001" } else { "000000" };
    for _ in 0..5 {
        elsewhere.submit(&page, "/login/sms", &[("code", wrong)]).await;
    }
    let mut another = app.browser();
    let next = another.log_in("amelia", PASSWORD).await.location().to_owned();
    assert!(next.starts_with("/login/sms?l="), "{next}");
    let closed = another.open(&next).await;
    assert_eq!(app.sent(), 2, "{}", closed.body);
    assert!(closed.body.contains("Too many") && closed.body.contains("Use a backup code"), "{}", closed.body);
    let page = browser.open("/account/mfa").await;
    let begun = browser.submit(&page, "/account/mfa/email", &[("email", ADDRESS)]).await.location().to_owned();
    let (page, code) = (browser.open(&begun).await, app.mailed_code(3).await);
    browser.submit(&page, &format!("{begun}/confirm"), &[("code", &code)]).await.location();
    // The phone is told of the address.
    app.letter(4).await;
    let mut elsewhere = app.browser();
    let next = elsewhere.log_in("amelia", PASSWORD).await.location().to_owned();
    assert!(next.starts_with("/login/email?l="), "{next}");
    let (page, code) = (elsewhere.open(&next).await, app.mailed_code(5).await);
    assert_eq!(elsewhere.submit(&page, "/login/email", &[("code", &code)]).await.location(), "/account");
}

/// A pumping attack: spending stops at the budget, people of other countries get their codes, and who gets none is told what else
/// works.
#[tokio::test]
async fn spending_stops_where_it_is_to_stop_and_whoever_gets_no_message_is_told_what_else_works() {
    let country = |name: &str| name.parse().expect("a country");
    let countries = Countries { named: vec![(country("JM"), Some(3)), (country("DE"), None)], others: None };
    let policy = SmsPolicy { countries, price: 1000, budget_per_day: 7000, country_share: 100, ..SmsPolicy::default() };
    let app = TestApp::with_sms(HTTPS, policy, |_| {}).await;
    for n in 0..5 {
        let mut browser = app.browser();
        browser.register(&format!("mallory-{n}")).await;
        let page = browser.open("/account/mfa").await;
        let number = format!("+1 876 555 012{n}");
        let answer = browser.submit(&page, "/account/mfa/sms", &[("phone", &number)]).await;
        if n < 3 {
            answer.location();
        } else {
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
            let told =
                "No more text messages are sent to numbers of this country today. Use an authenticator app instead.";
            assert!(answer.body.contains(told), "{}", answer.body);
            assert_eq!(answer.field("/account/mfa/sms", "phone"), number);
        }
    }
    let mut browser = app.browser();
    browser.register("amelia").await;
    let page = browser.open("/account/mfa").await;
    let refused = browser.submit(&page, "/account/mfa/sms", &[("phone", "+33 6 12 34 56 78")]).await;
    assert!(refused.body.contains("Text messages are not sent to numbers of this country."), "{}", refused.body);
    // A message that is too early is not paid for.
    let (page, path) = begin(&mut browser, NUMBER).await;
    for _ in 0..4 {
        let early = browser.submit(&page, &format!("{path}/resend"), &[]).await;
        assert_eq!(early.status, StatusCode::TOO_MANY_REQUESTS);
    }
    let code = app.texted_code(4).await;
    browser.submit(&page, &format!("{path}/confirm"), &[("code", &code)]).await.backup_codes();
    let page = browser.open("/account/mfa").await;
    let begun = browser.submit(&page, "/account/mfa/email", &[("email", ADDRESS)]).await.location().to_owned();
    let (page, code) = (browser.open(&begun).await, app.mailed_code(5).await);
    browser.submit(&page, &format!("{begun}/confirm"), &[("code", &code)]).await.location();
    // The phone is told of the address, and that is paid for, too.
    app.letter(6).await;

    for paid in [true, true, false] {
        let mut elsewhere = app.browser();
        let answer = elsewhere.log_in("amelia", PASSWORD).await;
        if paid {
            assert!(answer.location().starts_with("/login/sms?l="));
            continue;
        }
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        let told = "No more text messages are sent today. Choose another way below.";
        assert!(answer.body.contains(told) && answer.body.contains("Get a code by e-mail"), "{}", answer.body);
        let by_mail = answer
            .body
            .split("href=\"")
            .find_map(|rest| rest.split('"').next().filter(|to| to.starts_with("/login/email")));
        let page = elsewhere.open(by_mail.expect("a link")).await;
        elsewhere.submit(&page, "/login/email/send", &[]).await.location();
    }
    app.pass(Duration::from_hours(24));
    assert!(app.browser().log_in("amelia", PASSWORD).await.location().starts_with("/login/sms?l="));
}
