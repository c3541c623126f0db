//! The answer to a client that asked for `response_mode=form_post`.

use serde::Serialize;

use super::{CarriedField, Page};
use crate::locale::{Text, text};

/// A form for the client, with a button that sends it.
#[derive(Clone, Debug, Serialize)]
pub struct FormPostPage {
    /// The client's redirect URI, registered.
    pub action: String,
    /// Its origin, as pages show it.
    pub origin: String,
    /// What the client gets.
    pub fields: Vec<CarriedField>,
}

impl Page for FormPostPage {
    const TEMPLATE: &'static str = "form_post.html";

    fn title(&self) -> Text {
        text("form-post-title")
    }
}
