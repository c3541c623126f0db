//! Somebody with an account: registers, enrols an authenticator app, signs in.

use std::{net::SocketAddr, time::SystemTime};

use actors::testing::{SoftKey, Traits};
use data_encoding::BASE32_NOPAD;
use totp_rs::{Builder, Totp};

use crate::{
    browser::Browser,
    http::{Answer, Gone, ORIGIN},
};

/// Seconds of a TOTP step.
pub(crate) const STEP: u64 = 30;

/// The account and the browser in which it was made.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) password: String,
    pub(crate) browser: Browser,
}

impl Person {
    /// Registers under a name that nobody has.
    pub(crate) fn register(site: SocketAddr, name: &str) -> Result<Self, Gone> {
        let mut browser = Browser::new(site);
        let (name, password) = (name.to_owned(), "tractor violin harbour lantern".to_owned());
        let page = browser.open("/register")?;
        let page = browser.submit(&page, "/register", &[("user_name", &name), ("password", &password)])?;
        assert!(page.status == 200 && page.body.contains("Sign out"), "not signed in: {page}");
        Ok(Self { name, password, browser })
    }

    /// Enrols an authenticator app.
    pub(crate) fn enrol(&mut self) -> Result<Authenticator, Gone> {
        let page = self.browser.open("/account/mfa")?;
        let page = self.browser.submit(&page, "/account/mfa/totp", &[("name", "Phone")])?;
        let key = page.body.split("secret=").nth(1).and_then(|rest| rest.split(|c: char| !c.is_alphanumeric()).next());
        let key = key.unwrap_or_else(|| panic!("no key on {page}"));
        let seed = BASE32_NOPAD.decode(key.as_bytes()).expect("base32");
        let totp = Builder::new().with_secret(seed).build().expect("an authenticator");
        let step = step();
        let code = code_of(&totp, step);
        let page = self.browser.submit(&page, "/account/mfa/totp/*/confirm", &[("code", &code)])?;
        let codes = page.body.split("<li><code>").skip(1).filter_map(|rest| rest.split("</code>").next());
        let backup_codes: Vec<_> = codes.map(str::to_owned).collect();
        assert_eq!(backup_codes.len(), 10, "{page}");
        self.browser.submit(&page, "/account/mfa/backup-codes/saved", &[("saved", "yes")])?;
        Ok(Authenticator { totp, step, backup_codes })
    }

    /// Adds an address for codes, in the field of that name, by `way`: the page that asks for the code.
    pub(crate) fn add_address(&mut self, way: &str, (field, address): (&str, &str)) -> Result<Answer, Gone> {
        let page = self.browser.open("/account/mfa")?;
        self.browser.submit(&page, &format!("/account/mfa/{way}"), &[(field, address)])
    }

    /// Makes a passkey: the page that takes its answer, and that.
    pub(crate) fn make_passkey(&mut self) -> Result<(Answer, SoftKey, String), Gone> {
        let page = self.browser.open("/account/mfa")?;
        let page = self.browser.submit(&page, "/account/mfa/passkey", &[("passkey_name", "")])?;
        let (key, made) = SoftKey::make(&passkey_options(&page), ORIGIN, Traits::SYNCED);
        Ok((page, key, made.to_string()))
    }

    /// The same person at a server that was started again.
    pub(crate) fn at(&self, site: SocketAddr) -> Self {
        Self { browser: Browser::new(site), ..self.clone() }
    }

    /// Types name and password in a browser that was never here; gives it, and the page that follows.
    pub(crate) fn password(&self) -> Result<(Browser, Answer), Gone> {
        self.with_password(&self.password)
    }

    /// The same with another password.
    pub(crate) fn with_password(&self, password: &str) -> Result<(Browser, Answer), Gone> {
        let mut browser = Browser::new(self.browser.site);
        let page = browser.open("/login")?;
        let page = browser.submit(&page, "/login", &[("username", &self.name), ("password", password)])?;
        Ok((browser, page))
    }

    /// The same for somebody with an authenticator app, up to the page that asks for its code.
    #[track_caller]
    pub(crate) fn challenged(&self) -> Result<(Browser, Answer), Gone> {
        let (browser, page) = self.password()?;
        assert!(asks_for_a_code(&page), "no challenge: {page}");
        Ok((browser, page))
    }
}

/// What a person has in the hand.
#[derive(Clone)]
pub(crate) struct Authenticator {
    totp: Totp,
    step: u64,
    /// As shown, once.
    pub(crate) backup_codes: Vec<String>,
}

impl Authenticator {
    /// The code that confirmed it.
    pub(crate) fn enrolled_with(&self) -> String {
        code_of(&self.totp, self.step)
    }

    /// A code that is good for a minute at least and was not used at the enrolment: that of the step after it.
    pub(crate) fn code(&self) -> String {
        code_of(&self.totp, self.step + 1)
    }

    /// A code that is good now and was not used at the enrolment.
    pub(crate) fn unused_code(&self) -> String {
        code_of(&self.totp, step().max(self.step + 1))
    }

    /// The code that is shown at a time in seconds since 1970.
    pub(crate) fn code_at(&self, secs: u64) -> String {
        code_of(&self.totp, secs / STEP)
    }

    /// The code after as many that were used since the enrolment, once it is good.
    pub(crate) fn code_after(&self, used: usize) -> Option<String> {
        let next = self.step + 1 + u64::try_from(used).expect("few");
        (next <= step() + 1).then(|| code_of(&self.totp, next))
    }

    /// A code that is right at no time near now.
    pub(crate) fn wrong_code(&self) -> String {
        let near: Vec<_> = (step() - 2..=step() + 4).map(|step| code_of(&self.totp, step)).collect();
        (0..=near.len()).map(|code| format!("{code:06}")).find(|code| !near.contains(code)).expect("one more than near")
    }
}

/// Is this the page that asks for the code of an authenticator app?
pub(crate) fn asks_for_a_code(page: &Answer) -> bool {
    page.body.contains("action=\"/login/totp\"")
}

/// The way from the page that asks for the authenticator app to the one that asks for a backup code.
pub(crate) fn to_backup_code((mut browser, page): (Browser, Answer)) -> Result<(Browser, Answer), Gone> {
    let link = page.body.split("href=\"/login/backup-code").nth(1).and_then(|rest| rest.split('"').next());
    let link = link.unwrap_or_else(|| panic!("no link to it on {page}"));
    let path = format!("/login/backup-code{}", link.replace("&amp;", "&"));
    let page = browser.open(&path)?;
    Ok((browser, page))
}

/// Did this answer sign somebody in? Every other one shows a page.
pub(crate) fn signed_in(answer: &Answer) -> bool {
    answer.location().is_some_and(|to| !to.contains("/login"))
}

/// What a page asks of the browser's passkeys.
pub(crate) fn passkey_options(page: &Answer) -> serde_json::Value {
    let text = page.body.split("data-options=\"").nth(1).and_then(|rest| rest.split('"').next());
    let text = text.unwrap_or_else(|| panic!("no passkey form on {page}"));
    serde_json::from_str(&text.replace("&quot;", "\"").replace("&#x2f;", "/")).expect("JSON")
}

/// The time of day in seconds since 1970.
pub(crate) fn now() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "the server goes by the time of day, so its users do")]
    let now = SystemTime::now();
    now.duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs()
}

fn step() -> u64 {
    now() / STEP
}

fn code_of(totp: &Totp, step: u64) -> String {
    totp.generate(step * STEP).to_string()
}
