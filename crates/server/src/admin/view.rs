//! From what the gateway knows to what the admin interface shows.

use std::collections::{BTreeMap, BTreeSet};

use linchpin_core::gateway::usage::{Row, Usage};
use linchpin_core::schedule::breaker::State as Breaker;
use linchpin_core::schedule::budget::{DayScope, Scope};
use linchpin_core::schedule::lanes::{self, Lane};
use linchpin_core::schedule::{DaySnapshot, Snapshot, WindowSnapshot};
use linchpin_core::time::Mono;
use linchpin_engine::follow;
use linchpin_engine::gateway::operations::Counts as Operations;
use linchpin_engine::gateway::{Mirrored, Saved, caller_name};
use linchpin_engine::ingress::Counts;
use linchpin_engine::journal::Report;
use linchpin_hubspot::call::Family;
use linchpin_hubspot::id::Install;
use serde::Serialize;

use super::shapes;
use crate::callers::CallerAccount;
use crate::telling::Figures;

/// Every family of endpoints.
pub(crate) const FAMILIES: [Family; 11] = [
    Family::Objects,
    Family::Search,
    Family::Associations,
    Family::Schema,
    Family::Pipelines,
    Family::Owners,
    Family::Lists,
    Family::Account,
    Family::Token,
    Family::Webhooks,
    Family::Other,
];

/// What the gateway looks like at one moment.
pub struct State {
    /// The account.
    pub install: Install,
    /// The scheduler.
    pub snapshot: Snapshot,
    /// What was joined.
    pub saved: Saved,
    /// Calls by caller and route.
    pub usage: Usage,
    /// Whether `usage` says what would have been.
    pub shadow: bool,
    /// Who may call.
    pub callers: Vec<CallerAccount>,
    /// What Linchpin refused, by the reason.
    pub refused: BTreeMap<&'static str, u64>,
    /// What HubSpot has delivered.
    pub webhooks: Counts,
    /// Echoes that came in, by the caller whose writes they tell of.
    pub echoes: BTreeMap<String, u64>,
    /// What the readers of journals have done.
    pub journals: Vec<Report>,
    /// What became of it.
    pub follow: follow::Counts,
    /// What became of promised writes.
    pub operations: Operations,
    /// How many dead letters there are; none if nobody knows.
    pub dead_letters: Option<u64>,
    /// What other programs are told.
    pub telling: Figures,
    /// The moment.
    pub now: Mono,
}

impl State {
    /// The windows of the account. The door has others, of the questions that tell whose the credential is.
    pub(crate) fn windows(&self) -> impl Iterator<Item = &WindowSnapshot> {
        let Install { portal, app } = self.install;
        self.snapshot.windows.iter().filter(move |window| match window.scope {
            Scope::Burst(of) => of == Install { portal, app },
            Scope::Search(of) | Scope::Association(of) => of == portal,
            Scope::Token(of) | Scope::Journal(of) => of == app,
        })
    }

    /// The days of the account.
    pub(crate) fn days(&self) -> impl Iterator<Item = &DaySnapshot> {
        let portal = self.install.portal;
        self.snapshot.days.iter().filter(move |day| match day.scope {
            DayScope::Account(of) | DayScope::Association(of) => of == portal,
        })
    }

    pub(super) fn portals(&self) -> shapes::Portals {
        let snapshot = &self.snapshot;
        let windows = self.windows().map(|window| shapes::Window {
            window: window_name(window.scope).to_owned(),
            used: window.used,
            limit: window.limit,
            waiting: per_lane(&window.waiting),
        });
        let days = self.days().map(|day| shapes::Day {
            day: day_name(day.scope).to_owned(),
            used: day.used,
            limit: day.limit,
            ends_ms: day.ends.map(|ends| ends.0),
        });
        let portal = shapes::Portal {
            portal: self.install.portal.0,
            app: self.install.app.0,
            windows: windows.collect(),
            days: days.collect(),
            in_flight: snapshot.in_flight,
            backing_off: snapshot.backing_off,
            gathering: snapshot.gathering,
        };
        shapes::Portals { portals: vec![portal] }
    }

    pub(super) fn callers(&self) -> shapes::Callers {
        let mut rows: BTreeMap<&str, (Option<&CallerAccount>, Row)> = BTreeMap::new();
        for caller in &self.callers {
            rows.entry(&caller.name).or_default().0 = Some(caller);
        }
        for (kind, row) in self.usage.rows() {
            rows.entry(caller_name(&kind.caller)).or_default().1.add(row);
        }
        let callers = rows.into_iter().map(|(name, (account, row))| shapes::Caller {
            name: name.to_owned(),
            lane: account.map(|account| name_of(&account.lane)),
            share: account.map(|account| account.share.weight()),
            daily_quota: account.and_then(|account| account.daily_quota),
            used_today: account.map_or(0, |account| account.used_today),
            echoes: self.echoes.get(name).copied().unwrap_or_default(),
            calls: calls(&row),
        });
        shapes::Callers { callers: callers.collect() }
    }

    pub(super) fn lanes(&self) -> shapes::Lanes {
        let lanes = Lane::ALL.map(|lane| shapes::Lane {
            lane: name_of(&lane),
            weight: lane.weight(),
            calls: *self.saved.lanes.get(lane),
            waiting: self.windows().map(|window| *window.waiting.get(lane) as u64).sum(),
        });
        shapes::Lanes { lanes: lanes.into() }
    }

    pub(super) fn counters(&self) -> shapes::Counters {
        let totals = self.snapshot.totals;
        let Mirrored { hits, records, misses, bypassed, refused } = self.saved.mirrored;
        shapes::Counters {
            calls: self.saved.asked,
            joined: self.saved.together,
            repeated: self.saved.again,
            refused: self.refused.iter().map(|(reason, count)| ((*reason).to_owned(), *count)).collect(),
            mirror: shapes::MirrorReads { hits, records, misses, bypassed, refused },
            upstream: shapes::Upstream {
                attempts: totals.sent,
                retries: totals.retries,
                rate_limited: totals.rate_limited,
                rate_limited_foreign: totals.rate_limited_foreign,
            },
        }
    }

    pub(super) fn breakers(&self) -> shapes::Breakers {
        let breakers = breakers(&self.snapshot, self.install).into_iter().map(|(install, family, state)| {
            let (failures, until) = match state {
                Breaker::Closed { failures } => (failures, None),
                Breaker::Open { until } => (0, Some(until)),
                Breaker::HalfOpen => (0, None),
            };
            shapes::Breaker {
                portal: install.portal.0,
                app: install.app.0,
                family: name_of(&family),
                state: breaker_state(state),
                failures,
                opens_in_ms: until.map(|until| u64::try_from((until - self.now).as_millis()).unwrap_or(u64::MAX)),
            }
        });
        shapes::Breakers { breakers: breakers.collect() }
    }

    pub(super) fn journals(&self) -> shapes::Journals {
        let journals = self.journals.iter().map(|report| shapes::Journal {
            app: report.app.0,
            state: report.state.name().to_owned(),
            code: report.code.map(str::to_owned),
            read_until_ms: report.read_until.map(|until| until.0),
            files: report.files,
            skipped: report.skipped,
            new: report.events.new,
            repeated: report.events.repeated,
            known: report.events.known,
            not_understood: report.not_understood,
            missed_by_webhooks: report.compared.by_journal_alone.clone(),
            missed_by_journal: report.compared.by_webhooks_alone.clone(),
            told_by_both: report.compared.by_both,
            gaps: report.gaps,
            last_gap: report.last_gap.map(|gap| shapes::Gap { from_ms: gap.from.0, until_ms: gap.until.0 }),
        });
        shapes::Journals { journals: journals.collect() }
    }

    pub(super) fn usage(&self, granted: Option<&[String]>) -> shapes::Usage {
        let mut total = Row::default();
        let rows = self.usage.rows().map(|(kind, row)| {
            total.add(row);
            shapes::UsageRow {
                caller: caller_name(&kind.caller).to_owned(),
                route: kind.route.clone(),
                calls: calls(row),
            }
        });
        let rows = rows.collect();
        let scopes = granted.map(|granted| scopes(granted, self.usage.scopes()));
        shapes::Usage { shadow: self.shadow, rows, total: calls(&total), scopes }
    }
}

/// The breaker of each family of the account, and of whatever else has failed.
pub(crate) fn breakers(snapshot: &Snapshot, install: Install) -> Vec<(Install, Family, Breaker)> {
    let quiet = FAMILIES.map(|family| ((install, family), Breaker::Closed { failures: 0 }));
    let mut all = BTreeMap::from(quiet);
    all.extend(snapshot.breakers.iter().copied());
    all.into_iter().map(|((install, family), state)| (install, family, state)).collect()
}

/// The state of a breaker, without its numbers.
pub(crate) fn breaker_state(state: Breaker) -> shapes::BreakerState {
    match state {
        Breaker::Closed { .. } => shapes::BreakerState::Closed,
        Breaker::HalfOpen => shapes::BreakerState::HalfOpen,
        Breaker::Open { .. } => shapes::BreakerState::Open,
    }
}

/// The name of a window.
pub(crate) fn window_name(scope: Scope) -> &'static str {
    match scope {
        Scope::Burst(_) => "burst",
        Scope::Search(_) => "search",
        Scope::Association(_) => "association",
        Scope::Token(_) => "token",
        Scope::Journal(_) => "journal",
    }
}

/// The name of a day.
pub(crate) fn day_name(scope: DayScope) -> &'static str {
    match scope {
        DayScope::Account(_) => "account",
        DayScope::Association(_) => "association",
    }
}

/// The name of a lane or family, as it stands in configurations.
pub(crate) fn name_of(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        Ok(other) => other.to_string(),
        Err(error) => error.to_string(),
    }
}

fn per_lane(values: &lanes::PerLane<usize>) -> shapes::PerLane {
    let [interactive, realtime, bulk, reporting] = Lane::ALL.map(|lane| *values.get(lane) as u64);
    shapes::PerLane { interactive, realtime, bulk, reporting }
}

fn calls(row: &Row) -> shapes::Calls {
    shapes::Calls {
        calls: row.calls,
        needed: row.needed,
        saved: row.saved(),
        joined: row.joined,
        same: row.same,
        kept: row.kept,
        repeated: row.repeated,
        failed: row.failed,
        alone: row.alone.iter().map(|(why, count)| ((*why).to_owned(), *count)).collect(),
    }
}

fn scopes(granted: &[String], used: &BTreeSet<String>) -> shapes::Scopes {
    let unused = granted.iter().filter(|scope| !used.contains(*scope)).cloned().collect();
    shapes::Scopes { granted: granted.to_vec(), used: used.iter().cloned().collect(), unused }
}
