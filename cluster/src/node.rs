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
}

/// Who is here, as of one epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Counts the changes.
    pub epoch: u64,
    /// The members, in any order.
    pub members: Vec<Member>,
}

impl View {
    /// The view of a node that is alone and does everything.
    pub fn alone(node: NodeId, generation: Generation) -> Self {
        let member = Member { node, generation, roles: vec![Role::Http, Role::Actors] };
        Self { epoch: 1, members: vec![member] }
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
