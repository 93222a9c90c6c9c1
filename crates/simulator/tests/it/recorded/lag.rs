//! How long searches trail behind writes, against 95 recorded searches after a create.

use linchpin_simulator::{SimOptions, TokenSpec, wire::Millis};
use serde_json::Value;

use crate::{desk, get, json, post};

#[tokio::test(start_paused = true)]
async fn searches_find_new_records_as_late_as_recorded() {
    let Some(text) = super::text("grouparoo_index_lag.json") else { return };
    let recorded: Value = serde_json::from_str(&text).unwrap();
    let options = SimOptions { tokens: vec![TokenSpec::new(crate::TOKEN, 7)], seed: 11, ..SimOptions::default() };
    let desk = desk(&options);
    let records = 100;
    let inputs: Vec<Value> = (0..records).map(|_| serde_json::json!({"properties": {}})).collect();
    let body = serde_json::json!({ "inputs": inputs });
    assert_eq!(desk.call(post("/crm/v3/objects/contacts/batch/create", &body)).await.unwrap().status(), 201);
    let start = json(&desk.call(get("/_control/clock")).await.unwrap())["now_ms"].as_i64().unwrap();
    for (bucket, low, high) in
        [("0", 0, 1), ("1", 1, 2), ("2", 2, 3), ("3", 3, 4), ("4", 4, 5), ("5", 5, 6), ("6-10", 6, 11)]
    {
        let seen = &recorded["create_to_search_seconds"][bucket];
        let (found, missed) = (seen["found"].as_f64().unwrap(), seen["not_found"].as_f64().unwrap());
        // A recorded second is any moment inside it: what was seen lies between its two ends.
        let mut ends = Vec::new();
        for at in [low * 1_000, high * 1_000 - 1] {
            let now = json(&desk.call(get("/_control/clock")).await.unwrap())["now_ms"].as_i64().unwrap();
            let ahead = Millis(start + at).0 - now;
            if ahead > 0 {
                let jump = serde_json::json!({ "advance_ms": ahead });
                assert_eq!(desk.call(post("/_control/clock", &jump)).await.unwrap().status(), 200);
            }
            let page = desk.call(post("/crm/v3/objects/contacts/search", &serde_json::json!({}))).await.unwrap();
            ends.push(json(&page)["total"].as_f64().unwrap() / f64::from(records));
        }
        let share = found / (found + missed);
        let slack = 1.0 / (found + missed).sqrt();
        assert!(ends[0] - slack <= share && share <= ends[1] + slack, "{bucket}: {share} between {ends:?}");
    }
}
