//! Schemas of object types (the specification in HubSpot/HubSpot-public-api-spec-collection).
//!
//! Reads of a changed schema lag by up to a minute and may flip between old and new.

use http::Method;
use serde::Deserialize;

use crate::answer::Answer;
use crate::call::Call;
use crate::endpoint::{ApiError, Endpoint, body};
use crate::id::ObjectType;
use crate::properties::PropertyDefinition;
use crate::version::{ApiVersion, Surface};
use crate::wire::{PageBody, null_as_default, text_or_none};

/// One object type as the account defines it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Schema {
    /// `2-123`, or `0-1` for a built-in type.
    pub object_type_id: String,
    /// Short name.
    pub name: String,
    /// `p48151623_car`.
    #[serde(default)]
    pub fully_qualified_name: Option<String>,
    /// What people see.
    #[serde(default, deserialize_with = "null_as_default")]
    pub labels: Labels,
    /// What a record is called by.
    #[serde(default)]
    pub primary_display_property: Option<String>,
    /// Properties that a create must set.
    #[serde(default, deserialize_with = "null_as_default")]
    pub required_properties: Vec<String>,
    /// Properties that `query` of a search looks into.
    #[serde(default, deserialize_with = "null_as_default")]
    pub searchable_properties: Vec<String>,
    /// Its properties, when HubSpot includes them.
    #[serde(default, deserialize_with = "null_as_default")]
    pub properties: Vec<PropertyDefinition>,
    /// Its association types.
    #[serde(default, deserialize_with = "null_as_default")]
    pub associations: Vec<SchemaAssociation>,
    /// Whether it is archived.
    #[serde(default, deserialize_with = "null_as_default")]
    pub archived: bool,
}

impl Schema {
    /// The type in the form that paths and keys use.
    pub fn object_type(&self) -> ObjectType {
        ObjectType::canonical(&self.object_type_id)
    }
}

/// Singular and plural label.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Labels {
    /// One.
    #[serde(default)]
    pub singular: Option<String>,
    /// Many.
    #[serde(default)]
    pub plural: Option<String>,
}

/// One association type of a schema.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SchemaAssociation {
    /// Its number.
    #[serde(default, deserialize_with = "text_or_none")]
    pub id: Option<String>,
    /// Where it starts.
    pub from_object_type_id: String,
    /// Where it ends.
    pub to_object_type_id: String,
    /// `CONTACT_TO_DEAL`.
    #[serde(default)]
    pub name: Option<String>,
}

/// GET the schemas of all custom object types.
#[derive(Clone, Copy, Debug)]
pub struct List;

impl Endpoint for List {
    type Output = Vec<Schema>;

    fn call(&self, version: ApiVersion) -> Call {
        Call::new(Method::GET, Surface::Schemas.path(version, &[]))
    }

    fn decode(&self, answer: &Answer) -> Result<Self::Output, ApiError> {
        body::<PageBody<Schema>>(answer, "schemas").map(|page| page.results)
    }
}

/// GET one schema, of a built-in type as well.
#[derive(Clone, Debug)]
pub struct Read {
    /// Of which type.
    pub object_type: ObjectType,
}

impl Endpoint for Read {
    type Output = Schema;

    fn call(&self, version: ApiVersion) -> Call {
        Call::new(Method::GET, Surface::Schemas.path(version, &[self.object_type.as_str()]))
    }

    fn decode(&self, answer: &Answer) -> Result<Schema, ApiError> {
        body(answer, "a schema")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{answer, recording};

    #[test]
    fn the_recorded_schema_of_contacts_is_read() {
        let Some(text) = recording("amp-labs_connectors/assoc__contacts-schema-resp.json") else { return };
        let read = Read { object_type: ObjectType::new("contacts") };
        let schema = read.decode(&answer(200, &text)).expect("a schema");
        assert_eq!(schema.object_type().as_str(), "contacts");
        assert_eq!(schema.associations[0].id.as_deref(), Some("931"));
        assert_eq!(read.call(ApiVersion::V2026_03).path, "/crm-object-schemas/2026-03/schemas/contacts");
    }

    #[test]
    fn an_account_without_custom_types_has_no_schemas() {
        assert_eq!(List.decode(&answer(200, r#"{"results":[]}"#)).expect("a list"), []);
    }
}
