//! A faithful HubSpot on your desk.
//!
//! The model of a portal is a pure machine: it is told the time and handed its dice, so the same seed and the same
//! requests give the same bytes. HTTP, the clock and the control API are a shell around it.
//! This crate shares no code with Linchpin's client: a misreading of HubSpot in one is caught by the other.

mod clock;
mod control;
mod credential;
mod desk;
mod dice;
mod envelope;
mod faults;
pub mod hub;
mod latency;
pub mod ledger;
pub mod limits;
pub mod model;
mod options;
mod own;
mod refusal;
pub mod routes;
mod server;
pub mod wire;

pub use control::{ADVANCE_MS_MAX, CONTROL_PREFIX};
pub use credential::{Credential, CredentialKind};
pub use desk::{Broken, InProcess};
pub use faults::{FAULT_DELAY_MS_MAX, FAULT_RULES_MAX, Fault, FaultRule, FaultRuleError, ForcedPolicy};
pub use hub::Hub;
pub use limits::{Tier, WindowModel};
pub use options::{APP_ID_DEFAULT, LATENCY_MS_MAX, PORTAL_ID_DEFAULT, SimOptions, StartError, StartFile, TokenSpec};
pub use server::{BODY_BYTES_MAX, CONNECTIONS_MAX, Running, Simulator};
