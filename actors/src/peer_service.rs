//! What one node asks of another, and how it answers: JSON inside the transport's envelopes.
//!
//! | asked | answered |
//! |---|---|
//! | serve a request, as the owner or in its place | its outcome, or why there is none; `Moved` by who is asked as the owner and is not |
//! | drop what is older than a revision | when it is dropped |
//!
//! Both enums are tagged, and wrapped in a version. Who gets what it does not know says so, having done nothing, and the
//! caller asks the next node: so versions N and N+1 run side by side. Passwords travel here, inside the transport's
//! encryption; the bytes are wiped where they are ours.

use async_trait::async_trait;
use bytes::Bytes;
use cluster::{CallFailure, Caller, Envelope, Generation, Member, NodeId, Service};
use schema::{Revision, Timestamp, UserId};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use tokio::time::Instant;
use tracing::Instrument as _;
use zeroize::Zeroizing;

use crate::{
    account::{Accounts, Asked, Request},
    call::{CallError, Deadline},
    domain::context::Attempt,
    trace::TraceParent,
};

/// Longest payload, in bytes.
const MAX_PAYLOAD: usize = 1 << 20;

#[derive(Serialize, Deserialize)]
enum Versioned<T> {
    V1(T),
}

/// What is asked; `A` and `R` are attempt and request, borrowed where it is written and owned where it is read.
#[derive(Serialize, Deserialize)]
pub(crate) enum Ask<A, R> {
    /// Serve this.
    Serve {
        user: UserId,
        attempt: A,
        request: R,
        /// It was sent before with an unknown fate: when first, by the clock of the node that took it (HAZARDS H5).
        first_sent_at: Option<Timestamp>,
    },
    /// Drop what is older (HAZARDS H2).
    Invalidate {
        user: UserId,
        revision: Revision,
        /// The start of the node that is meant.
        generation: Generation,
    },
}

/// The answer.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Told {
    /// The outcome.
    Outcome(Box<RawValue>),
    /// There is none.
    Failed(CallError),
    /// What was older is dropped.
    Invalidated,
    /// It is not the owner, or not the start of the node that was meant; nothing was done.
    Moved,
    /// Its clock is too far off; nothing was done.
    Suspended,
    /// It does not know what was asked; nothing was done.
    NotUnderstood,
}

impl Told {
    /// For logs and metrics.
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::Outcome(_) => "answered",
            Self::Failed(_) => "failed",
            Self::Invalidated => "invalidated",
            Self::Moved => "moved",
            Self::Suspended => "suspended",
            Self::NotUnderstood => "not_understood",
        }
    }
}

/// A call, all in one.
pub(crate) struct Call<A, R> {
    pub(crate) user: UserId,
    pub(crate) trace: Option<TraceParent>,
    pub(crate) ask: Ask<A, R>,
    pub(crate) in_place: bool,
    pub(crate) deadline: Deadline,
}

/// Asks a member.
pub(crate) async fn call<A, R>(peers: &dyn Caller, to: &Member, call: &Call<A, R>) -> Result<Told, CallFailure>
where
    A: Serialize + Sync,
    R: Serialize + Sync,
{
    let payload = encode(&Versioned::V1(&call.ask)).map_err(|error| CallFailure::NotSent(error.to_string()))?;
    if payload.len() > MAX_PAYLOAD {
        return Err(CallFailure::NotSent("the request is too long".to_owned()));
    }
    let remaining = call.deadline.remaining().as_millis();
    let envelope = Envelope {
        key: Bytes::copy_from_slice(call.user.as_bytes()),
        remaining_ms: u32::try_from(remaining).unwrap_or(u32::MAX),
        in_place: call.in_place,
        traceparent: call.trace.map_or_else(Bytes::new, |trace| trace.to_string().into()),
        payload,
    };
    let answer = peers.call(to, envelope, call.deadline.instant()).await?;
    // It was answered, so it was done, whatever it says.
    decode(&answer).ok_or_else(|| CallFailure::Lost("the answer cannot be read".to_owned()))
}

/// Answers other nodes.
#[derive(Clone, Debug)]
pub struct PeerService {
    accounts: Accounts,
}

impl PeerService {
    /// For the accounts of this node.
    pub const fn new(accounts: Accounts) -> Self {
        Self { accounts }
    }

    async fn answer(&self, from: &NodeId, envelope: Envelope, deadline: Deadline) -> Told {
        match decode::<Ask<Attempt, Request>>(&envelope.payload) {
            Some(Ask::Serve { user, .. } | Ask::Invalidate { user, .. }) if user.as_bytes() != &*envelope.key => {
                Told::NotUnderstood
            }
            Some(Ask::Serve { user, mut attempt, request, first_sent_at }) => {
                attempt.origin.trace = TraceParent::parse(&envelope.traceparent);
                // Who took the request is who has proved its name here: one hop at most.
                let asked = Asked { user, attempt, edge: from.clone(), first_sent_at, deadline };
                self.accounts.serve_peer(asked, request, envelope.in_place).await
            }
            Some(Ask::Invalidate { user, revision, generation }) => {
                self.accounts.invalidate(user, revision, generation, deadline).await
            }
            None => Told::NotUnderstood,
        }
    }
}

#[async_trait]
impl Service for PeerService {
    async fn serve(&self, from: &NodeId, envelope: Envelope, deadline: Instant) -> Bytes {
        let trace_id = TraceParent::parse(&envelope.traceparent).map(|trace| trace.trace_id());
        let span = tracing::info_span!("call", trace_id, from = %from);
        let answered = async {
            let told = self.answer(from, envelope, Deadline::at(deadline)).await;
            tracing::debug!(result = told.word(), "another node was answered");
            told
        };
        let told = answered.instrument(span).await;
        // An answer is a plain enum; writing it cannot fail, and an empty answer counts as a lost one.
        encode(&Versioned::V1(&told)).unwrap_or_default()
    }
}

fn encode<T: Serialize>(value: &T) -> Result<Bytes, serde_json::Error> {
    let mut bytes = Wiped(Zeroizing::new(Vec::with_capacity(1024)));
    serde_json::to_writer(&mut bytes, value)?;
    Ok(Bytes::from_owner(bytes.0))
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let Versioned::V1(value) = serde_json::from_slice(bytes).ok()?;
    Some(value)
}

/// Grows without leaving what it held behind.
struct Wiped(Zeroizing<Vec<u8>>);

impl std::io::Write for Wiped {
    fn write(&mut self, more: &[u8]) -> std::io::Result<usize> {
        if self.0.capacity() - self.0.len() < more.len() {
            let mut larger = Zeroizing::new(Vec::with_capacity(2 * (self.0.len() + more.len())));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
        self.0.extend_from_slice(more);
        Ok(more.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use schema::AttemptId;

    use super::*;
    use crate::{
        account::CheckPassword,
        domain::{command::LoginRef, context::Origin},
        secret::Seed,
    };

    fn error() -> impl Strategy<Value = CallError> {
        prop_oneof![
            Just(CallError::Overloaded),
            Just(CallError::TimedOut),
            any::<String>().prop_map(CallError::Unavailable),
            Just(CallError::Unreachable),
            any::<String>().prop_map(CallError::Corrupt),
            Just(CallError::AttemptMismatch),
        ]
    }

    proptest! {
        #[test]
        fn why_there_is_no_answer_survives_the_way(error in error()) {
            let bytes = encode(&Versioned::V1(Told::Failed(error.clone()))).expect("JSON");
            let told: Option<Told> = decode(&bytes);
            prop_assert!(matches!(told, Some(Told::Failed(same)) if same == error));
        }

        #[test]
        fn a_request_survives_the_way(user: [u8; 16], id: [u8; 16], seed: [u8; 32], password: String, sent: Option<u32>) {
            let user = UserId::from_bytes(user);
            let origin = Origin { address: Some("::1".to_owned()), ..Origin::default() };
            let attempt = Attempt { id: AttemptId::from_bytes(id), seed: Seed::new(seed), origin, policies: Vec::new() };
            let login = LoginRef {
                login: schema::LoginId::from_bytes(id),
                browser: schema::BrowserId::from_bytes(id),
                device: None,
                renews: None,
                trust: crate::domain::trusted_device::Trust::None,
                asks: crate::domain::policy::Asks::default(),
            };
            let request = Request::CheckPassword(CheckPassword { login, password: password.clone().into() });
            let first_sent_at = sent.map(|at| Timestamp::from_millis(at.into()));
            let ask = Ask::Serve { user, attempt: &attempt, request: &request, first_sent_at };
            let bytes = encode(&Versioned::V1(&ask)).expect("JSON");
            let Some(Ask::Serve { user: of, attempt: same, request: Request::CheckPassword(check), first_sent_at: at }) =
                decode::<Ask<Attempt, Request>>(&bytes)
            else {
                return Err(TestCaseError::fail("another request"));
            };
            prop_assert_eq!((of, same.id, at), (user, attempt.id, first_sent_at));
            prop_assert_eq!(same.seed.derive::<8>("x"), attempt.seed.derive::<8>("x"));
            prop_assert_eq!(check.password.expose(), &password);
        }

        #[test]
        fn hostile_bytes_are_not_understood(bytes: Vec<u8>) {
            prop_assert!(decode::<Ask<Attempt, Request>>(&bytes).is_none());
        }
    }

    #[test]
    fn what_only_a_newer_version_knows_is_not_understood() {
        for newer in [r#"{"V2":{}}"#, r#"{"V1":{"Foresee":{}}}"#, r#"{"V1":{"Serve":{"request":{"Foresee":1}}}}"#] {
            assert!(decode::<Ask<Attempt, Request>>(newer.as_bytes()).is_none(), "{newer}");
        }
    }

    #[test]
    fn a_request_does_not_show_its_secrets() {
        let id = [7; 16];
        let login = LoginRef {
            login: schema::LoginId::from_bytes(id),
            browser: schema::BrowserId::from_bytes(id),
            device: None,
            renews: None,
            trust: crate::domain::trusted_device::Trust::None,
            asks: crate::domain::policy::Asks::default(),
        };
        let request = Request::CheckPassword(CheckPassword { login, password: "hunter2".to_owned().into() });
        assert!(!format!("{request:?}").contains("hunter2"));
    }
}
