//! Points in time as pages show them: UTC, spelled out, with the machine-readable form for `<time datetime>`.

use schema::Timestamp;
use serde::Serialize;

use crate::locale::{Text, text};

/// A point in time, ready to be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct When {
    /// RFC 3339 to the second, e.g. `2026-03-09T14:05:00Z`.
    pub iso: String,
    /// For people, e.g. `9 March 2026, 14:05 UTC`.
    pub text: Text,
    /// The time of day alone, e.g. `14:05:00`.
    pub clock: String,
}

const SECONDS_PER_DAY: i64 = 86_400;

impl When {
    /// Of a time of ours.
    pub fn of(at: Timestamp) -> Self {
        Self::from_unix_secs(at.as_secs())
    }

    /// From seconds since 1970-01-01T00:00:00Z.
    pub fn from_unix_secs(secs: i64) -> Self {
        let (year, month, day) = civil_date(secs.div_euclid(SECONDS_PER_DAY));
        let of_day = secs.rem_euclid(SECONDS_PER_DAY);
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        let clock = format!("{hour:02}:{minute:02}:{second:02}");
        let words = text("date-time")
            .with("year", year.to_string())
            .with_number("month", usize::try_from(month).unwrap_or_default())
            .with("day", day.to_string())
            .with("time", format!("{hour:02}:{minute:02}"));
        Self { iso: format!("{year:04}-{month:02}-{day:02}T{clock}Z"), text: words, clock }
    }
}

/// Year, month (1 to 12) and day (1 to 31) of a day counted from 1970-01-01 in the proleptic Gregorian calendar.
///
/// Years are taken to begin in March, so that the leap day is the last day of its year and month lengths repeat.
fn civil_date(day: i64) -> (i64, i64, i64) {
    const DAYS_PER_ERA: i64 = 146_097;
    const MARCH_0000_TO_1970: i64 = 719_468;
    let shifted = day + MARCH_0000_TO_1970;
    let era = shifted.div_euclid(DAYS_PER_ERA);
    let in_era = shifted.rem_euclid(DAYS_PER_ERA);
    let year_in_era = (in_era - in_era / 1460 + in_era / 36_524 - in_era / 146_096) / 365;
    let in_year = in_era - (365 * year_in_era + year_in_era / 4 - year_in_era / 100);
    let march_month = (5 * in_year + 2) / 153;
    let day_of_month = in_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = year_in_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_month)
}

#[cfg(test)]
mod tests {
    use super::When;
    use crate::page::{Branding, Pages};

    #[test]
    fn known_instants_are_spelled_out() {
        let pages = Pages::new(Branding::default());
        for (secs, iso, text) in [
            (0, "1970-01-01T00:00:00Z", "1 January 1970, 00:00 UTC"),
            (-1, "1969-12-31T23:59:59Z", "31 December 1969, 23:59 UTC"),
            (951_782_400, "2000-02-29T00:00:00Z", "29 February 2000, 00:00 UTC"),
            (1_709_251_199, "2024-02-29T23:59:59Z", "29 February 2024, 23:59 UTC"),
            (1_709_251_200, "2024-03-01T00:00:00Z", "1 March 2024, 00:00 UTC"),
            (4_107_542_400, "2100-03-01T00:00:00Z", "1 March 2100, 00:00 UTC"),
        ] {
            let when = When::from_unix_secs(secs);
            let said = pages.say(pages.locales().default(), &when.text).expect("there are words for it");
            assert_eq!((when.iso.as_str(), said.as_str()), (iso, text));
        }
        let of = |tag| pages.locales().tagged(Some(tag));
        let said = |tag| pages.say(of(tag), &When::from_unix_secs(951_782_400).text).expect("there are words for it");
        assert_eq!((said("de"), said("zh")), ("29. Februar 2000, 00:00 UTC".into(), "2000年2月29日 00:00 UTC".into()));
    }
}
