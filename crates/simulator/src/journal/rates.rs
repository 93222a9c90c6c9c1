//! How often an app may call its journal: HubSpot's documentation of September 2026 names three limits per second.

use std::collections::{BTreeMap, VecDeque};

use crate::wire::Millis;

/// What a call is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Family {
    Journal,
    Subscriptions,
    Snapshots,
}

impl Family {
    /// The calls of an app in a second.
    pub(super) fn per_second(self) -> usize {
        match self {
            Self::Journal => 100,
            Self::Subscriptions => 50,
            Self::Snapshots => 10,
        }
    }
}

/// The calls of the last second.
#[derive(Debug, Default)]
pub(super) struct Rates(BTreeMap<(u64, Family), VecDeque<Millis>>);

impl Rates {
    /// Counts a call, or says that it is one too many.
    pub(super) fn admit(&mut self, app_id: u64, family: Family, now: Millis) -> bool {
        let recent = self.0.entry((app_id, family)).or_default();
        while recent.front().is_some_and(|at| at.0 + 1_000 <= now.0) {
            recent.pop_front();
        }
        let admitted = recent.len() < family.per_second();
        if admitted {
            recent.push_back(now);
        }
        admitted
    }
}
