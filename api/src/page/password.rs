//! `/account/password`, `/reset`, `/account/reauthenticate`: pages that ask for a password of a known user.

use serde::Serialize;

use super::{Concealed, FormError, Page, PasswordRule, form::form_title};
use crate::{
    RegistrationBy,
    locale::{Text, text},
};

/// `/account/password`: fields `current_password`, `new_password`.
#[derive(Clone, Debug, Serialize)]
pub struct PasswordPage {
    /// The user name, in a hidden field for password managers.
    pub user_name: String,
    /// Must another password be chosen before anything else?
    pub compromised: bool,
    /// The rule for the new password.
    pub rule: PasswordRule,
    /// Why the form is shown again.
    pub error: Option<FormError>,
}

impl Page for PasswordPage {
    const TEMPLATE: &'static str = "password.html";

    fn title(&self) -> Text {
        form_title(text("password-change"), self.error.as_ref())
    }
}

/// `/forgot`: field `username`; then what to do next.
#[derive(Clone, Debug, Serialize)]
pub struct ForgotPage {
    /// Whether the form was just sent.
    pub sent: bool,
    /// What `username` may be.
    pub names: RegistrationBy,
}

impl Page for ForgotPage {
    const TEMPLATE: &'static str = "forgot.html";

    fn title(&self) -> Text {
        if self.sent { text("forgot-sent-title") } else { text("forgot-title") }
    }
}

/// `/reset?token=`: field `new_password`, hidden `token`.
#[derive(Clone, Debug, Serialize)]
pub struct ResetPage {
    /// The one-time token of the link.
    pub token: Concealed,
    /// The user name, shown and in a hidden field for password managers.
    pub user_name: String,
    /// The rule for the new password.
    pub rule: PasswordRule,
    /// Why the form is shown again.
    pub error: Option<FormError>,
}

impl Page for ResetPage {
    const TEMPLATE: &'static str = "reset.html";

    fn title(&self) -> Text {
        form_title(text("reset-title"), self.error.as_ref())
    }
}

/// `/account/reauthenticate?to=PATH`: fields `password` and, where wanted, `code`; hidden `to`.
#[derive(Clone, Debug, Serialize)]
pub struct ReauthenticatePage {
    /// Whether a passkey can be used instead.
    pub passkey: bool,
    /// Where to go afterwards: a path of this site, checked by the caller.
    pub to: String,
    /// The user name.
    pub user_name: String,
    /// Whether the field `code` is wanted.
    pub wants_code: bool,
    /// Whether `code` may also be a backup code.
    pub takes_backup_code: bool,
    /// Why the form is shown again.
    pub error: Option<FormError>,
}

impl Page for ReauthenticatePage {
    const TEMPLATE: &'static str = "reauthenticate.html";

    fn title(&self) -> Text {
        form_title(text("reauthenticate-title"), self.error.as_ref())
    }
}
