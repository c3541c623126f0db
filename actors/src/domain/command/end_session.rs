//! Ending sessions. A session that is gone is dead, and with it every family that may not outlive it.

use schema::SessionId;
use serde::{Deserialize, Serialize};

use super::{Decide, Decision, trusted_device::end_trust};
use crate::domain::{
    change::{Change, ItemKey},
    context::Context,
    event::{self, WithFact},
    user::{Areas, User},
};

/// End this session.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EndSession {
    /// Which.
    pub session: SessionId,
}

impl Decide for EndSession {
    /// Was it there?
    type Outcome = bool;
    const NAME: &'static str = "end_session";
    const NEEDS: Areas = Areas::SESSIONS;
    /// That is what it is for.
    const REVOKES: bool = true;

    /// Nothing to end: a stand-in may have made the session since.
    fn misses(outcome: &Self::Outcome) -> bool {
        !*outcome
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<bool> {
        if !user.sessions.contains_key(&self.session) {
            return Decision::answer(false);
        }
        let mut change = Change::default();
        change.delete(ItemKey::Session(self.session));
        let event = event::of(cx, "session.ended", user.id).with("session", self.session.to_string());
        Decision { change, events: vec![event], outcome: true }
    }
}

/// End all sessions, or all but one, and the trust in every browser: who wants everybody out wants nobody back in by half.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EndAllSessions {
    /// This one stays.
    pub except: Option<SessionId>,
}

impl Decide for EndAllSessions {
    /// How many ended.
    type Outcome = usize;
    const NAME: &'static str = "end_all_sessions";
    const NEEDS: Areas = Areas::SESSIONS.and(Areas::LOGINS).and(Areas::FAMILIES);
    /// That is what it is for.
    const REVOKES: bool = true;

    fn misses(outcome: &Self::Outcome) -> bool {
        *outcome == 0
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<usize> {
        let mut change = Change::default();
        let ended = end_all_but(user, &mut change, self.except);
        end_trust(user, cx, &mut change, |_| true, self.except);
        if change.is_empty() {
            return Decision::answer(0);
        }
        let event = event::of(cx, "session.all_ended", user.id).with("sessions", ended);
        Decision { change, events: vec![event], outcome: ended }
    }
}

/// Removes sessions, and logins on their way to one. Says how many sessions.
pub(super) fn end_all_but(user: &User, change: &mut Change, except: Option<SessionId>) -> usize {
    let sessions: Vec<SessionId> = user.sessions.keys().copied().filter(|id| Some(*id) != except).collect();
    for id in &sessions {
        change.delete(ItemKey::Session(*id));
    }
    for id in user.logins.keys() {
        change.delete(ItemKey::Login(*id));
    }
    sessions.len()
}
