//! Names of nodes, and the view that placement is computed from.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A stable name of a node: 1 to 64 of `a–z 0–9 -`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeId(Box<str>);

/// The text is not a node's name.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("a node is named by 1 to 64 of a-z, 0-9 and '-'")]
pub struct NodeIdError;

impl NodeId {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for NodeId {
    type Err = NodeIdError;

    fn from_str(text: &str) -> Result<Self, NodeIdError> {
        let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if text.is_empty() || text.len() > 64 || !text.bytes().all(legal) {
            return Err(NodeIdError);
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Tells one start of a node from the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Generation(pub u64);

/// What a node does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Serves requests from outside.
    Http,
    /// Owns keys.
    Actors,
}

/// A node in the view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its name.
    pub node: NodeId,
    /// Which start of it.
    pub generation: Generation,
    /// What it does.
    pub roles: Vec<Role>,
    /// Where other nodes reach it, `HOST:PORT`; empty if they cannot.
    #[serde(default)]
    pub address: Box<str>,
    /// The newest meaning of stored data that it understands; the cluster writes what its lowest member understands.
    #[serde(default)]
    pub level: u32,
    /// It is leaving: it finishes what it has and owns nothing any more.
    #[serde(default)]
    pub draining: bool,
    /// Counts up when nothing that it held before may be trusted any more, though it stays ([`crate::keeper::renewed`]).
    /// From 1 on; 0 is a version that knows of no terms.
    #[serde(default)]
    pub term: u64,
}

impl Member {
    /// Is this the same start of the same node, in the same term?
    pub fn is_same_term(&self, other: &Self) -> bool {
        (&self.node, self.generation, self.term) == (&other.node, other.generation, other.term)
    }

    /// May it own keys?
    pub fn owns_keys(&self) -> bool {
        self.roles.contains(&Role::Actors) && !self.draining
    }
}

/// Who is here, as of one epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Counts the changes; 0 before the first.
    pub epoch: u64,
    /// The members, in any order.
    pub members: Vec<Member>,
}

impl View {
    /// The view of a node that is alone and does everything.
    pub fn alone(node: NodeId, generation: Generation) -> Self {
        let roles = vec![Role::Http, Role::Actors];
        let member = Member { node, generation, roles, address: "".into(), level: 0, draining: false, term: 1 };
        Self { epoch: 1, members: vec![member] }
    }

    /// The member of this name.
    pub fn member(&self, node: &NodeId) -> Option<&Member> {
        self.members.iter().find(|member| member.node == *node)
    }

    /// The next view: these members, one epoch later.
    #[must_use]
    pub fn followed_by(&self, members: Vec<Member>) -> Self {
        Self { epoch: self.epoch + 1, members }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_name_takes_no_separator_or_capital() {
        assert!("node-1".parse::<NodeId>().is_ok());
        for bad in ["", "Node", "a.b", "a/b", "ä"] {
            assert_eq!(bad.parse::<NodeId>(), Err(NodeIdError), "{bad}");
        }
    }
}
