//! How far each app's journal has been read, and what only one of webhooks and journal has told.

use std::collections::BTreeMap;

use async_trait::async_trait;
use linchpin_core::time::Wall;
use linchpin_hubspot::id::AppId;

use crate::event_log::{Accepted, NewEvent};
use crate::store::StoreError;

/// How far an app's journal has been read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The last entry whose events are in the log; none where the next is the oldest that HubSpot keeps.
    pub offset: Option<String>,
    /// When the journal was first read: earlier events are not compared.
    pub began_at: Wall,
    /// Everything that HubSpot published before this moment has been read.
    pub read_until: Option<Wall>,
    /// When HubSpot last answered for this journal.
    pub asked_at: Option<Wall>,
    /// The last span of time of which entries may never have been read.
    pub gap: Option<Gap>,
}

impl Checkpoint {
    /// Before anything is read.
    pub fn begin(now: Wall) -> Self {
        Self { offset: None, began_at: now, read_until: None, asked_at: None, gap: None }
    }
}

/// A span of time of which entries may never have been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Everything before this moment has been read.
    pub from: Wall,
    /// It was noticed then.
    pub until: Wall,
}

/// How many changes only one of the two has told, by their kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// Only the journal.
    pub by_journal_alone: BTreeMap<String, u64>,
    /// Only webhooks.
    pub by_webhooks_alone: BTreeMap<String, u64>,
    /// Both.
    pub by_both: u64,
    /// Whether there may be more to compare.
    pub more: bool,
}

/// Where journals are remembered.
#[async_trait]
pub trait Journals: Send + Sync {
    /// How far an app's journal has been read; none if it never was.
    async fn checkpoint(&self, app: AppId) -> Result<Option<Checkpoint>, StoreError>;

    /// Stores events as [`EventLog::accept`](crate::event_log::EventLog::accept) does and replaces the app's
    /// checkpoint: both or neither. Durable when it returns.
    async fn take(
        &self,
        app: AppId,
        events: Vec<NewEvent>,
        checkpoint: Checkpoint,
        now: Wall,
    ) -> Result<Accepted, StoreError>;

    /// Compares, in all logs of the app, up to `limit` events of each that came in before `until` and have not been
    /// compared: every event is compared once. Counted are changes of kinds that both tell, and that came in at
    /// `since` or later; a change is told by both once [`EventLog::accept`](crate::event_log::EventLog::accept) or
    /// [`Journals::take`] has seen it from both.
    async fn compare(&self, app: AppId, since: Wall, until: Wall, limit: u16) -> Result<Compared, StoreError>;
}
