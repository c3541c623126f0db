//! Access tokens whose signatures were checked a moment ago. Checking one costs 52 µs, looking it up less than one. What
//! is kept says nothing about whether the token still counts: its owner is asked each time.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use actors::{
    key_ring::KeySet,
    signer::VerifyError,
    tokens::{TokenIssuer, VerifiedAccess},
};
use schema::Timestamp;
use sha2::{Digest, Sha256};

/// Tokens kept, at most; about a kilobyte each.
const MAX: usize = 4_000;

#[derive(Default)]
struct Known {
    /// The keys that all of `tokens` were checked with.
    keys: Option<Arc<KeySet>>,
    tokens: HashMap<[u8; 32], Arc<VerifiedAccess>>,
}

/// Tokens by their SHA-256.
#[derive(Default)]
pub(super) struct VerifiedTokens(Mutex<Known>);

impl std::fmt::Debug for VerifiedTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VerifiedTokens").field("tokens", &self.known().tokens.len()).finish_non_exhaustive()
    }
}

impl VerifiedTokens {
    /// Checks a token, or finds that it was checked with these very keys.
    pub(super) fn verify(
        &self,
        issuer: &TokenIssuer,
        keys: &Arc<KeySet>,
        token: &str,
        now: Timestamp,
    ) -> Result<Arc<VerifiedAccess>, VerifyError> {
        let digest: [u8; 32] = Sha256::digest(token).into();
        if let Some(known) = self.of(keys).tokens.get(&digest).filter(|known| now.as_secs() < known.claims.exp) {
            return Ok(Arc::clone(known));
        }
        let verified = Arc::new(issuer.verify_access(keys, token, now)?);
        let mut known = self.of(keys);
        if known.tokens.len() >= MAX {
            known.tokens.retain(|_, kept| now.as_secs() < kept.claims.exp);
        }
        if known.tokens.len() >= MAX {
            known.tokens.clear();
        }
        known.tokens.insert(digest, Arc::clone(&verified));
        Ok(verified)
    }

    /// What is known under these keys: nothing, if they are new.
    fn of(&self, keys: &Arc<KeySet>) -> MutexGuard<'_, Known> {
        let mut known = self.known();
        if !known.keys.as_ref().is_some_and(|of| Arc::ptr_eq(of, keys)) {
            *known = Known { keys: Some(Arc::clone(keys)), tokens: HashMap::new() };
        }
        known
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
