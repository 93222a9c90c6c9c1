//! The simulator from outside: without sockets under a paused clock, and over real HTTP.

mod control;
mod end_to_end;
#[cfg(test)]
mod fuzz;
mod http;
mod in_process;
mod kept;
mod oauth;
mod page;
#[cfg(test)]
mod recorded;
mod tls;
#[cfg(test)]
mod webhooks;

use ::http::{Method, Request, Response};
use bytes::Bytes;
use linchpin_simulator::{InProcess, SimOptions, TokenSpec, wire::Millis};
use serde_json::Value;

/// 21 November 2025, 12:00 UTC.
const NOON: Millis = Millis(1_763_726_400_000);
const TOKEN: &str = "pat-test-1";
const CONTACTS: &str = "/crm/v3/objects/contacts";

fn options() -> SimOptions {
    SimOptions { tokens: vec![TokenSpec::new(TOKEN, 7)], seed: 7, ..SimOptions::default() }
}

fn desk(options: &SimOptions) -> InProcess {
    InProcess::start(options, NOON).expect("the options are good")
}

fn request(method: Method, path: &str, body: &Value) -> Request<Bytes> {
    let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
    Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer {TOKEN}"))
        .header("content-type", "application/json")
        .body(body)
        .expect("the parts are good")
}

fn get(path: &str) -> Request<Bytes> {
    request(Method::GET, path, &Value::Null)
}

fn post(path: &str, body: &Value) -> Request<Bytes> {
    request(Method::POST, path, body)
}

fn json(response: &Response<Bytes>) -> Value {
    serde_json::from_slice(response.body()).expect("the body is JSON")
}

fn lines(response: &Response<Bytes>) -> Vec<Value> {
    std::str::from_utf8(response.body())
        .expect("the body is text")
        .lines()
        .map(|line| serde_json::from_str(line).expect("the line is JSON"))
        .collect()
}
