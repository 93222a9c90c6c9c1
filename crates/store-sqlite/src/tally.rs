//! Counts of operations by run, stage, entry, verb and state, moved together with the operations.
//!
//! Counting half a million rows for every tick of a progress bar, or to find the lowest unsettled stage, would be a
//! scan; these few rows are not.

use std::collections::BTreeMap;

use linchpin_core::sync::desired::EntryName;
use linchpin_core::sync::operation::OperationState;
use linchpin_core::sync::run::RunId;
use linchpin_ports::runs::Progress;
use rusqlite::{Connection, params};

use crate::codec::{Scope, integer, narrow, operation_state, operation_state_number};
use crate::fault::{Fault, Place, touched};

pub(crate) const ADD: &str = "
    insert into tally (portal, app, run, stage, entry, verb, state, operations)
    values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
    on conflict (portal, app, run, stage, entry, verb, state)
    do update set operations = operations + excluded.operations";

pub(crate) const ALL: &str = "
    select stage, entry, verb, state, operations
    from tally
    where portal = ?1 and app = ?2 and run = ?3 and operations > 0
    order by stage, entry, verb, state";

pub(crate) const FORGET: &str = "
    delete from tally
    where portal = ?1 and app = ?2 and run = ?3";

/// What is counted: `(run, stage, entry, verb, state)`, as stored.
type Kind = (i64, i64, String, String, i64);

/// Moves that a transaction has made and not yet written.
#[derive(Debug, Default)]
pub(crate) struct Moves(BTreeMap<Kind, i64>);

impl Moves {
    /// Counts one operation into a state.
    pub(crate) fn enter(&mut self, run: i64, stage: i64, entry: &str, verb: &str, state: OperationState) {
        self.add((run, stage, entry.to_owned(), verb.to_owned(), operation_state_number(state)), 1);
    }

    /// Counts one operation out of a state.
    pub(crate) fn leave(&mut self, run: i64, stage: i64, entry: &str, verb: &str, state: OperationState) {
        self.add((run, stage, entry.to_owned(), verb.to_owned(), operation_state_number(state)), -1);
    }

    fn add(&mut self, kind: Kind, by: i64) {
        *self.0.entry(kind).or_default() += by;
    }

    /// Writes the moves.
    pub(crate) fn write(self, tx: &Connection, scope: Scope) -> Result<(), Fault> {
        let mut add = tx.prepare_cached(ADD)?;
        for ((run, stage, entry, verb, state), by) in self.0 {
            if by != 0 {
                let rows = add.execute(params![scope.portal, scope.app, run, stage, entry, verb, state, by])?;
                touched("tally", rows, 1)?;
            }
        }
        Ok(())
    }
}

struct TallyRow {
    stage: i64,
    entry: String,
    verb: String,
    state: i64,
    operations: i64,
}

/// The counts of a run.
pub(crate) fn progress(tx: &Connection, scope: Scope, run: RunId) -> Result<Progress, Fault> {
    let mut all = tx.prepare_cached(ALL)?;
    let rows = all.query_map(params![scope.portal, scope.app, integer(run.0)?], |row| {
        Ok(TallyRow {
            stage: row.get(0)?,
            entry: row.get(1)?,
            verb: row.get(2)?,
            state: row.get(3)?,
            operations: row.get(4)?,
        })
    })?;
    rows.map(|row| {
        let row = row?;
        let place = |column| Place { table: "tally", column, key: run.to_string() };
        let stage = narrow(row.stage, || place("stage"))?;
        let state = operation_state(row.state).ok_or_else(|| Fault::Corrupt(place("state")))?;
        let operations = narrow(row.operations, || place("operations"))?;
        Ok(((stage, EntryName(row.entry), row.verb, state), operations))
    })
    .collect()
}

/// The lowest stage of a run that has waiting or sent operations.
pub(crate) fn lowest_unsettled_stage(progress: &Progress) -> Option<u16> {
    progress
        .iter()
        .filter(|((.., state), _)| matches!(state, OperationState::Waiting | OperationState::Sent))
        .map(|((stage, ..), _)| *stage)
        .min()
}

/// Forgets the counts of a run.
pub(crate) fn forget(tx: &Connection, scope: Scope, run: i64) -> Result<(), Fault> {
    tx.prepare_cached(FORGET)?.execute(params![scope.portal, scope.app, run])?;
    Ok(())
}
