//! Trusted devices: browsers in which, for a while, a right password completes a sign-in.
//!
//! 1. Who gives a second proof and ticks the box gets a cookie of its own ([`give`]): an id, a generation and a secret. The user's
//!    record has the secret's hash. A backup code gives none: it is for somebody who has lost a device, or stolen the codes. Nor does a
//!    code by e-mail beside a password that a mailed link has set: that is one mailbox.
//! 2. A right password that comes with the cookie ([`meet`]) completes the login, and the secret is drawn anew in the same commit.
//!    The one before is taken for [`TRUST_OVERLAP`](limits::TRUST_OVERLAP) more and gets no new cookie: two tabs may send it
//!    at once. An older one of a living device was copied, or the answer with the new one was lost. Nobody can tell which, so the
//!    trust ends, with all that rests on it, and the owner is told.
//! 3. It ends with its time, used or not; when the owner forgets it; and with any change of the password or of the second factors.
//!    Whoever changes them ends it, for good, with all that rests on it ([`super::command`]); and what it is bound to is compared
//!    ([`counts`]), should one forget to.
//!
//! A cookie is no authenticator (NIST SP 800-63B-4, 3.2.1): it adds `tdv` to `amr` and nothing to `acr`. So a session that it
//! completed changes no factors, and answers no request for `mfa`, before a second proof.

use std::collections::BTreeSet;

use schema::{
    FactorId, Timestamp,
    record::{AuditEvent, Method, Proof, TrustedDevice, Unknown},
};
use serde::{Deserialize, Serialize};

use super::{
    assurance::{self, Acr},
    change::{Change, Item, ItemKey},
    context::Context,
    event::{self, WithFact},
    letter::{self, Notice},
    limits,
    user::User,
};
use crate::secret::{Seed, ct_eq_str, sha256_b64};

/// What a browser shows of trust with a proof, or wants.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// Nothing.
    #[default]
    None,
    /// The cookie of a trusted device.
    Shown(TrustRef),
    /// The box is ticked: trust this browser, once the sign-in is complete.
    Wanted,
}

impl Trust {
    /// Is there nothing to say?
    pub const fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }
}

/// A trusted device as its cookie names it. Only the hash of the secret travels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustRef {
    /// Which.
    pub device: FactorId,
    /// Which secret of it.
    pub generation: u32,
    /// SHA-256 of that.
    pub secret_hash: String,
}

/// A cookie to be given to the browser. Its secret is [`secret`] of the attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// Which device.
    pub device: FactorId,
    /// Which secret of it.
    pub generation: u32,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl From<&TrustedDevice> for Given {
    fn from(trusted: &TrustedDevice) -> Self {
        Self { device: trusted.device, generation: trusted.generation, expires_at: trusted.expires_at }
    }
}

/// The secret of the cookie, 128 bits.
pub fn secret(seed: &Seed) -> [u8; 16] {
    seed.derive("trusted device secret")
}

/// A digest of the password and the second factors that there are.
pub(super) fn bound_to(user: &User) -> Option<String> {
    let credential = user.password.as_ref()?.credential;
    let factors: BTreeSet<FactorId> = user.second_factors().collect();
    let factors: Vec<String> = factors.iter().map(FactorId::to_string).collect();
    Some(sha256_b64(format!("{credential} {}", factors.join(" ")).as_bytes()))
}

/// Does it count now, beside the password and the factors of this moment?
pub fn counts(user: &User, trusted: &TrustedDevice, now: Timestamp) -> bool {
    now < trusted.expires_at && bound_to(user).is_some_and(|bound_to| bound_to == trusted.bound_to)
}

/// Trusts a browser whose sign-in these proofs complete; `None` if they do not make for it. What counts no more is forgotten, and
/// whoever calls ends the trust that [gives way](surplus).
pub fn give(user: &User, cx: &Context<'_>, change: &mut Change, proofs: &[Proof]) -> Option<Given> {
    let never = |proof: &Proof| matches!(proof.method, Method::BackupCode | Method::TrustedDevice);
    // Who reads the mail has both proofs of a password that a mailed link has set and a code by e-mail.
    let one_mailbox = user.password.as_ref().is_some_and(|password| password.by_mail)
        && assurance::of(proofs).is_none_or(|proved| proved.acr < Acr::Mfa);
    if cx.settings.trust_lifetime.is_zero() || proofs.len() < 2 || proofs.iter().any(never) || one_mailbox {
        return None;
    }
    let trusted = TrustedDevice {
        device: FactorId::from_bytes(cx.attempt.seed.derive("trusted device")),
        generation: 0,
        secret_hash: sha256_b64(&secret(&cx.attempt.seed)),
        before: None,
        bound_to: bound_to(user)?,
        proofs: proofs.to_vec(),
        user_agent: cx.attempt.origin.user_agent.clone(),
        created_at: cx.now,
        last_used_at: cx.now,
        expires_at: cx.now.after(cx.settings.trust_lifetime),
        unknown: Unknown::default(),
    };
    for over in user.trusted.values().filter(|trusted| !counts(user, trusted, cx.now)) {
        change.delete(ItemKey::Trusted(over.device));
    }
    let given = Given::from(&trusted);
    change.put(Item::Trusted(trusted));
    Some(given)
}

/// The device that gives way to another one, if there are too many: the one that was not used for longest.
pub fn surplus(user: &User, cx: &Context<'_>) -> Option<FactorId> {
    let living: Vec<_> = user.trusted.values().filter(|trusted| counts(user, trusted, cx.now)).collect();
    let full = living.len() >= limits::MAX_TRUSTED;
    living.into_iter().filter(|_| full).min_by_key(|trusted| trusted.last_used_at).map(|trusted| trusted.device)
}

/// What the cookie of a trusted device came to.
#[derive(Debug)]
pub enum Met {
    /// It stands in for the second step.
    Trusted {
        /// To be added to the proofs of the login.
        proof: Proof,
        /// A new cookie, unless another one is on its way.
        given: Option<Given>,
    },
    /// It was used before. The trust is over; whoever calls ends what rests on it.
    Copied {
        /// Which.
        device: FactorId,
        /// What is told to the audit log.
        event: Box<AuditEvent>,
    },
    /// There is no such trust, or none any more.
    Nothing,
}

/// Looks at the cookie that came with a right password.
pub fn meet(user: &User, cx: &Context<'_>, change: &mut Change, shown: &TrustRef) -> Met {
    let known = user.trusted.get(&shown.device).filter(|trusted| counts(user, trusted, cx.now));
    let Some(trusted) = known.filter(|_| !cx.settings.trust_lifetime.is_zero()) else {
        return Met::Nothing;
    };
    let proof = Proof { method: Method::TrustedDevice, at: cx.now, factor: Some(trusted.device), credential: None };
    if shown.generation == trusted.generation && ct_eq_str(&shown.secret_hash, &trusted.secret_hash) {
        let renewed = TrustedDevice {
            generation: trusted.generation + 1,
            secret_hash: sha256_b64(&secret(&cx.attempt.seed)),
            before: Some(trusted.secret_hash.clone()),
            user_agent: cx.attempt.origin.user_agent.clone(),
            last_used_at: cx.now,
            ..trusted.clone()
        };
        let given = Given::from(&renewed);
        change.put(Item::Trusted(renewed));
        return Met::Trusted { proof, given: Some(given) };
    }
    let overlaps = cx.now < trusted.last_used_at.after(limits::TRUST_OVERLAP);
    let before =
        trusted.before.as_ref().filter(|_| overlaps && shown.generation.checked_add(1) == Some(trusted.generation));
    if before.is_some_and(|before| ct_eq_str(&shown.secret_hash, before)) {
        return Met::Trusted { proof, given: None };
    }
    change.delete(ItemKey::Trusted(trusted.device));
    letter::notice(user, cx, change, Notice::TrustedDeviceCopied);
    let event = event::of(cx, "trusted_device.copied", user.id).with("device", trusted.device.to_string());
    let event = event.with("generation", shown.generation).with("newest", trusted.generation);
    Met::Copied { device: trusted.device, event: Box::new(event) }
}
