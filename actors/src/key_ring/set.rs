//! The keys as they are shown: parsed, and as operators see them.

use std::sync::Arc;

use schema::{
    KeyId, Timestamp,
    record::{SigningAlg, SigningKey, SigningKeyState},
};
use serde_json::{Value, json};

use super::KeyRingError;
use crate::{
    signer::{ParsedKey, PublicKey, PublicKeys, SignerError},
    vault::{Purpose, Vault},
};

/// The keys as of one moment.
#[derive(Debug, Default)]
pub struct KeySet {
    active: Vec<(SigningAlg, Arc<ParsedKey>)>,
    /// For verification: active, pending and retiring.
    pub public: PublicKeys,
    /// The JWKS document (RFC 7517), as it is served.
    pub jwks: Arc<str>,
    /// What operators see.
    pub list: Vec<KeyView>,
    /// The generation of the keys that was known before these were loaded.
    pub(super) generation: Option<u64>,
}

/// A key, as operators see it.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct KeyView {
    /// `kid`.
    pub kid: KeyId,
    /// What it signs.
    pub alg: SigningAlg,
    /// Where it stands.
    pub state: SigningKeyState,
    /// When it was made.
    pub created_at: Timestamp,
}

impl KeySet {
    /// The key that signs this algorithm.
    pub fn signer(&self, alg: SigningAlg) -> Option<&Arc<ParsedKey>> {
        self.active.iter().find(|(known, _)| *known == alg).map(|(_, key)| key)
    }

    /// The stored keys, opened and parsed.
    pub(super) fn parse(
        mut keys: Vec<SigningKey>,
        vault: &Vault,
        generation: Option<u64>,
    ) -> Result<Self, KeyRingError> {
        // In the order of the store, so that every node and every start publishes the same document.
        keys.sort_by(|a, b| a.kid.as_str().cmp(b.kid.as_str()));
        let mut set = Self { generation, ..Self::default() };
        let mut public = Vec::new();
        let mut jwks = Vec::new();
        for key in keys {
            if matches!(key.state, SigningKeyState::Active { .. }) {
                let opened = vault.open(Purpose::SigningKey, &[key.kid.as_str()], &key.private);
                let pkcs8 = opened.map_err(|_| KeyRingError::Sealed(key.kid.clone()))?;
                let parsed = ParsedKey::from_pkcs8(key.kid.clone(), key.alg, &pkcs8)?;
                set.active.push((key.alg, Arc::new(parsed)));
            }
            public.push(PublicKey::from_jwk(&key.public_jwk)?);
            jwks.push(serde_json::from_str::<Value>(&key.public_jwk).map_err(|_| SignerError::PublicKey)?);
            set.list.push(KeyView { kid: key.kid, alg: key.alg, state: key.state, created_at: key.created_at });
        }
        set.public = public.into_iter().collect();
        set.jwks = json!({ "keys": jwks }).to_string().into();
        Ok(set)
    }
}
