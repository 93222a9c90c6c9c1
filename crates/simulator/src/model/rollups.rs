//! Values that HubSpot computes from the records that a record is tied to, some seconds after what caused them.
//!
//! Sources: HubSpot's descriptions of its default properties; recorded histories of 2026 (source `CALCULATED`, 1 to 18
//! seconds late) and a commit of estuary/connectors of 2025 (the modified date does not move).
//! Invariant: what is computed depends on the records and edges of the moment only, never on the order of calls.

use std::sync::Arc;

use super::Portal;
use super::call::Call;
use super::catalog::{COMPANIES, CONTACTS, DEALS, Kind};
use super::events::Event;
use super::links::End;
use super::property::PropId;
use super::record::{ChangeSource, Snapshot};
use super::time;
use super::value::Decimal;
use crate::wire::Millis;

/// Notes, tasks, meetings, calls, emails, communications and postal mail: what counts as a sales activity.
const ACTIVITIES: [Kind; 7] = [Kind(6), Kind(7), Kind(8), Kind(9), Kind(10), Kind(13), Kind(14)];
/// The types from a company to its child and to its parent.
const TO_CHILD: u32 = 13;
const TO_PARENT: u32 = 14;
/// Shortest and longest delay of a computed value, in milliseconds.
const LATE_MS: (i64, u64) = (1_000, 17_001);
const DAY_MS: i64 = 86_400_000;

/// What the deals of a record add up to.
#[derive(Default)]
struct Deals {
    count: usize,
    open: usize,
    won: usize,
    revenue: Option<Decimal>,
    /// Close date and amount of the deal that was won last.
    recent: Option<(Millis, String, String)>,
    first_created: Option<Millis>,
}

impl Portal {
    /// Notes that what is computed from a record, and from those that it is tied to, may have changed.
    pub(super) fn touch_dependents(&mut self, kind: Kind, id: u64) {
        let end = End { kind, id };
        if kind == DEALS {
            self.links.touch(end);
        } else if self.calculates(kind) {
            self.links.mark(end);
        }
    }

    /// Computes again what depends on the associations that a call changed: now, or some seconds later.
    pub(super) fn settle_rollups(&mut self, call: &mut Call<'_>) {
        for end in self.links.take_touched() {
            self.calculate_later(end, call);
            if !matches!(end.kind, CONTACTS | COMPANIES | DEALS) {
                continue;
            }
            if !self.options.late_properties {
                self.rolled_up(end, None, call.now);
                continue;
            }
            let index_lag = self.draw_index_lag(call);
            let late = LATE_MS.0 + i64::try_from(call.roll(LATE_MS.1)).unwrap_or(0);
            self.schedule(Millis(call.now.0.saturating_add(late)), Event::RolledUp { end, index_lag });
        }
    }

    /// Brings the computed values of a record up to date.
    pub(super) fn rolled_up(&mut self, end: End, index_lag: Option<i64>, at: Millis) {
        let Some(record) = self.catalog.get(end.kind).records.live.get(&end.id) else { return };
        let before = Arc::clone(&record.state);
        let values = self.rollups_of(end, &before);
        let changed = self.write_computed(end, &values, index_lag, at);
        if self.options.lifecycle_follows_deals {
            self.follow_deals(end, index_lag, at);
        }
        if changed && self.calculates(end.kind) {
            self.calculate_after(end, index_lag, at);
        }
    }

    fn rollups_of(&self, end: End, state: &Snapshot) -> Vec<(PropId, String)> {
        let table = &self.catalog.get(end.kind).properties;
        let mut out = Vec::new();
        // A value that would be nothing is not written where nothing was before.
        let mut put = |name: &str, value: String, nothing: &str| {
            let Some(place) = table.find(name) else { return };
            if value != nothing || state.get(place).is_some() {
                out.push((place, value));
            }
        };
        let count = |to: Kind| self.links.of(end, to, 0).count();
        let activities: usize = ACTIVITIES.into_iter().map(count).sum();
        put("num_notes", activities.to_string(), "0");
        if end.kind == DEALS {
            put("num_associated_contacts", count(CONTACTS).to_string(), "0");
            put("days_to_close", self.days_to_close(state), "");
            return out;
        }
        let deals = self.deals_of(end);
        put("num_associated_deals", deals.count.to_string(), "0");
        put("hs_num_open_deals", deals.open.to_string(), "0");
        put("total_revenue", deals.revenue.map(Decimal::print).unwrap_or_default(), "");
        let (closed, amount) = deals.recent.map(|(_, closed, amount)| (closed, amount)).unwrap_or_default();
        put("recent_deal_amount", amount, "");
        put("recent_deal_close_date", closed, "");
        put("first_deal_created_date", deals.first_created.map(time::iso).unwrap_or_default(), "");
        if end.kind == CONTACTS {
            put("associatedcompanyid", self.primary_company(end), "");
        } else {
            put("num_associated_contacts", count(CONTACTS).to_string(), "0");
            let tied = |id: u32| {
                let edges = self.links.of(end, COMPANIES, 0);
                edges.filter(move |(_, types)| types.contains(&id)).map(|(other, _)| other.id)
            };
            put("hs_num_child_companies", tied(TO_CHILD).count().to_string(), "0");
            put("hs_parent_company_id", tied(TO_PARENT).next().map(|id| id.to_string()).unwrap_or_default(), "");
        }
        out
    }

    fn primary_company(&self, end: End) -> String {
        let primary = self.links.types(end.kind, COMPANIES).iter().find(|known| known.only_one);
        let mut edges = self.links.of(end, COMPANIES, 0);
        let found = primary.and_then(|known| edges.find(|(_, types)| types.contains(&known.id)));
        found.map(|(company, _)| company.id.to_string()).unwrap_or_default()
    }

    fn deals_of(&self, end: End) -> Deals {
        let object_type = self.catalog.get(DEALS);
        let mut sums = Deals::default();
        for (deal, _) in self.links.of(end, DEALS, 0) {
            let Some(record) = object_type.records.live.get(&deal.id) else { continue };
            let text = |name: &str| object_type.properties.find(name).and_then(|place| record.state.get(place));
            sums.count += 1;
            sums.open += usize::from(text("hs_is_closed") != Some("true"));
            sums.first_created =
                Some(sums.first_created.map_or(record.state.created, |at| at.min(record.state.created)));
            if text("hs_is_closed_won") != Some("true") {
                continue;
            }
            sums.won += 1;
            let amount = text("amount").unwrap_or_default();
            if let Some(more) = Decimal::parse(amount) {
                sums.revenue = Some(sums.revenue.and_then(|sum| sum.plus(more)).unwrap_or(more));
            }
            let closed = text("closedate").unwrap_or_default();
            if let Some(at) = time::parse(closed)
                && sums.recent.as_ref().is_none_or(|(latest, ..)| at >= *latest)
            {
                sums.recent = Some((at, closed.to_owned(), amount.to_owned()));
            }
        }
        sums
    }

    /// Whole days from the creation of a closed deal to its close date.
    fn days_to_close(&self, state: &Snapshot) -> String {
        let table = &self.catalog.get(DEALS).properties;
        let text = |name: &str| table.find(name).and_then(|place| state.get(place)).unwrap_or_default();
        let closed = time::parse(text("closedate")).filter(|_| text("hs_is_closed") == "true");
        let days = closed.map(|closed| (closed.0 - state.created.0).div_euclid(DAY_MS).max(0));
        days.map(|days| days.to_string()).unwrap_or_default()
    }

    /// Moves the lifecycle stage on with the deals: an opportunity has one, a customer has won one.
    fn follow_deals(&mut self, end: End, index_lag: Option<i64>, at: Millis) {
        if !matches!(end.kind, CONTACTS | COMPANIES) {
            return;
        }
        let deals = self.deals_of(end);
        let stage = match (deals.won, deals.count) {
            (1.., _) => "customer",
            (0, 1..) => "opportunity",
            (0, 0) => return,
        };
        let object_type = self.catalog.get(end.kind);
        let place = object_type.properties.find("lifecyclestage");
        let Some((place, record)) = place.zip(object_type.records.live.get(&end.id)) else { return };
        let mut state = (*record.state).clone();
        let value = self.merged_value(end.kind, place, stage, &state);
        if !state.set(place, &value) {
            return;
        }
        state.updated = at;
        self.derive(end.kind, &mut state, end.id, false);
        self.replace_state(end.kind, end.id, state, ChangeSource::Calculated, at);
        self.index_computed(end, index_lag, at);
    }
}
