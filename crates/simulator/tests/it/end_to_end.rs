//! One walk through the API over a real socket: define a key, upsert by it, read back, search once the index has caught
//! up, compare with the dump.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use linchpin_simulator::{Running, Simulator};
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::{get, http::send, json, lines, options, post};

async fn call(running: &Running, request: Request<Bytes>) -> Response<Bytes> {
    let socket = TcpStream::connect(running.addr).await.expect("the simulator listens");
    send(socket, request).await.expect("the call is answered")
}

async fn advance(running: &Running, ms: i64) {
    let moved = call(running, post("/_control/clock", &json!({"advance_ms": ms}))).await;
    assert_eq!(moved.status(), StatusCode::OK);
}

async fn found(running: &Running, key: &str) -> Value {
    let filter = json!({"propertyName": "external_key", "operator": "EQ", "value": key});
    let body = json!({"filterGroups": [{"filters": [filter]}], "properties": ["external_key"]});
    let response = call(running, post("/crm/v3/objects/contacts/search", &body)).await;
    assert_eq!(response.status(), StatusCode::OK, "{response:?}");
    assert!(!response.headers().contains_key("x-hubspot-ratelimit-max"));
    assert!(response.headers().contains_key("x-hubspot-ratelimit-daily-remaining"));
    json(&response).get("total").cloned().unwrap_or_default()
}

#[tokio::test]
async fn a_key_is_defined_upserted_read_searched_and_dumped() {
    let running = Simulator::start(&options(), SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let definition = json!({
        "name": "external_key", "label": "External key", "type": "string", "fieldType": "text",
        "groupName": "contactinformation", "hasUniqueValue": true,
    });
    assert_eq!(call(&running, post("/crm/v3/properties/contacts", &definition)).await.status(), StatusCode::CREATED);
    // A new property is visible a moment later.
    advance(&running, 1_000).await;

    let input = |key: &str| {
        let properties = json!({"external_key": key, "email": format!("{key}@example.com"), "lastname": "O'Brien"});
        json!({"id": key, "idProperty": "external_key", "properties": properties})
    };
    let upsert = json!({"inputs": [input("a"), input("b"), input("c")]});
    let upserted = call(&running, post("/crm/v3/objects/contacts/batch/upsert", &upsert)).await;
    assert_eq!(upserted.status(), StatusCode::OK, "{upserted:?}");
    let upserted = json(&upserted);
    let results = upserted["results"].as_array().unwrap();
    assert!(results.len() == 3 && results.iter().all(|result| result["new"] == true), "{upserted}");

    let ids: Vec<Value> = results.iter().map(|result| json!({"id": result["id"]})).collect();
    let read = json!({"inputs": ids, "properties": ["external_key", "email"]});
    let read = json(&call(&running, post("/crm/v3/objects/contacts/batch/read", &read)).await);
    let mut keys: Vec<&str> = read["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["properties"]["external_key"].as_str().unwrap())
        .collect();
    keys.sort_unstable();
    assert_eq!(keys, ["a", "b", "c"]);

    assert_eq!(found(&running, "b").await, 0, "the index lags");
    advance(&running, 10_000).await;
    assert_eq!(found(&running, "b").await, 1);

    let dump = lines(&call(&running, get("/_control/dump/contacts")).await);
    assert_eq!(dump.len(), 3);
    assert!(dump.iter().all(|record| record["properties"]["lastname"] == "O'Brien"));
    let stats = json(&call(&running, get("/_control/stats")).await);
    assert_eq!((&stats["requests"], &stats["rate_limited"]), (&json!(5), &json!(0)));
    assert_eq!(stats["by_route"]["POST /crm/v3/objects/contacts/batch/upsert"], 1);
    running.stop().await;
}
