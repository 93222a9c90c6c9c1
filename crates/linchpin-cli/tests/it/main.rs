//! The binary as other programs see it: exit codes, standard output, the simulator behind it on loopback.

#![expect(clippy::unwrap_used, clippy::panic, reason = "whatever does not work in a test fails the test")]

mod command;
mod failures;
mod session;
