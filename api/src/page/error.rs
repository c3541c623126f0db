//! Failures that end a step: what happened, what to do next, and the id to quote.

use serde::Serialize;

use super::{Cooldown, Page};
use crate::locale::{Text, text};

/// A page for a refused or failed request. Its texts are written for the person in the browser.
#[derive(Clone, Debug, Serialize)]
pub struct ErrorPage {
    /// The status of the response.
    pub status: u16,
    /// A few words, e.g. `This sign-in has expired`.
    pub heading: Text,
    /// What happened, one or two sentences.
    pub message: Text,
    /// What to do next, one sentence.
    pub next_step: Option<Text>,
    /// When to try again; the same seconds belong into `Retry-After`.
    pub retry: Option<Cooldown>,
    /// Where to go on.
    pub link: Option<Link>,
    /// The id under which the log has this request.
    pub correlation_id: String,
}

/// A link with its words.
#[derive(Clone, Debug, Serialize)]
pub struct Link {
    /// A path of this site, or a client's registered address.
    pub href: String,
    /// Its words.
    pub text: Text,
}

impl Page for ErrorPage {
    const TEMPLATE: &'static str = "error.html";

    fn title(&self) -> Text {
        text("title-error").with_text("title", self.heading.clone())
    }
}
