//! `/login/passkey` and `/account/mfa/passkey/…`: passkeys at sign-in, and from their making to their removal.

use serde::Serialize;

use super::{ClientLine, FormError, NextStep, Page, Removal, TrustBox, When, form::form_title};
use crate::locale::{Text, text};

/// What a browser's passkeys are asked at a sign-in: fields `answer`, hidden `ceremony` and `l`.
#[derive(Clone, Debug, Serialize)]
pub struct PasskeyAsk {
    /// `PublicKeyCredentialRequestOptions` in JSON.
    pub options: String,
    /// The sealed challenge, sent back with the answer.
    pub ceremony: String,
    /// A passkey that nobody has here: what the browser is told of it (`signalUnknownCredential`), in JSON.
    pub unknown: Option<String>,
}

/// `/login/passkey`: a passkey as the second proof.
#[derive(Clone, Debug, Serialize)]
pub struct PasskeyPage {
    /// The login's id.
    pub login: String,
    /// Who asked for the sign-in.
    pub client: Option<ClientLine>,
    /// What is asked.
    pub ask: PasskeyAsk,
    /// The ways that there are.
    pub ways: NextStep,
    /// The box that trusts this browser, field `trust`.
    pub trust: Option<TrustBox>,
    /// Why the page is shown again.
    pub error: Option<FormError>,
}

impl Page for PasskeyPage {
    const TEMPLATE: &'static str = "passkey.html";

    fn title(&self) -> Text {
        form_title(text("passkey-title"), self.error.as_ref())
    }
}

/// The form that adds a passkey: field `passkey_name`.
#[derive(Clone, Debug, Serialize)]
pub struct AddPasskey {
    /// What was typed.
    pub name: String,
}

/// One passkey.
#[derive(Clone, Debug, Serialize)]
pub struct PasskeyRow {
    /// Its id, part of the paths that rename and remove it.
    pub id: String,
    /// The name that its owner gave it.
    pub name: String,
    /// What it is in, by its own word, unless that is its name.
    pub kind: Option<String>,
    /// Whether it can be on several devices.
    pub synced: bool,
    /// Whether it signs in alone, without a password.
    pub alone: bool,
    /// Whether a maker who is trusted vouches that it is in hardware.
    pub hardware: bool,
    /// When it was added.
    pub added: When,
    /// When it last signed in.
    pub last_used: Option<When>,
}

/// `/account/mfa/passkey/{factor}`: the form (field `answer`) that a browser's new passkey is sent with.
#[derive(Clone, Debug, Serialize)]
pub struct PasskeyEnrolPage {
    /// The pending passkey's id, part of the path of the form.
    pub factor: String,
    /// Its name, perhaps none.
    pub name: String,
    /// `PublicKeyCredentialCreationOptions` in JSON.
    pub options: String,
    /// Why the page is shown again.
    pub error: Option<FormError>,
}

impl Page for PasskeyEnrolPage {
    const TEMPLATE: &'static str = "passkey_enrol.html";

    fn title(&self) -> Text {
        form_title(text("passkey-create"), self.error.as_ref())
    }
}

/// `/account/mfa/passkey/{factor}/remove`: asks before a passkey is removed; a form without fields.
#[derive(Clone, Debug, Serialize)]
pub struct PasskeyRemovePage {
    /// The passkey's id.
    pub factor: String,
    /// Its name.
    pub name: String,
    /// What the removal comes to.
    pub removal: Removal,
}

impl Page for PasskeyRemovePage {
    const TEMPLATE: &'static str = "passkey_remove.html";

    fn title(&self) -> Text {
        text("passkey-remove-title")
    }
}

/// `/account/mfa/passkey/{factor}/rename`: the form (field `name`) that gives a passkey another name.
#[derive(Clone, Debug, Serialize)]
pub struct PasskeyRenamePage {
    /// The passkey's id.
    pub factor: String,
    /// What was typed; its present name at first.
    pub name: String,
    /// Why the form is shown again.
    pub error: Option<FormError>,
}

impl Page for PasskeyRenamePage {
    const TEMPLATE: &'static str = "passkey_rename.html";

    fn title(&self) -> Text {
        form_title(text("passkey-rename-title"), self.error.as_ref())
    }
}
