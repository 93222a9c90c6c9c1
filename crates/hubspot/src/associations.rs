//! Associations between records, and their labels (<https://developers.hubspot.com/docs/api-reference/crm-associations-v4/guide>).
//!
//! Everything is directed: a type id is valid from one object type to the other, never back. Creating an association
//! that exists changes nothing; a labelled [`Put`] replaces the labels of the pair, a batch create adds to them.
//! Batches and labels draw on a budget of their own ([`crate::call::CostClass::AssociationBatch`]).

use http::Method;
use serde::{Deserialize, Serialize};

use crate::answer::Answer;
use crate::call::Call;
use crate::endpoint::{ApiError, Endpoint, body, body_or_default, paged, success};
use crate::errors::{BatchError, NO_ASSOCIATIONS_FOUND};
use crate::id::{AssociationCategory, AssociationType, ObjectType, RecordId};
use crate::limits::sizes::{self, OverLimit, at_most};
use crate::objects::{BatchOutcome, IdText};
use crate::version::{ApiVersion, Surface};
use crate::wire::{self, Inputs, Page, PageBody, Paging, null_as_default, record_id};

mod labels;
mod limits;
pub mod v3;

pub use labels::{CreateLabel, DeleteLabel, ListLabels, TypeDefinition, UpdateLabel};
pub use limits::{CreateLimits, Limit, LimitedType, ListAllLimits, ListLimits, NewLimit, PurgeLimits, UpdateLimits};

/// The two object types of an association call, in order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Direction {
    /// Where the association starts.
    pub from: ObjectType,
    /// Where it ends.
    pub to: ObjectType,
}

impl Direction {
    /// Both types and what follows them in a path.
    fn segments<'a>(&'a self, rest: &[&'a str]) -> Vec<&'a str> {
        [&[self.from.as_str(), self.to.as_str()], rest].concat()
    }

    fn batch<T: Serialize>(&self, verb: &[&'static str], version: ApiVersion, inputs: &[T]) -> Call {
        let segments = self.segments(&[&["batch"], verb].concat());
        Surface::Associations.post(version, &segments).with_json(&Inputs { inputs })
    }
}

/// Two records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Pair {
    /// The record where the association starts.
    pub from: RecordId,
    /// The record where it ends.
    pub to: RecordId,
}

#[derive(Serialize)]
struct PairInput {
    from: IdText,
    to: IdText,
    #[serde(skip_serializing_if = "Option::is_none")]
    types: Option<Vec<AssociationType>>,
}

impl PairInput {
    fn new(pair: Pair, types: Option<Vec<AssociationType>>) -> Self {
        Self { from: pair.from.into(), to: pair.to.into(), types }
    }
}

/// One association that a write confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Associated {
    /// The record where it starts.
    #[serde(alias = "from", deserialize_with = "id_anywhere")]
    pub from_object_id: RecordId,
    /// The record where it ends.
    #[serde(alias = "to", deserialize_with = "id_anywhere")]
    pub to_object_id: RecordId,
    /// Its labels; none for the unlabelled type.
    #[serde(default, deserialize_with = "labels_of")]
    pub labels: Vec<String>,
}

/// `901`, `"901"` or `{"id": "901"}`: batch associate default answers the last form, the others one of the first two.
fn id_anywhere<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<RecordId, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    let inner = value.get("id").cloned().unwrap_or(value);
    let text = wire::scalar(inner).unwrap_or_default();
    text.parse().map_err(|_| serde::de::Error::custom("no record id"))
}

fn labels_of<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let labels = Option::<Vec<Option<String>>>::deserialize(deserializer)?.unwrap_or_default();
    Ok(labels.into_iter().flatten().collect())
}

/// POST `batch/associate/default`: the unlabelled type between each pair.
#[derive(Clone, Debug)]
pub struct BatchAssociate {
    /// Between which types.
    pub direction: Direction,
    /// Which records; no pair twice.
    pub pairs: Vec<Pair>,
}

impl Endpoint for BatchAssociate {
    /// HubSpot answers both directions of each pair.
    type Output = BatchOutcome<Associated>;

    fn call(&self, version: ApiVersion) -> Call {
        let inputs: Vec<PairInput> = self.pairs.iter().map(|pair| PairInput::new(*pair, None)).collect();
        self.direction.batch(&["associate", "default"], version, &inputs)
    }

    fn decode(&self, answer: &Answer) -> Result<Self::Output, ApiError> {
        body(answer, "a batch of default associations")
    }

    fn check(&self) -> Result<(), OverLimit> {
        at_most("inputs of a batch of associations", self.pairs.len(), sizes::ASSOCIATION_BATCH_CREATE_MAX)
    }
}

/// A pair with the types it shall have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypedPair {
    /// Which records.
    pub pair: Pair,
    /// Types valid in this direction. A label or the primary type adds the unlabelled type as well.
    pub types: Vec<AssociationType>,
}

/// POST `batch/create`: adds types to pairs.
#[derive(Clone, Debug)]
pub struct BatchCreate {
    /// Between which types.
    pub direction: Direction,
    /// Which records; no pair twice.
    pub inputs: Vec<TypedPair>,
}

impl Endpoint for BatchCreate {
    type Output = BatchOutcome<Associated>;

    fn call(&self, version: ApiVersion) -> Call {
        self.direction.batch(&["create"], version, &typed(&self.inputs))
    }

    fn decode(&self, answer: &Answer) -> Result<Self::Output, ApiError> {
        body(answer, "a batch of associations")
    }

    fn check(&self) -> Result<(), OverLimit> {
        at_most("inputs of a batch of associations", self.inputs.len(), sizes::ASSOCIATION_BATCH_CREATE_MAX)
    }
}

fn typed(inputs: &[TypedPair]) -> Vec<PairInput> {
    inputs.iter().map(|input| PairInput::new(input.pair, Some(input.types.clone()))).collect()
}

/// POST `batch/labels/archive`: takes types away from pairs. Taking the unlabelled type takes everything.
#[derive(Clone, Debug)]
pub struct BatchArchiveLabels {
    /// Between which types.
    pub direction: Direction,
    /// Which types of which pairs.
    pub inputs: Vec<TypedPair>,
}

impl Endpoint for BatchArchiveLabels {
    /// Errors alone; the numbered version has no body.
    type Output = BatchOutcome<serde::de::IgnoredAny>;

    fn call(&self, version: ApiVersion) -> Call {
        self.direction.batch(&["labels", "archive"], version, &typed(&self.inputs))
    }

    fn decode(&self, answer: &Answer) -> Result<Self::Output, ApiError> {
        body_or_default(answer, "archived labels")
    }

    fn check(&self) -> Result<(), OverLimit> {
        at_most("inputs of a batch of labels", self.inputs.len(), sizes::ASSOCIATION_BATCH_CREATE_MAX)
    }
}

/// POST `batch/archive`: removes everything between pairs.
#[derive(Clone, Debug)]
pub struct BatchArchive {
    /// Between which types.
    pub direction: Direction,
    /// Which records.
    pub inputs: Vec<ArchiveInput>,
}

/// One record and those it shall not be associated with any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveInput {
    /// Where the associations start.
    pub from: RecordId,
    /// Where they end.
    pub to: Vec<RecordId>,
}

impl Endpoint for BatchArchive {
    /// Errors alone; the numbered version has no body.
    type Output = BatchOutcome<serde::de::IgnoredAny>;

    fn call(&self, version: ApiVersion) -> Call {
        #[derive(Serialize)]
        struct Input {
            from: IdText,
            to: Vec<IdText>,
        }
        let input = |input: &ArchiveInput| Input {
            from: input.from.into(),
            to: input.to.iter().copied().map(IdText::from).collect(),
        };
        let inputs: Vec<Input> = self.inputs.iter().map(input).collect();
        self.direction.batch(&["archive"], version, &inputs)
    }

    fn decode(&self, answer: &Answer) -> Result<Self::Output, ApiError> {
        body_or_default(answer, "archived associations")
    }

    fn check(&self) -> Result<(), OverLimit> {
        at_most("records of a batch archive", self.inputs.len(), sizes::ASSOCIATION_BATCH_ARCHIVE_MAX)
    }
}

/// One record at the other end, with every type of the association.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// The record.
    #[serde(deserialize_with = "record_id")]
    pub to_object_id: RecordId,
    /// One entry per type: unlabelled, primary, labels.
    #[serde(default, deserialize_with = "null_as_default")]
    pub association_types: Vec<TargetType>,
}

impl Target {
    /// Whether this is the primary one. The order of targets says nothing about it.
    pub fn is_primary(&self) -> bool {
        self.association_types.iter().any(|kind| {
            kind.category == AssociationCategory::HubspotDefined && kind.label.as_deref() == Some("Primary")
        })
    }
}

/// One type of an association that exists.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TargetType {
    /// Who defined it.
    pub category: AssociationCategory,
    /// Its number in this direction.
    pub type_id: u32,
    /// Its label; none for the unlabelled type.
    #[serde(default)]
    pub label: Option<String>,
}

/// GET the associations of one record to one type.
#[derive(Clone, Debug)]
pub struct ListOf {
    /// Between which types.
    pub direction: Direction,
    /// Of which record.
    pub from: RecordId,
    /// Per page, at most [`sizes::ASSOCIATION_LIST_MAX`].
    pub limit: u32,
    /// From the previous page.
    pub after: Option<String>,
}

impl Endpoint for ListOf {
    type Output = Page<Target>;

    fn call(&self, version: ApiVersion) -> Call {
        let id = self.from.to_string();
        let segments = [self.direction.from.as_str(), &id, "associations", self.direction.to.as_str()];
        let path = Surface::RecordAssociations.path(version, &segments);
        let call = Call::new(Method::GET, path).with_query("limit", self.limit.to_string());
        match &self.after {
            Some(after) => call.with_query("after", after),
            None => call,
        }
    }

    fn decode(&self, answer: &Answer) -> Result<Self::Output, ApiError> {
        body::<PageBody<Target>>(answer, "associations of a record").map(PageBody::into_page)
    }

    fn check(&self) -> Result<(), OverLimit> {
        at_most("associations of a page", self.limit, sizes::ASSOCIATION_LIST_MAX)
    }
}

paged!(ListOf, Target);

/// One record whose associations are wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReadInput {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
}

impl ReadInput {
    /// The first page of `id`.
    pub fn first(id: RecordId) -> Self {
        Self { id: id.to_string(), after: None }
    }

    /// The page of `id` that begins at `after`, from [`Targets::after`].
    pub fn next(id: RecordId, after: impl Into<String>) -> Self {
        Self { id: id.to_string(), after: Some(after.into()) }
    }
}

/// POST `batch/read`: the associations of many records.
#[derive(Clone, Debug)]
pub struct BatchRead {
    /// Between which types.
    pub direction: Direction,
    /// Of which records.
    pub inputs: Vec<ReadInput>,
}

/// The associations of one record, or a page of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Targets {
    /// Of which record.
    pub from: RecordId,
    /// Those at the other end.
    pub to: Vec<Target>,
    /// Where the next page begins.
    pub after: Option<String>,
}

/// What [`BatchRead`] returns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadOutcome {
    /// Records with associations, in no particular order.
    pub results: Vec<Targets>,
    /// Records without any: HubSpot calls each of them an error and the answer a 207.
    pub empty: Vec<RecordId>,
    /// Real errors.
    pub errors: Vec<BatchError>,
}

impl Endpoint for BatchRead {
    type Output = ReadOutcome;

    fn call(&self, version: ApiVersion) -> Call {
        self.direction.batch(&["read"], version, &self.inputs)
    }

    fn decode(&self, answer: &Answer) -> Result<ReadOutcome, ApiError> {
        let outcome: BatchOutcome<TargetsBody> = body(answer, "a batch read of associations")?;
        let (empty, errors) = split_empty(outcome.errors);
        Ok(ReadOutcome { results: outcome.results.into_iter().map(Targets::from).collect(), empty, errors })
    }

    fn check(&self) -> Result<(), OverLimit> {
        at_most("inputs of a batch read", self.inputs.len(), sizes::ASSOCIATION_BATCH_READ_MAX)
    }
}

/// Takes the records without associations out of the errors.
fn split_empty(errors: Vec<BatchError>) -> (Vec<RecordId>, Vec<BatchError>) {
    let (none, errors): (Vec<_>, Vec<_>) =
        errors.into_iter().partition(|error| error.sub_category.as_deref() == Some(NO_ASSOCIATIONS_FOUND));
    let ids = none.iter().filter_map(|error| error.context.get("fromObjectId")).flatten();
    (ids.filter_map(|id| id.parse().ok()).collect(), errors)
}

#[derive(Deserialize)]
struct TargetsBody {
    #[serde(deserialize_with = "id_anywhere")]
    from: RecordId,
    #[serde(default, deserialize_with = "null_as_default")]
    to: Vec<Target>,
    #[serde(default)]
    paging: Option<Paging>,
}

impl From<TargetsBody> for Targets {
    fn from(body: TargetsBody) -> Self {
        Self { from: body.from, to: body.to, after: wire::after(body.paging) }
    }
}

/// PUT types between two records: **replaces** the labels of the pair.
#[derive(Clone, Debug)]
pub struct Put {
    /// Between which types.
    pub direction: Direction,
    /// Which records.
    pub pair: Pair,
    /// All types that the pair shall have; none for the default association.
    pub types: Vec<AssociationType>,
}

impl Endpoint for Put {
    type Output = ();

    fn call(&self, version: ApiVersion) -> Call {
        let (from, to) = (self.pair.from.to_string(), self.pair.to.to_string());
        let (from_type, to_type) = (self.direction.from.as_str(), self.direction.to.as_str());
        let path = |segments: &[&str]| Surface::RecordAssociations.path(version, segments);
        if self.types.is_empty() {
            return Call::new(Method::PUT, path(&[from_type, &from, "associations", "default", to_type, &to]));
        }
        Call::new(Method::PUT, path(&[from_type, &from, "associations", to_type, &to])).with_json(&self.types)
    }

    fn decode(&self, answer: &Answer) -> Result<(), ApiError> {
        success(answer)
    }
}

/// DELETE everything between two records.
#[derive(Clone, Debug)]
pub struct Remove {
    /// Between which types.
    pub direction: Direction,
    /// Which records.
    pub pair: Pair,
}

impl Endpoint for Remove {
    type Output = ();

    fn call(&self, version: ApiVersion) -> Call {
        let (from, to) = (self.pair.from.to_string(), self.pair.to.to_string());
        let segments = [self.direction.from.as_str(), &from, "associations", self.direction.to.as_str(), &to];
        Call::new(Method::DELETE, Surface::RecordAssociations.path(version, &segments))
    }

    fn decode(&self, answer: &Answer) -> Result<(), ApiError> {
        success(answer)
    }
}

#[cfg(test)]
mod tests;
