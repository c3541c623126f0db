//! Bounds of the transport. Time-outs are durations, sizes are bytes.

use std::{collections::HashMap, fmt, hash::Hash, sync::Arc, time::Duration};

use parking_lot::Mutex;

/// Resolving, connecting, the TLS handshake and the greeting together, seen from the calling side.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);

/// Hosts that the name in an address may stand for; those after them are not tried.
pub(super) const MAX_HOSTS: usize = 8;

/// The TLS handshake and the greeting together, seen from the answering side.
pub(super) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(2);

/// A side that has written nothing for this long says that it lives.
pub(super) const BEAT: Duration = Duration::from_millis(250);

/// A peer of which nothing was read, or to which nothing could be written, for this long is dead.
pub(crate) const SILENCE: Duration = Duration::from_secs(1);

/// After a failed attempt no other one is made for a random part of this, doubled with every further failure.
pub(super) const FIRST_BACK_OFF: Duration = Duration::from_millis(50);

/// The longest that no attempt is made.
pub(super) const LONGEST_BACK_OFF: Duration = Duration::from_millis(500);

/// The longest that a call is served, whatever its caller says.
pub(super) const LONGEST_DEADLINE: Duration = Duration::from_mins(1);

/// Calls in flight on one connection, on either side of it.
pub(super) const MAX_IN_FLIGHT: usize = 1024;

/// Frames that wait to be written to one connection.
pub(super) const MAX_QUEUED: usize = 2048;

/// Kibibytes that wait to be written to one connection, and of calls that are being served for it.
pub(super) const MAX_KIB: usize = 16 * 1024;

/// Connections in their handshake: from one address, and in all.
pub(super) const MAX_GREETING: Bounds = Bounds { each: 64, all: 512 };

/// Established connections: from one node (the old one, the new one, and some that are not yet found dead), and in all.
pub(super) const MAX_CONNECTIONS: Bounds = Bounds { each: 4, all: 1024 };

/// The same of visitors, which are counted beside the nodes whose names they have: as many commands as run at once on one
/// machine must not keep its node from its peers.
pub(super) const MAX_VISITS: Bounds = Bounds { each: 32, all: 256 };

/// How many of something there may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// With the same key.
    pub(super) each: usize,
    /// Together.
    pub(super) all: usize,
}

/// Counts what is there, by key, and admits no more than its bounds.
#[derive(Clone, Debug)]
pub(super) struct Gate<K: Eq + Hash> {
    bounds: Bounds,
    here: Arc<Mutex<HashMap<K, usize>>>,
}

impl<K: Eq + Hash + Clone + fmt::Debug> Gate<K> {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { bounds, here: Arc::default() }
    }

    /// Admits one more, until what is returned is dropped; `None` if there are too many.
    pub(super) fn enter(&self, key: K) -> Option<Entered<K>> {
        let mut here = self.here.lock();
        let (each, all) = (here.get(&key).copied().unwrap_or(0), here.values().sum::<usize>());
        if each >= self.bounds.each || all >= self.bounds.all {
            return None;
        }
        here.insert(key.clone(), each + 1);
        Some(Entered { key, here: Arc::clone(&self.here) })
    }
}

/// One that was admitted.
#[derive(Debug)]
pub(super) struct Entered<K: Eq + Hash> {
    key: K,
    here: Arc<Mutex<HashMap<K, usize>>>,
}

impl<K: Eq + Hash> Drop for Entered<K> {
    fn drop(&mut self) {
        let mut here = self.here.lock();
        match here.get_mut(&self.key) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                here.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_bounds_each_key_and_all_and_forgets_who_left() {
        let gate = Gate::new(Bounds { each: 2, all: 3 });
        let first = gate.enter("a").expect("room");
        let _second = gate.enter("a").expect("room");
        assert!(gate.enter("a").is_none());
        let _third = gate.enter("b").expect("room");
        assert!(gate.enter("c").is_none());
        drop(first);
        assert!(gate.enter("c").is_some());
        assert_eq!(gate.here.lock().len(), 2);
    }
}
