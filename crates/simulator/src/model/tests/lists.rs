//! Lists, their members and their folders.

use serde_json::{Value, json};

use super::Desk;

const DAY_MS: i64 = 86_400_000;

fn make_list(desk: &mut Desk, name: &str, processing: &str) -> String {
    let body = json!({"name": name, "objectTypeId": "0-1", "processingType": processing});
    let (status, made) = desk.post("/crm/v3/lists", &body.to_string());
    assert_eq!(status, 200, "{made}");
    made["list"]["listId"].as_str().unwrap().to_owned()
}

fn put(desk: &mut Desk, target: &str, body: &Value) -> (u16, Value) {
    desk.send("PUT", target, &body.to_string())
}

fn people(desk: &mut Desk, count: usize) -> Vec<String> {
    (0..count).map(|_| desk.make("contacts", "{}")).collect()
}

fn members(desk: &mut Desk, target: &str) -> Vec<String> {
    let (status, page) = desk.get(target);
    assert_eq!(status, 200, "{page}");
    let ids = page["results"].as_array().unwrap().iter().map(|one| one["recordId"].as_str().unwrap().to_owned());
    ids.collect()
}

#[test]
fn a_list_is_made_and_read_on_all_paths_by_id_and_by_name() {
    let mut desk = Desk::new();
    let id = make_list(&mut desk, "Spring sale", "MANUAL");
    let paths = [
        format!("/crm/v3/lists/{id}"),
        format!("/crm/v3/lists/{id}/?includeFilters=true"),
        format!("/crm/lists/2026-03/{id}"),
        format!("/crm/lists/2026-09/{id}/"),
        "/crm/v3/lists/object-type-id/0-1/name/spring%20sale".to_owned(),
    ];
    for path in paths {
        let (status, read) = desk.get(&path);
        assert_eq!(status, 200, "{path}");
        assert_eq!(
            read["list"],
            json!({"listId": id, "listVersion": 1, "createdAt": "2026-11-20T09:15:02.417Z",
                   "updatedAt": "2026-11-20T09:15:02.417Z", "filtersUpdatedAt": "2026-11-20T09:15:02.417Z",
                   "processingStatus": "COMPLETE", "createdById": "9901", "updatedById": "9901",
                   "processingType": "MANUAL", "objectTypeId": "0-1", "name": "Spring sale", "size": 0}),
            "{path}"
        );
    }
    let (_, several) = desk.get(&format!("/crm/v3/lists/?listIds={id}&listIds=999"));
    assert_eq!(several["lists"].as_array().unwrap().len(), 1);
    assert_eq!(desk.get("/crm/v3/lists/object-type-id/0-2/name/Spring%20sale").0, 404);
    assert_eq!(desk.get("/crm/v3/lists/999").1["subCategory"], "ILS.LIST_NOT_FOUND");
}

#[test]
fn a_name_belongs_to_one_list_at_a_time() {
    let mut desk = Desk::new();
    let first = make_list(&mut desk, "Mine", "MANUAL");
    let second = make_list(&mut desk, "Other", "SNAPSHOT");
    let body = json!({"name": "mine", "objectTypeId": "0-2", "processingType": "MANUAL"}).to_string();
    let (status, refusal) = desk.post("/crm/v3/lists", &body);
    assert_eq!((status, &refusal["category"]), (400, &json!("VALIDATION_ERROR")));
    assert_eq!(refusal["subCategory"], "ILS.DUPLICATE_LIST_NAMES");
    let rename = |id: &str, name: &str| format!("/crm/v3/lists/{id}/update-list-name?listName={name}");
    assert_eq!(desk.send("PUT", &rename(&second, "MINE"), "").1["subCategory"], "ILS.DUPLICATE_LIST_NAMES");
    desk.now += 1_000;
    let (status, renamed) = desk.send("PUT", &rename(&second, "Third"), "");
    assert_eq!((status, &renamed["updatedList"]["listVersion"]), (200, &json!(2)));
    assert_eq!(renamed["updatedList"]["updatedAt"], "2026-11-20T09:15:03.417Z");
    assert_eq!(desk.send("DELETE", &format!("/crm/v3/lists/{first}"), "").0, 204);
    assert_eq!(desk.send("PUT", &rename(&second, "Mine"), "").0, 200, "the name of a deleted list is free");
    let restored = desk.send("PUT", &format!("/crm/v3/lists/{first}/restore"), "");
    assert_eq!(restored.1["subCategory"], "ILS.DUPLICATE_LIST_NAMES");
}

#[test]
fn a_deleted_list_comes_back_with_its_members_for_ninety_days() {
    let mut desk = Desk::new();
    let ada = desk.make("contacts", "{}");
    let (kept, lost) = (make_list(&mut desk, "Kept", "MANUAL"), make_list(&mut desk, "Lost", "MANUAL"));
    put(&mut desk, &format!("/crm/v3/lists/{kept}/memberships/add"), &json!([ada]));
    for id in [&kept, &lost] {
        assert_eq!(desk.send("DELETE", &format!("/crm/lists/2026-03/{id}"), "").0, 204);
        assert_eq!(desk.get(&format!("/crm/v3/lists/{id}")).0, 404);
    }
    desk.now += 90 * DAY_MS - 1;
    assert_eq!(desk.send("PUT", &format!("/crm/v3/lists/{kept}/restore"), "").0, 204);
    assert_eq!(members(&mut desk, &format!("/crm/v3/lists/{kept}/memberships")), [ada]);
    desk.now += 1;
    assert_eq!(desk.send("PUT", &format!("/crm/v3/lists/{lost}/restore"), "").0, 404);
}

#[test]
fn a_list_that_would_fill_itself_is_refused() {
    let mut desk = Desk::new();
    let filters = json!({"filterBranchType": "OR", "filterBranches": [], "filters": []});
    let cases = [
        json!({"name": "A", "objectTypeId": "0-1", "processingType": "DYNAMIC", "filterBranch": filters}),
        json!({"name": "A", "objectTypeId": "0-1", "processingType": "SNAPSHOT", "filterBranch": filters}),
        json!({"name": "A", "objectTypeId": "0-1", "processingType": "MANUAL", "filterBranch": filters}),
        json!({"name": "A", "objectTypeId": "0-1", "processingType": "STATIC"}),
        json!({"name": " ", "objectTypeId": "0-1", "processingType": "MANUAL"}),
        json!({"name": "A", "objectTypeId": "contacts", "processingType": "MANUAL"}),
        json!({"name": "A", "objectTypeId": "0-1"}),
    ];
    for body in cases {
        assert_eq!(desk.post("/crm/v3/lists", &body.to_string()).0, 400, "{body}");
    }
    let (_, found) = desk.post("/crm/v3/lists/search", "{}");
    assert_eq!(found["total"], 0);
    let list = make_list(&mut desk, "Plain", "MANUAL");
    let target = format!("/crm/v3/lists/{list}/update-list-filters");
    assert_eq!(put(&mut desk, &target, &json!({"filterBranch": filters})).0, 400);
}

#[test]
fn members_are_added_and_removed_and_unknown_records_are_named() {
    let mut desk = Desk::new();
    let ids = people(&mut desk, 3);
    let company = desk.make("companies", r#"{"name":"X"}"#);
    let list = make_list(&mut desk, "Some", "MANUAL");
    let target = |verb: &str| format!("/crm/v3/lists/{list}/memberships/{verb}");
    let (status, changed) = put(&mut desk, &target("add"), &json!([ids[0], ids[1], company, "99", "x"]));
    assert_eq!(status, 200);
    assert_eq!(changed["recordsIdsAdded"], json!([ids[0], ids[1]]), "{changed}");
    let mut missing = [company.as_str(), "99", "x"];
    missing.sort_unstable();
    assert_eq!(changed["recordIdsMissing"], json!(missing));
    assert_eq!(put(&mut desk, &target("add"), &json!([ids[0]])).1["recordsIdsAdded"], json!([]));
    let both = json!({"recordIdsToAdd": [ids[2]], "recordIdsToRemove": [ids[0]]});
    let (_, changed) = put(&mut desk, &target("add-and-remove"), &both);
    assert_eq!(changed, json!({"recordsIdsAdded": [ids[2]], "recordIdsRemoved": [ids[0]], "recordIdsMissing": []}));
    assert_eq!(put(&mut desk, &target("remove"), &json!([ids[1]])).1["recordIdsRemoved"], json!([ids[1]]));
    let clash = json!({"recordIdsToAdd": [ids[0]], "recordIdsToRemove": [ids[0]]});
    assert_eq!(put(&mut desk, &target("add-and-remove"), &clash).0, 400);
    assert_eq!(put(&mut desk, &target("add"), &json!({"ids": []})).0, 400);
    assert_eq!(members(&mut desk, &format!("/crm/v3/lists/{list}/memberships")), [ids[2].clone()]);
    assert_eq!(desk.get(&format!("/crm/v3/lists/{list}")).1["list"]["size"], 1);
}

#[test]
fn members_are_paged_by_id_and_by_the_order_of_joining() {
    let mut desk = Desk::new();
    let ids = people(&mut desk, 5);
    let list = make_list(&mut desk, "Five", "MANUAL");
    for id in ids.iter().rev() {
        desk.now += 1_000;
        put(&mut desk, &format!("/crm/v3/lists/{list}/memberships/add"), &json!([id]));
    }
    let base = format!("/crm/v3/lists/{list}/memberships");
    let mut walked = Vec::new();
    let mut target = format!("{base}?limit=2");
    loop {
        let (_, page) = desk.get(&target);
        assert_eq!(page["total"], 5);
        walked
            .extend(page["results"].as_array().unwrap().iter().map(|one| one["recordId"].as_str().unwrap().to_owned()));
        let Some(link) = page["paging"]["next"]["link"].as_str() else { break };
        assert!(link.contains("limit=2"));
        target = link.trim_start_matches("https://api.hubapi.com").to_owned();
    }
    assert_eq!(walked, ids);
    let joined: Vec<String> = ids.iter().rev().cloned().collect();
    assert_eq!(members(&mut desk, &format!("{base}/join-order")), joined);
    let (_, page) = desk.get(&format!("{base}/join-order?limit=2"));
    let after = page["paging"]["next"]["after"].as_str().unwrap().to_owned();
    assert_eq!(members(&mut desk, &format!("{base}/join-order?limit=2&after={after}")), joined[2..4]);
    let downwards: Vec<String> = ids[..4].iter().rev().cloned().collect();
    assert_eq!(members(&mut desk, &format!("{base}?before={}", ids[4])), downwards);
    assert_eq!(members(&mut desk, &format!("{base}?before={}&after={}", ids[4], ids[3])), ids[4..]);
    assert_eq!(desk.get(&format!("{base}?limit=250")).0, 200);
    assert_eq!(desk.get(&format!("{base}?limit=251")).0, 400);
    assert_eq!(desk.get(&format!("{base}?after=x")).0, 400);
}

#[test]
fn a_list_takes_the_members_of_another_and_is_emptied_at_once() {
    let mut desk = Desk::new();
    let ids = people(&mut desk, 2);
    let (source, target) = (make_list(&mut desk, "From", "SNAPSHOT"), make_list(&mut desk, "To", "MANUAL"));
    put(&mut desk, &format!("/crm/v3/lists/{source}/memberships/add"), &json!(ids));
    let copy = format!("/crm/v3/lists/{target}/memberships/add-from/{source}");
    assert_eq!(desk.send("PUT", &copy, "").0, 204);
    assert_eq!(members(&mut desk, &format!("/crm/v3/lists/{target}/memberships")), ids);
    assert_eq!(desk.send("DELETE", &format!("/crm/v3/lists/{source}/memberships"), "").0, 204);
    assert_eq!(desk.get(&format!("/crm/v3/lists/{source}/memberships")).1, json!({"total": 0, "results": []}));
    assert_eq!(members(&mut desk, &format!("/crm/v3/lists/{target}/memberships")).len(), 2);
    let companies = json!({"name": "Firms", "objectTypeId": "0-2", "processingType": "MANUAL"}).to_string();
    let (_, made) = desk.post("/crm/v3/lists", &companies);
    let firms = made["list"]["listId"].as_str().unwrap();
    assert_eq!(desk.send("PUT", &format!("/crm/v3/lists/{firms}/memberships/add-from/{target}"), "").0, 400);
}

#[test]
fn archived_records_leave_their_lists_and_merged_ones_pass_their_place_on() {
    let mut desk = Desk::new();
    let ids = people(&mut desk, 3);
    let list = make_list(&mut desk, "Living", "MANUAL");
    let target = format!("/crm/v3/lists/{list}/memberships");
    put(&mut desk, &format!("{target}/add"), &json!(ids));
    desk.send("DELETE", &format!("/crm/v3/objects/contacts/{}", ids[0]), "");
    assert_eq!(members(&mut desk, &target), ids[1..]);
    let merge = json!({"primaryObjectId": ids[1], "objectIdToMerge": ids[2]}).to_string();
    let (_, survivor) = desk.post("/crm/v3/objects/contacts/merge", &merge);
    let survivor = survivor["id"].as_str().unwrap().to_owned();
    assert_eq!(members(&mut desk, &target), [survivor]);
    let (_, found) = desk.post("/crm/v3/lists/search", "{}");
    assert_eq!(found["lists"][0]["additionalProperties"]["hs_list_size"], "1");
}

#[test]
fn a_record_knows_its_lists_alone_and_in_a_batch() {
    let mut desk = Desk::new();
    let ada = desk.make("contacts", "{}");
    let (first, second) = (make_list(&mut desk, "A", "MANUAL"), make_list(&mut desk, "B", "MANUAL"));
    for id in [&first, &second] {
        put(&mut desk, &format!("/crm/v3/lists/{id}/memberships/add"), &json!([ada]));
    }
    desk.send("DELETE", &format!("/crm/v3/lists/{second}"), "");
    let own = json!({"listId": first, "listVersion": 1, "firstAddedTimestamp": "2026-11-20T09:15:02.417Z",
                     "lastAddedTimestamp": "2026-11-20T09:15:02.417Z", "isPublicList": true});
    let (_, found) = desk.get(&format!("/crm/lists/2026-03/records/0-1/{ada}/memberships"));
    assert_eq!(found, json!({"total": 1, "results": [own]}));
    assert_eq!(desk.get("/crm/v3/lists/records/0-1/99/memberships").0, 404);
    let inputs =
        json!({"inputs": [{"objectTypeId": "0-1", "recordId": ada}, {"objectTypeId": "0-1", "recordId": "99"}]});
    let (status, batch) = desk.post("/crm/v3/lists/records/memberships/batch/read", &inputs.to_string());
    assert_eq!((status, &batch["numErrors"]), (207, &json!(1)));
    assert_eq!(batch["results"][0]["recordListMemberships"], json!([own]));
    assert_eq!(batch["errors"][0]["context"]["recordId"], json!(["99"]));
}

#[test]
fn a_search_of_lists_pages_by_offset_and_shows_extras_as_text() {
    let mut desk = Desk::new();
    for name in ["Spring one", "Spring two", "Summer"] {
        make_list(&mut desk, name, "MANUAL");
    }
    make_list(&mut desk, "Spring old", "SNAPSHOT");
    let ada = desk.make("contacts", "{}");
    put(&mut desk, "/crm/v3/lists/1/memberships/add", &json!([ada]));
    let (status, page) = desk.post("/crm/v3/lists/search/", r#"{"query":"spring","count":2,"offset":0}"#);
    assert_eq!(status, 200);
    assert_eq!((&page["offset"], &page["hasMore"], &page["total"]), (&json!(2), &json!(true), &json!(3)));
    let first = &page["lists"][0];
    assert_eq!(
        first["additionalProperties"],
        json!({"hs_list_size": "1", "hs_list_reference_count": "0", "hs_last_record_added_at": desk.now.to_string()})
    );
    assert!(first.get("size").is_none(), "{first}");
    let (_, rest) = desk.post("/crm/v3/lists/search", r#"{"query":"spring","count":1000,"offset":2}"#);
    assert_eq!((&rest["offset"], &rest["hasMore"]), (&json!(3), &json!(false)));
    let count = |desk: &mut Desk, body: &str| desk.post("/crm/lists/2026-03/search", body).1["total"].clone();
    assert_eq!(count(&mut desk, r#"{"processingTypes":["SNAPSHOT"]}"#), 1);
    assert_eq!(count(&mut desk, r#"{"listIds":["2","3"]}"#), 2);
    assert_eq!(count(&mut desk, r#"{"objectTypeId":"0-2"}"#), 0);
    assert_eq!(count(&mut desk, r#"{"processingTypes":["MANUAL","DYNAMIC"],"listIds":[]}"#), 3);
    assert_eq!(desk.post("/crm/v3/lists/search", r#"{"processingTypes":["STATIC"]}"#).0, 400);
}

#[test]
fn a_search_of_lists_gives_at_most_five_hundred() {
    let mut desk = Desk::new();
    for n in 0..501 {
        make_list(&mut desk, &format!("L{n}"), "MANUAL");
    }
    let (_, page) = desk.post("/crm/v3/lists/search", r#"{"count":1000}"#);
    assert_eq!(page["lists"].as_array().unwrap().len(), 500);
    assert_eq!((&page["offset"], &page["hasMore"]), (&json!(500), &json!(true)));
    assert_eq!(desk.post("/crm/v3/lists/search", "{}").1["offset"], 20);
}

#[test]
fn folders_hold_lists_and_folders_and_are_deleted_empty() {
    let mut desk = Desk::new();
    let folder = |desk: &mut Desk, name: &str, parent: &str| {
        let body = json!({"name": name, "parentFolderId": parent}).to_string();
        let (status, made) = desk.post("/crm/v3/lists/folders", &body);
        assert_eq!(status, 200, "{made}");
        made["folder"]["id"].as_str().unwrap().to_owned()
    };
    let outer = folder(&mut desk, "Outer", "0");
    let inner = folder(&mut desk, "Inner", &outer);
    let list = make_list(&mut desk, "Filed", "MANUAL");
    let moved = json!({"listId": list, "newFolderId": inner});
    assert_eq!(put(&mut desk, "/crm/lists/2026-03/folders/move-list", &moved).0, 204);
    let (_, root) = desk.get("/crm/v3/lists/folders");
    assert_eq!(root["folder"]["childNodes"][0]["childNodes"][0]["childLists"], json!([1]));
    let (_, found) = desk.post("/crm/v3/lists/search", "{}");
    assert_eq!(found["lists"][0]["additionalProperties"]["hs_folder_name"], "Inner");
    assert_eq!(desk.send("DELETE", &format!("/crm/v3/lists/folders/{inner}"), "").0, 400, "it holds a list");
    assert_eq!(desk.send("PUT", &format!("/crm/v3/lists/folders/{outer}/move/{inner}"), "").0, 400, "into itself");
    let (_, renamed) = desk.send("PUT", &format!("/crm/v3/lists/folders/{inner}/rename?newFolderName=Deep"), "");
    assert_eq!(renamed["folder"]["name"], "Deep");
    let (_, lifted) = desk.send("PUT", &format!("/crm/v3/lists/folders/{inner}/move/0"), "");
    assert_eq!(lifted["folder"]["parentFolderId"], "0");
    assert_eq!(desk.send("DELETE", &format!("/crm/v3/lists/folders/{outer}"), "").0, 204);
    assert_eq!(desk.get(&format!("/crm/v3/lists/folders?folderId={outer}")).0, 404);
}

#[test]
fn no_more_than_ten_folders_stand_inside_each_other() {
    let mut desk = Desk::new();
    let mut parent = "0".to_owned();
    let mut statuses = Vec::new();
    for _ in 0..11 {
        let body = json!({"name": "F", "parentFolderId": parent}).to_string();
        let (status, made) = desk.post("/crm/v3/lists/folders", &body);
        statuses.push(status);
        parent = made["folder"]["id"].as_str().unwrap_or_default().to_owned();
    }
    assert_eq!(statuses[..10], [200; 10]);
    assert_eq!(statuses[10], 400);
    desk.post("/crm/v3/lists/folders", r#"{"name":"Apart"}"#);
    let (_, apart) = desk.get("/crm/v3/lists/folders?folderId=11");
    assert_eq!(apart["folder"]["name"], "Apart");
    assert_eq!(desk.send("PUT", "/crm/v3/lists/folders/1/move/11", "").0, 400, "ten folders under one more");
}

#[test]
fn lists_survive_when_all_records_are_cleared() {
    let mut desk = Desk::new();
    let ada = desk.make("contacts", "{}");
    let list = make_list(&mut desk, "Stays", "MANUAL");
    put(&mut desk, &format!("/crm/v3/lists/{list}/memberships/add"), &json!([ada]));
    desk.portal.clear_records();
    assert_eq!(desk.get(&format!("/crm/v3/lists/{list}")).1["list"]["size"], 0);
}

#[test]
fn no_list_has_an_id_of_the_first_version() {
    let mut desk = Desk::new();
    make_list(&mut desk, "New", "MANUAL");
    assert_eq!(desk.get("/crm/v3/lists/idmapping?legacyListId=1").0, 404);
    let (status, body) = desk.post("/crm/v3/lists/idmapping", r#"["1",2]"#);
    assert_eq!(status, 200);
    assert_eq!(body, json!({"missingLegacyListIds": ["1", "2"], "legacyListIdsToIdsMapping": []}));
}

#[test]
fn other_methods_and_other_paths_of_lists_get_pages() {
    let mut desk = Desk::new();
    make_list(&mut desk, "A", "MANUAL");
    for (method, path, status) in [
        ("PATCH", "/crm/v3/lists/1", 405),
        ("GET", "/crm/v3/lists/1/memberships/add", 405),
        ("GET", "/crm/v3/lists/search", 400),
        ("GET", "/crm/v3/lists/1/schedule-conversion", 404),
        ("GET", "/crm/lists/2027-03/1", 404),
        ("GET", "/crm/v3/lists/abc", 400),
    ] {
        assert_eq!(desk.send(method, path, "").0, status, "{method} {path}");
    }
}
