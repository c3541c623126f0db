//! A datagram of the gossip: sealed with a key that all nodes share, and opened at most once.
//!
//! ```text
//! version 1 | key id 4 | salt 16 | counter 8 | sealed { sent at 8 | message } | tag 16
//! ```
//!
//! All of it is authenticated. Each process draws a salt, from which and the shared key its own key follows
//! (HKDF-SHA-256, RFC 5869); the counter is the nonce of AES-256-GCM (NIST SP 800-38D, 8.2.1), so that no nonce repeats
//! under one key. A receiver remembers which counters of a salt it has seen, forgets a salt only when every message of it
//! is too old to be opened, and opens nothing that was sent more than [`MAX_AGE_MS`] from its own time.

use std::collections::HashMap;

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf, rand,
};
use thiserror::Error;
use zeroize::Zeroizing;

use super::window::Window;

/// The version of the frame.
const VERSION: u8 = 1;
/// Bytes of a salt.
const SALT: usize = 16;
/// Bytes before the sealed part.
const HEADER: usize = 1 + 4 + SALT + 8;
const TAG: usize = 16;
/// Bytes that a frame adds to its message.
pub(super) const OVERHEAD: usize = HEADER + 8 + TAG;
/// The largest payload of a UDP datagram over IPv4.
pub(super) const MAX_DATAGRAM: usize = 65_507;
/// How far the sender's time may be from the receiver's, in milliseconds.
pub(super) const MAX_AGE_MS: u64 = 30_000;
/// Processes remembered. Only who has the key gets in.
const MAX_SENDERS: usize = 1_024;

/// Why a datagram was not opened.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It is no frame, or of another version.
    #[error("malformed")]
    Malformed,
    /// This node has no key of that id.
    #[error("unknown_key")]
    UnknownKey,
    /// It was not sealed with that key, or was changed.
    #[error("forged")]
    Forged,
    /// It was sent too long ago, or in the future.
    #[error("too_old")]
    TooOld,
    /// It was received before, or this process sent it itself.
    #[error("replayed")]
    Replayed,
    /// Too many processes have spoken within a short time.
    #[error("too_many_senders")]
    TooManySenders,
}

/// A key that all nodes share, with the id by which frames name it.
#[derive(Clone)]
pub struct GossipKey {
    id: u32,
    key: Zeroizing<[u8; 32]>,
}

impl std::fmt::Debug for GossipKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GossipKey").field("id", &self.id).finish_non_exhaustive()
    }
}

impl GossipKey {
    /// A key of 256 random bits.
    pub fn new(id: u32, key: [u8; 32]) -> Self {
        Self { id, key: Zeroizing::new(key) }
    }
}

/// A process that has proved to have the key.
struct Sender {
    key: LessSafeKey,
    window: Window,
    /// When its newest message was sent, by its own time.
    newest_ms: u64,
}

/// Seals what this process sends and opens what it receives.
pub(super) struct Seal {
    cluster: Box<[u8]>,
    keys: Vec<GossipKey>,
    mine: LessSafeKey,
    salt: [u8; SALT],
    counter: u64,
    /// Nothing that was sent before is opened until `MAX_AGE_MS` later, for what others saw of it is not known.
    started_ms: u64,
    senders: HashMap<(u32, [u8; SALT]), Sender>,
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Seal").field("senders", &self.senders.len()).finish_non_exhaustive()
    }
}

impl Seal {
    /// Seals with the first of the keys, opens with each. `None` if there is no key, or no randomness.
    pub(super) fn new(cluster: &str, keys: Vec<GossipKey>, now_ms: u64) -> Option<Self> {
        let mut salt = [0; SALT];
        rand::fill(&mut salt).ok()?;
        let cluster: Box<[u8]> = cluster.as_bytes().into();
        let mine = derive(keys.first()?, &salt, &cluster)?;
        Some(Self { cluster, keys, mine, salt, counter: 0, started_ms: now_ms, senders: HashMap::new() })
    }

    /// Seals a message into `frame`, replacing what was there. `None` if it is too long.
    pub(super) fn seal(&mut self, message: &[u8], now_ms: u64, frame: &mut Vec<u8>) -> Option<()> {
        if message.len() + OVERHEAD > MAX_DATAGRAM {
            return None;
        }
        self.counter = self.counter.checked_add(1)?;
        frame.clear();
        frame.push(VERSION);
        frame.extend(self.keys.first()?.id.to_be_bytes());
        frame.extend(self.salt);
        frame.extend(self.counter.to_be_bytes());
        frame.extend(now_ms.to_be_bytes());
        frame.extend(message);
        let (header, sealed) = frame.split_at_mut(HEADER);
        let aad = Aad::from(&*header);
        let tag = self.mine.seal_in_place_separate_tag(nonce(self.counter), aad, sealed).ok()?;
        frame.extend(tag.as_ref());
        Some(())
    }

    /// Opens a frame in place and returns its message.
    pub(super) fn open<'a>(&mut self, frame: &'a mut [u8], now_ms: u64) -> Result<&'a [u8], Refusal> {
        if frame.len() < OVERHEAD || frame.first() != Some(&VERSION) {
            return Err(Refusal::Malformed);
        }
        let (header, sealed) = frame.split_at_mut(HEADER);
        let (key_id, salt, counter) = parse(header).ok_or(Refusal::Malformed)?;
        if salt == self.salt {
            return Err(Refusal::Replayed);
        }
        let aad = Aad::from(&*header);
        let known = self.senders.get_mut(&(key_id, salt));
        if known.as_ref().is_some_and(|sender| !sender.window.is_new(counter)) {
            return Err(Refusal::Replayed);
        }
        let fresh = match &known {
            Some(_) => None,
            None => Some(self.keys.iter().find(|key| key.id == key_id).ok_or(Refusal::UnknownKey)?),
        };
        let fresh = fresh.map(|key| derive(key, &salt, &self.cluster).ok_or(Refusal::Forged)).transpose()?;
        let key = fresh.as_ref().or(known.as_ref().map(|sender| &sender.key)).ok_or(Refusal::UnknownKey)?;
        let plain = key.open_in_place(nonce(counter), aad, sealed).map_err(|_| Refusal::Forged)?;
        let (sent, message) = plain.split_first_chunk::<8>().ok_or(Refusal::Malformed)?;
        let sent_ms = u64::from_be_bytes(*sent);
        if sent_ms.abs_diff(now_ms) > MAX_AGE_MS || is_before_start(self.started_ms, sent_ms, now_ms) {
            return Err(Refusal::TooOld);
        }
        if let Some(sender) = known {
            sender.window.mark(counter);
            sender.newest_ms = sender.newest_ms.max(sent_ms);
        } else if let Some(key) = fresh {
            self.remember((key_id, salt), key, counter, (sent_ms, now_ms))?;
        }
        Ok(message)
    }

    fn remember(
        &mut self,
        name: (u32, [u8; SALT]),
        key: LessSafeKey,
        counter: u64,
        (sent_ms, now_ms): (u64, u64),
    ) -> Result<(), Refusal> {
        if self.senders.len() >= MAX_SENDERS {
            // A clock that was set back by less than this does not bring an old message back.
            self.senders.retain(|_, sender| sender.newest_ms.abs_diff(now_ms) <= 2 * MAX_AGE_MS);
            if self.senders.len() >= MAX_SENDERS {
                return Err(Refusal::TooManySenders);
            }
        }
        let mut window = Window::default();
        window.mark(counter);
        self.senders.insert(name, Sender { key, window, newest_ms: sent_ms });
        Ok(())
    }
}

/// Was it sent before this process started, which therefore may not know that it has been received already?
const fn is_before_start(started_ms: u64, sent_ms: u64, now_ms: u64) -> bool {
    now_ms.abs_diff(started_ms) <= MAX_AGE_MS && sent_ms < started_ms
}

fn parse(header: &[u8]) -> Option<(u32, [u8; SALT], u64)> {
    let (id, rest) = header.get(1..)?.split_first_chunk::<4>()?;
    let (salt, counter) = rest.split_first_chunk::<SALT>()?;
    Some((u32::from_be_bytes(*id), *salt, u64::from_be_bytes(counter.try_into().ok()?)))
}

fn nonce(counter: u64) -> Nonce {
    let mut bytes = [0; NONCE_LEN];
    bytes[NONCE_LEN - 8..].copy_from_slice(&counter.to_be_bytes());
    Nonce::assume_unique_for_key(bytes)
}

/// The key of one process in one cluster.
fn derive(key: &GossipKey, salt: &[u8], cluster: &[u8]) -> Option<LessSafeKey> {
    let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(&*key.key);
    // The last part alone has no fixed length.
    let info: [&[u8]; 2] = [b"gossip frame 1:", cluster];
    let okm = prk.expand(&info, &AES_256_GCM).ok()?;
    Some(LessSafeKey::new(UnboundKey::from(okm)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: u64 = 1_700_000_000_000;

    fn key(id: u32) -> GossipKey {
        GossipKey::new(id, [u8::try_from(id).expect("small"); 32])
    }

    fn seal(ids: &[u32]) -> Seal {
        Seal::new("c", ids.iter().copied().map(key).collect(), NOW).expect("a seal")
    }

    fn frame(from: &mut Seal, message: &[u8], now_ms: u64) -> Vec<u8> {
        let mut frame = Vec::new();
        from.seal(message, now_ms, &mut frame).expect("short enough");
        frame
    }

    /// Opens a copy.
    fn open(by: &mut Seal, frame: &[u8], now_ms: u64) -> Result<Vec<u8>, Refusal> {
        by.open(&mut frame.to_vec(), now_ms).map(<[u8]>::to_vec)
    }

    #[test]
    fn a_message_is_opened_once_whatever_the_order() {
        let (mut a, mut b) = (seal(&[1]), seal(&[1]));
        let frames: Vec<_> = (0..5_u8).map(|n| frame(&mut a, &[n], NOW)).collect();
        for n in [3_u8, 0, 4, 1, 2] {
            assert_eq!(open(&mut b, &frames[usize::from(n)], NOW), Ok(vec![n]));
            assert_eq!(open(&mut b, &frames[usize::from(n)], NOW), Err(Refusal::Replayed));
        }
    }

    #[test]
    fn any_changed_byte_is_noticed() {
        let (mut a, mut b) = (seal(&[1]), seal(&[1]));
        let sealed = frame(&mut a, b"hello", NOW);
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 0x40;
            assert!(b.open(&mut changed, NOW).is_err(), "byte {at}");
        }
        assert_eq!(open(&mut b, &sealed, NOW), Ok(b"hello".to_vec()), "what was refused used nothing up");
    }

    #[test]
    fn what_was_sent_too_long_ago_or_in_the_future_is_refused() {
        let (mut a, mut b) = (seal(&[1]), seal(&[1]));
        let sealed = frame(&mut a, b"x", NOW);
        assert_eq!(open(&mut b, &sealed, NOW + MAX_AGE_MS + 1), Err(Refusal::TooOld));
        assert!(open(&mut b, &sealed, NOW + MAX_AGE_MS).is_ok());
        let sealed = frame(&mut a, b"x", NOW + MAX_AGE_MS + 1);
        assert_eq!(open(&mut b, &sealed, NOW), Err(Refusal::TooOld));
    }

    #[test]
    fn what_was_sent_before_this_process_started_is_refused_though_it_is_not_known() {
        let mut a = seal(&[1]);
        let sealed = frame(&mut a, b"x", NOW);
        let mut restarted = Seal::new("c", vec![key(1)], NOW + 1).expect("a seal");
        assert_eq!(open(&mut restarted, &sealed, NOW + 5), Err(Refusal::TooOld));
    }

    #[test]
    fn a_rotation_takes_two_steps() {
        let (mut old, mut between, mut new) = (seal(&[1]), seal(&[1, 2]), seal(&[2, 1]));
        assert!(between.open(&mut frame(&mut old, b"x", NOW), NOW).is_ok());
        assert!(between.open(&mut frame(&mut new, b"x", NOW), NOW).is_ok());
        assert!(new.open(&mut frame(&mut between, b"x", NOW), NOW).is_ok());
        assert_eq!(old.open(&mut frame(&mut new, b"x", NOW), NOW), Err(Refusal::UnknownKey));
    }

    #[test]
    fn another_cluster_with_the_same_keys_is_not_heard() {
        let mut other = Seal::new("d", vec![key(1)], NOW).expect("a seal");
        assert_eq!(seal(&[1]).open(&mut frame(&mut other, b"x", NOW), NOW), Err(Refusal::Forged));
    }

    #[test]
    fn ones_own_frame_sent_back_is_refused() {
        let mut a = seal(&[1]);
        let mut sealed = frame(&mut a, b"x", NOW);
        assert_eq!(a.open(&mut sealed, NOW), Err(Refusal::Replayed));
    }

    #[test]
    fn forged_senders_are_not_remembered_and_the_table_is_bounded() {
        let mut b = seal(&[1]);
        let mut forged = frame(&mut seal(&[1]), b"x", NOW);
        let salt = forged[5];
        for n in 1..=100 {
            forged[5] = salt ^ n;
            assert!(open(&mut b, &forged, NOW).is_err());
        }
        assert!(b.senders.is_empty());
        for _ in 0..MAX_SENDERS {
            assert!(b.open(&mut frame(&mut seal(&[1]), b"x", NOW), NOW).is_ok());
        }
        let more = frame(&mut seal(&[1]), b"x", NOW);
        assert_eq!(open(&mut b, &more, NOW), Err(Refusal::TooManySenders));
        let later = NOW + 2 * MAX_AGE_MS + 1;
        assert!(b.open(&mut frame(&mut seal(&[1]), b"x", later), later).is_ok());
    }

    proptest! {
        #[test]
        fn no_bytes_bring_it_down(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), first: bool) {
            if first && let Some(version) = bytes.first_mut() {
                *version = VERSION;
            }
            prop_assert!(seal(&[1]).open(&mut bytes, NOW).is_err());
        }
    }
}
