//! Reads systems of record: SQLite databases and CSV files.
