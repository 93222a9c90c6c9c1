//! Requests with far more names, values and options than anybody needs, and formulas that go on and on.

use serde_json::{Value, json};

use super::Desk;

fn unknown_names(from: usize, count: usize) -> Value {
    let names = (from..from + count).map(|number| (format!("no_{number}"), Value::from("x")));
    Value::Object(names.collect())
}

fn listed(refusal: &Value) -> Vec<Value> {
    let message = refusal["message"].as_str().unwrap();
    let list = message.strip_prefix("Property values were not valid: ").unwrap();
    serde_json::from_str(list).unwrap()
}

#[test]
fn a_refusal_lists_at_most_1000_wrong_values() {
    let mut desk = Desk::new();
    for (given, shown) in [(999, 999), (1_000, 1_000), (1_001, 1_000), (5_000, 1_000)] {
        let body = json!({"properties": unknown_names(0, given)}).to_string();
        let (status, refusal) = desk.post("/crm/v3/objects/contacts", &body);
        assert_eq!((status, &refusal["category"]), (400, &json!("VALIDATION_ERROR")));
        assert_eq!(refusal["errors"].as_array().unwrap().len(), shown);
        assert_eq!(listed(&refusal).len(), shown);
        assert_eq!(refusal["errors"][0]["context"]["propertyName"], json!(["no_0"]), "the first ones are shown");
    }
}

#[test]
fn the_inputs_of_a_batch_share_one_list_of_wrong_values() {
    let mut desk = Desk::new();
    let inputs: Vec<Value> = (0..100).map(|at| json!({"properties": unknown_names(at * 50, 50)})).collect();
    let (status, refusal) = desk.post("/crm/v3/objects/contacts/batch/create", &json!({"inputs": inputs}).to_string());
    assert_eq!(status, 400);
    assert_eq!(refusal["errors"].as_array().unwrap().len(), 1_000);
    assert_eq!(listed(&refusal).len(), 1_000);
}

#[test]
fn a_batch_read_names_each_unknown_property_once_and_at_most_1000() {
    let mut desk = Desk::new();
    let ada = desk.make("contacts", r#"{"firstname":"Ada"}"#);
    let asked = |names: Vec<String>| json!({"inputs": [{"id": ada}], "properties": names}).to_string();
    let twice = ["none", "firstname", "none", "other", "firstname"].map(str::to_owned).to_vec();
    let (status, read) = desk.post("/crm/v3/objects/contacts/batch/read", &asked(twice));
    assert_eq!((status, &read["numErrors"]), (207, &json!(2)));
    let names: Vec<&Value> =
        read["errors"].as_array().unwrap().iter().map(|error| &error["context"]["propertyName"][0]).collect();
    assert_eq!(names, ["none", "other"], "in the order of the request");
    let mut many: Vec<String> = (0..20_000).map(|number| format!("no_{number}")).collect();
    many.push("firstname".to_owned());
    let (_, read) = desk.post("/crm/v3/objects/contacts/batch/read", &asked(many));
    assert_eq!((read["errors"].as_array().unwrap().len(), &read["numErrors"]), (1_000, &json!(1_000)));
    assert_eq!(read["results"][0]["properties"]["firstname"], "Ada");
}

#[test]
fn a_refused_option_names_at_most_1000_allowed_ones() {
    let mut desk = Desk::new();
    let options: Vec<Value> =
        (0..1_500).map(|at| json!({"label": format!("L{at}"), "value": format!("v{at}")})).collect();
    let body = json!({"name": "many", "label": "Many", "type": "enumeration", "fieldType": "checkbox",
                      "groupName": "contactinformation", "options": options});
    assert_eq!(desk.post("/crm/v3/properties/contacts", &body.to_string()).0, 201);
    let (status, refusal) = desk.post("/crm/v3/objects/contacts", r#"{"properties":{"many":"v1;v9999"}}"#);
    assert_eq!(status, 400);
    let message = refusal["errors"][0]["message"].as_str().unwrap();
    assert!(message.starts_with("v9999 was not one of the allowed options: [L0, L1, "), "{message}");
    assert!(message.ends_with(", L999]"), "{message}");
    let (status, made) = desk.post("/crm/v3/objects/contacts", r#"{"properties":{"many":"v1499;v0"}}"#);
    assert_eq!((status, &made["properties"]["many"]), (201, &json!("v1499;v0")), "every option can be written");
    for (label, value) in [("L7", "other"), ("Other", "v7")] {
        let mut twice = body.clone();
        twice["name"] = json!("twice");
        twice["options"].as_array_mut().unwrap().push(json!({"label": label, "value": value}));
        let (status, refusal) = desk.post("/crm/v3/properties/contacts", &twice.to_string());
        assert_eq!((status, &refusal["message"]), (400, &json!(format!("Property option {value} is given twice"))));
    }
}

#[test]
fn thousands_of_names_in_one_request_are_answered_like_few() {
    let mut desk = Desk::new();
    let names: Vec<String> = (0..50_000).map(|number| format!("\"no_{}\":\"x\"", number % 40_000)).collect();
    let body = format!(r#"{{"properties":{{{},"city":"Turin"}}}}"#, names.join(","));
    let (status, refusal) = desk.post("/crm/v3/objects/contacts", &body);
    assert_eq!((status, refusal["errors"].as_array().unwrap().len()), (400, 1_000));
    let known = "\"firstname\":\"Bob\",".repeat(50_000);
    let (status, made) =
        desk.post("/crm/v3/objects/contacts", &format!(r#"{{"properties":{{{known}"firstname":"Ada"}}}}"#));
    assert_eq!((status, &made["properties"]["firstname"]), (201, &json!("Ada")), "the last value counts");
    let id = made["id"].as_str().unwrap();
    let query: Vec<String> = (0..2_000).map(|number| format!("properties=no_{number}")).collect();
    let query = query.join("&");
    let (status, read) = desk.get(&format!("/crm/v3/objects/contacts/{id}?{query}&properties=firstname"));
    assert_eq!((status, &read["properties"]["firstname"]), (200, &json!("Ada")));
    let asked = json!({"inputs": [{"id": id}], "properties": vec!["firstname"; 100_000]}).to_string();
    let (status, read) = desk.post("/crm/v3/objects/contacts/batch/read", &asked);
    assert_eq!((status, &read["results"][0]["properties"]["firstname"]), (200, &json!("Ada")));
}

#[test]
fn a_formula_of_more_than_500_operators_is_refused() {
    let mut desk = Desk::new();
    let define = |name: &str, formula: String| {
        json!({"name": name, "label": "Sum", "type": "number", "fieldType": "calculation_equation",
               "groupName": "contactinformation", "calculationFormula": formula})
        .to_string()
    };
    let (status, refusal) = desk.post("/crm/v3/properties/contacts", &define("over", format!("1{}", "+1".repeat(501))));
    assert_eq!(status, 400);
    assert_eq!(refusal["message"], "Calculation formula is not valid: the formula has more than 500 operators");
    assert_eq!((&refusal["status"], &refusal["category"]), (&json!("error"), &json!("VALIDATION_ERROR")));
    assert_eq!(desk.get("/crm/v3/properties/contacts/over").0, 404, "nothing is made");
    assert_eq!(desk.post("/crm/v3/properties/contacts", &define("most", format!("1{}", "+1".repeat(500)))).0, 201);
    let ada = desk.make("contacts", "{}");
    assert_eq!(desk.get(&format!("/crm/v3/objects/contacts/{ada}?properties=most")).1["properties"]["most"], "501");
    let (status, refusal) = desk.send(
        "PATCH",
        "/crm/v3/properties/contacts/most",
        &json!({"calculationFormula": "-".repeat(600)}).to_string(),
    );
    assert_eq!((status, &refusal["category"]), (400, &json!("VALIDATION_ERROR")));
}
