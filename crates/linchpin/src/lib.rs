//! Linchpin inside a Rust program: HubSpot through one door that keeps every limit of the account.
//!
//! Typed calls wait for their turn instead of running into a 429, are repeated where that is safe, and share one budget
//! over all clones and, with a store, over restarts. Pages become items, any number of records becomes as few batches
//! as HubSpot takes, and a mapping file becomes a plan that is looked at before it is applied.
//!
//! ```
//! # use linchpin_simulator::{SimOptions, Simulator, TokenSpec};
//! use linchpin::hubspot::id::ObjectType;
//! use linchpin::hubspot::search::{Compare, Filter, Search};
//! use linchpin::{Linchpin, Tier};
//!
//! # let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
//! # runtime.block_on(async {
//! # let options = SimOptions { tokens: vec![TokenSpec::new("pat-na1-test", 7)], ..SimOptions::default() };
//! # let simulator = Simulator::start(&options, ([127, 0, 0, 1], 0).into()).await?;
//! # let base_url = simulator.url();
//! let hubspot = Linchpin::builder()
//!     .token("pat-na1-test".to_owned())
//!     .base_url(base_url) // a simulator; HubSpot itself when it is left out
//!     .tier(Tier::Professional)
//!     .open()
//!     .await?;
//!
//! let ada = hubspot.create("contacts", [("email", "ada@example.test"), ("firstname", "Ada")]).await?;
//! let mut contacts = hubspot.list("contacts", &["email"]);
//! while let Some(contact) = contacts.next().await? {
//!     assert_eq!((contact.id, contact.value("email")), (ada.id, Some("ada@example.test")));
//! }
//!
//! // Every call of HubSpot's CRM is a value of `linchpin::hubspot`. The index of a search lags behind writes.
//! let named = Search::of(ObjectType::new("contacts")).all_of([Filter::compare("firstname", Compare::Eq, "Ada")]);
//! assert!(hubspot.send(&named).await?.total <= 1);
//! hubspot.close().await?;
//! # simulator.stop().await;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What it is not: no command line, no web, no configuration of its own; those are in the binary.
//! Errors carry the codes of `docs/errors` ([`Error::code`]).

mod acquaintance;
mod batches;
mod builder;
mod client;
mod door;
mod error;
mod pages;
mod sync;

pub use batches::{Batched, FailedBatch};
pub use builder::Builder;
pub use client::Linchpin;
pub use door::dice;
pub use error::Error;
pub use pages::Pages;
pub use sync::{Planned, Sources, Sync};

pub use linchpin_core::schedule::lanes::Lane;
pub use linchpin_core::schedule::limits::{AppKind, Tier};
pub use linchpin_core::sync::run::{Plan, RejectedRow, Run, RunId, RunState};
pub use linchpin_engine::sync::{Account, Applied, Unwatched, Watch};
pub use linchpin_engine::tasks::Tasks;
pub use linchpin_engine::upstream::{BaseUrl, BaseUrlError};
pub use linchpin_mapping::{Problem, Severity};
pub use linchpin_ports::credentials::{CredentialKind, Credentials, CredentialsError, Token};
pub use linchpin_ports::source::Source;
pub use linchpin_ports::store::Stores;
pub use linchpin_sources::CsvOptions;

/// HubSpot itself: typed calls, ids, limits, errors.
pub use linchpin_hubspot as hubspot;
/// Asks a run to stop.
pub use tokio_util::sync::CancellationToken;
