//! Observed behaviours of associations that no other test holds: one test for each.

use serde_json::json;

use super::Desk;

#[test]
fn version_3_tells_both_directions_of_what_it_made() {
    let mut desk = Desk::new();
    let (ada, alpha) = (desk.make("contacts", "{}"), desk.make("companies", "{}"));
    let body =
        json!({"inputs": [{"from": {"id": ada}, "to": {"id": alpha}, "type": "contact_to_company"}]}).to_string();
    let (_, made) = desk.post("/crm/v3/associations/contacts/companies/batch/create", &body);
    let pairs: Vec<(&str, &str)> = made["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["from"]["id"].as_str().unwrap(), one["to"]["id"].as_str().unwrap()))
        .collect();
    assert_eq!(pairs, [(ada.as_str(), alpha.as_str()), (alpha.as_str(), ada.as_str())]);
}

#[test]
fn a_put_to_a_missing_record_names_it() {
    let mut desk = Desk::new();
    let ada = desk.make("contacts", "{}");
    let target = format!("/crm/v4/objects/contacts/{ada}/associations/default/contacts/99999999");
    let (status, refusal) = desk.send("PUT", &target, "");
    assert_eq!((status, &refusal["category"]), (404, &json!("OBJECT_NOT_FOUND")));
    assert_eq!(refusal["subCategory"], "crm.associations.TO_OBJECT_NOT_FOUND");
    assert_eq!(refusal["message"], "No contact with ID 99999999 exists");
}

#[test]
fn the_fifty_first_label_of_a_pair_is_a_437() {
    let mut desk = Desk::new();
    let labels = "/crm/v4/associations/contacts/companies/labels";
    let label = |n: usize| json!({"name": format!("label_{n}"), "label": format!("Label {n}")}).to_string();
    for n in 0..50 {
        let (status, made) = desk.post(labels, &label(n));
        assert_eq!(status, 200, "{made}");
    }
    let (status, refusal) = desk.post(labels, &label(50));
    assert_eq!(status, 437);
    assert!(refusal["message"].as_str().unwrap().starts_with("No more than 50 association types are allowed between"));
}

#[test]
fn a_label_is_two_types_and_goes_as_one() {
    let mut desk = Desk::new();
    let labels = "/crm/v4/associations/contacts/companies/labels";
    let back = "/crm/v4/associations/companies/contacts/labels";
    let count = |desk: &mut Desk, path: &str| desk.get(path).1["results"].as_array().unwrap().len();
    let before = (count(&mut desk, labels), count(&mut desk, back));
    let label = r#"{"name":"partner","label":"Partner","inverseLabel":"Partner of"}"#;
    let (_, made) = desk.post(labels, label);
    let types: Vec<u64> =
        made["results"].as_array().unwrap().iter().map(|one| one["typeId"].as_u64().unwrap()).collect();
    assert_eq!(types.len(), 2);
    assert_eq!((count(&mut desk, labels), count(&mut desk, back)), (before.0 + 1, before.1 + 1));
    assert_eq!(desk.send("DELETE", &format!("{back}/{}", types[1]), "").0, 204);
    assert_eq!((count(&mut desk, labels), count(&mut desk, back)), before, "either takes both away");
}

#[test]
fn a_read_of_associations_takes_a_thousand_records_at_most() {
    let mut desk = Desk::new();
    let inputs = |n: usize| json!({"inputs": vec![json!({"id": "1"}); n]}).to_string();
    let target = "/crm/v4/associations/contacts/companies/batch/read";
    assert_eq!(desk.post(target, &inputs(1_000)).0, 207);
    assert_eq!(desk.post(target, &inputs(1_001)).0, 400);
}
