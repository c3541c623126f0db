//! Time-based one-time passwords (RFC 6238) as every authenticator app knows them: SHA-1, 6 digits, 30 seconds, seeds of
//! 160 bits.

use std::fmt;

use data_encoding::BASE32_NOPAD;
use schema::Timestamp;
use serde::{Deserialize, Serialize};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use totp_rs::{Algorithm, Builder, Totp};
use zeroize::Zeroizing;

use crate::secret::Secret;

/// Seconds of a step.
const STEP: u64 = 30;
/// Digits of a code.
const DIGITS: u8 = 6;

/// Which steps are accepted beside the current one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Window {
    /// The one before and the one after.
    #[default]
    Both,
    /// The one before, as RFC 6238, 5.2 recommends.
    Back,
    /// None (OWASP ASVS 6.5.5).
    Strict,
}

impl Window {
    const fn offsets(self) -> &'static [i64] {
        match self {
            Self::Both => &[-1, 0, 1],
            Self::Back => &[-1, 0],
            Self::Strict => &[0],
        }
    }
}

/// Six digits that somebody typed.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Code(Secret<[u8; DIGITS as usize]>);

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code([redacted])")
    }
}

impl TryFrom<String> for Code {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        parse_code(&Zeroizing::new(text)).ok_or("a code is 6 digits")
    }
}

impl From<Code> for String {
    fn from(code: Code) -> Self {
        code.0.expose().iter().map(|digit| char::from(*digit)).collect()
    }
}

impl Code {
    /// The six last digits of a number.
    pub(super) fn of_number(number: u64) -> Self {
        let mut digits = Zeroizing::new([0; DIGITS as usize]);
        let mut rest = number;
        for digit in digits.iter_mut().rev() {
            // Below ten, so it is one ASCII digit.
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        Self(Secret::new(*digits))
    }

    /// The ASCII digits.
    pub(crate) const fn digits(&self) -> &[u8; DIGITS as usize] {
        self.0.expose()
    }
}

/// What a code is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is right and was not used; `step` must be stored as the last accepted one in the same commit.
    Accepted {
        /// The step that it belongs to.
        step: u64,
    },
    /// It was right once: its step is not after the last accepted one. To be counted and answered as wrong.
    Replayed,
    /// It belongs to no step of the window.
    Wrong,
}

/// The newest step that any code accepted until `now` can belong to, whatever the window was then.
pub fn newest_step(now: Timestamp) -> u64 {
    let step = u64::try_from(now.as_secs()).unwrap_or(0) / STEP;
    step.saturating_add_signed(Window::Both.offsets().iter().copied().max().unwrap_or(0))
}

/// Reads a code as people type it: exactly 6 ASCII digits among spaces and hyphens.
pub fn parse_code(text: &str) -> Option<Code> {
    let mut digits = Zeroizing::new([0; DIGITS as usize]);
    let mut typed = text.bytes().filter(|byte| !matches!(byte, b' ' | b'-'));
    for digit in digits.iter_mut() {
        *digit = typed.next().filter(u8::is_ascii_digit)?;
    }
    typed.next().is_none().then(|| Code(Secret::new(*digits)))
}

/// Compares a code with each step of the window, in constant time and without stopping at a match. Of two steps with the
/// same code (one window in 300,000) the later one counts, so that the earlier cannot be used again.
pub fn check(seed: &[u8], code: &Code, now: Timestamp, window: Window, last_step: u64) -> Verdict {
    let totp = Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(DIGITS)
        .with_step_duration(STEP)
        .with_skew(0)
        .with_secret(seed)
        .build_noncompliant();
    let current = current_step(now);
    let (mut matched, mut step) = (Choice::from(0), 0u64);
    for offset in window.offsets() {
        let candidate = current.saturating_add_signed(*offset);
        let equal = code.0.expose().ct_eq(&digits_of(&totp, candidate));
        step.conditional_assign(&candidate, equal);
        matched |= equal;
    }
    match bool::from(matched) {
        true if step > last_step => Verdict::Accepted { step },
        true => Verdict::Replayed,
        false => Verdict::Wrong,
    }
}

/// The step of a moment.
pub fn current_step(now: Timestamp) -> u64 {
    u64::try_from(now.as_secs()).unwrap_or(0) / STEP
}

/// A seed as authenticator apps take it, from 160 random bits (RFC 4226, 4).
pub const fn new_seed(bytes: [u8; 20]) -> Secret<[u8; 20]> {
    Secret::new(bytes)
}

/// The `otpauth://` link that a QR code carries. Colons, which separate its parts, become spaces.
pub fn otpauth_uri(issuer: &str, account: &str, seed: &[u8]) -> Secret<String> {
    let (issuer, account) = (escape(issuer), escape(account));
    let key = Zeroizing::new(BASE32_NOPAD.encode(seed));
    Secret::new(format!(
        "otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}&algorithm=SHA1&digits={DIGITS}&period={STEP}",
        *key
    ))
}

/// The seed for typing: base 32 in groups of four.
pub fn base32_groups(seed: &[u8]) -> Secret<String> {
    let key = Zeroizing::new(BASE32_NOPAD.encode(seed));
    Secret::new(super::in_fours(&key, ' '))
}

/// The six ASCII digits of a step.
fn digits_of(totp: &Totp, step: u64) -> [u8; DIGITS as usize] {
    let code = Zeroizing::new(totp.generate(step.saturating_mul(STEP)).to_string());
    let mut digits = [0; DIGITS as usize];
    digits.iter_mut().zip(code.bytes()).for_each(|(digit, byte)| *digit = byte);
    digits
}

/// Percent-encodes a part of the link: everything but RFC 3986's unreserved characters, since apps differ in how they
/// read `+`.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.replace(':', " ").bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            escaped.push(char::from(byte));
        } else {
            escaped.push('%');
            escaped.push_str(&data_encoding::HEXUPPER.encode(&[byte]));
        }
    }
    escaped
}

#[cfg(test)]
mod tests;
