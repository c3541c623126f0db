//! The room for messages in memory: who gets it, and what becomes of those that there was none for.

use std::{collections::hash_map::Entry, sync::Arc};

use futures_util::StreamExt as _;
use ractor::ActorRef;
use schema::{
    MESSAGE_PREFIX, MessageId, StoreError,
    record::{Channel, Message, Record as _},
};

use super::{Debt, LONGEST_PAUSE, Order, Owed, Shared, Standing, State, Worker};
use crate::domain::user::User;

/// Messages that are read at the same time.
const READ_AT_ONCE: usize = 16;

impl Worker {
    /// Makes room for a message, or defers it.
    pub(super) fn stand(&self, myself: &ActorRef<Order>, state: &mut State, owed: Owed) {
        let (id, lane) = (owed.message.message, state.lanes.of_mut(owed.message.channel));
        let Entry::Vacant(place) = state.standing.entry(id) else { return };
        if lane.standing >= self.shared.options.max_waiting {
            lane.deferred = true;
            metrics::counter!("doorward_messages_deferred_total").increment(1);
            return;
        }
        lane.standing += 1;
        let pause = self.shared.pause_before(&owed);
        place.insert(Standing { owed, rounds: 0 });
        myself.send_after(pause, move || Order::Offer(id));
    }

    /// Has as many deferred messages read as there is room for, the oldest first, once half of the room is free: so all of them
    /// are looked through once for many that are settled. A message that is owed and not in memory is deferred, or is in the mailbox.
    pub(super) fn recall(&self, myself: &ActorRef<Order>, state: &mut State, channel: Channel) {
        let max_waiting = self.shared.options.max_waiting;
        let lane = state.lanes.of_mut(channel);
        if !lane.deferred || lane.standing > max_waiting / 2 {
            return;
        }
        let standing = &state.standing;
        let mut deferred: Vec<(MessageId, Debt)> = self
            .shared
            .living_owed()
            .iter()
            .filter(|(id, debt)| debt.channel == channel && !standing.contains_key(id))
            .map(|(id, debt)| (*id, *debt))
            .collect();
        deferred.sort_unstable_by_key(|(id, debt)| (debt.created_at, *id));
        let room = max_waiting - lane.standing;
        lane.deferred = deferred.len() > room;
        deferred.truncate(room);
        let (shared, myself) = (Arc::clone(&self.shared), myself.clone());
        state.offers.spawn(async move {
            let read = futures_util::stream::iter(deferred).map(|(id, debt)| {
                let shared = &shared;
                async move { (id, shared.read(id, &debt).await) }
            });
            let mut read = read.buffer_unordered(READ_AT_ONCE);
            let mut failed = None;
            while let Some((id, message)) = read.next().await {
                match message {
                    // A notifier that has stopped settles nothing more.
                    Ok(message) => drop(myself.send_message(Order::Recalled(id, message))),
                    Err(error) => failed = Some(error),
                }
            }
            if let Some(error) = failed {
                tracing::warn!(%error, "messages that were deferred cannot be read yet");
                myself.send_after(LONGEST_PAUSE, move || Order::Recall(channel));
            }
        });
    }

    /// A deferred message was read. Meanwhile it may have come out of the mailbox and been settled: then it is not owed any more.
    pub(super) fn recalled(
        &self,
        myself: &ActorRef<Order>,
        state: &mut State,
        id: MessageId,
        message: Option<Message>,
    ) {
        let debt = self.shared.owed.lock().get(&id).copied();
        match (debt, message) {
            (None, _) => {}
            (Some(debt), Some(message)) => {
                self.stand(myself, state, Owed { user: debt.user, message, found: debt.found });
            }
            (Some(_), None) if state.standing.contains_key(&id) => {}
            (Some(_), None) => self.shared.is_settled(id),
        }
    }
}

impl Shared {
    /// Reads a message out of its partition; `None` if it is settled, or is a newer node's, which sends it.
    async fn read(&self, id: MessageId, debt: &Debt) -> Result<Option<Message>, StoreError> {
        let item = format!("{MESSAGE_PREFIX}{id}");
        let found = self.options.store.load(&User::partition(debt.user), &[&item]).await?;
        Ok(found.items.get(item.as_str()).and_then(|body| Message::decode(&body.json).ok()))
    }
}
