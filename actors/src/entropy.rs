//! Randomness as a parameter: the operating system's in the product, a seeded stream in tests. Nothing else draws any.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
};

use rand::{
    Rng, SeedableRng, TryRng,
    rngs::{ChaCha20Rng, SysRng},
};

/// A source of random bytes, good enough for keys.
pub trait Entropy: Send + Sync {
    /// Fills all of `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

impl dyn Entropy + '_ {
    /// `N` random bytes.
    pub fn array<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }
}

/// The operating system's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        // Going on with predictable bytes would be worse than ending.
        SysRng.try_fill_bytes(bytes).expect("the operating system hands out random bytes");
    }
}

/// A reproducible stream, for tests and simulations alone.
pub struct SeededEntropy(Mutex<ChaCha20Rng>);

impl SeededEntropy {
    /// The stream of this seed.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(ChaCha20Rng::seed_from_u64(seed)))
    }
}

impl fmt::Debug for SeededEntropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SeededEntropy")
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(entropy: &dyn Entropy) -> [u8; 32] {
        entropy.array()
    }

    #[test]
    fn the_same_seed_gives_the_same_stream() {
        let (a, b) = (SeededEntropy::new(7), SeededEntropy::new(7));
        assert_eq!(draw(&a), draw(&b));
        assert_ne!(draw(&a), draw(&SeededEntropy::new(8)));
    }

    #[test]
    fn two_draws_differ() {
        let entropy = SeededEntropy::new(7);
        assert_ne!(draw(&entropy), draw(&entropy));
        assert_ne!(draw(&SystemEntropy), draw(&SystemEntropy));
    }
}
