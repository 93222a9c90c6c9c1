//! List calls as they go out, and their answers.

use serde_json::{Value, json};

use super::*;
use crate::call::{Effect, Family};
use crate::id::RecordId;
use crate::testing::answer;

fn sent(call: &Call) -> Value {
    serde_json::from_slice(call.body.as_ref().expect("a body")).expect("JSON")
}

const LIST: &str = r#"{"listId":25,"listVersion":1,"name":"Fleet","objectTypeId":"0-1","processingType":"MANUAL",
    "processingStatus":"COMPLETE","createdAt":"2026-11-20T10:00:00Z","createdById":"991","size":null}"#;

#[test]
fn a_list_is_made_read_renamed_deleted_and_restored() {
    let new = NewList {
        name: "Fleet".to_owned(),
        object_type_id: "0-1".to_owned(),
        processing_type: Processing::Manual,
        filter_branch: None,
    };
    let create = Create { list: new };
    let call = create.call(ApiVersion::V2026_03);
    assert_eq!((call.method.as_str(), call.target().as_str()), ("POST", "/crm/lists/2026-03"));
    assert_eq!(sent(&call), json!({"name": "Fleet", "objectTypeId": "0-1", "processingType": "MANUAL"}));
    assert_eq!((call.family, call.effect), (Family::Lists, Effect::Unsafe));
    let made = create.decode(&answer(200, &format!(r#"{{"list":{LIST}}}"#))).expect("a list");
    assert_eq!((made.id.as_str(), made.size), ("25", None));
    let read = Read { id: "25".to_owned(), filters: true };
    assert_eq!(read.call(ApiVersion::V3).target(), "/crm/v3/lists/25?includeFilters=true");
    let by_name = ReadByName { object_type_id: "0-1".to_owned(), name: "a b/c".to_owned(), filters: false };
    assert_eq!(by_name.call(ApiVersion::V3).target(), "/crm/v3/lists/object-type-id/0-1/name/a%20b%2Fc");
    let many = ReadMany { ids: vec!["1".to_owned(), "2".to_owned()], filters: false };
    assert_eq!(many.call(ApiVersion::V3).target(), "/crm/v3/lists?listIds=1&listIds=2");
    assert_eq!(many.decode(&answer(200, &format!(r#"{{"lists":[{LIST}]}}"#))).expect("lists").len(), 1);
    let rename = Rename { id: "25".to_owned(), name: "Cars & vans".to_owned() };
    let call = rename.call(ApiVersion::V3);
    let target = "/crm/v3/lists/25/update-list-name?listName=Cars%20%26%20vans";
    assert_eq!((call.method.as_str(), call.target().as_str(), call.effect), ("PUT", target, Effect::Idempotent));
    assert!(rename.decode(&answer(200, &format!(r#"{{"updatedList":{LIST}}}"#))).is_ok());
    let refilter = Refilter { id: "25".to_owned(), filter_branch: json!({"filterBranchType": "OR"}), enroll: true };
    let call = refilter.call(ApiVersion::V3);
    assert_eq!(call.target(), "/crm/v3/lists/25/update-list-filters?enrollObjectsInWorkflows=true");
    assert_eq!(sent(&call), json!({"filterBranch": {"filterBranchType": "OR"}}));
    let delete = Delete { id: "25".to_owned() }.call(ApiVersion::V3);
    assert_eq!((delete.method.as_str(), delete.path.as_str()), ("DELETE", "/crm/v3/lists/25"));
    let restore = Restore { id: "25".to_owned() }.call(ApiVersion::V2026_09);
    assert_eq!((restore.method.as_str(), restore.path.as_str()), ("PUT", "/crm/lists/2026-09/25/restore"));
}

#[test]
fn lists_are_searched_by_offset_until_nothing_moves() {
    let search =
        Search { query: Some("fleet".to_owned()), processing_types: vec![Processing::Snapshot], ..Search::default() };
    let call = search.call(ApiVersion::V3);
    assert_eq!((call.path.as_str(), call.effect), ("/crm/v3/lists/search", Effect::Safe));
    assert_eq!(sent(&call), json!({"query": "fleet", "processingTypes": ["SNAPSHOT"], "offset": 0, "count": 500}));
    let text = |more: bool, offset: u64| {
        format!(
            r#"{{"lists":[{{"listId":"1","name":"a","additionalProperties":{{"hs_list_size":"7"}}}}],
            "hasMore":{more},"offset":{offset},"total":9}}"#
        )
    };
    let page = search.decode(&answer(200, &text(true, 1))).expect("a page");
    assert_eq!((page.next, page.total), (Some(1), Some(9)));
    assert_eq!(page.lists[0].additional_properties["hs_list_size"].as_deref(), Some("7"));
    assert_eq!(search.decode(&answer(200, &text(false, 1))).expect("the last page").next, None);
    assert_eq!(search.decode(&answer(200, &text(true, 0))).expect("an offset that stays").next, None);
    assert!(Search { count: 501, ..Search::default() }.check().is_err());
}

#[test]
fn members_come_and_go_by_the_path_that_fits() {
    let change = |add: &[u64], remove: &[u64]| ChangeMembers {
        id: "25".to_owned(),
        add: add.iter().copied().map(RecordId).collect(),
        remove: remove.iter().copied().map(RecordId).collect(),
    };
    let sent_to = |change: &ChangeMembers| {
        let call = change.call(ApiVersion::V3);
        (call.path.clone(), sent(&call), call.effect)
    };
    let base = "/crm/v3/lists/25/memberships";
    assert_eq!(sent_to(&change(&[1, 2], &[])), (format!("{base}/add"), json!(["1", "2"]), Effect::Idempotent));
    assert_eq!(sent_to(&change(&[], &[3])), (format!("{base}/remove"), json!(["3"]), Effect::Idempotent));
    let both = json!({"recordIdsToAdd": ["1"], "recordIdsToRemove": ["3"]});
    assert_eq!(sent_to(&change(&[1], &[3])), (format!("{base}/add-and-remove"), both, Effect::Idempotent));
    let text = r#"{"recordsIdsAdded":["1",2],"recordIdsRemoved":[],"recordIdsMissing":["9"]}"#;
    let changed = change(&[1], &[]).decode(&answer(200, text)).expect("a change");
    assert_eq!(
        (changed.added(), changed.removed(), changed.missing()),
        (vec![RecordId(1), RecordId(2)], vec![], vec![RecordId(9)])
    );
    let from = AddFromList { id: "25".to_owned(), source: "7".to_owned() }.call(ApiVersion::V3);
    assert_eq!((from.method.as_str(), from.path), ("PUT", format!("{base}/add-from/7")));
    let clear = RemoveAllMembers { id: "25".to_owned() }.call(ApiVersion::V3);
    assert_eq!((clear.method.as_str(), clear.path.as_str()), ("DELETE", base));
}

#[test]
fn members_are_paged_and_a_record_knows_its_lists() {
    let members = Members { id: "25".to_owned(), order: Order::Id, limit: 250, after: Some("x".to_owned()) };
    assert_eq!(members.call(ApiVersion::V3).target(), "/crm/v3/lists/25/memberships?limit=250&after=x");
    let joined = Members { order: Order::Joined, limit: 251, ..members.clone() };
    assert_eq!(joined.call(ApiVersion::V3).path, "/crm/v3/lists/25/memberships/join-order");
    assert!(members.check().is_ok() && joined.check().is_err());
    let text = r#"{"results":[{"recordId":"901","membershipTimestamp":"2026-11-20T10:00:00Z"}],"total":1,
        "paging":{"next":{"after":"OTAx"}}}"#;
    let page = members.decode(&answer(200, text)).expect("a page");
    assert_eq!((page.items[0].record_id, page.after.as_deref()), (RecordId(901), Some("OTAx")));
    let of = MembershipsOf { object_type_id: "0-1".to_owned(), record: RecordId(901) };
    assert_eq!(of.call(ApiVersion::V2025_09).target(), "/crm/lists/2025-09/records/0-1/901/memberships");
    let membership = r#"{"listId":"25","listVersion":1,"firstAddedTimestamp":"2026-11-20T10:00:00Z"}"#;
    let lists = of.decode(&answer(200, &format!(r#"{{"results":[{membership}]}}"#))).expect("lists");
    assert_eq!(lists[0].list_id, "25");
    let batch = BatchReadMemberships { records: vec![RecordKey::new("0-1", RecordId(901))] };
    let call = batch.call(ApiVersion::V3);
    assert_eq!((call.path.as_str(), call.effect), ("/crm/v3/lists/records/memberships/batch/read", Effect::Safe));
    assert_eq!(sent(&call), json!({"inputs": [{"objectTypeId": "0-1", "recordId": "901"}]}));
    let text = format!(
        r#"{{"status":"COMPLETE","results":[{{"objectTypeId":"0-1","recordId":901,"recordListMemberships":[{membership}]}}]}}"#
    );
    assert_eq!(batch.decode(&answer(200, &text)).expect("a batch").results[0].memberships.len(), 1);
}
