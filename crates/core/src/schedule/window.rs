//! One rolling window of permits.
//!
//! A permit is held from sending until one span after its answer (or timeout): HubSpot counts the call at an unknown
//! moment in between. A window that is exact and one that counts whole seconds (the current one and those before it)
//! both look back one span at most, so this is safe under either.
//!
//! Not here: who may send next, and what an answer means.
//! Invariant: `in_flight + settled + foreign` never passes the limit by a permit that we gave out.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::schedule::limits::Rate;
use crate::time::Mono;

/// Added to every span: the edge of HubSpot's window may be inclusive, and our timer ticks in microseconds.
pub(super) const WINDOW_MARGIN: Duration = Duration::from_millis(1);

/// How long a lowered rate stays lowered after the last 429 that was not of our making.
pub(super) const SLOW_FOR: Duration = Duration::from_secs(60);

/// Counts that expire.
#[derive(Clone, Debug, Default)]
pub(super) struct Expiring {
    at: BTreeMap<Mono, u32>,
    total: u32,
}

impl Expiring {
    /// Adds `count` until `expires`.
    pub(super) fn add(&mut self, expires: Mono, count: u32) {
        if count > 0 {
            *self.at.entry(expires).or_default() += count;
            self.total += count;
        }
    }

    /// Forgets whatever has expired, and returns how much that was.
    fn advance(&mut self, now: Mono) -> u32 {
        let before = self.total;
        while let Some(first) = self.at.first_entry().filter(|first| *first.key() <= now) {
            self.total -= first.remove();
        }
        before - self.total
    }

    /// The next moment at which something expires.
    fn first(&self) -> Option<Mono> {
        self.at.first_key_value().map(|(at, _)| *at)
    }

    /// The moments and counts, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Mono, u32)> {
        self.at.iter().map(|(at, count)| (*at, *count))
    }
}

/// One rolling window.
#[derive(Clone, Debug)]
pub(super) struct Window {
    /// What HubSpot allows, less what is left to others. Only ever lowered by what headers say, unless it is assumed.
    limit: u32,
    /// The limit is a guess that headers may correct upwards as well.
    assumed: bool,
    /// The span, with its margin.
    span: Duration,
    /// The part of the limit that is leased to this process; nothing until the shell has answered.
    leased: u32,
    /// Given out, and not yet answered.
    in_flight: u32,
    /// Answered, and possibly still in HubSpot's window.
    pub(super) settled: Expiring,
    /// Used by others, as headers and 429s prove.
    pub(super) foreign: Expiring,
    /// Permits that ever came back by themselves.
    released: u64,
    /// Nothing may leave before: after a restart, or while HubSpot says so.
    closed_until: Option<Mono>,
    /// Permits taken away after 429s that were not ours, and until when.
    slowed: Option<(u32, Mono)>,
}

impl Window {
    /// An empty window, without a lease.
    pub(super) fn new(rate: Rate, left_to_others: u32) -> Self {
        Self {
            limit: rate.permits.saturating_sub(left_to_others).max(1),
            assumed: false,
            span: rate.per + WINDOW_MARGIN,
            leased: 0,
            in_flight: 0,
            settled: Expiring::default(),
            foreign: Expiring::default(),
            released: 0,
            closed_until: None,
            slowed: None,
        }
    }

    /// Says whether the limit is a guess.
    pub(super) fn assume(&mut self, assumed: bool) {
        self.assumed = assumed;
    }

    /// Permits that ever came back by themselves: noted when a call leaves, for [`observe`](Self::observe).
    pub(super) fn released(&self) -> u64 {
        self.released
    }

    /// What counts as the whole window now.
    pub(super) fn limit(&self) -> u32 {
        let slowed = self.slowed.map_or(0, |(by, _)| by);
        self.limit.saturating_sub(slowed).max(1).min(self.leased)
    }

    /// The limit before leases and slowing.
    pub(super) fn full_limit(&self) -> u32 {
        self.limit
    }

    /// The span, with its margin.
    pub(super) fn span(&self) -> Duration {
        self.span
    }

    /// Permits given out and not yet answered.
    pub(super) fn in_flight(&self) -> u32 {
        self.in_flight
    }

    /// All that counts against the limit.
    pub(super) fn used(&self) -> u32 {
        self.in_flight + self.settled.total + self.foreign.total
    }

    /// Permits that may be given out now. Call [`advance`](Self::advance) first.
    pub(super) fn available(&self) -> u32 {
        if self.closed_until.is_some() { 0 } else { self.limit().saturating_sub(self.used()) }
    }

    /// Forgets what is over.
    pub(super) fn advance(&mut self, now: Mono) {
        self.released += u64::from(self.settled.advance(now) + self.foreign.advance(now));
        self.closed_until = self.closed_until.filter(|until| *until > now);
        self.slowed = self.slowed.filter(|(_, until)| *until > now);
    }

    /// The next moment at which more may be available without anything being answered.
    pub(super) fn next_change(&self) -> Option<Mono> {
        let candidates = [self.settled.first(), self.foreign.first(), self.slowed.map(|(_, until)| until)];
        match self.closed_until {
            Some(until) => Some(until),
            None => candidates.into_iter().flatten().min(),
        }
    }

    /// Counts one call that is about to leave.
    pub(super) fn take(&mut self) {
        assert!(self.available() > 0, "a permit was taken from a full window");
        self.in_flight += 1;
    }

    /// Takes back one call that never left.
    pub(super) fn untake(&mut self) {
        assert!(self.in_flight > 0, "a permit was returned that was never given out");
        self.in_flight -= 1;
    }

    /// One call was answered or given up; it counts for a span longer.
    pub(super) fn settle(&mut self, now: Mono) {
        self.untake();
        self.settled.add(now + self.span, 1);
    }

    /// HubSpot's own count, from a call that left when `released_before` permits had come back: only what is more than
    /// ours is news, and only downwards.
    ///
    /// HubSpot counted at some moment since the call left. All our calls in flight may be in its count, and so may
    /// those whose permits came back since; what exceeds them is certainly somebody else's.
    pub(super) fn observe(&mut self, (max, remaining): (u32, u32), released_before: u64, now: Mono) {
        // What more is allowed counts from the next lease on.
        if max > 0 && (max < self.limit || self.assumed) {
            self.limit = max;
        }
        let since = u32::try_from(self.released.saturating_sub(released_before)).unwrap_or(u32::MAX);
        let ours = self.used().saturating_add(since);
        let unseen = max.saturating_sub(remaining).saturating_sub(ours);
        self.foreign.add(now + self.span, unseen);
    }

    /// HubSpot refused a call: whatever we thought was left is used by others.
    pub(super) fn exhausted(&mut self, now: Mono) {
        let left = self.limit.saturating_sub(self.used());
        self.foreign.add(now + self.span, left);
    }

    /// Lets nothing leave before `until`.
    pub(super) fn close(&mut self, until: Mono) {
        self.closed_until = self.closed_until.max(Some(until));
    }

    /// Takes one more permit away for a while; at least one stays.
    pub(super) fn slow(&mut self, now: Mono) {
        let by = self.slowed.map_or(0, |(by, _)| by) + 1;
        self.slowed = Some((by.min(self.limit.saturating_sub(1)), now + SLOW_FOR));
    }

    /// Sets the leased part of the limit.
    pub(super) fn lease(&mut self, permits: u32) {
        self.leased = permits;
    }
}
