//! How many text messages may go unanswered. Who has messages sent to numbers that share the fee with him types no codes, so
//! what was sent and not typed, against what was typed, tells pumping from people; how much is sent in all does not.
//!
//! A message counts as *unverified* from when it is sent, until its code is typed or the count is taken back: because it was not sent
//! after all, or because its login was completed by another proof. Counted are hours of UTC, for the country of the number and for the
//! address prefix of the client. A message is suspected where as many unverified ones are there already as the rule allows:
//!
//! | rule | messages that may be unverified, at most |
//! |---|---|
//! | country, day | the largest of 20, 30 % of the best day of 14, 30 % of the last 24 hours |
//! | country, hour | the largest of 3, 20 % of a sixth of the best day of 14, 20 % of an hour |
//! | address, day | the larger of 10 and 30 % of the last 24 hours |
//! | address, hour | the largest of 5, 20 % of a sixth of the last 24 hours, 20 % of an hour |
//! | address, countries | 3 countries in a day (UTC) where no code was typed from there; one more closes the address for that day |
//!
//! A percentage is of codes that were typed. *24 hours* are this hour and the 23 before; *days* are days of UTC, today among them.
//! What was typed *in an hour* is the better of this hour and the one before, since at the beginning of an hour none can have been
//! typed. Where a number is not whole it is rounded down.
//!
//! The numbers are those that Authgear found for such attacks, and are settings. In `record` mode a suspected message is sent and
//! counted like the others; in `enforce` mode it is neither.

use schema::{
    Timestamp,
    record::{SmsCounts, SmsDay, SmsHour, SmsReached},
};

use super::phone::Country;

const HOUR_SECS: i64 = 60 * 60;
const DAY_HOURS: i64 = 24;
/// Days of which the best counts.
const BEST_OF_DAYS: i64 = 14;
/// An hour may hold this part of a day.
const HOURS_OF_A_DAY: u64 = 6;

/// What is done about a message that is suspected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FraudMode {
    /// Nothing is counted.
    Off,
    /// It is told of, and sent.
    Record,
    /// It is told of, and not sent.
    Enforce,
}

impl FraudMode {
    /// Its name, in metrics and the audit log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Record => "record",
            Self::Enforce => "enforce",
        }
    }
}

/// The numbers of the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FraudPolicy {
    /// What is done about it.
    pub mode: FraudMode,
    /// Unverified messages to a country in a day that are always allowed.
    pub country_per_day: u32,
    /// The same in an hour.
    pub country_per_hour: u32,
    /// Unverified messages that an address prefix may always cause in a day.
    pub address_per_day: u32,
    /// The same in an hour.
    pub address_per_hour: u32,
    /// Countries in a day to which an address prefix may send without a code being typed.
    pub address_countries: u32,
    /// How many percent of the codes that are typed in a day may be missing beside them.
    pub day_percent: u32,
    /// The same of an hour.
    pub hour_percent: u32,
}

impl Default for FraudPolicy {
    fn default() -> Self {
        Self {
            mode: FraudMode::Record,
            country_per_day: 20,
            country_per_hour: 3,
            address_per_day: 10,
            address_per_hour: 5,
            address_countries: 3,
            day_percent: 30,
            hour_percent: 20,
        }
    }
}

/// What a partition counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Messages to a country.
    Country,
    /// Messages that an address prefix asks for.
    Address,
}

/// Which rule a message is against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is the rule that it is named after")]
pub enum Suspicion {
    CountryPerDay,
    CountryPerHour,
    AddressPerDay,
    AddressPerHour,
    AddressCountries,
}

impl Suspicion {
    /// Its name, in metrics and the audit log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CountryPerDay => "fraud_country_day",
            Self::CountryPerHour => "fraud_country_hour",
            Self::AddressPerDay => "fraud_address_day",
            Self::AddressPerHour => "fraud_address_hour",
            Self::AddressCountries => "fraud_address_countries",
        }
    }

    /// What it was found in.
    pub const fn scope(self) -> Scope {
        match self {
            Self::CountryPerDay | Self::CountryPerHour => Scope::Country,
            Self::AddressPerDay | Self::AddressPerHour | Self::AddressCountries => Scope::Address,
        }
    }
}

/// What is thought of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged {
    /// What speaks against it.
    pub suspicion: Option<Suspicion>,
    /// Is the audit log told? Once an hour of each rule, for each country and each address.
    pub tell: bool,
    /// The hour in which it counts; `None`: it is not sent, and does not count.
    pub counted_in: Option<i64>,
}

/// What became of a message that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Its code was typed.
    Verified,
    /// It does not count after all.
    TakenBack,
}

impl Fate {
    /// Its name, in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::TakenBack => "taken_back",
        }
    }
}

/// The hour of UTC.
pub const fn hour_of(now: Timestamp) -> i64 {
    now.as_secs().div_euclid(HOUR_SECS)
}

/// When that hour ends.
pub const fn end_of_hour(now: Timestamp) -> Timestamp {
    Timestamp::from_millis((hour_of(now) + 1) * HOUR_SECS * 1000)
}

impl FraudPolicy {
    /// Judges one more message, and counts it if it is to be sent.
    pub fn judge(&self, counts: &mut SmsCounts, (scope, country): (Scope, Country), now: Timestamp) -> Judged {
        forget(counts, now);
        let (hour, day) = (hour_of(now), day_of(now));
        let suspicion = self.suspicion(counts, (scope, country), now);
        if suspicion == Some(Suspicion::AddressCountries) {
            counts.blocked_on = Some(day);
        }
        let told = suspicion.and_then(|suspicion| counts.told.insert(suspicion.name().to_owned(), hour));
        let tell = suspicion.is_some() && told != Some(hour);
        let sent = suspicion.is_none() || self.mode != FraudMode::Enforce;
        if sent {
            add(&mut slot(counts, hour).unverified);
            if scope == Scope::Address {
                add(&mut reached(counts, country.as_str(), day).unverified);
            }
        }
        Judged { suspicion, tell, counted_in: sent.then_some(hour) }
    }

    /// Which rule one more message would be against: that of the day, which lasts, before that of the hour.
    fn suspicion(&self, counts: &SmsCounts, (scope, country): (Scope, Country), now: Timestamp) -> Option<Suspicion> {
        let (hour, allowed) = (hour_of(now), self.allowed(counts, scope, now));
        let in_day: u64 = counts.hours.iter().map(|slot| u64::from(slot.unverified)).sum();
        let this_hour = counts.hours.iter().filter(|slot| slot.hour == hour);
        let in_hour: u64 = this_hour.map(|slot| u64::from(slot.unverified)).sum();
        let (day_rule, hour_rule) = match scope {
            Scope::Country => (Suspicion::CountryPerDay, Suspicion::CountryPerHour),
            Scope::Address => (Suspicion::AddressPerDay, Suspicion::AddressPerHour),
        };
        match scope {
            Scope::Address if self.is_spread(counts, country, day_of(now)) => Some(Suspicion::AddressCountries),
            _ if in_day >= allowed.in_day => Some(day_rule),
            _ => (in_hour >= allowed.in_hour).then_some(hour_rule),
        }
    }

    /// Did this address ask for messages to too many countries today, or would it by this one?
    fn is_spread(&self, counts: &SmsCounts, country: Country, day: i64) -> bool {
        if counts.blocked_on == Some(day) {
            return true;
        }
        let today = counts.reached.iter().filter(|reached| reached.day == day);
        if today.clone().any(|reached| reached.country == country.as_str()) {
            return false;
        }
        let unproved = today.filter(|reached| reached.verified == 0).count();
        unproved >= self.address_countries as usize
    }

    /// How many messages may be unverified.
    pub fn allowed(&self, counts: &SmsCounts, scope: Scope, now: Timestamp) -> Allowed {
        let (hour, verified) = (hour_of(now), |slot: &SmsHour| u64::from(slot.verified));
        let lately: u64 = counts.hours.iter().filter(|slot| is_lately(slot.hour, hour)).map(verified).sum();
        let best_hour = counts.hours.iter().filter(|slot| slot.hour >= hour - 1).map(verified).max().unwrap_or(0);
        let best_day = counts.days.iter().map(|day| u64::from(day.verified)).max().unwrap_or(0);
        let (base, per_day, per_hour) = match scope {
            Scope::Country => (best_day, self.country_per_day, self.country_per_hour),
            Scope::Address => (lately, self.address_per_day, self.address_per_hour),
        };
        let percent = |of: u64, percent: u32| of * u64::from(percent) / 100;
        Allowed {
            in_day: percent(base.max(lately), self.day_percent).max(per_day.into()),
            in_hour: percent(best_hour, self.hour_percent)
                .max(percent(base, self.hour_percent) / HOURS_OF_A_DAY)
                .max(per_hour.into()),
        }
    }
}

/// Messages that may be unverified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// In 24 hours.
    pub in_day: u64,
    /// In this hour.
    pub in_hour: u64,
}

/// Notes what became of a message that counts since `counted_in`. What is forgotten by now is taken back from nowhere.
pub fn settle(
    counts: &mut SmsCounts,
    (scope, country): (Scope, &str),
    (counted_in, fate): (i64, Fate),
    now: Timestamp,
) {
    forget(counts, now);
    let (hour, day) = (hour_of(now), day_of(now));
    if let Some(slot) = counts.hours.iter_mut().find(|slot| slot.hour == counted_in) {
        slot.unverified = slot.unverified.saturating_sub(1);
    }
    let counted_on = counted_in.div_euclid(DAY_HOURS);
    let there = counts.reached.iter_mut().find(|reached| reached.country == country && reached.day == counted_on);
    if let Some(there) = there {
        there.unverified = there.unverified.saturating_sub(1);
    }
    if fate == Fate::Verified {
        add(&mut slot(counts, hour).verified);
        match scope {
            Scope::Country => add(&mut of_day(counts, day).verified),
            Scope::Address => add(&mut reached(counts, country, day).verified),
        }
    }
    drop_empty(counts);
}

/// Drops what no rule looks at any more.
fn forget(counts: &mut SmsCounts, now: Timestamp) {
    let (hour, day) = (hour_of(now), day_of(now));
    counts.hours.retain(|slot| is_lately(slot.hour, hour));
    counts.days.retain(|slot| slot.day > day - BEST_OF_DAYS);
    counts.reached.retain(|reached| reached.day == day);
    counts.told.retain(|_, told| *told == hour);
    counts.blocked_on = counts.blocked_on.filter(|blocked| *blocked == day);
    drop_empty(counts);
}

fn drop_empty(counts: &mut SmsCounts) {
    counts.hours.retain(|slot| slot.unverified > 0 || slot.verified > 0);
    counts.reached.retain(|reached| reached.unverified > 0 || reached.verified > 0);
}

/// Is that hour this one, or one of the 23 before?
const fn is_lately(hour: i64, now: i64) -> bool {
    hour > now - DAY_HOURS
}

const fn day_of(now: Timestamp) -> i64 {
    hour_of(now).div_euclid(DAY_HOURS)
}

fn slot(counts: &mut SmsCounts, hour: i64) -> &mut SmsHour {
    let at = counts.hours.partition_point(|slot| slot.hour < hour);
    if counts.hours.get(at).is_none_or(|slot| slot.hour != hour) {
        counts.hours.insert(at, SmsHour { hour, ..SmsHour::default() });
    }
    &mut counts.hours[at]
}

fn of_day(counts: &mut SmsCounts, day: i64) -> &mut SmsDay {
    let at = counts.days.partition_point(|slot| slot.day < day);
    if counts.days.get(at).is_none_or(|slot| slot.day != day) {
        counts.days.insert(at, SmsDay { day, verified: 0 });
    }
    &mut counts.days[at]
}

fn reached<'a>(counts: &'a mut SmsCounts, country: &str, day: i64) -> &'a mut SmsReached {
    let found = counts.reached.iter().position(|reached| reached.country == country && reached.day == day);
    let at = found.unwrap_or(counts.reached.len());
    if found.is_none() {
        counts.reached.push(SmsReached { country: country.to_owned(), day, unverified: 0, verified: 0 });
    }
    &mut counts.reached[at]
}

const fn add(count: &mut u32) {
    *count = count.saturating_add(1);
}

#[cfg(test)]
mod tests;
