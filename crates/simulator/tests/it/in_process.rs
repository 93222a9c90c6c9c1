//! The simulator without sockets, on the runtime's paused clock.

use std::time::Duration;

use linchpin_simulator::{Broken, SimOptions};
use serde_json::json;
use tokio::{task::JoinSet, time::Instant};

use crate::{CONTACTS, TOKEN, desk, get, json, lines, options, post};

#[tokio::test(start_paused = true)]
async fn a_call_takes_its_latency_on_the_paused_clock() {
    let desk = desk(&SimOptions { latency_ms: 200, ..options() });
    #[expect(clippy::disallowed_methods, reason = "the test measures the paused clock")]
    let before = Instant::now();
    let response = desk.call(get(CONTACTS)).await.unwrap();
    assert_eq!(response.status(), 200);
    let took = before.elapsed();
    assert!((Duration::from_millis(100)..Duration::from_millis(540)).contains(&took), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn thousands_of_paced_calls_pass_in_simulated_minutes_and_the_ledger_adds_up() {
    let desk = desk(&SimOptions { latency_ms: 100, ..options() });
    let mut calls = JoinSet::new();
    for _ in 0..3_000 {
        let desk = desk.clone();
        calls.spawn(async move { desk.call(get(CONTACTS)).await.unwrap().status().as_u16() });
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
    let statuses = calls.join_all().await;
    assert!(statuses.iter().all(|status| *status == 200));
    let stats = json(&desk.call(get("/_control/stats")).await.unwrap());
    assert_eq!((&stats["requests"], &stats["rate_limited"]), (&json!(3_000), &json!(0)));
    let entries = lines(&desk.call(get("/_control/ledger")).await.unwrap());
    assert_eq!(entries.len(), 3_000);
    assert!(entries.iter().all(|entry| entry["route"] == "GET /crm/v3/objects/contacts"));
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_bytes() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let desk = desk(&SimOptions { latency_ms: 50, ..options() });
        let mut log = Vec::new();
        for number in 0..30 {
            let body = json!({"properties": {"email": format!("p{number}@example.com")}});
            let response = desk.call(post(CONTACTS, &body)).await.unwrap();
            log.push(format!("{response:?}"));
        }
        log.push(format!("{:?}", desk.call(get("/_control/ledger")).await.unwrap()));
        runs.push(log);
    }
    assert_eq!(runs[0], runs[1]);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_and_a_reset_are_told_apart_and_only_one_of_them_wrote() {
    let desk = desk(&options());
    let faults = json!([
        {"nth": 1, "fault": {"kind": "lost_answer"}},
        {"nth": 2, "fault": {"kind": "reset"}},
    ]);
    assert_eq!(desk.call(post("/_control/faults", &faults)).await.unwrap().status(), 200);
    let create = |email: &str| post(CONTACTS, &json!({"properties": {"email": email}}));
    assert_eq!(desk.call(create("a@example.com")).await.unwrap_err(), Broken::AnswerLost);
    assert_eq!(desk.call(create("b@example.com")).await.unwrap_err(), Broken::Reset);
    let dump = lines(&desk.call(get("/_control/dump/contacts")).await.unwrap());
    assert_eq!(dump.len(), 1);
    assert_eq!(dump[0]["properties"]["email"], "a@example.com");
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_leaves_does_not_undo_its_call() {
    let desk = desk(&SimOptions { latency_ms: 1_000, ..options() });
    let call = desk.call(post(CONTACTS, &json!({"properties": {"email": "a@example.com"}})));
    assert!(tokio::time::timeout(Duration::from_millis(1), call).await.is_err());
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(lines(&desk.call(get("/_control/dump/contacts")).await.unwrap()).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_stopped_desk_says_so() {
    let desk = desk(&options());
    desk.stop().await;
    assert_eq!(desk.call(get(CONTACTS)).await.unwrap_err(), Broken::Stopped);
}

#[tokio::test(start_paused = true)]
async fn no_token_is_ever_printed() {
    let desk = desk(&options());
    desk.call(get(CONTACTS)).await.unwrap();
    let mut seen = Vec::new();
    for path in ["/_control/stats", "/_control/ledger", "/_control/faults"] {
        seen.push(format!("{:?}", desk.call(get(path)).await.unwrap()));
    }
    assert!(!seen.concat().contains(TOKEN));
}
