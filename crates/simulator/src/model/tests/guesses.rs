//! Behaviours that no recording or document settles: what was chosen, held so that a change of mind is a visible one.

use http::{HeaderMap, HeaderValue, Method};
use serde_json::{Value, json};

use super::{Desk, dice};
use crate::model::{Caller, RecordSource};
use crate::wire::{ApiRequest, Millis};

fn ids(page: &Value) -> Vec<&str> {
    page["results"].as_array().unwrap().iter().map(|record| record["id"].as_str().unwrap()).collect()
}

fn sorted(desk: &mut Desk, property: &str, direction: &str) -> Value {
    let body = json!({"sorts": [{"propertyName": property, "direction": direction}], "limit": 200});
    desk.post("/crm/v3/objects/contacts/search", &body.to_string()).1
}

#[test]
fn records_without_a_value_come_last_in_both_directions() {
    let mut desk = Desk::new();
    let turin = desk.make("contacts", r#"{"city":"Turin"}"#);
    let nowhere = desk.make("contacts", r#"{"email":"ada@x.test"}"#);
    let rome = desk.make("contacts", r#"{"city":"Rome"}"#);
    assert_eq!(ids(&sorted(&mut desk, "city", "ASCENDING")), [&rome, &turin, &nowhere]);
    assert_eq!(ids(&sorted(&mut desk, "city", "DESCENDING")), [&turin, &rome, &nowhere]);
}

#[test]
fn record_ids_sort_as_numbers() {
    let mut desk = Desk::new();
    let mut made: Vec<u64> = (0..120).map(|_| desk.make("contacts", "{}").parse().unwrap()).collect();
    let page = sorted(&mut desk, "hs_object_id", "DESCENDING");
    made.reverse();
    let found: Vec<u64> = ids(&page).into_iter().map(|id| id.parse().unwrap()).collect();
    assert_eq!(found, made);
}

#[test]
fn too_long_a_value_and_an_address_beyond_ascii_have_codes_of_their_own() {
    let mut desk = Desk::new();
    let cases = [
        (json!({"city": "x".repeat(65_537)}), "PROPERTY_VALUE_TOO_LONG"),
        (json!({"email": "zoë@x.test"}), "INVALID_EMAIL"),
        (json!({"email": "zoe@zoë.test"}), "INVALID_EMAIL"),
    ];
    for (properties, code) in cases {
        let body = json!({"properties": properties}).to_string();
        let (status, refusal) = desk.post("/crm/v3/objects/contacts", &body);
        assert_eq!((status, &refusal["errors"][0]["code"]), (400, &json!(code)));
    }
    assert_eq!(
        desk.post("/crm/v3/objects/contacts", &json!({"properties": {"city": "x".repeat(65_536)}}).to_string()).0,
        201
    );
}

#[test]
fn the_refusal_of_too_long_a_value_does_not_repeat_it() {
    let mut desk = Desk::new();
    let body = json!({"properties": {"city": "x".repeat(65_537)}}).to_string();
    let answer = desk.answer("POST", "/crm/v3/objects/contacts", &body);
    let text = std::str::from_utf8(&answer.body).unwrap();
    assert!(answer.status == 400 && text.len() < 2_000 && text.contains(r#"\"propertyValue\":\"\""#), "{text}");
}

#[test]
fn an_upsert_by_email_succeeds_in_part_unless_the_portal_is_told_otherwise() {
    for (partial, status, made) in [(true, 207, 1), (false, 400, 0)] {
        let mut desk = Desk::with(|options| options.upsert_by_email_partial = partial);
        let input = |email: &str, closed: &str| json!({"id": email, "idProperty": "email", "objectWriteTraceId": email, "properties": {"closedate": closed}});
        let body = json!({"inputs": [input("ada@x.test", "2026-01-01"), input("bob@x.test", "soon")]}).to_string();
        let (answered, answer) = desk.post("/crm/v3/objects/contacts/batch/upsert", &body);
        assert_eq!(answered, status, "{answer}");
        assert_eq!(desk.portal.record_counts().get("contacts").copied().unwrap_or_default(), made);
    }
}

#[test]
fn an_unknown_property_is_an_error_beside_the_results_of_a_batch_read() {
    for (reports, status) in [(true, 207), (false, 200)] {
        let mut desk = Desk::with(|options| options.batch_read_reports_unknown = reports);
        let ada = desk.make("contacts", "{}");
        let body = json!({"inputs": [{"id": ada}], "properties": ["city", "favcolour"]}).to_string();
        let (answered, answer) = desk.post("/crm/v3/objects/contacts/batch/read", &body);
        assert_eq!((answered, ids(&answer)), (status, vec![ada.as_str()]));
    }
}

#[test]
fn only_writes_of_associations_answer_in_the_order_of_their_inputs() {
    let mut desk = Desk::new();
    let company = desk.make("companies", "{}");
    let contacts: Vec<String> = (0..50).map(|_| desk.make("contacts", "{}")).collect();
    let read = json!({"inputs": contacts.iter().map(|id| json!({"id": id})).collect::<Vec<_>>()}).to_string();
    let (_, read) = desk.post("/crm/v3/objects/contacts/batch/read", &read);
    assert_ne!(ids(&read), contacts);
    let pair = |id: &String| json!({"from": {"id": id}, "to": {"id": company}});
    let write = json!({"inputs": contacts.iter().map(pair).collect::<Vec<_>>()}).to_string();
    let (_, written) = desk.post("/crm/v4/associations/contacts/companies/batch/associate/default", &write);
    let from: Vec<&str> =
        written["results"].as_array().unwrap().iter().filter_map(|entry| entry["from"]["id"].as_str()).collect();
    let forward: Vec<&str> = from.into_iter().filter(|id| *id != company).collect();
    assert_eq!(forward, contacts);
}

#[test]
fn a_batch_of_version_3_associations_is_answered_200() {
    let mut desk = Desk::new();
    let (ada, alpha) = (desk.make("contacts", "{}"), desk.make("companies", "{}"));
    let body =
        json!({"inputs": [{"from": {"id": ada}, "to": {"id": alpha}, "type": "contact_to_company"}]}).to_string();
    assert_eq!(desk.post("/crm/v3/associations/contacts/companies/batch/create", &body).0, 200);
}

#[test]
fn archiving_a_record_removes_its_associations() {
    let mut desk = Desk::new();
    let (ada, alpha) = (desk.make("contacts", "{}"), desk.make("companies", "{}"));
    let linked = format!("/crm/v4/objects/companies/{alpha}/associations/contacts");
    desk.send("PUT", &format!("/crm/v4/objects/contacts/{ada}/associations/default/companies/{alpha}"), "");
    assert_eq!(desk.get(&linked).1["results"].as_array().unwrap().len(), 1);
    desk.send("DELETE", &format!("/crm/v3/objects/contacts/{ada}"), "");
    assert_eq!(desk.get(&linked).1["results"], json!([]));
}

#[test]
fn a_body_that_is_not_declared_as_json_is_a_415_page() {
    let mut desk = Desk::new();
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("text/plain"));
    let request = ApiRequest {
        method: Method::POST,
        path: "/crm/v3/objects/contacts".to_owned(),
        query: String::new(),
        headers,
        body: r#"{"properties":{}}"#.into(),
    };
    let caller = Caller { app_id: 7007, source: RecordSource::Integration };
    let answer = desk.portal.handle(&request, &caller, Millis(desk.now), &mut dice(1));
    assert_eq!(answer.status, 415);
    assert!(answer.headers["content-type"].to_str().unwrap().starts_with("text/html"));
}
