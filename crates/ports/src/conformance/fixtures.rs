//! Installs, runs and operations for the tests, as small as they can be.

use std::collections::BTreeMap;

use linchpin_core::gateway::mirrored::{Asked, Form};
use linchpin_core::sync::desired::{DesiredValue, EntryName, Rejection, RowId, SourceKey};
use linchpin_core::sync::link::{Agreed, AssociationLink, Link};
use linchpin_core::sync::operation::{Action, Ended, Operation, OperationId};
use linchpin_core::sync::run::{Plan, RejectedRow, Run, RunId};
use linchpin_core::time::Wall;
use linchpin_hubspot::id::{AppId, Install, ObjectType, PortalId, RecordId};

use crate::mirror::{Body, MirrorRecord};
use crate::queue::{Claimed, Settlement};
use crate::runs::PlanChunk;
use crate::store::Stores;

/// The install that most tests work for.
pub const INSTALL: Install = Install { portal: PortalId(4711), app: AppId(1) };

/// Another app in the same portal.
pub const OTHER: Install = Install { portal: PortalId(4711), app: AppId(2) };

/// The moment at which most things happen.
pub const NOW: Wall = Wall(1_700_000_000_000);

/// A run of the tests; they ascend.
pub fn run(number: u64) -> RunId {
    RunId((1 << 40) + number)
}

/// An entry by name.
pub fn entry(name: &str) -> EntryName {
    EntryName(name.to_owned())
}

/// A source key by its text.
pub fn key(text: &str) -> SourceKey {
    SourceKey(text.to_owned())
}

/// A row of the entry `people`.
pub fn person(text: &str) -> RowId {
    RowId { entry: entry("people"), key: key(text) }
}

/// The type `contacts`.
pub fn contacts() -> ObjectType {
    ObjectType::new("contacts")
}

/// An upsert of the row `k<seq>` in stage 0 and pack `p`.
pub fn operation(run: RunId, seq: u64) -> Operation {
    let name = DesiredValue::Text(format!("name {seq}"));
    Operation {
        id: OperationId { run, seq },
        row: person(&format!("k{seq}")),
        object_type: contacts(),
        stage: 0,
        pack: "p".to_owned(),
        action: Action::Upsert {
            id_property: "email".to_owned(),
            id_value: format!("k{seq}@example.com"),
            properties: BTreeMap::from([("firstname".to_owned(), name)]),
        },
    }
}

/// An operation of some stage and pack.
pub fn operation_in(run: RunId, seq: u64, stage: u16, pack: &str) -> Operation {
    Operation { stage, pack: pack.to_owned(), ..operation(run, seq) }
}

/// A chunk of nothing but operations.
pub fn chunk(operations: impl IntoIterator<Item = Operation>) -> PlanChunk {
    PlanChunk { operations: operations.into_iter().collect(), ..PlanChunk::default() }
}

/// A link of a person to a contact whose name was agreed.
pub fn link(of: &str, record: u64, name: &str) -> Link {
    let agreed = Agreed { answered: Some(name.to_owned()), sent: None };
    Link {
        row: person(of),
        object_type: contacts(),
        record: RecordId(record),
        base: BTreeMap::from([("firstname".to_owned(), agreed)]),
    }
}

/// An association of a person to some row.
pub fn association(from: &str, kind: u16, to: &str) -> AssociationLink {
    AssociationLink { from: person(from), kind: format!("people as {kind}"), to: key(to) }
}

/// A contact with some properties.
pub fn contact(id: u64, properties: &[(&str, Option<&str>)]) -> MirrorRecord {
    let property = |(name, value): &(&str, Option<&str>)| ((*name).to_owned(), value.map(str::to_owned));
    MirrorRecord {
        object_type: contacts(),
        id: RecordId(id),
        properties: properties.iter().map(property).collect(),
        updated_at: Some(format!("2026-01-01T00:00:00.{id:03}Z")),
        archived: false,
        body: None,
    }
}

/// A body of a record.
pub fn body(record: &str) -> Body {
    Body { asked: Asked { process: 3, micros: 5 }, form: Form("v3".to_owned()), record: record.to_owned() }
}

/// A rejection with a reason.
pub fn rejection(reason: &str) -> Rejection {
    Rejection { code: "LP0000".to_owned(), property: None, reason: reason.to_owned() }
}

/// A rejected person.
pub fn rejected_row(of: &str) -> RejectedRow {
    RejectedRow { row: person(of), rejection: rejection(of), content: format!("{{\"key\":\"{of}\"}}") }
}

/// Done, and nothing left behind.
pub fn done() -> Ended {
    Ended::Done { link: None, association: None, created: None }
}

/// To go again at once in the same pack.
pub fn again(due: Wall, pack: &str, pack_max: u16) -> Ended {
    Ended::Again { due, pack: pack.to_owned(), pack_max, why: "the test says so".to_owned(), counts: true }
}

/// The same end for all of some claimed operations.
pub fn settlement(claimed: &[Claimed], ended: &Ended) -> Settlement {
    let ended = claimed.iter().map(|claimed| (claimed.operation.id, ended.clone())).collect();
    Settlement { ended, mirror: Vec::new() }
}

/// The places of claimed operations in their plan.
pub fn seqs(claimed: &[Claimed]) -> Vec<u64> {
    claimed.iter().map(|claimed| claimed.operation.id.seq).collect()
}

/// Begins a run and gives it operations.
///
/// # Panics
/// When the store fails.
pub async fn planning(stores: &Stores, id: RunId, operations: impl IntoIterator<Item = Operation>) {
    stores.runs.begin(INSTALL, id, 7, NOW).await.expect("a run begins");
    stores.runs.extend(INSTALL, id, chunk(operations)).await.expect("a chunk is added");
}

/// Plans a run of operations to its end.
///
/// # Panics
/// When the store fails.
pub async fn planned(stores: &Stores, id: RunId, operations: impl IntoIterator<Item = Operation>) -> Run {
    planning(stores, id, operations).await;
    stores.runs.seal(INSTALL, id, Plan::default()).await.expect("a plan is sealed")
}

/// Plans a run of operations and starts it.
///
/// # Panics
/// When the store fails.
pub async fn applying(stores: &Stores, id: RunId, operations: impl IntoIterator<Item = Operation>) -> Run {
    planned(stores, id, operations).await;
    stores.runs.start(INSTALL, id).await.expect("a run starts")
}

/// Claims operations of a run; none is an empty list.
///
/// # Panics
/// When the store fails.
pub async fn claim(stores: &Stores, id: RunId, limit: u16) -> Vec<Claimed> {
    stores.queue.claim(INSTALL, id, limit, NOW).await.expect("a claim is answered").unwrap_or_default()
}

/// Settles claimed operations with the same end.
///
/// # Panics
/// When the store fails.
pub async fn settle(stores: &Stores, claimed: &[Claimed], ended: &Ended) {
    stores.queue.settle(INSTALL, settlement(claimed, ended), NOW).await.expect("a settlement is written");
}
