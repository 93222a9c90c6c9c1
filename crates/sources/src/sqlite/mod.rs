//! A SQLite database as a source: its tables, its views, and queries in its own language.
//!
//! Opened read-only. A reader holds one read transaction from its opening to its end, so all its rows are of one moment;
//! with a rollback journal (not WAL) that keeps writers of the database from committing meanwhile.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use linchpin_core::sync::row::{Cell, Row};
use linchpin_ports::executor::Executor;
use linchpin_ports::source::{Read, RowReader, Select, Source, SourceError, Table, row_json};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Statement};

use crate::stream::{self, Opening};
use crate::{cause, shorten};

mod schema;

/// How long to wait for a writer of the database.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

// Read before anything else in a transaction: from here on its rows are of this moment.
const TAKE_SNAPSHOT: &str = "select count(*) from sqlite_schema";

/// A SQLite database.
#[derive(Clone, Debug)]
pub struct SqliteSource {
    database: Arc<Database>,
    executor: Executor,
}

/// Where the database is and what people call it.
#[derive(Debug)]
struct Database {
    name: String,
    path: PathBuf,
}

impl SqliteSource {
    /// Opens the database at `path`; `name` is what messages call it.
    ///
    /// # Errors
    /// `Open` when the file is not there, is no database, or may not be read.
    pub fn open(name: impl Into<String>, path: impl Into<PathBuf>) -> Result<Self, SourceError> {
        let database = Database { name: name.into(), path: path.into() };
        database.connect()?;
        Ok(Self { database: Arc::new(database), executor: Executor::Threads })
    }

    /// The same source with its blocking work somewhere else.
    #[must_use]
    pub fn with_executor(mut self, executor: Executor) -> Self {
        self.executor = executor;
        self
    }

    async fn once<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Database, &Connection) -> Result<T, SourceError> + Send + 'static,
    ) -> Result<T, SourceError> {
        let database = Arc::clone(&self.database);
        stream::once(self.executor, &self.database.name, move || work(&database, &database.connect()?)).await
    }
}

impl Database {
    fn connect(&self) -> Result<Connection, SourceError> {
        let failed = |source| SourceError::Open { name: self.name.clone(), source };
        check_file(&self.path).map_err(failed)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let open = || {
            let connection = Connection::open_with_flags(&self.path, flags)?;
            connection.busy_timeout(BUSY_TIMEOUT)?;
            // Opening touches nothing; this reads the file's header.
            connection.query_row(TAKE_SNAPSHOT, (), |_| Ok(()))?;
            Ok(connection)
        };
        open().map_err(|error: rusqlite::Error| failed(Box::new(error)))
    }

    fn failed(&self, what: &str, error: rusqlite::Error) -> SourceError {
        SourceError::Query { name: self.name.clone(), what: shorten(what), source: Box::new(error) }
    }

    fn refused(&self, what: &str, why: impl Into<String>) -> SourceError {
        SourceError::Query { name: self.name.clone(), what: shorten(what), source: cause(why) }
    }

    /// The statement that yields a selection.
    fn statement<'c>(&self, connection: &'c Connection, select: &Select) -> Result<Statement<'c>, SourceError> {
        let (what, sql) = match select {
            Select::Table(table) => (table.as_str(), schema::select_table(self, connection, table)?),
            Select::Query(query) => (query.as_str(), query.clone()),
        };
        let statement = connection.prepare(&sql).map_err(|error| self.failed(what, error))?;
        if !statement.readonly() || statement.column_count() == 0 {
            return Err(self.refused(what, "it yields no rows or would change the database: use a select"));
        }
        if statement.parameter_count() > 0 {
            return Err(self.refused(what, "it has parameters, and nobody to fill them: write the values out"));
        }
        Ok(statement)
    }

    fn columns(&self, connection: &Connection, select: &Select) -> Result<Vec<String>, SourceError> {
        let statement = self.statement(connection, select)?;
        let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
        for (at, column) in columns.iter().enumerate() {
            if columns.iter().take(at).any(|earlier| earlier == column) {
                let why = format!("it yields two columns named {column:?}: give each a name of its own with `as`");
                return Err(self.refused("the query", why));
            }
        }
        Ok(columns)
    }

    /// Reads a selection as long as somebody asks.
    fn read(&self, select: &Select, opening: Opening) {
        let connection = match self.connect() {
            Ok(connection) => connection,
            Err(error) => return opening.fail(error),
        };
        let opened = connection
            .execute_batch("begin deferred")
            .and_then(|()| connection.query_row(TAKE_SNAPSHOT, (), |_| Ok(())))
            .map_err(|error| self.failed("a snapshot", error))
            .and_then(|()| Ok((self.columns(&connection, select)?, self.statement(&connection, select)?)));
        let (columns, mut statement) = match opened {
            Ok(opened) => opened,
            Err(error) => return opening.fail(error),
        };
        let what = match select {
            Select::Table(table) => table.clone(),
            Select::Query(_) => "the query".to_owned(),
        };
        let columns: Arc<[String]> = columns.into();
        let mut rows = match statement.query(()) {
            Ok(rows) => Some(rows),
            Err(error) => return opening.fail(self.failed(&what, error)),
        };
        let mut number = 0_u64;
        opening.serve(|max| {
            let mut chunk = Vec::new();
            while chunk.len() < max {
                // The cursor would begin again if it were asked after its end.
                let Some(cursor) = rows.as_mut() else { break };
                match cursor.next().map_err(|error| self.failed(&what, error))? {
                    None => rows = None,
                    Some(row) => {
                        number += 1;
                        chunk.push(read_row(row, &columns, || format!("row {number} of {what}")));
                    }
                }
            }
            Ok(chunk)
        });
    }
}

/// Says what to do about a path where no database can be.
fn check_file(path: &Path) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    match path.metadata() {
        Ok(file) if file.is_file() => Ok(()),
        Ok(_) => Err(cause(format!("{} is not a file: name the database file itself", path.display()))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(cause(format!("there is no file {}: correct the path in the configuration", path.display())))
        }
        Err(error) => Err(Box::new(error)),
    }
}

/// A stored row as a row, or as something bad that names the columns concerned.
fn read_row(row: &rusqlite::Row<'_>, columns: &Arc<[String]>, place: impl FnOnce() -> String) -> Read {
    let mut cells = Vec::with_capacity(columns.len());
    let mut faults = Vec::new();
    for (at, column) in columns.iter().enumerate() {
        let cell = match row.get_ref(at) {
            Ok(ValueRef::Null) => Cell::Null,
            Ok(ValueRef::Integer(value)) => Cell::Int(value),
            Ok(ValueRef::Real(value)) => Cell::Real(value),
            Ok(ValueRef::Text(bytes)) => {
                let text = String::from_utf8_lossy(bytes);
                if std::str::from_utf8(bytes).is_err() {
                    faults.push(format!("column {column} holds text that is not valid UTF-8"));
                }
                Cell::Text(text.into_owned())
            }
            Ok(ValueRef::Blob(bytes)) => {
                faults.push(format!(
                    "column {column} holds {} bytes of binary data: leave the column out or convert it in a query",
                    bytes.len()
                ));
                Cell::Text(format!("({} bytes)", bytes.len()))
            }
            Err(error) => {
                faults.push(format!("column {column} cannot be read: {error}"));
                Cell::Null
            }
        };
        cells.push(cell);
    }
    let row = Row::new(Arc::clone(columns), cells);
    if faults.is_empty() {
        Read::Row(row)
    } else {
        Read::Bad { place: place(), reason: faults.join("; "), content: row_json(&row) }
    }
}

#[async_trait]
impl Source for SqliteSource {
    async fn tables(&self) -> Result<Vec<Table>, SourceError> {
        self.once(|database, connection| {
            schema::tables(database, connection).map_err(|error| database.failed("its schema", error))
        })
        .await
    }

    async fn columns(&self, select: &Select) -> Result<Vec<String>, SourceError> {
        let select = select.clone();
        self.once(move |database, connection| database.columns(connection, &select)).await
    }

    async fn open(&self, select: &Select) -> Result<Box<dyn RowReader>, SourceError> {
        let (database, select) = (Arc::clone(&self.database), select.clone());
        stream::start(self.executor, &self.database.name, move |opening| database.read(&select, opening)).await
    }
}
