//! A portal's parts of a snapshot file; `crate::saved` says what such a file is and how a part is added.
//!
//! Object types and properties are written by their place and read by their name: a version that has more of either
//! numbers them otherwise. Invariants: what is read is checked before it is used, so that no file makes the model
//! panic; parts are read into a new portal, and types before all others.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::bin::Bin;
use super::catalog::{CONTACTS, Custom, Kind, ObjectType};
use super::events::Event;
use super::links::{End, LinkType};
use super::lists::Lists;
use super::pipeline::{Pipeline, PipelineLog};
use super::property::{Group, PropId, Property, PropertyTable};
use super::record::{Change, ChangeSource, Record, Records, Snapshot};
use super::requirements::Required;
use super::validation::Rules;
use super::write::secondary_emails;
use super::{Owner, Portal, PortalOptions};
use crate::saved::{FrameWriter, Packer, SnapshotError, Unfit, Unpacker};
use crate::wire::Millis;

/// Bytes after which a frame of records or edges is full.
const FRAME_BYTES: usize = 1 << 20;

/// One part of a portal.
struct Part {
    name: &'static str,
    /// Writes all frames of the part.
    save: fn(&Portal, &mut Frames<'_, '_>) -> Result<(), SnapshotError>,
    /// Takes one frame of the part in.
    load: fn(&mut Portal, &[u8], &mut Places) -> Result<(), Unfit>,
}

/// Every part, in the order of the file.
const PARTS: &[Part] = &[
    Part { name: "portal", save: save_identity, load: load_identity },
    Part { name: "types", save: save_types, load: load_types },
    Part { name: "pipelines", save: save_pipelines, load: load_pipelines },
    Part { name: "owners", save: |portal, out| out.json(&portal.owners), load: load_owners },
    Part { name: "association types", save: save_link_types, load: load_link_types },
    Part { name: "records", save: save_records, load: load_records },
    Part { name: "merged", save: save_merged, load: load_merged },
    Part { name: "associations", save: save_edges, load: load_edges },
    Part { name: "coming", save: save_coming, load: load_coming },
    Part { name: "directory", save: |portal, out| out.json(&portal.directory), load: load_directory },
    Part { name: "pipeline log", save: |portal, out| out.json(&portal.pipeline_log), load: load_pipeline_log },
    Part { name: "lists", save: |portal, out| out.json(&portal.lists), load: load_lists },
    Part { name: "bin", save: |portal, out| out.json(&portal.bin), load: load_bin },
    Part { name: "rules", save: |portal, out| out.json(&portal.rules), load: load_rules },
    Part { name: "requirements", save: |portal, out| out.json(&portal.requirements), load: load_requirements },
];

/// Where the frames of one part go.
struct Frames<'a, 'b> {
    part: &'static str,
    out: &'a mut FrameWriter<'b>,
}

impl Frames<'_, '_> {
    fn put(&mut self, payload: &[u8]) -> Result<(), SnapshotError> {
        self.out.put(self.part, payload)
    }

    fn json<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), SnapshotError> {
        let text = serde_json::to_vec(value).map_err(|error| SnapshotError::Write(error.into()))?;
        self.put(&text)
    }

    /// Puts a frame out if it is full, and begins the next one.
    fn put_full(&mut self, packer: &mut Packer, begin: impl FnOnce(&mut Packer)) -> Result<(), SnapshotError> {
        if packer.bytes.len() < FRAME_BYTES {
            return Ok(());
        }
        self.put(&packer.bytes)?;
        packer.bytes.clear();
        begin(packer);
        Ok(())
    }
}

fn read_json<T: DeserializeOwned>(payload: &[u8]) -> Result<T, Unfit> {
    serde_json::from_slice(payload).map_err(Unfit::new)
}

/// What the places of object types and properties in a file are here.
#[derive(Debug, Default)]
pub(crate) struct Places(BTreeMap<Kind, KindPlaces>);

#[derive(Debug)]
struct KindPlaces {
    kind: Kind,
    properties: Vec<PropId>,
    /// Whether every property has the same place here, so that values need not be sorted anew.
    are_same: bool,
}

impl Places {
    fn of(&self, kind: Kind) -> Result<&KindPlaces, Unfit> {
        self.0.get(&kind).ok_or_else(|| Unfit::new(format!("no object type has number {}", kind.0)))
    }

    /// The object type that has a number in the file.
    pub(super) fn kind(&self, kind: Kind) -> Result<Kind, Unfit> {
        self.of(kind).map(|known| known.kind)
    }

    /// The property that has a number in the file, with its object type.
    pub(super) fn property(&self, kind: Kind, id: PropId) -> Result<(Kind, PropId), Unfit> {
        let known = self.of(kind)?;
        Ok((known.kind, known.property(id)?))
    }
}

impl KindPlaces {
    fn property(&self, id: PropId) -> Result<PropId, Unfit> {
        let known = self.properties.get(usize::from(id.0)).copied();
        known.ok_or_else(|| Unfit::new(format!("no property has number {}", id.0)))
    }
}

impl Portal {
    /// Writes every part.
    pub(crate) fn save(&self, out: &mut FrameWriter<'_>) -> Result<(), SnapshotError> {
        PARTS.iter().try_for_each(|part| (part.save)(self, &mut Frames { part: part.name, out: &mut *out }))
    }

    /// The number of the portal that a frame begins, if it begins one.
    pub(crate) fn begun_by(part: &str, payload: &[u8]) -> Result<Option<u64>, Unfit> {
        if PARTS.first().is_none_or(|first| first.name != part) {
            return Ok(None);
        }
        read_json::<Identity>(payload).map(|identity| Some(identity.portal_id))
    }

    /// Takes one frame in. The first one makes the portal new; `places` is that of all frames of this portal.
    pub(crate) fn load(&mut self, part: &str, payload: &[u8], places: &mut Places) -> Result<(), Unfit> {
        let known = PARTS.iter().find(|known| known.name == part);
        let known = known.ok_or_else(|| Unfit::new("this version does not know such a part"))?;
        (known.load)(self, payload, places)
    }

    /// All live records.
    pub(crate) fn live_records(&self) -> usize {
        self.catalog.iter().map(|(_, known)| known.records.live.len()).sum()
    }
}

/// Who the portal is, and how far its own numbering has come.
#[derive(Serialize, Deserialize)]
struct Identity {
    portal_id: u64,
    seed: u64,
    event_count: u64,
}

fn save_identity(portal: &Portal, out: &mut Frames<'_, '_>) -> Result<(), SnapshotError> {
    let PortalOptions { portal_id, seed, .. } = portal.options;
    out.json(&Identity { portal_id, seed, event_count: portal.event_count })
}

fn load_identity(portal: &mut Portal, payload: &[u8], places: &mut Places) -> Result<(), Unfit> {
    let identity: Identity = read_json(payload)?;
    portal.clear_records();
    // Numbers that are given from now on continue those of the file.
    portal.options.seed = identity.seed;
    portal.event_count = identity.event_count;
    *places = Places::default();
    Ok(())
}

/// One object type without its records.
#[derive(Serialize, Deserialize)]
struct TypeRow {
    kind: Kind,
    type_id: String,
    singular: String,
    plural: String,
    shout: String,
    /// Whether calls can still name it.
    named: bool,
    custom: Option<Custom>,
    default_names: Vec<String>,
    searchable_names: Vec<String>,
    required_names: Vec<String>,
    last_id: u64,
    groups: BTreeMap<String, Group>,
    /// By their place.
    properties: Vec<Property>,
}

fn save_types(portal: &Portal, out: &mut Frames<'_, '_>) -> Result<(), SnapshotError> {
    for (kind, known) in portal.catalog.iter() {
        out.json(&TypeRow {
            kind,
            type_id: known.type_id.clone(),
            singular: known.singular.clone(),
            plural: known.plural.clone(),
            shout: known.shout.clone(),
            named: portal.catalog.find_archived(&known.type_id) == Some(kind),
            custom: known.custom.clone(),
            default_names: known.default_names.clone(),
            searchable_names: known.searchable_names.clone(),
            required_names: known.required_names.clone(),
            last_id: known.records.last_id,
            groups: known.groups.clone(),
            properties: known.properties.iter().cloned().collect(),
        })?;
    }
    Ok(())
}

fn load_types(portal: &mut Portal, payload: &[u8], places: &mut Places) -> Result<(), Unfit> {
    let row: TypeRow = read_json(payload)?;
    let (file_kind, named) = (row.kind, row.named);
    let kind = if row.custom.is_some() {
        let object_type = ObjectType {
            type_id: row.type_id,
            singular: row.singular,
            plural: row.plural,
            shout: row.shout,
            properties: PropertyTable::default(),
            groups: BTreeMap::new(),
            records: Records::default(),
            default_names: row.default_names,
            searchable_names: row.searchable_names,
            required_names: row.required_names,
            custom: row.custom,
        };
        portal.catalog.add(object_type).ok_or_else(|| Unfit::new("too many object types"))?
    } else {
        let known = portal.catalog.find_archived(&row.type_id);
        known.ok_or_else(|| Unfit::new(format!("this version has no object type {}", row.type_id)))?
    };
    let mut with_formulas = Vec::new();
    let known = portal.catalog.get_mut(kind);
    known.records.last_id = row.last_id;
    known.groups.extend(row.groups);
    let mut properties = Vec::with_capacity(row.properties.len());
    for property in row.properties {
        let name = property.name.clone();
        let place = match known.properties.find(&name) {
            Some(place) => {
                known.properties.get_mut(place).into_iter().for_each(|own| *own = property.clone());
                Some(place)
            }
            None => known.properties.add(property),
        };
        with_formulas.extend(place);
        properties.push(place.ok_or_else(|| Unfit::new(format!("property {name} is one too many")))?);
    }
    for place in with_formulas {
        portal.learn_formula(kind, place);
    }
    if !named {
        portal.catalog.forget_names(kind);
    }
    let are_same = properties.iter().zip(0..).all(|(place, number)| place.0 == number);
    let known = KindPlaces { kind, properties, are_same };
    match places.0.insert(file_kind, known) {
        None => Ok(()),
        Some(_) => Err(Unfit::new(format!("object type number {} is there twice", file_kind.0))),
    }
}

fn save_pipelines(portal: &Portal, out: &mut Frames<'_, '_>) -> Result<(), SnapshotError> {
    out.json(&portal.pipelines.iter().collect::<Vec<_>>())
}

fn load_pipelines(portal: &mut Portal, payload: &[u8], places: &mut Places) -> Result<(), Unfit> {
    for (kind, pipelines) in read_json::<Vec<(Kind, Vec<Pipeline>)>>(payload)? {
        portal.pipelines.insert(places.kind(kind)?, pipelines);
    }
    Ok(())
}

fn load_owners(portal: &mut Portal, payload: &[u8], _: &mut Places) -> Result<(), Unfit> {
    portal.owners = read_json::<Vec<Owner>>(payload)?;
    Ok(())
}

/// The association types of every pair, and the number of the next one.
#[derive(Serialize, Deserialize)]
struct LinkTypes {
    next: u32,
    pairs: Vec<(Kind, Kind, Vec<LinkType>)>,
}

fn save_link_types(portal: &Portal, out: &mut Frames<'_, '_>) -> Result<(), SnapshotError> {
    let pairs = portal.links.pairs().map(|(from, to, types)| (from, to, types.to_vec())).collect();
    out.json(&LinkTypes { next: portal.links.next_type(), pairs })
}

fn load_directory(portal: &mut Portal, payload: &[u8], _: &mut Places) -> Result<(), Unfit> {
    portal.directory = read_json(payload)?;
    Ok(())
}

fn load_pipeline_log(portal: &mut Portal, payload: &[u8], places: &mut Places) -> Result<(), Unfit> {
    portal.pipeline_log = read_json::<PipelineLog>(payload)?.translated(places)?;
    Ok(())
}

fn load_lists(portal: &mut Portal, payload: &[u8], places: &mut Places) -> Result<(), Unfit> {
    portal.lists = read_json::<Lists>(payload)?.translated(places)?;
    Ok(())
}

fn load_bin(portal: &mut Portal, payload: &[u8], places: &mut Places) -> Result<(), Unfit> {
    portal.bin = read_json::<Bin>(payload)?.translated(places)?;
    Ok(())
}

fn load_rules(portal: &mut Portal, payload: &[u8], places: &mut Places) -> Result<(), Unfit> {
    portal.rules = read_json::<Rules>(payload)?.translated(places)?;
    Ok(())
}

fn load_requirements(portal: &mut Portal, payload: &[u8], places: &mut Places) -> Result<(), Unfit> {
    let requirements = read_json::<Vec<Required>>(payload)?.into_iter().map(|one| one.translated(places));
    portal.requirements = requirements.collect::<Result<_, _>>()?;
    Ok(())
}

/// A map whose keys are no texts, as a list of pairs.
pub(super) mod pairs {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(in crate::model) fn serialize<K: Serialize, V: Serialize, S: Serializer>(
        map: &BTreeMap<K, V>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_seq(map)
    }

    pub(in crate::model) fn deserialize<'de, K, V, D>(from: D) -> Result<BTreeMap<K, V>, D::Error>
    where
        K: Deserialize<'de> + Ord,
        V: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        Vec::<(K, V)>::deserialize(from).map(|pairs| pairs.into_iter().collect())
    }
}

fn load_link_types(portal: &mut Portal, payload: &[u8], places: &mut Places) -> Result<(), Unfit> {
    let read: LinkTypes = read_json(payload)?;
    for (from, to, types) in read.pairs {
        portal.links.restore_types(places.kind(from)?, places.kind(to)?, types);
    }
    portal.links.restore_next_type(read.next);
    Ok(())
}

const LIVE: u8 = 0;
const ARCHIVED: u8 = 1;
/// How search sees a record: as it is.
const SEEN: u8 = 0;
/// Not at all.
const UNSEEN: u8 = 1;
/// As it was.
const SEEN_OLD: u8 = 2;

fn save_records(portal: &Portal, out: &mut Frames<'_, '_>) -> Result<(), SnapshotError> {
    for (kind, known) in portal.catalog.iter() {
        for (tag, records) in [(LIVE, &known.records.live), (ARCHIVED, &known.records.archived)] {
            let begin = |packer: &mut Packer| {
                packer.put_u16(kind.0);
                packer.put_u8(tag);
            };
            let mut packer = Packer::default();
            begin(&mut packer);
            for (id, record) in records {
                packer.put_u64(*id);
                pack_record(&mut packer, record);
                let seen = known.records.index.get(*id).filter(|_| tag == LIVE);
                match seen {
                    None => packer.put_u8(UNSEEN),
                    Some(state) if state.revision == record.state.revision => packer.put_u8(SEEN),
                    Some(state) => {
                        packer.put_u8(SEEN_OLD);
                        pack_state(&mut packer, state);
                    }
                }
                out.put_full(&mut packer, begin)?;
            }
            if !records.is_empty() {
                out.put(&packer.bytes)?;
            }
        }
    }
    Ok(())
}

fn load_records(portal: &mut Portal, payload: &[u8], places: &mut Places) -> Result<(), Unfit> {
    let mut all = Unpacker::new(payload);
    let known = places.of(Kind(all.take_u16()?))?;
    let tag = all.take_u8()?;
    let keys = portal.key_properties(known.kind);
    let email = portal.catalog.get(known.kind).properties.find("email").filter(|_| known.kind == CONTACTS);
    while !all.is_empty() {
        let id = all.take_u64()?;
        let record = unpack_record(&mut all, known)?;
        let seen = match all.take_u8()? {
            SEEN => Some(Arc::clone(&record.state)),
            UNSEEN => None,
            SEEN_OLD => Some(Arc::new(unpack_state(&mut all, known)?)),
            other => return Err(Unfit::new(format!("record {id} is marked {other}"))),
        };
        let others = secondary_emails(&portal.catalog, known.kind, &record.state);
        let records = &mut portal.catalog.get_mut(known.kind).records;
        if tag == ARCHIVED {
            records.archived.insert(id, record);
            continue;
        }
        for property in &keys {
            records.claim(*property, record.state.get(*property).unwrap_or_default(), id);
        }
        for (property, address) in email.iter().flat_map(|email| others.iter().map(move |other| (email, other))) {
            records.claim(*property, address, id);
        }
        match seen {
            Some(seen) => records.index.insert(id, seen),
            None => records.index.reserve(id, record.state.created),
        }
        records.live.insert(id, record);
    }
    Ok(())
}

fn pack_record(packer: &mut Packer, record: &Record) {
    pack_state(packer, &record.state);
    pack_source(packer, record.source);
    packer.put_u8(u8::from(record.archived_at.is_some()));
    record.archived_at.into_iter().for_each(|at| packer.put_millis(at));
    packer.put_u64(record.changes().len() as u64);
    for change in record.changes() {
        packer.put_u16(change.property.0);
        packer.put_millis(change.at);
        pack_source(packer, change.source);
        packer.put_bytes(change.value.as_bytes());
    }
}

fn unpack_record(all: &mut Unpacker<'_>, known: &KindPlaces) -> Result<Record, Unfit> {
    let state = unpack_state(all, known)?;
    let source = unpack_source(all)?;
    let archived_at = if all.take_u8()? == 1 { Some(all.take_millis()?) } else { None };
    let mut changes = Vec::new();
    for _ in 0..all.take_u64()? {
        let property = known.property(PropId(all.take_u16()?))?;
        let (at, source) = (all.take_millis()?, unpack_source(all)?);
        let value = std::str::from_utf8(all.take_bytes()?).map_err(Unfit::new)?.into();
        changes.push(Change { property, value, at, source });
    }
    Ok(Record::restored(state, source, archived_at, changes))
}

fn pack_state(packer: &mut Packer, state: &Snapshot) {
    let (rows, packed) = state.as_packed();
    packer.put_millis(state.created);
    packer.put_millis(state.updated);
    packer.put_u64(state.revision);
    packer.put_u16(rows);
    packer.put_bytes(packed);
}

fn unpack_state(all: &mut Unpacker<'_>, known: &KindPlaces) -> Result<Snapshot, Unfit> {
    let (created, updated, revision) = (all.take_millis()?, all.take_millis()?, all.take_u64()?);
    let (rows, packed) = (all.take_u16()?, all.take_bytes()?);
    let state = Snapshot::from_packed(rows, packed, created, updated);
    let mut state = state.ok_or_else(|| Unfit::new("the values of a record cannot be read"))?;
    // Ascending, so the last one is the highest.
    let highest = state.places().last();
    highest.map(|place| known.property(place)).transpose()?;
    if !known.are_same {
        let old = state;
        state = Snapshot::new(created);
        state.updated = updated;
        for place in old.places() {
            state.restore(known.property(place)?, old.get(place).unwrap_or_default());
        }
        state.compact();
    }
    state.revision = revision;
    Ok(state)
}

fn pack_source(packer: &mut Packer, source: ChangeSource) {
    // A number and a name in JSON: it always can be written, and a source that is added later needs nothing here.
    packer.put_bytes(&serde_json::to_vec(&source).unwrap_or_default());
}

fn unpack_source(all: &mut Unpacker<'_>) -> Result<ChangeSource, Unfit> {
    read_json(all.take_bytes()?)
}

fn save_merged(portal: &Portal, out: &mut Frames<'_, '_>) -> Result<(), SnapshotError> {
    let all: Vec<(Kind, &BTreeMap<u64, u64>)> =
        portal.catalog.iter().map(|(kind, known)| (kind, &known.records.merged)).collect();
    out.json(&all)
}

fn load_merged(portal: &mut Portal, payload: &[u8], places: &mut Places) -> Result<(), Unfit> {
    for (kind, merged) in read_json::<Vec<(Kind, BTreeMap<u64, u64>)>>(payload)? {
        // A survivor is younger than what it stands for; anything else could lead in a circle.
        if let Some((old, survivor)) = merged.iter().find(|(old, survivor)| old >= survivor) {
            return Err(Unfit::new(format!("record {old} cannot be merged into {survivor}")));
        }
        portal.catalog.get_mut(places.kind(kind)?).records.merged = merged;
    }
    Ok(())
}

fn save_edges(portal: &Portal, out: &mut Frames<'_, '_>) -> Result<(), SnapshotError> {
    let mut packer = Packer::default();
    for (from, to, types) in portal.links.all_edges() {
        for end in [from, to] {
            packer.put_u16(end.kind.0);
            packer.put_u64(end.id);
        }
        packer.put_u64(types.len() as u64);
        for id in types {
            packer.put_u64(u64::from(*id));
        }
        out.put_full(&mut packer, |_| {})?;
    }
    out.put(&packer.bytes)
}

fn load_edges(portal: &mut Portal, payload: &[u8], places: &mut Places) -> Result<(), Unfit> {
    let mut all = Unpacker::new(payload);
    while !all.is_empty() {
        let (from, to) = (unpack_end(&mut all, places)?, unpack_end(&mut all, places)?);
        let mut types = Vec::new();
        for _ in 0..all.take_u64()? {
            types.push(u32::try_from(all.take_u64()?).map_err(Unfit::new)?);
        }
        portal.links.restore_edge(from, to, types);
    }
    Ok(())
}

fn unpack_end(all: &mut Unpacker<'_>, places: &Places) -> Result<End, Unfit> {
    Ok(End { kind: places.kind(Kind(all.take_u16()?))?, id: all.take_u64()? })
}

const INDEXED: u8 = 0;
const ANALYSED: u8 = 1;
const CALCULATED: u8 = 2;
const ROLLED_UP: u8 = 3;

fn save_coming(portal: &Portal, out: &mut Frames<'_, '_>) -> Result<(), SnapshotError> {
    let mut packer = Packer::default();
    for ((at, number), event) in &portal.due {
        packer.put_millis(*at);
        packer.put_u64(*number);
        match event {
            Event::Indexed { kind, id, state } => {
                packer.put_u8(INDEXED);
                packer.put_u16(kind.0);
                packer.put_u64(*id);
                pack_state(&mut packer, state);
            }
            Event::Calculated { end, index_lag } => pack_late(&mut packer, CALCULATED, *end, *index_lag),
            Event::RolledUp { end, index_lag } => pack_late(&mut packer, ROLLED_UP, *end, *index_lag),
            Event::Analysed { kind, id } => {
                packer.put_u8(ANALYSED);
                packer.put_u16(kind.0);
                packer.put_u64(*id);
            }
        }
        out.put_full(&mut packer, |_| {})?;
    }
    out.put(&packer.bytes)
}

/// A value that is known later: whose, and how much later still search sees it.
fn pack_late(packer: &mut Packer, tag: u8, end: End, index_lag: Option<i64>) {
    packer.put_u8(tag);
    packer.put_u16(end.kind.0);
    packer.put_u64(end.id);
    packer.put_millis(Millis(index_lag.unwrap_or(-1)));
}

fn load_coming(portal: &mut Portal, payload: &[u8], places: &mut Places) -> Result<(), Unfit> {
    let mut all = Unpacker::new(payload);
    while !all.is_empty() {
        let (at, number, tag) = (all.take_millis()?, all.take_u64()?, all.take_u8()?);
        let event = match tag {
            INDEXED => {
                let known = places.of(Kind(all.take_u16()?))?;
                let id = all.take_u64()?;
                Event::Indexed { kind: known.kind, id, state: Arc::new(unpack_state(&mut all, known)?) }
            }
            ANALYSED => {
                let End { kind, id } = unpack_end(&mut all, places)?;
                Event::Analysed { kind, id }
            }
            CALCULATED | ROLLED_UP => {
                let end = unpack_end(&mut all, places)?;
                let index_lag = Some(all.take_millis()?.0).filter(|lag| *lag >= 0);
                if tag == CALCULATED {
                    Event::Calculated { end, index_lag }
                } else {
                    Event::RolledUp { end, index_lag }
                }
            }
            other => return Err(Unfit::new(format!("nothing known is marked {other}"))),
        };
        portal.due.insert((at, number), event);
    }
    Ok(())
}
