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

#[test]
fn labels_are_made_renamed_and_removed() {
    let create = CreateLabel {
        direction: direction(),
        name: "partner".to_owned(),
        label: "Partner".to_owned(),
        inverse_label: Some("Partner of".to_owned()),
    };
    let call = create.call(ApiVersion::V2026_03);
    assert_eq!(call.path, "/crm/associations/2026-03/contacts/companies/labels");
    assert_eq!(sent(&call), json!({"name": "partner", "label": "Partner", "inverseLabel": "Partner of"}));
    assert_eq!((call.method.as_str(), call.effect, call.cost), ("POST", Effect::Unsafe, CostClass::AssociationBatch));
    let answered = r#"{"results":[{"category":"USER_DEFINED","typeId":36,"label":"Partner"},
        {"category":"USER_DEFINED","typeId":37,"label":"Partner of"}]}"#;
    assert_eq!(create.decode(&answer(200, answered)).expect("both directions")[1].type_id, 37);
    let update = UpdateLabel { direction: direction(), type_id: 36, label: "Ally".to_owned(), inverse_label: None };
    let call = update.call(ApiVersion::V4);
    assert_eq!((call.method.as_str(), sent(&call)), ("PUT", json!({"associationTypeId": 36, "label": "Ally"})));
    let call = DeleteLabel { direction: direction(), type_id: 36 }.call(ApiVersion::V4);
    assert_eq!(
        (call.method.as_str(), call.path.as_str()),
        ("DELETE", "/crm/v4/associations/contacts/companies/labels/36")
    );
}

#[test]
fn limits_of_associations_are_read_set_and_purged() {
    assert_eq!(ListAllLimits.call(ApiVersion::V4).path, "/crm/associations/v4/definitions/configurations/all");
    let list = ListLimits { direction: direction() };
    let call = list.call(ApiVersion::V2026_03);
    assert_eq!(call.path, "/crm/associations/2026-03/definitions/configurations/contacts/companies");
    assert_eq!((call.cost, call.effect), (CostClass::AssociationBatch, Effect::Safe));
    let text = r#"{"results":[{"category":"HUBSPOT_DEFINED","typeId":279,"label":null,"userEnforcedMaxToObjectIds":5},
        {"category":"HUBSPOT_DEFINED","typeId":1,"label":"Primary","userEnforcedMaxToObjectIds":null}]}"#;
    let limits = list.decode(&answer(200, text)).expect("limits");
    assert_eq!((limits[0].max, limits[1].max), (Some(5), None));
    let limit = NewLimit { category: AssociationCategory::HubspotDefined, type_id: 279, max: 5 };
    let create = CreateLimits { direction: direction(), limits: vec![limit] }.call(ApiVersion::V4);
    assert_eq!(create.path, "/crm/associations/v4/definitions/configurations/contacts/companies/batch/create");
    assert_eq!(sent(&create), json!({"inputs": [{"category": "HUBSPOT_DEFINED", "typeId": 279, "maxToObjectIds": 5}]}));
    let update = UpdateLimits { direction: direction(), limits: vec![limit] }.call(ApiVersion::V4);
    assert!(update.path.ends_with("/batch/update") && update.effect == Effect::Idempotent);
    let kind = LimitedType { category: AssociationCategory::UserDefined, type_id: 36 };
    let purge = PurgeLimits { direction: direction(), types: vec![kind] };
    let call = purge.call(ApiVersion::V2026_09);
    assert!(call.path.ends_with("/contacts/companies/batch/purge") && call.effect == Effect::Idempotent);
    assert_eq!(sent(&call), json!({"inputs": [{"category": "USER_DEFINED", "typeId": 36}]}));
    assert!(purge.decode(&answer(204, "")).is_ok());
}

#[test]
fn the_third_version_names_its_types() {
    let pairs = vec![v3::NamedPair { pair: PAIR, name: "contact_to_company".to_owned() }];
    let create = v3::BatchCreate { direction: direction(), pairs: pairs.clone() };
    let call = create.call(ApiVersion::V2026_03);
    assert_eq!(call.path, "/crm/v3/associations/contacts/companies/batch/create");
    let expected = json!({"inputs": [{"from": {"id": "901"}, "to": {"id": "5501"}, "type": "contact_to_company"}]});
    assert_eq!(sent(&call), expected);
    let made =
        r#"{"status":"COMPLETE","results":[{"from":{"id":"901"},"to":{"id":5501},"type":"contact_to_company"}]}"#;
    assert_eq!(create.decode(&answer(201, made)).expect("a pair").results[0].to, RecordId(5501));
    let archive = v3::BatchArchive { direction: direction(), pairs }.call(ApiVersion::V3);
    assert_eq!(
        (archive.path.as_str(), sent(&archive)),
        ("/crm/v3/associations/contacts/companies/batch/archive", expected)
    );
    let read = v3::BatchRead { direction: direction(), ids: vec![RecordId(901), RecordId(902)] };
    assert_eq!(sent(&read.call(ApiVersion::V3)), json!({"inputs": [{"id": "901"}, {"id": "902"}]}));
    let text = r#"{"status":"COMPLETE","results":[{"from":{"id":"901"},"to":[{"id":"5501","type":"contact_to_company"}]}],
        "errors":[{"status":"error","category":"OBJECT_NOT_FOUND","subCategory":"crm.associations.NO_ASSOCIATIONS_FOUND",
        "message":"No company is associated with contact 902.","context":{"fromObjectId":["902"]}}],"numErrors":1}"#;
    let outcome = read.decode(&answer(207, text)).expect("a 207");
    assert_eq!(
        (outcome.results[0].to[0].id, outcome.empty, outcome.errors.len()),
        (RecordId(5501), vec![RecordId(902)], 0)
    );
    let types = v3::ListTypes { direction: direction() };
    assert_eq!(types.call(ApiVersion::V3).path, "/crm/v3/associations/contacts/companies/types");
    let found = types.decode(&answer(200, r#"{"results":[{"id":"279","name":"contact_to_company"}]}"#)).expect("types");
    assert_eq!((found[0].id.as_str(), found[0].name.as_str()), ("279", "contact_to_company"));
    let put = v3::Put { direction: direction(), pair: PAIR, name: "279".to_owned() }.call(ApiVersion::V3);
    assert_eq!(put.path, "/crm/v3/objects/contacts/901/associations/companies/5501/279");
    let remove = v3::Remove { direction: direction(), pair: PAIR, name: "279".to_owned() }.call(ApiVersion::V3);
    assert_eq!((remove.method.as_str(), remove.path), ("DELETE", put.path));
}

#[test]
fn pages_of_one_record_are_asked_for_one_after_the_other() {
    let next = ReadInput::next(RecordId(901), "b3BhcXVl");
    let read = BatchRead { direction: direction(), inputs: vec![ReadInput::first(RecordId(1)), next] };
    let sent = sent(&read.call(ApiVersion::V4));
    assert_eq!(sent, json!({"inputs": [{"id": "1"}, {"id": "901", "after": "b3BhcXVl"}]}));
    let many = BatchRead { direction: direction(), inputs: vec![ReadInput::first(RecordId(1)); 101] };
    assert_eq!(many.check().map_err(|over| over.max), Err(100));
    let list = ListOf { direction: direction(), from: RecordId(1), limit: 501, after: None };
    assert!(list.check().is_err());
}
