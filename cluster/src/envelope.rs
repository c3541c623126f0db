//! The frame in which a command travels between nodes. Bytes from a peer are hostile: reading checks every length.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use thiserror::Error;

/// The newest version that this build speaks. Two nodes use the newest that both speak.
pub const WIRE_VERSION: u16 = if cfg!(feature = "next-version") { 2 } else { 1 };

/// The oldest version that this build speaks: the one of the release before, so that nodes are updated one at a time.
pub const OLDEST_WIRE_VERSION: u16 = 1;

/// Longest key, in bytes.
const MAX_KEY: usize = 512;

/// Longest payload, in bytes.
const MAX_PAYLOAD: usize = 1 << 20;

/// Version, flag, time, and three lengths.
const HEAD: usize = 2 + 1 + 4 + 3 * 4;

/// Longest envelope, in bytes.
pub(crate) const MAX_ENVELOPE: usize = HEAD + 2 * MAX_KEY + MAX_PAYLOAD;

/// A command on its way to the owner of `key`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Whose state it concerns.
    pub key: Bytes,
    /// What is left of the caller's deadline, in milliseconds; clocks are not compared.
    pub remaining_ms: u32,
    /// The owner does not answer: whoever gets this serves in its place, and keeps nothing.
    pub in_place: bool,
    /// W3C `traceparent` of the caller; empty for none.
    pub traceparent: Bytes,
    /// The command, in the caller's own encoding.
    pub payload: Bytes,
}

/// The bytes are not an envelope that this build reads.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum EnvelopeError {
    /// Another version.
    #[error("wire version {0} is not spoken here")]
    Version(u16),
    /// Too short, too long, or with something left over.
    #[error("malformed envelope")]
    Malformed,
}

impl Envelope {
    /// The envelope as bytes of this wire version.
    pub fn encode(&self, version: u16) -> Result<Bytes, EnvelopeError> {
        if !(OLDEST_WIRE_VERSION..=WIRE_VERSION).contains(&version) {
            return Err(EnvelopeError::Version(version));
        }
        if self.key.len() > MAX_KEY || self.traceparent.len() > MAX_KEY || self.payload.len() > MAX_PAYLOAD {
            return Err(EnvelopeError::Malformed);
        }
        let mut out = BytesMut::with_capacity(HEAD + self.key.len() + self.traceparent.len() + self.payload.len());
        out.put_u16(version);
        out.put_u8(u8::from(self.in_place));
        out.put_u32(self.remaining_ms);
        for part in [&self.key, &self.traceparent, &self.payload] {
            out.put_u32(u32::try_from(part.len()).map_err(|_| EnvelopeError::Malformed)?);
            out.put_slice(part);
        }
        Ok(out.freeze())
    }

    /// Reads an envelope back.
    pub fn decode(mut bytes: Bytes) -> Result<Self, EnvelopeError> {
        let version = bytes.try_get_u16().map_err(|_| EnvelopeError::Malformed)?;
        if !(OLDEST_WIRE_VERSION..=WIRE_VERSION).contains(&version) {
            return Err(EnvelopeError::Version(version));
        }
        let in_place = match bytes.try_get_u8().map_err(|_| EnvelopeError::Malformed)? {
            0 => false,
            1 => true,
            _ => return Err(EnvelopeError::Malformed),
        };
        let remaining_ms = bytes.try_get_u32().map_err(|_| EnvelopeError::Malformed)?;
        let mut part = |max: usize| {
            let length = bytes.try_get_u32().map_err(|_| EnvelopeError::Malformed)? as usize;
            if length > max || length > bytes.remaining() {
                return Err(EnvelopeError::Malformed);
            }
            Ok(bytes.split_to(length))
        };
        let (key, traceparent, payload) = (part(MAX_KEY)?, part(MAX_KEY)?, part(MAX_PAYLOAD)?);
        if bytes.has_remaining() {
            return Err(EnvelopeError::Malformed);
        }
        Ok(Self { key, remaining_ms, in_place, traceparent, payload })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_envelope_reads_back(key: Vec<u8>, remaining_ms: u32, in_place: bool, payload: Vec<u8>) {
            let envelope = Envelope {
                key: key.into(), remaining_ms, in_place, traceparent: Bytes::new(), payload: payload.into(),
            };
            prop_assert_eq!(Envelope::decode(envelope.encode(WIRE_VERSION).expect("short enough")), Ok(envelope));
        }

        #[test]
        fn hostile_bytes_are_refused_without_a_panic(bytes: Vec<u8>) {
            let _ = Envelope::decode(bytes.into());
        }
    }

    #[test]
    fn another_version_is_named() {
        let bytes = Bytes::from_static(&[0, 9, 0, 0, 0, 0, 0]);
        assert_eq!(Envelope::decode(bytes), Err(EnvelopeError::Version(9)));
    }
}
