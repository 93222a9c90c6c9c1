//! A faithful HubSpot on your desk.
//!
//! The model of a portal is a pure machine: it is told the time and handed its dice, so the same seed and the same
//! requests give the same bytes. HTTP, the clock and the control API are a shell around it.
//! This crate shares no code with Linchpin's client: a misreading of HubSpot in one is caught by the other.

pub mod model;
pub mod wire;
