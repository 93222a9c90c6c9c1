//! A source that makes its rows up as they are read: any size, no disk.

use std::sync::Arc;

use async_trait::async_trait;
use linchpin_core::sync::row::{Cell, Row};
use linchpin_ports::source::{Read, RowReader, Select, Source, SourceError, Table};

/// The mapping that goes with it: contacts with a key of their own.
pub const MAPPING: &str = r"
sync:
  entries:
    users:
      source: made_up
      table: users
      key: id
      object: contacts
      identity:
        unique: trial_user_id
        create: {label: Trial user id}
      fields:
        trial_user_id: id
        firstname: first
        city: city
";

/// So many users, each row a function of its number.
#[derive(Clone, Debug)]
pub struct Users {
    /// How many.
    pub rows: i64,
}

#[async_trait]
impl Source for Users {
    async fn tables(&self) -> Result<Vec<Table>, SourceError> {
        Ok(Vec::new())
    }

    async fn columns(&self, _select: &Select) -> Result<Vec<String>, SourceError> {
        Ok(names().to_vec())
    }

    async fn open(&self, _select: &Select) -> Result<Box<dyn RowReader>, SourceError> {
        Ok(Box::new(Reader { columns: names(), next: 0, rows: self.rows }))
    }
}

fn names() -> Arc<[String]> {
    ["id", "first", "city"].map(str::to_owned).into()
}

struct Reader {
    columns: Arc<[String]>,
    next: i64,
    rows: i64,
}

#[async_trait]
impl RowReader for Reader {
    async fn next(&mut self, max: usize) -> Result<Vec<Read>, SourceError> {
        let end = self.rows.min(self.next + i64::try_from(max).unwrap_or(i64::MAX));
        let numbers = self.next..end;
        self.next = end;
        let city = |number: i64| match number % 3 {
            0 => "Oslo",
            1 => "Rome",
            _ => "Lima",
        };
        let row = |number: i64| {
            let cells =
                vec![Cell::Int(number), Cell::Text(format!("User {number}")), Cell::Text(city(number).to_owned())];
            Read::Row(Row::new(Arc::clone(&self.columns), cells))
        };
        Ok(numbers.map(row).collect())
    }
}
