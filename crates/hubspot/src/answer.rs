//! What came back over the wire, undecoded.

use std::fmt;

use bytes::Bytes;
use http::HeaderMap;
use http::header::DATE;

use crate::value::instant_ms;

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

    /// What HubSpot's clock said when it answered, in milliseconds since 1970, cut to the second; none without a `Date`
    /// header in the one form that RFC 9110 lets servers write (`Sun, 06 Nov 1994 08:49:37 GMT`).
    pub fn date_ms(&self) -> Option<i64> {
        const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let mut parts = self.headers.get(DATE)?.to_str().ok()?.split_once(", ")?.1.split(' ');
        let (day, month, year, time) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let month = MONTHS.iter().position(|name| *name == month)? + 1;
        if parts.next() != Some("GMT") || parts.next().is_some() {
            return None;
        }
        instant_ms(&format!("{year}-{month:02}-{day}T{time}Z"))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn at(date: &'static str) -> Option<i64> {
        let headers = HeaderMap::from_iter([(DATE, http::HeaderValue::from_static(date))]);
        Answer { status: 200, headers, body: Bytes::new() }.date_ms()
    }

    #[test]
    fn the_date_header_is_read_in_its_one_form() {
        assert_eq!(at("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777_000));
        for wrong in ["", "06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 06 Foo 1994 08:49:37 GMT"]
        {
            assert_eq!(at(wrong), None, "{wrong}");
        }
        assert_eq!(Answer { status: 200, headers: HeaderMap::new(), body: Bytes::new() }.date_ms(), None);
    }
}
