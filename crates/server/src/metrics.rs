//! `/metrics` in the text format of Prometheus: one table says what there is, and makes `docs/metrics.md`.
//!
//! Invariant: a label names an install, a lane, a window, a family or a reason, all from lists in the code, or a
//! subscriber by its name in the configuration; never a record, a value, or anything else that a caller wrote.

use std::fmt::Write as _;

use linchpin_core::schedule::budget::{DayScope, Scope};
use linchpin_core::schedule::lanes::Lane;
use linchpin_engine::gateway::Mirrored;
use linchpin_engine::gateway::operations::Counts as Operations;
use linchpin_engine::ingress::Counts;
use linchpin_engine::journal::{Report, State as Reading};
use linchpin_engine::subscribers::{Attempts, Status};
use linchpin_hubspot::id::{AppId, PortalId};
use linchpin_ports::event_log::Accepted;

use crate::admin::State;
use crate::admin::shapes::BreakerState;
use crate::admin::view::{breaker_state, breakers, day_name, name_of, window_name};

/// Whether a number only grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Counter,
    Gauge,
}

impl Type {
    fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
        }
    }
}

/// The labels and the value of one line.
type Sample = (Vec<(&'static str, String)>, u64);

/// One metric.
struct Metric {
    name: &'static str,
    kind: Type,
    help: &'static str,
    labels: &'static [&'static str],
    read: fn(&State) -> Vec<Sample>,
}

/// Every metric.
const METRICS: [Metric; 58] = [
    Metric {
        name: "linchpin_gateway_calls_total",
        kind: Type::Counter,
        help: "Calls that callers made.",
        labels: &[],
        read: |state| alone(state.saved.asked),
    },
    Metric {
        name: "linchpin_gateway_lane_calls_total",
        kind: Type::Counter,
        help: "Calls that callers made, by lane.",
        labels: &["lane"],
        read: |state| Lane::ALL.map(|lane| (vec![lane_label(lane)], *state.saved.lanes.get(lane))).into(),
    },
    Metric {
        name: "linchpin_gateway_joined_total",
        kind: Type::Counter,
        help: "Calls that left in a batch with others.",
        labels: &[],
        read: |state| alone(state.saved.together),
    },
    Metric {
        name: "linchpin_gateway_repeated_total",
        kind: Type::Counter,
        help: "Calls that were asked again alone after their batch.",
        labels: &[],
        read: |state| alone(state.saved.again),
    },
    Metric {
        name: "linchpin_gateway_shared_total",
        kind: Type::Counter,
        help: "Reads that got the answer of another that asked the same.",
        labels: &[],
        read: |state| alone(state.saved.shared),
    },
    Metric {
        name: "linchpin_gateway_cached_total",
        kind: Type::Counter,
        help: "Reads that were answered from what is kept.",
        labels: &[],
        read: |state| alone(state.saved.cached),
    },
    Metric {
        name: "linchpin_gateway_mirror_reads_total",
        kind: Type::Counter,
        help: "Reads that allowed an age: hit (answered from the mirror), miss (asked of HubSpot and held), bypass (something had just been written), or refused (only-if-cached).",
        labels: &["outcome"],
        read: |state| {
            let Mirrored { hits, misses, bypassed, refused, records: _ } = state.saved.mirrored;
            by("outcome", [("hit", hits), ("miss", misses), ("bypass", bypassed), ("refused", refused)])
        },
    },
    Metric {
        name: "linchpin_gateway_mirror_records_total",
        kind: Type::Counter,
        help: "Records that were answered from the mirror.",
        labels: &[],
        read: |state| alone(state.saved.mirrored.records),
    },
    Metric {
        name: "linchpin_gateway_witnessed_total",
        kind: Type::Counter,
        help: "Reads out of batches that were compared with a single call.",
        labels: &[],
        read: |state| alone(state.saved.witnessed),
    },
    Metric {
        name: "linchpin_gateway_differed_total",
        kind: Type::Counter,
        help: "Of these, those that a single call answers otherwise.",
        labels: &[],
        read: |state| alone(state.saved.differed),
    },
    Metric {
        name: "linchpin_gateway_refused_total",
        kind: Type::Counter,
        help: "Calls that Linchpin itself refused or could not answer, by reason.",
        labels: &["reason"],
        read: |state| state.refused.iter().map(|(why, count)| (vec![("reason", (*why).to_owned())], *count)).collect(),
    },
    Metric {
        name: "linchpin_gateway_shadow",
        kind: Type::Gauge,
        help: "1 in shadow mode: the saved calls are those that would have been saved.",
        labels: &[],
        read: |state| alone(u64::from(state.shadow)),
    },
    Metric {
        name: "linchpin_gateway_saved_total",
        kind: Type::Counter,
        help: "Calls that did not have to be made, by how: joined to a batch, same as one on its way, or kept.",
        labels: &["how"],
        read: saved,
    },
    Metric {
        name: "linchpin_gateway_alone_total",
        kind: Type::Counter,
        help: "Calls that travelled alone, by reason.",
        labels: &["reason"],
        read: travelled_alone,
    },
    Metric {
        name: "linchpin_gateway_gathering",
        kind: Type::Gauge,
        help: "Calls that wait for others to share a batch with.",
        labels: &[],
        read: |state| alone(state.snapshot.gathering as u64),
    },
    Metric {
        name: "linchpin_upstream_attempts_total",
        kind: Type::Counter,
        help: "Attempts on the wire to HubSpot.",
        labels: &[],
        read: |state| alone(state.snapshot.totals.sent),
    },
    Metric {
        name: "linchpin_upstream_retries_total",
        kind: Type::Counter,
        help: "Attempts beyond a call's first.",
        labels: &[],
        read: |state| alone(state.snapshot.totals.retries),
    },
    Metric {
        name: "linchpin_upstream_rate_limited_total",
        kind: Type::Counter,
        help: "429s of limits that are ours.",
        labels: &[],
        read: |state| alone(state.snapshot.totals.rate_limited),
    },
    Metric {
        name: "linchpin_upstream_rate_limited_foreign_total",
        kind: Type::Counter,
        help: "429s of limits that are shared with others.",
        labels: &[],
        read: |state| alone(state.snapshot.totals.rate_limited_foreign),
    },
    Metric {
        name: "linchpin_upstream_in_flight",
        kind: Type::Gauge,
        help: "Calls on the wire.",
        labels: &[],
        read: |state| alone(state.snapshot.in_flight as u64),
    },
    Metric {
        name: "linchpin_upstream_backing_off",
        kind: Type::Gauge,
        help: "Calls that wait for another attempt.",
        labels: &[],
        read: |state| alone(state.snapshot.backing_off as u64),
    },
    Metric {
        name: "linchpin_budget_used",
        kind: Type::Gauge,
        help: "Calls that count in a budget now: a window of some seconds, or a day.",
        labels: &["window", "portal", "app"],
        read: |state| budgets(state, false),
    },
    Metric {
        name: "linchpin_budget_limit",
        kind: Type::Gauge,
        help: "Calls that may count in a budget at a time.",
        labels: &["window", "portal", "app"],
        read: |state| budgets(state, true),
    },
    Metric {
        name: "linchpin_lane_waiting",
        kind: Type::Gauge,
        help: "Calls that wait for their turn in a window, by lane.",
        labels: &["lane", "window", "portal", "app"],
        read: waiting,
    },
    Metric {
        name: "linchpin_breaker_state",
        kind: Type::Gauge,
        help: "The circuit breaker of a family of endpoints: 0 closed, 1 half-open (one call tries), 2 open.",
        labels: &["family", "portal", "app"],
        read: breaker_states,
    },
    Metric {
        name: "linchpin_webhook_deliveries_total",
        kind: Type::Counter,
        help: "Deliveries of webhooks: acknowledged, refused as not HubSpot's, or failed to be stored.",
        labels: &["outcome"],
        read: |state| {
            let Counts { deliveries, refused, failed, .. } = state.webhooks;
            by("outcome", [("acknowledged", deliveries), ("refused", refused), ("failed", failed)])
        },
    },
    Metric {
        name: "linchpin_webhook_events_total",
        kind: Type::Counter,
        help: "Events of webhooks: new, repeated by HubSpot, known from elsewhere.",
        labels: &["outcome"],
        read: |state| {
            let Accepted { new, repeated, known } = state.webhooks.events;
            by("outcome", [("new", new), ("repeated", repeated), ("known", known)])
        },
    },
    Metric {
        name: "linchpin_webhook_events_not_understood_total",
        kind: Type::Counter,
        help: "Events that were kept without being understood.",
        labels: &[],
        read: |state| alone(state.webhooks.not_understood),
    },
    Metric {
        name: "linchpin_echoes_total",
        kind: Type::Counter,
        help: "Events that tell a caller of its own write, by webhook or journal.",
        labels: &["caller"],
        read: |state| {
            let sample = |(caller, count): (&String, &u64)| (vec![("caller", caller.clone())], *count);
            state.echoes.iter().map(sample).collect()
        },
    },
    Metric {
        name: "linchpin_journal_up",
        kind: Type::Gauge,
        help: "1 if the journal is read, 0 if it cannot be read now.",
        labels: &["app"],
        read: |state| journals(state, |report| vec![(None, u64::from(is_read(report.state)))]),
    },
    Metric {
        name: "linchpin_journal_files_total",
        kind: Type::Counter,
        help: "Files of the journal: read, or passed over because they cannot be read.",
        labels: &["app", "outcome"],
        read: |state| {
            let outcomes = |report: &Report| [("read", report.files), ("skipped", report.skipped)];
            journals(state, |report| outcomes(report).map(|(name, count)| (Some(label("outcome", name)), count)).into())
        },
    },
    Metric {
        name: "linchpin_journal_events_total",
        kind: Type::Counter,
        help: "Events of the journal: new, repeated by it, known from webhooks.",
        labels: &["app", "outcome"],
        read: |state| {
            journals(state, |report| {
                let Accepted { new, repeated, known } = report.events;
                let outcomes = [("new", new), ("repeated", repeated), ("known", known)];
                outcomes.map(|(name, count)| (Some(label("outcome", name)), count)).into()
            })
        },
    },
    Metric {
        name: "linchpin_journal_missed_total",
        kind: Type::Counter,
        help: "Changes that one of the two has not told in time, by which and by kind.",
        labels: &["app", "by", "kind"],
        read: missed,
    },
    Metric {
        name: "linchpin_journal_gaps_total",
        kind: Type::Counter,
        help: "How often entries of the journal may have been missed by Linchpin.",
        labels: &["app"],
        read: |state| journals(state, |report| vec![(None, report.gaps)]),
    },
    Metric {
        name: "linchpin_follow_events_total",
        kind: Type::Counter,
        help: "Events that were followed into the mirror, or passed over by it.",
        labels: &[],
        read: |state| alone(state.follow.events),
    },
    Metric {
        name: "linchpin_follow_behind",
        kind: Type::Gauge,
        help: "Events that are in the logs and not followed yet.",
        labels: &[],
        read: |state| alone(state.follow.behind),
    },
    Metric {
        name: "linchpin_follow_waiting",
        kind: Type::Gauge,
        help: "Records of the mirror that wait to be read.",
        labels: &[],
        read: |state| alone(state.follow.waiting),
    },
    Metric {
        name: "linchpin_follow_direct_total",
        kind: Type::Counter,
        help: "Times that events alone brought a record up to date.",
        labels: &[],
        read: |state| alone(state.follow.direct),
    },
    Metric {
        name: "linchpin_follow_calls_total",
        kind: Type::Counter,
        help: "Calls that read records for the mirror.",
        labels: &[],
        read: |state| alone(state.follow.calls),
    },
    Metric {
        name: "linchpin_follow_asked_total",
        kind: Type::Counter,
        help: "Records that these calls asked for.",
        labels: &[],
        read: |state| alone(state.follow.asked),
    },
    Metric {
        name: "linchpin_follow_asked_again_total",
        kind: Type::Counter,
        help: "Records that were not found right after an event, and are asked for again.",
        labels: &[],
        read: |state| alone(state.follow.again),
    },
    Metric {
        name: "linchpin_follow_gone_total",
        kind: Type::Counter,
        help: "Records that are gone: archived, merged, or deleted for good.",
        labels: &[],
        read: |state| alone(state.follow.gone),
    },
    Metric {
        name: "linchpin_follow_failed_total",
        kind: Type::Counter,
        help: "Calls for the mirror that brought no answer about records.",
        labels: &[],
        read: |state| alone(state.follow.failed),
    },
    Metric {
        name: "linchpin_follow_seen_total",
        kind: Type::Counter,
        help: "Records that callers' reads brought into the mirror.",
        labels: &[],
        read: |state| alone(state.follow.seen),
    },
    Metric {
        name: "linchpin_operations_accepted_total",
        kind: Type::Counter,
        help: "Writes that were promised, and dead letters that were replayed.",
        labels: &[],
        read: |state| alone(state.operations.accepted),
    },
    Metric {
        name: "linchpin_operations_ended_total",
        kind: Type::Counter,
        help: "Promised writes that have ended: done, refused by HubSpot, unknown whether done, or given up.",
        labels: &["outcome"],
        read: |state| {
            let Operations { done, refused, unknown, given_up, .. } = state.operations;
            by("outcome", [("done", done), ("refused", refused), ("unknown", unknown), ("given_up", given_up)])
        },
    },
    Metric {
        name: "linchpin_operations_merged_total",
        kind: Type::Counter,
        help: "Promised changes that needed no call of their own: one call set what several changes of a record said.",
        labels: &[],
        read: |state| alone(state.operations.merged),
    },
    Metric {
        name: "linchpin_operations_waiting",
        kind: Type::Gauge,
        help: "Promised writes that have not ended.",
        labels: &[],
        read: |state| alone(state.operations.waiting),
    },
    Metric {
        name: "linchpin_operations_dead_letters",
        kind: Type::Gauge,
        help: "Promised writes that ended without success and wait for a person: `linchpin dlq list`.",
        labels: &[],
        read: |state| state.dead_letters.map(alone).unwrap_or_default(),
    },
    Metric {
        name: "linchpin_subscriber_attempts_total",
        kind: Type::Counter,
        help: "Attempts to deliver events to a subscriber: arrived, refused (any answer but 2xx), or silent.",
        labels: &["outcome", "subscriber", "portal", "app"],
        read: attempts,
    },
    Metric {
        name: "linchpin_subscriber_place",
        kind: Type::Gauge,
        help: "The place in the log up to which a subscriber has been told.",
        labels: FEED_LABELS,
        read: |state| feeds(state, |status| status.feed.place),
    },
    Metric {
        name: "linchpin_subscriber_lag",
        kind: Type::Gauge,
        help: "Events of the log that a subscriber's feed has still to pass, those that it does not want among them.",
        labels: FEED_LABELS,
        read: |state| feeds(state, |status| status.last.saturating_sub(status.feed.place)),
    },
    Metric {
        name: "linchpin_subscriber_events",
        kind: Type::Gauge,
        help: "Events of a feed: delivered, or missed because they were forgotten first. Kept across restarts.",
        labels: &["outcome", "subscriber", "portal", "app"],
        read: told,
    },
    Metric {
        name: "linchpin_subscriber_dead",
        kind: Type::Gauge,
        help: "Dead deliveries of a feed that are kept.",
        labels: FEED_LABELS,
        read: |state| feeds(state, |status| status.feed.state.dead),
    },
    Metric {
        name: "linchpin_subscriber_failing",
        kind: Type::Gauge,
        help: "1 while nothing arrives although something was sent.",
        labels: FEED_LABELS,
        read: |state| feeds(state, |status| u64::from(status.feed.state.trouble.failing_since.is_some())),
    },
    Metric {
        name: "linchpin_subscriber_disabled",
        kind: Type::Gauge,
        help: "1 while a feed is disabled: POST /linchpin/v1/subscribers/NAME/enable.",
        labels: FEED_LABELS,
        read: |state| feeds(state, |status| u64::from(status.feed.state.disabled.is_some())),
    },
    Metric {
        name: "linchpin_subscriber_streams",
        kind: Type::Gauge,
        help: "Streams of events that are open.",
        labels: &[],
        read: |state| alone(state.telling.streams),
    },
    Metric {
        name: "linchpin_events_forgotten_total",
        kind: Type::Counter,
        help: "Events that the log has forgotten because they were too old.",
        labels: &[],
        read: |state| alone(state.telling.forgotten),
    },
];

/// The page. While the door is closed there is nothing to say.
pub(crate) fn page(state: Option<&State>) -> String {
    let mut page = String::new();
    let Some(state) = state else { return page };
    for Metric { name, kind, help, read, .. } in &METRICS {
        line(&mut page, &format!("# HELP {name} {help}\n# TYPE {name} {}", kind.name()));
        for (labels, value) in read(state) {
            let label = |(name, value): &(&str, String)| format!("{name}=\"{}\"", escaped(value));
            let labels: Vec<String> = labels.iter().map(label).collect();
            let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            line(&mut page, &format!("{name}{labels} {value}"));
        }
    }
    page
}

/// A label's value as the format wants it: callers may have any name.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// The page of the documentation.
pub fn markdown() -> String {
    let mut page = String::from(MARKDOWN_HEAD);
    for Metric { name, kind, help, labels, .. } in &METRICS {
        let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
        line(&mut page, &format!("| `{name}` | {} | {} | {help} |", kind.name(), labels.join(", ")));
    }
    page
}

const MARKDOWN_HEAD: &str = "\
# Metrics

`GET /metrics` of `linchpin serve`, in the text format of Prometheus.
Counters begin at 0 with every start.
A label names an account, an app, a lane, a window, a family of endpoints, a reason from a fixed list, a caller, or a subscriber; never a record or a value.

This page is made from the table that the metrics themselves are made from, by `cargo xtask generate`.

| Name | Type | Labels | Meaning |
|---|---|---|---|
";

fn line(page: &mut String, text: &str) {
    writeln!(page, "{text}").expect("invariant: writing to a String does not fail");
}

fn by<const N: usize>(label: &'static str, values: [(&str, u64); N]) -> Vec<Sample> {
    values.map(|(name, value)| (vec![(label, name.to_owned())], value)).into()
}

/// One more label, or none.
type More = Option<(&'static str, String)>;

fn label(name: &'static str, value: &str) -> (&'static str, String) {
    (name, value.to_owned())
}

fn journals(state: &State, read: impl Fn(&Report) -> Vec<(More, u64)>) -> Vec<Sample> {
    let all = state.journals.iter().flat_map(|report| read(report).into_iter().map(move |one| (report, one)));
    let labels = |report: &Report, more: More| [app_label(report.app)].into_iter().chain(more).collect();
    all.map(|(report, (more, value))| (labels(report, more), value)).collect()
}

fn is_read(state: Reading) -> bool {
    matches!(state, Reading::Reading | Reading::CaughtUp)
}

/// The kinds are those of changes that both tell: a list in the code of the store.
fn missed(state: &State) -> Vec<Sample> {
    let mut samples = Vec::new();
    for report in &state.journals {
        let by = [("webhooks", &report.compared.by_journal_alone), ("journal", &report.compared.by_webhooks_alone)];
        for (by, kinds) in by {
            let sample = |(kind, count): (&String, &u64)| {
                (vec![app_label(report.app), ("by", by.to_owned()), ("kind", kind.clone())], *count)
            };
            samples.extend(kinds.iter().map(sample));
        }
    }
    samples
}

fn alone(value: u64) -> Vec<Sample> {
    vec![(Vec::new(), value)]
}

fn lane_label(lane: Lane) -> (&'static str, String) {
    ("lane", name_of(&lane))
}

fn saved(state: &State) -> Vec<Sample> {
    let (mut joined, mut same, mut kept) = (0, 0, 0);
    for (_, row) in state.usage.rows() {
        joined += row.joined;
        same += row.same;
        kept += row.kept;
    }
    let how = [("joined", joined), ("same", same), ("kept", kept)];
    how.map(|(how, count)| (vec![("how", how.to_owned())], count)).into()
}

fn travelled_alone(state: &State) -> Vec<Sample> {
    let mut reasons = std::collections::BTreeMap::<&str, u64>::new();
    for (why, count) in state.usage.rows().flat_map(|(_, row)| &row.alone) {
        *reasons.entry(why).or_default() += count;
    }
    reasons.into_iter().map(|(why, count)| (vec![("reason", why.to_owned())], count)).collect()
}

fn budgets(state: &State, limits: bool) -> Vec<Sample> {
    let windows = state.windows().map(|window| {
        let value = if limits { window.limit } else { window.used };
        (window_labels(window.scope), u64::from(value))
    });
    let days = state.days().map(|day| {
        let (DayScope::Account(portal) | DayScope::Association(portal)) = day.scope;
        let labels = vec![("window", format!("day_{}", day_name(day.scope))), portal_label(portal)];
        (labels, if limits { day.limit } else { day.used })
    });
    windows.chain(days).collect()
}

fn waiting(state: &State) -> Vec<Sample> {
    let each = state.windows().flat_map(|window| Lane::ALL.map(|lane| (window, lane)));
    let sample = |(window, lane): (&linchpin_core::schedule::WindowSnapshot, Lane)| {
        let mut labels = vec![lane_label(lane)];
        labels.extend(window_labels(window.scope));
        (labels, *window.waiting.get(lane) as u64)
    };
    each.map(sample).collect()
}

fn breaker_states(state: &State) -> Vec<Sample> {
    let all = breakers(&state.snapshot, state.install).into_iter();
    let sample = all.map(|(install, family, breaker)| {
        let value = match breaker_state(breaker) {
            BreakerState::Closed => 0,
            BreakerState::HalfOpen => 1,
            BreakerState::Open => 2,
        };
        (vec![("family", name_of(&family)), portal_label(install.portal), app_label(install.app)], value)
    });
    sample.collect()
}

/// A window, and whose it is: an account's, an app's, or an app's in an account.
fn window_labels(scope: Scope) -> Vec<(&'static str, String)> {
    let mut labels = vec![("window", window_name(scope).to_owned())];
    match scope {
        Scope::Burst(install) => labels.extend([portal_label(install.portal), app_label(install.app)]),
        Scope::Search(portal) | Scope::Association(portal) => labels.push(portal_label(portal)),
        Scope::Token(app) | Scope::Journal(app) => labels.push(app_label(app)),
    }
    labels
}

/// Whose feed it is.
const FEED_LABELS: &[&str] = &["subscriber", "portal", "app"];

fn feed_labels(status: &Status) -> Vec<(&'static str, String)> {
    let install = status.feed.install;
    vec![("subscriber", status.feed.name.clone()), portal_label(install.portal), app_label(install.app)]
}

fn feeds(state: &State, value: fn(&Status) -> u64) -> Vec<Sample> {
    state.telling.feeds.iter().map(|status| (feed_labels(status), value(status))).collect()
}

fn by_outcome<const N: usize>(state: &State, values: fn(&Status) -> [(&'static str, u64); N]) -> Vec<Sample> {
    let each = state.telling.feeds.iter().flat_map(|status| values(status).map(|value| (status, value)));
    let sample = each.map(|(status, (outcome, value))| {
        let mut labels = vec![("outcome", outcome.to_owned())];
        labels.extend(feed_labels(status));
        (labels, value)
    });
    sample.collect()
}

fn attempts(state: &State) -> Vec<Sample> {
    by_outcome(state, |status| {
        let Attempts { arrived, refused, silent } = status.attempts;
        [("arrived", arrived), ("refused", refused), ("silent", silent)]
    })
}

fn told(state: &State) -> Vec<Sample> {
    by_outcome(state, |status| {
        let state = &status.feed.state;
        [("delivered", state.delivered), ("missed", state.missed)]
    })
}

fn portal_label(portal: PortalId) -> (&'static str, String) {
    ("portal", portal.0.to_string())
}

fn app_label(app: AppId) -> (&'static str, String) {
    ("app", app.0.to_string())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use linchpin_core::gateway::usage::{Kind, Usage};
    use linchpin_core::schedule::breaker::State as Breaker;
    use linchpin_core::schedule::lanes::PerLane;
    use linchpin_core::schedule::{DaySnapshot, Snapshot, WindowSnapshot};
    use linchpin_core::subscribers::deliver::Reason;
    use linchpin_core::time::{Mono, Wall};
    use linchpin_engine::gateway::Saved;
    use linchpin_hubspot::call::Family;
    use linchpin_hubspot::id::Install;
    use linchpin_ports::journal::Compared;
    use linchpin_ports::subscribers::{Disabled, Feed, FeedState};

    use super::*;
    use crate::telling::Figures;

    const INSTALL: Install = Install { portal: PortalId(48), app: AppId(7) };

    fn a_journal() -> Report {
        Report {
            app: AppId(7008),
            state: Reading::CaughtUp,
            code: None,
            read_until: None,
            files: 3,
            skipped: 1,
            events: Accepted { new: 5, repeated: 0, known: 9 },
            not_understood: 0,
            compared: Compared { by_journal_alone: [("merge".to_owned(), 2)].into(), ..Compared::default() },
            gaps: 1,
            last_gap: None,
        }
    }

    fn page_of_a_busy_gateway() -> String {
        let mut usage = Usage::default();
        let kind = Kind { caller: "gateway:billing".to_owned(), route: "object_read 2-123456".to_owned() };
        let row = usage.row(&kind);
        (row.calls, row.needed, row.joined) = (7, 2, 5);
        row.alone.insert("defaults", 1);
        let waiting = PerLane::new([0, 0, 4, 0]);
        let state = State {
            install: INSTALL,
            snapshot: Snapshot {
                windows: vec![WindowSnapshot { scope: Scope::Burst(INSTALL), used: 12, limit: 190, waiting }],
                days: vec![DaySnapshot { scope: DayScope::Account(INSTALL.portal), used: 9, limit: 100, ends: None }],
                breakers: vec![((INSTALL, Family::Search), Breaker::Open { until: Mono(1) })],
                ..Snapshot::default()
            },
            saved: Saved { asked: 7, together: 5, again: 1, lanes: PerLane::new([3, 0, 4, 0]), ..Saved::default() },
            usage,
            shadow: false,
            callers: Vec::new(),
            refused: [("deadline", 2)].into(),
            webhooks: Counts::default(),
            echoes: [("a \"b\"".to_owned(), 6)].into(),
            journals: vec![a_journal()],
            follow: linchpin_engine::follow::Counts::default(),
            operations: Operations { accepted: 9, done: 5, refused: 2, merged: 3, waiting: 2, ..Operations::default() },
            dead_letters: Some(2),
            telling: Figures { feeds: vec![late_feed()], streams: 2, forgotten: 5 },
            now: Mono(0),
        };
        page(Some(&state))
    }

    fn late_feed() -> Status {
        let mut state = FeedState { delivered: 3, missed: 1, dead: 2, ..FeedState::default() };
        state.disabled = Some(Disabled { reason: Reason::Gone, since: Wall(0) });
        let feed = Feed { install: INSTALL, name: "erp".to_owned(), revision: 1, place: 6, state };
        Status { feed, last: 10, attempts: Attempts { arrived: 3, refused: 4, silent: 5 } }
    }

    #[test]
    fn every_line_says_what_the_table_says() {
        let page = page_of_a_busy_gateway();
        for expected in [
            "# TYPE linchpin_gateway_calls_total counter\nlinchpin_gateway_calls_total 7\n",
            "linchpin_gateway_lane_calls_total{lane=\"bulk\"} 4\n",
            "linchpin_gateway_refused_total{reason=\"deadline\"} 2\n",
            "linchpin_gateway_saved_total{how=\"joined\"} 5\n",
            "linchpin_gateway_alone_total{reason=\"defaults\"} 1\n",
            "linchpin_budget_used{window=\"burst\",portal=\"48\",app=\"7\"} 12\n",
            "linchpin_budget_limit{window=\"day_account\",portal=\"48\"} 100\n",
            "linchpin_lane_waiting{lane=\"bulk\",window=\"burst\",portal=\"48\",app=\"7\"} 4\n",
            "linchpin_breaker_state{family=\"search\",portal=\"48\",app=\"7\"} 2\n",
            "linchpin_operations_accepted_total 9\n",
            "linchpin_operations_ended_total{outcome=\"refused\"} 2\n",
            "linchpin_operations_merged_total 3\n",
            "linchpin_operations_dead_letters 2\n",
            "linchpin_breaker_state{family=\"objects\",portal=\"48\",app=\"7\"} 0\n",
            "linchpin_echoes_total{caller=\"a \\\"b\\\"\"} 6\n",
            "linchpin_journal_up{app=\"7008\"} 1\n",
            "linchpin_journal_files_total{app=\"7008\",outcome=\"skipped\"} 1\n",
            "linchpin_journal_events_total{app=\"7008\",outcome=\"known\"} 9\n",
            "linchpin_journal_missed_total{app=\"7008\",by=\"webhooks\",kind=\"merge\"} 2\n",
            "linchpin_journal_gaps_total{app=\"7008\"} 1\n",
            "linchpin_subscriber_attempts_total{outcome=\"refused\",subscriber=\"erp\",portal=\"48\",app=\"7\"} 4\n",
            "linchpin_subscriber_lag{subscriber=\"erp\",portal=\"48\",app=\"7\"} 4\n",
            "linchpin_subscriber_events{outcome=\"missed\",subscriber=\"erp\",portal=\"48\",app=\"7\"} 1\n",
            "linchpin_subscriber_dead{subscriber=\"erp\",portal=\"48\",app=\"7\"} 2\n",
            "linchpin_subscriber_disabled{subscriber=\"erp\",portal=\"48\",app=\"7\"} 1\n",
            "linchpin_subscriber_streams 2\n",
            "linchpin_events_forgotten_total 5\n",
        ] {
            assert!(page.contains(expected), "{expected} is not in\n{page}");
        }
    }

    #[test]
    fn every_metric_has_one_name_and_only_the_labels_of_its_row() {
        let page = page_of_a_busy_gateway();
        let names: BTreeSet<&str> = METRICS.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), METRICS.len());
        for sample in page.lines().filter(|line| !line.starts_with('#')) {
            let (name, _) = sample.split_once(['{', ' ']).unwrap();
            let metric = METRICS.iter().find(|metric| metric.name == name).unwrap();
            assert_eq!(metric.kind == Type::Counter, name.ends_with("_total"), "{name}");
            for label in sample.split(['{', ',']).filter_map(|part| part.split_once("=\"")) {
                assert!(metric.labels.contains(&label.0), "{sample}");
            }
            assert!(!sample.contains("2-123456") && !sample.contains("billing"), "{sample}");
        }
        for name in names {
            assert!(markdown().contains(&format!("| `{name}` |")), "{name}");
        }
    }
}
