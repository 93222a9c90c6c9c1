//! Envelopes of every generation, held against recordings.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::testing::recording;

fn read(status: u16, body: &str) -> HubSpotError {
    HubSpotError::from_body(status, body.as_bytes())
}

#[test]
fn a_conflict_names_the_record_that_exists() {
    let body = r#"{"status":"error","message":"Contact already exists. Existing ID: 901","category":"CONFLICT"}"#;
    let error = read(409, body);
    assert!(error.is(category::CONFLICT));
    assert_eq!(error.existing_id(), Some(RecordId(901)));
    assert_eq!(read(409, r#"{"message":"Contact already exists","category":"CONFLICT"}"#).existing_id(), None);
}

#[test]
fn a_stolen_value_names_its_owner() {
    let message = "Cannot set PropertyValueCoordinates{portalId=48151623, objectTypeId=ObjectTypeId{\
        legacyObjectType=CONTACT}, propertyName=email, value=x@y.test} on 901. 902 already has that value.";
    let body = serde_json::json!({"message": message, "category": "VALIDATION_ERROR"}).to_string();
    assert_eq!(read(400, &body).value_owner(), Some(RecordId(902)));
}

#[test]
fn property_errors_come_from_every_place_once() {
    let message = "Property values were not valid: [{\"isValid\":false,\"message\":\"m\",\"error\":\"INVALID_OPTION\",\
        \"name\":\"a\"},{\"message\":\"n\",\"error\":\"INVALID_EMAIL\",\"name\":\"email\"}] and more";
    let body = serde_json::json!({
        "message": message,
        "errors": [{"message": "m", "code": "INVALID_OPTION", "context": {"propertyName": ["a"]}}],
        "validationResults": [{"message": "o", "error": "INVALID_LONG", "name": "closedate"}],
    });
    let found = read(400, &body.to_string());
    let pairs: Vec<(&str, &str)> =
        found.property_errors().iter().map(|error| (error.name.as_str(), error.code.as_str())).collect();
    assert_eq!(pairs, [("a", "INVALID_OPTION"), ("email", "INVALID_EMAIL"), ("closedate", "INVALID_LONG")]);
}

#[test]
fn bodies_that_are_no_json_are_told_apart() {
    let cases = [
        ("", BodyKind::Empty, ""),
        (" \n", BodyKind::Empty, ""),
        ("<html><head><title>524 Origin Time-out</title></head>", BodyKind::Html, "524 Origin Time-out"),
        ("upstream gone", BodyKind::Text, "upstream gone"),
        ("[1,2]", BodyKind::Text, "[1,2]"),
    ];
    for (body, kind, message) in cases {
        let error = read(502, body);
        assert_eq!((error.body, error.message.as_str()), (kind, message));
    }
}

#[test]
fn every_shape_of_a_rate_limit_is_recognised() {
    let cases = [
        (429, r#"{"policyName":"TEN_SECONDLY_ROLLING","errorType":"RATE_LIMIT"}"#, Some(RateLimit::TenSecondly)),
        (429, r#"{"message":"You have reached your ten_secondly_rolling limit."}"#, Some(RateLimit::TenSecondly)),
        (
            429,
            r#"{"message":"You have reached your secondly limit.","category":"RATE_LIMITS"}"#,
            Some(RateLimit::Secondly),
        ),
        (
            500,
            r#"{"message":"You have reached your secondly limit.","category":"RATE_LIMITS"}"#,
            Some(RateLimit::Secondly),
        ),
        (429, r#"{"policyName":"DAILY"}"#, Some(RateLimit::Daily)),
        (429, "", Some(RateLimit::Unnamed)),
        (500, r#"{"message":"internal error"}"#, None),
    ];
    for (status, body, expected) in cases {
        assert_eq!(read(status, body).rate_limit(), expected, "{status} {body}");
    }
}

#[test]
fn both_shapes_of_missing_scopes_name_the_scopes() {
    let nested =
        r#"{"category":"MISSING_SCOPES","errors":[{"message":"m","context":{"requiredGranularScopes":["a"]}}]}"#;
    let flat = r#"{"category":"MISSING_SCOPES","context":{"requiredScopes":["a"]}}"#;
    assert_eq!(read(403, nested).required_scopes(), ["a"]);
    assert_eq!(read(403, flat).required_scopes(), ["a"]);
}

#[test]
fn headers_fill_what_the_body_leaves_out() {
    let mut headers = HeaderMap::new();
    headers.insert("retry-after", HeaderValue::from_static("7200"));
    headers.insert("x-hubspot-correlation-id", HeaderValue::from_static("abc"));
    let error = HubSpotError::from_answer(&Answer { status: 477, headers, body: Bytes::new() });
    assert_eq!((error.retry_after_secs, error.correlation_id.as_deref()), (Some(7200), Some("abc")));
}

#[test]
fn neither_display_nor_debug_shows_values() {
    let body = r#"{"status":"error","message":"Email address zoe@x.test is invalid","category":"VALIDATION_ERROR",
        "context":{"id":["zoe@x.test"]},"errors":[{"message":"zoe@x.test","context":{"propertyName":["email"]}}]}"#;
    let error = read(400, body);
    let shown = format!("{error} {error:?}");
    assert!(shown.contains("VALIDATION_ERROR") && shown.contains("email"), "{shown}");
    assert!(!shown.contains("zoe@"), "{shown}");
}

#[test]
fn every_recorded_error_body_is_understood() {
    let Some(text) = recording("error_bodies.json") else { return };
    let entries: Vec<Value> = serde_json::from_str(&text).expect("a list");
    assert!(entries.len() > 30);
    for entry in entries {
        let status = u16::try_from(entry["status"].as_u64().expect("a status")).expect("a status");
        let body = entry["body"].as_str().map_or_else(|| entry["body"].to_string(), str::to_owned);
        let error = read(status, &body);
        let fields = &entry["body"];
        assert_eq!(error.category.as_deref(), fields["category"].as_str());
        assert_eq!(error.body == BodyKind::Json, fields.is_object());
        assert_eq!(error.rate_limit().is_some(), status == 429 || fields["category"] == "RATE_LIMITS", "{entry}");
        if body.contains("Existing ID: 3") {
            assert_eq!(error.existing_id(), Some(RecordId(37_765_128_953)));
        }
        if body.contains("were not valid") {
            assert!(!error.property_errors().is_empty(), "{entry}");
        }
    }
}

#[test]
fn the_recorded_list_of_invalid_properties_is_reduced_to_its_facts() {
    let name = "amp-labs_connectors/batch__create__contacts__err-many-invalid-properties.json";
    let Some(text) = recording(name) else { return };
    let error = read(400, &text);
    let names: Vec<&str> = error.property_errors().iter().map(|error| error.name.as_str()).collect();
    assert_eq!(names, ["first000name", "last000name"]);
    assert!(error.property_errors().iter().all(|error| error.code == "PROPERTY_DOESNT_EXIST"));
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-z: \\[\\]{}\"]{0,20}".prop_map(Value::from),
        Just(Value::from("Property values were not valid: [{\"name\":")),
        Just(Value::from("Existing ID: 99999999999999999999999999")),
        Just(Value::from(" already has that value")),
    ];
    let key = prop::sample::select(vec![
        "message",
        "context",
        "errors",
        "category",
        "validationResults",
        "propertyName",
        "existingId",
        "status",
        "name",
    ]);
    leaf.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..6)
                .prop_map(|pairs| Value::Object(pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())),
        ]
    })
}

proptest! {
    #[test]
    fn reading_an_error_never_panics(status in any::<u16>(), body in json(), cut in 0_usize..200) {
        let text = body.to_string();
        for bytes in [text.as_bytes(), &text.as_bytes()[..cut.min(text.len())]] {
            let error = HubSpotError::from_body(status, bytes);
            let _ = (error.existing_id(), error.value_owner(), error.rate_limit(), error.required_scopes().len());
            prop_assert_eq!(error.status, status);
        }
        if let Ok(error) = serde_json::from_value::<BatchError>(body) {
            let _ = (error.existing_id(), error.ids().len(), error.trace_ids().len());
        }
    }

    #[test]
    fn reading_any_bytes_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = HubSpotError::from_body(500, &bytes).to_string();
    }
}
