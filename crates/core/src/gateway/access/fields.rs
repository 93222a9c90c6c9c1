//! Which properties and other object types a call touches, read from its query and its body.
//!
//! Shapes: <https://developers.hubspot.com/docs/guides/crm/using-object-apis> and
//! <https://developers.hubspot.com/docs/api-reference/search/guide>.

use linchpin_hubspot::association_types::{primary, unlabelled};
use linchpin_hubspot::id::{AssociationType, ObjectType};
use linchpin_hubspot::routes::Operation as Op;
use serde_json::{Map, Value};

use super::verbs::{Verb, needed};
use super::{Access, Denied, Fields, Seen, Wanted, json, shown};

/// HubSpot sends these with every record, whatever is asked for.
const ALWAYS_READ: [&str; 5] =
    ["hs_object_id", "createdate", "hs_createdate", "lastmodifieddate", "hs_lastmodifieddate"];
/// A filter on a property of this beginning asks for records that are associated with one of that type.
const ASSOCIATED: &str = "associations.";

const READ_PARAMETERS: [&str; 8] = [
    "after",
    "archived",
    "associations",
    "idProperty",
    "limit",
    "paginateAssociations",
    "properties",
    "propertiesWithHistory",
];
const BATCH_READ: [&str; 4] = ["idProperty", "inputs", "properties", "propertiesWithHistory"];
const SEARCH: [&str; 7] = ["after", "filterGroups", "filters", "limit", "properties", "query", "sorts"];
const FILTER: [&str; 5] = ["highValue", "operator", "propertyName", "value", "values"];
const CREATE: [&str; 3] = ["associations", "objectWriteTraceId", "properties"];
const UPDATE: [&str; 2] = ["objectWriteTraceId", "properties"];
const BATCH_UPDATE: [&str; 4] = ["id", "idProperty", "objectWriteTraceId", "properties"];

/// Checks a call of a caller that is limited to some object types. Its path has been looked at.
pub(super) fn check(access: &Access, seen: &Seen, wanted: &Wanted<'_>) -> Result<(), Denied> {
    let Some(object_type) = &seen.route.object_type else { return Ok(()) };
    let check = Check { access, object_type, fields: access.properties.get(object_type) };
    let (query, body) = (seen.query.as_slice(), wanted.body);
    match seen.route.operation {
        Op::ObjectList | Op::ObjectRead => check.read(query, body),
        Op::ObjectBatchRead => check.batch_read(query, &json::parse(body)?),
        Op::Search => check.search(query, &json::parse(body)?),
        Op::ObjectCreate => check.create(query, &json::parse(body)?),
        Op::ObjectBatchCreate => each(query, &json::parse(body)?, |input| check.create(&[], input)),
        Op::ObjectUpdate => check.update(query, &json::parse(body)?),
        Op::ObjectBatchUpdate => each(query, &json::parse(body)?, |input| check.batch_update(input, false)),
        Op::ObjectBatchUpsert => each(query, &json::parse(body)?, |input| check.batch_update(input, true)),
        Op::ObjectPrivacyDelete => {
            let body = json::parse(body)?;
            check.id_property(json::text(json::object(&body, &["idProperty", "objectId"])?, "idProperty")?)
        }
        Op::ObjectMerge if check.fields.is_some() => Err(Denied::Merge),
        _ if check.fields.is_some() && needed(&seen.route, wanted.method) == Some(&[Verb::Define]) => {
            Err(Denied::Definition)
        }
        _ => Ok(()),
    }
}

struct Check<'a> {
    access: &'a Access,
    object_type: &'a ObjectType,
    fields: Option<&'a Fields>,
}

impl Check<'_> {
    fn read(&self, query: &[(String, String)], body: &[u8]) -> Result<(), Denied> {
        known(query, &READ_PARAMETERS)?;
        if !body.is_empty() {
            return Err(Denied::Body("a read has none"));
        }
        for (name, value) in query {
            match name.as_str() {
                "associations" => self.types(value)?,
                "idProperty" => self.id_property(Some(value))?,
                "properties" | "propertiesWithHistory" => names(value).try_for_each(|name| self.readable(name))?,
                _ => {}
            }
        }
        let mut named = query.iter().filter(|(name, _)| name == "properties").flat_map(|(_, value)| names(value));
        self.must_name(named.next().is_some())
    }

    fn batch_read(&self, query: &[(String, String)], body: &Value) -> Result<(), Denied> {
        known(query, &["archived"])?;
        let body = json::object(body, &BATCH_READ)?;
        json::list(body, "inputs")?.iter().try_for_each(|input| json::object(input, &["id"]).map(drop))?;
        self.id_property(json::text(body, "idProperty")?)?;
        for name in json::texts(body, "propertiesWithHistory")? {
            self.readable(name)?;
        }
        self.named_in(body)
    }

    fn search(&self, query: &[(String, String)], body: &Value) -> Result<(), Denied> {
        known(query, &[])?;
        let body = json::object(body, &SEARCH)?;
        if self.limits_reads() && json::text(body, "query")?.is_some_and(|text| !text.is_empty()) {
            return Err(Denied::FreeText);
        }
        let groups = json::list(body, "filterGroups")?.iter().map(|group| json::object(group, &["filters"]));
        for group in groups {
            self.filters(group?)?;
        }
        self.filters(body)?;
        for sort in json::list(body, "sorts")? {
            let name = match sort {
                Value::String(name) => name.strip_prefix('-').unwrap_or(name),
                sort => property_name(json::object(sort, &["direction", "propertyName"])?)?,
            };
            self.readable(name)?;
        }
        self.named_in(body)
    }

    fn filters(&self, group: &Map<String, Value>) -> Result<(), Denied> {
        for filter in json::list(group, "filters")? {
            let name = property_name(json::object(filter, &FILTER)?)?;
            match name.strip_prefix(ASSOCIATED) {
                Some(other) => self.access.allows_type(&ObjectType::canonical(other))?,
                None => self.readable(name)?,
            }
        }
        Ok(())
    }

    fn create(&self, query: &[(String, String)], body: &Value) -> Result<(), Denied> {
        known(query, &[])?;
        let body = json::object(body, &CREATE)?;
        let associations = json::list(body, "associations")?;
        if !associations.is_empty() && self.access.verbs.as_ref().is_some_and(|verbs| !verbs.contains(&Verb::Associate))
        {
            return Err(Denied::Verb(Verb::Associate.name()));
        }
        associations.iter().try_for_each(|association| self.association(association))?;
        self.written(body)
    }

    /// The types of an association say what is at its other end, if they are HubSpot's own.
    fn association(&self, association: &Value) -> Result<(), Denied> {
        let types = json::list(json::object(association, &["to", "types"])?, "types")?;
        let known = |given: &Value| {
            let given: AssociationType = serde_json::from_value(given.clone()).ok()?;
            let Access { objects, properties, .. } = self.access;
            let mut others = objects.iter().flatten().chain(properties.keys());
            others.find(|other| {
                [unlabelled(self.object_type, other), primary(self.object_type, other)].contains(&Some(given))
            })
        };
        let all_known = !types.is_empty() && types.iter().all(|given| known(given).is_some());
        if all_known { Ok(()) } else { Err(Denied::Association) }
    }

    fn update(&self, query: &[(String, String)], body: &Value) -> Result<(), Denied> {
        known(query, &["idProperty"])?;
        query.iter().try_for_each(|(_, value)| self.id_property(Some(value)))?;
        self.written(json::object(body, &UPDATE)?)
    }

    fn batch_update(&self, input: &Value, may_create: bool) -> Result<(), Denied> {
        let input = json::object(input, &BATCH_UPDATE)?;
        let key = json::text(input, "idProperty")?;
        self.id_property(key)?;
        // A record that is made gets the value.
        key.filter(|_| may_create).map_or(Ok(()), |key| self.writable(key))?;
        self.written(input)
    }

    fn written(&self, input: &Map<String, Value>) -> Result<(), Denied> {
        match input.get("properties") {
            None | Some(Value::Null) => Ok(()),
            Some(Value::Object(values)) => values.keys().try_for_each(|name| self.writable(name)),
            Some(_) => Err(Denied::Body("`properties` of a write is an object")),
        }
    }

    fn named_in(&self, body: &Map<String, Value>) -> Result<(), Denied> {
        let named = json::texts(body, "properties")?;
        named.iter().try_for_each(|name| self.readable(name))?;
        self.must_name(!named.is_empty())
    }

    fn must_name(&self, named: bool) -> Result<(), Denied> {
        if named || !self.limits_reads() { Ok(()) } else { Err(Denied::Unnamed) }
    }

    fn limits_reads(&self) -> bool {
        self.fields.is_some_and(|fields| fields.read.is_some())
    }

    fn readable(&self, name: &str) -> Result<(), Denied> {
        let list = self.fields.and_then(|fields| fields.read.as_ref());
        let allowed = list.is_none_or(|list| list.contains(name) || ALWAYS_READ.contains(&name));
        if allowed { Ok(()) } else { Err(Denied::Unreadable(shown(name))) }
    }

    fn writable(&self, name: &str) -> Result<(), Denied> {
        let list = self.fields.and_then(|fields| fields.write.as_ref());
        if list.is_none_or(|list| list.contains(name)) { Ok(()) } else { Err(Denied::Unwritable(shown(name))) }
    }

    /// Whether a record is there that has this value can be read from the answer.
    fn id_property(&self, name: Option<&str>) -> Result<(), Denied> {
        name.map_or(Ok(()), |name| self.readable(name))
    }

    fn types(&self, value: &str) -> Result<(), Denied> {
        names(value).try_for_each(|name| self.access.allows_type(&ObjectType::canonical(name)))
    }
}

/// Only these parameters. Names are compared letter by letter: one in other letters is not known.
fn known(query: &[(String, String)], parameters: &[&str]) -> Result<(), Denied> {
    match query.iter().find(|(name, _)| !parameters.contains(&name.as_str())) {
        Some((unknown, _)) => Err(Denied::Parameter(shown(unknown))),
        None => Ok(()),
    }
}

/// Checks the inputs of a batch of writes one by one.
fn each(query: &[(String, String)], body: &Value, check: impl Fn(&Value) -> Result<(), Denied>) -> Result<(), Denied> {
    known(query, &[])?;
    json::list(json::object(body, &["inputs"])?, "inputs")?.iter().try_for_each(check)
}

/// HubSpot takes names repeated and separated by commas.
fn names(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim).filter(|name| !name.is_empty())
}

fn property_name(map: &Map<String, Value>) -> Result<&str, Denied> {
    json::text(map, "propertyName")?.ok_or(Denied::Body("a filter or sort names no property"))
}
