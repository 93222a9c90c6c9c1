//! Records and how they are kept: compact, by ascending id, with an index of unique values and search's own copy.
//!
//! Invariants: a unique value points to a live record that has it; the search copy holds live records only; a
//! snapshot never changes once it is shared.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::property::{CREATED, MODIFIED, OBJECT_ID, PropId};
use super::seen::SearchCopy;
use super::{Caller, RecordSource, time};
use crate::wire::Millis;

/// Versions that the history of one property keeps.
const HISTORY_MAX: usize = 20;

/// Bytes of a row in a snapshot's table.
const ROW_BYTES: usize = 6;

/// The stored values of a record at one moment.
///
/// Everything stands in one buffer: a row of six bytes for each property, ascending, with its place and the end of its
/// text, and behind the rows all texts in their order. So a value costs six bytes and its text, a record one block.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    packed: Vec<u8>,
    rows: u16,
    pub(super) created: Millis,
    pub(super) updated: Millis,
    /// Counts the changes, so that a late index event never overwrites a newer one.
    pub(super) revision: u64,
}

impl Snapshot {
    /// An empty record.
    pub(super) fn new(now: Millis) -> Self {
        Self { packed: Vec::new(), rows: 0, created: now, updated: now, revision: 0 }
    }

    fn table_bytes(&self) -> usize {
        usize::from(self.rows) * ROW_BYTES
    }

    fn table(&self) -> &[[u8; ROW_BYTES]] {
        self.packed.get(..self.table_bytes()).unwrap_or_default().as_chunks().0
    }

    /// Where the text of a row stands among the texts; empty behind the last row.
    fn span(&self, row: usize) -> std::ops::Range<usize> {
        let table = self.table();
        let start = row.checked_sub(1).and_then(|before| table.get(before)).map_or(0, |row| end_of(*row));
        start..table.get(row).map_or(start, |row| end_of(*row))
    }

    fn text(&self, span: &std::ops::Range<usize>) -> Option<&str> {
        let behind = self.table_bytes();
        std::str::from_utf8(self.packed.get(behind + span.start..behind + span.end)?).ok()
    }

    /// The stored value; a cleared property has the empty text.
    pub(super) fn get(&self, id: PropId) -> Option<&str> {
        let row = self.table().binary_search_by_key(&id, |row| place_of(*row)).ok()?;
        self.text(&self.span(row))
    }

    /// Stores a value and says whether that changed anything.
    ///
    /// A record whose texts would pass four gigabytes keeps its old value; limits on values and properties prevent it.
    pub(super) fn set(&mut self, id: PropId, value: &str) -> bool {
        let (row, known) = match self.table().binary_search_by_key(&id, |row| place_of(*row)) {
            Ok(row) => (row, true),
            Err(_) if value.is_empty() => return false,
            Err(row) => (row, false),
        };
        let start = self.span(row).start;
        let old = if known { self.span(row) } else { start..start };
        if known && self.text(&old) == Some(value) {
            return false;
        }
        let behind = self.table_bytes();
        let grown = self.packed.len() - behind - old.len() + value.len();
        let (Ok(_), Some(rows)) = (u32::try_from(grown), self.rows.checked_add(u16::from(!known))) else {
            return false;
        };
        drop(self.packed.splice(behind + old.start..behind + old.end, value.bytes()));
        if !known {
            let at = row * ROW_BYTES;
            drop(self.packed.splice(at..at, row_of(id, start)));
            self.rows = rows;
        }
        let table_bytes = self.table_bytes();
        let table = self.packed.get_mut(..table_bytes).unwrap_or_default().as_chunks_mut().0;
        for later in table.iter_mut().skip(row) {
            *later = row_of(place_of(*later), end_of(*later) + value.len() - old.len());
        }
        true
    }

    /// Puts a value in that a file kept; unlike [`Self::set`], also an empty one of a property that was cleared.
    pub(super) fn restore(&mut self, id: PropId, value: &str) {
        if value.is_empty() {
            self.set(id, " ");
        }
        self.set(id, value);
    }

    /// Frees what growing left over.
    pub(super) fn compact(&mut self) {
        self.packed.shrink_to_fit();
    }

    /// The value as calls see it, with the three that are not stored.
    pub(super) fn shown(&self, record: u64, id: PropId) -> Option<Cow<'_, str>> {
        match id {
            OBJECT_ID => Some(Cow::Owned(record.to_string())),
            CREATED => Some(Cow::Owned(time::iso(self.created))),
            MODIFIED => Some(Cow::Owned(time::iso(self.updated))),
            _ => self.get(id).map(Cow::Borrowed),
        }
    }

    /// The places that have a stored value, ascending.
    pub(super) fn places(&self) -> impl Iterator<Item = PropId> + '_ {
        self.table().iter().map(|row| place_of(*row))
    }

    /// The buffer and its number of rows, as a file keeps them.
    pub(super) fn as_packed(&self) -> (u16, &[u8]) {
        (self.rows, &self.packed)
    }

    /// A snapshot from a buffer that a file kept, or nothing if the buffer is none of ours.
    pub(super) fn from_packed(rows: u16, packed: &[u8], created: Millis, updated: Millis) -> Option<Self> {
        let state = Self { packed: packed.to_vec(), rows, created, updated, revision: 0 };
        if packed.len() < state.table_bytes() {
            return None;
        }
        let table = state.table();
        let ascends = table.is_sorted_by(|one, next| place_of(*one) < place_of(*next) && end_of(*one) <= end_of(*next));
        let ends = table.last().map_or(0, |row| end_of(*row));
        let whole = ends == packed.len() - state.table_bytes();
        let readable = (0..table.len()).all(|row| state.text(&state.span(row)).is_some());
        (ascends && whole && readable).then_some(state)
    }
}

fn place_of(row: [u8; ROW_BYTES]) -> PropId {
    let [low, high, ..] = row;
    PropId(u16::from_le_bytes([low, high]))
}

fn end_of(row: [u8; ROW_BYTES]) -> usize {
    let [_, _, end @ ..] = row;
    usize::try_from(u32::from_le_bytes(end)).unwrap_or(usize::MAX)
}

/// A row; the caller has checked that the end fits.
fn row_of(place: PropId, end: usize) -> [u8; ROW_BYTES] {
    let ([low, high], [a, b, c, d]) = (place.0.to_le_bytes(), u32::try_from(end).unwrap_or(u32::MAX).to_le_bytes());
    [low, high, a, b, c, d]
}

/// Who changed something, for `propertiesWithHistory`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) enum ChangeSource {
    /// A call of an app.
    App(u64),
    /// A user in HubSpot's pages.
    Person(u64),
    /// HubSpot itself.
    Calculated,
}

impl ChangeSource {
    /// The source of what a caller writes.
    pub(super) fn of(caller: &Caller) -> Self {
        match caller.source {
            RecordSource::Integration | RecordSource::Api => Self::App(caller.app_id),
            RecordSource::Person => Self::Person(caller.app_id),
        }
    }

    /// HubSpot's names for kind and number.
    pub(super) fn names(self) -> (&'static str, Option<String>) {
        match self {
            Self::App(app) => ("INTEGRATION", Some(app.to_string())),
            Self::Person(user) => ("CRM_UI", Some(format!("userId:{user}"))),
            Self::Calculated => ("CALCULATED", None),
        }
    }
}

/// One version of one property.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) property: PropId,
    pub(super) value: Box<str>,
    pub(super) at: Millis,
    pub(super) source: ChangeSource,
}

/// One record.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) state: Arc<Snapshot>,
    pub(super) archived_at: Option<Millis>,
    pub(super) source: ChangeSource,
    /// Versions since the creation, oldest first; empty for a record that never changed.
    changes: Vec<Change>,
}

impl Record {
    pub(super) fn new(state: Snapshot, source: ChangeSource) -> Self {
        Self { state: Arc::new(state), archived_at: None, source, changes: Vec::new() }
    }

    /// A record that a file kept.
    pub(super) fn restored(
        state: Snapshot,
        source: ChangeSource,
        archived_at: Option<Millis>,
        changes: Vec<Change>,
    ) -> Self {
        Self { state: Arc::new(state), archived_at, source, changes }
    }

    /// Every version since the creation, as they were noted.
    pub(super) fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Replaces the state and notes every stored value that differs.
    pub(super) fn replace(&mut self, mut state: Snapshot, source: ChangeSource, now: Millis) {
        state.revision = self.state.revision + 1;
        state.compact();
        let old = Arc::clone(&self.state);
        for property in state.places() {
            let value = state.get(property).unwrap_or_default();
            if old.get(property) == Some(value) {
                continue;
            }
            let first = self.versions(property).next().is_none();
            if let Some(before) = old.get(property).filter(|_| first) {
                let (at, source) = (old.created, self.source);
                self.changes.push(Change { property, value: before.into(), at, source });
            }
            self.changes.push(Change { property, value: value.into(), at: now, source });
            if self.versions(property).count() > HISTORY_MAX
                && let Some(oldest) = self.changes.iter().position(|change| change.property == property)
            {
                self.changes.remove(oldest);
            }
        }
        self.state = Arc::new(state);
    }

    fn versions(&self, property: PropId) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(move |change| change.property == property)
    }

    /// The versions of a property, newest first.
    pub(super) fn history(&self, record: u64, property: PropId) -> Vec<Change> {
        let mut versions: Vec<Change> = self.versions(property).cloned().collect();
        versions.reverse();
        if versions.is_empty()
            && let Some(value) = self.state.shown(record, property)
        {
            let at = if property == MODIFIED { self.state.updated } else { self.state.created };
            versions.push(Change { property, value: value.as_ref().into(), at, source: self.source });
        }
        versions
    }
}

/// All records of one object type.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// Live records.
    pub(super) live: BTreeMap<u64, Record>,
    /// Archived records, for `archived=true`.
    pub(super) archived: BTreeMap<u64, Record>,
    /// Old ids of merged records and the ids of their survivors.
    pub(super) merged: BTreeMap<u64, u64>,
    /// What search sees.
    pub(super) index: SearchCopy,
    unique: BTreeMap<PropId, BTreeMap<Box<str>, u64>>,
    pub(super) last_id: u64,
}

impl Records {
    /// No records; the first id is above `last_id`.
    pub(super) fn starting_at(last_id: u64) -> Self {
        Self { last_id, ..Self::default() }
    }

    /// The record under an id, or under the id that it was merged into.
    pub(super) fn resolve(&self, id: u64) -> Option<(u64, &Record)> {
        let mut id = id;
        // A merge always points to a younger record, so that this ends.
        while let Some(survivor) = self.merged.get(&id) {
            id = *survivor;
        }
        self.live.get(&id).map(|record| (id, record))
    }

    /// The record that has a unique value.
    pub(super) fn owner_of(&self, property: PropId, key: &str) -> Option<u64> {
        self.unique.get(&property)?.get(key).copied()
    }

    /// Notes that a record has a unique value.
    pub(super) fn claim(&mut self, property: PropId, key: &str, record: u64) {
        if !key.is_empty() {
            self.unique.entry(property).or_default().insert(key.into(), record);
        }
    }

    /// Notes that a record no longer has a unique value.
    pub(super) fn release(&mut self, property: PropId, key: &str, record: u64) {
        if let Some(keys) = self.unique.get_mut(&property)
            && keys.get(key) == Some(&record)
        {
            keys.remove(key);
        }
    }

    /// Forgets every record but keeps counting ids upwards.
    pub(super) fn clear(&mut self) {
        *self = Self { last_id: self.last_id, ..Self::default() };
    }

    /// The unique values and their records, for the consistency test.
    #[cfg(test)]
    pub(super) fn unique_entries(&self) -> impl Iterator<Item = (PropId, &str, u64)> {
        self.unique.iter().flat_map(|(id, keys)| keys.iter().map(move |(key, record)| (*id, &**key, *record)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_snapshot_is_a_map(writes in prop::collection::vec((0_u16..8, ".{0,4}"), 0..40)) {
            let (mut snapshot, mut map) = (Snapshot::new(Millis(0)), BTreeMap::new());
            for (place, text) in writes {
                let known = map.get(&place).map(String::as_str);
                let changes = known.unwrap_or_default() != text;
                prop_assert_eq!(snapshot.set(PropId(place), &text), changes);
                if changes || known.is_some() {
                    map.insert(place, text);
                }
            }
            for place in 0..8 {
                prop_assert_eq!(snapshot.get(PropId(place)), map.get(&place).map(String::as_str));
            }
            prop_assert!(snapshot.places().map(|place| place.0).eq(map.keys().copied()));
            let (rows, packed) = snapshot.as_packed();
            let again = Snapshot::from_packed(rows, packed, Millis(0), Millis(0)).expect("its own buffer");
            for place in 0..8 {
                prop_assert_eq!(again.get(PropId(place)), snapshot.get(PropId(place)));
            }
        }

        #[test]
        fn any_bytes_are_a_snapshot_or_refused(rows in 0_u16..4, packed in prop::collection::vec(any::<u8>(), 0..40)) {
            if let Some(state) = Snapshot::from_packed(rows, &packed, Millis(0), Millis(0)) {
                prop_assert!(state.places().all(|place| state.get(place).is_some()));
            }
        }
    }
}
