//! Counters for whoever watches: sign-ins by their outcome, buckets that closed, authenticators that were suspended, names that were
//! tried from one place. They follow the audit events, and are counted where those are handed over: after the commit, once.
//!
//! Every counter of what is rare is there from the start, at zero: the first increase of one that appears with it is none to a
//! monitoring system.

use schema::record::AuditEvent;
use serde_json::Value;

/// What can be suspended, by the beginning of its throttle's name.
const AUTHENTICATORS: [&str; 7] = ["password", "totp", "email", "phone", "backup", "recovery", "codes"];
const CLOSED: &str = "doorward_throttle_closed_total";
const SUSPENDED: &str = "doorward_authenticators_suspended_total";
const SPRAYS: &str = "doorward_sprays_total";

/// Shows the counters of what is rare.
pub(crate) fn begin() {
    metrics::describe_counter!("doorward_sign_ins_total", "Proofs that were judged, by method and outcome.");
    metrics::describe_counter!(CLOSED, "Cool-downs that wrong guesses began.");
    metrics::describe_counter!(SUSPENDED, "Authenticators that a hundred wrong guesses in a row suspended.");
    metrics::describe_counter!(SPRAYS, "Address prefixes from which many names were tried.");
    metrics::counter!(SPRAYS).absolute(0);
    for authenticator in AUTHENTICATORS {
        for bucket in ["known", "unknown"] {
            metrics::counter!(CLOSED, "authenticator" => authenticator, "bucket" => bucket).absolute(0);
            metrics::counter!(SUSPENDED, "authenticator" => authenticator, "bucket" => bucket).absolute(0);
        }
    }
}

/// Counts what an event says.
pub(crate) fn count(event: &AuditEvent) {
    match Counted::of(event) {
        Some(Counted::SignIn { method, outcome }) => {
            metrics::counter!("doorward_sign_ins_total", "method" => method, "outcome" => outcome).increment(1);
        }
        Some(Counted::Closed { authenticator, bucket }) => {
            metrics::counter!(CLOSED, "authenticator" => authenticator, "bucket" => bucket).increment(1);
        }
        Some(Counted::Suspended { authenticator, bucket }) => {
            metrics::counter!(SUSPENDED, "authenticator" => authenticator, "bucket" => bucket).increment(1);
        }
        Some(Counted::Spray) => metrics::counter!(SPRAYS).increment(1),
        None => {}
    }
}

/// What is counted of an event. Ids are no labels.
#[derive(Debug, PartialEq, Eq)]
enum Counted {
    SignIn { method: String, outcome: &'static str },
    Closed { authenticator: &'static str, bucket: &'static str },
    Suspended { authenticator: &'static str, bucket: &'static str },
    Spray,
}

impl Counted {
    fn of(event: &AuditEvent) -> Option<Self> {
        let fact = |name: &str| event.facts.get(name).and_then(Value::as_str).unwrap_or_default();
        let sign_in = |outcome| Some(Self::SignIn { method: fact("method").to_owned(), outcome });
        let name = fact("authenticator").split('/').next().unwrap_or_default();
        let authenticator = AUTHENTICATORS.into_iter().find(|known| *known == name).unwrap_or("other");
        let bucket = if fact("bucket") == "known" { "known" } else { "unknown" };
        match event.kind.as_str() {
            "login.failed" => sign_in("failed"),
            "login.first_factor" => sign_in("first_factor"),
            "login.succeeded" => sign_in("succeeded"),
            "login.throttled" => Some(Self::Closed { authenticator, bucket }),
            "login.suspended" => Some(Self::Suspended { authenticator, bucket }),
            "login.spray" => Some(Self::Spray),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use schema::{Timestamp, record::Unknown};

    use super::*;
    use crate::domain::event::WithFact as _;

    fn event(kind: &str) -> AuditEvent {
        AuditEvent {
            kind: kind.to_owned(),
            at: Timestamp::from_millis(1_790_000_000_000),
            user: None,
            actor: "user".to_owned(),
            address: None,
            facts: std::collections::BTreeMap::new(),
            unknown: Unknown::default(),
        }
    }

    #[test]
    fn an_event_is_counted_by_what_it_was_about_and_by_no_id() {
        let closed = event("login.throttled").with("authenticator", "totp/01234567").with("bucket", "unknown");
        assert_eq!(Counted::of(&closed), Some(Counted::Closed { authenticator: "totp", bucket: "unknown" }));
        let suspended = event("login.suspended").with("authenticator", "password").with("bucket", "known");
        assert_eq!(Counted::of(&suspended), Some(Counted::Suspended { authenticator: "password", bucket: "known" }));
        let failed = event("login.failed").with("method", "sms_code");
        let outcome = "failed";
        assert_eq!(Counted::of(&failed), Some(Counted::SignIn { method: "sms_code".to_owned(), outcome }));
        let later = event("login.suspended").with("authenticator", "eye/1");
        assert_eq!(Counted::of(&later), Some(Counted::Suspended { authenticator: "other", bucket: "unknown" }));
        assert_eq!(Counted::of(&event("account.disabled")), None);
    }
}
