//! From rows of a system of record to operations on HubSpot: what a record should be, what it was when both sides
//! last agreed, what to do about the difference.

pub mod content;
pub mod desired;
pub mod diff;
pub mod link;
pub mod operation;
pub mod plan;
pub mod reason;
pub mod row;
pub mod run;
pub mod settle;
pub mod settle_associations;
