//! `/metrics` in the text format of Prometheus.

use std::fmt::Write as _;

use linchpin_core::schedule::Snapshot;
use linchpin_engine::gateway::Saved;

/// The page. Labels name installs and lanes, never records or values.
pub(crate) fn page(saved: Saved, scheduler: Option<&Snapshot>) -> String {
    let mut page = String::new();
    let counters = [
        ("linchpin_gateway_calls_total", "Calls that callers made.", saved.asked),
        ("linchpin_gateway_joined_total", "Calls that left in a batch with others.", saved.together),
        ("linchpin_gateway_repeated_total", "Calls that were asked again alone after their batch.", saved.again),
        ("linchpin_gateway_shared_total", "Reads that got the answer of another that asked the same.", saved.shared),
        ("linchpin_gateway_cached_total", "Reads that were answered from what is kept.", saved.cached),
        (
            "linchpin_gateway_witnessed_total",
            "Reads out of batches that were compared with a single call.",
            saved.witnessed,
        ),
        ("linchpin_gateway_differed_total", "Of these, those that a single call answers otherwise.", saved.differed),
    ];
    for (name, help, value) in counters {
        counter(&mut page, name, help, value);
    }
    if let Some(Snapshot { totals, in_flight, backing_off, .. }) = scheduler {
        counter(&mut page, "linchpin_upstream_attempts_total", "Attempts on the wire to HubSpot.", totals.sent);
        counter(&mut page, "linchpin_upstream_retries_total", "Attempts beyond a call's first.", totals.retries);
        counter(
            &mut page,
            "linchpin_upstream_rate_limited_total",
            "429s of limits that are ours.",
            totals.rate_limited,
        );
        counter(
            &mut page,
            "linchpin_upstream_rate_limited_foreign_total",
            "429s of limits that are shared with others.",
            totals.rate_limited_foreign,
        );
        gauge(&mut page, "linchpin_upstream_in_flight", "Calls on the wire.", *in_flight);
        gauge(&mut page, "linchpin_upstream_backing_off", "Calls that wait for another attempt.", *backing_off);
    }
    page
}

fn counter(page: &mut String, name: &str, help: &str, value: u64) {
    line(page, name, help, "counter", &value.to_string());
}

fn gauge(page: &mut String, name: &str, help: &str, value: usize) {
    line(page, name, help, "gauge", &value.to_string());
}

fn line(page: &mut String, name: &str, help: &str, kind: &str, value: &str) {
    let written = write!(page, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n");
    written.expect("invariant: writing to a String does not fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_a_type_and_a_help() {
        let page = page(Saved { asked: 7, together: 5, again: 1, ..Saved::default() }, Some(&Snapshot::default()));
        assert!(
            page.contains("# TYPE linchpin_gateway_calls_total counter\nlinchpin_gateway_calls_total 7\n"),
            "{page}"
        );
        let numbers = page.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(page.lines().count(), 3 * numbers);
    }
}
