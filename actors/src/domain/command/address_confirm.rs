//! The proof that activates an address: the code that was sent to it, or the link beside that code. Either voids the other, for
//! both go with the item that holds them.
//!
//! It also proves an e-mail address: an account without one gets it, and one that names the same is marked as verified.

use schema::{
    FactorId,
    record::{Account, Address, Channel, Proof, SentCode, Session},
};
use serde::{Deserialize, Serialize};

use super::{
    ConfirmOutcome, Decide, Decision,
    address_enrol::{self, awaiting},
    codes, device,
    sensitive::{self, Operation},
    totp_enrol::take_backup,
};
use crate::domain::{
    address,
    change::{Change, Item},
    context::Context,
    device::{Step, next},
    event::{self, WithFact},
    factor::{
        sent_code::{self, Binding},
        totp::Code,
    },
    letter, recovery, texts, throttle,
    user::{Areas, SessionRef, User},
};

/// The code that activates an address. It is a proof: it counts for this session.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ConfirmAddress {
    /// The session.
    pub session: SessionRef,
    /// By which way.
    #[serde(default, skip_serializing_if = "address::is_email")]
    pub channel: Channel,
    /// The device.
    pub factor: FactorId,
    /// Six digits.
    pub code: Code,
    /// `(locator, hash)` of ten backup codes, drawn from the attempt's seed; taken if the user has none.
    pub backup: Vec<(String, String)>,
}

/// The link that activates an e-mail address, used in the browser that asked for it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ConfirmAddressByLink {
    /// The session.
    pub session: SessionRef,
    /// The device.
    pub factor: FactorId,
    /// SHA-256 of the link's secret part.
    pub secret_hash: String,
    /// As that of [`ConfirmAddress`].
    pub backup: Vec<(String, String)>,
}

/// What a confirmation loads: beside the session what a set of backup codes may end.
const NEEDS: Areas = Areas::SESSIONS.and(Areas::LOGINS).and(Areas::BACKUP).and(Areas::CODES).and(Areas::FAMILIES);

impl Decide for ConfirmAddress {
    type Outcome = ConfirmOutcome;
    const NAME: &'static str = "confirm_email";
    const NEEDS: Areas = NEEDS;
    /// The account has one more factor, and a used-up set of backup codes may end with what rests on it.
    const REVOKES: bool = true;
    const SENSITIVE: bool = true;

    fn misses(outcome: &Self::Outcome) -> bool {
        matches!(outcome, ConfirmOutcome::SessionEnded | ConfirmOutcome::Ended)
    }

    fn revoked(outcome: &Self::Outcome) -> bool {
        matches!(outcome, ConfirmOutcome::Activated { .. })
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<ConfirmOutcome> {
        let awaited = match Awaited::find(user, &self.session, (self.channel, self.factor), cx) {
            Ok(awaited) => awaited,
            Err(outcome) => return Decision::answer(outcome),
        };
        if let Err(closed) = awaited.gate(user, cx) {
            return Decision::answer(closed);
        }
        if sent_code::is_right(cx, user.id, awaited.binding(), awaited.sent, &self.code) {
            return awaited.activate(user, cx, &self.backup);
        }
        awaited.failed(user, cx)
    }
}

impl Decide for ConfirmAddressByLink {
    type Outcome = ConfirmOutcome;
    const NAME: &'static str = "confirm_address_by_link";
    const NEEDS: Areas = NEEDS;
    /// As a code does.
    const REVOKES: bool = true;
    const SENSITIVE: bool = true;

    /// A newer link makes this one wrong, and a wrong one is not counted: nothing is written.
    fn misses(outcome: &Self::Outcome) -> bool {
        matches!(outcome, ConfirmOutcome::SessionEnded | ConfirmOutcome::Ended | ConfirmOutcome::Wrong)
    }

    fn revoked(outcome: &Self::Outcome) -> bool {
        matches!(outcome, ConfirmOutcome::Activated { .. })
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<ConfirmOutcome> {
        let awaited = match Awaited::find(user, &self.session, (Channel::Email, self.factor), cx) {
            Ok(awaited) => awaited,
            Err(outcome) => return Decision::answer(outcome),
        };
        if !sent_code::is_link(cx, user.id, awaited.binding(), awaited.sent, &self.secret_hash) {
            return Decision::answer(ConfirmOutcome::Wrong);
        }
        match awaited.gate(user, cx) {
            Ok(()) => awaited.activate(user, cx, &self.backup),
            Err(closed) => Decision::answer(closed),
        }
    }
}

/// An address that awaits its proof, in the session that asked for it.
struct Awaited<'a> {
    session: &'a Session,
    channel: Channel,
    address: &'a Address,
    sent: &'a SentCode,
}

impl<'a> Awaited<'a> {
    fn find(
        user: &'a User,
        session: &SessionRef,
        (channel, factor): (Channel, FactorId),
        cx: &Context<'_>,
    ) -> Result<Self, ConfirmOutcome> {
        let session = user.live_session(session, cx.now, cx.settings).ok_or(ConfirmOutcome::SessionEnded)?;
        if user.active_addresses(channel).iter().any(|active| active.factor == factor) {
            return Err(ConfirmOutcome::AlreadyActivated);
        }
        if !sensitive::allows(user, session, cx, Operation::Add(address::policy_method(channel))) {
            return Err(ConfirmOutcome::NotFresh);
        }
        let found = awaiting(user, (channel, factor), cx).and_then(|(found, _)| Some((found, found.sent.as_ref()?)));
        let (address, sent) = found.ok_or(ConfirmOutcome::Ended)?;
        Ok(Self { session, channel, address, sent })
    }

    const fn binding(&self) -> Binding {
        Binding::Enrolment(self.session.session)
    }

    /// May it be proved now?
    fn gate(&self, user: &User, cx: &Context<'_>) -> Result<(), ConfirmOutcome> {
        let gate = address_enrol::gate(user, cx, (self.channel, self.session.device));
        gate.map_err(|until| ConfirmOutcome::Throttled { until })
    }

    /// A wrong code is counted.
    fn failed(&self, user: &User, cx: &Context<'_>) -> Decision<ConfirmOutcome> {
        let mut change = Change::default();
        count_wrong(user, cx, &mut change, self.session, self.channel);
        let event = event::of(cx, "factor.activation_failed", user.id);
        let event = event.with("method", address::name(self.channel)).with("factor", self.address.factor.to_string());
        Decision { change, events: vec![event], outcome: ConfirmOutcome::Wrong }
    }

    fn activate(&self, user: &User, cx: &Context<'_>, backup: &[(String, String)]) -> Decision<ConfirmOutcome> {
        let (session, factor) = (self.session, self.address.factor);
        let Some(state) = next(self.address.state, Step::Proved, cx.now) else {
            return Decision::answer(ConfirmOutcome::Ended);
        };
        let mut change = Change::default();
        count_right(user, cx, &mut change, session, self.channel);
        texts::verified(&mut change, &self.address.texts);
        let active =
            Address { state, sent: None, texts: Vec::new(), last_used_at: Some(cx.now), ..self.address.clone() };
        change.put(address::item(self.channel, active));
        let proved =
            user.account.as_ref().filter(|account| self.channel == Channel::Email && proves(account, self.address));
        if let Some(account) = proved {
            change.put(Item::Account(Account {
                email: Some(self.address.address.clone()),
                email_verified: true,
                updated_at: cx.now,
                ..account.clone()
            }));
        }
        let method = address::method(self.channel);
        let proof = Proof { method, at: cx.now, factor: Some(factor), credential: None };
        let signed_in = device::proved(session, cx, &mut change, proof);
        codes::forgiven(user, &mut change);
        let cancelled = device::changed(user, cx, &mut change, session.session);
        letter::notice(user, cx, &mut change, address::notice(self.channel, true));
        let event = event::of(cx, "factor.activated", user.id).with("method", address::name(self.channel));
        let mut events = vec![recovery::noted(event.with("factor", factor.to_string()), cancelled)];
        let backup_taken = take_backup(user, cx, &mut change, &mut events, (session.session, backup));
        Decision { change, events, outcome: ConfirmOutcome::Activated { signed_in, backup_taken } }
    }
}

/// Counts a wrong one.
pub(super) fn count_wrong(user: &User, cx: &Context<'_>, change: &mut Change, session: &Session, channel: Channel) {
    let throttle = address::enrolment_throttle(channel);
    let mut counts = address_enrol::failures(user, cx, channel);
    throttle::fail(&mut counts, user.bucket(Some(&session.device), cx.now), cx.now, cx.jitter());
    change.put(Item::Throttle(throttle.to_owned(), counts));
}

/// Notes a right one.
pub(super) fn count_right(user: &User, cx: &Context<'_>, change: &mut Change, session: &Session, channel: Channel) {
    let throttle = address::enrolment_throttle(channel);
    if user.throttles.contains_key(throttle) {
        let mut counts = address_enrol::failures(user, cx, channel);
        throttle::succeed(&mut counts, user.bucket(Some(&session.device), cx.now));
        change.put(Item::Throttle(throttle.to_owned(), counts));
    }
}

/// Does a proof of this address say something new of the account?
fn proves(account: &Account, proved: &Address) -> bool {
    match &account.email {
        None => true,
        Some(known) => !account.email_verified && *known == proved.address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Another node may have sent what the owner does not know of.
    #[test]
    fn nothing_that_is_not_there_is_said_from_memory() {
        for gone in [ConfirmOutcome::SessionEnded, ConfirmOutcome::Ended] {
            assert!(ConfirmAddress::misses(&gone) && ConfirmAddressByLink::misses(&gone), "{gone:?}");
        }
        assert!(ConfirmAddressByLink::misses(&ConfirmOutcome::Wrong), "a newer link was sent");
        assert!(!ConfirmAddress::misses(&ConfirmOutcome::Wrong), "it is counted, so it is written");
    }
}
