//! What the simulator's own page shows of a portal: its types, its records page by page, one record with everything.
//!
//! None of this is HubSpot's API. It reads and never writes: a person's edits go through the calls that apps make.

use serde_json::{Value, json};

use super::catalog::{Kind, ObjectType};
use super::links::End;
use super::property::{CREATED, MODIFIED, OBJECT_ID, PropId, Property};
use super::record::{Record, Snapshot};
use super::{Portal, UnknownType, time};
use crate::wire::Millis;

/// The records that one page shows at most.
const PAGE_MAX: usize = 100;
/// The records that one search looks at; the next page goes on where it stopped.
const SCAN_MAX: usize = 100_000;
/// The columns beside the name.
const COLUMNS_MAX: usize = 4;
/// The associations of a record that are shown.
const ASSOCIATIONS_MAX: usize = 500;
/// What stands in a list beside a record's name, for the types that have more than their defaults to tell.
const COLUMNS: &[(&str, &[&str])] = &[
    ("contacts", &["email", "phone", "lifecyclestage"]),
    ("companies", &["domain", "industry", "city", "lifecyclestage"]),
    ("deals", &["dealstage", "amount", "closedate", "pipeline"]),
    ("tickets", &["hs_pipeline_stage", "hs_ticket_priority", "content"]),
    ("products", &["hs_sku", "price", "description"]),
    ("line_items", &["quantity", "price", "amount"]),
];
/// The properties that name a record, in the order in which they are tried; a contact's two names stand together.
const TITLES: &[&str] = &["name", "dealname", "subject", "hs_title", "hs_task_subject", "hs_meeting_title", "title"];

/// Which records to show.
#[derive(Clone, Debug)]
pub(crate) struct Browse {
    /// The type, by any of its names.
    pub(crate) object_type: String,
    /// Only records that have each of these words in the id, a shown value or one that search looks at, in any case.
    pub(crate) text: String,
    /// Records with a lower id than this; the newest first.
    pub(crate) before: Option<u64>,
    /// How many.
    pub(crate) limit: usize,
    /// Archived records in place of the live ones.
    pub(crate) archived: bool,
}

/// What is asked for is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Missing {
    /// The type.
    #[error(transparent)]
    Type(#[from] UnknownType),
    /// The record.
    #[error("there is no record {0} of this type")]
    Record(u64),
}

impl Portal {
    /// The account's name in numbers, its types with their records counted, and its people.
    pub(crate) fn outline(&self) -> Value {
        let types: Vec<Value> = self
            .catalog
            .iter()
            .filter(|(_, known)| known.is_live())
            .map(|(_, known)| {
                json!({
                    "name": known.plural, "singular": known.singular, "type_id": known.type_id,
                    "label": label_of(known), "custom": known.custom.is_some(),
                    "records": known.records.live.len(), "archived": known.records.archived.len(),
                })
            })
            .collect();
        let users: Vec<Value> = self
            .owners
            .iter()
            .filter(|owner| owner.archived_at.is_none())
            .map(|owner| {
                let name = [owner.first_name.as_str(), owner.last_name.as_str()].join(" ");
                json!({"user_id": owner.user_id, "owner_id": owner.id, "email": owner.email, "name": name.trim()})
            })
            .collect();
        json!({"portal_id": self.options.portal_id, "time_zone": self.options.time_zone, "types": types,
               "users": users})
    }

    /// One page of records, the newest first.
    pub(crate) fn browse(&self, asked: &Browse) -> Result<Value, UnknownType> {
        let kind = self.kind_or_unknown(&asked.object_type)?;
        let known = self.catalog.get(kind);
        let columns = columns(known);
        let all = if asked.archived { &known.records.archived } else { &known.records.live };
        let words: Vec<String> = asked.text.split_whitespace().map(str::to_lowercase).collect();
        let searched: Vec<PropId> =
            known.searchable_names.iter().filter_map(|name| known.properties.find(name)).collect();
        let limit = asked.limit.clamp(1, PAGE_MAX);
        let (mut rows, mut next) = (Vec::new(), None);
        for (seen, (id, record)) in all.range(..asked.before.unwrap_or(u64::MAX)).rev().enumerate() {
            if rows.len() == limit || seen == SCAN_MAX {
                next = Some(id + 1);
                break;
            }
            let title = title(known, *id, &record.state);
            let values: Vec<String> = columns.iter().map(|(place, _)| shown(&record.state, *id, *place)).collect();
            let fits = |word: &String| {
                let has = |text: &str| text.to_lowercase().contains(word);
                let searched = || searched.iter().any(|place| record.state.get(*place).is_some_and(has));
                has(&title) || has(&id.to_string()) || values.iter().any(|value| has(value)) || searched()
            };
            if words.iter().all(fits) {
                rows.push(json!({"id": id.to_string(), "title": title, "values": values,
                                 "updated": time::iso(record.state.updated)}));
            }
        }
        let columns: Vec<Value> =
            columns.iter().map(|(_, property)| json!({"name": property.name, "label": property.label})).collect();
        Ok(json!({"type": known.plural, "columns": columns, "results": rows, "total": all.len(),
                  "next": next.map(|id| id.to_string())}))
    }

    /// One record, live or archived, with all its properties, their history, and its associations.
    pub(crate) fn inspect(&self, object_type: &str, id: u64, now: Millis) -> Result<Value, Missing> {
        let kind = self.kind_or_unknown(object_type)?;
        let known = self.catalog.get(kind);
        let live = known.records.resolve(id);
        let found = live.or_else(|| known.records.archived.get(&id).map(|record| (id, record)));
        let (id, record) = found.ok_or(Missing::Record(id))?;
        let properties: Vec<Value> = known
            .properties
            .by_name()
            .filter(|(_, property)| property.is_live(now))
            .map(|(place, property)| self.inspected(kind, id, record, place, property))
            .collect();
        Ok(json!({
            "id": id.to_string(), "type": known.plural, "label": label_of(known),
            "title": title(known, id, &record.state), "properties": properties,
            "associations": self.inspected_links(End { kind, id }),
            "created": time::iso(record.state.created), "updated": time::iso(record.state.updated),
            "archived": record.archived_at.map(time::iso),
        }))
    }

    /// The properties that a person can fill in for a new record, the usual ones first.
    pub(crate) fn blank(&self, object_type: &str, now: Millis) -> Result<Value, UnknownType> {
        let kind = self.kind_or_unknown(object_type)?;
        let known = self.catalog.get(kind);
        let empty = Snapshot::new(now);
        let record = Record::new(empty, super::record::ChangeSource::Calculated);
        let properties: Vec<Value> = known
            .properties
            .by_name()
            .filter(|(_, property)| property.is_live(now) && !property.read_only_value)
            .map(|(place, property)| self.inspected(kind, 0, &record, place, property))
            .collect();
        Ok(json!({"type": known.plural, "label": label_of(known), "properties": properties}))
    }

    fn kind_or_unknown(&self, name: &str) -> Result<Kind, UnknownType> {
        self.catalog.find(name).ok_or_else(|| UnknownType { name: name.to_owned() })
    }

    fn inspected(&self, kind: Kind, id: u64, record: &Record, place: PropId, property: &Property) -> Value {
        let known = self.catalog.get(kind);
        let value = record.state.shown(id, place);
        let history: Vec<Value> = if value.is_some() { versions(record, id, place) } else { Vec::new() };
        let required = known.required_names.contains(&property.name);
        let names = TITLES.contains(&property.name.as_str()) || ["firstname", "lastname"].contains(&&*property.name);
        let usual = required || names || columns(known).iter().any(|(column, _)| *column == place);
        json!({
            "name": property.name, "label": property.label, "type": property.value_type.name(),
            "field_type": property.field_type, "group": property.group, "read_only": property.read_only_value,
            "several": property.holds_several(), "required": required, "usual": usual,
            "value": value, "choices": self.choices(kind, property),
            "history": history,
        })
    }

    /// What may be chosen: the property's own choices, the pipelines and stages, or the owners.
    fn choices(&self, kind: Kind, property: &Property) -> Vec<Value> {
        let choice = |value: &str, label: &str| json!({"value": value, "label": label});
        if property.external_options && property.referenced_type.as_deref() == Some("OWNER") {
            let live = self.owners.iter().filter(|owner| owner.archived_at.is_none());
            return live.map(|owner| choice(&owner.id.to_string(), &owner.email)).collect();
        }
        match super::write::pipeline_names(kind) {
            Some((pipeline, _)) if property.name == pipeline => {
                self.pipelines_of(kind).iter().map(|known| choice(&known.id, &known.label)).collect()
            }
            Some((_, stage)) if property.name == stage => {
                let stages = self.pipelines_of(kind).iter().flat_map(|known| {
                    known.stages.iter().map(|stage| (stage, format!("{}: {}", known.label, stage.label)))
                });
                stages.map(|(stage, label)| choice(&stage.id, &label)).collect()
            }
            _ => property.choices.iter().map(|known| choice(&known.value, &known.label)).collect(),
        }
    }

    fn inspected_links(&self, end: End) -> Vec<Value> {
        let mut shown = Vec::new();
        for (to, types) in self.links.all_of(end).take(ASSOCIATIONS_MAX) {
            let known = self.catalog.get(to.kind);
            let Some(record) = known.records.live.get(&to.id) else { continue };
            let labels: Vec<&str> =
                types.iter().filter_map(|id| self.links.find(end.kind, to.kind, *id)?.label.as_deref()).collect();
            shown.push(json!({"type": known.plural, "label": label_of(known), "id": to.id.to_string(),
                              "title": title(known, to.id, &record.state), "labels": labels}));
        }
        shown
    }
}

fn versions(record: &Record, id: u64, place: PropId) -> Vec<Value> {
    let computed = matches!(place, OBJECT_ID | CREATED | MODIFIED);
    let history = if computed { Vec::new() } else { record.history(id, place) };
    history
        .iter()
        .map(|change| {
            let (source, source_id) = change.source.names();
            json!({"value": change.value, "at": time::iso(change.at), "source": source, "source_id": source_id})
        })
        .collect()
}

fn shown(state: &Snapshot, id: u64, place: PropId) -> String {
    state.shown(id, place).unwrap_or_default().into_owned()
}

/// `Contacts`, or the label that a schema gives.
fn label_of(known: &ObjectType) -> String {
    if let Some(custom) = &known.custom {
        return custom.plural_label.clone();
    }
    let words = known.plural.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// What stands in the list beside a record's name.
fn columns(known: &ObjectType) -> Vec<(PropId, &Property)> {
    let own = COLUMNS.iter().find(|(name, _)| *name == known.plural).map(|(_, names)| names.to_vec());
    let other = || known.default_names.iter().map(String::as_str).filter(|name| !is_of_every_record(name)).collect();
    let names: Vec<&str> = own.unwrap_or_else(other);
    let places = names.into_iter().filter_map(|name| known.properties.find(name));
    places.filter_map(|place| Some((place, known.properties.get(place)?))).take(COLUMNS_MAX).collect()
}

fn is_of_every_record(name: &str) -> bool {
    ["hs_createdate", "hs_lastmodifieddate", "hs_object_id"].contains(&name)
}

/// What a person calls a record.
fn title(known: &ObjectType, id: u64, state: &Snapshot) -> String {
    let text = |name: &str| known.properties.find(name).and_then(|place| state.get(place)).unwrap_or_default();
    let person = [text("firstname"), text("lastname")].join(" ");
    let own = known.custom.as_ref().and_then(|custom| custom.primary_display.as_deref()).map(text).unwrap_or_default();
    let named = std::iter::once(person.trim()).chain([own]).chain(TITLES.iter().map(|name| text(name)));
    let mut named = named.chain([text("email")]).filter(|title| !title.is_empty());
    named.next().map_or_else(|| format!("{} {id}", known.singular), str::to_owned)
}
