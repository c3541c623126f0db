//! Ending the trust in browsers, always with what rests on it: by its owner; with the password and the second factors that it is
//! bound to; and with the sessions of the account.

use schema::{FactorId, SessionId, record::FamilyEnd};
use serde::{Deserialize, Serialize};

use super::{Decide, Decision, tokens};
use crate::domain::{
    change::{Change, ItemKey},
    context::Context,
    event::{self, WithFact},
    user::{Areas, SessionRef, User, rest_on},
};

/// Ends the trust in the devices that a test picks, and what rests on it (HAZARDS H16): sessions, except one, and families.
/// Says how many were trusted.
pub(super) fn end_trust(
    user: &User,
    cx: &Context<'_>,
    change: &mut Change,
    picked: impl Fn(FactorId) -> bool,
    except: Option<SessionId>,
) -> usize {
    let devices: Vec<FactorId> = user.trusted.keys().copied().filter(|device| picked(*device)).collect();
    for device in &devices {
        change.delete(ItemKey::Trusted(*device));
        let resting = user.sessions.values().filter(|session| rest_on(&session.proofs, Some(*device), None));
        for session in resting.filter(|session| Some(session.session) != except) {
            change.delete(ItemKey::Session(session.session));
        }
        let rests = |family: &schema::record::Family| {
            rest_on(&family.proofs, Some(*device), None) && Some(family.session) != except
        };
        tokens::end_families(user, cx, change, FamilyEnd::FactorChanged, rests);
    }
    devices.len()
}

/// The owner trusts a browser no more, or none.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ForgetTrusted {
    /// The session that asks. It stays; what it did without a second proof is done.
    pub session: SessionRef,
    /// Which browser; unset: all of them.
    pub device: Option<FactorId>,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ForgetOutcome {
    /// It is not trusted, perhaps since before.
    Forgotten {
        /// How many were, until now.
        devices: usize,
    },
    /// The session has ended.
    SessionEnded,
}

impl Decide for ForgetTrusted {
    type Outcome = ForgetOutcome;
    const NAME: &'static str = "forget_trusted";
    const NEEDS: Areas = Areas::SESSIONS.and(Areas::FAMILIES);
    /// That is what it is for.
    const REVOKES: bool = true;

    fn misses(outcome: &Self::Outcome) -> bool {
        matches!(outcome, ForgetOutcome::SessionEnded)
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<ForgetOutcome> {
        let Some(session) = user.live_session(&self.session, cx.now, cx.settings) else {
            return Decision::answer(ForgetOutcome::SessionEnded);
        };
        let mut change = Change::default();
        let picked = |device: FactorId| self.device.is_none_or(|wanted| wanted == device);
        let devices = end_trust(user, cx, &mut change, picked, Some(session.session));
        if devices == 0 {
            return Decision::answer(ForgetOutcome::Forgotten { devices });
        }
        let event = event::of(cx, "trusted_device.forgotten", user.id).with("devices", devices);
        let event = match self.device {
            Some(device) => event.with("device", device.to_string()),
            None => event,
        };
        Decision { change, events: vec![event], outcome: ForgetOutcome::Forgotten { devices } }
    }
}
