//! POSTs on their way: what a driver sends for the machine, and what it tells the machine afterwards.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};

use super::app::Queued;
use super::sign;
use super::spec::Signatures;
use super::workflow::Action;
use crate::wire::Millis;

const USER_AGENT: HeaderValue = HeaderValue::from_static(
    "HubSpot Connect 2.0 (http://dev.hubspot.com/) (namespace: webhooks-nio-http-client) - \
     WebhooksExecutorDaemon-executor",
);
const SIGNATURE: HeaderName = HeaderName::from_static("x-hubspot-signature");
const VERSION: HeaderName = HeaderName::from_static("x-hubspot-signature-version");
const SIGNATURE_V3: HeaderName = HeaderName::from_static("x-hubspot-signature-v3");
const TIMESTAMP: HeaderName = HeaderName::from_static("x-hubspot-request-timestamp");
const TIMEOUT: HeaderName = HeaderName::from_static("x-hubspot-timeout-millis");

/// A POST under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryId(pub(super) u64);

/// A request to a receiver. Printing it shows neither headers nor body: they hold signatures and people's data.
#[derive(Clone)]
pub struct Delivery {
    /// What the answer is given under.
    pub id: DeliveryId,
    /// `POST`, or `GET` for a workflow action that asks for it.
    pub method: Method,
    /// Where it goes.
    pub url: String,
    /// All headers but those that follow from the connection.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// How long the receiver may take; the machine gives up by itself then.
    pub timeout_ms: u64,
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("id", &self.id)
            .field("method", &self.method)
            .field("url", &self.url)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// How a delivery went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// The receiver answered.
    Answered {
        /// With this status.
        status: u16,
        /// And asked for a pause: `Retry-After` as it came.
        retry_after: Option<String>,
    },
    /// No connection, or none until the end.
    Failed,
    /// No answer in time.
    TimedOut,
}

impl DeliveryOutcome {
    /// An answer without `Retry-After`.
    pub fn status(status: u16) -> Self {
        Self::Answered { status, retry_after: None }
    }

    pub(super) fn is_success(&self) -> bool {
        matches!(self, Self::Answered { status: 200..=299, .. })
    }
}

/// What a POST carries.
pub(super) enum Load {
    /// Events of one app.
    Events { app_id: u64, events: Vec<Queued> },
    /// What HubSpot's test button sends.
    Sample { app_id: u64 },
    /// A workflow's webhook action.
    Action(Box<Action>),
}

/// A POST that has no answer yet.
pub(super) struct Post {
    pub(super) load: Load,
    pub(super) deadline: Millis,
}

/// The headers that every delivery has.
pub(super) fn plain_headers(timeout_ms: u64) -> HeaderMap {
    HeaderMap::from_iter([
        (header::USER_AGENT, USER_AGENT),
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::ACCEPT, HeaderValue::from_static("*/*")),
        (TIMEOUT, HeaderValue::from(timeout_ms)),
    ])
}

/// The headers of an event delivery.
pub(super) fn event_headers(
    (secret, url, body): (&str, &str, &[u8]),
    signatures: Signatures,
    now: Millis,
    timeout_ms: u64,
) -> HeaderMap {
    let mut headers = plain_headers(timeout_ms);
    match signatures {
        Signatures::V1AndV3 | Signatures::V1 => {
            put(&mut headers, SIGNATURE, &sign::v1(secret, body));
            headers.insert(VERSION, HeaderValue::from_static("v1"));
        }
        Signatures::V3 => {}
    }
    match signatures {
        Signatures::V1AndV3 | Signatures::V3 => {
            put(&mut headers, SIGNATURE_V3, &sign::v3(secret, "POST", url, body, now.0));
            headers.insert(TIMESTAMP, HeaderValue::from(now.0));
        }
        Signatures::V1 => {}
    }
    headers
}

/// The headers of a workflow action.
pub(super) fn action_headers(secret: &str, method: &Method, url: &str, body: &[u8], timeout_ms: u64) -> HeaderMap {
    let mut headers = plain_headers(timeout_ms);
    put(&mut headers, SIGNATURE, &sign::v2(secret, method.as_str(), url, body));
    headers.insert(VERSION, HeaderValue::from_static("v2"));
    headers
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    let value = HeaderValue::from_str(value).expect("invariant: hexadecimal and base64 digits are header values");
    headers.insert(name, value);
}
