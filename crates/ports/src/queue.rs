//! The durable queue of operations.

use async_trait::async_trait;
use linchpin_core::sync::operation::{Ended, Operation, OperationId};
use linchpin_core::sync::run::RunId;
use linchpin_core::time::Wall;
use linchpin_hubspot::id::{Install, RecordId};

use crate::mirror::MirrorRecord;
use crate::store::StoreError;

/// An operation that has been taken from the queue.
#[derive(Clone, Debug, PartialEq)]
pub struct Claimed {
    /// The operation.
    pub operation: Operation,
    /// How often it has been claimed, this time included.
    pub attempts: u32,
    /// When it was claimed last.
    pub at: Wall,
    /// The highest record id of its object type that was known when it was claimed: a record that a lost answer
    /// created lies above it.
    pub floor: RecordId,
}

/// What is left of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outlook {
    /// Operations that wait.
    pub waiting: u64,
    /// Operations that are claimed.
    pub sent: u64,
    /// The earliest due time among the waiting ones of the lowest unsettled stage.
    pub next_due: Option<Wall>,
}

/// The effects of one answer, written as one.
#[derive(Clone, Debug, Default)]
pub struct Settlement {
    /// How each operation ended.
    pub ended: Vec<(OperationId, Ended)>,
    /// Records as the answer showed them.
    pub mirror: Vec<MirrorRecord>,
}

/// The queue.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Takes up to `limit` operations of a run in `Applying` that may share one call: equal pack key, all due, of the
    /// lowest stage that has unsettled operations, first come first served (by due time, then by `seq`), no more than
    /// the smallest `pack_max` among them. They are durably `Sent` before this returns: no two claimers get the same operation.
    /// Refused when the run is not `Applying`. `None` when nothing may be claimed now; see [`Queue::outlook`].
    async fn claim(
        &self,
        install: Install,
        run: RunId,
        limit: u16,
        now: Wall,
    ) -> Result<Option<Vec<Claimed>>, StoreError>;

    /// Writes how claimed operations ended, with the links, associations and records that they leave behind: all or
    /// nothing. `Unknown` ones stay `Sent`. A rejected one is kept with its reason. Settling an operation as done moves
    /// the links' revision. Refused if an operation is not `Sent`: a settlement repeated after a lost answer is refused,
    /// unless it settled nothing.
    async fn settle(&self, install: Install, settlement: Settlement, now: Wall) -> Result<(), StoreError>;

    /// All operations of the run in state `Sent`, in order: after a crash, those whose outcome is unknown.
    async fn in_doubt(&self, install: Install, run: RunId) -> Result<Vec<Claimed>, StoreError>;

    /// What is left of a run.
    async fn outlook(&self, install: Install, run: RunId) -> Result<Outlook, StoreError>;
}
