//! Properties and their groups (<https://developers.hubspot.com/docs/api-reference/crm-properties-v3/guide>).
//!
//! `type` decides what a value means, `fieldType` only the widget. A new property is visible to other calls some
//! hundred milliseconds after its 201.

use http::Method;
use serde::{Deserialize, Deserializer, Serialize};

use crate::answer::Answer;
use crate::call::Call;
use crate::endpoint::{ApiError, Endpoint, body};
use crate::id::ObjectType;
use crate::limits::sizes::{BATCH_INPUTS_MAX, OverLimit, at_most};
use crate::objects::BatchOutcome;
use crate::version::{ApiVersion, Surface};
use crate::wire::{Inputs, PageBody, null_as_default, text};

mod changes;
mod groups;

pub use changes::{Archive, BatchArchive, BatchRead, PropertyChange, Sensitivity, Update};
pub use groups::{ArchiveGroup, CreateGroup, GroupChange, ListGroups, PropertyGroup, ReadGroup, UpdateGroup};

/// What a value means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PropertyType {
    /// Text, at most 65,536 characters.
    String,
    /// `1234.5`.
    Number,
    /// `true` or `false`.
    Bool,
    /// The internal value of an option, several joined by `;` when the widget is a checkbox.
    Enumeration,
    /// `YYYY-MM-DD`, or epoch milliseconds at midnight UTC.
    Date,
    /// ISO 8601, or epoch milliseconds.
    Datetime,
    /// A phone number as text.
    PhoneNumber,
    /// Read only: JSON.
    Json,
    /// Read only: coordinates.
    ObjectCoordinates,
    /// A type that is newer than this program: compared as text.
    Other,
}

impl PropertyType {
    /// Reads HubSpot's name; an unknown one is [`PropertyType::Other`].
    pub fn from_name(name: &str) -> Self {
        match name {
            "string" => Self::String,
            "number" => Self::Number,
            "bool" => Self::Bool,
            "enumeration" => Self::Enumeration,
            "date" => Self::Date,
            "datetime" => Self::Datetime,
            "phone_number" => Self::PhoneNumber,
            "json" => Self::Json,
            "object_coordinates" => Self::ObjectCoordinates,
            _ => Self::Other,
        }
    }
}

impl<'de> Deserialize<'de> for PropertyType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::from_name(&text(deserializer)?))
    }
}

/// One choice of an enumeration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PropertyOption {
    /// What people see.
    pub label: String,
    /// What is stored; compared by exact case.
    #[serde(deserialize_with = "text")]
    pub value: String,
    /// Order; -1 means after the others.
    #[serde(default = "last")]
    pub display_order: i32,
    /// Hidden options are valid in writes.
    #[serde(default, deserialize_with = "null_as_default")]
    pub hidden: bool,
}

fn last() -> i32 {
    -1
}

/// What HubSpot lets an app do with a property.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModificationMetadata {
    /// The value cannot be written.
    #[serde(default, deserialize_with = "null_as_default")]
    pub read_only_value: bool,
    /// The definition cannot be changed.
    #[serde(default, deserialize_with = "null_as_default")]
    pub read_only_definition: bool,
    /// The property can be archived.
    #[serde(default, deserialize_with = "null_as_default")]
    pub archivable: bool,
}

/// One property of an object type. Answers of create leave several fields out; they then have their defaults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PropertyDefinition {
    /// Internal name, lower case.
    pub name: String,
    /// What people see.
    #[serde(default, deserialize_with = "null_as_default")]
    pub label: String,
    /// What a value means.
    #[serde(rename = "type")]
    pub property_type: PropertyType,
    /// The widget: `text`, `checkbox`, `select`, …
    #[serde(default, deserialize_with = "null_as_default")]
    pub field_type: String,
    /// The group it stands in.
    #[serde(default, deserialize_with = "null_as_default")]
    pub group_name: String,
    /// What it is for.
    #[serde(default, deserialize_with = "null_as_default")]
    pub description: String,
    /// The choices of an enumeration; empty when they live elsewhere (owners, pipelines, stages).
    #[serde(default, deserialize_with = "null_as_default")]
    pub options: Vec<PropertyOption>,
    /// Whether the choices live elsewhere.
    #[serde(default, deserialize_with = "null_as_default")]
    pub external_options: bool,
    /// `OWNER` when the value is an owner id.
    #[serde(default)]
    pub referenced_object_type: Option<String>,
    /// Whether HubSpot computes the value.
    #[serde(default, deserialize_with = "null_as_default")]
    pub calculated: bool,
    /// Whether no two records share a value. Set at creation only.
    #[serde(default, deserialize_with = "null_as_default")]
    pub has_unique_value: bool,
    /// Whether it is hidden in HubSpot's web application.
    #[serde(default, deserialize_with = "null_as_default")]
    pub hidden: bool,
    /// Whether it is built in.
    #[serde(default, deserialize_with = "null_as_default")]
    pub hubspot_defined: bool,
    /// Whether it is archived.
    #[serde(default, deserialize_with = "null_as_default")]
    pub archived: bool,
    /// What may be done with it.
    #[serde(default, deserialize_with = "null_as_default")]
    pub modification_metadata: ModificationMetadata,
    /// `non_sensitive`, `sensitive` or `highly_sensitive`.
    #[serde(default)]
    pub data_sensitivity: Option<String>,
}

impl PropertyDefinition {
    /// Whether HubSpot would refuse a written value.
    pub fn is_read_only(&self) -> bool {
        self.calculated || self.modification_metadata.read_only_value
    }

    /// Whether a value may hold several options joined by `;`.
    pub fn is_multiple(&self) -> bool {
        self.property_type == PropertyType::Enumeration && self.field_type == "checkbox"
    }

    /// Whether the value is an owner id.
    pub fn is_owner(&self) -> bool {
        self.referenced_object_type.as_deref() == Some("OWNER")
    }

    /// Whether reading it needs a scope of its own.
    pub fn is_sensitive(&self) -> bool {
        self.data_sensitivity.as_deref().is_some_and(|said| said != "non_sensitive")
    }
}

/// GET all properties of a type; not paged, several hundred kilobytes.
#[derive(Clone, Debug)]
pub struct List {
    /// Of which type.
    pub object_type: ObjectType,
    /// Archived ones instead of live ones.
    pub archived: bool,
}

impl Endpoint for List {
    type Output = Vec<PropertyDefinition>;

    fn call(&self, version: ApiVersion) -> Call {
        let call = Call::new(Method::GET, Surface::Properties.path(version, &[self.object_type.as_str()]));
        if self.archived { call.with_query("archived", "true") } else { call }
    }

    fn decode(&self, answer: &Answer) -> Result<Self::Output, ApiError> {
        body::<PageBody<PropertyDefinition>>(answer, "properties").map(|page| page.results)
    }
}

/// GET one property: 404 until it is visible.
#[derive(Clone, Debug)]
pub struct Read {
    /// Of which type.
    pub object_type: ObjectType,
    /// Its internal name.
    pub name: String,
}

impl Endpoint for Read {
    type Output = PropertyDefinition;

    fn call(&self, version: ApiVersion) -> Call {
        Call::new(Method::GET, Surface::Properties.path(version, &[self.object_type.as_str(), &self.name]))
    }

    fn decode(&self, answer: &Answer) -> Result<PropertyDefinition, ApiError> {
        body(answer, "a property")
    }
}

/// A property to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewProperty {
    /// Internal name: lower case letters, digits, underscores.
    pub name: String,
    /// What people see.
    pub label: String,
    /// What a value means.
    #[serde(rename = "type")]
    pub property_type: PropertyType,
    /// The widget.
    pub field_type: String,
    /// An existing group.
    pub group_name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The choices of an enumeration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<PropertyOption>,
    /// Whether no two records may share a value; cannot be changed later.
    #[serde(default)]
    pub has_unique_value: bool,
}

/// POST one property. A repeat is a 409 `OBJECT_ALREADY_EXISTS`.
#[derive(Clone, Debug)]
pub struct Create {
    /// Of which type.
    pub object_type: ObjectType,
    /// What it shall be.
    pub property: NewProperty,
}

impl Endpoint for Create {
    type Output = PropertyDefinition;

    fn call(&self, version: ApiVersion) -> Call {
        let path = Surface::Properties.path(version, &[self.object_type.as_str()]);
        Call::new(Method::POST, path).with_json(&self.property)
    }

    fn decode(&self, answer: &Answer) -> Result<PropertyDefinition, ApiError> {
        body(answer, "a created property")
    }
}

/// POST `batch/create`; names that exist are errors of a 207.
#[derive(Clone, Debug)]
pub struct BatchCreate {
    /// Of which type.
    pub object_type: ObjectType,
    /// What they shall be.
    pub properties: Vec<NewProperty>,
}

impl Endpoint for BatchCreate {
    type Output = BatchOutcome<PropertyDefinition>;

    fn call(&self, version: ApiVersion) -> Call {
        let path = Surface::Properties.path(version, &[self.object_type.as_str(), "batch", "create"]);
        Call::new(Method::POST, path).with_json(&Inputs { inputs: &self.properties })
    }

    fn decode(&self, answer: &Answer) -> Result<Self::Output, ApiError> {
        body(answer, "created properties")
    }

    fn check(&self) -> Result<(), OverLimit> {
        at_most("properties of a batch create", self.properties.len(), BATCH_INPUTS_MAX)
    }
}

#[cfg(test)]
mod tests;
