//! What came back over the wire, undecoded.

use std::fmt;

use bytes::Bytes;
use http::HeaderMap;

/// One whole answer of HubSpot, any status.
///
/// `Debug` shows the status and the size of the body, never its text: safe to log.
#[derive(Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Response headers.
    pub headers: HeaderMap,
    /// The body, as received (decompressed).
    pub body: Bytes,
}

impl Answer {
    /// Whether the status is 2xx. A 207 is one as well: look at its errors.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("headers", &self.headers.len())
            .field("body_bytes", &self.body.len())
            .finish()
    }
}
