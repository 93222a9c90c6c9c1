//! What goes wrong inside a transaction, before it is known for whom it goes wrong.
//!
//! `Fault` lets statements use `?`; the door of the store turns it into a `StoreError` with the intent.

use linchpin_ports::store::{Refusal, StoreError};

/// Why a job did not succeed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// SQLite refused or failed.
    #[error(transparent)]
    Sql(#[from] rusqlite::Error),
    /// The file or its lock cannot be opened, or a thread cannot be started.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A value cannot be written as JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// A number does not fit an SQL integer.
    #[error("{0} is too large for the store")]
    TooLarge(u64),
    /// A write touched another number of rows than it must.
    #[error("a write to {table} touched {touched} rows instead of {expected}")]
    Touched { table: &'static str, touched: usize, expected: usize },
    /// A stored value cannot be read back.
    #[error("damaged row in {0:?}")]
    Corrupt(Place),
    /// The present state forbids it.
    #[error("{0}")]
    Refused(#[from] Refusal),
}

/// Where a stored value lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) table: &'static str,
    pub(crate) column: &'static str,
    pub(crate) key: String,
}

impl Fault {
    /// The error that the caller sees.
    pub(crate) fn during(self, intent: &'static str) -> StoreError {
        match self {
            Self::Refused(refusal) => StoreError::Refused(refusal),
            Self::Corrupt(Place { table, column, key }) => StoreError::Corrupt { table, column, key },
            fault @ (Self::Sql(_) | Self::Io(_) | Self::Json(_) | Self::TooLarge(_) | Self::Touched { .. }) => {
                StoreError::Unavailable { intent, source: Box::new(fault) }
            }
        }
    }
}

/// Checks that a write touched as many rows as it must.
pub(crate) fn touched(table: &'static str, touched: usize, expected: usize) -> Result<(), Fault> {
    if touched == expected { Ok(()) } else { Err(Fault::Touched { table, touched, expected }) }
}
