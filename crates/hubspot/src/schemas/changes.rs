//! Making, changing and deleting schemas, and reading many at once.

use serde::Serialize;

use super::{Include, Labels, Schema, SchemaAssociation};
use crate::endpoint::{endpoint, items, one, success};
use crate::id::ObjectType;
use crate::limits::sizes::{SEARCHABLE_PROPERTIES_MAX, at_most};
use crate::properties::{PropertyOption, PropertyType};
use crate::version::Surface;

/// A property that is made together with its type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewSchemaProperty {
    /// Internal name.
    pub name: String,
    /// What people see.
    pub label: String,
    /// What a value means.
    #[serde(rename = "type")]
    pub property_type: PropertyType,
    /// The widget.
    pub field_type: String,
    /// The choices of an enumeration.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<PropertyOption>,
    /// Whether no two records may share a value; cannot be changed later.
    pub has_unique_value: bool,
}

/// An object type to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSchema {
    /// Short name; cannot be changed later.
    pub name: String,
    /// What people see.
    pub labels: Labels,
    /// What it is for.
    pub description: Option<String>,
    /// What a record is called by.
    pub primary_display_property: Option<String>,
    /// What else is shown of a record.
    pub secondary_display_properties: Vec<String>,
    /// Properties that `query` of a search looks into, at most [`SEARCHABLE_PROPERTIES_MAX`].
    pub searchable_properties: Vec<String>,
    /// Properties that a create must set.
    pub required_properties: Vec<String>,
    /// Its properties.
    pub properties: Vec<NewSchemaProperty>,
    /// Types that its records may be associated with: `CONTACT`, or a type id.
    pub associated_objects: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewSchemaBody<'a> {
    name: &'a str,
    labels: &'a Labels,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    primary_display_property: Option<&'a str>,
    secondary_display_properties: &'a [String],
    searchable_properties: &'a [String],
    required_properties: &'a [String],
    properties: &'a [NewSchemaProperty],
    associated_objects: &'a [String],
    // The dated versions demand both.
    allows_sensitive_properties: bool,
    should_create_same_object_association: bool,
}

impl<'a> From<&'a NewSchema> for NewSchemaBody<'a> {
    fn from(schema: &'a NewSchema) -> Self {
        Self {
            name: &schema.name,
            labels: &schema.labels,
            description: schema.description.as_deref(),
            primary_display_property: schema.primary_display_property.as_deref(),
            secondary_display_properties: &schema.secondary_display_properties,
            searchable_properties: &schema.searchable_properties,
            required_properties: &schema.required_properties,
            properties: &schema.properties,
            associated_objects: &schema.associated_objects,
            allows_sensitive_properties: false,
            should_create_same_object_association: false,
        }
    }
}

/// POST one object type. A repeat is refused, because the name exists.
#[derive(Clone, Debug)]
pub struct Create {
    /// What it shall be.
    pub schema: NewSchema,
}

endpoint!(Create => Schema, one("a created schema"), |this, version| {
    Surface::Schemas.post(version, &[]).with_json(&NewSchemaBody::from(&this.schema))
}, check: at_most("searchable properties", this.schema.searchable_properties.len(), SEARCHABLE_PROPERTIES_MAX));

/// What shall be another in an object type; what is none stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SchemaChange {
    /// What people see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<Labels>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What a record is called by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary_display_property: Option<String>,
    /// What else is shown of a record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secondary_display_properties: Option<Vec<String>>,
    /// Properties that `query` of a search looks into.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub searchable_properties: Option<Vec<String>>,
    /// Properties that a create must set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub required_properties: Option<Vec<String>>,
    /// Takes the description away. The dated versions demand that it is said.
    pub clear_description: bool,
}

/// PATCH one object type. The answer holds neither its properties nor its associations.
#[derive(Clone, Debug)]
pub struct Update {
    /// Which type.
    pub object_type: ObjectType,
    /// What shall be another.
    pub change: SchemaChange,
}

endpoint!(Update => Schema, one("a changed schema"), |this, version| {
    Surface::Schemas.patch(version, &[this.object_type.as_str()]).with_json(&this.change)
});

/// DELETE one object type; HubSpot refuses while it has records.
#[derive(Clone, Debug)]
pub struct Delete {
    /// Which type.
    pub object_type: ObjectType,
    /// For ever, so that its name can be used again: a second call after the first.
    pub purge: bool,
}

endpoint!(Delete => (), success, |this, version| {
    Surface::Schemas.delete(version, &[this.object_type.as_str()]).with_flag("archived", this.purge)
});

/// POST `batch/read`.
#[derive(Clone, Debug)]
pub struct BatchRead {
    /// Which types.
    pub object_types: Vec<ObjectType>,
    /// What comes with each.
    pub include: Include,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BatchReadBody<'a> {
    inputs: &'a [ObjectType],
    include_property_definitions: bool,
    include_association_definitions: bool,
    include_audit_metadata: bool,
}

endpoint!(BatchRead => Vec<Schema>, items("a batch of schemas"), |this, version| {
    let body = BatchReadBody {
        inputs: &this.object_types,
        include_property_definitions: this.include.properties,
        include_association_definitions: this.include.associations,
        include_audit_metadata: this.include.audit,
    };
    Surface::Schemas.post(version, &["batch", "read"]).with_json(&body)
});

/// POST one association type between two object types. A repeat may make a second one.
#[derive(Clone, Debug)]
pub struct Associate {
    /// The type that it belongs to.
    pub object_type: ObjectType,
    /// Type id where it starts.
    pub from: String,
    /// Type id where it ends.
    pub to: String,
    /// Its name.
    pub name: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AssociateBody<'a> {
    from_object_type_id: &'a str,
    to_object_type_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

endpoint!(Associate => SchemaAssociation, one("a created association type"), |this, version| {
    let body = AssociateBody {
        from_object_type_id: &this.from,
        to_object_type_id: &this.to,
        name: this.name.as_deref(),
    };
    Surface::Schemas.post(version, &[this.object_type.as_str(), "associations"]).with_json(&body)
});

/// DELETE one association type.
#[derive(Clone, Debug)]
pub struct Dissociate {
    /// The type that it belongs to.
    pub object_type: ObjectType,
    /// Its number, or its name.
    pub id: String,
}

endpoint!(Dissociate => (), success, |this, version| {
    Surface::Schemas.delete(version, &[this.object_type.as_str(), "associations", &this.id])
});
