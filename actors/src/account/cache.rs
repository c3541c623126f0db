//! Warm users without an actor: (revision, items) in one block of memory each, bounded in bytes, the oldest out first.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use cluster::Tenure;
use schema::{Body, EVENT_PREFIX, Partition, Revision, Timestamp, UserId};
use serde_json::value::RawValue;
use tokio::time::Instant;

use crate::domain::user::{Areas, User};

/// What is kept beside each entry's own bytes: map slots, queue slot, allocation.
const OVERHEAD: usize = 120;

/// A user at rest.
#[derive(Debug)]
pub(crate) struct Resting {
    revision: Revision,
    areas: Areas,
    pub(super) committed_at: Timestamp,
    /// Since when this node owned it without a break, when it was last loaded, validated or committed.
    pub(super) tenure: Tenure,
    /// When that load, validation or commit began.
    pub(super) current_at: Option<Instant>,
    /// `key \0 json \0` for each item.
    bytes: Box<[u8]>,
}

impl Resting {
    /// Packs a user; `None` if it was never stored. `shipped` are the events to be removed with the next commit.
    pub(super) fn pack(
        user: &User,
        committed_at: Timestamp,
        (tenure, current_at): (Tenure, Option<Instant>),
        shipped: &BTreeSet<Box<str>>,
    ) -> Option<Self> {
        let mut bytes = Vec::with_capacity(1024);
        let mut push = |key: &str, json: &str| {
            bytes.extend_from_slice(key.as_bytes());
            bytes.push(0);
            bytes.extend_from_slice(json.as_bytes());
            bytes.push(0);
        };
        for item in user.items().iter().filter(|item| !Areas::HEAVY.contain(item.area())) {
            let put = item.to_put();
            push(&put.key, put.body.json.get());
        }
        for claim in &user.voided {
            push(&format!("claim-void/{claim}"), "{}");
        }
        for key in shipped {
            push(key, "{}");
        }
        let areas = user.areas.without(Areas::HEAVY);
        Some(Self {
            revision: user.revision?,
            areas,
            committed_at,
            tenure,
            current_at,
            bytes: bytes.into_boxed_slice(),
        })
    }

    /// Unpacks: the user, and the events to be removed.
    pub(super) fn unpack(self, id: UserId) -> Option<(User, BTreeSet<Box<str>>)> {
        let text = std::str::from_utf8(&self.bytes).ok()?;
        let mut parts = text.split_terminator('\0');
        let mut items = BTreeMap::new();
        let mut shipped = BTreeSet::new();
        while let (Some(key), Some(json)) = (parts.next(), parts.next()) {
            if key.starts_with(EVENT_PREFIX) {
                shipped.insert(key.into());
                continue;
            }
            let json = RawValue::from_string(json.to_owned()).ok()?;
            items.insert(key.into(), Body { json, expires_at: None });
        }
        let partition = Partition { revision: Some(self.revision), operations: Vec::new(), items };
        let mut user = User::unloaded(id);
        user.absorb(&partition, self.areas).ok()?;
        Some((user, shipped))
    }

    /// Is it of an earlier revision than this one?
    pub(super) fn older_than(&self, revision: Revision) -> bool {
        self.revision < revision
    }

    fn weight(&self) -> usize {
        self.bytes.len() + OVERHEAD
    }
}

/// The cache of one shard of the directory.
#[derive(Debug)]
pub(super) struct Cache {
    limit: usize,
    used: usize,
    entries: HashMap<UserId, (u64, Resting)>,
    /// Order of arrival; an entry that was taken or replaced since is skipped.
    order: VecDeque<(u64, UserId)>,
    arrivals: u64,
}

impl Cache {
    /// A cache of at most `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, used: 0, entries: HashMap::new(), order: VecDeque::new(), arrivals: 0 }
    }

    /// Keeps a user, and drops the oldest beyond the bound.
    pub(super) fn keep(&mut self, id: UserId, resting: Resting) {
        self.take(id);
        self.arrivals += 1;
        self.used += resting.weight();
        self.entries.insert(id, (self.arrivals, resting));
        self.order.push_back((self.arrivals, id));
        while self.used > self.limit || self.order.len() > 2 * self.entries.len() + 16 {
            let Some((arrival, oldest)) = self.order.pop_front() else { break };
            let current = self.entries.get(&oldest).is_some_and(|(known, _)| *known == arrival);
            if current && self.used > self.limit {
                self.take(oldest);
            } else if current {
                self.order.push_back((arrival, oldest));
            }
        }
    }

    /// Takes a user out.
    pub(super) fn take(&mut self, id: UserId) -> Option<Resting> {
        let (_, resting) = self.entries.remove(&id)?;
        self.used -= resting.weight();
        Some(resting)
    }

    /// Drops a user of an earlier revision than this one.
    pub(super) fn invalidate(&mut self, id: UserId, revision: Revision) {
        if self.entries.get(&id).is_some_and(|(_, resting)| resting.older_than(revision)) {
            self.take(id);
        }
    }

    /// Entries and bytes.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.entries.len(), self.used)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(n: u8) -> User {
        let mut user = User::unloaded(UserId::from_random([n; 16]));
        user.revision = Some(Revision::first(7));
        user.areas = Areas::CORE;
        user.throttles.insert("password".to_owned(), crate::domain::user::fresh_throttle());
        user
    }

    fn packed(user: &User) -> Resting {
        let node = "a".parse().expect("a name");
        let tenure =
            cluster::Authority::alone(node, cluster::Generation(1), cluster::now()).owns(b"any").expect("owns");
        Resting::pack(user, Timestamp::default(), (tenure, None), &BTreeSet::from(["event/1/0".into()]))
            .expect("stored")
    }

    #[test]
    fn a_user_at_rest_is_the_same_when_it_wakes() {
        let before = user(1);
        let (after, shipped) = packed(&before).unpack(before.id).expect("readable");
        assert_eq!((after.revision, after.areas), (before.revision, before.areas));
        assert_eq!(after.throttles.keys().collect::<Vec<_>>(), ["password"]);
        assert_eq!(shipped, BTreeSet::from(["event/1/0".into()]));
    }

    #[test]
    fn the_bound_in_bytes_is_kept_and_the_oldest_goes_first() {
        let weight = packed(&user(0)).weight();
        let mut cache = Cache::new(3 * weight);
        for n in 0..10 {
            cache.keep(user(n).id, packed(&user(n)));
            assert!(cache.size().1 <= 3 * weight);
        }
        assert!(cache.take(user(6).id).is_none());
        assert!(cache.take(user(9).id).is_some());
        assert_eq!(cache.size(), (2, 2 * weight));
    }

    #[test]
    fn what_is_older_than_a_revision_goes_and_nothing_else() {
        let mut cache = Cache::new(1 << 20);
        cache.keep(user(1).id, packed(&user(1)));
        cache.invalidate(user(1).id, Revision::first(7));
        assert_eq!(cache.size().0, 1);
        cache.invalidate(user(1).id, Revision::first(7).next());
        assert_eq!(cache.size(), (0, 0));
    }

    #[test]
    fn keeping_one_user_again_and_again_does_not_grow_the_queue() {
        let mut cache = Cache::new(1 << 20);
        for _ in 0..1000 {
            cache.keep(user(1).id, packed(&user(1)));
        }
        assert!(cache.order.len() < 32, "{}", cache.order.len());
    }
}
