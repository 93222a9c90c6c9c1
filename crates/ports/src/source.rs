//! Systems of record, as tables of rows.

use async_trait::async_trait;
use linchpin_core::sync::row::{Cell, Row};
use serde::{Deserialize, Serialize};

/// What to read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Select {
    /// A table or view, by name (for CSV sources: a file of the folder, without its ending).
    Table(String),
    /// A query in the source's own language.
    Query(String),
}

/// A table as the source describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns, in order.
    pub columns: Vec<Column>,
    /// Columns of the primary key, if there is one.
    pub primary_key: Vec<String>,
    /// Columns that refer to other tables.
    pub foreign_keys: Vec<ForeignKey>,
    /// How many rows, if that is cheap to know.
    pub rows: Option<u64>,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// The declared type, in the source's words; empty when there is none.
    pub declared: String,
    /// Whether it may be null.
    pub nullable: bool,
}

/// A reference to another table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignKey {
    /// The column that refers.
    pub column: String,
    /// The table referred to.
    pub to_table: String,
    /// The column referred to.
    pub to_column: String,
}

/// A row as read, or what stood in its place.
#[derive(Clone, Debug, PartialEq)]
pub enum Read {
    /// A row.
    Row(Row),
    /// Something that is no row (a CSV line with too few fields, bytes that are no text): reported and kept, never
    /// dropped in silence.
    Bad {
        /// Where, for people (`line 17`).
        place: String,
        /// What is wrong.
        reason: String,
        /// What was there, as far as it can be shown.
        content: String,
    },
}

/// Why a source cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// It is not there or does not open.
    #[error("cannot open the source {name}")]
    Open {
        /// The source, as configured.
        name: String,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It has no such table.
    #[error("the source {name} has no table {table:?}; it has: {known}")]
    NoTable {
        /// The source.
        name: String,
        /// The table asked for.
        table: String,
        /// The tables it has, joined by commas.
        known: String,
    },
    /// The query was refused or broke off.
    #[error("the source {name} cannot answer {what}")]
    Query {
        /// The source.
        name: String,
        /// What was asked, shortened.
        what: String,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// A system of record that can be read.
#[async_trait]
pub trait Source: Send + Sync {
    /// The tables and views, in the order of their names.
    async fn tables(&self) -> Result<Vec<Table>, SourceError>;

    /// The names of the columns that a selection yields, without reading rows.
    async fn columns(&self, select: &Select) -> Result<Vec<String>, SourceError>;

    /// Opens a selection for reading. All rows of one reader belong to one moment of the source (a snapshot, where the
    /// source can give one), and two readers over unchanged data yield the rows in the same order.
    async fn open(&self, select: &Select) -> Result<Box<dyn RowReader>, SourceError>;
}

/// Rows in order.
#[async_trait]
pub trait RowReader: Send {
    /// The next rows, at most `max`; empty at the end, and from then on.
    async fn next(&mut self, max: usize) -> Result<Vec<Read>, SourceError>;
}

/// The JSON text of a row, for keeping rejected rows readable: keys in column order.
pub fn row_json(row: &Row) -> String {
    let object: serde_json::Map<String, serde_json::Value> =
        row.iter().map(|(name, cell)| (name.to_owned(), cell_json(cell))).collect();
    serde_json::Value::Object(object).to_string()
}

fn cell_json(cell: &Cell) -> serde_json::Value {
    match cell {
        Cell::Null => serde_json::Value::Null,
        Cell::Bool(value) => (*value).into(),
        Cell::Int(value) => (*value).into(),
        Cell::Real(value) => (*value).into(),
        Cell::Text(value) => value.as_str().into(),
    }
}
