//! Rows that a run rejected, in the order of rejection: places count from 0 without gaps.

use linchpin_core::sync::desired::{EntryName, RowId, SourceKey};
use linchpin_core::sync::run::{RejectedRow, RunId};
use rusqlite::{Connection, OptionalExtension, params};

use crate::codec::{Scope, amount, decode, encode, integer};
use crate::fault::{Fault, Place, touched};

pub(crate) const LAST_PLACE: &str = "
    select place
    from rejected
    where portal = ?1 and app = ?2 and run = ?3
    order by place desc
    limit 1";

pub(crate) const INSERT: &str = "
    insert into rejected (portal, app, run, place, entry, source_key, rejection, content)
    values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

pub(crate) const LIST: &str = "
    select place, entry, source_key, rejection, content
    from rejected
    where portal = ?1 and app = ?2 and run = ?3 and place >= ?4
    order by place
    limit ?5";

pub(crate) const FORGET: &str = "
    delete from rejected
    where portal = ?1 and app = ?2 and run = ?3";

struct StoredRejection {
    place: i64,
    row: RowId,
    rejection: Vec<u8>,
    content: String,
}

impl TryFrom<StoredRejection> for RejectedRow {
    type Error = Fault;

    fn try_from(stored: StoredRejection) -> Result<Self, Fault> {
        let place = || Place { table: "rejected", column: "rejection", key: stored.place.to_string() };
        let rejection = decode(&stored.rejection, place)?;
        Ok(Self { row: stored.row, rejection, content: stored.content })
    }
}

/// Forgets the rejected rows of a run.
pub(crate) fn forget(tx: &Connection, scope: Scope, run: i64) -> Result<(), Fault> {
    tx.prepare_cached(FORGET)?.execute(params![scope.portal, scope.app, run])?;
    Ok(())
}

/// Adds rows after those that are there.
pub(crate) fn add(tx: &Connection, scope: Scope, run: RunId, rows: &[RejectedRow]) -> Result<(), Fault> {
    if rows.is_empty() {
        return Ok(());
    }
    let run = integer(run.0)?;
    let last: Option<i64> =
        tx.prepare_cached(LAST_PLACE)?.query_row(params![scope.portal, scope.app, run], |row| row.get(0)).optional()?;
    let first = last.map_or(0, |last| last + 1);
    let mut insert = tx.prepare_cached(INSERT)?;
    for (place, rejected) in (first..).zip(rows) {
        let rows = insert.execute(params![
            scope.portal,
            scope.app,
            run,
            place,
            rejected.row.entry.0,
            rejected.row.key.0,
            encode(&rejected.rejection)?,
            rejected.content
        ])?;
        touched("rejected", rows, 1)?;
    }
    Ok(())
}

/// At most `limit` rows after the first `skip`.
pub(crate) fn list(
    tx: &Connection,
    scope: Scope,
    run: RunId,
    skip: usize,
    limit: usize,
) -> Result<Vec<RejectedRow>, Fault> {
    let mut statement = tx.prepare_cached(LIST)?;
    let rows =
        statement.query_map(params![scope.portal, scope.app, integer(run.0)?, amount(skip), amount(limit)], |row| {
            Ok(StoredRejection {
                place: row.get(0)?,
                row: RowId { entry: EntryName(row.get(1)?), key: SourceKey(row.get(2)?) },
                rejection: row.get(3)?,
                content: row.get(4)?,
            })
        })?;
    rows.map(|row| row?.try_into()).collect()
}
