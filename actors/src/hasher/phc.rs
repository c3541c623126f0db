//! Argon2id hashes as text: `$argon2id$v=19$m=…,t=…,p=…[,keyid=…]$salt$hash` (the PHC string format; base64 without
//! padding). What is read is bounded, so that no stored or imported text can ask for more work than a node can give.

use std::fmt;

use argon2::PasswordHash;
use data_encoding::BASE64_NOPAD;
use schema::KeyId;

use super::{Argon2Params, HashError};

/// The most memory that a hash to be verified may ask for: 256 MiB.
const MAX_M_KIB: u32 = 256 * 1024;
/// The most passes.
const MAX_T: u32 = 32;
/// The most lanes.
const MAX_P: u32 = 16;
/// The most memory times passes: 1 GiB in all, about half a second.
const MAX_WORK_KIB: u64 = 1024 * 1024;
/// Bytes of a hash made here.
pub(super) const OUTPUT: usize = 32;

/// A hash, read.
pub(super) struct Phc {
    pub(super) params: Argon2Params,
    pub(super) pepper: Option<KeyId>,
    pub(super) salt: Vec<u8>,
    pub(super) output: Vec<u8>,
}

impl Phc {
    pub(super) fn parse(text: &str) -> Result<Self, HashError> {
        let refuse = HashError::Unreadable;
        let hash = PasswordHash::new(text).map_err(|_| refuse("it is not a PHC string"))?;
        if hash.algorithm.as_str() != "argon2id" || hash.version != Some(19) {
            return Err(refuse("it is not Argon2id version 19"));
        }
        let number = |name: &str| hash.params.get_decimal(name).ok_or(refuse("a parameter is missing"));
        let params = Argon2Params { m_kib: number("m")?, t: number("t")?, p: number("p")? };
        if !params.bounded() {
            return Err(refuse("its parameters ask for too much work"));
        }
        let pepper = hash.params.get_str("keyid").map(key_id).transpose()?;
        let salt = hash.salt.ok_or(refuse("it has no salt"))?;
        let output = hash.hash.ok_or(refuse("it has no hash"))?;
        Ok(Self { params, pepper, salt: salt.as_ref().to_vec(), output: output.as_bytes().to_vec() })
    }
}

impl fmt::Display for Phc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Argon2Params { m_kib, t, p } = self.params;
        write!(f, "$argon2id$v=19$m={m_kib},t={t},p={p}")?;
        if let Some(pepper) = &self.pepper {
            write!(f, ",keyid={}", BASE64_NOPAD.encode(pepper.as_str().as_bytes()))?;
        }
        write!(f, "${}${}", BASE64_NOPAD.encode(&self.salt), BASE64_NOPAD.encode(&self.output))
    }
}

impl Argon2Params {
    /// Do they ask for no more than a node can give?
    pub(super) fn bounded(self) -> bool {
        let work = u64::from(self.m_kib) * u64::from(self.t);
        let least = (1..=MAX_P).contains(&self.p) && self.t >= 1 && self.m_kib >= 8 * self.p;
        least && self.m_kib <= MAX_M_KIB && self.t <= MAX_T && work <= MAX_WORK_KIB
    }
}

fn key_id(text: &str) -> Result<KeyId, HashError> {
    let bytes = BASE64_NOPAD.decode(text.as_bytes()).ok();
    let id = bytes.and_then(|bytes| String::from_utf8(bytes).ok()).and_then(|id| id.parse().ok());
    id.ok_or(HashError::Unreadable("its keyid is not the id of a key"))
}
