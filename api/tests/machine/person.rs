//! Somebody with a device of every kind, and one more of each that is pending.

use std::time::Duration;

use actors::testing::{SoftKey, Traits};
use serde_json::Value;

use crate::{
    doors::Link,
    html::tags,
    links::press,
    support::{Answer, Browser, PASSWORD, TestApp},
};

/// Devices that await their first proof, with that proof.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pending {
    pub(crate) totp: String,
    pub(crate) seed: Vec<u8>,
    pub(crate) email: String,
    pub(crate) email_code: String,
    /// The token of the link beside it.
    pub(crate) email_token: String,
    pub(crate) phone: String,
    pub(crate) phone_code: String,
    pub(crate) passkey: String,
    pub(crate) making: String,
    /// The code that was sent to the address that is to be the account's.
    pub(crate) own_code: String,
}

impl Pending {
    /// Has a device of each kind pending, by a session that is fresh.
    pub(crate) async fn of(browser: &mut Browser<'_>, name: &str, digit: u8) -> Self {
        let mail = begin_address(browser, "email", "email", &format!("{name}2@mail.example")).await;
        let text = begin_address(browser, "sms", "phone", &format!("+491511234561{digit}")).await;
        let page = browser.open("/account/mfa").await;
        let totp = browser.submit(&page, "/account/mfa/totp", &[("name", "Tablet")]).await.location().to_owned();
        let seed = browser.open(&totp).await.seed();
        let (passkey, _, making) = begin_passkey(browser).await;
        Self {
            totp: last_part(&totp),
            seed,
            email: last_part(&mail.path),
            email_code: mail.code,
            email_token: mail.token,
            phone: last_part(&text.path),
            phone_code: text.code,
            passkey: last_part(&passkey),
            making,
            own_code: String::new(),
        }
    }

    /// Has another address pending that is to be the account's.
    pub(crate) async fn with_own_address(self, browser: &mut Browser<'_>, name: &str) -> Self {
        let (app, page) = (browser.app, browser.open("/account/email").await);
        let before = app.sent();
        browser.submit(&page, "/account/email", &[("email", &format!("{name}6@mail.example"))]).await.location();
        Self { own_code: app.code_after(before).await, ..self }
    }
}

/// A person.
pub(crate) struct Person {
    pub(crate) name: &'static str,
    pub(crate) seed: Vec<u8>,
    pub(crate) backup: Vec<String>,
    pub(crate) key: SoftKey,
    /// Ids of the devices in force.
    pub(crate) totp: String,
    pub(crate) email: String,
    pub(crate) phone: String,
    pub(crate) passkey: String,
    /// The digit that tells this person's addresses from others'.
    digit: u8,
}

/// What a page asks of passkeys.
pub(crate) fn options(page: &Answer) -> Value {
    let tags = tags(&page.body);
    let text = tags.iter().find_map(|tag| tag.get("data-options")).expect("a passkey form");
    let text = text.replace("&quot;", "\"").replace("&#x2f;", "/").replace("&amp;", "&");
    serde_json::from_str(&text).expect("JSON")
}

fn last_part(path: &str) -> String {
    path.rsplit('/').next().expect("a path").to_owned()
}

/// An address that awaits its proof.
struct Begun {
    path: String,
    code: String,
    /// The token of the link beside the code; empty in a text message.
    token: String,
}

async fn begin_address(browser: &mut Browser<'_>, way: &str, field: &str, address: &str) -> Begun {
    let before = browser.app.sent();
    let page = browser.open("/account/mfa").await;
    let path = browser.submit(&page, &format!("/account/mfa/{way}"), &[(field, address)]).await.location().to_owned();
    let token = if way == "email" { token_after(browser.app, before, Link::Address).await } else { String::new() };
    Begun { path, code: browser.app.code_after(before).await, token }
}

async fn add_address(browser: &mut Browser<'_>, way: &str, field: &str, address: &str) -> (Answer, Begun) {
    let begun = begin_address(browser, way, field, address).await;
    let page = browser.open(&begun.path).await;
    let confirm = format!("{}/confirm", begun.path);
    (browser.submit(&page, &confirm, &[("code", &begun.code)]).await, begun)
}

/// The token of a link in one of the messages after the first `before`.
pub(crate) async fn token_after(app: &TestApp, before: usize, link: Link) -> String {
    let link = app.link_after(before, link.path()).await;
    link.split_once("token=").expect("a token").1.to_owned()
}

impl Person {
    /// Registers somebody and sets up a device of every kind.
    pub(crate) async fn new(app: &TestApp, name: &'static str, digit: u8) -> Self {
        let mut browser = app.browser();
        browser.register(name).await;
        Self::equipped(&mut browser, name, digit).await
    }

    /// Sets up a device of every kind for somebody who is signed in and has none.
    pub(crate) async fn equipped(browser: &mut Browser<'_>, name: &'static str, digit: u8) -> Self {
        let app = browser.app;
        let mail = format!("{name}@mail.example");
        let (done, email) = add_address(browser, "email", "email", &mail).await;
        let backup = done.backup_codes();
        assert_eq!(backup.len(), 10, "{}", done.body);
        let (done, phone) = add_address(browser, "sms", "phone", &format!("+491511234560{digit}")).await;
        done.location();
        let page = browser.open("/account/mfa").await;
        let path = browser.submit(&page, "/account/mfa/totp", &[("name", "Phone")]).await.location().to_owned();
        let page = browser.open(&path).await;
        let (seed, totp) = (page.seed(), last_part(&path));
        let code = app.code(&seed);
        browser.submit(&page, &format!("{path}/confirm"), &[("code", &code)]).await.location();
        let (path, key, answer) = begin_passkey(browser).await;
        let page = browser.open(&path).await;
        browser.submit(&page, &format!("{path}/confirm"), &[("answer", &answer)]).await.location();
        app.pass(Duration::from_secs(31));
        let (email, phone) = (last_part(&email.path), last_part(&phone.path));
        Self { name, seed, backup, key, totp, email, phone, passkey: last_part(&path), digit }
    }

    /// Has one more device of each kind pending, by a session that is fresh.
    pub(crate) async fn pend(&self, browser: &mut Browser<'_>) -> Pending {
        Pending::of(browser, self.name, self.digit).await.with_own_address(browser, self.name).await
    }

    /// Adds an address by the link beside its code, in a session that is fresh; gives the token of that link.
    pub(crate) async fn add_by_link(&self, browser: &mut Browser<'_>, number: u8) -> String {
        let address = format!("{}{number}@mail.example", self.name);
        let token = begin_address(browser, "email", "email", &address).await.token;
        let to = press(browser, Link::Address, &token).await;
        assert!(to.starts_with("/account/mfa?done="), "{to}");
        token
    }

    /// The name of the login of a browser in which the password was typed.
    pub(crate) async fn halfway(&self, browser: &mut Browser<'_>) -> String {
        let led = browser.log_in(self.name, PASSWORD).await;
        led.location().split_once("?l=").expect("a second step").1.to_owned()
    }

    /// Types the password on a login page; gives the page of the second step.
    pub(crate) async fn type_password(&self, browser: &mut Browser<'_>) -> Answer {
        let label = self.halfway(browser).await;
        browser.open(&format!("/login/passkey?l={label}")).await
    }

    /// Has a code sent for a login whose password was right; gives it, and the token of the link beside it in mail.
    pub(crate) async fn have_sent(browser: &mut Browser<'_>, label: &str, way: &str) -> (String, String) {
        let before = browser.app.sent();
        let page = browser.open(&format!("/login/{way}?l={label}")).await;
        browser.submit(&page, &format!("/login/{way}/send"), &[]).await.location();
        let code = browser.app.code_after(before).await;
        let token = if way == "email" { token_after(browser.app, before, Link::Login).await } else { String::new() };
        (code, token)
    }

    /// Signs in with a code that is sent; gives the token of the link beside it in mail.
    pub(crate) async fn sign_in_by(&self, browser: &mut Browser<'_>, way: &str) -> String {
        let label = self.halfway(browser).await;
        let (code, token) = Self::have_sent(browser, &label, way).await;
        let path = format!("/login/{way}");
        let page = browser.open(&format!("{path}?l={label}")).await;
        assert_eq!(browser.submit(&page, &path, &[("code", &code)]).await.location(), "/account");
        token
    }

    /// Begins a recovery in a login whose password was right; gives the token of the link that cancels it.
    pub(crate) async fn begin_recovery(browser: &mut Browser<'_>, label: &str) -> String {
        let before = browser.app.sent();
        let page = browser.open(&format!("/login/recovery?l={label}")).await;
        browser.submit(&page, "/login/recovery", &[]).await.location();
        token_after(browser.app, before, Link::Cancel).await
    }

    /// Has a link sent to set a new password; gives its token.
    pub(crate) async fn forget(&self, app: &TestApp) -> String {
        let (mut browser, before) = (app.browser(), app.sent());
        let page = browser.open("/forgot").await;
        browser.submit(&page, "/forgot", &[("username", self.name)]).await.location();
        token_after(app, before, Link::Reset).await
    }

    /// Signs in with a code of the app; with the box ticked if `trust`.
    pub(crate) async fn sign_in(&self, browser: &mut Browser<'_>, trust: bool) {
        let page = self.type_password(browser).await;
        let label = page.field("/login/passkey", "l");
        let page = browser.open(&format!("/login/totp?l={label}")).await;
        let code = browser.app.code(&self.seed);
        let typed = [("code", &*code), ("trust", if trust { "on" } else { "" })];
        assert_eq!(browser.submit(&page, "/login/totp", &typed).await.location(), "/account");
        browser.app.pass(Duration::from_secs(31));
    }
}

/// Begins a passkey; gives its path, the key, and the answer that would add it.
async fn begin_passkey(browser: &mut Browser<'_>) -> (String, SoftKey, String) {
    let page = browser.open("/account/mfa").await;
    let path = browser.submit(&page, "/account/mfa/passkey", &[("passkey_name", "Key")]).await.location().to_owned();
    let page = browser.open(&path).await;
    let origin = browser.app.issuer.origin().ascii_serialization();
    let (key, answer) = SoftKey::make(&options(&page), &origin, Traits::WITH_PIN);
    (path, key, answer.to_string())
}
