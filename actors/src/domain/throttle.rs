//! The throttle in front of each authenticator: five guesses, then a cool-down that doubles, a fresh five after each, and
//! suspension at a hundred consecutive failures (NIST SP 800-63B-4, 3.2.2).
//!
//! Who fails from an unknown device and who fails from a known one wait apart, each in a bucket of its own (HAZARDS H11);
//! the hundred is counted over all of them. Nothing here is reset by a new code.

use std::time::Duration;

use schema::{
    DeviceId, Timestamp,
    record::{Bucket, Throttle},
};

/// Guesses before a cool-down.
pub const BURST: u8 = 5;
/// The first cool-down; each next one is twice as long.
pub const BASE: Duration = Duration::from_secs(30);
/// The longest cool-down, before jitter.
pub const CAP: Duration = Duration::from_hours(1);
/// Consecutive failures that suspend the authenticator.
pub const HARD_CAP: u32 = 100;
/// Quiet that lowers the level by one.
pub const DECAY: Duration = Duration::from_hours(12);

/// The bucket that a guess falls into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bucketing<'a> {
    /// From a device that never completed a sign-in of this user. All of them share one bucket.
    Unknown,
    /// From a known device of this user.
    Device(&'a DeviceId),
}

impl Bucketing<'_> {
    /// The kind of bucket, in metrics and the audit log.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Device(_) => "known",
        }
    }

    /// The bucket's name in the record.
    pub fn name(self) -> String {
        match self {
            Self::Unknown => "unknown".to_owned(),
            Self::Device(device) => device.to_string(),
        }
    }
}

/// May a guess be evaluated?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Yes.
    Open {
        /// Guesses left before a cool-down or the suspension, this one included; at least 1.
        left: u32,
    },
    /// Not before this moment. A guess made meanwhile is neither evaluated nor counted.
    Closed {
        /// When the gate opens, with a fresh burst.
        until: Timestamp,
    },
    /// The authenticator is suspended: a second factor needs rebinding, a password a reset.
    Suspended,
}

/// What a wrong guess closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shut {
    /// Its bucket, for a cool-down.
    Bucket {
        /// When it opens.
        until: Timestamp,
    },
    /// The authenticator: it was the hundredth failure in a row. Said once: what is suspended stays so until it is bound anew.
    Authenticator,
}

/// Has it come to the hundred failures in a row?
pub const fn is_suspended(throttle: &Throttle) -> bool {
    throttle.suspended_at.is_some() || throttle.total >= HARD_CAP
}

/// The gate of one bucket, as of now.
pub fn status(throttle: &Throttle, bucket: Bucketing<'_>, now: Timestamp) -> Gate {
    if is_suspended(throttle) {
        return Gate::Suspended;
    }
    match bucket_gate(throttle, bucket, now) {
        Gate::Open { left } => Gate::Open { left: left.min(HARD_CAP - throttle.total) },
        gate => gate,
    }
}

/// The gate of one bucket alone, suspended or not: what a known device goes by where it stays usable, as for a suspended
/// password. Never [`Gate::Suspended`].
pub fn bucket_gate(throttle: &Throttle, bucket: Bucketing<'_>, now: Timestamp) -> Gate {
    let Some(bucket) = throttle.buckets.get(&bucket.name()) else {
        return Gate::Open { left: u32::from(BURST) };
    };
    match bucket.locked_until {
        Some(until) if now < until => Gate::Closed { until },
        _ => Gate::Open { left: u32::from(BURST.saturating_sub(bucket.in_burst).max(1)) },
    }
}

/// The gate of a password: a known device goes by its own bucket even where the password is suspended, all others by
/// [`status`].
pub fn password_gate(throttle: &Throttle, bucket: Bucketing<'_>, now: Timestamp) -> Gate {
    match bucket {
        Bucketing::Device(_) => bucket_gate(throttle, bucket, now),
        Bucketing::Unknown => status(throttle, bucket, now),
    }
}

/// Counts a wrong guess, and says what that closed. `jitter`, 0 to 0.1, lengthens a cool-down by that part. While the bucket
/// is closed nothing is counted.
pub fn fail(throttle: &mut Throttle, bucket: Bucketing<'_>, now: Timestamp, jitter: f64) -> Option<Shut> {
    if matches!(bucket_gate(throttle, bucket, now), Gate::Closed { .. }) {
        return None;
    }
    let suspended = count(throttle, now);
    let bucket = throttle.buckets.entry(bucket.name()).or_default();
    decay(bucket, now);
    bucket.locked_until = None;
    bucket.last_failure_at = Some(now);
    bucket.in_burst = bucket.in_burst.saturating_add(1);
    if bucket.in_burst >= BURST {
        bucket.in_burst = 0;
        bucket.level = bucket.level.saturating_add(1);
        bucket.locked_until = Some(now.after(cool_down(bucket.level).mul_f64(1.0 + jitter.clamp(0.0, 0.1))));
    }
    let closed = bucket.locked_until.map(|until| Shut::Bucket { until });
    if suspended { Some(Shut::Authenticator) } else { closed }
}

/// Counts a wrong guess where nothing waits, for what several authenticators have in common. Is it suspended by that one?
pub fn count(throttle: &mut Throttle, now: Timestamp) -> bool {
    throttle.total = throttle.total.saturating_add(1);
    let suspended = throttle.total >= HARD_CAP && throttle.suspended_at.is_none();
    if suspended {
        throttle.suspended_at = Some(now);
    }
    suspended
}

/// Notes a right guess: its own bucket and the count of consecutive failures begin anew. A suspension stays.
pub fn succeed(throttle: &mut Throttle, bucket: Bucketing<'_>) {
    throttle.buckets.remove(&bucket.name());
    throttle.total = 0;
}

/// Drops the bucket of a device that is no longer known.
pub fn forget(throttle: &mut Throttle, device: &DeviceId) {
    throttle.buckets.remove(&Bucketing::Device(device).name());
}

/// Leaves at least one burst spent and its cool-down begun at `now`: a store that came out of a backup has forgotten the
/// failures since, and must not give their guesses again (HAZARDS H14). Buckets of devices go: the devices have.
pub fn spend(throttle: &mut Throttle, now: Timestamp) {
    throttle.total = throttle.total.max(BURST.into());
    throttle.buckets.retain(|name, _| *name == Bucketing::Unknown.name());
    let bucket = throttle.buckets.entry(Bucketing::Unknown.name()).or_default();
    bucket.in_burst = 0;
    bucket.level = bucket.level.max(1);
    bucket.last_failure_at = bucket.last_failure_at.max(Some(now));
    bucket.locked_until = bucket.locked_until.max(Some(now.after(cool_down(bucket.level))));
}

/// Lowers the level by one for each [`DECAY`] without a failure. The burst does not decay.
fn decay(bucket: &mut Bucket, now: Timestamp) {
    let quiet = bucket.last_failure_at.map_or(Duration::ZERO, |last| now.since(last));
    let steps = u8::try_from(quiet.as_secs() / DECAY.as_secs()).unwrap_or(u8::MAX);
    bucket.level = bucket.level.saturating_sub(steps);
}

/// The cool-down of a level, counted from 1.
fn cool_down(level: u8) -> Duration {
    let doublings = u32::from(level.saturating_sub(1)).min(16);
    (BASE * (1 << doublings)).min(CAP)
}

#[cfg(test)]
mod tests;
