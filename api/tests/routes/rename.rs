//! Other names for phones and e-mail addresses that get codes, or none.

use http::StatusCode;

use crate::support::{Answer, Browser, PASSWORD, TestApp};

const NUMBER: &str = "+4915112345678";
const ADDRESS: &str = "amelia@mail.example";

/// Sets up an address; gives its path.
async fn set_up(browser: &mut Browser<'_>, way: &str, typed: &[(&str, &str)]) -> String {
    let page = browser.open("/account/mfa").await;
    let path = browser.submit(&page, &format!("/account/mfa/{way}"), typed).await.location().to_owned();
    let (page, code) = (
        browser.open(&path).await,
        match way {
            "sms" => browser.app.texted_code(1).await,
            _ => browser.app.mailed_code(1).await,
        },
    );
    browser.submit(&page, &format!("{path}/confirm"), &[("code", &code)]).await;
    path
}

async fn rename(browser: &mut Browser<'_>, path: &str, name: &str) -> Answer {
    let path = format!("{path}/rename");
    assert!(browser.open("/account/mfa").await.links_to(&path));
    let page = browser.open(&path).await;
    browser.submit(&page, &path, &[("name", name)]).await
}

#[tokio::test]
async fn a_phone_and_an_address_get_other_names_and_can_be_without() {
    for (way, typed, address, notice, hidden) in [
        ("sms", ("phone", NUMBER), NUMBER, "phone-renamed", "•••• 78"),
        ("email", ("email", ADDRESS), ADDRESS, "email-renamed", "a•••@"),
    ] {
        let app = TestApp::new().await;
        let mut browser = app.browser();
        browser.register("amelia").await;
        let path = set_up(&mut browser, way, &[typed]).await;
        let done = rename(&mut browser, &path, " Mine <b> ").await;
        assert_eq!(done.location(), format!("/account/mfa?done={notice}"));
        let page = browser.open(done.location()).await;
        assert!(page.body.contains("new name") && page.body.contains("<h3>Mine &lt;b&gt;</h3>"), "{}", page.body);
        assert!(page.body.contains(address), "{way}: where codes go is shown as well");
        let asked = browser.open(&format!("{path}/rename")).await;
        assert_eq!(asked.field(&format!("{path}/rename"), "name"), "Mine <b&gt;");

        let mut elsewhere = app.browser();
        let led = elsewhere.log_in("amelia", PASSWORD).await.location().to_owned();
        let page = elsewhere.open(&led).await;
        assert!(page.body.contains("Mine &lt;b&gt; (") && page.body.contains(hidden), "{way}: {}", page.body);
        assert!(!page.body.contains(address), "{way}: {}", page.body);

        assert_eq!(rename(&mut browser, &path, "  ").await.location(), format!("/account/mfa?done={notice}"));
        let page = browser.open("/account/mfa").await;
        assert!(page.body.contains(&format!("<h3>{address}</h3>")), "{way}: {}", page.body);
    }
}

#[tokio::test]
async fn a_name_that_is_too_long_or_of_another_kind_is_kept_in_its_field() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let path = set_up(&mut browser, "sms", &[("phone", NUMBER), ("phone_name", "Work phone")]).await;
    let long = "x".repeat(65);
    for (name, told) in [(long.as_str(), "at most 64 characters"), ("a\u{7}b", "without control characters")] {
        let refused = rename(&mut browser, &path, name).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.body.contains(told) && refused.body.contains(NUMBER), "{}", refused.body);
        assert_eq!(refused.field(&format!("{path}/rename"), "name"), name);
    }
    assert!(browser.open("/account/mfa").await.body.contains("<h3>Work phone</h3>"));
}

#[tokio::test]
async fn what_is_gone_pending_or_anothers_has_no_name_to_change() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.register("amelia").await;
    let page = browser.open("/account/mfa").await;
    let typed = [("email", ADDRESS)];
    let pending = browser.submit(&page, "/account/mfa/email", &typed).await.location().to_owned();
    assert_eq!(browser.get(&format!("{pending}/rename")).await.location(), "/account/mfa");
    let csrf = browser.open("/account/mfa").await.field("/account/mfa/totp", "csrf");
    let fields = [("csrf".to_owned(), csrf), ("name".to_owned(), "Mine".to_owned())];
    assert_eq!(browser.post(&format!("{pending}/rename"), &fields).await.location(), "/account/mfa");
    // By the other way there is no such address.
    let other = pending.replace("/email/", "/sms/");
    assert_eq!(browser.post(&format!("{other}/rename"), &fields).await.location(), "/account/mfa");
    assert_eq!(browser.get("/account/mfa/email/x/rename").await.status, StatusCode::NOT_FOUND);
}
