//! One module for each command, and what several of them show.

pub(crate) mod audit;
mod audit_view;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod dlq;
pub(crate) mod init;
pub(crate) mod listen;
pub(crate) mod plan;
pub(crate) mod plan_view;
pub(crate) mod rejected;
pub(crate) mod schema;
pub(crate) mod serve;
pub(crate) mod sim;
pub(crate) mod sync;
pub(crate) mod webhooks;
mod webhooks_view;
