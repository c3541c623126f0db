//! Events: what the audit log and the outbox are made of.

use std::collections::BTreeMap;

use serde_json::Value;

use super::record;
use crate::{Timestamp, UserId};

record! {
    /// Item `event/<revision>/<n>`, and the entry of the audit stream that comes of it. It holds no secret and no typed
    /// text that could be one.
    pub struct AuditEvent: 1 {
        /// What happened, e.g. `login.failed`.
        pub kind: String,
        /// When, by the deciding node's clock.
        pub at: Timestamp,
        /// Whose account it concerns.
        pub user: Option<UserId>,
        /// Who did it: `user`, `operator uid 0`, `client c_…`, `system`.
        pub actor: String,
        /// Address of the request.
        pub address: Option<String>,
        /// Further facts, such as the method, the client, or the reason.
        pub facts: BTreeMap<String, Value>,
    }
}

record! {
    /// Item `dirty-cursor/<node>` of partition `cluster/shipper`: every event that the node committed before this was
    /// shipped.
    pub struct DirtyCursor: 1 {
        /// Notes of the dirty stream before this need not be read again.
        pub at: Timestamp,
    }
}
