//! HTTPS on the simulator's port, and the proxy for clients whose host is fixed.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use http::StatusCode;
use linchpin_simulator::{Running, SimOptions, Simulator};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{CONTACTS, get, http::send, json, options, post};

async fn start() -> Running {
    let options = SimOptions { tls: true, ..options() };
    Simulator::start(&options, SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("a port is free")
}

/// Shakes hands as a client does that trusts the simulator's authority and nobody else.
async fn secured(running: &Running, stream: TcpStream, name: &'static str) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    let pem = running.authority_pem.as_ref().expect("it was started with TLS");
    let authority = CertificateDer::from_pem_slice(pem.as_bytes()).expect("the certificate is PEM");
    roots.add(authority).expect("the certificate is an authority's");
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider knows the versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(name).expect("the name is one"), stream).await
}

/// Asks the proxy for a tunnel; its answer up to the empty line, and the connection.
async fn tunnel(running: &Running, target: &str) -> (String, TcpStream) {
    let mut stream = TcpStream::connect(running.addr).await.expect("it listens");
    stream
        .write_all(format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n").as_bytes())
        .await
        .expect("the proxy reads");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("the proxy answers"));
    }
    (String::from_utf8(head).expect("a head is text"), stream)
}

#[tokio::test]
async fn one_port_speaks_http_and_https() {
    let running = start().await;
    for name in ["localhost", "127.0.0.1"] {
        let stream = TcpStream::connect(running.addr).await.unwrap();
        let response = send(secured(&running, stream, name).await.unwrap(), get(CONTACTS)).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{name}");
    }
    let plain = send(TcpStream::connect(running.addr).await.unwrap(), get(CONTACTS)).await.unwrap();
    assert_eq!(plain.status(), StatusCode::OK);
    running.stop().await;
}

#[tokio::test]
async fn the_proxy_leads_a_client_of_hubspot_to_the_simulator() {
    let running = start().await;
    let (head, stream) = tunnel(&running, "api.hubapi.com:443").await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let response = send(secured(&running, stream, "api.hubapi.com").await.unwrap(), get(CONTACTS)).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["x-hubspot-ratelimit-max"], "190");
    running.stop().await;
}

#[tokio::test]
async fn links_lead_back_by_the_scheme_of_the_call() {
    let running = start().await;
    for email in ["a@example.com", "b@example.com"] {
        let stream = TcpStream::connect(running.addr).await.unwrap();
        let created = send(stream, post(CONTACTS, &json!({"properties": {"email": email}}))).await.unwrap();
        assert_eq!(created.status(), StatusCode::CREATED);
    }
    let page = format!("{CONTACTS}?limit=1");
    let link = |response| json(&response)["paging"]["next"]["link"].as_str().unwrap().to_owned();
    let stream = TcpStream::connect(running.addr).await.unwrap();
    let secure = send(secured(&running, stream, "localhost").await.unwrap(), get(&page)).await.unwrap();
    assert!(link(secure).starts_with("https://localhost/crm/v3/objects/contacts?"));
    let plain = send(TcpStream::connect(running.addr).await.unwrap(), get(&page)).await.unwrap();
    assert!(link(plain).starts_with("http://localhost/crm/v3/objects/contacts?"));
    running.stop().await;
}

#[tokio::test]
async fn the_proxy_refuses_every_other_host() {
    let running = start().await;
    for target in ["example.com:443", "api.hubapi.com:80", "api.hubapi.com.example.com:443"] {
        let (head, mut stream) = tunnel(&running, target).await;
        assert!(head.starts_with("HTTP/1.1 403 "), "{target}: {head}");
        let mut rest = String::new();
        stream.read_to_string(&mut rest).await.unwrap();
        assert!(rest.contains("simulated HubSpot only"), "{rest}");
    }
    let plain = send(TcpStream::connect(running.addr).await.unwrap(), get("http://example.com/")).await.unwrap();
    assert_eq!(plain.status(), StatusCode::FORBIDDEN);
    running.stop().await;
}

#[tokio::test]
async fn the_authority_vouches_for_hubspot_only() {
    let running = start().await;
    let stream = TcpStream::connect(running.addr).await.unwrap();
    assert!(secured(&running, stream, "example.com").await.is_err());
    running.stop().await;
}

#[tokio::test]
async fn without_tls_there_is_no_proxy() {
    let running = Simulator::start(&options(), SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    assert_eq!(running.authority_pem, None);
    let (head, _) = tunnel(&running, "api.hubapi.com:443").await;
    assert!(!head.starts_with("HTTP/1.1 200 "), "{head}");
    running.stop().await;
}

#[tokio::test]
async fn a_connection_that_says_nothing_does_not_keep_the_simulator_from_stopping() {
    let running = start().await;
    let mut silent = TcpStream::connect(running.addr).await.unwrap();
    silent.write_all(b"C").await.unwrap();
    tokio::time::timeout(Duration::from_secs(10), running.stop()).await.unwrap();
    assert_eq!(silent.read(&mut [0; 1]).await.unwrap_or(0), 0);
}
