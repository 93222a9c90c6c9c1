//! Runs: a plan is made in chunks, sealed, started once, and finished once or abandoned.

use std::collections::BTreeMap;

use async_trait::async_trait;
use linchpin_core::sync::desired::EntryName;
use linchpin_core::sync::link::{AssociationLink, Link};
use linchpin_core::sync::operation::{Operation, OperationState};
use linchpin_core::sync::run::{Plan, RejectedRow, Run, RunId};
use linchpin_core::time::Wall;
use linchpin_hubspot::id::Install;

use crate::mirror::MirrorRecord;
use crate::store::StoreError;

/// A part of a plan, stored as one.
#[derive(Clone, Debug, Default)]
pub struct PlanChunk {
    /// The operations, ascending by `seq`.
    pub operations: Vec<Operation>,
    /// Rows that cannot be synced.
    pub rejected: Vec<RejectedRow>,
    /// Links to records that were found in HubSpot: they hold whatever becomes of the plan.
    pub links: Vec<Link>,
    /// Associations found in HubSpot.
    pub associations: Vec<AssociationLink>,
    /// Records that were read on the way.
    pub mirror: Vec<MirrorRecord>,
}

/// How many operations of one kind are in which state.
pub type Progress = BTreeMap<(u16, EntryName, String, OperationState), u64>;

/// How many ended runs are remembered with their rejected rows, which are rows of somebody's database.
pub const ENDED_RUNS_KEPT_MAX: usize = 50;

/// The book of runs.
#[async_trait]
pub trait Runs: Send + Sync {
    /// Opens a run in state `Planning`; refused if the run exists. Other runs of the install in `Planning` are dropped
    /// with their operations. Of the ended runs (finished or dropped) the newest [`ENDED_RUNS_KEPT_MAX`] stay, older ones
    /// are forgotten with their rejected rows.
    async fn begin(&self, install: Install, run: RunId, mapping: u64, now: Wall) -> Result<(), StoreError>;

    /// Adds a chunk to a run in `Planning`: all of it or nothing. Links and associations replace those of the same row.
    /// Operations that do not ascend by `seq`, over all chunks, are refused.
    async fn extend(&self, install: Install, run: RunId, chunk: PlanChunk) -> Result<(), StoreError>;

    /// Completes the plan: `Planned`, at the links' present revision. Other runs in `Planned` are dropped with their
    /// operations. From here on the plan never changes.
    async fn seal(&self, install: Install, run: RunId, plan: Plan) -> Result<Run, StoreError>;

    /// `Planned` to `Applying`. Refused as stale if the links' revision is not the plan's, and while another run of the
    /// install is being applied. Starting a run that is being applied already is harmless.
    async fn start(&self, install: Install, run: RunId) -> Result<Run, StoreError>;

    /// `Applying` to `Finished`; refused while an operation is waiting or sent. Operations that are done are forgotten,
    /// the rejected rows and the counts stay. Finishing a finished run is harmless.
    async fn finish(&self, install: Install, run: RunId) -> Result<Run, StoreError>;

    /// `Planned` or `Applying` to `Dropped`: given up. Its operations are forgotten, those that may be on their way
    /// among them; what was written down of links, associations and records stays. Refused in every other state, but
    /// abandoning a dropped run is harmless.
    async fn abandon(&self, install: Install, run: RunId) -> Result<Run, StoreError>;

    /// One run.
    async fn get(&self, install: Install, run: RunId) -> Result<Run, StoreError>;

    /// The newest run that is planned or being applied; one being applied comes first.
    async fn open_run(&self, install: Install) -> Result<Option<Run>, StoreError>;

    /// The last runs, newest first.
    async fn recent(&self, install: Install, limit: usize) -> Result<Vec<Run>, StoreError>;

    /// Counts of a run's operations by stage, entry, verb and state (only those above zero); cheap enough to ask for
    /// while a progress bar moves. A finished run still tells what it did.
    async fn progress(&self, install: Install, run: RunId) -> Result<Progress, StoreError>;

    /// The rows that a run rejected, when planning and when applying, in the order of rejection, after the first `skip`.
    async fn rejected(
        &self,
        install: Install,
        run: RunId,
        skip: usize,
        limit: usize,
    ) -> Result<Vec<RejectedRow>, StoreError>;
}
