//! The paths from before version 3, and the object types that only clients which read everything ask for.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Desk, NINE};

const PAGED: &str = "/engagements/v1/engagements/paged";
const RECENT: &str = "/engagements/v1/engagements/recent/modified";
const AFTER: &str = "/engagements/v1/engagements/modified/after";

fn names(definitions: &Value) -> Vec<&str> {
    definitions.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect()
}

fn ids(page: &Value, list: &str, name: &str) -> Vec<String> {
    page[list].as_array().unwrap().iter().map(|one| one[name].to_string()).collect()
}

fn engagement_ids(page: &Value) -> Vec<u64> {
    page["results"].as_array().unwrap().iter().map(|one| one["engagement"]["id"].as_u64().unwrap()).collect()
}

/// One engagement of each type, a millisecond apart.
fn one_of_each(desk: &mut Desk) -> Vec<u64> {
    let mut made = Vec::new();
    for object_type in ["notes", "tasks", "meetings", "calls", "emails"] {
        desk.now += 1;
        made.push(desk.make(object_type, &format!("{{\"hs_timestamp\":\"{NINE}\"}}")).parse().unwrap());
    }
    made
}

#[test]
fn legacy_properties_are_a_bare_array_of_every_definition() {
    let mut desk = Desk::new();
    let (_, today) = desk.get("/crm/v3/properties/contacts");
    let (status, plural) = desk.get("/properties/v2/contacts/properties");
    assert_eq!(status, 200);
    assert_eq!(names(&plural), names(&today["results"]));
    assert_eq!(desk.get("/properties/v2/contact/properties").1, plural);
    let email = plural.as_array().unwrap().iter().find(|one| one["name"] == "email").unwrap();
    assert_eq!(email["type"], "string");
    assert_eq!(email["readOnlyDefinition"], true);
    assert_eq!(email["options"], json!([]));
    for (older, same) in [
        ("/companies/v2/properties", "companies"),
        ("/deals/v1/properties", "deals"),
        ("/properties/v1/deals/properties", "deals"),
    ] {
        let (status, found) = desk.get(older);
        assert_eq!((status, found), desk.get(&format!("/properties/v2/{same}/properties")), "{older}");
    }
    assert_eq!(desk.get("/properties/v2/butterflies/properties").0, 400);
}

#[test]
fn forms_have_properties_but_no_records() {
    let mut desk = Desk::new();
    assert!(names(&desk.get("/properties/v2/form/properties").1).contains(&"hs_form_type"));
    assert_eq!(desk.get("/crm/v3/objects/forms").0, 400);
}

#[test]
fn legacy_pipelines_count_time_in_milliseconds() {
    let mut desk = Desk::new();
    desk.post(
        "/crm/v3/pipelines/deals",
        r#"{"label":"Renewals","displayOrder":1,
        "stages":[{"label":"Sent","displayOrder":0,"metadata":{"probability":"0.5"}}]}"#,
    );
    let (status, body) = desk.get("/crm-pipelines/v1/pipelines/deals");
    assert_eq!(status, 200);
    let [first, renewals] = body["results"].as_array().unwrap().as_slice() else { panic!("{body}") };
    assert_eq!(
        (&first["pipelineId"], &first["default"], &first["createdAt"]),
        (&json!("default"), &json!(true), &json!(0))
    );
    assert_eq!((&renewals["default"], &renewals["updatedAt"]), (&json!(false), &json!(NINE)));
    assert_eq!(renewals["stages"][0]["metadata"], json!({"isClosed": "false", "probability": "0.5"}));
    let (_, oldest) = desk.get("/deals/v1/pipelines");
    assert_eq!((&oldest[0]["staticDefault"], &oldest[1]["label"]), (&json!(true), &json!("Renewals")));
    assert_eq!(oldest[0]["stages"][5]["closedWon"], true);
    assert_eq!(desk.get("/crm-pipelines/v1/pipelines/tickets").1["results"][0]["objectTypeId"], "0-5");
}

#[test]
fn companies_and_deals_are_paged_by_the_last_id() {
    let mut desk = Desk::new();
    let made: Vec<String> = (0..3).map(|n| desk.make("companies", &format!("{{\"name\":\"c{n}\"}}"))).collect();
    let (_, page) = desk.get("/companies/v2/companies/paged?limit=2&properties=name&properties=website");
    assert_eq!(ids(&page, "companies", "companyId"), made[..2]);
    assert_eq!((&page["has-more"], page["offset"].to_string()), (&json!(true), made[1].clone()));
    let name = &page["companies"][0]["properties"]["name"];
    assert_eq!((&name["value"], &name["timestamp"]), (&json!("c0"), &json!(NINE)));
    assert!(page["companies"][0]["properties"].get("website").is_none(), "what has no value is left out");
    let (_, rest) = desk.get(&format!("/companies/v2/companies/paged?limit=2&offset={}", made[1]));
    assert_eq!(ids(&rest, "companies", "companyId"), made[2..]);
    assert_eq!((&rest["has-more"], &rest["companies"][0]["properties"]), (&json!(false), &json!({})));
    let deal = desk.make("deals", r#"{"dealname":"d"}"#);
    let (_, deals) =
        desk.get("/deals/v1/deal/paged?limit=500&includeAllProperties=True&allPropertiesFetchMode=latest_version");
    assert_eq!(ids(&deals, "deals", "dealId"), [deal]);
    assert_eq!(deals["deals"][0]["properties"]["dealname"]["value"], "d");
    assert_eq!(deals["hasMore"], false);
}

#[test]
fn a_legacy_value_carries_its_versions_and_instants_are_milliseconds() {
    let mut desk = Desk::new();
    let id = desk.make("companies", r#"{"name":"old"}"#);
    desk.now += 1000;
    desk.send("PATCH", &format!("/crm/v3/objects/companies/{id}"), r#"{"properties":{"name":"new"}}"#);
    let (status, company) = desk.get(&format!("/companies/v2/companies/{id}"));
    assert_eq!((status, company["portalId"].as_u64()), (200, Some(48_151_623)));
    let versions = &company["properties"]["name"]["versions"];
    let values: Vec<&Value> = versions.as_array().unwrap().iter().map(|version| &version["value"]).collect();
    assert_eq!(values, ["new", "old"]);
    assert_eq!((&versions[0]["timestamp"], &versions[0]["source"]), (&json!(NINE + 1000), &json!("INTEGRATION")));
    let modified = &company["properties"]["hs_lastmodifieddate"];
    assert_eq!((&modified["value"], &modified["timestamp"]), (&json!((NINE + 1000).to_string()), &json!(NINE + 1000)));
    assert_eq!(company["properties"]["createdate"]["value"], NINE.to_string());
    assert_eq!(desk.get("/companies/v2/companies/1").0, 404);
    assert_eq!(desk.get("/companies/v2/companies/nobody").0, 404);
}

#[test]
fn deals_say_what_they_are_associated_with_when_they_are_asked() {
    let mut desk = Desk::new();
    let (contact, deal) = (desk.make("contacts", r#"{"email":"a@x.test"}"#), desk.make("deals", r#"{"dealname":"d"}"#));
    let linked = desk.send("PUT", &format!("/crm/v4/objects/deals/{deal}/associations/default/contacts/{contact}"), "");
    assert_eq!(linked.0, 200);
    let (_, asked) = desk.get("/deals/v1/deal/paged?includeAssociations=true");
    assert_eq!(asked["deals"][0]["associations"]["associatedVids"], json!([contact.parse::<u64>().unwrap()]));
    let (_, plain) = desk.get("/deals/v1/deal/paged?includeAssociations=False");
    assert_eq!(plain["deals"][0]["associations"]["associatedVids"], json!([]));
}

#[test]
fn engagements_of_five_types_are_one_list() {
    let mut desk = Desk::new();
    let contact = desk.make("contacts", r#"{"email":"a@x.test"}"#);
    let made = one_of_each(&mut desk);
    let note = made[0];
    desk.send("PUT", &format!("/crm/v4/objects/notes/{note}/associations/default/contacts/{contact}"), "");
    desk.send("PATCH", &format!("/crm/v3/objects/notes/{note}"), r#"{"properties":{"hs_note_body":"Called"}}"#);
    let (mut found, mut offset, mut pages) = (Vec::new(), json!(0), 0);
    loop {
        let (_, page) = desk.get(&format!("{PAGED}?limit=2&offset={offset}"));
        found.extend(engagement_ids(&page));
        (offset, pages) = (page["offset"].clone(), pages + 1);
        if page["hasMore"] != true {
            break;
        }
    }
    assert_eq!(pages, 3);
    assert_eq!(found.len(), 5);
    assert_eq!(found.iter().collect::<BTreeSet<_>>(), made.iter().collect());
    let (_, one) = desk.get(&format!("/engagements/v1/engagements/{note}"));
    assert_eq!((&one["engagement"]["type"], &one["engagement"]["timestamp"]), (&json!("NOTE"), &json!(NINE)));
    assert_eq!(one["metadata"], json!({"body": "Called"}));
    assert_eq!(one["associations"]["contactIds"], json!([contact.parse::<u64>().unwrap()]));
    assert_eq!(desk.get("/engagements/v1/engagements/1").0, 404);
}

#[test]
fn recently_changed_engagements_come_latest_first_with_their_total() {
    let mut desk = Desk::new();
    let made = one_of_each(&mut desk);
    let (_, page) = desk.get(&format!("{RECENT}?count=2"));
    assert_eq!(engagement_ids(&page), [made[4], made[3]]);
    assert_eq!((&page["total"], &page["hasMore"], &page["offset"]), (&json!(5), &json!(true), &json!(2)));
    let (_, since) = desk.get(&format!("{RECENT}?count=250&since={}", NINE + 4));
    assert_eq!(engagement_ids(&since), [made[4], made[3]]);
    assert_eq!(since["hasMore"], false);
    desk.now += 31 * 86_400_000;
    assert_eq!(desk.get(RECENT).1["total"], 0, "thirty days are the most");
}

#[test]
fn a_cursor_of_engagements_goes_on_where_it_ended() {
    let mut desk = Desk::new();
    let made = one_of_each(&mut desk);
    let (_, first) = desk.get(&format!("{AFTER}?limit=3&after={}", NINE + 1));
    assert_eq!(engagement_ids(&first), made[..3]);
    assert_eq!(first["hasMore"], true);
    let (_, second) = desk.get(&format!("{AFTER}?limit=3&after={}", first["after"].as_str().unwrap()));
    assert_eq!(engagement_ids(&second), made[3..]);
    let end = second["after"].as_str().unwrap().to_owned();
    assert_eq!(desk.get(&format!("{AFTER}?after={end}")).1, json!({"results": [], "hasMore": false, "after": end}));
    desk.now += 1;
    desk.send("PATCH", &format!("/crm/v3/objects/tasks/{}", made[1]), r#"{"properties":{"hs_task_subject":"s"}}"#);
    assert_eq!(engagement_ids(&desk.get(&format!("{AFTER}?after={end}")).1), [made[1]]);
    assert_eq!(desk.get(&format!("{AFTER}?after=yesterday")).0, 400);
}

#[test]
fn legacy_paths_are_read_only() {
    let mut desk = Desk::new();
    for path in ["/companies/v2/companies/1", "/deals/v1/deal/1", PAGED, "/properties/v2/contacts/properties"] {
        assert_eq!(desk.send("PUT", path, "{}").0, 405, "{path}");
    }
    for path in ["/companies/v1/companies/paged", "/properties/v3/contacts/properties", "/deals/v1/nothing"] {
        assert_eq!(desk.get(path).0, 404, "{path}");
    }
}

#[test]
fn marketing_mail_of_the_legacy_paths_is_truthfully_empty() {
    let mut desk = Desk::new();
    let table = [
        ("subscriptions", "subscriptionDefinitions"),
        ("subscriptions/timeline", "timeline"),
        ("events", "events"),
        ("campaigns", "campaigns"),
        ("campaigns/by-id", "campaigns"),
    ];
    for (path, list) in table {
        let (status, body) = desk.get(&format!("/email/public/v1/{path}"));
        assert_eq!((status, &body[list]), (200, &json!([])), "{path}");
    }
}

#[test]
fn every_further_type_has_properties_and_records() {
    let mut desk = Desk::new();
    for (name, type_id) in [
        ("quotes", "0-14"),
        ("leads", "0-136"),
        ("communications", "0-18"),
        ("postal_mail", "0-116"),
        ("feedback_submissions", "0-19"),
        ("goal_targets", "0-74"),
        ("deal_split", "0-72"),
    ] {
        let (status, by_name) = desk.get(&format!("/crm/v3/properties/{name}"));
        assert_eq!(status, 200, "{name}");
        assert_eq!(desk.get(&format!("/crm/v3/properties/{type_id}")).1, by_name, "{name}");
        assert!(names(&by_name["results"]).contains(&"hs_lastmodifieddate"), "{name}");
        assert_eq!(desk.get(&format!("/crm/v3/objects/{name}")), (200, json!({"results": []})), "{name}");
    }
    let id = desk.make("quotes", r#"{"hs_title":"Spring","hs_expiration_date":"2026-12-31"}"#);
    let (_, quote) = desk.get(&format!("/crm/v3/objects/quotes/{id}"));
    assert_eq!(quote["properties"]["hs_title"], "Spring");
    assert_eq!(desk.post("/crm/v3/objects/quotes", r#"{"properties":{"hs_title":"x"}}"#).0, 400);
    desk.make("leads", r#"{"hs_lead_name":"Ada"}"#);
}

#[test]
fn a_list_takes_no_notice_of_an_offset() {
    let mut desk = Desk::new();
    let first = desk.make("products", r#"{"name":"a"}"#);
    desk.make("products", r#"{"name":"b"}"#);
    let (_, page) = desk.get("/crm/v3/objects/products?limit=1&offset=1");
    assert_eq!(page["results"][0]["id"], first);
}

#[test]
fn version_4_lists_records_as_version_3_does() {
    let mut desk = Desk::new();
    desk.make("tickets", r#"{"subject":"s","hs_pipeline_stage":"1"}"#);
    let (status, page) =
        desk.get("/crm/v4/objects/tickets?limit=100&archived=False&associations=contact,company,deals");
    assert_eq!((status, &page), (200, &desk.get("/crm/v3/objects/tickets?limit=100").1));
    assert_eq!(desk.post("/crm/v4/objects/tickets", "{}").0, 404);
}

#[test]
fn a_note_or_task_is_made_and_changed_by_the_legacy_path_and_is_a_record_of_its_type() {
    let mut desk = Desk::new();
    let contact = desk.make("contacts", r#"{"email":"a@b.example"}"#);
    let deal = desk.make("deals", r#"{"dealname":"D","dealstage":"appointmentscheduled"}"#);
    let body = json!({
        "engagement": {"active": true, "type": "TASK", "timestamp": NINE + 5},
        "associations": {"contactIds": [contact.parse::<u64>().unwrap()], "ownerIds": []},
        "metadata": {"subject": "Call back", "body": "<p>today</p>", "status": "NOT_STARTED", "forObjectType": "CONTACT"},
    });
    let (status, made) = desk.post("/engagements/v1/engagements", &body.to_string());
    assert_eq!((status, &made["engagement"]["type"]), (200, &json!("TASK")));
    assert_eq!(made["metadata"]["forObjectType"], "CONTACT");
    let id = made["engagement"]["id"].as_u64().unwrap();
    let (_, task) = desk.get(&format!("/crm/v3/objects/tasks/{id}?properties=hs_task_subject,hs_task_status"));
    assert_eq!(task["properties"]["hs_task_subject"], "Call back");
    let path = format!("/engagements/v1/engagements/{id}");
    let change =
        json!({"metadata": {"status": "COMPLETED"}, "associations": {"dealIds": [deal.parse::<u64>().unwrap()]}});
    let (status, changed) = desk.send("PATCH", &path, &change.to_string());
    assert_eq!((status, &changed["metadata"]["status"]), (200, &json!("COMPLETED")));
    assert_eq!(changed["metadata"]["subject"], "Call back", "what is not named stays");
    assert_eq!(changed["associations"]["contactIds"].as_array().unwrap().len(), 1, "and so do the associations");
    assert_eq!(changed["associations"]["dealIds"].as_array().unwrap().len(), 1);
    assert_eq!(desk.get(&path).1, changed);
    let table = [
        (json!({"metadata": {}}), 400),
        (json!({"engagement": {"type": "RUMOUR"}, "metadata": {}}), 400),
        (json!({"engagement": {"type": "NOTE"}, "associations": {"contactIds": [1]}, "metadata": {"body": "x"}}), 400),
        (json!({"engagement": {"type": "TASK"}, "metadata": {"status": "LATER"}}), 400),
    ];
    for (body, status) in table {
        assert_eq!(desk.post("/engagements/v1/engagements", &body.to_string()).0, status, "{body}");
    }
    assert_eq!(desk.send("PATCH", "/engagements/v1/engagements/1", "{}").0, 404);
}

#[test]
fn engagements_of_all_five_types_are_made_by_the_legacy_path() {
    let mut desk = Desk::new();
    let rows = [
        ("NOTE", "notes", json!({"body": "x"}), "hs_note_body"),
        ("TASK", "tasks", json!({"subject": "x"}), "hs_task_subject"),
        ("MEETING", "meetings", json!({"title": "x"}), "hs_meeting_title"),
        ("CALL", "calls", json!({"title": "x"}), "hs_call_title"),
        ("EMAIL", "emails", json!({"subject": "x"}), "hs_email_subject"),
    ];
    for (name, object_type, metadata, property) in rows {
        let body = json!({"engagement": {"type": name}, "metadata": metadata}).to_string();
        let (status, made) = desk.post("/engagements/v1/engagements", &body);
        assert_eq!((status, &made["engagement"]["type"]), (200, &json!(name)), "{made}");
        let id = &made["engagement"]["id"];
        let (status, record) = desk.get(&format!("/crm/v3/objects/{object_type}/{id}?properties={property}"));
        assert_eq!((status, &record["properties"][property]), (200, &json!("x")), "{name}");
    }
}

#[test]
fn no_two_engagements_of_any_type_share_an_id() {
    let mut desk = Desk::new();
    let mut seen = BTreeSet::new();
    for _ in 0..400 {
        for object_type in ["notes", "tasks"] {
            assert!(seen.insert(desk.make(object_type, &format!("{{\"hs_timestamp\":\"{NINE}\"}}"))));
        }
    }
}
