//! The simulator over HTTP: a real socket for the smoke test, pipes in memory for what must not wait.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioIo},
};
use linchpin_simulator::{BODY_BYTES_MAX, SimOptions, Simulator, StartError};
use serde_json::json;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};

use crate::{CONTACTS, TOKEN, desk, get, json, lines, options, post};

fn anywhere() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// One call over a connection of its own.
pub(crate) async fn send<I>(io: I, mut request: Request<Bytes>) -> hyper::Result<Response<Bytes>>
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(io)).await?;
    request.headers_mut().insert("host", http::HeaderValue::from_static("localhost"));
    let call = async move {
        let (head, body) = sender.send_request(request.map(Full::new)).await?.into_parts();
        Ok(Response::from_parts(head, body.collect().await?.to_bytes()))
    };
    let (response, _) = tokio::join!(call, connection);
    response
}

#[tokio::test]
async fn a_real_socket_serves_the_api_and_the_control_api_until_it_is_stopped() {
    let running = Simulator::start(&options(), anywhere()).await.unwrap();
    let addr = running.addr;
    let connect = || async { TcpStream::connect(addr).await.unwrap() };
    let created = send(connect().await, post(CONTACTS, &json!({"properties": {"email": "a@example.com"}}))).await;
    let created = created.unwrap();
    assert_eq!(created.status(), 201);
    assert_eq!(created.headers()["x-hubspot-ratelimit-max"], "190");
    assert_eq!(created.headers()["x-hubspot-ratelimit-daily-remaining"], "624999");
    let dump = send(connect().await, get("/_control/dump/contacts")).await.unwrap();
    assert_eq!(lines(&dump).len(), 1);
    assert_eq!(running.url(), format!("http://{addr}"));
    running.stop().await;
    assert!(TcpStream::connect(addr).await.is_err());
}

#[tokio::test]
async fn a_taken_port_is_an_error_with_the_address() {
    let running = Simulator::start(&options(), anywhere()).await.unwrap();
    let error = Simulator::start(&options(), running.addr).await.unwrap_err();
    assert!(matches!(error, StartError::Listen { addr, .. } if addr == running.addr), "{error}");
    running.stop().await;
}

#[tokio::test]
async fn a_lost_answer_closes_the_socket_without_a_byte() {
    let running = Simulator::start(&options(), anywhere()).await.unwrap();
    let rule = json!({"times": 1, "fault": {"kind": "lost_answer"}});
    running.desk.call(post("/_control/faults", &rule)).await.unwrap();
    let mut socket = TcpStream::connect(running.addr).await.unwrap();
    let body = r#"{"properties":{"email":"a@example.com"}}"#;
    let head = format!(
        "POST {CONTACTS} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {TOKEN}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.unwrap();
    assert!(answer.is_empty(), "{answer:?}");
    assert_eq!(lines(&running.desk.call(get("/_control/dump/contacts")).await.unwrap()).len(), 1);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_pipe_in_memory_works_under_the_paused_clock() {
    let desk = desk(&SimOptions { latency_ms: 300, ..options() });
    let response = send(desk.connect(), get(CONTACTS)).await.unwrap();
    assert_eq!(response.status(), 200);
}

#[tokio::test(start_paused = true)]
async fn hypers_pooled_client_reaches_the_simulator_through_the_connector() {
    let desk = desk(&SimOptions { latency_ms: 300, ..options() });
    let client = Client::builder(TokioExecutor::new()).build(desk.connector());
    for _ in 0..3 {
        let request = get("http://simulator.invalid/crm/v3/objects/contacts").map(Full::new);
        assert_eq!(client.request(request).await.unwrap().status(), 200);
    }
    desk.call(post("/_control/faults", &json!({"fault": {"kind": "lost_answer"}}))).await.unwrap();
    let request = post("http://simulator.invalid/crm/v3/objects/contacts", &json!({"properties": {}})).map(Full::new);
    assert!(client.request(request).await.is_err());
    assert_eq!(lines(&desk.call(get("/_control/dump/contacts")).await.unwrap()).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn http_2_without_tls_is_understood() {
    let desk = desk(&options());
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(desk.connect())).await.unwrap();
    let mut request = get("http://hub.example/crm/v3/objects/contacts").map(Full::new);
    *request.version_mut() = http::Version::HTTP_2;
    let call = async move { sender.send_request(request).await };
    let (response, _) = tokio::join!(call, connection);
    assert_eq!(response.unwrap().status(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_slow_body_arrives_whole() {
    let desk = desk(&options());
    let fast = send(desk.connect(), get(CONTACTS)).await.unwrap();
    let rule = json!({"times": 1, "fault": {"kind": "slow_body", "over_ms": 4_000}});
    desk.call(post("/_control/faults", &rule)).await.unwrap();
    let before = json(&desk.call(get("/_control/clock")).await.unwrap())["now_ms"].as_i64().unwrap();
    let slow = send(desk.connect(), get(CONTACTS)).await.unwrap();
    let after = json(&desk.call(get("/_control/clock")).await.unwrap())["now_ms"].as_i64().unwrap();
    assert_eq!(slow.body(), fast.body());
    assert!((3_990..=4_010).contains(&(after - before)), "{}", after - before);
}

#[tokio::test]
async fn too_large_a_body_is_refused_and_too_long_an_address_is_a_414() {
    let desk = desk(&options());
    let mut request = post(CONTACTS, &json!({}));
    *request.body_mut() = Bytes::from(vec![b' '; BODY_BYTES_MAX + 1]);
    assert_eq!(send(desk.connect(), request).await.map_or(413, |response| response.status().as_u16()), 413);
    let long = format!("{CONTACTS}?properties={}", "a".repeat(20_000));
    assert_eq!(send(desk.connect(), get(&long)).await.unwrap().status(), 414);
}
