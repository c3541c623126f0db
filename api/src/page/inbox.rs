//! `/dev/inbox`: what a development server would have sent.

use serde::Serialize;

use super::{Concealed, Page, When};
use crate::locale::{Text, text};

/// `/dev/inbox`: messages, the newest first; a page without forms.
#[derive(Clone, Debug, Serialize)]
pub struct InboxPage {
    /// Messages.
    pub letters: Vec<LetterRow>,
}

impl Page for InboxPage {
    const TEMPLATE: &'static str = "inbox.html";

    fn title(&self) -> Text {
        text("inbox-title")
    }
}

/// One message.
#[derive(Clone, Debug, Serialize)]
pub struct LetterRow {
    /// The recipient's address, or number.
    pub to: String,
    /// The subject; none for a text message.
    pub subject: Option<String>,
    /// The text.
    pub text: Concealed,
    /// When it was taken.
    pub at: When,
}
