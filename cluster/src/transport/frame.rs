//! What goes over a connection: frames with explicit lengths, and the greeting that settles names and versions.
//! Bytes from a peer are hostile: every length has a bound, and what is not understood ends the connection.

use std::ops::RangeInclusive;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use thiserror::Error;
use tokio_util::codec::LengthDelimitedCodec;

use crate::{
    NodeId,
    envelope::{MAX_ENVELOPE, OLDEST_WIRE_VERSION, WIRE_VERSION},
};

/// Longest answer, in bytes.
pub(super) const MAX_ANSWER: usize = 1 << 20;

/// Longest frame without its length, in bytes: a kind, a request id and an envelope or an answer.
pub(super) const MAX_FRAME: usize = HEAD + if MAX_ENVELOPE > MAX_ANSWER { MAX_ENVELOPE } else { MAX_ANSWER };

/// Longest greeting, in bytes.
pub(super) const MAX_HELLO: usize = 128;

/// Kind and request id.
const HEAD: usize = 1 + 8;

/// The first bytes of every greeting.
const MAGIC: &[u8; 4] = b"node";

/// The bytes are not what this protocol sends.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("malformed frame")]
pub(super) struct Malformed;

/// Why a call was not answered by the peer's service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Too much is in flight on this connection; nothing was done.
    Overloaded,
    /// The envelope could not be read; nothing was done.
    Malformed,
    /// The peer is stopping; nothing was done.
    Stopping,
    /// The service failed, or its answer is too long: it may have been done.
    Failed,
}

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// Caller to service: an encoded envelope.
    Call(u64, Bytes),
    /// Service to caller.
    Answer(u64, Bytes),
    /// Service to caller.
    Refused(u64, Refusal),
    /// Caller to service: nobody waits for the answer any more.
    Cancel(u64),
    /// Both ways, when nothing else was written for a while: this side lives.
    Beat,
}

impl Frame {
    /// Bytes that it takes in a queue and on the wire, about.
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Call(_, body) | Self::Answer(_, body) => HEAD + body.len(),
            Self::Refused(..) | Self::Cancel(_) | Self::Beat => HEAD + 1,
        }
    }

    /// Appends the frame and its length. A frame longer than [`MAX_FRAME`] is for the caller to prevent.
    pub(super) fn write(&self, out: &mut BytesMut) {
        let (kind, id, body): (u8, u64, &[u8]) = match self {
            Self::Call(id, body) => (1, *id, body),
            Self::Answer(id, body) => (2, *id, body),
            Self::Refused(id, refusal) => (3, *id, &[refusal.code()]),
            Self::Cancel(id) => (4, *id, &[]),
            Self::Beat => (5, 0, &[]),
        };
        debug_assert!(HEAD + body.len() <= MAX_FRAME, "a frame that no peer reads");
        out.reserve(4 + HEAD + body.len());
        out.put_u32(u32::try_from(HEAD + body.len()).unwrap_or(u32::MAX));
        out.put_u8(kind);
        out.put_u64(id);
        out.put_slice(body);
    }

    /// Reads what is inside of one length.
    pub(super) fn read(mut bytes: Bytes) -> Result<Self, Malformed> {
        let kind = bytes.try_get_u8().map_err(|_| Malformed)?;
        let id = bytes.try_get_u64().map_err(|_| Malformed)?;
        match (kind, bytes.len()) {
            (1, _) => Ok(Self::Call(id, bytes)),
            (2, ..=MAX_ANSWER) => Ok(Self::Answer(id, bytes)),
            (3, 1) => Ok(Self::Refused(id, Refusal::from_code(bytes[0])?)),
            (4, 0) => Ok(Self::Cancel(id)),
            (5, 0) => Ok(Self::Beat),
            _ => Err(Malformed),
        }
    }
}

impl Refusal {
    fn code(self) -> u8 {
        match self {
            Self::Overloaded => 1,
            Self::Malformed => 2,
            Self::Stopping => 3,
            Self::Failed => 4,
        }
    }

    fn from_code(code: u8) -> Result<Self, Malformed> {
        [Self::Overloaded, Self::Malformed, Self::Stopping, Self::Failed]
            .into_iter()
            .find(|refusal| refusal.code() == code)
            .ok_or(Malformed)
    }
}

/// Splits a stream at its lengths; a length above `max` is an error before anything is allocated for it.
pub(super) fn lengths(max: usize) -> LengthDelimitedCodec {
    LengthDelimitedCodec::builder().max_frame_length(max).new_codec()
}

/// The greeting of the side that calls: who it is, and which wire versions it speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hello {
    pub(super) node: NodeId,
    pub(super) versions: RangeInclusive<u16>,
}

/// The answer to a greeting: the version both take, if there is one, and what the answering side speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Welcome {
    pub(super) version: Option<u16>,
    pub(super) versions: RangeInclusive<u16>,
}

/// The wire versions that this build speaks.
pub(super) fn spoken() -> RangeInclusive<u16> {
    OLDEST_WIRE_VERSION..=WIRE_VERSION
}

/// The highest version in both ranges.
pub(super) fn common(ours: &RangeInclusive<u16>, theirs: &RangeInclusive<u16>) -> Option<u16> {
    let highest = *ours.end().min(theirs.end());
    (ours.contains(&highest) && theirs.contains(&highest)).then_some(highest)
}

impl Hello {
    /// The greeting with its length. Its layout is the same in every version.
    pub(super) fn write(&self) -> BytesMut {
        let name = self.node.as_str().as_bytes();
        let mut out = BytesMut::new();
        out.put_u32(u32::try_from(MAGIC.len() + 4 + name.len()).unwrap_or(u32::MAX));
        out.put_slice(MAGIC);
        out.put_u16(*self.versions.start());
        out.put_u16(*self.versions.end());
        out.put_slice(name);
        out
    }

    pub(super) fn read(mut bytes: Bytes) -> Result<Self, Malformed> {
        let versions = read_versions(&mut bytes)?;
        let name = str::from_utf8(&bytes).map_err(|_| Malformed)?;
        Ok(Self { node: name.parse().map_err(|_| Malformed)?, versions })
    }
}

impl Welcome {
    /// The answer with its length. Its layout is the same in every version; 0 stands for no version.
    pub(super) fn write(&self) -> BytesMut {
        let mut out = BytesMut::new();
        out.put_u32(u32::try_from(MAGIC.len() + 6).unwrap_or(u32::MAX));
        out.put_slice(MAGIC);
        out.put_u16(*self.versions.start());
        out.put_u16(*self.versions.end());
        out.put_u16(self.version.unwrap_or(0));
        out
    }

    pub(super) fn read(mut bytes: Bytes) -> Result<Self, Malformed> {
        let versions = read_versions(&mut bytes)?;
        let version = bytes.try_get_u16().map_err(|_| Malformed)?;
        if bytes.has_remaining() {
            return Err(Malformed);
        }
        Ok(Self { version: (version != 0).then_some(version), versions })
    }
}

fn read_versions(bytes: &mut Bytes) -> Result<RangeInclusive<u16>, Malformed> {
    if !bytes.starts_with(MAGIC) {
        return Err(Malformed);
    }
    bytes.advance(MAGIC.len());
    let first = bytes.try_get_u16().map_err(|_| Malformed)?;
    let last = bytes.try_get_u16().map_err(|_| Malformed)?;
    if first == 0 || first > last {
        return Err(Malformed);
    }
    Ok(first..=last)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio_util::codec::Decoder;

    use super::*;

    fn any_frame() -> impl Strategy<Value = Frame> {
        let body = || any::<Vec<u8>>().prop_map(Bytes::from);
        let refusal = (1..=4_u8).prop_map(|code| Refusal::from_code(code).expect("a code"));
        prop_oneof![
            (any::<u64>(), body()).prop_map(|(id, body)| Frame::Call(id, body)),
            (any::<u64>(), body()).prop_map(|(id, body)| Frame::Answer(id, body)),
            (any::<u64>(), refusal).prop_map(|(id, refusal)| Frame::Refused(id, refusal)),
            any::<u64>().prop_map(Frame::Cancel),
            Just(Frame::Beat),
        ]
    }

    proptest! {
        #[test]
        fn frames_read_back_however_the_stream_is_cut(frames in prop::collection::vec(any_frame(), 0..8), cut in 1..64_usize) {
            let mut stream = BytesMut::new();
            for frame in &frames {
                frame.write(&mut stream);
            }
            let (mut codec, mut buffer, mut read) = (lengths(MAX_FRAME), BytesMut::new(), Vec::new());
            for piece in stream.chunks(cut) {
                buffer.put_slice(piece);
                while let Some(frame) = codec.decode(&mut buffer).expect("within bounds") {
                    read.push(Frame::read(frame.freeze()).expect("a frame"));
                }
            }
            prop_assert_eq!(read, frames);
        }

        #[test]
        fn hostile_bytes_neither_panic_nor_allocate_beyond_the_bound(bytes: Vec<u8>) {
            let (mut codec, mut buffer) = (lengths(MAX_HELLO), BytesMut::from(&bytes[..]));
            while let Ok(Some(frame)) = codec.decode(&mut buffer) {
                let frame = frame.freeze();
                let _ = (Frame::read(frame.clone()), Hello::read(frame.clone()), Welcome::read(frame));
            }
            prop_assert!(buffer.capacity() <= bytes.len() + 2 * MAX_HELLO);
        }

        #[test]
        fn greetings_read_back(name in "[a-z0-9-]{1,64}", first in 1..9_u16, more in 0..9_u16, version in 0..9_u16) {
            let versions = first..=first + more;
            let hello = Hello { node: name.parse().expect("a name"), versions: versions.clone() };
            prop_assert_eq!(Hello::read(hello.write().freeze().slice(4..)), Ok(hello));
            let welcome = Welcome { version: (version > 0).then_some(version), versions };
            prop_assert_eq!(Welcome::read(welcome.write().freeze().slice(4..)), Ok(welcome));
        }
    }

    #[test]
    fn both_take_the_highest_common_version() {
        assert_eq!(common(&(1..=3), &(2..=5)), Some(3));
        assert_eq!(common(&(1..=1), &(1..=2)), Some(1));
        assert_eq!(common(&(1..=2), &(3..=4)), None);
        assert_eq!(common(&(3..=4), &(1..=2)), None);
    }

    #[test]
    fn a_length_above_the_bound_is_refused_before_it_arrives() {
        let mut buffer = BytesMut::from(&[0xff, 0xff, 0xff, 0xff, 0][..]);
        assert!(lengths(MAX_FRAME).decode(&mut buffer).is_err());
    }
}
