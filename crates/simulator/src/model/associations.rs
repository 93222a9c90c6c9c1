//! Association calls: one record's, batches, and labels. All path styles lead here; the version decides statuses.
//!
//! Sources: recorded v4 answers of 2026 (string `from.id` beside numeric `toObjectId`, one error for each record
//! without associations), HubSpot's guide to associations v4.

use std::collections::BTreeSet;

use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Portal;
use super::answer::{BatchError, Outcome, Refusal, Reply};
use super::batch::finish;
use super::call::{BatchInput, Call, IdInput, TypeInput, Version, encode};
use super::catalog::Kind;
use super::legacy_links::LEGACY_PAGE_MAX;
use super::links::{Category, End, LABELS_MAX, LinkType};

/// Inputs of a batch create, default or labelled.
const CREATE_MAX: usize = 2_000;
/// Inputs of a batch archive.
const ARCHIVE_MAX: usize = 2_000;
/// Associations of one page.
const PAGE_MAX: usize = 500;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PairInput {
    from: Option<IdInput>,
    to: Option<IdInput>,
    types: Option<Vec<TypeInput>>,
    /// The snake name of the legacy version.
    #[serde(rename = "type")]
    name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ManyInput {
    from: Option<IdInput>,
    to: Option<Vec<IdInput>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct LabelInput {
    name: Option<String>,
    label: Option<String>,
    inverse_label: Option<String>,
    association_type_id: Option<u32>,
}

/// What a batch does with each pair.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Default,
    Create,
    RemoveLabels,
}

impl Portal {
    /// Calls below one record: `{a}/{id}/associations/...`.
    pub(super) fn dispatch_record_links(
        &mut self,
        name: &str,
        key: &str,
        tail: &[&str],
        call: &mut Call<'_>,
    ) -> Outcome {
        let method = call.method().clone();
        match (tail, &method) {
            ([to], &Method::GET) => self.read_links(name, key, to, call),
            (["default", to, other], &Method::PUT) => self.put_default(name, key, (to, other), call),
            ([to, other], &Method::PUT) => self.put_labelled(name, key, (to, other), call),
            ([to, other], &Method::DELETE) => self.delete_links(name, key, (to, other)),
            ([_] | [_, _] | ["default", _, _], _) => Err(Refusal::wrong_method()),
            _ => Err(Refusal::no_such_path()),
        }
    }

    /// Calls about a pair of object types: `{a}/{b}/...`.
    pub(super) fn dispatch_pair(&mut self, rest: &[&str], call: &mut Call<'_>) -> Outcome {
        let method = call.method().clone();
        match (rest, &method) {
            (["definitions", "configurations", tail @ ..], _) => return self.dispatch_link_limits(tail, call),
            (["usage", "high-usage-report", user], &Method::POST) => return self.report_high_usage(user, call),
            (["usage", "high-usage-report", _], _) => return Err(Refusal::wrong_method()),
            _ => {}
        }
        let [from, to, tail @ ..] = rest else { return Err(Refusal::no_such_path()) };
        match (tail, &method) {
            (["batch", "associate", "default"], &Method::POST) => self.batch_pairs(from, to, Verb::Default, call),
            (["batch", "create"], &Method::POST) => self.batch_pairs(from, to, Verb::Create, call),
            (["batch", "labels", "archive"], &Method::POST) => self.batch_pairs(from, to, Verb::RemoveLabels, call),
            (["batch", "read"], &Method::POST) => self.batch_read_links(from, to, call),
            (["batch", "archive"], &Method::POST) => self.batch_archive_links(from, to, call),
            (["labels", ..], _) => self.dispatch_labels(rest, call),
            (
                ["batch", "create" | "read" | "archive"]
                | ["batch", "associate", "default"]
                | ["batch", "labels", "archive"],
                _,
            ) => Err(Refusal::wrong_method()),
            _ => Err(Refusal::no_such_path()),
        }
    }

    /// Calls about the labels of a pair: `{a}/{b}/labels/...`.
    pub(super) fn dispatch_labels(&mut self, rest: &[&str], call: &mut Call<'_>) -> Outcome {
        let method = call.method().clone();
        if let ["definitions", "configurations", tail @ ..] = rest {
            return self.dispatch_link_limits(tail, call);
        }
        let [from, to, "labels", tail @ ..] = rest else { return Err(Refusal::no_such_path()) };
        let (from, to) = (self.kind_named(from)?, self.kind_named(to)?);
        match (tail, &method) {
            ([], &Method::GET) => {
                let labels: Vec<Value> = self.links.types(from, to).iter().map(label_json).collect();
                Ok(Reply::ok(&json!({"results": labels})))
            }
            ([], &Method::POST) => self.create_label(from, to, call),
            ([], &Method::PUT) => self.rename_label(from, to, call),
            ([id], &Method::DELETE) => {
                let id = id
                    .parse()
                    .map_err(|_| Refusal::bare(400, "Unable to parse value for path parameter: associationTypeId"))?;
                if self.links.delete_label(from, to, id) {
                    Ok(Reply::no_content())
                } else {
                    Err(Refusal::invalid(format!("Association type {id} is not a custom label of this pair")))
                }
            }
            ([] | [_], _) => Err(Refusal::wrong_method()),
            _ => Err(Refusal::no_such_path()),
        }
    }

    fn create_label(&mut self, from: Kind, to: Kind, call: &Call<'_>) -> Outcome {
        let input: LabelInput = call.body()?;
        let (Some(label), Some(name)) = (input.label, input.name) else {
            return Err(Refusal::unset_fields(&["label", "name"]));
        };
        check_label_name(&name)?;
        if label.trim().is_empty() {
            return Err(Refusal::invalid("label must not be blank"));
        }
        let own =
            self.links.types(from, to).iter().filter(|known| known.category == Category::User && known.label.is_some());
        if own.clone().any(|known| known.label.as_deref() == Some(&label) || known.name == name) {
            return Err(Refusal::invalid(format!("An association label with name '{name}' already exists")));
        }
        if own.count() >= LABELS_MAX {
            let (from, to) = (&self.catalog.get(from).type_id, &self.catalog.get(to).type_id);
            return Err(Refusal::bare(
                437,
                format!("No more than {LABELS_MAX} association types are allowed between {from} and {to}"),
            ));
        }
        if self.links.default_type(from, to).is_none() {
            return Err(self.refuse_pair(from, to));
        }
        let inverse = input.inverse_label.unwrap_or_else(|| label.clone());
        let (there, back) = self.links.define_label(from, to, &name, (label, inverse), call.now);
        let mut results = vec![label_json(&there)];
        if back.id != there.id {
            results.push(label_json(&back));
        }
        Ok(Reply::ok(&json!({"results": results})))
    }

    fn rename_label(&mut self, from: Kind, to: Kind, call: &Call<'_>) -> Outcome {
        let input: LabelInput = call.body()?;
        let (Some(label), Some(id)) = (input.label, input.association_type_id) else {
            return Err(Refusal::unset_fields(&["label", "associationTypeId"]));
        };
        let mut others = self.links.types(from, to).iter().filter(|known| known.id != id);
        if others.any(|known| known.label.as_deref() == Some(&label)) {
            return Err(Refusal::invalid(format!("An association label '{label}' already exists")));
        }
        if self.links.rename(from, to, id, &label, input.inverse_label.as_deref()) {
            Ok(Reply::no_content())
        } else {
            Err(Refusal::invalid(format!("Association type {id} is not a custom label of this pair")))
        }
    }

    fn refuse_pair(&self, from: Kind, to: Kind) -> Refusal {
        let (from, to) = (&self.catalog.get(from).type_id, &self.catalog.get(to).type_id);
        Refusal::invalid(format!("No association type exists between {from} and {to}"))
    }

    fn end(&self, kind: Kind, key: &str, missing: &'static str) -> Outcome<End> {
        let Ok(id) = key.parse::<u64>() else {
            return Err(Refusal::bare(404, "Object not found.  objectId are usually numeric.")
                .context("id", vec![key.to_owned()])
                .category("OBJECT_NOT_FOUND"));
        };
        let object_type = self.catalog.get(kind);
        match object_type.records.resolve(id) {
            Some((id, _)) => Ok(End { kind, id }),
            None => Err(Refusal::bare(404, format!("No {} with ID {id} exists", object_type.singular))
                .category("OBJECT_NOT_FOUND")
                .sub_category(missing)),
        }
    }

    /// The record of an id, or of the record into which it was merged; nothing when there is none.
    pub(super) fn link_end(&self, kind: Kind, key: &str) -> Option<End> {
        let found = key.parse().ok().and_then(|id| self.catalog.get(kind).records.resolve(id));
        found.map(|(id, _)| End { kind, id })
    }

    /// The record whose associations are asked for, or the refusal when there is none.
    pub(super) fn link_from(&self, kind: Kind, key: &str) -> Outcome<End> {
        self.end(kind, key, FROM_MISSING)
    }

    /// Ties two records; where the portal says so, the first company of a record becomes its primary one.
    pub(super) fn link(&mut self, from: End, to: End, ids: &[u32]) {
        let mut ids = ids.to_vec();
        if self.options.first_company_is_primary {
            ids.extend(self.missing_primary(from, to).map(|known| known.id));
            ids.extend(self.missing_primary(to, from).map(|known| known.inverse));
        }
        self.links.connect(from, to, &ids);
    }

    /// The primary type that no edge of a record towards an object type has yet.
    fn missing_primary(&self, from: End, to: End) -> Option<&LinkType> {
        let known = self.links.types(from.kind, to.kind).iter().find(|known| known.only_one)?;
        let has_one = self.links.of(from, to.kind, 0).any(|(_, types)| types.contains(&known.id));
        (!has_one).then_some(known)
    }

    pub(super) fn two_ends(&self, name: &str, key: &str, (to, other): (&str, &str)) -> Outcome<(End, End)> {
        let (from, to) = (self.kind_named(name)?, self.kind_named(to)?);
        let from = self.end(from, key, FROM_MISSING)?;
        let to = self.end(to, other, TO_MISSING)?;
        if from == to {
            return Err(Refusal::invalid(to_itself(from)));
        }
        Ok((from, to))
    }

    fn read_links(&self, name: &str, key: &str, to: &str, call: &Call<'_>) -> Outcome {
        let (from, to) = (self.kind_named(name)?, self.kind_named(to)?);
        let end = self.end(from, key, FROM_MISSING)?;
        let limit = call.query.limit(PAGE_MAX, PAGE_MAX)?;
        let first = match call.query.first("after") {
            None => 0,
            Some(text) => text.parse().map_err(|_| super::call::unreadable_parameter("after"))?,
        };
        let (results, next) = self.link_page(end, to, first, limit);
        let mut body = json!({"results": results});
        if let (Some(after), Some(body)) = (next, body.as_object_mut()) {
            let link = call.next_link(&after);
            body.insert("paging".into(), json!({"next": {"after": after, "link": link}}));
        }
        Ok(Reply::ok(&body))
    }

    fn link_page(&self, end: End, to: Kind, first: u64, limit: usize) -> (Vec<Value>, Option<String>) {
        let mut results = Vec::new();
        for (other, types) in self.links.of(end, to, first) {
            if results.len() == limit {
                return (results, Some(other.id.to_string()));
            }
            let known = types.iter().filter_map(|id| self.links.find(end.kind, to, *id));
            let types: Vec<Value> = known.map(label_json).collect();
            results.push(json!({"toObjectId": other.id, "associationTypes": types}));
        }
        (results, None)
    }

    fn put_default(&mut self, name: &str, key: &str, other: (&str, &str), call: &Call<'_>) -> Outcome {
        let (from, to) = self.two_ends(name, key, other)?;
        self.check_room(from, to, &[]).map_err(Refusal::invalid)?;
        let results = self.connect_default(from, to).ok_or_else(|| self.refuse_pair(from.kind, to.kind))?;
        Ok(finish(200, &results, &[], call))
    }

    /// Makes the unlabelled association and tells both directions of it.
    fn connect_default(&mut self, from: End, to: End) -> Option<Vec<Vec<u8>>> {
        let known = self.links.default_type(from.kind, to.kind)?;
        let (there, back, category) = (known.id, known.inverse, known.category.name());
        self.link(from, to, &[there]);
        let one = |from: End, to: End, id: u32| {
            json!({"from": {"id": from.id.to_string()}, "to": {"id": to.id.to_string()},
                   "associationSpec": {"associationCategory": category, "associationTypeId": id}})
            .to_string()
            .into_bytes()
        };
        Some(vec![one(from, to, there), one(to, from, back)])
    }

    /// A labelled PUT replaces the labels of the pair.
    fn put_labelled(&mut self, name: &str, key: &str, other: (&str, &str), call: &Call<'_>) -> Outcome {
        let types: Vec<TypeInput> = call.body()?;
        let (from, to) = self.two_ends(name, key, other)?;
        if types.is_empty() {
            return Err(Refusal::invalid("At least one association type must be given"));
        }
        let ids = self.known_types(from.kind, to.kind, &types).map_err(Refusal::invalid)?;
        self.check_room(from, to, &ids).map_err(Refusal::invalid)?;
        self.links.disconnect(from, to);
        self.link(from, to, &ids);
        Ok(Reply::json(201, &self.labelled_json(from, to)))
    }

    fn delete_links(&mut self, name: &str, key: &str, (to, other): (&str, &str)) -> Outcome {
        let (from, to) = (self.kind_named(name)?, self.kind_named(to)?);
        if let (Some(from), Some(to)) = (self.link_end(from, key), self.link_end(to, other)) {
            self.links.disconnect(from, to);
        }
        Ok(Reply::no_content())
    }

    fn labelled_json(&self, from: End, to: End) -> Value {
        let known = self.links.between(from, to).iter().filter_map(|id| self.links.find(from.kind, to.kind, *id));
        let labels: Vec<&str> = known.filter_map(|known| known.label.as_deref()).collect();
        json!({"fromObjectTypeId": self.catalog.get(from.kind).type_id, "fromObjectId": from.id,
               "toObjectTypeId": self.catalog.get(to.kind).type_id, "toObjectId": to.id, "labels": labels})
    }

    fn known_types(&self, from: Kind, to: Kind, given: &[TypeInput]) -> Result<Vec<u32>, String> {
        let known = |one: &TypeInput| {
            let id = one.association_type_id.ok_or("associationTypeId must be set")?;
            let category = one.association_category.as_deref().and_then(Category::parse);
            match self.links.find(from, to, id) {
                Some(known) if Some(known.category) == category => Ok(id),
                _ => {
                    let (from, to) = (&self.catalog.get(from).type_id, &self.catalog.get(to).type_id);
                    Err(format!("Association type {id} is not valid from object type {from} to object type {to}"))
                }
            }
        };
        given.iter().map(known).collect()
    }

    fn batch_pairs(&mut self, from: &str, to: &str, verb: Verb, call: &mut Call<'_>) -> Outcome {
        let (from, to) = (self.kind_named(from)?, self.kind_named(to)?);
        let body: BatchInput<PairInput> = call.body()?;
        let inputs = body.inputs.unwrap_or_default();
        check_count(inputs.len(), CREATE_MAX)?;
        if self.links.default_type(from, to).is_none() {
            return Err(self.refuse_pair(from, to));
        }
        let (mut results, mut errors, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
        for input in &inputs {
            match self.carry_out_pair(from, to, input, verb, &mut seen) {
                Ok(more) => results.extend(more),
                Err(error) => errors.push(error),
            }
        }
        if verb == Verb::RemoveLabels {
            return Ok(removed(&errors, call));
        }
        let status = if verb == Verb::Default { 200 } else { call.version.association_created() };
        Ok(finish(status, &results, &errors, call))
    }

    fn carry_out_pair(
        &mut self,
        from: Kind,
        to: Kind,
        input: &PairInput,
        verb: Verb,
        seen: &mut BTreeSet<(End, End)>,
    ) -> Result<Vec<Vec<u8>>, BatchError> {
        let from = self.batch_end(from, input.from.as_ref(), FROM_MISSING)?;
        let to = self.batch_end(to, input.to.as_ref(), TO_MISSING)?;
        if from == to {
            return Err(validation(to_itself(from)));
        }
        if !seen.insert((from, to)) {
            return Err(validation(format!("Objects {} and {} are associated twice in one request", from.id, to.id)));
        }
        if verb == Verb::Default {
            self.check_room(from, to, &[]).map_err(validation)?;
            return Ok(self.connect_default(from, to).unwrap_or_default());
        }
        let types = input.types.as_deref().unwrap_or_default();
        if types.is_empty() {
            return Err(validation("At least one association type must be given".to_owned()));
        }
        let ids = self.known_types(from.kind, to.kind, types).map_err(validation)?;
        if verb == Verb::RemoveLabels {
            self.links.remove_types(from, to, &ids);
            return Ok(Vec::new());
        }
        self.check_room(from, to, &ids).map_err(validation)?;
        self.link(from, to, &ids);
        Ok(vec![self.labelled_json(from, to).to_string().into_bytes()])
    }

    fn batch_end(&self, kind: Kind, input: Option<&IdInput>, missing: &'static str) -> Result<End, BatchError> {
        let key = input.and_then(|input| input.id.as_ref()).map_or("", |id| id.0.as_str());
        let Ok(id) = key.parse::<u64>() else { return Err(not_an_id(key)) };
        let object_type = self.catalog.get(kind);
        object_type.records.resolve(id).map(|(id, _)| End { kind, id }).ok_or_else(|| BatchError {
            category: "OBJECT_NOT_FOUND",
            sub_category: Some(missing),
            message: format!("No {} with ID {id} exists", object_type.singular),
            context: vec![("id", vec![key.to_owned()])],
        })
    }

    fn batch_read_links(&mut self, from: &str, to: &str, call: &mut Call<'_>) -> Outcome {
        let (from, to) = (self.kind_named(from)?, self.kind_named(to)?);
        let body: BatchInput<IdInput> = call.body()?;
        let inputs = body.inputs.unwrap_or_default();
        check_count(inputs.len(), self.options.association_read_inputs_max)?;
        let (mut results, mut errors) = (Vec::new(), Vec::new());
        for input in &inputs {
            let key = input.id.as_ref().map_or("", |id| id.0.as_str());
            if key.parse::<u64>().is_err() {
                errors.push(not_an_id(key));
                continue;
            }
            let first = input.after.as_ref().and_then(|after| after.0.parse().ok()).unwrap_or(0);
            let end = self.link_end(from, key);
            let (page, next) = end.map(|end| self.link_page(end, to, first, PAGE_MAX)).unwrap_or_default();
            let Some(end) = end.filter(|_| !page.is_empty()) else {
                errors.push(self.nothing_linked(from, to, key));
                continue;
            };
            let mut entry = Map::new();
            entry.insert("from".into(), json!({"id": end.id.to_string()}));
            entry.insert("to".into(), Value::Array(page));
            if let Some(after) = next {
                entry.insert("paging".into(), json!({"next": {"after": after}}));
            }
            results.push(Value::Object(entry).to_string().into_bytes());
        }
        call.shuffle(&mut results);
        Ok(finish(200, &results, &errors, call))
    }

    fn nothing_linked(&self, from: Kind, to: Kind, key: &str) -> BatchError {
        let (from, to) = (self.catalog.get(from).singular.clone(), self.catalog.get(to).singular.clone());
        BatchError {
            category: "OBJECT_NOT_FOUND",
            sub_category: Some("crm.associations.NO_ASSOCIATIONS_FOUND"),
            message: format!("No {to} is associated with {from} {key}."),
            context: vec![
                ("fromObjectId", vec![key.to_owned()]),
                ("fromObjectType", vec![from]),
                ("toObjectType", vec![to]),
            ],
        }
    }

    fn batch_archive_links(&mut self, from: &str, to: &str, call: &mut Call<'_>) -> Outcome {
        let (from, to) = (self.kind_named(from)?, self.kind_named(to)?);
        let body: BatchInput<ManyInput> = call.body()?;
        let inputs = body.inputs.unwrap_or_default();
        check_count(inputs.len(), ARCHIVE_MAX)?;
        for input in &inputs {
            let text = |input: &IdInput| input.id.as_ref().map(|id| id.0.clone()).unwrap_or_default();
            let Some(one) = input.from.as_ref().and_then(|input| self.link_end(from, &text(input))) else { continue };
            for other in input.to.iter().flatten() {
                if let Some(other) = self.link_end(to, &text(other)) {
                    self.links.disconnect(one, other);
                }
            }
        }
        Ok(removed(&[], call))
    }

    /// The legacy calls about a pair, which name types in snake case and answer both directions.
    pub(super) fn dispatch_legacy_pair(&mut self, rest: &[&str], call: &mut Call<'_>) -> Outcome {
        let method = call.method().clone();
        let [from, to, tail @ ..] = rest else { return Err(Refusal::no_such_path()) };
        let (from, to) = (self.kind_named(from)?, self.kind_named(to)?);
        match (tail, &method) {
            (["types"], &Method::GET) => {
                let types = self.links.types(from, to).iter();
                let name = |id: u32| self.entry_type(from, to, id);
                let types: Vec<Value> =
                    types.map(|known| json!({"id": known.id.to_string(), "name": name(known.id)})).collect();
                Ok(Reply::ok(&json!({"results": types})))
            }
            (["batch", "create"], &Method::POST) => self.legacy_create(from, to, call),
            (["batch", "read"], &Method::POST) => self.legacy_read(from, to, call),
            (["batch", "archive"], &Method::POST) => self.legacy_archive(from, to, call),
            (["types"] | ["batch", "create" | "read" | "archive"], _) => Err(Refusal::wrong_method()),
            _ => Err(Refusal::no_such_path()),
        }
    }

    fn legacy_create(&mut self, from: Kind, to: Kind, call: &mut Call<'_>) -> Outcome {
        let body: BatchInput<PairInput> = call.body()?;
        let inputs = body.inputs.unwrap_or_default();
        check_count(inputs.len(), CREATE_MAX)?;
        let (mut results, mut errors) = (Vec::new(), Vec::new());
        for input in &inputs {
            let ends = self
                .batch_end(from, input.from.as_ref(), FROM_MISSING)
                .and_then(|from| Ok((from, self.batch_end(to, input.to.as_ref(), TO_MISSING)?)));
            let name = input.name.as_deref().unwrap_or_default();
            let known = self.legacy_type(from, to, name).map(|known| (known.id, known.inverse));
            match (ends, known) {
                (Err(error), _) => errors.push(error),
                (Ok(_), None) => errors.push(validation(format!("{name} is not a valid association type"))),
                (Ok((one, other)), Some(_)) if one == other => errors.push(validation(to_itself(one))),
                (Ok((one, other)), Some((id, inverse))) => {
                    if let Err(message) = self.check_room(one, other, &[id]) {
                        errors.push(validation(message));
                        continue;
                    }
                    let (there, back) = (self.entry_type(from, to, id), self.entry_type(to, from, inverse));
                    self.link(one, other, &[id]);
                    for (from, to, name) in [(one, other, there), (other, one, back)] {
                        let entry =
                            json!({"from": {"id": from.id.to_string()}, "to": {"id": to.id.to_string()}, "type": name});
                        results.push(entry.to_string().into_bytes());
                    }
                }
            }
        }
        Ok(finish(Version::V3.association_created(), &results, &errors, call))
    }

    fn legacy_read(&mut self, from: Kind, to: Kind, call: &mut Call<'_>) -> Outcome {
        let body: BatchInput<IdInput> = call.body()?;
        let inputs = body.inputs.unwrap_or_default();
        check_count(inputs.len(), self.options.association_read_inputs_max)?;
        let (mut results, mut errors) = (Vec::new(), Vec::new());
        for input in &inputs {
            let key = input.id.as_ref().map_or("", |id| id.0.as_str());
            if key.parse::<u64>().is_err() {
                errors.push(not_an_id(key));
                continue;
            }
            let end = self.link_end(from, key);
            let (entries, next) = end.map(|end| self.linked_page(end, to, 0, LEGACY_PAGE_MAX)).unwrap_or_default();
            let Some(end) = end.filter(|_| !entries.is_empty()) else {
                errors.push(self.nothing_linked(from, to, key));
                continue;
            };
            let mut entry = json!({"from": {"id": end.id.to_string()}, "to": entries});
            if let (Some(after), Some(entry)) = (next, entry.as_object_mut()) {
                let (one, other) = (&self.catalog.get(from).type_id, &self.catalog.get(to).type_id);
                let (after, portal) = (encode(&after), self.options.portal_id);
                let path = format!("crm/v3/objects/{one}/{}/associations/{other}", end.id);
                let link = format!("{}/{path}?portalId={portal}&after={after}", call.base());
                entry.insert("paging".into(), json!({"next": {"after": after, "link": link}}));
            }
            results.push(entry.to_string().into_bytes());
        }
        call.shuffle(&mut results);
        Ok(finish(200, &results, &errors, call))
    }

    fn legacy_archive(&mut self, from: Kind, to: Kind, call: &Call<'_>) -> Outcome {
        let body: BatchInput<PairInput> = call.body()?;
        let inputs = body.inputs.unwrap_or_default();
        check_count(inputs.len(), ARCHIVE_MAX)?;
        let key = |input: &Option<IdInput>| Some(input.as_ref()?.id.as_ref()?.0.clone());
        for input in &inputs {
            let ends = key(&input.from).zip(key(&input.to));
            let ends = ends.and_then(|(one, other)| self.link_end(from, &one).zip(self.link_end(to, &other)));
            let Some((one, other)) = ends else { continue };
            match input.name.as_deref().map(|name| self.legacy_type(from, to, name).map(|known| known.id)) {
                Some(Some(id)) => self.links.remove_types(one, other, &[id]),
                Some(None) => {}
                None => self.links.disconnect(one, other),
            }
        }
        Ok(Reply::no_content())
    }
}

const FROM_MISSING: &str = "crm.associations.FROM_OBJECT_NOT_FOUND";
const TO_MISSING: &str = "crm.associations.TO_OBJECT_NOT_FOUND";

fn label_json(known: &LinkType) -> Value {
    json!({"category": known.category.name(), "typeId": known.id, "label": known.label})
}

fn not_an_id(key: &str) -> BatchError {
    BatchError {
        category: "VALIDATION_ERROR",
        sub_category: Some("crm.associations.INVALID_IDENTIFIER"),
        message: format!("{key} is not a valid ID"),
        context: vec![("id", vec![key.to_owned()])],
    }
}

/// A label's internal name has no hyphen and does not begin with a digit.
fn check_label_name(name: &str) -> Outcome<()> {
    let starts_well = name.starts_with(|first: char| !first.is_ascii_digit() && !first.is_whitespace());
    if starts_well && !name.contains('-') {
        return Ok(());
    }
    Err(Refusal::invalid(format!("Association label name '{name}' is not valid: no hyphen, no digit at its beginning")))
}

pub(super) fn to_itself(end: End) -> String {
    format!("Object {0} cannot be associated to itself ({0})", end.id)
}

fn validation(message: String) -> BatchError {
    BatchError { category: "VALIDATION_ERROR", sub_category: None, message, context: Vec::new() }
}

fn check_count(count: usize, most: usize) -> Outcome<()> {
    if count <= most {
        return Ok(());
    }
    Err(Refusal::invalid(format!(
        "The maximum number of inputs supported in a batch is {most}. Please reduce the number of items and try again"
    )))
}

/// The answer to a removal: nothing in v4, an empty batch in dated versions, and errors in both.
fn removed(errors: &[BatchError], call: &Call<'_>) -> Reply {
    if errors.is_empty() && !call.version.association_archive_has_body() {
        Reply::no_content()
    } else {
        finish(200, &[], errors, call)
    }
}
