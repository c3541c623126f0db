//! What was seen, counted and summed up. The sum of an entry's SHA-256 over all entries does not depend on their order,
//! in which backends differ. It guards against mistakes, not against somebody who wants two stores to look alike.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Entry;

/// What was seen of one kind or stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Partitions, or entries of the stream.
    pub entries: u64,
    /// Items in those partitions.
    pub items: u64,
    /// The sum, in hexadecimal.
    #[serde(with = "hex")]
    pub digest: [u64; 4],
}

/// What was seen, by the name of the kind or stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tally(pub BTreeMap<String, Count>);

impl Tally {
    /// Adds what was seen, as the JSON that it is written as.
    pub fn add(&mut self, entry: &Entry, json: &[u8]) {
        let (name, items) = match entry {
            Entry::Partition(contents) => (contents.kind.as_str(), contents.items.len()),
            Entry::Event(noted) => (noted.stream.as_str(), 0),
        };
        if !self.0.contains_key(name) {
            self.0.insert(name.to_owned(), Count::default());
        }
        let Some(count) = self.0.get_mut(name) else { return };
        count.entries += 1;
        count.items += items as u64;
        let digest: [u8; 32] = Sha256::digest(json).into();
        for (lane, bytes) in count.digest.iter_mut().zip(digest.chunks_exact(8)) {
            let part = bytes.iter().fold(0, |bits: u64, byte| bits << 8 | u64::from(*byte));
            *lane = lane.wrapping_add(part);
        }
    }

    /// Adds an entry that was not written.
    pub fn see(&mut self, entry: &Entry) -> Result<(), serde_json::Error> {
        self.add(entry, &serde_json::to_vec(entry)?);
        Ok(())
    }

    /// How many entries there are in all.
    pub fn entries(&self) -> u64 {
        self.0.values().map(|count| count.entries).sum()
    }

    /// In which kinds and streams the two differ.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let names = self.0.keys().chain(other.0.keys().filter(|name| !self.0.contains_key(*name)));
        names.filter(|name| self.0.get(*name) != other.0.get(*name)).cloned().collect()
    }
}

mod hex {
    use data_encoding::HEXLOWER;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(lanes: &[u64; 4], to: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = lanes.iter().flat_map(|lane| lane.to_be_bytes()).collect();
        to.serialize_str(&HEXLOWER.encode(&bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<[u64; 4], D::Error> {
        let text = String::deserialize(from)?;
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(D::Error::custom)?;
        let mut lanes = [0; 4];
        if bytes.len() != 32 {
            return Err(D::Error::custom("a digest has 32 bytes"));
        }
        for (lane, bytes) in lanes.iter_mut().zip(bytes.chunks_exact(8)) {
            *lane = bytes.iter().fold(0, |bits: u64, byte| bits << 8 | u64::from(*byte));
        }
        Ok(lanes)
    }
}
