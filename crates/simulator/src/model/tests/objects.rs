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

#[test]
fn without_trace_ids_a_batch_is_all_or_nothing_and_with_them_it_succeeds_in_part() {
    let mut desk = Desk::new();
    let known = desk.make("contacts", r#"{"email":"known@x.test"}"#);
    let input = |trace: Option<&str>, email: &str| {
        let mut input = json!({"properties": {"email": email}});
        if let Some(trace) = trace {
            input["objectWriteTraceId"] = json!(trace);
        }
        input
    };
    let half = json!({"inputs": [input(Some("a"), "new@x.test"), input(None, "known@x.test")]});
    assert_eq!(desk.post("/crm/v3/objects/contacts/batch/create", &half.to_string()).0, 409);
    assert_eq!(desk.portal.record_counts()["contacts"], 1);
    let traced =
        json!({"inputs": [input(Some("a"), "new@x.test"), input(Some("b"), "known@x.test"), input(Some("c"), "bad")]});
    let (status, body) = desk.post("/crm/v3/objects/contacts/batch/create", &traced.to_string());
    assert_eq!((status, &body["numErrors"]), (207, &json!(2)));
    let keys: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["completedAt", "status", "startedAt", "results", "errors", "numErrors"]);
    assert_eq!(
        body["errors"][0],
        json!({"status": "error", "category": "CONFLICT", "message": format!("Contact already exists. Existing ID: {known}"),
               "context": {"objectWriteTraceId": ["b"], "existingId": [known]}})
    );
    assert_eq!(body["errors"][1]["context"], json!({"objectWriteTraceId": ["c"]}));
    assert!(body["results"][0].get("objectWriteTraceId").is_none());
}

#[test]
fn a_batch_update_writes_what_it_finds_and_names_what_it_does_not() {
    let mut desk = Desk::new();
    let ada = desk.make("contacts", r#"{"email":"ada@x.test"}"#);
    desk.now += 5_000;
    let inputs = json!({"inputs": [
        {"id": ada, "properties": {"city": "Turin"}},
        {"id": "unknown888", "properties": {"city": "Turin"}},
        {"id": "ada@x.test", "properties": {"city": "Rome"}},
    ]});
    let (status, body) = desk.post("/crm/v3/objects/contacts/batch/update", &inputs.to_string());
    assert_eq!(status, 207);
    assert_eq!(body["results"][0]["properties"]["city"], "Turin");
    assert_eq!(
        body["errors"],
        json!([{"status": "error", "category": "OBJECT_NOT_FOUND",
                "message": "Could not get some CONTACT objects, they may be deleted or not exist. Check that ids are valid.",
                "context": {"ids": ["unknown888"]}}])
    );
}

#[test]
fn a_write_that_changes_nothing_does_not_move_the_modified_date() {
    let mut desk = Desk::new();
    let ada = desk.make("contacts", r#"{"email":"ada@x.test","firstname":"Ada"}"#);
    let target = format!("/crm/v3/objects/contacts/{ada}");
    desk.now += 60_000;
    let (_, same) = desk.send("PATCH", &target, r#"{"properties":{"firstname":"Ada","lastname":null,"city":""}}"#);
    assert_eq!(same["updatedAt"], same["createdAt"]);
    let (_, cleared) = desk.send("PATCH", &target, r#"{"properties":{"firstname":""}}"#);
    assert_ne!(cleared["updatedAt"], cleared["createdAt"]);
    assert_eq!(cleared["properties"]["firstname"], "");
}

#[test]
fn the_lifecycle_stage_only_moves_forward_unless_it_is_cleared_first() {
    let mut desk = Desk::new();
    let ada = desk.make("contacts", r#"{"lifecyclestage":"customer"}"#);
    let target = format!("/crm/v3/objects/contacts/{ada}");
    let stage = |desk: &mut Desk, stage: &str| {
        let (status, body) = desk.send("PATCH", &target, &json!({"properties": {"lifecyclestage": stage}}).to_string());
        assert_eq!(status, 200);
        body["properties"]["lifecyclestage"].clone()
    };
    assert_eq!(stage(&mut desk, "lead"), "customer");
    assert_eq!(stage(&mut desk, ""), "");
    assert_eq!(stage(&mut desk, "lead"), "lead");
}

#[test]
fn an_upsert_says_what_it_made_and_finds_it_again() {
    let mut desk = Desk::new();
    let upsert = |desk: &mut Desk, city: &str| {
        let inputs = json!({"inputs": [{"id": "Ada@X.test", "idProperty": "email", "properties": {"city": city}}]});
        desk.post("/crm/v3/objects/contacts/batch/upsert", &inputs.to_string())
    };
    let (status, first) = upsert(&mut desk, "Turin");
    assert_eq!((status, &first["results"][0]["new"]), (200, &json!(true)));
    let (_, second) = upsert(&mut desk, "Rome");
    assert_eq!(second["results"][0]["new"], json!(false));
    assert_eq!(second["results"][0]["id"], first["results"][0]["id"]);
    assert_eq!(second["results"][0]["properties"]["city"], "Rome");
}

#[test]
fn merged_records_answer_under_the_survivor_and_are_passed_over_by_a_batch_update() {
    let mut desk = Desk::new();
    let ada = desk.make("contacts", r#"{"email":"ada@x.test","city":"Turin"}"#);
    let twin = desk.make("contacts", r#"{"email":"twin@x.test","phone":"+39011"}"#);
    let body = json!({"primaryObjectId": ada, "objectIdToMerge": twin}).to_string();
    let (status, merged) = desk.post("/crm/v3/objects/contacts/merge?properties=phone,hs_additional_emails", &body);
    assert_eq!(status, 200);
    let id = merged["id"].as_str().unwrap().to_owned();
    assert!(id != ada && id != twin);
    assert_eq!(merged["properties"]["hs_additional_emails"], "twin@x.test");
    assert_eq!(merged["properties"]["phone"], "+39011");
    assert_eq!(desk.get(&format!("/crm/v3/objects/contacts/{twin}")).1["id"], id);
    assert_eq!(desk.get("/crm/v3/objects/contacts/twin@x.test?idProperty=email").1["id"], id);
    let inputs = json!({"inputs": [{"id": ada, "properties": {"city": "Rome"}}]}).to_string();
    let (status, passed) = desk.post("/crm/v3/objects/contacts/batch/update", &inputs);
    assert_eq!((status, &passed["results"]), (200, &json!([])));
    assert!(passed.get("errors").is_none());
}

#[test]
fn an_archived_record_is_gone_from_reads_and_its_address_is_free_again() {
    let mut desk = Desk::new();
    let ada = desk.make("contacts", r#"{"email":"ada@x.test"}"#);
    let target = format!("/crm/v3/objects/contacts/{ada}");
    assert_eq!(desk.send("DELETE", &target, "").0, 204);
    assert_eq!(desk.send("DELETE", &target, "").0, 204);
    assert_eq!(desk.get(&target).0, 404);
    let (status, archived) = desk.get(&format!("{target}?archived=True"));
    assert_eq!((status, &archived["archived"]), (200, &json!(true)));
    assert_ne!(desk.make("contacts", r#"{"email":"ada@x.test"}"#), ada);
}

#[test]
fn line_items_and_deals_get_their_computed_amounts() {
    let mut desk = Desk::new();
    let item = desk.make("line_items", r#"{"price":"0.99","quantity":3,"discount":"0.09"}"#);
    let (_, item) = desk.get(&format!("/crm/v3/objects/line_items/{item}?properties=amount,hs_pre_discount_amount"));
    assert_eq!(
        (&item["properties"]["amount"], &item["properties"]["hs_pre_discount_amount"]),
        (&json!("2.7"), &json!("2.97"))
    );
    let deal = desk.make("deals", r#"{"dealname":"Big","amount":"5000.00","dealstage":"qualifiedtobuy"}"#);
    let (_, deal) =
        desk.get(&format!("/crm/v3/objects/0-3/{deal}?properties=amount,pipeline,hs_deal_stage_probability"));
    assert_eq!(deal["properties"]["amount"], "5000.00");
    assert_eq!(deal["properties"]["pipeline"], "default");
    assert_eq!(
        deal["properties"]["hs_deal_stage_probability"],
        "0.40000000000000002220446049250313080847263336181640625"
    );
}

#[test]
fn a_history_lists_the_newest_version_first() {
    let mut desk = Desk::new();
    let ada = desk.make("contacts", r#"{"city":"Turin"}"#);
    desk.now += 1_000;
    desk.send("PATCH", &format!("/crm/v3/objects/contacts/{ada}"), r#"{"properties":{"city":"Rome"}}"#);
    let (_, read) = desk.get(&format!("/crm/v3/objects/contacts/{ada}?propertiesWithHistory=city"));
    let versions: Vec<&str> = read["propertiesWithHistory"]["city"]
        .as_array()
        .unwrap()
        .iter()
        .map(|version| version["value"].as_str().unwrap())
        .collect();
    assert_eq!(versions, ["Rome", "Turin"]);
    let body = format!(r#"{{"inputs":[{{"id":"{ada}"}}],"properties":["city"],"propertiesWithHistory":[]}}"#);
    let (_, batch) = desk.send("POST", "/crm/v3/objects/contacts/batch/read", &body);
    assert_eq!(batch["results"][0].get("propertiesWithHistory"), None, "no names, no history");
}
