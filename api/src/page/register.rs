//! `/register`, `/register/email`, `/register/confirm` and `/setup`: new accounts.

use serde::Serialize;

use super::{ClientLine, Concealed, FormError, Page, PasswordRule, form::form_title};
use crate::locale::{Text, text};

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
    /// Whether an e-mail address can be chosen in place of a name.
    pub by_email: bool,
    /// Why the form is shown again.
    pub error: Option<FormError>,
}

impl Page for RegisterPage {
    const TEMPLATE: &'static str = "register.html";

    fn title(&self) -> Text {
        form_title(text("register-title"), self.error.as_ref())
    }
}

/// `/register/email`: field `email`; then what to do next, the same whatever there is.
#[derive(Clone, Debug, Serialize)]
pub struct RegisterByEmailPage {
    /// The login that led here.
    pub login: Option<String>,
    /// The client of that login.
    pub client: Option<ClientLine>,
    /// What was typed, kept when the form is shown again.
    pub email: String,
    /// Whether the form was just sent.
    pub sent: bool,
    /// Whether a user name can be chosen instead.
    pub by_name: bool,
    /// Why the form is shown again.
    pub error: Option<FormError>,
}

impl Page for RegisterByEmailPage {
    const TEMPLATE: &'static str = "register_email.html";

    fn title(&self) -> Text {
        if self.sent { text("forgot-sent-title") } else { form_title(text("register-title"), self.error.as_ref()) }
    }
}

/// `/register/confirm?token=`: field `password`, hidden `token`; makes the account of who reads the mail of an address.
#[derive(Clone, Debug, Serialize)]
pub struct ConfirmRegistrationPage {
    /// The login in which it began, if this is its browser.
    pub login: Option<String>,
    /// The client of that login.
    pub client: Option<ClientLine>,
    /// The one-time token of the link.
    pub token: Concealed,
    /// The address, shown and in a hidden field for password managers.
    pub address: String,
    /// The rule for the password.
    pub rule: PasswordRule,
    /// Why the form is shown again.
    pub error: Option<FormError>,
}

impl Page for ConfirmRegistrationPage {
    const TEMPLATE: &'static str = "register_confirm.html";

    fn title(&self) -> Text {
        form_title(text("register-confirm-title"), self.error.as_ref())
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

    fn title(&self) -> Text {
        form_title(text("setup-title"), self.error.as_ref())
    }
}
