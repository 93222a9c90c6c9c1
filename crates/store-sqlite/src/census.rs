//! How many rows of a name a table holds, so that counting never scans.

use rusqlite::{Connection, OptionalExtension, params};

use crate::codec::{Scope, narrow};
use crate::fault::{Fault, Place, touched};

pub(crate) const ADD: &str = "
    insert into census (portal, app, family, name, amount)
    values (?1, ?2, ?3, ?4, 1)
    on conflict (portal, app, family, name)
    do update set amount = amount + 1";

pub(crate) const GET: &str = "
    select amount
    from census
    where portal = ?1 and app = ?2 and family = ?3 and name = ?4";

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// Links, by entry.
    Links,
    /// Mirrored records, by object type.
    Mirror,
}

impl Family {
    fn name(self) -> &'static str {
        match self {
            Self::Links => "link",
            Self::Mirror => "mirror",
        }
    }
}

/// Counts one more.
pub(crate) fn add(tx: &Connection, scope: Scope, family: Family, name: &str) -> Result<(), Fault> {
    let rows = tx.prepare_cached(ADD)?.execute(params![scope.portal, scope.app, family.name(), name])?;
    touched("census", rows, 1)
}

/// How many there are.
pub(crate) fn get(tx: &Connection, scope: Scope, family: Family, name: &str) -> Result<u64, Fault> {
    let stored: Option<i64> = tx
        .prepare_cached(GET)?
        .query_row(params![scope.portal, scope.app, family.name(), name], |row| row.get(0))
        .optional()?;
    let place = || Place { table: "census", column: "amount", key: format!("{}/{name}", family.name()) };
    narrow(stored.unwrap_or(0), place)
}
