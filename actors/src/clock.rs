//! The clocks: wall time for what is stored, monotonic time for spans within the process. Nothing else reads a clock.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use cluster::{Authority, Hands};
use schema::{StoreError, Timestamp};

/// Clocks read within this are read together.
const CLOSE: Duration = Duration::from_millis(1);
/// How often that is tried.
const CLOSE_TRIES: u32 = 8;

/// A source of time.
pub trait Clock: Send + Sync {
    /// Wall time.
    fn now(&self) -> Timestamp;
    /// Time since some fixed moment; never goes back, whatever happens to wall time.
    fn monotonic(&self) -> Duration;

    /// Both at one moment.
    fn both(&self) -> (Timestamp, Duration) {
        let read = || {
            let (before, now) = (self.monotonic(), self.now());
            (now, before, self.monotonic().saturating_sub(before))
        };
        // Not with a pause of this thread in between, which would look as if the clock had been set.
        let close = (0..CLOSE_TRIES).map(|_| read()).find(|(_, _, apart)| *apart <= CLOSE);
        let (now, monotonic, _) = close.unwrap_or_else(read);
        (now, monotonic)
    }

    /// Wall time to decide by; `None` while this node may not decide by it (HAZARDS H3).
    fn certain(&self) -> Option<Timestamp> {
        Some(self.now())
    }
}

/// The time to decide by, for what answers as the store does.
pub(crate) fn certain(clock: &dyn Clock) -> Result<Timestamp, StoreError> {
    clock.certain().ok_or_else(|| StoreError::Unavailable("this node's clock is not known to be right".to_owned()))
}

/// The time to note with a commit that nothing is decided by. While the clock is not known to be right that is the time of
/// the partition's last commit, which none is before (HAZARDS H3).
pub(crate) fn stamp(clock: &dyn Clock) -> Timestamp {
    clock.certain().unwrap_or_default()
}

/// What a clock shows, as the authority looks at it.
pub fn hands(clock: &dyn Clock) -> Hands {
    let (now, monotonic) = clock.both();
    Hands { wall_ms: now.as_millis(), monotonic_ms: i64::try_from(monotonic.as_millis()).unwrap_or(i64::MAX) }
}

/// A clock that is decided by only while the authority vouches for it.
pub struct VouchedClock {
    clock: Arc<dyn Clock>,
    authority: Arc<Authority>,
}

impl fmt::Debug for VouchedClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VouchedClock").finish_non_exhaustive()
    }
}

impl VouchedClock {
    /// This clock, as far as this authority vouches for it.
    pub fn new(clock: Arc<dyn Clock>, authority: Arc<Authority>) -> Self {
        Self { clock, authority }
    }
}

impl Clock for VouchedClock {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }

    fn both(&self) -> (Timestamp, Duration) {
        self.clock.both()
    }

    fn certain(&self) -> Option<Timestamp> {
        let hands = hands(self.clock.as_ref());
        // The time that was looked at, and no other.
        self.authority.vouches(hands).then(|| Timestamp::from_millis(hands.wall_ms))
    }
}

/// The clocks of the machine.
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// A clock whose monotonic time begins now.
    pub fn new() -> Self {
        #[expect(clippy::disallowed_methods, reason = "this is the clock that others are told to read")]
        Self { started: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is the clock that others are told to read")]
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }
}

/// A clock that stands still until it is told otherwise.
pub struct MockClock(Mutex<(Timestamp, Duration)>);

impl MockClock {
    /// A clock that shows `now`; its monotonic time begins at zero.
    pub const fn new(now: Timestamp) -> Self {
        Self(Mutex::new((now, Duration::ZERO)))
    }

    /// Sets wall time alone, as an operator or NTP would.
    pub fn set(&self, now: Timestamp) {
        self.hands().0 = now;
    }

    /// Lets time pass, on both clocks.
    pub fn advance(&self, span: Duration) {
        let mut hands = self.hands();
        *hands = (hands.0.after(span), hands.1 + span);
    }

    fn hands(&self) -> MutexGuard<'_, (Timestamp, Duration)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MockClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MockClock").field(&*self.hands()).finish()
    }
}

impl Clock for MockClock {
    fn now(&self) -> Timestamp {
        self.hands().0
    }

    fn monotonic(&self) -> Duration {
        self.hands().1
    }

    fn both(&self) -> (Timestamp, Duration) {
        *self.hands()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setting_wall_time_does_not_move_the_monotonic_clock() {
        let clock = MockClock::new(Timestamp::from_millis(1_000));
        clock.advance(Duration::from_secs(2));
        assert_eq!((clock.now(), clock.monotonic()), (Timestamp::from_millis(3_000), Duration::from_secs(2)));
        clock.set(Timestamp::from_millis(500));
        assert_eq!((clock.now(), clock.monotonic()), (Timestamp::from_millis(500), Duration::from_secs(2)));
    }

    #[test]
    fn the_system_clock_shows_this_century_and_never_goes_back() {
        let clock = SystemClock::new();
        assert!(clock.now() > Timestamp::from_millis(1_700_000_000_000));
        let before = clock.monotonic();
        assert!(clock.monotonic() >= before);
    }
}
