//! "This was not me": a request to recover the account ends, by the link in a message, in a session, or by an operator. It needs no
//! proof, since it only keeps things as they are.

use schema::{
    RecoveryId, Timestamp,
    record::{CancelledBy, Recovery},
};
use serde::{Deserialize, Serialize};

use super::{Decide, Decision};
use crate::{
    domain::{
        change::Change,
        context::Context,
        event::{self, WithFact},
        recovery,
        user::{Areas, SessionRef, User},
    },
    secret::ct_eq_str,
};

/// By what a request is cancelled.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum CancelWith {
    /// The link in a message.
    Link {
        /// From the link.
        recovery: RecoveryId,
        /// SHA-256 of the link's secret part.
        secret_hash: String,
    },
    /// A session of the account.
    Session(SessionRef),
    /// An operator's word.
    Operator,
}

/// Cancel a request, or only ask whether this could.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CancelRecovery {
    /// By what.
    pub with: CancelWith,
    /// Really? A GET consumes nothing.
    pub confirmed: bool,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CancelOutcome {
    /// It could be cancelled.
    Good {
        /// Whose account it is.
        user_name: String,
        /// When it was begun.
        begun_at: Timestamp,
        /// From when on it counts.
        due_at: Timestamp,
    },
    /// It is cancelled.
    Cancelled,
    /// There is nothing (any more) that this cancels.
    Ended,
}

impl Decide for CancelRecovery {
    type Outcome = CancelOutcome;
    const NAME: &'static str = "cancel_recovery";
    const NEEDS: Areas = Areas::SESSIONS;
    /// It takes away what was asked for. No node completes that anyhow, for the commit decides; but none is to show either that it still
    /// waits, once somebody was told that it is cancelled.
    const REVOKES: bool = true;

    fn misses(outcome: &Self::Outcome) -> bool {
        matches!(outcome, CancelOutcome::Ended)
    }

    fn revoked(outcome: &Self::Outcome) -> bool {
        matches!(outcome, CancelOutcome::Cancelled)
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<CancelOutcome> {
        let alive = recovery::alive(user, cx.now).filter(|alive| self.is_for(user, cx, alive));
        let (Some(alive), Some(account)) = (alive, &user.account) else {
            return Decision::answer(CancelOutcome::Ended);
        };
        if !self.confirmed {
            let user_name = account.user_name.clone();
            return Decision::answer(CancelOutcome::Good { user_name, begun_at: alive.begun_at, due_at: alive.due_at });
        }
        let (by, with) = match self.with {
            CancelWith::Link { .. } => (CancelledBy::Owner, "link"),
            CancelWith::Session(_) => (CancelledBy::Owner, "session"),
            CancelWith::Operator => (CancelledBy::Operator, "operator"),
        };
        let mut change = Change::default();
        recovery::cancel(user, cx, &mut change, by);
        let event = event::of(cx, "recovery.cancelled", user.id).with("recovery", alive.recovery.to_string());
        Decision { change, events: vec![event.with("with", with)], outcome: CancelOutcome::Cancelled }
    }
}

impl CancelRecovery {
    fn is_for(&self, user: &User, cx: &Context<'_>, alive: &Recovery) -> bool {
        match &self.with {
            CancelWith::Link { recovery, secret_hash } => {
                // All are compared, so that the time says nothing of which.
                let known = alive.link_hashes.iter().filter(|known| ct_eq_str(known, secret_hash)).count();
                *recovery == alive.recovery && known > 0
            }
            CancelWith::Session(session) => user.live_session(session, cx.now, cx.settings).is_some(),
            CancelWith::Operator => true,
        }
    }
}
