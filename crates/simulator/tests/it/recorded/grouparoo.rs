//! 1,355 exchanges that grouparoo/grouparoo recorded in 2021 and 2022.
//!
//! Each is repeated in an account of its own, which is brought into the state that the recorded answer shows: records
//! with the values told, cleared ones where they are empty, and updates that searches do not see yet.

use std::collections::BTreeMap;

use linchpin_simulator::Profile;
use serde_json::{Map, Value, json};

use super::{
    compare::{Recorded, Tally},
    desk::Desk,
};

/// The custom object of the recorded account.
const CUSTOM: &str = "2-3604285";

/// Properties that the recorded account had beyond the standard ones: name and type, by object type.
const OWN: &[(&str, &[(&str, &str)])] = &[
    ("contacts", &[("text_field", "string"), ("number_field", "number"), ("date_field", "date")]),
    ("companies", &[("facebookfans", "number")]),
];

fn field_type(value_type: &str) -> &'static str {
    match value_type {
        "number" => "number",
        "date" => "date",
        _ => "text",
    }
}

/// An account with the properties and the schema of the recorded one; what is created is the id of the custom type.
fn account() -> (Desk, String) {
    let mut desk = Desk::new(Profile::Recorded2022);
    for (object_type, properties) in OWN {
        let group = if *object_type == "contacts" { "contactinformation" } else { "companyinformation" };
        for (name, value_type) in *properties {
            let body = json!({"name": name, "label": name, "type": value_type, "fieldType": field_type(value_type),
                              "groupName": group});
            desk.prepare("POST", &format!("/crm/v3/properties/{object_type}"), &body);
        }
    }
    let property = |name: &str, value_type: &str, unique: bool| {
        json!({"name": name, "label": name, "type": value_type, "fieldType": field_type(value_type),
               "hasUniqueValue": unique})
    };
    let schema = json!({
        "name": "grouparoo_object",
        "labels": {"singular": "Grouparoo object", "plural": "Grouparoo objects"},
        "primaryDisplayProperty": "grouparoo_object_property",
        "requiredProperties": ["grouparoo_object_property"],
        "searchableProperties": ["grouparoo_object_property"],
        "properties": [
            property("grouparoo_object_property", "string", false),
            property("first_name", "string", false),
            property("last_name", "string", false),
            property("text_field", "string", false),
            property("number_field", "number", false),
        ],
        "associatedObjects": ["CONTACT"]
    });
    let made = desk.prepare("POST", "/crm/v3/schemas", &schema);
    let id = made["objectTypeId"].as_str().unwrap().to_owned();
    (desk, id)
}

/// A value that a property had before it was cleared.
const BEFORE: &str = "1";

/// What a create may set of a recorded record: a value even where the recording shows a cleared one.
fn writable(record: &Value) -> Map<String, Value> {
    let computed = |name: &str| name.starts_with("hs_") || (name.ends_with("date") && name != "date_field");
    let given = record["properties"].as_object().unwrap().iter();
    let given = given.filter(|(name, value)| !computed(name) && !value.is_null());
    given.map(|(name, value)| (name.clone(), if value == "" { json!(BEFORE) } else { value.clone() })).collect()
}

/// The properties that a recorded record shows as cleared.
fn cleared(record: &Value) -> Map<String, Value> {
    let given = record["properties"].as_object().into_iter().flatten();
    given.filter(|(_, value)| **value == "").map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn patch(desk: &mut Desk, object_type: &str, id: &str, properties: &Map<String, Value>) {
    if !properties.is_empty() {
        desk.prepare("PATCH", &format!("/crm/v3/objects/{object_type}/{id}"), &json!({ "properties": properties }));
    }
}

/// The value that the search looked for, where the record that it found has another by now.
fn outdated(search: &Value, record: &Value) -> Option<(String, Value)> {
    let filters: Vec<&Value> =
        search["filterGroups"].as_array()?.iter().flat_map(|group| group["filters"].as_array().unwrap()).collect();
    let fits = |filter: &&&Value| {
        let value = record["properties"][filter["propertyName"].as_str().unwrap()].as_str().unwrap_or_default();
        value.eq_ignore_ascii_case(filter["value"].as_str().unwrap())
    };
    let first = filters.first()?;
    let is_found = filters.iter().any(|filter| fits(&filter));
    (!is_found).then(|| (first["propertyName"].as_str().unwrap().to_owned(), first["value"].clone()))
}

/// Makes the records that the exchange is about, and returns their new ids by the recorded ones.
fn seed(desk: &mut Desk, path: &str, exchange: &Value) -> BTreeMap<String, String> {
    let mut ids = BTreeMap::new();
    let Some(object_type) = path.strip_prefix("/crm/v3/objects/").and_then(|rest| rest.split('/').next()) else {
        return ids;
    };
    let (request, answer) = (&exchange["req"]["body"], &exchange["res"]["body"]);
    let mut late = Vec::new();
    if path.ends_with("/search") {
        for record in answer["results"].as_array().into_iter().flatten() {
            let mut properties = writable(record);
            let now: Vec<(String, Value)> = outdated(request, record)
                .into_iter()
                .map(|(name, value)| (name.clone(), properties.insert(name, value).unwrap()))
                .collect();
            let id = desk.make(object_type, &Value::Object(properties));
            patch(desk, object_type, &id, &cleared(record));
            late.push((id, now.into_iter().collect()));
        }
    } else if path.ends_with("/batch/update") || path.ends_with("/batch/archive") {
        for input in request["inputs"].as_array().into_iter().flatten() {
            let mut properties = Map::new();
            if object_type.starts_with("2-") {
                properties.insert("grouparoo_object_property".into(), json!("x"));
            }
            properties.extend(cleared(input).into_iter().map(|(name, _)| (name, json!(BEFORE))));
            ids.insert(input["id"].as_str().unwrap().to_owned(), desk.make(object_type, &Value::Object(properties)));
        }
    }
    desk.settle();
    for (id, properties) in late {
        patch(desk, object_type, &id, &properties);
    }
    ids
}

/// The two records of an exchange of version 1 associations, tied where the answer shows them tied: the path and the
/// request with their new ids.
fn tie(desk: &mut Desk, path: String, mut exchange: Value) -> (String, Value) {
    let Some(rest) = path.strip_prefix("/crm-associations/v1/associations") else { return (path, exchange) };
    let (contact, company) = (desk.make("contacts", &json!({})), desk.make("companies", &json!({})));
    let linked = exchange["res"]["body"]["results"].as_array().is_some_and(|results| !results.is_empty());
    if linked || rest == "/delete" {
        let target = format!("/crm/v4/objects/contacts/{contact}/associations/companies/{company}");
        let types = json!([{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}]);
        desk.prepare("PUT", &target, &types);
    }
    desk.settle();
    if let Some(body) = exchange["req"]["body"].as_object_mut() {
        body.insert("fromObjectId".to_owned(), json!(contact.parse::<u64>().unwrap()));
        body.insert("toObjectId".to_owned(), json!(company));
        return (path, exchange);
    }
    (format!("/crm-associations/v1/associations/{contact}/HUBSPOT_DEFINED/1"), exchange)
}

fn mapped(body: &Value, ids: &BTreeMap<String, String>) -> Value {
    let mut body = body.clone();
    for input in body.get_mut("inputs").and_then(Value::as_array_mut).into_iter().flatten() {
        let new = input["id"].as_str().and_then(|id| ids.get(id)).cloned();
        if let Some(new) = new {
            input["id"] = json!(new);
        }
    }
    body
}

fn recorded(answer: &Value) -> Recorded {
    let headers = answer["headers"].as_object().unwrap().keys().map(|name| name.to_ascii_lowercase()).collect();
    Recorded {
        status: u16::try_from(answer["status"].as_u64().unwrap()).unwrap(),
        headers: Some(headers),
        body: answer["body"].clone(),
    }
}

fn source(path: &str) -> &'static str {
    match path.rsplit('/').next() {
        Some("search") => "grouparoo search",
        Some("create") => "grouparoo create",
        Some("update") => "grouparoo update",
        Some("archive") => "grouparoo archive",
        _ if path.contains("/schemas") => "grouparoo schema",
        _ => "grouparoo legacy",
    }
}

#[test]
fn answers_have_the_shape_of_those_recorded_in_2021_and_2022() {
    let Some(text) = super::text("grouparoo_nock_2021-2022.jsonl") else { return };
    let mut tally = Tally::default();
    for line in text.lines() {
        let exchange: Value = serde_json::from_str(line).unwrap();
        let (method, path) = (exchange["req"]["method"].as_str().unwrap(), exchange["req"]["path"].as_str().unwrap());
        if exchange["res"]["body"].as_str().is_some_and(|text| !text.is_empty()) {
            tally.excuse("the recording leaves the body out");
            continue;
        }
        let is_old = path.starts_with("/crm-associations/v1/") || path.starts_with("/properties/v1/");
        if !path.starts_with("/crm/v3/") && !is_old {
            tally.excuse("the path is of version 1");
            continue;
        }
        let (mut desk, custom) = account();
        let own_path = path.replace(CUSTOM, &custom);
        let ids = seed(&mut desk, &own_path, &exchange);
        let (own_path, exchange) = tie(&mut desk, own_path, exchange.clone());
        desk.token = if exchange["auth"] == "oauth" { "oauth" } else { "key" };
        let body = mapped(&exchange["req"]["body"], &ids);
        if exchange["res"]["status"] == 429 {
            for _ in 0..4 {
                assert_eq!(desk.send(method, &own_path, &body).status, 200);
            }
        }
        let ours = desk.send(method, &own_path, &body);
        tally.compare(source(path), &format!("{method} {path}"), &recorded(&exchange["res"]), &ours);
    }
    tally.finish("grouparoo", 852);
}
