//! `/metrics` in the text format of Prometheus: one table says what there is, and makes `docs/metrics.md`.
//!
//! Invariant: a label names an install, a lane, a window, a family or a reason, all from lists in the code; never a
//! record, a value, or anything else that a caller wrote.

use std::fmt::Write as _;

use linchpin_core::schedule::budget::{DayScope, Scope};
use linchpin_core::schedule::lanes::Lane;
use linchpin_engine::ingress::Counts;
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
const METRICS: [Metric; 26] = [
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
];

/// The page. While the door is closed there is nothing to say.
pub(crate) fn page(state: Option<&State>) -> String {
    let mut page = String::new();
    let Some(state) = state else { return page };
    for Metric { name, kind, help, read, .. } in &METRICS {
        line(&mut page, &format!("# HELP {name} {help}\n# TYPE {name} {}", kind.name()));
        for (labels, value) in read(state) {
            let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
            let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            line(&mut page, &format!("{name}{labels} {value}"));
        }
    }
    page
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
A label names an account, an app, a lane, a window, a family of endpoints or a reason from a fixed list; never a record or a value.

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
    use linchpin_core::time::Mono;
    use linchpin_engine::gateway::Saved;
    use linchpin_hubspot::call::Family;
    use linchpin_hubspot::id::Install;

    use super::*;

    const INSTALL: Install = Install { portal: PortalId(48), app: AppId(7) };

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
            now: Mono(0),
        };
        page(Some(&state))
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
            "linchpin_breaker_state{family=\"objects\",portal=\"48\",app=\"7\"} 0\n",
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
