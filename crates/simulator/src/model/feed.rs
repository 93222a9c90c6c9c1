//! What happened in a portal, in its order, for whoever tells the world of it: webhooks and their journal.
//!
//! Every kind of change is noted at one place: creations and changes of values in [`Portal::note_created`] and
//! [`Portal::replace_state`], associations in the log of [`super::links::Links`], the rest in `write`, `single` and
//! `merge`. Invariants: nothing is kept while nobody listens; at most [`FEED_MAX`] happenings wait to be drained, and
//! what does not fit is counted; archiving and merging tell of the records, not of their associations.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Portal;
use super::catalog::Kind;
use super::links::{End, LinkChange, LinkType};
use super::property::PropId;
use super::record::{ChangeSource, Snapshot};
use super::{Caller, RecordSource};
use crate::wire::Millis;

/// The happenings that may wait for [`Portal::drain_feed`].
const FEED_MAX: usize = 1 << 20;
/// The user who does what a person does.
pub(super) const PERSON: u64 = 1;

/// Who changed something, as events tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// An app with a token.
    App(u64),
    /// A service or API key.
    Key(u64),
    /// A person in HubSpot's pages.
    Person(u64),
    /// HubSpot itself.
    HubSpot,
}

impl Origin {
    pub(super) fn of(caller: &Caller) -> Self {
        match caller.source {
            RecordSource::Integration => Self::App(caller.app_id),
            RecordSource::Api => Self::Key(caller.app_id),
            RecordSource::Person => Self::Person(caller.app_id),
        }
    }
}

/// A value that was written.
type Written = (PropId, Box<str>);

/// One thing that happened.
#[derive(Debug)]
struct Happening {
    at: Millis,
    origin: Origin,
    kind: Kind,
    what: What,
}

#[derive(Debug)]
enum What {
    Created { id: u64, values: Vec<Written> },
    Changed { id: u64, values: Vec<Written> },
    Archived { id: u64 },
    Restored { id: u64 },
    Forgotten { id: u64 },
    Merged { primary: u64, merged: u64, survivor: u64, moved: usize },
    Linked(LinkChange),
}

/// The happenings of a portal that nobody has drained yet.
#[derive(Debug)]
pub(super) struct Feed {
    open: bool,
    origin: Origin,
    waiting: Vec<Happening>,
    dropped: u64,
}

impl Default for Feed {
    fn default() -> Self {
        Self { open: false, origin: Origin::HubSpot, waiting: Vec::new(), dropped: 0 }
    }
}

/// One thing that happened, with the names that events carry.
#[derive(Clone, Debug)]
pub(crate) struct Told<'a> {
    pub(crate) at: Millis,
    pub(crate) origin: Origin,
    pub(crate) object: TypeName<'a>,
    pub(crate) what: Tale<'a>,
}

/// An object type: `0-1` and `contact`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TypeName<'a> {
    pub(crate) type_id: &'a str,
    pub(crate) singular: &'a str,
}

/// A value that was written; of a sensitive one no event may tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ToldValue<'a> {
    pub(crate) name: &'a str,
    pub(crate) value: &'a str,
    pub(crate) sensitive: bool,
}

/// What happened.
#[derive(Clone, Debug)]
pub(crate) enum Tale<'a> {
    Created { id: u64, values: Vec<ToldValue<'a>> },
    Changed { id: u64, values: Vec<ToldValue<'a>> },
    Archived { id: u64 },
    Restored { id: u64 },
    Forgotten { id: u64 },
    Merged { primary: u64, merged: u64, survivor: u64, moved: usize },
    Linked(ToldLink<'a>),
}

/// One direction of an association that was made or removed.
#[derive(Clone, Debug)]
pub(crate) struct ToldLink<'a> {
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) to_object: TypeName<'a>,
    /// `contact_to_company`
    pub(crate) name: &'a str,
    pub(crate) type_id: u32,
    pub(crate) category: &'static str,
    /// Whether this is the primary type.
    pub(crate) primary: bool,
    /// Whether the two object types have a primary type.
    pub(crate) has_primary: bool,
    pub(crate) removed: bool,
}

impl Portal {
    /// Begins or ends to note what happens; ending forgets what waits.
    pub(crate) fn listen(&mut self, open: bool) {
        if self.feed.open == open {
            return;
        }
        self.feed.open = open;
        self.links.listen(open);
        if !open {
            self.feed.waiting = Vec::new();
        }
    }

    /// Whether happenings are noted.
    pub(crate) fn is_listening(&self) -> bool {
        self.feed.open
    }

    /// Whether something has happened that nobody was told of yet.
    pub(crate) fn has_news(&self) -> bool {
        !self.feed.waiting.is_empty()
    }

    /// The happenings that were not noted for want of room.
    pub(crate) fn feed_dropped(&self) -> u64 {
        self.feed.dropped
    }

    /// Tells what happened since the last time, oldest first.
    pub(crate) fn drain_feed(&mut self, tell: &mut dyn FnMut(&Told<'_>)) {
        let waiting = std::mem::take(&mut self.feed.waiting);
        for happening in &waiting {
            if let Some(told) = self.told(happening) {
                tell(&told);
            }
        }
    }

    /// For so many milliseconds after its creation a record reads as not there.
    pub(crate) fn set_read_gap(&mut self, ms: i64) {
        self.read_gap_ms = ms;
    }

    /// Whether a read at a moment finds the record already.
    pub(super) fn can_be_read(&self, state: &Snapshot, now: Millis) -> bool {
        state.created.0.saturating_add(self.read_gap_ms) <= now.0 || self.read_gap_ms == 0
    }

    /// Properties of a live record, those without a value as the empty text; all that have one if none is named.
    pub(crate) fn peek(&self, object_type: &str, id: u64, names: &[String]) -> Option<Vec<(String, String)>> {
        let kind = self.catalog.find(object_type)?;
        let (object_type, (id, record)) = (self.catalog.get(kind), self.catalog.get(kind).records.resolve(id)?);
        let all: Vec<&str> = if names.is_empty() {
            record.state.places().filter_map(|place| Some(object_type.properties.get(place)?.name.as_str())).collect()
        } else {
            names.iter().map(String::as_str).collect()
        };
        let shown = |name: &str| {
            let place = object_type.properties.find(name)?;
            Some((name.to_owned(), record.state.shown(id, place).unwrap_or_default().into_owned()))
        };
        Some(all.into_iter().filter_map(shown).collect())
    }

    /// Says who does what follows.
    pub(super) fn act_as(&mut self, origin: Origin) {
        self.feed.origin = origin;
    }

    /// Tells that a person brought a record back; there is no call for it.
    pub(super) fn note_restored(&mut self, kind: Kind, id: u64, now: Millis) {
        self.act_as(Origin::Person(PERSON));
        self.note(kind, now, What::Restored { id });
    }

    /// Replaces the state of a live record and tells which values are others now.
    pub(super) fn replace_state(
        &mut self,
        kind: Kind,
        id: u64,
        state: Snapshot,
        source: ChangeSource,
        now: Millis,
    ) -> bool {
        let Some(record) = self.catalog.get_mut(kind).records.live.get_mut(&id) else { return false };
        let before = Arc::clone(&record.state);
        record.replace(state, source, now);
        if self.feed.open {
            let values = differences(&before, &record.state);
            let caller = self.feed.origin;
            if source == ChangeSource::Calculated {
                self.act_as(Origin::HubSpot);
            }
            if !values.is_empty() {
                self.note(kind, now, What::Changed { id, values });
            }
            self.act_as(caller);
        }
        true
    }

    /// Tells of a new record and its values.
    pub(super) fn note_created(&mut self, kind: Kind, id: u64, now: Millis) {
        if !self.feed.open {
            return;
        }
        let Some(record) = self.catalog.get(kind).records.live.get(&id) else { return };
        let values = differences(&Snapshot::new(now), &record.state);
        self.note(kind, now, What::Created { id, values });
    }

    pub(super) fn note_archived(&mut self, kind: Kind, id: u64, now: Millis) {
        self.note(kind, now, What::Archived { id });
    }

    pub(super) fn note_forgotten(&mut self, kind: Kind, id: u64, now: Millis) {
        self.note(kind, now, What::Forgotten { id });
    }

    /// Tells of a merge: the archived record that is no more, and what became of both.
    pub(super) fn note_merged(&mut self, kind: Kind, (primary, merged, survivor): (u64, u64, u64), now: Millis) {
        let records = &self.catalog.get(kind).records;
        let moved = records.live.get(&survivor).map_or(0, |record| record.state.places().count());
        self.note_archived(kind, merged, now);
        self.note(kind, now, What::Merged { primary, merged, survivor, moved });
    }

    /// Tells of the associations that a call has made and removed, each by its net effect.
    pub(super) fn note_links(&mut self, now: Millis) {
        let mut net: BTreeMap<(End, End, u32), (usize, bool, bool)> = BTreeMap::new();
        for (place, change) in self.links.take_log().into_iter().enumerate() {
            let entry = net.entry((change.from, change.to, change.id));
            // What stood at the beginning is the opposite of the first change.
            entry.or_insert((place, !change.removed, change.removed)).2 = change.removed;
        }
        let mut changes: Vec<(usize, LinkChange)> = net
            .into_iter()
            .filter(|(_, (_, first, last))| first != last)
            .map(|((from, to, id), (place, _, removed))| (place, LinkChange { from, to, id, removed }))
            .collect();
        changes.sort_unstable_by_key(|(place, _)| *place);
        for (_, change) in changes {
            self.note(change.from.kind, now, What::Linked(change));
        }
    }

    fn note(&mut self, kind: Kind, at: Millis, what: What) {
        if !self.feed.open {
            return;
        }
        if self.feed.waiting.len() >= FEED_MAX {
            self.feed.dropped += 1;
            return;
        }
        let origin = self.feed.origin;
        self.feed.waiting.push(Happening { at, origin, kind, what });
    }

    fn told<'a>(&'a self, happening: &'a Happening) -> Option<Told<'a>> {
        let Happening { at, origin, kind, what } = happening;
        let what = match what {
            What::Created { id, values } => Tale::Created { id: *id, values: self.told_values(*kind, values) },
            What::Changed { id, values } => Tale::Changed { id: *id, values: self.told_values(*kind, values) },
            What::Archived { id } => Tale::Archived { id: *id },
            What::Restored { id } => Tale::Restored { id: *id },
            What::Forgotten { id } => Tale::Forgotten { id: *id },
            What::Merged { primary, merged, survivor, moved } => {
                Tale::Merged { primary: *primary, merged: *merged, survivor: *survivor, moved: *moved }
            }
            What::Linked(change) => Tale::Linked(self.told_link(change)?),
        };
        Some(Told { at: *at, origin: *origin, object: self.type_name(*kind), what })
    }

    fn told_values<'a>(&'a self, kind: Kind, values: &'a [Written]) -> Vec<ToldValue<'a>> {
        let table = &self.catalog.get(kind).properties;
        let one = |(place, value): &'a Written| {
            let property = table.get(*place)?;
            let sensitive = property.sensitivity != "non_sensitive";
            Some(ToldValue { name: &property.name, value, sensitive })
        };
        values.iter().filter_map(one).collect()
    }

    fn told_link(&self, change: &LinkChange) -> Option<ToldLink<'_>> {
        let known = self.links.find(change.from.kind, change.to.kind, change.id)?;
        let is_primary = |known: &LinkType| known.label.as_deref() == Some("Primary");
        let mut pair = self.links.types(change.from.kind, change.to.kind).iter();
        Some(ToldLink {
            from: change.from.id,
            to: change.to.id,
            to_object: self.type_name(change.to.kind),
            name: &known.name,
            type_id: known.id,
            category: known.category.name(),
            primary: is_primary(known),
            has_primary: pair.any(is_primary),
            removed: change.removed,
        })
    }

    fn type_name(&self, kind: Kind) -> TypeName<'_> {
        let object_type = self.catalog.get(kind);
        TypeName { type_id: &object_type.type_id, singular: &object_type.singular }
    }
}

/// The values of a state that another state has not.
fn differences(before: &Snapshot, after: &Snapshot) -> Vec<Written> {
    let changed = |place: &PropId| after.get(*place).unwrap_or_default() != before.get(*place).unwrap_or_default();
    after.places().filter(changed).map(|place| (place, after.get(place).unwrap_or_default().into())).collect()
}
