//! What is remembered of one record: what events told that no read covers, and what the last read found.
//!
//! A read has a moment of HubSpot's clock up to which everything is in it for sure ([`Read::as_of_ms`]). What events tell
//! of that time and before adds nothing; what they tell of later wins over it. So a property's newest value wins, events
//! and reads alike, and an event outranks a read that may have been made before it.

use std::collections::{BTreeMap, BTreeSet};

use linchpin_hubspot::event::NewValue;
use linchpin_hubspot::fingerprint::Fingerprint;
use serde::{Deserialize, Serialize};

use crate::ingress::latest::{Latest, Presence};

/// Values of properties.
pub type Values = BTreeMap<String, Option<String>>;

/// The properties that the mirror holds of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    names: BTreeSet<String>,
    mark: u64,
}

impl Held {
    /// These.
    pub fn new<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Self {
        let names: BTreeSet<String> = names.into_iter().map(Into::into).collect();
        let parts: Vec<&[u8]> = names.iter().map(String::as_bytes).collect();
        let Fingerprint(digest) = Fingerprint::of(&parts);
        let mark = digest.iter().take(8).fold(0, |mark, byte| (mark << 8) | u64::from(*byte));
        Self { names, mark }
    }

    /// Their names.
    pub fn names(&self) -> &BTreeSet<String> {
        &self.names
    }

    /// A number that differs for other properties: a record that was read with those is read again.
    pub fn mark(&self) -> u64 {
        self.mark
    }
}

/// What a read found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Found {
    /// The record.
    There,
    /// The record, in the recycling bin.
    Archived,
    /// Nothing, neither there nor in the bin.
    Nowhere,
}

/// A read of a record, without its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    /// A moment of HubSpot's clock, in milliseconds since 1970: what happened until then is in the read.
    pub as_of_ms: i64,
    /// What it found.
    pub found: Found,
    /// Which properties were asked for.
    pub mark: u64,
}

/// What is remembered of a record beside its values in the mirror. `Debug` shows no value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Known {
    /// What events told that no read covers.
    pub latest: Latest,
    /// The last read, if there was one.
    pub read: Option<Read>,
}

/// That a record has to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// The moment that the read has to cover; none if any read will do.
    pub covering_ms: Option<i64>,
}

/// What of a record belongs into the mirror.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nobody has read it yet.
    Unknown,
    /// The record.
    There,
    /// The record, as one in the recycling bin.
    Archived,
    /// Nothing but that it is no more: forgotten, gone into another one, or nowhere to be found.
    Erased,
}

/// What is to be done to the mirror. `Debug` shows no values.
#[derive(Clone, PartialEq, Eq)]
pub enum Change {
    /// Nothing.
    Nothing,
    /// These values are the newest; the others stay.
    Put {
        /// The values.
        values: Values,
        /// Whether the record is in the recycling bin.
        archived: bool,
    },
    /// It is in the recycling bin, if it is held at all.
    Archive,
    /// Its values are removed, if it is held at all.
    Erase,
}

impl std::fmt::Debug for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Nothing => f.write_str("Nothing"),
            Self::Put { values, archived } => {
                f.debug_struct("Put").field("values", &values.keys()).field("archived", archived).finish()
            }
            Self::Archive => f.write_str("Archive"),
            Self::Erase => f.write_str("Erase"),
        }
    }
}

impl Known {
    /// Takes in what events told. Properties that the mirror does not hold are passed over. Says what changes.
    pub fn hear(&mut self, mut told: Latest, held: &Held) -> Change {
        told.properties.retain(|name, _| held.names.contains(name));
        let before = self.latest.clone();
        self.latest.join(told);
        self.forget_covered();
        if self.latest == before {
            return Change::Nothing;
        }
        match self.standing() {
            Standing::Unknown => Change::Nothing,
            Standing::There => Change::Put { values: self.newer(), archived: false },
            Standing::Archived => Change::Archive,
            Standing::Erased => Change::Erase,
        }
    }

    /// Takes in a read and the values that it found. One that is older than the last changes nothing. Says what changes.
    pub fn see(&mut self, read: Read, mut values: Values) -> Change {
        if self.read.is_some_and(|last| last.as_of_ms > read.as_of_ms) {
            return Change::Nothing;
        }
        self.read = Some(read);
        self.forget_covered();
        match (self.standing(), read.found) {
            (Standing::Unknown, _) => Change::Nothing,
            (Standing::Erased, _) | (_, Found::Nowhere) => Change::Erase,
            (standing @ (Standing::There | Standing::Archived), Found::There | Found::Archived) => {
                values.extend(self.newer());
                Change::Put { values, archived: standing == Standing::Archived }
            }
        }
    }

    /// Whether it has to be read, and if so, what the read has to cover.
    pub fn need(&self, held: &Held) -> Option<Need> {
        let Latest { properties, presence, unseen, end } = &self.latest;
        let newest = properties.values().map(|dated| dated.at_ms).max();
        if end.is_some() {
            return None;
        }
        if let Some((gone, Presence::Deleted)) = presence {
            // Whatever changed afterwards is there.
            let later = newest.filter(|at_ms| at_ms > gone);
            return later.map(|at_ms| Need { covering_ms: Some(at_ms) });
        }
        let found = self.read.map(|read| read.found);
        let is_there = found == Some(Found::There);
        let told = presence.map(|(at_ms, _)| at_ms).max(newest);
        let doubtful = presence.filter(|(_, what)| *what == Presence::Doubtful).map(|(at_ms, _)| at_ms);
        let hidden = properties.values().filter(|dated| dated.value == NewValue::Hidden).map(|dated| dated.at_ms).max();
        // It was not there when it was read, and something is told of it since.
        let back = told.filter(|_| found.is_some() && !is_there);
        let covering_ms = doubtful.max(hidden).max(*unseen).max(back);
        let unread = found.is_none() && told.is_some();
        let otherwise = is_there && self.read.is_some_and(|read| read.mark != held.mark);
        (covering_ms.is_some() || unread || otherwise).then_some(Need { covering_ms })
    }

    /// The newest moment that events told and no read covers.
    pub fn newest_ms(&self) -> Option<i64> {
        let told = self.latest.properties.values().map(|dated| dated.at_ms).max();
        told.max(self.latest.presence.map(|(at_ms, _)| at_ms))
    }

    /// What of it belongs into the mirror.
    pub fn standing(&self) -> Standing {
        match (self.latest.end, self.latest.presence, self.read.map(|read| read.found)) {
            (Some(_), _, _) | (None, None | Some((_, Presence::There | Presence::Doubtful)), Some(Found::Nowhere)) => {
                Standing::Erased
            }
            (None, Some((_, Presence::Deleted)), _) | (None, _, Some(Found::Archived)) => Standing::Archived,
            (None, _, None) => Standing::Unknown,
            (None, _, Some(Found::There)) => Standing::There,
        }
    }

    /// The values that events told since the read.
    fn newer(&self) -> Values {
        let known = self.latest.properties.iter().filter_map(|(name, dated)| match &dated.value {
            NewValue::Known(value) => Some((name.clone(), Some(value.clone()))),
            NewValue::Hidden => None,
        });
        known.collect()
    }

    /// What a read covers says nothing more, and of a record that has ended nothing is kept.
    fn forget_covered(&mut self) {
        let latest = &mut self.latest;
        if latest.end.is_some() {
            *latest = Latest { end: latest.end, ..Latest::default() };
            return;
        }
        let Some(Read { as_of_ms, .. }) = self.read else { return };
        latest.properties.retain(|_, dated| dated.at_ms > as_of_ms);
        latest.presence = latest.presence.filter(|(at_ms, _)| *at_ms > as_of_ms);
        latest.unseen = latest.unseen.filter(|at_ms| *at_ms > as_of_ms);
    }
}

#[cfg(test)]
#[path = "known_tests.rs"]
mod tests;
