//! `/login/link` and `/account/mfa/email/link`: what a link in a message shows. Opening one changes nothing.

use serde::Serialize;

use super::{ClientLine, Concealed, FormError, NextStep, Page, TrustBox, form::form_title};
use crate::locale::{Text, text};

/// `/login/link?token=` in the browser that began the login: a form with the hidden fields `l` and `token`.
#[derive(Clone, Debug, Serialize)]
pub struct LoginLinkPage {
    /// The login's id.
    pub login: String,
    /// The one-time token of the link.
    pub token: Concealed,
    /// Who asked for the sign-in.
    pub client: Option<ClientLine>,
    /// The ways that there are.
    pub ways: NextStep,
    /// The box that trusts this browser, field `trust`.
    pub trust: Option<TrustBox>,
    /// Why the form is shown again.
    pub error: Option<FormError>,
}

impl Page for LoginLinkPage {
    const TEMPLATE: &'static str = "login_link.html";

    fn title(&self) -> Text {
        form_title(text("login-link-title"), self.error.as_ref())
    }
}

/// `/account/mfa/email/link?token=` in the session that wants the address: a form with the hidden field `token`.
#[derive(Clone, Debug, Serialize)]
pub struct AddressLinkPage {
    /// The one-time token of the link.
    pub token: Concealed,
    /// The address.
    pub address: String,
    /// Why the form is shown again.
    pub error: Option<FormError>,
}

impl Page for AddressLinkPage {
    const TEMPLATE: &'static str = "address_link.html";

    fn title(&self) -> Text {
        form_title(text("address-enrol-email"), self.error.as_ref())
    }
}

/// Either of them in another browser: the code to type where it was begun; a page without forms.
#[derive(Clone, Debug, Serialize)]
pub struct LinkElsewherePage {
    /// What the link would complete: `login` or `address`.
    pub what: &'static str,
    /// The code beside the link.
    pub code: Concealed,
}

impl Page for LinkElsewherePage {
    const TEMPLATE: &'static str = "link_elsewhere.html";

    fn title(&self) -> Text {
        text("elsewhere-title")
    }
}
