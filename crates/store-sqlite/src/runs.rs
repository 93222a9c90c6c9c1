//! The book of runs: begun, extended, sealed, started, finished or abandoned.
//!
//! A run's row says where it stands; everything else that belongs to it is found by its number.

use async_trait::async_trait;
use linchpin_core::sync::operation::{Operation, OperationState};
use linchpin_core::sync::run::{Plan, RejectedRow, Run, RunId, RunState};
use linchpin_core::time::Wall;
use linchpin_hubspot::id::Install;
use linchpin_ports::runs::{ENDED_RUNS_KEPT_MAX, PlanChunk, Progress, Runs};
use linchpin_ports::store::{Refusal, StoreError};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::SqliteStore;
use crate::codec::{Scope, amount, decode, encode, integer, narrow, run_state, run_state_number, verb};
use crate::fault::{Fault, Place, touched};
use crate::litter::{self, Keep};
use crate::tally::Moves;
use crate::{links, mirror, rejected, tally};

pub(crate) const INSERT: &str = "
    insert into run (portal, app, run, state, began, mapping, revision)
    values (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

pub(crate) const GET: &str = "
    select run, state, began, mapping, revision, plan
    from run
    where portal = ?1 and app = ?2 and run = ?3";

pub(crate) const STATE: &str = "
    select state
    from run
    where portal = ?1 and app = ?2 and run = ?3";

pub(crate) const NEWEST_IN_STATE: &str = "
    select run, state, began, mapping, revision, plan
    from run
    where portal = ?1 and app = ?2 and state = ?3
    order by run desc
    limit 1";

pub(crate) const ALL_IN_STATE: &str = "
    select run
    from run
    where portal = ?1 and app = ?2 and state = ?3
    order by run";

pub(crate) const RECENT: &str = "
    select run, state, began, mapping, revision, plan
    from run
    where portal = ?1 and app = ?2
    order by run desc
    limit ?3";

pub(crate) const ENDED_BEYOND: &str = "
    select r.run
    from run r
    where r.portal = ?1 and r.app = ?2 and r.state in (3, 4)
        and not exists (select 1 from litter l where l.portal = r.portal and l.app = r.app and l.run = r.run)
    order by r.run desc
    limit -1 offset ?3";

pub(crate) const FORGET: &str = "
    delete from run
    where portal = ?1 and app = ?2 and run = ?3";

pub(crate) const SET_STATE: &str = "
    update run
    set state = ?4
    where portal = ?1 and app = ?2 and run = ?3";

pub(crate) const SEAL: &str = "
    update run
    set state = ?4, revision = ?5, plan = ?6
    where portal = ?1 and app = ?2 and run = ?3";

pub(crate) const LAST_SEQ: &str = "
    select seq
    from operation
    where portal = ?1 and app = ?2 and run = ?3
    order by seq desc
    limit 1";

pub(crate) const INSERT_OPERATION: &str = "
    insert into operation (portal, app, run, seq, state, stage, pack, pack_max, due, attempts, entry, verb)
    values (?1, ?2, ?3, ?4, 0, ?5, ?6, ?7, 0, 0, ?8, ?9)";

pub(crate) const INSERT_PAYLOAD: &str = "
    insert into payload (portal, app, run, seq, source_key, object_type, action)
    values (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

struct RunRow {
    run: i64,
    state: i64,
    began: i64,
    mapping: i64,
    revision: i64,
    plan: Option<Vec<u8>>,
}

impl RunRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            run: row.get(0)?,
            state: row.get(1)?,
            began: row.get(2)?,
            mapping: row.get(3)?,
            revision: row.get(4)?,
            plan: row.get(5)?,
        })
    }
}

impl TryFrom<RunRow> for Run {
    type Error = Fault;

    fn try_from(stored: RunRow) -> Result<Self, Fault> {
        let place = |column| Place { table: "run", column, key: stored.run.to_string() };
        Ok(Self {
            id: RunId(narrow(stored.run, || place("run"))?),
            state: run_state(stored.state).ok_or_else(|| Fault::Corrupt(place("state")))?,
            began: Wall(stored.began),
            // A fingerprint is bits, not a quantity: the sign bit is one of them.
            mapping: stored.mapping.cast_unsigned(),
            revision: narrow(stored.revision, || place("revision"))?,
            plan: stored.plan.as_deref().map(|plan| decode(plan, || place("plan"))).transpose()?,
        })
    }
}

/// Checks that a run is in a state.
pub(crate) fn require(tx: &Connection, scope: Scope, run: RunId, needed: RunState) -> Result<(), Fault> {
    let found = state(tx, scope, run)?;
    if found == needed { Ok(()) } else { Err(Refusal::WrongState { run: run.to_string(), found }.into()) }
}

/// The state of a run.
pub(crate) fn state(tx: &Connection, scope: Scope, run: RunId) -> Result<RunState, Fault> {
    let found: Option<i64> = tx
        .prepare_cached(STATE)?
        .query_row(params![scope.portal, scope.app, integer(run.0)?], |row| row.get(0))
        .optional()?;
    let number = found.ok_or_else(|| Refusal::UnknownRun(run.to_string()))?;
    run_state(number).ok_or_else(|| Fault::Corrupt(Place { table: "run", column: "state", key: run.to_string() }))
}

fn get(tx: &Connection, scope: Scope, run: RunId) -> Result<Run, Fault> {
    let found = tx
        .prepare_cached(GET)?
        .query_row(params![scope.portal, scope.app, integer(run.0)?], RunRow::read)
        .optional()?;
    found.ok_or_else(|| Refusal::UnknownRun(run.to_string()))?.try_into()
}

fn set_state(tx: &Connection, scope: Scope, run: i64, state: RunState) -> Result<(), Fault> {
    let rows = tx.prepare_cached(SET_STATE)?.execute(params![scope.portal, scope.app, run, run_state_number(state)])?;
    touched("run", rows, 1)
}

/// Drops the runs that are in a state; their operations go with the next sweep.
fn drop_all(tx: &Connection, scope: Scope, state: RunState) -> Result<(), Fault> {
    let runs: Vec<i64> = tx
        .prepare_cached(ALL_IN_STATE)?
        .query_map(params![scope.portal, scope.app, run_state_number(state)], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for run in runs {
        set_state(tx, scope, run, RunState::Dropped)?;
        litter::mark(tx, scope, run, Keep::Nothing)?;
    }
    Ok(())
}

fn begin(tx: &Connection, install: Install, run: RunId, mapping: u64, now: Wall) -> Result<(), Fault> {
    let scope = Scope::of(install)?;
    match state(tx, scope, run) {
        Err(Fault::Refused(Refusal::UnknownRun(_))) => {}
        Err(fault) => return Err(fault),
        Ok(found) => return Err(Refusal::WrongState { run: run.to_string(), found }.into()),
    }
    drop_all(tx, scope, RunState::Planning)?;
    forget_old(tx, scope)?;
    let revision = integer(links::revision(tx, scope)?)?;
    let rows = tx.prepare_cached(INSERT)?.execute(params![
        scope.portal,
        scope.app,
        integer(run.0)?,
        run_state_number(RunState::Planning),
        now.0,
        mapping.cast_signed(),
        revision
    ])?;
    touched("run", rows, 1)
}

/// Forgets ended runs beyond the newest ones. Those whose operations are still being deleted have their turn later.
fn forget_old(tx: &Connection, scope: Scope) -> Result<(), Fault> {
    let old: Vec<i64> = tx
        .prepare_cached(ENDED_BEYOND)?
        .query_map(params![scope.portal, scope.app, amount(ENDED_RUNS_KEPT_MAX)], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for run in old {
        tally::forget(tx, scope, run)?;
        rejected::forget(tx, scope, run)?;
        touched("run", tx.prepare_cached(FORGET)?.execute(params![scope.portal, scope.app, run])?, 1)?;
    }
    Ok(())
}

fn extend(tx: &Connection, install: Install, run: RunId, chunk: PlanChunk) -> Result<(), Fault> {
    let scope = Scope::of(install)?;
    require(tx, scope, run, RunState::Planning)?;
    insert_operations(tx, scope, run, &chunk.operations)?;
    rejected::add(tx, scope, run, &chunk.rejected)?;
    chunk.links.iter().try_for_each(|link| links::put(tx, scope, link))?;
    links::replace_associations(tx, scope, &chunk.associations)?;
    mirror::put(tx, scope, chunk.mirror)
}

fn insert_operations(tx: &Connection, scope: Scope, run: RunId, operations: &[Operation]) -> Result<(), Fault> {
    let number = integer(run.0)?;
    let mut last: Option<i64> = tx
        .prepare_cached(LAST_SEQ)?
        .query_row(params![scope.portal, scope.app, number], |row| row.get(0))
        .optional()?;
    let mut insert_operation = tx.prepare_cached(INSERT_OPERATION)?;
    let mut insert_payload = tx.prepare_cached(INSERT_PAYLOAD)?;
    let mut moves = Moves::default();
    for operation in operations {
        let seq = integer(operation.id.seq)?;
        if operation.id.run != run || last.is_some_and(|last| seq <= last) {
            return Err(Refusal::OutOfOrder(format!("{}/{seq}", operation.id.run)).into());
        }
        last = Some(seq);
        let entry = operation.row.entry.0.as_str();
        let verb = verb(&operation.action);
        insert_operation.execute(params![
            scope.portal,
            scope.app,
            number,
            seq,
            operation.stage,
            operation.pack,
            u16::MAX,
            entry,
            verb
        ])?;
        insert_payload.execute(params![
            scope.portal,
            scope.app,
            number,
            seq,
            operation.row.key.0,
            operation.object_type.as_str(),
            encode(&operation.action)?
        ])?;
        moves.enter(number, operation.stage.into(), entry, verb, OperationState::Waiting);
    }
    moves.write(tx, scope)
}

fn seal(tx: &Connection, install: Install, run: RunId, plan: &Plan) -> Result<Run, Fault> {
    let scope = Scope::of(install)?;
    require(tx, scope, run, RunState::Planning)?;
    drop_all(tx, scope, RunState::Planned)?;
    let rows = tx.prepare_cached(SEAL)?.execute(params![
        scope.portal,
        scope.app,
        integer(run.0)?,
        run_state_number(RunState::Planned),
        integer(links::revision(tx, scope)?)?,
        encode(plan)?
    ])?;
    touched("run", rows, 1)?;
    get(tx, scope, run)
}

fn start(tx: &Connection, install: Install, run: RunId) -> Result<Run, Fault> {
    let scope = Scope::of(install)?;
    let found = get(tx, scope, run)?;
    if found.state == RunState::Applying {
        return Ok(found);
    }
    require(tx, scope, run, RunState::Planned)?;
    if let Some(other) = newest(tx, scope, RunState::Applying)? {
        return Err(Refusal::WrongState { run: other.id.to_string(), found: other.state }.into());
    }
    let current = links::revision(tx, scope)?;
    if current != found.revision {
        return Err(Refusal::Stale { planned: found.revision, current }.into());
    }
    set_state(tx, scope, integer(run.0)?, RunState::Applying)?;
    Ok(Run { state: RunState::Applying, ..found })
}

fn finish(tx: &Connection, install: Install, run: RunId) -> Result<Run, Fault> {
    let scope = Scope::of(install)?;
    let found = get(tx, scope, run)?;
    if found.state == RunState::Finished {
        return Ok(found);
    }
    require(tx, scope, run, RunState::Applying)?;
    if tally::lowest_unsettled_stage(&tally::progress(tx, scope, run)?).is_some() {
        return Err(Refusal::WrongState { run: run.to_string(), found: RunState::Applying }.into());
    }
    let number = integer(run.0)?;
    set_state(tx, scope, number, RunState::Finished)?;
    litter::mark(tx, scope, number, Keep::Results)?;
    Ok(Run { state: RunState::Finished, ..found })
}

fn abandon(tx: &Connection, install: Install, run: RunId) -> Result<Run, Fault> {
    let scope = Scope::of(install)?;
    let found = get(tx, scope, run)?;
    match found.state {
        RunState::Dropped => Ok(found),
        RunState::Planned | RunState::Applying => {
            let number = integer(run.0)?;
            set_state(tx, scope, number, RunState::Dropped)?;
            litter::mark(tx, scope, number, Keep::Nothing)?;
            Ok(Run { state: RunState::Dropped, ..found })
        }
        RunState::Planning | RunState::Finished => {
            Err(Refusal::WrongState { run: run.to_string(), found: found.state }.into())
        }
    }
}

fn newest(tx: &Connection, scope: Scope, state: RunState) -> Result<Option<Run>, Fault> {
    let found = tx
        .prepare_cached(NEWEST_IN_STATE)?
        .query_row(params![scope.portal, scope.app, run_state_number(state)], RunRow::read)
        .optional()?;
    found.map(Run::try_from).transpose()
}

fn open_run(tx: &Connection, install: Install) -> Result<Option<Run>, Fault> {
    let scope = Scope::of(install)?;
    match newest(tx, scope, RunState::Applying)? {
        Some(run) => Ok(Some(run)),
        None => newest(tx, scope, RunState::Planned),
    }
}

fn recent(tx: &Connection, install: Install, limit: usize) -> Result<Vec<Run>, Fault> {
    let scope = Scope::of(install)?;
    let mut statement = tx.prepare_cached(RECENT)?;
    let rows = statement.query_map(params![scope.portal, scope.app, amount(limit)], RunRow::read)?;
    rows.map(|row| row?.try_into()).collect()
}

#[async_trait]
impl Runs for SqliteStore {
    async fn begin(&self, install: Install, run: RunId, mapping: u64, now: Wall) -> Result<(), StoreError> {
        self.write("begin a run", move |tx| begin(tx, install, run, mapping, now)).await?;
        self.sweep(install).await
    }

    async fn extend(&self, install: Install, run: RunId, chunk: PlanChunk) -> Result<(), StoreError> {
        self.write("extend a plan", move |tx| extend(tx, install, run, chunk)).await
    }

    async fn seal(&self, install: Install, run: RunId, plan: Plan) -> Result<Run, StoreError> {
        let sealed = self.write("seal a plan", move |tx| seal(tx, install, run, &plan)).await?;
        self.sweep(install).await?;
        Ok(sealed)
    }

    async fn start(&self, install: Install, run: RunId) -> Result<Run, StoreError> {
        self.write("start a run", move |tx| start(tx, install, run)).await
    }

    async fn finish(&self, install: Install, run: RunId) -> Result<Run, StoreError> {
        let finished = self.write("finish a run", move |tx| finish(tx, install, run)).await?;
        self.sweep(install).await?;
        Ok(finished)
    }

    async fn abandon(&self, install: Install, run: RunId) -> Result<Run, StoreError> {
        let dropped = self.write("abandon a run", move |tx| abandon(tx, install, run)).await?;
        self.sweep(install).await?;
        Ok(dropped)
    }

    async fn get(&self, install: Install, run: RunId) -> Result<Run, StoreError> {
        self.read("read a run", move |tx| get(tx, Scope::of(install)?, run)).await
    }

    async fn open_run(&self, install: Install) -> Result<Option<Run>, StoreError> {
        self.read("find the open run", move |tx| open_run(tx, install)).await
    }

    async fn recent(&self, install: Install, limit: usize) -> Result<Vec<Run>, StoreError> {
        self.read("list runs", move |tx| recent(tx, install, limit)).await
    }

    async fn progress(&self, install: Install, run: RunId) -> Result<Progress, StoreError> {
        self.read("count a run's operations", move |tx| {
            let scope = Scope::of(install)?;
            state(tx, scope, run)?;
            tally::progress(tx, scope, run)
        })
        .await
    }

    async fn rejected(
        &self,
        install: Install,
        run: RunId,
        skip: usize,
        limit: usize,
    ) -> Result<Vec<RejectedRow>, StoreError> {
        self.read("list rejected rows", move |tx| {
            let scope = Scope::of(install)?;
            state(tx, scope, run)?;
            rejected::list(tx, scope, run, skip, limit)
        })
        .await
    }
}
