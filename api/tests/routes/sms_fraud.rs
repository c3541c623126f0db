//! Text messages whose codes nobody types, through the pages: who is told what, and what goes on as before.

use std::time::Duration;

use actors::domain::{
    sms::{Countries, SmsPolicy},
    sms_fraud::{FraudMode, FraudPolicy},
};
use http::StatusCode;

use crate::support::{Answer, Browser, HTTPS, PASSWORD, TestApp};

const NUMBER: &str = "+4915112345678";
const ADDRESS: &str = "amelia@mail.example";
const HELD: &str = "No text messages are sent to numbers of this country at the moment.";

async fn app(mode: FraudMode) -> TestApp {
    let policy = SmsPolicy {
        countries: Countries { named: Vec::new(), others: Some(None) },
        fraud: FraudPolicy { mode, ..FraudPolicy::default() },
        ..SmsPolicy::default()
    };
    TestApp::with_sms(HTTPS, policy, |_| {}).await
}

/// A browser at another address.
fn elsewhere(app: &TestApp, n: u8) -> Browser<'_> {
    let mut browser = app.browser();
    browser.peer = ([198, 51, 100, n], 4711).into();
    browser
}

/// A new account has a message sent to a number of its own, from an address of its own.
async fn pump(app: &TestApp, prefix: &str, n: u8) -> (Answer, String) {
    let mut browser = elsewhere(app, n);
    browser.register(&format!("mallory-{n}")).await;
    let page = browser.open("/account/mfa").await;
    let number = format!("{prefix}{n:03}");
    (browser.submit(&page, "/account/mfa/sms", &[("phone", &number)]).await, number)
}

/// Amelia, who has a phone and an e-mail address for her codes; two messages, and one that tells the phone of the address.
async fn amelia(app: &TestApp) {
    let mut browser = app.browser();
    browser.register("amelia").await;
    for (way, field, address, n) in [("sms", "phone", NUMBER, 1), ("email", "email", ADDRESS, 2)] {
        let page = browser.open("/account/mfa").await;
        let begin = format!("/account/mfa/{way}");
        let path = browser.submit(&page, &begin, &[(field, address)]).await.location().to_owned();
        let page = browser.open(&path).await;
        let code = if n == 1 { app.texted_code(n).await } else { app.mailed_code(n).await };
        browser.submit(&page, &format!("{path}/confirm"), &[("code", &code)]).await;
    }
    app.letter(3).await;
}

#[tokio::test]
async fn a_country_that_is_pumped_is_closed_for_new_numbers_with_the_number_kept_in_its_field() {
    let app = app(FraudMode::Enforce).await;
    for n in 0..3 {
        pump(&app, "+1 876 555 0", n).await.0.location();
    }
    let (refused, number) = pump(&app, "+1 876 555 0", 3).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.body.contains(&format!("{HELD} Use an authenticator app instead.")), "{}", refused.body);
    assert_eq!(refused.field("/account/mfa/sms", "phone"), number);
    assert_eq!(app.sent(), 3, "and nothing is sent");
    pump(&app, "+49 151 1234 5", 4).await.0.location();
}

#[tokio::test]
async fn whoever_gets_no_code_for_a_sign_in_is_led_to_another_way_and_signs_in_by_that() {
    let app = app(FraudMode::Enforce).await;
    amelia(&app).await;
    for n in 0..3 {
        pump(&app, "+49 151 1234 5", n).await.0.location();
    }
    let mut browser = elsewhere(&app, 99);
    let refused = browser.log_in("amelia", PASSWORD).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.body.contains(&format!("{HELD} Choose another way below.")), "{}", refused.body);
    assert!(refused.body.contains("Get a code by e-mail"), "{}", refused.body);
    let hrefs = refused.body.split("href=\"").filter_map(|rest| rest.split('"').next());
    let by_mail = hrefs.into_iter().find(|to| to.starts_with("/login/email")).expect("a link").to_owned();
    let page = browser.open(&by_mail).await;
    browser.submit(&page, "/login/email/send", &[]).await.location();
    let (page, code) = (browser.open(&by_mail).await, app.mailed_code(7).await);
    assert_eq!(browser.submit(&page, "/login/email", &[("code", &code)]).await.location(), "/account");
    app.pass(Duration::from_hours(1));
    let next = elsewhere(&app, 99).log_in("amelia", PASSWORD).await.location().to_owned();
    assert!(next.starts_with("/login/sms?l="), "{next}");
}

#[tokio::test]
async fn an_address_that_asks_for_too_many_is_told_so_and_others_are_served() {
    let app = app(FraudMode::Enforce).await;
    for (n, to) in ["+49 151 1234 5", "+43 664 123 4", "+41 79 123 4"].into_iter().cycle().take(6).enumerate() {
        let n = u8::try_from(n).expect("small");
        let mut browser = elsewhere(&app, 7);
        browser.register(&format!("mallory-{n}")).await;
        let page = browser.open("/account/mfa").await;
        let answer = browser.submit(&page, "/account/mfa/sms", &[("phone", &format!("{to}{n:03}"))]).await;
        if n < 5 {
            answer.location();
        } else {
            let told = "Too many text messages were asked for from your network. No more are sent at the moment.";
            assert!(answer.body.contains(told), "{}", answer.body);
        }
    }
    pump(&app, "+41 79 123 4", 8).await.0.location();
}

/// What is not sent does not count: who presses the button too often closes nothing.
#[tokio::test]
async fn a_message_that_is_too_early_counts_as_little_as_it_is_sent() {
    let app = app(FraudMode::Enforce).await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let page = browser.open("/account/mfa").await;
    let path = browser.submit(&page, "/account/mfa/sms", &[("phone", NUMBER)]).await.location().to_owned();
    let page = browser.open(&path).await;
    for _ in 0..3 {
        let early = browser.submit(&page, &format!("{path}/resend"), &[]).await;
        assert_eq!(early.status, StatusCode::TOO_MANY_REQUESTS);
    }
    app.pass(Duration::from_mins(1));
    browser.submit(&page, &format!("{path}/resend"), &[]).await.location();
    let (page, code) = (browser.open(&path).await, app.texted_code(2).await);
    browser.submit(&page, &format!("{path}/confirm"), &[("code", &code)]).await.backup_codes();
    for n in 0..3 {
        pump(&app, "+49 151 1234 5", n).await.0.location();
    }
    assert_eq!(pump(&app, "+49 151 1234 5", 3).await.0.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn while_it_is_only_recorded_everybody_gets_a_message() {
    let app = app(FraudMode::Record).await;
    amelia(&app).await;
    for n in 0..10 {
        pump(&app, "+49 151 1234 5", n).await.0.location();
    }
    let mut browser = app.browser();
    let next = browser.log_in("amelia", PASSWORD).await.location().to_owned();
    let (page, code) = (browser.open(&next).await, app.texted_code(14).await);
    assert_eq!(browser.submit(&page, "/login/sms", &[("code", &code)]).await.location(), "/account");
}
