//! Which of the open writes goes next.
//!
//! Writes of one place follow each other in the order of acceptance, also when the first waits for its second try. Every
//! lane has room of its own, so that nobody in a hurry waits behind others' bulk.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{Request, WriteId};
use crate::schedule::lanes::{Lane, PerLane};
use crate::time::Mono;

/// Writes of one lane that are on their way at once: a few batches' worth of creations may become unknown by a crash.
pub const RUNNING_MAX: usize = 64;

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Move {
    /// Send this one. It counts as running from now on; `tries` counts this try.
    Start {
        /// Its place.
        seq: u64,
        /// Its name.
        id: WriteId,
        /// How often it has been tried, this time included.
        tries: u32,
    },
    /// Nothing before this moment, unless something changes.
    Wait(Mono),
    /// Nothing, unless something changes.
    Idle,
}

#[derive(Clone, Debug)]
struct Entry {
    id: WriteId,
    lane: Lane,
    turn: Option<String>,
    due: Mono,
    running: bool,
    tries: u32,
}

/// The open writes, in the order of acceptance.
#[derive(Clone, Debug, Default)]
pub struct Board {
    open: BTreeMap<u64, Entry>,
    running: PerLane<usize>,
}

impl Board {
    /// A write is accepted, or known from before.
    pub fn add(&mut self, seq: u64, id: WriteId, request: &Request) {
        let (lane, turn) = (request.lane, request.turn());
        self.open.insert(seq, Entry { id, lane, turn, due: Mono(0), running: false, tries: 0 });
    }

    /// A write that was added is known from before: it has been tried so often, and is not due before a moment.
    pub fn handle_known(&mut self, seq: u64, tries: u32, due: Mono) {
        if let Some(entry) = self.open.get_mut(&seq) {
            (entry.tries, entry.due) = (tries, due);
        }
    }

    /// How many are open.
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether this one is open.
    pub fn has(&self, id: &WriteId) -> bool {
        self.open.values().any(|entry| entry.id == *id)
    }

    /// Whether none is open.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// What to do next.
    pub fn next(&mut self, now: Mono) -> Move {
        let has_room = |lane| *self.running.get(lane) < RUNNING_MAX;
        if !Lane::ALL.into_iter().any(has_room) {
            return Move::Idle;
        }
        let (mut taken, mut first_due, mut found) = (BTreeSet::new(), None, None);
        for (seq, entry) in &self.open {
            // The first of a place holds back those that follow, whatever it waits for.
            let free = entry.turn.as_ref().is_none_or(|turn| taken.insert(turn));
            if entry.running || !free || !has_room(entry.lane) {
                continue;
            }
            if entry.due <= now {
                found = Some(*seq);
                break;
            }
            first_due = Some(first_due.map_or(entry.due, |due: Mono| due.min(entry.due)));
        }
        match (found.and_then(|seq| Some((seq, self.open.get_mut(&seq)?))), first_due) {
            (Some((seq, entry)), _) => {
                (entry.running, entry.tries) = (true, entry.tries.saturating_add(1));
                *self.running.get_mut(entry.lane) += 1;
                Move::Start { seq, id: entry.id.clone(), tries: entry.tries }
            }
            (None, Some(due)) => Move::Wait(due),
            (None, None) => Move::Idle,
        }
    }

    /// A running write has ended.
    pub fn handle_end(&mut self, seq: u64) {
        self.stop(seq);
        self.open.remove(&seq);
    }

    /// A running write goes again, after a pause.
    pub fn handle_again(&mut self, seq: u64, pause: Duration, now: Mono) {
        self.stop(seq);
        if let Some(entry) = self.open.get_mut(&seq) {
            entry.due = now + pause;
        }
    }

    fn stop(&mut self, seq: u64) {
        if let Some(entry) = self.open.get_mut(&seq)
            && std::mem::take(&mut entry.running)
        {
            *self.running.get_mut(entry.lane) -= 1;
        }
    }
}
