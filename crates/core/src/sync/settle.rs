//! Gives every operation of a batch exactly one ending, from whatever came back.
//!
//! Results are matched by trace id, unique value, record id or content, never by position: HubSpot answers in any
//! order (`estuary/connectors`, `rudder-transformer`). What is in neither results nor errors was not done, whatever the
//! status says: a 2xx with nothing in it is a failure.

use std::collections::BTreeMap;

use linchpin_hubspot::errors::HubSpotError;
use linchpin_hubspot::id::{ObjectType, RecordId};
use linchpin_hubspot::objects::{BatchError, BatchOutcome, BatchResult, Record};

use super::content::{Content, ContentIndex};
use super::desired::{DesiredValue, Rejection};
use super::diff::Surroundings;
use super::link::{Agreed, Link};
use super::operation::{Action, Ended, Operation};
use crate::time::Wall;

/// How often one operation is tried before it is rejected for good.
pub const ATTEMPTS_MAX: u32 = 10;

/// What the wire brought for one batch of record operations.
#[derive(Debug)]
pub enum Brought<T> {
    /// A 2xx, decoded.
    Answer(T),
    /// HubSpot refused the whole call.
    Refused(HubSpotError),
    /// No answer, or one that cannot be read: the writes may have happened.
    Lost(String),
}

/// One operation of the batch with what it takes to judge it.
#[derive(Clone, Copy, Debug)]
pub struct Tried<'a> {
    /// The operation.
    pub operation: &'a Operation,
    /// How often it has been claimed.
    pub attempts: u32,
    /// The properties as they were sent, references resolved.
    pub sent: &'a BTreeMap<String, String>,
}

/// The trace id of an operation: unique in its portal for as long as the run is remembered.
pub fn trace_id(operation: &Operation) -> String {
    format!("{}-{}", operation.id.run, operation.id.seq)
}

/// Ends the record operations of one batch, in their order.
pub fn settle_records(
    batch: &[Tried<'_>],
    brought: Brought<BatchOutcome>,
    around: &dyn Surroundings,
    now: Wall,
) -> Vec<Ended> {
    match brought {
        Brought::Answer(outcome) => from_outcome(batch, outcome, around, now),
        Brought::Refused(error) => from_refusal(batch, &error, now),
        Brought::Lost(why) => batch.iter().map(|tried| lost(tried, &why, now)).collect(),
    }
}

fn from_outcome(
    batch: &[Tried<'_>],
    outcome: BatchOutcome,
    around: &dyn Surroundings,
    now: Wall,
) -> Vec<Ended> {
    let mut results = Matcher::new(batch, around).assign(outcome.results);
    let (mut errors, blame_unknown) = assign_errors(batch, outcome.errors);
    batch
        .iter()
        .enumerate()
        .map(|(at, tried)| match (results.remove(&at), errors.remove(&at)) {
            (Some(result), _) => done(tried, result),
            (None, Some(error)) => Ended::Rejected(rejection(&error)),
            // An error that names nobody may be this one's: asked again in a smaller company until it stands alone.
            (None, None) => match blame_unknown.first() {
                Some(error) if batch.len() == 1 => Ended::Rejected(rejection(error)),
                Some(error) => narrowed(tried, at, batch.len(), &error.message, now),
                None => missing(tried, now),
            },
        })
        .collect()
}

fn done(tried: &Tried<'_>, result: BatchResult) -> Ended {
    let link = Link {
        row: tried.operation.row.clone(),
        object_type: tried.operation.object_type.clone(),
        record: result.record.id,
        base: agreed(tried.sent, &result.record),
    };
    Ended::Done { link: Some(link), association: None, created: result.new }
}

/// The agreed base after a write: what HubSpot answered, beside what was sent where the two differ.
pub fn agreed(sent: &BTreeMap<String, String>, record: &Record) -> BTreeMap<String, Agreed> {
    let base = |(name, sent): (&String, &String)| {
        let answered = match record.properties.get(name) {
            Some(answered) => answered.clone(),
            None => Some(sent.clone()),
        };
        let differs = answered.as_deref().unwrap_or("") != sent;
        (name.clone(), Agreed { answered, sent: differs.then(|| sent.clone()) })
    };
    sent.iter().map(base).collect()
}

/// In neither results nor errors: a write that may or may not have happened, or a merged record (its old id is left
/// out of an otherwise good answer).
fn missing(tried: &Tried<'_>, now: Wall) -> Ended {
    const SILENT: &str = "HubSpot accepted the call but answered nothing for this record";
    match tried.operation.action {
        Action::Create { .. } => Ended::Unknown,
        _ if tried.attempts >= ATTEMPTS_MAX => Ended::Rejected(gave_up(SILENT)),
        _ => Ended::Again { due: now, pack: alone(tried.operation), pack_max: 1, why: SILENT.to_owned() },
    }
}

fn lost(tried: &Tried<'_>, why: &str, now: Wall) -> Ended {
    match tried.operation.action {
        Action::Create { .. } => Ended::Unknown,
        // Every other verb is harmless to repeat.
        _ => again(tried, now, why),
    }
}

fn again(tried: &Tried<'_>, due: Wall, why: &str) -> Ended {
    if tried.attempts >= ATTEMPTS_MAX {
        return Ended::Rejected(gave_up(why));
    }
    Ended::Again { due, pack: tried.operation.pack.clone(), pack_max: super::plan::BATCH_MAX, why: why.to_owned() }
}

/// The whole call was refused: nothing was written. A single operation is to blame itself; of several, each half is
/// asked again apart from the other, so one bad row of a hundred costs about seven calls more and not a hundred.
pub fn from_refusal(batch: &[Tried<'_>], error: &HubSpotError, now: Wall) -> Vec<Ended> {
    let end = |(at, tried): (usize, &Tried<'_>)| match batch.len() {
        1 => Ended::Rejected(refused(error)),
        size => narrowed(tried, at, size, &error.message, now),
    };
    batch.iter().enumerate().map(end).collect()
}

fn narrowed(tried: &Tried<'_>, at: usize, size: usize, why: &str, now: Wall) -> Ended {
    let half = size.div_ceil(2);
    let base = tried.operation.pack.split('#').next().unwrap_or_default();
    // The first sequence number of the half names it: no other batch can carry the same one.
    let first = tried.operation.id.seq - u64::try_from(at % half).unwrap_or(0).min(tried.operation.id.seq);
    let pack = format!("{base}#{first}.{half}.{}", at / half);
    Ended::Again { due: now, pack, pack_max: u16::try_from(half).unwrap_or(1), why: why.to_owned() }
}

/// The pack key of an operation that is to be sent by its single endpoint.
pub fn alone(operation: &Operation) -> String {
    let base = operation.pack.split('#').next().unwrap_or_default();
    format!("{base}#alone.{}", operation.id.seq)
}

/// Whether a pack key asks for the single endpoint.
pub fn is_alone(pack: &str) -> bool {
    pack.contains("#alone.")
}

fn gave_up(why: &str) -> Rejection {
    let reason = format!("given up after {ATTEMPTS_MAX} attempts: {why}");
    Rejection { code: "LP3003".into(), property: None, reason }
}
