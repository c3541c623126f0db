//! `/login/passkey` and `/account/mfa/passkey/…`: passkeys at sign-in, and from their making to their removal.

use actors::domain::command::Ways;
use serde::Serialize;

use super::{ClientLine, FormError, Page, When, form::form_title};

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
    pub ways: Ways,
    /// Why the page is shown again.
    pub error: Option<FormError>,
}

impl Page for PasskeyPage {
    const TEMPLATE: &'static str = "passkey.html";

    fn title(&self) -> String {
        form_title("Use your passkey", self.error.as_ref())
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

    fn title(&self) -> String {
        form_title("Create a passkey", self.error.as_ref())
    }
}

/// `/account/mfa/passkey/{factor}/remove`: asks before a passkey is removed; a form without fields.
#[derive(Clone, Debug, Serialize)]
pub struct PasskeyRemovePage {
    /// The passkey's id.
    pub factor: String,
    /// Its name.
    pub name: String,
    /// Whether it is the last device, so that multi-factor authentication ends with it.
    pub last: bool,
}

impl Page for PasskeyRemovePage {
    const TEMPLATE: &'static str = "passkey_remove.html";

    fn title(&self) -> String {
        "Remove passkey".to_owned()
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

    fn title(&self) -> String {
        form_title("Rename passkey", self.error.as_ref())
    }
}
