//! JWTs: keys that are made and parsed once, tokens signed with them, and tokens verified (RFC 7515, 7517, 7519, 8725).
//!
//! `jsonwebtoken` parses the private key at each signature, which more than doubles the cost of RS256. So signing keeps
//! its types (header, algorithms, the [`JwtSigner`](jsonwebtoken::crypto::JwtSigner) trait) and brings a signer that
//! holds the parsed key; verifying is left to it.

mod key;
mod verify;

use thiserror::Error;

pub use key::{ParsedKey, SigningKeyPair};
pub use verify::{Expected, PublicKey, PublicKeys, VerifyError, verify_jwt};

/// Why a key cannot be used or a token not be signed. Says nothing of the key.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum SignerError {
    /// The private key is not PKCS #8 of the algorithm it is said to be for.
    #[error("the private signing key is not a PKCS #8 key of its algorithm")]
    PrivateKey,
    /// The public key is not a JWK of one of the supported algorithms.
    #[error("the public key is not a JWK of a supported algorithm")]
    PublicKey,
    /// The key could not be made.
    #[error("the key could not be generated")]
    Generation,
    /// The claims are not a JSON object.
    #[error("the claims cannot be written as JSON")]
    Claims,
    /// The signature failed.
    #[error("the token could not be signed")]
    Signature,
}

#[cfg(test)]
mod tests;
