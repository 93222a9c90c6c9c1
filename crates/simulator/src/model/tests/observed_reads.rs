//! Observed behaviours of reads, searches and definitions that no other test holds: one test for each.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Desk;
use crate::{model::SeedSpec, wire::Millis};

const CONTACTS: &str = "/crm/v3/objects/contacts";

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn ids(body: &Value) -> Vec<&str> {
    body["results"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect()
}

fn search(desk: &mut Desk, body: &Value) -> (u16, Value) {
    desk.post(&format!("{CONTACTS}/search"), &body.to_string())
}

#[test]
fn a_search_forgives_what_live_ones_forgive() {
    let mut desk = Desk::new();
    let ada = desk.make("contacts", r#"{"email":"ada@x.test","city":"Turin"}"#);
    let city = json!({"propertyName": "city", "operator": "EQ", "value": "Turin"});
    for body in [
        json!({"filters": [city]}),
        json!({"filters": [city], "after": "", "sorts": [], "limit": "200"}),
        json!({"filterGroups": [{"filters": []}]}),
        json!({"filterGroups": [], "query": ""}),
    ] {
        let (status, found) = search(&mut desk, &body);
        assert_eq!((status, ids(&found)), (200, vec![ada.as_str()]), "{body}");
    }
}

#[test]
fn operators_want_their_own_keys() {
    let mut desk = Desk::new();
    for (filter, lacks) in [
        (json!({"propertyName": "city", "operator": "IN", "value": "turin"}), "requires values"),
        (json!({"propertyName": "city", "operator": "IN", "values": []}), "requires values"),
        (json!({"propertyName": "city", "operator": "BETWEEN", "value": "a"}), "requires a highValue"),
        (json!({"propertyName": "city", "operator": "EQ"}), "requires a value"),
        (json!({"propertyName": "city", "operator": "LIKE", "value": "a"}), "OperatorEnum"),
    ] {
        let (status, refusal) = search(&mut desk, &json!({"filters": [filter]}));
        let message = refusal["message"].as_str().unwrap();
        assert!(status == 400 && message.contains(lacks), "{message}");
        assert!(refusal.get("category").is_none());
    }
}

#[test]
fn a_search_finds_by_old_values_and_shows_the_new_ones() {
    let mut desk = Desk::with(|options| options.index_lag = crate::model::IndexLag::Recorded);
    let ada = desk.make("contacts", r#"{"city":"Turin"}"#);
    desk.now += 60_000;
    desk.send("PATCH", &format!("{CONTACTS}/{ada}"), r#"{"properties":{"city":"Rome"}}"#);
    desk.now += 1_000;
    let by_city = |city: &str| {
        let filter = json!({"propertyName": "city", "operator": "EQ", "value": city});
        json!({"filters": [filter], "properties": ["city"]})
    };
    assert_eq!(search(&mut desk, &by_city("Rome")).1["total"], 0);
    let (_, page) = search(&mut desk, &by_city("Turin"));
    assert_eq!((&page["total"], &page["results"][0]["properties"]["city"]), (&json!(1), &json!("Rome")));
    assert!(page["results"][0]["updatedAt"].as_str() > page["results"][0]["createdAt"].as_str());
}

#[test]
fn without_a_sort_the_oldest_comes_first() {
    let mut desk = Desk::new();
    let mut made = Vec::new();
    for _ in 0..5 {
        desk.now += 1_000;
        made.push(desk.make("contacts", "{}"));
    }
    let first = format!("{CONTACTS}/{}", made[0]);
    desk.send("PATCH", &first, r#"{"properties":{"city":"Rome"}}"#);
    assert_eq!(ids(&search(&mut desk, &json!({})).1), made);
}

#[test]
fn a_batch_leaves_one_millisecond_on_all_its_records() {
    let mut desk = Desk::new();
    let inputs = json!({"inputs": vec![json!({"properties": {}}); 100]}).to_string();
    for _ in 0..3 {
        desk.post(&format!("{CONTACTS}/batch/create"), &inputs);
    }
    let at = desk.now.to_string();
    let same = json!({"propertyName": "lastmodifieddate", "operator": "EQ", "value": at});
    assert_eq!(search(&mut desk, &json!({"filters": [same]})).1["total"], 300);
}

#[test]
fn contacts_have_a_name_of_their_own_for_the_modified_date_and_id_and_dates_come_unasked() {
    let mut desk = Desk::new();
    let schema = json!({"name": "machine", "labels": {"singular": "Machine", "plural": "Machines"},
        "primaryDisplayProperty": "hs_object_id", "requiredProperties": [], "properties": [], "associatedObjects": []});
    desk.post("/crm/v3/schemas", &schema.to_string());
    for (object_type, created, modified) in [
        ("contacts", "createdate", "lastmodifieddate"),
        ("companies", "createdate", "hs_lastmodifieddate"),
        ("deals", "createdate", "hs_lastmodifieddate"),
        ("notes", "hs_createdate", "hs_lastmodifieddate"),
        ("p_machine", "hs_createdate", "hs_lastmodifieddate"),
    ] {
        let properties = if object_type == "notes" { r#"{"hs_timestamp":"2026-01-01"}"# } else { "{}" };
        let id = desk.make(object_type, properties);
        let (_, read) = desk.get(&format!("/crm/v3/objects/{object_type}/{id}?properties=nonsense"));
        assert_eq!(
            keys(&read["properties"]).into_iter().collect::<BTreeSet<_>>(),
            [created, modified, "hs_object_id"].into()
        );
    }
}

#[test]
fn a_type_goes_by_all_its_names_in_any_case() {
    let mut desk = Desk::new();
    let ada = desk.make("contacts", "{}");
    for name in ["contacts", "contact", "CONTACT", "Contacts", "0-1"] {
        assert_eq!(desk.get(&format!("/crm/v3/objects/{name}/{ada}")).0, 200, "{name}");
        assert_eq!(desk.post(&format!("/crm/v3/objects/{name}/search"), "{}").1["total"], 1, "{name}");
    }
}

#[test]
fn an_empty_list_is_nothing_but_its_results() {
    let mut desk = Desk::new();
    for target in ["/crm/v3/objects/products", "/crm/v3/owners", "/crm/v3/schemas"] {
        assert_eq!(desk.get(target), (200, json!({"results": []})), "{target}");
    }
}

#[test]
fn a_cursor_that_is_no_number_is_refused() {
    let mut desk = Desk::new();
    let (status, refusal) = desk.get(&format!("{CONTACTS}?after=next"));
    assert_eq!(status, 400);
    assert!(refusal["message"].as_str().unwrap().starts_with("Cannot deserialize value of type "), "{refusal}");
}

#[test]
fn a_list_with_histories_has_pages_of_fifty() {
    let mut desk = Desk::new();
    for _ in 0..51 {
        desk.make("contacts", "{}");
    }
    let (status, page) = desk.get(&format!("{CONTACTS}?limit=50&propertiesWithHistory=city"));
    assert_eq!((status, ids(&page).len()), (200, 50));
    assert!(page["paging"]["next"]["after"].is_string());
    assert_eq!(desk.get(&format!("{CONTACTS}?limit=51&propertiesWithHistory=city")).0, 400);
    assert_eq!(desk.get(&format!("{CONTACTS}?limit=51")).0, 200);
}

#[test]
fn a_version_says_when_and_by_what_it_was_written() {
    let mut desk = Desk::new();
    let ada = desk.make("contacts", r#"{"city":"Turin"}"#);
    let (_, read) = desk.get(&format!("{CONTACTS}/{ada}?propertiesWithHistory=city"));
    let version = &read["propertiesWithHistory"]["city"][0];
    assert_eq!(keys(version), ["value", "timestamp", "sourceType", "sourceId"]);
    assert_eq!((&version["sourceType"], &version["timestamp"]), (&json!("INTEGRATION"), &read["createdAt"]));
}

#[test]
fn an_owner_has_its_recorded_fields_and_archived_ones_are_asked_for() {
    let mut desk = Desk::new();
    let spec = SeedSpec { owners: 2, ..SeedSpec::default() };
    desk.portal.seed(&spec, Millis(desk.now), &mut super::dice(1));
    desk.portal.owners[1].archived_at = Some(Millis(desk.now));
    let gone = desk.portal.owners[1].id.to_string();
    let (_, page) = desk.get("/crm/v3/owners");
    assert_eq!(
        keys(&page["results"][0]),
        [
            "id",
            "email",
            "type",
            "firstName",
            "lastName",
            "userId",
            "userIdIncludingInactive",
            "createdAt",
            "updatedAt",
            "archived"
        ]
    );
    assert_eq!(page["results"][0]["type"], "PERSON");
    assert!(page["results"][0]["id"].is_string() && page["results"][0]["userId"].is_u64());
    assert!(!ids(&page).contains(&gone.as_str()));
    assert_eq!(ids(&desk.get("/crm/v3/owners?archived=true").1), [gone.as_str()]);
    assert_eq!(desk.get(&format!("/crm/v3/owners/{gone}")).0, 404);
}

#[test]
fn a_property_says_who_made_it_unless_hubspot_did() {
    let mut desk = Desk::new();
    let size = json!({"name": "size", "label": "Size", "type": "enumeration", "fieldType": "select",
                      "groupName": "contactinformation", "options": [{"label": "Small", "value": "s"}]});
    assert_eq!(desk.post("/crm/v3/properties/contacts", &size.to_string()).0, 201);
    let (_, own) = desk.get("/crm/v3/properties/contacts/size");
    let (_, given) = desk.get("/crm/v3/properties/contacts/city");
    for property in [&own, &given] {
        assert!(property["options"].is_array());
        assert_eq!((&property["displayOrder"], &property["dataSensitivity"]), (&json!(-1), &json!("non_sensitive")));
        assert_eq!(keys(&property["modificationMetadata"]), ["archivable", "readOnlyDefinition", "readOnlyValue"]);
    }
    assert!(own["createdUserId"].is_string() && own["updatedUserId"].is_string());
    assert_eq!((&own["archived"], own.get("hubspotDefined")), (&json!(false), None));
    assert!(given.get("createdUserId").is_none() && given.get("archived").is_none());
    assert_eq!(given["hubspotDefined"], true);
}

#[test]
fn the_account_tells_its_zone_and_where_its_data_is() {
    let mut desk = Desk::new();
    let (_, account) = desk.get("/account-info/v3/details");
    assert_eq!(
        keys(&account),
        [
            "portalId",
            "accountType",
            "timeZone",
            "companyCurrency",
            "additionalCurrencies",
            "utcOffset",
            "utcOffsetMilliseconds",
            "uiDomain",
            "dataHostingLocation"
        ]
    );
    assert_eq!((&account["timeZone"], &account["utcOffset"]), (&json!("US/Eastern"), &json!("-05:00")));
    assert_eq!(account["portalId"], 48_151_623);
}

#[test]
fn a_correlation_id_stands_in_header_and_body_and_is_of_version_7() {
    let mut desk = Desk::new();
    for (method, target) in [("GET", "/crm/v3/objects/contacts/1"), ("GET", "/crm/v3/objects/butterflies")] {
        let answer = desk.answer(method, target, "");
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        let id = body["correlationId"].as_str().unwrap();
        assert_eq!(answer.headers["x-hubspot-correlation-id"], id);
        assert_eq!(id.as_bytes()[14], b'7', "{id}");
        assert!(body.get("requestId").is_none());
    }
    assert!(desk.answer("GET", CONTACTS, "").headers.contains_key("x-hubspot-correlation-id"));
}

#[test]
fn a_fresh_account_may_hold_two_people_and_their_company() {
    let mut desk = Desk::with(|options| options.sample_records = true);
    let (_, page) = desk.get(&format!("{CONTACTS}?properties=email&associations=companies"));
    let emails: Vec<&str> =
        page["results"].as_array().unwrap().iter().map(|one| one["properties"]["email"].as_str().unwrap()).collect();
    assert_eq!(emails, ["bh@hubspot.com", "emailmaria@hubspot.com"]);
    let company = &page["results"][0]["associations"]["companies"]["results"][0]["id"];
    assert_eq!(desk.get("/crm/v3/objects/companies").1["results"][0]["id"], *company);
    assert!(Desk::new().portal.record_counts().is_empty(), "not by default");
}

#[test]
fn a_changed_property_takes_its_options_whole_and_keeps_what_is_fixed_at_birth() {
    let mut desk = Desk::new();
    let choice = |value: &str| json!({"label": value, "value": value});
    let size = json!({"name": "size", "label": "Size", "type": "enumeration", "fieldType": "select",
                      "groupName": "contactinformation", "options": [choice("s"), choice("m")]});
    desk.post("/crm/v3/properties/contacts", &size.to_string());
    let change = json!({"options": [choice("l")], "hasUniqueValue": true, "dataSensitivity": "sensitive",
                        "referencedObjectType": "OWNER"});
    let (status, changed) = desk.send("PATCH", "/crm/v3/properties/contacts/size", &change.to_string());
    assert_eq!(status, 200, "{changed}");
    assert_eq!(changed["options"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&changed["hasUniqueValue"], &changed["dataSensitivity"], changed.get("referencedObjectType")),
        (&json!(false), &json!("non_sensitive"), None)
    );
}

#[test]
fn a_property_that_its_schema_needs_cannot_be_archived() {
    let mut desk = Desk::new();
    let serial = json!({"name": "serial", "label": "Serial", "type": "string", "fieldType": "text"});
    let schema = json!({"name": "machine", "labels": {"singular": "Machine", "plural": "Machines"},
        "primaryDisplayProperty": "serial", "requiredProperties": ["serial"], "properties": [serial],
        "associatedObjects": []});
    desk.post("/crm/v3/schemas", &schema.to_string());
    let (status, refusal) = desk.send("DELETE", "/crm/v3/properties/p_machine/serial", "");
    assert_eq!(status, 400);
    assert!(refusal["subCategory"].as_str().unwrap().ends_with("CANNOT_DELETE_PROPERTY_IN_USE"), "{refusal}");
}

#[test]
fn a_standard_schema_is_as_old_as_the_epoch() {
    let mut desk = Desk::new();
    let (status, schema) = desk.get("/crm/v3/schemas/CONTACT");
    assert_eq!((status, &schema["createdAt"]), (200, &json!("1970-01-01T00:00:00Z")));
    assert_eq!((&schema["metaType"], &schema["objectTypeId"]), (&json!("HUBSPOT"), &json!("0-1")));
    let (_, pipelines) = desk.get("/crm/v3/pipelines/tickets");
    assert_eq!(pipelines["results"][0]["updatedAt"], "1970-01-01T00:00:00Z");
}
