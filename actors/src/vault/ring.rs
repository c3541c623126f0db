//! The master key ring: how it is read from its text, written to a key file, and made.

use std::fmt::Write as _;

use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD};
use schema::KeyId;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::{
    entropy::Entropy,
    secret::{Secret, hkdf_sha256},
};

/// The longest id of a master key. It stands in every sealed value, and in the `keyid` of password hashes.
const MAX_ID: usize = 32;

/// Why a text is not a key ring. Names the entry, never its content.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum KeyRingError {
    /// There is no entry.
    #[error("the key ring has no key; it needs at least one entry `id:base64`")]
    Empty,
    /// An entry has no colon.
    #[error("entry {0} of the key ring is not written `id:base64`")]
    NoSeparator(usize),
    /// An id cannot be used.
    #[error("entry {0} of the key ring: an id is 1 to 32 letters, digits, hyphens or underscores")]
    BadId(usize),
    /// The part after the colon is not base64.
    #[error("key `{0}` is not base64")]
    BadEncoding(KeyId),
    /// The key has another length.
    #[error("key `{0}` must have 32 bytes, such as `openssl rand -base64 32` prints")]
    BadLength(KeyId),
    /// Two entries have one id.
    #[error("key `{0}` appears twice")]
    Duplicate(KeyId),
    /// The store's active key is not in the ring.
    #[error("the store seals with key `{0}`, which is not in the key ring; add it back")]
    ActiveMissing(KeyId),
}

/// The master keys, in the order in which they were written.
#[derive(Clone, Debug)]
pub struct MasterKeys(Vec<(KeyId, Secret<[u8; 32]>)>);

impl MasterKeys {
    /// Reads `id:base64` entries separated by commas or white space. Base64 may be of either alphabet, padded or not.
    pub fn parse(text: &str) -> Result<Self, KeyRingError> {
        let mut keys: Vec<(KeyId, Secret<[u8; 32]>)> = Vec::new();
        let entries = text.split(|c: char| c == ',' || c.is_whitespace()).filter(|entry| !entry.is_empty());
        for (position, entry) in (1..).zip(entries) {
            let (id, key) = entry.split_once(':').ok_or(KeyRingError::NoSeparator(position))?;
            let id = key_id(id).ok_or(KeyRingError::BadId(position))?;
            let bytes = decode(key).ok_or_else(|| KeyRingError::BadEncoding(id.clone()))?;
            let bytes = <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| KeyRingError::BadLength(id.clone()))?;
            if keys.iter().any(|(known, _)| *known == id) {
                return Err(KeyRingError::Duplicate(id));
            }
            keys.push((id, Secret::new(bytes)));
        }
        if keys.is_empty() { Err(KeyRingError::Empty) } else { Ok(Self(keys)) }
    }

    /// A ring of one new key. The id must be one that [`MasterKeys::parse`] takes.
    pub fn generate(entropy: &dyn Entropy, id: &KeyId) -> Result<Self, KeyRingError> {
        let id = key_id(id.as_str()).ok_or(KeyRingError::BadId(1))?;
        Ok(Self(vec![(id, Secret::new(entropy.array()))]))
    }

    /// The text of a key file: one entry a line, read back by [`MasterKeys::parse`].
    pub fn to_text(&self) -> Secret<String> {
        // Reserved at once, so that no copy is left behind by growing.
        let mut text = String::with_capacity(self.0.len() * (MAX_ID + 46));
        for (id, key) in &self.0 {
            let encoded = Zeroizing::new(BASE64.encode(key.expose()));
            writeln!(text, "{id}:{}", *encoded).expect("writing to a string does not fail");
        }
        Secret::new(text)
    }

    /// The first key: the active one of a new store.
    pub fn first(&self) -> &KeyId {
        &self.0[0].0
    }

    /// All ids, in order.
    pub fn ids(&self) -> impl Iterator<Item = &KeyId> {
        self.0.iter().map(|(id, _)| id)
    }

    /// For each key one that seals what nodes say about who is alive, with a number by which they name it.
    pub fn gossip_keys(&self) -> Vec<GossipKey> {
        let derive = |(id, key): (&KeyId, &Secret<[u8; 32]>)| GossipKey {
            master: id.clone(),
            number: u32::from_be_bytes(hkdf_sha256(key.expose(), "doorward v1 gossip key number")),
            key: Secret::new(hkdf_sha256(key.expose(), "doorward v1 gossip")),
        };
        self.iter().map(derive).collect()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&KeyId, &Secret<[u8; 32]>)> {
        self.0.iter().map(|(id, key)| (id, key))
    }
}

/// A key that all nodes with the same master key share.
#[derive(Clone, Debug)]
pub struct GossipKey {
    /// The master key that it was derived from.
    pub master: KeyId,
    /// Names it on the wire; says nothing of the key.
    pub number: u32,
    /// The key.
    pub key: Secret<[u8; 32]>,
}

/// An id without a dot, since dots separate the parts of a sealed value.
fn key_id(text: &str) -> Option<KeyId> {
    let fits = text.len() <= MAX_ID && !text.contains('.');
    text.parse().ok().filter(|_| fits)
}

fn decode(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let encodings = [BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD];
    encodings.iter().find_map(|encoding| encoding.decode(text.as_bytes()).ok()).map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    const A: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

    #[test]
    fn entries_are_separated_by_commas_or_white_space_and_the_first_is_first() {
        let text = format!("k2:{A},k1:{}\n  k0:{A}\n", A.trim_end_matches('='));
        let ring = MasterKeys::parse(&text).expect("a ring");
        assert_eq!(ring.ids().map(KeyId::as_str).collect::<Vec<_>>(), ["k2", "k1", "k0"]);
        assert_eq!(ring.first().as_str(), "k2");
    }

    #[test]
    fn a_generated_ring_reads_back_from_its_key_file() {
        let ring = MasterKeys::generate(&SeededEntropy::new(1), &"k1".parse().expect("an id")).expect("a ring");
        let back = MasterKeys::parse(ring.to_text().expose()).expect("a ring");
        assert!(back.0[0].1.ct_eq(&ring.0[0].1));
        assert_eq!(back.to_text().expose(), ring.to_text().expose());
    }

    #[test]
    fn gossip_keys_are_the_same_wherever_the_master_key_is_and_differ_otherwise() {
        let keys = |text: &str| MasterKeys::parse(text).expect("a ring").gossip_keys();
        let (one, two) = (keys(&format!("k1:{A}")), keys(&format!("k2:{},k1:{A}", A.replace('A', "B"))));
        assert!(one[0].number == two[1].number && one[0].key.ct_eq(&two[1].key));
        assert!(two[0].number != two[1].number && !two[0].key.ct_eq(&two[1].key));
        let master = MasterKeys::parse(&format!("k1:{A}")).expect("a ring");
        assert!(!master.0[0].1.ct_eq(&one[0].key));
    }

    #[test]
    fn errors_name_the_entry_and_not_its_content() {
        let cases = [
            (" , \n", "the key ring has no key"),
            (&format!("k1:{A},hunter2hunter2"), "entry 2 of the key ring is not written"),
            (&format!("a.b:{A}"), "entry 1 of the key ring: an id is"),
            ("k1:hunter2!", "key `k1` is not base64"),
            ("k1:aHVudGVyMg==", "key `k1` must have 32 bytes"),
            (&format!("k1:{A} k1:{A}"), "key `k1` appears twice"),
        ];
        for (text, expected) in cases {
            let error = MasterKeys::parse(text).expect_err(text).to_string();
            assert!(error.starts_with(expected), "{error}");
            assert!(!error.contains("hunter2") && !error.contains("aHVudGVyMg"), "{error}");
        }
    }
}
