//! Object calls, single and batch.

use serde_json::json;

use super::{Desk, NINE};

#[test]
fn a_created_contact_answers_with_its_derived_properties_and_a_location() {
    let mut desk = Desk::new();
    let answer = desk.answer(
        "POST",
        "/crm/v3/objects/contacts",
        r#"{"properties":{"email":"Ada@Example.test","firstname":"Ada","numemployees":null}}"#,
    );
    assert_eq!(answer.status, 201);
    let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    let id = body["id"].as_str().unwrap();
    assert_eq!(answer.headers["location"], format!("https://api.hubapi.com/crm/v3/objects/contacts/{id}"));
    let expected = format!(
        concat!(
            r#"{{"id":"{0}","properties":{{"createdate":"2026-11-20T09:15:02.417Z","email":"ada@example.test","firstname":"Ada","#,
            r#""hs_all_contact_vids":"{0}","hs_email_domain":"example.test","hs_full_name_or_email":"Ada","#,
            r#""hs_is_contact":"true","hs_is_unworked":"true","hs_lifecyclestage_lead_date":"{1}","#,
            r#""hs_marketable_status":"false","hs_marketable_until_renewal":"false","hs_object_id":"{0}","#,
            r#""hs_object_source":"INTEGRATION","hs_object_source_id":"7007","hs_object_source_label":"INTEGRATION","#,
            r#""hs_pipeline":"contacts-lifecycle-pipeline","lastmodifieddate":"2026-11-20T09:15:02.417Z","#,
            r#""lifecyclestage":"lead","num_notes":"0"}},"createdAt":"2026-11-20T09:15:02.417Z","#,
            r#""updatedAt":"2026-11-20T09:15:02.417Z","archived":false,"#,
            r#""url":"https://app.hubspot.com/contacts/48151623/record/0-1/{0}"}}"#
        ),
        id, NINE
    );
    assert_eq!(String::from_utf8(answer.body.to_vec()).unwrap(), expected);
}

#[test]
fn a_list_ascends_and_hands_out_the_next_id() {
    let mut desk = Desk::new();
    let ids: Vec<String> = (0..3).map(|n| desk.make("contacts", &format!(r#"{{"email":"c{n}@x.test"}}"#))).collect();
    let (_, page) = desk.get("/crm/v3/objects/contacts?limit=2&properties=email,phone,nonsense");
    assert_eq!(page["results"][1]["id"], ids[1]);
    assert_eq!(page["results"][0]["properties"]["phone"], json!(null));
    assert!(page["results"][0]["properties"].get("nonsense").is_none());
    assert_eq!(page["paging"]["next"]["after"], ids[2]);
    let link = page["paging"]["next"]["link"].as_str().unwrap();
    assert_eq!(
        link,
        format!(
            "https://api.hubapi.com/crm/v3/objects/contacts?limit=2&properties=email,phone,nonsense&after={}",
            ids[2]
        )
    );
    let (_, rest) = desk.get(&format!("/crm/objects/2026-03/0-1?limit=2&after={}", ids[2]));
    assert_eq!(rest["results"].as_array().unwrap().len(), 1);
    assert!(rest.get("paging").is_none());
}

#[test]
fn a_batch_create_answers_every_input_in_some_order() {
    let mut desk = Desk::new();
    let inputs: Vec<_> = (0..100).map(|n| json!({"properties": {"email": format!("c{n}@x.test")}})).collect();
    let (status, body) = desk.post("/crm/v3/objects/contacts/batch/create", &json!({"inputs": inputs}).to_string());
    assert_eq!(status, 201);
    assert_eq!(body["results"].as_array().unwrap().len(), 100);
    assert_ne!(body["results"][0]["properties"]["email"], "c0@x.test", "the dice left the first in its place");
    assert_eq!(desk.portal.record_counts()["contacts"], 100);
}
