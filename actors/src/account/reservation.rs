//! Hash reservations: at most as many per bucket as the bucket has guesses left; others queue within their deadline. So
//! a password guess is never evaluated beyond the throttle's budget, and right passwords in parallel are all served.

use std::collections::{HashMap, VecDeque};

use ractor::ActorRef;
use schema::CredentialId;
use tokio::sync::oneshot;

use super::message::{Message, Reservable};
use crate::{
    call::{CallError, Deadline},
    domain::throttle::Gate,
    hasher::Priority,
};

/// The queue of one bucket.
pub(crate) const MAX_WAITING: usize = 64;

/// A bucket of an authenticator, such as (`password`, `unknown`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Reservation {
    pub(super) authenticator: &'static str,
    pub(super) bucket: String,
}

/// Gives a reservation back when dropped, whichever way its work ended.
#[derive(Debug)]
pub(crate) struct ReservationGuard {
    pub(super) of: Option<Reservation>,
    pub(super) actor: ActorRef<Message>,
}

impl Drop for ReservationGuard {
    fn drop(&mut self) {
        if let Some(of) = self.of.take() {
            // An actor that is gone has forgotten its reservations.
            let _ = self.actor.send_message(Message::Release(of));
        }
    }
}

/// An answer to a wish for a reservation.
#[derive(Debug)]
pub(crate) enum Reserved {
    /// Hash against this, then have it judged. Dropping the guard ends it.
    Granted(Box<Granted>),
    /// The bucket is closed, or the authenticator suspended.
    Refused(Gate),
    /// There is nothing to hash against: no account, no such secret.
    Nothing,
}

/// What to hash against.
#[derive(Debug)]
pub(crate) struct Granted {
    pub(super) credential: CredentialId,
    pub(super) version: u32,
    /// `None`: a backup code that does not exist or was used; hash against the dummy.
    pub(super) hash: Option<String>,
    pub(super) priority: Priority,
    /// Held until the verdict is committed.
    pub(super) _guard: ReservationGuard,
}

/// A request that waits.
pub(super) struct Waiter {
    pub(super) of: Reservable,
    pub(super) deadline: Deadline,
    pub(super) reply: oneshot::Sender<Result<Reserved, CallError>>,
}

/// Who has a reservation, and who waits.
#[derive(Default)]
pub(super) struct Reservations {
    out: HashMap<Reservation, u32>,
    waiting: HashMap<Reservation, VecDeque<Waiter>>,
}

impl Reservations {
    /// One more is out, if the bucket has `left` guesses.
    pub(super) fn take(&mut self, of: &Reservation, left: u32) -> bool {
        let out = self.out.entry(of.clone()).or_default();
        let free = *out < left;
        *out += u32::from(free);
        free
    }

    /// One fewer is out. Returns who waits for this bucket; each asks again.
    pub(super) fn give_back(&mut self, of: &Reservation) -> VecDeque<Waiter> {
        if let Some(out) = self.out.get_mut(of) {
            *out = out.saturating_sub(1);
            if *out == 0 {
                self.out.remove(of);
            }
        }
        self.waiting.remove(of).unwrap_or_default()
    }

    /// Waits for the next one that is given back, or is refused.
    pub(super) fn wait(&mut self, of: Reservation, waiter: Waiter) {
        let queue = self.waiting.entry(of).or_default();
        queue.retain(|waiter| !waiter.deadline.is_over() && !waiter.reply.is_closed());
        if queue.len() >= MAX_WAITING {
            // Who asks has gone if this cannot be delivered.
            let _ = waiter.reply.send(Err(CallError::Overloaded));
        } else {
            queue.push_back(waiter);
        }
    }

    pub(super) fn out(&self) -> usize {
        self.out.values().map(|n| *n as usize).sum()
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.values().map(VecDeque::len).sum()
    }
}
