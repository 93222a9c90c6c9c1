//! Requests and answers as the model sees them: no sockets, no runtime.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, Method};

/// Milliseconds since the Unix epoch, on the simulated wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Millis(pub i64);

/// One request as it came off the wire, its path and query still percent-encoded. Printing it shows neither headers nor
/// body: they hold tokens and people's data.
#[derive(Clone)]
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

impl fmt::Debug for ApiRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiRequest")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
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
