//! `/login`, `/login/totp`, `/login/backup-code`, `/consent`: the steps of a sign-in.

use std::collections::BTreeSet;

use actors::domain::scope;
use serde::Serialize;

use super::{ClientLine, Cooldown, FormError, NextStep, Page, PasskeyAsk, form::form_title};
use crate::{
    RegistrationBy,
    locale::{Text, text},
};

/// `/login`: fields `username`, `password`, hidden `l`.
#[derive(Clone, Debug, Serialize)]
pub struct LoginPage {
    /// The login's id: hidden field `l`, and `?l=` of links to other steps.
    pub login: String,
    /// Who asked for the sign-in; none when it began on the front page.
    pub client: Option<ClientLine>,
    /// What passkeys are asked, where there are some.
    pub passkey: Option<PasskeyAsk>,
    /// Whether a link to set a new password can be sent.
    pub forgot: bool,
    /// What `username` may be.
    pub names: RegistrationBy,
    /// What was typed as user name or came as `login_hint`; kept when the form is shown again.
    pub username: String,
    /// Whether a policy asks somebody who is signed in for more proof.
    pub more: bool,
    /// Why the form is shown again.
    pub error: Option<FormError>,
}

impl Page for LoginPage {
    const TEMPLATE: &'static str = "login.html";

    fn title(&self) -> Text {
        form_title(text("sign-in"), self.error.as_ref())
    }
}

/// `/login/totp`: field `code`, hidden `l`; always links to `/login/backup-code`.
#[derive(Clone, Debug, Serialize)]
pub struct TotpPage {
    /// The login's id.
    pub login: String,
    /// Who asked for the sign-in.
    pub client: Option<ClientLine>,
    /// The ways that there are.
    pub ways: NextStep,
    /// The box that trusts this browser, field `trust`.
    pub trust: Option<TrustBox>,
    /// Why the form is shown again.
    pub error: Option<FormError>,
}

/// The box that trusts a browser.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct TrustBox {
    /// For how many days.
    pub days: u16,
    /// Was it ticked when the form was sent?
    pub ticked: bool,
}

impl Page for TotpPage {
    const TEMPLATE: &'static str = "totp.html";

    fn title(&self) -> Text {
        form_title(text("totp-title"), self.error.as_ref())
    }
}

/// `/login/email` and `/login/sms`: field `code`, hidden `l`; and the form (field `address`) that has a code sent.
#[derive(Clone, Debug, Serialize)]
pub struct SentCodePage {
    /// `email` or `sms`, as in the path.
    pub way: &'static str,
    /// The login's id.
    pub login: String,
    /// Who asked for the sign-in.
    pub client: Option<ClientLine>,
    /// The code that is awaited, if one was sent and is still good.
    pub sent: Option<SentLine>,
    /// Where a code can be sent to.
    pub addresses: Vec<AddressChoice>,
    /// The ways that there are.
    pub ways: NextStep,
    /// The box that trusts this browser, field `trust`.
    pub trust: Option<TrustBox>,
    /// Why the form is shown again.
    pub error: Option<FormError>,
}

impl Page for SentCodePage {
    const TEMPLATE: &'static str = "sent_code.html";

    fn title(&self) -> Text {
        let title = if self.way == "sms" { text("sent-title-sms") } else { text("sent-title-email") };
        form_title(title, self.error.as_ref())
    }
}

/// A code that was sent.
#[derive(Clone, Debug, Serialize)]
pub struct SentLine {
    /// The address, mostly hidden.
    pub to: String,
    /// When another one can be asked for, if not yet.
    pub again: Option<Cooldown>,
    /// Whether the message holds a link as well.
    pub link: bool,
}

/// An address that a code can be sent to.
#[derive(Clone, Debug, Serialize)]
pub struct AddressChoice {
    /// Its id, sent back as the field `address`.
    pub id: String,
    /// The address, mostly hidden.
    pub hidden: String,
}

/// `/login/backup-code`: field `code`, hidden `l`; links to the other ways.
#[derive(Clone, Debug, Serialize)]
pub struct BackupCodePage {
    /// The login's id.
    pub login: String,
    /// Who asked for the sign-in.
    pub client: Option<ClientLine>,
    /// The ways that there are.
    pub ways: NextStep,
    /// Why the form is shown again; what was typed is not kept.
    pub error: Option<FormError>,
}

impl Page for BackupCodePage {
    const TEMPLATE: &'static str = "backup_code.html";

    fn title(&self) -> Text {
        form_title(text("way-backup-code"), self.error.as_ref())
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
    /// What is asked for, in words, see [`ScopeLine::all`].
    pub scopes: Vec<ScopeLine>,
}

impl Page for ConsentPage {
    const TEMPLATE: &'static str = "consent.html";

    fn title(&self) -> Text {
        text("consent-title").with("client", self.client.name.clone())
    }
}

/// One scope in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScopeLine {
    /// The scope token, RFC 6749 section 3.3.
    pub scope: String,
    /// What granting it means.
    pub text: Text,
}

impl ScopeLine {
    /// The words for a scope; a scope without words of its own is named as it is.
    pub fn new(scope: &str) -> Self {
        let words = match scope {
            scope::OPENID => text("scope-openid"),
            "profile" => text("scope-profile"),
            "email" => text("scope-email"),
            scope::OFFLINE_ACCESS => text("scope-offline-access"),
            other => text("scope-other").with("scope", other),
        };
        Self { scope: scope.to_owned(), text: words }
    }

    /// Lines for all of them in the order of [`scope::KNOWN`], from who the user is to the longest access; what is not
    /// known there comes last.
    pub fn all(scopes: &BTreeSet<String>) -> Vec<Self> {
        let place = |scope: &String| scope::KNOWN.iter().position(|known| known == scope);
        let mut ordered: Vec<&String> = scopes.iter().collect();
        ordered.sort_by_key(|scope| place(scope).unwrap_or(usize::MAX));
        ordered.into_iter().map(|scope| Self::new(scope)).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{ScopeLine, text};

    #[test]
    fn scopes_are_asked_for_from_who_one_is_to_the_longest_access() {
        let asked = ["email", "offline_access", "openid", "printing", "profile"].map(str::to_owned);
        let lines = ScopeLine::all(&BTreeSet::from(asked));
        let order: Vec<&str> = lines.iter().map(|line| line.scope.as_str()).collect();
        assert_eq!(order, ["openid", "profile", "email", "offline_access", "printing"]);
        assert_eq!(lines[4].text, text("scope-other").with("scope", "printing"));
    }
}
