//! Changing, archiving and reading many property definitions.

use serde::Serialize;

use super::{PropertyDefinition, PropertyOption};
use crate::endpoint::{endpoint, one, success};
use crate::id::ObjectType;
use crate::limits::sizes::{BATCH_INPUTS_MAX, at_most};
use crate::objects::BatchOutcome;
use crate::version::Surface;
use crate::wire::Inputs;

/// What shall be another in a property; what is none stays as it is. `type` and `hasUniqueValue` cannot change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PropertyChange {
    /// What people see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// An existing group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_name: Option<String>,
    /// The widget.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field_type: Option<String>,
    /// **All** choices of an enumeration: those that are left out are removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<Vec<PropertyOption>>,
    /// Whether it is hidden in HubSpot's web application.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden: Option<bool>,
    /// Order; -1 means after the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_order: Option<i32>,
}

/// PATCH one property.
#[derive(Clone, Debug)]
pub struct Update {
    /// Of which type.
    pub object_type: ObjectType,
    /// Its internal name.
    pub name: String,
    /// What shall be another.
    pub change: PropertyChange,
}

endpoint!(Update => PropertyDefinition, one("a changed property"), |this, version| {
    Surface::Properties.patch(version, &[this.object_type.as_str(), &this.name]).with_json(&this.change)
});

/// DELETE one property into the archive: records keep its values, and its name stays taken for some time.
#[derive(Clone, Debug)]
pub struct Archive {
    /// Of which type.
    pub object_type: ObjectType,
    /// Its internal name.
    pub name: String,
}

endpoint!(Archive => (), success, |this, version| {
    Surface::Properties.delete(version, &[this.object_type.as_str(), &this.name])
});

/// Which properties are looked at; sensitive ones need a scope of their own and are never listed beside the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sensitivity {
    /// Ordinary ones.
    #[default]
    NonSensitive,
    /// Sensitive ones.
    Sensitive,
    /// Highly sensitive ones.
    HighlySensitive,
}

#[derive(Serialize)]
struct Named<'a> {
    name: &'a str,
}

fn named(names: &[String]) -> Vec<Named<'_>> {
    names.iter().map(|name| Named { name }).collect()
}

/// POST `batch/read`. Names that do not exist are errors of a 207.
#[derive(Clone, Debug)]
pub struct BatchRead {
    /// Of which type.
    pub object_type: ObjectType,
    /// Internal names.
    pub names: Vec<String>,
    /// Archived ones instead of live ones.
    pub archived: bool,
    /// Which of them.
    pub sensitivity: Sensitivity,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BatchReadBody<'a> {
    archived: bool,
    inputs: Vec<Named<'a>>,
    data_sensitivity: Sensitivity,
}

endpoint!(BatchRead => BatchOutcome<PropertyDefinition>, one("a batch of properties"), |this, version| {
    let body =
        BatchReadBody { archived: this.archived, inputs: named(&this.names), data_sensitivity: this.sensitivity };
    Surface::Properties.post(version, &[this.object_type.as_str(), "batch", "read"]).with_json(&body)
}, check: at_most("properties of a batch read", this.names.len(), BATCH_INPUTS_MAX));

/// POST `batch/archive`.
#[derive(Clone, Debug)]
pub struct BatchArchive {
    /// Of which type.
    pub object_type: ObjectType,
    /// Internal names.
    pub names: Vec<String>,
}

endpoint!(BatchArchive => (), success, |this, version| {
    let inputs = named(&this.names);
    Surface::Properties
        .post(version, &[this.object_type.as_str(), "batch", "archive"])
        .with_json(&Inputs { inputs: &inputs })
}, check: at_most("properties of a batch archive", this.names.len(), BATCH_INPUTS_MAX));
