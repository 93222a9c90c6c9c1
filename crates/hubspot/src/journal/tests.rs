//! Journal calls as they go out, and their answers.

use serde_json::json;

use super::*;
use crate::call::{CostClass, Effect, Family};
use crate::id::RecordId;
use crate::testing::answer;

fn sent(call: &Call) -> Value {
    serde_json::from_slice(call.body.as_ref().expect("a body")).expect("JSON")
}

#[test]
fn entries_are_walked_from_either_end_or_from_an_offset() {
    let read = |entry| Read { entry, portal: None };
    let at = |entry, version| read(entry).call(version).target();
    let v = ApiVersion::V2026_03;
    assert_eq!(at(Entry::Earliest, v), "/webhooks-journal/journal/2026-03/earliest");
    assert_eq!(at(Entry::Latest, ApiVersion::V4), "/webhooks/v4/journal/latest");
    let next = "/webhooks-journal/journal/2026-03/offset/4f0d-1/next";
    assert_eq!(at(Entry::After("4f0d-1".to_owned()), v), next);
    let one = Read { entry: Entry::After("4f0d-1".to_owned()), portal: Some(PortalId(48)) };
    let call = one.call(v);
    assert_eq!(call.target(), format!("{next}?installPortalId=48"));
    assert_eq!((call.cost, call.effect, call.family), (CostClass::Journal, Effect::Safe, Family::Webhooks));
    let text = r#"{"url":"https://files.test/signed","expiresAt":"2026-11-20T12:10:00Z","currentOffset":"4f0d-2"}"#;
    let pointer = one.decode(&answer(200, text)).expect("an answer").expect("an entry");
    assert_eq!(pointer.current_offset, "4f0d-2");
    assert!(!format!("{pointer:?}").contains("signed"), "the address is a credential");
    assert_eq!(one.decode(&answer(204, "")).expect("the end"), None);
}

#[test]
fn several_entries_come_in_one_call() {
    let several = |entry, count| ReadSeveral { entry, count, portal: None };
    let base = "/webhooks-journal/journal/2026-03/batch";
    let at = |call: &ReadSeveral| call.call(ApiVersion::V2026_03).target();
    assert_eq!(at(&several(Entry::Earliest, 10)), format!("{base}/earliest/10"));
    assert_eq!(at(&several(Entry::Latest, 1)), format!("{base}/latest/1"));
    assert_eq!(at(&several(Entry::After("4f0d-1".to_owned()), 5)), format!("{base}/4f0d-1/next/5"));
    assert!(several(Entry::Latest, 101).check().is_err());
    let text = r#"{"status":"COMPLETE","results":[{"url":"https://x.test/1","currentOffset":"a"}]}"#;
    let outcome = several(Entry::Latest, 1).decode(&answer(200, text)).expect("entries");
    assert_eq!(outcome.results[0].current_offset, "a");
    assert_eq!(several(Entry::Latest, 1).decode(&answer(204, "")).expect("nothing").results, []);
    let offsets = ReadOffsets { offsets: vec!["a".to_owned()], portal: None };
    let call = offsets.call(ApiVersion::V2026_03);
    assert_eq!((call.path, call.effect), (format!("{base}/read"), Effect::Safe));
    assert_eq!(sent(&offsets.call(ApiVersion::V4)), json!({"inputs": ["a"]}));
}

#[test]
fn a_file_of_events_is_read_whatever_their_kind() {
    let text = r#"{"offset":"4f0d-2","publishedAt":"2026-11-20T12:00:00Z","journalEvents":[
        {"type":"crmObject","portalId":48151623,"occurredAt":"2026-11-20T11:59:59Z","action":"UPDATE",
         "objectTypeId":"0-1","objectId":901,"propertyChanges":{"city":"Oslo"}},
        {"type":"association","portalId":"48151623","action":"ASSOCIATION_ADDED","fromObjectId":1,"toObjectId":2}]}"#;
    let file: File = serde_json::from_str(text).expect("a file");
    assert_eq!((file.events[0].kind.as_str(), file.events[1].action.as_str()), ("crmObject", "ASSOCIATION_ADDED"));
    assert_eq!(file.events[0].rest["propertyChanges"]["city"], "Oslo");
    assert_eq!(file.events[1].portal_id, Some(48_151_623));
    assert!(!format!("{file:?}").contains("Oslo"));
}

#[test]
fn subscriptions_say_what_is_reported() {
    let kind = SubscriptionKind::Object {
        portal_id: PortalId(48),
        object_type_id: "0-1".to_owned(),
        actions: vec!["UPDATE".to_owned()],
        properties: vec!["city".to_owned()],
        object_ids: Vec::new(),
    };
    let subscribe = Subscribe { kind };
    let call = subscribe.call(ApiVersion::V2026_03);
    assert_eq!(call.target(), "/webhooks-journal/subscriptions/2026-03");
    assert_eq!(
        sent(&call),
        json!({"subscriptionType": "OBJECT", "portalId": 48, "objectTypeId": "0-1", "actions": ["UPDATE"],
            "properties": ["city"], "objectIds": []})
    );
    // A second one changes the first.
    assert_eq!((call.effect, call.cost), (Effect::Idempotent, CostClass::Journal));
    let kinds = [
        SubscriptionKind::AppLifecycleEvent { event_type_id: "4-1909196".to_owned(), properties: Vec::new() },
        SubscriptionKind::GdprPrivacyDeletion {
            portal_id: PortalId(48),
            object_type_id: "0-1".to_owned(),
            actions: vec!["GDPR_DELETE".to_owned()],
        },
    ];
    let names = kinds.map(|kind| sent(&Subscribe { kind }.call(ApiVersion::V4))["subscriptionType"].clone());
    assert_eq!(names, [json!("APP_LIFECYCLE_EVENT"), json!("GDPR_PRIVACY_DELETION")]);
    let text = r#"{"id":5,"subscriptionType":"OBJECT","appId":7007,"portalId":48,"objectTypeId":"0-1",
        "actions":["UPDATE"],"properties":null,"createdAt":"2026-11-20T10:00:00Z"}"#;
    let made = subscribe.decode(&answer(200, text)).expect("a subscription");
    assert_eq!((made.id.as_str(), made.properties.len()), ("5", 0));
    assert_eq!(ListSubscriptions.call(ApiVersion::V4).path, "/webhooks/v4/subscriptions");
    let base = "/webhooks-journal/subscriptions/2026-03";
    let id = || "5".to_owned();
    assert_eq!(ReadSubscription { id: id() }.call(ApiVersion::V2026_03).path, format!("{base}/5"));
    let delete = DeleteSubscription { id: id() }.call(ApiVersion::V2026_03);
    assert_eq!((delete.method.as_str(), delete.path), ("DELETE", format!("{base}/5")));
    let all = DeletePortalSubscriptions { portal: PortalId(48) }.call(ApiVersion::V2026_03);
    assert_eq!((all.method.as_str(), all.path), ("DELETE", format!("{base}/portals/48")));
}

#[test]
fn filters_make_a_subscription_narrower() {
    let create = CreateFilter { subscription: 5, conditions: vec![Condition::compare("city", "EQ", "Oslo")] };
    let call = create.call(ApiVersion::V2026_03);
    assert_eq!(call.path, "/webhooks-journal/subscriptions/2026-03/filters");
    let conditions =
        json!([{"filterType": "CRM_OBJECT_PROPERTY", "property": "city", "operator": "EQ", "value": "Oslo"}]);
    assert_eq!(sent(&call), json!({"subscriptionId": 5, "filter": {"conditions": conditions}}));
    assert_eq!(call.effect, Effect::Unsafe);
    assert_eq!(create.decode(&answer(200, r#"{"filterId":9}"#)).expect("an id"), "9");
    let base = "/webhooks-journal/subscriptions/2026-03/filters";
    let list = ListFilters { subscription: "5".to_owned() };
    assert_eq!(list.call(ApiVersion::V2026_03).path, format!("{base}/subscription/5"));
    let text = format!(r#"[{{"id":9,"createdAt":1763632800000,"filter":{{"conditions":{conditions}}}}}]"#);
    assert_eq!(list.decode(&answer(200, &text)).expect("filters")[0].conditions[0].property, "city");
    let read = ReadFilter { id: "9".to_owned() };
    assert_eq!(read.call(ApiVersion::V2026_03).path, format!("{base}/9"));
    assert_eq!(DeleteFilter { id: "9".to_owned() }.call(ApiVersion::V2026_03).method.as_str(), "DELETE");
}

#[test]
fn snapshots_are_asked_for_and_followed() {
    let request = SnapshotRequest {
        portal_id: PortalId(48),
        object_type_id: "0-1".to_owned(),
        object_id: RecordId(901),
        properties: vec!["city".to_owned()],
    };
    let snapshot = Snapshot { requests: vec![request] };
    let call = snapshot.call(ApiVersion::V2026_03);
    assert_eq!((call.path.as_str(), call.cost), ("/webhooks-journal/snapshots/2026-03/crm", CostClass::Journal));
    assert_eq!(
        sent(&call),
        json!({"snapshotRequests": [{"portalId": 48, "objectTypeId": "0-1", "objectId": 901, "properties": ["city"]}]})
    );
    let text =
        r#"{"snapshotResponses":[{"portalId":48,"objectTypeId":"0-1","objectId":901,"snapshotStatusId":"s-1"}]}"#;
    let tickets = snapshot.decode(&answer(200, text)).expect("tickets");
    let status = ReadSnapshotStatus { id: tickets[0].status.clone() };
    assert_eq!(status.call(ApiVersion::V2026_03).path, "/webhooks-journal/journal/2026-03/status/s-1");
    for (said, done) in [("SUCCESS", true), ("COMPLETED", true), ("IN_PROGRESS", false)] {
        let text = format!(r#"{{"id":"s-1","status":"{said}","initiatedAt":1763632800000}}"#);
        assert_eq!(status.decode(&answer(200, &text)).expect("a status").is_done(), done);
    }
}
