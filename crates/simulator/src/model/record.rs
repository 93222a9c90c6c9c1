//! Records and how they are kept: compact, by ascending id, with an index of unique values and search's own copy.
//!
//! Invariants: a unique value points to a live record that has it; the search copy holds live records only; a
//! snapshot never changes once it is shared.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::property::{CREATED, MODIFIED, OBJECT_ID, PropId};
use super::time;
use crate::wire::Millis;

/// Versions that the history of one property keeps.
const HISTORY_MAX: usize = 20;

/// The stored values of a record at one moment.
///
/// All texts stand in one buffer in the order of their properties, so that a value costs eight bytes and its text.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    /// Each property with the end of its text, ascending in both.
    ends: Vec<(PropId, u32)>,
    texts: String,
    pub(super) created: Millis,
    pub(super) updated: Millis,
    /// Counts the changes, so that a late index event never overwrites a newer one.
    pub(super) revision: u64,
}

impl Snapshot {
    /// An empty record.
    pub(super) fn new(now: Millis) -> Self {
        Self { ends: Vec::new(), texts: String::new(), created: now, updated: now, revision: 0 }
    }

    /// Where the text of the property at a place stands.
    fn span(&self, place: usize) -> std::ops::Range<usize> {
        let end_of = |place: usize| self.ends.get(place).map_or(0, |(_, end)| usize::try_from(*end).unwrap_or(0));
        let start = place.checked_sub(1).map_or(0, end_of);
        start..end_of(place)
    }

    /// The stored value; a cleared property has the empty text.
    pub(super) fn get(&self, id: PropId) -> Option<&str> {
        let place = self.ends.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        self.texts.get(self.span(place))
    }

    /// Stores a value and says whether that changed anything.
    ///
    /// A record whose texts would pass four gigabytes keeps its old value; limits on values and properties prevent it.
    pub(super) fn set(&mut self, id: PropId, value: &str) -> bool {
        let (place, known) = match self.ends.binary_search_by_key(&id, |(id, _)| *id) {
            Ok(place) => (place, true),
            Err(_) if value.is_empty() => return false,
            Err(place) => (place, false),
        };
        let start = self.span(place).start;
        let old = if known { self.span(place) } else { start..start };
        if known && self.texts.get(old.clone()) == Some(value) {
            return false;
        }
        let grown = self.texts.len() - old.len() + value.len();
        if u32::try_from(grown).is_err() {
            return false;
        }
        let (old_len, new_len) = (old.len(), value.len());
        self.texts.replace_range(old, value);
        if !known {
            self.ends.insert(place, (id, u32::try_from(start).unwrap_or(u32::MAX)));
        }
        for (_, end) in self.ends.iter_mut().skip(place) {
            let moved = usize::try_from(*end).unwrap_or(0) + new_len - old_len;
            *end = u32::try_from(moved).unwrap_or(u32::MAX);
        }
        true
    }

    /// Frees what growing left over.
    pub(super) fn compact(&mut self) {
        self.ends.shrink_to_fit();
        self.texts.shrink_to_fit();
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
        self.ends.iter().map(|(id, _)| *id)
    }
}

/// Who changed something, for `propertiesWithHistory`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChangeSource {
    /// A call of an app.
    App(u64),
    /// HubSpot itself.
    Calculated,
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

    /// Replaces the state and notes every stored value that differs.
    pub(super) fn replace(&mut self, mut state: Snapshot, source: ChangeSource, now: Millis) {
        state.revision = self.state.revision + 1;
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
    pub(super) index: BTreeMap<u64, Arc<Snapshot>>,
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
        }
    }
}
