//! The account's own address, where links for a forgotten password go: its proof, and its change. It is no factor.
//!
//! 1. A code goes to the address ([`BeginOwnAddress`]): to that of the account, which somebody typed who registered; or to another one,
//!    which is an operation that policies may guard, behind fresh proofs.
//! 2. The code is typed in that session ([`ConfirmOwnAddress`]). Only now is the address the account's, and proved. Whoever reads the one
//!    before is told, and links that were sent there end.
//!
//! Who registered under an address signs in with it, so it changes as well. The caller has claimed the new one before, and releases
//! the old one afterwards; the claim counts once this commit lists it, unless the sweeper voided it in the meantime (HAZARDS H9).

use schema::{
    FactorId, SessionId, Timestamp,
    record::{Account, AuditEvent, Channel, HeldClaim, PendingAddress, Reset, Unknown},
};
use serde::{Deserialize, Serialize};

use super::{
    Decide, Decision,
    address_confirm::{count_right, count_wrong},
    address_enrol, mail_reset,
    sensitive::{self, Operation},
};
use crate::domain::{
    change::{Change, Item, ItemKey},
    context::Context,
    email, event,
    factor::{
        sent_code::{self, Binding, Recipient},
        totp::Code,
    },
    letter::{self, Content, Letter, Notice},
    limits,
    user::{Areas, SessionRef, User},
};

/// Send a code to an address that is to be the account's, or is and was never proved. One that another session awaits gives way; so
/// without fresh proofs only that of the account is sent one, where nothing else is awaited.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BeginOwnAddress {
    /// The session.
    pub session: SessionRef,
    /// The address, as `domain::email` reads it.
    pub address: String,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BeginOwnAddressOutcome {
    /// A code is on its way.
    Begun,
    /// It is the account's, and was proved.
    Known,
    /// Too early, or too many messages.
    Wait {
        /// When to try again.
        until: Timestamp,
    },
    /// The session has ended.
    SessionEnded,
    /// Fresh proofs are needed first.
    NotFresh,
}

impl Decide for BeginOwnAddress {
    type Outcome = BeginOwnAddressOutcome;
    const NAME: &'static str = "begin_own_address";
    const NEEDS: Areas = Areas::SESSIONS;
    /// What awaited a code counted for nothing.
    const REVOKES: bool = false;
    const SENSITIVE: bool = true;

    fn misses(outcome: &Self::Outcome) -> bool {
        matches!(outcome, BeginOwnAddressOutcome::SessionEnded)
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<BeginOwnAddressOutcome> {
        let session = user.live_session(&self.session, cx.now, cx.settings);
        let Some((session, account)) = session.zip(user.active_account()) else {
            return Decision::answer(BeginOwnAddressOutcome::SessionEnded);
        };
        let own = account.email.as_ref() == Some(&self.address);
        if own && account.email_verified {
            return Decision::answer(BeginOwnAddressOutcome::Known);
        }
        let before = user.own_address.as_ref().filter(|before| cx.now < before.expires_at);
        let gives_way =
            before.is_some_and(|before| before.address != self.address || before.session != session.session);
        if (!own || gives_way) && !sensitive::allows(user, session, cx, Operation::ChangeSecurity) {
            return Decision::answer(BeginOwnAddressOutcome::NotFresh);
        }
        let same =
            before.filter(|before| before.address == self.address).map(|before| sent_code::again_at(&before.sent));
        let too_early = same.filter(|again_at| cx.now < *again_at);
        let sends = match address_enrol::may_send(user, cx, (Channel::Email, session.device), too_early) {
            Ok(sends) => sends,
            Err(until) => return Decision::answer(BeginOwnAddressOutcome::Wait { until }),
        };
        let mut change = Change::default();
        // No device has this id.
        let factor = FactorId::from_bytes(cx.attempt.seed.derive("own address"));
        let drawn = sent_code::draw(&cx.attempt.seed, false);
        let sent = drawn.keep(cx, &Recipient { user: user.id, factor, binding: Binding::OwnAddress(session.session) });
        let (to, user_name) = (self.address.clone(), account.user_name.clone());
        let content = Content::AddressCode { code: drawn.code };
        let letter = Letter { channel: Channel::Email, to, user_name, lang: cx.lang(), content };
        letter::post(user.id, cx, &mut change, (&letter, sends), sent.expires_at);
        change.put(Item::OwnAddress(PendingAddress {
            address: self.address.clone(),
            session: session.session,
            sent,
            expires_at: cx.now.after(limits::ACTIVATION_LIFETIME),
            unknown: Unknown::default(),
        }));
        let event = event::of(cx, "address.code_sent", user.id);
        Decision { change, events: vec![event], outcome: BeginOwnAddressOutcome::Begun }
    }
}

/// The address that awaits its code in this session.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ShowOwnAddress {
    /// The session.
    pub session: SessionRef,
}

/// As its page shows it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AwaitedOwnAddress {
    /// The address.
    pub address: String,
    /// From when on another code may be sent.
    pub again_at: Timestamp,
    /// The claim of the address that the account is signed in with, if it is one.
    pub name: Option<HeldClaim>,
}

impl Decide for ShowOwnAddress {
    type Outcome = Option<AwaitedOwnAddress>;
    const NAME: &'static str = "show_own_address";
    const NEEDS: Areas = Areas::SESSIONS;
    /// It only looks.
    const REVOKES: bool = false;
    const LOOKS: bool = true;

    fn misses(outcome: &Self::Outcome) -> bool {
        outcome.is_none()
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<Option<AwaitedOwnAddress>> {
        let session = user.live_session(&self.session, cx.now, cx.settings);
        let awaited = session.and_then(|session| awaited(user, session.session, cx)).zip(user.active_account());
        Decision::answer(awaited.map(|(pending, account)| AwaitedOwnAddress {
            address: pending.address.clone(),
            again_at: sent_code::again_at(&pending.sent),
            name: name_of(account).cloned(),
        }))
    }
}

fn awaited<'a>(user: &'a User, session: SessionId, cx: &Context<'_>) -> Option<&'a PendingAddress> {
    user.own_address.as_ref().filter(|pending| pending.session == session && cx.now < pending.expires_at)
}

/// The claim of the address that an account has as its name.
fn name_of(account: &Account) -> Option<&HeldClaim> {
    account.claims.iter().find(|held| held.look_up.starts_with(email::LOOK_UP))
}

/// The code was typed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ConfirmOwnAddress {
    /// The session.
    pub session: SessionRef,
    /// Six digits.
    pub code: Code,
    /// The claim of the address, where the account has one as its name; none if somebody else has it.
    pub claim: Option<HeldClaim>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConfirmOwnAddressOutcome {
    /// It is the account's, and proved.
    Confirmed,
    /// The code was right, and another account has the address.
    Taken,
    /// The claim was voided: try again.
    Voided,
    /// The code is not right, or not good any more.
    Wrong,
    /// Not looked at.
    Throttled {
        /// When to try again.
        until: Timestamp,
    },
    /// Nothing awaits a code any more.
    Ended,
    /// The session has ended.
    SessionEnded,
    /// Fresh proofs are needed first.
    NotFresh,
}

impl Decide for ConfirmOwnAddress {
    type Outcome = ConfirmOwnAddressOutcome;
    const NAME: &'static str = "confirm_own_address";
    const NEEDS: Areas = Areas::SESSIONS.and(Areas::RESETS);
    /// The address before leads to the account no more.
    const REVOKES: bool = true;
    const SENSITIVE: bool = true;

    fn misses(outcome: &Self::Outcome) -> bool {
        matches!(outcome, ConfirmOwnAddressOutcome::SessionEnded | ConfirmOwnAddressOutcome::Ended)
    }

    fn revoked(outcome: &Self::Outcome) -> bool {
        matches!(outcome, ConfirmOwnAddressOutcome::Confirmed)
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<ConfirmOwnAddressOutcome> {
        use ConfirmOwnAddressOutcome::{Ended, NotFresh, SessionEnded, Taken, Throttled, Voided, Wrong};
        let session = user.live_session(&self.session, cx.now, cx.settings);
        let Some((session, account)) = session.zip(user.active_account()) else {
            return Decision::answer(SessionEnded);
        };
        let Some(pending) = awaited(user, session.session, cx) else {
            return Decision::answer(Ended);
        };
        let changes = account.email.as_ref() != Some(&pending.address);
        if changes && !sensitive::allows(user, session, cx, Operation::ChangeSecurity) {
            return Decision::answer(NotFresh);
        }
        if let Err(until) = address_enrol::gate(user, cx, (Channel::Email, session.device)) {
            return Decision::answer(Throttled { until });
        }
        let mut change = Change::default();
        if !sent_code::is_right(cx, user.id, Binding::OwnAddress(session.session), &pending.sent, &self.code) {
            count_wrong(user, cx, &mut change, session, Channel::Email);
            let event = event::of(cx, "address.confirmation_failed", user.id);
            return Decision { change, events: vec![event], outcome: Wrong };
        }
        let named = name_of(account);
        if named.is_some() && self.claim.as_ref().is_some_and(|held| user.voided.contains(&held.claim)) {
            return Decision::answer(Voided);
        }
        count_right(user, cx, &mut change, session, Channel::Email);
        change.delete(ItemKey::OwnAddress);
        if named.is_some() && self.claim.is_none() {
            let event = event::of(cx, "address.taken", user.id);
            return Decision { change, events: vec![event], outcome: Taken };
        }
        let event = take(user, cx, &mut change, (account, pending), self.claim.as_ref());
        Decision { change, events: vec![event], outcome: ConfirmOwnAddressOutcome::Confirmed }
    }
}

/// The address is the account's from now on, and its name if it had an address as that.
fn take(
    user: &User,
    cx: &Context<'_>,
    change: &mut Change,
    (account, pending): (&Account, &PendingAddress),
    claim: Option<&HeldClaim>,
) -> AuditEvent {
    let (mut claims, mut user_name) = (account.claims.clone(), account.user_name.clone());
    if let (Some(old), Some(new)) = (name_of(account), claim) {
        claims.retain(|held| held != old);
        claims.push(new.clone());
        user_name.clone_from(&pending.address);
    }
    change.put(Item::Account(Account {
        email: Some(pending.address.clone()),
        email_verified: true,
        user_name,
        claims,
        updated_at: cx.now,
        ..account.clone()
    }));
    if account.email.as_ref() == Some(&pending.address) {
        letter::notice(user, cx, change, Notice::AddressConfirmed);
        return event::of(cx, "address.confirmed", user.id);
    }
    let mailed = |reset: &&Reset| reset.issued_by == mail_reset::ISSUER && reset.used_at.is_none();
    for reset in user.resets.values().filter(mailed) {
        change.delete(ItemKey::Reset(reset.reset));
    }
    letter::notice(user, cx, change, Notice::AddressChanged);
    event::of(cx, "address.changed", user.id)
}
