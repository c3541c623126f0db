//! Codes that are sent: six digits, good for ten minutes and for one thing only (NIST SP 800-63B-4, 3.1.3.2). What is kept
//! is a keyed hash over the code, its user, its device and what it is for, so that a code that was sent for one login is
//! worth nothing for another.

use schema::{FactorId, LoginId, SessionId, Timestamp, UserId, record::SentCode};

use super::totp::Code;
use crate::{
    domain::{context::Context, limits},
    secret::Seed,
    vault::Purpose,
};

/// What a code is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding {
    /// To complete this login.
    Login(LoginId),
    /// To activate the device, in this session.
    Enrolment(SessionId),
}

impl Binding {
    fn bytes(&self) -> (&'static [u8], &[u8; 16]) {
        match self {
            Self::Login(login) => (b"login", login.as_bytes()),
            Self::Enrolment(session) => (b"enrolment", session.as_bytes()),
        }
    }
}

/// The code of an attempt.
pub fn draw(seed: &Seed) -> Code {
    // Of 2^64 numbers the six last digits are even to one part in 10^13.
    Code::of_number(u64::from_be_bytes(seed.derive("sent code")))
}

/// A code as it is kept.
pub fn keep(cx: &Context<'_>, user: UserId, factor: FactorId, binding: Binding, code: &Code) -> SentCode {
    let (kind, id) = binding.bytes();
    let parts = [user.to_string().into_bytes(), factor.as_bytes().to_vec()];
    let mac = cx.vault.mac_tagged(Purpose::SentCode, &[&parts[0], &parts[1], kind, id, code.digits()]);
    SentCode { factor, mac, sent_at: cx.now, expires_at: cx.now.after(limits::SENT_CODE_LIFETIME) }
}

/// Is this the code that was sent, and still good? Compared in constant time.
pub fn is_right(cx: &Context<'_>, user: UserId, binding: Binding, sent: &SentCode, typed: &Code) -> bool {
    let (kind, id) = binding.bytes();
    let parts = [user.to_string().into_bytes(), sent.factor.as_bytes().to_vec()];
    let parts: [&[u8]; 5] = [&parts[0], &parts[1], kind, id, typed.digits()];
    cx.vault.verify_mac_tagged(Purpose::SentCode, &parts, &sent.mac).is_ok() && cx.now < sent.expires_at
}

/// From when on another one may be sent.
pub fn again_at(sent: &SentCode) -> Timestamp {
    sent.sent_at.after(limits::RESEND_AFTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_six_digits_whatever_the_attempt() {
        for byte in 0..=255 {
            let code = draw(&Seed::new([byte; 32]));
            assert!(code.digits().iter().all(u8::is_ascii_digit), "{byte}");
        }
        assert_eq!(Code::of_number(9_000_042).digits(), b"000042");
    }
}
