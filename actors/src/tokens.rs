//! Tokens: made of a [`Grant`], and read back. Refresh tokens are sealed locators, access tokens are JWTs (RFC 9068)
//! whose `jti` is one, ID tokens are JWTs for the client alone.

use std::{sync::Arc, time::Duration};

use schema::{
    ClientId, Timestamp,
    record::{AuthorizationDetail, SigningAlg},
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    domain::{command::Grant, context::Settings, scope},
    entropy::Entropy,
    key_ring::KeySet,
    locator::{AccessLocator, Locators},
    secret::{Secret, Seed},
    signer::{Expected, SignerError, VerifyError, verify_jwt},
    vault::Vault,
};

/// Clocks of resource servers may differ by this much.
const LEEWAY: Duration = Duration::from_secs(5);

/// A token response (RFC 6749, 5.1; OpenID Connect Core, 3.1.3.3).
#[derive(Debug)]
pub struct Tokens {
    /// RFC 9068.
    pub access_token: Secret<String>,
    /// Seconds.
    pub expires_in: u64,
    /// A sealed locator.
    pub refresh_token: Secret<String>,
    /// With scope `openid`.
    pub id_token: Option<Secret<String>>,
    /// What was granted.
    pub scope: String,
    /// What the user confirmed (RFC 9396, 7).
    pub authorization_details: Vec<AuthorizationDetail>,
}

/// Claims of an access token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccessClaims {
    /// The issuer.
    pub iss: String,
    /// The user.
    pub sub: String,
    /// The issuer too, until clients ask for resources.
    pub aud: String,
    /// The client.
    pub client_id: ClientId,
    /// Seconds since the epoch.
    pub iat: i64,
    /// Seconds since the epoch.
    pub exp: i64,
    /// A sealed locator.
    pub jti: String,
    /// The public id of the session.
    pub sid: String,
    /// What was granted.
    pub scope: String,
    /// Seconds since the epoch.
    pub auth_time: i64,
    /// How the user was authenticated.
    pub acr: String,
    /// By which methods.
    pub amr: Vec<String>,
    /// What the user confirmed (RFC 9396, 9.1).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authorization_details: Vec<AuthorizationDetail>,
}

/// Claims of an ID token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IdClaims {
    /// The issuer.
    pub iss: String,
    /// The user.
    pub sub: String,
    /// The client.
    pub aud: String,
    /// Seconds since the epoch.
    pub iat: i64,
    /// Seconds since the epoch.
    pub exp: i64,
    /// Seconds since the epoch.
    pub auth_time: i64,
    /// As the client sent it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// How the user was authenticated.
    pub acr: String,
    /// By which methods.
    pub amr: Vec<String>,
    /// The public id of the session.
    pub sid: String,
    /// Left half of the access token's SHA-256 (OpenID Connect Core, 3.1.3.6).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_hash: Option<String>,
}

/// Why no token could be made.
#[derive(Debug, Error)]
pub enum TokenError {
    /// There is no key of that algorithm.
    #[error("no signing key for {0:?} is active")]
    NoKey(SigningAlg),
    /// Signing failed.
    #[error(transparent)]
    Signer(#[from] SignerError),
}

/// An access token, verified: signature, time, issuer, type. Whether it still counts, its owner says.
#[derive(Clone, Debug)]
pub struct VerifiedAccess {
    /// What it says.
    pub claims: AccessClaims,
    /// Whom to ask.
    pub locator: AccessLocator,
}

/// Makes and reads tokens, by keys that `KeyRing::current` told just now. Cheap to clone.
#[derive(Clone)]
pub struct TokenIssuer {
    pub(crate) vault: Arc<Vault>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) settings: Arc<Settings>,
}

impl std::fmt::Debug for TokenIssuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenIssuer").finish_non_exhaustive()
    }
}

impl TokenIssuer {
    /// Seals and opens locators.
    pub fn locators(&self) -> Locators<'_> {
        Locators { vault: &self.vault, entropy: self.entropy.as_ref() }
    }

    /// The tokens of a grant. `seed` is that of the attempt that got it.
    pub fn issue(
        &self,
        keys: &KeySet,
        grant: &Grant,
        seed: &Seed,
        id_token_alg: SigningAlg,
    ) -> Result<Tokens, TokenError> {
        let scope = scope::join(&grant.scopes);
        let access_key = keys.signer(SigningAlg::ES256).ok_or(TokenError::NoKey(SigningAlg::ES256))?;
        let access = access_key.sign_jwt("at+jwt", &self.access_claims(grant, &scope))?;
        let id_token = if grant.scopes.contains(scope::OPENID) {
            let key = keys.signer(id_token_alg).ok_or(TokenError::NoKey(id_token_alg))?;
            let at_hash = at_hash(&access, id_token_alg);
            Some(Secret::new(key.sign_jwt("JWT", &self.id_claims(grant, at_hash))?))
        } else {
            None
        };
        let secret = Grant::refresh_secret(seed);
        let refresh = self.locators().refresh(grant.user, grant.family, grant.generation, &secret);
        Ok(Tokens {
            access_token: Secret::new(access),
            expires_in: self.settings.access_token_lifetime.as_secs(),
            refresh_token: Secret::new(refresh),
            id_token,
            scope,
            authorization_details: grant.authorization_details.clone(),
        })
    }

    fn access_claims(&self, grant: &Grant, scope: &str) -> AccessClaims {
        AccessClaims {
            iss: self.settings.issuer.clone(),
            sub: grant.user.to_string(),
            aud: self.settings.issuer.clone(),
            client_id: grant.client.clone(),
            iat: grant.issued_at.as_secs(),
            exp: grant.issued_at.after(self.settings.access_token_lifetime).as_secs(),
            jti: self.locators().access(grant.user, grant.family),
            sid: grant.sid.to_string(),
            scope: scope.to_owned(),
            auth_time: grant.assurance.auth_time.as_secs(),
            acr: grant.acr().to_owned(),
            amr: grant.assurance.amr.clone(),
            authorization_details: grant.authorization_details.clone(),
        }
    }

    fn id_claims(&self, grant: &Grant, at_hash: String) -> IdClaims {
        IdClaims {
            iss: self.settings.issuer.clone(),
            sub: grant.user.to_string(),
            aud: grant.client.to_string(),
            iat: grant.issued_at.as_secs(),
            exp: grant.issued_at.after(self.settings.id_token_lifetime).as_secs(),
            auth_time: grant.assurance.auth_time.as_secs(),
            nonce: grant.nonce.clone(),
            acr: grant.acr().to_owned(),
            amr: grant.assurance.amr.clone(),
            sid: grant.sid.to_string(),
            at_hash: Some(at_hash),
        }
    }

    /// Verifies an access token.
    pub fn verify_access(&self, keys: &KeySet, token: &str, now: Timestamp) -> Result<VerifiedAccess, VerifyError> {
        let issuer = self.settings.issuer.as_str();
        let audience = [issuer];
        let expected = Expected { typ: "at+jwt", issuer, audience: Some(&audience), now: Some(now), leeway: LEEWAY };
        let claims: AccessClaims = verify_jwt(token, &keys.public, &expected)?;
        let locator = self.locators().open_access(&claims.jti).map_err(|_| VerifyError::Claims)?;
        Ok(VerifiedAccess { claims, locator })
    }

    /// Reads an ID token that a client sends back as a hint; one that has expired is still a hint.
    pub fn read_id_token_hint(&self, keys: &KeySet, token: &str) -> Result<IdClaims, VerifyError> {
        let issuer = self.settings.issuer.as_str();
        let expected = Expected { typ: "jwt", issuer, audience: None, now: None, leeway: LEEWAY };
        verify_jwt(token, &keys.public, &expected)
    }
}

/// The left half of the hash that belongs to the ID token's algorithm: SHA-256 for RS256 and ES256, SHA-512 for `EdDSA`
/// with Ed25519.
fn at_hash(access_token: &str, alg: SigningAlg) -> String {
    use sha2::{Digest, Sha256, Sha512};
    match alg {
        SigningAlg::RS256 | SigningAlg::ES256 => {
            data_encoding::BASE64URL_NOPAD.encode(&Sha256::digest(access_token)[..16])
        }
        SigningAlg::EdDSA => data_encoding::BASE64URL_NOPAD.encode(&Sha512::digest(access_token)[..32]),
    }
}
