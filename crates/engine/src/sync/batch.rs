//! Sends one claimed batch and settles it: loads what it refers to, makes the call, asks core how each one ended.

use std::collections::{BTreeMap, BTreeSet};

use linchpin_core::sync::desired::{DesiredValue, RowId, SourceKey};
use linchpin_core::sync::link::Link;
use linchpin_core::sync::operation::{Action, Ended, Operation, OperationId};
use linchpin_core::sync::reason;
use linchpin_core::sync::settle::{Brought, Tried, is_alone, keep_base, put_back, settle_records, trace_id};
use linchpin_core::sync::settle_associations::{Confirmed, settle_associations};
use linchpin_core::time::Wall;
use linchpin_hubspot::associations::{
    ArchiveInput, Associated, BatchArchive, BatchArchiveLabels, BatchAssociate, BatchCreate as BatchTyped, Direction,
    Pair, TypedPair,
};
use linchpin_hubspot::id::{AssociationType, ObjectType, RecordId};
use linchpin_hubspot::objects::{
    BatchCreate, BatchOutcome, BatchResult, BatchUpdate, BatchUpsert, CreateInput, Record, Update, UpdateInput,
    UpsertInput,
};
use linchpin_mapping::{Compiled, Entry};
use linchpin_ports::queue::{Claimed, Settlement};

use super::adopt::mirrored;
use super::lookup::Known;
use super::{Context, SyncError};
use crate::dispatch::DispatchError;
use crate::hub::HubError;

/// A batch that has come back, ready to be written down.
pub(super) struct Sent {
    pub(super) settlement: Settlement,
    /// What concerns the whole run (a dead token, an unreachable server): the operations are put back, the run stops.
    pub(super) stop: Option<SyncError>,
}

/// Sends a batch of operations with equal pack keys.
pub(super) async fn send(context: &Context, compiled: &Compiled, batch: Vec<Claimed>) -> Result<Sent, SyncError> {
    let Some(first) = batch.first() else {
        return Ok(Sent { settlement: Settlement::default(), stop: None });
    };
    let action = first.operation.action.clone();
    match action {
        Action::Upsert { .. } | Action::Create { .. } | Action::Update { .. } => {
            let entry = entry_of(compiled, &first.operation)?;
            records(context, entry, batch).await
        }
        Action::Associate { to_object, association_type, .. } => {
            associations(context, batch, &to_object, association_type, true).await
        }
        Action::Dissociate { to_object, association_type, .. } => {
            associations(context, batch, &to_object, association_type, false).await
        }
    }
}

pub(super) fn entry_of<'a>(compiled: &'a Compiled, operation: &Operation) -> Result<&'a Entry, SyncError> {
    compiled.entry(&operation.row.entry).ok_or_else(|| SyncError::OtherMapping { run: operation.id.run.to_string() })
}

/// The text of every property of an operation, or the row that has no record.
fn sent_properties(operation: &Operation, known: &Known<'_>) -> Result<BTreeMap<String, String>, RowId> {
    let (Action::Upsert { properties, .. } | Action::Create { properties, .. } | Action::Update { properties, .. }) =
        &operation.action
    else {
        return Ok(BTreeMap::new());
    };
    let text = |(name, value): (&String, &DesiredValue)| Ok((name.clone(), text_of(value, known)?));
    properties.iter().map(text).collect()
}

/// A value as it is sent, or the row that it refers to and that has no record.
pub(super) fn text_of(value: &DesiredValue, known: &Known<'_>) -> Result<String, RowId> {
    match value {
        DesiredValue::Text(text) => Ok(text.clone()),
        DesiredValue::Clear => Ok(String::new()),
        DesiredValue::RecordOf(row) => known.record(row).map(|record| record.to_string()).ok_or_else(|| row.clone()),
    }
}

pub(super) fn references(operation: &Operation) -> impl Iterator<Item = &RowId> {
    let properties = match &operation.action {
        Action::Upsert { properties, .. } | Action::Create { properties, .. } | Action::Update { properties, .. } => {
            Some(properties)
        }
        Action::Associate { .. } | Action::Dissociate { .. } => None,
    };
    properties.into_iter().flatten().filter_map(|(_, value)| match value {
        DesiredValue::RecordOf(row) => Some(row),
        DesiredValue::Text(_) | DesiredValue::Clear => None,
    })
}

/// An operation with what is sent for it.
struct Ready {
    claimed: Claimed,
    sent: BTreeMap<String, String>,
}

async fn records(context: &Context, entry: &Entry, batch: Vec<Claimed>) -> Result<Sent, SyncError> {
    let rows = batch.iter().flat_map(|claimed| references(&claimed.operation));
    let known = Known::load(context, entry, rows).await?;
    let mut settlement = Settlement::default();
    let mut ready = Vec::new();
    for claimed in without_linked_creations(context, entry, batch, &mut settlement).await? {
        match sent_properties(&claimed.operation, &known) {
            Ok(sent) => ready.push(Ready { claimed, sent }),
            Err(row) => settlement.ended.push((claimed.operation.id, Ended::Rejected(reason::no_record(&row)))),
        }
    }
    let Some(first) = ready.first() else { return Ok(Sent { settlement, stop: None }) };
    let alone = is_alone(&first.claimed.operation.pack);
    let answered = if alone { update_alone(context, first).await } else { write(context, &ready).await };
    let (brought, stop) = judge(answered, "write records");
    let now = context.clock.now().wall;
    let tried: Vec<Tried<'_>> = ready.iter().map(tried_of).collect();
    let Some(brought) = brought else {
        settlement.ended.extend(all_back(&tried, now));
        return Ok(Sent { settlement, stop });
    };
    if let Brought::Answer(outcome) = &brought {
        let seen = outcome.results.iter().map(|result| mirrored(&entry.object_type, result.record.clone()));
        settlement.mirror.extend(seen);
    }
    let mut ended = settle_records(&tried, brought, &known, now);
    keep_base(&mut ended, &former_links(context, entry, &tried).await?);
    settlement.ended.extend(ids(&tried).zip(ended));
    Ok(Sent { settlement, stop })
}

/// Sets creations aside whose row has been linked since they were planned (another plan found their record): they are
/// done.
pub(super) async fn without_linked_creations(
    context: &Context,
    entry: &Entry,
    batch: Vec<Claimed>,
    settlement: &mut Settlement,
) -> Result<Vec<Claimed>, SyncError> {
    let is_creation = |claimed: &Claimed| matches!(claimed.operation.action, Action::Create { .. });
    if !batch.iter().any(is_creation) {
        return Ok(batch);
    }
    let keys: Vec<SourceKey> = batch.iter().map(|claimed| claimed.operation.row.key.clone()).collect();
    let links = context.stores.links.get(context.install, &entry.name, &keys).await?;
    let mut open = Vec::new();
    for (claimed, link) in batch.into_iter().zip(links) {
        if link.is_some() && is_creation(&claimed) {
            let done = Ended::Done { link: None, association: None, created: Some(false) };
            settlement.ended.push((claimed.operation.id, done));
        } else {
            open.push(claimed);
        }
    }
    Ok(open)
}

/// The links that updates of a batch had before: their agreed base is kept where nothing was sent.
async fn former_links(context: &Context, entry: &Entry, tried: &[Tried<'_>]) -> Result<Vec<Link>, SyncError> {
    let updates = tried.iter().filter(|one| matches!(one.operation.action, Action::Update { .. }));
    let keys: Vec<SourceKey> = updates.map(|one| one.operation.row.key.clone()).collect();
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    Ok(context.stores.links.get(context.install, &entry.name, &keys).await?.into_iter().flatten().collect())
}

fn tried_of(ready: &Ready) -> Tried<'_> {
    Tried { operation: &ready.claimed.operation, attempts: ready.claimed.attempts, sent: &ready.sent }
}

fn ids<'a>(tried: &'a [Tried<'_>]) -> impl Iterator<Item = OperationId> + 'a {
    tried.iter().map(|one| one.operation.id)
}

/// The run stops: whatever was claimed goes back unharmed.
fn all_back<'a>(tried: &'a [Tried<'_>], now: Wall) -> impl Iterator<Item = (OperationId, Ended)> + 'a {
    const WHY: &str = "the run stopped before this was sent";
    tried.iter().map(move |one| (one.operation.id, put_back(one.operation, now, WHY)))
}

/// One batch call for operations of one verb.
async fn write(context: &Context, ready: &[Ready]) -> Result<BatchOutcome, HubError> {
    let Some(first) = ready.first() else { return Ok(BatchOutcome::default()) };
    let object_type = first.claimed.operation.object_type.clone();
    let trace = |ready: &Ready| Some(trace_id(&ready.claimed.operation));
    match &first.claimed.operation.action {
        Action::Upsert { .. } => {
            let input = |ready: &Ready| match &ready.claimed.operation.action {
                Action::Upsert { id_property, id_value, .. } => Some(UpsertInput {
                    id: id_value.clone(),
                    id_property: id_property.clone(),
                    properties: ready.sent.clone(),
                    trace_id: trace(ready),
                }),
                _ => None,
            };
            context.hub.send(&BatchUpsert { object_type, inputs: ready.iter().filter_map(input).collect() }).await
        }
        Action::Update { .. } => {
            let input = |ready: &Ready| match &ready.claimed.operation.action {
                Action::Update { record, .. } => Some(UpdateInput {
                    id: record.to_string(),
                    id_property: None,
                    properties: ready.sent.clone(),
                    trace_id: trace(ready),
                }),
                _ => None,
            };
            context.hub.send(&BatchUpdate { object_type, inputs: ready.iter().filter_map(input).collect() }).await
        }
        Action::Create { .. } | Action::Associate { .. } | Action::Dissociate { .. } => {
            let input = |ready: &Ready| CreateInput {
                properties: ready.sent.clone(),
                associations: Vec::new(),
                trace_id: trace(ready),
            };
            context.hub.send(&BatchCreate { object_type, inputs: ready.iter().map(input).collect() }).await
        }
    }
}

/// One operation by its single endpoint, which follows merges: the answer may carry another id.
async fn update_alone(context: &Context, ready: &Ready) -> Result<BatchOutcome, HubError> {
    let operation = &ready.claimed.operation;
    let Action::Update { record, .. } = &operation.action else {
        // Upserts have no single twin: a batch of one is it.
        return write(context, std::slice::from_ref(ready)).await;
    };
    let update = Update {
        object_type: operation.object_type.clone(),
        id: record.to_string(),
        id_property: None,
        properties: ready.sent.clone(),
    };
    let record: Record = context.hub.send(&update).await?;
    let result = BatchResult { record, trace_id: Some(trace_id(operation)), new: None };
    Ok(BatchOutcome { results: vec![result], ..BatchOutcome::default() })
}

/// Sorts an outcome into what core settles, and what stops the run.
fn judge<T>(outcome: Result<T, HubError>, step: &str) -> (Option<Brought<T>>, Option<SyncError>) {
    let stop = |source| Some(SyncError::Hub { step: step.to_owned(), source });
    match outcome {
        Ok(answer) => (Some(Brought::Answer(answer)), None),
        Err(HubError::Refused(error)) if concerns_the_batch(error.status) => (Some(Brought::Refused(error)), None),
        // Busy or broken after every retry: nothing is known to be wrong with the rows.
        Err(HubError::Refused(error)) if error.status >= 500 => {
            (Some(Brought::Lost(error.to_string())), stop(HubError::Refused(error)))
        }
        Err(HubError::Unreadable(error)) => (Some(Brought::Lost(error.to_string())), None),
        Err(HubError::NoAnswer(DispatchError::Unknown(cause))) => (Some(Brought::Lost(cause.to_string())), None),
        Err(source @ (HubError::Refused(_) | HubError::NoAnswer(_) | HubError::TooLarge(_))) => (None, stop(source)),
    }
}

/// Statuses that say something about the inputs rather than about the caller.
///
/// A 423 that stayed after every retry is among them: some record of the batch is locked for long.
fn concerns_the_batch(status: u16) -> bool {
    matches!(status, 400 | 404 | 409 | 413 | 414 | 422 | 423)
}

async fn associations(
    context: &Context,
    batch: Vec<Claimed>,
    to_object: &ObjectType,
    association_type: Option<AssociationType>,
    make: bool,
) -> Result<Sent, SyncError> {
    let rows: Vec<RowId> = batch.iter().flat_map(|claimed| both_ends(&claimed.operation)).collect();
    let found = context.stores.links.records(context.install, &rows).await?;
    let mut settlement = Settlement::default();
    let (mut ready, mut ends) = (Vec::new(), Vec::new());
    for (claimed, (rows, records)) in batch.into_iter().zip(rows.chunks(2).zip(found.chunks(2))) {
        match (rows, records) {
            (_, [Some(from), Some(to)]) => {
                ready.push(Ready { claimed, sent: BTreeMap::new() });
                ends.push((*from, *to));
            }
            ([from, _], [None, _]) => settlement.ended.push(no_record(&claimed, from)),
            (rows, _) => {
                let row = rows.last().unwrap_or(&claimed.operation.row);
                settlement.ended.push(no_record(&claimed, row));
            }
        }
    }
    let Some(first) = ready.first() else { return Ok(Sent { settlement, stop: None }) };
    let direction = Direction { from: first.claimed.operation.object_type.clone(), to: to_object.clone() };
    let confirmed = if make {
        associate(context, direction, &ends, association_type).await
    } else {
        dissociate(context, direction, &ends, association_type).await
    };
    let (brought, stop) = judge(confirmed, "write associations");
    let now = context.clock.now().wall;
    let tried: Vec<Tried<'_>> = ready.iter().map(tried_of).collect();
    match brought {
        Some(brought) => {
            let ended = settle_associations(&tried, &ends, brought, now);
            settlement.ended.extend(ids(&tried).zip(ended));
        }
        None => settlement.ended.extend(all_back(&tried, now)),
    }
    Ok(Sent { settlement, stop })
}

fn no_record(claimed: &Claimed, row: &RowId) -> (OperationId, Ended) {
    (claimed.operation.id, Ended::Rejected(reason::no_record(row)))
}

fn both_ends(operation: &Operation) -> [RowId; 2] {
    let to = match &operation.action {
        Action::Associate { to, .. } | Action::Dissociate { to, .. } => to,
        Action::Upsert { .. } | Action::Create { .. } | Action::Update { .. } => &operation.row,
    };
    [operation.row.clone(), to.clone()]
}

/// Each pair once: two kinds may tie the same two records, and HubSpot refuses a pair that stands twice in a batch.
fn distinct(ends: &[(RecordId, RecordId)]) -> BTreeSet<(RecordId, RecordId)> {
    ends.iter().copied().collect()
}

async fn associate(
    context: &Context,
    direction: Direction,
    ends: &[(RecordId, RecordId)],
    association_type: Option<AssociationType>,
) -> Result<Confirmed, HubError> {
    let pairs = distinct(ends).into_iter().map(|(from, to)| Pair { from, to });
    let outcome = match association_type {
        None => context.hub.send(&BatchAssociate { direction, pairs: pairs.collect() }).await?,
        Some(kind) => {
            let inputs = pairs.map(|pair| TypedPair { pair, types: vec![kind] }).collect();
            context.hub.send(&BatchTyped { direction, inputs }).await?
        }
    };
    let pair = |associated: &Associated| (associated.from_object_id, associated.to_object_id);
    let pairs: BTreeSet<_> = outcome.results.iter().map(pair).collect();
    Ok(Confirmed { pairs: Some(pairs), errors: outcome.errors })
}

async fn dissociate(
    context: &Context,
    direction: Direction,
    ends: &[(RecordId, RecordId)],
    association_type: Option<AssociationType>,
) -> Result<Confirmed, HubError> {
    let outcome = match association_type {
        None => {
            let mut by_from: BTreeMap<RecordId, Vec<RecordId>> = BTreeMap::new();
            for (from, to) in distinct(ends) {
                by_from.entry(from).or_default().push(to);
            }
            let inputs = by_from.into_iter().map(|(from, to)| ArchiveInput { from, to }).collect();
            context.hub.send(&BatchArchive { direction, inputs }).await?
        }
        Some(kind) => {
            let pairs = distinct(ends).into_iter().map(|(from, to)| Pair { from, to });
            let inputs = pairs.map(|pair| TypedPair { pair, types: vec![kind] }).collect();
            context.hub.send(&BatchArchiveLabels { direction, inputs }).await?
        }
    };
    Ok(Confirmed { pairs: None, errors: outcome.errors })
}
