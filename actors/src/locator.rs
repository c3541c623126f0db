//! Sealed locators: codes, tokens, cookies and links that carry the way to their record. A locator is sealed, so nobody
//! can make one up; only a hash of its secret part is stored.

use schema::{CodeId, DeviceId, FactorId, FamilyId, LoginId, RecoveryId, ResetId, SessionId, UserId};
use zeroize::Zeroizing;

use crate::{
    domain::{
        factor::totp::{self, Code},
        trusted_device::{Given, TrustRef},
        user::SessionRef,
    },
    entropy::Entropy,
    secret::sha256_b64,
    vault::{OpenError, Purpose, Vault},
};

/// The layout that this build writes.
const VERSION: u8 = 1;

/// An authorization code, opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeLocator {
    /// Whose.
    pub user: UserId,
    /// Which.
    pub code: CodeId,
    /// SHA-256 of the secret part.
    pub secret_hash: String,
}

/// A refresh token, opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshLocator {
    /// Whose.
    pub user: UserId,
    /// Which family.
    pub family: FamilyId,
    /// Which generation of it.
    pub generation: u32,
    /// SHA-256 of the secret part.
    pub secret_hash: String,
}

/// The `jti` of an access token, opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessLocator {
    /// Whose.
    pub user: UserId,
    /// Of which family.
    pub family: FamilyId,
}

/// A session cookie, opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionLocator {
    /// Whose.
    pub user: UserId,
    /// Which session, with the hash of the cookie's secret.
    pub session: SessionRef,
}

/// A known-device cookie, opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceLocator {
    /// Whose.
    pub user: UserId,
    /// Which device.
    pub device: DeviceId,
}

/// The cookie of a trusted device, opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedLocator {
    /// Whose.
    pub user: UserId,
    /// Which device, with the hash of the cookie's secret.
    pub trust: TrustRef,
}

/// A reset link, opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResetLocator {
    /// Whose.
    pub user: UserId,
    /// Which.
    pub reset: ResetId,
    /// SHA-256 of the secret part.
    pub secret_hash: String,
}

/// A link that cancels a recovery, opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveryLocator {
    /// Whose.
    pub user: UserId,
    /// Which.
    pub recovery: RecoveryId,
    /// SHA-256 of the secret part.
    pub secret_hash: String,
}

/// A link that completes a login, opened.
#[derive(Clone, Debug)]
pub struct LoginLinkLocator {
    /// Whose.
    pub user: UserId,
    /// Which login.
    pub login: LoginId,
    /// SHA-256 of the secret part.
    pub secret_hash: String,
    /// The code that was sent beside it.
    pub code: Code,
}

/// A link that activates an address, opened.
#[derive(Clone, Debug)]
pub struct AddressLinkLocator {
    /// Whose.
    pub user: UserId,
    /// In which session.
    pub session: SessionId,
    /// Which address.
    pub factor: FactorId,
    /// SHA-256 of the secret part.
    pub secret_hash: String,
    /// The code that was sent beside it.
    pub code: Code,
}

/// A link that makes an account under an address, opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistrationLocator {
    /// Who its account will be of.
    pub user: UserId,
    /// The login in which it began, if it did.
    pub login: Option<LoginId>,
    /// SHA-256 of the secret part.
    pub secret_hash: String,
}

/// Seals and opens locators.
#[derive(Clone, Copy)]
pub struct Locators<'a> {
    /// Keys.
    pub vault: &'a Vault,
    /// For nonces.
    pub entropy: &'a dyn Entropy,
}

impl std::fmt::Debug for Locators<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Locators")
    }
}

impl Locators<'_> {
    fn seal(&self, purpose: Purpose, parts: &[&[u8]]) -> String {
        let mut plain = vec![VERSION];
        for part in parts {
            plain.extend_from_slice(part);
        }
        self.vault.seal(purpose, &[], &plain, self.entropy)
    }

    /// Opens one of exactly `N` bytes after the version.
    fn open<const N: usize>(&self, purpose: Purpose, sealed: &str) -> Result<[u8; N], OpenError> {
        let plain = self.vault.open(purpose, &[], sealed)?;
        match plain.split_first() {
            Some((&VERSION, rest)) => rest.try_into().map_err(|_| OpenError::Malformed),
            Some(_) | None => Err(OpenError::Malformed),
        }
    }

    /// An authorization code.
    pub fn code(&self, user: UserId, code: CodeId, secret: &[u8; 16]) -> String {
        self.seal(Purpose::Code, &[user.as_bytes(), code.as_bytes(), secret])
    }

    /// Opens an authorization code.
    pub fn open_code(&self, sealed: &str) -> Result<CodeLocator, OpenError> {
        let bytes: [u8; 48] = self.open(Purpose::Code, sealed)?;
        Ok(CodeLocator {
            user: UserId::from_bytes(part(&bytes, 0)),
            code: CodeId::from_bytes(part(&bytes, 16)),
            secret_hash: sha256_b64(&bytes[32..]),
        })
    }

    /// A refresh token.
    pub fn refresh(&self, user: UserId, family: FamilyId, generation: u32, secret: &[u8; 16]) -> String {
        let generation = generation.to_be_bytes();
        self.seal(Purpose::RefreshToken, &[user.as_bytes(), family.as_bytes(), secret, &generation])
    }

    /// Opens a refresh token.
    pub fn open_refresh(&self, sealed: &str) -> Result<RefreshLocator, OpenError> {
        let bytes: [u8; 52] = self.open(Purpose::RefreshToken, sealed)?;
        Ok(RefreshLocator {
            user: UserId::from_bytes(part(&bytes, 0)),
            family: FamilyId::from_bytes(part(&bytes, 16)),
            generation: u32::from_be_bytes(part(&bytes, 48)),
            secret_hash: sha256_b64(&bytes[32..48]),
        })
    }

    /// The `jti` of an access token; random by its nonce.
    pub fn access(&self, user: UserId, family: FamilyId) -> String {
        self.seal(Purpose::AccessTokenId, &[user.as_bytes(), family.as_bytes()])
    }

    /// Opens a `jti`.
    pub fn open_access(&self, sealed: &str) -> Result<AccessLocator, OpenError> {
        let bytes: [u8; 32] = self.open(Purpose::AccessTokenId, sealed)?;
        Ok(AccessLocator { user: UserId::from_bytes(part(&bytes, 0)), family: FamilyId::from_bytes(part(&bytes, 16)) })
    }

    /// A session cookie.
    pub fn session(&self, user: UserId, session: SessionId, secret: &[u8; 16]) -> String {
        self.seal(Purpose::SessionCookie, &[user.as_bytes(), session.as_bytes(), secret])
    }

    /// Opens a session cookie.
    pub fn open_session(&self, sealed: &str) -> Result<SessionLocator, OpenError> {
        let bytes: [u8; 48] = self.open(Purpose::SessionCookie, sealed)?;
        let session = SessionId::from_bytes(part(&bytes, 16));
        Ok(SessionLocator {
            user: UserId::from_bytes(part(&bytes, 0)),
            session: SessionRef { session, secret_hash: sha256_b64(&bytes[32..]) },
        })
    }

    /// A known-device cookie.
    pub fn device(&self, user: UserId, device: DeviceId) -> String {
        self.seal(Purpose::DeviceCookie, &[user.as_bytes(), device.as_bytes()])
    }

    /// Opens a known-device cookie.
    pub fn open_device(&self, sealed: &str) -> Result<DeviceLocator, OpenError> {
        let bytes: [u8; 32] = self.open(Purpose::DeviceCookie, sealed)?;
        Ok(DeviceLocator { user: UserId::from_bytes(part(&bytes, 0)), device: DeviceId::from_bytes(part(&bytes, 16)) })
    }

    /// The cookie of a trusted device.
    pub fn trusted(&self, user: UserId, given: &Given, secret: &[u8; 16]) -> String {
        let generation = given.generation.to_be_bytes();
        self.seal(Purpose::TrustedCookie, &[user.as_bytes(), given.device.as_bytes(), secret, &generation])
    }

    /// Opens the cookie of a trusted device.
    pub fn open_trusted(&self, sealed: &str) -> Result<TrustedLocator, OpenError> {
        let bytes: [u8; 52] = self.open(Purpose::TrustedCookie, sealed)?;
        let trust = TrustRef {
            device: FactorId::from_bytes(part(&bytes, 16)),
            generation: u32::from_be_bytes(part(&bytes, 48)),
            secret_hash: sha256_b64(&bytes[32..48]),
        };
        Ok(TrustedLocator { user: UserId::from_bytes(part(&bytes, 0)), trust })
    }

    /// The secret of a reset link.
    pub fn reset(&self, user: UserId, reset: ResetId, secret: &[u8; 16]) -> String {
        self.seal(Purpose::ResetLink, &[user.as_bytes(), reset.as_bytes(), secret])
    }

    /// Opens the secret of a reset link.
    pub fn open_reset(&self, sealed: &str) -> Result<ResetLocator, OpenError> {
        let bytes: [u8; 48] = self.open(Purpose::ResetLink, sealed)?;
        Ok(ResetLocator {
            user: UserId::from_bytes(part(&bytes, 0)),
            reset: ResetId::from_bytes(part(&bytes, 16)),
            secret_hash: sha256_b64(&bytes[32..]),
        })
    }

    /// The secret of a link that cancels a recovery.
    pub fn recovery(&self, user: UserId, recovery: RecoveryId, secret: &[u8; 16]) -> String {
        self.seal(Purpose::RecoveryLink, &[user.as_bytes(), recovery.as_bytes(), secret])
    }

    /// Opens the secret of a link that cancels a recovery.
    pub fn open_recovery(&self, sealed: &str) -> Result<RecoveryLocator, OpenError> {
        let bytes: [u8; 48] = self.open(Purpose::RecoveryLink, sealed)?;
        Ok(RecoveryLocator {
            user: UserId::from_bytes(part(&bytes, 0)),
            recovery: RecoveryId::from_bytes(part(&bytes, 16)),
            secret_hash: sha256_b64(&bytes[32..]),
        })
    }

    /// The token of a link that completes a login.
    pub fn login_link(&self, user: UserId, login: LoginId, secret: &[u8; 16], code: &Code) -> String {
        self.seal(Purpose::LoginLink, &[user.as_bytes(), login.as_bytes(), secret, code.digits()])
    }

    /// Opens the token of a link that completes a login.
    pub fn open_login_link(&self, sealed: &str) -> Result<LoginLinkLocator, OpenError> {
        let bytes: Zeroizing<[u8; 54]> = Zeroizing::new(self.open(Purpose::LoginLink, sealed)?);
        Ok(LoginLinkLocator {
            user: UserId::from_bytes(part(&bytes[..], 0)),
            login: LoginId::from_bytes(part(&bytes[..], 16)),
            secret_hash: sha256_b64(&bytes[32..48]),
            code: code(&bytes[48..])?,
        })
    }

    /// The token of a link that activates an address, in a session.
    pub fn address_link(
        &self,
        user: UserId,
        (session, factor): (SessionId, FactorId),
        secret: &[u8; 16],
        code: &Code,
    ) -> String {
        let parts: [&[u8]; 5] = [user.as_bytes(), session.as_bytes(), factor.as_bytes(), secret, code.digits()];
        self.seal(Purpose::AddressLink, &parts)
    }

    /// Opens the token of a link that activates an address.
    pub fn open_address_link(&self, sealed: &str) -> Result<AddressLinkLocator, OpenError> {
        let bytes: Zeroizing<[u8; 70]> = Zeroizing::new(self.open(Purpose::AddressLink, sealed)?);
        Ok(AddressLinkLocator {
            user: UserId::from_bytes(part(&bytes[..], 0)),
            session: SessionId::from_bytes(part(&bytes[..], 16)),
            factor: FactorId::from_bytes(part(&bytes[..], 32)),
            secret_hash: sha256_b64(&bytes[48..64]),
            code: code(&bytes[64..])?,
        })
    }

    /// The token of a link that makes an account, begun in a login or on its own.
    pub fn registration(&self, user: UserId, login: Option<LoginId>, secret: &[u8; 16]) -> String {
        let login = login.unwrap_or(NO_LOGIN);
        self.seal(Purpose::RegistrationLink, &[user.as_bytes(), login.as_bytes(), secret])
    }

    /// Opens the token of a link that makes an account.
    pub fn open_registration(&self, sealed: &str) -> Result<RegistrationLocator, OpenError> {
        let bytes: [u8; 48] = self.open(Purpose::RegistrationLink, sealed)?;
        let login = LoginId::from_bytes(part(&bytes, 16));
        Ok(RegistrationLocator {
            user: UserId::from_bytes(part(&bytes, 0)),
            login: (login != NO_LOGIN).then_some(login),
            secret_hash: sha256_b64(&bytes[32..]),
        })
    }
}

/// Stands for no login.
const NO_LOGIN: LoginId = LoginId::from_bytes([0; 16]);

/// Six digits.
fn code(digits: &[u8]) -> Result<Code, OpenError> {
    std::str::from_utf8(digits).ok().and_then(totp::parse_code).ok_or(OpenError::Malformed)
}

/// `N` bytes from `start`; the caller's array is long enough.
fn part<const N: usize>(bytes: &[u8], start: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[start..start + N]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{entropy::SeededEntropy, vault::MasterKeys};

    #[test]
    fn a_locator_opens_for_its_own_purpose_alone() {
        let entropy = SeededEntropy::new(1);
        let keys = MasterKeys::generate(&entropy, &"k1".parse().expect("a key id")).expect("generates");
        let vault = Vault::new(&keys, keys.first().clone(), "incarnation").expect("the key is there");
        let locators = Locators { vault: &vault, entropy: &entropy };
        let user = UserId::from_random([1; 16]);
        let sealed = locators.code(user, CodeId::from_bytes([2; 16]), &[3; 16]);
        let opened = locators.open_code(&sealed).expect("opens");
        assert_eq!((opened.user, opened.code), (user, CodeId::from_bytes([2; 16])));
        assert_eq!(opened.secret_hash, sha256_b64(&[3; 16]));
        assert!(locators.open_session(&sealed).is_err());
        let refresh = locators.refresh(user, FamilyId::from_bytes([4; 16]), 7, &[5; 16]);
        let opened = locators.open_refresh(&refresh).expect("opens");
        assert_eq!((opened.generation, opened.secret_hash), (7, sha256_b64(&[5; 16])));
    }
}
