//! Typed reading and writing of items: the one place where a body becomes a record and a record a body. What cannot be
//! read is named by its place, never by its content.

use std::ops::Bound;

use crate::{
    Body, Partition, PartitionKey, Put, StoreError, Timestamp,
    record::{Record, RecordError},
};

impl Partition {
    /// The record in item `item`, expired or not; `None` if it is not among the items loaded. `key` is where the
    /// partition was loaded from, for errors.
    ///
    /// A malformed body is [`StoreError::Corrupt`]. One that only a newer node may judge makes the partition
    /// [`StoreError::Unavailable`] here (HAZARDS H15).
    pub fn get<R: Record>(&self, key: &PartitionKey, item: &str) -> Result<Option<R>, StoreError> {
        self.items.get(item).map(|body| decode(key, item, body)).transpose()
    }

    /// The records whose item keys begin with `prefix`, expired or not, with those keys, in their order. Errors as in
    /// [`Self::get`]: one bad record fails the whole list, since leaving it out could mean "accept".
    pub fn list<'a, R: Record>(&'a self, key: &PartitionKey, prefix: &str) -> Result<Vec<(&'a str, R)>, StoreError> {
        self.items
            .range::<str, (Bound<&str>, Bound<&str>)>((Bound::Included(prefix), Bound::Unbounded))
            .take_while(|(item, _)| item.starts_with(prefix))
            .map(|(item, body)| Ok((&**item, decode(key, item, body)?)))
            .collect()
    }
}

impl Body {
    /// Is it past its end at `now`? A body without an end never is.
    pub fn expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }
}

impl Put {
    /// An item that holds `record` and stops being valid at `expires_at`.
    pub fn record<R: Record>(key: impl Into<Box<str>>, record: &R, expires_at: Option<Timestamp>) -> Self {
        // A record is a flat struct with string keys only, and what is unknown in it was JSON when it came.
        let json = record.encode().expect("a record always encodes");
        Self { key: key.into(), body: Body { json, expires_at } }
    }
}

/// Reads one body, or says where it cannot be read.
fn decode<R: Record>(key: &PartitionKey, item: &str, body: &Body) -> Result<R, StoreError> {
    R::decode(&body.json).map_err(|error| {
        let place = format!("{key}/{item}");
        match error {
            RecordError::Malformed { .. } => StoreError::Corrupt { place, reason: error.to_string() },
            RecordError::TooNew { .. } => StoreError::Unavailable(format!("{place}: {error}")),
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;
    use crate::{
        DeviceId, Kind,
        record::{KnownDevice, Unknown},
    };

    fn device(seed: u8) -> KnownDevice {
        KnownDevice {
            device: DeviceId::from_bytes([seed; 16]),
            created_at: Timestamp::from_millis(1),
            last_used_at: Timestamp::from_millis(2),
            unknown: Unknown::default(),
        }
    }

    fn partition(puts: Vec<Put>) -> Partition {
        Partition { items: puts.into_iter().map(|put| (put.key, put.body)).collect(), ..Partition::default() }
    }

    fn raw(item: &str, text: &str) -> Put {
        let json = RawValue::from_string(text.to_owned()).expect("JSON");
        Put { key: item.into(), body: Body { json, expires_at: None } }
    }

    #[test]
    fn a_record_reads_back_and_a_list_stops_at_its_prefix() {
        let key = PartitionKey::new(Kind::User, "ann");
        let partition = partition(vec![
            Put::record("device/a", &device(1), None),
            Put::record("device/b", &device(2), None),
            raw("devicf", "{}"),
            raw("account", "{}"),
        ]);
        let one: KnownDevice = partition.get(&key, "device/a").expect("readable").expect("there");
        assert_eq!(one.device, DeviceId::from_bytes([1; 16]));
        assert!(partition.get::<KnownDevice>(&key, "device/c").expect("readable").is_none());
        let all = partition.list::<KnownDevice>(&key, "device/").expect("readable");
        assert_eq!(all.iter().map(|(item, _)| *item).collect::<Vec<_>>(), ["device/a", "device/b"]);
    }

    #[test]
    fn a_malformed_body_is_corrupt_and_named_without_its_content() {
        let key = PartitionKey::new(Kind::User, "ann");
        let partition = partition(vec![raw("device/a", r#"{"v":1,"min_reader":1,"device":"hunter2"}"#)]);
        let error = partition.list::<KnownDevice>(&key, "device/").expect_err("malformed");
        assert!(matches!(&error, StoreError::Corrupt { place, .. } if place == "user/ann/device/a"), "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }

    #[test]
    fn a_body_of_a_newer_version_makes_the_partition_unavailable() {
        let key = PartitionKey::new(Kind::User, "ann");
        let partition = partition(vec![raw("device/a", r#"{"v":9,"min_reader":9}"#)]);
        let error = partition.get::<KnownDevice>(&key, "device/a").expect_err("too new");
        assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    }

    #[test]
    fn a_body_ends_at_its_end_and_not_before() {
        let body = Put::record("device/a", &device(1), Some(Timestamp::from_millis(10))).body;
        assert!(!body.expired(Timestamp::from_millis(9)));
        assert!(body.expired(Timestamp::from_millis(10)));
    }
}
