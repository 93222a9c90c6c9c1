//! The durable queue: claim, settle, and what is left.
//!
//! No statement here scans. The lowest unsettled stage comes from the counts; the first operation and those that share
//! its call come from partial indexes that hold waiting operations only.

use std::collections::BTreeMap;

use async_trait::async_trait;
use linchpin_core::sync::desired::{EntryName, Rejection, RowId, SourceKey};
use linchpin_core::sync::operation::{Action, Ended, Operation, OperationId, OperationState};
use linchpin_core::sync::run::{RejectedRow, RunId, RunState};
use linchpin_core::time::Wall;
use linchpin_hubspot::id::{Install, ObjectType, RecordId};
use linchpin_ports::queue::{Claimed, Outlook, Queue, Settlement};
use linchpin_ports::store::{Refusal, StoreError};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::SqliteStore;
use crate::codec::{Scope, decode, integer, narrow, operation_state, operation_state_number};
use crate::fault::{Fault, Place, touched};
use crate::tally::Moves;
use crate::{links, mirror, rejected, runs, tally};

// The literals 0 and 1 are `Waiting` and `Sent`: SQLite uses a partial index only where its condition is spelled out.

pub(crate) const FIRST_PACK: &str = "
    select pack
    from operation indexed by operation_due
    where portal = ?1 and app = ?2 and run = ?3 and state = 0 and stage = ?4 and due <= ?5
    order by due, seq
    limit 1";

pub(crate) const NEXT_DUE: &str = "
    select due
    from operation indexed by operation_due
    where portal = ?1 and app = ?2 and run = ?3 and state = 0 and stage = ?4
    order by due
    limit 1";

pub(crate) const CANDIDATES: &str = "
    select seq, pack_max
    from operation indexed by operation_pack
    where portal = ?1 and app = ?2 and run = ?3 and state = 0 and stage = ?4 and pack = ?5 and due <= ?6
    order by due, seq
    limit ?7";

pub(crate) const CLAIM: &str = "
    update operation
    set state = 1, attempts = attempts + 1, claimed_at = ?5, floor = ?6
    where portal = ?1 and app = ?2 and run = ?3 and seq = ?4 and state = 0";

pub(crate) const GET: &str = "
    select o.seq, o.stage, o.pack, o.attempts, o.claimed_at, o.floor, o.entry, o.verb,
        p.source_key, p.object_type, p.action
    from operation o
    join payload p on p.portal = o.portal and p.app = o.app and p.run = o.run and p.seq = o.seq
    where o.portal = ?1 and o.app = ?2 and o.run = ?3 and o.seq = ?4";

pub(crate) const SENT: &str = "
    select seq
    from operation indexed by operation_sent
    where portal = ?1 and app = ?2 and run = ?3 and state = 1
    order by seq";

pub(crate) const KIND: &str = "
    select state, stage, entry, verb
    from operation
    where portal = ?1 and app = ?2 and run = ?3 and seq = ?4";

pub(crate) const SETTLE: &str = "
    update operation
    set state = ?5, settled_at = ?6
    where portal = ?1 and app = ?2 and run = ?3 and seq = ?4 and state = 1";

pub(crate) const AGAIN: &str = "
    update operation
    set state = 0, settled_at = ?5, due = ?6, pack = ?7, pack_max = ?8, why = ?9, attempts = attempts - ?10
    where portal = ?1 and app = ?2 and run = ?3 and seq = ?4 and state = 1";

struct ClaimedRow {
    run: RunId,
    seq: i64,
    stage: i64,
    pack: String,
    attempts: i64,
    claimed_at: Option<i64>,
    floor: Option<i64>,
    entry: String,
    verb: String,
    source_key: String,
    object_type: String,
    action: Vec<u8>,
}

impl ClaimedRow {
    fn read(run: RunId, row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            run,
            seq: row.get(0)?,
            stage: row.get(1)?,
            pack: row.get(2)?,
            attempts: row.get(3)?,
            claimed_at: row.get(4)?,
            floor: row.get(5)?,
            entry: row.get(6)?,
            verb: row.get(7)?,
            source_key: row.get(8)?,
            object_type: row.get(9)?,
            action: row.get(10)?,
        })
    }
}

impl TryFrom<ClaimedRow> for Claimed {
    type Error = Fault;

    fn try_from(stored: ClaimedRow) -> Result<Self, Fault> {
        let key = format!("{}/{}", stored.run, stored.seq);
        let at = |table, column| Place { table, column, key: key.clone() };
        let place = |column| at("operation", column);
        let claimed_at = stored.claimed_at.ok_or_else(|| Fault::Corrupt(place("claimed_at")))?;
        let floor = stored.floor.ok_or_else(|| Fault::Corrupt(place("floor")))?;
        let action: Action = decode(&stored.action, || at("payload", "action"))?;
        Ok(Self {
            attempts: narrow(stored.attempts, || place("attempts"))?,
            at: Wall(claimed_at),
            floor: RecordId(narrow(floor, || place("floor"))?),
            operation: Operation {
                id: OperationId { run: stored.run, seq: narrow(stored.seq, || place("seq"))? },
                row: RowId { entry: EntryName(stored.entry), key: SourceKey(stored.source_key) },
                object_type: ObjectType::new(stored.object_type),
                stage: narrow(stored.stage, || place("stage"))?,
                pack: stored.pack,
                action,
            },
        })
    }
}

/// What the counts say about an operation.
struct Kind {
    state: OperationState,
    stage: i64,
    entry: String,
    verb: String,
}

fn claim(tx: &Connection, install: Install, run: RunId, limit: u16, now: Wall) -> Result<Option<Vec<Claimed>>, Fault> {
    let scope = Scope::of(install)?;
    runs::require(tx, scope, run, RunState::Applying)?;
    let Some(stage) = tally::lowest_unsettled_stage(&tally::progress(tx, scope, run)?) else { return Ok(None) };
    let number = integer(run.0)?;
    let pack: Option<String> = tx
        .prepare_cached(FIRST_PACK)?
        .query_row(params![scope.portal, scope.app, number, stage, now.0], |row| row.get(0))
        .optional()?;
    let Some(pack) = pack else { return Ok(None) };
    let seqs = first_that_fit(tx, scope, number, (stage, &pack), (limit, now))?;
    if seqs.is_empty() {
        return Ok(None);
    }
    let mut claimed = Vec::with_capacity(seqs.len());
    let mut floors = BTreeMap::new();
    let mut moves = Moves::default();
    for seq in seqs {
        let mut row = read_one(tx, scope, run, seq)?;
        let floor = floor(tx, scope, &row.object_type, &mut floors)?;
        let rows = tx.prepare_cached(CLAIM)?.execute(params![scope.portal, scope.app, number, seq, now.0, floor])?;
        touched("operation", rows, 1)?;
        moves.leave(number, row.stage, &row.entry, &row.verb, OperationState::Waiting);
        moves.enter(number, row.stage, &row.entry, &row.verb, OperationState::Sent);
        row.attempts += 1;
        (row.claimed_at, row.floor) = (Some(now.0), Some(floor));
        claimed.push(row.try_into()?);
    }
    moves.write(tx, scope)?;
    Ok(Some(claimed))
}

/// The first due operations of one stage and pack, as many as every one of them allows in one call.
fn first_that_fit(
    tx: &Connection,
    scope: Scope,
    run: i64,
    (stage, pack): (u16, &str),
    (limit, now): (u16, Wall),
) -> Result<Vec<i64>, Fault> {
    let mut statement = tx.prepare_cached(CANDIDATES)?;
    let candidates = statement.query_map(params![scope.portal, scope.app, run, stage, pack, now.0, limit], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, u16>(1)?))
    })?;
    let mut seqs = Vec::new();
    let mut room = usize::from(limit);
    for candidate in candidates {
        let (seq, pack_max) = candidate?;
        // Even the narrowest operation may go alone.
        room = room.min(usize::from(pack_max.max(1)));
        if seqs.len() >= room {
            break;
        }
        seqs.push(seq);
    }
    Ok(seqs)
}

/// The highest known record id of an object type, looked up once for each type.
fn floor(tx: &Connection, scope: Scope, object_type: &str, known: &mut BTreeMap<String, i64>) -> Result<i64, Fault> {
    if let Some(floor) = known.get(object_type) {
        return Ok(*floor);
    }
    let floor = mirror::highest(tx, scope, object_type)?;
    known.insert(object_type.to_owned(), floor);
    Ok(floor)
}

fn read_one(tx: &Connection, scope: Scope, run: RunId, seq: i64) -> Result<ClaimedRow, Fault> {
    let mut statement = tx.prepare_cached(GET)?;
    let row = statement
        .query_row(params![scope.portal, scope.app, integer(run.0)?, seq], |row| ClaimedRow::read(run, row))
        .optional()?;
    row.ok_or_else(|| Fault::Corrupt(Place { table: "payload", column: "seq", key: format!("{run}/{seq}") }))
}

fn get(tx: &Connection, scope: Scope, run: RunId, seq: i64) -> Result<Claimed, Fault> {
    read_one(tx, scope, run, seq)?.try_into()
}

fn kind(tx: &Connection, scope: Scope, run: RunId, seq: i64) -> Result<Option<Kind>, Fault> {
    let mut statement = tx.prepare_cached(KIND)?;
    let found = statement
        .query_row(params![scope.portal, scope.app, integer(run.0)?, seq], |row| {
            Ok((row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .optional()?;
    let Some((number, stage, entry, verb)) = found else { return Ok(None) };
    let place = || Place { table: "operation", column: "state", key: format!("{run}/{seq}") };
    let state = operation_state(number).ok_or_else(|| Fault::Corrupt(place()))?;
    Ok(Some(Kind { state, stage, entry, verb }))
}

fn settle(tx: &Connection, install: Install, settlement: Settlement, now: Wall) -> Result<(), Fault> {
    let scope = Scope::of(install)?;
    let mut moves = Moves::default();
    let mut changed = false;
    for (id, ended) in &settlement.ended {
        changed |= matches!(ended, Ended::Done { .. });
        settle_one(tx, scope, *id, ended, now, &mut moves)?;
    }
    moves.write(tx, scope)?;
    mirror::put(tx, scope, settlement.mirror)?;
    if changed { links::advance(tx, scope) } else { Ok(()) }
}

fn settle_one(
    tx: &Connection,
    scope: Scope,
    id: OperationId,
    ended: &Ended,
    now: Wall,
    moves: &mut Moves,
) -> Result<(), Fault> {
    let not_claimed = || Fault::Refused(Refusal::NotClaimed(format!("{}/{}", id.run, id.seq)));
    let (run, seq) = (integer(id.run.0)?, integer(id.seq)?);
    let kind = kind(tx, scope, id.run, seq)?.ok_or_else(not_claimed)?;
    if kind.state != OperationState::Sent {
        return Err(not_claimed());
    }
    let next = match ended {
        Ended::Unknown => return Ok(()),
        Ended::Done { link, association, created: _ } => {
            link.iter().try_for_each(|link| links::put(tx, scope, link))?;
            association.iter().try_for_each(|change| links::change_association(tx, scope, change))?;
            OperationState::Done
        }
        Ended::Rejected(rejection) => {
            reject(tx, scope, id, rejection)?;
            OperationState::Rejected
        }
        Ended::Again { .. } => OperationState::Waiting,
    };
    let rows = if let Ended::Again { due, pack, pack_max, why, counts } = ended {
        let refund = i64::from(!counts);
        let values = params![scope.portal, scope.app, run, seq, now.0, due.0, pack, pack_max, why, refund];
        tx.prepare_cached(AGAIN)?.execute(values)?
    } else {
        let values = params![scope.portal, scope.app, run, seq, operation_state_number(next), now.0];
        tx.prepare_cached(SETTLE)?.execute(values)?
    };
    touched("operation", rows, 1)?;
    moves.leave(run, kind.stage, &kind.entry, &kind.verb, OperationState::Sent);
    moves.enter(run, kind.stage, &kind.entry, &kind.verb, next);
    Ok(())
}

/// Keeps the row of a rejected operation with its reason and what was to be written.
fn reject(tx: &Connection, scope: Scope, id: OperationId, rejection: &Rejection) -> Result<(), Fault> {
    let Operation { row, action, .. } = get(tx, scope, id.run, integer(id.seq)?)?.operation;
    let content = serde_json::to_string(&action)?;
    rejected::add(tx, scope, id.run, &[RejectedRow { row, rejection: rejection.clone(), content }])
}

fn in_doubt(tx: &Connection, install: Install, run: RunId) -> Result<Vec<Claimed>, Fault> {
    let scope = Scope::of(install)?;
    runs::state(tx, scope, run)?;
    let seqs: Vec<i64> = tx
        .prepare_cached(SENT)?
        .query_map(params![scope.portal, scope.app, integer(run.0)?], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    seqs.into_iter().map(|seq| get(tx, scope, run, seq)).collect()
}

fn outlook(tx: &Connection, install: Install, run: RunId) -> Result<Outlook, Fault> {
    let scope = Scope::of(install)?;
    runs::state(tx, scope, run)?;
    let progress = tally::progress(tx, scope, run)?;
    let count = |wanted: OperationState| {
        progress.iter().filter(|((.., state), _)| *state == wanted).map(|(_, operations)| operations).sum()
    };
    let next_due = match tally::lowest_unsettled_stage(&progress) {
        None => None,
        Some(stage) => tx
            .prepare_cached(NEXT_DUE)?
            .query_row(params![scope.portal, scope.app, integer(run.0)?, stage], |row| row.get(0).map(Wall))
            .optional()?,
    };
    Ok(Outlook { waiting: count(OperationState::Waiting), sent: count(OperationState::Sent), next_due })
}

#[async_trait]
impl Queue for SqliteStore {
    async fn claim(
        &self,
        install: Install,
        run: RunId,
        limit: u16,
        now: Wall,
    ) -> Result<Option<Vec<Claimed>>, StoreError> {
        self.write("claim operations", move |tx| claim(tx, install, run, limit, now)).await
    }

    async fn settle(&self, install: Install, settlement: Settlement, now: Wall) -> Result<(), StoreError> {
        self.write("settle operations", move |tx| settle(tx, install, settlement, now)).await
    }

    async fn in_doubt(&self, install: Install, run: RunId) -> Result<Vec<Claimed>, StoreError> {
        self.read("list operations in doubt", move |tx| in_doubt(tx, install, run)).await
    }

    async fn outlook(&self, install: Install, run: RunId) -> Result<Outlook, StoreError> {
        self.read("see what is left of a run", move |tx| outlook(tx, install, run)).await
    }
}
