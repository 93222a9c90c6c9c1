//! What all stores have in common: how they fail, and the bundle that the engine is given.

use std::sync::Arc;

use crate::budget::BudgetRecords;
use crate::dead_letters::DeadLetters;
use crate::event_log::EventLog;
use crate::follow::Follow;
use crate::journal::Journals;
use crate::links::Links;
use crate::mirror::Mirror;
use crate::operations::Operations;
use crate::queue::Queue;
use crate::runs::Runs;
use crate::subscribers::Subscribers;

/// Why a store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk is full, the file is gone, the server does not answer. Nothing was written, unless only the answer was
    /// lost: a caller that cannot tell reads before it repeats.
    #[error("the store cannot {intent}")]
    Unavailable {
        /// What was asked (`settle operations`).
        intent: &'static str,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A stored value cannot be read back: a bad row is an error that says where, not a panic.
    #[error("the store holds a damaged row: table {table}, column {column}, key {key}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The key of the row.
        key: String,
    },
    /// The caller asked for something that the present state forbids. Nothing was written.
    #[error("{0}")]
    Refused(Refusal),
}

/// What a store refuses, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Another process has this store open.
    #[error("another Linchpin process owns this store: stop it, or give this one a store of its own")]
    Owned,
    /// The file is not a store.
    #[error("the file is another program's database, not a Linchpin store: give the store a path of its own")]
    Foreign,
    /// The store was written by a newer Linchpin.
    #[error("the store has schema {found}, this program knows {known}: use the newer Linchpin that wrote it")]
    TooNew {
        /// The schema number of the store.
        found: u32,
        /// The newest one that this program knows.
        known: u32,
    },
    /// There is no such run.
    #[error("there is no run {0}")]
    UnknownRun(String),
    /// The run is not in the state that the call needs.
    #[error("run {run} is {found:?}, which does not allow this")]
    WrongState {
        /// The run.
        run: String,
        /// Its state.
        found: linchpin_core::sync::run::RunState,
    },
    /// The links have changed since the plan was made.
    #[error("the plan is stale: it was made at revision {planned}, the links are at {current}; make a new plan")]
    Stale {
        /// The revision that the plan was made from.
        planned: u64,
        /// The present revision.
        current: u64,
    },
    /// Operations of a plan must ascend by `seq` and belong to the run that they are added to.
    #[error("operation {0} is out of the plan's order")]
    OutOfOrder(String),
    /// An operation that is not claimed cannot be settled.
    #[error("operation {0} is not claimed")]
    NotClaimed(String),
    /// A promised write is not in the state that the call needs, or not there.
    #[error("promised write {0} is not in the state for this")]
    WriteState(String),
    /// An update was made from what is no longer the last.
    #[error("{0}: look again, and decide again")]
    Moved(String),
}

/// Everything the engine remembers with; usually one store behind all of them.
#[derive(Clone)]
pub struct Stores {
    /// Runs and their plans.
    pub runs: Arc<dyn Runs>,
    /// The durable queue.
    pub queue: Arc<dyn Queue>,
    /// Which row is which record.
    pub links: Arc<dyn Links>,
    /// Records as HubSpot last showed them.
    pub mirror: Arc<dyn Mirror>,
    /// The budget's memory across restarts.
    pub budget: Arc<dyn BudgetRecords>,
    /// What HubSpot has told.
    pub events: Arc<dyn EventLog>,
    /// How far journals have been read.
    pub journals: Arc<dyn Journals>,
    /// Writes that the gateway has promised to make.
    pub operations: Arc<dyn Operations>,
    /// How far what HubSpot has told is in the mirror.
    pub follow: Arc<dyn Follow>,
    /// Those of them that ended without success.
    pub dead_letters: Arc<dyn DeadLetters>,
    /// How far subscribers have come.
    pub subscribers: Arc<dyn Subscribers>,
}
