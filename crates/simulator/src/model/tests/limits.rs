//! What the account says of its limits is what the model holds.

use serde_json::{Value, json};

use super::Desk;

fn of(list: &Value, type_id: &str) -> Value {
    let known = list.as_array().unwrap().iter().find(|one| one["objectTypeId"] == type_id);
    known.cloned().unwrap_or_else(|| panic!("no {type_id} in {list}"))
}

fn schema(desk: &mut Desk, name: &str) -> String {
    let body = json!({"name": name, "labels": {"singular": "Machine", "plural": "Machines"},
        "primaryDisplayProperty": "serial", "requiredProperties": [],
        "properties": [{"name": "serial", "label": "Serial", "type": "string", "fieldType": "text"}],
        "associatedObjects": []});
    let (status, made) = desk.post("/crm-object-schemas/v3/schemas", &body.to_string());
    assert_eq!(status, 201, "{made}");
    made["objectTypeId"].as_str().unwrap().to_owned()
}

#[test]
fn records_are_counted_by_type() {
    let mut desk = Desk::new();
    let machine = schema(&mut desk, "machine");
    for _ in 0..3 {
        desk.make("contacts", "{}");
    }
    desk.make(&machine, r#"{"serial":"1"}"#);
    for path in ["/crm/v3/limits/records", "/crm/limits/2026-03/records", "/crm/limits/2026-09/records/"] {
        let (status, body) = desk.get(path);
        assert_eq!(status, 200, "{path}");
        let contacts = of(&body["hubspotDefinedObjectTypes"], "0-1");
        assert_eq!((&contacts["usage"], &contacts["pluralLabel"]), (&json!(3), &json!("Contacts")));
        let custom = &body["customObjectTypes"];
        assert_eq!(custom["overallUsage"], 1);
        assert_eq!(
            custom["byObjectType"],
            json!([{"objectTypeId": machine, "singularLabel": "Machine", "pluralLabel": "Machines", "usage": 1}])
        );
    }
}

#[test]
fn own_and_calculated_properties_are_counted_and_archived_ones_are_not() {
    let mut desk = Desk::new();
    let own = |name: &str| json!({"name": name, "label": name, "type": "number", "fieldType": "number", "groupName": "dealinformation"});
    let sum = json!({"name": "total", "label": "Total", "type": "number", "fieldType": "calculation_equation",
                     "groupName": "dealinformation", "calculationFormula": "own_b * 2"});
    for body in [own("own_a"), own("own_b"), sum] {
        assert_eq!(desk.post("/crm/v3/properties/deals", &body.to_string()).0, 201, "{body}");
    }
    desk.send("DELETE", "/crm/v3/properties/deals/own_a", "");
    let (_, body) = desk.get("/crm/v3/limits/custom-properties");
    let deals = of(&body["byObjectType"], "0-3");
    assert_eq!((&deals["usage"], &deals["limit"], &deals["percentage"]), (&json!(2), &json!(1000), &json!(0.2)));
    assert_eq!(body["overallUsage"], 2);
    let (_, body) = desk.get("/crm/v3/limits/calculated-properties");
    assert_eq!((&body["overallUsage"], &of(&body["byObjectType"], "0-3")["usage"]), (&json!(1), &json!(1)));
}

#[test]
fn types_pipelines_and_labels_are_counted() {
    let mut desk = Desk::new();
    let machine = schema(&mut desk, "machine");
    let expected = json!({"limit": 20, "usage": 1, "percentage": 5.0});
    assert_eq!(desk.get("/crm/limits/2026-09/custom-object-types").1, expected);
    let pipeline = json!({"label": "Repairs", "displayOrder": 0,
                          "stages": [{"label": "In", "displayOrder": 0, "metadata": {"state": "OPEN"}}]});
    assert_eq!(desk.post(&format!("/crm/v3/pipelines/{machine}"), &pipeline.to_string()).0, 201);
    let (_, body) = desk.get("/crm/v3/limits/pipelines");
    assert_eq!(of(&body["hubspotDefinedObjectTypes"], "0-3")["usage"], 1);
    assert_eq!(of(&body["customObjectTypes"]["byObjectType"], &machine)["usage"], 1);
    assert_eq!(desk.get("/crm/v3/limits/associations/labels").1, json!({"results": []}));
    let label = r#"{"name":"boss","label":"Boss","inverseLabel":"Report"}"#;
    desk.post("/crm/v4/associations/contacts/companies/labels", label);
    let (_, body) = desk.get("/crm/v3/limits/associations/labels");
    assert_eq!(body["results"].as_array().unwrap().len(), 2, "one for each direction");
    let (_, body) = desk.get("/crm/v3/limits/associations/labels?fromObjectTypeId=0-1&toObjectTypeId=0-2");
    let entry = &body["results"][0];
    assert_eq!((&entry["usage"], &entry["limit"], &entry["allLabels"]), (&json!(1), &json!(50), &json!(["Boss"])));
    assert_eq!(entry["fromObjectType"]["objectTypeId"], "0-1");
}

#[test]
fn no_record_of_a_small_account_is_near_the_limit_of_its_associations() {
    let mut desk = Desk::new();
    let (ada, acme) = (desk.make("contacts", "{}"), desk.make("companies", r#"{"name":"Acme"}"#));
    desk.send("PUT", &format!("/crm/v4/objects/contacts/{ada}/associations/default/companies/{acme}"), "");
    assert_eq!(desk.get("/crm/v3/limits/associations/records/from").1, json!({"results": []}));
    assert_eq!(desk.get("/crm/v3/limits/associations/records/0-1/to").1, json!({"results": []}));
    let (_, body) = desk.get("/crm/v3/limits/associations/records/0-1/0-2");
    assert_eq!((&body["totalRecordsAtLimit"], &body["totalRecordsNearLimit"]), (&json!(0), &json!(0)));
    assert_eq!(desk.get("/crm/v3/limits/associations/records/0-1/0-7").0, 400);
    assert_eq!(desk.post("/crm/v3/limits/records", "{}").0, 405);
    assert_eq!(desk.get("/crm/v3/limits/nothing").0, 404);
}

#[test]
fn records_at_and_near_the_limit_of_their_associations_are_counted() {
    let mut desk = Desk::new();
    let limit = json!({"inputs": [{"category": "HUBSPOT_DEFINED", "typeId": 279, "maxToObjectIds": 5}]}).to_string();
    desk.post("/crm/associations/v4/definitions/configurations/contacts/companies/batch/create", &limit);
    let people: Vec<String> = (0..3).map(|_| desk.make("contacts", "{}")).collect();
    for (person, count) in people.iter().zip([5, 4, 3]) {
        for _ in 0..count {
            let company = desk.make("companies", "{}");
            let target = format!("/crm/v4/objects/contacts/{person}/associations/default/companies/{company}");
            assert_eq!(desk.send("PUT", &target, "").0, 200);
        }
    }
    let (_, body) = desk.get("/crm/limits/2026-09/associations/records/0-1/0-2");
    let full: u64 = people[0].parse().unwrap();
    assert_eq!((&body["limit"], &body["atLimitFromRecordSamples"][0]["objectId"]), (&json!(5), &json!(full)));
    assert_eq!((&body["totalRecordsAtLimit"], &body["totalRecordsNearLimit"]), (&json!(1), &json!(1)));
    let near = &body["nearLimitFromRecordSamples"][0];
    assert_eq!((&near["usage"], &near["percentage"]), (&json!(4), &json!(80.0)));
    let expected = |type_id: &str, singular: &str, plural: &str| {
        json!({"results": [{"objectTypeId": type_id, "singularLabel": singular, "pluralLabel": plural,
                            "hasRecordsAtLimit": true, "hasRecordsNearLimit": true}]})
    };
    let (_, from) = desk.get("/crm/limits/2026-09/associations/records/from");
    assert_eq!(from, expected("0-1", "Contact", "Contacts"));
    let (_, to) = desk.get("/crm/limits/2026-09/associations/records/0-1/to");
    assert_eq!(to, expected("0-2", "Company", "Companies"));
}
