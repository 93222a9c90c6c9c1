//! The account's day: when it ends, and what was spent in it.
//!
//! A day ends at midnight of the account's own time zone, so it has 23, 24 or 25 hours. Invariant: `used` belongs to
//! the day that ends at `ends`.

use jiff::{Timestamp, ToSpan, tz::TimeZone};

use crate::wire::Millis;

/// The zone of most recorded accounts, as a rule, for machines without a time zone database (or with one that has
/// dropped the old names).
const US_EASTERN_RULE: &str = "EST5EDT,M3.2.0,M11.1.0";
const DAY_MS: i64 = 86_400_000;

/// Finds a time zone by its IANA name or POSIX rule; `None` when neither is known.
pub(crate) fn zone(name: &str) -> Option<TimeZone> {
    let rule = if name == "US/Eastern" { US_EASTERN_RULE } else { name };
    TimeZone::get(name).or_else(|_| TimeZone::posix(rule)).ok()
}

/// A counter that starts again at each midnight of its zone.
#[derive(Clone, Debug)]
pub(crate) struct DayCounter {
    zone: TimeZone,
    ends: Millis,
    used: u64,
}

impl DayCounter {
    /// Starts an empty day at `now`.
    pub(crate) fn new(zone: TimeZone, now: Millis) -> Self {
        let ends = next_midnight(&zone, now);
        Self { zone, ends, used: 0 }
    }

    /// Says how much of the day is spent at `now`.
    pub(crate) fn used(&mut self, now: Millis) -> u64 {
        if now >= self.ends {
            self.used = 0;
            self.ends = next_midnight(&self.zone, now);
        }
        self.used
    }

    /// Spends one unit of the day.
    pub(crate) fn add(&mut self, now: Millis) {
        self.used = self.used(now) + 1;
    }

    /// Says when the day that holds `now` ends.
    pub(crate) fn ends(&mut self, now: Millis) -> Millis {
        self.used(now);
        self.ends
    }
}

/// Finds the first instant of the next civil day. Outside the calendar (year 9999) a day is 24 hours.
fn next_midnight(zone: &TimeZone, now: Millis) -> Millis {
    let midnight = Timestamp::from_millisecond(now.0).and_then(|instant| {
        let today = instant.to_zoned(zone.clone()).start_of_day()?;
        today.checked_add(1.day())?.start_of_day()
    });
    midnight.map_or(Millis(now.0.saturating_add(DAY_MS)), |end| Millis(end.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Millis {
        Millis(text.parse::<Timestamp>().unwrap().as_millisecond())
    }

    #[test]
    fn a_day_ends_at_midnight_of_the_zone_and_may_have_23_or_25_hours() {
        let eastern = zone("US/Eastern").unwrap();
        let table = [
            ("2026-11-20T12:00:00Z", "2026-11-21T05:00:00Z"),
            // The clocks go back on 1 November 2026: 25 hours from 04:00Z to 05:00Z.
            ("2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"),
            // They go forward on 8 March 2026: 23 hours from 05:00Z to 04:00Z.
            ("2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"),
        ];
        for (now, end) in table {
            assert_eq!(DayCounter::new(eastern.clone(), at(now)).ends(at(now)), at(end), "{now}");
        }
    }

    #[test]
    fn the_count_starts_again_at_the_first_millisecond_of_the_next_day() {
        let start = at("2026-11-01T04:00:00Z");
        let mut day = DayCounter::new(zone("US/Eastern").unwrap(), start);
        day.add(start);
        assert_eq!(day.used(at("2026-11-02T04:59:59.999Z")), 1);
        assert_eq!(day.used(at("2026-11-02T05:00:00Z")), 0);
        assert_eq!(day.ends(at("2026-11-02T05:00:00Z")), at("2026-11-03T05:00:00Z"));
    }

    #[test]
    fn the_default_zone_needs_no_database_and_an_unknown_one_is_refused() {
        let rule = TimeZone::posix(US_EASTERN_RULE).unwrap();
        assert_eq!(next_midnight(&rule, at("2026-07-01T12:00:00Z")), at("2026-07-02T04:00:00Z"));
        assert!(zone("Mars/Olympus").is_none());
    }
}
