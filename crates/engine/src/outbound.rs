//! The door to everything that is not HubSpot: deliveries to subscribers.
//!
//! Invariants: the addresses that a name leads to are judged when the connection is made ([`Target::admit`]), so no name
//! can lead elsewhere between the look-up and the call; no redirect is followed and nothing is sent twice; the answer's
//! body is not looked at. Everything is bounded.

use std::error::Error as StdError;
use std::net::SocketAddr;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use linchpin_core::outbound::{NotATarget, Target};
use linchpin_core::subscribers::deliver::Outcome;
use tower::Service;

use crate::upstream::ConnectorError;

/// How long a connection to one address may take.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a whole attempt may take, from the look-up of the name to the head of the answer.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(20);
/// How much of an answer's body is read, to use the connection again; with more the connection is closed.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// How long the body of an answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest head of an answer, in bytes.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// How long an unused connection is kept.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// Unused connections of one target.
const IDLE_CONNECTIONS_MAX: usize = 4;
/// Steps of a chain of causes that are looked at.
const CAUSES_MAX: usize = 8;

const AGENT: &str = concat!("linchpin/", env!("CARGO_PKG_VERSION"));

/// Looks names up, and hides what may not be called.
#[derive(Clone, Debug)]
struct Guarded(Target);

impl Service<Name> for Guarded {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = Box<dyn StdError + Send + Sync>;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let target = self.0.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(admitted(&target, found)?.into_iter())
        })
    }
}

/// Those addresses that may be called.
///
/// # Errors
/// There are some, and none of them may be.
fn admitted(target: &Target, found: impl Iterator<Item = SocketAddr>) -> Result<Vec<SocketAddr>, NotATarget> {
    let (mut admitted, mut refused) = (Vec::new(), None);
    for address in found {
        match target.admit(address.ip()) {
            Ok(()) => admitted.push(address),
            Err(why) => refused = Some(why),
        }
    }
    match refused {
        Some(why) if admitted.is_empty() => Err(why),
        _ => Ok(admitted),
    }
}

/// A way to somebody who is told something.
#[async_trait]
pub trait Way: Send + Sync {
    /// Posts JSON once, whatever comes of it.
    async fn post(&self, headers: HeaderMap, body: Bytes) -> Outcome;

    /// Where it leads, as it may be shown.
    fn shown(&self) -> String;
}

/// The way to one target over HTTP.
#[derive(Clone, Debug)]
pub struct Outbound {
    target: Target,
    client: Client<HttpsConnector<HttpConnector<Guarded>>, Full<Bytes>>,
}

impl Outbound {
    /// A way to a target; nothing is called yet.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn new(target: Target) -> Result<Self, ConnectorError> {
        let mut tcp = HttpConnector::new_with_resolver(Guarded(target.clone()));
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let builder = HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(rustls::crypto::ring::default_provider())
            .map_err(ConnectorError::from)?;
        let connector = builder.https_or_http().enable_all_versions().wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            .retry_canceled_requests(false)
            .http1_max_buf_size(HEAD_BYTES_MAX)
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
            .build(connector);
        Ok(Self { target, client })
    }

    async fn attempt(&self, headers: HeaderMap, body: Bytes) -> Outcome {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = self.target.uri().clone();
        *request.headers_mut() = headers;
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request.headers_mut().insert(USER_AGENT, HeaderValue::from_static(AGENT));
        let answer = match tokio::time::timeout(ATTEMPT_TIMEOUT, self.client.request(request)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return self.unanswered(&error),
            Err(_) => {
                tracing::info!(target_host = %self.target.shown(), "a subscriber gave no answer in time");
                return Outcome::Silent;
            }
        };
        let (head, body) = answer.into_parts();
        let rest = Limited::new(body, ANSWER_BYTES_MAX).collect();
        if !matches!(tokio::time::timeout(ANSWER_TIMEOUT, rest).await, Ok(Ok(_))) {
            // The head has said what counts; the connection is not used again.
            tracing::debug!(target_host = %self.target.shown(), "the body of a subscriber's answer is left unread");
        }
        Outcome::Answered { status: head.status.as_u16(), retry_after: retry_after(&head.headers) }
    }

    fn unanswered(&self, error: &hyper_util::client::legacy::Error) -> Outcome {
        let (mut next, mut steps) = (error.source(), 0);
        while let Some(cause) = next.filter(|_| steps < CAUSES_MAX) {
            if let Some(why) = cause.downcast_ref::<NotATarget>() {
                tracing::warn!(target_host = %self.target.shown(), %why, "a subscriber's address is not allowed");
                return Outcome::Forbidden;
            }
            (next, steps) = (cause.source(), steps + 1);
        }
        tracing::info!(target_host = %self.target.shown(), %error, "a subscriber is not reached");
        Outcome::Silent
    }
}

#[async_trait]
impl Way for Outbound {
    async fn post(&self, headers: HeaderMap, body: Bytes) -> Outcome {
        self.attempt(headers, body).await
    }

    fn shown(&self) -> String {
        self.target.shown()
    }
}

/// The wait that an answer asks for, in seconds; a moment (the other form of the header) is not heeded.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    seconds.and_then(|text| text.trim().parse().ok()).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use linchpin_core::outbound::Policy;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    fn way(url: &str) -> Outbound {
        Outbound::new(Target::new(url, Policy::default()).unwrap()).unwrap()
    }

    async fn post(url: &str) -> Outcome {
        way(url).post(HeaderMap::new(), Bytes::from_static(b"{}")).await
    }

    /// A server that gives one answer to the first request, and then listens no more; gives what was asked.
    async fn answers(answer: &'static str) -> (String, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/in?key=1", listener.local_addr().unwrap());
        #[expect(clippy::disallowed_methods, reason = "the other side of a test")]
        let served = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = vec![0; 4_096];
            let length = stream.read(&mut asked).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8(asked[..length].to_vec()).unwrap()
        });
        (url, served)
    }

    #[tokio::test]
    async fn an_answer_is_told_by_its_status_and_no_redirect_is_followed() {
        for (answer, status, seconds) in [
            ("HTTP/1.1 204 No Content\r\n\r\n", 204, None),
            ("HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n", 302, None),
            ("HTTP/1.1 503 Busy\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n", 503, Some(7)),
        ] {
            let (url, served) = answers(answer).await;
            let retry_after = seconds.map(Duration::from_secs);
            assert_eq!(post(&url).await, Outcome::Answered { status, retry_after });
            let asked = served.await.unwrap();
            assert!(asked.starts_with("POST /in?key=1 HTTP/1.1\r\n") && asked.ends_with("{}"), "{asked}");
        }
    }

    #[tokio::test]
    async fn an_endless_body_is_left_and_silence_is_told() {
        let long: &'static str = Box::leak(
            format!("HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n{}", "x".repeat(100_000)).into_boxed_str(),
        );
        let (url, served) = answers(long).await;
        assert_eq!(post(&url).await, Outcome::Answered { status: 200, retry_after: None });
        served.await.unwrap();
        // Nobody listens there any more.
        assert_eq!(post(&url).await, Outcome::Silent);
    }

    #[tokio::test]
    async fn what_a_name_leads_to_is_judged_when_it_is_called() {
        // This machine's name for itself leads here; a name like any other must not.
        let here = way("http://localhost:9/");
        let elsewhere = way("https://hooks.example.com/");
        let found = || [SocketAddr::from(([127, 0, 0, 1], 9)), SocketAddr::from(([8, 8, 8, 8], 9))].into_iter();
        assert_eq!(admitted(&here.target, found()).unwrap().len(), 2);
        assert_eq!(admitted(&elsewhere.target, found()).unwrap(), [SocketAddr::from(([8, 8, 8, 8], 9))]);
        assert!(admitted(&elsewhere.target, found().take(1)).is_err());
        // The whole way: the resolver's refusal comes out as such, whatever layers lie between.
        let mut way = way("http://localhost:9/");
        let policy = Policy { plain_http: true, ..Policy::default() };
        let strict = Target::new("http://hooks.example.com:9/", policy).unwrap();
        let mut tcp = HttpConnector::new_with_resolver(Guarded(strict));
        tcp.enforce_http(false);
        let builder = HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(rustls::crypto::ring::default_provider())
            .unwrap();
        way.client =
            Client::builder(TokioExecutor::new()).build(builder.https_or_http().enable_http1().wrap_connector(tcp));
        assert_eq!(way.post(HeaderMap::new(), Bytes::new()).await, Outcome::Forbidden);
    }
}
