//! Requests and answers as the model sees them: no sockets, no runtime.

use bytes::Bytes;
use http::{HeaderMap, Method};

/// Milliseconds since the Unix epoch, on the simulated wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millis(pub i64);

/// One request as it came off the wire, its path and query still percent-encoded.
#[derive(Clone, Debug)]
pub struct ApiRequest {
    /// The HTTP method.
    pub method: Method,
    /// The path without the query, as received.
    pub path: String,
    /// The raw query without the question mark; empty when there is none.
    pub query: String,
    /// All request headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

/// One answer before it goes onto the wire.
#[derive(Clone, Debug)]
pub struct ApiAnswer {
    /// The HTTP status.
    pub status: u16,
    /// Response headers, `Content-Type` included.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}
