//! Associations.

use serde_json::{Value, json};

use super::Desk;

fn pair(desk: &mut Desk) -> (String, String) {
    (desk.make("contacts", r#"{"email":"ada@x.test"}"#), desk.make("companies", r#"{"name":"Alpha"}"#))
}

#[test]
fn a_create_brings_its_associations_and_a_read_lists_one_entry_per_type() {
    let mut desk = Desk::new();
    let company = desk.make("companies", r#"{"name":"Alpha"}"#);
    let types = json!([{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}]);
    let body =
        json!({"properties": {"email": "ada@x.test"}, "associations": [{"to": {"id": company}, "types": types}]});
    let (status, made) = desk.post("/crm/v3/objects/contacts", &body.to_string());
    assert_eq!(status, 201);
    assert!(made.get("associations").is_none());
    let id = made["id"].as_str().unwrap();
    let (_, read) = desk.get(&format!("/crm/v3/objects/contacts/{id}?associations=companies,unheard_of"));
    assert_eq!(
        read["associations"],
        json!({"companies": {"results": [{"id": company, "type": "contact_to_company"},
                                          {"id": company, "type": "contact_to_company_unlabeled"}]}})
    );
    let wrong = json!({"properties": {}, "associations": [{"to": {"id": id}, "types": types}]});
    let (status, refusal) = desk.post("/crm/v3/objects/deals", &wrong.to_string());
    assert_eq!(status, 400);
    assert_eq!(refusal["message"], "invalid from object type 0-3 for associations to be created. expected: 0-1");
    let missing = json!({"properties": {}, "associations": [{"to": {"id": "77"}, "types": types}]});
    let (_, refusal) = desk.post("/crm/v3/objects/contacts", &missing.to_string());
    assert_eq!(refusal["message"], "One or more associations are invalid");
    assert_eq!(refusal["context"], json!({"INVALID_OBJECT_IDS": ["COMPANY=77 is not valid"]}));
}

#[test]
fn a_labelled_put_replaces_and_a_read_gives_numbers() {
    let mut desk = Desk::new();
    let (ada, alpha) = pair(&mut desk);
    let (_, labels) = desk.post(
        "/crm/v4/associations/contacts/companies/labels",
        r#"{"name":"partner","label":"Partner","inverseLabel":"Partner of"}"#,
    );
    let label = labels["results"][0]["typeId"].as_u64().unwrap();
    assert_eq!(labels["results"][1]["label"], "Partner of");
    let target = format!("/crm/v4/objects/contacts/{ada}/associations/companies/{alpha}");
    let types =
        |category: &str, id: u64| json!([{"associationCategory": category, "associationTypeId": id}]).to_string();
    let (status, put) = desk.send("PUT", &target, &types("USER_DEFINED", label));
    let expected = json!({"fromObjectTypeId": "0-1", "fromObjectId": ada.parse::<u64>().unwrap(), "toObjectTypeId": "0-2",
                          "toObjectId": alpha.parse::<u64>().unwrap(), "labels": ["Partner"]});
    assert_eq!((status, put), (201, expected));
    assert_eq!(desk.send("PUT", &target, &types("HUBSPOT_DEFINED", 1)).1["labels"], json!(["Primary"]));
    let (_, read) = desk.get(&format!("/crm/objects/2026-03/contacts/{ada}/associations/companies"));
    assert_eq!(
        read,
        json!({"results": [{"toObjectId": alpha.parse::<u64>().unwrap(), "associationTypes": [
            {"category": "HUBSPOT_DEFINED", "typeId": 1, "label": "Primary"},
            {"category": "HUBSPOT_DEFINED", "typeId": 279, "label": null}]}]})
    );
    assert_eq!(desk.send("DELETE", &target, "").0, 204);
    assert_eq!(desk.get(&format!("/crm/v4/objects/contacts/{ada}/associations/companies")).1, json!({"results": []}));
}

#[test]
fn batch_statuses_differ_by_version() {
    let mut desk = Desk::new();
    let (ada, alpha) = pair(&mut desk);
    let types = json!([{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]);
    let create = json!({"inputs": [{"from": {"id": ada}, "to": {"id": alpha}, "types": types}]}).to_string();
    let archive = json!({"inputs": [{"from": {"id": ada}, "to": [{"id": alpha}]}]}).to_string();
    for (prefix, created, archived) in [
        ("/crm/v4/associations", 201, 204),
        ("/crm/associations/2026-03", 201, 200),
        ("/crm/associations/2026-09", 200, 200),
    ] {
        let (status, body) = desk.post(&format!("{prefix}/contacts/companies/batch/create"), &create);
        assert_eq!((status, &body["results"][0]["labels"]), (created, &json!([])), "{prefix}");
        assert_eq!(desk.post(&format!("{prefix}/contacts/companies/batch/archive"), &archive).0, archived, "{prefix}");
    }
}

#[test]
fn a_batch_read_reports_records_without_associations_as_errors() {
    let mut desk = Desk::new();
    let (ada, alpha) = pair(&mut desk);
    let lonely = desk.make("contacts", r#"{"email":"lonely@x.test"}"#);
    desk.send("PUT", &format!("/crm/v4/objects/contacts/{ada}/associations/default/companies/{alpha}"), "");
    let body = json!({"inputs": [{"id": ada}, {"id": lonely}]}).to_string();
    let (status, read) = desk.post("/crm/v4/associations/contact/company/batch/read", &body);
    assert_eq!(status, 207);
    assert_eq!(read["results"][0]["from"], json!({"id": ada}));
    assert_eq!(
        read["errors"],
        json!([{"status": "error", "category": "OBJECT_NOT_FOUND", "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
                "message": format!("No company is associated with contact {lonely}."),
                "context": {"fromObjectId": [lonely], "fromObjectType": ["contact"], "toObjectType": ["company"]}}])
    );
}

#[test]
fn bad_pairs_of_a_batch_are_errors_of_their_own() {
    let mut desk = Desk::new();
    let ada = desk.make("contacts", "{}");
    let types = json!([{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 449}]);
    let input = |to: &str| json!({"from": {"id": ada}, "to": {"id": to}, "types": types});
    let body = json!({"inputs": [input("unknown_id"), input(&ada)]}).to_string();
    let (status, answer) = desk.post("/crm/v4/associations/contacts/contacts/batch/create", &body);
    let expected: Value = json!([
        {"status": "error", "category": "VALIDATION_ERROR", "subCategory": "crm.associations.INVALID_IDENTIFIER",
         "message": "unknown_id is not a valid ID", "context": {"id": ["unknown_id"]}},
        {"status": "error", "category": "VALIDATION_ERROR", "message": format!("Object {ada} cannot be associated to itself ({ada})")},
    ]);
    assert_eq!((status, &answer["errors"], &answer["numErrors"]), (207, &expected, &json!(2)));
}
