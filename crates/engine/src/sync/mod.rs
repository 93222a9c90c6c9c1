//! Sync from a system of record to HubSpot: survey the portal, plan, apply exactly the plan.
//!
//! These are shells: they load, ask `core::sync` and write down. What they decide is nothing.

mod abandon;
mod adopt;
mod apply;
mod batch;
mod error;
mod lookup;
mod plan;
mod resolve;
mod schema;
mod survey;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use linchpin_core::sync::plan::Pace;
use linchpin_hubspot::id::Install;
use linchpin_ports::source::Source;
use linchpin_ports::store::Stores;

use crate::clock::Clock;
use crate::hub::Hub;

pub use abandon::abandon;
pub use apply::{Applied, CHECKPOINT_BATCHES_MAX, apply};
pub use error::{SyncError, store_code};
pub use plan::plan;
pub use survey::{Account, identify, survey};

/// The sources of the configuration, by name.
pub type Sources = BTreeMap<String, Arc<dyn Source>>;

/// Everything that planning and applying work with.
#[derive(Clone)]
pub struct Context {
    /// Whose data it is.
    pub install: Install,
    /// What remembers.
    pub stores: Stores,
    /// HubSpot, by typed calls through the one door.
    pub hub: Hub,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Limits and choices.
    pub options: Options,
}

/// Named limits and choices of a sync.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Rows that are read, mapped and stored as one chunk of a plan.
    pub chunk_rows: usize,
    /// Comparison reads that planning keeps in flight.
    pub reads_in_flight: usize,
    /// Batches that applying keeps in flight (waiting for a permit included).
    pub batches_in_flight: usize,
    /// How long HubSpot may still be working on a call whose answer was lost: a lost creation is not resolved earlier.
    pub lost_write_settles: Duration,
    /// Plan only this share of the rows, chosen by their keys; `None` for all.
    pub sample: Option<f64>,
    /// Calls a second at the account's limits, for the plan's estimate.
    pub pace: Pace,
    /// Dice for run ids and the like.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            chunk_rows: 1_000,
            reads_in_flight: 10,
            batches_in_flight: 32,
            lost_write_settles: Duration::from_secs(10),
            sample: None,
            pace: Pace { ordinary: 19.0, associations: 15.0 },
            seed: 0,
        }
    }
}

/// Somebody who watches: a progress bar, a log, nobody.
pub trait Watch: Send + Sync {
    /// Planning has read so many rows of an entry.
    fn planning(&self, entry: &str, rows: u64, total: Option<u64>);

    /// So many operations of the run are settled; the stage is what is being worked on.
    fn applying(&self, done: u64, total: u64, stage: &str);

    /// Something happened that a person wants to know (a resume, a wait).
    fn note(&self, text: &str);
}

/// Nobody watches.
#[derive(Clone, Copy, Debug)]
pub struct Unwatched;

impl Watch for Unwatched {
    fn planning(&self, _entry: &str, _rows: u64, _total: Option<u64>) {}

    fn applying(&self, _done: u64, _total: u64, _stage: &str) {}

    fn note(&self, _text: &str) {}
}
