//! A question to the admin interface of a running gateway.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use linchpin_engine::upstream::https_connector;
use linchpin_server::admin::BASE;
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::failure::{Exit, Failure, chain};

/// A gateway answers at once, or not at all.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// No account is larger.
const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The gateway's codes that are passed on, and how a command ends that meets them.
const KNOWN: [(&str, Exit); 12] = [
    ("LP5201", Exit::Failed),
    ("LP5202", Exit::Failed),
    ("LP5205", Exit::Failed),
    ("LP5304", Exit::Failed),
    ("LP5309", Exit::Failed),
    ("LP5311", Exit::Failed),
    ("LP5312", Exit::Guarded),
    ("LP5313", Exit::Usage),
    ("LP5314", Exit::Usage),
    ("LP5401", Exit::Failed),
    ("LP5402", Exit::Failed),
    ("LP5403", Exit::Failed),
];

/// Gets what is at a path of the admin interface.
pub(crate) async fn get<T: DeserializeOwned>(base: &str, path: &str, key: &SecretString) -> Result<T, Failure> {
    send(base, Method::GET, path, key, Bytes::new()).await
}

/// Makes a call to the admin interface. An answer without a body is read as `null`.
pub(crate) async fn send<T: DeserializeOwned>(
    base: &str,
    method: Method,
    path: &str,
    key: &SecretString,
    body: Bytes,
) -> Result<T, Failure> {
    let url = format!("{base}{BASE}{path}");
    let answer = tokio::time::timeout(ANSWER_MAX, exchange(method, &url, key, body)).await;
    let (status, body) =
        answer.unwrap_or_else(|_| Err("it takes too long".to_owned())).map_err(|why| silent(base, &why))?;
    if status.is_success() {
        let body = if body.is_empty() { b"null" } else { &body[..] };
        return serde_json::from_slice(body).map_err(|error| silent(base, &format!("it says something else: {error}")));
    }
    Err(refused(base, status, &body))
}

/// Opens what is at a path and flows, once it has begun to.
pub(super) async fn open(base: &str, path: &str, key: &SecretString, last: Option<u64>) -> Result<Incoming, Failure> {
    let asked = async {
        let mut request = request(Method::GET, &format!("{base}{BASE}{path}"), key, Bytes::new())?;
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        if let Some(last) = last {
            request.headers_mut().insert("last-event-id", HeaderValue::from(last));
        }
        leave(request).await
    };
    let answer = tokio::time::timeout(ANSWER_MAX, asked).await;
    let answer = answer.unwrap_or_else(|_| Err("it takes too long".to_owned())).map_err(|why| silent(base, &why))?;
    let (head, body) = answer.into_parts();
    if head.status == StatusCode::OK {
        return Ok(body);
    }
    let body = Limited::new(body, BODY_BYTES_MAX).collect().await.map_err(|error| silent(base, &error.to_string()))?;
    Err(refused(base, head.status, &body.to_bytes()))
}

async fn exchange(method: Method, url: &str, key: &SecretString, body: Bytes) -> Result<(StatusCode, Bytes), String> {
    let mut request = request(method, url, key, body)?;
    request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
    let (head, body) = leave(request).await?.into_parts();
    let body = Limited::new(body, BODY_BYTES_MAX).collect().await.map_err(|error| error.to_string())?;
    Ok((head.status, body.to_bytes()))
}

fn request(method: Method, url: &str, key: &SecretString, body: Bytes) -> Result<Request<Full<Bytes>>, String> {
    let mut bearer = HeaderValue::from_str(&format!("Bearer {}", key.expose_secret()))
        .map_err(|_| "the key does not fit into a header".to_owned())?;
    bearer.set_sensitive(true);
    let request = Request::builder().method(method).uri(url).header(AUTHORIZATION, bearer).body(Full::new(body));
    request.map_err(|error| chain(&error))
}

async fn leave(request: Request<Full<Bytes>>) -> Result<Response<Incoming>, String> {
    let connector = https_connector().map_err(|error| chain(&error))?;
    let client = Client::builder(TokioExecutor::new()).build(connector);
    client.request(request).await.map_err(|error| chain(&error))
}

pub(super) fn silent(base: &str, why: &str) -> Failure {
    Failure::of(
        "LP5206",
        Exit::Failed,
        format!("the gateway at {base} does not answer: {why}"),
        "start `linchpin serve`, or say where it listens with --url",
    )
}

/// The gateway's own words, under its own code where it is one of those that are known here.
fn refused(base: &str, status: StatusCode, body: &[u8]) -> Failure {
    let problem: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |name: &str| problem.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let code = text("code");
    let Some((code, exit)) = KNOWN.into_iter().find(|(known, _)| *known == code) else {
        return silent(base, &format!("it says {status}"));
    };
    Failure::of(code, exit, format!("the gateway at {base}: {}", text("detail")), text("to_do"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_keeps_the_gateways_own_code_and_advice() {
        let body = br#"{"code":"LP5202","detail":"wrong key","to_do":"send the right one"}"#;
        let failure = refused("http://127.0.0.1:4000", StatusCode::FORBIDDEN, body);
        assert_eq!(failure.code(), "LP5202");
        assert!(failure.render().contains("send the right one"), "{}", failure.render());
        for other in [&b"<html>"[..], br#"{"code":"LP9"}"#, b""] {
            assert_eq!(refused("http://127.0.0.1:4000", StatusCode::BAD_GATEWAY, other).code(), "LP5206");
        }
    }
}
