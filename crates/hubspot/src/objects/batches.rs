//! The five object batches.

use std::collections::BTreeMap;
use std::fmt;

use http::Method;
use serde::Serialize;

use super::{BatchOutcome, CreateInput, batch_call};
use crate::answer::Answer;
use crate::call::Call;
use crate::endpoint::{ApiError, Endpoint, body, endpoint, one, success};
use crate::id::{ObjectType, RecordId};
use crate::limits::sizes::{BATCH_INPUTS_MAX, BATCH_INPUTS_WITH_HISTORY_MAX, OverLimit, at_most, cut};
use crate::objects::IdText;
use crate::version::{ApiVersion, Surface};

/// POST `batch/read`. Records that do not exist share one `OBJECT_NOT_FOUND` error whose `ids()` name them.
#[derive(Clone, Debug)]
pub struct BatchRead {
    /// Of which type.
    pub object_type: ObjectType,
    /// Ids, or values of `id_property`; no duplicates.
    pub ids: Vec<String>,
    /// A property with unique values, or `email` of contacts, for all of them.
    pub id_property: Option<String>,
    /// Properties; none asks for HubSpot's defaults. An unknown one may fail the batch.
    pub properties: Vec<String>,
    /// Properties with their past values; then at most [`BATCH_INPUTS_WITH_HISTORY_MAX`] inputs.
    pub history: Vec<String>,
    /// Archived records instead of live ones.
    pub archived: bool,
}

#[derive(Serialize)]
struct IdInput<'a> {
    id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BatchReadBody<'a> {
    inputs: Vec<IdInput<'a>>,
    properties: &'a [String],
    properties_with_history: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    id_property: Option<&'a str>,
}

impl BatchRead {
    /// How many inputs HubSpot takes: fewer with history.
    fn inputs_max(&self) -> usize {
        if self.history.is_empty() { BATCH_INPUTS_MAX } else { BATCH_INPUTS_WITH_HISTORY_MAX }
    }

    /// The same as as many calls as HubSpot's limit demands; none without inputs.
    pub fn split(self) -> Vec<Self> {
        let (max, mut rest) = (self.inputs_max(), self);
        let ids = std::mem::take(&mut rest.ids);
        cut(ids, max).into_iter().map(|ids| Self { ids, ..rest.clone() }).collect()
    }
}

impl Endpoint for BatchRead {
    type Output = BatchOutcome;

    fn call(&self, version: ApiVersion) -> Call {
        let body = BatchReadBody {
            inputs: self.ids.iter().map(|id| IdInput { id }).collect(),
            properties: &self.properties,
            properties_with_history: &self.history,
            id_property: self.id_property.as_deref(),
        };
        let path = Surface::Objects.path(version, &[self.object_type.as_str(), "batch", "read"]);
        let call = Call::new(Method::POST, path).with_json(&body);
        if self.archived { call.with_query("archived", "true") } else { call }
    }

    fn decode(&self, answer: &Answer) -> Result<BatchOutcome, ApiError> {
        body(answer, "a batch read")
    }

    fn check(&self) -> Result<(), OverLimit> {
        at_most("inputs of a batch read", self.ids.len(), self.inputs_max())
    }
}

/// POST `batch/create`. All or nothing, unless every input has a trace id. A repeat may create second records.
#[derive(Clone, Debug)]
pub struct BatchCreate {
    /// Of which type.
    pub object_type: ObjectType,
    /// The new records.
    pub inputs: Vec<CreateInput>,
}

impl BatchCreate {
    /// The same as as many calls as HubSpot's limit demands; none without inputs.
    pub fn split(self) -> Vec<Self> {
        let Self { object_type, inputs } = self;
        let part = |inputs| Self { object_type: object_type.clone(), inputs };
        cut(inputs, BATCH_INPUTS_MAX).into_iter().map(part).collect()
    }
}

endpoint!(BatchCreate => BatchOutcome, one("a batch create"), |this, version|
    batch_call(&this.object_type, "create", version, &this.inputs),
    check: at_most("inputs of a batch create", this.inputs.len(), BATCH_INPUTS_MAX));

/// One input of a batch update. `Debug` shows names of properties, not values.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UpdateInput {
    /// Record id, or the value of `id_property`.
    pub id: String,
    /// A property with unique values. `email` and `hs_object_id` are refused here; an id that is neither number nor
    /// backed by this field is dropped in silence (HubSpot/hubspot-api-nodejs#548).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_property: Option<String>,
    /// New values; `""` clears.
    pub properties: BTreeMap<String, String>,
    /// Our name for the input.
    #[serde(rename = "objectWriteTraceId", skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
}

impl fmt::Debug for UpdateInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An id is a value of the record where another property stands for it.
        let id = self.id_property.is_none().then_some(&self.id);
        f.debug_struct("UpdateInput")
            .field("id", &id)
            .field("id_property", &self.id_property)
            .field("properties", &self.properties.keys())
            .field("trace_id", &self.trace_id)
            .finish()
    }
}

/// POST `batch/update`. Always partial for unknown ids.
#[derive(Clone, Debug)]
pub struct BatchUpdate {
    /// Of which type.
    pub object_type: ObjectType,
    /// The changes; no id twice.
    pub inputs: Vec<UpdateInput>,
}

impl BatchUpdate {
    /// The same as as many calls as HubSpot's limit demands; none without inputs.
    pub fn split(self) -> Vec<Self> {
        let Self { object_type, inputs } = self;
        let part = |inputs| Self { object_type: object_type.clone(), inputs };
        cut(inputs, BATCH_INPUTS_MAX).into_iter().map(part).collect()
    }
}

endpoint!(BatchUpdate => BatchOutcome, one("a batch update"), |this, version|
    batch_call(&this.object_type, "update", version, &this.inputs),
    check: at_most("inputs of a batch update", this.inputs.len(), BATCH_INPUTS_MAX));

/// One input of a batch upsert. `Debug` shows names of properties, not values; the id is one.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UpsertInput {
    /// The value of `id_property`.
    pub id: String,
    /// A custom property with unique values, or `email` of contacts.
    pub id_property: String,
    /// Values; `""` clears.
    pub properties: BTreeMap<String, String>,
    /// Our name for the input.
    #[serde(rename = "objectWriteTraceId", skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
}

impl fmt::Debug for UpsertInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpsertInput")
            .field("id_property", &self.id_property)
            .field("properties", &self.properties.keys())
            .field("trace_id", &self.trace_id)
            .finish_non_exhaustive()
    }
}

/// POST `batch/upsert`. A repeat changes nothing more: the unique value finds what the first one made.
#[derive(Clone, Debug)]
pub struct BatchUpsert {
    /// Of which type.
    pub object_type: ObjectType,
    /// The records; no unique value twice.
    pub inputs: Vec<UpsertInput>,
}

impl BatchUpsert {
    /// The same as as many calls as HubSpot's limit demands; none without inputs.
    pub fn split(self) -> Vec<Self> {
        let Self { object_type, inputs } = self;
        let part = |inputs| Self { object_type: object_type.clone(), inputs };
        cut(inputs, BATCH_INPUTS_MAX).into_iter().map(part).collect()
    }
}

endpoint!(BatchUpsert => BatchOutcome, one("a batch upsert"), |this, version|
    batch_call(&this.object_type, "upsert", version, &this.inputs),
    check: at_most("inputs of a batch upsert", this.inputs.len(), BATCH_INPUTS_MAX));

/// POST `batch/archive`. Unknown ids are a success as well.
#[derive(Clone, Debug)]
pub struct BatchArchive {
    /// Of which type.
    pub object_type: ObjectType,
    /// Which records.
    pub ids: Vec<RecordId>,
}

impl BatchArchive {
    /// The same as as many calls as HubSpot's limit demands; none without inputs.
    pub fn split(self) -> Vec<Self> {
        let Self { object_type, ids } = self;
        let part = |ids| Self { object_type: object_type.clone(), ids };
        cut(ids, BATCH_INPUTS_MAX).into_iter().map(part).collect()
    }
}

endpoint!(BatchArchive => (), success, |this, version| {
    let inputs: Vec<IdText> = this.ids.iter().copied().map(IdText::from).collect();
    batch_call(&this.object_type, "archive", version, &inputs)
},
    check: at_most("inputs of a batch archive", this.ids.len(), BATCH_INPUTS_MAX));
