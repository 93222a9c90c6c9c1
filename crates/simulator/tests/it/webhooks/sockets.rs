//! End to end: a simulator on a socket, and a small receiver on another that checks every signature by itself.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use linchpin_simulator::{Running, Simulator};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;

use super::{APP, SECRET};
use crate::{CONTACTS, get, json, lines, post};

/// SHA-256 of the parts, in hexadecimal digits.
pub(super) fn sha256_hex(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// HMAC-SHA-256 as RFC 2104 words it, in base64.
fn hmac_base64(key: &str, text: &[u8]) -> String {
    assert!(key.len() <= 64, "the secret fits a block");
    let pad = |with: u8| -> Vec<u8> { (0..64).map(|at| key.as_bytes().get(at).copied().unwrap_or(0) ^ with).collect() };
    let inner = Sha256::digest([pad(0x36), text.to_vec()].concat());
    let outer = Sha256::digest([pad(0x5c), inner.to_vec()].concat());
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in outer.chunks(3) {
        let word = chunk.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = usize::try_from(word >> (18 - 6 * place) & 63).unwrap();
            out.push(if place <= chunk.len() { char::from(digits[digit]) } else { '=' });
        }
    }
    out
}

/// One request as it came.
pub(super) struct Received {
    path: String,
    headers: HeaderMap,
    pub(super) body: Bytes,
}

/// What a receiver got.
#[derive(Default)]
pub(super) struct Log {
    requests: Mutex<Vec<Received>>,
    /// How many requests are refused before the first is taken.
    pub(super) refuse: AtomicUsize,
}

impl Log {
    pub(super) fn take(&self) -> Vec<Received> {
        std::mem::take(&mut *self.requests.lock().unwrap())
    }
}

/// Listens until the test ends.
pub(super) async fn receiver(log: Arc<Log>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let serve = async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let log = Arc::clone(&log);
            let service = service_fn(move |request| take(Arc::clone(&log), request));
            let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            spawn(async move { drop(connection.await) });
        }
    };
    spawn(serve);
    addr
}

/// Notes a request and takes it, or refuses it.
async fn take(log: Arc<Log>, request: http::Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    assert_eq!(head.method, Method::POST);
    log.requests.lock().unwrap().push(Received { path: head.uri.to_string(), headers: head.headers, body });
    let refused = log.refuse.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
    let mut response = Response::new(Full::new(Bytes::new()));
    *response.status_mut() = if refused.is_ok() { 500 } else { 200 }.try_into().unwrap();
    Ok(response)
}

#[expect(clippy::disallowed_methods, reason = "a test's receiver ends with the test")]
fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(task);
}

/// A simulator on a socket with one app.
pub(super) async fn start(target: &str, delivery: Value, subscriptions: Value) -> Running {
    let running = Simulator::start(&super::options(), "127.0.0.1:0".parse().unwrap()).await.unwrap();
    let whole = json!({
        "apps": [{"app_id": APP, "client_secret": SECRET, "target_url": target, "subscriptions": subscriptions}],
        "delivery": delivery,
    });
    assert_eq!(running.desk.call(post("/_control/webhooks", &whole)).await.unwrap().status(), 200);
    running
}

/// Waits until the counts are as wanted.
async fn counts(running: &Running, wanted: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..3_000 {
        let shown = json(&running.desk.call(get("/_control/webhooks")).await.unwrap());
        if wanted(&shown) {
            return shown;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the counts did not come about: {:?}", running.desk.call(get("/_control/webhooks")).await);
}

fn header<'a>(received: &'a Received, name: &str) -> &'a str {
    received.headers[name].to_str().unwrap()
}

/// Checks a delivery as HubSpot's guide says a receiver should.
pub(super) fn verify(received: &Received, addr: SocketAddr) {
    let url = format!("http://{addr}{}", received.path);
    assert_eq!(header(received, "x-hubspot-signature-version"), "v1");
    let expected = sha256_hex(&[SECRET.as_bytes(), &received.body]);
    assert_eq!(header(received, "x-hubspot-signature"), expected);
    let text = [b"POST", url.as_bytes(), &received.body, header(received, "x-hubspot-request-timestamp").as_bytes()];
    assert_eq!(header(received, "x-hubspot-signature-v3"), hmac_base64(SECRET, &text.concat()));
}

#[tokio::test]
async fn a_receiver_on_a_socket_gets_signed_events_and_refused_ones_again() {
    let log = Arc::new(Log::default());
    log.refuse.store(2, Ordering::SeqCst);
    let addr = receiver(Arc::clone(&log)).await;
    let delivery = json!({"delay_ms": [0, 0], "retry_over_ms": 2000});
    let subscriptions = json!([{"eventType": "contact.creation"}]);
    let running = start(&format!("http://{addr}/hs/webhooks?app=1"), delivery, subscriptions).await;
    let ada = json(&running.desk.call(post(CONTACTS, &json!({"properties": {"firstname": "Zoë"}}))).await.unwrap());
    counts(&running, |shown| shown["counts"]["delivered"] == 1).await;
    let requests = log.take();
    let attempts: Vec<u64> = requests
        .iter()
        .map(|received| {
            verify(received, addr);
            let events: Vec<Value> = serde_json::from_slice(&received.body).unwrap();
            assert_eq!(events[0]["objectId"].to_string(), ada["id"].as_str().unwrap());
            events[0]["attemptNumber"].as_u64().unwrap()
        })
        .collect();
    assert_eq!(attempts, [0, 1, 2]);
    running.stop().await;
}

#[tokio::test]
async fn many_changes_reach_the_receiver_each_once_and_signed() {
    let log = Arc::new(Log::default());
    let addr = receiver(Arc::clone(&log)).await;
    let subscriptions = json!([{"eventType": "contact.propertyChange", "propertyName": "city"}]);
    let running = start(&format!("http://{addr}/"), json!({"delay_ms": [0, 0]}), subscriptions).await;
    running.desk.call(post("/_control/seed", &json!({"contacts": 50}))).await.unwrap();
    let order = json!({"changes": 20_000, "property": "city"});
    assert_eq!(running.desk.call(post("/_control/churn", &order)).await.unwrap().status(), 200);
    let shown = counts(&running, |shown| shown["counts"]["delivered"] == 20_000).await;
    assert_eq!(
        (&shown["counts"]["failed"], &shown["counts"]["lost"], &shown["churn_left"]),
        (&json!(0), &json!(0), &json!(0))
    );
    let requests = log.take();
    let mut got = Vec::new();
    for received in &requests {
        verify(received, addr);
        got.extend(serde_json::from_slice::<Vec<Value>>(&received.body).unwrap());
    }
    assert_eq!(got.len(), 20_000);
    let mut last = std::collections::BTreeMap::new();
    for event in &got {
        let at = (event["occurredAt"].as_i64().unwrap(), event["propertyValue"].as_str().unwrap().to_owned());
        let newest = last.entry(event["objectId"].to_string()).or_insert_with(|| at.clone());
        if at.0 > newest.0 {
            *newest = at;
        }
    }
    let dump = lines(&running.desk.call(get("/_control/dump/contacts")).await.unwrap());
    // Two changes of one record in one millisecond have no order, so only records without such a pair are compared.
    let mut seen = std::collections::BTreeMap::new();
    for event in &got {
        *seen.entry((event["objectId"].to_string(), event["occurredAt"].as_i64().unwrap())).or_insert(0) += 1;
    }
    let mut compared = 0;
    for record in &dump {
        let id = record["id"].as_str().unwrap().to_owned();
        let (at, value) = &last[&id];
        if seen[&(id, *at)] == 1 {
            assert_eq!(record["properties"]["city"].as_str().unwrap(), value);
            compared += 1;
        }
    }
    println!("compared {compared} of {} records", dump.len());
    running.stop().await;
}

#[tokio::test]
async fn an_https_target_is_spoken_to_in_tls() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = format!("https://{}/", listener.local_addr().unwrap());
    let running = start(&target, json!({"delay_ms": [0, 0]}), json!([{"eventType": "contact.creation"}])).await;
    running.desk.call(post(CONTACTS, &json!({"properties": {}}))).await.unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let mut first = [0_u8; 1];
    stream.readable().await.unwrap();
    stream.try_read(&mut first).unwrap();
    assert_eq!(first, [0x16], "a handshake begins");
    drop(stream);
    counts(&running, |shown| shown["counts"]["failed_connections"] == 1).await;
    running.stop().await;
}

#[test]
fn the_receivers_own_code_knows_the_published_signature() {
    let body = b"{'example_field':'example_value'}";
    let text = [b"POST".as_slice(), b"https://www.example.com/webhook_uri", body, b"1693657560000"].concat();
    let signature = hmac_base64("yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy", &text);
    assert_eq!(signature, "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y=");
}
