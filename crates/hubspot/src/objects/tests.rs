//! Calls as they go out, and answers as they were recorded.

use serde_json::{Value, json};

use super::*;
use crate::call::{CostClass, Effect, Family};
use crate::testing::{answer, recording};

fn contacts() -> ObjectType {
    ObjectType::new("contacts")
}

fn sent(call: &Call) -> Value {
    serde_json::from_slice(call.body.as_ref().expect("a body")).expect("JSON")
}

fn values(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn a_read_asks_for_what_it_names() {
    let fields = Fields { associations: vec![ObjectType::new("companies")], archived: true, ..Fields::of(["a", "b"]) };
    let id_property = Some("email".to_owned());
    let read = Read { object_type: contacts(), id: "a@b.c".to_owned(), id_property, fields };
    let target = "?idProperty=email&properties=a%2Cb&associations=companies&archived=true";
    assert_eq!(read.call(ApiVersion::V3).target(), format!("/crm/v3/objects/contacts/a%40b.c{target}"));
    assert_eq!(read.call(ApiVersion::default()).target(), format!("/crm/objects/2026-03/contacts/a%40b.c{target}"));
}

#[test]
fn a_create_carries_associations_and_its_trace_id() {
    let kind = AssociationType { category: crate::id::AssociationCategory::HubspotDefined, type_id: 279 };
    let input = CreateInput {
        properties: values(&[("email", "ada@example.test")]),
        associations: vec![NewAssociation::new(RecordId(5501), vec![kind])],
        trace_id: Some("t1".to_owned()),
    };
    let call = BatchCreate { object_type: contacts(), inputs: vec![input] }.call(ApiVersion::default());
    assert_eq!(call.path, "/crm/objects/2026-03/contacts/batch/create");
    assert_eq!((call.effect, call.cost, call.family), (Effect::Unsafe, CostClass::Ordinary, Family::Objects));
    assert_eq!(call.object_type, Some(contacts()));
    assert_eq!(
        sent(&call),
        json!({"inputs": [{
            "properties": {"email": "ada@example.test"},
            "associations": [{"to": {"id": "5501"}, "types":
                [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]}],
            "objectWriteTraceId": "t1",
        }]})
    );
}

#[test]
fn the_other_batches_have_hubspots_bodies() {
    let input = UpsertInput {
        id: "k1".to_owned(),
        id_property: "key".to_owned(),
        properties: values(&[("x", "")]),
        trace_id: None,
    };
    let upsert = BatchUpsert { object_type: contacts(), inputs: vec![input] }.call(ApiVersion::V3);
    assert_eq!(sent(&upsert), json!({"inputs": [{"id": "k1", "idProperty": "key", "properties": {"x": ""}}]}));
    assert_eq!(upsert.effect, Effect::Idempotent);
    let read = BatchRead {
        object_type: contacts(),
        ids: vec!["1".to_owned()],
        id_property: Some("email".to_owned()),
        properties: vec!["email".to_owned()],
        history: Vec::new(),
        archived: true,
    };
    let read = read.call(ApiVersion::V3);
    assert_eq!(
        sent(&read),
        json!({"inputs": [{"id": "1"}], "properties": ["email"], "propertiesWithHistory": [], "idProperty": "email"})
    );
    assert_eq!(read.target(), "/crm/v3/objects/contacts/batch/read?archived=true");
    let archive = BatchArchive { object_type: contacts(), ids: vec![RecordId(7)] }.call(ApiVersion::V3);
    assert_eq!(sent(&archive), json!({"inputs": [{"id": "7"}]}));
}

#[test]
fn a_record_is_read_whatever_form_its_values_have() {
    let text = r#"{"id":901,"properties":{"a":null,"b":"x","c":5.5,"d":true,"f":{"g":[1,null]},"h":-3},"propertiesWithHistory":null,"new":true,
        "archived":null,"associations":{"companies":{"results":[{"id":"5","type":"contact_to_company"}],
        "paging":{"next":{"after":"6"}}}},"unknown":{}}"#;
    let read = Read { object_type: contacts(), id: "901".to_owned(), id_property: None, fields: Fields::default() };
    let record = read.decode(&answer(200, text)).expect("a record");
    assert_eq!(record.id, RecordId(901));
    let known: Vec<Option<&str>> = ["a", "b", "c", "d", "e", "f", "h"].iter().map(|name| record.value(name)).collect();
    assert_eq!(known, [None, Some("x"), Some("5.5"), Some("true"), None, Some(r#"{"g":[1,null]}"#), Some("-3")]);
    assert_eq!(record.associations(&ObjectType::new("companies"))[0].id, RecordId(5));
    assert!(record.more_associations(&ObjectType::new("companies")));
}

#[test]
fn a_refusal_is_an_api_error_and_a_strange_success_a_decode_error() {
    let list = List { object_type: contacts(), limit: 100, after: None, fields: Fields::default() };
    let refused = list.decode(&answer(404, r#"{"status":"error","message":"resource not found"}"#)).expect_err("404");
    assert_eq!(refused.api().map(|error| error.status), Some(404));
    let strange = list.decode(&answer(200, "<html>")).expect_err("no JSON");
    assert!(matches!(strange, ApiError::Decode { status: 200, .. }), "{strange}");
}

#[test]
fn the_recorded_page_ends_where_hubspot_says() {
    let Some(text) = recording("amp-labs_connectors/read__objects-api__contacts-response.json") else { return };
    let list = List { object_type: contacts(), limit: 100, after: None, fields: Fields::default() };
    let page = list.decode(&answer(200, &text)).expect("a page");
    let ids: Vec<u64> = page.items.iter().map(|record| record.id.0).collect();
    assert_eq!((ids, page.after.as_deref()), (vec![1, 51, 101], Some("394")));
}

#[test]
fn the_recorded_partial_create_keeps_both_sides() {
    let Some(text) = recording("amp-labs_connectors/batch__create__contacts__err-partial-success.json") else {
        return;
    };
    let outcome = BatchCreate { object_type: contacts(), inputs: Vec::new() }.decode(&answer(207, &text)).expect("207");
    assert_eq!(outcome.results[0].record.id, RecordId(171_596_044_870));
    let error = &outcome.errors[0];
    assert_eq!(error.trace_ids(), ["0"]);
    assert_eq!(error.existing_id(), Some(RecordId(171_591_000_198)));
    assert_eq!(outcome.num_errors, 1);
}

#[test]
fn the_recorded_partial_update_names_the_missing_ids() {
    let Some(text) = recording("amp-labs_connectors/batch__update__contacts__err-partial-success.json") else {
        return;
    };
    let outcome = BatchUpdate { object_type: contacts(), inputs: Vec::new() }.decode(&answer(207, &text)).expect("207");
    assert_eq!(outcome.errors[0].ids(), ["unknownIdentifier888"]);
    assert!(outcome.errors[0].is(crate::errors::category::OBJECT_NOT_FOUND));
}

#[test]
fn recorded_full_successes_have_no_errors() {
    for (name, count) in [("create", 1), ("update", 1)] {
        let Some(text) = recording(&format!("amp-labs_connectors/batch__{name}__contacts__success.json")) else {
            return;
        };
        let create = BatchCreate { object_type: contacts(), inputs: Vec::new() };
        let outcome = create.decode(&answer(201, &text)).expect("a success");
        assert!(outcome.results.len() >= count && outcome.errors.is_empty());
    }
}

#[test]
fn debug_of_inputs_shows_names_and_no_values() {
    let properties: BTreeMap<String, String> = [("firstname".to_owned(), "Ana".to_owned())].into();
    let id = || "ana@example.com".to_owned();
    let trace_id = Some("t1".to_owned());
    let create = CreateInput { properties: properties.clone(), associations: Vec::new(), trace_id: trace_id.clone() };
    let update = UpdateInput {
        id: id(),
        id_property: Some("key".to_owned()),
        properties: properties.clone(),
        trace_id: trace_id.clone(),
    };
    let by_id = UpdateInput { id: "901".to_owned(), id_property: None, ..update.clone() };
    assert!(format!("{by_id:?}").contains("901"));
    let upsert = UpsertInput { id: id(), id_property: "email".to_owned(), properties, trace_id };
    let object_type = ObjectType::new("contacts");
    let shown = format!("{create:?} {update:?} {:?}", BatchUpsert { object_type, inputs: vec![upsert] });
    assert_eq!(shown.matches("firstname").count(), 3, "{shown}");
    assert!(!shown.contains("Ana") && !shown.contains("ana@"), "{shown}");
}

#[test]
fn a_merge_names_the_survivor_first() {
    let merge = Merge { object_type: contacts(), primary: RecordId(1), merged: RecordId(2) };
    let call = merge.call(ApiVersion::V3);
    assert_eq!((call.method.as_str(), call.path.as_str()), ("POST", "/crm/v3/objects/contacts/merge"));
    assert_eq!(sent(&call), json!({"primaryObjectId": "1", "objectIdToMerge": "2"}));
    assert_eq!(call.effect, Effect::Unsafe);
    let survivor = r#"{"id":"77","properties":{"hs_merged_object_ids":"1;2"}}"#;
    assert_eq!(merge.decode(&answer(200, survivor)).expect("a record").id, RecordId(77));
}

#[test]
fn a_privacy_deletion_shows_no_address() {
    let delete = PrivacyDelete {
        object_type: contacts(),
        id: "ada@example.test".to_owned(),
        id_property: Some("email".to_owned()),
    };
    let call = delete.call(ApiVersion::V2026_09);
    assert_eq!(call.path, "/crm/objects/2026-09/contacts/gdpr-delete");
    assert_eq!(sent(&call), json!({"objectId": "ada@example.test", "idProperty": "email"}));
    assert!(!format!("{delete:?} {call:?}").contains("ada@"));
    assert!(delete.decode(&answer(204, "")).is_ok());
}

#[test]
fn history_is_read_newest_first_and_halves_the_batch() {
    let text = r#"{"id":"1","properties":{},"propertiesWithHistory":{"city":[
        {"value":"Oslo","timestamp":"2026-11-20T10:00:00Z","sourceType":"API","sourceId":7007},
        {"value":null,"timestamp":"2026-11-19T10:00:00Z","sourceType":"CRM_UI"}]}}"#;
    let fields = Fields { history: vec!["city".to_owned()], ..Fields::default() };
    let read = Read { object_type: contacts(), id: "1".to_owned(), id_property: None, fields: fields.clone() };
    assert_eq!(read.call(ApiVersion::V3).target(), "/crm/v3/objects/contacts/1?propertiesWithHistory=city");
    let record = read.decode(&answer(200, text)).expect("a record");
    let values: Vec<Option<&str>> = record.history["city"].iter().map(|entry| entry.value.as_deref()).collect();
    assert_eq!((values, record.history["city"][0].source_id.as_deref()), (vec![Some("Oslo"), None], Some("7007")));
    let list = |limit| List { object_type: contacts(), limit, after: None, fields: fields.clone() }.check();
    assert!(list(50).is_ok() && list(51).is_err());
}

proptest::proptest! {
    #[test]
    fn split_batches_never_exceed_a_limit_and_lose_nothing(inputs in 0_usize..350, history in proptest::bool::ANY) {
        let ids: Vec<String> = (1..=inputs).map(|id| id.to_string()).collect();
        let names = |asked: bool| if asked { vec!["city".to_owned()] } else { Vec::new() };
        let read = BatchRead {
            object_type: contacts(),
            ids: ids.clone(),
            id_property: None,
            properties: names(true),
            history: names(history),
            archived: true,
        };
        let reads = read.split();
        proptest::prop_assert!(reads.iter().all(|read| read.check().is_ok() && read.archived));
        proptest::prop_assert_eq!(reads.len(), inputs.div_ceil(if history { 50 } else { 100 }));
        let asked: Vec<String> = reads.into_iter().flat_map(|read| read.ids).collect();
        proptest::prop_assert_eq!(asked, ids);
        let creates = BatchCreate { object_type: contacts(), inputs: vec![CreateInput::default(); inputs] }.split();
        proptest::prop_assert!(creates.iter().all(|create| create.check().is_ok()));
        proptest::prop_assert_eq!(creates.iter().map(|create| create.inputs.len()).sum::<usize>(), inputs);
        let archive = BatchArchive { object_type: contacts(), ids: vec![RecordId(1); inputs] };
        proptest::prop_assert_eq!(archive.check().is_ok(), inputs <= 100);
        proptest::prop_assert!(archive.split().iter().all(|archive| archive.check().is_ok()));
    }
}
