//! Opening a connection and bringing its schema up to date.
//!
//! Migrations are numbered files that run once each, all pending ones in one transaction; `user_version` is the schema
//! number of the store. A store with a higher number than this program knows is refused, never guessed at.

use std::path::Path;
use std::time::Duration;

use linchpin_ports::store::Refusal;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::fault::Fault;

/// The migrations, in order; the schema number is how many have run.
const MIGRATIONS: [&str; 11] = [
    include_str!("../migrations/0001_initial.sql"),
    include_str!("../migrations/0002_events.sql"),
    include_str!("../migrations/0003_operations.sql"),
    include_str!("../migrations/0004_journal.sql"),
    include_str!("../migrations/0005_event_order.sql"),
    include_str!("../migrations/0006_follow.sql"),
    include_str!("../migrations/0007_dead_letters.sql"),
    include_str!("../migrations/0008_subscribers.sql"),
    include_str!("../migrations/0009_freshness.sql"),
    include_str!("../migrations/0010_echoes.sql"),
    include_str!("../migrations/0011_event_changes.sql"),
];

/// The schema number that this program writes.
pub(crate) const SCHEMA: u32 = 11;

/// Marks a file as a Linchpin store (`LNCH`), so that another program's database is never migrated into.
const APPLICATION_ID: i32 = 0x4c4e_4348;

/// How long to wait for a lock that another program (a backup, a shell) holds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Prepared statements kept per connection: more than the store has, so that none is prepared twice.
pub(crate) const STATEMENTS_MAX: usize = 192;

const APPLICATION: &str = "pragma application_id";
const VERSION: &str = "pragma user_version";
const OBJECTS: &str = "select count(*) from sqlite_schema";

/// The write-ahead log is cut back to this many bytes after a checkpoint.
const WAL_BYTES_MAX: i64 = 64 << 20;

/// The memory for pages of the connection that writes, in KiB: room for the part of the events' index that seconds of
/// heavy load write to. With less, pages are written and read again within one commit.
const WRITER_CACHE_KIB: i64 = 32 << 10;

/// Opens the connection that writes, durable before acknowledged, and migrates it.
pub(crate) fn open_writer(path: &Path) -> Result<Connection, Fault> {
    let mut connection = Connection::open(path)?;
    configure(&connection)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    // With NORMAL a commit may be lost at a power failure, which is why nothing is acknowledged on it.
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "journal_size_limit", WAL_BYTES_MAX)?;
    connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    migrate(&mut connection)?;
    Ok(connection)
}

/// Opens a connection that moves what was written from the log into the store, and does nothing else.
pub(crate) fn open_mover(path: &Path) -> Result<Connection, Fault> {
    let connection = Connection::open(path)?;
    configure(&connection)?;
    // What is moved is on the disk before the log's place for it is used again.
    connection.pragma_update(None, "synchronous", "full")?;
    Ok(connection)
}

/// Opens a store that lives in memory.
pub(crate) fn open_memory() -> Result<Connection, Fault> {
    let mut connection = Connection::open_in_memory()?;
    configure(&connection)?;
    migrate(&mut connection)?;
    Ok(connection)
}

/// Opens a connection that only reads.
pub(crate) fn open_reader(path: &Path) -> Result<Connection, Fault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    configure(&connection)?;
    Ok(connection)
}

fn configure(connection: &Connection) -> Result<(), Fault> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "temp_store", "memory")?;
    Ok(())
}

fn migrate(connection: &mut Connection) -> Result<(), Fault> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: u32 = transaction.query_row(VERSION, (), |row| row.get(0))?;
    let application: i32 = transaction.query_row(APPLICATION, (), |row| row.get(0))?;
    let objects: i64 = transaction.query_row(OBJECTS, (), |row| row.get(0))?;
    if application != APPLICATION_ID && (application != 0 || found != 0 || objects != 0) {
        return Err(Refusal::Foreign.into());
    }
    if found > SCHEMA {
        return Err(Refusal::TooNew { found, known: SCHEMA }.into());
    }
    let done = usize::try_from(found).unwrap_or(usize::MAX);
    for migration in MIGRATIONS.iter().skip(done) {
        transaction.execute_batch(migration)?;
    }
    if found < SCHEMA {
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", SCHEMA)?;
    }
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_number_counts_the_migrations() {
        assert_eq!(usize::try_from(SCHEMA).unwrap(), MIGRATIONS.len());
    }

    #[test]
    fn a_store_of_any_earlier_schema_is_brought_up_to_date_with_what_it_holds() {
        let folder = tempfile::tempdir().unwrap();
        for (done, path) in (1..SCHEMA).map(|done| (done, folder.path().join(done.to_string()))) {
            let earlier = Connection::open(&path).unwrap();
            for migration in &MIGRATIONS[..usize::try_from(done).unwrap()] {
                earlier.execute_batch(migration).unwrap();
            }
            earlier.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
            earlier.pragma_update(None, "user_version", done).unwrap();
            earlier.execute("insert into budget values (7, 9, 5, x'01')", ()).unwrap();
            drop(earlier);
            let opened = open_writer(&path).unwrap();
            assert_eq!(opened.query_row(VERSION, (), |row| row.get::<_, u32>(0)).unwrap(), SCHEMA);
            assert_eq!(opened.query_row("select count(*) from event", (), |row| row.get::<_, u32>(0)).unwrap(), 0);
            assert_eq!(opened.query_row("select count(*) from budget", (), |row| row.get::<_, u32>(0)).unwrap(), 1);
        }
    }

    #[test]
    fn every_key_and_index_leads_with_portal_and_app() {
        let connection = open_memory().unwrap();
        let mut tables = connection.prepare("select name from sqlite_schema where type = 'table'").unwrap();
        let tables: Vec<String> = tables.query_map((), |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        assert!(tables.len() > 5);
        for table in tables {
            let sql = format!(
                "select l.name, i.name, i.seqno from pragma_index_list('{table}') l, pragma_index_info(l.name) i
                 where i.seqno < 2 order by l.name, i.seqno"
            );
            let mut columns = connection.prepare(&sql).unwrap();
            let columns: Vec<String> = columns.query_map((), |row| row.get(1)).unwrap().map(Result::unwrap).collect();
            assert!(!columns.is_empty(), "{table} has a key");
            for pair in columns.chunks(2) {
                assert_eq!(pair, ["portal", "app"], "{table}");
            }
        }
    }
}
