//! What the audit log is told. No secret, no typed text that could be one.

use std::collections::BTreeMap;

use schema::{
    UserId,
    record::{AuditEvent, Unknown},
};
use serde_json::Value;

use super::context::Context;

/// An event of the user whose account is decided on.
pub fn of(cx: &Context<'_>, kind: &str, user: UserId) -> AuditEvent {
    AuditEvent {
        kind: kind.to_owned(),
        at: cx.now,
        user: Some(user),
        actor: cx.attempt.origin.actor.clone().unwrap_or_else(|| "user".to_owned()),
        address: cx.attempt.origin.address.clone(),
        facts: BTreeMap::new(),
        unknown: Unknown::default(),
    }
}

/// Adds a fact to an event.
pub trait WithFact {
    /// The event with the fact `name`.
    #[must_use]
    fn with(self, name: &str, value: impl Into<Value>) -> Self;
}

impl WithFact for AuditEvent {
    fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.facts.insert(name.to_owned(), value.into());
        self
    }
}
