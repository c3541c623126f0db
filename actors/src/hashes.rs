//! The hash pool as the services use it: salts drawn here, deadlines of requests, parameters of passwords and of backup
//! codes.

use std::sync::Arc;

use crate::{
    call::{CallError, Deadline},
    clock::Clock,
    domain::factor::backup_code,
    entropy::Entropy,
    hasher::{Argon2Params, Hasher, Priority},
    secret::{Secret, Seed},
};

/// A handle on the pool. Cheap to clone.
#[derive(Clone)]
pub struct Hashes {
    hasher: Arc<Hasher>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl std::fmt::Debug for Hashes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hashes").field("params", &self.hasher.params()).finish_non_exhaustive()
    }
}

impl Hashes {
    /// The pool, with the clock that its deadlines are measured by.
    pub fn new(hasher: Hasher, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { hasher: Arc::new(hasher), clock, entropy }
    }

    /// Hashes a password under the parameters in force.
    pub async fn hash(
        &self,
        password: &Secret<String>,
        priority: Priority,
        deadline: Deadline,
    ) -> Result<String, CallError> {
        let (salt, params) = (self.entropy.array(), self.hasher.params());
        Ok(self.hasher.hash(password, salt, params, priority, self.latest_start(deadline)).await?)
    }

    /// Does the secret match the hash?
    pub async fn verify(
        &self,
        secret: &Secret<String>,
        phc: &str,
        priority: Priority,
        deadline: Deadline,
    ) -> Result<bool, CallError> {
        Ok(self.hasher.verify(secret, phc, priority, self.latest_start(deadline)).await?)
    }

    /// The work of checking a password, where there is none to check.
    pub async fn verify_dummy(
        &self,
        password: &Secret<String>,
        priority: Priority,
        deadline: Deadline,
    ) -> Result<(), CallError> {
        self.hasher.verify_dummy(password, priority, self.latest_start(deadline)).await?;
        Ok(())
    }

    /// The work of checking a backup code, where there is none to check.
    pub async fn verify_dummy_small(
        &self,
        secret: &Secret<String>,
        priority: Priority,
        deadline: Deadline,
    ) -> Result<(), CallError> {
        let latest = self.latest_start(deadline);
        self.hasher.hash(secret, self.entropy.array(), Argon2Params::BACKUP_CODE, priority, latest).await?;
        Ok(())
    }

    /// Was the hash made with other parameters, or under another pepper, than a new one would be?
    pub fn needs_rehash(&self, phc: &str) -> bool {
        self.hasher.needs_rehash(phc, self.hasher.params())
    }

    /// `(locator, hash)` of the ten backup codes that this seed draws.
    pub async fn backup_codes(&self, seed: &Seed, deadline: Deadline) -> Result<Vec<(String, String)>, CallError> {
        let latest = self.latest_start(deadline);
        let mut hashes = Vec::new();
        for code in backup_code::draw(seed) {
            let parts = code.parts();
            let salt = self.entropy.array();
            let params = Argon2Params::BACKUP_CODE;
            let hash = self.hasher.hash(&parts.secret, salt, params, Priority::KnownDevice, latest).await?;
            hashes.push((parts.locator, hash));
        }
        Ok(hashes)
    }

    fn latest_start(&self, deadline: Deadline) -> std::time::Duration {
        self.clock.monotonic() + deadline.remaining()
    }
}
