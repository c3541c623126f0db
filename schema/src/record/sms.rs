//! What is counted of text messages whose codes nobody has typed yet.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::record;
use crate::MessageId;

/// Text messages of one hour.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmsHour {
    /// Whole hours since 1970 (UTC).
    pub hour: i64,
    /// Messages counted in it whose codes were not typed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unverified: u32,
    /// Codes that were typed in it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub verified: u32,
}

/// Codes that were typed on one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmsDay {
    /// Whole days since 1970 (UTC).
    pub day: i64,
    /// How many.
    pub verified: u32,
}

/// Messages to one country in one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmsReached {
    /// ISO 3166-1.
    pub country: String,
    /// Whole days since 1970 (UTC).
    pub day: i64,
    /// Messages counted whose codes were not typed.
    pub unverified: u32,
    /// Codes that were typed.
    pub verified: u32,
}

record! {
    /// Item `counts` of the `handle` partitions `sms-fraud-country-<country>` and `sms-fraud-address-<keyed hash>`: messages to a
    /// country, or those that an address prefix asked for. From data level 4 on.
    pub struct SmsCounts: 1 {
        /// The last 24 hours, the oldest first.
        pub hours: Vec<SmsHour>,
        /// The last 14 days, the oldest first.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub days: Vec<SmsDay>,
        /// Countries of today, for an address.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub reached: Vec<SmsReached>,
        /// The day on which the address reached too many countries.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub blocked_on: Option<i64>,
        /// By rule: the hour in which the audit log was last told of it.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        pub told: BTreeMap<String, i64>,
    }
}

/// Where one message was counted, so that it can be taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmsCount {
    /// The country, ISO 3166-1.
    pub country: String,
    /// The hour in which it counts there.
    pub country_hour: i64,
    /// The keyed hash of the address prefix that asked for it.
    pub address: String,
    /// The hour in which it counts there.
    pub address_hour: i64,
}

/// A text message that was sent and counted, and whose code was not typed yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountedText {
    /// Which.
    pub message: MessageId,
    /// Where it counts.
    pub count: SmsCount,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks it so")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}
