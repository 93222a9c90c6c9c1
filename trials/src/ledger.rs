//! What the simulator's ledger says about a run: its writes, what went wrong, how much was in flight.

use std::collections::BTreeMap;

use serde::Deserialize;

/// One call as the simulator saw it.
#[derive(Clone, Debug, Deserialize)]
pub struct Entry {
    /// When it was counted, in milliseconds of the simulator's clock.
    pub time: i64,
    /// When it arrived.
    pub arrived: i64,
    /// When its answer left.
    pub answered: i64,
    /// Method and path template.
    pub route: String,
    /// The path without the query.
    pub path: String,
    /// The HTTP status; none if the connection was cut before anything happened.
    pub status: Option<u16>,
    /// The fault that was played on it.
    pub fault: Option<String>,
}

impl Entry {
    /// Whether the call writes.
    pub fn is_write(&self) -> bool {
        is_write(&self.route)
    }

    /// Whether its answer was lost after it had been carried out.
    pub fn is_lost(&self) -> bool {
        self.fault.as_deref() == Some("lost_answer")
    }
}

/// Whether a route (`POST /crm/...`) writes: it is no GET and none of those that only read although they are POSTs.
pub fn is_write(route: &str) -> bool {
    let reads = ["/batch/read", "/search", "/access-token-info"];
    !route.starts_with("GET ") && !reads.iter().any(|end| route.ends_with(end))
}

/// Every call of a run.
#[derive(Clone, Debug, Default)]
pub struct Ledger(pub Vec<Entry>);

impl Ledger {
    /// The calls that write.
    pub fn writes(&self) -> impl Iterator<Item = &Entry> {
        self.0.iter().filter(|entry| entry.is_write())
    }

    /// The number of writes by route.
    pub fn writes_by_route(&self) -> BTreeMap<&str, usize> {
        let mut routes = BTreeMap::new();
        for entry in self.writes() {
            *routes.entry(entry.route.as_str()).or_default() += 1;
        }
        routes
    }

    /// The calls that write to a path that ends so.
    pub fn writes_to(&self, end: &str) -> usize {
        self.writes().filter(|entry| entry.path.ends_with(end)).count()
    }

    /// The calls answered with a status.
    pub fn with_status(&self, status: u16) -> usize {
        self.0.iter().filter(|entry| entry.status == Some(status)).count()
    }

    /// The writes whose answers were lost after they had been carried out.
    pub fn lost_writes(&self) -> usize {
        self.writes().filter(|entry| entry.is_lost()).count()
    }

    /// The writes that were on their way at some time between two moments, both included.
    pub fn writes_in_flight(&self, from: i64, to: i64) -> usize {
        self.writes().filter(|entry| entry.arrived <= to && entry.answered >= from).count()
    }

    /// The most calls counted in any ten seconds.
    pub fn busiest_ten_seconds(&self) -> usize {
        let mut times: Vec<i64> = self.0.iter().map(|entry| entry.time).collect();
        times.sort_unstable();
        let window = |(index, end): (usize, &i64)| index + 1 - times.partition_point(|time| *time <= end - 10_000);
        times.iter().enumerate().map(window).max().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(method: &str, path: &str, arrived: i64, answered: i64) -> Entry {
        let route = format!("{method} {path}");
        Entry { time: arrived, arrived, answered, route, path: path.to_owned(), status: Some(200), fault: None }
    }

    #[test]
    fn reads_by_post_are_no_writes() {
        let ledger = Ledger(vec![
            entry("GET", "/crm/objects/2026-03/contacts", 0, 1),
            entry("POST", "/crm/objects/2026-03/contacts/batch/read", 0, 1),
            entry("POST", "/crm/objects/2026-03/contacts/search", 0, 1),
            entry("POST", "/crm/objects/2026-03/contacts/batch/upsert", 0, 1),
            entry("PATCH", "/crm/objects/2026-03/contacts/1", 0, 1),
        ]);
        assert_eq!(ledger.writes().count(), 2);
        assert_eq!(ledger.writes_to("/batch/upsert"), 1);
    }

    #[test]
    fn what_had_arrived_and_not_been_answered_is_in_flight() {
        let write = |arrived, answered| entry("POST", "/x", arrived, answered);
        let ledger = Ledger(vec![write(0, 10), write(5, 15), write(15, 20), write(30, 40), entry("GET", "/x", 0, 99)]);
        let cases = [(0, 0, 1), (5, 5, 2), (11, 14, 1), (15, 15, 2), (21, 29, 0), (10, 30, 4)];
        for (from, to, expected) in cases {
            assert_eq!(ledger.writes_in_flight(from, to), expected, "{from} to {to}");
        }
    }

    #[test]
    fn ten_seconds_end_before_the_call_that_is_ten_seconds_older() {
        let at = |time| entry("GET", "/x", time, time);
        let ledger = Ledger(vec![at(0), at(1), at(9_999), at(10_000), at(10_001)]);
        assert_eq!(ledger.busiest_ten_seconds(), 3);
    }
}
