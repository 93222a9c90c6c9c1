//! What happens in the made-up company between the two syncs.

use rusqlite::{Connection, params};
use serde::Serialize;

/// One kind of change, in words, and how many rows it touched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Change {
    /// What happened.
    pub(super) what: &'static str,
    /// In which table.
    pub(super) table: &'static str,
    /// How many rows.
    pub(super) rows: u64,
}

const STATEMENTS: [(&str, &str, &str); 6] = [
    ("companies moved to another city", "companies", "update companies set city = 'Lisboa' where id % 40 = 3"),
    (
        "users got a new role",
        "users",
        "update users set role = 'head of growth' where id % 50 = 7 and role is not 'head of growth'",
    ),
    (
        "trials were won",
        "subscriptions",
        "update subscriptions set status = 'active' where status = 'trial' and id % 3 = 0",
    ),
    (
        "users without an address told it",
        "users",
        "update users set email = 'found.' || id || '@late.example.com' where email is null",
    ),
    (
        "forgotten statuses were cleaned up",
        "subscriptions",
        "update subscriptions set status = 'cancelled' where status = 'paused-2019'",
    ),
    (
        "phone numbers were corrected",
        "users",
        "update users set phone = '+442079460' || printf('%03d', id % 1000) where phone in ('n/a', '12', 'call the office')",
    ),
];

/// How many people join.
const JOINING: i64 = 3;

/// Changes the rows, in one transaction.
pub(super) fn make(connection: &mut Connection) -> rusqlite::Result<Vec<Change>> {
    let transaction = connection.transaction()?;
    let mut changes = Vec::new();
    for (what, table, statement) in STATEMENTS {
        let rows = transaction.execute(statement, [])? as u64;
        changes.push(Change { what, table, rows });
    }
    let last: i64 = transaction.query_row("select max(id) from users", [], |row| row.get(0))?;
    let mut joined = 0;
    for id in last + 1..=last + JOINING {
        joined += transaction.execute(
            "insert into users values (?, 1, ?, 'Nova', 'Ñandú', null, 'US', 'developer', '2026-10-01')",
            params![id, format!("nova.nandu{id}@new.example.com")],
        )? as u64;
    }
    changes.push(Change { what: "users joined", table: "users", rows: joined });
    transaction.commit()?;
    changes.retain(|change| change.rows > 0);
    Ok(changes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::database;

    #[test]
    fn changes_are_counted_and_do_not_repeat_themselves() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("saas.db");
        let before = database::make(&path, 2_000, 7).unwrap();
        let mut connection = Connection::open(&path).unwrap();
        let changes = make(&mut connection).unwrap();
        assert_eq!(changes.len(), 7, "{changes:?}");
        let after = database::count(&connection).unwrap();
        assert_eq!(after.total(), before.total() + u64::try_from(JOINING).unwrap());
        let left: i64 =
            connection.query_row("select count(*) from users where email is null", [], |row| row.get(0)).unwrap();
        assert_eq!(left, 0);
    }
}
