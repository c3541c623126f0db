//! XAES-256-GCM (C2SP, xaes-256-gcm.md): AES-256-GCM under a key derived per message from the first half of a 192-bit
//! nonce, so that random nonces never run out (HAZARDS H19).
//!
//! The key derivation is CMAC in counter mode (NIST SP 800-108) cut down to the two blocks it needs: two AES calls a
//! message, and one at construction.

use aes_gcm::{
    Aes256Gcm, Error, Nonce,
    aead::{Aead, Payload},
    aes::{
        Aes256, Block,
        cipher::{BlockCipherEncrypt, KeyInit},
    },
};
use zeroize::{Zeroize, Zeroizing};

/// Bytes of a nonce.
pub(super) const NONCE: usize = 24;

/// A key, expanded.
#[derive(Clone)]
pub(super) struct Xaes {
    aes: Aes256,
    /// The first CMAC sub-key (NIST SP 800-38B, 6.1).
    mask: Zeroizing<[u8; 16]>,
}

impl Xaes {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        let aes = Aes256::new(key.into());
        let mut zero = Block::default();
        aes.encrypt_block(&mut zero);
        let block = u128::from_be_bytes(zero.into());
        // Doubling in GF(2^128), without a branch on the key.
        let doubled = (block << 1) ^ ((block >> 127) * 0x87);
        Self { aes, mask: Zeroizing::new(doubled.to_be_bytes()) }
    }

    /// `nonce` must never have sealed anything else under this key: draw it at random.
    pub(super) fn seal(&self, nonce: &[u8; NONCE], aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, Error> {
        let (cipher, nonce) = self.message(nonce);
        cipher.encrypt(&nonce, Payload { msg: plaintext, aad })
    }

    pub(super) fn open(&self, nonce: &[u8; NONCE], aad: &[u8], ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let (cipher, nonce) = self.message(nonce);
        cipher.decrypt(&nonce, Payload { msg: ciphertext, aad }).map(Zeroizing::new)
    }

    /// The cipher of one message, and the half of the nonce that is left for it.
    fn message(&self, nonce: &[u8; NONCE]) -> (Aes256Gcm, Nonce<aes_gcm::aes::cipher::consts::U12>) {
        let (head, tail) = nonce.split_at(12);
        let mut key = Zeroizing::new([0; 32]);
        for (counter, half) in (1u8..).zip(key.chunks_exact_mut(16)) {
            let mut block = Block::default();
            block[..4].copy_from_slice(&[0, counter, b'X', 0]);
            block[4..].copy_from_slice(head);
            block.iter_mut().zip(self.mask.iter()).for_each(|(byte, mask)| *byte ^= mask);
            self.aes.encrypt_block(&mut block);
            half.copy_from_slice(&block);
            block.zeroize();
        }
        let mut rest = Nonce::default();
        rest.copy_from_slice(tail);
        (Aes256Gcm::new((&*key).into()), rest)
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;

    use super::*;

    /// The vectors of the specification.
    #[test]
    fn it_gives_the_answers_of_the_specification() {
        let nonce = b"ABCDEFGHIJKLMNOPQRSTUVWX";
        let vectors: [(u8, &[u8], &str); 2] = [
            (1, b"", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"),
            (3, b"c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"),
        ];
        for (byte, aad, expected) in vectors {
            let key = Xaes::new(&[byte; 32]);
            let sealed = key.seal(nonce, aad, b"XAES-256-GCM").expect("seals");
            assert_eq!(HEXLOWER.encode(&sealed), expected);
            assert_eq!(*key.open(nonce, aad, &sealed).expect("opens"), b"XAES-256-GCM");
            assert!(key.open(nonce, b"other", &sealed).is_err());
        }
    }
}
