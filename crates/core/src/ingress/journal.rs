//! Rules of reading the journal: what may have been missed, and when to try again.

use std::time::Duration;

use crate::time::Wall;

/// How long HubSpot keeps the entries of a journal.
pub const KEPT: Duration = Duration::from_secs(3 * 86_400);

/// How long after something passing the journal is asked again, first.
pub const FAILURE_WAIT: Duration = Duration::from_secs(5);

/// How long at most.
pub const FAILURE_WAIT_MAX: Duration = Duration::from_secs(300);

/// How long after a refusal the journal is asked again: until somebody has given the app access.
pub const NO_ACCESS_WAIT: Duration = Duration::from_secs(3_600);

/// Whether entries may have left unread, if everything published before `read_until` has been read.
pub fn may_have_missed(read_until: Option<Wall>, now: Wall) -> bool {
    read_until.is_none_or(|until| now - until >= KEPT)
}

/// Whether the journal has not been asked for so long that entries may have left unread, whatever HubSpot says now.
pub fn was_away(asked_at: Option<Wall>, now: Wall) -> bool {
    asked_at.is_some_and(|asked| now - asked >= KEPT)
}

/// How long to wait after so many failures in a row, from one: twice as long each time.
pub fn failure_wait(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    FAILURE_WAIT.saturating_mul(1 << doublings).min(FAILURE_WAIT_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_missed_within_three_days() {
        let now = Wall(1_800_000_000_000);
        let before = |wait: Duration| Some(Wall(now.0 - i64::try_from(wait.as_millis()).unwrap()));
        assert!(!may_have_missed(before(Duration::ZERO), now));
        assert!(!may_have_missed(before(KEPT.saturating_sub(Duration::from_millis(1))), now));
        assert!(may_have_missed(before(KEPT), now));
        assert!(may_have_missed(None, now), "nobody knows");
        assert!(!was_away(before(Duration::ZERO), now));
        assert!(was_away(before(KEPT), now));
        assert!(!was_away(None, now), "it never was there");
    }

    #[test]
    fn waits_grow_to_a_limit() {
        assert_eq!([1, 2, 3, 40].map(failure_wait).map(|wait| wait.as_secs()), [5, 10, 20, 300]);
    }
}
