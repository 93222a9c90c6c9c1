//! Calls about the schemas of custom objects.

use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Portal;
use super::answer::{Outcome, Refusal, Reply};
use super::call::{Call, Version};
use super::catalog::{Custom, Kind, ObjectType};
use super::defaults;
use super::definitions::{PropertyInput, property_from};
use super::property::{Property, PropertyTable, UNIQUE_MAX};
use super::record::Records;
use super::time;

/// Custom object types of a portal.
const SCHEMAS_MAX: usize = 1_000;
/// Properties that free text looks at.
const SEARCHABLE_MAX: usize = 20;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct LabelsInput {
    singular: Option<String>,
    plural: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct SchemaInput {
    name: Option<String>,
    labels: Option<LabelsInput>,
    description: Option<String>,
    clear_description: Option<bool>,
    primary_display_property: Option<String>,
    secondary_display_properties: Option<Vec<String>>,
    searchable_properties: Option<Vec<String>>,
    required_properties: Option<Vec<String>>,
    allows_sensitive_properties: Option<bool>,
    properties: Option<Vec<PropertyInput>>,
    associated_objects: Option<Vec<String>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct LinkInput {
    from_object_type_id: Option<String>,
    to_object_type_id: Option<String>,
    name: Option<String>,
}

impl Portal {
    /// Calls below `schemas`.
    pub(super) fn dispatch_schemas(&mut self, rest: &[&str], call: &mut Call<'_>) -> Outcome {
        let method = call.method().clone();
        match (rest, &method) {
            ([], &Method::GET) => {
                let archived = call.query.flag("archived")?;
                let custom = self
                    .catalog
                    .iter()
                    .filter(|(_, known)| known.custom.as_ref().is_some_and(|custom| custom.archived == archived));
                let results: Vec<Value> = custom.map(|(kind, _)| self.schema_json(kind, call.version)).collect();
                Ok(Reply::ok(&json!({"results": results})))
            }
            ([], &Method::POST) => self.create_schema(call),
            ([name], &Method::GET) => Ok(Reply::ok(&self.schema_json(self.schema_named(name)?, call.version))),
            ([name], &Method::PATCH) => self.update_schema(name, call),
            ([name], &Method::DELETE) => self.delete_schema(name, call),
            ([name, "associations"], &Method::POST) => self.create_schema_link(name, call),
            ([] | [_] | [_, "associations"], _) => Err(Refusal::wrong_method()),
            _ => Err(Refusal::no_such_path()),
        }
    }

    fn schema_named(&self, name: &str) -> Outcome<Kind> {
        self.catalog.find(name).ok_or_else(|| Refusal::bare(400, format!("Unable to infer object type from: {name}")))
    }

    fn create_schema(&mut self, call: &mut Call<'_>) -> Outcome {
        let input: SchemaInput = call.body()?;
        let labels = input.labels.clone().unwrap_or_default();
        let (Some(name), Some(singular), Some(plural)) = (input.name.clone(), labels.singular, labels.plural) else {
            return Err(Refusal::unset_fields(&["name", "labels"]));
        };
        let Some(required) = input.required_properties.clone() else {
            return Err(Refusal::unset_fields(&["requiredProperties"]));
        };
        check_name(&name)?;
        let full = format!("p{}_{name}", self.options.portal_id);
        if self.catalog.find_archived(&full).is_some() {
            return Err(Refusal::bare(409, format!("A schema named '{name}' already exists."))
                .category("OBJECT_ALREADY_EXISTS"));
        }
        let custom_count = self.catalog.iter().filter(|(_, known)| known.custom.is_some()).count();
        if custom_count >= SCHEMAS_MAX {
            return Err(Refusal::invalid(format!("No more than {SCHEMAS_MAX} custom object types are allowed")));
        }
        let number = 2_000_000 + (self.options.seed % 1000) * 1000 + custom_count as u64 + 1;
        let group = format!("{name}_information");
        let mut object_type = ObjectType {
            type_id: format!("2-{number}"),
            singular: name,
            plural: full.clone(),
            shout: full,
            properties: PropertyTable::default(),
            groups: std::collections::BTreeMap::new(),
            records: Records::starting_at(100_000 + 1000 * custom_count as u64),
            default_names: Vec::new(),
            searchable_names: input.searchable_properties.clone().unwrap_or_default(),
            required_names: required,
            custom: Some(Custom {
                singular_label: singular,
                plural_label: plural,
                description: input.description.clone(),
                primary_display: input.primary_display_property.clone(),
                secondary_display: input.secondary_display_properties.clone().unwrap_or_default(),
                allows_sensitive: input.allows_sensitive_properties == Some(true),
                created_at: call.now,
                updated_at: call.now,
                archived: false,
            }),
        };
        define_properties(&mut object_type, &input, &group, call)?;
        check_names(&object_type)?;
        let partners = input.associated_objects.iter().flatten().map(|name| self.kind_named(name));
        let partners: Vec<Kind> = partners.collect::<Outcome<_>>()?;
        let kind = self.catalog.add(object_type).ok_or_else(|| Refusal::invalid("Too many object types"))?;
        self.link_schema(kind, kind, None);
        for partner in partners {
            self.link_schema(kind, partner, None);
        }
        Ok(Reply::json(201, &self.schema_json(kind, call.version)))
    }

    fn link_schema(&mut self, from: Kind, to: Kind, name: Option<&str>) {
        let (one, other) = (self.catalog.get(from).singular.clone(), self.catalog.get(to).singular.clone());
        let forward = name.map_or_else(|| format!("{one}_to_{other}"), str::to_owned);
        self.links.define_custom(from, to, (&forward, &format!("{other}_to_{one}")));
    }

    fn create_schema_link(&mut self, name: &str, call: &Call<'_>) -> Outcome {
        let kind = self.schema_named(name)?;
        let input: LinkInput = call.body()?;
        let (Some(from), Some(to)) = (input.from_object_type_id, input.to_object_type_id) else {
            return Err(Refusal::unset_fields(&["fromObjectTypeId", "toObjectTypeId"]));
        };
        let (from, to) = (self.kind_named(&from)?, self.kind_named(&to)?);
        if from != kind && to != kind {
            return Err(Refusal::invalid("One side of the association must be the object type of the path"));
        }
        self.link_schema(from, to, input.name.as_deref());
        let known = self.links.default_type(from, to).ok_or_else(Refusal::missing)?;
        Ok(Reply::json(201, &self.link_json(from, to, known.id, &known.name)))
    }

    fn link_json(&self, from: Kind, to: Kind, id: u32, name: &str) -> Value {
        json!({"fromObjectTypeId": self.catalog.get(from).type_id, "toObjectTypeId": self.catalog.get(to).type_id,
               "name": name, "cardinality": "ONE_TO_MANY", "inverseCardinality": "ONE_TO_MANY",
               "id": id.to_string(), "createdAt": null, "updatedAt": null})
    }

    fn update_schema(&mut self, name: &str, call: &Call<'_>) -> Outcome {
        let kind = self.schema_named(name)?;
        let input: SchemaInput = call.body()?;
        let object_type = self.catalog.get_mut(kind);
        let names = input.required_properties.iter().chain(&input.searchable_properties).flatten();
        let names =
            names.chain(input.secondary_display_properties.iter().flatten()).chain(&input.primary_display_property);
        for name in names {
            if object_type.properties.find(name).is_none() {
                return Err(Refusal::invalid(format!("Property \"{name}\" does not exist")));
            }
        }
        let Some(custom) = &mut object_type.custom else {
            return Err(Refusal::invalid("Only schemas of custom objects can be changed"));
        };
        let labels = input.labels.unwrap_or_default();
        custom.singular_label = labels.singular.unwrap_or_else(|| custom.singular_label.clone());
        custom.plural_label = labels.plural.unwrap_or_else(|| custom.plural_label.clone());
        custom.primary_display = input.primary_display_property.or_else(|| custom.primary_display.clone());
        custom.secondary_display =
            input.secondary_display_properties.unwrap_or_else(|| custom.secondary_display.clone());
        custom.description = if input.clear_description == Some(true) {
            None
        } else {
            input.description.or_else(|| custom.description.clone())
        };
        custom.allows_sensitive = input.allows_sensitive_properties.unwrap_or(custom.allows_sensitive);
        custom.updated_at = call.now;
        if let Some(names) = input.required_properties {
            object_type.required_names = names;
        }
        if let Some(names) = input.searchable_properties {
            object_type.searchable_names = names;
        }
        Ok(Reply::ok(&self.schema_json(kind, call.version)))
    }

    fn delete_schema(&mut self, name: &str, call: &Call<'_>) -> Outcome {
        let purge = call.query.flag("archived")?;
        let kind = self.catalog.find_archived(name).ok_or_else(Refusal::missing)?;
        if self.catalog.get(kind).custom.is_none() {
            return Err(Refusal::invalid("Only schemas of custom objects can be deleted"));
        }
        if !self.catalog.get(kind).records.live.is_empty() {
            return Err(Refusal::invalid("The object type still has records; delete them first"));
        }
        if let Some(custom) = &mut self.catalog.get_mut(kind).custom {
            custom.archived = true;
        }
        if purge {
            self.links.delete_kind(kind);
            self.catalog.forget_names(kind);
        }
        Ok(Reply::no_content())
    }

    /// Dated versions also say whether the type may hold sensitive properties: HubSpot's own SDK for 2026-03 refuses a
    /// schema that does not, and its clients for version 3 do not know the key.
    fn schema_json(&self, kind: Kind, version: Version) -> Value {
        let object_type = self.catalog.get(kind);
        let properties = object_type.properties.by_name().filter(|(_, known)| known.archived_at.is_none());
        let properties: Vec<Value> = properties.map(|(_, known)| known.read_json()).collect();
        let pairs = self.links.pairs().filter(|(from, to, _)| *from == kind || *to == kind);
        let associations: Vec<Value> = pairs
            .flat_map(|(from, to, types)| {
                types.iter().map(move |known| self.link_json(from, to, known.id, &known.name))
            })
            .collect();
        let mut out = Map::new();
        let mut put = |name: &str, value: Value| out.insert(name.to_owned(), value);
        let custom = object_type.custom.as_ref();
        let (singular, plural) = custom
            .map_or((object_type.singular.as_str(), object_type.plural.as_str()), |custom| {
                (custom.singular_label.as_str(), custom.plural_label.as_str())
            });
        put("labels", json!({"singular": singular, "plural": plural}));
        put("requiredProperties", json!(object_type.required_names));
        put("searchableProperties", json!(object_type.searchable_names));
        put("primaryDisplayProperty", json!(custom.and_then(|custom| custom.primary_display.as_ref())));
        put("secondaryDisplayProperties", json!(custom.map(|custom| &custom.secondary_display)));
        if version.is_dated() {
            put("allowsSensitiveProperties", custom.is_some_and(|custom| custom.allows_sensitive).into());
        }
        put("description", json!(custom.and_then(|custom| custom.description.as_ref())));
        put("archived", json!(custom.is_some_and(|custom| custom.archived)));
        put("restorable", true.into());
        put("metaType", if custom.is_some() { "PORTAL_SPECIFIC" } else { "HUBSPOT" }.into());
        put("id", object_type.type_id.as_str().into());
        put("fullyQualifiedName", object_type.shout.as_str().into());
        put("createdAt", time::iso(custom.map_or(crate::wire::Millis(0), |custom| custom.created_at)).into());
        put("updatedAt", time::iso(custom.map_or(crate::wire::Millis(0), |custom| custom.updated_at)).into());
        put("objectTypeId", object_type.type_id.as_str().into());
        put("properties", Value::Array(properties));
        put("associations", Value::Array(associations));
        let name = if custom.is_some() { &object_type.singular } else { &object_type.shout };
        put("name", name.as_str().into());
        Value::Object(out)
    }
}

fn check_name(name: &str) -> Outcome<()> {
    let starts_well = name.starts_with(|first: char| first.is_ascii_alphabetic());
    if starts_well && name.len() <= 100 && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Ok(());
    }
    Err(Refusal::invalid(format!("Schema name {name} is not valid: letters, digits and underscores, a letter first")))
}

fn define_properties(object_type: &mut ObjectType, input: &SchemaInput, group: &str, call: &Call<'_>) -> Outcome<()> {
    for property in defaults::bookkeeping("hs_createdate", "hs_lastmodifieddate", group) {
        object_type.define(property);
    }
    for property in defaults::custom_common(group) {
        object_type.define(property);
    }
    let inputs = input.properties.as_deref().unwrap_or_default();
    if inputs.iter().filter(|input| input.has_unique_value == Some(true)).count() > UNIQUE_MAX {
        return Err(Refusal::invalid(format!("No more than {UNIQUE_MAX} unique properties are allowed")));
    }
    for input in inputs {
        let mut input = input.clone();
        input.group_name = Some(input.group_name.filter(|name| !name.is_empty()).unwrap_or_else(|| group.to_owned()));
        let property = Property { created_at: call.now, updated_at: call.now, ..property_from(&input)? };
        let name = property.name.clone();
        if object_type.define(property).is_none() {
            return Err(Refusal::invalid(format!("Property name {name} is given twice")));
        }
    }
    Ok(())
}

fn check_names(object_type: &ObjectType) -> Outcome<()> {
    if object_type.searchable_names.len() > SEARCHABLE_MAX {
        return Err(Refusal::invalid(format!("No more than {SEARCHABLE_MAX} searchable properties are allowed")));
    }
    let custom = object_type.custom.iter();
    let displayed = custom.flat_map(|custom| custom.primary_display.iter().chain(&custom.secondary_display));
    let mut names = object_type.required_names.iter().chain(&object_type.searchable_names).chain(displayed);
    match names.find(|name| object_type.properties.find(name).is_none()) {
        Some(name) => Err(Refusal::invalid(format!("Property \"{name}\" does not exist"))),
        None => Ok(()),
    }
}
