//! A run: one plan and its application.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::desired::{EntryName, Rejection, RowId};
use crate::time::Wall;

/// Names a run. Made from clock and dice by the shell: milliseconds in the upper 44 bits, dice below, so it ascends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub u64);

impl RunId {
    const DICE_BITS: u32 = 19;

    /// Makes an id from the wall clock and 19 bits of dice; 63 bits in all, so that SQL integers hold it.
    pub fn new(now: Wall, dice: u64) -> Self {
        let millis = u64::try_from(now.0).unwrap_or(0);
        Self(((millis << Self::DICE_BITS) | (dice & ((1 << Self::DICE_BITS) - 1))) & (u64::MAX >> 1))
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r{:x}", self.0)
    }
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// The plan is being made; a crash discards it.
    Planning,
    /// The plan is complete and will never change.
    Planned,
    /// Being applied; a crash resumes it.
    Applying,
    /// Every operation is done or rejected.
    Finished,
    /// Given up before it was applied (replaced by a newer plan, or stale).
    Dropped,
}

/// One run as the store keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Its name.
    pub id: RunId,
    /// Where it stands.
    pub state: RunState,
    /// When planning began.
    pub began: Wall,
    /// A fingerprint of the mapping that it was made with.
    pub mapping: u64,
    /// The revision of the links that the plan was made from: a plan whose links have moved on is stale.
    pub revision: u64,
    /// The plan's summary, once planned.
    pub plan: Option<Plan>,
}

/// What a plan says, for people and for `--json`. The operations themselves are in the queue.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Per mapping entry, in the order of application.
    pub entries: Vec<EntryPlan>,
    /// Key properties that must be created first, as `object.property`.
    pub properties_to_create: Vec<String>,
    /// What people should know, most important first; the number of rows each concerns.
    pub warnings: Vec<PlanWarning>,
    /// What it costs.
    pub cost: Cost,
}

/// The plan for one mapping entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryPlan {
    /// The entry.
    pub entry: EntryName,
    /// The object type, as shown.
    pub object: String,
    /// Counts of rows and operations.
    #[serde(flatten)]
    pub counts: EntryCounts,
}

/// Counts for one entry: `rows = creates + updates + unchanged + rejected + skipped`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryCounts {
    /// Rows read from the source.
    pub rows: u64,
    /// Rows that the filter left out.
    pub skipped: u64,
    /// Records to create.
    pub creates: u64,
    /// Records to update.
    pub updates: u64,
    /// Records that are as they should be.
    pub unchanged: u64,
    /// Rows that cannot be synced.
    pub rejected: u64,
    /// Associations to make.
    pub associations: u64,
    /// Associations to remove.
    pub dissociations: u64,
    /// Linked records whose row is gone from the source: reported, left alone.
    pub gone: u64,
}

/// One kind of warning with the number of rows it concerns and a few examples.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanWarning {
    /// A stable code to look up.
    pub code: String,
    /// The entry concerned.
    pub entry: EntryName,
    /// The property concerned, if one is.
    pub property: Option<String>,
    /// What it is about.
    pub note: String,
    /// How many rows.
    pub rows: u64,
    /// The keys of the first few rows.
    pub examples: Vec<String>,
}

/// What a plan costs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Write calls, by what they do (`upsert companies`).
    pub writes: BTreeMap<String, u64>,
    /// All write calls.
    pub write_calls: u64,
    /// Metadata and comparison reads that making the plan took.
    pub read_calls: u64,
    /// Minutes that the writes take at the account's limit.
    pub minutes: f64,
    /// Calls that a program writing one record at a time would spend.
    pub one_by_one: u64,
}

impl Plan {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.properties_to_create.is_empty()
            && self.entries.iter().all(|entry| {
                let c = entry.counts;
                c.creates + c.updates + c.associations + c.dissociations == 0
            })
    }
}

/// A row that was not synced, kept with its reason until it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedRow {
    /// The row; its key may be empty when the key itself was the trouble.
    pub row: RowId,
    /// Why.
    pub rejection: Rejection,
    /// The row as read or the payload as sent, as JSON, for repair.
    pub content: String,
}
