//! What became of every event, and how many of each.
//!
//! Invariants: at most [`EVENTS_KEPT_MAX`] events are kept, the oldest leave first and are counted; the totals never
//! forget; an event ends as delivered, failed, lost or dropped, and may be delivered more than once.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;

use super::event::{ChangeFlag, Event};

/// The events whose fate is remembered.
pub const EVENTS_KEPT_MAX: usize = 1 << 21;
/// The events of a listing that are formatted at a time.
const LIST_CHUNK_EVENTS: usize = 2_000;

/// What has become of an event so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Fate {
    /// It waits, or is under way.
    Pending,
    /// A receiver took it.
    Delivered,
    /// It was refused as often as it may be tried.
    Failed,
    /// A fault swallowed it.
    Lost,
    /// There was no room for it.
    Dropped,
}

/// Events and POSTs of all apps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WebhookCounts {
    /// Events that were made, one for each happening and subscription.
    pub events: u64,
    /// Events that a receiver took at least once.
    pub delivered: u64,
    /// Events that were given up after their last retry.
    pub failed: u64,
    /// Events that a fault swallowed.
    pub lost: u64,
    /// Events that found no room to wait.
    pub dropped: u64,
    /// Second copies that a fault made.
    pub duplicated: u64,
    /// Events that a fault held back.
    pub reordered: u64,
    /// Events that a fault delayed.
    pub delayed: u64,
    /// Events in all POSTs, copies and retries included.
    pub sent: u64,
    /// Events that receivers took, each time counted.
    pub taken: u64,
    /// POSTs.
    pub posts: u64,
    /// POSTs by the status of their answer.
    pub by_status: BTreeMap<u16, u64>,
    /// POSTs without an answer in time.
    pub timed_out: u64,
    /// POSTs whose connection failed.
    pub failed_connections: u64,
    /// POSTs whose answer a fault swallowed.
    pub unheard: u64,
    /// POSTs that a fault signed with another secret.
    pub wrong_signatures: u64,
    /// Events that are remembered no more.
    pub forgotten: u64,
}

#[derive(Debug)]
struct Kept {
    event: Arc<Event>,
    fate: Fate,
    sent: u32,
    taken: u32,
}

/// The book of all events.
#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) counts: WebhookCounts,
    kept: VecDeque<Kept>,
    /// The place of the first kept event.
    first: u64,
}

impl Book {
    /// The number of the next event.
    pub(super) fn next_seq(&self) -> u64 {
        self.first + self.kept.len() as u64
    }

    /// Notes a new event.
    pub(super) fn add(&mut self, event: &Arc<Event>) {
        self.counts.events += 1;
        if self.kept.len() >= EVENTS_KEPT_MAX {
            self.kept.pop_front();
            self.first += 1;
            self.counts.forgotten += 1;
        }
        self.kept.push_back(Kept { event: Arc::clone(event), fate: Fate::Pending, sent: 0, taken: 0 });
    }

    fn find(&mut self, seq: u64) -> Option<&mut Kept> {
        let place = usize::try_from(seq.checked_sub(self.first)?).ok()?;
        self.kept.get_mut(place)
    }

    /// An event goes out.
    pub(super) fn sent(&mut self, seq: u64) {
        self.counts.sent += 1;
        if let Some(kept) = self.find(seq) {
            kept.sent += 1;
        }
    }

    /// A receiver took an event.
    pub(super) fn taken(&mut self, seq: u64) {
        self.counts.taken += 1;
        let before = self.find(seq).map(|kept| {
            kept.taken += 1;
            std::mem::replace(&mut kept.fate, Fate::Delivered)
        });
        // A copy may still arrive when the original was given up.
        if before == Some(Fate::Failed) {
            self.counts.failed -= 1;
        }
        let first = before != Some(Fate::Delivered);
        self.counts.delivered += u64::from(first);
    }

    /// An event comes to an end without a receiver; a copy that was taken outweighs it.
    pub(super) fn ended(&mut self, seq: u64, fate: Fate) {
        let open = self.find(seq).is_none_or(|kept| {
            let open = kept.fate == Fate::Pending;
            if open {
                kept.fate = fate;
            }
            open
        });
        if !open {
            return;
        }
        match fate {
            Fate::Failed => self.counts.failed += 1,
            Fate::Lost => self.counts.lost += 1,
            Fate::Dropped => self.counts.dropped += 1,
            Fate::Pending | Fate::Delivered => {}
        }
    }

    /// Forgets events and totals; numbering goes on.
    pub(super) fn clear(&mut self) {
        *self = Self { first: self.next_seq(), ..Self::default() };
    }

    /// Every kept event as a JSON line: as it was sent first, and what became of it.
    pub(super) fn lines(&self, flag: ChangeFlag) -> impl Iterator<Item = Bytes> + Send + use<> {
        let rows: Vec<(Arc<Event>, Fate, u32, u32)> =
            self.kept.iter().map(|kept| (Arc::clone(&kept.event), kept.fate, kept.sent, kept.taken)).collect();
        let mut rows = rows.into_iter();
        std::iter::from_fn(move || {
            let mut text = String::new();
            for (event, fate, sent, taken) in rows.by_ref().take(LIST_CHUNK_EVENTS) {
                text.push_str("{\"event\":");
                event.write(0, flag, &mut text);
                // The event is the first field of the object, the rest follows.
                let rest = serde_json::json!({"fate": fate, "sent": sent, "taken": taken}).to_string();
                text.push_str(&rest.replacen('{', ",", 1));
                text.push('\n');
            }
            (!text.is_empty()).then(|| Bytes::from(text))
        })
    }
}
