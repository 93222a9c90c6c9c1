//! Calls about property definitions and their groups.
//!
//! Sources: HubSpot's properties guide; recorded batch creates of 2026; live runs of Kalup of September and October 2026
//! about lags, repeated and archived names, and what is in use (a new definition is visible after 250 to 700 ms;
//! creating an archived name restores it).

use std::collections::BTreeSet;

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Portal;
use super::answer::{BatchError, Outcome, Refusal, Reply, uuid_v7};
use super::batch::{INPUTS_MAX, finish};
use super::call::{BatchInput, Call, Text, encode, unreadable_parameter};
use super::catalog::{Kind, PRODUCTS};
use super::property::{CUSTOM_MAX, Choice, Group, PropId, Property, UNIQUE_MAX, ValueType};
use super::users::APP_USER;
use crate::wire::Millis;

/// Property groups of an object type, archived ones included.
const GROUPS_MAX: usize = 1_000;
/// Characters of a property name.
const NAME_CHARS_MAX: usize = 100;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PropertyInput {
    pub(super) name: Option<String>,
    pub(super) label: Option<String>,
    #[serde(rename = "type")]
    pub(super) value_type: Option<String>,
    pub(super) field_type: Option<String>,
    pub(super) group_name: Option<String>,
    pub(super) description: Option<String>,
    pub(super) options: Option<Vec<ChoiceInput>>,
    pub(super) display_order: Option<i64>,
    pub(super) has_unique_value: Option<bool>,
    pub(super) hidden: Option<bool>,
    pub(super) form_field: Option<bool>,
    pub(super) external_options: Option<bool>,
    pub(super) referenced_object_type: Option<String>,
    pub(super) calculation_formula: Option<String>,
    pub(super) data_sensitivity: Option<String>,
    number_display_hint: Option<String>,
    text_display_hint: Option<String>,
    show_currency_symbol: Option<bool>,
    currency_property_name: Option<String>,
}

/// The values of a hint that HubSpot can read.
const NUMBER_HINTS: &[&str] = &["currency", "duration", "formatted", "percentage", "probability", "unformatted"];
const TEXT_HINTS: &[&str] = &[
    "domain_name",
    "email",
    "ip_address",
    "multi_line",
    "phone_number",
    "physical_address",
    "postal_code",
    "unformatted_single_line",
];
const SENSITIVITIES: &[&str] = &["non_sensitive", "sensitive", "highly_sensitive"];

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ChoiceInput {
    label: Option<String>,
    value: Option<Text>,
    description: Option<String>,
    display_order: Option<i64>,
    hidden: Option<bool>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct NameInput {
    name: Option<String>,
}

/// The body of a batch read.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ReadInput {
    inputs: Option<Vec<NameInput>>,
    archived: bool,
    data_sensitivity: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct GroupInput {
    name: Option<String>,
    label: Option<String>,
    display_order: Option<i64>,
}

impl Portal {
    /// Calls below `properties/`.
    pub(super) fn dispatch_properties(&mut self, rest: &[&str], call: &mut Call<'_>) -> Outcome {
        let method = call.method().clone();
        let Some((name, tail)) = rest.split_first() else { return Err(Refusal::no_such_path()) };
        let kind = self.kind_named(name)?;
        match (tail, &method) {
            ([], &Method::GET) => self.list_properties(kind, call),
            ([], &Method::POST) => self.create_property(kind, call),
            (["groups", tail @ ..], _) => self.dispatch_groups(kind, tail, call),
            (["batch", "create"], &Method::POST) => self.batch_create_properties(kind, call),
            (["batch", "read"], &Method::POST) => self.batch_read_properties(kind, call),
            (["batch", "archive"], &Method::POST) => self.batch_archive_properties(kind, call),
            ([name], &Method::GET) => self.read_property(kind, name, call),
            ([name], &Method::PATCH) => self.update_property(kind, name, call),
            ([name], &Method::DELETE) => self.delete_property(kind, name, call.now),
            ([] | [_] | ["batch", "create" | "read" | "archive"], _) => Err(Refusal::wrong_method()),
            _ => Err(Refusal::no_such_path()),
        }
    }

    /// A definition as a read shows it.
    fn definition_json(&self, kind: Kind, property: &Property) -> Value {
        self.with_pipeline_choices(kind, property).read_json()
    }

    /// A definition with the pipelines and stages of the portal as options.
    pub(super) fn with_pipeline_choices(&self, kind: Kind, property: &Property) -> Property {
        let mut shown = property.clone();
        if let Some((pipeline, stage)) = super::write::pipeline_names(kind) {
            let choice = |value: &str, label: &str, display_order| Choice {
                label: label.to_owned(),
                value: value.to_owned(),
                description: None,
                display_order,
                hidden: false,
            };
            let pipelines = self.pipelines_of(kind).iter();
            if property.name == pipeline {
                shown.choices = pipelines.map(|known| choice(&known.id, &known.label, known.display_order)).collect();
            } else if property.name == stage {
                let stages = pipelines.flat_map(|known| &known.stages);
                shown.choices = stages.map(|known| choice(&known.id, &known.label, known.display_order)).collect();
            }
        }
        shown
    }

    fn list_properties(&self, kind: Kind, call: &Call<'_>) -> Outcome {
        let archived = call.query.flag("archived")?;
        let sensitivity = asked_sensitivity(call)?;
        let table = &self.catalog.get(kind).properties;
        let fits = |property: &Property| {
            property.archived_at.is_some() == archived
                && property.visible_at <= call.now
                && property.sensitivity == sensitivity
        };
        let results = table.by_name().filter(|(_, property)| fits(property));
        let results: Vec<Value> = results.map(|(_, property)| self.definition_json(kind, property)).collect();
        Ok(Reply::ok(&json!({"results": results})))
    }

    fn read_property(&self, kind: Kind, name: &str, call: &Call<'_>) -> Outcome {
        let table = &self.catalog.get(kind).properties;
        let property = table.find(name).and_then(|id| table.get(id)).filter(|known| known.visible_at <= call.now);
        let (archived, sensitivity) = (call.query.flag("archived")?, asked_sensitivity(call)?);
        match property.filter(|known| known.archived_at.is_some() == archived && known.sensitivity == sensitivity) {
            Some(property) => Ok(Reply::ok(&self.definition_json(kind, property))),
            None => Err(unknown_property(name)),
        }
    }

    fn create_property(&mut self, kind: Kind, call: &mut Call<'_>) -> Outcome {
        let input: PropertyInput = call.body()?;
        let property = self.new_property(kind, &input, call.now)?;
        let name = property.name.clone();
        let id = self.add_property(kind, property, call).ok_or_else(|| {
            Refusal::bare(409, format!("A property named '{name}' already exists."))
                .context("name", vec![name.clone()])
                .category("OBJECT_ALREADY_EXISTS")
                .sub_category("Properties.PROPERTY_WITH_NAME_EXISTS")
        })?;
        let property = self.catalog.get(kind).properties.get(id).ok_or_else(Refusal::missing)?;
        let mut reply = Reply::json(201, &property.created_json());
        reply.location = Some(format!("{}{}/{}", call.base(), call.request.path.trim_end_matches('/'), encode(&name)));
        Ok(reply)
    }

    /// Checks a definition without adding it.
    pub(super) fn new_property(&self, kind: Kind, input: &PropertyInput, now: Millis) -> Outcome<Property> {
        let fields = [
            ("name", input.name.is_some()),
            ("label", input.label.is_some()),
            ("type", input.value_type.is_some()),
            ("fieldType", input.field_type.is_some()),
            ("groupName", input.group_name.is_some()),
        ];
        let unset: Vec<&str> = fields.iter().filter(|(_, set)| !set).map(|(name, _)| *name).collect();
        if !unset.is_empty() {
            return Err(Refusal::unset_fields(&unset));
        }
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        let group = text(&input.group_name);
        if self.catalog.get(kind).groups.get(&group).is_none_or(|group| group.archived) {
            return Err(Refusal::invalid(format!("Property group {group} does not exist")));
        }
        let property = property_from(input)?;
        let table = &self.catalog.get(kind).properties;
        let is_new =
            table.find(&property.name).and_then(|id| table.get(id)).is_none_or(|old| old.archived_at.is_some());
        if is_new && table.own_count() >= CUSTOM_MAX {
            return Err(Refusal::invalid(format!("No more than {CUSTOM_MAX} custom properties are allowed")));
        }
        self.check_formula(kind, &property)?;
        if property.unique {
            let table = &self.catalog.get(kind).properties;
            let unique = table.by_name().filter(|(_, known)| known.unique && known.archived_at.is_none()).count();
            if kind == PRODUCTS {
                return Err(Refusal::invalid("Unique properties are not supported for object type PRODUCT"));
            }
            if unique >= UNIQUE_MAX {
                return Err(Refusal::invalid(format!("No more than {UNIQUE_MAX} unique properties are allowed")));
            }
        }
        Ok(Property { created_at: now, updated_at: now, created_user: Some(APP_USER), ..property })
    }

    /// Adds a definition, or restores an archived one of that name; nothing when the name is taken.
    fn add_property(&mut self, kind: Kind, mut property: Property, call: &mut Call<'_>) -> Option<PropId> {
        let lag = if self.options.property_lag { 250 + i64::try_from(call.roll(451)).unwrap_or(0) } else { 0 };
        property.visible_at = Millis(call.now.0.saturating_add(lag));
        let table = &mut self.catalog.get_mut(kind).properties;
        let id = match table.find(&property.name) {
            None => table.add(property)?,
            Some(id) => {
                let known = table.get_mut(id)?;
                known.archived_at?;
                // What was unique stays so: values are kept, and uniqueness is chosen when a property is made.
                property.unique = known.unique;
                property.created_at = known.created_at;
                *known = property;
                id
            }
        };
        self.start_calculating(kind, id, call);
        Some(id)
    }

    fn update_property(&mut self, kind: Kind, name: &str, call: &mut Call<'_>) -> Outcome {
        let input: PropertyInput = call.body()?;
        let object_type = self.catalog.get(kind);
        let Some((id, known)) = object_type.properties.live(name, call.now) else { return Err(unknown_property(name)) };
        if let Some(group) =
            input.group_name.as_ref().filter(|name| object_type.groups.get(*name).is_none_or(|group| group.archived))
        {
            return Err(Refusal::invalid(format!("Property group {group} does not exist")));
        }
        let (mut changed, hints) = (known.clone(), hints_from(&input)?);
        let given_type = input.value_type.as_deref().map(ValueType::parse);
        let only_options = known.hubspot_defined && (given_type.is_some() || input.label.is_some());
        if only_options {
            return Err(Refusal::invalid(format!(
                "Property {name} is defined by HubSpot; its definition cannot be changed"
            )));
        }
        if let Some(value_type) = given_type {
            changed.value_type = value_type.ok_or_else(|| bad_type(&input))?;
        }
        changed.field_type = input.field_type.clone().unwrap_or(changed.field_type);
        if !known.hubspot_defined && !changed.value_type.field_types().contains(&changed.field_type.as_str()) {
            return Err(bad_field_type(&changed));
        }
        if let Some(options) = &input.options {
            changed.choices = choices_from(options)?;
        }
        changed.label = input.label.unwrap_or(changed.label);
        changed.description = input.description.unwrap_or(changed.description);
        changed.group = input.group_name.unwrap_or(changed.group);
        changed.hidden = input.hidden.unwrap_or(changed.hidden);
        changed.form_field = input.form_field.unwrap_or(changed.form_field);
        changed.display_order = input.display_order.unwrap_or(changed.display_order);
        if let Some(formula) = &input.calculation_formula {
            if !changed.calculated {
                return Err(Refusal::invalid(format!("Property {name} is not calculated; it cannot have a formula")));
            }
            changed.calculation_formula = Some(formula.clone());
            self.check_formula(kind, &changed)?;
        }
        changed.hints.extend(hints.into_iter().map(|(name, hint)| (name.into(), hint)));
        changed.updated_at = call.now;
        let shown = self.definition_json(kind, &changed);
        if let Some(known) = self.catalog.get_mut(kind).properties.get_mut(id) {
            *known = changed;
        }
        if input.calculation_formula.is_some() {
            self.start_calculating(kind, id, call);
        }
        Ok(Reply::ok(&shown))
    }

    fn delete_property(&mut self, kind: Kind, name: &str, now: Millis) -> Outcome {
        let live = self.catalog.get(kind).properties.live(name, now);
        let Some((id, known)) = live else { return Err(unknown_property(name)) };
        if known.hubspot_defined {
            return Err(Refusal::invalid(format!("Property {name} is defined by HubSpot and cannot be archived")));
        }
        let object_type = self.catalog.get(kind);
        let used = [&object_type.required_names, &object_type.searchable_names];
        let displayed = object_type.custom.as_ref().and_then(|custom| custom.primary_display.as_deref()) == Some(name);
        if displayed || used.iter().any(|names| names.iter().any(|known| known == name)) {
            let parent = format!("{}/{}", object_type.type_id, object_type.shout);
            return Err(property_in_use(&object_type.type_id, name, &[("OBJECT_SCHEMA", parent)]));
        }
        let formulas = object_type.properties.by_name().map(|(_, other)| other);
        let users: Vec<(&str, String)> = formulas
            .filter(|other| {
                other.archived_at.is_none()
                    && other.calculation_formula.as_deref().is_some_and(|text| names(text, name))
            })
            .map(|other| ("CALCULATED_PROPERTY", format!("{}/{}", object_type.type_id, other.name)))
            .collect();
        if !users.is_empty() {
            return Err(property_in_use(&object_type.type_id, name, &users));
        }
        if let Some(known) = self.catalog.get_mut(kind).properties.get_mut(id) {
            known.archived_at = Some(now);
        }
        Ok(Reply::no_content())
    }

    fn batch_create_properties(&mut self, kind: Kind, call: &mut Call<'_>) -> Outcome {
        let body: BatchInput<PropertyInput> = call.body()?;
        let inputs = body.inputs.unwrap_or_default();
        check_count(inputs.len())?;
        let mut planned = Vec::new();
        let mut names = BTreeSet::new();
        for input in &inputs {
            let property = self.new_property(kind, input, call.now)?;
            if !names.insert(property.name.clone()) {
                return Err(Refusal::invalid(format!("Property name {} is given twice", property.name)));
            }
            planned.push(property);
        }
        let table = &self.catalog.get(kind).properties;
        let unique = table.by_name().filter(|(_, known)| known.unique && known.archived_at.is_none()).count();
        if unique + planned.iter().filter(|property| property.unique).count() > UNIQUE_MAX {
            return Err(Refusal::invalid(format!("No more than {UNIQUE_MAX} unique properties are allowed")));
        }
        let (mut results, mut errors) = (Vec::new(), Vec::new());
        for property in planned {
            let name = property.name.clone();
            let added = self.add_property(kind, property, call);
            match added.and_then(|id| self.catalog.get(kind).properties.get(id)) {
                Some(property) => results.push(property.created_json().to_string().into_bytes()),
                None => errors.push(BatchError {
                    category: "OBJECT_ALREADY_EXISTS",
                    sub_category: Some("Properties.PROPERTY_WITH_NAME_EXISTS"),
                    message: format!("A property named '{name}' already exists."),
                    context: vec![("name", vec![name])],
                }),
            }
        }
        Ok(finish(201, &results, &errors, call))
    }

    fn batch_read_properties(&self, kind: Kind, call: &Call<'_>) -> Outcome {
        let body: ReadInput = call.body()?;
        let names: Vec<String> = body.inputs.unwrap_or_default().into_iter().filter_map(|input| input.name).collect();
        check_count(names.len())?;
        let sensitivity = known_sensitivity(body.data_sensitivity.as_deref())?;
        let table = &self.catalog.get(kind).properties;
        let fits = |known: &&Property| {
            known.visible_at <= call.now
                && known.archived_at.is_some() == body.archived
                && known.sensitivity == sensitivity
        };
        let (mut results, mut errors) = (Vec::new(), Vec::new());
        for name in names {
            match table.find(&name).and_then(|id| table.get(id)).filter(fits) {
                Some(property) => results.push(self.definition_json(kind, property).to_string().into_bytes()),
                None => errors.push(BatchError {
                    category: "OBJECT_NOT_FOUND",
                    sub_category: Some("Properties.PROPERTY_NOT_FOUND"),
                    message: format!("Property '{name}' does not exist"),
                    context: vec![("name", vec![name])],
                }),
            }
        }
        Ok(finish(200, &results, &errors, call))
    }

    fn batch_archive_properties(&mut self, kind: Kind, call: &Call<'_>) -> Outcome {
        let body: BatchInput<NameInput> = call.body()?;
        let names: Vec<String> = body.inputs.unwrap_or_default().into_iter().filter_map(|input| input.name).collect();
        check_count(names.len())?;
        for name in names {
            if self.catalog.get(kind).properties.live(&name, call.now).is_some() {
                self.delete_property(kind, &name, call.now)?;
            }
        }
        Ok(Reply::no_content())
    }

    fn dispatch_groups(&mut self, kind: Kind, tail: &[&str], call: &mut Call<'_>) -> Outcome {
        if let ([name], &Method::DELETE) = (tail, call.method()) {
            return self.delete_group(kind, name, call);
        }
        let groups = &mut self.catalog.get_mut(kind).groups;
        match (tail, call.method()) {
            ([], &Method::GET) => {
                let results: Vec<Value> = groups.values().filter(|group| !group.archived).map(Group::to_json).collect();
                Ok(Reply::ok(&json!({"results": results})))
            }
            ([], &Method::POST) => {
                let input: GroupInput = call.body()?;
                let (Some(name), Some(label)) = (input.name, input.label) else {
                    return Err(Refusal::unset_fields(&["name", "label"]));
                };
                if groups.get(&name).is_some_and(|group| !group.archived) {
                    return Err(Refusal::bare(409, format!("A property group named '{name}' already exists."))
                        .category("OBJECT_ALREADY_EXISTS"));
                }
                let display_order = input.display_order.unwrap_or_else(|| i64::try_from(groups.len()).unwrap_or(0));
                let group = Group { name: name.clone(), label, display_order, archived: false };
                let mut reply = Reply::json(201, &group.to_json());
                let path = call.request.path.trim_end_matches('/');
                reply.location = Some(format!("{}{path}/{}", call.base(), encode(&name)));
                if groups.len() >= GROUPS_MAX {
                    return Err(Refusal::invalid(format!("No more than {GROUPS_MAX} property groups are allowed")));
                }
                groups.insert(name, group);
                Ok(reply)
            }
            ([name], &Method::GET | &Method::PATCH) => {
                let group = groups.get_mut(*name).filter(|group| !group.archived).ok_or_else(Refusal::missing)?;
                if call.method() == Method::PATCH {
                    let input: GroupInput = call.body()?;
                    group.label = input.label.unwrap_or_else(|| group.label.clone());
                    group.display_order = input.display_order.unwrap_or(group.display_order);
                }
                Ok(Reply::ok(&group.to_json()))
            }
            ([] | [_], _) => Err(Refusal::wrong_method()),
            _ => Err(Refusal::no_such_path()),
        }
    }

    /// A group that holds live properties stays; the refusal carries its own body as the text of its message.
    fn delete_group(&mut self, kind: Kind, name: &str, call: &mut Call<'_>) -> Outcome {
        let object_type = self.catalog.get_mut(kind);
        let holds =
            object_type.properties.by_name().any(|(_, known)| known.group == name && known.archived_at.is_none());
        let group = object_type.groups.get_mut(name).filter(|group| !group.archived).ok_or_else(Refusal::missing)?;
        if holds {
            let nested = json!({"status": "error", "message": "Can't delete or purge a group with active properties",
                                "correlationId": uuid_v7(call.now, call.dice), "category": "VALIDATION_ERROR",
                                "subCategory": "PropertyGroupError.GROUP_WITH_ACTIVE_PROPERTIES"});
            return Err(Refusal::bare(400, nested.to_string()));
        }
        group.archived = true;
        Ok(Reply::no_content())
    }
}

/// The refusal to archive what something else needs: each use with the kind and the name of its parent.
fn property_in_use(type_id: &str, name: &str, users: &[(&str, String)]) -> Refusal {
    let count = users.len();
    let errors = users.iter().map(|(kind, parent)| {
        json!({"subCategory": "PropertyValidationError.PROPERTY_USAGE",
               "context": {"parentType": [kind], "parentName": [parent]}})
    });
    Refusal::invalid(format!(
        "Property: {name} of object type {type_id} is currently used in {count} places and cannot be deleted"
    ))
    .sub_category("PropertyValidationError.CANNOT_DELETE_PROPERTY_IN_USE")
    .context("usageCount", vec![count.to_string()])
    .errors(errors)
}

/// Whether a formula has a name as a whole word.
fn names(formula: &str, name: &str) -> bool {
    formula.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|word| word == name)
}

fn asked_sensitivity<'a>(call: &'a Call<'_>) -> Outcome<&'a str> {
    let asked = call.query.first("dataSensitivity").unwrap_or("non_sensitive");
    if SENSITIVITIES.contains(&asked) { Ok(asked) } else { Err(unreadable_parameter("dataSensitivity")) }
}

fn known_sensitivity(given: Option<&str>) -> Outcome<&str> {
    one_of("DataSensitivity", SENSITIVITIES, given.unwrap_or("non_sensitive"))
}

/// A word of a fixed set, or the refusal of a body that cannot be bound.
fn one_of<'a>(what: &str, known: &[&str], given: &'a str) -> Outcome<&'a str> {
    if known.contains(&given) {
        return Ok(given);
    }
    Err(Refusal::bare(
        400,
        format!(
            "Invalid input JSON on line 1, column 2: Cannot deserialize value of type `{what}` from String \"{given}\""
        ),
    ))
}

/// The hints that a write gives.
fn hints_from(input: &PropertyInput) -> Outcome<Vec<(&'static str, Value)>> {
    let mut hints = Vec::new();
    if let Some(hint) = &input.number_display_hint {
        hints.push(("numberDisplayHint", one_of("NumberDisplayHint", NUMBER_HINTS, hint)?.into()));
    }
    if let Some(hint) = &input.text_display_hint {
        hints.push(("textDisplayHint", one_of("TextDisplayHint", TEXT_HINTS, hint)?.into()));
    }
    hints.extend(input.show_currency_symbol.map(|shown| ("showCurrencySymbol", shown.into())));
    hints.extend(input.currency_property_name.as_deref().map(|name| ("currencyPropertyName", name.into())));
    Ok(hints)
}

fn unknown_property(name: &str) -> Refusal {
    Refusal::bare(404, format!("Property '{name}' does not exist")).category("OBJECT_NOT_FOUND")
}

pub(super) fn check_count(count: usize) -> Outcome<()> {
    if count <= INPUTS_MAX {
        return Ok(());
    }
    Err(Refusal::invalid(format!(
        "The maximum number of inputs supported in a batch is {INPUTS_MAX}. Please reduce the number of items and try \
         again"
    )))
}

fn bad_type(input: &PropertyInput) -> Refusal {
    let given = input.value_type.as_deref().unwrap_or_default();
    Refusal::bare(
        400,
        format!(
            "Invalid input JSON on line 1, column 2: Cannot deserialize value of type `TypeEnum` from String \"{given}\""
        ),
    )
}

fn bad_field_type(property: &Property) -> Refusal {
    Refusal::invalid(format!(
        "Field type {} is not valid for property type {}",
        property.field_type,
        property.value_type.name()
    ))
}

/// A definition as its input describes it, the group unchecked.
pub(super) fn property_from(input: &PropertyInput) -> Outcome<Property> {
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    let name = text(&input.name).to_lowercase();
    let starts_well = name.starts_with(|first: char| first.is_ascii_lowercase());
    let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !starts_well || !name.chars().all(fine) || name.len() > NAME_CHARS_MAX || name.starts_with("hs_") {
        return Err(Refusal::invalid(format!(
            "Property name {name} is not valid: it starts with a letter, has letters, digits and underscores only, \
             at most {NAME_CHARS_MAX} characters, and does not start with hs_"
        )));
    }
    if text(&input.label).trim().is_empty() {
        return Err(Refusal::invalid("Property label cannot be empty"));
    }
    let value_type = input.value_type.as_deref().and_then(ValueType::parse).ok_or_else(|| bad_type(input))?;
    let label = text(&input.label);
    let mut property =
        Property::standard(&name, &label, value_type, &text(&input.field_type), &text(&input.group_name));
    property.hubspot_defined = false;
    if !value_type.field_types().contains(&property.field_type.as_str()) {
        return Err(bad_field_type(&property));
    }
    property.choices = choices_from(input.options.as_deref().unwrap_or_default())?;
    property.external_options = input.external_options.unwrap_or(false);
    property.referenced_type.clone_from(&input.referenced_object_type);
    let needs_options = match value_type {
        ValueType::Bool => {
            let mut values: Vec<&str> = property.choices.iter().map(|choice| choice.value.as_str()).collect();
            values.sort_unstable();
            property.field_type == "booleancheckbox" && values != ["false", "true"]
        }
        ValueType::Enumeration => property.choices.is_empty() && !property.external_options,
        ValueType::String
        | ValueType::Number
        | ValueType::Date
        | ValueType::DateTime
        | ValueType::Phone
        | ValueType::Json => false,
    };
    if needs_options {
        let wanted = if value_type == ValueType::Bool { "exactly the options true and false" } else { "options" };
        return Err(Refusal::invalid(format!("Property {name} of type {} needs {wanted}", value_type.name())));
    }
    property.description = text(&input.description);
    property.display_order = input.display_order.unwrap_or(-1);
    property.unique = input.has_unique_value.unwrap_or(false);
    property.hidden = input.hidden.unwrap_or(false);
    property.form_field = input.form_field.unwrap_or(false);
    property.calculation_formula.clone_from(&input.calculation_formula);
    property.calculated = input.calculation_formula.is_some();
    if property.calculated != (property.field_type == "calculation_equation") {
        return Err(Refusal::invalid(format!(
            "Property {name}: field type calculation_equation and calculationFormula need each other"
        )));
    }
    property.read_only_value = property.calculated;
    known_sensitivity(input.data_sensitivity.as_deref())?.clone_into(&mut property.sensitivity);
    property.hints.extend(hints_from(input)?.into_iter().map(|(name, hint)| (name.into(), hint)));
    Ok(property)
}

fn choices_from(inputs: &[ChoiceInput]) -> Outcome<Vec<Choice>> {
    let mut choices: Vec<Choice> = Vec::with_capacity(inputs.len());
    let (mut values, mut labels) = (BTreeSet::new(), BTreeSet::new());
    for (place, input) in (0_i64..).zip(inputs) {
        let (Some(label), Some(Text(value))) = (&input.label, &input.value) else {
            return Err(Refusal::unset_fields(&["label", "value"]));
        };
        if !values.insert(value) || !labels.insert(label) {
            return Err(Refusal::invalid(format!("Property option {value} is given twice")));
        }
        choices.push(Choice {
            label: label.clone(),
            value: value.clone(),
            description: input.description.clone(),
            display_order: input.display_order.unwrap_or(place),
            hidden: input.hidden.unwrap_or(false),
        });
    }
    Ok(choices)
}
