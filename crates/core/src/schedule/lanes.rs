//! Whose turn it is: four lanes with weights, and the pace of background work.
//!
//! Work-conserving (whoever waits and may go, goes) and without starvation (every lane's share of the turns is at
//! least its weight's). Interactive work that comes now and then takes the very next turn.
//!
//! Background lanes may burst to a share of the window; then they are paced so that permits become free evenly, at the
//! limit's rate: a hundred and ninety calls at once would block everybody for ten seconds.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::turns::VirtualTime;
use crate::time::Mono;

/// How fast background work may catch up when many permits become free at once: five quarters of the limit's rate.
const CATCH_UP: (u32, u32) = (5, 4);

/// The kind of hurry that a call is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// Somebody waits for the answer.
    Interactive,
    /// A change that should show soon.
    Realtime,
    /// Backfills and large synchronisations.
    Bulk,
    /// Reports and checks: whenever there is room.
    Reporting,
}

impl Lane {
    /// All lanes, the most urgent first.
    pub const ALL: [Self; 4] = [Self::Interactive, Self::Realtime, Self::Bulk, Self::Reporting];

    /// Its share of the turns when all lanes have work.
    pub const fn weight(self) -> u64 {
        match self {
            Self::Interactive => 16,
            Self::Realtime => 8,
            Self::Bulk => 4,
            Self::Reporting => 1,
        }
    }

    /// Whether it is paced, and kept away from the reserve.
    pub const fn is_background(self) -> bool {
        match self {
            Self::Interactive | Self::Realtime => false,
            Self::Bulk | Self::Reporting => true,
        }
    }

    pub(super) const fn index(self) -> usize {
        match self {
            Self::Interactive => 0,
            Self::Realtime => 1,
            Self::Bulk => 2,
            Self::Reporting => 3,
        }
    }
}

/// One value for each lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PerLane<T>([T; 4]);

impl<T> PerLane<T> {
    /// Takes the values, the most urgent lane first.
    pub const fn new(values: [T; 4]) -> Self {
        Self(values)
    }

    /// The value of a lane.
    pub fn get(&self, lane: Lane) -> &T {
        let [interactive, realtime, bulk, reporting] = &self.0;
        match lane {
            Lane::Interactive => interactive,
            Lane::Realtime => realtime,
            Lane::Bulk => bulk,
            Lane::Reporting => reporting,
        }
    }

    /// The value of a lane, to change.
    pub fn get_mut(&mut self, lane: Lane) -> &mut T {
        let [interactive, realtime, bulk, reporting] = &mut self.0;
        match lane {
            Lane::Interactive => interactive,
            Lane::Realtime => realtime,
            Lane::Bulk => bulk,
            Lane::Reporting => reporting,
        }
    }
}

/// Chooses between lanes by virtual time and weight. A lane that was idle has saved nothing up.
#[derive(Clone, Debug, Default)]
pub struct Turns(VirtualTime<Lane>);

impl Turns {
    /// The lane whose turn it is among those that may go.
    pub fn choose(&self, may_go: PerLane<bool>) -> Option<Lane> {
        let candidates = Lane::ALL.into_iter().filter(|lane| *may_go.get(*lane));
        candidates.min_by_key(|lane| (self.0.pass(*lane), lane.index()))
    }

    /// The lane has had its turn.
    pub fn took(&mut self, lane: Lane) {
        self.0.took(lane, lane.weight());
    }
}

/// The state of a window, as far as pacing needs it.
#[derive(Clone, Copy, Debug)]
pub struct WindowView {
    /// Permits in the whole window.
    pub limit: u32,
    /// Permits that count now.
    pub used: u32,
    /// Permits that may be given out now.
    pub available: u32,
    /// The window's span.
    pub span: Duration,
    /// When the oldest permit is given back, if any is on its way back.
    pub next_release: Option<Mono>,
}

/// The pace of the background lanes of one window.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    last: Option<Mono>,
}

impl Pace {
    /// When the next background call may leave; none while only a release can help.
    pub fn next(&self, window: &WindowView, burst_percent: u32, reserve: u32, now: Mono) -> Option<Mono> {
        if window.available <= reserve {
            return None;
        }
        let burst = u64::from(window.limit) * u64::from(burst_percent) / 100;
        let Some(last) = self.last.filter(|_| u64::from(window.used) >= burst) else { return Some(now) };
        // Spread what is left evenly until the oldest permit comes back.
        let oldest = window.next_release.unwrap_or(last + window.span);
        let even = (oldest - last) / (window.available + 1);
        let (times, of) = CATCH_UP;
        let floor = window.span * of / (window.limit.max(1) * times);
        Some(last + even.max(floor))
    }

    /// A background call leaves.
    pub fn took(&mut self, now: Mono) {
        self.last = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn idle_lane_saves_nothing_up_and_goes_next_when_it_wakes() {
        let mut turns = Turns::default();
        let bulk_only = PerLane::new([false, false, true, false]);
        for _ in 0..1_000 {
            assert_eq!(turns.choose(bulk_only), Some(Lane::Bulk));
            turns.took(Lane::Bulk);
        }
        let both = PerLane::new([true, false, true, false]);
        assert_eq!(turns.choose(both), Some(Lane::Interactive));
        let mut interactive = 0;
        for _ in 0..20 {
            let lane = turns.choose(both).unwrap();
            interactive += u32::from(lane == Lane::Interactive);
            turns.took(lane);
        }
        assert!((15..=17).contains(&interactive), "sixteen of twenty, not all: {interactive}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn lane_with_work_gets_at_least_its_share(others in prop::collection::vec(any::<[bool; 4]>(), 400), lane in 0_usize..4) {
            let lane = Lane::ALL[lane];
            let mut turns = Turns::default();
            let mut had = 0_u64;
            for mut may_go in others.clone() {
                may_go[lane.index()] = true;
                let chosen = turns.choose(PerLane::new(may_go)).unwrap();
                prop_assert!(may_go[chosen.index()]);
                had += u64::from(chosen == lane);
                turns.took(chosen);
            }
            let all: u64 = Lane::ALL.iter().map(|lane| lane.weight()).sum();
            let due = others.len() as u64 * lane.weight() / all;
            // One turn of slack for each other lane that wakes.
            prop_assert!(had + 4 >= due, "{lane:?} had {had} of {due}");
        }
    }

    #[test]
    fn background_work_bursts_to_its_share_and_is_then_spread() {
        let mut pace = Pace::default();
        let mut window =
            WindowView { limit: 100, used: 0, available: 100, span: Duration::from_secs(10), next_release: None };
        let now = Mono(1_000_000);
        for _ in 0..20 {
            assert_eq!(pace.next(&window, 20, 1, now), Some(now));
            pace.took(now);
            window.used += 1;
            window.available -= 1;
        }
        // Eighty permits, ten seconds: a call every 123 ms.
        assert_eq!(pace.next(&window, 20, 1, now), Some(now + Duration::from_secs(10) / 81));
        window.available = 1;
        assert_eq!(pace.next(&window, 20, 1, now), None, "the reserve is not for background work");
    }
}
