//! What an account actor is told. Private to the folder but for what travels between nodes.

use std::sync::Arc;

use cluster::NodeId;
use schema::{DeviceId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;

use super::{
    reservation::{Reservation, Reserved},
    work::{ChangePasswordRequest, CheckBackupCode, CheckPassword},
};
use crate::{
    call::{CallError, Deadline},
    domain::{command::Body, context::Attempt},
};

/// What a node asks the owner of a user. A plain serialisable command: a local owner gets it as it is, a remote one in an
/// envelope.
#[derive(Debug, Serialize, Deserialize)]
pub enum Request {
    /// Decide.
    Decide(Body),
    /// Hash a password, then decide.
    CheckPassword(CheckPassword),
    /// Hash a backup code, then decide.
    CheckBackupCode(CheckBackupCode),
    /// Hash the current password, then decide.
    ChangePassword(ChangePasswordRequest),
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
    /// SHA-256 over edge, kind of command, partition and command (HAZARDS H5).
    pub(super) fn digest(&self, user: UserId) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.edge.as_str());
        hash.update([0]);
        hash.update(user.as_bytes());
        // Commands are plain enums and structs; writing them cannot fail, and a failure would only make digests equal.
        hash.update(serde_json::to_vec(&self.body).unwrap_or_default());
        hash.finalize().into()
    }
}

pub(super) type Answer = Result<Box<RawValue>, CallError>;

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
        deadline: Deadline,
        reply: oneshot::Sender<Answer>,
    },
    /// Hand out a hash reservation, or queue for one.
    Reserve { of: Reservable, deadline: Deadline, reply: oneshot::Sender<Result<Reserved, CallError>> },
    /// A reservation is over.
    Release(Reservation),
    /// These event items were appended to their stream: remove them with the next commit.
    Shipped(Vec<Box<str>>),
    /// Say how you are.
    Observe(oneshot::Sender<Observation>),
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
