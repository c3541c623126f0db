//! Tokens, verified against public keys that are parsed once. The key says the algorithm, never the token (RFC 8725,
//! 3.1), so `none` and HMAC cannot be asked for.

use std::{collections::BTreeMap, fmt, time::Duration};

use jsonwebtoken::{DecodingKey, Validation, decode, decode_header, jwk::Jwk};
use schema::{KeyId, Timestamp, record::SigningAlg};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use thiserror::Error;

use super::{SignerError, key::algorithm};

/// A public key.
#[derive(Clone)]
pub struct PublicKey {
    kid: KeyId,
    alg: SigningAlg,
    key: DecodingKey,
}

impl PublicKey {
    /// Reads a JWK that names its `kid` and `alg`, as [`super::SigningKeyPair`] makes them.
    pub fn from_jwk(jwk: &str) -> Result<Self, SignerError> {
        #[derive(Deserialize)]
        struct Names {
            kid: KeyId,
            alg: SigningAlg,
        }
        let Names { kid, alg } = serde_json::from_str(jwk).map_err(|_| SignerError::PublicKey)?;
        let jwk: Jwk = serde_json::from_str(jwk).map_err(|_| SignerError::PublicKey)?;
        let key = DecodingKey::from_jwk(&jwk).map_err(|_| SignerError::PublicKey)?;
        if key.family() == algorithm(alg).family() { Ok(Self { kid, alg, key }) } else { Err(SignerError::PublicKey) }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey").field("kid", &self.kid).field("alg", &self.alg).finish_non_exhaustive()
    }
}

/// Public keys by `kid`.
#[derive(Clone, Debug, Default)]
pub struct PublicKeys(BTreeMap<Box<str>, PublicKey>);

impl FromIterator<PublicKey> for PublicKeys {
    fn from_iter<I: IntoIterator<Item = PublicKey>>(keys: I) -> Self {
        Self(keys.into_iter().map(|key| (key.kid.as_str().into(), key)).collect())
    }
}

impl PublicKeys {
    /// The key with this `kid`.
    pub fn get(&self, kid: &str) -> Option<&PublicKey> {
        self.0.get(kid)
    }
}

/// What a token must say.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// `typ` of the header, in lower case, without `application/`.
    pub typ: &'a str,
    /// `iss`, exactly.
    pub issuer: &'a str,
    /// One of these must be in `aud`; `None`: the caller looks at it.
    pub audience: Option<&'a [&'a str]>,
    /// The time that `exp` and `nbf` are judged by; `None`: a token that has ended is taken, as an `id_token_hint` may be
    /// (RP-Initiated Logout 1.0, 4).
    pub now: Option<Timestamp>,
    /// How far clocks may differ.
    pub leeway: Duration,
}

/// Why a token is not accepted.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum VerifyError {
    /// It is not a signed JWT, or has header members that must be understood and are not.
    #[error("not a signed JWT")]
    Malformed,
    /// It names no key, or one that is not published (any more).
    #[error("signed with an unknown key")]
    UnknownKey,
    /// Another algorithm than the key's.
    #[error("signed with another algorithm than the key's")]
    WrongAlgorithm,
    /// The signature does not match.
    #[error("the signature does not match")]
    BadSignature,
    /// A token of another kind.
    #[error("a token of another type")]
    WrongType,
    /// Another issuer.
    #[error("issued by somebody else")]
    WrongIssuer,
    /// Another audience.
    #[error("issued for somebody else")]
    WrongAudience,
    /// Its time is over, or has not come.
    #[error("not valid at this time")]
    NotNow,
    /// A claim is missing or of another type.
    #[error("its claims are not the expected ones")]
    Claims,
}

/// The claims that are judged here.
#[derive(Deserialize)]
struct Judged {
    iss: String,
    aud: Option<Audience>,
    exp: i64,
    nbf: Option<i64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    fn meets(&self, accepted: &[&str]) -> bool {
        match self {
            Self::One(aud) => accepted.contains(&aud.as_str()),
            Self::Many(auds) => auds.iter().any(|aud| accepted.contains(&aud.as_str())),
        }
    }
}

/// Verifies a token and reads its claims: key by `kid`, algorithm of the key, `typ`, signature, `iss`, `aud`, time, in
/// this order.
pub fn verify_jwt<T: DeserializeOwned>(
    token: &str,
    keys: &PublicKeys,
    expected: &Expected<'_>,
) -> Result<T, VerifyError> {
    let header = decode_header(token).map_err(|_| VerifyError::Malformed)?;
    if header.crit.is_some() || token.split('.').count() != 3 {
        return Err(VerifyError::Malformed);
    }
    let key = header.kid.as_deref().and_then(|kid| keys.get(kid)).ok_or(VerifyError::UnknownKey)?;
    if header.alg != algorithm(key.alg) {
        return Err(VerifyError::WrongAlgorithm);
    }
    let typ = header.typ.unwrap_or_default().to_ascii_lowercase();
    if typ.strip_prefix("application/").unwrap_or(&typ) != expected.typ {
        return Err(VerifyError::WrongType);
    }
    // Time and audience are judged below, by the caller's clock.
    let mut validation = Validation::new(algorithm(key.alg));
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    let claims: Box<RawValue> = decode(token, &key.key, &validation).map_err(|error| refusal(&error))?.claims;
    judge(serde_json::from_str(claims.get()).map_err(|_| VerifyError::Claims)?, expected)?;
    serde_json::from_str(claims.get()).map_err(|_| VerifyError::Claims)
}

fn refusal(error: &jsonwebtoken::errors::Error) -> VerifyError {
    match error.kind() {
        jsonwebtoken::errors::ErrorKind::InvalidSignature => VerifyError::BadSignature,
        _ => VerifyError::Malformed,
    }
}

fn judge(claims: Judged, expected: &Expected<'_>) -> Result<(), VerifyError> {
    if claims.iss != expected.issuer {
        return Err(VerifyError::WrongIssuer);
    }
    if expected.audience.is_some_and(|accepted| !claims.aud.is_some_and(|aud| aud.meets(accepted))) {
        return Err(VerifyError::WrongAudience);
    }
    let Some(now) = expected.now else { return Ok(()) };
    let over = now.before(expected.leeway).as_secs() >= claims.exp;
    let early = claims.nbf.is_some_and(|nbf| now.after(expected.leeway).as_secs() < nbf);
    if over || early { Err(VerifyError::NotNow) } else { Ok(()) }
}
