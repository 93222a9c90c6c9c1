//! Gathers calls that may share a batch: keyed slots.
//!
//! An idle key sends at once, alone, so a lone caller waits for nothing. While a batch is on its way the next one
//! gathers; it leaves when the first returns, when it is full, or when its oldest input has waited long enough.
//! Writes to one record are serial, in the order of their arrival over all keys: a batch never holds two of them, nor
//! one whose record another batch is writing, nor one that would overtake an earlier write of its record. A read of a
//! record that is being written waits for that write as well. Reads of one record that gather together take one input,
//! however many they are; nothing ever joins a batch that has left, so that a read never learns what was true before
//! its caller asked. When more wait than a batch holds, their callers share its seats.
//!
//! Not here: what may share a batch (the key says it), how bodies are put together and cut apart.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::caller::Caller;
use super::seats::{Wish, seats};
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
    /// The record it is about, if it names one: at most one input of a batch. Reads under one key that name the same
    /// record must want the same of it, as they share that input.
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
    /// How many of them name each record.
    named: BTreeMap<String, usize>,
    /// How many of them name none.
    unnamed: usize,
    out: BTreeSet<BatchId>,
}

impl Slot {
    fn push(&mut self, input: Input) {
        match &input.record {
            Some(record) => *self.named.entry(record.clone()).or_default() += 1,
            None => self.unnamed += 1,
        }
        self.waiting.push_back(input);
    }

    /// Forgets what `input`, which was taken out of `waiting`, counted for.
    fn discount(&mut self, input: &Input) {
        let Some(record) = &input.record else {
            self.unnamed -= 1;
            return;
        };
        if let Some(count) = self.named.get_mut(record) {
            *count -= 1;
            if *count == 0 {
                self.named.remove(record);
            }
        }
    }

    fn is_due(&self, now: Mono) -> bool {
        let Some(first) = self.waiting.front() else { return false };
        let full = self.named.len() + self.unnamed >= INPUTS_MAX;
        self.out.is_empty() || full || first.since + GATHER_MAX <= now
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
    /// Writes that wait, by record, oldest first: over all keys as well.
    to_write: BTreeMap<String, VecDeque<Ticket>>,
    /// Keys with a batch on its way.
    busy: BTreeSet<JoinKey>,
    /// Keys to look at again when something has changed: an input of theirs had to stay.
    held: BTreeSet<JoinKey>,
    batches_made: u64,
}

impl Coalescer {
    /// Adds an input.
    pub fn handle_join(&mut self, ticket: Ticket, join: &Join, now: Mono) {
        let input = Input { ticket, record: join.record.clone(), writes: join.writes, since: now };
        if let Some(record) = input.record.clone().filter(|_| input.writes) {
            self.to_write.entry(record).or_default().push_back(ticket);
        }
        if !self.is_free(&input) {
            self.held.insert(join.key.clone());
        }
        self.slots.entry(join.key.clone()).or_default().push(input);
        self.keys.insert(ticket, join.key.clone());
    }

    /// Removes an input that has not left. False if it has, or never was here.
    pub fn handle_cancel(&mut self, ticket: Ticket) -> bool {
        let Some(key) = self.keys.remove(&ticket) else { return false };
        if let Some(slot) = self.slots.get_mut(&key)
            && let Some(place) = slot.waiting.iter().position(|input| input.ticket == ticket)
            && let Some(input) = slot.waiting.remove(place)
        {
            slot.discount(&input);
            self.no_longer_to_write(&input);
        }
        self.forget_if_idle(&key);
        true
    }

    /// Removes all inputs of a key that have not left, oldest first.
    pub fn take_waiting(&mut self, key: &JoinKey) -> Vec<Ticket> {
        let Some(slot) = self.slots.get_mut(key) else { return Vec::new() };
        let taken: Vec<Input> = slot.waiting.drain(..).collect();
        for input in &taken {
            slot.discount(input);
        }
        for input in &taken {
            self.keys.remove(&input.ticket);
            self.no_longer_to_write(input);
        }
        self.forget_if_idle(key);
        taken.into_iter().map(|input| input.ticket).collect()
    }

    /// How many inputs wait.
    pub fn waiting(&self) -> usize {
        self.keys.len()
    }

    /// The inputs that wait under the key, oldest first.
    pub fn inputs(&self, key: &JoinKey) -> impl Iterator<Item = Ticket> {
        self.slots.get(key).into_iter().flat_map(|slot| &slot.waiting).map(|input| input.ticket)
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
        self.slots.get(key).is_some_and(|slot| slot.is_due(now) && self.has_free(slot))
    }

    /// Takes the inputs that leave together now: from here on nothing joins them. None if none is due. All inputs are
    /// taken for one caller's: the oldest leave.
    pub fn seal(&mut self, key: &JoinKey, now: Mono) -> Option<Batch> {
        self.seal_by(key, now, |_| Caller::default())
    }

    /// The same where callers share the seats of a batch that is too small for all of them.
    pub fn seal_by(&mut self, key: &JoinKey, now: Mono, caller_of: impl Fn(Ticket) -> Caller) -> Option<Batch> {
        if !self.is_due(key, now) {
            self.hold(key);
            return None;
        }
        self.busy.insert(key.clone());
        self.held.remove(key);
        let slot = self.slots.get_mut(key)?;
        let (taken, left) = split(std::mem::take(&mut slot.waiting), (&self.writing, &self.to_write), caller_of);
        slot.waiting = left;
        for input in &taken {
            slot.discount(input);
        }
        self.batches_made += 1;
        let id = BatchId(self.batches_made);
        slot.out.insert(id);
        for input in &taken {
            self.keys.remove(&input.ticket);
            self.no_longer_to_write(input);
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
            if slot.out.is_empty() {
                self.busy.remove(&key);
            }
        }
        self.hold(&key);
        self.forget_if_idle(&key);
    }

    /// The keys of which a batch may leave now because something returned, was taken back, or has waited long enough.
    ///
    /// Not those that were due when their first input came: many of them may wait for nothing but the budget.
    pub fn due(&self, now: Mono) -> Vec<JoinKey> {
        self.busy.union(&self.held).filter(|key| self.is_due(key, now)).cloned().collect()
    }

    /// When the next key falls due by waiting alone.
    pub fn poll_timeout(&self) -> Option<Mono> {
        let gathering = self.busy.iter().filter_map(|key| self.slots.get(key));
        gathering.filter_map(|slot| slot.waiting.front()).map(|input| input.since + GATHER_MAX).min()
    }

    /// Whether an input may leave that is the first about its record.
    fn has_free(&self, slot: &Slot) -> bool {
        let mut met = BTreeSet::new();
        let mut firsts =
            slot.waiting.iter().filter(|input| input.record.as_ref().is_none_or(|record| met.insert(record)));
        firsts.any(|input| self.is_free(input))
    }

    /// Whether the input may leave: no batch is writing its record, and it overtakes no earlier write of it.
    fn is_free(&self, input: &Input) -> bool {
        is_free(input, &self.writing, &self.to_write)
    }

    fn no_longer_to_write(&mut self, input: &Input) {
        let Some(record) = input.record.as_ref().filter(|_| input.writes) else { return };
        if let Some(queue) = self.to_write.get_mut(record) {
            queue.retain(|ticket| *ticket != input.ticket);
            if queue.is_empty() {
                self.to_write.remove(record);
            }
        }
    }

    /// Has the key looked at again when something has changed, if anything waits there.
    pub fn hold(&mut self, key: &JoinKey) {
        if self.slots.get(key).is_some_and(|slot| !slot.waiting.is_empty()) {
            self.held.insert(key.clone());
        }
    }

    fn forget_if_idle(&mut self, key: &JoinKey) {
        if self.slots.get(key).is_some_and(|slot| slot.waiting.is_empty() && slot.out.is_empty()) {
            self.slots.remove(key);
            self.held.remove(key);
        }
    }
}

type Writing = BTreeMap<String, BatchId>;
type ToWrite = BTreeMap<String, VecDeque<Ticket>>;

fn is_free(input: &Input, writing: &Writing, to_write: &ToWrite) -> bool {
    let Some(record) = &input.record else { return true };
    let first = || to_write.get(record).and_then(VecDeque::front).is_none_or(|first| *first == input.ticket);
    !writing.contains_key(record) && (!input.writes || first())
}

/// What a batch in the making knows of a record.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Met {
    /// It reads it: further reads share that input.
    Read,
    /// It writes it, or something about it has to stay: so does all that came later.
    Closed,
}

/// Takes up to a batch of inputs, in order; whatever meets a record that is taken or being written stays, and so does
/// everything later about that record. Only reads of one record go together. If there are too few seats, callers share
/// them.
fn split(
    waiting: VecDeque<Input>,
    (writing, to_write): (&Writing, &ToWrite),
    caller_of: impl Fn(Ticket) -> Caller,
) -> (Vec<Input>, VecDeque<Input>) {
    let mut goes = may_go(&waiting, writing, to_write);
    let wishes: Vec<Wish<'_>> = waiting
        .iter()
        .zip(&goes)
        .filter(|(_, goes)| **goes)
        .map(|(input, _)| (caller_of(input.ticket), input.record.as_deref()))
        .collect();
    if wishes.len() > INPUTS_MAX {
        let seated = seats(&wishes);
        for (goes, seated) in goes.iter_mut().filter(|goes| **goes).zip(seated) {
            *goes = seated;
        }
    }
    let (mut taken, mut left) = (Vec::new(), VecDeque::new());
    for (input, goes) in waiting.into_iter().zip(goes) {
        if goes {
            taken.push(input);
        } else {
            left.push_back(input);
        }
    }
    (taken, left)
}

/// For each input, whether it may go if there is a seat for it. About one record these are either reads or one write,
/// so that any of them may stay.
fn may_go(waiting: &VecDeque<Input>, writing: &Writing, to_write: &ToWrite) -> Vec<bool> {
    let mut met: BTreeMap<&str, Met> = BTreeMap::new();
    let mut goes = Vec::with_capacity(waiting.len());
    for input in waiting {
        let known = input.record.as_deref().and_then(|record| met.get(record).copied());
        let may = match known {
            Some(Met::Read) => !input.writes,
            Some(Met::Closed) => false,
            None => is_free(input, writing, to_write),
        };
        if let Some(record) = input.record.as_deref() {
            met.insert(record, if may && !input.writes { Met::Read } else { Met::Closed });
        }
        goes.push(may);
    }
    goes
}
