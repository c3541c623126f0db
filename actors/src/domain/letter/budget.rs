//! How many messages a user may cause in an hour and in a day.

use std::time::Duration;

use schema::{
    Timestamp,
    record::{Sends, Sent, Unknown},
};

use crate::domain::{limits, throttle::Bucketing, user::User};

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// Is there room for another message? The count with it, or when there is room again.
pub fn room(user: &User, bucket: Bucketing<'_>, now: Timestamp) -> Result<Sends, Timestamp> {
    let mut sends = sends_of(user);
    let sent = match bucket {
        Bucketing::Device(_) => &mut sends.known,
        Bucketing::Unknown => &mut sends.unknown_devices,
    };
    *sent = count(sent, limits::MAX_SENDS, now)?;
    Ok(sends)
}

/// The same for a link that whoever names the account may ask for, at most one a minute. It is counted apart, for it must not take a
/// code from its owner (HAZARDS H12); and so are those that known devices ask for, or strangers would keep the owner from every one.
pub fn room_for_link(user: &User, bucket: Bucketing<'_>, now: Timestamp) -> Result<Sends, Timestamp> {
    let mut sends = sends_of(user);
    let sent = match bucket {
        Bucketing::Device(_) => &mut sends.known_links,
        Bucketing::Unknown => &mut sends.links,
    };
    *sent = count_spaced(sent, limits::MAX_LINKS, now)?;
    Ok(sends)
}

/// The same for word that there is an account, which uses up no link.
pub fn room_for_registered(user: &User, now: Timestamp) -> Result<Sends, Timestamp> {
    let mut sends = sends_of(user);
    sends.registered = count_spaced(&sends.registered, limits::MAX_REGISTERED, now)?;
    Ok(sends)
}

/// Its counts so far.
pub(super) fn sends_of(user: &User) -> Sends {
    user.sends.clone().unwrap_or_else(|| Sends {
        known: Sent::default(),
        unknown_devices: Sent::default(),
        links: Sent::default(),
        known_links: Sent::default(),
        registered: Sent::default(),
        notices: Sent::default(),
        unknown: Unknown::default(),
    })
}

/// One message more, if there is room for it within so many an hour and a day; or when there is.
pub fn count(sent: &Sent, (per_hour, per_day): (u32, u32), now: Timestamp) -> Result<Sent, Timestamp> {
    let mut sent = sent.clone();
    // A beginning that lies ahead was written by a clock that was wrong.
    if now >= sent.hour.after(HOUR) || now < sent.hour {
        (sent.hour, sent.in_hour) = (now, 0);
    }
    if now >= sent.day.after(DAY) || now < sent.day {
        (sent.day, sent.in_day) = (now, 0);
    }
    if sent.in_day >= per_day {
        return Err(sent.day.after(DAY));
    }
    if sent.in_hour >= per_hour {
        return Err(sent.hour.after(HOUR));
    }
    sent.in_hour += 1;
    sent.in_day += 1;
    Ok(sent)
}

/// The same, if the last one is no younger than [`limits::RESEND_AFTER`].
fn count_spaced(sent: &Sent, most: (u32, u32), now: Timestamp) -> Result<Sent, Timestamp> {
    // One that lies ahead was written by a clock that was wrong.
    let again_at = sent.last_at.filter(|last| *last <= now).map(|last| last.after(limits::RESEND_AFTER));
    match again_at.filter(|again_at| now < *again_at) {
        Some(again_at) => Err(again_at),
        None => Ok(Sent { last_at: Some(now), ..count(sent, most, now)? }),
    }
}

/// No message for an hour: a store that came out of a backup has forgotten those since (HAZARDS H14).
pub fn spent(sends: &Sends, now: Timestamp) -> Sends {
    let spent = |sent: &Sent, (in_hour, _)| Sent { hour: now, in_hour, ..sent.clone() };
    Sends {
        known: spent(&sends.known, limits::MAX_SENDS),
        unknown_devices: spent(&sends.unknown_devices, limits::MAX_SENDS),
        links: spent(&sends.links, limits::MAX_LINKS),
        known_links: spent(&sends.known_links, limits::MAX_LINKS),
        registered: spent(&sends.registered, limits::MAX_REGISTERED),
        notices: spent(&sends.notices, limits::MAX_TEXT_NOTICES),
        unknown: sends.unknown.clone(),
    }
}
