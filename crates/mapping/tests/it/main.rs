//! Tests of the whole crate from outside.

mod chinook;
mod problems;
mod support;
