//! A faithful HubSpot on your desk.
//!
//! The model of a portal is a pure machine: it is told the time and handed its dice, so the same seed and the same
//! requests give the same bytes. HTTP, the clock and the control API are a shell around it.
//! This crate shares no code with Linchpin's client: a misreading of HubSpot in one is caught by the other.
//!
//! Three doors, from the inside out: [`Hub`] is the machine that a trial drives by hand; [`InProcess`] drives it on the
//! runtime's clock, paused or not, without sockets; [`Simulator`] listens on an address.
//!
//! ```
//! use bytes::Bytes;
//! use http::Request;
//! use linchpin_simulator::{InProcess, SimOptions, TokenSpec, wire::Millis};
//!
//! let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
//! runtime.block_on(async {
//!     let options = SimOptions { tokens: vec![TokenSpec::new("pat-test-1", 7)], ..SimOptions::default() };
//!     let desk = InProcess::start(&options, Millis(1_763_726_400_000))?;
//!     let request = Request::get("/crm/v3/objects/contacts").header("authorization", "Bearer pat-test-1");
//!     let response = desk.call(request.body(Bytes::new())?).await?;
//!     assert_eq!(response.headers()["x-hubspot-ratelimit-remaining"], "189");
//!     Ok::<(), Box<dyn std::error::Error>>(())
//! })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod clock;
mod control;
mod credential;
mod desk;
mod dice;
mod envelope;
mod faults;
pub mod fidelity;
mod front;
pub mod hub;
mod journal;
mod latency;
pub mod ledger;
pub mod limits;
pub mod model;
mod oauth;
mod options;
mod own;
mod page;
mod pipe;
mod poster;
mod refusal;
pub mod routes;
mod saved;
mod server;
mod tls;
pub mod webhooks;
pub mod wire;

pub use control::{ADVANCE_MS_MAX, CONTROL_PREFIX};
pub use credential::{Credential, CredentialKind};
pub use desk::{Broken, Deliveries, InProcess};
pub use faults::{FAULT_DELAY_MS_MAX, FAULT_RULES_MAX, Fault, FaultRule, FaultRuleError, ForcedPolicy};
pub use hub::Hub;
pub use limits::{Profile, Tier, WindowModel};
pub use model::{SEED_FILLED_MAX, SEED_RECORDS_MAX};
pub use oauth::{ACCESS_TOKEN_SECONDS, CODE_SECONDS, OauthAppSpec};
pub use options::{
    APP_ID_DEFAULT, DeveloperKey, LATENCY_MS_MAX, PORTAL_ID_DEFAULT, REMAINING_COUNTERS_MAX, SimOptions, StartError,
    StartFile, StartOptions, TokenSpec,
};
pub use pipe::{Pipe, PipeConnector};
pub use saved::{SNAPSHOT_FORMAT, SavedReport, SnapshotError};
pub use server::{BODY_BYTES_MAX, CONNECTIONS_MAX, Running, Simulator};
pub use tls::TlsError;
