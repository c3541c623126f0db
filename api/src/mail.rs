//! Messages in words, and the inbox that a development server shows in place of sending any.

use std::{collections::VecDeque, sync::Arc};

use actors::{
    clock::Clock,
    domain::{
        factor::totp::Code,
        letter::{Content, Letter, Notice},
    },
    notifier::{Carrier, NotCarried},
};
use async_trait::async_trait;
use minijinja::context;
use parking_lot::Mutex;
use schema::{Timestamp, record::Channel};
use url::Url;
use zeroize::Zeroizing;

use crate::page::{Pages, RenderError};

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
    /// A letter in words; none if there are none of that kind for its way.
    pub fn write(&self, letter: &Letter) -> Result<Option<Mail>, RenderError> {
        let origin = self.origin.as_str();
        let shared = context! { user_name => letter.user_name.as_str(), origin, host => self.host() };
        let with_code = |code: &Code| {
            let code = Zeroizing::new(String::from(code.clone()));
            context! { code => code.as_str(), ..shared.clone() }
        };
        let (template, context) = match (letter.channel, &letter.content) {
            (Channel::Email, Content::SignInCode { code }) => ("mail/sign_in_code.txt", with_code(code)),
            (Channel::Email, Content::ActivationCode { code }) => ("mail/activation_code.txt", with_code(code)),
            (Channel::Email, Content::PasswordReset { token }) => {
                ("mail/password_reset.txt", context! { token => token.expose().as_str(), ..shared })
            }
            (Channel::Email, Content::Notice { notice }) => {
                ("mail/notice.txt", context! { what => words(*notice), ..shared })
            }
            (Channel::Sms, Content::SignInCode { code }) => ("sms/sign_in_code.txt", with_code(code)),
            (Channel::Sms, Content::ActivationCode { code }) => ("sms/activation_code.txt", with_code(code)),
            (Channel::Sms, Content::PasswordReset { .. } | Content::Notice { .. }) => return Ok(None),
        };
        let whole = Zeroizing::new(self.pages.text(template, context)?);
        let (subject, text) = match (letter.channel, whole.split_once("\n\n")) {
            (Channel::Email, Some((subject, text))) => (Some(subject.to_owned()), text),
            // The last line binds the code to this site, and a line break after it would make another one the last.
            (Channel::Sms, _) | (Channel::Email, None) => (None, whole.trim_end()),
        };
        Ok(Some(Mail { to: letter.to.clone(), subject, text: Zeroizing::new(text.to_owned()) }))
    }

    /// The same for a provider.
    pub fn letter(&self, letter: &Letter) -> Result<Mail, NotCarried> {
        let written = self.write(letter).map_err(|error| NotCarried::Later(error.to_string()))?;
        written.ok_or_else(|| NotCarried::Never("there are no words for it".to_owned()))
    }

    /// The issuer's host, as browsers compare it with the last line of a text message.
    fn host(&self) -> String {
        let url = Url::parse(&self.origin).ok();
        url.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
    }
}

/// What happened, as a heading and as the beginning of a sentence.
const fn words(notice: Notice) -> &'static str {
    match notice {
        Notice::PasswordChanged => "Your password was changed",
        Notice::PasswordReset => "Your password was set anew by a link",
        Notice::AuthenticatorAdded => "An authenticator app was added",
        Notice::AuthenticatorRemoved => "An authenticator app was removed",
        Notice::EmailCodesOn => "Codes by e-mail were turned on for an address",
        Notice::EmailCodesOff => "Codes by e-mail were turned off for an address",
        Notice::SmsCodesOn => "Codes by text message were turned on for a phone number",
        Notice::SmsCodesOff => "Codes by text message were turned off for a phone number",
        Notice::PasskeyAdded => "A passkey was added",
        Notice::PasskeyRemoved => "A passkey was removed",
        Notice::PasskeyCopied => "A passkey may have been copied, and was refused",
        Notice::BackupCodesReplaced => "New backup codes were made",
        Notice::BackupCodeUsed => "A backup code was used",
        Notice::SecondFactorsReset => "All second steps were removed by an operator",
        Notice::TrustedDeviceCopied => "The mark of a browser that you trusted was used twice, with the right password",
    }
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
