//! What an account actor has in memory: how it comes there, and whether it may be answered from (HAZARDS H1).
//!
//! A record may be answered from if this node has owned it without a break since it was last loaded, validated or committed
//! ([`cluster::Authority::trusts`]) and that was less than [`TRUSTED_FOR`] ago, or if that began after the question was asked: then it was true while somebody waited
//! for the answer. The second makes one validation serve everybody who waits in the mailbox. Otherwise the store is asked
//! for the revision. So it is, in a cluster, before an answer that says that something is not there: a stand-in may have made
//! it, and tells the owner only of what it took away.

use std::time::Duration;

use cluster::{Authority, Tenure};
use schema::{EVENT_PREFIX, Partition, Revision, StoreError, Timestamp, UserId};
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::{
    actor::{Account, State},
    message::{Delivery, Trace},
};
use crate::{
    call::CallError,
    domain::user::{Areas, User},
    shipper::Shipment,
};

/// What was last loaded, validated or committed this long ago is validated before it answers, but on a node that is alone.
/// It caps what an owner accepts that was never told of a revocation: who served it in the owner's place died after the
/// commit, or gave up telling (HAZARDS H2).
const TRUSTED_FOR: Duration = Duration::from_secs(30);

/// Validations under way on a node, at most.
pub(super) const MAX_VALIDATIONS: usize = 64;

/// A validation waits this long for others to end.
const VALIDATION_WAITS: Duration = Duration::from_millis(250);

/// May an answer to what was asked at `asked_at`, formed at `now` from a record of this tenure that was last loaded,
/// validated or committed by what began at `current_at`, be given without asking the store?
pub fn is_trusted(
    authority: &Authority,
    user: UserId,
    (tenure, current_at): (Option<Tenure>, Option<Instant>),
    (asked_at, now): (Instant, Instant),
) -> bool {
    let young = current_at.is_some_and(|at| now.saturating_duration_since(at) < TRUSTED_FOR);
    (young || authority.is_alone()) && tenure.is_some_and(|tenure| authority.trusts(user.as_bytes(), tenure, now))
        || current_at.is_some_and(|at| at >= asked_at)
}

/// The same of an outcome for which nothing is written. One that `misses` something ([`Body::misses`]) is said of what was seen since
/// it was asked for, or by a node that is alone.
///
/// [`Body::misses`]: crate::domain::command::Body::misses
pub fn may_be_said(
    authority: &Authority,
    user: UserId,
    held: (Option<Tenure>, Option<Instant>),
    misses: impl FnOnce() -> bool,
    (asked_at, now): (Instant, Instant),
) -> bool {
    let seen_since = held.1.is_some_and(|at| at >= asked_at);
    (seen_since || authority.is_alone() || !misses()) && is_trusted(authority, user, held, (asked_at, now))
}

impl Account {
    /// The tenure of what is read from now on, and now.
    pub(super) fn tenure_now(&self, user: UserId) -> (Option<Tenure>, Instant) {
        (self.shared.authority.owns(user.as_bytes()), cluster::now())
    }

    /// May this outcome, for which nothing is written, be answered from what is in memory?
    pub(super) async fn may_say(
        &self,
        state: &mut State,
        delivery: &Delivery,
        outcome: &RawValue,
        asked_at: Instant,
    ) -> Result<bool, CallError> {
        let held = (state.tenure, state.current_at);
        let misses = || delivery.body.misses(outcome);
        if may_be_said(&self.shared.authority, state.user.id, held, misses, (asked_at, cluster::now())) {
            return Ok(true);
        }
        self.validate(state).await
    }

    /// May an answer that was formed from memory be given? `false`: memory was out of date, and is empty now.
    pub(super) async fn is_current(&self, state: &mut State, asked_at: Instant) -> Result<bool, CallError> {
        let held = (state.tenure, state.current_at);
        if is_trusted(&self.shared.authority, state.user.id, held, (asked_at, cluster::now())) {
            return Ok(true);
        }
        self.validate(state).await
    }

    /// Asks the store whether what is in memory is the newest. `false`: it was not, and is dropped.
    async fn validate(&self, state: &mut State) -> Result<bool, CallError> {
        let permit = tokio::time::timeout(VALIDATION_WAITS, self.shared.validations.acquire()).await;
        let _permit = permit.ok().and_then(Result::ok).ok_or(CallError::Overloaded)?;
        let (tenure, began) = self.tenure_now(state.user.id);
        let partition = self.shared.store.load(&User::partition(state.user.id), &[]).await?;
        let same = partition.revision == state.user.revision;
        metrics::counter!("doorward_validations_total", "result" => if same { "same" } else { "newer" }).increment(1);
        if same {
            (state.tenure, state.current_at) = (tenure, Some(began));
        } else {
            state.unload();
        }
        Ok(same)
    }

    /// Loads what is needed and not there. If the partition has moved on since the last load, everything is loaded anew.
    pub(super) async fn load(&self, state: &mut State, needs: Areas) -> Result<(), StoreError> {
        let missing = (needs | Areas::CORE).without(state.user.areas);
        if missing.is_empty() {
            return Ok(());
        }
        let key = User::partition(state.user.id);
        let (tenure, began) = self.tenure_now(state.user.id);
        let mut areas = missing;
        let mut partition = self.shared.store.load(&key, &areas.prefixes()).await?;
        if !state.user.areas.is_empty() && partition.revision != state.user.revision {
            areas = needs | Areas::CORE;
            state.unload();
            partition = self.shared.store.load(&key, &areas.prefixes()).await?;
        }
        state.user.absorb(&partition, areas)?;
        (state.tenure, state.current_at) = (tenure, Some(began));
        if let Some(last) = partition.operations.iter().map(|operation| operation.at).max() {
            state.committed_at = state.committed_at.max(last);
        }
        if areas.contain(Areas::CORE) {
            self.redeliver(state, &partition);
        }
        Ok(())
    }

    /// Events found at a load were committed by an owner that did not live to ship them.
    fn redeliver(&self, state: &mut State, partition: &Partition) {
        let mut shipment = Shipment { user: state.user.id, keys: Vec::new(), events: Vec::new() };
        for (key, body) in partition.items.iter().filter(|(key, _)| key.starts_with(EVENT_PREFIX)) {
            if state.shipped.contains(key) {
                continue;
            }
            if let Some(event) = crate::shipper::stored_event(state.user.id, key, body) {
                shipment.keys.push(key.clone());
                shipment.events.push(event);
            }
        }
        // So were messages; or their owner is sending them at this moment.
        for message in state.user.messages.values() {
            self.shared.shipper.notifier().found(state.user.id, message.clone());
        }
        if !shipment.keys.is_empty() {
            state.in_flight.extend(shipment.keys.iter().cloned());
            self.shared.shipper.ship(shipment);
        }
    }

    /// The outcome of a command that may have been committed, if the ring has it (HAZARDS H5). What is in memory is
    /// dropped. `first_sent_at` is set for a repeated delivery.
    pub(super) async fn recorded(
        &self,
        state: &mut State,
        trace: &Trace,
        first_sent_at: Option<Timestamp>,
    ) -> Result<Option<(Box<RawValue>, Revision)>, CallError> {
        // What is in memory may be from before the earlier delivery.
        state.unload();
        let partition = self.shared.store.load(&User::partition(state.user.id), &[]).await?;
        trace.found_in(&partition, first_sent_at)
    }
}
