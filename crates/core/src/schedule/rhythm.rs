//! How close the batches of one key follow one another while their window fills up.
//!
//! An idle key sends at once, so where answers come fast hardly anything gathers: many callers together would use the
//! window up in a second or two, one call each, and then all of them would wait for seconds. From a named share of the
//! window on, the batches of a key leave at intervals instead, and what comes between gathers. A caller who is alone
//! gets the rate of the limit itself, evenly and not in bursts; a key whose calls do gather leaves a third of the rate
//! to everything else. Where an answer takes longer than the interval nobody waits.
//!
//! Not here: full batches, and calls whose deadline is nearer: neither is held back.

use std::collections::{BTreeMap, BTreeSet};

use super::coalesce::{GATHER_MAX, JoinKey};
use super::lanes::WindowView;
use crate::time::Mono;

/// The share of a window that is used without any interval, in percent.
const FREE_PERCENT: u32 = 25;

/// The intervals that are running, by key. A key without one takes no room.
#[derive(Debug, Default)]
pub(super) struct Rhythm {
    next: BTreeMap<JoinKey, Mono>,
    order: BTreeSet<(Mono, JoinKey)>,
}

impl Rhythm {
    /// A batch of the key has left with so many inputs; `view` is its window with that batch in it.
    pub(super) fn handle_send(&mut self, key: &JoinKey, inputs: usize, view: &WindowView, now: Mono) {
        if u64::from(view.used) * 100 < u64::from(view.limit) * u64::from(FREE_PERCENT) {
            return;
        }
        let even = view.span / view.limit.max(1);
        let interval = if inputs > 1 { even * 3 / 2 } else { even };
        self.hold(key, now + interval.min(GATHER_MAX));
    }

    fn hold(&mut self, key: &JoinKey, until: Mono) {
        if let Some(before) = self.next.insert(key.clone(), until) {
            self.order.remove(&(before, key.clone()));
        }
        self.order.insert((until, key.clone()));
    }

    /// Until when the next batch of the key is held back, if it is.
    pub(super) fn held_until(&self, key: &JoinKey, now: Mono) -> Option<Mono> {
        self.next.get(key).copied().filter(|until| *until > now)
    }

    /// Forgets the intervals that are over, and names their keys: what has gathered there may leave.
    pub(super) fn handle_timeout(&mut self, now: Mono) -> Vec<JoinKey> {
        let mut over = Vec::new();
        while let Some((_, key)) = self.order.first().filter(|(until, _)| *until <= now).cloned() {
            self.order.pop_first();
            self.next.remove(&key);
            over.push(key);
        }
        over
    }

    /// When the next interval is over.
    pub(super) fn poll_timeout(&self) -> Option<Mono> {
        self.order.first().map(|(until, _)| *until)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn view(used: u32) -> WindowView {
        let span = Duration::from_secs(10);
        WindowView { limit: 200, used, available: 200 - used, span, next_release: None }
    }

    fn key(name: &str) -> JoinKey {
        JoinKey(name.to_owned())
    }

    #[test]
    fn an_empty_window_holds_nobody_back() {
        let mut rhythm = Rhythm::default();
        rhythm.handle_send(&key("a"), 3, &view(49), Mono(0));
        assert_eq!((rhythm.held_until(&key("a"), Mono(0)), rhythm.poll_timeout()), (None, None));
    }

    #[test]
    fn a_lone_caller_gets_the_limits_rate_and_calls_that_gather_two_thirds_of_it() {
        let mut rhythm = Rhythm::default();
        rhythm.handle_send(&key("a"), 1, &view(50), Mono(0));
        assert_eq!(rhythm.held_until(&key("a"), Mono(0)), Some(Mono(50_000)));
        assert_eq!(rhythm.held_until(&key("b"), Mono(0)), None);
        rhythm.handle_send(&key("a"), 2, &view(51), Mono(50_000));
        assert_eq!(rhythm.held_until(&key("a"), Mono(50_000)), Some(Mono(125_000)));
        assert_eq!(rhythm.poll_timeout(), Some(Mono(125_000)), "the interval before is forgotten");
    }

    #[test]
    fn an_interval_that_is_over_is_forgotten() {
        let mut rhythm = Rhythm::default();
        rhythm.handle_send(&key("a"), 1, &view(60), Mono(0));
        assert!(rhythm.handle_timeout(Mono(49_999)).is_empty());
        assert_eq!(rhythm.poll_timeout(), Some(Mono(50_000)));
        assert_eq!(rhythm.handle_timeout(Mono(50_000)), [key("a")]);
        assert_eq!((rhythm.poll_timeout(), rhythm.held_until(&key("a"), Mono(0))), (None, None));
    }

    #[test]
    fn a_small_limit_holds_back_no_longer_than_a_batch_gathers() {
        let mut rhythm = Rhythm::default();
        let small = WindowView { limit: 2, used: 1, available: 1, ..view(0) };
        rhythm.handle_send(&key("a"), 5, &small, Mono(0));
        assert_eq!(rhythm.held_until(&key("a"), Mono(0)), Some(Mono(0) + GATHER_MAX));
    }
}
