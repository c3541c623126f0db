//! What sealed values and MACs are for. Each purpose has keys of its own, so a value made for one is worth nothing for
//! another.

/// A purpose. Its label goes into keys and associated data and must never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// The known text that shows at each start that a master key is the right one.
    Canary,
    /// TOTP seeds at rest.
    TotpSeed,
    /// Password hashes at rest, and the pepper in front of them.
    PasswordPepper,
    /// Backup-code hashes at rest.
    BackupPepper,
    /// Private signing keys at rest.
    SigningKey,
    /// Messages that wait to be sent.
    Outbox,
    /// Names in look-ups and `ident` partitions.
    Ident,
    /// The cookie of a login under way.
    LoginCookie,
    /// The cookie of a session.
    SessionCookie,
    /// The cookie of a known device (HAZARDS H11).
    DeviceCookie,
    /// The cookie of a browser, whoever uses it.
    BrowserCookie,
    /// Cookies that carry a short message to the next page.
    FlashCookie,
    /// Sealed hidden fields and references in URLs (HAZARDS H18).
    HiddenField,
    /// Values against cross-site request forgery.
    Csrf,
    /// Authorization codes.
    Code,
    /// Refresh tokens.
    RefreshToken,
    /// Ids of access tokens.
    AccessTokenId,
    /// Password-reset links.
    ResetLink,
    /// First-admin links.
    SetupLink,
    /// Codes that were sent, as they are kept.
    SentCode,
    /// The cookie of a trusted device.
    TrustedCookie,
    /// Challenges of passkeys, on their way to a browser and back.
    PasskeyChallenge,
    /// Links that cancel a recovery.
    RecoveryLink,
    /// Links that complete a login, beside a code.
    LoginLink,
    /// Links that activate an address, beside a code.
    AddressLink,
    /// Links that make an account under an address.
    RegistrationLink,
}

impl Purpose {
    /// All purposes, in the order of their discriminants.
    pub const ALL: [Self; 26] = [
        Self::Canary,
        Self::TotpSeed,
        Self::PasswordPepper,
        Self::BackupPepper,
        Self::SigningKey,
        Self::Outbox,
        Self::Ident,
        Self::LoginCookie,
        Self::SessionCookie,
        Self::DeviceCookie,
        Self::BrowserCookie,
        Self::FlashCookie,
        Self::HiddenField,
        Self::Csrf,
        Self::Code,
        Self::RefreshToken,
        Self::AccessTokenId,
        Self::ResetLink,
        Self::SetupLink,
        Self::SentCode,
        Self::TrustedCookie,
        Self::PasskeyChallenge,
        Self::RecoveryLink,
        Self::LoginLink,
        Self::AddressLink,
        Self::RegistrationLink,
    ];

    /// The label.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Canary => "canary",
            Self::TotpSeed => "totp-seed",
            Self::PasswordPepper => "password-pepper",
            Self::BackupPepper => "backup-pepper",
            Self::SigningKey => "signing-key",
            Self::Outbox => "outbox",
            Self::Ident => "ident",
            Self::LoginCookie => "login-cookie",
            Self::SessionCookie => "session-cookie",
            Self::DeviceCookie => "device-cookie",
            Self::BrowserCookie => "browser-cookie",
            Self::FlashCookie => "flash-cookie",
            Self::HiddenField => "hidden-field",
            Self::Csrf => "csrf",
            Self::Code => "code",
            Self::RefreshToken => "refresh-token",
            Self::AccessTokenId => "access-token-id",
            Self::ResetLink => "reset-link",
            Self::SetupLink => "setup-link",
            Self::SentCode => "sent-code",
            Self::TrustedCookie => "trusted-cookie",
            Self::PasskeyChallenge => "passkey-challenge",
            Self::RecoveryLink => "recovery-link",
            Self::LoginLink => "login-link",
            Self::AddressLink => "address-link",
            Self::RegistrationLink => "registration-link",
        }
    }

    /// Does a value of this purpose leave the server? Then it is bound to the store's incarnation, so that a restore
    /// ends it (HAZARDS H14).
    pub const fn leaves_the_server(self) -> bool {
        match self {
            Self::Canary
            | Self::TotpSeed
            | Self::PasswordPepper
            | Self::BackupPepper
            | Self::SigningKey
            | Self::Outbox
            | Self::Ident
            | Self::SentCode => false,
            Self::LoginCookie
            | Self::SessionCookie
            | Self::DeviceCookie
            | Self::BrowserCookie
            | Self::FlashCookie
            | Self::HiddenField
            | Self::Csrf
            | Self::Code
            | Self::RefreshToken
            | Self::AccessTokenId
            | Self::ResetLink
            | Self::SetupLink
            | Self::TrustedCookie
            | Self::PasskeyChallenge
            | Self::RecoveryLink
            | Self::LoginLink
            | Self::AddressLink
            | Self::RegistrationLink => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn labels_are_distinct_and_in_the_order_of_the_discriminants() {
        assert_eq!(Purpose::ALL.iter().map(|p| p.label()).collect::<BTreeSet<_>>().len(), Purpose::ALL.len());
        assert!(Purpose::ALL.iter().enumerate().all(|(index, purpose)| *purpose as usize == index));
    }
}
