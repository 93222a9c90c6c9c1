//! CRM objects: list, single calls and batches (<https://developers.hubspot.com/docs/guides/crm/using-object-apis>).
//!
//! Every value of a property is text. In a write, `""` clears and null does nothing, so inputs have no null.
//! The order of a batch's results is not the order of its inputs: match by id, unique value or trace id.
//! Creators of batches cut them at [`sizes::BATCH_INPUTS_MAX`] (each has a `split`); HubSpot refuses a longer one whole, and one that
//! names an id twice.

use std::collections::BTreeMap;
use std::fmt;

use http::Method;
use serde::Serialize;

use crate::answer::Answer;
use crate::call::Call;
use crate::endpoint::{ApiError, Endpoint, body, paged, success};
use crate::id::{AssociationType, ObjectType, RecordId};
use crate::limits::sizes::{self, OverLimit, at_most};
use crate::version::{ApiVersion, Surface};
use crate::wire::{Inputs, PageBody};

mod batches;
mod merge;
mod record;

pub use crate::wire::Page;
pub use batches::{BatchArchive, BatchCreate, BatchRead, BatchUpdate, BatchUpsert, UpdateInput, UpsertInput};
pub use merge::{Merge, PrivacyDelete};
pub use record::{BatchOutcome, BatchResult, HistoryEntry, InlineAssociation, Record};

/// What a read returns besides ids and dates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    /// Properties; none asks for HubSpot's defaults. Unknown names are left out silently.
    pub properties: Vec<String>,
    /// Properties with their past values.
    pub history: Vec<String>,
    /// Object types whose associations are wanted (single read and list only).
    pub associations: Vec<ObjectType>,
    /// Archived records instead of live ones.
    pub archived: bool,
}

impl Fields {
    /// Live records with these properties.
    pub fn of<I: IntoIterator<Item = S>, S: Into<String>>(properties: I) -> Self {
        Self { properties: properties.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    fn apply(&self, mut call: Call) -> Call {
        let types: Vec<&str> = self.associations.iter().map(ObjectType::as_str).collect();
        let lists = [
            ("properties", self.properties.join(",")),
            ("propertiesWithHistory", self.history.join(",")),
            ("associations", types.join(",")),
        ];
        for (name, value) in lists.into_iter().filter(|(_, value)| !value.is_empty()) {
            call = call.with_query(name, value);
        }
        if self.archived { call.with_query("archived", "true") } else { call }
    }
}

/// GET one page of all records, ascending by id; does not lag behind writes.
#[derive(Clone, Debug)]
pub struct List {
    /// Of which type.
    pub object_type: ObjectType,
    /// Records per page, at most [`sizes::LIST_MAX`].
    pub limit: u32,
    /// From the previous page; a record id in practice.
    pub after: Option<String>,
    /// What to return.
    pub fields: Fields,
}

impl Endpoint for List {
    type Output = Page<Record>;

    fn call(&self, version: ApiVersion) -> Call {
        let path = Surface::Objects.path(version, &[self.object_type.as_str()]);
        let mut call = Call::new(Method::GET, path).with_query("limit", self.limit.to_string());
        if let Some(after) = &self.after {
            call = call.with_query("after", after);
        }
        self.fields.apply(call)
    }

    fn decode(&self, answer: &Answer) -> Result<Self::Output, ApiError> {
        body::<PageBody<Record>>(answer, "a list of records").map(PageBody::into_page)
    }

    fn check(&self) -> Result<(), OverLimit> {
        let max = if self.fields.history.is_empty() { sizes::LIST_MAX } else { sizes::LIST_WITH_HISTORY_MAX };
        at_most("records of a page", self.limit, max)
    }
}

paged!(List, Record);

/// GET one record. A merged id answers with the survivor, under another id.
#[derive(Clone, Debug)]
pub struct Read {
    /// Of which type.
    pub object_type: ObjectType,
    /// Its id, or the value of `id_property`.
    pub id: String,
    /// A property with unique values, or `email` of contacts.
    pub id_property: Option<String>,
    /// What to return.
    pub fields: Fields,
}

impl Endpoint for Read {
    type Output = Record;

    fn call(&self, version: ApiVersion) -> Call {
        let path = Surface::Objects.path(version, &[self.object_type.as_str(), &self.id]);
        self.fields.apply(with_id_property(Call::new(Method::GET, path), self.id_property.as_deref()))
    }

    fn decode(&self, answer: &Answer) -> Result<Record, ApiError> {
        body(answer, "a record")
    }
}

fn with_id_property(call: Call, id_property: Option<&str>) -> Call {
    match id_property {
        Some(name) => call.with_query("idProperty", name),
        None => call,
    }
}

/// What a new record begins with; also one input of a batch create. `Debug` shows names of properties, not values.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateInput {
    /// Values by property.
    pub properties: BTreeMap<String, String>,
    /// Associations to make at once. They are not echoed in the answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub associations: Vec<NewAssociation>,
    /// Our name for the input, echoed in errors. When every input has one, a batch succeeds in part.
    #[serde(rename = "objectWriteTraceId", skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
}

impl CreateInput {
    /// These values, no associations, no trace id.
    pub fn of<N: Into<String>, V: Into<String>>(properties: impl IntoIterator<Item = (N, V)>) -> Self {
        let properties = properties.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { properties, ..Self::default() }
    }
}

impl fmt::Debug for CreateInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreateInput")
            .field("properties", &self.properties.keys())
            .field("associations", &self.associations)
            .field("trace_id", &self.trace_id)
            .finish()
    }
}

/// An association made together with its record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewAssociation {
    to: IdText,
    types: Vec<AssociationType>,
}

impl NewAssociation {
    /// To `to`, with types that are valid in the direction from the new record.
    pub fn new(to: RecordId, types: Vec<AssociationType>) -> Self {
        Self { to: IdText::from(to), types }
    }
}

/// `{"id": "901"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct IdText {
    id: String,
}

impl From<RecordId> for IdText {
    fn from(id: RecordId) -> Self {
        Self { id: id.to_string() }
    }
}

/// POST one new record. A repeat may create a second one.
#[derive(Clone, Debug)]
pub struct Create {
    /// Of which type.
    pub object_type: ObjectType,
    /// What it begins with.
    pub input: CreateInput,
}

impl Endpoint for Create {
    type Output = Record;

    fn call(&self, version: ApiVersion) -> Call {
        let path = Surface::Objects.path(version, &[self.object_type.as_str()]);
        Call::new(Method::POST, path).with_json(&self.input)
    }

    fn decode(&self, answer: &Answer) -> Result<Record, ApiError> {
        body(answer, "a created record")
    }
}

/// PATCH one record. Without any property HubSpot answers 400.
#[derive(Clone, Debug)]
pub struct Update {
    /// Of which type.
    pub object_type: ObjectType,
    /// Its id, or the value of `id_property`.
    pub id: String,
    /// A property with unique values.
    pub id_property: Option<String>,
    /// New values; `""` clears.
    pub properties: BTreeMap<String, String>,
}

impl Endpoint for Update {
    type Output = Record;

    fn call(&self, version: ApiVersion) -> Call {
        #[derive(Serialize)]
        struct Body<'a> {
            properties: &'a BTreeMap<String, String>,
        }
        let path = Surface::Objects.path(version, &[self.object_type.as_str(), &self.id]);
        let call = with_id_property(Call::new(Method::PATCH, path), self.id_property.as_deref());
        call.with_json(&Body { properties: &self.properties })
    }

    fn decode(&self, answer: &Answer) -> Result<Record, ApiError> {
        body(answer, "an updated record")
    }
}

/// DELETE one record into the recycle bin. An unknown or archived id is a success as well.
#[derive(Clone, Debug)]
pub struct Archive {
    /// Of which type.
    pub object_type: ObjectType,
    /// Which record.
    pub id: RecordId,
}

impl Endpoint for Archive {
    type Output = ();

    fn call(&self, version: ApiVersion) -> Call {
        let id = self.id.to_string();
        Call::new(Method::DELETE, Surface::Objects.path(version, &[self.object_type.as_str(), &id]))
    }

    fn decode(&self, answer: &Answer) -> Result<(), ApiError> {
        success(answer)
    }
}

/// A POST to `…/batch/{verb}` of a type.
fn batch_call<T: Serialize>(object_type: &ObjectType, verb: &str, version: ApiVersion, inputs: &[T]) -> Call {
    let path = Surface::Objects.path(version, &[object_type.as_str(), "batch", verb]);
    Call::new(Method::POST, path).with_json(&Inputs { inputs })
}

#[cfg(test)]
mod tests;
