//! Associations as the third version has them: types by name (`contact_to_company`), no labels.
//!
//! For programs that come from there. Whatever the version asked for, the path is the legacy one: it has no dated form.

use http::Method;
use serde::{Deserialize, Serialize};

use crate::associations::{Direction, Pair, id_anywhere};
use crate::call::Call;
use crate::endpoint::{ApiError, Endpoint, body, endpoint, items, one, success};
use crate::errors::BatchError;
use crate::id::RecordId;
use crate::limits::sizes::{
    ASSOCIATION_BATCH_ARCHIVE_MAX, ASSOCIATION_BATCH_CREATE_MAX, ASSOCIATION_BATCH_READ_MAX, OverLimit, at_most,
};
use crate::objects::{BatchOutcome, IdText, InlineAssociation};
use crate::version::{ApiVersion, Surface};
use crate::wire::{self, Inputs, Paging, null_as_default, text};

/// One pair with the name of its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedPair {
    /// Which records.
    pub pair: Pair,
    /// `contact_to_company`.
    pub name: String,
}

#[derive(Serialize)]
struct NamedInput<'a> {
    from: IdText,
    to: IdText,
    #[serde(rename = "type")]
    name: &'a str,
}

fn post(direction: &Direction, verb: &str, pairs: &[NamedPair]) -> Call {
    let inputs: Vec<NamedInput<'_>> = pairs
        .iter()
        .map(|NamedPair { pair, name }| NamedInput { from: pair.from.into(), to: pair.to.into(), name })
        .collect();
    let segments = direction.segments(&["batch", verb]);
    Surface::LegacyAssociations.post(ApiVersion::V3, &segments).with_json(&Inputs { inputs: &inputs })
}

/// One association that a write confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Named {
    /// The record where it starts.
    #[serde(deserialize_with = "id_anywhere")]
    pub from: RecordId,
    /// The record where it ends.
    #[serde(deserialize_with = "id_anywhere")]
    pub to: RecordId,
    /// Its type.
    #[serde(default, rename = "type", deserialize_with = "text")]
    pub name: String,
}

/// POST `batch/create`.
#[derive(Clone, Debug)]
pub struct BatchCreate {
    /// Between which types.
    pub direction: Direction,
    /// Which records; no pair twice.
    pub pairs: Vec<NamedPair>,
}

endpoint!(BatchCreate => BatchOutcome<Named>, one("a batch of associations"),
    |this, _| post(&this.direction, "create", &this.pairs),
    check: at_most("inputs of a batch create", this.pairs.len(), ASSOCIATION_BATCH_CREATE_MAX));

/// POST `batch/archive`.
#[derive(Clone, Debug)]
pub struct BatchArchive {
    /// Between which types.
    pub direction: Direction,
    /// Which records.
    pub pairs: Vec<NamedPair>,
}

endpoint!(BatchArchive => (), success, |this, _| post(&this.direction, "archive", &this.pairs),
    check: at_most("inputs of a batch archive", this.pairs.len(), ASSOCIATION_BATCH_ARCHIVE_MAX));

/// POST `batch/read`.
#[derive(Clone, Debug)]
pub struct BatchRead {
    /// Between which types.
    pub direction: Direction,
    /// Of which records.
    pub ids: Vec<RecordId>,
}

/// The associations of one record, or a page of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedTargets {
    /// Of which record.
    pub from: RecordId,
    /// Those at the other end; a record stands once per type.
    pub to: Vec<InlineAssociation>,
    /// Where the next page begins.
    pub after: Option<String>,
}

/// What [`BatchRead`] returns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadOutcome {
    /// Records with associations, in no particular order.
    pub results: Vec<NamedTargets>,
    /// Records without any: HubSpot calls each of them an error and the answer a 207.
    pub empty: Vec<RecordId>,
    /// Real errors.
    pub errors: Vec<BatchError>,
}

#[derive(Deserialize)]
struct TargetsBody {
    #[serde(deserialize_with = "id_anywhere")]
    from: RecordId,
    #[serde(default, deserialize_with = "null_as_default")]
    to: Vec<InlineAssociation>,
    #[serde(default)]
    paging: Option<Paging>,
}

impl Endpoint for BatchRead {
    type Output = ReadOutcome;

    fn call(&self, _version: ApiVersion) -> Call {
        let inputs: Vec<IdText> = self.ids.iter().copied().map(IdText::from).collect();
        let path = Surface::LegacyAssociations.path(ApiVersion::V3, &self.direction.segments(&["batch", "read"]));
        Call::new(Method::POST, path).with_json(&Inputs { inputs: &inputs })
    }

    fn decode(&self, answer: &crate::answer::Answer) -> Result<ReadOutcome, ApiError> {
        let outcome: BatchOutcome<TargetsBody> = body(answer, "a batch read of associations")?;
        let (empty, errors) = super::split_empty(outcome.errors);
        let targets =
            |body: TargetsBody| NamedTargets { from: body.from, to: body.to, after: wire::after(body.paging) };
        Ok(ReadOutcome { results: outcome.results.into_iter().map(targets).collect(), empty, errors })
    }

    fn check(&self) -> Result<(), OverLimit> {
        at_most("inputs of a batch read", self.ids.len(), ASSOCIATION_BATCH_READ_MAX)
    }
}

/// GET `types`: the types in one direction, by name.
#[derive(Clone, Debug)]
pub struct ListTypes {
    /// Between which types.
    pub direction: Direction,
}

/// One type by number and name.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct NamedType {
    /// Its number in this direction.
    #[serde(deserialize_with = "text")]
    pub id: String,
    /// `contact_to_company`.
    #[serde(default, deserialize_with = "text")]
    pub name: String,
}

endpoint!(ListTypes => Vec<NamedType>, items("association types"), |this, _| {
    Surface::LegacyAssociations.get(ApiVersion::V3, &this.direction.segments(&["types"]))
});

/// PUT one association of a type, below the record.
#[derive(Clone, Debug)]
pub struct Put {
    /// Between which types.
    pub direction: Direction,
    /// Which records.
    pub pair: Pair,
    /// Name or number of the type.
    pub name: String,
}

/// DELETE one association of a type, below the record.
#[derive(Clone, Debug)]
pub struct Remove {
    /// Between which types.
    pub direction: Direction,
    /// Which records.
    pub pair: Pair,
    /// Name or number of the type.
    pub name: String,
}

fn below_record(method: Method, direction: &Direction, pair: Pair, name: &str) -> Call {
    let (from, to) = (pair.from.to_string(), pair.to.to_string());
    let segments = [direction.from.as_str(), &from, "associations", direction.to.as_str(), &to, name];
    Call::new(method, Surface::Objects.path(ApiVersion::V3, &segments))
}

endpoint!(Put => (), success, |this, _| below_record(Method::PUT, &this.direction, this.pair, &this.name));
endpoint!(Remove => (), success, |this, _| below_record(Method::DELETE, &this.direction, this.pair, &this.name));
