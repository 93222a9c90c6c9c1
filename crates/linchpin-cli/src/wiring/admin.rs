//! A question to the admin interface of a running gateway.

use std::time::Duration;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt, Empty, Limited};
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

/// Gets what is at a path of the admin interface.
pub(crate) async fn get<T: DeserializeOwned>(base: &str, path: &str, key: &SecretString) -> Result<T, Failure> {
    let url = format!("{base}{BASE}{path}");
    let answer = tokio::time::timeout(ANSWER_MAX, exchange(&url, key)).await;
    let (status, body) =
        answer.unwrap_or_else(|_| Err("it takes too long".to_owned())).map_err(|why| silent(base, &why))?;
    if status == StatusCode::OK {
        return serde_json::from_slice(&body)
            .map_err(|error| silent(base, &format!("it says something else: {error}")));
    }
    Err(refused(base, status, &body))
}

async fn exchange(url: &str, key: &SecretString) -> Result<(StatusCode, Bytes), String> {
    let connector = https_connector().map_err(|error| chain(&error))?;
    let client = Client::builder(TokioExecutor::new()).build(connector);
    let mut bearer = HeaderValue::from_str(&format!("Bearer {}", key.expose_secret()))
        .map_err(|_| "the key does not fit into a header".to_owned())?;
    bearer.set_sensitive(true);
    let request = Request::get(url).header(AUTHORIZATION, bearer).body(Empty::<Bytes>::new());
    let request = request.map_err(|error| chain(&error))?;
    let answer = client.request(request).await.map_err(|error| chain(&error))?;
    let (head, body) = answer.into_parts();
    let body = Limited::new(body, BODY_BYTES_MAX).collect().await.map_err(|error| error.to_string())?;
    Ok((head.status, body.to_bytes()))
}

fn silent(base: &str, why: &str) -> Failure {
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
    let code = match text("code").as_str() {
        "LP5201" => "LP5201",
        "LP5202" => "LP5202",
        "LP5205" => "LP5205",
        _ => return silent(base, &format!("it says {status}")),
    };
    Failure::of(code, Exit::Failed, format!("the gateway at {base}: {}", text("detail")), text("to_do"))
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
