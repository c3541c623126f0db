//! `/oauth/logout`: the question and the answer.

use serde::Serialize;

use super::{ClientLine, Page};
use crate::locale::{Text, text};

/// `/oauth/logout` without a valid `id_token_hint`: asks before signing out.
#[derive(Clone, Debug, Serialize)]
pub struct LogoutPage {
    /// Who asked, where known.
    pub client: Option<ClientLine>,
    /// Whose session ends.
    pub user_name: String,
    /// Parameters of the request, carried on as hidden fields.
    pub carried: Vec<CarriedField>,
}

impl Page for LogoutPage {
    const TEMPLATE: &'static str = "logout.html";

    fn title(&self) -> Text {
        text("logout-title")
    }
}

/// A parameter carried on in a hidden field.
#[derive(Clone, Debug, Serialize)]
pub struct CarriedField {
    /// Its name, e.g. `state`.
    pub name: &'static str,
    /// Its value.
    pub value: String,
}

/// After signing out, where no client is to be returned to at once.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LoggedOutPage {
    /// The client to go back to, with the registered URI.
    pub back: Option<BackLink>,
}

/// A registered address of a client.
#[derive(Clone, Debug, Serialize)]
pub struct BackLink {
    /// The client.
    pub client: ClientLine,
    /// The registered `post_logout_redirect_uri`, `https:` or `http:`.
    pub uri: String,
}

impl Page for LoggedOutPage {
    const TEMPLATE: &'static str = "logged_out.html";

    fn title(&self) -> Text {
        text("logged-out-title")
    }
}
