//! Deliveries as HubSpot sends them, as its guide describes them, and broken ones.

use std::path::Path;
use std::{env, fs};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::id::{AppId, PortalId};

fn one(element: &Value) -> Result<Event, NotUnderstood> {
    let body = json!([element]).to_string();
    let mut told = read(body.as_bytes());
    assert_eq!(told.len(), 1);
    told.remove(0).event
}

/// An element with the fields that every event has.
fn with(kind: &str, further: &Value) -> Value {
    let mut element = json!({
        "eventId": 3, "subscriptionId": 41, "portalId": 7, "appId": 9, "occurredAt": 1_767_225_600_123_i64,
        "subscriptionType": kind, "attemptNumber": 2, "changeSource": "CRM_UI", "sourceId": "userId:55",
    });
    let further = further.as_object().unwrap().clone();
    element.as_object_mut().unwrap().extend(further);
    element
}

fn change(kind: &str, further: &Value) -> Change {
    one(&with(kind, further)).unwrap().change
}

fn contact(id: u64) -> (ObjectType, RecordId) {
    (ObjectType::new("contacts"), RecordId(id))
}

#[test]
fn what_all_events_have_is_read() {
    let event = one(&with("contact.creation", &json!({"objectId": 901, "changeFlag": "CREATED"}))).unwrap();
    let install = Install { portal: PortalId(7), app: AppId(9) };
    assert_eq!((event.install, event.number, event.subscription), (install, Some(3), Some(41)));
    assert_eq!((event.occurred_at_ms, event.attempt), (1_767_225_600_123, 2));
    assert_eq!((event.source.as_deref(), event.source_id.as_deref()), (Some("CRM_UI"), Some("userId:55")));
    let (object_type, id) = contact(901);
    assert_eq!(event.change, Change::Record { object_type, id, fate: Fate::Created });
}

#[test]
fn every_fate_is_read_for_every_subject() {
    let fates = [
        ("creation", Fate::Created),
        ("deletion", Fate::Deleted),
        ("privacyDeletion", Fate::PrivacyDeleted),
        ("restore", Fate::Restored),
    ];
    for (subject, plural) in [("company", "companies"), ("line_item", "line_items"), ("product", "products")] {
        for (word, fate) in fates {
            let change = change(&format!("{subject}.{word}"), &json!({"objectId": 5}));
            assert_eq!(change, Change::Record { object_type: ObjectType::new(plural), id: RecordId(5), fate });
            assert_eq!(change.kind(), word);
        }
    }
}

#[test]
fn a_generic_event_names_its_type_by_id() {
    let told = json!({"objectId": "5", "objectTypeId": "2-77"});
    assert_eq!(change("object.deletion", &told).record(), Some((&ObjectType::new("2-77"), RecordId(5))));
    let told = json!({"objectId": 5, "objectTypeId": "0-1"});
    assert_eq!(change("object.creation", &told).record(), Some((&ObjectType::new("contacts"), RecordId(5))));
    let without = one(&with("object.creation", &json!({"objectId": 5})));
    assert_eq!(without, Err(NotUnderstood::Field("objectTypeId")));
}

#[test]
fn a_new_value_is_known_cleared_or_hidden() {
    let value = |told: &Value| match change("contact.propertyChange", told) {
        Change::Property { value, .. } => value,
        other => panic!("{other:?}"),
    };
    let told = |value: &Value| json!({"objectId": 5, "propertyName": "city", "propertyValue": value});
    assert!(value(&told(&json!("Oslo"))) == NewValue::Known("Oslo".to_owned()));
    assert!(value(&told(&json!(""))) == NewValue::Known(String::new()));
    assert!(value(&told(&json!(12))) == NewValue::Known("12".to_owned()));
    for hidden in [json!("REDACTED"), Value::Null] {
        assert!(value(&told(&hidden)) == NewValue::Hidden, "{hidden}");
    }
    let sensitive = json!({"objectId": 5, "propertyName": "city", "propertyValue": "x", "isSensitive": true});
    assert!(value(&sensitive) == NewValue::Hidden);
}

#[test]
fn a_merge_names_the_third_record_or_the_primary_one() {
    let told = json!({"objectId": 1, "primaryObjectId": 1, "mergedObjectIds": [2, "3"], "newObjectId": 4});
    let (object_type, primary) = contact(1);
    let merged = vec![RecordId(2), RecordId(3)];
    let survivor = RecordId(4);
    assert_eq!(change("contact.merge", &told), Change::Merge { object_type, primary, merged, survivor });
    let Change::Merge { survivor, .. } = change("contact.merge", &json!({"objectId": 1, "mergedObjectIds": [2]}))
    else {
        panic!("no merge");
    };
    assert_eq!(survivor, RecordId(1));
}

#[test]
fn an_association_is_read_from_names_or_from_ids() {
    let told = json!({"associationType": "DEAL_TO_LINE_ITEM", "fromObjectId": 6, "toObjectId": 5,
        "associationRemoved": false});
    let read = change("deal.associationChange", &told);
    let deal = (ObjectType::new("deals"), RecordId(6));
    let item = (ObjectType::new("line_items"), RecordId(5));
    let name = "DEAL_TO_LINE_ITEM".to_owned();
    let expected = Change::Association { from: deal, to: item, name, type_id: None, removed: false, primary: None };
    assert_eq!(read, expected);

    let told = json!({"fromObjectId": 901, "toObjectId": 5501, "associationRemoved": true, "fromObjectTypeId": "0-1",
        "toObjectTypeId": "0-2", "associationTypeId": 1, "isPrimaryAssociation": true});
    let Change::Association { from, to, type_id, removed, primary, .. } = change("object.associationChange", &told)
    else {
        panic!("no association");
    };
    assert_eq!((from, to), (contact(901), (ObjectType::new("companies"), RecordId(5501))));
    assert_eq!((type_id, removed, primary), (Some(1), true, Some(true)));
}

#[test]
fn what_has_no_record_or_is_new_is_kept_under_its_name() {
    for kind in ["conversation.newMessage", "event.completed", "contact.somethingNew", "spaceship.creation", "odd"] {
        assert_eq!(change(kind, &json!({"objectId": 5})), Change::Other { kind: kind.to_owned(), id: Some(5) });
    }
}

#[test]
fn the_guides_name_of_the_kind_is_read_as_well() {
    let told = json!({"eventType": "deal.deletion", "portalId": 7, "occurredAt": 1, "objectId": 5});
    let event = one(&told).unwrap();
    assert_eq!((event.change.kind(), event.install.app, event.number), ("deletion", AppId(0), None));
}

#[test]
fn one_bad_element_spoils_no_other_and_is_kept() {
    let body = br#"[{"portalId":7,"occurredAt":1,"subscriptionType":"deal.deletion","objectId":5}, 17, {"a":1}]"#;
    let told = read(body);
    assert!(told[0].event.is_ok());
    assert_eq!(told[1].event, Err(NotUnderstood::NotAnObject));
    assert_eq!(told[1].raw, b"17");
    assert_eq!(told[2].event, Err(NotUnderstood::Field("portalId")));
    for body in [&b"{}"[..], b"", b"[1,", b"\xff"] {
        let told = read(body);
        assert_eq!((told.len(), told[0].raw), (1, body));
        assert_eq!(told[0].event, Err(NotUnderstood::NotAnArray));
    }
    assert!(read(b"[]").is_empty());
}

#[test]
fn missing_or_odd_fields_are_named() {
    let missing = |kind: &str, told: &Value| one(&with(kind, told)).unwrap_err();
    assert_eq!(missing("contact.creation", &json!({})), NotUnderstood::Field("objectId"));
    assert_eq!(missing("contact.creation", &json!({"objectId": 0})), NotUnderstood::Field("objectId"));
    assert_eq!(missing("contact.creation", &json!({"objectId": -1})), NotUnderstood::Field("objectId"));
    assert_eq!(missing("contact.propertyChange", &json!({"objectId": 1})), NotUnderstood::Field("propertyName"));
    let odd = json!({"objectId": 1, "occurredAt": "yesterday"});
    assert_eq!(missing("contact.creation", &odd), NotUnderstood::Field("occurredAt"));
    let odd = json!({"objectId": 1, "mergedObjectIds": ["x"]});
    assert_eq!(missing("contact.merge", &odd), NotUnderstood::Field("mergedObjectIds"));
}

#[test]
fn debug_shows_no_value() {
    let told = json!({"objectId": 5, "propertyName": "city", "propertyValue": "Oslo"});
    let shown = format!("{:?}", one(&with("contact.propertyChange", &told)));
    assert!(shown.contains("city") && !shown.contains("Oslo"), "{shown}");
}

proptest! {
    #[test]
    fn any_bytes_are_read(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let told = read(&body);
        prop_assert!(told.iter().all(|told| told.raw.len() <= body.len()));
    }
}

/// Deliveries that public projects captured, where the reference lies beside the checkout.
#[test]
fn every_captured_delivery_is_understood() {
    let Some(folder) = env::var_os("LINCHPIN_SHARED") else {
        return println!("skipped: LINCHPIN_SHARED is not set");
    };
    let text = fs::read_to_string(Path::new(&folder).join("hubspot/recordings/webhook_captures.json")).unwrap();
    let captures: Vec<Value> = serde_json::from_str(&text).unwrap();
    let mut read_ones = 0;
    for capture in captures.iter().filter(|capture| capture["body"].is_array()) {
        let body = capture["body"].to_string();
        for told in read(body.as_bytes()) {
            assert!(told.event.is_ok(), "{:?} in {}", told.event, capture["source"]);
            read_ones += 1;
        }
    }
    assert!(read_ones > 5, "{read_ones}");
}
