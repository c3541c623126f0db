//! `/account/password`, `/reset`, `/account/reauthenticate`: pages that ask for a password of a known user.

use serde::Serialize;

use super::{Concealed, FormError, Page, PasswordRule, form::form_title};

/// `/account/password`: fields `current_password`, `new_password`.
#[derive(Clone, Debug, Serialize)]
pub struct PasswordPage {
    /// The user name, in a hidden field for password managers.
    pub user_name: String,
    /// The rule for the new password.
    pub rule: PasswordRule,
    /// Why the form is shown again.
    pub error: Option<FormError>,
}

impl Page for PasswordPage {
    const TEMPLATE: &'static str = "password.html";

    fn title(&self) -> String {
        form_title("Change password", self.error.as_ref())
    }
}

/// `/forgot`: field `username`; then what to do next.
#[derive(Clone, Debug, Serialize)]
pub struct ForgotPage {
    /// Whether the form was just sent.
    pub sent: bool,
}

impl Page for ForgotPage {
    const TEMPLATE: &'static str = "forgot.html";

    fn title(&self) -> String {
        if self.sent { "Look into your mail" } else { "Forgot your password?" }.to_owned()
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

    fn title(&self) -> String {
        form_title("Choose a new password", self.error.as_ref())
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

    fn title(&self) -> String {
        form_title("Confirm it is you", self.error.as_ref())
    }
}
