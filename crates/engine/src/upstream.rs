//! The door to HubSpot, as a trait: one attempt on the wire for one permit.
//!
//! What it is not: it never retries, follows no redirect, keeps no queue and judges no answer.

use async_trait::async_trait;
use linchpin_core::schedule::Permit;
use linchpin_hubspot::call::Call;
use linchpin_ports::credentials::Token;

pub use linchpin_core::verdict::{Cause, CauseKind, Outcome};

mod http;
mod stream;

pub use http::{
    ANSWER_TIMEOUT, BASE_URL, BODY_BYTES_MAX, BaseUrl, BaseUrlError, CONNECT_TIMEOUT, ConnectorError, HttpOptions,
    HttpUpstream, IDLE_CONNECTIONS_MAX, IDLE_TIMEOUT, https_connector,
};
pub(crate) use http::{BoxError, Timed, chain};
pub(crate) use stream::Begun;
pub use stream::{
    ANSWER_STREAM_BYTES, Flow, Gathered, Passage, Passages, STREAM_BYTES, STREAM_GRACE, STREAM_TIMEOUT, gather,
};

/// Sends single calls to HubSpot.
#[async_trait]
pub trait Upstream: Send + Sync {
    /// Makes exactly one attempt, and returns within a bounded time (the implementation's own timeout).
    ///
    /// [`Outcome::NotSent`] promises that no byte of the request can have reached HubSpot; whatever is uncertain is
    /// [`Outcome::Lost`]. Dropping the future abandons the attempt, which then counts as lost.
    async fn send(&self, permit: Permit, token: &Token, call: &Call) -> Outcome;

    /// The same with bodies that flow past. Where the answer flows, its callers have been told when this returns: the
    /// body has flowed past then or was cut, and the outcome holds the head alone.
    ///
    /// Without an implementation of its own it holds all bodies, and sends none that flows.
    async fn send_past(&self, permit: Permit, token: &Token, call: &Call, passages: &Passages) -> Outcome {
        if passages.has_body() {
            let detail = "this way to HubSpot takes no bodies that flow".to_owned();
            return Outcome::NotSent(Cause { kind: CauseKind::Build, detail });
        }
        self.send(permit, token, call).await
    }
}
