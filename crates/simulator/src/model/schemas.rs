//! Calls about the schemas of custom objects.
//!
//! Sources: HubSpot's custom objects guide; recorded schemas of 2022; live runs of Kalup of October 2026, which quote the
//! refusals and saw reads that showed the state before a change for up to 70 seconds.

use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Portal;
use super::answer::{Outcome, Refusal, Reply};
use super::call::{Call, Version};
use super::catalog::{Custom, Kind, ObjectType};
use super::defaults;
use super::definitions::{PropertyInput, check_count, property_from};
use super::links::EDGES_MAX;
use super::property::{Property, PropertyTable, UNIQUE_MAX};
use super::record::Records;
use super::time;
use crate::wire::Millis;

/// Custom object types of a portal, archived ones not counted: as limits tracking of a live account said.
pub(super) const SCHEMAS_MAX: usize = 20;
/// Custom object types that a portal ever had.
const SCHEMAS_EVER_MAX: usize = 10_000;
/// Characters of a type's name.
const NAME_CHARS_MAX: usize = 50;
/// How long reads may show a schema as it was.
const STALE_MS_MAX: u64 = 70_000;
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

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ReadInput {
    inputs: Option<Vec<String>>,
    include_property_definitions: Option<bool>,
    include_association_definitions: Option<bool>,
}

/// What of a schema a PATCH can change.
#[derive(Clone, Debug)]
struct Face {
    custom: Option<Custom>,
    required: Vec<String>,
    searchable: Vec<String>,
}

/// A schema as it was before its last change, which reads show now and then until a moment.
#[derive(Clone, Debug)]
pub(super) struct Stale {
    face: Face,
    until: Millis,
}

/// Which long parts of a schema an answer has.
#[derive(Clone, Copy, Debug)]
struct Parts {
    properties: bool,
    associations: bool,
}

impl Parts {
    const ALL: Self = Self { properties: true, associations: true };
    const NONE: Self = Self { properties: false, associations: false };

    fn asked(call: &Call<'_>) -> Outcome<Self> {
        let wants = |name: &str| Ok::<bool, Refusal>(call.query.first(name).is_none() || call.query.flag(name)?);
        wants("includeAuditMetadata")?;
        Ok(Self {
            properties: wants("includePropertyDefinitions")?,
            associations: wants("includeAssociationDefinitions")?,
        })
    }
}

impl Portal {
    /// Calls below `schemas`.
    pub(super) fn dispatch_schemas(&mut self, rest: &[&str], call: &mut Call<'_>) -> Outcome {
        let method = call.method().clone();
        match (rest, &method) {
            ([], &Method::GET) => self.list_schemas(call),
            ([], &Method::POST) => self.create_schema(call),
            (["batch", "read"], &Method::POST) => self.batch_read_schemas(call),
            ([name], &Method::GET) => {
                let (kind, parts) = (self.schema_named(name)?, Parts::asked(call)?);
                Ok(Reply::ok(&self.seen_json(kind, parts, call)))
            }
            ([name], &Method::PATCH) => self.update_schema(name, call),
            ([name], &Method::DELETE) => self.delete_schema(name, call),
            ([name, "associations"], &Method::POST) => self.create_schema_link(name, call),
            ([name, "associations", id], &Method::DELETE) => self.delete_schema_link(name, id),
            ([] | [_] | ["batch", "read"] | [_, "associations"] | [_, "associations", _], _) => {
                Err(Refusal::wrong_method())
            }
            _ => Err(Refusal::no_such_path()),
        }
    }

    /// GET of all custom types. `archived=true` adds the archived ones to the live ones.
    fn list_schemas(&self, call: &mut Call<'_>) -> Outcome {
        let (archived, parts) = (call.query.flag("archived")?, Parts::asked(call)?);
        let is_shown =
            |known: &ObjectType| known.custom.is_some() && (known.is_live() || (archived && self.is_kept(known)));
        let kinds: Vec<Kind> = self.catalog.iter().filter(|(_, known)| is_shown(known)).map(|(kind, _)| kind).collect();
        let results: Vec<Value> = kinds.into_iter().map(|kind| self.seen_json(kind, parts, call)).collect();
        Ok(Reply::ok(&json!({"results": results})))
    }

    /// Whether a type has not been purged: then calls find it, archived or not.
    fn is_kept(&self, known: &ObjectType) -> bool {
        self.catalog.find_archived(&known.type_id).is_some()
    }

    fn batch_read_schemas(&self, call: &mut Call<'_>) -> Outcome {
        let input: ReadInput = call.body()?;
        let names = input.inputs.unwrap_or_default();
        check_count(names.len())?;
        let parts = Parts {
            properties: input.include_property_definitions.unwrap_or(true),
            associations: input.include_association_definitions.unwrap_or(true),
        };
        let kinds: Vec<Kind> = names.iter().filter_map(|name| self.catalog.find(name)).collect();
        let results: Vec<Value> = kinds.into_iter().map(|kind| self.seen_json(kind, parts, call)).collect();
        Ok(Reply::ok(&json!({"results": results})))
    }

    /// The present state of what can be changed.
    fn face(&self, kind: Kind) -> Face {
        let known = self.catalog.get(kind);
        Face {
            custom: known.custom.clone(),
            required: known.required_names.clone(),
            searchable: known.searchable_names.clone(),
        }
    }

    /// What a server of HubSpot's knows of a schema: some lag behind, and each call may meet another one.
    fn seen_face(&self, kind: Kind, call: &mut Call<'_>) -> Face {
        let stale = self.stale_schemas.get(&kind).filter(|stale| call.now < stale.until);
        let old = stale.filter(|_| call.roll(2) == 0).map(|stale| stale.face.clone());
        old.unwrap_or_else(|| self.face(kind))
    }

    fn seen_json(&self, kind: Kind, parts: Parts, call: &mut Call<'_>) -> Value {
        self.schema_json(kind, &self.seen_face(kind, call), parts, call.version)
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
        let full = format!("p{}_{name}", self.options.portal_id);
        if let Some(kind) = self.catalog.find(&full).filter(|kind| self.catalog.get(*kind).singular == name) {
            // The name of a live type is no refusal: the type is answered, as if it were made now.
            let mut body = self.schema_json(kind, &self.face(kind), Parts::ALL, call.version);
            if let Some(body) = body.as_object_mut() {
                body.insert("createdAt".into(), time::iso(call.now).into());
            }
            return Ok(Reply::json(201, &body));
        }
        check_name(&name)?;
        check_primary(&input)?;
        match self.catalog.find_archived(&full) {
            Some(kind) if self.catalog.get(kind).is_live() => {
                return Err(Refusal::bare(409, format!("{name} already exists"))
                    .category("OBJECT_ALREADY_EXISTS")
                    .sub_category("InboundDbObjectTypeError.OBJECT_TYPE_ALREADY_EXIST"));
            }
            Some(_) | None => {}
        }
        let custom_count = self.catalog.iter().filter(|(_, known)| known.custom.is_some()).count();
        let live_count = self.catalog.iter().filter(|(_, known)| known.custom.is_some() && known.is_live()).count();
        if live_count >= SCHEMAS_MAX || custom_count >= SCHEMAS_EVER_MAX {
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
            searchable_names: searchable_from(&input),
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
        // The name of an archived type is free again: the archived one is gone for good.
        if let Some(old) = self.catalog.find_archived(&object_type.plural) {
            self.purge(old);
        }
        let kind = self.catalog.add(object_type).ok_or_else(|| Refusal::invalid("Too many object types"))?;
        self.link_schema(kind, kind, None);
        for partner in partners {
            self.link_schema(kind, partner, None);
        }
        Ok(Reply::json(201, &self.schema_json(kind, &self.face(kind), Parts::ALL, call.version)))
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
        let known = self.links.find(from, to, id);
        let back = known.and_then(|known| self.links.find(to, from, known.inverse));
        let limits = known.map_or((EDGES_MAX, false), |known| (known.limit(), known.enforced.is_some()));
        let back = back.map_or((EDGES_MAX, false), |back| (back.limit(), back.enforced.is_some()));
        let cardinality = |most: u32| if most == 1 { "ONE_TO_ONE" } else { "ONE_TO_MANY" };
        json!({"fromObjectTypeId": self.catalog.get(from).type_id, "toObjectTypeId": self.catalog.get(to).type_id,
               "name": name, "cardinality": cardinality(limits.0), "inverseCardinality": cardinality(back.0),
               "hasUserEnforcedMaxToObjectIds": limits.1, "hasUserEnforcedMaxFromObjectIds": back.1,
               "maxToObjectIds": limits.0, "maxFromObjectIds": back.0,
               "id": id.to_string(), "createdAt": null, "updatedAt": null})
    }

    /// Takes an association away that a schema made; one that does not exist is as good as taken away.
    fn delete_schema_link(&mut self, name: &str, id: &str) -> Outcome {
        let kind = self.schema_named(name)?;
        let id: u32 = id.parse().map_err(|_| Refusal::invalid(format!("Association {id} does not exist")))?;
        let Some((from, to)) = self.links.pair_of(id) else { return Ok(Reply::no_content()) };
        if (from != kind && to != kind) || !self.links.delete_definition(id) {
            return Err(Refusal::invalid(format!("Association {id} cannot be deleted")));
        }
        Ok(Reply::no_content())
    }

    /// PATCH. What the body leaves out comes back as the server that is asked knows it, which may be how it was.
    fn update_schema(&mut self, name: &str, call: &mut Call<'_>) -> Outcome {
        let kind = self.catalog.find(name).ok_or_else(invalid_type)?;
        let input: SchemaInput = call.body()?;
        let (old, seen) = (self.face(kind), self.seen_face(kind, call));
        let object_type = self.catalog.get(kind);
        let names = input.required_properties.iter().chain(&input.searchable_properties).flatten();
        let names =
            names.chain(input.secondary_display_properties.iter().flatten()).chain(&input.primary_display_property);
        for name in names {
            if object_type.properties.find(name).is_none() {
                return Err(Refusal::invalid(format!("Property \"{name}\" does not exist")));
            }
        }
        let (Some(known), Some(mut custom)) = (&object_type.custom, seen.custom) else {
            return Err(Refusal::invalid("Only schemas of custom objects can be changed"));
        };
        if known.allows_sensitive && input.allows_sensitive_properties == Some(false) {
            return Err(Refusal::invalid("Sensitive properties support cannot be turned off")
                .sub_category("InboundDbObjectTypeError.SENSITIVE_PROPERTIES_SUPPORT_CANNOT_BE_TURNED_OFF"));
        }
        let labels = input.labels.unwrap_or_default();
        custom.singular_label = labels.singular.unwrap_or(custom.singular_label);
        custom.plural_label = labels.plural.unwrap_or(custom.plural_label);
        custom.primary_display = input.primary_display_property.or(custom.primary_display);
        custom.secondary_display = input.secondary_display_properties.unwrap_or(custom.secondary_display);
        custom.description = input.description.or(custom.description).filter(|_| input.clear_description != Some(true));
        custom.allows_sensitive = known.allows_sensitive || input.allows_sensitive_properties == Some(true);
        custom.updated_at = call.now;
        let object_type = self.catalog.get_mut(kind);
        object_type.custom = Some(custom);
        object_type.required_names = input.required_properties.unwrap_or(seen.required);
        object_type.searchable_names = input.searchable_properties.unwrap_or(seen.searchable);
        if self.options.schema_lag {
            let lag = i64::try_from(call.roll(STALE_MS_MAX + 1)).unwrap_or(0);
            self.stale_schemas.insert(kind, Stale { face: old, until: Millis(call.now.0.saturating_add(lag)) });
        }
        let mut body = self.schema_json(kind, &self.face(kind), Parts::NONE, call.version);
        if let (true, Some(body)) = (call.version.is_dated(), body.as_object_mut()) {
            body.insert("portalId".into(), self.options.portal_id.into());
        }
        Ok(Reply::ok(&body))
    }

    /// DELETE archives a type without records; with `archived=true` it purges one that is archived.
    fn delete_schema(&mut self, name: &str, call: &Call<'_>) -> Outcome {
        if call.query.flag("archived")? {
            let archived = self.catalog.find_archived(name).filter(|kind| !self.catalog.get(*kind).is_live());
            let kind = archived.ok_or_else(|| Refusal::invalid("Couldn't find soft-deleted object type(s)"))?;
            self.purge(kind);
            return Ok(Reply::no_content());
        }
        let kind = self.catalog.find(name).ok_or_else(invalid_type)?;
        let object_type = self.catalog.get_mut(kind);
        let Some(custom) = &mut object_type.custom else {
            return Err(Refusal::invalid("Only schemas of custom objects can be deleted"));
        };
        if !object_type.records.live.is_empty() {
            let type_id = &object_type.type_id;
            let message = format!("Object type {type_id} cannot be deleted until all object records are deleted");
            return Err(Refusal::invalid(message).sub_category("ObjectSchemaError.EXISTING_OBJECT_RECORDS"));
        }
        custom.archived = true;
        Ok(Reply::no_content())
    }

    fn purge(&mut self, kind: Kind) {
        self.links.delete_kind(kind);
        self.catalog.forget_names(kind);
        self.stale_schemas.remove(&kind);
        self.pipelines.remove(&kind);
    }

    /// Dated versions also say whether the type may hold sensitive properties: HubSpot's own SDK for 2026-03 refuses a
    /// schema that does not, and its clients for version 3 do not know the key.
    fn schema_json(&self, kind: Kind, face: &Face, parts: Parts, version: Version) -> Value {
        let object_type = self.catalog.get(kind);
        let properties = object_type.properties.by_name().filter(|(_, known)| known.archived_at.is_none());
        let properties: Vec<Value> = properties.map(|(_, known)| known.read_json()).collect();
        let pairs = self.links.pairs().filter(|(from, to, _)| *from == kind || *to == kind);
        let associations: Vec<Value> = pairs
            .flat_map(|(from, to, types)| {
                let seen = types.iter().filter(|known| {
                    object_type.custom.is_some() || known.made_at.0 + self.options.label_lag_ms <= self.now.0
                });
                seen.map(move |known| self.link_json(from, to, known.id, &known.name))
            })
            .collect();
        let mut out = Map::new();
        let mut put = |name: &str, value: Value| out.insert(name.to_owned(), value);
        let custom = face.custom.as_ref();
        let (singular, plural) = custom
            .map_or((object_type.singular.as_str(), object_type.plural.as_str()), |custom| {
                (custom.singular_label.as_str(), custom.plural_label.as_str())
            });
        put("labels", json!({"singular": singular, "plural": plural}));
        put("requiredProperties", json!(face.required));
        put("searchableProperties", json!(face.searchable));
        let standard = standard_display(&object_type.singular);
        let primary = custom.map_or(standard.first().copied(), |custom| custom.primary_display.as_deref());
        put("primaryDisplayProperty", json!(primary));
        let secondary = custom.map_or_else(|| json!(standard.get(1..)), |custom| json!(custom.secondary_display));
        put("secondaryDisplayProperties", if secondary.is_null() { json!([]) } else { secondary });
        if version.is_dated() {
            put("allowsSensitiveProperties", custom.is_some_and(|custom| custom.allows_sensitive).into());
        }
        if let Some(description) = custom.and_then(|custom| custom.description.as_ref()) {
            put("description", json!(description));
        }
        put("archived", json!(custom.is_some_and(|custom| custom.archived)));
        put("restorable", true.into());
        put("metaType", if custom.is_some() { "PORTAL_SPECIFIC" } else { "HUBSPOT" }.into());
        put("id", object_type.type_id.as_str().into());
        put("fullyQualifiedName", object_type.shout.as_str().into());
        put("createdAt", time::iso(custom.map_or(Millis(0), |custom| custom.created_at)).into());
        put("updatedAt", time::iso(custom.map_or(Millis(0), |custom| custom.updated_at)).into());
        put("objectTypeId", object_type.type_id.as_str().into());
        if parts.properties {
            put("properties", Value::Array(properties));
        }
        if parts.associations {
            put("associations", Value::Array(associations));
        }
        let name = if custom.is_some() { &object_type.singular } else { &object_type.shout };
        put("name", name.as_str().into());
        Value::Object(out)
    }
}

/// By which properties a standard type is shown, the first before the others.
fn standard_display(singular: &str) -> &'static [&'static str] {
    match singular {
        "contact" => &["firstname", "lastname", "email", "phone"],
        "company" | "product" | "line_item" => &["name"],
        "deal" => &["dealname"],
        "ticket" => &["subject"],
        _ => &[],
    }
}

fn check_name(name: &str) -> Outcome<()> {
    let starts_well = name.starts_with(|first: char| first.is_ascii_alphabetic());
    if starts_well && name.len() <= NAME_CHARS_MAX && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Ok(());
    }
    Err(Refusal::invalid(format!("invalid object type name {name}"))
        .sub_category("InboundDbObjectTypeError.OBJECT_TYPE_NAME_FORMAT"))
}

/// A type shows its records by a property that it has.
fn check_primary(input: &SchemaInput) -> Outcome<()> {
    let Some(primary) = &input.primary_display_property else {
        return Err(Refusal::invalid("A primary display property is required")
            .sub_category("ObjectSchemaError.PRIMARY_DISPLAY_PROPERTY_REQUIRED"));
    };
    let own = input.properties.iter().flatten().filter_map(|known| known.name.as_ref());
    let bookkeeping = ["hs_object_id", "hs_createdate", "hs_lastmodifieddate", "hubspot_owner_id"];
    if own.into_iter().any(|name| name.eq_ignore_ascii_case(primary)) || bookkeeping.contains(&primary.as_str()) {
        return Ok(());
    }
    Err(Refusal::invalid(format!("Invalid primary display property {primary}"))
        .sub_category("ObjectSchemasSandboxesSyncErrorType.INVALID_PRIMARY_DISPLAY_PROPERTY"))
}

/// What free text looks at; without a wish, the record's id.
fn searchable_from(input: &SchemaInput) -> Vec<String> {
    let asked = input.searchable_properties.clone().unwrap_or_default();
    if asked.is_empty() { vec!["hs_object_id".to_owned()] } else { asked }
}

/// What a write says to a name that no type has.
fn invalid_type() -> Refusal {
    Refusal::invalid("Invalid object or event type id")
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
