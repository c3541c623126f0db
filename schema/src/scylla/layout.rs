//! Rows to partitions and back. An entry of the ring is JSON text under its slot, revision mod [`RING`], so that it is
//! overwritten by the operation that many later and never deleted.

use std::collections::{BTreeMap, HashMap};

use data_encoding::HEXLOWER;
use scylla::value::CqlValue;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{AttemptId, Body, Partition, PartitionKey, RING, Recorded, Revision, StoreError, Timestamp, WriteSet};

/// The version of a ring entry's text.
const V1: u32 = 1;

/// What a partition's column `ends` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It is permanent; stored as 0.
    Never,
    /// It may be collected [`crate::GRACE`] after this.
    At(Timestamp),
}

impl End {
    /// As stored.
    pub(super) fn to_column(self) -> CqlValue {
        CqlValue::BigInt(match self {
            Self::Never => 0,
            // Nothing ends in 1970, and 0 is taken.
            Self::At(end) => end.as_millis().max(1),
        })
    }

    pub(super) fn from_column(column: i64) -> Self {
        if column == 0 { Self::Never } else { Self::At(Timestamp::from_millis(column)) }
    }
}

/// The static columns of a partition.
#[derive(Clone, Debug)]
pub(super) struct Statics {
    pub(super) revision: Revision,
    /// The ring by slot, as text.
    pub(super) ring: HashMap<i32, String>,
    pub(super) end: End,
}

/// The slot of the operation that made this revision.
pub(super) fn slot(revision: Revision) -> i32 {
    i32::try_from(revision.as_u64() % RING).unwrap_or_default()
}

#[derive(Serialize, Deserialize)]
struct Entry {
    v: u32,
    id: AttemptId,
    digest: String,
    revision: Revision,
    at: Timestamp,
    outcome: Box<RawValue>,
}

/// The text of the ring's entry for a write.
pub(super) fn encode_entry(write: &WriteSet) -> Result<String, StoreError> {
    let entry = Entry {
        v: V1,
        id: write.operation.id,
        digest: HEXLOWER.encode(&write.operation.digest),
        revision: write.revision(),
        at: write.at,
        outcome: write.operation.outcome.clone(),
    };
    serde_json::to_string(&entry).map_err(|error| corrupt(&write.partition, &format!("operation: {error}")))
}

fn decode_entry(key: &PartitionKey, text: &str) -> Result<Recorded, StoreError> {
    let entry: Entry = serde_json::from_str(text).map_err(|_| corrupt(key, "ring entry"))?;
    let digest = HEXLOWER.decode(entry.digest.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
    match (entry.v, digest) {
        (V1, Some(digest)) => {
            Ok(Recorded { id: entry.id, digest, revision: entry.revision, at: entry.at, outcome: entry.outcome })
        }
        _ => Err(corrupt(key, "ring entry")),
    }
}

/// One row of an item read: key, body, end, and the partition's revision.
pub(super) type ItemRow = (Option<String>, Option<String>, Option<i64>, Option<i64>);

/// The item of a row; `None` for the row that stands for a partition without items, and for a key that was not asked for.
pub(super) fn item(
    key: &PartitionKey,
    row: ItemRow,
    prefixes: &[&str],
) -> Result<Option<(Box<str>, Body)>, StoreError> {
    let (Some(item), body, expires_at, _) = row else { return Ok(None) };
    if !prefixes.iter().any(|prefix| item.starts_with(prefix)) {
        return Ok(None);
    }
    let json = body.and_then(|text| RawValue::from_string(text).ok());
    let json = json.ok_or_else(|| corrupt(&format!("{key}/{item}"), "body"))?;
    Ok(Some((item.into(), Body { json, expires_at: expires_at.map(Timestamp::from_millis) })))
}

/// Statics and items as what a load returns. Without a revision there is no partition: its last cells may go a moment
/// apart.
pub(super) fn partition(
    key: &PartitionKey,
    statics: Option<Statics>,
    items: BTreeMap<Box<str>, Body>,
) -> Result<Partition, StoreError> {
    let Some(statics) = statics else { return Ok(Partition::default()) };
    let current = statics.revision.as_u64();
    let mut operations = Vec::with_capacity(statics.ring.len());
    for text in statics.ring.values() {
        let recorded = decode_entry(key, text)?;
        // An entry that an earlier partition of this id left behind is not of this ring.
        if current.checked_sub(recorded.revision.as_u64()).is_some_and(|passed| passed < RING) {
            operations.push(recorded);
        }
    }
    operations.sort_by_key(|operation| operation.revision);
    Ok(Partition { revision: Some(statics.revision), operations, items })
}

/// A revision as stored.
pub(super) fn column(revision: Revision) -> CqlValue {
    CqlValue::BigInt(revision.as_u64().cast_signed())
}

/// A revision from its column.
pub(super) fn revision(column: i64) -> Revision {
    Revision::from_u64(column.cast_unsigned())
}

/// A text as a bound value.
pub(super) fn text(text: &str) -> CqlValue {
    CqlValue::Text(text.to_owned())
}

/// What is stored cannot be right.
pub(super) fn corrupt(place: &(impl std::fmt::Display + ?Sized), what: &str) -> StoreError {
    StoreError::Corrupt { place: place.to_string(), reason: format!("not a well-formed {what}") }
}
