//! What is true of a record after all events about it, in whatever order they come.
//!
//! Joining is commutative, associative and idempotent, so that late, repeated and reordered events end in the same
//! place. The rules:
//! - Of one property the change with the later moment wins. Two changes at one moment with different values: nobody knows
//!   which came last, so the value has to be read.
//! - Of a record's fates the later one wins. At one moment, a deletion and a return: it has to be read.
//! - A privacy deletion and a merge are final: what is told of the record afterwards changes nothing. A record that both
//!   happened to is gone.

use std::collections::BTreeMap;
use std::fmt;

use linchpin_hubspot::event::{Change, Event, Fate, NewValue};
use linchpin_hubspot::id::{ObjectType, RecordId};
use serde::{Deserialize, Serialize};

/// The name of a record: its type and its id.
pub type RecordKey = (ObjectType, RecordId);

/// What events have told of one record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Latest {
    /// Its properties that have changed.
    pub properties: BTreeMap<String, Dated>,
    /// Whether it is there, if an event said so.
    pub presence: Option<(i64, Presence)>,
    /// When its values may have changed without an event for each: it came back, or others went into it.
    pub unseen: Option<i64>,
    /// How it ended for good, if it did.
    pub end: Option<End>,
}

/// A property's newest value and when it was set. `Debug` shows no value.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dated {
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// The value.
    pub value: NewValue,
}

impl fmt::Debug for Dated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dated").field("at_ms", &self.at_ms).finish_non_exhaustive()
    }
}

/// Whether a record is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Presence {
    /// It is.
    There,
    /// It is in the recycling bin.
    Deleted,
    /// Events contradict each other: it has to be read.
    Doubtful,
}

/// How a record ended for good. The greater one wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum End {
    /// It went into another one. Of two survivors that are told, the newer record is it.
    Merged(RecordId),
    /// It was deleted for good.
    PrivacyDeleted,
}

impl Latest {
    /// Adds what another one knows.
    pub fn join(&mut self, other: Self) {
        for (name, dated) in other.properties {
            self.learn(name, dated);
        }
        if let Some((at_ms, presence)) = other.presence {
            self.learn_presence(at_ms, presence);
        }
        self.unseen = self.unseen.max(other.unseen);
        self.end = self.end.max(other.end);
    }

    fn learn(&mut self, name: String, new: Dated) {
        match self.properties.get_mut(&name) {
            None => drop(self.properties.insert(name, new)),
            Some(known) if known.at_ms < new.at_ms => *known = new,
            Some(known) if known.at_ms == new.at_ms && known.value != new.value => known.value = NewValue::Hidden,
            Some(_) => {}
        }
    }

    fn learn_presence(&mut self, at_ms: i64, new: Presence) {
        self.presence = match self.presence {
            Some((known_at, known)) if known_at > at_ms || (known_at == at_ms && known == new) => {
                Some((known_at, known))
            }
            Some((known_at, _)) if known_at == at_ms => Some((at_ms, Presence::Doubtful)),
            _ => Some((at_ms, new)),
        };
    }

    /// Whether the record must be read before anybody believes it: a value is hidden, or events contradict each other.
    pub fn must_be_read(&self) -> bool {
        let hidden = self.properties.values().any(|dated| dated.value == NewValue::Hidden);
        let unclear = match self.presence {
            Some((_, Presence::Doubtful)) => true,
            Some((_, Presence::Deleted)) => false,
            Some((_, Presence::There)) | None => hidden,
        };
        unclear && self.end.is_none()
    }
}

/// What an event tells of which records: several of a merge, none of what has no record. Associations are told apart
/// from records' own state and are not in here.
pub fn told(event: &Event) -> Vec<(RecordKey, Latest)> {
    let at_ms = event.occurred_at_ms;
    match &event.change {
        Change::Property { object_type, id, name, value } => {
            let dated = Dated { at_ms, value: value.clone() };
            let latest = Latest { properties: [(name.clone(), dated)].into(), ..Latest::default() };
            vec![((object_type.clone(), *id), latest)]
        }
        Change::Record { object_type, id, fate } => {
            let latest = match fate {
                Fate::Created => present(at_ms, Presence::There),
                Fate::Restored => returned(at_ms),
                Fate::Deleted => present(at_ms, Presence::Deleted),
                Fate::PrivacyDeleted => Latest { end: Some(End::PrivacyDeleted), ..Latest::default() },
            };
            vec![((object_type.clone(), *id), latest)]
        }
        Change::Merge { object_type, primary, merged, survivor } => {
            let ended = || Latest { end: Some(End::Merged(*survivor)), ..Latest::default() };
            let gone = merged.iter().chain([primary]).filter(|id| *id != survivor);
            let mut all: Vec<_> = gone.map(|id| ((object_type.clone(), *id), ended())).collect();
            all.push(((object_type.clone(), *survivor), returned(at_ms)));
            all
        }
        Change::Association { .. } | Change::Other { .. } => Vec::new(),
    }
}

fn present(at_ms: i64, presence: Presence) -> Latest {
    Latest { presence: Some((at_ms, presence)), ..Latest::default() }
}

/// It is there, and its values are not known from events.
fn returned(at_ms: i64) -> Latest {
    Latest { unseen: Some(at_ms), ..present(at_ms, Presence::There) }
}

#[cfg(test)]
mod tests {
    use linchpin_hubspot::id::{AppId, Install, PortalId};
    use proptest::prelude::*;

    use super::*;

    fn contacts() -> ObjectType {
        ObjectType::new("contacts")
    }

    fn event(occurred_at_ms: i64, change: Change) -> Event {
        Event {
            install: Install { portal: PortalId(7), app: AppId(9) },
            number: None,
            subscription: None,
            occurred_at_ms,
            attempt: 0,
            source: None,
            source_id: None,
            change,
        }
    }

    fn city(at_ms: i64, value: &str) -> Event {
        let value = if value == "?" { NewValue::Hidden } else { NewValue::Known(value.to_owned()) };
        event(at_ms, Change::Property { object_type: contacts(), id: RecordId(1), name: "city".to_owned(), value })
    }

    fn fate(at_ms: i64, fate: Fate) -> Event {
        event(at_ms, Change::Record { object_type: contacts(), id: RecordId(1), fate })
    }

    fn merge(at_ms: i64, primary: u64, merged: u64, survivor: u64) -> Event {
        let [primary, merged, survivor] = [primary, merged, survivor].map(RecordId);
        event(at_ms, Change::Merge { object_type: contacts(), primary, merged: vec![merged], survivor })
    }

    fn after(events: &[Event]) -> BTreeMap<RecordKey, Latest> {
        let mut all: BTreeMap<RecordKey, Latest> = BTreeMap::new();
        for (key, latest) in events.iter().flat_map(told) {
            all.entry(key).or_default().join(latest);
        }
        all
    }

    fn of_first(events: &[Event]) -> Latest {
        after(events).remove(&(contacts(), RecordId(1))).unwrap()
    }

    #[test]
    fn the_newest_value_wins_whenever_it_comes() {
        for events in [[city(1, "Oslo"), city(2, "Rome")], [city(2, "Rome"), city(1, "Oslo")]] {
            let latest = of_first(&events);
            assert!(latest.properties["city"].value == NewValue::Known("Rome".to_owned()));
            assert!(!latest.must_be_read());
        }
    }

    #[test]
    fn two_values_at_one_moment_have_to_be_read() {
        assert!(of_first(&[city(1, "Oslo"), city(1, "Rome")]).must_be_read());
        assert!(!of_first(&[city(1, "Oslo"), city(1, "Oslo")]).must_be_read());
        assert!(!of_first(&[city(1, "Oslo"), city(1, "Rome"), city(2, "Bern")]).must_be_read());
        assert!(of_first(&[city(1, "?")]).must_be_read());
    }

    #[test]
    fn a_record_that_came_back_is_there_and_one_that_went_is_not() {
        let there = of_first(&[fate(3, Fate::Restored), fate(2, Fate::Deleted), fate(1, Fate::Created)]);
        assert_eq!(there.presence, Some((3, Presence::There)));
        let gone = of_first(&[fate(4, Fate::Deleted), city(5, "?")]);
        assert_eq!((gone.presence, gone.must_be_read()), (Some((4, Presence::Deleted)), false));
        assert!(of_first(&[fate(4, Fate::Deleted), fate(4, Fate::Restored)]).must_be_read());
    }

    #[test]
    fn a_merge_ends_both_and_its_third_record_is_there() {
        let all = after(&[merge(5, 1, 2, 3), fate(6, Fate::Deleted)]);
        assert_eq!(all[&(contacts(), RecordId(1))].end, Some(End::Merged(RecordId(3))));
        assert_eq!(all[&(contacts(), RecordId(2))].end, Some(End::Merged(RecordId(3))));
        assert_eq!(all[&(contacts(), RecordId(3))].presence, Some((5, Presence::There)));
        // The older kind, where one of the two stays.
        let all = after(&[merge(5, 1, 2, 1)]);
        assert_eq!((all[&(contacts(), RecordId(1))].end, all[&(contacts(), RecordId(2))].end.is_some()), (None, true));
    }

    #[test]
    fn deletion_and_privacy_deletion_come_in_any_order() {
        for events in [
            [fate(1, Fate::Deleted), fate(1, Fate::PrivacyDeleted)],
            [fate(1, Fate::PrivacyDeleted), fate(1, Fate::Deleted)],
        ] {
            assert_eq!(of_first(&events).end, Some(End::PrivacyDeleted));
        }
    }

    fn any_event() -> impl Strategy<Value = Event> {
        let word = prop::sample::select(vec!["Oslo", "Rome", "?", ""]);
        let fates = prop::sample::select(vec![Fate::Created, Fate::Deleted, Fate::Restored, Fate::PrivacyDeleted]);
        prop_oneof![
            (0_i64..4, word).prop_map(|(at, value)| city(at, value)),
            (0_i64..4, fates).prop_map(|(at, change)| fate(at, change)),
            (0_i64..4, 1_u64..4, 1_u64..4, 1_u64..5).prop_map(|(at, a, b, c)| merge(at, a, b, c)),
        ]
    }

    proptest! {
        #[test]
        fn every_order_and_every_repetition_ends_in_the_same_place(
            events in prop::collection::vec(any_event(), 0..8),
            dice in prop::collection::vec(any::<prop::sample::Index>(), 12),
        ) {
            let once = after(&events);
            let mut shuffled = events.clone();
            for index in dice.iter().filter(|_| !events.is_empty()) {
                let again = events[index.index(events.len())].clone();
                let place = index.index(shuffled.len() + 1);
                shuffled.insert(place, again);
            }
            shuffled.reverse();
            prop_assert_eq!(after(&shuffled), once);
        }
    }
}
