//! `/login`, `/login/totp`, `/login/backup-code`, `/consent`: the steps of a sign-in.

use serde::Serialize;

use super::{ClientLine, FormError, Page, form::form_title};

/// `/login`: fields `username`, `password`, hidden `l`.
#[derive(Clone, Debug, Serialize)]
pub struct LoginPage {
    /// The login's id: hidden field `l`, and `?l=` of links to other steps.
    pub login: String,
    /// Who asked for the sign-in; none when it began on the front page.
    pub client: Option<ClientLine>,
    /// What was typed as user name or came as `login_hint`; kept when the form is shown again.
    pub username: String,
    /// Why the form is shown again.
    pub error: Option<FormError>,
}

impl Page for LoginPage {
    const TEMPLATE: &'static str = "login.html";

    fn title(&self) -> String {
        form_title("Sign in", self.error.as_ref())
    }
}

/// `/login/totp`: field `code`, hidden `l`; always links to `/login/backup-code`.
#[derive(Clone, Debug, Serialize)]
pub struct TotpPage {
    /// The login's id.
    pub login: String,
    /// Who asked for the sign-in.
    pub client: Option<ClientLine>,
    /// Why the form is shown again.
    pub error: Option<FormError>,
}

impl Page for TotpPage {
    const TEMPLATE: &'static str = "totp.html";

    fn title(&self) -> String {
        form_title("Enter your verification code", self.error.as_ref())
    }
}

/// `/login/backup-code`: field `code`, hidden `l`; always links back to `/login/totp`.
#[derive(Clone, Debug, Serialize)]
pub struct BackupCodePage {
    /// The login's id.
    pub login: String,
    /// Who asked for the sign-in.
    pub client: Option<ClientLine>,
    /// Why the form is shown again; what was typed is not kept.
    pub error: Option<FormError>,
}

impl Page for BackupCodePage {
    const TEMPLATE: &'static str = "backup_code.html";

    fn title(&self) -> String {
        form_title("Use a backup code", self.error.as_ref())
    }
}

/// `/consent`: buttons `decision=allow` and `decision=deny`, hidden `l`.
#[derive(Clone, Debug, Serialize)]
pub struct ConsentPage {
    /// The login's id.
    pub login: String,
    /// Who asks.
    pub client: ClientLine,
    /// Whose account it is about.
    pub user_name: String,
    /// What is asked for, in words, in the order asked.
    pub scopes: Vec<ScopeLine>,
}

impl Page for ConsentPage {
    const TEMPLATE: &'static str = "consent.html";

    fn title(&self) -> String {
        format!("Allow {} to use your account?", self.client.name)
    }
}

/// One scope in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScopeLine {
    /// The scope token, RFC 6749 section 3.3.
    pub scope: String,
    /// What granting it means.
    pub text: String,
}

impl ScopeLine {
    /// The words for a scope; a scope without words of its own is named as it is.
    pub fn new(scope: &str) -> Self {
        let text = match scope {
            "openid" => "Confirm who you are",
            "profile" => "See your user name",
            "email" => "See your e-mail address",
            "offline_access" => "Keep this access after you sign out, until you withdraw it",
            other => return Self { scope: other.to_owned(), text: format!("Use the permission “{other}”") },
        };
        Self { scope: scope.to_owned(), text: text.to_owned() }
    }
}
