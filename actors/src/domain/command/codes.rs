//! What all one-time codes of a user have in common: beside the throttle of each device they share a cap of a hundred
//! consecutive failures, or whoever owns devices of several methods would be guessed at several times as often (HAZARDS
//! H12). A right code of any of them ends the row; so does a new device, for that is what a suspension asks for.

use schema::{Timestamp, record::AuditEvent};

use super::{guess, sign_in::LoginRef};
use crate::domain::{
    change::{Change, Item, ItemKey},
    context::Context,
    letter::Notice,
    throttle::{self, Bucketing, Gate, Shut},
    user::User,
};

/// The name of the common throttle. It has no buckets.
pub(crate) const THROTTLE: &str = "codes";

/// May a code of this device be looked at?
pub(super) fn gate(user: &User, device: &str, bucket: Bucketing<'_>, now: Timestamp) -> Gate {
    let common = user.throttles.get(THROTTLE);
    if common.is_some_and(throttle::is_suspended) {
        return Gate::Suspended;
    }
    let left = throttle::HARD_CAP - common.map_or(0, |common| common.total);
    match throttle::status(&user.throttle(device), bucket, now) {
        Gate::Open { left: own } => Gate::Open { left: own.min(left) },
        gate => gate,
    }
}

/// One wrong code in this login, compared with these devices. The events say what it closed.
pub(super) fn failed(
    user: &User,
    cx: &Context<'_>,
    change: &mut Change,
    of: &LoginRef,
    devices: impl IntoIterator<Item = String>,
) -> Vec<AuditEvent> {
    let bucket = user.bucket(of.device.as_ref(), cx.now);
    let closed = devices.into_iter().filter_map(|device| guess::count(user, cx, change, bucket, &device));
    let (mut shut, mut events): (Vec<_>, Vec<_>) = closed.unzip();
    let mut common = user.throttle(THROTTLE);
    if throttle::count(&mut common, cx.now) {
        shut.push(Shut::Authenticator);
        events.push(guess::told(user, cx, bucket, THROTTLE, Shut::Authenticator));
    }
    change.put(Item::Throttle(THROTTLE.to_owned(), common));
    if shut.contains(&Shut::Authenticator) {
        events.extend(guess::suspended(user, cx, change, of, (THROTTLE, Notice::CodesSuspended)));
    }
    events
}

/// A right code of this device.
pub(super) fn succeeded(user: &User, change: &mut Change, bucket: Bucketing<'_>, device: String) {
    if let Some(counts) = user.throttles.get(&device) {
        let mut counts = counts.clone();
        throttle::succeed(&mut counts, bucket);
        change.put(Item::Throttle(device, counts));
    }
    forgiven(user, change);
}

/// The row of failures has ended.
pub(super) fn forgiven(user: &User, change: &mut Change) {
    if user.throttles.contains_key(THROTTLE) {
        change.delete(ItemKey::Throttle(THROTTLE.to_owned()));
    }
}
