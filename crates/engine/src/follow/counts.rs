//! What following has come to since the start.

use std::sync::atomic::{AtomicU64, Ordering};

/// What has been done since the start, and what is left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Events that were followed.
    pub events: u64,
    /// Events that are in the logs and not followed yet.
    pub behind: u64,
    /// Records that wait to be read.
    pub waiting: u64,
    /// Records that were brought up to date by events alone.
    pub direct: u64,
    /// Calls that read records.
    pub calls: u64,
    /// Records that these calls asked for.
    pub asked: u64,
    /// Records that were not found and are asked for again.
    pub again: u64,
    /// Records that turned out to be gone.
    pub gone: u64,
    /// Calls that brought no answer about records.
    pub failed: u64,
    /// Records that callers' reads brought.
    pub seen: u64,
}

#[derive(Default)]
pub(super) struct Counters {
    pub(super) events: AtomicU64,
    pub(super) behind: AtomicU64,
    pub(super) waiting: AtomicU64,
    pub(super) direct: AtomicU64,
    pub(super) calls: AtomicU64,
    pub(super) asked: AtomicU64,
    pub(super) again: AtomicU64,
    pub(super) gone: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) seen: AtomicU64,
}

impl Counters {
    pub(super) fn read(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            events: read(&self.events),
            behind: read(&self.behind),
            waiting: read(&self.waiting),
            direct: read(&self.direct),
            calls: read(&self.calls),
            asked: read(&self.asked),
            again: read(&self.again),
            gone: read(&self.gone),
            failed: read(&self.failed),
            seen: read(&self.seen),
        }
    }
}

/// Counts some more.
pub(super) fn add(counter: &AtomicU64, more: usize) {
    counter.fetch_add(u64::try_from(more).unwrap_or(u64::MAX), Ordering::Relaxed);
}
