//! Remembers, in one embedded SQLite file.
