//! Hash reservations: at most as many per bucket as the bucket has guesses left; others queue within their deadline. So
//! a password guess is never evaluated beyond the throttle's budget, and right passwords in parallel are all served.

use std::collections::{HashMap, VecDeque};

use ractor::ActorRef;
use schema::{CredentialId, Timestamp, record::Throttle};
use tokio::{sync::oneshot, time::Instant};

use super::{
    actor::{Account, State},
    message::{Message, Reservable},
};
use crate::{
    call::{CallError, Deadline},
    domain::{
        command::{BACKUP_THROTTLE, Decide as _, JudgeBackupCode, JudgePassword, PASSWORD_THROTTLE},
        throttle::{self, Bucketing, Gate},
        user::User,
    },
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

/// A request for one, which may have to wait.
#[derive(Debug)]
pub(crate) struct Waiter {
    pub(super) of: Reservable,
    /// The answer must be true at this moment or later.
    pub(super) asked_at: Instant,
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

/// How an authenticator's gate is read.
type GateOf = fn(&Throttle, Bucketing<'_>, Timestamp) -> Gate;

/// A guess that the throttle allows, if not too many are out already.
struct Guess {
    of: Reservation,
    left: u32,
    credential: CredentialId,
    version: u32,
    hash: Option<String>,
    priority: Priority,
}

impl Account {
    pub(super) async fn reserve(&self, myself: &ActorRef<Message>, state: &mut State, waiter: Waiter) {
        // Once more, if what the first answer rested on was out of date.
        for _ in 0..2 {
            // What the verdict will need as well, so that a cold user is read once.
            let needs = match &waiter.of {
                Reservable::Password { .. } => JudgePassword::NEEDS,
                Reservable::BackupCode { .. } => JudgeBackupCode::NEEDS,
            };
            let now = match self.prepare(state, needs, waiter.deadline).await {
                Ok(now) => now,
                Err(error) => return drop(waiter.reply.send(Err(error))),
            };
            let answer = match guess(state, &waiter.of, now) {
                Ok(guess) => return hand_out(myself, state, waiter, guess),
                Err(answer) => answer,
            };
            match self.is_current(state, waiter.asked_at).await {
                Ok(true) => return drop(waiter.reply.send(Ok(answer))),
                Ok(false) => {}
                Err(error) => return drop(waiter.reply.send(Err(error))),
            }
        }
        let _ = waiter.reply.send(Err(CallError::Unavailable("the account changes too fast".to_owned())));
    }

    pub(super) async fn wake(&self, myself: &ActorRef<Message>, state: &mut State, waiting: VecDeque<Waiter>) {
        for waiter in waiting {
            self.reserve(myself, state, waiter).await;
        }
    }
}

/// What may be guessed, or why nothing.
fn guess(state: &State, of: &Reservable, now: Timestamp) -> Result<Guess, Reserved> {
    let (authenticator, gate, device): (_, GateOf, _) = match of {
        Reservable::Password { device } => (PASSWORD_THROTTLE, throttle::password_gate, device),
        Reservable::BackupCode { device, .. } => (BACKUP_THROTTLE, throttle::status, device),
    };
    let bucket = state.user.bucket(device.as_ref(), now);
    let left = match gate(&state.user.throttle(authenticator), bucket, now) {
        Gate::Open { left } => left,
        closed @ (Gate::Closed { .. } | Gate::Suspended) => return Err(Reserved::Refused(closed)),
    };
    let (credential, version, hash) = secret_of(&state.user, of).ok_or(Reserved::Nothing)?;
    let priority = if matches!(bucket, Bucketing::Device(_)) { Priority::KnownDevice } else { Priority::Unknown };
    let of = Reservation { authenticator, bucket: bucket.name() };
    Ok(Guess { of, left, credential, version, hash, priority })
}

/// Grants a guess, or lets it wait.
fn hand_out(myself: &ActorRef<Message>, state: &mut State, waiter: Waiter, guess: Guess) {
    let Guess { of, left, credential, version, hash, priority } = guess;
    if !state.reservations.take(&of, left) {
        return state.reservations.wait(of, waiter);
    }
    let guard = ReservationGuard { of: Some(of), actor: myself.clone() };
    let granted = Granted { credential, version, hash, priority, _guard: guard };
    // If the asker has gone, the guard in the message gives the reservation back.
    drop(waiter.reply.send(Ok(Reserved::Granted(Box::new(granted)))));
}

/// What a reservation lets one hash against. A backup code that does not exist is hashed against the dummy, so that it
/// costs and counts like one that does.
fn secret_of(user: &User, of: &Reservable) -> Option<(CredentialId, u32, Option<String>)> {
    match of {
        Reservable::Password { .. } => user.password.as_ref().map(|p| (p.credential, p.version, Some(p.hash.clone()))),
        Reservable::BackupCode { locator, .. } => user.backup.as_ref().map(|set| {
            let unused = set.codes.iter().find(|code| code.locator == *locator && code.used_at.is_none());
            (set.credential, 0, unused.map(|code| code.hash.clone()))
        }),
    }
}
