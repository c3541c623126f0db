//! The owner of an account is told once more of a recovery that waits.

use std::time::Duration;

use schema::record::Recovery;
use serde::{Deserialize, Serialize};

use super::{Decide, Decision, recovery_begin::Link};
use crate::domain::{
    change::{Change, Item},
    context::Context,
    event::{self, WithFact},
    letter::{self, Content},
    recovery,
    user::{Areas, User},
};

/// The node that noted the time read another clock, a moment before the request was begun.
const EARLY: Duration = Duration::from_mins(10);

/// Remind the owner, if it is time and nobody has.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RemindRecovery;

impl Decide for RemindRecovery {
    /// Was that done now?
    type Outcome = bool;
    const NAME: &'static str = "remind_recovery";
    const NEEDS: Areas = Areas::NONE;
    /// It only tells.
    const REVOKES: bool = false;

    fn misses(outcome: &bool) -> bool {
        !*outcome
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<bool> {
        let is_time = |alive: &&Recovery| {
            let at = recovery::remind_at(alive.begun_at, alive.due_at);
            alive.reminded_at.is_none() && at <= cx.now.after(EARLY)
        };
        let Some(alive) = recovery::alive(user, cx.now).filter(is_time) else {
            return Decision::answer(false);
        };
        let mut change = Change::default();
        let link = Link::draw(user, cx, alive.recovery);
        let content = Content::RecoveryBegun { due_at: alive.due_at, token: link.token };
        let to = letter::confirmed(user);
        letter::of_recovery(user, cx, &mut change, &content, (to, alive.expires_at, alive.lang.clone()));
        let reminded = Recovery { reminded_at: Some(cx.now), ..recovery::with_link(alive, link.hash) };
        change.put(Item::Recovery(reminded));
        let event = event::of(cx, "recovery.reminded", user.id).with("recovery", alive.recovery.to_string());
        Decision { change, events: vec![event], outcome: true }
    }
}
