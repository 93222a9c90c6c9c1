//! Bodies of refusals, whole.

use serde_json::{Value, json};

use super::Desk;

/// Takes the correlation id out of a body after comparing it with the header.
fn refused(desk: &mut Desk, method: &str, target: &str, body: &str) -> (u16, Value) {
    let answer = desk.answer(method, target, body);
    let mut body: Value = serde_json::from_slice(&answer.body).unwrap();
    let keys: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(keys[..3], ["status", "message", "correlationId"], "the keys stand in wire order");
    assert_eq!(body["correlationId"], answer.headers["x-hubspot-correlation-id"].to_str().unwrap());
    body.as_object_mut().unwrap().shift_remove("correlationId");
    (answer.status, body)
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of whole bodies")]
fn each_refusal_has_its_recorded_body() {
    let mut desk = Desk::new();
    let ada = desk.make("contacts", r#"{"email":"ada@x.test"}"#);
    let grace = desk.make("contacts", r#"{"email":"grace@x.test"}"#);
    let inputs = |n: usize| json!({"inputs": (0..n).map(|id| json!({"id": (id + 1).to_string()})).collect::<Vec<_>>()});
    let many = inputs(101).to_string();
    let mut histories = inputs(51);
    histories["propertiesWithHistory"] = json!(["email"]);
    let histories = histories.to_string();
    let steal = format!("/crm/v3/objects/contacts/{ada}");
    let cases: [(&str, &str, &str, u16, Value); 15] = [
        (
            "POST",
            "/crm/v3/objects/contacts",
            r#"{"properties":{"email":"ADA@x.test"}}"#,
            409,
            json!({"status": "error", "message": format!("Contact already exists. Existing ID: {ada}"), "category": "CONFLICT"}),
        ),
        (
            "GET",
            "/crm/v3/objects/butterflies",
            "",
            400,
            json!({"status": "error", "message": "Unable to infer object type from: butterflies"}),
        ),
        (
            "GET",
            "/crm/v3/objects/contacts/99999999",
            "",
            404,
            json!({"status": "error", "message": "resource not found"}),
        ),
        (
            "GET",
            "/crm/v3/objects/contacts/nobody@x.test?idProperty=email",
            "",
            404,
            json!({"status": "error", "message": "resource not found"}),
        ),
        (
            "GET",
            "/crm/v3/objects/contacts/abc",
            "",
            404,
            json!({"status": "error", "message": "Object not found.  objectId are usually numeric.",
                "context": {"id": ["abc"]}, "category": "OBJECT_NOT_FOUND"}),
        ),
        (
            "GET",
            "/crm/v3/objects/contacts/0",
            "",
            404,
            json!({"status": "error", "message": "Object not found. objectId is usually positive.",
                "context": {"id": ["0"]}, "category": "OBJECT_NOT_FOUND"}),
        ),
        (
            "PATCH",
            &steal,
            r#"{"properties":{}}"#,
            400,
            json!({"status": "error", "message": "No properties found to update, please provide at least one.",
                "context": {"properties": ["{}"]}, "category": "VALIDATION_ERROR"}),
        ),
        (
            "POST",
            "/crm/v3/objects/contacts/batch/read",
            &many,
            400,
            json!({"status": "error", "message": "The maximum number of inputs supported in a batch is 100. Please reduce the number of items and try again",
                "category": "VALIDATION_ERROR"}),
        ),
        (
            "POST",
            "/crm/v3/objects/contacts/batch/read",
            &histories,
            400,
            json!({"status": "error", "message": "The maximum number of inputs supported in a batch request for property histories is 50. Please reduce the number of items and try again",
                "category": "VALIDATION_ERROR"}),
        ),
        (
            "POST",
            "/crm/v3/objects/contacts/batch/update",
            r#"{"inputs":[{"id":"7","properties":{"city":"a"}},{"id":7,"properties":{"city":"b"}}]}"#,
            400,
            json!({"status": "error", "message": "Duplicate IDs found in batch input: [7]. IDs must be unique",
                "context": {"ids": ["7"]}, "category": "VALIDATION_ERROR"}),
        ),
        (
            "POST",
            "/crm/v3/objects/contacts/batch/upsert",
            r#"{"inputs":[{"id":"A@x.test","idProperty":"email","properties":{}},{"id":"a@x.test","idProperty":"email","properties":{}}]}"#,
            400,
            json!({"status": "error", "message": "Duplicate IDs found in batch input: [a@x.test]. IDs must be unique",
                "context": {"ids": ["a@x.test"]}, "category": "VALIDATION_ERROR"}),
        ),
        (
            "POST",
            "/crm/v3/objects/contacts/batch/update",
            r#"{"inputs":[{"id":"ada@x.test","idProperty":"email","properties":{"city":"a"}}]}"#,
            400,
            json!({"status": "error", "message": "Unable to perform update/upsert by non-unique 0-1 property email in portal ID 48151623",
                "category": "VALIDATION_ERROR"}),
        ),
        (
            "POST",
            "/crm/v3/objects/companies/batch/upsert",
            r#"{"inputs":[{"id":"1","idProperty":"hs_object_id","properties":{"city":"a"}}]}"#,
            400,
            json!({"status": "error", "message": "Unable to perform update/upsert by non-unique 0-2 property hs_object_id in portal ID 48151623",
                "category": "VALIDATION_ERROR"}),
        ),
        (
            "POST",
            "/crm/v3/objects/contacts/batch/create",
            r#"{"inputs":[{"properties":{"email":"ada@x.test"}}]}"#,
            409,
            json!({"status": "error", "message": "Contact already exists", "category": "CONFLICT"}),
        ),
        (
            "POST",
            "/crm/v3/objects/contacts/merge",
            "{}",
            400,
            json!({"status": "error", "message": "Invalid input JSON on line 1, column 2. Some required fields were not set: [primaryObjectId, objectIdToMerge]"}),
        ),
    ];
    for (method, target, body, status, expected) in cases {
        assert_eq!(refused(&mut desk, method, target, body), (status, expected), "{method} {target} {body}");
    }
    let (status, body) = refused(&mut desk, "PATCH", &steal, r#"{"properties":{"email":"grace@x.test"}}"#);
    let text = format!(
        "Cannot set PropertyValueCoordinates{{portalId=48151623, objectTypeId=ObjectTypeId{{legacyObjectType=CONTACT}}, \
         propertyName=email, value=grace@x.test}} on {ada}. {grace} already has that value."
    );
    assert_eq!(status, 400);
    assert!(body["message"].as_str().unwrap().contains(&text), "{body}");
}

#[test]
fn every_bad_value_is_reported_in_both_lists() {
    let mut desk = Desk::new();
    let body = r#"{"properties":{"favcolour":"red","hs_object_id":"5","lifecyclestage":"vip","email":"zoë@x.test","closedate":"soon"}}"#;
    let (status, refusal) = refused(&mut desk, "POST", "/crm/objects/2026-09/contact", body);
    assert_eq!(status, 400);
    assert_eq!(refusal["category"], "VALIDATION_ERROR");
    let expected = [
        ("favcolour", "PROPERTY_DOESNT_EXIST", "Property \"favcolour\" does not exist"),
        ("hs_object_id", "READ_ONLY_VALUE", "\"hs_object_id\" is a calculated property; its value cannot be set."),
        (
            "lifecyclestage",
            "INVALID_OPTION",
            "vip was not one of the allowed options: [Subscriber, Lead, Marketing Qualified Lead, Sales Qualified Lead, Opportunity, Customer, Evangelist, Other]",
        ),
        ("email", "INVALID_EMAIL", "Email address zoë@x.test is invalid"),
        ("closedate", "INVALID_LONG", "soon was not a valid long."),
    ];
    let embedded = refusal["message"].as_str().unwrap().strip_prefix("Property values were not valid: ").unwrap();
    let embedded: Vec<Value> = serde_json::from_str(embedded).unwrap();
    for (place, (name, code, message)) in expected.into_iter().enumerate() {
        assert_eq!(
            refusal["errors"][place],
            json!({"message": message, "code": code, "context": {"propertyName": [name]}})
        );
        assert_eq!((&embedded[place]["name"], &embedded[place]["error"]), (&json!(name), &json!(code)));
        assert_eq!(embedded[place]["portalId"], 48_151_623);
    }
    assert!(desk.portal.record_counts().is_empty());
}

#[test]
fn values_of_deals_are_checked_by_their_type() {
    let mut desk = Desk::new();
    let cases = [
        (r#"{"amount":"1,000"}"#, "INVALID_INTEGER", "1,000 was not a valid number"),
        (
            r#"{"dealstage":"registered"}"#,
            "INVALID_OPTION",
            "registered is not a valid pipeline stage ID. Valid options are: pipelineId=default : [appointmentscheduled, qualifiedtobuy, presentationscheduled, decisionmakerboughtin, contractsent, closedwon, closedlost]",
        ),
        (r#"{"hubspot_owner_id":"1"}"#, "INVALID_OPTION", "1 was not one of the allowed options: []"),
    ];
    for (properties, code, message) in cases {
        let body = format!("{{\"properties\":{properties}}}");
        let (_, refusal) = refused(&mut desk, "POST", "/crm/v3/objects/deals", &body);
        assert_eq!((&refusal["errors"][0]["code"], &refusal["errors"][0]["message"]), (&json!(code), &json!(message)));
    }
    let long = format!(r#"{{"properties":{{"description":"{}"}}}}"#, "x".repeat(65_537));
    assert_eq!(desk.post("/crm/v3/objects/deals", &long).0, 400);
}

#[test]
fn unknown_paths_and_methods_are_pages_of_the_servlet_container() {
    let mut desk = Desk::new();
    for (method, target, status) in [
        ("GET", "/crm/v9/objects/contacts", 404),
        ("GET", "/", 404),
        ("GET", "/crm/properties/2025-09/contacts", 404),
        ("GET", "/crm/schemas/2026-03", 404),
        ("DELETE", "/crm/v3/objects/contacts", 405),
        ("GET", "/crm/v3/objects/contacts/batch/create", 405),
    ] {
        let answer = desk.answer(method, target, "");
        assert_eq!(answer.status, status, "{method} {target}");
        assert!(answer.headers["content-type"].to_str().unwrap().starts_with("text/html"));
    }
    let (status, body) = desk.post("/crm/v3/objects/contacts", "{\"properties\":");
    assert_eq!(status, 400);
    assert!(body["message"].as_str().unwrap().starts_with("Invalid input JSON on line 1, column 14: "), "{body}");
    assert!(body.get("category").is_none());
}
