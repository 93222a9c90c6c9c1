//! The page in the browser, from below: what it is made of, who may use it, and the calls that it makes.

use http::{Method, Request};
use linchpin_simulator::InProcess;
use serde_json::{Value, json};

use crate::{CONTACTS, desk, get, json, lines, options, post, request};

/// What a browser sends with a call of the page itself.
const HOST: &str = "127.0.0.1:4010";

fn opened(path: &str, host: &str) -> Request<bytes::Bytes> {
    let builder = Request::get(path).header("host", host).header("accept", "text/html,application/xhtml+xml");
    builder
        .header("user-agent", "Mozilla/5.0 (X11; Linux x86_64)")
        .body(bytes::Bytes::new())
        .expect("the parts are good")
}

async fn answer(desk: &InProcess, method: Method, path: &str, body: &Value) -> (u16, Value) {
    let response = desk.call(request(method, path, body)).await.expect("control calls are answered");
    (response.status().as_u16(), json(&response))
}

#[tokio::test(start_paused = true)]
async fn the_page_loads_nothing_but_its_own_files_and_may_not_be_framed() {
    let desk = desk(&options());
    let page = desk.call(opened("/_control/", HOST)).await.unwrap();
    assert_eq!(page.headers()["content-type"], "text/html;charset=utf-8");
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    for part in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "form-action 'none'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    let text = std::str::from_utf8(page.body()).unwrap();
    let loaded = ["/_control/page.css", "/_control/page.js", "/_control/icon.svg"];
    for file in loaded {
        assert!(text.contains(file));
        let response = desk.call(opened(file, HOST)).await.unwrap();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["x-content-type-options"]),
            (200, &"nosniff".parse().unwrap())
        );
    }
    let addresses = text.matches("src=").count() + text.matches("<link").count();
    assert_eq!(addresses, text.matches("\"/_control/").count(), "every address is the simulator's own");
}

#[tokio::test(start_paused = true)]
async fn the_bare_address_hints_at_the_page_in_browsers_and_is_hubspots_for_programs() {
    let desk = desk(&options());
    let hint = desk.call(opened("/", HOST)).await.unwrap();
    assert!(hint.status() == 200 && std::str::from_utf8(hint.body()).unwrap().contains("href=\"/_control/\""));
    assert_eq!(desk.call(opened("/_control", HOST)).await.unwrap().status(), 200);
    assert_eq!(desk.call(get("/")).await.unwrap().status(), 404);
    let stats = json(&desk.call(get("/_control/stats")).await.unwrap());
    assert_eq!(stats["requests"], 1, "the hint is no call, the program's is");
}

#[tokio::test(start_paused = true)]
async fn another_sites_page_reaches_no_control_call_old_or_new() {
    let desk = desk(&options());
    let paths = [
        (Method::POST, "/_control/faults"),
        (Method::DELETE, "/_control/faults"),
        (Method::POST, "/_control/reset"),
        (Method::POST, "/_control/records/contacts"),
        (Method::GET, "/_control/dump/contacts"),
    ];
    for (method, path) in paths {
        for (host, origin) in [(HOST, "https://evil.example"), ("evil.example:4010", "http://evil.example:4010")] {
            let mut foreign = request(method.clone(), path, &json!({"fault": {"kind": "reset"}}));
            foreign.headers_mut().insert("host", host.parse().unwrap());
            foreign.headers_mut().insert("origin", origin.parse().unwrap());
            let response = desk.call(foreign).await.unwrap();
            assert_eq!(response.status(), 403, "{method} {path} from {origin}");
        }
    }
    assert_eq!(desk.call(opened("/_control/", "evil.example:4010")).await.unwrap().status(), 403);
    assert_eq!(json(&desk.call(get("/_control/faults")).await.unwrap()), json!({"faults": []}));
}

#[tokio::test(start_paused = true)]
async fn a_persons_edit_is_refused_by_the_same_rules_and_says_who_made_it() {
    let desk = desk(&options());
    let form = json!({"user_id": 9_001, "properties": {"email": "Ada@Example.com", "firstname": "Ada"}});
    let (status, made) = answer(&desk, Method::POST, "/_control/records/contacts", &form).await;
    assert_eq!(status, 201);
    let id = made["id"].as_str().unwrap();
    let path = format!("/_control/records/contacts/{id}");
    let (status, _) = answer(&desk, Method::PATCH, &path, &json!({"properties": {"firstname": "Augusta"}})).await;
    assert_eq!(status, 200);
    let wanted = "properties=firstname,email,hs_object_source,hs_object_source_id&propertiesWithHistory=firstname";
    let told = json(&desk.call(get(&format!("{CONTACTS}/{id}?{wanted}"))).await.unwrap());
    assert_eq!(told["properties"]["email"], "ada@example.com");
    assert_eq!(told["properties"]["hs_object_source"], "CRM_UI");
    assert_eq!(told["properties"]["hs_object_source_id"], "userId:9001");
    let history = &told["propertiesWithHistory"]["firstname"];
    let batch = json!({"inputs": [{"id": id}], "propertiesWithHistory": ["firstname"]});
    let batch = json(&desk.call(post(&format!("{CONTACTS}/batch/read"), &batch)).await.unwrap());
    assert_eq!(&batch["results"][0]["propertiesWithHistory"]["firstname"], history, "told alike by both calls");
    assert_eq!(history[0]["updatedByUserId"], 1);
    assert_eq!((&history[0]["value"], &history[0]["sourceType"]), (&json!("Augusta"), &json!("CRM_UI")));
    assert_eq!((&history[0]["sourceId"], &history[1]["sourceId"]), (&json!("userId:1"), &json!("userId:9001")));

    let (status, refused) = answer(&desk, Method::PATCH, &path, &json!({"properties": {"email": "nonsense"}})).await;
    assert_eq!(status, 400);
    assert!(refused["reasons"][0].as_str().unwrap().contains("nonsense"), "{refused}");
    let (status, refused) = answer(&desk, Method::POST, "/_control/records/contacts", &form).await;
    assert!(status == 409 && refused["error"].as_str().unwrap().contains(id), "{refused}");
    let (status, _) = answer(&desk, Method::POST, "/_control/records/contacts", &json!({"propertys": {}})).await;
    assert_eq!(status, 400);
    let stats = json(&desk.call(get("/_control/stats")).await.unwrap());
    assert_eq!(stats["requests"], 2, "a person's work is no API call");
}

#[tokio::test(start_paused = true)]
async fn a_record_is_shown_with_history_associations_and_what_may_be_chosen() {
    let desk = desk(&options());
    let company =
        json(&desk.call(post("/crm/v3/objects/companies", &json!({"properties": {"name": "Alpha"}}))).await.unwrap());
    let contact = json!({"properties": {"email": "a@b.example", "firstname": "<script>alert(1)</script>"},
        "associations": [{"to": {"id": company["id"]}, "types": [
            {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]}]});
    let contact = json(&desk.call(post(CONTACTS, &contact)).await.unwrap());
    let path = format!("/_control/records/contacts/{}", contact["id"].as_str().unwrap());
    let response = desk.call(get(&path)).await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/json;charset=utf-8", "never markup");
    let shown = json(&response);
    assert_eq!(shown["title"], "<script>alert(1)</script>");
    assert_eq!(
        (&shown["associations"][0]["title"], &shown["associations"][0]["type"]),
        (&json!("Alpha"), &json!("companies"))
    );
    let property = |name: &str| {
        let all = shown["properties"].as_array().unwrap();
        all.iter().find(|property| property["name"] == name).unwrap().clone()
    };
    assert_eq!(property("email")["history"][0]["source_id"], "7");
    assert_eq!(property("hs_object_id")["read_only"], true);
    let stages = property("lifecyclestage")["choices"].clone();
    assert!(stages.as_array().unwrap().iter().any(|choice| choice["value"] == "customer"), "{stages}");
    for missing in ["/_control/records/contacts/1", "/_control/records/nonsense", "/_control/records/nonsense/new"] {
        assert_eq!(answer(&desk, Method::GET, missing, &Value::Null).await.0, 404, "{missing}");
    }
    assert_eq!(answer(&desk, Method::GET, "/_control/records/contacts/x", &Value::Null).await.0, 400);
}

#[tokio::test(start_paused = true)]
async fn records_are_paged_from_the_newest_found_by_text_and_archived_ones_stand_apart() {
    let desk = desk(&options());
    let mut ids = Vec::new();
    for number in 0..7 {
        let body = json!({"properties": {"email": format!("person{number}@example.com"), "company": "Beta Ltd"}});
        let made = json(&desk.call(post(CONTACTS, &body)).await.unwrap());
        ids.push(made["id"].as_str().unwrap().to_owned());
    }
    let list = async |query: &str| {
        let (_, page) = answer(&desk, Method::GET, &format!("/_control/records/contacts?{query}"), &Value::Null).await;
        let shown = page["results"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned());
        (shown.collect::<Vec<_>>(), page["next"].as_str().map(str::to_owned))
    };
    let (mut all, mut before) = (Vec::new(), String::new());
    loop {
        let (page, next) = list(&format!("limit=3&before={before}")).await;
        all.extend(page);
        let Some(next) = next else { break };
        before = next;
    }
    ids.reverse();
    assert_eq!(all, ids);
    assert_eq!(list("text=PERSON3+beta").await.0, [ids[3].clone()]);
    assert_eq!(list(&format!("text={}", ids[0])).await.0, [ids[0].clone()]);
    let (status, _) =
        answer(&desk, Method::DELETE, &format!("/_control/records/contacts/{}", ids[6]), &Value::Null).await;
    assert_eq!(status, 200);
    assert_eq!(list("").await.0, ids[..6]);
    assert_eq!(list("archived=true").await.0, ids[6..]);
}

#[tokio::test(start_paused = true)]
async fn limits_show_what_is_used_and_left_of_every_counter() {
    let desk = desk(&options());
    for _ in 0..12 {
        desk.call(get(CONTACTS)).await.unwrap();
    }
    desk.call(post("/crm/v3/objects/contacts/search", &json!({}))).await.unwrap();
    let (_, told) = answer(&desk, Method::GET, "/_control/limits", &Value::Null).await;
    let counter = |name: &str| {
        let found = told["counters"].as_array().unwrap().iter().find(|counter| counter["counter"] == name).unwrap();
        (found["used"].as_u64(), found["limit"].as_u64(), found["app_id"].as_u64())
    };
    assert_eq!(counter("burst"), (Some(12), Some(190), Some(7)));
    assert_eq!(counter("search"), (Some(1), Some(5), None));
    assert_eq!(counter("day"), (Some(13), Some(625_000), None));
    assert_eq!(counter("association"), (Some(0), Some(150), None));
    assert_eq!(answer(&desk, Method::GET, "/_control/limits?portal=5", &Value::Null).await.0, 404);
}

#[tokio::test(start_paused = true)]
async fn calls_come_live_by_their_number_and_one_fault_is_disarmed_by_its_own() {
    let desk = desk(&options());
    for _ in 0..3 {
        desk.call(get(CONTACTS)).await.unwrap();
    }
    let (_, told) = answer(&desk, Method::GET, "/_control/calls?after=0", &Value::Null).await;
    let seqs: Vec<u64> = told["calls"].as_array().unwrap().iter().map(|call| call["seq"].as_u64().unwrap()).collect();
    assert_eq!((seqs, &told["requests"]), (vec![1, 2], &json!(3)));
    let rules =
        json!([{"fault": {"kind": "reset"}}, {"path": "/x", "fault": {"kind": "lost_answer", "executed_after_ms": 5}}]);
    let (_, armed) = answer(&desk, Method::POST, "/_control/faults", &rules).await;
    assert_eq!((&armed["faults"][0]["id"], &armed["faults"][1]["id"]), (&json!(1), &json!(2)));
    let (_, left) = answer(&desk, Method::DELETE, "/_control/faults/1", &Value::Null).await;
    assert_eq!((left["faults"].as_array().unwrap().len(), &left["faults"][0]["id"]), (1, &json!(2)));
    assert_eq!(answer(&desk, Method::DELETE, "/_control/faults/1", &Value::Null).await.0, 404);
}

#[tokio::test(start_paused = true)]
async fn webhooks_follow_a_persons_edit_and_say_that_it_was_one() {
    let desk = desk(&options());
    let subscriptions =
        json!([{"eventType": "contact.creation"}, {"eventType": "contact.propertyChange", "propertyName": "city"}]);
    let app = json!({"apps": [{"app_id": 7_001, "client_secret": "3f2a9c1e-7b4d-4c8e-9a10-5d6e7f809123",
        "target_url": "http://127.0.0.1:9/hooks", "subscriptions": subscriptions}]});
    let (status, told) = answer(&desk, Method::POST, "/_control/webhooks", &app).await;
    assert_eq!(status, 200, "{told}");
    let form = json!({"user_id": 9_001, "properties": {"email": "a@b.example"}});
    let (_, made) = answer(&desk, Method::POST, "/_control/records/contacts", &form).await;
    let id = made["id"].as_str().unwrap();
    let change = json!({"user_id": 9_001, "properties": {"city": "Lima"}});
    answer(&desk, Method::PATCH, &format!("/_control/records/contacts/{id}"), &change).await;
    let events = lines(&desk.call(get("/_control/webhooks/events")).await.unwrap());
    let text = events.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    for part in ["contact.creation", "contact.propertyChange", "\"CRM_UI\"", "userId:9001", "Lima"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}
