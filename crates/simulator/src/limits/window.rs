//! A counter over the last seconds, in the two shapes that HubSpot's may have.
//!
//! `exact` forgets each call a full span after it; `seconds` sums whole-second buckets, the current one and those just
//! before it, which is what 316 of 409 recorded `Remaining` values follow to the unit (answers to an API key in the
//! public tests of grouparoo/grouparoo, 2022; one second more or less matches fewer than 200). Invariant: `total` is the sum of the slots kept, and time never runs backwards.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::wire::Millis;

/// How the server remembers the calls of the last seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WindowModel {
    /// A true sliding window: a call is forgotten exactly one span after it was counted. The stricter model.
    #[default]
    Exact,
    /// Whole-second buckets: the current second plus the span's other seconds before it.
    Seconds,
}

/// One rolling counter.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    slot_ms: i64,
    slots: i64,
    counts: VecDeque<(i64, u32)>,
    total: u32,
}

impl Window {
    /// Makes an empty window over `span_seconds`.
    pub(crate) fn new(model: WindowModel, span_seconds: i64) -> Self {
        let (slot_ms, slots) = match model {
            WindowModel::Exact => (1, span_seconds * 1000),
            WindowModel::Seconds => (1000, span_seconds),
        };
        Self { slot_ms, slots, counts: VecDeque::new(), total: 0 }
    }

    /// Says how many calls the window holds at `now`.
    pub(crate) fn used(&mut self, now: Millis) -> u32 {
        let oldest_kept = now.0.div_euclid(self.slot_ms) - self.slots + 1;
        while let Some(&(slot, count)) = self.counts.front() {
            if slot >= oldest_kept {
                break;
            }
            self.total -= count;
            self.counts.pop_front();
        }
        self.total
    }

    /// Counts one call at `now`.
    pub(crate) fn add(&mut self, now: Millis) {
        let slot = now.0.div_euclid(self.slot_ms);
        self.total += 1;
        match self.counts.back_mut() {
            Some((last, count)) if *last == slot => *count += 1,
            _ => self.counts.push_back((slot, 1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same question answered from the whole history, one call at a time.
    fn naive(model: WindowModel, span_seconds: i64, history: &[i64], now: i64) -> u32 {
        let inside = |at: &&i64| match model {
            WindowModel::Exact => **at > now - span_seconds * 1000,
            WindowModel::Seconds => at.div_euclid(1000) > now.div_euclid(1000) - span_seconds,
        };
        u32::try_from(history.iter().filter(inside).count()).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn both_models_agree_with_a_count_over_the_whole_history(
            steps in proptest::collection::vec(0_i64..4_000, 1..80),
            span in prop_oneof![Just(1_i64), Just(10_i64)],
        ) {
            for model in [WindowModel::Exact, WindowModel::Seconds] {
                let mut window = Window::new(model, span);
                let mut history = Vec::new();
                let mut now = 1_764_000_000_123;
                for step in &steps {
                    now += step;
                    prop_assert_eq!(window.used(Millis(now)), naive(model, span, &history, now));
                    window.add(Millis(now));
                    history.push(now);
                    prop_assert_eq!(window.used(Millis(now)), naive(model, span, &history, now));
                }
            }
        }
    }

    #[test]
    fn the_two_models_part_where_a_second_turns() {
        let mut exact = Window::new(WindowModel::Exact, 10);
        let mut seconds = Window::new(WindowModel::Seconds, 10);
        for window in [&mut exact, &mut seconds] {
            window.add(Millis(900));
        }
        assert_eq!((exact.used(Millis(9_999)), seconds.used(Millis(9_999))), (1, 1));
        assert_eq!((exact.used(Millis(10_000)), seconds.used(Millis(10_000))), (1, 0));
        assert_eq!((exact.used(Millis(10_899)), exact.used(Millis(10_900))), (1, 0));
    }

    /// Seconds and `Remaining` of the recorded answers to an API key, searches left out, in the order of time.
    fn recorded() -> Option<Vec<(i64, u32)>> {
        #[expect(clippy::disallowed_methods, reason = "the recordings live outside the repository")]
        let folder = std::env::var("LINCHPIN_SHARED").unwrap_or_default();
        if folder.is_empty() {
            println!("skipped: LINCHPIN_SHARED does not name the folder of the recordings");
            return None;
        }
        let path = format!("{folder}/hubspot/recordings/grouparoo_ratelimit_timeline.csv");
        let text = std::fs::read_to_string(path).unwrap();
        let mut calls: Vec<(i64, u32)> = text
            .lines()
            .map(|line| line.split(',').collect::<Vec<_>>())
            .filter(|columns| columns[2] == "api_key" && !columns[10].is_empty())
            .map(|columns| {
                let date: jiff::Timestamp = columns[0].parse().unwrap();
                (date.as_second(), columns[10].parse().unwrap())
            })
            .collect();
        calls.sort_by_key(|(second, _)| *second);
        Some(calls)
    }

    #[test]
    fn recorded_remaining_values_follow_ten_whole_seconds() {
        let Some(calls) = recorded() else { return };
        let matches = |span: i64| {
            let mut window = Window::new(WindowModel::Seconds, span);
            let fits = |(second, remaining): &&(i64, u32)| {
                let now = Millis(second * 1_000);
                window.add(now);
                100_u32.checked_sub(window.used(now)) == Some(*remaining)
            };
            calls.iter().filter(fits).count()
        };
        assert_eq!(calls.len(), 409);
        assert_eq!((matches(9), matches(10), matches(11)), (169, 316, 192));
    }
}
