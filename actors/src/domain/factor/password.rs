//! Passwords: how they are normalised, and which are too weak to be chosen (NIST SP 800-63B-4, 3.1.1; OWASP ASVS 6.2).
//! No rule about composition, none about age.
//!
//! The list of common passwords is the one inside zxcvbn: 30,000 of the most frequent ones, ten times what ASVS 6.2.4
//! asks for. It is applied by the estimate itself, which knows each of them by its rank, in any case, reversed and with
//! the usual digits for letters, so every password on it scores far below what is asked here.

use std::fmt;

use thiserror::Error;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;
pub use zxcvbn::feedback::{Suggestion, Warning};
use zxcvbn::{feedback::Feedback, zxcvbn};

use crate::secret::Secret;

/// Characters that a password must have where it may stand alone.
pub const MIN_ALONE: usize = 15;
/// Characters that a password must have where a second factor is demanded.
pub const MIN_WITH_SECOND_FACTOR: usize = 8;
/// The most characters that a password may have.
pub const MAX: usize = 128;
/// Guesses that a password must be estimated to take, at least.
const MIN_GUESSES: u64 = 100_000_000;
/// A user input shorter than this may occur in a password, since it says too little.
const SHORTEST_INPUT: usize = 3;

/// What a password must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The fewest characters (Unicode scalar values after normalisation).
    pub min_len: usize,
    /// The most characters.
    pub max_len: usize,
}

impl Default for Policy {
    fn default() -> Self {
        Self { min_len: MIN_ALONE, max_len: MAX }
    }
}

/// How long passwords must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lengths {
    /// The fewest characters where a password may stand alone.
    pub alone: usize,
    /// The fewest where a second factor is demanded beside it.
    pub with_second_factor: usize,
    /// The most.
    pub max: usize,
}

impl Default for Lengths {
    fn default() -> Self {
        Self { alone: MIN_ALONE, with_second_factor: MIN_WITH_SECOND_FACTOR, max: MAX }
    }
}

impl Lengths {
    /// What the password must be of somebody of whom a second factor is demanded wherever they sign in, or is not.
    pub const fn policy(&self, second_factor: bool) -> Policy {
        let min_len = if second_factor { self.with_second_factor } else { self.alone };
        Policy { min_len, max_len: self.max }
    }
}

/// Why a password cannot be chosen, in words for the user.
#[derive(Debug, Error, PartialEq)]
pub enum Weakness {
    /// Too few characters.
    #[error("Use at least {min} characters; this has {len}. A few unrelated words work well.")]
    TooShort {
        /// Characters asked for.
        min: usize,
        /// Characters found.
        len: usize,
    },
    /// Too many characters.
    #[error("Use at most {max} characters; this has {len}.")]
    TooLong {
        /// Characters allowed.
        max: usize,
        /// Characters found.
        len: usize,
    },
    /// It contains a name of the user or of the service.
    #[error("Do not use your user name or e-mail address in the password.")]
    ContainsInput,
    /// It can be guessed in fewer than 10^8 tries.
    #[error("This password is easy to guess. {0}")]
    Guessable(Advice),
}

/// What the estimate has to say of a password that is easy to guess.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Advice {
    /// What makes it so.
    Warning(Warning),
    /// What to do.
    Suggestion(Suggestion),
    /// The estimate has nothing to say.
    None,
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Warning(warning) => warning.fmt(f),
            Self::Suggestion(suggestion) => suggestion.fmt(f),
            Self::None => f.write_str("Add another word or two."),
        }
    }
}

/// The form in which passwords are compared and hashed: NFKC, so that each keyboard's way to write a character is the
/// same. Nothing is cut off, trimmed or folded.
pub fn normalise(password: &str) -> Secret<String> {
    // Reserved at once: NFKC triples the bytes at most in what people type; a longer text grows and is copied.
    let mut normal = String::with_capacity(password.len().saturating_mul(3));
    normal.extend(password.nfkc());
    Secret::new(normal)
}

/// May this password be chosen? `user_inputs` are the user name, the e-mail address and the like.
///
/// The estimate asked for is 10^8 guesses or more, which the throttle and Argon2id keep out of reach online and slow
/// offline; with [`MIN_ALONE`] characters it turns away repetitions and well-known phrases only. It is not zxcvbn's score
/// 3, which begins a little above: eight characters in which nothing is known are put at 10^8 and 1.
pub fn check(policy: &Policy, password: &Secret<String>, user_inputs: &[&str]) -> Result<(), Weakness> {
    let password = password.expose();
    let len = password.chars().count();
    if len > policy.max_len {
        return Err(Weakness::TooLong { max: policy.max_len, len });
    }
    if len < policy.min_len {
        return Err(Weakness::TooShort { min: policy.min_len, len });
    }
    let folded = Zeroizing::new(password.to_lowercase());
    let mut inputs = user_inputs.iter().flat_map(|input| [*input, input.split('@').next().unwrap_or_default()]);
    if inputs.any(|input| input.chars().count() >= SHORTEST_INPUT && folded.contains(&fold(input))) {
        return Err(Weakness::ContainsInput);
    }
    let estimate = zxcvbn(password, user_inputs);
    if estimate.guesses() < MIN_GUESSES {
        return Err(Weakness::Guessable(advice(&estimate)));
    }
    Ok(())
}

/// What the estimate has to say: its warning, or else its first suggestion.
fn advice(estimate: &zxcvbn::Entropy) -> Advice {
    let feedback = estimate.feedback();
    let warning = feedback.and_then(Feedback::warning).map(Advice::Warning);
    let suggestion = || feedback.and_then(|feedback| feedback.suggestions().first().copied()).map(Advice::Suggestion);
    warning.or_else(suggestion).unwrap_or(Advice::None)
}

fn fold(input: &str) -> String {
    input.nfkc().collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests;
