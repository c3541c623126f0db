//! `/register` and `/setup`: new accounts.

use serde::Serialize;

use super::{ClientLine, Concealed, FormError, Page, PasswordRule, form::form_title};

/// `/register`: fields `user_name`, `email` (optional), `password`.
#[derive(Clone, Debug, Serialize)]
pub struct RegisterPage {
    /// The login that led here, carried on in the hidden field `l`; none when registration began on its own.
    pub login: Option<String>,
    /// The client of that login.
    pub client: Option<ClientLine>,
    /// What was typed as user name, kept when the form is shown again.
    pub user_name: String,
    /// What was typed as e-mail address, kept likewise.
    pub email: String,
    /// The rule for the password.
    pub rule: PasswordRule,
    /// Why the form is shown again.
    pub error: Option<FormError>,
}

impl Page for RegisterPage {
    const TEMPLATE: &'static str = "register.html";

    fn title(&self) -> String {
        form_title("Create an account", self.error.as_ref())
    }
}

/// `/setup?token=`: fields `user_name`, `password`; makes the first administrator (HAZARDS H8).
#[derive(Clone, Debug, Serialize)]
pub struct SetupPage {
    /// The one-time token of the link, carried on in the hidden field `token`.
    pub token: Concealed,
    /// What was typed as user name.
    pub user_name: String,
    /// The rule for the password.
    pub rule: PasswordRule,
    /// Why the form is shown again.
    pub error: Option<FormError>,
}

impl Page for SetupPage {
    const TEMPLATE: &'static str = "setup.html";

    fn title(&self) -> String {
        form_title("Create the first administrator", self.error.as_ref())
    }
}
