//! Records that are archived, restored, merged, forgotten.

use serde_json::{Value, json};

use super::Desk;
use crate::model::RestoreError;
use crate::wire::Millis;

const DAY_MS: i64 = 86_400_000;

fn restore(desk: &mut Desk, id: &str) -> Result<(), RestoreError> {
    desk.portal.restore("contacts", id.parse().unwrap_or(0), Millis(desk.now))
}

fn merge(desk: &mut Desk, primary: &str, other: &str) -> (u16, Value) {
    let body = json!({"primaryObjectId": primary, "objectIdToMerge": other}).to_string();
    desk.post("/crm/v3/objects/contacts/merge", &body)
}

#[test]
fn an_archived_record_can_be_read_for_ninety_days_and_is_gone_after_them() {
    let mut desk = Desk::new();
    let ada = desk.make("contacts", r#"{"email":"ada@x.test"}"#);
    let target = format!("/crm/v3/objects/contacts/{ada}?archived=true");
    desk.send("DELETE", &format!("/crm/v3/objects/contacts/{ada}"), "");
    desk.now += 90 * DAY_MS - 1;
    let (status, read) = desk.get(&target);
    assert_eq!((status, &read["archivedAt"]), (200, &json!("2026-11-20T09:15:02.417Z")));
    desk.now += 1;
    assert_eq!(desk.get(&target).0, 404);
    assert_eq!(desk.get("/crm/v3/objects/contacts?archived=true").1, json!({"results": []}));
    assert_eq!(restore(&mut desk, &ada), Err(RestoreError::NotArchived { id: ada.parse().unwrap() }));
}

#[test]
fn a_restored_record_has_its_values_its_address_and_its_associations_again() {
    let mut desk = Desk::new();
    let ada = desk.make("contacts", r#"{"email":"ada@x.test","city":"Turin"}"#);
    let (alpha, beta) = (desk.make("companies", "{}"), desk.make("companies", "{}"));
    for company in [&alpha, &beta] {
        let body = r#"[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":1}]"#;
        desk.send("PUT", &format!("/crm/v4/objects/contacts/{ada}/associations/companies/{company}"), body);
    }
    desk.send("DELETE", &format!("/crm/v3/objects/contacts/{ada}"), "");
    desk.send("DELETE", &format!("/crm/v3/objects/companies/{alpha}"), "");
    assert_eq!(restore(&mut desk, &ada), Ok(()));
    let (status, read) =
        desk.get("/crm/v3/objects/contacts/ada@x.test?idProperty=email&properties=city&associations=companies");
    assert_eq!((status, &read["id"], &read["archived"]), (200, &json!(ada), &json!(false)));
    assert_eq!(read["properties"]["city"], "Turin");
    let (_, linked) = desk.get(&format!("/crm/v4/objects/contacts/{ada}/associations/companies"));
    let linked = linked["results"].as_array().unwrap();
    assert_eq!((linked.len(), &linked[0]["toObjectId"]), (1, &json!(beta.parse::<u64>().unwrap())));
    assert_eq!(linked[0]["associationTypes"].as_array().unwrap().len(), 2, "still its primary company");
    let body = json!({"filterGroups": [{"filters": [{"propertyName": "city", "operator": "EQ", "value": "Turin"}]}]});
    assert_eq!(desk.post("/crm/v3/objects/contacts/search", &body.to_string()).1["total"], 1);
    assert!(restore(&mut desk, &ada).is_err(), "it lives");
    desk.send("DELETE", &format!("/crm/v3/objects/contacts/{ada}"), "");
    desk.now += 89 * DAY_MS;
    assert_eq!(desk.get(&format!("/crm/v3/objects/contacts/{ada}?archived=true")).0, 200);
}

#[test]
fn a_record_archived_again_has_another_ninety_days() {
    let mut desk = Desk::new();
    let ada = desk.make("contacts", "{}");
    let target = format!("/crm/v3/objects/contacts/{ada}");
    desk.send("DELETE", &target, "");
    desk.now += 50 * DAY_MS;
    restore(&mut desk, &ada).unwrap();
    desk.send("DELETE", &target, "");
    desk.now += 50 * DAY_MS;
    assert_eq!(desk.get(&format!("{target}?archived=true")).0, 200);
    desk.now += 40 * DAY_MS;
    assert_eq!(desk.get(&format!("{target}?archived=true")).0, 404);
}

#[test]
fn a_record_whose_address_was_taken_is_not_restored() {
    let mut desk = Desk::new();
    let ada = desk.make("contacts", r#"{"email":"ada@x.test"}"#);
    desk.send("DELETE", &format!("/crm/v3/objects/contacts/{ada}"), "");
    let other = desk.make("contacts", r#"{"email":"ada@x.test"}"#);
    let owner = other.parse().unwrap();
    assert_eq!(restore(&mut desk, &ada), Err(RestoreError::Taken { property: "email".to_owned(), owner }));
    desk.send("PATCH", &format!("/crm/v3/objects/contacts/{other}"), r#"{"properties":{"email":"b@x.test"}}"#);
    assert_eq!(restore(&mut desk, &ada), Ok(()));
}

#[test]
fn a_chain_of_merges_answers_every_old_id_with_the_last_survivor() {
    let mut desk = Desk::new();
    let made: Vec<String> = ["a", "b", "c"]
        .iter()
        .map(|name| desk.make("contacts", &json!({"email": format!("{name}@x.test")}).to_string()))
        .collect();
    let first = merge(&mut desk, &made[0], &made[1]).1["id"].as_str().unwrap().to_owned();
    let last = merge(&mut desk, &made[2], &made[0]).1["id"].as_str().unwrap().to_owned();
    for old in [&made[0], &made[1], &made[2], &first] {
        assert_eq!(desk.get(&format!("/crm/v3/objects/contacts/{old}")).1["id"], json!(last), "{old}");
        let target = format!("/crm/v3/objects/contacts/{old}?idProperty=hs_object_id");
        let (status, written) = desk.send("PATCH", &target, &json!({"properties": {"city": old}}).to_string());
        assert_eq!((status, &written["id"], &written["properties"]["city"]), (200, &json!(last), &json!(old)));
    }
    let (_, read) = desk
        .get(&format!("/crm/v3/objects/contacts/{last}?properties=hs_merged_object_ids,hs_additional_emails,email"));
    let merged: Vec<&str> = read["properties"]["hs_merged_object_ids"].as_str().unwrap().split(';').collect();
    assert!([&made[0], &made[1], &made[2], &first].into_iter().all(|id| merged.contains(&id.as_str())), "{merged:?}");
    assert_eq!(read["properties"]["email"], "c@x.test");
    assert_eq!(read["properties"]["hs_additional_emails"], "a@x.test;b@x.test");
    let inputs = json!({"inputs": made.iter().map(|id| json!({"id": id})).collect::<Vec<_>>()}).to_string();
    let (status, batch) = desk.post("/crm/v3/objects/contacts/batch/read", &inputs);
    assert_eq!((status, batch["results"].as_array().unwrap().len()), (200, 1), "one record, once");
    let (status, taken) = desk.post("/crm/v3/objects/contacts", r#"{"properties":{"email":"b@x.test"}}"#);
    assert_eq!((status, &taken["message"]), (409, &json!(format!("Contact already exists. Existing ID: {last}"))));
}

#[test]
fn a_merged_record_keeps_the_further_stage_and_the_older_birth() {
    let mut desk = Desk::new();
    let old = desk.make("contacts", r#"{"lifecyclestage":"customer"}"#);
    desk.now += 60_000;
    let young = desk.make("contacts", r#"{"lifecyclestage":"lead"}"#);
    desk.now += 60_000;
    let (status, merged) = merge(&mut desk, &young, &old);
    assert_eq!((status, &merged["createdAt"]), (200, &json!("2026-11-20T09:15:02.417Z")));
    let (_, read) =
        desk.get(&format!("/crm/v3/objects/contacts/{}?properties=lifecyclestage", merged["id"].as_str().unwrap()));
    assert_eq!(read["properties"]["lifecyclestage"], "customer");
}

#[test]
fn more_than_250_merged_identities_are_refused() {
    let mut desk = Desk::new();
    let mut survivor = desk.make("contacts", "{}");
    let mut merges = 0;
    let refusal = loop {
        let other = desk.make("contacts", "{}");
        let (status, answer) = merge(&mut desk, &survivor, &other);
        if status != 200 {
            break (status, answer);
        }
        survivor = answer["id"].as_str().unwrap().to_owned();
        merges += 1;
        assert!(merges < 250);
    };
    assert_eq!(refusal.0, 414);
    assert_eq!(refusal.1["message"], "Cannot have more than 250 identities on a profile");
    let (_, read) = desk.get(&format!("/crm/v3/objects/contacts/{survivor}?properties=hs_merged_object_ids"));
    assert_eq!(read["properties"]["hs_merged_object_ids"].as_str().unwrap().split(';').count(), 250);
}

#[test]
fn a_record_cannot_be_merged_with_itself_with_nothing_or_twice() {
    let mut desk = Desk::new();
    let (ada, bob) = (desk.make("contacts", "{}"), desk.make("contacts", "{}"));
    assert_eq!(merge(&mut desk, &ada, &ada).0, 400);
    let (status, refusal) = merge(&mut desk, &ada, "99999");
    let text = "99999 is not a valid contact or is already in the process of being merged";
    assert_eq!((status, &refusal["message"]), (400, &json!(text)));
    assert_eq!(merge(&mut desk, &ada, &bob).0, 200);
    assert_eq!(merge(&mut desk, &ada, &bob).0, 400, "both are the survivor now");
}

#[test]
fn a_forgotten_contact_is_nowhere_and_its_address_is_free() {
    let mut desk = Desk::new();
    let ada = desk.make("contacts", r#"{"email":"ada@x.test"}"#);
    let forget = |desk: &mut Desk, body: Value| desk.post("/crm/v3/objects/contacts/gdpr-delete", &body.to_string()).0;
    assert_eq!(forget(&mut desk, json!({"objectId": "ADA@x.test", "idProperty": "email"})), 204);
    for archived in [false, true] {
        assert_eq!(desk.get(&format!("/crm/v3/objects/contacts/{ada}?archived={archived}")).0, 404);
    }
    assert!(restore(&mut desk, &ada).is_err());
    let again = desk.make("contacts", r#"{"email":"ada@x.test"}"#);
    assert_ne!(again, ada);
    let twin = desk.make("contacts", r#"{"email":"twin@x.test"}"#);
    let survivor = merge(&mut desk, &again, &twin).1["id"].as_str().unwrap().to_owned();
    assert_eq!(forget(&mut desk, json!({"objectId": twin})), 204, "an old id means the survivor");
    assert_eq!(desk.get(&format!("/crm/v3/objects/contacts/{survivor}")).0, 404);
    let inputs = json!({"inputs": [{"id": twin, "properties": {"city": "Turin"}}]}).to_string();
    let (status, update) = desk.post("/crm/v3/objects/contacts/batch/update", &inputs);
    assert_eq!((status, &update["errors"][0]["context"]["ids"]), (207, &json!([twin])));
    let gone = desk.make("contacts", "{}");
    desk.send("DELETE", &format!("/crm/v3/objects/contacts/{gone}"), "");
    assert_eq!(forget(&mut desk, json!({"objectId": gone})), 204);
    assert_eq!(desk.get(&format!("/crm/v3/objects/contacts/{gone}?archived=true")).0, 404);
}

#[test]
fn an_address_that_is_forgotten_before_it_is_known_is_blocked() {
    let mut desk = Desk::new();
    let body = r#"{"objectId":"Nobody@x.test","idProperty":"email"}"#;
    assert_eq!(desk.post("/crm/v3/objects/contacts/gdpr-delete", body).0, 204);
    let (status, refusal) = desk.post("/crm/v3/objects/contacts", r#"{"properties":{"email":"nobody@x.test"}}"#);
    assert_eq!((status, &refusal["errors"][0]["code"]), (400, &json!("INVALID_EMAIL")));
    assert_eq!(desk.post("/crm/v3/objects/contacts", r#"{"properties":{"email":"somebody@x.test"}}"#).0, 201);
}
