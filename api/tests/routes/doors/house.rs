//! The house: an account with everything, its doors, and who stands before them with what opens them.

use std::time::Duration;

use actors::{
    domain::command::{IssueReset, IssueResetOutcome},
    testing::{SoftKey, Traits},
};
use http::StatusCode;

use super::typed;
use crate::{
    oauth::rp::Rp,
    passkey,
    support::{Answer, Browser, PASSWORD, TestApp},
};

pub(super) const WAIT: Duration = Duration::from_hours(3 * 24);
pub(super) const STEP: Duration = Duration::from_secs(30);
pub(super) const NEW: &str = "nine orange lighthouses singing";
const ADDRESS: &str = "amelia@mail.example";
const NUMBER: &str = "+4915112345678";
const REAUTHENTICATE: &str = "/account/reauthenticate?to=%2Faccount%2Fmfa";

/// The ways in, and to what is behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    Password,
    Passkey,
    TotpStep,
    EmailStep,
    SmsStep,
    BackupStep,
    PasskeyStep,
    TrustedBrowser,
    Session,
    ReauthenticationPassword,
    ReauthenticationCode,
    ChangeOfPassword,
    Authorization,
    CodeRedemption,
    Refresh,
    Userinfo,
    ResetLink,
    Forgotten,
    MailedResetLink,
    RecoveryBegun,
    RecoveryCodeSent,
    RecoveryCompleted,
    RecoveryLink,
    RecoveryCancelled,
    EmailSent,
    SmsSent,
    LoginLink,
    LoginLinkElsewhere,
    AddressCode,
    AddressLink,
    NumberCode,
    AppCode,
}

pub(super) const ALL: [Door; 32] = [
    Door::Password,
    Door::Passkey,
    Door::TotpStep,
    Door::EmailStep,
    Door::SmsStep,
    Door::BackupStep,
    Door::PasskeyStep,
    Door::TrustedBrowser,
    Door::Session,
    Door::ReauthenticationPassword,
    Door::ReauthenticationCode,
    Door::ChangeOfPassword,
    Door::Authorization,
    Door::CodeRedemption,
    Door::Refresh,
    Door::Userinfo,
    Door::ResetLink,
    Door::Forgotten,
    Door::MailedResetLink,
    Door::RecoveryBegun,
    Door::RecoveryCodeSent,
    Door::RecoveryCompleted,
    Door::RecoveryLink,
    Door::RecoveryCancelled,
    Door::EmailSent,
    Door::SmsSent,
    Door::LoginLink,
    Door::LoginLinkElsewhere,
    Door::AddressCode,
    Door::AddressLink,
    Door::NumberCode,
    Door::AppCode,
];

/// An account with everything, and its owner's browser, which is signed in.
pub(super) struct House<'a> {
    pub(super) app: &'a TestApp,
    pub(super) owner: Browser<'a>,
    /// The browser that the owner has trusted, once there is one.
    trusting: Option<Browser<'a>>,
    pub(super) seed: Vec<u8>,
    backup: Vec<String>,
    pub(super) key: SoftKey,
}

/// Somebody stands before a door.
pub(super) struct Visitor<'a> {
    pub(super) browser: Browser<'a>,
    pub(super) page: Option<Answer>,
    /// What opens it.
    pub(super) right: String,
    /// Where the code is typed that was sent beside a link: the path of the form, its page, and the code.
    pub(super) beside: Option<(String, Answer, String)>,
}

impl<'a> House<'a> {
    pub(super) async fn new(app: &'a TestApp) -> Self {
        let mut owner = app.browser();
        owner.register("amelia").await;
        for (way, field, value) in [("email", "email", ADDRESS), ("sms", "phone", NUMBER)] {
            let before = app.sent();
            let page = owner.open("/account/mfa").await;
            let begun = owner.submit(&page, &format!("/account/mfa/{way}"), &[(field, value)]).await;
            let path = begun.location().to_owned();
            let (page, code) = (owner.open(&path).await, app.code_after(before).await);
            owner.submit(&page, &format!("{path}/confirm"), &[("code", &code)]).await;
        }
        let (seed, _) = owner.enrol().await;
        let (key, ..) = passkey::enrol(&mut owner, "", Traits::SYNCED).await;
        let page = owner.open("/account/mfa/backup-codes").await;
        let backup = owner.submit(&page, "/account/mfa/backup-codes", &[]).await.backup_codes();
        assert_eq!(backup.len(), 10);
        app.pass(STEP);
        Self { app, owner, trusting: None, seed, backup, key }
    }

    /// A browser in which the password was given; and the label of its login.
    async fn halfway(&self) -> (Browser<'a>, String) {
        let mut browser = self.app.browser();
        let next = browser.log_in("amelia", PASSWORD).await.location().to_owned();
        let (_, label) = next.split_once("?l=").unwrap_or_else(|| panic!("a second step: {next}"));
        (browser, label.to_owned())
    }

    /// The page of a second step.
    pub(super) async fn step(&self, way: &str, right: String) -> Visitor<'a> {
        let (mut browser, label) = self.halfway().await;
        let page = browser.open(&format!("/login/{way}?l={label}")).await;
        Visitor { browser, page: Some(page), right, beside: None }
    }

    /// The same where a code is sent first.
    async fn sent(&self, way: &str, send: &str) -> Visitor<'a> {
        let visitor = self.step(way, String::new()).await;
        self.have_sent(visitor, send).await
    }

    async fn have_sent(&self, mut visitor: Visitor<'a>, send: &str) -> Visitor<'a> {
        let page = visitor.page.take().expect("a page");
        let before = self.app.sent();
        let path = visitor.browser.submit(&page, send, &[]).await.location().to_owned();
        visitor.right = self.app.code_after(before).await;
        visitor.page = Some(visitor.browser.open(&path).await);
        visitor
    }

    /// The login page of a browser that is trusted: of the same one, whenever somebody comes.
    async fn trusted(&mut self) -> Visitor<'a> {
        if self.trusting.is_none() {
            let Visitor { mut browser, page, right, .. } = self.step("totp", self.app.code(&self.seed)).await;
            let typed = [("code", right.as_str()), ("trust", "on")];
            browser.submit(&page.expect("a page"), "/login/totp", &typed).await.location();
            browser.jar.retain(|name, _| !name.contains("dw_session"));
            self.trusting = Some(browser);
        }
        at(self.trusting.clone().expect("a trusted browser"), "/login", PASSWORD).await
    }

    /// A page in the owner's own browser, in a session that has just begun if that of before is over.
    async fn at_home(&mut self, path: &str, right: &str) -> Visitor<'a> {
        if !self.owner.is_signed_in().await {
            let page = self.owner.open("/login").await;
            passkey::answer(&mut self.owner, &page, &mut self.key).await.location();
        }
        at(self.owner.clone(), path, right).await
    }

    /// The page of a recovery that is due, which is begun if there is none.
    async fn due(&self) -> Visitor<'a> {
        let mut visitor = self.step("recovery", String::new()).await;
        if !visitor.page.as_ref().is_some_and(|page| page.body.contains("action=\"/login/recovery\"")) {
            return visitor;
        }
        self.begun(&mut visitor).await;
        self.app.pass(WAIT);
        self.step("recovery", String::new()).await
    }

    /// Begins a recovery; gives the link that cancels it.
    async fn begun(&self, visitor: &mut Visitor<'a>) -> String {
        let before = self.app.sent();
        let page = visitor.page.take().expect("a page");
        visitor.browser.submit(&page, "/login/recovery", &[]).await.location();
        self.app.link_after(before, "/recovery/cancel").await
    }

    /// The page of the link beside a code for a login, and that of the code.
    async fn linked(&self) -> Visitor<'a> {
        let before = self.app.sent();
        let Visitor { mut browser, page, right: code, .. } = self.sent("email", "/login/email/send").await;
        let link = self.app.link_after(before, "/login/link").await;
        let button = browser.get(&link).await;
        let beside = page.map(|page| ("/login/email".to_owned(), page, code));
        Visitor { browser, page: Some(button), right: link, beside }
    }

    /// Somebody comes to a door, with all that opens it.
    pub(super) async fn come(&mut self, door: Door) -> Visitor<'a> {
        let app = self.app;
        match door {
            Door::Password => at(app.browser(), "/login", PASSWORD).await,
            Door::Passkey => at(app.browser(), "/login", "").await,
            Door::TotpStep => self.step("totp", app.code(&self.seed)).await,
            Door::BackupStep => self.step("backup-code", self.backup[0].clone()).await,
            Door::PasskeyStep => self.step("passkey", String::new()).await,
            Door::TrustedBrowser => self.trusted().await,
            Door::ReauthenticationPassword => self.at_home(REAUTHENTICATE, PASSWORD).await,
            Door::ReauthenticationCode => {
                let right = app.code(&self.seed);
                self.at_home(REAUTHENTICATE, &right).await
            }
            Door::ChangeOfPassword => self.at_home("/account/password", PASSWORD).await,
            Door::AppCode => self.adding_app().await,
            Door::Authorization => {
                let right = Rp::new(app).await.path(&[("prompt", "none")]);
                Visitor { browser: self.owner.clone(), page: None, right, beside: None }
            }
            Door::ResetLink => {
                let (issued, attempt) = app.operate("amelia", IssueReset).await;
                let IssueResetOutcome::Issued { reset, .. } = issued else { panic!("{issued:?}") };
                let user = app.user("amelia").await;
                let locators = app.services.tokens.locators();
                let token = locators.reset(user, reset, &IssueReset::secret(&attempt.seed));
                at(app.browser(), &format!("/reset?token={token}"), NEW).await
            }
            Door::Forgotten => at(app.browser(), "/forgot", "amelia").await,
            Door::RecoveryBegun => self.step("recovery", String::new()).await,
            Door::Session | Door::CodeRedemption | Door::Refresh | Door::Userinfo => {
                at(self.owner.clone(), "/account", "").await
            }
            _ => self.come_by_message(door).await,
        }
    }

    /// The same for what messages lead to.
    async fn come_by_message(&mut self, door: Door) -> Visitor<'a> {
        let app = self.app;
        match door {
            Door::EmailSent => self.step("email", String::new()).await,
            Door::SmsSent => self.step("sms", String::new()).await,
            Door::EmailStep => self.sent("email", "/login/email/send").await,
            Door::SmsStep => self.sent("sms", "/login/sms/send").await,
            Door::LoginLink => self.linked().await,
            Door::LoginLinkElsewhere => Visitor { browser: app.browser(), ..self.linked().await },
            Door::AddressCode | Door::AddressLink => self.adding_address().await,
            Door::NumberCode => self.adding_number().await,
            Door::MailedResetLink => {
                let (mut browser, before) = (app.browser(), app.sent());
                let page = browser.open("/forgot").await;
                browser.submit(&page, "/forgot", &[("username", "amelia")]).await.location();
                at(browser, &app.link_after(before, "/reset").await, NEW).await
            }
            Door::RecoveryCodeSent => self.due().await,
            Door::RecoveryCompleted => {
                let due = self.due().await;
                self.have_sent(due, "/login/recovery/send").await
            }
            Door::RecoveryLink | Door::RecoveryCancelled => {
                let mut begins = self.step("recovery", String::new()).await;
                let link = self.begun(&mut begins).await;
                match door {
                    Door::RecoveryLink => at(app.browser(), &link, "").await,
                    _ => at(self.owner.clone(), "/account", "").await,
                }
            }
            _ => unreachable!("{door:?} needs no message"),
        }
    }

    /// Does the door open to what the visitor has? For one that is typed, to what is `typed`.
    pub(super) async fn opens(&mut self, door: Door, visitor: &mut Visitor<'a>, typed: &str) -> bool {
        if let Some(leads) = typed::leads(door) {
            let answer = self.types(door, visitor, typed).await;
            return leads_to(&answer, leads);
        }
        let browser = &mut visitor.browser;
        let page = visitor.page.as_ref();
        let at = || page.expect("a page");
        match door {
            Door::Passkey | Door::PasskeyStep => leads_on(&passkey::answer(browser, at(), &mut self.key).await),
            Door::Session => browser.is_signed_in().await,
            Door::Authorization => {
                let answer = browser.open(typed).await;
                leads_on(&answer) && answer.location().contains("code=")
            }
            Door::ResetLink | Door::MailedResetLink => {
                leads_on(&browser.submit(at(), "/reset", &[("new_password", typed)]).await)
            }
            Door::Forgotten => {
                // Whoever asks is told the same, so what is looked at is whether there is a link.
                browser.submit(at(), "/forgot", &[("username", typed)]).await.location();
                self.has("reset/").await
            }
            Door::RecoveryBegun => {
                browser.submit(at(), "/login/recovery", &[]).await;
                self.has("recovery").await
            }
            Door::CodeRedemption | Door::Refresh | Door::Userinfo => unreachable!("those of applications"),
            _ => opens_by_message(door, visitor, typed).await,
        }
    }

    /// Is something of this area stored of the account?
    async fn has(&self, area: &str) -> bool {
        let key = schema::PartitionKey::new(schema::Kind::User, self.app.user("amelia").await);
        !self.app.services.store.load(&key, &[area]).await.expect("the store works").items.is_empty()
    }
}

/// A visitor at a page.
async fn at<'a>(mut browser: Browser<'a>, path: &str, right: &str) -> Visitor<'a> {
    let page = browser.open(path).await;
    Visitor { browser, page: Some(page), right: right.to_owned(), beside: None }
}

pub(super) fn leads_on(answer: &Answer) -> bool {
    answer.status == StatusCode::SEE_OTHER
}

fn leads_to(answer: &Answer, path: &str) -> bool {
    leads_on(answer) && answer.location().starts_with(path)
}

/// Does a door open that a message leads to?
async fn opens_by_message(door: Door, visitor: &mut Visitor<'_>, typed: &str) -> bool {
    let browser = &mut visitor.browser;
    let page = visitor.page.as_ref().expect("a page");
    match door {
        Door::EmailSent => leads_on(&browser.submit(page, "/login/email/send", &[]).await),
        Door::SmsSent => leads_on(&browser.submit(page, "/login/sms/send", &[]).await),
        Door::LoginLink => leads_on(&browser.submit(page, "/login/link", &[]).await),
        Door::LoginLinkElsewhere => browser.get(typed).await.body.contains("Go back to where you began"),
        Door::AddressLink => {
            leads_to(&browser.submit(page, "/account/mfa/email/link", &[]).await, "/account/mfa?done=")
        }
        Door::RecoveryCodeSent => {
            // Whether it was sent the page tells that follows.
            let to = browser.submit(page, "/login/recovery/send", &[]).await.location().to_owned();
            browser.open(&to).await.body.contains("action=\"/login/recovery/complete\"")
        }
        Door::RecoveryLink => leads_on(&browser.submit(page, "/recovery/cancel", &[]).await),
        Door::RecoveryCancelled => {
            let answer = browser.submit(page, "/account/recovery/cancel", &[]).await;
            leads_to(&answer, "/account?done=recovery-cancelled")
        }
        _ => unreachable!("{door:?} needs no message"),
    }
}
