//! Answers and refusals before they get their correlation id, and the envelope that HubSpot puts around errors.
//!
//! Wire order of an error's keys: status, message, correlationId, context or errors, category, subCategory.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use rand_core::Rng;
use serde_json::{Map, Value};

use crate::wire::{ApiAnswer, Millis};

const CORRELATION_ID: HeaderName = HeaderName::from_static("x-hubspot-correlation-id");
const NOT_FOUND: HeaderName = HeaderName::from_static("x-hubspot-notfound");
const JSON: HeaderValue = HeaderValue::from_static("application/json;charset=utf-8");
const HTML: HeaderValue = HeaderValue::from_static("text/html;charset=iso-8859-1");

/// The wrong values that one refusal lists, and the allowed ones that it names beside them: a body of some megabytes
/// holds more of them than anybody reads, and its refusal must not be larger than the body.
pub(super) const LISTED_MAX: usize = 1_000;

/// Context of an error: names with their values.
pub(super) type Context = Vec<(&'static str, Vec<String>)>;

/// What a handler returns.
pub(super) type Outcome<T = Reply> = Result<T, Refusal>;

/// A successful answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
    pub(super) location: Option<String>,
}

impl Reply {
    /// 200 with a JSON body.
    pub(super) fn ok(body: &Value) -> Self {
        Self::json(200, body)
    }

    /// Any status with a JSON body.
    pub(super) fn json(status: u16, body: &Value) -> Self {
        Self { status, body: body.to_string().into_bytes(), location: None }
    }

    /// Any status with a body that is JSON already.
    pub(super) fn written(status: u16, body: Vec<u8>) -> Self {
        Self { status, body, location: None }
    }

    /// 204 without a body.
    pub(super) fn no_content() -> Self {
        Self { status: 204, body: Vec::new(), location: None }
    }
}

/// How a refusal looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// HubSpot's JSON envelope.
    Envelope,
    /// The page of the servlet container.
    Page,
}

/// An answer that is not a success; boxed, because success is what calls mostly return.
#[derive(Debug)]
pub(super) struct Refusal(Box<Detail>);

#[derive(Debug)]
struct Detail {
    status: u16,
    message: String,
    category: Option<&'static str>,
    sub_category: Option<&'static str>,
    context: Context,
    errors: Vec<Value>,
    shape: Shape,
}

impl Refusal {
    /// An envelope with a status and a message and nothing else.
    pub(super) fn bare(status: u16, message: impl Into<String>) -> Self {
        Self(Box::new(Detail {
            status,
            message: message.into(),
            category: None,
            sub_category: None,
            context: Vec::new(),
            errors: Vec::new(),
            shape: Shape::Envelope,
        }))
    }

    /// 400 with category `VALIDATION_ERROR`.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::bare(400, message).category("VALIDATION_ERROR")
    }

    /// The 404 of a record, property or whatever has a well-formed name but does not exist.
    pub(super) fn missing() -> Self {
        Self::bare(404, "resource not found")
    }

    /// The servlet container's page for a path that does not exist.
    pub(super) fn no_such_path() -> Self {
        let mut page = Self::bare(404, "Not Found");
        page.0.shape = Shape::Page;
        page
    }

    /// The servlet container's page for a path that exists with other methods.
    pub(super) fn wrong_method() -> Self {
        let mut page = Self::bare(405, "Method Not Allowed");
        page.0.shape = Shape::Page;
        page
    }

    /// The servlet container's page for a body that is not declared as JSON.
    pub(super) fn wrong_media_type() -> Self {
        let mut page = Self::bare(415, "Unsupported Media Type");
        page.0.shape = Shape::Page;
        page
    }

    /// A body that is JSON but lacks required fields.
    pub(super) fn unset_fields(fields: &[&str]) -> Self {
        Self::bare(
            400,
            format!(
                "Invalid input JSON on line 1, column 2. Some required fields were not set: [{}]",
                fields.join(", ")
            ),
        )
    }

    pub(super) fn category(mut self, category: &'static str) -> Self {
        self.0.category = Some(category);
        self
    }

    pub(super) fn sub_category(mut self, sub_category: &'static str) -> Self {
        self.0.sub_category = Some(sub_category);
        self
    }

    /// Adds values to the context; the first [`LISTED_MAX`] are shown.
    pub(super) fn context(mut self, name: &'static str, values: Vec<String>) -> Self {
        self.0.context.push((name, values));
        self
    }

    /// Lists what is wrong; the first [`LISTED_MAX`] are kept.
    pub(super) fn errors(mut self, errors: impl Iterator<Item = Value>) -> Self {
        self.0.errors = errors.take(LISTED_MAX).collect();
        self
    }
}

impl Detail {
    fn envelope(&self, correlation: &str) -> Value {
        let mut body = Map::new();
        body.insert("status".into(), "error".into());
        body.insert("message".into(), self.message.as_str().into());
        body.insert("correlationId".into(), correlation.into());
        if !self.context.is_empty() {
            body.insert("context".into(), context_json(&self.context));
        }
        if !self.errors.is_empty() {
            body.insert("errors".into(), Value::Array(self.errors.clone()));
        }
        if let Some(category) = self.category {
            body.insert("category".into(), category.into());
        }
        if let Some(sub_category) = self.sub_category {
            body.insert("subCategory".into(), sub_category.into());
        }
        Value::Object(body)
    }

    fn page(&self) -> String {
        format!(
            "<html>\n<head>\n<meta http-equiv=\"Content-Type\" content=\"text/html;charset=ISO-8859-1\"/>\n\
             <title>Error {0} {1}</title>\n</head>\n<body><h2>HTTP ERROR {0} {1}</h2>\n</body>\n</html>\n",
            self.status, self.message
        )
    }
}

/// One entry of `errors` in the 207 answer of a batch.
#[derive(Debug)]
pub(super) struct BatchError {
    pub(super) category: &'static str,
    pub(super) sub_category: Option<&'static str>,
    pub(super) message: String,
    pub(super) context: Context,
}

impl BatchError {
    /// The entry as it stands in the answer.
    pub(super) fn to_json(&self) -> Value {
        let mut entry = Map::new();
        entry.insert("status".into(), "error".into());
        entry.insert("category".into(), self.category.into());
        if let Some(sub_category) = self.sub_category {
            entry.insert("subCategory".into(), sub_category.into());
        }
        entry.insert("message".into(), self.message.as_str().into());
        if !self.context.is_empty() {
            entry.insert("context".into(), context_json(&self.context));
        }
        Value::Object(entry)
    }
}

fn context_json(context: &Context) -> Value {
    let listed = |values: &[String]| values.iter().take(LISTED_MAX).map(|value| Value::from(value.as_str())).collect();
    Value::Object(context.iter().map(|(name, values)| ((*name).to_owned(), listed(values))).collect())
}

/// Turns an outcome into what goes onto the wire.
pub(super) fn finish(outcome: Outcome, correlation: &str) -> ApiAnswer {
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_str(correlation) {
        headers.insert(CORRELATION_ID, value);
    }
    let (status, body) = match outcome {
        Ok(reply) => {
            if reply.status != 204 {
                headers.insert(CONTENT_TYPE, JSON);
            }
            if let Some(Ok(location)) = reply.location.map(HeaderValue::try_from) {
                headers.insert(LOCATION, location);
            }
            (reply.status, reply.body)
        }
        Err(Refusal(refusal)) if refusal.shape == Shape::Page => {
            headers.insert(CONTENT_TYPE, HTML);
            (refusal.status, refusal.page().into_bytes())
        }
        Err(Refusal(refusal)) => {
            headers.insert(CONTENT_TYPE, JSON);
            if refusal.status == 404 {
                headers.insert(NOT_FOUND, HeaderValue::from_static("true"));
            }
            (refusal.status, refusal.envelope(correlation).to_string().into_bytes())
        }
    };
    ApiAnswer { status, headers, body: Bytes::from(body) }
}

/// A version 7 UUID from the portal's time and the call's dice.
pub(super) fn uuid_v7(now: Millis, dice: &mut dyn Rng) -> String {
    let time = now.0.unsigned_abs() & 0xffff_ffff_ffff;
    let (high, low) = (dice.next_u32(), dice.next_u64());
    format!(
        "{:08x}-{:04x}-7{:03x}-{:04x}-{:012x}",
        time >> 16,
        time & 0xffff,
        high & 0xfff,
        0x8000 | (low >> 50),
        low & 0xffff_ffff_ffff
    )
}
