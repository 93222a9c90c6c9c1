//! Properties, groups, schemas, pipelines, owners, account.

use serde_json::json;

use super::Desk;
use crate::model::SeedSpec;

const SKU: &str = r#"{"name":"erp_key","label":"ERP key","type":"string","fieldType":"text","groupName":"dealinformation","hasUniqueValue":true}"#;

#[test]
fn a_new_property_is_visible_after_a_moment_and_its_name_is_taken_at_once() {
    let mut desk = Desk::with(|options| options.property_lag = true);
    let answer = desk.answer("POST", "/crm/v3/properties/deals", SKU);
    assert_eq!(answer.status, 201);
    assert_eq!(answer.headers["location"], "https://api.hubapi.com/crm/v3/properties/deals/erp_key");
    desk.now += 249;
    assert_eq!(desk.get("/crm/v3/properties/deals/erp_key").0, 404);
    let (status, refusal) = desk.post("/crm/v3/properties/deals", SKU);
    assert_eq!((status, &refusal["subCategory"]), (409, &json!("Properties.PROPERTY_WITH_NAME_EXISTS")));
    desk.now += 451;
    assert_eq!(desk.get("/crm/properties/2026-03/deals/erp_key").1["hasUniqueValue"], json!(true));
}

#[test]
fn a_unique_property_finds_records_and_refuses_a_second_owner() {
    let mut desk = Desk::new();
    desk.post("/crm/v3/properties/deals", SKU);
    let first = desk.make("deals", r#"{"dealname":"One","erp_key":"K-1"}"#);
    let (status, refusal) = desk.post("/crm/v3/objects/deals", r#"{"properties":{"erp_key":"K-1"}}"#);
    assert_eq!((status, &refusal["errors"][0]["code"]), (400, &json!("CONFLICTING_UNIQUE_VALUE")));
    assert_eq!(desk.get("/crm/v3/objects/deals/K-1?idProperty=erp_key").1["id"], first);
    let inputs = json!({"inputs": [{"id": "K-1", "idProperty": "erp_key", "properties": {"dealname": "Uno"}},
                                    {"id": "K-2", "idProperty": "erp_key", "properties": {"dealname": "Due"}}]});
    let (status, body) = desk.post("/crm/v3/objects/deals/batch/upsert", &inputs.to_string());
    assert_eq!(status, 200);
    let new: Vec<bool> = body["results"].as_array().unwrap().iter().map(|one| one["new"].as_bool().unwrap()).collect();
    assert_eq!(new.iter().filter(|new| **new).count(), 1);
}

#[test]
fn at_most_ten_unique_properties_and_none_on_products() {
    let mut desk = Desk::new();
    let key = |n: usize, group: &str| {
        json!({"name": format!("key{n}"), "label": format!("Key {n}"), "type": "string", "fieldType": "text",
               "groupName": group, "hasUniqueValue": true})
        .to_string()
    };
    for n in 0..10 {
        assert_eq!(desk.post("/crm/v3/properties/deals", &key(n, "dealinformation")).0, 201);
    }
    assert_eq!(desk.post("/crm/v3/properties/deals", &key(10, "dealinformation")).0, 400);
    assert_eq!(desk.post("/crm/v3/properties/products", &key(0, "productinformation")).0, 400);
}

#[test]
fn a_batch_of_properties_succeeds_in_part() {
    let mut desk = Desk::new();
    desk.post("/crm/v3/properties/deals", SKU);
    let size = json!({"name": "size", "label": "Size", "type": "enumeration", "fieldType": "select",
                      "groupName": "dealinformation", "options": [{"label": "Small", "value": "s"}]});
    let known: serde_json::Value = serde_json::from_str(SKU).unwrap();
    let (status, body) =
        desk.post("/crm/v3/properties/deals/batch/create", &json!({"inputs": [size, known]}).to_string());
    assert_eq!(status, 207);
    assert_eq!(
        body["results"][0]["options"],
        json!([{"label": "Small", "value": "s", "displayOrder": 0, "hidden": false}])
    );
    assert_eq!(
        body["errors"][0],
        json!({"status": "error", "category": "OBJECT_ALREADY_EXISTS", "subCategory": "Properties.PROPERTY_WITH_NAME_EXISTS",
               "message": "A property named 'erp_key' already exists.", "context": {"name": ["erp_key"]}})
    );
}

#[test]
fn an_archived_property_comes_back_with_its_values() {
    let mut desk = Desk::new();
    desk.post("/crm/v3/properties/deals", SKU);
    let deal = desk.make("deals", r#"{"erp_key":"K-1"}"#);
    let target = format!("/crm/v3/objects/deals/{deal}?properties=erp_key");
    assert_eq!(desk.send("DELETE", "/crm/v3/properties/deals/erp_key", "").0, 204);
    assert!(desk.get(&target).1["properties"].get("erp_key").is_none());
    assert_eq!(desk.post("/crm/v3/properties/deals", SKU).0, 201);
    assert_eq!(desk.get(&target).1["properties"]["erp_key"], "K-1");
}

#[test]
fn a_custom_object_lives_under_all_its_names() {
    let mut desk = Desk::new();
    let schema = json!({"name": "machine", "labels": {"singular": "Machine", "plural": "Machines"},
        "primaryDisplayProperty": "serial", "requiredProperties": ["serial"], "searchableProperties": ["serial"],
        "properties": [{"name": "serial", "label": "Serial", "type": "string", "fieldType": "text", "hasUniqueValue": true}],
        "associatedObjects": ["CONTACT"]});
    let (status, made) = desk.post("/crm-object-schemas/v3/schemas", &schema.to_string());
    assert_eq!(status, 201, "{made}");
    let type_id = made["objectTypeId"].as_str().unwrap().to_owned();
    assert_eq!(made["fullyQualifiedName"], "p48151623_machine");
    let id = desk.make("p48151623_machine", r#"{"serial":"M-1"}"#);
    for name in [type_id.as_str(), "p_machine", "P48151623_MACHINE"] {
        assert_eq!(desk.get(&format!("/crm/v3/objects/{name}/{id}")).0, 200, "{name}");
    }
    let (status, refusal) = desk.post(&format!("/crm/v3/objects/{type_id}"), r#"{"properties":{}}"#);
    assert_eq!(
        (status, &refusal["message"]),
        (400, &json!("Error creating p48151623_machine. Some required properties were not set."))
    );
    let ada = desk.make("contacts", "{}");
    let target = format!("/crm/v4/objects/{type_id}/{id}/associations/default/contacts/{ada}");
    assert_eq!(desk.send("PUT", &target, "").0, 200);
    let schema = format!("/crm/v3/schemas/{type_id}");
    assert_eq!(desk.send("DELETE", &schema, "").0, 400, "records are left");
    desk.send("DELETE", &format!("/crm/v3/objects/{type_id}/{id}"), "");
    assert_eq!(desk.send("DELETE", &schema, "").0, 204);
    assert_eq!(desk.get(&schema).0, 400);
}

#[test]
fn a_schema_of_a_dated_path_says_whether_it_allows_sensitive_properties() {
    let mut desk = Desk::new();
    let mut schema = json!({"name": "plain", "labels": {"singular": "Plain", "plural": "Plains"},
        "primaryDisplayProperty": "hs_object_id",
        "requiredProperties": [], "properties": [], "associatedObjects": []});
    let (_, made) = desk.post("/crm-object-schemas/2026-03/schemas", &schema.to_string());
    assert_eq!(made["allowsSensitiveProperties"], false, "{made}");
    schema["name"] = "secret".into();
    schema["allowsSensitiveProperties"] = true.into();
    desk.post("/crm-object-schemas/2026-03/schemas", &schema.to_string());
    assert_eq!(desk.get("/crm-object-schemas/2026-03/schemas/p_secret").1["allowsSensitiveProperties"], true);
    assert_eq!(desk.get("/crm/v3/schemas/p_secret").1.get("allowsSensitiveProperties"), None);
    let (_, changed) =
        desk.send("PATCH", "/crm-object-schemas/2026-03/schemas/p_plain", r#"{"allowsSensitiveProperties":true}"#);
    assert_eq!(changed["allowsSensitiveProperties"], true);
}

#[test]
fn a_stage_in_use_cannot_be_deleted() {
    let mut desk = Desk::new();
    let deal = desk.make("deals", r#"{"dealstage":"contractsent"}"#);
    let (_, pipelines) = desk.get("/crm/v3/pipelines/deals");
    assert_eq!(pipelines["results"][0]["stages"][4]["createdAt"], "1970-01-01T00:00:00Z");
    let (status, refusal) = desk.send("DELETE", "/crm/v3/pipelines/deals/default/stages/contractsent", "");
    assert_eq!(status, 400);
    assert_eq!(refusal["message"], format!("Stage IDs: [contractsent] are being referenced by object IDs: [{deal}]"));
    assert_eq!(refusal["subCategory"], "PipelineError.STAGE_ID_IN_USE");
    let stage = r#"{"label":"Legal","displayOrder":9,"metadata":{"probability":"0.95"}}"#;
    let (status, made) = desk.post("/crm/pipelines/2026-09/deals/default/stages", stage);
    assert_eq!((status, &made["metadata"]), (201, &json!({"probability": "0.95"})));
    let id = made["id"].as_str().unwrap();
    assert_eq!(desk.send("DELETE", &format!("/crm/v3/pipelines/deals/default/stages/{id}"), "").0, 204);
}

#[test]
fn owners_are_found_by_address_and_used_by_id() {
    let mut desk = Desk::new();
    let spec = SeedSpec { owners: 2, owner_emails: vec!["Rey.Doe@x.test".into()], ..SeedSpec::default() };
    let mut dice = super::dice(1);
    let report = desk.portal.seed(&spec, crate::wire::Millis(desk.now), &mut dice);
    assert_eq!(report.created["owners"], 3);
    let (_, page) = desk.get("/crm/v3/owners/?limit=2");
    assert!(page["paging"]["next"]["after"].is_string());
    let (_, found) = desk.get("/crm/owners/2026-03?email=rey.doe%40x.test");
    let id = found["results"][0]["id"].as_str().unwrap().to_owned();
    assert_ne!(found["results"][0]["userId"].to_string(), id);
    desk.make("contacts", &json!({"hubspot_owner_id": id}).to_string());
    assert_eq!(desk.get("/account-info/v3/details").1["utcOffset"], "-05:00");
}
