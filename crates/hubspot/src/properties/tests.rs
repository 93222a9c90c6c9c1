//! Property calls, and definitions as they were recorded.

use serde_json::{Value, json};

use super::*;
use crate::errors::category;
use crate::testing::{answer, recording};

fn contacts() -> ObjectType {
    ObjectType::new("contacts")
}

#[test]
fn a_new_property_says_whether_its_values_are_unique() {
    let property = NewProperty {
        name: "customer_key".to_owned(),
        label: "Customer key".to_owned(),
        property_type: PropertyType::PhoneNumber,
        field_type: "phonenumber".to_owned(),
        group_name: "g".to_owned(),
        description: String::new(),
        options: Vec::new(),
        has_unique_value: true,
    };
    let call = Create { object_type: contacts(), property }.call(ApiVersion::V3);
    let body: Value = serde_json::from_slice(&call.body.expect("a body")).expect("JSON");
    assert_eq!(call.path, "/crm/v3/properties/contacts");
    assert_eq!(
        body,
        json!({"name": "customer_key", "label": "Customer key", "type": "phone_number", "fieldType": "phonenumber",
            "groupName": "g", "hasUniqueValue": true})
    );
}

#[test]
fn every_type_reads_as_it_is_written() {
    let kinds = ["string", "number", "bool", "enumeration", "date", "datetime", "phone_number", "json"];
    for name in kinds {
        let kind: PropertyType = serde_json::from_value(json!(name)).expect("a type");
        assert_eq!(serde_json::to_value(kind).expect("text"), json!(name));
    }
    assert_eq!(PropertyType::from_name("newer"), PropertyType::Other);
}

#[test]
fn recorded_definitions_are_read() {
    for object in ["contacts", "deals"] {
        let Some(text) = recording(&format!("amp-labs_connectors/metadata-{object}-properties-sampled.json")) else {
            return;
        };
        let list = List { object_type: contacts(), archived: false };
        let found = list.decode(&answer(200, &text)).expect("definitions");
        let raw: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(found.len(), raw["results"].as_array().expect("a list").len());
        assert!(found.iter().all(|property| property.property_type != PropertyType::Other));
        if object == "deals" {
            assert!(found[0].external_options && found[0].options.is_empty() && !found[0].is_read_only());
        }
    }
}

#[test]
fn a_recorded_batch_create_says_which_names_exist() {
    let Some(text) = recording("amp-labs_connectors/custom__update__3-response-batch-create-properties.json") else {
        return;
    };
    let create = BatchCreate { object_type: contacts(), properties: Vec::new() };
    let outcome = create.decode(&answer(207, &text)).expect("a 207");
    assert!(outcome.results[0].has_unique_value);
    assert_eq!(outcome.num_errors, 2);
    let exists = &outcome.errors[0];
    assert!(exists.is(category::OBJECT_ALREADY_EXISTS));
    assert_eq!(exists.context["name"], ["age__c"]);
}

#[test]
fn a_recorded_group_is_read() {
    let Some(text) = recording("amp-labs_connectors/custom__create__2-response-create-property-group.json") else {
        return;
    };
    let group = PropertyGroup { name: String::new(), label: String::new(), display_order: -1 };
    let group = CreateGroup { object_type: contacts(), group }.decode(&answer(201, &text)).expect("a group");
    assert!(!group.name.is_empty());
}

fn shown(call: &Call) -> (String, String) {
    (call.method.to_string(), call.target())
}

fn sent(call: &Call) -> Value {
    serde_json::from_slice(call.body.as_ref().expect("a body")).expect("JSON")
}

#[test]
fn a_change_names_only_what_changes() {
    let change = PropertyChange { label: Some("Kind".to_owned()), hidden: Some(true), ..PropertyChange::default() };
    let update = Update { object_type: contacts(), name: "kind".to_owned(), change };
    let call = update.call(ApiVersion::V2025_09);
    assert_eq!(shown(&call), ("PATCH".to_owned(), "/crm/properties/2025-09/contacts/kind".to_owned()));
    assert_eq!(sent(&call), json!({"label": "Kind", "hidden": true}));
    let read = update.decode(&answer(200, r#"{"name":"kind","type":"string","fieldType":"text","label":"Kind"}"#));
    assert_eq!(read.expect("a property").label, "Kind");
    let call = Archive { object_type: contacts(), name: "kind".to_owned() }.call(ApiVersion::V3);
    assert_eq!(shown(&call), ("DELETE".to_owned(), "/crm/v3/properties/contacts/kind".to_owned()));
}

#[test]
fn batches_of_properties_go_by_name() {
    let names = vec!["a".to_owned(), "b".to_owned()];
    let read = BatchRead {
        object_type: contacts(),
        names: names.clone(),
        archived: false,
        sensitivity: Sensitivity::HighlySensitive,
    };
    let call = read.call(ApiVersion::V2026_03);
    assert_eq!(call.path, "/crm/properties/2026-03/contacts/batch/read");
    let inputs = json!([{"name": "a"}, {"name": "b"}]);
    assert_eq!(sent(&call), json!({"archived": false, "inputs": inputs, "dataSensitivity": "highly_sensitive"}));
    let text = r#"{"status":"COMPLETE","results":[{"name":"a","type":"string"}],"numErrors":1,
        "errors":[{"status":"error","category":"OBJECT_NOT_FOUND","message":"no b","context":{"name":["b"]}}]}"#;
    let outcome = read.decode(&answer(207, text)).expect("a 207");
    assert_eq!((outcome.results.len(), outcome.errors[0].context["name"].as_slice()), (1, &["b".to_owned()][..]));
    let archive = BatchArchive { object_type: contacts(), names }.call(ApiVersion::V3);
    assert_eq!(
        (archive.path.as_str(), sent(&archive)),
        ("/crm/v3/properties/contacts/batch/archive", json!({"inputs": inputs}))
    );
    let many = BatchArchive { object_type: contacts(), names: vec!["a".to_owned(); 101] };
    assert!(many.check().is_err());
}

#[test]
fn groups_are_read_changed_and_archived() {
    let of = |name: &str| (contacts(), name.to_owned());
    let (object_type, name) = of("g");
    let read = ReadGroup { object_type, name };
    assert_eq!(read.call(ApiVersion::V3).target(), "/crm/v3/properties/contacts/groups/g");
    let group = read.decode(&answer(200, r#"{"name":"g","label":null,"archived":false}"#)).expect("a group");
    assert_eq!((group.label.as_str(), group.display_order), ("", -1));
    let (object_type, name) = of("g");
    let change = GroupChange { label: Some("G".to_owned()), display_order: None };
    let call = UpdateGroup { object_type, name, change }.call(ApiVersion::V3);
    assert_eq!((call.method.as_str(), sent(&call)), ("PATCH", json!({"label": "G"})));
    let (object_type, name) = of("g");
    let call = ArchiveGroup { object_type, name }.call(ApiVersion::V2026_09);
    assert_eq!(shown(&call), ("DELETE".to_owned(), "/crm/properties/2026-09/contacts/groups/g".to_owned()));
}
