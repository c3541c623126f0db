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
use schema::Timestamp;
use zeroize::Zeroizing;

use crate::page::{Pages, RenderError};

/// Messages that the development inbox keeps.
const KEPT: usize = 100;

/// A message, ready to be sent.
#[derive(Clone)]
pub struct Mail {
    /// The recipient's address.
    pub to: String,
    /// One line.
    pub subject: String,
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
    /// A letter in words.
    pub fn write(&self, letter: &Letter) -> Result<Mail, RenderError> {
        let shared = context! { user_name => letter.user_name.as_str(), origin => self.origin.as_str() };
        let with_code = |code: &Code| {
            let code = Zeroizing::new(String::from(code.clone()));
            context! { code => code.as_str(), ..shared.clone() }
        };
        let (template, context) = match &letter.content {
            Content::SignInCode { code } => ("mail/sign_in_code.txt", with_code(code)),
            Content::ActivationCode { code } => ("mail/activation_code.txt", with_code(code)),
            Content::PasswordReset { token } => {
                ("mail/password_reset.txt", context! { token => token.expose().as_str(), ..shared })
            }
            Content::Notice { notice } => ("mail/notice.txt", context! { what => words(*notice), ..shared }),
        };
        let whole = Zeroizing::new(self.pages.text(template, context)?);
        let (subject, text) = whole.split_once("\n\n").unwrap_or(("", &whole));
        Ok(Mail { to: letter.to.clone(), subject: subject.to_owned(), text: Zeroizing::new(text.to_owned()) })
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
    kept: Mutex<VecDeque<(Timestamp, Mail)>>,
}

impl std::fmt::Debug for Inbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inbox").finish_non_exhaustive()
    }
}

impl Inbox {
    /// An empty one.
    pub fn new(writer: Writer, clock: Arc<dyn Clock>) -> Self {
        Self { writer, clock, kept: Mutex::default() }
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

    async fn carry(&self, letter: &Letter) -> Result<(), NotCarried> {
        let mail = self.writer.write(letter).map_err(|error| NotCarried::Later(error.to_string()))?;
        let mut kept = self.kept.lock();
        kept.push_back((self.clock.now(), mail));
        if kept.len() > KEPT {
            kept.pop_front();
        }
        Ok(())
    }
}
