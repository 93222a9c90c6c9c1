//! The faces of Linchpin.
//!
//! [`gateway`] is a HubSpot that any client can call by changing its base URL; [`listen`] serves it on a socket, on the
//! threads of [`workers`]. None decides anything about HubSpot: calls go to [`linchpin_engine::gateway`], and come back
//! as HubSpot's answers. [`admin`] shows what the gateway does, under paths of our own.

pub mod admin;
pub mod callers;
mod dead_letters;
pub mod gateway;
pub mod listen;
pub mod metrics;
mod operations;
mod refusal;
pub mod telling;
pub mod webhooks;
pub mod workers;
