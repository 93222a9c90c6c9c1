//! The calls of one account's day.
//!
//! A day ends when HubSpot says (`resetsAt`), else at midnight in the account's time zone; both come from outside as a
//! wall-clock moment (days of 23 and 25 hours exist, and this machine knows no zones). Failed calls and 429s count.

use std::time::Duration;

use crate::time::Wall;

/// How far HubSpot's clock may be from ours around midnight: what an answer says about the day is not believed so
/// shortly after its beginning.
pub(super) const DAY_SKEW: Duration = Duration::from_secs(60);

/// How long to leave HubSpot alone after a DAILY refusal when nobody knows when the day ends.
pub(super) const DAY_PROBE: Duration = Duration::from_secs(15 * 60);

const LENGTH: Duration = Duration::from_secs(24 * 60 * 60);

/// One account's day.
#[derive(Clone, Debug)]
pub(super) struct Day {
    limit: u64,
    /// The limit is a guess that headers may correct upwards as well.
    assumed: bool,
    /// Calls counted, those in flight among them.
    used: u64,
    in_flight: u64,
    /// When it began, as far as we saw that.
    began: Option<Wall>,
    /// When it ends, if known.
    ends: Option<Wall>,
    /// HubSpot said that it is spent.
    spent_until: Option<Wall>,
}

impl Day {
    /// A day of which nothing is used yet.
    pub(super) fn new(limit: u64, left_to_others: u64) -> Self {
        let limit = limit.saturating_sub(left_to_others);
        Self { limit, assumed: false, used: 0, in_flight: 0, began: None, ends: None, spent_until: None }
    }

    /// Says whether the limit is a guess.
    pub(super) fn assume(&mut self, assumed: bool) {
        self.assumed = assumed;
    }

    /// Says when the running day ends. Returns whether that was news.
    pub(super) fn ends_at(&mut self, ends: Wall) {
        self.ends = Some(ends);
    }

    /// Begins a new day when the old one is over. Returns true if it did: its end is then a guess.
    pub(super) fn advance(&mut self, now: Wall) -> bool {
        self.spent_until = self.spent_until.filter(|until| *until > now);
        let Some(ends) = self.ends.filter(|ends| *ends <= now) else { return false };
        self.began = Some(ends);
        self.used = self.in_flight;
        let mut next = ends;
        while next <= now {
            next = next + LENGTH;
        }
        self.ends = Some(next);
        true
    }

    /// Until when nothing may leave, if the day is spent.
    pub(super) fn spent_until(&self, now: Wall) -> Option<Wall> {
        if let Some(until) = self.spent_until {
            return Some(until);
        }
        (self.used >= self.limit).then(|| self.ends.unwrap_or(now + DAY_PROBE))
    }

    /// Calls counted today, and the limit.
    pub(super) fn figures(&self) -> (u64, u64, Option<Wall>) {
        (self.used, self.limit, self.ends)
    }

    /// Takes over what is known of the day from an earlier process.
    pub(super) fn restore(&mut self, used: u64, ends: Option<Wall>) {
        self.used = self.used.max(used);
        self.ends = self.ends.or(ends);
    }

    /// Counts one call that is about to leave.
    pub(super) fn take(&mut self) {
        self.used += 1;
        self.in_flight += 1;
    }

    /// Takes back one call that never left.
    pub(super) fn untake(&mut self) {
        self.used = self.used.saturating_sub(1);
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// One call was answered, or given up: it stays counted.
    pub(super) fn settle(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// HubSpot's own count, from an answer to a call sent at `sent`: believed only if it is higher than ours.
    pub(super) fn observe(&mut self, daily: u64, remaining: u64, sent: Wall) {
        if self.of_another_day(sent) {
            return;
        }
        self.limit = if self.assumed { daily } else { self.limit.min(daily) };
        // Our calls in flight may be missing in its count.
        self.used = self.used.max(daily.saturating_sub(remaining) + self.in_flight);
    }

    /// HubSpot refused a call because the day is spent.
    pub(super) fn exhausted(&mut self, sent: Wall, now: Wall) {
        let until = match (self.began, self.ends) {
            (Some(began), _) if self.of_another_day(sent) => began + DAY_SKEW,
            (_, Some(ends)) => ends,
            (_, None) => now + DAY_PROBE,
        };
        self.spent_until = Some(until).filter(|until| *until > now);
    }

    /// Whether a call sent then may have been counted in the day before.
    fn of_another_day(&self, sent: Wall) -> bool {
        self.began.is_some_and(|began| sent < began + DAY_SKEW)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIDNIGHT: Wall = Wall(86_400_000);

    fn day() -> Day {
        let mut day = Day::new(100, 10);
        day.ends_at(MIDNIGHT);
        day
    }

    #[test]
    fn failed_calls_stay_counted_and_unsent_ones_do_not() {
        let mut day = day();
        day.take();
        day.settle();
        day.take();
        day.untake();
        assert_eq!(day.figures().0, 1);
    }

    #[test]
    fn spent_day_opens_again_at_its_end() {
        let mut day = day();
        for _ in 0..90 {
            assert_eq!(day.spent_until(Wall(0)), None);
            day.take();
            day.settle();
        }
        assert_eq!(day.spent_until(Wall(5)), Some(MIDNIGHT));
        assert!(!day.advance(Wall(86_399_999)));
        assert!(day.advance(MIDNIGHT));
        assert_eq!(day.spent_until(MIDNIGHT), None);
    }

    #[test]
    fn calls_in_flight_at_midnight_count_in_the_new_day() {
        let mut day = day();
        day.take();
        day.take();
        day.settle();
        day.advance(MIDNIGHT);
        assert_eq!(day.figures().0, 1);
    }

    #[test]
    fn headers_lower_what_is_left_and_never_raise_it() {
        let mut day = day();
        day.take();
        day.observe(100, 50, Wall(1));
        assert_eq!(day.figures().0, 51, "fifty counted by HubSpot, and the one in flight");
        day.observe(100, 99, Wall(2));
        assert_eq!(day.figures().0, 51);
    }

    #[test]
    fn answers_from_around_midnight_say_nothing_of_the_new_day() {
        let mut day = day();
        day.advance(MIDNIGHT);
        day.observe(100, 0, Wall(MIDNIGHT.0 + 10_000));
        assert_eq!(day.spent_until(MIDNIGHT), None);
        day.exhausted(Wall(MIDNIGHT.0 + 10_000), Wall(MIDNIGHT.0 + 10_100));
        assert_eq!(day.spent_until(MIDNIGHT), Some(MIDNIGHT + DAY_SKEW));
        day.advance(MIDNIGHT + DAY_SKEW);
        assert_eq!(day.spent_until(MIDNIGHT + DAY_SKEW), None);
    }
}
