//! Receipts of writes, and which events are their echoes.
//!
//! A receipt says: this caller wrote this value to this property of this record, between these two moments. It is for one
//! change: the event that it recognised is recognised again when it is told again, and no other one is. Of two writes of
//! one value the earlier is taken. A person who writes the same value beyond the time of the write makes news.
//!
//! Receipts belong to an account, not to an app: events come by another app than that whose token writes. They live in
//! memory: after a restart all is news.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use linchpin_hubspot::event::{Change, Event, NewValue};
use linchpin_hubspot::id::{ObjectType, PortalId, RecordId};

use super::writes::{Answered, Forms, Write};
use super::{Echo, Form, LIFE, RECEIPTS_MAX, SKEW};
use crate::time::Wall;

type Record = (PortalId, ObjectType, RecordId);

/// The name of what was noted for one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct NoteId(u64);

/// What was noted for one caller's share in one attempt at a call; handed back when its end is known.
#[derive(Debug)]
pub struct Noted {
    id: NoteId,
    portal: PortalId,
    caller: Arc<str>,
    sent: Wall,
    writes: Vec<Write>,
}

/// What a caller is known to have brought about: at HubSpot's moment `landed` the property had this value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stand {
    /// When the write left, by our clock.
    pub sent: Wall,
    /// When it had happened, by HubSpot's.
    pub landed: Wall,
    /// The value.
    pub value: Form,
}

#[derive(Clone, Debug)]
struct Receipt {
    note: NoteId,
    caller: Arc<str>,
    property: String,
    value: Form,
    /// The value as HubSpot answered it.
    kept: Option<Form>,
    sent: Wall,
    answered: Option<Wall>,
    landed: Option<Wall>,
    /// When the one change happened that it is the receipt for.
    echo: Option<Wall>,
}

impl Receipt {
    fn lives(&self, now: Wall) -> bool {
        now - self.sent < LIFE
    }

    fn is_of(&self, property: &str, value: Form) -> bool {
        self.property == property && (self.value == value || self.kept == Some(value))
    }

    /// Whether the write may have happened at a moment of HubSpot's clock.
    fn spans(&self, at: Wall) -> bool {
        self.sent <= at + SKEW && self.answered.is_none_or(|answered| at <= answered + SKEW)
    }
}

/// All receipts. `Debug` shows no values.
#[derive(Clone, Debug, Default)]
pub struct Receipts {
    records: BTreeMap<Record, Vec<Receipt>>,
    /// What to forget, the oldest first.
    order: VecDeque<(Wall, NoteId, Record)>,
    live: usize,
    notes: u64,
}

impl Receipts {
    /// How many are kept.
    pub fn len(&self) -> usize {
        self.live
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// Notes what is about to leave. Writes whose record nobody knows before the answer are noted with it; what is told
    /// of them earlier is news.
    pub fn note(&mut self, portal: PortalId, caller: &str, writes: Vec<Write>, now: Wall) -> Noted {
        self.notes += 1;
        let noted = Noted { id: NoteId(self.notes), portal, caller: caller.into(), sent: now, writes };
        for write in &noted.writes {
            if let Some(record) = write.record {
                self.keep(&noted, record, write, None);
            }
        }
        self.forget(now);
        noted
    }

    /// HubSpot has answered that it is done, for all of the call or for some of its records.
    pub fn handle_done(&mut self, noted: &Noted, answers: &[Answered], now: Wall) {
        let alone = noted.writes.len() == 1 && answers.len() == 1;
        for write in &noted.writes {
            let known = write.record.and_then(|record| answers.iter().find(|answer| answer.record == record));
            let of_content = || answers.iter().find(|answer| has(answer, &write.values));
            let answer = match (known, write.record) {
                (Some(answer), _) => Some(answer),
                // A record that went into another one answers under that one's id.
                _ if alone => answers.first(),
                (None, None) => of_content(),
                (None, Some(_)) => None,
            };
            if let Some(record) = write.record {
                self.close(noted, (record, write), answer, now);
            }
            if let Some(answer) = answer.filter(|answer| Some(answer.record) != write.record) {
                self.keep(noted, answer.record, write, Some((answer, now)));
            }
        }
        self.forget(now);
    }

    /// It surely was not done. Without this, and without [`Receipts::handle_done`], nobody knows: the receipts stay.
    pub fn handle_not_done(&mut self, noted: &Noted) {
        for write in &noted.writes {
            if let Some(record) = write.record {
                self.remove(&(noted.portal, write.object_type.clone(), record), noted.id);
            }
        }
    }

    /// Whose echo an event is, and whether that is found for the first time; none if it is news. A value that HubSpot
    /// hides is news.
    pub fn judge(&mut self, event: &Event, now: Wall) -> Option<(Echo, bool)> {
        let Change::Property { object_type, id, name, value: NewValue::Known(value) } = &event.change else {
            return None;
        };
        if self.records.is_empty() {
            return None;
        }
        let receipts = self.records.get_mut(&(event.install.portal, object_type.clone(), *id))?;
        let (value, at) = (Form::of(name, Some(value)), Wall(event.occurred_at_ms));
        let fits = |receipt: &&mut Receipt| receipt.lives(now) && receipt.is_of(name, value);
        let first = !receipts.iter_mut().filter(fits).any(|receipt| receipt.echo == Some(at));
        let is_for_it =
            |one: &&mut Receipt| if first { one.echo.is_none() && one.spans(at) } else { one.echo == Some(at) };
        let receipt = receipts.iter_mut().filter(fits).filter(is_for_it).min_by_key(|receipt| receipt.sent)?;
        receipt.echo = Some(at);
        receipt.landed = receipt.landed.max(Some(at));
        Some((Echo { caller: receipt.caller.to_string(), sent_at: receipt.sent }, first))
    }

    /// What some callers are known to have brought about of late in one property.
    pub fn stands(
        &self,
        record: &(PortalId, ObjectType, RecordId),
        property: &str,
        callers: &BTreeSet<String>,
        now: Wall,
    ) -> Vec<Stand> {
        let theirs = |receipt: &&Receipt| receipt.property == property && callers.contains(&*receipt.caller);
        let receipts = self.records.get(record).into_iter().flatten();
        let stand = |receipt: &Receipt| {
            let value = receipt.kept.unwrap_or(receipt.value);
            Some(Stand { sent: receipt.sent, landed: receipt.landed?, value })
        };
        receipts.filter(|receipt| receipt.lives(now)).filter(theirs).filter_map(stand).collect()
    }

    fn keep(&mut self, noted: &Noted, record: RecordId, write: &Write, done: Option<(&Answered, Wall)>) {
        let key = (noted.portal, write.object_type.clone(), record);
        let receipts = self.records.entry(key.clone()).or_default();
        for (property, value) in &write.values {
            receipts.push(Receipt {
                note: noted.id,
                caller: Arc::clone(&noted.caller),
                property: property.clone(),
                value: *value,
                kept: done.and_then(|(answer, _)| answer.values.get(property).copied()),
                sent: noted.sent,
                answered: done.map(|(_, now)| now),
                landed: done.and_then(|(answer, _)| answer.updated),
                echo: None,
            });
        }
        self.live += write.values.len();
        self.order.push_back((noted.sent, noted.id, key));
    }

    fn close(&mut self, noted: &Noted, (record, write): (RecordId, &Write), answer: Option<&Answered>, now: Wall) {
        let key = (noted.portal, write.object_type.clone(), record);
        let receipts = self.records.get_mut(&key).into_iter().flatten();
        for receipt in receipts.filter(|receipt| receipt.note == noted.id) {
            receipt.answered = Some(now);
            receipt.kept = answer.and_then(|answer| answer.values.get(&receipt.property).copied());
            receipt.landed = receipt.landed.max(answer.and_then(|answer| answer.updated));
        }
    }

    fn forget(&mut self, now: Wall) {
        while let Some((sent, note, record)) = self.order.front().cloned() {
            if self.live <= RECEIPTS_MAX && now - sent < LIFE {
                return;
            }
            self.order.pop_front();
            self.remove(&record, note);
        }
    }

    fn remove(&mut self, record: &Record, note: NoteId) {
        let Some(receipts) = self.records.get_mut(record) else { return };
        let before = receipts.len();
        receipts.retain(|receipt| receipt.note != note);
        self.live -= before - receipts.len();
        if receipts.is_empty() {
            self.records.remove(record);
        }
    }
}

/// Whether a record has these values, as far as it is told.
fn has(answer: &Answered, values: &Forms) -> bool {
    !values.is_empty() && values.iter().all(|(name, value)| answer.values.get(name) == Some(value))
}

#[cfg(test)]
#[path = "receipts_tests.rs"]
mod tests;
