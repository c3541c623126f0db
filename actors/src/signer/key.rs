//! Private keys: made, parsed once, and signed with.

use std::fmt;

use aws_lc_rs::{
    encoding::AsDer,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
        RsaPublicKeyComponents,
    },
};
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{
    Algorithm, Header,
    crypto::JwtSigner,
    signature::{self, Signer},
};
use schema::{KeyId, record::SigningAlg};
use serde::Serialize;
use serde_json::{Value, json};

use super::SignerError;
use crate::secret::{Secret, sha256_b64};

/// A new key pair, to be stored: the private half sealed, the public half as it is.
#[derive(Clone, Debug)]
pub struct SigningKeyPair {
    /// RFC 7638 thumbprint of the public key; also in its JWK.
    pub kid: KeyId,
    /// PKCS #8.
    pub pkcs8: Secret<Vec<u8>>,
    /// The public key as a JWK, with `kid`, `alg` and `use`.
    pub public_jwk: Value,
}

impl SigningKeyPair {
    /// Makes a key with the random source inside aws-lc. RSA (2048 bits) takes 0.2 to 0.6 s: not for a reactor thread.
    pub fn generate(alg: SigningAlg) -> Result<Self, SignerError> {
        let pkcs8 = match alg {
            SigningAlg::RS256 => {
                RsaKeyPair::generate(KeySize::Rsa2048).and_then(|pair| pair.as_der()).map(|der| der.as_ref().to_vec())
            }
            SigningAlg::ES256 => EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
                .map(|der| der.as_ref().to_vec()),
            SigningAlg::EdDSA => Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map(|der| der.as_ref().to_vec()),
        };
        let pkcs8 = Secret::new(pkcs8.map_err(|_| SignerError::Generation)?);
        let mut public_jwk = Private::parse(alg, pkcs8.expose())?.public_jwk();
        let kid: KeyId = thumbprint(&public_jwk).parse().map_err(|_| SignerError::Generation)?;
        public_jwk["kid"] = json!(kid);
        public_jwk["alg"] = json!(alg);
        public_jwk["use"] = json!("sig");
        Ok(Self { kid, pkcs8, public_jwk })
    }
}

/// RFC 7638: SHA-256 over the required members, in lexical order, without white space. `public` holds no others.
pub(super) fn thumbprint(public: &Value) -> String {
    sha256_b64(public.to_string().as_bytes())
}

enum Private {
    Rsa(RsaKeyPair),
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Private {
    fn parse(alg: SigningAlg, pkcs8: &[u8]) -> Result<Self, SignerError> {
        let key = match alg {
            SigningAlg::RS256 => RsaKeyPair::from_pkcs8(pkcs8).map(Self::Rsa),
            SigningAlg::ES256 => EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).map(Self::Ecdsa),
            SigningAlg::EdDSA => Ed25519KeyPair::from_pkcs8(pkcs8).map(Self::Ed25519),
        };
        key.map_err(|_| SignerError::PrivateKey)
    }

    /// The required members alone. `serde_json` writes them in lexical order.
    fn public_jwk(&self) -> Value {
        let b64 = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
        match self {
            Self::Rsa(pair) => {
                let RsaPublicKeyComponents { n, e } = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                json!({ "kty": "RSA", "n": b64(&n), "e": b64(&e) })
            }
            Self::Ecdsa(pair) => {
                // Uncompressed point (SEC 1, 2.3.3): 04, x, y.
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                json!({ "kty": "EC", "crv": "P-256", "x": b64(x), "y": b64(y) })
            }
            Self::Ed25519(pair) => json!({ "kty": "OKP", "crv": "Ed25519", "x": b64(pair.public_key().as_ref()) }),
        }
    }
}

/// A private key, parsed, with the name it signs under.
pub struct ParsedKey {
    kid: KeyId,
    alg: Algorithm,
    private: Private,
    random: SystemRandom,
}

impl ParsedKey {
    /// Parses a key of [`SigningKeyPair`].
    pub fn from_pkcs8(kid: KeyId, alg: SigningAlg, pkcs8: &[u8]) -> Result<Self, SignerError> {
        let private = Private::parse(alg, pkcs8)?;
        Ok(Self { kid, alg: algorithm(alg), private, random: SystemRandom::new() })
    }

    /// Its `kid`.
    pub const fn kid(&self) -> &KeyId {
        &self.kid
    }

    /// Signs `claims` as a JWT whose header has `typ`, `alg` and `kid`. `typ` is `JWT` for ID tokens and `at+jwt` for
    /// access tokens (RFC 9068, 2.1).
    pub fn sign_jwt(&self, typ: &str, claims: &impl Serialize) -> Result<String, SignerError> {
        let header = Header { typ: Some(typ.to_owned()), kid: Some(self.kid.to_string()), ..Header::new(self.alg) };
        let mut token = String::with_capacity(1024);
        append(&mut token, &header)?;
        token.push('.');
        append(&mut token, claims)?;
        let signature = self.try_sign(token.as_bytes()).map_err(|_| SignerError::Signature)?;
        token.push('.');
        BASE64URL_NOPAD.encode_append(&signature, &mut token);
        Ok(token)
    }
}

fn append(token: &mut String, part: &impl Serialize) -> Result<(), SignerError> {
    let json = serde_json::to_vec(part).map_err(|_| SignerError::Claims)?;
    if json.first() != Some(&b'{') {
        return Err(SignerError::Claims);
    }
    BASE64URL_NOPAD.encode_append(&json, token);
    Ok(())
}

impl Signer<Vec<u8>> for ParsedKey {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        match &self.private {
            Private::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &self.random, message, &mut signature)
                    .map_err(|_| signature::Error::new())?;
                Ok(signature)
            }
            Private::Ecdsa(pair) => {
                pair.sign(&self.random, message).map(|s| s.as_ref().to_vec()).map_err(|_| signature::Error::new())
            }
            Private::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
        }
    }
}

impl JwtSigner for ParsedKey {
    fn algorithm(&self) -> Algorithm {
        self.alg
    }
}

impl fmt::Debug for ParsedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParsedKey").field("kid", &self.kid).field("alg", &self.alg).finish_non_exhaustive()
    }
}

/// The name of the algorithm in `jsonwebtoken`.
pub(super) const fn algorithm(alg: SigningAlg) -> Algorithm {
    match alg {
        SigningAlg::RS256 => Algorithm::RS256,
        SigningAlg::ES256 => Algorithm::ES256,
        SigningAlg::EdDSA => Algorithm::EdDSA,
    }
}
