//! What is counted. Handles are taken once; the recorder is to be installed before the transport starts.

use std::sync::Arc;

use bytes::Bytes;
use metrics::{Counter, Gauge, counter, gauge};

use crate::CallFailure;

/// Names of outcomes, in the order of [`outcome`].
const OUTCOMES: [&str; 6] = ["answered", "not_sent", "lost", "timed_out", "overloaded", "version"];

/// The transport's metrics.
#[derive(Clone, Debug)]
pub(super) struct Meter {
    calls: Arc<[Counter; OUTCOMES.len()]>,
    /// Calls that wait for an answer.
    pub(super) in_flight: Gauge,
    /// Calls of other nodes that were served, and that were refused.
    pub(super) served: Counter,
    pub(super) refused: Counter,
    /// Connections made, attempts that failed, and connections taken and turned away.
    pub(super) connected: Counter,
    pub(super) unconnected: Counter,
    pub(super) accepted: Counter,
    pub(super) turned_away: Counter,
    /// Bytes inside TLS.
    pub(super) read: Counter,
    pub(super) written: Counter,
}

impl Meter {
    pub(super) fn new() -> Self {
        let connections =
            |side, result| counter!("doorward_peer_connections_total", "side" => side, "result" => result);
        Self {
            calls: Arc::new(OUTCOMES.map(|outcome| counter!("doorward_peer_calls_total", "outcome" => outcome))),
            in_flight: gauge!("doorward_peer_calls_in_flight"),
            served: counter!("doorward_peer_served_total", "outcome" => "answered"),
            refused: counter!("doorward_peer_served_total", "outcome" => "refused"),
            connected: connections("calling", "made"),
            unconnected: connections("calling", "failed"),
            accepted: connections("answering", "made"),
            turned_away: connections("answering", "refused"),
            read: counter!("doorward_peer_bytes_total", "direction" => "in"),
            written: counter!("doorward_peer_bytes_total", "direction" => "out"),
        }
    }

    /// Counts a call that has ended.
    pub(super) fn ended(&self, result: &Result<Bytes, CallFailure>) {
        let index = match result {
            Ok(_) => 0,
            Err(CallFailure::NotSent(_)) => 1,
            Err(CallFailure::Lost(_)) => 2,
            Err(CallFailure::TimedOut) => 3,
            Err(CallFailure::Overloaded) => 4,
            Err(CallFailure::Version) => 5,
        };
        self.calls[index].increment(1);
    }
}
