//! Archived records: how long they stay, how they come back, and addresses that may not.
//!
//! Sources: HubSpot's documentation (90 days in the recycle bin, restored by people only; a privacy deletion of an
//! unknown address blocks it). What a restored record is tied to is not documented for calls.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::catalog::{CONTACTS, Kind};
use super::links::End;
use super::saved::Places;
use super::{Portal, UnknownType};
use crate::saved::Unfit;
use crate::wire::Millis;

/// How long an archived record can be read and restored.
pub(super) const BIN_MS: i64 = 90 * 86_400_000;
/// Addresses that one portal remembers as blocked.
const BLOCKED_MAX: usize = 1_000_000;

/// What became of records that are no longer live.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Bin {
    /// When each was archived, oldest first.
    queue: VecDeque<(Millis, End)>,
    /// What an archived record was tied to.
    #[serde(with = "super::saved::pairs")]
    severed: BTreeMap<End, Vec<(End, Vec<u32>)>>,
    /// Addresses that were forgotten before they were known.
    blocked: BTreeSet<String>,
}

impl Bin {
    /// The same under the numbers that this version gives to object types.
    pub(super) fn translated(self, places: &Places) -> Result<Self, Unfit> {
        let end = |end: End| Ok::<_, Unfit>(End { kind: places.kind(end.kind)?, ..end });
        let ends = |ends: Vec<(End, Vec<u32>)>| -> Result<Vec<_>, Unfit> {
            ends.into_iter().map(|(other, types)| Ok((end(other)?, types))).collect()
        };
        let queue = self.queue.into_iter().map(|(at, one)| Ok((at, end(one)?))).collect::<Result<_, Unfit>>()?;
        let severed = self.severed.into_iter().map(|(one, others)| Ok((end(one)?, ends(others)?)));
        Ok(Self { queue, severed: severed.collect::<Result<_, Unfit>>()?, blocked: self.blocked })
    }
}

/// Why a record cannot be restored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// No such object type.
    #[error(transparent)]
    Type(#[from] UnknownType),
    /// Not in the recycle bin: it lives, was merged or forgotten, or was archived more than 90 days ago.
    #[error("there is no archived record {id}; GET its type with archived=true for those that there are")]
    NotArchived {
        /// The id that was asked for.
        id: u64,
    },
    /// Another record has one of its unique values by now.
    #[error("record {owner} has its {property} by now; change that one first")]
    Taken {
        /// The property.
        property: String,
        /// The record that has the value.
        owner: u64,
    },
}

impl Bin {
    /// Notes that a record was archived.
    pub(super) fn note(&mut self, end: End, edges: Vec<(End, Vec<u32>)>, now: Millis) {
        self.queue.push_back((now, end));
        if !edges.is_empty() {
            self.severed.insert(end, edges);
        }
    }

    /// Forgets everything but blocked addresses.
    pub(super) fn clear(&mut self) {
        self.queue.clear();
        self.severed.clear();
    }
}

impl Portal {
    /// Removes the archived records whose 90 days are over.
    pub(super) fn empty_bin(&mut self, now: Millis) {
        while let Some((at, end)) = self.bin.queue.front().copied() {
            if now.0 - at.0 < BIN_MS {
                return;
            }
            self.bin.queue.pop_front();
            let archived = &mut self.catalog.get_mut(end.kind).records.archived;
            // Restored and archived again, it has another 90 days.
            if archived.get(&end.id).is_none_or(|record| record.archived_at == Some(at)) {
                archived.remove(&end.id);
                self.bin.severed.remove(&end);
            }
        }
    }

    /// Brings an archived record back, with its unique values and with the associations whose other ends live.
    pub fn restore(&mut self, object_type: &str, id: u64, now: Millis) -> Result<(), RestoreError> {
        self.advance(now);
        let kind = self.catalog.find(object_type).ok_or_else(|| UnknownType { name: object_type.to_owned() })?;
        let keys = self.keys_of_archived(kind, id).ok_or(RestoreError::NotArchived { id })?;
        let records = &self.catalog.get(kind).records;
        for (place, value) in &keys {
            if let Some(owner) = records.owner_of(*place, value) {
                let property = self.catalog.get(kind).properties.get(*place).map(|known| known.name.clone());
                return Err(RestoreError::Taken { property: property.unwrap_or_default(), owner });
            }
        }
        let records = &mut self.catalog.get_mut(kind).records;
        let Some(mut record) = records.archived.remove(&id) else { return Err(RestoreError::NotArchived { id }) };
        record.archived_at = None;
        let state = std::sync::Arc::clone(&record.state);
        records.live.insert(id, record);
        records.index.insert(id, state);
        for (place, value) in keys {
            records.claim(place, &value, id);
        }
        let end = End { kind, id };
        for (other, types) in self.bin.severed.remove(&end).unwrap_or_default() {
            self.tie_again(end, other, &types);
        }
        self.note_restored(kind, id, now);
        for touched in self.links.take_touched() {
            self.rolled_up(touched, None, now);
        }
        Ok(())
    }

    /// The unique values of an archived record; nothing when there is no such record.
    fn keys_of_archived(&self, kind: Kind, id: u64) -> Option<Vec<(super::property::PropId, String)>> {
        let object_type = self.catalog.get(kind);
        let state = &object_type.records.archived.get(&id)?.state;
        let of = |place| state.get(place).filter(|value| !value.is_empty()).map(|value| (place, value.to_owned()));
        let mut keys: Vec<_> = self.key_properties(kind).into_iter().filter_map(of).collect();
        if let Some(email) = object_type.properties.find("email").filter(|_| kind == CONTACTS) {
            let others = super::write::secondary_emails(&self.catalog, kind, state);
            keys.extend(others.into_iter().map(|address| (email, address)));
        }
        Some(keys)
    }

    /// Ties a restored record to one that it was tied to, unless that one is gone or has enough by now.
    fn tie_again(&mut self, end: End, other: End, types: &[u32]) {
        let Some((id, _)) = self.catalog.get(other.kind).records.resolve(other.id) else { return };
        let other = End { kind: other.kind, id };
        let free = |id: &u32| {
            let Some(known) = self.links.find(end.kind, other.kind, *id) else { return false };
            let back = self.links.find(other.kind, end.kind, known.inverse).filter(|back| back.only_one);
            // Whoever got another primary company meanwhile keeps it.
            back.is_none_or(|back| !self.links.of(other, end.kind, 0).any(|(_, types)| types.contains(&back.id)))
        };
        let types: Vec<u32> = types.iter().copied().filter(free).collect();
        if !types.is_empty() && self.links.excess(end, other, &types).is_none() {
            // The restored record is told, its associations are not, as when it was archived.
            self.links.silently(|links| links.connect(end, other, &types));
        }
    }

    /// Remembers an address that was forgotten before any contact had it.
    pub(super) fn block_address(&mut self, address: &str) {
        if self.bin.blocked.len() < BLOCKED_MAX {
            self.bin.blocked.insert(address.to_owned());
        }
    }

    /// Whether no contact may have an address.
    pub(super) fn is_blocked(&self, address: &str) -> bool {
        self.bin.blocked.contains(address)
    }
}
