//! What this machine can do at most, measured bare: the password hash on all cores, signatures on one.

use std::{
    fmt, thread,
    time::{Duration, Instant},
};

use anyhow::anyhow;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};
use serde::Serialize;

use crate::{
    cli::{Argon2Cost, ScenarioName},
    machine,
    schedule::float,
};

const HASHING: Duration = Duration::from_secs(2);
const SIGNING: Duration = Duration::from_millis(500);

/// Rates that nothing on this machine can surpass.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Ceilings {
    /// The hash that was measured.
    argon2: Argon2Cost,
    /// Password hashes per second on all cores together.
    hashes_per_sec: f64,
    /// CPU time of one hash, in milliseconds.
    hash_ms: f64,
    /// CPU time of one RS256 signature (RSA of 2048 bits), in milliseconds.
    rs256_ms: f64,
    /// CPU time of one ES256 signature, in milliseconds.
    es256_ms: f64,
}

impl Ceilings {
    /// Measures for three seconds. The machine should have nothing else to do.
    pub(crate) fn measure(argon2: Argon2Cost) -> anyhow::Result<Self> {
        let hashing = priced(|| hash_on_all_cores(argon2))?;
        let random = SystemRandom::new();
        let message = [7; 400];
        let rsa = RsaKeyPair::generate(KeySize::Rsa2048)?;
        let mut signature = vec![0; rsa.public_modulus_len()];
        let sign = || Ok(rsa.sign(&RSA_PKCS1_SHA256, &random, &message, &mut signature)?);
        let rs256 = priced(|| repeat(SIGNING, sign))?;
        let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
        let sign = || ec.sign(&random, &message).map(drop).map_err(Into::into);
        let es256 = priced(|| repeat(SIGNING, sign))?;
        Ok(Self {
            argon2,
            hashes_per_sec: hashing.per_sec,
            hash_ms: hashing.cpu_ms,
            rs256_ms: rs256.cpu_ms,
            es256_ms: es256.cpu_ms,
        })
    }

    /// CPU time, in milliseconds, that no server can save in a scenario: its hash, and the signatures of ID token (RS256)
    /// and access token (ES256). `None` where nothing so costly is left to do.
    pub(crate) fn unavoidable_ms(&self, scenario: ScenarioName) -> Option<f64> {
        let tokens = self.rs256_ms + self.es256_ms;
        match scenario {
            ScenarioName::LoginTotp => Some(self.hash_ms + tokens),
            ScenarioName::AuthorizationCode | ScenarioName::Refresh => Some(tokens),
            ScenarioName::Userinfo | ScenarioName::Discovery | ScenarioName::Jwks => None,
        }
    }
}

impl fmt::Display for Ceilings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Argon2Cost { m_kib, t, p } = self.argon2;
        let per_sec = |ms: f64| 1000.0 / ms;
        let (rate, cpu) = (self.hashes_per_sec, self.hash_ms);
        writeln!(f, "Argon2id m={m_kib} t={t} p={p}  {rate:>9.1}/s on all cores, {cpu:.1} ms of CPU each")?;
        writeln!(f, "RS256 signature           {:>9.0}/s per core", per_sec(self.rs256_ms))?;
        write!(f, "ES256 signature           {:>9.0}/s per core", per_sec(self.es256_ms))
    }
}

/// What doing something again and again came to.
struct Priced {
    per_sec: f64,
    /// CPU time of each, which says the same on a machine that is not idle.
    cpu_ms: f64,
}

/// Measures something that says how often it was done.
fn priced(work: impl FnOnce() -> anyhow::Result<usize>) -> anyhow::Result<Priced> {
    let (start, before) = (Instant::now(), machine::cpu_time(std::process::id())?);
    let times = float(work()?);
    let (took, after) = (start.elapsed(), machine::cpu_time(std::process::id())?);
    let cpu = after.saturating_sub(before).as_secs_f64();
    Ok(Priced { per_sec: times / took.as_secs_f64(), cpu_ms: 1000.0 * cpu / times })
}

/// One thread per core, each with memory of its own that it uses again and again.
fn hash_on_all_cores(cost: Argon2Cost) -> anyhow::Result<usize> {
    let params = Params::new(cost.m_kib, cost.t, cost.p, Some(32)).map_err(|error| anyhow!("--argon2: {error}"))?;
    let threads = (0..machine::cores()).map(|_| {
        let params = params.clone();
        thread::spawn(move || {
            let mut blocks = vec![Block::new(); params.block_count()];
            let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
            let mut output = [0; 32];
            repeat(HASHING, || {
                let hashed = argon2.hash_password_into_with_memory(b"ceiling", &[1; 16], &mut output, &mut blocks);
                hashed.map_err(|error| anyhow!("argon2: {error}"))
            })
        })
    });
    let threads: Vec<_> = threads.collect();
    threads.into_iter().map(|thread| thread.join().map_err(|_| anyhow!("a hash thread panicked"))?).sum()
}

/// How often one thread can do something in that time.
fn repeat(length: Duration, mut work: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<usize> {
    let (start, mut times) = (Instant::now(), 0);
    while start.elapsed() < length {
        work()?;
        times += 1;
    }
    Ok(times)
}
