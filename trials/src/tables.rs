//! A source of a few tables that a trial can change between two syncs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use linchpin_core::sync::row::{Cell, Row};
use linchpin_ports::source::{Read, RowReader, Select, Source, SourceError, Table};

/// Tables of texts; an empty text is a null. Clones share the rows.
#[derive(Clone, Debug, Default)]
pub struct Tables(Arc<Mutex<BTreeMap<String, Content>>>);

#[derive(Clone, Debug, Default)]
struct Content {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Tables {
    /// Replaces a table. The first column is the key by convention.
    pub fn set(&self, table: &str, columns: &[&str], rows: &[&[&str]]) {
        let texts = |row: &[&str]| row.iter().map(|text| (*text).to_owned()).collect();
        let content = Content { columns: texts(columns), rows: rows.iter().map(|row| texts(row)).collect() };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(table.to_owned(), content);
    }

    fn content(&self, table: &str) -> Content {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(table).cloned().unwrap_or_default()
    }
}

#[async_trait]
impl Source for Tables {
    async fn tables(&self) -> Result<Vec<Table>, SourceError> {
        Ok(Vec::new())
    }

    async fn columns(&self, select: &Select) -> Result<Vec<String>, SourceError> {
        let (Select::Table(table) | Select::Query(table)) = select;
        Ok(self.content(table).columns)
    }

    async fn open(&self, select: &Select) -> Result<Box<dyn RowReader>, SourceError> {
        let (Select::Table(table) | Select::Query(table)) = select;
        let content = self.content(table);
        let columns: Arc<[String]> = content.columns.into();
        let cell = |text: String| if text.is_empty() { Cell::Null } else { Cell::Text(text) };
        let row = |texts: Vec<String>| Read::Row(Row::new(Arc::clone(&columns), texts.into_iter().map(cell).collect()));
        Ok(Box::new(Pages(content.rows.into_iter().map(row).collect())))
    }
}

/// Rows that are in memory already, handed out in pages.
pub struct Pages(pub Vec<Read>);

#[async_trait]
impl RowReader for Pages {
    async fn next(&mut self, max: usize) -> Result<Vec<Read>, SourceError> {
        let rest = self.0.split_off(max.min(self.0.len()));
        Ok(std::mem::replace(&mut self.0, rest))
    }
}
