//! Gives every operation of a batch exactly one ending, from whatever came back.
//!
//! Results are matched by trace id, unique value, record id or content, never by position: HubSpot answers in any
//! order (grouparoo's recordings, `rudder-transformer`). What is in neither results nor errors was not done, whatever
//! the status says: a 2xx with nothing in it is a failure.

use std::collections::BTreeMap;

use linchpin_hubspot::errors::{BatchError, HubSpotError, category};
use linchpin_hubspot::objects::{BatchOutcome, BatchResult, Record};

use super::content::{Content, ContentIndex};
use super::desired::RowId;
use super::diff::Surroundings;
use super::link::{Agreed, Link};
use super::operation::{Action, Ended, Operation};
use super::plan::BATCH_MAX;
use super::reason;
use crate::time::Wall;

/// How often one operation is tried before it is rejected for good.
pub const ATTEMPTS_MAX: u32 = 10;

/// Why an operation that HubSpot neither did nor refused is asked again.
pub(super) const SILENT: &str = "HubSpot accepted the call but said nothing about this one";

/// What the wire brought for one batch.
#[derive(Clone, Debug)]
pub enum Brought<T> {
    /// A 2xx, decoded.
    Answer(T),
    /// HubSpot refused the whole call for what is in it: nothing was written.
    Refused(Box<HubSpotError>),
    /// No answer, or one that cannot be read: the writes may have happened.
    Lost(String),
}

/// One operation of a batch with what it takes to judge it.
#[derive(Clone, Copy, Debug)]
pub struct Tried<'a> {
    /// The operation.
    pub operation: &'a Operation,
    /// How often it has been claimed.
    pub attempts: u32,
    /// The properties as they were sent, references resolved; empty for associations.
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
    let outcome = match brought {
        Brought::Answer(outcome) => outcome,
        Brought::Refused(error) => return refused_whole(batch, &error, now),
        Brought::Lost(why) => return batch.iter().map(|tried| lost(tried, &why, now)).collect(),
    };
    let mut results = assign_results(batch, outcome.results, around);
    let (mut errors, nameless) = assign_errors(batch, outcome.errors);
    (0..batch.len())
        .zip(batch)
        .map(|(at, tried)| match (results.remove(&at), errors.remove(&at)) {
            (Some(result), _) => done(tried, &result),
            (None, Some(error)) if may_be_merged(&error, tried) => {
                Ended::Again { due: now, pack: alone(tried.operation), pack_max: 1, why: error.message, counts: true }
            }
            (None, Some(error)) => Ended::Rejected(reason::of_batch_error(&error)),
            (None, None) => unaccounted(batch, at, nameless.first(), now),
        })
        .collect()
}

/// Finds each result's operation. A result that fits none is somebody else's and is left alone.
fn assign_results(
    batch: &[Tried<'_>],
    results: Vec<BatchResult>,
    around: &dyn Surroundings,
) -> BTreeMap<usize, BatchResult> {
    let mut by_trace = BTreeMap::new();
    let mut by_key = BTreeMap::new();
    let mut by_content = ContentIndex::default();
    for (at, tried) in batch.iter().enumerate() {
        by_trace.insert(trace_id(tried.operation), at);
        match &tried.operation.action {
            Action::Upsert { id_property, id_value, .. } => {
                by_key.insert(around.canonical(id_property, id_value), at);
            }
            Action::Update { record, .. } => {
                by_key.insert(record.to_string(), at);
            }
            Action::Create { content, .. } => by_content.add(sent_content(tried, content, around), at),
            Action::Associate { .. } | Action::Dissociate { .. } => {}
        }
    }
    let Some(first) = batch.first() else { return BTreeMap::new() };
    let mut assigned = BTreeMap::new();
    for result in results {
        let traced = result.trace_id.as_ref().and_then(|trace| by_trace.get(trace).copied());
        let at = traced.or_else(|| match &first.operation.action {
            Action::Upsert { id_property, .. } => {
                let value = result.record.value(id_property)?;
                by_key.get(&around.canonical(id_property, value)).copied()
            }
            Action::Update { .. } => by_key.get(&result.record.id.to_string()).copied(),
            Action::Create { content, .. } => by_content.take(&record_content(&result.record, content, around)),
            Action::Associate { .. } | Action::Dissociate { .. } => None,
        });
        if let Some(at) = at {
            assigned.insert(at, result);
        }
    }
    assigned
}

fn sent_content(tried: &Tried<'_>, content: &[String], around: &dyn Surroundings) -> Content {
    Content::of(content, |name| tried.sent.get(name).map(String::as_str), around)
}

/// The content of a record, by the properties that identify it.
pub fn record_content(record: &Record, content: &[String], around: &dyn Surroundings) -> Content {
    Content::of(content, |name| record.value(name), around)
}

/// Finds each error's operations; errors that name nobody come back separately.
fn assign_errors(batch: &[Tried<'_>], errors: Vec<BatchError>) -> (BTreeMap<usize, BatchError>, Vec<BatchError>) {
    let mut assigned = BTreeMap::new();
    let mut nameless = Vec::new();
    for error in errors {
        let named: Vec<usize> =
            batch.iter().enumerate().filter(|(_, tried)| names(&error, tried.operation)).map(|(at, _)| at).collect();
        if named.is_empty() {
            nameless.push(error);
            continue;
        }
        assigned.extend(named.into_iter().map(|at| (at, error.clone())));
    }
    (assigned, nameless)
}

fn names(error: &BatchError, operation: &Operation) -> bool {
    let id = match &operation.action {
        Action::Upsert { id_value, .. } => Some(id_value.clone()),
        Action::Update { record, .. } => Some(record.to_string()),
        Action::Create { .. } | Action::Associate { .. } | Action::Dissociate { .. } => None,
    };
    error.trace_ids().contains(&trace_id(operation)) || id.is_some_and(|id| error.ids().contains(&id))
}

fn done(tried: &Tried<'_>, result: &BatchResult) -> Ended {
    let link = link_of(tried, &result.record);
    let created = match tried.operation.action {
        Action::Create { .. } => Some(true),
        _ => result.new,
    };
    Ended::Done { link: Some(link), association: None, created }
}

/// The link that a write leaves behind.
pub fn link_of(tried: &Tried<'_>, record: &Record) -> Link {
    Link {
        row: tried.operation.row.clone(),
        object_type: tried.operation.object_type.clone(),
        record: record.id,
        base: agreed(tried.sent, record),
    }
}

/// The agreed base after a write: what HubSpot answered, beside what was sent where the two differ.
fn agreed(sent: &BTreeMap<String, String>, record: &Record) -> BTreeMap<String, Agreed> {
    let base = |(name, sent): (&String, &String)| {
        // An answer that leaves a written property out says nothing against it.
        let answered = record.properties.get(name).cloned().unwrap_or_else(|| Some(sent.clone()));
        let differs = answered.as_deref().unwrap_or("") != sent;
        (name.clone(), Agreed { answered, sent: differs.then(|| sent.clone()) })
    };
    sent.iter().map(base).collect()
}

/// Keeps what was agreed before about properties that a write left alone: an update sends only what differed.
///
/// `former` are the links that the rows of this batch had; a row without one keeps what its write brought.
pub fn keep_base(ended: &mut [Ended], former: &[Link]) {
    let former: BTreeMap<&RowId, &Link> = former.iter().map(|link| (&link.row, link)).collect();
    for ended in ended {
        let Ended::Done { link: Some(link), .. } = ended else { continue };
        let Some(former) = former.get(&link.row) else { continue };
        for (name, agreed) in &former.base {
            link.base.entry(name.clone()).or_insert_with(|| agreed.clone());
        }
    }
}

/// Whether a record that a batch does not find may live on under another id: the single endpoint follows merges.
fn may_be_merged(error: &BatchError, tried: &Tried<'_>) -> bool {
    error.is(category::OBJECT_NOT_FOUND) && matches!(tried.operation.action, Action::Update { .. })
}

/// Neither done nor blamed. If an error names nobody, it may be this one's.
fn unaccounted(batch: &[Tried<'_>], at: usize, nameless: Option<&BatchError>, now: Wall) -> Ended {
    let Some(tried) = batch.get(at) else { return Ended::Unknown };
    match (nameless, &tried.operation.action) {
        (Some(error), _) if batch.len() == 1 => Ended::Rejected(reason::of_batch_error(error)),
        (Some(error), _) => narrowed(batch, at, &error.message, now),
        (None, Action::Create { .. }) => Ended::Unknown,
        (None, _) if tried.attempts >= ATTEMPTS_MAX => Ended::Rejected(reason::gave_up(SILENT)),
        // A merged record's old id is left out of an otherwise good answer; its single endpoint follows the merge.
        (None, _) => {
            Ended::Again { due: now, pack: alone(tried.operation), pack_max: 1, why: SILENT.to_owned(), counts: true }
        }
    }
}

/// Ends an operation whose call may or may not have arrived.
fn lost(tried: &Tried<'_>, why: &str, now: Wall) -> Ended {
    match tried.operation.action {
        Action::Create { .. } => Ended::Unknown,
        // Every other verb is harmless to repeat.
        _ => again(tried, now, why),
    }
}

/// Puts an operation back as it was, until it has had its share of attempts.
pub fn again(tried: &Tried<'_>, due: Wall, why: &str) -> Ended {
    if tried.attempts >= ATTEMPTS_MAX {
        return Ended::Rejected(reason::gave_up(why));
    }
    Ended::Again { due, pack: tried.operation.pack.clone(), pack_max: BATCH_MAX, why: why.to_owned(), counts: true }
}

/// Puts an operation back unharmed, without counting the claim as an attempt: the run stopped for a reason of its own.
pub fn put_back(operation: &Operation, now: Wall, why: &str) -> Ended {
    let pack = operation.pack.clone();
    Ended::Again { due: now, pack, pack_max: BATCH_MAX, why: why.to_owned(), counts: false }
}

/// Ends a creation in doubt that no record fits: it is created again. If answers were lost it is blamed, and has had
/// its share of attempts some time; a restart blames none, for most of what was claimed may never have been sent.
///
/// One lost answer is an accident. From the second on each attempt goes out in half the company: if one row is what
/// HubSpot cannot take, the others get through.
pub fn create_again(operation: &Operation, attempts: u32, blamed: bool, now: Wall) -> Ended {
    const LOST: &str = "its answer was lost, and no record with its content exists";
    if blamed && attempts >= ATTEMPTS_MAX {
        return Ended::Rejected(reason::gave_up(LOST));
    }
    let halvings = if blamed { attempts.saturating_sub(1) } else { 0 };
    Ended::Again {
        due: now,
        pack: base(operation).to_owned(),
        pack_max: BATCH_MAX.checked_shr(halvings).unwrap_or(0).max(1),
        why: LOST.to_owned(),
        counts: blamed,
    }
}

/// The whole call was refused, so nothing was written. One operation alone is to blame; of several, each half is asked
/// again apart from the other: a bad row among a hundred costs about fourteen calls, not a hundred.
pub fn refused_whole(batch: &[Tried<'_>], error: &HubSpotError, now: Wall) -> Vec<Ended> {
    if let [_] = batch {
        return vec![Ended::Rejected(reason::of_refusal(error))];
    }
    (0..batch.len()).map(|at| narrowed(batch, at, &error.message, now)).collect()
}

pub(super) fn narrowed(batch: &[Tried<'_>], at: usize, why: &str, now: Wall) -> Ended {
    let (Some(first), Some(tried)) = (batch.first(), batch.get(at)) else { return Ended::Unknown };
    let half = batch.len().div_ceil(2);
    // Named after the first operation of the batch and its size, so that no other half has the same name.
    let pack = format!("{}#{}/{}.{}", base(first.operation), first.operation.id.seq, batch.len(), at / half);
    let pack_max = u16::try_from(half).unwrap_or(BATCH_MAX);
    if tried.attempts >= 2 * ATTEMPTS_MAX {
        return Ended::Rejected(reason::gave_up(why));
    }
    Ended::Again { due: now, pack, pack_max, why: why.to_owned(), counts: true }
}

fn base(operation: &Operation) -> &str {
    operation.pack.split('#').next().unwrap_or_default()
}

/// The pack key of an operation that is to be sent by its single endpoint.
pub fn alone(operation: &Operation) -> String {
    format!("{}#alone.{}", base(operation), operation.id.seq)
}

/// Whether a pack key asks for the single endpoint.
pub fn is_alone(pack: &str) -> bool {
    pack.contains("#alone.")
}

#[cfg(test)]
mod tests;
