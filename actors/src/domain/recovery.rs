//! Recovery of an account whose second factors are all lost, backup codes too: by the password, a wait, and a code that goes to a
//! confirmed e-mail address (NIST SP 800-63B-4, 4.2). Off unless operators set for how long one waits.
//!
//! ```text
//!            begin (password)          wait is over            code (password, mail)
//!   nothing ─────────────────► Waiting ────────────► due ─────────────────────────► completed: all factors are gone
//!      ▲                          │                   │ a week later: over
//!      │   another password       │  "this was not me", a sign-in with a factor, an operator
//!      └────────────────────── Cancelled
//! ```
//!
//! 1. In a login whose password was right, and which waits for its second step, the request is begun
//!    ([`BeginRecovery`](super::command::BeginRecovery)). Every confirmed address is told, with a link that cancels it
//!    ([`CancelRecovery`](super::command::CancelRecovery)) from any browser, without any proof; and every phone, for who reads the mail
//!    as well may be no owner. A text message has no room for the link: a sign-in with the phone cancels it.
//! 2. Nothing else changes while it waits; shortly before its end all are told again ([`crate::reminders`]). Any sign-in with a
//!    second step cancels it, for then not all of them are lost, and so does a device that is added or removed; whatever sets another
//!    password, disables the account or resets its factors ends it. Should one forget to, it is void with other devices or another password.
//! 3. Once it is due the password asks for a code at the address of the account, and all others are told again, addresses with a link
//!    ([`SendRecoveryCode`](super::command::SendRecoveryCode)).
//! 4. The code completes it, in the login that it was sent for ([`CompleteRecovery`](super::command::CompleteRecovery)): factors, backup
//!    codes, trusted devices, sessions and tokens end in that one commit, which also is the sign-in. All are told.
//!
//! **What it rests on.** Two things that are kept apart: the password, and the mailbox. So a password that a mailed link has set is no
//! first proof here, or whoever reads the mail would have both; it is one again after a sign-in with two factors. Accounts without a
//! confirmed e-mail address, administrators, and accounts of whom a policy asks for a passkey are recovered by operators alone.
//!
//! **Who must not use it up.** One request at a time: beginning another while one waits changes nothing and tells nobody again. Who knows
//! the password could else fill the owner's mailbox, so one that its owner or an operator cancelled keeps others away as long as the
//! password is the same; who cancels learns that the password is known. One that a sign-in cancelled does so for [`PAUSE`], since its
//! owner may really have lost and found a phone. One that nobody completed is over, and another may be begun: at most one a wait and a
//! week. Against the owner the block is worth little: whoever can cancel by mail could also take the password there, and an operator helps.

use std::{collections::BTreeSet, time::Duration};

use schema::{
    FactorId, Timestamp,
    record::{
        AuditEvent, CancelledBy, Method, Policy, PolicyMethod, PolicyScope, Proof, Recovery, RecoveryState, SentCode,
    },
};

use super::{
    assurance::{self, Acr},
    change::{Change, Item, ItemKey},
    context::{Context, Settings},
    event::WithFact,
    letter::{self, Notice},
    policy::{self, Strength},
    role,
    user::User,
};

/// How long a request that is due can be completed.
pub const OPEN_FOR: Duration = Duration::from_hours(7 * 24);
/// How long one that a sign-in cancelled keeps others from being begun.
pub const PAUSE: Duration = Duration::from_hours(7 * 24);
/// Links that cancel a request, at most: the first, and those of the newest messages.
pub const MAX_LINKS: usize = 10;
/// The throttle of codes that complete a request. They share the cap of all codes beside it (HAZARDS H12).
pub const THROTTLE: &str = "recovery";

/// Where an account stands.
#[derive(Clone, Copy, Debug)]
pub enum Standing<'a> {
    /// There is no request that counts.
    None,
    /// One waits.
    Waiting(&'a Recovery),
    /// One can be completed.
    Due(&'a Recovery),
    /// None can be begun before that, or as long as the password is the same.
    Closed(Option<Timestamp>),
}

/// Where the account stands at `now`.
pub fn standing(user: &User, now: Timestamp) -> Standing<'_> {
    let Some(recovery) = &user.recovery else { return Standing::None };
    if user.password.as_ref().is_none_or(|password| password.credential != recovery.credential) {
        return Standing::None;
    }
    match recovery.state {
        RecoveryState::Cancelled { at, by: CancelledBy::SignIn } if at.after(PAUSE) <= now => Standing::None,
        RecoveryState::Cancelled { at, by: CancelledBy::SignIn } => Standing::Closed(Some(at.after(PAUSE))),
        RecoveryState::Cancelled { by: CancelledBy::Owner | CancelledBy::Operator, .. } => Standing::Closed(None),
        RecoveryState::Waiting if recovery.factors != factors(user) || recovery.expires_at <= now => Standing::None,
        RecoveryState::Waiting if now < recovery.due_at => Standing::Waiting(recovery),
        RecoveryState::Waiting => Standing::Due(recovery),
    }
}

/// The request that waits or is due, if there is one.
pub fn alive(user: &User, now: Timestamp) -> Option<&Recovery> {
    match standing(user, now) {
        Standing::Waiting(recovery) | Standing::Due(recovery) => Some(recovery),
        Standing::None | Standing::Closed(_) => None,
    }
}

/// When a request can be forgotten, if ever.
pub fn end_of(recovery: &Recovery) -> Option<Timestamp> {
    match recovery.state {
        RecoveryState::Waiting => Some(recovery.expires_at),
        RecoveryState::Cancelled { at, by: CancelledBy::SignIn } => Some(at.after(PAUSE)),
        RecoveryState::Cancelled { by: CancelledBy::Owner | CancelledBy::Operator, .. } => None,
    }
}

/// When the owner is told once more: a day before the end of the wait, or half-way through a short one.
pub fn remind_at(begun_at: Timestamp, due_at: Timestamp) -> Timestamp {
    let day = Duration::from_hours(24);
    let wait = due_at.since(begun_at);
    if wait < 2 * day { begun_at.after(wait / 2) } else { due_at.before(day) }
}

/// The same with one link more that cancels it. The first stays, and so do the newest.
pub fn with_link(recovery: &Recovery, hash: String) -> Recovery {
    let mut recovery = recovery.clone();
    if recovery.link_hashes.len() >= MAX_LINKS {
        recovery.link_hashes.remove(1);
    }
    recovery.link_hashes.push(hash);
    recovery
}

/// The devices that would be lost.
pub fn factors(user: &User) -> BTreeSet<FactorId> {
    user.second_factors().collect()
}

/// What stands for a request where codes name the device that they were sent to. No device has this id.
pub const fn as_factor(recovery: &Recovery) -> FactorId {
    FactorId::from_bytes(*recovery.recovery.as_bytes())
}

/// Was this code sent to complete it?
pub fn is_for(recovery: &Recovery, sent: &SentCode) -> bool {
    sent.factor == as_factor(recovery)
}

/// Can this account be recovered so, under these policies?
pub fn is_offered(user: &User, settings: &Settings, policies: &[Policy], now: Timestamp) -> bool {
    let Some(account) = user.active_account() else { return false };
    let password = user.password.as_ref().is_some_and(|password| !password.by_mail);
    let reached = settings.sends_mail && !letter::confirmed(user).is_empty();
    let strict = || policies.iter().any(|policy| is_strict(policy, user, now));
    !settings.recovery_wait.is_zero()
        && password
        && reached
        && user.has_second_factor()
        && !account.roles.contains(role::ADMIN)
        && !strict()
}

/// Does a policy ask for a passkey of this account, at whatever application? Then mail is too weak a way around it.
fn is_strict(policy: &Policy, user: &User, now: Timestamp) -> bool {
    let concerns = match &policy.scope {
        // Which applications somebody uses, and for what, is not known, and what opens the account opens them all.
        PolicyScope::Client { .. } | PolicyScope::Operation { .. } => true,
        PolicyScope::Everybody | PolicyScope::Account | PolicyScope::Role { .. } => {
            policy::applies(policy, user, None, &BTreeSet::new())
        }
    };
    let required = policy::strength(policy, user, now) == Strength::Required;
    let is_passkey = |method: &PolicyMethod| *method == PolicyMethod::Passkey;
    // One that nothing meets that this version knows of asks for more than all of that.
    concerns
        && required
        && (policy.all_of.iter().any(is_passkey)
            || policy::ways_to_meet(policy).iter().all(|way| way.iter().any(is_passkey)))
}

/// Cancels the request that is alive, and tells every address; says whether there was one.
pub fn cancel(user: &User, cx: &Context<'_>, change: &mut Change, by: CancelledBy) -> bool {
    let Some(recovery) = alive(user, cx.now) else { return false };
    let state = RecoveryState::Cancelled { at: cx.now, by };
    change.put(Item::Recovery(Recovery { state, ..recovery.clone() }));
    letter::notice(user, cx, change, Notice::RecoveryCancelled);
    true
}

/// The request that is alive ends without keeping others away, for there is nothing left to recover, and every address is told; says
/// whether there was one.
pub fn end(user: &User, cx: &Context<'_>, change: &mut Change) -> bool {
    if alive(user, cx.now).is_none() {
        return false;
    }
    change.delete(ItemKey::Recovery);
    letter::notice(user, cx, change, Notice::RecoveryCancelled);
    true
}

/// Whatever was begun or cancelled with the password before is forgotten, and every address is told if it was alive; says whether it was.
pub fn forget(user: &User, cx: &Context<'_>, change: &mut Change) -> bool {
    let ended = end(user, cx, change);
    if user.recovery.is_some() {
        change.delete(ItemKey::Recovery);
    }
    ended
}

/// The event of what ended a recovery by the way says so.
pub fn noted(event: AuditEvent, ended: bool) -> AuditEvent {
    if ended { event.with("recovery_cancelled", true) } else { event }
}

/// Does a sign-in that ends with this proof cancel a request? The password is what the request was begun with, so it says nothing.
pub fn is_met_by(user: &User, method: Method, now: Timestamp) -> bool {
    method != Method::Password && alive(user, now).is_some()
}

/// A sign-in is complete: a request ends if its last proof was none of the password, and after two factors the password is its owner's,
/// whatever link has set it.
pub fn signed_in(user: &User, cx: &Context<'_>, change: &mut Change, proofs: &[Proof], last: Method) {
    if is_met_by(user, last, cx.now) {
        cancel(user, cx, change, CancelledBy::SignIn);
    }
    // The decision may have hashed it anew.
    let hashed = change.puts().iter().find_map(|item| match item {
        Item::Password(password) => Some(password),
        _ => None,
    });
    let password = hashed.or(user.password.as_ref()).filter(|password| password.by_mail);
    let Some(password) = password.cloned() else { return };
    let proved = proofs.iter().any(|proof| proof.credential == Some(password.credential));
    if proved && assurance::of(proofs).is_some_and(|proved| proved.acr >= Acr::Mfa) {
        change.put(Item::Password(schema::record::Password { by_mail: false, ..password }));
    }
}

#[cfg(test)]
mod tests;
