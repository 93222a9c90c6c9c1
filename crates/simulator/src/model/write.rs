//! Writing records: what a write would change, whether it may, and the change itself.
//!
//! Shared by single and batch calls; how the outcome is told to the caller is not decided here.
//! Invariant: nothing is changed by a `check_*` function, and `create`/`update` are only given what they let pass.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

use super::answer::{LISTED_MAX, Outcome, Refusal};
use super::call::{Call, InlineAssociation, Properties};
use super::catalog::{COMPANIES, CONTACTS, DEALS, ENGAGEMENTS, Kind, LINE_ITEMS, TICKETS};
use super::events::Event;
use super::links::{Category, End};
use super::property::{PropId, Property};
use super::record::{ChangeSource, Record, Snapshot};
use super::time;
use super::value::{self, Decimal, Invalid};
use super::{Portal, RecordSource};
use crate::wire::Millis;

/// Values in stored form, by property; the empty text clears.
pub(super) type Changes = Vec<(PropId, String)>;

/// Edges to make, each with its types.
pub(super) type Edges = Vec<(End, Vec<u32>)>;

/// A value that must be unique and belongs to another record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Conflict {
    pub(super) property: PropId,
    pub(super) value: String,
    /// The record that has it, or nothing when another input of the same batch does.
    pub(super) owner: Option<u64>,
}

impl Portal {
    /// Brings the values of a write into stored form, or says what is wrong with them: everything up to [`LISTED_MAX`].
    pub(super) fn check_values(
        &self,
        kind: Kind,
        properties: &Properties,
        now: Millis,
    ) -> Result<Changes, Vec<Invalid>> {
        let object_type = self.catalog.get(kind);
        let (mut changes, mut wrong) = (Changes::new(), Vec::new());
        for (name, given) in &properties.0 {
            if wrong.len() == LISTED_MAX {
                break;
            }
            let Some((id, property)) = object_type.properties.live(name, now) else {
                let message = format!("Property \"{name}\" does not exist");
                wrong.push(Invalid::new(name, given.as_deref().unwrap_or(""), "PROPERTY_DOESNT_EXIST", message));
                continue;
            };
            let Some(given) = given else { continue };
            if property.read_only_value {
                let message = format!("\"{name}\" is a calculated property; its value cannot be set.");
                wrong.push(Invalid::new(name, given, "READ_ONLY_VALUE", message));
            } else if given.is_empty() {
                changes.push((id, String::new()));
            } else {
                match self.stored_form(kind, property, given, properties) {
                    Ok(value) => match self.broken_rule(kind, id, &value, now) {
                        None => changes.push((id, value)),
                        Some(invalid) => wrong.push(invalid),
                    },
                    Err(invalid) => wrong.push(invalid),
                }
            }
        }
        if wrong.is_empty() { Ok(changes) } else { Err(wrong) }
    }

    fn stored_form(
        &self,
        kind: Kind,
        property: &Property,
        given: &str,
        beside: &Properties,
    ) -> Result<String, Invalid> {
        let name = property.name.as_str();
        if kind == CONTACTS && name == "email" {
            let invalid = || Invalid::new(name, given, "INVALID_EMAIL", format!("Email address {given} is invalid"));
            return value::email(given).filter(|address| !self.is_blocked(address)).ok_or_else(invalid);
        }
        if kind == COMPANIES && name == "domain" {
            return value::normalise(property, &given.trim().to_lowercase());
        }
        if property.external_options && property.referenced_type.as_deref() == Some("OWNER") {
            let known = self.owners.iter().any(|owner| owner.archived_at.is_none() && owner.id.to_string() == given);
            return if known { Ok(given.to_owned()) } else { Err(value::not_allowed(property, given)) };
        }
        match pipeline_names(kind) {
            Some((pipeline, _)) if name == pipeline => {
                let known = self.pipelines_of(kind).iter().any(|known| known.id == given);
                if known { Ok(given.to_owned()) } else { Err(value::not_allowed(property, given)) }
            }
            Some((pipeline, stage)) if name == stage => {
                let named = beside.0.iter().find(|(name, _)| name == pipeline).and_then(|(_, value)| value.as_deref());
                self.check_stage(kind, name, given, named)
            }
            _ => value::normalise(property, given),
        }
    }

    fn check_stage(&self, kind: Kind, name: &str, given: &str, named: Option<&str>) -> Result<String, Invalid> {
        let mut pipelines = self.pipelines_of(kind).iter().filter(|known| named.is_none_or(|id| known.id == id));
        if pipelines.any(|pipeline| pipeline.stage(given).is_some()) {
            return Ok(given.to_owned());
        }
        let listed = self.pipelines_of(kind).iter().map(|pipeline| {
            let stages: Vec<&str> = pipeline.stages.iter().map(|stage| stage.id.as_str()).collect();
            format!("pipelineId={} : [{}]", pipeline.id, stages.join(", "))
        });
        let listed: Vec<String> = listed.collect();
        let message = format!("{given} is not a valid pipeline stage ID. Valid options are: {}", listed.join(", "));
        Err(Invalid::new(name, given, "INVALID_OPTION", message))
    }

    /// The names of required properties that a create leaves out.
    pub(super) fn lacks_required(&self, kind: Kind, changes: &Changes) -> bool {
        let object_type = self.catalog.get(kind);
        let set = changes.iter().filter(|(_, value)| !value.is_empty()).map(|(property, _)| *property);
        let set: BTreeSet<PropId> = set.collect();
        let mut required = object_type.required_names.iter().map(|name| object_type.properties.find(name));
        required.any(|property| property.is_none_or(|property| !set.contains(&property)))
    }

    /// The first unique value of a write that another record has.
    pub(super) fn find_conflict(&self, kind: Kind, changes: &Changes, own: Option<u64>) -> Option<Conflict> {
        let object_type = self.catalog.get(kind);
        changes.iter().find_map(|(property, value)| {
            if value.is_empty() || !self.is_key(kind, *property) {
                return None;
            }
            let owner = object_type.records.owner_of(*property, value)?;
            (Some(owner) != own).then(|| Conflict { property: *property, value: value.clone(), owner: Some(owner) })
        })
    }

    /// The first unique value that two writes of one batch share; adds this write's values to `seen`.
    pub(super) fn find_conflict_within(
        &self,
        kind: Kind,
        changes: &Changes,
        seen: &mut BTreeSet<(PropId, String)>,
    ) -> Option<Conflict> {
        let keys = changes.iter().filter(|(property, value)| !value.is_empty() && self.is_key(kind, *property));
        for (property, value) in keys {
            if !seen.insert((*property, value.clone())) {
                return Some(Conflict { property: *property, value: value.clone(), owner: None });
            }
        }
        None
    }

    /// Whether records can be found by this property.
    pub(super) fn is_key(&self, kind: Kind, id: PropId) -> bool {
        let property = self.catalog.get(kind).properties.get(id);
        property.is_some_and(|property| property.unique || (kind == CONTACTS && property.name == "email"))
    }

    /// The text of a value in the form in which the index of unique values knows it.
    pub(super) fn key_form(&self, kind: Kind, id: PropId, text: &str) -> String {
        let is_email = self.catalog.get(kind).properties.get(id).is_some_and(|property| property.name == "email");
        if kind == CONTACTS && is_email { text.trim().to_lowercase() } else { text.to_owned() }
    }

    /// Looks up the targets and types of associations that come with a create.
    pub(super) fn check_associations(&self, kind: Kind, inputs: &[InlineAssociation]) -> Outcome<Edges> {
        let mut edges = Edges::new();
        let mut places: BTreeMap<End, usize> = BTreeMap::new();
        for input in inputs {
            let target = input.to.as_ref().and_then(|to| to.id.as_ref()).map(|id| id.0.as_str());
            let (Some(target), Some(types)) = (target, input.types.as_deref()) else {
                return Err(Refusal::unset_fields(&["to", "types"]));
            };
            for given in types {
                let (to, id) =
                    self.check_type_from(kind, given.association_type_id, given.association_category.as_deref())?;
                let found = target.parse().ok().and_then(|id| self.catalog.get(to).records.resolve(id));
                let Some((record, _)) = found else {
                    let shout = &self.catalog.get(to).shout;
                    return Err(Refusal::invalid("One or more associations are invalid")
                        .context("INVALID_OBJECT_IDS", vec![format!("{shout}={target} is not valid")]));
                };
                let end = End { kind: to, id: record };
                let place = *places.entry(end).or_insert(edges.len());
                if place == edges.len() {
                    edges.push((end, Vec::new()));
                }
                if let Some((_, ids)) = edges.get_mut(place) {
                    ids.push(id);
                }
            }
        }
        self.check_room_for_new(kind, &edges).map_err(Refusal::invalid)?;
        Ok(edges)
    }

    /// Whether a new record and those that it comes with may have these associations.
    fn check_room_for_new(&self, kind: Kind, edges: &Edges) -> Result<(), String> {
        // No record has the id 0, so that only what the other ends have already counts.
        let new = End { kind, id: 0 };
        let mut counts: BTreeMap<(Kind, u32), usize> = BTreeMap::new();
        for (to, ids) in edges {
            for id in ids.iter().collect::<BTreeSet<_>>() {
                *counts.entry((to.kind, *id)).or_default() += 1;
            }
        }
        for (to, ids) in edges {
            self.check_room(new, *to, ids)?;
            for id in ids {
                let Some(known) = self.links.find(kind, to.kind, *id).filter(|known| !known.only_one) else { continue };
                let same = counts.get(&(to.kind, *id)).copied().unwrap_or(0);
                if same > usize::try_from(known.limit()).unwrap_or(usize::MAX) {
                    let many = &self.catalog.get(to.kind).plural;
                    let limit = known.limit();
                    return Err(format!("A record cannot have more than {limit} associations of type {id} to {many}"));
                }
            }
        }
        Ok(())
    }

    fn check_type_from(&self, kind: Kind, id: Option<u32>, category: Option<&str>) -> Outcome<(Kind, u32)> {
        let Some(id) = id else { return Err(Refusal::unset_fields(&["associationTypeId"])) };
        let Some((from, to)) = self.links.pair_of(id) else {
            return Err(Refusal::invalid(format!("Association type ID {id} does not exist")));
        };
        if from != kind {
            let (given, expected) = (&self.catalog.get(kind).type_id, &self.catalog.get(from).type_id);
            return Err(Refusal::invalid(format!(
                "invalid from object type {given} for associations to be created. expected: {expected}"
            )));
        }
        let known = self.links.find(from, to, id).map(|known| known.category);
        if category.and_then(Category::parse) != known {
            return Err(Refusal::invalid(format!("Association category does not fit association type ID {id}")));
        }
        Ok((to, id))
    }

    /// Makes a record and returns its id.
    pub(super) fn create(&mut self, kind: Kind, changes: &Changes, edges: &Edges, call: &mut Call<'_>) -> u64 {
        let id = self.last_id(kind) + 1 + call.roll(7);
        let mut state = Snapshot::new(call.now);
        for (property, value) in changes {
            let appends = self.holds_several(kind, *property);
            state.set(*property, if appends { value.trim_start_matches(';') } else { value });
        }
        self.set_source(kind, &mut state, call);
        self.derive(kind, &mut state, id, true);
        state.compact();
        let keys: Vec<(PropId, String)> =
            changes.iter().filter(|(property, _)| self.is_key(kind, *property)).cloned().collect();
        let records = &mut self.catalog.get_mut(kind).records;
        records.last_id = id;
        for (property, value) in keys {
            records.claim(property, &value, id);
        }
        records.live.insert(id, Record::new(state, ChangeSource::of(call.caller)));
        for (to, types) in edges {
            self.link(End { kind, id }, *to, types);
        }
        self.touch_dependents(kind, id);
        self.note_created(kind, id, call.now);
        self.index_later(kind, id, call);
        self.fill_in_later(kind, id, call);
        self.find_company(kind, id, call);
        id
    }

    /// The id after which the next record of a type counts; engagements of all types count together, since their
    /// legacy path names one by its id alone.
    fn last_id(&self, kind: Kind) -> u64 {
        let last = |kind: Kind| self.catalog.get(kind).records.last_id;
        if !ENGAGEMENTS.contains(&kind) {
            return last(kind);
        }
        ENGAGEMENTS.into_iter().map(last).max().unwrap_or(0)
    }

    fn holds_several(&self, kind: Kind, id: PropId) -> bool {
        self.catalog.get(kind).properties.get(id).is_some_and(Property::holds_several)
    }

    fn set_source(&self, kind: Kind, state: &mut Snapshot, call: &Call<'_>) {
        let source = match call.caller.source {
            RecordSource::Integration => "INTEGRATION",
            RecordSource::Api => "API",
            RecordSource::Person => "CRM_UI",
        };
        let id = match call.caller.source {
            RecordSource::Integration | RecordSource::Api => call.caller.app_id.to_string(),
            RecordSource::Person => format!("userId:{}", call.caller.app_id),
        };
        self.put(kind, state, "hs_object_source", source);
        self.put(kind, state, "hs_object_source_label", source);
        self.put(kind, state, "hs_object_source_id", &id);
    }

    /// Changes a record and says whether anything is different now; a write that changes nothing leaves no trace.
    pub(super) fn update(&mut self, kind: Kind, id: u64, changes: &Changes, call: &mut Call<'_>) -> bool {
        let Some(record) = self.catalog.get(kind).records.live.get(&id) else { return false };
        let before = Arc::clone(&record.state);
        let mut state = (*before).clone();
        let mut changed = false;
        for (property, value) in changes {
            let value = self.merged_value(kind, *property, value, &before);
            changed |= state.set(*property, &value);
        }
        if !changed {
            return false;
        }
        state.updated = call.now;
        self.derive(kind, &mut state, id, false);
        let keys: Vec<PropId> = changes.iter().map(|(id, _)| *id).filter(|id| self.is_key(kind, *id)).collect();
        let records = &mut self.catalog.get_mut(kind).records;
        for property in keys {
            records.release(property, before.get(property).unwrap_or_default(), id);
            records.claim(property, state.get(property).unwrap_or_default(), id);
        }
        self.replace_state(kind, id, state, ChangeSource::of(call.caller), call.now);
        self.index_later(kind, id, call);
        self.touch_dependents(kind, id);
        true
    }

    /// What a new value becomes beside the old one: choices can be appended, the lifecycle stage only moves forward.
    pub(super) fn merged_value(&self, kind: Kind, id: PropId, value: &str, before: &Snapshot) -> String {
        let Some(property) = self.catalog.get(kind).properties.get(id) else { return value.to_owned() };
        let old = before.get(id).unwrap_or_default();
        if property.holds_several()
            && let Some(added) = value.strip_prefix(';')
        {
            let mut all: Vec<&str> = old.split(';').filter(|part| !part.is_empty()).collect();
            let mut known: BTreeSet<&str> = all.iter().copied().collect();
            all.extend(added.split(';').filter(|part| known.insert(part)));
            return all.join(";");
        }
        if property.name == "lifecyclestage" && !value.is_empty() && !old.is_empty() {
            let rank = |stage: &str| property.choices.iter().position(|choice| choice.value == stage);
            if rank(value) < rank(old) {
                return old.to_owned();
            }
        }
        value.to_owned()
    }

    fn put(&self, kind: Kind, state: &mut Snapshot, name: &str, value: &str) {
        if let Some(id) = self.catalog.get(kind).properties.find(name) {
            state.set(id, value);
        }
    }

    fn text<'a>(&self, kind: Kind, state: &'a Snapshot, name: &str) -> &'a str {
        self.catalog.get(kind).properties.find(name).and_then(|id| state.get(id)).unwrap_or_default()
    }

    /// Fills in the properties that HubSpot computes from others at once.
    pub(super) fn derive(&self, kind: Kind, state: &mut Snapshot, id: u64, new: bool) {
        match kind {
            CONTACTS => self.derive_contact(state, id, new),
            COMPANIES => self.derive_company(state, new),
            DEALS => self.derive_deal(state),
            TICKETS => self.derive_ticket(state, id),
            LINE_ITEMS => self.derive_line_item(state),
            _ => self.derive_task(kind, state),
        }
    }

    fn derive_contact(&self, state: &mut Snapshot, id: u64, new: bool) {
        let email = self.text(CONTACTS, state, "email").to_owned();
        let domain = email.split_once('@').map_or("", |(_, domain)| domain);
        let names = [self.text(CONTACTS, state, "firstname"), self.text(CONTACTS, state, "lastname")];
        let names: Vec<&str> = names.into_iter().filter(|name| !name.is_empty()).collect();
        let full = if names.is_empty() { email.clone() } else { names.join(" ") };
        self.put(CONTACTS, state, "hs_email_domain", domain);
        self.put(CONTACTS, state, "hs_full_name_or_email", &full);
        if new {
            for (name, value) in [
                ("hs_is_contact", "true"),
                ("hs_is_unworked", "true"),
                ("hs_marketable_status", "false"),
                ("hs_marketable_until_renewal", "false"),
                ("hs_pipeline", "contacts-lifecycle-pipeline"),
                ("num_notes", "0"),
            ] {
                self.put(CONTACTS, state, name, value);
            }
            self.put(CONTACTS, state, "hs_all_contact_vids", &id.to_string());
        }
        self.derive_lifecycle(CONTACTS, state, new);
    }

    fn derive_company(&self, state: &mut Snapshot, new: bool) {
        if new {
            let domain = self.text(COMPANIES, state, "domain").to_owned();
            if self.text(COMPANIES, state, "website").is_empty() {
                self.put(COMPANIES, state, "website", &domain);
            }
            self.put(COMPANIES, state, "hs_pipeline", "companies-lifecycle-pipeline");
            self.put(COMPANIES, state, "num_notes", "0");
        }
        self.derive_lifecycle(COMPANIES, state, new);
    }

    /// A stage that is entered leaves the time of it.
    fn derive_lifecycle(&self, kind: Kind, state: &mut Snapshot, new: bool) {
        if new && self.options.default_lifecycle_stage && self.text(kind, state, "lifecyclestage").is_empty() {
            self.put(kind, state, "lifecyclestage", "lead");
        }
        let stage = self.text(kind, state, "lifecyclestage").to_owned();
        let entered = format!("hs_lifecyclestage_{stage}_date");
        if self.text(kind, state, &entered).is_empty() {
            let at = time::iso(state.updated);
            self.put(kind, state, &entered, &at);
        }
    }

    fn derive_deal(&self, state: &mut Snapshot) {
        let stage = self.text(DEALS, state, "dealstage").to_owned();
        let pipeline = self.text(DEALS, state, "pipeline").to_owned();
        let amount = self.text(DEALS, state, "amount").to_owned();
        let pipelines = self.pipelines_of(DEALS);
        let found = pipelines
            .iter()
            .filter(|known| pipeline.is_empty() || known.id == pipeline)
            .find_map(|known| Some((known.id.clone(), known.stage(&stage)?.clone())));
        let (mut closed, mut won) = ("false", "false");
        if let Some((pipeline, stage)) = found {
            let chance = stage.metadata.get("probability").map_or("0", String::as_str);
            self.put(DEALS, state, "pipeline", &pipeline);
            self.put(DEALS, state, "hs_deal_stage_probability", &value::exact_double(chance).unwrap_or_default());
            let projected = Decimal::parse(&amount).zip(Decimal::parse(chance)).and_then(|(a, b)| a.times(b));
            self.put(DEALS, state, "hs_projected_amount", &projected.map(Decimal::print).unwrap_or_default());
            closed = if stage.is_closed() { "true" } else { "false" };
            won = if stage.is_closed() && Decimal::parse(chance) == Decimal::parse("1.0") { "true" } else { "false" };
        }
        self.put(DEALS, state, "hs_is_closed", closed);
        self.put(DEALS, state, "hs_is_closed_won", won);
        self.put(DEALS, state, "amount_in_home_currency", &amount);
        let earned = if won == "true" && !amount.is_empty() { amount.as_str() } else { "0" };
        self.put(DEALS, state, "hs_closed_amount", earned);
        self.put(DEALS, state, "hs_closed_amount_in_home_currency", earned);
    }

    fn derive_ticket(&self, state: &mut Snapshot, id: u64) {
        let stage = self.text(TICKETS, state, "hs_pipeline_stage").to_owned();
        if self.text(TICKETS, state, "hs_pipeline").is_empty() {
            let home = self.pipelines_of(TICKETS).iter().find(|pipeline| pipeline.stage(&stage).is_some());
            let home = home.map_or_else(|| "0".to_owned(), |pipeline| pipeline.id.clone());
            self.put(TICKETS, state, "hs_pipeline", &home);
        }
        self.put(TICKETS, state, "hs_ticket_id", &id.to_string());
    }

    /// The flag of a done task is a digit, unlike most flags; types without it take no notice.
    fn derive_task(&self, kind: Kind, state: &mut Snapshot) {
        let done = self.text(kind, state, "hs_task_status") == "COMPLETED";
        self.put(kind, state, "hs_task_is_completed", if done { "1" } else { "0" });
    }

    fn derive_line_item(&self, state: &mut Snapshot) {
        let number = |name: &str| Decimal::parse(self.text(LINE_ITEMS, state, name));
        let before = number("price").zip(number("quantity")).and_then(|(price, quantity)| price.times(quantity));
        let off = number("discount").zip(number("quantity")).and_then(|(each, quantity)| each.times(quantity));
        let net = match (before, off) {
            (Some(before), Some(off)) => before.minus(off),
            (before, None) => before,
            (None, Some(_)) => None,
        };
        let print = |number: Option<Decimal>| number.map(Decimal::print).unwrap_or_default();
        self.put(LINE_ITEMS, state, "hs_pre_discount_amount", &print(before));
        self.put(LINE_ITEMS, state, "amount", &print(net));
    }

    /// Archives a record; search no longer sees it from this moment on.
    pub(super) fn archive(&mut self, kind: Kind, id: u64, now: Millis) {
        if self.retire(kind, id, now) {
            self.note_archived(kind, id, now);
        }
    }

    /// Archives a record without a word, and says whether there was one.
    pub(super) fn retire(&mut self, kind: Kind, id: u64, now: Millis) -> bool {
        let keys = self.key_properties(kind);
        let records = &mut self.catalog.get_mut(kind).records;
        let Some(mut record) = records.live.remove(&id) else { return false };
        records.index.remove(id);
        for property in keys {
            records.release(property, record.state.get(property).unwrap_or_default(), id);
        }
        for email in secondary_emails(&self.catalog, kind, &record.state) {
            if let Some(property) = self.catalog.get(kind).properties.find("email") {
                self.catalog.get_mut(kind).records.release(property, &email, id);
            }
        }
        record.archived_at = Some(now);
        self.catalog.get_mut(kind).records.archived.insert(id, record);
        let edges = self.links.silently(|links| links.drop_record(End { kind, id }));
        self.bin.note(End { kind, id }, edges, now);
        self.lists.forget(End { kind, id }, now);
        true
    }

    /// The properties of a type by which records can be found.
    pub(super) fn key_properties(&self, kind: Kind) -> Vec<PropId> {
        let table = &self.catalog.get(kind).properties;
        table.by_name().map(|(id, _)| id).filter(|id| self.is_key(kind, *id)).collect()
    }

    /// Lets search see the present state of a record, now or later.
    pub(super) fn index_later(&mut self, kind: Kind, id: u64, call: &mut Call<'_>) {
        let Some(record) = self.catalog.get(kind).records.live.get(&id) else { return };
        let state = Arc::clone(&record.state);
        match self.draw_index_lag(call) {
            None => {
                self.catalog.get_mut(kind).records.index.insert(id, state);
            }
            Some(lag) => {
                self.catalog.get_mut(kind).records.index.reserve(id, state.created);
                self.schedule(Millis(call.now.0.saturating_add(lag)), Event::Indexed { kind, id, state });
            }
        }
    }

    fn fill_in_later(&mut self, kind: Kind, id: u64, call: &mut Call<'_>) {
        if self.options.late_properties && matches!(kind, CONTACTS | COMPANIES) {
            let lag = 1000 + i64::try_from(call.roll(17_001)).unwrap_or(0);
            self.schedule(Millis(call.now.0.saturating_add(lag)), Event::Analysed { kind, id });
        }
    }

    /// The embedded list and the text of a refusal for bad values.
    pub(super) fn invalid_text(&self, wrong: &[Invalid]) -> String {
        let portal = self.options.portal_id;
        let embedded: Vec<Value> = wrong
            .iter()
            .take(LISTED_MAX)
            .map(|one| {
                json!({"isValid": false, "message": one.message, "error": one.code, "name": one.name,
                       "localizedErrorMessage": one.message, "propertyValue": one.value, "portalId": portal})
            })
            .collect();
        format!("Property values were not valid: {}", Value::Array(embedded))
    }

    /// The refusal of a whole request for bad values.
    pub(super) fn refuse_values(&self, wrong: &[Invalid]) -> Refusal {
        let errors = wrong
            .iter()
            .map(|one| json!({"message": one.message, "code": one.code, "context": {"propertyName": [one.name]}}));
        Refusal::invalid(self.invalid_text(wrong)).errors(errors)
    }

    /// How HubSpot words that a unique value belongs to another record.
    pub(super) fn conflict_as_invalid(&self, kind: Kind, conflict: &Conflict, own: Option<u64>) -> Invalid {
        let object_type = self.catalog.get(kind);
        let name = object_type.properties.get(conflict.property).map_or("", |property| property.name.as_str());
        let legacy = if object_type.custom.is_some() {
            format!("objectTypeId={}", object_type.type_id)
        } else {
            format!("objectTypeId=ObjectTypeId{{legacyObjectType={}}}", object_type.shout)
        };
        let owner = conflict.owner.map_or_else(|| "Another input".to_owned(), |id| id.to_string());
        let message = format!(
            "Cannot set PropertyValueCoordinates{{portalId={}, {legacy}, propertyName={name}, value={}}} on {}. \
             {owner} already has that value.",
            self.options.portal_id,
            conflict.value,
            own.map_or_else(|| "a new object".to_owned(), |id| id.to_string()),
        );
        Invalid::new(name, &conflict.value, "CONFLICTING_UNIQUE_VALUE", message)
    }

    /// Whether a conflict is the one that answers 409: a contact's e-mail on create.
    pub(super) fn is_contact_email(&self, kind: Kind, property: PropId) -> bool {
        kind == CONTACTS && self.catalog.get(kind).properties.get(property).is_some_and(|known| known.name == "email")
    }
}

/// Whether a property has the time of a lifecycle stage, which answers to writes print as epoch milliseconds.
pub(super) fn is_stage_date(name: &str) -> bool {
    name.starts_with("hs_lifecyclestage_") && name.ends_with("_date")
}

/// The properties that hold pipeline and stage of a type.
pub(super) fn pipeline_names(kind: Kind) -> Option<(&'static str, &'static str)> {
    match kind {
        DEALS => Some(("pipeline", "dealstage")),
        TICKETS => Some(("hs_pipeline", "hs_pipeline_stage")),
        _ => None,
    }
}

/// The other addresses of a contact.
pub(super) fn secondary_emails(catalog: &super::catalog::Catalog, kind: Kind, state: &Snapshot) -> Vec<String> {
    let id = catalog.get(kind).properties.find("hs_additional_emails").filter(|_| kind == CONTACTS);
    let all = id.and_then(|id| state.get(id)).unwrap_or_default();
    all.split(';').filter(|email| !email.is_empty()).map(str::to_owned).collect()
}
