//! Messages in words, and the inbox that a development server shows in place of sending any.

use std::{collections::VecDeque, sync::Arc};

use actors::{
    clock::Clock,
    domain::letter::{Content, Letter},
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
        let (template, code) = match &letter.content {
            Content::SignInCode { code } => ("mail/sign_in_code.txt", code),
            Content::ActivationCode { code } => ("mail/activation_code.txt", code),
        };
        let code = Zeroizing::new(String::from(code.clone()));
        let context =
            context! { user_name => letter.user_name.as_str(), origin => self.origin.as_str(), code => code.as_str() };
        let whole = Zeroizing::new(self.pages.text(template, context)?);
        let (subject, text) = whole.split_once("\n\n").unwrap_or(("", &whole));
        Ok(Mail { to: letter.to.clone(), subject: subject.to_owned(), text: Zeroizing::new(text.to_owned()) })
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
