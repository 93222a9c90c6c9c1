//! When a record is read, and when a read that does not find it is believed.
//!
//! A record that an event has just told of may read as missing for a while, so a miss is asked again, and in the end
//! looked for in the recycling bin, before anybody believes that it is gone.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::known::{Held, Known};
use crate::time::Wall;

/// How long a wish waits for others, so that they share a call.
pub const GATHER: Duration = Duration::from_millis(250);

/// A read that is asked for so long after a moment covers it for sure: the cut of the `Date` header to whole seconds and
/// [`CLOCKS_APART`] together, and a little more.
pub const COVER: Duration = Duration::from_millis(2_500);

/// How far the clocks of HubSpot's machines may be apart: the one that dates answers, and the one that dates events.
pub const CLOCKS_APART: Duration = Duration::from_secs(1);

/// How far our clock may be from HubSpot's where its answers have no date.
pub const CLOCK_UNKNOWN: Duration = Duration::from_secs(5);

/// The waits between the reads of a record that is not found.
pub const ASK_AGAIN: [Duration; 5] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(15),
];

/// A record that is not found so long after the last event about it is not late any more.
pub const LAG_MAX: Duration = Duration::from_secs(60);

/// The wait after a call that brought no answer, or one that says nothing about records.
pub const PAUSE: Duration = Duration::from_secs(30);

/// The wish to read a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Want {
    /// Not before.
    pub from: Wall,
    /// Now at the latest: until then it waits for others to share a call with.
    pub due: Wall,
    /// How often it was read in vain.
    pub attempts: u32,
}

/// What to make of a read that did not find a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Miss {
    /// Ask again.
    Again(Want),
    /// Look for it in the recycling bin, and believe that.
    LookUp,
}

/// The wish that follows from what is known, if there is one.
pub fn wanted(known: &Known, held: &Held, now: Wall) -> Option<Want> {
    let need = known.need(held)?;
    // What was told has happened, whatever our clock says: waiting longer than this helps nothing.
    let from = need.covering_ms.map_or(now, |at_ms| (Wall(at_ms) + COVER).clamp(now, now + COVER));
    Some(Want { from, due: from.max(now + GATHER), attempts: 0 })
}

/// The wish that is left after a read that found the record and does not cover what it has to: HubSpot's clocks are
/// further apart than expected.
pub fn uncovered(known: &Known, held: &Held, before: Want, now: Wall) -> Option<Want> {
    let want = wanted(known, held, now)?;
    let due = want.due.max(now + pause_after(before.attempts));
    Some(Want { from: due, due, attempts: before.attempts.saturating_add(1) })
}

/// What to make of a read that did not find a record.
pub fn missed(known: &Known, before: Want, as_of_ms: i64, now: Wall) -> Miss {
    let lag = i64::try_from(LAG_MAX.as_millis()).unwrap_or(i64::MAX);
    let late = known.newest_ms().is_none_or(|told| told.saturating_add(lag) < as_of_ms);
    let asks = usize::try_from(before.attempts).unwrap_or(usize::MAX);
    if late || asks >= ASK_AGAIN.len() {
        return Miss::LookUp;
    }
    let due = now + pause_after(before.attempts);
    Miss::Again(Want { from: due, due, attempts: before.attempts.saturating_add(1) })
}

fn pause_after(attempts: u32) -> Duration {
    let [.., longest] = ASK_AGAIN;
    let place = usize::try_from(attempts).unwrap_or(usize::MAX);
    ASK_AGAIN.get(place).copied().unwrap_or(longest)
}

/// The moment of HubSpot's clock up to which a read has everything: what its clock said when it answered, less what the
/// call took, less what is not known for sure. Without a date our own clock stands for it.
pub fn as_of_ms(asked: Wall, took: Duration, date_ms: Option<i64>) -> i64 {
    let ms = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    match date_ms {
        // Rounded up: a part of a millisecond is no reason to believe more.
        Some(date) => date.saturating_sub(ms(took)).saturating_sub(1).saturating_sub(ms(CLOCKS_APART)),
        None => asked.0.saturating_sub(ms(CLOCK_UNKNOWN)),
    }
}

#[cfg(test)]
mod tests {
    use linchpin_hubspot::event::NewValue;

    use super::*;
    use crate::ingress::latest::{Dated, Latest};

    const NOW: Wall = Wall(1_000_000);

    fn held() -> Held {
        Held::new(["city"])
    }

    fn told(at_ms: i64, value: NewValue) -> Known {
        let mut known = Known::default();
        let properties = [("city".to_owned(), Dated { at_ms, value })].into();
        known.hear(Latest { properties, ..Latest::default() }, &held());
        known
    }

    #[test]
    fn an_unknown_record_is_read_soon_and_a_hidden_value_when_a_read_covers_it() {
        let known = told(NOW.0 - 100, NewValue::Known("Oslo".to_owned()));
        assert_eq!(wanted(&known, &held(), NOW), Some(Want { from: NOW, due: NOW + GATHER, attempts: 0 }));
        let from = |at_ms| wanted(&told(at_ms, NewValue::Hidden), &held(), NOW).unwrap().from;
        assert_eq!(from(NOW.0 - 1_000), Wall(NOW.0 + 1_500));
        assert_eq!(from(NOW.0 - 60_000), NOW);
        // Our clock is behind.
        assert_eq!(from(NOW.0 + 3_600_000), NOW + COVER);
        assert_eq!(wanted(&Known::default(), &held(), NOW), None);
    }

    #[test]
    fn a_miss_is_asked_again_with_growing_waits_and_then_looked_up() {
        let known = told(NOW.0 - 500, NewValue::Known(String::new()));
        let first = Want { from: NOW, due: NOW, attempts: 0 };
        let mut want = first;
        let mut waits = Vec::new();
        while let Miss::Again(next) = missed(&known, want, NOW.0, NOW) {
            waits.push(next.due - NOW);
            want = next;
        }
        assert_eq!(waits, ASK_AGAIN);
        // Nothing is late that long.
        assert_eq!(missed(&told(NOW.0 - 60_001, NewValue::Hidden), first, NOW.0, NOW), Miss::LookUp);
    }

    #[test]
    fn a_read_covers_what_happened_well_before_it_was_asked_for() {
        let asked = Wall(50_000);
        assert_eq!(as_of_ms(asked, Duration::from_millis(400), Some(90_000)), 88_599);
        assert_eq!(as_of_ms(asked, Duration::from_millis(400), None), 45_000);
        // A read that is asked for COVER after a moment covers it, however long it takes.
        for took in [0_i64, 999, 30_000] {
            let answered = 50_000 + took;
            let as_of = as_of_ms(asked, Duration::from_millis(took.unsigned_abs()), Some(answered - answered % 1_000));
            assert!(as_of >= 50_000 - i64::try_from(COVER.as_millis()).unwrap(), "{took}: {as_of}");
        }
    }
}
