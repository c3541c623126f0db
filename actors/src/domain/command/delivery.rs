//! What becomes of a message that a commit has left to be sent.

use schema::{
    MessageId, Timestamp,
    record::{Message, TakenOver},
};
use serde::{Deserialize, Serialize};

use super::{Decide, Decision};
use crate::domain::{
    address,
    change::{Change, Item, ItemKey},
    context::Context,
    event::{self, WithFact},
    limits, texts,
    user::{Areas, User},
};

/// Send a message in the place of a node that seems not to have lived to do it, or go on with that.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TakeMessage {
    /// Which.
    pub message: MessageId,
    /// Who asks: a node and its generation.
    pub by: String,
}

/// Whose the message is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TakeMessageOutcome {
    /// It is the asker's, for [`TAKEN_FOR`](limits::TAKEN_FOR).
    Taken,
    /// It is another's.
    Another {
        /// Until then.
        until: Timestamp,
    },
    /// It is settled.
    Gone,
}

impl Decide for TakeMessage {
    type Outcome = TakeMessageOutcome;
    const NAME: &'static str = "take_message";
    const NEEDS: Areas = Areas::NONE;
    /// It takes from nobody.
    const REVOKES: bool = false;

    fn misses(outcome: &Self::Outcome) -> bool {
        matches!(outcome, TakeMessageOutcome::Gone)
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<TakeMessageOutcome> {
        let Some(message) = user.messages.get(&self.message) else {
            return Decision::answer(TakeMessageOutcome::Gone);
        };
        let until = match &message.taken_over {
            Some(taken) if taken.by == self.by => cx.now,
            Some(taken) => taken.at.after(limits::TAKEN_FOR),
            None => message.created_at.after(limits::TAKEN_OVER_AFTER),
        };
        if cx.now < until {
            return Decision::answer(TakeMessageOutcome::Another { until });
        }
        let mut change = Change::default();
        let taken_over = Some(TakenOver { by: self.by.clone(), at: cx.now });
        change.put(Item::Message(Message { taken_over, ..message.clone() }));
        Decision { change, events: Vec::new(), outcome: TakeMessageOutcome::Taken }
    }
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Delivered {
    /// A provider took it.
    Sent {
        /// Its name in the configuration.
        by: String,
        /// What the message was about: [`Content::name`](crate::domain::letter::Content::name).
        content: String,
    },
    /// It was not sent, and will not be.
    Failed {
        /// Why, without address or content.
        reason: String,
    },
}

/// A message was sent, or never will be: its item is removed, and the audit log told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RecordDelivery {
    /// Which.
    pub message: MessageId,
    /// What became of it.
    pub delivered: Delivered,
}

impl Decide for RecordDelivery {
    /// Was it still waiting?
    type Outcome = bool;
    const NAME: &'static str = "record_delivery";
    /// A message that was not sent is looked for in what it was for.
    const NEEDS: Areas = Areas::LOGINS;
    /// It only notes.
    const REVOKES: bool = false;

    fn misses(outcome: &bool) -> bool {
        !*outcome
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<bool> {
        let Some(message) = user.messages.get(&self.message) else {
            return Decision::answer(false);
        };
        let mut change = Change::default();
        change.delete(ItemKey::Message(message.message));
        let event = match &self.delivered {
            Delivered::Sent { by, content } => {
                let event = event::of(cx, "message.sent", user.id).with("provider", by.clone());
                event.with("content", content.clone())
            }
            Delivered::Failed { reason } => {
                texts::not_sent(user, &mut change, message.message);
                event::of(cx, "message.failed", user.id).with("reason", reason.clone())
            }
        };
        let event = event.with("channel", address::name(message.channel)).with("message", message.message.to_string());
        Decision { change, events: vec![event], outcome: true }
    }
}
