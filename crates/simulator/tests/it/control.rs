//! The control API, call by call.

use std::time::Duration;

use http::{Method, StatusCode};
use linchpin_simulator::wire::Millis;
use linchpin_simulator::{Fault, FaultRule, InProcess, SimOptions, StartFile};
use serde_json::{Value, json};

use crate::{CONTACTS, TOKEN, desk, get, json, lines, options, post, request};

#[tokio::test(start_paused = true)]
async fn control_calls_are_outside_limits_stats_and_ledger() {
    let desk = desk(&options());
    for _ in 0..400 {
        assert_eq!(desk.call(get("/_control/clock")).await.unwrap().status(), 200);
    }
    let stats = json(&desk.call(get("/_control/stats")).await.unwrap());
    assert_eq!(stats["requests"], 0);
    assert!(lines(&desk.call(get("/_control/ledger")).await.unwrap()).is_empty());
}

#[tokio::test(start_paused = true)]
async fn stats_show_requests_by_status_and_route() {
    let desk = desk(&options());
    for _ in 0..191 {
        desk.call(get(CONTACTS)).await.unwrap();
    }
    let stats = json(&desk.call(get("/_control/stats")).await.unwrap());
    assert_eq!(stats["requests"], 191);
    assert_eq!(stats["rate_limited"], 1);
    assert_eq!(stats["by_status"], json!({"200": 190, "429": 1}));
    assert_eq!(stats["by_route"], json!({"GET /crm/v3/objects/contacts": 191}));
    assert_eq!(stats["portals"][0]["day"]["used"], 191);
}

#[tokio::test(start_paused = true)]
async fn reset_forgets_what_it_is_told_to() {
    let desk = desk(&options());
    desk.call(post(CONTACTS, &json!({"properties": {"email": "a@example.com"}}))).await.unwrap();
    let reset = |body: Value| desk.call(post("/_control/reset", &body));
    assert_eq!(reset(json!({})).await.unwrap().status(), 400);
    assert_eq!(reset(json!({"stats": true})).await.unwrap().status(), 200);
    let stats = json(&desk.call(get("/_control/stats")).await.unwrap());
    assert_eq!((&stats["requests"], &stats["portals"][0]["day"]["used"]), (&json!(0), &json!(1)));
    assert_eq!(lines(&desk.call(get("/_control/dump/contacts")).await.unwrap()).len(), 1);
    assert_eq!(reset(json!({"state": true})).await.unwrap().status(), 200);
    assert!(lines(&desk.call(get("/_control/dump/contacts")).await.unwrap()).is_empty());
    let stats = json(&desk.call(get("/_control/stats")).await.unwrap());
    assert_eq!(stats["portals"][0]["day"]["used"], 0);
}

#[tokio::test(start_paused = true)]
async fn seeding_makes_records_that_a_dump_shows() {
    let desk = desk(&options());
    let spec = json!({"contacts": 20, "companies": 4, "deals": 5, "owners": 3, "associate": true});
    assert_eq!(desk.call(post("/_control/seed", &spec)).await.unwrap().status(), 200);
    assert_eq!(lines(&desk.call(get("/_control/dump/contacts")).await.unwrap()).len(), 20);
    assert_eq!(desk.call(get("/_control/dump/nonsense")).await.unwrap().status(), 404);
    assert_eq!(desk.call(get("/_control/dump/contacts?portal=5")).await.unwrap().status(), 404);
}

#[tokio::test(start_paused = true)]
async fn a_start_file_seeds_and_arms_before_the_first_call() {
    let mut options = options();
    options.start = StartFile::parse(r#"{"seed":{"contacts":3},"faults":[{"fault":{"kind":"reset"}}]}"#).unwrap();
    let desk = desk(&options);
    assert_eq!(lines(&desk.call(get("/_control/dump/contacts")).await.unwrap()).len(), 3);
    assert!(desk.call(get(CONTACTS)).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_start_file_sets_the_account_up() {
    let mut options = options();
    options.start = StartFile::parse(r#"{"settings":{"default_lifecycle_stage":false}}"#).unwrap();
    let desk = desk(&options);
    let made = json(&desk.call(post(CONTACTS, &json!({"properties": {}}))).await.unwrap());
    assert!(made["properties"].get("lifecyclestage").is_none(), "{made}");
}

#[tokio::test(start_paused = true)]
async fn a_start_file_chooses_where_the_sources_disagree() {
    for (file, contacts, again, jumps) in [
        ("{}", 0, 200, false),
        (r#"{"options":{"sample_records":true}}"#, 2, 200, false),
        (r#"{"options":{"count_rejected":true}}"#, 0, 429, false),
        (r#"{"options":{"remaining_counters":3}}"#, 0, 200, true),
    ] {
        let desk = desk(&SimOptions { start: StartFile::parse(file).unwrap(), ..options() });
        assert_eq!(lines(&desk.call(get("/_control/dump/contacts")).await.unwrap()).len(), contacts, "{file}");
        let mut remaining = Vec::new();
        for _ in 0..190 {
            let answer = desk.call(get(CONTACTS)).await.unwrap();
            assert_eq!(answer.status(), 200);
            remaining.push(answer.headers()["x-hubspot-ratelimit-remaining"].to_str().unwrap().parse::<u32>().unwrap());
        }
        assert_eq!(remaining.is_sorted_by(|a, b| a >= b), !jumps, "{file}");
        tokio::time::sleep(Duration::from_secs(6)).await;
        for _ in 0..190 {
            assert_eq!(desk.call(get(CONTACTS)).await.unwrap().status(), 429);
        }
        // The first 190 have left the window; whether the refused ones are in it is the choice.
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(desk.call(get(CONTACTS)).await.unwrap().status(), again, "{file}");
    }
}

#[test]
fn a_start_file_with_too_many_counters_starts_nothing() {
    let start = StartFile::parse(r#"{"options":{"remaining_counters":0}}"#).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let error =
        runtime.block_on(async { InProcess::start(&SimOptions { start, ..options() }, Millis(0)).unwrap_err() });
    assert_eq!(error.to_string(), "`remaining_counters` must be between 1 and 100, not 0");
}

#[tokio::test(start_paused = true)]
async fn settings_change_what_the_account_does() {
    let desk = desk(&options());
    let rule = json!({"object_type": "contacts", "property": "firstname"});
    let settings = json!({"required": [rule], "default_lifecycle_stage": false});
    assert_eq!(desk.call(post("/_control/settings", &settings)).await.unwrap().status(), 200);
    let body = json!({"properties": {"email": "a@example.com"}});
    let refused = desk.call(post("/crm/objects/2026-09/contacts", &body)).await.unwrap();
    assert_eq!(json(&refused)["errors"][0]["code"], "MISSING_REQUIRED_PROPERTY");
    let made = desk.call(post(CONTACTS, &body)).await.unwrap();
    assert!(json(&made)["properties"].get("lifecyclestage").is_none());
}

#[tokio::test(start_paused = true)]
async fn an_archived_record_is_restored_once() {
    let desk = desk(&options());
    let made = json(&desk.call(post(CONTACTS, &json!({"properties": {"email": "a@example.com"}}))).await.unwrap());
    let path = format!("{CONTACTS}/{}", made["id"].as_str().unwrap());
    desk.call(request(Method::DELETE, &path, &Value::Null)).await.unwrap();
    assert_eq!(desk.call(get(&path)).await.unwrap().status(), 404);
    let order = json!({"object_type": "contacts", "id": made["id"]});
    assert_eq!(desk.call(post("/_control/restore", &order)).await.unwrap().status(), 200);
    assert_eq!(desk.call(get(&path)).await.unwrap().status(), 200);
    assert_eq!(desk.call(post("/_control/restore", &order)).await.unwrap().status(), 404);
}

#[tokio::test(start_paused = true)]
async fn the_clock_jumps_and_counters_follow() {
    let desk = desk(&options());
    assert_eq!(json(&desk.call(get("/_control/clock")).await.unwrap())["now"], "2025-11-21T12:00:00Z");
    for _ in 0..190 {
        desk.call(get(CONTACTS)).await.unwrap();
    }
    assert_eq!(desk.call(get(CONTACTS)).await.unwrap().status(), 429);
    let jumped = desk.call(post("/_control/clock", &json!({"advance_ms": 10_000}))).await.unwrap();
    assert_eq!(json(&jumped)["now"], "2025-11-21T12:00:10Z");
    assert_eq!(desk.call(get(CONTACTS)).await.unwrap().status(), 200);
    let day = |stats: &Value| stats["portals"][0]["day"]["used"].clone();
    assert_eq!(day(&json(&desk.call(get("/_control/stats")).await.unwrap())), 192);
    // Midnight in New York is at 05:00 UTC, seventeen hours after noon.
    desk.call(post("/_control/clock", &json!({"advance_ms": 17 * 3_600_000}))).await.unwrap();
    assert_eq!(day(&json(&desk.call(get("/_control/stats")).await.unwrap())), 0);
    let back = desk.call(post("/_control/clock", &json!({"advance_ms": -1}))).await.unwrap();
    assert_eq!(back.status(), 400);
}

#[tokio::test(start_paused = true)]
async fn a_jump_executes_and_answers_what_is_under_way() {
    let desk = desk(&SimOptions { latency_ms: 5_000, ..options() });
    let call = desk.call(get(CONTACTS));
    let jump = async {
        tokio::time::sleep(Duration::from_millis(1)).await;
        desk.call(post("/_control/clock", &json!({"advance_ms": 60_000}))).await.unwrap();
        lines(&desk.call(get("/_control/ledger")).await.unwrap())
    };
    let (answer, ledger) = tokio::join!(call, jump);
    assert_eq!(answer.unwrap().status(), 200);
    let counted = ledger[0]["time"].as_i64().unwrap() - ledger[0]["arrived"].as_i64().unwrap();
    assert!((0..=13_250).contains(&counted), "counted inside its latency, not at the end of the jump: {counted}");
}

#[tokio::test(start_paused = true)]
async fn faults_are_armed_listed_and_cleared() {
    let desk = desk(&options());
    let rule = json!({"path": "/crm", "fault": {"kind": "status", "status": 503}});
    for body in [rule.clone(), json!([rule]), json!({"faults": [rule]})] {
        assert_eq!(desk.call(post("/_control/faults", &body)).await.unwrap().status(), 200);
    }
    assert_eq!(desk.call(get(CONTACTS)).await.unwrap().status(), 503);
    let listed = json(&desk.call(get("/_control/faults")).await.unwrap());
    assert_eq!(listed["faults"].as_array().unwrap().len(), 3);
    assert_eq!((&listed["faults"][0]["fired"], &listed["faults"][1]["fired"]), (&json!(1), &json!(0)));
    let cleared = desk.call(request(Method::DELETE, "/_control/faults", &Value::Null)).await.unwrap();
    assert_eq!(json(&cleared), json!({"faults": []}));
    assert_eq!(desk.call(get(CONTACTS)).await.unwrap().status(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_bad_control_call_is_told_why() {
    let desk = desk(&options());
    let table = [
        (post("/_control/faults", &json!({"fault": {"kind": "earthquake"}})), 400, "earthquake"),
        (post("/_control/faults", &json!({"fault": {"kind": "status", "status": 200}})), 400, "between 400 and 599"),
        (post("/_control/reset", &json!({"everything": true})), 400, "everything"),
        (post("/_control/revoke", &json!({"token": "nobody"})), 404, "no such token"),
        (post("/_control/seed", &json!({"contacts": u64::MAX})), 400, "at most 2000000"),
        (post("/_control/restore", &json!({"object_type": "butterflies", "id": 1})), 404, "butterflies"),
        (post("/_control/restore", &json!({"object_type": "contacts", "id": "1"})), 404, "archived=true"),
        (post("/_control/settings", &json!({"late": true})), 400, "late"),
        (
            post("/_control/settings", &json!({"required": [{"object_type": "contacts", "property": "x"}]})),
            400,
            "no property x",
        ),
        (get("/_control/nothing"), 404, "no such control call"),
        (get("/_control/dump/nonsense"), 404, "nonsense"),
    ];
    for (request, status, part) in table {
        let response = desk.call(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::from_u16(status).unwrap());
        let error = json(&response)["error"].as_str().unwrap().to_owned();
        assert!(error.contains(part), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_revoked_token_is_dead_at_once() {
    let desk = desk(&options());
    assert_eq!(desk.call(get(CONTACTS)).await.unwrap().status(), 200);
    desk.call(post("/_control/revoke", &json!({"token": TOKEN}))).await.unwrap();
    let response = desk.call(get(CONTACTS)).await.unwrap();
    assert_eq!(
        (response.status(), &json(&response)["category"]),
        (StatusCode::UNAUTHORIZED, &json!("EXPIRED_AUTHENTICATION"))
    );
}

#[test]
fn fault_rules_written_back_are_the_rules_that_were_read() {
    let rule = FaultRule { probability: Some(0.5), ..FaultRule::always(Fault::SlowBody { over_ms: 5 }) };
    let text = serde_json::to_string(&rule).unwrap();
    assert_eq!(serde_json::from_str::<FaultRule>(&text).unwrap(), rule);
}
