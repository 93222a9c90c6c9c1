//! CSV files as a source: one file is one table, a folder is a table for each of its `.csv` files.
//!
//! Values stay text; only what an empty field means is an option. A reader keeps its file open, so a file that is
//! replaced while it is read does no harm; one that is rewritten in place cannot be told from a snapshot.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use linchpin_core::sync::row::{Cell, Row};
use linchpin_ports::executor::Executor;
use linchpin_ports::source::{Column, Read, RowReader, Select, Source, SourceError, Table};

use crate::stream::{self, Opening};
use crate::{cause, shorten};

mod records;

use records::{Record, Records};

/// The ending that makes a file of a folder a table.
const ENDING: &str = "csv";

/// Whether the first record names the columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Header {
    /// It does.
    #[default]
    First,
    /// It is data; the columns are called `column1`, `column2` and so on.
    None,
}

/// What an empty field means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Empty {
    /// No value.
    #[default]
    Null,
    /// A text without characters.
    Text,
}

/// How the files are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CsvOptions {
    /// What separates fields: one byte, neither a quote nor the end of a line.
    pub delimiter: u8,
    /// Whether the first record names the columns.
    pub header: Header,
    /// What an empty field means.
    pub empty: Empty,
}

impl Default for CsvOptions {
    fn default() -> Self {
        Self { delimiter: b',', header: Header::First, empty: Empty::Null }
    }
}

/// A CSV file or a folder of them.
#[derive(Clone, Debug)]
pub struct CsvSource {
    files: Arc<Files>,
    executor: Executor,
}

#[derive(Debug)]
struct Files {
    name: String,
    path: PathBuf,
    options: CsvOptions,
}

impl CsvSource {
    /// Opens a file or a folder; `name` is what messages call the source.
    ///
    /// # Errors
    /// `Open` when nothing is there, a folder holds no table, or the delimiter cannot be one.
    pub fn open(name: impl Into<String>, path: impl Into<PathBuf>, options: CsvOptions) -> Result<Self, SourceError> {
        let files = Files { name: name.into(), path: path.into(), options };
        if matches!(options.delimiter, b'"' | b'\r' | b'\n') || !options.delimiter.is_ascii() {
            return Err(files.cannot_open("the delimiter must be one ASCII character, no quote and no line end"));
        }
        if files.tables()?.is_empty() {
            let why = format!("there is no .{ENDING} file in {}: put the files there", files.path.display());
            return Err(files.cannot_open(why));
        }
        Ok(Self { files: Arc::new(files), executor: Executor::Threads })
    }

    /// The same source with its blocking work somewhere else.
    #[must_use]
    pub fn with_executor(mut self, executor: Executor) -> Self {
        self.executor = executor;
        self
    }

    async fn once<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Files) -> Result<T, SourceError> + Send + 'static,
    ) -> Result<T, SourceError> {
        let files = Arc::clone(&self.files);
        stream::once(self.executor, &self.files.name, move || work(&files)).await
    }
}

impl Files {
    fn cannot_open(&self, why: impl Into<String>) -> SourceError {
        SourceError::Open { name: self.name.clone(), source: cause(why) }
    }

    fn failed(&self, what: &str, error: std::io::Error) -> SourceError {
        SourceError::Query { name: self.name.clone(), what: shorten(what), source: Box::new(error) }
    }

    /// The tables with their files, by name.
    fn tables(&self) -> Result<Vec<(String, PathBuf)>, SourceError> {
        let found = match self.path.metadata() {
            Ok(found) => found,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let why = format!(
                    "there is no file or folder {}: correct the path in the configuration",
                    self.path.display()
                );
                return Err(self.cannot_open(why));
            }
            Err(error) => return Err(SourceError::Open { name: self.name.clone(), source: Box::new(error) }),
        };
        if !found.is_dir() {
            return Ok(vec![(stem(&self.path), self.path.clone())]);
        }
        let list = || {
            let mut tables = Vec::new();
            for file in self.path.read_dir()? {
                let path = file?.path();
                let is_table = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case(ENDING));
                if is_table && path.is_file() {
                    tables.push((stem(&path), path));
                }
            }
            tables.sort();
            Ok(tables)
        };
        list().map_err(|error| self.failed("what files it has", error))
    }

    /// Opens the file of a selection and reads its header.
    fn reading(&self, select: &Select) -> Result<Reading, SourceError> {
        let wanted = match select {
            Select::Table(table) => table,
            Select::Query(query) => {
                let what = shorten(query);
                let source = cause("CSV files answer no queries: select a table");
                return Err(SourceError::Query { name: self.name.clone(), what, source });
            }
        };
        let tables = self.tables()?;
        let Some((table, path)) = tables.iter().find(|(table, _)| table == wanted) else {
            let known: Vec<&str> = tables.iter().map(|(table, _)| table.as_str()).collect();
            let (name, table, known) = (self.name.clone(), wanted.clone(), known.join(", "));
            return Err(SourceError::NoTable { name, table, known });
        };
        let file = File::open(path).map_err(|error| self.failed(table, error))?;
        let records = Records::new(BufReader::new(file), self.options.delimiter);
        Reading::start(records, self.options, table).map_err(|error| match error {
            HeaderError::Io(error) => self.failed(table, error),
            HeaderError::Unfit(why) => {
                SourceError::Query { name: self.name.clone(), what: table.clone(), source: cause(why) }
            }
        })
    }

    fn read(&self, select: &Select, opening: Opening) {
        match self.reading(select) {
            Err(error) => opening.fail(error),
            Ok(mut reading) => opening.serve(|max| {
                let table = reading.table.clone();
                reading.next(max).map_err(|error| self.failed(&table, error))
            }),
        }
    }
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// A file whose columns are known.
struct Reading {
    table: String,
    records: Records<BufReader<File>>,
    columns: Arc<[String]>,
    empty: Empty,
    /// The record that told how many columns there are, where it is data.
    first: Option<Record>,
}

enum HeaderError {
    Io(std::io::Error),
    Unfit(String),
}

impl From<std::io::Error> for HeaderError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

impl Reading {
    fn start(mut records: Records<BufReader<File>>, options: CsvOptions, table: &str) -> Result<Self, HeaderError> {
        if records.begins_like_utf16()? {
            return Err(HeaderError::Unfit("the file is UTF-16: save it as UTF-8".to_owned()));
        }
        let first = records.next()?;
        let (columns, first) = match (options.header, first) {
            (Header::First, Some(record)) => (header(&record)?, None),
            (Header::First, None) => {
                return Err(HeaderError::Unfit("the file is empty: its first line must name the columns".to_owned()));
            }
            (Header::None, None) => (Vec::new(), None),
            (Header::None, Some(record)) => ((1..=record.fields.len()).map(unnamed).collect(), Some(record)),
        };
        Ok(Self { table: table.to_owned(), records, columns: columns.into(), empty: options.empty, first })
    }

    fn next(&mut self, max: usize) -> std::io::Result<Vec<Read>> {
        let mut chunk = Vec::new();
        while chunk.len() < max {
            let record = match self.first.take() {
                Some(record) => Some(record),
                None => self.records.next()?,
            };
            let Some(record) = record else { break };
            chunk.push(self.read(&record));
        }
        Ok(chunk)
    }

    fn read(&self, record: &Record) -> Read {
        let bad = |reason: String| {
            let content = shorten(&String::from_utf8_lossy(&record.raw));
            Read::Bad { place: format!("line {}", record.line), reason, content }
        };
        if let Some(reason) = &record.fault {
            return bad(reason.clone());
        }
        if record.fields.len() != self.columns.len() {
            let reason =
                format!("the line has {} fields, but there are {} columns", record.fields.len(), self.columns.len());
            return bad(reason);
        }
        let mut cells = Vec::with_capacity(self.columns.len());
        for (field, column) in record.fields.iter().zip(self.columns.iter()) {
            let Ok(text) = std::str::from_utf8(field) else {
                return bad(format!("column {column} holds text that is not valid UTF-8"));
            };
            cells.push(match (text.is_empty(), self.empty) {
                (true, Empty::Null) => Cell::Null,
                (true, Empty::Text) | (false, _) => Cell::Text(text.to_owned()),
            });
        }
        Read::Row(Row::new(Arc::clone(&self.columns), cells))
    }
}

/// The names that a header gives.
fn header(record: &Record) -> Result<Vec<String>, HeaderError> {
    if let Some(fault) = &record.fault {
        return Err(HeaderError::Unfit(format!("its header cannot be read: {fault}")));
    }
    let mut columns: Vec<String> = Vec::with_capacity(record.fields.len());
    for (at, field) in record.fields.iter().enumerate() {
        let Ok(name) = std::str::from_utf8(field) else {
            return Err(HeaderError::Unfit(format!("the name of column {} is not valid UTF-8", at + 1)));
        };
        let name = if name.is_empty() { unnamed(at + 1) } else { name.to_owned() };
        if columns.contains(&name) {
            let why = format!("its header names two columns {name:?}: give each a name of its own");
            return Err(HeaderError::Unfit(why));
        }
        columns.push(name);
    }
    Ok(columns)
}

fn unnamed(place: usize) -> String {
    format!("column{place}")
}

#[async_trait]
impl Source for CsvSource {
    async fn tables(&self) -> Result<Vec<Table>, SourceError> {
        self.once(|files| {
            let tables = files.tables()?;
            tables
                .into_iter()
                .map(|(name, _)| {
                    let reading = files.reading(&Select::Table(name.clone()))?;
                    let column = |name: &String| Column { name: name.clone(), declared: String::new(), nullable: true };
                    let columns = reading.columns.iter().map(column).collect();
                    Ok(Table { name, columns, primary_key: Vec::new(), foreign_keys: Vec::new(), rows: None })
                })
                .collect()
        })
        .await
    }

    async fn columns(&self, select: &Select) -> Result<Vec<String>, SourceError> {
        let select = select.clone();
        self.once(move |files| Ok(files.reading(&select)?.columns.to_vec())).await
    }

    async fn open(&self, select: &Select) -> Result<Box<dyn RowReader>, SourceError> {
        let (files, select) = (Arc::clone(&self.files), select.clone());
        stream::start(self.executor, &self.files.name, move |opening| files.read(&select, opening)).await
    }
}
