//! Which calls may share a batch: the one table of rules.
//!
//! Sources: HubSpot's batch guides (<https://developers.hubspot.com/docs/guides/crm/using-object-apis>) and answers that
//! public projects recorded; each refusal below says what would differ.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use linchpin_hubspot::associations::Pair;
use linchpin_hubspot::call::CostClass;
use linchpin_hubspot::id::{Install, ObjectType, RecordId};
use linchpin_hubspot::routes::{Operation, Route};
use linchpin_hubspot::version::ApiVersion;
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::schedule::coalesce::{Join, JoinKey};

/// Longest body of a write that may join a batch, in bytes: a hundred of them stay a body of ordinary size.
pub const INPUT_BYTES_MAX: usize = 16 * 1024;

/// One call of somebody else, as the table needs to see it.
#[derive(Clone, Copy, Debug)]
pub struct Incoming<'a> {
    /// With whose credential it will leave.
    pub install: Install,
    /// Its path, read.
    pub route: &'a Route,
    /// Its query pairs, decoded, in order.
    pub query: &'a [(String, String)],
    /// Its body.
    pub body: &'a Bytes,
}

/// What is known about the properties of a portal's object types.
pub trait Definitions {
    /// Whether the property exists and is not sensitive: an unknown name may fail a whole batch (207 in
    /// segmentio/action-destinations), where a single read leaves it out.
    fn is_plain(&self, object_type: &ObjectType, property: &str) -> bool;
    /// Whether its values are unique, so that a created record is known by one.
    fn is_unique(&self, object_type: &ObjectType, property: &str) -> bool;
}

/// Why a call travels alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Alone {
    /// HubSpot has no batch that does the same, or none of this version.
    NoBatch,
    /// A parameter that batches do not have, or have otherwise (associations, history, paging).
    Parameter,
    /// A read that leaves the choice of properties to HubSpot: the defaults of both calls are not proven equal.
    Defaults,
    /// The record is not named by a canonical decimal id.
    Id,
    /// A property that does not exist here, or is sensitive.
    Property,
    /// A body that batches do not have, or that is too large.
    Body,
    /// The setting `coalesce` leaves its kind out.
    Setting,
}

impl Alone {
    /// Its name in counters.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoBatch => "no_batch",
            Self::Parameter => "parameter",
            Self::Defaults => "defaults",
            Self::Id => "id",
            Self::Property => "property",
            Self::Body => "body",
            Self::Setting => "setting",
        }
    }
}

/// What all inputs of a batch have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Group {
    /// The single operation that each input stands for.
    pub operation: Operation,
    /// Which version its callers use: another one may answer otherwise.
    pub version: ApiVersion,
    /// The type of the records.
    pub object_type: ObjectType,
    /// The type at the other end of associations.
    pub to_object_type: Option<ObjectType>,
    /// Of a read, the properties that are asked for; of a creation, those that are set. Ascending, no duplicates.
    pub properties: Vec<String>,
    /// Of a read, whether archived records are asked for.
    pub archived: bool,
}

/// One call, as an input of a batch.
#[derive(Clone, Debug)]
pub enum Input {
    /// A read or an archive of a record, or a read of its associations.
    Record(RecordId),
    /// The association of two records without a label, or the end of all between them.
    Pair(Pair),
    /// An update: the record and its new values, as the caller wrote them.
    Update {
        /// The record.
        id: RecordId,
        /// The object of values, byte for byte.
        properties: Box<RawValue>,
    },
    /// A creation: the values as the caller wrote them, and as text.
    Create {
        /// The object of values, byte for byte.
        properties: Box<RawValue>,
        /// The same, to recognise the new record by.
        values: BTreeMap<String, String>,
        /// The property with unique values that tells it from all others, if it has one.
        unique: Option<String>,
    },
}

/// A call that may join a batch.
#[derive(Clone, Debug)]
pub struct Joined {
    /// Which batches, for the coalescer.
    pub join: Join,
    /// What it has in common with their other inputs.
    pub group: Group,
    /// What the batch costs; alone it may cost something else.
    pub cost: CostClass,
    /// The call itself.
    pub input: Input,
}

/// Decides whether a call may share a batch with others.
///
/// # Errors
/// It may not; why.
pub fn join(call: &Incoming<'_>, known: &dyn Definitions) -> Result<Joined, Alone> {
    let route = call.route;
    let (Some(object_type), Some(version)) = (route.object_type.clone(), route.version) else {
        return Err(Alone::NoBatch);
    };
    let mut group = Group {
        operation: route.operation,
        version,
        object_type,
        to_object_type: route.to_object_type.clone(),
        properties: Vec::new(),
        archived: false,
    };
    let input = match route.operation {
        Operation::ObjectRead => read(call, &mut group, known)?,
        Operation::ObjectUpdate => update(call, &group, known)?,
        Operation::ObjectCreate => create(call, &mut group, known)?,
        Operation::ObjectArchive => archive(call)?,
        Operation::AssociationList => associations(call, version)?,
        Operation::AssociateDefault | Operation::AssociationDelete => pair(call, version)?,
        _ => return Err(Alone::NoBatch),
    };
    let record = input.record(call.install, &group);
    let writes = match input {
        Input::Record(_) => route.operation == Operation::ObjectArchive,
        Input::Pair(_) | Input::Update { .. } | Input::Create { .. } => true,
    };
    let join = Join { key: key(call.install, &group), record: Some(record), writes };
    let cost = if group.to_object_type.is_some() { CostClass::AssociationBatch } else { route.cost };
    Ok(Joined { join, group, cost, input })
}

impl Input {
    /// What may stand in a batch once: the record, or the content of one that does not exist yet.
    fn record(&self, install: Install, group: &Group) -> String {
        let portal = install.portal.0;
        match self {
            // Associations do not wait for a write of the record's values, which may be in trouble.
            Self::Record(id) if group.operation == Operation::AssociationList => {
                format!("{} associations", named(install, &group.object_type, *id))
            }
            Self::Record(id) | Self::Update { id, .. } => named(install, &group.object_type, *id),
            // From either end it is one pair. Of two pairs whose numbers are each other's, results do not say which is
            // meant: they count as one, too.
            Self::Pair(Pair { from, to }) => {
                let own = &group.object_type;
                let other = group.to_object_type.as_ref().unwrap_or(own);
                format!("{portal} pair {} {} {} {}", own.min(other), own.max(other), from.min(to), from.max(to))
            }
            Self::Create { values, unique, .. } => {
                // HubSpot writes e-mail addresses and unique texts in lower case: two that differ in case only are one.
                let text = |name: &str| values.get(name).map(|value| value.to_lowercase()).unwrap_or_default();
                let names: Vec<&String> = unique.as_ref().map_or_else(|| values.keys().collect(), |name| vec![name]);
                let content: Vec<String> = names.into_iter().map(|name| format!("{name}={:?}", text(name))).collect();
                format!("{portal} new {}:{}", group.object_type, content.join("&"))
            }
        }
    }
}

/// A record, as everything that reads or writes it names it: whatever the credential, it is one in its account.
pub(super) fn named(install: Install, object_type: &ObjectType, id: RecordId) -> String {
    format!("{} {object_type}:{id}", install.portal.0)
}

/// The group as a key: two groups are equal exactly if their keys are. Texts are quoted, so that none runs into the next.
fn key(install: Install, group: &Group) -> JoinKey {
    let Group { operation, version, object_type, to_object_type, properties, archived } = group;
    let other = to_object_type.as_ref().map(ObjectType::as_str);
    let object_type = object_type.as_str();
    JoinKey(format!("{install} {operation:?} {version} {object_type:?} {other:?} {properties:?} {archived}"))
}

fn read(call: &Incoming<'_>, group: &mut Group, known: &dyn Definitions) -> Result<Input, Alone> {
    let id = record_id(call)?;
    for (name, value) in call.query {
        match name.as_str() {
            "properties" => group.properties.extend(names(value)),
            "archived" => group.archived = flag(value)?,
            _ => return Err(Alone::Parameter),
        }
    }
    if group.properties.is_empty() {
        return Err(Alone::Defaults);
    }
    if !call.body.is_empty() {
        return Err(Alone::Body);
    }
    settle_names(group, known)?;
    Ok(Input::Record(id))
}

fn archive(call: &Incoming<'_>) -> Result<Input, Alone> {
    without_parameters(call)?;
    if call.body.is_empty() { record_id(call).map(Input::Record) } else { Err(Alone::Body) }
}

fn update(call: &Incoming<'_>, group: &Group, known: &dyn Definitions) -> Result<Input, Alone> {
    without_parameters(call)?;
    let id = record_id(call)?;
    let (properties, values) = values(call.body)?;
    if values.keys().any(|name| !known.is_plain(&group.object_type, name)) {
        return Err(Alone::Property);
    }
    Ok(Input::Update { id, properties })
}

fn create(call: &Incoming<'_>, group: &mut Group, known: &dyn Definitions) -> Result<Input, Alone> {
    without_parameters(call)?;
    let (properties, values) = values(call.body)?;
    // A value that is not there, or is empty, does not come back: nothing to recognise the record by.
    let values: BTreeMap<String, String> =
        values.into_iter().map(|(name, value)| Some((name, value?))).collect::<Option<_>>().ok_or(Alone::Body)?;
    if values.values().any(String::is_empty) {
        return Err(Alone::Body);
    }
    group.properties = values.keys().cloned().collect();
    settle_names(group, known)?;
    let unique = values.keys().find(|name| known.is_unique(&group.object_type, name)).cloned();
    Ok(Input::Create { properties, values, unique })
}

fn associations(call: &Incoming<'_>, version: ApiVersion) -> Result<Input, Alone> {
    // Version 3 answers in a form of its own; a page other than the first is asked for by a parameter.
    if version == ApiVersion::V3 {
        return Err(Alone::NoBatch);
    }
    without_parameters(call)?;
    if call.body.is_empty() { record_id(call).map(Input::Record) } else { Err(Alone::Body) }
}

fn pair(call: &Incoming<'_>, version: ApiVersion) -> Result<Input, Alone> {
    // Version 3 names the type of the association as well.
    if version == ApiVersion::V3 {
        return Err(Alone::NoBatch);
    }
    without_parameters(call)?;
    if !call.body.is_empty() {
        return Err(Alone::Body);
    }
    let to = call.route.to_id.as_deref().and_then(|id| id.parse().ok()).ok_or(Alone::Id)?;
    Ok(Input::Pair(Pair { from: record_id(call)?, to }))
}

fn record_id(call: &Incoming<'_>) -> Result<RecordId, Alone> {
    call.route.id.as_deref().and_then(|id| id.parse().ok()).ok_or(Alone::Id)
}

fn without_parameters(call: &Incoming<'_>) -> Result<(), Alone> {
    if call.query.is_empty() { Ok(()) } else { Err(Alone::Parameter) }
}

/// The names of one parameter: HubSpot takes them repeated and separated by commas.
fn names(value: &str) -> impl Iterator<Item = String> + '_ {
    value.split(',').filter(|name| !name.is_empty()).map(str::to_owned)
}

fn flag(value: &str) -> Result<bool, Alone> {
    match value {
        "true" | "True" => Ok(true),
        "false" | "False" => Ok(false),
        _ => Err(Alone::Parameter),
    }
}

/// Puts the names into the one order, and demands that each is known and harmless.
fn settle_names(group: &mut Group, known: &dyn Definitions) -> Result<(), Alone> {
    group.properties.sort();
    group.properties.dedup();
    let plain = group.properties.iter().all(|name| known.is_plain(&group.object_type, name));
    if plain { Ok(()) } else { Err(Alone::Property) }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WriteBody<'a> {
    #[serde(borrow)]
    properties: &'a RawValue,
}

pub(super) type Values = BTreeMap<String, Option<String>>;

/// The values of a write: as they were written, and as text. Nothing but `properties` may stand beside them, and each
/// is a text, a number, a boolean or null, under a name that stands there once.
pub(super) fn values(body: &Bytes) -> Result<(Box<RawValue>, Values), Alone> {
    if body.len() > INPUT_BYTES_MAX {
        return Err(Alone::Body);
    }
    let write: WriteBody<'_> = serde_json::from_slice(body).map_err(|_| Alone::Body)?;
    let Distinct(values) = serde_json::from_str(write.properties.get()).map_err(|_| Alone::Body)?;
    if values.is_empty() {
        return Err(Alone::Body);
    }
    Ok((write.properties.to_owned(), values))
}

/// An object whose names stand there once; of two equal names a single call and a batch might take different ones.
struct Distinct(Values);

impl<'de> Deserialize<'de> for Distinct {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(DistinctVisitor)
    }
}

struct DistinctVisitor;

impl<'de> Visitor<'de> for DistinctVisitor {
    type Value = Distinct;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of plain values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Distinct, A::Error> {
        let mut values = Values::new();
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            let text = match value {
                Value::Null => None,
                Value::String(text) => Some(text),
                Value::Bool(truth) => Some(truth.to_string()),
                Value::Number(number) => Some(number.to_string()),
                Value::Array(_) | Value::Object(_) => return Err(A::Error::custom("a value that is not plain")),
            };
            if values.insert(name, text).is_some() {
                return Err(A::Error::custom("a name that stands there twice"));
            }
        }
        Ok(Distinct(values))
    }
}
