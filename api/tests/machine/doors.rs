//! Every POST route, what its form belongs to, and what is typed into it.

/// What a form belongs to, so which hidden value is good for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Belongs {
    /// To the browser alone.
    Browser,
    /// To a login, which the field `l` names.
    Login,
    /// To a session.
    Session,
}

/// Something that is typed or carried, always right for the person whose account is at stake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Typed {
    /// A field with this text.
    Text(&'static str, &'static str),
    /// The user's name.
    UserName,
    /// The password, in this field.
    Password(&'static str),
    /// A name that nobody has.
    NewName,
    /// A code of the app.
    Totp,
    /// A backup code.
    Backup,
    /// The code that was sent for the login last.
    Sent,
    /// What the page asked of passkeys, sealed.
    Ceremony,
    /// A passkey's answer to it.
    Assertion,
    /// The code of the pending app.
    PendingTotp,
    /// The code that the pending address was sent.
    PendingEmail,
    /// The same of the pending number.
    PendingPhone,
    /// The pending passkey's making.
    PendingKey,
    /// The code that was sent to the address that is to be the account's.
    OwnAddress,
    /// Another session of the same user.
    OtherSession,
    /// A browser that is trusted.
    TrustedDevice,
    /// What the button of a mailed link sends.
    Token(Link),
}

/// What a mailed link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Link {
    /// To set a new password.
    Reset,
    /// To complete a login.
    Login,
    /// To activate an address.
    Address,
    /// To make an account under an address.
    Registration,
    /// To cancel a recovery.
    Cancel,
}

impl Link {
    pub(crate) const ALL: [Self; 5] = [Self::Reset, Self::Login, Self::Address, Self::Registration, Self::Cancel];

    /// Where it leads, and its button.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Reset => "/reset",
            Self::Login => "/login/link",
            Self::Address => "/account/mfa/email/link",
            Self::Registration => "/register/confirm",
            Self::Cancel => "/recovery/cancel",
        }
    }
}

/// Which device a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Device {
    None,
    Totp,
    Email,
    Phone,
    Passkey,
    PendingTotp,
    PendingEmail,
    PendingPhone,
    PendingPasskey,
}

/// A POST route.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Door {
    pub(crate) path: &'static str,
    /// As the sources write it.
    pub(crate) source: &'static str,
    pub(crate) belongs: Belongs,
    pub(crate) device: Device,
    pub(crate) typed: &'static [Typed],
}

impl Door {
    /// The link whose button it is.
    pub(crate) fn link(&self) -> Option<Link> {
        self.typed.iter().find_map(|typed| match typed {
            Typed::Token(link) => Some(*link),
            _ => None,
        })
    }
}

const fn door(path: &'static str, belongs: Belongs, typed: &'static [Typed]) -> Door {
    Door { path, source: path, belongs, device: Device::None, typed }
}

const fn written(source: &'static str, door: Door) -> Door {
    Door { source, ..door }
}

const fn of(device: Device, door: Door) -> Door {
    Door { device, ..door }
}

use Belongs::{Browser, Login, Session};
use Typed::{
    Assertion, Backup, Ceremony, NewName, OtherSession, OwnAddress, Password, PendingEmail, PendingKey, PendingPhone,
    PendingTotp, Sent, Text, Token, Totp, TrustedDevice, UserName,
};

/// An address that nobody has an account under.
pub(crate) const NEW_ADDRESS: &str = "new@mail.example";
/// A password that nobody has.
pub(crate) const NEW_PASSWORD: &str = "seven yellow lanterns drifting";

/// Steps of a login, and everything that a browser does.
pub(crate) const DOORS: [Door; 52] = [
    door("/register", Browser, &[NewName, Text("email", ""), Password("password")]),
    door("/forgot", Browser, &[UserName]),
    door("/reset", Browser, &[Token(Link::Reset), Text("new_password", NEW_PASSWORD)]),
    // There is no link once there is an account.
    door("/setup", Browser, &[Text("token", "none"), NewName, Password("password")]),
    door("/login", Login, &[UserName, Password("password")]),
    door("/login/totp", Login, &[Totp]),
    door("/login/backup-code", Login, &[Backup]),
    written("&path", door("/login/email", Login, &[Sent])),
    written("&path", door("/login/sms", Login, &[Sent])),
    written("&format!(\"{path}/send\")", door("/login/email/send", Login, &[])),
    written("&format!(\"{path}/send\")", door("/login/sms/send", Login, &[])),
    door("/login/passkey", Login, &[Ceremony, Assertion]),
    door("/consent", Login, &[Text("decision", "allow")]),
    door("/logout", Session, &[]),
    door("/oauth/logout", Session, &[]),
    door("/account/sessions/end", Session, &[OtherSession]),
    door("/account/sessions/end-all", Session, &[]),
    door("/account/trusted/forget", Session, &[TrustedDevice]),
    door("/account/mfa/decline", Session, &[]),
    door("/account/mfa/totp", Session, &[Text("name", "Another")]),
    of(Device::PendingTotp, door("/account/mfa/totp/{factor}/confirm", Session, &[PendingTotp])),
    of(Device::Totp, door("/account/mfa/totp/{factor}/remove", Session, &[])),
    of(Device::Totp, door("/account/mfa/totp/{factor}/rename", Session, &[Text("name", "Renamed")])),
    written("&begin_at", door("/account/mfa/email", Session, &[Text("email", "third@mail.example")])),
    written("&begin_at", door("/account/mfa/sms", Session, &[Text("phone", "+4915112345670")])),
    written(
        "&format!(\"{device}/confirm\")",
        of(Device::PendingEmail, door("/account/mfa/email/{factor}/confirm", Session, &[PendingEmail])),
    ),
    written(
        "&format!(\"{device}/confirm\")",
        of(Device::PendingPhone, door("/account/mfa/sms/{factor}/confirm", Session, &[PendingPhone])),
    ),
    written(
        "&format!(\"{device}/resend\")",
        of(Device::PendingEmail, door("/account/mfa/email/{factor}/resend", Session, &[])),
    ),
    written(
        "&format!(\"{device}/remove\")",
        of(Device::Email, door("/account/mfa/email/{factor}/remove", Session, &[])),
    ),
    written("&format!(\"{device}/remove\")", of(Device::Phone, door("/account/mfa/sms/{factor}/remove", Session, &[]))),
    written(
        "&format!(\"{device}/rename\")",
        of(Device::Email, door("/account/mfa/email/{factor}/rename", Session, &[Text("name", "Renamed")])),
    ),
    written(
        "&format!(\"{device}/rename\")",
        of(Device::Phone, door("/account/mfa/sms/{factor}/rename", Session, &[Text("name", "Renamed")])),
    ),
    door("/account/mfa/passkey", Session, &[Text("passkey_name", "Another")]),
    of(Device::PendingPasskey, door("/account/mfa/passkey/{factor}/confirm", Session, &[PendingKey])),
    of(Device::Passkey, door("/account/mfa/passkey/{factor}/remove", Session, &[])),
    of(Device::Passkey, door("/account/mfa/passkey/{factor}/rename", Session, &[Text("name", "Renamed")])),
    door("/account/mfa/backup-codes", Session, &[]),
    door("/account/mfa/backup-codes/saved", Session, &[Text("saved", "yes")]),
    door("/account/password", Session, &[Password("current_password"), Text("new_password", NEW_PASSWORD)]),
    door("/account/reauthenticate", Session, &[Password("password"), Totp]),
    written(
        "&format!(\"{device}/resend\")",
        of(Device::PendingPhone, door("/account/mfa/sms/{factor}/resend", Session, &[])),
    ),
    written("link::PATH", door("/login/link", Login, &[Token(Link::Login)])),
    written("address_link::PATH", door("/account/mfa/email/link", Session, &[Token(Link::Address)])),
    written("register_by_email::ASK", door("/register/email", Browser, &[Text("email", NEW_ADDRESS)])),
    written(
        "register_by_email::CONFIRM",
        door("/register/confirm", Browser, &[Token(Link::Registration), Password("password")]),
    ),
    door("/login/recovery", Login, &[]),
    door("/login/recovery/send", Login, &[]),
    door("/login/recovery/complete", Login, &[Sent]),
    door("/recovery/cancel", Browser, &[Token(Link::Cancel)]),
    door("/account/recovery/cancel", Session, &[]),
    door("/account/email", Session, &[Text("email", "fifth@mail.example")]),
    door("/account/email/confirm", Session, &[OwnAddress]),
];

/// What programs post, which brings no cookie of ours: no step of anybody's login. `oauth/` has their tests.
pub(crate) const OTHERS: [(&str, &str); 4] = [
    ("/oauth/authorize", "/oauth/authorize"),
    ("/oauth/token", "/oauth/token"),
    ("/oauth/revoke", "/oauth/revoke"),
    ("/oauth/userinfo", "/oauth/userinfo"),
];
