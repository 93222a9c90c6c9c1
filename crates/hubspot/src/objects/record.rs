//! What reads and writes of objects return.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

use crate::errors::BatchError;
use crate::id::{ObjectType, RecordId};
use crate::wire::{self, Paging, null_as_default, properties, record_id, text, text_or_none};

/// One record as HubSpot returned it. `Debug` shows names of properties, not values.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Its id: after a merge another one than was asked for.
    #[serde(deserialize_with = "record_id")]
    pub id: RecordId,
    /// Values as text; none for a requested property that was never set, `""` for one that was cleared.
    #[serde(default, deserialize_with = "properties")]
    pub properties: BTreeMap<String, Option<String>>,
    /// ISO 8601 in UTC; without a fraction when the milliseconds are zero.
    #[serde(default)]
    pub created_at: Option<String>,
    /// Like `created_at`. A write that changes nothing does not move it.
    #[serde(default)]
    pub updated_at: Option<String>,
    /// Whether it is in the recycle bin.
    #[serde(default, deserialize_with = "null_as_default")]
    pub archived: bool,
    /// Since when.
    #[serde(default)]
    pub archived_at: Option<String>,
    /// Its page in HubSpot's web application.
    #[serde(default)]
    pub url: Option<String>,
    /// Past values, newest first, when asked for.
    #[serde(default, rename = "propertiesWithHistory", deserialize_with = "null_as_default")]
    pub history: BTreeMap<String, Vec<HistoryEntry>>,
    /// First page of each list of associations, by plural name, when asked for.
    #[serde(default, deserialize_with = "null_as_default")]
    associations: BTreeMap<String, InlineList>,
}

impl Record {
    /// The value of a property: none when it is not set, empty, or was not returned.
    pub fn value(&self, property: &str) -> Option<&str> {
        self.properties.get(property)?.as_deref().filter(|value| !value.is_empty())
    }

    /// The associations to `object_type` that came with the record. A target stands once per association type.
    pub fn associations(&self, object_type: &ObjectType) -> Vec<InlineAssociation> {
        let lists = self.associations.iter().filter(|(name, _)| ObjectType::canonical(name) == *object_type);
        lists.flat_map(|(_, list)| list.results.iter().cloned()).collect()
    }

    /// Whether the record has more associations to `object_type` than came with it.
    pub fn more_associations(&self, object_type: &ObjectType) -> bool {
        let mut lists = self.associations.iter().filter(|(name, _)| ObjectType::canonical(name) == *object_type);
        lists.any(|(_, list)| list.more)
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("id", &self.id)
            .field("properties", &self.properties.keys())
            .field("updated_at", &self.updated_at)
            .field("archived", &self.archived)
            .finish_non_exhaustive()
    }
}

/// One past value.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HistoryEntry {
    /// The value.
    #[serde(default, deserialize_with = "text_or_none")]
    pub value: Option<String>,
    /// Since when.
    #[serde(default)]
    pub timestamp: Option<String>,
    /// Who set it: `API`, `CRM_UI`, `INTEGRATION`, `CALCULATED`, …
    #[serde(default)]
    pub source_type: Option<String>,
    /// Which app or user.
    #[serde(default, deserialize_with = "text_or_none")]
    pub source_id: Option<String>,
}

impl fmt::Debug for HistoryEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HistoryEntry")
            .field("timestamp", &self.timestamp)
            .field("source_type", &self.source_type)
            .finish_non_exhaustive()
    }
}

/// One association that came with a record.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct InlineAssociation {
    /// The record at the other end.
    #[serde(deserialize_with = "record_id")]
    pub id: RecordId,
    /// Its type by name, such as `contact_to_company_unlabeled`.
    #[serde(default, rename = "type", deserialize_with = "text")]
    pub name: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "InlineBody")]
struct InlineList {
    results: Vec<InlineAssociation>,
    more: bool,
}

#[derive(Deserialize)]
struct InlineBody {
    #[serde(default, deserialize_with = "null_as_default")]
    results: Vec<InlineAssociation>,
    #[serde(default)]
    paging: Option<Paging>,
}

impl From<InlineBody> for InlineList {
    fn from(body: InlineBody) -> Self {
        Self { more: wire::after(body.paging).is_some(), results: body.results }
    }
}

/// One record that a batch returned.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct BatchResult {
    /// The record.
    #[serde(flatten)]
    pub record: Record,
    /// The trace id of its input. A successful result may come without it.
    #[serde(default, rename = "objectWriteTraceId", deserialize_with = "text_or_none")]
    pub trace_id: Option<String>,
    /// Upsert only: whether the record was created.
    #[serde(default)]
    pub new: Option<bool>,
}

/// What became of a batch: 200, 201 and 207 alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchOutcome<T = BatchResult> {
    /// What succeeded, in no particular order.
    pub results: Vec<T>,
    /// What did not. An input in neither list is an open question, not a success.
    pub errors: Vec<BatchError>,
    /// HubSpot's own count: inputs of association reads, entries elsewhere.
    pub num_errors: u64,
}

impl<T> Default for BatchOutcome<T> {
    fn default() -> Self {
        Self { results: Vec::new(), errors: Vec::new(), num_errors: 0 }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for BatchOutcome<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase", bound = "T: Deserialize<'de>")]
        struct Body<T> {
            #[serde(default = "Vec::new", deserialize_with = "null_as_default")]
            results: Vec<T>,
            #[serde(default, deserialize_with = "null_as_default")]
            errors: Vec<BatchError>,
            #[serde(default, deserialize_with = "wire::number_or_none")]
            num_errors: Option<u64>,
        }
        let body = Body::deserialize(deserializer)?;
        let counted = u64::try_from(body.errors.len()).unwrap_or(u64::MAX);
        Ok(Self { results: body.results, num_errors: body.num_errors.unwrap_or(counted), errors: body.errors })
    }
}
