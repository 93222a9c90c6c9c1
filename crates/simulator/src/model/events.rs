//! What happens later without a call: the search index catches up, analytics properties appear.
//!
//! One ordered list of future events; equal times keep the order in which they were scheduled.

use std::sync::Arc;

use super::Portal;
use super::call::Call;
use super::catalog::Kind;
use super::feed::Origin;
use super::links::End;
use super::options::IndexLag;
use super::record::{ChangeSource, Snapshot};
use crate::wire::Millis;

/// Share of writes that are indexed by then (in thousandths), and the bounds of their lag in milliseconds.
///
/// From 95 recorded searches after a create: none of 52 found the record in the first two seconds, 2 of 22 at three
/// seconds, 3 of 4 at five, all 13 from six seconds on.
const INDEX_LAG: [(u64, i64, i64); 3] = [(91, 2_500, 3_500), (750, 3_500, 5_500), (1000, 5_500, 6_000)];

/// Something that is due later.
#[derive(Debug)]
pub(super) enum Event {
    /// Search begins to see a state of a record.
    Indexed {
        /// Its type.
        kind: Kind,
        /// Its id.
        id: u64,
        /// The state as it was written.
        state: Arc<Snapshot>,
    },
    /// What the portal's formulas say of a record is known.
    Calculated {
        /// The record.
        end: End,
        /// How much later search sees it.
        index_lag: Option<i64>,
    },
    /// What is computed from the associations of a record is known.
    RolledUp {
        /// The record.
        end: End,
        /// How much later search sees it.
        index_lag: Option<i64>,
    },
    /// The traffic source of a new record is known.
    Analysed {
        /// Its type.
        kind: Kind,
        /// Its id.
        id: u64,
    },
}

impl Portal {
    pub(super) fn schedule(&mut self, at: Millis, event: Event) {
        self.event_count += 1;
        self.due.insert((at, self.event_count), event);
    }

    /// The lag of one write, or nothing when search does not lag.
    pub(super) fn draw_index_lag(&self, call: &mut Call<'_>) -> Option<i64> {
        match self.options.index_lag {
            IndexLag::Off => None,
            IndexLag::Recorded => {
                let share = call.roll(1000);
                let (_, from, to) = INDEX_LAG.into_iter().find(|(until, _, _)| share < *until)?;
                let width = u64::try_from(to - from).unwrap_or(0);
                Some(from + i64::try_from(call.roll(width + 1)).unwrap_or(0))
            }
        }
    }

    /// When the next event is due.
    pub fn next_due(&self) -> Option<Millis> {
        self.due.first_key_value().map(|((at, _), _)| *at)
    }

    /// Lets everything happen that is due by now.
    pub fn advance(&mut self, now: Millis) {
        self.act_as(Origin::HubSpot);
        self.now = self.now.max(now);
        self.empty_bin(now);
        while let Some(entry) = self.due.first_entry() {
            if entry.key().0 > now {
                return;
            }
            let ((at, _), event) = entry.remove_entry();
            match event {
                Event::Indexed { kind, id, state } => self.indexed(kind, id, state),
                Event::Calculated { end, index_lag } => self.calculated(end, index_lag, at),
                Event::RolledUp { end, index_lag } => self.rolled_up(end, index_lag, at),
                Event::Analysed { kind, id } => self.analysed(kind, id, at),
            }
        }
    }

    fn indexed(&mut self, kind: Kind, id: u64, state: Arc<Snapshot>) {
        let records = &mut self.catalog.get_mut(kind).records;
        let newer = records.index.get(id).is_some_and(|seen| seen.revision > state.revision);
        if records.live.contains_key(&id) && !newer {
            records.index.insert(id, state);
        }
    }

    /// Sets the traffic source without moving the modified date: calculated changes do not.
    fn analysed(&mut self, kind: Kind, id: u64, at: Millis) {
        let names = ["hs_analytics_source", "hs_latest_source"];
        let table = &self.catalog.get(kind).properties;
        let places: Vec<_> = names.into_iter().filter_map(|name| table.find(name)).collect();
        let Some(record) = self.catalog.get(kind).records.live.get(&id) else { return };
        let mut state = (*record.state).clone();
        for place in places {
            state.set(place, "OFFLINE");
        }
        self.replace_state(kind, id, state, ChangeSource::Calculated, at);
    }
}
