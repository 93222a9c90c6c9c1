//! Schemas of object types (the specification in HubSpot/HubSpot-public-api-spec-collection).
//!
//! Reads of a changed schema lag by up to a minute and may flip between old and new.

use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::endpoint::{endpoint, items, one};
use crate::id::ObjectType;
use crate::properties::PropertyDefinition;
use crate::version::Surface;
use crate::wire::{null_as_default, text_or_none};

mod changes;

pub use changes::{
    Associate, BatchRead, Create, Delete, Dissociate, NewSchema, NewSchemaProperty, SchemaChange, Update,
};

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
    /// What it is for.
    #[serde(default)]
    pub description: Option<String>,
    /// What a record is called by.
    #[serde(default)]
    pub primary_display_property: Option<String>,
    /// What else is shown of a record.
    #[serde(default, deserialize_with = "null_as_default")]
    pub secondary_display_properties: Vec<String>,
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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

/// What a read of schemas includes beside names and labels. The dated versions leave all of it out unless it is asked
/// for; v3 includes it whatever is asked
/// (HubSpot/HubSpot-public-api-spec-collection, `schemas`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Include {
    /// Property definitions.
    pub properties: bool,
    /// Association types.
    pub associations: bool,
    /// Who made and changed it.
    pub audit: bool,
}

impl Include {
    /// Everything that a sync looks at.
    pub const DEFINITIONS: Self = Self { properties: true, associations: true, audit: false };
    /// Names and labels alone.
    pub const NOTHING: Self = Self { properties: false, associations: false, audit: false };

    fn apply(self, call: Call) -> Call {
        call.with_flag("includePropertyDefinitions", self.properties)
            .with_flag("includeAssociationDefinitions", self.associations)
            .with_flag("includeAuditMetadata", self.audit)
    }
}

/// GET the schemas of all custom object types; not paged.
#[derive(Clone, Copy, Debug)]
pub struct List {
    /// Archived ones instead of live ones.
    pub archived: bool,
    /// What comes with each.
    pub include: Include,
}

endpoint!(List => Vec<Schema>, items("schemas"), |this, version| {
    this.include.apply(Surface::Schemas.get(version, &[]).with_flag("archived", this.archived))
});

/// GET one schema, of a built-in type as well.
#[derive(Clone, Debug)]
pub struct Read {
    /// Of which type.
    pub object_type: ObjectType,
    /// What comes with it.
    pub include: Include,
}

endpoint!(Read => Schema, one("a schema"), |this, version| {
    this.include.apply(Surface::Schemas.get(version, &[this.object_type.as_str()]))
});

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::endpoint::Endpoint;
    use crate::properties::PropertyType;
    use crate::testing::{answer, recording};
    use crate::version::ApiVersion;

    #[test]
    fn the_recorded_schema_of_contacts_is_read() {
        let Some(text) = recording("amp-labs_connectors/assoc__contacts-schema-resp.json") else { return };
        let read = Read { object_type: ObjectType::new("contacts"), include: Include::NOTHING };
        let schema = read.decode(&answer(200, &text)).expect("a schema");
        assert_eq!(schema.object_type().as_str(), "contacts");
        assert_eq!(schema.associations[0].id.as_deref(), Some("931"));
        assert_eq!(read.call(ApiVersion::V2026_03).path, "/crm-object-schemas/2026-03/schemas/contacts");
    }

    #[test]
    fn an_account_without_custom_types_has_no_schemas() {
        let list = List { archived: false, include: Include::DEFINITIONS };
        assert_eq!(list.decode(&answer(200, r#"{"results":[]}"#)).expect("a list"), []);
        let target = "?includePropertyDefinitions=true&includeAssociationDefinitions=true";
        assert_eq!(list.call(ApiVersion::V2026_09).target(), format!("/crm-object-schemas/2026-09/schemas{target}"));
    }

    fn sent(call: &Call) -> Value {
        serde_json::from_slice(call.body.as_ref().expect("a body")).expect("JSON")
    }

    fn car() -> ObjectType {
        ObjectType::new("2-7")
    }

    #[test]
    fn a_schema_is_made_changed_and_deleted() {
        let property = NewSchemaProperty {
            name: "plate".to_owned(),
            label: "Plate".to_owned(),
            property_type: PropertyType::String,
            field_type: "text".to_owned(),
            options: Vec::new(),
            has_unique_value: true,
        };
        let schema = NewSchema {
            name: "car".to_owned(),
            labels: Labels { singular: Some("Car".to_owned()), plural: Some("Cars".to_owned()) },
            description: None,
            primary_display_property: Some("plate".to_owned()),
            secondary_display_properties: Vec::new(),
            searchable_properties: vec!["plate".to_owned()],
            required_properties: vec!["plate".to_owned()],
            properties: vec![property],
            associated_objects: vec!["CONTACT".to_owned()],
        };
        let create = Create { schema };
        let call = create.call(ApiVersion::V2026_03);
        assert_eq!((call.method.as_str(), call.path.as_str()), ("POST", "/crm-object-schemas/2026-03/schemas"));
        assert_eq!(
            sent(&call),
            json!({"name": "car", "labels": {"singular": "Car", "plural": "Cars"}, "primaryDisplayProperty": "plate",
                "secondaryDisplayProperties": [], "searchableProperties": ["plate"], "requiredProperties": ["plate"],
                "properties": [{"name": "plate", "label": "Plate", "type": "string", "fieldType": "text",
                    "hasUniqueValue": true}],
                "associatedObjects": ["CONTACT"], "allowsSensitiveProperties": false,
                "shouldCreateSameObjectAssociation": false})
        );
        let made = r#"{"id":"7","objectTypeId":"2-7","fullyQualifiedName":"p48151623_car","name":"car","labels":null,
            "associations":[{"id":"9","fromObjectTypeId":"2-7","toObjectTypeId":"0-1","name":"car_to_contact"}],
            "properties":[],"requiredProperties":["plate"],"searchableProperties":[],"archived":false}"#;
        let made = create.decode(&answer(201, made)).expect("a schema");
        assert_eq!((made.object_type(), made.associations[0].id.as_deref()), (car(), Some("9")));
        let change = SchemaChange { searchable_properties: Some(Vec::new()), ..SchemaChange::default() };
        let call = Update { object_type: car(), change }.call(ApiVersion::V2026_09);
        assert_eq!(
            (call.method.as_str(), sent(&call)),
            ("PATCH", json!({"searchableProperties": [], "clearDescription": false}))
        );
        let delete = |purge| Delete { object_type: car(), purge }.call(ApiVersion::V3).target();
        assert_eq!(delete(false), "/crm-object-schemas/v3/schemas/2-7");
        assert_eq!(delete(true), "/crm-object-schemas/v3/schemas/2-7?archived=true");
        let mut many = create.clone();
        many.schema.searchable_properties = vec!["plate".to_owned(); 21];
        assert!(create.check().is_ok() && many.check().is_err());
    }

    #[test]
    fn schemas_are_read_many_at_once_and_associated() {
        let read = BatchRead { object_types: vec![car()], include: Include::DEFINITIONS };
        let call = read.call(ApiVersion::V2026_03);
        assert_eq!(call.path, "/crm-object-schemas/2026-03/schemas/batch/read");
        assert_eq!(
            sent(&call),
            json!({"inputs": ["2-7"], "includePropertyDefinitions": true, "includeAssociationDefinitions": true,
                "includeAuditMetadata": false})
        );
        let associate = Associate {
            object_type: car(),
            from: "2-7".to_owned(),
            to: "0-1".to_owned(),
            name: Some("owner".to_owned()),
        };
        let call = associate.call(ApiVersion::V3);
        assert_eq!(call.path, "/crm-object-schemas/v3/schemas/2-7/associations");
        assert_eq!(sent(&call), json!({"fromObjectTypeId": "2-7", "toObjectTypeId": "0-1", "name": "owner"}));
        let made = r#"{"id":11,"fromObjectTypeId":"2-7","toObjectTypeId":"0-1","name":"owner"}"#;
        assert_eq!(associate.decode(&answer(201, made)).expect("a type").id.as_deref(), Some("11"));
        let call = Dissociate { object_type: car(), id: "11".to_owned() }.call(ApiVersion::V3);
        let expected = ("DELETE", "/crm-object-schemas/v3/schemas/2-7/associations/11");
        assert_eq!((call.method.as_str(), call.path.as_str()), expected);
    }
}
