//! Renaming a TOTP device. The name is for its owner's eyes: nothing rests on it, so no fresh proof is asked for.

use schema::{
    FactorId,
    record::{FactorState, Totp},
};
use serde::{Deserialize, Serialize};

use super::{Decide, Decision, totp_enrol::cut_name};
use crate::domain::{
    change::{Change, Item},
    context::Context,
    event::{self, WithFact},
    user::{Areas, SessionRef, User},
};

/// A user gives a device another name.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RenameTotp {
    /// The session.
    pub session: SessionRef,
    /// The device.
    pub factor: FactorId,
    /// The new name; cut to 64 characters.
    pub name: String,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RenameTotpOutcome {
    /// It has that name.
    Renamed,
    /// No such device is in force.
    Gone,
    /// The session has ended.
    SessionEnded,
}

impl Decide for RenameTotp {
    type Outcome = RenameTotpOutcome;
    const NAME: &'static str = "rename_totp";
    const NEEDS: Areas = Areas::SESSIONS;
    /// It proves what it proved before.
    const REVOKES: bool = false;

    fn misses(outcome: &Self::Outcome) -> bool {
        matches!(outcome, RenameTotpOutcome::Gone | RenameTotpOutcome::SessionEnded)
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<RenameTotpOutcome> {
        if user.live_session(&self.session, cx.now, cx.settings).is_none() {
            return Decision::answer(RenameTotpOutcome::SessionEnded);
        }
        let in_force = |totp: &&Totp| matches!(totp.state, FactorState::Activated { .. });
        let Some(totp) = user.totps.get(&self.factor).filter(in_force) else {
            return Decision::answer(RenameTotpOutcome::Gone);
        };
        let name = cut_name(&self.name);
        if name == totp.name {
            return Decision::answer(RenameTotpOutcome::Renamed);
        }
        let mut change = Change::default();
        change.put(Item::Totp(Totp { name, ..totp.clone() }));
        let event = event::of(cx, "factor.renamed", user.id).with("method", "totp");
        let event = event.with("factor", totp.factor.to_string());
        Decision { change, events: vec![event], outcome: RenameTotpOutcome::Renamed }
    }
}
