//! What a node finds out about the cluster before it serves: do conditional writes work, and do the clocks agree?

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use scylla::{
    client::execution_profile::ExecutionProfile,
    client::session::Session,
    cluster::Node,
    policies::load_balancing::{NodeIdentifier, SingleTargetLoadBalancingPolicy},
    statement::Statement,
    value::CqlTimestamp,
};
use serde_json::value::RawValue;

use super::{ConnectError, ScyllaStore, failure, partition::Level, replication::Actual};
use crate::{
    AttemptId, Body, Commit, Kind, Operation, PartitionKey, Put, Revision, StoreError, Timestamp, WriteSet,
    export::SELF_TEST,
};

/// How far this process's clock may be from the cluster's. One-time codes live for 30 s, and a code counts for its
/// neighbours too.
const MAX_OFFSET: Duration = Duration::from_secs(5);
/// How long a node of the cluster is waited for that is asked for its time.
const TELL_WITHIN: Duration = Duration::from_secs(1);
/// The same where it must be there: one that is busy is.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

impl ScyllaStore {
    /// How far this process's clock is ahead of the cluster's, in milliseconds: the median of all nodes that answer,
    /// each compared with the middle of its round trip.
    pub async fn clock_offset(&self) -> Result<i64, StoreError> {
        let told = offsets(&self.core.session, TELL_WITHIN).await;
        let mut offsets: Vec<_> = told.into_iter().filter_map(|(_, offset)| offset).collect();
        offsets.sort_unstable();
        offsets
            .get(offsets.len() / 2)
            .copied()
            .ok_or_else(|| StoreError::Unavailable("no node tells the time".to_owned()))
    }

    /// Fails, with what to do about it, if the cluster cannot keep what the store promises: conditional writes that see
    /// each other, a clock near this process's, and every node, if every copy is to be read.
    pub async fn self_test(&self) -> Result<(), ConnectError> {
        // What writes comes last: who is refused for another reason has left nothing.
        judge_clock(self.clock_offset().await?)?;
        if let Some(copies) = &self.every_copy {
            self.all_answer(copies).await?;
        }
        self.conditional_writes().await?.judge()
    }

    /// Refuses a cluster of which a node does not answer that may have copies.
    async fn all_answer(&self, copies: &Actual) -> Result<(), ConnectError> {
        let mut told = offsets(&self.core.session, ANSWER_WITHIN).await;
        told.retain(|(node, offset)| offset.is_none() && copies.may_be_in(node.datacenter.as_deref()));
        let silent: Vec<_> = told.iter().map(|(node, _)| node.address.to_string()).collect();
        if silent.is_empty() {
            return Ok(());
        }
        Err(ConnectError::Unfit(format!("no answer from {}; {}", silent.join(", "), failure::EVERY_NODE)))
    }

    /// Makes a partition, and tries the same once more. An error of the store is one that did not answer, or of a write of
    /// which nobody knows what became, and no verdict.
    async fn conditional_writes(&self) -> Result<Tried, ConnectError> {
        let id = self.core.session.session_id();
        // Of its own for each session, so that nobody else writes it; it expires by itself.
        let key = PartitionKey::new(Kind::Handle, format!("{SELF_TEST}{id}"));
        let found = self.core.partition(&key, &[""], Level::Serial).await?;
        let write = probe(&key, found.revision, *id.as_bytes());
        let first = self.core.write_or(&write, failure::tried).await?;
        let after = self.core.partition(&key, &[""], Level::Serial).await?;
        let shown = after.revision == Some(write.revision()) && after.items.len() == 1;
        let second = self.core.write_or(&write, failure::tried).await?;
        Ok(Tried { first, shown, second })
    }
}

/// What became of a conditional write that nobody contends for, and of the same once more.
#[derive(Clone, Copy, Debug)]
struct Tried {
    /// The answer to the first.
    first: Commit,
    /// Did a serial read show it then?
    shown: bool,
    /// The answer to the second, whose condition does not hold any more.
    second: Commit,
}

impl Tried {
    /// Refuses a cluster whose conditional writes cannot be relied upon.
    fn judge(self) -> Result<(), ConnectError> {
        let wrong = match (self.first, self.shown, self.second) {
            (Commit::Committed(_), true, Commit::Conflict) => return Ok(()),
            (Commit::Conflict, _, _) => "it was refused, though nobody else wrote",
            (Commit::Committed(_), false, _) => "it was accepted, but a serial read does not show it",
            (Commit::Committed(_), true, Commit::Committed(_)) => "it was accepted twice on the same revision",
        };
        Err(ConnectError::Unfit(format!("a conditional write failed its test: {wrong}. {}", failure::WITHOUT_TABLETS)))
    }
}

/// Refuses a clock that is `offset` milliseconds ahead of the cluster's, if that is too much.
fn judge_clock(offset: i64) -> Result<(), ConnectError> {
    let apart = Duration::from_millis(offset.unsigned_abs());
    if apart <= MAX_OFFSET {
        return Ok(());
    }
    let side = if offset > 0 { "ahead of" } else { "behind" };
    Err(ConnectError::Unfit(format!(
        "this machine's clock is {} ms {side} the cluster's, more than {} ms: synchronise both (NTP)",
        apart.as_millis(),
        MAX_OFFSET.as_millis()
    )))
}

/// A write for the test of conditional writes.
fn probe(key: &PartitionKey, expected: Option<Revision>, random: [u8; 16]) -> WriteSet {
    let at = wall_clock();
    let json = |text: &str| RawValue::from_string(text.to_owned()).expect("a constant that is JSON");
    let bits = random.iter().take(8).fold(0, |bits: u64, byte| bits << 8 | u64::from(*byte));
    WriteSet {
        partition: key.clone(),
        expected,
        first: Revision::first(bits),
        operation: Operation { id: AttemptId::from_bytes(random), digest: [0; 32], outcome: json("null") },
        at,
        puts: vec![Put { key: "test".into(), body: Body { json: json("{}"), expires_at: Some(at) } }],
        deletes: Vec::new(),
        partition_expires_at: Some(at),
        note_dirty: false,
    }
}

/// Each node, and how far this process's clock is ahead of its own, in milliseconds, if it answers `within` this.
/// All are asked at once, so that one which does not answer keeps nobody waiting for long.
async fn offsets(session: &Session, within: Duration) -> Vec<(Arc<Node>, Option<i64>)> {
    let state = session.get_cluster_state();
    let asked = state.get_nodes_info().iter().map(|node| async move {
        let target = SingleTargetLoadBalancingPolicy::new(NodeIdentifier::Node(node.clone()), None);
        let mut question = Statement::new("SELECT toTimestamp(now()) FROM system.local");
        let profile: ExecutionProfile = session.get_default_execution_profile_handle().to_profile();
        let profile = profile.to_builder().load_balancing_policy(target).build();
        question.set_execution_profile_handle(Some(profile.into_handle()));
        question.set_consistency(scylla::statement::Consistency::One);
        let late = |_| StoreError::Unavailable(format!("not within {} s", within.as_secs()));
        let told = tokio::time::timeout(within, ask(session, question)).await.map_err(late);
        let told = told.and_then(|told| told).inspect_err(|error| {
            tracing::warn!(node = %node.address, %error, "a node of the store does not tell its time");
        });
        (Arc::clone(node), told.ok())
    });
    futures_util::future::join_all(asked).await
}

#[expect(clippy::disallowed_methods, reason = "the clock itself is what is measured")]
async fn ask(session: &Session, question: Statement) -> Result<i64, StoreError> {
    let (before, begin) = (wall_clock(), Instant::now());
    let answer = session.query_unpaged(question, ()).await.map_err(|error| failure::plain(&error))?;
    let half = begin.elapsed() / 2;
    let rows = answer.into_rows_result().map_err(|error| StoreError::Unavailable(error.to_string()))?;
    let (CqlTimestamp(theirs),) = rows.single_row().map_err(|error| StoreError::Unavailable(error.to_string()))?;
    Ok(before.after(half).as_millis() - theirs)
}

/// This process's clock.
#[expect(clippy::disallowed_methods, reason = "the clock itself is what is measured")]
fn wall_clock() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MADE: Commit = Commit::Committed(Revision::from_u64(1));

    #[test]
    fn a_cluster_is_fit_if_its_conditional_writes_are_applied_once_and_shown() {
        let judged = |first, shown, second| Tried { first, shown, second }.judge();
        judged(MADE, true, Commit::Conflict).expect("fit");
        for (first, shown, second, wrong) in [
            (Commit::Conflict, false, Commit::Conflict, "it was refused, though nobody else wrote"),
            (Commit::Conflict, true, Commit::Conflict, "it was refused, though nobody else wrote"),
            (Commit::Conflict, true, MADE, "it was refused, though nobody else wrote"),
            (MADE, false, Commit::Conflict, "a serial read does not show it"),
            (MADE, false, MADE, "a serial read does not show it"),
            (MADE, true, MADE, "it was accepted twice on the same revision"),
        ] {
            let error = judged(first, shown, second).expect_err("unfit").to_string();
            assert!(error.contains(wrong) && error.contains("make it anew without them"), "{error}");
        }
    }

    #[test]
    fn clocks_may_be_five_seconds_apart_in_either_direction() {
        for fit in [0, 5000, -5000] {
            judge_clock(fit).expect("near enough");
        }
        for (unfit, said) in [
            (5001, "5001 ms ahead of the cluster's, more than 5000 ms: synchronise both (NTP)"),
            (-5001, "5001 ms behind the cluster's, more than 5000 ms: synchronise both (NTP)"),
            (i64::MIN, "behind the cluster's"),
        ] {
            let error = judge_clock(unfit).expect_err("too far").to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
