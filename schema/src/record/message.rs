//! Messages to the outside that wait to be sent.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::record;
use crate::{MessageId, Timestamp};

/// By which way a message goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// Electronic mail.
    #[default]
    Email,
    /// A text message to a phone.
    Sms,
}

/// Who sends a message in the place of the node that committed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenOver {
    /// The node, with its generation.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

record! {
    /// Item `message/<id>`: written in the commit that decides on it, sent after that commit, and removed with the commit
    /// that says what became of it.
    pub struct Message: 1 {
        /// Which.
        pub message: MessageId,
        /// By which way.
        pub channel: Channel,
        /// Address and content, sealed to user and message (HAZARDS H17).
        pub sealed: String,
        /// Who sends it, if not the node that committed it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub taken_over: Option<TakenOver>,
        /// When it was decided on.
        pub created_at: Timestamp,
        /// After this it is worth nothing, and is not sent.
        pub expires_at: Timestamp,
    }
}

/// Messages in an hour and in a day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// The beginning of the hour that is counted.
    pub hour: Timestamp,
    /// Messages in it.
    pub in_hour: u32,
    /// The beginning of the day that is counted.
    pub day: Timestamp,
    /// Messages in it.
    pub in_day: u32,
    /// When the last one was sent, where a pause comes after each. Written from data level 4 on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_at: Option<Timestamp>,
}

record! {
    /// Item `recipient` of an `ident` partition: how many messages an address got that nobody has confirmed, or how many codes a number
    /// that is confirmed.
    pub struct Recipient: 1 {
        /// From all accounts.
        pub sent: Sent,
    }
}

record! {
    /// Item `sends`: how many messages this user has caused. Known devices and all others are counted apart, so that a
    /// stranger who knows the password uses up nothing of its owner's (HAZARDS H11).
    pub struct Sends: 1 {
        /// From known devices.
        pub known: Sent,
        /// From all others.
        pub unknown_devices: Sent,
        /// Links for whoever names the account, which proves nothing.
        pub links: Sent,
        /// The same from known devices. Written from data level 4 on.
        #[serde(default)]
        pub known_links: Sent,
        /// Word that there is an account, for whoever wants to register under its address. Written from data level 4 on.
        #[serde(default)]
        pub registered: Sent,
        /// Notices by text message, which cost money.
        #[serde(default)]
        pub notices: Sent,
    }
}

record! {
    /// Item `spending` of a `handle` partition: what text messages cost on one day, as far as nodes have taken it from the
    /// budget.
    pub struct SmsSpending: 1 {
        /// In ten-thousandths of the currency unit.
        pub spent: u64,
        /// Messages by country, ISO 3166-1.
        pub countries: BTreeMap<String, u32>,
    }
}
