//! Runs of the whole: on one simulated clock under a seed (`desk`), and with the real binary, real files, real sockets
//! and kill -9 (the other modules).
//!
//! This library is the harness; the trials themselves are the tests beside it. The harness of the real binary knows
//! Linchpin only from outside: the command line, the configuration file, the simulator's control API and the source's
//! rows. What a run should have done is computed here again, from the source, without the crates that did it.
//!
//! Invariants: nothing waits for a time, only for a state, and every wait has a limit; every process that is started is
//! stopped; a random choice comes from a seed that is printed.

pub mod bench;
pub mod bench_stub;
pub mod binary;
pub mod chinook;
pub mod clients;
pub mod control;
pub mod deliveries;
pub mod desk;
pub mod generated;
pub mod hearing;
pub mod ledger;
pub mod mutate;
pub mod parameters;
pub mod raw;
pub mod records;
pub mod shop;
pub mod simulator;
pub mod soak;
pub mod tables;
pub mod transparency;
pub mod two_sides;
pub mod workplace;

/// Prints one figure for the report of a proof.
#[expect(clippy::print_stdout, reason = "reports are made from what a trial prints")]
pub fn figure(name: &str, value: impl std::fmt::Display) {
    println!("figure: {name} = {value}");
}
