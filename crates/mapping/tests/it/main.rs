//! Tests of the whole crate from outside.
#![expect(clippy::unwrap_used, clippy::panic, reason = "the helpers of tests fail loudly, as the tests do")]

mod chinook;
mod problems;
mod proposal;
mod rows;
mod support;
