//! Schemas of custom objects, and what properties and groups refuse.

use serde_json::{Value, json};

use super::Desk;

const SCHEMAS: &str = "/crm-object-schemas/v3/schemas";

fn body(name: &str) -> Value {
    json!({"name": name, "labels": {"singular": "Machine", "plural": "Machines"}, "primaryDisplayProperty": "serial",
           "requiredProperties": ["serial"], "searchableProperties": ["serial"],
           "properties": [{"name": "serial", "label": "Serial", "type": "string", "fieldType": "text"},
                          {"name": "size", "label": "Size", "type": "string", "fieldType": "text"}],
           "associatedObjects": ["CONTACT"]})
}

fn make(desk: &mut Desk, name: &str) -> String {
    let (status, made) = desk.post(SCHEMAS, &body(name).to_string());
    assert_eq!(status, 201, "{made}");
    made["objectTypeId"].as_str().unwrap().to_owned()
}

fn sub_category(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["subCategory"].as_str().unwrap_or_default())
}

#[test]
fn a_schema_is_refused_without_a_good_name_and_a_property_to_show() {
    let mut desk = Desk::new();
    let mut wrong = |change: &dyn Fn(&mut Value)| {
        let mut body = body("machine");
        change(&mut body);
        let answer = desk.post(SCHEMAS, &body.to_string());
        (answer.0, answer.1["subCategory"].as_str().unwrap_or_default().to_owned())
    };
    let name_format = (400, "InboundDbObjectTypeError.OBJECT_TYPE_NAME_FORMAT".to_owned());
    assert_eq!(wrong(&|body| body["name"] = "2machines".into()), name_format);
    assert_eq!(wrong(&|body| body["name"] = "m".repeat(51).into()), name_format);
    let lacks = wrong(&|body| drop(body.as_object_mut().unwrap().remove("primaryDisplayProperty")));
    assert_eq!(lacks, (400, "ObjectSchemaError.PRIMARY_DISPLAY_PROPERTY_REQUIRED".to_owned()));
    let unknown = wrong(&|body| body["primaryDisplayProperty"] = "colour".into());
    assert_eq!(unknown.1, "ObjectSchemasSandboxesSyncErrorType.INVALID_PRIMARY_DISPLAY_PROPERTY");
    assert_eq!(wrong(&|body| drop(body.as_object_mut().unwrap().remove("requiredProperties"))).0, 400);
    assert_eq!(wrong(&|body| body["searchableProperties"] = json!(["nothing"])).0, 400);
    assert_eq!(wrong(&|_| ()).0, 201);
}

#[test]
fn a_name_in_use_answers_the_type_that_has_it_and_another_case_is_refused() {
    let mut desk = Desk::new();
    let type_id = make(&mut desk, "machine");
    desk.now += 60_000;
    let (status, again) = desk.post(SCHEMAS, &body("machine").to_string());
    assert_eq!((status, &again["objectTypeId"]), (201, &json!(type_id)));
    assert_eq!(again["createdAt"], "2026-11-20T09:16:02.417Z");
    assert_eq!(desk.get(&format!("{SCHEMAS}/{type_id}")).1["createdAt"], "2026-11-20T09:15:02.417Z");
    let answer = desk.post(SCHEMAS, &body("Machine").to_string());
    assert_eq!(sub_category(&answer), (409, "InboundDbObjectTypeError.OBJECT_TYPE_ALREADY_EXIST"));
}

#[test]
fn a_schema_is_archived_without_records_and_purged_when_archived() {
    let mut desk = Desk::new();
    let type_id = make(&mut desk, "machine");
    let target = format!("{SCHEMAS}/{type_id}");
    let record = desk.make(&type_id, r#"{"serial":"1"}"#);
    let answer = desk.send("DELETE", &target, "");
    assert_eq!(sub_category(&answer), (400, "ObjectSchemaError.EXISTING_OBJECT_RECORDS"));
    let message = format!("Object type {type_id} cannot be deleted until all object records are deleted");
    assert_eq!(answer.1["message"], message);
    desk.send("DELETE", &format!("/crm/v3/objects/{type_id}/{record}"), "");
    let (status, refusal) = desk.send("DELETE", &format!("{target}?archived=true"), "");
    assert_eq!((status, &refusal["message"]), (400, &json!("Couldn't find soft-deleted object type(s)")));
    assert_eq!(desk.send("DELETE", &target, "").0, 204);
    assert_eq!(desk.send("DELETE", &target, "").1["message"], "Invalid object or event type id");
    let names = |desk: &mut Desk, query: &str| -> Vec<(String, bool)> {
        let (_, list) = desk.get(&format!("{SCHEMAS}{query}"));
        let known = list["results"].as_array().unwrap().iter();
        known.map(|one| (one["name"].as_str().unwrap().to_owned(), one["archived"].as_bool().unwrap())).collect()
    };
    make(&mut desk, "tool");
    assert_eq!(names(&mut desk, ""), [("tool".to_owned(), false)]);
    let both = [("machine".to_owned(), true), ("tool".to_owned(), false)];
    assert_eq!(names(&mut desk, "?archived=true"), both, "the live ones are among the archived");
    assert_eq!(desk.send("DELETE", &format!("{target}?archived=true"), "").0, 204);
    assert_eq!(names(&mut desk, "?archived=true"), both[1..]);
}

#[test]
fn the_name_of_an_archived_schema_makes_a_new_type() {
    let mut desk = Desk::new();
    let old = make(&mut desk, "machine");
    desk.send("DELETE", &format!("{SCHEMAS}/{old}"), "");
    let new = make(&mut desk, "machine");
    assert_ne!(new, old);
    assert_eq!(desk.get(&format!("{SCHEMAS}/p_machine")).1["objectTypeId"], new);
    let (_, list) = desk.get(&format!("{SCHEMAS}?archived=true"));
    assert_eq!(list["results"].as_array().unwrap().len(), 1, "the archived one is gone for good");
}

#[test]
fn an_account_has_at_most_twenty_types() {
    let mut desk = Desk::new();
    let types: Vec<String> = (0..20).map(|n| make(&mut desk, &format!("type{n}"))).collect();
    assert_eq!(desk.post(SCHEMAS, &body("onemore").to_string()).0, 400);
    desk.send("DELETE", &format!("{SCHEMAS}/{}", types[0]), "");
    assert_eq!(desk.post(SCHEMAS, &body("onemore").to_string()).0, 201, "archived ones do not count");
}

#[test]
fn a_read_may_leave_parts_out_and_a_patch_always_does() {
    let mut desk = Desk::new();
    let type_id = make(&mut desk, "machine");
    let dated = format!("/crm-object-schemas/2026-03/schemas/{type_id}");
    assert!(desk.get(&dated).1["properties"].is_array());
    let (_, short) = desk.get(&format!("{dated}?includePropertyDefinitions=false&includeAssociationDefinitions=false"));
    assert!(short.get("properties").is_none() && short.get("associations").is_none());
    let (status, patched) = desk.send("PATCH", &dated, r#"{"labels":{"singular":"Engine"},"clearDescription":false}"#);
    assert_eq!((status, &patched["labels"]), (200, &json!({"singular": "Engine", "plural": "Machines"})));
    assert_eq!(patched["portalId"], 48_151_623);
    assert!(patched.get("properties").is_none());
    let inputs = json!({"inputs": [type_id, "2-99"], "includePropertyDefinitions": false});
    let (status, found) = desk.post("/crm-object-schemas/2026-03/schemas/batch/read", &inputs.to_string());
    assert_eq!((status, found["results"].as_array().unwrap().len()), (200, 1));
}

#[test]
fn reads_flip_between_old_and_new_for_a_while_after_a_change() {
    let mut desk = Desk::with(|options| options.schema_lag = true);
    let type_id = make(&mut desk, "machine");
    let target = format!("{SCHEMAS}/{type_id}");
    desk.send("PATCH", &target, r#"{"labels":{"singular":"Engine","plural":"Engines"}}"#);
    let seen = |desk: &mut Desk, times: usize| -> Vec<String> {
        let mut labels: Vec<String> =
            (0..times).map(|_| desk.get(&target).1["labels"]["singular"].as_str().unwrap().to_owned()).collect();
        labels.sort();
        labels.dedup();
        labels
    };
    assert_eq!(seen(&mut desk, 40), ["Engine", "Machine"]);
    desk.now += 70_001;
    assert_eq!(seen(&mut desk, 40), ["Engine"]);
}

#[test]
fn what_a_patch_leaves_out_may_come_back_as_it_was() {
    let outcomes: std::collections::BTreeSet<String> = (0..20)
        .map(|extra| {
            let mut desk = Desk::with(|options| options.schema_lag = true);
            // More calls before: other dice.
            (0..extra).for_each(|_| drop(desk.get("/crm/v3/owners")));
            let type_id = make(&mut desk, "machine");
            let target = format!("{SCHEMAS}/{type_id}");
            desk.send("PATCH", &target, r#"{"labels":{"singular":"Engine","plural":"Engines"}}"#);
            desk.send("PATCH", &target, r#"{"description":"Turns"}"#);
            desk.now += 140_002;
            desk.get(&target).1["labels"]["singular"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(outcomes.into_iter().collect::<Vec<String>>(), ["Engine", "Machine"]);
}

#[test]
fn sensitive_properties_once_allowed_stay_so() {
    let mut desk = Desk::new();
    let type_id = make(&mut desk, "machine");
    let dated = format!("/crm-object-schemas/2026-03/schemas/{type_id}");
    assert_eq!(desk.send("PATCH", &dated, r#"{"allowsSensitiveProperties":true}"#).0, 200);
    let answer = desk.send("PATCH", &dated, r#"{"allowsSensitiveProperties":false}"#);
    let expected = "InboundDbObjectTypeError.SENSITIVE_PROPERTIES_SUPPORT_CANNOT_BE_TURNED_OFF";
    assert_eq!(sub_category(&answer), (400, expected));
    assert_eq!(desk.send("PATCH", &format!("{SCHEMAS}/nothing"), "{}").1["message"], "Invalid object or event type id");
}

#[test]
fn an_association_of_a_schema_is_made_and_taken_away() {
    let mut desk = Desk::new();
    let type_id = make(&mut desk, "machine");
    let target = format!("{SCHEMAS}/{type_id}/associations");
    let body = json!({"fromObjectTypeId": type_id, "toObjectTypeId": "0-3", "name": "machine_to_deal"});
    let (status, made) = desk.post(&target, &body.to_string());
    assert_eq!((status, &made["name"]), (201, &json!("machine_to_deal")));
    let id = made["id"].as_str().unwrap();
    let count = |desk: &mut Desk| desk.get(&format!("{SCHEMAS}/{type_id}")).1["associations"].as_array().unwrap().len();
    let before = count(&mut desk);
    assert_eq!(desk.send("DELETE", &format!("{target}/{id}"), "").0, 204);
    assert_eq!(count(&mut desk), before - 2, "both directions");
    assert_eq!(desk.send("DELETE", &format!("{target}/{id}"), "").0, 204);
    assert_eq!(desk.send("DELETE", &format!("{target}/279"), "").0, 400, "not of this schema");
}

#[test]
fn a_property_that_something_needs_is_not_archived() {
    let mut desk = Desk::new();
    let type_id = make(&mut desk, "machine");
    let answer = desk.send("DELETE", &format!("/crm/v3/properties/{type_id}/serial"), "");
    assert_eq!(sub_category(&answer), (400, "PropertyValidationError.CANNOT_DELETE_PROPERTY_IN_USE"));
    assert_eq!(desk.send("DELETE", &format!("/crm/v3/properties/{type_id}/size"), "").0, 204);
    let plain = json!({"name": "width", "label": "Width", "type": "number", "fieldType": "number",
                       "groupName": "dealinformation"});
    let sum = json!({"name": "area", "label": "Area", "type": "number", "fieldType": "calculation_equation",
                     "groupName": "dealinformation", "calculationFormula": "width * width_b"});
    // A name that begins with the other one is another property.
    let longer = json!({"name": "width_b", "label": "Width B", "type": "number", "fieldType": "number",
                        "groupName": "dealinformation"});
    for body in [plain, longer, sum] {
        assert_eq!(desk.post("/crm/v3/properties/deals", &body.to_string()).0, 201, "{body}");
    }
    let (status, refusal) = desk.send("DELETE", "/crm/v3/properties/deals/width", "");
    assert_eq!(status, 400);
    assert_eq!(
        refusal["message"],
        "Property: width of object type 0-3 is currently used in 1 places and cannot be deleted"
    );
    assert_eq!(refusal["context"]["usageCount"], json!(["1"]));
    assert_eq!(
        refusal["errors"],
        json!([{"subCategory": "PropertyValidationError.PROPERTY_USAGE",
                "context": {"parentType": ["CALCULATED_PROPERTY"], "parentName": ["0-3/area"]}}])
    );
    desk.send("DELETE", "/crm/v3/properties/deals/area", "");
    assert_eq!(desk.send("DELETE", "/crm/v3/properties/deals/width", "").0, 204, "nothing needs it any more");
}

#[test]
fn a_restored_property_is_made_anew_but_keeps_its_first_date() {
    let mut desk = Desk::new();
    let define = |kind: &str, field: &str, form: bool| {
        json!({"name": "note", "label": "Note", "type": kind, "fieldType": field, "groupName": "dealinformation",
               "formField": form})
        .to_string()
    };
    desk.post("/crm/v3/properties/deals", &define("string", "text", true));
    desk.send("DELETE", "/crm/v3/properties/deals/note", "");
    assert_eq!(desk.get("/crm/v3/properties/deals/note?archived=true").1["archived"], true);
    desk.now += 60_000;
    assert_eq!(desk.post("/crm/v3/properties/deals", &define("number", "number", false)).0, 201);
    let (_, read) = desk.get("/crm/v3/properties/deals/note");
    assert_eq!((&read["type"], &read["formField"]), (&json!("number"), &json!(false)));
    assert_eq!(read["createdAt"], "2026-11-20T09:15:02.417Z");
    assert_eq!(desk.get("/crm/v3/properties/deals/note?archived=true").0, 404);
}

#[test]
fn a_property_is_read_under_its_own_sensitivity_alone() {
    let mut desk = Desk::new();
    let secret = json!({"name": "secret", "label": "Secret", "type": "string", "fieldType": "text",
                        "groupName": "dealinformation", "dataSensitivity": "sensitive"});
    assert_eq!(desk.post("/crm/v3/properties/deals", &secret.to_string()).0, 201);
    let target = "/crm/v3/properties/deals/secret";
    assert_eq!(desk.get(target).0, 404);
    assert_eq!(desk.get(&format!("{target}?dataSensitivity=highly_sensitive")).0, 404);
    assert_eq!(desk.get(&format!("{target}?dataSensitivity=sensitive")).1["dataSensitivity"], "sensitive");
    assert_eq!(desk.get(&format!("{target}?dataSensitivity=secret")).0, 400);
    let read = |sensitivity: &str| {
        json!({"archived": false, "dataSensitivity": sensitivity, "inputs": [{"name": "secret"}]}).to_string()
    };
    assert_eq!(desk.post("/crm/v3/properties/deals/batch/read", &read("non_sensitive")).0, 207);
    assert_eq!(desk.post("/crm/v3/properties/deals/batch/read", &read("sensitive")).0, 200);
    let bad = secret.to_string().replace("\"sensitive\"", "\"very\"");
    assert_eq!(desk.post("/crm/v3/properties/deals", &bad).0, 400);
}

#[test]
fn a_formula_and_its_field_type_need_each_other() {
    let mut desk = Desk::new();
    let define = |field: &str, formula: Option<&str>| {
        json!({"name": "sum", "label": "Sum", "type": "number", "fieldType": field, "groupName": "dealinformation",
               "calculationFormula": formula})
        .to_string()
    };
    assert_eq!(desk.post("/crm/v3/properties/deals", &define("number", Some("1 + 1"))).0, 400);
    assert_eq!(desk.post("/crm/v3/properties/deals", &define("calculation_equation", None)).0, 400);
    let (status, made) = desk.post("/crm/v3/properties/deals", &define("calculation_equation", Some("1 + 1")));
    assert_eq!((status, &made["calculated"]), (201, &json!(true)));
    let target = "/crm/v3/properties/deals/sum";
    let (_, changed) = desk.send("PATCH", target, r#"{"calculationFormula":"2 + 2"}"#);
    assert_eq!(changed["calculationFormula"], "2 + 2");
    let deal = desk.make("deals", "{}");
    desk.send("PATCH", target, r#"{"calculationFormula":"3 + 3"}"#);
    let (_, read) = desk.get(&format!("/crm/v3/objects/deals/{deal}?properties=sum"));
    assert_eq!(read["properties"]["sum"], "6", "every record is calculated anew");
    assert_eq!(desk.send("PATCH", target, r#"{"calculationFormula":"nothing + 1"}"#).0, 400);
    desk.post("/crm/v3/properties/deals", &define("number", None).replace("\"sum\"", "\"plain\""));
    assert_eq!(desk.send("PATCH", "/crm/v3/properties/deals/plain", r#"{"calculationFormula":"1"}"#).0, 400);
}

#[test]
fn hints_are_kept_and_unknown_ones_refused() {
    let mut desk = Desk::new();
    let define = |hint: &str| {
        json!({"name": "share", "label": "Share", "type": "number", "fieldType": "number",
               "groupName": "dealinformation", "numberDisplayHint": hint, "showCurrencySymbol": true})
        .to_string()
    };
    assert_eq!(desk.post("/crm/v3/properties/deals", &define("roman")).0, 400);
    let (_, made) = desk.post("/crm/v3/properties/deals", &define("percentage"));
    assert_eq!((&made["numberDisplayHint"], &made["showCurrencySymbol"]), (&json!("percentage"), &json!(true)));
    let (_, changed) = desk.send("PATCH", "/crm/v3/properties/deals/share", r#"{"numberDisplayHint":"currency"}"#);
    assert_eq!(changed["numberDisplayHint"], "currency");
}

#[test]
fn what_cannot_change_is_passed_over_in_silence() {
    let mut desk = Desk::new();
    let made = json!({"name": "note", "label": "Note", "type": "string", "fieldType": "text",
                      "groupName": "dealinformation"});
    desk.post("/crm/v3/properties/deals", &made.to_string());
    let change = json!({"name": "other", "hasUniqueValue": true, "dataSensitivity": "sensitive",
                        "referencedObjectType": "OWNER", "externalOptions": true});
    let (status, changed) = desk.send("PATCH", "/crm/v3/properties/deals/note", &change.to_string());
    assert_eq!((status, &changed["name"], &changed["hasUniqueValue"]), (200, &json!("note"), &json!(false)));
    assert_eq!((&changed["dataSensitivity"], &changed["externalOptions"]), (&json!("non_sensitive"), &json!(false)));
}

#[test]
fn a_group_with_live_properties_is_kept_and_says_so_in_a_nested_body() {
    let mut desk = Desk::new();
    let groups = "/crm/v3/properties/deals/groups";
    let answer = desk.answer("POST", groups, r#"{"name":"mine","label":"Mine"}"#);
    assert_eq!(answer.status, 201);
    assert_eq!(answer.headers["location"], "https://api.hubapi.com/crm/v3/properties/deals/groups/mine");
    let own = json!({"name": "note", "label": "Note", "type": "string", "fieldType": "text", "groupName": "mine"});
    desk.post("/crm/v3/properties/deals", &own.to_string());
    let (status, refusal) = desk.send("DELETE", &format!("{groups}/mine"), "");
    assert_eq!(status, 400);
    assert!(refusal.get("category").is_none());
    let nested: Value = serde_json::from_str(refusal["message"].as_str().unwrap()).unwrap();
    assert_eq!(nested["subCategory"], "PropertyGroupError.GROUP_WITH_ACTIVE_PROPERTIES");
    desk.send("DELETE", "/crm/v3/properties/deals/note", "");
    assert_eq!(desk.send("DELETE", &format!("{groups}/mine"), "").0, 204);
    assert_eq!(desk.get(&format!("{groups}/mine")).0, 404);
    assert_eq!(desk.post("/crm/v3/properties/deals", &own.to_string()).0, 400, "the group is archived");
    let (status, again) = desk.post(groups, r#"{"name":"mine","label":"Anew"}"#);
    assert_eq!((status, &again["label"]), (201, &json!("Anew")));
}

#[test]
fn an_account_adds_at_most_a_thousand_properties_to_a_type() {
    let mut desk = Desk::new();
    for batch in 0..10 {
        let inputs: Vec<Value> = (0..100)
            .map(|n| {
                json!({"name": format!("p{batch}_{n}"), "label": "P", "type": "string", "fieldType": "text",
                            "groupName": "dealinformation"})
            })
            .collect();
        assert_eq!(desk.post("/crm/v3/properties/deals/batch/create", &json!({"inputs": inputs}).to_string()).0, 201);
    }
    let more =
        json!({"name": "more", "label": "P", "type": "string", "fieldType": "text", "groupName": "dealinformation"});
    assert_eq!(desk.post("/crm/v3/properties/deals", &more.to_string()).0, 400);
    desk.send("DELETE", "/crm/v3/properties/deals/p0_0", "");
    assert_eq!(desk.post("/crm/v3/properties/deals", &more.to_string()).0, 201);
}
