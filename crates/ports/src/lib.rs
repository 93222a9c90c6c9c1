//! What we ask of the world, as traits whose doc comments are the contract.
//!
//! Every sentence of a contract has a test in `conformance`, which every implementation runs.
//! One method is one intent is one transaction; no transaction handle leaves a store.
//! What a method returned as written survives a crash of the process and of the machine.

pub mod budget;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod credentials;
pub mod dead_letters;
pub mod event_log;
pub mod executor;
#[cfg(feature = "conformance")]
pub mod faulty;
pub mod follow;
pub mod journal;
pub mod links;
pub mod mirror;
pub mod operations;
pub mod queue;
pub mod runs;
pub mod source;
pub mod store;
pub mod subscribers;
