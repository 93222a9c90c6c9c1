//! Every operation of a batch has exactly one ending, whatever HubSpot answers.

use linchpin_hubspot::id::{ObjectType, RecordId};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::sync::desired::{DesiredValue, EntryName, RowId, SourceKey};
use crate::sync::operation::OperationId;
use crate::sync::plan::pack_key;
use crate::sync::run::RunId;

struct LowerCase;

impl Surroundings for LowerCase {
    fn canonical(&self, _property: &str, value: &str) -> String {
        value.to_lowercase()
    }

    fn record_of(&self, _row: &RowId) -> Option<RecordId> {
        None
    }
}

fn operation(seq: u64, action: Action) -> Operation {
    let object_type = ObjectType::new("contacts");
    Operation {
        id: OperationId { run: RunId(9), seq },
        row: RowId { entry: EntryName("users".into()), key: SourceKey(seq.to_string()) },
        pack: pack_key(&object_type, &action),
        object_type,
        stage: 0,
        action,
    }
}

fn properties(seq: u64) -> BTreeMap<String, DesiredValue> {
    BTreeMap::from([("key".to_owned(), DesiredValue::Text(format!("K{seq}")))])
}

fn upsert(seq: u64) -> Operation {
    let action = Action::Upsert { id_property: "key".into(), id_value: format!("K{seq}"), properties: properties(seq) };
    operation(seq, action)
}

fn create(seq: u64) -> Operation {
    operation(seq, Action::Create { properties: properties(seq), content: vec!["key".into()] })
}

fn update(seq: u64) -> Operation {
    operation(seq, Action::Update { record: RecordId(100 + seq), properties: properties(seq) })
}

/// A batch that owns what `Tried` borrows.
struct Batch(Vec<(Operation, u32, BTreeMap<String, String>)>);

impl Batch {
    fn of(operations: Vec<Operation>) -> Self {
        let sent = |operation: &Operation| BTreeMap::from([("key".to_owned(), format!("K{}", operation.id.seq))]);
        Self(operations.into_iter().map(|operation| (operation.clone(), 1, sent(&operation))).collect())
    }

    fn tried(&self) -> Vec<Tried<'_>> {
        self.0.iter().map(|(operation, attempts, sent)| Tried { operation, attempts: *attempts, sent }).collect()
    }

    fn settle(&self, brought: Brought<BatchOutcome>) -> Vec<Ended> {
        settle_records(&self.tried(), brought, &LowerCase, Wall(0))
    }
}

fn answer(body: Value) -> Brought<BatchOutcome> {
    Brought::Answer(serde_json::from_value(body).expect("the body has the shape of a batch"))
}

fn result(id: u64, key: &str) -> Value {
    json!({"id": id.to_string(), "properties": {"key": key}, "archived": false})
}

fn record_of(ended: &Ended) -> Option<u64> {
    match ended {
        Ended::Done { link: Some(link), .. } => Some(link.record.0),
        _ => None,
    }
}

#[test]
fn results_in_any_order_find_their_operations_by_unique_value_whatever_its_case() {
    let batch = Batch::of(vec![upsert(1), upsert(2)]);
    let ended = batch.settle(answer(json!({"results": [result(52, "k2"), result(51, "k1")]})));
    assert_eq!(ended.iter().map(record_of).collect::<Vec<_>>(), [Some(51), Some(52)]);
}

#[test]
fn the_agreed_base_is_the_answer_beside_what_was_sent() {
    let batch = Batch::of(vec![upsert(1)]);
    let ended = batch.settle(answer(json!({"results": [result(51, "k1")]})));
    let Some(Ended::Done { link: Some(link), .. }) = ended.first() else { panic!("it is done: {ended:?}") };
    let expected = Agreed { answered: Some("k1".into()), sent: Some("K1".into()) };
    assert_eq!(link.base.get("key"), Some(&expected));
}

#[test]
fn creations_without_trace_ids_are_told_apart_by_content_and_twins_take_one_each() {
    let mut twins = vec![create(1), create(1), create(2)];
    twins[1].id.seq = 7;
    let batch = Batch::of(twins);
    let mut batch = batch;
    batch.0[1].2 = BTreeMap::from([("key".to_owned(), "K1".to_owned())]);
    let body = json!({"results": [result(53, "K2"), result(51, "K1"), result(52, "K1")]});
    let records: Vec<_> = batch.settle(answer(body)).iter().map(record_of).collect();
    assert_eq!(records, [Some(51), Some(52), Some(53)]);
}

#[test]
fn an_error_that_names_its_input_rejects_it_and_the_rest_is_done() {
    let batch = Batch::of(vec![upsert(1), upsert(2)]);
    let trace = trace_id(&batch.0[1].0);
    let error = json!({"status": "error", "category": "VALIDATION_ERROR", "message": "Property values were not valid",
        "context": {"objectWriteTraceId": [trace]}});
    let ended = batch.settle(answer(json!({"results": [result(51, "K1")], "numErrors": 1, "errors": [error]})));
    assert_eq!(record_of(&ended[0]), Some(51));
    assert!(matches!(&ended[1], Ended::Rejected(rejection) if rejection.code == reason::REFUSED));
}

#[test]
fn missing_records_of_an_update_are_asked_for_alone_for_they_may_have_been_merged() {
    let batch = Batch::of(vec![update(1), update(2)]);
    let error = json!({"status": "error", "category": "OBJECT_NOT_FOUND", "message": "Could not get some CONTACT objects",
        "context": {"ids": ["102"]}});
    let ended = batch.settle(answer(json!({"results": [result(101, "K1")], "errors": [error]})));
    assert!(matches!(&ended[1], Ended::Again { pack, .. } if is_alone(pack)));
    let gone = HubSpotError::from_body(404, br#"{"status":"error","message":"resource not found"}"#);
    let alone = Batch::of(vec![update(2)]).settle(Brought::Refused(Box::new(gone)));
    assert!(matches!(&alone[0], Ended::Rejected(rejection) if rejection.code == reason::RECORD_GONE));
}

#[test]
fn a_success_without_results_is_no_success() {
    let batch = Batch::of(vec![upsert(1), update(2), create(3)]);
    let ended = batch.settle(answer(json!({"status": "COMPLETE", "results": []})));
    assert!(matches!(&ended[0], Ended::Again { pack, pack_max: 1, .. } if is_alone(pack)));
    assert!(matches!(&ended[1], Ended::Again { pack, pack_max: 1, .. } if is_alone(pack)));
    assert_eq!(ended[2], Ended::Unknown);
}

#[test]
fn a_lost_answer_repeats_the_harmless_and_doubts_the_creations() {
    let batch = Batch::of(vec![upsert(1), create(2)]);
    let ended = batch.settle(Brought::Lost("connection closed".into()));
    assert!(matches!(&ended[0], Ended::Again { .. }));
    assert_eq!(ended[1], Ended::Unknown);
}

#[test]
fn a_refused_batch_is_halved_until_the_bad_row_stands_alone() {
    let error =
        HubSpotError::from_body(409, br#"{"status":"error","message":"Contact already exists","category":"CONFLICT"}"#);
    // The queue's part, played here: operations with equal pack keys come back together.
    let mut groups: Vec<Vec<Operation>> = vec![(0..100).map(upsert).collect()];
    let (mut calls, mut rejected, mut done) = (0, Vec::new(), 0);
    while let Some(group) = groups.pop() {
        calls += 1;
        let batch = Batch::of(group);
        if !batch.0.iter().any(|(operation, ..)| operation.id.seq == 37) {
            done += batch.0.len();
            continue;
        }
        let mut halves: BTreeMap<String, Vec<Operation>> = BTreeMap::new();
        for ((operation, ..), ended) in batch.0.iter().zip(batch.settle(Brought::Refused(Box::new(error.clone())))) {
            match ended {
                Ended::Rejected(rejection) => rejected.push((operation.id.seq, rejection.code)),
                Ended::Again { pack, pack_max, .. } => {
                    let half = halves.entry(pack.clone()).or_default();
                    half.push(Operation { pack, ..operation.clone() });
                    assert!(half.len() <= usize::from(pack_max));
                }
                other => panic!("neither rejected nor again: {other:?}"),
            }
        }
        groups.extend(halves.into_values());
    }
    assert_eq!((rejected, done), (vec![(37, reason::CONFLICT.to_owned())], 99));
    assert!(calls <= 15, "{calls} calls");
}

#[test]
fn a_creation_in_doubt_is_narrowed_only_when_answers_keep_being_lost() {
    let operation = create(1);
    let company = |attempts, blamed| match create_again(&operation, attempts, blamed, Wall(0)) {
        Ended::Again { pack_max, pack, counts, .. } => {
            assert_eq!((pack, counts), ("create contacts".to_owned(), blamed));
            Some(pack_max)
        }
        _ => None,
    };
    assert_eq!([1, 2, 3, 9].map(|attempts| company(attempts, true)), [Some(100), Some(50), Some(25), Some(1)]);
    assert_eq!(company(ATTEMPTS_MAX, true), None);
    assert_eq!(company(ATTEMPTS_MAX, false), Some(100));
}

#[test]
fn an_operation_that_has_had_its_attempts_is_rejected() {
    let mut batch = Batch::of(vec![upsert(1)]);
    batch.0[0].1 = ATTEMPTS_MAX;
    let ended = batch.settle(Brought::Lost("timeout".into()));
    assert!(matches!(&ended[0], Ended::Rejected(rejection) if rejection.code == reason::GAVE_UP));
}

proptest! {
    /// Whatever subset HubSpot answers, in whatever order, with or without trace ids: no operation takes another's
    /// record, and none that was answered is left open.
    #[test]
    fn each_operation_gets_its_own_result_or_stays_open(
        answered in proptest::collection::btree_set(0u64..20, 0..20),
        shuffle in any::<u64>(),
        traced in any::<bool>(),
        kind in 0u8..3,
    ) {
        let make = [upsert, create, update][usize::from(kind)];
        let batch = Batch::of((0..20).map(make).collect());
        let mut results: Vec<Value> = answered
            .iter()
            .map(|seq| {
                let mut body = result(100 + seq, &format!("k{seq}"));
                if traced {
                    body["objectWriteTraceId"] = json!(trace_id(&make(*seq)));
                }
                body
            })
            .collect();
        let count = results.len().max(1);
        results.rotate_left(usize::try_from(shuffle % count as u64).unwrap_or(0));
        let ended = batch.settle(answer(json!({"results": results})));
        prop_assert_eq!(ended.len(), 20);
        for (seq, ended) in (0u64..).zip(&ended) {
            let expected = answered.contains(&seq).then_some(100 + seq);
            prop_assert_eq!(record_of(ended), expected);
        }
    }
}

#[test]
fn an_update_keeps_what_was_agreed_about_the_properties_that_it_left_alone() {
    let agreed = |text: &str| Agreed { answered: Some(text.to_owned()), sent: None };
    let link = |seq: u64, base: &[(&str, &str)]| Link {
        row: update(seq).row,
        object_type: ObjectType::new("contacts"),
        record: RecordId(100 + seq),
        base: base.iter().map(|(name, text)| ((*name).to_owned(), agreed(text))).collect(),
    };
    let done = |link: Link| Ended::Done { link: Some(link), association: None, created: None };
    let mut ended = vec![done(link(1, &[("key", "new")])), Ended::Unknown, done(link(3, &[("key", "k3")]))];
    keep_base(&mut ended, &[link(1, &[("key", "old"), ("city", "Lima")]), link(2, &[("city", "Quito")])]);
    let kept =
        vec![done(link(1, &[("key", "new"), ("city", "Lima")])), Ended::Unknown, done(link(3, &[("key", "k3")]))];
    assert_eq!(ended, kept);
}
