//! The only place that does: commit → swap → reply → publish. In that order, so that no answer leaves without its commit
//! and nothing is told that is not stored.

use std::{collections::BTreeSet, sync::Arc};

use schema::{
    Commit, EVENT_PREFIX, Event, Operation, Put, Revision, Store, StoreError, Timestamp, UserId, WriteSet,
    record::{AuditEvent, Message, Record},
    resolve::{ToldBy, commit_told},
};
use serde_json::value::RawValue;

use crate::{
    acknowledge::Reply,
    domain::{
        change::{Change, Item, ItemKey},
        command::Decision,
        context::Attempt,
        user::User,
    },
    entropy::Entropy,
    shipper::{Shipment, Shipper},
    sms_fraud::SmsFraud,
    watch,
};

/// Expired items removed along with a commit, at most.
const COLLECTED_PER_COMMIT: usize = 8;

/// What a commit needs beside the decision.
pub(crate) struct Settle<'a> {
    pub(crate) store: &'a Arc<dyn Store>,
    pub(crate) shipper: &'a Shipper,
    pub(crate) sms_fraud: &'a SmsFraud,
    pub(crate) entropy: &'a dyn Entropy,
    pub(crate) attempt: &'a Attempt,
    pub(crate) digest: [u8; 32],
    pub(crate) now: Timestamp,
    /// Events that were shipped, to be removed with this commit.
    pub(crate) shipped: &'a mut BTreeSet<Box<str>>,
    /// The minute in which this partition was last noted as dirty.
    pub(crate) noted_minute: &'a mut Option<i64>,
}

/// How it ended.
pub(crate) enum Settled {
    /// Committed, swapped, answered, published. A revocation is answered later, when others know of it.
    Done,
    /// Nothing is to be written; nobody was answered. True only if what it was decided on is still so.
    Unwritten(Reply, Box<RawValue>),
    /// Committed, as the ring tells, by this node or by another one that had the same attempt: nobody was answered, and
    /// what is in memory is out of date. What is recorded is the answer.
    Recorded(Reply),
    /// Another revision was there: nothing changed, nobody was answered. Reload and decide anew.
    Conflict(Reply),
    /// A revocation that others cannot be told of now: nothing changed, nobody was answered.
    Refused(Reply),
    /// Nobody was answered; what is in memory may be out of date: drop it.
    Failed(Reply, StoreError),
}

impl Settle<'_> {
    /// Settles a decision. One that writes nothing and tells nothing is given back, to be answered.
    pub(crate) async fn settle(
        self,
        user: &mut User,
        mut decision: Decision<Box<RawValue>>,
        mut reply: Reply,
    ) -> Settled {
        if decision.change.is_empty() && decision.events.is_empty() {
            return Settled::Unwritten(reply, decision.outcome);
        }
        if !reply.admit(&decision.outcome) {
            return Settled::Refused(reply);
        }
        let terms = Terms {
            attempt: self.attempt,
            digest: self.digest,
            now: self.now,
            first: Revision::first(u64::from_be_bytes(self.entropy.array())),
            shipped: self.shipped,
        };
        let mut write = write_set(user, &mut decision, terms);
        let minute = self.now.as_millis() / 60_000;
        write.note_dirty &= *self.noted_minute != Some(minute);
        let note_dirty = write.note_dirty;
        let shipment = shipment(user.id, write.revision(), &decision.events);
        let messages = messages(user, &decision);
        let settled = decision.change.settled().to_vec();
        match commit_told(self.store.as_ref(), write).await {
            Ok((Commit::Committed(revision), ToldBy::Store)) => {
                user.apply(decision.change, revision);
                self.shipped.clear();
                if note_dirty {
                    *self.noted_minute = Some(minute);
                }
                reply.committed(decision.outcome, revision);
                decision.events.iter().for_each(watch::count);
                if let Some(shipment) = shipment {
                    self.shipper.ship(shipment);
                }
                for message in messages {
                    self.shipper.notifier().send(user.id, message);
                }
                self.sms_fraud.settle(settled);
                Settled::Done
            }
            Ok((Commit::Committed(_), ToldBy::Ring)) => {
                // If another node committed the same attempt it says the same twice; nobody waits half a minute for it. What became
                // of counted messages must not be told twice, so it is not told.
                for message in messages {
                    self.shipper.notifier().send(user.id, message);
                }
                Settled::Recorded(reply)
            }
            Ok((Commit::Conflict, _)) => Settled::Conflict(reply),
            Err(error) => Settled::Failed(reply, error),
        }
    }
}

/// Messages that this decision wants sent; others in its change it only keeps.
fn messages(user: &User, decision: &Decision<Box<RawValue>>) -> Vec<Message> {
    let new = decision.change.puts().iter().filter_map(|item| match item {
        Item::Message(message) if !user.messages.contains_key(&message.message) => Some(message.clone()),
        _ => None,
    });
    new.collect()
}

/// What is written with a decision.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// Whose outcome is recorded.
    pub attempt: &'a Attempt,
    /// What was asked.
    pub digest: [u8; 32],
    /// The time that was decided by.
    pub now: Timestamp,
    /// The revision to begin with where nothing is stored.
    pub first: Revision,
    /// Events that were shipped, to be removed.
    pub shipped: &'a BTreeSet<Box<str>>,
}

/// The one commit of a decision: its items and events, and the removal of what ended long ago, which becomes part of the
/// decision, and of events that were shipped.
pub fn write_set(user: &User, decision: &mut Decision<Box<RawValue>>, terms: Terms<'_>) -> WriteSet {
    let revision = user.revision.map_or(terms.first, Revision::next);
    let change = &mut decision.change;
    for key in user.collectable(terms.now, COLLECTED_PER_COMMIT) {
        let touched = change.puts().iter().any(|item| item.key() == key);
        if !touched {
            change.delete(key);
        }
    }
    let events = decision.events.iter().enumerate();
    let event_puts = events.map(|(n, event)| Put::record(event_key(revision, n), event, None));
    WriteSet {
        partition: User::partition(user.id),
        expected: user.revision,
        first: terms.first,
        operation: Operation { id: terms.attempt.id, digest: terms.digest, outcome: decision.outcome.clone() },
        at: terms.now,
        puts: change.puts().iter().map(crate::domain::change::Item::to_put).chain(event_puts).collect(),
        deletes: deletes(change.deletes(), terms.shipped),
        partition_expires_at: ends(user, &decision.change),
        note_dirty: !decision.events.is_empty(),
    }
}

/// When a partition ends in which there is no account yet: with the registration that may make one.
fn ends(user: &User, change: &Change) -> Option<Timestamp> {
    if user.account.is_some() || change.puts().iter().any(|item| matches!(item, Item::Account(_))) {
        return None;
    }
    let begun = change.puts().iter().find_map(|item| match item {
        Item::Registration(registration) => Some(registration.expires_at),
        _ => None,
    });
    begun.or_else(|| user.registration.as_ref().map(|registration| registration.expires_at))
}

fn deletes(keys: &[ItemKey], shipped: &BTreeSet<Box<str>>) -> Vec<Box<str>> {
    keys.iter().map(|key| key.to_string().into_boxed_str()).chain(shipped.iter().cloned()).collect()
}

/// The key of the `n`th event of the commit that makes `revision`.
pub fn event_key(revision: Revision, n: usize) -> Box<str> {
    format!("{EVENT_PREFIX}{}/{n}", revision.as_u64()).into()
}

/// What the shipper makes of the events of a commit once it is there.
fn shipment(user: UserId, revision: Revision, events: &[AuditEvent]) -> Option<Shipment> {
    if events.is_empty() {
        return None;
    }
    let partition = User::partition(user);
    let mut shipment = Shipment { user, keys: Vec::new(), events: Vec::new() };
    for (n, event) in events.iter().enumerate() {
        shipment.keys.push(event_key(revision, n));
        // An event is a flat record with string keys; encoding it cannot fail.
        if let Ok(json) = event.encode() {
            let id = format!("{partition}/{}/{n}", revision.as_u64()).into_boxed_str();
            shipment.events.push(Event { at: event.at, id, json });
        }
    }
    Some(shipment)
}
