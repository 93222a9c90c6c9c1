//! HubSpot's error envelope for the answers that the hub gives itself.
//!
//! Key order on the wire is status, message, then (for rate limits) errorType, then correlationId, then the rest. The
//! correlation id of the body equals the one of the header (163 of 163 recorded errors).

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use jiff::{Timestamp, fmt::rfc2822};
use rand_core::Rng;
use serde_json::{Map, Value};

use crate::{
    dice,
    wire::{ApiAnswer, Millis},
};

/// The content type that HubSpot's JSON answers carry.
const JSON: &str = "application/json;charset=utf-8";
const HTML: &str = "text/html;charset=utf-8";

/// Adds what every answer of the API carries, whatever it says (1,355 of 1,355 recorded ones); `Vary` belongs to bodies.
/// The edge and the servlet container, whose answers have no correlation id, add nothing.
pub(crate) fn add_standing_headers(answer: &mut ApiAnswer) {
    if !answer.headers.contains_key("x-hubspot-correlation-id") {
        return;
    }
    let forever = HeaderValue::from_static("max-age=31536000; includeSubDomains; preload");
    answer.headers.insert(header::STRICT_TRANSPORT_SECURITY, forever);
    answer.headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("false"));
    if !answer.body.is_empty() {
        answer.headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    }
}

/// An error in the making.
pub(crate) struct Envelope {
    status: u16,
    message: String,
    error_type: Option<&'static str>,
    rest: Map<String, Value>,
}

impl Envelope {
    pub(crate) fn new(status: u16, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), error_type: None, rest: Map::new() }
    }

    /// Sets `errorType`, which stands right after the message.
    pub(crate) fn error_type(mut self, error_type: &'static str) -> Self {
        self.error_type = Some(error_type);
        self
    }

    /// Adds a field behind the correlation id.
    pub(crate) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.rest.insert(key.to_owned(), value.into());
        self
    }

    /// Makes the answer, with a new correlation id.
    pub(crate) fn answer(self, now: Millis, dice: &mut dyn Rng) -> ApiAnswer {
        let correlation_id = dice::uuid_v7(now, dice);
        let mut body = Map::new();
        body.insert("status".into(), "error".into());
        body.insert("message".into(), self.message.into());
        if let Some(error_type) = self.error_type {
            body.insert("errorType".into(), error_type.into());
        }
        body.insert("correlationId".into(), correlation_id.as_str().into());
        body.extend(self.rest);
        let mut answer = json(self.status, &Value::Object(body));
        let id = HeaderValue::from_str(&correlation_id).expect("invariant: a UUID is a header value");
        answer.headers.insert("x-hubspot-correlation-id", id);
        answer
    }
}

/// Makes a JSON answer.
pub(crate) fn json(status: u16, body: &Value) -> ApiAnswer {
    with_type(status, JSON, body.to_string())
}

/// Makes the page that the edge in front of HubSpot gives: no JSON, no correlation id.
pub(crate) fn html(status: u16, title: &str) -> ApiAnswer {
    let page = format!(
        "<html>\n<head><title>{status} {title}</title></head>\n<body>\n<center><h1>{status} {title}</h1></center>\n</body>\n</html>\n"
    );
    with_type(status, HTML, page)
}

/// Makes an answer with a given body, JSON if it parses as such.
pub(crate) fn verbatim(status: u16, body: String) -> ApiAnswer {
    let kind = if serde_json::from_str::<Value>(&body).is_ok() { JSON } else { HTML };
    with_type(status, kind, body)
}

/// Formats an instant as HubSpot does: three digits of fraction, none when they are zero.
pub(crate) fn iso(instant: Timestamp) -> String {
    let whole = instant.as_millisecond().rem_euclid(1000) == 0;
    if whole { format!("{instant:.0}") } else { format!("{instant:.3}") }
}

/// The `Date` header: the simulated clock's, so that a client can measure the skew.
pub(crate) fn http_date(now: Millis) -> Option<HeaderValue> {
    let instant = Timestamp::from_millisecond(now.0).ok()?;
    let text = rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&instant).ok()?;
    HeaderValue::from_str(&text).ok()
}

fn with_type(status: u16, kind: &'static str, body: String) -> ApiAnswer {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    ApiAnswer { status, headers, body: Bytes::from(body) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_have_three_digits_or_none() {
        let at = |ms| iso(Timestamp::from_millisecond(ms).unwrap());
        assert_eq!(at(1_773_309_600_000), "2026-03-12T10:00:00Z");
        assert_eq!(at(1_773_309_600_120), "2026-03-12T10:00:00.120Z");
    }

    #[test]
    fn a_given_body_is_json_only_if_it_parses() {
        let kind =
            |body: &str| verbatim(500, body.to_owned()).headers[header::CONTENT_TYPE].to_str().unwrap().to_owned();
        assert_eq!(kind("{}"), JSON);
        assert_eq!(kind("<html>"), HTML);
    }
}
