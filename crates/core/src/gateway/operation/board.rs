//! Which of the open writes goes next.
//!
//! Writes of one place follow each other in the order of acceptance, also when the first waits for its second try. Every
//! lane has room of its own, so that nobody in a hurry waits behind others' bulk. Changes of one record that are alike
//! go together, as far as they follow each other directly.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{Likeness, MERGED_MAX, Request, WriteId};
use crate::schedule::lanes::{Lane, PerLane};
use crate::time::Mono;

/// Writes of one lane that are on their way at once: a few batches' worth of creations may become unknown by a crash.
pub const RUNNING_MAX: usize = 64;

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Move {
    /// Send these, in this order: one, or several that may go as one. They count as running from now on.
    Start(Vec<Start>),
    /// Nothing before this moment, unless something changes.
    Wait(Mono),
    /// Nothing, unless something changes.
    Idle,
}

/// A write that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// Its place.
    pub seq: u64,
    /// Its name.
    pub id: WriteId,
    /// How often it has been tried, this time included.
    pub tries: u32,
}

#[derive(Clone, Debug)]
struct Entry {
    id: WriteId,
    lane: Lane,
    turn: Option<String>,
    /// With which others it may go.
    likeness: Option<Likeness>,
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
    /// A write is accepted, or known from before. It may go together with others that are alike.
    pub fn add(&mut self, seq: u64, id: WriteId, request: &Request, likeness: Option<Likeness>) {
        let (lane, turn) = (request.lane, request.turn());
        self.open.insert(seq, Entry { id, lane, turn, likeness, due: Mono(0), running: false, tries: 0 });
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
        match (found, first_due) {
            (Some(seq), _) => Move::Start(self.together(seq).into_iter().filter_map(|seq| self.start(seq)).collect()),
            (None, Some(due)) => Move::Wait(due),
            (None, None) => Move::Idle,
        }
    }

    /// The first of a place, and those that go with it, whenever they would be due: it holds them back, and no longer does.
    fn together(&self, first: u64) -> Vec<u64> {
        let Some(entry) = self.open.get(&first).filter(|entry| entry.likeness.is_some()) else { return vec![first] };
        let place = self.open.range(first..).filter(|(_, other)| other.turn == entry.turn);
        let alike = place.take_while(|(_, other)| other.likeness == entry.likeness && !other.running);
        alike.map(|(seq, _)| *seq).take(MERGED_MAX).collect()
    }

    fn start(&mut self, seq: u64) -> Option<Start> {
        let entry = self.open.get_mut(&seq)?;
        (entry.running, entry.tries) = (true, entry.tries.saturating_add(1));
        *self.running.get_mut(entry.lane) += 1;
        Some(Start { seq, id: entry.id.clone(), tries: entry.tries })
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

    /// A running write was not sent after all: it has to go in a call of its own.
    pub fn handle_not_sent(&mut self, seq: u64) {
        self.stop(seq);
        if let Some(entry) = self.open.get_mut(&seq) {
            entry.tries = entry.tries.saturating_sub(1);
        }
    }

    /// A running write goes again, by itself: together with others it was refused.
    pub fn handle_alone(&mut self, seq: u64, now: Mono) {
        self.handle_again(seq, Duration::ZERO, now);
        if let Some(entry) = self.open.get_mut(&seq) {
            entry.likeness = None;
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
