//! What follows from how a delivery went: on, again later, a dead delivery, or no more of it.
//!
//! A subscriber gets its events one delivery after another, in the order of the log; that which fails holds back what
//! comes after it. So a failure must end. Three kinds are told apart, because each says something else about whose
//! fault it is: *refused* (the receiver answered, and does not want this), *failed* (it broke over this), *away* (it is
//! not there at all). A delivery that is given up is kept as dead, and the next one has its turn. Several dead ones in a
//! row are no matter of the events any more: the endpoint is disabled, and its place in the log is kept.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Wall;

/// Attempts of a delivery that is refused, before it is dead.
pub const REFUSED_ATTEMPTS_MAX: u32 = 6;
/// Attempts of a delivery over which the receiver breaks, before it is dead.
pub const FAILED_ATTEMPTS_MAX: u32 = 10;
/// How long a delivery waits for a receiver that is away, before it is dead.
pub const AWAY_MAX: Duration = Duration::from_secs(24 * 3_600);
/// Dead deliveries in a row, with none that arrived between, before the endpoint is disabled.
pub const DEAD_IN_A_ROW_MAX: u32 = 5;
/// How long all deliveries may fail before the endpoint is disabled.
pub const DISABLE_AFTER: Duration = Duration::from_secs(3 * 24 * 3_600);
/// Dead deliveries that are kept; with more the endpoint is disabled, so that none is forgotten.
pub const DEAD_KEPT_MAX: u64 = 1_000;
/// The wait after the first failure; it doubles with each.
pub const BACKOFF_FIRST: Duration = Duration::from_secs(1);
/// The longest wait between two attempts, unless the receiver asks for more.
pub const BACKOFF_MAX: Duration = Duration::from_secs(300);
/// The longest wait that a receiver may ask for.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(3_600);

/// How an attempt went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was answered.
    Answered {
        /// The status.
        status: u16,
        /// The wait that the answer asks for.
        retry_after: Option<Duration>,
    },
    /// There was no answer: no connection, or none in time.
    Silent,
    /// The target may not be called.
    Forbidden,
}

/// How it stands with the delivery whose turn it is, and with the endpoint; kept across restarts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Trouble {
    /// Attempts of this delivery that failed.
    pub attempts: u32,
    /// When the first of them was.
    pub since: Option<Wall>,
    /// When the next one may be.
    pub next: Option<Wall>,
    /// The last status; none if there was no answer.
    pub status: Option<u16>,
    /// Since when nothing has arrived.
    pub failing_since: Option<Wall>,
    /// Dead deliveries since something arrived.
    pub dead_in_a_row: u32,
    /// The most events of the next delivery, while batches are being split; none if nothing is split.
    pub at_most: Option<u16>,
}

/// Why an endpoint is disabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It answered 410: it wants nothing more.
    Gone,
    /// Several deliveries in a row were given up.
    KeepsFailing,
    /// Nothing has arrived for [`DISABLE_AFTER`].
    Silent,
    /// As many dead deliveries are kept as may be.
    ManyDead,
    /// Its address is not allowed.
    Forbidden,
}

impl Reason {
    /// The word for it, as in the admin interface.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::KeepsFailing => "keeps_failing",
            Self::Silent => "silent",
            Self::ManyDead => "many_dead",
            Self::Forbidden => "forbidden",
        }
    }
}

/// What follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It arrived.
    Arrived,
    /// It is tried again; [`Trouble::next`] says when, [`Trouble::at_most`] how much of it.
    Again,
    /// It is given up and kept as dead; the next one has its turn.
    Dead,
    /// Nothing more is sent, and the place in the log is kept.
    Disable(Reason),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    Refused,
    Failed,
    Away,
}

/// An attempt, and what it was an attempt at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// How it went.
    pub outcome: Outcome,
    /// How many events were to be delivered.
    pub events: usize,
    /// How many dead deliveries are kept.
    pub dead: u64,
}

/// Judges an attempt. `roll` is any number, and scatters the waits. Gives what follows, and how it stands then.
pub fn judge(trouble: &Trouble, attempt: Attempt, now: Wall, roll: u64) -> (Verdict, Trouble) {
    let Attempt { outcome, events, dead } = attempt;
    let (fault, status, retry_after) = match outcome {
        Outcome::Answered { status: 200..=299, .. } => return (Verdict::Arrived, arrived(trouble)),
        Outcome::Answered { status: 410, .. } => return (Verdict::Disable(Reason::Gone), trouble.clone()),
        Outcome::Forbidden => return (Verdict::Disable(Reason::Forbidden), trouble.clone()),
        Outcome::Silent => (Fault::Away, None, None),
        Outcome::Answered { status, retry_after } => (fault_of(status), Some(status), retry_after),
    };
    let since = trouble.since.unwrap_or(now);
    let mut after = Trouble {
        attempts: trouble.attempts.saturating_add(1),
        since: Some(since),
        next: None,
        status,
        failing_since: Some(trouble.failing_since.unwrap_or(now)),
        dead_in_a_row: trouble.dead_in_a_row,
        at_most: trouble.at_most,
    };
    if after.failing_since.is_some_and(|failing| now - failing >= DISABLE_AFTER) {
        return (Verdict::Disable(Reason::Silent), after);
    }
    if events > 1 && fault != Fault::Away {
        // One of them may be the culprit: the others are not to die with it. The smaller delivery is another one.
        let half = u16::try_from(events / 2).unwrap_or(u16::MAX).max(1);
        after = Trouble { attempts: 1, since: Some(now), at_most: Some(half), ..after };
    }
    let spent = match fault {
        Fault::Refused => after.attempts >= REFUSED_ATTEMPTS_MAX,
        Fault::Failed => after.attempts >= FAILED_ATTEMPTS_MAX,
        Fault::Away => now - since >= AWAY_MAX,
    };
    if !spent {
        after.next = Some(now + wait(after.attempts, retry_after, roll));
        return (Verdict::Again, after);
    }
    if after.dead_in_a_row + 1 >= DEAD_IN_A_ROW_MAX {
        return (Verdict::Disable(Reason::KeepsFailing), after);
    }
    if dead >= DEAD_KEPT_MAX {
        return (Verdict::Disable(Reason::ManyDead), after);
    }
    let after = Trouble { attempts: 0, since: None, dead_in_a_row: after.dead_in_a_row + 1, ..after };
    (Verdict::Dead, after)
}

/// After a success all is well, but a batch that was split grows again step by step.
fn arrived(trouble: &Trouble) -> Trouble {
    let doubled = trouble.at_most.map(|most| most.saturating_mul(2));
    Trouble { at_most: doubled.filter(|most| *most < super::message::EVENTS_MAX), ..Trouble::default() }
}

fn fault_of(status: u16) -> Fault {
    match status {
        408 | 425 | 429 | 502 | 503 | 504 => Fault::Away,
        500..=599 => Fault::Failed,
        _ => Fault::Refused,
    }
}

/// Half of the doubled wait is sure, the other half is the dice's.
fn wait(attempts: u32, retry_after: Option<Duration>, roll: u64) -> Duration {
    let doublings = attempts.saturating_sub(1).min(20);
    let most = BACKOFF_FIRST.saturating_mul(1 << doublings).min(BACKOFF_MAX);
    let half = u64::try_from(most.as_millis()).unwrap_or(u64::MAX) / 2;
    let scattered = Duration::from_millis(half + roll % half.max(1));
    scattered.max(retry_after.unwrap_or_default().min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Wall = Wall(1_700_000_000_000);

    fn answered(status: u16) -> Outcome {
        Outcome::Answered { status, retry_after: None }
    }

    fn attempt(outcome: Outcome, events: usize, dead: u64) -> Attempt {
        Attempt { outcome, events, dead }
    }

    /// Fails until something else follows than another attempt; gives what, how it stands, attempts and time.
    fn fail(mut trouble: Trouble, outcome: Outcome, from: Wall) -> (Verdict, Trouble, u32, Wall) {
        let (mut now, mut attempts) = (from, 0);
        loop {
            attempts += 1;
            let (verdict, after) = judge(&trouble, attempt(outcome, 1, 0), now, 7);
            if verdict != Verdict::Again {
                return (verdict, after, attempts, now);
            }
            now = after.next.unwrap();
            trouble = after;
            assert!(attempts < 100_000, "poison blocks for ever");
        }
    }

    #[test]
    fn poison_dies_after_the_named_attempts_or_time() {
        for (outcome, expected) in
            [(answered(422), REFUSED_ATTEMPTS_MAX), (answered(302), REFUSED_ATTEMPTS_MAX), (answered(500), 10)]
        {
            let (verdict, after, attempts, _) = fail(Trouble::default(), outcome, NOW);
            assert_eq!((verdict, attempts), (Verdict::Dead, expected), "{outcome:?}");
            assert_eq!((after.attempts, after.dead_in_a_row), (0, 1));
        }
        for outcome in [Outcome::Silent, answered(429), answered(503)] {
            let (verdict, _, _, ended) = fail(Trouble::default(), outcome, NOW);
            assert_eq!(verdict, Verdict::Dead);
            assert!(ended - NOW >= AWAY_MAX && ended - NOW < AWAY_MAX + 2 * BACKOFF_MAX, "{outcome:?}");
        }
    }

    #[test]
    fn an_endpoint_that_keeps_failing_is_disabled_and_loses_few() {
        let (mut trouble, mut now, mut dead) = (Trouble::default(), NOW, 0);
        let reason = loop {
            let (verdict, after, _, ended) = fail(trouble, answered(404), now);
            (trouble, now) = (after, ended);
            match verdict {
                Verdict::Dead => dead += 1,
                Verdict::Disable(reason) => break reason,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!((reason, dead), (Reason::KeepsFailing, DEAD_IN_A_ROW_MAX - 1));
        // One that is away for days is disabled by time.
        let (mut trouble, mut now) = (Trouble::default(), NOW);
        let reason = loop {
            let (verdict, after, _, ended) = fail(trouble, Outcome::Silent, now);
            (trouble, now) = (after, ended);
            if let Verdict::Disable(reason) = verdict {
                break reason;
            }
        };
        assert_eq!(reason, Reason::Silent);
        assert!(now - NOW >= DISABLE_AFTER && now - NOW < DISABLE_AFTER + Duration::from_secs(3_600));
    }

    #[test]
    fn gone_and_forbidden_disable_at_once() {
        let (gone, _) = judge(&Trouble::default(), attempt(answered(410), 1, 0), NOW, 0);
        assert_eq!(gone, Verdict::Disable(Reason::Gone));
        let (forbidden, _) = judge(&Trouble::default(), attempt(Outcome::Forbidden, 1, 0), NOW, 0);
        assert_eq!(forbidden, Verdict::Disable(Reason::Forbidden));
    }

    #[test]
    fn a_batch_is_split_until_the_culprit_is_alone_and_grows_again() {
        let mut trouble = Trouble::default();
        for (events, at_most) in [(100, 50), (50, 25), (25, 12), (12, 6), (6, 3), (3, 1)] {
            let (verdict, after) = judge(&trouble, attempt(answered(400), events, 0), NOW, 0);
            assert_eq!((verdict, after.at_most, after.attempts), (Verdict::Again, Some(at_most), 1));
            trouble = after;
        }
        // A receiver that is away says nothing about the batch.
        let (_, away) = judge(&Trouble::default(), attempt(Outcome::Silent, 100, 0), NOW, 0);
        assert_eq!(away.at_most, None);
        let mut sizes = Vec::new();
        while let Some(most) = trouble.at_most {
            sizes.push(most);
            trouble = judge(&trouble, attempt(answered(204), usize::from(most), 0), NOW, 0).1;
        }
        assert_eq!(sizes, [1, 2, 4, 8, 16, 32, 64]);
        assert_eq!(trouble, Trouble::default());
    }

    #[test]
    fn waits_double_scatter_and_heed_the_receiver() {
        for (attempts, least, most) in [(1, 500, 1_000), (2, 1_000, 2_000), (5, 8_000, 16_000), (40, 150_000, 300_000)]
        {
            for roll in [0, 1, 77, u64::MAX] {
                let waited = wait(attempts, None, roll).as_millis();
                assert!((least..=most).contains(&waited), "{attempts}: {waited}");
            }
        }
        assert_ne!(wait(5, None, 1), wait(5, None, 2));
        let asked = |seconds| wait(1, Some(Duration::from_secs(seconds)), 0);
        assert_eq!((asked(60), asked(100_000)), (Duration::from_secs(60), RETRY_AFTER_MAX));
    }

    #[test]
    fn no_dead_delivery_is_dropped_to_make_room() {
        let trouble = Trouble { attempts: REFUSED_ATTEMPTS_MAX - 1, ..Trouble::default() };
        let judged = |dead| judge(&trouble, attempt(answered(400), 1, dead), NOW, 0).0;
        assert_eq!(judged(DEAD_KEPT_MAX - 1), Verdict::Dead);
        assert_eq!(judged(DEAD_KEPT_MAX), Verdict::Disable(Reason::ManyDead));
    }
}
