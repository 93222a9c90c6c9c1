//! From rows of a system of record to operations on HubSpot: what a record should be, what it was when both sides
//! last agreed, what to do about the difference.

pub mod desired;
pub mod diff;
pub mod link;
pub mod operation;
pub mod plan;
pub mod row;
pub mod run;
