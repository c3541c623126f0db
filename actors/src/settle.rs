//! The only place that does: commit → swap → reply → publish. In that order, so that no answer leaves without its commit
//! and nothing is told that is not stored.

use std::{collections::BTreeSet, sync::Arc};

use schema::{
    Commit, EVENT_PREFIX, Event, Operation, Put, Revision, Store, StoreError, Timestamp, UserId, WriteSet,
    record::{AuditEvent, Record},
    resolve::commit_resolved,
};
use serde_json::value::RawValue;
use tokio::sync::oneshot;

use crate::{
    call::CallError,
    domain::{change::ItemKey, command::Decision, context::Attempt, user::User},
    entropy::Entropy,
    shipper::{Shipment, Shipper},
};

/// Expired items removed along with a commit, at most.
const COLLECTED_PER_COMMIT: usize = 8;

/// What a commit needs beside the decision.
pub(crate) struct Settle<'a> {
    pub(crate) store: &'a Arc<dyn Store>,
    pub(crate) shipper: &'a Shipper,
    pub(crate) entropy: &'a dyn Entropy,
    pub(crate) attempt: &'a Attempt,
    pub(crate) digest: [u8; 32],
    pub(crate) now: Timestamp,
    /// Events that were shipped, to be removed with this commit.
    pub(crate) shipped: &'a mut BTreeSet<Box<str>>,
    /// The minute in which this partition was last noted as dirty.
    pub(crate) noted_minute: &'a mut Option<i64>,
}

/// Who is answered.
pub(crate) type Reply = oneshot::Sender<Result<Box<RawValue>, CallError>>;

/// How it ended.
pub(crate) enum Settled {
    /// Committed, swapped, answered, published.
    Done,
    /// Another revision was there: nothing changed, nobody was answered. Reload and decide anew.
    Conflict(Reply),
    /// Nobody was answered; what is in memory may be out of date: drop it.
    Failed(Reply, StoreError),
}

impl Settle<'_> {
    /// Settles a decision. One that writes nothing and tells nothing is only answered.
    pub(crate) async fn settle(self, user: &mut User, decision: Decision<Box<RawValue>>, reply: Reply) -> Settled {
        if decision.change.is_empty() && decision.events.is_empty() {
            answer(reply, decision.outcome);
            return Settled::Done;
        }
        let first = Revision::first(u64::from_be_bytes(self.entropy.array()));
        let revision = user.revision.map_or(first, Revision::next);
        let mut change = decision.change;
        for key in user.collectable(self.now, COLLECTED_PER_COMMIT) {
            let touched = change.puts().iter().any(|item| item.key() == key);
            if !touched {
                change.delete(key);
            }
        }
        let (event_puts, shipment) = events(user.id, revision, &decision.events);
        let minute = self.now.as_millis() / 60_000;
        let note_dirty = !event_puts.is_empty() && *self.noted_minute != Some(minute);
        let write = WriteSet {
            partition: User::partition(user.id),
            expected: user.revision,
            first,
            operation: Operation { id: self.attempt.id, digest: self.digest, outcome: decision.outcome.clone() },
            at: self.now,
            puts: change.puts().iter().map(crate::domain::change::Item::to_put).chain(event_puts).collect(),
            deletes: deletes(change.deletes(), self.shipped),
            partition_expires_at: None,
            note_dirty,
        };
        match commit_resolved(self.store.as_ref(), write).await {
            Ok(Commit::Committed(revision)) => {
                user.apply(change, revision);
                self.shipped.clear();
                if note_dirty {
                    *self.noted_minute = Some(minute);
                }
                answer(reply, decision.outcome);
                if let Some(shipment) = shipment {
                    self.shipper.ship(shipment);
                }
                Settled::Done
            }
            Ok(Commit::Conflict) => Settled::Conflict(reply),
            Err(error) => Settled::Failed(reply, error),
        }
    }
}

/// Who asked may have gone; then the answer is for nobody.
fn answer(reply: Reply, outcome: Box<RawValue>) {
    let _ = reply.send(Ok(outcome));
}

fn deletes(keys: &[ItemKey], shipped: &BTreeSet<Box<str>>) -> Vec<Box<str>> {
    keys.iter().map(|key| key.to_string().into_boxed_str()).chain(shipped.iter().cloned()).collect()
}

/// The key of the `n`th event of the commit that makes `revision`.
pub(crate) fn event_key(revision: Revision, n: usize) -> Box<str> {
    format!("{EVENT_PREFIX}{}/{n}", revision.as_u64()).into()
}

/// Event items of a commit, and what the shipper makes of them once it is there.
fn events(user: UserId, revision: Revision, events: &[AuditEvent]) -> (Vec<Put>, Option<Shipment>) {
    if events.is_empty() {
        return (Vec::new(), None);
    }
    let key = |n| event_key(revision, n);
    let partition = User::partition(user);
    let mut puts = Vec::with_capacity(events.len());
    let mut shipment = Shipment { user, keys: Vec::new(), events: Vec::new() };
    for (n, event) in events.iter().enumerate() {
        puts.push(Put::record(key(n), event, None));
        shipment.keys.push(key(n));
        // An event is a flat record with string keys; encoding it cannot fail.
        if let Ok(json) = event.encode() {
            let id = format!("{partition}/{}/{n}", revision.as_u64()).into_boxed_str();
            shipment.events.push(Event { at: event.at, id, json });
        }
    }
    (puts, Some(shipment))
}
