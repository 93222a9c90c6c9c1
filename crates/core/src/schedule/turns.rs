//! Turns by virtual time (start-time fair queueing): each turn moves whoever had it on by the inverse of its weight,
//! and whoever is furthest behind goes next.
//!
//! Invariants: of those who always have something to do, each gets its weight's part of the turns, but for one turn
//! beside each other one; who was idle has saved nothing up; whoever is no longer ahead of all others takes no room.

use std::collections::BTreeMap;

/// A turn costs this much, divided by the weight.
const TURN: u64 = 1 << 20;

/// The virtual time of those who take turns.
#[derive(Clone, Debug)]
pub(super) struct VirtualTime<K> {
    /// Of those who are ahead of `reached`.
    passes: BTreeMap<K, u64>,
    /// Where the latest turn began: nobody begins earlier.
    reached: u64,
}

// Not derived: keys need no default.
impl<K> Default for VirtualTime<K> {
    fn default() -> Self {
        Self { passes: BTreeMap::new(), reached: 0 }
    }
}

impl<K: Copy + Ord> VirtualTime<K> {
    /// Where the next turn of this one would begin: whose is least goes next.
    pub(super) fn pass(&self, who: K) -> u64 {
        self.passes.get(&who).copied().unwrap_or_default().max(self.reached)
    }

    /// It has had a turn, with this weight of one or more.
    pub(super) fn took(&mut self, who: K, weight: u64) {
        let pass = self.pass(who);
        self.reached = pass;
        self.passes.insert(who, pass + TURN / weight.max(1));
        self.passes.retain(|_, pass| *pass > self.reached);
    }

    /// How many of them take room.
    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        self.passes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_no_longer_ahead_is_forgotten() {
        let mut time = VirtualTime::default();
        for passer_by in 0..1_000 {
            time.took(passer_by, 1);
            time.took(1_000, 1);
            assert!(time.kept() <= 2, "{} of {passer_by}", time.kept());
        }
        assert_eq!(time.pass(3), time.pass(2_000), "as one who never came");
    }
}
