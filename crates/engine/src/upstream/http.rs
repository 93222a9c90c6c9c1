//! The door to HubSpot over HTTP/1.1 and HTTP/2, through an injected connector.
//!
//! Invariants: one `send` writes at most one request: nothing is retried, no redirect is followed, not even the
//! client's own repeat on a connection that turned out closed. The token leaves in one header, marked sensitive, and
//! stands in no error. Everything is bounded: connecting, the whole answer, the size of the body that is held, how long
//! one may flow past, idle connections.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, USER_AGENT};
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, Either, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::{Connection, HttpConnector};
use linchpin_core::schedule::Permit;
use linchpin_hubspot::answer::Answer;
use linchpin_hubspot::call::{Auth, Call};
use linchpin_ports::credentials::Token;
use secrecy::ExposeSecret;
use tower::Service;

use super::stream::{ANSWER_STREAM_BYTES, Flow, Gathered, Passages, Reins, STREAM_TIMEOUT, Spent, gather};
use super::{Cause, CauseKind, Outcome, Upstream};

mod base;
mod pools;
mod timed;

pub use base::{BaseUrl, BaseUrlError};
use pools::Pools;
pub(crate) use timed::{BoxError, Timed};

/// Where HubSpot's API lives.
pub const BASE_URL: &str = "https://api.hubapi.com";
/// How long name, route and TLS may take together.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a whole answer may take, connecting included.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// The largest body of an answer. The largest known ones, property lists of one type, have half a megabyte; a page of a
/// hundred records with every property stays far below.
pub const BODY_BYTES_MAX: usize = 32 * 1024 * 1024;
/// How long an unused connection is kept. Short, because a connection that the other side closes just as a request
/// leaves costs a lost answer.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// How many unused connections are kept on each runtime: as many as a gateway has calls in flight in a busy moment,
/// since one that is closed has to be opened again, with a handshake, for the next call.
pub const IDLE_CONNECTIONS_MAX: usize = 256;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const AGENT: &str = concat!("linchpin/", env!("CARGO_PKG_VERSION"));
/// Steps of a chain of causes that are told.
const CAUSES_TOLD_MAX: usize = 8;

/// The limits of an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpOptions {
    /// See [`CONNECT_TIMEOUT`].
    pub connect_timeout: Duration,
    /// See [`ANSWER_TIMEOUT`].
    pub answer_timeout: Duration,
    /// See [`BODY_BYTES_MAX`].
    pub body_bytes_max: usize,
    /// See [`STREAM_TIMEOUT`].
    pub stream_timeout: Duration,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            connect_timeout: CONNECT_TIMEOUT,
            answer_timeout: ANSWER_TIMEOUT,
            body_bytes_max: BODY_BYTES_MAX,
            stream_timeout: STREAM_TIMEOUT,
        }
    }
}

/// The connector for real sockets could not be made: the TLS library has no usable protocol version.
#[derive(Debug, thiserror::Error)]
#[error("TLS cannot be set up")]
pub struct ConnectorError(#[from] rustls::Error);

/// A connector for real sockets: TLS by rustls with the roots of the web, HTTP/2 where the server offers it, plain HTTP
/// for a simulator.
pub fn https_connector() -> Result<HttpsConnector<HttpConnector>, ConnectorError> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    let builder = HttpsConnectorBuilder::new()
        .with_provider_and_webpki_roots(rustls::crypto::ring::default_provider())
        .map_err(ConnectorError)?;
    Ok(builder.https_or_http().enable_all_versions().wrap_connector(tcp))
}

/// The body of a request: held, or flowing past.
type Outgoing = Either<Full<Bytes>, Flow>;

/// What an exchange came to.
enum Came {
    /// Its end.
    End(Outcome),
    /// The head of an answer whose body flows to its caller.
    Flows(Answer, Reins),
}

impl From<Outcome> for Came {
    fn from(outcome: Outcome) -> Self {
        Self::End(outcome)
    }
}

/// [`Upstream`] over HTTP. Clones share connections; each runtime has its own.
#[derive(Clone)]
pub struct HttpUpstream<C> {
    pools: Arc<Pools<C>>,
    base: BaseUrl,
    options: HttpOptions,
}

impl<C> HttpUpstream<C>
where
    C: Service<Uri> + Clone + Send + Sync + 'static,
    C::Response: hyper::rt::Read + hyper::rt::Write + Connection + Unpin + Send + 'static,
    C::Error: Into<BoxError>,
    C::Future: Send + 'static,
{
    /// Sends to `base` through `connector`.
    pub fn new(connector: C, base: BaseUrl, options: HttpOptions) -> Self {
        let pools = Arc::new(Pools::new(Timed::new(connector, options.connect_timeout)));
        Self { pools, base, options }
    }

    /// One attempt, without the permit: private, so that the only way in is [`Upstream`].
    async fn attempt(&self, token: &Token, call: &Call, passages: &Passages) -> Outcome {
        let not_sent = |detail| Outcome::NotSent(Cause { kind: CauseKind::Build, detail });
        let (body, mut sending) = match passages.take_up() {
            Ok(None) => (Either::Left(Full::new(call.body.clone().unwrap_or_default())), None),
            Ok(Some(flow)) => {
                let (flow, reins) = flow.reined();
                (Either::Right(flow), Some(reins))
            }
            Err(Spent) => return not_sent("the body flowed past and cannot be sent again".to_owned()),
        };
        let request = match self.request(token, call, body) {
            Ok(request) => request,
            Err(detail) => return not_sent(detail),
        };
        let HttpOptions { answer_timeout, stream_timeout, .. } = self.options;
        let limit = if sending.is_some() { stream_timeout } else { answer_timeout };
        let mut too_long = std::pin::pin!(tokio::time::sleep(stream_timeout));
        let exchange = self.exchange(request, sending.as_ref(), passages);
        let came = if sending.is_none() {
            tokio::time::timeout(limit, exchange).await.ok()
        } else {
            tokio::select! {
                came = exchange => Some(came),
                () = &mut too_long => None,
                () = passages.stopped() => None,
            }
        };
        match came {
            Some(Came::End(outcome)) => outcome,
            Some(Came::Flows(answer, mut reins)) => {
                tokio::select! {
                    () = reins.over() => {}
                    () = &mut too_long => {}
                    () = passages.stopped() => {}
                }
                Outcome::Answered(answer)
            }
            None => {
                let detail = format!("{} gave no whole answer within {} s", self.base.host(), limit.as_secs_f64());
                // A body that takes so long says nothing about HubSpot.
                let ours = sending.as_mut().is_some_and(Reins::is_open);
                let kind = if ours { CauseKind::Abandoned } else { CauseKind::Timeout };
                Outcome::Lost(Cause { kind, detail })
            }
        }
    }

    fn request(&self, token: &Token, call: &Call, body: Outgoing) -> Result<Request<Outgoing>, String> {
        // The error may quote the path, and with it a value.
        let uri = self.base.join(&call.target());
        let uri = uri.map_err(|_| "path or query of the call are no part of a URL".to_owned())?;
        let mut request = Request::new(body);
        (*request.method_mut(), *request.uri_mut()) = (call.method.clone(), uri);
        let headers = request.headers_mut();
        if let Some(verbatim) = &call.verbatim {
            headers.clone_from(&verbatim.headers);
        } else {
            headers.insert(ACCEPT, JSON);
            headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
            if call.body.is_some() {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static(call.content.media_type()));
            }
        }
        if call.auth == Auth::Bearer {
            headers.insert(AUTHORIZATION, bearer(token)?);
        }
        Ok(request)
    }

    async fn exchange(&self, request: Request<Outgoing>, sending: Option<&Reins>, passages: &Passages) -> Came {
        match self.pools.client().request(request).await {
            // An error has to be read to be judged; what succeeded may flow past.
            Ok(response) if passages.take_streams() && response.status().is_success() => {
                self.pass(response, passages).await
            }
            Ok(response) => self.read(response).await.into(),
            Err(_) if sending.is_some_and(Reins::is_broken) => {
                let detail = "the body of the request ended early: its caller left, or could not send it".to_owned();
                Outcome::Lost(Cause { kind: CauseKind::Abandoned, detail }).into()
            }
            Err(error) if error.is_connect() => {
                let detail = format!(
                    "cannot reach {}: {}; check the network, name resolution, and the base URL of the configuration",
                    self.base.host(),
                    chain(&error)
                );
                Outcome::NotSent(Cause { kind: CauseKind::Connect, detail }).into()
            }
            Err(error) => {
                let detail = format!("{} closed the connection: {}", self.base.host(), chain(&error));
                let cause = Cause { kind: CauseKind::Closed, detail };
                if never_written(&error) { Outcome::NotSent(cause).into() } else { Outcome::Lost(cause).into() }
            }
        }
    }

    /// Reads an answer, or lets it flow past if it is large.
    async fn pass(&self, response: Response<Incoming>, passages: &Passages) -> Came {
        if let Some(lost) = self.encoded(&response) {
            return lost.into();
        }
        let (head, body) = response.into_parts();
        let answer = |body| Answer { status: head.status.as_u16(), headers: head.headers, body };
        match gather(body, ANSWER_STREAM_BYTES).await {
            Ok(Gathered::Whole(body)) => Outcome::Answered(answer(body)).into(),
            Ok(Gathered::More(flow)) => {
                let (flow, reins) = flow.reined();
                let answer = answer(Bytes::new());
                passages.begin(&answer, flow);
                Came::Flows(answer, reins)
            }
            Err(error) => self.ended_early(error.as_ref()).into(),
        }
    }

    async fn read(&self, response: Response<Incoming>) -> Outcome {
        if let Some(lost) = self.encoded(&response) {
            return lost;
        }
        let (head, body) = response.into_parts();
        match Limited::new(body, self.options.body_bytes_max).collect().await {
            Ok(collected) => Outcome::Answered(Answer {
                status: head.status.as_u16(),
                headers: head.headers,
                body: collected.to_bytes(),
            }),
            Err(error) if error.is::<LengthLimitError>() => {
                let (host, limit) = (self.base.host(), self.options.body_bytes_max);
                let detail = format!("the answer of {host} has more than {limit} bytes");
                Outcome::Lost(Cause { kind: CauseKind::Body, detail })
            }
            Err(error) => self.ended_early(error.as_ref()),
        }
    }

    /// Compression is not asked for; undoing one that comes anyway would need a limit of its own.
    fn encoded(&self, response: &Response<Incoming>) -> Option<Outcome> {
        let encoding = response.headers().get(CONTENT_ENCODING).filter(|encoding| *encoding != "identity");
        encoding.map(|_| {
            let detail = format!("{} compressed its answer although nobody asked for it", self.base.host());
            Outcome::Lost(Cause { kind: CauseKind::Body, detail })
        })
    }

    fn ended_early(&self, error: &(dyn StdError + 'static)) -> Outcome {
        let detail = format!("{} ended its answer early: {}", self.base.host(), chain(error));
        Outcome::Lost(Cause { kind: CauseKind::Closed, detail })
    }
}

#[async_trait]
impl<C> Upstream for HttpUpstream<C>
where
    C: Service<Uri> + Clone + Send + Sync + 'static,
    C::Response: hyper::rt::Read + hyper::rt::Write + Connection + Unpin + Send + 'static,
    C::Error: Into<BoxError>,
    C::Future: Send + 'static,
{
    async fn send(&self, _permit: Permit, token: &Token, call: &Call) -> Outcome {
        self.attempt(token, call, &Passages::default()).await
    }

    async fn send_past(&self, _permit: Permit, token: &Token, call: &Call, passages: &Passages) -> Outcome {
        self.attempt(token, call, passages).await
    }
}

impl<C> std::fmt::Debug for HttpUpstream<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpUpstream").field("base", &self.base).field("options", &self.options).finish_non_exhaustive()
    }
}

/// The header that carries the token, marked so that nothing shows it.
fn bearer(token: &Token) -> Result<HeaderValue, String> {
    let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.secret.expose_secret()))
        .map_err(|_| "the token holds characters that no header can carry: check where it comes from".to_owned())?;
    bearer.set_sensitive(true);
    Ok(bearer)
}

/// Whether the client still had the request in its hands when the connection went away. hyper gives "canceled" only
/// together with the unsent request; every other error means that some of it may have been written.
fn never_written(error: &hyper_util::client::legacy::Error) -> bool {
    let cause = error.source().and_then(|source| source.downcast_ref::<hyper::Error>());
    cause.is_some_and(hyper::Error::is_canceled)
}

/// The causes of an error, outermost first, without those that only repeat what was said. These are texts of sockets,
/// TLS and HTTP framing: none of them quotes a header.
pub(crate) fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut told: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next.filter(|_| told.len() < CAUSES_TOLD_MAX) {
        let text = error.to_string();
        if !told.iter().any(|said| said.contains(&text)) {
            told.push(text);
        }
        next = error.source();
    }
    told.join(": ")
}

#[cfg(test)]
mod tests;
