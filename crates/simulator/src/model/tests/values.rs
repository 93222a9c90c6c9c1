//! What values may be: rules of administrators, requirements of version 2026-09, and how values are kept.

use serde_json::{Value, json};

use super::Desk;
use crate::model::{Condition, PortalSettings, Requirement, RequirementError};

const RULES: &str = "/crm/v3/property-validations";

fn rule(desk: &mut Desk, target: &str, arguments: &Value) -> u16 {
    desk.send("PUT", &format!("{RULES}/{target}"), &json!({"ruleArguments": arguments}).to_string()).0
}

fn codes(refusal: &Value) -> Vec<(&str, &str)> {
    let errors = refusal["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    errors
        .iter()
        .map(|one| (one["context"]["propertyName"][0].as_str().unwrap(), one["code"].as_str().unwrap()))
        .collect()
}

fn write(desk: &mut Desk, object: &str, properties: &Value) -> (u16, Value) {
    desk.post(&format!("/crm/v3/objects/{object}"), &json!({"properties": properties}).to_string())
}

#[test]
fn rules_of_a_property_are_set_and_read() {
    let mut desk = Desk::new();
    let body = r#"{"ruleArguments":["NUMERIC_ONLY"],"shouldApplyNormalization":false}"#;
    assert_eq!(desk.send("PUT", &format!("{RULES}/0-1/zip/rule-type/ALPHANUMERIC"), body).0, 204);
    assert_eq!(rule(&mut desk, "contacts/zip/rule-type/MIN_LENGTH", &json!(["1"])), 204);
    let letters =
        json!({"ruleType": "ALPHANUMERIC", "ruleArguments": ["NUMERIC_ONLY"], "shouldApplyNormalization": false});
    let length = json!({"ruleType": "MIN_LENGTH", "ruleArguments": ["1"]});
    assert_eq!(desk.get(&format!("{RULES}/0-1/zip/rule-type/ALPHANUMERIC")), (200, letters.clone()));
    assert_eq!(desk.get(&format!("{RULES}/0-1/zip")).1, json!({"results": [letters, length]}));
    assert_eq!(
        desk.get("/crm/property-validations/2026-09/0-1").1,
        json!({"results": [{"propertyName": "zip", "propertyValidationRules": [letters, length]}]})
    );
    assert_eq!(desk.get(&format!("{RULES}/0-2")).1, json!({"results": []}));
    assert_eq!(desk.get(&format!("{RULES}/0-1/zip/rule-type/MAX_LENGTH")).0, 404);
    assert_eq!(desk.get(&format!("{RULES}/0-1/nonsense")).0, 404);
}

#[test]
fn a_rule_of_another_type_of_property_or_with_other_arguments_is_refused() {
    let mut desk = Desk::new();
    for (target, arguments) in [
        ("0-3/amount/rule-type/ALPHANUMERIC", json!(["NUMERIC_ONLY"])),
        ("0-1/city/rule-type/MIN_NUMBER", json!(["1"])),
        ("0-1/city/rule-type/MIN_LENGTH", json!(["many"])),
        ("0-1/city/rule-type/ALPHANUMERIC", json!(["LETTERS"])),
        ("0-3/closedate/rule-type/AFTER_DATETIME_DURATION", json!(["soon"])),
        ("0-1/city/rule-type/NO_SUCH_RULE", json!([])),
    ] {
        assert_eq!(rule(&mut desk, target, &arguments), 400, "{target}");
    }
    assert_eq!(desk.send("PUT", &format!("{RULES}/0-1/city/rule-type/MIN_LENGTH"), "{}").0, 400);
}

#[test]
fn a_value_that_breaks_a_rule_is_refused_with_the_documented_body() {
    let mut desk = Desk::new();
    for name in ["firstname", "lastname"] {
        assert_eq!(rule(&mut desk, &format!("0-1/{name}/rule-type/ALPHANUMERIC"), &json!(["ALPHA_ONLY"])), 204);
    }
    let (status, refusal) = write(&mut desk, "contacts", &json!({"firstname": "R2", "lastname": "D2"}));
    assert_eq!(status, 400);
    let message = refusal["message"].as_str().unwrap();
    assert!(
        message.contains(r#""message":"Enter only letters","error":"INVALID_ALPHA","name":"firstname""#),
        "{message}"
    );
    assert_eq!(codes(&refusal), [("firstname", "INVALID_ALPHA"), ("lastname", "INVALID_ALPHA")]);
    let (status, made) = write(&mut desk, "contacts", &json!({"firstname": "Ada Zoë"}));
    assert_eq!(status, 201, "{made}");
    let inputs = json!({"inputs": [{"id": made["id"], "properties": {"firstname": "C3"}}]}).to_string();
    let (status, refusal) = desk.post("/crm/v3/objects/contacts/batch/update", &inputs);
    assert_eq!((status, codes(&refusal)), (400, vec![("firstname", "INVALID_ALPHA")]));
    let cleared = desk.send(
        "PATCH",
        &format!("/crm/v3/objects/contacts/{}", made["id"].as_str().unwrap()),
        r#"{"properties":{"firstname":""}}"#,
    );
    assert_eq!(cleared.0, 200, "a rule is about values, and clearing leaves none");
}

#[test]
fn lengths_numbers_dates_and_domains_have_rules() {
    let mut desk = Desk::new();
    let rows = [
        ("contacts", "zip", "MIN_LENGTH", json!(["3"]), "12", "123", "INVALID_MIN_LENGTH"),
        ("contacts", "city", "MAX_LENGTH", json!(["4"]), "Torino", "Roma", "INVALID_MAX_LENGTH"),
        ("contacts", "state", "ALPHANUMERIC", json!(["ALPHANUMERIC"]), "a-b", "a b1", "INVALID_ALPHANUMERIC"),
        ("contacts", "fax", "ALPHANUMERIC", json!(["NUMERIC_ONLY"]), "+39", "39", "INVALID_NUMERIC"),
        ("deals", "amount", "DECIMAL", json!(["2"]), "1.234", "1.23", "INVALID_DECIMAL"),
        ("deals", "hs_acv", "MIN_NUMBER", json!(["10"]), "9.99", "10", "INVALID_MIN_NUMBER"),
        ("deals", "hs_arr", "MAX_NUMBER", json!(["10"]), "10.01", "10.00", "INVALID_MAX_NUMBER"),
        (
            "deals",
            "closedate",
            "AFTER_DATETIME_DURATION",
            json!(["P1M"]),
            "2026-12-20",
            "2026-12-21",
            "INVALID_START_DATE",
        ),
        (
            "contacts",
            "closedate",
            "END_DATETIME",
            json!(["2026-12-31"]),
            "2027-01-01",
            "2026-12-31",
            "INVALID_END_DATE",
        ),
        (
            "line_items",
            "hs_recurring_billing_start_date",
            "BEFORE_DURATION",
            json!(["P7D"]),
            "2026-11-14",
            "2026-11-13",
            "INVALID_END_DATE",
        ),
        (
            "contacts",
            "email",
            "EMAIL_BLOCKED_DOMAINS",
            json!(["evil.test"]),
            "a@Evil.test",
            "a@good.test",
            "INVALID_EMAIL_DOMAIN",
        ),
    ];
    for (object, name, known, arguments, bad, good, code) in rows {
        assert_eq!(rule(&mut desk, &format!("{object}/{name}/rule-type/{known}"), &arguments), 204, "{name}");
        let (status, refusal) = write(&mut desk, object, &json!({name: bad}));
        assert_eq!((status, codes(&refusal)), (400, vec![(name, code)]), "{name} {known}");
        let (status, made) = write(&mut desk, object, &json!({name: good}));
        assert_eq!(status, 201, "{name} {known} {made}");
    }
}

fn requirement(object: &str, property: &str, when: Option<(&str, &str)>) -> Requirement {
    let when = when.map(|(property, is)| Condition { property: property.to_owned(), is: vec![is.to_owned()] });
    Requirement { object_type: object.to_owned(), property: property.to_owned(), when }
}

#[test]
fn version_2026_09_wants_what_the_create_form_wants_and_older_ones_do_not() {
    let mut desk = Desk::new();
    desk.portal.require(&[requirement("contacts", "firstname", None)]).unwrap();
    let body = r#"{"properties":{"email":"ada@x.test"}}"#;
    let (status, refusal) = desk.post("/crm/objects/2026-09/contacts", body);
    assert_eq!(status, 400);
    assert_eq!(refusal["message"], "The property values provided are invalid");
    assert_eq!(refusal["category"], "VALIDATION_ERROR");
    assert_eq!(
        refusal["errors"],
        json!([{"message": "A value for firstname must be provided", "code": "MISSING_REQUIRED_PROPERTY",
                "context": {"propertyName": ["firstname"]}}])
    );
    for older in ["/crm/v3/objects/contacts", "/crm/objects/2026-03/contacts"] {
        let (status, made) = desk.post(older, &body.replace("ada", &format!("ada{}", older.len())));
        assert_eq!(status, 201, "{made}");
        let target = format!("/crm/objects/2026-09/contacts/{}", made["id"].as_str().unwrap());
        assert_eq!(
            desk.send("PATCH", &target, r#"{"properties":{"city":"Turin"}}"#).0,
            200,
            "only creates need the form"
        );
    }
    let inputs = |trace: bool| {
        let mut good = json!({"properties": {"firstname": "Ada"}});
        let mut bad = json!({"properties": {"city": "Turin"}});
        if trace {
            (good["objectWriteTraceId"], bad["objectWriteTraceId"]) = (json!("g"), json!("b"));
        }
        json!({"inputs": [good, bad]}).to_string()
    };
    let (status, refusal) = desk.post("/crm/objects/2026-09/contacts/batch/create", &inputs(false));
    assert_eq!((status, codes(&refusal)), (400, vec![("firstname", "MISSING_REQUIRED_PROPERTY")]));
    let (status, partly) = desk.post("/crm/objects/2026-09/contacts/batch/create", &inputs(true));
    assert_eq!((status, &partly["errors"][0]["context"]["objectWriteTraceId"]), (207, &json!(["b"])));
}

#[test]
fn another_propertys_value_makes_one_required_in_version_2026_09() {
    let mut desk = Desk::new();
    desk.portal.require(&[requirement("0-3", "closed_won_reason", Some(("dealstage", "closedwon")))]).unwrap();
    let deal = desk.make("deals", r#"{"dealname":"d","dealstage":"contractsent"}"#);
    let target = format!("/crm/objects/2026-09/deals/{deal}");
    let close = r#"{"properties":{"dealstage":"closedwon"}}"#;
    let (status, refusal) = desk.send("PATCH", &target, close);
    assert_eq!(status, 400);
    assert_eq!(
        refusal["errors"],
        json!([{"message": "closed_won_reason is required because of a conditional property rule based on [dealstage]",
                "code": "MISSING_CONDITIONAL_REQUIRED_PROPERTY", "context": {"propertyName": ["closed_won_reason"]}}])
    );
    let both = r#"{"properties":{"dealstage":"closedwon","closed_won_reason":"price"}}"#;
    assert_eq!(desk.send("PATCH", &target, both).0, 200);
    assert_eq!(desk.send("PATCH", &target, close).0, 200, "the record has a reason");
    assert_eq!(desk.send("PATCH", &target, r#"{"properties":{"closed_won_reason":""}}"#).0, 400, "and keeps it");
    assert_eq!(desk.send("PATCH", &target, r#"{"properties":{"dealname":"e"}}"#).0, 200);
    let older = desk.make("deals", r#"{"dealname":"d","dealstage":"closedwon"}"#);
    let inputs = json!({"inputs": [{"id": older, "properties": {"dealname": "f"}}]}).to_string();
    assert_eq!(desk.post("/crm/objects/2026-09/deals/batch/update", &inputs).0, 200, "not about the rule");
}

#[test]
fn requirements_name_types_and_properties_that_exist() {
    let mut desk = Desk::new();
    let settings = |rule: Requirement| PortalSettings {
        required: Some(vec![rule]),
        contact_creates_company: Some(true),
        ..PortalSettings::default()
    };
    let wrong = desk.portal.change_settings(&settings(requirement("contacts", "nonsense", None))).unwrap_err();
    assert!(matches!(wrong, RequirementError::Property { .. }), "{wrong}");
    assert!(desk.portal.change_settings(&settings(requirement("butterflies", "x", None))).is_err());
    desk.make("contacts", r#"{"email":"a@acme.test"}"#);
    assert_eq!(desk.portal.record_counts().get("companies"), None, "nothing was changed");
    desk.portal.change_settings(&settings(requirement("contacts", "email", None))).unwrap();
    desk.make("contacts", r#"{"email":"b@acme.test"}"#);
    assert_eq!(desk.portal.record_counts().get("companies"), Some(&1));
}

#[test]
fn null_changes_nothing_and_the_empty_text_clears() {
    let mut desk = Desk::new();
    let ada = desk.make("contacts", r#"{"city":"Turin","phone":null}"#);
    let target = format!("/crm/v3/objects/contacts/{ada}?properties=city,phone");
    desk.send("PATCH", &target, r#"{"properties":{"city":null}}"#);
    assert_eq!(desk.get(&target).1["properties"]["city"], "Turin");
    assert_eq!(desk.get(&target).1["properties"]["phone"], Value::Null);
    desk.send("PATCH", &target, r#"{"properties":{"city":""}}"#);
    assert_eq!(desk.get(&target).1["properties"]["city"], "");
}

#[test]
fn numbers_keep_their_text_and_dates_their_day() {
    let mut desk = Desk::new();
    let (_, made) = write(&mut desk, "companies", &json!({"numberofemployees": 47, "annualrevenue": "5000.00"}));
    let (employees, revenue) = (&made["properties"]["numberofemployees"], &made["properties"]["annualrevenue"]);
    assert_eq!((employees, revenue), (&json!("47"), &json!("5000.00")));
    let day = "hs_recurring_billing_start_date";
    let (_, item) = write(&mut desk, "line_items", &json!({day: 1_767_225_600_000_i64}));
    assert_eq!(item["properties"][day], "2026-01-01");
    let (status, refusal) = write(&mut desk, "line_items", &json!({day: "1767225601865"}));
    assert_eq!((status, codes(&refusal)), (400, vec![(day, "INVALID_DATE")]));
    let (_, deal) = write(&mut desk, "deals", &json!({"closedate": "2026-12-31"}));
    assert_eq!(deal["properties"]["closedate"], "2026-12-31T00:00:00Z");
}

#[test]
fn a_create_without_required_properties_is_refused_and_contacts_and_companies_have_none() {
    let mut desk = Desk::new();
    let (status, refusal) = write(&mut desk, "calls", &json!({}));
    assert_eq!(
        (status, &refusal["message"]),
        (400, &json!("Error creating CALL. Some required properties were not set."))
    );
    for object in ["contacts", "companies"] {
        assert_eq!(write(&mut desk, object, &json!({})).0, 201);
    }
    let (status, deal) = write(&mut desk, "deals", &json!({"dealname": "Big", "amount": "1"}));
    assert_eq!(status, 201);
    assert!(deal["properties"].get("dealstage").is_none() && deal["properties"].get("pipeline").is_none(), "{deal}");
}
