//! Which node serves a request: the owner, or whoever stands in for it.
//!
//! 1. The view names the owner. It is this node: its own actor. It is another: one call.
//! 2. An owner that cannot be reached, does not answer in its share of the deadline, or is none by its own view: the next
//!    in the order of the key is asked to serve in its place. One hop at most, and at most [`ASKED`] members.
//! 3. After a call whose fate is unknown the delivery is marked as repeated, so that the ring of the partition gives the
//!    recorded outcome (HAZARDS H5), on whichever node it is served next.
//! 4. At last this node itself, if it runs account actors: whoever serves in place keeps nothing, so everybody may.
//!
//! What this node serves itself is final: its store is the store of all.

use cluster::{Authority, CallFailure, Generation, Member, Route, placement};
use schema::{Revision, UserId};
use tokio::sync::oneshot;

use super::{
    handle::{Accounts, Asked},
    message::{Answer, Message, Request},
};
use crate::{
    call::{CallError, Deadline},
    peer_service::{self, Ask, Call, Told},
};

/// Other members asked for one request, at most.
const ASKED: usize = 3;

/// Who is asked next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// This node.
    Here,
    /// Another one.
    There {
        /// Which.
        member: Member,
        /// In the owner's place?
        in_place: bool,
        /// Is there nobody to ask after it?
        last: bool,
    },
}

/// Who is asked for this user after those that were tried, by the view of now. `here`: does this node run account actors,
/// and may it decide by its clock?
pub fn next(authority: &Authority, here: bool, user: UserId, tried: &[Member]) -> Option<Next> {
    let view = authority.view();
    let order = placement::order(&view, user.as_bytes());
    let same = |one: &Member, other: &Member| (&one.node, one.generation) == (&other.node, other.generation);
    let me = |member: &Member| member.node == *authority.me() && member.generation == authority.generation();
    let mut open = order.into_iter().enumerate().filter(|(_, member)| {
        if me(member) { here } else { tried.len() < ASKED && !tried.iter().any(|tried| same(tried, member)) }
    });
    let Some((place, member)) = open.next() else { return here.then_some(Next::Here) };
    if me(member) {
        return Some(Next::Here);
    }
    let last = !here && (open.next().is_none() || tried.len() + 1 == ASKED);
    Some(Next::There { member: member.clone(), in_place: place > 0, last })
}

/// What a call to another node came to.
enum Came {
    /// This is the answer.
    Answered(Answer),
    /// Nothing was done.
    Undone,
    /// Nothing was done, by who does not know itself as the owner.
    Moved,
    /// It may have been done.
    Unknown(CallError),
}

impl Accounts {
    /// Brings a request to whoever serves it.
    pub(super) async fn deliver(&self, asked: Asked, request: Request) -> Answer {
        let local = self.may_decide() && self.authority().route(asked.user.as_bytes()) == Route::Local;
        if local { self.serve(&asked, request).await } else { Box::pin(self.deliver_elsewhere(asked, request)).await }
    }

    /// Does this node run account actors, and may it decide by its clock?
    fn may_decide(&self) -> bool {
        self.serves && self.directory.shared.clock.certain().is_some()
    }

    async fn deliver_elsewhere(&self, mut asked: Asked, request: Request) -> Answer {
        let first_sent_at = self.directory.shared.clock.certain();
        let mut tried = Vec::new();
        let mut failure = CallError::Unreachable;
        let mut moved = None;
        loop {
            let next = next(self.authority(), self.may_decide(), asked.user, &tried);
            // An owner that does not know it yet may still serve in place, if nobody else can.
            let in_place = || Some(Next::There { member: moved.take()?, in_place: true, last: true });
            let Some(next) = next.or_else(in_place) else { return Err(failure) };
            if asked.deadline.is_over() {
                return Err(CallError::TimedOut);
            }
            let Next::There { member, in_place, last } = next else {
                return self.serve(&asked, request).await;
            };
            let deadline = if last { asked.deadline } else { asked.deadline.half() };
            match self.ask_member(&asked, &request, (&member, in_place, deadline)).await {
                Came::Answered(answer) => return answer,
                Came::Undone => {}
                Came::Moved => moved = Some(member.clone()),
                Came::Unknown(error) => {
                    failure = error;
                    // Without the time of the first sending nobody can tell what the ring has forgotten.
                    let Some(first_sent_at) = first_sent_at else { return Err(failure) };
                    asked.first_sent_at = Some(first_sent_at);
                }
            }
            tried.push(member);
        }
    }

    async fn ask_member(&self, asked: &Asked, request: &Request, to: (&Member, bool, Deadline)) -> Came {
        let (member, in_place, deadline) = to;
        let (user, first_sent_at, began) = (asked.user, asked.first_sent_at, cluster::now());
        let ask = Ask::Serve { user, attempt: &asked.attempt, request, first_sent_at };
        let call = Call { user, trace: asked.attempt.origin.trace, ask, in_place, deadline };
        let peers = self.directory.shared.acknowledger.peers.as_ref();
        let told = peer_service::call(peers, member, &call).await;
        metrics::counter!("doorward_remote_calls_total", "result" => word(&told)).increment(1);
        match told {
            Ok(Told::Outcome(outcome)) => Came::Answered(Ok(outcome)),
            // The node cannot reach the store, did not make it in time, or lost its actor in the middle; another one may.
            Ok(Told::Failed(error @ (CallError::Unavailable(_) | CallError::TimedOut | CallError::Unreachable))) => {
                Came::Unknown(error)
            }
            Ok(Told::Suspended | Told::NotUnderstood) | Err(CallFailure::NotSent(_) | CallFailure::Version) => {
                Came::Undone
            }
            Ok(Told::Failed(error)) => Came::Answered(Err(error)),
            Ok(Told::Moved) => {
                // An error is no reason to give up: the next is asked by the view that is known.
                let _ = tokio::time::timeout_at(deadline.instant(), self.views.since(began)).await;
                Came::Moved
            }
            // Asking others as well would only spread the load.
            Err(CallFailure::Overloaded) => Came::Answered(Err(CallError::Overloaded)),
            Ok(Told::Invalidated) | Err(CallFailure::Lost(_)) => Came::Unknown(CallError::Unreachable),
            Err(CallFailure::TimedOut) => Came::Unknown(CallError::TimedOut),
        }
    }

    /// Serves a request that another node took.
    pub(crate) async fn serve_peer(&self, asked: Asked, request: Request, in_place: bool) -> Told {
        let authority = self.authority();
        if self.directory.shared.clock.certain().is_none() {
            return Told::Suspended;
        }
        if !self.serves || !in_place && authority.route(asked.user.as_bytes()) != Route::Local {
            return Told::Moved;
        }
        let _permit = match self.permits.take() {
            Ok(permit) => permit,
            Err(error) => return Told::Failed(error),
        };
        match self.serve(&asked, request).await {
            Ok(outcome) => Told::Outcome(outcome),
            Err(error) => Told::Failed(error),
        }
    }

    /// Drops what is held of a user from before this revision; answers when it is dropped (HAZARDS H2).
    pub(crate) async fn invalidate(
        &self,
        user: UserId,
        revision: Revision,
        generation: Generation,
        deadline: Deadline,
    ) -> Told {
        if generation != self.authority().generation() {
            return Told::Moved;
        }
        let Some(actor) = self.directory.invalidate(user, revision) else { return Told::Invalidated };
        let (reply, answer) = oneshot::channel();
        if actor.send_message(Message::Invalidate { revision, reply }).is_err() {
            // It has stopped, and what it kept was dropped above.
            return Told::Invalidated;
        }
        match tokio::time::timeout_at(deadline.instant(), answer).await {
            // Without an answer the actor fell, and its state with it.
            Ok(_) => Told::Invalidated,
            Err(_) => Told::Failed(CallError::TimedOut),
        }
    }
}

/// What a call came to, for the metric.
const fn word(told: &Result<Told, CallFailure>) -> &'static str {
    match told {
        // No answer to what was asked.
        Ok(Told::Invalidated) => "not_understood",
        Ok(told) => told.word(),
        Err(CallFailure::NotSent(_)) => "not_sent",
        Err(CallFailure::Lost(_)) => "lost",
        Err(CallFailure::TimedOut) => "timed_out",
        Err(CallFailure::Overloaded) => "overloaded",
        Err(CallFailure::Version) => "version",
    }
}
