//! How many calls of each caller there are in a lane: which caller has a place, and how many leave before it.
//!
//! Not here: which call is next ([`Pool`](super::pool::Pool)).
//!
//! A caller without waiting calls takes no room.

use std::collections::BTreeMap;

use super::caller::{Caller, CallerId, Share};

/// Of a lane's places, one in so many is kept beside the others, for callers who have little waiting.
const KEPT_ONE_IN: usize = 4;

#[derive(Clone, Copy, Debug, Default)]
struct Line {
    share: Share,
    waiting: usize,
}

/// How many calls of each caller wait.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines(BTreeMap<CallerId, Line>);

impl Lines {
    /// One more of this caller.
    pub(crate) fn add(&mut self, caller: Caller) {
        let line = self.0.entry(caller.id).or_default();
        line.share = caller.share;
        line.waiting += 1;
    }

    /// One less.
    pub(crate) fn remove(&mut self, caller: CallerId) {
        let Some(line) = self.0.get_mut(&caller) else { return };
        line.waiting -= 1;
        if line.waiting == 0 {
            self.0.remove(&caller);
        }
    }

    /// How many of this one wait.
    pub(crate) fn of(&self, caller: CallerId) -> usize {
        self.0.get(&caller).map_or(0, |line| line.waiting)
    }

    /// A caller with the share that its calls were given.
    pub(super) fn caller(&self, id: CallerId) -> Caller {
        Caller { id, share: self.0.get(&id).map_or_else(Share::default, |line| line.share) }
    }

    /// How many wait.
    pub(crate) fn total(&self) -> usize {
        self.0.values().map(|line| line.waiting).sum()
    }

    /// How many leave before the caller's next call, at most: all of its own, and of every other caller no more than
    /// its share earns in that time, and one turn that has begun.
    pub(super) fn ahead_of(&self, caller: Caller) -> usize {
        let own = self.of(caller.id);
        let earned = |share: Share| {
            let turns = (own as u64 + 1) * share.weight() / caller.share.weight() + 1;
            usize::try_from(turns).unwrap_or(usize::MAX)
        };
        let others = self.0.iter().filter(|(id, _)| **id != caller.id);
        own + others.map(|(_, line)| line.waiting.min(earned(line.share))).sum::<usize>()
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// Whether one more may wait where `total` wait, `own` of them the same caller's, and there are places for `limit`.
///
/// Who comes first gets these places. A quarter as many are kept beside them for those who come when all are taken: of
/// the kept ones, a caller may leave no fewer free than it has waiting in all. So whoever has filled the lane gets none
/// of them; of the others nobody gets more than half of those left, and the next to come always finds some.
pub(super) fn has_place(total: usize, own: usize, limit: usize) -> bool {
    total < limit || own < (limit + limit / KEPT_ONE_IN).saturating_sub(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(name: &str, share: i64) -> Caller {
        Caller { id: CallerId::of(name), share: Share::try_from(share).unwrap() }
    }

    #[test]
    fn others_are_ahead_with_what_they_earn_and_not_with_all_that_they_have() {
        let (flood, light, heavy) = (caller("flood", 1), caller("light", 1), caller("heavy", 3));
        let mut lines = Lines::default();
        for _ in 0..10_000 {
            lines.add(flood);
        }
        assert_eq!(lines.ahead_of(flood), 10_000, "alone, all that wait are ahead");
        assert_eq!(lines.ahead_of(light), 2);
        assert_eq!(lines.ahead_of(heavy), 1);
        for _ in 0..5 {
            lines.add(light);
            lines.add(heavy);
        }
        // Six turns of its own: six of the flood and one begun, all five of the heavy one.
        assert_eq!(lines.ahead_of(light), 5 + 7 + 5);
        assert_eq!(lines.ahead_of(heavy), 5 + 3 + 3);
        for _ in 0..5 {
            lines.remove(light.id);
        }
        assert_eq!((lines.of(light.id), lines.len()), (0, 2), "who has none takes no room");
    }

    #[test]
    fn one_caller_fills_the_limit_and_others_find_places_still() {
        let limit = 2_000;
        let (mut total, mut taken) = (0, Vec::new());
        for _ in 0..6 {
            let mut own = 0;
            while has_place(total, own, limit) {
                (total, own) = (total + 1, own + 1);
            }
            taken.push(own);
        }
        assert_eq!(taken, [2_000, 250, 125, 63, 31, 16]);
        assert!(!has_place(2_500, 0, limit), "there is an end");
    }
}
