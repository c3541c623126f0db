//! The dirty stream: which partitions may hold undelivered events. Noted by the backends with the commit, read at
//! start-up and take-over, so that no event is lost when a node dies and its user never comes back.
//!
//! An entry stands for every commit of its partition within one [`DIRTY_BUCKET`]. A reader must therefore not move its
//! cursor past a bucket before that bucket is over on every node's clock: a later commit in it adds no second entry.

use std::{str::FromStr, time::Duration};

use serde_json::value::RawValue;
use thiserror::Error;

use crate::{Event, Kind, PartitionKey, Timestamp};

/// The length of a bucket: a partition is noted at most once in each.
pub const DIRTY_BUCKET: Duration = Duration::from_mins(1);

/// The note that `partition` committed events at `at`: the bucket's beginning and the partition's address, so that
/// noting it again changes nothing.
pub fn dirty_event(partition: &PartitionKey, at: Timestamp) -> Event {
    let millis = i64::try_from(DIRTY_BUCKET.as_millis()).unwrap_or(i64::MAX);
    let bucket = at.as_millis().div_euclid(millis).saturating_mul(millis);
    let json = RawValue::from_string("{}".to_owned()).expect("an empty object is JSON");
    Event { at: Timestamp::from_millis(bucket), id: partition.to_string().into(), json }
}

/// The text is not an address of a partition.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("a partition is written <kind>/<id>")]
pub struct NotAPartition;

impl FromStr for PartitionKey {
    type Err = NotAPartition;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, id) = text.split_once('/').ok_or(NotAPartition)?;
        let kind = Kind::ALL.into_iter().find(|known| known.as_str() == kind).ok_or(NotAPartition)?;
        Ok(Self::new(kind, id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_of_one_minute_share_a_note_that_leads_back_to_the_partition() {
        let key = PartitionKey::new(Kind::Claim, "user-name/ann");
        let first = dirty_event(&key, Timestamp::from_millis(120_000));
        let second = dirty_event(&key, Timestamp::from_millis(179_999));
        assert_eq!((first.at, &first.id), (second.at, &second.id));
        assert_ne!(first.at, dirty_event(&key, Timestamp::from_millis(180_000)).at);
        assert_eq!(first.id.parse(), Ok(key));
        assert_eq!("nobody/x".parse::<PartitionKey>(), Err(NotAPartition));
    }
}
