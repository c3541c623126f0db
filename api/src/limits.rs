//! Bounds by address, in memory, asked before any look-up or write (HAZARDS H13): a leaky bucket for each address prefix
//! and one for all together.
//!
//! A token is taken before the work and given back if the work turned out to be none of the counted kind, so that many
//! requests at once cannot pass the bound together.

use std::{
    collections::HashMap,
    fmt,
    hash::{BuildHasher as _, RandomState},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
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

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(bits) => Ipv4Addr::from_bits(*bits).fmt(f),
            Self::V6(upper) => write!(f, "{}/64", Ipv6Addr::from_bits(u128::from(*upper) << 64)),
            Self::Crowd => f.write_str("many"),
        }
    }
}

/// Names are counted anew after this long.
const NAMES_FOR: Duration = Duration::from_hours(1);
/// A spray is about this many names that were tried from one prefix meanwhile, and failed.
const SPRAY: u32 = 50;
/// Places that names are thrown into, each marked once: how many names there were follows from how many are marked.
const PLACES: u32 = u128::BITS;
/// Sprays told within [`NAMES_FOR`], at most, and as many again evenly over it.
const MAX_TOLD: Rate = Rate { burst: 60, window: NAMES_FOR };

/// The names that failed from one prefix, so far as it takes to tell many from few: 16 bytes, and no name among them.
#[derive(Clone, Copy, Debug, Default)]
struct Names {
    marked: u128,
    since: Duration,
    told: bool,
}

impl Names {
    /// Notes a name by its hash. About how many there were, if it is many and was not told yet.
    fn note(&mut self, hash: u64, now: Duration) -> Option<u32> {
        if now.saturating_sub(self.since) >= NAMES_FOR {
            *self = Self { since: now, ..Self::default() };
        }
        self.marked |= 1 << (hash % u64::from(PLACES));
        let names = estimate(self.marked.count_ones());
        (names >= SPRAY && !self.told).then(|| {
            self.told = true;
            names
        })
    }
}

/// About how many names mark so many places: each marks one at random.
fn estimate(marked: u32) -> u32 {
    let places = f64::from(PLACES);
    let free = (places - f64::from(marked)).max(1.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 621")]
    let names = ((free / places).ln() / (1.0 - 1.0 / places).ln()).round() as u32;
    names
}

/// What was taken and has not leaked out yet, as of a moment.
#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    taken: f64,
    at: Duration,
    names: Names,
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
    told: Bucket,
}

/// Buckets of one kind of event.
#[derive(Debug)]
pub struct Buckets {
    rate: Rate,
    total: Rate,
    max_prefixes: usize,
    /// Keyed anew in each process, so that nobody chooses names that look like one.
    hasher: RandomState,
    levels: Mutex<Levels>,
}

/// A token. Dropped, it is spent.
#[derive(Debug)]
#[must_use = "a token that is not given back is spent"]
pub struct Taken<'a> {
    buckets: &'a Buckets,
    prefix: Prefix,
    at: Duration,
}

/// Many names were tried from one prefix.
#[derive(Debug, PartialEq, Eq)]
pub struct Spray {
    /// Which: an address, or the /64 of one.
    pub prefix: String,
    /// About how many names in the last hour.
    pub names: u32,
}

impl Buckets {
    fn new(rate: Rate, total_factor: u32, max_prefixes: usize) -> Self {
        let total = Rate { burst: rate.burst.saturating_mul(total_factor), ..rate };
        Self { rate, total, max_prefixes, hasher: RandomState::new(), levels: Mutex::default() }
    }

    /// Takes a token for the address. `now` is monotonic time. An error says how long to wait.
    pub fn take(&self, address: IpAddr, now: Duration) -> Result<Taken<'_>, Duration> {
        let mut levels = self.levels();
        levels.total.leak(self.total, now);
        if let Some(wait) = levels.total.wait(self.total) {
            return Err(wait);
        }
        let prefix = self.room_for(&mut levels, Prefix::of(address), now);
        let bucket = levels.prefixes.entry(prefix).or_insert(Bucket { at: now, ..Bucket::default() });
        bucket.leak(self.rate, now);
        if let Some(wait) = bucket.wait(self.rate) {
            return Err(wait);
        }
        bucket.taken += 1.0;
        levels.total.taken += 1.0;
        Ok(Taken { buckets: self, prefix, at: now })
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
    /// It was a guess at this name, and failed. Each prefix is told of once an hour, and of all of them a few each minute.
    pub fn failed_at(&self, name: &str) -> Option<Spray> {
        let hash = self.buckets.hasher.hash_one(name);
        let mut levels = self.buckets.levels();
        let names = levels.prefixes.get_mut(&self.prefix)?.names.note(hash, self.at)?;
        levels.told.leak(MAX_TOLD, self.at);
        if levels.told.wait(MAX_TOLD).is_some() {
            return None;
        }
        levels.told.taken += 1.0;
        Some(Spray { prefix: self.prefix.to_string(), names })
    }

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
mod tests;
