//! Doors that are opened by something that is typed and could be guessed: where it is typed, and where that leads.

use super::house::{Door, House, NEW, Visitor, leads_on};
use crate::{
    passkey,
    support::{Answer, Browser, PASSWORD},
};

/// All of them.
pub(super) const TYPED: [Door; 13] = [
    Door::Password,
    Door::TotpStep,
    Door::EmailStep,
    Door::SmsStep,
    Door::BackupStep,
    Door::RecoveryCompleted,
    Door::AddressCode,
    Door::NumberCode,
    Door::AppCode,
    Door::TrustedBrowser,
    Door::ReauthenticationPassword,
    Door::ReauthenticationCode,
    Door::ChangeOfPassword,
];

/// Doors at which a known device types the password: it goes by its own guesses, even while the password is suspended.
pub(super) const AT_KNOWN_DEVICES: [Door; 3] =
    [Door::TrustedBrowser, Door::ReauthenticationPassword, Door::ChangeOfPassword];

/// What is typed at this door and is not right.
pub(super) fn wrong(door: Door, right: &str) -> String {
    match door {
        Door::Password | Door::TrustedBrowser | Door::ReauthenticationPassword | Door::ChangeOfPassword => {
            "not the password at all".to_owned()
        }
        Door::BackupStep => format!("{}0000", &right[..right.len() - 4]),
        _ => {
            let last = (right.as_bytes()[5] - b'0' + 1) % 10;
            format!("{}{last}", &right[..5])
        }
    }
}

/// How the path begins where what is right leads; `None` of a door where nothing that counts is typed.
pub(super) fn leads(door: Door) -> Option<&'static str> {
    match door {
        Door::AddressCode | Door::NumberCode | Door::AppCode => Some("/account/mfa?done="),
        Door::ReauthenticationPassword | Door::ReauthenticationCode => Some("/account/mfa"),
        Door::ChangeOfPassword => Some("/account?done=password"),
        _ => TYPED.contains(&door).then_some("/"),
    }
}

impl<'a> House<'a> {
    /// A session that has just begun, in a browser of its own, at the page of what can be set up.
    async fn setting_up(&mut self) -> (Browser<'a>, Answer) {
        let mut browser = self.app.browser();
        let page = browser.open("/login").await;
        passkey::answer(&mut browser, &page, &mut self.key).await.location();
        let page = browser.open("/account/mfa").await;
        (browser, page)
    }

    /// The page of the link beside the code for a new address, and that of the code.
    pub(super) async fn adding_address(&mut self) -> Visitor<'a> {
        let (mut browser, page) = self.setting_up().await;
        let before = self.app.sent();
        let address = format!("a{before}@mail.example");
        let begun = browser.submit(&page, "/account/mfa/email", &[("email", &address)]).await;
        let path = begun.location().to_owned();
        let code = self.app.code_after(before).await;
        let link = self.app.link_after(before, "/account/mfa/email/link").await;
        let (typing, button) = (browser.open(&path).await, browser.get(&link).await);
        let beside = Some((format!("{path}/confirm"), typing, code.clone()));
        Visitor { browser, page: Some(button), right: code, beside }
    }

    /// The page of the code for a new number.
    pub(super) async fn adding_number(&mut self) -> Visitor<'a> {
        let (mut browser, page) = self.setting_up().await;
        let before = self.app.sent();
        let number = format!("+49151123{before:05}");
        let begun = browser.submit(&page, "/account/mfa/sms", &[("phone", &number)]).await;
        let path = begun.location().to_owned();
        let code = self.app.code_after(before).await;
        let typing = browser.open(&path).await;
        Visitor { browser, page: None, right: code.clone(), beside: Some((format!("{path}/confirm"), typing, code)) }
    }

    /// Is what is typed at this door sent, to who comes anew?
    pub(super) async fn sends(&mut self, door: Door) -> bool {
        let (before, answer) = match door {
            Door::EmailStep | Door::SmsStep => {
                let way = if door == Door::SmsStep { "sms" } else { "email" };
                let Visitor { mut browser, page, .. } = self.step(way, String::new()).await;
                let before = self.app.sent();
                (before, browser.submit(&page.expect("a page"), &format!("/login/{way}/send"), &[]).await)
            }
            Door::AddressCode | Door::NumberCode => {
                let (mut browser, page) = self.setting_up().await;
                let (way, field, to) = match door {
                    Door::AddressCode => ("email", "email", "another@mail.example"),
                    _ => ("sms", "phone", "+4915112399999"),
                };
                let before = self.app.sent();
                (before, browser.submit(&page, &format!("/account/mfa/{way}"), &[(field, to)]).await)
            }
            _ => unreachable!("nothing is sent for {door:?}"),
        };
        assert_eq!(leads_on(&answer), self.app.sent() > before, "{door:?}: {}", answer.status);
        leads_on(&answer)
    }

    /// The page of the first code of a new app.
    pub(super) async fn adding_app(&mut self) -> Visitor<'a> {
        let (mut browser, page) = self.setting_up().await;
        let begun = browser.submit(&page, "/account/mfa/totp", &[("name", "Tablet")]).await;
        let path = begun.location().to_owned();
        let typing = browser.open(&path).await;
        let code = self.app.code(&typing.seed());
        Visitor { browser, page: None, right: code.clone(), beside: Some((format!("{path}/confirm"), typing, code)) }
    }

    /// Types it at the door, with all else that is asked for there.
    pub(super) async fn types(&self, door: Door, visitor: &mut Visitor<'a>, typed: &str) -> Answer {
        let browser = &mut visitor.browser;
        if let (Door::AddressCode | Door::NumberCode | Door::AppCode, Some((path, page, _))) = (door, &visitor.beside) {
            return browser.submit(page, path, &[("code", typed)]).await;
        }
        let page = visitor.page.as_ref().expect("a page");
        let code = self.app.code(&self.seed);
        let (path, fields) = match door {
            Door::Password | Door::TrustedBrowser => ("/login", vec![("username", "amelia"), ("password", typed)]),
            Door::TotpStep => ("/login/totp", vec![("code", typed)]),
            Door::EmailStep => ("/login/email", vec![("code", typed)]),
            Door::SmsStep => ("/login/sms", vec![("code", typed)]),
            Door::BackupStep => ("/login/backup-code", vec![("code", typed)]),
            Door::RecoveryCompleted => ("/login/recovery/complete", vec![("code", typed)]),
            Door::ReauthenticationPassword => {
                ("/account/reauthenticate", vec![("password", typed), ("code", code.as_str())])
            }
            Door::ReauthenticationCode => ("/account/reauthenticate", vec![("password", PASSWORD), ("code", typed)]),
            Door::ChangeOfPassword => ("/account/password", vec![("current_password", typed), ("new_password", NEW)]),
            _ => unreachable!("nothing that counts is typed at {door:?}"),
        };
        browser.submit(page, path, &fields).await
    }
}
