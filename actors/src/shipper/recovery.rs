//! How events are found that a process did not live to ship.
//!
//! Every commit with events notes its partition in the dirty stream. Every node has a cursor there, item
//! `dirty-cursor/<node>` of the partition `cluster/shipper`: what *it* committed before the cursor is shipped. It writes one
//! before it commits anything, and moves it on while everything handed over is shipped. So no node speaks for another, and
//! a recovery reads minutes of notes, not days:
//!
//! - at its start a node reads from its own cursor,
//! - when a node has gone from the view, the others read from the cursor that it left.
//!
//! Who has read and shipped everything up to now may move *any* cursor to where it began, less [`BEHIND`]: whatever a node
//! that still lives commits after that is noted behind the cursor. So two who recover at once, and one that was only
//! thought dead, are in nobody's way. A command of the command line has a cursor as well; one that did not live to take it
//! away leaves it for a day, in which others read it.
//!
//! A cursor lies in the past of a clock that is right (HAZARDS H3): what was noted before it is never looked for again.

use std::{collections::BTreeSet, time::Duration};

use schema::{
    Cursor, EVENT_PREFIX, Event, Kind, MESSAGE_PREFIX, PartitionKey, Put, StoreError, Stream, Timestamp, UserId,
    record::{DirtyCursor, Message, Record as _, Unknown},
};

use super::{ShipperOptions, stored_event};
use crate::{
    clock::{certain, stamp},
    notifier::Notifier,
    transact::{On, Transaction, transact_within},
    visitor,
};

/// Dirty notes read at a time.
const PAGE: usize = 500;
/// A cursor stays this far behind: longer than any commit is under way, than clocks differ, and than a bucket of the dirty
/// stream.
const BEHIND: Duration = Duration::from_mins(3);
/// How long a cursor is tried to be placed: all nodes and commands write theirs to one partition.
const PATIENCE: Duration = Duration::from_secs(20);
/// The item of the cursor of a store that had one for all; and what the others begin with.
const CURSOR: &str = "dirty-cursor";

/// Finds what was left.
pub(super) struct Recovery {
    options: ShipperOptions,
    /// One at a time.
    turn: tokio::sync::Mutex<()>,
}

fn partition() -> PartitionKey {
    PartitionKey::new(Kind::Cluster, "shipper")
}

impl Recovery {
    pub(super) fn new(options: ShipperOptions) -> Self {
        Self { options, turn: tokio::sync::Mutex::default() }
    }

    pub(super) fn notifier(&self) -> &Notifier {
        &self.options.notifier
    }

    /// Is there a change that other nodes may not know of?
    pub(super) fn owes_a_change(&self) -> bool {
        self.options.generations.owes()
    }

    /// Does nothing that this node committed need its cursor any more, now that what is owed was tried once more?
    pub(super) async fn owes_nothing(&self) -> bool {
        self.options.generations.deliver_owed().await;
        !self.owes_a_change() && self.options.notifier.owed() == 0
    }

    /// Are there others who read cursors?
    pub(super) fn is_shared(&self) -> bool {
        !self.options.authority.is_alone()
    }

    pub(super) fn epoch(&self) -> u64 {
        self.options.authority.view().epoch
    }

    /// Is this the cursor of a command that has ended?
    fn is_over(item: &str, now: Timestamp) -> bool {
        let node = item.strip_prefix(CURSOR).and_then(|rest| rest.strip_prefix('/'));
        node.is_some_and(|node| visitor::is_over(node, now))
    }

    fn mine(&self) -> Box<str> {
        format!("{CURSOR}/{}", self.options.authority.me()).into()
    }

    /// Is this the cursor of a process that will not ship any more?
    fn was_left(&self, item: &str) -> bool {
        let Some(node) = item.strip_prefix(CURSOR).and_then(|rest| rest.strip_prefix('/')) else { return true };
        let authority = &self.options.authority;
        let view = authority.view();
        let here = view.members.iter().any(|member| member.node.as_str() == node);
        // Before the view was read nobody is known to have gone.
        node != authority.me().as_str() && !here && (authority.is_alone() || view.epoch > 0)
    }

    /// Ships what was left by nodes that have gone and, if this process begins, by the one before it.
    pub(super) async fn run(&self, begins: bool) -> Result<usize, StoreError> {
        let _turn = self.turn.lock().await;
        let (o, key, mine) = (&self.options, partition(), self.mine());
        let begun = certain(o.clock.as_ref())?;
        let found = o.store.load(&key, &[CURSOR]).await?;
        let cursors = found.list::<DirtyCursor>(&key, CURSOR)?;
        let read = |item: &str| if item == &*mine { begins } else { self.was_left(item) };
        let left: Vec<(Box<str>, Timestamp)> =
            cursors.iter().filter(|(item, _)| read(item)).map(|(item, cursor)| ((*item).into(), cursor.at)).collect();
        // One that a wrong clock has moved says nothing of what was noted just now.
        let first = left.iter().map(|(_, at)| (*at).min(begun.before(BEHIND))).min();
        // A store without any cursor was never read.
        let first = if begins && cursors.is_empty() { Some(Timestamp::default()) } else { first };
        let shipped = match first {
            Some(since) => self.ship_since(since).await?,
            None => 0,
        };
        if begins || !left.is_empty() {
            let items: BTreeSet<Box<str>> =
                left.into_iter().map(|(item, _)| item).chain(begins.then_some(mine)).collect();
            self.place(&items, begun).await?;
        }
        Ok(shipped)
    }

    /// Moves this node's cursor: everything that it committed is shipped.
    pub(super) async fn move_on(&self) -> Result<(), StoreError> {
        self.place(&[self.mine()].into(), certain(self.options.clock.as_ref())?).await
    }

    /// Takes this node's cursor away: it has shipped everything and commits nothing any more.
    pub(super) async fn leave(&self) {
        if !self.is_shared() {
            return;
        }
        let (o, key, mine) = (&self.options, partition(), self.mine());
        let now = stamp(o.clock.as_ref());
        let on = On { store: o.store.as_ref(), entropy: o.entropy.as_ref(), key: &key, now };
        let left = transact_within(PATIENCE, on, |partition| {
            let deletes = partition.items.contains_key(&mine).then(|| mine.clone()).into_iter().collect();
            Ok(Transaction { deletes, ..Transaction::answer(()) })
        });
        if let Err(error) = left.await {
            tracing::warn!(%error, "the cursor of this node stays, though it left nothing");
        }
    }

    /// Moves cursors to `now`, or to the oldest message that is owed, less [`BEHIND`]; back only what a wrong clock has moved too far. Those of a store that had one
    /// for all and of commands that have ended go.
    async fn place(&self, items: &BTreeSet<Box<str>>, now: Timestamp) -> Result<(), StoreError> {
        let (o, key) = (&self.options, partition());
        let at = o.notifier.oldest_owed().map_or(now, |oldest| oldest.min(now)).before(BEHIND);
        let on = On { store: o.store.as_ref(), entropy: o.entropy.as_ref(), key: &key, now };
        transact_within(PATIENCE, on, |partition| {
            let mut transaction = Transaction::answer(());
            for item in items {
                if &**item == CURSOR || Self::is_over(item, now) {
                    transaction.deletes.extend(partition.items.contains_key(item).then(|| item.clone()));
                    continue;
                }
                let stored = partition.get::<DirtyCursor>(&key, item)?;
                if stored.is_none_or(|stored| stored.at < at || stored.at > now) {
                    let cursor = DirtyCursor { at, unknown: Unknown::default() };
                    transaction.puts.push(Put::record(item.clone(), &cursor, None));
                }
            }
            Ok(transaction)
        })
        .await
    }

    /// Reads the dirty notes from `since` on, and delivers the events of each partition that it finds. Those of users stay
    /// until the user's next commit; shipping them again changes nothing.
    async fn ship_since(&self, since: Timestamp) -> Result<usize, StoreError> {
        let mut cursor = Cursor { at: since, id: "".into() };
        let mut shipped = 0;
        loop {
            let notes = self.options.store.read(Stream::Dirty, &cursor, PAGE).await?;
            let Some(last) = notes.last() else { return Ok(shipped) };
            cursor = Cursor { at: last.at, id: last.id.clone() };
            let mut partitions: Vec<&str> = notes.iter().map(|note| note.id.as_ref()).collect();
            partitions.sort_unstable();
            partitions.dedup();
            for partition in partitions {
                shipped += self.deliver(partition).await?;
            }
        }
    }

    async fn deliver(&self, partition: &str) -> Result<usize, StoreError> {
        let Ok(key) = partition.parse::<PartitionKey>() else { return Ok(0) };
        if key.kind != Kind::User {
            return self.options.generations.deliver(&key).await.map(|()| 0);
        }
        let Ok(user) = key.id.parse::<UserId>() else { return Ok(0) };
        let found = self.options.store.load(&key, &[EVENT_PREFIX, MESSAGE_PREFIX]).await?;
        let events: Vec<Event> = found.items.iter().filter_map(|(key, body)| stored_event(user, key, body)).collect();
        let count = events.len();
        if count > 0 {
            self.options.store.append(Stream::Audit, events).await?;
        }
        for (item, body) in found.items.iter().filter(|(item, _)| item.starts_with(MESSAGE_PREFIX)) {
            match Message::decode(&body.json) {
                Ok(message) => self.options.notifier.found(user, message),
                // A newer node's, which sends it.
                Err(error) => tracing::warn!(%item, %error, "a message is left to others"),
            }
        }
        Ok(count)
    }
}
