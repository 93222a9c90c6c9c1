//! Calls about one record, and the list of records.
//!
//! Answers are built as JSON values here and written as bytes in `batch`: the two share storage and validation, not
//! one line of how an answer is put together, because whoever merges calls must see a difference if there is one.

use serde_json::{Map, Value, json};

use super::Portal;
use super::answer::{Outcome, Refusal, Reply};
use super::call::{Call, Properties, WriteInput, encode};
use super::catalog::{CONTACTS, Kind};
use super::links::End;
use super::property::{CREATED, MODIFIED, OBJECT_ID, PropId};
use super::record::{Change, ChangeSource, Record};
use super::requirements::refuse_lacking;
use super::time;
use super::write::{Conflict, is_stage_date};

/// Records of one page.
const PAGE_MAX: usize = 100;
/// Records of one page when their history is asked for.
const PAGE_WITH_HISTORY_MAX: usize = 50;
/// Associations that a list or a read shows for each record.
const INLINE_ASSOCIATIONS_MAX: usize = 100;

/// What a read shows of a record.
pub(super) struct View {
    properties: Vec<(String, PropId)>,
    history: Vec<(String, PropId)>,
    associations: Vec<Kind>,
}

impl Portal {
    /// What the query of a read asks for; unknown names are left out.
    pub(super) fn view(&self, kind: Kind, call: &Call<'_>) -> View {
        let object_type = self.catalog.get(kind);
        let live = |name: &str| Some((name.to_owned(), object_type.properties.live(name, call.now)?.0));
        let asked = call.query.list("properties");
        let mut properties: Vec<(String, PropId)> = if asked.is_empty() {
            object_type.default_names.iter().filter_map(|name| live(name)).collect()
        } else {
            asked.into_iter().filter_map(live).collect()
        };
        properties.extend(self.always_shown(kind));
        let mut history: Vec<_> = call.query.list("propertiesWithHistory").into_iter().filter_map(live).collect();
        properties.extend(history.iter().cloned());
        for list in [&mut properties, &mut history] {
            list.sort();
            list.dedup();
        }
        let mut associations: Vec<Kind> =
            call.query.list("associations").into_iter().filter_map(|name| self.catalog.find(name)).collect();
        associations.sort();
        associations.dedup();
        View { properties, history, associations }
    }

    fn always_shown(&self, kind: Kind) -> Vec<(String, PropId)> {
        let table = &self.catalog.get(kind).properties;
        [OBJECT_ID, CREATED, MODIFIED].into_iter().filter_map(|id| Some((table.get(id)?.name.clone(), id))).collect()
    }

    /// GET of the list.
    pub(super) fn list(&self, kind: Kind, call: &Call<'_>) -> Outcome {
        let view = self.view(kind, call);
        let most = if view.history.is_empty() { PAGE_MAX } else { PAGE_WITH_HISTORY_MAX };
        let limit = call.query.limit(10, most)?;
        let first = match call.query.first("after") {
            None => 0,
            Some(text) => text.parse().map_err(|_| {
                Refusal::bare(
                    400,
                    format!("Cannot deserialize value of type `long` from String \"{text}\": not a valid `long` value"),
                )
            })?,
        };
        let records = &self.catalog.get(kind).records;
        let records = if call.query.flag("archived")? { &records.archived } else { &records.live };
        let mut page: Vec<(&u64, &Record)> = records.range(first..).take(limit + 1).collect();
        let next = if page.len() > limit { page.pop().map(|(id, _)| id.to_string()) } else { None };
        let results: Vec<Value> =
            page.into_iter().map(|(id, record)| self.shown(kind, *id, record, &view, call)).collect();
        let mut body = json!({"results": results});
        if let (Some(after), Some(body)) = (next, body.as_object_mut()) {
            let link = call.next_link(&after);
            body.insert("paging".into(), json!({"next": {"after": after, "link": link}}));
        }
        Ok(Reply::ok(&body))
    }

    /// POST of one record.
    pub(super) fn create_one(&mut self, kind: Kind, call: &mut Call<'_>) -> Outcome {
        let input: WriteInput = call.body()?;
        let properties = input.properties.unwrap_or_default();
        let changes = self.check_values(kind, &properties, call.now).map_err(|wrong| self.refuse_values(&wrong))?;
        if self.lacks_required(kind, &changes) {
            let shout = &self.catalog.get(kind).shout;
            return Err(Refusal::bare(400, format!("Error creating {shout}. Some required properties were not set.")));
        }
        let lacking = self.lacking(kind, &changes, None);
        if !lacking.is_empty() {
            return Err(refuse_lacking(&lacking));
        }
        if let Some(conflict) = self.find_conflict(kind, &changes, None) {
            return Err(self.refuse_conflict(kind, &conflict, None));
        }
        let edges = self.check_associations(kind, input.associations.as_deref().unwrap_or_default())?;
        let id = self.create(kind, &changes, &edges, call);
        let Some(record) = self.catalog.get(kind).records.live.get(&id) else { return Err(Refusal::missing()) };
        let stored =
            record.state.places().filter(|place| record.state.get(*place).is_some_and(|text| !text.is_empty()));
        let mut reply = Reply::json(201, &self.bare_json(kind, id, record, stored));
        reply.location = Some(format!("{}{}/{id}", call.base(), call.request.path.trim_end_matches('/')));
        Ok(reply)
    }

    /// The refusal of one write for a unique value.
    fn refuse_conflict(&self, kind: Kind, conflict: &Conflict, own: Option<u64>) -> Refusal {
        match conflict.owner {
            Some(owner) if own.is_none() && self.is_contact_email(kind, conflict.property) => {
                Refusal::bare(409, format!("Contact already exists. Existing ID: {owner}")).category("CONFLICT")
            }
            _ => self.refuse_values(&[self.conflict_as_invalid(kind, conflict, own)]),
        }
    }

    /// GET of one record.
    pub(super) fn read_one(&self, kind: Kind, key: &str, call: &Call<'_>) -> Outcome {
        let view = self.view(kind, call);
        if call.query.flag("archived")? {
            let id = numeric_id(key)?;
            let record = self.catalog.get(kind).records.archived.get(&id).ok_or_else(Refusal::missing)?;
            return Ok(Reply::ok(&self.shown(kind, id, record, &view, call)));
        }
        let id = self.find_one(kind, key, call)?;
        let record = self.catalog.get(kind).records.live.get(&id).ok_or_else(Refusal::missing)?;
        if !self.can_be_read(&record.state, call.now) {
            return Err(Refusal::missing());
        }
        Ok(Reply::ok(&self.shown(kind, id, record, &view, call)))
    }

    /// PATCH of one record.
    pub(super) fn update_one(&mut self, kind: Kind, key: &str, call: &mut Call<'_>) -> Outcome {
        let input: WriteInput = call.body()?;
        let Some(properties) = input.properties.filter(|properties| !properties.0.is_empty()) else {
            return Err(Refusal::invalid("No properties found to update, please provide at least one.")
                .context("properties", vec!["{}".to_owned()]));
        };
        let id = self.find_one(kind, key, call)?;
        let changes = self.check_values(kind, &properties, call.now).map_err(|wrong| self.refuse_values(&wrong))?;
        let lacking = self.lacking(kind, &changes, Some(id));
        if !lacking.is_empty() {
            return Err(refuse_lacking(&lacking));
        }
        if let Some(conflict) = self.find_conflict(kind, &changes, Some(id)) {
            return Err(self.refuse_conflict(kind, &conflict, Some(id)));
        }
        self.update(kind, id, &changes, call);
        let record = self.catalog.get(kind).records.live.get(&id).ok_or_else(Refusal::missing)?;
        let mut places = self.told_after_update(kind, record);
        let named = self.named_places(kind, &properties);
        places.extend(self.told_with_email(kind, &named));
        places.extend(named);
        Ok(Reply::ok(&self.bare_json(kind, id, record, places.into_iter())))
    }

    fn named_places(&self, kind: Kind, properties: &Properties) -> Vec<PropId> {
        let table = &self.catalog.get(kind).properties;
        properties.0.iter().filter(|(_, value)| value.is_some()).filter_map(|(name, _)| table.find(name)).collect()
    }

    /// The few properties that the answer to an update tells beside the written ones.
    fn told_after_update(&self, kind: Kind, record: &Record) -> Vec<PropId> {
        let table = &self.catalog.get(kind).properties;
        let names = [
            "hs_is_unworked",
            "hs_object_source",
            "hs_object_source_id",
            "hs_object_source_label",
            "hs_pipeline",
            "lifecyclestage",
        ];
        names
            .into_iter()
            .filter_map(|name| table.find(name))
            .filter(|place| record.state.get(*place).is_some())
            .collect()
    }

    /// An update that writes the e-mail of a contact, changed or not, tells its domain too: recorded in 2022.
    fn told_with_email(&self, kind: Kind, named: &[PropId]) -> Option<PropId> {
        let table = &self.catalog.get(kind).properties;
        let email = table.find("email").filter(|email| kind == CONTACTS && named.contains(email));
        email.and_then(|_| table.find("hs_email_domain"))
    }

    /// DELETE of one record; an id that does not exist is as good as deleted.
    pub(super) fn archive_one(&mut self, kind: Kind, key: &str, call: &Call<'_>) -> Outcome {
        let id = numeric_id(key)?;
        self.archive(kind, id, call.now);
        Ok(Reply::no_content())
    }

    /// The record that a path names, by id or by the property that the query names.
    fn find_one(&self, kind: Kind, key: &str, call: &Call<'_>) -> Outcome<u64> {
        let object_type = self.catalog.get(kind);
        let id_property = call.query.first("idProperty").filter(|name| *name != "hs_object_id");
        let Some(name) = id_property else {
            let id = numeric_id(key)?;
            return object_type.records.resolve(id).map(|(id, _)| id).ok_or_else(Refusal::missing);
        };
        let known = object_type.properties.live(name, call.now).map(|(id, _)| id);
        let Some(property) = known.filter(|id| self.is_key(kind, *id)) else {
            return Err(Refusal::invalid(format!(
                "Unable to perform read/update by non-unique {} property {name} in portal ID {}",
                object_type.type_id, self.options.portal_id
            )));
        };
        let key = self.key_form(kind, property, key);
        object_type.records.owner_of(property, &key).ok_or_else(Refusal::missing)
    }

    /// A record as a read shows it: asked properties even when they have no value.
    pub(super) fn shown(&self, kind: Kind, id: u64, record: &Record, view: &View, call: &Call<'_>) -> Value {
        let properties: Map<String, Value> = view
            .properties
            .iter()
            .map(|(name, place)| (name.clone(), record.state.shown(id, *place).map_or(Value::Null, Into::into)))
            .collect();
        let mut out = Map::new();
        out.insert("id".into(), id.to_string().into());
        out.insert("properties".into(), Value::Object(properties));
        if !view.history.is_empty() {
            let histories = view.history.iter().map(|(name, place)| {
                let versions: Vec<Value> = record.history(id, *place).iter().map(version_json).collect();
                (name.clone(), Value::Array(versions))
            });
            out.insert("propertiesWithHistory".into(), Value::Object(histories.collect()));
        }
        self.finish_record(kind, id, record, &mut out);
        let associations = self.inline_associations(End { kind, id }, &view.associations, call);
        if !associations.is_empty() {
            let at = out.shift_remove("url");
            out.insert("associations".into(), Value::Object(associations));
            out.extend(at.map(|url| ("url".to_owned(), url)));
        }
        Value::Object(out)
    }

    /// A record as the answer to a write shows it.
    fn bare_json(&self, kind: Kind, id: u64, record: &Record, places: impl Iterator<Item = PropId>) -> Value {
        let table = &self.catalog.get(kind).properties;
        let all = places.chain([OBJECT_ID, CREATED, MODIFIED]);
        let mut properties: Vec<(&str, PropId)> =
            all.filter_map(|place| Some((table.get(place)?.name.as_str(), place))).collect();
        properties.sort_unstable();
        properties.dedup();
        let value = |name: &str, place: PropId| {
            let text = record.state.shown(id, place)?;
            let stage = time::parse(&text).filter(|_| is_stage_date(name));
            Some(stage.map_or_else(|| text.into(), |at| at.0.to_string().into()))
        };
        let properties: Map<String, Value> = properties
            .into_iter()
            .map(|(name, place)| (name.to_owned(), value(name, place).unwrap_or(Value::Null)))
            .collect();
        let mut out = Map::new();
        out.insert("id".into(), id.to_string().into());
        out.insert("properties".into(), Value::Object(properties));
        self.finish_record(kind, id, record, &mut out);
        Value::Object(out)
    }

    fn finish_record(&self, kind: Kind, id: u64, record: &Record, out: &mut Map<String, Value>) {
        out.insert("createdAt".into(), time::iso(record.state.created).into());
        out.insert("updatedAt".into(), time::iso(record.state.updated).into());
        out.insert("archived".into(), record.archived_at.is_some().into());
        if let Some(at) = record.archived_at {
            out.insert("archivedAt".into(), time::iso(at).into());
        }
        let (domain, portal) = (&self.options.ui_domain, self.options.portal_id);
        let type_id = &self.catalog.get(kind).type_id;
        out.insert("url".into(), format!("https://{domain}/contacts/{portal}/record/{type_id}/{id}").into());
    }

    /// The first page of each asked association list, one entry per type.
    fn inline_associations(&self, end: End, kinds: &[Kind], call: &Call<'_>) -> Map<String, Value> {
        let mut out = Map::new();
        for to in kinds {
            let mut entries = Vec::new();
            let mut next = None;
            for (place, (other, types)) in self.links.of(end, *to, 0).enumerate() {
                if place == INLINE_ASSOCIATIONS_MAX {
                    next = Some(other.id.to_string());
                    break;
                }
                entries.extend(
                    types
                        .iter()
                        .map(|id| json!({"id": other.id.to_string(), "type": self.entry_type(end.kind, *to, *id)})),
                );
            }
            if entries.is_empty() {
                continue;
            }
            let mut list = json!({"results": entries});
            if let (Some(after), Some(list)) = (next, list.as_object_mut()) {
                let name = &self.catalog.get(end.kind).plural;
                let to = &self.catalog.get(*to).plural;
                let link = format!(
                    "{}/crm/v4/objects/{name}/{}/associations/{to}?after={}",
                    call.base(),
                    end.id,
                    encode(&after)
                );
                list.insert("paging".into(), json!({"next": {"after": after, "link": link}}));
            }
            out.insert(self.catalog.get(*to).association_key().to_owned(), list);
        }
        out
    }

    /// The snake name of an association type; the plain one says so when its pair has labels.
    pub(super) fn entry_type(&self, from: Kind, to: Kind, id: u32) -> String {
        let Some(known) = self.links.find(from, to, id) else { return String::new() };
        let has_labels = self.links.types(from, to).len() > 1;
        match (&known.label, has_labels) {
            (None, true) => format!("{}_unlabeled", known.name),
            _ => known.name.clone(),
        }
    }

    /// The contact that has an address; one that nobody has is blocked from now on.
    fn contact_to_forget(&mut self, address: &str) -> Option<u64> {
        let contacts = self.catalog.get(CONTACTS);
        let place = contacts.properties.find("email");
        let known = place.and_then(|place| contacts.records.owner_of(place, address));
        if known.is_none() {
            self.block_address(address);
        }
        known
    }

    /// POST of a permanent deletion; only contacts can be forgotten.
    pub(super) fn gdpr_delete(&mut self, kind: Kind, call: &mut Call<'_>) -> Outcome {
        if kind != CONTACTS {
            return Err(Refusal::no_such_path());
        }
        let input: GdprInput = call.body()?;
        let Some(key) = input.object_id else { return Err(Refusal::unset_fields(&["objectId"])) };
        let id = if input.id_property.as_deref() == Some("email") {
            self.contact_to_forget(&key.0.trim().to_lowercase())
        } else {
            let id = numeric_id(&key.0)?;
            Some(self.catalog.get(kind).records.resolve(id).map_or(id, |(id, _)| id))
        };
        if let Some(id) = id {
            self.archive(kind, id, call.now);
            if self.catalog.get_mut(kind).records.archived.remove(&id).is_some() {
                self.note_forgotten(kind, id, call.now);
            }
        }
        Ok(Reply::no_content())
    }
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct GdprInput {
    object_id: Option<super::call::Text>,
    id_property: Option<String>,
}

/// Reads a record id from a path.
fn numeric_id(key: &str) -> Outcome<u64> {
    let not_found = |message: &str| {
        Err(Refusal::bare(404, message).context("id", vec![key.to_owned()]).category("OBJECT_NOT_FOUND"))
    };
    match key.parse::<u64>() {
        Ok(0) => not_found("Object not found. objectId is usually positive."),
        Ok(id) => Ok(id),
        Err(_) if key.starts_with('-') && key.trim_start_matches('-').parse::<u64>().is_ok() => {
            not_found("Object not found. objectId is usually positive.")
        }
        Err(_) => not_found("Object not found.  objectId are usually numeric."),
    }
}

fn version_json(change: &Change) -> Value {
    let (source, id) = change.source.names();
    let mut version = json!({"value": change.value, "timestamp": time::iso(change.at), "sourceType": source});
    if let (Some(version), Some(id)) = (version.as_object_mut(), id) {
        version.insert("sourceId".into(), id.into());
    }
    if let (Some(version), ChangeSource::Person(user)) = (version.as_object_mut(), change.source) {
        version.insert("updatedByUserId".into(), user.into());
    }
    version
}
