//! When each call may leave: budget, lanes, coalescer, breaker and retry as small machines, and the scheduler that
//! composes them.

mod permit;

pub use permit::{Permit, PermitId};
