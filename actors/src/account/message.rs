//! What an account actor is told. Private to the folder but for what travels between nodes.

use std::{sync::Arc, time::Duration};

use cluster::NodeId;
use schema::{AttemptId, DeviceId, Partition, Revision, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use tokio::{sync::oneshot, time::Instant};

use super::{
    reservation::{Reservation, Waiter},
    work::{ChangePasswordRequest, CheckBackupCode, CheckPassword},
};
use crate::{
    call::{CallError, Deadline},
    domain::{
        command::{Body, ChangePassword, Decide as _, JudgeBackupCode, JudgePassword, Revoked},
        context::Attempt,
    },
};

/// By how much the clocks of two nodes that decide may differ: each is at most 5 s off (HAZARDS H3).
const CLOCKS_DIFFER: Duration = Duration::from_secs(10);

/// What a node asks the owner of a user. A plain serialisable command: a local owner gets it as it is, a remote one in an
/// envelope.
#[derive(Debug, Serialize, Deserialize)]
pub enum Request {
    /// Decide.
    Decide(Body),
    /// Hash a password, then decide.
    CheckPassword(CheckPassword),
    /// Hash a backup code, then decide. A build for the test of two versions side by side says it in words that only a next
    /// release would know.
    #[cfg_attr(feature = "next-version", serde(rename = "CheckBackupCodeOfTheNextVersion", alias = "CheckBackupCode"))]
    CheckBackupCode(CheckBackupCode),
    /// Hash the current password, then decide.
    ChangePassword(ChangePasswordRequest),
}

impl Request {
    /// Is it an operation that policies may ask fresh proofs for?
    pub const fn is_sensitive(&self) -> bool {
        match self {
            Self::Decide(body) => body.is_sensitive(),
            Self::ChangePassword(_) => ChangePassword::SENSITIVE,
            Self::CheckPassword(_) | Self::CheckBackupCode(_) => false,
        }
    }
}

/// A command with its attempt.
#[derive(Debug, Serialize, Deserialize)]
pub struct Delivery {
    /// The attempt; the same in every delivery.
    pub attempt: Attempt,
    /// The node that took the request.
    pub edge: NodeId,
    /// The command.
    pub body: Body,
}

impl Delivery {
    /// SHA-256 over edge, partition, kind of command and what was asked (HAZARDS H5). A verdict on a secret is not asked but
    /// computed, by each owner anew: it stays out, so that a repeated delivery is the same wherever it is hashed.
    pub fn digest(&self, user: UserId) -> [u8; 32] {
        match &self.body {
            Body::JudgePassword(judge) => digest(&self.edge, user, JudgePassword::NAME, &judge.login),
            Body::JudgeBackupCode(judge) => {
                digest(&self.edge, user, JudgeBackupCode::NAME, &(&judge.login, &judge.locator))
            }
            Body::ChangePassword(change) => {
                digest(&self.edge, user, ChangePassword::NAME, &(&change.session, &change.new_hash))
            }
            body => digest(&self.edge, user, body.name(), body),
        }
    }

    /// What this delivery would have left behind, if it was carried out before.
    pub fn trace(&self, user: UserId) -> Trace {
        Trace { id: self.attempt.id, digest: self.digest(user), revoked: self.body.revoked() }
    }
}

/// SHA-256 of what was asked, by whom, of whom.
pub(super) fn digest(edge: &NodeId, user: UserId, name: &str, asked: &impl Serialize) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in [edge.as_str(), name] {
        hash.update(part);
        hash.update([0]);
    }
    hash.update(user.as_bytes());
    // Commands are plain enums and structs; writing them cannot fail, and a failure would only make digests equal.
    hash.update(serde_json::to_vec(asked).unwrap_or_default());
    hash.finalize().into()
}

/// What an earlier delivery of a command would have left in the ring.
#[derive(Debug)]
pub struct Trace {
    pub(super) id: AttemptId,
    pub(super) digest: [u8; 32],
    pub(super) revoked: Revoked,
}

impl Trace {
    /// The outcome of the command as this partition's ring tells it, and the revision that it made; `None` if it was not
    /// committed. `first_sent_at` is set for a repeated delivery.
    pub fn found_in(
        &self,
        partition: &Partition,
        first_sent_at: Option<Timestamp>,
    ) -> Result<Option<(Box<RawValue>, Revision)>, CallError> {
        if let Some(known) = partition.operations.iter().find(|operation| operation.id == self.id) {
            return if known.digest == self.digest {
                Ok(Some((known.outcome.clone(), known.revision)))
            } else {
                Err(CallError::AttemptMismatch)
            };
        }
        // A full ring may have forgotten it, unless its oldest entry is older than the first sending.
        let full = partition.operations.len() as u64 >= schema::RING;
        let oldest = partition.operations.iter().map(|operation| operation.at).min();
        if full && oldest.zip(first_sent_at).is_some_and(|(at, sent)| at.after(CLOCKS_DIFFER) >= sent) {
            return Err(CallError::Unavailable("the fate of an earlier delivery is not known any more".to_owned()));
        }
        Ok(None)
    }
}

/// An outcome, or why there is none.
pub(crate) type Answer = Result<Box<RawValue>, CallError>;

/// Which secret a reservation is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reservable {
    /// The password, tried from this device.
    Password { device: Option<DeviceId> },
    /// The backup code with this locator.
    BackupCode { device: Option<DeviceId>, locator: String },
}

/// The messages.
#[derive(Debug)]
pub(crate) enum Message {
    /// Decide on a command.
    Decide {
        delivery: Arc<Delivery>,
        /// Set when it was sent before with an unknown fate: when it was first sent.
        first_sent_at: Option<Timestamp>,
        /// The answer must be true at this moment or later.
        asked_at: Instant,
        deadline: Deadline,
        reply: oneshot::Sender<Answer>,
    },
    /// Look for the outcome of an earlier delivery, before its hash is computed anew. `null`, which no command is answered
    /// with that a hash belongs to: there is none.
    Recall { trace: Trace, first_sent_at: Timestamp, deadline: Deadline, reply: oneshot::Sender<Answer> },
    /// Hand out a hash reservation, or queue for one.
    Reserve(Waiter),
    /// Drop what is older than this revision, then say so.
    Invalidate { revision: Revision, reply: oneshot::Sender<()> },
    /// A reservation is over.
    Release(Reservation),
    /// These event items were appended to their stream: remove them with the next commit.
    Shipped(Vec<Box<str>>),
    /// Say how you are.
    Observe(oneshot::Sender<Observation>),
}

impl Message {
    /// Was the actor looked up for it, or spawned? The others come from who has a handle on it anyway.
    pub(super) const fn is_of_a_look_up(&self) -> bool {
        matches!(self, Self::Decide { .. } | Self::Recall { .. } | Self::Reserve(_) | Self::Observe(_))
    }
}

/// An actor as seen from outside: counts, no secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// Is its state loaded?
    pub loaded: bool,
    /// Hash reservations out.
    pub reservations: usize,
    /// Requests that wait for one.
    pub waiting: usize,
    /// Events committed and not yet shipped.
    pub undelivered: usize,
}
