//! What happened: one entry a call, and running totals.
//!
//! Totals are kept per call in constant work; entries are kept in chunks that are shared, not copied, with a reader.
//! Invariants: at most `LEDGER_ENTRIES_MAX` entries and `ROUTES_MAX` routes are kept; what was dropped is counted;
//! no token and no query string is ever stored.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use bytes::Bytes;
use serde::{Serialize, Serializer};

use crate::{limits::Counted, wire::Millis};

/// The entries that are kept; the oldest leave first, a chunk at a time.
pub const LEDGER_ENTRIES_MAX: usize = 1 << 20;
/// The routes that are told apart; further ones go by `OTHER_ROUTE`.
pub const ROUTES_MAX: usize = 4_096;
/// The longest path that is stored, in bytes; the rest is cut.
pub const PATH_BYTES_MAX: usize = 256;
/// The name of routes beyond `ROUTES_MAX`.
pub const OTHER_ROUTE: &str = "other";
const CHUNK_ENTRIES: usize = 4_096;

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number, from 0, also across dropped entries.
    pub seq: u64,
    /// When it was counted and, as a rule, executed.
    pub time: Millis,
    /// When it was executed: later than `time` and `answered` where a fault says so. Entries stand in this order.
    pub executed: Millis,
    /// When it arrived.
    pub arrived: Millis,
    /// When its answer leaves.
    pub answered: Millis,
    /// Method and path template.
    pub route: Arc<str>,
    /// The path without the query, cut to `PATH_BYTES_MAX`.
    pub path: Box<str>,
    /// The HTTP status; `None` if the connection was cut before anything happened.
    pub status: Option<u16>,
    /// Who called: the credential's name, or `none`, `unknown`, `dead`.
    pub credential: Arc<str>,
    /// The buckets that it was counted in.
    pub counted: Counted,
    /// The fault that was played on it, if any.
    pub fault: Option<&'static str>,
}

/// A call on its way into the ledger.
#[derive(Clone, Debug)]
pub(crate) struct Happened<'a> {
    pub(crate) time: Millis,
    pub(crate) executed: Millis,
    pub(crate) arrived: Millis,
    pub(crate) answered: Millis,
    pub(crate) route: &'a str,
    pub(crate) path: &'a str,
    pub(crate) status: Option<u16>,
    pub(crate) credential: &'a str,
    pub(crate) counted: Counted,
    pub(crate) fault: Option<&'static str>,
}

/// The running totals, as `GET /_control/stats` shows them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Calls that were executed or refused; not those cut before processing.
    pub requests: u64,
    /// Answers with status 429.
    pub rate_limited: u64,
    /// Calls whose connection was cut before processing.
    pub cut: u64,
    /// Calls by status.
    pub by_status: BTreeMap<u16, u64>,
    /// Calls by method and path template.
    #[serde(serialize_with = "as_text")]
    pub by_route: BTreeMap<Arc<str>, u64>,
    /// Entries that the ledger dropped for want of room.
    pub ledger_dropped: u64,
}

/// The book.
#[derive(Debug, Default)]
pub struct Ledger {
    stats: Stats,
    closed: VecDeque<Arc<[Entry]>>,
    open: Vec<Entry>,
    names: BTreeMap<Box<str>, Arc<str>>,
    next_seq: u64,
}

impl Ledger {
    /// The running totals.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Takes the entries as they stand; later calls do not change the copy. Costs one chunk, not the whole book.
    pub fn snapshot(&self) -> Snapshot {
        let mut chunks: Vec<Arc<[Entry]>> = self.closed.iter().map(Arc::clone).collect();
        if !self.open.is_empty() {
            chunks.push(Arc::from(self.open.as_slice()));
        }
        Snapshot { chunks }
    }

    /// The newest entries after a number, at most so many, oldest first.
    pub(crate) fn tail(&self, after: Option<u64>, limit: usize) -> Vec<&Entry> {
        let all = self.closed.iter().flat_map(|chunk| chunk.iter()).rev();
        let newest = self.open.iter().rev().chain(all);
        let mut tail: Vec<&Entry> =
            newest.take_while(|entry| after.is_none_or(|after| entry.seq > after)).take(limit).collect();
        tail.reverse();
        tail
    }

    /// Forgets totals and entries; numbering goes on.
    pub(crate) fn clear(&mut self) {
        *self = Self { next_seq: self.next_seq, ..Self::default() };
    }

    pub(crate) fn record(&mut self, call: &Happened<'_>) {
        let known = self.stats.by_route.contains_key(call.route);
        let room = known || self.stats.by_route.len() < ROUTES_MAX;
        let route = self.name(if room { call.route } else { OTHER_ROUTE });
        self.total(call, &route);
        let entry = Entry {
            seq: self.next_seq,
            time: call.time,
            executed: call.executed,
            arrived: call.arrived,
            answered: call.answered,
            route,
            path: cut(call.path).into(),
            status: call.status,
            credential: self.name(call.credential),
            counted: call.counted,
            fault: call.fault,
        };
        self.next_seq += 1;
        self.open.push(entry);
        if self.open.len() == CHUNK_ENTRIES {
            self.close_chunk();
        }
    }

    fn total(&mut self, call: &Happened<'_>, route: &Arc<str>) {
        *self.stats.by_route.entry(Arc::clone(route)).or_default() += 1;
        let Some(status) = call.status else {
            self.stats.cut += 1;
            return;
        };
        self.stats.requests += 1;
        self.stats.rate_limited += u64::from(status == 429);
        *self.stats.by_status.entry(status).or_default() += 1;
    }

    fn close_chunk(&mut self) {
        self.closed.push_back(std::mem::take(&mut self.open).into());
        if self.closed.len() * CHUNK_ENTRIES > LEDGER_ENTRIES_MAX
            && let Some(oldest) = self.closed.pop_front()
        {
            self.stats.ledger_dropped += oldest.len() as u64;
        }
    }

    /// Shares one copy of a name that many entries carry: a route, of which there are at most `ROUTES_MAX`, or a
    /// credential.
    fn name(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.names.get(text) {
            return Arc::clone(known);
        }
        let name: Arc<str> = text.into();
        self.names.insert(text.into(), Arc::clone(&name));
        name
    }
}

/// The entries of one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    chunks: Vec<Arc<[Entry]>>,
}

impl Snapshot {
    /// All entries, oldest first.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.chunks.iter().flat_map(|chunk| chunk.iter())
    }

    /// The entries as JSON lines, a chunk at a time.
    pub(crate) fn into_lines(self) -> impl Iterator<Item = Bytes> + Send {
        self.chunks.into_iter().map(|chunk| {
            let mut text = Vec::with_capacity(chunk.len() * 256);
            for entry in chunk.iter() {
                entry.write_line(&mut text);
            }
            Bytes::from(text)
        })
    }
}

impl Entry {
    fn write_line(&self, text: &mut Vec<u8>) {
        text.extend_from_slice(self.to_json().to_string().as_bytes());
        text.push(b'\n');
    }

    pub(crate) fn to_json(&self) -> serde_json::Value {
        let method = self.route.split(' ').next().unwrap_or_default();
        serde_json::json!({
            "seq": self.seq,
            "time": self.time.0,
            "executed": self.executed.0,
            "arrived": self.arrived.0,
            "answered": self.answered.0,
            "method": method,
            "route": &*self.route,
            "path": &*self.path,
            "status": self.status,
            "credential": &*self.credential,
            "counted": self.counted.names().collect::<Vec<_>>(),
            "fault": self.fault,
        })
    }
}

fn as_text<S: Serializer>(routes: &BTreeMap<Arc<str>, u64>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(routes.iter().map(|(route, count)| (&**route, count)))
}

fn cut(path: &str) -> &str {
    let mut end = path.len().min(PATH_BYTES_MAX);
    while !path.is_char_boundary(end) {
        end -= 1;
    }
    path.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(route: &str, status: Option<u16>) -> Happened<'_> {
        Happened {
            time: Millis(5),
            executed: Millis(5),
            arrived: Millis(1),
            answered: Millis(9),
            route,
            path: "/x",
            status,
            credential: "private_app:1",
            counted: Counted::BURST.and(Counted::DAY),
            fault: None,
        }
    }

    #[test]
    fn totals_follow_each_call() {
        let mut ledger = Ledger::default();
        for status in [Some(200), Some(200), Some(429), None] {
            ledger.record(&call("GET /x", status));
        }
        let stats = ledger.stats();
        assert_eq!((stats.requests, stats.rate_limited, stats.cut), (3, 1, 1));
        assert_eq!(stats.by_status, BTreeMap::from([(200, 2), (429, 1)]));
        assert_eq!(stats.by_route.get("GET /x"), Some(&4));
    }

    #[test]
    fn a_line_shows_time_route_status_credential_and_buckets() {
        let mut ledger = Ledger::default();
        ledger.record(&call("GET /x", Some(200)));
        let lines: Vec<Bytes> = ledger.snapshot().into_lines().collect();
        let line: serde_json::Value = serde_json::from_slice(&lines[0]).unwrap();
        assert_eq!(line["time"], 5);
        assert_eq!(line["route"], "GET /x");
        assert_eq!(line["status"], 200);
        assert_eq!(line["credential"], "private_app:1");
        assert_eq!(line["counted"], serde_json::json!(["burst", "day"]));
    }

    #[test]
    fn the_book_keeps_a_million_calls_and_counts_what_it_drops() {
        let mut ledger = Ledger::default();
        let total = LEDGER_ENTRIES_MAX + CHUNK_ENTRIES + 1;
        for _ in 0..total {
            ledger.record(&call("GET /x", Some(200)));
        }
        let kept = ledger.snapshot();
        assert_eq!(ledger.stats().requests, total as u64);
        assert_eq!(ledger.stats().ledger_dropped, CHUNK_ENTRIES as u64);
        assert_eq!(kept.entries().count(), LEDGER_ENTRIES_MAX + 1);
        assert_eq!(kept.entries().next().map(|entry| entry.seq), Some(CHUNK_ENTRIES as u64));
    }

    #[test]
    fn a_snapshot_does_not_see_later_calls_and_clearing_keeps_the_numbering() {
        let mut ledger = Ledger::default();
        ledger.record(&call("GET /x", Some(200)));
        let before = ledger.snapshot();
        ledger.clear();
        ledger.record(&call("GET /y", Some(200)));
        assert_eq!(before.entries().map(|entry| &*entry.route).collect::<Vec<_>>(), ["GET /x"]);
        assert_eq!(ledger.snapshot().entries().map(|entry| entry.seq).collect::<Vec<_>>(), [1]);
        assert_eq!(ledger.stats().requests, 1);
    }

    #[test]
    fn the_tail_is_the_newest_calls_after_a_number_across_chunks() {
        let mut ledger = Ledger::default();
        for _ in 0..CHUNK_ENTRIES + 3 {
            ledger.record(&call("GET /x", Some(200)));
        }
        let last = CHUNK_ENTRIES as u64 + 2;
        let seqs = |after, limit| ledger.tail(after, limit).iter().map(|entry| entry.seq).collect::<Vec<_>>();
        assert_eq!(seqs(None, 5), (last - 4..=last).collect::<Vec<_>>());
        assert_eq!(seqs(Some(last - 2), 5), [last - 1, last]);
        assert!(seqs(Some(last), 5).is_empty());
    }

    #[test]
    fn routes_beyond_the_limit_share_one_name_and_long_paths_are_cut() {
        let mut ledger = Ledger::default();
        for number in 0..ROUTES_MAX + 2 {
            ledger.record(&call(&format!("GET /{number}"), Some(404)));
        }
        assert_eq!(ledger.stats().by_route.get(OTHER_ROUTE), Some(&2));
        assert_eq!(cut(&"é".repeat(200)).len(), PATH_BYTES_MAX);
    }
}
