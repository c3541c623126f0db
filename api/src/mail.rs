//! Messages in words, and the inbox that a development server shows in place of sending any.

pub mod short;

use std::{collections::VecDeque, sync::Arc};

use actors::{
    clock::Clock,
    domain::{
        factor::totp::Code,
        letter::{Content, Letter, Notice, Token},
    },
    notifier::{Carrier, NotCarried},
};
use async_trait::async_trait;
use minijinja::{context, value::Serde};
use parking_lot::Mutex;
use schema::{Timestamp, record::Channel};
use url::Url;
use zeroize::Zeroizing;

use crate::{
    locale::{Text, text},
    page::{Pages, RenderError, When},
};

/// Messages that the development inbox keeps.
const KEPT: usize = 100;

/// A message, ready to be sent.
#[derive(Clone)]
pub struct Mail {
    /// The recipient's address, or number.
    pub to: String,
    /// One line; none for a text message.
    pub subject: Option<String>,
    /// Plain text.
    pub text: Zeroizing<String>,
}

/// Neither address nor content.
impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mail").finish_non_exhaustive()
    }
}

/// Puts letters into words.
#[derive(Clone, Debug)]
pub struct Writer {
    /// The templates.
    pub pages: Arc<Pages>,
    /// The issuer's origin, where links lead.
    pub origin: String,
}

impl Writer {
    /// A letter in the words of its language; none if there are none of that kind for its way.
    pub fn write(&self, letter: &Letter) -> Result<Option<Mail>, RenderError> {
        let locale = self.pages.locales().tagged(letter.lang.as_deref());
        let origin = self.origin.as_str();
        let shared = context! { user_name => letter.user_name.as_str(), origin, host => self.host() };
        let with_code = |code: &Code, link: Option<&Token>| {
            let code = Zeroizing::new(String::from(code.clone()));
            let link = link.map(|token| token.0.expose().as_str());
            context! { code => code.as_str(), link, ..shared.clone() }
        };
        let (template, context) = match (letter.channel, &letter.content) {
            (Channel::Email, Content::SignInCode { code, link }) => {
                ("mail/sign_in_code.txt", with_code(code, link.as_ref()))
            }
            (Channel::Email, Content::ActivationCode { code, link }) => {
                ("mail/activation_code.txt", with_code(code, link.as_ref()))
            }
            (Channel::Email, Content::AddressCode { code }) => ("mail/address_code.txt", with_code(code, None)),
            (Channel::Email, Content::PasswordReset { token }) => {
                ("mail/password_reset.txt", context! { token => token.expose().as_str(), ..shared })
            }
            (Channel::Email, Content::RecoveryBegun { due_at, token }) => {
                let due = Serde(When::of(*due_at).text);
                ("mail/recovery_begun.txt", context! { due, token => token.expose().as_str(), ..shared })
            }
            (Channel::Email, Content::RecoveryCode { code, token }) => {
                ("mail/recovery_code.txt", context! { token => token.expose().as_str(), ..with_code(code, None) })
            }
            (Channel::Email, Content::RecoveryDue { token }) => {
                ("mail/recovery_due.txt", context! { token => token.expose().as_str(), ..shared })
            }
            (Channel::Email, Content::Registration { token }) => {
                ("mail/registration.txt", context! { token => token.0.expose().as_str(), ..shared })
            }
            (Channel::Email, Content::Registered) => ("mail/registered.txt", shared),
            (Channel::Email, Content::Notice { notice }) => {
                let (what, next) = (Serde(words(*notice)), Serde(advice(*notice, origin)));
                ("mail/notice.txt", context! { what, next, ..shared })
            }
            (Channel::Sms, Content::SignInCode { code, .. }) => ("sms/sign_in_code.txt", with_code(code, None)),
            (Channel::Sms, Content::ActivationCode { code, .. }) => ("sms/activation_code.txt", with_code(code, None)),
            (Channel::Sms, Content::RecoveryBegun { due_at, .. }) => {
                ("sms/recovery_begun.txt", context! { due => Serde(When::of(*due_at).text), ..shared })
            }
            (Channel::Sms, Content::RecoveryDue { .. }) => ("sms/recovery_due.txt", shared),
            (Channel::Sms, Content::Notice { notice }) => {
                ("sms/notice.txt", context! { what => Serde(words(*notice)), ..shared })
            }
            (
                Channel::Sms,
                Content::AddressCode { .. }
                | Content::PasswordReset { .. }
                | Content::Registration { .. }
                | Content::Registered
                | Content::RecoveryCode { .. },
            ) => return Ok(None),
        };
        let whole = Zeroizing::new(self.pages.text(locale, template, context)?);
        Ok(Some(parted(letter, &whole)))
    }

    /// The same for a provider.
    pub fn letter(&self, letter: &Letter) -> Result<Mail, NotCarried> {
        let written = self.write(letter).map_err(|error| NotCarried::Later(error.to_string()))?;
        written.ok_or_else(|| NotCarried::Never("there are no words for it".to_owned()))
    }

    /// The issuer's host, as browsers compare it with the last line of a text message.
    pub(crate) fn host(&self) -> String {
        let url = Url::parse(&self.origin).ok();
        url.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
    }
}

/// What a template made of a letter: the first line of a mail is its subject.
fn parted(letter: &Letter, whole: &str) -> Mail {
    let (subject, text) = match (letter.channel, whole.split_once("\n\n")) {
        (Channel::Email, Some((subject, text))) => (Some(subject.to_owned()), text),
        // The last line binds the code to this site, and a line break after it would make another one the last.
        (Channel::Sms, _) | (Channel::Email, None) => (None, whole.trim_end()),
    };
    Mail { to: letter.to.clone(), subject, text: Zeroizing::new(text.to_owned()) }
}

/// What happened, as a heading and as the beginning of a sentence.
const fn words(notice: Notice) -> Text {
    match notice {
        Notice::PasswordChanged => text("mail-what-password-changed"),
        Notice::PasswordReset => text("mail-what-password-reset"),
        Notice::AuthenticatorAdded => text("mail-what-app-added"),
        Notice::AuthenticatorRemoved => text("mail-what-app-removed"),
        Notice::EmailCodesOn => text("mail-what-email-on"),
        Notice::EmailCodesOff => text("mail-what-email-off"),
        Notice::SmsCodesOn => text("mail-what-sms-on"),
        Notice::SmsCodesOff => text("mail-what-sms-off"),
        Notice::PasskeyAdded => text("mail-what-passkey-added"),
        Notice::PasskeyRemoved => text("mail-what-passkey-removed"),
        Notice::PasskeyCopied => text("mail-what-passkey-copied"),
        Notice::BackupCodesReplaced => text("mail-what-codes-replaced"),
        Notice::BackupCodeUsed => text("mail-what-code-used"),
        Notice::SecondFactorsReset => text("mail-what-factors-reset"),
        Notice::TrustedDeviceCopied => text("mail-what-trust-copied"),
        Notice::RecoveryCancelled => text("mail-what-recovery-cancelled"),
        Notice::RecoveryCompleted => text("mail-what-recovery-completed"),
        Notice::PasswordSuspended => text("mail-what-password-suspended"),
        Notice::CodesSuspended => text("mail-what-codes-suspended"),
        Notice::BackupCodesSuspended => text("mail-what-backup-suspended"),
        Notice::AddressConfirmed => text("mail-what-address-confirmed"),
        Notice::AddressChanged => text("mail-what-address-changed"),
    }
}

/// What is to be done about it.
fn advice(notice: Notice, origin: &str) -> Text {
    let (advice, page) = match notice {
        Notice::PasswordSuspended => (text("mail-suspended-password"), "/forgot"),
        Notice::CodesSuspended => (text("mail-suspended-codes"), "/account/mfa"),
        Notice::BackupCodesSuspended => (text("mail-suspended-backup"), "/account/mfa"),
        _ => (text("mail-notice-next"), "/account"),
    };
    advice.with("link", format!("{origin}{page}"))
}

/// What a development server would have sent, kept in memory.
pub struct Inbox {
    writer: Writer,
    clock: Arc<dyn Clock>,
    ways: Vec<Channel>,
    kept: Mutex<VecDeque<(Timestamp, Mail)>>,
}

impl std::fmt::Debug for Inbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inbox").finish_non_exhaustive()
    }
}

impl Inbox {
    /// An empty one, for messages that go these ways.
    pub fn new(writer: Writer, clock: Arc<dyn Clock>, ways: Vec<Channel>) -> Self {
        Self { writer, clock, ways, kept: Mutex::default() }
    }

    /// Messages, the newest first.
    pub fn newest_first(&self) -> Vec<(Timestamp, Mail)> {
        self.kept.lock().iter().rev().cloned().collect()
    }
}

#[async_trait]
impl Carrier for Inbox {
    fn name(&self) -> &'static str {
        "inbox"
    }

    fn carries(&self, channel: Channel) -> bool {
        self.ways.contains(&channel)
    }

    async fn carry(&self, letter: &Letter) -> Result<(), NotCarried> {
        let mail = self.writer.letter(letter)?;
        let mut kept = self.kept.lock();
        kept.push_back((self.clock.now(), mail));
        if kept.len() > KEPT {
            kept.pop_front();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
