//! Who is here: the view that placement is computed from, as it is stored.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::record;
use crate::Timestamp;

record! {
    /// Item `view` of the partition `cluster/view`: the members, as of one epoch (HAZARDS H1).
    pub struct ClusterView: 1 {
        /// Counts the changes.
        pub epoch: u64,
        /// The members, in any order.
        pub members: Vec<ViewMember>,
    }
}

record! {
    /// Item `client`, `policy` or `keyring` of the partition `cluster/generations`: how often something of that kind was
    /// changed (HAZARDS H4).
    pub struct ConfigGeneration: 1 {
        /// Counts the changes delivered.
        pub generation: u64,
    }
}

record! {
    /// An event item of a client, a policy or a key ring: a change that other nodes have not been told of yet.
    pub struct ConfigChanged: 1 {
        /// When it was committed.
        pub at: Timestamp,
    }
}

record! {
    /// Item `ring/<node>` of the partition `cluster/rings`: the master keys that a start of a node has (HAZARDS H19).
    pub struct NodeRing: 1 {
        /// Which start of it.
        pub generation: u64,
        /// By key id, what only who has that very key can compute.
        pub keys: BTreeMap<String, String>,
    }
}

record! {
    /// Item `level` of the partition `cluster/level`: the newest meaning in which data may be written (HAZARDS H15).
    pub struct FeatureLevel: 1 {
        /// Never lowered.
        pub level: u32,
    }
}

/// One of them. Roles are words, so that one which only a newer version knows hinders nobody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewMember {
    /// Its name.
    pub node: String,
    /// Which start of it.
    pub generation: u64,
    /// What it does.
    pub roles: Vec<String>,
    /// Where other nodes reach it, `HOST:PORT`.
    #[serde(default)]
    pub address: String,
    /// The newest meaning of stored data that it understands.
    #[serde(default)]
    pub level: u32,
    /// Is it leaving?
    #[serde(default)]
    pub draining: bool,
    /// Counts up when nothing that it held before may be trusted any more; 0 if its version knows of no terms.
    #[serde(default)]
    pub term: u64,
    /// What a newer version says of it.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, serde_json::Value>,
}
