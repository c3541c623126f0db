//! Values that must not leak: redacted in `Debug`, without `Display`, zeroised when dropped; and the few primitives that
//! handle them (comparison in constant time, SHA-256, the seed of an attempt).

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use hkdf::Hkdf;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// A value that shows itself only where [`Secret::expose`] is written.
#[derive(Clone)]
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Takes the value into custody. Copies made before are the caller's.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself. Every call is a place to review.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize + AsRef<[u8]>> Secret<T> {
    /// Are the two equal? In constant time for equal lengths; the length is no secret.
    pub fn ct_eq(&self, other: &Self) -> bool {
        self.0.as_ref().ct_eq(other.0.as_ref()).into()
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl<T: Zeroize> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

/// The 256 bits that an attempt's secrets are derived from (HAZARDS H5): the same attempt, delivered again, answers with
/// the same secrets. It travels with its command between nodes, over their sealed transport, hence its serde form.
#[derive(Clone)]
pub struct Seed(Secret<[u8; 32]>);

impl Seed {
    /// A seed from 256 random bits.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(Secret::new(bytes))
    }

    /// `N` bytes for one purpose, at most 8160: HKDF-SHA256 (RFC 5869) with the purpose as its `info`. Different purposes
    /// tell nothing of each other. Never the source of an AEAD nonce.
    pub fn derive<const N: usize>(&self, purpose: &str) -> [u8; N] {
        const { assert!(N <= 255 * 32, "HKDF-SHA256 yields at most 255 blocks") };
        hkdf_sha256(self.0.expose(), purpose)
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed([redacted])")
    }
}

impl Serialize for Seed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Zeroizing::new(BASE64URL_NOPAD.encode(self.0.expose())))
    }
}

impl<'de> Deserialize<'de> for Seed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok().map(Zeroizing::new);
        let bytes = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes.as_slice()).ok());
        bytes.map(Self::new).ok_or_else(|| D::Error::custom("a seed is 32 bytes in base64url"))
    }
}

/// HKDF-SHA256 without salt: the input is uniformly random already.
pub(crate) fn hkdf_sha256<const N: usize>(key: &[u8], info: &str) -> [u8; N] {
    let mut out = [0; N];
    Hkdf::<Sha256>::new(None, key).expand(info.as_bytes(), &mut out).expect("at most 255 blocks are asked for");
    out
}

/// SHA-256 in base64url without padding: how tokens with at least 128 random bits are stored.
pub fn sha256_b64(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(&Sha256::digest(bytes))
}

/// Are the two texts equal? In constant time for equal lengths; the length is no secret.
pub fn ct_eq_str(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

/// `#[serde(with = "exposed")]` for a [`Secret`] that travels with its command between nodes, over their sealed
/// transport. Never for anything that is stored.
pub(crate) mod exposed {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Secret;

    pub(crate) fn serialize<S: Serializer>(secret: &Secret<String>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(secret.expose())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret<String>, D::Error> {
        String::deserialize(deserializer).map(Secret::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_show_itself() {
        let secret = Secret::new("hunter2".to_owned());
        assert_eq!(format!("{secret:?}"), "[redacted]");
        assert_eq!(format!("{:?}", Seed::new([7; 32])), "Seed([redacted])");
        assert!(secret.ct_eq(&"hunter2".to_owned().into()));
        assert!(!secret.ct_eq(&"hunter3".to_owned().into()));
        assert!(!secret.ct_eq(&"hunter".to_owned().into()));
    }

    #[test]
    fn a_seed_gives_the_same_secret_again_and_another_per_purpose() {
        let seed = Seed::new([7; 32]);
        let first: [u8; 16] = seed.derive("session");
        assert_eq!(first, Seed::new([7; 32]).derive::<16>("session"));
        assert_ne!(first, seed.derive::<16>("refresh token"));
        assert_ne!(first, Seed::new([8; 32]).derive::<16>("session"));
    }

    #[test]
    fn a_seed_is_hkdf_without_salt() {
        // RFC 5869, A.3: no salt, no info.
        let okm: [u8; 42] = hkdf_sha256(&[0x0b; 22], "");
        let expected = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8";
        assert_eq!(data_encoding::HEXLOWER.encode(&okm), expected);
    }

    #[test]
    fn a_seed_reads_back_from_its_text_and_takes_no_other_length() {
        let text = serde_json::to_string(&Seed::new([7; 32])).expect("encodes");
        let back: Seed = serde_json::from_str(&text).expect("decodes");
        assert_eq!(back.derive::<8>("x"), Seed::new([7; 32]).derive::<8>("x"));
        let error = serde_json::from_str::<Seed>("\"c2hvcnQ\"").expect_err("too short");
        assert!(!error.to_string().contains("c2hvcnQ"), "{error}");
    }

    #[test]
    fn sha256_matches_the_known_answer() {
        assert_eq!(sha256_b64(b"abc"), "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
        assert!(ct_eq_str("abc", "abc") && !ct_eq_str("abc", "abd") && !ct_eq_str("abc", "ab"));
    }
}
