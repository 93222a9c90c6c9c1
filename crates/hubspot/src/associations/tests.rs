//! Association calls, and answers as they were recorded.

use serde_json::{Value, json};

use super::*;
use crate::call::{CostClass, Effect};
use crate::testing::{answer, recording};

fn direction() -> Direction {
    Direction { from: ObjectType::new("contacts"), to: ObjectType::new("companies") }
}

const PAIR: Pair = Pair { from: RecordId(901), to: RecordId(5501) };
const PRIMARY: AssociationType = AssociationType { category: AssociationCategory::HubspotDefined, type_id: 1 };

fn sent(call: &Call) -> Value {
    serde_json::from_slice(call.body.as_ref().expect("a body")).expect("JSON")
}

#[test]
fn batches_go_where_hubspot_expects_them() {
    let associate = BatchAssociate { direction: direction(), pairs: vec![PAIR] };
    let call = associate.call(ApiVersion::default());
    assert_eq!(call.path, "/crm/associations/2026-03/contacts/companies/batch/associate/default");
    assert_eq!(sent(&call), json!({"inputs": [{"from": {"id": "901"}, "to": {"id": "5501"}}]}));
    assert_eq!((call.cost, call.effect), (CostClass::AssociationBatch, Effect::Idempotent));
    let create = BatchCreate { direction: direction(), inputs: vec![TypedPair { pair: PAIR, types: vec![PRIMARY] }] };
    let call = create.call(ApiVersion::V4);
    assert_eq!(call.path, "/crm/v4/associations/contacts/companies/batch/create");
    assert_eq!(
        sent(&call),
        json!({"inputs": [{"from": {"id": "901"}, "to": {"id": "5501"},
            "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}]}]})
    );
    let archive = BatchArchive {
        direction: direction(),
        inputs: vec![ArchiveInput { from: RecordId(1), to: vec![RecordId(2), RecordId(3)] }],
    };
    assert_eq!(
        sent(&archive.call(ApiVersion::V4)),
        json!({"inputs": [{"from": {"id": "1"}, "to": [{"id": "2"}, {"id": "3"}]}]})
    );
}

#[test]
fn single_calls_cost_like_any_other() {
    let put = Put { direction: direction(), pair: PAIR, types: vec![PRIMARY] }.call(ApiVersion::V4);
    assert_eq!(put.path, "/crm/v4/objects/contacts/901/associations/companies/5501");
    assert_eq!(put.cost, CostClass::Ordinary);
    let default = Put { direction: direction(), pair: PAIR, types: Vec::new() }.call(ApiVersion::default());
    assert_eq!(default.path, "/crm/objects/2026-03/contacts/901/associations/default/companies/5501");
    let list = ListOf { direction: direction(), from: RecordId(901), limit: 500, after: None };
    assert_eq!(list.call(ApiVersion::V4).target(), "/crm/v4/objects/contacts/901/associations/companies?limit=500");
}

#[test]
fn an_archive_answers_with_or_without_a_body() {
    let archive = BatchArchive { direction: direction(), inputs: Vec::new() };
    for (status, body) in [(204, ""), (200, r#"{"status":"COMPLETE","results":[]}"#)] {
        assert_eq!(archive.decode(&answer(status, body)).expect("a success").errors.len(), 0);
    }
}

#[test]
fn both_directions_of_a_default_association_are_read() {
    let text = r#"{"status":"COMPLETE","results":[
        {"from":{"id":"901"},"to":{"id":"5501"},"associationSpec":{"associationCategory":"HUBSPOT_DEFINED",
         "associationTypeId":279}},
        {"fromObjectTypeId":"0-2","fromObjectId":5501,"toObjectTypeId":"0-1","toObjectId":"901","labels":[null]}]}"#;
    let associate = BatchAssociate { direction: direction(), pairs: vec![PAIR] };
    let outcome = associate.decode(&answer(200, text)).expect("a success");
    assert_eq!(outcome.results[0].from_object_id, outcome.results[1].to_object_id);
    assert!(outcome.results[1].labels.is_empty());
}

#[test]
fn a_record_without_associations_is_empty_and_no_error() {
    let Some(text) = recording("amp-labs_connectors/search__contacts__contacts-to-companies.json") else { return };
    let read = BatchRead { direction: direction(), inputs: vec![ReadInput::first(RecordId(501))] };
    let outcome = read.decode(&answer(207, &text)).expect("a 207");
    assert_eq!(outcome.results[0].from, RecordId(501));
    assert_eq!(outcome.results[0].to[0].to_object_id, RecordId(29_022_297_485));
    assert!(outcome.results[0].to[0].is_primary());
    assert_eq!((outcome.empty, outcome.errors.len()), (vec![RecordId(103_107_104_018)], 0));
}

#[test]
fn recorded_associations_and_their_errors_are_read() {
    let Some(good) = recording("amp-labs_connectors/assoc__contact-to-company-resp.json") else { return };
    let Some(bad) = recording("amp-labs_connectors/assoc__err-contact-to-contact.json") else { return };
    let create = BatchCreate { direction: direction(), inputs: Vec::new() };
    let outcome = create.decode(&answer(200, &good)).expect("a success");
    assert_eq!(outcome.results[1].to_object_id, RecordId(18_417_469_260));
    let outcome = create.decode(&answer(207, &bad)).expect("a 207");
    assert_eq!(outcome.num_errors, 2);
    assert_eq!(outcome.errors[0].ids(), ["unknown_id_123456798"]);
    assert_eq!(outcome.errors[1].sub_category, None);
}

#[test]
fn labels_are_types_in_one_direction() {
    let list = ListLabels { direction: direction() };
    let text = r#"{"results":[{"category":"HUBSPOT_DEFINED","typeId":279,"label":null},
        {"category":"USER_DEFINED","typeId":36,"label":"Partner"}]}"#;
    let labels = list.decode(&answer(200, text)).expect("labels");
    assert_eq!(labels[1].association_type().type_id, 36);
    assert_eq!(list.call(ApiVersion::V4).path, "/crm/v4/associations/contacts/companies/labels");
}
