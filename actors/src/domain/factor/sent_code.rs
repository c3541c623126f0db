//! Codes that are sent: six digits, good for ten minutes and for one thing only (NIST SP 800-63B-4, 3.1.3.2). What is kept
//! is a keyed hash over the code, its user, its device and what it is for, so that a code that was sent for one login is
//! worth nothing for another.
//!
//! A message by e-mail may hold a link beside its code. Both are kept in one item and go with it, so the first of them that is
//! accepted voids the other. The secret of a link has 128 bits: a wrong one is no guess that anybody could get right, so none is
//! counted (HAZARDS H12). Whoever may not type a code, because there were too many wrong ones, may not use a link either: both
//! prove the same address.

use schema::{FactorId, LoginId, SessionId, Timestamp, UserId, record::SentCode};

use super::totp::Code;
use crate::{
    domain::{context::Context, letter::Token, limits},
    locator::Locators,
    secret::{Secret, Seed, sha256_b64},
    vault::Purpose,
};

/// What a code is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding {
    /// To complete this login.
    Login(LoginId),
    /// To activate the device, in this session.
    Enrolment(SessionId),
    /// To complete a recovery, in this login.
    Recovery(LoginId),
    /// To prove the account's own address, in this session.
    OwnAddress(SessionId),
}

impl Binding {
    fn bytes(&self) -> (&'static [u8], &[u8; 16]) {
        match self {
            Self::Login(login) => (b"login", login.as_bytes()),
            Self::Enrolment(session) => (b"enrolment", session.as_bytes()),
            Self::Recovery(login) => (b"recovery", login.as_bytes()),
            Self::OwnAddress(session) => (b"own address", session.as_bytes()),
        }
    }

    /// As [`Self::bytes`], for the link beside a code.
    fn link_bytes(&self) -> (&'static [u8], &[u8; 16]) {
        match self {
            Self::Login(login) => (b"login link", login.as_bytes()),
            Self::Enrolment(session) => (b"enrolment link", session.as_bytes()),
            Self::Recovery(login) => (b"recovery link", login.as_bytes()),
            Self::OwnAddress(session) => (b"own address link", session.as_bytes()),
        }
    }
}

/// Whom a code is for, and where it goes.
#[derive(Clone, Copy, Debug)]
pub struct Recipient {
    /// Who.
    pub user: UserId,
    /// Which of the user's addresses.
    pub factor: FactorId,
    /// What for.
    pub binding: Binding,
}

/// What a message carries, before it is sent.
#[derive(Debug)]
pub struct Drawn {
    /// The code.
    pub code: Code,
    /// The secret of the link.
    link: Option<Secret<[u8; 16]>>,
}

/// The code of an attempt, and its link if there is to be one.
pub fn draw(seed: &Seed, with_link: bool) -> Drawn {
    // Of 2^64 numbers the six last digits are even to one part in 10^13.
    let code = Code::of_number(u64::from_be_bytes(seed.derive("sent code")));
    Drawn { code, link: with_link.then(|| Secret::new(seed.derive("sent link"))) }
}

impl Drawn {
    /// As it is kept.
    pub fn keep(&self, cx: &Context<'_>, to: &Recipient) -> SentCode {
        let (kind, id) = to.binding.bytes();
        let (user, factor) = (to.user.to_string(), to.factor.as_bytes());
        let mac = cx.vault.mac_tagged(Purpose::SentCode, &[user.as_bytes(), factor, kind, id, self.code.digits()]);
        let (kind, id) = to.binding.link_bytes();
        let link = self.link.as_ref().map(|secret| {
            let hash = sha256_b64(secret.expose());
            cx.vault.mac_tagged(Purpose::SentCode, &[user.as_bytes(), factor, kind, id, hash.as_bytes()])
        });
        let expires_at = cx.now.after(limits::SENT_CODE_LIFETIME);
        SentCode { factor: to.factor, mac, link, sent_at: cx.now, expires_at }
    }

    /// The token of the link, as the message holds it. It carries the code as well, so that the page can show it in a browser
    /// that may not use the link: who has the token has the message.
    pub fn token(&self, cx: &Context<'_>, to: &Recipient) -> Option<Token> {
        let secret = self.link.as_ref()?.expose();
        let locators = Locators { vault: cx.vault, entropy: cx.entropy };
        let token = match to.binding {
            Binding::Login(login) => locators.login_link(to.user, login, secret, &self.code),
            Binding::Enrolment(session) => locators.address_link(to.user, (session, to.factor), secret, &self.code),
            // The link in the message of a recovery cancels, and none completes; that of an own address has none.
            Binding::Recovery(_) | Binding::OwnAddress(_) => return None,
        };
        Some(Token(Secret::new(token)))
    }
}

/// Is this the code that was sent, and still good? Compared in constant time.
pub fn is_right(cx: &Context<'_>, user: UserId, binding: Binding, sent: &SentCode, typed: &Code) -> bool {
    let (kind, id) = binding.bytes();
    let (user, factor) = (user.to_string(), sent.factor.as_bytes());
    let parts: [&[u8]; 5] = [user.as_bytes(), factor, kind, id, typed.digits()];
    cx.vault.verify_mac_tagged(Purpose::SentCode, &parts, &sent.mac).is_ok() && cx.now < sent.expires_at
}

/// Is this the hash of the secret of the link that was sent, and is that still good? Compared in constant time.
pub fn is_link(cx: &Context<'_>, user: UserId, binding: Binding, sent: &SentCode, secret_hash: &str) -> bool {
    let Some(kept) = &sent.link else { return false };
    let (kind, id) = binding.link_bytes();
    let (user, factor) = (user.to_string(), sent.factor.as_bytes());
    let parts: [&[u8]; 5] = [user.as_bytes(), factor, kind, id, secret_hash.as_bytes()];
    cx.vault.verify_mac_tagged(Purpose::SentCode, &parts, kept).is_ok() && cx.now < sent.expires_at
}

/// From when on another one may be sent.
pub fn again_at(sent: &SentCode) -> Timestamp {
    sent.sent_at.after(limits::RESEND_AFTER)
}

#[cfg(test)]
mod tests;
