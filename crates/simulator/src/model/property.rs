//! Property definitions of one object type, and their groups.
//!
//! A definition never leaves its table: an archived property keeps its place and the records keep their values, so
//! that creating it again restores both. The first three places are the same for every type (see [`OBJECT_ID`]).

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};

use super::time;
use crate::wire::Millis;

/// The place of a property in its type's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub(super) struct PropId(pub(super) u16);

/// `hs_object_id`, which is not stored but read from the record.
pub(super) const OBJECT_ID: PropId = PropId(0);
/// `createdate` or `hs_createdate`, not stored.
pub(super) const CREATED: PropId = PropId(1);
/// `lastmodifieddate` or `hs_lastmodifieddate`, not stored.
pub(super) const MODIFIED: PropId = PropId(2);

/// Unique properties that an object type may have, beside those of HubSpot.
pub(super) const UNIQUE_MAX: usize = 10;
/// Properties that an account may add to an object type.
pub(super) const CUSTOM_MAX: usize = 1_000;
/// Properties that an object type may have, archived ones and those of HubSpot included.
pub(super) const PROPERTIES_MAX: usize = 10_000;

/// What the values of a property mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) enum ValueType {
    String,
    Number,
    Bool,
    Enumeration,
    Date,
    DateTime,
    Phone,
    Json,
}

impl ValueType {
    /// Reads HubSpot's name of the type.
    pub(super) fn parse(name: &str) -> Option<Self> {
        match name {
            "string" => Some(Self::String),
            "number" => Some(Self::Number),
            "bool" => Some(Self::Bool),
            "enumeration" => Some(Self::Enumeration),
            "date" => Some(Self::Date),
            "datetime" => Some(Self::DateTime),
            "phone_number" => Some(Self::Phone),
            "json" => Some(Self::Json),
            _ => None,
        }
    }

    /// HubSpot's name of the type.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Number => "number",
            Self::Bool => "bool",
            Self::Enumeration => "enumeration",
            Self::Date => "date",
            Self::DateTime => "datetime",
            Self::Phone => "phone_number",
            Self::Json => "json",
        }
    }

    /// The widgets that a new property of this type may have.
    pub(super) fn field_types(self) -> &'static [&'static str] {
        match self {
            Self::String => &["text", "textarea", "html", "phonenumber", "file", "calculation_equation"],
            Self::Number => &["number", "calculation_equation"],
            Self::Bool => &["booleancheckbox", "calculation_equation"],
            Self::Enumeration => &["select", "radio", "checkbox", "booleancheckbox", "calculation_equation"],
            Self::Date | Self::DateTime => &["date"],
            Self::Phone => &["phonenumber"],
            Self::Json => &[],
        }
    }
}

/// One choice of an enumeration.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Choice {
    pub(super) label: String,
    pub(super) value: String,
    pub(super) description: Option<String>,
    pub(super) display_order: i64,
    pub(super) hidden: bool,
}

/// The definition of a property.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Property {
    pub(super) name: String,
    pub(super) label: String,
    pub(super) value_type: ValueType,
    pub(super) field_type: String,
    pub(super) group: String,
    pub(super) description: String,
    pub(super) choices: Vec<Choice>,
    pub(super) display_order: i64,
    pub(super) calculated: bool,
    pub(super) calculation_formula: Option<String>,
    pub(super) external_options: bool,
    pub(super) referenced_type: Option<String>,
    pub(super) unique: bool,
    pub(super) hidden: bool,
    pub(super) form_field: bool,
    pub(super) hubspot_defined: bool,
    pub(super) read_only_value: bool,
    pub(super) sensitivity: String,
    /// How values are to be printed: `numberDisplayHint` and its like, as they were given.
    pub(super) hints: BTreeMap<Cow<'static, str>, Value>,
    pub(super) created_at: Millis,
    pub(super) updated_at: Millis,
    pub(super) created_user: Option<u64>,
    pub(super) archived_at: Option<Millis>,
    /// A new property is not there for anybody before this moment.
    pub(super) visible_at: Millis,
}

impl Property {
    /// A plain property that HubSpot defines.
    pub(super) fn standard(name: &str, label: &str, value_type: ValueType, field_type: &str, group: &str) -> Self {
        Self {
            name: name.to_owned(),
            label: label.to_owned(),
            value_type,
            field_type: field_type.to_owned(),
            group: group.to_owned(),
            description: String::new(),
            choices: Vec::new(),
            display_order: -1,
            calculated: false,
            calculation_formula: None,
            external_options: false,
            referenced_type: None,
            unique: false,
            hidden: false,
            form_field: false,
            hubspot_defined: true,
            read_only_value: false,
            sensitivity: "non_sensitive".to_owned(),
            hints: BTreeMap::new(),
            created_at: Millis(0),
            updated_at: Millis(0),
            created_user: None,
            archived_at: None,
            visible_at: Millis(i64::MIN),
        }
    }

    /// Whether calls can use the property now.
    pub(super) fn is_live(&self, now: Millis) -> bool {
        self.archived_at.is_none() && self.visible_at <= now
    }

    /// Whether its values hold several choices.
    pub(super) fn holds_several(&self) -> bool {
        self.value_type == ValueType::Enumeration && self.field_type == "checkbox"
    }

    /// The answer of a create, which says less than a read.
    pub(super) fn created_json(&self) -> Value {
        let mut out = Map::new();
        self.definition_json(&mut out);
        Value::Object(out)
    }

    /// The answer of a read or an update.
    pub(super) fn read_json(&self) -> Value {
        let mut out = Map::new();
        out.insert("updatedAt".into(), time::iso(self.updated_at).into());
        out.insert("createdAt".into(), time::iso(self.created_at).into());
        self.definition_json(&mut out);
        if let Some(user) = self.created_user {
            out.insert("createdUserId".into(), user.to_string().into());
            out.insert("updatedUserId".into(), user.to_string().into());
        }
        if self.hubspot_defined {
            out.insert("hubspotDefined".into(), true.into());
        } else {
            out.insert("archived".into(), self.archived_at.is_some().into());
        }
        if let Some(at) = self.archived_at {
            out.insert("archivedAt".into(), time::iso(at).into());
        }
        Value::Object(out)
    }

    fn definition_json(&self, out: &mut Map<String, Value>) {
        out.insert("name".into(), self.name.as_str().into());
        out.insert("label".into(), self.label.as_str().into());
        out.insert("type".into(), self.value_type.name().into());
        out.insert("fieldType".into(), self.field_type.as_str().into());
        out.insert("description".into(), self.description.as_str().into());
        out.insert("groupName".into(), self.group.as_str().into());
        out.insert("options".into(), self.choices.iter().map(choice_json).collect());
        if let Some(referenced) = &self.referenced_type {
            out.insert("referencedObjectType".into(), referenced.as_str().into());
        }
        out.insert("displayOrder".into(), self.display_order.into());
        out.insert("calculated".into(), self.calculated.into());
        if let Some(formula) = &self.calculation_formula {
            out.insert("calculationFormula".into(), formula.as_str().into());
        }
        out.insert("externalOptions".into(), self.external_options.into());
        out.insert("hasUniqueValue".into(), self.unique.into());
        out.insert("hidden".into(), self.hidden.into());
        out.insert(
            "modificationMetadata".into(),
            json!({"archivable": !self.hubspot_defined, "readOnlyDefinition": self.hubspot_defined,
                   "readOnlyValue": self.read_only_value}),
        );
        out.insert("formField".into(), self.form_field.into());
        out.insert("dataSensitivity".into(), self.sensitivity.as_str().into());
        for (name, value) in &self.hints {
            out.insert(name.clone().into_owned(), value.clone());
        }
    }
}

fn choice_json(choice: &Choice) -> Value {
    let mut out = Map::new();
    out.insert("label".into(), choice.label.as_str().into());
    out.insert("value".into(), choice.value.as_str().into());
    if let Some(description) = &choice.description {
        out.insert("description".into(), description.as_str().into());
    }
    out.insert("displayOrder".into(), choice.display_order.into());
    out.insert("hidden".into(), choice.hidden.into());
    Value::Object(out)
}

/// All properties of an object type.
#[derive(Debug, Default)]
pub(super) struct PropertyTable {
    places: Vec<Property>,
    /// For the alphabetical order.
    names: BTreeMap<String, PropId>,
    /// For looking up; a write does this some forty times for each record. Its order is never seen.
    lookup: HashMap<String, PropId>,
}

impl PropertyTable {
    /// Adds a definition; one of that name must not be there, and at most [`PROPERTIES_MAX`] fit.
    pub(super) fn add(&mut self, property: Property) -> Option<PropId> {
        if self.places.len() >= PROPERTIES_MAX || self.names.contains_key(&property.name) {
            return None;
        }
        let id = PropId(u16::try_from(self.places.len()).ok()?);
        self.names.insert(property.name.clone(), id);
        self.lookup.insert(property.name.clone(), id);
        self.places.push(property);
        Some(id)
    }

    /// The place of a name, archived and not yet visible ones included.
    pub(super) fn find(&self, name: &str) -> Option<PropId> {
        self.lookup.get(name).copied()
    }

    /// A property that calls can use now, by name.
    pub(super) fn live(&self, name: &str, now: Millis) -> Option<(PropId, &Property)> {
        let id = self.find(name)?;
        let property = self.get(id)?;
        property.is_live(now).then_some((id, property))
    }

    pub(super) fn get(&self, id: PropId) -> Option<&Property> {
        self.places.get(usize::from(id.0))
    }

    pub(super) fn get_mut(&mut self, id: PropId) -> Option<&mut Property> {
        self.places.get_mut(usize::from(id.0))
    }

    /// All definitions by their place.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Property> {
        self.places.iter()
    }

    /// How many live definitions the account has added.
    pub(super) fn own_count(&self) -> usize {
        self.places.iter().filter(|known| !known.hubspot_defined && known.archived_at.is_none()).count()
    }

    /// All definitions in alphabetical order of their names.
    pub(super) fn by_name(&self) -> impl Iterator<Item = (PropId, &Property)> {
        self.names.values().filter_map(|id| Some((*id, self.get(*id)?)))
    }
}

/// A group of properties.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) label: String,
    pub(super) display_order: i64,
    pub(super) archived: bool,
}

impl Group {
    pub(super) fn to_json(&self) -> Value {
        json!({"name": self.name, "label": self.label, "displayOrder": self.display_order, "archived": self.archived})
    }
}
