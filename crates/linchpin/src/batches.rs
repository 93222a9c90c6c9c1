//! Any number of records, in as few calls as HubSpot's limits allow.

use futures_util::{StreamExt, stream};
use linchpin_hubspot::endpoint::Endpoint;
use linchpin_hubspot::errors::BatchError;
use linchpin_hubspot::id::{ObjectType, RecordId};
use linchpin_hubspot::objects::{
    BatchArchive, BatchCreate, BatchOutcome, BatchRead, BatchResult, BatchUpdate, BatchUpsert, CreateInput,
    UpdateInput, UpsertInput,
};

use crate::client::Linchpin;
use crate::error::Error;

/// Calls of one such request that wait for their turn at the same time.
const CALLS_IN_FLIGHT: usize = 8;

/// What became of many records. Every input is in one of the lists, or an open question: HubSpot drops some malformed
/// inputs in silence.
#[derive(Debug, Default)]
pub struct Batched {
    /// What succeeded, in no particular order: match by id, unique value or trace id.
    pub results: Vec<BatchResult>,
    /// What HubSpot refused of calls that went through.
    pub errors: Vec<BatchError>,
    /// Calls that brought no answer or a refusal as a whole, each with the number of its first input and how many it
    /// held. With the code `LP3010` they may have happened.
    pub failed: Vec<FailedBatch>,
}

/// One call of many that brought nothing.
#[derive(Debug)]
pub struct FailedBatch {
    /// The first of its inputs, counted from 0.
    pub first: usize,
    /// How many inputs it held.
    pub inputs: usize,
    /// Why.
    pub error: Error,
}

impl Batched {
    /// Whether everything went through.
    pub fn is_complete(&self) -> bool {
        self.errors.is_empty() && self.failed.is_empty()
    }
}

impl Linchpin {
    /// Reads records by id. Archived and unknown ones are errors of the outcome.
    pub async fn read_all(&self, object_type: &str, ids: &[RecordId], properties: &[&str]) -> Batched {
        let read = BatchRead {
            object_type: ObjectType::canonical(object_type),
            ids: ids.iter().map(RecordId::to_string).collect(),
            id_property: None,
            properties: properties.iter().map(|&name| name.to_owned()).collect(),
            history: Vec::new(),
            archived: false,
        };
        self.batched(read.split().into_iter().map(|part| (part.ids.len(), part))).await
    }

    /// Makes records. A call is all or nothing, unless every input has a trace id.
    pub async fn create_all(&self, object_type: &str, inputs: Vec<CreateInput>) -> Batched {
        let create = BatchCreate { object_type: ObjectType::canonical(object_type), inputs };
        self.batched(create.split().into_iter().map(|part| (part.inputs.len(), part))).await
    }

    /// Changes records; no id twice.
    pub async fn update_all(&self, object_type: &str, inputs: Vec<UpdateInput>) -> Batched {
        let update = BatchUpdate { object_type: ObjectType::canonical(object_type), inputs };
        self.batched(update.split().into_iter().map(|part| (part.inputs.len(), part))).await
    }

    /// Makes or changes records by a unique property; harmless twice. No unique value twice in one call.
    pub async fn upsert_all(&self, object_type: &str, inputs: Vec<UpsertInput>) -> Batched {
        let upsert = BatchUpsert { object_type: ObjectType::canonical(object_type), inputs };
        self.batched(upsert.split().into_iter().map(|part| (part.inputs.len(), part))).await
    }

    /// Moves records into the recycle bin.
    ///
    /// # Errors
    /// As [`Linchpin::send`], of the first call that fails; those before it have happened.
    pub async fn archive_all(&self, object_type: &str, ids: Vec<RecordId>) -> Result<(), Error> {
        for part in (BatchArchive { object_type: ObjectType::canonical(object_type), ids }).split() {
            self.send(&part).await?;
        }
        Ok(())
    }

    async fn batched<E: Endpoint<Output = BatchOutcome>>(&self, parts: impl Iterator<Item = (usize, E)>) -> Batched {
        let numbered = parts.scan(0, |first, (inputs, part)| {
            let began = *first;
            *first += inputs;
            Some((began, inputs, part))
        });
        let calls = numbered.map(|(first, inputs, part)| async move { (first, inputs, self.send(&part).await) });
        let mut answers = stream::iter(calls).buffered(CALLS_IN_FLIGHT);
        let mut batched = Batched::default();
        while let Some((first, inputs, answer)) = answers.next().await {
            match answer {
                Ok(outcome) => {
                    batched.results.extend(outcome.results);
                    batched.errors.extend(outcome.errors);
                }
                Err(error) => batched.failed.push(FailedBatch { first, inputs, error }),
            }
        }
        batched
    }
}
