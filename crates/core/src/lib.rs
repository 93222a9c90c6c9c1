//! Decides what Linchpin does next.
//!
//! Pure: no runtime, no files, no clock, no dice of its own. Machines are told the time and return actions; deciders
//! are functions from a snapshot to a plan.

pub mod echo;
pub mod follow;
pub mod gateway;
pub mod ingress;
pub mod outbound;
pub mod schedule;
pub mod subscribers;
pub mod sync;
pub mod time;
pub mod verdict;
