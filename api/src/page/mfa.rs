//! `/account/mfa` and below: authenticator apps, codes that are sent, and backup codes.

use serde::Serialize;

use super::{AddPasskey, ClientLine, Concealed, Cooldown, FormError, Notice, Page, PasskeyRow, When, form::form_title};
use crate::{
    locale::{Text, text},
    qr::QrSvg,
};

/// `/account/mfa`: authenticator apps, backup codes, and the form (field `name`) that begins an enrolment.
#[derive(Clone, Debug, Serialize)]
pub struct MfaPage {
    /// What must be set up before anything else, perhaps one of several.
    pub needed: Option<Text>,
    /// The application that waits for this.
    pub waiting: Option<WaitingLine>,
    /// Authenticator apps in force, oldest first; multi-factor authentication is off when there is none.
    pub authenticators: Vec<AuthenticatorRow>,
    /// Whether one more may be added.
    pub may_add: bool,
    /// E-mail addresses that get codes, oldest first.
    pub emails: Vec<AddressRow>,
    /// The form that adds an address (field `email`); none if there is no room for one, or nothing can be sent from here.
    pub add_email: Option<AddAddress>,
    /// Phone numbers that get codes, oldest first.
    pub phones: Vec<AddressRow>,
    /// Whether addresses can be given other names.
    pub may_rename: bool,
    /// The same form for a number (field `phone`).
    pub add_phone: Option<AddAddress>,
    /// Passkeys, oldest first.
    pub passkeys: Vec<PasskeyRow>,
    /// The form that adds a passkey; none if there is no room for one, or there are none here.
    pub add_passkey: Option<AddPasskey>,
    /// What the browser is told of the passkeys that are in force (`signalAllAcceptedCredentials`), in JSON.
    pub signal: Option<String>,
    /// Unused backup codes.
    pub backup_codes_left: usize,
    /// Backup codes were made and nobody said that they are saved: the page that shows them once may never have arrived.
    pub backup_codes_unsaved: bool,
    /// What was typed as the name of the new authenticator; the proposed name at first.
    pub name: String,
    /// What the step before did.
    pub notice: Option<Notice>,
    /// Why the form is shown again.
    pub error: Option<FormError>,
}

impl Page for MfaPage {
    const TEMPLATE: &'static str = "mfa.html";

    fn title(&self) -> Text {
        form_title(text("mfa"), self.error.as_ref())
    }
}

/// An application that waits until its user has set up a device.
#[derive(Clone, Debug, Serialize)]
pub struct WaitingLine {
    /// Which.
    pub client: ClientLine,
    /// The label of its login: `?l=` of the way back to it.
    pub login: String,
}

/// A form that adds an address.
#[derive(Clone, Debug, Serialize)]
pub struct AddAddress {
    /// What was typed; the account's e-mail address at first.
    pub address: String,
    /// What was typed as the name of a phone (field `phone_name`).
    pub name: String,
}

/// One address that gets codes.
#[derive(Clone, Debug, Serialize)]
pub struct AddressRow {
    /// Its id, part of the paths that rename and remove it.
    pub id: String,
    /// The name that its owner gave it, if any.
    pub name: String,
    /// The address.
    pub address: String,
    /// When it was confirmed.
    pub added: When,
    /// When a code sent to it was last accepted.
    pub last_used: Option<When>,
    /// After too many wrong codes none is looked at any more.
    pub suspended: bool,
}

/// `/account/mfa/{way}/{factor}`: the form (field `code`) that confirms an address, and the one that sends another code.
#[derive(Clone, Debug, Serialize)]
pub struct AddressEnrolPage {
    /// `email` or `sms`, as in the path.
    pub way: &'static str,
    /// The pending address's id, part of the paths of both forms.
    pub factor: String,
    /// The address.
    pub address: String,
    /// When another code can be asked for, if not yet.
    pub again: Option<Cooldown>,
    /// Whether the message holds a link as well.
    pub link: bool,
    /// Why the form is shown again.
    pub error: Option<FormError>,
}

impl Page for AddressEnrolPage {
    const TEMPLATE: &'static str = "address_enrol.html";

    fn title(&self) -> Text {
        let title = if self.way == "sms" { text("address-enrol-sms") } else { text("address-enrol-email") };
        form_title(title, self.error.as_ref())
    }
}

/// What the removal of a device comes to.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Removal {
    /// Whether it is the last device, so that the backup codes go with it.
    pub last: bool,
    /// What must be set up then before anything else, perhaps one of several. Without it the password alone is left after the last
    /// device.
    pub needed: Option<Text>,
}

/// `/account/mfa/{way}/{factor}/remove`: asks before an address gets no more codes; a form without fields.
#[derive(Clone, Debug, Serialize)]
pub struct AddressRemovePage {
    /// `email` or `sms`, as in the path.
    pub way: &'static str,
    /// The address's id.
    pub factor: String,
    /// The address.
    pub address: String,
    /// What the removal comes to.
    pub removal: Removal,
}

impl Page for AddressRemovePage {
    const TEMPLATE: &'static str = "address_remove.html";

    fn title(&self) -> Text {
        if self.way == "sms" { text("address-remove-sms") } else { text("address-remove-email") }
    }
}

/// `/account/mfa/{way}/{factor}/rename`: the form (field `name`) that gives an address another name, or none.
#[derive(Clone, Debug, Serialize)]
pub struct AddressRenamePage {
    /// `email` or `sms`, as in the path.
    pub way: &'static str,
    /// The address's id.
    pub factor: String,
    /// The address.
    pub address: String,
    /// What was typed; its present name at first, if it has one.
    pub name: String,
    /// Why the form is shown again.
    pub error: Option<FormError>,
}

impl Page for AddressRenamePage {
    const TEMPLATE: &'static str = "address_rename.html";

    fn title(&self) -> Text {
        let title = if self.way == "sms" { text("phone-rename-title") } else { text("email-rename-title") };
        form_title(title, self.error.as_ref())
    }
}

/// One authenticator app.
#[derive(Clone, Debug, Serialize)]
pub struct AuthenticatorRow {
    /// Its id, part of the paths that rename and remove it.
    pub id: String,
    /// The name that its owner gave it.
    pub name: String,
    /// When it was confirmed.
    pub added: When,
    /// When a code of it was last accepted.
    pub last_used: Option<When>,
    /// After too many wrong codes none is looked at any more.
    pub suspended: bool,
}

/// `/account/mfa/totp/{factor}`: QR code and key of a pending enrolment, and the form (field `code`) that confirms it.
#[derive(Clone, Debug, Serialize)]
pub struct TotpEnrolPage {
    /// The pending authenticator's id, part of the path that confirms it.
    pub factor: String,
    /// Its name.
    pub name: String,
    /// The QR code of [`Self::uri`].
    pub qr: QrSvg,
    /// The key in Base32 without padding, cut into groups of four by [`groups_of_four`].
    pub key_groups: Vec<Concealed>,
    /// The `otpauth://totp/…` URI, for an app on this device.
    pub uri: Concealed,
    /// Why the form is shown again.
    pub error: Option<FormError>,
}

impl Page for TotpEnrolPage {
    const TEMPLATE: &'static str = "totp_enrol.html";

    fn title(&self) -> Text {
        form_title(text("totp-enrol-title"), self.error.as_ref())
    }
}

/// A key cut into groups of four characters, the last one perhaps shorter.
pub fn groups_of_four(key: &str) -> Vec<Concealed> {
    let characters: Vec<char> = key.chars().collect();
    characters.chunks(4).map(|group| Concealed::from(group.iter().collect::<String>())).collect()
}

/// The ten backup codes, shown once; the tick `saved=yes` goes to `/account/mfa/backup-codes/saved`.
#[derive(Clone, Debug, Serialize)]
pub struct BackupCodesPage {
    /// The codes as they are to be typed.
    pub codes: Vec<Concealed>,
    /// Whose they are: named in the downloaded and printed copy.
    pub user_name: String,
    /// When they were made: named likewise.
    pub created: When,
}

impl Page for BackupCodesPage {
    const TEMPLATE: &'static str = "backup_codes.html";

    fn title(&self) -> Text {
        text("codes-title")
    }
}

/// The tick was missing: the codes cannot be shown again, so the page asks once more or offers new codes.
#[derive(Clone, Debug, Serialize)]
pub struct BackupCodesUnsavedPage {
    /// What is missing.
    pub error: FormError,
}

impl Default for BackupCodesUnsavedPage {
    fn default() -> Self {
        let error = FormError::field("saved", text("codes-unsaved-tick"));
        Self { error }
    }
}

impl Page for BackupCodesUnsavedPage {
    const TEMPLATE: &'static str = "backup_codes_unsaved.html";

    fn title(&self) -> Text {
        form_title(text("codes-unsaved-title"), Some(&self.error))
    }
}

/// `/account/mfa/totp/{factor}/remove`: asks before an authenticator app is removed; a form without fields.
#[derive(Clone, Debug, Serialize)]
pub struct TotpRemovePage {
    /// The authenticator's id.
    pub factor: String,
    /// Its name.
    pub name: String,
    /// What the removal comes to.
    pub removal: Removal,
}

impl Page for TotpRemovePage {
    const TEMPLATE: &'static str = "totp_remove.html";

    fn title(&self) -> Text {
        text("totp-remove-title")
    }
}

/// `/account/mfa/totp/{factor}/rename`: the form (field `name`) that gives an authenticator app another name.
#[derive(Clone, Debug, Serialize)]
pub struct TotpRenamePage {
    /// The authenticator's id.
    pub factor: String,
    /// What was typed; its present name at first.
    pub name: String,
    /// Why the form is shown again.
    pub error: Option<FormError>,
}

impl Page for TotpRenamePage {
    const TEMPLATE: &'static str = "totp_rename.html";

    fn title(&self) -> Text {
        form_title(text("totp-rename-title"), self.error.as_ref())
    }
}

/// `GET /account/mfa/backup-codes`: asks before the codes are replaced; a form without fields.
#[derive(Clone, Debug, Serialize)]
pub struct BackupCodesRegeneratePage {
    /// Unused codes that will stop working.
    pub left: usize,
}

impl Page for BackupCodesRegeneratePage {
    const TEMPLATE: &'static str = "backup_codes_regenerate.html";

    fn title(&self) -> Text {
        text("codes-make")
    }
}

/// `/account/mfa/recommended`: a link to `/account/mfa`, and a form (field `to`) that declines.
#[derive(Clone, Debug, Serialize)]
pub struct RecommendedPage {
    /// Where to go afterwards.
    pub to: String,
    /// From when on it is required, if that is announced.
    pub until: Option<When>,
    /// How often it may be declined yet, if that is counted.
    pub left: Option<u16>,
}

impl Page for RecommendedPage {
    const TEMPLATE: &'static str = "recommended.html";

    fn title(&self) -> Text {
        text("recommended-title")
    }
}
