//! Work around a hash, at the owner but outside the actor, whose mailbox never waits for one:
//!
//! 1. A reservation is taken from the actor, with what to hash against.
//! 2. The pool hashes.
//! 3. The verdict goes to the actor as a command, naming the credential and version that it was computed against. If that
//!    is not the current one any more it is neither right nor wrong, and everything begins anew within the deadline
//!    (HAZARDS H7).
//! 4. The reservation is given back after the verdict was committed.
//!
//! A delivery that is repeated, since the fate of the first is unknown, looks for its outcome before anything is hashed.
//! Without one it is hashed here too, and the commit decides: a verdict that comes second finds the first in the ring.

use schema::{DeviceId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::oneshot;

use super::{
    handle::{Accounts, Asked, failed_twice},
    message::{Answer, Message, Reservable, Trace, digest},
    reservation::{Granted, Reserved, Waiter},
};
use crate::{
    call::{CallError, Deadline},
    domain::{
        command::{
            ChangePassword, ChangePasswordOutcome, Decide, JudgeBackupCode, JudgePassword, LoginRef, SignInOutcome,
            revoked,
        },
        throttle::Gate,
        user::SessionRef,
    },
    hasher::Priority,
    secret::Secret,
};

/// A password was typed for this user.
#[derive(Debug, Serialize, Deserialize)]
pub struct CheckPassword {
    /// The login.
    pub login: LoginRef,
    /// As typed, normalised.
    #[serde(with = "crate::secret::exposed")]
    pub password: Secret<String>,
}

/// A backup code was typed.
#[derive(Debug, Serialize, Deserialize)]
pub struct CheckBackupCode {
    /// The login that awaits it.
    pub login: LoginRef,
    /// Its first four characters.
    pub locator: String,
    /// The other sixteen.
    #[serde(with = "crate::secret::exposed")]
    pub secret: Secret<String>,
}

/// A new password was chosen by somebody who typed the current one.
#[derive(Debug, Serialize, Deserialize)]
pub struct ChangePasswordRequest {
    /// The session.
    pub session: SessionRef,
    /// Its device, whose bucket counts.
    pub device: Option<DeviceId>,
    /// The current password as typed, normalised.
    #[serde(with = "crate::secret::exposed")]
    pub current: Secret<String>,
    /// The new password's hash.
    pub new_hash: String,
}

/// Says `Stale` where there is no password to compute against: the caller does the work that is missing and answers as
/// for a name that nobody has (HAZARDS H13).
pub(super) async fn check_password(accounts: &Accounts, asked: &Asked, check: CheckPassword) -> Answer {
    let (user, deadline) = (asked.user, asked.deadline);
    let trace = || asked.trace::<JudgePassword>(&check.login);
    if let Some(outcome) = accounts.recall(asked, trace).await? {
        return Ok(outcome);
    }
    let of = Reservable::Password { device: check.login.device };
    loop {
        let granted = match reserve(accounts, user, &of, deadline).await? {
            Reserved::Granted(granted) => granted,
            Reserved::Refused(gate) => return raw(&closed(gate)),
            Reserved::Nothing => {
                accounts.hashes().verify_dummy(&check.password, Priority::Unknown, deadline).await?;
                return raw(&SignInOutcome::Stale);
            }
        };
        let right = verify(accounts, &granted, &check.password, deadline).await?;
        let rehash = rehash(accounts, &granted, right, &check.password, deadline).await?;
        let (credential, version) = (granted.credential, granted.version);
        let judge = JudgePassword { login: check.login.clone(), credential, version, right, rehash };
        let outcome = accounts.decide(asked, judge.into()).await?;
        drop(granted);
        if read::<SignInOutcome>(&outcome)? != SignInOutcome::Stale {
            return Ok(outcome);
        }
    }
}

pub(super) async fn check_backup_code(accounts: &Accounts, asked: &Asked, check: CheckBackupCode) -> Answer {
    let (user, deadline) = (asked.user, asked.deadline);
    let trace = || asked.trace::<JudgeBackupCode>(&(&check.login, &check.locator));
    if let Some(outcome) = accounts.recall(asked, trace).await? {
        return Ok(outcome);
    }
    let of = Reservable::BackupCode { device: check.login.device, locator: check.locator.clone() };
    loop {
        let granted = match reserve(accounts, user, &of, deadline).await? {
            Reserved::Granted(granted) => granted,
            Reserved::Refused(gate) => return raw(&closed(gate)),
            Reserved::Nothing => return raw(&SignInOutcome::Wrong),
        };
        let right = verify(accounts, &granted, &check.secret, deadline).await?;
        let (credential, locator) = (granted.credential, check.locator.clone());
        let judge = JudgeBackupCode { login: check.login.clone(), credential, locator, right };
        let outcome = accounts.decide(asked, judge.into()).await?;
        drop(granted);
        if read::<SignInOutcome>(&outcome)? != SignInOutcome::Stale {
            return Ok(outcome);
        }
    }
}

pub(super) async fn change_password(accounts: &Accounts, asked: &Asked, change: ChangePasswordRequest) -> Answer {
    let (user, deadline) = (asked.user, asked.deadline);
    let trace = || asked.trace::<ChangePassword>(&(&change.session, &change.new_hash));
    if let Some(outcome) = accounts.recall(asked, trace).await? {
        return Ok(outcome);
    }
    let of = Reservable::Password { device: change.device };
    loop {
        let granted = match reserve(accounts, user, &of, deadline).await? {
            Reserved::Granted(granted) => granted,
            Reserved::Refused(Gate::Closed { until }) => return raw(&ChangePasswordOutcome::Throttled { until }),
            Reserved::Refused(Gate::Suspended | Gate::Open { .. }) => return raw(&ChangePasswordOutcome::Suspended),
            Reserved::Nothing => return raw(&ChangePasswordOutcome::SessionEnded),
        };
        let right = verify(accounts, &granted, &change.current, deadline).await?;
        let judge = ChangePassword {
            session: change.session.clone(),
            credential: granted.credential,
            version: granted.version,
            right,
            new_hash: change.new_hash.clone(),
        };
        let outcome = accounts.decide(asked, judge.into()).await?;
        drop(granted);
        if !matches!(read::<ChangePasswordOutcome>(&outcome)?, ChangePasswordOutcome::Stale) {
            return Ok(outcome);
        }
    }
}

impl Asked {
    /// What an earlier delivery would have left behind: as [`super::message::Delivery::digest`] has it.
    fn trace<C: Decide>(&self, what: &impl Serialize) -> Trace {
        let digest = digest(&self.edge, self.user, C::NAME, what);
        Trace { id: self.attempt.id, digest, revoked: revoked::<C> }
    }
}

/// Asks for a reservation; once more if the actor went away under the question, which changes nothing.
async fn reserve(
    accounts: &Accounts,
    user: UserId,
    of: &Reservable,
    deadline: Deadline,
) -> Result<Reserved, CallError> {
    for _ in 0..2 {
        let (reply, answer) = oneshot::channel();
        let message = Message::Reserve(Waiter { of: of.clone(), asked_at: cluster::now(), deadline, reply });
        if let Some(answer) = accounts.exchange(user, message, answer, deadline).await? {
            return answer;
        }
    }
    Err(failed_twice())
}

async fn verify(
    accounts: &Accounts,
    granted: &Granted,
    secret: &Secret<String>,
    deadline: Deadline,
) -> Result<bool, CallError> {
    let hasher = accounts.hashes();
    if let Some(hash) = &granted.hash {
        return hasher.verify(secret, hash, granted.priority, deadline).await;
    }
    hasher.verify_dummy_small(secret, granted.priority, deadline).await?;
    Ok(false)
}

/// The same password under the parameters in force, if those of its hash are out of date.
async fn rehash(
    accounts: &Accounts,
    granted: &Granted,
    right: bool,
    password: &Secret<String>,
    deadline: Deadline,
) -> Result<Option<String>, CallError> {
    let hasher = accounts.hashes();
    match &granted.hash {
        Some(hash) if right && hasher.needs_rehash(hash) => {
            Ok(Some(hasher.hash(password, granted.priority, deadline).await?))
        }
        Some(_) | None => Ok(None),
    }
}

fn closed(gate: Gate) -> SignInOutcome {
    match gate {
        Gate::Closed { until } => SignInOutcome::Throttled { until },
        Gate::Suspended | Gate::Open { .. } => SignInOutcome::Suspended,
    }
}

fn raw<O: Serialize>(outcome: &O) -> Answer {
    to_raw_value(outcome).map_err(|e| CallError::Corrupt(e.to_string()))
}

fn read<O: serde::de::DeserializeOwned>(outcome: &RawValue) -> Result<O, CallError> {
    serde_json::from_str(outcome.get()).map_err(|e| CallError::Corrupt(e.to_string()))
}
