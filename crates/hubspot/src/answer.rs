//! What came back over the wire, undecoded.

use bytes::Bytes;
use http::HeaderMap;

/// One whole answer of HubSpot, any status.
#[derive(Clone, Debug)]
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
