//! Bounds by address, in memory, asked before any look-up or write (HAZARDS H13): a leaky bucket for each address prefix
//! and one for all together.
//!
//! A token is taken before the work and given back if the work turned out to be none of the counted kind, so that many
//! requests at once cannot pass the bound together.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// So many at once, and as many again evenly over the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many at once.
    pub burst: u32,
    /// The time in which an empty bucket fills again.
    pub window: Duration,
}

impl Rate {
    fn per_second(self) -> f64 {
        f64::from(self.burst) / self.window.as_secs_f64().max(0.001)
    }
}

/// The numbers.
#[derive(Clone, Debug)]
pub struct LimitSettings {
    /// Failed sign-ins of one address prefix.
    pub failures: Rate,
    /// Registrations of one address prefix.
    pub registrations: Rate,
    /// Authorization requests of one address prefix that are too large for a cookie.
    pub stored_requests: Rate,
    /// Messages that one address prefix causes.
    pub messages: Rate,
    /// All prefixes together may do this many times what one may.
    pub total_factor: u32,
    /// Prefixes told apart, at most; beyond that, newcomers share one bucket.
    pub max_prefixes: usize,
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            failures: Rate { burst: 100, window: Duration::from_secs(200) },
            registrations: Rate { burst: 50, window: Duration::from_mins(5) },
            stored_requests: Rate { burst: 50, window: Duration::from_mins(5) },
            messages: Rate { burst: 50, window: Duration::from_mins(10) },
            total_factor: 100,
            max_prefixes: 50_000,
        }
    }
}

/// The bounds of a node.
#[derive(Debug)]
pub struct Limits {
    /// Failed sign-ins.
    pub failures: Buckets,
    /// Registrations.
    pub registrations: Buckets,
    /// Stored authorization requests.
    pub stored_requests: Buckets,
    /// Messages.
    pub messages: Buckets,
}

impl Limits {
    /// Full buckets.
    pub fn new(settings: &LimitSettings) -> Self {
        let of = |rate| Buckets::new(rate, settings.total_factor, settings.max_prefixes);
        Self {
            failures: of(settings.failures),
            registrations: of(settings.registrations),
            stored_requests: of(settings.stored_requests),
            messages: of(settings.messages),
        }
    }
}

/// What an address counts as: alone in IPv4, with its /64 in IPv6, where one customer has at least that many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Prefix {
    V4(u32),
    V6(u64),
    /// All who came when there was no room to tell them apart.
    Crowd,
}

impl Prefix {
    fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address.to_bits()),
            IpAddr::V6(address) => {
                let upper = address.to_bits() >> 64;
                Self::V6(u64::try_from(upper).unwrap_or(u64::MAX))
            }
        }
    }
}

/// What was taken and has not leaked out yet, as of a moment.
#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    taken: f64,
    at: Duration,
}

impl Bucket {
    fn leak(&mut self, rate: Rate, now: Duration) {
        let passed = now.saturating_sub(self.at).as_secs_f64();
        self.taken = (self.taken - passed * rate.per_second()).max(0.0);
        self.at = self.at.max(now);
    }

    /// How long until one more fits; `None`: it fits now.
    fn wait(&self, rate: Rate) -> Option<Duration> {
        let over = self.taken + 1.0 - f64::from(rate.burst);
        (over > 0.0).then(|| Duration::from_secs_f64(over / rate.per_second()))
    }
}

#[derive(Debug, Default)]
struct Levels {
    prefixes: HashMap<Prefix, Bucket>,
    total: Bucket,
}

/// Buckets of one kind of event.
#[derive(Debug)]
pub struct Buckets {
    rate: Rate,
    total: Rate,
    max_prefixes: usize,
    levels: Mutex<Levels>,
}

/// A token. Dropped, it is spent.
#[derive(Debug)]
#[must_use = "a token that is not given back is spent"]
pub struct Taken<'a> {
    buckets: &'a Buckets,
    prefix: Prefix,
}

impl Buckets {
    fn new(rate: Rate, total_factor: u32, max_prefixes: usize) -> Self {
        let total = Rate { burst: rate.burst.saturating_mul(total_factor), ..rate };
        Self { rate, total, max_prefixes, levels: Mutex::default() }
    }

    /// Takes a token for the address. `now` is monotonic time. An error says how long to wait.
    pub fn take(&self, address: IpAddr, now: Duration) -> Result<Taken<'_>, Duration> {
        let mut levels = self.levels();
        levels.total.leak(self.total, now);
        if let Some(wait) = levels.total.wait(self.total) {
            return Err(wait);
        }
        let prefix = self.room_for(&mut levels, Prefix::of(address), now);
        let bucket = levels.prefixes.entry(prefix).or_insert(Bucket { taken: 0.0, at: now });
        bucket.leak(self.rate, now);
        if let Some(wait) = bucket.wait(self.rate) {
            return Err(wait);
        }
        bucket.taken += 1.0;
        levels.total.taken += 1.0;
        Ok(Taken { buckets: self, prefix })
    }

    /// The prefix, or the crowd if it is new and all places are in use. Buckets that are full again make room.
    fn room_for(&self, levels: &mut Levels, prefix: Prefix, now: Duration) -> Prefix {
        if levels.prefixes.contains_key(&prefix) || levels.prefixes.len() < self.max_prefixes {
            return prefix;
        }
        levels.prefixes.retain(|_, bucket| {
            bucket.leak(self.rate, now);
            bucket.taken > 0.0
        });
        if levels.prefixes.len() < self.max_prefixes { prefix } else { Prefix::Crowd }
    }

    fn levels(&self) -> MutexGuard<'_, Levels> {
        self.levels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken<'_> {
    /// It was none of the counted kind.
    pub fn give_back(self) {
        let mut levels = self.buckets.levels();
        levels.total.taken = (levels.total.taken - 1.0).max(0.0);
        if let Some(bucket) = levels.prefixes.get_mut(&self.prefix) {
            bucket.taken = (bucket.taken - 1.0).max(0.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { burst: 3, window: Duration::from_secs(30) };

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn spend(buckets: &Buckets, from: &str, at: u64) -> Result<(), Duration> {
        buckets.take(address(from), Duration::from_secs(at)).map(|_| ())
    }

    #[test]
    fn a_burst_passes_and_then_one_each_time_that_one_leaked_out() {
        let buckets = Buckets::new(RATE, 100, 10);
        assert!((0..3).all(|_| spend(&buckets, "192.0.2.1", 0).is_ok()));
        assert_eq!(spend(&buckets, "192.0.2.1", 0), Err(Duration::from_secs(10)));
        assert_eq!(spend(&buckets, "192.0.2.1", 10), Ok(()));
        assert_eq!(spend(&buckets, "192.0.2.1", 10), Err(Duration::from_secs(10)));
    }

    #[test]
    fn neighbours_in_a_64_share_a_bucket_and_other_addresses_do_not() {
        let buckets = Buckets::new(RATE, 100, 10);
        for end in 1..=3 {
            assert!(spend(&buckets, &format!("2001:db8:0:1::{end}"), 0).is_ok());
        }
        assert!(spend(&buckets, "2001:db8:0:1:ffff::9", 0).is_err());
        assert!(spend(&buckets, "2001:db8:0:2::1", 0).is_ok());
        assert!(spend(&buckets, "192.0.2.1", 0).is_ok());
    }

    #[test]
    fn what_is_given_back_was_never_taken() {
        let buckets = Buckets::new(RATE, 100, 10);
        for _ in 0..20 {
            buckets.take(address("192.0.2.1"), Duration::ZERO).expect("room").give_back();
        }
        assert!(spend(&buckets, "192.0.2.1", 0).is_ok());
    }

    #[test]
    fn all_together_are_bounded_as_well() {
        let buckets = Buckets::new(RATE, 2, 10);
        for end in 1..=6 {
            assert!(spend(&buckets, &format!("192.0.2.{end}"), 0).is_ok(), "{end}");
        }
        assert!(spend(&buckets, "192.0.2.7", 0).is_err());
    }

    #[test]
    fn the_map_is_bounded_and_newcomers_share_a_bucket_until_there_is_room() {
        let buckets = Buckets::new(RATE, 100, 2);
        for from in ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5"] {
            assert!(spend(&buckets, from, 0).is_ok(), "{from}");
        }
        assert!(spend(&buckets, "192.0.2.6", 0).is_err(), "the crowd's bucket is empty");
        assert!(spend(&buckets, "192.0.2.1", 0).is_ok(), "who is known has a bucket of its own");
        assert!(buckets.levels().prefixes.len() <= 3);
        assert!(spend(&buckets, "192.0.2.6", 60).is_ok());
        assert_eq!(buckets.levels().prefixes.len(), 1, "buckets that are full again are forgotten");
    }
}
