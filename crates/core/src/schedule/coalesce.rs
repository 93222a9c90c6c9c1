//! Gathers calls that may share a batch: keyed slots.
//!
//! An idle key sends at once, alone, so a lone caller waits for nothing. While a batch is on its way the next one
//! gathers; it leaves when the first returns, when it is full, or when its oldest input has waited long enough.
//! Writes to one record are serial, in the order of their arrival: a batch never holds two of them, nor one whose
//! record another batch is writing. A read of a record that is being written waits for that write as well.
//!
//! Not here: what may share a batch (the key says it), how bodies are put together and cut apart.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::submission::Ticket;
use crate::time::Mono;

/// Inputs in a batch (HubSpot's object batches: <https://developers.hubspot.com/docs/api-reference/latest/crm>).
pub const INPUTS_MAX: usize = 100;

/// How long an input waits for a batch that is on its way, before the next one leaves beside it.
pub const GATHER_MAX: Duration = Duration::from_millis(500);

/// What calls must have in common to share a batch: type, version, credential, properties, id property, as a row of a
/// table that somebody else owns.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JoinKey(pub String);

/// How a call may join a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Join {
    /// Which batches.
    pub key: JoinKey,
    /// The record it is about, if it names one: at most once in a batch.
    pub record: Option<String>,
    /// Whether it writes.
    pub writes: bool,
}

/// The name of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BatchId(u64);

/// Inputs that leave together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Its name: how its return is reported.
    pub id: BatchId,
    /// Its inputs, in the order of their arrival.
    pub tickets: Vec<Ticket>,
}

#[derive(Clone, Debug)]
struct Input {
    ticket: Ticket,
    record: Option<String>,
    writes: bool,
    since: Mono,
}

#[derive(Clone, Debug, Default)]
struct Slot {
    waiting: VecDeque<Input>,
    out: BTreeSet<BatchId>,
}

impl Slot {
    fn is_due(&self, now: Mono) -> bool {
        let Some(first) = self.waiting.front() else { return false };
        self.out.is_empty() || self.waiting.len() >= INPUTS_MAX || first.since + GATHER_MAX <= now
    }
}

/// All keyed slots. A key without inputs and batches takes no room.
#[derive(Clone, Debug, Default)]
pub struct Coalescer {
    slots: BTreeMap<JoinKey, Slot>,
    keys: BTreeMap<Ticket, JoinKey>,
    out: BTreeMap<BatchId, (JoinKey, Vec<Input>)>,
    /// Writes on their way, by record: over all keys, as a record may be written under several.
    writing: BTreeMap<String, BatchId>,
    batches_made: u64,
}

impl Coalescer {
    /// Adds an input.
    pub fn handle_join(&mut self, ticket: Ticket, join: &Join, now: Mono) {
        let input = Input { ticket, record: join.record.clone(), writes: join.writes, since: now };
        self.slots.entry(join.key.clone()).or_default().waiting.push_back(input);
        self.keys.insert(ticket, join.key.clone());
    }

    /// Removes an input that has not left. False if it has, or never was here.
    pub fn handle_cancel(&mut self, ticket: Ticket) -> bool {
        let Some(key) = self.keys.remove(&ticket) else { return false };
        if let Some(slot) = self.slots.get_mut(&key) {
            slot.waiting.retain(|input| input.ticket != ticket);
            self.forget_if_idle(&key);
        }
        true
    }

    /// Removes all inputs of a key that have not left, oldest first.
    pub fn take_waiting(&mut self, key: &JoinKey) -> Vec<Ticket> {
        let Some(slot) = self.slots.get_mut(key) else { return Vec::new() };
        let taken: Vec<Ticket> = slot.waiting.drain(..).map(|input| input.ticket).collect();
        for ticket in &taken {
            self.keys.remove(ticket);
        }
        self.forget_if_idle(key);
        taken
    }

    /// How many inputs wait.
    pub fn waiting(&self) -> usize {
        self.keys.len()
    }

    /// The oldest input that waits under the key.
    pub fn oldest(&self, key: &JoinKey) -> Option<Ticket> {
        self.slots.get(key)?.waiting.front().map(|input| input.ticket)
    }

    /// The newest input that waits under the key.
    pub fn newest(&self, key: &JoinKey) -> Option<Ticket> {
        self.slots.get(key)?.waiting.back().map(|input| input.ticket)
    }

    /// Whether as much waits under the key as a batch can hold.
    pub fn is_full(&self, key: &JoinKey) -> bool {
        self.slots.get(key).is_some_and(|slot| slot.waiting.len() >= INPUTS_MAX)
    }

    /// Whether a batch of the key may leave now.
    pub fn is_due(&self, key: &JoinKey, now: Mono) -> bool {
        self.slots.get(key).is_some_and(|slot| slot.is_due(now) && slot.waiting.iter().any(|input| self.is_free(input)))
    }

    /// Takes the inputs that leave together now: from here on nothing joins them. None if none is due.
    pub fn seal(&mut self, key: &JoinKey, now: Mono) -> Option<Batch> {
        if !self.is_due(key, now) {
            return None;
        }
        let slot = self.slots.get_mut(key)?;
        let (taken, left) = split(std::mem::take(&mut slot.waiting), &self.writing);
        slot.waiting = left;
        self.batches_made += 1;
        let id = BatchId(self.batches_made);
        slot.out.insert(id);
        for input in &taken {
            self.keys.remove(&input.ticket);
            if let Some(record) = input.record.clone().filter(|_| input.writes) {
                self.writing.insert(record, id);
            }
        }
        let tickets = taken.iter().map(|input| input.ticket).collect();
        self.out.insert(id, (key.clone(), taken));
        Some(Batch { id, tickets })
    }

    /// A batch came back, or was given up.
    pub fn handle_return(&mut self, id: BatchId) {
        let Some((key, inputs)) = self.out.remove(&id) else { return };
        for record in inputs.into_iter().filter(|input| input.writes).filter_map(|input| input.record) {
            self.writing.remove(&record);
        }
        if let Some(slot) = self.slots.get_mut(&key) {
            slot.out.remove(&id);
        }
        self.forget_if_idle(&key);
    }

    /// The keys of which a batch may leave now.
    pub fn due(&self, now: Mono) -> Vec<JoinKey> {
        self.slots.keys().filter(|key| self.is_due(key, now)).cloned().collect()
    }

    /// When the next key falls due by waiting alone.
    pub fn poll_timeout(&self) -> Option<Mono> {
        let gathering = self.slots.values().filter(|slot| !slot.out.is_empty());
        gathering.filter_map(|slot| slot.waiting.front()).map(|input| input.since + GATHER_MAX).min()
    }

    /// Whether no batch is writing the input's record.
    fn is_free(&self, input: &Input) -> bool {
        input.record.as_ref().is_none_or(|record| !self.writing.contains_key(record))
    }

    fn forget_if_idle(&mut self, key: &JoinKey) {
        if self.slots.get(key).is_some_and(|slot| slot.waiting.is_empty() && slot.out.is_empty()) {
            self.slots.remove(key);
        }
    }
}

/// Takes up to a batch of inputs, in order; whatever meets a record that is taken or being written stays, and so does
/// everything later about that record.
fn split(waiting: VecDeque<Input>, writing: &BTreeMap<String, BatchId>) -> (Vec<Input>, VecDeque<Input>) {
    let (mut taken, mut left) = (Vec::new(), VecDeque::new());
    let mut met = BTreeSet::new();
    for input in waiting {
        let clashes = input.record.as_ref().is_some_and(|record| met.contains(record) || writing.contains_key(record));
        met.extend(input.record.clone());
        if clashes || taken.len() >= INPUTS_MAX {
            left.push_back(input);
        } else {
            taken.push(input);
        }
    }
    (taken, left)
}
