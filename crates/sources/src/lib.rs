//! Reads systems of record: SQLite databases and CSV files.
//!
//! A source hands out tables of rows as they are stored and interprets nothing: what a value means is the mapping's
//! business. What is no row is reported as such, never dropped. Nothing here ever writes to a source.

mod csv;
mod sqlite;
mod stream;

pub use linchpin_ports::executor::Executor;

pub use crate::csv::{CsvOptions, CsvSource, Empty, Header};
pub use crate::sqlite::SqliteSource;

/// How much of a query or of damaged content is shown to people, in characters.
const SHOWN_CHARS_MAX: usize = 200;

/// The beginning of a text, for people.
fn shorten(text: &str) -> String {
    let mut chars = text.chars();
    let mut shown: String = chars.by_ref().take(SHOWN_CHARS_MAX).collect();
    if chars.next().is_some() {
        shown.push('…');
    }
    shown
}

/// A cause that is a sentence.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Cause(String);

/// Boxes a sentence as the cause of an error.
fn cause(sentence: impl Into<String>) -> Box<dyn std::error::Error + Send + Sync> {
    Box::new(Cause(sentence.into()))
}
