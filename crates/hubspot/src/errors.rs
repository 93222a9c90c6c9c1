//! What HubSpot says when it refuses, read without ever failing.
//!
//! Bodies are JSON of several generations, HTML of the edge, or nothing; the same fact appears in different places.
//! This module finds the facts; what to do about them is decided elsewhere (`core::verdict`).
//! Invariant: `Debug` and `Display` never show a message or a context value, because both quote property values.

use std::collections::BTreeMap;
use std::fmt;

use http::HeaderMap;
use serde_json::{Map, Value};

use crate::answer::Answer;
use crate::id::RecordId;
use crate::wire;

mod detail;

pub use detail::{BatchError, ErrorDetail, PropertyError};

/// Categories seen in HubSpot's envelopes; the set is open.
pub mod category {
    /// A value, an input or a body was refused.
    pub const VALIDATION_ERROR: &str = "VALIDATION_ERROR";
    /// No such record; a single read by numeric id says it without a category.
    pub const OBJECT_NOT_FOUND: &str = "OBJECT_NOT_FOUND";
    /// A record with that unique value exists.
    pub const CONFLICT: &str = "CONFLICT";
    /// A property, group or schema of that name exists.
    pub const OBJECT_ALREADY_EXISTS: &str = "OBJECT_ALREADY_EXISTS";
    /// No credential, or one of the wrong kind.
    pub const INVALID_AUTHENTICATION: &str = "INVALID_AUTHENTICATION";
    /// The token has expired, or never was one (then it expired thousands of days ago).
    pub const EXPIRED_AUTHENTICATION: &str = "EXPIRED_AUTHENTICATION";
    /// The token lacks a scope.
    pub const MISSING_SCOPES: &str = "MISSING_SCOPES";
    /// A limit was reached (newer 429 bodies).
    pub const RATE_LIMITS: &str = "RATE_LIMITS";
}

/// Sub-category of an association batch read for a record without associations: an empty answer, not an error.
pub const NO_ASSOCIATIONS_FOUND: &str = "crm.associations.NO_ASSOCIATIONS_FOUND";

/// Characters kept of a body that is no JSON.
const TEXT_KEPT_MAX: usize = 200;

/// What the body was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyKind {
    /// A JSON object: HubSpot itself answered.
    Json,
    /// A page of the edge or of a servlet container: 404 and 405 of unknown paths, 414, 502 to 526.
    Html,
    /// Nothing.
    Empty,
    /// Something else.
    Text,
}

/// The limit that a 429 (rarely a 500) is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateLimit {
    /// The ten-second window.
    TenSecondly,
    /// The window of one second: search.
    Secondly,
    /// The day of the account.
    Daily,
    /// A limit without a name that we know.
    Unnamed,
}

/// A refusal of HubSpot or of something in front of it.
#[derive(Clone, PartialEq, Eq)]
pub struct HubSpotError {
    /// The HTTP status.
    pub status: u16,
    /// What the body was.
    pub body: BodyKind,
    /// `category`; see [`category`]. Often absent.
    pub category: Option<String>,
    /// HubSpot's own sentence. Quotes values: show it to the owner of the data, never log it.
    pub message: String,
    /// `subCategory`, such as `crm.associations.TO_OBJECT_NOT_FOUND`.
    pub sub_category: Option<String>,
    /// `correlationId` of the body or `X-HubSpot-Correlation-Id`: what HubSpot's support asks for.
    pub correlation_id: Option<String>,
    /// `errors`.
    pub errors: Vec<ErrorDetail>,
    /// `context`. Quotes values.
    pub context: BTreeMap<String, Vec<String>>,
    /// `policyName` of older 429 bodies (`TEN_SECONDLY_ROLLING`, `SECONDLY`, `DAILY`).
    pub policy_name: Option<String>,
    /// `errorType` of older 429 bodies (`RATE_LIMIT`).
    pub error_type: Option<String>,
    /// `status` of the body, when it is not `error`: the token endpoint says `BAD_REFRESH_TOKEN` there.
    pub status_text: Option<String>,
    /// `error`: `invalid_grant`, `CONTACT_EXISTS`, `INVALID_OPTION`.
    pub error_code: Option<String>,
    /// `Retry-After` in whole seconds; documented for 477 only.
    pub retry_after_secs: Option<u64>,
    properties: Vec<PropertyError>,
}

impl HubSpotError {
    /// Reads any answer. Never fails: what cannot be understood is kept as text.
    pub fn from_answer(answer: &Answer) -> Self {
        let mut error = Self::from_body(answer.status, &answer.body);
        error.retry_after_secs = header(&answer.headers, "retry-after").and_then(|text| text.trim().parse().ok());
        if error.correlation_id.is_none() {
            error.correlation_id = header(&answer.headers, "x-hubspot-correlation-id").map(str::to_owned);
        }
        error
    }

    /// Reads a body alone.
    pub fn from_body(status: u16, body: &[u8]) -> Self {
        match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => Self::from_fields(status, &fields),
            Ok(_) | Err(_) => Self::from_text(status, &String::from_utf8_lossy(body)),
        }
    }

    fn from_fields(status: u16, fields: &Map<String, Value>) -> Self {
        let errors = detail::details(fields.get("errors"));
        let message = detail::text(fields, "message").unwrap_or_default();
        let properties = detail::property_errors(&message, &errors, fields.get("validationResults"));
        Self {
            status,
            body: BodyKind::Json,
            category: detail::text(fields, "category"),
            sub_category: detail::text(fields, "subCategory"),
            correlation_id: detail::text(fields, "correlationId"),
            context: detail::context(fields.get("context")),
            policy_name: detail::text(fields, "policyName"),
            error_type: detail::text(fields, "errorType"),
            status_text: detail::text(fields, "status").filter(|text| text != "error"),
            error_code: detail::text(fields, "error"),
            retry_after_secs: None,
            errors,
            message,
            properties,
        }
    }

    fn from_text(status: u16, text: &str) -> Self {
        let trimmed = text.trim();
        let body = if trimmed.is_empty() {
            BodyKind::Empty
        } else if trimmed.starts_with('<') {
            BodyKind::Html
        } else {
            BodyKind::Text
        };
        let title = (body == BodyKind::Html).then(|| title(trimmed)).flatten();
        let kept = title.unwrap_or(trimmed).chars().take(TEXT_KEPT_MAX).collect();
        Self {
            status,
            body,
            category: None,
            message: kept,
            sub_category: None,
            correlation_id: None,
            errors: Vec::new(),
            context: BTreeMap::new(),
            policy_name: None,
            error_type: None,
            status_text: None,
            error_code: None,
            retry_after_secs: None,
            properties: Vec::new(),
        }
    }

    /// Whether the category is `name` (see [`category`]).
    pub fn is(&self, name: &str) -> bool {
        self.category.as_deref() == Some(name)
    }

    /// The record that already exists: `context.existingId`, or `Existing ID: 901` in the message. A batch without
    /// trace ids may say a conflict without an id (amp-labs/connectors `err-conflict.json`).
    pub fn existing_id(&self) -> Option<RecordId> {
        detail::existing_id(&self.message, &self.context)
    }

    /// The record that owns the unique value which an update tried to take: the second id of `Cannot set
    /// PropertyValueCoordinates{…} on 901. 902 already has that value.`
    pub fn value_owner(&self) -> Option<RecordId> {
        detail::value_owner(&self.message)
    }

    /// What was wrong with which property: from `errors`, from the JSON inside the message, and from the
    /// `validationResults` of v1, each fact once.
    pub fn property_errors(&self) -> &[PropertyError] {
        &self.properties
    }

    /// Scopes of which one suffices, from whichever place this service puts them.
    pub fn required_scopes(&self) -> Vec<&str> {
        let contexts = self.errors.iter().map(|error| &error.context).chain([&self.context]);
        let keys = ["requiredGranularScopes", "requiredScopes"];
        contexts
            .flat_map(|context| keys.iter().filter_map(|key| context.get(*key)).flatten())
            .map(String::as_str)
            .collect()
    }

    /// Which limit was reached, if this is about limits: a 429, or the 500 that a busy search gives with the same body.
    pub fn rate_limit(&self) -> Option<RateLimit> {
        let said = self.is(category::RATE_LIMITS) || self.error_type.as_deref() == Some("RATE_LIMIT");
        if self.status != 429 && !said {
            return None;
        }
        let policy = self.policy_name.as_deref().unwrap_or(&self.message).to_ascii_lowercase();
        Some(if policy.contains("ten_secondly") {
            RateLimit::TenSecondly
        } else if policy.contains("secondly") {
            RateLimit::Secondly
        } else if policy.contains("daily") {
            RateLimit::Daily
        } else {
            RateLimit::Unnamed
        })
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The title of an HTML page.
fn title(page: &str) -> Option<&str> {
    let (_, rest) = page.split_once("<title>")?;
    let (title, _) = rest.split_once("</title>")?;
    Some(title.trim()).filter(|title| !title.is_empty())
}

impl fmt::Display for HubSpotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HubSpot answered {}", self.status)?;
        for said in [&self.category, &self.sub_category].into_iter().flatten() {
            write!(f, " {said}")?;
        }
        if self.body != BodyKind::Json {
            write!(f, " with a body that is no JSON ({:?})", self.body)?;
        }
        if let Some(id) = &self.correlation_id {
            write!(f, " (correlation id {id})")?;
        }
        Ok(())
    }
}

impl fmt::Debug for HubSpotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HubSpotError")
            .field("status", &self.status)
            .field("body", &self.body)
            .field("category", &self.category)
            .field("sub_category", &self.sub_category)
            .field("correlation_id", &self.correlation_id)
            .field("policy_name", &self.policy_name)
            .field("status_text", &self.status_text)
            .field("error_code", &self.error_code)
            .field("retry_after_secs", &self.retry_after_secs)
            .field("message_chars", &self.message.chars().count())
            .field("properties", &self.properties)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for HubSpotError {}

/// Keeps only the text of a JSON value; used for context entries, which are lists of text almost always.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().cloned().filter_map(wire::scalar).collect(),
        other => wire::scalar(other.clone()).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests;
