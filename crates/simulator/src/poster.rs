//! Sends POSTs to receivers over HTTP or HTTPS, one attempt each, without following redirects.
//!
//! Invariant: nothing is decided here; how a request ended is all that is told.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, header};
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use tokio::time::timeout;

use crate::webhooks::{Delivery, DeliveryOutcome};

/// Sends; clones share their connections.
#[derive(Clone, Debug)]
pub(crate) struct Poster {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl Poster {
    pub(crate) fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_nodelay(true);
        let builder = HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1();
        Self { client: Client::builder(TokioExecutor::new()).build(builder.wrap_connector(connector)) }
    }

    /// Sends one request and waits for the head of its answer.
    pub(crate) async fn send(&self, delivery: Delivery) -> DeliveryOutcome {
        let Delivery { method, url, headers, body, timeout_ms, .. } = delivery;
        let Ok(mut request) = Request::builder().method(method).uri(url).body(Full::new(body)) else {
            return DeliveryOutcome::Failed;
        };
        *request.headers_mut() = headers;
        match timeout(Duration::from_millis(timeout_ms), self.client.request(request)).await {
            Ok(Ok(response)) => {
                let retry_after = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
                DeliveryOutcome::Answered {
                    status: response.status().as_u16(),
                    retry_after: retry_after.map(str::to_owned),
                }
            }
            Ok(Err(error)) => {
                tracing::debug!(%error, "a webhook could not be delivered");
                DeliveryOutcome::Failed
            }
            Err(_) => DeliveryOutcome::TimedOut,
        }
    }
}
