//! Whatever order events and reads come in, the mirror ends as HubSpot is.

use std::collections::BTreeMap;

use linchpin_hubspot::event::{Change as Happened, Event, Fate, NewValue};
use linchpin_hubspot::id::{AppId, Install, ObjectType, PortalId, RecordId};
use proptest::prelude::*;

use super::*;
use crate::ingress::latest::told;

const RECORDS: u64 = 4;
const NAMES: [&str; 2] = ["city", "phone"];

fn held() -> Held {
    Held::new(NAMES)
}

fn contacts() -> ObjectType {
    ObjectType::new("contacts")
}

fn event(occurred_at_ms: i64, change: Happened) -> Event {
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

/// A mirror of some records, and what is known of them.
#[derive(Clone, Debug, Default)]
struct Desk {
    known: BTreeMap<u64, Known>,
    rows: BTreeMap<u64, (Values, bool)>,
}

impl Desk {
    /// Takes in events as one chunk: folded first.
    fn hear(&mut self, events: &[Event]) {
        let mut folded: BTreeMap<u64, Latest> = BTreeMap::new();
        for ((_, RecordId(id)), latest) in events.iter().flat_map(told) {
            folded.entry(id).or_default().join(latest);
        }
        for (id, latest) in folded {
            let change = self.known.entry(id).or_default().hear(latest, &held());
            self.change(id, change);
        }
    }

    fn change(&mut self, id: u64, change: Change) {
        match change {
            Change::Nothing => {}
            Change::Put { values, archived } => {
                let row = self.rows.entry(id).or_default();
                row.0.extend(values);
                row.1 = archived;
            }
            Change::Archive => drop(self.rows.entry(id).and_modify(|row| row.1 = true)),
            Change::Erase => drop(self.rows.entry(id).and_modify(|row| *row = (Values::new(), true))),
        }
    }

    fn read(&mut self, id: u64, world: &World, as_of_ms: i64) {
        let (found, values) = match world.live.get(&id) {
            Some(values) => (Found::There, values.clone()),
            None => match world.archived.get(&id) {
                Some(values) => (Found::Archived, values.clone()),
                None => (Found::Nowhere, Values::new()),
            },
        };
        let change = self.known.entry(id).or_default().see(Read { as_of_ms, found, mark: held().mark() }, values);
        self.change(id, change);
    }

    /// What it shows as live.
    fn live(&self) -> BTreeMap<u64, Values> {
        self.rows.iter().filter(|(_, (_, archived))| !archived).map(|(id, (values, _))| (*id, values.clone())).collect()
    }
}

/// HubSpot.
#[derive(Clone, Debug, Default)]
struct World {
    live: BTreeMap<u64, Values>,
    archived: BTreeMap<u64, Values>,
    last: u64,
}

/// Something that somebody does: to the record of a number, at the next moment or at the same.
#[derive(Clone, Debug)]
struct Deed {
    kind: u8,
    record: u64,
    name: usize,
    value: u8,
    pause: i64,
}

impl World {
    /// Does it, and tells of it.
    fn act(&mut self, deed: &Deed, at_ms: i64) -> Vec<Event> {
        let Deed { kind, record, name, value, .. } = *deed;
        let ids: Vec<u64> = self.live.keys().copied().collect();
        let any = |place: u64| usize::try_from(place).ok().and_then(|place| ids.get(place % ids.len().max(1))).copied();
        let fate = |id, fate| event(at_ms, Happened::Record { object_type: contacts(), id: RecordId(id), fate });
        match (kind, any(record)) {
            (0, _) => {
                self.last += 1;
                self.live.insert(self.last, NAMES.map(|name| (name.to_owned(), None)).into());
                vec![fate(self.last, Fate::Created)]
            }
            (1..=5, Some(id)) => {
                let text = format!("v{value}");
                let values = self.live.get_mut(&id).unwrap();
                if values.insert(NAMES[name].to_owned(), Some(text.clone())) == Some(Some(text.clone())) {
                    return Vec::new();
                }
                let value = if value == 0 { NewValue::Hidden } else { NewValue::Known(text) };
                let (object_type, name) = (contacts(), NAMES[name].to_owned());
                vec![event(at_ms, Happened::Property { object_type, id: RecordId(id), name, value })]
            }
            (6, Some(id)) => {
                self.archived.extend(self.live.remove(&id).map(|values| (id, values)));
                vec![fate(id, Fate::Deleted)]
            }
            (7, _) => {
                let Some(id) = self.archived.keys().next().copied() else { return Vec::new() };
                self.live.extend(self.archived.remove(&id).map(|values| (id, values)));
                vec![fate(id, Fate::Restored)]
            }
            (8, Some(id)) => {
                self.live.remove(&id);
                vec![fate(id, Fate::Deleted), fate(id, Fate::PrivacyDeleted)]
            }
            (9, Some(primary)) => {
                let Some(merged) = ids.into_iter().find(|id| *id != primary) else { return Vec::new() };
                let values = self.live.remove(&primary).unwrap();
                self.live.remove(&merged);
                self.last += 1;
                self.live.insert(self.last, values);
                let [primary, merged, survivor] = [primary, merged, self.last].map(RecordId);
                let merged_into = Happened::Merge { object_type: contacts(), primary, merged: vec![merged], survivor };
                vec![fate(merged.0, Fate::Deleted), event(at_ms, merged_into)]
            }
            _ => Vec::new(),
        }
    }
}

fn any_deed() -> impl Strategy<Value = Deed> {
    (0_u8..10, 0..RECORDS, 0..NAMES.len(), 0_u8..4, 0_i64..3).prop_map(|(kind, record, name, value, pause)| Deed {
        kind,
        record,
        name,
        value,
        pause,
    })
}

/// A history: what happened, what the world was after each deed, and the moments.
fn history(deeds: &[Deed]) -> (Vec<Event>, Vec<(i64, World)>) {
    let (mut world, mut at_ms) = (World::default(), 1_000);
    let (mut events, mut worlds) = (Vec::new(), vec![(at_ms - 1, World::default())]);
    for deed in deeds {
        // Deeds on one record at one moment may differ in order; creations and merges need a moment of their own.
        at_ms += if (1..=5).contains(&deed.kind) { deed.pause } else { 1 };
        events.extend(world.act(deed, at_ms));
        worlds.push((at_ms, world.clone()));
        at_ms += i64::from(!(1..=5).contains(&deed.kind));
    }
    (events, worlds)
}

/// Reads what has to be read until nothing has to.
fn settle(desk: &mut Desk, worlds: &[(i64, World)]) {
    let (end, world) = worlds.last().unwrap();
    for round in 0..3 {
        let needed: Vec<u64> =
            desk.known.iter().filter(|(_, known)| known.need(&held()).is_some()).map(|(id, _)| *id).collect();
        assert!(round < 2 || needed.is_empty(), "it is never content: {desk:?}");
        for id in needed {
            desk.read(id, world, *end + 1);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    /// Every order, every repetition, every cut into chunks, with reads of any moment between them: as HubSpot is.
    #[test]
    fn every_way_leads_to_the_same_mirror(
        deeds in prop::collection::vec(any_deed(), 1..24),
        order in prop::collection::vec(any::<prop::sample::Index>(), 24),
        again in prop::collection::vec(any::<prop::sample::Index>(), 6),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0_u64..8, 0_i64..4), 0..8),
    ) {
        let (events, worlds) = history(&deeds);
        let mut way = events.clone();
        for (place, index) in order.iter().enumerate().take(way.len()) {
            let len = way.len();
            way.swap(place, index.index(len));
        }
        for index in again.iter().filter(|_| !events.is_empty()) {
            let place = index.index(way.len() + 1);
            way.insert(place, events[index.index(events.len())].clone());
        }
        let mut desk = Desk::default();
        let mut at = 0;
        let mut cuts: Vec<_> = cuts.iter().map(|(cut, moment, id, early)| (cut.index(way.len() + 1), moment, id, early)).collect();
        cuts.sort_by_key(|cut| cut.0);
        for (cut, moment, id, early) in cuts {
            desk.hear(&way[at..cut.max(at)]);
            at = cut.max(at);
            // A read of some moment; how much of it is for sure is less.
            let (read_at, world) = &worlds[moment.index(worlds.len())];
            if desk.known.contains_key(id) && (world.live.contains_key(id) || world.archived.contains_key(id)) {
                desk.read(*id, world, read_at - 1 - early);
            }
        }
        desk.hear(&way[at..]);
        settle(&mut desk, &worlds);
        let (_, world) = worlds.last().unwrap();
        prop_assert_eq!(desk.live(), world.live.clone(), "{:?}", desk);
        // And every record that was there and is not is known not to be.
        for (id, known) in &desk.known {
            let expected = if world.live.contains_key(id) { Standing::There } else { known.standing() };
            prop_assert_eq!(known.standing(), expected);
        }
    }
}

fn city(at_ms: i64, value: &str) -> Event {
    let value = if value == "?" { NewValue::Hidden } else { NewValue::Known(value.to_owned()) };
    let (object_type, name) = (contacts(), "city".to_owned());
    event(at_ms, Happened::Property { object_type, id: RecordId(1), name, value })
}

fn fate(at_ms: i64, fate: Fate) -> Event {
    event(at_ms, Happened::Record { object_type: contacts(), id: RecordId(1), fate })
}

/// A record that was read at 100 in Oslo.
fn in_oslo() -> (Desk, World) {
    let mut world = World::default();
    world.live.insert(1, [("city".to_owned(), Some("Oslo".to_owned()))].into());
    let mut desk = Desk::default();
    desk.read(1, &world, 100);
    (desk, world)
}

fn shown(desk: &Desk) -> Option<&str> {
    let (values, archived) = desk.rows.get(&1)?;
    values.get("city").filter(|_| !archived)?.as_deref()
}

fn need(desk: &Desk) -> Option<Need> {
    desk.known[&1].need(&held())
}

#[test]
fn an_event_outranks_a_read_that_may_be_older_and_no_other() {
    let (mut desk, _) = in_oslo();
    desk.hear(&[city(100, "Rome")]);
    assert_eq!((shown(&desk), need(&desk)), (Some("Oslo"), None));
    desk.hear(&[city(101, "Bern")]);
    assert_eq!((shown(&desk), need(&desk)), (Some("Bern"), None));
}

#[test]
fn a_hidden_value_is_read_and_only_a_read_that_covers_it_counts() {
    let (mut desk, world) = in_oslo();
    desk.hear(&[city(105, "?")]);
    assert_eq!(need(&desk), Some(Need { covering_ms: Some(105) }));
    desk.read(1, &world, 104);
    assert_eq!(need(&desk), Some(Need { covering_ms: Some(105) }));
    desk.read(1, &world, 105);
    assert_eq!(need(&desk), None);
}

#[test]
fn what_is_unknown_is_read_before_it_is_shown() {
    let mut desk = Desk::default();
    desk.hear(&[city(5, "Rome")]);
    assert_eq!((shown(&desk), need(&desk)), (None, Some(Need { covering_ms: None })));
    // The read was made before: what was told wins.
    desk.read(1, &in_oslo().1, 4);
    assert_eq!((shown(&desk), need(&desk)), (Some("Rome"), None));
}

#[test]
fn a_deletion_keeps_the_values_and_a_privacy_deletion_does_not() {
    let (mut desk, world) = in_oslo();
    desk.hear(&[fate(110, Fate::Deleted)]);
    assert_eq!((shown(&desk), need(&desk), desk.rows[&1].0.len()), (None, None, 1));
    desk.hear(&[fate(120, Fate::Restored)]);
    assert_eq!((shown(&desk), need(&desk)), (Some("Oslo"), Some(Need { covering_ms: Some(120) })));
    desk.read(1, &world, 121);
    assert_eq!((shown(&desk), need(&desk)), (Some("Oslo"), None));
    desk.hear(&[fate(130, Fate::PrivacyDeleted), city(140, "Rome")]);
    assert_eq!((need(&desk), desk.rows[&1].0.len()), (None, 0));
    assert!(desk.known[&1].latest.properties.is_empty(), "no value is kept");
    desk.read(1, &world, 150);
    assert_eq!(desk.rows[&1].0.len(), 0);
}

#[test]
fn a_change_after_a_deletion_is_a_reason_to_look() {
    let (mut desk, _) = in_oslo();
    desk.hear(&[fate(110, Fate::Deleted), city(110, "Rome")]);
    assert_eq!(need(&desk), None);
    desk.hear(&[city(115, "Bern")]);
    assert_eq!(need(&desk), Some(Need { covering_ms: Some(115) }));
    desk.read(1, &World::default(), 116);
    assert_eq!(desk.known[&1].standing(), Standing::Erased);
    desk.hear(&[city(120, "Bern")]);
    assert_eq!(need(&desk), Some(Need { covering_ms: Some(120) }));
}

#[test]
fn other_properties_are_a_reason_to_read_again() {
    let (desk, _) = in_oslo();
    let known = &desk.known[&1];
    assert_eq!(known.need(&Held::new(NAMES)), None);
    assert_eq!(known.need(&Held::new(["city", "email"])), Some(Need { covering_ms: None }));
    let mut known = known.clone();
    let Latest { properties, .. } = told(&city(200, "Rome")).remove(0).1;
    known.hear(Latest { properties, ..Latest::default() }, &Held::new(["email"]));
    assert!(known.latest.properties.is_empty(), "what is not held is passed over");
}
