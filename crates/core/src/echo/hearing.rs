//! What somebody hears who wants no echoes of its own writes, so that it stays equal to HubSpot all the same.
//!
//! Leaving out every echo would be wrong: a change by a person that crossed the caller's write on the way is heard after
//! that write was sent, and is older than it. Whoever hears it takes the older value, and must hear the newer one, though
//! it is its own. So:
//! - What a write of the caller's is known to have come after is left out: it is overtaken.
//! - An echo is left out unless something else, older than the echo, was heard after the write had been sent; or unless a
//!   later write of the caller's is known to have come before it, as when an answer was lost and the write came late.
//!
//! *Older* compares moments of HubSpot's clock alone, *after it was sent* moments of ours alone. What is not known
//! (after a restart, or beyond what is remembered) is heard.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use linchpin_hubspot::id::{ObjectType, RecordId};

use super::receipts::Stand;
use super::{Echo, Form, HEARD_MAX};
use crate::time::Wall;

/// A property of a record.
pub type Place = (ObjectType, RecordId, String);

/// A property's change, as the log tells it.
#[derive(Clone, Debug)]
pub struct Told<'a> {
    /// Which property.
    pub place: Place,
    /// Its new value.
    pub value: Form,
    /// When it happened, by HubSpot's clock.
    pub at: Wall,
    /// Whose echo it is.
    pub echo: Option<&'a Echo>,
}

/// When what is being delivered will have been: after everything.
const NOT_YET: Wall = Wall(i64::MAX);

/// What was heard of a property last.
#[derive(Clone, Copy, Debug)]
struct Heard {
    /// When its delivery ended, by our clock.
    ended: Wall,
    at: Wall,
    value: Form,
}

#[derive(Clone, Copy, Debug, Default)]
struct Known {
    heard: Option<Heard>,
    /// The newest own write for which something was left out.
    left_out: Option<Stand>,
    /// Which entry of the order it belongs to.
    turn: u64,
}

impl Known {
    /// Whether whoever wrote this has it still, or something newer.
    fn keeps(&self, stand: &Stand) -> bool {
        self.heard.is_none_or(|heard| heard.ended < stand.sent || heard.at > stand.landed || heard.value == stand.value)
    }
}

/// What one who wants no echoes of some callers has heard of late.
#[derive(Clone, Debug)]
pub struct Hearing {
    callers: BTreeSet<String>,
    /// What was sent up to then is not judged: not all is known of what was heard since it was sent.
    since: Wall,
    known: BTreeMap<Place, Known>,
    /// What to forget, the oldest first.
    order: VecDeque<(u64, Place)>,
    turns: u64,
}

/// A look ahead: nothing of it counts before [`Hearing::handle_heard`].
#[derive(Debug)]
pub struct Ahead<'a> {
    hearing: &'a Hearing,
    found: Found,
}

/// What a look ahead has found, to be remembered once it has been delivered.
#[derive(Clone, Debug, Default)]
pub struct Found(BTreeMap<Place, Known>);

impl Hearing {
    /// Of one who begins now and wants no echoes of these callers.
    pub fn new(callers: BTreeSet<String>, now: Wall) -> Self {
        Self { callers, since: now, known: BTreeMap::new(), order: VecDeque::new(), turns: 0 }
    }

    /// The callers whose echoes are not wanted.
    pub fn callers(&self) -> &BTreeSet<String> {
        &self.callers
    }

    /// Looks ahead.
    pub fn ahead(&self) -> Ahead<'_> {
        Ahead { hearing: self, found: Found::default() }
    }

    /// What was found by looking ahead has been delivered, or may have been, and that has ended now.
    pub fn handle_heard(&mut self, Found(found): Found, now: Wall) {
        for (place, known) in found {
            self.turns += 1;
            let heard = known.heard.map(|heard| Heard { ended: heard.ended.min(now), ..heard });
            self.order.push_back((self.turns, place.clone()));
            self.known.insert(place, Known { heard, turn: self.turns, ..known });
        }
        while self.order.len() > HEARD_MAX {
            let Some((turn, place)) = self.order.pop_front() else { return };
            if self.known.get(&place).is_some_and(|known| known.turn == turn) {
                let heard = self.known.remove(&place).and_then(|known| known.heard);
                self.since = self.since.max(heard.map_or(self.since, |heard| heard.ended));
            }
        }
    }
}

impl Ahead<'_> {
    /// Whether the next event is heard. `stands` is what the callers are known to have brought about in its property.
    pub fn hears(&mut self, told: Told<'_>, stands: &[Stand]) -> bool {
        let Told { place, value, at, echo } = told;
        let Hearing { callers, since, known, .. } = self.hearing;
        let mut known = self.found.0.get(&place).or_else(|| known.get(&place)).copied().unwrap_or_default();
        let holds = |stand: &Stand| stand.sent > *since && known.keeps(stand);
        let overtaking = stands.iter().chain(&known.left_out).filter(|stand| stand.landed > at && holds(stand));
        if let Some(stand) = overtaking.max_by_key(|stand| stand.landed).copied() {
            // Remembered beyond the life of its receipt: what comes later still is older, too.
            known.left_out = Some(stand);
            self.found.0.insert(place, known);
            return false;
        }
        let own = echo.filter(|echo| callers.contains(&echo.caller));
        let own = own.map(|echo| Stand { sent: echo.sent_at, landed: at, value }).filter(holds);
        let before = |stand: &Stand| stand.landed < at && stand.value != value;
        let own = own.filter(|own| !stands.iter().any(|stand| stand.sent > own.sent && before(stand)));
        match own {
            Some(own) => known.left_out = Some(own),
            None => known.heard = Some(Heard { ended: NOT_YET, at, value }),
        }
        self.found.0.insert(place, known);
        own.is_none()
    }

    /// What was found.
    pub fn found(self) -> Found {
        self.found
    }
}

#[cfg(test)]
#[path = "hearing_tests.rs"]
mod tests;
