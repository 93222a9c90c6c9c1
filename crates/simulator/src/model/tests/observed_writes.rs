//! Observed behaviours of writes that no other test holds: one test for each.

use serde_json::{Value, json};

use super::Desk;

const CONTACTS: &str = "/crm/v3/objects/contacts";

fn ids(body: &Value) -> Vec<String> {
    let mut ids: Vec<String> =
        body["results"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}

#[test]
fn a_refused_batch_names_the_known_record_only_as_in_2021() {
    for (names, suffix) in [(false, false), (true, true)] {
        let mut desk = Desk::with(|options| options.batch_conflict_names_id = names);
        let ada = desk.make("contacts", r#"{"email":"ada@x.test"}"#);
        let bob = desk.make("contacts", r#"{"email":"bob@x.test"}"#);
        let inputs =
            json!({"inputs": [{"properties": {"email": "ada@x.test"}}, {"properties": {"email": "bob@x.test"}}]});
        let (status, body) = desk.post(&format!("{CONTACTS}/batch/create"), &inputs.to_string());
        let message = body["message"].as_str().unwrap();
        assert_eq!((status, message.ends_with(&format!(". Existing ID: {ada}"))), (409, suffix), "{message}");
        assert!(!message.contains(&bob), "only the first is named");
    }
}

#[test]
fn a_batch_with_bad_values_reports_them_all_in_one_refusal() {
    let mut desk = Desk::new();
    let bad = json!({"properties": {"first000name": "Ada", "last000name": "Lovelace"}});
    let body = json!({"inputs": [bad, bad]}).to_string();
    let ada = desk.make("contacts", "{}");
    let update = json!({"inputs": [{"id": ada, "properties": bad["properties"]}]}).to_string();
    for (verb, body, count) in [("create", &body, 4), ("update", &update, 2)] {
        let (status, refusal) = desk.post(&format!("{CONTACTS}/batch/{verb}"), body);
        assert_eq!((status, &refusal["category"]), (400, &json!("VALIDATION_ERROR")));
        let text = refusal["message"].as_str().unwrap().strip_prefix("Property values were not valid: ").unwrap();
        let embedded: Vec<Value> = serde_json::from_str(text).unwrap();
        assert_eq!(embedded.len(), count);
        assert_eq!(embedded[0]["isValid"], json!(false));
        assert_eq!(embedded[1]["message"], "Property \"last000name\" does not exist");
        assert_eq!(refusal["errors"][0]["code"], "PROPERTY_DOESNT_EXIST");
        assert_eq!(refusal["errors"][0]["context"], json!({"propertyName": ["first000name"]}));
    }
    assert_eq!(desk.portal.record_counts()["contacts"], 1, "nothing was written");
}

#[test]
fn a_batch_read_names_the_ids_it_does_not_find() {
    let mut desk = Desk::new();
    let ada = desk.make("contacts", "{}");
    let inputs = json!({"inputs": [{"id": "88888888"}, {"id": ada}, {"id": "nobody"}]}).to_string();
    let (status, body) = desk.post(&format!("{CONTACTS}/batch/read"), &inputs);
    assert_eq!((status, ids(&body), &body["numErrors"]), (207, vec![ada], &json!(1)));
    assert_eq!(
        body["errors"],
        json!([{"status": "error", "category": "OBJECT_NOT_FOUND",
                "message": "Could not get some CONTACT objects, they may be deleted or not exist. Check that ids are valid.",
                "context": {"ids": ["88888888", "nobody"]}}])
    );
}

#[test]
fn each_verb_has_its_status() {
    let mut desk = Desk::new();
    let made = desk.make("contacts", r#"{"email":"ada@x.test"}"#);
    let one = format!("{CONTACTS}/{made}");
    let inputs = json!({"inputs": [{"id": made, "properties": {"city": "Turin"}}]}).to_string();
    let schema = json!({"name": "machine", "labels": {"singular": "Machine", "plural": "Machines"},
        "primaryDisplayProperty": "hs_object_id", "requiredProperties": [], "properties": [], "associatedObjects": []});
    let table = [
        ("POST", format!("{CONTACTS}/batch/create"), r#"{"inputs":[{"properties":{}}]}"#.to_owned(), 201),
        ("POST", format!("{CONTACTS}/batch/update"), inputs.clone(), 200),
        ("POST", format!("{CONTACTS}/batch/read"), inputs.clone(), 200),
        ("POST", format!("{CONTACTS}/search"), "{}".to_owned(), 200),
        ("PATCH", one.clone(), r#"{"properties":{"city":"Rome"}}"#.to_owned(), 200),
        ("POST", "/crm/v3/schemas".to_owned(), schema.to_string(), 201),
        ("POST", format!("{CONTACTS}/batch/archive"), inputs, 204),
        ("DELETE", one, String::new(), 204),
    ];
    for (method, target, body, status) in table {
        let answer = desk.answer(method, &target, &body);
        assert_eq!(answer.status, status, "{method} {target}");
        let is_empty = answer.body.is_empty() && !answer.headers.contains_key("content-type");
        assert_eq!(is_empty, status == 204, "{method} {target}");
    }
}

#[test]
fn archiving_an_id_that_never_existed_is_a_204() {
    let mut desk = Desk::new();
    for target in ["/crm/v3/objects/tickets/123456789", "/crm/v3/objects/tasks/1234567890"] {
        let answer = desk.answer("DELETE", target, "");
        assert_eq!((answer.status, answer.body.len()), (204, 0));
    }
    let twice = json!({"inputs": [{"id": "5"}, {"id": "5"}]}).to_string();
    assert_eq!(desk.post("/crm/v3/objects/tickets/batch/archive", &twice).0, 204);
}

#[test]
fn what_hubspot_fills_in_later_comes_within_eighteen_seconds_and_does_not_move_the_modified_date() {
    let mut desk = Desk::with(|options| options.late_properties = true);
    let ada = desk.make("contacts", r#"{"email":"ada@x.test"}"#);
    let target = format!("{CONTACTS}/{ada}?properties=hs_analytics_source&propertiesWithHistory=hs_analytics_source");
    let made = desk.now;
    desk.now = made + 999;
    assert_eq!(desk.get(&target).1["properties"]["hs_analytics_source"], Value::Null);
    desk.now = made + 18_000;
    let (_, later) = desk.get(&target);
    assert_eq!(later["properties"]["hs_analytics_source"], "OFFLINE");
    assert_eq!(later["updatedAt"], later["createdAt"]);
    assert_eq!(later["properties"]["lastmodifieddate"], later["createdAt"]);
    assert_eq!(later["propertiesWithHistory"]["hs_analytics_source"][0]["sourceType"], "CALCULATED");
}

#[test]
fn a_batch_without_inputs_is_complete_and_empty() {
    let mut desk = Desk::new();
    for (verb, status) in [("read", 200), ("create", 201), ("update", 200), ("upsert", 200)] {
        for body in ["{}", r#"{"input":[{"properties":{"email":"ada@x.test"}}]}"#] {
            let (answered, answer) = desk.post(&format!("{CONTACTS}/batch/{verb}"), body);
            assert_eq!((answered, &answer["status"], &answer["results"]), (status, &json!("COMPLETE"), &json!([])));
            assert!(answer.get("errors").is_none());
        }
    }
    assert!(desk.portal.record_counts().is_empty());
}

#[test]
fn types_with_required_properties_refuse_an_empty_create_and_contacts_do_not() {
    let mut desk = Desk::new();
    let (status, refusal) = desk.post("/crm/v3/objects/calls", "{}");
    assert_eq!(
        (status, &refusal["message"]),
        (400, &json!("Error creating CALL. Some required properties were not set."))
    );
    assert!(refusal.get("category").is_none());
    for object_type in ["contacts", "companies"] {
        assert_eq!(desk.post(&format!("/crm/v3/objects/{object_type}"), "{}").0, 201, "{object_type}");
    }
}

#[test]
fn a_deal_needs_neither_stage_nor_pipeline_and_is_given_none() {
    let mut desk = Desk::new();
    let (status, made) = desk.post("/crm/v3/objects/deals", r#"{"properties":{"dealname":"Big","amount":"5000.00"}}"#);
    assert_eq!((status, &made["properties"]["amount"]), (201, &json!("5000.00")));
    assert!(made["properties"].get("dealstage").is_none() && made["properties"].get("pipeline").is_none());
}

#[test]
fn two_companies_may_have_one_domain() {
    let mut desk = Desk::new();
    let one = desk.make("companies", r#"{"name":"Alpha","domain":"alpha.test"}"#);
    assert_ne!(desk.make("companies", r#"{"name":"Alpha","domain":"alpha.test"}"#), one);
    let twice = json!({"inputs": [{"properties": {"domain": "alpha.test"}}, {"properties": {"domain": "alpha.test"}}]});
    assert_eq!(desk.post("/crm/v3/objects/companies/batch/create", &twice.to_string()).0, 201);
    assert_eq!(desk.portal.record_counts()["companies"], 4);
}

#[test]
fn a_parameter_of_the_wrong_type_is_named() {
    let mut desk = Desk::new();
    for (method, target, kind, name) in [
        ("GET", format!("{CONTACTS}?limit=many"), "query", "limit"),
        ("GET", format!("{CONTACTS}?archived=perhaps"), "query", "archived"),
        ("GET", "/crm/v3/owners/nobody".to_owned(), "path", "ownerId"),
        ("DELETE", "/crm/v4/associations/contacts/companies/labels/x".to_owned(), "path", "associationTypeId"),
    ] {
        let (status, refusal) = desk.send(method, &target, "");
        let message = format!("Unable to parse value for {kind} parameter: {name}");
        assert_eq!((status, &refusal["message"]), (400, &json!(message)), "{target}");
    }
}

#[test]
fn null_leaves_a_value_and_the_empty_text_clears_it() {
    let mut desk = Desk::new();
    let ada = desk.make("contacts", r#"{"city":"Turin","phone":"+39011"}"#);
    let target = format!("{CONTACTS}/{ada}?properties=city,phone,fax");
    desk.send("PATCH", &target, r#"{"properties":{"city":null,"phone":""}}"#);
    let (_, read) = desk.get(&target);
    assert_eq!(
        (&read["properties"]["city"], &read["properties"]["phone"], &read["properties"]["fax"]),
        (&json!("Turin"), &json!(""), &Value::Null)
    );
}

#[test]
fn numbers_and_truth_values_come_back_as_the_text_they_were() {
    let mut desk = Desk::new();
    let body =
        r#"{"properties":{"numberofemployees":47,"annualrevenue":"5000.00","is_public":true,"founded_year":1998}}"#;
    let (status, made) = desk.post("/crm/v3/objects/companies", body);
    assert_eq!(status, 201, "{made}");
    for (name, text) in
        [("numberofemployees", "47"), ("annualrevenue", "5000.00"), ("is_public", "true"), ("founded_year", "1998")]
    {
        assert_eq!(made["properties"][name], text, "{name}");
    }
}

#[test]
fn an_update_answers_with_what_was_written_and_a_few_more() {
    let mut desk = Desk::new();
    let ada = desk.make("contacts", r#"{"email":"ada@x.test","firstname":"Ada","city":"Turin"}"#);
    desk.now += 1_000;
    let (_, patched) = desk.send("PATCH", &format!("{CONTACTS}/{ada}"), r#"{"properties":{"city":"Rome"}}"#);
    let names: Vec<&String> = patched["properties"].as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        [
            "city",
            "createdate",
            "hs_is_unworked",
            "hs_object_id",
            "hs_object_source",
            "hs_object_source_id",
            "hs_object_source_label",
            "hs_pipeline",
            "lastmodifieddate",
            "lifecyclestage"
        ]
    );
    assert_eq!(patched["properties"]["hs_object_source_id"], "7007");
}

#[test]
fn the_entry_of_a_batch_update_tells_when_the_record_was_made() {
    let mut desk = Desk::new();
    let alpha = desk.make("companies", r#"{"name":"Alpha"}"#);
    let inputs = json!({"inputs": [{"id": alpha, "properties": {"name": "Beta"}}]}).to_string();
    let (_, body) = desk.post("/crm/v3/objects/companies/batch/update", &inputs);
    let properties = &body["results"][0]["properties"];
    assert_eq!(properties["createdate"], body["results"][0]["createdAt"]);
    assert_eq!((&properties["hs_object_id"], &properties["name"]), (&json!(alpha), &json!("Beta")));
}

#[test]
fn most_flags_are_words_and_a_few_are_digits() {
    let mut desk = Desk::new();
    let task = desk.make("tasks", r#"{"hs_timestamp":"2026-01-01T00:00:00Z","hs_task_status":"NOT_STARTED"}"#);
    let target = format!("/crm/v3/objects/tasks/{task}?properties=hs_task_is_completed");
    assert_eq!(desk.get(&target).1["properties"]["hs_task_is_completed"], "0");
    desk.send("PATCH", &target, r#"{"properties":{"hs_task_status":"COMPLETED"}}"#);
    assert_eq!(desk.get(&target).1["properties"]["hs_task_is_completed"], "1");
    let ada = desk.make("contacts", "{}");
    let (_, contact) = desk.get(&format!("{CONTACTS}/{ada}?properties=hs_is_unworked"));
    assert_eq!(contact["properties"]["hs_is_unworked"], "true");
}

#[test]
fn an_upsert_by_a_second_address_finds_the_same_contact() {
    let mut desk = Desk::new();
    let ada = desk.make("contacts", r#"{"email":"ada@x.test"}"#);
    let twin = desk.make("contacts", r#"{"email":"twin@x.test"}"#);
    let merge = json!({"primaryObjectId": ada, "objectIdToMerge": twin}).to_string();
    let (_, merged) = desk.post(&format!("{CONTACTS}/merge"), &merge);
    let upsert = r#"{"inputs":[{"id":"twin@x.test","idProperty":"email","properties":{"city":"Rome"}}]}"#;
    let (status, body) = desk.post(&format!("{CONTACTS}/batch/upsert"), upsert);
    assert_eq!((status, &body["results"][0]["new"]), (200, &json!(false)), "{body}");
    assert_eq!(body["results"][0]["id"], merged["id"]);
}

#[test]
fn a_record_that_cannot_be_merged_is_named() {
    let mut desk = Desk::new();
    let ada = desk.make("contacts", "{}");
    let merge = json!({"primaryObjectId": ada, "objectIdToMerge": "99999999"}).to_string();
    let (status, refusal) = desk.post(&format!("{CONTACTS}/merge"), &merge);
    let message = "99999999 is not a valid contact or is already in the process of being merged";
    assert_eq!((status, &refusal["message"]), (400, &json!(message)));
}

#[test]
fn a_survivor_lists_every_id_it_stands_for_and_more_than_250_are_too_many() {
    let mut desk = Desk::new();
    let mut survivor = desk.make("companies", "{}");
    let mut all = vec![survivor.clone()];
    let mut statuses = Vec::new();
    for _ in 0..130 {
        let other = desk.make("companies", "{}");
        let merge = json!({"primaryObjectId": survivor, "objectIdToMerge": other}).to_string();
        let (status, merged) = desk.post("/crm/v3/objects/companies/merge?properties=hs_merged_object_ids", &merge);
        statuses.push(status);
        if status != 200 {
            break;
        }
        all.push(other);
        let listed: Vec<&str> = merged["properties"]["hs_merged_object_ids"].as_str().unwrap().split(';').collect();
        assert!(all.iter().all(|id| listed.contains(&id.as_str())), "{listed:?}");
        survivor = merged["id"].as_str().unwrap().to_owned();
        all.push(survivor.clone());
    }
    assert_eq!(statuses.last(), Some(&414));
    assert_eq!(statuses.len(), 126, "each merge adds the other record and the survivor before it");
}
