//! Slow hashes (Argon2id, RFC 9106) on threads of their own, so that neither the reactor nor other work waits for them.
//!
//! How a password is hashed:
//!
//! 1. The caller normalises it (`domain::factor::password::normalise`) and asks with a priority and a deadline.
//! 2. Where a pepper is configured, the input becomes HMAC-SHA256(pepper, password) in base64, and the hash names the
//!    pepper's key (`keyid`), so that a ring may change under the hashes it made.
//! 3. A thread takes the job, or answers [`HashError::Overloaded`] without hashing if its deadline has passed meanwhile.
//!    What is begun is finished, however late.

mod phc;
mod queue;
mod worker;

use std::{
    collections::BTreeMap,
    fmt,
    num::NonZero,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use data_encoding::BASE64_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use schema::KeyId;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use thiserror::Error;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

pub use queue::Priority;

use crate::{clock::Clock, secret::Secret};
use phc::{OUTPUT, Phc};
use worker::{Job, Shared};

/// A thread without work for this long gives its memory back.
const IDLE: Duration = Duration::from_secs(30);

/// The cost of a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argon2Params {
    /// Memory in KiB, at least 8 per lane.
    pub m_kib: u32,
    /// Passes.
    pub t: u32,
    /// Lanes, computed one after the other.
    pub p: u32,
}

impl Argon2Params {
    /// Passwords: the first row of OWASP's table, about 18 ms on the machines this is built for.
    pub const PASSWORD: Self = Self { m_kib: 19_456, t: 2, p: 1 };
    /// Backup codes, about 1 ms. Their 80 random bits are out of reach of any search, so the hash need only be a salted
    /// password hash (NIST SP 800-63B-4, 3.1.2.2, asks for one below 112 bits); more cost would buy nothing, and a fresh
    /// set takes ten.
    pub const BACKUP_CODE: Self = Self { m_kib: 1024, t: 2, p: 1 };
}

impl Default for Argon2Params {
    fn default() -> Self {
        Self::PASSWORD
    }
}

/// The keys that go before the hash. Held by this process alone, so a stolen store cannot be searched.
#[derive(Clone, Debug)]
pub struct Peppers {
    /// All keys, by the id that hashes name.
    keys: BTreeMap<KeyId, Secret<[u8; 32]>>,
    /// Which of them is for new hashes; the vault changes it.
    active: Arc<AtomicUsize>,
}

impl Peppers {
    /// Peppers of which `active`, counted in the order of their ids, is for new hashes.
    pub fn new(keys: BTreeMap<KeyId, Secret<[u8; 32]>>, active: Arc<AtomicUsize>) -> Self {
        Self { keys, active }
    }

    /// The key of this id.
    pub fn of(&self, id: &KeyId) -> Option<&Secret<[u8; 32]>> {
        self.keys.get(id)
    }

    /// The key for new hashes.
    pub fn active(&self) -> Option<&KeyId> {
        self.keys.keys().nth(self.active.load(Ordering::Acquire))
    }
}

/// How a [`Hasher`] is set up.
pub struct HasherOptions {
    /// The cost of new password hashes, and of the dummy.
    pub params: Argon2Params,
    /// Threads; `None`: one per core that the process may use.
    pub threads: Option<NonZero<usize>>,
    /// Jobs that may wait, known devices and others together.
    pub queue: usize,
    /// Keys that go before the hash; see `Vault::peppers`.
    pub pepper: Option<Peppers>,
    /// What deadlines are measured by.
    pub clock: Arc<dyn Clock>,
}

impl fmt::Debug for HasherOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HasherOptions")
            .field("params", &self.params)
            .field("queue", &self.queue)
            .finish_non_exhaustive()
    }
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum HashError {
    /// The queue is full, the deadline passed before a thread was free, or the process is ending. Nothing was hashed.
    #[error("too many passwords are being checked; try again shortly")]
    Overloaded,
    /// The stored hash is none that this node verifies.
    #[error("the stored password hash cannot be used: {0}")]
    Unreadable(&'static str),
}

/// The hash threads. Dropping it refuses what waits and ends them.
pub struct Hasher {
    shared: Arc<Shared>,
    params: Argon2Params,
    pepper: Option<Peppers>,
    dummy: String,
}

impl Hasher {
    /// Starts the threads.
    pub fn new(options: HasherOptions) -> std::io::Result<Self> {
        let HasherOptions { params, threads, queue, pepper, clock } = options;
        let threads = threads.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZero::get);
        let shared = Arc::new(Shared::new(queue, clock));
        // Made first, so that its drop ends the threads already started if one cannot be.
        let dummy = Phc {
            params,
            pepper: pepper.as_ref().and_then(|peppers| peppers.active().cloned()),
            salt: vec![0; 16],
            output: vec![0; OUTPUT],
        };
        let hasher = Self { shared: Arc::clone(&shared), params, pepper, dummy: dummy.to_string() };
        for index in 0..threads {
            let shared = Arc::clone(&shared);
            thread::Builder::new().name(format!("hash-{index}")).spawn(move || worker::run(&shared, IDLE))?;
        }
        Ok(hasher)
    }

    /// The cost of new password hashes.
    pub const fn params(&self) -> Argon2Params {
        self.params
    }

    /// Hashes a secret; the answer is a PHC string. `deadline` is the latest start, on the clock's monotonic time.
    #[expect(clippy::too_many_arguments, reason = "what a hash takes; `Hashes` fills in salt and parameters")]
    pub async fn hash(
        &self,
        secret: &Secret<String>,
        salt: [u8; 16],
        params: Argon2Params,
        priority: Priority,
        deadline: Duration,
    ) -> Result<String, HashError> {
        let pepper = self.pepper.as_ref().and_then(|peppers| peppers.active().cloned());
        let mut phc = Phc { params, pepper, salt: salt.to_vec(), output: vec![0; OUTPUT] };
        phc.output = self.compute(secret, &phc, priority, deadline).await?.to_vec();
        Ok(phc.to_string())
    }

    /// Does the secret match the hash? Compared in constant time.
    pub async fn verify(
        &self,
        secret: &Secret<String>,
        phc: &str,
        priority: Priority,
        deadline: Duration,
    ) -> Result<bool, HashError> {
        let phc = Phc::parse(phc)?;
        let output = self.compute(secret, &phc, priority, deadline).await?;
        Ok(output.ct_eq(&phc.output).into())
    }

    /// Does the work of [`Hasher::verify`] where there is no hash to compare with, and answers `false`.
    pub async fn verify_dummy(
        &self,
        secret: &Secret<String>,
        priority: Priority,
        deadline: Duration,
    ) -> Result<bool, HashError> {
        self.verify(secret, &self.dummy, priority, deadline).await.map(|_| false)
    }

    /// Was the hash made with other parameters, or under another pepper, than a new one would be?
    pub fn needs_rehash(&self, phc: &str, params: Argon2Params) -> bool {
        let active = self.pepper.as_ref().and_then(Peppers::active);
        Phc::parse(phc).map_or(true, |phc| phc.params != params || phc.pepper.as_ref() != active)
    }

    async fn compute(
        &self,
        secret: &Secret<String>,
        phc: &Phc,
        priority: Priority,
        deadline: Duration,
    ) -> Result<Zeroizing<Vec<u8>>, HashError> {
        if !phc.params.bounded() {
            return Err(HashError::Unreadable("its parameters ask for too much work"));
        }
        let (reply, answer) = oneshot::channel();
        let job = Job {
            input: self.input(secret, phc.pepper.as_ref())?,
            salt: phc.salt.clone(),
            params: phc.params,
            output: phc.output.len(),
            queued: self.shared.clock.monotonic(),
            reply,
        };
        let full = self.shared.queue().push(job, priority, deadline).is_err();
        if full {
            metrics::counter!("doorward_kdf_refused_total").increment(1);
            return Err(HashError::Overloaded);
        }
        self.shared.wake_one();
        // A thread that dies drops the job: nobody hashed it.
        answer.await.unwrap_or(Err(HashError::Overloaded))
    }

    fn input(&self, secret: &Secret<String>, pepper: Option<&KeyId>) -> Result<Zeroizing<Vec<u8>>, HashError> {
        let secret = secret.expose().as_bytes();
        let Some(id) = pepper else { return Ok(Zeroizing::new(secret.to_vec())) };
        let key = self.pepper.as_ref().and_then(|peppers| peppers.of(id));
        let key = key.ok_or(HashError::Unreadable("its pepper is not in the key ring"))?;
        let mut mac = Hmac::<Sha256>::new_from_slice(key.expose()).expect("HMAC takes keys of any length");
        mac.update(secret);
        let peppered = Zeroizing::new(<[u8; 32]>::from(mac.finalize().into_bytes()));
        Ok(Zeroizing::new(BASE64_NOPAD.encode(&*peppered).into_bytes()))
    }
}

impl Drop for Hasher {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hasher").field("params", &self.params).finish_non_exhaustive()
    }
}

/// The pepper's key that a hash names; `None`: no pepper, or no hash of ours.
pub(crate) fn pepper_of(phc: &str) -> Option<KeyId> {
    Phc::parse(phc).ok()?.pepper
}

#[cfg(test)]
mod tests;
