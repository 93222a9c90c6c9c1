//! The parts inside an envelope: details, batch errors, property errors, and the ids that only messages tell.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::errors::texts;
use crate::id::RecordId;

/// One entry of `errors` in an envelope.
#[derive(Clone, PartialEq, Eq)]
pub struct ErrorDetail {
    /// HubSpot's sentence. Quotes values: never log it.
    pub message: String,
    /// Such as `PROPERTY_DOESNT_EXIST`.
    pub code: Option<String>,
    /// `subCategory`.
    pub sub_category: Option<String>,
    /// `in`: the parameter it is about.
    pub parameter: Option<String>,
    /// `context`.
    pub context: BTreeMap<String, Vec<String>>,
}

impl fmt::Debug for ErrorDetail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ErrorDetail")
            .field("code", &self.code)
            .field("sub_category", &self.sub_category)
            .field("parameter", &self.parameter)
            .finish_non_exhaustive()
    }
}

/// What was wrong with one property of a write.
#[derive(Clone, PartialEq, Eq)]
pub struct PropertyError {
    /// The internal name.
    pub name: String,
    /// Such as `INVALID_OPTION`.
    pub code: String,
    /// HubSpot's sentence. Quotes the value: show it to the owner of the data, never log it.
    pub message: String,
}

impl fmt::Debug for PropertyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.code)
    }
}

/// One entry of `errors` in a 207: what became of one input, or of several.
#[derive(Clone, PartialEq, Eq)]
pub struct BatchError {
    /// `category`, see [`crate::errors::category`].
    pub category: Option<String>,
    /// HubSpot's sentence. Quotes values: never log it.
    pub message: String,
    /// `subCategory`.
    pub sub_category: Option<String>,
    /// Which inputs, and more. Quotes values.
    pub context: BTreeMap<String, Vec<String>>,
    properties: Vec<PropertyError>,
}

impl BatchError {
    /// The inputs by the `objectWriteTraceId` that they were sent with.
    pub fn trace_ids(&self) -> &[String] {
        self.values("objectWriteTraceId")
    }

    /// The inputs by id, as sent (`context.ids`, or `context.id` of an association).
    pub fn ids(&self) -> &[String] {
        let ids = self.values("ids");
        if ids.is_empty() { self.values("id") } else { ids }
    }

    /// The record that already exists: `context.existingId`, or `Existing ID: 901` in the message.
    pub fn existing_id(&self) -> Option<RecordId> {
        existing_id(&self.message, &self.context)
    }

    /// The record that owns the unique value which the input tried to take.
    pub fn value_owner(&self) -> Option<RecordId> {
        value_owner(&self.message)
    }

    /// What was wrong with which property.
    pub fn property_errors(&self) -> &[PropertyError] {
        &self.properties
    }

    /// Whether the category is `name`.
    pub fn is(&self, name: &str) -> bool {
        self.category.as_deref() == Some(name)
    }

    fn values(&self, key: &str) -> &[String] {
        self.context.get(key).map_or(&[], Vec::as_slice)
    }
}

impl fmt::Debug for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchError")
            .field("category", &self.category)
            .field("sub_category", &self.sub_category)
            .field("trace_ids", &self.trace_ids())
            .field("properties", &self.properties)
            .finish_non_exhaustive()
    }
}

impl<'de> Deserialize<'de> for BatchError {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let empty = Map::new();
        let fields = value.as_object().unwrap_or(&empty);
        let message = text(fields, "message").unwrap_or_default();
        let nested = details(fields.get("errors"));
        Ok(Self {
            category: text(fields, "category"),
            sub_category: text(fields, "subCategory"),
            context: context(fields.get("context")),
            properties: property_errors(&message, &nested, None),
            message,
        })
    }
}

pub(super) fn text(fields: &Map<String, Value>, name: &str) -> Option<String> {
    fields.get(name).and_then(Value::as_str).map(str::to_owned)
}

pub(super) fn context(value: Option<&Value>) -> BTreeMap<String, Vec<String>> {
    let Some(Value::Object(fields)) = value else { return BTreeMap::new() };
    fields.iter().map(|(key, value)| (key.clone(), texts(value))).collect()
}

pub(super) fn details(value: Option<&Value>) -> Vec<ErrorDetail> {
    let entries = value.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    entries.iter().filter_map(Value::as_object).map(detail).collect()
}

fn detail(fields: &Map<String, Value>) -> ErrorDetail {
    ErrorDetail {
        message: text(fields, "message").unwrap_or_default(),
        code: text(fields, "code"),
        sub_category: text(fields, "subCategory"),
        parameter: text(fields, "in"),
        context: context(fields.get("context")),
    }
}

/// Collects property errors from the three places where they occur; the lists may differ in length and repeat facts
/// (amp-labs/connectors `err-many-invalid-properties.json` has four and three of two).
pub(super) fn property_errors(
    message: &str,
    errors: &[ErrorDetail],
    validation_results: Option<&Value>,
) -> Vec<PropertyError> {
    let named = errors.iter().flat_map(|error| {
        let names = error.context.get("propertyName").map_or(&[][..], Vec::as_slice);
        names.iter().map(|name| PropertyError {
            name: name.clone(),
            code: error.code.clone().unwrap_or_default(),
            message: error.message.clone(),
        })
    });
    let embedded = embedded(message);
    let listed = validation_results.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let old = embedded.iter().chain(listed).filter_map(Value::as_object).filter_map(|fields| {
        Some(PropertyError {
            name: text(fields, "name")?,
            code: text(fields, "error").unwrap_or_default(),
            message: text(fields, "message").unwrap_or_default(),
        })
    });
    let mut found: Vec<PropertyError> = Vec::new();
    for error in named.chain(old) {
        if !found.iter().any(|known| known.name == error.name && known.code == error.code) {
            found.push(error);
        }
    }
    found
}

/// The JSON list after `Property values were not valid: `; text behind the list is ignored, a cut list is no list.
fn embedded(message: &str) -> Vec<Value> {
    let Some((_, rest)) = message.split_once("Property values were not valid") else { return Vec::new() };
    let list = rest.trim_start_matches([':', ' ']);
    let mut stream = serde_json::Deserializer::from_str(list).into_iter::<Vec<Value>>();
    stream.next().and_then(Result::ok).unwrap_or_default()
}

pub(super) fn existing_id(message: &str, context: &BTreeMap<String, Vec<String>>) -> Option<RecordId> {
    let told = context.get("existingId").and_then(|ids| ids.first()).and_then(|id| id.parse().ok());
    told.or_else(|| leading_id(message.split_once("Existing ID: ")?.1))
}

/// The second id of `… on 901. 902 already has that value.`
pub(super) fn value_owner(message: &str) -> Option<RecordId> {
    let (before, _) = message.split_once(" already has that value")?;
    leading_id(before.rsplit(|c: char| !c.is_ascii_digit()).next()?)
}

fn leading_id(text: &str) -> Option<RecordId> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.get(..end)?.parse().ok()
}
