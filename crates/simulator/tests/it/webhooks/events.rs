//! Which events a change means, and what they say.

use http::Method;
use linchpin_simulator::webhooks::{ChangeFlag, DeliverySpec, WebhookSpec};
use linchpin_simulator::wire::Millis;
use serde_json::{Value, json};

use super::{APP, Bench, PORTAL, app, at_once, json_of, keys, spec};
use crate::{CONTACTS, TOKEN};

const WHOLE: [&str; 11] = [
    "appId",
    "attemptNumber",
    "changeFlag",
    "changeSource",
    "eventId",
    "objectId",
    "occurredAt",
    "portalId",
    "sourceId",
    "subscriptionId",
    "subscriptionType",
];

#[test]
fn events_about_records_have_the_fields_of_recorded_deliveries() {
    let mut bench = Bench::listening_to(&["contact.creation", "contact.deletion", "contact.restore"]);
    let ada = bench.create("contacts", &json!({"email": "ada@example.test"}));
    bench.delete(ada);
    assert_eq!(bench.hub.restore_record(PORTAL, "contacts", ada), Ok(()));
    let told = bench.told();
    let table = [("contact.creation", "CREATED"), ("contact.deletion", "DELETED"), ("contact.restore", "RESTORED")];
    assert_eq!(told.len(), table.len());
    for (event, (kind, flag)) in told.iter().zip(table) {
        assert_eq!(keys(event), WHOLE, "{event}");
        assert_eq!((&event["subscriptionType"], &event["changeFlag"]), (&json!(kind), &json!(flag)));
        assert_eq!((&event["objectId"], &event["attemptNumber"]), (&json!(ada), &json!(0)));
        assert_eq!((&event["portalId"], &event["appId"]), (&json!(PORTAL), &json!(APP)));
        assert_eq!(event["occurredAt"], bench.now);
    }
    assert_eq!((&told[0]["changeSource"], &told[0]["sourceId"]), (&json!("INTEGRATION"), &json!("7")));
    assert_eq!((&told[2]["changeSource"], &told[2]["sourceId"]), (&json!("CRM_UI"), &json!("userId:1")));
}

#[test]
fn the_flag_of_a_creation_is_new_where_it_is_asked_for() {
    let delivery = DeliverySpec { change_flag: ChangeFlag::New, ..at_once() };
    let mut bench = Bench::new(WebhookSpec { delivery: Some(delivery), ..spec(&["contact.creation"]) });
    bench.create("contacts", &json!({}));
    assert_eq!(bench.told()[0]["changeFlag"], "NEW");
}

#[test]
fn a_property_change_tells_the_new_value_and_only_to_those_who_asked_for_it() {
    let mut bench = Bench::listening_to(&["contact.propertyChange:city", "contact.propertyChange:phone"]);
    let ada = bench.create("contacts", &json!({"city": "Berlin", "firstname": "Ada"}));
    bench.update(ada, &json!({"city": "Lyon", "lastname": "Lovelace"}));
    bench.update(ada, &json!({"city": "Lyon"}));
    bench.update(ada, &json!({"city": ""}));
    let told = bench.told();
    let values: Vec<&Value> = told.iter().map(|event| &event["propertyValue"]).collect();
    assert_eq!(values, ["Berlin", "Lyon", ""], "a creation tells its values, an idle write nothing");
    let expected = [
        "appId",
        "attemptNumber",
        "changeSource",
        "eventId",
        "objectId",
        "occurredAt",
        "portalId",
        "propertyName",
        "propertyValue",
        "sourceId",
        "subscriptionId",
        "subscriptionType",
    ];
    assert!(told.iter().all(|event| keys(event) == expected && event["propertyName"] == "city"));
}

#[test]
fn what_hubspot_computes_is_told_as_calculated_and_without_a_source() {
    let mut bench = Bench::listening_to(&["contact.propertyChange:hs_analytics_source"]);
    let mut options = super::options();
    options.portal.late_properties = true;
    bench.hub = linchpin_simulator::Hub::new(&options, Millis(bench.now), &mut bench.dice).unwrap();
    bench.hub.configure_webhooks(spec(&["contact.propertyChange:hs_analytics_source"])).unwrap();
    bench.create("contacts", &json!({}));
    assert!(bench.told().is_empty());
    let deliveries = bench.later(20_000);
    let event = &super::body(&deliveries[0])[0];
    assert_eq!((&event["changeSource"], &event["propertyValue"]), (&json!("CALCULATED"), &json!("OFFLINE")));
    assert!(event.get("sourceId").is_none());
}

#[test]
fn the_value_of_a_sensitive_property_is_told_to_nobody() {
    let mut bench = Bench::listening_to(&["contact.propertyChange:diagnosis", "0-1/object.propertyChange:diagnosis"]);
    let property = json!({"name": "diagnosis", "label": "Diagnosis", "type": "string", "fieldType": "text",
                          "groupName": "contactinformation", "dataSensitivity": "sensitive"});
    bench.call(Method::POST, "/crm/v3/properties/contacts", &property);
    bench.later(1_000);
    bench.create("contacts", &json!({"diagnosis": "secret illness"}));
    let told = bench.told();
    assert_eq!(told.len(), 2);
    assert!(told.iter().all(|event| event["propertyValue"] == "REDACTED"), "{told:?}");
    let marked: Vec<bool> = told.iter().map(|event| event.get("isSensitive") == Some(&json!(true))).collect();
    assert_eq!(marked.iter().filter(|marked| **marked).count(), 1, "only the generic event says so");
}

#[test]
fn a_privacy_deletion_also_tells_of_a_deletion() {
    let mut bench = Bench::listening_to(&["contact.privacyDeletion", "contact.deletion"]);
    let ada = bench.create("contacts", &json!({"email": "ada@example.test"}));
    bench.call(Method::POST, &format!("{CONTACTS}/gdpr-delete"), &json!({"objectId": ada.to_string()}));
    let mut kinds: Vec<String> =
        bench.told().iter().map(|event| event["subscriptionType"].as_str().unwrap().to_owned()).collect();
    kinds.sort();
    assert_eq!(kinds, ["contact.deletion", "contact.privacyDeletion"]);
}

#[test]
fn a_merge_names_both_and_the_new_record_and_deletes_the_merged_one() {
    let all = ["contact.merge", "contact.deletion", "contact.creation", "contact.propertyChange:city"];
    let mut bench = Bench::listening_to(&all);
    let ada = bench.create("contacts", &json!({"firstname": "Ada"}));
    let twin = bench.create("contacts", &json!({"city": "Berlin"}));
    bench.told();
    let body = json!({"primaryObjectId": ada.to_string(), "objectIdToMerge": twin.to_string()});
    let merged = bench.call(Method::POST, &format!("{CONTACTS}/merge"), &body);
    let survivor: u64 = merged["id"].as_str().unwrap().parse().unwrap();
    let told = bench.told();
    let kinds: Vec<&Value> = told.iter().map(|event| &event["subscriptionType"]).collect();
    assert_eq!(kinds, ["contact.deletion", "contact.merge"], "no values and no creation");
    assert_eq!(told[0]["objectId"], twin);
    let merge = &told[1];
    assert_eq!((&merge["primaryObjectId"], &merge["mergedObjectIds"]), (&json!(ada), &json!([twin])));
    assert_eq!(merge["newObjectId"], survivor);
    assert!(merge["numberOfPropertiesMoved"].as_u64().unwrap() > 0 && merge.get("changeFlag").is_none());
}

#[test]
fn an_association_is_told_from_both_sides_and_once_for_each_of_its_types() {
    let mut bench = Bench::listening_to(&["contact.associationChange", "company.associationChange"]);
    let contact = bench.create("contacts", &json!({}));
    let company = bench.create("companies", &json!({"name": "Alpha"}));
    let path = format!("/crm/v4/objects/contacts/{contact}/associations/companies/{company}");
    let primary = json!([{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}]);
    bench.call(Method::PUT, &path, &primary);
    let told = bench.told();
    let row = |event: &Value| {
        let text = |name: &str| event[name].as_str().unwrap().to_owned();
        let id = |name: &str| event[name].as_u64().unwrap();
        let primary = event["isPrimaryAssociation"].as_bool().unwrap();
        (text("subscriptionType"), text("associationType"), id("fromObjectId"), id("toObjectId"), primary)
    };
    let mut rows: Vec<_> = told.iter().map(row).collect();
    rows.sort();
    let (here, there) = ("contact.associationChange".to_owned(), "company.associationChange".to_owned());
    let (to, back) = ("CONTACT_TO_COMPANY".to_owned(), "COMPANY_TO_CONTACT".to_owned());
    let mut expected = Vec::new();
    for primary in [false, true] {
        expected.push((there.clone(), back.clone(), company, contact, primary));
        expected.push((here.clone(), to.clone(), contact, company, primary));
    }
    expected.sort();
    assert_eq!(rows, expected);
    let names = keys(&told[0]);
    assert!(!names.contains(&"objectId") && !names.contains(&"changeFlag") && !names.contains(&"objectTypeId"));
    assert!(told.iter().all(|event| event["associationRemoved"] == false));

    bench.call(Method::PUT, &path, &primary);
    assert!(bench.told().is_empty(), "writing the same labels again changes nothing");
    bench.call(Method::DELETE, &path, &Value::Null);
    let told = bench.told();
    assert_eq!(told.len(), 4);
    assert!(told.iter().all(|event| event["associationRemoved"] == true));
}

#[test]
fn a_pair_without_a_primary_type_says_nothing_of_primaries() {
    let mut bench = Bench::listening_to(&["deal.associationChange"]);
    let deal = bench.create("deals", &json!({"dealname": "One"}));
    let item = bench.create("line_items", &json!({"name": "Bolt"}));
    let path = format!("/crm/v4/objects/deals/{deal}/associations/default/line_items/{item}");
    bench.call(Method::PUT, &path, &Value::Null);
    let told = bench.told();
    assert_eq!(told[0]["associationType"], "DEAL_TO_LINE_ITEM");
    let expected = [
        "appId",
        "associationRemoved",
        "associationType",
        "attemptNumber",
        "changeSource",
        "eventId",
        "fromObjectId",
        "occurredAt",
        "portalId",
        "sourceId",
        "subscriptionId",
        "subscriptionType",
        "toObjectId",
    ];
    assert_eq!(keys(&told[0]), expected);
}

#[test]
fn archiving_tells_of_the_record_and_not_of_its_associations() {
    let mut bench = Bench::listening_to(&["contact.associationChange", "company.associationChange"]);
    let contact = bench.create("contacts", &json!({}));
    let company = bench.create("companies", &json!({"name": "Alpha"}));
    let path = format!("/crm/v4/objects/contacts/{contact}/associations/default/companies/{company}");
    bench.call(Method::PUT, &path, &Value::Null);
    assert_eq!(bench.told().len(), 2);
    bench.delete(contact);
    assert!(bench.told().is_empty());
}

#[test]
fn generic_events_say_the_type_and_know_custom_objects() {
    let mut bench = Bench::listening_to(&["0-1/object.creation", "0-1/object.associationChange", "contact.creation"]);
    let contact = bench.create("contacts", &json!({}));
    let told = bench.told();
    assert_eq!(told.len(), 2);
    assert_eq!(told[0]["eventId"], told[1]["eventId"], "one happening, one number, whoever hears of it");
    assert_ne!(told[0]["subscriptionId"], told[1]["subscriptionId"]);
    let generic = told.iter().find(|event| event["subscriptionType"] == "object.creation").unwrap();
    assert_eq!(generic["objectTypeId"], "0-1");
    let company = bench.create("companies", &json!({"name": "Alpha"}));
    let path = format!("/crm/v4/objects/contacts/{contact}/associations/default/companies/{company}");
    bench.call(Method::PUT, &path, &Value::Null);
    let told = bench.told();
    let link = &told[0];
    assert_eq!((&link["fromObjectTypeId"], &link["toObjectTypeId"]), (&json!("0-1"), &json!("0-2")));
    assert_eq!((&link["associationTypeId"], &link["associationCategory"]), (&json!(279), &json!("HUBSPOT_DEFINED")));

    let schema = json!({"name": "ship", "labels": {"singular": "Ship", "plural": "Ships"},
                        "primaryDisplayProperty": "hull", "requiredProperties": [],
                        "properties": [{"name": "hull", "label": "Hull", "type": "string", "fieldType": "text"}],
                        "associatedObjects": ["CONTACT"]});
    let made = bench.call(Method::POST, "/crm/v3/schemas", &schema);
    let type_id = made["objectTypeId"].as_str().unwrap().to_owned();
    let wanted = format!("{type_id}/object.creation");
    bench.hub.configure_webhooks(WebhookSpec { apps: vec![app(&[&wanted])], ..WebhookSpec::default() }).unwrap();
    bench.later(60_000);
    bench.create(&type_id, &json!({"hull": "steel"}));
    let told = bench.told();
    assert_eq!((told.len(), &told[0]["objectTypeId"]), (1, &json!(type_id)));
}

#[test]
fn event_ids_are_not_unique_but_the_whole_key_is() {
    let mut bench = Bench::listening_to(&["contact.propertyChange:city", "0-1/object.propertyChange:city"]);
    let ada = bench.create("contacts", &json!({"city": "0"}));
    for number in 1..200 {
        bench.update(ada, &json!({"city": number.to_string()}));
        bench.later(1);
    }
    let told: Vec<Value> = bench.hub.webhook_events().map(|line| line["event"].clone()).collect();
    assert_eq!(told.len(), 400);
    let distinct = |names: &[&str]| {
        let keys = told.iter().map(|event| names.iter().map(|name| event[*name].to_string()).collect::<Vec<_>>());
        keys.collect::<std::collections::BTreeSet<_>>().len()
    };
    assert_eq!(distinct(&["eventId"]), 200);
    let key = ["portalId", "subscriptionId", "eventId", "objectId", "occurredAt", "propertyName"];
    assert_eq!(distinct(&key), 400);
}

#[test]
fn nothing_is_noted_while_nobody_has_subscribed() {
    let mut bench = Bench::new(WebhookSpec::default());
    let noted = |bench: &Bench| bench.hub.webhook_counts().events;
    bench.create("contacts", &json!({}));
    assert!(!bench.hub.is_noting_changes());
    // An inactive subscription is none.
    let mut silent = app(&["contact.creation"]);
    silent.subscriptions[0].active = Some(false);
    bench.hub.configure_webhooks(WebhookSpec { apps: vec![silent], ..WebhookSpec::default() }).unwrap();
    bench.create("contacts", &json!({}));
    assert!(!bench.hub.is_noting_changes());
    // Nor is an app without a target.
    let mut homeless = app(&["contact.creation"]);
    homeless.target_url = None;
    bench.hub.configure_webhooks(WebhookSpec { apps: vec![homeless], ..WebhookSpec::default() }).unwrap();
    bench.create("contacts", &json!({}));
    assert_eq!((bench.hub.is_noting_changes(), noted(&bench)), (false, 0));
    bench.hub.configure_webhooks(spec(&["contact.creation"])).unwrap();
    bench.create("contacts", &json!({}));
    assert_eq!((bench.hub.is_noting_changes(), noted(&bench)), (true, 1));
}

#[test]
fn a_portal_that_comes_later_is_heard_as_well() {
    let mut bench = Bench::listening_to(&["contact.creation"]);
    let mut second = linchpin_simulator::SimOptions { oauth_apps: Vec::new(), tokens: Vec::new(), ..super::options() };
    second.portal.portal_id = 5;
    bench.hub.add_portal(&second, &mut bench.dice).unwrap();
    assert!(bench.hub.is_noting_changes());
}

#[test]
fn seeded_records_are_old_and_told_to_nobody() {
    let mut options = super::options();
    options.start.seed = Some(serde_json::from_value(json!({"contacts": 5})).unwrap());
    options.start.webhooks = Some(spec(&["contact.creation"]));
    let mut bench = Bench::new(WebhookSpec::default());
    bench.hub = linchpin_simulator::Hub::new(&options, Millis(bench.now), &mut bench.dice).unwrap();
    assert!(bench.told().is_empty());
    bench.create("contacts", &json!({}));
    assert_eq!(bench.told().len(), 1);
}

#[test]
fn a_new_record_reads_as_missing_for_a_while_where_that_is_asked_for() {
    let mut bench = Bench::new(WebhookSpec { read_gap_ms: Some(550), ..spec(&["contact.creation"]) });
    let ada = bench.create("contacts", &json!({"city": "Berlin"}));
    assert_eq!(bench.told().len(), 1, "the event comes first");
    let path = format!("{CONTACTS}/{ada}");
    let read = |bench: &mut Bench| bench.request(Method::GET, &path, Some(TOKEN), &Value::Null).status;
    let batch = |bench: &mut Bench| {
        let body = json!({"inputs": [{"id": ada.to_string()}]});
        let answer = bench.request(Method::POST, &format!("{CONTACTS}/batch/read"), Some(TOKEN), &body);
        (answer.status, json_of(&answer)["results"].as_array().unwrap().len())
    };
    assert_eq!((read(&mut bench), batch(&mut bench)), (404, (207, 0)));
    bench.later(549);
    assert_eq!(read(&mut bench), 404);
    bench.later(1);
    assert_eq!((read(&mut bench), batch(&mut bench)), (200, (200, 1)));
}
