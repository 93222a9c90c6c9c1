//! The rules of associations: identifiers, limits, labels, primary companies, and the older paths.

use serde_json::{Value, json};

use super::Desk;

const PAIR: &str = "/crm/v4/associations/contacts/companies";

fn hubspot(id: u64) -> Value {
    json!([{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": id}])
}

fn number(id: &str) -> u64 {
    id.parse().unwrap()
}

/// The ids of the types between two records, from the first one's side.
fn types(desk: &mut Desk, from: (&str, &str), to: (&str, &str)) -> Vec<u64> {
    let (_, read) = desk.get(&format!("/crm/v4/objects/{}/{}/associations/{}", from.0, from.1, to.0));
    let entries = read["results"].as_array().unwrap().iter();
    let entry = entries.clone().find(|entry| entry["toObjectId"] == json!(number(to.1)));
    let ids = |entry: &Value| -> Vec<u64> {
        entry["associationTypes"].as_array().unwrap().iter().map(|known| known["typeId"].as_u64().unwrap()).collect()
    };
    entry.map(ids).unwrap_or_default()
}

fn label(desk: &mut Desk, name: &str) -> (u64, u64) {
    let body = json!({"name": name, "label": name.to_uppercase(), "inverseLabel": format!("of {name}")}).to_string();
    let (status, made) = desk.post(&format!("{PAIR}/labels"), &body);
    assert_eq!(status, 200, "{made}");
    (made["results"][0]["typeId"].as_u64().unwrap(), made["results"][1]["typeId"].as_u64().unwrap())
}

#[test]
fn ids_of_a_batch_may_be_texts_or_numbers_and_bad_ones_have_errors_of_their_own() {
    let mut desk = Desk::new();
    let (ada, alpha) = (desk.make("contacts", "{}"), desk.make("companies", "{}"));
    let input = json!({"from": {"id": number(&ada)}, "to": {"id": alpha}, "types": hubspot(279)});
    let lost = json!({"from": {"id": ada}, "to": {"id": "99999"}, "types": hubspot(279)});
    let from_nowhere = json!({"from": {"id": "88888"}, "to": {"id": alpha}, "types": hubspot(279)});
    let body = json!({"inputs": [input, lost, from_nowhere]}).to_string();
    let (status, made) = desk.post(&format!("{PAIR}/batch/create"), &body);
    assert_eq!((status, made["numErrors"].as_u64()), (207, Some(2)));
    assert_eq!(made["results"][0]["fromObjectId"], json!(number(&ada)));
    let sub = |place: usize| made["errors"][place]["subCategory"].as_str().unwrap();
    assert_eq!((sub(0), sub(1)), ("crm.associations.TO_OBJECT_NOT_FOUND", "crm.associations.FROM_OBJECT_NOT_FOUND"));
    let body = json!({"inputs": [{"id": number(&ada)}, {"id": "abc"}]}).to_string();
    let (status, read) = desk.post(&format!("{PAIR}/batch/read"), &body);
    assert_eq!((status, &read["results"][0]["from"]["id"]), (207, &json!(ada)));
    assert_eq!(read["errors"][0]["subCategory"], "crm.associations.INVALID_IDENTIFIER");
    assert_eq!(read["errors"][0]["context"], json!({"id": ["abc"]}));
}

#[test]
fn a_batch_read_takes_a_thousand_ids_or_a_hundred_as_the_portal_is_told() {
    for most in [1_000, 100] {
        let mut desk = Desk::with(|options| options.association_read_inputs_max = most);
        let inputs = |count: usize| json!({"inputs": (1..=count).map(|id| json!({"id": id})).collect::<Vec<_>>()});
        let (status, read) = desk.post(&format!("{PAIR}/batch/read"), &inputs(most).to_string());
        assert_eq!((status, read["numErrors"].as_u64()), (207, Some(most as u64)));
        let (status, refused) = desk.post(&format!("{PAIR}/batch/read"), &inputs(most + 1).to_string());
        assert_eq!((status, &refused["category"]), (400, &json!("VALIDATION_ERROR")));
    }
}

#[test]
fn a_new_primary_company_takes_the_place_of_the_old_one_and_removing_it_leaves_none() {
    let mut desk = Desk::new();
    let deal = desk.make("deals", "{}");
    let (alpha, beta) = (desk.make("companies", "{}"), desk.make("companies", "{}"));
    let put = |desk: &mut Desk, company: &str| {
        desk.send(
            "PUT",
            &format!("/crm/v4/objects/deals/{deal}/associations/companies/{company}"),
            &hubspot(5).to_string(),
        )
    };
    assert_eq!(put(&mut desk, &alpha).1["labels"], json!(["Primary"]));
    put(&mut desk, &beta);
    assert_eq!(types(&mut desk, ("deals", &deal), ("companies", &alpha)), [341]);
    assert_eq!(types(&mut desk, ("companies", &beta), ("deals", &deal)), [6, 342]);
    let inputs = json!([{"from": {"id": deal}, "to": {"id": beta}, "types": hubspot(5)}]);
    let body = json!({"inputs": inputs}).to_string();
    assert_eq!(desk.post("/crm/v4/associations/deals/companies/batch/labels/archive", &body).0, 204);
    assert_eq!(types(&mut desk, ("deals", &deal), ("companies", &beta)), [341]);
    assert_eq!(types(&mut desk, ("deals", &deal), ("companies", &alpha)), [341], "none moves up");
}

#[test]
fn the_first_company_becomes_primary_only_where_the_portal_says_so() {
    for (first, expected) in [(false, vec![279]), (true, vec![1, 279])] {
        let mut desk = Desk::with(|options| options.first_company_is_primary = first);
        let ada = desk.make("contacts", "{}");
        let (alpha, beta) = (desk.make("companies", "{}"), desk.make("companies", "{}"));
        for company in [&alpha, &beta] {
            desk.send("PUT", &format!("/crm/v4/objects/companies/{company}/associations/default/contacts/{ada}"), "");
        }
        assert_eq!(types(&mut desk, ("contacts", &ada), ("companies", &alpha)), expected);
        assert_eq!(types(&mut desk, ("contacts", &ada), ("companies", &beta)), [279]);
    }
}

#[test]
fn a_pair_has_at_most_fifty_labels_and_the_next_one_is_a_437() {
    let mut desk = Desk::new();
    for number in 0..50 {
        label(&mut desk, &format!("label_{number}"));
    }
    let (status, refused) = desk.post(&format!("{PAIR}/labels"), r#"{"name":"one_more","label":"One more"}"#);
    assert_eq!(status, 437);
    assert!(refused["message"].as_str().unwrap().starts_with("No more than 50 association types are allowed between "));
    let (status, other) =
        desk.post("/crm/v4/associations/deals/contacts/labels", r#"{"name":"one_more","label":"One more"}"#);
    assert_eq!(status, 200, "another pair has its own: {other}");
}

#[test]
fn a_label_is_a_pair_of_types_and_deleting_either_removes_both() {
    let mut desk = Desk::new();
    let (ada, alpha) = (desk.make("contacts", "{}"), desk.make("companies", "{}"));
    let (there, back) = label(&mut desk, "partner");
    let types_body = json!([{"associationCategory": "USER_DEFINED", "associationTypeId": there}]).to_string();
    desk.send("PUT", &format!("/crm/v4/objects/contacts/{ada}/associations/companies/{alpha}"), &types_body);
    assert_eq!(types(&mut desk, ("companies", &alpha), ("contacts", &ada)), [280, back]);
    assert_eq!(desk.send("DELETE", &format!("/crm/v4/associations/companies/contacts/labels/{back}"), "").0, 204);
    assert_eq!(types(&mut desk, ("contacts", &ada), ("companies", &alpha)), [279]);
    for pair in ["contacts/companies", "companies/contacts"] {
        let (_, left) = desk.get(&format!("/crm/associations/v4/{pair}/labels"));
        let user = |known: &&Value| known["category"] == "USER_DEFINED";
        assert_eq!(left["results"].as_array().unwrap().iter().filter(user).count(), 0, "{left}");
    }
    assert_eq!(desk.send("DELETE", &format!("{PAIR}/labels/279"), "").0, 400, "HubSpot's own types stay");
}

#[test]
fn names_of_labels_are_checked_and_labels_of_a_pair_differ() {
    let mut desk = Desk::new();
    let (id, _) = label(&mut desk, "partner");
    for bad in [
        r#"{"name":"with-hyphen","label":"A"}"#,
        r#"{"name":"9lives","label":"B"}"#,
        r#"{"name":"blank","label":" "}"#,
        r#"{"name":"partner","label":"C"}"#,
        r#"{"name":"other","label":"PARTNER"}"#,
        r#"{"name":"nameless"}"#,
    ] {
        assert_eq!(desk.post(&format!("{PAIR}/labels"), bad).0, 400, "{bad}");
    }
    label(&mut desk, "friend");
    let rename = |label: &str| json!({"associationTypeId": id, "label": label, "inverseLabel": "x"}).to_string();
    assert_eq!(desk.send("PUT", &format!("{PAIR}/labels"), &rename("FRIEND")).0, 400);
    assert_eq!(desk.send("PUT", &format!("{PAIR}/labels"), &rename("Mate")).0, 204);
    let (_, back) = desk.get("/crm/v4/associations/companies/contacts/labels");
    assert!(back["results"].as_array().unwrap().iter().any(|known| known["label"] == "x"));
}

#[test]
fn a_new_label_shows_late_on_the_schema_of_a_standard_object() {
    let mut desk = Desk::with(|options| options.label_lag_ms = 300_000);
    let (id, _) = label(&mut desk, "partner");
    let text = id.to_string();
    let shows = |desk: &mut Desk| {
        let (_, schema) = desk.get("/crm/v3/schemas/contacts");
        schema["associations"].as_array().unwrap().iter().any(|known| known["id"].as_str() == Some(&text))
    };
    assert!(!shows(&mut desk));
    let (_, labels) = desk.get(&format!("{PAIR}/labels"));
    assert!(labels["results"].as_array().unwrap().iter().any(|known| known["typeId"] == json!(id)));
    desk.now += 300_000;
    assert!(shows(&mut desk));
}

#[test]
fn a_schema_tells_the_limits_of_its_associations() {
    let mut desk = Desk::new();
    let (_, schema) = desk.get("/crm/v3/schemas/contacts");
    let of = |id: &str| schema["associations"].as_array().unwrap().iter().find(|known| known["id"] == id).unwrap();
    let limits = |id: &str| (of(id)["maxToObjectIds"].clone(), of(id)["maxFromObjectIds"].clone());
    assert_eq!(limits("279"), (json!(10_000), json!(10_000)));
    assert_eq!(limits("4"), (json!(10_000), json!(1_000)));
    assert_eq!(limits("931"), (json!(10_000), json!(1)));
    assert_eq!(of("931")["inverseCardinality"], "ONE_TO_ONE");
}

#[test]
fn limits_are_set_raised_and_taken_away_for_a_type() {
    let mut desk = Desk::new();
    let base = "/crm/associations/v4/definitions/configurations";
    let body = |most: i64| {
        json!({"inputs": [{"category": "HUBSPOT_DEFINED", "typeId": 3, "maxToObjectIds": most}]}).to_string()
    };
    let (status, made) = desk.post(&format!("{base}/deals/contacts/batch/create"), &body(5));
    let entry = json!({"category": "HUBSPOT_DEFINED", "typeId": 3, "userEnforcedMaxToObjectIds": 5, "label": null});
    assert_eq!((status, &made["results"]), (201, &json!([entry])));
    assert_eq!(desk.post(&format!("{base}/deals/contacts/batch/create"), &body(6)).0, 207, "there is one already");
    assert_eq!(desk.get(&format!("{base}/all")).1, json!({"results": [entry]}));
    assert_eq!(desk.get(&format!("{base}/contacts/deals")).1, json!({"results": []}), "only one direction");
    let (status, changed) =
        desk.post("/crm/associations/2026-09/definitions/configurations/deals/contacts/batch/update", &body(7));
    assert_eq!((status, &changed["results"][0]["userEnforcedMaxToObjectIds"]), (200, &json!(7)));
    let (status, too_high) = desk.post(&format!("{base}/deals/contacts/batch/update"), &body(1_000));
    assert_eq!((status, &too_high["errors"][0]["message"]), (207, &json!("maxToObjectIds must be between 1 and 999")));
    let purge = json!({"inputs": [{"category": "HUBSPOT_DEFINED", "typeId": 3}]}).to_string();
    assert_eq!(desk.post(&format!("{base}/deals/contacts/batch/purge"), &purge).0, 204);
    assert_eq!(desk.get(&format!("{base}/deals/contacts")).1, json!({"results": []}));
    assert_eq!(desk.post(&format!("{base}/deals/contacts/batch/purge"), &purge).0, 207, "there is none any more");
}

#[test]
fn the_limit_of_a_label_is_not_above_the_limit_of_its_pair() {
    let mut desk = Desk::new();
    let (id, _) = label(&mut desk, "partner");
    let base = "/crm/associations/v4/definitions/configurations/contacts/companies/batch/create";
    let set = |desk: &mut Desk, category: &str, id: u64, most: u64| {
        desk.post(base, &json!({"inputs": [{"category": category, "typeId": id, "maxToObjectIds": most}]}).to_string())
    };
    assert_eq!(set(&mut desk, "HUBSPOT_DEFINED", 279, 10).0, 201);
    let (status, refused) = set(&mut desk, "USER_DEFINED", id, 11);
    assert_eq!((status, &refused["errors"][0]["message"]), (207, &json!("maxToObjectIds must be between 1 and 10")));
    assert_eq!(set(&mut desk, "USER_DEFINED", id, 10).0, 201);
    let lower = json!({"inputs": [{"category": "HUBSPOT_DEFINED", "typeId": 279, "maxToObjectIds": 9}]}).to_string();
    let (status, refused) = desk.post(&base.replace("create", "update"), &lower);
    assert_eq!((status, &refused["errors"][0]["message"]), (207, &json!("maxToObjectIds must be between 10 and 9999")));
}

#[test]
fn no_write_passes_a_limit() {
    let mut desk = Desk::new();
    let limit = json!({"inputs": [{"category": "HUBSPOT_DEFINED", "typeId": 279, "maxToObjectIds": 1}]}).to_string();
    desk.post("/crm/associations/v4/definitions/configurations/contacts/companies/batch/create", &limit);
    let ada = desk.make("contacts", "{}");
    let (alpha, beta) = (desk.make("companies", "{}"), desk.make("companies", "{}"));
    let put = |desk: &mut Desk, company: &str| {
        desk.send("PUT", &format!("/crm/v4/objects/contacts/{ada}/associations/default/companies/{company}"), "")
    };
    assert_eq!(put(&mut desk, &alpha).0, 200);
    assert_eq!(put(&mut desk, &alpha).0, 200, "what is there may be asked for again");
    assert_eq!(put(&mut desk, &beta).0, 400);
    let labelled = format!("/crm/v4/objects/companies/{beta}/associations/contacts/{ada}");
    assert_eq!(desk.send("PUT", &labelled, &hubspot(280).to_string()).0, 400, "the other direction counts as well");
    let input = json!({"from": {"id": ada}, "to": {"id": beta}, "types": hubspot(1)});
    let (status, batch) = desk.post(&format!("{PAIR}/batch/create"), &json!({"inputs": [input]}).to_string());
    assert_eq!((status, &batch["errors"][0]["category"]), (207, &json!("VALIDATION_ERROR")));
    let to = |company: &str| json!({"to": {"id": company}, "types": hubspot(279)});
    let create = json!({"properties": {}, "associations": [to(&alpha), to(&beta)]}).to_string();
    assert_eq!(desk.post("/crm/v3/objects/contacts", &create).0, 400);
    let create = json!({"properties": {}, "associations": [to(&beta)]}).to_string();
    assert_eq!(desk.post("/crm/v3/objects/contacts", &create).0, 201);
    assert_eq!(types(&mut desk, ("contacts", &ada), ("companies", &beta)), Vec::<u64>::new());
}

#[test]
fn a_line_item_belongs_to_one_deal() {
    let mut desk = Desk::new();
    let item = desk.make("line_items", "{}");
    let (first, second) = (desk.make("deals", "{}"), desk.make("deals", "{}"));
    let target = |deal: &str| format!("/crm/v4/objects/line_items/{item}/associations/default/deals/{deal}");
    assert_eq!(desk.send("PUT", &target(&first), "").0, 200);
    assert_eq!(desk.send("PUT", &target(&second), "").0, 400);
}

#[test]
fn records_of_one_batch_together_do_not_pass_a_limit() {
    let mut desk = Desk::new();
    let item = desk.make("line_items", "{}");
    let input = |trace: Option<&str>| {
        let to = json!([{"to": {"id": item}, "types": hubspot(19)}]);
        let mut input = json!({"properties": {"dealname": "d"}, "associations": to});
        if let Some(trace) = trace {
            input["objectWriteTraceId"] = json!(trace);
        }
        input
    };
    let body = json!({"inputs": [input(None), input(None)]}).to_string();
    let (status, refused) = desk.post("/crm/v3/objects/deals/batch/create", &body);
    assert_eq!((status, &refused["category"]), (400, &json!("VALIDATION_ERROR")));
    assert_eq!(desk.portal.record_counts().get("deals"), None, "all or nothing");
    let body = json!({"inputs": [input(Some("a")), input(Some("b"))]}).to_string();
    let (status, partly) = desk.post("/crm/v3/objects/deals/batch/create", &body);
    assert_eq!((status, partly["results"].as_array().unwrap().len()), (207, 1), "{partly}");
}

#[test]
fn version_3_paths_below_a_record_name_types_and_page_by_a_token() {
    let mut desk = Desk::new();
    let company = desk.make("companies", "{}");
    let contacts: Vec<String> = (0..101).map(|_| desk.make("contacts", "{}")).collect();
    for contact in &contacts {
        let target =
            format!("/crm/v3/objects/companies/{company}/associations/contacts/{contact}/company_to_contact_unlabeled");
        assert_eq!(desk.send("PUT", &target, "").0, 200);
    }
    let body = json!({"inputs": [{"id": company}]}).to_string();
    let (status, read) = desk.post("/crm/v3/associations/companies/contacts/batch/read", &body);
    let entry = &read["results"][0];
    assert_eq!((status, entry["to"].as_array().unwrap().len()), (200, 100));
    assert_eq!(entry["to"][0], json!({"id": contacts[0], "type": "company_to_contact_unlabeled"}));
    let link = entry["paging"]["next"]["link"].as_str().unwrap();
    let next = link.strip_prefix("https://api.hubapi.com").unwrap();
    assert!(next.starts_with(&format!("/crm/v3/objects/0-2/{company}/associations/0-1?portalId=48151623&after=")));
    let (_, rest) = desk.get(next);
    assert_eq!(rest, json!({"results": [{"id": contacts[100], "type": "company_to_contact_unlabeled"}]}));
    let (_, page) = desk.get(&format!("/crm/v3/objects/companies/{company}/associations/contacts?limit=60"));
    assert_eq!(page["results"].as_array().unwrap().len(), 60);
    let (_, rest) =
        desk.get(page["paging"]["next"]["link"].as_str().unwrap().strip_prefix("https://api.hubapi.com").unwrap());
    assert_eq!(rest["results"].as_array().unwrap().len(), 41);
}

#[test]
fn a_version_3_write_answers_the_record_and_a_delete_takes_one_type() {
    let mut desk = Desk::new();
    let (ada, alpha) = (desk.make("contacts", r#"{"firstname":"Ada"}"#), desk.make("companies", "{}"));
    let target = |known: &str| format!("/crm/v3/objects/contacts/{ada}/associations/companies/{alpha}/{known}");
    let (status, put) = desk.send("PUT", &target("contact_to_company"), "");
    assert_eq!((status, &put["id"], &put["properties"]["firstname"]), (200, &json!(ada), &json!("Ada")));
    assert_eq!(put["associations"]["companies"]["results"].as_array().unwrap().len(), 2);
    assert_eq!(types(&mut desk, ("contacts", &ada), ("companies", &alpha)), [1, 279]);
    assert_eq!(desk.send("DELETE", &target("1"), "").0, 204);
    assert_eq!(types(&mut desk, ("contacts", &ada), ("companies", &alpha)), [279]);
    assert_eq!(desk.send("PUT", &target("friend_of"), "").0, 400);
    let (status, missing) =
        desk.send("PUT", &format!("/crm/v3/objects/contacts/{ada}/associations/companies/99999/279"), "");
    assert_eq!((status, &missing["subCategory"]), (404, &json!("crm.associations.TO_OBJECT_NOT_FOUND")));
}

#[test]
fn a_version_3_batch_create_answers_both_directions() {
    let mut desk = Desk::new();
    let (ada, alpha) = (desk.make("contacts", "{}"), desk.make("companies", "{}"));
    let body =
        json!({"inputs": [{"from": {"id": ada}, "to": {"id": alpha}, "type": "contact_to_company"}]}).to_string();
    let (_, made) = desk.post("/crm/v3/associations/contacts/companies/batch/create", &body);
    assert_eq!(
        made["results"],
        json!([{"from": {"id": ada}, "to": {"id": alpha}, "type": "contact_to_company"},
               {"from": {"id": alpha}, "to": {"id": ada}, "type": "company_to_contact"}])
    );
    let (_, types) = desk.get("/crm/v3/associations/contacts/companies/types");
    assert!(types["results"].as_array().unwrap().contains(&json!({"id": "1", "name": "contact_to_company"})));
    assert!(
        types["results"].as_array().unwrap().contains(&json!({"id": "279", "name": "contact_to_company_unlabeled"}))
    );
}

#[test]
fn version_1_associations_are_read_made_and_deleted() {
    let mut desk = Desk::new();
    let (ada, alpha) = (desk.make("contacts", "{}"), desk.make("companies", "{}"));
    let read = format!("/crm-associations/v1/associations/{ada}/HUBSPOT_DEFINED/1");
    assert_eq!(desk.get(&read), (200, json!({"results": [], "hasMore": false, "offset": 0})));
    let body =
        json!({"fromObjectId": number(&ada), "toObjectId": alpha, "category": "HUBSPOT_DEFINED", "definitionId": 1});
    assert_eq!(desk.send("PUT", "/crm-associations/v1/associations", &body.to_string()).0, 204);
    let alpha_id = number(&alpha);
    assert_eq!(desk.get(&read).1, json!({"results": [alpha_id], "hasMore": false, "offset": alpha_id}));
    assert_eq!(types(&mut desk, ("contacts", &ada), ("companies", &alpha)), [1, 279]);
    assert_eq!(desk.send("PUT", "/crm-associations/v1/associations/delete", &body.to_string()).0, 204);
    assert_eq!(desk.get(&read).1["results"], json!([]));
    assert_eq!(
        desk.send("PUT", "/crm-associations/v1/associations/create-batch", &json!([body, body]).to_string()).0,
        204
    );
    assert_eq!(desk.get(&read).1["results"], json!([alpha_id]));
}

#[test]
fn a_version_1_batch_with_one_wrong_association_does_nothing() {
    let mut desk = Desk::new();
    let (ada, alpha, beta) = (desk.make("contacts", "{}"), desk.make("companies", "{}"), desk.make("companies", "{}"));
    let base = "/crm-associations/v1/associations";
    let one = |company: &str, category: &str, id: u32| json!({"fromObjectId": ada, "toObjectId": company, "category": category, "definitionId": id});
    let good = one(&alpha, "HUBSPOT_DEFINED", 1);
    let wrong = [
        one(&beta, "HUBSPOT_DEFINED", 999_999),
        one(&beta, "USER_DEFINED", 1),
        json!({"fromObjectId": ada, "toObjectId": beta, "category": "HUBSPOT_DEFINED"}),
    ];
    for wrong in wrong.iter().chain([&one("99999999", "HUBSPOT_DEFINED", 1)]) {
        let (status, refusal) = desk.send("PUT", &format!("{base}/create-batch"), &json!([good, wrong]).to_string());
        assert_eq!((status, &refusal["status"]), (400, &json!("error")), "{wrong}");
        assert_eq!(types(&mut desk, ("contacts", &ada), ("companies", &alpha)), Vec::<u64>::new(), "{wrong}");
    }
    assert_eq!(desk.send("PUT", &format!("{base}/create-batch"), &json!([good]).to_string()).0, 204);
    for wrong in &wrong {
        assert_eq!(desk.send("PUT", &format!("{base}/delete-batch"), &json!([good, wrong]).to_string()).0, 400);
        assert_eq!(types(&mut desk, ("contacts", &ada), ("companies", &alpha)), [1, 279], "{wrong}");
    }
    assert_eq!(desk.send("PUT", &format!("{base}/delete-batch"), &json!([good]).to_string()).0, 204);
    assert_eq!(types(&mut desk, ("contacts", &ada), ("companies", &alpha)), [279]);
}

#[test]
fn a_version_1_batch_that_passes_a_limit_makes_no_association_at_all() {
    let mut desk = Desk::new();
    let limit = json!({"inputs": [{"category": "HUBSPOT_DEFINED", "typeId": 279, "maxToObjectIds": 2}]}).to_string();
    let path = "/crm/associations/2026-03/definitions/configurations/contacts/companies/batch/create";
    assert_eq!(desk.post(path, &limit).0, 201);
    let ada = desk.make("contacts", "{}");
    let companies = [(); 3].map(|()| desk.make("companies", "{}"));
    let inputs: Vec<_> = companies
        .iter()
        .map(|id| json!({"fromObjectId": ada, "toObjectId": id, "category": "HUBSPOT_DEFINED", "definitionId": 279}))
        .collect();
    let target = "/crm-associations/v1/associations/create-batch";
    let (status, refusal) = desk.send("PUT", target, &json!(inputs).to_string());
    let message = format!("contact {ada} cannot have more than 2 associations of type 279 to companies");
    assert_eq!((status, &refusal["message"]), (400, &json!(message)));
    for company in &companies {
        assert_eq!(types(&mut desk, ("contacts", &ada), ("companies", company)), Vec::<u64>::new());
    }
    // What is there already, or named twice, takes no room a second time.
    for inputs in [&inputs[..1], &[inputs[0].clone(), inputs[1].clone(), inputs[1].clone()]] {
        assert_eq!(desk.send("PUT", target, &json!(inputs).to_string()).0, 204);
    }
    assert_eq!(desk.send("PUT", target, &json!(inputs).to_string()).0, 400);
    assert_eq!(desk.send("PUT", target, &json!(inputs[..2]).to_string()).0, 204, "full, and nothing is added");
    let itself = json!([{"fromObjectId": ada, "toObjectId": ada, "category": "HUBSPOT_DEFINED", "definitionId": 449}]);
    let (status, refusal) = desk.send("PUT", target, &itself.to_string());
    assert_eq!(
        (status, &refusal["message"]),
        (400, &json!(format!("Object {0} cannot be associated to itself ({0})", ada)))
    );
}

#[test]
fn the_report_of_high_usage_is_acknowledged_to_a_user_who_exists() {
    let mut desk = Desk::new();
    desk.portal.seed(
        &super::super::SeedSpec { owners: 1, ..Default::default() },
        crate::wire::Millis(desk.now),
        &mut super::dice(1),
    );
    let (_, owners) = desk.get("/crm/v3/owners");
    let (user, email) = (&owners["results"][0]["userId"], &owners["results"][0]["email"]);
    let (status, report) = desk.post(&format!("/crm/v4/associations/usage/high-usage-report/{user}"), "");
    assert_eq!((status, &report["userId"], &report["userEmail"]), (200, user, email));
    assert_eq!(report["enqueueTime"], "2026-11-20T09:15:02.417Z");
    assert_eq!(desk.post("/crm/associations/2026-03/usage/high-usage-report/7", "").0, 404);
}

#[test]
fn old_ids_of_a_merged_record_lead_to_the_associations_of_the_survivor() {
    let mut desk = Desk::new();
    let (ada, twin) = (desk.make("contacts", "{}"), desk.make("contacts", "{}"));
    let (alpha, beta) = (desk.make("companies", "{}"), desk.make("companies", "{}"));
    let put = |desk: &mut Desk, contact: &str, company: &str| {
        let target = format!("/crm/v4/objects/contacts/{contact}/associations/companies/{company}");
        desk.send("PUT", &target, &hubspot(1).to_string());
    };
    put(&mut desk, &ada, &alpha);
    put(&mut desk, &twin, &beta);
    let body = json!({"primaryObjectId": ada, "objectIdToMerge": twin}).to_string();
    let id = desk.post("/crm/v3/objects/contacts/merge", &body).1["id"].as_str().unwrap().to_owned();
    assert_eq!(types(&mut desk, ("contacts", &id), ("companies", &alpha)), [1, 279], "the primary record's company");
    assert_eq!(types(&mut desk, ("contacts", &twin), ("companies", &beta)), [279]);
    let (_, read) = desk.post(&format!("{PAIR}/batch/read"), &json!({"inputs": [{"id": twin}]}).to_string());
    assert_eq!(
        (&read["results"][0]["from"]["id"], read["results"][0]["to"].as_array().unwrap().len()),
        (&json!(id), 2)
    );
    let archive = json!({"inputs": [{"from": {"id": ada}, "to": [{"id": alpha}]}]}).to_string();
    assert_eq!(desk.post(&format!("{PAIR}/batch/archive"), &archive).0, 204);
    assert_eq!(types(&mut desk, ("contacts", &id), ("companies", &alpha)), Vec::<u64>::new());
}

#[test]
fn every_standard_type_has_its_number_between_the_types_of_its_name() {
    let mut desk = Desk::new();
    let rows = [
        ("contacts", "companies", 279, 280),
        ("deals", "contacts", 3, 4),
        ("contacts", "notes", 201, 202),
        ("deals", "emails", 209, 210),
        ("tickets", "calls", 219, 220),
        ("meetings", "companies", 188, 187),
        ("tasks", "deals", 216, 215),
        ("quotes", "deals", 64, 63),
        ("quotes", "line_items", 67, 68),
        ("leads", "contacts", 608, 609),
        ("communications", "companies", 87, 88),
        ("postal_mail", "tickets", 455, 456),
        ("feedback_submissions", "contacts", 98, 97),
        ("leads", "calls", 596, 597),
        ("leads", "tasks", 646, 647),
        ("leads", "notes", 854, 855),
        ("leads", "meetings", 600, 601),
    ];
    for (from, to, there, back) in rows {
        for (from, to, id) in [(from, to, there), (to, from, back)] {
            let (_, labels) = desk.get(&format!("/crm/v4/associations/{from}/{to}/labels"));
            let unlabelled = json!({"category": "HUBSPOT_DEFINED", "typeId": id, "label": null});
            assert!(labels["results"].as_array().unwrap().contains(&unlabelled), "{from} {to}: {labels}");
        }
    }
    let (_, labels) = desk.get("/crm/v4/associations/leads/contacts/labels");
    assert!(labels["results"].as_array().unwrap().iter().any(|known| known["typeId"] == 578), "{labels}");
}
