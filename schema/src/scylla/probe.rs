//! What a node finds out about the cluster before it serves: do conditional writes work, and do the clocks agree?

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use scylla::{
    client::execution_profile::ExecutionProfile,
    client::session::Session,
    policies::load_balancing::{NodeIdentifier, SingleTargetLoadBalancingPolicy},
    statement::Statement,
    value::CqlTimestamp,
};
use serde_json::value::RawValue;

use super::{ConnectError, ScyllaStore, failure, partition::Level};
use crate::{
    AttemptId, Body, Commit, Kind, Operation, PartitionKey, Put, Revision, StoreError, Timestamp, WriteSet,
    export::SELF_TEST,
};

/// How far this process's clock may be from the cluster's. One-time codes live for 30 s, and a code counts for its
/// neighbours too.
const MAX_OFFSET: Duration = Duration::from_secs(5);
/// How long a node of the cluster is waited for that is asked for its time.
const TELL_WITHIN: Duration = Duration::from_secs(1);

impl ScyllaStore {
    /// How far this process's clock is ahead of the cluster's, in milliseconds: the median of all nodes that answer,
    /// each compared with the middle of its round trip.
    pub async fn clock_offset(&self) -> Result<i64, StoreError> {
        let mut offsets: Vec<_> = offsets(&self.core.session).await.into_iter().map(|(_, offset)| offset).collect();
        offsets.sort_unstable();
        offsets
            .get(offsets.len() / 2)
            .copied()
            .ok_or_else(|| StoreError::Unavailable("no node tells the time".to_owned()))
    }

    /// Fails, with what to do about it, if the cluster cannot keep what the store promises: conditional writes that see
    /// each other, and a clock near this process's.
    pub async fn self_test(&self) -> Result<(), ConnectError> {
        if let Some(wrong) = self.conditional_writes().await? {
            return Err(ConnectError::Unfit(format!(
                "a conditional write failed its test: {wrong}. If the keyspace is on ScyllaDB tablets, make it anew \
                 without them (`tablets = {{'enabled': false}}`) or use a version whose tablets know conditional writes"
            )));
        }
        let offset = self.clock_offset().await?;
        if Duration::from_millis(offset.unsigned_abs()) > MAX_OFFSET {
            return Err(ConnectError::Unfit(format!(
                "this machine's clock is {offset} ms ahead of the cluster's, more than {} ms: synchronise both (NTP)",
                MAX_OFFSET.as_millis()
            )));
        }
        Ok(())
    }

    /// Makes a partition, and tries the same once more, which must fail. Says what is wrong with that; an error is of a
    /// store that did not answer, and no verdict.
    async fn conditional_writes(&self) -> Result<Option<&'static str>, StoreError> {
        let id = self.core.session.session_id();
        // Of its own for each session, so that nobody else writes it; it expires by itself.
        let key = PartitionKey::new(Kind::Handle, format!("{SELF_TEST}{id}"));
        let found = self.core.partition(&key, &[""], Level::Serial).await?;
        let write = probe(&key, found.revision, *id.as_bytes());
        if self.core.write(&write).await? == Commit::Conflict {
            return Ok(Some("it was refused, though nobody else wrote"));
        }
        let after = self.core.partition(&key, &[""], Level::Serial).await?;
        if after.revision != Some(write.revision()) || after.items.len() != 1 {
            return Ok(Some("it was accepted, but a serial read does not show it"));
        }
        Ok(match self.core.write(&write).await? {
            Commit::Conflict => None,
            Commit::Committed(_) => Some("it was accepted twice on the same revision"),
        })
    }
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

/// How far this process's clock is ahead of each node's that answers, by the node's address.
/// All are asked at once, so that one which does not answer keeps nobody waiting for long.
async fn offsets(session: &Session) -> Vec<(String, i64)> {
    let state = session.get_cluster_state();
    let asked = state.get_nodes_info().iter().map(|node| async move {
        let target = SingleTargetLoadBalancingPolicy::new(NodeIdentifier::Node(node.clone()), None);
        let mut question = Statement::new("SELECT toTimestamp(now()) FROM system.local");
        let profile: ExecutionProfile = session.get_default_execution_profile_handle().to_profile();
        let profile = profile.to_builder().load_balancing_policy(target).build();
        question.set_execution_profile_handle(Some(profile.into_handle()));
        question.set_consistency(scylla::statement::Consistency::One);
        let late = |_| StoreError::Unavailable("not within a second".to_owned());
        let told = tokio::time::timeout(TELL_WITHIN, ask(session, question)).await.map_err(late);
        match told.and_then(|told| told) {
            Ok(offset) => Some((node.address.to_string(), offset)),
            Err(error) => {
                tracing::warn!(node = %node.address, %error, "a node of the store does not tell its time");
                None
            }
        }
    });
    futures_util::future::join_all(asked).await.into_iter().flatten().collect()
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
