//! What one node asks of another: the two sides of the transport, as traits, so that a simulated network fits as well.

use async_trait::async_trait;
use bytes::Bytes;
use thiserror::Error;
use tokio::time::Instant;

use crate::{Envelope, Member, NodeId};

/// Calls other nodes.
#[async_trait]
pub trait Caller: Send + Sync + 'static {
    /// The name that those who are called take the caller to have proved, where it is not that of the calling node's authority.
    fn proved_name(&self) -> Option<&NodeId> {
        None
    }

    /// Sends an envelope to a member and returns what it answers, at the deadline at the latest.
    async fn call(&self, to: &Member, envelope: Envelope, deadline: Instant) -> Result<Bytes, CallFailure>;
}

/// Answers other nodes.
#[async_trait]
pub trait Service: Send + Sync + 'static {
    /// Answers an envelope that the node `from`, which has proved its name, sent. The answer's encoding is the caller's.
    /// `deadline` is the caller's: an answer after it is for nobody.
    async fn serve(&self, from: &NodeId, envelope: Envelope, deadline: Instant) -> Bytes;
}

/// Why a call has no answer.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CallFailure {
    /// It was not sent: nothing was done.
    #[error("the node is not reachable: {0}")]
    NotSent(String),
    /// It was sent, and the connection ended or fell silent: it may have been done.
    #[error("the connection to the node was lost: {0}")]
    Lost(String),
    /// The deadline passed: it may have been done.
    #[error("the node did not answer in time")]
    TimedOut,
    /// Too much is in flight to that node already; nothing was sent.
    #[error("too many calls to the node are in flight")]
    Overloaded,
    /// The node does not speak this wire version; nothing was done.
    #[error("the node does not speak this wire version")]
    Version,
}

/// Reaches nobody: for a node that is alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoCaller;

#[async_trait]
impl Caller for NoCaller {
    async fn call(&self, _: &Member, _: Envelope, _: Instant) -> Result<Bytes, CallFailure> {
        Err(CallFailure::NotSent("this node is alone".to_owned()))
    }
}
