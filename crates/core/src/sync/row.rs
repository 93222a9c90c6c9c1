//! A row of a system of record, before any mapping.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// One value of a source column, in the source's own type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Cell {
    /// No value.
    Null,
    /// A truth value, where the source has the type.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A floating-point number.
    Real(f64),
    /// Text, dates and decimals included where the source keeps them as text.
    Text(String),
}

impl Cell {
    /// The value as text, the way a person would write it; `None` for null.
    pub fn to_text(&self) -> Option<String> {
        match self {
            Self::Null => None,
            Self::Bool(value) => Some(value.to_string()),
            Self::Int(value) => Some(value.to_string()),
            Self::Real(value) => Some(value.to_string()),
            Self::Text(value) => Some(value.clone()),
        }
    }
}

/// One row: the column names are shared by all rows of a read.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    columns: Arc<[String]>,
    cells: Vec<Cell>,
}

impl Row {
    /// Pairs names with values.
    ///
    /// # Panics
    /// If there are not as many cells as columns: a source that does so is broken.
    pub fn new(columns: Arc<[String]>, cells: Vec<Cell>) -> Self {
        assert_eq!(columns.len(), cells.len(), "a row has one cell for each column");
        Self { columns, cells }
    }

    /// The value of a column; `None` if the row has no such column.
    pub fn get(&self, column: &str) -> Option<&Cell> {
        self.columns.iter().position(|name| name == column).and_then(|at| self.cells.get(at))
    }

    /// The value at a position of [`Self::columns`]: for readers that look the position up once for many rows.
    pub fn at(&self, position: usize) -> Option<&Cell> {
        self.cells.get(position)
    }

    /// Names and values in the source's order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Cell)> {
        self.columns.iter().map(String::as_str).zip(&self.cells)
    }

    /// The column names.
    pub fn columns(&self) -> &Arc<[String]> {
        &self.columns
    }
}
