//! What is stored of users, and what a request changed of it.

use std::collections::BTreeMap;

use schema::{Kind, Partition, PartitionKey, UserId};
use serde_json::Value;

use crate::support::TestApp;

/// Everything that says who may do what. Left out are counters of failures and of messages, messages on their way, events, and
/// challenges that were used up.
const AREAS: [&str; 18] = [
    "account",
    "password",
    "totp/",
    "email/",
    "phone/",
    "passkey/",
    "backup",
    "trusted/",
    "device/",
    "login/",
    "session/",
    "code/",
    "family/",
    "consent/",
    "reset/",
    "recovery",
    "registration",
    "own-address",
];

/// More users than there are in any test.
const PAGE: usize = 100;

/// What is stored of a user, or of several.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Snapshot(BTreeMap<String, Value>);

impl Snapshot {
    pub(crate) async fn of(app: &TestApp, user: UserId) -> Self {
        let key = PartitionKey::new(Kind::User, user);
        let partition = app.services.store.load(&key, &AREAS).await.expect("the store works");
        let mut snapshot = Self::default();
        snapshot.add(&partition, "");
        snapshot
    }

    /// Of everybody but these.
    pub(crate) async fn of_others(app: &TestApp, known: &[UserId]) -> Self {
        let page = app.services.store.scan(Kind::User, None, PAGE, &AREAS).await.expect("the store works");
        assert!(page.next.is_none(), "more users than one page has");
        let mut snapshot = Self::default();
        for (id, partition) in &page.partitions {
            if known.iter().all(|known| known.to_string() != **id) {
                snapshot.add(partition, &format!("/of {id}"));
            }
        }
        snapshot
    }

    fn add(&mut self, partition: &Partition, whose: &str) {
        for (key, body) in &partition.items {
            let mut value: Value = serde_json::from_str(body.json.get()).expect("JSON");
            if let Some(fields) = value.as_object_mut().filter(|_| key.starts_with("session/")) {
                // Looking moves it.
                fields.remove("last_seen_at");
            }
            self.0.insert(format!("{key}{whose}"), value);
        }
    }

    /// What differs: `+` came, `-` went, `~` changed, each with the area; and a device's new state.
    pub(crate) fn changes(&self, after: &Self) -> Vec<String> {
        let area = |key: &str| key.split('/').next().unwrap_or(key).to_owned();
        let mut all = Vec::new();
        for (key, before) in &self.0 {
            match after.0.get(key) {
                None => all.push(format!("-{}", area(key))),
                Some(now) if now != before => match (state(before), state(now)) {
                    (was, is) if was != is => all.push(format!("{}={}", area(key), is.unwrap_or_default())),
                    _ => all.push(format!("~{}", area(key))),
                },
                Some(_) => {}
            }
        }
        all.extend(after.0.keys().filter(|key| !self.0.contains_key(*key)).map(|key| format!("+{}", area(key))));
        all.sort();
        all
    }

    /// Ids of the items of an area.
    pub(crate) fn ids(&self, area: &str) -> Vec<&str> {
        self.0.keys().filter_map(|key| key.strip_prefix(area)?.strip_prefix('/')).collect()
    }
}

/// Where a device stands.
fn state(item: &Value) -> Option<String> {
    let state = item.get("state")?;
    let named = state.as_str().or_else(|| state.get("is").and_then(Value::as_str)).map(str::to_owned);
    named.or_else(|| state.as_object().and_then(|fields| fields.keys().next().cloned()))
}

/// What is stored of the account at stake, of somebody else's, and of everybody's beside.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Look {
    pub(crate) amelia: Snapshot,
    pub(crate) mallory: Snapshot,
    pub(crate) others: Snapshot,
}

impl Look {
    /// All that differs, and of whom.
    pub(crate) fn changes(&self, after: &Self) -> Vec<(&'static str, Vec<String>)> {
        let of = [
            ("amelia", self.amelia.changes(&after.amelia)),
            ("mallory", self.mallory.changes(&after.mallory)),
            ("others", self.others.changes(&after.others)),
        ];
        of.into_iter().filter(|(_, changes)| !changes.is_empty()).collect()
    }
}
