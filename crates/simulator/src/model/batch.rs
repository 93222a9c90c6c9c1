//! Batch calls: up to a hundred records at once, all or nothing unless every input carries a trace id.
//!
//! Answers are written as bytes here and built as values in `single`; see there why. The order of results is drawn
//! from the dice, as live answers are in no order of the inputs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Portal;
use super::answer::{BatchError, LISTED_MAX, Outcome, Refusal, Reply};
use super::call::{BatchInput, Call, IdInput, Properties, Text, WriteInput};
use super::catalog::Kind;
use super::json::{push_key, push_option, push_text};
use super::property::{CREATED, MODIFIED, OBJECT_ID, PropId};
use super::record::{Change, ChangeSource, Record, Snapshot};
use super::requirements::{LACKING_TEXT, refuse_lacking};
use super::time;
use super::value::Invalid;
use super::write::{Changes, Conflict, Edges, is_stage_date};
use crate::wire::Millis;

/// Inputs of one call.
pub(super) const INPUTS_MAX: usize = 100;
/// Inputs of one call that asks for histories.
const INPUTS_WITH_HISTORY_MAX: usize = 50;

/// One entry of `results`, put together after all writes are done.
struct Done {
    id: u64,
    state: Arc<Snapshot>,
    /// What the entry shows beside the three that always come.
    places: Vec<PropId>,
    /// Whether an upsert made the record; nothing for other calls.
    new: Option<bool>,
    trace: Option<String>,
}

/// Why one input was not carried out.
enum Fault {
    Values(Vec<Invalid>),
    Taken(Conflict, Option<u64>),
    Refused(Refusal, String),
}

/// An input that passed every check.
enum Step {
    Create(Changes, Edges),
    Update(u64, Changes, Vec<PropId>),
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ReadInput {
    inputs: Option<Vec<IdInput>>,
    properties: Option<Vec<String>>,
    properties_with_history: Option<Vec<String>>,
    id_property: Option<String>,
}

impl Portal {
    /// POST of `batch/read`.
    pub(super) fn batch_read(&mut self, kind: Kind, call: &mut Call<'_>) -> Outcome {
        let input: ReadInput = call.body()?;
        let inputs = input.inputs.unwrap_or_default();
        let histories = input.properties_with_history.unwrap_or_default();
        check_count(inputs.len(), !histories.is_empty())?;
        let keys: Vec<String> = inputs.into_iter().filter_map(|input| Some(input.id?.0)).collect();
        let id_property = match input.id_property.as_deref().filter(|name| !name.is_empty()) {
            None | Some("hs_object_id") => None,
            Some(name) => Some(self.unique_property(kind, name, call, "read")?),
        };
        let form = |key: &String| id_property.map_or_else(|| key.clone(), |id| self.key_form(kind, id, key));
        refuse_duplicates(keys.iter().map(form))?;
        let archived = call.query.flag("archived")?;
        let records = &self.catalog.get(kind).records;
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        for key in keys {
            let hit = match (id_property, archived) {
                (Some(id), false) => records.owner_of(id, &form(&key)).and_then(|id| records.resolve(id)),
                // An archived record has given its unique values back, so that only its id finds it.
                (Some(_), true) => None,
                (None, false) => key.parse().ok().and_then(|id| records.resolve(id)),
                (None, true) => key.parse().ok().and_then(|id| Some((id, records.archived.get(&id)?))),
            };
            let hit = hit.filter(|(_, record)| archived || self.can_be_read(&record.state, call.now));
            match hit {
                Some((id, _)) if found.contains(&id) => {}
                Some((id, _)) => found.push(id),
                None => missing.push(key),
            }
        }
        call.shuffle(&mut found);
        let asked = input.properties.filter(|names| !names.is_empty());
        let asked = asked.unwrap_or_else(|| self.catalog.get(kind).default_names.clone());
        let (mut places, unknown) = self.places_of(kind, &asked, call);
        let (history_places, _) = self.places_of(kind, &histories, call);
        places.extend(history_places.iter().cloned());
        let mut errors: Vec<BatchError> = self.not_found(kind, missing).into_iter().collect();
        if self.options.batch_read_reports_unknown {
            errors.extend(unknown.into_iter().map(|name| BatchError {
                category: "VALIDATION_ERROR",
                sub_category: None,
                message: format!("'{name}' Property does not exist"),
                context: vec![("propertyName", vec![name])],
            }));
        }
        let results = found.into_iter().filter_map(|id| {
            let records = &self.catalog.get(kind).records;
            let record = if archived { records.archived.get(&id)? } else { records.live.get(&id)? };
            Some(self.read_entry(kind, id, record, &places, &history_places))
        });
        let results: Vec<Vec<u8>> = results.collect();
        Ok(finish(200, &results, &errors, call))
    }

    /// The properties of these names, each once, and the first names of none.
    fn places_of(&self, kind: Kind, names: &[String], call: &Call<'_>) -> (Vec<(String, PropId)>, Vec<String>) {
        let object_type = self.catalog.get(kind);
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        let mut seen = BTreeSet::new();
        for name in names.iter().filter(|name| seen.insert(name.as_str())) {
            match object_type.properties.live(name, call.now) {
                Some((id, _)) => known.push((name.clone(), id)),
                None if unknown.len() < LISTED_MAX => unknown.push(name.clone()),
                None => {}
            }
        }
        (known, unknown)
    }

    /// POST of `batch/create`.
    pub(super) fn batch_create(&mut self, kind: Kind, call: &mut Call<'_>) -> Outcome {
        let inputs = write_inputs(call)?;
        let plan = |portal: &Self, input: &WriteInput, now| portal.plan_create(kind, input, now);
        let (done, errors) = if has_traces(&inputs) {
            self.plan_each(kind, &inputs, None, call, &plan)
        } else {
            let steps = self.plan_all(kind, &inputs, call, &plan)?;
            (self.carry_out(kind, steps, &inputs, None, call), Vec::new())
        };
        Ok(self.answer_writes(kind, 201, done, &errors, call))
    }

    /// POST of `batch/update`. Ids that do not exist never stop the others; ids of merged records are passed over.
    pub(super) fn batch_update(&mut self, kind: Kind, call: &mut Call<'_>) -> Outcome {
        let inputs = write_inputs(call)?;
        let mut keys = Vec::new();
        for input in &inputs {
            let Some(id) = &input.id else { return Err(Refusal::unset_fields(&["id"])) };
            if let Some(name) = id_property(input) {
                if self.is_contact_email_name(kind, name) {
                    return Err(self.refuse_non_unique(kind, name));
                }
                self.unique_property(kind, name, call, "update/upsert")?;
            }
            keys.push(id.0.clone());
        }
        refuse_duplicates(keys.into_iter())?;
        let traced = has_traces(&inputs);
        let (mut present, mut missing, mut errors) = (Vec::new(), Vec::new(), Vec::new());
        for input in inputs {
            let key = input.id.as_ref().map(|id| id.0.clone()).unwrap_or_default();
            match self.target_of_update(kind, &input, call) {
                Target::Found => present.push(input),
                Target::PassedOver => {}
                Target::Missing if traced => {
                    let mut error = self.not_found(kind, vec![key]);
                    if let (Some(error), Some(trace)) = (&mut error, &input.object_write_trace_id) {
                        error.context.push(("objectWriteTraceId", vec![trace.0.clone()]));
                    }
                    errors.extend(error);
                }
                Target::Missing => missing.push(key),
            }
        }
        errors.extend(self.not_found(kind, missing));
        let plan = |portal: &Self, input: &WriteInput, now| portal.plan_update(kind, input, now);
        let done = if traced {
            let (done, more) = self.plan_each(kind, &present, None, call, &plan);
            errors.extend(more);
            done
        } else {
            let steps = self.plan_all(kind, &present, call, &plan)?;
            self.carry_out(kind, steps, &present, None, call)
        };
        Ok(self.answer_writes(kind, 200, done, &errors, call))
    }

    fn target_of_update(&self, kind: Kind, input: &WriteInput, call: &Call<'_>) -> Target {
        let records = &self.catalog.get(kind).records;
        let key = input.id.as_ref().map_or("", |id| id.0.as_str());
        if let Some(name) = id_property(input) {
            let place = self.catalog.get(kind).properties.live(name, call.now).map(|(id, _)| id);
            let found = place.and_then(|place| records.owner_of(place, &self.key_form(kind, place, key)));
            return found.map_or(Target::Missing, |_| Target::Found);
        }
        match key.parse::<u64>() {
            // An address without `idProperty` is neither an error nor written.
            Err(_) if key.contains('@') => Target::PassedOver,
            // A merged record whose survivor is gone is as missing as any other.
            Ok(id) if records.merged.contains_key(&id) && records.resolve(id).is_some() => Target::PassedOver,
            Ok(id) if records.live.contains_key(&id) => Target::Found,
            Ok(_) | Err(_) => Target::Missing,
        }
    }

    /// POST of `batch/upsert`.
    pub(super) fn batch_upsert(&mut self, kind: Kind, call: &mut Call<'_>) -> Outcome {
        let inputs = write_inputs(call)?;
        let mut keys = Vec::new();
        let mut by_email = false;
        for input in &inputs {
            let Some(id) = &input.id else { return Err(Refusal::unset_fields(&["id"])) };
            let Some(name) = input.id_property.as_deref().filter(|name| !name.is_empty()) else {
                return Err(Refusal::unset_fields(&["idProperty"]));
            };
            let place = self.unique_property(kind, name, call, "update/upsert")?;
            by_email |= self.is_contact_email(kind, place);
            keys.push(self.key_form(kind, place, &id.0));
        }
        refuse_duplicates(keys.into_iter())?;
        let partial = has_traces(&inputs) && (!by_email || self.options.upsert_by_email_partial);
        let plan = |portal: &Self, input: &WriteInput, now| portal.plan_upsert(kind, input, now);
        let (done, errors) = if partial {
            self.plan_each(kind, &inputs, Some(()), call, &plan)
        } else {
            let steps = self.plan_all(kind, &inputs, call, &plan)?;
            (self.carry_out(kind, steps, &inputs, Some(()), call), Vec::new())
        };
        Ok(self.answer_writes(kind, 200, done, &errors, call))
    }

    /// POST of `batch/archive`; ids that do not exist are passed over.
    pub(super) fn batch_archive(&mut self, kind: Kind, call: &mut Call<'_>) -> Outcome {
        let body: BatchInput<IdInput> = call.body()?;
        let inputs = body.inputs.unwrap_or_default();
        check_count(inputs.len(), false)?;
        for input in inputs {
            if let Some(id) = input.id.and_then(|id| id.0.parse().ok()) {
                self.archive(kind, id, call.now);
            }
        }
        Ok(Reply::no_content())
    }

    fn is_contact_email_name(&self, kind: Kind, name: &str) -> bool {
        self.catalog.get(kind).properties.find(name).is_some_and(|id| self.is_contact_email(kind, id))
    }

    fn refuse_non_unique(&self, kind: Kind, name: &str) -> Refusal {
        self.refuse_key(kind, name, "update/upsert")
    }

    fn refuse_key(&self, kind: Kind, name: &str, verb: &str) -> Refusal {
        let (type_id, portal) = (&self.catalog.get(kind).type_id, self.options.portal_id);
        Refusal::invalid(format!(
            "Unable to perform {verb} by non-unique {type_id} property {name} in portal ID {portal}"
        ))
    }

    fn unique_property(&self, kind: Kind, name: &str, call: &Call<'_>, verb: &str) -> Outcome<PropId> {
        let known = self.catalog.get(kind).properties.live(name, call.now).map(|(id, _)| id);
        known.filter(|id| self.is_key(kind, *id)).ok_or_else(|| self.refuse_key(kind, name, verb))
    }

    fn not_found(&self, kind: Kind, ids: Vec<String>) -> Option<BatchError> {
        if ids.is_empty() {
            return None;
        }
        let shout = &self.catalog.get(kind).shout;
        Some(BatchError {
            category: "OBJECT_NOT_FOUND",
            sub_category: None,
            message: format!(
                "Could not get some {shout} objects, they may be deleted or not exist. Check that ids are valid."
            ),
            context: vec![("ids", ids)],
        })
    }

    fn plan_create(&self, kind: Kind, input: &WriteInput, now: Millis) -> Result<Step, Fault> {
        let none = Properties::default();
        let properties = input.properties.as_ref().unwrap_or(&none);
        let changes = self.check_values(kind, properties, now).map_err(Fault::Values)?;
        self.plan_new(kind, changes, input)
    }

    fn plan_new(&self, kind: Kind, changes: Changes, input: &WriteInput) -> Result<Step, Fault> {
        if self.lacks_required(kind, &changes) {
            let text =
                format!("Error creating {}. Some required properties were not set.", self.catalog.get(kind).shout);
            return Err(Fault::Refused(Refusal::bare(400, text.clone()), text));
        }
        self.plan_required(kind, &changes, None)?;
        if let Some(conflict) = self.find_conflict(kind, &changes, None) {
            return Err(Fault::Taken(conflict, None));
        }
        let edges = self
            .check_associations(kind, input.associations.as_deref().unwrap_or_default())
            .map_err(|refusal| Fault::Refused(refusal, "One or more associations are invalid".to_owned()))?;
        Ok(Step::Create(changes, edges))
    }

    fn plan_update(&self, kind: Kind, input: &WriteInput, now: Millis) -> Result<Step, Fault> {
        let Some(properties) = input.properties.as_ref().filter(|properties| !properties.0.is_empty()) else {
            let text = "No properties found to update, please provide at least one.";
            let refusal = Refusal::invalid(text).context("properties", vec!["{}".to_owned()]);
            return Err(Fault::Refused(refusal, text.to_owned()));
        };
        let key = input.id.as_ref().map_or("", |id| id.0.as_str());
        let records = &self.catalog.get(kind).records;
        let id = match id_property(input).and_then(|name| self.catalog.get(kind).properties.find(name)) {
            Some(place) => records.owner_of(place, &self.key_form(kind, place, key)),
            None => key.parse().ok(),
        };
        let changes = self.check_values(kind, properties, now).map_err(Fault::Values)?;
        self.plan_change(kind, id.unwrap_or(0), changes)
    }

    fn plan_required(&self, kind: Kind, changes: &Changes, own: Option<u64>) -> Result<(), Fault> {
        let lacking = self.lacking(kind, changes, own);
        if lacking.is_empty() {
            return Ok(());
        }
        Err(Fault::Refused(refuse_lacking(&lacking), LACKING_TEXT.to_owned()))
    }

    fn plan_change(&self, kind: Kind, id: u64, changes: Changes) -> Result<Step, Fault> {
        self.plan_required(kind, &changes, Some(id))?;
        if let Some(conflict) = self.find_conflict(kind, &changes, Some(id)) {
            return Err(Fault::Taken(conflict, Some(id)));
        }
        let named = changes.iter().map(|(place, _)| *place).collect();
        Ok(Step::Update(id, changes, named))
    }

    fn plan_upsert(&self, kind: Kind, input: &WriteInput, now: Millis) -> Result<Step, Fault> {
        let mut properties = input.properties.clone().unwrap_or_default();
        let name = input.id_property.clone().unwrap_or_default();
        let key = input.id.as_ref().map(|id| id.0.clone()).unwrap_or_default();
        let place = self.catalog.get(kind).properties.find(&name);
        let form = place.map(|place| self.key_form(kind, place, &key)).unwrap_or_default();
        let known = place.and_then(|place| self.catalog.get(kind).records.owner_of(place, &form));
        if known.is_none() && !properties.0.iter().any(|(given, value)| *given == name && value.is_some()) {
            properties.0.push((name, Some(key)));
        }
        let changes = self.check_values(kind, &properties, now).map_err(Fault::Values)?;
        match known {
            Some(id) => self.plan_change(kind, id, changes),
            None => self.plan_new(kind, changes, input),
        }
    }

    /// Plans every input before anything is written; one bad input refuses the whole call.
    fn plan_all(
        &self,
        kind: Kind,
        inputs: &[WriteInput],
        call: &Call<'_>,
        plan: &dyn Fn(&Self, &WriteInput, Millis) -> Result<Step, Fault>,
    ) -> Outcome<Vec<Step>> {
        let (mut steps, mut wrong) = (Vec::new(), Vec::new());
        let mut first_refusal = None;
        let mut seen = BTreeSet::new();
        for input in inputs {
            match plan(self, input, call.now) {
                Ok(step) => {
                    let (Step::Create(changes, _) | Step::Update(_, changes, _)) = &step;
                    if let Some(conflict) = self.find_conflict_within(kind, changes, &mut seen) {
                        first_refusal.get_or_insert_with(|| self.refuse_taken(kind, &conflict, None));
                    }
                    steps.push(step);
                }
                Err(Fault::Values(more)) => wrong.extend(more),
                Err(Fault::Taken(conflict, own)) => {
                    first_refusal.get_or_insert_with(|| self.refuse_taken(kind, &conflict, own));
                }
                Err(Fault::Refused(refusal, _)) => {
                    first_refusal.get_or_insert(refusal);
                }
            }
        }
        if !wrong.is_empty() {
            return Err(self.refuse_values(&wrong));
        }
        let new = steps.iter().filter_map(|step| match step {
            Step::Create(_, edges) => Some(edges),
            Step::Update(..) => None,
        });
        if let Err(text) = self.check_room_together(kind, new) {
            first_refusal.get_or_insert_with(|| Refusal::invalid(text));
        }
        first_refusal.map_or(Ok(steps), Err)
    }

    fn refuse_taken(&self, kind: Kind, conflict: &Conflict, own: Option<u64>) -> Refusal {
        if own.is_none() && self.is_contact_email(kind, conflict.property) {
            let message = match conflict.owner.filter(|_| self.options.batch_conflict_names_id) {
                Some(owner) => format!("Contact already exists. Existing ID: {owner}"),
                None => "Contact already exists".to_owned(),
            };
            return Refusal::bare(409, message).category("CONFLICT");
        }
        self.refuse_values(&[self.conflict_as_invalid(kind, conflict, own)])
    }

    /// Plans and writes one input after the other; a bad one becomes an error that names its trace id.
    fn plan_each(
        &mut self,
        kind: Kind,
        inputs: &[WriteInput],
        upsert: Option<()>,
        call: &mut Call<'_>,
        plan: &dyn Fn(&Self, &WriteInput, Millis) -> Result<Step, Fault>,
    ) -> (Vec<Done>, Vec<BatchError>) {
        let (mut done, mut errors) = (Vec::new(), Vec::new());
        for input in inputs {
            match plan(self, input, call.now) {
                Ok(step) => done.extend(self.carry_out(kind, vec![step], std::slice::from_ref(input), upsert, call)),
                Err(fault) => errors.push(self.trace_error(kind, fault, input)),
            }
        }
        (done, errors)
    }

    fn trace_error(&self, kind: Kind, fault: Fault, input: &WriteInput) -> BatchError {
        let trace = input.object_write_trace_id.iter().map(|trace| trace.0.clone()).collect();
        let mut context = vec![("objectWriteTraceId", trace)];
        let (category, message) = match fault {
            Fault::Values(wrong) => ("VALIDATION_ERROR", self.invalid_text(&wrong)),
            Fault::Taken(Conflict { property, owner: Some(owner), .. }, None)
                if self.is_contact_email(kind, property) =>
            {
                context.push(("existingId", vec![owner.to_string()]));
                ("CONFLICT", format!("Contact already exists. Existing ID: {owner}"))
            }
            Fault::Taken(conflict, own) => {
                ("VALIDATION_ERROR", self.invalid_text(&[self.conflict_as_invalid(kind, &conflict, own)]))
            }
            Fault::Refused(_, message) => ("VALIDATION_ERROR", message),
        };
        BatchError { category, sub_category: None, message, context }
    }

    fn carry_out(
        &mut self,
        kind: Kind,
        steps: Vec<Step>,
        inputs: &[WriteInput],
        upsert: Option<()>,
        call: &mut Call<'_>,
    ) -> Vec<Done> {
        let mut done = Vec::with_capacity(steps.len());
        for (step, input) in steps.into_iter().zip(inputs) {
            let trace = input.object_write_trace_id.as_ref().filter(|_| self.options.success_trace_ids);
            let trace = trace.map(|Text(trace)| trace.clone());
            let (id, named) = match step {
                Step::Create(changes, edges) => (self.create(kind, &changes, &edges, call), None),
                Step::Update(id, changes, named) => {
                    self.update(kind, id, &changes, call);
                    (id, Some(named))
                }
            };
            let Some(record) = self.catalog.get(kind).records.live.get(&id) else { continue };
            let state = Arc::clone(&record.state);
            let new = upsert.map(|()| named.is_none());
            let places = match named {
                Some(named) => self.entry_places_after_update(kind, &state, named),
                None => state.places().filter(|place| state.get(*place).is_some_and(|text| !text.is_empty())).collect(),
            };
            done.push(Done { id, state, places, new, trace });
        }
        done
    }

    fn entry_places_after_update(&self, kind: Kind, state: &Snapshot, mut named: Vec<PropId>) -> Vec<PropId> {
        let table = &self.catalog.get(kind).properties;
        for name in ["hs_is_unworked", "hs_object_source", "hs_object_source_id", "hs_object_source_label"] {
            named.extend(table.find(name).filter(|place| state.get(*place).is_some()));
        }
        if named.iter().any(|place| self.is_contact_email(kind, *place)) {
            named.extend(table.find("hs_email_domain"));
        }
        for name in ["hs_pipeline", "lifecyclestage"] {
            named.extend(table.find(name).filter(|place| state.get(*place).is_some()));
        }
        named
    }

    fn answer_writes(
        &self,
        kind: Kind,
        status: u16,
        mut done: Vec<Done>,
        errors: &[BatchError],
        call: &mut Call<'_>,
    ) -> Reply {
        call.shuffle(&mut done);
        let results: Vec<Vec<u8>> = done.into_iter().map(|done| self.write_entry(kind, done)).collect();
        finish(status, &results, errors, call)
    }

    fn write_entry(&self, kind: Kind, mut done: Done) -> Vec<u8> {
        let table = &self.catalog.get(kind).properties;
        done.places.extend([OBJECT_ID, CREATED, MODIFIED]);
        let mut names: Vec<(&str, PropId)> =
            done.places.iter().filter_map(|place| Some((table.get(*place)?.name.as_str(), *place))).collect();
        names.sort_unstable();
        names.dedup();
        let mut out = Vec::with_capacity(64 * (names.len() + 4));
        open_entry(&mut out, done.id);
        push_written(&mut out, &names, done.id, &done.state);
        close_entry(&mut out, done.id, &done.state, &self.url_start(kind), None);
        if let Some(new) = done.new {
            out.extend_from_slice(if new { b",\"new\":true" } else { b",\"new\":false" });
        }
        if let Some(trace) = &done.trace {
            out.push(b',');
            push_key(&mut out, "objectWriteTraceId");
            push_text(&mut out, trace);
        }
        out.push(b'}');
        out
    }

    fn read_entry(
        &self,
        kind: Kind,
        id: u64,
        record: &Record,
        places: &[(String, PropId)],
        histories: &[(String, PropId)],
    ) -> Vec<u8> {
        let table = &self.catalog.get(kind).properties;
        let always = [OBJECT_ID, CREATED, MODIFIED].into_iter();
        let always = always.filter_map(|place| Some((table.get(place)?.name.as_str(), place)));
        let mut names: Vec<(&str, PropId)> =
            places.iter().map(|(name, id)| (name.as_str(), *id)).chain(always).collect();
        names.sort_unstable();
        names.dedup();
        let mut out = Vec::with_capacity(64 * (names.len() + 4));
        open_entry(&mut out, id);
        push_values(&mut out, &names, id, &record.state);
        if !histories.is_empty() {
            let histories: BTreeMap<&str, PropId> = histories.iter().map(|(name, id)| (name.as_str(), *id)).collect();
            push_histories(&mut out, &histories, id, record);
        }
        close_entry(&mut out, id, &record.state, &self.url_start(kind), record.archived_at);
        out.push(b'}');
        out
    }

    /// The `url` of a record up to its id.
    pub(super) fn url_start(&self, kind: Kind) -> String {
        let type_id = &self.catalog.get(kind).type_id;
        format!("https://{}/contacts/{}/record/{type_id}/", self.options.ui_domain, self.options.portal_id)
    }

    /// One entry of a search answer: the same shape as a batch read.
    pub(super) fn search_entry(&self, kind: Kind, id: u64, state: &Snapshot, names: &[(String, PropId)]) -> Vec<u8> {
        let names: Vec<(&str, PropId)> = names.iter().map(|(name, place)| (name.as_str(), *place)).collect();
        let mut out = Vec::with_capacity(64 * (names.len() + 4));
        open_entry(&mut out, id);
        push_values(&mut out, &names, id, state);
        close_entry(&mut out, id, state, &self.url_start(kind), None);
        out.push(b'}');
        out
    }
}

/// Where an input of a batch update leads.
enum Target {
    Found,
    Missing,
    PassedOver,
}

fn id_property(input: &WriteInput) -> Option<&str> {
    input.id_property.as_deref().filter(|name| !name.is_empty())
}

fn write_inputs(call: &Call<'_>) -> Outcome<Vec<WriteInput>> {
    let body: BatchInput<WriteInput> = call.body()?;
    let inputs = body.inputs.unwrap_or_default();
    check_count(inputs.len(), false)?;
    Ok(inputs)
}

fn check_count(count: usize, histories: bool) -> Outcome<()> {
    if histories && count > INPUTS_WITH_HISTORY_MAX {
        return Err(Refusal::invalid(format!(
            "The maximum number of inputs supported in a batch request for property histories is \
             {INPUTS_WITH_HISTORY_MAX}. Please reduce the number of items and try again"
        )));
    }
    if count > INPUTS_MAX {
        return Err(Refusal::invalid(format!(
            "The maximum number of inputs supported in a batch is {INPUTS_MAX}. Please reduce the number of items and \
             try again"
        )));
    }
    Ok(())
}

/// One id twice refuses the whole call.
fn refuse_duplicates(keys: impl Iterator<Item = String>) -> Outcome<()> {
    let (mut seen, mut twice) = (BTreeSet::new(), Vec::new());
    for key in keys {
        if seen.contains(&key) {
            if !twice.contains(&key) {
                twice.push(key);
            }
        } else {
            seen.insert(key);
        }
    }
    if twice.is_empty() {
        return Ok(());
    }
    let message = format!("Duplicate IDs found in batch input: [{}]. IDs must be unique", twice.join(", "));
    Err(Refusal::invalid(message).context("ids", twice))
}

/// Whether every input has a trace id of its own, which allows success in part.
fn has_traces(inputs: &[WriteInput]) -> bool {
    let traces: BTreeSet<&str> =
        inputs.iter().filter_map(|input| Some(input.object_write_trace_id.as_ref()?.0.as_str())).collect();
    !inputs.is_empty() && traces.len() == inputs.len()
}

fn open_entry(out: &mut Vec<u8>, id: u64) {
    out.extend_from_slice(b"{\"id\":\"");
    out.extend_from_slice(id.to_string().as_bytes());
    out.extend_from_slice(b"\",\"properties\":{");
}

fn push_values(out: &mut Vec<u8>, names: &[(&str, PropId)], id: u64, state: &Snapshot) {
    for (place, (name, property)) in names.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        push_key(out, name);
        push_option(out, state.shown(id, *property).as_deref());
    }
    out.push(b'}');
}

/// As [`push_values`], with the times of lifecycle stages in the form that only writes have.
fn push_written(out: &mut Vec<u8>, names: &[(&str, PropId)], id: u64, state: &Snapshot) {
    for (place, (name, property)) in names.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        push_key(out, name);
        let text = state.shown(id, *property);
        match text.as_deref().filter(|_| is_stage_date(name)).and_then(time::parse) {
            Some(at) => push_option(out, Some(&at.0.to_string())),
            None => push_option(out, text.as_deref()),
        }
    }
    out.push(b'}');
}

fn push_histories(out: &mut Vec<u8>, histories: &BTreeMap<&str, PropId>, id: u64, record: &Record) {
    out.extend_from_slice(b",\"propertiesWithHistory\":{");
    for (place, (name, property)) in histories.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        push_key(out, name);
        out.push(b'[');
        for (place, change) in record.history(id, *property).iter().enumerate() {
            if place > 0 {
                out.push(b',');
            }
            push_version(out, change);
        }
        out.push(b']');
    }
    out.push(b'}');
}

fn push_version(out: &mut Vec<u8>, change: &Change) {
    out.extend_from_slice(b"{\"value\":");
    push_text(out, &change.value);
    out.extend_from_slice(b",\"timestamp\":");
    push_text(out, &time::iso(change.at));
    match change.source {
        ChangeSource::App(app) => {
            out.extend_from_slice(b",\"sourceType\":\"INTEGRATION\",\"sourceId\":");
            push_text(out, &app.to_string());
        }
        ChangeSource::Person(user) => {
            out.extend_from_slice(b",\"sourceType\":\"CRM_UI\",\"sourceId\":");
            push_text(out, &format!("userId:{user}"));
            out.extend_from_slice(b",\"updatedByUserId\":");
            out.extend_from_slice(user.to_string().as_bytes());
        }
        ChangeSource::Calculated => out.extend_from_slice(b",\"sourceType\":\"CALCULATED\""),
    }
    out.push(b'}');
}

fn close_entry(out: &mut Vec<u8>, id: u64, state: &Snapshot, url_start: &str, archived_at: Option<Millis>) {
    out.extend_from_slice(b",\"createdAt\":");
    push_text(out, &time::iso(state.created));
    out.extend_from_slice(b",\"updatedAt\":");
    push_text(out, &time::iso(state.updated));
    match archived_at {
        None => out.extend_from_slice(b",\"archived\":false"),
        Some(at) => {
            out.extend_from_slice(b",\"archived\":true,\"archivedAt\":");
            push_text(out, &time::iso(at));
        }
    }
    out.extend_from_slice(b",\"url\":");
    push_text(out, &format!("{url_start}{id}"));
}

/// The answer around the entries; errors make it a 207 in every version.
pub(super) fn finish(status: u16, results: &[Vec<u8>], errors: &[BatchError], call: &Call<'_>) -> Reply {
    let now = time::iso(call.now);
    let mut out = Vec::with_capacity(256 + results.iter().map(|entry| entry.len() + 1).sum::<usize>());
    out.extend_from_slice(b"{\"completedAt\":");
    push_text(&mut out, &now);
    out.extend_from_slice(b",\"status\":\"COMPLETE\",\"startedAt\":");
    push_text(&mut out, &now);
    out.extend_from_slice(b",\"results\":[");
    for (place, entry) in results.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        out.extend_from_slice(entry);
    }
    out.push(b']');
    if !errors.is_empty() {
        out.extend_from_slice(b",\"errors\":[");
        for (place, error) in errors.iter().enumerate() {
            if place > 0 {
                out.push(b',');
            }
            out.extend_from_slice(error.to_json().to_string().as_bytes());
        }
        out.extend_from_slice(b"],\"numErrors\":");
        out.extend_from_slice(errors.len().to_string().as_bytes());
    }
    out.push(b'}');
    let status = if errors.is_empty() { status } else { 207 };
    Reply::written(status, out)
}
