//! What a SQLite database says about itself, by its table-valued pragmas.

use linchpin_ports::source::{Column, ForeignKey, SourceError, Table};
use rusqlite::{Connection, OptionalExtension};

use super::Database;

/// Rows are counted (a scan) only in databases up to this size.
const COUNTED_BYTES_MAX: u64 = 64 << 20;

/// The names by which SQLite knows the row id, unless a column takes them.
const ROWID_NAMES: [&str; 3] = ["rowid", "_rowid_", "oid"];

// Tables, views and virtual tables; not SQLite's own tables and not the shadows of virtual ones.
const NAMES: &str = "
    select name
    from pragma_table_list
    where schema = 'main' and type in ('table', 'view', 'virtual') and name not like 'sqlite\\_%' escape '\\'
    order by name";

const KIND: &str = "
    select name, type, wr
    from pragma_table_list
    where schema = 'main' and type in ('table', 'view', 'virtual') and lower(name) = lower(?1)
    order by name = ?1 desc
    limit 1";

// Hidden 1 are the columns of a virtual table that are no data; 2 and 3 are generated columns, which are.
const COLUMNS: &str = "
    select name, type, \"notnull\", pk
    from pragma_table_xinfo(?1)
    where hidden <> 1
    order by cid";

const FOREIGN_KEYS: &str = "
    select \"from\", \"table\", \"to\", seq
    from pragma_foreign_key_list(?1)
    order by id, seq";

struct StoredColumn {
    column: Column,
    /// The place in the primary key, from 1; 0 outside of it.
    key_place: u32,
}

/// All tables and views, by name.
pub(super) fn tables(database: &Database, connection: &Connection) -> rusqlite::Result<Vec<Table>> {
    let small = database.path.metadata().is_ok_and(|file| file.len() <= COUNTED_BYTES_MAX);
    let names: Vec<String> =
        connection.prepare(NAMES)?.query_map((), |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    names.into_iter().map(|name| table(connection, name, small)).collect()
}

fn table(connection: &Connection, name: String, small: bool) -> rusqlite::Result<Table> {
    let columns = columns(connection, &name)?;
    let (_, kind, _) = kind(connection, &name)?.unwrap_or_default();
    let rows = if small && kind == "table" {
        let count = format!("select count(*) from {}", quote(&name));
        let rows: i64 = connection.query_row(&count, (), |row| row.get(0))?;
        u64::try_from(rows).ok()
    } else {
        None
    };
    Ok(Table {
        primary_key: primary_key(&columns),
        foreign_keys: foreign_keys(connection, &name)?,
        columns: columns.into_iter().map(|stored| stored.column).collect(),
        name,
        rows,
    })
}

fn columns(connection: &Connection, table: &str) -> rusqlite::Result<Vec<StoredColumn>> {
    let mut statement = connection.prepare(COLUMNS)?;
    let columns = statement.query_map([table], |row| {
        let not_null: bool = row.get(2)?;
        Ok(StoredColumn {
            column: Column { name: row.get(0)?, declared: row.get(1)?, nullable: !not_null },
            key_place: row.get(3)?,
        })
    })?;
    columns.collect()
}

fn primary_key(columns: &[StoredColumn]) -> Vec<String> {
    let mut key: Vec<&StoredColumn> = columns.iter().filter(|stored| stored.key_place > 0).collect();
    key.sort_by_key(|stored| stored.key_place);
    key.into_iter().map(|stored| stored.column.name.clone()).collect()
}

fn foreign_keys(connection: &Connection, table: &str) -> rusqlite::Result<Vec<ForeignKey>> {
    let mut statement = connection.prepare(FOREIGN_KEYS)?;
    let stored: Vec<(String, String, Option<String>, u32)> = statement
        .query_map([table], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let mut keys = Vec::with_capacity(stored.len());
    for (column, to_table, to_column, place) in stored {
        let to_column = match to_column {
            Some(to_column) => Some(to_column),
            // A reference that names no column means the other table's primary key.
            None => primary_key(&columns(connection, &to_table)?).get(place as usize).cloned(),
        };
        // One that leads nowhere (the other table is gone) is no reference.
        keys.extend(to_column.map(|to_column| ForeignKey { column, to_table, to_column }));
    }
    Ok(keys)
}

/// Name as stored, kind, and whether it lacks a row id.
fn kind(connection: &Connection, table: &str) -> rusqlite::Result<Option<(String, String, bool)>> {
    connection.query_row(KIND, [table], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()
}

/// The query that yields a whole table, in the order of its primary key or row id.
pub(super) fn select_table(database: &Database, connection: &Connection, table: &str) -> Result<String, SourceError> {
    let failed = |error| database.failed(table, error);
    let Some((name, kind, without_rowid)) = kind(connection, table).map_err(failed)? else {
        let known = tables(database, connection).map_err(failed)?;
        let known: Vec<String> = known.into_iter().map(|table| table.name).collect();
        return Err(SourceError::NoTable {
            name: database.name.clone(),
            table: table.to_owned(),
            known: known.join(", "),
        });
    };
    let columns = columns(connection, &name).map_err(failed)?;
    let names: Vec<String> = columns.iter().map(|stored| quote(&stored.column.name)).collect();
    let mut order: Vec<String> = primary_key(&columns).iter().map(|column| quote(column)).collect();
    if kind == "table" && !without_rowid {
        let taken = |name: &str| columns.iter().any(|stored| stored.column.name.eq_ignore_ascii_case(name));
        // Behind the key, because SQLite lets the parts of a key be null, and equal then.
        order.extend(ROWID_NAMES.iter().find(|name| !taken(name)).map(|name| (*name).to_owned()));
    }
    let order = if order.is_empty() { String::new() } else { format!(" order by {}", order.join(", ")) };
    Ok(format!("select {} from {}{order}", names.join(", "), quote(&name)))
}

/// An identifier as SQL text.
fn quote(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}
