//! Which of the open writes goes next.
//!
//! Writes of one place follow each other in the order of acceptance, also when the first waits for its second try. Every
//! lane has room of its own, so that nobody in a hurry waits behind others' bulk, and no caller takes all of it: whose
//! call leaves next is decided by shares, but among those that are on their way alone. Changes of one record that are
//! alike go together, as far as they follow each other directly.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{Likeness, MERGED_MAX, Write, WriteId};
use crate::schedule::caller::{Caller, CallerId, Share};
use crate::schedule::lanes::{Lane, PerLane};
use crate::schedule::lines::Lines;
use crate::time::Mono;

/// Writes of one lane that are on their way at once: a few batches' worth of creations may become unknown by a crash. A
/// caller has no more of them than it leaves free: alone half of them, and whoever comes finds room.
pub const RUNNING_MAX: usize = 128;

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
    caller: CallerId,
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
    running: PerLane<Lines>,
}

impl Board {
    /// A write is accepted, or known from before. If it `merges`, it may go together with others that are alike.
    pub fn add(&mut self, seq: u64, write: &Write, merges: bool) {
        let entry = Entry {
            id: write.id.clone(),
            lane: write.request.lane,
            caller: CallerId::of(&write.caller),
            turn: write.request.turn(),
            likeness: Likeness::of(write).filter(|_| merges),
            due: Mono(0),
            running: false,
            tries: 0,
        };
        self.open.insert(seq, entry);
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
        let room = PerLane::new(Lane::ALL.map(|lane| RUNNING_MAX.saturating_sub(self.running.get(lane).total())));
        let has_room = |entry: &Entry| self.running.get(entry.lane).of(entry.caller) < *room.get(entry.lane);
        if Lane::ALL.into_iter().all(|lane| *room.get(lane) == 0) {
            return Move::Idle;
        }
        let (mut taken, mut first_due, mut found) = (BTreeSet::new(), None, None);
        for (seq, entry) in &self.open {
            // The first of a place holds back those that follow, whatever it waits for.
            let free = entry.turn.as_ref().is_none_or(|turn| taken.insert(turn));
            if entry.running || !free || !has_room(entry) {
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
        self.running.get_mut(entry.lane).add(Caller { id: entry.caller, share: Share::default() });
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
            self.running.get_mut(entry.lane).remove(entry.caller);
        }
    }
}
