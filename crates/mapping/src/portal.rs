//! What is known of the HubSpot account: its properties, owners, pipelines and association labels.
//!
//! A snapshot, taken by the caller: the crate itself asks nobody. An object type without a list of properties is not
//! checked against the account.

use std::collections::BTreeMap;
use std::fmt;

use linchpin_hubspot::associations::TypeDefinition;
use linchpin_hubspot::id::{AssociationType, ObjectType};
use linchpin_hubspot::properties::{PropertyDefinition, PropertyType};
use linchpin_hubspot::{owners, pipelines};
use serde::{Deserialize, Serialize};

/// One account, as far as a mapping needs to know it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PortalSnapshot {
    /// The properties of each object type that was read, by internal name.
    pub properties: BTreeMap<ObjectType, BTreeMap<String, Property>>,
    /// The owners.
    pub owners: Vec<Owner>,
    /// The pipelines of each object type that has some and was read.
    pub pipelines: BTreeMap<ObjectType, Vec<Pipeline>>,
    /// The association types of each direction that was read: from, to.
    pub association_labels: BTreeMap<(ObjectType, ObjectType), Vec<AssociationLabel>>,
}

/// How the values of a property are to be understood: HubSpot's `type`, which alone decides (`fieldType` is only the
/// widget, except that `checkbox` allows several options).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PropertyKind {
    /// Text of up to 65,536 characters, phone numbers included.
    Text,
    /// A decimal number.
    Number,
    /// `true` or `false`.
    Bool,
    /// One of the options.
    Enumeration,
    /// Any of the options, joined by semicolons.
    MultiEnumeration,
    /// A calendar day.
    Date,
    /// A moment.
    Datetime,
    /// Something that is not checked here.
    Other,
}

impl PropertyKind {
    /// The kind of a property.
    pub fn of(property: &PropertyDefinition) -> Self {
        match property.property_type {
            PropertyType::String | PropertyType::PhoneNumber => Self::Text,
            PropertyType::Number => Self::Number,
            PropertyType::Bool => Self::Bool,
            PropertyType::Enumeration if property.is_multiple() => Self::MultiEnumeration,
            PropertyType::Enumeration => Self::Enumeration,
            PropertyType::Date => Self::Date,
            PropertyType::Datetime => Self::Datetime,
            PropertyType::Json | PropertyType::ObjectCoordinates | PropertyType::Other => Self::Other,
        }
    }

    /// The word for messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Bool => "true/false",
            Self::Enumeration => "enumeration",
            Self::MultiEnumeration => "enumeration with several values",
            Self::Date => "date",
            Self::Datetime => "date and time",
            Self::Other => "other",
        }
    }
}

/// A property of the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    /// What people see.
    pub label: String,
    /// How values are understood.
    pub kind: PropertyKind,
    /// The options, if the list is closed; `None` if HubSpot keeps it elsewhere (owners, pipelines).
    pub options: Option<Vec<Choice>>,
    /// Values are owner ids.
    pub owner: bool,
    /// HubSpot keeps the values unique.
    pub unique: bool,
    /// HubSpot sets the value, writes are refused.
    pub read_only: bool,
}

/// An option of an enumeration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What is stored, case-sensitive.
    pub value: String,
    /// What people see.
    pub label: String,
}

/// An owner of records. `Debug` shows no address.
#[derive(Clone, PartialEq, Eq)]
pub struct Owner {
    /// The owner id, which is no user id.
    pub id: String,
    /// The e-mail address; queues have none.
    pub email: Option<String>,
    /// A deactivated user, to whom nothing can be assigned.
    pub archived: bool,
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Owner").field("id", &self.id).field("archived", &self.archived).finish_non_exhaustive()
    }
}

/// A pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pipeline {
    /// The internal id (`default`).
    pub id: String,
    /// What people see.
    pub label: String,
    /// The stages in order.
    pub stages: Vec<Stage>,
}

/// A stage of a pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// The internal id (`closedwon`).
    pub id: String,
    /// What people see.
    pub label: String,
}

/// A directed association type of the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssociationLabel {
    /// The type.
    pub association_type: AssociationType,
    /// Its label; the unlabelled type has none.
    pub label: Option<String>,
}

impl PortalSnapshot {
    /// Adds the properties of an object type; archived ones are left out.
    pub fn add_properties(&mut self, object_type: ObjectType, list: &[PropertyDefinition]) {
        let live = list.iter().filter(|property| !property.archived);
        let known = self.properties.entry(object_type).or_default();
        known.extend(live.map(|property| (property.name.clone(), Property::from(property))));
    }
}

impl From<&PropertyDefinition> for Property {
    fn from(property: &PropertyDefinition) -> Self {
        let elsewhere = property.external_options || property.is_owner() || property.options.is_empty();
        let choice = |option: &linchpin_hubspot::properties::PropertyOption| Choice {
            value: option.value.clone(),
            label: option.label.clone(),
        };
        Self {
            label: property.label.clone(),
            kind: PropertyKind::of(property),
            options: (!elsewhere).then(|| property.options.iter().map(choice).collect()),
            owner: property.is_owner(),
            unique: property.has_unique_value,
            read_only: property.is_read_only(),
        }
    }
}

impl From<&owners::Owner> for Owner {
    fn from(owner: &owners::Owner) -> Self {
        Self { id: owner.id.clone(), email: owner.email.clone(), archived: owner.archived }
    }
}

impl From<&pipelines::Pipeline> for Pipeline {
    fn from(pipeline: &pipelines::Pipeline) -> Self {
        let mut stages: Vec<&pipelines::Stage> = pipeline.stages.iter().filter(|stage| !stage.archived).collect();
        stages.sort_by_key(|stage| stage.display_order);
        let stage = |stage: &&pipelines::Stage| Stage { id: stage.id.clone(), label: stage.label.clone() };
        Self { id: pipeline.id.clone(), label: pipeline.label.clone(), stages: stages.iter().map(stage).collect() }
    }
}

impl From<&TypeDefinition> for AssociationLabel {
    fn from(definition: &TypeDefinition) -> Self {
        Self { association_type: definition.association_type(), label: definition.label.clone() }
    }
}
