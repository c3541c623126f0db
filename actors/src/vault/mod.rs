//! The vault: what is sealed, opened and authenticated with the master keys (HAZARDS H19).
//!
//! A sealed value is written `v1.<key id>.<nonce>.<ciphertext>`. Each master key has, for each [`Purpose`], one key that
//! seals and one that authenticates (HKDF-SHA256), all derived at construction. Associated data name the purpose and
//! what the value belongs to, so a value moved to another record does not open.

mod purpose;
mod ring;
mod xaes;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use schema::KeyId;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use thiserror::Error;
use zeroize::Zeroizing;

pub use purpose::Purpose;
pub use ring::{GossipKey, KeyRingError, MasterKeys};
use xaes::{NONCE, Xaes};

use crate::{
    entropy::Entropy,
    hasher::Peppers,
    secret::{Secret, hkdf_sha256},
};

/// What a canary says.
const CANARY: &[u8] = b"the key ring fits this store";

/// Why a sealed value does not open.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum OpenError {
    /// Its key is not in the ring. It may be good: clear no cookie and revoke nothing (HAZARDS H19).
    #[error("sealed with key `{0}`, which is not in the key ring")]
    UnknownKey(KeyId),
    /// It is not written as a sealed value.
    #[error("not a sealed value")]
    Malformed,
    /// It was changed, or made for another purpose, place or incarnation.
    #[error("the sealed value is not authentic here")]
    Forged,
}

/// Seals, opens and authenticates. Cheap to clone; which key seals changes in all clones at once.
#[derive(Clone)]
pub struct Vault {
    keys: Arc<BTreeMap<KeyId, Box<SubKeys>>>,
    /// Which of `keys` seals, counted in their order: read for each value, so that nobody waits for a lock.
    active: Arc<AtomicUsize>,
    incarnation: Arc<str>,
}

/// The keys of one master key, by the discriminant of the purpose.
struct SubKeys([(Xaes, Hmac<Sha256>); Purpose::ALL.len()]);

impl SubKeys {
    fn derive(master: &[u8; 32]) -> Self {
        Self(Purpose::ALL.map(|purpose| {
            let derive =
                |what: &str| Zeroizing::new(hkdf_sha256(master, &format!("doorward v1 {what} {}", purpose.label())));
            (Xaes::new(&derive("seal")), keyed(&derive("mac")))
        }))
    }

    const fn of(&self, purpose: Purpose) -> &(Xaes, Hmac<Sha256>) {
        &self.0[purpose as usize]
    }
}

fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

impl Vault {
    /// A vault that seals with `active` and binds what leaves the server to `incarnation`, both as the store says. Fails
    /// if the ring has lost the active key.
    pub fn new(keys: &MasterKeys, active: KeyId, incarnation: &str) -> Result<Self, KeyRingError> {
        let keys = keys.iter().map(|(id, key)| (id.clone(), Box::new(SubKeys::derive(key.expose()))));
        let keys: BTreeMap<_, _> = keys.collect();
        let Some(place) = keys.keys().position(|id| *id == active) else {
            return Err(KeyRingError::ActiveMissing(active));
        };
        let (keys, active) = (Arc::new(keys), Arc::new(AtomicUsize::new(place)));
        Ok(Self { keys, active, incarnation: incarnation.into() })
    }

    /// Seals with another key of the ring from now on, after the store's record of it changed.
    pub fn activate(&self, active: &KeyId) -> Result<(), KeyRingError> {
        let place = self.keys.keys().position(|id| id == active);
        let place = place.ok_or_else(|| KeyRingError::ActiveMissing(active.clone()))?;
        self.active.store(place, Ordering::Release);
        Ok(())
    }

    /// The key that seals.
    pub fn active(&self) -> &KeyId {
        self.sealing().0
    }

    /// Tells this store from its own copies and from what it was before a restore. No secret.
    pub fn incarnation(&self) -> &str {
        &self.incarnation
    }

    /// All keys that open.
    pub fn key_ids(&self) -> impl Iterator<Item = &KeyId> {
        self.keys.keys()
    }

    /// Seals `plaintext` for a purpose and a place (`aad`: record and owner ids), under the active key and a random
    /// nonce.
    pub fn seal(&self, purpose: Purpose, aad: &[&str], plaintext: &[u8], entropy: &dyn Entropy) -> String {
        self.seal_under(self.active(), purpose, aad, plaintext, entropy)
    }

    /// Opens what [`Vault::seal`] made for the same purpose and place.
    pub fn open(&self, purpose: Purpose, aad: &[&str], sealed: &str) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let mut parts = sealed.split('.');
        let mut next = || parts.next().ok_or(OpenError::Malformed);
        let (version, key, nonce, ciphertext) = (next()?, next()?, next()?, next()?);
        if version != "v1" || parts.next().is_some() {
            return Err(OpenError::Malformed);
        }
        let key: KeyId = key.parse().map_err(|_| OpenError::Malformed)?;
        let nonce = decode(nonce)?.try_into().map_err(|_| OpenError::Malformed)?;
        let ciphertext = decode(ciphertext)?;
        let Some(keys) = self.keys.get(&key) else { return Err(OpenError::UnknownKey(key)) };
        keys.of(purpose).0.open(&nonce, &self.associated(purpose, aad), &ciphertext).map_err(|_| OpenError::Forged)
    }

    /// The id of the key that a sealed value names, to see what a rotation has left to do.
    pub fn key_of(sealed: &str) -> Option<KeyId> {
        sealed.strip_prefix("v1.")?.split_once('.')?.0.parse().ok()
    }

    /// HMAC-SHA256 over the parts under the active key. Each part is preceded by its length, so no two lists agree.
    pub fn mac(&self, purpose: Purpose, parts: &[&[u8]]) -> [u8; 32] {
        self.mac_under(self.sealing().1, purpose, parts)
    }

    /// As [`Vault::mac`], as text that names its key: `<key id>.<base64url>`.
    pub fn mac_tagged(&self, purpose: Purpose, parts: &[&[u8]]) -> String {
        let (active, keys) = self.sealing();
        format!("{active}.{}", BASE64URL_NOPAD.encode(&self.mac_under(keys, purpose, parts)))
    }

    /// Was `tag` made by [`Vault::mac_tagged`] over the same parts? Checked with the key that it names, in constant time.
    pub fn verify_mac_tagged(&self, purpose: Purpose, parts: &[&[u8]], tag: &str) -> Result<(), OpenError> {
        let (key, mac) = tag.split_once('.').ok_or(OpenError::Malformed)?;
        let key: KeyId = key.parse().map_err(|_| OpenError::Malformed)?;
        let mac = decode(mac)?;
        let Some(keys) = self.keys.get(&key) else { return Err(OpenError::UnknownKey(key)) };
        let expected = self.mac_under(keys, purpose, parts);
        if expected.ct_eq(mac.as_slice()).into() { Ok(()) } else { Err(OpenError::Forged) }
    }

    /// The keys that go before a slow hash, by the id of their master key.
    pub fn peppers(&self, purpose: Purpose) -> Peppers {
        let pepper = |keys: &SubKeys| Secret::new(self.mac_under(keys, purpose, &[b"pepper"]));
        let keys = self.keys.iter().map(|(id, keys)| (id.clone(), pepper(keys))).collect();
        Peppers::new(keys, Arc::clone(&self.active))
    }

    /// A canary of `key`, to be stored beside its id (HAZARDS H19).
    pub fn make_canary(&self, key: &KeyId, entropy: &dyn Entropy) -> Result<String, OpenError> {
        if !self.keys.contains_key(key) {
            return Err(OpenError::UnknownKey(key.clone()));
        }
        Ok(self.seal_under(key, Purpose::Canary, &[key.as_str()], CANARY, entropy))
    }

    /// Is the ring's key of this id the one that the canary was made with? If not, the store must not be opened.
    pub fn check_canary(&self, key: &KeyId, sealed: &str) -> Result<(), OpenError> {
        if Self::key_of(sealed).as_ref() != Some(key) {
            return Err(OpenError::Malformed);
        }
        let text = self.open(Purpose::Canary, &[key.as_str()], sealed)?;
        if *text == CANARY { Ok(()) } else { Err(OpenError::Forged) }
    }

    fn sealing(&self) -> (&KeyId, &SubKeys) {
        let (id, keys) = self.keys.iter().nth(self.active.load(Ordering::Acquire)).expect("only a place in the ring");
        (id, keys)
    }

    #[expect(clippy::too_many_arguments, reason = "private; the public faces of it choose the key")]
    fn seal_under(
        &self,
        key: &KeyId,
        purpose: Purpose,
        aad: &[&str],
        plaintext: &[u8],
        entropy: &dyn Entropy,
    ) -> String {
        let nonce: [u8; NONCE] = entropy.array();
        let sealed = self.keys[key].of(purpose).0.seal(&nonce, &self.associated(purpose, aad), plaintext);
        let sealed = sealed.expect("what is sealed is shorter than 64 GiB");
        format!("v1.{key}.{}.{}", BASE64URL_NOPAD.encode(&nonce), BASE64URL_NOPAD.encode(&sealed))
    }

    /// What only who has this very key can compute, so that two rings can be compared without showing them.
    pub fn fingerprint(&self, key: &KeyId) -> Result<String, OpenError> {
        let keys = self.keys.get(key).ok_or_else(|| OpenError::UnknownKey(key.clone()))?;
        Ok(BASE64URL_NOPAD.encode(&self.mac_under(keys, Purpose::Canary, &[b"ring", key.as_str().as_bytes()])))
    }

    fn associated(&self, purpose: Purpose, aad: &[&str]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(160);
        let incarnation = purpose.leaves_the_server().then_some(&*self.incarnation);
        for part in [purpose.label()].into_iter().chain(incarnation).chain(aad.iter().copied()) {
            bytes.extend_from_slice(&length(part.as_bytes()));
            bytes.extend_from_slice(part.as_bytes());
        }
        bytes
    }

    fn mac_under(&self, keys: &SubKeys, purpose: Purpose, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = keys.of(purpose).1.clone();
        let incarnation = purpose.leaves_the_server().then_some(self.incarnation.as_bytes());
        for part in incarnation.into_iter().chain(parts.iter().copied()) {
            mac.update(&length(part));
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<_> = self.keys.keys().collect();
        f.debug_struct("Vault").field("keys", &ids).field("active", self.active()).finish_non_exhaustive()
    }
}

fn length(part: &[u8]) -> [u8; 8] {
    u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes()
}

fn decode(text: &str) -> Result<Vec<u8>, OpenError> {
    BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| OpenError::Malformed)
}

#[cfg(test)]
mod tests;
