//! Registered clients.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::record;
use crate::{ClientId, Timestamp};

/// How an ID token is signed (`id_token_signed_response_alg` of dynamic client registration).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SigningAlg {
    /// RSASSA-PKCS1-v1_5 with SHA-256, 2048 bits: what every client can verify.
    #[default]
    RS256,
    /// ECDSA on P-256.
    ES256,
    /// Ed25519.
    EdDSA,
}

/// One secret of a client: at least 128 random bits, so a plain hash keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientSecret {
    /// SHA-256 of the secret, base64url.
    pub hash: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// After this it is refused; set on the old secret when a new one is made.
    pub expires_at: Option<Timestamp>,
}

/// How a client proves itself at the token endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum ClientAuth {
    /// Not at all: a public client; PKCE is required.
    None,
    /// By `client_secret_basic` or `client_secret_post`.
    Secret {
        /// The secrets that are good, newest first.
        secrets: Vec<ClientSecret>,
    },
}

record! {
    /// Item `registration` of a client's partition.
    pub struct Client: 1 {
        /// Which.
        pub client: ClientId,
        /// The name that people read on the consent page.
        pub name: String,
        /// Where codes may be sent; compared as exact strings (RFC 9700, 2.1).
        pub redirect_uris: Vec<String>,
        /// Where a browser may be sent after logout; compared as exact strings.
        pub post_logout_redirect_uris: Vec<String>,
        /// Scopes that it may ask for.
        pub scopes: BTreeSet<String>,
        /// How it proves itself.
        pub auth: ClientAuth,
        /// Is it the operator's own? Then no consent is asked.
        pub trusted: bool,
        /// Is PKCE required? Always so for public clients.
        pub require_pkce: bool,
        /// How its ID tokens are signed.
        pub id_token_alg: SigningAlg,
        /// When it was registered.
        pub created_at: Timestamp,
    }
}
