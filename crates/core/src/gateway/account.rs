//! What one caller of the gateway has done, and how much of its day's calls is left.
//!
//! The day is the account's: it ends when HubSpot's does. Kept in memory: a restart begins with an unspent day.

use crate::time::Wall;

/// How many calls a caller has in a day, and what became of those it made.
#[derive(Clone, Debug, Default)]
pub struct Account {
    quota: Option<u64>,
    /// When the running day ends; not known before the first call.
    day_ends: Option<Wall>,
    used: u64,
    tally: Tally,
}

/// Counts since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Calls that were asked for.
    pub asked: u64,
    /// Calls that the caller was not allowed to make, or not any more today: nothing was sent for them.
    pub refused: u64,
    /// Calls that left in a batch with others.
    pub joined: u64,
    /// Calls without an answer of HubSpot: a deadline, a full queue, a lost connection.
    pub unanswered: u64,
    /// HubSpot's answers by the first digit of their status, from 1 to 5.
    pub answered: [u64; 5],
}

impl Tally {
    /// All answers of HubSpot.
    pub fn answers(&self) -> u64 {
        self.answered.iter().sum()
    }
}

/// The day's calls are used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this caller has made its {quota} calls of the day")]
pub struct Spent {
    /// How many calls it has.
    pub quota: u64,
    /// When the day ends.
    pub until: Wall,
}

impl Account {
    /// A caller with so many calls a day; none for as many as the account has.
    pub fn new(quota: Option<u64>) -> Self {
        Self { quota, ..Self::default() }
    }

    /// A call is asked for.
    pub fn handle_asked(&mut self) {
        self.tally.asked += 1;
    }

    /// The caller may not make it.
    pub fn handle_refused(&mut self) {
        self.tally.refused += 1;
    }

    /// Takes one call of the day. `day_end` says when the day ends that runs now.
    ///
    /// # Errors
    /// None is left.
    pub fn take(&mut self, now: Wall, day_end: impl FnOnce(Wall) -> Wall) -> Result<(), Spent> {
        let until = if let Some(until) = self.day_ends.filter(|ends| now < *ends) {
            until
        } else {
            self.used = 0;
            *self.day_ends.insert(day_end(now))
        };
        match self.quota {
            Some(quota) if self.used >= quota => Err(Spent { quota, until }),
            _ => {
                self.used += 1;
                Ok(())
            }
        }
    }

    /// HubSpot has answered a call, which left together with others or alone.
    pub fn handle_answer(&mut self, status: u16, joined: bool) {
        let class = usize::from(status / 100).checked_sub(1);
        if let Some(count) = class.and_then(|class| self.tally.answered.get_mut(class)) {
            *count += 1;
        }
        self.tally.joined += u64::from(joined);
    }

    /// There is no answer to a call.
    pub fn handle_unanswered(&mut self) {
        self.tally.unanswered += 1;
    }

    /// The counts.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// How many calls it has in a day, if they are limited.
    pub fn quota(&self) -> Option<u64> {
        self.quota
    }

    /// How many it has made in the day that runs at this moment.
    pub fn used(&self, now: Wall) -> u64 {
        if self.day_ends.is_some_and(|ends| now < ends) { self.used } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Days of a hundred milliseconds.
    fn day_end(now: Wall) -> Wall {
        Wall(now.0 / 100 * 100 + 100)
    }

    #[test]
    fn a_quota_lasts_for_the_day_and_comes_back_with_the_next() {
        let mut account = Account::new(Some(2));
        assert_eq!(account.take(Wall(150), day_end), Ok(()));
        assert_eq!(account.take(Wall(160), day_end), Ok(()));
        assert_eq!(account.used(Wall(199)), 2);
        assert_eq!(account.take(Wall(199), day_end), Err(Spent { quota: 2, until: Wall(200) }));
        assert_eq!(account.used(Wall(200)), 0, "the day is over");
        assert_eq!(account.take(Wall(200), day_end), Ok(()));
        assert_eq!(account.used(Wall(201)), 1);
    }

    #[test]
    fn without_a_quota_calls_are_counted_and_none_is_refused() {
        let mut account = Account::new(None);
        assert!((0..1_000).all(|at| account.take(Wall(at / 100), day_end).is_ok()));
        assert_eq!(account.used(Wall(9)), 1_000);
        assert_eq!(Account::new(Some(0)).take(Wall(1), day_end), Err(Spent { quota: 0, until: Wall(100) }));
    }

    #[test]
    fn every_answer_is_counted_once_in_its_class() {
        let mut account = Account::new(None);
        for (status, joined) in [(200, true), (204, false), (404, true), (503, false)] {
            account.handle_answer(status, joined);
        }
        account.handle_answer(0, false);
        account.handle_unanswered();
        let expected = Tally { joined: 2, unanswered: 1, answered: [0, 2, 0, 1, 1], ..Tally::default() };
        assert_eq!(account.tally(), expected);
        assert_eq!(account.tally().answers(), 4);
    }
}
