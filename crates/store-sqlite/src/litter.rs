//! What finished and dropped runs leave behind, deleted in steps.
//!
//! Deleting half a million operations in one transaction would hold up every other write for seconds. The run's new
//! state and its mark here are one transaction; the steps come after it, and after a crash with the next sweep.

use linchpin_hubspot::id::Install;
use rusqlite::{Connection, OptionalExtension, params};

use crate::codec::Scope;
use crate::fault::{Fault, touched};
use crate::{rejected, tally};

/// How many operations one step deletes at most.
const STEP_MAX: i64 = 5_000;

pub(crate) const MARK: &str = "
    insert into litter (portal, app, run, keep_rejected)
    values (?1, ?2, ?3, ?4)";

pub(crate) const NEXT: &str = "
    select run, keep_rejected
    from litter
    where portal = ?1 and app = ?2
    order by run
    limit 1";

pub(crate) const BOUND: &str = "
    select seq
    from operation
    where portal = ?1 and app = ?2 and run = ?3
    order by seq
    limit 1 offset ?4";

pub(crate) const DELETE_OPERATIONS: &str = "
    delete from operation
    where portal = ?1 and app = ?2 and run = ?3 and seq < ?4";

pub(crate) const DELETE_PAYLOADS: &str = "
    delete from payload
    where portal = ?1 and app = ?2 and run = ?3 and seq < ?4";

pub(crate) const DELETE_LAST_OPERATIONS: &str = "
    delete from operation
    where portal = ?1 and app = ?2 and run = ?3";

pub(crate) const DELETE_LAST_PAYLOADS: &str = "
    delete from payload
    where portal = ?1 and app = ?2 and run = ?3";

pub(crate) const UNMARK: &str = "
    delete from litter
    where portal = ?1 and app = ?2 and run = ?3";

/// What a run keeps when its operations are deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// The rejected rows and the counts: it was applied.
    Results,
    /// Nothing: it was dropped.
    Nothing,
}

/// Marks a run's operations for deletion.
pub(crate) fn mark(tx: &Connection, scope: Scope, run: i64, keep: Keep) -> Result<(), Fault> {
    if keep == Keep::Nothing {
        tally::forget(tx, scope, run)?;
    }
    let rows = tx.prepare_cached(MARK)?.execute(params![scope.portal, scope.app, run, keep == Keep::Results])?;
    touched("litter", rows, 1)
}

/// Deletes a bounded number of operations; says whether there is more to delete.
pub(crate) fn sweep_step(tx: &Connection, install: Install) -> Result<bool, Fault> {
    let scope = Scope::of(install)?;
    let next: Option<(i64, bool)> = tx
        .prepare_cached(NEXT)?
        .query_row(params![scope.portal, scope.app], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((run, keep_rejected)) = next else { return Ok(false) };
    let bound: Option<i64> = tx
        .prepare_cached(BOUND)?
        .query_row(params![scope.portal, scope.app, run, STEP_MAX], |row| row.get(0))
        .optional()?;
    if let Some(bound) = bound {
        tx.prepare_cached(DELETE_OPERATIONS)?.execute(params![scope.portal, scope.app, run, bound])?;
        tx.prepare_cached(DELETE_PAYLOADS)?.execute(params![scope.portal, scope.app, run, bound])?;
        return Ok(true);
    }
    tx.prepare_cached(DELETE_LAST_OPERATIONS)?.execute(params![scope.portal, scope.app, run])?;
    tx.prepare_cached(DELETE_LAST_PAYLOADS)?.execute(params![scope.portal, scope.app, run])?;
    if !keep_rejected {
        rejected::forget(tx, scope, run)?;
    }
    let rows = tx.prepare_cached(UNMARK)?.execute(params![scope.portal, scope.app, run])?;
    touched("litter", rows, 1)?;
    Ok(true)
}
